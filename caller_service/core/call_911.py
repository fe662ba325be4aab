"""A named human calls 911 for a place (docs/safety-rules.md, "Software never sends police", rules 3
and 13): who did, why, and what the resident knew before. Software dials no 911. Staff may have
their own phone rung, and once they press 1 they are joined to the ten-digit line of the PSAP that
covers the place."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

from . import hand_off
from .case import Case, Step, replace
from .effect import Alert, HandOff, Record
from .holding import note
from .journal_events import Event
from .marks import Mark
from .phone_waiting import psap_line
from .program import Rung
from .refusal import Refused
from .routing import Scene
from .safe_contact import may_note

TWICE = timedelta(minutes=1)  # the same button, pressed twice


class Told(StrEnum):
    """`Case.told_911`: what the resident knew before 911 was called. The values are stored."""

    WORDS = "words"  # words of whoever calls were sent first
    SAID = "said"  # a human had told them already
    NOT = "not"  # they were not told: it could get someone hurt, or nothing reaches them


def call_911(
    case: Case,
    by: str,
    reason: str,
    told: str,
    why_not: str,
    scene: Scene,
    words: str = "",
    full: Collection[str] = (),
) -> Step:
    """`by` calls 911 for this place, because of `reason`. The resident is told first, in `words` in
    their language or by a human already; not to tell them needs its own reason. Whoever has the
    case is alerted, and the danger stays open: its end says what came of it.

    Raises Refused: ended, reason_needed, tell_needed, why_not_needed, cannot_tell; and as
    holding.note.
    """
    if case.ended:
        raise Refused("ended")
    if not reason:
        raise Refused("reason_needed")
    if told not in set(Told):
        raise Refused("tell_needed")
    if told == Told.NOT and not why_not:
        raise Refused("why_not_needed")
    called = case.marks.get(Mark.CALLED_911)
    if case.called_911 == by and called is not None and scene.now - called < TWICE:
        return Step(case)
    if told == Told.WORDS and not may_note(case, scene.now):
        raise Refused("cannot_tell")
    before = case
    step = note(case, by, words, scene, full=full) if told == Told.WORDS else Step(case)
    case = replace(step.case, called_911=by, told_911=told).marked(scene.now, Mark.CALLED_911)
    case = case.remarked(by, reason)
    case = case.remarked(by, why_not) if told == Told.NOT else case
    has_it = case.in_charge
    alerts = (Alert("alert.called_911", has_it, by),) if has_it not in ("", by) else ()
    record = Record(Event.CALLED_911, {"by": by, "told": told})
    effects = (HandOff("called_911"), *step.effects, *alerts, record)
    return hand_off.revised_once(before, Step(case, effects))


class Joined(StrEnum):
    """`Case.psap_how`. The values are stored; "" is a call that nobody has answered yet."""

    RUNG = "rung"  # they pressed 1, and the PSAP's line rings, or they speak
    SPOKE = "spoke"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    ENDED = "ended"  # their own phone is gone; nothing more is known
    NOT_TAKEN = "not_taken"  # their phone was not answered, or they did not press 1


UNDER_WAY = ("", Joined.RUNG)
# how the provider says that the second call ended
_HOW = {
    "completed": Joined.SPOKE, "answered": Joined.SPOKE, "busy": Joined.BUSY,
    "no-answer": Joined.NO_ANSWER, "canceled": Joined.NO_ANSWER, "failed": Joined.FAILED,
}  # fmt: skip


def why_no_psap(case: Case, phone: Rung | None, scene: Scene) -> str:
    """The code of what prevents joining somebody to the PSAP: ended, not_noted, no_line or
    no_phone; "" if nothing does."""
    if case.ended:
        return "ended"
    if not case.called_911:  # why, and whether they know, is said first
        return "not_noted"
    if not psap_line(case, scene.program):
        return "no_line"
    return "" if phone is not None and phone.number else "no_phone"


def ring_psap(case: Case, by: str, call_id: str, phone: Rung | None, scene: Scene) -> Step:
    """Call `by`'s own phone, as the call of this id. Raises Refused with a code of why_no_psap."""
    if why := why_no_psap(case, phone, scene):
        raise Refused(why)
    return Step(
        replace(case, psap_call=call_id, psap_how=""), (Record(Event.PSAP_ASKED, {"by": by}),)
    )


def psap_rung(case: Case, by: str, call_id: str) -> Step:
    """`by` pressed 1: the PSAP's line is called. The same key twice makes one entry."""
    if case.psap_call != call_id or case.psap_how:
        return Step(case)
    return Step(replace(case, psap_how=Joined.RUNG), (Record(Event.PSAP_RUNG, {"by": by}),))


def psap_over(case: Case, by: str, call_id: str, how: Joined) -> Step:
    """Record how the call to the PSAP ended. What the provider reports about the second call takes
    precedence over the end of the first, in whichever order the reports come."""
    last = (*UNDER_WAY, Joined.ENDED) if how != Joined.ENDED else UNDER_WAY
    if case.psap_call != call_id or case.psap_how not in last:
        return Step(case)
    record = Record(Event.PSAP_OVER, {"by": by, "how": how.value})
    return Step(replace(case, psap_how=how), (record,))


def how_it_went(dial_status: str) -> Joined:
    """The outcome for a DialCallStatus of the provider."""
    return _HOW.get(dial_status, Joined.ENDED)
