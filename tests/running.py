"""The running service: the real `serve` and `work` as processes, and both stand-ins in this one.

Nothing here sleeps for a guessed time: every wait is for a condition, which is checked whenever a
stand-in has news.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from wsgiref.types import StartResponse, WSGIEnvironment

import requests
import sqlalchemy as sa
from flask import Flask
from forked import Forked
from sqlalchemy.pool import NullPool
from throwaway_postgres import ThrowawayPostgres

import caller_service
from caller_service.commands.database import migrated
from caller_service.config.program_file import read_program
from caller_service.config.settings import Settings
from caller_service.core.access import SCOPES, Token
from caller_service.core.program import Program
from caller_service.rehearsal.board import Answer, Board, Held
from caller_service.rehearsal.cad_stand_in import create_cad
from caller_service.rehearsal.carrier import Carrier, TextResult, TwilioSettings
from caller_service.rehearsal.carrier_state import Exchange, Text
from caller_service.rehearsal.dispatcher import CadSettings, Dispatcher, Move
from caller_service.rehearsal.pages import served
from caller_service.rehearsal.twilio_stand_in import create_twilio
from caller_service.store import tokens

T = TypeVar("T")

PACKAGE = Path(caller_service.__file__).parent
COMMAND = (sys.executable, "-m", "caller_service.commands.main")
# Seconds that only a hang would take, even on the busiest machine: no promise is as slow
# (docs/testing.md).
STARTED = 120.0  # for a process to start, or a command to end
SOON = 60.0  # for an effect to happen
# seconds for a response: the only time limit that tests of running processes assert
# (docs/testing.md)
TWILIO_WAITS = 15.0
READ = 1.0  # the clock `read`, as short as a program may set it
PAGE_NEXT, TRUTH = 2, 3


# ---- waiting -------------------------------------------------------------------------------------


def until(
    look: Callable[[], T],
    what: str,
    seconds: float = SOON,
    news: Callable[[float], None] | None = None,
) -> T:
    """The value of `look` as soon as it is true; `news` waits for a change, at most for so many
    seconds."""
    end = time.monotonic() + seconds
    while not (found := look()):
        left = end - time.monotonic()
        assert left > 0, f"not within {seconds:g} s: {what}"
        if news is not None:
            news(min(left, 1.0))
        else:
            time.sleep(min(left, 0.03))  # a file or a process sends no news
    return found


def free_port(*more: int) -> int:
    """A free port; with `more`, one for which the ports at these distances are free, too."""
    while True:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
        if port < 65_000 and all(is_free(port + distance) for distance in more):
            return port


def is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(url: str) -> int:
    """The status of a page; 0 if nobody answers."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(url, timeout=2).status_code
    except requests.RequestException:
        return 0


# ---- processes -----------------------------------------------------------------------------------


def clean_environment(**more: str) -> dict[str, str]:
    """Our environment without variables that would affect the service by accident."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CALLER_", "TWILIO_")) and not name.lower().endswith("_proxy")
    }
    return kept | more


class Running:
    """One of our commands in its own process group, with its output in a file."""

    def __init__(
        self,
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        log: Path,
        by_hand: bool = False,
    ) -> None:
        """`by_hand`: started from the command line, not forked (forked.py)."""
        self.log = log
        log.touch()
        self._started_at = log.stat().st_size
        self.process: Forked | subprocess.Popen[bytes]
        if not by_hand:
            self.process = Forked(words, folder, environment, log)
            return
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [*COMMAND, *words],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                process_group=0,
            )

    @property
    def said(self) -> str:
        """Its output since it was started."""
        return self.log.read_bytes()[self._started_at :].decode()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def says(self, words: str, seconds: float = STARTED) -> None:
        until(lambda: words in self.said or not self.alive, f"{words!r}", seconds)
        assert words in self.said, self.said

    def end(self, number: int = signal.SIGTERM, seconds: float = SOON) -> int:
        """Terminate the whole group, if necessary by force; returns the exit code."""
        self.tell(number)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        self.tell(signal.SIGKILL)
        return self.process.wait(SOON)

    def tell(self, number: int) -> None:
        """Send the whole group a signal."""
        with suppress(ProcessLookupError, PermissionError):  # no process is left in the group
            os.killpg(self.process.pid, number)


def command(
    folder: Path, *words: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    with TemporaryDirectory() as kept:
        out, err = Path(kept) / "out", Path(kept) / "err"
        begun = Forked(words, folder, environment or clean_environment(), out, err)
        try:
            code = begun.wait(STARTED)
        finally:
            begun.send_signal(signal.SIGKILL)
        return subprocess.CompletedProcess(words, code, out.read_text(), err.read_text())


# ---- databases -----------------------------------------------------------------------------------


@cache
def postgres() -> ThrowawayPostgres:
    """One server for all tests that need it; it ends with this process."""
    return ThrowawayPostgres()


_numbers = count(1)


@contextmanager
def new_database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database, sqlite or postgresql."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'var' / 'caller.sqlite'}"
        return
    server, name = sa.make_url(postgres().url), f"caller_{os.getpid()}_{next(_numbers)}"
    _alone(server, f"CREATE DATABASE {name}")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        _alone(server, f"DROP DATABASE {name} WITH (FORCE)")


def _alone(url: sa.URL, statement: str) -> None:
    engine = sa.create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(sa.text(statement))
    engine.dispose()


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    """A plain connection, closed at the end."""
    engine = sa.create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as conn:
            yield conn
    finally:
        engine.dispose()


# ---- the rehearsal city, shortened ---------------------------------------------------------------


def short_program(folder: Path, cad_url: str) -> Path:
    """A copy of the rehearsal city with short clocks, teams that are always on duty, and its
    webhook at `cad_url`."""
    city = folder / "programs" / "rehearsal"
    shutil.copytree(PACKAGE / "programs" / "rehearsal", city)
    shutil.copytree(PACKAGE / "protocols", folder / "protocols")
    file = city / "program.toml"
    words = file.read_text(encoding="utf-8")
    changes = (
        (r"http://127\.0\.0\.1:8020", cad_url, 1),
        (r"(?m)^read = \d+", f"read = {READ:g}\nunseen = 0\nsurge_page = 0", 1),
        (r"(?m)^page_next = \d+", f"page_next = {PAGE_NEXT}", 1),
        (r"(?m)^truth = \d+", f"truth = {TRUTH}", 1),
        (r"(?m)^hours = .*$", "", 0),
    )
    for pattern, by, times in changes:
        words, found = re.subn(pattern, by, words, count=times)
        assert found, pattern
    file.write_text(words, encoding="utf-8")
    return file


class Visitors:
    """Records every complete URL that was requested from the stand-ins."""

    def __init__(self, *apps: Flask) -> None:
        self.urls: list[str] = []
        for app in apps:
            app.wsgi_app = self._noting(app.wsgi_app)  # type: ignore[method-assign]

    def _noting(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        def noted(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
            self.urls.append(
                f"{environ['REQUEST_METHOD']} {environ.get('REQUEST_URI', '')} "
                f"{environ['PATH_INFO']} {environ.get('QUERY_STRING', '')}"
            )
            return inner(environ, start_response)

        return noted


# ---- the house -----------------------------------------------------------------------------------


@dataclass
class House:
    """The service between its two stand-ins."""

    folder: Path
    url: str
    database_url: str
    environment: dict[str, str] = field(repr=False)
    settings: Settings = field(repr=False)
    program: Program = field(repr=False)
    twilio: Flask
    cad: Flask
    visitors: Visitors
    web: Running = field(init=False)
    worker: Running = field(init=False)
    _fictional: Iterator[int] = field(default_factory=lambda: iter(range(140, 199)))

    # ---- its parts -------------------------------------------------------------------------------
    @property
    def exchange(self) -> Exchange:
        exchange: Exchange = self.twilio.extensions["exchange"]
        return exchange

    @property
    def line(self) -> Carrier:
        line: Carrier = self.twilio.extensions["line"]
        return line

    @property
    def board(self) -> Board:
        board: Board = self.cad.extensions["board"]
        return board

    @property
    def auth_token(self) -> str:
        return self.settings.twilio_auth_tokens[0]

    # ---- its processes ---------------------------------------------------------------------------
    def start(self) -> None:
        """Start web and worker together."""
        self.web, self.worker = self._web(), self._worker("worker-1")
        self._web_ready()
        self.worker.says("ready")

    def end(self) -> None:
        """Stop both together; kill what does not end by itself."""
        begun = [
            one
            for one in (getattr(self, "web", None), getattr(self, "worker", None))
            if one is not None
        ]
        for one in begun:
            one.tell(signal.SIGTERM)
        for one in begun:
            one.end()

    def start_web(self) -> None:
        self.web = self._web()
        self._web_ready()

    def start_worker(self, name: str = "worker-1") -> Running:
        """Start a worker. If it is not the first, the caller has to end it."""
        started = self._worker(name)
        started.says("ready")
        return started

    def _web(self) -> Running:
        return Running(
            ["serve", "--workers", "2", "--threads", "8"],
            self.folder,
            self.environment,
            self.folder / "web.log",
        )

    def _worker(self, name: str) -> Running:
        return Running(
            ["work"],
            self.folder,
            self.environment | {"CALLER_WORKER_ID": name},
            self.folder / f"{name}.log",
        )

    def _web_ready(self) -> None:
        until(
            lambda: answers(f"{self.url}/health/ready") == 200 or not self.web.alive,
            "the web door is ready",
            STARTED,
        )
        assert self.web.alive, self.web.said

    def logs(self) -> str:
        """All output of its processes."""
        return "\n".join(file.read_text() for file in sorted(self.folder.glob("*.log")))

    # ---- people ----------------------------------------------------------------------------------
    def resident(self) -> Person:
        """Somebody who is new to the service."""
        return Person(self, f"+17205550{next(self._fictional)}")

    def staff(self, name: str) -> Person:
        return Person(self, next(rung.number for rung in self.program.ladder if rung.name == name))

    # ---- dispatch --------------------------------------------------------------------------------
    def on_board(self, person: Person, revision: int = 1, seconds: float = SOON) -> Held:
        """Wait until dispatch has this revision of the person's hand-off."""
        case_id = self.case_of(person).id
        return self.when_board(
            lambda: (held := self.board.held(case_id)) and held.revision >= revision and held,
            f"revision {revision}",
            seconds,
        )

    def when_board(self, look: Callable[[], T], what: str, seconds: float = SOON) -> T:
        return until(
            look,
            what,
            seconds,
            lambda left: self.board.wait_past(self.board.version, min(left, 0.2)),
        )

    def tell(self, held: Held, move: Move) -> Answer:
        """Dispatch presses a button."""
        dispatcher: Dispatcher = self.cad.extensions["dispatcher"]
        answer = dispatcher.tell(held, move)
        assert answer.fine, answer
        return answer

    def asks(self, path: str, told: Mapping[str, object] | None = None) -> Any:
        """The API's response to the console, as JSON; a POST if there is a body."""
        settings: CadSettings = self.cad.extensions["cad_settings"]
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                "GET" if told is None else "POST",
                f"{self.url}/api/v1/hand-offs{path}",
                json=told,
                headers={"Authorization": f"Bearer {settings.api_token}"},
                timeout=TWILIO_WAITS,
            )
        assert answer.status_code == 200, answer.text
        return answer.json()

    # ---- what was kept ---------------------------------------------------------------------------
    def rows(self, query: str, **values: Any) -> list[sa.Row[Any]]:
        with connected(self.database_url) as conn:
            return list(conn.execute(sa.text(query), values))

    def case_of(self, person: Person) -> sa.Row[Any]:
        """The latest case of a resident, found by what they wrote last."""
        sid = person.sent[-1]
        return self.rows(
            'SELECT c.* FROM "case" c JOIN message m ON m.case_id = c.id WHERE m.provider_id = '
            ":sid",
            sid=sid,
        )[0]

    def under_way(self, people: Sequence[Person]) -> list[str]:
        """What is still to be sent or delivered for these people's cases."""
        ids = {f"id{place}": self.case_of(one).id for place, one in enumerate(people)}
        listed = ", ".join(f":{name}" for name in ids)
        texts = self.rows(
            f"SELECT keys FROM message WHERE state IN ('waiting', 'trying') AND case_id IN "
            f"({listed})",
            **ids,
        )
        return [
            row[0]
            for row in texts
            + self.rows(
                f"SELECT destination FROM delivery WHERE state IN ('waiting', 'trying') AND case_id IN "
                f"({listed})",
                **ids,
            )
        ]

    def settles(self, *people: Person) -> None:
        """Wait until everything for these people is sent, delivered and has a receipt."""
        until(lambda: not self.under_way(people), "nothing is under way")
        assert self.twilio.extensions["errands"].settled(SOON)


@dataclass
class Person:
    """Somebody with a phone."""

    house: House
    number: str
    sent: list[str] = field(default_factory=list)  # SIDs
    heard: TextResult | None = None
    _heard_at: float = 0.0

    def texts(self, *said: str) -> Person:
        """Write these, one after the other, each after the reply to the one before."""
        for words in said:
            phone = self.house.exchange.phone(self.number)
            self.heard = self.house.line.texts(phone, words)
            self._heard_at = time.monotonic()
            self.sent.append(self.heard.sid)
            assert self.heard.answered, (self.heard.status, self.house.logs()[-2000:])
        return self

    def says(self, words: str) -> Person:
        """An answer that counts only if its question can have been read. The question counts as
        read only after its receipt, which comes late on a busy machine; so this waits for the
        receipt, unless receipts are switched off."""
        for reply in self.heard.replies[-1:] if self.heard else ():
            if not self.house.exchange.faults.receipts_missing:
                until(lambda sid=reply.sid: self._arrived(sid), "the question has arrived")
                self._heard_at = time.monotonic()
        threading.Event().wait(max(0.0, READ + 0.5 - (time.monotonic() - self._heard_at)))
        return self.texts(words)

    def _arrived(self, sid: str) -> bool:
        query = "SELECT state FROM message WHERE provider_id = :sid"
        return [row.state for row in self.house.rows(query, sid=sid)] == ["delivered"]

    def says_no(self, times: int = 1) -> Person:
        """Answer no to safety questions, each after a human's reading time."""
        for _ in range(times):
            self.says("2")
        return self

    @property
    def answered(self) -> list[str]:
        """The text of the last reply."""
        return [reply.words for reply in self.heard.replies] if self.heard else []

    def hears(self, words: str) -> Person:
        assert any(words in text for text in self.answered), (
            f"{words!r} is in none of {self.answered}"
        )
        return self

    @property
    def phone(self) -> list[Text]:
        """Everything on this phone that came from the program, oldest first."""
        return [text for text in self.house.exchange.texts() if text.receiver == self.number]

    def told(self, words: str) -> list[Text]:
        """The texts with these words that were not replies."""
        return [
            text for text in self.phone if text.direction == "outbound-api" and words in text.words
        ]

    def is_told(self, words: str, seconds: float = SOON) -> Text:
        """Wait until such a text is delivered."""
        exchange = self.house.exchange
        found = until(
            lambda: [text for text in self.told(words) if text.status == "delivered"],
            f"a text with {words!r}; the phone has {[text.words for text in self.phone]}",
            seconds,
            lambda left: exchange.wait_past(exchange.version, min(left, 0.2)),
        )
        return found[-1]


def _migrate(settings: Settings) -> None:
    """What `migrate` does, without the time for imports and word lists."""
    app = caller_service.create_app(settings)
    migrated(app, settings)
    app.extensions["caller_parts"].engine.dispose()


def _add_token(database_url: str, secret: str) -> None:
    """What `token add` does, without the time for imports."""
    new = Token("rehearsal-cad", "api", "rehearsal-cad", frozenset(SCOPES))
    with connected(database_url) as conn, conn.begin():
        tokens.add(conn, "00000000-0000-7000-8000-000000000000", new, secret, datetime.now(UTC))


@contextmanager
def running(kind: str, folder: Path, speed: float = 1.0) -> Iterator[House]:
    """A service on an empty database of this kind, from the first migration to its end. At `speed`
    10, phone calls run ten times as fast."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    (folder / "var").mkdir()
    with new_database(kind, folder) as database_url:
        environment = clean_environment(
            CALLER_DATABASE_URL=database_url, CALLER_PUBLIC_URL=url, CALLER_BIND=f"127.0.0.1:{port}"
        )
        settings = Settings.from_environment(environment, here=folder)
        secret = settings.secret("REHEARSAL_CAD_SECRET")
        _migrate(settings)
        token = secrets.token_urlsafe(32)
        _add_token(database_url, token)
        cad = create_cad(CadSettings(url, token, secret, auto=False))
        with served(cad) as cad_url:
            environment["CALLER_PROGRAM"] = str(short_program(folder, cad_url))
            program = read_program(Path(environment["CALLER_PROGRAM"]))
            names = {rung.number: rung.name for rung in program.ladder}
            twilio = create_twilio(
                TwilioSettings(
                    settings.twilio_account_sid,
                    settings.twilio_auth_tokens[0],
                    url,
                    program.numbers.ours[0].number,
                    names,
                    hang=12.0,
                    speed=speed,
                    more_numbers=(
                        *(one.number for one in program.numbers.ours),
                        program.numbers.callback,
                    ),
                )
            )
            with served(twilio) as twilio_url:
                environment["CALLER_TWILIO_API_URL"] = twilio_url
                house = House(
                    folder,
                    url,
                    database_url,
                    environment,
                    settings,
                    program,
                    twilio,
                    cad,
                    Visitors(twilio, cad),
                )
                try:
                    house.start()
                    yield house
                finally:
                    house.end()
