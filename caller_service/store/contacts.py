"""Contacts: found by a keyed hash of their number, which is kept sealed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from .sealing import Sealer
from .tables import contact

_ADD = sa.insert(contact)


@dataclass(frozen=True, slots=True)
class Contact:
    id: str
    language: str
    number: str = field(repr=False)
    stopped: bool = False


def by_id(conn: sa.Connection, sealer: Sealer, contact_id: str) -> Contact:
    row = conn.execute(sa.select(contact).where(contact.c.id == contact_id)).one()
    return Contact(row.id, row.language, sealer.open(row.sealed_number, f"contact.number.{row.id}"), row.stopped_at is not None)


def add(conn: sa.Connection, sealer: Sealer, new: Contact, now: datetime) -> None:
    """A second one with the same number is an IntegrityError: the work is run again and finds the first."""
    conn.execute(_ADD, _values(sealer, new, now))


def lock(conn: sa.Connection, sealer: Sealer, new: Contact, now: datetime) -> None:
    """Add the contact if it is new, and hold its row until the transaction ends: turns of one number queue here.

    The language is written onto itself: a column that is no key, so that PostgreSQL's lock lets others point to the row.
    """
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    statement = insert(contact).values(_values(sealer, new, now))
    conn.execute(statement.on_conflict_do_update(index_elements=["number_index"], set_={"language": contact.c.language}))


def _values(sealer: Sealer, new: Contact, now: datetime) -> dict[str, object]:
    return {
        "id": new.id,
        "number_index": sealer.index(new.number),
        "sealed_number": sealer.seal(new.number, f"contact.number.{new.id}"),
        "language": new.language,
        "created_at": now,
    }


def set_language(conn: sa.Connection, contact_id: str, language: str) -> None:
    conn.execute(sa.update(contact).where(contact.c.id == contact_id).values(language=language))


def set_stopped(conn: sa.Connection, contact_id: str, now: datetime | None, because: str | None) -> None:
    """The contact stopped texts (or, with None, wants them again)."""
    conn.execute(sa.update(contact).where(contact.c.id == contact_id).values(stopped_at=now, stopped_because=because))
