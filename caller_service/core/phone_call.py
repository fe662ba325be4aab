"""Decides one step of a resident's call: what a key, a silence or words mean, and what is said
next.

The questions are the protocol's, put in parts that have at most four choices (core/protocol.py,
Part); what an answer changes is decided as for a text (core/screening.py). A call holds no position
in a script: `Position` says what was said last, so that the next key can be read. From the first
danger on the caller waits for a human in the queue of their case, and the words there come from the
record (docs/safety-rules.md, rules 3, 4, 5 and 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as with_changes
from datetime import datetime, timedelta
from enum import StrEnum

from .callback import SOON, book, spaced
from .case import Case, Status, Step, replace
from .commands import said_again
from .effect import Alert, Ask, Effects, HandOff, Record, Ring, Say
from .escalation import asked_instead
from .hand_off import revise
from .held_conversation import while_held, while_left
from .holding import lapse_by_phone
from .ledger import end
from .marks import Mark
from .outcome import Outcome
from .protocol import SKIPPED, UNREADABLE, Level, Part, Question
from .questions import next_part, stands_at, variant
from .reach import CannotText
from .refusal import Refused
from .reply import Answer, Command, Danger, PlaceGiven, Reading, Reply, Unclear
from .routing import Scene, team_working
from .safe_contact import may_call, may_hear_status, may_text, status_key
from .said import Said
from .screening import advance, conclude
from .turn_steps import recompute

SAME_KEY = timedelta(seconds=1.5)  # the same key again within this is one press
FIRST_SILENCE, LATER_SILENCE = 8, 12  # seconds: relay and TTY callers answer late
CLOSING = 10  # seconds in which a person may still be asked for, after the last words
WRONG_KEYS = 3  # keys in a row that mean nothing: doubt
# seconds between two lines for whoever waits, until SLOWER_AFTER and then
WAIT_LINE, SLOWER_LINE = 15, 30
SLOWER_AFTER = timedelta(seconds=60)
GOODBYE = timedelta(seconds=30)  # a talk of this length ended; a shorter one was cut
MENU = 4  # languages on one page of the menu
SURE = 0.6  # least confidence of recognised speech that is read at all


class At(StrEnum):
    """What the caller heard last. Stored with the call."""

    GREETING = "greeting"  # the greeting and the first question
    CALLBACK_LINE = "callback_line"  # they ring the number that rang them: no program is named
    MENU = "menu"  # the languages
    ASKED = "asked"  # a question of the protocol
    PLACE = "place"  # where they are, by speech
    READ_BACK = "read_back"  # the place that was understood
    STATUS = "status"  # they have an open request
    WAITING = "waiting"  # in the queue of their case
    CONFIRM = "confirm"  # in the queue: is that what they want?
    LEAVING = "leaving"  # out of the queue, by their choice
    CLOSING = "closing"  # nothing more to ask
    CALLED = "called"  # we called them: a human speaks, and no voice of ours
    OVER = "over"


class Then(StrEnum):
    """What happens after the lines."""

    LISTEN = "listen"  # a key or words
    QUEUE = "queue"  # they enter the queue of their case
    WAIT = "wait"  # in the queue: a soft tone, and a key
    LEAVE = "leave"  # they leave the queue
    COUNSELOR = "counselor"  # they are put through to 988
    HANG_UP = "hang_up"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a call is: what was said last, and what its next key means."""

    at: At = At.GREETING
    part: str = ""
    silent: int = 0  # silences in a row
    wrong: int = 0  # keys in a row that mean nothing
    page: int = 0  # of the language menu
    told: tuple[str, ...] = ()  # lines that the waiting caller heard
    choice: str = ""  # what they chose: 988, callback, text while waiting; else status
    key: str = ""
    key_at: datetime | None = None
    read_at: datetime | None = None  # the question was half spoken
    waits_since: datetime | None = None
    parted: bool = False  # a human's talk with them ended; nobody has been asked again
    troubles: int = 0  # times in a row that the queue failed
    tries: int = 0  # at the place
    place: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing said: a catalog key, and the language if it is not the case's."""

    key: str
    fill: Mapping[str, str] = field(default_factory=dict, repr=False)
    language: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came: keys, words with the recogniser's confidence, or nothing."""

    at: datetime
    digits: str = field(default="", repr=False)
    words: str = field(default="", repr=False)
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Spoken:
    """What one step of a call changes, says and does. `question`: which line begins the open
    question; -1: none."""

    step: Step
    position: Position
    lines: tuple[Line, ...] = ()
    then: Then = Then.LISTEN
    question: int = -1
    listens: int = FIRST_SILENCE  # seconds
    # before the queue: these words must be heard whole, however soon a human comes
    first: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else a step of a call needs: the languages that have a voice, the case's first; how many
    people were asked; how their words were read (casework/interpret.py)."""

    languages: tuple[str, ...]
    asked: int = 0
    reading: Reading | None = None
    callback_line: bool = False  # they rang the number that we call back from
    other_tongue: bool = False  # their own language can be spoken by no voice and no recording


# ---- the first words -----------------------------------------------------------------------------


def begin(case: Case, scene: Scene, around: Surroundings) -> Spoken:
    """The first words of an inbound call. Whoever is in danger goes to a human; whoever has an open
    request hears so; an open question is put aloud (rule 10)."""
    case = case.marked(scene.now, Mark.ON_LINE)
    case = case if Mark.OPENED in case.marks else case.marked(scene.now, Mark.OPENED, Mark.HEARD)
    started = Step(case, (Record("call_began"),))
    if around.callback_line:
        return _callback_line(started, scene)
    if around.other_tongue and not (case.in_danger or case.held or case.left):
        # no screening in a language they may not know: a person, and an interpreter (rule 26)
        case = said_again(replace(case, interpreter=True), frozenset({Said.PERSON}), scene)
        step = _strip(conclude(case, started.effects, scene))
        asks = tuple(Line("spoken.silent.three", language=tag) for tag in around.languages[:2])
        return _to_human(step, Position(), scene, (*_brief(around), *asks))
    if case.in_danger or case.held or case.left:
        step = _calls_again(case, scene)
        step = Step(step.case, (*started.effects, *step.effects))
        return _to_human(step, Position(), scene, (*_brief(around), Line("spoken.known")))
    if case.said & {Said.CARE_NOTE, Said.WRITES_OFTEN} and case.status == Status.SCREENING:
        step = conclude(case, started.effects, scene)
        if step.case.in_danger:
            return _to_human(_strip(step), Position(), scene, _brief(around))
        case, started = step.case, _strip(step)
    if case.status != Status.SCREENING:
        return _status_menu(started, Position(), _brief(around))
    return _greet(started, scene, around)


def _callback_line(step: Step, scene: Scene) -> Spoken:
    """Whoever holds the phone may ring back the number that rang it: it says nothing of us."""
    lines = [Line("spoken.callback.line")]
    others = [tag for tag in scene.program.languages if tag != step.case.language]
    lines += [Line("spoken.callback.line", language=tag) for tag in others[:1]]
    return Spoken(step, Position(At.CALLBACK_LINE), tuple(lines), question=0)


def _expected(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """1: they expected a call. With a request of theirs a human is asked; without one they are
    greeted as everybody."""
    if key != "1":
        return _not_a_key(case, position, scene, around)
    around = with_changes(around, callback_line=False)
    if case.status == Status.SCREENING and not case.answers and not case.in_danger:
        return begin(case, scene, around)
    return _go_on(_decide(case, Command("person"), scene), position, scene)


def _greet(step: Step, scene: Scene, around: Surroundings) -> Spoken:
    """The greeting and the question that is open. A key for a language counts until that question
    is half spoken."""
    part = next_part(scene.program.protocol, step.case)
    if part is None:
        return _go_on(step, Position(), scene)
    case = _put(step.case, part, scene)
    lines = (*_brief(around), Line("spoken.greeting.danger"), Line("spoken.greeting.person"))
    asks = _question_lines(case, part, scene)
    return Spoken(
        Step(case, step.effects),
        Position(At.GREETING, part.id),
        (*lines, *asks),
        question=len(lines),
    )


def _brief(around: Surroundings) -> tuple[Line, ...]:
    """Who we are, and how to change the language, each in its own."""
    first, *others = around.languages
    lines = [Line("spoken.greeting.program", language=first)]
    if others:
        lines.append(Line("spoken.language", {"number": "2"}, others[0]))
    if len(others) > 1:
        lines.append(Line("spoken.greeting.languages", {"number": "3"}, first))
    return tuple(lines)


def _calls_again(case: Case, scene: Scene) -> Step:
    """They call about a danger that is known: whoever has it is told and rung; else people are
    being asked, and the next is asked now."""
    if case.in_charge and not case.page_waits:
        return Step(case, (Alert("alert.calls", case.in_charge), Ring(case.in_charge)))
    if Mark.FIRST_PAGED not in case.marks:
        return recompute(said_again(case, frozenset({Said.PERSON}), scene), scene)
    case, pages = asked_instead(case.marked(scene.now, Mark.PAGED), "", scene)
    return Step(*revise(case, (*pages, HandOff("calls_again"))))


def _status_menu(step: Step, position: Position, lines: tuple[Line, ...]) -> Spoken:
    """Somebody with an open request calls: a number alone proves nothing (rule 10)."""
    return Spoken(
        step,
        with_changes(position, at=At.STATUS),
        (*lines, Line("spoken.open_request"), Line("spoken.open_request.keys")),
        question=len(lines) + 1,
    )


# ---- a key, a silence, words ---------------------------------------------------------------------


def hear(
    case: Case, position: Position, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """What a key, words or a silence change, by what the caller heard last. Total: every input in
    every position has words, a person or an end."""
    key = heard.digits if len(heard.digits) == 1 else "?" if heard.digits else ""
    again = (
        key != ""
        and key == position.key
        and position.key_at is not None
        and heard.at - position.key_at < SAME_KEY
    )
    if again:  # one press: what is open is put once more, and nothing counts
        return _repeat(Step(case), position, scene, around)
    scene = with_changes(scene, aloud=True, read_at=position.read_at or heard.at)
    before = position
    position = with_changes(position, key=key, key_at=heard.at if key else position.key_at)
    if key or heard.words:
        case = case.marked(heard.at, Mark.HEARD)
    if (case.in_danger or case.held or case.left) and position.at not in _WITH_HUMAN:
        # a text, or a human, changed the case meanwhile
        return _to_human(_calls_again(case, scene), position, scene)
    if before.silent == 2 and key and position.at in (At.ASKED, At.GREETING):
        # "any key" is any: also one that has a meaning elsewhere
        return _cannot_talk(case, position, scene)
    if position.at in _ALWAYS and key in ("0", "9", "*"):
        return _always(case, key, position, scene, around)
    if not key and not heard.words and position.at not in _WITH_HUMAN:
        return _silence(case, position, scene, around)
    position = with_changes(position, silent=0)
    return _HEAR[position.at](case, position, key, heard, scene, around)


def _always(case: Case, key: str, position: Position, scene: Scene, around: Surroundings) -> Spoken:
    """The keys that mean the same at every moment: a person, 911, once more."""
    position = with_changes(position, silent=0, wrong=0)
    if key == "*":
        return _repeat(Step(case), position, scene, around)
    reply = Command("person") if key == "0" else Command("emergency", alone=False)
    step = _decide(case, reply, scene)
    if key == "0":
        return _go_on(step, position, scene)
    # the words themselves, and the open question stays
    return _repeat(_strip(step), position, scene, around, _lines(step))


def _silence(case: Case, position: Position, scene: Scene, around: Surroundings) -> Spoken:
    """Nothing was heard: twice the question again, in other words; then a person (rule 2)."""
    silent = position.silent + 1
    position = with_changes(position, silent=silent)
    quietly = position.at == At.CALLBACK_LINE and silent == 2 and not case.in_danger
    if position.at == At.CLOSING or quietly:
        return Spoken(Step(case), with_changes(position, at=At.OVER), then=Then.HANG_UP)
    if silent == 1:
        lines = (Line("spoken.silent.one"),)
        return _repeat(Step(case), position, scene, around, lines, listens=LATER_SILENCE)
    if silent == 2 and position.at in (At.ASKED, At.GREETING):
        return Spoken(
            Step(case), position, (Line("spoken.silent.two"),), question=0, listens=LATER_SILENCE
        )
    step = _decide(case, Command("person"), scene)
    return _go_on(step, position, scene, (Line("spoken.silent.three"),))


def _cannot_talk(case: Case, position: Position, scene: Scene) -> Spoken:
    """They were told to press any key if they cannot talk: a danger sign (rule 11)."""
    step = _decide(case, Danger((Said.HIDING,)), scene)
    return _go_on(step, with_changes(position, silent=0), scene)


def _greeted(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """The first question, or a language while it is not half spoken."""
    others = around.languages[1:]
    early = position.read_at is not None and heard.at < position.read_at
    if key == "2" and others and early:
        return _in_language(case, others[0], position, scene, around)
    if key == "3" and len(others) > 1:
        return _menu(Step(case), position, around)
    return _answered(case, with_changes(position, at=At.ASKED), key, heard, scene, around)


def _in_language(
    case: Case, language: str, position: Position, scene: Scene, around: Surroundings
) -> Spoken:
    case = replace(case, language=language)
    languages = (language, *(tag for tag in around.languages if tag != language))
    step = Step(case, (Record("language", {"language": language}),))
    greeted = _greet(step, scene, with_changes(around, languages=languages))
    # they have heard who we are; only the open question and the two safety lines are said again
    lines = tuple(line for line in greeted.lines if line.key not in _ONCE)
    return with_changes(
        greeted,
        lines=lines,
        position=with_changes(greeted.position, at=At.ASKED),
        question=greeted.question - (len(greeted.lines) - len(lines)),
    )


_ONCE = frozenset({"spoken.language", "spoken.greeting.languages"})


def _menu(step: Step, position: Position, around: Surroundings, page: int = 0) -> Spoken:
    """A page of languages, each named by its own voice."""
    tags = around.languages[1:]
    shown = tags[page * MENU : (page + 1) * MENU]
    lines = [
        Line("spoken.language", {"number": str(number)}, tag) for number, tag in enumerate(shown, 1)
    ]
    if len(tags) > MENU:
        lines.append(Line("spoken.languages.more", {"number": "8"}, around.languages[0]))
    position = with_changes(position, at=At.MENU, page=page)
    return Spoken(step, position, tuple(lines), question=0)


def _chose_language(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    tags = around.languages[1:]
    pages = -(-len(tags) // MENU)
    if key == "8":
        return _menu(Step(case), position, around, (position.page + 1) % pages)
    shown = tags[position.page * MENU : (position.page + 1) * MENU]
    if key.isdecimal() and 1 <= int(key) <= len(shown):
        return _in_language(case, shown[int(key) - 1], position, scene, around)
    return _not_a_key(case, position, scene, around)


def _answered(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """A key, or words, for the question that was asked. It counts for that question, whatever was
    texted meanwhile."""
    protocol = scene.program.protocol
    part = protocol.part(position.part)
    question = protocol.question(part.question)
    case = replace(stands_at(protocol, case, question.id, scene.now), asked_aloud=True)
    if heard.words:
        return _spoken_answer(case, position, heard, scene, around)
    if key == "8" and not question.follow_up:
        return _repeat(Step(case), position, scene, around, (Line("spoken.police"),))
    if key == "#":
        return _choice(case, part, question, SKIPPED, position, scene)
    codes = part_choices(case, part, question)
    if key.isdecimal() and 1 <= int(key) <= len(codes):
        return _choice(case, part, question, codes[int(key) - 1], position, scene)
    return _not_a_key(case, position, scene, around)


def part_choices(case: Case, part: Part, question: Question) -> tuple[str, ...]:
    """The codes of a part, in the order of its keys."""
    if part.gives:
        return (*part.gives, *((part.gives[-1],) if part.unsure else ()))
    return tuple(choice.code for choice in question.offered(case.facts()))


def _choice(
    case: Case, part: Part, question: Question, choice: str, position: Position, scene: Scene
) -> Spoken:
    """Count an answer, and go on. "Not sure" about contact is not safe; a part that adds nothing
    leaves the answer as it is."""
    if choice == SKIPPED and part.gives:
        choice = part.gives[-1] if part.refines or part.unsure else SKIPPED
    too_fast = case.too_fast
    if question.kind == "place" or choice != case.answers.get(question.id):
        step = _decide(case, Answer(choice), scene)
    else:
        step = conclude(case, (Record("answered", {"question": part.id, "choice": choice}),), scene)
    if step.case.too_fast > too_fast:  # it is asked once more
        lines = (Line("spoken.too_fast"),)
        asked = _put(step.case, part, scene)
        return _asked(Step(asked, _strip(step).effects), part, position, scene, lines)
    spoken = (*step.case.spoken, part.id) if part.id not in step.case.spoken else step.case.spoken
    step = Step(replace(step.case, spoken=spoken), step.effects)
    if not step.case.in_danger and step.case.status == Status.SCREENING:
        # what was answered may open another part: the order is looked up once it is counted
        again = conclude(step.case, (), scene)
        kept = tuple(each for each in step.effects if not isinstance(each, Ask))
        step = Step(again.case, (*kept, *again.effects))
    return _go_on(step, with_changes(position, wrong=0), scene)


def _spoken_answer(
    case: Case, position: Position, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Words, where the program has signed speech recognition. Danger raises at any confidence;
    an answer counts only if it was clear, and never opens contact."""
    reading = around.reading
    if reading is None:
        return _not_a_key(case, position, scene, around)
    reply: Reply = reading.reply
    if isinstance(reply, Danger) or (isinstance(reply, Command) and reply.name != "stop"):
        return _go_on(_decide(case, reply, scene, heard.words), position, scene)
    part = scene.program.protocol.part(position.part)
    question = scene.program.protocol.question(part.question)
    clear = heard.confidence >= SURE and isinstance(reply, Answer) and not part.gives
    if clear and isinstance(reply, Answer) and not question.opens(reply.choice):
        return _choice(case, part, question, reply.choice, position, scene)
    return _not_a_key(case, position, scene, around)


def _not_a_key(case: Case, position: Position, scene: Scene, around: Surroundings) -> Spoken:
    """A key that means nothing here; the third in a row is doubt (rule 2)."""
    wrong = position.wrong + 1
    position = with_changes(position, wrong=wrong)
    if wrong < WRONG_KEYS:
        return _repeat(Step(case), position, scene, around, (Line("spoken.not_a_key"),))
    if position.at != At.ASKED:
        return _go_on(_decide(case, Command("person"), scene), position, scene)
    part = scene.program.protocol.part(position.part)
    question = scene.program.protocol.question(part.question)
    return _choice(case, part, question, UNREADABLE, with_changes(position, wrong=0), scene)


# ---- the place -----------------------------------------------------------------------------------


def _place_said(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Where they are, by speech: read back before it counts. A keypad cannot say a street."""
    if not heard.words.strip():
        return _not_a_key(case, position, scene, around)
    position = with_changes(position, at=At.READ_BACK, place=heard.words.strip())
    lines = (Line("spoken.place.heard", {"place": position.place}), Line("spoken.place.right"))
    return Spoken(Step(case), position, lines, question=1)


def _read_back(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Is that the place? "No" tries once more, then a person."""
    if key == "1":
        from_words = replace(
            stands_at(scene.program.protocol, case, "where", scene.now), asked_aloud=True
        )
        step = _decide(from_words, PlaceGiven(position.place), scene)
        return _go_on(step, with_changes(position, place="", tries=0), scene)
    if key == "2" and position.tries < 1:
        return _ask_place(case, with_changes(position, tries=position.tries + 1, place=""), scene)
    if key in ("2", "#"):
        return _place_by_human(case, position, scene)
    return _not_a_key(case, position, scene, around)


def _ask_place(case: Case, position: Position, scene: Scene) -> Spoken:
    position = with_changes(position, at=At.PLACE, part="where", silent=0, wrong=0)
    line = Line(f"spoken.ask.where.{variant(case)}")
    return Spoken(Step(case), position, (line,), question=0)


def _place_by_human(case: Case, position: Position, scene: Scene) -> Spoken:
    """Without a place that both understood, a person asks for it (rule 13)."""
    step = _decide(case, Command("person"), scene)
    return _go_on(step, position, scene, (Line("spoken.place.person"),))


# ---- an open request, and the end ----------------------------------------------------------------


def _status_asked(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """1 where it stands, as far as a number alone may hear it; 2 it got worse."""
    if key == "1":
        verified = may_hear_status(case, verified=False)
        words = Line(_heard_status(case) if verified else "spoken.status.not_by_number")
        position = with_changes(position, choice="status")  # the other key still means "worse"
        return _closing(Step(case, (Record("status_by_call"),)), position, (words,))
    if key == "2":
        return _go_on(_decide(case, Command("worse"), scene), position, scene)
    return _not_a_key(case, position, scene, around)


def _heard_status(case: Case) -> str:
    return status_key(case).replace("status.", "update_call.", 1)


def _closing(step: Step, position: Position, lines: tuple[Line, ...]) -> Spoken:
    """Nothing more to ask: they may hang up, or still ask for a person."""
    position = with_changes(position, at=At.CLOSING, part="", silent=0)
    hidden = step.case.cannot_text == CannotText.WITHHELD
    last = (Line("spoken.hidden"),) if hidden else ()
    lines = (*lines, *last, Line("spoken.closing"))
    return Spoken(step, position, lines, listens=CLOSING)


def _closed(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """After the last words any other key says them again; then the call ends. Whoever heard where
    their request stands may still say that it got worse."""
    if key == "2" and position.choice == "status" and not case.ended:
        return _go_on(_decide(case, Command("worse"), scene), position, scene)
    position = with_changes(position, wrong=position.wrong + 1)
    if position.wrong >= WRONG_KEYS:
        return Spoken(Step(case), with_changes(position, at=At.OVER), then=Then.HANG_UP)
    return _closing(Step(case), position, ())


def asks_anew(case: Case, position: Position, key: str) -> bool:
    """Do they ask for a person after their case has ended? They were told that 0 is one: it opens
    another case."""
    return case.ended and position.at == At.CLOSING and key == "0"


# ---- waiting for a human -------------------------------------------------------------------------


def _to_human(step: Step, position: Position, scene: Scene, lines: tuple[Line, ...] = ()) -> Spoken:
    """Into the queue of the case. The lines are the first that are heard there, so that whoever
    takes the call need not wait for their end."""
    position = with_changes(
        position, at=At.WAITING, part="", silent=0, wrong=0, told=position.told[-1:],
        choice="", parted=False,
        waits_since=position.waits_since or scene.now, place="",
    )  # fmt: skip
    case = replace(step.case, asked="", offered=(), asked_aloud=False)
    # R1: what to do at once comes first, whole (domain levels); else a human may cut the words off
    first = case.level == Level.R1 and not position.told
    return Spoken(Step(case, step.effects), position, lines, Then.QUEUE, first=first)


def wait(case: Case, position: Position, scene: Scene, around: Surroundings) -> Spoken:
    """The next words for whoever waits in the queue, never the same twice in a row. How many people
    were asked comes from the record (rule 22)."""
    step = Step(case)
    if position.at == At.CALLED:
        return _quiet(step, position, scene)
    if case.ended:
        return Spoken(step, with_changes(position, choice="ended"), then=Then.LEAVE)
    waited = scene.now - (position.waits_since or scene.now)
    if position.parted and position.told:  # they stayed on the line: somebody is asked again
        step = _ask_again(case, scene)
        position = with_changes(position, parted=False)
    key = _wait_line(step.case, position, waited, around, scene)
    slow = waited >= SLOWER_AFTER
    return Spoken(
        step,
        with_changes(position, at=At.WAITING, told=(*position.told, key)[-40:], choice=""),
        (Line(key, {"count": str(around.asked)}),),
        Then.WAIT,
        listens=SLOWER_LINE if slow else WAIT_LINE,
    )


CALLED_WAITS = timedelta(seconds=20)  # a human who rang them is there sooner, or is gone


def _quiet(step: Step, position: Position, scene: Scene) -> Spoken:
    """We called them, and the human is about to speak: nothing is said. Nobody came: the call
    ends."""
    if scene.now - (position.waits_since or scene.now) >= CALLED_WAITS:
        return Spoken(step, with_changes(position, at=At.OVER), then=Then.HANG_UP)
    return Spoken(step, position, then=Then.WAIT, listens=5)


def _wait_line(
    case: Case, position: Position, waited: timedelta, around: Surroundings, scene: Scene
) -> str:
    if not position.told:
        return "spoken.wait.parted" if position.parted else "spoken.wait.start"
    asked = (
        "spoken.wait.asked_none"
        if not around.asked
        else "spoken.wait.asked_one"
        if around.asked == 1
        else "spoken.wait.asked_more"
    )
    lines = [asked, "spoken.wait.offer_988"]
    lines += ["spoken.wait.offer_callback"] if may_book(case) else []
    lines += ["spoken.wait.offer_text"] if may_text(case, "end") else []
    if waited >= SLOWER_AFTER and not case.talking:
        lines = ["spoken.wait.nobody_yet", *lines]
        if Mark.BACKSTOP_RUNG in case.marks:
            lines = ["spoken.wait.backstop", *lines]
    last = position.told[-1]
    unheard = [line for line in lines if line not in position.told]
    if unheard:
        return unheard[0]
    heard_at = {line: place for place, line in enumerate(position.told)}
    return min((line for line in lines if line != last), key=lambda line: heard_at.get(line, -1))


def may_book(case: Case) -> bool:
    """May a callback be offered? Only where calling was called safe (rule 10)."""
    return may_call(case)


# what a key means while they wait; each is confirmed by 1
WAIT_KEYS = {"4": "988", "5": "callback", "6": "text"}


def _waiting_key(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """A key in the queue: leaving it takes two, so that nobody falls out by a slip."""
    choice = WAIT_KEYS.get(key, "") if position.at != At.CALLED else ""
    allowed = choice == "988" or (
        may_book(case) if choice == "callback" else bool(choice) and may_text(case, "end")
    )
    if key == "9" and position.at != At.CALLED:
        return _in_queue(case, position, (Line("spoken.say.call_911"),))
    if not allowed:
        return wait(case, position, scene, around)
    position = with_changes(position, at=At.CONFIRM, choice=choice)
    return Spoken(
        Step(case),
        position,
        (Line(f"spoken.wait.confirm_{choice}", {"number": ", ".join(spaced(scene))}),),
        Then.WAIT,
        listens=FIRST_SILENCE,
    )


def _confirmed(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    if key != "1":
        return wait(case, with_changes(position, at=At.WAITING, choice=""), scene, around)
    return Spoken(Step(case), with_changes(position, at=At.LEAVING), then=Then.LEAVE)


def _in_queue(case: Case, position: Position, lines: tuple[Line, ...]) -> Spoken:
    return Spoken(Step(case), position, lines, Then.WAIT, listens=WAIT_LINE)


def left_queue(
    case: Case, position: Position, result: str, talked: timedelta | None, scene: Scene
) -> Spoken:
    """They are out of the queue: by their own choice, after a talk, or because it failed. `talked`:
    how long they spoke with a human, if they did."""
    if position.at == At.CALLED:
        step = talk_ended(case, scene)
        return Spoken(step, with_changes(position, at=At.OVER), then=Then.HANG_UP)
    if result == "bridged":
        return _parted(case, position, talked or timedelta(0), scene)
    if case.ended:
        return _closing(Step(case), position, (Line("spoken.wait.closed"),))
    if result == "leave" and position.choice == "988":
        record = Record("put_through", {"to": "988"})
        position = with_changes(position, at=At.LEAVING)
        return Spoken(
            Step(case, (record,)), position, (Line("spoken.wait.to_988"),), Then.COUNSELOR
        )
    if result == "leave" and position.choice == "callback":
        return _booked(case, position, scene)
    if result == "leave" and position.choice == "text":
        effects: Effects = (Say("phone.goes_on", unasked=True), Record("goes_on_by_text"))
        return _closing(Step(case, effects), position, (Line("spoken.wait.by_text"),))
    if result in ("leave", "redirected"):
        return _to_human(Step(case), position, scene)
    troubles = position.troubles + 1
    position = with_changes(position, troubles=troubles)
    record = Record("queue_failed", {"result": result})
    if troubles < 3:
        return _to_human(Step(case, (record,)), position, scene, (Line("spoken.trouble"),))
    return Spoken(
        Step(case, (record,)),
        with_changes(position, at=At.OVER),
        (Line("spoken.trouble.end"),),
        Then.HANG_UP,
    )


def _booked(case: Case, position: Position, scene: Scene) -> Spoken:
    """A callback in place of waiting; people are still being asked."""
    try:
        step = book(case, "resident", scene.now + SOON, scene)
    except Refused:  # calling is not safe any more
        return _to_human(Step(case), position, scene)
    minutes = str(int(SOON.total_seconds() // 60))
    words = Line("spoken.wait.booked", {"minutes": minutes, "number": ", ".join(spaced(scene))})
    return _closing(_strip(step), position, (words,))


def counselor_ended(case: Case, position: Position, reached: bool, scene: Scene) -> Spoken:
    """The call to 988 ended or failed: they are still with us, and people are still being asked."""
    line = "spoken.wait.after_988" if reached else "spoken.wait.no_988"
    if case.ended:  # nobody is asked any more
        return _closing(Step(case), position, (Line("spoken.wait.closed"),))
    return _to_human(Step(case), position, scene, (Line(line),))


# ---- a human's phone and theirs ------------------------------------------------------------------


def _parted(case: Case, position: Position, talked: timedelta, scene: Scene) -> Spoken:
    """The talk is over. A short one was cut: somebody is asked again at once. After a longer one
    they hear that the other has hung up, and whoever stays on the line is asked for again."""
    step = talk_ended(case, scene)
    if step.case.ended:
        return _closing(step, position, (Line("spoken.wait.closed"),))
    if talked >= GOODBYE:
        waiting = _to_human(step, position, scene)
        position = with_changes(waiting.position, parted=True, told=())
        return with_changes(waiting, position=position)
    again = _ask_again(step.case, scene)
    step = Step(again.case, (*step.effects, *again.effects))
    return _to_human(step, position, scene, (Line("spoken.wait.cut"),))


def talk_ended(case: Case, scene: Scene) -> Step:
    """A human's talk with them ended; once. The clocks of a silent holder begin now."""
    if not case.talking:
        return Step(case)
    return Step(case.marked(scene.now, Mark.TALKED, Mark.NOTED), (Record("parted"),))


def _ask_again(case: Case, scene: Scene) -> Step:
    """The human is gone and the caller is not: ring whoever had them, and the next person."""
    if not case.in_danger:
        return recompute(said_again(case, frozenset({Said.PERSON}), scene), scene)
    who = case.in_charge
    case, pages = asked_instead(lapse_by_phone(case, scene), who, scene)
    rings = (Ring(who),) if who else ()
    return Step(*revise(case, (*rings, *pages, HandOff("line_cut"), Record("line_cut"))))


# ---- the line is gone ----------------------------------------------------------------------------


def hung_up(case: Case, scene: Scene) -> Step:
    """The call ended, whoever ended it (rules 5 and 24). Before any answer it is kept in the ledger
    and nobody calls back; after one a human has a task; after a sign of danger people are asked."""
    if not case.on_line:
        return Step(case)
    talked = talk_ended(case, scene)
    case = talked.case.marked(scene.now, Mark.OFF_LINE)
    case = replace(case, asked="", offered=(), asked_aloud=False) if case.asked_aloud else case
    effects: Effects = (*talked.effects, Record("call_ended"))
    if case.ended:
        return Step(case, effects)
    if case.in_danger:
        alert = (Alert("alert.hung_up", case.in_charge),) if case.in_charge else ()
        return Step(*revise(case, (*effects, *alert, HandOff("hung_up"))))
    if case.status != Status.SCREENING:
        return Step(*revise(case, effects))
    if case.danger_sign:
        step = recompute(said_again(case, frozenset({Said.SILENT_DANGER}), scene), scene)
        return Step(*revise(step.case, (*effects, *_unsaid(step).effects)))
    if not case.answers and not case.narrative:
        if Said.WRITES_OFTEN not in case.said:
            closed = end(case, Status.CLOSED, Outcome.NO_REQUEST, scene.now)
            return Step(closed, effects)
        case = case.marked(scene.now, Mark.REVIEW)
    step = recompute(said_again(case, frozenset({Said.HUNG_UP}), scene), scene)
    return Step(*revise(step.case, (*effects, *_unsaid(step).effects)))


# ---- helpers of all steps ------------------------------------------------------------------------


def _decide(case: Case, reply: Reply, scene: Scene, said: str = "") -> Step:
    """The decision of the screening about one reply."""
    reading = Reading(reply, answerlike=not isinstance(reply, (Danger, Unclear)))
    if case.held:
        return while_held(case, reading, said, scene, scene.now)
    if case.left:
        return while_left(case, reading, said, scene)
    case = replace(case, said=case.said - {Said.HUNG_UP})
    return advance(case, reading, said, scene, scene.now)


def _put(case: Case, part: Part, scene: Scene) -> Case:
    """The case with this part open, on the phone."""
    case = stands_at(scene.program.protocol, case, part.question, scene.now)
    return replace(case, asked_aloud=True)


def _go_on(step: Step, position: Position, scene: Scene, lines: tuple[Line, ...] = ()) -> Spoken:
    """After a decision: to a human, to the next part, to a follow-up question, or to the end."""
    lines = (*lines, *_lines(step))
    step = _strip(step)
    case = step.case
    if case.in_danger or case.held or case.left:
        return _to_human(step, position, scene, lines)
    if case.ended:
        return _closing(step, position, lines)
    protocol = scene.program.protocol
    if case.status == Status.SCREENING:
        part = next_part(protocol, case)
    else:
        part = protocol.part(case.asked) if case.asked else None
    if part is None and case.status == Status.SCREENING:
        settled = conclude(replace(case, asked="", offered=()), (), with_changes(scene, aloud=True))
        if settled.case.status == Status.SCREENING and not settled.case.ended:
            return _place_by_human(settled.case, position, scene)  # nothing to ask, nothing decided
        return _go_on(Step(settled.case, (*step.effects, *settled.effects)), position, scene, lines)
    if part is None:
        return _closing(step, position, lines)
    if part.question == "where":
        case = replace(stands_at(protocol, case, "where", scene.now), asked_aloud=True)
        if not scene.program.phone.speech:
            asks = _place_by_human(case, position, scene)
        else:
            asks = _ask_place(case, position, scene)
        return with_changes(
            asks,
            step=Step(asks.step.case, (*step.effects, *asks.step.effects)),
            lines=(*lines, *asks.lines),
            question=len(lines) if asks.question >= 0 else -1,
        )
    return _asked(Step(_put(case, part, scene), step.effects), part, position, scene, lines)


def _asked(
    step: Step, part: Part, position: Position, scene: Scene, lines: tuple[Line, ...] = ()
) -> Spoken:
    case = step.case
    if part.id == "safety" and Mark.PREAMBLE_OWED not in case.marks and "safety" not in case.spoken:
        lines = (*lines, *_rest_of_preamble(case, scene))
    if part.id == "suicide" and case.minor and Mark.MINOR_TOLD not in case.marks:
        case = case.marked(scene.now, Mark.MINOR_TOLD)
        lines = (*lines, Line("spoken.minor.report"))
    position = with_changes(position, at=At.ASKED, part=part.id, silent=0)
    asks = _question_lines(case, part, scene)
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


def _question_lines(case: Case, part: Part, scene: Scene) -> tuple[Line, ...]:
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


def _repeat(
    step: Step,
    position: Position,
    scene: Scene,
    around: Surroundings,
    lines: tuple[Line, ...] = (),
    listens: int = FIRST_SILENCE,
) -> Spoken:
    """What is open, once more."""
    at, case = position.at, step.case
    if at in _WITH_HUMAN:
        return (
            with_changes(_in_queue(case, position, lines), step=step)
            if lines
            else with_changes(wait(case, position, scene, around), step=step)
        )
    if at == At.CALLBACK_LINE:
        shown = _callback_line(step, scene)
    elif at == At.MENU:
        shown = _menu(step, position, around, position.page)
    elif at == At.STATUS:
        shown = _status_menu(step, position, ())
    elif at == At.PLACE:
        shown = with_changes(_ask_place(case, position, scene), step=step)
    elif at == At.READ_BACK:
        right = (Line("spoken.place.heard", {"place": position.place}), Line("spoken.place.right"))
        shown = Spoken(step, position, right, question=1)
    elif at in (At.CLOSING, At.OVER):
        shown = _closing(step, position, ())
    else:
        part = scene.program.protocol.part(position.part)
        case = _put(case, part, scene)
        asks = _question_lines(case, part, scene)
        shown = Spoken(Step(case, step.effects), position, asks, question=0)
    kept = with_changes(
        shown.position, silent=position.silent, wrong=position.wrong, tries=position.tries
    )
    return with_changes(
        shown,
        position=kept,
        lines=(*lines, *shown.lines),
        question=shown.question + len(lines) if shown.question >= 0 else -1,
        listens=max(listens, shown.listens),
    )


def _lines(step: Step) -> tuple[Line, ...]:
    """The words of a decision, as they are spoken; what it asks is asked by its part."""
    return tuple(
        Line(f"spoken.{effect.key}", effect.fill)
        for effect in step.effects
        if isinstance(effect, Say) and not effect.unasked
    )


def _strip(step: Step) -> Step:
    """The decision without what was spoken."""
    return Step(
        step.case,
        tuple(
            effect
            for effect in step.effects
            if not (isinstance(effect, (Say, Ask)) and not effect.unasked)
        ),
    )


_unsaid = _strip
_WITH_HUMAN = frozenset({At.WAITING, At.CONFIRM, At.LEAVING, At.CALLED})
_ALWAYS = frozenset(At) - _WITH_HUMAN - {At.OVER}
_HEAR = {
    At.GREETING: _greeted, At.CALLBACK_LINE: _expected, At.MENU: _chose_language,
    At.ASKED: _answered, At.PLACE: _place_said, At.READ_BACK: _read_back, At.STATUS: _status_asked,
    At.WAITING: _waiting_key, At.CONFIRM: _confirmed, At.CALLED: _waiting_key,
    At.LEAVING: _waiting_key, At.CLOSING: _closed, At.OVER: _closed,
}  # fmt: skip
