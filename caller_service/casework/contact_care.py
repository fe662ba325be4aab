"""Somebody who writes often: a care note in place of the screening, and a number that is answered
less often (rule 24)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from caller_service.core.case import Case, Step
from caller_service.core.effect import Record
from caller_service.core.journal_events import Event
from caller_service.core.refusal import Refused
from caller_service.core.routing import Scene
from caller_service.store import cases, contacts

from .change import update_case
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
) -> Case | None:
    """Keep a human's words for the contact of a case, for `days` (0: take them away). `who`: for
    the journal, which holds no words. `once`: its key; raises as Once.look."""
    days = days if words else 0
    until = parts.now() + timedelta(days=days) if days else None
    record = Record(Event.CARE_NOTE, {"by": by, "days": str(days)})

    def keep(conn: sa.Connection) -> None:
        contact = cases.contact_of(conn, case_id)
        contacts.set_care_note(conn, parts.sealer, contact, words, until)

    return _written(parts, case_id, who, by, reason, record, keep, once)


def slow_down(
    parts: Parts,
    case_id: str,
    who: str,
    by: str,
    hours: int,
    reason: str,
    once: Once | None = None,
) -> Case | None:
    """Slow a number for `hours` (0: as everybody). Whoever calls this has made sure that `by` is a
    supervisor. `who`: for the journal. `once`: its key; raises as Once.look."""
    until = parts.now() + timedelta(hours=hours) if hours else None
    record = Record(Event.SLOWED, {"by": by, "hours": str(hours)})

    def keep(conn: sa.Connection) -> None:
        contacts.slow(conn, cases.contact_of(conn, case_id), until)

    return _written(parts, case_id, who, by, reason, record, keep, once)


def must_be_supervisor(parts: Parts, name: str) -> None:
    """Raises Refused if they are no supervisor of any ladder."""
    if not any(rung.supervisor and rung.name == name for rung in parts.program.ladder):
        raise Refused("not_a_supervisor")


def _written(
    parts: Parts,
    case_id: str,
    who: str,
    by: str,
    reason: str,
    record: Record,
    keep: Callable[[sa.Connection], None],
    once: Once | None,
) -> Case | None:
    """In one transaction, with the reason sealed with the case; with a key it happens once. None:
    there is no such case."""

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        if once is not None:
            once.look(conn, parts)
        return Step(case.remarked(by, reason), (record,))

    def also(conn: sa.Connection) -> None:
        keep(conn)
        if once is not None:
            once.keep(conn, parts)

    return update_case(parts, case_id, decide, who, also)
