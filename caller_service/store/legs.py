"""Calls that a resident is on, and who spoke with them.

A call's id at the provider is one leg. Its step is the number of documents it was answered: the
same step again gets the same document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from .sealing import Sealer
from .tables import leg, page, talk


@dataclass(frozen=True, slots=True)
class Leg:
    """One call that a resident is on. `state`: JSON of the caller's position and the last document
    (casework/phone_call.py); "" once it is over, or where it does not open."""

    id: str
    case_id: str
    provider_id: str
    step: int
    state: str = field(repr=False)
    our_number: str
    at: datetime
    ended_at: datetime | None
    callback_id: str | None = None


@dataclass(frozen=True, slots=True)
class Talk:
    """Who spoke with them, from when to when."""

    id: str
    leg_id: str
    call_id: str | None
    person: str
    at: datetime
    ended_at: datetime | None


def add(conn: sa.Connection, sealer: Sealer, new: Leg, check: datetime) -> None:
    """A second one with the same provider id is an IntegrityError: the work is run again."""
    conn.execute(
        sa.insert(leg).values(
            id=new.id,
            case_id=new.case_id,
            callback_id=new.callback_id,
            provider_id=new.provider_id,
            step=new.step,
            our_number=new.our_number,
            at=new.at,
            sealed_state=_sealed(sealer, new.id, new.state),
            next_at=check,
        )
    )


def by_id(conn: sa.Connection, sealer: Sealer, leg_id: str) -> Leg | None:
    return _one(conn, sealer, leg.c.id == leg_id)


def by_provider_id(conn: sa.Connection, sealer: Sealer, provider_id: str) -> Leg | None:
    return _one(conn, sealer, leg.c.provider_id == provider_id)


def live(conn: sa.Connection, sealer: Sealer, case_id: str) -> Leg | None:
    """The latest call of a case that has not ended."""
    mine = sa.and_(leg.c.case_id == case_id, leg.c.ended_at.is_(None))
    return _one(conn, sealer, mine)


def _one(conn: sa.Connection, sealer: Sealer, which: sa.ColumnElement[bool]) -> Leg | None:
    row = conn.execute(sa.select(leg).where(which).order_by(leg.c.id.desc()).limit(1)).first()
    if row is None:
        return None
    state = (
        ""
        if row.sealed_state is None
        else sealer.try_open(row.sealed_state, f"leg.state.{row.id}") or ""
    )
    return Leg(
        row.id,
        row.case_id,
        row.provider_id,
        row.step,
        state,
        row.our_number,
        row.at,
        row.ended_at,
        row.callback_id,
    )


def _sealed(sealer: Sealer, leg_id: str, state: str) -> bytes:
    return sealer.seal(state, f"leg.state.{leg_id}")


def advance(
    conn: sa.Connection, sealer: Sealer, known: Leg, state: str, check: datetime, case_id: str = ""
) -> bool:
    """Write the next step. `case_id`: the call goes on about this case. False if somebody else has
    answered it meanwhile."""
    same = (leg.c.id == known.id, leg.c.step == known.step)
    sealed = _sealed(sealer, known.id, state)
    values: dict[str, Any] = {
        "step": known.step + 1,
        "sealed_state": sealed,
        "next_at": check,
        "case_id": case_id or known.case_id,
    }
    return conn.execute(sa.update(leg).where(*same).values(values)).rowcount == 1


def end(conn: sa.Connection, leg_id: str, now: datetime) -> bool:
    """The call is over. False if it was."""
    open_leg = (leg.c.id == leg_id, leg.c.ended_at.is_(None))
    gone = sa.update(leg).where(*open_leg)
    return conn.execute(gone.values(ended_at=now, next_at=None, sealed_state=None)).rowcount == 1


def others_live(conn: sa.Connection, case_id: str, but: str) -> bool:
    """Is there another call of this case that has not ended?"""
    mine = (leg.c.case_id == case_id, leg.c.ended_at.is_(None), leg.c.id != but)
    return conn.execute(sa.select(leg.c.id).where(*mine).limit(1)).first() is not None


def due(conn: sa.Connection, now: datetime, limit: int) -> Sequence[str]:
    """Calls of which nothing was heard for long: the provider is asked what became of them."""
    query = sa.select(leg.c.id).where(leg.c.next_at.is_not(None), leg.c.next_at <= now)
    return list(conn.execute(query.order_by(leg.c.next_at).limit(limit)).scalars())


def look_again(conn: sa.Connection, leg_id: str, at: datetime) -> None:
    conn.execute(
        sa.update(leg).where(leg.c.id == leg_id, leg.c.ended_at.is_(None)).values(next_at=at)
    )


def asked(conn: sa.Connection, case_id: str, since: datetime) -> int:
    """How many people were asked to come since then."""
    query = sa.select(sa.func.count(page.c.person.distinct())).where(
        page.c.case_id == case_id, page.c.at >= since, page.c.held.is_(False)
    )
    return int(conn.execute(query).scalar_one())


# ---- who spoke with them -------------------------------------------------------------------------


def begin_talk(
    conn: sa.Connection, talk_id: str, known: Leg, call_id: str | None, person: str, now: datetime
) -> None:
    """Two phones are joined. What was not ended before ends now."""
    conn.execute(
        sa.update(talk)
        .where(talk.c.leg_id == known.id, talk.c.ended_at.is_(None))
        .values(ended_at=now)
    )
    conn.execute(
        sa.insert(talk).values(
            id=talk_id,
            case_id=known.case_id,
            leg_id=known.id,
            call_id=call_id,
            person=person,
            at=now,
        )
    )


def end_talk(conn: sa.Connection, leg_id: str, now: datetime) -> None:
    conn.execute(
        sa.update(talk)
        .where(talk.c.leg_id == leg_id, talk.c.ended_at.is_(None))
        .values(ended_at=now)
    )


def last_talk(conn: sa.Connection, leg_id: str) -> Talk | None:
    row = conn.execute(
        sa.select(talk).where(talk.c.leg_id == leg_id).order_by(talk.c.id.desc()).limit(1)
    ).first()
    return None if row is None else _talk(row)


def talks(conn: sa.Connection, case_id: str) -> Sequence[Talk]:
    """Everybody who spoke with the resident of a case, in order."""
    query = sa.select(talk).where(talk.c.case_id == case_id).order_by(talk.c.id)
    return [_talk(row) for row in conn.execute(query)]


def _talk(row: Any) -> Talk:
    return Talk(row.id, row.leg_id, row.call_id, row.person, row.at, row.ended_at)
