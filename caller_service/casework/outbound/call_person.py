"""One call out: is it still wanted, one try, one transaction. Creating a call is not idempotent, so
a try whose end is unknown is looked up before it is made again. Once made, it is looked after until
it has ended.

Nobody is rung whose phone rings for us already: that call waits until the phone is free
(store/calls.py).
"""

from __future__ import annotations

import contextlib
import logging
from datetime import datetime, timedelta

import sqlalchemy as sa

from caller_service.casework.change import (
    StateChanged,
    change,
    page_unanswered,
    retry_on_change,
)
from caller_service.casework.parts import Parts
from caller_service.core.call_911 import Joined, psap_over
from caller_service.core.case import Case
from caller_service.core.dispatch import answered_since, update_call_failed
from caller_service.core.journal_events import Event
from caller_service.core.outbound import CallbackState, CallState
from caller_service.core.phone_waiting import psap_line, staff_gone
from caller_service.core.program import INTERPRETER
from caller_service.core.safe_contact import calls_wanted, may_call_update
from caller_service.gateway.telephony import OutcomeUnknown, RetryLater, Ring, TelephonyError
from caller_service.jobs.queue import queue_to
from caller_service.store import callbacks, calls, cases, contacts, journal, legs
from caller_service.store.callbacks import Callback
from caller_service.store.calls import Call
from caller_service.store.claim import CLAIM, LOOKING, SETTLE
from caller_service.store.database.transaction import lock_for_write, reading, transaction
from caller_service.store.journal import Author

from .retry import next_try, state_after

log = logging.getLogger(__name__)
# seconds: shorter than most voicemails wait, and than the ladder waits for its next rung
RINGS = 25
LASTS = 180  # seconds a call with news may last
TALKS = 4 * 3600  # a call that may join two people: as long as the provider allows
# seconds before each further try; then it is dead, and the ladder has climbed
PAUSES = (1, 2, 5, 10, 30, 60)
SKEW = timedelta(seconds=5)  # the provider's clock and ours
BUSY = timedelta(seconds=5)  # until we look again whether a phone is free
# a call that is under way and says nothing for so long is asked after
CHECK = timedelta(seconds=45)
ALONE = timedelta(seconds=3)  # the end of a room brings them back sooner by itself
LOST = timedelta(minutes=15)  # nobody can say what became of it: the phone counts as free again


def call_person(parts: Parts, call_id: str, job: str = "") -> None:
    """Make a waiting call, end one that is over, or ask what became of one."""
    retry_on_change(lambda: _call(parts, call_id, job))


def _call(parts: Parts, call_id: str, job: str) -> None:
    with reading(parts.engine) as conn:
        call = calls.by_id(conn, call_id)
        case = cases.by_id(conn, parts.sealer, call.case_id) if call else None
    if call is None or case is None or call.rank >= calls.ENDED:
        return
    if call.waits:
        _make(parts, call, case, job)
    else:
        _look_after(parts, call)


# ---- made ----------------------------------------------------------------------------------------


def _make(parts: Parts, call: Call, case: Case, job: str) -> None:
    number, ours = _number(parts, call, case)
    why = _unwanted(parts, call, case, number)
    if why and call.state == CallState.WAITING:
        _drop(parts, call, why)
        return
    try:
        with transaction(parts.engine) as conn:
            lock_for_write(conn)
            now, newest = parts.now(), cases.by_id(conn, parts.sealer, call.case_id)
            if newest is not None and not why and _unwanted(parts, call, newest, number):
                raise StateChanged  # while we waited to write it became unsafe, or needless
            if call.state == CallState.WAITING and (
                turn := calls.turn(conn, call.id, now, parts.calls_a_second)
            ):
                calls.later(conn, call.id, turn, calls.PACE, CallState.WAITING)
                return
            fresh = calls.claim(conn, parts.sealer, number, call.id, job, now, CLAIM, SETTLE)
    except sa.exc.IntegrityError:  # their phone rings for us already
        # under one key, that call wakes ours when it ends
        with contextlib.suppress(sa.exc.IntegrityError), transaction(parts.engine) as conn:
            calls.renew(conn, parts.sealer, number)
        with transaction(parts.engine) as conn:
            calls.later(conn, call.id, parts.now() + BUSY, "on a call", CallState.WAITING)
        return
    if fresh is None:
        return
    try:
        sid = None if fresh else _already_made(parts, call, number)
        if sid is None and why:
            _drop(parts, call, why)
            return
        if sid is None and parts.now() - now > LOOKING:
            raise RetryLater("looked too long")
        sid = sid or parts.telephony.call(number, _ring(parts, call, case), ours)
        with transaction(parts.engine) as conn:
            calls.made(conn, call.id, sid, parts.now(), parts.now() + CHECK)
    except TelephonyError as problem:
        _failed(parts, call, problem, job, fresh)
    except sa.exc.IntegrityError:  # another call was quicker to call that SID its own
        _failed(parts, call, OutcomeUnknown("another's"), job, fresh)


def _number(parts: Parts, call: Call, case: Case) -> tuple[str, str]:
    """Whom it rings, and the number of ours it comes from: a resident is rung from the one they
    wrote to, staff from the first.

    A resident's number is kept sealed with their contact. Staff's stay in the program file; the row
    holds the name."""
    numbers = parts.program.numbers
    if call.person == INTERPRETER:
        return numbers.interpreter, numbers.sender("")
    if call.person is None:
        with reading(parts.engine) as conn:
            contact = contacts.by_id(conn, parts.sealer, case.contact)
        return contact.number, numbers.sender(contact.our_number)
    rungs = (rung.number for rung in parts.program.ladder if rung.name == call.person)
    return next((number for number in rungs if number), ""), numbers.sender("")


def _unwanted(parts: Parts, call: Call, case: Case, number: str) -> str:
    """Why it is not made after all; "" if it is."""
    if call.person == INTERPRETER:
        wanted = case.on_line and not case.ended and not call.over
        return "" if wanted and number and parts.telephony.can_call else "ended"
    if case.psap_call == call.id:
        line = psap_line(case, parts.program) and number and parts.telephony.can_call
        return "ended" if case.ended or call.over else "" if line else "no number"
    promised = _callback(parts, call)
    if promised is not None:
        if promised.state != CallbackState.RINGING or case.ended:
            return "ended"
        return "" if number and parts.telephony.can_call and calls_wanted(case) else "no number"
    if call.person is None:  # the safe-contact gate once more, on today's truth
        return (
            "ended"
            if case.ended
            else "told"
            if not case.not_told
            else "no number"
            if not number  # it does not open: a human is told
            else ""
            if may_call_update(case, parts.program)
            else "the safe-contact gate"
        )
    theirs = case.on_line and call.person == case.accepted_by  # the caller waits for them
    if answered_since(case, call.at) and not (theirs and not case.ended):
        return "ended" if case.ended else "taken"
    return "" if number and parts.telephony.can_call else "no number"


def _asks_to_take(parts: Parts, call: Call) -> bool:
    """Is somebody of the ladder asked to take the case? No promised call, and no call to a PSAP."""
    if call.person in (None, INTERPRETER) or _callback(parts, call) is not None:
        return False
    return not _joins_psap(parts, call)


def _joins_psap(parts: Parts, call: Call) -> bool:
    if call.person is None or call.page_id is not None:
        return False
    with reading(parts.engine) as conn:
        case = cases.by_id(conn, parts.sealer, call.case_id)
    return case is not None and case.psap_call == call.id


def _psap_over(parts: Parts, call: Call) -> None:
    """Whoever was to be joined to the PSAP is gone."""
    if _joins_psap(parts, call):
        by, how = call.person or "", Joined.ENDED if call.answer else Joined.NOT_TAKEN
        change(parts, call.case_id, lambda case, _: psap_over(case, by, call.id, how), by)


def _callback(parts: Parts, call: Call) -> Callback | None:
    """The promised call that this one is made for."""
    with reading(parts.engine) as conn:
        return callbacks.by_call(conn, parts.sealer, call.id)


def _ring(parts: Parts, call: Call, case: Case) -> Ring:
    promised = call.person is None and _callback(parts, call) is not None
    door = "voice/callback" if promised else "page/call" if call.person else "update/call"
    to_the_beep = call.person is None and voicemail_allowed(case)
    return Ring(
        f"{parts.public_url}/twilio/{door}?id={call.id}",
        receipts_url(parts, call.id),
        RINGS,
        TALKS if call.person or promised else LASTS,
        to_the_beep,
        # whoever rings it back never hears the program's name
        parts.program.numbers.callback if promised else "",
    )


def voicemail_allowed(case: Case) -> bool:
    """Asked, and answered yes: a neutral voicemail may be left with the resident."""
    return case.answers.get("voicemail") == "yes"


def receipts_url(parts: Parts, call_id: str) -> str:
    """Where the provider reports how far a call has come. The id is ours and says nothing."""
    return f"{parts.public_url}/twilio/receipts/call?id={call_id}"


def _already_made(parts: Parts, call: Call, number: str) -> str | None:
    """The SID of a try whose end is unknown: one to that number, made since, that no other call
    has."""
    sids = parts.telephony.find_calls(number, (call.tried_at or call.at) - SKEW)
    with reading(parts.engine) as conn:
        taken = calls.taken(conn, call.id, sids)
    return next((sid for sid in sids if sid not in taken), None)


def _drop(parts: Parts, call: Call, why: str) -> None:
    _end(parts, call, CallState.DROPPED, why)


def _failed(parts: Parts, call: Call, problem: TelephonyError, job: str, fresh: bool) -> None:
    tries = call.tries + 1
    log.warning("call not made", extra={"call_id": call.id, "tries": tries, "fault": problem.code})
    state, again = state_after(CallState, problem, fresh), next_try(PAUSES, tries, parts.now())
    if state != CallState.DEAD and again is not None:
        with transaction(parts.engine) as conn:
            calls.later(conn, call.id, again, problem.code, state, job)
            if state == CallState.WAITING:
                _wake_next(conn, parts, call)
        return
    # a page that cannot arrive: the next person at once (rule 4)
    if _asks_to_take(parts, call):
        page_unanswered(parts, call.case_id, call.person or "")
    _end(parts, call, CallState.DEAD, problem.code)


def _end(parts: Parts, call: Call, state: CallState, why: str) -> None:
    """It comes to nothing, and the journal says so; the ladder climbs by its own clock."""
    _told_nobody(parts, call)
    _psap_over(parts, call)
    with transaction(parts.engine) as conn:
        if calls.end(conn, call.id, state, why):
            detail = {"person": call.person or "", "why": why}
            journal.write(
                conn,
                [
                    journal.Entry(
                        parts.new_id(),
                        parts.now(),
                        call.case_id,
                        Author.SYSTEM,
                        Event.CALL_DEAD if state == CallState.DEAD else Event.CALL_DROPPED,
                        detail,
                    )
                ],
            )
            callbacks.look_at(conn, call.id, parts.now())
            _wake_next(conn, parts, call)


def _told_nobody(parts: Parts, call: Call) -> None:
    """A call to a resident that ends without the news being heard is told to humans: first, so that
    a crash in between tells it again and not never."""
    if call.person is None and not call.answer and _callback(parts, call) is None:
        change(
            parts, call.case_id, lambda case, scene: update_call_failed(case, scene), Author.SYSTEM
        )


def _wake_next(conn: sa.Connection, parts: Parts, call: Call) -> None:
    """The phone is free: the next call that waits for it."""
    following = calls.next_waiting(conn, call.id)
    if following is not None and following != call.id:
        parts.jobs.enqueue(
            conn,
            "call_person",
            f"call:{following}:after:{call.id}:{call.tries}",
            following,
            queue_to(call.person),
        )


# ---- under way -----------------------------------------------------------------------------------


def _look_after(parts: Parts, call: Call) -> None:
    """End what is over and still rings; ask after what has been silent. Its receipt is what ends it
    for us."""
    if call.provider_id is None:
        if _lost(call, parts.now()):
            _end(parts, call, CallState.DEAD, "lost")
        return
    try:
        if call.over and (call.rank < calls.ANSWERED or call.person == INTERPRETER):
            parts.telephony.hang_up(call.provider_id)
        state = parts.telephony.call_state(call.provider_id)
    except TelephonyError as problem:
        log.warning("call cannot be reached", extra={"call_id": call.id, "fault": problem.code})
        if _lost(call, parts.now()) or not isinstance(problem, (RetryLater, OutcomeUnknown)):
            _end(parts, call, CallState.DEAD, problem.code)
            return
        with transaction(parts.engine) as conn:
            calls.later(conn, call.id, parts.now() + BUSY, problem.code)
        return
    if state in calls.RANKS:
        note_receipt(parts, call.id, CallState(state), call.provider_id)
    with transaction(parts.engine) as conn:
        calls.later(conn, call.id, parts.now() + CHECK, "")


def _lost(call: Call, now: datetime) -> bool:
    return now - (call.tried_at or call.at) > LOST


def note_receipt(parts: Parts, call_id: str, state: CallState, provider_id: str | None) -> None:
    """Keep how far a call has come. Busy, no answer, a failure: none is an acknowledgement, and the
    ladder goes on."""
    with reading(parts.engine) as conn:
        call = calls.by_id(conn, call_id)
    if call is None or call.rank >= calls.ENDED:
        return
    ends = calls.RANKS[state] >= calls.ENDED
    if ends:
        _told_nobody(parts, call)
        _psap_over(parts, call)
    # a phone that cannot be reached at all: the next person, now (rule 4)
    person = call.person if call.person != INTERPRETER else None  # that is no rung of a ladder
    if state == CallState.FAILED and person is not None and _asks_to_take(parts, call):
        page_unanswered(parts, call.case_id, person)
    if ends and call.person is not None and call.answer == "accepted":
        who = call.person
        change(parts, call.case_id, lambda case, scene: staff_gone(case, who, scene), Author.SYSTEM)
    try:
        with transaction(parts.engine) as conn:
            _noted(conn, parts, call, state, provider_id, ends)
    except sa.exc.IntegrityError:  # another call says that SID is its own
        # or that phone: ours is not made then
        with contextlib.suppress(sa.exc.IntegrityError), transaction(parts.engine) as conn:
            _noted(conn, parts, call, state, None, ends)


def _noted(
    conn: sa.Connection,
    parts: Parts,
    call: Call,
    state: CallState,
    provider_id: str | None,
    ends: bool,
) -> None:
    if calls.receipt(conn, call.id, state, provider_id) and ends:
        leg = legs.live(conn, parts.sealer, call.case_id) if call.answer == "accepted" else None
        if leg is not None:  # whoever had them is gone: are they in a room with nobody?
            legs.look_again(conn, leg.id, parts.now() + ALONE)
        callbacks.look_at(conn, call.id, parts.now())
        _wake_next(conn, parts, call)
