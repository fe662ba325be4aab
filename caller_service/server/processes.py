"""Run the web door (gunicorn, threads) and the worker, each as one process until told to stop."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from caller_service.casework.inbound import catch_up
from caller_service.casework.outbound.call_person import call_person
from caller_service.casework.outbound.deliver import deliver
from caller_service.casework.outbound.send_text import send_text
from caller_service.casework.parts import Parts
from caller_service.casework.timers import set_back, sweep
from caller_service.core.clock import SKEW
from caller_service.jobs.queue import PEOPLE, TEXTS, queue_of
from caller_service.jobs.worker import work
from caller_service.store import messages
from caller_service.store.database.transaction import transaction

from .waitress_worker import WaitressWorker

log = logging.getLogger(__name__)

# A thread that comes back from the database must not wait Python's usual 5 ms for its turn while it holds the write lock.
SWITCH = 0.0005
CATCH_UP = 60  # seconds between looks at the provider's list
LOG = "%(asctime)s %(levelname)s %(name)s %(message)s"


class PlainFormatter(logging.Formatter):
    """Message and our own references; never a traceback, whose values could be somebody's words."""

    SHOWN = ("job", "fault", "door", "destination", "tries", "message_id", "call_id", "case")

    def format(self, record: logging.LogRecord) -> str:
        record.exc_info = record.exc_text = record.stack_info = None
        told = " ".join(f"{name}={getattr(record, name)}" for name in self.SHOWN if getattr(record, name, None) not in (None, ""))
        return f"{super().format(record)} {told}".rstrip()


def log_plainly() -> None:
    """References only, to standard error."""
    stream = logging.StreamHandler()
    stream.setFormatter(PlainFormatter(LOG))
    root = logging.getLogger()
    root.handlers[:] = [stream]
    root.setLevel(logging.INFO)
    for loud in ("alembic", "dbos", "werkzeug", "urllib3", "twilio", "sqlalchemy"):
        logging.getLogger(loud).setLevel(logging.ERROR)
    logging.getLogger("waitress").setLevel(logging.CRITICAL)  # it names paths, which may hold a secret


class Web(BaseApplication):
    """gunicorn, told by us: our worker, no access log (a path may hold a secret), no control socket."""

    def __init__(self, app: Callable[[], Flask], bind: str, workers: int, threads: int, worker_class: Any = WaitressWorker) -> None:
        self._app = app
        self._options = {
            "bind": bind,
            "workers": workers,
            "threads": threads,
            "worker_class": worker_class,
            "accesslog": None,
            "errorlog": "-",
            "loglevel": "warning",
            "timeout": 30,
            "graceful_timeout": 5,
            "preload_app": False,
            "reuse_port": workers > 1,  # each process its own queue of connections: none takes them all
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        log_plainly()
        sys.setswitchinterval(SWITCH)
        return self._app()


def run_worker(parts: Parts, name: str, stop: threading.Event | None = None, ready: Callable[[], None] = lambda: None) -> None:
    """Work until a signal (or `stop`). The jobs the engine knows are named here, once."""
    sys.setswitchinterval(SWITCH)  # a clock that rings beside many jobs must not wait for each of them at every statement
    stop = stop or threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    jobs: dict[str, Callable[[str, str], object]] = {
        "deliver": partial(deliver, parts),
        "send_text": partial(send_text, parts),
        "call_person": partial(call_person, parts),
        "catch_up": partial(catch_up, parts),
    }
    queues = [TEXTS, PEOPLE, *(queue_of(one.name) for one in parts.program.destinations if one.posted)]
    work(parts.engine, name, jobs, queues, Rounds(parts), stop, ready)


class Rounds:
    """What the worker does about twice a second; once a minute the texts missed during an outage are fetched."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._minute = 0
        self._latest: datetime | None = None
        self._steps = 0  # how often the clock was set back: a minute that comes twice is two minutes

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
                self._parts.jobs.enqueue(conn, "catch_up", f"catch_up:{minute}.{self._steps}", "")
            self._minute = minute
