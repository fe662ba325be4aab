"""What the metrics count, at the moment of the query. Test cases are not counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from .tables import case, delivery, message

Rows = Sequence[Sequence[Any]]  # the last value of each row is the count


def open_cases(conn: sa.Connection) -> Rows:
    """By status and level."""
    open_ones = sa.select(case.c.status, case.c.level, sa.func.count()).where(
        case.c.closed_at.is_(None), ~case.c.test
    )
    return conn.execute(open_ones.group_by(case.c.status, case.c.level)).all()


def deliveries(conn: sa.Connection) -> Rows:
    """By destination and state."""
    sent = sa.select(delivery.c.destination, delivery.c.state, sa.func.count()).where(
        delivery.c.case_id.not_in(_tests())
    )
    return conn.execute(sent.group_by(delivery.c.destination, delivery.c.state)).all()


def texts(conn: sa.Connection) -> Rows:
    """Outbound texts, by state."""
    real = message.c.case_id.is_(None) | message.c.case_id.not_in(_tests())
    outbound = sa.select(message.c.state, sa.func.count()).where(message.c.direction == "out", real)
    return conn.execute(outbound.group_by(message.c.state)).all()


def longest_overdue(conn: sa.Connection, now: datetime) -> datetime | None:
    """Since when the most overdue clock has been due; None if none is."""
    return conn.execute(sa.select(sa.func.min(case.c.due_at)).where(case.c.due_at <= now)).scalar()


def schema_version(conn: sa.Connection) -> str | None:
    """The database's current migration."""
    return conn.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _tests() -> sa.Select[Any]:
    return sa.select(case.c.id).where(case.c.test)
