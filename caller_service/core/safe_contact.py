"""What we may send, and what we may tell: the gates no outbound word can pass by (domain.md section 2, rules 9 and 10)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from .case import Case, Status, Step, replace
from .effect import Ask, Effects, Say
from .program import Program

TEXT_ALLOWED = frozenset({"text_call", "text", "text_deaf"})
CALL_ALLOWED = frozenset({"text_call", "call"})
THROUGH_QUIET = frozenset({"human.joined", "note", "truth.nobody_yet"})  # who wants no updates still hears these
STILL_THERE = timedelta(minutes=10)  # who wrote this lately has the phone in hand: an answer is no first contact
BEFORE_CONTACT = frozenset({"still_here"})  # rule 5: the one neutral word that may go out before we know


def may_text(case: Case, key: str) -> bool:
    """May words that answer nothing just received be texted to the resident?"""
    if case.cannot_text or case.watched:
        return False
    contact = case.answers.get("contact")
    if contact is None:
        return key in BEFORE_CONTACT
    return contact in TEXT_ALLOWED and not (case.quiet and key not in THROUGH_QUIET)


def may_note(case: Case, now: datetime) -> bool:
    """May a human's own words be sent? Where texting was called safe; else only as an answer to what was just written."""
    if case.cannot_text or case.watched:
        return False
    return may_text(case, "note") or now - case.marks["heard"] <= STILL_THERE


def may_call(case: Case) -> bool:
    """Only after "call" was said to be safe; a watched person is never called."""
    return case.answers.get("contact") in CALL_ALLOWED and not case.watched


RESCUE_PAUSE = timedelta(minutes=10)  # between two calls for what could not be texted


def may_rescue(case: Case, program: Program) -> bool:
    """May we call because texts do not reach them? Where calls were called safe, and never after violence, or with a doubt of
    it: whoever does harm may pick up (domain.md section 2, rule 5). A Messaging Service has no number to call from."""
    safe = (None, "no") if case.answers.get("safety") in (None, "no") else ("no",)  # a detail not asked is no "no"
    violent = any(case.answers.get(sign) not in safe or sign in case.said for sign in ("violence", "weapon"))
    return may_call(case) and not violent and program.numbers.ours[0].number.startswith("+")


def missed(case: Case, key: str) -> bool:
    """Are these words held back only because texts do not reach them, or because they are to be called? Who asked for no
    updates, or for no word unasked, misses nothing by that."""
    contact = case.answers.get("contact")
    wanted = contact in TEXT_ALLOWED | CALL_ALLOWED and not (case.quiet and key not in THROUGH_QUIET)
    return (bool(case.cannot_text) or contact == "call") and wanted and not case.watched


def untold(case: Case, held: Iterable[str], now: datetime) -> Case:
    """The case after words were held back: if they missed news by it, that is kept until a call or a text has told it."""
    return case.marked(untold=now) if any(missed(case, key) for key in held) else case


def told_after_all(case: Case, unasked: bool = True) -> Step:
    """Texts reach them again: what they missed is told, as it stands now. What may not be told so stays untold: a danger that
    nobody has taken has its own words, and who is to be called is called."""
    if "untold" not in case.marks or case.cannot_text:
        return Step(case)
    if case.status == Status.SCREENING or case.ended:  # the question, or the end, tells it all
        return Step(case.unmarked("untold", "not_reached"))
    key = status_key(case)
    if case.page_waits or not may_text(case, key):
        return Step(case)
    return Step(replace(case.unmarked("untold", "not_reached"), told=key), (Say(key, unasked=unasked),))


def owed(case: Case, unasked: bool = False) -> Step:
    """What could not be said when it was due, or was lost: that somebody joined them, or that nobody has yet."""
    effects: Effects = ()
    if "joined_owed" in case.marks and case.human_has_it and not case.watched and (may_text(case, "human.joined") or not unasked):
        case, effects = case.unmarked("joined_owed"), (Say("human.joined", {"name": case.accepted_by}, unasked=unasked),)
    if "truth_owed" in case.marks and case.page_waits and (may_text(case, "truth.nobody_yet") or not unasked):
        case, effects = case.unmarked("truth_owed"), (Say("truth.nobody_yet", unasked=unasked), *effects)
    return Step(case, effects)


def gated(case: Case, effects: Effects) -> tuple[Effects, tuple[str, ...]]:
    """The effects that may happen, and the keys of the words held back. A watched person hears nothing at all."""
    allowed, held = [], []
    for effect in effects:
        if isinstance(effect, (Say, Ask)):
            key = effect.key if isinstance(effect, Say) else f"ask.{effect.question}"
            if case.watched or (effect.unasked and not may_text(case, key)):
                held.append(key)
                continue
        allowed.append(effect)
    return tuple(allowed), tuple(held)


def may_hear_status(case: Case, verified: bool) -> bool:
    """Status, cancel and changed contact: with the code word if one was set; else only outside danger, violence and
    argument. A number alone proves nothing."""
    if case.code_word:
        return verified
    return not touchy(case)


def touchy(case: Case) -> bool:
    """Danger or a sign of it, violence, an argument: somebody else may hold the phone."""
    if case.danger_sign:
        return True
    violent = case.answers.get("violence") in ("yes", "unsure", "skipped", "unreadable") or bool({"violence", "weapon"} & case.said)
    return case.in_danger or violent or case.answers.get("need") == "argument"


STATUS_WORDS = {
    Status.SCREENING: "status.screening",
    Status.OPEN: "status.nobody_yet",
    Status.HANDED_OFF: "status.nobody_yet",
    Status.DECLINED: "status.nobody_yet",
    Status.UNREACHABLE: "status.nobody_yet",
    Status.ACCEPTED: "status.accepted",
    Status.ASSIGNED: "status.assigned",
    Status.EN_ROUTE: "status.en_route",
    Status.ARRIVED: "status.arrived",
    Status.CLOSED: "status.closed",
    Status.CANCELLED: "status.closed",
}
# About somebody else: received, coming or finished; never arrival, outcome or destination (rule 10).
OTHERS_WORDS = STATUS_WORDS | {
    Status.ACCEPTED: "status.other.received",
    Status.ASSIGNED: "status.other.received",
    Status.EN_ROUTE: "status.other.coming",
    Status.ARRIVED: "status.other.finished",
    Status.CLOSED: "status.other.finished",
    Status.CANCELLED: "status.other.finished",
}


def rescue_keys(case: Case) -> tuple[str, ...]:
    """The words a call tells instead of texts: where the case stands, as whoever holds this phone may hear it. A number alone
    hears no status of a danger, but whether anybody has come to it."""
    if not may_hear_status(case, verified=False):
        alone = case.page_waits and "truth" in case.marks and not case.code_word
        return ("rescue.nobody_joined",) if alone else ("rescue.received",)
    moving = case.status in (Status.ACCEPTED, Status.ASSIGNED, Status.EN_ROUTE)
    late = ("rescue.late",) if moving and case.late and case.response in ("team", "counselor") else ()  # others were told no time
    return (status_key(case).replace("status.", "rescue.", 1), *late)


def status_key(case: Case) -> str:
    """The words for where the case stands, as this person may hear them."""
    return (OTHERS_WORDS if case.about_another else STATUS_WORDS)[case.status]
