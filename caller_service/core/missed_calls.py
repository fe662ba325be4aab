"""Which calls nobody of ours answered, and why a human looks at them (docs/safety-rules.md, rules 5
and 24). Software calls none of them back."""

from __future__ import annotations

from enum import StrEnum

from .case import Case
from .marks import Mark
from .outcome import Outcome
from .reach import CannotText
from .said import Said


class Missed(StrEnum):
    BEFORE_ANSWER = "before_answer"  # hung up before an answer to the first question
    IN_BETWEEN = "in_between"  # hung up in the middle of the questions
    OFTEN = "often"  # the third contact of this number in 24 hours
    WITHHELD = "withheld"  # the number is withheld, so that nobody can call back


def missed(case: Case) -> tuple[Missed, ...]:
    """Why a call with whose caller no human spoke is looked at; empty: a human has had the case, or
    the caller was answered to the end."""
    if Mark.ACKNOWLEDGED in case.marks or Mark.NOTED in case.marks or case.on_line:
        return ()
    reasons = [
        reason
        for reason, holds in (
            (Missed.BEFORE_ANSWER, case.outcome == Outcome.NO_REQUEST),
            (Missed.IN_BETWEEN, Said.HUNG_UP in case.said),
            (Missed.OFTEN, Said.WRITES_OFTEN in case.said),
        )
        if holds
    ]
    withheld = case.cannot_text == CannotText.WITHHELD
    if withheld and (reasons or not case.revision):  # handed off: the queue has it
        reasons.append(Missed.WITHHELD)
    return tuple(reasons)
