"""A page that is a destination: what its reader sees, and that opening a hand-off is its receipt.

Nothing is posted to a page. Its deliveries lie unread until somebody opens the hand-off; a newer
revision lies unread again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from caller_service.core.journal_events import Event
from caller_service.documents.printed_hand_off import STAYS, Listed, in_order
from caller_service.store import cases, hand_offs, journal
from caller_service.store.database.transaction import reading, transaction
from caller_service.store.journal import Author

from .parts import Parts
from .read import packet_now


def list_page(parts: Parts, destination: str) -> list[Listed]:
    """The residents' hand-offs a page was told of: the open ones, and for a day those that ended
    after they were read.

    It receives nothing, and is not journaled: it asks again by itself as long as it is open, and
    tells nobody's words.
    """
    with reading(parts.engine) as conn:
        return in_order(hand_offs.on_page(conn, destination, parts.now() - STAYS))


def open_on_page(
    parts: Parts, destination: str, case_id: str, seen: bool
) -> tuple[dict[str, Any], datetime] | None:
    """One hand-off as it stands, and when; None if this page was not told of it. If it is `seen`,
    it is received up to there."""
    with reading(parts.engine) as conn:
        case = cases.for_display(conn, parts.sealer, case_id)
        if case is None or case.test or not hand_offs.was_addressed_to(conn, case_id, destination):
            return None
        packet = packet_now(conn, parts, case)
    now, about = parts.now(), {"destination": destination, "revision": packet["revision"]}
    with transaction(parts.engine) as conn:
        lines = [journal.Entry(parts.new_id(), now, case_id, destination, Event.READ)]
        if seen and hand_offs.read_to(conn, case_id, destination, packet["revision"], now):
            lines.append(
                journal.Entry(parts.new_id(), now, case_id, Author.SYSTEM, Event.DELIVERED, about)
            )
        journal.write(conn, lines)
    return packet, now
