"""Secrets that open the private page of a case (docs/privacy.md): a browser's key, a link, a typed
code.

A secret is stored as its hash. A key or link has 128 random bits, so plain SHA-256 is safe; a typed
code is short, so its hash is keyed (store/sealing.py), under the newest index key. `step` counts
the posts that were carried out: a post with an older step changes nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa

from caller_service.core.case import Case

from . import cases
from .contacts import Contact
from .database.compiled import CompiledStatement
from .sealing import Sealer
from .tables import case, contact, visit
from .turns import about, who


class VisitKind(StrEnum):
    """`visit.kind`."""

    BROWSER = "browser"  # the key of one browser, in its cookie or its URLs
    LINK = "link"  # opens the page in another browser
    CODE = "code"  # the same, to be typed: ten letters
    PLACE = "place"  # opens the page to mark the place, and nothing else


@dataclass(frozen=True, slots=True)
class Visit:
    """One secret of a case. `state`: JSON of the position in the form and of what this browser was
    shown (casework/page_visit.py); "" if it does not open."""

    id: str
    case_id: str
    kind: str
    step: int
    state: str = field(repr=False)
    at: datetime
    seen_at: datetime
    used_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


class VisitState(NamedTuple):
    """The state that a request for a private page starts from."""

    visit: Visit
    case: Case
    contact: Contact
    full: frozenset[str]


_COLUMNS = (
    "id", "case_id", "kind", "step", "at", "seen_at", "used_at", "expires_at", "ended_at",
)  # fmt: skip
_NEW = tuple(name for name in _COLUMNS if name != "ended_at")
_ADD = CompiledStatement(sa.insert(visit), (*_NEW, "secret_hash", "sealed_state"))
_advance = sa.update(visit).where(
    visit.c.id == sa.bindparam("known_id", None),
    visit.c.step == sa.bindparam("known_step", None),
    visit.c.ended_at.is_(None),
)
_MOVES = ("step", "seen_at", "used_at", "expires_at", "case_id")
_ADVANCE = CompiledStatement(_advance, (*_MOVES, "sealed_state"))


def new_secret() -> str:
    """128 random bits, for a URL or a cookie."""
    return secrets.token_urlsafe(16)


def secret_hash(secret: str) -> bytes:
    """The stored hash of a secret of 128 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def add(conn: sa.Connection, sealer: Sealer, new: Visit, hashed: bytes) -> None:
    """Raises IntegrityError for a secret that is there already."""
    values = {name: getattr(new, name) for name in _NEW}
    sealed = sealer.seal(new.state, f"visit.state.{new.id}") if new.state else None
    _ADD.run(conn, values | {"secret_hash": hashed, "sealed_state": sealed})


def load(
    conn: sa.Connection, sealer: Sealer, hashes: Sequence[bytes], now: datetime
) -> VisitState | None:
    """The visit of a secret, its case and contact, in one query; None if there is none, or it is
    over."""
    row = _load(len(hashes)).first(
        conn, {f"hash_{place}": each for place, each in enumerate(hashes)} | {"now": now}
    )
    if row is None:
        return None
    return VisitState(_opened(row, sealer), cases.opened(row, sealer), *who(row, sealer))


def _opened(row: Mapping[str, Any], sealer: Sealer) -> Visit:
    sealed, visit_id = row["visit_sealed_state"], row["visit_id"]
    state = "" if sealed is None else sealer.try_open(sealed, f"visit.state.{visit_id}") or ""
    return Visit(state=state, **{name: row[f"visit_{name}"] for name in _COLUMNS})


_STATEMENTS: dict[int, CompiledStatement] = {}


def _load(hashes: int) -> CompiledStatement:
    if hashes not in _STATEMENTS:
        known = [
            sa.bindparam(f"hash_{place}", None, type_=visit.c.secret_hash.type)
            for place in range(hashes)
        ]
        whole = visit.join(case, case.c.id == visit.c.case_id).join(
            contact, contact.c.id == case.c.contact_id
        )
        columns = (*_COLUMNS, "sealed_state")
        read = tuple(visit.c[name].label(f"visit_{name}") for name in columns)
        open_now = (
            visit.c.secret_hash.in_(known),
            visit.c.ended_at.is_(None),
            visit.c.expires_at > sa.bindparam("now", None, type_=visit.c.expires_at.type),
        )
        query = sa.select(*about(), *read, *cases.READ).select_from(whole).where(*open_now)
        _STATEMENTS[hashes] = CompiledStatement(query)
    return _STATEMENTS[hashes]


def advance(conn: sa.Connection, sealer: Sealer, known: Visit, after: Visit) -> bool:
    """Write the result of a post, which may move the visit to a new case. False if another post was
    carried out meanwhile."""
    values: dict[str, Any] = {
        "known_id": known.id,
        "known_step": known.step,
        "sealed_state": sealer.seal(after.state, f"visit.state.{known.id}"),
        **{name: getattr(after, name) for name in _MOVES},
    }
    return _ADVANCE.run(conn, values) == 1


def seen(conn: sa.Connection, visit_id: str, now: datetime) -> None:
    """Record that a browser shows the page now."""
    conn.execute(
        sa.update(visit).where(visit.c.id == visit_id, visit.c.seen_at < now).values(seen_at=now)
    )


def used(conn: sa.Connection, visit_id: str, now: datetime) -> None:
    """Record that somebody uses the page now."""
    conn.execute(
        sa.update(visit).where(visit.c.id == visit_id, visit.c.used_at < now).values(used_at=now)
    )


def keep(
    conn: sa.Connection, sealer: Sealer, known: Visit, state: str, now: datetime, used: bool
) -> None:
    """Record what a browser was shown, or that somebody opened a locked page; no post was carried
    out."""
    values: dict[str, Any] = {"sealed_state": sealer.seal(state, f"visit.state.{known.id}")}
    moments = {"seen_at": now} | ({"used_at": now} if used else {})
    conn.execute(
        sa.update(visit)
        .where(visit.c.id == known.id, visit.c.step == known.step)
        .values(**values, **moments)
    )


def end(conn: sa.Connection, visit_id: str, now: datetime) -> None:
    """End a visit: its secret is no longer valid, and its state is deleted."""
    conn.execute(
        sa.update(visit)
        .where(visit.c.id == visit_id, visit.c.ended_at.is_(None))
        .values(ended_at=now, sealed_state=None)
    )


def end_kind(conn: sa.Connection, case_id: str, kind: VisitKind, now: datetime) -> None:
    """End every link, or code, of this case: a new one replaces it."""
    conn.execute(
        sa.update(visit)
        .where(visit.c.case_id == case_id, visit.c.kind == kind, visit.c.ended_at.is_(None))
        .values(ended_at=now, sealed_state=None)
    )


def last_seen(conn: sa.Connection, case_id: str, but: str = "") -> datetime | None:
    """When a browser last showed the private page of this case; None if it has none. `but`: the
    visit of a browser that does not count."""
    theirs = (
        visit.c.case_id == case_id, visit.c.kind == VisitKind.BROWSER, visit.c.id != but,
    )  # fmt: skip
    found: datetime | None = conn.execute(
        sa.select(sa.func.max(visit.c.seen_at)).where(*theirs, visit.c.ended_at.is_(None))
    ).scalar()
    return found


def live_cases(conn: sa.Connection, since: datetime) -> Sequence[tuple[str, datetime]]:
    """Open cases whose private page was shown since `since`, and when it last was."""
    last = sa.func.max(visit.c.seen_at)
    query = (
        sa.select(visit.c.case_id, last.label("seen"))
        .join(case, case.c.id == visit.c.case_id)
        .where(
            visit.c.kind == VisitKind.BROWSER,
            visit.c.ended_at.is_(None),
            visit.c.seen_at >= since,
            case.c.closed_at.is_(None),
        )
        .group_by(visit.c.case_id)
    )
    return [(row.case_id, row.seen) for row in conn.execute(query)]
