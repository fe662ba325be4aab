"""What a key changes: an answer to the part that was asked, the keys that mean the same at every
moment, and a key that means nothing here (docs/safety-rules.md, rule 2)."""

from __future__ import annotations

from dataclasses import replace as with_changes

from .case import Case, Status, Step, replace
from .disposition import reconsider
from .effect import Ask, Record
from .journal_events import Event
from .marks import Mark
from .phone_asking import ask_part, decide, go_on, put, repeat
from .phone_script import (
    WRONG_KEYS,
    At,
    Line,
    Position,
    Spoken,
    Surroundings,
    spoken_lines,
    unspoken,
)
from .protocol import SKIPPED, UNREADABLE, Part, Question
from .reply import Answer, Command, CommandName
from .routing import Scene
from .screening import conclude


def always_key(
    case: Case, key: str, position: Position, scene: Scene, around: Surroundings
) -> Spoken:
    """The keys that mean the same at every moment: a person, 911, once more."""
    position = with_changes(position, silent=0, wrong=0)
    if key == "*":
        position = with_changes(position, slower=True)
        return repeat(Step(case), position, scene, around)
    if key == "9" and Mark.TOLD_911 in case.marks:  # they heard it and are still here: a person too
        told = spoken_lines(decide(case, Command(CommandName.EMERGENCY, alone=False), scene))
        return go_on(
            unspoken(decide(case, Command(CommandName.PERSON), scene)), position, scene, told
        )
    reply = (
        Command(CommandName.PERSON) if key == "0" else Command(CommandName.EMERGENCY, alone=False)
    )
    step = decide(case, reply, scene)
    if key == "0":
        return go_on(step, position, scene)
    # the words themselves, and the open question stays
    return repeat(unspoken(step), position, scene, around, spoken_lines(step))


def count_choice(
    case: Case, part: Part, question: Question, choice: str, position: Position, scene: Scene
) -> Spoken:
    """Count an answer, and go on. "Not sure" about contact is not safe; a part that adds nothing
    leaves the answer as it is."""
    if choice == SKIPPED and (part.refines or part.unsure):
        choice = part.gives[-1]
    elif choice == UNREADABLE and _stays(case, part, question):
        # what an earlier part answered stays, and a human reads why
        doubted = replace(case, answers={**case.answers, question.id: UNREADABLE})
        doubted, _ = reconsider(scene.program.protocol, doubted)
        case, choice = replace(doubted, answers=case.answers), part.gives[-1]
    too_fast = case.too_fast
    if question.kind == "place" or choice != case.answers.get(question.id):
        step = decide(case, Answer(choice), scene)
    else:
        step = conclude(
            case, (Record(Event.ANSWERED, {"question": part.id, "choice": choice}),), scene
        )
    if step.case.too_fast > too_fast:  # it is asked once more
        unheard = (each for each in position.said if not each.key.startswith("spoken.preamble"))
        lines = (Line("spoken.too_fast"), *unheard)  # the preamble comes with its question
        asked = put(step.case, part, scene)
        return ask_part(Step(asked, unspoken(step).effects), part, position, scene, lines)
    spoken = (*step.case.spoken, part.id) if part.id not in step.case.spoken else step.case.spoken
    step = Step(replace(step.case, spoken=spoken), step.effects)
    if not step.case.in_danger and step.case.status == Status.SCREENING:
        # what was answered may open another part: the order is looked up once it is counted
        again = conclude(step.case, (), scene)
        kept = tuple(each for each in step.effects if not isinstance(each, Ask))
        step = Step(again.case, (*kept, *again.effects))
    return go_on(step, with_changes(position, wrong=0), scene)


def _stays(case: Case, part: Part, question: Question) -> bool:
    """Does a key that nobody understands leave the answer as it is, or make contact unsafe?"""
    return part.unsure or (part.refines and part.gives[-1] == case.answers.get(question.id))


def not_a_key(case: Case, position: Position, scene: Scene, around: Surroundings) -> Spoken:
    """A key that means nothing here; the third in a row is doubt (rule 2)."""
    wrong = position.wrong + 1
    position = with_changes(position, wrong=wrong)
    if wrong < WRONG_KEYS:
        again = "spoken.not_a_key.again" if position.key else "spoken.not_a_key.words"
        line = "spoken.not_a_key" if wrong == 1 else again
        return repeat(Step(case), position, scene, around, (Line(line),))
    if position.at != At.ASKED:
        return go_on(decide(case, Command(CommandName.PERSON), scene), position, scene)
    part = scene.program.protocol.part(position.part)
    question = scene.program.protocol.question(part.question)
    return count_choice(case, part, question, UNREADABLE, with_changes(position, wrong=0), scene)
