"""Whoever fails to sign in again and again is slowed down: each source by itself, and nobody for
good."""

from __future__ import annotations

import ipaddress
import math
import threading
from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Any

FREE = 10  # failures of one source that cost nothing
FORGIVEN = 6.0  # seconds until one failure is forgiven; beyond FREE, one try in so many seconds
KNOWN_FOR = timedelta(hours=12)  # since a secret was last right from a source
MOST = 10_000  # sources, and secrets, remembered at once


def source(address: str | None) -> str:
    """Who is counted as one: an IPv4 address, or an IPv6 network of 64 bits, which one customer
    has."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


class FailureLimit:
    """A leaky bucket of failures for each source, in the memory of this process.

    Behind one address many may sit. Who has signed in from there lately is not held up by others
    who fail; who comes new shares the slow tries. Secrets are held as their hashes.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[float, datetime]] = OrderedDict()
        self._right: OrderedDict[tuple[str, str], datetime] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, who: str, secret_hash: str, now: datetime) -> int:
        """Seconds this source must wait before this secret is looked at; 0: it may be."""
        with self._lock:
            right = self._right.get((who, secret_hash))
            if right is not None and now - right < KNOWN_FOR:
                return 0
            return math.ceil(max(0.0, self._level(who, now) - (FREE - 1)) * FORGIVEN)

    def failed(self, who: str, secret_hash: str, now: datetime) -> None:
        with self._lock:
            self._right.pop((who, secret_hash), None)
            level = self._level(who, now)
            self._failures[who] = (min(level + 1, float(FREE)), now)
            _remember(self._failures, who)

    def succeeded(self, who: str, secret_hash: str, now: datetime) -> None:
        with self._lock:
            self._right[who, secret_hash] = now
            _remember(self._right, (who, secret_hash))

    def _level(self, who: str, now: datetime) -> float:
        level, since = self._failures.get(who, (0.0, now))
        if now < since:  # the clock was set back: count from here, or it would forgive nothing
            self._failures[who] = (level, now)
        return max(0.0, level - max(0.0, (now - since).total_seconds()) / FORGIVEN)


def _remember(kept: OrderedDict[Any, Any], latest: Hashable) -> None:
    kept.move_to_end(latest)
    while len(kept) > MOST:
        kept.popitem(last=False)
