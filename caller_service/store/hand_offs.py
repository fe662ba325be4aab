"""Hand-offs (one row for each revision), their deliveries (one for each revision and destination),
and pages to staff."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from caller_service.core.outbound import NOT_RECEIVED, DeliveryState
from caller_service.documents.printed_hand_off import Listed
from caller_service.store.database.compiled import CompiledStatement

from .claim import CLAIM, PAUSED
from .claim import claim as _claim
from .sealing import Sealer
from .tables import case, delivery, hand_off, page

_COLUMNS = ("id", "case_id", "revision", "destination", "state", "tries", "next_at", "at")
_ADD = CompiledStatement(
    sa.insert(hand_off), ("case_id", "revision", "because", "sealed_packet", "at")
)
_ADD_DELIVERY = CompiledStatement(sa.insert(delivery), (*_COLUMNS, "received_at"))


@dataclass(frozen=True, slots=True)
class Delivery:
    id: str
    case_id: str
    revision: int
    destination: str
    state: DeliveryState
    tries: int
    next_at: datetime | None
    error: str | None
    at: datetime


def row(
    sealer: Sealer,
    case_id: str,
    revision: int,
    because: str,
    packet: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """A revision as the values of its row, the packet sealed. Built before the write lock is
    taken."""
    return {
        "case_id": case_id,
        "revision": revision,
        "because": because,
        "sealed_packet": _sealed(sealer, case_id, revision, packet),
        "at": now,
    }


def sealed_for(case_id: str, revision: int) -> str:
    """The name to which a sealed packet is bound."""
    return f"hand_off.packet.{case_id}.{revision}"


def _sealed(sealer: Sealer, case_id: str, revision: int, packet: Mapping[str, Any]) -> bytes:
    return sealer.seal(json.dumps(packet, ensure_ascii=False), sealed_for(case_id, revision))


def replace_packet(
    conn: sa.Connection, sealer: Sealer, case_id: str, revision: int, packet: Mapping[str, Any]
) -> None:
    """Replace the packet of a revision by one without what was erased."""
    same = (hand_off.c.case_id == case_id, hand_off.c.revision == revision)
    sealed = _sealed(sealer, case_id, revision, packet)
    conn.execute(sa.update(hand_off).where(*same).values(sealed_packet=sealed))


def add(conn: sa.Connection, new: Mapping[str, Any], deliveries: Sequence[Delivery]) -> None:
    """Insert the `row` of a revision, and a delivery to every destination."""
    _ADD.run(conn, new)
    if deliveries:
        _ADD_DELIVERY.many(conn, [_delivery_row(one) for one in deliveries])


def packet(
    conn: sa.Connection, sealer: Sealer, case_id: str, revision: int | None = None
) -> dict[str, Any] | None:
    """The packet of a revision, or of the latest one."""
    query = sa.select(hand_off.c.sealed_packet, hand_off.c.revision).where(
        hand_off.c.case_id == case_id
    )
    if revision is not None:
        query = query.where(hand_off.c.revision == revision)
    row = conn.execute(query.order_by(hand_off.c.revision.desc()).limit(1)).first()
    if row is None:
        return None
    found: dict[str, Any] = json.loads(
        sealer.open(row.sealed_packet, sealed_for(case_id, row.revision))
    )
    return found


def revised_at(conn: sa.Connection, case_id: str, revision: int) -> datetime | None:
    """When a revision was made; None if there is no such revision."""
    found: datetime | None = conn.execute(
        sa.select(hand_off.c.at).where(
            hand_off.c.case_id == case_id, hand_off.c.revision == revision
        )
    ).scalar()
    return found


def _delivery_row(new: Delivery) -> dict[str, Any]:
    return {name: getattr(new, name) for name in _COLUMNS} | {
        "received_at": new.at if new.state == DeliveryState.RECEIVED else None
    }


def delivery_by_id(conn: sa.Connection, delivery_id: str) -> Delivery | None:
    row = conn.execute(sa.select(delivery).where(delivery.c.id == delivery_id)).first()
    return None if row is None else _delivery(row)


def _delivery(row: sa.Row[Any]) -> Delivery:
    return Delivery(
        row.id,
        row.case_id,
        row.revision,
        row.destination,
        DeliveryState(row.state),
        row.tries,
        row.next_at,
        row.error,
        row.at,
    )


def earlier_waiting(conn: sa.Connection, one: Delivery) -> bool:
    """Is an earlier revision for the same destination still on its way? Revisions arrive in order.

    Locks the earlier row: the transaction that marks it as received may have looked for the next
    delivery before ours existed, so ours has to wait for its result.
    """
    return (
        conn.execute(
            _waiting(one)
            .where(delivery.c.revision < one.revision)
            .limit(1)
            .with_for_update(read=True)
        ).first()
        is not None
    )


def next_waiting(conn: sa.Connection, one: Delivery) -> Delivery | None:
    """The next revision for the same destination, if it waits for this one."""
    row = conn.execute(
        _waiting(one)
        .where(delivery.c.revision > one.revision)
        .order_by(delivery.c.revision)
        .limit(1)
    ).first()
    return None if row is None else _delivery(row)


def _waiting(one: Delivery) -> sa.Select[Any]:
    same = (delivery.c.case_id == one.case_id, delivery.c.destination == one.destination)
    return sa.select(delivery).where(*same, delivery.c.state.in_(NOT_RECEIVED))


def claim(
    conn: sa.Connection,
    delivery_id: str,
    job: str,
    now: datetime,
    hold: timedelta,
    settle: timedelta,
) -> bool | None:
    """Claim an attempt to deliver (store/claim.py)."""
    return _claim(conn, delivery, DeliveryState, delivery_id, job, now, hold, settle)


def received(conn: sa.Connection, delivery_id: str, now: datetime) -> bool:
    """Record that the destination has it. False if that was known."""
    changed = conn.execute(
        sa.update(delivery)
        .where(delivery.c.id == delivery_id, delivery.c.state != DeliveryState.RECEIVED)
        .values(state=DeliveryState.RECEIVED, received_at=now, next_at=None, error=None)
    )
    return changed.rowcount == 1


def was_addressed_to(conn: sa.Connection, case_id: str, destination: str) -> bool:
    """Was any revision of this hand-off addressed to this destination?"""
    mine = (delivery.c.case_id == case_id, delivery.c.destination == destination)
    return conn.execute(sa.select(delivery.c.id).where(*mine).limit(1)).first() is not None


def seen_by(conn: sa.Connection, case_id: str, destination: str | None) -> bool:
    """Does this hand-off exist (None), or is it a resident's and addressed to this destination?"""
    if destination is None:
        made = sa.select(hand_off.c.case_id).where(hand_off.c.case_id == case_id)
        return conn.execute(made.limit(1)).first() is not None
    if not was_addressed_to(conn, case_id, destination):
        return False
    resident = sa.select(case.c.id).where(case.c.id == case_id, ~case.c.test)
    return conn.execute(resident).first() is not None


def read_to(
    conn: sa.Connection, case_id: str, destination: str, revision: int, now: datetime
) -> bool:
    """Record that somebody has read this revision and with it all earlier ones. False if nothing
    was unread."""
    mine = (
        delivery.c.case_id == case_id,
        delivery.c.destination == destination,
        delivery.c.state != DeliveryState.RECEIVED,
    )
    read = sa.update(delivery).where(*mine, delivery.c.revision <= revision)
    return (
        conn.execute(
            read.values(state=DeliveryState.RECEIVED, received_at=now, next_at=None, error=None)
        ).rowcount
        > 0
    )


def on_page(conn: sa.Connection, destination: str, since: datetime) -> list[Listed]:
    """The residents' hand-offs for a web page, unordered: those of open cases, and those of ended
    cases that were read and then got another revision after `since` that is unread."""
    read = sa.func.max(
        sa.case((delivery.c.state == DeliveryState.RECEIVED, delivery.c.revision), else_=0)
    )
    newest = sa.func.max(delivery.c.revision)
    unread = sa.select(delivery.c.case_id).where(
        delivery.c.destination == destination,
        delivery.c.state != DeliveryState.RECEIVED,
        delivery.c.at > since,
    )
    columns = (case.c.id, case.c.reference, case.c.level, case.c.status, case.c.opened_at)
    query = (
        sa.select(*columns, sa.func.max(delivery.c.at), newest, read)
        .join(delivery, delivery.c.case_id == case.c.id)
        .where(
            ~case.c.test,
            delivery.c.destination == destination,
            case.c.closed_at.is_(None) | case.c.id.in_(unread),
        )
        .group_by(*columns, case.c.closed_at)
        .having(case.c.closed_at.is_(None) | ((read > 0) & (read < newest)))
    )
    return [Listed(*row) for row in conn.execute(query)]


def later(conn: sa.Connection, delivery_id: str, job: str, next_at: datetime, error: str) -> None:
    """Try again at `next_at`. Only the job whose attempt it is may say so."""
    conn.execute(
        _tried_by(delivery_id, job).values(
            state=DeliveryState.WAITING, next_at=next_at, claimed_by=PAUSED, error=error
        )
    )


def dead(conn: sa.Connection, delivery_id: str, job: str, error: str) -> bool:
    """Make no further attempt. False if the attempt is another job's."""
    ended = _tried_by(delivery_id, job).values(
        state=DeliveryState.DEAD, next_at=None, claimed_by=None, error=error
    )
    return conn.execute(ended).rowcount == 1


def _tried_by(delivery_id: str, job: str) -> sa.Update:
    return sa.update(delivery).where(
        delivery.c.id == delivery_id,
        delivery.c.state == DeliveryState.TRYING,
        delivery.c.claimed_by == job,
    )


def replay(conn: sa.Connection, delivery_id: str, now: datetime) -> bool:
    """Try a dead delivery again from the start. False if it was not dead."""
    changed = conn.execute(
        sa.update(delivery)
        .where(delivery.c.id == delivery_id, delivery.c.state == DeliveryState.DEAD)
        .values(state=DeliveryState.WAITING, tries=0, next_at=now, error=None)
    )
    return changed.rowcount == 1


_earlier = delivery.alias()
_behind = sa.exists().where(
    _earlier.c.case_id == delivery.c.case_id,
    _earlier.c.destination == delivery.c.destination,
    _earlier.c.revision < delivery.c.revision,
    _earlier.c.state.in_(NOT_RECEIVED),
)


def due(
    conn: sa.Connection, now: datetime, destination: str, limit: int
) -> Sequence[tuple[str, datetime]]:
    """The deliveries to one destination that are due: ids, and since when. A delivery that waits
    for an earlier revision is not due: the earlier one wakes it."""
    query = sa.select(delivery.c.id, delivery.c.next_at).where(
        delivery.c.next_at <= now, delivery.c.destination == destination, ~_behind
    )
    return [
        (row.id, row.next_at)
        for row in conn.execute(query.order_by(delivery.c.next_at).limit(limit))
    ]


def try_now(conn: sa.Connection, now: datetime) -> None:
    """Make due now whatever waits for a later time, because the clock was set back. An attempt
    under way keeps its lease."""
    trying = delivery.c.state == DeliveryState.TRYING
    conn.execute(
        sa.update(delivery)
        .where(delivery.c.next_at > now)
        .values(next_at=sa.case((trying, now + CLAIM), else_=now))
    )


def hold(conn: sa.Connection, delivery_id: str, seen: datetime, until: datetime) -> bool:
    """Reserve the delivery for a job: nobody else tries before `until`. False if it has changed
    since it was `seen`: an attempt has begun meanwhile."""
    waits = sa.update(delivery).where(delivery.c.id == delivery_id, delivery.c.next_at == seen)
    return conn.execute(waits.values(next_at=until, claimed_by=None)).rowcount == 1


def listed(
    conn: sa.Connection, state: DeliveryState | None, limit: int = 200
) -> Sequence[Delivery]:
    query = sa.select(delivery)
    if state:
        query = query.where(delivery.c.state == state)
    return [
        _delivery(row) for row in conn.execute(query.order_by(delivery.c.at.desc()).limit(limit))
    ]


def add_page(conn: sa.Connection, row: Mapping[str, Any]) -> bool:
    """Add a page: one for each case, ladder, round, rung and person. False if it is there
    already."""
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    return (
        conn.execute(
            insert(page).values(dict(row)).on_conflict_do_nothing().returning(page.c.id)
        ).first()
        is not None
    )


def paged_since(conn: sa.Connection, case_id: str, since: datetime) -> frozenset[str]:
    """Everybody whom a page of this case was sent to since then."""
    query = sa.select(page.c.person).where(page.c.case_id == case_id, page.c.at > since)
    return frozenset(conn.execute(query).scalars())


def was_paged(
    conn: sa.Connection, case_id: str, ladder: str, round_: int, rung: int, person: str
) -> bool:
    """Was this person paged on this rung?"""
    row = {"case_id": case_id, "ladder": ladder, "round": round_, "rung": rung, "person": person}
    query = sa.select(page.c.id).where(*(page.c[name] == value for name, value in row.items()))
    return conn.execute(query.limit(1)).first() is not None


def last_paged(conn: sa.Connection, person: str) -> datetime | None:
    """When this person was last paged about any case."""
    found: datetime | None = conn.execute(
        sa.select(sa.func.max(page.c.at)).where(page.c.person == person, ~page.c.held)
    ).scalar()
    return found


def times_paged(conn: sa.Connection, case_id: str, person: str) -> int:
    """How often this person was paged about a case."""
    asked = sa.select(sa.func.count()).where(page.c.case_id == case_id, page.c.person == person)
    return int(conn.execute(asked.select_from(page)).scalar_one())


def paged_people(conn: sa.Connection, case_id: str) -> list[str]:
    """Everybody who was ever paged for the case."""
    return list(
        conn.execute(
            sa.select(page.c.person).where(page.c.case_id == case_id, ~page.c.held).distinct()
        ).scalars()
    )


def held_page(conn: sa.Connection, case_id: str) -> bool:
    """Does this test case have a page that was held back?"""
    return (
        conn.execute(
            sa.select(page.c.id).where(page.c.case_id == case_id, page.c.held).limit(1)
        ).first()
        is not None
    )


def in_queue(conn: sa.Connection, case_id: str, console: str) -> bool:
    """Has the console received the latest revision of a case's hand-off? `console`: its destination
    name; "": it is enough that the revision exists."""
    latest = conn.execute(
        sa.select(sa.func.max(hand_off.c.revision)).where(hand_off.c.case_id == case_id)
    ).scalar()
    if latest is None or not console:
        return latest is not None
    to_destinations = sa.select(delivery.c.id).where(
        delivery.c.case_id == case_id, delivery.c.revision == latest
    )
    return (
        conn.execute(
            to_destinations.where(
                delivery.c.destination == console, delivery.c.state == DeliveryState.RECEIVED
            )
        ).first()
        is not None
    )
