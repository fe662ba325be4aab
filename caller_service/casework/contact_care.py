"""Somebody who writes often: a care note in place of the screening, and a number that is answered
less often (rule 24)."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from caller_service.store import cases, contacts, journal
from caller_service.store.database.transaction import transaction

from .parts import Parts


def set_care_note(
    parts: Parts, case_id: str, who: str, by: str, words: str, days: int, reason: str
) -> None:
    """Keep a human's words for the contact of a case, for `days` (0: take them away). `who`: for
    the journal, which holds no words."""
    with transaction(parts.engine) as conn:
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


def slow_down(parts: Parts, case_id: str, who: str, by: str, hours: int, reason: str) -> bool:
    """Slow a number for `hours` (0: as everybody). `who`: for the journal. False if `by` is no
    supervisor of any ladder."""
    if not any(rung.supervisor and rung.name == by for rung in parts.program.ladder):
        return False
    with transaction(parts.engine) as conn:
        case = cases.by_id(conn, parts.sealer, case_id)
        if case is not None:
            contacts.slow(
                conn, case.contact, parts.now() + timedelta(hours=hours) if hours else None
            )
            about = {"by": by, "hours": hours, "reason": bool(reason)}
            _told(conn, parts, case_id, who, "slowed", about)
    return True


def _told(
    conn: sa.Connection, parts: Parts, case_id: str, who: str, event: str, detail: dict[str, object]
) -> None:
    journal.write(conn, [journal.Entry(parts.new_id(), parts.now(), case_id, who, event, detail)])
