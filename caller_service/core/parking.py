"""A shared phone: NEW, or "this is someone else", opens a second case linked to the first
(docs/safety-rules.md, rule 10).

The first case is parked: it stays open and people keep working on it, but nothing of it is told to
whoever uses the phone now. No answer or consent is shared between the two. A private page is not
the phone: whoever opened it is still reached there.
"""

from __future__ import annotations

from datetime import datetime

from . import hand_off
from .case import Case, Status, Step, replace
from .commands import said_again
from .effect import Alert, Effect, HandOff, Record
from .journal_events import Event
from .marks import Mark
from .reach import CannotText, ContactAnswer
from .refusal import Refused
from .reply import Command, CommandName, Inquiry, Reading, Wish
from .routing import Scene
from .said import Said
from .screening import found_out
from .turn_steps import recompute


def asks_for_another(case: Case, reading: Reading) -> bool:
    """Does somebody else ask for help with this phone? Not while nothing is known yet: there is
    nothing to keep apart.

    While the resident is watched no second case opens, because its first words would show. "Wrong
    number" is no request where it may mean that somebody found the phone (`found_out`).
    """
    reply = reading.reply
    has_content = (
        case.answers or case.narrative or case.in_danger or case.status != Status.SCREENING
    )
    if not has_content or case.watched:
        return False
    if isinstance(reply, Command):
        return reply.name == CommandName.NEW
    return (
        isinstance(reply, Inquiry)
        and reply.about in (Wish.SOMEONE_ELSE, Wish.OTHER_HANDS)
        and not found_out(case, reading)
        and not _tells_whose_phone(case, reading)
    )


def _tells_whose_phone(case: Case, reading: Reading) -> bool:
    """Does the person who writes tell that the phone is not theirs? So they may where `contact`
    asks about it; and "i borrowed this phone" cuts nobody off from their questions or in danger."""
    if Wish.BORROWED not in reading.wishes:
        return False
    asked = case.asked == "contact"
    if Wish.OTHER_HANDS in reading.wishes:
        return asked
    return asked or case.in_danger or case.status == Status.SCREENING


def park(case: Case, scene: Scene, heard_at: datetime) -> Step:
    """Park the case while another uses the phone, and let a human review it."""
    case = replace(case, parked=True, asked="", offered=(), unreadable=0).marked(
        heard_at, Mark.PARKED
    )
    effects: tuple[Effect, ...] = (Record(Event.PARKED),)
    if case.in_charge:
        key = "alert.page_parked" if case.on_web else "alert.parked"
        effects += (Alert(key, case.in_charge),)
    elif not case.in_danger:
        step = recompute(said_again(case, frozenset({Said.WROTE_AGAIN}), scene), scene)
        case, effects = step.case, (*effects, *step.effects)
    return Step(*hand_off.revise(case, (*effects, HandOff("parked"))))


def come_back(
    case: Case, by: str, reason: str, scene: Scene, meanwhile: Case | None = None
) -> Step:
    """A human knows that the first person has the phone again: return the case to them, and allow
    texts again (rule 10). What was said on this phone since, in the case `meanwhile`, can only
    restrict contact, never permit it. Raises Refused: ended, not_parked, reason_needed,
    phone_in_use."""
    if case.ended:
        raise Refused("ended")
    if not case.parked:
        raise Refused("not_parked")
    if not reason:
        raise Refused("reason_needed")
    if meanwhile is not None and meanwhile.in_danger and not meanwhile.ended:
        raise Refused("phone_in_use", meanwhile.reference)
    if meanwhile is not None:
        closed = meanwhile.answers.get("contact") in (
            ContactAnswer.UNSAFE,
            ContactAnswer.UNWANTED,
        )
        ways = {"text", "call"} if closed or Said.UNSAFE in meanwhile.said else set()
        watched = {Said.WATCHED} if meanwhile.watched else set()
        case = replace(
            case,
            withdrawn=case.withdrawn | meanwhile.withdrawn | ways,
            said=case.said | watched,
        )
    case = replace(case, parked=False).remarked(by, reason).marked(scene.now, Mark.HEARD)
    return Step(*hand_off.revise(case, (HandOff("came_back"), Record(Event.CAME_BACK, {"by": by}))))


def phone_again(case: Case, said: str) -> Step:
    """The other request from this phone has ended and the phone writes again, perhaps the first
    person. Alert whoever has the case; the text answers nothing in it (rule 10)."""
    alerts = (Alert("alert.phone_again", case.in_charge, said.strip()),) if case.in_charge else ()
    return Step(
        *hand_off.revise(case, (*alerts, HandOff("phone_again"), Record(Event.PHONE_AGAIN)))
    )


def link(case: Case, other: str, scene: Scene, parked: bool, stopped: bool) -> Step:
    """Link two open requests that turned out to be one person's: each names the `other`, and a
    human is told. The one that is `parked` waits beside the one that continues with the phone.
    `stopped`: they stopped our texts."""
    effects: tuple[Effect, ...] = ()
    if stopped and case.cannot_text != CannotText.STOPPED:
        case = replace(case, cannot_text=CannotText.STOPPED)
        effects += (Record(Event.OPTED_OUT),)
        effects += (Alert("alert.stopped", case.in_charge),) if case.in_charge else ()
    if other:
        case = replace(case, related=other)
        if parked:
            case = replace(case, parked=True, asked="", offered=(), unreadable=0)
            case = case.marked(scene.now, Mark.PARKED)
        effects += (Record(Event.LINKED, {"to": other}), HandOff("linked"))
        if case.in_charge:
            effects += (Alert("alert.linked", case.in_charge),)
        elif not case.in_danger:
            step = recompute(said_again(case, frozenset({Said.WROTE_AGAIN}), scene), scene)
            case, effects = step.case, (*effects, *step.effects)
    return Step(*hand_off.revise(case, effects))


def stopped_too(case: Case, now: datetime) -> Step:
    """Alert whoever has the parked case that the phone stopped our texts."""
    if case.ended or case.cannot_text == CannotText.STOPPED:
        return Step(case)
    alert = (Alert("alert.stopped", case.in_charge),) if case.in_charge else ()
    return Step(
        *hand_off.revise(
            replace(case, cannot_text=CannotText.STOPPED), (Record(Event.OPTED_OUT), *alert)
        )
    )
