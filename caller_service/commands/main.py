"""The `caller-service` command. Errors are said plainly, all at once, with exit code 1; wrong usage
exits with 2."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import click
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

import caller_service
from caller_service.app import NotReady, migration_head, telephony_of, unreviewed
from caller_service.casework.accounts import Refused
from caller_service.casework.parts import Parts, utc_now
from caller_service.config.program_file import ProgramFaults, read_program
from caller_service.config.settings import Settings, SettingsFaults
from caller_service.core.access import BROWSER, SCOPES, USUAL, in_order, why_refused
from caller_service.core.outbound import DeliveryState
from caller_service.core.roles import Role
from caller_service.jobs.worker import AnotherWorker
from caller_service.store import cases, contacts, keys, tokens
from caller_service.store.counts import schema_version
from caller_service.store.database.deadline import WRITE_WAIT, deadline
from caller_service.store.database.transaction import transaction
from caller_service.store.sealing import Sealer

from . import people
from .erasure import words as written
from .token_rules import last_day, new_token, token_report
from .voice import voice


def refuse(faults: tuple[str, ...] | list[str], about: str = "") -> NoReturn:
    """Say every fault, and end."""
    if about:
        click.echo(about, err=True)
    for fault in faults:
        click.echo(f"  {fault}", err=True)
    sys.exit(1)


class Plain(click.Group):
    """The one place where what went wrong is said plainly: no traceback, no value that could be
    somebody's words."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsFaults as problem:
            refuse(problem.faults, "The settings are not ready:")
        except ProgramFaults as problem:
            refuse(problem.faults, "The program cannot be read:")
        except NotReady as problem:
            refuse(problem.faults, "Live start is refused:")
        except AnotherWorker as problem:
            refuse([str(problem)])
        except Refused as problem:
            refuse([problem.words])
        except SQLAlchemyError as problem:
            refuse(
                [
                    f"database: cannot be reached or was never migrated "
                    f"({type(problem).__name__}); try caller-service migrate"
                ]
            )
        except OSError as problem:
            refuse(
                [f"{problem.filename or 'system'}: {problem.strerror or type(problem).__name__}"]
            )


def settings_now() -> Settings:
    return Settings.from_environment(os.environ)


def parts_now() -> Parts:
    parts: Parts = caller_service.create_app(settings_now()).extensions["caller_parts"]
    return parts


@click.group(cls=Plain, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(caller_service.__version__)
def main() -> None:
    """Ask for help other than police: screened safely, chosen by the resident, carried to
    dispatch."""


main.add_command(voice)
main.add_command(written)


@main.command()
@click.option("--fresh", is_flag=True, help="Begin with an empty database.")
@click.option(
    "--port",
    default=8000,
    type=click.IntRange(1, 65_000),
    help="First port to try for the web door.",
)
@click.option(
    "--pace",
    default=8.0,
    type=click.FloatRange(min=0),
    help="Seconds between the automatic dispatcher's moves.",
)
@click.option(
    "--read",
    "read_seconds",
    type=click.IntRange(min=0),
    help="Shorten the clock `read`, for quick hands.",
)
def rehearse(fresh: bool, port: int, pace: float, read_seconds: int | None) -> None:
    """The whole service on this machine, with a stand-in Twilio and a stand-in dispatch. No
    account, no network."""
    from .rehearse import run

    sys.exit(run(settings_now(), fresh=fresh, port=port, pace=pace, read_seconds=read_seconds))


@main.command()
@click.option("--workers", default=2, type=click.IntRange(min=1), help="Processes.")
@click.option("--threads", default=16, type=click.IntRange(min=1), help="Threads a process.")
def serve(workers: int, threads: int) -> None:
    """The web door: Twilio's webhooks, the pages, the API."""
    from caller_service.server.web_server import Web

    settings = settings_now()
    # refuse here, with every fault, rather than in each worker
    parts: Parts = caller_service.create_app(settings).extensions["caller_parts"]
    try:
        with deadline(WRITE_WAIT):
            if faults := key_faults(parts.engine, parts.sealer, parts.now()):
                refuse(faults, "The keys are not ready:")
    except SQLAlchemyError:  # the door can still say the 911 and 988 words
        click.echo("database away: which keys its rows need was not looked at", err=True)
    parts.engine.dispose()
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((settings.host, settings.port))
        except OSError as problem:
            refuse([f"CALLER_BIND: {settings.bind} cannot be used ({problem.strerror})"])
    click.echo(
        f"database {shown(settings.database_url)}; listening on http://{settings.bind}", err=True
    )
    Web(lambda: caller_service.create_app(settings), settings.bind, workers, threads).run()


@main.command()
def work() -> None:
    """The worker: hand-offs and texts out, and every clock."""
    from caller_service.server.logs import log_plainly
    from caller_service.server.worker_process import run_worker

    settings = settings_now()
    parts = parts_now()
    if faults := database_faults(settings):
        refuse(faults)
    with transaction(parts.engine) as conn:
        keys.note(conn, parts.sealer, parts.now())
    log_plainly()
    click.echo(
        f"database {shown(settings.database_url)}; working as {settings.worker_id}", err=True
    )
    run_worker(parts, settings.worker_id, ready=lambda: click.echo("ready", err=True))


@main.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("fallback"),
    show_default=True,
    help="Folder to write to.",
)
def fallback(out: Path) -> None:
    """Static answers for a host elsewhere: what Twilio says when this service is down."""
    from caller_service.language.catalog import read_catalog
    from caller_service.web.shared.fallback import write

    program = read_program(settings_now().program)
    for path in write(out, program, read_catalog(program.languages)):
        click.echo(path)


@main.command()
@click.option(
    "--residents",
    default=32,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many text at once.",
)
@click.option(
    "--each",
    default=6,
    show_default=True,
    type=click.IntRange(min=1),
    help="Conversations of each, in a round.",
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--old-cases",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="Ended cases already there.",
)
@click.option(
    "--database-url",
    default="",
    help="An empty PostgreSQL database for each round; default SQLite.",
)
@click.option(
    "--stalled",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="Clients that send no whole request, beside one more load.",
)
@click.option(
    "--missed",
    default=0,
    type=click.IntRange(min=0),
    help="Instead: so many texts missed in an outage, fetched and handled by a worker.",
)
@click.option("--voice", is_flag=True, help="Instead: a key pressed on a call, beside a text.")
@click.option("--web", is_flag=True, help="Instead: a screen of the request form, beside a text.")
@click.option("--console", is_flag=True, help="Instead: the staff console, and 50 that look.")
@click.option(
    "--open-cases",
    default=500,
    show_default=True,
    type=click.IntRange(min=100),
    help="With --console: open cases.",
)
@click.option(
    "--slow-line", is_flag=True, help="Instead: the request form in a browser on a 2G line."
)
@click.option(
    "--city",
    type=click.Choice(["large"]),
    default=None,
    help="Instead: look-ups of places in a city of 300 areas with 1,000 corners each.",
)
def bench(
    residents: int,
    each: int,
    rounds: int,
    old_cases: int,
    database_url: str,
    stalled: int,
    missed: int,
    voice: bool,
    web: bool,
    console: bool,
    open_cases: int,
    slow_line: bool,
    city: str | None,
) -> None:
    """Turns a second, beside the least app that does a durable turn, in the same run."""
    if city:
        from caller_service.proving.bench_places import bench as look_up

        return look_up(read_program(settings_now().program))
    if missed:
        from caller_service.proving.bench_missed import bench as catch_up

        return catch_up(missed, rounds, database_url)
    if voice:
        from caller_service.proving.bench_voice import bench as call

        return call(residents, each, rounds, database_url)
    if slow_line:
        from caller_service.proving.bench_slow_line import bench as visit

        return visit(rounds)
    if web:
        from caller_service.proving.bench_web import bench as press

        return press(residents, each, rounds, database_url)
    if console:
        from caller_service.proving.bench_console import bench as look

        return look(residents, each, rounds, database_url, open_cases)
    from caller_service.proving.bench import bench as run

    run(residents, each, rounds, old_cases, database_url, stalled)


@main.command("bench-under-way")
@click.option(
    "--only",
    type=click.Choice(["pages", "clocks", "destinations"]),
    default=None,
    help="One of the three.",
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--database-url", default="", help="An empty PostgreSQL database; default SQLite.")
def bench_under_way(only: str | None, rounds: int, database_url: str) -> None:
    """How soon pages leave, how late clocks ring, whether a destination that is down slows a turn;
    beside the aims."""
    from caller_service.proving.bench_latency import FIGURES
    from caller_service.proving.bench_latency import bench as run

    run((only,) if only else FIGURES, rounds, database_url)


@main.command()
@click.option(
    "--url",
    default="",
    help="Where the service is reached, if not at CALLER_PUBLIC_URL. The signature is over the "
    "public one.",
)
@click.option("--json", "as_json", is_flag=True, help="For a machine.")
def probe(url: str, as_json: bool) -> None:
    """A synthetic resident: marked test conversations through every channel and language, to the
    dispatch queue, timed.

    Nothing is dispatched and nobody is asked. The results stand in /metrics. Exit code 0: all well;
    1: something failed; 2: the program sets no number aside for it.
    """
    import json

    from caller_service.proving.probe import door_of
    from caller_service.proving.probe import probe as run

    settings, parts = settings_now(), parts_now()
    if not parts.program.numbers.probe:
        click.echo(
            'program.toml sets no number aside for the probe: add probe = "+1…", which nobody has, '
            "to [numbers]",
            err=True,
        )
        sys.exit(2)
    if url and not url.startswith(("http://", "https://")):
        raise click.UsageError("--url: must begin with http:// or https://")
    if faults := database_faults(settings):
        refuse(faults)
    report = run(door_of(settings, parts, url))
    click.echo(json.dumps(report.plain(), indent=2) if as_json else "\n".join(report.lines()))
    sys.exit(0 if report.well else 1)


@main.command()
@click.option(
    "--seconds",
    default=5.0,
    show_default=True,
    type=click.FloatRange(1, 3600),
    help="How long things go wrong.",
)
@click.option(
    "--residents",
    default=6,
    show_default=True,
    type=click.IntRange(1, 200),
    help="How many text at once.",
)
@click.option(
    "--seed", default=7, show_default=True, help="Repeats who writes what and what fails."
)
@click.option(
    "--database-url",
    default="",
    help="An empty PostgreSQL database, with two workers; default SQLite.",
)
def chaos(seconds: float, residents: int, seed: int, database_url: str) -> None:
    """Kill, fail, delay and lie while residents text; then see that nothing was lost or doubled."""
    from caller_service.proving.chaos import run

    sys.exit(run(seconds, database_url, seed, residents))


def shown(url: str) -> str:
    """A database URL without its password, which may also stand behind the question mark."""
    return sa.make_url(url).set(query={}).render_as_string(hide_password=True)


@main.command()
def migrate() -> None:
    """Create the tables, or carry them to this release: ours and the job engine's.

    Joins the contacts that an earlier key rotation has split in two.
    """
    from caller_service.casework.rewrap import join_split

    settings = settings_now()
    app = caller_service.create_app(settings)
    migrated(app, settings)
    click.echo(f"migrated {shown(settings.database_url)}")
    parts: Parts = app.extensions["caller_parts"]
    for fault in token_report(settings.database_url, parts.program, parts.now())[0]:
        click.echo(f"note: {fault}", err=True)
    with deadline(24 * 3600):
        with parts.engine.connect() as conn:
            missing = keys.faults(conn, parts.sealer)
        # what a missing key seals would be lost by joining
        joined = 0 if missing else join_split(parts)
    for fault in missing:
        click.echo(f"note: {fault}", err=True)
    if joined:
        click.echo(
            f"note: {joined} contacts joined that an earlier key rotation had split", err=True
        )


def migrated(app: Any, settings: Settings) -> None:
    import logging

    from flask_migrate import upgrade

    from caller_service.jobs.worker import migrate_engine

    logging.getLogger("alembic").setLevel(logging.ERROR)
    with app.app_context():
        if settings.database_url.startswith("sqlite"):
            file = Path(str(sa.make_url(settings.database_url).database))
            file.parent.mkdir(parents=True, exist_ok=True)
            # a connection never makes it (database/sqlite_writer.py)
            file.touch(mode=PRIVATE_FILE)
            for part in database_files(file):
                part.chmod(PRIVATE_FILE)
        upgrade()
    migrate_engine(settings.database_url)
    parts: Parts = app.extensions["caller_parts"]
    with deadline(24 * 3600), parts.engine.connect() as conn:
        if not keys.noted(conn):
            keys.learn(conn, parts.sealer, parts.now())
        keys.note(conn, parts.sealer, parts.now())
        conn.commit()


@main.command()
def check() -> None:
    """Settings, program, protocol, languages, migrations, and where Twilio calls us: every fault at
    once."""
    from caller_service.config.atlas import overlaps
    from caller_service.proving.addresses import compare

    faults: list[str] = []
    settings = None
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsFaults as problem:
        faults += problem.faults
    path = (
        settings.program
        if settings
        else Path(
            os.environ.get("CALLER_PROGRAM")
            or Path(__file__).parents[1] / "programs/rehearsal/program.toml"
        )
    )
    try:
        program = read_program(path)
    except ProgramFaults as problem:
        refuse([*faults, *problem.faults])
    faults += language_faults(program)
    notes: list[str] = []
    if settings is not None:
        lost, notes = token_report(settings.database_url, program, utc_now())
        faults += deployment_faults(settings, program) + lost
        held = compare(telephony_of(settings, program), program.numbers, settings.public_url)
        faults += held.faults
        notes += [line for line in held.lines() if line not in held.faults]
        notes += loose_files(settings) + split_notes(settings)
        if settings.live and not faults:
            notes += people.staff_notes(parts_now())
    if faults:
        refuse(faults + notes)
    for note in notes + psap_notes(program) + greeting_notes(program):
        click.echo(f"note: {note}")
    for one, other in overlaps(program.areas):
        click.echo(
            f"note: areas {one} and {other} overlap: there the first that is live and open serves"
        )
    click.echo(
        f"{program.name}: settings, program, protocol, languages and migrations are sound. "
        f"Protocol {program.protocol.hash}"
    )
    if settings is not None:
        rate = settings.calls_a_second
        many = "one new call" if rate == 1 else f"{rate} new calls"
        click.echo(f"At most {many} a second (CALLER_CALLS_A_SECOND); the others wait their turn.")


def psap_notes(program: Any) -> list[str]:
    """The areas whose callers cannot be put through to their PSAP: they dial 911 themselves."""
    without = [area.id for area in program.areas if not program.psap(area.id)]
    return [
        f"area {name}: no ten-digit line of its PSAP is set; callers there are told to call 911, "
        "and cannot be put through"
        for name in without
    ]


def greeting_notes(program: Any) -> list[str]:
    """The languages in which a call's greeting takes too long with this program's name."""
    from caller_service.language.catalog import read_catalog
    from caller_service.language.spoken import GREETING
    from caller_service.language.wording import greeting_seconds

    takes = greeting_seconds(program, read_catalog(program.languages))
    return [
        f"language {tag}: the greeting of a call takes {length:.1f} s, more than {GREETING:.0f} s: "
        f"make [program] name shorter"
        for tag, length in takes.items()
        if length > GREETING
    ]


def language_faults(program: Any) -> list[str]:
    from caller_service.core.protocol_check import word_keys
    from caller_service.language.catalog import placeholders, read_catalog

    catalog = read_catalog(program.languages)
    first = program.languages[0]
    wanted = {
        *catalog.words[first],
        *(key for key in word_keys(program.protocol) if not key.startswith("why.")),
    }
    faults = []
    for language in program.languages:
        faults += [
            f"language {language}: {key} has no words"
            for key in sorted(wanted)
            if not catalog.words[language].get(key)
        ]
        for key, words in catalog.words[language].items():
            if placeholders(words) != placeholders(catalog.words[first].get(key, words)):
                faults.append(
                    f"language {language}: {key} does not have the placeholders of {first}"
                )
    return faults


def deployment_faults(settings: Settings, program: Any) -> list[str]:
    from caller_service.language.catalog import read_catalog
    from caller_service.language.recordings import read_packs
    from caller_service.server.readiness import live_faults, secret_faults

    faults = [*secret_faults(settings, program)]
    if settings.live:
        catalog = read_catalog(program.languages)
        faults += [
            *live_faults(settings, program),
            *unreviewed(catalog, program),
            *read_packs(program, catalog)[1],
        ]
    return faults + database_faults(settings)


PRIVATE_FILE = 0o600  # what nobody but the owner reads


def database_files(file: Path) -> list[Path]:
    """The SQLite database and what SQLite and the worker lay beside it, those that exist."""
    beside = (Path(f"{file}{suffix}") for suffix in ("", "-wal", "-shm", ".worker"))
    return [part for part in beside if part.exists()]


def loose_files(settings: Settings) -> list[str]:
    """Files of the database that others on this machine may read or write, one line each."""
    url = sa.make_url(settings.database_url)
    if url.get_backend_name() != "sqlite":
        return []
    return [
        f"database: {part.name} is open to others (mode {part.stat().st_mode & 0o777:o}); run "
        f"caller-service migrate, or chmod 600"
        for part in database_files(Path(str(url.database)))
        if part.stat().st_mode & 0o077
    ]


def database_faults(settings: Settings) -> list[str]:
    """Is the database there, and at this release's migration?"""
    try:
        url = sa.make_url(settings.database_url)
        if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
            return ["database: not there yet; run caller-service migrate"]
        engine = sa.create_engine(url)
        with engine.connect() as conn:
            version = schema_version(conn)
            sealer = Sealer(settings.data_keys, settings.index_keys)
            missing = keys.faults(conn, sealer) if version == migration_head() else []
        engine.dispose()
    except SQLAlchemyError:
        return ["database: cannot be read, or was never migrated; run caller-service migrate"]
    if version != migration_head():
        return [
            f"database: at migration {version}, this release needs {migration_head()}; run "
            f"caller-service migrate"
        ]
    return missing


def split_notes(settings: Settings) -> list[str]:
    """How many contacts an earlier key rotation has left split, if any."""
    if database_faults(settings):  # said already
        return []
    engine = sa.create_engine(settings.database_url)
    try:
        with deadline(24 * 3600):
            split = contacts.split(engine, Sealer(settings.data_keys, settings.index_keys))
    finally:
        engine.dispose()
    if not split:
        return []
    return [
        f"{_left_over(split)} contacts are split by an earlier key rotation; run caller-service "
        f"keys rewrap"
    ]


def key_faults(engine: sa.Engine, sealer: Sealer, now: datetime) -> list[str]:
    """Which keys that rows need are missing. With none missing, the newest are noted: rows may be
    written with them. Raises SQLAlchemyError where the database is away."""
    with engine.connect() as conn:
        if faults := keys.faults(conn, sealer):
            return faults
    with transaction(engine) as conn:
        keys.note(conn, sealer, now)
    return []


@main.command()
@click.option("--language", default=None, help="Begin in this language.")
@click.option(
    "--channel",
    default="sms",
    show_default=True,
    type=click.Choice(["sms", "voice", "web"]),
    help="As texts, as said on the phone, or as the request form.",
)
@click.option("--keep", default=None, help="Write the transcript to this file.")
@click.option(
    "--read",
    "read_seconds",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The clock `read`, in seconds.",
)
def talk(language: str | None, channel: str, keep: str | None, read_seconds: int) -> None:
    """The protocol in a terminal: you are the resident, nothing is kept or sent."""
    from .talk import converse
    from .talk_by_phone import converse_by_phone
    from .talk_on_the_web import converse_on_the_web

    settings = settings_now()
    try:
        program = read_program(settings.program)
        if channel == "voice":
            converse_by_phone(settings, program, language, keep)
        elif channel == "web":
            converse_on_the_web(settings, program, language, keep, read_seconds)
        else:
            converse(program, language, keep, read_seconds)
    except ValueError as problem:
        refuse([str(problem)])


@main.group()
def protocol() -> None:
    """Check a screening protocol, or print it for people to read."""


@protocol.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def protocol_check(file: Path) -> None:
    """Every way the protocol can be wrong, all at once."""
    from caller_service.config.protocol_file import read_protocol
    from caller_service.core.protocol_check import common_path

    read = read_protocol(file)
    click.echo(
        f"{read.id} {read.version}: sound. {len(read.questions)} questions, {len(read.rules)} "
        f"rules. Hash {read.hash}"
    )
    path = common_path(read)
    click.echo(f"Common path: {len(path)} answers until the hand-off: {', '.join(path)}")


@protocol.command("table")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--language", default="en", show_default=True)
def protocol_table(file: Path, language: str) -> None:
    """The protocol as a document: questions, answers, rules, in words."""
    from caller_service.config.protocol_file import read_protocol
    from caller_service.core.protocol_check import table
    from caller_service.language.catalog import read_catalog

    try:
        words = read_catalog([language]).words[language]
        click.echo(table(read_protocol(file), lambda key: words.get(key, key)))
    except FileNotFoundError:
        refuse([f"language {language}: not shipped"])


@main.group()
def person() -> None:
    """Accounts of the staff, for the console."""


@person.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([str(role) for role in Role]), required=True)
def person_add(name: str, role: str) -> None:
    """Add somebody of the staff; prints a one-time link by which they set their account up."""
    _said(people.add(parts_now(), name, role))


@person.command("list")
def person_list() -> None:
    """Everybody: name, role, whether codes are on, and how they stand."""
    _said(people.listed(parts_now()))


@person.command("disable")
@click.argument("name")
def person_disable(name: str) -> None:
    """They are signed out at once and cannot sign in."""
    people.disable(parts_now(), name)
    click.echo(f"{name}: disabled, and signed out everywhere")


@person.command("enable")
@click.argument("name")
def person_enable(name: str) -> None:
    """They can sign in again."""
    people.enable(parts_now(), name)
    click.echo(f"{name}: can sign in")


@person.command("reset")
@click.argument("name")
def person_reset(name: str) -> None:
    """Password, codes and PIN are gone; prints a new one-time link."""
    _said(people.reset(parts_now(), name))


def _said(lines: list[str]) -> None:
    for line in lines:
        click.echo(line)


@main.group()
def token() -> None:
    """Tokens of destinations: for the API, or for a page in a browser."""


@token.command("add")
@click.argument("destination")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(list(SCOPES)),
    help=f"What it may do; once for each. Default: {' and '.join(USUAL)}; a browser token reads.",
)
@click.option("--expires", metavar="DAY", help="The last day it works, as 2027-01-31, local time.")
@click.option("--name", help="What the journal calls it. Default: the destination's name.")
def token_add(
    destination: str, scopes: tuple[str, ...], expires: str | None, name: str | None
) -> None:
    """Make a token for a destination of the program; it is shown once and kept hashed."""
    parts = parts_now()
    new, faults = new_token(parts, destination, scopes, expires, name)
    if new is None:
        refuse(faults)
    secret = secrets.token_urlsafe(32)
    with transaction(parts.engine) as conn:
        tokens.add(conn, parts.new_id(), new, secret, parts.now())
    what = "Browser token" if new.kind == BROWSER else "Token"
    click.echo(f"{new.name}, {in_order(new.scopes)}. {what}, shown once: {secret}")


@token.command("list")
def token_list() -> None:
    """Tokens in force, oldest first: id, name, kind, destination, scopes, last day, and why one is
    refused. There is no record of when one was last used."""
    parts = parts_now()
    with parts.engine.connect() as conn:
        kept = tokens.in_force(conn)
    for one in kept:
        it = one.token
        day = last_day(it, parts.program.time_zone) if it.expires_at else "no expiry"
        code = why_refused(it, parts.program, parts.now())
        click.echo(
            f"{one.id}  {it.name:20}  {it.kind:7}  {it.destination or '-':20}  "
            f"{in_order(it.scopes):28}  {day:10}  {f'refused: {code}' if code else ''}".rstrip()
        )


@token.command("revoke")
@click.argument("name")
def token_revoke(name: str) -> None:
    """Revoke every token of that name, or the one of that id."""
    parts = parts_now()
    with transaction(parts.engine) as conn:
        count = tokens.revoke(conn, name, parts.now())
    if not count:
        refuse([f"{name}: no token in force"])
    click.echo(f"{name}: {count} revoked")


@main.group("keys")
def keys_group() -> None:
    """The keys that rows are sealed with and numbers are found by."""


@keys_group.command("status")
def keys_status() -> None:
    """Which keys are in use, and how many rows of each table need them. Reads every row.

    Exit code 1: a key that rows need is missing.
    """
    from caller_service.casework.rewrap import count

    parts = parts_now()
    with deadline(24 * 3600):
        uses = count(parts)
        split = contacts.split(parts.engine, parts.sealer)
        with parts.engine.connect() as conn:
            noted = {(kind, one) for kind in keys.SETTINGS for one in keys.of_kind(conn, kind)}
            faults = keys.faults(conn, parts.sealer)
    newest = {("data", parts.sealer.data_key), ("index", parts.sealer.index_key)}
    rows = {use[1:] for use in uses}
    for kind, key_id in sorted(noted | rows | newest):
        there = parts.sealer.has(kind, key_id)
        unknown = (kind, key_id) == ("index", keys.UNKNOWN)
        standing = (
            "not known before rewrap"
            if unknown
            else "newest"
            if (kind, key_id) in newest
            else "older"
            if there
            else "MISSING"
        )
        tables = [
            f"{name} {many}" for (name, *use), many in sorted(uses.items()) if use == [kind, key_id]
        ]
        click.echo(f"{kind:6} {key_id or '-':16} {standing:8} {', '.join(tables) or 'no rows'}")
        if not (there or unknown) and (kind, key_id) in rows and (kind, key_id) not in noted:
            faults.append(f'{keys.SETTINGS[kind]}: rows need the key "{key_id}"')
    click.echo(f"contacts split by an earlier rotation: {_left_over(split)}")
    if faults:
        refuse(faults)


def _left_over(split: list[list[str]]) -> int:
    """How many contacts are left beside the one that each person should have."""
    return sum(len(ids) - 1 for ids in split)


@keys_group.command("rewrap")
def keys_rewrap() -> None:
    """Write every row under the newest keys, and join contacts that a rotation has split.

    The service may go on meanwhile. Cut off, run it again. Exit code 1: some values do not open.
    """
    from caller_service.casework.rewrap import rewrap, rows_there

    parts = parts_now()
    with deadline(24 * 3600):
        with click.progressbar(length=rows_there(parts), label="rows", file=sys.stderr) as bar:
            done = rewrap(parts, bar.update)
        with parts.engine.connect() as conn:
            left = {kind: keys.of_kind(conn, kind) for kind in keys.SETTINGS}
    click.echo(f"{done.rows} rows written under the newest keys, {done.joined} contacts joined")
    for kind, ids in left.items():
        click.echo(f"{keys.SETTINGS[kind]}: rows need {', '.join(ids)}")
    if done.values_closed:
        refuse(
            [
                f"{done.values_closed} values do not open; the log names them, and their keys are "
                f"{', '.join(sorted(done.closed))}"
            ]
        )


@keys_group.command("forget")
@click.argument("kind", type=click.Choice(["data", "index"]))
@click.argument("key_id")
@click.confirmation_option(prompt="What only this key opens is given up. Sure?")
def keys_forget(kind: str, key_id: str) -> None:
    """A key is lost for good: start without it. What it sealed stays, and does not open.

    After a lost index key, run `keys rewrap`: it finds people again by their sealed numbers.
    """
    parts = parts_now()
    with transaction(parts.engine) as conn:
        known = keys.forget(conn, kind, key_id)
    if not known:
        refuse([f"{kind} {key_id}: no row was known to need it"])
    click.echo(f"{kind} {key_id}: forgotten")


@main.group()
def area() -> None:
    """Is there room? What residents hear when every team of an area is busy."""


@area.command("full")
@click.argument("area_id")
@click.option("--minutes", default=60, show_default=True, type=click.IntRange(1, 24 * 60))
def area_full(area_id: str, minutes: int) -> None:
    """Every team of this area is busy: who asks now hears it, and what they chose for that is
    carried out."""
    parts = parts_now()
    until = parts.now() + timedelta(minutes=minutes)
    _room(parts, area_id, until)
    click.echo(f"{area_id}: full until {until:%H:%M} UTC")


@area.command("open")
@click.argument("area_id")
def area_open(area_id: str) -> None:
    """There is room again."""
    _room(parts_now(), area_id, None)
    click.echo(f"{area_id}: open")


def _room(parts: Parts, area_id: str, until: datetime | None) -> None:
    if area_id not in {one.id for one in parts.program.areas}:
        refuse([f"{area_id}: the areas are {', '.join(one.id for one in parts.program.areas)}"])
    with transaction(parts.engine) as conn:
        cases.set_full(conn, area_id, until)


@main.command("ledger")
@click.option(
    "--from",
    "first",
    default=None,
    metavar="DAY",
    help="First day, as 2026-11-23, in the program's time zone. Default: the first there is.",
)
@click.option(
    "--until", default=None, metavar="DAY", help="The day after the last one. Default: no end."
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="For a machine, with counts by level, response, area and language.",
)
def ledger(first: str | None, until: str | None, as_json: bool) -> None:
    """Every request, and how it ended: served by what, or unserved for which one reason. The
    difference must be 0.

    Exact counts, for the program's own staff: to publish them, small numbers must be suppressed
    first.
    """
    import json

    from .ledger_report import period, read

    parts = parts_now()
    asked, faults = period(first, until, parts.program.time_zone)
    if faults:
        refuse(faults, "The ledger cannot be read:")
    with parts.engine.connect() as conn:
        report = read(conn, parts.program.name, asked)
    click.echo(json.dumps(report.plain(), indent=2) if as_json else "\n".join(report.lines()))
    if report.tally.difference:
        refuse(report.faults(), "These cases stand in no class:")


@main.group("hand-off")
def hand_off() -> None:
    """Deliveries of hand-offs."""


@hand_off.command("list")
@click.option("--state", type=click.Choice([state.value for state in DeliveryState]), default=None)
def hand_off_list(state: str | None) -> None:
    """Deliveries, newest first: id, destination, hand-off and revision, state, tries, last
    fault."""
    from caller_service.store.hand_offs import listed

    parts = parts_now()
    with parts.engine.connect() as conn:
        for one in listed(conn, DeliveryState(state) if state else None):
            told = f"{one.id}  {one.destination:20}  {one.case_id}.{one.revision}  "
            click.echo(f"{told}{one.state:9} {one.tries:3}  {one.error or ''}".rstrip())


@hand_off.command("replay")
@click.argument("delivery_id", required=False)
@click.option("--all", "everything", is_flag=True, help="Every dead delivery.")
def hand_off_replay(delivery_id: str | None, everything: bool) -> None:
    """Send dead deliveries again, from the start."""
    from caller_service.casework.outbound.deliver import replay
    from caller_service.store.hand_offs import listed

    parts = parts_now()
    with parts.engine.connect() as conn:
        ids = (
            [one.id for one in listed(conn, DeliveryState.DEAD, 10_000)]
            if everything
            else [delivery_id]
            if delivery_id
            else []
        )
    if not ids and not everything:
        raise click.UsageError("Name a delivery, or --all.")
    sent = [one for one in ids if replay(parts, one)]
    if not everything and not sent:
        refuse([f"{delivery_id}: no dead delivery has this id"])
    click.echo(f"{len(sent)} on their way again")


if __name__ == "__main__":
    main()
