"""The acts of a case: one table of what each is called, whose it is, what it decides, and what is
said when it is done or refused (docs/console.md)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from caller_service.casework import desk, shift_end
from caller_service.casework.change import full_beside
from caller_service.casework.contact_care import set_care_note, slow_down
from caller_service.casework.desk_calls import call_psap
from caller_service.casework.retention import erase
from caller_service.casework.same_person import comes_back, make_room
from caller_service.core import desk_acts, holding
from caller_service.core import retention as core_retention
from caller_service.core.call_911 import call_911
from caller_service.core.callback import book
from caller_service.core.case import DANGER_OUTCOMES, OUTCOMES, Case, Status, Step
from caller_service.core.dispatch import decline, delayed, update
from caller_service.core.escalation import one_too_many
from caller_service.core.marks import Mark
from caller_service.core.outcome import Asked, Known, Outcome, Police
from caller_service.core.police_record import correct_police, recorded
from caller_service.core.refusal import Refused
from caller_service.core.roles import Act
from caller_service.core.routing import Scene
from caller_service.core.staff_session import StaffSession
from caller_service.store import desk as kept
from caller_service.web.shared.guard import parts
from caller_service.web.shared.staff_words import StaffWords

from . import phrases
from .case_words import police_words
from .refusal_words import refusal_words

LONGEST_WORDS = 480

Told = Mapping[str, str]
Decide = Callable[[Case, str, Told, Scene, sa.Connection | None], Step]


@dataclass(frozen=True, slots=True)
class Deed:
    """One act. It decides about the case, or reaches further (`across`).

    `strict`: it is decided upon the whole case, so what others did meanwhile is shown first.
    `tried`: what a form that is offered holds, so that only the case itself can refuse it.
    `moot`: why it would change nothing, in words; "" where it would.
    """

    label: str
    act: Act
    decide: Decide | None = None
    done: str = ""
    strict: bool = False
    across: Callable[[str, StaffSession, Told], object] | None = None
    tried: Callable[[Case], Told] = lambda case: {"reason": "-"}
    moot: Callable[[Case], str] = lambda case: ""


# ---- what was typed ------------------------------------------------------------------------------
def line(told: Told, field: str, longest: int = 300, needed: bool = False) -> str:
    """What was typed, as every word of staff is looked at. Raises ValidationError, Refused."""
    words = str(StaffWords(longest).deserialize(told.get(field, "")))
    if needed and not words:
        raise Refused("reason_needed")
    return words


def number(told: Told, field: str, most: int) -> int | None:
    """A whole number from 1 to `most`; None: nothing was typed. Raises Refused: too_far."""
    said = told.get(field, "").strip()
    if not said:
        return None
    if not (said.isascii() and said.isdecimal() and 1 <= int(said[:6]) <= most):
        raise Refused("too_far")
    return int(said)


# ---- what is decided -----------------------------------------------------------------------------
def _reasoned(decide: holding.Deed, needed: bool = False) -> Decide:
    """An act that takes a name and a reason, and nothing else."""
    return lambda case, by, told, scene, _: decide(
        case, by, line(told, "reason", needed=needed), scene
    )


def _full(conn: sa.Connection | None, case: Case) -> frozenset[str]:
    return frozenset() if conn is None else full_beside(conn, case)


def _take(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    minutes = number(told, "minutes", 12 * 60)
    return desk_acts.take(case, by, minutes, scene, _full(conn, case))


def _take_over(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    return holding.take_over(case, by, line(told, "reason"), scene, _full(conn, case))


def _hand_over(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    to = line(told, "to", 80)
    return holding.hand_over(case, by, to, line(told, "reason"), scene, _full(conn, case))


def _book(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    due = scene.now + timedelta(minutes=number(told, "minutes", 48 * 60) or 5)
    return book(case, by, due, scene, ask_for=line(told, "ask_for", 80))


def _erase(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    return core_retention.erase(case, scene) if conn is None else erase(case, scene, conn)


def _correct(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    return correct_police(case, by, _police(told), line(told, "reason", needed=True), scene)


def _police(told: Told) -> Police:
    """What a form says of police: one without a script holds what belongs to police there."""
    police = Police(told.get("police", ""), told.get("asked_by", ""), told.get("told_before", ""))
    if not police.present:
        raise Refused("police_needed")
    return police if police.present == Known.YES else Police(police.present)


def _close(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    report, reason = told.get("report", ""), line(told, "reason")
    report = report if report in ("made", "not_required") else ""
    if report and not reason:
        raise Refused("report_needed")
    outcome = told.get("outcome", "")
    return update(case, Status.CLOSED, by, outcome, scene, reason, report, _police(told))


def _status(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    to = told.get("status", "")
    if to not in (Status.ASSIGNED, Status.EN_ROUTE, Status.ARRIVED, Status.UNREACHABLE):
        raise Refused("cannot_move")
    return update(case, Status(to), by, "", scene, line(told, "reason"))


def _words(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    said = told.get("words", "")
    if (chosen := told.get("phrase", "")).isdecimal():  # without a script: the phrase itself
        said = "".join(phrases.offered(parts())[int(chosen[:2]) - 1 : int(chosen[:2])])
    words = StaffWords(LONGEST_WORDS, required=True).deserialize(said)
    words = phrases.in_language(words, case.language, parts())
    reason, over = line(told, "supervisor_reason"), told.get("take_over") == "on"
    return holding.note(case, by, words, scene, reason, over, _full(conn, case))


def _call_911(case: Case, by: str, told: Told, scene: Scene, conn: sa.Connection | None) -> Step:
    return call_911(
        case, by, line(told, "reason", needed=True), told.get("tell", ""), line(told, "why_not"),
        scene, phrases.calls_911(case.language, parts()), _full(conn, case),
    )  # fmt: skip


def _same_person(case_id: str, who: StaffSession, told: Told) -> object:
    """The first person of a shared phone writes again, and a human knows it."""
    reason = line(told, "reason", needed=True)
    make_room(parts(), case_id, who.name, reason)
    return desk.act(parts(), case_id, who, comes_back(parts(), who.name, reason))


def _link(case_id: str, who: StaffSession, told: Told) -> object:
    """Two cases about the same people or place."""
    reference = "".join(told.get("reference", "").split()).upper()[:10]
    with parts().engine.connect() as conn:
        other, mine = kept.id_of(conn, reference), kept.reference_of(conn, case_id)
    if not other or other == case_id or not mine:
        raise Refused("no_such_case")
    desk.act(parts(), other, who, lambda case, *_: desk_acts.link_to(case, who.name, mine))
    return desk.act(
        parts(), case_id, who, lambda case, *_: desk_acts.link_to(case, who.name, reference)
    )


def _care_note(case_id: str, who: StaffSession, told: Told) -> object:
    """Words for people here in place of the screening, or none any more."""
    days = _choice(told, "days", 30)
    words = StaffWords(LONGEST_WORDS, required=days > 0).deserialize(told.get("words", ""))
    reason = line(told, "reason", needed=True)
    return set_care_note(parts(), case_id, who.name, who.name, words, days, reason)


def _slow(case_id: str, who: StaffSession, told: Told) -> object:
    """This number is answered less often, new danger excepted: its role is the supervisor's."""
    hours, reason = _choice(told, "hours", 12), line(told, "reason", needed=True)
    return slow_down(parts(), case_id, who.name, who.name, hours, reason)


def _choice(told: Told, field: str, most: int) -> int:
    """As `number`, and 0 for "no more". Raises Refused: too_long."""
    said = told.get(field, "").strip()
    if not (said.isascii() and said.isdecimal() and int(said[:6]) <= most):
        raise Refused("too_long")
    return int(said)


def _ask_to_take(case_id: str, who: StaffSession, told: Told) -> object:
    """A named person is asked to take it over; until they do it stays where it is."""
    return shift_end.ask(parts(), who, case_id, line(told, "to", 80), line(told, "reason"))


# ---- what is offered -----------------------------------------------------------------------------
OUTCOME_WORDS: Mapping[str, str] = {
    Outcome.EMERGENCY_HELP_CONFIRMED: "Emergency help is with them",
    Outcome.PASSED_TO_SERVICE: "A service took over and confirmed (name it as the reason)",
    Outcome.COUNSELOR_JOINED: "A counselor joined, a plan is made",
    Outcome.REFUSED_PLAN_MADE: "They refused help, a plan is made",
    Outcome.NO_DANGER_FOUND: "No danger found",
    Outcome.SAFE: "They are safe",
    Outcome.LOST: "Nobody could reach them any more",
    Outcome.RESOLVED: "Resolved where they were",
    Outcome.TAKEN_TO_CARE: "Taken to care",
    Outcome.REFUSED: "They did not want help",
    Outcome.GONE: "They were not there, or not found",
    Outcome.REFERRED: "Another service goes on (name it as the reason)",
    Outcome.TRANSFERRED_TO_911: "Police or ambulance came instead",
    Outcome.INFORMATION: "Information given",
    Outcome.UNSERVED: "They got no help",
    Outcome.CANCELLED: "They took it back",
    Outcome.ABANDONED: "They stopped writing",
    Outcome.NO_REQUEST: "Nothing was asked for",
}


ASKED_BY = {
    Asked.TEAM: "The team",
    Asked.STAFF: "Somebody here",
    Asked.RESIDENT: "The person, or somebody with them",
    Asked.OTHERS: "Somebody else, or they came by themselves",
    Asked.UNKNOWN: "Nobody knows",
}


def how_it_ended(case: Case) -> str:
    """The outcome of a case and what was recorded beside it, in sentences."""
    how = OUTCOME_WORDS.get(case.outcome, "")
    told = [f"{how}." if how else "", police_words(recorded(case))]
    if case.police_before:
        before = police_words(Police(*case.police_before[-1]), "Nothing was recorded of police.")
        told.append(f"That was corrected later. Before: {before}")
    return " ".join(words for words in told if words)


def outcomes(case: Case) -> list[tuple[str, str]]:
    """After a danger only those that say how the person is (rule 3)."""
    allowed = DANGER_OUTCOMES if case.in_danger else OUTCOMES
    return [(str(one), words) for one, words in OUTCOME_WORDS.items() if one in allowed]


def colleagues(name: str) -> list[str]:
    """Whom a case can be handed to."""
    ladder = parts().program.ladder
    names = dict.fromkeys(rung.name for rung in ladder if not rung.backstop)
    return [each for each in names if each != name]


def _next_status(case: Case) -> Told:
    following = {Status.ASSIGNED: Status.EN_ROUTE, Status.EN_ROUTE: Status.ARRIVED}
    return {"status": following.get(case.status, Status.EN_ROUTE).value}


def _first_team(case: Case) -> Told:
    return {"team": next((team.id for team in parts().program.teams), "")}


DEEDS: dict[str, Deed] = {
    "take": Deed("Take it", Act.TAKE, _take, "You have it. Nobody else is asked now."),
    "give_back": Deed(
        "Give it back", Act.GIVE_BACK, _reasoned(desk_acts.give_back),
        "You gave it back. The next person is asked now.",
    ),
    "ask_another": Deed(
        "Another human", Act.ASK_ANOTHER,
        lambda case, by, told, scene, _: desk_acts.ask_another(case, by, scene),
        "Another human is asked. It stays as it is until they come.",
    ),
    "decline": Deed(
        "Decline", Act.DECLINE, _reasoned(decline, needed=True),
        "You declined. The next person is asked now.",
    ),
    "assign": Deed(
        "Send a team", Act.ASSIGN,
        lambda case, by, told, scene, _: desk_acts.assign(case, by, told.get("team", ""), scene),
        "The team is assigned.", strict=True, tried=_first_team,
    ),
    "status": Deed(
        "Next status", Act.STATUS, _status, "The status is noted.", strict=True,
        tried=_next_status,
    ),
    "late": Deed(
        "Late", Act.LATE,
        lambda case, by, told, scene, _: delayed(case, by, scene, line(told, "reason")),
        "They are told that it is late, where that is safe.",
    ),
    "raise": Deed(
        "Raise", Act.RAISE,
        lambda case, by, told, scene, _: desk_acts.raise_level(
            case, by, told.get("level", ""), line(told, "reason", needed=True), scene
        ),
        "The level is raised.", tried=lambda case: {"reason": "-", "level": "R1"},
    ),
    "lower": Deed(
        "Lower", Act.LOWER, _reasoned(holding.lower_level, needed=True),
        "The level is lowered. New danger raises it again.", strict=True,
        moot=lambda case: "" if case.in_danger else "There is no danger to lower.",
    ),
    "place": Deed(
        "Set the place", Act.PLACE,
        lambda case, by, told, scene, _: desk_acts.mend_place(
            case, by, line(told, "place", 480, needed=True), scene
        ),
        "The place is noted.", strict=True, tried=lambda case: {"place": "-"},
    ),
    "answer": Deed(
        "Answer for them", Act.ANSWER_FOR,
        lambda case, by, told, scene, _: holding.answer_for(
            case, by, told.get("question", ""), told.get("choice", ""),
            line(told, "reason") or "They said so.", scene,
        ),
        "The answer is noted under your name.",
        tried=lambda case: {"question": "contact", "choice": "unsafe"},
    ),
    "minor": Deed(
        "I have looked", Act.CONFIRM_MINOR, _reasoned(holding.looked),
        "It is noted that you have looked.",
        moot=lambda case: ""
        if case.minor and not case.minor_reviewed
        else "Nothing is to be confirmed.",
    ),
    "reviewed": Deed(
        "I have read it", Act.TAKE, _reasoned(holding.read_by),
        "It is noted that you have read it.",
        moot=lambda case: "" if case.review else "Nothing waits to be read.",
    ),
    "call_911": Deed(
        "Call 911", Act.CALL_PSAP, _call_911, "It is noted. Now call: the number stands under 911.",
        strict=True, tried=lambda case: {"reason": "-", "tell": "said"},
    ),
    "psap": Deed(
        "Call them by phone", Act.CALL_PSAP,
        across=lambda case_id, who, told: call_psap(parts(), who, case_id),
        done="Your phone rings in a moment. Press 1, and you are joined to the 911 center.",
    ),
    "callback": Deed("Promise a call", Act.BOOK_CALLBACK, _book, "The call is promised."),
    "lift": Deed(
        "Nobody watches", Act.LIFT_WATCHED, _reasoned(holding.lift_watched, needed=True),
        "It is noted that nobody watches them.", strict=True,
        moot=lambda case: "" if case.watched else "Nobody said that they are watched.",
    ),
    "pause": Deed(
        "Pause", Act.CONVERSE, _reasoned(holding.pause),
        "They are told that you write again later.",
    ),
    "place_link": Deed(
        "Ask for the place", Act.CONVERSE, _reasoned(holding.place_link),
        "A link to mark the place is on its way.",
    ),
    "take_over": Deed(
        "Take over", Act.TAKE_OVER, _take_over, "You hold it. They hear your name."
    ),
    "hand_over": Deed(
        "Hand over", Act.TRANSFER, _hand_over, "It is handed over.",
        tried=lambda case: {"to": next(iter(colleagues(case.in_charge)), "")},
    ),
    "ask_to_take": Deed(
        "Ask somebody to take it", Act.TRANSFER, across=_ask_to_take,
        done="They are asked. Until they take it, it stays yours.",
        moot=lambda case: "" if case.in_charge else "Nobody has it.",
    ),
    "close": Deed(
        "Close", Act.CLOSE, _close, "The case is closed.", strict=True,
        tried=lambda case: {
            "outcome": outcomes(case)[0][0], "report": "made", "reason": "-", "police": "no"
        },
    ),
    "correct": Deed(
        "Correct it", Act.CORRECT, _correct, "It is corrected. What was recorded before stays.",
        strict=True, tried=lambda case: {"reason": "-", "police": "unknown"},
    ),
    "words": Deed("Send", Act.CONVERSE, _words, tried=lambda case: {"words": "-"}),
    "same_person": Deed(
        "It is them", Act.CONVERSE, across=_same_person, done="It is noted that it is them.",
        moot=lambda case: "" if case.parked else "Nobody else uses that phone.",
    ),
    "care_note": Deed(
        "Care note", Act.CARE_NOTE, across=_care_note, done="The care note is as you left it."
    ),
    "slow": Deed(
        "Slow this number", Act.SLOW_NUMBER, across=_slow,
        done="It is noted how often this number is answered.",
    ),
    "erase": Deed(
        "Erase the words", Act.ERASE_WORDS, _erase, "The words are erased, for good.",
        moot=lambda case: "They are erased." if Mark.ERASED in case.marks else "",
    ),
    "hold": Deed(
        "Legal hold", Act.ERASE_WORDS,
        lambda case, by, told, scene, _: core_retention.hold(case, by, scene),
        "Nothing of it is erased until somebody lifts the hold.",
    ),
    "release": Deed(
        "Lift the legal hold", Act.ERASE_WORDS,
        lambda case, by, told, scene, _: core_retention.release(case, scene),
        "The hold is lifted. What is over its time is erased.",
    ),
    "link": Deed("Link", Act.LINK, across=_link, done="Each case names the other."),
}  # fmt: skip


def why_not(case: Case, who: StaffSession, full: Collection[str], scene: Scene) -> dict[str, str]:
    """What stands against each act now, in words; "" where nothing does. The decision itself is
    asked, and nothing of it is kept. `full`: who has as many dangers as one person may."""
    told = {name: _against(deed, case, who, scene) for name, deed in DEEDS.items()}
    if one_too_many(case, who.name, full, scene):
        told["take"] = told["take_over"] = refusal_words("full")
    return told


def _against(deed: Deed, case: Case, who: StaffSession, scene: Scene) -> str:
    if not who.may(deed.act):
        return "Your role may not."
    try:
        if deed.decide is not None:
            deed.decide(case, who.name, deed.tried(case), scene, None)
    except Refused as refusal:
        return refusal_words(refusal.code, refusal.name)
    return deed.moot(case)
