"""`caller-service chaos`: residents text while web and worker are killed with -9 at random, the destination fails, is slow
or lies, Twilio fails, receipts come late and twice, and one request in ten dies in the middle. Then every promise is
checked against the database, the phones and the board of dispatch.

The service runs as its own processes in a temporary folder; both stand-ins run here. The same seed asks for the same
trouble again, though the machine's timing is never quite the same.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import os
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.pool import NullPool
from twilio.request_validator import RequestValidator

from caller_service.front.guard import token_hash
from caller_service.language.catalog import read_catalog
from caller_service.language.wording import filling
from caller_service.program import read_program
from caller_service.rehearsal import dispatcher as say
from caller_service.rehearsal.board import Board
from caller_service.rehearsal.cad_stand_in import create_cad
from caller_service.rehearsal.dispatcher import CadSettings, Dispatcher
from caller_service.rehearsal.exchange import Exchange
from caller_service.rehearsal.line import Line, TwilioSettings
from caller_service.rehearsal.pages import served
from caller_service.rehearsal.twilio_stand_in import create_twilio
from caller_service.rehearsal.twilio_wire import Answered, NotTwiml, read_twiml
from caller_service.settings import Settings
from caller_service.store import hand_offs
from caller_service.store.sealing import Sealer
from caller_service.store.tables import case, contact, delivery, hand_off, journal, message, page, token

CORNER = "Main St & 3rd Ave"
CONVERSATIONS = (
    ("my brother is seeing things and shouting", "3", "2", "2", "2", "2", CORNER, "1", "2", "1", "1"),
    ("hola necesito ayuda", "1", "2", "2", "2", "1", CORNER, "6", "1", "1"),
    ("my sister took too many pills", "1", "1", CORNER),
    ("hola mi hermano tomo demasiadas pastillas", "1", "1", CORNER),
)
CUT = 0.1  # of the requests die in the middle
HONOURED = 3.0  # seconds a due clock may wait while the service is up
WATCHED = 4.0  # seconds the clocks are watched at least, once everything is up
STARTED = 30.0  # seconds a process has to start
UNSENT = ("waiting", "trying")
Answer = tuple[tuple[str, str], ...]  # of each message: its words, and where its receipts go


@dataclass
class Sent:
    """One text somebody sent, and each answer that came whole."""

    sid: str
    number: str = field(repr=False)
    words: str = field(repr=False)
    answers: list[Answer] = field(default_factory=list, repr=False)


class Unreliable:
    """Counts what a stand-in refuses, and sometimes says 500 of something it has taken."""

    def __init__(self, app: Flask, name: str, counts: Counter[str], rng: random.Random) -> None:
        self.lies = 0.0
        self._inner, self._name, self._counts, self._rng = app.wsgi_app, name, counts, rng
        app.wsgi_app = self  # type: ignore[method-assign]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        lie = environ["REQUEST_METHOD"] == "POST" and self._rng.random() < self.lies

        def told(status: str, *rest: Any) -> Any:
            failed = status[0] in "45"
            if failed or lie:
                self._counts[f"{self._name} failed" if failed else f"{self._name} took it and said 500"] += 1
            return start_response(status if failed or not lie else "500 INTERNAL SERVER ERROR", *rest)

        return self._inner(environ, told)


class Service:
    """The real `serve` and `work`, each a process in a group of its own that can be killed and started again."""

    def __init__(self, folder: Path, environment: Mapping[str, str], workers: tuple[str, ...]) -> None:
        self.folder, self.port = folder, int(environment["CALLER_BIND"].rpartition(":")[2])
        self.names = ["web", *workers]
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CALLER_", "TWILIO_")) and not name.lower().endswith("_proxy")
        }
        self._environment = {**kept, **environment}
        self._running: dict[str, tuple[subprocess.Popen[bytes], int]] = {}

    def start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        words = words or (("serve", "--workers", "2", "--threads", "8") if name == "web" else ("work",))
        with self._log(name).open("ab") as log:
            begun = log.tell()
            started = subprocess.Popen(
                [sys.executable, "-m", "caller_service.cli", *words], cwd=self.folder, env={**self._environment, "CALLER_WORKER_ID": name},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._running[name] = (started, begun)
        return started

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        started, _ = self._running[name]
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(started.pid, number)
        if number == signal.SIGKILL:
            started.wait()

    def until_up(self) -> None:
        """Start what is down; come back when the web door answers and each worker says it is ready."""
        for name in self.names:
            if name not in self._running or self._running[name][0].poll() is not None:
                self.start(name)
        end = time.monotonic() + STARTED
        while not all(map(self._up, self.names)):
            if time.monotonic() > end:
                raise RuntimeError("not up: " + ", ".join(self._log(name).read_text()[-2000:] for name in self.names))
            time.sleep(0.05)

    def _up(self, name: str) -> bool:
        if name != "web":
            return b"\nready" in self._log(name).read_bytes()[self._running[name][1] :]
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(conn):
            conn.request("GET", "/health/ready")
            return conn.getresponse().status == 200
        return False

    def end(self) -> None:
        """Ask all to end, then make them."""
        for name in self._running:
            self.kill(name, signal.SIGTERM)
        for name, (started, _) in self._running.items():
            with contextlib.suppress(subprocess.TimeoutExpired):
                started.wait(8)
            self.kill(name)

    def faults(self) -> Counter[str]:
        """What the service itself complained of, by kind."""
        said = "\n".join(file.read_text() for file in self.folder.glob("*.log"))
        found = re.findall(r"(turn failed|job failed|case cannot be decided|sweep failed).*?fault=(\w+)", said)
        return Counter(f"{what}, {fault}" for what, fault in found)


class Town:
    """Residents, staff, dispatch and trouble, around one running service."""

    def __init__(
        self, service: Service, twilio: Flask, cad: Flask, auth_token: str, seconds: float, seed: int, ours: str, staff: str
    ) -> None:
        self.service, self.seconds, self.seed, self._ours, self._staff = service, seconds, seed, ours, staff
        self.counts: Counter[str] = Counter()
        self.sent: list[Sent] = []
        self.over = threading.Event()
        self.exchange: Exchange = twilio.extensions["exchange"]
        self.board: Board = cad.extensions["board"]
        self.board.deliveries = deque()  # all of them: what it lied about is looked up in the end
        self._line: Line = twilio.extensions["line"]
        self._dispatcher: Dispatcher = cad.extensions["dispatcher"]
        self._errands = (twilio.extensions["errands"], cad.extensions["errands"])
        self._unreliable = [Unreliable(app, name, self.counts, self._chance(name)) for app, name in ((twilio, "Twilio"), (cad, "dispatch"))]
        self._signer = RequestValidator(auth_token)

    def _chance(self, name: str) -> random.Random:
        return random.Random(f"{self.seed} {name}")

    def live(self, residents: int) -> None:
        """Everything at once until the time is over; then no more trouble."""
        with ThreadPoolExecutor(residents + 3) as pool:
            running = [pool.submit(self._resident, place) for place in range(residents)]
            running += [pool.submit(part) for part in (self._dispatch, self._killer, self._trouble)]
            self.over.wait(self.seconds)
            self.over.set()
            for one in running:
                one.result()
        self.exchange.switch({"reset": True})
        self.board.switch({"answer": "", "when": "all"})
        for stand_in in self._unreliable:
            stand_in.lies = 0.0

    def _resident(self, place: int) -> None:
        """One conversation after the other, each from a new phone. Unanswered, they wait a moment and write it again."""
        rng = self._chance(f"resident {place}")
        for conversation in range(1000):
            number = f"+1720555{1000 + place * 200 + conversation % 200:04d}"
            for words in rng.choice(CONVERSATIONS):
                while not self.over.wait(rng.uniform(0.02, 0.2)) and not self.texts(number, words, rng):
                    self.over.wait(rng.uniform(0.2, 1.0))
                if self.over.is_set():
                    return
            self.counts["whole conversations"] += 1

    def texts(self, number: str, words: str, rng: random.Random) -> bool:
        """Send a text as Twilio does, a second time after a failure. True if an answer came."""
        one = Sent(self.exchange.text("inbound", number, self._ours, words, "received").sid, number, words)
        self.sent.append(one)
        return any(self.post(one, rng) for _ in range(2))

    def post(self, one: Sent, rng: random.Random | None = None) -> bool:
        """One request of the webhook. `rng`: it may die in the middle, half sent or unread."""
        url = f"http://127.0.0.1:{self.service.port}/twilio/sms"
        fields = {"MessageSid": one.sid, "From": one.number, "To": self._ours, "Body": one.words}
        body = urlencode(fields).encode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body)),
            "X-Twilio-Signature": self._signer.compute_signature(url, fields),
        }  # fmt: skip
        dies = rng is not None and rng.random() < CUT
        conn = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=15)
        with contextlib.suppress(OSError, http.client.HTTPException, NotTwiml), contextlib.closing(conn):
            conn.request("POST", "/twilio/sms", body[: len(body) // 2] if dies and rng and rng.random() < 0.3 else body, headers)
            if dies and rng:
                self.counts["requests died in the middle"] += 1
                time.sleep(rng.uniform(0, 0.03))
                return False
            answer = conn.getresponse()
            read = read_twiml(Answered(answer.status, answer.headers.get("Content-Type", ""), answer.read()))
            if answer.status == 200 and all(reply.callback for reply in read):
                self._hear(one, tuple((reply.words, reply.callback) for reply in read))
                return True
            self.counts["heard only the words that stand in for an answer"] += 1
        return False

    def _hear(self, one: Sent, answer: Answer) -> None:
        if not one.answers:
            self.counts["answered late" if self.over.is_set() else "answered at first"] += 1
            for words, callback in answer:
                self._line.move(self.exchange.text("outbound-reply", self._ours, one.number, words, "queued", callback=callback))
        one.answers.append(answer)

    def _dispatch(self) -> None:
        """Every second hand-off is taken up, by dispatch or by a text from the person paged; the others are left waiting."""
        rng = self._chance("dispatch")
        following = {"new": say.accept("Maria"), "accepted": say.status("Maria", "assigned"), "assigned": say.status("Maria", "en_route")}
        while not self.over.wait(rng.uniform(0.05, 0.3)):
            mine = [held for held in self.board.all() if int(held.hand_off_id[-1], 16) % 2 and held.stage in following]
            if mine:
                held = rng.choice(mine)
                if held.stage == "new" and held.needs_human and rng.random() < 0.5:
                    self.counts["pages answered by text"] += self.texts(self._staff, held.word("reference"), rng)
                else:
                    self.counts["moves of dispatch"] += self._dispatcher.tell(held, following[held.stage]).fine

    def _killer(self) -> None:
        """Each is killed once, then any. With two workers, one of them dies for good halfway."""
        rng, half = self._chance("killer"), time.monotonic() + self.seconds / 2
        first = rng.sample(self.service.names, len(self.service.names))
        while not self.over.wait(rng.uniform(0.5, 2.0)):
            if len(self.service.names) > 2 and time.monotonic() > half:
                self.service.kill(gone := self.service.names.pop(1))
                self.counts[f"killed for good: {gone}"] += 1
                first = [name for name in first if name != gone]
            name = first.pop() if first else rng.choice(self.service.names)
            self.service.kill(name)
            self.counts[f"kills of {name}"] += 1
            self.over.wait(rng.uniform(0.0, 0.4))
            self.service.start(name)

    def _trouble(self) -> None:
        """What fails changes about twice a second."""
        rng = self._chance("trouble")
        flags = ("undelivered", "receipts_late", "receipts_twice", "receipts_disordered", "receipts_missing")
        while not self.over.wait(rng.uniform(0.2, 0.7)):
            self.board.switch({"answer": rng.choice(("", "", "", "", "500", "404", "slow", "garbage", "drop")), "when": "all"})
            send = rng.choice(("", "", "429", "500", "hang"))
            self.exchange.switch({"send": send, "send_when": "all"} | {name: rng.random() < 0.3 for name in flags})
            for stand_in in self._unreliable:
                stand_in.lies = rng.choice((0.0, 0.3))
            self.counts["changes of what fails"] += 1

    def catch_up(self) -> None:
        """Whoever was never answered is heard again, in any order and several at once; then every text once more, for its answer."""
        waiting = [one for one in self.sent if not one.answers]
        self.counts["kept for later"] = len(waiting)
        self._chance("late").shuffle(waiting)
        with ThreadPoolExecutor(6) as pool:
            for texts in (waiting, self.sent):
                list(pool.map(lambda one: self.post(one) or self.post(one), texts))

    def settled(self) -> None:
        for errands in self._errands:
            errands.settled(10)


class Evidence:
    """What is left when it is over: the database, the phones and the board of dispatch, and what they must agree on."""

    def __init__(
        self, town: Town, conn: sa.Connection, settings: Settings, staff: Mapping[str, str], page_words: Callable[[str], str]
    ) -> None:
        self.town, self.conn, self.staff, self.page_words = town, conn, staff, page_words
        self.sealer = Sealer(settings.data_keys, settings.index_keys)
        self.cases = {row.id: row for row in conn.execute(sa.select(case))}
        self.messages = list(conn.execute(sa.select(message)))
        self.by_rest = [row for row in self.messages if row.direction == "out" and (row.tries or not row.answers)]
        self.numbers = {name: number for number, name in staff.items()}  # by whoever has it: a name on a ladder, or a contact's id
        for row in conn.execute(sa.select(contact)):
            self.numbers[row.id] = self.sealer.open(row.sealed_number, f"contact.number.{row.id}")

    def _human(self, case_id: str | None) -> bool:
        """A human took a case in danger: they answer what is written, software is still."""
        one = self.cases.get(case_id or "")
        return one is not None and one.level in ("R1", "R2") and "acknowledged" in one.state["marks"]

    def _said(self, row: sa.Row[Any]) -> str:
        return self.sealer.open(row.sealed_words, f"message.words.{row.id}")

    def wrong(self) -> Iterator[tuple[str, list[str]]]:
        """Each promise, and what breaks it."""
        yield "every text is kept once, as it was written", self._texts()
        yield "every text is answered, the same at each asking", self._answers()
        yield "one case a conversation: none lost, none phantom, none doubled", self._cases()
        yield "dispatch has each hand-off once, in order, at its newest revision", self._hand_offs()
        yield "each page is one text", self._pages()
        yield "no page and no unasked text is lost, doubled or left behind on its way", self._unasked()
        yield "no update is told twice", self._updates()

    def _texts(self) -> list[str]:
        sent = {one.sid: one.words for one in self.town.sent}
        kept = [row for row in self.messages if row.direction == "in"]
        once = Counter(row.provider_id for row in kept)
        wrong = [f"lost {sid}" for sid in sent if sid not in once] + [f"{many} times {sid}" for sid, many in once.items() if many > 1]
        said = {row.provider_id: self._said(row) for row in kept}
        return wrong + [f"phantom or altered {sid}" for sid, words in said.items() if sent.get(sid) != words]

    def _answers(self) -> list[str]:
        answered = {row.answers for row in self.messages if row.answers}
        silent = [row for row in self.messages if row.direction == "in" and row.id not in answered and not self._human(row.case_id)]
        wrong = [f"no answer to {row.provider_id}, heard {row.at:%H:%M:%S}" for row in silent]
        wrong += [f"answered {len(set(one.answers))} ways {one.sid}" for one in self.town.sent if len(set(one.answers)) > 1]
        return wrong + [f"never heard an answer to {one.sid}" for one in self.town.sent if not one.answers]

    def _cases(self) -> list[str]:
        numbers = {number: one for one, number in self.numbers.items() if number not in self.staff}
        residents = {one.number for one in self.town.sent} - set(self.staff)
        many = Counter(row.contact_id for row in self.cases.values())
        wrong = [f"phantom contact {numbers[number]}" for number in numbers.keys() - residents]
        wrong += [f"phantom case of {one}" for one in many.keys() - set(numbers.values())]
        return wrong + [
            f"{many[numbers.get(number, '')]} cases of one resident" for number in residents if many[numbers.get(number, "")] != 1
        ]

    def _hand_offs(self) -> list[str]:
        log = [(str(one["key"]), str(one["why"])) for one in self.town.board.deliveries]
        took = [key for key, why in log if why in ("new", "newer revision")]
        lied = {key for key, why in log if why.startswith("garbage")}
        lies = lied - set(took)
        self.town.counts["hand-offs dispatch said it had and had not"] = len(lies)
        wrong = [f"{why}: {key}" for key, why in log if why == "repeated with other words"]
        # A slow try may be read after dispatch has lied about the quicker one: only then is it older than what came since.
        wrong += [f"{why}: {key}" for key, why in log if why == "older than what we have" and key not in lied]
        wrong += [f"phantom at dispatch {held.hand_off_id}" for held in self.town.board.all() if held.hand_off_id not in self.cases]
        query = sa.select(hand_off.c.case_id, sa.func.max(hand_off.c.revision), sa.func.count()).group_by(hand_off.c.case_id)
        told = {row[0]: (row[1], row[2]) for row in self.conn.execute(query)}
        wrong += [
            f"not handed off: {row.id} is {row.status}" for row in self.cases.values() if row.status != "screening" and row.id not in told
        ]
        for case_id, (newest, many) in told.items():
            self.town.counts["hand-offs"] += 1
            honest = max((one for one in range(1, newest + 1) if f"{case_id}.{one}" not in lies), default=0)
            held = self.town.board.held(case_id)
            if many != newest or newest != self.cases[case_id].state["revision"]:
                wrong.append(f"revisions of {case_id}: {many} up to {newest}")
            if honest != (held.revision if held else 0):
                wrong.append(f"dispatch has revision {held.revision if held else 0} of {case_id}, not {honest}")
            elif held and held.packet != hand_offs.packet(self.conn, self.sealer, case_id, honest):
                wrong.append(f"dispatch has other words in {case_id}")
        states = self.conn.execute(sa.select(delivery).where(delivery.c.state != "received"))
        return wrong + [f"{row.state} {row.case_id}.{row.revision}, tried {row.tries}" for row in states]

    def _pages(self) -> list[str]:
        asked = Counter((row.case_id, row.person) for row in self.conn.execute(sa.select(page)))
        self.town.counts["pages"] = sum(asked.values())
        words = {one.id: self.page_words(one.reference) for one in self.cases.values()}
        rows = Counter((row.case_id, row.person) for row in self.by_rest if row.person and self._said(row) == words.get(row.case_id))
        return [f"{asked[one]} pages to {one[1]} for {one[0]}, {rows[one]} texts" for one in asked | rows if asked[one] != rows[one]]

    def _unasked(self) -> list[str]:
        """By number and words: the provider's list names neither our id nor the row, so two alike may change places."""
        unsure = (*UNSENT, "held", "overtaken", "dead")  # may have reached the phone, or not
        got = [(text, (text.receiver, text.words)) for text in self.town.exchange.texts() if text.direction == "outbound-api"]
        rows = [(row, (self.numbers[row.person or row.contact_id], self._said(row))) for row in self.by_rest]
        there, most = Counter(key for _, key in got), Counter(key for _, key in rows)
        least = Counter(key for row, key in rows if row.state not in unsure)

        def told(wrong: tuple[str, str]) -> str:
            sent = [f"{text.at:%M:%S.%f} for {text.callback[-4:]}" for text, key in got if key == wrong]
            kept = [f"{row.id[-4:]} {row.at:%M:%S.%f} {row.state} {row.tries} {row.error or ''}" for row, key in rows if key == wrong]
            return f"{there[wrong]} on a phone, {least[wrong]} to {most[wrong]} kept: phone {sent}, kept {kept}"

        wrong = [told(key) for key in there | most if not least[key] <= there[key] <= most[key]]
        stuck = datetime.now(UTC) - timedelta(seconds=10)
        return wrong + [f"{row.state} since {row.at:%H:%M:%S}: {row.id}" for row in self.by_rest if row.state in UNSENT and row.at < stuck]

    def _updates(self) -> list[str]:
        once = Counter((row.case_id, row.keys) for row in self.messages if row.direction == "out" and not row.answers and not row.person)
        self.town.counts["updates"] = sum(once.values())
        return [f"{many} times {keys} for {one}" for (one, keys), many in once.items() if many > 1 and keys.startswith("status.")]


# ---- from the start to the verdict ----------------------------------------------------------------------------------


def run(seconds: float, database_url: str, seed: int, residents: int) -> int:
    """Chaos for so many seconds, then the report; 0 if every promise was kept. `database_url`: an empty PostgreSQL
    database, which gets two workers; "" takes SQLite in a temporary folder."""
    loud = logging.getLogger("werkzeug")
    before = loud.level
    loud.setLevel(logging.CRITICAL)
    try:
        with tempfile.TemporaryDirectory(prefix="caller-chaos-") as folder:
            return _run(Path(folder), seconds, database_url, seed, residents)
    finally:
        loud.setLevel(before)


def _run(folder: Path, seconds: float, database_url: str, seed: int, residents: int) -> int:
    again = f"--seconds {seconds:g} --seed {seed} --residents {residents}"
    click.echo(f"chaos on {'PostgreSQL' if database_url else 'SQLite'}; the same again: {again}")
    port, long = _free_port(), seconds >= 20
    url = f"http://127.0.0.1:{port}"
    environment = {
        "CALLER_BIND": f"127.0.0.1:{port}", "CALLER_PUBLIC_URL": url,
        "CALLER_DATABASE_URL": database_url or f"sqlite:///{folder / 'caller.sqlite'}",
    }  # fmt: skip
    settings, bearer = Settings.from_environment(environment, here=folder), secrets.token_urlsafe(32)
    cad = create_cad(CadSettings(url, bearer, settings.secret("REHEARSAL_CAD_SECRET"), auto=False, slow=9.0 if long else 1.0))
    with contextlib.ExitStack() as stack:
        environment["CALLER_PROGRAM"] = str(path := _short_program(folder, stack.enter_context(served(cad))))
        program, auth_token = read_program(path), settings.twilio_auth_tokens[0]
        ours, staff = program.numbers.ours[0].number, {rung.number: rung.name for rung in program.ladder}
        twilio = create_twilio(
            TwilioSettings(settings.twilio_account_sid, auth_token, url, ours, staff, hang=12.0 if long else 1.0, late=0.7)
        )
        environment["CALLER_TWILIO_API_URL"] = stack.enter_context(served(twilio))
        service = Service(folder, environment, ("worker-1", "worker-2") if database_url else ("worker-1",))
        stack.callback(service.end)
        if service.start("migrate", "migrate").wait(60):
            raise RuntimeError((folder / "migrate.log").read_text()[-2000:])
        engine = sa.create_engine(environment["CALLER_DATABASE_URL"], poolclass=NullPool)
        with engine.connect() as conn, conn.begin():
            conn.execute(sa.insert(token).values(id="chaos", name="chaos", hash=token_hash(bearer), created_at=datetime.now(UTC)))
        service.until_up()
        town = Town(service, twilio, cad, auth_token, seconds, seed, ours, next(iter(staff)))
        town.live(residents)
        service.until_up()
        latest = _after(town, engine, max(20.0, seconds))
        service.end()
        catalog, language = read_catalog(program.languages), program.languages[0]
        with engine.connect() as conn:
            told = Evidence(
                town, conn, settings, staff, lambda one: catalog.text(language, "page.text", **filling(program, language, catalog, one))
            )
            rung = conn.execute(sa.select(sa.func.count()).where(journal.c.event == "clock")).scalar()
            clocks = f"every due clock within {HONOURED:g} s of the service being up ({rung} rang, the latest {latest:.1f} s late)"
            verdicts = [*told.wrong(), (clocks, [f"{latest:.1f} s"] * (latest > HONOURED))]
        town.counts["texts"] = len(town.sent)
        return _report(town.counts, service.faults(), verdicts, again)


def _after(town: Town, engine: sa.Engine, within: float) -> float:
    """Hear everybody who waits, and watch until nothing is under way: how late the latest clock was while all was up."""
    up, latest = time.time(), 0.0
    with ThreadPoolExecutor(1) as pool:
        caught_up = pool.submit(town.catch_up)
        while (gone := time.time() - up) < WATCHED or (gone < within and not (caught_up.done() and _quiet(engine))):
            with engine.connect() as conn:
                due = conn.execute(sa.select(sa.func.min(case.c.due_at))).scalar()
            latest = max(latest, time.time() - max(up, due.timestamp()) if due else 0.0)
            time.sleep(0.1)
        caught_up.result()
    town.settled()
    return latest


def _quiet(engine: sa.Engine) -> bool:
    """Nothing waits to be delivered or sent but what was just written: nobody takes up every second case, so pages go on."""
    old = datetime.now(UTC) - timedelta(seconds=2)
    with engine.connect() as conn:
        texts = conn.execute(sa.select(message.c.id).where(message.c.state.in_(UNSENT), message.c.at < old).limit(1)).first()
        return not texts and not conn.execute(sa.select(delivery.c.id).where(delivery.c.state == "waiting").limit(1)).first()


def _report(counts: Counter[str], faults: Counter[str], verdicts: list[tuple[str, list[str]]], again: str) -> int:
    for name, many in sorted(counts.items()):
        click.echo(f"{many:7} {name}")
    for name, many in sorted(faults.items()):
        click.echo(f"{many:7} in the log: {name}")
    for promise, wrong in verdicts:
        click.echo(f"{'FAIL' if wrong else 'PASS'}  {promise}" + "".join(f"\n      {one}" for one in wrong[:10]))
    failed = sum(bool(wrong) for _, wrong in verdicts)
    click.echo(f"{failed} promises broken; the same again: {again}" if failed else "every promise was kept")
    return 1 if failed else 0


def _short_program(folder: Path, cad_url: str) -> Path:
    """The rehearsal city with short clocks, whose teams never sleep and whose dispatch is ours."""
    here = Path(__file__).parent
    shutil.copytree(here / "programs" / "rehearsal", folder / "program")
    path = folder / "program" / "program.toml"
    words = path.read_text(encoding="utf-8").replace("http://127.0.0.1:8020", cad_url).replace("../../protocols", str(here / "protocols"))
    for clock, short in (("read", 0), ("page_next", 2), ("truth", 3)):
        words = re.sub(rf"(?m)^{clock} = \d+$", f"{clock} = {short}", words)
    words = re.sub("(?m)^hours = .*$", "", words)
    path.write_text(words, encoding="utf-8")
    return path


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
