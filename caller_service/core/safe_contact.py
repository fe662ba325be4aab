"""Decides who may contact the resident, and how: one table that every outbound path asks
(docs/safety-rules.md, rules 5, 9, 10).

The first standing in PRECEDENCE that holds decides; silence ("watched") comes before a STOP. "Not
asked" never counts as "no", nor "no" as "not asked".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from dataclasses import replace as with_changes
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from .case import Case, Status, Step, replace
from .effect import Ask, Effects, Say
from .marks import Mark
from .outcome import Outcome
from .program import Program
from .reach import CannotText, ContactAnswer
from .said import Said

TEXT_ALLOWED = frozenset({ContactAnswer.TEXT_CALL, ContactAnswer.TEXT, ContactAnswer.TEXT_DEAF})
CALL_ALLOWED = frozenset({ContactAnswer.TEXT_CALL, ContactAnswer.CALL})
# what whoever is in danger is told while no human writes to them (rule 4)
TRUTHS = frozenset(
    {
        "truth.nobody_yet",
        "truth.nobody_again",
        "truth.taken",
        "truth.holder",
        "truth.left",
        "truth.left_again",
        "truth.backstop",
    }
)
THROUGH_QUIET = TRUTHS | {
    "human.joined", "human.took_over", "human.handed_over", "human.again", "human.paused",
    "note", "note.neutral",
}  # fmt: skip
# whoever wrote this recently has the phone in hand: a reply is no first contact
STILL_THERE = timedelta(minutes=10)
# texts written by a human; software wrote all others
HUMAN_WORDS = frozenset({"note", "note.neutral"})


class Standing(StrEnum):
    """What the resident has said, or not said, about being contacted."""

    STOPPED = "stopped"
    WATCHED = "watched"
    VIOLENCE = "violence"
    UNSAFE = "unsafe"
    UNWANTED = "unwanted"
    NOT_ASKED = "not_asked"
    ARGUMENT = "argument"
    YES = "yes"


PRECEDENCE: tuple[tuple[Standing, Callable[[Case], bool]], ...] = (
    (Standing.WATCHED, lambda case: case.watched),
    (Standing.STOPPED, lambda case: case.cannot_text == CannotText.STOPPED),
    (Standing.VIOLENCE, lambda case: case.violent),
    (
        Standing.UNSAFE,
        lambda case: (
            case.answers.get("contact") == ContactAnswer.UNSAFE or Said.UNSAFE in case.said
        ),
    ),
    (
        Standing.UNWANTED,
        lambda case: (
            case.answers.get("contact") == ContactAnswer.UNWANTED
            or {"text", "call"} <= case.withdrawn
        ),
    ),
    (
        Standing.NOT_ASKED,
        lambda case: case.parked or case.answers.get("contact") not in TEXT_ALLOWED | CALL_ALLOWED,
    ),
    (
        Standing.ARGUMENT,
        lambda case: (
            case.answers.get("need") == "argument" and Mark.CONTACT_CONFIRMED not in case.marks
        ),
    ),
    (Standing.YES, lambda case: True),
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a standing allows. A human's own words are allowed at any time if `human`, otherwise
    only soon after a text of the resident."""

    replies: bool  # software answers their texts
    unasked: bool  # software texts them unasked
    calls: bool  # software calls them
    # a human may write at any time; otherwise only within STILL_THERE of a text of theirs
    human: bool
    answer: bool  # a human may write within STILL_THERE of a text of theirs


#                              replies unasked calls  human  answer
TERMS: dict[Standing, Terms] = {
    Standing.STOPPED:   Terms(True,  False, False, False, False),
    Standing.WATCHED:   Terms(False, False, False, False, True),
    Standing.VIOLENCE:  Terms(True,  False, False, True,  True),
    Standing.UNSAFE:    Terms(True,  False, False, False, True),
    Standing.UNWANTED:  Terms(True,  False, False, False, True),
    Standing.NOT_ASKED: Terms(True,  False, False, False, True),
    Standing.ARGUMENT:  Terms(True,  False, False, True,  True),
    Standing.YES:       Terms(True,  True,  True,  True,  True),
}  # fmt: skip


def standing(case: Case) -> Standing:
    """The first standing in PRECEDENCE that holds."""
    return next(standing for standing, holds in PRECEDENCE if holds(case))


def texts_wanted(case: Case) -> bool:
    """Did they say that texts are safe, and not take it back?"""
    return case.answers.get("contact") in TEXT_ALLOWED and "text" not in case.withdrawn


def may_text(case: Case, key: str) -> bool:
    """May software say these words unasked, by text or on their page?"""
    return by_phone(case, key) or on_page(case, key)


def on_page(case: Case, key: str) -> bool:
    """May these words wait on the private page? Whoever opens it looks for them there; where there
    is violence, or somebody watches, software only replies. Who has their phone has not their
    page."""
    if not case.on_web or key == "still_here":
        return False
    if standing(case) in (Standing.WATCHED, Standing.VIOLENCE):
        return False
    return not (case.quiet and key not in THROUGH_QUIET)


def by_phone(case: Case, key: str) -> bool:
    """May software text these words to their phone unasked?"""
    if case.cannot_text or not TERMS[standing(case)].unasked:
        return False
    return texts_wanted(case) and not (case.quiet and key not in THROUGH_QUIET)


def stopped_in_words(case: Case) -> bool:
    """Did they stop texts in words that carriers ignore? If they write again, they are answered."""
    return case.cannot_text == CannotText.STOPPED and Said.STOPPED_IN_WORDS in case.said


def may_note(case: Case, now: datetime) -> bool:
    """May a human's own words be sent? Yes where texts were called safe, and to a private page;
    otherwise only as an answer to a recent text."""
    if case.on_web:
        return not case.watched or now - case.marks[Mark.HEARD] <= STILL_THERE
    return may_note_by_phone(case, now)


def may_note_by_phone(case: Case, now: datetime) -> bool:
    """May a human's own words be texted to their phone?"""
    if case.on_web and not texts_wanted(case):
        return False  # a message of theirs came by their page, and no number is known
    terms = TERMS[standing(case)]
    if case.parked or (case.cannot_text and not stopped_in_words(case)):
        return False
    if terms.human and texts_wanted(case):
        return True
    # "stop" itself wants no answer
    wrote_since = case.marks[Mark.HEARD] > case.marks.get(
        Mark.WITHDRAWN, datetime.min.replace(tzinfo=UTC)
    )
    return (
        (terms.answer or stopped_in_words(case))
        and wrote_since
        and now - case.marks[Mark.HEARD] <= STILL_THERE
    )


def may_text_word(case: Case) -> bool:
    """May the word for a page be texted to the phone of this open request? Somebody typed its
    number there, and a number proves nothing: where software may not text first, it does not."""
    if standing(case) == Standing.NOT_ASKED and "contact" not in case.answers:
        return not (case.withdrawn or case.parked or sensitive(case))
    return TERMS[standing(case)].unasked and texts_wanted(case)


def may_write_once(case: Case, reason: str) -> bool:
    """May a human send the one neutral text? Only in danger with contact not asked; after violence
    only with a supervisor's reason (rule 9)."""
    if (
        not case.in_danger
        or case.cannot_text
        or case.parked
        or Mark.NEUTRAL_SENT in case.marks
        or case.withdrawn
    ):
        return False
    if "contact" in case.answers or case.watched or Said.UNSAFE in case.said:
        return False
    return bool(reason) or not case.violent


def may_call(case: Case) -> bool:
    """May software call them? Only if calls were called safe."""
    return (
        TERMS[standing(case)].calls
        and case.answers.get("contact") in CALL_ALLOWED
        and "call" not in case.withdrawn
    )


def calls_wanted(case: Case) -> bool:
    """May a human call them? Stopping texts does not stop calls."""
    reached = replace(case, cannot_text="") if case.cannot_text == CannotText.STOPPED else case
    return (
        TERMS[standing(reached)].human
        and case.answers.get("contact") in CALL_ALLOWED
        and "call" not in case.withdrawn
    )


UPDATE_CALL_PAUSE = timedelta(minutes=10)  # between two calls about lost texts


def may_call_update(case: Case, program: Program) -> bool:
    """May we call because texts do not arrive? Only where calls were called safe and texts were not
    stopped or taken back: then software must not speak first in any way (rule 5). A Messaging
    Service has no number to call from."""
    return (
        may_call(case)
        and not case.on_line
        and "text" not in case.withdrawn
        and program.numbers.ours[0].number.startswith("+")
    )


def missed(case: Case, key: str) -> bool:
    """Were these words held back only because texts do not arrive, or because calls are wanted
    instead of texts? Whoever wanted no updates, or no unasked texts, misses nothing."""
    reached = replace(case, cannot_text="")
    wanted = TERMS[standing(reached)].unasked and not (case.quiet and key not in THROUGH_QUIET)
    return (bool(case.cannot_text) or not texts_wanted(case)) and wanted


def mark_unheard(case: Case, held: Iterable[str], now: datetime) -> Case:
    """Mark the case if words that were held back had news for the resident, until a call or text
    has told them. Whoever is on the line hears where it stands there."""
    if case.on_line:
        return case
    return case.marked(now, Mark.UNTOLD) if any(missed(case, key) for key in held) else case


def catch_up_words(case: Case, unasked: bool = True) -> Step:
    """Texts arrive again: say the current status once. What may not be said this way stays marked:
    a danger that nobody has accepted has its own words, and a call may be wanted instead."""
    if Mark.UNTOLD not in case.marks or case.cannot_text:
        return Step(case)
    if case.status == Status.SCREENING or case.ended:  # the open question, or the end, says it all
        return Step(case.unmarked(Mark.UNTOLD, Mark.NOT_REACHED))
    key = status_key(case)
    if case.page_waits or not may_text(case, key):
        return Step(case)
    return Step(
        replace(case.unmarked(Mark.UNTOLD, Mark.NOT_REACHED), told=key),
        (Say(key, unasked=unasked),),
    )


def truth_line(case: Case, again: bool) -> tuple[Case, Say]:
    """ "Nobody has joined yet", as it is just now, and never in the words of the last time.

    Who has the case and has not written is named; a resident who had a human is told that the human
    is gone, or has not answered."""
    taken = case.human_has_it and case.accepted_by and not case.page_waits
    if taken and case.held and Mark.JOINED in case.marks:
        words = "truth.holder"  # what they wrote was before this danger
    elif taken:
        words = "truth.taken"
    elif Mark.SPOKEN in case.marks or Mark.NOTED in case.marks:
        words = "truth.left_again" if case.truth_line == "truth.left" else "truth.left"
    else:
        words = (
            "truth.nobody_again"
            if again and case.truth_line != "truth.nobody_again"
            else "truth.nobody_yet"
        )
    words = "truth.nobody_again" if words == case.truth_line else words
    return replace(case, truth_line=words), Say(words, {"name": case.accepted_by}, unasked=True)


def _owed_truth(case: Case, unasked: bool) -> tuple[Case, Say]:
    """The truth that could not be said when it was due; in other words if it is no longer so."""
    owed = case.truth_line or "truth.nobody_yet"
    after, say = truth_line(replace(case, truth_line=""), False)
    kept = owed == "truth.backstop" and say.key != "truth.taken"
    if kept or owed.partition("_")[0] == say.key.partition("_")[0]:
        after, say = replace(case, truth_line=owed), with_changes(say, key=owed)
    return after, with_changes(say, unasked=unasked)


def deferred_words(case: Case, unasked: bool = False) -> Step:
    """Say what could not be said when it was due, or was lost: that somebody has the case, or that
    nobody has joined yet. Both at once are one sentence, which contradicts nothing."""
    effects: Effects = ()
    if case.held and not case.unjoined:
        return Step(
            case.unmarked(Mark.JOINED_OWED, Mark.TRUTH_OWED)
            if {Mark.JOINED_OWED, Mark.TRUTH_OWED} & case.marks.keys()
            else case
        )
    if (
        Mark.TRUTH_OWED in case.marks
        and case.unjoined
        and (may_text(case, "truth.nobody_yet") or not unasked)
    ):
        case, say = _owed_truth(case.unmarked(Mark.TRUTH_OWED), unasked)
        case = case.unmarked(Mark.JOINED_OWED) if say.key == "truth.taken" else case
        effects = (say,)
    if (
        Mark.JOINED_OWED in case.marks
        and case.human_has_it
        and not (case.in_danger and case.page_waits)
        and not case.watched
        and (may_text(case, "human.joined") or not unasked)
    ):
        case, effects = (
            case.unmarked(Mark.JOINED_OWED),
            (*effects, Say("human.joined", {"name": case.accepted_by}, unasked=unasked)),
        )
    return Step(case, effects)


def gated(case: Case, effects: Effects) -> tuple[Effects, tuple[str, ...]]:
    """Split effects into those that may happen and the keys of words that may not be said. A
    human's words were checked when they were written (core/dispatch.py); a watched person gets
    nothing from software."""
    allowed, held = [], []
    for effect in effects:
        if isinstance(effect, (Say, Ask)):
            key = effect.key if isinstance(effect, Say) else f"ask.{effect.question}"
            silent = not TERMS[standing(case)].replies or (
                effect.unasked and not may_text(case, key)
            )
            if key not in HUMAN_WORDS and silent:
                held.append(key)
                continue
        allowed.append(effect)
    return tuple(allowed), tuple(held)


def may_hear_status(case: Case, verified: bool) -> bool:
    """May they get a status, cancel, or change contact? With the code word if one was set;
    otherwise only outside danger, violence and argument, because a number alone proves nothing."""
    if case.code_word:
        return verified
    return not sensitive(case)


def sensitive(case: Case) -> bool:
    """Is there danger or a sign of it, violence, or an argument? Then somebody else may hold the
    phone."""
    return (
        case.danger_sign or case.in_danger or case.violent or case.answers.get("need") == "argument"
    )


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
# who got no help hears that, and not that their request is finished
ENDED_WORDS = {Outcome.GONE: "status.gone", Outcome.UNSERVED: "status.unserved"}
# About somebody else: only received, coming or finished, never arrival, outcome or destination
# (rule 10).
OTHERS_WORDS = STATUS_WORDS | {
    Status.ACCEPTED: "status.other.received",
    Status.ASSIGNED: "status.other.received",
    Status.EN_ROUTE: "status.other.coming",
    Status.ARRIVED: "status.other.finished",
    Status.CLOSED: "status.other.finished",
    Status.CANCELLED: "status.other.finished",
}


def update_call_keys(case: Case) -> tuple[str, ...]:
    """The words of a call that replaces lost texts: the status, as far as whoever answers this
    phone may hear it. Where no status may be told, only whether anybody has joined."""
    if not may_hear_status(case, verified=False):
        alone = case.page_waits and Mark.TRUTH in case.marks and not case.code_word
        return ("update_call.nobody_joined",) if alone else ("update_call.received",)
    status = status_key(case).replace("status.", "update_call.", 1)
    return (status, "update_call.late") if told_late(case) else (status,)


def told_late(case: Case) -> bool:
    """Is whoever was to come late, and were they told so? Nobody else was promised a time."""
    moving = case.status in (Status.ACCEPTED, Status.ASSIGNED, Status.EN_ROUTE)
    return moving and case.late and case.response in ("team", "counselor")


def status_key(case: Case) -> str:
    """The key of the status words that this person may get. Who was not found, or got no help, may
    be waiting still, and hears it."""
    if case.outcome in ENDED_WORDS and not case.about_another:
        return ENDED_WORDS[Outcome(case.outcome)]
    return (OTHERS_WORDS if case.about_another else STATUS_WORDS)[case.status]
