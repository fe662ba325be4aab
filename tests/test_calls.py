"""Paging by call: only the digit 1 takes a case; nobody's phone rings twice at once; a crash loses and doubles nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa
from at_once import at_once, behind
from conftest import TWILIO, signed
from conversation import PROGRAM

from caller_service.casework import call_person as calling
from caller_service.casework.call_person import PAUSES, call_person
from caller_service.core import dispatch
from caller_service.core.case import Case, Status
from caller_service.core.case import replace as changed
from caller_service.core.dispatch import Refused, pass_on
from caller_service.core.effect import Page, Record
from caller_service.core.escalation import people
from caller_service.core.program import Program, Rung
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
        PROGRAM, ladder=(Rung("danger", "Ana", "call", ANA), Rung("danger", "Ben", "call", BEN), *more, Rung("review", "Sue", "text", SUE))
    )


@pytest.fixture
def ringing(house: House) -> Iterator[House]:
    """A city that pages by call."""
    house.change(program=by_call())
    yield house


def in_danger(house: House, number: str = "+17205550123") -> Resident:
    return house.resident(number).texts("he took all the pills")


class Phone:
    """Somebody's phone that rings for us: as Twilio tells of it."""

    def __init__(self, house: House, place: int = -1) -> None:
        self.house = house
        self.form = house.rung[place]
        self.sid = f"CA{house.rung.index(self.form) + 1:032d}"
        self.said = ""
        self.next = ""
        self.hung_up = False

    def _asks(self, url: str, **fields: str) -> Any:
        address = urlsplit(url)
        told = {"CallSid": self.sid, "AccountSid": "AC" + "0" * 32, "To": self.form["To"], "From": self.form["From"], **fields}
        return signed(self.house, f"{address.path}?{address.query}", told)

    def _hears(self, answer: Any) -> Phone:
        assert answer.status_code == 200, answer.text
        document = ElementTree.fromstring(answer.text)
        gather = document.find("Gather")
        self.next = gather.get("action", "") if gather is not None else ""
        self.hung_up = gather is None and document.find("Hangup") is not None
        self.said = " ".join(each.text or "" for each in document.iter("Say"))
        return self

    def picks_up(self, answered_by: str = "human") -> Phone:
        self.reports("in-progress")
        return self._hears(self._asks(self.form["Url"], CallStatus="in-progress", AnsweredBy=answered_by))

    def presses(self, digit: str, at: str = "") -> Phone:
        return self._hears(self._asks(at or self.next, Digits=digit, CallStatus="in-progress"))

    def reports(self, *states: str) -> Phone:
        for state in states:
            assert self._asks(self.form["StatusCallback"], CallStatus=state).status_code == 204
        return self


def words(house: House, key: str, me: Resident, **fill: str) -> str:
    return house.words(key, reference=spelled(me.case().reference), **fill)


def events(house: House, name: str) -> list[Any]:
    return [line.detail for line in house.rows("journal") if line.event == name]


# ---- what is rung, and what is heard ------------------------------------------------------------------------------------


def test_a_rung_by_call_is_rung_and_only_the_digit_1_takes_the_case(ringing: House) -> None:
    me = in_danger(ringing)
    ringing.settles()

    (form,) = ringing.rung
    assert (form["To"], form["From"], form["MachineDetection"], form["Timeout"]) == (ANA, "+17205550100", "Enable", "25")
    assert not ringing.texts_to(ANA), "rung, not texted"
    call = ringing.rows("call")[0]
    assert form["Url"] == f"https://house.test/twilio/page/call?id={call.id}"
    assert (call.state, call.person, call.page_id) == ("queued", "Ana", ringing.rows("page")[0].id)

    phone = Phone(ringing).reports("initiated", "ringing").picks_up()
    assert phone.said == words(ringing, "page.call", me)
    assert me.case().state["marks"].get("acknowledged") is None, "a bare pick-up is no acknowledgement"
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
def test_silence_and_other_keys_hear_it_once_more_and_then_a_goodbye(ringing: House, key: str) -> None:
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
    assert again.presses("1", f"/twilio/page/key?id={ringing.rows('call')[0].id}&time=1").said == again.said, "the first key stays"
    ringing.settles()
    assert len(ringing.rung) == 2
    assert Phone(ringing).picks_up().presses("1").said == words(ringing, "page.call_accepted", me)


@pytest.mark.parametrize("end", ["busy", "no-answer", "failed", "canceled", "completed"])
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

    at_once(lambda: ana.presses("1"), lambda: ben.presses("1"))

    winner, other = ("Ana", ben) if me.case().state["accepted_by"] == "Ana" else ("Ben", ana)
    assert {ana.said, ben.said} == {words(ringing, "page.call_accepted", me), words(ringing, "page.call_taken", me, name=winner)}
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
    ringing.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "decline", "by": "Ana", "reason": "no car"})
    assert phone.presses("1", at).said == first, "what was pressed then does not take it a second time"
    assert me.case().state["accepted_by"] == ""
    assert len(ringing.rows("journal")) > lines


def test_who_answers_after_it_was_taken_or_ended_hears_so(ringing: House) -> None:
    me = in_danger(ringing)
    ringing.settles()
    early = Phone(ringing).picks_up()
    ringing.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})

    assert early.presses("").said == words(ringing, "page.call_taken", me, name="Maria")
    assert Phone(ringing).picks_up().said == words(ringing, "page.call_taken", me, name="Maria")
    assert early.presses("2", f"/twilio/page/key?id={ringing.rows('call')[0].id}&time=1").said == early.said
    ringing.dispatch(f"/{me.case().id}/status", {"status": "closed", "by": "Maria", "outcome": "safe"})
    assert Phone(ringing).picks_up().said == words(ringing, "page.call_ended", me)


def test_unknown_ids_are_told_to_hang_up(ringing: House) -> None:
    for path in (
        "/twilio/page/call",
        "/twilio/page/call?id=nobody00",
        "/twilio/page/key?id=nobody00&time=1",
        "/twilio/page/key?id=%2B1720",
    ):
        answer = signed(ringing, path, {"CallSid": "CAnobody", "Digits": "1"})
        assert (answer.status_code, [each.tag for each in ElementTree.fromstring(answer.text)]) == (200, ["Hangup"])
    for path in ("/twilio/receipts/call", "/twilio/receipts/call?id=nobody00"):
        assert signed(ringing, path, {"CallSid": "CAnobody", "CallStatus": "busy"}).status_code == 204


@pytest.mark.parametrize("path", ["/twilio/page/call?id=x", "/twilio/page/key?id=x&time=1", "/twilio/receipts/call?id=x"])
def test_without_a_signature_nothing_runs(ringing: House, path: str) -> None:
    assert ringing.client.post(path, data={"Digits": "1"}).status_code == 403
    assert signed(ringing, path, {"Digits": "1"}, token="wrong" * 7).status_code == 403


def test_a_fault_of_ours_leaves_nobody_believing_that_they_took_it(ringing: House, monkeypatch: pytest.MonkeyPatch) -> None:
    me = in_danger(ringing)
    ringing.settles()
    phone = Phone(ringing).picks_up()
    at = phone.next
    with monkeypatch.context() as broken:
        broken.setattr("caller_service.casework.answer_call.change", lambda *_: 1 / 0)
        assert phone.presses("1").said == ringing.words("page.call_fault")

    assert me.case().state["accepted_by"] == ""
    assert phone.presses("1", at).said == words(ringing, "page.call_accepted", me), "Twilio asks once more"


# ---- one phone, one call ------------------------------------------------------------------------------------------------


def test_somebody_who_is_on_a_call_with_us_is_not_rung_again_until_it_has_ended(ringing: House) -> None:
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

    given = at_once(*(lambda row=row: call_person(ringing.parts, row.id, f"job-{row.id}") for row in ringing.rows("call")))

    assert given == [None, None]
    assert len(ringing.rung) == 1
    assert sorted(row.state for row in ringing.rows("call")) == ["queued", "waiting"]


# ---- stand-down ---------------------------------------------------------------------------------------------------------


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
    assert ana.picks_up().said == words(ringing, "page.call_taken", me, name="Ben"), "had she answered in that moment"


def test_whoever_answers_by_text_while_their_own_phone_rings_is_left_in_peace(ringing: House) -> None:
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

    ringing.dispatch(f"/{me.case().id}/status", {"status": "closed", "by": "Maria", "outcome": "safe"})
    ringing.settles()

    assert ringing.hung_up == [f"CA{1:032d}"]


def test_a_moving_team_quiets_no_page_for_danger(ringing: House) -> None:
    me = in_danger(ringing)
    ringing.settles()
    ringing.dispatch(f"/{me.case().id}/status", {"status": "assigned", "by": "Maria"})
    ringing.settles()

    assert ringing.hung_up == []
    assert Phone(ringing).picks_up().presses("1").said == words(ringing, "page.call_accepted", me)


# ---- nothing lost, nothing doubled ----------------------------------------------------------------------------------------


def listed(number: str, *sids: str) -> tuple[dict[str, str], ...]:
    at = format_datetime(NOON + timedelta(minutes=5))
    return tuple({"sid": sid, "to": number, "from": "+17205550100", "direction": "outbound-api", "start_time": at} for sid in sids)


def begun(house: House) -> str:
    """A call whose try was cut off between the request and the note of it."""
    in_danger(house)
    (call,) = house.rows("call")
    with house.parts.engine.begin() as conn:
        assert calls.claim(conn, call.id, "cut-off", house.clock(), calling.CLAIM, calling.SETTLE) is True
    house.wait(31)
    house.sweeps()
    house.outside.assert_all_requests_are_fired = False
    return str(call.id)


def test_a_crash_between_the_call_and_its_note_is_looked_up_and_not_rung_twice(ringing: House) -> None:
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


def test_the_same_job_again_at_once_does_not_look_before_the_call_can_have_arrived(ringing: House) -> None:
    in_danger(ringing)
    (call,) = ringing.rows("call")
    with ringing.parts.engine.begin() as conn:
        assert calls.claim(conn, call.id, "job", ringing.clock(), calling.CLAIM, calling.SETTLE) is True
    ringing.outside.assert_all_requests_are_fired = False
    ringing.calls_are_taken()

    call_person(ringing.parts, call.id, "job")
    assert not ringing.outside.calls
    ringing.wait(4)
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
        assert calls.claim(conn, call.id, "cut-off", ringing.clock(), calling.CLAIM, calling.SETTLE) is True
    ringing.wait(31)
    ringing.sweeps()
    ringing.outside.assert_all_requests_are_fired = False
    ringing.calls_are_taken(listed=listed(ANA, f"CA{1:032d}"))

    call_person(ringing.parts, call.id, "sweep")

    assert len(ringing.rung) == 2


def test_a_cut_off_call_to_a_case_that_was_taken_is_found_and_ended_or_dropped(ringing: House) -> None:
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


def test_a_receipt_quicker_than_the_note_stays_and_a_lost_one_is_asked_after(ringing: House) -> None:
    in_danger(ringing)
    (call,) = ringing.rows("call")
    signed(ringing, f"/twilio/receipts/call?id={call.id}", {"CallSid": f"CA{1:032d}", "CallStatus": "ringing"})
    assert ringing.rows("call")[0].state == "ringing"
    in_danger(ringing, "+17205550124")
    ringing.settles()
    other = ringing.rows("call")[1]
    assert other.state == "waiting"
    ringing.wait(31)
    ringing.sweeps()
    ringing.outside.reset()
    ringing.outside.assert_all_requests_are_fired = False
    ringing.outside.add("GET", re.compile(rf"{TWILIO}/.*/Calls/CA.*"), json={"sid": "CA", "status": "no-answer"})
    call_person(ringing.parts, call.id, "look")

    assert ringing.rows("call")[0].state == "no-answer"
    ringing.settles()
    assert ringing.rows("call")[1].state == "queued"


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


# ---- passing on, as a decision ----------------------------------------------------------------------------------------------


def asked(program: Program, rung: int = 0, **more: Any) -> tuple[Case, Scene]:
    case = Case("id", "K7M4Q2", "contact", "en", said=frozenset({"person"}), status=Status.HANDED_OFF, round=1, rung=rung, **more)
    case = changed(case, level=dispatch.decide(program.protocol, case).level).marked(opened=NOON, heard=NOON, paged=NOON, first_paged=NOON)
    assert case.in_danger
    return case, Scene(program, NOON)


def test_passing_on_asks_the_next_and_moves_nothing_else() -> None:
    case, scene = asked(by_call())

    step = pass_on(case, "Ana", scene)

    assert step.effects == (Record("passed_on", {"by": "Ana"}), Page("danger", 1, 1, "Ana"))
    assert (step.case.status, step.case.rung, step.case.marks["paged"]) == (case.status, 1, NOON)
    assert pass_on(step.case, "Ana", scene).effects == (), "said again, it changes nothing"
    assert pass_on(case, "Ben", scene).effects == (), "Ben was not asked yet"


def test_whoever_passes_on_is_not_asked_by_the_page_that_follows() -> None:
    alone = replace(PROGRAM, ladder=(Rung("danger", "Ana", "call", ANA, repeats=3), Rung("team", "Sue", "call", SUE, supervisor=True)))
    case, scene = asked(alone)
    (_, page) = pass_on(case, "Ana", scene).effects
    assert isinstance(page, Page)
    assert [rung.name for rung in people(page, scene)] == ["Sue"]

    nobody = replace(PROGRAM, ladder=(Rung("danger", "Ana", "call", ANA),))
    assert pass_on(case, "Ana", Scene(nobody, NOON)).effects == (), "nobody else: the clock asks again"


def test_passing_on_what_is_taken_or_ended_is_refused() -> None:
    case, scene = asked(by_call())
    taken = dispatch.accept(case, "Ben", None, scene).case

    with pytest.raises(Refused) as refused:
        pass_on(taken, "Ana", scene)
    assert (refused.value.code, refused.value.name) == ("taken", "Ben")
    with pytest.raises(Refused) as refused:
        pass_on(dispatch.update(taken, Status.CLOSED, "Ben", "safe", scene).case, "Ana", scene)
    assert refused.value.code == "ended"


# ---- a text that does not reach the resident ----------------------------------------------------------------------------

ME = "+17205550123"


def lost(house: House, me: Resident, error: str = "30003") -> Any:
    """A status text that does not arrive: its row."""
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles()
    text = house.rows("message", direction="out", answers=None, person=None)[-1]
    assert text.state == "queued"
    fails(house, text.id, error)
    return text


def fails(house: House, text_id: str, error: str = "30003") -> None:
    fields = {"MessageSid": f"SMlost{text_id[-6:]}", "MessageStatus": "undelivered", "ErrorCode": error}
    assert signed(house, f"/twilio/receipts/message?id={text_id}", fields).status_code == 204


def screened(house: House, contact: str = "1", who: str = "1", number: str = ME, language: str = "hi") -> Resident:
    """Wants a team, and said how we may reach them."""
    me = house.resident(number).texts(language, who, "2", "2", "2", contact, "Main St and 3rd Ave", "1")
    while me.case().status == "screening":
        asked = me.case().state["asked"]
        me.texts({"gun": "2", "want": "1", "if_none": "1", "voicemail": "1"}[asked])
    assert me.case().status == "handed_off"
    return me


def test_a_lost_text_becomes_a_call_that_tells_the_news_only_after_a_key(house: House) -> None:
    me = screened(house)
    text = lost(house, me)
    house.settles()

    (form,) = house.rung
    call = house.rows("call")[0]
    assert (form["To"], call.text_id, call.person) == (ME, text.id, None)
    assert form["Url"] == f"https://house.test/twilio/rescue/call?id={call.id}"
    phone = Phone(house).picks_up()
    assert phone.said == house.words("rescue.call")
    assert phone.presses("").said == house.words("rescue.call")
    phone.presses("1")
    assert phone.said == f"{house.words('rescue.accepted')} {house.words('rescue.goodbye')}"
    assert phone.hung_up
    phone.reports("completed")
    house.settles()

    assert events(house, "rescue_heard") == [{}]
    assert not events(house, "not_reached")
    assert (me.case().status, me.case().state["cannot_text"]) == ("accepted", "undelivered"), "it closes nothing"
    assert house.posted[-1][0]["contact"]["cannot_text"] == "undelivered"


def test_it_is_said_in_their_language_and_of_somebody_elses_case_no_more_than_may_be(house: House) -> None:
    me = screened(house, who="3", language="hola")
    lost(house, me)
    house.settles()

    phone = Phone(house).picks_up()
    assert phone.said == house.words("rescue.call", "es")
    assert phone.presses("1").said.startswith(house.words("rescue.other.received", "es"))


def test_whoever_set_a_code_word_is_told_no_status_by_number_alone(house: House) -> None:
    me = screened(house).texts("code bluebird")
    lost(house, me)
    house.settles()

    assert Phone(house).picks_up().presses("1").said.startswith(house.words("rescue.received"))


@pytest.mark.parametrize("contact", ["2", "3", "5", "6"])
def test_where_calls_were_not_called_safe_nobody_calls_and_humans_are_told(house: House, contact: str) -> None:
    me = screened(house, contact)
    house.settles()
    answered = house.rows("message", direction="out")[0]
    fails(house, answered.id)
    house.settles()
    house.sweeps().settles()

    assert house.rung == []
    assert events(house, "not_reached") == [{}]
    assert [page.person for page in house.rows("page", ladder="review")] == ["Dispatcher on duty"]
    assert house.posted[-1][0]["contact"]["cannot_text"] == "undelivered"
    assert me.case().status == "handed_off"
    fails(house, house.rows("message", direction="out")[1].id)
    assert len(house.rows("page", ladder="review")) == 1, "once"


def test_after_violence_or_when_watched_nobody_calls(house: House) -> None:
    violent = house.resident().texts("hi", "1", "2", "1", "1", "2", "2", "2", "1")
    assert violent.case().state["answers"].get("violence") == "yes"
    watched = house.resident("+17205550124").texts("hi", "1", "2", "2", "2", "1", "is the pie shop open")
    for me in (violent, watched):
        house.settles()
        fails(house, house.rows("message", direction="out", case_id=me.case().id)[0].id)
        house.settles()

    assert house.rung == []
    assert len(events(house, "not_reached")) == 2


def test_nobody_is_called_who_says_they_are_watched_while_the_call_waits_to_be_made(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    me = screened(house)
    lost(house, me)
    (waiting,) = house.rows("call", person=None)
    monkeypatch.setattr(calling, "_unwanted", behind(calling._unwanted, lambda: me.texts("is the pie shop open")))
    house.settles()

    assert rings(house) == []
    assert house.rows("call", id=waiting.id)[0].state == "dropped"


@pytest.mark.parametrize("end", ["busy", "no-answer", "failed", "completed"])
def test_a_call_that_nobody_hears_is_told_to_humans_once(house: House, end: str) -> None:
    me = screened(house)
    lost(house, me, "30006")
    house.settles()
    Phone(house).reports(end, end)
    house.settles()

    assert len(events(house, "not_reached")) == 1
    assert len(house.rows("page", ladder="review")) == 1
    assert not me.case().closed_at


@pytest.mark.parametrize("allowed", [True, False])
def test_a_voicemail_hears_one_neutral_sentence_only_where_that_was_allowed(house: House, allowed: bool) -> None:
    me = screened(house)
    if allowed:
        table = Base.metadata.tables["case"]
        state = me.case().state
        with house.parts.engine.begin() as conn:
            conn.execute(sa.update(table).values(state={**state, "answers": {**state["answers"], "voicemail": "yes"}}))
    lost(house, me)
    house.settles()

    assert house.rung[0]["MachineDetection"] == ("DetectMessageEnd" if allowed else "Enable")
    phone = Phone(house).picks_up("machine_end_beep" if allowed else "machine_start")
    assert (phone.said, phone.hung_up) == (house.words("rescue.voicemail") if allowed else "", True)
    phone.reports("completed")
    assert len(events(house, "not_reached")) == 1, "a voicemail is not a person who heard it"


def test_one_call_a_lost_text_and_not_within_ten_minutes_of_the_last(house: House) -> None:
    me = screened(house)
    text = lost(house, me)
    fails(house, text.id)
    replies = [row.id for row in house.rows("message", direction="out") if row.answers]
    house.wait(60)
    fails(house, replies[0])
    house.settles()
    assert len(house.rows("call")) == 1
    Phone(house).picks_up().presses("1").reports("completed")

    house.wait(600)
    fails(house, replies[1])
    house.settles()
    assert [row.text_id for row in house.rows("call")] == [text.id, replies[1]]


def test_a_call_that_is_not_allowed_any_more_is_not_made(house: House) -> None:
    me = screened(house)
    lost(house, me)
    me.texts("is the pie shop open")
    house.settles()

    assert house.rung == []
    assert events(house, "call_dropped")[0]["why"] == "the safe-contact gate"
    assert len(events(house, "not_reached")) == 1


def test_without_a_number_to_call_from_humans_are_told(house: House) -> None:
    program = house.parts.program
    service = replace(program.numbers.ours[0], number="MG" + "0" * 32)
    house.change(program=replace(program, numbers=replace(program.numbers, ours=(service,))))
    me = screened(house)
    lost(house, me)
    house.settles()

    assert house.rung == []
    assert len(events(house, "not_reached")) == 1


def test_a_pages_id_opens_no_rescue_and_the_other_way_round(ringing: House) -> None:
    in_danger(ringing)
    ringing.settles()
    page = ringing.rows("call")[0].id
    for path in (f"/twilio/rescue/call?id={page}", f"/twilio/rescue/key?id={page}&time=1"):
        answer = signed(ringing, path, {"CallSid": "CAother", "Digits": "1", "AnsweredBy": "human"})
        assert [each.tag for each in ElementTree.fromstring(answer.text)] == ["Hangup"]


# ---- updates for those whom texts do not reach -------------------------------------------------------------------------


def after_a_lost_text(house: House, contact: str = "1", **told: str) -> Resident:
    """Accepted; the text that said so was lost; where calls are safe, the call for it was heard and has ended."""
    me = screened(house, contact, **told)
    lost(house, me)
    house.settles()
    if rings(house):
        mine(house).picks_up().presses("1").reports("completed")
        house.settles()
    return me


def moves(house: House, me: Resident, status: str, **more: str) -> None:
    """Dispatch moves the case; then all that is due is done."""
    answer = house.dispatch(f"/{me.case().id}/status", {"status": status, "by": "Maria", **more})
    assert answer.status_code == 200, answer.text
    house.settles().sweeps().settles()


def rings(house: House) -> list[int]:
    """Which of the calls made were to the resident; a supervisor may be rung meanwhile."""
    return [place for place, form in enumerate(house.rung) if form["To"] == ME]


def mine(house: House) -> Phone:
    """The resident's phone, at the last call to it."""
    return Phone(house, rings(house)[-1])


def passes(house: House, minutes: int) -> None:
    """So many minutes, with the worker looking each of them."""
    for _ in range(minutes):
        house.wait(60)
        house.sweeps().settles()


def not_told(house: House) -> bool:
    """What dispatch sees in the newest revision."""
    return bool(house.posted[-1][0]["contact"]["not_told"])


def test_updates_that_cannot_be_texted_become_calls_one_in_ten_minutes(house: House) -> None:
    me = after_a_lost_text(house)
    texts = len(house.sent)
    moves(house, me, "assigned")
    assert len(rings(house)) == 1, "they were called just now"
    moves(house, me, "en_route")
    assert not_told(house)
    passes(house, 9)
    assert len(rings(house)) == 1
    passes(house, 1)
    assert len(rings(house)) == 2, "two updates, one call"

    phone = mine(house).picks_up()
    assert phone.said == house.words("rescue.call")
    assert phone.presses("1").said.startswith(house.words("rescue.en_route"))
    phone.reports("completed")
    house.settles()
    assert not not_told(house)
    passes(house, 11)
    assert (len(rings(house)), len(house.sent) - texts) == (2, 0), "told once"
    assert not events(house, "not_reached")

    moves(house, me, "arrived")
    assert len(rings(house)) == 3, "the last call is long ago: at once"
    assert mine(house).picks_up().presses("1").said.startswith(house.words("rescue.arrived"))


def test_that_it_is_late_is_heard_by_call(house: House) -> None:
    house.clocks(move=900, late_tell=60)
    me = after_a_lost_text(house)
    passes(house, 17)

    assert len(rings(house)) == 2
    assert mine(house).picks_up().presses("1").said == " ".join(
        house.words(key) for key in ("rescue.accepted", "rescue.late", "rescue.goodbye")
    )
    moves(house, me, "en_route")
    passes(house, 10)
    assert house.words("rescue.late") not in mine(house).picks_up().presses("1").said, "it moves again"


def test_that_nobody_has_picked_it_up_is_heard_by_call(house: House) -> None:
    me = screened(house)
    house.settles()
    fails(house, house.rows("message", direction="out")[0].id)
    house.settles()
    mine(house).picks_up().presses("1").reports("completed")
    passes(house, 12)

    assert "truth.unpicked" in [each["words"] for each in events(house, "held_back")]
    assert len(rings(house)) == 2
    assert mine(house).picks_up().presses("1").said.startswith(house.words("rescue.nobody_yet"))
    assert me.case().status == "handed_off"


def in_danger_unreached(house: House) -> Resident:
    """A danger that nobody has accepted, of somebody who may be called and whom a text did not reach."""
    me = house.resident().texts("hi", "1", "1", "1", "city hall")
    assert (me.case().level, me.case().state["answers"]["contact"]) == ("R1", "text_call")
    house.settles()
    fails(house, house.rows("message", direction="out")[0].id)
    house.settles()
    return me


def test_the_truth_about_a_danger_is_heard_by_call(house: House) -> None:
    me = in_danger_unreached(house)
    mine(house).picks_up().presses("1").reports("completed")
    passes(house, 10)

    assert "truth.nobody_yet" in [each["words"] for each in events(house, "held_back")]
    assert len(rings(house)) == 2
    told = mine(house).picks_up().presses("1").said
    assert told == f"{house.words('rescue.nobody_joined')} {house.words('rescue.goodbye')}"
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    passes(house, 10)
    assert mine(house).picks_up().presses("1").said.startswith(house.words("rescue.received"))


def test_a_call_nobody_hears_leaves_the_update_not_told_and_rings_again_only_for_the_next(house: House) -> None:
    me = after_a_lost_text(house)
    passes(house, 10)
    moves(house, me, "assigned")
    mine(house).reports("no-answer")
    house.settles()
    assert not_told(house)
    assert len(events(house, "not_reached")) == 1
    passes(house, 15)
    assert len(rings(house)) == 2, "nobody is rung again for the same"

    moves(house, me, "en_route")
    assert len(rings(house)) == 3
    assert len(house.rows("page", ladder="review")) == 1, "humans were paged once"


def test_a_call_that_waits_for_the_line_is_not_made_twice(house: House) -> None:
    me = after_a_lost_text(house)
    passes(house, 10)
    house.dispatch(f"/{me.case().id}/status", {"status": "assigned", "by": "Maria"})
    house.sweeps()
    for _ in range(11):
        house.works(twilio=429)
        house.wait(60)
        house.sweeps()
    house.dispatch(f"/{me.case().id}/status", {"status": "en_route", "by": "Maria"})
    house.sweeps().works(twilio=429)

    assert len([row for row in house.rows("call") if row.state in ("waiting", "trying")]) <= 1


@pytest.mark.parametrize("contact", ["2", "3"])
def test_an_update_for_whom_nobody_may_call_is_shown_as_not_told_without_a_flood(house: House, contact: str) -> None:
    me = after_a_lost_text(house, contact)
    before = len(house.rows("hand_off"))
    moves(house, me, "assigned")
    moves(house, me, "en_route")
    passes(house, 40)

    assert rings(house) == []
    assert not_told(house)
    assert house.posted[-1][0]["contact"]["cannot_text"] == "undelivered"
    assert [each["words"] for each in events(house, "held_back")][:2] == ["status.assigned", "status.en_route"]
    moved = [row.because for row in house.rows("hand_off")[before:] if row.because not in ("dispatch", "late")]
    assert moved == [], "no revision but those that say where it stands"
    assert len(house.rows("page", ladder="review")) == 1


@pytest.mark.parametrize("contact", ["5", "6"])
def test_who_wanted_no_word_unasked_is_neither_called_nor_counted_as_not_told_of_updates(house: House, contact: str) -> None:
    me = screened(house, contact).texts("stop")
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    passes(house, 20)

    assert rings(house) == []
    assert not not_told(house)


@pytest.mark.parametrize("said", ["he is hitting me", "is the pie shop open"])
def test_after_violence_or_when_watched_no_update_becomes_a_call(house: House, said: str) -> None:
    me = after_a_lost_text(house)
    passes(house, 10)
    me.texts(said)
    house.settles()
    fails(house, house.rows("message", direction="out", case_id=me.case().id)[0].id)
    assert me.case().state["cannot_text"] == "undelivered"
    moves(house, me, "assigned")
    passes(house, 20)

    assert len(rings(house)) == 1, "the first, when nothing spoke against it"


def test_of_somebody_elses_case_a_later_call_tells_no_more_than_may_be(house: House) -> None:
    me = after_a_lost_text(house, who="3")
    passes(house, 10)
    moves(house, me, "en_route")
    assert mine(house).picks_up().presses("1").said.startswith(house.words("rescue.other.coming"))
    passes(house, 10)
    moves(house, me, "arrived")
    assert mine(house).picks_up().presses("1").said.startswith(house.words("rescue.other.finished"))


def test_who_wants_no_updates_is_not_called_about_them(house: House) -> None:
    me = screened(house).texts("quiet")
    house.settles()
    fails(house, house.rows("message", direction="out")[-1].id)
    house.settles()
    mine(house).reports("busy")
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    passes(house, 20)

    assert len(rings(house)) == 1, "for the answer that was lost, and for no update"


def test_an_update_that_waited_behind_a_lost_one_is_not_lost(house: House) -> None:
    me = screened(house)
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.works(twilio=429)
    fails(house, house.rows("message", direction="out")[0].id)
    house.settles()
    mine(house).reports("no-answer")
    house.wait(31)
    house.sweeps().settles()

    assert house.rows("message", direction="out", person=None)[-1].state == "held"
    assert [each["words"] for each in events(house, "held_back")] == ["status.accepted"]
    passes(house, 10)
    assert len(rings(house)) == 2
    assert mine(house).picks_up().presses("1").said.startswith(house.words("rescue.accepted"))


def test_a_humans_words_that_waited_behind_a_lost_text_are_owed(house: House) -> None:
    me = screened(house, "2")
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.dispatch(f"/{me.case().id}/notes", {"by": "Maria", "words": "At the side door."})
    house.works(twilio=429)
    fails(house, house.rows("message", direction="out")[0].id)
    house.wait(31)
    house.sweeps().settles()

    assert {row.state for row in house.rows("message", direction="out", person=None, answers=None)} == {"held"}
    assert "note_lost" in me.case().state["marks"]
    assert not_told(house)
    me.texts("are you there").told("status.accepted")
    house.settles()
    assert not_told(house), "their update was told; the human's words were not"


# ---- texts reach them again ----------------------------------------------------------------------------------------------


def arrives(house: House, text_id: str, state: str = "delivered") -> None:
    fields = {"MessageSid": f"SMback{text_id[-6:]}", "MessageStatus": state}
    assert signed(house, f"/twilio/receipts/message?id={text_id}", fields).status_code == 204


def test_a_later_text_that_arrives_ends_it_and_what_was_missed_is_told(house: House) -> None:
    me = screened(house, "2")
    lost(house, me, "30006")
    moves(house, me, "assigned")
    me.texts("are you there")
    assert me.case().state["cannot_text"] == "landline", "they write; whether they can read us is not known yet"
    reply = house.rows("message", direction="out", person=None)[-1]
    arrives(house, reply.id, "sent")
    assert me.case().state["cannot_text"] == "landline"
    arrives(house, reply.id)
    arrives(house, reply.id)
    house.settles()

    assert me.case().state["cannot_text"] == ""
    assert events(house, "can_text") == [{}]
    assert house.texts_to(ME)[-1] == house.words("status.assigned")
    assert (house.posted[-1][0]["contact"]["text"], not_told(house)) == (True, False)
    moves(house, me, "en_route")
    assert house.texts_to(ME)[-1] == house.words("status.en_route")


def test_an_earlier_text_that_arrives_late_ends_nothing(house: House) -> None:
    me = screened(house)
    lost(house, me)
    arrives(house, house.rows("message", direction="out")[0].id)

    assert me.case().state["cannot_text"] == "undelivered"


def test_a_text_that_arrives_does_not_undo_their_stop(house: House) -> None:
    me = screened(house).texts("stop")
    arrives(house, house.rows("message", direction="out")[-1].id)

    assert me.case().state["cannot_text"] == "stopped"


def test_whoever_writes_again_hears_what_they_missed(house: House) -> None:
    me = after_a_lost_text(house, "2")
    moves(house, me, "en_route")
    assert not_told(house)

    me.texts("are you there").told("status.en_route")
    house.settles()
    assert me.case().state["cannot_text"] == ""
    assert not not_told(house)
    me.texts("thanks")
    assert house.words("status.en_route") not in "\n".join(me.heard), "once"


def test_start_tells_what_was_missed(house: House) -> None:
    me = screened(house, "2").texts("stop")
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles()
    assert not_told(house)

    me.texts("start").told("start.confirmed", "status.accepted")
    assert "untold" not in me.case().state["marks"]


def test_an_update_already_on_its_way_is_not_told_twice_when_texts_reach_them_again(house: House) -> None:
    me = screened(house, "2")
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles()
    first = house.rows("message", direction="out", answers=None, person=None)[-1]
    moves(house, me, "assigned")
    second = house.rows("message", direction="out", answers=None, person=None)[-1]
    fails(house, first.id)
    assert me.case().state["cannot_text"] == "undelivered"
    arrives(house, second.id)
    house.settles()

    assert me.case().state["cannot_text"] == ""
    assert house.texts_to(ME).count(house.words("status.assigned")) == 1
    assert not not_told(house)


def test_who_stopped_texts_and_called_calls_safe_is_called(house: House) -> None:
    me = screened(house).texts("stop")
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.sweeps().settles()

    assert mine(house).picks_up().presses("1").said.startswith(house.words("rescue.accepted"))
    assert house.rows("page", ladder="review") == []


def test_after_a_weapon_nobody_calls(house: House) -> None:
    me = house.resident().texts("hi", "1", "2", "1", "2", "1", "1")
    assert (me.case().state["answers"].get("weapon"), me.case().state["answers"].get("contact")) == ("yes", "text_call")
    house.settles()
    fails(house, house.rows("message", direction="out")[0].id)
    passes(house, 20)

    assert rings(house) == []
    assert len(events(house, "not_reached")) == 1


# ---- what a fresh look at all this found -------------------------------------------------------------------------------


def test_who_asked_to_be_called_and_not_texted_is_called_with_the_news(house: House) -> None:
    me = screened(house, "4")
    assert me.case().state["answers"]["contact"] == "call"
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles().sweeps().settles()

    assert len(rings(house)) == 1
    assert not house.texts_to(ME)
    phone = mine(house).picks_up().presses("1")
    assert phone.said.startswith(house.words("rescue.accepted"))
    phone.reports("completed")
    house.settles()
    assert not not_told(house)
    moves(house, me, "en_route")
    passes(house, 10)
    assert len(rings(house)) == 2


def test_news_that_waits_for_a_call_is_not_forgotten_when_they_write(house: House) -> None:
    me = screened(house, "4")
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    me.texts("start")
    house.settles().sweeps().settles()

    assert len(rings(house)) == 1


def test_a_call_that_could_say_nothing_leaves_it_not_told_and_brings_a_human(house: House) -> None:
    me = screened(house).texts("code bluebird")
    lost(house, me)
    house.settles()
    mine(house).picks_up().presses("1").reports("completed")
    house.settles()

    assert not_told(house)
    assert len(events(house, "not_reached")) == 1
    assert house.texts_to("+17205550130"), "somebody is asked to look for another way"


def test_a_lost_note_stays_not_told_until_a_human_writes_again(house: House) -> None:
    me = screened(house)
    house.settles()
    house.dispatch(f"/{me.case().id}/notes", {"by": "Maria", "words": "Are you by the door?"})
    house.settles()
    fails(house, house.rows("message", direction="out", keys="note")[0].id)
    house.settles()
    mine(house).picks_up().presses("1").reports("completed")
    house.settles()
    assert not_told(house)
    assert len(events(house, "not_reached")) == 1

    me.texts("hello?")
    house.settles()
    assert not_told(house), "the words themselves were never read"
    house.dispatch(f"/{me.case().id}/notes", {"by": "Maria", "words": "Are you by the door?"})
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles()
    assert not not_told(house)


@pytest.mark.parametrize("how", ["writes again", "a text arrives"])
def test_a_truth_that_was_lost_is_told_when_texts_reach_them_again(house: House, how: str) -> None:
    me = house.resident().texts("hi", "1", "1", "2", "city hall")
    house.settles()
    house.wait(181)
    house.sweeps().settles()
    truth = next(row for row in house.rows("message", direction="out") if row.keys == "truth.nobody_yet")
    fails(house, truth.id)
    house.settles()
    if how == "writes again":
        me.texts("please").told("truth.nobody_yet")
    else:
        arrives(house, sent_after(house, truth))
        house.settles()
        assert house.texts_to(ME)[-1] == house.words("truth.nobody_yet")


def sent_after(house: House, row: Any) -> str:
    """A text to the same person, written a second later, that is on its way."""
    text_id = f"{row.id[:-4]}ffff"
    later = {**row._mapping, "id": text_id, "provider_id": None, "keys": "note", "state": "queued", "rank": 2, "error": None}
    later |= {"at": row.at + timedelta(seconds=1), "sealed_words": house.parts.sealer.seal("Are you there?", f"message.words.{text_id}")}
    with house.parts.engine.begin() as conn:
        conn.execute(sa.insert(Base.metadata.tables["message"]).values(later))
    return text_id


def test_a_doubt_about_violence_that_was_never_answered_keeps_the_phone_quiet(house: House) -> None:
    me = house.resident().texts("hi", "1", "2", "1", "0", "1", "city hall")
    answers = me.case().state["answers"]
    assert (answers["contact"], answers.get("violence")) == ("text_call", None)
    house.settles()
    fails(house, house.rows("message", direction="out")[0].id)
    passes(house, 12)

    assert not rings(house)
    assert events(house, "not_reached")


def test_a_failure_heard_after_a_later_text_arrived_stops_no_text(house: House) -> None:
    me = screened(house, "2")
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles()
    first = house.rows("message", direction="out", answers=None, person=None)[-1]
    moves(house, me, "assigned")
    second = house.rows("message", direction="out", answers=None, person=None)[-1]
    arrives(house, second.id)
    before = len(house.texts_to(ME))
    fails(house, first.id)
    house.settles()

    assert me.case().state["cannot_text"] == ""
    assert len(house.texts_to(ME)) == before, "the newer text told it"
    moves(house, me, "en_route")
    assert house.texts_to(ME)[-1] == house.words("status.en_route")


def test_who_stopped_with_the_carrier_is_known_to_have_stopped_though_the_note_of_it_was_lost(house: House) -> None:
    me = screened(house, "2")
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    with house.parts.engine.begin() as conn:
        contact = Base.metadata.tables["contact"]
        conn.execute(sa.update(contact).values(stopped_at=house.clock(), stopped_because="carrier"))
    house.settles()

    assert me.case().state["cannot_text"] == "blocked"
    assert not_told(house)
    assert len(events(house, "not_reached")) == 1


def test_what_they_have_heard_meanwhile_rings_no_phone_and_pages_nobody(house: House) -> None:
    me = screened(house)
    lost(house, me)
    me.texts("status").told("status.accepted")
    house.settles().sweeps().settles()

    assert not rings(house)
    assert not events(house, "not_reached")
