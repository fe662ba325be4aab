"""A picture, or another file, that came with a text. Nobody here sees it: they hear so, and so does
whoever has their case (rule 22)."""

from __future__ import annotations

from dataclasses import replace as with_changes

from .case import Step
from .effect import Alert, Ask, Effect, Record, Say
from .journal_events import Event
from .marks import Mark
from .repetition import ACKNOWLEDGEMENTS
from .safe_contact import gated
from .turn_steps import LINES, READ_LINES

NOT_SEEN = "unclear.media"
# "it did not understand" is said better by NOT_SEEN
NOT_READ = frozenset({"unclear", "unclear.again"})
# words after which it may be said: elsewhere a short answer, such as "OK.", is all they hear
ROOM_AFTER = ACKNOWLEDGEMENTS | set(LINES) | set(READ_LINES)


def with_picture(step: Step) -> Step:
    """What one text caused, where a picture came with it. The resident hears once that it is not
    seen, and only where software answers them anyway; whoever has the case hears it each time."""
    case = step.case
    effects: list[Effect] = [_no_empty_alert(each) for each in step.effects]
    effects.append(Record(Event.PICTURE))
    alerts = [each for each in effects if isinstance(each, Alert)]
    if case.in_charge and not case.ended and all(each.key != "alert.picture" for each in alerts):
        effects.append(Alert("alert.picture", case.in_charge))
    keys = {each.key for each in effects if isinstance(each, Say)}
    asks = any(isinstance(each, Ask) for each in effects)
    if NOT_SEEN in keys:
        return Step(case.marked(case.marks[Mark.HEARD], Mark.PICTURE), tuple(effects))
    if Mark.PICTURE in case.marks or not (asks or keys & ROOM_AFTER):
        return Step(case, tuple(effects))
    effects = [each for each in effects if not (isinstance(each, Say) and each.key in NOT_READ)]
    at = next((place for place, each in enumerate(effects) if isinstance(each, Ask)), len(effects))
    case = case.marked(case.marks[Mark.HEARD], Mark.PICTURE)
    return Step(case, gated(case, (*effects[:at], Say(NOT_SEEN), *effects[at:]))[0])


def _no_empty_alert(effect: Effect) -> Effect:
    """An alert that would repeat no words says what came instead."""
    if isinstance(effect, Alert) and effect.key == "alert.words" and not effect.words:
        return with_changes(effect, key="alert.picture")
    return effect
