"""HTTP requests that end: a limit on the time and on the bytes of one whole request.

The time-outs of `requests` begin anew with each piece that arrives: a peer that sends a byte a
second holds a thread for ever. And what it reads has no limit: a peer that sends without end fills
the memory. Here each request has one deadline and one budget of bytes for all of it (connect, TLS,
send, heads, body), kept where they cannot be got around: at the socket. A name that nobody resolves
is the resolver's to give up.
"""

from __future__ import annotations

import io
import logging
import socket
import time
import zlib
from contextvars import ContextVar
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, parse_headers
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

CONNECT = 3.0  # seconds at most to one address
HEADS = 65_536  # bytes of an answer beside its body: status lines, headers, the sizes of chunks
PIECE = 8192  # bytes of a body read at once
GZIP = 31  # zlib's word for it
TICK = 0.05  # seconds by which a time-out may come too early
CONNECTIONS = 32  # kept open to one peer, as many as the worker has threads for it


class TooSlow(requests.Timeout):
    """The time for the whole request is over."""


class TooLong(requests.RequestException):
    """The answer is longer than an honest one."""


class _Budget:
    """What one request may still take."""

    def __init__(self, seconds: float, size: int) -> None:
        self._end = time.monotonic() + seconds
        self._size = self._left = size

    def fault(self) -> requests.RequestException | None:
        """Which limit the request met: TooLong; TooSlow after something was received, a Timeout if
        nothing was; None if it met none."""
        if self._left < 0:
            return TooLong("the whole answer")
        if time.monotonic() < self._end - TICK:
            return None
        return TooSlow("the answer") if self._left < self._size else requests.Timeout("no answer")

    def seconds(self) -> float:
        """What is left of its time. TimeoutError if nothing is."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the whole request")
        return left

    def received(self, size: int) -> None:
        """OSError for more than it may be."""
        self._left -= size
        if self._left < 0:
            raise OSError("the answer is too long")


# what it finds wrong in an answer it writes with the address, which may hold a secret
logging.getLogger("urllib3").setLevel(logging.ERROR)
# of the request this thread makes: a connection is kept for the next, with a budget of its own
_budget: ContextVar[_Budget] = ContextVar("budget")


class _BoundedSocket:
    """A socket each of whose operations ends with the request's time. All else is the socket's."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def recv_into(self, buffer: Any, *args: Any) -> int:
        budget = _budget.get()
        self._real.settimeout(budget.seconds())
        received = int(self._real.recv_into(buffer, *args))
        budget.received(received)
        return received

    def sendall(self, data: Any) -> None:
        left = memoryview(data).cast("B")
        while left:
            self._real.settimeout(_budget.get().seconds())
            left = left[self._real.send(left) :]

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """What answers are read from."""
        self._real._io_refs += 1
        return io.BufferedReader(socket.SocketIO(self, "r"))  # type: ignore[arg-type]


def _reach(host: str, port: int, options: Any) -> socket.socket:
    """Connect to the first address that answers, all of them within the request's time."""
    budget, problem = _budget.get(), OSError("no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        reached = socket.socket(family, kind, protocol)
        try:
            for option in options or ():
                reached.setsockopt(*option)
            reached.settimeout(min(CONNECT, budget.seconds()))
            reached.connect(address)
        except OSError as fault:
            reached.close()
            problem = fault
        else:
            return reached
    raise problem


class _Answer(HTTPResponse):
    """An answer whose interim ones (100, 102, 103) are read over, not 100 alone."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            parse_headers(self.fp)


def _new_conn(connection: HTTPConnection) -> socket.socket:
    """How a connection is made: within the request's time."""
    try:
        reached = _reach(connection._dns_host, connection.port, connection.socket_options)
        reached.settimeout(_budget.get().seconds())  # for TLS
    except TimeoutError:
        raise ConnectTimeoutError(connection, "no connection") from None
    except (OSError, UnicodeError):
        raise NewConnectionError(connection, "no connection") from None
    return reached


def _bounded(real: Any) -> Any:
    return _BoundedSocket(real)


class _Connection(HTTPConnection):
    response_class = _Answer
    _new_conn = _new_conn

    def connect(self) -> None:
        super().connect()
        self.sock = _bounded(self.sock)


class _TLSConnection(HTTPSConnection):
    response_class = _Answer
    _new_conn = _new_conn

    def connect(self) -> None:
        super().connect()
        self.sock = _bounded(self.sock)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


_POOLS = {"http": _Pool, "https": _TLSPool}


class BoundedAdapter(HTTPAdapter):
    """Sends a request and reads its answer, in `seconds` and with `size` bytes of body at most.
    What is longer is read no further, and raises TooLong; what takes longer raises TooSlow.
    `whole = False`: an answer whose head has come is an answer, however its body goes on."""

    def __init__(self, seconds: float, size: int, whole: bool = True) -> None:
        self._seconds, self._size, self._whole = seconds, size, whole
        super().__init__(pool_maxsize=CONNECTIONS)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request: requests.PreparedRequest, *_: Any, **asked: Any) -> requests.Response:
        """As HTTPAdapter.send; the time-outs are ours. The answer has been read when it returns,
        and where it sends us on to is not followed."""
        budget = _Budget(self._seconds, self._size + HEADS)
        mine = _budget.set(budget)
        try:
            answer = super().send(
                request,
                stream=True,
                timeout=self._seconds,
                verify=asked.get("verify", True),
                cert=asked.get("cert"),
                proxies=asked.get("proxies"),
            )
            self._read(answer, budget)
        except requests.ConnectTimeout:
            raise
        except requests.RequestException:
            if fault := budget.fault():
                raise fault from None
            raise
        finally:
            _budget.reset(mine)
        answer.headers.pop("Location", None)
        return answer

    def _read(self, answer: requests.Response, budget: _Budget) -> None:
        """Read the body, so that the connection can be used again; else close it."""
        body = bytearray()
        fault: requests.RequestException | None = None
        try:
            while piece := answer.raw.read(PIECE, decode_content=False):
                body += piece
                if len(body) > self._size:
                    fault = TooLong("the body")
                    break
        except (HTTPError, HTTPException, OSError, ValueError):
            fault = budget.fault() or requests.ConnectionError("the body was cut off")
        if fault is not None:
            answer.raw.close()
            if self._whole:
                raise fault
        if fault is None and answer.headers.get("Content-Encoding", "").lower() == "gzip":
            fault = self._unpack(body)
            if fault is not None and self._whole:
                raise fault
        answer._content = bytes(body[: self._size])

    def _unpack(self, body: bytearray) -> requests.RequestException | None:
        """Unpack a body where it is, as far as it may go."""
        try:
            body[:] = zlib.decompressobj(GZIP).decompress(body, self._size + 1)
        except zlib.error:
            return requests.ConnectionError("packed wrongly")
        return TooLong("the body, unpacked") if len(body) > self._size else None


def bounded_session(seconds: float, size: int, whole: bool = True) -> requests.Session:
    """A session of BoundedAdapter, for one peer and any number of threads. It keeps connections,
    and of what the peer wants kept nothing."""
    return bound(requests.Session(), seconds, size, whole)


def bound(
    session: requests.Session, seconds: float, size: int, whole: bool = True
) -> requests.Session:
    """Put these limits on a session that there is already."""
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter(seconds, size, whole))
    session.headers["Accept-Encoding"] = "gzip"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return session
