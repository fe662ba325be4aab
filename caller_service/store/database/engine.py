"""Engines for both databases: options, and what happens at connect, checkout and fork."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import sqlalchemy as sa

from . import postgresql
from .deadline import WRITE_WAIT
from .sqlite_writer import QueuedConnection

POOL = {"pool_size": 40, "pool_timeout": WRITE_WAIT}
POSTGRESQL_OVERFLOW = 10  # few: nothing holds a connection while it waits for a destination
SQLITE_OVERFLOW = 200  # cheap; each queued writer holds one, and timers must not wait for one


class UnsupportedDatabase(ValueError):
    """The address names a database that this service cannot work with."""


def engine_options(url: str | sa.URL, write_wait: float = WRITE_WAIT) -> dict[str, Any]:
    """Keyword arguments for `sqlalchemy.create_engine` (or Flask-SQLAlchemy) for this database.

    `write_wait`: seconds to wait for a lock. Raises UnsupportedDatabase.
    """
    address = sa.make_url(url)
    match address.get_backend_name():
        case "sqlite":
            _refuse_memory(address.database or "")
            factory = partial(QueuedConnection, write_wait=write_wait)
            connect = {"factory": factory, "timeout": write_wait, "isolation_level": "IMMEDIATE"}
            overflow = SQLITE_OVERFLOW
        case "postgresql":
            connect = postgresql.connect_arguments(address, write_wait)
            overflow = POSTGRESQL_OVERFLOW
        case other:
            raise UnsupportedDatabase(f"{other} is not supported; use sqlite or postgresql")
    return {**POOL, "max_overflow": overflow, "hide_parameters": True, "connect_args": connect}


def _refuse_memory(database: str) -> None:
    if database in ("", ":memory:") or database.startswith("file:"):
        raise UnsupportedDatabase(
            "SQLite in memory or as file:... is not supported: web and worker share one file; give "
            "its path"
        )


def prepare(engine: sa.Engine) -> None:
    """Make the engine safe across a fork, and when the database goes away."""
    os.register_at_fork(after_in_child=partial(_start_afresh, engine))
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "checkout", _refuse_replaced_file)
    else:
        sa.event.listen(engine, "do_connect", postgresql.connect)
        sa.event.listen(engine, "checkout", postgresql.refuse_closed_connection)


def _refuse_replaced_file(connection: Any, *_: Any) -> None:
    """Refuse a connection whose file was moved away or replaced: nobody would find what is written
    to it."""
    if not connection.is_in_place():
        raise sa.exc.DisconnectionError("the database file is another one")


_parents_pools: list[sa.Pool] = []


def _start_afresh(engine: sa.Engine) -> None:
    # Kept, not dropped: closing a connection that the parent still uses would end it there too.
    _parents_pools.append(engine.pool)
    engine.dispose(close=False)
