"""One try to deliver one revision to one destination: claim it, look, post, then settle it or
schedule the next try."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from caller_service.casework.change import change
from caller_service.casework.eido import Unsound, issuer, sound_document
from caller_service.casework.parts import Parts
from caller_service.core import hand_off
from caller_service.core.case import Case, Step
from caller_service.core.effect import HandOff
from caller_service.core.journal_events import Event
from caller_service.core.outbound import NOT_RECEIVED
from caller_service.core.program import DestinationKind
from caller_service.core.routing import Scene
from caller_service.gateway.webhooks import DeliveryFailed
from caller_service.jobs.queue import queue_of
from caller_service.store import hand_offs, journal
from caller_service.store.claim import CLAIM, LOOKING, SETTLE
from caller_service.store.database.transaction import lock_for_write, reading, transaction
from caller_service.store.hand_offs import Delivery
from caller_service.store.journal import Author
from caller_service.store.sealing import CannotOpen, unopened

from .retry import next_try

log = logging.getLogger(__name__)
# seconds before each further try; then it is dead
PAUSES = (1, 2, 4, 8, 15, 30, 60, 120, 300, 300, 600, 600, 900, 1800, 3600)


def deliver(parts: Parts, delivery_id: str, job: str = "") -> None:
    """Try one delivery. Revisions reach a destination in order: one that is behind another is woken
    by it, and its own job may come at the same moment. The claim lets one of them try."""
    with reading(parts.engine) as conn:
        one = hand_offs.delivery_by_id(conn, delivery_id)
        if one is None or one.state not in NOT_RECEIVED or hand_offs.earlier_waiting(conn, one):
            return
    one = parts.writer.write(lambda conn: _begin(conn, parts, delivery_id, job))
    if one is None:
        return
    try:
        if one.tries > len(PAUSES):  # each was cut off, so that none could say it was the last
            raise DeliveryFailed("cut off")
        _post(parts, one)
    except CannotOpen as problem:
        unopened(f"hand_off.packet.{one.case_id}.{one.revision}", problem)
        _closed(parts, one, job)
        return
    except DeliveryFailed as problem:
        _failed(parts, one, job, problem.code, problem.wait)
        return
    now = parts.now()

    def received(conn: sa.Connection) -> None:
        if hand_offs.received(conn, one.id, now):
            _note(conn, parts, one, Event.DELIVERED)
        _wake_next(conn, parts, one)

    parts.writer.write(received)


def _begin(conn: sa.Connection, parts: Parts, delivery_id: str, job: str) -> Delivery | None:
    """Begin a try: the delivery as it was before; None if it is another job's, or not yet time."""
    lock_for_write(conn)
    one = hand_offs.delivery_by_id(conn, delivery_id)
    claimed = hand_offs.claim(conn, delivery_id, job, parts.now(), CLAIM, SETTLE)
    return None if claimed is None else one


def _post(parts: Parts, one: Delivery) -> None:
    """Post a revision, unless the destination says that it has it. DeliveryFailed for no receipt,
    CannotOpen for a packet whose key is missing."""
    with reading(parts.engine) as conn:
        packet = hand_offs.packet(conn, parts.sealer, one.case_id, one.revision)
    if packet is None:
        raise DeliveryFailed("no packet")
    destination, now = parts.program.destination(one.destination), parts.now()
    if destination is None:
        raise DeliveryFailed("no such destination")
    if destination.look_up:
        if parts.webhooks.has(one.destination, one.case_id, one.revision, now):
            return
        if parts.now() - now > LOOKING:  # the claim has no time left for the post
            raise DeliveryFailed("looked too long")
    body = _body(parts, one, packet)
    parts.webhooks.post(one.destination, body, f"{one.case_id}.{one.revision}", parts.now())


def _body(parts: Parts, one: Delivery, packet: Mapping[str, Any]) -> Mapping[str, Any]:
    """What this kind of destination reads. DeliveryFailed for a document that must not be
    sent."""
    destination = parts.program.destination(one.destination)
    if destination is None or destination.kind != DestinationKind.EIDO:
        return packet
    try:
        return sound_document(packet, issuer(parts, one.destination), one.at)
    except Unsound as problem:
        raise DeliveryFailed(f"eido_faults {problem.faults[0]}") from None


def _closed(parts: Parts, one: Delivery, job: str) -> None:
    """The packet does not open: what it told is told anew by a revision of the case as it stands,
    and this one waits for nobody. `hand-off replay` sends it when its key is back."""

    def anew(case: Case, _: Scene) -> Step:
        if case.revision != one.revision:
            return Step(case)
        return Step(*hand_off.revise(case, (HandOff("packet_lost"),)))

    change(parts, one.case_id, anew, Author.SYSTEM)
    with transaction(parts.engine) as conn:
        _dead(conn, parts, one, job, "cannot_open")


def _failed(parts: Parts, one: Delivery, job: str, code: str, wait: int) -> None:
    """Try again later, after `wait` seconds where the destination asked for that; after the last
    try it is dead."""
    now, tries = parts.now(), one.tries + 1
    log.warning(
        "hand-off not received",
        extra={"destination": one.destination, "tries": tries, "fault": code},
    )
    with transaction(parts.engine) as conn:
        if again := next_try(PAUSES, tries, now, wait):
            hand_offs.later(conn, one.id, job, again, code)
        else:
            _dead(conn, parts, one, job, code)


def _dead(conn: sa.Connection, parts: Parts, one: Delivery, job: str, code: str) -> None:
    if hand_offs.dead(conn, one.id, job, code):
        _note(conn, parts, one, Event.DELIVERY_DEAD, fault=code)
        _wake_next(conn, parts, one)


def _note(conn: sa.Connection, parts: Parts, one: Delivery, event: Event, **more: str) -> None:
    detail = {"destination": one.destination, "revision": one.revision, **more}
    journal.write(
        conn,
        [journal.Entry(parts.new_id(), parts.now(), one.case_id, Author.SYSTEM, event, detail)],
    )


def _wake_next(conn: sa.Connection, parts: Parts, one: Delivery) -> None:
    following = hand_offs.next_waiting(conn, one)
    if following is not None:
        job_id = f"deliver:{following.id}:after:{one.revision}:{one.tries}"
        parts.jobs.enqueue(conn, "deliver", job_id, following.id, queue_of(one.destination))


def replay(parts: Parts, delivery_id: str) -> bool:
    """Send a dead delivery again. False if there is none of that id, or it is not dead."""
    with transaction(parts.engine) as conn:
        return hand_offs.replay(conn, delivery_id, parts.now())
