"""Where they are, by phone: the house number by keypad, the street in words, read back; and nothing
that was given is lost for whoever comes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from caller import Caller
from network import Network

from caller_service.core.hand_off import packet
from caller_service.core.phone_place import by_digit, keyed, number_said
from caller_service.core.protocol import Level

if TYPE_CHECKING:
    from conftest import House

TO_THE_PLACE = ("1", "2", "2", "2", "2", "1", "1", "1")  # nothing wrong, contact is safe, a team


def asked(house: House, number: str = "+17205550123") -> Caller:
    return Caller(house, number).rings().presses(*TO_THE_PLACE).told("spoken.place.number")


def speaks(house: House) -> None:
    program = house.parts.program
    house.change(program=replace(program, phone=replace(program.phone, speech=True)))


def place(house: House, me: Caller) -> dict[str, Any]:
    """As a human reads it."""
    told: dict[str, Any] = packet(me.case(), house.parts.program)["place"]
    return told


@pytest.mark.parametrize(
    ("digits", "means"),
    [
        ("1090", ("number", "1090")), ("1090#", ("number", "1090")), ("9", ("number", "9")),
        ("12*1090", ("number", "1090")), ("*0", ("person", "")), ("0", ("person", "")),
        ("1090*0", ("person", "")), ("*9", ("emergency", "")), ("*911", ("emergency", "")),
        ("*#", ("none", "")), ("#", ("none", "")), ("*", ("repeat", "")), ("", ("unread", "")),
        ("123456789", ("unread", "123456789")), ("1A", ("unread", "")), ("١٢", ("unread", "")),
    ],
)  # fmt: skip
def test_what_is_keyed_is_a_number_or_a_command_behind_a_star(
    digits: str, means: tuple[str, str]
) -> None:
    assert means == keyed(digits)


def test_numbers_are_read_back_digit_by_digit_and_streets_as_they_are() -> None:
    assert "1, 0, 9, 0 West 3rd Ave" == by_digit("1090 West 3rd Ave")
    assert ("1090", "", "") == tuple(map(number_said, ("10 90", "Elm Street", "1090 Elm")))


def test_a_house_number_with_0_and_9_is_a_number(house: House) -> None:
    me = asked(house).presses("1090").told("spoken.place.keyed", place="1, 0, 9, 0")
    assert me.queue is None
    me.presses("1").told("spoken.place.person").told("spoken.wait.start")

    assert Level.R2 == me.case().level
    assert "house number keyed: 1090" == place(house, me)["text"]
    assert "not_asked" == place(house, me)["located"]  # the street is still to be asked


def test_no_tries_once_more_and_then_a_person_has_what_was_keyed(house: House) -> None:
    me = asked(house).presses("109").presses("2").told("spoken.place.number")
    me.presses("1091").presses("2").told("spoken.place.person").told("spoken.wait.start")
    assert "house number keyed: 1091" == place(house, me)["text"]


@pytest.mark.parametrize("reads_back", [False, True])
def test_whoever_hangs_up_after_a_number_leaves_it(house: House, reads_back: bool) -> None:
    me = asked(house).presses("1090")
    if reads_back:
        me.is_silent()
    me.hangs_up()
    assert "house number keyed: 1090" == place(house, me)["text"]


def test_star_and_then_the_key_are_the_commands(house: House) -> None:
    me = asked(house).presses("*9").told("spoken.say.call_911", text_911=_text_911(house))
    me.told("spoken.place.number").presses("*").told("spoken.place.number")
    assert list(me.document.iter("prosody"))  # once more is slower
    me.presses("*0").told("spoken.place.person").told("spoken.wait.start")


def _text_911(house: House) -> str:
    return house.words("spoken.text_911")


def test_0_alone_is_no_house_and_still_a_person(house: House) -> None:
    assert asked(house).presses("0").queue is not None


def test_911_keyed_as_a_number_gets_the_words_for_911_too(house: House) -> None:
    me = asked(house).presses("911").told("spoken.say.call_911", text_911=_text_911(house))
    me.told("spoken.place.keyed", place="9, 1, 1")


def test_silence_at_the_number_goes_to_a_person(house: House) -> None:
    me = asked(house).is_silent().told("spoken.place.number").is_silent()
    assert me.queue is not None, me.transcript()


@pytest.mark.parametrize("junk", ["A", "12345678901234567890", "*A", "1 2", "w"])
def test_what_is_no_number_is_asked_again(house: House, junk: str) -> None:
    me = asked(house).presses(junk).told("spoken.place.number")
    assert me.queue is None


def test_the_street_is_said_after_the_number(house: House) -> None:
    speaks(house)
    me = Caller(house).rings().presses(*TO_THE_PLACE).told("spoken.place.number_or_say")
    me.presses("1090").told("spoken.place.street").says("Elm Street")
    me.told("spoken.place.heard", place="1, 0, 9, 0 Elm Street").presses("1")
    assert ("1090 Elm Street", "", "") == _kept(me)


def test_all_of_it_may_be_said(house: House) -> None:
    speaks(house)
    me = Caller(house).rings().presses(*TO_THE_PLACE).says("Main St and 3rd Ave")
    me.told("spoken.place.heard", place="Main St and 3rd Ave").presses("1")
    assert ("Main St and 3rd Ave", "", "") == _kept(me)
    assert "inside" == me.case().located


def test_a_place_that_was_not_confirmed_goes_along_and_is_marked(house: House) -> None:
    speaks(house)
    me = Caller(house).rings().presses(*TO_THE_PLACE).presses("1090").says("Helm Street")
    me.presses("2").presses("1090").says("Helm Street").presses("2")
    me.told("spoken.place.person")
    assert (
        "house number keyed: 1090; said by phone, not confirmed: 1090 Helm Street"
        == place(house, me)["text"]
    )


def test_danger_in_place_of_a_place_is_danger(house: House) -> None:
    speaks(house)
    me = Caller(house).rings().presses(*TO_THE_PLACE).says("he has a gun", 0.2)
    assert me.queue is not None, me.transcript()


def _kept(me: Caller) -> tuple[str, str, str]:
    case = me.case()
    return case.place, case.house_number, case.place_said


@pytest.mark.parametrize("lost", [False, True], ids=["kept", "lost"])
def test_a_number_is_one_answer_however_it_is_keyed(house: House, lost: bool) -> None:
    """Key by key with pauses, while the words are still spoken or after them."""
    network = Network(house)
    network.engine.exchange.switch({"keys_lost": lost})
    me = network.phone("+17205550123").dials()
    for key in TO_THE_PLACE:
        me.listens().press(key)
    me.waits(3).press("1").waits(2).press("0").waits(2).press("90")
    me.is_saying("You entered 1, 0, 9, 0.").listens().press("1")
    network.works()
    assert me.waits(5).call.waits_in
    [case] = house.rows("case")
    assert "1090" not in str(case.state)  # private: not in the clear
