"""A shared phone is in the first person's hands again, and a human says so (rule 10)."""

from __future__ import annotations

from caller_service.core.parking import park
from caller_service.store import cases

from .change import change
from .parts import Parts


def make_room(parts: Parts, case_id: str, by: str) -> None:
    """What was begun on this phone meanwhile waits beside the case that comes back: one phone, one
    open conversation. Nothing happens to a case that is not parked."""
    with parts.engine.connect() as conn:
        case = cases.by_id(conn, parts.sealer, case_id)
        if case is None or not case.parked or case.ended:
            return
        meanwhile = cases.open_of(conn, parts.sealer, case.contact)
    if meanwhile is not None:
        change(parts, meanwhile.id, lambda now, scene: park(now, scene, scene.now), by)
