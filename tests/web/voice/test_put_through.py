"""Put through by their own choice: to the PSAP that covers the place, and back to us whatever
becomes of it. Software dials nobody else, and no PSAP where the place is not certain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from caller import ME, Caller
from phones import events

from caller_service.core.program import Numbers, OurNumber

if TYPE_CHECKING:
    from conftest import House

PSAP = "+17205550110"  # of the rehearsal's program
INSIDE, NEAR_THE_EDGE = "Main St and 3rd Ave", "nowhere that anybody knows"


def placed(house: House, place: str = INSIDE) -> Caller:
    """They wrote where they are, are in danger, and call."""
    me = house.resident(ME)
    me.texts("help", "1", "2", "2", "2", "1", "1", place, "i took all my pills", "1")
    house.sweeps()
    house.settles()
    return Caller(house).rings()


def test_in_an_emergency_it_is_offered_at_once_and_takes_two_keys(house: House) -> None:
    me = placed(house).told("spoken.wait.offer_psap")
    me.presses("7").told("spoken.wait.confirm_psap")
    assert "police" in me.said
    assert not me.dialled
    me.presses("1").told("spoken.wait.to_psap")
    number = me.document.findtext("Dial/Number")
    assert PSAP == number
    assert not me.document.find("Dial").get("callerId")  # theirs, so that they can be rung back
    assert [{"to": "psap"}] == events(house, "put_through")


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled", ""])
def test_a_line_that_does_not_answer_leaves_them_with_us(house: House, status: str) -> None:
    me = placed(house).presses("7", "1").comes_back(status)
    assert me.queue is not None
    me.told("spoken.wait.no_psap")
    assert me.case().on_line


def test_whoever_comes_back_from_it_is_with_us_again(house: House) -> None:
    me = placed(house).presses("7", "1").comes_back("completed").told("spoken.wait.after_psap")
    assert me.queue is not None


def test_another_key_than_1_dials_nobody(house: House) -> None:
    me = placed(house).presses("7", "2")
    assert me.queue is not None
    assert not me.dialled


@pytest.mark.parametrize("line", ["", "911", "+1911", "112", "933"])
def test_no_line_that_software_may_dial_is_the_words_for_911(house: House, line: str) -> None:
    program = house.parts.program
    areas = tuple(replace(area, psap="") for area in program.areas)
    numbers = replace(program.numbers, psap=line)
    house.change(program=replace(program, areas=areas, numbers=numbers))
    me = placed(house)
    assert house.words("spoken.wait.offer_psap") not in me.said
    assert "Hang up and call 911" in me.presses("7").said
    assert not me.dialled


def test_a_place_that_is_not_certain_is_the_words_for_911(house: House) -> None:
    me = placed(house, NEAR_THE_EDGE)
    assert house.words("spoken.wait.offer_psap") not in me.said
    assert "Hang up and call 911" in me.presses("7", "1").transcript()
    assert not me.dialled


def test_whoever_wants_911_is_offered_the_line_where_it_is_known(house: House) -> None:
    program = house.parts.program
    house.change(program=replace(program, phone=replace(program.phone, speech=True)))
    me = Caller(house).rings().presses("2", "2", "3").says(INSIDE).presses("1")
    me.presses("2", "2", "1", "1", "4").told("spoken.wait.offer_psap")
    me.presses("7").told("spoken.wait.confirm_psap").presses("1").told("spoken.wait.to_psap")
    assert PSAP == me.document.findtext("Dial/Number")
    me.comes_back("busy").told("spoken.wait.no_psap")
    assert me.queue is not None
    assert me.case().in_danger  # a person here is asked now


def test_a_caller_whose_number_is_hidden_is_shown_as_ours(house: House) -> None:
    me = Caller(house, "anonymous").rings().presses("0", "4", "1")
    assert "+17205550100" == me.document.find("Dial").get("callerId")


def test_the_number_that_is_shown_is_never_a_messaging_service() -> None:
    service = OurNumber("MG" + "0" * 32, ("en",))
    ours = OurNumber("+17205550101", ("en",))
    assert ("+17205550101", "") == (
        Numbers((service, ours)).caller(""), Numbers((service,)).caller("")
    )  # fmt: skip
