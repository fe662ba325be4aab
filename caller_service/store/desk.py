"""What the dispatchers' desk reads: the open cases, who was asked to take them, and what a member
of staff has read and drafted (docs/console.md)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from caller_service.core.case import Case
from caller_service.core.marks import Mark

from . import cases
from .sealing import Sealer
from .tables import call, case, contact, delivery, journal, message, page, staff_case

_OPEN = (case.c.closed_at.is_(None), ~case.c.test)


def version_tag(conn: sa.Connection) -> str:
    """Changes whenever an open case changes, and whenever one is opened or ends. One query that
    loads no case."""
    version = sa.cast(case.c.version, sa.BigInteger)
    found = conn.execute(
        sa.select(
            sa.func.count(),
            sa.func.sum(version),
            sa.func.sum(version * version),
            sa.func.max(case.c.opened_at),
        )
        .select_from(case)
        .where(*_OPEN)
    ).one()
    return _tag(found)


MOST_ASKED = 500  # ids in one query


class OpenCases:
    """A cache of the open cases, by id. For a case that has not changed only its version is read,
    because a queue of hundreds is polled every few seconds. A case that has ended is dropped at the
    next read."""

    def __init__(self) -> None:
        self._known: Mapping[str, tuple[int, Case]] = {}

    def __repr__(self) -> str:
        return f"OpenCases({len(self._known)})"

    def read(self, conn: sa.Connection, sealer: Sealer) -> list[Case]:
        """Every open case of a resident, also those that can be read only in part."""
        versions = conn.execute(sa.select(case.c.id, case.c.version).where(*_OPEN)).all()
        return self._read(conn, sealer, versions)

    def read_asked(
        self, conn: sa.Connection, sealer: Sealer, name: str
    ) -> tuple[list[Case], Mapping[str, datetime]]:
        """The same, and when `name` was last asked about each. One query if no case has changed
        since the last read."""
        mine = (page.c.case_id == case.c.id, page.c.person == name, ~page.c.held)
        last = sa.select(sa.func.max(page.c.at)).where(*mine).scalar_subquery()
        query = sa.select(case.c.id, case.c.version, last.label("asked_at")).where(*_OPEN)
        versions = conn.execute(query).all()
        asked_at = {row.id: row.asked_at for row in versions if row.asked_at is not None}
        return self._read(conn, sealer, versions), asked_at

    def _read(self, conn: sa.Connection, sealer: Sealer, versions: Sequence[Any]) -> list[Case]:
        before = self._known
        known = {row.id: before[row.id] for row in versions if _same(before.get(row.id), row)}
        new = [row.id for row in versions if row.id not in known]
        for start in range(0, len(new), MOST_ASKED):
            some = case.c.id.in_(new[start : start + MOST_ASKED])
            for row in conn.execute(sa.select(*cases.READ_AS_TEXT).where(some)):
                known[row.id] = (row.version, cases.as_shown(row, sealer))
        self._known = known  # replaced as a whole: another thread sees the old cache or the new one
        return [one for _, one in known.values()]


def _same(known: tuple[int, Case] | None, row: Any) -> bool:
    return known is not None and known[0] == row.version


class Asked(NamedTuple):
    """Somebody was asked to take a case."""

    name: str
    at: datetime


def asked(conn: sa.Connection) -> Mapping[str, Sequence[Asked]]:
    """Who was asked about each open case, each person once, in the order in which they were last
    asked."""
    query = (
        sa.select(page.c.case_id, page.c.person, sa.func.max(page.c.at).label("last"))
        .join(case, case.c.id == page.c.case_id)
        .where(*_OPEN, ~page.c.held)
        .group_by(page.c.case_id, page.c.person)
        .order_by(sa.literal_column("last"))
    )
    found: dict[str, list[Asked]] = defaultdict(list)
    for row in conn.execute(query):
        found[row.case_id].append(Asked(row.person, row.last))
    return found


def unread(conn: sa.Connection, person_id: str) -> Mapping[str, int]:
    """How many messages of each open case arrived since this person last read it; all of them if
    they never did."""
    mine = (staff_case.c.case_id == case.c.id) & (staff_case.c.person_id == person_id)
    since = sa.or_(staff_case.c.read_at.is_(None), message.c.at > staff_case.c.read_at)
    query = (
        sa.select(message.c.case_id, sa.func.count().label("many"))
        .join(case, case.c.id == message.c.case_id)
        .outerjoin(staff_case, mine)
        .where(*_OPEN, message.c.direction == "in", message.c.person.is_(None), since)
        .group_by(message.c.case_id)
    )
    return {row.case_id: row.many for row in conn.execute(query)}


def of_number(conn: sa.Connection, sealer: Sealer, number: str) -> list[tuple[str, str]]:
    """Ids and references of the cases of a number, newest first."""
    query = (
        sa.select(case.c.id, case.c.reference)
        .join(contact, contact.c.id == case.c.contact_id)
        .where(contact.c.number_index.in_(sealer.indexes(number)), ~case.c.test)
        .order_by(case.c.id.desc())
        .limit(50)
    )
    return [(row.id, row.reference) for row in conn.execute(query)]


def of_contact(conn: sa.Connection, case_id: str) -> list[tuple[str, str, str]]:
    """Id, reference and status of the same contact's other cases, newest first."""
    whose = sa.select(case.c.contact_id).where(case.c.id == case_id).scalar_subquery()
    query = sa.select(case.c.id, case.c.reference, case.c.status).where(
        case.c.contact_id == whose, case.c.id != case_id
    )
    rows = conn.execute(query.order_by(case.c.id.desc()).limit(20))
    return [(row.id, row.reference, row.status) for row in rows]


def named(conn: sa.Connection, names: Sequence[str]) -> list[tuple[str, str, str]]:
    """Id, reference and status of these cases. An older release named a linked case by its
    reference."""
    if not names:
        return []
    query = sa.select(case.c.id, case.c.reference, case.c.status).where(
        sa.or_(case.c.id.in_(names), case.c.reference.in_(names)), ~case.c.test
    )
    rows = conn.execute(query.order_by(case.c.id.desc()))
    return [(row.id, row.reference, row.status) for row in rows]


def id_of(conn: sa.Connection, reference: str) -> str:
    """The id of the case with this reference; "" if there is none."""
    found = conn.execute(sa.select(case.c.id).where(case.c.reference == reference)).scalar()
    return found or ""


def reference_of(conn: sa.Connection, case_id: str) -> str:
    """The reference of a case; "" if there is none."""
    found = conn.execute(sa.select(case.c.reference).where(case.c.id == case_id)).scalar()
    return found or ""


# ---- what one person has read and drafted --------------------------------------------------------
class Mine(NamedTuple):
    """When somebody last read a case, and their draft."""

    read_at: datetime | None
    draft: str
    draft_at: datetime | None


def mine(conn: sa.Connection, sealer: Sealer, person_id: str, case_id: str) -> Mine:
    row = conn.execute(sa.select(staff_case).where(*_of(person_id, case_id))).first()
    if row is None:
        return Mine(None, "", None)
    sealed = row.sealed_draft
    words = sealer.try_open(sealed, f"staff_case.draft.{row.id}") if sealed else ""
    return Mine(row.read_at, words or "", row.draft_at)


def _of(person_id: str, case_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (staff_case.c.person_id == person_id, staff_case.c.case_id == case_id)


def read_now(conn: sa.Connection, new_id: str, person_id: str, case_id: str, now: datetime) -> None:
    """Record that this person has now read the case."""
    changed = sa.update(staff_case).where(*_of(person_id, case_id)).values(read_at=now)
    if conn.execute(changed).rowcount == 0:
        row = {"id": new_id, "person_id": person_id, "case_id": case_id, "read_at": now}
        # two of their windows may open it at once
        insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
        conn.execute(insert(staff_case).values(row).on_conflict_do_nothing())


def keep_draft(
    conn: sa.Connection, sealer: Sealer, person_id: str, case_id: str, words: str, now: datetime
) -> bool:
    """Store what somebody has written and not sent; without words, delete the draft. False if they
    never opened the case, or if its words are erased: nothing would erase these."""
    mine = sa.select(staff_case.c.id, sa.cast(case.c.state, sa.Text).label("state")).join(
        case, case.c.id == staff_case.c.case_id
    )
    row = conn.execute(mine.where(*_of(person_id, case_id))).first()
    if row is None or _is_erased(row.state):
        return False
    found = row.id
    sealed = sealer.seal(words, f"staff_case.draft.{found}") if words.strip() else None
    conn.execute(
        sa.update(staff_case)
        .where(staff_case.c.id == found)
        .values(sealed_draft=sealed, draft_at=now if sealed else None)
    )
    return True


def _is_erased(state: str) -> bool:
    """Are the words of a case with this state erased? One that cannot be read is not known to
    be."""
    try:
        return Mark.ERASED.value in json.loads(state)["marks"]
    except (ValueError, TypeError, LookupError):
        return False


# ---- what happened to a case ---------------------------------------------------------------------
class TimelineEntry(NamedTuple):
    """One entry of the timeline; `kind` says which table it is from."""

    id: str
    at: datetime
    kind: str
    who: str
    what: str
    detail: Mapping[str, Any]


def events(conn: sa.Connection, case_id: str) -> list[TimelineEntry]:
    """The journal of a case, the pages and calls about it, and its deliveries, oldest first."""
    found = [
        TimelineEntry(row.id, row.at, "journal", row.who, row.event, row.detail)
        for row in conn.execute(sa.select(journal).where(journal.c.case_id == case_id))
    ]
    pages = sa.select(page).where(page.c.case_id == case_id, ~page.c.held)
    found += [
        TimelineEntry(row.id, row.at, "page", row.person, row.ladder, {})
        for row in conn.execute(pages)
    ]
    rung = sa.select(call).where(call.c.case_id == case_id)
    found += [
        TimelineEntry(row.id, row.at, "call", row.person or "", row.state, {"answer": row.answer})
        for row in conn.execute(rung)
    ]
    # the newest revision of each destination
    ways = sa.select(delivery).where(delivery.c.case_id == case_id).order_by(delivery.c.revision)
    newest = {row.destination: row for row in conn.execute(ways)}
    found += [
        TimelineEntry(row.id, row.received_at or row.at, "delivery", row.destination, row.state, {})
        for row in newest.values()
    ]
    return sorted(found, key=lambda event: (event.at, event.id))


def journal_since(conn: sa.Connection, case_id: str, seen: str) -> list[TimelineEntry]:
    """A case's journal entries after the entry `seen`."""
    query = sa.select(journal).where(journal.c.case_id == case_id, journal.c.id > seen)
    return [
        TimelineEntry(row.id, row.at, "journal", row.who, row.event, row.detail)
        for row in conn.execute(query.order_by(journal.c.id))
    ]


def heard_since(
    conn: sa.Connection, sealer: Sealer, case_id: str, seen: str
) -> list[TimelineEntry]:
    """What the resident wrote after the entry `seen`. While a human leads the conversation no entry
    of the journal says that they did."""
    query = sa.select(message).where(
        message.c.case_id == case_id, message.c.id > seen,
        message.c.direction == "in", message.c.person.is_(None),
    )  # fmt: skip
    return [
        TimelineEntry(row.id, row.at, "text", "", words or "", {})
        for row in conn.execute(query.order_by(message.c.id))
        for words in [sealer.try_open(row.sealed_words, f"message.words.{row.id}")]
    ]


def tag_of_case(conn: sa.Connection, case_id: str) -> str:
    """Changes whenever a case or one of its messages changes. One query."""
    texts = (
        sa.select(
            sa.func.count().label("many"),
            sa.func.max(message.c.id).label("last"),
            sa.func.sum(message.c.rank).label("ranks"),
            sa.func.max(message.c.state_at).label("at"),
        )
        .where(message.c.case_id == case_id)
        .subquery()
    )
    whole = sa.select(case.c.version, texts).select_from(case.join(texts, sa.true()))
    found = conn.execute(whole.where(case.c.id == case_id)).first()
    return _tag(found or ())


def _tag(found: Iterable[object]) -> str:
    return ".".join(str(each or 0).replace(" ", "T") for each in found)
