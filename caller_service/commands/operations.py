"""`caller-service area`, `hand-off` and `ledger`: for the operator of a running service."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import click

from caller_service.casework.parts import Parts
from caller_service.core.outbound import DeliveryState
from caller_service.store import cases
from caller_service.store.database.transaction import transaction

from .startup import parts_now, refuse


@click.group()
def area() -> None:
    """Mark an area as full, when all its teams are busy, or open."""


@area.command("full")
@click.argument("area_id")
@click.option(
    "--minutes",
    default=60,
    show_default=True,
    type=click.IntRange(1, 24 * 60),
    help="For how long.",
)
def area_full(area_id: str, minutes: int) -> None:
    """Mark every team of an area as busy. Residents who ask for one are told, and what they chose
    for "no team is free" is carried out."""
    parts = parts_now()
    until = parts.now() + timedelta(minutes=minutes)
    _room(parts, area_id, until)
    local = until.astimezone(ZoneInfo(parts.program.time_zone))
    click.echo(f"{area_id}: full until {local:%H:%M} ({parts.program.time_zone})")


@area.command("open")
@click.argument("area_id")
def area_open(area_id: str) -> None:
    """Mark the teams of an area as free again."""
    _room(parts_now(), area_id, None)
    click.echo(f"{area_id}: open")


def _room(parts: Parts, area_id: str, until: datetime | None) -> None:
    if area_id not in {one.id for one in parts.program.areas}:
        refuse([f"{area_id}: the areas are {', '.join(one.id for one in parts.program.areas)}"])
    with transaction(parts.engine) as conn:
        cases.set_full(conn, area_id, until)


@click.command("ledger")
@click.option(
    "--from",
    "first",
    default=None,
    metavar="DAY",
    help="First day, as 2026-11-23, in the program's time zone. Default: no start.",
)
@click.option(
    "--until", default=None, metavar="DAY", help="Day after the last one. Default: no end."
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="As JSON, with counts by level, response, area and language.",
)
def ledger(first: str | None, until: str | None, as_json: bool) -> None:
    """Count every request by how it ended: served, or unserved with exactly one reason. The
    difference must be 0.

    Exact counts, for the program's own staff. Before they are published, small numbers must be
    suppressed.
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
        refuse(report.faults(), "These cases belong to no class:")


@click.group("hand-off")
def hand_off() -> None:
    """List deliveries of hand-offs to destinations, or send dead ones again."""


@hand_off.command("list")
@click.option("--state", type=click.Choice([state.value for state in DeliveryState]), default=None)
def hand_off_list(state: str | None) -> None:
    """List deliveries, newest first: id, destination, hand-off and revision, state, attempts, last
    fault."""
    from caller_service.store.hand_offs import listed

    parts = parts_now()
    with parts.engine.connect() as conn:
        for one in listed(conn, DeliveryState(state) if state else None):
            columns = f"{one.id}  {one.destination:20}  {one.case_id}.{one.revision}  "
            click.echo(f"{columns}{one.state:9} {one.tries:3}  {one.error or ''}".rstrip())


@hand_off.command("replay")
@click.argument("delivery_id", required=False)
@click.option("--all", "everything", is_flag=True, help="All dead deliveries.")
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
