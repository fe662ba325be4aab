"""What is put to a caller: the greeting, a question and its keys, the languages; what is open once
more; and what comes after a decision (docs/phone.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as with_changes

from .case import Case, Status, Step, replace
from .effect import PlaceLink, Record
from .held_conversation import while_held, while_left
from .journal_events import Event
from .marks import Mark
from .phone_place import ask_number, ask_street, read_back_lines
from .phone_script import (
    FIRST_SILENCE,
    MENU,
    WITH_HUMAN,
    At,
    Line,
    Position,
    Spoken,
    Surroundings,
    closing,
    spoken_lines,
    unspoken,
)
from .phone_waiting import in_language, in_queue, psap_line, to_human, wait
from .protocol import Part, Question
from .questions import next_part, stands_at, variant
from .reply import Command, CommandName, Danger, Reading, Reply, Unclear
from .routing import Scene, team_working
from .safe_contact import by_phone
from .said import Said
from .screening import advance, conclude


def who_we_are(around: Surroundings) -> tuple[Line, ...]:
    """Who we are, and how to change the language, each in its own."""
    first, *others = around.languages
    lines = [Line("spoken.greeting.program", language=first)]
    if others:
        lines.append(Line("spoken.language", {"number": "2"}, others[0]))
    if len(others) > 1:
        lines.append(Line("spoken.greeting.languages", {"number": "3"}, first))
    return tuple(lines)


def speech_notice(scene: Scene) -> tuple[Line, ...]:
    """Before words are listened for, the caller knows that they are written down."""
    return (Line("spoken.speech"),) if scene.program.phone.speech else ()


def greet(step: Step, scene: Scene, around: Surroundings) -> Spoken:
    """The greeting and the question that is open. A key for a language counts until that question
    is half spoken."""
    part = next_part(scene.program.protocol, step.case)
    if part is None:
        return go_on(step, Position(), scene)
    case = put(step.case, part, scene)
    lines = (
        *who_we_are(around), Line("spoken.greeting.danger"), Line("spoken.greeting.person"),
        *speech_notice(scene),
    )  # fmt: skip
    asks = question_lines(case, part, scene)
    return Spoken(
        Step(case, step.effects),
        Position(At.GREETING, part.id),
        (*lines, *asks),
        question=len(lines),
    )


def callback_line(step: Step, scene: Scene) -> Spoken:
    """Whoever holds the phone may ring back the number that rang it: it says nothing of us."""
    lines = [Line("spoken.callback.line")]
    others = [tag for tag in scene.program.languages if tag != step.case.language]
    lines += [Line("spoken.callback.line", language=tag) for tag in others[:1]]
    return Spoken(step, Position(At.CALLBACK_LINE), tuple(lines), question=0)


def status_menu(step: Step, position: Position, lines: tuple[Line, ...]) -> Spoken:
    """Somebody with an open request calls: a number alone proves nothing (rule 10)."""
    return Spoken(
        step,
        with_changes(position, at=At.STATUS),
        (*lines, Line("spoken.open_request"), Line("spoken.open_request.keys")),
        question=len(lines) + 1,
    )


_ONCE = frozenset({"spoken.language", "spoken.greeting.languages"})


def in_menu(around: Surroundings, page: int) -> tuple[str, ...]:
    """The languages of a page of the menu. The one that is spoken now is last, for whoever came
    here by mistake."""
    first, *others = around.languages
    return (*others, first)[page * MENU : (page + 1) * MENU]


def language_menu(step: Step, position: Position, around: Surroundings, page: int = 0) -> Spoken:
    """A page of languages, each named by its own voice."""
    lines = [
        Line("spoken.language", {"number": str(number)}, tag)
        for number, tag in enumerate(in_menu(around, page), 1)
    ]
    if len(around.languages) > MENU:
        lines.append(Line("spoken.languages.more", {"number": "8"}, around.languages[0]))
    position = with_changes(position, at=At.MENU, page=page)
    return Spoken(step, position, tuple(lines), question=0)


def speak_in(
    case: Case, language: str, position: Position, scene: Scene, around: Surroundings
) -> Spoken:
    """The same in another language; the keys of the greeting go on to mean what they meant."""
    step = in_language(case, language)
    offered = scene.program.phone.languages or scene.program.languages
    others = (tag for tag in offered if tag in around.languages and tag != language)
    around = with_changes(around, languages=(language, *others))
    if case.status != Status.SCREENING:
        return status_menu(step, position, (*who_we_are(around), *speech_notice(scene)))
    greeted = greet(step, scene, around)
    # they have heard how the language is changed, and it is said again when they are silent
    lines = tuple(line for line in greeted.lines if line.key not in _ONCE)
    left_out = len(greeted.lines) - len(lines)
    return with_changes(greeted, lines=lines, question=greeted.question - left_out)


def other_languages(around: Surroundings) -> tuple[Line, ...]:
    """How a question is changed into another language by its key 3, which answers nothing there."""
    first, *others = around.languages
    if not others:
        return ()
    if len(others) == 1:
        return (Line("spoken.language", {"number": "3"}, others[0]),)
    return (Line("spoken.greeting.languages", {"number": "3"}, first),)


def put(case: Case, part: Part, scene: Scene) -> Case:
    """The case with this part open, on the phone."""
    case = stands_at(scene.program.protocol, case, part.question, scene.now)
    return replace(case, asked_aloud=True)


def part_choices(case: Case, part: Part, question: Question) -> tuple[str, ...]:
    """The codes of a part, in the order of its keys."""
    if part.gives:
        return (*part.gives, *((part.gives[-1],) if part.unsure else ()))
    return tuple(choice.code for choice in question.offered(case.facts()))


def question_lines(case: Case, part: Part, scene: Scene) -> tuple[Line, ...]:
    """A question and its keys, as they are spoken."""
    question = scene.program.protocol.question(part.question)
    worded = f".{variant(case)}" if question.by_who and not part.gives else ""
    asks = Line(f"spoken.ask.{part.id}{worded}", _still(case, question))
    codes = part_choices(case, part, question)
    if part.names_keys:
        return (asks,)
    if codes == ("yes", "no"):
        return (asks, Line("spoken.yes_no"))
    if question.safety or codes == ("yes", "no", "unsure"):
        return (asks, Line("spoken.yes_no_unsure"))
    return (
        asks,
        *(
            Line(f"spoken.choice.{question.id}.{code}", {"number": str(number)})
            for number, code in enumerate(codes, 1)
        ),
    )


def _still(case: Case, question: Question) -> Mapping[str, str]:
    """The choice that is named again before it is carried out (rule 12)."""
    chosen = case.answers.get("if_none", "")
    return {"choice": f"=spoken.chosen.{chosen}"} if question.id == "if_none_still" else {}


def ask_part(
    step: Step, part: Part, position: Position, scene: Scene, lines: tuple[Line, ...] = ()
) -> Spoken:
    case = step.case
    if part.id == "safety" and Mark.PREAMBLE_OWED not in case.marks and "safety" not in case.spoken:
        lines = (*lines, *_rest_of_preamble(case, scene))
    if part.id == "suicide" and case.minor and Mark.MINOR_TOLD not in case.marks:
        case = case.marked(scene.now, Mark.MINOR_TOLD)
        lines = (*lines, Line("spoken.minor.report"))
    position = with_changes(position, at=At.ASKED, part=part.id, silent=0)
    asks = question_lines(case, part, scene)
    return Spoken(Step(case, step.effects), position, (*lines, *asks), question=len(lines))


def _rest_of_preamble(case: Case, scene: Scene) -> tuple[Line, ...]:
    """Before the first question that can bring police: what we ask and tell, where the list is, and
    what is true just now."""
    lines = [Line("spoken.preamble")]
    if scene.surge:
        lines.append(Line("spoken.preamble.surge"))
    if not team_working(scene):
        lines.append(Line("spoken.preamble.no_team"))
    return tuple(lines)


def repeat(
    step: Step,
    position: Position,
    scene: Scene,
    around: Surroundings,
    lines: tuple[Line, ...] = (),
    listens: int = FIRST_SILENCE,
) -> Spoken:
    """What is open, once more; after what a key has cut off before it."""
    at, case = position.at, step.case
    if at in WITH_HUMAN:
        return (
            with_changes(in_queue(case, position, lines), step=step)
            if lines
            else with_changes(wait(case, position, scene, around), step=step)
        )
    if at == At.CALLBACK_LINE:
        shown = callback_line(step, scene)
    elif at == At.MENU:
        shown = language_menu(step, position, around, position.page)
    elif at == At.STATUS:
        shown = status_menu(step, position, ())
    elif at == At.NUMBER:
        shown = with_changes(ask_number(case, position, scene), step=step)
    elif at == At.PLACE:
        shown = with_changes(ask_street(case, position), step=step)
    elif at == At.READ_BACK:
        shown = Spoken(step, position, read_back_lines(position), question=1)
    elif at in (At.CLOSING, At.OVER):
        shown = closing(step, position, ())
    else:
        part = scene.program.protocol.part(position.part)
        case = put(case, part, scene)
        asks = question_lines(case, part, scene)
        shown = Spoken(Step(case, step.effects), position, asks, question=0)
    kept = with_changes(
        shown.position, silent=position.silent, wrong=position.wrong, tries=position.tries
    )
    said = {line.key for line in (*lines, *shown.lines)}
    lines = (*lines, *(line for line in position.said if line.key not in said))
    return with_changes(
        shown,
        position=kept,
        lines=(*lines, *shown.lines),
        question=shown.question + len(lines) if shown.question >= 0 else -1,
        listens=max(listens, shown.listens),
    )


def decide(
    case: Case, reply: Reply, scene: Scene, said: str = "", words: Reading | None = None
) -> Step:
    """The decision of the screening about one reply; `words`: what else was said with it."""
    reading = Reading(reply, answerlike=not isinstance(reply, (Danger, Unclear)))
    if words is not None:
        reading = with_changes(reading, markers=words.markers, wishes=words.wishes)
    if case.held:
        return while_held(case, reading, said, scene, scene.now)
    if case.left:
        return while_left(case, reading, said, scene)
    case = replace(case, said=case.said - {Said.HUNG_UP})
    return advance(case, reading, said, scene, scene.now)


def go_on(step: Step, position: Position, scene: Scene, lines: tuple[Line, ...] = ()) -> Spoken:
    """After a decision: to a human, to the next part, to a follow-up question, or to the end."""
    lines = (*lines, *spoken_lines(step))
    step = unspoken(step)
    case = step.case
    if case.in_danger or case.held or case.left:
        return to_human(step, position, scene, lines)
    if case.ended:
        return closing(step, position, lines)
    protocol = scene.program.protocol
    if case.status == Status.SCREENING:
        part = next_part(protocol, case)
    else:
        part = protocol.part(case.asked) if case.asked else None
    if part is None and case.status == Status.SCREENING:
        settled = conclude(replace(case, asked="", offered=()), (), with_changes(scene, aloud=True))
        if settled.case.status == Status.SCREENING and not settled.case.ended:
            return place_by_human(settled.case, position, scene)  # nothing to ask, nothing decided
        return go_on(Step(settled.case, (*step.effects, *settled.effects)), position, scene, lines)
    if part is None:
        offer = (Line("spoken.wait.offer_psap"),) if may_ask_psap(case, scene) else ()
        return closing(step, position, (*lines, *offer))
    if part.question == "where":
        case = replace(stands_at(protocol, case, "where", scene.now), asked_aloud=True)
        asks = ask_number(case, position, scene)
        return with_changes(
            asks,
            step=Step(asks.step.case, step.effects),
            lines=(*lines, *asks.lines),
            question=len(lines),
        )
    return ask_part(Step(put(case, part, scene), step.effects), part, position, scene, lines)


def may_ask_psap(case: Case, scene: Scene) -> bool:
    return case.response == "call_911" and bool(psap_line(case, scene.program))


def place_by_human(case: Case, position: Position, scene: Scene) -> Spoken:
    """Without a place that both understood, a person asks for it (rule 13)."""
    step = decide(case, Command(CommandName.PERSON), scene)
    lines: tuple[Line, ...] = (Line("spoken.place.person"),)
    if by_phone(step.case, "place.link"):
        step = step.then(PlaceLink(), Record(Event.PLACE_LINK, {"by": "phone"}))
        lines = (*lines, Line("spoken.place.link"))
    return go_on(step, position, scene, lines)
