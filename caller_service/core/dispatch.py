"""What dispatch says of a case: accept, accept with a time, decline with a reason, status, a note (domain.md section 7).

One acknowledgement settles one case: the first to accept has it, a second hears who.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from . import hand_off
from .case import DANGER_OUTCOMES, OUTCOMES, CannotMove, Case, Status, Step, move
from .effect import Effect, HandOff, Record, Say, StandDown
from .escalation import page_rung
from .routing import Scene
from .safe_contact import gated, may_text, status_key


class Refused(Exception):
    """Dispatch asked for what cannot be; `code` is for the machine, `name` who has the case where that is why."""

    def __init__(self, code: str, name: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.name = name


def accept(case: Case, by: str, at: datetime | None, scene: Scene) -> Step:
    """`by` takes the case, perhaps with a time. The same acceptance again changes nothing."""
    if case.ended:
        raise Refused("ended")
    taken = case.human_has_it and not case.page_waits
    if taken and case.accepted_by != by:
        raise Refused("taken", case.accepted_by)
    if taken and at == case.marks.get("promised"):
        return Step(case)
    joins = case.in_danger and not taken
    case = replace(case, accepted_by=by, review=False, unserved="").marked(acknowledged=scene.now)
    case = case.marked(promised=at) if at is not None else case.unmarked("promised")
    if not case.human_has_it:
        case = move(case, Status.ACCEPTED, scene.now)
    words = Say("human.joined", {"name": by}, unasked=True) if joins else _accepted_words(case, at, scene)
    told = Record("accepted", {"by": by, "time": at.isoformat() if at else ""})
    return _told(case, (words, told, StandDown(by)) if not taken else (words, told), status_key(case))


def _accepted_words(case: Case, at: datetime | None, scene: Scene) -> Say:
    key = status_key(case)
    if at is None or case.status != Status.ACCEPTED:
        return Say(key, unasked=True)
    low, high = minutes_range(at - scene.now)
    return Say(f"{key}_time", {"low": str(low), "high": str(high)}, unasked=True)


def minutes_range(wait: timedelta) -> tuple[int, int]:
    """A promise as a range: never a single number. From the time given to half as much again, in steps of five."""
    minutes = max(1, round(wait.total_seconds() / 60))
    low = max(5, minutes // 5 * 5)
    return low, max(low + 5, -(-minutes * 3 // 10) * 5)


def decline(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """`by` cannot: the reason is kept, and the next person is asked at once."""
    if case.ended:
        raise Refused("ended")
    if case.human_has_it and case.accepted_by != by:
        raise Refused("taken", case.accepted_by)
    try:
        case = move(case, Status.DECLINED, scene.now)
    except CannotMove:
        raise Refused("cannot_move") from None
    ladder = "danger" if case.in_danger else case.response if case.response in ("team", "counselor") else "review"
    case = replace(case, accepted_by="", rung=case.rung + 1, round=max(1, case.round)).unmarked("promised", "acknowledged")
    case = case.marked(paged=scene.now) if case.in_danger else case.marked(unpicked=scene.now)
    return _told(case, (Record("declined", {"by": by, "reason": reason}), page_rung(case, ladder, case.rung)), case.told)


def update(case: Case, to: Status, by: str, outcome: str, scene: Scene) -> Step:
    """The status moves; the resident hears it if it means something new for them.

    Danger is closed only with an outcome that says how the person is (domain.md section 2, rule 3).
    """
    if case.ended and to != case.status:
        raise Refused("ended")
    if to == Status.CLOSED and not case.ended:
        allowed = DANGER_OUTCOMES if case.in_danger else OUTCOMES
        if outcome not in allowed:
            raise Refused("outcome_needed")
    if to == case.status:
        return Step(case)
    try:
        case = move(case, to, scene.now)
    except CannotMove:
        raise Refused("cannot_move") from None
    if case.human_has_it and (case.page_waits or "acknowledged" not in case.marks):
        case = replace(case, accepted_by=case.accepted_by or by).marked(acknowledged=scene.now)
    if to == Status.EN_ROUTE and case.marks.get("promised", scene.now) < scene.now:
        case = case.unmarked("promised")
    if case.ended:
        case = replace(case, outcome=outcome or to.value, asked="")
    key = status_key(case)
    words = () if key == case.told else (Say(key, unasked=True),)
    return _told(case, (*words, Record("status_by", {"by": by, "to": to.value})), key)


def note(case: Case, by: str, words: str, scene: Scene) -> Step:
    """Somebody of the staff writes to the resident. Refused where the resident may not be texted."""
    if case.ended:
        raise Refused("ended")
    if not may_text(case, "note"):
        raise Refused("may_not_text")
    return Step(case, (Say("note", {"name": by, "words": words}, unasked=True), Record("note", {"by": by})))


def cannot_text(case: Case, why: str) -> Step:
    """A text did not arrive. That closes nothing: whoever has the case is told, and finds another way."""
    if case.ended or case.cannot_text:
        return Step(case)
    return Step(*hand_off.revise(replace(case, cannot_text=why), (Record("cannot_text", {"why": why}),)))


def _told(case: Case, effects: tuple[Effect, ...], key: str) -> Step:
    allowed, held = gated(case, effects)
    case = replace(case, told=key)
    case, allowed = hand_off.revise(case, (*allowed, HandOff("dispatch")) if case.revision else allowed)
    return Step(case, (*allowed, *(Record("held_back", {"words": key}) for key in held)))
