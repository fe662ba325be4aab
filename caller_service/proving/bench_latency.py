"""`caller-service bench-under-way`: the latencies that people notice while the service is under
load, against real `serve` and `work`.

How soon the first page is sent after the turn that caused it; how late timers fire beside ten
thousand that wait; whether a resident's turn takes longer while one of two destinations is down.
Baseline and failure alternate within a run. The exit code is always 0, as the machine may be busy
with something else.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import sqlalchemy as sa

import caller_service
from caller_service.casework.outbound.deliver import PAUSES
from caller_service.casework.parts import Parts, new_id, utc_now
from caller_service.casework.receive import Turn, receive
from caller_service.config.settings import Settings
from caller_service.core.case import Case, replace
from caller_service.core.clock import next_due
from caller_service.core.journal_events import Event
from caller_service.core.marks import Mark
from caller_service.core.outbound import UNSENT, DeliveryState, TextState
from caller_service.store import cases, contacts, hand_offs
from caller_service.store.contacts import Contact
from caller_service.store.database.transaction import transaction
from caller_service.store.hand_offs import Delivery
from caller_service.store.messages import RANKS
from caller_service.store.tables import case, delivery, journal, message

from .bench import (
    CONVERSATION,
    Inbox,
    Phone,
    Round,
    TimedTurn,
    command,
    cpu_of,
    free_port,
    play,
    process,
    settings_for,
    until_up,
)
from .chaos import PARTNER
from .surroundings import QuietHandler, Server

DANGER = "my sister took too many pills"
FIGURES = ("pages", "clocks", "destinations")
# targets: seconds (median); seconds (maximum); ratio of the p99s
PAGE_AIM, CLOCK_AIM, RATIO_AIM = 1.0, 3.0, 1.3
CALM = 8  # residents who pause between texts: a service with spare capacity
PAUSE = 0.05  # seconds of that pause
CROWD = 32  # residents who do not pause: a saturated service
PENDING = 10_000  # cases that wait for a clock
RINGING = (15, 30.0)  # cases per second that fall due while it is watched, and for how many seconds
HANDED_OFF = 1_000  # open cases with a hand-off for each destination
LATER = (300, 1500)  # seconds until the other timers fire: after the end of the run
WORKER = ("-m", "caller_service.commands.main", "work")
SERVE = ("-m", "caller_service.commands.main", "serve", "--workers", "2", "--threads", "16")
_people = itertools.count()


def bench(figures: Sequence[str] = FIGURES, rounds: int = 3, database_url: str = "") -> None:
    """Measure what is requested and print it with the targets. `database_url`: an empty PostgreSQL
    database; "": SQLite."""
    print(
        f"{'PostgreSQL' if database_url else 'SQLite'}; absolute times are this machine's, with "
        f"whatever else it does"
    )
    lines: list[str] = []
    if "pages" in figures:
        lines += _pages(rounds, database_url)
    if "clocks" in figures:
        lines += _clocks(database_url)
    if "destinations" in figures:
        lines += _destinations(rounds, database_url)
    print("\n" + "\n".join(lines))


# ---- the town around it --------------------------------------------------------------------------


class Carrier(Server):
    """A stand-in Twilio that accepts every text and records when."""

    def __init__(self) -> None:
        self.texts: list[tuple[float, str]] = []  # when (time.perf_counter), and the words
        texts, sids = self.texts, itertools.count(1)

        class Takes(QuietHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.read().decode())
                texts.append((time.perf_counter(), form["Body"][0]))
                resource = {"sid": f"SM{next(sids):032x}", "status": "queued"}
                self.say(201, json.dumps(resource).encode())

            def do_GET(self) -> None:
                self.say(200, b'{"messages": [], "next_page_uri": null}')

        super().__init__(Takes)


class Partner(Server):
    """A second destination. `does`: takes (everything), fails (500), hangs (never answers); "both
    hang": the first one, too."""

    def __init__(self, does: str) -> None:
        self.asked, self._over = 0, threading.Event()
        partner = self

        class Does(QuietHandler):
            def do_POST(self) -> None:
                partner.asked += 1
                self.read()
                if "hang" in does:
                    partner._over.wait()
                    self.close_connection = True
                    return
                self.say(500 if does == "fails" else 202)

        super().__init__(Does)

    def __exit__(self, *ended: object) -> None:
        self._over.set()
        super().__exit__(*ended)


@dataclass
class ServiceUnderTest:
    """The service under test: a database, and `serve` and `work` once they run."""

    folder: Path
    port: int
    token: str = field(repr=False)
    environment: Mapping[str, str]
    parts: Parts
    carrier: Carrier
    inbox: Inbox
    partner: Partner
    server: int = 0  # the process id of `serve`
    worker: int = 0  # and of `work`

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Wait until both processes run and the worker has reported ready."""
        with (
            process(self.folder, self.environment, *SERVE) as server,
            process(self.folder, self.environment, *WORKER) as worker,
        ):
            self.server, self.worker = server.pid, worker.pid
            until_up(self.port)
            end = time.monotonic() + 30
            while b"\nready" not in (self.folder / "log").read_bytes():
                if time.monotonic() > end:
                    raise RuntimeError("the worker did not come up")
                time.sleep(0.05)
            yield

    @contextlib.contextmanager
    def alone(self, shares: list[float]) -> Iterator[None]:
        """Record the share of all processors that other processes used, including a PostgreSQL
        server."""

        def used() -> tuple[float, float, float]:
            ticks = [int(one) for one in Path("/proc/stat").read_text().split(maxsplit=9)[1:9]]
            # without idle time and waiting for the disk
            busy = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
            return (
                time.monotonic(),
                busy,
                cpu_of(self.server) + cpu_of(self.worker) + time.process_time(),
            )

        before = used()
        yield
        seconds, busy, ours = (now - then for now, then in zip(used(), before, strict=True))
        shares.append(max(0.0, busy - ours) / seconds / (os.cpu_count() or 1))

    def phone(self) -> Phone:
        """The phone of somebody who never texted before."""
        one = next(_people)
        return Phone(self.port, self.token, _number(one), f"9{one:019d}")


def _number(one: int) -> str:
    return f"+1930{one:07d}"


@contextlib.contextmanager
def _service(database_url: str, does: str = "takes") -> Iterator[ServiceUnderTest]:
    """A migrated service whose second destination behaves like that; on PostgreSQL what an earlier
    run left is removed."""
    with (
        tempfile.TemporaryDirectory(prefix="caller-bench-") as name,
        Carrier() as carrier,
        Inbox() as inbox,
        Partner(does) as partner,
    ):
        folder, port = Path(name), free_port()
        first = partner if does == "both hang" else inbox
        environment, token = settings_for(folder, port, first.port, database_url)
        environment["CALLER_TWILIO_API_URL"] = carrier.url
        path = folder / "program" / "program.toml"
        words = path.read_text().replace(
            "\n[[ladder]]", PARTNER.format(url=f"http://127.0.0.1:{partner.port}"), 1
        )
        # A team may take half an hour, so that the timers of waiting cases fire when this benchmark
        # wants, not all within five minutes.
        words = re.sub("(?m)^truth = 180$", "truth = 180\naccept = 1800\nwait_word = 3600", words)
        path.write_text(words)
        command(folder, environment, "migrate")
        parts: Parts = caller_service.create_app(
            Settings.from_environment(environment, here=folder)
        ).extensions["caller_parts"]
        try:
            _still(parts)
            yield ServiceUnderTest(folder, port, token, environment, parts, carrier, inbox, partner)
        finally:
            parts.engine.dispose()


def _still(parts: Parts) -> None:
    """No clock fires and nothing is retried."""
    with transaction(parts.engine) as conn:
        conn.execute(sa.update(case).where(case.c.due_at.is_not(None)).values(due_at=None))
        conn.execute(
            sa.update(delivery)
            .where(delivery.c.state == DeliveryState.WAITING)
            .values(state=DeliveryState.RECEIVED, next_at=None)
        )
        conn.execute(
            sa.update(message)
            .where(message.c.state.in_(UNSENT))
            .values(state=TextState.SENT, rank=RANKS[TextState.SENT], next_at=None)
        )


@contextlib.contextmanager
def _talk(service: ServiceUnderTest, residents: int) -> Iterator[None]:
    """This many quiet residents play whole conversations, pausing between texts."""
    over = threading.Event()

    def resident(_: int) -> None:
        while not over.is_set():
            with service.phone() as phone:
                for said in CONVERSATION:
                    phone.text(said)
                    if over.wait(PAUSE):
                        return

    with ThreadPoolExecutor(max(1, residents)) as pool:
        talking = [pool.submit(resident, place) for place in range(residents)]
        try:
            yield
        finally:
            over.set()
            for one in talking:
                one.result()


# ---- cases that wait -----------------------------------------------------------------------------


def _model(parts: Parts) -> Case:
    """A real case of somebody who chose a team and is waiting for it."""
    number = _number(next(_people))
    for turn, said in enumerate(CONVERSATION):
        receive(parts, Turn(f"SM8{number[1:]}{turn:020d}", number, said, parts.now()))
    with parts.engine.connect() as conn:
        newest = conn.execute(
            sa.select(case.c.id).order_by(case.c.opened_at.desc()).limit(1)
        ).scalar_one()
        model = cases.by_id(conn, parts.sealer, newest)
    if model is None or model.status != "handed_off":
        raise RuntimeError("the conversation does not end with a hand-off")
    return model


def _fill(
    parts: Parts, model: Case, due_times: Sequence[datetime], down: Sequence[str] = ()
) -> dict[str, datetime]:
    """One case like the model for each due time, by id: with its own contact, reference and
    hand-off, and its times shifted so that its timer fires then. Texts are left out, as no timer
    reads them. `down`: the destinations that have not received their hand-offs."""
    rings = next_due(model, parts.program)
    with parts.engine.connect() as conn:
        packet = json.dumps(hand_offs.packet(conn, parts.sealer, model.id))
    if rings is None:
        raise RuntimeError("nothing would ring for the model")
    dice, made = random.Random(7), {}
    for start in range(0, len(due_times), 250):
        batch = []
        for due in due_times[start : start + 250]:
            by = due - rings
            whose = Contact(new_id(), model.language, _number(next(_people)))
            case = replace(
                model, id=new_id(), reference=f"{next(_people):06d}", contact=whose.id, revision=1,
                marks={name: at + by for name, at in model.marks.items()},
            )  # fmt: skip
            if next_due(case, parts.program) != due:
                raise RuntimeError("a copied case would ring at another time")
            theirs = json.loads(
                packet.replace(model.id, case.id).replace(model.reference, case.reference)
            )
            handed = hand_offs.row(
                parts.sealer, case.id, 1, "new", theirs, case.marks[Mark.HANDED_OFF]
            )
            batch.append(
                (whose, cases.row(case, parts.sealer, due), handed, _ways(parts, case, down, dice))
            )
            made[case.id] = due
        with transaction(parts.engine) as conn:
            for whose, told_row, handed, ways in batch:
                contacts.add(conn, parts.sealer, whose, told_row["opened_at"])
                cases.add(conn, told_row)
                hand_offs.add(conn, handed, ways)
    return made


def _ways(parts: Parts, case: Case, down: Sequence[str], dice: random.Random) -> list[Delivery]:
    """The deliveries to each destination after an outage of some minutes: a destination that is
    down was tried five to eight times, and each hand-off is due at a random moment of its pause."""
    at, ways = case.marks[Mark.HANDED_OFF], []
    for one in parts.program.destinations:
        late = one.name in down
        tries = dice.randrange(5, 9) if late else 0
        next_at = (
            parts.now() + timedelta(seconds=dice.uniform(0, PAUSES[tries - 1])) if late else None
        )
        ways.append(
            Delivery(
                new_id(),
                case.id,
                1,
                one.name,
                DeliveryState.WAITING if late else DeliveryState.RECEIVED,
                tries,
                next_at,
                None,
                at,
            )
        )
    return ways


# ---- how soon the first page leaves --------------------------------------------------------------


def _pages(rounds: int, database_url: str) -> list[str]:
    lines = []
    with _service(database_url) as service, service.open():
        _paged(service, 1)  # warm-up: reads files and prepares statements
        for name, quiet in (("alone", 0), (f"beside {CALM} conversations", CALM)):
            with _talk(service, quiet):
                seconds = _paged(service, 4 * rounds)
            verdict = _verdict(statistics.median(seconds) <= PAGE_AIM)
            lines.append(
                f"first page, {name:24} {_spread(seconds)}  of {len(seconds)}; aim: median "
                f"{PAGE_AIM:g} s, {verdict}"
            )
            print(lines[-1], flush=True)
    return lines


def _paged(service: ServiceUnderTest, each: int, within: float = 30.0) -> list[float]:
    """Seconds from the answer to a danger sign until its page reached the provider: CALM residents
    at once, each `each` times and each time with a new phone. A page is recognised by the case's
    reference."""

    def resident(_: int) -> list[TimedTurn]:
        said = []
        for _ in range(each):
            with service.phone() as phone:
                said.append(phone.text(DANGER))
            time.sleep(random.uniform(0.2, 0.6))
        return said

    with ThreadPoolExecutor(CALM) as pool:
        told = [one for mine in pool.map(resident, range(CALM)) for one in mine]
    with service.parts.engine.connect() as conn:
        heard = sa.select(message.c.provider_id, case.c.reference).join(
            case, case.c.id == message.c.case_id
        )
        references = {
            row[0]: row[1]
            for row in conn.execute(
                heard.where(message.c.provider_id.in_([one.sid for one in told]))
            )
        }
    end, seconds = time.monotonic() + within, []
    for one in told:
        reference = references[one.sid]
        while (
            left := next(
                (at for at, words in list(service.carrier.texts) if reference in words), None
            )
        ) is None:
            if time.monotonic() > end:
                print(f"a page did not leave within {within:g} s")
                left = one.ended + within
                break
            time.sleep(0.05)
        seconds.append(max(0.0, left - one.ended))
    return seconds


# ---- how late clocks ring ------------------------------------------------------------------------


def _clocks(database_url: str) -> list[str]:
    lines = []
    with _service(database_url) as service:
        model = _model(service.parts)
        now, dice = utc_now(), random.Random(7)
        _fill(
            service.parts,
            model,
            [now + timedelta(seconds=dice.uniform(*LATER)) for _ in range(PENDING)],
        )
        with service.open():
            for name, quiet in (("alone", 0), (f"beside {CALM} conversations", CALM)):
                with _talk(service, quiet):
                    lines += _rung(service, model, name)
                print("\n".join(lines[-2:]), flush=True)
    return lines


def _rung(service: ServiceUnderTest, model: Case, name: str) -> list[str]:
    """Let some timers fall due and watch. Each one does all of "nobody accepted": the next person
    is paged by text, and the resident is told, which sends two texts."""
    a_second, seconds = RINGING
    begin = utc_now() + timedelta(seconds=3)
    due = _fill(
        service.parts,
        model,
        [begin + timedelta(seconds=n / a_second) for n in range(int(a_second * seconds))],
    )
    before, overdue = len(service.carrier.texts), 0.0
    while utc_now() < begin + timedelta(seconds=seconds + 1) or (
        _oldest(service.parts) > 0 and overdue < 60
    ):
        overdue = max(overdue, _oldest(service.parts))
        time.sleep(0.1)
    time.sleep(1)
    texts = len(service.carrier.texts) - before
    with service.parts.engine.connect() as conn:
        rung = {
            row.case_id: row.at
            for row in conn.execute(sa.select(journal).where(journal.c.event == Event.CLOCK))
            if row.case_id in due
        }
    late = [max(0.0, (at - due[case_id]).total_seconds()) for case_id, at in rung.items()]
    verdict = _verdict(len(late) == len(due) and max(late) <= CLOCK_AIM and overdue <= CLOCK_AIM)
    return [
        f"clocks, {name:28} {_spread(late)}  of {len(late)} of {len(due)}, {PENDING} waiting; aim: "
        f"all within {CLOCK_AIM:g} s, {verdict}",
        f"        each pages and tells the truth: {texts} of {2 * len(due)} texts had left a "
        f"second after; longest seen overdue {overdue:.2f} s",
    ]


def _oldest(parts: Parts) -> float:
    """Seconds by which the most overdue timer is late."""
    with parts.engine.connect() as conn:
        due = conn.execute(sa.select(sa.func.min(case.c.due_at))).scalar()
    return max(0.0, (utc_now() - due).total_seconds()) if due else 0.0


# ---- half the destinations down ------------------------------------------------------------------


DOWN: Mapping[str, tuple[str, ...]] = {
    "takes": (),
    "fails": ("partner",),
    "hangs": ("partner",),
    "both hang": ("rehearsal-cad", "partner"),
}
SAID = {
    "takes": "both destinations well",
    "fails": "one of two answers 500",
    "hangs": "one of two hangs",
    "both hang": "both hang",
}


@dataclass
class Weather:
    """The measurements of all rounds in which the partner behaved in one way."""

    rounds: list[Round] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)  # seconds until the first page was sent
    # the share of the processors that other processes used, each round
    others: list[float] = field(default_factory=list)
    asked: int = 0  # how often the partner was tried

    def at(self, share: float) -> float:
        return statistics.median(one.at(share) for one in self.rounds)


def _destinations(rounds: int, database_url: str) -> list[str]:
    loads = ((CALM, 12, PAUSE), (CROWD, 6, 0.0))
    seen = {(residents, does): Weather() for residents, _, _ in loads for does in DOWN}
    for one in range(rounds):
        for load in loads:
            # in alternating order, as the load of other processes changes
            for does in list(DOWN)[:: -1 if one % 2 else 1]:
                weather = seen[load[0], does]
                _weathered(weather, does, database_url, *load)
                print(_line(f"{load[0]} residents, {SAID[does]}", weather), flush=True)
    lines = []
    for residents, _, pause in loads:
        base = seen[residents, "takes"]
        lines.append(
            f"{HANDED_OFF} open hand-offs, {residents} residents"
            + (f" who pause {pause:g} s" if pause else ", all at once")
        )
        for does in DOWN:
            weather = seen[residents, does]
            ratios = [
                one.at(0.99) / first.at(0.99)
                for one, first in zip(weather.rounds, base.rounds, strict=True)
            ]
            ratio = statistics.median(ratios)
            lags = [lag for one in weather.rounds for lag in one.lags]
            verdict = (
                ""
                if does == "takes"
                else f"; aim: p99 ratio {RATIO_AIM:g}, {_verdict(ratio <= RATIO_AIM)}"
            )
            lines.append(
                f"  {SAID[does]:22}  p50 {weather.at(0.5):5.1f}  p95 {weather.at(0.95):5.1f}  p99 "
                f"{weather.at(0.99):6.1f} ms  "
                f"ratio of p99 {ratio:4.2f} ({min(ratios):.2f} to {max(ratios):.2f})  hand-off to "
                f"the other {_middle(lags)}  "
                f"page {_middle(weather.pages)}  others "
                f"{statistics.median(weather.others):.0%}{verdict}"
            )
    return lines


def _weathered(
    weather: Weather, does: str, database_url: str, residents: int, each: int, pause: float
) -> None:
    """One round: the partner behaves in this way, a thousand hand-offs wait for it, and residents
    text."""
    with _service(database_url, does) as service:
        now, dice = utc_now(), random.Random(7)
        due = [now + timedelta(seconds=dice.uniform(*LATER)) for _ in range(HANDED_OFF)]
        _fill(service.parts, _model(service.parts), due, DOWN[does])
        with service.open():
            # wait until a hanging destination occupies as many threads as it ever will
            until = time.monotonic() + 10
            while "hang" in does and time.monotonic() < until:
                time.sleep(0.1)
            with service.alone(weather.others):
                done = play(service.port, service.token, residents, each, service.server, pause)
            if "rehearsal-cad" not in DOWN[does]:
                done.lags = service.inbox.lags(residents * (each + 1))
            weather.rounds.append(done)
            weather.pages += _paged(service, 2)
            weather.asked += service.partner.asked


def _line(name: str, weather: Weather) -> str:
    done = weather.rounds[-1]
    return (
        f"{name:36} {done.rate:4.0f} turns/s  p50 {done.at(0.5):5.1f}  p95 {done.at(0.95):5.1f}  "
        f"p99 {done.at(0.99):6.1f} ms  "
        f"hand-off {_middle(done.lags)}  page {_middle(weather.pages)}  asked {weather.asked} "
        f"times  others {weather.others[-1]:.0%}" + ("  WRONG" if done.wrong else "")
    )


# ---- said ----------------------------------------------------------------------------------------


def _spread(seconds: Sequence[float]) -> str:
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    p50, p95, p99 = (
        ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.95, 0.99)
    )
    return f"median {p50:.2f}  p95 {p95:.2f}  p99 {p99:.2f}  max {ordered[-1]:.2f} s"


def _middle(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.2f} s, at most {max(seconds):.2f}" if seconds else "none"


def _verdict(reached: bool) -> str:
    return "reached" if reached else "aim missed"
