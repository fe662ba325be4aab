"""What must happen after a decision; casework/carry_out turns effects into rows and jobs.

Effects hold keys and codes, never sentences. `unasked` marks words that answer no text just
received: the safe-contact gate (core/safe_contact.py) must allow them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .journal_events import Event


@dataclass(frozen=True, slots=True)
class Say:
    """Text the resident: a catalog key and the values of its placeholders."""

    key: str
    fill: Mapping[str, str] = field(default_factory=dict, repr=False)
    unasked: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Put a question: its wording variant ("" or "me", "they", "person") and the choices offered,
    in order."""

    question: str
    variant: str = ""
    choices: tuple[str, ...] = ()
    unasked: bool = False
    deaf: bool = False  # some choices are worded for somebody deaf
    # placeholder values, as in Say
    fill: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)


@dataclass(frozen=True, slots=True)
class Page:
    """Ask the people of one rung to take this case. `round` counts how many times paging has
    started."""

    ladder: str
    rung: int
    round: int
    # who just passed it on, or had it and did not come: they are not paged
    but: tuple[str, ...] = field(default=(), repr=False)
    two: bool = False  # R1: this rung and the one before it, at once (rule 4)
    supervisor: bool = False  # page the supervisors too
    backstop: bool = False  # call only the contracted round-the-clock line
    # for another caller of their number: a human is speaking with the first
    beside: bool = False


@dataclass(frozen=True, slots=True)
class HandOff:
    """Send the case as it now is to every destination, as the next revision."""

    because: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Alert whoever has the case: a catalog key, and the resident's words where the alert carries
    them.

    It goes to their phone if they are on a ladder; destinations see it in the revision of the same
    decision.
    """

    key: str
    name: str = field(repr=False)
    words: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring the phone of whoever has the case: the resident is on the line."""

    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BookCallback:
    """Promise the resident a call between `due` and `until` (core/callback.py)."""

    due: datetime
    until: datetime
    by: str
    ask_for: str = field(repr=False)
    person: str
    most: int
    spacing: timedelta


@dataclass(frozen=True, slots=True)
class PlaceLink:
    """Text the resident a link with which they can mark where they are, and nothing else."""


@dataclass(frozen=True, slots=True)
class StandDown:
    """Somebody accepted: tell the others who were paged that they are not needed."""

    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UpdateCall:
    """Call the resident because texts do not reach them. `text_id`: the lost message; "" for words
    that were held back."""

    text_id: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class OptOut:
    """The contact wants no more texts. This closes no case."""


@dataclass(frozen=True, slots=True)
class OptIn:
    """The contact wants texts again."""


@dataclass(frozen=True, slots=True)
class EraseWords:
    """Erase what was written in this request, wherever it is kept (store/erasure.py)."""


@dataclass(frozen=True, slots=True)
class EraseNumber:
    """Erase the number it came from, unless somebody still needs it (store/erasure.py)."""


@dataclass(frozen=True, slots=True)
class EraseAnswers:
    """Erase what was answered and concluded, wherever it is kept (store/erasure.py)."""


@dataclass(frozen=True, slots=True)
class Record:
    """An entry for the journal: what happened, in codes only."""

    event: Event
    detail: Mapping[str, str] = field(default_factory=dict)


Effect = (
    Say
    | Ask
    | Page
    | HandOff
    | Alert
    | Ring
    | BookCallback
    | PlaceLink
    | StandDown
    | UpdateCall
    | OptOut
    | OptIn
    | EraseWords
    | EraseNumber
    | EraseAnswers
    | Record
)
Effects = tuple[Effect, ...]
