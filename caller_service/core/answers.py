"""An answer counts only for the question it was sent for (rule 8), and lowers nothing (rule 1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from .case import Case, Status, Step, replace
from .completion import FOLLOW_UPS
from .effect import Record, Say
from .journal_events import Event
from .marks import Mark
from .protocol import SKIPPED, UNSURE, Question
from .questions import after_hand_off, readable_offer, stands_at
from .reach import ContactAnswer
from .reply import Answer
from .routing import Scene
from .service_area import locate


def readable(case: Case, scene: Scene, heard_at: datetime, delivered: datetime | None) -> bool:
    """Can the resident have read the open question before they wrote this text? (rule 8)"""
    if scene.read_at is not None:
        return heard_at >= scene.read_at
    if not case.asked or Mark.ASKED not in case.marks:
        return True
    clocks = scene.program.clocks
    receipt_in_time = delivered is not None and delivered <= heard_at  # known when the reply came
    assumed_at = case.marks[Mark.ASKED] + timedelta(seconds=clocks.unseen if clocks.read else 0)
    arrived_at = delivered if receipt_in_time and delivered is not None else assumed_at
    return heard_at >= arrived_at + timedelta(seconds=clocks.read)


def take_answer(
    case: Case,
    question: Question,
    reply: Answer,
    scene: Scene,
    heard_at: datetime,
    delivered: datetime | None,
) -> Step:
    """Count an answer only for the question it was sent for (rule 8). A safety "no" and a choice
    that opens contact count only if the question can have been read; a bare number counts only for
    the choices that were sent."""
    choice = reply.choice
    if (reply.by_place or question.opens(choice)) and not readable_offer(
        scene.program.protocol, case
    ):
        # the question is put again with today's choices
        return Step(case, (Record(Event.OFFER_DIFFERS, {"question": question.id}),))
    guarded = (question.safety and choice == "no") or question.opens(choice)
    if guarded and not readable(case, scene, heard_at, delivered):
        if not case.too_fast:
            return Step(
                replace(case, too_fast=1),
                (Say("too_fast"), Record(Event.TOO_FAST, {"question": question.id})),
            )
        choice = UNSURE if question.safety else SKIPPED
    return record_answer(case, question, choice, scene)


def deaf_by_words(case: Case) -> Case:
    """They wrote that they are deaf: no call is offered or made. After "call only" contact is asked
    once more, because that may mean a relay and opens no texts (rule 10)."""
    contact = case.answers.get("contact")
    if contact == ContactAnswer.TEXT_CALL:
        answers = {**case.answers, "contact": str(ContactAnswer.TEXT_DEAF)}
        return replace(case, deaf=True, answers=answers)
    if contact == ContactAnswer.CALL and not case.deaf and case.status == Status.SCREENING:
        rest = {name: choice for name, choice in case.answers.items() if name != "contact"}
        return replace(case, deaf=True, answers=rest, again=("contact", *case.again))
    return replace(case, deaf=True)


def record_answer(case: Case, question: Question, choice: str, scene: Scene) -> Step:
    """Store an answer. A later answer to a safety question lowers nothing: earlier reasons stay."""
    if choice in (ContactAnswer.TEXT_CALL, ContactAnswer.TEXT) and case.deaf:
        choice = ContactAnswer.TEXT_DEAF
    again = tuple(name for name in case.again if name != question.id)
    case = replace(
        case,
        answers={**case.answers, question.id: str(choice)},
        again=again,
        unreadable=0,
        too_fast=0,
    )
    case = _reinstate_reasons(case, question, scene)
    if question.follow_up:
        step = FOLLOW_UPS[question.id](replace(case, asked="", offered=()), choice, scene)
        return _put_follow_up(step, scene)
    if question.kind == "place":
        case = replace(case, located="skipped")
    return Step(case, (Record(Event.ANSWERED, {"question": question.id, "choice": choice}),))


def _put_follow_up(step: Step, scene: Scene) -> Step:
    """Put the next open follow-up question, so that only one numbered question is open at a
    time."""
    if step.case.asked or step.case.ended or step.case.in_danger:
        return step
    name = after_hand_off(scene.program.protocol, step.case)
    return (
        Step(stands_at(scene.program.protocol, step.case, name, scene.now), step.effects)
        if name
        else step
    )


def _reinstate_reasons(case: Case, question: Question, scene: Scene) -> Case:
    """A reason that a human set aside counts again if this very answer gives it again (rule 1)."""
    facts = case.facts()
    reinstated = {
        rule.because
        for rule in scene.program.protocol.rules
        if rule.because in case.set_aside
        and question.id in rule.when.names()
        and rule.when.holds(facts)
    }
    if not reinstated or case.answers[question.id] == "no":
        return case
    because = tuple(reason for reason in case.because if reason not in reinstated)
    return replace(case, set_aside=case.set_aside - reinstated, because=because)


def whose_place(case: Case) -> bool | None:
    """Is the place they give somebody else's? None: not known."""
    for_me = case.answers.get("who") in ("me", "me_minor")
    return True if case.about_another else False if for_me else None


def take_place(case: Case, question: Question, text: str, scene: Scene) -> Step:
    found = locate(text, scene.program, scene.local, about_another=whose_place(case))
    again = tuple(name for name in case.again if name != question.id)
    case = replace(
        case,
        place=text,
        located=found.kind,
        area=found.area,
        point=found.point,
        again=again,
        unreadable=0,
    )
    return Step(
        replace(case, answers={**case.answers, question.id: "given"}),
        (Record(Event.PLACED, {"located": found.kind, "area": found.area}),),
    )
