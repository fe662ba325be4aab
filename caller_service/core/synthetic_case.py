"""The synthetic resident's test case (`caller-service probe`): screened like any other, then it
stops.

Its only clock is `abandon`: the probe ends its own case, the next probe ends one that a crashed
probe left, and otherwise the sweep does. Nobody is paged for it, so no other clock applies.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from . import hand_off
from .case import Case, Channel, Status, Step
from .effect import HandOff, Record
from .journal_events import Event
from .ledger import began_nothing, end
from .marks import Mark
from .outcome import Outcome
from .program import Program
from .routing import Scene


def over(case: Case, scene: Scene) -> Step:
    """End a test case. Any other case is returned unchanged."""
    if not case.test or case.ended:
        return Step(case)
    revision = (HandOff("test_over"),) if case.revision else ()
    return Step(
        *hand_off.revise(
            end(case, Status.CLOSED, Outcome.TEST, scene.now), (*revision, Record(Event.TEST_OVER))
        )
    )


def over_due(case: Case, program: Program) -> datetime | None:
    """When the sweep ends a test case that no probe ended."""
    if not case.test or case.ended:
        return None
    return case.marks[Mark.HEARD] + timedelta(seconds=program.clocks.abandon)


def withdraw(case: Case, scene: Scene) -> Step:
    """End a case that the probe opened on a service that did not mark it. On its own number it
    asked for nothing, or it is a person's; on the web nobody else has the key to it."""
    others = not began_nothing(case) and case.channel != Channel.WEB
    if case.test or case.ended or others:
        return Step(case)
    return Step(
        end(case, Status.CLOSED, Outcome.NO_REQUEST, scene.now), (Record(Event.TEST_NOT_MARKED),)
    )
