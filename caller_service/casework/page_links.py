"""Links to the web: what opens a private page, or its place screen alone."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from caller_service.core.case import Case
from caller_service.store import visits
from caller_service.store.visits import Visit, VisitKind, new_secret

from .parts import Parts

OPEN_FOR = timedelta(days=30)  # a page whose case is open
PLACE_FOR = timedelta(minutes=30)


def link_to(conn: sa.Connection, parts: Parts, case: Case, kind: VisitKind, now: datetime) -> str:
    """A new secret that opens this case's page, or its place screen alone; returns it."""
    secret = new_secret()
    until = now + (PLACE_FOR if kind == VisitKind.PLACE else OPEN_FOR)
    visit = Visit(parts.new_id(), case.id, kind, 0, "", now, now, now, until)
    visits.add(conn, parts.sealer, visit, visits.secret_hash(secret))
    return secret


def place_url(parts: Parts, secret: str) -> str:
    return f"{parts.public_url}/place/{secret}"
