"""The one way to write: a transaction, never one inside another. And how to read alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import sqlalchemy as sa

from .compiled import execute_raw

_writing: ContextVar[bool] = ContextVar("writing", default=False)


class NestedWrite(RuntimeError):
    """A transaction was opened inside another: a piece of work has exactly one."""


def refuse_nested() -> None:
    """Raise NestedWrite inside a transaction."""
    if _writing.get():
        raise NestedWrite


@contextmanager
def transaction(engine: sa.Engine, conn: sa.Connection | None = None) -> Iterator[sa.Connection]:
    """A transaction that commits at the end and rolls back on any error. `conn`: continue on the
    connection that was read on."""
    refuse_nested()
    mark = _writing.set(True)
    try:
        if conn is None:
            with engine.begin() as conn:
                yield conn
        else:
            with conn.get_transaction() or conn.begin():
                yield conn
    finally:
        _writing.reset(mark)


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection to read from, without a snapshot: each statement sees what is committed when it
    runs. On PostgreSQL a transaction of the usual isolation would see no more, and costs two more
    round trips; on SQLite a SELECT begins none."""
    with engine.connect() as conn:
        if conn.dialect.name == "postgresql":
            conn = conn.execution_options(isolation_level="AUTOCOMMIT")
        yield conn


def lock_for_write(conn: sa.Connection) -> None:
    """On SQLite, take the write lock before reading, so that what is read is still true when
    written."""
    if conn.dialect.name == "sqlite":
        execute_raw(conn, "BEGIN IMMEDIATE", ())
