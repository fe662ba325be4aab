"""Databases that earlier commits left (tests/upgrade/): this commit opens and reads them and
finishes their work.

Stored names survive every rename in the code: jobs, queues, states, marks, events, keys in a case's
state. The dumps hold people in every status, and jobs of all four kinds, enqueued or taken by a
worker that died.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import responses
import sqlalchemy as sa
from conftest import House
from flask import Flask
from running import connected, new_database

from caller_service.app import build
from caller_service.casework.parts import Parts
from caller_service.commands.database import database_faults, migrated
from caller_service.config.settings import Settings
from caller_service.core.case import ENDED, Status
from caller_service.core.journal_events import Event
from caller_service.store import cases, journal
from upgrade.make_dump import keys
from upgrade.new_worker import NewWorker

DUMPS = Path(__file__).parent
NAMES = sorted({path.name.split(".")[0] for path in DUMPS.glob("*.sql")})
JOBS = {"deliver", "send_text", "call_person", "catch_up"}


@dataclass
class Loaded:
    """A database loaded from a dump and migrated to this release."""

    app: Flask
    settings: Settings
    kind: str

    @property
    def parts(self) -> Parts:
        return self.app.extensions["caller_parts"]  # type: ignore[no-any-return]

    def jobs(self, status: str) -> dict[str, str]:
        """Id and name of the engine's jobs in this state."""
        table = "workflow_status" if self.kind == "sqlite" else "dbos.workflow_status"
        with connected(self.settings.database_url) as conn:
            found = conn.execute(
                sa.text(f"SELECT workflow_uuid, name FROM {table} WHERE status = :status"),
                {"status": status},
            )
            return {job: name for job, name in found}


@pytest.fixture(params=[f"{name}-{kind}" for name in NAMES for kind in ("sqlite", "postgresql")])
def loaded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Loaded]:
    name, _, kind = str(request.param).rpartition("-")
    words = (DUMPS / f"{name}.{kind}.sql").read_text(encoding="utf-8")
    (tmp_path / "var").mkdir()
    with new_database(kind, tmp_path) as url:
        told = {"CALLER_DATABASE_URL": url, "CALLER_PUBLIC_URL": "https://house.test"} | keys()
        settings = Settings.from_environment(told, here=tmp_path)
        if kind == "sqlite":
            with sqlite3.connect(str(sa.make_url(settings.database_url).database)) as lite:
                lite.executescript(words)
        else:
            with connected(url) as conn:
                conn.exec_driver_sql(words)
                conn.exec_driver_sql("SET search_path = public")
                conn.commit()
        app = build(settings)
        migrated(app, settings)
        yield Loaded(app, settings, kind)
        app.extensions["caller_parts"].engine.dispose()


def test_every_case_opens_in_every_status_and_is_kept_again(loaded: Loaded) -> None:
    assert database_faults(loaded.settings) == []
    with loaded.parts.engine.connect() as conn:
        ids = list(conn.execute(sa.text('SELECT id FROM "case"')).scalars())
        found = [cases.by_id(conn, loaded.parts.sealer, case_id) for case_id in ids]
        entries = [entry for case_id in ids for entry in journal.of_case(conn, case_id)]

    assert {entry.event for entry in entries} > {Event.STATUS, Event.ANSWERED, Event.LEVEL}
    assert len(ids) > 20 and all(found)
    statuses = {case.status for case in found if case}
    assert statuses >= set(Status) - {Status.OPEN, Status.UNREACHABLE}, (
        "and one that a resident wrote to again is open"
    )
    for case in found:
        assert case and cases.row(case, loaded.parts.sealer, None)["state"]


def test_people_go_on_where_they_were(loaded: Loaded, outside: responses.RequestsMock) -> None:
    house = House(loaded.app, outside)
    house.wait(7 * 86_400)
    with loaded.parts.engine.connect() as conn:
        every = [
            cases.by_id(conn, loaded.parts.sealer, each)
            for each in conn.execute(sa.text('SELECT id FROM "case"')).scalars()
        ]
    with_dispatch = [
        case
        for case in every
        if case and case.revision and case.status not in ENDED and not case.test
    ]
    assert len(with_dispatch) >= 10

    listed = {
        packet["hand_off_id"] for packet in house.dispatch("", method="GET").get_json()["hand_offs"]
    }
    assert {case.id for case in with_dispatch} <= listed
    for number in range(1, len({case.contact for case in every if case and not case.test}) + 1):
        me = house.resident(f"+172055503{number:02d}")
        before = me.case()
        me.texts("is anybody there")
        assert before.closed_at is not None or me.case().id == before.id, "an open case goes on"


def test_a_worker_of_this_commit_finishes_what_was_enqueued_or_left_by_a_dead_one(
    loaded: Loaded, tmp_path: Path
) -> None:
    enqueued, pending = loaded.jobs("ENQUEUED"), loaded.jobs("PENDING")
    assert set(enqueued.values()) == set(pending.values()) == JOBS
    ours = loaded.parts.program.numbers.ours[0].number
    with NewWorker(loaded.settings, ours, tmp_path, **keys()).works() as wait:
        left = (enqueued | pending).keys()
        wait(lambda: left <= loaded.jobs("SUCCESS").keys(), "all that was left is done")
