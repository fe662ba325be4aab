"""What is asked next, and how it is worded: functions of protocol and answers (domain.md section 2)."""

from __future__ import annotations

from datetime import datetime

from .case import Case, replace
from .effect import Ask, Effect, Say
from .protocol import Protocol, Question
from .routing import Scene, team_working


def variant(case: Case) -> str:
    """How a question speaks of the person who needs help: me, they, or "the person" while that is unclear."""
    who = case.answers.get("who")
    return "me" if who in ("me", "me_minor") else "they" if who in ("adult", "child") else "person"


def ask(protocol: Protocol, case: Case, unasked: bool = False) -> Ask:
    """The question a case stands at, worded and with the choices this person can use."""
    question = protocol.question(case.asked)
    choices = tuple(choice.code for choice in question.offered(case.facts()))
    return Ask(question.id, variant(case) if question.by_who else "", choices, unasked)


def next_question(protocol: Protocol, case: Case) -> Question | None:
    """What is asked next: a function of protocol and answers. Once a human is paged only contact and where are left."""
    for name in case.again:
        return protocol.question(name)
    facts = case.facts()
    for question in protocol.questions:
        if question.follow_up or question.id in case.answers or (case.in_danger and not question.in_danger):
            continue
        if question.when.holds(facts):
            return question
    return None


def seen_question(protocol: Protocol, case: Case, heard: datetime) -> Question | None:
    """The question the sender had before them; None if it was asked after they wrote."""
    if not case.asked or heard < case.marks.get("asked", heard):
        return None
    return protocol.question(case.asked)


def stands_at(case: Case, question: str, now: datetime) -> Case:
    """The case with a question newly before the resident."""
    return replace(case, asked=question, unreadable=0).marked(asked=now)


def choose_anew(case: Case, now: datetime) -> Case:
    """Asked again what to do if no team is free: the row of questions is long over, so the answer is a follow-up (core/settling.py)."""
    return stands_at(case, "if_none", now).marked(chooses_anew=now)


def is_follow_up(case: Case, question: Question) -> bool:
    """Is this asked outside the row, so that its answer does not lead to the next question?"""
    return question.follow_up or (question.id == "if_none" and "chooses_anew" in case.marks)


def greet(case: Case, scene: Scene) -> tuple[Effect, ...]:
    """The preamble, said before question 1, and that no team is working if none is."""
    words: list[Effect] = [Say("preamble")]
    if not team_working(scene):
        words.append(Say("preamble.no_team"))
    if len(scene.program.languages) > 1:
        words.append(Say("language.hint"))
    return tuple(words)
