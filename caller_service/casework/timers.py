"""The sweep: cases whose clock rings, deliveries and texts whose time to try again has come.

Any number of workers may sweep at once: a case is decided by compare-and-swap, a job has one id for
one due time.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from caller_service.core import clock
from caller_service.jobs.queue import PEOPLE, TEXTS, queue_of
from caller_service.store import calls, cases, erasure, hand_offs, messages
from caller_service.store.database.transaction import reading, transaction
from caller_service.store.journal import Author

from .callbacks import keep_promises
from .carry_out import HOLD
from .change import Decide, change
from .page_visit import watch
from .parts import Parts
from .resident_call import look_after
from .retention import forget

log = logging.getLogger(__name__)
BATCH = 500  # cases decided in one sweep
# jobs of one queue under way, beyond which a sweep adds none: what waits already is not asked for
# again
QUEUE_LIMIT = 32
REDACTIONS = 4  # texts redacted at the provider in one sweep: nobody waits for them
# cases decided at once: each waits mostly for the database, and beside many jobs for Python's one
# lock
TIMER_THREADS = 4


def sweep(parts: Parts) -> int:
    """Do what is due now; returns how many things were."""
    now = parts.now()
    with reading(parts.engine) as conn:
        due_cases = cases.due(conn, now, BATCH)
    if due_cases:
        with ThreadPoolExecutor(min(TIMER_THREADS, len(due_cases))) as pool:
            list(pool.map(lambda case_id: _fire(parts, case_id, now), due_cases))
    looked_after = keep_promises(parts) + look_after(parts) + watch(parts)
    tried = _try_again(parts, parts.now())
    return len(due_cases) + looked_after + tried + forget(parts)


def _try_again(parts: Parts, now: datetime) -> int:
    """Jobs for what waits to be delivered, sent or called, as many as the queue of each has room
    for.

    A worker that is behind has those jobs already: asked for again every `HOLD`, they would be more
    each time.
    """
    with reading(parts.engine) as conn:
        waiting: list[_Waiting] = []
        for queue, staff in ((PEOPLE, True), (TEXTS, False)):
            waiting += [
                _Waiting("send_text", "send", messages.hold, queue, *one)
                for one in messages.due(conn, now, staff, QUEUE_LIMIT)
            ]
            waiting += [
                _Waiting("call_person", "call", calls.hold, queue, *one)
                for one in calls.due(conn, now, staff, QUEUE_LIMIT)
            ]
        waiting += [
            _Waiting("redact_text", "redact", erasure.redact_next, TEXTS, *one)
            for one in erasure.to_redact(conn, now, REDACTIONS)
        ]
        for queue, name in (
            (queue_of(one.name), one.name) for one in parts.program.destinations if one.posted
        ):
            waiting += [
                _Waiting("deliver", "deliver", hand_offs.hold, queue, *one)
                for one in hand_offs.due(conn, now, name, QUEUE_LIMIT)
            ]
        waiting = _with_room(conn, parts, waiting)
    if waiting:
        with transaction(parts.engine) as conn:
            for one in waiting:
                if one.hold(conn, one.id, one.since, now + HOLD):
                    parts.jobs.enqueue(
                        conn,
                        one.job,
                        f"{one.short}:{one.id}:{int(one.since.timestamp() * 1000)}",
                        one.id,
                        one.queue,
                    )
    return len(waiting)


def _with_room(conn: sa.Connection, parts: Parts, waiting: list[_Waiting]) -> list[_Waiting]:
    """Of each kind of job no more than its queue has room for; the order stays. A queue is only
    counted when something waits for it: most sweeps find nothing."""
    room = {
        queue: QUEUE_LIMIT - parts.jobs.under_way(conn, queue, QUEUE_LIMIT)
        for queue in {one.queue for one in waiting}
    }
    taken: Counter[tuple[str, str]] = Counter()
    fitting = []
    for one in waiting:
        taken[one.queue, one.job] += 1
        if taken[one.queue, one.job] <= room[one.queue]:
            fitting.append(one)
    return fitting


class _Waiting(NamedTuple):
    """Something whose time has come: the job that does it, and how that is said of its row."""

    job: str
    short: str
    hold: Callable[[sa.Connection, str, datetime, datetime], bool]
    queue: str
    id: str
    since: datetime


def set_back(parts: Parts) -> None:
    """The clock was set back: open cases are told, and what waits is tried now, so that nobody
    waits for an hour to come round again. Any number of workers may do it at once."""
    now = parts.now()
    with reading(parts.engine) as conn:
        open_cases = cases.open_ids(conn)
    for case_id in open_cases:
        _decide(parts, case_id, lambda case, _: clock.set_back(case, now), now)
    with transaction(parts.engine) as conn:
        hand_offs.try_now(conn, now)
        messages.try_now(conn, now)


def _fire(parts: Parts, case_id: str, now: datetime) -> None:
    """One case's clocks. A case that cannot be decided is said in the log and looked at again: it
    stops no other."""
    _decide(parts, case_id, clock.tick, now)


def _decide(parts: Parts, case_id: str, decide: Decide, now: datetime) -> None:
    try:
        change(parts, case_id, decide, Author.CLOCK)
    except SQLAlchemyError:  # the database, not the case
        raise
    except Exception as problem:
        log.error(
            "case cannot be decided", extra={"case": case_id, "fault": type(problem).__name__}
        )
        with transaction(parts.engine) as conn:
            cases.postpone(conn, case_id, now + HOLD)
