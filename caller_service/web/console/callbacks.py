"""Calls, beyond one case: those that were promised, those that no human answered, and who looked at
them (docs/console.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any
from zlib import crc32

from flask import Response, redirect, request, url_for

from caller_service.casework import desk_calls
from caller_service.casework.desk_calls import MissedCall
from caller_service.core.callback import CallbackOutcome
from caller_service.core.case import Case
from caller_service.core.missed_calls import Missed
from caller_service.core.outbound import CallbackState
from caller_service.core.reach import CannotText
from caller_service.core.refusal import Refused
from caller_service.core.roles import Act
from caller_service.store.desk_calls import PromisedCall
from caller_service.web.shared.guard import guarded, parts

from .queue import keys_shown
from .queue_words import Moment, how_to_reach, since, until
from .session_guard import console_only, fragment, may, me, page

call_pages = guarded("call_pages", console_only, "/console/callbacks")

REFUSALS = {
    "ended": "The case has ended.",
    "may_not_call": "Do not call: they have not said that calling is safe, or took it back.",
    "on_line": "They are in a call with us now.",
    "no_phone": "No phone of yours is known: your name stands on no ladder with a number.",
    "no_number": "No number of theirs is known.",
    "own": "It is about your own phone. Somebody else must call.",
    "rings": "It is being rung already.",
    "callback_over": "That call was made, or is not wanted any more.",
    "not_tried": "Nobody has tried yet. Only “We spoke” can be noted before an attempt.",
    "no_such_outcome": "Choose what came of it.",
    "looked_at": "{name} has looked at it already.",
    "no_such_call": "There is no such call.",
}
MISSED = {
    Missed.BEFORE_ANSWER: "Hung up before an answer",
    Missed.IN_BETWEEN: "Hung up in the middle of the questions",
    Missed.OFTEN: "Third contact in 24 hours",
    Missed.WITHHELD: "Number withheld: nobody can call back",
}
OUTCOMES = {
    CallbackOutcome.REACHED: "We spoke",
    CallbackOutcome.WRONG_PERSON: "Somebody else answered",
    CallbackOutcome.NOT_REACHED: "Not reached",
    CallbackOutcome.NOBODY_FREE: "No human’s phone was answered",
}


@dataclass(frozen=True, slots=True, repr=False)
class PromisedRow:
    """A promised call, in words for staff."""

    id: str
    case_id: str
    reference: str
    due: Moment
    forbidden: str
    reach: str
    ask_for: str
    rings: str
    attempts: str
    state: str
    why_not: str  # why it cannot be made now
    tried: bool


@dataclass(frozen=True, slots=True, repr=False)
class MissedRow:
    """A call that no human answered, in words for staff."""

    id: str
    case_id: str
    reference: str
    at: Moment
    reasons: str
    count: int
    forbidden: str
    reach: str
    open: bool  # the queue still has the case
    by: str
    by_at: Any


@dataclass(frozen=True, slots=True, repr=False)
class Listed:
    """A row in its list. `tag` changes with what it says."""

    list: str
    key: str
    tag: str
    call: PromisedRow | MissedRow


OFFERED = [(each.value, OUTCOMES[each]) for each in desk_calls.BY_HAND]


@call_pages.get("")
@may(Act.CALL_BACK)
def calls() -> Response:
    done = request.args.get("done", "")
    return _page(done=DONE.get(done, ""))


def _page(status: int = 200, **more: Any) -> Response:
    found = desk_calls.read_calls(parts(), me())
    return page(
        "callbacks.html", status, title="Callbacks", as_of=found.now, tag=found.tag,
        lists=_lists(found), outcomes=OFFERED, **more,
    )  # fmt: skip


@call_pages.post("/news")
@may(Act.CALL_BACK, poll=True)
def news() -> dict[str, Any]:
    """What changed since the version that a page shows: nothing, or the rows that are new to it."""
    if (known := request.form.get("v", "")) == desk_calls.calls_tag(parts()):
        return {"v": known}
    found, have = desk_calls.read_calls(parts(), me(), journaled=False), keys_shown(request.form)
    lists = _lists(found)
    rows = [row for each in lists.values() for row in each]
    return {
        "v": found.tag,
        "rows": {
            row.key: fragment("call_row.html", row=row, outcomes=OFFERED)
            for row in rows
            if have.get(row.key) != row.tag
        },
        "order": {name: [row.key for row in each] for name, each in lists.items()},
        "many": {name: len(each) for name, each in lists.items()},
    }


def _lists(found: desk_calls.Calls) -> dict[str, list[Listed]]:
    """What belongs to a call in one list is another row, once it stands in another."""
    rows: dict[str, Sequence[PromisedRow | MissedRow]] = {
        "promised": [_promised(each, found) for each in found.live],
        "missed": [_missed(each, found) for each in found.missed],
        "reviewed": [_missed(each, found) for each in found.reviewed],
        "over": [_promised(each, found) for each in found.over],
    }
    return {
        name: [Listed(name, f"{name[0]}-{row.id}", _tag(row), row) for row in each]
        for name, each in rows.items()
    }


def _tag(row: PromisedRow | MissedRow) -> str:
    """Changes with what the row says, clocks apart."""
    said = [getattr(row, each.name) for each in fields(row)]
    still = [(one.at, one.to) if isinstance(one, Moment) else one for one in said]
    return f"{crc32(repr(still).encode()):x}"


def _promised(one: PromisedCall, found: desk_calls.Calls) -> PromisedRow:
    call, case = one.callback, one.case
    forbidden, reach = how_to_reach(case, parts())
    live = call.id in found.why_not
    code = found.why_not.get(call.id, "")
    late = live and call.due_at <= found.now
    due = since(call.due_at, found.now, call.due_at) if late else until(call.due_at, found.now)
    return PromisedRow(
        call.id, case.id, case.reference, due, forbidden, reach, call.ask_for, call.person or "",
        f"{call.attempts} of {call.most}", _state(one), _words(code) if code else "",
        call.attempts > 0,
    )  # fmt: skip


def _state(one: PromisedCall) -> str:
    call = one.callback
    if call.state == CallbackState.RINGING:
        return "They speak now" if one.case.talking else "Being rung now"
    if call.state == CallbackState.CANCELLED:
        return "Not wanted any more"
    if call.state == CallbackState.DONE:
        known = call.outcome in set(CallbackOutcome)
        return OUTCOMES[CallbackOutcome(call.outcome)] if known else "Over"
    return "Promised" if not call.attempts else "Tried, and tried again later"


def _missed(one: MissedCall, found: desk_calls.Calls) -> MissedRow:
    call, case = one.call, one.call.case
    forbidden, reach = how_to_reach(case, parts())
    hidden = case.cannot_text == CannotText.WITHHELD
    return MissedRow(
        call.leg_id, case.id, case.reference, since(call.ended_at, found.now),
        ". ".join(MISSED[reason] for reason in one.reasons), call.calls,
        "no number" if hidden else forbidden, reach, not case.ended,
        one.review.who if one.review else "", one.review.at if one.review else None,
    )  # fmt: skip


# ---- acts ----------------------------------------------------------------------------------------
DONE = {
    "now": "Your phone rings in a moment. Press 1, and theirs rings.",
    "outcome": "What came of it is noted.",
    "cancel": "The call is not made.",
    "looked": "It is noted that you have looked at it.",
}


@call_pages.post("/<case_id>/now")
@may(Act.CALL_BACK)
def now(case_id: str) -> Response:
    """Your phone first, then theirs: the promised call, or a new one."""
    callback_id = request.form.get("callback", "")
    return _did("now", lambda: desk_calls.call_now(parts(), me(), case_id, callback_id))


@call_pages.post("/<case_id>/outcome")
@may(Act.CALL_BACK)
def outcome(case_id: str) -> Response:
    callback_id, said = request.form.get("callback", ""), request.form.get("outcome", "")
    return _did(
        "outcome", lambda: desk_calls.note_outcome(parts(), me(), case_id, callback_id, said)
    )


@call_pages.post("/<case_id>/cancel")
@may(Act.CALL_BACK)
def cancel(case_id: str) -> Response:
    callback_id = request.form.get("callback", "")
    return _did("cancel", lambda: desk_calls.cancel(parts(), me(), case_id, callback_id))


@call_pages.post("/<case_id>/looked")
@may(Act.CALL_BACK)
def looked(case_id: str) -> Response:
    """A missed call: a human has looked at it."""
    leg_id = request.form.get("call", "")
    return _did("looked", lambda: desk_calls.looked_at(parts(), me(), case_id, leg_id))


def _did(name: str, act: Callable[[], Case | None]) -> Response:
    try:
        if act() is None:
            return page("fault.html", 404, title="Not here", fault="There is no such case.")
    except Refused as refusal:
        return _page(409, refused=_words(refusal.code, refusal.name))
    return redirect(url_for("call_pages.calls", done=name), 303)  # type: ignore[return-value]


def _words(code: str, name: str = "") -> str:
    return REFUSALS[code].format(name=name or "Somebody else")
