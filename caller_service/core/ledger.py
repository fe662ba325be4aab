"""The unserved ledger: every case stands in exactly one class, and who wanted help and got none has
exactly one reason (domain.md section 2, rule 16, and section 9; house.md "One entity").

The outcome decides the class; `unserved` gives the reason where the outcome alone does not:

    open        the case has not ended; what `unserved` says meanwhile is only why it waits
    served      SERVED: each outcome by itself. `information` is help that was asked for and given.
    Danger that a human
                closed as emergency_help_confirmed, passed_to_service, counselor_joined,
                refused_plan_made, no_danger_found or safe is served
    served      transferred_to_911: they reached 911. Help, but not the help this service is for:
    shown apart
    unserved    lost: unreachable · cancelled: cancelled · abandoned: abandoned · unserved: the
    reason recorded (REASONS)
    no_request  nothing was asked for: one stray word and then silence, or STATUS with nothing open.
    Counted apart
    test        the synthetic resident's. Never counted: store/ledger.py leaves it out by its mark,
    however it ended

Status tells ended from open and nothing more: a request that staff close with the outcome
`cancelled` was cancelled, whether its status says closed or cancelled. A case ends through `end`
alone, so no case can end in no class or in two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from .case import ENDED, Case, Status, move, replace
from .marks import Mark
from .outcome import Outcome, Unserved
from .reach import CannotText, ContactAnswer
from .said import Said

NO_REQUEST, TEST = Outcome.NO_REQUEST, Outcome.TEST  # of one class each
BY_911 = Outcome.TRANSFERRED_TO_911
SERVED = (
    Outcome.RESOLVED, Outcome.TAKEN_TO_CARE, Outcome.COUNSELOR_JOINED, Outcome.INFORMATION,
    Outcome.EMERGENCY_HELP_CONFIRMED, Outcome.PASSED_TO_SERVICE, Outcome.REFUSED_PLAN_MADE,
    Outcome.NO_DANGER_FOUND, Outcome.SAFE, BY_911,
)  # fmt: skip
REASONS = tuple(Unserved)
_OPEN = frozenset(Status) - ENDED
# outcomes that are their own reason
REASON_OF: Mapping[str, Unserved] = {
    Outcome.LOST: Unserved.UNREACHABLE,
    Outcome.CANCELLED: Unserved.CANCELLED,
    Outcome.ABANDONED: Unserved.ABANDONED,
}


class Unplaced(ValueError):
    """An ended case that falls in no class. `end` never leaves one; a row changed by hand may be
    one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a case stands: `kind` is open, served, unserved, no_request or test; `of` the outcome
    it was served by, or the reason."""

    kind: str
    of: str = ""


def entry(case: Case) -> Entry:
    """The one class of a case. Raises Unplaced for an ended one that has neither outcome nor
    reason."""
    found = place(case.status.value, case.outcome, case.unserved)
    if found is None:
        raise Unplaced(case.reference)
    return found


def place(status: str, outcome: str, unserved: str) -> Entry | None:
    """As `entry`, from the columns that are kept; None for what falls in no class."""
    if status not in ENDED:
        return Entry("open") if status in _OPEN else None
    if outcome in SERVED:
        return Entry("served", outcome)
    if outcome in (NO_REQUEST, TEST):
        return Entry(outcome)
    reason = REASON_OF.get(outcome, unserved if outcome == Outcome.UNSERVED else "")
    return Entry("unserved", reason) if reason in REASONS else None


# ---- how a case ends -----------------------------------------------------------------------------


def end(case: Case, to: Status, outcome: str, now: datetime, reason: str = "") -> Case:
    """The case ended, in exactly one class. `reason` is why, for the outcome `unserved`; without
    one, what is known tells.

    A served case keeps no reason, whatever it waited for before. A case that ended so already stays
    as it is. Raises CannotMove from another end, ValueError for an outcome or a reason that is
    none; the outcome `test` is a marked case's alone.
    """
    of_its_own = (TEST,) if case.test else ()
    if (
        outcome not in (*SERVED, NO_REQUEST, *REASON_OF, Outcome.UNSERVED, *of_its_own)
        or reason not in ("", *REASONS)
        or to not in ENDED
    ):
        raise ValueError("no such end")
    if to == case.status:
        return case
    why = (
        (reason or why_unserved(case))
        if outcome == Outcome.UNSERVED
        else REASON_OF.get(outcome, "")
    )
    return replace(move(case, to, now), outcome=outcome, unserved=why, asked="")


def why_unserved(case: Case) -> str:
    """The one reason for a case that somebody ends as `unserved` without a word why, from what is
    known.

    The last thing that stood in the way comes first. When nothing else did, nobody came:
    no_capacity.
    """
    contact = case.answers.get("contact")
    if case.status == Status.UNREACHABLE:  # somebody was there for them, and did not find them
        return Unserved.UNREACHABLE
    if case.unserved:
        return case.unserved
    if case.response == "counselor" and contact in (ContactAnswer.UNWANTED, ContactAnswer.UNSAFE):
        unwanted = contact == ContactAnswer.UNWANTED
        return Unserved.UNWANTED if unwanted else Unserved.UNSAFE_TO_CONTACT
    if (
        case.response == "counselor"
        and contact in (ContactAnswer.TEXT, ContactAnswer.TEXT_DEAF)
        and case.cannot_text in (CannotText.UNDELIVERED, CannotText.LANDLINE)
    ):
        return Unserved.TECHNICAL  # texts were the only way, and they do not arrive
    if case.response == "team" and case.located in ("outside", "not_live"):
        return Unserved.OUT_OF_AREA
    return Unserved.NO_CAPACITY


def began_nothing(case: Case) -> bool:
    """Was nothing asked for or told: one stray word, and silence? In doubt it was a request, so
    that none is left out.

    First words of more than one word are kept (screening), so "please help" is told here from "hi".
    """
    told = (
        case.answers
        or case.narrative
        or case.unreadable
        or case.said - {Said.QUIET}
        or Mark.TOLD_911 in case.marks
    )
    return not told


# ---- reconciling ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tally:
    """Cases, counted. Whatever falls in no class stands in `unplaced`: (status, outcome, unserved)
    and how many."""

    cases: int
    open: int
    served: Mapping[str, int]
    unserved: Mapping[str, int]
    no_request: int
    unplaced: Mapping[tuple[str, str, str], int]

    @property
    def requests(self) -> int:
        """Every case but those in which nothing was asked for."""
        return self.cases - self.no_request

    @property
    def difference(self) -> int:
        """Requests that stand in no class. It must be zero."""
        return self.requests - self.open - sum(self.served.values()) - sum(self.unserved.values())


def tally(counted: Iterable[tuple[str, str, str, int]]) -> Tally:
    """Reconcile counts of cases by status, outcome and unserved. Every outcome and reason is named,
    zeros too."""
    served: dict[str, int] = dict.fromkeys(SERVED, 0)
    unserved: dict[str, int] = dict.fromkeys(REASONS, 0)
    unplaced: dict[tuple[str, str, str], int] = {}
    cases = still_open = no_request = 0
    for status, outcome, reason, many in counted:
        found = place(status, outcome, reason)
        if found == Entry(TEST):
            continue
        cases += many
        match found:
            case None:
                unplaced[status, outcome, reason] = (
                    unplaced.get((status, outcome, reason), 0) + many
                )
            case Entry("open"):
                still_open += many
            case Entry("served", of):
                served[of] += many
            case Entry("unserved", of):
                unserved[of] += many
            case _:
                no_request += many
    return Tally(cases, still_open, served, unserved, no_request, unplaced)
