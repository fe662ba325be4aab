"""`caller-service keys …`: show which keys rows need, rewrite every row under the newest, and give
up a lost key (docs/operations.md, "Keys")."""

from __future__ import annotations

import sys

import click

from caller_service.store import contacts, keys
from caller_service.store.database.deadline import deadline
from caller_service.store.database.transaction import transaction

from .database import surplus_contacts
from .startup import parts_now, refuse


@click.group("keys")
def keys_group() -> None:
    """The keys that encrypt rows and index phone numbers."""


@keys_group.command("status")
def keys_status() -> None:
    """Show which keys are in use, and how many rows of each table need them. Reads every row.

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
    click.echo(f"contacts split by an earlier rotation: {surplus_contacts(split)}")
    if faults:
        refuse(faults)


@keys_group.command("rewrap")
def keys_rewrap() -> None:
    """Rewrite every row under the newest keys, and merge contacts that a rotation has split.

    The service may keep running. If interrupted, run it again. Exit code 1: some values do not
    open.
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
    """Give up a key that is lost for good, so that the service starts without it. What it encrypted
    stays, but cannot be read.

    After losing an index key, run `keys rewrap`: it finds people again by their encrypted numbers.
    """
    parts = parts_now()
    with transaction(parts.engine) as conn:
        known = keys.forget(conn, kind, key_id)
    if not known:
        refuse([f"{kind} {key_id}: no row was known to need it"])
    click.echo(f"{kind} {key_id}: forgotten")
