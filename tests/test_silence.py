"""Silence in the records: words that nobody else would say go through a whole run and through every
error there is, and are looked for wherever something is written down.

Found in no log line, no row, no job, no error, no `repr`, no address, no traceback of ours. One run
for each database (`told`), played before the first test that asks for it; each test then looks in
one place.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import copy
import dataclasses
import importlib
import inspect
import io
import json
import logging
import pkgutil
import re
import secrets
import signal
import socket
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
import responses
import sqlalchemy as sa
from at_once import worker_running
from caller import Caller
from click.testing import CliRunner
from conftest import CAD, TWILIO, House, Resident, signed
from flask import Flask
from running import Running, answers, clean_environment, free_port, until
from twilio.request_validator import RequestValidator

import caller_service
from caller_service.casework.inbound import fetch_missed_texts
from caller_service.casework.outbound.call_person import call_person
from caller_service.casework.outbound.deliver import deliver
from caller_service.casework.outbound.redact_text import redact_text
from caller_service.casework.outbound.send_text import send_text
from caller_service.casework.resident_call import ask_after
from caller_service.casework.timers import sweep
from caller_service.commands.database import migrated, redacted_url
from caller_service.commands.main import main
from caller_service.config.settings import Settings, SettingsFaults
from caller_service.core.program import Rung
from caller_service.jobs import worker
from caller_service.jobs.worker import JobFailed, _with_private_errors
from caller_service.server.logs import PlainFormatter, log_plainly
from caller_service.store import callbacks, cases, legs, turns
from caller_service.store.database.group_commit import NotWritten
from caller_service.store.tables import Base

NUMBER, OTHER, THIRD, STAFF = "+17205550187", "+17205550188", "+17205550189", "+17205550130"
SAID, WHERE, CODE, REASON, NOTE = (
    "zebrafinch",
    "limekilnyard",
    "quokkaberry",
    "pangolinworry",
    "ocelotgreeting",
)
SENTENCE = f"my brother {SAID} is seeing things and shouting"
POINT = ("39.7391", "-104.9847")
BY = "Mariabella"  # somebody of the staff: named in our tables, and in no log
EVERYTHING = (
    f"{SENTENCE} {WHERE} {CODE} {REASON} {NOTE} {NUMBER} {STAFF} {POINT[0]}, {POINT[1]} {BY}"
)
TOO_LONG = EVERYTHING * (1024 * 1024 // len(EVERYTHING) + 1)
MESSAGES = re.compile(rf"{TWILIO}/.*/Messages\.json")
CALLS = re.compile(rf"{TWILIO}/.*/Calls")
SPOKEN_PLACE = f"Main St and 3rd Ave by the {WHERE}"
LOST_TO = "+17205550183"
RUNG = ("+17205550135", "Rosalindbell")  # somebody of the staff who is paged by call


# ---- looking -------------------------------------------------------------------------------------


def numbers(*told: str) -> list[str]:
    """A number in the forms people and programs write it. Ten digits: fewer stand in ids by
    chance."""
    ten = [number[2:] for number in told]
    return ten + [f"{one[:3]}{gap}{one[3:6]}-{one[6:]}" for one in ten for gap in ("-", " ", ") ")]


WORDS = (
    SAID,
    WHERE,
    CODE,
    REASON,
    NOTE,
    POINT[0],
    POINT[1],
    *numbers(NUMBER, OTHER, THIRD, STAFF, RUNG[0], LOST_TO),
)


def hidden(word: str) -> Iterator[str]:
    """The word as base64 and hex would show it."""
    yield word.encode().hex()
    for shift in range(3):  # where in a group of three letters it may begin
        yield base64.b64encode(b"\0" * shift + word.encode()).decode()[4 if shift else 0 : -4]


@cache
def wanted(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What to look for whatever the case, and what to look for as it stands."""
    return tuple(word.lower() for word in words), tuple(
        code for word in words for code in hidden(word) if len(code) >= 8
    )


def spoken(text: str, words: tuple[str, ...] = WORDS) -> list[str]:
    """Which of the words stand in a text, each with what is around it."""
    plain, coded = wanted(words)
    lower = text.lower()
    found = [(lower, word) for word in plain if word in lower] + [
        (text, code) for code in coded if code in text
    ]
    return [
        f"{where[max(0, where.find(word) - 60) : where.find(word)]}>>{word}<<"
        for where, word in found
    ]


def secrets_of(house: House) -> tuple[str, ...]:
    """Everything the machine was told in confidence, as it could be written down."""
    settings: Settings = house.app.extensions["caller_settings"]
    keys = [raw for _, raw in (*settings.data_keys, *settings.index_keys)]
    named = [settings.secret(one.secret) for one in house.parts.program.destinations if one.secret]
    return (
        *settings.twilio_auth_tokens, settings.secret_key, settings.metrics_token, house.token,
        settings.seed.hex(),
        *(text for raw in keys for text in (raw.hex(), base64.b64encode(raw).decode(), repr(raw)[2:-1])),
        *named, *(secret.removeprefix("whsec_") for secret in named),
    )  # fmt: skip


class Ears(logging.Handler):
    """Hears every record of the program whole: arguments, extra fields, traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[tuple[str, str, str]] = []  # logger, message, all of it

    def emit(self, record: logging.LogRecord) -> None:
        kept = copy.copy(record)
        trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        self.heard.append(
            (record.name, record.getMessage(), f"{kept.__dict__!r} {kept.getMessage()} {trace}")
        )


@contextlib.contextmanager
def listening() -> Iterator[tuple[Ears, io.StringIO]]:
    """Logging as `serve` and `work` set it up, heard to the last record; and all that is
    printed."""
    root, engine = logging.getLogger(), logging.getLogger("dbos")
    loggers = [
        root,
        *(
            logging.getLogger(name)
            for name in (
                "alembic",
                "dbos",
                "werkzeug",
                "urllib3",
                "twilio",
                "sqlalchemy",
                "caller_service",
            )
        ),
    ]
    before = [(one, one.level, list(one.handlers)) for one in loggers]
    ears, printed = Ears(), io.StringIO()
    with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(printed):
        log_plainly()
        for handler in root.handlers:
            handler.setLevel(logging.INFO)
        root.setLevel(logging.DEBUG)
        root.handlers.insert(0, ears)
        engine.addHandler(ears)  # it keeps its records to itself
        try:
            yield ears, printed
        finally:
            for one, level, handlers in before:
                one.setLevel(level)
                one.handlers[:] = handlers


def of_ours() -> Iterator[type]:
    """Every class the program declares."""
    for module in pkgutil.walk_packages(caller_service.__path__, "caller_service."):
        for _, found in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if found.__module__ == module.name:
                yield found


def data_classes() -> list[type]:
    return [one for one in of_ours() if dataclasses.is_dataclass(one)]


def errors_of_ours() -> list[type]:
    return [one for one in of_ours() if issubclass(one, Exception)]


KEPT = 60  # of each class


@contextlib.contextmanager
def collecting() -> Iterator[dict[type, list[Any]]]:
    """Keeps what is made of every data class and error of ours: of each class the first, and then
    every so often one."""
    made: dict[type, list[Any]] = defaultdict(list)
    count: dict[type, int] = defaultdict(int)
    before = []

    def noting(begin: Callable[..., None]) -> Callable[..., None]:
        def noted(self: Any, *args: Any, **named: Any) -> None:
            begin(self, *args, **named)
            kind = type(self)
            count[kind] += 1
            if len(made[kind]) < KEPT:
                made[kind].append(self)
            elif isinstance(self, Exception) or count[kind] % 17 == 0:
                made[kind][count[kind] % KEPT] = self

        return noted

    for one in [*data_classes(), *errors_of_ours()]:
        if (
            "__init__" in vars(one)
            or dataclasses.is_dataclass(one)
            or one.__bases__ == (Exception,)
        ):
            before.append((one, vars(one).get("__init__")))
            one.__init__ = noting(one.__init__)  # type: ignore[misc]
    try:
        yield made
    finally:
        for one, begin in before:
            if begin is None:
                del one.__init__  # type: ignore[misc]
            else:
                one.__init__ = begin  # type: ignore[misc]


# ---- what was seen -------------------------------------------------------------------------------


@dataclass(repr=False)
class Seen:
    """What a run left behind."""

    secrets: tuple[str, ...] = ()
    heard: list[tuple[str, str, str]] = field(default_factory=list)
    printed: str = ""
    # path without query, status, headers, body
    answers: list[tuple[str, int, str, str]] = field(default_factory=list)
    # method and URL, headers: of what we asked outside
    asked: list[tuple[str, str]] = field(default_factory=list)
    ours: dict[str, str] = field(default_factory=dict)  # table -> its rows
    jobs: dict[str, str] = field(default_factory=dict)
    failed_jobs: list[str] = field(default_factory=list)  # as the engine logs and keeps them
    database: list[str] = field(default_factory=list)  # errors of the database, in their own words
    made: dict[type, list[Any]] = field(default_factory=dict)
    packets: str = ""  # what dispatch was told: there everything has to be
    sent: str = ""
    server_log: str = ""
    raw: str = ""  # the files of the database, byte for byte


@pytest.fixture(scope="module")
def told(built: Flask) -> Iterator[Seen]:
    """One run, with everything going right and then everything going wrong."""
    seen = Seen()
    with (
        pytest.MonkeyPatch.context() as patch,
        responses.RequestsMock(assert_all_requests_are_fired=False) as outside,
    ):
        house = House(built, outside)
        seen.secrets = secrets_of(house)
        try:
            with listening() as (ears, printed), collecting() as made, hurried(house.parts.engine):
                Story(house, seen, patch).play()
            seen.heard, seen.printed, seen.made = ears.heard, printed.getvalue(), made
            look_at_the_database(house, seen)
        finally:
            patch.undo()
            house.clean()
            leave_nothing(house.parts.engine)
    yield seen


def leave_nothing(engine: sa.Engine) -> None:
    """PostgreSQL's tables are as small again as they were."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as conn:
            conn.exec_driver_sql(
                "TRUNCATE " + ", ".join(f'"{table}"' for table in Base.metadata.tables)
            )


def look_at_the_database(house: House, seen: Seen) -> None:
    engine = house.parts.engine
    lite = engine.dialect.name == "sqlite"
    with engine.connect() as conn:
        ours = set(Base.metadata.tables)
        for schema in (None,) if lite else (None, "dbos"):
            for table in sa.inspect(conn).get_table_names(schema=schema):
                rows = conn.exec_driver_sql(
                    f'SELECT * FROM "{schema}"."{table}"' if schema else f'SELECT * FROM "{table}"'
                )
                text = "\n".join(
                    " | ".join(
                        value.decode("latin-1") if isinstance(value, bytes) else str(value)
                        for value in row
                    )
                    for row in rows
                )
                (seen.ours if table in ours and schema is None else seen.jobs)[table] = text
    if lite:
        file = Path(str(engine.url.database))
        seen.raw = "".join(
            one.read_bytes().decode("latin-1") for one in sorted(file.parent.glob(f"{file.name}*"))
        )
    log = Path(str(engine.url.query.get("host", ""))) / "log"
    seen.server_log = log.read_text() if not lite and log.is_file() else ""


@contextlib.contextmanager
def hurried(engine: sa.Engine) -> Iterator[None]:
    """SQLite does not wait for the disk; PostgreSQL prepares nothing, or it would find a table
    under another name."""

    def begun(connection: Any, _record: Any) -> None:
        if engine.dialect.name == "sqlite":
            connection.execute("PRAGMA synchronous=OFF")
        else:
            connection.prepare_threshold = None

    engine.dispose()
    sa.event.listen(engine, "connect", begun)
    try:
        yield
    finally:
        sa.event.remove(engine, "connect", begun)
        engine.dispose()


# ---- the run -------------------------------------------------------------------------------------


class Blurts:
    """A part that fails whatever it is asked, and says everything it knows while failing."""

    def __init__(self, problem: Callable[[], Exception]) -> None:
        object.__setattr__(self, "_problem", problem)

    def __getattribute__(self, name: str) -> Any:
        raise object.__getattribute__(self, "_problem")()


PROBLEMS: tuple[Callable[[], Exception], ...] = (
    lambda: RuntimeError(EVERYTHING),
    lambda: sa.exc.OperationalError(
        "INSERT INTO message", {"words": EVERYTHING}, Exception(EVERYTHING)
    ),
    # read as "somebody was quicker"
    lambda: sa.exc.IntegrityError(
        "INSERT INTO contact", {"number": EVERYTHING}, Exception(EVERYTHING)
    ),
)

JOBS: dict[str, Callable[..., object]] = {
    "deliver": deliver,
    "send_text": send_text,
    "catch_up": fetch_missed_texts,
    "call_person": call_person,
    "ask_after": ask_after,
    "redact_text": redact_text,
}
CLOCKS_DONE = threading.Event()  # no sweep is under way
CLOCKS_DONE.set()
BODY = json.dumps(
    {
        "code": 20500,
        "message": EVERYTHING,
        "more_info": f"https://twilio.test/{NUMBER}",
        "status": 500,
    }
)

# How Twilio fails: it does not answer well, or says no. Each answer quotes everything.
TWILIO_FAILS: tuple[Any, ...] = (
    (500, BODY), (429, BODY), (503, f"<html>{EVERYTHING}"), (201, f"<html>{EVERYTHING}"),
    (500, json.dumps([EVERYTHING])), requests.ReadTimeout(EVERYTHING),
    requests.ConnectTimeout(EVERYTHING), requests.ConnectionError(EVERYTHING),
    requests.exceptions.ChunkedEncodingError(EVERYTHING),
)  # fmt: skip
TWILIO_REFUSES: tuple[Any, ...] = tuple(
    (status, json.dumps({"code": code, "message": EVERYTHING, "status": status}))
    for status, code in (
        (400, 21610),
        (400, 21211),
        (404, 20404),
        (400, 99999),
        (401, 20003),
        (400, EVERYTHING),
    )
)
CAD_FAILS: tuple[Any, ...] = (
    (500, EVERYTHING), (404, EVERYTHING), (302, EVERYTHING), requests.ConnectionError(EVERYTHING),
    requests.ReadTimeout(EVERYTHING), requests.exceptions.InvalidURL(EVERYTHING),
    RuntimeError(EVERYTHING),
)  # fmt: skip
LISTS_FAIL: tuple[Any, ...] = (
    (500, BODY),
    (200, EVERYTHING),
    (200, "{}"),
    requests.ReadTimeout(EVERYTHING),
    RuntimeError(EVERYTHING),
)


class Story:
    """Plays one run in a house, and notes what comes back."""

    def __init__(self, house: House, seen: Seen, patch: pytest.MonkeyPatch) -> None:
        self.house, self.seen, self.patch = house, seen, patch
        self.own, self.people = house.parts.engine, count()
        self.ladder = house.parts.program.ladder
        self.case_id = self.reference = self.text_id = self.call_id = ""
        house.outside.add_passthru("http://127.0.0.1:1")
        through = house.client.open

        def noted(*args: Any, **named: Any) -> Any:
            answer = through(*args, **named)
            path = str(args[0]) if args else ""
            seen.answers.append(
                (
                    path.partition("?")[0],
                    answer.status_code,
                    str(list(answer.headers)),
                    answer.get_data(as_text=True),
                )
            )
            return answer

        house.client.open = noted  # type: ignore[method-assign]
        sa.event.listen(self.own, "handle_error", self._note)

    def _note(self, context: Any) -> None:
        problem = context.sqlalchemy_exception or context.original_exception
        self.seen.database.append("".join(traceback.format_exception_only(problem)))

    def play(self) -> None:
        try:
            self.everything_goes_right()
            self.calls_go_right()
            self.residents_call()
            self.twilio_fails()
            self.calls_fail()
            self.dispatch_fails()
            self.lists_fail()
            self.somebody_was_quicker()
            self.cases_are_damaged()
            self.every_part_fails()
            self.every_table_fails()
            self.every_door_is_misused()
            self.a_call_is_slow()
            self.the_worker_runs()
        finally:
            sa.event.remove(self.own, "handle_error", self._note)
            self.seen.packets, self.seen.sent = (
                json.dumps(self.house.posted),
                json.dumps(self.house.sent + self.house.rung),
            )

    # ---- steps
    def runs(self, twilio: Any = (201, ""), cad: Any = (202, ""), listed: Any = (200, "")) -> None:
        """Run every waiting job once, as the worker runs it."""
        house = self.house
        self.outside_says(twilio, cad, listed)
        prefix = "" if self.own.dialect.name == "sqlite" else "dbos."
        for job_id, name, reference in house.jobs():
            self.job(name, reference)
            with self.own.begin() as conn:
                conn.execute(
                    sa.text(
                        f"UPDATE {prefix}workflow_status SET status = 'SUCCESS' WHERE "
                        f"workflow_uuid = :id"
                    ),
                    {"id": job_id},
                )

    def job(self, name: str, reference: str) -> None:
        try:
            _with_private_errors(name, partial(JOBS[name], self.house.parts), CLOCKS_DONE)(
                reference
            )
        except JobFailed as problem:
            self.seen.failed_jobs.append(
                "".join(traceback.format_exception(problem)) + repr(problem)
            )

    def job_again(self, name: str, reference: str) -> None:
        """Run it once more: what the try before held is free, as a sweep leaves it in time."""
        with self.house.parts.engine.begin() as conn:
            for table in (Base.metadata.tables[one] for one in ("message", "call", "delivery")):
                conn.execute(sa.update(table).values(claimed_by=None))
        self.job(name, reference)

    def outside_says(
        self, twilio: Any = (201, ""), cad: Any = (202, ""), listed: Any = (200, "")
    ) -> None:
        house, seen = self.house, self.seen
        house.outside.reset()

        def answer(to: Any, well: Callable[[Any], Any]) -> Callable[[Any], Any]:
            def answered(request: Any) -> Any:
                seen.asked.append(
                    (
                        f"{request.method} {request.url}",
                        str({**request.headers, "Authorization": ""}),
                    )
                )
                if isinstance(to, Exception):
                    raise to
                return (to[0], {}, to[1]) if to[1] or to[0] >= 300 else well(request)

            return answered

        empty = json.dumps({"messages": [], "next_page_uri": None, "uri": ""})
        house.outside.add_callback(
            "POST", MESSAGES, answer(twilio, lambda request: house._twilio(request, 201))
        )
        house.outside.add_callback(
            "GET",
            re.compile(MESSAGES.pattern + ".*"),
            answer(listed, lambda request: (200, {}, empty)),
        )
        house.outside.add_callback(
            "POST",
            re.compile(CALLS.pattern + r"\.json"),
            answer(twilio, lambda request: house._rings(request, 201)),
        )
        house.outside.add_callback(
            "POST",
            re.compile(CALLS.pattern + "/.*"),
            answer(twilio, lambda request: house._hangs_up(request.url)),
        )
        house.outside.add_callback(
            "POST",
            re.compile(rf"{TWILIO}/.*/Messages/\w+\.json"),
            answer(twilio, lambda _: (200, {}, json.dumps({"sid": "SM" + "0" * 32}))),
        )
        calls = json.dumps({"calls": [], "next_page_uri": None, "uri": ""})
        house.outside.add_callback(
            "GET",
            re.compile(CALLS.pattern + r"\.json.*"),
            answer(listed, lambda request: (200, {}, calls)),
        )
        house.outside.add_callback(
            "GET",
            re.compile(CALLS.pattern + "/.*"),
            answer(twilio, lambda request: house._stands(request.url)),
        )
        house.outside.add_callback(
            "POST", CAD, answer(cad, lambda request: house._cad(request, 202))
        )

    def sweeps(self) -> None:
        # the worker's own loop says so, see the_worker_runs
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            sweep(self.house.parts)

    def settles(self) -> None:
        for _ in range(20):
            if not self.house.jobs():
                return
            self.runs()

    def forgets(self) -> None:
        """Nothing waits any more: neither jobs, nor clocks, nor what would be tried again."""
        prefix = "" if self.own.dialect.name == "sqlite" else "dbos."
        with self.own.begin() as conn:
            conn.execute(
                sa.text(
                    f"UPDATE {prefix}workflow_status SET status = 'SUCCESS' WHERE status = "
                    f"'ENQUEUED'"
                )
            )
            for table, column in (
                ("case", "due_at"),
                ("message", "next_at"),
                ("delivery", "next_at"),
                ("call", "next_at"),
                ("callback", "next_at"),
                ("leg", "next_at"),
            ):
                conn.execute(sa.update(Base.metadata.tables[table]).values({column: None}))

    def on_duty(self) -> Resident:
        return self.house.resident(STAFF)

    # ---- everything goes right
    def everything_goes_right(self) -> None:
        house = self.house
        me = house.resident(NUMBER).texts(
            SENTENCE,
            f"code {CODE}",
            "3",
            "2",
            "2",
            "2",
            "1",
            "1",
            f"Main St and 3rd Ave by the {WHERE}",
        )
        # a word beside the corner that nobody knows: a human checks the place
        me.texts("2", "2").told("end.team_place")
        self.settles()
        path = f"/{me.case().id}"
        assert me.case().sealed_code_word, "a code word was set"

        me.texts(
            "status",
            f"{CODE} status",
            f"wrong{CODE} status",
            "quiet",
            "español",
            "english",
            f"it is {SAID} again, at the {WHERE}",
        )
        me.texts("STOP").texts("START").texts("HELP").posts("stop", OptOutType="STOP")
        me.texts("start")
        dispatch = house.dispatch
        assert (
            dispatch(
                path + "/acknowledgement", {"answer": "decline", "by": BY, "reason": REASON}
            ).status_code
            == 200
        )
        assert (
            dispatch(
                path + "/acknowledgement", {"answer": "accept", "by": BY, "in_minutes": 20}
            ).status_code
            == 200
        )
        assert (
            dispatch(path + "/acknowledgement", {"answer": "accept", "by": "Second"}).get_json()[
                "held_by"
            ]
            == BY
        )
        assert dispatch(path + "/notes", {"by": BY, "words": NOTE}).status_code == 200
        self.settles()
        for status in ("assigned", "en_route", "unreachable", "arrived"):
            assert (
                dispatch(
                    path + "/status", {"status": status, "by": BY, "reason": f"{REASON} {status}"}
                ).status_code
                == 200
            )
        for door in ("", path, path + "/messages"):
            assert dispatch(door, method="GET").status_code == 200
        self.settles()

        danger = (
            house.resident(OTHER).texts(f"he took all the pills, {SAID}").told("danger.overdose")
        )
        danger.texts("1", ", ".join(POINT)).posts(
            "", NumMedia="1", MediaUrl0=f"https://media.test/{SAID}"
        )
        house.wait(200)
        self.sweeps()
        self.on_duty().texts(danger.case().reference).told("page.accepted").texts(SENTENCE).told(
            "page.code_first"
        )
        danger.texts("close").told("cancel.human").texts("worse", "0", "911")
        self.settles()
        assert (
            dispatch(f"/{danger.case().id}/status", {"status": "closed", "by": BY}).status_code
            == 409
        )
        closed = {"status": "closed", "by": BY, "outcome": "safe", "reason": REASON}
        assert dispatch(f"/{danger.case().id}/status", closed).status_code == 200

        calm = (
            house.resident(THIRD)
            .texts(f"hi, {SAID} here", f"code {CODE}", f"{CODE} close")
            .told("cancel.done")
        )
        calm.texts("is the pie shop open", SENTENCE)
        house.resident("Anonymous").texts(SENTENCE)
        signed(house, "/twilio/voice", {"CallSid": "CA1", "From": NUMBER})
        self.receipts("SMreal00")
        self.settles()

    def receipts(self, sid: str) -> None:
        for row in self.house.rows("message", direction="out")[-3:]:
            for state, error in (
                ("sent", ""),
                (SAID, NUMBER),
                ("undelivered", "30006"),
                ("failed", EVERYTHING),
                ("delivered", ""),
            ):
                fields = {
                    "MessageSid": sid + row.id[-4:],
                    "MessageStatus": state,
                    "ErrorCode": error,
                    "To": NUMBER,
                    "ErrorMessage": EVERYTHING,
                }
                signed(self.house, f"/twilio/receipts/message?id={row.id}", fields)

    def waiting_text(self, number: str) -> str:
        """The id of a text to somebody who is owed it: nobody asked for it just now."""
        person = self.house.resident(number).texts("0", "2", "1", SENTENCE)
        by = f"{BY} {person.number[-4:]}"  # nobody holds more than three dangers
        assert (
            self.house.dispatch(
                f"/{person.case().id}/acknowledgement", {"answer": "accept", "by": by}
            ).status_code
            == 200
        )
        return str(self.house.rows("message", case_id=person.case().id, keys="human.joined")[0].id)

    # ---- calls
    def rings(self, number: str) -> Any:
        """A danger for which somebody is rung whose phone is free: the call's row."""
        house, table = self.house, Base.metadata.tables["call"]
        with self.own.begin() as conn:
            conn.execute(sa.update(table).values(state="completed", rank=6))
        house.wait(61)  # while more wait than people can take, everybody is asked once a minute
        rung = Rung("danger", RUNG[1], "call", RUNG[0])
        house.change(program=dataclasses.replace(house.parts.program, ladder=(rung, *self.ladder)))
        try:
            case_id = house.resident(number).texts(f"he took all the pills, {SAID}").case().id
        finally:
            house.change(
                program=dataclasses.replace(
                    house.parts.program,
                    ladder=(*self.ladder, dataclasses.replace(rung, ladder="none")),
                )
            )
        return house.rows("call", case_id=case_id)[0]

    def calls_go_right(self) -> None:
        call = self.rings("+17205550137")
        self.settles()
        person = {
            "CallSid": "CAreal00",
            "From": OTHER,
            "To": RUNG[0],
            "CallStatus": "in-progress",
            "AnsweredBy": "human",
        }
        at = f"/twilio/page/key?id={call.id}&time=1"
        for path, more in (
            (f"/twilio/page/call?id={call.id}", {}),
            (at, {"Digits": SAID}),
            (at, {"Digits": "1"}),
        ):
            signed(self.house, path, person | more)
        update = self.lost_text()
        for path, more in (
            (f"/twilio/update/call?id={update}", {}),
            (f"/twilio/update/key?id={update}&time=1", {"Digits": "1"}),
        ):
            signed(self.house, path, person | more)
        for state in ("ringing", SAID, "completed"):
            fields = {
                "CallSid": "CAreal00",
                "CallStatus": state,
                "To": RUNG[0],
                "SipResponseCode": EVERYTHING,
            }
            signed(self.house, f"/twilio/receipts/call?id={call.id}", fields)
        self.settles()

    def residents_call(self) -> None:
        """Calls of residents, whole: keys, words, a place, a human who joins, a callback with a
        name that was agreed."""
        house, whole = self.house, self.house.parts.program
        phone = dataclasses.replace(whole.phone, speech=True)
        house.change(program=dataclasses.replace(whole, phone=phone))
        me = Caller(house, "+17205558181").rings().says(SENTENCE)
        me.presses("2", "2", "1", "2", "2", "1", "1", "1")
        me.says(SPOKEN_PLACE).told("spoken.place.heard", place=SPOKEN_PLACE).presses(SAID, "1")
        me.presses("1").is_silent()
        self.settles()
        house.change(program=whole)
        calls = (
            Caller(house, "+17205558182").rings().presses("1", "2", "2", "2", "2", "1", "1", "2")
        )
        calls.hangs_up()
        self.settles()
        path = f"/{calls.case().id}/callbacks"
        told = {"by": BY, "in_minutes": 1, "ask_for": NOTE}
        booked = house.dispatch(path, told).get_json()["callbacks"][0]
        assert booked["ask_for"] == NOTE
        house.dispatch(f"{path}/{booked['id']}/outcome", {"by": BY, "outcome": "wrong_person"})
        house.dispatch(f"{path}/{booked['id']}/cancel", {"by": BY})
        house.dispatch(path, told)
        house.wait(61)
        self.sweeps()
        self.settles()
        danger = self.waiting_caller("+17205558183")
        danger.presses("4", "9").is_silent(2)
        self.call_id = str(house.rows("call", case_id=danger.case().id)[0].id)
        person = {"CallSid": "CAreal07", "To": STAFF, "CallStatus": "in-progress"}
        for door, more in (("call", {}), ("key", {"Digits": "1"})):
            signed(house, f"/twilio/page/{door}?id={self.call_id}&time=1", person | more)
        danger.is_joined(self.call_id)
        house.dispatch(f"/{danger.case().id}/calls", method="GET")
        danger.hangs_up()

    def waiting_caller(self, number: str) -> Caller:
        """Somebody in danger, in the queue of their case."""
        me = Caller(self.house, number).rings().presses("1", "1")
        self.sweeps()
        self.settles()
        return me

    def a_call_is_slow(self) -> None:
        """A step that cannot be written in time, and a callback that cannot be looked at."""
        house = self.house
        me = Caller(house, "+17205558184").rings()

        def slow(*_: Any, **__: Any) -> Any:
            raise NotWritten(EVERYTHING)

        self.patch.setattr(legs, "advance", slow)
        for fields in ({"Digits": "1"}, {"SpeechResult": SENTENCE, "Confidence": "0.9"}):
            answer = me._asks(me.action, **fields)
            assert "<Redirect" in answer.text
            assert spoken(answer.text) == []
        self.patch.undo()
        calls = (
            Caller(house, "+17205558185").rings().presses("1", "2", "2", "2", "2", "1", "1", "2")
        )
        house.dispatch(f"/{calls.case().id}/callbacks", {"by": BY, "in_minutes": 1})
        house.wait(61)
        self.patch.setattr(callbacks, "by_id", lambda *_: _blurt(PROBLEMS[0]))
        self.sweeps()
        self.patch.undo()

    def lost_text(self) -> str:
        """A text that did not reach a resident who may be called: the id of the call."""
        house = self.house
        me = house.resident(LOST_TO).texts(SENTENCE, "1", "2", "2", "2", "1", "2")
        lost = house.rows("message", case_id=me.case().id, direction="out")[0]
        signed(
            house,
            f"/twilio/receipts/message?id={lost.id}",
            {"MessageSid": "SMlost00", "MessageStatus": "undelivered", "To": LOST_TO},
        )
        self.settles()
        return str(house.rows("call", text_id=lost.id)[0].id)

    def lost_alert(self) -> None:
        """What somebody who has a danger is told of it does not reach their phone."""
        house = self.house
        name = next(rung.name for rung in house.parts.program.ladder if rung.number)
        me = house.resident("+17205558197").texts("i took all my pills")
        self.settles()
        house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": name})
        me.texts(SENTENCE)
        self.settles()
        told = [row for row in house.rows("message", person=name) if row.keys.startswith("alert.")]
        signed(
            house,
            f"/twilio/receipts/message?id={told[-1].id}",
            {"MessageSid": "SMlost01", "MessageStatus": "undelivered", "To": STAFF},
        )
        self.settles()

    def calls_fail(self) -> None:
        self.lost_alert()
        for place, fails in enumerate((*TWILIO_FAILS, *TWILIO_REFUSES)):
            call = self.rings(f"+172055581{place:02}")
            self.outside_says(twilio=fails)
            self.job("call_person", call.id)
            self.outside_says(twilio=fails, listed=LISTS_FAIL[place % len(LISTS_FAIL)])
            self.job("call_person", call.id)  # if its end is not known, it is looked for first
        call = self.rings("+17205558199")
        self.outside_says()
        self.job("call_person", call.id)
        for fails in (*TWILIO_FAILS, *TWILIO_REFUSES):
            self.outside_says(twilio=fails)
            self.job_again("call_person", call.id)  # what became of it?

    # ---- what fails outside
    def twilio_fails(self) -> None:
        for place, fails in enumerate((*TWILIO_FAILS, *TWILIO_REFUSES)):
            text = self.waiting_text(f"+172055501{40 + place}")
            self.outside_says(twilio=fails)
            self.job("send_text", text)
            self.outside_says(twilio=fails, listed=LISTS_FAIL[place % len(LISTS_FAIL)])
            self.job_again("send_text", text)  # if its end is not known, it is looked for first
            self.outside_says(twilio=fails)
            self.job("redact_text", self.redaction_is_due())

    def redaction_is_due(self) -> str:
        """A text whose copy the provider is to erase, as of a request that ended long ago."""
        text = Base.metadata.tables["message"]
        mine = sa.select(text.c.id).where(
            text.c.provider == "twilio", text.c.provider_id.like("SM%")
        )
        with self.own.begin() as conn:
            found = str(conn.execute(mine.limit(1)).scalar_one())
            due = self.house.clock()
            conn.execute(sa.update(text).where(text.c.id == found).values(redact_at=due))
        return found

    def dispatch_fails(self) -> None:
        case_id = (
            self.house.resident("+17205550139").texts(f"he took all the pills, {SAID}").case().id
        )
        (delivery,) = (
            row.id for row in self.house.rows("delivery", state="waiting", case_id=case_id)
        )
        for fails in CAD_FAILS * 4:
            self.outside_says(cad=fails)
            self.job_again("deliver", delivery)
        assert self.house.rows("delivery", id=delivery)[0].state == "dead"
        case_id = (
            self.house.resident("+17205550136").texts(f"he took all the pills, {SAID}").case().id
        )
        self.outside_says(cad=(200, "\x00\xff" + EVERYTHING))
        self.job("deliver", self.house.rows("delivery", state="waiting", case_id=case_id)[0].id)

    def lists_fail(self) -> None:
        for fails in LISTS_FAIL:
            self.outside_says(listed=fails)
            self.job("catch_up", "")

    def listed(self, *texts: tuple[str, str]) -> tuple[int, str]:
        """Twilio's list holds these texts: from, words; each under a SID of its own."""
        at = format_datetime(self.house.clock() - timedelta(minutes=5))
        found = [
            {
                "sid": f"SM{secrets.token_hex(16)}",
                "from": number,
                "body": words,
                "direction": "inbound",
                "date_sent": at,
            }
            for number, words in texts
        ]
        return 200, json.dumps({"messages": found, "next_page_uri": None, "uri": ""})

    # ---- what fails inside
    def somebody_was_quicker(self) -> None:
        me = self.house.resident("+17205550143").texts(SENTENCE, sid="SMquicker1")
        me.posts(SENTENCE, sid="SMquicker1")
        begin = turns.load_turn
        seen: list[int] = []

        def once(*args: Any) -> Any:
            begun = begin(*args)
            seen.append(1)
            return begun if len(seen) > 1 else begun._replace(contact=None, case=None)

        self.patch.setattr(turns, "load_turn", once)
        me.texts(SENTENCE)
        self.patch.setattr(turns, "load_turn", begin)
        assert len(seen) == 2, "the number was taken, so the turn ran again"

        def behind(*args: Any) -> Any:
            begun = begin(*args)
            return begun._replace(case=dataclasses.replace(begun.case, version=0))

        self.patch.setattr(turns, "load_turn", behind)  # somebody wrote the case in between
        me.posts(SENTENCE)
        self.patch.setattr(turns, "load_turn", begin)

    def cases_are_damaged(self) -> None:
        """Cases that cannot be read, decided or handed off: sealed elsewhere, no JSON, another
        shape, codes that are words."""
        house, table = self.house, Base.metadata.tables["case"]
        seal = house.parts.sealer.seal
        damages: list[Callable[[str], dict[str, Any]]] = [
            lambda case_id: {"sealed_narrative": seal(SENTENCE, f"case.place.{case_id}")},
            lambda case_id: {"sealed_narrative": SENTENCE.encode()},
            lambda case_id: {"sealed_narrative": seal(SENTENCE, f"case.narrative.{case_id}")},
            lambda case_id: {
                "sealed_place": seal(json.dumps([EVERYTHING]), f"case.place.{case_id}")
            },
            lambda case_id: {
                "sealed_narrative": seal(
                    json.dumps([[], [EVERYTHING]]), f"case.narrative.{case_id}"
                )
            },
        ]
        for place, damage in enumerate(damages):
            self.forgets()
            me = house.resident(f"+1720555016{place}").texts(f"he took all the pills, {SAID}", "1")
            row = me.case()
            with self.own.begin() as conn:
                conn.execute(
                    sa.update(table)
                    .where(table.c.id == row.id)
                    .values(due_at=house.clock(), **damage(row.id))
                )
            self.sweeps()
            me.posts(SENTENCE)
            house.dispatch(f"/{row.id}/acknowledgement", {"answer": "accept", "by": BY})
            house.dispatch("", method="GET")
            self.on_duty().posts(row.reference)
            self.runs()
            with self.own.begin() as conn:
                conn.execute(
                    sa.update(table)
                    .where(table.c.id == row.id)
                    .values(due_at=None, sealed_narrative=None, sealed_place=None)
                )

    def everything(self, job_ids: list[tuple[str, str]]) -> None:
        """One of each thing that comes in, and one of each that is done unasked, while something is
        broken."""
        house = self.house
        house.wait(10)
        for number in (NUMBER, f"+1720556{time.monotonic_ns() % 10_000:04}", STAFF, "Anonymous"):
            house.resident(number).posts(SENTENCE)
        self.on_duty().posts(self.reference)
        for door in (
            "page/call?", "page/key?time=1&", "page/parted?", "receipts/call?", "voice/joined?",
            "voice/callback?", "voice/key?leg=nobody&step=1&", "voice/wait?leg=nobody&step=1&",
            "voice?",
        ):  # fmt: skip
            fields = {
                "CallSid": f"CA{secrets.token_hex(16)}",
                "CallStatus": "ringing",
                "To": RUNG[0],
                "From": NUMBER,
                "Digits": "1",
            }
            signed(house, f"/twilio/{door}id={self.call_id}", fields)
        signed(
            house,
            f"/twilio/receipts/message?id={self.text_id}",
            {"MessageStatus": "sent", "MessageSid": f"SM{secrets.token_hex(16)}", "To": NUMBER},
        )
        for door, told in (
            ("acknowledgement", {"answer": "decline", "by": BY, "reason": REASON}),
            ("acknowledgement", {"answer": "accept", "by": BY}),
            ("status", {"status": "en_route", "by": BY, "reason": REASON}),
            ("notes", {"by": BY, "words": NOTE}),
        ):
            house.dispatch(f"/{self.case_id}/{door}", told)
        for door in (
            "?limit=2",
            f"/{self.case_id}",
            f"/{self.case_id}/messages",
            f"/{SAID}",
            f"?limit=2&after={SAID}",
        ):
            house.dispatch(door, method="GET")
        for page in ("/", "/police", "/health/ready"):
            house.client.get(page)
        house.client.get(
            "/metrics", headers={"Authorization": f"Bearer {house.app.config['METRICS_TOKEN']}"}
        )
        with contextlib.suppress(Exception):  # what the worker's loop would meet
            sweep(house.parts)
        self.outside_says(
            listed=self.listed((NUMBER, SENTENCE), (STAFF, SENTENCE), ("x", SENTENCE))
        )
        for name, reference in [*job_ids, ("catch_up", "")]:
            self.job(name, reference)

    def prepared(self) -> list[tuple[str, str]]:
        """A case whose clock rings, a text of its and a delivery that wait: their jobs. What waited
        before is forgotten."""
        self.forgets()
        cases_table = Base.metadata.tables["case"]
        number = f"+1720557{next(self.people):04}"
        self.text_id = self.waiting_text(number)
        case = self.house.resident(number).case()
        self.case_id, self.reference = case.id, case.reference
        self.call_id = self.rings(f"+1720558{time.monotonic_ns() % 10_000:04}").id
        with self.own.begin() as conn:
            conn.execute(
                sa.update(cases_table)
                .where(cases_table.c.id == case.id)
                .values(due_at=self.house.clock())
            )
        return [(name, reference) for _, name, reference in self.house.jobs()]

    def every_part_fails(self) -> None:
        whole = self.house.parts
        for problem in PROBLEMS if self.own.dialect.name == "sqlite" else PROBLEMS[:1]:
            parts = ("engine", "sealer", "jobs", "now")
            if problem is PROBLEMS[0]:
                parts += (
                    "program",
                    "catalog",
                    "language_words",
                    "telephony",
                    "webhooks",
                    "new_id",
                    "new_reference",
                )
            jobs = self.prepared()
            for part in parts:
                function = part in ("now", "new_id", "new_reference")
                self.house.change(
                    **{part: partial(_blurt, problem) if function else Blurts(problem)}
                )
                try:
                    self.everything(jobs)
                finally:
                    self.house.change(**{part: getattr(whole, part)})

    def every_table_fails(self) -> None:
        lite = self.own.dialect.name == "sqlite"
        # of which nothing private is written
        for table in sorted(Base.metadata.tables.keys() - {"person", "area_state", "token"}):
            jobs = self.prepared()
            with self.unwritable(table):
                self.everything(jobs)
            if lite or table in ("case", "message"):
                with self.unreadable(table):
                    self.everything(jobs)

    @contextlib.contextmanager
    def unwritable(self, table: str) -> Iterator[None]:
        """Every row written to the table is refused; PostgreSQL's own words then quote the row."""
        lite = self.own.dialect.name == "sqlite"
        refuse = "BEGIN SELECT RAISE(FAIL, 'refused'); END"
        begin = [
            f'CREATE TRIGGER silent_{verb} BEFORE {verb} ON "{table}" {refuse}'
            for verb in ("INSERT", "UPDATE")
        ]
        end = ["DROP TRIGGER silent_INSERT", "DROP TRIGGER silent_UPDATE"]
        if not lite:
            begin, end = (
                [f'ALTER TABLE "{table}" ADD CONSTRAINT silent CHECK (false) NOT VALID'],
                [f'ALTER TABLE "{table}" DROP CONSTRAINT silent'],
            )
        yield from self._altered(begin, end)

    @contextlib.contextmanager
    def unreadable(self, table: str) -> Iterator[None]:
        yield from self._altered(
            [f'ALTER TABLE "{table}" RENAME TO away'], [f'ALTER TABLE away RENAME TO "{table}"']
        )

    def _altered(self, begin: list[str], end: list[str]) -> Iterator[None]:
        self._says(begin)
        try:
            yield
        finally:
            self._says(end)

    def _says(self, statements: list[str]) -> None:
        with self.own.begin() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement)

    # ---- doors
    def every_door_is_misused(self) -> None:
        house = self.house
        bearer = {"Authorization": f"Bearer {house.token}"}
        surrogate = json.dumps(
            {
                "by": f"\ud800 {SAID}",
                "words": f"\ud800 {NOTE}",
                "answer": "accept",
                "status": "en_route",
                "reason": "\ud800",
            }
        )
        bodies: list[dict[str, Any]] = [
            {},
            {
                "json": {
                    "answer": SENTENCE,
                    "status": SAID,
                    "by": [NUMBER],
                    "words": {SAID: NUMBER},
                    "at": WHERE,
                    "in_minutes": SAID,
                    "outcome": SAID,
                }
            },
            {
                "json": {
                    "answer": "decline",
                    "status": "closed",
                    "by": EVERYTHING * 9,
                    "words": EVERYTHING * 9,
                    "reason": EVERYTHING * 9,
                }
            },
            {"json": {SAID: WHERE, NUMBER: CODE}},
            {"json": [EVERYTHING]},
            {"json": EVERYTHING},
            {"data": f"{{{EVERYTHING}", "content_type": "application/json"},
            {"data": surrogate, "content_type": "application/json"},
            {
                "data": EVERYTHING.encode("utf-16"),
                "content_type": "application/json; charset=utf-8",
            },
            {"data": {"Body": SENTENCE, "From": NUMBER, "MessageSid": EVERYTHING}},
            {
                "data": {
                    "Body": EVERYTHING,
                    "From": EVERYTHING,
                    "MessageSid": "SMgarbage",
                    "OptOutType": EVERYTHING,
                    "To": EVERYTHING,
                }
            },
            {
                "data": f"Body={SAID}".encode() + b"\xff\x00;&=%zz",
                "content_type": "application/x-www-form-urlencoded",
            },
            {"data": TOO_LONG, "content_type": "application/x-www-form-urlencoded"},
            {"data": EVERYTHING, "content_type": f"multipart/form-data; boundary={SAID}"},
        ]
        paths = [
            re.sub(r"<[^>]*>", self.case_id, str(rule)) for rule in house.app.url_map.iter_rules()
        ]
        paths += [f"{path}/" for path in paths if path != "/"] + [
            re.sub(r"<[^>]*>", SAID, str(rule)) for rule in house.app.url_map.iter_rules()
        ]
        paths += [
            f"/api//v1/hand-offs/{SAID}",
            f"/{SAID}/{NUMBER}",
            f"/api/v1/{SAID}",
            f"/api/v1/hand-offs/{NUMBER}/{SAID}",
            f"/static/{SAID}.css",
            f"/twilio/{SAID}",
        ]
        asked = f"?lang={SAID}&after={SAID}&limit={SAID}&open={NUMBER}&id={NUMBER}&{SAID}={WHERE}"
        for path in dict.fromkeys(paths):
            for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", SAID.upper()):
                house.client.open(
                    path + asked,
                    method=method,
                    headers={"Authorization": f"Bearer {EVERYTHING}", "X-Said": SAID},
                )
            for body in bodies:
                house.client.open(
                    path,
                    method="POST",
                    headers={**bearer, "X-Twilio-Signature": SAID},
                    **copy.deepcopy(body),
                )
            house.client.open(path + asked, method="GET", headers=bearer)
        calls = [
            f"/twilio/{door}?id={who}"
            for door in ("page/call", "page/key", "update/call", "update/key", "receipts/call")
            for who in (NUMBER, SAID, self.call_id)
        ]
        for path in (
            "/twilio/sms",
            f"/twilio/receipts/message?id={NUMBER}",
            "/twilio/voice",
            *calls,
        ):
            for body in bodies:
                fields = body.get("data")
                if isinstance(fields, dict):
                    signed(house, path, fields)
            signed(house, path, {"From": NUMBER, "Body": SENTENCE})
            signed(house, path, {"From": NUMBER, "Body": TOO_LONG, "MessageSid": "SMtoolong"})

    # ---- the engine
    def the_worker_runs(self) -> None:
        """The real engine, with jobs that fail and a sweep that fails, each quoting everything."""
        house, leg = self.house, Base.metadata.tables["leg"]
        self.prepared()
        with self.own.begin() as conn:  # a call that says nothing is asked after
            live = sa.update(leg).where(leg.c.ended_at.is_(None))
            conn.execute(live.values(next_at=house.clock()))
        self.redaction_is_due()
        due, failed = cases.due, threading.Event()

        def once(*args: Any) -> Any:
            if not failed.is_set():
                failed.set()
                raise PROBLEMS[1]()
            return due(*args)

        self.patch.setattr(cases, "due", once)
        for pause in ("SWEEP", "POLL", "FINISH"):
            self.patch.setattr(worker, pause, 0.05)
        self.outside_says()
        broken = dataclasses.replace(
            house.parts, telephony=Blurts(PROBLEMS[0]), webhooks=Blurts(PROBLEMS[1])
        )  # type: ignore[arg-type]
        prefix = "" if self.own.dialect.name == "sqlite" else "dbos."
        query = sa.text(
            f"SELECT name, status FROM {prefix}workflow_status WHERE status <> 'SUCCESS'"
        )

        def done() -> bool:
            with self.own.connect() as conn:
                jobs = conn.execute(query).all()
            return {status for _, status in jobs} == {"ERROR"} and {
                name for name, _ in jobs
            } == set(JOBS)

        with worker_running(broken, "silent-worker"):
            until(done, "a job of each kind has failed")
        self.patch.setattr(cases, "due", due)


def _blurt(problem: Callable[[], Exception]) -> Any:
    raise problem()


# ---- what has to be so ---------------------------------------------------------------------------


def log_calls() -> Iterator[tuple[str, ast.Call]]:
    """Every place where the program logs."""
    levels = ("debug", "info", "warning", "error", "exception", "critical", "log")
    for file in sorted(Path(caller_service.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in levels
            ):
                continue
            if ast.unparse(node.func.value) in ("log", "logger", "logging"):
                yield f"{file.name}:{node.lineno}", node


def test_every_log_line_is_a_constant_with_references_beside_it() -> None:
    found = list(log_calls())
    assert len(found) >= 10
    for where, call in found:
        assert len(call.args) == 1 and isinstance(call.args[0], ast.Constant), (
            f"{where}: something is put into the message"
        )
        assert {each.arg for each in call.keywords} <= {"extra"}, (
            f"{where}: a traceback holds values"
        )
        for extra in call.keywords:
            assert isinstance(extra.value, ast.Dict), where
            assert {key.value for key in extra.value.keys if isinstance(key, ast.Constant)} <= set(
                PlainFormatter.SHOWN
            ), where


# the process ends with it; what the server's own files say is heard at the real door
NOT_PLAYED = {
    "lost the lock's connection: stopping", "an answer that nobody heard",
    # tests/web/residents: no word of theirs, and none in its fields
    "a key was not spent", "page failed", "a post was not kept",
    "a success was not stored",  # tests/web/test_failure_limit.py
    "nothing was erased",  # tests/casework/test_erasure.py
}  # fmt: skip


def test_everything_was_said_and_everything_went_wrong(told: Seen) -> None:
    """The other tests look for what was really there."""
    for word in (SAID, WHERE, REASON, BY, NUMBER, *POINT):
        assert word in told.packets, word
    for word in (NOTE, BY, NUMBER, STAFF, RUNG[0], LOST_TO):
        assert word in told.sent, word
    assert {400, 401, 403, 404, 405, 409, 413, 422, 503} <= {
        status for _, status, _, _ in told.answers
    }
    messages = {message for _, message, _ in told.heard}
    played = [
        call.args[0]
        for where, call in log_calls()
        if not where.startswith(("worker_process.py", "waitress_worker.py", "refusals.py"))
    ]
    assert {
        str(each.value) for each in played if isinstance(each, ast.Constant)
    } - NOT_PLAYED <= messages
    assert any(
        "job failed" in line and "fault=RuntimeError" in line for line in told.printed.splitlines()
    )
    assert told.failed_jobs and told.database and told.asked and told.made


def test_the_log_says_none_of_it(told: Seen) -> None:
    assert spoken(told.printed, (*WORDS, *told.secrets, BY)) == []


def test_no_record_holds_it_in_arguments_fields_or_traceback(told: Seen) -> None:
    """Whatever formatter an operator puts in, and at any level."""
    for name, message, whole in told.heard:
        assert spoken(whole, (*WORDS, *told.secrets, BY)) == [], f"{name}: {message}"


def test_no_table_of_ours_holds_it_in_plain(told: Seen) -> None:
    for table, rows in told.ours.items():
        assert spoken(rows, (*WORDS, *told.secrets)) == [], table
    assert BY in told.ours["journal"], "staff are named there"
    assert spoken(told.raw, (*WORDS, *told.secrets)) == [], "in the files of the database"
    assert spoken(told.server_log, (*WORDS, *told.secrets)) == [], "in the server's log"


def test_no_table_of_the_engine_holds_it(told: Seen) -> None:
    assert "JobFailed" in "".join(told.jobs.values()), "jobs failed, and their errors are kept"
    for table, rows in told.jobs.items():
        assert spoken(rows, (*WORDS, *told.secrets, BY)) == [], table
    for failed in told.failed_jobs:
        assert spoken(failed, (*WORDS, *told.secrets, BY)) == []


UNKNOWN = re.compile(r'"[^"]*": \["Unknown field."\]')


def test_no_answer_quotes_what_was_asked(told: Seen) -> None:
    """But for dispatch, which may read a case; a redirect, which repeats a path to whoever asked
    for it; and the place that a caller said, which is read back to them."""
    for path, status, headers, body in told.answers:
        if 300 <= status < 400 or (
            status == 200 and path.startswith(("/api/v1/hand-offs", "/EIDO/"))
        ):
            continue
        if path == "/twilio/voice/key":
            body = body.replace(SPOKEN_PLACE, "")
        if path.startswith("/console/"):  # where staff go on to, once they have signed in
            body = re.sub(r'name="then" value="[^"]*"', "", body)
        assert spoken(headers + UNKNOWN.sub("", body), (*WORDS, *told.secrets)) == [], (
            f"{status} {path}"
        )


def test_no_answer_repeats_the_names_of_unknown_fields(told: Seen) -> None:
    for path, status, _, body in told.answers:
        if status == 422:
            assert spoken(body) == [], path


def test_no_address_or_header_outside_holds_it(told: Seen) -> None:
    """A number is only in Twilio's own search for a text whose end is unknown: see the next
    test."""
    for url, headers in told.asked:
        ours = url.partition("Messages.json?To=%2B")[0] if url.startswith("GET ") else url
        assert spoken(ours + headers, (*WORDS, *told.secrets, BY)) == [], url
    assert {url.split()[0] for url, _ in told.asked} == {"GET", "POST"}
    for form in json.loads(told.sent):
        addresses = form["StatusCallback"] + form.get("Url", "")
        assert spoken(addresses, (*WORDS, *told.secrets, BY)) == [], (
            "where Twilio reports to, and asks what to say"
        )


def test_no_address_outside_holds_a_number(told: Seen) -> None:
    assert [
        url for url, _ in told.asked if spoken(url, tuple(numbers(NUMBER, OTHER, THIRD, STAFF)))
    ] == []


# ---- objects -------------------------------------------------------------------------------------


def test_nothing_that_was_made_shows_it(told: Seen) -> None:
    """`repr`, `str` and `format` of everything the run made: somebody may print or log any of it
    one day."""
    names = {kind.__name__ for kind in told.made}
    assert {
        "Turn",
        "Contact",
        "Text",
        "Case",
        "Step",
        "Decision",
        "PreparedWrite",
        "Say",
        "Words",
        "Scene",
        "PlaceGiven",
        "Command",
        "MissedText",
    } <= names
    for kind, made in told.made.items():
        texts = {text for one in made for text in (repr(one), str(one), f"{one}")}
        assert spoken("\n".join(texts), (*WORDS, *told.secrets)) == [], kind


def test_no_error_of_ours_quotes_it_with_its_causes(told: Seen) -> None:
    names = {kind.__name__ for kind in told.made if issubclass(kind, Exception)}
    assert {
        "CannotOpen",
        "Stale",
        "Refused",
        "OutcomeUnknown",
        "RetryLater",
        "ContactStopped",
        "DeliveryFailed",
        "JobFailed",
    } <= names
    for kind, made in told.made.items():
        if issubclass(kind, Exception):
            for one in made:
                assert (
                    spoken(
                        "".join(traceback.format_exception(one)) + repr(one.args),
                        (*WORDS, *told.secrets, BY),
                    )
                    == []
                ), kind


def test_no_error_of_the_database_quotes_it(told: Seen) -> None:
    """Nothing logs them; but whoever prints one prints what dispatch asked for and what staff
    wrote."""
    assert [
        found for text in told.database if (found := spoken(text, (*WORDS, *told.secrets)))
    ] == []


def test_what_is_made_at_the_start_shows_no_secret_and_no_number_of_staff(house: House) -> None:
    parts, settings = house.parts, house.app.extensions["caller_settings"]
    staff = [rung.number for rung in parts.program.ladder]
    things = [
        settings,
        parts,
        *(getattr(parts, each.name) for each in dataclasses.fields(parts)),
        *parts.program.ladder,
        parts.program.destinations,
    ]
    for one in things:
        for told in (repr(one), str(one), f"{one}"):
            assert spoken(told, (*secrets_of(house), *staff)) == [], type(one)


PRIVATE = frozenset(
    re.findall(
        r"\w+",
        "number numbers words place point said narrative remarks text code secret secrets token "
        "tokens key keys password sender receiver body packet "
        "fill url urls media row rows seed",
    )
)
HARMLESS = {
    "Case.said": "codes of what was heard, never the words",
    "Case.cannot_text": "a code",
    "Case.unread_language": "a language's tag",
    "Words.key": "of the catalog",
    "Alert.key": "of the catalog",
    "Rule.in_violence": "of the catalog",
    "Button.key": "on a keyboard",
    "Button.words": "on a button of ours; what a page of a resident says is hidden",
    "Choice.reads": "yes or no",
    "Unread.words": "of our own tables",
    "_Action.key": "of the catalog",
    "Say.key": "of the catalog",
    "Words.keys": "of the catalog",
    "Text.keys": "of the catalog",
    "Call.text_id": "an id of ours",
    "OurNumber.number": "the number residents text: everybody may know it",
    "Settings.public_url": "everybody may know it",
    "Settings.twilio_api_url": "Twilio's, or the stand-in's",
    "Parts.public_url": "everybody may know it",
    "Choice.code": "of the protocol",
    "Vocabulary.numbers": "how numbers are said",
    "StaffTable.numbers": "how numbers are said",
    "CallKind.keys": "of a phone",
    "CallKind.no_key": "of the catalog",
    "Line.key": "of the catalog",
    "Clip.key": "of the catalog",
    "Clip.words": "of the catalog: what a recording says",
    "Element.words": "whether one may hold text",
    "Pace.words_a_minute": "how fast a voice speaks",
    "Call.our_number": "ours: everybody may know it",
    "Leg.our_number": "ours: everybody may know it",
    "Turn.our_number": "ours: everybody may know it",
    "Contact.our_number": "ours: everybody may know it",
    "NumberSettings.number": "ours: everybody may know it",
    "ServiceSettings.numbers": "ours: everybody may know them",
    "Phone.key": "stands in addresses of the rehearsal so that no number does",
    "Answer.words": "of the rehearsal's dispatcher: the house's sentence about a refusal",
    "TwilioSettings.service_url": "of the rehearsal",
    "CadSettings.service_url": "of the rehearsal",
}


def may_be_read(each: dataclasses.Field[Any]) -> bool:
    """Is this a field that could hold somebody's words or a secret, and does it show?"""
    written = (
        each.type if isinstance(each.type, str) else getattr(each.type, "__name__", str(each.type))
    )
    holds = re.search(r"\b(str|bytes|float|Any|object)\b", written)
    return bool(each.repr and holds and PRIVATE & set(each.name.split("_")))


def test_a_field_that_could_hold_words_or_a_secret_is_not_shown() -> None:
    """Looks at every data class there is, so that a new one is seen."""
    found = data_classes()
    assert len(found) > 50
    shown = {
        f"{kind.__name__}.{each.name}"
        for kind in found
        if hasattr(vars(kind).get("__repr__"), "__wrapped__")  # the one dataclasses make
        for each in dataclasses.fields(kind)
        if may_be_read(each)
    }
    assert shown - set(HARMLESS) == set()
    assert [
        kind
        for kind in of_ours()
        if issubclass(kind, tuple) and PRIVATE & set(getattr(kind, "_fields", ()))
    ] == []


# ---- what the machine was told -------------------------------------------------------------------

BIRD = "hummingbird"
TOLD = (
    BIRD, f"{BIRD}X" * 8, (BIRD * 3)[:32], f"id:{BIRD}",
    f"id:{base64.b64encode(BIRD.encode()).decode()}", f"{BIRD},{BIRD},{BIRD}",
    f"id:{base64.b64encode((BIRD * 3)[:32].encode()).decode()},id:{BIRD}", f"\x00{BIRD}\u2028",
)  # fmt: skip
URLS = (
    f"postgresql://u:{BIRD}@h.invalid/db", f"mysql://u:{BIRD}@h.invalid/db",
    f"postgresql://u@h.invalid/db?password={BIRD}", f"sqlite://{BIRD}", f"postgres:/{BIRD}", BIRD,
)  # fmt: skip
CONFIDENTIAL = (
    "CALLER_SECRET_KEY", "CALLER_DATA_KEYS", "CALLER_INDEX_KEYS", "TWILIO_AUTH_TOKEN",
    "TWILIO_API_KEY", "TWILIO_API_SECRET", "CALLER_METRICS_TOKEN", "REHEARSAL_CAD_SECRET",
)  # fmt: skip
BIRDS = (BIRD, (BIRD * 3)[:32])


def said_of(environment: dict[str, str], here: Path) -> str:
    """What is said about settings: the faults, or the settings themselves."""
    try:
        settings = Settings.from_environment(environment, here=here)
        return f"{settings!r} {settings}"
    except SettingsFaults as problem:
        return "".join(traceback.format_exception(problem)) + repr(problem) + str(problem.faults)


@pytest.mark.parametrize("mode", ["rehearsal", "live"])
@pytest.mark.parametrize("name", CONFIDENTIAL)
def test_a_secret_that_is_refused_is_not_quoted(mode: str, name: str, tmp_path: Path) -> None:
    for told in TOLD:
        assert spoken(said_of({"CALLER_MODE": mode, name: told}, tmp_path), BIRDS) == [], told


@pytest.mark.parametrize("url", URLS)
def test_the_password_of_a_database_is_not_shown(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for mode in ("rehearsal", "live"):
        assert (
            spoken(said_of({"CALLER_MODE": mode, "CALLER_DATABASE_URL": url}, tmp_path), BIRDS)
            == []
        )
    if url.startswith("postgresql"):
        assert BIRD not in redacted_url(url)
    for words in (["check"], ["work"]):
        ended = CliRunner().invoke(
            main, words, env={"CALLER_DATABASE_URL": url, "CALLER_MODE": "rehearsal"}
        )
        assert BIRD not in ended.output + "".join(traceback.format_exception(ended.exception))


def test_a_password_with_a_stray_at_sign_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(
        main, ["check"], env={"CALLER_DATABASE_URL": f"postgresql://u:p@h:{BIRD}@db.invalid/db"}
    )
    assert BIRD not in ended.output + "".join(traceback.format_exception(ended.exception))


# ---- a real door ---------------------------------------------------------------------------------


@dataclass
class Door:
    """`serve` as it runs, and a plain socket to it."""

    process: Running
    port: int
    token: str

    def takes(self, raw: bytes, seconds: float = 10.0) -> bytes:
        """Send bytes as they are; everything that comes back until the door closes, or says nothing
        for so long."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as line:
            line.sendall(raw)
            got = b""
            with contextlib.suppress(TimeoutError, ConnectionError):
                while more := line.recv(65536):
                    got += more
        return got

    def asks(self, method: str, path: str, body: str = "", **headers: str) -> bytes:
        lines = {
            "Host": "h",
            "Connection": "close",
            "Content-Length": str(len(body)),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        head = "".join(
            f"{name.replace('_', '-')}: {value}\r\n" for name, value in (lines | headers).items()
        )
        return self.takes(f"{method} {path} HTTP/1.1\r\n{head}\r\n{body}".encode())


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    here, port = tmp_path_factory.mktemp("door"), free_port()
    told = {"CALLER_BIND": f"127.0.0.1:{port}", "CALLER_PUBLIC_URL": "https://house.test"}
    settings = Settings.from_environment(told, here=here)
    app = caller_service.create_app(settings)
    migrated(app, settings)
    app.extensions["caller_parts"].engine.dispose()
    process = Running(
        ["serve", "--workers", "1", "--threads", "4"], here, clean_environment(**told), here / "log"
    )
    try:
        until(
            lambda: answers(f"http://127.0.0.1:{port}/health/ready") == 200, "the door is ready", 20
        )
        yield Door(process, port, settings.twilio_auth_tokens[0])
    finally:
        process.end(signal.SIGKILL)


def test_a_real_door_logs_no_access_and_no_word(door: Door) -> None:
    fields = {
        "MessageSid": "SMdoor000",
        "From": NUMBER,
        "To": "+17205550100",
        "Body": f"{SAID} he took all the pills",
    }
    body = urlencode(fields)
    signature = RequestValidator(door.token).compute_signature(
        "https://house.test/twilio/sms", fields
    )
    assert b" 200 " in door.asks("POST", "/twilio/sms", body, X_Twilio_Signature=signature)
    assert b" 403 " in door.asks("POST", f"/twilio/sms?{body}", body)
    assert b" 404 " in door.asks(
        "GET", f"/{SAID}/{NUMBER}?said={SAID}", Referer=f"https://x.test/{SAID}", User_Agent=SAID
    )
    assert b" 405 " in door.asks("PUT", f"/police?said={SAID}", body)
    assert b" 401 " in door.asks("GET", f"/api/v1/hand-offs/{SAID}", Authorization=f"Bearer {SAID}")
    assert b" 413 " in door.asks("POST", "/twilio/sms", body * 12_000, X_Twilio_Signature=SAID)
    # breaks off in the middle
    door.takes(
        f"POST /twilio/sms HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n{body}".encode(), 0.1
    )

    assert spoken(door.process.said, (*WORDS, door.token)) == []
    assert not re.search("GET|POST|PUT", door.process.said)


def test_a_request_that_cannot_be_read_is_not_quoted(door: Door) -> None:
    """A length that is too short makes the rest of somebody's words the next request."""
    begun = len(door.process.said)
    got = [
        door.takes(raw.encode())
        for raw in (
            f"POST /twilio/sms HTTP/1.1\r\nHost: h\r\nContent-Length: "
            f"4\r\n\r\n{urlencode({'To': '1', 'Body': SENTENCE})}\r\n\r\n",
            f"GET /police?said={SENTENCE} HTTP/1.1\r\nHost: h\r\n\r\n",
            f"({SAID}) / HTTP/1.1\r\nHost: h\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: h\r\n{SAID} {WHERE}: x\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: h\r\n{SENTENCE}\r\n\r\n",
            f"POST /twilio/sms HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{SAID}\r\n",
            f"POST /twilio/sms HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: {SAID}\r\n\r\n",
            f"POST /twilio/sms HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nExpect: {SAID}\r\n\r\n",
            f"GET /{SAID * 900} HTTP/1.1\r\nHost: h\r\n\r\n",
        )
    ]
    assert all(got), "each was answered"
    assert [spoken(answer.decode("latin-1")) for answer in got] == [[]] * len(got)
    assert spoken(door.process.said[begun:]) == []
