"""Carries erasure out: by the clock, or by a human under their name. Both leave a line in the
journal; what is erased stands in core/retention.py."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from caller_service.core import retention
from caller_service.core.case import Case, Step
from caller_service.core.refusal import Refused
from caller_service.core.routing import Scene
from caller_service.store import cases, contacts, desk, erasure
from caller_service.store.database.transaction import reading, transaction
from caller_service.store.journal import Author

from .change import Look, update_case
from .parts import Parts

log = logging.getLogger(__name__)
BATCH = 20  # requests in one sweep: nothing urgent waits for it
LATER = timedelta(minutes=10)
MUCH_LATER = timedelta(days=1)


def forget(parts: Parts) -> int:
    """Erase what is due by the clock; returns how many requests were looked at."""
    now = parts.now()
    before = now - timedelta(days=parts.program.retention.words_days)
    with reading(parts.engine) as conn:
        due = cases.to_erase(conn, now, BATCH)
        texts = erasure.without_request(conn, before)
    if texts:
        with transaction(parts.engine) as conn:
            erasure.erase_texts(conn, parts.sealer, texts, now)
    for case_id in due:
        until = _fire(parts, case_id)
        if until is not None and until <= now:  # a text is still to be sent, or the number needed
            until = now + LATER
        with transaction(parts.engine) as conn:
            cases.erase_later(conn, case_id, now, until)
    return len(due) + len(texts)


def _fire(parts: Parts, case_id: str) -> datetime | None:
    """Erase what is due of one request; when to look again, None for never. One that cannot be
    decided stops no other."""
    try:
        case = update_case(parts, case_id, _due, Author.CLOCK)
    except SQLAlchemyError:  # the database, not the case
        raise
    except Exception as problem:
        log.error("nothing was erased", extra={"case": case_id, "fault": type(problem).__name__})
        return parts.now() + MUCH_LATER
    return None if case is None else retention.erase_due(case, parts.program.retention)


def _due(case: Case, scene: Scene, conn: sa.Connection) -> Step:
    """A text that is still to be sent is waited for, and a number that a human notes something of
    is needed."""
    if erasure.under_way(conn, case.id):
        return Step(case)
    cared = contacts.is_cared_for(conn, case.contact, scene.now)
    return retention.fire(case, scene, number=not cared)


# ---- by a human ----------------------------------------------------------------------------------


def erase(case: Case, scene: Scene, conn: sa.Connection) -> Step:
    """Raises Refused: not_ended, held_by_law, kept_by_law, under_way."""
    if case.ended and erasure.under_way(conn, case.id):
        raise Refused("under_way")
    return retention.erase(case, scene)


def by_reference(parts: Parts, reference: str, who: str, decide: Look) -> Case | None:
    """Carry out a decision about the request of this reference; None: there is none. Raises
    Refused."""
    with reading(parts.engine) as conn:
        case_id = desk.id_of(conn, "".join(reference.split()).upper())
    return update_case(parts, case_id, decide, who) if case_id else None
