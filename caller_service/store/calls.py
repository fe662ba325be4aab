"""Outbound calls. A number has at most one call at a time: the database refuses a second
(tables.py, uq_call_number_index)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from caller_service.core.outbound import NOT_MADE, CallState
from caller_service.core.program import INTERPRETER

from .claim import PAUSED
from .claim import claim as _claim
from .contacts import lock_number
from .sealing import Sealer
from .tables import call, callback

# Twilio's statuses in the order a call goes through them; a later one is never overwritten by an
# earlier one.
ENDED = 6
RANKS: Mapping[CallState, int] = {
    CallState.QUEUED: 2, CallState.INITIATED: 3, CallState.RINGING: 4, CallState.IN_PROGRESS: 5,
    CallState.COMPLETED: ENDED, CallState.BUSY: ENDED, CallState.FAILED: ENDED,
    CallState.NO_ANSWER: ENDED, CallState.CANCELED: ENDED,
}  # fmt: skip
ANSWERED = RANKS[CallState.IN_PROGRESS]
PACE = "pace"  # `error` of a call that waits for its turn to be made
SECOND = timedelta(seconds=1)
_PACE_LOCK = 0x43414C4C  # PostgreSQL advisory lock of all that are about to make a call
# nothing waits longer than this; a later time was written before the clock was set back
FURTHEST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Call:
    """One outbound call, to somebody on a ladder (`person`) or to the resident of its case."""

    id: str
    case_id: str
    page_id: str | None
    text_id: str | None
    person: str | None
    number_index: bytes = field(repr=False)
    provider_id: str | None
    state: CallState
    rank: int
    over: bool
    machine: bool
    answer: str
    tries: int
    tried_at: datetime | None
    at: datetime

    @property
    def waits(self) -> bool:
        """Not made yet, or not known to have been made."""
        return self.state in NOT_MADE


_READ = tuple(
    call.c[name]
    for name in (
        "id", "case_id", "page_id", "text_id", "person", "number_index", "provider_id", "state",
        "rank", "over", "machine", "answer", "tries", "tried_at", "at",
    )
)  # fmt: skip


def add(
    conn: sa.Connection,
    sealer: Sealer,
    call_id: str,
    case_id: str,
    number: str,
    now: datetime,
    next_at: datetime,
    person: str | None = None,
    page_id: str | None = None,
    text_id: str | None = None,
    many_lines: bool = False,
) -> None:
    """Add a call that waits to be made; the sweep picks it up at `next_at` if no job has.
    `many_lines`: other calls may ring that number at the same time."""
    values = {
        "id": call_id,
        "case_id": case_id,
        "page_id": page_id,
        "text_id": text_id,
        "person": person,
        "number_index": sealer.index(f"{number} {call_id}" if many_lines else number),
        "index_key": sealer.index_key,
    }
    conn.execute(sa.insert(call).values(**values, state=CallState.WAITING, at=now, next_at=next_at))


def by_id(conn: sa.Connection, call_id: str) -> Call | None:
    row = conn.execute(sa.select(*_READ).where(call.c.id == call_id)).first()
    return None if row is None else Call(**{**row._mapping, "state": CallState(row.state)})


def under_way(conn: sa.Connection, case_id: str, person: str | None) -> bool:
    """Is a call to this person about this case (None: to its resident) waiting, ringing or in
    progress?"""
    mine = (
        call.c.case_id == case_id,
        call.c.person == person,
        call.c.rank < ENDED,
        call.c.over.is_(False),
    )
    return conn.execute(sa.select(call.c.id).where(*mine).limit(1)).first() is not None


def taken_by(conn: sa.Connection, case_id: str) -> Call | None:
    """The call of whoever pressed 1 for this case and is still on the phone."""
    theirs = (
        call.c.case_id == case_id,
        call.c.person.is_not(None),
        call.c.answer == "accepted",
        call.c.rank < ENDED,
    )
    row = conn.execute(sa.select(*_READ).where(*theirs).order_by(call.c.id.desc()).limit(1)).first()
    return None if row is None else Call(**{**row._mapping, "state": CallState(row.state)})


def stop_person(conn: sa.Connection, case_id: str, person: str, now: datetime) -> Sequence[str]:
    """Mark the calls to this person about this case as over, answered or not; returns their ids."""
    theirs = (call.c.case_id == case_id, call.c.person == person, call.c.rank < ENDED)
    return list(
        conn.execute(
            sa.update(call).where(*theirs).values(over=True, next_at=now).returning(call.c.id)
        ).scalars()
    )


def on_phone(conn: sa.Connection, sealer: Sealer, number: str) -> bool:
    """Is a call of ours to this phone ringing or in progress?"""
    live = (call.c.rank < ENDED, call.c.provider_id.is_not(None))
    indexes = call.c.number_index.in_(sealer.indexes(number))
    return conn.execute(sa.select(call.c.id).where(indexes, *live).limit(1)).first() is not None


def made_for(conn: sa.Connection, text_id: str) -> bool:
    """Is there already a call in place of this text?"""
    return conn.execute(sa.select(call.c.id).where(call.c.text_id == text_id)).first() is not None


def next_waiting(conn: sa.Connection, call_id: str) -> str | None:
    """The call that has waited longest for the phone of this one to be free."""
    this = call.alias()
    phone = sa.select(this.c.number_index).where(this.c.id == call_id).scalar_subquery()
    waiting = (call.c.number_index == phone, call.c.state == CallState.WAITING)
    found: str | None = conn.execute(
        sa.select(call.c.id).where(*waiting).order_by(call.c.id).limit(1)
    ).scalar()
    return found


def claim(
    conn: sa.Connection,
    sealer: Sealer,
    number: str,
    call_id: str,
    job: str,
    now: datetime,
    hold: timedelta,
    settle: timedelta,
) -> bool | None:
    """Claim an attempt to make a call (store/claim.py). Raises IntegrityError if the number is
    already on a call, also if that call was written under an older index key."""
    renew(conn, sealer, number)
    return _claim(conn, call, CallState, call_id, job, now, hold, settle, tried_at=now)


def turn(conn: sa.Connection, call_id: str, now: datetime, a_second: int) -> datetime | None:
    """When this call may be made; None: now. All workers together make at most `a_second` new calls
    in any second. Of the calls that wait for their turn, the two of a callback come first, then
    calls to staff, then the others, oldest first. Takes a lock until the transaction ends, so that
    workers ask one after the other."""
    if conn.dialect.name != "sqlite":  # SQLite has one writer (lock_for_write)
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_PACE_LOCK)))
    begun = (call.c.next_at.is_not(None), call.c.tried_at > now - SECOND, call.c.id != call_id)
    # times in the future are from before the clock was set back; they do not count
    query = sa.select(call.c.tried_at).where(*begun, call.c.tried_at <= now)
    latest = conn.execute(query.order_by(call.c.tried_at.desc()).limit(a_second)).scalars().all()
    if len(latest) == a_second:
        free_at: datetime = latest[-1] + SECOND
        return free_at
    mine = sa.select(_urgency(), call.c.id).where(call.c.id == call_id)
    urgency, _ = conn.execute(mine).one()
    waits = (call.c.state == CallState.WAITING, call.c.next_at.is_not(None), call.c.error == PACE)
    before = sa.or_(_urgency() < urgency, sa.and_(_urgency() == urgency, call.c.id < call_id))
    ahead = sa.select(sa.func.count()).where(*waits, before)
    many = int(conn.execute(ahead.select_from(call)).scalar_one())
    if len(latest) + many < a_second:
        return None
    return now + SECOND * (many // a_second or 1)


def _urgency() -> sa.Case[int]:
    promised = sa.or_(callback.c.call_id == call.c.id, callback.c.resident_call_id == call.c.id)
    return sa.case(
        (sa.exists().where(promised).correlate(call), 0),
        (call.c.person.is_not(None), 1),
        else_=2,
    )


def renew(conn: sa.Connection, sealer: Sealer, number: str) -> None:
    """Move the calls of a number that have not ended to the newest index key. Raises IntegrityError
    if two of them are ringing at once."""
    if not sealer.rotates:
        return
    lock_number(conn, sealer, number)
    newest, *older = sealer.indexes(number)
    conn.execute(
        sa.update(call)
        .where(call.c.rank < ENDED, call.c.number_index.in_(older))
        .values(number_index=newest, index_key=sealer.index_key)
    )


def taken(conn: sa.Connection, call_id: str, provider_ids: Sequence[str]) -> frozenset[str]:
    """Which of these SIDs belong to another call."""
    return frozenset(
        conn.execute(
            sa.select(call.c.provider_id).where(
                call.c.provider_id.in_(provider_ids), call.c.id != call_id
            )
        ).scalars()
    )


def made(
    conn: sa.Connection, call_id: str, provider_id: str, now: datetime, check: datetime
) -> None:
    """The provider has accepted the call. If a receipt came first, its state stays. A call that is
    already over is due at once, to be ended."""
    conn.execute(
        sa.update(call)
        .where(call.c.id == call_id)
        .values(
            provider_id=sa.func.coalesce(call.c.provider_id, provider_id),
            next_at=sa.case((call.c.rank >= ENDED, None), (call.c.over, now), else_=check),
            state=sa.case((call.c.rank == 0, CallState.QUEUED), else_=call.c.state),
            rank=sa.case((call.c.rank == 0, RANKS[CallState.QUEUED]), else_=call.c.rank),
            claimed_by=None,
        )
    )


def receipt(conn: sa.Connection, call_id: str, state: CallState, provider_id: str | None) -> bool:
    """Record how far a call has come. False if that is not new: receipts come late, twice and out
    of order."""
    rank = RANKS[state]
    ended: dict[str, Any] = {"next_at": None} if rank >= ENDED else {}
    changed = conn.execute(
        sa.update(call)
        .where(call.c.id == call_id, call.c.rank < rank)
        .values(
            state=state,
            rank=rank,
            provider_id=sa.func.coalesce(call.c.provider_id, provider_id),
            **ended,
        )
    )
    return changed.rowcount == 1


def note(conn: sa.Connection, call_id: str, **what: Any) -> None:
    """Record what was heard on the call: `answer`, or that a `machine` answered."""
    conn.execute(sa.update(call).where(call.c.id == call_id).values(**what))


def later(
    conn: sa.Connection,
    call_id: str,
    next_at: datetime,
    error: str,
    state: CallState | None = None,
    job: str | None = None,
) -> None:
    """Look at the call again at `next_at`. With `state`, try again from that state unless it was
    made meanwhile: only the job whose attempt it was (`job`) may say so."""
    tried = None if job is None else PAUSED  # what was not tried may be woken sooner
    changed: dict[str, Any] = {"next_at": next_at, "error": error, "claimed_by": tried}
    if state is None:
        conn.execute(
            sa.update(call).where(call.c.id == call_id, call.c.rank < ENDED).values(changed)
        )
    else:
        mine = (
            (call.c.rank == 0, call.c.claimed_by == job) if job is not None else (call.c.rank == 0,)
        )
        conn.execute(
            sa.update(call).where(call.c.id == call_id, *mine).values(state=state, **changed)
        )


def end(conn: sa.Connection, call_id: str, state: CallState, error: str) -> bool:
    """The call will not be made, or is lost: DROPPED or DEAD. False if it had already ended."""
    gone = sa.update(call).where(call.c.id == call_id, call.c.rank < ENDED)
    return (
        conn.execute(gone.values(state=state, rank=ENDED, next_at=None, error=error)).rowcount == 1
    )


def stop(conn: sa.Connection, case_id: str, now: datetime, but: str = "") -> Sequence[str]:
    """Mark the calls to staff about this case that nobody has answered as over, apart from the call
    `but`; returns their ids. Whoever has answered is told on the call."""
    unanswered = (
        call.c.case_id == case_id,
        call.c.person.is_not(None),
        call.c.person != INTERPRETER,  # whoever took the case needs the interpreter
        call.c.rank < ANSWERED,
        call.c.over.is_(False),
        call.c.id != but,
    )
    return list(
        conn.execute(
            sa.update(call).where(*unanswered).values(over=True, next_at=now).returning(call.c.id)
        ).scalars()
    )


def stop_resident(conn: sa.Connection, case_id: str, now: datetime) -> Sequence[str]:
    """Mark the calls to the resident of this case that they have not answered as over; returns
    their ids."""
    theirs = (
        call.c.case_id == case_id,
        call.c.person.is_(None),
        call.c.rank < ANSWERED,
        call.c.over.is_(False),
    )
    return list(
        conn.execute(
            sa.update(call).where(*theirs).values(over=True, next_at=now).returning(call.c.id)
        ).scalars()
    )


def stop_one(conn: sa.Connection, call_id: str, now: datetime) -> bool:
    """Mark this call as over if nobody has answered it. False: somebody did, or it is over
    already."""
    unanswered = (call.c.id == call_id, call.c.rank < ANSWERED, call.c.over.is_(False))
    return (
        conn.execute(sa.update(call).where(*unanswered).values(over=True, next_at=now)).rowcount
        == 1
    )


def due(
    conn: sa.Connection, now: datetime, staff: bool, limit: int
) -> Sequence[tuple[str, datetime]]:
    """Calls to staff, or to residents, that are due: their ids, and since when."""
    when = sa.or_(call.c.next_at <= now, call.c.next_at > now + FURTHEST)
    whom = call.c.person.is_not(None) if staff else call.c.person.is_(None)
    query = sa.select(call.c.id, call.c.next_at).where(call.c.next_at.is_not(None), when, whom)
    return [
        (row.id, row.next_at) for row in conn.execute(query.order_by(call.c.next_at).limit(limit))
    ]


def hold(conn: sa.Connection, call_id: str, seen: datetime, until: datetime) -> bool:
    """Reserve the call for a job: nobody else tries before `until`. False if it has changed since
    it was `seen`."""
    waits = sa.update(call).where(call.c.id == call_id, call.c.next_at == seen)
    return conn.execute(waits.values(next_at=until, claimed_by=None)).rowcount == 1
