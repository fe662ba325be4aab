"""Which keys the rows need. A key is registered before the first row is written with it. The
register is read instead of the rows, except where certainty is needed: there the rows themselves
are read.

Reading the register is one query over a handful of rows, however large the tables are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from . import cases
from .sealing import Sealer, key_of
from .tables import (
    call,
    callback,
    case,
    contact,
    hand_off,
    leg,
    message,
    person,
    sealing_key,
    staff_case,
    visit,
)

SETTINGS = {"data": "CALLER_DATA_KEYS", "index": "CALLER_INDEX_KEYS"}
UNKNOWN = ""  # an index key's id: the row was written before the id was stored
# the name that each sealed value is bound to, made from the columns of its row
SEALED: Mapping[sa.Table, Mapping[str, str]] = {
    contact: {
        "sealed_number": "contact.number.{id}",
        "sealed_care_note": "contact.care_note.{id}",
    },
    case: {
        "sealed_narrative": "case.narrative.{id}",
        "sealed_place": "case.place.{id}",
        "sealed_code_word": "case.code_word.{id}",
    },
    message: {"sealed_words": "message.words.{id}"},
    hand_off: {"sealed_packet": "hand_off.packet.{case_id}.{revision}"},
    leg: {"sealed_state": "leg.state.{id}"},
    callback: {"sealed_name": "callback.name.{id}"},
    person: {"sealed_totp": "person.totp.{id}", "sealed_new_totp": "person.new_totp.{id}"},
    staff_case: {"sealed_draft": "staff_case.draft.{id}"},
    visit: {"sealed_state": "visit.state.{id}"},
}
INDEXED = (contact, call)


def note(conn: sa.Connection, sealer: Sealer, now: datetime) -> None:
    """Register the newest keys: rows may be written with them from now on."""
    for kind, key_id in (("data", sealer.data_key), ("index", sealer.index_key)):
        _note(conn, kind, key_id, sealer.proof(kind, key_id), now)


def _note(conn: sa.Connection, kind: str, key_id: str, proof: bytes | None, now: datetime) -> None:
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    row = {"kind": kind, "id": key_id, "proof": proof, "since": now}
    conn.execute(insert(sealing_key).values(row).on_conflict_do_nothing())


def faults(conn: sa.Connection, sealer: Sealer) -> list[str]:
    """Which keys that rows may need are missing, or differ from the key that had the same id."""
    found = []
    for row in conn.execute(sa.select(sealing_key).order_by(sealing_key.c.kind, sealing_key.c.id)):
        if not sealer.has(row.kind, row.id):
            found.append(
                f'{SETTINGS[row.kind]}: rows need the key "{row.id}", which is not there; '
                "see caller-service keys status"
            )
        elif row.proof is not None and not sealer.proves(row.kind, row.id, row.proof):
            found.append(
                f'{SETTINGS[row.kind]}: the key "{row.id}" is not the one that rows were written '
                "with"
            )
    return found


def noted(conn: sa.Connection) -> bool:
    """Is any key registered?"""
    return conn.execute(sa.select(sealing_key.c.id).limit(1)).first() is not None


def learn(conn: sa.Connection, sealer: Sealer, now: datetime) -> None:
    """Register what rows of an older release need. Their data keys are named in the rows; any index
    key that is configured may be needed. Reads every row, once."""
    found: set[str] = set()
    for table in SEALED:
        for rows in scan(conn, table):
            found.update(_used(table, rows))
    for key_id in found:
        proof = sealer.proof("data", key_id) if sealer.has("data", key_id) else None
        _note(conn, "data", key_id, proof, now)
    for key_id in sealer.index_keys:
        _note(conn, "index", key_id, sealer.proof("index", key_id), now)


def forget(conn: sa.Connection, kind: str, key_id: str) -> bool:
    """Remove a key from the register: no row needs it, or the rows that do are given up. False if
    it was not registered."""
    gone = sa.delete(sealing_key).where(sealing_key.c.kind == kind, sealing_key.c.id == key_id)
    return conn.execute(gone).rowcount == 1


def of_kind(conn: sa.Connection, kind: str) -> Sequence[str]:
    """The ids of the registered keys of this kind."""
    query = sa.select(sealing_key.c.id).where(sealing_key.c.kind == kind)
    return list(conn.execute(query.order_by(sealing_key.c.id)).scalars())


def scan(conn: sa.Connection, table: sa.Table, limit: int = 500) -> Iterator[Sequence[Any]]:
    """The rows of a table in batches, in the order of its primary key; each batch is one short
    query."""
    key = list(table.primary_key.columns)
    columns = [*key, *(table.c[name] for name in SEALED.get(table, ()))]
    if table in INDEXED:
        columns += [table.c.number_index, table.c.index_key]
    if table is call:
        columns += [call.c.person, call.c.case_id]
    after: tuple[Any, ...] | None = None
    while True:
        query = sa.select(*columns).order_by(*key).limit(limit)
        if after is not None:
            query = query.where(sa.tuple_(*key) > sa.tuple_(*after))
        rows = conn.execute(query).all()
        if not rows:
            return
        yield rows
        after = tuple(rows[-1][: len(key)])


def _used(table: sa.Table, rows: Sequence[Any]) -> Iterator[str]:
    for row in rows:
        for name in SEALED[table]:
            if (sealed := getattr(row, name)) is not None:
                yield key_of(sealed)


def used(table: sa.Table, rows: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """Each use of a key in these rows: its kind and id."""
    if table in SEALED:
        yield from (("data", key_id) for key_id in _used(table, rows))
    if table in INDEXED:
        yield from (("index", row.index_key or UNKNOWN) for row in rows)


def resealed(sealer: Sealer, table: sa.Table, row: Any) -> tuple[dict[str, bytes], set[str]]:
    """The values of a row sealed anew under the newest key, and the key ids of the values that do
    not open."""
    changed, closed = {}, set()
    for name, place in SEALED[table].items():
        sealed = getattr(row, name)
        if sealed is None:
            continue
        where = place.format_map(row._mapping)
        if name == "sealed_narrative":
            new, left = cases.resealed_words(sealer, sealed, row.id)
            closed |= {key_of(left)} if left is not None else set()
        elif sealer.is_current(sealed):
            continue
        else:
            words = sealer.try_open(sealed, where)
            new = None if words is None else sealer.seal(words, where)
            closed |= {key_of(sealed)} if words is None else set()
        if new is not None:
            changed[name] = new
    return changed, closed


def write(conn: sa.Connection, table: sa.Table, row: Any, changed: Mapping[str, bytes]) -> None:
    """Write the values that were sealed anew, unless another writer changed them meanwhile: what it
    wrote is under the newest key."""
    same = [table.c[name] == getattr(row, name) for name in changed]
    mine = [column == row._mapping[column.key] for column in table.primary_key.columns]
    conn.execute(sa.update(table).where(*mine, *same).values(dict(changed)))


def reindex_call(conn: sa.Connection, sealer: Sealer, row: Any, number: str) -> None:
    """Move a call to the newest index key, unless another writer already has."""
    same = (call.c.id == row.id, call.c.number_index == row.number_index)
    changed = {"number_index": sealer.index(number), "index_key": sealer.index_key}
    conn.execute(sa.update(call).where(*same).values(changed))


def rows_of(conn: sa.Connection, table: sa.Table) -> int:
    """How many rows a table has."""
    return int(conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
