"""`caller-service bench --missed N`: how fast a worker fetches, handles and answers the texts that
reached the provider during an outage; and in the same run a minimal program that fetches the same
list with the same client and does one durable turn for each text.

No process fails here: the worker starts and finds the texts. All are from people who wrote for the
first time, several from each, in order.
"""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import click
import sqlalchemy as sa

import caller_service
from caller_service.casework.parts import Parts
from caller_service.config.settings import Settings
from caller_service.core.outbound import UNSENT
from caller_service.gateway.telephony import Telephony
from caller_service.store.tables import message

from .bench import CONVERSATION, command, cpu_of, free_port, process, settings_for
from .surroundings import QuietHandler, Server

EACH = 3  # texts of one person
AGO = timedelta(minutes=30)  # when the outage was
WITHIN = 600.0  # seconds for one round
WORKER = ("-m", "caller_service.commands.main", "work")
OURS = "+17205550100"
_people = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Caught:
    """One round: how many texts; the seconds from the request for the list until the last text was
    handled, and until the last reply was sent; and the processor seconds until the former."""

    texts: int
    heard: float
    answered: float
    cpu: float

    @property
    def rate(self) -> float:
        return self.texts / self.heard


class Provider(Server):
    """A stand-in Twilio with missed texts to our number, which accepts every reply."""

    def __init__(self, texts: int) -> None:
        begun = datetime.now(UTC) - AGO
        people = [f"+1950{next(_people):07d}" for _ in range(-(-texts // EACH))]
        self.texts = [
            _resource(
                people[at % len(people)], at // len(people), begun + timedelta(seconds=at // 8)
            )
            for at in range(texts)
        ]
        self.asked = 0.0  # when the list was first requested (time.perf_counter)
        self.answers = 0
        self.last = 0.0  # when the last reply came
        provider, sids = self, itertools.count(1)

        class Does(QuietHandler):
            def do_GET(self) -> None:
                asked = parse_qs(urlsplit(self.path).query)
                listed = provider.texts if asked.get("To") == [OURS] else []
                if listed and not provider.asked:
                    provider.asked = time.perf_counter()
                size, page = int(asked["PageSize"][0]), int(asked.get("Page", ["0"])[0])
                shown = listed[page * size : (page + 1) * size]
                more = f"{self.path.partition('&Page=')[0]}&Page={page + 1}"
                following = more if len(listed) > (page + 1) * size else None
                told = {"messages": shown, "page_size": size, "next_page_uri": following}
                self.say(200, json.dumps(told).encode())

            def do_POST(self) -> None:
                self.read()
                provider.answers += 1
                provider.last = time.perf_counter()
                told = {"sid": f"SM{next(sids):032x}", "status": "queued"}
                self.say(201, json.dumps(told).encode())

        super().__init__(Does)


def _resource(number: str, place: int, at: datetime) -> dict[str, object]:
    sent = format_datetime(at)
    return {
        "sid": f"SM5{number[1:]}{place:020d}", "from": number, "to": OURS,
        "body": CONVERSATION[place], "direction": "inbound", "status": "received",
        "date_sent": sent, "date_created": sent,
    }  # fmt: skip


def bench(texts: int, rounds: int = 3, database_url: str = "") -> None:
    """Run it and print both side by side. `database_url`: an empty PostgreSQL database; default
    SQLite."""
    floors: list[Caught] = []
    told: list[Caught] = []
    for one in range(rounds):
        for kind in ("floor", "work") if one % 2 == 0 else ("work", "floor"):
            with tempfile.TemporaryDirectory(prefix="caller-bench-") as folder:
                done = _round(Path(folder), kind, texts, database_url)
            (floors if kind == "floor" else told).append(done)
            click.echo(f"round {one + 1} {kind:6} {_line(done)}")
    where, load = "PostgreSQL" if database_url else "SQLite", os.getloadavg()[0]
    click.echo(f"\n{texts} missed texts of {-(-texts // EACH)} people, {where}; load {load:.1f}")
    rate, floor = (statistics.median(one.rate for one in kind) for kind in (told, floors))
    cpu, least = (statistics.median(one.cpu / one.texts for one in kind) for kind in (told, floors))
    answered = statistics.median(one.texts / one.answered for one in told)
    click.echo(
        f"heard: {rate:.0f} texts/s, {rate / floor:.2f} of the floor's {floor:.0f}; CPU "
        f"{cpu * 1000:.1f} ms a text, {cpu / least:.1f} of the floor's\n"
        f"heard and every answer sent: {answered:.0f} texts/s; medians of {rounds} rounds"
    )


def _line(done: Caught) -> str:
    return (
        f"{done.rate:6.0f} texts/s  heard {done.heard:6.2f} s  answered {done.answered:6.2f} s  "
        f"CPU {done.cpu / done.texts * 1000:5.2f} ms a text"
    )


def _round(folder: Path, kind: str, texts: int, database_url: str) -> Caught:
    with Provider(texts) as provider:
        environment, _ = settings_for(folder, free_port(), 1, database_url)
        environment["CALLER_TWILIO_API_URL"] = provider.url
        command(folder, environment, "migrate")
        settings = Settings.from_environment(environment, here=folder)
        parts: Parts = caller_service.create_app(settings).extensions["caller_parts"]
        try:
            if kind == "floor":
                return _floor(folder / "floor.sqlite", parts.telephony, provider)
            before = _count(parts)
            with process(folder, environment, *WORKER) as worker:
                return _worked(parts, provider, before, worker.pid)
        finally:
            parts.engine.dispose()


def _worked(parts: Parts, provider: Provider, before: int, worker: int) -> Caught:
    """Watch a worker that has just been started."""
    end = time.monotonic() + WITHIN
    cpu = heard = 0.0
    while time.monotonic() < end:
        if not provider.asked:
            time.sleep(0.005)
            cpu = cpu_of(worker)
        elif not heard:
            time.sleep(0.02)
            if _count(parts) - before >= len(provider.texts):
                heard, cpu = time.perf_counter() - provider.asked, cpu_of(worker) - cpu
        elif _count(parts, unsent=True):
            time.sleep(0.05)
        else:
            return Caught(len(provider.texts), heard, provider.last - provider.asked, cpu)
    raise RuntimeError(f"not all of {len(provider.texts)} texts were heard within {WITHIN:.0f} s")


def _count(parts: Parts, unsent: bool = False) -> int:
    """Texts received; or those that are still to be sent."""
    which = message.c.state.in_(UNSENT) if unsent else message.c.direction == "in"
    with parts.engine.connect() as conn:
        asked = sa.select(sa.func.count()).select_from(message).where(which)
        return int(conn.execute(asked).scalar_one())


def _floor(path: Path, telephony: Telephony, provider: Provider) -> Caught:
    """Fetch the same list with the same client and, for each text, do one insert, one update and
    one commit to disk."""
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("PRAGMA synchronous=FULL")
        conn.execute("CREATE TABLE message (sid TEXT PRIMARY KEY, number TEXT, body TEXT)")
        conn.execute("CREATE TABLE caller (number TEXT PRIMARY KEY, turns INTEGER)")
        begun, cpu = time.perf_counter(), time.thread_time()
        listed = telephony.heard(OURS, datetime.now(UTC) - 2 * AGO)
        for one in sorted(listed, key=lambda each: each.at):
            conn.execute("BEGIN IMMEDIATE")
            conn.execute("INSERT INTO message VALUES (?, ?, ?)", (one.sid, one.number, one.words))
            conn.execute(
                "INSERT INTO caller VALUES (?, 1) ON CONFLICT (number) DO UPDATE SET "
                "turns = turns + 1",
                (one.number,),
            )
            conn.execute("COMMIT")
        took, used = time.perf_counter() - begun, time.thread_time() - cpu
    if len(listed) != len(provider.texts):
        raise RuntimeError(f"{len(listed)} of {len(provider.texts)} texts were listed")
    return Caught(len(listed), took, took, used)
