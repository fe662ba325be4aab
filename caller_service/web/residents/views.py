"""View models of the residents' pages: plain values, built by the routes and read by the templates
in web/templates/residents.

Whatever a person typed, and whatever gives access to their page, is left out of `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Pick:
    """One choice of a question, posted as its value."""

    value: str
    words: str = field(repr=False)
    given: bool = False  # their earlier choice


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence in response to the last post."""

    words: str = field(repr=False)
    danger: bool = False


@dataclass(frozen=True, slots=True)
class QuestionView:
    """One question on one screen."""

    number: int
    about: int  # how many screens there are, roughly
    question: str  # its id in the protocol
    words: str = field(repr=False)
    parts: tuple[str, ...]  # for a `safety` question: a list of what may be happening
    picks: tuple[Pick, ...] = field(repr=False)  # posted as `answer`
    safety: bool  # all answers are seen without scrolling
    at: str = field(repr=False)
    action: str = field(repr=False)
    back: str = field(default="", repr=False)  # URL of the screen before; "" on the first
    skip: bool = True
    told: tuple[Told, ...] = ()
    preamble: tuple[str, ...] = ()  # what we are, before the first question
    refused: bool = False  # posted too soon to have been read, or from an old screen


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
    located: str = field(default="", repr=False)  # the accuracy of the phone's location
    alone: bool = False  # opened by a place link: only this screen is shown
    others: bool = False  # about somebody else, who may be elsewhere than this phone


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
    """Safety instructions between two questions. Posts `act`: `go_on` or `wrong`."""

    words: tuple[str, ...] = field(repr=False)  # the first is the heading
    poison: bool
    counselor: bool
    aid: str  # first-aid instructions; "" none
    asked_ago: int | None  # seconds since people were paged
    joined: str  # the name of the human who writes here; "" nobody yet
    left: int  # how many questions are left
    at: str = field(repr=False)
    action: str = field(repr=False)
    can_text_911: bool
    emergency: bool  # the words say to call 911: it comes first; else 988


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
    state: str  # of their own message: "on_its_way", "has_it", "not_sent", or ""
    machine: bool = False


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the help that was requested."""

    words: str = field(repr=False)
    at: datetime | None
    stands: str  # done, here, next


@dataclass(frozen=True, slots=True)
class StatusView:
    """The status of the request, and the conversation. Posts `act` and `words`."""

    stands: str
    mark: str  # of that sentence: the frame of a page without scripts does not say it again
    live: str  # the name of the human who leads the conversation; "" none
    checked: datetime
    version: str
    range: str  # "Between 15 and 35 minutes"; "" unknown
    range_age: int | None  # seconds since it was said
    awaited: bool  # does anybody come, or write, of whom no range is known?
    steps: tuple[StepView, ...]
    talk: tuple[Spoken, ...] = field(repr=False)
    hidden: bool
    reference: str
    code: str = field(repr=False)  # shown once, when asked for; "" hidden
    told: tuple[Told, ...]
    danger: bool
    emergency: bool  # they asked for 911, and reach it themselves
    ended: bool
    can_cancel: bool
    code_word: bool  # may a code word be set?
    watched: bool  # is the phrase for "I am watched" shown?
    open_question: QuestionView | None
    other_language: str  # the language of a human's messages, if it is not the reader's; "" none
    value: str = field(default="", repr=False)  # what was typed, shown again after an error
    at: str = field(default="", repr=False)
    deletion: tuple[str, ...] = ()  # the state of "delete my words", once they have asked
    shared: str = ""  # do others use this computer? "yes", "no"; "": it keeps no cookies
    confirm_number: bool = False  # show a field for the one-time word that was texted
    human_cancels: bool = False  # is a request to cancel decided by a human?


@dataclass(frozen=True, slots=True)
class CodeView:
    """Return with the code of ten letters. Posts `code`."""

    fault: str
    at: str = field(repr=False)
    value: str = field(default="", repr=False)  # what was typed, shown again after an error
    shared: bool = False  # they said that others use this computer
