"""The state that a turn starts from, loaded in one query: who wrote or called, their open case, and
which areas are full."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from caller_service.core.case import Case
from caller_service.store.database.compiled import CompiledStatement

from . import cases, legs
from .contacts import STOPPED_IN_WORDS, Contact
from .sealing import Sealer
from .tables import area_state, case, contact, leg

BETWEEN = "\n"  # separates the names of areas


class TurnState(NamedTuple):
    """`contact` is None for an unknown number, `case` if none is open.

    `current`: the contact is stored under the newest keys. `split`: a rotation has split it into
    several.
    """

    contact: Contact | None
    case: Case | None
    full: frozenset[str]
    current: bool = True
    split: bool = False


class StepState(NamedTuple):
    """The state that one step of a call starts from."""

    leg: legs.Leg
    case: Case
    contact: Contact
    full: frozenset[str]


def load_step(conn: sa.Connection, sealer: Sealer, leg_id: str, now: datetime) -> StepState | None:
    """A call that a resident is on, their case and contact; None if there is no such call."""
    row = _step().first(conn, {"known_leg": leg_id, "now": now})
    if row is None:
        return None
    return StepState(legs.opened(row, sealer), cases.opened(row, sealer), *who(row, sealer))


def who(row: Mapping[str, Any], sealer: Sealer) -> tuple[Contact, frozenset[str]]:
    """The contact and the full areas in a row that was read with `about()`. A number that does not
    open is ""."""
    known = Contact(
        row["who"],
        row["speaks"],
        sealer.try_open(row["sealed"], f"contact.number.{row['who']}") or "",
        row["stopped"] is not None,
        our_number=row["ours"],
        in_words=row["why_stopped"] == STOPPED_IN_WORDS,
    )
    return known, frozenset((row["full"] or "").split(BETWEEN)) - {""}


def about() -> tuple[sa.ColumnElement[Any], ...]:
    """The columns that `who` needs, beside a case's."""
    return (
        contact.c.id.label("who"),
        contact.c.language.label("speaks"),
        contact.c.stopped_at.label("stopped"),
        contact.c.stopped_because.label("why_stopped"),
        contact.c.our_number.label("ours"),
        contact.c.sealed_number.label("sealed"),
        full_areas().label("full"),
    )


def load_turn(conn: sa.Connection, sealer: Sealer, number: str, now: datetime) -> TurnState:
    """The contact with this number, looked up under every index key, so that keys can be rotated,
    and their open case."""
    indexes = sealer.indexes(number)
    row = _begin(len(indexes)).first(
        conn, {f"index_{place}": index for place, index in enumerate(indexes)} | {"now": now}
    )
    assert row is not None, "one row is read, whoever writes"
    known = (
        None
        if row["who"] is None
        else Contact(
            row["who"],
            row["speaks"],
            number,
            row["stopped"] is not None,
            row["slowed"],
            row["care"],
            row["ours"],
            row["why_stopped"] == STOPPED_IN_WORDS,
        )
    )
    return TurnState(
        known,
        None if row["id"] is None else cases.opened(row, sealer),
        frozenset((row["full"] or "").split(BETWEEN)) - {""},
        known is None
        or (
            row["stands"] == indexes[0]
            and row["stands_under"] == sealer.index_key
            and sealer.is_current(row["sealed"])
        ),
        row["many"] > 1,
    )


def full_areas() -> sa.ScalarSelect[str]:
    now = sa.bindparam("now", None, type_=area_state.c.full_until.type)
    areas = sa.select(sa.func.aggregate_strings(area_state.c.area, BETWEEN))
    return areas.where(area_state.c.full_until > now).scalar_subquery()


@lru_cache
def _step() -> CompiledStatement:
    whole = leg.join(case, case.c.id == leg.c.case_id).join(
        contact, contact.c.id == case.c.contact_id
    )
    query = sa.select(*about(), *legs.READ, *cases.READ).select_from(whole)
    return CompiledStatement(query.where(leg.c.id == sa.bindparam("known_leg", None)))


@lru_cache
def _begin(keys: int) -> CompiledStatement:
    full = full_areas()
    indexes = [
        sa.bindparam(f"index_{place}", None, type_=contact.c.number_index.type)
        for place in range(keys)
    ]
    # always one row, also for an unknown number
    alone = sa.select(sa.literal_column("1").label("one")).subquery()
    who = alone.outerjoin(contact, contact.c.number_index.in_(indexes))
    whole = who.outerjoin(
        case, sa.and_(case.c.contact_id == contact.c.id, case.c.closed_at.is_(None), ~case.c.parked)
    )
    about = (
        contact.c.id.label("who"),
        contact.c.language.label("speaks"),
        contact.c.stopped_at.label("stopped"),
        full.label("full"),
    )
    more = (
        contact.c.slowed_until.label("slowed"),
        contact.c.care_until.label("care"),
        contact.c.our_number.label("ours"),
        contact.c.stopped_because.label("why_stopped"),
    )
    stands = (
        contact.c.number_index.label("stands"),
        contact.c.index_key.label("stands_under"),
        contact.c.sealed_number.label("sealed"),
    )
    query = sa.select(*about, *more, *stands, *cases.READ).select_from(whole)
    if keys == 1:
        return CompiledStatement(query.add_columns(sa.literal_column("1").label("many")))
    every = contact.alias()
    count = sa.select(sa.func.count()).select_from(every).where(every.c.number_index.in_(indexes))
    many = count.scalar_subquery().label("many")
    # of several contacts, the one with an open case
    return CompiledStatement(query.add_columns(many).order_by(case.c.id.is_(None)))
