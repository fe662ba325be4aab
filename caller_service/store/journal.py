"""The journal: append-only, references and codes only. Erasure deletes no entry; at the very end it
takes out of their details what a resident answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from caller_service.core.journal_events import LASTING, Event
from caller_service.store.database.compiled import CompiledStatement

from .tables import journal

_COLUMNS = ("id", "at", "case_id", "who", "event", "detail")
_ADD = CompiledStatement(sa.insert(journal), _COLUMNS)


class Author(StrEnum):
    """Authors that are not a named person or token: `Entry.who`."""

    RESIDENT = "resident"  # a message of theirs, or a key pressed on a call
    CLOCK = "clock"  # a clock of the case was due
    SYSTEM = "system"  # the outcome of a text, a call or a delivery
    PROBE = "probe"  # the synthetic resident
    OPERATOR = "operator"  # whoever runs caller-service on the machine


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    at: datetime
    case_id: str  # "" for what belongs to no case
    who: str  # an Author, or the name of a token or person
    event: Event
    detail: Mapping[str, Any] = field(default_factory=dict)


def write(conn: sa.Connection, lines: Sequence[Entry]) -> None:
    if lines:
        _ADD.many(conn, [{name: getattr(line, name) for name in _COLUMNS} for line in lines])


def of_case(conn: sa.Connection, case_id: str) -> list[Entry]:
    """The entries of a case, oldest first. Raises ValueError for an event that only an older
    release wrote."""
    query = (
        sa.select(journal).where(journal.c.case_id == case_id).order_by(journal.c.at, journal.c.id)
    )
    return [
        Entry(row.id, row.at, row.case_id, row.who, Event(row.event), row.detail)
        for row in conn.execute(query)
    ]


def keep_lasting(conn: sa.Connection, case_id: str) -> None:
    """Leave only lasting details in the entries of a case (core/journal_events.py)."""
    query = sa.select(journal.c.id, journal.c.detail).where(journal.c.case_id == case_id)
    for row in conn.execute(query).all():
        left = {name: value for name, value in row.detail.items() if name in LASTING}
        if left != row.detail:
            mine = (journal.c.case_id == case_id, journal.c.id == row.id)
            conn.execute(sa.update(journal).where(*mine).values(detail=left))
