"""Change one case: load, decide, keep. First without a lock, then, if somebody was quicker, under
it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import sqlalchemy as sa

from caller_service.core.case import Case, Step
from caller_service.core.routing import Scene
from caller_service.store import cases, contacts
from caller_service.store.database.transaction import lock_for_write, transaction

from .carry_out import Decision, PreparedWrite, prepare, save
from .parts import Parts

Decide = Callable[[Case, Scene], Step]
Look = Callable[[Case, Scene, sa.Connection], Step]
Also = Callable[[sa.Connection], object]

MAX_ATTEMPTS = 3  # at most, where what is decided by changes meanwhile


class StateChanged(Exception):
    """What was decided by has changed meanwhile."""


def retry_on_change(doing: Callable[[], None]) -> None:
    """Do it, and again on what is true then where that has Changed. Given up after a few: the sweep
    comes back to it."""
    for _ in range(MAX_ATTEMPTS):
        with contextlib.suppress(StateChanged):
            return doing()


def change(parts: Parts, case_id: str, decide: Decide, who: str) -> Case | None:
    """The case after `decide`; None if there is no such case. What `decide` raises passes through,
    nothing kept."""
    return update_case(parts, case_id, lambda case, scene, _: decide(case, scene), who)


def update_case(
    parts: Parts, case_id: str, decide: Look, who: str, also: Also | None = None
) -> Case | None:
    """The same for a decision that looks at more than the case. It looks after the case was read,
    so that whoever changes the case in between is noticed, and the decision made again on what is
    true then. Who changes only what it looks at is not. `also`: what is written with it, in the
    same transaction, also where nothing of the case changes.
    """

    def write(conn: sa.Connection, drawn: PreparedWrite | None) -> None:
        if drawn is not None:
            save(conn, parts, drawn)
        if also is not None:
            also(conn)

    try:
        with parts.engine.connect() as conn:
            work = _decided(conn, parts, case_id, decide, who, lock=False)
        if work is None or (_nothing(work) and also is None):
            return work.before if work else None
        drawn = None if _nothing(work) else prepare(parts, work)
        parts.writer.write(lambda conn: write(conn, drawn))
        return work.step.case
    except Exception as problem:
        if not cases.is_conflict(problem):
            raise
    with transaction(parts.engine) as conn:
        lock_for_write(conn)
        work = _decided(conn, parts, case_id, decide, who, lock=True)
        if work is not None:
            write(conn, None if _nothing(work) else prepare(parts, work))
    return work.step.case if work else None


def _decided(
    conn: sa.Connection, parts: Parts, case_id: str, decide: Look, who: str, lock: bool
) -> Decision | None:
    case = cases.by_id(conn, parts.sealer, case_id, lock=lock)
    if case is None:
        return None
    scene = parts.scene(conn).for_case(case)
    contact = contacts.by_id(conn, parts.sealer, case.contact)
    return Decision(contact, case, decide(case, scene, conn), scene, who)


def _nothing(work: Decision) -> bool:
    return not work.step.effects and work.step.case == work.before
