"""Callbacks: calls that were promised to residents. Updates are compare-and-swap on the row as it
was read, so that of two workers only one goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from caller_service.core.outbound import CallbackState

from .sealing import Sealer
from .tables import callback

LIVE = (CallbackState.WAITING, CallbackState.RINGING)


@dataclass(frozen=True, slots=True)
class Callback:
    """A promised call. `call_id` is the call to the human of this attempt, `resident_call_id` the
    one to the resident; `tried`: humans called in this attempt."""

    id: str
    case_id: str
    booked_by: str
    due_at: datetime
    until_at: datetime
    attempts: int
    most: int
    spacing: int
    state: str
    outcome: str
    person: str | None
    tried: int
    call_id: str | None
    resident_call_id: str | None
    next_at: datetime | None
    talked_until: datetime | None
    at: datetime
    ask_for: str = field(default="", repr=False)


_COLUMNS = tuple(each for each in Callback.__slots__ if each != "ask_for")


def add(conn: sa.Connection, sealer: Sealer, new: Callback) -> None:
    values: dict[str, Any] = {name: getattr(new, name) for name in _COLUMNS}
    sealed = sealer.seal(new.ask_for, f"callback.name.{new.id}") if new.ask_for else None
    conn.execute(sa.insert(callback).values(values | {"sealed_name": sealed}))


def by_id(conn: sa.Connection, sealer: Sealer, callback_id: str) -> Callback | None:
    return _first(conn, sealer, callback.c.id == callback_id)


def by_call(conn: sa.Connection, sealer: Sealer, call_id: str) -> Callback | None:
    """The callback that a call to a human, or to the resident, is made for."""
    mine = sa.or_(callback.c.call_id == call_id, callback.c.resident_call_id == call_id)
    return _first(conn, sealer, mine)


def of_case(conn: sa.Connection, sealer: Sealer, case_id: str) -> list[Callback]:
    return where(conn, sealer, callback.c.case_id == case_id)


def where(conn: sa.Connection, sealer: Sealer, which: sa.ColumnElement[bool]) -> list[Callback]:
    """Every callback that matches, in the order in which they were booked."""
    query = sa.select(callback).where(which).order_by(callback.c.id)
    return [_opened(row, sealer) for row in conn.execute(query)]


def _first(conn: sa.Connection, sealer: Sealer, which: sa.ColumnElement[bool]) -> Callback | None:
    row = conn.execute(sa.select(callback).where(which)).first()
    return None if row is None else _opened(row, sealer)


def _opened(row: Any, sealer: Sealer) -> Callback:
    name = (
        ""
        if row.sealed_name is None
        else sealer.try_open(row.sealed_name, f"callback.name.{row.id}") or ""
    )
    return Callback(**{each: getattr(row, each) for each in _COLUMNS}, ask_for=name)


def change(conn: sa.Connection, known: Callback, **what: Any) -> bool:
    """Write the callback if nobody else has written it since it was read. False: read it again."""
    same = (
        callback.c.id == known.id,
        callback.c.state == known.state,
        callback.c.attempts == known.attempts,
        callback.c.tried == known.tried,
        callback.c.call_id.is_not_distinct_from(known.call_id),
        callback.c.resident_call_id.is_not_distinct_from(known.resident_call_id),
    )
    return conn.execute(sa.update(callback).where(*same).values(what)).rowcount == 1


def look_at(conn: sa.Connection, call_id: str, now: datetime) -> None:
    """A call has news: make the callback that it belongs to due now."""
    mine = sa.or_(callback.c.call_id == call_id, callback.c.resident_call_id == call_id)
    conn.execute(
        sa.update(callback)
        .where(mine, callback.c.state == CallbackState.RINGING)
        .values(next_at=now)
    )


def look_again(conn: sa.Connection, callback_id: str, at: datetime) -> None:
    """The resident has hung up: make the callback due at `at`."""
    mine = (callback.c.id == callback_id, callback.c.state == CallbackState.RINGING)
    conn.execute(sa.update(callback).where(*mine).values(next_at=at))


def cancel(conn: sa.Connection, case_id: str, callback_id: str = "") -> int:
    """Cancel the live callbacks of a case, or one of them; returns how many there were."""
    mine = [callback.c.case_id == case_id, callback.c.state.in_(LIVE)]
    mine += [callback.c.id == callback_id] if callback_id else []
    gone = sa.update(callback).where(*mine)
    return conn.execute(gone.values(state=CallbackState.CANCELLED, next_at=None)).rowcount


def stop_ringing(conn: sa.Connection, case_id: str) -> None:
    """An attempt that is under way is off. A promise that waits stands, as what may not be kept,
    until it is due."""
    mine = (callback.c.case_id == case_id, callback.c.state == CallbackState.RINGING)
    conn.execute(
        sa.update(callback).where(*mine).values(state=CallbackState.CANCELLED, next_at=None)
    )


def replace_waiting(conn: sa.Connection, case_id: str) -> None:
    """Another time was agreed: cancel what is waiting. An attempt that is under way goes on."""
    mine = (callback.c.case_id == case_id, callback.c.state == CallbackState.WAITING)
    conn.execute(
        sa.update(callback).where(*mine).values(state=CallbackState.CANCELLED, next_at=None)
    )


def due(conn: sa.Connection, now: datetime, limit: int) -> Sequence[str]:
    query = sa.select(callback.c.id).where(
        callback.c.next_at.is_not(None), callback.c.next_at <= now
    )
    return list(conn.execute(query.order_by(callback.c.next_at).limit(limit)).scalars())
