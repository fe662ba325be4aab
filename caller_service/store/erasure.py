"""Erasure of what somebody wrote and of their number: sealed values are replaced, rows stay.

Ids, provider ids, hashes, states and times do not change, so a webhook that is repeated is still
recognised, and lists and history still add up. The provider's copy of a text is erased afterwards,
by a job (casework/outbound/redact_text.py). Backups, and destinations that received a packet, are
out of our reach (docs/privacy.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from caller_service.core import hand_off as packets
from caller_service.core.case import Case
from caller_service.core.marks import Mark
from caller_service.core.outbound import UNSENT
from caller_service.core.program import Program

from . import contacts, hand_offs, journal
from .sealing import Sealer
from .tables import call, callback, case, contact, hand_off, leg, message, staff_case, visit

MOST = 50  # texts without a request in one sweep
# still to be sent: until then its words are needed
_WAITS = sa.or_(message.c.state.in_(UNSENT), message.c.next_at.is_not(None))
# with the provider, under an id of its own
_AT_PROVIDER = (
    message.c.provider == "twilio",
    sa.or_(message.c.provider_id.like("SM%"), message.c.provider_id.like("MM%")),
)


def under_way(conn: sa.Connection, case_id: str) -> bool:
    """Is a text of this case still to be sent? Until it is, its words are needed."""
    unsent = sa.select(message.c.id).where(message.c.case_id == case_id, _WAITS)
    return conn.execute(unsent.limit(1)).first() is not None


def words(
    conn: sa.Connection, sealer: Sealer, ended: Case, program: Program, now: datetime
) -> None:
    """Erase all words of a case outside its own row, also those of staff: pages that quote the
    resident, and drafts."""
    texts = sa.select(message.c.id).where(message.c.case_id == ended.id)
    erase_texts(conn, sealer, conn.execute(texts).scalars().all(), now)
    _packets(conn, sealer, ended, program, packets.without_words)
    for table, columns in (
        (visit, ("sealed_state",)),
        (staff_case, ("sealed_draft", "draft_at")),
        (leg, ("sealed_state",)),
        (callback, ("sealed_name",)),
    ):
        gone = dict.fromkeys(columns)
        conn.execute(sa.update(table).where(table.c.case_id == ended.id).values(gone))


def without_request(conn: sa.Connection, before: datetime) -> Sequence[str]:
    """Ids of texts that belong to no request, as of a withheld number, and came `before` then."""
    old = (message.c.case_id.is_(None), message.c.erased_at.is_(None), message.c.at < before)
    query = sa.select(message.c.id).where(*old, ~_WAITS).limit(MOST)
    return conn.execute(query).scalars().all()


def erase_texts(
    conn: sa.Connection, sealer: Sealer, message_ids: Sequence[str], now: datetime
) -> None:
    """Erase the words of these texts, here and at the provider."""
    for message_id in message_ids:
        empty = sealer.seal("", f"message.words.{message_id}")
        mine = sa.update(message).where(message.c.id == message_id)
        conn.execute(mine.values(sealed_words=empty, erased_at=now))
        conn.execute(mine.where(*_AT_PROVIDER).values(redact_at=now))


def _packets(
    conn: sa.Connection,
    sealer: Sealer,
    ended: Case,
    program: Program,
    without: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    query = sa.select(hand_off.c.revision, hand_off.c.sealed_packet)
    for row in conn.execute(query.where(hand_off.c.case_id == ended.id)).all():
        where = hand_offs.sealed_for(ended.id, row.revision)
        opened = sealer.try_open(row.sealed_packet, where)
        # a packet that does not open is replaced, too, by what is known without it
        packet = (
            packets.packet(ended, program) | {"revision": row.revision}
            if opened is None
            else json.loads(opened)
        )
        hand_offs.replace_packet(conn, sealer, ended.id, row.revision, without(packet))


def number(
    conn: sa.Connection, sealer: Sealer, ended: Case, program: Program, now: datetime
) -> None:
    """Erase the number that a case came from: in its packets and calls, and in its contact. The
    contact keeps it if a newer request of theirs needs it, or if they stopped us, which has to be
    remembered."""
    _packets(conn, sealer, ended, program, packets.without_number)
    mine = (message.c.case_id == ended.id, *_AT_PROVIDER)
    conn.execute(sa.update(message).where(*mine).values(redact_at=now))
    calls = sa.select(call.c.id).where(call.c.case_id == ended.id, call.c.person.is_(None))
    for call_id in conn.execute(calls).scalars().all():
        blank = {"number_index": sealer.index(call_id), "index_key": sealer.index_key}
        conn.execute(sa.update(call).where(call.c.id == call_id).values(blank))
    # locks the contact: of a number's last two requests, erased at once, the second sees the first
    conn.execute(sa.select(contact.c.id).where(contact.c.id == ended.contact).with_for_update())
    others = sa.select(case.c.id).where(
        case.c.contact_id == ended.contact,
        case.c.id != ended.id,
        sa.or_(case.c.closed_at.is_(None), sa.and_(case.c.erase_at.is_not(None), _numbered), _held),
    )
    stopped = sa.select(contact.c.id).where(
        contact.c.id == ended.contact, contact.c.stopped_at.is_not(None)
    )
    if conn.execute(sa.union_all(others, stopped).limit(1)).first() is None:
        contacts.forget_number(conn, sealer, ended.contact)


def answers(conn: sa.Connection, sealer: Sealer, ended: Case, program: Program) -> None:
    """Erase what was answered, and what was concluded from it, outside the case's own row: in its
    packets, in the names of the texts that were sent, and in the journal's details."""
    revisions = sa.select(hand_off.c.revision).where(hand_off.c.case_id == ended.id)
    for revision in conn.execute(revisions).scalars().all():
        left = packets.packet(ended, program) | {"revision": revision}
        hand_offs.replace_packet(conn, sealer, ended.id, revision, left)
    conn.execute(sa.update(message).where(message.c.case_id == ended.id).values(keys=""))
    journal.keep_lasting(conn, ended.id)


class Copy(NamedTuple):
    """A text whose copy at the provider is to be erased. `whole`: with the numbers in it; `due`:
    since when, as it stands in the row."""

    provider_id: str
    whole: bool
    due: datetime


def copy_of(conn: sa.Connection, message_id: str) -> Copy | None:
    """What is to be erased of this text at the provider; None: nothing (any more)."""
    query = (
        sa.select(message.c.provider_id, (~_numbered).label("whole"), message.c.redact_at)
        .select_from(message.outerjoin(case, case.c.id == message.c.case_id))
        .where(message.c.id == message_id, message.c.redact_at.is_not(None))
    )
    row = conn.execute(query).first()
    return None if row is None else Copy(row.provider_id, bool(row.whole), row.redact_at)


def to_redact(conn: sa.Connection, now: datetime, limit: int) -> list[tuple[str, datetime]]:
    """Texts whose copy is to be erased now: their ids and since when, the oldest first."""
    query = sa.select(message.c.id, message.c.redact_at).where(message.c.redact_at <= now)
    ordered = query.order_by(message.c.redact_at).limit(limit)
    return [(row.id, row.redact_at) for row in conn.execute(ordered)]


def redact_next(
    conn: sa.Connection, message_id: str, seen: datetime, until: datetime | None
) -> bool:
    """The provider is next asked then; None: it has no copy any more. False if the row is not as
    it was `seen`: its number was erased meanwhile, or another job has it."""
    waits = sa.update(message).where(message.c.id == message_id, message.c.redact_at == seen)
    return conn.execute(waits.values(redact_at=until)).rowcount == 1


_numbered = case.c.state["marks"][Mark.NUMBER_ERASED.value].as_string().is_(None)
_held = sa.func.coalesce(case.c.state["legal_hold"].as_string(), "") != ""
