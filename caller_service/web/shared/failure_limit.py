"""Whoever fails to sign in, or to type a code, again and again is slowed down: each source by
itself, over all processes, and nobody for good.

A door asks before it looks at what was sent, and says how it ended:

    attempt = failure_limit().attempt("status_code", source(request.remote_addr), pace=TYPED)
    if attempt.wait:
        return too_many(attempt.wait)  # 429 with Retry-After; what was sent was not looked at
    found = look_up(code)
    attempt.succeeded() if found else attempt.failed()

`purpose`: which door; what fails at one slows none of the others. `account`: whose account is
tried, where there is one; it is counted beside the source, so that a thousand sources have no
thousand times the tries.
`known`: what only somebody has who was right here before, such as the hash of a token, or of a
cookie that a browser was given at its last sign-in. Whoever shows it from the same source within
twelve hours is not held up by others who fail. An account's name is no such thing: everybody can
write it.

A source that never failed costs one look at an index; `known` costs nothing while this process
remembers it. Only a failure writes, and the first success in twelve hours with `known`. A source
that did fail pays for the next try in advance, so that a hundred tries at the same moment are a
hundred failures: one that succeeds is given back.
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

TOKENS = Pace()  # for secrets drawn at random: nobody guesses them, and a client may be mistaken
# for what people type: five tries, then slower and slower, to one in a quarter of an hour
TYPED = Pace(free=5, pause=6.0, growth=2.0, most=900.0, forgiven=1800.0)
# an account, from everywhere together: no slower, or its owner would never come through
ACCOUNTS = Pace(free=20)
KNOWN_FOR = timedelta(hours=12)  # since a secret was last right from a source
MOST = 10_000  # known secrets that a process remembers


def source(address: str | None) -> str:
    """Who is counted as one: an IPv4 address, or an IPv6 network of 64 bits, which one customer
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
    """The limit of this app, inside a request."""
    return cast(FailureLimit, current_app.extensions["caller_failure_limit"])


class FailureLimit:
    """A leaky bucket of failures for each source and each account, in the database, which the
    processes of one service share."""

    def __init__(self, parts: Callable[[], Parts] = parts) -> None:
        self._parts = parts
        self._known: OrderedDict[bytes, datetime] = OrderedDict()
        self._lock = threading.Lock()

    def attempt(
        self, purpose: str, source: str, *, account: str = "", known: str = "", pace: Pace = TOKENS
    ) -> Attempt:
        """One try, and how long it must wait. Raises SQLAlchemyError if the database is away."""
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
        except sa.exc.SQLAlchemyError as problem:  # who was right is let in all the same
            log.warning("a success was not kept", extra={"fault": type(problem).__name__})
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
    """One try at a door. `wait`: seconds until it may be tried; 0: look at it now, and say how it
    ended."""

    __slots__ = ("_limit", "counted", "known", "paid", "wait")

    def __init__(self, limit: FailureLimit, counted: Mapping[bytes, Pace], known: bytes) -> None:
        self._limit, self.counted, self.known = limit, counted, known
        self.wait = 0
        self.paid = False  # counted as failed in advance

    def __repr__(self) -> str:
        return f"Attempt(wait={self.wait})"

    def failed(self) -> None:
        """It was wrong. Raises SQLAlchemyError if that cannot be kept."""
        self._limit.failed(self)

    def succeeded(self) -> None:
        """It was right."""
        self._limit.succeeded(self)


def _what(purpose: str, *more: str) -> str:
    return "\x1f".join(("failure", purpose, *more))


def _in_advance(conn: sa.Connection, counted: Mapping[bytes, Pace], now: datetime) -> int:
    """Count a try as failed before it is looked at; or the seconds it must wait, and it is not
    counted."""
    held = failures.hold(conn, list(counted), now)
    for key, found in held.items():
        if found.at > now:  # the clock was set back: count from here, or nothing is forgiven
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
