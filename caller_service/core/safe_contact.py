"""Who may say what to the resident, and when: one table that every outbound path asks
(docs/safety-rules.md, rules 5, 9, 10).

Precedence: STOP, watched, violence or hiding, not safe, not wanted, not asked, argument, yes. The
first that holds decides; where both of the first two hold, the stricter one: silence. "Not asked"
is never "no", nor "no" "not asked".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from .case import Case, Status, Step, replace
from .effect import Ask, Effects, Say
from .marks import Mark
from .program import Program
from .reach import CannotText, ContactAnswer
from .said import Said

TEXT_ALLOWED = frozenset({ContactAnswer.TEXT_CALL, ContactAnswer.TEXT, ContactAnswer.TEXT_DEAF})
CALL_ALLOWED = frozenset({ContactAnswer.TEXT_CALL, ContactAnswer.CALL})
THROUGH_QUIET = frozenset(
    {"human.joined", "human.took_over", "human.handed_over", "human.again", "human.paused"}
    | {
        "note",
        "note.neutral",
        "truth.nobody_yet",
        "truth.nobody_again",
        "truth.left",
        "truth.left_again",
        "truth.backstop",
    }
)
# who wrote this lately has the phone in hand: an answer is no first contact
STILL_THERE = timedelta(minutes=10)
# words that a human wrote; all others are software's
HUMAN_WORDS = frozenset({"note", "note.neutral"})


class Standing(StrEnum):
    """How a person stands to being contacted."""

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
    """What a standing lets happen. A human's words are always allowed where `human` is; else only
    to who is still there."""

    replies: bool  # software answers what they write
    unasked: bool  # software writes first
    calls: bool  # software rings them
    human: bool  # a human's own words at any time; else only within STILL_THERE of a text of theirs
    answer: bool  # a human's own words within STILL_THERE of a text of theirs


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
    """The first row of PRECEDENCE that holds."""
    return next(standing for standing, holds in PRECEDENCE if holds(case))


def texts_wanted(case: Case) -> bool:
    """Did they say that texts are safe, and not take it back?"""
    return case.answers.get("contact") in TEXT_ALLOWED and "text" not in case.withdrawn


def may_text(case: Case, key: str) -> bool:
    """May software's words that answer nothing just received be texted to the resident?"""
    if case.cannot_text or not TERMS[standing(case)].unasked:
        return False
    return texts_wanted(case) and not (case.quiet and key not in THROUGH_QUIET)


def stopped_in_words(case: Case) -> bool:
    """They stopped texts in words that no carrier acts on: whoever writes again is answered."""
    return case.cannot_text == CannotText.STOPPED and Said.STOPPED_IN_WORDS in case.said


def may_note(case: Case, now: datetime) -> bool:
    """May a human's own words be sent? Where texting was called safe; else only as an answer to
    what was just written."""
    terms = TERMS[standing(case)]
    if case.parked or (case.cannot_text and not stopped_in_words(case)):
        return False
    if terms.human and texts_wanted(case):
        return True
    # "stop" asks for no answer
    wrote_since = case.marks[Mark.HEARD] > case.marks.get(
        Mark.WITHDRAWN, datetime.min.replace(tzinfo=UTC)
    )
    return (
        (terms.answer or stopped_in_words(case))
        and wrote_since
        and now - case.marks[Mark.HEARD] <= STILL_THERE
    )


def may_write_once(case: Case, reason: str) -> bool:
    """May a human who comes late send the one neutral text? In danger with contact not asked; after
    violence only with a supervisor's reason (rule 9)."""
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
    """May software ring them? Only after calling was said to be safe."""
    return (
        TERMS[standing(case)].calls
        and case.answers.get("contact") in CALL_ALLOWED
        and "call" not in case.withdrawn
    )


def calls_wanted(case: Case) -> bool:
    """May a human ring them? A stop of texts is no stop of calls."""
    reached = replace(case, cannot_text="") if case.cannot_text == CannotText.STOPPED else case
    return (
        TERMS[standing(reached)].human
        and case.answers.get("contact") in CALL_ALLOWED
        and "call" not in case.withdrawn
    )


UPDATE_CALL_PAUSE = timedelta(minutes=10)  # between two calls for what could not be texted


def may_call_update(case: Case, program: Program) -> bool:
    """May we call because texts do not reach them? Only where calls were called safe, and never
    after they stopped texts or took them back: then software speaks first by no way (rule 5). A
    Messaging Service has no number to call from."""
    return (
        may_call(case)
        and "text" not in case.withdrawn
        and program.numbers.ours[0].number.startswith("+")
    )


def missed(case: Case, key: str) -> bool:
    """Are these words held back only because texts do not reach them, or because they are to be
    called? Who asked for no updates, or for no word unasked, misses nothing by that."""
    reached = replace(case, cannot_text="")
    wanted = TERMS[standing(reached)].unasked and not (case.quiet and key not in THROUGH_QUIET)
    return (bool(case.cannot_text) or not texts_wanted(case)) and wanted


def mark_unheard(case: Case, held: Iterable[str], now: datetime) -> Case:
    """The case after words were held back: if they missed news by it, that is kept until a call or
    a text has told it."""
    return case.marked(now, Mark.UNTOLD) if any(missed(case, key) for key in held) else case


def catch_up_words(case: Case, unasked: bool = True) -> Step:
    """Texts reach them again: what they missed is told, as it stands now. What may not be told so
    stays untold: a danger that nobody has taken has its own words, and who is to be called is
    called."""
    if Mark.UNTOLD not in case.marks or case.cannot_text:
        return Step(case)
    if case.status == Status.SCREENING or case.ended:  # the question, or the end, tells it all
        return Step(case.unmarked(Mark.UNTOLD, Mark.NOT_REACHED))
    key = status_key(case)
    if case.page_waits or not may_text(case, key):
        return Step(case)
    return Step(
        replace(case.unmarked(Mark.UNTOLD, Mark.NOT_REACHED), told=key),
        (Say(key, unasked=unasked),),
    )


def truth_line(case: Case, again: bool) -> tuple[Case, str]:
    """The truth about waiting, never in the words of the last time. Who heard a human before hears
    that this one is gone."""
    if Mark.SPOKEN in case.marks:
        words = "truth.left_again" if case.truth_line == "truth.left" else "truth.left"
    else:
        words = (
            "truth.nobody_again"
            if again and case.truth_line != "truth.nobody_again"
            else "truth.nobody_yet"
        )
    return replace(case, truth_line=words), words


def deferred_words(case: Case, unasked: bool = False) -> Step:
    """What could not be said when it was due, or was lost: that somebody has it, or that nobody has
    joined yet."""
    effects: Effects = ()
    if case.held:
        return Step(
            case.unmarked(Mark.JOINED_OWED, Mark.TRUTH_OWED)
            if {Mark.JOINED_OWED, Mark.TRUTH_OWED} & case.marks.keys()
            else case
        )
    if (
        Mark.JOINED_OWED in case.marks
        and case.human_has_it
        and not case.watched
        and (may_text(case, "human.joined") or not unasked)
    ):
        case, effects = (
            case.unmarked(Mark.JOINED_OWED),
            (Say("human.joined", {"name": case.accepted_by}, unasked=unasked),),
        )
    if (
        Mark.TRUTH_OWED in case.marks
        and case.unjoined
        and (may_text(case, "truth.nobody_yet") or not unasked)
    ):
        words = case.truth_line or "truth.nobody_yet"  # as it was due, and could not be said
        if Mark.SPOKEN in case.marks and not words.startswith("truth.left"):
            words = "truth.left"
        case, effects = (
            replace(case, truth_line=words).unmarked(Mark.TRUTH_OWED),
            (Say(words, unasked=unasked), *effects),
        )
    return Step(case, effects)


def gated(case: Case, effects: Effects) -> tuple[Effects, tuple[str, ...]]:
    """The effects that may happen, and the keys of the words held back. What a human wrote was
    allowed where it was written (core/dispatch.py); a watched person hears nothing of
    software's."""
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
    """Status, cancel and changed contact: with the code word if one was set; else only outside
    danger, violence and argument. A number alone proves nothing."""
    if case.code_word:
        return verified
    return not sensitive(case)


def sensitive(case: Case) -> bool:
    """Danger or a sign of it, violence, an argument: somebody else may hold the phone."""
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
# About somebody else: received, coming or finished; never arrival, outcome or destination (rule
# 10).
OTHERS_WORDS = STATUS_WORDS | {
    Status.ACCEPTED: "status.other.received",
    Status.ASSIGNED: "status.other.received",
    Status.EN_ROUTE: "status.other.coming",
    Status.ARRIVED: "status.other.finished",
    Status.CLOSED: "status.other.finished",
    Status.CANCELLED: "status.other.finished",
}


def update_call_keys(case: Case) -> tuple[str, ...]:
    """The words a call tells instead of texts: where the case stands, as whoever holds this phone
    may hear it. A number alone hears no status of a danger, but whether anybody has come to it."""
    if not may_hear_status(case, verified=False):
        alone = case.page_waits and Mark.TRUTH in case.marks and not case.code_word
        return ("update_call.nobody_joined",) if alone else ("update_call.received",)
    moving = case.status in (Status.ACCEPTED, Status.ASSIGNED, Status.EN_ROUTE)
    # others were told no time
    late = moving and case.late and case.response in ("team", "counselor")
    stands = status_key(case).replace("status.", "update_call.", 1)
    return (stands, "update_call.late") if late else (stands,)


def status_key(case: Case) -> str:
    """The words for where the case stands, as this person may hear them."""
    return (OTHERS_WORDS if case.about_another else STATUS_WORDS)[case.status]
