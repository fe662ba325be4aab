"""A conversation can be released in every state that a case can be in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from conversation import OPEN, PROGRAM, fresh

from caller_service.core.case import ENDED, HUMAN_HAS_IT, Case, Status, replace
from caller_service.core.clock import _backstop
from caller_service.core.holding import let_go, release
from caller_service.core.marks import Mark
from caller_service.core.protocol import Level
from caller_service.core.refusal import Refused
from caller_service.core.routing import Scene

LATER = Scene(PROGRAM, OPEN + timedelta(minutes=30))


def held(status: Status) -> Case:
    case = replace(
        fresh(), status=status, level=Level.R1, revision=1, holder="Dana", accepted_by="Dana"
    )
    return case.marked(OPEN, Mark.OPENED, Mark.FIRST_PAGED, Mark.JOINED, Mark.LAPSED)


@pytest.mark.parametrize("status", [one for one in Status if one not in ENDED])
def test_the_line_is_rung_for_a_holder_who_is_silent_in_every_state(status: Status) -> None:
    step = _backstop(held(status), LATER)
    assert not step.case.held and step.effects
    assert (step.case.status == Status.ARRIVED) == (status == Status.ARRIVED)


@pytest.mark.parametrize("status", [one for one in Status if one not in ENDED])
def test_giving_back_is_done_or_refused_by_name_and_never_a_fault(status: Status) -> None:
    if status == Status.ARRIVED:
        with pytest.raises(Refused, match="cannot_move"):
            release(held(status), "Dana", "", LATER)
    else:
        assert release(held(status), "Dana", "", LATER).case.holder == ""


def test_a_team_that_has_arrived_stays() -> None:
    for status in HUMAN_HAS_IT:
        case = let_go(held(status), LATER)
        assert case.accepted_by == ("Dana" if status == Status.ARRIVED else "")
