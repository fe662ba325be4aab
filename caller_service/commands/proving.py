"""`caller-service bench`, `bench-under-way`, `probe` and `chaos`: measure and test the service from
outside. The code is in `caller_service/proving/`, imported only when a command runs."""

from __future__ import annotations

import sys

import click

from caller_service.config.program_file import read_program

from .database import database_faults
from .startup import parts_now, refuse, settings_now


@click.command()
@click.option(
    "--residents",
    default=32,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many residents text at once.",
)
@click.option(
    "--each",
    default=6,
    show_default=True,
    type=click.IntRange(min=1),
    help="Conversations of each resident in a round.",
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
@click.option(
    "--old-cases",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="Ended cases already in the database.",
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
    help="Clients that never complete a request, beside one more round of load.",
)
@click.option(
    "--missed",
    default=0,
    type=click.IntRange(min=0),
    help="Instead: a worker fetches and handles this many texts, missed in an outage.",
)
@click.option("--voice", is_flag=True, help="Instead: a key pressed on a call, beside a text.")
@click.option("--web", is_flag=True, help="Instead: a screen of the request form, beside a text.")
@click.option("--console", is_flag=True, help="Instead: the staff console, with 50 that poll it.")
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
    help="Instead: place lookups in a city of 300 areas with 1,000 corners each.",
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
    """Measure turns per second, next to a minimal app that does one durable turn, in the same
    run."""
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


@click.command("bench-under-way")
@click.option(
    "--only",
    type=click.Choice(["pages", "clocks", "destinations"]),
    default=None,
    help="One of the three.",
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--database-url", default="", help="An empty PostgreSQL database; default SQLite.")
def bench_under_way(only: str | None, rounds: int, database_url: str) -> None:
    """Measure how soon pages are sent, how late timers fire, and whether a destination that is down
    slows turns; compared with the targets."""
    from caller_service.proving.bench_latency import FIGURES
    from caller_service.proving.bench_latency import bench as run

    run((only,) if only else FIGURES, rounds, database_url)


@click.command()
@click.option(
    "--url",
    default="",
    help="Base URL of the service, if not CALLER_PUBLIC_URL. Requests are still signed for the "
    "public URL.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def probe(url: str, as_json: bool) -> None:
    """Run a synthetic resident: marked and timed test conversations by every channel and language,
    as far as the dispatch queue.

    Nothing is dispatched and nobody is paged. The results are in /metrics. Exit code 0: no fault;
    1: something failed; 2: the program reserves no number for it.
    """
    import json

    from caller_service.proving.probe import probe as run
    from caller_service.proving.probe import target_of

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
    report = run(target_of(settings, parts, url))
    click.echo(json.dumps(report.plain(), indent=2) if as_json else "\n".join(report.lines()))
    sys.exit(0 if report.well else 1)


@click.command()
@click.option(
    "--seconds",
    default=5.0,
    show_default=True,
    type=click.FloatRange(1, 3600),
    help="How long to inject faults.",
)
@click.option(
    "--residents",
    default=6,
    show_default=True,
    type=click.IntRange(1, 200),
    help="How many residents text at once.",
)
@click.option(
    "--seed", default=7, show_default=True, help="Seed: repeats who writes what, and what fails."
)
@click.option(
    "--database-url",
    default="",
    help="An empty PostgreSQL database, with two workers; default SQLite.",
)
def chaos(seconds: float, residents: int, seed: int, database_url: str) -> None:
    """Kill processes and inject failures, delays and false responses while residents text; then
    check that nothing was lost or doubled."""
    from caller_service.proving.chaos import run

    sys.exit(run(seconds, database_url, seed, residents))
