"""A case on the desk: read it, act on it, write to the resident (docs/console.md).

Each act is a form of its own, sent by POST and answered by 303: it calls the decision in core/ and
writes it under the name of whoever is signed in. What is refused, or was decided upon what is no
longer so, is answered by the case as it stands, with what was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Response, abort, redirect, request, url_for
from marshmallow import ValidationError

from caller_service.casework import desk
from caller_service.casework.desk import Opened, Quicker
from caller_service.casework.same_person import comes_back, make_room
from caller_service.casework.staff import is_theirs
from caller_service.core import desk_acts, holding
from caller_service.core.callback import book
from caller_service.core.case import DANGER_OUTCOMES, OUTCOMES, Case, Status, Step
from caller_service.core.desk import holder_clock, stage_of
from caller_service.core.dispatch import decline, delayed, update
from caller_service.core.outcome import Outcome
from caller_service.core.refusal import Refused
from caller_service.core.roles import Act
from caller_service.core.routing import Scene
from caller_service.store import cases
from caller_service.store import desk as kept
from caller_service.web.shared.guard import guarded, parts
from caller_service.web.shared.staff_words import StaffWords

from . import case_words, phrases
from .queue_words import until
from .session_guard import console_only, fragment, may, me, page

case_pages = guarded("case_pages", console_only, "/console/cases")
LONGEST_WORDS = 480

Told = Mapping[str, str]
Decide = Callable[[Case, str, Told, Scene, sa.Connection | None], Step]


@dataclass(frozen=True, slots=True)
class Deed:
    """One act: what it is called, whose it is, and the decision it calls. `strict`: it is decided
    upon the whole case, so what others did meanwhile is shown first."""

    label: str
    act: Act
    decide: Decide
    strict: bool = False
    done: str = ""


def _others(conn: sa.Connection | None, name: str, case: Case) -> int:
    return 0 if conn is None else desk.others_of(conn, name, case)


def _take(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    minutes = _number(told, "minutes", 12 * 60)
    return desk_acts.take(case, by, minutes, scene, _others(conn, by, case))


def _take_over(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    return holding.take_over(case, by, _line(told, "reason"), scene, _others(conn, by, case))


def _hand_over(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    to = _line(told, "to", 80)
    reason = _line(told, "reason")
    return holding.hand_over(case, by, to, reason, scene, _others(conn, to, case))


def _book(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    minutes = _number(told, "minutes", 48 * 60) or 5
    ask_for = _line(told, "ask_for", 80)
    return book(case, by, scene.now + timedelta(minutes=minutes), scene, ask_for=ask_for)


def _close(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    outcome, report = told.get("outcome", ""), told.get("report", "")
    reason = _line(told, "reason")
    report = report if report in ("made", "not_required") else ""
    if report and not reason:
        raise Refused("report_needed")
    return update(case, Status.CLOSED, by, outcome, scene, reason, report)


def _status(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    to = told.get("status", "")
    if to not in (Status.ASSIGNED, Status.EN_ROUTE, Status.ARRIVED, Status.UNREACHABLE):
        raise Refused("cannot_move")
    return update(case, Status(to), by, "", scene, _line(told, "reason"))


def _words(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    said = told.get("words", "")
    if (chosen := told.get("phrase", "")).isdecimal():  # without a script: the phrase itself
        said = phrases.offered(parts())[int(chosen[:2]) - 1 : int(chosen[:2])][0]
    words = StaffWords(LONGEST_WORDS, required=True).deserialize(said)
    words = phrases.in_language(words, case.language, parts())
    reason = _line(told, "supervisor_reason")
    over = told.get("take_over") == "on"
    return holding.note(case, by, words, scene, reason, over, _others(conn, by, case))


DEEDS: dict[str, Deed] = {
    "take": Deed("Take it", Act.TAKE, _take, done="You have it. Nobody else is asked now."),
    "give_back": Deed(
        "Give it back", Act.GIVE_BACK,
        lambda case, by, told, scene, _: desk_acts.give_back(
            case, by, _line(told, "reason"), scene
        ),
        done="You gave it back. The next person is asked now.",
    ),
    "ask_another": Deed(
        "Another human", Act.ASK_ANOTHER,
        lambda case, by, told, scene, _: desk_acts.ask_another(case, by, scene),
        done="Another human is asked. It stays as it is until they come.",
    ),
    "decline": Deed(
        "Decline", Act.DECLINE,
        lambda case, by, told, scene, _: decline(
            case, by, _line(told, "reason", needed=True), scene
        ),
        done="You declined. The next person is asked now.",
    ),
    "assign": Deed(
        "Send a team", Act.ASSIGN,
        lambda case, by, told, scene, _: desk_acts.assign(case, by, told.get("team", ""), scene),
        strict=True, done="The team is assigned.",
    ),
    "status": Deed("Next status", Act.STATUS, _status, strict=True, done="The status is noted."),
    "late": Deed(
        "Late", Act.LATE,
        lambda case, by, told, scene, _: delayed(case, by, scene, _line(told, "reason")),
        done="They are told that it is late, where that is safe.",
    ),
    "raise": Deed(
        "Raise", Act.RAISE,
        lambda case, by, told, scene, _: desk_acts.raise_level(
            case, by, told.get("level", ""), _line(told, "reason", needed=True), scene
        ),
        done="The level is raised.",
    ),
    "lower": Deed(
        "Lower", Act.LOWER,
        lambda case, by, told, scene, _: holding.lower_level(
            case, by, _line(told, "reason", needed=True), scene
        ),
        strict=True, done="The level is lowered. New danger raises it again.",
    ),
    "place": Deed(
        "Set the place", Act.PLACE,
        lambda case, by, told, scene, _: desk_acts.mend_place(
            case, by, _line(told, "place", 480, needed=True), scene
        ),
        strict=True, done="The place is noted.",
    ),
    "answer": Deed(
        "Answer for them", Act.ANSWER_FOR,
        lambda case, by, told, scene, _: holding.answer_for(
            case, by, told.get("question", ""), told.get("choice", ""),
            _line(told, "reason") or "They said so.", scene,
        ),
        done="The answer is noted under your name.",
    ),
    "minor": Deed(
        "I have looked", Act.CONFIRM_MINOR,
        lambda case, by, told, scene, _: holding.looked(case, by, _line(told, "reason"), scene),
        done="It is noted that you have looked.",
    ),
    "reviewed": Deed(
        "I have read it", Act.TAKE,
        lambda case, by, told, scene, _: holding.read_by(case, by, _line(told, "reason"), scene),
        done="It is noted that you have read it.",
    ),
    "callback": Deed("Promise a call", Act.BOOK_CALLBACK, _book, done="The call is promised."),
    "lift": Deed(
        "Nobody watches", Act.LIFT_WATCHED,
        lambda case, by, told, scene, _: holding.lift_watched(
            case, by, _line(told, "reason", needed=True), scene
        ),
        strict=True, done="It is noted that nobody watches them.",
    ),
    "pause": Deed(
        "Pause", Act.CONVERSE,
        lambda case, by, told, scene, _: holding.pause(case, by, _line(told, "reason"), scene),
        done="They are told that you write again later.",
    ),
    "place_link": Deed(
        "Ask for the place", Act.CONVERSE,
        lambda case, by, told, scene, _: holding.place_link(case, by, _line(told, "reason"), scene),
        done="A link to mark the place is on its way.",
    ),
    "take_over": Deed(
        "Take over", Act.TAKE_OVER, _take_over, done="You hold it. They hear your name."
    ),
    "hand_over": Deed("Hand over", Act.TRANSFER, _hand_over, done="It is handed over."),
    "close": Deed("Close", Act.CLOSE, _close, strict=True, done="The case is closed."),
    "words": Deed("Send", Act.CONVERSE, _words),
}  # fmt: skip


# ---- reading -------------------------------------------------------------------------------------
@case_pages.get("/<case_id>")
@may(Act.READ_CASE)
def case(case_id: str) -> Response:
    done = DEEDS.get(request.args.get("done", ""))
    return _page(case_id, done=done.done if done else "")


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


def _page(case_id: str, status: int = 200, **more: Any) -> Response:
    opened = desk.open_case(parts(), case_id, me())
    if opened is None:
        return _none()
    return page("case.html", status, title=opened.case.reference, **_view(opened), **more)


def _view(opened: Opened) -> dict[str, Any]:
    case, now = opened.case, opened.scene.now
    everything = request.values.get("show") == "everything"
    writing = case_words.writing(case, now, parts())
    clock = holder_clock(case, parts().program)
    return {
        "opened": opened,
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
        "mine_now": me().name in (case.holder, case.accepted_by),
        "why_not": _why_not(opened),
        "teams": parts().program.teams,
        "people": _people(),
        "outcomes": _outcomes(case),
    }


def _people() -> list[str]:
    ladder = parts().program.ladder
    return [name for name in dict.fromkeys(rung.name for rung in ladder if not rung.backstop)
            if name != me().name]  # fmt: skip


_OUTCOME_WORDS = {
    Outcome.EMERGENCY_HELP_CONFIRMED: "Emergency help is with them",
    Outcome.PASSED_TO_SERVICE: "A named service has taken over and confirmed",
    Outcome.COUNSELOR_JOINED: "A counselor joined, a plan is made",
    Outcome.REFUSED_PLAN_MADE: "They refused help, a plan is made",
    Outcome.NO_DANGER_FOUND: "No danger found",
    Outcome.SAFE: "They are safe",
    Outcome.LOST: "Nobody could reach them any more",
    Outcome.RESOLVED: "Resolved where they were",
    Outcome.TAKEN_TO_CARE: "Taken to care",
    Outcome.TRANSFERRED_TO_911: "Police or ambulance came instead",
    Outcome.INFORMATION: "Information given",
    Outcome.UNSERVED: "They got no help",
    Outcome.CANCELLED: "They took it back",
    Outcome.ABANDONED: "They stopped writing",
    Outcome.NO_REQUEST: "Nothing was asked for",
}


def _outcomes(case: Case) -> list[tuple[str, str]]:
    """After a danger only those that say how the person is (rule 3)."""
    allowed = DANGER_OUTCOMES if case.in_danger else OUTCOMES
    return [
        (outcome.value, words) for outcome, words in _OUTCOME_WORDS.items() if outcome in allowed
    ]


# what a form that is offered holds, so that only the case itself can refuse it
_TRIED: dict[str, Told] = {
    "decline": {"reason": "-"}, "lower": {"reason": "-"}, "lift": {"reason": "-"},
    "raise": {"reason": "-", "level": "R1"}, "place": {"place": "-"},
    "answer": {"question": "contact", "choice": "unsafe"}, "words": {"words": "-"},
}  # fmt: skip


def _why_not(opened: Opened) -> dict[str, str]:
    """What stands against each act now, in words; "" where nothing does. The decision itself is
    asked, and nothing of it is kept."""
    case, scene, name = opened.case, opened.scene, me().name
    told = {}
    for deed_name, deed in DEEDS.items():
        if not me().may(deed.act):
            told[deed_name] = "Your role may not."
            continue
        try:
            deed.decide(case, name, _trial(deed_name, case), scene, None)
            told[deed_name] = ""
        except Refused as refusal:
            told[deed_name] = refusal_words(refusal)
    if case.in_danger and opened.others >= holding.MOST_HELD and name != case.in_charge:
        told["take"] = told["take_over"] = REFUSALS["full"]
    if not case.watched:
        told["lift"] = "Nobody said that they are watched."
    if not case.in_danger:
        told["lower"] = "There is no danger to lower."
    if not case.minor or case.minor_reviewed:
        told["minor"] = "Nothing is to be confirmed."
    if not case.review:
        told["reviewed"] = "Nothing waits to be read."
    return told


def _trial(deed_name: str, case: Case) -> Told:
    if deed_name == "assign":
        teams = parts().program.teams
        return {"team": teams[0].id if teams else ""}
    if deed_name == "close":
        return {"outcome": _outcomes(case)[0][0], "report": "made", "reason": "-"}
    if deed_name == "status":
        return {"status": next_status(case)}
    if deed_name == "hand_over":
        return {"to": next(iter(_people()), "")}
    return _TRIED.get(deed_name, {})


def next_status(case: Case) -> str:
    following = {Status.ASSIGNED: Status.EN_ROUTE, Status.EN_ROUTE: Status.ARRIVED}
    return following.get(case.status, Status.EN_ROUTE).value


REFUSALS = {
    "ended": "The case has ended.",
    "too_far": "That time has passed, or is more than twelve hours away.",
    "taken": "{name} has it.",
    "cannot_move": "That does not follow from where the case stands.",
    "outcome_needed": "Closing needs an outcome. After danger, one that says how the person is.",
    "may_not_text": "They may not be written to now.",
    "held": "{name} holds the conversation. Take it over first.",
    "not_yours": "You do not have it.",
    "no_such_person": "Nobody of that name is on the ladder.",
    "full": "You hold three dangers. Nobody holds more.",
    "full_other": "{name} holds three dangers already.",
    "paused_before": "There is one pause in a conversation.",
    "no_such_question": "There is no such question.",
    "no_such_choice": "That is none of its answers.",
    "reason_needed": "That needs a reason.",
    "report_needed": "A child or an old person was said to be hurt. Say whether it was reported, "
    "who did, and when.",
    "own": "It is about your own phone. Somebody else must take it.",
    "not_parked": "Nobody else uses that phone.",
    "phone_in_use": "Somebody is in danger on that phone now. Speak with whoever has that case.",
    "may_not_call": "They have not said that calling is safe, or took it back.",
    "no_such_team": "Choose a team.",
    "not_higher": "It is as urgent as that already.",
    "no_such_case": "No other case has this reference.",
}


def refusal_words(refusal: Refused) -> str:
    return REFUSALS[refusal.code].format(name=refusal.name or "Somebody else")


# ---- acting --------------------------------------------------------------------------------------
def _act(case_id: str, name: str) -> Response:
    """Do it under the name of whoever is signed in, or say why not, with what was typed."""
    deed, told, who = DEEDS[name], request.form, me()
    if name in ("take", "take_over") and _own(case_id):
        return _refused(case_id, name, REFUSALS["own"], 409)
    try:
        after = desk.act(
            parts(), case_id, who,
            lambda case, scene, conn: deed.decide(case, who.name, told, scene, conn),
            told.get("seen") if deed.strict else None,
            sent=name == "words",
        )  # fmt: skip
    except ValidationError as problem:
        return _refused(case_id, name, " ".join(_flat(problem)), 422)
    except Refused as refusal:
        return _refused(case_id, name, refusal_words(refusal), 409)
    except Quicker as problem:
        news = case_words.happened(problem.events, parts())
        return _refused(case_id, name, "", 409, news)
    if after is None:
        return _none()
    if name == "words":
        way = url_for("case_pages.case", case_id=case_id, _anchor="w")
    else:
        way = url_for("case_pages.case", case_id=case_id, done=name)
    return redirect(way, 303)  # type: ignore[return-value]


def _refused(case_id: str, name: str, why: str, status: int, news: Sequence[str] = ()) -> Response:
    """Nothing was done. Words to the resident are kept as a draft; what else was typed stands in
    the answer."""
    typed = {field: words for field, words in request.form.items() if field not in ("csrf", "seen")}
    if name == "words":
        desk.keep_draft(parts(), case_id, me(), typed.get("words", "")[:10_000])
    return _page(case_id, status, refused=why, news=news, again=name, typed=typed,
                 label=DEEDS[name].label)  # fmt: skip


def _flat(problem: ValidationError) -> list[str]:
    return [str(each) for each in problem.messages] if isinstance(problem.messages, list) else []


def _own(case_id: str) -> bool:
    with parts().engine.connect() as conn:
        case = cases.shown(conn, parts().sealer, case_id)
    return case is not None and is_theirs(parts(), case, me().name)


def _line(told: Told, field: str, longest: int = 300, needed: bool = False) -> str:
    """What was typed, as every word of staff is looked at. Raises ValidationError, Refused."""
    words = str(StaffWords(longest).deserialize(told.get(field, "")))
    if needed and not words:
        raise Refused("reason_needed")
    return words


def _number(told: Told, field: str, most: int) -> int | None:
    said = told.get(field, "").strip()
    if not said:
        return None
    if not (said.isascii() and said.isdecimal() and 1 <= int(said[:6]) <= most):
        raise Refused("too_far")
    return int(said)


def _door(name: str) -> None:
    def view(case_id: str) -> Response:
        return _act(case_id, name)

    case_pages.add_url_rule(
        f"/<case_id>/{name}", name, may(DEEDS[name].act)(view), methods=["POST"]
    )


for _name in DEEDS:
    _door(_name)


@case_pages.post("/<case_id>/same_person")
@may(Act.CONVERSE)
def same_person(case_id: str) -> Response:
    """The first person of a shared phone writes again, and a human knows it."""
    reason = request.form.get("reason", "")[:300].strip()
    make_room(parts(), case_id, me().name, reason)
    try:
        desk.act(parts(), case_id, me(), comes_back(parts(), me().name, reason))
    except Refused as refusal:
        return _page(case_id, 409, refused=refusal_words(refusal), typed={"reason": reason})
    return redirect(url_for("case_pages.case", case_id=case_id), 303)  # type: ignore[return-value]


@case_pages.post("/<case_id>/link")
@may(Act.LINK)
def link(case_id: str) -> Response:
    """Two cases about the same people or place."""
    typed = "".join(request.form.get("reference", "").split()).upper()[:10]
    with parts().engine.connect() as conn:
        other, mine = kept.id_of(conn, typed), kept.reference_of(conn, case_id)
    by = me().name
    try:
        if not other or other == case_id or not mine:
            raise Refused("no_such_case")
        desk.act(parts(), case_id, me(), lambda one, *_: desk_acts.link_to(one, by, typed))
        desk.act(parts(), other, me(), lambda one, *_: desk_acts.link_to(one, by, mine))
    except Refused as refusal:
        return _page(case_id, 409, refused=refusal_words(refusal), typed={"reference": typed})
    return redirect(url_for("case_pages.case", case_id=case_id), 303)  # type: ignore[return-value]


@case_pages.post("/<case_id>/draft")
@may(Act.CONVERSE)
def draft(case_id: str) -> Response:
    """Keep words that are not sent; a script asks for it while they are typed."""
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
