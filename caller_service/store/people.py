"""The people of the staff."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from .tables import person


def add(
    conn: sa.Connection, person_id: str, name: str, role: str, password_hash: str, now: datetime
) -> None:
    """Raises IntegrityError for a name that is there already."""
    conn.execute(
        sa.insert(person).values(
            id=person_id, name=name, role=role, password=password_hash, created_at=now
        )
    )
