"""The worker process: its jobs and periodic tasks, until it is stopped."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

from caller_service.casework.inbound import fetch_missed_texts
from caller_service.casework.once import forget_old
from caller_service.casework.outbound.call_person import call_person
from caller_service.casework.outbound.deliver import deliver
from caller_service.casework.outbound.redact_text import redact_text
from caller_service.casework.outbound.send_text import send_text
from caller_service.casework.parts import Parts
from caller_service.casework.resident_call import ask_after
from caller_service.casework.timers import set_back, sweep
from caller_service.core.clock import SKEW
from caller_service.jobs.queue import PEOPLE, TEXTS, queue_of
from caller_service.jobs.worker import work
from caller_service.store import keys, messages
from caller_service.store.database.transaction import transaction

from . import SWITCH

CATCH_UP = 60  # seconds between fetches of missed texts


def run_worker(
    parts: Parts,
    name: str,
    stop: threading.Event | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Work until a signal (or `stop`). Every job is registered here."""
    # a timer that fires beside many busy jobs must not wait for each of them at every statement
    sys.setswitchinterval(SWITCH)
    stop = stop or threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    jobs: dict[str, Callable[[str, str], object]] = {
        "deliver": partial(deliver, parts),
        "send_text": partial(send_text, parts),
        "call_person": partial(call_person, parts),
        "ask_after": partial(ask_after, parts),
        "redact_text": partial(redact_text, parts),
        "catch_up": partial(fetch_missed_texts, parts),
    }
    queues = [
        TEXTS,
        PEOPLE,
        *(queue_of(one.name) for one in parts.program.destinations if one.posted),
    ]
    work(parts.engine, name, jobs, queues, PeriodicTasks(parts), stop, ready)


class PeriodicTasks:
    """What the worker does about twice a second. Once a minute it also fetches texts missed during
    an outage, and deletes old rows such as idempotency keys."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._minute = 0
        self._latest: datetime | None = None
        # how often the clock was set back: part of a job's id, as a minute may then come twice
        self._steps = 0

    def __call__(self) -> None:
        now = self._parts.now()
        if self._latest is None:
            with self._parts.engine.connect() as conn:
                self._latest = messages.latest(conn) or now
        if now < self._latest - SKEW:
            set_back(self._parts)
            self._minute, self._steps = 0, self._steps + 1
        self._latest = now
        sweep(self._parts)
        minute = int(now.timestamp()) // CATCH_UP
        if minute != self._minute:
            with transaction(self._parts.engine) as conn:
                keys.note(conn, self._parts.sealer, now)
                self._parts.jobs.enqueue(conn, "catch_up", f"catch_up:{minute}.{self._steps}", "")
                forget_old(conn, self._parts)
            self._minute = minute
