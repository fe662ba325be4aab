"""HTTP requests with a limit on the total time and on the total bytes.

The timeouts of `requests` start again with each chunk that arrives, so a peer that sends a byte a
second holds a thread for ever; and a response has no size limit, so a peer that never stops fills
the memory. Here each request has one deadline and one byte budget for everything (connect, TLS,
send, headers, body). They are enforced at the socket, where nothing can bypass them. Only DNS
resolution has no limit of ours.
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

CONNECT = 3.0  # seconds to connect to one address
HEADS = 65_536  # bytes of a response besides its body: status lines, headers, chunk sizes
PIECE = 8192  # bytes of a body per read
GZIP = 31  # zlib's `wbits` for gzip
TICK = 0.05  # seconds by which a timeout may fire early
CONNECTIONS = 32  # kept alive per peer: as many as the worker has threads for it


class TooSlow(requests.Timeout):
    """The deadline of the whole request has passed."""


class TooLong(requests.RequestException):
    """The response is larger than a genuine one could be."""


class _Budget:
    """The time and bytes that one request has left."""

    def __init__(self, seconds: float, size: int) -> None:
        self._end = time.monotonic() + seconds
        self._size = self._left = size

    def fault(self) -> requests.RequestException | None:
        """The limit that the request exceeded: TooLong; TooSlow if something was received, else
        Timeout; None if it exceeded none."""
        if self._left < 0:
            return TooLong("the whole answer")
        if time.monotonic() < self._end - TICK:
            return None
        return TooSlow("the answer") if self._left < self._size else requests.Timeout("no answer")

    def seconds(self) -> float:
        """The seconds that are left. Raises TimeoutError if there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the whole request")
        return left

    def received(self, size: int) -> None:
        """Count received bytes. Raises OSError beyond the limit."""
        self._left -= size
        if self._left < 0:
            raise OSError("the answer is too long")


# its warnings about a response quote the URL, which may hold a secret
logging.getLogger("urllib3").setLevel(logging.ERROR)
# of this thread's current request; a kept-alive connection gets the budget of each request in turn
_budget: ContextVar[_Budget] = ContextVar("budget")


class _BoundedSocket:
    """Wraps a socket so that each operation ends by the request's deadline. Everything else is
    passed on."""

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
        """The file from which responses are read."""
        self._real._io_refs += 1
        return io.BufferedReader(socket.SocketIO(self, "r"))  # type: ignore[arg-type]


def _reach(host: str, port: int, options: Any) -> socket.socket:
    """Connect to the first address that accepts, within the request's deadline."""
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
    """A response before which every interim response (100, 102, 103) is skipped, not only 100."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            parse_headers(self.fp)


def _new_conn(connection: HTTPConnection) -> socket.socket:
    """Opens a connection within the request's deadline."""
    try:
        reached = _reach(connection._dns_host, connection.port, connection.socket_options)
        reached.settimeout(_budget.get().seconds())  # for the TLS handshake
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
    """Sends a request and reads its response, within `seconds` and with at most `size` bytes of
    body. Raises TooLong for a larger response, without reading on, and TooSlow for one that takes
    longer. `whole = False`: the headers are enough, even if the body fails."""

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
        """As HTTPAdapter.send, with our timeouts. Returns after the response is read; redirects are
        not followed."""
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
        """Read the body, so that the connection can be reused; if that fails, close it."""
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
        """Decompress a body in place, up to the limit."""
        try:
            body[:] = zlib.decompressobj(GZIP).decompress(body, self._size + 1)
        except zlib.error:
            return requests.ConnectionError("packed wrongly")
        return TooLong("the body, unpacked") if len(body) > self._size else None


def bounded_session(seconds: float, size: int, whole: bool = True) -> requests.Session:
    """A session with a BoundedAdapter, for one peer and any number of threads. It keeps connections
    alive but stores no cookies."""
    return bound(requests.Session(), seconds, size, whole)


def bound(
    session: requests.Session, seconds: float, size: int, whole: bool = True
) -> requests.Session:
    """Apply these limits to an existing session."""
    for scheme in ("https://", "http://"):
        session.mount(scheme, BoundedAdapter(seconds, size, whole))
    session.headers["Accept-Encoding"] = "gzip"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return session
