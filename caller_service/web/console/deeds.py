"""The acts of a case: a table with the label of each, who may do it, its decision, and the text
shown when it is done or refused (docs/console.md)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from marshmallow import ValidationError

from caller_service.casework import desk, shift_end
from caller_service.casework.change import Look, full_beside
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
from caller_service.core.reach import ContactAnswer
from caller_service.core.refusal import Refused
from caller_service.core.roles import Act, Role
from caller_service.core.routing import Scene, works_now
from caller_service.core.safe_contact import CALL_ALLOWED, TEXT_ALLOWED, may_text
from caller_service.core.staff_session import StaffSession
from caller_service.store import desk as kept
from caller_service.web.shared.guard import parts
from caller_service.web.shared.staff_words import LONGEST_REASON, Reason, StaffWords

from . import phrases
from .case_words import police_words
from .refusal_words import Mistyped, mistyped, refusal_words
from .session_guard import me

LONGEST_WORDS = 480
CONTACT = "contact"  # the question

Form = Mapping[str, str]
Decide = Callable[[Case, str, Form, Scene, sa.Connection | None], Step]


@dataclass(frozen=True, slots=True)
class Deed:
    """One act. It decides about the case alone, or involves more than the case (`across`).

    `strict`: the act depends on the whole case, so if others changed it meanwhile that is shown
    first. `tried`: a filled-in form for a trial run, in which only the case itself can be the
    reason for a refusal. `moot`: why the act would change nothing, in words; "" if it would.
    `own_too`: also somebody whose own phone the case is about may do it, because it gives the case
    to others. `tells`: the words that tell the resident of it, and `untold`: what stands in place
    of `done` where software may not say them.
    """

    label: str
    act: Act
    decide: Decide | None = None
    done: str = ""
    strict: bool = False
    across: Callable[[str, StaffSession, Form], object] | None = None
    tried: Callable[[Case], Form] = lambda case: {"reason": "trial"}
    moot: Callable[[Case], str] = lambda case: ""
    own_too: bool = False
    tells: str = ""
    untold: str = ""

    def after(self, case: Case) -> str:
        """What is said of it once it is done: nobody was told what was held back (rule 22)."""
        return self.untold if self.tells and not may_text(case, self.tells) else self.done


# ---- what was typed ------------------------------------------------------------------------------
def line(form: Form, field: str, longest: int) -> str:
    """The text of a field, checked like all text from staff. Raises Mistyped."""
    return typed(field, form.get(field, ""), longest)


def why(form: Form, needed: bool = False, field: str = "reason") -> str:
    """A reason; a dash is none. Raises Mistyped, Refused."""
    given = _checked(Reason(), field, form.get(field, ""), LONGEST_REASON)
    if needed and not given:
        raise Refused("reason_needed")
    return given


def typed(field: str, text: str, longest: int, needed: bool = False) -> str:
    """A text as staff typed it into this field. Raises Mistyped."""
    return _checked(StaffWords(longest, required=needed), field, text, longest)


def _checked(rule: StaffWords, field: str, text: str, longest: int) -> str:
    try:
        return str(rule.deserialize(text))
    except ValidationError:
        raise mistyped(field, text, longest) from None


def minutes(form: Form, most: int) -> int | None:
    """A whole number of minutes from 1 to `most`; None if the field is empty. Raises Mistyped."""
    text = form.get("minutes", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= most):
        raise Mistyped(f"Write the minutes as a number from 1 to {most}.")
    return int(text)


# ---- decisions -----------------------------------------------------------------------------------
def _reasoned(decide: holding.Deed, needed: bool = False) -> Decide:
    """An act that takes a name and a reason, and nothing else."""
    return lambda case, by, form, scene, _: decide(case, by, why(form, needed), scene)


def _full(conn: sa.Connection | None, case: Case) -> frozenset[str]:
    return frozenset() if conn is None else full_beside(conn, case)


def _take(case: Case, by: str, form: Form, scene: Scene, conn: sa.Connection | None) -> Step:
    return desk_acts.take(case, by, minutes(form, 12 * 60), scene, _full(conn, case))


def _take_over(case: Case, by: str, form: Form, scene: Scene, conn: sa.Connection | None) -> Step:
    return holding.take_over(case, by, why(form), scene, _full(conn, case))


def _hand_over(case: Case, by: str, form: Form, scene: Scene, conn: sa.Connection | None) -> Step:
    to = line(form, "to", 80)
    if not to and by in (case.holder, case.accepted_by):  # nobody was chosen, or is on shift
        raise Refused("nobody_chosen")
    return holding.hand_over(case, by, to, why(form), scene, _full(conn, case))


def _book(case: Case, by: str, form: Form, scene: Scene, conn: sa.Connection | None) -> Step:
    due = scene.now + timedelta(minutes=minutes(form, 48 * 60) or 5)
    return book(case, by, due, scene, ask_for=line(form, "ask_for", 80))


def _answer(case: Case, by: str, form: Form, scene: Scene, conn: sa.Connection | None) -> Step:
    """What they told a human. To open contact takes the human's own reason (rule 10): one press on
    the wrong button could reach whoever they fear."""
    question, choice = form.get("question", ""), form.get("choice", "")
    opens = question == CONTACT and choice in TEXT_ALLOWED | CALL_ALLOWED
    reason = why(form, needed=opens) or "They said so."
    return holding.answer_for(case, by, question, choice, reason, scene)


def _erase(case: Case, by: str, form: Form, scene: Scene, conn: sa.Connection | None) -> Step:
    return core_retention.erase(case, scene) if conn is None else erase(case, scene, conn)


def _correct(case: Case, by: str, form: Form, scene: Scene, conn: sa.Connection | None) -> Step:
    return correct_police(case, by, _police(form), why(form, needed=True), scene)


def _police(form: Form) -> Police:
    """What a form says about police. Without scripts, the form also shows the fields that apply
    only if police were there; they are dropped if police were not."""
    police = Police(form.get("police", ""), form.get("asked_by", ""), form.get("told_before", ""))
    if not police.present:
        raise Refused("police_needed")
    return police if police.present == Known.YES else Police(police.present)


def _close(case: Case, by: str, form: Form, scene: Scene, conn: sa.Connection | None) -> Step:
    report, reason = form.get("report", ""), why(form)
    report = report if report in ("made", "not_required") else ""
    if report and not reason:
        raise Refused("report_needed")
    outcome = form.get("outcome", "")
    return update(case, Status.CLOSED, by, outcome, scene, reason, report, _police(form))


def _status(case: Case, by: str, form: Form, scene: Scene, conn: sa.Connection | None) -> Step:
    to = form.get("status", "")
    if to not in (Status.ASSIGNED, Status.EN_ROUTE, Status.ARRIVED, Status.UNREACHABLE):
        raise Refused("cannot_move")
    return update(case, Status(to), by, "", scene, why(form))


def _words(case: Case, by: str, form: Form, scene: Scene, conn: sa.Connection | None) -> Step:
    text = form.get("words", "")
    if (chosen := form.get("phrase", "")).isdecimal():  # a form without scripts
        text = "".join(phrases.offered(parts())[int(chosen[:2]) - 1 : int(chosen[:2])])
    words = typed("words", text, LONGEST_WORDS, needed=True)
    words = phrases.in_language(words, case.language, parts())
    reason, over = _supervisors(form, by), form.get("take_over") == "on"
    return holding.note(case, by, words, scene, reason, over, _full(conn, case))


def _supervisors(form: Form, by: str) -> str:
    """The reason of a supervisor, for the one text after violence (rule 9): of whoever writes, or
    of the one who told them; "" for none. Raises Mistyped, Refused: supervisor_needed."""
    reason, who = why(form, field="supervisor_reason"), form.get("supervisor", "")
    if not reason or me().role == Role.SUPERVISOR:
        return reason
    if who == by or who not in supervisors():
        raise Refused("supervisor_needed")
    return f"{who}: {reason}"


def _call_911(case: Case, by: str, form: Form, scene: Scene, conn: sa.Connection | None) -> Step:
    return call_911(
        case, by, why(form, needed=True), form.get("tell", ""), why(form, field="why_not"),
        scene, phrases.calls_911(case.language, parts()), _full(conn, case),
    )  # fmt: skip


def _same_person(case_id: str, who: StaffSession, form: Form) -> object:
    """A human knows that the first person of a shared phone is writing again."""
    reason = why(form, needed=True)
    make_room(parts(), case_id, who.name, reason)
    return desk.act(parts(), case_id, who, comes_back(parts(), who.name, reason))


def _link(case_id: str, who: StaffSession, form: Form) -> object:
    """Two cases about the same people or place."""
    reference = desk.plain_reference(form.get("reference", ""))[:10]
    with parts().engine.connect() as conn:
        other, mine = kept.id_of(conn, reference), kept.reference_of(conn, case_id)
    if not other or other == case_id or not mine:
        raise Refused("no_such_case")
    for one, another in ((other, case_id), (case_id, other)):
        linked = desk.act(parts(), one, who, _linked_to(another, who.name))
    return linked


def _linked_to(other: str, by: str) -> Look:
    return lambda case, *_: desk_acts.link_to(case, by, other)


def _care_note(case_id: str, who: StaffSession, form: Form) -> object:
    """Set or remove a care note, which replaces the screening for this number."""
    days = _choice(form, "days", 30)
    words = typed("words", form.get("words", ""), LONGEST_WORDS, needed=days > 0)
    reason = why(form, needed=True)
    return set_care_note(parts(), case_id, who.name, who.name, words, days, reason)


def _slow(case_id: str, who: StaffSession, form: Form) -> object:
    """Answer this number less often, except for a new danger. For supervisors only."""
    hours, reason = _choice(form, "hours", 12), why(form, needed=True)
    return slow_down(parts(), case_id, who.name, who.name, hours, reason)


def _choice(form: Form, field: str, most: int) -> int:
    """As `number`, but 0 is allowed and means "no more". Raises Refused: too_long."""
    text = form.get(field, "").strip()
    if not (text.isascii() and text.isdecimal() and int(text[:6]) <= most):
        raise Refused("too_long")
    return int(text)


def _ask_to_take(case_id: str, who: StaffSession, form: Form) -> object:
    """Ask a named person to take the case over; until they do, it stays where it is."""
    return shift_end.ask(parts(), who, case_id, line(form, "to", 80), why(form))


# ---- choices in the forms ------------------------------------------------------------------------
OUTCOME_WORDS: Mapping[str, str] = {
    Outcome.EMERGENCY_HELP_CONFIRMED: "Emergency help is with them",
    Outcome.PASSED_TO_SERVICE: "A service took over and confirmed (name it as the reason)",
    Outcome.COUNSELOR_JOINED: "A counselor joined, and there is a plan",
    Outcome.REFUSED_PLAN_MADE: "They refused help, and there is a plan",
    Outcome.NO_DANGER_FOUND: "No danger found",
    Outcome.SAFE: "They are safe",
    Outcome.LOST: "Nobody could reach them again",
    Outcome.RESOLVED: "Resolved where they were",
    Outcome.TAKEN_TO_CARE: "Taken to care",
    Outcome.REFUSED: "They did not want help",
    Outcome.GONE: "They were not there, or not found",
    Outcome.REFERRED: "Referred to another service (name it as the reason)",
    Outcome.TRANSFERRED_TO_911: "Police or ambulance came instead",
    Outcome.INFORMATION: "Information given",
    Outcome.UNSERVED: "They got no help",
    Outcome.CANCELLED: "They cancelled their request",
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
    sentences = [f"{how}." if how else "", police_words(recorded(case))]
    if case.police_before:
        before = police_words(Police(*case.police_before[-1]), "Nothing was recorded of police.")
        sentences.append(f"That was corrected later. Before: {before}")
    return " ".join(words for words in sentences if words)


def outcomes(case: Case) -> list[tuple[str, str]]:
    """The outcomes to choose from: after a danger only those that say how the person is (rule
    3)."""
    allowed = DANGER_OUTCOMES if case.in_danger else OUTCOMES
    return [(str(one), words) for one, words in OUTCOME_WORDS.items() if one in allowed]


def colleagues(name: str) -> list[str]:
    """The people to whom a case can be handed at once: whoever is on shift."""
    program = parts().program
    local = parts().now().astimezone(ZoneInfo(program.time_zone))
    names = dict.fromkeys(rung.name for rung in program.ladder if not rung.backstop)
    return [each for each in names if each != name and works_now(program, each, local)]


def supervisors() -> list[str]:
    """The supervisors of any ladder."""
    return list(dict.fromkeys(rung.name for rung in parts().program.ladder if rung.supervisor))


def _next_status(case: Case) -> Form:
    following = {Status.ASSIGNED: Status.EN_ROUTE, Status.EN_ROUTE: Status.ARRIVED}
    return {"status": following.get(case.status, Status.EN_ROUTE).value}


def _first_team(case: Case) -> Form:
    return {"team": next((team.id for team in parts().program.teams), "")}


DEEDS: dict[str, Deed] = {
    "take": Deed("Take it", Act.TAKE, _take, "You have it. Nobody else is asked now."),
    "give_back": Deed(
        "Give it back", Act.GIVE_BACK, _reasoned(desk_acts.give_back),
        "You gave it back. The next person is asked now.", own_too=True,
    ),
    "ask_another": Deed(
        "Another human", Act.ASK_ANOTHER,
        lambda case, by, form, scene, _: desk_acts.ask_another(case, by, scene),
        "Another human is asked. It stays as it is until they come.", own_too=True,
    ),
    "decline": Deed(
        "Decline", Act.DECLINE, _reasoned(decline, needed=True),
        "You declined. The next person is asked now.", own_too=True,
    ),
    "assign": Deed(
        "Send a team", Act.ASSIGN,
        lambda case, by, form, scene, _: desk_acts.assign(case, by, form.get("team", ""), scene),
        "The team is assigned.", strict=True, tried=_first_team,
    ),
    "status": Deed(
        "Next status", Act.STATUS, _status, "The status is noted.", strict=True,
        tried=_next_status,
    ),
    "late": Deed(
        "Late", Act.LATE,
        lambda case, by, form, scene, _: delayed(
            case, by, scene, why(form), minutes(form, 12 * 60)
        ),
        "They are told that the team is late, if that is safe.",
    ),
    "raise": Deed(
        "Raise", Act.RAISE,
        lambda case, by, form, scene, _: desk_acts.raise_level(
            case, by, form.get("level", ""), why(form, needed=True), scene
        ),
        "The level is raised.", tried=lambda case: {"reason": "trial", "level": "R1"},
        own_too=True,
    ),
    "lower": Deed(
        "Lower", Act.LOWER, _reasoned(holding.lower_level, needed=True),
        "The level is lowered. New danger raises it again.", strict=True,
        moot=lambda case: "" if case.in_danger else "There is no danger to lower.",
    ),
    "place": Deed(
        "Set the place", Act.PLACE,
        lambda case, by, form, scene, _: desk_acts.correct_place(
            case, by, typed("place", form.get("place", ""), 480, needed=True), scene
        ),
        "The place is noted.", strict=True, tried=lambda case: {"place": "-"},
    ),
    "answer": Deed(
        "Answer for them", Act.ANSWER_FOR, _answer, "The answer is noted under your name.",
        tried=lambda case: {"question": CONTACT, "choice": ContactAnswer.UNSAFE},
    ),
    "contact": Deed(
        "How to reach them", Act.ANSWER_FOR,
        lambda case, by, form, scene, conn: _answer(
            case, by, {**form, "question": CONTACT}, scene, conn
        ),
        "It is noted under your name how they may be reached.", strict=True,
        tried=lambda case: {"choice": ContactAnswer.UNSAFE},
    ),
    "minor": Deed(
        "I have looked", Act.CONFIRM_MINOR, _reasoned(holding.looked),
        "It is noted that you have looked.",
        moot=lambda case: "" if case.needs_look else "There is nothing to confirm.",
    ),
    "reviewed": Deed(
        "I have read it", Act.TAKE, _reasoned(holding.read_by),
        "It is noted that you have read it.",
        moot=lambda case: "" if case.review else "Nothing waits to be read.",
    ),
    "call_911": Deed(
        "Call 911", Act.CALL_PSAP, _call_911, "It is noted. Now call: the number stands under 911.",
        strict=True, tried=lambda case: {"reason": "trial", "tell": "said"},
    ),
    "psap": Deed(
        "Call them by phone", Act.CALL_PSAP,
        across=lambda case_id, who, form: call_psap(parts(), who, case_id),
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
        "They are told that you will write again.", tells="human.paused",
        untold="Your pause runs. They were not told: only your own words may reach them.",
    ),
    "place_link": Deed(
        "Ask for the place", Act.CONVERSE, _reasoned(holding.place_link),
        "A link to mark the place is on its way.",
    ),
    "take_over": Deed(
        "Take over", Act.TAKE_OVER, _take_over,
        "You have the conversation. They are told your name.", tells="human.took_over",
        untold="You have the conversation. They were not told: write, and they read your name.",
    ),
    "hand_over": Deed(
        "Hand over", Act.TRANSFER, _hand_over, "It is handed over.",
        tried=lambda case: {"to": next(iter(colleagues(case.in_charge)), "")}, own_too=True,
    ),
    "ask_to_take": Deed(
        "Ask somebody to take it", Act.TRANSFER, across=_ask_to_take,
        done="They are asked. Until they take it, it stays yours.",
        moot=lambda case: "" if case.in_charge else "Nobody has it.", own_too=True,
    ),
    "close": Deed(
        "Close", Act.CLOSE, _close, "The case is closed.", strict=True,
        tried=lambda case: {
            "outcome": outcomes(case)[0][0], "report": "made", "reason": "trial", "police": "no"
        },
    ),
    "correct": Deed(
        "Correct it", Act.CORRECT, _correct, "It is corrected. What was recorded before stays.",
        strict=True, tried=lambda case: {"reason": "trial", "police": "unknown"},
    ),
    "words": Deed("Send", Act.CONVERSE, _words, tried=lambda case: {"words": "-"}),
    "same_person": Deed(
        "It is them", Act.CONVERSE, across=_same_person, done="It is noted that it is them.",
        moot=lambda case: "" if case.parked else "Nobody else uses that phone.",
    ),
    "care_note": Deed(
        "Care note", Act.CARE_NOTE, across=_care_note, done="The care note is changed."
    ),
    "slow": Deed(
        "Slow this number", Act.SLOW_NUMBER, across=_slow,
        done="The limit for this number is changed.",
    ),
    "erase": Deed(
        "Erase the words", Act.ERASE_WORDS, _erase, "The words are erased, for good.",
        moot=lambda case: "They are erased." if Mark.ERASED in case.marks else "",
    ),
    "hold": Deed(
        "Legal hold", Act.ERASE_WORDS,
        _reasoned(
            lambda case, by, reason, scene: core_retention.hold(case, by, scene, reason),
            needed=True,
        ),
        "Nothing of it is erased until somebody lifts the hold.",
    ),
    "release": Deed(
        "Lift the legal hold", Act.ERASE_WORDS,
        _reasoned(
            lambda case, by, reason, scene: core_retention.release(case, scene, by, reason),
            needed=True,
        ),
        "The hold is lifted. What is over its time is erased.",
    ),
    "link": Deed("Link", Act.LINK, across=_link, done="Each case names the other."),
}  # fmt: skip


def why_not(
    case: Case, who: StaffSession, full: Collection[str], scene: Scene, own: bool
) -> dict[str, str]:
    """Why each act is not possible now, in words; "" if it is possible. Runs the decision itself
    and discards the result. `full`: who already has as many dangers as one person may. `own`: it is
    about the phone of whoever looks."""
    reasons = {name: _against(deed, case, who, scene) for name, deed in DEEDS.items()}
    if own:
        mine = {name: refusal_words("own") for name, deed in DEEDS.items() if not deed.own_too}
        return reasons | mine
    if one_too_many(case, who.name, full, scene):
        reasons["take"] = reasons["take_over"] = refusal_words("full")
    return reasons


def _against(deed: Deed, case: Case, who: StaffSession, scene: Scene) -> str:
    if not who.may(deed.act):
        return "Your role may not."
    try:
        if deed.decide is not None:
            deed.decide(case, who.name, deed.tried(case), scene, None)
    except Refused as refusal:
        return refusal_words(refusal.code, refusal.name)
    return deed.moot(case)
