"""Calls that a resident is on, and who spoke with them.

One call id of the provider is one leg. Its step is the number of TwiML documents it has been
answered with: a request that repeats a step gets the same document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from .database.compiled import CompiledStatement
from .sealing import Sealer
from .tables import leg, page, talk


@dataclass(frozen=True, slots=True)
class Leg:
    """One call that a resident is on. `state`: JSON of the caller's position and the last document
    (casework/phone_call.py); "" once the call is over, or if it does not open."""

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
    """Who spoke with the resident, from when to when."""

    id: str
    leg_id: str
    call_id: str | None
    person: str
    at: datetime
    ended_at: datetime | None


_COLUMNS = (
    "id",
    "case_id",
    "callback_id",
    "provider_id",
    "step",
    "sealed_state",
    "our_number",
    "at",
)
# what `opened` needs, labelled so that no name collides with a case's columns
READ = tuple(leg.c[name].label(f"leg_{name}") for name in (*_COLUMNS, "ended_at"))


def _by(which: sa.ColumnElement[bool]) -> CompiledStatement:
    return CompiledStatement(sa.select(*READ).where(which).order_by(leg.c.id.desc()).limit(1))


_known: sa.BindParameter[str] = sa.bindparam("known", None)
_BY_ID = _by(leg.c.id == _known)
_BY_PROVIDER_ID = _by(leg.c.provider_id == _known)
_LIVE = _by(sa.and_(leg.c.case_id == _known, leg.c.ended_at.is_(None)))
_ADD = CompiledStatement(sa.insert(leg), (*_COLUMNS, "next_at"))
_advance = sa.update(leg).where(
    leg.c.id == sa.bindparam("known_id", None), leg.c.step == sa.bindparam("known_step", None)
)
_ADVANCE = CompiledStatement(_advance, ("step", "sealed_state", "next_at"))
_MOVE = CompiledStatement(_advance, ("step", "sealed_state", "next_at", "case_id"))


def add(conn: sa.Connection, sealer: Sealer, new: Leg, check: datetime) -> None:
    """Raises IntegrityError for a provider id that is there already: the work is run again."""
    sealed = _sealed(sealer, new.id, new.state)
    values = {name: getattr(new, name) for name in _COLUMNS if name != "sealed_state"}
    _ADD.run(conn, values | {"sealed_state": sealed, "next_at": check})


def by_id(conn: sa.Connection, sealer: Sealer, leg_id: str) -> Leg | None:
    return _one(conn, sealer, _BY_ID, leg_id)


def by_provider_id(conn: sa.Connection, sealer: Sealer, provider_id: str) -> Leg | None:
    return _one(conn, sealer, _BY_PROVIDER_ID, provider_id)


def live(conn: sa.Connection, sealer: Sealer, case_id: str) -> Leg | None:
    """The latest call of a case that has not ended."""
    return _one(conn, sealer, _LIVE, case_id)


def _one(
    conn: sa.Connection, sealer: Sealer, statement: CompiledStatement, known: str
) -> Leg | None:
    row = statement.first(conn, {"known": known})
    return None if row is None else opened(row, sealer)


def opened(row: Mapping[str, Any], sealer: Sealer) -> Leg:
    """The call of a row of READ."""
    sealed, leg_id = row["leg_sealed_state"], row["leg_id"]
    state = "" if sealed is None else sealer.try_open(sealed, f"leg.state.{leg_id}") or ""
    columns = (name for name in (*_COLUMNS, "ended_at") if name != "sealed_state")
    return Leg(state=state, **{name: row[f"leg_{name}"] for name in columns})


def _sealed(sealer: Sealer, leg_id: str, state: str) -> bytes:
    return sealer.seal(state, f"leg.state.{leg_id}")


def advance(
    conn: sa.Connection, sealer: Sealer, known: Leg, state: str, check: datetime, case_id: str
) -> bool:
    """Write the next step, which may move the call to another case of the caller. False if another
    request has answered this step meanwhile."""
    values: dict[str, Any] = {
        "known_id": known.id,
        "known_step": known.step,
        "step": known.step + 1,
        "sealed_state": _sealed(sealer, known.id, state),
        "next_at": check,
        "case_id": case_id,
    }
    return (_ADVANCE if case_id == known.case_id else _MOVE).run(conn, values) == 1


def end(conn: sa.Connection, leg_id: str, now: datetime) -> bool:
    """End the call. False if it had ended."""
    open_leg = (leg.c.id == leg_id, leg.c.ended_at.is_(None))
    gone = sa.update(leg).where(*open_leg)
    return conn.execute(gone.values(ended_at=now, next_at=None, sealed_state=None)).rowcount == 1


def others_live(conn: sa.Connection, sealer: Sealer, case_id: str, but: str) -> list[Leg]:
    """The calls of this case, apart from `but`, that have not ended."""
    mine = (leg.c.case_id == case_id, leg.c.ended_at.is_(None), leg.c.id != but)
    rows = conn.execute(sa.select(*READ).where(*mine).order_by(leg.c.id))
    return [opened(row._asdict(), sealer) for row in rows]


def due(conn: sa.Connection, now: datetime, limit: int) -> Sequence[str]:
    """Calls without news for too long: the provider is asked about them."""
    query = sa.select(leg.c.id).where(leg.c.next_at.is_not(None), leg.c.next_at <= now)
    return list(conn.execute(query.order_by(leg.c.next_at).limit(limit)).scalars())


def look_again(conn: sa.Connection, leg_id: str, at: datetime) -> None:
    conn.execute(
        sa.update(leg).where(leg.c.id == leg_id, leg.c.ended_at.is_(None)).values(next_at=at)
    )


def asked(conn: sa.Connection, case_id: str, since: datetime) -> int:
    """How many people were paged since then."""
    query = sa.select(sa.func.count(page.c.person.distinct())).where(
        page.c.case_id == case_id, page.c.at >= since, page.c.held.is_(False)
    )
    return int(conn.execute(query).scalar_one())


# ---- who spoke with them -------------------------------------------------------------------------


def begin_talk(
    conn: sa.Connection, talk_id: str, known: Leg, call_id: str | None, person: str, now: datetime
) -> None:
    """Two phones are joined. An earlier talk that was not ended ends now."""
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


def speaking(conn: sa.Connection, case_id: str, but: str = "") -> frozenset[str]:
    """The calls of this case that a human speaks on, apart from `but`."""
    query = (
        sa.select(talk.c.leg_id)
        .join(leg, leg.c.id == talk.c.leg_id)
        .where(talk.c.case_id == case_id, talk.c.ended_at.is_(None), leg.c.ended_at.is_(None))
    )
    return frozenset(conn.execute(query).scalars()) - {but}


def talk_of(conn: sa.Connection, call_id: str) -> Talk | None:
    """The talk for which this human's phone was joined to a caller."""
    row = conn.execute(
        sa.select(talk).where(talk.c.call_id == call_id).order_by(talk.c.id.desc()).limit(1)
    ).first()
    return None if row is None else _talk(row)


def talks(conn: sa.Connection, case_id: str) -> Sequence[Talk]:
    """Everybody who spoke with the resident of a case, in order."""
    query = sa.select(talk).where(talk.c.case_id == case_id).order_by(talk.c.id)
    return [_talk(row) for row in conn.execute(query)]


def _talk(row: Any) -> Talk:
    return Talk(row.id, row.leg_id, row.call_id, row.person, row.at, row.ended_at)
