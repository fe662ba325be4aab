"""Every row under the newest keys, while the service runs: short transactions, each row written
only where nobody wrote it meanwhile. Cut off, it is run again and goes on with what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from caller_service.store import cases, contacts, keys
from caller_service.store.database.transaction import lock_for_write, reading, transaction
from caller_service.store.tables import call, contact

from .identity import join_contacts
from .parts import Parts

# contacts first: who writes meanwhile is found under the newest key
TABLES = (contact, call, *(table for table in keys.SEALED if table is not contact))
BATCH = 50  # rows in one transaction: a text waits for it no longer than some milliseconds

Uses = Counter[tuple[str, str, str]]  # table, kind and id of the key: rows


@dataclass(slots=True)
class Rewrapped:
    """What was done. `closed`: ids of data keys of values that did not open."""

    rows: int = 0
    joined: int = 0
    closed: set[str] = field(default_factory=set)
    values_closed: int = 0


def count(parts: Parts) -> Uses:
    """How many rows need which key. Reads every row; in batches, so that nothing waits for it."""
    uses: Uses = Counter()
    with reading(parts.engine) as conn:
        for table in TABLES:
            for rows in keys.scan(conn, table):
                conn.rollback()
                uses.update((table.name, *use) for use in keys.used(table, rows))
    return uses


def rows_there(parts: Parts) -> int:
    """How many rows `rewrap` looks at."""
    with reading(parts.engine) as conn:
        return sum(keys.rows_of(conn, table) for table in TABLES)


def join_split(parts: Parts) -> int:
    """Join the contacts that an earlier rotation has split, one short transaction a person; how
    many others there were. Cut off, it is run again."""
    joined = 0
    for ids in contacts.split(parts.engine, parts.sealer):
        with transaction(parts.engine) as conn:
            lock_for_write(conn)
            if number := contacts.number_of(conn, parts.sealer, ids):
                contacts.lock_number(conn, parts.sealer, number)
                joined += join_contacts(conn, parts, number, ids)
    return joined


def rewrap(parts: Parts, seen: Callable[[int], object] = lambda _: None) -> Rewrapped:
    """Write every row under the newest keys, and join the contacts that a rotation has split. Keys
    that no row needs any more are noted no longer. `seen` is told of rows looked at."""
    done = Rewrapped()
    with transaction(parts.engine) as conn:
        keys.note(conn, parts.sealer, parts.now())
    with reading(parts.engine) as conn:
        before = {kind: keys.of_kind(conn, kind) for kind in keys.SETTINGS}
    for table in TABLES:
        with reading(parts.engine) as conn:
            for rows in keys.scan(conn, table, BATCH):
                conn.rollback()  # no read is open while we write
                _batch(parts, table, rows, done)
                seen(len(rows))
    _forgotten(parts, before, done)
    return done


def _batch(parts: Parts, table: sa.Table, rows: Sequence[Any], done: Rewrapped) -> None:
    if table is contact:
        _contacts(parts, rows, done)
    if table is call:
        _calls(parts, rows, done)
        return
    changes = []
    for row in rows:
        changed, closed = keys.resealed(parts.sealer, table, row)
        if table is contact:  # written with its index, above
            changed.pop("sealed_number", None)
        done.closed |= closed
        done.values_closed += len(closed)
        if changed:
            changes.append((row, changed))
    if not changes:
        return
    with transaction(parts.engine) as conn:
        lock_for_write(conn)
        for row, changed in changes:
            keys.write(conn, table, row, changed)
    done.rows += len(changes)


def _contacts(parts: Parts, rows: Sequence[Any], done: Rewrapped) -> None:
    numbers = {
        row.id: parts.sealer.try_open(row.sealed_number, f"contact.number.{row.id}")
        for row in rows
        if row.index_key != parts.sealer.index_key or not parts.sealer.is_current(row.sealed_number)
    }
    # "": it was withheld, and nobody is found by it
    old = {contact_id: number for contact_id, number in numbers.items() if number is not None}
    if not old:
        return
    with transaction(parts.engine) as conn:
        lock_for_write(conn)
        for contact_id, number in old.items():
            if not number:
                contacts.renew(conn, parts.sealer, contact_id, number)
                continue
            contacts.lock_number(conn, parts.sealer, number)
            done.joined += join_contacts(conn, parts, number, (contact_id,))
    done.rows += len(old)


def _calls(parts: Parts, rows: Sequence[Any], done: Rewrapped) -> None:
    """Whose number is known stands under the newest key; of others nobody can tell it any more."""
    old = [row for row in rows if row.index_key != parts.sealer.index_key]
    if not old:
        return
    staff = {rung.name: rung.number for rung in parts.program.ladder if rung.number}
    with transaction(parts.engine) as conn:
        lock_for_write(conn)
        for row in old:
            number = staff.get(row.person, "")
            if row.person is None:
                who = cases.contact_of(conn, row.case_id)
                number = contacts.by_id(conn, parts.sealer, who).number
            keys.reindex_call(conn, parts.sealer, row, number or row.id)
    done.rows += len(old)


def _forgotten(parts: Parts, before: dict[str, Sequence[str]], done: Rewrapped) -> None:
    uses = count(parts)
    needed = {(kind, key_id) for _, kind, key_id in uses} | {("data", one) for one in done.closed}
    newest = {("data", parts.sealer.data_key), ("index", parts.sealer.index_key)}
    if ("index", keys.UNKNOWN) in needed:  # any of them may be theirs
        needed |= {("index", key_id) for key_id in before["index"]}
    with transaction(parts.engine) as conn:
        for kind, ids in before.items():
            for key_id in ids:
                if (kind, key_id) not in needed | newest:
                    keys.forget(conn, kind, key_id)
