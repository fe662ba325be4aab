"""Contacts: found by a keyed hash of their number, which is kept sealed.

While index keys are rotated a number may stand under any of them: whoever looks asks for all, and
whoever writes leaves the newest.
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
# for staff, in place of a care note whose words do not open
CLOSED_NOTE = "There is a care note, and it cannot be opened."


@dataclass(frozen=True, slots=True)
class Contact:
    id: str
    language: str
    number: str = field(repr=False)
    stopped: bool = False
    slowed_until: datetime | None = None
    care_until: datetime | None = None
    our_number: str = ""  # the one they wrote to last
    in_words: bool = False  # stopped in words that no carrier acts on


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
    """A second one with the same number is an IntegrityError: the work is run again and finds the
    first."""
    conn.execute(_ADD, _values(sealer, new, now))


def lock(conn: sa.Connection, sealer: Sealer, new: Contact, now: datetime) -> Sequence[str]:
    """Add the contact if no key finds it, and hold its row until the transaction ends: turns of one
    number queue here. Returns the ids of the number's contacts, oldest first: one, or those that a
    rotation has split.

    A known one is left under the newest key. The language is written onto itself: a column that is
    no key, so that PostgreSQL's lock lets others point to the row.
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
    """Hold a number until the transaction ends. While keys are rotated the unique index cannot: two
    processes may each write it under a key of their own. All that have the same keys, in whichever
    order, hold the same lock."""
    if not sealer.rotates:
        return
    if conn.dialect.name == "sqlite":
        lock_for_write(conn)
        return
    key = int.from_bytes(min(sealer.indexes(number))[:8], "big", signed=True)
    conn.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def of_number(conn: sa.Connection, sealer: Sealer, number: str) -> Sequence[Any]:
    """The rows of a number under whichever key, oldest first."""
    query = sa.select(contact).where(contact.c.number_index.in_(sealer.indexes(number)))
    return conn.execute(query.order_by(contact.c.id)).all()


def held(conn: sa.Connection, sealer: Sealer, number: str, also: Sequence[str]) -> Sequence[Any]:
    """The same, and those of these ids, held until the transaction ends."""
    indexes = sealer.indexes(number) if number else ()
    mine = contact.c.number_index.in_(indexes) | contact.c.id.in_(also)
    return conn.execute(
        sa.select(contact).where(mine).order_by(contact.c.id).with_for_update()
    ).all()


def is_current(sealer: Sealer, number: str, row: Any) -> bool:
    """Does a contact's row stand under the newest keys, and say so?"""
    return (
        row.number_index == sealer.index(number)
        and row.index_key == sealer.index_key
        and sealer.is_current(row.sealed_number)
    )


def renew(conn: sa.Connection, sealer: Sealer, contact_id: str, number: str) -> None:
    """Leave a contact under the newest keys. Another one of that number there is an
    IntegrityError."""
    conn.execute(
        sa.update(contact)
        .where(contact.c.id == contact_id)
        .values(_identity(sealer, contact_id, number))
    )


def forget_number(conn: sa.Connection, sealer: Sealer, contact_id: str) -> None:
    """Nobody is found by the number any more: whoever writes from it is somebody new. What was
    noted of it goes, too."""
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
    # nobody is found by a number that was withheld
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
    """One contact in place of several: what points to the `others` points to `kept`, which has what
    is said in `more`.

    Messages are found by their cases: by contact they have no index. A case counts as written, so
    that who has read it looks again.
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
    """The ids of contacts that share one number, one list a person: an earlier rotation has split
    them. Opens the number of every contact that does not stand under the newest index key."""
    older = sa.select(contact.c.id, contact.c.sealed_number).where(
        contact.c.index_key.is_distinct_from(sealer.index_key)
    )
    first: dict[bytes, str] = {}  # a number's newest index: a contact
    people: dict[bytes, set[str]] = {}  # the same, where there is another

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
            found: dict[bytes, bytes] = {}  # any index of a person: the newest
            for row in rows:
                number = sealer.try_open(row.sealed_number, f"contact.number.{row.id}")
                if not number:  # it does not open, or was withheld: nobody shares it
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
    """The number of one person's contacts, from the first that is there and opens; "" for none."""
    query = sa.select(contact.c.id, contact.c.sealed_number).where(contact.c.id.in_(ids))
    for row in conn.execute(query.order_by(contact.c.id)).all():
        if number := sealer.try_open(row.sealed_number, f"contact.number.{row.id}"):
            return number
    return ""


def is_stopped(conn: sa.Connection, sealer: Sealer, number: str) -> bool:
    """Has whoever has this number stopped our texts?"""
    query = sa.select(contact.c.stopped_at).where(
        contact.c.number_index.in_(sealer.indexes(number)), contact.c.stopped_at.is_not(None)
    )
    return conn.execute(query.limit(1)).first() is not None


def care_of(sealer: Sealer, rows: Sequence[Any], now: datetime) -> tuple[str, datetime | None]:
    """The care notes in force of several contacts as one, until the last of them ends."""
    theirs = [row for row in rows if row.sealed_care_note and row.care_until > now]
    notes = [_opened_note(sealer, row.id, row.sealed_care_note) for row in theirs]
    return " / ".join(dict.fromkeys(notes)), max((row.care_until for row in theirs), default=None)


def _opened_note(sealer: Sealer, contact_id: str, sealed: bytes) -> str:
    """A care note; one that does not open still brings a human."""
    words = sealer.try_open(sealed, f"contact.care_note.{contact_id}")
    return CLOSED_NOTE if words is None else words


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
    return _opened_note(sealer, contact_id, row.sealed_care_note)


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
