"""What must happen after a decision. A decision returns effects; casework/carry_out makes them rows
and jobs.

Effects hold keys and codes, never sentences. `unasked` marks words that do not answer a text just
received: the safe-contact gate (core/safe_contact.py) must allow those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Say:
    """Tell the resident: a catalog key, and what fills its placeholders."""

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
    # as Say's: what the question names
    fill: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)


@dataclass(frozen=True, slots=True)
class Page:
    """Ask the people of one rung to take this case. `round` counts how often this case has been
    paged."""

    ladder: str
    rung: int
    round: int
    but: str = field(default="", repr=False)  # who just passed it on: not asked by this page
    two: bool = False  # R1: this rung and the one before, at once (rule 4)
    supervisor: bool = False  # the supervisors too
    backstop: bool = False  # the contracted line that answers day and night, and nobody else


@dataclass(frozen=True, slots=True)
class HandOff:
    """Send the case as it now stands to every destination, as the next revision."""

    because: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Tell whoever has the case: `key` of the catalog, and the resident's words where those are
    what is told.

    It goes to their phone if they stand on a ladder; destinations learn it by the revision of the
    same decision.
    """

    key: str
    name: str = field(repr=False)
    words: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class StandDown:
    """Somebody accepted: the others who were paged need not."""

    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UpdateCall:
    """Texts do not reach the resident: call them instead. `text_id`: the message that was lost;
    none for what was held back."""

    text_id: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class OptOut:
    """The contact wants no more texts. Nothing is closed by it."""


@dataclass(frozen=True, slots=True)
class OptIn:
    """The contact wants texts again."""


@dataclass(frozen=True, slots=True)
class Record:
    """A line in the journal: what happened, with codes only."""

    event: str
    detail: Mapping[str, str] = field(default_factory=dict)


Effect = Say | Ask | Page | HandOff | Alert | StandDown | UpdateCall | OptOut | OptIn | Record
Effects = tuple[Effect, ...]
