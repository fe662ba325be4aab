"""Changes one case: load, decide, save. First without a lock; after a conflict once more with
one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import sqlalchemy as sa

from caller_service.core.case import Case, Step
from caller_service.core.dispatch import page_lost, pass_on
from caller_service.core.escalation import ladder_of
from caller_service.core.holding import MOST_HELD
from caller_service.core.routing import Scene
from caller_service.store import cases, contacts, hand_offs
from caller_service.store.database.transaction import lock_for_write, reading, transaction
from caller_service.store.journal import Author

from .carry_out import Decision, PreparedWrite, prepare, save
from .parts import Parts

Decide = Callable[[Case, Scene], Step]
Look = Callable[[Case, Scene, sa.Connection], Step]
Also = Callable[[sa.Connection], object]
T = TypeVar("T")

MAX_ATTEMPTS = 3  # attempts if the state changes meanwhile


class StateChanged(Exception):
    """The state that a decision used has changed meanwhile."""


def retry_on_change(action: Callable[[], None]) -> None:
    """Run it, and again with fresh state after StateChanged; after MAX_ATTEMPTS it is left to the
    sweep."""
    for _ in range(MAX_ATTEMPTS):
        with contextlib.suppress(StateChanged):
            return action()


def attempt(
    parts: Parts,
    work: Callable[[sa.Connection, bool], Callable[[sa.Connection], T]],
    lock: Also = lambda _: None,
    unheard: Callable[[T], object] | None = None,
) -> T:
    """Load and decide without a lock, then write by compare-and-swap; after a conflict again with
    what `lock` holds, and once more: whoever wrote meanwhile for the first time held no lock.
    `work` is told whether it is held; `unheard` is told what was kept after its request had given
    up."""

    def locked() -> T:
        with transaction(parts.engine) as conn:
            lock_for_write(conn)
            lock(conn)
            return work(conn, True)(conn)

    def unlocked() -> T:
        return parts.writer.decide_and_write(lambda conn: work(conn, False), unheard)

    for each in (unlocked, locked):
        try:
            return each()
        except Exception as problem:
            if not cases.is_conflict(problem):
                raise
    return locked()


def change(parts: Parts, case_id: str, decide: Decide, who: str) -> Case | None:
    """Change a case by `decide` and return it; None if there is no such case. If `decide` raises,
    nothing is saved."""
    return update_case(parts, case_id, lambda case, scene, _: decide(case, scene), who)


def update_case(
    parts: Parts, case_id: str, decide: Look, who: str, also: Also | None = None
) -> Case | None:
    """As `change`, for a decision that reads more than the case. It reads after the case was
    loaded, so a concurrent change of the case is noticed and the decision repeated; a change only
    to what else it reads is not noticed. `also` is written in the same transaction, even if the
    case does not change."""

    def write(conn: sa.Connection, prepared: PreparedWrite | None) -> None:
        if prepared is not None:
            save(conn, parts, prepared)
        if also is not None:
            also(conn)

    try:
        with reading(parts.engine) as conn:
            decision = _load_and_decide(conn, parts, case_id, decide, who, lock=False)
        if decision is None or (_nothing(decision) and also is None):
            return decision.before if decision else None
        prepared_write = None if _nothing(decision) else prepare(parts, decision)
        parts.writer.write(lambda conn: write(conn, prepared_write))
        return decision.step.case
    except Exception as problem:
        if not cases.is_conflict(problem):
            raise
    with transaction(parts.engine) as conn:
        lock_for_write(conn)
        decision = _load_and_decide(conn, parts, case_id, decide, who, lock=True)
        if decision is not None:
            write(conn, None if _nothing(decision) else prepare(parts, decision))
    return decision.step.case if decision else None


def full_beside(conn: sa.Connection, case: Case) -> frozenset[str]:
    """Who has as many dangers as one person may, beside this one (rule 21)."""
    return cases.full_hands(conn, MOST_HELD, case.id) if case.in_danger else frozenset()


def is_asked(conn: sa.Connection, case: Case, name: str) -> bool:
    """Did the ladder's latest page go to this person? Also in the place of somebody else."""
    return hand_offs.was_paged(conn, case.id, ladder_of(case), case.round, case.rung, name)


def _lately(conn: sa.Connection, case: Case, scene: Scene) -> frozenset[str]:
    """Who was asked so lately that the ladder would not yet ask the next."""
    since = scene.now - timedelta(seconds=scene.program.clocks.page_next)
    return hand_offs.paged_since(conn, case.id, since)


def passes(case: Case, name: str, scene: Scene, conn: sa.Connection) -> Step:
    """Somebody who is asked cannot take it: the next person, now. Raises Refused: ended, taken."""
    return pass_on(case, name, scene, is_asked(conn, case, name), _lately(conn, case, scene))


def page_unanswered(parts: Parts, case_id: str, name: str) -> None:
    """A page that cannot arrive: the next person, now (rule 4)."""
    update_case(
        parts,
        case_id,
        lambda case, scene, conn: page_lost(
            case, name, scene, is_asked(conn, case, name), _lately(conn, case, scene)
        ),
        Author.SYSTEM,
    )


def _load_and_decide(
    conn: sa.Connection, parts: Parts, case_id: str, decide: Look, who: str, lock: bool
) -> Decision | None:
    case = cases.by_id(conn, parts.sealer, case_id, lock=lock)
    if case is None:
        return None
    scene = parts.scene(conn).for_case(case)
    contact = contacts.by_id(conn, parts.sealer, case.contact)
    return Decision(contact, case, decide(case, scene, conn), scene, who)


def _nothing(decision: Decision) -> bool:
    return not decision.step.effects and decision.step.case == decision.before
