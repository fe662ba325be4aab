"""`caller-service chaos`: residents text, call and press the request form while web and worker are
killed with -9 at random, PostgreSQL is briefly unavailable, the destination fails, is slow or sends
false responses, Twilio fails, receipts come late and twice, and one request in ten is cut off. Then
calls are promised, and workers are killed at every step of them. Then every promise is checked
against the database, the phones and the board of dispatch. The service runs as its own processes in
a temporary folder, both stand-ins run here. The same seed injects the same faults again, though
timing is never quite the same.
"""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import shutil
import tempfile
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from caller_service.config.program_file import read_program
from caller_service.config.settings import Settings
from caller_service.core.access import API, SCOPES, Token
from caller_service.core.journal_events import Event
from caller_service.core.outbound import NOT_RECEIVED, UNSENT
from caller_service.core.program import Program
from caller_service.language.catalog import read_catalog
from caller_service.proving.bench import free_port
from caller_service.rehearsal.cad_stand_in import create_cad
from caller_service.rehearsal.carrier import TwilioSettings
from caller_service.rehearsal.dispatcher import CadSettings
from caller_service.rehearsal.pages import served
from caller_service.rehearsal.twilio_stand_in import create_twilio
from caller_service.store import tokens
from caller_service.store.tables import case, delivery, journal, message

from . import callers
from .calls_evidence import wrong_calls
from .evidence import Evidence
from .service import STARTED, Begin, Service, by_hand
from .town import Town
from .visitors import wrong_visits

# seconds that a due timer may wait while the service is up: Twilio's own timeout; the lateness is
# printed
HONOURED = 15.0
WATCHED = 4.0  # seconds that timers are watched, at least, once everything is up
PROMISED, KILLS = 4, 4  # promised calls, and how often a worker is killed during them
SETTLED = 120.0  # seconds after which something counts as hanging, once everything is up


def run(
    seconds: float, database_url: str, seed: int, residents: int, begin: Begin = by_hand
) -> int:
    """Chaos for so many seconds, then the report; 0 if every promise was kept. `database_url`: an
    empty PostgreSQL database, which gets two workers; "" takes SQLite in a temporary folder.
    `begin` starts each process."""
    loud = logging.getLogger("werkzeug")
    before = loud.level
    loud.setLevel(logging.CRITICAL)
    try:
        with tempfile.TemporaryDirectory(prefix="caller-chaos-") as folder:
            return _run(Path(folder), seconds, database_url, seed, residents, begin)
    finally:
        loud.setLevel(before)


def _run(
    folder: Path, seconds: float, database_url: str, seed: int, residents: int, begin: Begin
) -> int:
    again = f"--seconds {seconds:g} --seed {seed} --residents {residents}"
    click.echo(f"chaos on {'PostgreSQL' if database_url else 'SQLite'}; the same again: {again}")
    port, long = free_port(), seconds >= 20
    url = f"http://127.0.0.1:{port}"
    environment = {
        "CALLER_BIND": f"127.0.0.1:{port}", "CALLER_PUBLIC_URL": url,
        "CALLER_DATABASE_URL": database_url or f"sqlite:///{folder / 'caller.sqlite'}",
        "CALLER_CALLS_A_SECOND": "20",  # everything runs twenty times as fast
    }  # fmt: skip
    settings, bearer = (
        Settings.from_environment(environment, here=folder),
        secrets.token_urlsafe(32),
    )
    slow, secret = 9.0 if long else 1.0, settings.secret("REHEARSAL_CAD_SECRET")
    cad, partner = (
        create_cad(CadSettings(url, bearer, secret, auto=False, slow=slow)) for _ in range(2)
    )
    with contextlib.ExitStack() as stack:
        environment["CALLER_PROGRAM"] = str(
            path := _short_program(
                folder,
                max(8, int(seconds // 10)) if long else 2,
                *(stack.enter_context(served(one)) for one in (cad, partner)),
            )
        )
        program, auth_token = read_program(path), settings.twilio_auth_tokens[0]
        ours, staff = (
            program.numbers.ours[0].number,
            {rung.number: rung.name for rung in program.ladder},
        )
        twilio = create_twilio(
            TwilioSettings(
                settings.twilio_account_sid,
                auth_token,
                url,
                ours,
                staff,
                hang=12.0 if long else 1.0,
                late=0.7,
                speed=20.0,  # of speech on calls
                more_numbers=(program.numbers.callback,),
            )
        )
        environment["CALLER_TWILIO_API_URL"] = stack.enter_context(served(twilio))
        service = Service(
            folder,
            environment,
            ("worker-1", "worker-2") if database_url else ("worker-1",),
            begin,
        )
        stack.callback(service.end)
        if service.start("migrate", "migrate").wait(STARTED):
            raise RuntimeError((folder / "migrate.log").read_text()[-2000:])
        engine = sa.create_engine(environment["CALLER_DATABASE_URL"], poolclass=NullPool)
        with engine.connect() as conn, conn.begin():
            new = Token("chaos", API, "rehearsal-cad", frozenset(SCOPES))
            tokens.add(conn, "chaos", new, bearer, datetime.now(UTC))
        service.until_up()
        behind, first, alone = _rotation(settings)
        town = Town(
            service,
            twilio,
            cad,
            partner,
            auth_token,
            seconds,
            seed,
            ours,
            next(iter(staff)),
            (behind, first),
            database_url,
        )
        town.live(residents)
        service.until_up()
        town.callers.stay(2)
        town.promise(PROMISED)
        town.kill_workers(KILLS, lambda: callers.hurry(engine))
        latest = _after(town, engine, max(SETTLED, seconds))
        stood = town.callers.stand()
        _hang_up(town, engine)
        ended = datetime.now(UTC)
        if service.start("rewrap", "keys", "rewrap").wait(STARTED):
            raise RuntimeError((folder / "rewrap.log").read_text()[-2000:])
        service.end()
        # everything must open with the new keys alone
        turned = Settings.from_environment({**environment, **alone}, here=folder)
        verdicts = _verdicts(town, engine, turned, program, ended, stood, latest)
        town.counts["texts"] = len(town.sent)
        return _report(town.counts, service.faults(), verdicts, again)


def _verdicts(
    town: Town,
    engine: sa.Engine,
    settings: Settings,
    program: Program,
    ended: datetime,
    stood: Sequence[callers.Stands],
    latest: float,
) -> list[tuple[str, list[str]]]:
    """Every promise, with what broke it. `latest`: seconds that the latest timer was late while
    everything was up."""
    with engine.connect() as conn:
        evidence = Evidence(town, conn, settings, program.ladder, ended)
        fired = conn.execute(
            sa.select(sa.func.count()).where(journal.c.event == Event.CLOCK)
        ).scalar()
        clocks = (
            f"every due clock within {HONOURED:g} s of the service being up "
            f"({fired} fired, the latest {latest:.1f} s late)"
        )
        called = wrong_calls(
            conn, stood, town.callers, read_catalog(program.languages), town.counts
        )
        visited = wrong_visits(conn, town.visitors, evidence.sealer, town.counts)
        return [
            *evidence.wrong(),
            *called,
            *visited,
            (clocks, [f"{latest:.1f} s"] * (latest > HONOURED)),
        ]


def _rotation(settings: Settings) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """The settings of both kinds of keys with a new key after the old one, before it, and alone."""
    kinds = {"CALLER_DATA_KEYS": settings.data_keys, "CALLER_INDEX_KEYS": settings.index_keys}
    behind, first, alone = {}, {}, {}
    for name, keys in kinds.items():
        old = ",".join(f"{key_id}:{b64encode(raw).decode()}" for key_id, raw in keys)
        new = f"turned:{b64encode(secrets.token_bytes(32)).decode()}"
        behind[name], first[name], alone[name] = f"{old},{new}", f"{new},{old}", new
    return behind, first, alone


def _after(town: Town, engine: sa.Engine, within: float) -> float:
    """Let everybody who is waiting be answered, and watch until nothing is under way and no timer
    is overdue; returns how late the latest timer was while everything was up, in seconds."""
    up, latest, late, hurried = time.time(), 0.0, 0.0, 0.0
    with ThreadPoolExecutor(1) as pool:
        caught_up = pool.submit(town.catch_up)
        while (gone := time.time() - up) < WATCHED or (
            gone < within and not (caught_up.done() and late <= HONOURED and _calm(town, engine))
        ):
            if gone >= hurried + 1:
                callers.hurry(engine)
                hurried = gone
            late = _latest(engine, up)
            latest = max(latest, late)
            time.sleep(0.1)
        caught_up.result()
    town.settled()
    return latest


def _latest(engine: sa.Engine, up: float) -> float:
    """How late the latest overdue timer is, in seconds since all was up. What an event made due,
    such as a talk that was cut, is late from then on."""
    now = datetime.now(UTC)
    with engine.connect() as conn:
        overdue = conn.execute(sa.select(case.c.due_at, case.c.state).where(case.c.due_at < now))
        since = [
            max(row.due_at, *map(datetime.fromisoformat, row.state["marks"].values()))
            for row in overdue
        ]
    return max((now.timestamp() - max(up, one.timestamp()) for one in since), default=0.0)


def _calm(town: Town, engine: sa.Engine) -> bool:
    """Is nothing under way, has every promised call ended, and is everybody on the line waiting for
    a person or talking with one?"""
    return _quiet(engine) and callers.settled(engine) and town.callers.waits()


def _hang_up(town: Town, engine: sa.Engine) -> None:
    """Everybody hangs up, and the service is told."""
    town.callers.end()
    until = time.time() + SETTLED
    while not callers.all_over(engine) and time.time() < until:
        callers.hurry(engine)
        time.sleep(1)


def _quiet(engine: sa.Engine) -> bool:
    """Is nothing waiting to be delivered or sent, apart from what was just written? Nobody takes
    every second case, so paging goes on."""
    old = datetime.now(UTC) - timedelta(seconds=2)
    with engine.connect() as conn:
        texts = conn.execute(
            sa.select(message.c.id).where(message.c.state.in_(UNSENT), message.c.at < old).limit(1)
        ).first()
        return (
            not texts
            and not conn.execute(
                sa.select(delivery.c.id).where(delivery.c.state.in_(NOT_RECEIVED)).limit(1)
            ).first()
        )


def _report(
    counts: Counter[str], faults: Counter[str], verdicts: list[tuple[str, list[str]]], again: str
) -> int:
    for name, many in sorted(counts.items()):
        click.echo(f"{many:7} {name}")
    for name, many in sorted(faults.items()):
        click.echo(f"{many:7} in the log: {name}")
    for promise, wrong in verdicts:
        click.echo(
            f"{'FAIL' if wrong else 'PASS'}  {promise}"
            + "".join(f"\n      {one}" for one in wrong[:10])
        )
    failed = sum(bool(wrong) for _, wrong in verdicts)
    click.echo(
        f"{failed} promises broken; the same again: {again}" if failed else "every promise was kept"
    )
    return 1 if failed else 0


PARTNER = """
[[destinations]]
name = "partner"
kind = "webhook"
url = "{url}/hand-offs"
secret = "REHEARSAL_CAD_SECRET"

[[ladder]]"""


def _short_program(folder: Path, page_next: int, cad_url: str, partner_url: str) -> Path:
    """The rehearsal city with short clocks, with teams that are always on duty, with our dispatch
    stand-in, and with a partner as a second destination.

    `page_next`, in seconds: in a longer run more cases wait for a person; a run of ten minutes uses
    the real minute.
    """
    here = Path(__file__).parents[2]
    shutil.copytree(here / "programs" / "rehearsal", folder / "program")
    path = folder / "program" / "program.toml"
    words = (
        path.read_text(encoding="utf-8")
        .replace("http://127.0.0.1:8020", cad_url)
        .replace("../../protocols", str(here / "protocols"))
    )
    for clock, short in (("read", 0), ("page_next", page_next), ("truth", page_next + 1)):
        words = re.sub(rf"(?m)^{clock} = \d+$", f"{clock} = {short}", words)
    words = words.replace("\nread = 0\n", "\nread = 0\nread_page = 0\n", 1)
    words = re.sub("(?m)^hours = .*$", "", words)
    words = words.replace("\n[[ladder]]", PARTNER.format(url=partner_url), 1)
    # the first person is asked twice
    words = words.replace('by = "text"', 'by = "text"\nrepeats = 2', 1)
    path.write_text(words, encoding="utf-8")
    return path
