"""Who wrote? Staff on a ladder answer a page; a number that cannot be answered is kept; everybody
else is a resident."""

from __future__ import annotations

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

from caller_service.gateway.telephony import TelephonyError
from caller_service.store import messages
from caller_service.store.database.transaction import reading
from caller_service.store.messages import Text

from .parts import Parts
from .receive import Turn, receive, receive_unknown
from .staff import answer_page, on_the_ladder

log = logging.getLogger(__name__)
IN_FLIGHT = timedelta(seconds=45)  # a webhook may still be on its way: connect, read and one retry
# what is older was answered by somebody, or is too old to answer by a text
LOOK_BACK = timedelta(hours=6)
SENDERS_AT_ONCE = 8  # people whose missed texts are taken in beside each other


_NUMBER = re.compile(r"\+[1-9][\d\s().-]{5,24}")
_CHANNEL = re.compile(r"[a-z][a-z0-9._-]*:", re.IGNORECASE)


def sender(named: str) -> str:
    """The number of whoever the provider names, in E.164; "" for what is withheld, a name, a short
    code, or somebody on another channel ("whatsapp:+1…"). Whether such a number can exist is the
    provider's to know: it is answered."""
    digits = re.sub(r"\D", "", named)
    return f"+{digits}" if _NUMBER.fullmatch(named.strip()) and 7 <= len(digits) <= 15 else ""


def on_another_channel(named: str) -> bool:
    """Did they write by an app ("whatsapp:+1…", "messenger:77")? Its name stands in front; we serve
    texts alone."""
    return _CHANNEL.match(named.strip()) is not None


def handle_inbound(parts: Parts, turn: Turn) -> tuple[Text, ...] | None:
    """Take in a text; the texts that answer it, or None if its sender cannot be answered."""
    if not turn.number:
        receive_unknown(parts, turn)
        return None
    rung = on_the_ladder(parts.program, turn.number)
    return answer_page(parts, turn, rung) if rung else receive(parts, turn)


def fetch_missed_texts(parts: Parts, _reference: str = "", job: str = "") -> int:
    """Fetch the texts that reached the provider while we could not keep them, and answer those
    never heard: several people's at once, each person's in order.

    Their answers go out by REST: the webhook they belonged to has gone. Returns how many were new.
    """
    now = parts.now()
    try:
        listed = {
            one.sid: (one, parts.program.numbers.written_to(one.to, ours.number))
            for ours in parts.program.numbers.ours
            for one in parts.telephony.heard(ours.number, now - LOOK_BACK)
        }
    except TelephonyError as problem:
        log.warning("recent texts cannot be listed", extra={"fault": problem.code})
        return 0
    with reading(parts.engine) as conn:
        known = messages.known(conn, list(listed))
    by_sender: dict[str, list[Turn]] = {}
    for one, ours in sorted(listed.values(), key=lambda each: each[0].at):
        if one.at >= now - IN_FLIGHT or one.sid in known:
            continue
        number, at = sender(one.number), min(one.at, now)
        turn = Turn(one.sid, number, one.words, at, our_number=ours, picture=one.picture, late=True)
        by_sender.setdefault(number or one.sid, []).append(turn)
    if by_sender:
        with ThreadPoolExecutor(SENDERS_AT_ONCE, "catch-up") as pool:
            list(pool.map(partial(_take_late, parts), by_sender.values()))
    return sum(len(turns) for turns in by_sender.values())


def _take_late(parts: Parts, turns: list[Turn]) -> None:
    """The missed texts of one sender, in order."""
    for turn in turns:
        try:
            handle_inbound(parts, turn)
        except Exception as problem:  # the next round looks again: it is still unheard
            log.error("a late text was not taken in", extra={"fault": type(problem).__name__})
