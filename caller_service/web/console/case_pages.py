"""The page of a case: read it, act on it, write to the resident (docs/console.md).

Each act is a form of its own, sent by POST and answered with 303: it calls the decision in core/
and records it under the name of whoever is signed in (deeds.py). If it is refused, or if the case
has changed since the page was shown, the response is the current page with what was typed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, request, url_for

from caller_service.casework import desk, shift_end
from caller_service.casework.desk import Opened, Quicker
from caller_service.casework.desk_calls import psap_why_not
from caller_service.casework.once import Once, Repeated
from caller_service.casework.staff import is_theirs
from caller_service.core.desk import holder_clock, stage_of
from caller_service.core.refusal import Refused
from caller_service.core.roles import Act
from caller_service.store import cases
from caller_service.store.cases import Unreadable
from caller_service.web.shared.guard import guarded, parts
from caller_service.web.shared.see_other import see_other

from . import case_words, phrases
from .action_bar import bar_of
from .deeds import ASKED_BY, DEEDS, Form, colleagues, how_it_ended, outcomes, supervisors, why_not
from .queue_words import until
from .refusal_words import Mistyped, refusal_words
from .session_guard import console_only, fragment, keep_what_was_typed, may, me, page

case_pages = guarded("case_pages", console_only, "/console/cases")
case_pages.after_request(keep_what_was_typed)
# what somebody writes in a form; the rest is chosen
TYPED = ("reason", "why_not", "place", "words", "ask_for", "minutes", "reference")
NO_FIELDS = ("csrf", "seen", "once")  # of a form, typed by nobody


@dataclass(frozen=True, slots=True, repr=False)
class Again:
    """The act that was refused, and what its form held: the page opens that form with it."""

    deed: str
    typed: Mapping[str, str]

    @property
    def label(self) -> str:
        return DEEDS[self.deed].label

    @property
    def kept(self) -> list[str]:
        return [self.typed[name] for name in TYPED if self.typed.get(name)]

    def fills(self, deed: str) -> bool:
        """Is there anything of this act's form to show again?"""
        return deed == self.deed and bool(self.typed)

    def was(self, deed: str, name: str, otherwise: str | None = "") -> str | None:
        """What stood in this field of this act's form; else what stands there at first."""
        return self.typed.get(name, otherwise) if deed == self.deed else otherwise


NOTHING = Again("", {})


# ---- reading -------------------------------------------------------------------------------------
@case_pages.get("/<case_id>")
@may(Act.READ_CASE)
def case(case_id: str) -> Response:
    return _page(case_id, done=request.args.get("done", ""))


@case_pages.get("/<case_id>/readers")
@may(Act.READERS)
def readers(case_id: str) -> Response:
    """Who has read this case, and who changed it."""
    opened = desk.open_case(parts(), case_id, me())
    if opened is None:
        return _none()
    reads = [event for event in opened.events if event.kind == "journal"]
    return page("readers.html", title="Who has read this", opened=opened, reads=reads[::-1])


def _none() -> Response:
    return page("fault.html", 404, title="Not here", fault="There is no such case.")


def _page(
    case_id: str, status: int = 200, again: Again = NOTHING, done: str = "", **more: Any
) -> Response:
    opened = desk.open_case(parts(), case_id, me())
    if opened is None:
        return _none()
    words = DEEDS[done].after(opened.case) if done in DEEDS else ""
    view = _view(opened, again)
    return page("case.html", status, title=opened.case.reference, done=words, **view, **more)


def _view(opened: Opened, again: Again = NOTHING) -> dict[str, Any]:
    case, now = opened.case, opened.scene.now
    mine = me().name in (case.holder, case.accepted_by)
    everything = request.values.get("show") == "everything"
    writing = case_words.writing(case, now, parts())
    clock = holder_clock(case, parts().program)
    bar = bar_of(case, stage_of(case), me().name)
    reasons = why_not(case, me(), opened.full, opened.scene, is_theirs(parts(), case, me().name))
    return {
        "opened": opened,
        "again": again,
        "case": case,
        "stage": stage_of(case),
        "packet": case_words.packet_of(opened, parts()),
        "items": case_words.timeline(opened, parts(), everything),
        "everything": everything,
        "writing": writing,
        "opens_until": until(writing.until, now) if writing.until else None,
        "clock": (clock.name, until(clock.due, now)) if clock else None,
        "seen_ago": int((now - opened.seen_at).total_seconds()) if opened.seen_at else None,
        "phrases": phrases.offered(parts()),
        "mine_now": mine,
        "bar": bar,
        "form_open": any(
            again.fills(button.deed) and button.send and not reasons[button.deed]
            for button in (*bar.bar, *bar.more, *((bar.close,) if bar.close else ()))
        ),
        "slowed": opened.slowed_until is not None and opened.slowed_until > now,
        "why_not": reasons,
        "teams": parts().program.teams,
        "people": colleagues(me().name),
        "asked_for": shift_end.colleagues(parts(), me()) if mine else (),
        "on_911": case_words.on_911(case, parts()),
        "psap_why": refusal_words(why)
        if (why := psap_why_not(parts(), me(), case, opened.scene))
        else "",
        "calls_911": phrases.calls_911("en", parts()),
        "outcomes": outcomes(case),
        "supervisors": supervisors(),
        "reached": case_words.contact_choices(case, parts()),
        "ending": how_it_ended(case) if case.ended else "",
        "police_asked_by": ASKED_BY.items(),
    }


# ---- acting --------------------------------------------------------------------------------------
def _act(case_id: str, name: str) -> Response:
    """Carry out an act under the name of whoever is signed in, or show why not, with what was
    typed."""
    deed, form, who = DEEDS[name], request.form, me()
    decide = deed.decide
    try:
        if not deed.own_too and _own(case_id, who.name):
            raise Refused("own")
        if name == "hand_over" and _own(case_id, whose := form.get("to", "")):
            raise Refused("own_other", whose)
        if deed.across is not None:
            after = deed.across(case_id, who, form)
        elif decide is not None:
            after = desk.act(
                parts(), case_id, who,
                lambda case, scene, conn: decide(case, who.name, form, scene, conn),
                form.get("seen") if deed.strict else None,
                sent=name == "words",
                once=_once(case_id, name, form),
            )  # fmt: skip
    except Repeated:  # a second press, or a page that was sent again: it is done
        return _done(case_id, name)
    except Unreadable:
        return _refused(case_id, name, refusal_words("unreadable"), 409)
    except Mistyped as problem:
        return _refused(case_id, name, problem.words, 422)
    except Refused as refusal:
        return _refused(case_id, name, refusal_words(refusal.code, refusal.name), 409)
    except Quicker as problem:
        news = case_words.happened(problem.events, parts())
        return _refused(case_id, name, "", 409, news)
    return _none() if after is None else _done(case_id, name)


def _done(case_id: str, name: str) -> Response:
    if name == "words":
        way = url_for("case_pages.case", case_id=case_id, _anchor="w")
    else:
        way = url_for("case_pages.case", case_id=case_id, done=name)
    return see_other(way)


def _once(case_id: str, name: str, form: Form) -> Once | None:
    """The form as it was shown once: the same fields of the same page are one act, however often
    they come. A script that stays on its page makes a new `once` after each message."""
    shown = form.get("once") or form.get("seen")
    if not shown:
        return None
    fields = sorted((field, words) for field, words in form.items() if field not in NO_FIELDS)
    return Once(f"desk {me().person_id}", json.dumps([case_id, name, shown, fields]), "")


def _refused(case_id: str, name: str, why: str, status: int, news: Sequence[str] = ()) -> Response:
    """The response to an act that was not carried out. A message to the resident is saved as a
    draft where it may be sent later; whatever else was typed stands in its form again."""
    typed = {field: words for field, words in request.form.items() if field not in NO_FIELDS}
    if name == "words":
        desk.keep_draft(parts(), case_id, me(), typed.get("words", "")[:10_000])
    return _page(case_id, status, Again(name, typed), refused=why, news=news)


def _own(case_id: str, name: str) -> bool:
    """Is the case about this staff member's own phone?"""
    with parts().engine.connect() as conn:
        case = cases.for_display(conn, parts().sealer, case_id)
    return case is not None and is_theirs(parts(), case, name)


def _door(name: str) -> Callable[[str], Response]:
    return lambda case_id: _act(case_id, name)


for _name, _deed in DEEDS.items():
    case_pages.add_url_rule(
        f"/<case_id>/{_name}", _name, may(_deed.act)(_door(_name)), methods=["POST"]
    )


@case_pages.post("/<case_id>/draft")
@may(Act.CONVERSE)
def draft(case_id: str) -> Response:
    """Save a message that is not sent yet; a script calls this while it is typed."""
    found = desk.keep_draft(parts(), case_id, me(), request.form.get("words", "")[:10_000])
    return Response(status=204 if found else 404)


@case_pages.post("/<case_id>/news")
@may(Act.READ_CASE, poll=True)
def news(case_id: str) -> Response | dict[str, Any]:
    """The parts of the page, if the case has changed since the version that it shows."""
    tag = desk.case_tag(parts(), case_id)
    now = parts().now().timestamp()
    if request.form.get("v", "") == tag:
        return {"v": tag, "now": now}
    looks = request.form.get("looks") == "1"  # the window is in front, and somebody uses it
    opened = desk.open_case(parts(), case_id, me(), journaled=False, read=looks)
    if opened is None:
        abort(404)
    return {"v": opened.tag, "now": now, "html": fragment("case_main.html", **_view(opened))}
