"""After the hand-off somebody is told of all words, and a question stands behind them (rule 7)."""

from __future__ import annotations

from datetime import timedelta

from .answers import record_answer
from .case import Case, Step, replace
from .commands import said_again
from .effect import Alert, Effect, Say
from .marks import Mark
from .protocol import UNREADABLE, Question
from .questions import CHOICES, stands_at
from .reply import Nothing, Reply, Thanks
from .routing import Scene
from .safe_contact import Standing, standing
from .said import Said
from .turn_steps import LINES, READ_LINES, alert_accepter, forward_words, next_line

# a human who wrote this recently leads the conversation: software puts no check question
HUMAN_NEAR = timedelta(minutes=15)


def hear_after_hand_off(
    case: Case, reply: Reply, said: str, question: Question | None, scene: Scene
) -> Step:
    """Handle words that are no command and no answer: tell somebody, always, and put a check
    question where software may."""
    if isinstance(reply, Thanks) and not case.in_danger:
        return Step(case, (Say("thanks.open"),))
    if case.in_danger:
        case, words = next_line(case, LINES)
        return Step(
            case, (words, *alert_accepter(case, "alert.words", said.strip()), *forward_words(case))
        )
    if question is not None and question.id == "check":
        case = replace(case, unreadable=case.unreadable + 1)
        if case.unreadable >= scene.program.protocol.unreadable_limit:
            return record_answer(case, question, UNREADABLE, scene)
    case, alerts = tell_somebody(case, said, scene)
    case, words = next_line(case, READ_LINES)
    spoken = Say("unclear.media") if isinstance(reply, Nothing) else words
    check = _check_question(case, scene)
    if check and case.asked != check:
        case = replace(
            case, answers={name: choice for name, choice in case.answers.items() if name != check}
        )
        if case.asked in CHOICES:  # put again once the next person has not accepted (rule 12)
            case = case.unmarked(Mark.LADDER_ENDED)
        case = stands_at(scene.program.protocol, case, check, scene.now).marked(
            scene.now, Mark.CHECKED, Mark(f"{check}_asked")
        )
        return Step(case, (spoken, *alerts))
    if question is not None and not check and question.id != "check":
        case = replace(case, unreadable=case.unreadable + 1)
        if case.unreadable >= scene.program.protocol.unreadable_limit:
            step = record_answer(case, question, UNREADABLE, scene)
            return Step(step.case, (spoken, *alerts, *step.effects))
    return Step(case, (spoken, *alerts))


def tell_somebody(case: Case, said: str, scene: Scene) -> tuple[Case, tuple[Effect, ...]]:
    """Alert whoever has the case at once; if nobody has it, ask for a review."""
    name = case.holder or (case.accepted_by if case.human_has_it else "")
    if name:
        return case, (Alert("alert.words", name, said.strip()), *forward_words(case))
    # dispatch asked the resident something: the revision carries the answer
    if human_near(case, scene):
        return case, forward_words(case)
    return said_again(case, frozenset({Said.WROTE_AGAIN}), scene), forward_words(case)


def human_near(case: Case, scene: Scene) -> bool:
    """Did a human write to the resident within HUMAN_NEAR?"""
    written_at = [
        case.marks[mark] for mark in (Mark.NOTED, Mark.ASKED_RESIDENT) if mark in case.marks
    ]
    return bool(written_at) and scene.now - max(written_at) < HUMAN_NEAR


def _check_question(case: Case, scene: Scene) -> str:
    """The check question to put after a message: "reached" (did they get through to 911?), "check"
    (is anyone in danger?) or "" for none.

    None after violence, while a human leads the conversation, or within `check_again` seconds of
    the last one.
    """
    if standing(case) in (Standing.VIOLENCE, Standing.WATCHED) or case.asked == "check":
        return ""
    checked = case.marks.get(Mark.CHECKED)
    if human_near(case, scene):
        return ""
    if Mark.TOLD_911 in case.marks and Mark.REACHED_ASKED not in case.marks:
        return "reached"
    if checked is not None and scene.now - checked < timedelta(
        seconds=scene.program.clocks.check_again
    ):
        return ""
    return "check"
