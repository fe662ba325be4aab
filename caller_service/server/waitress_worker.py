"""The web process: a gunicorn worker whose requests are read and answered by waitress.

gunicorn starts, watches and replaces the processes. Inside each, waitress reads every request whole
before a thread gets it, and keeps every answer until the client has taken it. So a client that is
silent, or drips, costs a place in a table and never a thread: with gunicorn's own threads, forty
such clients silenced the service (docs/performance.md).
"""

from __future__ import annotations

import os
import resource
import time
from typing import Any

from gunicorn.workers.base import Worker
from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from caller_service.web.shared.problem import HEADERS
from caller_service.web.shared.refusals import refused

REQUEST_TIME = 10.0  # seconds from the last answer, or from the first byte, to a whole request
ANSWER_TIME = 60.0  # seconds a client may take over an answer
CONNECTIONS = 2000  # at once and a process; further clients wait in the kernel's queue
LARGEST_BODY = 1_000_000  # bytes; more is refused with 413
LARGEST_HEAD = 65_536  # bytes; more is refused with 431
# bytes: beyond this waitress uses a temporary file, and words must never reach one
IN_MEMORY = 64_000_000
LOOK = 0.5  # seconds between looks at clients that are too slow, and at whether we are told to stop


class Refused(ErrorTask):
    """Answers what could not be read as a request. waitress would say what was wrong with it:
    somebody's words, perhaps."""

    def execute(self) -> None:
        fault = self.request.error
        refused("request not read", type(fault).__name__)
        fault.body = ""
        self.response_headers.extend(HEADERS.items())
        super().execute()


class BoundedChannel(HTTPChannel):
    """A connection whose client has so long for a request, and for taking the answer, however it
    spreads its bytes."""

    error_task_class = Refused

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._idle_since = time.monotonic()  # connected, or the last answer was ready
        self._begun: float | None = None  # the first byte of a request that is not whole yet
        super().__init__(*args, **kwargs)

    def received(self, data: bytes) -> bool:
        began = self._begun or time.monotonic()
        read: bool = super().received(data)
        self._begun = began if self.request is not None else None
        return read

    def service(self) -> None:
        super().service()
        self._idle_since = time.monotonic()

    def readable(self) -> bool:
        """Asked before every wait for clients, by the thread that closes connections: here the slow
        ones end."""
        if not self.requests and self._is_late(time.monotonic()):
            self.handle_close()
            return False
        return bool(super().readable())

    def _is_late(self, now: float) -> bool:
        if self.total_outbufs_len:
            return now > self._idle_since + ANSWER_TIME
        # Empty lines may begin a request again and again: what is not whole twice REQUEST_TIME
        # after the last answer never is.
        since = (
            self._idle_since
            if self._begun is None
            else min(self._begun, self._idle_since + REQUEST_TIME)
        )
        return now > since + REQUEST_TIME


class WaitressWorker(Worker):
    """gunicorn's part: start, beat, stop. `cfg.threads` requests are answered at once."""

    def run(self) -> None:
        _open_files(CONNECTIONS + 100)
        channels: dict[int, Any] = {}
        server = create_server(
            self.wsgi,
            map=channels,
            sockets=[each.sock for each in self.sockets],
            threads=self.cfg.threads,
            connection_limit=CONNECTIONS,
            channel_timeout=int(ANSWER_TIME),  # BoundedChannel is stricter
            max_request_body_size=LARGEST_BODY,
            max_request_header_size=LARGEST_HEAD,
            inbuf_overflow=IN_MEMORY,
            outbuf_overflow=IN_MEMORY,
            asyncore_use_poll=True,
            clear_untrusted_proxy_headers=False,  # ProxyFix decides (app.py)
            expose_tracebacks=False,
            log_socket_errors=False,
            ident=None,
        )
        doors = list(channels.values())
        for door in doors:
            door.channel_class = BoundedChannel
        while self.alive and self.ppid == os.getppid():
            self.notify()
            wasyncore.loop(timeout=LOOK, use_poll=True, map=channels, count=1)
        self._finish(server, doors, channels)

    def _finish(self, server: Any, doors: list[Any], channels: dict[int, Any]) -> None:
        """Take no more; whoever has asked is answered, for as long as gunicorn waits for us."""
        for door in doors:
            if getattr(door, "accepting", False):
                door.accepting = False
        end = time.monotonic() + self.cfg.graceful_timeout
        while time.monotonic() < end and any(_owes(each) for each in channels.values()):
            self.notify()
            wasyncore.loop(timeout=0.05, use_poll=True, map=channels, count=1)
        server.task_dispatcher.shutdown(timeout=0.1)


def _owes(channel: Any) -> bool:
    """Is a request of this client's being answered, or its answer not taken yet?"""
    return isinstance(channel, HTTPChannel) and bool(channel.requests or channel.total_outbufs_len)


def _open_files(needed: int) -> None:
    """Each connection is an open file: ask for as many as we may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
