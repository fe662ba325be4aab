"""Cases as rows: what is asked of the database by name stands in columns, codes in `state`, private
words sealed."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from caller_service.core.case import Case, Status, from_plain, to_plain
from caller_service.core.marks import Mark
from caller_service.core.protocol import Level
from caller_service.store.database.compiled import CompiledStatement

from .sealing import Sealer, unopened
from .tables import area_state, case, delivery, hand_off

_COLUMNS = (
    "id",
    "reference",
    "status",
    "version",
    "level",
    "response",
    "area",
    "language",
    "protocol_hash",
    "outcome",
    "unserved",
    "test",
    "parked",
)
_PLACE = ("place", "point", "house_number", "place_said")  # sealed together
_PRIVATE = ("narrative", "remarks", "recent", *_PLACE, "code_word", "unopened")
_SEALED = ("sealed_narrative", "sealed_place", "sealed_code_word")
# what never changes; naming it would have SQLite write its indexes again
_BORN = ("id", "reference", "contact_id", "opened_at")
_KEPT = (*(name for name in _COLUMNS if name not in _BORN), *_SEALED, "state", "due_at")
# what `opened` needs
READ = tuple(case.c[name] for name in (*_COLUMNS, *_SEALED, "contact_id", "state"))
# the same, so that a row whose `state` is no JSON can still be told from the others
READ_AS_TEXT = (*READ[:-1], sa.cast(case.c.state, sa.Text).label("state"))

_mine = (
    case.c.id == sa.bindparam("known_id", None),
    case.c.version == sa.bindparam("known_version", None),
)
_ADD = CompiledStatement(sa.insert(case), (*_BORN, *_KEPT, "closed_at", "erase_at"))
_KEEP = CompiledStatement(sa.update(case).where(*_mine), _KEPT)
_END = CompiledStatement(sa.update(case).where(*_mine), (*_KEPT, "closed_at", "erase_at"))
_FULL = sa.select(area_state.c.area).where(
    area_state.c.full_until > sa.bindparam("now", type_=area_state.c.full_until.type)
)


class Unreadable(Exception):
    """A case whose `state` cannot be read: it can be shown (`shown`), and nobody may change it.
    Says which, never what."""


class Stale(Exception):
    """Somebody else wrote the case first; nothing was written."""


def is_conflict(problem: Exception) -> bool:
    """Did a write fail because of another write at the same time? Then the work is run once more,
    under the lock."""
    if isinstance(problem, (Stale, sa.exc.IntegrityError)):
        return True
    # deadlock, serialization
    return isinstance(problem, sa.exc.DBAPIError) and getattr(problem.orig, "sqlstate", "") in (
        "40P01",
        "40001",
    )


def by_id(conn: sa.Connection, sealer: Sealer, case_id: str, lock: bool = False) -> Case | None:
    """One case; `lock` holds its row until the transaction ends (PostgreSQL; on SQLite the writers
    queue anyway). Raises Unreadable."""
    query = sa.select(*READ_AS_TEXT).where(case.c.id == case_id)
    found = conn.execute(query.with_for_update() if lock else query).first()
    if found is None:
        return None
    try:
        return opened(_parsed(found), sealer)
    except (TypeError, ValueError, LookupError, AttributeError) as problem:
        unopened(f"case.state.{case_id}", problem)
        raise Unreadable(case_id) from None


def shown(conn: sa.Connection, sealer: Sealer, case_id: str) -> Case | None:
    """One case, to be shown and not changed: of one that cannot be read, what the columns tell."""
    found = conn.execute(sa.select(*READ_AS_TEXT).where(case.c.id == case_id)).first()
    return None if found is None else as_shown(found, sealer)


def _parsed(found: sa.Row[Any]) -> Mapping[str, Any]:
    state = json.loads(found.state)
    if not isinstance(state, dict):
        raise TypeError("no object")
    return found._asdict() | {"state": state}


def by_reference(conn: sa.Connection, sealer: Sealer, reference: str) -> Case | None:
    found = conn.execute(sa.select(*READ).where(case.c.reference == reference)).first()
    return None if found is None else opened(found._asdict(), sealer)


class LastClosed(NamedTuple):
    """A contact's latest ended case: its id, and the keys of the last answer to a text of
    theirs."""

    id: str = ""
    answered_with: tuple[str, ...] = ()


def last_closed(conn: sa.Connection, contact_id: str) -> LastClosed:
    """Without an id if none has ended. A state that cannot be read tells nothing."""
    query = sa.select(case.c.id, sa.cast(case.c.state, sa.Text).label("state")).where(
        case.c.contact_id == contact_id, case.c.closed_at.is_not(None)
    )
    row = conn.execute(query.order_by(case.c.opened_at.desc()).limit(1)).first()
    if row is None:
        return LastClosed()
    try:
        return LastClosed(row.id, tuple(json.loads(row.state).get("answered_with", ())))
    except (TypeError, ValueError, AttributeError):
        return LastClosed(row.id)


def opened_since(conn: sa.Connection, contact_id: str, since: datetime) -> int:
    """How many cases of this contact began since."""
    query = (
        sa.select(sa.func.count())
        .select_from(case)
        .where(case.c.contact_id == contact_id, case.c.opened_at >= since)
    )
    return int(conn.execute(query.where(~case.c.test)).scalar_one())


def parked(conn: sa.Connection, sealer: Sealer, contact_id: str) -> list[Case]:
    """The open cases of a contact that wait beside the one that is written to."""
    return _open(conn, sealer, contact_id, case.c.parked)


def of_contact_since(
    conn: sa.Connection, sealer: Sealer, contact_id: str, since: datetime | None
) -> list[Case]:
    """The cases of a contact that were opened since, the open one first, then the newest."""
    query = sa.select(*READ).where(case.c.contact_id == contact_id)
    if since is not None:
        query = query.where(case.c.opened_at >= since - timedelta(seconds=1))
    order = (sa.case((case.c.closed_at.is_(None), 0), else_=1), case.c.id.desc())
    return [opened(found._asdict(), sealer) for found in conn.execute(query.order_by(*order))]


def open_of(conn: sa.Connection, sealer: Sealer, contact_id: str) -> Case | None:
    """The open case of a contact that is written to."""
    return next(iter(_open(conn, sealer, contact_id, ~case.c.parked)), None)


def _open(
    conn: sa.Connection, sealer: Sealer, contact_id: str, which: sa.ColumnElement[bool]
) -> list[Case]:
    query = sa.select(*READ).where(
        case.c.contact_id == contact_id, case.c.closed_at.is_(None), which
    )
    return [opened(found._asdict(), sealer) for found in conn.execute(query)]


def hold_open(conn: sa.Connection, sealer: Sealer, contact_ids: Sequence[str]) -> list[Case]:
    """Every open case of these contacts, oldest first, held until the transaction ends."""
    query = sa.select(*READ).where(case.c.contact_id.in_(contact_ids), case.c.closed_at.is_(None))
    held = conn.execute(query.order_by(case.c.id).with_for_update())
    return [opened(found._asdict(), sealer) for found in held]


def contact_of(conn: sa.Connection, case_id: str) -> str:
    """Whose case it is."""
    query = sa.select(case.c.contact_id).where(case.c.id == case_id)
    return str(conn.execute(query).scalar_one())


def last_opened(conn: sa.Connection, contact_ids: Sequence[str]) -> str | None:
    """Which of these contacts began a case last."""
    query = sa.select(case.c.contact_id).where(case.c.contact_id.in_(contact_ids))
    return conn.execute(query.order_by(case.c.opened_at.desc()).limit(1)).scalar()


_IN_DANGER = (case.c.closed_at.is_(None), case.c.level.in_(("R1", "R2")), ~case.c.test)
_HOLDER = case.c.state["holder"].as_string()
_ACCEPTED_BY = case.c.state["accepted_by"].as_string()
_WAITS = (Mark.FIRST_PAGED, Mark.ACKNOWLEDGED, Mark.LAPSED)  # what Case.page_waits looks at
_WAITING = sa.select(
    case.c.status,
    case.c.level,
    _HOLDER.label("holder"),
    *(case.c.state[("marks", mark.value)].as_string().label(mark.value) for mark in _WAITS),
).where(
    *_IN_DANGER,
    case.c.state[("marks", Mark.FIRST_PAGED.value)].as_string().is_not(None),
)


def waiting_since(conn: sa.Connection) -> list[datetime]:
    """Since when each open danger waits that nobody has taken, oldest first. Of each case only what
    tells it is read: it is asked at every first text, however many dangers are open."""
    waiting = []
    for row in conn.execute(_WAITING):
        told = {mark: getattr(row, mark.value) for mark in _WAITS}
        marks: dict[str, datetime] = {
            mark: datetime.fromisoformat(at) for mark, at in told.items() if at
        }
        status, level = Status(row.status), Level[row.level]
        one = Case("", "", "", "", status, level=level, holder=row.holder or "", marks=marks)
        if one.page_waits:
            waiting.append(marks[Mark.FIRST_PAGED])
    return sorted(waiting)


def full_hands(conn: sa.Connection, most: int, but: str) -> frozenset[str]:
    """Who has at least `most` open dangers, beside the one called `but`."""
    query = sa.select(
        _HOLDER.label("holder"), _ACCEPTED_BY.label("accepted_by"), sa.func.count().label("many")
    ).where(*_IN_DANGER, case.c.id != but)
    counts: Counter[str] = Counter()
    for row in conn.execute(query.group_by(sa.literal_column("1"), sa.literal_column("2"))):
        for name in {row.holder, row.accepted_by} - {None, ""}:
            counts[name] += row.many
    return frozenset(name for name, many in counts.items() if many >= most)


def handed_off(
    conn: sa.Connection,
    sealer: Sealer,
    limit: int,
    after: str = "",
    open_only: bool = True,
    test: bool = False,
    destination: str | None = None,
) -> list[Case]:
    """Cases that were handed off, oldest first, from behind the id `after`: residents' alone, or
    test cases alone. `destination`: only those that it was told of."""
    kind = case.c.test if test else ~case.c.test
    handed = sa.select(hand_off.c.case_id)
    if destination is not None:
        handed = sa.select(delivery.c.case_id).where(delivery.c.destination == destination)
    query = sa.select(*READ_AS_TEXT).where(case.c.id > after, kind, case.c.id.in_(handed))
    if open_only:
        query = query.where(case.c.closed_at.is_(None))
    return [
        as_shown(found, sealer) for found in conn.execute(query.order_by(case.c.id).limit(limit))
    ]


def as_shown(row: sa.Row[Any], sealer: Sealer) -> Case:
    """A case to be shown: one that cannot be read hides neither the others nor itself."""
    try:
        return opened(_parsed(row), sealer)
    except Exception as problem:
        unopened(f"case.state.{row.id}", problem)
    found = row._asdict()
    status = found["status"] if found["status"] in set(Status) else Status.OPEN
    return Case(
        found["id"],
        found["reference"],
        found["contact_id"],
        found["language"],
        Status(status),
        level=Level.__members__.get(found["level"] or ""),
        review=True,
        area=found["area"],
        revision=1,
        unopened={"state": b""},
    )


def open_tests(conn: sa.Connection) -> Sequence[str]:
    """Ids of test cases that have not ended, whichever number they came from."""
    return list(
        conn.execute(sa.select(case.c.id).where(case.c.test, case.c.closed_at.is_(None))).scalars()
    )


def open_ids(conn: sa.Connection) -> Sequence[str]:
    return list(conn.execute(sa.select(case.c.id).where(case.c.closed_at.is_(None))).scalars())


def due(conn: sa.Connection, now: datetime, limit: int) -> Sequence[str]:
    """Ids of cases in which some clock rings, the longest overdue first."""
    query = sa.select(case.c.id).where(case.c.due_at.is_not(None), case.c.due_at <= now)
    return list(conn.execute(query.order_by(case.c.due_at).limit(limit)).scalars())


def to_erase(conn: sa.Connection, now: datetime, limit: int) -> Sequence[str]:
    """Ids of ended cases of which something is to be erased, the longest overdue first."""
    query = sa.select(case.c.id).where(case.c.erase_at <= now)
    return list(conn.execute(query.order_by(case.c.erase_at).limit(limit)).scalars())


def erase_later(conn: sa.Connection, case_id: str, now: datetime, until: datetime | None) -> None:
    """What is still due is looked at again then; None: there is nothing more."""
    due = (case.c.id == case_id, case.c.erase_at <= now)
    conn.execute(sa.update(case).where(*due).values(erase_at=until))


def row(
    told: Case, sealer: Sealer, due_at: datetime | None, erase_at: datetime | None = None
) -> dict[str, Any]:
    """What is written of a case, its private words sealed: made before the write lock is taken."""
    plain = to_plain(told)
    narrative, remarks, recent, *place, code_word, closed_parts = (
        plain.pop(name) for name in _PRIVATE
    )
    columns = {name: plain.pop(name) for name in _COLUMNS}
    contact = plain.pop("contact")
    words: list[Any] = [narrative, remarks, recent]
    if (closed_words := closed_parts.get("narrative")) is not None and any(words):
        words.append(base64.b64encode(closed_words).decode())  # inside the new ones, as they were
    closed_code = closed_parts.get("code_word")
    new_code = code_word and (closed_code is None or code_word != _unknown(closed_code))
    sealed = {
        "sealed_narrative": sealer.seal(json.dumps(words), f"case.narrative.{told.id}")
        if any(words)
        else closed_words,
        "sealed_place": sealer.seal(json.dumps(place), f"case.place.{told.id}")
        if any(place)
        else closed_parts.get("place"),
        "sealed_code_word": sealer.seal(code_word, f"case.code_word.{told.id}")
        if new_code
        else closed_code,
    }
    closed = told.marks.get(told.status.value) if told.ended else None
    born = {"contact_id": contact, "opened_at": told.marks[Mark.OPENED], "closed_at": closed}
    return columns | sealed | born | {"state": plain, "due_at": due_at, "erase_at": erase_at}


def add(conn: sa.Connection, new: Mapping[str, Any]) -> None:
    """Write the `row` of a new case. A second open one of the same contact is an IntegrityError."""
    _ADD.run(conn, new)


def keep(conn: sa.Connection, changed: Mapping[str, Any]) -> None:
    """Write the `row` of a case if nobody wrote it since it was read: its version is one more than
    the one in the table."""
    statement = _KEEP if changed["closed_at"] is None else _END
    if (
        statement.run(
            conn, {**changed, "known_id": changed["id"], "known_version": changed["version"] - 1}
        )
        != 1
    ):
        raise Stale


def give_to(conn: sa.Connection, case_id: str, contact_id: str) -> None:
    """The case is this contact's from now on: their number was confirmed. A second open one of the
    same contact is an IntegrityError."""
    conn.execute(sa.update(case).where(case.c.id == case_id).values(contact_id=contact_id))


def postpone(conn: sa.Connection, case_id: str, until: datetime) -> None:
    """Look at a case again later; nothing else about it changes."""
    conn.execute(
        sa.update(case).where(case.c.id == case_id, case.c.due_at < until).values(due_at=until)
    )


def full_areas(conn: sa.Connection, now: datetime) -> frozenset[str]:
    return frozenset(conn.execute(_FULL, {"now": now}).scalars())


def set_full(conn: sa.Connection, area: str, until: datetime | None) -> None:
    """No team has room in an area until then; None: there is room again."""
    conn.execute(sa.delete(area_state).where(area_state.c.area == area))
    if until is not None:
        conn.execute(sa.insert(area_state).values(area=area, full_until=until))


def opened(found: Mapping[str, Any], sealer: Sealer) -> Case:
    """The case of a row, its private words opened. What does not open is left out and kept as it
    is in `unopened`: the request goes on, and a human looks."""
    case_id = found["id"]
    plain = (
        dict(found["state"])
        | {name: found[name] for name in _COLUMNS}
        | {"contact": found["contact_id"]}
    )
    closed: dict[str, bytes] = {}
    if (sealed := found["sealed_narrative"]) is not None:
        words, left = _words(sealer, sealed, case_id)
        plain["narrative"], plain["remarks"], plain["recent"] = words
        closed |= {"narrative": left} if left is not None else {}
    if (sealed := found["sealed_place"]) is not None:
        place = sealer.try_open(sealed, f"case.place.{case_id}")
        if place is None:
            closed["place"] = sealed
        else:
            # an older release kept the first two
            plain |= dict(zip(_PLACE, json.loads(place), strict=False))
    if (sealed := found["sealed_code_word"]) is not None:
        code = sealer.try_open(sealed, f"case.code_word.{case_id}")
        if code is None:
            closed["code_word"] = sealed
        plain["code_word"] = _unknown(sealed) if code is None else code
    return from_plain(plain | ({"unopened": closed} if closed else {}))


def _words(sealer: Sealer, sealed: bytes, case_id: str) -> tuple[list[list[Any]], bytes | None]:
    """The narrative, remarks and recent texts that were sealed together, and what of them does not
    open."""
    told = sealer.try_open(sealed, f"case.narrative.{case_id}")
    if told is None:
        return [[], [], []], sealed
    read = json.loads(told)
    words = [read[0], read[1], read[2] if len(read) > 2 else []]  # an older release kept no third
    if len(read) <= 3:
        return words, None
    earlier, left = _words(sealer, base64.b64decode(read[3]), case_id)
    return [before + after for before, after in zip(earlier, words, strict=True)], left


def resealed_words(
    sealer: Sealer, sealed: bytes, case_id: str
) -> tuple[bytes | None, bytes | None]:
    """The words under the newest key, None where they are; and what of them does not open."""
    words, left = _words(sealer, sealed, case_id)
    if left == sealed:
        return None, left
    whole = json.loads(sealer.open(sealed, f"case.narrative.{case_id}"))
    if sealer.is_current(sealed) and (len(whole) <= 3 or left is not None):
        return None, left
    told = [*words, *([base64.b64encode(left).decode()] if left is not None else [])]
    return sealer.seal(json.dumps(told), f"case.narrative.{case_id}"), left


def _unknown(sealed: bytes) -> str:
    """In place of a code word that does not open: there is one, and nobody can say it."""
    return hashlib.sha256(sealed).hexdigest()
