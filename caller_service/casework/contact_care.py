"""Somebody who writes often: a care note in place of the screening, and a number that is answered
less often (rule 24)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import sqlalchemy as sa

from caller_service.core.refusal import Refused
from caller_service.store import cases, contacts, journal
from caller_service.store.database.transaction import transaction

from .once import Once
from .parts import Parts


def set_care_note(
    parts: Parts,
    case_id: str,
    who: str,
    by: str,
    words: str,
    days: int,
    reason: str,
    once: Once | None = None,
) -> None:
    """Keep a human's words for the contact of a case, for `days` (0: take them away). `who`: for
    the journal, which holds no words. `once`: its key; raises as Once.look."""
    with _written(parts, once) as conn:
        case = cases.by_id(conn, parts.sealer, case_id)
        if case is None:
            return
        now = parts.now()
        until = now + timedelta(days=days) if days and words else None
        contacts.set_care_note(conn, parts.sealer, case.contact, words, until)
        _told(
            conn,
            parts,
            case_id,
            who,
            "care_note",
            {"by": by, "days": days if until else 0, "reason": bool(reason)},
        )


def slow_down(
    parts: Parts,
    case_id: str,
    who: str,
    by: str,
    hours: int,
    reason: str,
    once: Once | None = None,
) -> None:
    """Slow a number for `hours` (0: as everybody). `who`: for the journal. Raises Refused if `by`
    is no supervisor of any ladder. `once`: its key; raises as Once.look."""
    if not any(rung.supervisor and rung.name == by for rung in parts.program.ladder):
        raise Refused("not_a_supervisor")
    with _written(parts, once) as conn:
        case = cases.by_id(conn, parts.sealer, case_id)
        if case is not None:
            contacts.slow(
                conn, case.contact, parts.now() + timedelta(hours=hours) if hours else None
            )
            about = {"by": by, "hours": hours, "reason": bool(reason)}
            _told(conn, parts, case_id, who, "slowed", about)


@contextmanager
def _written(parts: Parts, once: Once | None) -> Iterator[sa.Connection]:
    """A transaction; with a key it happens once."""
    with transaction(parts.engine) as conn:
        if once is not None:
            once.look(conn, parts)
        yield conn
        if once is not None:
            once.keep(conn, parts)


def _told(
    conn: sa.Connection, parts: Parts, case_id: str, who: str, event: str, detail: dict[str, object]
) -> None:
    journal.write(conn, [journal.Entry(parts.new_id(), parts.now(), case_id, who, event, detail)])
