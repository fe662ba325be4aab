"""One text out: the gate once more, one call, one transaction. Creating a text is not idempotent,
so a try whose end is unknown is looked up before it is made again."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import sqlalchemy as sa

from caller_service.casework.change import (
    StateChanged,
    change,
    page_unanswered,
    retry_on_change,
    update_case,
)
from caller_service.casework.parts import Parts
from caller_service.core.case import Case, Step
from caller_service.core.dispatch import (
    alert_lost,
    text_arrived,
    text_held,
    text_lost,
)
from caller_service.core.holding import heard_after_all, never_heard, words_taken
from caller_service.core.marks import Mark
from caller_service.core.outbound import UNSENT, TextState
from caller_service.core.reach import CannotText
from caller_service.core.routing import Scene
from caller_service.core.safe_contact import (
    HUMAN_WORDS,
    by_phone,
    calls_wanted,
    may_note,
    may_note_by_phone,
    on_page,
)
from caller_service.gateway.telephony import (
    ContactStopped,
    NumberCannotReceive,
    OutcomeUnknown,
    RetryLater,
    TelephonyError,
)
from caller_service.store import callbacks, cases, contacts, messages
from caller_service.store.claim import CLAIM, LOOKING, SETTLE
from caller_service.store.database.transaction import lock_for_write, reading, transaction
from caller_service.store.journal import Author
from caller_service.store.messages import Text

from .retry import next_try, state_after

log = logging.getLogger(__name__)
PAUSES = (1, 2, 5, 10, 30, 60, 120, 300, 600)  # seconds before each further try; then it is dead


def send_text(parts: Parts, message_id: str, job: str = "") -> None:
    """Send a waiting text, or note why it cannot be sent."""
    retry_on_change(lambda: _send(parts, message_id, job))


def _send(parts: Parts, message_id: str, job: str) -> None:
    with reading(parts.engine) as conn:
        text = messages.by_id(conn, parts.sealer, message_id)
        number, ours = _number(conn, parts, text) if text else ("", "")
        allowed = text is not None and _allowed(conn, parts, text)
        behind = text is not None and messages.earlier_waiting(conn, text, parts.now())
        overtaken = text is not None and _overtaken(conn, parts, text)
    if text is None or text.state not in UNSENT or behind:
        return
    if overtaken:
        _give_up(parts, text, "no longer true", TextState.OVERTAKEN)
    elif not allowed:
        _held(parts, text)
    elif not text.opened or number is None:
        _cannot_open(parts, text, job)
    elif not number:  # they stopped texts with the carrier, and their case may not know
        undelivered(parts, text, ContactStopped("no number"))
        _give_up(parts, text, "no number", TextState.HELD)
    else:
        _try(parts, text, number, ours, job)


def _overtaken(conn: sa.Connection, parts: Parts, text: Text) -> bool:
    """Does a newer update say more, or is the call that this text promises off or over?"""
    if text.keys.startswith("callback.booked"):
        case = cases.by_id(conn, parts.sealer, text.case_id or "")
        promised = callbacks.of_case(conn, parts.sealer, text.case_id or "")
        wanted = case is not None and not case.ended and calls_wanted(case)
        return not wanted or all(each.state not in callbacks.LIVE for each in promised)
    is_update = text.tries > 0 and text.keys.startswith("status.")
    return is_update and messages.newer_update(conn, text)


def _cannot_open(parts: Parts, text: Text, job: str) -> None:
    """Its words or its number do not open: tried again, for a key that is missing may come back;
    then it counts as not delivered, and a human is told."""

    def begin(conn: sa.Connection) -> bool | None:
        lock_for_write(conn)
        return messages.claim(conn, text.id, job, parts.now(), CLAIM, SETTLE)

    if (fresh := parts.writer.write(begin)) is not None:
        _failed(parts, text, RetryLater("cannot_open"), job, fresh)


def _give_up(parts: Parts, text: Text, why: str, state: TextState) -> None:
    with transaction(parts.engine) as conn:
        messages.dead(conn, text.id, why, state=state)
        _wake_next(conn, parts, text, text.tries)


def _held(parts: Parts, text: Text) -> None:
    """The safe-contact gate does not let it out. That they miss it is kept with the same write."""

    def held(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        if _allowed(conn, parts, text):
            raise StateChanged  # it may go out after all
        return text_held(case, tuple(text.keys.split()), scene)

    def dead(conn: sa.Connection) -> None:
        lock_for_write(conn)
        if _allowed(conn, parts, text):
            raise StateChanged
        messages.dead(conn, text.id, "the safe-contact gate", state=_not_texted(conn, parts, text))
        _wake_next(conn, parts, text, text.tries)

    if text.case_id is None:
        _give_up(parts, text, "the safe-contact gate", TextState.HELD)
        return
    update_case(parts, text.case_id, held, Author.SYSTEM, also=dead)


def _not_texted(conn: sa.Connection, parts: Parts, text: Text) -> TextState:
    """What the gate keeps from their phone may still wait on their private page."""
    case = cases.by_id(conn, parts.sealer, text.case_id) if text.case_id else None
    keys = text.keys.split()
    shown = case is not None and (
        may_note(case, text.at) if keys == ["note"] else all(on_page(case, key) for key in keys)
    )
    return TextState.ON_PAGE if shown and case is not None and case.on_web else TextState.HELD


def _try(parts: Parts, text: Text, number: str, ours: str, job: str) -> None:
    begun = parts.writer.write(lambda conn: _begin(conn, parts, text, job))
    if begun is None:
        return
    now, fresh = begun
    try:
        sid = None if fresh else _already_sent(parts, text, number)
        if sid is None and parts.now() - now > LOOKING:
            raise RetryLater("looked too long")
        sid = sid or parts.telephony.text(number, text.words, receipts_url(parts, text.id), ours)
        _sent(parts, text, sid)
    except TelephonyError as problem:
        _failed(parts, text, problem, job, fresh)
    except (
        sa.exc.IntegrityError
    ):  # another page with the same words was quicker to call that SID its own
        _failed(parts, text, OutcomeUnknown("another's"), job, fresh)


def _begin(conn: sa.Connection, parts: Parts, text: Text, job: str) -> tuple[datetime, bool] | None:
    """Begin a try: when, and whether it is the first; None if it is another's. Changed if it became
    unsafe while we waited to write."""
    lock_for_write(conn)
    if not (_allowed(conn, parts, text) and _number(conn, parts, text)[0]):
        raise StateChanged
    now = parts.now()
    fresh = messages.claim(conn, text.id, job, now, CLAIM, SETTLE)
    return None if fresh is None else (now, fresh)


def _sent(parts: Parts, text: Text, sid: str) -> None:
    def write(conn: sa.Connection) -> None:
        messages.sent(conn, text.id, sid)
        _wake_next(conn, parts, text, text.tries + 1)

    parts.writer.write(write)
    # a human has joined
    if text.case_id and text.person is None and HUMAN_WORDS & set(text.keys.split()):
        change(
            parts,
            text.case_id,
            lambda case, scene: words_taken(case, scene, text.at),
            Author.SYSTEM,
        )


def _already_sent(parts: Parts, text: Text, number: str) -> str | None:
    """The SID of a try whose end is unknown. Two pages of one case say the same: a SID another text
    has is not this one's."""
    sids = parts.telephony.find(number, text.words, text.at - timedelta(seconds=1))
    with reading(parts.engine) as conn:
        taken = messages.taken(conn, text.id, sids)
    return next((sid for sid in sids if sid not in taken), None)


def _wake_next(conn: sa.Connection, parts: Parts, text: Text, tries: int) -> None:
    """After so many tries, the next text to this resident need not wait for it any more."""
    following = messages.next_waiting(conn, text)
    if following is not None:
        parts.jobs.enqueue(
            conn, "send_text", f"send:{following}:after:{text.id}:{tries}", following
        )


def receipts_url(parts: Parts, message_id: str) -> str:
    """Where the provider reports how far a text has come. The id is ours and says nothing."""
    return f"{parts.public_url}/twilio/receipts/message?id={message_id}"


def _allowed(conn: sa.Connection, parts: Parts, text: Text) -> bool:
    """The safe-contact gate again, on today's truth: things may have changed since the text was
    written."""
    if text.person is not None:
        return True
    case = cases.by_id(conn, parts.sealer, text.case_id) if text.case_id else None
    # an answer to their own text is no contact of ours, unless they are watched
    if case is None or text.answers is not None:
        return case is not None and not case.watched
    if text.keys == "web.confirm.text":  # they just called this phone safe
        return not case.ended and not case.watched
    if text.keys == "note":
        return may_note_by_phone(case, text.at)
    # it was allowed once, where it was written; what has closed since counts
    if text.keys == "note.neutral":
        return not case.cannot_text and not case.parked and not case.watched and not case.withdrawn
    return all(by_phone(case, key) for key in text.keys.split())


def _number(conn: sa.Connection, parts: Parts, text: Text) -> tuple[str | None, str]:
    """Whom it goes to ("" for nobody, None for a number that does not open), and the number of
    ours it comes from: staff know the first, a resident the one they wrote to."""
    first = parts.program.numbers.sender("")
    if text.person is not None:
        number = next(
            (
                rung.number
                for rung in parts.program.ladder
                if rung.name == text.person and rung.number
            ),
            "",
        )
        stopped = (
            text.answers is None
            and bool(number)
            and contacts.is_stopped(conn, parts.sealer, number)
        )
        return "" if stopped else number, first
    if text.contact_id is None:
        return "", first
    contact = contacts.by_id(conn, parts.sealer, text.contact_id)
    # a human's answer to who stopped in words and wrote again: allowed, or it is not here
    answers = text.keys == "note"
    return (
        "" if contact.stopped and not answers else contact.number or None,
        parts.program.numbers.sender(contact.our_number),
    )


def _failed(parts: Parts, text: Text, problem: TelephonyError, job: str, fresh: bool) -> None:
    """Try again later, or tell of it and give up: told first, so that a crash in between tells it
    again and not never."""
    tries = text.tries + 1
    log.warning(
        "text not sent", extra={"message_id": text.id, "tries": tries, "fault": problem.code}
    )
    state, again = state_after(TextState, problem, fresh), next_try(PAUSES, tries, parts.now())
    if state != TextState.DEAD and again is not None:
        with transaction(parts.engine) as conn:
            messages.later(conn, text.id, state, again, problem.code, job)
            _wake_next(conn, parts, text, tries)
        return
    undelivered(parts, text, problem)
    with transaction(parts.engine) as conn:
        messages.dead(conn, text.id, problem.code)
        _wake_next(conn, parts, text, tries)
        if isinstance(problem, ContactStopped) and text.contact_id:
            contacts.set_stopped(conn, text.contact_id, parts.now(), "carrier")


def _told_of(text: Text) -> str | None:
    """The case on which it matters whether this text arrives: a resident's. Texts to staff have the
    ladder."""
    return text.case_id if text.person is None else None


PAGES = frozenset({"page.text", "page.again", "page.surge"})


def _page_unanswered(parts: Parts, text: Text, name: str) -> None:
    """A page to `name` that cannot arrive, or what whoever has a danger is told of it, asks the
    next person at once, and is an alarm (rule 4)."""
    if text.case_id is None:
        return
    if not PAGES.isdisjoint(text.keys.split()):
        log.error("a page cannot arrive", extra={"message_id": text.id, "case": text.case_id})
        page_unanswered(parts, text.case_id, name)
    elif text.keys.startswith("alert."):
        log.error("an alert cannot arrive", extra={"message_id": text.id, "case": text.case_id})
        change(
            parts, text.case_id, lambda case, scene: alert_lost(case, name, scene), Author.SYSTEM
        )


def undelivered(parts: Parts, text: Text, problem: TelephonyError | None = None) -> None:
    """A text that did not arrive is a safety event on its case; a page that did not asks the next
    person."""
    if text.person is not None:
        return _page_unanswered(parts, text, text.person)
    if (case_id := _told_of(text)) is None:
        return
    why = (
        CannotText.BLOCKED
        if isinstance(problem, ContactStopped)
        else CannotText.LANDLINE
        if isinstance(problem, NumberCannotReceive)
        else CannotText.UNDELIVERED
    )

    def lost(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        arrived = bool(messages.keys_since(conn, case.id, text.at, messages.ARRIVED))
        told = messages.keys_since(conn, case.id, text.at)
        step = text_lost(case, why, text.id, text.at, scene, text.keys.split(), arrived, told)
        if (
            HUMAN_WORDS.isdisjoint(text.keys.split())
            or messages.human_words(conn, case.id, text.id, case.marks.get(Mark.LED))
            # its delivery was reported meanwhile: receipts come in any order
            or messages.state_of(conn, text.id) in messages.ARRIVED
        ):
            return step
        return Step(never_heard(step.case), step.effects)

    update_case(parts, case_id, lost, Author.SYSTEM)
    _reached(parts, case_id)


def _reached(parts: Parts, case_id: str) -> None:
    """Has a text arrived since the latest that was lost? Whoever writes down the one or the other
    looks afterwards, so that of two who do it at once one sees both."""
    _texts_reach(parts, case_id, None)


def _arrived(parts: Parts, text: Text) -> None:
    """A text that arrived ends it that texts do not reach them."""
    if case_id := _told_of(text):
        _texts_reach(parts, case_id, text.at, found=text.state in messages.FAILED)


def _heard_after_all(parts: Parts, case_id: str, text: Text) -> None:
    """A human's words arrived: whoever wrote them has joined, also if they were reported lost."""

    def heard(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        if not case.unheard and Mark.NOTE_LOST not in case.marks:
            return Step(case)
        return heard_after_all(case, text.at, messages.words_lost(conn, case.id), scene)

    update_case(parts, case_id, heard, Author.SYSTEM)


def _texts_reach(parts: Parts, case_id: str, at: datetime | None, found: bool = False) -> None:
    """`at`: when the text was written that arrived; None for the newest that is known to have.
    `found`: it had been reported lost."""

    def reached(case: Case, _: Scene, conn: sa.Connection) -> Step:
        if not case.cannot_text or Mark.LOST not in case.marks:
            return Step(case)
        arrived = at or messages.arrived_at(conn, case.id)
        return (
            text_arrived(
                case, arrived, messages.keys_since(conn, case.id, case.marks[Mark.LOST]), found
            )
            if arrived
            else Step(case)
        )

    update_case(parts, case_id, reached, Author.SYSTEM)


def note_receipt(
    parts: Parts, message_id: str, state: TextState, provider_id: str | None, error: str | None
) -> None:
    """Keep how far a text has come; the failure of one to a resident is told to whoever has the
    case, its arrival ends one.

    That is done first, and may be done twice: the provider does not repeat what it was thanked for.
    """
    with reading(parts.engine) as conn:
        text = messages.by_id(conn, parts.sealer, message_id)
        news = messages.is_news(conn, message_id, state)
    if text is None:
        return
    if news:
        _note(parts, text, state, provider_id, error)
    # also if told again: the first may have been cut off
    if state in messages.ARRIVED and (case_id := _told_of(text)):
        if not HUMAN_WORDS.isdisjoint(text.keys.split()):
            _heard_after_all(parts, case_id, text)
        _reached(parts, case_id)


def _note(
    parts: Parts, text: Text, state: TextState, provider_id: str | None, error: str | None
) -> None:
    if state in messages.ARRIVED:
        _arrived(parts, text)
    if state in messages.FAILED:
        code = int(error) if error and error.isdecimal() else 0
        undelivered(
            parts,
            text,
            ContactStopped(str(code))
            if code == 21610
            else NumberCannotReceive(str(code))
            if code == 30006
            else None,
        )

    def noted(conn: sa.Connection) -> None:
        if (
            messages.receipt(conn, text.id, state, provider_id, error, parts.now())
            and text.state in UNSENT
        ):
            # whoever sent it may have been killed before they could
            _wake_next(conn, parts, text, text.tries)

    try:
        parts.writer.write(noted)
    except (
        sa.exc.IntegrityError
    ):  # another with the same words, looked for in the list, calls that SID its own: it is not
        with transaction(parts.engine) as conn:
            messages.give_back(conn, provider_id or "", parts.now())
            noted(conn)
