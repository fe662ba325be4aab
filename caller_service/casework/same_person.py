"""A shared phone is in the first person's hands again, and a human says so (rule 10)."""

from __future__ import annotations

import sqlalchemy as sa

from caller_service.core.case import Case, Step
from caller_service.core.marks import Mark
from caller_service.core.parking import come_back, park
from caller_service.core.routing import Scene
from caller_service.store import cases
from caller_service.store.database.transaction import reading

from .change import Look, change
from .parts import Parts


def comes_back(parts: Parts, by: str, reason: str) -> Look:
    """The decision that gives the phone back to a parked case (core/parking.py)."""

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        return come_back(case, by, reason, scene, _meanwhile(conn, parts, case))

    return decide


def make_room(parts: Parts, case_id: str, by: str, reason: str) -> None:
    """Park what was begun on this phone meanwhile: one phone, one open conversation. Nothing
    happens where the parked case may not come back."""
    with reading(parts.engine) as conn:
        case = cases.by_id(conn, parts.sealer, case_id)
        if case is None or not case.parked or case.ended or not reason:
            return
        meanwhile = cases.open_of(conn, parts.sealer, case.contact)
    if meanwhile is not None and not meanwhile.in_danger:
        change(parts, meanwhile.id, lambda now, scene: park(now, scene, scene.now), by)


def _meanwhile(conn: sa.Connection, parts: Parts, case: Case) -> Case | None:
    """The latest other case of this phone since the first was parked: open, parked or ended."""
    others = cases.of_contact_since(conn, parts.sealer, case.contact, case.marks.get(Mark.PARKED))
    return next((each for each in others if each.id != case.id), None)
