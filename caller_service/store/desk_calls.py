"""What the console's page of calls reads: promised calls, and calls that no human answered
(docs/console.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from caller_service.core.case import Case
from caller_service.core.journal_events import Event

from . import callbacks, cases
from .callbacks import Callback
from .sealing import Sealer
from .tables import callback, case, journal, leg, talk

MOST = 300  # only the newest rows are searched; ids are in order of time


class PromisedCall(NamedTuple):
    callback: Callback
    case: Case


def _promised(since: datetime) -> sa.ColumnElement[bool]:
    newest = sa.select(callback.c.id).order_by(callback.c.id.desc()).limit(MOST)
    recent = (callback.c.id.in_(newest), callback.c.at >= since)
    live = callback.c.next_at.is_not(None)  # found by its index, however old it is
    return sa.or_(live, sa.and_(*recent))


def version_tag(conn: sa.Connection, over: datetime, ended: datetime) -> str:
    """Changes whenever a call is promised, tried, over or missed, and whenever one of their cases
    changes. One query. `over` and `ended` are the `since` of `promised` and `unanswered`."""
    calls = (
        sa.select(
            sa.func.count().label("promised"),
            sa.func.max(callback.c.id).label("last"),
            sa.func.sum(callback.c.attempts).label("attempts"),
            sa.func.sum(callback.c.tried).label("tried"),
            sa.func.sum(sa.func.length(callback.c.state + callback.c.outcome)).label("states"),
        )
        .where(_promised(over))
        .subquery()
    )
    legs = (
        sa.select(sa.func.count().label("missed"), sa.func.max(leg.c.id).label("newest"))
        .where(*_unanswered(ended))
        .subquery()
    )
    about = sa.or_(
        case.c.id.in_(sa.select(callback.c.case_id).where(_promised(over))),
        case.c.id.in_(sa.select(leg.c.case_id).where(*_unanswered(ended))),
    )
    version = sa.cast(case.c.version, sa.BigInteger)
    versions = (
        sa.select(
            sa.func.sum(version).label("versions"),
            sa.func.sum(version * version).label("squares"),
        )
        .where(about)
        .subquery()
    )
    whole = sa.select(calls, legs, versions).select_from(
        calls.join(legs, sa.true()).join(versions, sa.true())
    )
    return ".".join(str(each or 0) for each in conn.execute(whole).one())


def promised(conn: sa.Connection, sealer: Sealer, since: datetime) -> list[PromisedCall]:
    """Every live callback, and those booked since `since` that are over, in the order in which they
    are due."""
    found = callbacks.where(conn, sealer, _promised(since))
    known = cases_by_id(conn, sealer, {each.case_id for each in found})
    calls = [PromisedCall(each, known[each.case_id]) for each in found if each.case_id in known]
    return sorted(calls, key=lambda each: (each.callback.due_at, each.callback.id))


def cases_by_id(conn: sa.Connection, sealer: Sealer, case_ids: Iterable[str]) -> Mapping[str, Case]:
    """These cases, without test cases, also those that can be read only in part."""
    query = sa.select(*cases.READ_AS_TEXT).where(case.c.id.in_(sorted(case_ids)), ~case.c.test)
    return {row.id: cases.as_shown(row, sealer) for row in conn.execute(query)}


class InboundCall(NamedTuple):
    """The latest of a caller's calls in one case, and how many there were."""

    leg_id: str
    at: datetime
    ended_at: datetime
    calls: int
    case: Case


def _unanswered(since: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    newest = sa.select(leg.c.id).order_by(leg.c.id.desc()).limit(MOST)
    with_human = sa.select(talk.c.leg_id)
    return (
        leg.c.id.in_(newest),
        leg.c.callback_id.is_(None),
        leg.c.ended_at >= since,
        leg.c.id.not_in(with_human.where(talk.c.leg_id == leg.c.id)),
    )


def unanswered(conn: sa.Connection, sealer: Sealer, since: datetime) -> list[InboundCall]:
    """Inbound calls that ended since `since` and that no human joined, newest first, one for each
    case."""
    query = sa.select(leg.c.id, leg.c.case_id, leg.c.at, leg.c.ended_at)
    query = query.where(*_unanswered(since))
    rows = list(conn.execute(query.order_by(leg.c.id.desc())))
    known = cases_by_id(conn, sealer, {row.case_id for row in rows})
    latest: dict[str, InboundCall] = {}
    for row in rows:
        if row.case_id not in known:
            continue
        one = latest.setdefault(
            row.case_id, InboundCall(row.id, row.at, row.ended_at, 0, known[row.case_id])
        )
        latest[row.case_id] = one._replace(calls=one.calls + 1)
    return list(latest.values())


class Review(NamedTuple):
    """Who reviewed a call, and when."""

    who: str
    at: datetime


def reviews(conn: sa.Connection, case_ids: Sequence[str]) -> Mapping[str, Review]:
    """The first review of each call of these cases, by the id of the call."""
    query = sa.select(journal).where(
        journal.c.case_id.in_(case_ids), journal.c.event == Event.CALL_REVIEWED
    )
    found: dict[str, Review] = {}
    for row in conn.execute(query.order_by(journal.c.id)):
        found.setdefault(str(row.detail.get("leg", "")), Review(row.who, row.at))
    return found


def is_call_of(conn: sa.Connection, leg_id: str, case_id: str) -> bool:
    """Is this an inbound call about this case that has ended?"""
    mine = (leg.c.id == leg_id, leg.c.case_id == case_id, leg.c.ended_at.is_not(None))
    return conn.execute(sa.select(leg.c.id).where(*mine)).first() is not None
