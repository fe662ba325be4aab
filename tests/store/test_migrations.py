"""The migrations lead to exactly the tables that the code declares, can be reversed, and leave the
job engine's tables alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata, produce_migrations
from alembic.migration import MigrationContext
from alembic.operations.ops import DropTableOp, MigrateOperation, OpContainer
from conftest import House
from flask import Flask
from flask_migrate import downgrade, upgrade
from running import clean_environment, command, connected, new_database

from caller_service.app import build, include_object, migration_head
from caller_service.commands.database import migrated
from caller_service.config.settings import Settings
from caller_service.store.tables import db

OURS = frozenset(db.metadata.tables)


@pytest.fixture(params=["sqlite", "postgresql"])
def app(
    request: pytest.FixtureRequest, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Iterator[Flask]:
    """An app on an empty database, its connections closed at the end."""
    (tmp_path / "var").mkdir()
    levels = {name: logging.getLogger(name).level for name in ("alembic", "dbos")}
    with new_database(request.param, tmp_path) as url:
        one = build(Settings.from_environment({"CALLER_DATABASE_URL": url}, here=tmp_path))
        try:
            yield one
        finally:
            with one.app_context():
                db.engine.dispose()
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


def url_of(app: Flask) -> str:
    return str(app.config["SQLALCHEMY_DATABASE_URI"])


def tables(app: Flask) -> set[str]:
    with connected(url_of(app)) as conn:
        return set(sa.inspect(conn).get_table_names())


def engine_rows(app: Flask) -> int:
    """How many jobs the engine has stored."""
    table = "workflow_status" if url_of(app).startswith("sqlite") else "dbos.workflow_status"
    with connected(url_of(app)) as conn:
        return int(conn.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


def migrate(app: Flask) -> None:
    migrated(app, app.extensions["caller_settings"])


def differences(conn: sa.Connection, **more: Any) -> list[Any]:
    """The differences between the declared tables and the database."""
    context = MigrationContext.configure(
        conn,
        opts={
            "compare_type": True,
            "compare_server_default": True,
            "include_object": include_object,
        }
        | more,
    )
    return compare_metadata(context, db.metadata)


def operations(container: OpContainer) -> Iterator[MigrateOperation]:
    for one in container.ops:
        yield one
        if isinstance(one, OpContainer):
            yield from operations(one)


def enqueue(app: Flask) -> None:
    """A job, as a turn would leave it."""
    parts = app.extensions["caller_parts"]
    with parts.engine.begin() as conn:
        parts.jobs.enqueue(conn, "send_text", "send:kept:0", "kept")


def test_from_nothing_to_head_is_what_the_code_declares(app: Flask) -> None:
    assert tables(app) == set()
    migrate(app)
    assert tables(app) >= OURS | {"alembic_version"}
    with connected(url_of(app)) as conn:
        assert differences(conn) == []
        assert (
            conn.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
            == migration_head()
        )


def test_what_is_only_in_the_database_by_name_is_compared_too(app: Flask) -> None:
    """Partial and unique indexes and foreign keys, which `compare_metadata` reads in part only:
    their names and columns."""
    migrate(app)
    with connected(url_of(app)) as conn:
        found = sa.inspect(conn)
        for table in db.metadata.sorted_tables:
            indexes = {
                (one["name"], tuple(one["column_names"]), bool(one["unique"]))
                for one in found.get_indexes(table.name)
                if not one.get("duplicates_constraint")
            }
            assert indexes == {
                (one.name, tuple(column.name for column in one.columns), bool(one.unique))
                for one in table.indexes
            }, table.name
            unique = {
                tuple(one["column_names"]) for one in found.get_unique_constraints(table.name)
            }
            assert unique == {
                tuple(one.columns.keys())
                for one in table.constraints
                if isinstance(one, sa.UniqueConstraint)
            }, table.name
            foreign = {
                (tuple(one["constrained_columns"]), one["referred_table"])
                for one in found.get_foreign_keys(table.name)
            }
            assert foreign == {
                (tuple(one.column_keys), one.referred_table.name)
                for one in table.foreign_key_constraints
            }, table.name
            columns = {
                (one["name"], bool(one["nullable"])) for one in found.get_columns(table.name)
            }
            assert columns == {(one.name, bool(one.nullable)) for one in table.columns}, table.name


def test_one_open_case_a_contact_is_held_by_the_database(app: Flask) -> None:
    migrate(app)
    row = dict.fromkeys(
        ("status", "response", "area", "language", "protocol_hash", "outcome", "unserved"), "x"
    )
    with connected(url_of(app)) as conn, conn.begin():
        moment = app.extensions["caller_parts"].now()
        contact = {
            "id": "p1",
            "number_index": b"0" * 32,
            "sealed_number": b"0",
            "language": "en",
            "created_at": moment,
        }
        conn.execute(sa.insert(db.metadata.tables["contact"]).values(contact))
        cases = db.metadata.tables["case"]
        whole = row | {"contact_id": "p1", "version": 1, "state": {}, "opened_at": moment}
        conn.execute(
            sa.insert(cases).values(whole | {"id": "c1", "reference": "r1", "closed_at": moment})
        )
        conn.execute(sa.insert(cases).values(whole | {"id": "c2", "reference": "r2"}))
        with pytest.raises(sa.exc.IntegrityError), conn.begin_nested():
            conn.execute(sa.insert(cases).values(whole | {"id": "c3", "reference": "r3"}))


def test_down_to_nothing_and_up_again_with_the_jobs_untouched(app: Flask) -> None:
    migrate(app)
    enqueue(app)
    assert engine_rows(app) == 1
    engine_tables = tables(app) - OURS - {"alembic_version"}
    with app.app_context():
        downgrade(revision="base")
    assert tables(app) & OURS == set()
    assert tables(app) >= engine_tables
    assert engine_rows(app) == 1
    migrate(app)
    with connected(url_of(app)) as conn:
        assert differences(conn) == []
    assert tables(app) >= engine_tables | OURS
    assert engine_rows(app) == 1


def test_each_migration_alone_goes_up_and_down(app: Flask) -> None:
    migrate(app)
    with app.app_context():
        while "case" in tables(app):
            downgrade(revision="-1")
            upgrade(revision="+1")
            downgrade(revision="-1")
        upgrade()
    with connected(url_of(app)) as conn:
        assert differences(conn) == []


def test_autogenerate_never_wants_to_drop_the_engines_tables(app: Flask) -> None:
    migrate(app)
    with connected(url_of(app)) as conn:
        for more in ({}, {"include_schemas": True}):
            guarded = app.extensions["migrate"].configure_args["include_object"]
            context = MigrationContext.configure(conn, opts={"include_object": guarded} | more)
            wanted = produce_migrations(context, db.metadata)
            assert wanted.upgrade_ops is not None
            assert not [
                one for one in operations(wanted.upgrade_ops) if isinstance(one, DropTableOp)
            ]
            assert wanted.upgrade_ops.is_empty(), more
        # It is the guard that prevents this: without it, they would be dropped.
        if conn.dialect.name == "sqlite":
            assert any(one[0] == "remove_table" for one in differences(conn, include_object=None))


def test_the_command_migrates_an_older_engine_too(tmp_path: Path) -> None:
    """`migrate` on a database that has our tables but not yet the engine's, as after a restore of
    ours alone."""
    (tmp_path / "var").mkdir()
    settings = Settings.from_environment({}, here=tmp_path)
    Path(str(sa.make_url(settings.database_url).database)).touch()
    one = build(settings)
    with one.app_context():
        upgrade()
        db.engine.dispose()
    assert "workflow_status" not in tables(one)
    assert command(tmp_path, "migrate", environment=clean_environment()).returncode == 0
    assert "workflow_status" in tables(one)


def test_what_was_erased_before_is_redacted_at_the_provider_now(
    app: Flask, outside: responses.RequestsMock
) -> None:
    migrate(app)
    house = House(app, outside)
    for number, name in (("+17205550101", "erased"), ("+17205550102", "ended")):
        house.resident(number).wants_a_team()
        told = {"by": "Dana", "status": "closed", "outcome": "resolved"}
        case_id = house.resident(number).case().id
        assert house.dispatch(f"/{case_id}/status", told).status_code == 200
        with house.parts.engine.begin() as conn:  # whatever was to be sent has arrived
            text = db.metadata.tables["message"]
            waits = sa.update(text).where(text.c.state == "waiting")
            conn.execute(waits.values(state="delivered", next_at=None))
        house.wait(31 * 86_400 if name == "erased" else 1)
    house.sweeps()
    with app.app_context():
        downgrade(revision="0016_retention")
        upgrade()
    first, second = house.rows("case")
    for row in house.rows("message"):
        if row.case_id == first.id:
            assert row.erased_at is not None
            assert (row.redact_at is not None) == bool(row.provider_id)
        else:
            assert row.case_id == second.id and row.erased_at is None and row.redact_at is None
