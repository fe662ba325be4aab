"""Erasure of what somebody wrote and of their number: sealed values are replaced, rows stay.

Ids, provider ids, hashes, states and times do not change, so a webhook that is repeated is still
recognised, and lists and history still add up. Backups, and destinations that received a packet,
are out of our reach (docs/privacy.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from caller_service.core import hand_off as packets
from caller_service.core.case import Case
from caller_service.core.outbound import UNSENT
from caller_service.core.program import Program

from . import contacts, hand_offs
from .sealing import Sealer
from .tables import call, callback, case, contact, hand_off, leg, message, staff_case, visit


def under_way(conn: sa.Connection, case_id: str) -> bool:
    """Is a text of this case still to be sent? Until it is, its words are needed."""
    waits = sa.or_(message.c.state.in_(UNSENT), message.c.next_at.is_not(None))
    unsent = sa.select(message.c.id).where(message.c.case_id == case_id, waits)
    return conn.execute(unsent.limit(1)).first() is not None


def words(conn: sa.Connection, sealer: Sealer, ended: Case, program: Program) -> None:
    """Erase all words of a case outside its own row, also those of staff: pages that quote the
    resident, and drafts."""
    texts = sa.select(message.c.id).where(message.c.case_id == ended.id)
    for message_id in conn.execute(texts).scalars().all():
        empty = sealer.seal("", f"message.words.{message_id}")
        conn.execute(
            sa.update(message).where(message.c.id == message_id).values(sealed_words=empty)
        )
    _packets(conn, sealer, ended, program, packets.without_words)
    for table, columns in (
        (visit, ("sealed_state",)),
        (staff_case, ("sealed_draft", "draft_at")),
        (leg, ("sealed_state",)),
        (callback, ("sealed_name",)),
    ):
        gone = dict.fromkeys(columns)
        conn.execute(sa.update(table).where(table.c.case_id == ended.id).values(gone))


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


def number(conn: sa.Connection, sealer: Sealer, ended: Case, program: Program) -> None:
    """Erase the number that a case came from: in its packets and calls, and in its contact. The
    contact keeps it if a newer request of theirs needs it, or if they stopped us, which has to be
    remembered."""
    _packets(conn, sealer, ended, program, packets.without_number)
    calls = sa.select(call.c.id).where(call.c.case_id == ended.id, call.c.person.is_(None))
    for call_id in conn.execute(calls).scalars().all():
        blank = {"number_index": sealer.index(call_id), "index_key": sealer.index_key}
        conn.execute(sa.update(call).where(call.c.id == call_id).values(blank))
    # locks the contact: of a number's last two requests, erased at once, the second sees the first
    conn.execute(sa.select(contact.c.id).where(contact.c.id == ended.contact).with_for_update())
    others = sa.select(case.c.id).where(
        case.c.contact_id == ended.contact,
        case.c.id != ended.id,
        sa.or_(case.c.closed_at.is_(None), case.c.erase_at.is_not(None), _held),
    )
    stopped = sa.select(contact.c.id).where(
        contact.c.id == ended.contact, contact.c.stopped_at.is_not(None)
    )
    if conn.execute(sa.union_all(others, stopped).limit(1)).first() is None:
        contacts.forget_number(conn, sealer, ended.contact)


_held = sa.func.coalesce(case.c.state["legal_hold"].as_string(), "") != ""
