"""What one step of a call says and does, and what every step needs: the types of core/phone_call.py
and core/phone_waiting.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as with_changes
from datetime import datetime, timedelta
from enum import StrEnum

from .case import Case, Step
from .effect import Ask, Say
from .reach import CannotText
from .reply import Reading

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
    NUMBER = "number"  # where they are: the house number by keypad, or all of it by speech
    PLACE = "place"  # the street or the corner, by speech
    READ_BACK = "read_back"  # the place that was understood
    STATUS = "status"  # they have an open request
    WAITING = "waiting"  # in the queue of their case
    CONFIRM = "confirm"  # in the queue: is that what they want?
    LEAVING = "leaving"  # out of the queue, by their choice
    CLOSING = "closing"  # nothing more to ask
    MEETING = "meeting"  # with a human and an interpreter
    CALLED = "called"  # we called them: a human speaks, and no voice of ours
    OVER = "over"


class Then(StrEnum):
    """What happens after the lines."""

    LISTEN = "listen"  # a key or words
    QUEUE = "queue"  # they enter the queue of their case
    WAIT = "wait"  # in the queue: a soft tone, and a key
    LEAVE = "leave"  # they leave the queue
    COUNSELOR = "counselor"  # they are put through to 988
    PSAP = "psap"  # they are put through to the PSAP that covers the place
    MEET = "meet"  # with a human and an interpreter, who are in one room
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
    choice: str = ""  # what they chose: 988, psap, callback, text while waiting; else status
    key: str = field(default="", repr=False)
    key_at: datetime | None = None
    read_at: datetime | None = None  # the question was half spoken
    waits_since: datetime | None = None
    parted: bool = False  # a human's talk with them ended; nobody has been asked again
    troubles: int = 0  # times in a row that the queue failed
    tries: int = 0  # at the place
    slower: bool = False  # they asked for it once more: from then on it is spoken slower
    closed_again: bool = False  # the last words were said in their second wording
    place: str = field(default="", repr=False)
    house: str = field(default="", repr=False)  # the house number that was keyed
    said: tuple[Line, ...] = field(default=(), repr=False)  # all that was said last
    asks: int = -1  # which of these lines begins the question; -1: none


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
class SpokenWords:
    """How recognised words were read (casework/interpret.py)."""

    reading: Reading
    yes_no: str = ""  # where they are no more than that (core/reading.py)
    number: int = 0  # the same: "one", "press two"
    aloud: str = ""  # what only a caller says (core/reply.py, Aloud)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else a step of a call needs: the languages that have a voice, the case's first; how many
    people were asked; how their words were read."""

    languages: tuple[str, ...]
    asked: int = 0
    words: SpokenWords | None = None
    callback_line: bool = False  # they rang the number that we call back from
    other_tongue: bool = False  # their own language can be spoken by no voice and no recording


def remembered(told: Spoken) -> Position:
    """The position after these lines: a key may cut them off before they are heard."""
    if not told.lines:
        return told.position
    return with_changes(told.position, said=told.lines, asks=told.question)


# about the key before, or with keys of the greeting: not said again
_REMARKS = (
    "spoken.not_a_key", "spoken.too_fast", "spoken.silent.", "spoken.language",
    "spoken.greeting.languages",
)  # fmt: skip


def cut_off(position: Position, at: datetime) -> tuple[Line, ...]:
    """What was said before the question that a key has cut off, if it came too early to have let
    the question be heard: who we are, 911 words, what we tell before a question."""
    if position.read_at is None or at >= position.read_at:
        return ()
    before = position.said[: max(0, position.asks)]
    return tuple(line for line in before if not line.key.startswith(_REMARKS))


WITH_HUMAN = frozenset({At.WAITING, At.CONFIRM, At.LEAVING, At.MEETING, At.CALLED})


def closing(step: Step, position: Position, lines: tuple[Line, ...]) -> Spoken:
    """Nothing more to ask: they may hang up, or still ask for a person. Each time in other words
    than the last."""
    again = position.at == At.CLOSING and not position.closed_again
    position = with_changes(
        position, at=At.CLOSING, part="", silent=0, closed_again=again,
        waits_since=None, told=(),  # who asks for a person after this begins to wait anew
    )  # fmt: skip
    hidden = step.case.cannot_text == CannotText.WITHHELD
    last = (Line("spoken.hidden"),) if hidden and not again else ()
    lines = (*lines, *last, Line("spoken.closing.again" if again else "spoken.closing"))
    return Spoken(step, position, lines, listens=CLOSING)


def hang_up(case: Case, position: Position) -> Spoken:
    return Spoken(Step(case), with_changes(position, at=At.OVER), then=Then.HANG_UP)


def spoken_lines(step: Step) -> tuple[Line, ...]:
    """The words of a decision, as they are spoken; what it asks is asked by its part."""
    return tuple(
        Line(f"spoken.{effect.key}", effect.fill)
        for effect in step.effects
        if isinstance(effect, Say) and not effect.unasked
    )


def unspoken(step: Step) -> Step:
    """The decision without what was spoken."""
    return Step(
        step.case,
        tuple(
            effect
            for effect in step.effects
            if not (isinstance(effect, (Say, Ask)) and not effect.unasked)
        ),
    )
