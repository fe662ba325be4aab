"""Idempotency keys of the API, and forms of the console, as keyed hashes, so that neither keys nor
request bodies are stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from .tables import idempotency_key as kept


def find(conn: sa.Connection, who: str, keys: Sequence[bytes]) -> bytes | None:
    """The hash of the request that this token sent under a key, by any of the key's hashes; None if
    the key is new."""
    asked = sa.select(kept.c.request_hash).where(kept.c.who == who, kept.c.key_hash.in_(keys))
    return conn.execute(asked).scalar()


def add(conn: sa.Connection, who: str, key: bytes, request: bytes, now: datetime) -> None:
    """Raises IntegrityError if another request has just taken the key."""
    row = {"who": who, "key_hash": key, "request_hash": request, "created_at": now}
    conn.execute(sa.insert(kept).values(row))


def forget(conn: sa.Connection, before: datetime) -> None:
    """Delete the keys of requests made before this moment."""
    conn.execute(sa.delete(kept).where(kept.c.created_at < before))
