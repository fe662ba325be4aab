"""Staff who call 911 for a place are joined by phone to the PSAP that covers it (rules 3 and 13)."""

from __future__ import annotations

import re
from dataclasses import replace
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest
from phones import Phone
from staff import Account, Browser

from caller_service.casework.outbound.call_person import call_person
from caller_service.core.phone_numbers import refused_number
from caller_service.core.roles import Role

if TYPE_CHECKING:
    from conftest import House

WITH_PHONE = "Second dispatcher"  # their number is on the ladder
PSAP = "+17205550110"


@pytest.fixture
def at_phone(house: House) -> Browser:
    browser = Browser(house, "203.0.113.9")
    browser.signs_in(Account(house, WITH_PHONE, Role.DISPATCHER))
    return browser


@pytest.fixture
def desk(house: House) -> Browser:
    browser = Browser(house)
    browser.signs_in(Account(house, "Dana Ruiz", Role.DISPATCHER))
    return browser


def danger(house: House, number: str = "+17205550123") -> Any:
    return house.resident(number).texts("i took all my pills goodbye").case()


def does(desk: Browser, case_id: str, deed: str, **form: str) -> Any:
    """Open the case, and submit the form of one act."""
    seen = re.search(r'name="seen" value="([^"]*)"', desk.get(f"/console/cases/{case_id}").text)
    form = ({"seen": seen[1]} if seen else {}) | form
    return desk.post(f"/console/cases/{case_id}/{deed}", **form)


def on_911(house: House, desk: Browser, place: str = "Main St and 3rd Ave") -> Any:
    """A danger at a place for which somebody recorded that they call 911."""
    case = danger(house)
    assert does(desk, case.id, "place", place=place).status_code == 303
    why = {"reason": "They fall asleep", "tell": "said"}
    assert does(desk, case.id, "call_911", **why).status_code == 303
    house.settles().rung.clear()
    return case


def psap_entries(house: House) -> list[tuple[str, str, str]]:
    rows = sorted(house.rows("journal"), key=lambda row: (row.at, row.id))
    return [(row.event, row.who, row.detail.get("how", "")) for row in rows
            if row.event.startswith("psap_")]  # fmt: skip


ENDS = {"completed": "spoke", "busy": "busy", "no-answer": "no_answer", "failed": "failed"}


@pytest.mark.parametrize(("status", "how"), ENDS.items())
def test_staff_are_joined_to_the_line_of_the_psap_that_covers_the_place(
    house: House, at_phone: Browser, status: str, how: str
) -> None:
    """Their own phone rings first; somebody who takes the case meanwhile does not stop it; each
    step is in the journal once, even if the provider reports it twice."""
    case = on_911(house, at_phone)
    assert "Ring my phone" in at_phone.get(f"/console/cases/{case.id}").text
    assert does(at_phone, case.id, "psap").status_code == 303
    again = does(at_phone, case.id, "psap")
    assert again.status_code == 409 and "ringing already" in again.text
    told = {"answer": "accept", "by": "Maria"}
    house.dispatch(f"/{case.id}/acknowledgement", told)
    house.settles()
    (form,) = house.rung
    assert form["To"] == "+17205550131" and PSAP not in str(form)
    house.sweeps().settles()  # the call is not made again

    place = house.rung.index(form)
    phone = Phone(house, place).picks_up()
    assert "Press 1" in phone.said and not phone.dials
    for _ in range(2):
        phone.presses("1", phone.next or phone.form["Url"].replace("/call?", "/key?") + "&time=1")
        assert phone.dials == PSAP and "Say first where it is" in phone.said
    assert not refused_number(phone.dials)
    for _ in range(2):
        phone.parts(status)
        assert ("dial 911" in phone.said) == (how != "spoke")
        phone.after = phone.after or f"/twilio/page/parted?id={house.rows('call')[-1].id}"
    phone.reports("completed")
    house.settles().sweeps().settles()

    mine = WITH_PHONE
    asked = [("psap_asked", mine, ""), ("psap_rung", mine, ""), ("psap_over", mine, how)]
    assert psap_entries(house) == asked
    assert len(house.rung) == 1, "nobody is rung twice, and nobody of the ladder for it"
    page = at_phone.get(f"/console/cases/{case.id}").text
    assert f"{mine} pressed 1" in page and "Ring my phone" in page
    kept = str([house.jobs(), house.rows("call"), house.rows("journal")])
    assert PSAP not in kept and PSAP[2:] not in kept


@pytest.mark.parametrize("end", ["machine", "2", "silence", "no-answer", "failed"])
def test_who_does_not_press_1_is_joined_to_nobody_and_nobody_else_is_asked(
    house: House, at_phone: Browser, end: str
) -> None:
    case = on_911(house, at_phone)
    does(at_phone, case.id, "psap")
    house.settles()
    phone = Phone(house)
    if end == "machine":
        phone.picks_up("machine_start").presses("1", phone.form["Url"].replace("/call?", "/key?"))
        assert not phone.dials
        phone.reports("completed")
    elif end in ("2", "silence"):
        phone.picks_up().presses("2" if end == "2" else "")
        assert phone.hung_up and "next person" not in phone.said
        phone.reports("completed")
    else:
        phone.reports("ringing", end)
    house.settles()

    assert psap_entries(house)[1:] == [("psap_over", WITH_PHONE, "not_taken")]
    assert not house.rows("journal", event="page_lost") and len(house.rung) == 1
    assert "nobody was joined" in at_phone.get(f"/console/cases/{case.id}").text
    assert does(at_phone, case.id, "psap").status_code == 303  # once more


def test_without_a_line_a_phone_or_a_note_nobody_is_rung_and_the_words_say_what_to_do(
    house: House, desk: Browser, at_phone: Browser
) -> None:
    case = danger(house, "+17205550145")
    early = does(at_phone, case.id, "psap")
    assert early.status_code == 409 and "First note why" in early.text
    nowhere = on_911(house, at_phone, "the moon")
    refused = does(at_phone, nowhere.id, "psap")
    assert refused.status_code == 409 and "dial 911, and say the place" in refused.text
    does(desk, nowhere.id, "place", place="Main St and 3rd Ave")
    page = desk.get(f"/console/cases/{nowhere.id}").text
    assert "No phone of yours is known here" in page and f"tel:{PSAP}" in page
    assert does(desk, nowhere.id, "psap").status_code == 409  # Dana is on no ladder
    program = house.parts.program
    areas = tuple(replace(area, psap="+1911") for area in program.areas)
    house.change(program=replace(program, areas=areas))
    assert does(at_phone, nowhere.id, "psap").status_code == 409, "our own code dials no 911"
    house.settles()
    assert not house.rung


def test_a_worker_that_dies_as_it_rings_for_the_psap_rings_once(
    house: House, at_phone: Browser
) -> None:
    """The call was made, but not recorded: it is found, and not made again."""
    case = on_911(house, at_phone)
    does(at_phone, case.id, "psap")
    house.works(twilio=500)
    row = house.rows("call")[-1]
    assert (row.state, row.person) == ("trying", WITH_PHONE)
    house.outside.reset()
    house.outside.assert_all_requests_are_fired = False
    found = {
        "sid": "CAmade", "to": "+17205550131", "from": "+17205550100",
        "direction": "outbound-api", "start_time": format_datetime(house.clock()),
    }  # fmt: skip
    house.calls_are_taken(listed=(found,))
    house.wait(35)
    house.sweeps()
    call_person(house.parts, row.id, "sweep")

    assert house.rung == []
    assert house.rows("call", id=row.id)[0].provider_id == "CAmade"
