"""`caller-service migrate`, and the faults of a database: its migration, its keys, its files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

import caller_service
from caller_service.app import migration_head
from caller_service.casework.parts import Parts
from caller_service.config.settings import Settings
from caller_service.store import contacts, keys
from caller_service.store.counts import schema_version
from caller_service.store.database.deadline import deadline
from caller_service.store.database.transaction import transaction
from caller_service.store.sealing import Sealer

from .database_fault import MIGRATE, database_fault
from .startup import settings_now
from .tokens import token_report

CONNECT = 5  # seconds to wait for a database server
PRIVATE_FILE = 0o600  # readable and writable by the owner only


def redacted_url(url: str) -> str:
    """A database URL without its password, which may also be in the query string."""
    return sa.make_url(url).set(query={}).render_as_string(hide_password=True)


@click.command()
def migrate() -> None:
    """Create or migrate the tables: ours and the job engine's.

    Merges contacts that an earlier key rotation has split.
    """
    from caller_service.casework.rewrap import join_split

    settings = settings_now()
    app = caller_service.create_app(settings)
    migrated(app, settings)
    click.echo(f"migrated {redacted_url(settings.database_url)}")
    parts: Parts = app.extensions["caller_parts"]
    for fault in token_report(settings.database_url, parts.program, parts.now())[0]:
        click.echo(f"note: {fault}", err=True)
    with deadline(24 * 3600):
        with parts.engine.connect() as conn:
            missing = keys.faults(conn, parts.sealer)
        # merging would lose what is sealed with a missing key
        merged = 0 if missing else join_split(parts)
    for fault in missing:
        click.echo(f"note: {fault}", err=True)
    if merged:
        click.echo(
            f"note: {merged} contacts joined that an earlier key rotation had split", err=True
        )


def migrated(app: Any, settings: Settings) -> None:
    import logging

    from flask_migrate import upgrade

    from caller_service.jobs.worker import migrate_engine

    logging.getLogger("alembic").setLevel(logging.ERROR)
    with app.app_context():
        if settings.database_url.startswith("sqlite"):
            file = Path(str(sa.make_url(settings.database_url).database))
            file.parent.mkdir(parents=True, exist_ok=True)
            # a connection never creates it (database/sqlite_writer.py)
            file.touch(mode=PRIVATE_FILE)
            for part in database_files(file):
                part.chmod(PRIVATE_FILE)
        upgrade()
    migrate_engine(settings.database_url)
    parts: Parts = app.extensions["caller_parts"]
    with deadline(24 * 3600), parts.engine.connect() as conn:
        if not keys.noted(conn):
            keys.learn(conn, parts.sealer, parts.now())
        keys.note(conn, parts.sealer, parts.now())
        conn.commit()


def database_files(file: Path) -> list[Path]:
    """The files of a SQLite database that exist: the database, and those that SQLite and the worker
    put beside it."""
    beside = (Path(f"{file}{suffix}") for suffix in ("", "-wal", "-shm", ".worker"))
    return [part for part in beside if part.exists()]


def loose_files(settings: Settings) -> list[str]:
    """Database files that other users of this machine may read or write, one line each."""
    url = sa.make_url(settings.database_url)
    if url.get_backend_name() != "sqlite":
        return []
    return [
        f"database: {part.name} is open to others (mode {part.stat().st_mode & 0o777:o}); run "
        f"caller-service migrate, or chmod 600"
        for part in database_files(Path(str(url.database)))
        if part.stat().st_mode & 0o077
    ]


def database_faults(settings: Settings) -> list[str]:
    """Does the database exist, is it at this release's migration, and are its keys there?"""
    if faults := migration_faults(settings):
        return faults
    engine = sa.create_engine(settings.database_url)
    try:
        with engine.connect() as conn:
            return keys.faults(conn, Sealer(settings.data_keys, settings.index_keys))
    except SQLAlchemyError as problem:
        return [database_fault(problem)]
    finally:
        engine.dispose()


def migration_faults(settings: Settings) -> list[str]:
    """Can the database be used, and is it at this release's migration?"""
    url = sa.make_url(settings.database_url)
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and not Path(str(url.database)).exists():
        return [f"database: not there yet; {MIGRATE}"]
    try:
        engine = sa.create_engine(url, connect_args={} if sqlite else {"connect_timeout": CONNECT})
        with engine.connect() as conn:
            version = schema_version(conn)
        engine.dispose()
    except SQLAlchemyError as problem:
        return [database_fault(problem)]
    if version == migration_head():
        return []
    return [f"database: at migration {version}, this release needs {migration_head()}; {MIGRATE}"]


def split_notes(settings: Settings) -> list[str]:
    """A note of how many contacts an earlier key rotation has split, if any."""
    if database_faults(settings):  # reported already
        return []
    engine = sa.create_engine(settings.database_url)
    try:
        with deadline(24 * 3600):
            split = contacts.split(engine, Sealer(settings.data_keys, settings.index_keys))
    finally:
        engine.dispose()
    if not split:
        return []
    return [
        f"{surplus_contacts(split)} contacts are split by an earlier key rotation; run "
        f"caller-service keys rewrap"
    ]


def key_faults(engine: sa.Engine, sealer: Sealer, now: datetime) -> list[str]:
    """The missing keys that rows need. If none is missing, registers the newest ones, so that rows
    may be written with them. Raises SQLAlchemyError if the database is unavailable."""
    with engine.connect() as conn:
        if faults := keys.faults(conn, sealer):
            return faults
    with transaction(engine) as conn:
        keys.note(conn, sealer, now)
    return []


def surplus_contacts(split: list[list[str]]) -> int:
    """How many contacts there are beyond one for each person."""
    return sum(len(ids) - 1 for ids in split)
