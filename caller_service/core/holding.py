"""One voice at a time: what a named human does in a conversation (docs/safety-rules.md, rules 1, 9,
14, 20 and 21).

The first human who writes holds it. Another must take over, and the resident hears the name. A
danger never goes back to software: it is lowered first. Every deed has a name, and a reason where
it changes what was decided; the reason is kept sealed with the case, the journal holds codes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from . import hand_off
from .case import Case, Status, Step, move, replace
from .commands import said_again
from .disposition import decide, lower, reconsider
from .effect import Alert, Effect, HandOff, Record, Say, StandDown
from .escalation import asked_instead, page_rung, read_instead
from .marks import Mark
from .protocol import SKIPPED, UNREADABLE, Level
from .reach import ContactAnswer
from .refusal import Refused
from .routing import Scene
from .safe_contact import gated, may_note, may_write_once
from .said import Said
from .staff_words import StaffWords
from .terms import terms
from .vocabulary import normal

Deed = Callable[[Case, str, str, Scene], Step]  # done by name, with a reason

HELD_MARKS = (
    Mark.JOINED, Mark.AWAITS_HUMAN, Mark.HUMAN_ASKED, Mark.PAUSED, Mark.LAPSED,
    Mark.REPLY_PROMPTED, Mark.REPLY_LATE, Mark.HELD_PROMPTED, Mark.HELD_LATE, Mark.SHIFT_TOLD,
    Mark.SHIFT_LEFT,
)  # fmt: skip
MOST_HELD = 3  # conversations in danger that one person may hold (rule 21)


def note(
    case: Case,
    by: str,
    words: str,
    scene: Scene,
    reason: str = "",
    take_over: bool = False,
    others: int = 0,
) -> Step:
    """A human's own words to the resident. In danger the first who writes holds the conversation.

    `reason`: a supervisor's, for the one neutral text after violence. `others`: dangers that `by`
    holds already. Raises Refused: ended, may_not_text, held (by somebody else), full.
    """
    if case.ended:
        raise Refused("ended")
    if not (may_note(case, scene.now) or may_write_once(case, reason)):
        raise Refused("may_not_text")
    if (case.in_danger or case.held) and case.holder not in ("", by) and not take_over:
        raise Refused("held", case.holder)
    before = case
    if case.holder and case.holder != by:
        case = _voice_to(case, by, scene)
    if case.in_danger and not before.holder and others >= MOST_HELD:
        raise Refused("full")
    step = (
        speaks(case, by, words, scene)
        if case.in_danger or case.held
        else _says(case, by, words, scene)
    )
    case = step.case
    if reason:
        case = case.remarked(by, reason)
    took: tuple[Effect, ...] = ()
    if before.holder and before.holder != by:
        took = (
            Say("human.took_over", {"name": by}, unasked=True),
            Alert("alert.taken", before.holder, by),
            Record("took_over", {"by": by}),
        )
    return _kept(case, (*took, *step.effects, Record("note", {"by": by})))


def speaks(case: Case, by: str, words: str, scene: Scene) -> Step:
    """The words, and what they begin: `by` holds the conversation, and software falls silent."""
    # their shift is over: they may write, and the ladder goes on
    off = case.holder == by and Mark.SHIFT_LEFT in case.marks
    case, taken = (case, ()) if off else _taken(case, by, scene)
    case = replace(case, holder=by, asked="", offered=(), unreadable=0)
    case = case.unmarked(
        Mark.AWAITS_HUMAN,
        Mark.PAUSED,
        Mark.JOINED_OWED,
        Mark.TRUTH_OWED,
        Mark.HELD_PROMPTED,
        Mark.HELD_LATE,
        Mark.BACKSTOP_RUNG,
    )
    case = case if off else case.unmarked(Mark.LAPSED)
    case = (
        case.marked(scene.now, Mark.HUMAN_ASKED)
        if _asks(words, scene.program.staff)
        else case.unmarked(Mark.HUMAN_ASKED)
    )
    case = case.marked(scene.now, Mark.SPOKEN)
    step = _says(case, by, words, scene)
    return Step(step.case, (*step.effects, *taken))


def _asks(words: str, staff: StaffWords) -> bool:
    """Do a human's words ask for an answer? Doubt counts as a question: then silence is noticed
    (rule 21)."""
    sentences = re.split(r"[.!,;\n]+", words)
    return "?" in words or any((normal(each) or ("",))[0] in staff.asks for each in sentences)


def _taken(case: Case, by: str, scene: Scene) -> tuple[Case, tuple[Effect, ...]]:
    """Who speaks has the case: nobody else need come."""
    if case.human_has_it and case.accepted_by and not case.page_waits:
        return case, ()
    case = replace(case, accepted_by=by, review=False).marked(scene.now, Mark.ACKNOWLEDGED)
    case = case if case.human_has_it else move(case, Status.ACCEPTED, scene.now)
    return case, (Record("accepted", {"by": by, "time": ""}), StandDown(by))


def _says(case: Case, by: str, words: str, scene: Scene) -> Step:
    once = not may_note(case, scene.now)
    case = case.marked(scene.now, Mark.NOTED).unmarked(Mark.NOTE_LOST)
    case = case.marked(scene.now, Mark.NEUTRAL_SENT) if once else case
    return Step(
        case, (Say("note.neutral" if once else "note", {"name": by, "words": words}, unasked=True),)
    )


def words_taken(case: Case, scene: Scene) -> Step:
    """The provider took a human's first words: they have joined."""
    if case.ended or not case.holder or Mark.JOINED in case.marks:
        return Step(case)
    return Step(case.marked(scene.now, Mark.JOINED).unmarked(Mark.LAPSED), (Record("joined"),))


def never_heard(case: Case) -> Case:
    """None of their words ever reached the resident: nobody has joined, software answers, and the
    truth goes on (rule 4)."""
    if not case.holder or Mark.JOINED not in case.marks:
        return case
    return replace(case, holder="").unmarked(
        Mark.JOINED, Mark.SPOKEN, Mark.AWAITS_HUMAN, Mark.HUMAN_ASKED, Mark.PAUSED
    )


def take_over(case: Case, by: str, reason: str, scene: Scene, others: int = 0) -> Step:
    """`by` goes on in somebody else's place, or takes a conversation that software has. The
    resident hears the name."""
    if case.ended:
        raise Refused("ended")
    if case.holder == by:
        return Step(case)
    if case.in_danger and others >= MOST_HELD:
        raise Refused("full")
    before = case.holder or (case.accepted_by if case.accepted_by != by else "")
    case = _voice_to(case, by, scene).remarked(by, reason)
    told = (Alert("alert.taken", before, by),) if before else ()
    return _kept(
        case,
        (
            Say("human.took_over", {"name": by}, unasked=True),
            *told,
            HandOff("took_over"),
            Record("took_over", {"by": by}),
        ),
    )


def hand_over(case: Case, by: str, to: str, reason: str, scene: Scene, others: int = 0) -> Step:
    """`by` names who goes on. They have it from now on, and must be there by the clock `join`; else
    the ladder runs."""
    if case.ended:
        raise Refused("ended")
    if by not in (case.holder, case.accepted_by):
        raise Refused("held" if case.holder else "not_yours", case.in_charge)
    # the resident hears the name: it must be somebody we can tell
    if scene.program.rung_of(to) is None:
        raise Refused("no_such_person", to)
    if case.in_danger and others >= MOST_HELD:
        raise Refused("full_other", to)
    case = _voice_to(case, to, scene).remarked(by, reason)
    told: tuple[Effect, ...] = (
        Say("human.handed_over", {"name": to}, unasked=True),
        Alert("alert.handed", to, by),
        *(Alert(key, to) for key in terms(case)),
    )
    return _kept(case, (*told, HandOff("handed_over"), Record("handed_over", {"by": by, "to": to})))


def release(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """`by` gives it back. A danger runs down the ladder at once; anything else goes back to
    software."""
    if case.ended:
        raise Refused("ended")
    if by not in (case.holder, case.accepted_by):
        raise Refused("not_yours", case.in_charge)
    if case.status == Status.ARRIVED:  # who is there closes the case, or hands it to somebody
        raise Refused("cannot_move")
    spoke = case.held
    case = let_go(case.remarked(by, reason), scene)
    told = (HandOff("released"), Record("released", {"by": by}))
    if not case.in_danger:
        # a human reads on
        case, _ = reconsider(
            scene.program.protocol, said_again(case, frozenset({Said.WROTE_AGAIN}), scene)
        )
        case = replace(case, round=case.round + 1, review_rung=0).marked(
            scene.now, Mark.REVIEW, Mark.REVIEW_PAGED
        )
        case, pages = read_instead(case, by, scene)
        return _kept(case, (*pages, *told))
    case, pages = asked_instead(case.marked(scene.now, Mark.PAGED), by, scene)
    words = (Say("human.again", unasked=True),) if spoke else ()
    return _kept(case, (*words, *pages, *told))


def let_go(case: Case, scene: Scene) -> Case:
    """Nobody has it now. A team that has arrived is still there: only the conversation is let
    go."""
    if case.status == Status.ARRIVED:
        return replace(case, holder="").unmarked(*HELD_MARKS)
    case = replace(case, holder="", accepted_by="").unmarked(
        *HELD_MARKS, Mark.ACKNOWLEDGED, Mark.PROMISED
    )
    return move(case, Status.DECLINED, scene.now) if case.human_has_it else case


def pause(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """One pause of `clocks.pause`, announced: "on the phone for you" (rule 21)."""
    if case.ended:
        raise Refused("ended")
    if case.holder != by:
        raise Refused("not_yours", case.holder)
    if Mark.PAUSE_USED in case.marks:
        raise Refused("paused_before")
    case = case.remarked(by, reason).marked(scene.now, Mark.PAUSED, Mark.PAUSE_USED)
    minutes = str(max(1, scene.program.clocks.pause // 60))
    return _kept(
        case,
        (
            Say("human.paused", {"name": by, "minutes": minutes}, unasked=True),
            Record("paused", {"by": by}),
        ),
    )


def answer_for(case: Case, by: str, question: str, choice: str, reason: str, scene: Scene) -> Step:
    """A human answers for the resident, from what they were told. It may raise at once; what has
    fired stays until it is lowered. For `contact` it is also the human's confirmation (rule 5)."""
    if case.ended:
        raise Refused("ended")
    known = {each.id: each for each in scene.program.protocol.questions}
    if question not in known or known[question].kind != "choice":
        raise Refused("no_such_question")
    if choice not in {each.code for each in known[question].choices} - {SKIPPED, UNREADABLE}:
        raise Refused("no_such_choice")
    answers = {**case.answers, question: choice}
    again = tuple(name for name in case.again if name != question)
    case = replace(
        case, answers=answers, answered_for={**case.answered_for, question: by}, again=again
    )
    if question == "contact":
        case = replace(
            case,
            withdrawn=frozenset(),
            said=case.said
            if choice in (ContactAnswer.UNSAFE, ContactAnswer.UNWANTED)
            else case.said - {Said.UNSAFE},
        )
        case = case.marked(scene.now, Mark.CONTACT_CONFIRMED)
    if case.asked == question:
        case = replace(case, asked="", offered=(), unreadable=0)
    was = case.level
    case, _ = reconsider(scene.program.protocol, case.remarked(by, reason))
    effects: tuple[Effect, ...] = (
        HandOff("answered_for"),
        Record("answered_for", {"by": by, "question": question, "choice": choice}),
    )
    if case.in_danger and not (was is not None and was >= Level.R2) and not case.held:
        case = replace(case, round=case.round + 1, rung=0, response=case.response or "human")
        case = case.marked(scene.now, Mark.PAGED, Mark.FIRST_PAGED).unmarked(
            Mark.TRUTH, Mark.TRUTH_OWED, Mark.JOINED, Mark.LAPSED
        )
        effects = (*page_rung(case, "danger", 0, scene), *effects)
    return _kept(case, effects)


def lower_level(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """A named human answers for every reason there is. Danger said after this raises anew (rule
    1)."""
    if case.ended:
        raise Refused("ended")
    if not reason:
        raise Refused("reason_needed")
    if not case.in_danger:
        return Step(case)
    was = case.level.name if case.level is not None else ""
    case = (
        lower(scene.program.protocol, case)
        .remarked(by, reason)
        .unmarked(Mark.PAGED, Mark.FIRST_PAGED, Mark.TRUTH_OWED, *HELD_MARKS[1:])
    )
    case = case if case.in_danger else case.unmarked(Mark.SPOKEN)
    # nobody has it: what is left of it is for a human to read
    if not case.in_danger and not case.in_charge:
        case, _ = reconsider(
            scene.program.protocol, said_again(case, frozenset({Said.WROTE_AGAIN}), scene)
        )
        case = case.marked(scene.now, Mark.REVIEW)
    now = case.level.name if case.level is not None else ""
    return _kept(case, (HandOff("lowered"), Record("lowered", {"by": by, "from": was, "to": now})))


def lift_watched(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """A human has made sure that nobody watches any more (rule 9)."""
    if case.ended:
        raise Refused("ended")
    if not reason:
        raise Refused("reason_needed")
    if not case.watched:
        return Step(case)
    case = replace(case, said=case.said - {Said.WATCHED}).remarked(by, reason)
    return _kept(case, (HandOff("lifted"), Record("lifted", {"by": by})))


def looked(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """A named human confirms that they have looked at a minor's case (rule 14)."""
    if case.ended:
        raise Refused("ended")
    if case.minor_reviewed:
        return Step(case)
    case = (
        replace(case, minor_reviewed=by).remarked(by, reason).marked(scene.now, Mark.MINOR_REVIEWED)
    )
    return _kept(case, (HandOff("looked"), Record("minor_reviewed", {"by": by})))


def read_by(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """A human has read what asked for a look. What is said after this asks anew."""
    if case.ended:
        raise Refused("ended")
    rules = {
        rule.because
        for rule in scene.program.protocol.rules
        if rule.review and rule.level is None and rule.because != "under_18"
    }
    case = replace(case, set_aside=case.set_aside | (rules & set(case.because)))
    told = decide(scene.program.protocol, case)
    case = (
        replace(case, review=told.review)
        .remarked(by, reason)
        .unmarked(Mark.REVIEW, Mark.REVIEW_PAGED)
    )
    return _kept(case, (HandOff("read"), Record("reviewed", {"by": by})))


def _voice_to(case: Case, name: str, scene: Scene) -> Case:
    """`name` has the voice from now on, and must come by the clock `join`. After a human who was
    there, the waiting for one begins anew."""
    if case.in_danger and Mark.JOINED in case.marks:
        case = case.marked(scene.now, Mark.FIRST_PAGED).unmarked(Mark.TRUTH, Mark.BACKSTOP_RUNG)
    case = replace(case, holder=name, accepted_by=name, asked="", offered=(), unreadable=0)
    case = case if case.human_has_it else move(case, Status.ACCEPTED, scene.now)
    return case.unmarked(*HELD_MARKS, Mark.PAUSE_USED, Mark.PROMISED).marked(
        scene.now, Mark.ACKNOWLEDGED
    )


def _kept(case: Case, effects: tuple[Effect, ...]) -> Step:
    allowed, held = gated(case, effects)
    case, allowed = hand_off.revise(case, allowed)
    return Step(case, (*allowed, *(Record("held_back", {"words": key}) for key in held)))
