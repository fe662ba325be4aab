"""A named human calls 911 for a place (docs/safety-rules.md, "Software never sends police", rules 3
and 13). Software dials nobody: what is here is who did, why, and what the resident knew before."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

from . import hand_off
from .case import Case, Step, replace
from .effect import Alert, HandOff, Record
from .holding import note
from .marks import Mark
from .refusal import Refused
from .routing import Scene
from .safe_contact import may_note

TWICE = timedelta(minutes=1)  # the same button, pressed twice


class Told(StrEnum):
    """`Case.told_911`: what the resident knew before 911 was called. The values are stored."""

    WORDS = "words"  # words of whoever calls were sent first
    SAID = "said"  # a human had told them already
    NOT = "not"  # they were not told: it could get someone hurt, or nothing reaches them


def call_911(
    case: Case,
    by: str,
    reason: str,
    told: str,
    why_not: str,
    scene: Scene,
    words: str = "",
    full: Collection[str] = (),
) -> Step:
    """`by` calls 911 for this place, because of `reason`. The resident is told first, in `words` in
    their language or by a human already; not to tell them needs its own reason. Whoever has the
    case is alerted, and the danger stays open: its end says what came of it.

    Raises Refused: ended, reason_needed, tell_needed, why_not_needed, cannot_tell; and as
    holding.note.
    """
    if case.ended:
        raise Refused("ended")
    if not reason:
        raise Refused("reason_needed")
    if told not in set(Told):
        raise Refused("tell_needed")
    if told == Told.NOT and not why_not:
        raise Refused("why_not_needed")
    called = case.marks.get(Mark.CALLED_911)
    if case.called_911 == by and called is not None and scene.now - called < TWICE:
        return Step(case)
    if told == Told.WORDS and not may_note(case, scene.now):
        raise Refused("cannot_tell")
    before = case
    step = note(case, by, words, scene, full=full) if told == Told.WORDS else Step(case)
    case = replace(step.case, called_911=by, told_911=told).marked(scene.now, Mark.CALLED_911)
    case = case.remarked(by, reason)
    case = case.remarked(by, why_not) if told == Told.NOT else case
    has_it = case.in_charge
    alerts = (Alert("alert.called_911", has_it, by),) if has_it not in ("", by) else ()
    record = Record("called_911", {"by": by, "told": told})
    effects = (HandOff("called_911"), *step.effects, *alerts, record)
    return hand_off.revised_once(before, Step(case, effects))
