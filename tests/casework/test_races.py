"""Concurrent events: one wins, the other is not lost, nobody is asked twice, nothing is a 500
(docs/testing.md)."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
import sqlalchemy as sa
from at_once import at_once, begin, behind, joined
from conftest import CAD, signed
from running import until

from caller_service.casework import receive as receiving
from caller_service.casework.carry_out import text_person
from caller_service.casework.outbound import send_text as sending
from caller_service.casework.outbound.deliver import PAUSES, deliver
from caller_service.casework.outbound.send_text import CLAIM, SETTLE, send_text
from caller_service.casework.receive import Turn, receive
from caller_service.casework.timers import set_back
from caller_service.store import cases, hand_offs, messages
from caller_service.store.claim import PAUSED
from caller_service.store.database.group_commit import DirectWriter
from caller_service.store.tables import Base

if TYPE_CHECKING:
    from conftest import House, Resident

ME = "+17205550123"
CAD_NAME = "rehearsal-cad"
DISPATCHER = "Dispatcher on duty"


def turn(house: House, said: str, sid: str) -> Callable[[], Any]:
    heard = house.clock()
    return lambda: receive(house.parts, Turn(sid, ME, said, heard))


@pytest.mark.parametrize("many", [2, 6])
def test_first_texts_at_once_open_one_case_and_are_all_kept(house: House, many: int) -> None:
    given = at_once(*(turn(house, f"text number {one}", f"SMfirst{one}") for one in range(many)))

    assert not [each for each in given if isinstance(each, Exception)]
    assert len(house.rows("contact")) == len(house.rows("case")) == 1
    assert len(house.rows("message", direction="in")) == many
    assert all(each for each in given), "each is answered"


@pytest.mark.parametrize("many", [2, 6])
def test_a_text_is_never_applied_to_a_question_its_sender_did_not_see(
    house: House, many: int
) -> None:
    me = house.resident().texts("hi")
    house.wait(10)

    given = at_once(*(turn(house, "1", f"SManswer{one}") for one in range(many)))

    assert not [each for each in given if isinstance(each, Exception)]
    assert me.case().state["answers"] == {"who": "me"}, (
        "one answered; the others were written before the next question"
    )
    assert me.case().state["asked"] == "health"
    assert len(house.rows("message", direction="in")) == many + 1


def test_the_same_sid_at_once_is_one_turn_with_one_answer(house: House) -> None:
    same = turn(house, "hi", "SMsame00")

    given = at_once(same, same, same, same)

    assert len({tuple((text.id, text.words) for text in each) for each in given}) == 1
    assert len(house.rows("message", direction="in")) == 1


def test_a_turn_that_loses_to_another_write_is_decided_again_on_what_is_true(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = house.resident().texts("hi")
    house.wait(10)
    decide = receiving._decide
    raced: list[int] = []

    def slow(*args: Any) -> Any:
        work = decide(*args)
        if not raced:
            raced.append(1)
            monkeypatch.setattr(receiving, "_decide", decide)
            # as another process would do
            other = replace(house.parts, writer=DirectWriter(house.parts.engine))
            receive(other, Turn("SMquicker", ME, "3", house.clock()))
        return work

    monkeypatch.setattr(receiving, "_decide", slow)
    receive(house.parts, Turn("SMslower", ME, "1", house.clock() - timedelta(seconds=1)))

    assert me.case().state["answers"] == {"who": "adult"}
    assert me.case().state["asked"] == "health"


def test_an_acknowledgement_against_a_cancel_ends_in_one_truth(house: House) -> None:
    me = house.resident().wants_a_team()
    path = f"/{me.case().id}/acknowledgement"

    def accept() -> int:
        client = house.app.test_client()
        return int(
            client.post(
                f"/api/v1/hand-offs{path}",
                json={"answer": "accept", "by": "Maria"},
                headers={"Authorization": f"Bearer {house.token}"},
            ).status_code
        )

    house.wait(10)
    given = at_once(accept, turn(house, "never mind", "SMcancel0"))

    assert given[0] in (200, 409)
    assert not isinstance(given[1], Exception)
    assert me.case().status == "cancelled"
    house.settles()
    assert house.posted[-1][0]["status"] == "cancelled", "everybody is stood down"


def test_a_tick_against_a_turn_loses_neither(house: House) -> None:
    me = house.resident().texts("hi", "1", "2", "2", "1")
    house.wait(121)

    given = at_once(house.sweeps, turn(house, "0", "SMperson"))

    assert not [each for each in given if isinstance(each, Exception)]
    house.sweeps()
    assert me.case().level == "R2"
    assert {row.rung for row in house.rows("page")} == {0}
    assert len(house.rows("page")) == 1


def test_the_same_text_of_staff_at_once_is_one_answer(house: House) -> None:
    me = house.resident().texts("hi", "1", "1", "1", "1")
    reference = me.case().reference
    number = next(rung.number for rung in house.parts.program.ladder if rung.name == DISPATCHER)
    fields = {"MessageSid": "SMstaff", "From": number, "To": "+17205550100", "Body": reference}

    given = at_once(*(lambda: signed(house, "/twilio/sms", fields) for _ in range(6)))

    assert {answer.status_code for answer in given} == {200}
    assert {answer.text for answer in given} == {given[0].text} and "statusCallback" in given[
        0
    ].text
    assert len(house.rows("message", provider_id="SMstaff")) == 1


@pytest.mark.parametrize("state", ["delivered", "undelivered"])
def test_a_receipt_that_is_quicker_than_its_send_is_the_last_word(house: House, state: str) -> None:
    """A receipt arrives before the response to the request that created the text: "sent" must not
    overwrite it."""
    me = house.resident().wants_a_team()
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    quicker: list[str] = []
    taken = house._twilio

    def told_first(request: Any, status: int) -> Any:
        answer = taken(request, status)
        form = dict(parse_qsl(request.body))
        path = form["StatusCallback"].removeprefix(house.parts.public_url)
        sid = json.loads(answer[2])["sid"]
        error = {"ErrorCode": "30003"} if state == "undelivered" else {}
        quicker.append(
            str(
                signed(
                    house, path, {"MessageSid": sid, "MessageStatus": state, **error}
                ).status_code
            )
        )
        return answer

    house._twilio = told_first  # type: ignore[method-assign]
    house.settles()

    assert set(quicker) == {"204"}
    texts = [row for row in house.rows("message", direction="out") if row.tries]
    assert texts and {row.state for row in texts} == {state}
    assert all(row.provider_id for row in texts)


def test_a_failure_that_is_reported_twice_at_once_is_told_again_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second receipt is handled completely after the first one has read the sent texts and
    before it decides."""
    me = house.resident().wants_a_team()
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles()
    update = next(row for row in house.rows("message", direction="out") if row.tries)
    me.texts("we are by the door")
    reply = house.rows("message", direction="out", person=None)[-1]
    signed(
        house,
        f"/twilio/receipts/message?id={reply.id}",
        {"MessageSid": "SMreply", "MessageStatus": "delivered"},
    )
    failed = {
        "MessageSid": update.provider_id,
        "MessageStatus": "undelivered",
        "ErrorCode": "30003",
    }

    def report() -> None:
        assert signed(house, f"/twilio/receipts/message?id={update.id}", failed).status_code == 204

    # the last read of the first receipt
    monkeypatch.setattr(messages, "keys_since", behind(messages.keys_since, report, at=2))
    report()
    house.settles()

    again = [
        row
        for row in house.rows("message", direction="out", person=None)
        if row.tries and row.id > reply.id
    ]
    assert [row.keys for row in again] == [update.keys]


def test_receipts_and_the_send_at_the_same_moment_leave_the_furthest_state(house: House) -> None:
    me = house.resident().wants_a_team()
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    (waiting,) = (row for row in house.rows("message", direction="out") if row.state == "waiting")
    path = f"/twilio/receipts/message?id={waiting.id}"

    given = at_once(
        house.works,
        *(
            lambda state=state: signed(
                house, path, {"MessageSid": "SMatonce", "MessageStatus": state}
            )
            for state in ("queued", "delivered", "sent")
        ),
    )

    assert not [each for each in given if isinstance(each, Exception)]
    house.settles()
    assert house.rows("message", id=waiting.id)[0].state == "delivered"
    assert (
        len([form for form in house.sent if form["Body"] == house.words("status.accepted")]) <= 1
    ), "sent once at most"


def two_pages_in_doubt(house: House) -> tuple[str, str]:
    """Two identical texts to one person, each from an attempt with an unknown outcome."""
    me = house.resident().texts("hi", "1", "2", "2", "1")
    with house.parts.engine.begin() as conn:
        case = cases.by_id(conn, house.parts.sealer, me.case().id)
        assert case is not None
        for _ in range(2):
            text_person(
                conn, house.parts, case, DISPATCHER, "page.stood_down", house.clock(), name="Maria"
            )
        table = Base.metadata.tables["message"]
        conn.execute(
            sa.update(table)
            .where(table.c.person.is_not(None))
            .values(state="trying", tries=1, claimed_by=None)
        )
    first, second = (row.id for row in house.rows("message", person=DISPATCHER))
    return first, second


def listed(house: House, *sids: str, direction: str = "outbound-api") -> None:
    """What the provider says it has sent."""
    number = next(rung.number for rung in house.parts.program.ladder if rung.name == DISPATCHER)
    words = house.words("page.stood_down", reference=house.rows("case")[0].reference, name="Maria")
    told = [{"sid": sid, "to": number, "body": words, "direction": direction} for sid in sids]
    house.outside.reset()
    house.outside.add(
        "GET",
        re.compile("https://twilio.test/.*"),
        json={"messages": told, "next_page_uri": None, "uri": ""},
    )
    house.outside.add(
        "POST",
        re.compile("https://twilio.test/.*"),
        json={"sid": "SManew", "status": "queued"},
        status=201,
    )


def test_two_pages_that_found_the_same_text_do_not_both_call_it_theirs(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two_pages_in_doubt(house)
    listed(house, "SMfound")
    house.outside.assert_all_requests_are_fired = False
    send_text(house.parts, first, "one")
    with monkeypatch.context() as patched:
        # read at the same moment, when no text had the SID yet
        patched.setattr(messages, "taken", lambda *_: frozenset())
        send_text(house.parts, second, "two")

    row = house.rows("message", id=second)[0]
    assert (row.state, row.provider_id, row.claimed_by) == ("trying", None, PAUSED)
    assert row.next_at - house.clock() < timedelta(seconds=5), (
        "it is looked for again at once, not when the claim has run out"
    )
    house.wait(5)
    house.sweeps()
    send_text(house.parts, second, "three")
    assert [house.rows("message", id=one)[0].provider_id for one in (first, second)] == [
        "SMfound",
        "SManew",
    ]


def test_an_answer_that_says_the_same_is_not_the_text_that_is_looked_for(house: House) -> None:
    first, _ = two_pages_in_doubt(house)
    listed(house, "SManswer", direction="outbound-reply")
    send_text(house.parts, first, "one")

    assert house.rows("message", id=first)[0].provider_id == "SManew"


def test_a_receipt_counts_though_another_page_calls_its_text_its_own(house: House) -> None:
    first, second = two_pages_in_doubt(house)
    listed(house, "SMfound")
    house.outside.assert_all_requests_are_fired = False
    send_text(house.parts, second, "two")

    told = signed(
        house,
        f"/twilio/receipts/message?id={first}",
        {"MessageSid": "SMfound", "MessageStatus": "delivered"},
    )

    assert told.status_code == 204
    row = house.rows("message", id=first)[0]
    assert (row.state, row.provider_id) == ("delivered", "SMfound"), (
        "the provider knows whose it is"
    )
    row = house.rows("message", id=second)[0]
    assert (row.state, row.provider_id) == ("trying", None)
    house.sweeps()
    send_text(house.parts, second, "again")
    assert house.rows("message", id=second)[0].provider_id == "SManew", (
        "what only seemed to be sent is sent"
    )


def test_a_try_cut_off_in_the_middle_is_not_looked_for_before_it_can_have_arrived(
    house: House,
) -> None:
    """The same job runs again right after a crash: its request may still be on its way to the
    provider."""
    first, _ = two_pages_in_doubt(house)
    with house.parts.engine.begin() as conn:
        assert messages.claim(conn, first, "send", house.clock(), CLAIM, SETTLE) is False
    listed(house)
    house.outside.assert_all_requests_are_fired = False

    send_text(house.parts, first, "send")
    assert not house.outside.calls, "neither looked for nor sent"
    house.wait(4)
    house.sweeps()
    assert f"send:{first}" in "".join(job for job, *_ in house.jobs()), "the sweep takes it up"
    send_text(house.parts, first, "sweep")
    assert house.rows("message", id=first)[0].provider_id == "SManew"


# ---- what a decision depends on may change while it is made --------------------------------------


def accepted(house: House) -> tuple[Resident, Any]:
    """A resident whose first update was sent, and its row."""
    me = house.resident().wants_a_team()
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles()
    house.wait(30)
    return me, next(row for row in unasked(house) if row.tries)


def unasked(house: House) -> list[Any]:
    return [
        row for row in house.rows("message", direction="out", person=None) if row.answers is None
    ]


def noted(house: House, me: Resident) -> Any:
    """A human's message is sent; returns its row."""
    house.dispatch(f"/{me.case().id}/notes", {"by": "Maria", "words": "At the door."})
    house.settles()
    return unasked(house)[-1]


def reports(house: House, row: Any, state: str, error: str = "") -> None:
    fields = {"MessageSid": row.provider_id, "MessageStatus": state} | (
        {"ErrorCode": error} if error else {}
    )
    assert signed(house, f"/twilio/receipts/message?id={row.id}", fields).status_code == 204


def loss_and_arrival(house: House) -> tuple[Resident, Callable[[], None], Callable[[], None]]:
    """Two texts to somebody are under way: the older will be reported lost, the newer arrived."""
    me, lost = accepted(house)
    newer = noted(house, me)
    return (
        me,
        lambda: reports(house, lost, "undelivered", "30003"),
        lambda: reports(house, newer, "delivered"),
    )


def texts_reach(house: House, me: Resident) -> None:
    house.settles()
    assert me.case().state["cannot_text"] == ""
    assert "not_reached" not in me.case().state["marks"]


@pytest.mark.parametrize("at", [1, 2])
def test_a_later_text_that_arrives_while_a_loss_is_decided_is_not_overlooked(
    house: House, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    me, fails, arrives = loss_and_arrival(house)
    monkeypatch.setattr(messages, "keys_since", behind(messages.keys_since, arrives, at))
    fails()
    texts_reach(house, me)


def test_a_loss_that_is_decided_while_an_arrival_is_noted_is_undone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, fails, arrives = loss_and_arrival(house)
    monkeypatch.setattr(sending, "_arrived", behind(sending._arrived, fails))
    arrives()
    texts_reach(house, me)


def test_an_arrival_that_was_cut_off_is_heard_when_it_is_told_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receipt was stored, but the process ended before handling it."""
    me, fails, arrives = loss_and_arrival(house)
    with monkeypatch.context() as cut_off:
        cut_off.setattr(sending, "_reached", lambda *_: None)
        cut_off.setattr(sending, "_arrived", behind(sending._arrived, fails))
        arrives()
    assert me.case().state["cannot_text"] == "undelivered"
    arrives()

    assert me.case().state["cannot_text"] == ""


def test_a_text_that_is_held_as_texts_reach_them_again_goes_out_after_all(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, fails, arrives = loss_and_arrival(house)
    house.dispatch(f"/{me.case().id}/status", {"status": "en_route", "by": "Maria"})
    waits = unasked(house)[-1]
    fails()
    assert me.case().state["cannot_text"] == "undelivered"
    monkeypatch.setattr(sending, "_allowed", behind(sending._allowed, arrives))
    house.settles()

    assert me.case().state["cannot_text"] == ""
    assert [row.keys for row in unasked(house) if row.state == "queued"].count(waits.keys) == 1, (
        "they hear that help comes, once"
    )


@pytest.mark.parametrize("said", ["stop", "is the pie shop open"])
def test_no_text_goes_out_that_became_unsafe_while_it_waited_to_be_sent(
    house: House, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    me, _ = accepted(house)
    house.dispatch(f"/{me.case().id}/status", {"status": "en_route", "by": "Maria"})
    sent = len(house.sent)
    monkeypatch.setattr(sending, "_allowed", behind(sending._allowed, lambda: me.texts(said)))
    house.settles()

    assert not [form for form in house.sent[sent:] if form["To"] == ME]
    assert unasked(house)[-1].state == "held"


# ---- what waits for another is woken by it, or sees that it is done ------------------------------


@contextmanager
def comes_meanwhile(house: House, doing: Callable[[], Any]) -> Iterator[Callable[[], None]]:
    """Runs `doing` beside a transaction that is not yet committed, until it is done or waits for
    that transaction's locks."""
    if house.parts.engine.dialect.name == "sqlite":
        pytest.skip("SQLite writes one at a time: nobody comes in between")
    threads: list[threading.Thread] = []
    given: list[Any] = []
    waits = sa.text(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = "
        "'Lock'"
    )

    def comes() -> None:
        nonlocal threads, given
        threads, given = begin(doing)
        with house.parts.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            until(
                lambda: not threads[0].is_alive() or conn.execute(waits).first(),
                "it is done, or waits",
            )

    yield comes
    joined(threads)
    assert given == [None], "it came, and did what it came for"


def test_a_text_written_as_the_one_before_it_is_sent_is_not_left_behind(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, _ = accepted(house)
    house.dispatch(f"/{me.case().id}/status", {"status": "en_route", "by": "Maria"})

    def another() -> None:
        assert (
            house.dispatch(
                f"/{me.case().id}/notes", {"by": "Maria", "words": "At the door."}
            ).status_code
            == 200
        )
        send_text(house.parts, unasked(house)[-1].id, "another worker")

    with comes_meanwhile(house, another) as comes:
        monkeypatch.setattr(messages, "next_waiting", behind(messages.next_waiting, comes))
        house.works()

    assert [(row.keys, row.state) for row in unasked(house)[-2:]] == [
        ("status.other.coming", "queued"),
        ("note", "queued"),
    ]


def test_a_text_behind_one_whose_sender_was_killed_goes_out_when_its_receipt_comes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, _ = accepted(house)
    house.dispatch(f"/{me.case().id}/status", {"status": "en_route", "by": "Maria"})
    house.dispatch(f"/{me.case().id}/notes", {"by": "Maria", "words": "At the door."})
    with monkeypatch.context() as killed:
        killed.setattr(sending, "_sent", lambda *_: None)
        house.works()
    first, second = unasked(house)[-2:]
    assert (first.state, second.state) == ("trying", "waiting")
    path = f"/twilio/receipts/message?id={first.id}"
    for state in ("sent", "delivered"):
        assert (
            signed(house, path, {"MessageSid": "SMtaken", "MessageStatus": state}).status_code
            == 204
        )
    house.settles()

    assert [row.state for row in unasked(house)[-2:]] == ["delivered", "queued"]


def test_a_revision_written_as_the_one_before_it_is_received_is_not_left_behind(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, _ = accepted(house)
    house.dispatch(f"/{me.case().id}/status", {"status": "assigned", "by": "Maria"})
    revisions = len(house.rows("hand_off"))

    def another() -> None:
        assert (
            house.dispatch(
                f"/{me.case().id}/status", {"status": "en_route", "by": "Maria"}
            ).status_code
            == 200
        )
        deliver(
            house.parts,
            max(house.rows("delivery", state="waiting"), key=lambda row: row.revision).id,
            "another worker",
        )

    with comes_meanwhile(house, another) as comes:
        monkeypatch.setattr(hand_offs, "next_waiting", behind(hand_offs.next_waiting, comes))
        house.works()

    assert len(house.rows("hand_off")) == revisions + 1
    assert {row.state for row in house.rows("delivery")} == {"received"}


def to_the_cad(house: House, revision: int = 1) -> Any:
    return house.rows("delivery", destination=CAD_NAME, revision=revision)[0]


def takes(house: House, meanwhile: Callable[[], Any] = lambda: None, first: int = 202) -> list[str]:
    """The CAD receives a post while something else runs; returns the keys that were posted."""
    keys: list[str] = []

    def taken(request: Any) -> tuple[int, dict[str, str], str]:
        keys.append(request.headers["Idempotency-Key"])
        meanwhile()
        return first if len(keys) == 1 else 202, {}, ""

    house.outside.add_callback("POST", CAD, taken)
    return keys


def in_another_worker(house: House, delivery_id: str, job: str) -> None:
    threads, given = begin(lambda: deliver(house.parts, delivery_id, job))
    joined(threads)
    assert given == [None]


def test_a_revision_that_two_jobs_try_is_posted_once(house: House) -> None:
    """Two jobs: its own, and the one with which the earlier revision wakes it."""
    house.resident().wants_a_team()
    mine = to_the_cad(house)
    keys = takes(house, lambda: in_another_worker(house, mine.id, "woken"))

    deliver(house.parts, mine.id, "its own")

    assert keys == [f"{mine.case_id}.1"]
    assert (to_the_cad(house).state, to_the_cad(house).tries) == ("received", 1)
    assert len([line for line in house.rows("journal") if line.event == "delivered"]) == 1


def test_revisions_made_while_the_one_before_is_posted_are_posted_once_in_order(
    house: House,
) -> None:
    me = house.resident().wants_a_team()

    def jobs() -> list[tuple[str, str]]:
        """All jobs that were ever enqueued: each may run late, or again."""
        cad = {row.id for row in house.rows("delivery", destination=CAD_NAME)}
        return [(job, one) for job, _, one in house.jobs() if one in cad]

    def revised() -> None:
        if len(keys) < 3:
            me.texts(f"news {len(keys)}")
        for job, one in jobs():
            in_another_worker(house, one, f"{job} elsewhere")

    keys = takes(house, revised)
    for _ in range(3):
        for job, one in jobs():
            deliver(house.parts, one, job)

    assert keys == [f"{me.case().id}.{revision}" for revision in (1, 2, 3)]
    assert {row.state for row in house.rows("delivery", destination=CAD_NAME)} == {"received"}


def test_many_workers_post_each_revision_once(house: House) -> None:
    me = house.resident().wants_a_team()
    me.texts("he is calmer now").texts("we are by the door")
    keys = takes(house)
    rows = house.rows("delivery", destination=CAD_NAME)
    doing = [
        lambda one=row.id, job=f"job {row.id} {number}": deliver(house.parts, one, job)
        for row in rows
        for number in range(3)
    ]
    for _ in rows:  # each round of jobs, which the one before has woken
        assert not [each for each in at_once(*doing) if each is not None]

    assert keys == [f"{me.case().id}.{revision}" for revision in (1, 2, 3)]


def test_a_try_that_was_cut_off_is_taken_over_by_its_own_job_and_by_another(house: House) -> None:
    house.resident().wants_a_team()
    mine = to_the_cad(house)

    def killed() -> None:
        raise SystemExit

    keys = takes(house, killed)
    with pytest.raises(SystemExit):
        deliver(house.parts, mine.id, "killed")
    assert to_the_cad(house).state == "trying"

    house.outside.reset()
    keys = takes(house)
    deliver(house.parts, mine.id, "another")
    assert keys == [], "whoever was cut off may still be on the way"
    house.wait(SETTLE.total_seconds() + 1)  # the lookup took long, and the post came at its end
    deliver(house.parts, mine.id, "killed")  # the engine runs it again
    assert keys == [], "not before what was cut off has settled"
    deliver(house.parts, mine.id, "a third, woken by the revision before it")
    house.sweeps().settles()
    assert keys == [], "nor by any other job"
    house.wait(SETTLE.total_seconds())
    house.sweeps().settles()
    assert [headers["Idempotency-Key"] for _, headers in house.posted] == [f"{mine.case_id}.1"]
    assert (to_the_cad(house).state, to_the_cad(house).tries) == ("received", 2)


def test_a_try_that_failed_is_not_made_again_before_its_time_by_any_job(house: House) -> None:
    """A revision may have two jobs, and the engine runs one again that was cut off at its end."""
    house.resident().wants_a_team()
    mine = to_the_cad(house)
    keys = takes(house, first=500)

    for job in ("its own", "woken", "its own"):
        deliver(house.parts, mine.id, job)
    assert len(keys) == 1

    house.wait(PAUSES[0])
    house.sweeps().settles()
    assert (to_the_cad(house).state, to_the_cad(house).tries) == ("received", 2)


@pytest.mark.parametrize("status", [429, 500])
def test_a_text_that_was_not_taken_is_not_sent_again_before_its_time_by_any_job(
    house: House, status: int
) -> None:
    """After 429 it is sent from the start; after 500 it is looked for first."""
    me = house.resident().wants_a_team()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    mine = house.rows("message", direction="out", person=None, state="waiting")[-1]
    house.works(twilio=status)
    asked = len(house.outside.calls)
    assert (tried := house.rows("message", id=mine.id)[0]).tries == 1

    for job in ("woken", "its own"):
        send_text(house.parts, mine.id, job)
    assert len(house.outside.calls) == asked
    assert house.rows("message", id=mine.id)[0] == tried

    house.wait(2)
    house.sweeps().settles()
    assert len(house.texts_to(ME)) == 1


def test_a_try_whose_job_never_comes_back_is_swept(house: House) -> None:
    house.resident().wants_a_team()
    mine = to_the_cad(house)
    with house.parts.engine.begin() as conn:
        assert hand_offs.claim(conn, mine.id, "dead", house.clock(), CLAIM, SETTLE)

    house.settles()
    assert to_the_cad(house).state == "trying"
    house.wait(CLAIM.total_seconds() + 1)
    house.sweeps().settles()
    assert to_the_cad(house).state == "received"


def test_a_delivery_that_kills_every_worker_is_dead_in_the_end(house: House) -> None:
    house.resident().wants_a_team()
    mine = to_the_cad(house)
    for number in range(len(PAUSES) + 1):
        with house.parts.engine.begin() as conn:
            claimed = hand_offs.claim(conn, mine.id, str(number), house.clock(), CLAIM, SETTLE)
        assert claimed is (number == 0)
        house.wait(CLAIM.total_seconds() + 1)
        house.sweeps()

    deliver(house.parts, mine.id)

    assert (to_the_cad(house).state, to_the_cad(house).error) == ("dead", "cut off")


def test_a_try_that_was_taken_over_says_nothing_of_how_it_ended(house: House) -> None:
    house.resident().wants_a_team()
    mine = to_the_cad(house)

    def another() -> None:
        if len(keys) == 1:
            house.wait(CLAIM.total_seconds() + 1)
            house.sweeps()
            in_another_worker(house, mine.id, "another")

    keys = takes(house, another, first=500)
    deliver(house.parts, mine.id, "slow")

    assert len(keys) == 2
    assert (to_the_cad(house).state, to_the_cad(house).error) == ("received", None)


@pytest.mark.parametrize("table", ["delivery", "message"])
def test_a_clock_set_back_leaves_a_try_under_way_its_time(house: House, table: str) -> None:
    house.resident().texts("my sister took too many pills")
    store = {"delivery": hand_offs, "message": messages}[table]
    row = next(row for row in house.rows(table) if row.state == "waiting")
    with house.parts.engine.begin() as conn:
        assert store.claim(conn, row.id, "its own", house.clock(), CLAIM, SETTLE)  # type: ignore[attr-defined]

    house.clock.at -= timedelta(hours=1)
    set_back(house.parts)

    left = house.rows(table, id=row.id)[0].next_at - house.clock()
    assert CLAIM - timedelta(seconds=1) < left <= CLAIM
    house.sweeps()
    assert house.rows(table, id=row.id)[0].claimed_by == "its own"
