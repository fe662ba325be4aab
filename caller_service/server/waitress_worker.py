"""The web process: a gunicorn worker in which waitress handles the requests.

gunicorn starts, monitors and replaces the processes. Inside each, waitress buffers every request
until it is complete before a thread gets it, and every response until the client has read it. So a
silent or slow client costs one connection and never a thread. With gunicorn's own threads, forty
such clients blocked the service (docs/performance.md).
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

REQUEST_TIME = 10.0  # seconds from the last response, or from the first byte, to a complete request
ANSWER_TIME = 60.0  # seconds that a client may take to read a response
CONNECTIONS = 2000  # open at once in each process; further clients wait in the kernel's queue
LARGEST_BODY = 1_000_000  # bytes; more is refused with 413
LARGEST_HEAD = 65_536  # bytes; more is refused with 431
# bytes; beyond this waitress would use a temporary file, and nobody's words may be written to one
IN_MEMORY = 64_000_000
LOOK = 0.5  # seconds between checks for slow clients, and for a signal to stop


class Refused(ErrorTask):
    """The response to a malformed request. waitress would quote what was wrong, which may be
    somebody's words."""

    def execute(self) -> None:
        fault = self.request.error
        refused("request not read", type(fault).__name__)
        fault.body = ""
        self.response_headers.extend(HEADERS.items())
        super().execute()


class BoundedChannel(HTTPChannel):
    """A connection with a deadline for the whole request and for the whole response, however slowly
    the bytes come."""

    error_task_class = Refused

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._idle_since = time.monotonic()  # when it connected, or the last response was ready
        self._begun: float | None = None  # when the first byte of an incomplete request came
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
        """Called before every poll, by the thread that closes connections; ends those that are too
        slow."""
        if not self.requests and self._is_late(time.monotonic()):
            self.handle_close()
            return False
        return bool(super().readable())

    def _is_late(self, now: float) -> bool:
        if self.total_outbufs_len:
            return now > self._idle_since + ANSWER_TIME
        # A client can restart a request with empty lines: one that is not complete twice
        # REQUEST_TIME after the last response is cut off.
        since = (
            self._idle_since
            if self._begun is None
            else min(self._begun, self._idle_since + REQUEST_TIME)
        )
        return now > since + REQUEST_TIME


class WaitressWorker(Worker):
    """The gunicorn side: start, heartbeat, stop. Handles `cfg.threads` requests at once."""

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
        listeners = list(channels.values())
        for listener in listeners:
            listener.channel_class = BoundedChannel
        while self.alive and self.ppid == os.getppid():
            self.notify()
            wasyncore.loop(timeout=LOOK, use_poll=True, map=channels, count=1)
        self._finish(server, listeners, channels)

    def _finish(self, server: Any, listeners: list[Any], channels: dict[int, Any]) -> None:
        """Accept no more connections; finish the open requests for as long as gunicorn waits."""
        for listener in listeners:
            if getattr(listener, "accepting", False):
                listener.accepting = False
        end = time.monotonic() + self.cfg.graceful_timeout
        while time.monotonic() < end and any(_owes(each) for each in channels.values()):
            self.notify()
            wasyncore.loop(timeout=0.05, use_poll=True, map=channels, count=1)
        server.task_dispatcher.shutdown(timeout=0.1)


def _owes(channel: Any) -> bool:
    """Is a request of this client in progress, or its response not fully sent?"""
    return isinstance(channel, HTTPChannel) and bool(channel.requests or channel.total_outbufs_len)


def _open_files(needed: int) -> None:
    """Raise the limit of open files as far as allowed: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
