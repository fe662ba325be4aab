"""Bearer tokens, stored as a hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from caller_service.core.access import Token, in_order

from .tables import token

_READ = (token.c.name, token.c.kind, token.c.destination, token.c.scopes, token.c.expires_at)
_IN_FORCE = token.c.revoked_at.is_(None)


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token in the table, with the id by which it can be revoked alone."""

    id: str
    token: Token
    created_at: datetime


def token_hash(secret: str) -> str:
    """What is stored of a token. SHA-256 is enough for a random secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def add(conn: sa.Connection, token_id: str, new: Token, secret: str, now: datetime) -> None:
    conn.execute(
        sa.insert(token).values(
            id=token_id,
            name=new.name,
            kind=new.kind,
            destination=new.destination,
            scopes=in_order(new.scopes),
            expires_at=new.expires_at,
            hash=token_hash(secret),
            created_at=now,
        )
    )


def find(conn: sa.Connection, secret: str) -> Token | None:
    """The token of a secret, expired or not; None if it is unknown or was revoked."""
    known = sa.select(*_READ).where(token.c.hash == token_hash(secret), _IN_FORCE)
    row = conn.execute(known).first()
    return None if row is None else _token(row._mapping)


def _token(row: Mapping[Any, Any]) -> Token:
    told = {name: row[name] for name in ("name", "kind", "destination", "expires_at")}
    return Token(**told, scopes=frozenset(row["scopes"].split()))


def in_force(conn: sa.Connection) -> list[StoredToken]:
    """Every token that was not revoked, expired ones too, oldest first."""
    rows = conn.execute(sa.select(token).where(_IN_FORCE).order_by(token.c.created_at, token.c.id))
    return [StoredToken(row.id, _token(row._mapping), row.created_at) for row in rows]


def names_before_destinations(conn: sa.Connection) -> Sequence[str] | None:
    """The names of the tokens in force, if the database is not yet migrated to the release that
    gave tokens a destination; None if it is."""
    if "destination" in {one["name"] for one in sa.inspect(conn).get_columns(token.name)}:
        return None
    return (
        conn.execute(
            sa.select(token.c.name).where(_IN_FORCE).order_by(token.c.created_at, token.c.id)
        )
        .scalars()
        .all()
    )


def forget(conn: sa.Connection, secret: str) -> None:
    """Delete a token, so that it can be created anew with the same secret."""
    conn.execute(sa.delete(token).where(token.c.hash == token_hash(secret)))


def revoke(conn: sa.Connection, name: str, now: datetime) -> int:
    """Revoke every token in force of that name, or the one of that id; returns how many there
    were."""
    meant = (token.c.name == name) | (token.c.id == name)
    return conn.execute(sa.update(token).where(meant, _IN_FORCE).values(revoked_at=now)).rowcount
