"""Rate limit on failed sign-ins and codes: each source is slowed down by itself, across all
processes, and nobody is locked out for good.

An endpoint asks before it checks a secret, and reports the result:

    attempt = failure_limit().attempt("status_code", source(request.remote_addr), pace=TYPED)
    if attempt.wait:
        return too_many(attempt.wait)  # 429 with Retry-After; what was sent was not looked at
    found = look_up(code)
    attempt.succeeded() if found else attempt.failed()

`purpose`: which endpoint; failures at one do not slow the others. `account`: the account that is
tried, if there is one; it is counted beside the source, so that a thousand sources do not get a
thousand times the attempts. `known`: proof of an earlier success, such as the hash of a token, or
of a cookie from the browser's last sign-in. A request that shows it from the same source within
twelve hours is not slowed by the failures of others. An account's name is no proof: anybody can
type it.

A source that never failed costs one index lookup; `known` costs nothing while this process
remembers it. Writes happen only at a failure, and at the first success in twelve hours with
`known`. Once a source has failed, its next attempt is counted as a failure in advance, and taken
back if it succeeds. So a hundred attempts at the same moment count as a hundred failures.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa
from flask import current_app

from caller_service.casework.parts import Parts
from caller_service.core.failure_pace import Failures, Pace
from caller_service.store import failures

from .guard import parts

log = logging.getLogger(__name__)

TOKENS = Pace()  # for random secrets: they cannot be guessed, and a client may be misconfigured
# for what people type: five attempts, then ever slower, down to one in a quarter of an hour
TYPED = Pace(free=5, pause=6.0, growth=2.0, most=900.0, forgiven=1800.0)
# for an account, from all sources together: no slower, or its owner could never sign in
ACCOUNTS = Pace(free=20)
KNOWN_FOR = timedelta(hours=12)  # since a secret from this source was last right
MOST = 10_000  # known secrets that a process caches


def source(address: str | None) -> str:
    """The source of a request: an IPv4 address, or a /64 network of IPv6, which one customer
    has."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def failure_limit() -> FailureLimit:
    """The limiter of this app; needs a request context."""
    return cast(FailureLimit, current_app.extensions["caller_failure_limit"])


class FailureLimit:
    """A leaky bucket of failures for each source and each account, in the database, shared by all
    processes of the service."""

    def __init__(self, parts: Callable[[], Parts] = parts) -> None:
        self._parts = parts
        self._known: OrderedDict[bytes, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def attempt(
        self, purpose: str, source: str, *, account: str = "", known: str = "", pace: Pace = TOKENS
    ) -> Attempt:
        """Begin an attempt; it says how long it must wait. Raises SQLAlchemyError if the database
        is unavailable."""
        one = self._parts()
        now, index = one.now(), one.sealer.index
        counted = {index(_what(purpose, "source", source)): pace}
        if account:
            counted[index(_what(purpose, "account", account))] = ACCOUNTS
        proof = index(_what(purpose, "known", source, known)) if known else b""
        attempt = Attempt(self, counted, proof)
        if proof and self._remembers(proof, now):
            return attempt
        with one.engine.connect() as conn:
            found = failures.find(conn, [*counted, proof] if proof else list(counted))
        shown = found.pop(proof, None)
        if shown is not None and timedelta(0) <= now - shown.at < KNOWN_FOR:
            self._remember(proof, shown.at)
        elif found:
            attempt.wait = one.writer.write(lambda conn: _in_advance(conn, counted, now))
            attempt.paid = not attempt.wait
        return attempt

    def failed(self, attempt: Attempt) -> None:
        one = self._parts()
        now = one.now()
        with self._lock:
            self._known.pop(attempt.known, None)
        one.writer.write(lambda conn: _failed(conn, attempt, now))

    def succeeded(self, attempt: Attempt) -> None:
        one = self._parts()
        now = one.now()
        fresh = bool(attempt.known) and not self._remembers(attempt.known, now)
        if not fresh and not attempt.paid:
            return
        try:
            one.writer.write(lambda conn: _succeeded(conn, attempt, now))
        except sa.exc.SQLAlchemyError as problem:  # the secret was right: go on
            log.warning("a success was not stored", extra={"fault": type(problem).__name__})
            return
        if attempt.known:
            self._remember(attempt.known, now)

    def _remembers(self, known: bytes, now: datetime) -> bool:
        with self._lock:
            at = self._known.get(known)
            return at is not None and timedelta(0) <= now - at < KNOWN_FOR

    def _remember(self, known: bytes, at: datetime) -> None:
        with self._lock:
            self._known[known] = at
            self._known.move_to_end(known)
            while len(self._known) > MOST:
                self._known.popitem(last=False)


class Attempt:
    """One attempt. `wait`: seconds until it may be made; 0: check the secret now, and report the
    result."""

    __slots__ = ("_limit", "counted", "known", "paid", "wait")

    def __init__(self, limit: FailureLimit, counted: Mapping[bytes, Pace], known: bytes) -> None:
        self._limit, self.counted, self.known = limit, counted, known
        self.wait = 0
        self.paid = False  # counted as failed in advance

    def __repr__(self) -> str:
        return f"Attempt(wait={self.wait})"

    def failed(self) -> None:
        """The secret was wrong. Raises SQLAlchemyError if that cannot be stored."""
        self._limit.failed(self)

    def succeeded(self) -> None:
        """The secret was right."""
        self._limit.succeeded(self)


def _what(purpose: str, *more: str) -> str:
    return "\x1f".join(("failure", purpose, *more))


def _in_advance(conn: sa.Connection, counted: Mapping[bytes, Pace], now: datetime) -> int:
    """Count an attempt as failed in advance; or return the seconds it must wait, without counting
    it."""
    held = failures.hold(conn, list(counted), now)
    for key, found in held.items():
        if found.at > now:  # the clock was set back: count from now, or failures would never expire
            held[key] = Failures(found.count, now)
            failures.keep(conn, key, held[key])
    if wait := max(found.wait(counted[key], now) for key, found in held.items()):
        return wait
    _count(conn, held, counted, now)
    return 0


def _failed(conn: sa.Connection, attempt: Attempt, now: datetime) -> None:
    if not attempt.paid:
        _count(conn, failures.hold(conn, list(attempt.counted), now), attempt.counted, now)
    if attempt.known:
        failures.drop(conn, attempt.known)


def _succeeded(conn: sa.Connection, attempt: Attempt, now: datetime) -> None:
    if attempt.paid:
        for key, found in failures.hold(conn, list(attempt.counted), now).items():
            failures.keep(conn, key, found.one_less())
    if attempt.known:
        failures.hold(conn, [attempt.known], now)
        failures.keep(conn, attempt.known, Failures(0.0, now))


def _count(
    conn: sa.Connection,
    held: Mapping[bytes, Failures],
    counted: Mapping[bytes, Pace],
    now: datetime,
) -> None:
    for key, found in held.items():
        failures.keep(conn, key, found.one_more(counted[key], now))
