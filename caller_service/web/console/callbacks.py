"""The page of calls across all cases: calls that were promised, calls that no human answered, and
who reviewed them (docs/console.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from zlib import crc32

from flask import Response, request

from caller_service.casework import desk_calls
from caller_service.casework.desk_calls import MissedCall
from caller_service.core.callback import CallbackOutcome
from caller_service.core.missed_calls import Missed
from caller_service.core.outbound import CallbackState
from caller_service.core.reach import CannotText
from caller_service.core.roles import Act
from caller_service.store.desk_calls import PromisedCall
from caller_service.web.shared.guard import guarded, parts

from .list_acts import ListAct, add_acts, done_words
from .queue import keys_shown
from .queue_words import Moment, how_to_reach, since, until
from .refusal_words import refusal_words
from .session_guard import console_only, fragment, may, me, page

call_pages = guarded("call_pages", console_only, "/console/callbacks")

OTHERWISE = {
    "no_phone": "No phone of yours is known: no ladder has a number under your name.",
    "may_not_call": "Do not call: they have not said that calling is safe, or took that back.",
    "own": "This case is about your own phone. Somebody else must call.",
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
    """A row in its list. `tag` changes when its text does."""

    list: str
    key: str
    tag: str
    call: PromisedRow | MissedRow


OFFERED = [(each.value, OUTCOMES[each]) for each in desk_calls.BY_HAND]


@call_pages.get("")
@may(Act.CALL_BACK)
def calls() -> Response:
    return _page(done=done_words(ACTS))


def _page(status: int = 200, **more: Any) -> Response:
    found = desk_calls.read_calls(parts(), me())
    return page(
        "callbacks.html", status, title="Callbacks", as_of=found.now, tag=found.tag,
        lists=_lists(found), outcomes=OFFERED, **more,
    )  # fmt: skip


@call_pages.post("/news")
@may(Act.CALL_BACK, poll=True)
def news() -> dict[str, Any]:
    """What changed since the version that a page shows: nothing, or the rows that it does not
    have."""
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
    """The rows of each list. A call that moves to another list becomes a new row there."""
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
    """Changes when the row's text does, apart from running clocks."""
    values = [getattr(row, each.name) for each in fields(row)]
    still = [(one.at, one.to) if isinstance(one, Moment) else one for one in values]
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
        f"{call.attempts} of {call.most}", _state(one),
        refusal_words(code, here=OTHERWISE) if code else "", call.attempts > 0,
    )  # fmt: skip


def _state(one: PromisedCall) -> str:
    call = one.callback
    if call.state == CallbackState.RINGING:
        return "They speak now" if one.case.talking else "Being rung now"
    if call.state == CallbackState.CANCELLED:
        return "Not made"
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
ACTS = {
    # your phone first, then theirs: the promised call, or a new one
    "now": ListAct(
        Act.CALL_BACK, "Your phone rings in a moment. Press 1, and theirs rings.",
        lambda case_id, told: desk_calls.call_now(
            parts(), me(), case_id, told.get("callback", "")
        ),
    ),
    "outcome": ListAct(
        Act.CALL_BACK, "It is noted how the call went.",
        lambda case_id, told: desk_calls.note_outcome(
            parts(), me(), case_id, told.get("callback", ""), told.get("outcome", "")
        ),
    ),
    "cancel": ListAct(
        Act.CALL_BACK, "The call is not made.",
        lambda case_id, told: desk_calls.cancel(parts(), me(), case_id, told.get("callback", "")),
    ),
    # a missed call: a human has looked at it
    "looked": ListAct(
        Act.CALL_BACK, "It is noted that you have looked at it.",
        lambda case_id, told: desk_calls.looked_at(parts(), me(), case_id, told.get("call", "")),
    ),
}  # fmt: skip
add_acts(call_pages, ACTS, "calls", _page, OTHERWISE)
