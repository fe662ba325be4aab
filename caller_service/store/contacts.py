"""Contacts: found by a keyed hash of their number; the number itself is sealed.

While index keys are rotated a number may be stored under any of them: reads look under all keys,
and writes use the newest.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from .database.transaction import lock_for_write
from .sealing import Sealer
from .tables import case, contact, message

_ADD = sa.insert(contact)
STOPPED_IN_WORDS = "words"  # `stopped_because`, beside "asked" (the carrier's word) and "carrier"
# shown to staff in place of a care note that does not open
CLOSED_NOTE = "There is a care note, and it cannot be opened."


@dataclass(frozen=True, slots=True)
class Contact:
    id: str
    language: str
    number: str = field(repr=False)
    stopped: bool = False
    slowed_until: datetime | None = None
    care_until: datetime | None = None
    our_number: str = ""  # our number that they wrote to last
    in_words: bool = False  # stopped us in words that no carrier acts on


def by_id(conn: sa.Connection, sealer: Sealer, contact_id: str) -> Contact:
    """A contact; a number that does not open is ""."""
    row = conn.execute(sa.select(contact).where(contact.c.id == contact_id)).one()
    return Contact(
        row.id,
        row.language,
        sealer.try_open(row.sealed_number, f"contact.number.{row.id}") or "",
        row.stopped_at is not None,
        row.slowed_until,
        row.care_until,
        our_number=row.our_number,
        in_words=row.stopped_because == STOPPED_IN_WORDS,
    )


def add(conn: sa.Connection, sealer: Sealer, new: Contact, now: datetime) -> None:
    """Raises IntegrityError if the number has a contact already: the work is then run again and
    finds it."""
    conn.execute(_ADD, _values(sealer, new, now))


def lock(conn: sa.Connection, sealer: Sealer, new: Contact, now: datetime) -> Sequence[str]:
    """Add the contact if it is found under no key, and lock its row until the transaction ends:
    turns of one number queue here. Returns the ids of the number's contacts, oldest first: one, or
    several if a rotation has split them.

    A known contact is moved to the newest key. The upsert sets the language to itself: as it is no
    key column, PostgreSQL's lock still allows foreign keys to the row.
    """
    lock_number(conn, sealer, new.number)
    known = of_number(conn, sealer, new.number)
    if len(known) > 1:
        return [row.id for row in known]
    if known and not is_current(sealer, new.number, known[0]):
        renew(conn, sealer, known[0].id, new.number)
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    statement = insert(contact).values(_values(sealer, new, now))
    held = conn.execute(
        statement.on_conflict_do_update(
            index_elements=["number_index"], set_={"language": contact.c.language}
        ).returning(contact.c.id)
    )
    return [held.scalar_one()]


def lock_number(conn: sa.Connection, sealer: Sealer, number: str) -> None:
    """Lock a number until the transaction ends. While keys are rotated the unique index is not
    enough: two processes may each write the number under a different key. All processes with the
    same keys, in any order, take the same lock."""
    if not sealer.rotates:
        return
    if conn.dialect.name == "sqlite":
        lock_for_write(conn)
        return
    key = int.from_bytes(min(sealer.indexes(number))[:8], "big", signed=True)
    conn.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def of_number(conn: sa.Connection, sealer: Sealer, number: str) -> Sequence[Any]:
    """The rows of a number under any key, oldest first."""
    query = sa.select(contact).where(contact.c.number_index.in_(sealer.indexes(number)))
    return conn.execute(query.order_by(contact.c.id)).all()


def held(conn: sa.Connection, sealer: Sealer, number: str, also: Sequence[str]) -> Sequence[Any]:
    """The same, and the rows with these ids, locked until the transaction ends."""
    indexes = sealer.indexes(number) if number else ()
    mine = contact.c.number_index.in_(indexes) | contact.c.id.in_(also)
    return conn.execute(
        sa.select(contact).where(mine).order_by(contact.c.id).with_for_update()
    ).all()


def is_current(sealer: Sealer, number: str, row: Any) -> bool:
    """Is a contact's row written, and labelled, with the newest keys?"""
    return (
        row.number_index == sealer.index(number)
        and row.index_key == sealer.index_key
        and sealer.is_current(row.sealed_number)
    )


def renew(conn: sa.Connection, sealer: Sealer, contact_id: str, number: str) -> None:
    """Move a contact to the newest keys. Raises IntegrityError if the number has another contact
    there."""
    conn.execute(
        sa.update(contact)
        .where(contact.c.id == contact_id)
        .values(_identity(sealer, contact_id, number))
    )


def forget_number(conn: sa.Connection, sealer: Sealer, contact_id: str) -> None:
    """Make the contact impossible to find by its number: whoever writes from it is somebody new.
    What was noted about the number is deleted, too."""
    nothing = {"our_number": "", "sealed_care_note": None, "care_until": None}
    conn.execute(
        sa.update(contact)
        .where(contact.c.id == contact_id)
        .values(**_identity(sealer, contact_id, ""), **nothing)
    )


def is_cared_for(conn: sa.Connection, contact_id: str, now: datetime) -> bool:
    """Is a care note in force, or is the number slowed down?"""
    lasts = sa.or_(contact.c.care_until > now, contact.c.slowed_until > now)
    query = sa.select(contact.c.id).where(contact.c.id == contact_id, lasts)
    return conn.execute(query).first() is not None


def _identity(sealer: Sealer, contact_id: str, number: str) -> dict[str, object]:
    # a withheld number finds nobody
    return {
        "number_index": sealer.index(number) if number else secrets.token_bytes(32),
        "index_key": sealer.index_key,
        "sealed_number": sealer.seal(number, f"contact.number.{contact_id}"),
    }


def _values(sealer: Sealer, new: Contact, now: datetime) -> dict[str, object]:
    return {
        "id": new.id,
        **_identity(sealer, new.id, new.number),
        "language": new.language,
        "created_at": now,
        "our_number": new.our_number,
    }


def join(
    conn: sa.Connection, sealer: Sealer, number: str, kept: str, others: Sequence[str], **more: Any
) -> None:
    """Merge contacts: what refers to the `others` refers to `kept` from now on, which is also given
    the values in `more`.

    Messages are found through their cases, as they have no index by contact. The version of a case
    goes up, so that whoever has read it reads it again.
    """
    theirs = case.c.contact_id.in_(others)
    conn.execute(
        sa.update(message)
        .where(message.c.case_id.in_(sa.select(case.c.id).where(theirs)))
        .where(message.c.contact_id.in_(others))
        .values(contact_id=kept)
    )
    conn.execute(sa.update(case).where(theirs).values(contact_id=kept, version=case.c.version + 1))
    conn.execute(sa.delete(contact).where(contact.c.id.in_(others)))
    mine = sa.update(contact).where(contact.c.id == kept)
    conn.execute(mine.values(**_identity(sealer, kept, number), **more))


def split(engine: sa.Engine, sealer: Sealer, at_once: int = 500) -> list[list[str]]:
    """The ids of contacts that share one number because an earlier rotation split them, one list
    for each person. Decrypts the number of every contact that is not under the newest index key."""
    older = sa.select(contact.c.id, contact.c.sealed_number).where(
        contact.c.index_key.is_distinct_from(sealer.index_key)
    )
    first: dict[bytes, str] = {}  # a number's newest index -> a contact
    people: dict[bytes, set[str]] = {}  # the same -> its contacts, if several

    def note(newest: bytes, contact_id: str) -> None:
        if (known := first.setdefault(newest, contact_id)) != contact_id:
            people.setdefault(newest, {known}).add(contact_id)

    after = ""
    with engine.connect() as conn:
        while True:
            batch = older.where(contact.c.id > after).order_by(contact.c.id).limit(at_once)
            rows = conn.execute(batch).all()
            conn.rollback()
            if not rows:
                break
            after = rows[-1].id
            found: dict[bytes, bytes] = {}  # any index of a person -> their newest
            for row in rows:
                number = sealer.try_open(row.sealed_number, f"contact.number.{row.id}")
                if not number:  # it does not open, or was withheld: no other contact shares it
                    continue
                newest = sealer.index(number)
                note(newest, row.id)
                found |= dict.fromkeys(sealer.indexes(number), newest)
            same = sa.select(contact.c.id, contact.c.number_index).where(
                contact.c.number_index.in_(list(found))
            )
            for row in conn.execute(same):
                note(found[row.number_index], row.id)
            conn.rollback()
    return [sorted(ids) for ids in people.values()]


def number_of(conn: sa.Connection, sealer: Sealer, ids: Sequence[str]) -> str:
    """The number of one person's contacts, from the first that exists and opens; "" for none."""
    query = sa.select(contact.c.id, contact.c.sealed_number).where(contact.c.id.in_(ids))
    for row in conn.execute(query.order_by(contact.c.id)).all():
        if number := sealer.try_open(row.sealed_number, f"contact.number.{row.id}"):
            return number
    return ""


def is_stopped(conn: sa.Connection, sealer: Sealer, number: str) -> bool:
    """Has the contact with this number stopped our texts?"""
    query = sa.select(contact.c.stopped_at).where(
        contact.c.number_index.in_(sealer.indexes(number)), contact.c.stopped_at.is_not(None)
    )
    return conn.execute(query.limit(1)).first() is not None


def care_of(sealer: Sealer, rows: Sequence[Any], now: datetime) -> tuple[str, datetime | None]:
    """The care notes in force of several contacts as one, which lasts until the last of them
    ends."""
    theirs = [row for row in rows if row.sealed_care_note and row.care_until > now]
    notes = [_opened_note(sealer, row.id, row.sealed_care_note) for row in theirs]
    return " / ".join(dict.fromkeys(notes)), max((row.care_until for row in theirs), default=None)


def _opened_note(sealer: Sealer, contact_id: str, sealed: bytes) -> str:
    """The words of a care note; one that does not open still brings a human."""
    words = sealer.try_open(sealed, f"contact.care_note.{contact_id}")
    return CLOSED_NOTE if words is None else words


def care_note(conn: sa.Connection, sealer: Sealer, contact_id: str, now: datetime) -> str:
    """The care note that replaces the screening; "" if there is none, or it has expired."""
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
    return _opened_note(sealer, contact_id, row.sealed_care_note)


def set_care_note(
    conn: sa.Connection, sealer: Sealer, contact_id: str, words: str, until: datetime | None
) -> None:
    """Store the words with which a human replaces the screening until then; None removes them."""
    sealed = sealer.seal(words, f"contact.care_note.{contact_id}") if until is not None else None
    conn.execute(
        sa.update(contact)
        .where(contact.c.id == contact_id)
        .values(sealed_care_note=sealed, care_until=until)
    )


def slow(conn: sa.Connection, contact_id: str, until: datetime | None) -> None:
    """Answer this number less often until then; a new danger is answered all the same. None: answer
    as usual."""
    conn.execute(sa.update(contact).where(contact.c.id == contact_id).values(slowed_until=until))


def set_language(conn: sa.Connection, contact_id: str, language: str) -> None:
    conn.execute(sa.update(contact).where(contact.c.id == contact_id).values(language=language))


def set_our_number(conn: sa.Connection, contact_id: str, our_number: str) -> None:
    conn.execute(sa.update(contact).where(contact.c.id == contact_id).values(our_number=our_number))


def set_stopped(
    conn: sa.Connection, contact_id: str, now: datetime | None, because: str | None
) -> None:
    """Record that the contact stopped our texts or, with None, wants them again."""
    conn.execute(
        sa.update(contact)
        .where(contact.c.id == contact_id)
        .values(stopped_at=now, stopped_because=because)
    )
