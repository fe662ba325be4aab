"""Bearer tokens, kept as a hash."""

from __future__ import annotations

import hashlib
from datetime import datetime

import sqlalchemy as sa

from .tables import token


def token_hash(secret: str) -> str:
    """How a token is kept: SHA-256 is enough for a secret drawn at random."""
    return hashlib.sha256(secret.encode()).hexdigest()


def add(conn: sa.Connection, token_id: str, name: str, secret: str, now: datetime) -> None:
    conn.execute(
        sa.insert(token).values(id=token_id, name=name, hash=token_hash(secret), created_at=now)
    )


def given_to(conn: sa.Connection, secret: str) -> str | None:
    """Who a token was given to; None for one that is not known, or was revoked."""
    known = token.c.hash == token_hash(secret)
    return conn.execute(sa.select(token.c.name).where(known, token.c.revoked_at.is_(None))).scalar()


def revoke(conn: sa.Connection, name: str, now: datetime) -> int:
    """Revoke every token in force of that name; how many there were."""
    in_force = sa.update(token).where(token.c.name == name, token.c.revoked_at.is_(None))
    return conn.execute(in_force.values(revoked_at=now)).rowcount
