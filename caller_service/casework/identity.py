"""One number, one contact: what a rotation of index keys has split is joined again.

The oldest contact is kept. What is stricter wins (a stop, a slowing), and no request is lost: of
two open ones the more urgent goes on with the phone, the other is parked beside it, each names the
other, and a human is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from caller_service.core.case import Case
from caller_service.core.journal_events import Event
from caller_service.core.marks import Mark
from caller_service.core.parking import link
from caller_service.store import cases, contacts, journal
from caller_service.store.contacts import Contact
from caller_service.store.journal import Author

from .carry_out import Decision, prepare, save
from .parts import Parts


def join_contacts(conn: sa.Connection, parts: Parts, number: str, also: Sequence[str] = ()) -> int:
    """Leave one contact of a number, under the newest keys, in the transaction of `conn`; how many
    others there were.

    `also`: ids of contacts that no key finds any more, whose sealed number is this one.
    """
    rows = contacts.held(conn, parts.sealer, number, also)
    if not rows:  # joined meanwhile
        return 0
    kept, others = rows[0], [row.id for row in rows[1:]]
    if not others:
        contacts.renew(conn, parts.sealer, kept.id, number)
        return 0
    ids = [row.id for row in rows]
    stops = [row for row in rows if row.stopped_at]
    stop = min(stops, key=lambda row: row.stopped_at, default=None)
    front = _linked(conn, parts, number, ids, stop is not None)
    now = parts.now()
    note, until = contacts.care_of(parts.sealer, rows, now)
    last = cases.last_opened(conn, ids)
    latest = next((row for row in rows if row.id == last), kept)
    contacts.join(
        conn,
        parts.sealer,
        number,
        kept.id,
        others,
        language=latest.language,
        our_number=latest.our_number,
        stopped_at=stop.stopped_at if stop else None,
        stopped_because=stop.stopped_because if stop else None,
        slowed_until=max((row.slowed_until for row in rows if row.slowed_until), default=None),
    )
    contacts.set_care_note(conn, parts.sealer, kept.id, note, until)
    about = {"contact": kept.id, "joined": others}
    journal.write(
        conn,
        [journal.Entry(parts.new_id(), now, front, Author.SYSTEM, Event.CONTACTS_JOINED, about)],
    )
    return len(others)


def _linked(
    conn: sa.Connection, parts: Parts, number: str, ids: Sequence[str], stopped: bool
) -> str:
    """Link the open cases of these contacts; the id of the one that goes on with the phone, ""
    where none is open."""
    every = cases.hold_open(conn, parts.sealer, ids)
    speaking = sorted((each for each in every if not each.parked), key=_urgency, reverse=True)
    for case in every:
        others = [each.id for each in speaking if each.id != case.id and case in speaking]
        scene = parts.scene(conn).for_case(case)
        step = link(case, others[0] if others else "", scene, case in speaking[1:], stopped)
        if step.case != case:
            about = Contact(case.contact, case.language, number)
            save(conn, parts, prepare(parts, Decision(about, case, step, scene, Author.SYSTEM)))
    return speaking[0].id if speaking else ""


def _urgency(case: Case) -> tuple[int, bool, bool, bool, datetime]:
    """Which of two requests goes on with the phone: the more urgent, the one that a human speaks
    in, the one that somebody has, the one that was begun, the latest."""
    heard = case.marks.get(Mark.HEARD, datetime.min.replace(tzinfo=UTC))
    return int(case.level or 0), case.held, case.human_has_it, bool(case.answers), heard
