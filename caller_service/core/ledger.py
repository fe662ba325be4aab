"""The ledger of served and unserved requests: every case is in exactly one class, and every
unserved request has exactly one reason (docs/safety-rules.md, rule 16).

The outcome decides the class; `unserved` gives the reason if the outcome alone does not:

    open        the case has not ended; `unserved` says why it waits
    served      each outcome in SERVED. `information` is help that was asked for and given. A danger
                closed as emergency_help_confirmed, passed_to_service, counselor_joined,
                refused_plan_made, no_danger_found or safe is served
    served      referred: a named service goes on with them, as for passed_to_service
    served      transferred_to_911: police or ambulance came. Shown apart, because it is not the
                help this service is for
    unserved    lost, gone: unreachable · cancelled, refused: cancelled · abandoned: abandoned ·
                unserved: the recorded reason (REASONS)
    no_request  nothing was asked for: one stray word and then silence, or STATUS with no open case.
                Counted apart
    test        the synthetic resident's. Never counted: store/ledger.py leaves it out by its mark

Status only tells ended from open: a request that staff close with the outcome `cancelled` was
cancelled, whether its status says closed or cancelled. Only `end` ends a case, so no case can be in
no class or in two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from .case import ENDED, Case, Channel, Status, move, replace
from .marks import Mark
from .outcome import Asked, Known, Outcome, Police, Unserved
from .reach import CannotText, ContactAnswer
from .said import Said

NO_REQUEST, TEST = Outcome.NO_REQUEST, Outcome.TEST  # outcomes that are classes of their own
BY_911 = Outcome.TRANSFERRED_TO_911
SERVED = (
    Outcome.RESOLVED, Outcome.TAKEN_TO_CARE, Outcome.COUNSELOR_JOINED, Outcome.INFORMATION,
    Outcome.EMERGENCY_HELP_CONFIRMED, Outcome.PASSED_TO_SERVICE, Outcome.REFUSED_PLAN_MADE,
    Outcome.NO_DANGER_FOUND, Outcome.SAFE, Outcome.REFERRED, BY_911,
)  # fmt: skip
REASONS = tuple(Unserved)
_OPEN = frozenset(Status) - ENDED
# outcomes that already say why
REASON_OF: Mapping[str, Unserved] = {
    Outcome.LOST: Unserved.UNREACHABLE,
    Outcome.GONE: Unserved.UNREACHABLE,
    Outcome.REFUSED: Unserved.CANCELLED,
    Outcome.CANCELLED: Unserved.CANCELLED,
    Outcome.ABANDONED: Unserved.ABANDONED,
}


class Unplaced(ValueError):
    """An ended case that is in no class. `end` never leaves one; a row changed by hand may be
    one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The class of a case: `kind` is open, served, unserved, no_request or test; `of` is the
    outcome if served, the reason if unserved."""

    kind: str
    of: str = ""


def entry(case: Case) -> Entry:
    """The class of a case. Raises Unplaced for an ended case with neither outcome nor reason."""
    placed = place(case.status.value, case.outcome, case.unserved)
    if placed is None:
        raise Unplaced(case.reference)
    return placed


def place(status: str, outcome: str, unserved: str) -> Entry | None:
    """As `entry`, from the stored columns; None if they are in no class."""
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
    """End a case in exactly one class. `reason` says why for the outcome `unserved`; "": it is
    derived from the case.

    A served case keeps no reason. A case that has ended so already is returned unchanged. Raises
    CannotMove if it has ended otherwise, ValueError for an unknown outcome or reason; only a marked
    case may have the outcome `test`.
    """
    test_outcome = (TEST,) if case.test else ()
    if (
        outcome not in (*SERVED, NO_REQUEST, *REASON_OF, Outcome.UNSERVED, *test_outcome)
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
    """Derive the reason for a case that somebody ends as `unserved` without one.

    The latest obstacle counts. Without any, nobody came: no_capacity.
    """
    contact = case.answers.get("contact")
    if case.status == Status.UNREACHABLE:  # somebody tried to reach them and could not
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
        return Unserved.TECHNICAL  # texts were the only way to reach them, and are not delivered
    if case.response == "team" and case.located in ("outside", "not_live"):
        return Unserved.OUT_OF_AREA
    return Unserved.NO_CAPACITY


def began_nothing(case: Case) -> bool:
    """Was nothing asked for: one stray word and then silence? In doubt it was a request, so that
    none is left out.

    First texts of more than one word are kept (screening), so "please help" is not mistaken for
    "hi".
    """
    content = (
        case.answers
        or case.narrative
        or case.unreadable
        or case.said - {Said.QUIET}
        or Mark.TOLD_911 in case.marks
    )
    return not content


# ---- reconciling ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of cases. Cases in no class are in `unplaced`: (status, outcome, unserved) and their
    number."""

    cases: int
    open: int
    served: Mapping[str, int]
    unserved: Mapping[str, int]
    no_request: int
    unplaced: Mapping[tuple[str, str, str], int]

    @property
    def requests(self) -> int:
        """Every case except those in which nothing was asked for."""
        return self.cases - self.no_request

    @property
    def difference(self) -> int:
        """Requests in no class. It must be zero."""
        return self.requests - self.open - sum(self.served.values()) - sum(self.unserved.values())


def tally(counted: Iterable[tuple[str, str, str, int]]) -> Tally:
    """Count cases by class, from counts by status, outcome and unserved. Every outcome and reason
    is listed, also with zero."""
    served: dict[str, int] = dict.fromkeys(SERVED, 0)
    unserved: dict[str, int] = dict.fromkeys(REASONS, 0)
    unplaced: dict[tuple[str, str, str], int] = {}
    cases = still_open = no_request = 0
    for status, outcome, reason, number in counted:
        placed = place(status, outcome, reason)
        if placed == Entry(TEST):
            continue
        cases += number
        match placed:
            case None:
                unplaced[status, outcome, reason] = (
                    unplaced.get((status, outcome, reason), 0) + number
                )
            case Entry("open"):
                still_open += number
            case Entry("served", of):
                served[of] += number
            case Entry("unserved", of):
                unserved[of] += number
            case _:
                no_request += number
    return Tally(cases, still_open, served, unserved, no_request, unplaced)


def by_channel(counted: Iterable[tuple[str, str, str, str, int]]) -> Mapping[str, int]:
    """Requests by where they began, from counts by status, outcome, unserved and channel: as many
    as `Tally.requests`. Every channel is listed, also with zero."""
    requests: dict[str, int] = dict.fromkeys(Channel, 0)
    for status, outcome, reason, channel, number in counted:
        if place(status, outcome, reason) not in (Entry(NO_REQUEST), Entry(TEST)):
            requests[channel] = requests.get(channel, 0) + number
    return requests


@dataclass(frozen=True, slots=True)
class PoliceTally:
    """What was recorded of police, of every request that has ended: they add up to `ended`."""

    there: int
    not_there: int
    unknown: int
    not_recorded: int
    asked_by: Mapping[str, int]  # of those where they were there; it adds up to `there`
    told_before: Mapping[str, int]  # the same
    corrected: int  # of `ended`, how many were corrected later: counted as corrected

    @property
    def ended(self) -> int:
        return self.there + self.not_there + self.unknown + self.not_recorded


def tally_police(
    counted: Iterable[tuple[str, str, str, Police, bool, int]],
) -> PoliceTally:
    """Count what was recorded of police, from counts by status, outcome, unserved, that, and
    whether it was corrected. What is half recorded counts as unknown in the half that is
    missing."""
    present: dict[str, int] = dict.fromkeys(("", *Known), 0)
    asked_by: dict[str, int] = dict.fromkeys(Asked, 0)
    told: dict[str, int] = dict.fromkeys(Known, 0)
    corrections = 0
    for status, outcome, reason, police, corrected, number in counted:
        placed = place(status, outcome, reason)
        if placed is None or placed.kind not in ("served", "unserved"):
            continue
        corrections += number * corrected
        here = police.present if police.present in present else Known.UNKNOWN
        present[here] += number
        if here == Known.YES:
            asked_by[police.asked_by if police.asked_by in asked_by else Asked.UNKNOWN] += number
            told[police.told if police.told in told else Known.UNKNOWN] += number
    return PoliceTally(
        present[Known.YES], present[Known.NO], present[Known.UNKNOWN], present[""], asked_by, told,
        corrections,
    )  # fmt: skip
