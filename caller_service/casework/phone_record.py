"""What dispatch may read of a case's calls. Every read is journaled."""

from __future__ import annotations

from typing import Any

from caller_service.core.journal_events import Event
from caller_service.store import callbacks, cases, journal, legs
from caller_service.store.database.transaction import reading, transaction

from .parts import Parts


def phone_record(parts: Parts, case_id: str, who: str) -> dict[str, Any] | None:
    """Who spoke with the resident from when to when, and the calls they were promised; None if the
    case was never handed off."""
    with reading(parts.engine) as conn:
        case = cases.by_id(conn, parts.sealer, case_id)
        if case is None or not case.revision:
            return None
        talks = legs.talks(conn, case_id)
        promised = callbacks.of_case(conn, parts.sealer, case_id)
    with transaction(parts.engine) as conn:
        journal.write(
            conn, [journal.Entry(parts.new_id(), parts.now(), case_id, who, Event.READ_CALLS, {})]
        )
    return {
        "on_the_line": case.on_line,
        "talking": case.talking,
        "talks": [
            {
                "person": talk.person,
                "from": talk.at.isoformat(),
                "to": talk.ended_at.isoformat() if talk.ended_at else None,
            }
            for talk in talks
        ],
        "callbacks": [
            {
                "id": one.id,
                "booked_by": one.booked_by,
                "due": one.due_at.isoformat(),
                "until": one.until_at.isoformat(),
                "state": one.state,
                "outcome": one.outcome or None,
                "attempts": one.attempts,
                "person": one.person,
                "ask_for": one.ask_for or None,
                "talked_until": one.talked_until.isoformat() if one.talked_until else None,
            }
            for one in promised
        ],
    }
