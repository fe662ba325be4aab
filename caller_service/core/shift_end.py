"""Whoever has a case asks a named person to take it over (docs/safety-rules.md, rules 20 and 21).

Until that person accepts it is theirs who asked, and its clocks run; the resident hears nothing,
because nothing has changed for them. Whatever else gives the case to somebody ends the asking
(Case.handover_asked).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from . import hand_off
from .case import Case, Step, replace
from .effect import Alert, Effect, HandOff, Record
from .escalation import asked_instead
from .holding import take_over
from .journal_events import Event
from .marks import Mark
from .program import Program
from .protocol import Level
from .refusal import Refused
from .routing import Scene
from .terms import terms


def ask_to_take(
    case: Case, by: str, to: str, reason: str, scene: Scene, full: Collection[str] = ()
) -> Step:
    """`by` asks `to` to take the case over; asking twice does not restart the clock. `full`: as for
    holding.note. Raises Refused: ended, not_yours, no_such_person, full_other."""
    if case.ended:
        raise Refused("ended")
    if by not in (case.holder, case.accepted_by):
        raise Refused("not_yours", case.in_charge)
    if not to or to in (case.holder, case.accepted_by):
        raise Refused("no_such_person")
    if case.in_danger and to in full:
        raise Refused("full_other", to)
    if case.handover_asked == to:
        return Step(case)
    case = replace(case, handover_to=to, handover_by=case.in_charge).marked(
        scene.now, Mark.HANDOVER_ASKED
    )
    alerts = (Alert("alert.handover_asked", to, by), *(Alert(key, to) for key in terms(case)))
    record = Record(Event.HANDOVER_ASKED, {"by": by, "to": to})
    return Step(case.remarked(by, reason), (*alerts, record))


def take_asked(case: Case, by: str, scene: Scene, full: Collection[str] = ()) -> Step:
    """`by` takes the case over, as they were asked to. They continue a conversation or a danger,
    and the resident is told their name; otherwise only who has the case changes. Raises Refused:
    ended, not_asked, full."""
    _must_be_asked(case, by)
    if case.held or case.in_danger:
        record = Record(Event.HANDOVER_TAKEN, {"by": by, "from": case.in_charge})
        step = take_over(case, by, "", scene, full)
        return Step(_over(step.case), (*step.effects, record))
    case, effects = handed_to(case, by)
    return Step(*hand_off.revise(case, (*effects, HandOff("handed_over"))))


def handed_to(case: Case, by: str) -> tuple[Case, tuple[Effect, ...]]:
    """Give the case to `by` where nobody is in a conversation. Its status and its times stay: the
    resident was told them."""
    before = case.in_charge
    record = Record(Event.HANDOVER_TAKEN, {"by": by, "from": before})
    return _over(replace(case, accepted_by=by)), (Alert("alert.taken", before, by), record)


def decline_asked(case: Case, by: str, scene: Scene) -> Step:
    """`by` cannot take the case over, as they were asked to: it stays with whoever has it, who is
    told; in danger the ladder is asked at once, until somebody comes. Raises Refused: ended,
    not_asked."""
    _must_be_asked(case, by)
    step = _stays(case, by, scene, Record(Event.HANDOVER_DECLINED, {"by": by}))
    return Step(*hand_off.revise(step.case, step.effects))


def _stays(case: Case, to: str, scene: Scene, record: Record) -> Step:
    """`to` does not take the case over: ask others, apart from `to` and whoever has it."""
    by = case.in_charge
    case = _over(case)
    effects: tuple[Effect, ...] = (Alert("alert.handover_back", by, to), record)
    if not case.in_danger:
        return Step(case, effects)
    if not case.page_waits:
        case = case.marked(scene.now, Mark.LAPSED)
    case, pages = asked_instead(case.marked(scene.now, Mark.PAGED), by, scene, passed=to)
    return Step(case, (*pages, *effects, HandOff("no_answer")))


def _must_be_asked(case: Case, by: str) -> None:
    if case.ended:
        raise Refused("ended")
    if case.handover_asked != by:
        raise Refused("not_asked", case.in_charge)


def _over(case: Case) -> Case:
    return replace(case, handover_to="", handover_by="").unmarked(Mark.HANDOVER_ASKED)


def handover_due(case: Case, program: Program) -> datetime | None:
    """Somebody was asked to take the case over and has not, within the time for taking one."""
    if not case.handover_asked:
        return None
    clocks = program.clocks
    danger = clocks.join_emergency if case.level == Level.R1 else clocks.join_human
    seconds = danger if case.in_danger else clocks.accept
    return case.marks[Mark.HANDOVER_ASKED] + timedelta(seconds=seconds)


def fire_handover(case: Case, scene: Scene) -> Step:
    """Leave the case with whoever has it, who is told; in danger ask the ladder at once, until
    somebody comes."""
    to = case.handover_asked
    return _stays(case, to, scene, Record(Event.HANDOVER_LATE, {"to": to}))
