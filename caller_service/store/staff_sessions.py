"""Sessions of staff. The secret in a cookie is stored as its SHA-256."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from caller_service.core.staff_session import StaffSession, Stage

from .tables import person, staff_session
from .tokens import token_hash

_OF_SESSION = (
    "id", "person_id", "stage", "made_at", "seen_at", "ends_at", "stepped_up_at", "locked_at",
    "ended_at", "failures", "browser",
)  # fmt: skip
_READ = (
    *(staff_session.c[name] for name in _OF_SESSION),
    person.c.name,
    person.c.role,
    person.c.theme,
    person.c.single_keys,
    person.c.rehearsal,
    person.c.sealed_totp.is_not(None).label("has_totp"),
    person.c.pin.is_not(None).label("has_pin"),
    person.c.ended_at.is_not(None).label("disabled"),
)
_IN_FORCE = staff_session.c.ended_at.is_(None)


def add(
    conn: sa.Connection,
    session_id: str,
    person_id: str,
    secret: str,
    stage: Stage,
    now: datetime,
    ends: datetime,
    browser: str,
    source_index: bytes,
    **more: Any,
) -> None:
    row = dict(
        id=session_id, person_id=person_id, hash=token_hash(secret), stage=stage, browser=browser,
        source_index=source_index, made_at=now, seen_at=now, ends_at=ends,
    )  # fmt: skip
    conn.execute(sa.insert(staff_session).values(row | more))


def find(conn: sa.Connection, secret: str, live: bool = False) -> StaffSession | None:
    """The session of a cookie, also if it is over. `live`: accounts made by `rehearse` count as
    disabled."""
    query = sa.select(*_READ).join(person, person.c.id == staff_session.c.person_id)
    row = conn.execute(query.where(staff_session.c.hash == token_hash(secret))).first()
    return None if row is None else _session(row, live)


def of_person(conn: sa.Connection, person_id: str, now: datetime) -> list[StaffSession]:
    """The sessions of a person that are not over, newest first."""
    query = (
        sa.select(*_READ)
        .join(person, person.c.id == staff_session.c.person_id)
        .where(staff_session.c.person_id == person_id, _IN_FORCE, staff_session.c.ends_at > now)
        .order_by(staff_session.c.made_at.desc(), staff_session.c.id.desc())
    )
    return [_session(row, False) for row in conn.execute(query)]


def signed_in(conn: sa.Connection, now: datetime) -> set[tuple[str, str]]:
    """Name and role of everybody who is signed in, idle or not."""
    query = (
        sa.select(person.c.name, person.c.role)
        .join(staff_session, person.c.id == staff_session.c.person_id)
        .where(
            _IN_FORCE, staff_session.c.ends_at > now, staff_session.c.stage == Stage.OPEN,
            person.c.ended_at.is_(None),
        )
    )  # fmt: skip
    return {(row.name, row.role) for row in conn.execute(query)}


def update(conn: sa.Connection, session_id: str, **changed: Any) -> bool:
    """Update a session. False if it is over."""
    mine = (staff_session.c.id == session_id) & _IN_FORCE
    return conn.execute(sa.update(staff_session).where(mine).values(changed)).rowcount == 1


def renew_secret(conn: sa.Connection, session_id: str, secret: str, **changed: Any) -> bool:
    """Give the session a new secret; the old cookie is no longer valid."""
    return update(conn, session_id, hash=token_hash(secret), **changed)


def count_failure(conn: sa.Connection, session_id: str) -> None:
    update(conn, session_id, failures=staff_session.c.failures + 1)


def seen(conn: sa.Connection, session_id: str, now: datetime) -> None:
    """Record a request by a human. A session that was locked meanwhile stays locked."""
    mine = (staff_session.c.id == session_id) & _IN_FORCE & staff_session.c.locked_at.is_(None)
    conn.execute(sa.update(staff_session).where(mine).values(seen_at=now))


def end(
    conn: sa.Connection, now: datetime, because: str, session_id: str, person_id: str = ""
) -> bool:
    """End a session; with `person_id`, only if it is theirs. False if it was over."""
    mine = (staff_session.c.id == session_id) & _IN_FORCE
    if person_id:
        mine &= staff_session.c.person_id == person_id
    return _end(conn, mine, now, because) == 1


def end_all(
    conn: sa.Connection, person_id: str, now: datetime, because: str, except_id: str = ""
) -> int:
    """End all sessions of a person but one; returns how many there were."""
    theirs = (staff_session.c.person_id == person_id) & (staff_session.c.id != except_id)
    return _end(conn, theirs & _IN_FORCE, now, because)


def _end(conn: sa.Connection, which: sa.ColumnElement[bool], now: datetime, because: str) -> int:
    ended = sa.update(staff_session).where(which).values(ended_at=now, ended_because=because)
    return conn.execute(ended).rowcount


def signed_in_from(
    conn: sa.Connection, person_id: str, source_indexes: Sequence[bytes], since: datetime
) -> bool:
    """Has this person completed a sign-in from this source since then?"""
    query = sa.select(staff_session.c.id).where(
        staff_session.c.person_id == person_id,
        staff_session.c.made_at >= since,
        staff_session.c.stage == Stage.OPEN,
        staff_session.c.source_index.in_(source_indexes),
    )
    return conn.execute(query.limit(1)).first() is not None


def forget(conn: sa.Connection, now: datetime, kept: timedelta) -> None:
    """Delete the sessions whose time was up more than `kept` ago."""
    conn.execute(sa.delete(staff_session).where(staff_session.c.ends_at < now - kept))


def _session(row: Any, live: bool) -> StaffSession:
    values = dict(row._mapping)
    rehearsal = values.pop("rehearsal")
    values["disabled"] = bool(values["disabled"]) or (live and bool(rehearsal))
    return StaffSession(**values | {name: bool(values[name]) for name in ("has_totp", "has_pin")})
