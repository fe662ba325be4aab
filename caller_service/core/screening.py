"""One turn: what a text changes, what is asked next, what must happen (domain.md section 2).

`advance` is the whole of it: read -> apply -> recompute the level -> page if danger is new -> ask on, or route.
"""

from __future__ import annotations

from datetime import datetime

from . import hand_off
from .asking import ask, greet, is_follow_up, next_question, seen_question
from .case import Case, Status, Step, move, replace
from .commands import ALONE, COMMANDS, NO_REQUEST, URGENT
from .disposition import reconsider
from .effect import Ask, Effect, HandOff, Record, Say
from .escalation import page_rung
from .ledger import end
from .protocol import UNREADABLE, Protocol, Question, Rule
from .reply import Answer, Command, Danger, Nothing, PlaceGiven, Reading, Story
from .routing import Scene
from .safe_contact import gated, owed, told_after_all
from .service_area import locate
from .settling import FOLLOW_UPS, settle

LONGEST_NARRATIVE = 20  # texts kept for the team; all of them stay in the ledger of messages


def advance(case: Case, reading: Reading, said: str, scene: Scene, heard: datetime) -> Step:
    """One text of the resident, read. `heard` is when it reached us; `scene.now` when it is decided."""
    first = not case.marks
    command = reading.reply.name if isinstance(reading.reply, Command) else ""
    if case.awaits_answer:
        case = case.marked(answered_resident=heard)
    case = replace(case, said=case.said | reading.markers).marked(heard=heard).unmarked("asked_again")
    case = case.marked(opened=heard) if first else _writes_again(case)
    if first and command in NO_REQUEST:
        return _nothing_open(Step(case, (Say("status.none"),)), scene)
    step = _apply(case, reading, said, scene, heard)
    if command in ALONE and not (first and command == "help"):  # "help" at first may be a plea: it opens a request
        step = _nothing_open(step, scene) if first else Step(*hand_off.revise(step.case, step.effects))
        return Step(step.case, gated(step.case, step.effects)[0])
    missed = told_after_all(step.case, unasked=False)
    told = (*step.effects, *(effect for effect in missed.effects if effect not in step.effects))
    step = conclude(missed.case, told, scene, urgent=_urgent(reading))
    late = owed(step.case)
    step = Step(late.case, (*late.effects, *step.effects))
    effects = _with_preamble(step.effects, greet(step.case, scene)) if first else step.effects
    return Step(step.case, gated(step.case, effects)[0])


def _writes_again(case: Case) -> Case:
    """A text of theirs shows that the line works, and begins silence anew."""
    came_through = "" if case.cannot_text == "undelivered" else case.cannot_text
    return replace(case, cannot_text=came_through, said=case.said - {"quiet"}).unmarked("review_paged")


def _nothing_open(step: Step, scene: Scene) -> Step:
    """No request began: the case exists so that the ledger is whole, and ends at once."""
    return Step(end(step.case, Status.CLOSED, "no_request", scene.now), step.effects)


def _with_preamble(effects: tuple[Effect, ...], preamble: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """Before question 1, but behind what to do when a life is in danger."""
    at = next((place for place, effect in enumerate(effects) if isinstance(effect, Ask)), len(effects))
    return effects[:at] + preamble + effects[at:]


def conclude(case: Case, effects: tuple[Effect, ...], scene: Scene, urgent: bool = False) -> Step:
    """After anything changed: recompute the level, page what is newly dangerous, and ask on or route."""
    step = recompute(case, scene, urgent)
    case, effects = step.case, effects + step.effects
    if not case.ended:
        step = _ask_on(case, scene)
        case, effects = step.case, effects + step.effects
    return Step(*hand_off.revise(case, effects))


def recompute(case: Case, scene: Scene, urgent: bool = False) -> Step:
    """The level on today's truth; a danger that is new, or said again, pages a human at once."""
    case, new = reconsider(scene.program.protocol, case)
    danger = tuple(rule for rule in new if rule.level is not None)
    if not case.ended and (danger or (urgent and case.in_danger)):
        return page(case, danger, scene)
    spoken = tuple(Say(rule.say) for rule in new[:1] if rule.say)
    if spoken and not case.ended:  # "A person here will read this": from now on the review clock holds us to it
        return Step(case.marked(review=scene.now), (*spoken, HandOff("review")))
    return Step(case, spoken)


def _ask_on(case: Case, scene: Scene) -> Step:
    """The next question, the same one again, or the end of the row."""
    protocol = scene.program.protocol
    if case.asked and is_follow_up(case, protocol.question(case.asked)):
        if not case.in_danger:
            return _put(case, protocol.question(case.asked), scene)
        case = replace(case, asked="", unreadable=0)  # danger goes first
    over = not case.asked and not case.in_danger and case.status != Status.SCREENING and "asked" in case.marks
    question = None if over else next_question(protocol, case)
    if question is not None:
        return _put(case, question, scene)
    if not case.asked:
        return Step(case)
    case = replace(case, asked="", unreadable=0)
    return Step(case, (Say("end.human"),)) if case.in_danger else settle(case, scene)


def _put(case: Case, question: Question, scene: Scene) -> Step:
    """Ask a question, new or once more. The same question keeps its count of unreadable replies."""
    if question.id != case.asked:
        case = replace(case, asked=question.id, unreadable=0)
    case = case.marked(asked=scene.now)
    return Step(case, (ask(scene.program.protocol, case),))


def page(case: Case, danger: tuple[Rule, ...], scene: Scene) -> Step:
    """A human is needed now: said to the resident, handed off, and the first rung paged at once.

    While people are already being paged and nobody has accepted, a further reason joins the same queue and clocks.
    """
    words = tuple(Say(rule.say) for rule in danger[:1] if rule.say)
    waiting = case.page_waits
    case = replace(case, response=case.response or "human")  # a team that was chosen stays chosen
    if case.status == Status.SCREENING:
        case = move(move(case, Status.OPEN, scene.now), Status.HANDED_OFF, scene.now)
    told = HandOff("danger")
    if waiting:
        return Step(case, (*words, told))
    case = replace(case, round=case.round + 1, rung=0).marked(paged=scene.now, first_paged=scene.now).unmarked("truth", "truth_owed")
    return Step(case, (*words, *page_rung(case, "danger", 0, scene), told))


# ---- applying one reply ---------------------------------------------------------------------------------------------


def _apply(case: Case, reading: Reading, said: str, scene: Scene, heard: datetime) -> Step:
    protocol, reply = scene.program.protocol, reading.reply
    if isinstance(reply, Command):
        return COMMANDS[reply.name](case, reply, reading, scene)
    question = seen_question(protocol, case, heard)
    if isinstance(reply, Danger):
        return _danger(_told(case, said), reply, protocol)
    if isinstance(reply, Answer) and question is not None:
        return _answer(case, question, reply.choice, scene, heard)
    if isinstance(reply, PlaceGiven) and question is not None:
        return _place(case, question, reply.text, scene)
    return _unread(case, reply, said, question, scene, heard)


def _told(case: Case, said: str) -> Case:
    return replace(case, narrative=(*case.narrative, said.strip())[-LONGEST_NARRATIVE:])


def _danger(case: Case, reply: Danger, protocol: Protocol) -> Step:
    """Life danger in free text: what to do, at once; a human; and `health` asked again (rule 7)."""
    answers = {name: answer for name, answer in case.answers.items() if name != "health"}
    again = ("health", *(name for name in case.again if name != "health"))
    words = tuple(Say(key) for key in dict.fromkeys(key for kind, key in protocol.dangers.items() if kind in reply.kinds))
    return Step(replace(case, said=case.said | set(reply.kinds), answers=answers, again=again, asked=case.asked or "health"), words[:2])


def _answer(case: Case, question: Question, choice: str, scene: Scene, heard: datetime) -> Step:
    too_fast = heard.timestamp() - case.marks["asked"].timestamp() < scene.program.clocks.read
    if question.safety and choice == "no" and too_fast:
        return Step(case, (Say("too_fast"), Record("too_fast", {"question": question.id})))
    return _answered(case, question, choice, scene)


def _answered(case: Case, question: Question, choice: str, scene: Scene) -> Step:
    """Keep an answer. An answer once given to a safety question is not lowered by a later one: its reasons stay."""
    again = tuple(name for name in case.again if name != question.id)
    case = replace(case, answers={**case.answers, question.id: choice}, again=again, unreadable=0)
    if is_follow_up(case, question):
        return FOLLOW_UPS[question.id](replace(case, asked=""), choice, scene)
    if question.kind == "place":
        case = replace(case, located="skipped")
    return Step(case, (Record("answered", {"question": question.id, "choice": choice}),))


def _place(case: Case, question: Question, text: str, scene: Scene) -> Step:
    there = locate(text, scene.program, scene.local.date())
    again = tuple(name for name in case.again if name != question.id)
    case = replace(case, place=text, located=there.kind, area=there.area, point=there.point, again=again, unreadable=0)
    return Step(
        replace(case, answers={**case.answers, question.id: "given"}), (Record("placed", {"located": there.kind, "area": there.area}),)
    )


def _unread(case: Case, reply: object, said: str, question: Question | None, scene: Scene, heard: datetime) -> Step:
    """Words that answer nothing. They are kept; the third in a row on one question is itself an answer: doubt.

    Of the first words of all, a single one ("hi") is no request yet, and is not kept with the case (core/ledger.py).
    """
    words_alone = not case.asked and not isinstance(reply, Nothing) and ("asked" in case.marks or len(said.split()) > 1)
    if isinstance(reply, Story) or words_alone:
        case = _told(case, said)
    if not case.asked:
        if case.status == Status.OPEN and "told_911" in case.marks:  # "I want 911", and then more words: a human, now
            return Step(replace(case, said=case.said | {"person"}), ())
        return Step(case, () if case.human_has_it and case.in_danger else _passed_on(case, reply))
    if question is None:
        return Step(case, ())  # written before the question was seen: keep it, put the question
    early = heard.timestamp() - case.marks["asked"].timestamp() < scene.program.clocks.read
    if early and isinstance(reply, Story):
        return Step(case, (Say("thanks_story"),))
    case = replace(case, unreadable=case.unreadable + 1)
    if case.unreadable >= scene.program.protocol.unreadable_limit:
        return _answered(case, question, UNREADABLE, scene)
    words = "unclear.media" if isinstance(reply, Nothing) else "thanks_story" if isinstance(reply, Story) else "unclear"
    return Step(case, (Say(words),))


def _passed_on(case: Case, reply: object) -> tuple[Effect, ...]:
    if not case.marks.get("asked"):  # the first words of all: the preamble and question 1 answer them
        return ()
    return (Say("unclear.media" if isinstance(reply, Nothing) else "passed_on"),)


def _urgent(reading: Reading) -> bool:
    """Said again, these page again even when nothing about them is new."""
    reply = reading.reply
    return isinstance(reply, Danger) or (isinstance(reply, Command) and reply.name in URGENT)
