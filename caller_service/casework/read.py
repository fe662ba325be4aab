"""What dispatch may read of a case. Every read by somebody is journaled."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from caller_service.core import hand_off
from caller_service.core.access import Token
from caller_service.core.case import Case
from caller_service.core.journal_events import Event
from caller_service.store import cases, contacts, hand_offs, journal, messages
from caller_service.store.database.transaction import reading, transaction

from .eido import Unsound, issuer, sound_document
from .parts import Parts


def may_see(parts: Parts, token: Token, case_id: str) -> bool:
    """Was this hand-off made, and the token's destination told of it? The console sees all, and it
    alone the test cases."""
    with reading(parts.engine) as conn:
        return hand_offs.seen_by(conn, case_id, None if token.sees_all else token.destination or "")


def list_hand_offs(
    parts: Parts,
    token: Token,
    limit: int,
    after: str = "",
    open_only: bool = True,
    test: bool = False,
) -> list[dict[str, Any]]:
    """The hand-offs that a token sees, as they stand, oldest first, behind the id `after`:
    residents' alone, or test cases alone."""
    told = None if token.sees_all else token.destination or ""
    if test and not token.sees_all:
        return []
    with reading(parts.engine) as conn:
        packets = [
            packet_now(conn, parts, case)
            for case in cases.handed_off(conn, parts.sealer, limit, after, open_only, test, told)
        ]
    if packets:
        # one line a poll: those listed lie between the first and the last, in order
        ids = [packet["hand_off_id"] for packet in packets]
        _journal(parts, token.name, "", Event.LISTED, first=ids[0], last=ids[-1], count=len(ids))
    return packets


def read_hand_off(parts: Parts, case_id: str, who: str) -> dict[str, Any] | None:
    """One hand-off as it stands; None if the case was never handed off."""
    with reading(parts.engine) as conn:
        case = cases.for_display(conn, parts.sealer, case_id)
        packet = packet_now(conn, parts, case) if case is not None and case.revision else None
    if packet is not None:
        _journal(parts, who, case_id, Event.READ)
    return packet


def read_eido(parts: Parts, case_id: str, token: Token) -> dict[str, Any] | None:
    """One hand-off as it stands, as an EIDO; None if the case was never handed off, or is a test.
    Raises Unsound for what must not be sent."""
    with reading(parts.engine) as conn:
        case = cases.for_display(conn, parts.sealer, case_id)
        if (
            case is None
            or case.test
            or (revised := hand_offs.revised_at(conn, case_id, case.revision)) is None
        ):
            return None
        if "state" in case.unopened:  # nobody would see in the document what is missing
            raise Unsound(("state",))
        packet = packet_now(conn, parts, case)
    told = sound_document(packet, issuer(parts, token.destination or ""), revised)
    _journal(parts, token.name, case_id, Event.READ_EIDO)
    return told


def conversation(parts: Parts, case_id: str, who: str) -> list[dict[str, Any]] | None:
    """What the resident and we said to each other, oldest first."""
    with reading(parts.engine) as conn:
        case = cases.for_display(conn, parts.sealer, case_id)
        if case is None or not case.revision:
            return None
        told = messages.of_case(conn, parts.sealer, case_id)
    _journal(parts, who, case_id, Event.READ_CONVERSATION)
    return [
        {
            "id": text.id,
            "from": "resident" if text.direction == "in" else "program",
            "at": text.at.isoformat(),
            "words": text.words if text.opened else None,
            "keys": text.keys.split(),
            "language": text.language,
            "state": text.state,
        }
        for text in told
    ]


def packet_now(conn: sa.Connection, parts: Parts, case: Case) -> dict[str, Any]:
    """The packet of a case as it stands."""
    return hand_off.packet(
        case, parts.program, contacts.by_id(conn, parts.sealer, case.contact).number
    )


def _journal(parts: Parts, who: str, case_id: str, event: Event, **detail: object) -> None:
    entry = journal.Entry(parts.new_id(), parts.now(), case_id, who, event, detail)
    with transaction(parts.engine) as conn:
        journal.write(conn, [entry])
