"""What a named human does in a conversation, one human at a time (docs/safety-rules.md, rules 1, 9,
14, 20 and 21).

The first human who writes holds the conversation. Another must take over, and the resident is told
their name. A danger never goes back to software: it is lowered first. Every action names a human,
and gives a reason if it changes a decision. Reasons are encrypted with the case; the journal has
codes only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import datetime

from . import hand_off
from .case import Case, Status, Step, move, replace
from .commands import said_again
from .disposition import decide, lower, reconsider
from .effect import Alert, Effect, HandOff, PlaceLink, Record, Say, StandDown
from .escalation import asked_instead, one_too_many, page_rung, read_instead
from .journal_events import Event
from .marks import Mark
from .protocol import SKIPPED, UNREADABLE, Level
from .reach import ContactAnswer
from .refusal import Refused
from .routing import Scene, works_now
from .safe_contact import by_phone, gated, may_note, may_write_once
from .said import Said
from .staff_words import StaffWords
from .terms import terms
from .vocabulary import normal

Deed = Callable[[Case, str, str, Scene], Step]  # case, name, reason, scene

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
    full: Collection[str] = (),
) -> Step:
    """Send a human's own words to the resident. In danger the first who writes holds the
    conversation.

    `reason`: a supervisor's, for the one neutral text after violence. `full`: who has as many
    dangers as one person may, this one apart. Raises Refused: ended, may_not_text, held (by
    somebody else), full.
    """
    if case.ended:
        raise Refused("ended")
    if not (may_note(case, scene.now) or may_write_once(case, reason)):
        raise Refused("may_not_text")
    if (case.in_danger or case.held) and case.holder not in ("", by) and not take_over:
        raise Refused("held", case.holder)
    if one_too_many(case, by, full, scene):
        raise Refused("full")
    before = case
    if case.holder and case.holder != by:
        case = _give_conversation(case, by, scene)
    step = (
        speaks(case, by, words, scene)
        if case.in_danger or case.held
        else _send_words(case, by, words, scene)
    )
    case = step.case
    if reason:
        case = case.remarked(by, reason)
    takeover: tuple[Effect, ...] = ()
    if before.holder and before.holder != by:
        takeover = (
            Say("human.took_over", {"name": by}, unasked=True),
            Alert("alert.taken", before.holder, by),
            Record(Event.TOOK_OVER, {"by": by}),
        )
    return _gated_step(case, (*takeover, *step.effects, Record(Event.NOTE, {"by": by})))


def speaks(case: Case, by: str, words: str, scene: Scene) -> Step:
    """Send a human's words: `by` now holds the conversation, and software asks nothing."""
    # after their shift they may still write, but the ladder continues
    shift_over = case.holder == by and Mark.SHIFT_LEFT in case.marks
    case, acceptance = (case, ()) if shift_over else _accept_by_writing(case, by, scene)
    case = case if case.holder == by else case.marked(scene.now, Mark.LED)
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
    case = case if shift_over else case.unmarked(Mark.LAPSED)
    case = (
        case.marked(scene.now, Mark.HUMAN_ASKED)
        if _asks(words, scene.program.staff)
        else case.unmarked(Mark.HUMAN_ASKED)
    )
    case = case.marked(scene.now, Mark.SPOKEN)
    step = _send_words(case, by, words, scene)
    return Step(step.case, (*step.effects, *acceptance))


def _asks(words: str, staff: StaffWords) -> bool:
    """Do a human's words ask for an answer? In doubt yes, so that silence is noticed (rule 21)."""
    sentences = re.split(r"[.!,;\n]+", words)
    return "?" in words or any((normal(each) or ("",))[0] in staff.asks for each in sentences)


def _accept_by_writing(case: Case, by: str, scene: Scene) -> tuple[Case, tuple[Effect, ...]]:
    """Whoever writes accepts the case; the others who were paged are stood down."""
    if case.human_has_it and case.accepted_by and not case.page_waits:
        return case, ()
    case = replace(case, accepted_by=by, review=False).marked(scene.now, Mark.ACKNOWLEDGED)
    case = case if case.human_has_it else move(case, Status.ACCEPTED, scene.now)
    return case, (Record(Event.ACCEPTED, {"by": by, "time": ""}), StandDown(by))


def _send_words(case: Case, by: str, words: str, scene: Scene) -> Step:
    once = not may_note(case, scene.now)
    case = case.marked(scene.now, Mark.NOTED).unmarked(Mark.NOTE_LOST)
    case = case.marked(scene.now, Mark.NEUTRAL_SENT) if once else case
    return Step(
        case, (Say("note.neutral" if once else "note", {"name": by, "words": words}, unasked=True),)
    )


def words_taken(case: Case, scene: Scene, written: datetime | None = None) -> Step:
    """The provider accepted a human's first words, or their first since there is a danger: they
    have joined. `written`: when they wrote them; words from before the danger are none to it, and
    those of who had it before are not theirs."""
    led = case.marks.get(Mark.LED)
    if written is not None and led is not None and written < led:
        return Step(case)
    joined, danger_at = case.marks.get(Mark.JOINED), case.marks.get(Mark.FIRST_PAGED)
    older = written is not None and danger_at is not None and written < danger_at
    if case.ended or not case.holder or (joined is not None and (older or not case.unjoined)):
        return Step(case)
    at = written if older and written is not None else scene.now
    return Step(case.marked(at, Mark.JOINED).unmarked(Mark.LAPSED), (Record(Event.JOINED),))


def joins_by_phone(case: Case, by: str, scene: Scene) -> Step:
    """`by`'s phone is being joined to the resident's: the human has them from here on (rule 20).
    Where another speaks with another call of that number, the conversation stays theirs."""
    if case.ended:
        return Step(case)
    before = case.holder
    if case.talking and before not in ("", by):
        effects = (Alert("alert.other_call", before, by), Record(Event.JOINED, {"by": by}))
        return _gated_step(case, effects)
    if before not in ("", by):
        case = _give_conversation(case, by, scene)
    case, acceptance = _accept_by_writing(case, by, scene)
    case = replace(
        case, holder=by, accepted_by=by, asked="", offered=(), asked_aloud=False, unreadable=0
    )
    case = case.unmarked(*HELD_MARKS, Mark.JOINED_OWED, Mark.TRUTH_OWED, Mark.BACKSTOP_RUNG)
    case = case.marked(scene.now, Mark.JOINED, Mark.SPOKEN, Mark.NOTED, Mark.TALKING)
    taken = (Alert("alert.taken", before, by),) if before not in ("", by) else ()
    effects = (*acceptance, *taken, HandOff("joined_by_phone"), Record(Event.JOINED, {"by": by}))
    return _gated_step(case, effects)


def never_heard(case: Case) -> Case:
    """None of the holder's words reached the resident: they have not joined, software answers
    again, and "nobody has joined yet" continues (rule 4)."""
    if not case.holder or Mark.JOINED not in case.marks:
        return case
    return replace(case, holder="", unheard=case.holder).unmarked(
        Mark.JOINED, Mark.SPOKEN, Mark.AWAITS_HUMAN, Mark.HUMAN_ASKED, Mark.PAUSED
    )


def heard_after_all(case: Case, written: datetime, others_lost: bool, scene: Scene) -> Step:
    """A human's words, written at `written`, were reported lost and have arrived after all.

    Whoever wrote them holds the conversation again, unless somebody else has it by now; even then
    software asks nothing, because a human has spoken (rule 20). `others_lost`: other words of a
    human have not arrived.
    """
    if case.ended:
        return Step(case)
    known_lost = Mark.NOTE_LOST in case.marks and not others_lost
    case = case.unmarked(Mark.NOTE_LOST) if known_lost else case
    name = case.unheard
    if not name:
        return Step(*hand_off.revise(case, ()))
    case = replace(case, unheard="", asked="", offered=(), unreadable=0)
    case = case.marked(scene.now, Mark.SPOKEN)
    theirs = (
        not case.holder
        and case.accepted_by == name
        and written >= case.marks.get(Mark.ACKNOWLEDGED, written)
    )
    if not theirs:
        return _gated_step(case, (Record(Event.NOTE_ARRIVED),))
    stood_down = (StandDown(name),) if case.page_waits else ()
    case = replace(case, holder=name).unmarked(
        Mark.JOINED_OWED, Mark.TRUTH_OWED, Mark.LAPSED, Mark.BACKSTOP_RUNG
    )
    case = case.marked(written, Mark.LED)
    # whether the words asked for an answer is not known any more: in doubt they did
    case = case.marked(scene.now, Mark.JOINED, Mark.HUMAN_ASKED)
    if case.marks[Mark.HEARD] > written:
        case = case.marked(scene.now, Mark.AWAITS_HUMAN)
    effects = (*stood_down, Alert("alert.note_arrived", name), HandOff("note_arrived"))
    return _gated_step(case, (*effects, Record(Event.JOINED)))


def take_over(case: Case, by: str, reason: str, scene: Scene, full: Collection[str] = ()) -> Step:
    """`by` takes the conversation from somebody else or from software; the resident is told the
    name. Raises Refused: ended, full."""
    if case.ended:
        raise Refused("ended")
    if case.holder == by:
        return Step(case)
    if one_too_many(case, by, full, scene):
        raise Refused("full")
    before = case.holder or (case.accepted_by if case.accepted_by != by else "")
    case = _give_conversation(case, by, scene).remarked(by, reason)
    alerts = (Alert("alert.taken", before, by),) if before else ()
    # "goes on with you" is true only after a human has written (rule 22)
    words = "human.took_over" if Mark.NOTED in case.marks else "human.joined"
    return _gated_step(
        case,
        (
            Say(words, {"name": by}, unasked=True),
            *alerts,
            HandOff("took_over"),
            Record(Event.TOOK_OVER, {"by": by}),
        ),
    )


def hand_over(
    case: Case, by: str, to: str, reason: str, scene: Scene, full: Collection[str] = ()
) -> Step:
    """`by` gives the conversation to `to`, who must write within the clock `join`, or the ladder
    pages. Raises Refused: ended, held, not_yours, no_such_person, off_duty, full_other."""
    if case.ended:
        raise Refused("ended")
    if by not in (case.holder, case.accepted_by):
        raise Refused("held" if case.holder else "not_yours", case.in_charge)
    # the resident is told this name, so we must be able to alert that person
    if scene.program.rung_of(to) is None:
        raise Refused("no_such_person")
    if not works_now(scene.program, to, scene.local):  # "goes on with you" would be untrue
        raise Refused("off_duty", to)
    if case.in_danger and to in full:
        raise Refused("full_other", to)
    case = _give_conversation(case, to, scene).remarked(by, reason)
    effects: tuple[Effect, ...] = (
        Say("human.handed_over", {"name": to}, unasked=True),
        Alert("alert.handed", to, by),
        *(Alert(key, to) for key in terms(case)),
    )
    return _gated_step(
        case, (*effects, HandOff("handed_over"), Record(Event.HANDED_OVER, {"by": by, "to": to}))
    )


def release(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """`by` gives the conversation back. In danger the ladder pages at once, or when the two who
    speak on the phone have parted; otherwise software continues. Raises Refused: ended,
    not_yours."""
    if case.ended:
        raise Refused("ended")
    if by not in (case.holder, case.accepted_by):
        raise Refused("not_yours", case.in_charge)
    if case.status == Status.ARRIVED:  # who is there closes the case, or hands it to somebody
        raise Refused("cannot_move")
    was_held = case.held
    case = let_go(wait_anew(case.remarked(by, reason), scene), scene)
    effects = (HandOff("released"), Record(Event.RELEASED, {"by": by}))
    if not case.in_danger:
        # a human still reviews it
        case, _ = reconsider(
            scene.program.protocol, said_again(case, frozenset({Said.WROTE_AGAIN}), scene)
        )
        case = replace(case, round=case.round + 1, review_rung=0).marked(
            scene.now, Mark.REVIEW, Mark.REVIEW_PAGED
        )
        case, pages = read_instead(case, by, scene)
        return _gated_step(case, (*pages, *effects))
    if case.talking:
        return _gated_step(case, effects)
    case, pages = asked_instead(case.marked(scene.now, Mark.PAGED), by, scene)
    words = (Say("human.again", unasked=True),) if was_held else ()
    return _gated_step(case, (*words, *pages, *effects))


def wait_anew(case: Case, scene: Scene) -> Case:
    """Whoever has the case leaves it. If they had joined, the clocks of "nobody has joined yet"
    count from now, or from when others were asked instead of them."""
    if not case.in_danger or Mark.JOINED not in case.marks:
        return case
    since = case.marks.get(Mark.LAPSED, scene.now)
    return case.marked(since, Mark.FIRST_PAGED).unmarked(Mark.TRUTH, Mark.BACKSTOP_RUNG)


def let_go(case: Case, scene: Scene) -> Case:
    """The case with nobody holding or having accepted it. A team that has arrived is still there:
    only the conversation is let go."""
    if case.status == Status.ARRIVED:
        return replace(case, holder="").unmarked(*HELD_MARKS)
    case = replace(case, holder="", accepted_by="").unmarked(
        *HELD_MARKS, Mark.ACKNOWLEDGED, Mark.PROMISED
    )
    return move(case, Status.DECLINED, scene.now) if case.human_has_it else case


def pause(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """Announce the holder's one pause of `clocks.pause` seconds: "on the phone for you" (rule 21).
    Whoever has not written yet has nothing to pause: only own words stop "nobody has joined yet"
    (rule 4). Raises Refused: ended, not_yours, write_first, paused_before."""
    if case.ended:
        raise Refused("ended")
    if case.holder != by:
        raise Refused("not_yours", case.holder)
    if not case.holder_wrote:
        raise Refused("write_first")
    if Mark.PAUSE_USED in case.marks:
        raise Refused("paused_before")
    case = case.remarked(by, reason).marked(scene.now, Mark.PAUSED, Mark.PAUSE_USED)
    minutes = str(max(1, scene.program.clocks.pause // 60))
    return _gated_step(
        case,
        (
            Say("human.paused", {"name": by, "minutes": minutes}, unasked=True),
            Record(Event.PAUSED, {"by": by}),
        ),
    )


def place_link(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """Text the resident a link with which they can mark where they are. Raises Refused: ended,
    may_not_text."""
    if case.ended:
        raise Refused("ended")
    if not by_phone(case, "place.link"):
        raise Refused("may_not_text")
    return Step(case.remarked(by, reason), (PlaceLink(), Record(Event.PLACE_LINK, {"by": by})))


def answer_for(case: Case, by: str, question: str, choice: str, reason: str, scene: Scene) -> Step:
    """A human answers a question for the resident, from what the resident told them. It may raise
    the level at once and lowers nothing. For `contact` it is also the human's confirmation (rule
    5). Raises Refused: ended, no_such_question, no_such_choice."""
    if case.ended:
        raise Refused("ended")
    questions = {each.id: each for each in scene.program.protocol.questions}
    if question not in questions or questions[question].kind != "choice":
        raise Refused("no_such_question")
    if choice not in {each.code for each in questions[question].choices} - {SKIPPED, UNREADABLE}:
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
    level_before = case.level
    case, _ = reconsider(scene.program.protocol, case.remarked(by, reason))
    effects: tuple[Effect, ...] = (
        HandOff("answered_for"),
        Record(Event.ANSWERED_FOR, {"by": by, "question": question, "choice": choice}),
    )
    if (
        case.in_danger
        and not (level_before is not None and level_before >= Level.R2)
        and not case.held
    ):
        case = replace(case, round=case.round + 1, rung=0, response=case.response or "human")
        case = case.marked(scene.now, Mark.PAGED, Mark.FIRST_PAGED).unmarked(
            Mark.TRUTH, Mark.TRUTH_OWED, Mark.JOINED, Mark.LAPSED
        )
        effects = (*page_rung(case, "danger", 0, scene), *effects)
    return _gated_step(case, effects)


def lower_level(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """A named human sets aside every present reason. Danger said later raises the level again (rule
    1). Raises Refused: ended, reason_needed."""
    if case.ended:
        raise Refused("ended")
    if not reason:
        raise Refused("reason_needed")
    if not case.in_danger:
        return Step(case)
    level_before = case.level.name if case.level is not None else ""
    case = (
        lower(scene.program.protocol, case)
        .remarked(by, reason)
        .unmarked(Mark.PAGED, Mark.FIRST_PAGED, Mark.TRUTH_OWED, *HELD_MARKS[1:])
    )
    case = case if case.in_danger else case.unmarked(Mark.SPOKEN).marked(scene.now, Mark.LOWERED)
    # nobody has it: a human reviews what remains
    if not case.in_danger and not case.in_charge:
        case, _ = reconsider(
            scene.program.protocol, said_again(case, frozenset({Said.WROTE_AGAIN}), scene)
        )
        case = case.marked(scene.now, Mark.REVIEW)
    level_after = case.level.name if case.level is not None else ""
    return _gated_step(
        case,
        (
            HandOff("lowered"),
            Record(Event.LOWERED, {"by": by, "from": level_before, "to": level_after}),
        ),
    )


def lift_watched(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """A human is sure that nobody watches any more (rule 9). Raises Refused: ended,
    reason_needed."""
    if case.ended:
        raise Refused("ended")
    if not reason:
        raise Refused("reason_needed")
    if not case.watched:
        return Step(case)
    case = replace(case, said=case.said - {Said.WATCHED}).remarked(by, reason)
    return _gated_step(case, (HandOff("lifted"), Record(Event.LIFTED, {"by": by})))


def looked(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """A named human confirms that they reviewed a minor's case (rule 14). Raises Refused: ended."""
    if case.ended:
        raise Refused("ended")
    if not case.needs_look:
        return Step(case)
    case = (
        replace(case, minor_reviewed=by).remarked(by, reason).marked(scene.now, Mark.MINOR_REVIEWED)
    )
    return _gated_step(case, (HandOff("looked"), Record(Event.MINOR_REVIEWED, {"by": by})))


def read_by(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """A human has done the review. What is said after this can ask for another. Raises Refused:
    ended."""
    if case.ended:
        raise Refused("ended")
    rules = {
        rule.because
        for rule in scene.program.protocol.rules
        if rule.review and rule.level is None and rule.because != "under_18"
    }
    case = replace(
        case,
        set_aside=case.set_aside | (rules & set(case.because)),
        said=case.said - {Said.NO_TEAM},
    )
    result = decide(scene.program.protocol, case)
    case = (
        replace(case, review=result.review)
        .remarked(by, reason)
        .unmarked(Mark.REVIEW, Mark.REVIEW_PAGED)
    )
    if case.moved_unlooked:  # that they read it is no look at a minor: asked for again, later
        case = case.marked(scene.now, Mark.REVIEW_PAGED)
    return _gated_step(case, (HandOff("read"), Record(Event.REVIEWED, {"by": by})))


def _give_conversation(case: Case, name: str, scene: Scene) -> Case:
    """Let `name` hold the conversation; they must write within the clock `join`. After another
    human had joined, the "nobody has joined yet" clocks start again."""
    if case.in_danger and Mark.JOINED in case.marks:
        case = case.marked(scene.now, Mark.FIRST_PAGED).unmarked(Mark.TRUTH, Mark.BACKSTOP_RUNG)
    case = replace(case, holder=name, accepted_by=name, asked="", offered=(), unreadable=0)
    case = case if case.human_has_it else move(case, Status.ACCEPTED, scene.now)
    return case.unmarked(*HELD_MARKS, Mark.PAUSE_USED, Mark.PROMISED).marked(
        scene.now, Mark.ACKNOWLEDGED, Mark.LED
    )


def _gated_step(case: Case, effects: tuple[Effect, ...]) -> Step:
    allowed, held = gated(case, effects)
    case, allowed = hand_off.revise(case, allowed)
    return Step(case, (*allowed, *(Record(Event.HELD_BACK, {"words": key}) for key in held)))
