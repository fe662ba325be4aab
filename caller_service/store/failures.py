"""Failures to sign in or to enter a code. What they are counted under is stored as a keyed hash, so
that no address, account or code is stored here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from caller_service.core.failure_pace import Failures

from .tables import failure


def find(conn: sa.Connection, keys: Iterable[bytes]) -> dict[bytes, Failures]:
    """The failures counted under these keys."""
    rows = conn.execute(sa.select(failure).where(failure.c.key_hash.in_(list(keys))))
    return {row.key_hash: Failures(row.failures, row.at) for row in rows}


def hold(conn: sa.Connection, keys: Sequence[bytes], now: datetime) -> dict[bytes, Failures]:
    """The same for a writer: every key gets a row, and the rows are locked until the transaction
    ends, in the order of the keys, so that two writers never deadlock."""
    make = sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert
    for key in sorted(keys):
        row = {"key_hash": key, "failures": 0.0, "at": now}
        conn.execute(make(failure).values(row).on_conflict_do_nothing())
    rows = conn.execute(
        sa.select(failure)
        .where(failure.c.key_hash.in_(list(keys)))
        .order_by(failure.c.key_hash)
        .with_for_update()
    )
    return {row.key_hash: Failures(row.failures, row.at) for row in rows}


def keep(conn: sa.Connection, key: bytes, found: Failures) -> None:
    """Store the failures of a key that is locked."""
    values = {"failures": found.count, "at": found.at}
    conn.execute(sa.update(failure).where(failure.c.key_hash == key).values(values))


def drop(conn: sa.Connection, key: bytes) -> None:
    conn.execute(sa.delete(failure).where(failure.c.key_hash == key))


def forget(conn: sa.Connection, before: datetime) -> None:
    """Delete rows last changed before this moment."""
    conn.execute(sa.delete(failure).where(failure.c.at < before))
