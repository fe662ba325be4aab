"""`caller-service bench --console`: what the staff console costs with hundreds of open cases, and
how much it slows residents down.

The cases are made by whole signed conversations. The floor, in the same run, is a Flask route that
returns one word, on gunicorn's own threads; a slow machine slows it down, too. Times are for
complete responses over loopback; queries are counted in an app in this process, on the same
database. The target of a page is in processor time, because elapsed time depends on what else the
machine does. A second `serve` answers the consoles, so that the processor time of residents' turns
is measured alone. Sizes are of whole responses on the wire, including headers.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Flask

import caller_service
from caller_service.casework.passwords import hashed
from caller_service.config.settings import Settings
from caller_service.core.roles import Role
from caller_service.store import people
from caller_service.store.database.transaction import transaction

from .bench import (
    CONVERSATION,
    PUBLIC,
    THREADS,
    WORKERS,
    Inbox,
    Phone,
    Round,
    command,
    cpu_of,
    free_port,
    play,
    process,
    settings_for,
    until_up,
)
from .bench_web import CountingConnection
from .web_browser import FORM, Fetched, WebBrowser

DANGERS = 62  # of the open cases: dangers that nobody has
DANGER = "i took all my pills goodbye"
CONSOLES, LOOKS_EVERY = 50, 2.0  # consoles at once, and seconds between the polls of each
WINDOWS = 10  # consoles of one person
LOOKED_AT = 20.0  # seconds of polling while nothing happens
TIMES = 21  # how often a page is fetched
PASSWORD = "night shift eats green apples"
MAIN = ("-m", "caller_service.commands.main")


@dataclass(frozen=True, slots=True)
class Services:
    """Two `serve` on one database, one for residents and one for staff; and an app in this
    process."""

    residents: int  # port
    residents_pid: int
    staff: int  # port
    staff_pid: int
    token: str = field(repr=False)
    app: Flask


class Window(CountingConnection):
    """A connection that the server may close between two polls, like a browser's."""

    def fetch(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Fetched:
        try:
            return super().fetch(method, path, body, headers)
        except (OSError, http.client.HTTPException):
            self.close()
            return super().fetch(method, path, body, headers)


class Console:
    """One window of somebody who is signed in."""

    def __init__(self, port: int, name: str) -> None:
        self.line = Window(port)
        self._browser = WebBrowser(self.line.fetch, "en")
        page = self._browser.goes("/console/sign-in")
        button = page.form("password")
        if button is None:
            raise RuntimeError("the sign-in page has no password")
        self.queue = self._browser.goes(
            self._browser.posts(button, {"name": name, "password": PASSWORD}) or "/console/queue"
        )
        self._reads_its_page()

    def another(self, port: int) -> Console:
        """One more window of the same person."""
        window = object.__new__(Console)
        window.line = Window(port)
        window._browser = WebBrowser(window.line.fetch, "en")
        window._browser._cookies = dict(self._browser._cookies)
        window.opens_queue()
        return window

    def opens_queue(self) -> None:
        self.queue = self._browser.goes("/console/queue")
        self._reads_its_page()

    def _reads_its_page(self) -> None:
        html = self.queue.html
        found = re.search(r'data-csrf="([0-9a-f]+)"', html)
        if self._browser.status != 200 or found is None:
            raise RuntimeError(f"no queue: {self._browser.status}")
        self._csrf = found[1]
        self._version = (re.search(r'id="queue" data-tag="([^"]+)"', html) or ["", ""])[1]
        self._rail = (re.search(r'id="rail" data-tag="([^"]+)"', html) or ["", ""])[1]
        self.rows = dict(re.findall(r'data-key="([^"]+)" data-tag="([^"]+)"', html))

    def fetches(self, path: str) -> Fetched:
        return self._browser._ask("GET", path, b"", {})

    def looks(self) -> dict[str, Any]:
        """Poll like the page's own script: what changed since the version that it shows."""
        have = " ".join(f"{key}={tag}" for key, tag in self.rows.items())
        fields = {"v": self._version, "page": "queue", "have": have, "rail": self._rail}
        headers = {"Content-Type": FORM, "X-CSRF-Token": self._csrf}
        answer = self._browser._ask("POST", "/console/news", urlencode(fields).encode(), headers)
        if answer.status != 200:
            raise RuntimeError(f"a look was answered {answer.status}")
        news: dict[str, Any] = json.loads(answer.body)
        self._version = news["v"]
        self._rail = news.get("rail", [self._rail])[0]
        if "order" in news:
            shown = {key for keys in news["order"].values() for key in keys}
            for html in news["rows"].values():
                self.rows.update(re.findall(r'data-key="([^"]+)" data-tag="([^"]+)"', html))
            self.rows = {key: tag for key, tag in self.rows.items() if key in shown}
        return news

    def case(self) -> str:
        """The URL of the first danger that nobody has."""
        found = re.search(r'class="ref" href="([^"]+)"', self.queue.html)
        if found is None:
            raise RuntimeError("the queue is empty")
        return f"/console/{found[1]}"


@contextlib.contextmanager
def opened(database_url: str, cases: int) -> Iterator[Services]:
    with tempfile.TemporaryDirectory(prefix="caller-bench-") as name, Inbox() as inbox:
        folder, port, staff, floor = Path(name), free_port(), free_port(), free_port()
        environment, token = settings_for(folder, port, inbox.port, database_url, read_page=0)
        command(folder, environment, "migrate")
        serve = ("serve", "--workers", str(WORKERS), "--threads", str(THREADS))
        beside = {**environment, "CALLER_BIND": f"127.0.0.1:{staff}"}
        with contextlib.ExitStack() as stack:
            one = stack.enter_context(process(folder, environment, *MAIN, *serve))
            other = stack.enter_context(process(folder, beside, *MAIN, *serve))
            words = ("-m", "caller_service.proving.bench_floor", str(folder / "floor.sqlite"))
            ground = stack.enter_context(process(folder, {}, *words, str(floor), token))
            for each in (port, staff, floor):
                until_up(each)
            app = caller_service.create_app(Settings.from_environment(environment, here=folder))
            begun = time.perf_counter()
            _fill(port, token, cases)
            print(f"{cases} open cases, {DANGERS} in danger: {time.perf_counter() - begun:.0f} s")
            _floor(floor, ground.pid)
            yield Services(port, one.pid, staff, other.pid, token, app)
            app.extensions["caller_parts"].engine.dispose()


def _fill(port: int, token: str, cases: int) -> None:
    """Make cases by text: dangers, and whole conversations that end with a team."""
    places, lock, wrong = iter(range(cases)), threading.Lock(), [0]

    def resident() -> None:
        while True:
            with lock:
                place = next(places, None)
            if place is None:
                return
            said = (DANGER,) if place < DANGERS else CONVERSATION
            with Phone(port, token, f"+1303{place:07d}", f"999999{place:014d}") as phone:
                for words in said:
                    if not phone.text(words).right:
                        wrong[0] += 1

    threads = [threading.Thread(target=resident) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong[0]:
        raise RuntimeError(f"{wrong[0]} texts were not answered")


def _staff(app: Flask, many: int) -> list[str]:
    parts, names = app.extensions["caller_parts"], [f"Bench {one}" for one in range(many)]
    kept = hashed(PASSWORD)
    with transaction(parts.engine) as conn:
        for name in names:
            people.add(conn, parts.new_id(), name, Role.DISPATCHER, parts.now(), password=kept)
    return names


def bench(
    residents: int = 8, each: int = 3, rounds: int = 3, database_url: str = "", cases: int = 500
) -> None:
    """Run it and print every figure with its target. `database_url`: an empty PostgreSQL database;
    default SQLite. `cases`: open ones."""
    print(f"{'PostgreSQL' if database_url else 'SQLite'}; load {os.getloadavg()[0]:.1f}")
    with opened(database_url, cases) as services:
        names = _staff(services.app, CONSOLES // WINDOWS)
        first = [Console(services.staff, name) for name in names]
        _pages(services, first[0])
        _weights(services, first[0])
        windows = first + [
            one.another(services.staff) for one in first for _ in range(CONSOLES // len(first) - 1)
        ]
        quiet = _consoles(windows, services.staff_pid, lambda: time.sleep(LOOKED_AT))
        _says(
            f"{CONSOLES} consoles, nothing new",
            f"{quiet.share:.1%} of a core",
            quiet.share,
            0.1,
            "10%",
        )
        _beside_residents(services, windows, residents, each, rounds)
    print(f"load {os.getloadavg()[0]:.1f} at the end")


# ---- what a page takes -----------------------------------------------------------------------
def _pages(services: Services, console: Console) -> None:
    case = console.case()
    for name, path, aim, most in (("queue", "/console/queue", 50, 6), ("case", case, 40, None)):
        console.fetches(path)
        before, took = cpu_of(services.staff_pid), []
        for _ in range(TIMES):
            begun = time.perf_counter()
            answer = console.fetches(path)
            took.append((time.perf_counter() - begun) * 1000)
            if answer.status != 200:
                raise RuntimeError(f"{name}: {answer.status}")
        cpu = (cpu_of(services.staff_pid) - before) / TIMES * 1000
        middle = statistics.median(took)
        _says(name, f"CPU {cpu:.1f} ms, whole answer {middle:.1f} ms", cpu, aim, f"{aim} ms")
        queries = _queries(services.app, path, console)
        _says(f"{name}, queries", f"{len(queries)} reads", len(queries), most)


def _queries(
    app: Flask, path: str, console: Console, form: Mapping[str, str] | None = None
) -> list[str]:
    """The queries of a page, the second time that this process renders it."""
    client, asked = app.test_client(), list[str]()
    for name, value in console._browser._cookies.items():
        client.set_cookie(name, value, secure=True, domain="bench.test")

    def ask() -> None:
        base = {"base_url": PUBLIC}
        answer = (
            client.get(path, **base)
            if form is None
            else client.post(path, data=form, headers={"X-CSRF-Token": console._csrf}, **base)
        )
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code}")

    def note(conn: object, cursor: object, statement: str, *more: object) -> None:
        asked.append(statement)

    ask()
    engine = app.extensions["caller_parts"].engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    return [one for one in asked if one.lstrip().startswith("SELECT")]


def _weights(services: Services, console: Console) -> None:
    """Bytes of the first load of the queue with all that a browser without a cache fetches; of a
    poll with news, and of one without."""
    console.opens_queue()
    whole = console.line.size
    loads = {unescape(one) for one in console.queue.loads}
    loads |= set(re.findall(r'data-tick="([^"]+)"', console.queue.html))
    for path in loads:
        console.fetches(path)
        whole += console.line.size
    _says("first load", f"{whole} bytes", whole, 60_000)
    with Phone(services.residents, services.token, "+13039999999", "99999800000000000001") as phone:
        phone.text(DANGER)
    news = console.looks()
    size = console.line.size
    _says("a look with news", f"{size} bytes", size, 5_000)
    if not news.get("rows"):
        raise RuntimeError("the new danger is no news")
    console.looks()
    size = console.line.size
    _says("a look without", f"{size} bytes", size, 1_000)
    form = {"v": console._version, "page": "queue"}
    queries = _queries(services.app, "/console/news", console, form)
    _says("a look without, queries", f"{len(queries)} reads", len(queries), 2)


# ---- many consoles ---------------------------------------------------------------------------
@dataclass
class Looks:
    """The cost of polling while something went on. `share`: of one core; `took`: seconds of each
    poll."""

    seconds: float = 0.0
    cpu: float = 0.0
    took: Sequence[float] = ()

    @property
    def share(self) -> float:
        return self.cpu / self.seconds


def _consoles(windows: Sequence[Console], server: int, meanwhile: Callable[[], object]) -> Looks:
    """Every window polls every two seconds, in turn, while something goes on."""
    over, took, broken = threading.Event(), list[float](), list[Exception]()

    def look(window: Console, place: int) -> None:
        due = time.perf_counter() + LOOKS_EVERY * place / len(windows)
        try:
            while not over.wait(max(0.0, due - time.perf_counter())):
                begun = time.perf_counter()
                window.looks()
                took.append(time.perf_counter() - begun)
                due = max(due + LOOKS_EVERY, time.perf_counter())
        except Exception as fault:
            broken.append(fault)

    threads = [
        threading.Thread(target=look, args=(window, place)) for place, window in enumerate(windows)
    ]
    before, begun = cpu_of(server), time.perf_counter()
    for thread in threads:
        thread.start()
    try:
        meanwhile()
    finally:
        looks = Looks(time.perf_counter() - begun, cpu_of(server) - before)
        over.set()
        for thread in threads:
            thread.join()
    if broken:
        raise broken[0]
    return replace(looks, took=took)


def _beside_residents(
    services: Services, windows: Sequence[Console], residents: int, each: int, rounds: int
) -> None:
    alone, beside, looks = list[Round](), list[Round](), list[Looks]()

    def texts(rounds: list[Round]) -> None:
        rounds.append(
            play(services.residents, services.token, residents, each, services.residents_pid, 0.1)
        )

    for one in range(rounds):
        for with_consoles in (False, True) if one % 2 == 0 else (True, False):
            if with_consoles:
                looks.append(_consoles(windows, services.staff_pid, lambda: texts(beside)))
            else:
                texts(alone)
        print(f"round {one + 1}: alone {_turn(alone[-1])}; beside consoles {_turn(beside[-1])}")
    ratios = [_cpu(one) / _cpu(other) for one, other in zip(beside, alone, strict=True)]
    middle = statistics.median(ratios)
    _says(
        f"a turn beside {CONSOLES} consoles, CPU",
        f"{middle:.2f} ({min(ratios):.2f} to {max(ratios):.2f}) of one without", middle, 1.05,
    )  # fmt: skip
    share = statistics.median(one.share for one in looks)
    rate = statistics.median(one.rate for one in beside)
    print(f"{CONSOLES} consoles, news at every look ({rate:.0f} turns/s): {share:.1%} of a core")
    if any(one.wrong for one in (*alone, *beside)):
        print("Some answers were wrong: the figures do not count.")


def _cpu(done: Round) -> float:
    return done.cpu / len(done.turns) * 1000


def _turn(done: Round) -> str:
    return f"p50 {done.at(0.5):.1f} p99 {done.at(0.99):.1f} ms, CPU {_cpu(done):.2f} ms"


def _floor(port: int, server: int) -> None:
    line, took, before = CountingConnection(port), list[float](), cpu_of(server)
    for _ in range(200):
        begun = time.perf_counter()
        line.fetch("GET", "/health/live", b"", {})
        took.append((time.perf_counter() - begun) * 1000)
    line.close()
    cpu = (cpu_of(server) - before) / 200 * 1000
    print(f"the floor, a word: {statistics.median(took):.1f} ms, CPU {cpu:.2f} ms")


def _says(name: str, measured: str, value: float, aim: float | None, words: str = "") -> None:
    """One figure with its target, an upper limit. `words`: the target with its unit."""
    verdict = "" if aim is None else f" (aim {words or aim}, {_verdict(value, aim)})"
    print(f"{name}: {measured}{verdict}", flush=True)


def _verdict(value: float, aim: float) -> str:
    return "reached" if value <= aim else "MISSED"
