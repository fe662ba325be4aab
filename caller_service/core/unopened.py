"""Somebody writes whose earlier words do not open: a key is missing, or the row was altered.

Their request goes on: level, answers, clocks and whoever has it are known without those words. But
what the human would need is gone, so a human is asked at once, and the person hears it
(docs/decisions/0036-a-request-that-does-not-open-goes-on.md).
"""

from __future__ import annotations

from .case import Case, Step
from .commands import said_again
from .effect import Alert, Ask, Record, Say
from .marks import Mark
from .routing import Scene
from .said import Said


def with_doubt(case: Case, scene: Scene) -> Case:
    """The case before their text is read: as if they had asked for a person."""
    return said_again(case, frozenset({Said.PERSON}), scene).marked(scene.now, Mark.UNOPENED)


def tell_doubt(step: Step) -> Step:
    """They hear it before anything else, where anything is said; whoever has the case does too."""
    case, effects = step.case, step.effects
    alert = (Alert("alert.unopened", case.in_charge),) if case.in_charge else ()
    spoken = any(isinstance(effect, (Say, Ask)) and not effect.unasked for effect in effects)
    words = (Say("unopened"),) if spoken else ()
    return Step(case, (*words, *effects, Record("unopened"), *alert))
