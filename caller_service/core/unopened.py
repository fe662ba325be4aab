"""A resident writes, and what they wrote before cannot be decrypted: a key is missing, or the row
was altered.

Their request continues, because level, answers, clocks and whoever has it are known without those
words. But a human would need them, so a human is paged at once and the resident is told
(docs/decisions/0036-a-request-that-does-not-open-goes-on.md).
"""

from __future__ import annotations

from .case import Case, Step
from .commands import said_again
from .effect import Alert, Ask, Record, Say
from .journal_events import Event
from .marks import Mark
from .routing import Scene
from .said import Said


def with_doubt(case: Case, scene: Scene) -> Case:
    """The case before the text is read, as if they had asked for a person."""
    return said_again(case, frozenset({Said.PERSON}), scene).marked(scene.now, Mark.UNOPENED)


def tell_doubt(step: Step) -> Step:
    """Say so before anything else, if anything is said, and alert whoever has the case."""
    case, effects = step.case, step.effects
    alert = (Alert("alert.unopened", case.in_charge),) if case.in_charge else ()
    spoken = any(isinstance(effect, (Say, Ask)) and not effect.unasked for effect in effects)
    words = (Say("unopened"),) if spoken else ()
    return Step(case, (*words, *effects, Record(Event.UNOPENED), *alert))
