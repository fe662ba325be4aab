"""The ledger's counts, from the table of cases: one query, nothing decrypted, no case loaded.

A case counts on the day it was opened. Test cases (`caller-service probe`) are left out, however
they ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from caller_service.core.case import Channel

from .tables import case

_CLASS = (case.c.status, case.c.outcome, case.c.unserved)
# an older release stored no channel: it had only texts
_CHANNEL = sa.func.coalesce(case.c.state["channel"].as_string(), Channel.TEXT.value)
# recorded beside the outcome, by releases that asked
_POLICE = tuple(
    sa.func.coalesce(case.c.state[name].as_string(), "").label(name)
    for name in ("police", "police_asked_by", "police_told")
)
# "[]" is an empty list
_CORRECTED = (sa.func.coalesce(case.c.state["police_before"].as_string(), "[]") != "[]").label(
    "police_corrected"
)
_ABOUT = (case.c.level, case.c.response, case.c.area, case.c.language)


@dataclass(frozen=True, slots=True)
class Group:
    """How many cases have these values in common."""

    status: str
    outcome: str
    unserved: str
    level: str | None
    response: str
    area: str
    language: str
    channel: str
    police: str
    police_asked_by: str
    police_told: str
    police_corrected: bool
    cases: int


def counted(
    conn: sa.Connection, since: datetime | None = None, until: datetime | None = None
) -> list[Group]:
    """Cases opened from `since` and before `until` (None: no bound), in groups. One statement, so
    that all counts are of one moment."""
    columns = (*_CLASS, *_ABOUT, _CHANNEL.label("channel"), *_POLICE, _CORRECTED)
    known = sa.select(*columns).where(*_opened(since, until))
    alike = tuple((found := known.subquery()).c)
    query = sa.select(*alike, sa.func.count().label("cases")).select_from(found).group_by(*alike)
    return [Group(**row._mapping) for row in conn.execute(query.order_by(*alike))]


def references(
    conn: sa.Connection,
    columns: tuple[str, str, str],
    since: datetime | None,
    until: datetime | None,
    limit: int = 20,
) -> Sequence[str]:
    """References of cases with this status, outcome and unserved, oldest first."""
    alike = [column == value for column, value in zip(_CLASS, columns, strict=True)]
    query = (
        sa.select(case.c.reference)
        .where(*alike, *_opened(since, until))
        .order_by(case.c.opened_at)
        .limit(limit)
    )
    return list(conn.execute(query).scalars())


def _opened(since: datetime | None, until: datetime | None) -> list[sa.ColumnElement[Any]]:
    bounds: list[sa.ColumnElement[Any]] = [~case.c.test]
    if since is not None:
        bounds.append(case.c.opened_at >= since)
    if until is not None:
        bounds.append(case.c.opened_at < until)
    return bounds
