"""Members of staff: their accounts, one-time links and recovery codes. Secrets are stored hashed or
sealed (docs/security.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from .sealing import Sealer
from .tables import person, person_link, recovery_code
from .tokens import token_hash

_ACTIVE = person.c.ended_at.is_(None)
TOTP, NEW_TOTP = "sealed_totp", "sealed_new_totp"
_WHERE = {TOTP: "person.totp.{}", NEW_TOTP: "person.new_totp.{}"}


@dataclass(frozen=True, slots=True)
class Person:
    """A member of staff. `totp`: the secret in base32; None if none is set, or it does not open."""

    id: str
    name: str
    role: str
    password: str | None = field(repr=False)
    pin: str | None = field(repr=False)
    totp: str | None = field(repr=False)
    new_totp: str | None = field(repr=False)
    has_totp: bool
    totp_counter: int
    theme: str
    single_keys: bool
    rehearsal: bool
    created_at: datetime
    ended_at: datetime | None


def name_key(name: str) -> str:
    """A name as names are compared: case-folded, with runs of spaces collapsed."""
    return " ".join(name.split()).casefold()


def add(
    conn: sa.Connection, person_id: str, name: str, role: str, now: datetime, **more: Any
) -> None:
    """Raises IntegrityError if the name is taken."""
    row = dict(id=person_id, name=name, name_key=name_key(name), role=role, created_at=now)
    conn.execute(sa.insert(person).values(row | more))


def find(conn: sa.Connection, sealer: Sealer, person_id: str) -> Person | None:
    row = conn.execute(sa.select(person).where(person.c.id == person_id)).first()
    return None if row is None else _person(row, sealer)


def named(conn: sa.Connection, sealer: Sealer, name: str) -> Person | None:
    """Whoever has this name, disabled or not."""
    query = sa.select(person).where(person.c.name_key == name_key(name))
    row = conn.execute(query).first()
    return None if row is None else _person(row, sealer)


def everybody(conn: sa.Connection, sealer: Sealer) -> list[Person]:
    """Everybody, by name; disabled accounts last."""
    query = sa.select(person).order_by(person.c.ended_at.is_not(None), person.c.name_key)
    return [_person(row, sealer) for row in conn.execute(query)]


def active_with_role(conn: sa.Connection, role: str) -> int:
    """How many active people have this role."""
    query = sa.select(sa.func.count()).select_from(person).where(person.c.role == role, _ACTIVE)
    return int(conn.execute(query).scalar_one())


def update(conn: sa.Connection, person_id: str, **changed: Any) -> None:
    conn.execute(sa.update(person).where(person.c.id == person_id).values(changed))


def keep_totp(
    conn: sa.Connection, sealer: Sealer, person_id: str, column: str, secret: str | None
) -> None:
    """Store a secret, sealed (`TOTP`, `NEW_TOTP`), or delete it."""
    where = _WHERE[column].format(person_id)
    update(conn, person_id, **{column: sealer.seal(secret, where) if secret else None})


def use_counter(conn: sa.Connection, person_id: str, counter: int) -> bool:
    """Mark the code of this counter as used; False if it, or a later one, was used already."""
    mine = (person.c.id == person_id) & (person.c.totp_counter < counter)
    return conn.execute(sa.update(person).where(mine).values(totp_counter=counter)).rowcount == 1


def _person(row: Any, sealer: Sealer) -> Person:
    known = row._mapping
    plain = {
        name: known[name]
        for name in (
            "id", "name", "role", "password", "pin", "totp_counter", "theme", "single_keys",
            "rehearsal", "created_at", "ended_at",
        )
    }  # fmt: skip
    secrets = {
        column: sealer.try_open(known[column], where.format(row.id)) if known[column] else None
        for column, where in _WHERE.items()
    }
    return Person(
        **plain,
        totp=secrets[TOTP],
        new_totp=secrets[NEW_TOTP],
        has_totp=known[TOTP] is not None,
    )


# ---- recovery codes ------------------------------------------------------------------------------
def set_recovery_codes(conn: sa.Connection, person_id: str, codes: Iterable[str]) -> None:
    """Replace a person's recovery codes."""
    conn.execute(sa.delete(recovery_code).where(recovery_code.c.person_id == person_id))
    rows = [{"hash": token_hash(code), "person_id": person_id} for code in codes]
    if rows:
        conn.execute(sa.insert(recovery_code), rows)


def use_recovery_code(conn: sa.Connection, person_id: str, code: str) -> bool:
    """Consume a recovery code; False if it is not theirs, or was used."""
    mine = (recovery_code.c.hash == token_hash(code)) & (recovery_code.c.person_id == person_id)
    return conn.execute(sa.delete(recovery_code).where(mine)).rowcount == 1


def recovery_codes_left(conn: sa.Connection, person_id: str) -> int:
    query = sa.select(sa.func.count()).select_from(recovery_code)
    return int(conn.execute(query.where(recovery_code.c.person_id == person_id)).scalar_one())


# ---- one-time links ------------------------------------------------------------------------------
def add_link(
    conn: sa.Connection, link_id: str, person_id: str, secret: str, now: datetime, ends: datetime
) -> None:
    """Add a link; earlier links of this person are no longer valid."""
    end_links(conn, person_id, now)
    conn.execute(
        sa.insert(person_link).values(
            id=link_id, person_id=person_id, hash=token_hash(secret), expires_at=ends
        )
    )


def end_links(conn: sa.Connection, person_id: str, now: datetime) -> None:
    open_ones = (person_link.c.person_id == person_id) & person_link.c.used_at.is_(None)
    conn.execute(sa.update(person_link).where(open_ones).values(used_at=now))


def link_opens(conn: sa.Connection, secret: str, now: datetime) -> bool:
    """Is this link valid now?"""
    return conn.execute(sa.select(person_link.c.id).where(*_open(secret, now))).first() is not None


def use_link(conn: sa.Connection, secret: str, now: datetime) -> str | None:
    """Consume a link; returns whose it is, or None if it is not valid."""
    used = sa.update(person_link).where(*_open(secret, now)).values(used_at=now)
    row = conn.execute(used.returning(person_link.c.person_id)).first()
    return None if row is None else str(row.person_id)


def _open(secret: str, now: datetime) -> Sequence[sa.ColumnElement[bool]]:
    theirs = sa.select(person.c.id).where(_ACTIVE)
    return (
        person_link.c.hash == token_hash(secret),
        person_link.c.used_at.is_(None),
        person_link.c.expires_at > now,
        person_link.c.person_id.in_(theirs),
    )
