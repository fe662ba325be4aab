"""One delivery to one destination: one idempotent call, then one transaction. A failure writes
`next_at` and ends."""

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
from caller_service.core.outbound import DeliveryState
from caller_service.core.program import DestinationKind
from caller_service.core.routing import Scene
from caller_service.gateway.webhooks import DeliveryFailed
from caller_service.jobs.queue import queue_of
from caller_service.store import hand_offs, journal
from caller_service.store.database.transaction import transaction
from caller_service.store.hand_offs import Delivery
from caller_service.store.journal import Author
from caller_service.store.sealing import CannotOpen, unopened

from .retry import next_try

log = logging.getLogger(__name__)
# seconds before each further try; then it is dead
PAUSES = (1, 2, 4, 8, 15, 30, 60, 120, 300, 300, 600, 600, 900, 1800, 3600)


def deliver(parts: Parts, delivery_id: str, job: str = "") -> None:
    """Try one delivery. Revisions reach a destination in order: one that is behind another is woken
    by it."""
    with parts.engine.connect() as conn:
        one = hand_offs.delivery_by_id(conn, delivery_id)
        if (
            one is None
            or one.state != DeliveryState.WAITING
            or hand_offs.earlier_waiting(conn, one)
        ):
            return
        try:
            packet = hand_offs.packet(conn, parts.sealer, one.case_id, one.revision)
        except CannotOpen as problem:
            unopened(f"hand_off.packet.{one.case_id}.{one.revision}", problem)
            _closed(parts, one)
            return
    if packet is None:
        return
    destination, now = parts.program.destination(one.destination), parts.now()
    revision = (one.destination, one.case_id, one.revision)
    try:
        looks = destination is not None and destination.look_up
        if not (looks and parts.webhooks.has(*revision, now)):
            body = _body(parts, one, packet)
            parts.webhooks.post(one.destination, body, f"{one.case_id}.{one.revision}", now)
    except DeliveryFailed as problem:
        _failed(parts, one, problem.code, problem.wait)
        return
    now = parts.now()

    def received(conn: sa.Connection) -> None:
        hand_offs.received(conn, one.id, now)
        journal.write(
            conn,
            [
                journal.Entry(
                    parts.new_id(), now, one.case_id, Author.SYSTEM, "delivered", _about(one)
                )
            ],
        )
        _wake_next(conn, parts, one)

    parts.writer.write(received)


def _body(parts: Parts, one: Delivery, packet: Mapping[str, Any]) -> Mapping[str, Any]:
    """What this kind of destination reads. DeliveryFailed for a document that must not leave the
    house."""
    destination = parts.program.destination(one.destination)
    if destination is None or destination.kind != DestinationKind.EIDO:
        return packet
    try:
        return sound_document(packet, issuer(parts, one.destination), one.at)
    except Unsound as problem:
        raise DeliveryFailed(f"eido_faults {problem.faults[0]}") from None


def _closed(parts: Parts, one: Delivery) -> None:
    """The packet does not open: what it told is told anew by a revision of the case as it stands,
    and this one waits for nobody. `hand-off replay` sends it when its key is back."""

    def anew(case: Case, _: Scene) -> Step:
        if case.revision != one.revision:
            return Step(case)
        return Step(*hand_off.revise(case, (HandOff("packet_lost"),)))

    change(parts, one.case_id, anew, Author.SYSTEM)
    with transaction(parts.engine) as conn:
        _dead(conn, parts, one, one.tries + 1, "cannot_open")


def _failed(parts: Parts, one: Delivery, code: str, wait: int = 0) -> None:
    """Try again later, after `wait` seconds where the destination asked for that; after the last
    try it is dead."""
    now, tries = parts.now(), one.tries + 1
    log.warning(
        "hand-off not received",
        extra={"destination": one.destination, "tries": tries, "fault": code},
    )
    with transaction(parts.engine) as conn:
        if again := next_try(PAUSES, tries, now, wait):
            hand_offs.later(conn, one.id, tries, again, code)
            return
        _dead(conn, parts, one, tries, code)


def _dead(conn: sa.Connection, parts: Parts, one: Delivery, tries: int, code: str) -> None:
    hand_offs.dead(conn, one.id, tries, code)
    about = _about(one) | {"fault": code}
    line = journal.Entry(
        parts.new_id(), parts.now(), one.case_id, Author.SYSTEM, "delivery_dead", about
    )
    journal.write(conn, [line])
    _wake_next(conn, parts, one)


def _wake_next(conn: sa.Connection, parts: Parts, one: Delivery) -> None:
    following = hand_offs.next_waiting(conn, one)
    if following is not None:
        job_id = f"deliver:{following.id}:after:{one.revision}:{one.tries}"
        parts.jobs.enqueue(conn, "deliver", job_id, following.id, queue_of(one.destination))


def _about(one: Delivery) -> dict[str, object]:
    return {"destination": one.destination, "revision": one.revision}


def replay(parts: Parts, delivery_id: str) -> bool:
    """Send a dead delivery again. False if there is none of that id, or it is not dead."""
    with transaction(parts.engine) as conn:
        return hand_offs.replay(conn, delivery_id, parts.now())
