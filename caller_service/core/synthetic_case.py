"""A test case: the synthetic resident's (`caller-service probe`). It is screened like any other and
goes no further.

Its one clock is `abandon`: the probe ends its case itself, the next probe ends what one that died
has left, and when no other comes, the sweep does. Nobody is asked about it meanwhile, so no other
clock of it runs.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from . import hand_off
from .case import Case, Status, Step
from .effect import HandOff, Record
from .ledger import began_nothing, end
from .marks import Mark
from .outcome import Outcome
from .program import Program
from .routing import Scene


def over(case: Case, scene: Scene) -> Step:
    """The test is over. A case that is no test stays as it is."""
    if not case.test or case.ended:
        return Step(case)
    told = (HandOff("test_over"),) if case.revision else ()
    return Step(
        *hand_off.revise(
            end(case, Status.CLOSED, Outcome.TEST, scene.now), (*told, Record("test_over"))
        )
    )


def over_due(case: Case, program: Program) -> datetime | None:
    """When the sweep ends a test case that no probe ended."""
    if not case.test or case.ended:
        return None
    return case.marks[Mark.HEARD] + timedelta(seconds=program.clocks.abandon)


def withdraw(case: Case, scene: Scene) -> Step:
    """The probe's first word was taken for a resident's: the service knows no probe. It asked for
    nothing, and ends so."""
    if case.test or case.ended or not began_nothing(case):
        return Step(case)
    return Step(
        end(case, Status.CLOSED, Outcome.NO_REQUEST, scene.now), (Record("test_not_marked"),)
    )
