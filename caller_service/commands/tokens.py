"""`caller-service token …`, and which tokens `check` reports."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from caller_service.casework.parts import Parts
from caller_service.core.access import (
    BROWSER,
    SCOPES,
    USUAL,
    Token,
    has_destination,
    in_order,
    kind_for,
    scopes_for,
    why_refused,
)
from caller_service.core.program import Program
from caller_service.store import tokens
from caller_service.store.database.transaction import transaction
from caller_service.store.journal import Author

from .startup import parts_now, refuse

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_OURS = frozenset(Author)  # names that have a meaning of their own in the journal


def new_token(
    parts: Parts,
    destination: str,
    scopes: Sequence[str],
    expires: str | None,
    name: str | None,
) -> tuple[Token | None, list[str]]:
    """The requested token, or None and every fault."""
    program, faults = parts.program, []
    known = program.destination(destination)
    if known is None:
        names = ", ".join(one.name for one in program.destinations)
        faults.append(f"{destination}: no destination of the program; they are {names}")
    kind = kind_for(known) if known else ""
    allowed = scopes_for(kind)
    if known and (more := [scope for scope in scopes if scope not in allowed]):
        faults.append(f"--scope {more[0]}: a browser token reads its own page and does no more")
    ends = _end_of(expires, program.time_zone) if expires else None
    if expires and ends is None:
        faults.append("--expires: not a day; write it as 2027-01-31")
    elif ends and ends <= parts.now():
        faults.append("--expires: that day is over")
    if name is not None and (fault := _name_fault(name, destination, program)):
        faults.append(fault)
    if faults:
        return None, faults
    may = frozenset(scopes or (scope for scope in USUAL if scope in allowed))
    return Token(name or destination, kind, destination, may, ends), []


def _name_fault(name: str, destination: str, program: Program) -> str:
    if name != destination and (program.destination(name) or name in _OURS):
        return f"--name {name}: is somebody else's name in the journal"
    if name != destination and not _NAME.fullmatch(name):
        return "--name: lower-case letters, digits and hyphens, at most 40"
    return ""


def _end_of(day: str, zone: str) -> datetime | None:
    """The first moment after a local day, in UTC; None for an invalid day."""
    try:
        after = datetime.strptime(day, "%Y-%m-%d").date() + timedelta(days=1)
        return datetime.combine(after, time(), ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def last_day(token: Token, zone: str) -> str:
    """The last local day on which a token is valid; "" for one that does not expire."""
    if token.expires_at is None:
        return ""
    return f"{token.expires_at.astimezone(ZoneInfo(zone)) - timedelta(seconds=1):%Y-%m-%d}"


def token_report(database_url: str, program: Program, now: datetime) -> tuple[list[str], list[str]]:
    """Faults: tokens in force whose destination the program does not have. Notes: tokens that have
    expired.

    Also reads a database that is not yet migrated to this release, to report in advance the tokens
    that `migrate` will leave without a destination. An unreadable database is left to
    `database_faults`.
    """
    url = sa.make_url(database_url)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        return [], []
    engine = sa.create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as conn:
            names = tokens.names_before_destinations(conn)
            stored = [one.token for one in tokens.in_force(conn)] if names is None else []
    except (SQLAlchemyError, OSError):
        return [], []
    lost = [one.name for one in stored if not has_destination(one, program)]
    lost += [name for name in names or () if program.destination(name) is None]
    faults = [
        f"token {name}: the program has no such destination, or of another kind: it is refused; "
        f"make another with token add, then token revoke {name}"
        for name in lost
    ]
    return faults, [
        f"token {one.name}: expired on {last_day(one, program.time_zone)}"
        for one in stored
        if one.expires_at is not None and now >= one.expires_at
    ]


@click.group()
def token() -> None:
    """Tokens of destinations, for the API or for a page in a browser."""


@token.command("add")
@click.argument("destination")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(list(SCOPES)),
    help=f"What it may do; once for each. Default: {' and '.join(USUAL)}; a browser token reads.",
)
@click.option("--expires", metavar="DAY", help="Last day it is valid, as 2027-01-31, local time.")
@click.option("--name", help="Its name in the journal. Default: the destination's name.")
def token_add(
    destination: str, scopes: tuple[str, ...], expires: str | None, name: str | None
) -> None:
    """Create a token for a destination of the program. It is shown once; only its hash is
    stored."""
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
    """List tokens in force, oldest first: id, name, kind, destination, scopes, last day, and why
    one is refused. The last use of a token is not recorded."""
    parts = parts_now()
    with parts.engine.connect() as conn:
        stored = tokens.in_force(conn)
    for one in stored:
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
