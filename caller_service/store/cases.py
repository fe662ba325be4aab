"""Cases as rows: what queries need is in columns, codes are in `state`, private words are
sealed."""

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
from .tables import area_state, case, delivery, hand_off, page

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
# columns that never change; an UPDATE that names them would make SQLite rewrite their indexes
_FIXED = ("id", "reference", "contact_id", "opened_at")
_UPDATED = (*(name for name in _COLUMNS if name not in _FIXED), *_SEALED, "state", "due_at")
# the columns that `opened` needs
READ = tuple(case.c[name] for name in (*_COLUMNS, *_SEALED, "contact_id", "state"))
# the same with `state` as text, so that one row whose `state` is not JSON does not spoil a query
READ_AS_TEXT = (*READ[:-1], case.c.opened_at, sa.cast(case.c.state, sa.Text).label("state"))

_unchanged = (
    case.c.id == sa.bindparam("known_id", None),
    case.c.version == sa.bindparam("known_version", None),
)
_ADD = CompiledStatement(sa.insert(case), (*_FIXED, *_UPDATED, "closed_at", "erase_at"))
_UPDATE = CompiledStatement(sa.update(case).where(*_unchanged), _UPDATED)
_UPDATE_ENDED = CompiledStatement(
    sa.update(case).where(*_unchanged), (*_UPDATED, "closed_at", "erase_at")
)
_FULL = sa.select(area_state.c.area).where(
    area_state.c.full_until > sa.bindparam("now", type_=area_state.c.full_until.type)
)


class Unreadable(Exception):
    """A case whose `state` cannot be read: it can be shown (`shown`) but not changed. The message
    names the case, never its contents."""


class Stale(Exception):
    """Another writer was first; nothing was written."""


def is_conflict(problem: Exception) -> bool:
    """Did a write fail because of a concurrent one? Then the work is run again, under the lock."""
    if isinstance(problem, (Stale, sa.exc.IntegrityError)):
        return True
    # deadlock, serialization failure
    return isinstance(problem, sa.exc.DBAPIError) and getattr(problem.orig, "sqlstate", "") in (
        "40P01",
        "40001",
    )


def by_id(conn: sa.Connection, sealer: Sealer, case_id: str, lock: bool = False) -> Case | None:
    """One case; `lock` locks its row until the transaction ends (PostgreSQL; on SQLite writers
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


def for_display(conn: sa.Connection, sealer: Sealer, case_id: str) -> Case | None:
    """One case, to be shown and not changed. Of a case whose state cannot be read, what is in the
    columns."""
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
    """A contact's latest ended case: its id, the message keys of the last reply to a text of
    theirs, and when it ended."""

    id: str = ""
    answered_with: tuple[str, ...] = ()
    closed_at: datetime | None = None


def last_closed(conn: sa.Connection, contact_id: str) -> LastClosed:
    """Without an id if none has ended. Only with its id if its state cannot be read."""
    query = sa.select(
        case.c.id, case.c.closed_at, sa.cast(case.c.state, sa.Text).label("state")
    ).where(case.c.contact_id == contact_id, case.c.closed_at.is_not(None))
    row = conn.execute(query.order_by(case.c.opened_at.desc()).limit(1)).first()
    if row is None:
        return LastClosed()
    try:
        keys = tuple(json.loads(row.state).get("answered_with", ()))
    except (TypeError, ValueError, AttributeError):
        return LastClosed(row.id)
    return LastClosed(row.id, keys, row.closed_at)


def danger_ended(conn: sa.Connection, contact_id: str, since: datetime) -> bool:
    """Has a case of this contact ended since then that was a danger, or had been one until a human
    lowered it?"""
    lowered = case.c.state[("marks", Mark.LOWERED.value)].as_string().is_not(None)
    ended = (case.c.closed_at >= since, sa.or_(_DANGER, lowered))
    query = sa.select(case.c.id).where(case.c.contact_id == contact_id, *ended, ~case.c.test)
    return conn.execute(query.limit(1)).first() is not None


def opened_since(conn: sa.Connection, contact_id: str, since: datetime) -> int:
    """How many cases of this contact were opened since."""
    query = (
        sa.select(sa.func.count())
        .select_from(case)
        .where(case.c.contact_id == contact_id, case.c.opened_at >= since)
    )
    return int(conn.execute(query.where(~case.c.test)).scalar_one())


def parked(conn: sa.Connection, sealer: Sealer, contact_id: str) -> list[Case]:
    """The open cases of a contact that are parked beside the current one."""
    return _open(conn, sealer, contact_id, case.c.parked)


def of_contact_since(
    conn: sa.Connection, sealer: Sealer, contact_id: str, since: datetime | None
) -> list[Case]:
    """The cases of a contact opened since, the open one first, then newest first."""
    query = sa.select(*READ).where(case.c.contact_id == contact_id)
    if since is not None:
        query = query.where(case.c.opened_at >= since - timedelta(seconds=1))
    order = (sa.case((case.c.closed_at.is_(None), 0), else_=1), case.c.id.desc())
    return [opened(found._asdict(), sealer) for found in conn.execute(query.order_by(*order))]


def open_of(conn: sa.Connection, sealer: Sealer, contact_id: str) -> Case | None:
    """The current open case of a contact, to which their texts go."""
    return next(iter(_open(conn, sealer, contact_id, ~case.c.parked)), None)


def all_open(conn: sa.Connection, sealer: Sealer, contact_id: str) -> list[Case]:
    """The open cases of a contact, with those that are parked."""
    return _open(conn, sealer, contact_id, sa.true())


def _open(
    conn: sa.Connection, sealer: Sealer, contact_id: str, which: sa.ColumnElement[bool]
) -> list[Case]:
    query = sa.select(*READ).where(
        case.c.contact_id == contact_id, case.c.closed_at.is_(None), which
    )
    return [opened(found._asdict(), sealer) for found in conn.execute(query)]


def hold_open(conn: sa.Connection, sealer: Sealer, contact_ids: Sequence[str]) -> list[Case]:
    """Every open case of these contacts, oldest first, locked until the transaction ends."""
    query = sa.select(*READ).where(case.c.contact_id.in_(contact_ids), case.c.closed_at.is_(None))
    held = conn.execute(query.order_by(case.c.id).with_for_update())
    return [opened(found._asdict(), sealer) for found in held]


def contact_of(conn: sa.Connection, case_id: str) -> str:
    """The id of the contact whose case it is."""
    query = sa.select(case.c.contact_id).where(case.c.id == case_id)
    return str(conn.execute(query).scalar_one())


def last_opened(conn: sa.Connection, contact_ids: Sequence[str]) -> str | None:
    """The one of these contacts that opened a case last."""
    query = sa.select(case.c.contact_id).where(case.c.contact_id.in_(contact_ids))
    return conn.execute(query.order_by(case.c.opened_at.desc()).limit(1)).scalar()


_DANGER = case.c.level.in_(("R1", "R2"))
_IN_DANGER = (case.c.closed_at.is_(None), _DANGER, ~case.c.test)
_HOLDER = case.c.state["holder"].as_string()
_ACCEPTED_BY = case.c.state["accepted_by"].as_string()
_WAITS = (Mark.FIRST_PAGED, Mark.ACKNOWLEDGED, Mark.LAPSED)  # what Case.page_waits reads
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
    """Since when each open danger that nobody has taken has been waiting, oldest first. Reads only
    the marks it needs: it runs at every first text, however many dangers are open."""
    waiting = []
    for row in conn.execute(_WAITING):
        known = {mark: getattr(row, mark.value) for mark in _WAITS}
        marks: dict[str, datetime] = {
            mark: datetime.fromisoformat(at) for mark, at in known.items() if at
        }
        status, level = Status(row.status), Level[row.level]
        one = Case("", "", "", "", status, level=level, holder=row.holder or "", marks=marks)
        if one.page_waits:
            waiting.append(marks[Mark.FIRST_PAGED])
    return sorted(waiting)


def of_person(conn: sa.Connection, name: str) -> tuple[str, ...]:
    """References of the open cases that this person has; of those they were paged for and nobody
    has, if they have none. Oldest first."""
    theirs = sa.select(case.c.reference).where(
        case.c.closed_at.is_(None), ~case.c.test, sa.or_(_HOLDER == name, _ACCEPTED_BY == name)
    )
    paged = sa.select(page.c.case_id).where(page.c.person == name, ~page.c.held)
    asked = sa.select(case.c.reference).where(
        case.c.closed_at.is_(None),
        case.c.id.in_(paged),
        sa.func.coalesce(_HOLDER, "") == "",
        sa.func.coalesce(_ACCEPTED_BY, "") == "",
    )
    order = (case.c.opened_at, case.c.id)
    has = tuple(conn.execute(theirs.order_by(*order)).scalars())
    return has or tuple(conn.execute(asked.order_by(*order)).scalars())


def full_hands(conn: sa.Connection, most: int, but: str) -> frozenset[str]:
    """Everybody who has at least `most` open dangers, apart from `but`."""
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
    """Cases that were handed off, oldest first, after the id `after`: those of residents alone, or
    test cases alone. `destination`: only those that were sent to it."""
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
    """A case to be shown. One that cannot be read neither fails a list nor drops out of it."""
    try:
        known = opened(_parsed(row), sealer)
        missing = {Mark.OPENED, Mark.HEARD} - known.marks.keys()  # lists sort by them
        return known.marked(row.opened_at, *missing) if missing else known
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
        marks=dict.fromkeys((Mark.OPENED, Mark.HEARD), found["opened_at"]),
        revision=1,
        unopened={"state": b""},
    )


def open_tests(conn: sa.Connection) -> Sequence[str]:
    """Ids of the test cases that have not ended, from any number."""
    return list(
        conn.execute(sa.select(case.c.id).where(case.c.test, case.c.closed_at.is_(None))).scalars()
    )


def open_ids(conn: sa.Connection) -> Sequence[str]:
    return list(conn.execute(sa.select(case.c.id).where(case.c.closed_at.is_(None))).scalars())


def due(conn: sa.Connection, now: datetime, limit: int) -> Sequence[str]:
    """Ids of cases with a clock that is due, the longest overdue first."""
    query = sa.select(case.c.id).where(case.c.due_at.is_not(None), case.c.due_at <= now)
    return list(conn.execute(query.order_by(case.c.due_at).limit(limit)).scalars())


def to_erase(conn: sa.Connection, now: datetime, limit: int) -> Sequence[str]:
    """Ids of ended cases with something to erase, the longest overdue first."""
    query = sa.select(case.c.id).where(case.c.erase_at <= now)
    return list(conn.execute(query.order_by(case.c.erase_at).limit(limit)).scalars())


def erase_later(conn: sa.Connection, case_id: str, now: datetime, until: datetime | None) -> None:
    """Set when this case is next due for erasure; None: there is nothing more to erase."""
    due = (case.c.id == case_id, case.c.erase_at <= now)
    conn.execute(sa.update(case).where(*due).values(erase_at=until))


def row(
    known: Case, sealer: Sealer, due_at: datetime | None, erase_at: datetime | None = None
) -> dict[str, Any]:
    """A case as the values of its row, private words sealed. Built before the write lock is
    taken."""
    plain = to_plain(known)
    narrative, remarks, recent, *place, code_word, closed_parts = (
        plain.pop(name) for name in _PRIVATE
    )
    columns = {name: plain.pop(name) for name in _COLUMNS}
    contact = plain.pop("contact")
    words: list[Any] = [narrative, remarks, recent]
    if (closed_words := closed_parts.get("narrative")) is not None and any(words):
        words.append(base64.b64encode(closed_words).decode())  # ciphertext that did not open
    closed_code = closed_parts.get("code_word")
    new_code = code_word and (closed_code is None or code_word != _unknown(closed_code))
    sealed = {
        "sealed_narrative": sealer.seal(json.dumps(words), f"case.narrative.{known.id}")
        if any(words)
        else closed_words,
        "sealed_place": sealer.seal(json.dumps(place), f"case.place.{known.id}")
        if any(place)
        else closed_parts.get("place"),
        "sealed_code_word": sealer.seal(code_word, f"case.code_word.{known.id}")
        if new_code
        else closed_code,
    }
    closed = known.marks.get(known.status.value) if known.ended else None
    fixed = {"contact_id": contact, "opened_at": known.marks[Mark.OPENED], "closed_at": closed}
    return columns | sealed | fixed | {"state": plain, "due_at": due_at, "erase_at": erase_at}


def add(conn: sa.Connection, new: Mapping[str, Any]) -> None:
    """Insert the `row` of a new case. Raises IntegrityError if the contact already has an open
    one."""
    _ADD.run(conn, new)


def keep(conn: sa.Connection, changed: Mapping[str, Any]) -> None:
    """Update the `row` of a case if nobody has written it since it was read: its version is one
    more than the one in the table. Raises Stale."""
    statement = _UPDATE if changed["closed_at"] is None else _UPDATE_ENDED
    if (
        statement.run(
            conn, {**changed, "known_id": changed["id"], "known_version": changed["version"] - 1}
        )
        != 1
    ):
        raise Stale


def give_to(conn: sa.Connection, case_id: str, contact_id: str) -> None:
    """Move the case to this contact: their number was confirmed. Raises IntegrityError if the
    contact already has an open one."""
    conn.execute(sa.update(case).where(case.c.id == case_id).values(contact_id=contact_id))


def postpone(conn: sa.Connection, case_id: str, until: datetime) -> None:
    """Move when a case is due; nothing else about it changes."""
    conn.execute(
        sa.update(case).where(case.c.id == case_id, case.c.due_at < until).values(due_at=until)
    )


def full_areas(conn: sa.Connection, now: datetime) -> frozenset[str]:
    return frozenset(conn.execute(_FULL, {"now": now}).scalars())


def set_full(conn: sa.Connection, area: str, until: datetime | None) -> None:
    """Mark an area as full until then; None: its teams have room again."""
    conn.execute(sa.delete(area_state).where(area_state.c.area == area))
    if until is not None:
        conn.execute(sa.insert(area_state).values(area=area, full_until=until))


def opened(found: Mapping[str, Any], sealer: Sealer) -> Case:
    """The case of a row, its private words decrypted. What does not open is left out, and its
    ciphertext is kept in `unopened`: the request goes on, and a human looks."""
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
            # an older release stored only the first two
            plain |= dict(zip(_PLACE, json.loads(place), strict=False))
    if (sealed := found["sealed_code_word"]) is not None:
        code = sealer.try_open(sealed, f"case.code_word.{case_id}")
        if code is None:
            closed["code_word"] = sealed
        plain["code_word"] = _unknown(sealed) if code is None else code
    return from_plain(plain | ({"unopened": closed} if closed else {}))


def _words(sealer: Sealer, sealed: bytes, case_id: str) -> tuple[list[list[Any]], bytes | None]:
    """The narrative, remarks and recent texts that were sealed together, and the part that does not
    open."""
    opened_words = sealer.try_open(sealed, f"case.narrative.{case_id}")
    if opened_words is None:
        return [[], [], []], sealed
    read = json.loads(opened_words)
    words = [read[0], read[1], read[2] if len(read) > 2 else []]  # an older release stored no third
    if len(read) <= 3:
        return words, None
    earlier, left = _words(sealer, base64.b64decode(read[3]), case_id)
    return [before + after for before, after in zip(earlier, words, strict=True)], left


def resealed_words(
    sealer: Sealer, sealed: bytes, case_id: str
) -> tuple[bytes | None, bytes | None]:
    """The words sealed under the newest key, or None if they already are; and the part that does
    not open."""
    words, left = _words(sealer, sealed, case_id)
    if left == sealed:
        return None, left
    whole = json.loads(sealer.open(sealed, f"case.narrative.{case_id}"))
    if sealer.is_current(sealed) and (len(whole) <= 3 or left is not None):
        return None, left
    parts = [*words, *([base64.b64encode(left).decode()] if left is not None else [])]
    return sealer.seal(json.dumps(parts), f"case.narrative.{case_id}"), left


def _unknown(sealed: bytes) -> str:
    """Stands in for a code word that does not open: there is one, but no answer can match it."""
    return hashlib.sha256(sealed).hexdigest()
