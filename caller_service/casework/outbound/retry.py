"""When a try that failed is made again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from caller_service.core.outbound import SentState
from caller_service.gateway.telephony import OutcomeUnknown, RetryLater, TelephonyError


def next_try(
    pauses: Sequence[int], tries: int, now: datetime, at_least: int = 0
) -> datetime | None:
    """When to try again after `tries` that failed; None: no more. `pauses` and `at_least` are
    seconds."""
    if tries > len(pauses):
        return None
    return now + timedelta(seconds=max(at_least, pauses[tries - 1]))


def state_after(states: type[SentState], problem: TelephonyError, first: bool) -> SentState:
    """The state of a text or a call that the provider did not take: WAITING, to be tried from the
    start; TRYING, to be looked up first, because an earlier try may have been taken; DEAD."""
    if isinstance(problem, RetryLater):
        return states.WAITING if first else states.TRYING
    return states.TRYING if isinstance(problem, OutcomeUnknown) else states.DEAD
