"""The same request, sent again under the same Idempotency-Key, is done once.

A client that heard no answer cannot know whether a text went out; it sends the request again. The
key is kept in the transaction of what it did: both are there, or neither. What was refused changed
nothing, keeps no key, and is judged anew. A form of the console that is sent twice is the same: its
key is the page it stood on and what it says (web/console/case_pages.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa

from caller_service.store import failures, idempotency

from .parts import Parts

KEPT = timedelta(hours=24)  # then a key is new again, and every failure to sign in is forgiven


class Repeated(Exception):
    """It was done before, by the same request."""


class KeyReused(Exception):
    """Another request was done under this key."""


@dataclass(frozen=True, slots=True)
class Once:
    """One request of a token, or of somebody at the console, under a key. `request`: where it goes
    and what it says."""

    who: str
    key: str = field(repr=False)
    request: str = field(repr=False)

    def look(self, conn: sa.Connection, parts: Parts) -> None:
        """Raises Repeated or KeyReused if the key is there."""
        keys = parts.sealer.indexes(f"idempotency key {self.key}")
        done = idempotency.find(conn, self.who, keys)
        if done is not None:
            raise Repeated if done in parts.sealer.indexes(self._whole) else KeyReused

    def keep(self, conn: sa.Connection, parts: Parts) -> None:
        """Keep the key, with what is written on `conn`."""
        key = parts.sealer.index(f"idempotency key {self.key}")
        idempotency.add(conn, self.who, key, parts.sealer.index(self._whole), parts.now())

    @property
    def _whole(self) -> str:
        return f"idempotency request {self.request}"


def forget_old(conn: sa.Connection, parts: Parts) -> None:
    """Forget the keys, and the failures to sign in, whose time is over."""
    idempotency.forget(conn, parts.now() - KEPT)
    failures.forget(conn, parts.now() - KEPT)
