"""A step that could not be written in time, and reports of a call in any order, twice, or never."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
import sqlalchemy as sa
from caller import ME, Caller
from phones import events

from caller_service.casework.resident_call import CHECK, look_after
from caller_service.store.tables import Base
from caller_service.web.voice import residents

if TYPE_CHECKING:
    from conftest import House

NO = "2"


@contextmanager
def somebody_writes(house: House) -> Iterator[None]:
    """Another process holds what a step must write; and the step does not wait as long as usual."""
    with house.parts.engine.connect() as conn, pytest.MonkeyPatch.context() as patch:
        patch.setattr(residents, "WRITE_WAIT", 0.2)
        if conn.dialect.name == "sqlite":
            conn.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            conn.execute(sa.text('LOCK TABLE "leg" IN ACCESS EXCLUSIVE MODE'))
        try:
            yield
        finally:
            conn.rollback()


def slow(house: House, me: Caller, url: str, **fields: str) -> str:
    """A step that finds the database taken: where it is asked again."""
    with somebody_writes(house):
        answer = me._asks(url, **fields)
    assert answer.status_code == 200
    assert house.words("spoken.moment") in answer.text
    me._reads(answer)
    redirect = me.document.find("Redirect")
    assert redirect is not None
    return redirect.text or ""


def test_a_slow_step_says_one_moment_and_loses_no_key(house: House) -> None:
    me = Caller(house).rings()
    house.wait(me.takes() + 1)
    again = slow(house, me, me.action, Digits="1")
    assert not dict(me.case().answers)
    me._hears(me._asks(again))  # the provider tells the key once
    me.told("spoken.ask.health.me")
    assert dict(me.case().answers) == {"who": "me"}


def test_what_was_keyed_cannot_be_read_in_the_address(house: House) -> None:
    me = Caller(house).rings()
    again = slow(house, me, me.action, Digits="8675309", SpeechResult="zebrafinch")
    assert "8675309" not in unquote(again)
    assert "zebrafinch" not in unquote(again)
    # the same key twice is not the same address
    other = slow(house, me, me.action, Digits="8675309", SpeechResult="zebrafinch")
    assert other.partition("kept=")[2] != again.partition("kept=")[2]


def test_after_two_moments_the_911_and_988_words_are_heard(house: House) -> None:
    me = Caller(house).rings()
    url = me.action
    for _ in range(residents.TRIES):
        url = slow(house, me, url, Digits="1")
    with somebody_writes(house):
        answer = me._asks(url)
    assert "988" in answer.text
    assert "911" in answer.text
    assert "Redirect" not in answer.text


def test_the_first_ring_may_be_slow(house: House) -> None:
    me = Caller(house)
    again = slow(house, me, "/twilio/voice", CallStatus="ringing", Direction="inbound")
    me._hears(me._asks(again)).told("spoken.greeting.danger")


def test_a_slow_step_keeps_why_they_left_the_queue(house: House) -> None:
    """988, a callback, a text: what was chosen and confirmed is done."""
    me = Caller(house).rings().presses("1", NO, NO, NO, NO, "1", "1", "0")
    assert me.queue is not None
    left = me.queue[0]
    me.presses("5").told("spoken.wait.confirm_callback", number=number(house))
    house.wait(me.takes() + 1)
    me._reads(me._asks(me.action, Digits="1"), "wait")
    assert me.document.find("Leave") is not None
    again = slow(house, me, left, QueueResult="leave", QueueTime="30")
    me.queue = None
    me._hears(me._asks(again))
    assert len(house.rows("callback")) == 1
    assert me.queue is None


def test_a_slow_step_keeps_that_988_was_reached(house: House) -> None:
    me = Caller(house).rings().presses("1", "1", "4", "1")
    again = slow(house, me, me.dialled, DialCallStatus="completed")
    me._hears(me._asks(again)).told("spoken.wait.after_988")


@pytest.mark.parametrize("kept", ["", "x", "AAAA", "%FF", "A" * 3000])
def test_what_we_did_not_seal_is_not_read(house: House, kept: str) -> None:
    me = Caller(house).rings()
    house.wait(me.takes() + 1)
    me._hears(me._asks(f"{me.action}&again=1&kept={kept}"))
    assert not dict(me.case().answers)


def number(house: House) -> str:
    program = house.parts.program
    return ", ".join((program.numbers.callback or program.numbers.ours[0].number)[-10:])


# ---- how far a call has come ---------------------------------------------------------------------

REPORTS = ("queued", "ringing", "in-progress", "completed")


@pytest.mark.parametrize("order", list(itertools.permutations(REPORTS)))
def test_reports_come_in_any_order_and_twice(house: House, order: tuple[str, ...]) -> None:
    me = Caller(house).rings().presses("1", NO)
    me.reports(*order, *reversed(order))
    assert len(events(house, "call_ended")) == 1
    case = me.case()
    assert not case.on_line
    assert case.review


@pytest.mark.parametrize("end", ["completed", "busy", "failed", "no-answer", "canceled"])
def test_every_final_status_of_a_call_ends_it(house: House, end: str) -> None:
    me = Caller(house).rings().presses("1", NO).reports(end)
    assert not me.case().on_line


@pytest.mark.parametrize("odd", ["", "nonsense", "in-progress", "COMPLETED", "initiated"])
def test_a_report_that_is_no_end_ends_nothing(house: House, odd: str) -> None:
    assert Caller(house).rings().presses("1", NO).reports(odd).case().on_line


def test_a_report_before_the_call_is_known_changes_nothing(house: House) -> None:
    me = Caller(house).reports("completed", "ringing")
    assert not house.rows("leg")
    me.rings().told("spoken.greeting.danger")


def test_a_call_that_nobody_reports_is_asked_after(house: House) -> None:
    me = Caller(house).rings().presses("1", NO)
    house.wait(CHECK.total_seconds() + 1)
    house.sweeps()
    house.settles()
    assert me.case().on_line  # the provider says that it goes on
    house.hung_up.append(me.sid)  # what the provider says of it
    house.wait(CHECK.total_seconds() + 1)
    house.sweeps()
    house.settles()
    assert not me.case().on_line
    assert me.case().review
    (leg,) = house.rows("leg")
    assert leg.ended_at is not None
    assert leg.sealed_state is None
    house.wait(CHECK.total_seconds() + 1)
    assert look_after(house.parts) == 0


def test_a_call_that_the_provider_does_not_know_is_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = Caller(house).rings().presses("1", "1")
    unknown = json.dumps({"code": 20404, "message": "not found", "status": 404})
    monkeypatch.setattr(house, "_stands", lambda url: (404, {}, unknown))
    house.wait(CHECK.total_seconds() + 1)
    house.sweeps()
    house.settles()
    assert not me.case().on_line
    assert me.case().in_danger


def test_the_queue_may_tell_of_the_end_first(house: House) -> None:
    me = Caller(house).rings().presses("1", "1")
    assert me.queue is not None
    me._asks(me.queue[0], QueueResult="hangup", QueueTime="9")
    assert not me.case().on_line
    me.reports("in-progress", "completed")
    assert len(events(house, "call_ended")) == 1


def test_nothing_that_ended_is_looked_at(house: House) -> None:
    Caller(house, ME).rings().hangs_up()
    leg = Base.metadata.tables["leg"]
    with house.parts.engine.connect() as conn:
        (at,) = conn.execute(sa.select(leg.c.next_at)).scalars()
    assert at is None
