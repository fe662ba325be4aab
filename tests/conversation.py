"""A resident who texts the service, played against the decisions alone: no network, no storage, no
waiting.

Before every turn the case is converted to JSON and back, so whatever a decision needs must survive
being stored. After every turn the timers are checked: what is due next must be in the future, or a
case would be decided for ever.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import caller_service
from caller_service.casework.interpret import hear
from caller_service.config.program_file import read_program
from caller_service.core import clock
from caller_service.core.case import Case, Step, from_plain, to_plain
from caller_service.core.effect import (
    Alert,
    Ask,
    BookCallback,
    Effect,
    Effects,
    HandOff,
    OptIn,
    OptOut,
    Page,
    PlaceLink,
    Record,
    Ring,
    Say,
    StandDown,
)
from caller_service.core.program import Program
from caller_service.core.reply import Answer, PlaceGiven, Reading
from caller_service.core.routing import Scene
from caller_service.core.screening import advance
from caller_service.language.catalog import read_catalog
from caller_service.language.languages import with_languages
from caller_service.language.vocabularies import read_language_words
from caller_service.language.wording import Words, texts

PROGRAM = with_languages(
    read_program(Path(caller_service.__file__).parent / "programs" / "rehearsal" / "program.toml")
)
# and a language that the program does not serve yet
PROGRAM = dataclasses.replace(PROGRAM, iso639_3={**PROGRAM.iso639_3, "zh-Hant": "zho"})
CATALOG = read_catalog(PROGRAM.languages)
LANGUAGE_WORDS = read_language_words(PROGRAM.languages, PROGRAM.watched)
# a Monday, 11:00 in Denver: every team but youth works
OPEN = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # 02:00 in Denver
PACE = timedelta(seconds=10)  # between reading a text and answering it

# A place of each kind that the rehearsal city can tell apart.
PLACES = {
    "inside": "city hall",
    "outside": "lakeside mall",
    "not_live": "39.7050, -105.0400",
    "near_edge": "mill rd and county line",
    "ambiguous": "main st",
    "unknown": "behind the blue house",
}


def kept(case: Case) -> Case:
    """The case after a round trip through storage."""
    return from_plain(json.loads(json.dumps(to_plain(case))))


def fresh(language: str = "en") -> Case:
    return Case("case-1", "K7M4Q", "contact-1", language)


@dataclass
class Resident:
    language: str = "en"
    now: datetime = OPEN
    program: Program = PROGRAM
    full: frozenset[str] = frozenset()  # areas a dispatcher has marked as full
    case: Case = field(init=False)
    heard: tuple[Words, ...] = ()  # the messages of the last turn
    effects: Effects = ()  # what the last turn made happen
    everything: list[tuple[datetime, Effect]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.case = fresh(self.language)

    # ---- what a person does ----------------------------------------------------------------------
    def texts(self, *said: str, after: timedelta = PACE) -> Resident:
        """Write these, one after the other, each after reading the reply. After the end of a case a
        new one opens."""
        for words in said:
            self.now += after
            if self.case.ended:
                self.case = Case(
                    f"{self.case.id}+",
                    self.case.reference,
                    self.case.contact,
                    self.case.language,
                    related=self.case.id,
                    answered_with=self.case.answered_with,
                )
            self._turn(
                lambda case, words=words: hear(case, words, self.now, self._scene(), LANGUAGE_WORDS)
            )  # type: ignore[misc]
        return self

    def answers(self, *codes: str, after: timedelta = PACE) -> Resident:
        """Answer by code, whatever its number is; a place by its kind."""
        for code in codes:
            self.now += after
            self._turn(
                lambda case, code=code: advance(
                    case, reading(case, code), code, self._scene(), self.now
                )
            )  # type: ignore[misc]
        return self

    def waits(self, *, minutes: float = 0, seconds: float = 0, hours: float = 0) -> Resident:
        """Let time pass; every timer fires when it is due. `heard` and `effects` then hold
        everything that happened."""
        until = self.now + timedelta(minutes=minutes, seconds=seconds, hours=hours)
        effects: Effects = ()
        heard: tuple[Words, ...] = ()
        due = clock.next_due(self.case, self.program)
        while due is not None and due <= until:
            self.now = max(self.now, due)
            self._turn(lambda case: clock.tick(case, self._scene()))
            effects, heard = effects + self.effects, heard + self.heard
            due = clock.next_due(self.case, self.program)
            assert due is None or due > self.now, "a clock that rang is due again at once"
        self.now, self.effects, self.heard = until, effects, heard
        return self

    def sleeps(self, *, hours: float) -> Resident:
        """The service is down for that long, then every timer is checked once."""
        self.now += timedelta(hours=hours)
        self._turn(lambda case: clock.tick(case, self._scene()))
        return self

    def staff(self, decide: Callable[[Case, Scene], Step]) -> Resident:
        """Staff or dispatch decide something."""
        self._turn(lambda case: decide(case, self._scene()))
        return self

    # ---- what can be seen ------------------------------------------------------------------------
    def hears(self, words: str) -> Resident:
        told = [message.text for message in self.heard]
        assert any(words in text for text in told), f"{words!r} is in none of {told}"
        return self

    def hears_of(self, key: str) -> Resident:
        """As `hears`, by message key, independent of the current wording."""
        assert key in self.said, f"{key} is not in {self.said}"
        return self

    def hears_nothing(self) -> Resident:
        assert self.heard == ()
        return self

    @property
    def said(self) -> tuple[str, ...]:
        """The message keys of the last turn, in order, questions included."""
        return tuple(key for message in self.heard for key in message.keys)

    @property
    def asked(self) -> str:
        return self.case.asked

    def happened(self, kind: type) -> list[Effect]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def _scene(self) -> Scene:
        return Scene(self.program, self.now, self.full)

    def _turn(self, decide: Callable[[Case], Step]) -> None:
        before = kept(self.case)
        assert before == self.case, "a case must survive being kept"
        step = decide(before)
        self.case, self.effects = step.case, step.effects
        self.heard = texts(step.effects, step.case, self.program, CATALOG)
        self.everything += [(self.now, effect) for effect in step.effects]


def reading(case: Case, code: str) -> Reading:
    """An answer as `read` would return it."""
    return Reading(
        PlaceGiven(PLACES[code]) if case.asked == "where" and code in PLACES else Answer(code)
    )


def told(effect: Effect) -> str:
    """One effect as a transcript writes it; texts are written out."""
    if isinstance(effect, Page):
        also = (
            ", the one before too" * effect.two
            + ", supervisors" * effect.supervisor
            + ", backstop" * effect.backstop
        )
        return f"page {effect.ladder}, rung {effect.rung + 1}{also}"
    if isinstance(effect, HandOff):
        return f"hand-off: {effect.because}"
    if isinstance(effect, Alert):
        return f"tell {effect.name}: {effect.key.removeprefix('alert.')}"
    if isinstance(effect, Ring):
        return f"ring {effect.name}"
    if isinstance(effect, PlaceLink):
        return "a link to mark the place is texted"
    if isinstance(effect, BookCallback):
        return "a callback is booked"
    if isinstance(effect, StandDown):
        return "stand down the others"
    if isinstance(effect, (OptOut, OptIn)):
        return "opt out" if isinstance(effect, OptOut) else "opt in"
    if isinstance(effect, Record):
        return ": ".join(
            part
            for part in (
                effect.event,
                ", ".join(value for value in effect.detail.values() if value),
            )
            if part
        )
    assert isinstance(effect, (Say, Ask))
    return ""
