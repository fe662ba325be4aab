"""Paging by call: only the digit 1 takes a case; no phone has two calls at once; a crash loses and
doubles nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa
from at_once import at_once
from conftest import TWILIO, signed
from conversation import PROGRAM
from phones import Phone, events
from staff import Account, Browser

from caller_service.casework.outbound import call_person as calling
from caller_service.casework.outbound.call_person import PAUSES, call_person
from caller_service.core import dispatch
from caller_service.core.case import Case, Status
from caller_service.core.case import replace as changed
from caller_service.core.dispatch import pass_on
from caller_service.core.effect import Page, Record
from caller_service.core.escalation import people
from caller_service.core.marks import Mark
from caller_service.core.program import Program, Rung
from caller_service.core.refusal import Refused
from caller_service.core.roles import Role
from caller_service.core.routing import Scene
from caller_service.language.wording import spelled
from caller_service.store import calls
from caller_service.store.tables import Base

if TYPE_CHECKING:
    from conftest import House, Resident

ANA, BEN, SUE = "+17205550130", "+17205550131", "+17205550132"
NOON = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)


def by_call(*more: Rung) -> Program:
    return replace(
        PROGRAM,
        ladder=(
            Rung("danger", "Ana", "call", ANA),
            Rung("danger", "Ben", "call", BEN),
            *more,
            Rung("review", "Sue", "text", SUE),
        ),
    )


@pytest.fixture
def ringing(house: House) -> Iterator[House]:
    """A city that pages by call."""
    house.change(program=by_call())
    yield house


def in_danger(house: House, number: str = "+17205550123") -> Resident:
    return house.resident(number).texts("he took all the pills")


def words(house: House, key: str, me: Resident, **fill: str) -> str:
    return house.words(key, reference=spelled(me.case().reference), **fill)


# ---- who is called, and what they hear -----------------------------------------------------------


def test_a_rung_by_call_is_rung_and_only_the_digit_1_takes_the_case(ringing: House) -> None:
    me = in_danger(ringing)
    ringing.settles()

    (form,) = ringing.rung
    assert (form["To"], form["From"], form["MachineDetection"], form["Timeout"]) == (
        ANA,
        "+17205550100",
        "Enable",
        "25",
    )
    assert not ringing.texts_to(ANA), "rung, not texted"
    call = ringing.rows("call")[0]
    assert form["Url"] == f"https://house.test/twilio/page/call?id={call.id}"
    assert (call.state, call.person, call.page_id) == ("queued", "Ana", ringing.rows("page")[0].id)

    phone = Phone(ringing).reports("initiated", "ringing").picks_up()
    assert phone.said == words(ringing, "page.call", me)
    assert me.case().state["marks"].get("acknowledged") is None, (
        "a bare pick-up is no acknowledgement"
    )
    assert phone.next == f"https://house.test/twilio/page/key?id={call.id}&time=1"

    assert phone.presses("1").said == words(ringing, "page.call_accepted", me)
    assert phone.hung_up
    assert (me.case().status, me.case().state["accepted_by"]) == ("accepted", "Ana")
    phone.reports("completed")
    assert ringing.rows("call")[0].state == "completed"


@pytest.mark.parametrize("machine", ["machine_start", "machine_end_beep", "fax"])
def test_a_voicemail_does_not_accept_whatever_it_sends(ringing: House, machine: str) -> None:
    me = in_danger(ringing)
    ringing.settles()

    phone = Phone(ringing).picks_up(machine)
    assert (phone.said, phone.hung_up) == ("", True)
    key = f"/twilio/page/key?id={ringing.rows('call')[0].id}&time=1"
    assert phone.presses("1", key).said == ""
    phone.reports("completed")

    assert me.case().state["accepted_by"] == ""
    ringing.wait(61)
    ringing.sweeps().settles()
    assert [form["To"] for form in ringing.rung] == [ANA, BEN], "the ladder climbs"


@pytest.mark.parametrize("key", ["", "3", "0", "9", "#", "11", "one"])
def test_silence_and_other_keys_hear_it_once_more_and_then_a_goodbye(
    ringing: House, key: str
) -> None:
    me = in_danger(ringing)
    ringing.settles()

    phone = Phone(ringing).picks_up().presses(key)
    assert phone.said == words(ringing, "page.call", me)
    assert not phone.hung_up
    phone.presses(key)

    assert (phone.said, phone.hung_up) == (words(ringing, "page.call_no_key", me), True)
    assert me.case().state["accepted_by"] == ""


def test_2_passes_it_on_and_the_next_is_rung_at_once(ringing: House) -> None:
    me = in_danger(ringing)
    ringing.settles()
    before = me.case().status

    phone = Phone(ringing).picks_up()
    assert phone.presses("2").said == words(ringing, "page.call_passed", me)
    ringing.settles()

    assert [form["To"] for form in ringing.rung] == [ANA, BEN]
    assert me.case().status == before
    assert events(ringing, "passed_on") == [{"by": "Ana"}]
    again = phone.presses("2", f"/twilio/page/key?id={ringing.rows('call')[0].id}&time=1")
    assert again.said == words(ringing, "page.call_passed", me)
    assert (
        again.presses("1", f"/twilio/page/key?id={ringing.rows('call')[0].id}&time=1").said
        == again.said
    ), "the first key stays"
    ringing.settles()
    assert len(ringing.rung) == 2
    assert Phone(ringing).picks_up().presses("1").said == words(ringing, "page.call_accepted", me)


def test_a_phone_that_cannot_be_reached_at_all_is_asked_in_vain_and_the_next_is_rung_now(
    ringing: House,
) -> None:
    in_danger(ringing)
    ringing.settles()
    Phone(ringing).reports("ringing", "failed", "failed")
    ringing.settles()

    assert [form["To"] for form in ringing.rung] == [ANA, BEN]
    assert [row.detail["name"] for row in ringing.rows("journal", event="page_lost")] == ["Ana"]


# ---- three dangers at most -----------------------------------------------------------------------


def holds_three(house: House, name: str, first: int) -> None:
    for number in range(first, first + 3):
        told = {"answer": "accept", "by": name}
        case = in_danger(house, f"+1720555{number:04d}").case()
        assert house.dispatch(f"/{case.id}/acknowledgement", told).status_code == 200


def ana_takes(house: House, way: str, me: Resident, phone: Phone) -> bool:
    """Ana tries to take a case by one of the channels: does she have it now?"""
    case = me.case()
    if way == "phone":
        phone.presses("1")
    elif way == "text":
        house.resident(ANA).texts(case.reference)
    elif way in ("accept", "ask"):
        told = {"answer": way, "by": "Ana"}
        told |= {"words": "Are you alone?"} if way == "ask" else {}
        house.dispatch(f"/{case.id}/acknowledgement", told)
    elif way == "note":
        told = {"by": "Ana", "words": "I am here.", "take_over": True}
        house.dispatch(f"/{case.id}/notes", told)
    else:
        browser = Browser(house)
        browser.signs_in(Account(house, "Ana", Role.DISPATCHER))
        browser.get(f"/console/cases/{case.id}")
        browser.post(f"/console/cases/{case.id}/{way}", words="I am here.", reason="They know me")
    house.settles()
    return "Ana" in (me.case().state["accepted_by"], me.case().state["holder"])


WAYS = ("phone", "text", "accept", "ask", "note", "take", "take_over", "words")


@pytest.mark.parametrize("way", WAYS)
def test_nobody_gets_a_fourth_while_somebody_has_room_whatever_way_they_take_it(
    ringing: House, way: str
) -> None:
    """Ana's phone rings, and she gets her third danger before she answers."""
    me = in_danger(ringing)
    ringing.settles()
    phone = Phone(ringing).picks_up()
    holds_three(ringing, "Ana", 141)
    ringing.settles()

    assert not ana_takes(ringing, way, me, phone)

    if way in (
        "phone",
        "text",
    ):  # she was asked, and cannot: the next person is asked at once, not at the next timer
        assert [form["To"] for form in ringing.rung][-1] == BEN
    if way == "phone":
        assert phone.said == words(ringing, "page.call_full", me)
        key = f"/twilio/page/key?id={ringing.rows('call')[0].id}&time=1"
        assert phone.presses("1", key).said == phone.said
    told = {"answer": "accept", "by": "Ben"}
    assert ringing.dispatch(f"/{me.case().id}/acknowledgement", told).status_code == 200
    assert me.case().state["accepted_by"] == "Ben"
    assert not ana_takes(ringing, "note", me, phone)


@pytest.mark.parametrize("way", [*WAYS, "round"])
def test_a_fourth_is_theirs_who_answer_if_nobody_else_would(ringing: House, way: str) -> None:
    """If nobody on duty has room, or everybody was asked in vain, a human now is better than
    nobody."""
    me = in_danger(ringing)
    ringing.settles()
    phone = Phone(ringing).picks_up()
    holds_three(ringing, "Ana", 141)
    if way == "round":
        ringing.passes(130, 10)
        way = "phone"
    else:
        holds_three(ringing, "Ben", 151)
    ringing.settles()

    assert ana_takes(ringing, way, me, phone)


# ---- people who are asked instead of somebody else -----------------------------------------------
CY = "+17205550133"


@pytest.mark.parametrize("more", [(Rung("danger", "Cy", "call", CY),), ()], ids=["cy", "nobody"])
@pytest.mark.parametrize("how", ["2", "no", "failed"])
def test_who_is_asked_in_anothers_place_and_cannot_has_the_next_rung_at_once(
    house: House, how: str, more: tuple[Rung, ...]
) -> None:
    """Ana holds three dangers, so Ben is asked instead. If there is nobody else Ana is asked, who
    may then take it."""
    house.change(program=by_call(*more))
    holds_three(house, "Ana", 141)
    house.settles()
    house.rung.clear()
    me = in_danger(house)
    house.settles()
    assert [form["To"] for form in house.rung] == [BEN]
    house.rung.insert(0, {})  # a phone's position in the list determines its number
    if how == "2":
        Phone(house).picks_up().presses("2").reports("completed")
    elif how == "no":
        house.resident(BEN).texts(f"{me.case().reference} no")
    else:
        Phone(house).reports("ringing", "failed")
    house.settles()

    assert house.rung[-1]["To"] == (CY if more else ANA)
    assert Phone(house).picks_up().presses("1").said == words(house, "page.call_accepted", me)
    assert me.case().state["accepted_by"] == ("Cy" if more else "Ana")


def test_who_declines_by_the_api_is_not_rung_for_it_again(ringing: House) -> None:
    """Ben took the case while the ladder was at Ana: the rung after hers is his own."""
    me = in_danger(ringing)
    ringing.settles()
    for told in ({"answer": "accept"}, {"answer": "decline", "reason": "on the road"}):
        answer = ringing.dispatch(f"/{me.case().id}/acknowledgement", told | {"by": "Ben"})
        assert answer.status_code == 200
    Phone(ringing).reports("no-answer")
    ringing.settles()

    assert [form["To"] for form in ringing.rung] == [ANA, ANA]


@pytest.mark.parametrize("end", ["busy", "no-answer", "canceled", "completed"])
def test_a_call_that_nobody_takes_leaves_the_ladder_to_its_clock(ringing: House, end: str) -> None:
    me = in_danger(ringing)
    ringing.settles()
    Phone(ringing).reports("ringing", end, "ringing", "queued", "in-progress")

    assert ringing.rows("call")[0].state == end, "receipts never go back"
    assert me.case().state["accepted_by"] == ""
    ringing.sweeps().settles()
    assert len(ringing.rung) == 1
    ringing.wait(61)
    ringing.sweeps().settles()
    assert [form["To"] for form in ringing.rung] == [ANA, BEN]


def test_two_press_1_at_once_one_has_it_and_the_other_hears_who(ringing: House) -> None:
    me = in_danger(ringing)
    ringing.settles()
    ringing.wait(61)
    ringing.sweeps().settles()
    ana, ben = Phone(ringing, 0).picks_up(), Phone(ringing, 1).picks_up()

    assert at_once(lambda: ana.presses("1"), lambda: ben.presses("1")) == [ana, ben]

    winner, other = ("Ana", ben) if me.case().state["accepted_by"] == "Ana" else ("Ben", ana)
    assert {ana.said, ben.said} == {
        words(ringing, "page.call_accepted", me),
        words(ringing, "page.call_taken", me, name=winner),
    }
    assert winner in other.said
    assert len(events(ringing, "accepted")) == 1


def test_the_same_webhook_twice_is_one_answer(ringing: House) -> None:
    me = in_danger(ringing)
    ringing.settles()
    phone = Phone(ringing).picks_up()
    at = phone.next
    first = phone.presses("1").said
    lines = len(ringing.rows("journal"))

    assert phone.presses("1", at).said == first
    ringing.dispatch(
        f"/{me.case().id}/acknowledgement", {"answer": "decline", "by": "Ana", "reason": "no car"}
    )
    assert phone.presses("1", at).said == first, (
        "what was pressed then does not take it a second time"
    )
    assert me.case().state["accepted_by"] == ""
    assert len(ringing.rows("journal")) > lines


def test_who_answers_after_it_was_taken_or_ended_hears_so(ringing: House) -> None:
    me = in_danger(ringing)
    ringing.settles()
    early = Phone(ringing).picks_up()
    ringing.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})

    assert early.presses("").said == words(ringing, "page.call_taken", me, name="Maria")
    assert Phone(ringing).picks_up().said == words(ringing, "page.call_taken", me, name="Maria")
    assert (
        early.presses("2", f"/twilio/page/key?id={ringing.rows('call')[0].id}&time=1").said
        == early.said
    )
    ringing.dispatch(
        f"/{me.case().id}/status", {"status": "closed", "by": "Maria", "outcome": "safe"}
    )
    assert Phone(ringing).picks_up().said == words(ringing, "page.call_ended", me)


def test_unknown_ids_are_told_to_hang_up(ringing: House) -> None:
    for path in (
        "/twilio/page/call",
        "/twilio/page/call?id=nobody00",
        "/twilio/page/key?id=nobody00&time=1",
        "/twilio/page/key?id=%2B1720",
    ):
        answer = signed(ringing, path, {"CallSid": "CAnobody", "Digits": "1"})
        assert (answer.status_code, [each.tag for each in ElementTree.fromstring(answer.text)]) == (
            200,
            ["Hangup"],
        )
    for path in ("/twilio/receipts/call", "/twilio/receipts/call?id=nobody00"):
        assert (
            signed(ringing, path, {"CallSid": "CAnobody", "CallStatus": "busy"}).status_code == 204
        )


@pytest.mark.parametrize(
    "path", ["/twilio/page/call?id=x", "/twilio/page/key?id=x&time=1", "/twilio/receipts/call?id=x"]
)
def test_without_a_signature_nothing_runs(ringing: House, path: str) -> None:
    assert ringing.client.post(path, data={"Digits": "1"}).status_code == 403
    assert signed(ringing, path, {"Digits": "1"}, token="wrong" * 7).status_code == 403


def test_a_fault_of_ours_leaves_nobody_believing_that_they_took_it(
    ringing: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = in_danger(ringing)
    ringing.settles()
    phone = Phone(ringing).picks_up()
    at = phone.next
    with monkeypatch.context() as broken:
        broken.setattr("caller_service.casework.answer_call.update_case", lambda *_: 1 / 0)
        assert phone.presses("1").said == ringing.words("page.call_fault")

    assert me.case().state["accepted_by"] == ""
    assert phone.presses("1", at).said == words(ringing, "page.call_accepted", me), (
        "Twilio asks once more"
    )


def test_a_pages_id_opens_no_update_and_the_other_way_round(ringing: House) -> None:
    in_danger(ringing)
    ringing.settles()
    page = ringing.rows("call")[0].id
    for path in (f"/twilio/update/call?id={page}", f"/twilio/update/key?id={page}&time=1"):
        answer = signed(ringing, path, {"CallSid": "CAother", "Digits": "1", "AnsweredBy": "human"})
        assert [each.tag for each in ElementTree.fromstring(answer.text)] == ["Hangup"]


# ---- one call per phone --------------------------------------------------------------------------


def test_somebody_who_is_on_a_call_with_us_is_not_rung_again_until_it_has_ended(
    ringing: House,
) -> None:
    first, second = in_danger(ringing), in_danger(ringing, "+17205550124")
    ringing.settles()

    assert [form["To"] for form in ringing.rung] == [ANA]
    assert len(ringing.rows("page")) == 2, "the page stands"
    phone = Phone(ringing).picks_up()
    ringing.wait(6)
    ringing.sweeps().settles()
    assert len(ringing.rung) == 1
    phone.presses("1").reports("completed")
    ringing.settles()

    assert [form["To"] for form in ringing.rung] == [ANA, ANA]
    assert Phone(ringing).picks_up().said == words(ringing, "page.call", second)
    assert first.case().state["accepted_by"] == "Ana"


def test_a_call_that_waits_is_dropped_when_the_case_is_taken_meanwhile(ringing: House) -> None:
    in_danger(ringing)
    second = in_danger(ringing, "+17205550124")
    ringing.settles()
    ringing.dispatch(f"/{second.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    ringing.settles()
    Phone(ringing).reports("no-answer")
    ringing.settles()

    assert len(ringing.rung) == 1
    assert [row.state for row in ringing.rows("call", case_id=second.case().id)] == ["dropped"]
    assert events(ringing, "call_dropped") == [{"person": "Ana", "why": "taken"}]


def test_the_same_person_is_not_queued_twice_for_one_case(ringing: House) -> None:
    ringing.change(program=by_call(Rung("danger", "Sue", "call", SUE, supervisor=True)))
    in_danger(ringing)
    ringing.settles()
    Phone(ringing, 0).reports("ringing")
    for _ in range(3):
        ringing.wait(61)
        ringing.sweeps().settles()

    assert [form["To"] for form in ringing.rung].count(SUE) == 1, "her phone still rings for it"


def test_two_calls_to_one_phone_at_once_are_refused_by_the_database(ringing: House) -> None:
    in_danger(ringing)
    in_danger(ringing, "+17205550124")
    ringing.outside.assert_all_requests_are_fired = False
    ringing.calls_are_taken()

    given = at_once(
        *(
            lambda row=row: call_person(ringing.parts, row.id, f"job-{row.id}")
            for row in ringing.rows("call")
        )
    )

    assert given == [None, None]
    assert len(ringing.rung) == 1
    assert sorted(row.state for row in ringing.rows("call")) == ["queued", "waiting"]


# ---- stand-down ----------------------------------------------------------------------------------


def test_when_one_accepts_the_phones_that_still_ring_are_quiet(ringing: House) -> None:
    me = in_danger(ringing)
    ringing.settles()
    ringing.wait(61)
    ringing.sweeps().settles()
    Phone(ringing, 0).reports("ringing")
    ben = Phone(ringing, 1).picks_up()

    ben.presses("1")
    ringing.settles()

    assert ringing.hung_up == [f"CA{1:032d}"], "Ana's rings no more; Ben's own call is not cut off"
    assert me.case().state["accepted_by"] == "Ben"
    ana = Phone(ringing, 0).reports("completed")
    ringing.wait(100)
    ringing.sweeps().settles()
    assert len(ringing.hung_up) == 1
    assert ana.picks_up().said == words(ringing, "page.call_taken", me, name="Ben"), (
        "had she answered in that moment"
    )


def test_whoever_answers_by_text_while_their_own_phone_rings_is_left_in_peace(
    ringing: House,
) -> None:
    me = in_danger(ringing)
    ringing.settles()
    Phone(ringing).reports("ringing")

    ringing.resident(ANA).texts(me.case().reference).told("page.accepted")
    ringing.settles()

    assert ringing.hung_up == [f"CA{1:032d}"]


def test_a_call_accepted_for_while_it_is_being_made_is_ended(ringing: House) -> None:
    me = in_danger(ringing)
    (call,) = ringing.rows("call")
    ringing.outside.assert_all_requests_are_fired = False
    ringing.calls_are_taken()
    through = ringing._rings

    def slow(request: Any, status: int) -> Any:
        ringing.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
        return through(request, status)

    ringing._rings = slow  # type: ignore[method-assign]
    call_person(ringing.parts, call.id, "one")
    ringing.sweeps().settles()

    assert ringing.hung_up == [f"CA{1:032d}"]


def test_a_case_that_ends_quiets_the_phones(ringing: House) -> None:
    me = in_danger(ringing)
    ringing.settles()
    Phone(ringing).reports("ringing")

    ringing.dispatch(
        f"/{me.case().id}/status", {"status": "closed", "by": "Maria", "outcome": "safe"}
    )
    ringing.settles()

    assert ringing.hung_up == [f"CA{1:032d}"]


def test_a_moving_team_quiets_no_page_for_danger(ringing: House) -> None:
    me = in_danger(ringing)
    ringing.settles()
    ringing.dispatch(f"/{me.case().id}/status", {"status": "assigned", "by": "Maria"})
    ringing.settles()

    assert ringing.hung_up == []
    assert Phone(ringing).picks_up().presses("1").said == words(ringing, "page.call_accepted", me)


# ---- nothing lost, nothing doubled ---------------------------------------------------------------


def listed(number: str, *sids: str) -> tuple[dict[str, str], ...]:
    at = format_datetime(NOON + timedelta(minutes=5))
    return tuple(
        {
            "sid": sid,
            "to": number,
            "from": "+17205550100",
            "direction": "outbound-api",
            "start_time": at,
        }
        for sid in sids
    )


def begins(house: House, conn: sa.Connection, call: Any, job: str) -> bool | None:
    """A job claims an attempt."""
    number = next(rung.number for rung in by_call().ladder if rung.name == call.person)
    return calls.claim(
        conn, house.parts.sealer, number, call.id, job, house.clock(), calling.CLAIM, calling.SETTLE
    )


def begun(house: House) -> str:
    """A call whose attempt was cut off between the request and its record."""
    in_danger(house)
    (call,) = house.rows("call")
    with house.parts.engine.begin() as conn:
        assert begins(house, conn, call, "cut-off") is True
    house.wait(31)
    house.sweeps()
    house.outside.assert_all_requests_are_fired = False
    return str(call.id)


def test_a_crash_between_the_call_and_its_note_is_looked_up_and_not_rung_twice(
    ringing: House,
) -> None:
    call_id = begun(ringing)
    ringing.calls_are_taken(listed=listed(ANA, "CAfound0"))

    call_person(ringing.parts, call_id, "sweep")

    assert ringing.rung == []
    row = ringing.rows("call", id=call_id)[0]
    assert (row.provider_id, row.state) == ("CAfound0", "queued")
    urls = [str(call.request.url) for call in ringing.outside.calls]
    assert urls and not [url for url in urls if "5550130" in url], "no number in an address"


def test_a_crash_before_the_call_was_made_rings_once(ringing: House) -> None:
    call_id = begun(ringing)
    ringing.calls_are_taken(listed=listed(BEN, "CAothers"))

    call_person(ringing.parts, call_id, "sweep")
    call_person(ringing.parts, call_id, "again")

    assert [form["To"] for form in ringing.rung] == [ANA]


def test_the_same_job_again_at_once_does_not_look_before_the_call_can_have_arrived(
    ringing: House,
) -> None:
    in_danger(ringing)
    (call,) = ringing.rows("call")
    with ringing.parts.engine.begin() as conn:
        assert begins(ringing, conn, call, "job") is True
    ringing.outside.assert_all_requests_are_fired = False
    ringing.calls_are_taken()

    call_person(ringing.parts, call.id, "job")
    assert not ringing.outside.calls
    ringing.wait(4)
    ringing.sweeps().settles()

    assert len(ringing.rung) == 1


@pytest.mark.parametrize("status", [429, 500])
def test_a_call_that_was_not_taken_is_not_made_again_before_its_time_by_any_job(
    ringing: House, status: int
) -> None:
    """After 429 it is made from the start; after 500 it is looked for first."""
    in_danger(ringing)
    ringing.works(twilio=status)
    asked = len(ringing.outside.calls)
    (tried,) = ringing.rows("call")
    assert tried.tries == 1

    for job in ("woken", "its own"):
        call_person(ringing.parts, tried.id, job)
    assert len(ringing.outside.calls) == asked
    assert ringing.rows("call") == [tried]

    ringing.wait(2)
    ringing.sweeps().settles()
    assert len(ringing.rung) == 1


def test_a_sid_that_another_call_has_is_not_this_ones(ringing: House) -> None:
    in_danger(ringing, "+17205550125")
    ringing.settles()
    Phone(ringing).reports("no-answer")
    ringing.outside.reset()
    in_danger(ringing)
    call = ringing.rows("call")[1]
    with ringing.parts.engine.begin() as conn:
        assert begins(ringing, conn, call, "cut-off") is True
    ringing.wait(31)
    ringing.sweeps()
    ringing.outside.assert_all_requests_are_fired = False
    ringing.calls_are_taken(listed=listed(ANA, f"CA{1:032d}"))

    call_person(ringing.parts, call.id, "sweep")

    assert len(ringing.rung) == 2


def test_a_cut_off_call_to_a_case_that_was_taken_is_found_and_ended_or_dropped(
    ringing: House,
) -> None:
    call_id = begun(ringing)
    (row,) = ringing.rows("case")
    ringing.dispatch(f"/{row.id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    ringing.calls_are_taken(listed=listed(ANA, "CAfound0"))

    call_person(ringing.parts, call_id, "sweep")
    ringing.sweeps().settles()

    assert ringing.rung == []
    assert ringing.hung_up == ["CAfound0"]


def test_twilio_busy_or_broken_is_tried_again_and_given_up_with_a_line(ringing: House) -> None:
    in_danger(ringing)
    ringing.works(twilio=429)
    assert ringing.rows("call")[0].state == "waiting"
    ringing.wait(2)
    ringing.sweeps().works(twilio=500)
    assert ringing.rows("call")[0].state == "trying"
    for pause in PAUSES:
        ringing.wait(pause + 31)
        ringing.sweeps().works(twilio=500)

    assert ringing.rows("call", person="Ana")[0].state == "dead"
    assert events(ringing, "call_dead")[0]["person"] == "Ana"


def test_a_receipt_quicker_than_the_note_stays_and_a_lost_one_is_asked_after(
    ringing: House,
) -> None:
    in_danger(ringing)
    (call,) = ringing.rows("call")
    signed(
        ringing,
        f"/twilio/receipts/call?id={call.id}",
        {"CallSid": f"CA{9:032d}", "CallStatus": "ringing"},
    )
    assert ringing.rows("call")[0].state == "ringing"
    in_danger(ringing, "+17205550124")
    ringing.settles()
    other = ringing.rows("call")[1]
    assert other.state == "waiting"
    ringing.wait(31)
    ringing.sweeps()
    ringing.outside.reset()
    ringing.outside.assert_all_requests_are_fired = False
    ringing.outside.add(
        "GET", re.compile(rf"{TWILIO}/.*/Calls/CA.*"), json={"sid": "CA", "status": "no-answer"}
    )
    call_person(ringing.parts, call.id, "look")

    assert ringing.rows("call")[0].state == "no-answer"
    ringing.settles()
    assert ringing.rows("call")[1].state in ("queued", "ringing")


def test_a_clock_set_back_leaves_no_call_waiting_for_hours(ringing: House) -> None:
    in_danger(ringing)
    with ringing.parts.engine.begin() as conn:
        table = Base.metadata.tables["call"]
        conn.execute(sa.update(table).values(next_at=ringing.clock() + 60 * calling.CHECK))
    prefix = "" if ringing.parts.engine.dialect.name == "sqlite" else "dbos."
    with ringing.parts.engine.begin() as conn:
        conn.execute(sa.text(f"DELETE FROM {prefix}workflow_status"))

    ringing.sweeps().settles()

    assert len(ringing.rung) == 1


# ---- passing on, as a decision -------------------------------------------------------------------


def asked(program: Program, rung: int = 0, **more: Any) -> tuple[Case, Scene]:
    case = Case(
        "id",
        "K7M4Q2",
        "contact",
        "en",
        said=frozenset({"person"}),
        status=Status.HANDED_OFF,
        round=1,
        rung=rung,
        **more,
    )
    case = changed(case, level=dispatch.decide(program.protocol, case).level).marked(
        NOON, Mark.OPENED, Mark.HEARD, Mark.PAGED, Mark.FIRST_PAGED
    )
    assert case.in_danger
    return case, Scene(program, NOON)


def test_passing_on_asks_the_next_and_moves_nothing_else() -> None:
    case, scene = asked(by_call())

    step = pass_on(case, "Ana", scene)

    assert step.effects == (Record("passed_on", {"by": "Ana"}), Page("danger", 1, 1, ("Ana",)))
    assert (step.case.status, step.case.rung, step.case.marks[Mark.PAGED]) == (case.status, 1, NOON)
    assert pass_on(step.case, "Ana", scene).effects == (), "said again, it changes nothing"
    assert pass_on(case, "Ben", scene).effects == (), "Ben was not asked yet"


def test_whoever_passes_on_is_not_asked_by_the_page_that_follows() -> None:
    alone = replace(
        PROGRAM,
        ladder=(
            Rung("danger", "Ana", "call", ANA, repeats=3),
            Rung("team", "Sue", "call", SUE, supervisor=True),
        ),
    )
    case, scene = asked(alone)
    later = Scene(alone, NOON + timedelta(minutes=3))  # the supervisor's rung is due
    (_, page) = pass_on(case, "Ana", later).effects
    assert isinstance(page, Page)
    assert [rung.name for rung in people(page, scene)] == ["Sue"]

    nobody = replace(PROGRAM, ladder=(Rung("danger", "Ana", "call", ANA),))
    assert pass_on(case, "Ana", Scene(nobody, NOON)).effects == (), (
        "nobody else: the clock asks again"
    )


def test_passing_on_what_is_taken_or_ended_is_refused() -> None:
    case, scene = asked(by_call())
    taken = dispatch.accept(case, "Ben", None, scene).case

    with pytest.raises(Refused) as refused:
        pass_on(taken, "Ana", scene)
    assert (refused.value.code, refused.value.name) == ("taken", "Ben")
    with pytest.raises(Refused) as refused:
        pass_on(dispatch.update(taken, Status.CLOSED, "Ben", "safe", scene).case, "Ana", scene)
    assert refused.value.code == "ended"
