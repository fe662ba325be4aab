"""Cases as rows: what is asked of the database by name stands in columns, codes in `state`, private words sealed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from caller_service.core.case import Case, from_plain, to_plain

from .sealing import Sealer
from .tables import area_state, case

_COLUMNS = ("id", "reference", "status", "version", "level", "response", "area", "language", "protocol_hash", "outcome", "unserved")
_PRIVATE = ("narrative", "remarks", "place", "point", "code_word")


# Statements of the turn path are built once: building one costs more than running it.
_OPEN = sa.select(case).where(case.c.contact_id == sa.bindparam("contact"), case.c.closed_at.is_(None))
_ADD = sa.insert(case)
_KEEP = sa.update(case).where(case.c.id == sa.bindparam("known_id"), case.c.version == sa.bindparam("known_version"))


class Stale(Exception):
    """Somebody else wrote the case first; nothing was written."""


def somebody_was_quicker(problem: Exception) -> bool:
    """Did a write fail because of another write at the same time? Then the work is run once more, under the lock."""
    if isinstance(problem, (Stale, sa.exc.IntegrityError)):
        return True
    return isinstance(problem, sa.exc.DBAPIError) and getattr(problem.orig, "sqlstate", "") in ("40P01", "40001")  # deadlock, serialization


def open_case(conn: sa.Connection, sealer: Sealer, contact_id: str) -> Case | None:
    """The contact's open case. There is at most one (uq_case_open_contact)."""
    row = conn.execute(_OPEN, {"contact": contact_id}).first()
    return None if row is None else _case(row, sealer)


def by_id(conn: sa.Connection, sealer: Sealer, case_id: str, lock: bool = False) -> Case | None:
    """One case; `lock` holds its row until the transaction ends (PostgreSQL; on SQLite the writers queue anyway)."""
    query = sa.select(case).where(case.c.id == case_id)
    row = conn.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _case(row, sealer)


def by_reference(conn: sa.Connection, sealer: Sealer, reference: str) -> Case | None:
    row = conn.execute(sa.select(case).where(case.c.reference == reference)).first()
    return None if row is None else _case(row, sealer)


def last_closed(conn: sa.Connection, contact_id: str) -> str | None:
    """The id of the contact's latest ended case."""
    query = sa.select(case.c.id).where(case.c.contact_id == contact_id, case.c.closed_at.is_not(None))
    return conn.execute(query.order_by(case.c.opened_at.desc()).limit(1)).scalar()


def handed_off(conn: sa.Connection, sealer: Sealer, limit: int, after: str = "", open_only: bool = True) -> list[Case]:
    """Cases that were handed off, oldest first, from behind the id `after`."""
    query = sa.select(case).where(case.c.id > after, case.c.id.in_(sa.text("SELECT case_id FROM hand_off")))
    if open_only:
        query = query.where(case.c.closed_at.is_(None))
    return [_case(row, sealer) for row in conn.execute(query.order_by(case.c.id).limit(limit))]


def due(conn: sa.Connection, now: datetime, limit: int) -> Sequence[str]:
    """Ids of cases in which some clock rings, the longest overdue first."""
    query = sa.select(case.c.id).where(case.c.due_at.is_not(None), case.c.due_at <= now)
    return list(conn.execute(query.order_by(case.c.due_at).limit(limit)).scalars())


def add(conn: sa.Connection, sealer: Sealer, told: Case, due_at: datetime | None) -> None:
    conn.execute(
        sa.insert(case).values(_row(told, sealer) | {"contact_id": told.contact, "due_at": due_at, "opened_at": told.marks["opened"]})
    )


def keep(conn: sa.Connection, sealer: Sealer, told: Case, due_at: datetime | None) -> None:
    """Write the case if nobody wrote it since it was read: `told.version` is one more than what is in the row."""
    known = {"known_id": told.id, "known_version": told.version - 1, "due_at": due_at}
    changed = conn.execute(_KEEP, _row(told, sealer) | known)
    if changed.rowcount != 1:
        raise Stale


def postpone(conn: sa.Connection, case_id: str, until: datetime) -> None:
    """Look at a case again later; nothing else about it changes."""
    conn.execute(sa.update(case).where(case.c.id == case_id, case.c.due_at < until).values(due_at=until))


def full_areas(conn: sa.Connection, now: datetime) -> frozenset[str]:
    return frozenset(conn.execute(sa.select(area_state.c.area).where(area_state.c.full_until > now)).scalars())


def set_full(conn: sa.Connection, area: str, until: datetime | None) -> None:
    """No team has room in an area until then; None: there is room again."""
    conn.execute(sa.delete(area_state).where(area_state.c.area == area))
    if until is not None:
        conn.execute(sa.insert(area_state).values(area=area, full_until=until))


def _row(told: Case, sealer: Sealer) -> dict[str, Any]:
    plain = to_plain(told)
    closed = told.marks.get(told.status.value) if told.ended else None
    row = {name: plain.pop(name) for name in _COLUMNS}
    narrative, remarks, place, point, code_word = (plain.pop(name) for name in _PRIVATE)
    plain.pop("contact")
    where = told.id
    return row | {
        "state": plain,
        "closed_at": closed,
        "sealed_narrative": sealer.seal(json.dumps([narrative, remarks]), f"case.narrative.{where}") if narrative or remarks else None,
        "sealed_place": sealer.seal(json.dumps([place, point]), f"case.place.{where}") if place or point else None,
        "sealed_code_word": sealer.seal(code_word, f"case.code_word.{where}") if code_word else None,
    }


def _case(row: sa.Row[Any], sealer: Sealer) -> Case:
    plain = dict(row.state) | {name: getattr(row, name) for name in _COLUMNS} | {"contact": row.contact_id}
    if row.sealed_narrative is not None:
        plain["narrative"], plain["remarks"] = json.loads(sealer.open(row.sealed_narrative, f"case.narrative.{row.id}"))
    if row.sealed_place is not None:
        plain["place"], plain["point"] = json.loads(sealer.open(row.sealed_place, f"case.place.{row.id}"))
    if row.sealed_code_word is not None:
        plain["code_word"] = sealer.open(row.sealed_code_word, f"case.code_word.{row.id}")
    return from_plain(plain)
