"""The service under test ("the house"): the real app on a real database, a clock that tests set,
and people instead of clients.

A test with the fixture `house` runs on SQLite and on PostgreSQL, or on one of the two if it only
tests decisions and pages (`ON_ONE_DATABASE`). Jobs wait in the engine's own
tables and are run by `house.works()`; the running worker has its own tests (test_end_to_end.py).
Nothing reaches the network: an unexpected request fails the test.
"""

from __future__ import annotations

import gc
import json
import math
import os
import re
import secrets
import shutil
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pytest
import responses
import sqlalchemy as sa
from flask import Flask
from hypothesis import settings
from throwaway_postgres import ThrowawayPostgres
from twilio.request_validator import RequestValidator

import caller_service
from caller_service.casework.outbound.call_person import call_person
from caller_service.casework.outbound.deliver import deliver
from caller_service.casework.outbound.redact_text import redact_text
from caller_service.casework.outbound.send_text import send_text
from caller_service.casework.parts import Parts
from caller_service.casework.resident_call import ask_after
from caller_service.casework.timers import sweep
from caller_service.commands.database import migrated
from caller_service.config.settings import Settings
from caller_service.core.access import Token, kind_for, scopes_for
from caller_service.language.segments import fitted
from caller_service.language.wording import filling
from caller_service.store import tokens
from caller_service.store.tables import Base, failure
from caller_service.web.shared.failure_limit import FailureLimit

pytest_plugins = ["in_browser"]  # fixtures of tests/browser
ME = "+17205550123"
MONDAY_NOON = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)  # noon in the rehearsal city
TWILIO = "https://twilio.test"
CAD = "http://127.0.0.1:8020/hand-offs"


HERE = Path(__file__).parent
settings.register_profile("no stopwatch", deadline=None)  # a busy machine is no failure
settings.load_profile("no stopwatch")
gc.disable()  # until everything is collected
# SQLite syncs each commit to disk; in memory that takes no time.
MEMORY = Path("/dev/shm")
if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 2**31:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
# When the next sweep has something to do; in the past if something stays due.
NEXT_DUE = sa.select(
    sa.func.min(
        sa.union_all(
            *(
                sa.select(column.label("at"))
                for table in Base.metadata.sorted_tables
                for column in table.c
                if column.name in ("due_at", "next_at")
            )
        )
        .subquery()
        .c.at
    )
)
# The slow tests: processes, exhaustive tests, waits. In the fast loop, tests for both databases run
# on SQLite only.
PROCESSES = {"end_to_end", "upgrade", "commands"}
SLOW = PROCESSES | {"rehearsal", "corpus", "browser"}
SLOW_FILES = {
    "test_silence.py", "test_ledger.py", "test_promises.py", "test_promises_clocks.py",
    "test_outage.py", "test_away_and_back.py", "test_backlog.py", "test_migrations.py",
    "test_after_a_human_spoke.py", "test_free_text_conversations.py",
    "test_promises_any_time.py", "test_schemathesis.py", "test_played_by_phone.py",
    "test_played_by_text.py", "test_played_by_text_2.py", "test_played_by_text_3.py",
    "test_calls_over_the_network.py", "test_recordings.py", "test_new_language.py",
    "test_typed_numbers.py", "test_journal_events.py", "test_code_from_data.py",
}  # fmt: skip


# What is decided, said and shown does not depend on the database: each of these tests runs on one,
# every fourth on PostgreSQL. What is stored, locked and sent runs on both: casework/, store/, and
# these exceptions.
ON_ONE_DATABASE = {
    "commands", "core", "documents", "gateway", "language", "promises",
    "web", "web/console", "web/residents", "web/voice",
}  # fmt: skip
ON_BOTH = {
    "test_failure_limit.py", "test_hostile_conversations.py", "test_idempotency.py",
    "test_random_conversations.py", "test_evening.py",
}  # fmt: skip
_DATABASE = re.compile(r"(?<=[\[-])(sqlite|postgresql)(?=[\]-])")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--both-databases", action="store_true",
        help="run every test of the house on both databases, not only those of storage",
    )  # fmt: skip


def on_its_database(item: pytest.Item | Any) -> bool:
    """Does this test run on this database? Which of the two depends on its name alone."""
    folder = item.path.relative_to(HERE).parent.as_posix()
    database = _DATABASE.search(item.name)
    if database is None or folder not in ON_ONE_DATABASE or item.path.name in ON_BOTH:
        return True
    name = f"{item.path.name} {_DATABASE.sub('', item.name)}"
    return (database[1] == "postgresql") == (zlib.crc32(name.encode()) % 4 == 0)


def pytest_collection_finish() -> None:
    """What was collected and imported lives as long as the run: exclude it from garbage
    collection, which rests until now."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`pytest -m "not slow"` is the fast loop (docs/testing.md)."""
    if not config.getoption("both_databases"):
        items[:] = [item for item in items if on_its_database(item)]
    for item in items:
        first = item.path.relative_to(HERE).parts[0]
        if (
            first in SLOW
            or item.path.name in SLOW_FILES
            or re.search(r"\[(.*-)?postgresql", item.name)
        ):
            item.add_marker(pytest.mark.slow)
    # The longest first: started last, they would keep one process busy for minutes after the
    # others.
    items.sort(key=_when)


def _when(item: pytest.Item) -> int:
    """The order of test files: those that start processes, then long ones, then the rest."""
    first = item.path.relative_to(HERE).parts[0]
    if first in PROCESSES:
        return 0
    return 1 if first in SLOW or item.path.name in SLOW_FILES else 2


@pytest.fixture(autouse=True)
def outside() -> Iterator[responses.RequestsMock]:
    """The network: an unexpected request fails, and every expected one must be made."""
    with responses.RequestsMock() as planned:
        planned.add_passthru("http://127.0.0.1")
        planned.add_passthru("https://127.0.0.1")
        yield planned


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    server = ThrowawayPostgres()
    yield server.url
    server.stop()


def _app(here: Path, url: str) -> Iterator[Flask]:
    """The app on one database, migrated once for all tests of this process."""
    told = {
        "CALLER_DATABASE_URL": url,
        "CALLER_PUBLIC_URL": "https://house.test",
        # the test's clock stands still while jobs run; the pace has tests of its own
        "CALLER_CALLS_A_SECOND": "100",
    }
    settings = Settings.from_environment(told, here=here)
    settings = replace(
        settings, twilio_api_url=TWILIO, twilio_auth_tokens=("first" * 8, "second" * 6)
    )
    app = caller_service.create_app(settings)
    app.testing = False  # errors are handled as in production
    migrated(app, settings)
    yield app
    app.extensions["caller_parts"].engine.dispose()


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    here = tmp_path_factory.mktemp("sqlite")
    yield from _app(here, f"sqlite:///{here}/caller.sqlite")


@pytest.fixture(scope="session")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Iterator[Flask]:
    yield from _app(tmp_path_factory.mktemp("postgresql"), postgres)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def built(request: pytest.FixtureRequest) -> Flask:
    """The app on one database. pytest tears this fixture down whenever the database changes, with
    every file; the apps are reused."""
    app: Flask = request.getfixturevalue(f"on_{request.param}")
    return app


@pytest.fixture
def house(built: Flask, outside: responses.RequestsMock) -> Iterator[House]:
    one = House(built, outside)
    yield one
    one.clean()


JOBS = {
    "deliver": deliver, "send_text": send_text, "call_person": call_person, "ask_after": ask_after,
    "redact_text": redact_text,
}  # fmt: skip


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = MONDAY_NOON

    def __call__(self) -> datetime:
        self.at += timedelta(microseconds=1)  # no two readings are the same
        return self.at


class House:
    """The app, and what tests do with it."""

    def __init__(self, app: Flask, outside: responses.RequestsMock) -> None:
        self.app = app
        self.outside = outside
        self.clock = Clock()
        self._own = app.extensions["caller_parts"]
        app.extensions["caller_parts"] = replace(self._own, now=self.clock)
        self.client = app.test_client()
        self.sent: list[dict[str, str]] = []
        self.erased: list[tuple[str, str]] = []  # at Twilio: POST (the body) or DELETE, and the SID
        self.rung: list[dict[str, str]] = []  # calls made by REST
        self.hung_up: list[str] = []  # SIDs
        self.moved: list[tuple[str, str]] = []  # SIDs, and where to
        self.posted: list[tuple[dict[str, Any], dict[str, str]]] = []
        self.forgive()
        self.token = self.new_token("cad", "console")

    @property
    def parts(self) -> Parts:
        return self.app.extensions["caller_parts"]  # type: ignore[no-any-return]

    def new_token(
        self,
        name: str,
        destination: str | None,
        kind: str = "",
        scopes: Iterable[str] | None = None,
        expires_at: datetime | None = None,
    ) -> str:
        """A token like one from `token add`; without `kind` and `scopes`, with all that its
        destination allows."""
        secret = secrets.token_hex(16)
        one = self.parts.program.destination(destination or "")
        kind = kind or (kind_for(one) if one else "api")
        may = frozenset(scopes_for(kind) if scopes is None else scopes)
        with self.parts.engine.begin() as conn:
            token = Token(name, kind, destination, may, expires_at)
            tokens.add(conn, secrets.token_hex(8), token, secret, self.clock())
        return secret

    def forgive(self) -> None:
        """Forget all sign-ins, failed and successful."""
        self.app.extensions["caller_failure_limit"] = FailureLimit()
        with self.parts.engine.begin() as conn:
            conn.execute(sa.delete(failure))

    def clean(self) -> None:
        self.app.extensions["caller_parts"] = self._own
        lite = self.parts.engine.dialect.name == "sqlite"
        with self.parts.engine.begin() as conn:
            if not lite:
                # a test may leave more rows than a turn's time limit could delete
                conn.execute(sa.text("SET LOCAL statement_timeout = 0"))
            for table in reversed(Base.metadata.sorted_tables):
                conn.execute(sa.delete(table))
            # "queues": a worker starts with what an earlier one registered, including the
            # concurrency
            for name in ("workflow_status", "workflow_input", "workflow_output", "queues"):
                conn.execute(sa.text(f"DELETE FROM {name if lite else 'dbos.' + name}"))

    def change(self, **parts: Any) -> None:
        """Replace a part: a shorter ladder, a faster clock."""
        self.app.extensions["caller_parts"] = replace(self.parts, **parts)

    def clocks(self, **seconds: int) -> None:
        program = self.parts.program
        self.change(program=replace(program, clocks=replace(program.clocks, **seconds)))

    def wait(self, seconds: float) -> None:
        self.clock.at += timedelta(seconds=seconds)

    def passes(self, seconds: float, step: float) -> House:
        """Let seconds pass, with a sweep of the worker at the end of each `step` in which something
        falls due. In the other steps it would find nothing to do."""
        left = int(seconds // step)
        while left:
            with self.parts.engine.connect() as conn:
                due: datetime | None = conn.execute(NEXT_DUE).scalar()
            idle = (due - self.clock.at).total_seconds() if due else seconds
            steps = min(left, max(1, math.ceil(idle / step)))
            self.wait(steps * step)
            self.sweeps()
            left -= steps
        return self

    def later(self, seconds: float, step: float) -> House:
        """`passes`, with the jobs run every ten minutes: one that never ran would be due again all
        the time."""
        while seconds > 0:
            self.passes(min(seconds, 600), step).settles()
            seconds -= 600
        return self

    # ---- people ----------------------------------------------------------------------------------
    def resident(self, number: str = "+17205550123") -> Resident:
        return Resident(self, number)

    def dispatch(
        self,
        path: str,
        told: dict[str, Any] | None = None,
        method: str = "POST",
        token: str | None = None,
    ) -> Any:
        """One call of the API by a destination."""
        return self.client.open(
            f"/api/v1/hand-offs{path}",
            method=method,
            json=told,
            headers={"Authorization": f"Bearer {token or self.token}"},
        )

    # ---- the worker ------------------------------------------------------------------------------
    def jobs(self) -> list[tuple[str, str, str]]:
        """Jobs waiting in the engine's own tables: id, name, argument."""
        prefix = "" if self.parts.engine.dialect.name == "sqlite" else "dbos."
        query = f"""SELECT s.workflow_uuid, s.name, i.inputs FROM {prefix}workflow_status s JOIN {prefix}workflow_input i
                    ON i.workflow_uuid = s.workflow_uuid WHERE s.status = 'ENQUEUED' ORDER BY s.created_at, s.workflow_uuid"""
        with self.parts.engine.connect() as conn:
            return [
                (row[0], row[1], json.loads(row[2])["positionalArgs"][0])
                for row in conn.execute(sa.text(query))
            ]

    def works(self, twilio: int = 201, cad: int = 202) -> House:
        """Run every waiting job once, with these responses of Twilio and the destination."""
        self.outside.reset()
        self.outside.assert_all_requests_are_fired = False
        self.outside.add_passthru("http://127.0.0.1:1")
        self.outside.add_callback(
            "POST",
            re.compile(rf"{TWILIO}/.*/Messages.json"),
            lambda request: self._twilio(request, twilio),
        )
        self.outside.add(
            "GET",
            re.compile(rf"{TWILIO}/.*/Messages.json.*"),
            json={"messages": [], "next_page_uri": None, "uri": ""},
        )
        self._erases(twilio)
        self.outside.add_callback("POST", CAD, lambda request: self._cad(request, cad))
        self.calls_are_taken(twilio)
        prefix = "" if self.parts.engine.dialect.name == "sqlite" else "dbos."
        for job_id, name, reference in self.jobs():
            JOBS[name](self.parts, reference)
            with self.parts.engine.begin() as conn:
                conn.execute(
                    sa.text(
                        f"UPDATE {prefix}workflow_status SET status = 'SUCCESS' WHERE "
                        f"workflow_uuid = :id"
                    ),
                    {"id": job_id},
                )
        return self

    def settles(self) -> House:
        """Run jobs until none is left."""
        while self.jobs():
            self.works()
        return self

    def sweeps(self) -> House:
        sweep(self.parts)
        return self

    def _twilio(self, request: Any, status: int) -> tuple[int, dict[str, str], str]:
        form = dict(parse_qsl(request.body))
        if status != 201:
            code = {429: 20429, 400: 21610, 404: 21614}.get(status, 20500)
            return (
                status,
                {},
                json.dumps({"code": code, "message": f"to {form['To']} failed", "status": status}),
            )
        self.sent.append(form)
        return 201, {}, json.dumps({"sid": f"SM{len(self.sent):032d}", "status": "queued"})

    def _erases(self, status: int) -> None:
        """Twilio erases a text's body, or its whole record, and `erased` remembers which."""
        one = re.compile(rf"{TWILIO}/.*/Messages/((?:SM|MM)\w+)\.json")

        def erase(request: Any) -> tuple[int, dict[str, str], str]:
            if status != 201:
                told = {"code": {404: 20404}.get(status, 20500), "message": "", "status": status}
                return status, {}, json.dumps(told)
            sid = re.search(r"/Messages/(\w+)\.json", request.url)[1]  # type: ignore[index]
            body = dict(parse_qsl(request.body or "", keep_blank_values=True))
            assert request.method == "DELETE" or body == {"Body": ""}, "nothing else is changed"
            self.erased.append((request.method, sid))
            whole = request.method == "DELETE"
            return (204, {}, "") if whole else (200, {}, json.dumps({"sid": sid, "body": ""}))

        for method in ("POST", "DELETE"):
            self.outside.add_callback(method, one, erase)

    def calls_are_taken(self, status: int = 201, listed: tuple[dict[str, str], ...] = ()) -> None:
        """Twilio accepts calls, or responds like this; its list has what it accepted, and
        `listed`."""
        one = re.compile(rf"{TWILIO}/.*/Calls/(CA\w+)\.json")
        self.outside.add_callback(
            "POST",
            re.compile(rf"{TWILIO}/.*/Calls\.json"),
            lambda request: self._rings(request, status),
        )
        self.outside.add(
            "GET",
            re.compile(rf"{TWILIO}/.*/Calls\.json.*"),
            json={"calls": listed, "next_page_uri": None, "uri": ""},
        )
        self.outside.add_callback("POST", one, self._changes)
        self.outside.add_callback("GET", one, lambda request: self._stands(request.url))

    def _rings(self, request: Any, status: int) -> tuple[int, dict[str, str], str]:
        form = dict(parse_qsl(request.body))
        if status != 201:
            return (
                status,
                {},
                json.dumps(
                    {
                        "code": {429: 20429}.get(status, 20500),
                        "message": f"to {form['To']} failed",
                        "status": status,
                    }
                ),
            )
        self.rung.append(form)
        return 201, {}, json.dumps({"sid": f"CA{len(self.rung):032d}", "status": "queued"})

    def _stands(self, url: str) -> tuple[int, dict[str, str], str]:
        sid = url.rpartition("/")[2].removesuffix(".json")
        return (
            200,
            {},
            json.dumps({"sid": sid, "status": "completed" if sid in self.hung_up else "ringing"}),
        )

    def _changes(self, request: Any) -> tuple[int, dict[str, str], str]:
        """A call in progress is ended, or redirected to another document."""
        moved = dict(parse_qsl(request.body or "")).get("Url", "")
        return self._moves(request.url, moved) if moved else self._hangs_up(request.url)

    def _moves(self, url: str, to: str) -> tuple[int, dict[str, str], str]:
        self.moved.append((url.rpartition("/")[2].removesuffix(".json"), to))
        return 200, {}, json.dumps({"sid": self.moved[-1][0], "status": "in-progress"})

    def _hangs_up(self, url: str) -> tuple[int, dict[str, str], str]:
        self.hung_up.append(url.rpartition("/")[2].removesuffix(".json"))
        return 200, {}, json.dumps({"sid": self.hung_up[-1], "status": "completed"})

    def _cad(self, request: Any, status: int) -> tuple[int, dict[str, str], str]:
        if 200 <= status < 300:
            self.posted.append((json.loads(request.body), dict(request.headers)))
        return status, {}, "whatever"

    # ---- looking ---------------------------------------------------------------------------------
    def rows(self, table: str, **where: Any) -> list[Any]:
        one = Base.metadata.tables[table]
        query = sa.select(one).order_by(*one.primary_key)
        for name, value in where.items():
            query = query.where(one.c[name] == value)
        with self.parts.engine.connect() as conn:
            return list(conn.execute(query))

    def words(self, key: str, language: str = "en", **fill: str) -> str:
        """The text of a key: tests depend on keys, translators change texts."""
        return fitted(
            self._own.catalog.text(
                language, key, **(filling(self._own.program, language, self._own.catalog) | fill)
            )
        )

    def texts_to(self, number: str) -> list[str]:
        """The texts sent to a number by REST, oldest first."""
        return [form["Body"] for form in self.sent if form["To"] == number]


class Resident:
    """Somebody with a phone."""

    def __init__(self, house: House, number: str) -> None:
        self.house = house
        self.number = number
        self.heard: list[str] = []
        self.pace = 10.0  # seconds between texts: slower than the clock `read`

    def texts(self, *words: str, sid: str | None = None, **form: str) -> Resident:
        for said in words:
            self.house.wait(self.pace)
            answer = self.posts(said, sid=sid, **form)
            assert answer.status_code == 200, answer.text
            self.heard = twiml(answer.text)
        return self

    def posts(
        self, said: str, sid: str | None = None, token: str | None = None, **form: str
    ) -> Any:
        """One signed webhook, like Twilio's."""
        fields = {
            "MessageSid": sid or f"SM{secrets.token_hex(16)}", "AccountSid": "AC" + "0" * 32,
            "From": self.number, "To": "+17205550100", "Body": said, "NumMedia": "0",
        } | form  # fmt: skip
        return signed(self.house, "/twilio/sms", fields, token)

    def hears(self, *words: str) -> Resident:
        said = "\n".join(self.heard)
        for each in words:
            assert each in said, f"{each!r} is not in {said!r}"
        return self

    def told(self, *keys: str, language: str = "en") -> Resident:
        """The reply had these keys, whatever fills their placeholders."""
        for key in keys:
            words = re.escape(self.house.parts.catalog.words[language][key])
            assert re.search(re.sub(r"\\{\w+\\}", ".*", words), "\n".join(self.heard)), (
                f"{key} is not in {self.heard}"
            )
        return self

    def hears_not(self, *words: str) -> Resident:
        said = "\n".join(self.heard)
        for each in words:
            assert each not in said, f"{each!r} is in {said!r}"
        return self

    def case(self) -> Any:
        """This resident's latest case, as its row."""
        indexes = self.house.parts.sealer.indexes(self.number)
        contact = next(row for row in self.house.rows("contact") if row.number_index in indexes)
        return sorted(
            self.house.rows("case", contact_id=contact.id), key=lambda row: row.opened_at
        )[-1]

    def wants_a_team(self, contact: str = "3") -> Resident:
        """Screened for an adult they know; asks for a team, and is told to wait if none is free.
        `contact`: "1" is text or call, "3" is text alone."""
        self.texts("my brother shouts")
        return self.texts("3", "2", "2", "2", contact, "1", "Main St and 3rd Ave", "2", "2")


def signed(
    house: House, path: str, fields: dict[str, str], token: str | None = None, at: str = ""
) -> Any:
    """`at`: the URL that Twilio calls; ours, unless another is given."""
    key = token or house.app.config["TWILIO_AUTH_TOKENS"][0]
    url = f"{at or house.parts.public_url}{path}"
    signature = RequestValidator(key).compute_signature(url, fields)
    return house.client.post(path, data=fields, headers={"X-Twilio-Signature": signature})


def twiml(text: str) -> list[str]:
    """The text of each <Message>."""
    return [
        message.findtext("Body") or ""
        for message in ElementTree.fromstring(text).findall("Message")
    ]


@pytest.fixture
def project() -> Path:
    """The checkout."""
    return Path(__file__).parent.parent


os.environ.pop("CALLER_MODE", None)
