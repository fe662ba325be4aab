"""The `caller-service` command: the group, and the commands that run the service. All errors are
printed at once, in plain words, with exit code 1; wrong usage exits with 2."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import SQLAlchemyError

import caller_service
from caller_service.app import NotReady
from caller_service.casework.accounts import Refused
from caller_service.casework.parts import Parts
from caller_service.config.program_file import ProgramFaults, read_program
from caller_service.config.settings import SettingsFaults
from caller_service.jobs.worker import AnotherWorker
from caller_service.store import keys
from caller_service.store.database.deadline import WRITE_WAIT, deadline
from caller_service.store.database.transaction import transaction

from .check import check
from .database import database_faults, key_faults, migrate, migration_faults, redacted_url
from .database_fault import database_fault
from .erasure import words
from .key_rotation import keys_group
from .operations import area, hand_off, ledger
from .people import person
from .proving import bench, bench_under_way, chaos, probe
from .startup import parts_now, refuse, settings_now
from .tokens import token
from .voice import voice

ONLY_FALLBACK = "Until this is fixed, every text and call gets only the 911 and 988 words."


class FriendlyErrors(click.Group):
    """The one place that prints errors: in plain words, without tracebacks or values that could be
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
            # its state says more than what failed on it: it may be missing, or at another migration
            refuse(migration_faults(settings_now()) or [database_fault(problem)])
        except OSError as problem:
            refuse(
                [f"{problem.filename or 'system'}: {problem.strerror or type(problem).__name__}"]
            )


@click.group(cls=FriendlyErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(caller_service.__version__)
def main() -> None:
    """Ask for help other than police: a short safety screening, the resident's choice, a hand-off
    to dispatch."""


for command in (
    area,
    bench,
    bench_under_way,
    chaos,
    check,
    hand_off,
    keys_group,
    ledger,
    migrate,
    person,
    probe,
    token,
    voice,
    words,
):
    main.add_command(command)


@main.command()
@click.option("--fresh", is_flag=True, help="Start with an empty database.")
@click.option(
    "--port",
    default=8000,
    type=click.IntRange(1, 65_000),
    help="First port to try for the web server.",
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
    help="Shorten the clock `read`, for people who answer quickly.",
)
def rehearse(fresh: bool, port: int, pace: float, read_seconds: int | None) -> None:
    """Run the whole service on this machine, with a stand-in Twilio and a stand-in dispatch. Needs
    no account and no network."""
    from .rehearse import run

    sys.exit(run(settings_now(), fresh=fresh, port=port, pace=pace, read_seconds=read_seconds))


@main.command()
@click.option("--workers", default=2, type=click.IntRange(min=1), help="Processes.")
@click.option("--threads", default=16, type=click.IntRange(min=1), help="Threads per process.")
def serve(workers: int, threads: int) -> None:
    """Run the web server: Twilio's webhooks, the pages, the API."""
    from caller_service.server.web_server import Web

    settings = settings_now()
    # refuse here, with every fault, rather than in each worker process
    parts: Parts = caller_service.create_app(settings).extensions["caller_parts"]
    try:
        away = migration_faults(settings)
        with deadline(WRITE_WAIT):
            if not away and (faults := key_faults(parts.engine, parts.sealer, parts.now())):
                refuse(faults, "The keys are not ready:")
    except SQLAlchemyError as problem:
        away = [database_fault(problem)]
    if away:  # the web server can still answer with the 911 and 988 texts
        click.echo("\n".join([*away, ONLY_FALLBACK]), err=True)
    parts.engine.dispose()
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((settings.host, settings.port))
        except OSError as problem:
            refuse([f"CALLER_BIND: {settings.bind} cannot be used ({problem.strerror})"])
    click.echo(
        f"database {redacted_url(settings.database_url)}; listening on http://{settings.bind}",
        err=True,
    )
    Web(lambda: caller_service.create_app(settings), settings.bind, workers, threads).run()


@main.command()
def work() -> None:
    """Run the worker: hand-offs, texts and calls out, and every clock."""
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
        f"database {redacted_url(settings.database_url)}; working as {settings.worker_id}", err=True
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
    """Write static responses for a host elsewhere: what Twilio answers when this service is
    down."""
    from caller_service.language.catalog import read_catalog
    from caller_service.web.shared.fallback import write

    program = read_program(settings_now().program)
    for path in write(out, program, read_catalog(program.languages)):
        click.echo(path)


@main.command()
@click.option("--language", default=None, help="Language to start in.")
@click.option(
    "--channel",
    default="sms",
    show_default=True,
    type=click.Choice(["sms", "voice", "web"]),
    help="By text, by phone, or with the request form.",
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
    """Run the protocol in a terminal: you are the resident. Nothing is stored or sent."""
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
    """Report everything that is wrong with a protocol."""
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
    """Print the protocol as a document: questions, answers and rules in words."""
    from caller_service.config.protocol_file import read_protocol
    from caller_service.core.protocol_check import table
    from caller_service.language.catalog import read_catalog

    try:
        words = read_catalog([language]).words[language]
        click.echo(table(read_protocol(file), lambda key: words.get(key, key)))
    except FileNotFoundError:
        refuse([f"language {language}: not shipped"])


if __name__ == "__main__":
    main()
