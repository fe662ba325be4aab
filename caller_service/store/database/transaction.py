"""The one way to write: a transaction, never one inside another. And how to read alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import sqlalchemy as sa

from .compiled import execute_raw

_writing: ContextVar[bool] = ContextVar("writing", default=False)


class NestedWrite(RuntimeError):
    """A transaction was opened inside another: a piece of work has one."""


def refuse_nested() -> None:
    """Raises NestedWrite in the middle of a transaction."""
    if _writing.get():
        raise NestedWrite


@contextmanager
def transaction(engine: sa.Engine, conn: sa.Connection | None = None) -> Iterator[sa.Connection]:
    """Commits at the end, rolls back on any error. `conn`: go on with what was read on it."""
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
    """A connection to read from. What is read in it is of no one moment: each statement sees what
    is committed when it runs. PostgreSQL would see no more in a transaction of its usual isolation,
    and it costs two more ways there and back; on SQLite a SELECT begins none."""
    with engine.connect() as conn:
        if conn.dialect.name == "postgresql":
            conn = conn.execution_options(isolation_level="AUTOCOMMIT")
        yield conn


def lock_for_write(conn: sa.Connection) -> None:
    """On SQLite, queue to write before reading: what is read is still true when written."""
    if conn.dialect.name == "sqlite":
        execute_raw(conn, "BEGIN IMMEDIATE", ())
