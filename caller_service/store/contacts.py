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
    slowed_until: datetime | None = None
    care_until: datetime | None = None
    our_number: str = ""  # the one they wrote to last


def by_id(conn: sa.Connection, sealer: Sealer, contact_id: str) -> Contact:
    row = conn.execute(sa.select(contact).where(contact.c.id == contact_id)).one()
    return Contact(
        row.id,
        row.language,
        sealer.open(row.sealed_number, f"contact.number.{row.id}"),
        row.stopped_at is not None,
        our_number=row.our_number,
    )


def add(conn: sa.Connection, sealer: Sealer, new: Contact, now: datetime) -> None:
    """A second one with the same number is an IntegrityError: the work is run again and finds the
    first."""
    conn.execute(_ADD, _values(sealer, new, now))


def lock(conn: sa.Connection, sealer: Sealer, new: Contact, now: datetime) -> None:
    """Add the contact if it is new, and hold its row until the transaction ends: turns of one
    number queue here.

    The language is written onto itself: a column that is no key, so that PostgreSQL's lock lets
    others point to the row.
    """
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    statement = insert(contact).values(_values(sealer, new, now))
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["number_index"], set_={"language": contact.c.language}
        )
    )


def _values(sealer: Sealer, new: Contact, now: datetime) -> dict[str, object]:
    return {
        "id": new.id,
        "number_index": sealer.index(new.number),
        "sealed_number": sealer.seal(new.number, f"contact.number.{new.id}"),
        "language": new.language,
        "created_at": now,
        "our_number": new.our_number,
    }


def is_stopped(conn: sa.Connection, sealer: Sealer, number: str) -> bool:
    """Has whoever has this number stopped our texts?"""
    query = sa.select(contact.c.stopped_at).where(
        contact.c.number_index.in_(sealer.indexes(number)), contact.c.stopped_at.is_not(None)
    )
    return conn.execute(query.limit(1)).first() is not None


def care_note(conn: sa.Connection, sealer: Sealer, contact_id: str, now: datetime) -> str:
    """The words that stand in place of the screening; "" for none, or one whose time is over."""
    row = conn.execute(
        sa.select(contact.c.sealed_care_note, contact.c.care_until).where(
            contact.c.id == contact_id
        )
    ).first()
    if (
        row is None
        or row.sealed_care_note is None
        or row.care_until is None
        or row.care_until <= now
    ):
        return ""
    return sealer.open(row.sealed_care_note, f"contact.care_note.{contact_id}")


def set_care_note(
    conn: sa.Connection, sealer: Sealer, contact_id: str, words: str, until: datetime | None
) -> None:
    """A human's words in place of the screening, until then; None takes them away."""
    sealed = sealer.seal(words, f"contact.care_note.{contact_id}") if until is not None else None
    conn.execute(
        sa.update(contact)
        .where(contact.c.id == contact_id)
        .values(sealed_care_note=sealed, care_until=until)
    )


def slow(conn: sa.Connection, contact_id: str, until: datetime | None) -> None:
    """Answer this number less often until then; a new danger is answered all the same. None: as
    everybody."""
    conn.execute(sa.update(contact).where(contact.c.id == contact_id).values(slowed_until=until))


def set_language(conn: sa.Connection, contact_id: str, language: str) -> None:
    conn.execute(sa.update(contact).where(contact.c.id == contact_id).values(language=language))


def set_our_number(conn: sa.Connection, contact_id: str, our_number: str) -> None:
    conn.execute(sa.update(contact).where(contact.c.id == contact_id).values(our_number=our_number))


def set_stopped(
    conn: sa.Connection, contact_id: str, now: datetime | None, because: str | None
) -> None:
    """The contact stopped texts (or, with None, wants them again)."""
    conn.execute(
        sa.update(contact)
        .where(contact.c.id == contact_id)
        .values(stopped_at=now, stopped_because=because)
    )
