"""A caller, against the decisions alone: no network, no storage, no waiting.

Before every step the case and the position in the call are converted to JSON and back. After every
step the invariants of every call are checked: see SpokenCall._holds.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from conversation import CATALOG, LANGUAGE_WORDS, OPEN, PROGRAM, fresh, kept, told

from caller_service.casework.interpret import hear as read_text
from caller_service.casework.interpret import understand_aloud
from caller_service.casework.resident_call import _plain, _position
from caller_service.core import clock, phone_call, phone_waiting
from caller_service.core.case import Case, Status, Step
from caller_service.core.effect import Effects, HandOff, Page
from caller_service.core.holding import joins_by_phone
from caller_service.core.marks import Mark
from caller_service.core.phone_script import (
    SAME_KEY,
    WITH_HUMAN,
    At,
    Heard,
    Line,
    Position,
    Spoken,
    Surroundings,
    Then,
    remembered,
)
from caller_service.core.program import Program
from caller_service.core.routing import Scene
from caller_service.language.spoken import seconds, sentences
from caller_service.language.wording import spoken_words

SPEECH = dataclasses.replace(PROGRAM, phone=dataclasses.replace(PROGRAM.phone, speech=True))
PATIENCE = timedelta(seconds=1)  # from the last word to the key
GOES_ON = (Then.QUEUE, Then.WAIT, Then.LEAVE, Then.COUNSELOR, Then.PSAP, Then.HANG_UP)


@dataclass
class SpokenCall:
    """The calls of one caller, one after the other. `said`: what they heard in the last step."""

    language: str = "en"
    now: datetime = OPEN
    program: Program = PROGRAM
    surge: bool = False
    languages: tuple[str, ...] = ("en", "es")
    case: Case = field(init=False)
    position: Position = field(default_factory=Position)
    then: Then = Then.HANG_UP
    over: bool = True
    said: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    effects: Effects = ()
    asked: set[str] = field(default_factory=set)  # rungs that were paged
    script: list[str] = field(default_factory=list)  # the call as a transcript writes it
    waited: str = ""  # the last line of waiting
    began_with: str = ""  # the first line of the step before
    once_more: bool = False  # they asked to repeat it, or one press came twice
    stood: At = At.GREETING  # what they heard before this step

    def __post_init__(self) -> None:
        self.case = fresh(self.language)

    # ---- what a caller does ----------------------------------------------------------------------
    def rings(self, callback_line: bool = False) -> SpokenCall:
        """They call us; `callback_line`: at the number that called them."""
        if self.case.ended:
            again = fresh(self.case.language)
            self.case = dataclasses.replace(again, id=f"{self.case.id}+", related=self.case.id)
        self.over, self.position, self.waited = False, Position(), ""
        self._writes("(rings the callback number)" if callback_line else "(rings)")
        around = dataclasses.replace(self._around(), callback_line=callback_line)
        return self._step(lambda case, _: phone_call.begin(case, self._scene(), around))

    def is_called_back(self) -> SpokenCall:
        """They answer our call to them (casework/resident_call.py, called_back)."""
        self._writes("(answers our call)")
        self.over, self.waited, at = False, "", self._scene().now
        self.position = Position(At.CALLED, waits_since=at)
        self.case = self.case.marked(at, Mark.ON_LINE)
        return self._step(
            lambda case, position: phone_waiting.wait(case, position, self._scene(), self._around())
        )

    def presses(self, *keys: str, early: bool = False) -> SpokenCall:
        """Press these keys, each after the words; `early`: at once."""
        for key in keys:
            self.now += timedelta(seconds=0.5) if early else self.takes() + PATIENCE
            self._writes(key)
            self._hears(Heard(self.now, digits=key))
        return self

    def says(self, words: str, confidence: float = 0.9) -> SpokenCall:
        self.now += self.takes() + PATIENCE
        self._writes(f'"{words}"')
        return self._hears(Heard(self.now, words=words, confidence=confidence))

    def is_silent(self) -> SpokenCall:
        self.now += self.takes() + timedelta(seconds=12)
        self._writes("(silence)")
        return self._hears(Heard(self.now))

    def hangs_up(self) -> SpokenCall:
        self._writes("(hangs up)")
        return self._gone()

    # ---- what happens around them ----------------------------------------------------------------
    def leaves_queue(self, result: str, talked: float | None = None) -> SpokenCall:
        self.waited = "" if result == "bridged" else self.waited  # a human spoke in between
        length = None if talked is None else timedelta(seconds=talked)
        return self._step(
            lambda case, at: phone_waiting.left_queue(case, at, result, length, self._scene())
        )

    def is_joined(self, by: str, seconds: float) -> SpokenCall:
        """A human takes them out of the queue, and they talk for this long."""
        self._happens(
            f"({by} speaks with them)", lambda case: joins_by_phone(case, by, self._scene())
        )
        self.now += timedelta(seconds=seconds)
        return self.leaves_queue("bridged", seconds)

    def comes_back(self, reached: bool = True) -> SpokenCall:
        """The call to 988, or to the PSAP, is over."""
        return self._step(
            lambda case, at: phone_waiting.came_back(case, at, reached, self._scene())
        )

    def texts(self, words: str) -> SpokenCall:
        """They send a text in between."""
        return self._happens(
            f"(texts) {words}",
            lambda case: read_text(
                case, words, self.now, Scene(self.program, self.now), LANGUAGE_WORDS
            ),
        )

    def waits(self, seconds: float) -> SpokenCall:
        """Let time pass; every timer fires when it is due."""
        until = self.now + timedelta(seconds=seconds)
        at_once = 0
        while (due := clock.next_due(self.case, self.program)) is not None and due <= until:
            at_once = at_once + 1 if due <= self.now else 0  # one may make another due
            assert at_once < len(clock.CLOCKS), f"due for ever\n{self.transcript()}"
            self.now = max(self.now, due)
            self._happens("", lambda case: clock.tick(case, Scene(self.program, self.now)))
        self.now = until
        return self

    def staff(self, what: str, decide: Callable[[Case, Scene], Step]) -> SpokenCall:
        return self._happens(what, lambda case: decide(case, Scene(self.program, self.now)))

    # ---- what can be seen ------------------------------------------------------------------------
    @property
    def queued(self) -> bool:
        return not self.over and self.then == Then.WAIT

    def takes(self) -> timedelta:
        """How long the last words take to speak."""
        pace = CATALOG.languages[self.case.language]
        return timedelta(seconds=sum(seconds(words, pace) for words in self.said))

    def transcript(self) -> str:
        return "\n".join(self.script)

    # ---- one step --------------------------------------------------------------------------------
    def _scene(self) -> Scene:
        scene = Scene(self.program, self.now, surge=self.surge).for_case(self.case)
        return dataclasses.replace(scene, aloud=True)

    def _around(self, words: str = "") -> Surroundings:
        first = self.case.language
        others = tuple(tag for tag in self.languages if tag != first)
        heard = understand_aloud(self.case, words, self._scene(), LANGUAGE_WORDS) if words else None
        return Surroundings((first, *others), len(self.asked), heard)

    def _hears(self, heard: Heard) -> SpokenCall:
        last = self.position
        twice = last.key_at is not None and heard.at - last.key_at < SAME_KEY
        key = heard.digits if len(heard.digits) < 2 else "?"
        self.once_more = key == "*" or (twice and key == last.key)
        around = self._around(heard.words)
        if self.case.ended and heard.digits == "0" and self.position.at not in WITH_HUMAN:
            self.case = self._another()
        return self._step(lambda case, at: phone_call.hear(case, at, heard, self._scene(), around))

    def _another(self) -> Case:
        """Like casework/resident_call.py: after the end they ask for a person."""
        new = dataclasses.replace(fresh(self.case.language), id=f"{self.case.id}+")
        return new.marked(self.now, Mark.OPENED, Mark.HEARD, Mark.ON_LINE)

    def _step(self, decide: Callable[[Case, Position], Spoken], left: int = 0) -> SpokenCall:
        before = kept(self.case)
        at = _position(json.loads(json.dumps(_plain(self.position))))
        assert before == self.case and at == self.position, "they must survive being kept"
        self.stood = at.at
        self._took(decide(before, at), before)
        if self.then == Then.QUEUE:
            return self._step(
                lambda case, at: phone_waiting.wait(case, at, self._scene(), self._around())
            )
        if self.then == Then.LEAVE:
            return self.leaves_queue("leave")
        if self.then == Then.HANG_UP:
            self._writes("(we hang up)")
            return self._gone()
        return self

    def _took(self, spoken: Spoken, before: Case) -> None:
        self.case, self.position, self.then = spoken.step.case, remembered(spoken), spoken.then
        self._note(spoken.step.effects)
        if self.then != Then.WAIT or self.position.at == At.CONFIRM:
            self.said = ()
        self.keys = tuple(line.key for line in spoken.lines)
        heard = [self._worded(line, self.case.language) for line in spoken.lines]
        for line in spoken.lines:  # in every language that this call could have
            for tag in self.languages:
                self._worded(line, tag)
        self.said = tuple(heard)
        for words in heard:
            self._writes(words, "<")
        self._holds(spoken, before)
        if spoken.question >= 0:
            pace = CATALOG.languages[self.case.language]
            earlier = sum(seconds(words, pace) for words in heard[: spoken.question])
            asks = sum(seconds(words, pace) for words in heard[spoken.question :])
            self.position = dataclasses.replace(
                self.position, read_at=self.now + timedelta(seconds=1 + earlier + asks / 2)
            )

    def _worded(self, line: Line, tag: str) -> str:
        """The complete text of a line: a placeholder without a value is an error."""
        words = spoken_words(
            line.key, line.fill, line.language or tag, self.case, self.program, CATALOG
        )
        ours = words.replace(
            line.fill.get("place") or "\0", ""
        )  # the caller's own words may be any
        assert ours and "{" not in ours and "}" not in ours, (line.key, words)
        assert all(len(each) < 4500 for each in sentences(words)), line.key
        return words

    def _holds(self, spoken: Spoken, before: Case) -> None:
        """The invariants after every step of every call."""
        here = self.transcript()
        quiet = self.position.at == At.CALLED
        assert spoken.lines or spoken.then in GOES_ON, f"no words, no person, no end\n{here}"
        assert spoken.lines or spoken.then != Then.WAIT or quiet, f"they wait in silence\n{here}"
        # somebody who is silent at the callback number has asked for nothing
        served = self._is_served() or self.stood == At.CALLBACK_LINE
        first = spoken.lines[0].key if spoken.lines else ""
        same = first in ("spoken.not_a_key", "spoken.closing") and first == self.began_with
        assert not same or self.once_more, f"the same line twice in a row: {first}\n{here}"
        self.began_with = first
        assert spoken.then != Then.HANG_UP or served, f"hung up on\n{here}"
        if before.id == self.case.id:
            assert not fell(before, self.case), f"{before.level} to {self.case.level}\n{here}"
        # by their choice they wait no longer; and the callback number names no program
        alone = self.position.at in (At.CLOSING, At.CALLBACK_LINE)
        if spoken.then == Then.LISTEN and not alone:
            assert not self.case.in_danger or self.case.ended, f"danger, and no human\n{here}"
        if spoken.then == Then.WAIT and self.position.at == At.WAITING and spoken.lines:
            line = spoken.lines[-1]
            words = self._worded(line, self.case.language)
            repeats = self.once_more or line.key == "spoken.say.call_911"
            assert words != self.waited or repeats, f"said twice: {words}\n{here}"
            self.waited = words

    def _is_served(self) -> bool:
        """Has the case ended, or does it have a task for a human or a danger that people are paged
        about?"""
        case = self.case
        screened = case.status != Status.SCREENING
        return case.ended or screened or case.review or case.in_danger

    def _happens(self, what: str, decide: Callable[[Case], Step]) -> SpokenCall:
        if what:
            self._writes(what, "~")
        step = decide(kept(self.case))
        self.case = step.case
        self._note(step.effects)
        return self

    def _note(self, effects: Effects) -> None:
        self.effects = effects
        revisions = [effect for effect in effects if isinstance(effect, HandOff)]
        assert len(revisions) <= 1, f"two revisions of one decision\n{self.transcript()}"
        for effect in effects:
            if isinstance(effect, Page):
                self.asked.add(f"{effect.ladder} {effect.rung}")
            if described := told(effect):
                self._writes(described, "!")

    def _gone(self) -> SpokenCall:
        """The call is over, whoever ended it."""
        self.over = True
        self.now += timedelta(seconds=1)
        self._happens("", lambda case: phone_waiting.hung_up(case, self._scene()))
        assert not self.case.on_line and not self.case.talking
        assert self._is_served(), f"nobody has a task\n{self.transcript()}"
        assert not self.case.asked_aloud
        return self

    def _writes(self, words: str, sign: str = ">") -> None:
        self.script.append(f"{sign} {words}")


def fell(before: Case, after: Case) -> bool:
    """Has a known danger been lowered without a human?"""
    return (
        before.level is not None
        and not after.ended
        and (after.level is None or after.level < before.level)
    )
