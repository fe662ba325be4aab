"""The desk's page of calls: those that were promised, those that no human answered, and who looked
at them (docs/console.md). It rings nobody itself: core/callback.py decides, and the callback's own
machinery rings (callbacks.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from caller_service.core.call_911 import UNDER_WAY, ring_psap, why_no_psap
from caller_service.core.callback import CallbackOutcome, book, ring_now
from caller_service.core.case import Case, Step
from caller_service.core.effect import Record
from caller_service.core.journal_events import Event
from caller_service.core.missed_calls import Missed, missed
from caller_service.core.outbound import CallbackState
from caller_service.core.program import Rung
from caller_service.core.refusal import Refused
from caller_service.core.routing import Scene
from caller_service.core.staff_session import StaffSession
from caller_service.jobs.queue import PEOPLE
from caller_service.store import callbacks, calls, cases, contacts, desk_calls
from caller_service.store.callbacks import Callback
from caller_service.store.database.transaction import reading
from caller_service.store.desk_calls import InboundCall, PromisedCall, Review

from . import callbacks as machinery
from .carry_out import HOLD
from .change import update_case
from .desk import listed
from .parts import Parts
from .staff import is_theirs

OVER = timedelta(hours=24)  # promised calls that are over are shown for so long
LOOKED = timedelta(hours=48)  # and calls that nobody answered
LEAST_WINDOW = timedelta(minutes=15)  # a call that is made now has at least so long


@dataclass(frozen=True, slots=True)
class MissedCall:
    call: InboundCall
    reasons: tuple[Missed, ...]
    review: Review | None = None


@dataclass(frozen=True, slots=True)
class Calls:
    """What the page shows. `why_not`: what stands against calling back now, by the id of the
    callback; a code, and "" where nothing does. `tag`: changes with what the page says."""

    now: datetime
    tag: str
    live: Sequence[PromisedCall]
    over: Sequence[PromisedCall]
    missed: Sequence[MissedCall]
    reviewed: Sequence[MissedCall]
    why_not: dict[str, str]


def own_phone(parts: Parts, name: str) -> Rung | None:
    """The phone of somebody who is signed in: the ladder has it under their name."""
    named = name.casefold()
    ladder = parts.program.ladder
    return next((rung for rung in ladder if rung.name.casefold() == named and rung.number), None)


def calls_tag(parts: Parts) -> str:
    now = parts.now()
    with reading(parts.engine) as conn:
        return desk_calls.version_tag(conn, now - OVER, now - LOOKED)


def read_calls(parts: Parts, who: StaffSession, journaled: bool = True) -> Calls:
    """What the page shows. The tag is read first: what changes meanwhile is seen at the next look.
    `journaled`: somebody opened it, and it is no look of their page by itself."""
    now = parts.now()
    with reading(parts.engine) as conn:
        tag = desk_calls.version_tag(conn, now - OVER, now - LOOKED)
        promised = desk_calls.promised(conn, parts.sealer, now - OVER)
        unanswered = desk_calls.unanswered(conn, parts.sealer, now - LOOKED)
        looked_at = desk_calls.reviews(conn, [each.case.id for each in unanswered])
        scene = parts.scene(conn)
    calls = [
        MissedCall(each, reasons, looked_at.get(each.leg_id))
        for each in unanswered
        if (reasons := missed(each.case))
    ]
    live = [each for each in promised if each.callback.state in callbacks.LIVE]
    phone = own_phone(parts, who.name)
    shown = [*(each.case.id for each in promised), *(each.call.case.id for each in calls)]
    if journaled:
        listed(parts, who, shown)
    return Calls(
        now,
        tag,
        live,
        [each for each in reversed(promised) if each.callback.state not in callbacks.LIVE],
        [each for each in calls if each.review is None],
        [each for each in calls if each.review is not None],
        {each.callback.id: _why_not(each, who.name, phone, scene) for each in live},
    )


def _why_not(one: PromisedCall, name: str, phone: Rung | None, scene: Scene) -> str:
    try:
        ring_now(one.case, name, phone, scene.for_case(one.case))
        _waiting(one.callback)
    except Refused as refusal:
        return refusal.code
    return ""


def _waiting(known: Callback | None) -> Callback:
    if known is not None and known.state == CallbackState.RINGING:
        raise Refused("rings")
    if known is None or known.state not in callbacks.LIVE:
        raise Refused("callback_over")
    return known


def call_now(parts: Parts, who: StaffSession, case_id: str, callback_id: str = "") -> Case | None:
    """Ring whoever is signed in, then the resident: the promised call at once, or, without one, a
    call that is promised now. The next attempt is this one, so nobody is called twice. Raises
    Refused."""
    phone = own_phone(parts, who.name)
    known: list[Callback] = []

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        if is_theirs(parts, case, who.name):
            raise Refused("own")
        step = ring_now(case, who.name, phone, scene)
        if not contacts.by_id(conn, parts.sealer, case.contact).number:
            raise Refused("no_number")
        assert phone is not None
        if not callback_id:
            for each in callbacks.of_case(conn, parts.sealer, case_id):
                if each.state == CallbackState.RINGING:
                    raise Refused("rings")
            until = scene.now + LEAST_WINDOW
            booked = book(case, who.name, scene.now, scene, until, person=phone.name)
            return booked.then(*step.effects)
        known[:] = [_waiting(_mine(conn, parts, case_id, callback_id))]
        return step

    def bring_forward(conn: sa.Connection) -> None:
        now = parts.now()
        for each in known:
            until = max(each.until_at, now + LEAST_WINDOW)
            person = phone.name if phone else None
            if not callbacks.change(conn, each, person=person, next_at=now, until_at=until):
                raise cases.Stale  # it begins by itself: decided again, and refused

    return update_case(parts, case_id, decide, who.name, bring_forward)


def call_psap(parts: Parts, who: StaffSession, case_id: str) -> Case | None:
    """Ring whoever is signed in, and once they press 1 the PSAP that covers the place. Raises
    Refused."""
    phone, call_id = own_phone(parts, who.name), parts.new_id()

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        if case.psap_call and case.psap_how in UNDER_WAY:
            last = calls.by_id(conn, case.psap_call)
            if last is not None and last.rank < calls.ENDED:
                raise Refused("rings")
        if phone is not None and calls.on_phone(conn, parts.sealer, phone.number):
            raise Refused("phone_busy")
        return ring_psap(case, who.name, call_id, phone, scene)

    def ring(conn: sa.Connection) -> None:
        assert phone is not None
        now = parts.now()
        calls.add(
            conn, parts.sealer, call_id, case_id, phone.number, now, now + HOLD, person=phone.name
        )
        parts.jobs.enqueue(conn, "call_person", f"call:{call_id}:0", call_id, PEOPLE)

    return update_case(parts, case_id, decide, who.name, ring)


def psap_why_not(parts: Parts, who: StaffSession, case: Case, scene: Scene) -> str:
    """What stands against it: a code, or ""."""
    return why_no_psap(case, own_phone(parts, who.name), scene)


def _mine(conn: sa.Connection, parts: Parts, case_id: str, callback_id: str) -> Callback | None:
    known = callbacks.by_id(conn, parts.sealer, callback_id)
    return known if known is not None and known.case_id == case_id else None


BY_HAND = (CallbackOutcome.REACHED, CallbackOutcome.WRONG_PERSON, CallbackOutcome.NOT_REACHED)


def note_outcome(
    parts: Parts, who: StaffSession, case_id: str, callback_id: str, said: str
) -> Case | None:
    """What a human says of a promised call. That they were reached can be said at any time, what
    else only after an attempt. Raises Refused: callback_over, not_tried, no_such_outcome."""
    known: list[Callback] = []

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        one = _mine(conn, parts, case_id, callback_id)
        if one is None or one.state not in callbacks.LIVE:
            raise Refused("callback_over")
        if said not in BY_HAND:
            raise Refused("no_such_outcome")
        if said != CallbackOutcome.REACHED and not one.attempts:
            raise Refused("not_tried")
        known[:] = [one]
        return Step(case, (Record(Event.CALLBACK_OUTCOME, {"by": who.name, "outcome": said}),))

    after = update_case(parts, case_id, decide, who.name)
    for one in known:
        machinery.record(parts, one, CallbackOutcome(said))
    return after


def cancel(parts: Parts, who: StaffSession, case_id: str, callback_id: str) -> Case | None:
    """They do not want the call any more. Raises Refused: callback_over."""

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        one = _mine(conn, parts, case_id, callback_id)
        if one is None or one.state not in callbacks.LIVE:
            raise Refused("callback_over")
        return Step(case, (Record(Event.CALLBACK_CANCELLED, {"by": who.name}),))

    after = update_case(parts, case_id, decide, who.name)
    if after is not None:
        machinery.cancel(parts, case_id, callback_id)
    return after


def looked_at(parts: Parts, who: StaffSession, case_id: str, leg_id: str) -> Case | None:
    """A human has looked at a call that nobody answered. Raises Refused: looked_at (by whom),
    no_such_call."""

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        if (review := desk_calls.reviews(conn, [case_id]).get(leg_id)) is not None:
            raise Refused("looked_at", review.who)
        if not desk_calls.is_call_of(conn, leg_id, case_id):
            raise Refused("no_such_call")
        return Step(case, (Record(Event.CALL_REVIEWED, {"leg": leg_id}),))

    return update_case(parts, case_id, decide, who.name)
