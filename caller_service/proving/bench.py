"""`caller-service bench`: whole signed conversations against `serve` with a running `work` and, in
the same run, against a minimal Flask and sqlite3 app that does one durable turn. Only ratios are
meaningful, not single times.

A turn is one signed webhook, answered after its commit. Every process is restarted for each round.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import sqlalchemy as sa
from twilio.request_validator import RequestValidator

from caller_service.config.settings import Settings
from caller_service.core.outbound import TextState
from caller_service.store.ledger import counted

from .surroundings import QuietHandler, Server, StalledClients

CONVERSATION = (
    "my brother shouts",
    "3",
    "2",
    "2",
    "2",
    "3",
    "1",
    "Main St and 3rd Ave",
    "2",
    "2",
    "1",
)
PUBLIC = "https://bench.test"
WORKERS, THREADS = 2, 16
# the same in every folder: on PostgreSQL a round sees rows of the round before
KEYS = {
    name: f"bench:{base64.b64encode(os.urandom(32)).decode()}"
    for name in ("CALLER_DATA_KEYS", "CALLER_INDEX_KEYS")
}
# each round uses its own numbers: on PostgreSQL all rounds share a database
_rounds = itertools.count()


@dataclass
class Round:
    """One load on one service: the seconds each turn took, and its cost."""

    turns: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0
    lags: list[float] = field(default_factory=list)
    wrong: int = 0

    @property
    def rate(self) -> float:
        return len(self.turns) / self.seconds

    def at(self, share: float) -> float:
        """Milliseconds within which this share of turns was answered (a quantile)."""
        return sorted(self.turns)[min(len(self.turns) - 1, int(len(self.turns) * share))] * 1000


def bench(
    residents: int = 32,
    each: int = 6,
    rounds: int = 3,
    old_cases: int = 0,
    database_url: str = "",
    stalled: int = 0,
) -> None:
    """Run everything and print the table. `database_url`: an empty PostgreSQL database; default
    SQLite in a temporary folder.

    With `old_cases`, the same load is also run with that many ended cases in the database: on
    SQLite alternating with the other rounds, because a machine's speed changes within minutes; on
    PostgreSQL, where all rounds share a database, afterwards, again next to the floor. Then the
    ledger is timed. With `stalled`, it is also run beside that many clients that connect and never
    complete a request.
    """
    loads, full = [Load(kind, database_url) for kind in ("floor", "work", "alone")], database_url
    with tempfile.TemporaryDirectory(prefix="caller-bench-") as folder:
        if old_cases and not database_url:
            full = f"sqlite:///{_full(Path(folder), old_cases)}"
            loads.append(Load("alone", full, "old"))
        if stalled:
            loads.append(Load("alone", database_url, "stalled", stalled))
        rounds_by_name = _played(loads, rounds, residents, each)
        if old_cases and database_url:
            _fill(full, old_cases)
            rounds_by_name |= _played(
                [Load("floor", "", "floor again"), Load("alone", full, "old")],
                rounds,
                residents,
                each,
            )
        _table(rounds_by_name, residents, old_cases, database_url)
        if old_cases:
            print(f"the ledger counts them in {_ledger(full):.2f} s")


def _ledger(url: str) -> float:
    """Seconds to count the ledger of a whole database: the median of five runs."""
    engine = sa.create_engine(url)
    with engine.connect() as conn:
        took = []
        for _ in range(5):
            asked = time.perf_counter()
            counted(conn)
            took.append(time.perf_counter() - asked)
    engine.dispose()
    return statistics.median(took)


@dataclass(frozen=True)
class Load:
    """One service under load. `database`: its SQLAlchemy URL; "": a new SQLite file."""

    kind: str  # floor, work (serve and work), alone (serve)
    database: str
    name: str = ""
    stalled: int = 0  # clients that stall beside it


def _played(loads: list[Load], rounds: int, residents: int, each: int) -> dict[str, list[Round]]:
    results: dict[str, list[Round]] = {load.name or load.kind: [] for load in loads}
    for one in range(rounds):
        for load in loads:
            with tempfile.TemporaryDirectory(prefix="caller-bench-") as folder:
                done = _round(load, Path(folder), residents, each)
            results[load.name or load.kind].append(done)
            print(f"round {one + 1} {load.name or load.kind:11} {_line(done)}", flush=True)
    return results


def _round(load: Load, folder: Path, residents: int, each: int) -> Round:
    with Inbox() as inbox, contextlib.ExitStack() as stack:
        port = free_port()
        environment, token = settings_for(folder, port, inbox.port, load.database)
        if load.kind == "floor":
            floor = (
                "-m",
                "caller_service.proving.bench_floor",
                str(folder / "floor.sqlite"),
                str(port),
                token,
            )
            server = stack.enter_context(process(folder, {}, *floor))
        else:
            command(folder, environment, "migrate")
            serve = (
                "-m",
                "caller_service.commands.main",
                "serve",
                "--workers",
                str(WORKERS),
                "--threads",
                str(THREADS),
            )
            server = stack.enter_context(process(folder, environment, *serve))
            if load.kind == "work":
                stack.enter_context(
                    process(folder, environment, "-m", "caller_service.commands.main", "work")
                )
        until_up(port)
        if load.stalled:
            stack.enter_context(StalledClients(port, load.stalled))
        done = play(port, token, residents, each, server.pid)
        if load.kind == "work":
            done.lags = inbox.lags(residents * (each + 1))
        return done


def _line(done: Round) -> str:
    lag = f"  hand-off {statistics.median(done.lags):.2f} s" if done.lags else ""
    return (
        f"{done.rate:7.0f} turns/s  p50 {done.at(0.5):5.1f}  p95 {done.at(0.95):5.1f}  p99 "
        f"{done.at(0.99):5.1f} ms  "
        f"CPU {done.cpu / len(done.turns) * 1000:4.2f} ms a turn{lag}"
        + (f"  WRONG {done.wrong}" if done.wrong else "")
    )


NAMES = {
    "floor": "the floor: Flask and sqlite3", "work": "serve and work", "alone": "serve alone",
    "floor again": "the floor again", "old": "serve alone, old cases",
    "stalled": "serve alone, stalled clients",
}  # fmt: skip


def _table(done: dict[str, list[Round]], residents: int, old_cases: int, database_url: str) -> None:
    where = "PostgreSQL" if database_url else "SQLite"
    print(f"\n{residents} residents, {where}; medians of {len(done['floor'])} rounds")
    rates = {kind: statistics.median(one.rate for one in rounds) for kind, rounds in done.items()}
    again = rates.get("floor again", rates["floor"])
    for kind, rounds in done.items():
        floor = again if kind in ("floor again", "old") else rates["floor"]
        p50, p95, p99 = (
            statistics.median(one.at(share) for one in rounds) for share in (0.5, 0.95, 0.99)
        )
        cpu = statistics.median(one.cpu / len(one.turns) * 1000 for one in rounds)
        lags = [lag for one in rounds for lag in one.lags]
        lag = f"  hand-off {statistics.median(lags):.2f} s" if lags else ""
        print(
            f"{NAMES[kind]:29} {rates[kind]:6.0f} turns/s  ratio {rates[kind] / floor:4.2f}  "
            f"p50 {p50:5.1f}  p95 {p95:5.1f}  p99 {p99:5.1f} ms  CPU {cpu:4.2f} ms{lag}"
        )
    if "old" in done:
        slower = (rates["alone"] / rates["floor"]) / (rates["old"] / again)
        print(
            f"a turn beside {old_cases} old cases takes {slower:.2f} times one beside none, "
            f"measured against the floor"
        )
    if any(one.wrong for rounds in done.values() for one in rounds):
        print("Some answers were wrong: the figures do not count.")


# ---- the load ------------------------------------------------------------------------------------


class Phone:
    """A resident's phone, whose texts are signed as Twilio does. `first`: the prefix of its message
    ids, 20 digits of its own."""

    def __init__(self, port: int, token: str, number: str, first: str) -> None:
        self.number, self._first, self._turns = number, first, itertools.count()
        self._signer = RequestValidator(token)
        # one for each conversation, so that the processes are chosen at random
        self._conn = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def __enter__(self) -> Phone:
        return self

    def __exit__(self, *_: object) -> None:
        self._conn.close()

    def text(self, said: str) -> TimedTurn:
        """One turn, from the request to its complete response."""
        form = {
            "MessageSid": f"SM{self._first}{next(self._turns):012d}",
            "From": self.number,
            "To": "+17205550100",
            "Body": said,
        }
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": self._signer.compute_signature(f"{PUBLIC}/twilio/sms", form),
        }
        begun = time.perf_counter()
        self._conn.request("POST", "/twilio/sms", urlencode(form), headers)
        answer = self._conn.getresponse()
        right = b"<Message" in answer.read() and answer.status == 200
        return TimedTurn(form["MessageSid"], begun, time.perf_counter(), right)


@dataclass(frozen=True, slots=True)
class TimedTurn:
    """One turn: the message's id, when it was sent and answered (seconds, time.perf_counter), and
    whether the response had text."""

    sid: str
    begun: float
    ended: float
    right: bool


def play(
    port: int, token: str, residents: int, each: int, server: int, pause: float = 0.0
) -> Round:
    """`residents` at once, each with `each` conversations one after the other. Every turn is
    signed, and answered before the next, which comes `pause` seconds later.

    One conversation of each resident comes first and is not counted, so that every process has read
    its files and prepared its statements.
    """
    again = next(_rounds)
    done, warm, gate, lock = (
        Round(),
        threading.Barrier(residents + 1),
        threading.Barrier(residents + 1),
        threading.Lock(),
    )

    def resident(place: int) -> None:
        mine: list[float] = []
        wrong = 0
        for conversation in range(each + 1):
            if conversation == 1:
                warm.wait()
                mine.clear()
                gate.wait()
            number = f"+1{200 + again:03d}{place:03d}{conversation:04d}"
            with Phone(port, token, number, f"{again:06d}{place:06d}{conversation:08d}") as phone:
                for said in CONVERSATION:
                    told = phone.text(said)
                    wrong += not told.right
                    mine.append(told.ended - told.begun)
                    if pause:
                        time.sleep(pause)
            if conversation:
                Inbox.finished[number] = time.time() - pause
        with lock:
            done.turns += mine
            done.wrong += wrong

    threads = [threading.Thread(target=resident, args=(place,)) for place in range(residents)]
    done.seconds, done.cpu = timed(threads, warm, gate, server)
    return done


def timed(
    threads: Sequence[threading.Thread],
    warm: threading.Barrier,
    gate: threading.Barrier,
    server: int,
) -> tuple[float, float]:
    """Run the load; returns the seconds from the start to the end of its threads, and the processor
    seconds that the server's processes used meanwhile."""
    for thread in threads:
        thread.start()
    warm.wait()
    before = cpu_of(server)
    gate.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun, cpu_of(server) - before


def cpu_of(group: int) -> float:
    """Processor seconds used so far by a process and its children."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parts = stat.read_text().rpartition(")")[2].split()
            if int(parts[2]) == group:
                ticks += int(parts[11]) + int(parts[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Inbox(Server):
    """A destination that accepts everything and records when, by the number in the packet."""

    finished: dict[str, float] = {}  # noqa: RUF012 (the load writes it, one round at a time)

    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}
        arrived = self.arrived

        class Takes(QuietHandler):
            def do_POST(self) -> None:
                packet = json.loads(self.read())
                arrived.setdefault(packet["contact"]["number"], time.time())
                self.say(202)

        super().__init__(Takes)
        Inbox.finished = {}

    def lags(self, many: int, within: float = 60.0) -> list[float]:
        """Seconds from the answer to the last text until the hand-off arrived, for each
        conversation."""
        end = time.monotonic() + within
        while len(self.arrived) < many and time.monotonic() < end:
            time.sleep(0.05)
        if len(self.arrived) < many:
            print(f"only {len(self.arrived)} of {many} hand-offs arrived within {within:.0f} s")
        return [
            max(0.0, at - self.finished[number])
            for number, at in self.arrived.items()
            if number in self.finished
        ]


# ---- processes -----------------------------------------------------------------------------------


@contextlib.contextmanager
def serving(database_url: str, read_page: int = 2) -> Iterator[tuple[int, str, int]]:
    """`serve` alone while the block runs: its port, auth token and process. `read_page`: seconds
    before a "no" on a page counts."""
    with tempfile.TemporaryDirectory(prefix="caller-bench-") as name, Inbox() as inbox:
        folder, port = Path(name), free_port()
        environment, token = settings_for(folder, port, inbox.port, database_url, read_page)
        command(folder, environment, "migrate")
        serve = ("serve", "--workers", str(WORKERS), "--threads", str(THREADS))
        words = ("-m", "caller_service.commands.main", *serve)
        with process(folder, environment, *words) as server:
            until_up(port)
            yield port, token, server.pid


def settings_for(
    folder: Path, port: int, inbox: int, database_url: str, read_page: int = 2
) -> tuple[dict[str, str], str]:
    here = Path(__file__).parents[1]
    shutil.copytree(here / "programs" / "rehearsal", folder / "program")
    path = folder / "program" / "program.toml"
    text = path.read_text().replace(
        "http://127.0.0.1:8020/hand-offs", f"http://127.0.0.1:{inbox}/hand-offs"
    )
    text = text.replace("read = 3", f"read = 0\nread_page = {read_page}").replace(
        "../../protocols", str(here / "protocols")
    )
    path.write_text(text)
    environment = {
        "CALLER_PROGRAM": str(path),
        "CALLER_BIND": f"127.0.0.1:{port}",
        "CALLER_PUBLIC_URL": PUBLIC,
        "CALLER_DATABASE_URL": database_url or f"sqlite:///{folder}/caller.sqlite",
        **KEYS,
    }
    settings = Settings.from_environment(environment, here=folder)
    return environment, settings.twilio_auth_tokens[0]


@contextlib.contextmanager
def process(
    folder: Path, environment: Mapping[str, str], *words: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in its own process group, which ends with the block."""
    variables = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CALLER_", "TWILIO_"))
        },
        **environment,
    }
    with (folder / "log").open("ab") as log:
        running = subprocess.Popen(
            [sys.executable, *words],
            cwd=folder,
            env=variables,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGTERM)
        try:
            running.wait(8)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def command(folder: Path, environment: Mapping[str, str], *words: str) -> None:
    with process(folder, environment, "-m", "caller_service.commands.main", *words) as running:
        if running.wait(60):
            raise RuntimeError((folder / "log").read_text()[-2000:])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until_up(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            conn = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            conn.request("GET", "/health/live")
            conn.getresponse().read()
            return
        time.sleep(0.05)
    raise RuntimeError("the server did not come up")


def _full(folder: Path, old_cases: int) -> Path:
    """A SQLite file with the old cases, used without a copy: every round adds a few hundred
    cases."""
    environment, _ = settings_for(folder, free_port(), 0, "")
    command(folder, environment, "migrate")
    _fill(environment["CALLER_DATABASE_URL"], old_cases)
    return folder / "caller.sqlite"


def _fill(database_url: str, many: int) -> None:
    """Add `many` ended cases, each with a contact and twelve messages."""
    engine = sa.create_engine(database_url)
    meta = sa.MetaData()
    meta.reflect(engine)
    contact, case, message = meta.tables["contact"], meta.tables["case"], meta.tables["message"]
    old = sa.func.current_timestamp()
    with engine.begin() as conn:
        for start in range(0, many, 5000):
            ids = [f"old-{one:08d}" for one in range(start, min(start + 5000, many))]
            conn.execute(
                sa.insert(contact).values(created_at=old),
                [
                    {
                        "id": one,
                        "number_index": one.ljust(32).encode(),
                        "sealed_number": b"x" * 60,
                        "language": "en",
                    }
                    for one in ids
                ],
            )
            conn.execute(
                sa.insert(case).values(opened_at=old, closed_at=old),
                [
                    {
                        "id": one, "reference": one, "contact_id": one, "status": "closed",
                        "version": 12, "level": "R4", "response": "team", "area": "central",
                        "language": "en", "state": {"answers": {"who": "me"}},
                        "protocol_hash": "x" * 64, "outcome": "resolved", "unserved": "",
                    }
                    for one in ids
                ],
            )  # fmt: skip
            conn.execute(
                sa.insert(message).values(at=old),
                [
                    {
                        "id": f"{one}-{turn}", "direction": "in" if turn % 2 else "out",
                        "provider": "twilio", "provider_id": f"{one}-{turn}", "contact_id": one,
                        "case_id": one, "place": 0, "sealed_words": b"x" * 120, "keys": "",
                        "language": "en", "state": TextState.DELIVERED, "rank": 6, "tries": 0,
                    }
                    for one in ids
                    for turn in range(12)
                ],
            )  # fmt: skip
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(sa.text("ANALYZE"))
    engine.dispose()
