"""Keeps promised calls: each is looked at when it is due and whenever something became of one of
its calls, and goes on from what stands in the database. Any number of workers may look at once: the
row is changed as it was read, and a call is made by its own job.

One attempt rings one human after the other until one takes it; then the resident's phone. A crash
at any moment leaves an attempt that is looked at again: nobody is called twice for it, and none is
forgotten.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import sqlalchemy as sa

from caller_service.core.callback import (
    TALKED,
    CallbackOutcome,
    kept,
    not_kept,
    who_rings,
)
from caller_service.core.case import Case
from caller_service.core.marks import Mark
from caller_service.core.outbound import CallbackState, CallState
from caller_service.core.safe_contact import calls_wanted
from caller_service.jobs.queue import PEOPLE
from caller_service.store import callbacks, calls, cases, contacts, legs
from caller_service.store.callbacks import Callback
from caller_service.store.calls import Call
from caller_service.store.database.transaction import reading, transaction
from caller_service.store.journal import Author

from .carry_out import HOLD, end_calls
from .change import change
from .parts import Parts

log = logging.getLogger(__name__)
BATCH = 50  # looked at in one sweep
LOOK = timedelta(seconds=15)  # an attempt under way is looked at this often
BUSY = timedelta(seconds=20)  # a human whose phone is not free so long: the next one


def keep_promises(parts: Parts) -> int:
    """Look at every callback that is due; how many were."""
    with reading(parts.engine) as conn:
        due = callbacks.due(conn, parts.now(), BATCH)
    for callback_id in due:
        try:
            go_on(parts, callback_id)
        except sa.exc.SQLAlchemyError:
            raise
        except Exception as problem:
            log.error(
                "a callback failed",
                extra={"callback": callback_id, "fault": type(problem).__name__},
            )
    return len(due)


def go_on(parts: Parts, callback_id: str) -> None:
    """One callback, from what is known now."""
    with reading(parts.engine) as conn:
        known = callbacks.by_id(conn, parts.sealer, callback_id)
        case = cases.by_id(conn, parts.sealer, known.case_id) if known else None
    if known is None or case is None or known.state not in callbacks.LIVE:
        return
    if case.ended or not calls_wanted(case):  # taken back, or over: nobody rings
        cancel(parts, case.id, known.id)
        return
    if known.state == CallbackState.WAITING:
        _begin(parts, known, case)
    else:
        _look(parts, known, case)


def _begin(parts: Parts, known: Callback, case: Case) -> None:
    """The next attempt: the first human's phone. Somebody who is in a call with us now is not
    called beside it."""
    now = parts.now()
    if case.on_line:
        _later(parts, known, timedelta(seconds=30))
        return
    if now > known.until_at:
        _over(parts, known, _missed(known, case))
        return
    _ring_next(parts, known, case, known.attempts + 1, 0)


def _missed(known: Callback, case: Case) -> CallbackOutcome:
    """Its hour has passed before another attempt could begin. Who called us meanwhile, and spoke
    with a human, was reached."""
    talked = case.marks.get(Mark.TALKED)
    if talked is not None and talked >= known.due_at:
        return CallbackOutcome.REACHED
    rang = known.resident_call_id is not None
    return CallbackOutcome.NOT_REACHED if rang else CallbackOutcome.NOBODY_FREE


def _ring_next(parts: Parts, known: Callback, case: Case, attempt: int, tried: int) -> None:
    now = parts.now()
    with reading(parts.engine) as conn:
        scene = parts.scene(conn).for_case(case)
    rung = who_rings(case, known.person or "", tried, scene)
    if rung is None:
        _failed(parts, known, attempt, CallbackOutcome.NOBODY_FREE)
        return
    call_id = parts.new_id()
    with transaction(parts.engine) as conn:
        calls.add(
            conn, parts.sealer, call_id, case.id, rung.number, now, now + HOLD, person=rung.name
        )
        changed = callbacks.change(
            conn,
            known,
            state=CallbackState.RINGING,
            attempts=attempt,
            tried=tried + 1,
            call_id=call_id,
            resident_call_id=None,
            next_at=now + LOOK,
        )
        if not changed:
            raise cases.Stale  # another worker went on: nothing of this is written
        parts.jobs.enqueue(conn, "call_person", f"call:{call_id}:0", call_id, PEOPLE)


def _look(parts: Parts, known: Callback, case: Case) -> None:
    """An attempt is under way: what became of its calls?"""
    with reading(parts.engine) as conn:
        staff = calls.by_id(conn, known.call_id or "")
        theirs = calls.by_id(conn, known.resident_call_id or "")
        talk = next(
            (one for one in reversed(legs.talks(conn, case.id)) if one.call_id == known.call_id),
            None,
        )
    if talk is not None and not (theirs is not None and theirs.machine):
        if talk.ended_at is None:
            _later(parts, known, LOOK)
        elif talk.ended_at - talk.at >= TALKED:
            with transaction(parts.engine) as conn:
                callbacks.change(conn, known, talked_until=talk.ended_at)
            _over(parts, known, CallbackOutcome.REACHED)
        else:
            _failed(parts, known, known.attempts, CallbackOutcome.NOT_REACHED)
        return
    if staff is not None and staff.rank >= calls.ENDED and theirs is not None:
        with transaction(parts.engine) as conn:  # they would be joined to nobody
            _stop(conn, parts, theirs.id)
    if theirs is not None and theirs.rank >= calls.ENDED:
        _failed(parts, known, known.attempts, CallbackOutcome.NOT_REACHED)
    elif theirs is None and (staff is None or _nobody_there(parts, staff)):
        _ring_next(parts, known, case, known.attempts, known.tried)
    else:
        _later(parts, known, LOOK)


def _nobody_there(parts: Parts, staff: Call) -> bool:
    """Did this human's phone come to nothing? One that is not free is not waited for."""
    if staff.waits and parts.now() - staff.at >= BUSY:
        with transaction(parts.engine) as conn:
            return calls.end(conn, staff.id, CallState.DROPPED, "on a call")
    return staff.rank >= calls.ENDED or staff.machine


def _later(parts: Parts, known: Callback, wait: timedelta) -> None:
    with transaction(parts.engine) as conn:
        callbacks.change(conn, known, next_at=parts.now() + wait)


def _failed(parts: Parts, known: Callback, attempts: int, why: CallbackOutcome) -> None:
    """This attempt came to nothing: the next one by its spacing, or it is over."""
    following = _next_attempt(known, attempts, parts.now())
    if following is None:
        _over(parts, known, why)
        return
    with transaction(parts.engine) as conn:
        callbacks.change(
            conn,
            known,
            state=CallbackState.WAITING,
            attempts=attempts,
            tried=0,
            # its calls stay with it until the next attempt: they may still have something to hear
            next_at=following,
        )


def _next_attempt(known: Callback, attempts: int, now: datetime) -> datetime | None:
    following = now + timedelta(seconds=known.spacing)
    return None if attempts >= known.most or following > known.until_at else following


def goes_on(parts: Parts, known: Callback) -> bool:
    """Does another attempt follow the one that has come to nothing?"""
    if known.state == CallbackState.RINGING:
        return _next_attempt(known, known.attempts, parts.now()) is not None
    return known.state == CallbackState.WAITING


def _over(parts: Parts, known: Callback, outcome: CallbackOutcome) -> None:
    """Told to the case first: a crash in between tells it again, and never not at all."""
    reached = outcome == CallbackOutcome.REACHED
    change(
        parts,
        known.case_id,
        lambda case, scene: kept(case, scene) if reached else not_kept(case, outcome, scene),
        Author.SYSTEM,
    )
    with transaction(parts.engine) as conn:
        latest = callbacks.by_id(conn, parts.sealer, known.id)
        if latest is not None:
            callbacks.change(conn, latest, state=CallbackState.DONE, outcome=outcome, next_at=None)


def taken(conn: sa.Connection, parts: Parts, known: Callback, case: Case) -> str:
    """The human took the call: ring the resident. Returns the id of that call; the same key twice
    rings once."""
    if known.resident_call_id is not None:
        return known.resident_call_id
    now, call_id = parts.now(), parts.new_id()
    number = contacts.by_id(conn, parts.sealer, case.contact).number
    calls.add(conn, parts.sealer, call_id, case.id, number, now, now + HOLD)
    if not callbacks.change(conn, known, resident_call_id=call_id, next_at=now + LOOK):
        raise cases.Stale  # another worker went on: nothing of this is written
    parts.jobs.enqueue(conn, "call_person", f"call:{call_id}:0", call_id, PEOPLE)
    return call_id


def cancel(parts: Parts, case_id: str, callback_id: str) -> None:
    """It is not wanted any more: nobody rings, and a phone that rings for it is left alone."""
    with transaction(parts.engine) as conn:
        known = callbacks.by_id(conn, parts.sealer, callback_id)
        callbacks.cancel(conn, case_id, callback_id)
        for call_id in (known.call_id, known.resident_call_id) if known else ():
            if call_id:
                _stop(conn, parts, call_id)


def _stop(conn: sa.Connection, parts: Parts, call_id: str) -> None:
    """A phone that rings for nothing any more falls silent, unless somebody has answered."""
    if calls.stop_one(conn, call_id, parts.now()):
        end_calls(conn, parts, (call_id,))


def record(parts: Parts, known: Callback, outcome: CallbackOutcome) -> None:
    """What the human says of it: a wrong person is another attempt."""
    if outcome == CallbackOutcome.WRONG_PERSON and known.state in callbacks.LIVE:
        _failed(parts, known, known.attempts, outcome)
        return
    _over(parts, known, outcome)
