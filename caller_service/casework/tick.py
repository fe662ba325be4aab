"""The sweep: cases whose clock rings, deliveries and texts whose time to try again has come.

Any number of workers may sweep at once: a case is decided by compare-and-swap, a job has one id for one due time.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from caller_service.core import clock
from caller_service.store import calls, cases, hand_offs, messages
from caller_service.store.hand_offs import Delivery

from .carry_out import HOLD
from .change import change
from .parts import Parts, transaction

log = logging.getLogger(__name__)
BATCH = 500
ROOM = 16  # hand-offs to one destination that may be under way before more are tried again: in small portions, a turn hardly waits
RINGERS = 4  # cases decided at once: each waits mostly for the database, and beside many jobs for Python's one lock


def sweep(parts: Parts) -> int:
    """Do what is due now; returns how many things were."""
    now = parts.now()
    with parts.engine.connect() as conn:
        due_cases = cases.due(conn, now, BATCH)
        deliveries = _deliveries(conn, parts, now)
        texts = messages.due(conn, now, BATCH)
        rings = calls.due(conn, now, BATCH)
    if due_cases:
        with ThreadPoolExecutor(min(RINGERS, len(due_cases))) as pool:
            list(pool.map(lambda case_id: _ring(parts, case_id, now), due_cases))
    if deliveries or texts or rings:
        with transaction(parts) as conn:
            for one in deliveries:
                hand_offs.hold(conn, one.id, now + HOLD)
                parts.jobs.enqueue(conn, "deliver", f"deliver:{one.id}:{_stamp(one.next_at)}", one.id, queue=f"deliver.{one.destination}")
            for message_id, next_at in texts:
                messages.hold(conn, message_id, now + HOLD)
                parts.jobs.enqueue(conn, "send_text", f"send:{message_id}:{_stamp(next_at)}", message_id)
            for call_id, next_at in rings:
                calls.hold(conn, call_id, now + HOLD)
                parts.jobs.enqueue(conn, "call_person", f"call:{call_id}:{_stamp(next_at)}", call_id)
    return len(due_cases) + len(deliveries) + len(texts) + len(rings)


def _deliveries(conn: sa.Connection, parts: Parts, now: datetime) -> list[Delivery]:
    """What is to be tried again, each destination by itself. One that is down takes no other's place; what it will not take
    now waits with us, once, not over and over as jobs that would stand before the next hand-off when it is well."""
    found: list[Delivery] = []
    for one in parts.program.destinations:
        if due := hand_offs.due(conn, now, ROOM, one.name):
            found += due[: ROOM - parts.jobs.under_way(conn, f"deliver.{one.name}", ROOM)]
    return found


def set_back(parts: Parts) -> None:
    """The clock was set back: open cases are told, and what waits is tried now, so that nobody waits for an hour to come
    round again. Any number of workers may do it at once."""
    now = parts.now()
    with parts.engine.connect() as conn:
        open_cases = cases.open_ids(conn)
    for case_id in open_cases:
        change(parts, case_id, lambda case, _: clock.set_back(case, now), "clock")
    with transaction(parts) as conn:
        hand_offs.try_now(conn, now)
        messages.try_now(conn, now)


def _ring(parts: Parts, case_id: str, now: datetime) -> None:
    """One case's clocks. A case that cannot be decided is said in the log and looked at again: it stops no other."""
    try:
        change(parts, case_id, clock.tick, "clock")
    except SQLAlchemyError:  # the database, not the case
        raise
    except Exception as problem:
        log.error("case cannot be decided", extra={"case": case_id, "fault": type(problem).__name__})
        with transaction(parts) as conn:
            cases.postpone(conn, case_id, now + HOLD)


def _stamp(at: datetime | None) -> int:
    return int(at.timestamp() * 1000) if at else 0
