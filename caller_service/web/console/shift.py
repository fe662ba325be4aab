"""The end of a shift: a named person is asked to take each of one's open cases and must accept, or
the case goes back to the ladder; also the cases that one is asked to take (docs/console.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, request

from caller_service.casework import desk, shift_end
from caller_service.casework.desk import Queued
from caller_service.core.roles import Act
from caller_service.core.shift_end import handover_due
from caller_service.web.shared.guard import guarded, parts

from .list_acts import ListAct, add_acts, done_words
from .queue_words import Moment, Row, row_of, until
from .session_guard import console_only, is_locked, may, me, page

shift_pages = guarded("shift_pages", console_only, "/console/shift")

OTHERWISE = {
    "not_yours": "You do not have it any more.",
    "no_such_person": "Choose somebody else.",
    "own_other": "{name} cannot be asked for this one. Choose somebody else.",
    "cannot_move": "A team is there. Hand it to somebody, or close it.",
}


@dataclass(frozen=True, slots=True, repr=False)
class Held:
    """A case on this page. `asked`: who is asked to take it, `due`: until when; `by`: who asks."""

    row: Row
    asked: str
    due: Moment | None
    by: str
    can_go_back: bool


@shift_pages.get("")
@may(Act.TRANSFER)
def shift() -> Response:
    return _page(done=done_words(ACTS))


def _page(status: int = 200, **more: Any) -> Response:
    found = desk.read_rail(parts(), me())

    def held(one: Queued) -> Held:
        case = one.case
        due = handover_due(case, parts().program)
        return Held(
            row_of(one, found, parts(), me().name), case.handover_asked,
            until(due, found.now) if due else None, case.handover_by,
            shift_end.can_go_back(case),
        )  # fmt: skip

    return page(
        "shift.html", status, title="End of shift",
        mine=[held(one) for one in found.mine],
        asked=[held(one) for one in found.asked if one.case.handover_asked == me().name],
        colleagues=shift_end.colleagues(parts(), me()), **more,
    )  # fmt: skip


ACTS = {
    "ask": ListAct(
        Act.TRANSFER, "They are asked. Until they take it, it stays yours.",
        lambda case_id, told: shift_end.ask(parts(), me(), case_id, told.get("to", "")[:80]),
    ),
    "take": ListAct(
        Act.TAKE, "You have it now.",
        lambda case_id, told: shift_end.take(parts(), me(), case_id),
    ),
    "not_me": ListAct(
        Act.TAKE, "It stays with whoever asked you.",
        lambda case_id, told: shift_end.not_me(parts(), me(), case_id),
    ),
    "give_back": ListAct(
        Act.GIVE_BACK, "You gave it back. The next person is asked now.",
        lambda case_id, told: shift_end.give_back(parts(), me(), case_id),
    ),
}  # fmt: skip
add_acts(shift_pages, ACTS, "shift", _page, OTHERWISE)


# ---- signing out ---------------------------------------------------------------------------------
def before_signing_out() -> Response | None:
    """The page shown first to somebody who signs out with open cases; None if they have none. A
    locked page says only how many, and offers no act: anybody may be in front of it."""
    if not me().may(Act.GIVE_BACK):
        return None
    left = shift_end.leaving(parts(), me())
    if not left.mine:
        shift_end.leave(parts(), me(), False)
        return None
    chosen, locked = request.form.get("cases", ""), is_locked()
    if chosen == "back" and not locked:
        shift_end.leave(parts(), me(), True)
        return None
    if chosen == "stay" and (left.may_stay or locked):
        shift_end.leave(parts(), me(), False)
        return None
    stay = [case.reference for case in left.mine if not shift_end.can_go_back(case)]
    return page(
        "sign_out.html", title="Sign out", many=len(left.mine), locked=locked,
        mine=() if locked else left.mine, may_stay=left.may_stay or locked,
        stays=() if locked else stay,
    )  # fmt: skip
