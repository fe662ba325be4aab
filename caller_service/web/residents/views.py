"""What the pages of residents are given to show: plain values, made by the routes and read by the
templates in web/templates/residents.

Whatever a person typed, or what opens their page, is kept out of `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Pick:
    """One answer of a question, posted as its value."""

    value: str
    words: str = field(repr=False)
    given: bool = False  # they chose it before


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence of software in answer to what was posted last."""

    words: str = field(repr=False)
    danger: bool = False


@dataclass(frozen=True, slots=True)
class QuestionView:
    """One question on one screen."""

    number: int
    about: int  # how many screens there are, roughly
    question: str  # its id in the protocol
    words: str = field(repr=False)
    parts: tuple[str, ...]  # of `safety`: what may be happening, as a list
    picks: tuple[Pick, ...] = field(repr=False)  # posted as `answer`
    safety: bool  # all answers are seen without scrolling
    at: str = field(repr=False)
    action: str = field(repr=False)
    back: str = field(default="", repr=False)  # the screen before; "" on the first
    skip: bool = True
    told: tuple[Told, ...] = ()
    preamble: tuple[str, ...] = ()  # what we are, before the first question
    refused: bool = False  # pressed before it can have been read, or on an old screen


@dataclass(frozen=True, slots=True)
class PlaceView:
    """Where help is needed. Posts `place`, `pick`, `latitude`, `longitude` and `accuracy` (metres),
    or `answer=skipped`."""

    number: int
    about: int
    words: str = field(repr=False)
    value: str = field(repr=False)
    picks: tuple[Pick, ...] = field(repr=False)  # places to choose among, posted as `pick`
    fault: str
    at: str = field(repr=False)
    action: str = field(repr=False)
    back: str = field(default="", repr=False)
    skip: bool = True
    told: tuple[Told, ...] = ()
    located: str = field(default="", repr=False)  # how exact the phone's location was
    alone: bool = False  # opened by a place link: nothing else is shown


@dataclass(frozen=True, slots=True)
class NumberView:
    """A phone number to reach them at. Posts `number`, or `answer=skipped`."""

    number: int
    about: int
    value: str = field(repr=False)
    fault: str
    at: str = field(repr=False)
    action: str = field(repr=False)
    back: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class DangerView:
    """What to do now, between two questions. Posts `act`: `go_on` or `wrong`."""

    words: tuple[str, ...] = field(repr=False)  # the first is the heading
    poison: bool
    counselor: bool
    aid: str  # first-aid words; "" none
    asked_ago: int | None  # seconds since people were asked
    joined: str  # the name of the human who writes here; "" nobody yet
    left: int  # questions left
    at: str = field(repr=False)
    action: str = field(repr=False)
    can_text_911: bool
    emergency: bool  # R1: 911 first; else 988 first


@dataclass(frozen=True, slots=True)
class Row:
    """One question and what was answered."""

    question: str
    words: str = field(repr=False)
    answer: str = field(repr=False)
    href: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CheckView:
    """All answers, before they are sent. Posts `words`."""

    rows: tuple[Row, ...]
    at: str = field(repr=False)
    action: str = field(repr=False)
    words: str = field(default="", repr=False)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message of the conversation."""

    mine: bool
    by: str
    words: str = field(repr=False)
    at: datetime
    state: str  # of mine: "on_its_way", "has_it", "not_sent", or ""
    machine: bool = False


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the help that was asked for."""

    words: str = field(repr=False)
    at: datetime | None
    stands: str  # done, here, next


@dataclass(frozen=True, slots=True)
class StatusView:
    """Where it stands, and the conversation. Posts `act` and `words`."""

    stands: str
    live: str  # the name of the human who leads the conversation; "" none
    checked: datetime
    version: str
    range: str  # "Between 15 and 35 minutes"; "" unknown
    range_age: int | None  # seconds since it was said
    steps: tuple[StepView, ...]
    talk: tuple[Spoken, ...] = field(repr=False)
    hidden: bool
    reference: str
    code: str = field(repr=False)  # shown once, on purpose; "" hidden
    told: tuple[Told, ...]
    danger: bool
    ended: bool
    can_cancel: bool
    code_word: bool  # may one be set?
    watched: bool  # is the phrase for "I am watched" told?
    open_question: QuestionView | None
    other_language: str  # the language a human's words are in, if not the reader's; "" none
    value: str = field(default="", repr=False)  # what was typed, given back after a fault
    at: str = field(default="", repr=False)
    deletion: tuple[str, ...] = ()  # how it stands with "delete my words", once they asked
    confirm_number: bool = False  # a field for the one-time word that was texted


@dataclass(frozen=True, slots=True)
class CodeView:
    """Come back by the code of ten letters. Posts `code`."""

    fault: str
    at: str = field(repr=False)
    wait: int = 0  # seconds until the next try
