"""Builds the hand-off packet `hand_off.v1`, the least a team needs, and decides when to send it
again.

It never contains the transcript, immigration status, a diagnosis, a legal name, or a phone number
that the resident called unsafe. In danger with contact not asked, the number is included for
emergency services only (rule 9).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .case import Case, Step, replace
from .disposition import markers
from .effect import Effect, HandOff
from .marks import Mark
from .program import Program
from .questions import open_questions
from .reach import CannotText, ContactAnswer
from .safe_contact import CALL_ALLOWED, TERMS, TEXT_ALLOWED, calls_wanted, standing
from .said import Said

TYPE = "hand_off.v1"
REMARKS = 10  # the latest remarks included


def packet(case: Case, program: Program, number: str | None = None) -> dict[str, Any]:
    """The packet a destination receives for the case as it is. `number` is left out unless contact
    was called safe, or was not asked in danger: then its condition says so. "" is a number that
    cannot be decrypted."""
    number = None if case.cannot_text == CannotText.WITHHELD else number
    return (
        {
            "type": TYPE,
            "hand_off_id": case.id,
            "revision": case.revision,
            "reference": case.reference,
            "status": case.status.value,
            "level": case.level.name if case.level is not None else None,
            "reasons": [reason for reason in case.because if reason not in case.set_aside],
            "dangers": list(case.dangers),
            "safety": {
                question.id: case.answers.get(question.id, "not_asked")
                for question in program.protocol.questions
                if question.safety and not question.follow_up
            },
            "markers": list(markers(program.protocol, case)),
            "review": case.review,
            "response": case.response or "review",
            "contingency": case.answers.get("if_none", "not_asked"),
            "police_requested": False,
            "team": case.team or None,
            "interpreter": case.interpreter,
            "place": _place(case),
            "who": case.answers.get("who", "not_asked"),
            "need": case.answers.get("need", "not_asked"),
            "language": {
                "bcp47": case.language,
                "iso639_3": program.iso639_3.get(case.language, "und"),
            },
            "contact": _contact(case, number),
            "conversation": _conversation(case, program),
            "notes": [
                {"self_reported": True, "words": words, "translated": False}
                for words in case.narrative
            ],
            "remarks": [{"by": by, "words": words} for by, words in case.remarks[-REMARKS:]],
            "asked_to_cancel": Said.ASKED_TO_CANCEL in case.said,
            "unserved": case.unserved or None,
            "outcome": case.outcome or None,
            "protocol": {
                "id": program.protocol.id,
                "version": program.protocol.version,
                "hash": program.protocol.hash,
            },
            "times": {
                name: case.marks[name].isoformat()
                for name in (Mark.OPENED, Mark.HEARD, Mark.PAGED, Mark.ACCEPTED, Mark.PROMISED)
                if name in case.marks
            },
            "related": [case.related] if case.related else [],
            "test": case.test,
        }
        | (
            {"incident_type": {"type": case.incident_type, "by": case.typed_by}}
            if case.incident_type
            else {}
        )
        | ({"linked": list(case.linked)} if case.linked else {})
        | ({"called_911": _called_911(case)} if case.called_911 else {})
        | ({"police": _police(case)} if case.police else {})
        | ({"unopened": closed} if (closed := _unopened(case, number)) else {})
        | ({"erased": gone} if (gone := _erased(case)) else {})
    )


def _place(case: Case) -> dict[str, Any]:
    point = {"longitude": case.point[0], "latitude": case.point[1]} if case.point else None
    return {
        "text": place_text(case) or None,
        "located": case.located or "not_asked",
        "area": case.area or None,
        "point": point,
    }


def _contact(case: Case, number: str | None) -> dict[str, Any]:
    """How the resident may be reached, and what was never asked."""
    terms = case.answers.get("contact", "not_asked")
    condition = number_condition(case)
    texts = TERMS[standing(case)].human and terms in TEXT_ALLOWED and "text" not in case.withdrawn
    calls = calls_wanted(case)
    return {
        "terms": terms,
        "number": number if condition and number else None,
        "number_condition": condition,
        "standing": standing(case).value,
        "withdrawn": sorted(case.withdrawn),
        "text": texts and not case.cannot_text,
        "call": calls,
        "voicemail": case.answers.get("voicemail", "not_asked"),
        "page": case.on_web,
        "deaf_or_asl": terms == ContactAnswer.TEXT_DEAF or case.deaf,
        "cannot_text": case.cannot_text or None,
        "not_told": case.not_told,
        "only_replies": not (texts or calls or case.on_web),
        "watched": case.watched,
    }


def _conversation(case: Case, program: Program) -> dict[str, Any]:
    """Who has the case, who leads the conversation, and what they have to know."""
    asks = (case.in_danger or case.held) and Mark.ANSWERS_ERASED not in case.marks
    return {
        "accepted_by": case.accepted_by or None,
        "holder": case.holder or None,
        "open_questions": list(open_questions(program.protocol, case)) if asks else [],
        "answered_for": dict(case.answered_for),
        "minor": case.minor,
        "minor_reviewed_by": case.minor_reviewed or None,
        "unread_language": case.unread_language or None,
        "phone_in_other_hands": case.parked,
        "on_the_line": case.on_line,
    }


def _called_911(case: Case) -> dict[str, Any]:
    """Who called 911 for this place and when, and whether the resident knew before."""
    at = case.marks[Mark.CALLED_911].isoformat()
    return {"by": case.called_911, "at": at, "resident_told": case.told_911 != "not"}


# what was erased -> since when
ERASED = {
    "words": Mark.ERASED, "number": Mark.NUMBER_ERASED, "answers": Mark.ANSWERS_ERASED,
}  # fmt: skip


def _erased(case: Case) -> list[str]:
    """What is missing because its time was over, or they asked: it is not "not asked"."""
    return [what for what, mark in ERASED.items() if mark in case.marks]


def _police(case: Case) -> dict[str, str | bool | None]:
    """What was recorded of police beside the outcome."""
    return {
        "present": case.police,
        "asked_by": case.police_asked_by or None,
        "resident_told": case.police_told or None,
        "corrected": bool(case.police_before),
    }


def without_words(packet: dict[str, Any]) -> dict[str, Any]:
    """A packet whose words were erased: codes, times and names of staff are left."""
    place = {**packet["place"], "text": None, "point": None}
    remarks = [{"by": each["by"], "words": ""} for each in packet["remarks"]]
    left = {"place": place, "notes": [], "remarks": remarks, "erased": ["words"]}
    return {**packet, **left}


def without_number(packet: dict[str, Any]) -> dict[str, Any]:
    """A packet whose number was erased."""
    contact = {**packet["contact"], "number": None}
    return {**packet, "contact": contact, "erased": ["words", "number"]}


def _unopened(case: Case, number: str | None) -> list[str]:
    """Fields left out because they cannot be decrypted; a human must review them."""
    return sorted(case.unopened) + (["number"] if number == "" else [])


def place_text(case: Case) -> str:
    """The place in words, with what was only keyed or not confirmed on the phone, marked."""
    keyed = f"house number keyed: {case.house_number}" if case.house_number else ""
    said = f"said by phone, not confirmed: {case.place_said}" if case.place_said else ""
    return "; ".join(part for part in (case.place, keyed, said) if part)


def number_condition(case: Case) -> str | None:
    """Why a human may have the number: "called_safe"; "emergency_services_only" in danger where
    contact was not asked; None: it is left out."""
    contact = case.answers.get("contact")
    if contact in (ContactAnswer.UNSAFE, ContactAnswer.UNWANTED, ContactAnswer.PAGE):
        return None
    if contact in TEXT_ALLOWED | CALL_ALLOWED:
        return None if case.watched or {"text", "call"} <= case.withdrawn else "called_safe"
    return "emergency_services_only" if case.in_danger else None


def digest(case: Case) -> str:
    """A fingerprint of the packet's content, without times and the revision number."""
    conversation = [
        case.holder, sorted(case.withdrawn), sorted(case.answered_for.items()),
        case.minor_reviewed, case.unread_language, case.parked,
        *(["on the line"] if case.on_line else []),
    ]  # fmt: skip
    content = [
        case.status.value, case.level.name if case.level else "", case.because,
        sorted(case.set_aside), case.review, case.response, case.team, place_text(case),
        case.located, case.area, case.point, sorted(case.answers.items()),
        case.language, case.cannot_text, sorted(case.said), case.narrative,
        case.unserved, case.outcome,
        *(["test"] if case.test else []), *(["deaf"] if case.deaf else []),
        *(["untold"] if case.not_told else []),
        *([case.incident_type, case.typed_by] if case.incident_type else []),
        *([case.linked] if case.linked else []),
        *([case.called_911, case.told_911] if case.called_911 else []),
        *([case.police, case.police_asked_by, case.police_told] if case.police else []),
        *(conversation if any(conversation) else []),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def revised_once(before: Case, step: Step) -> Step:
    """A decision that was made of several (core/phone_call.py): one revision, of the case as it is
    in the end."""
    revisions = [effect for effect in step.effects if isinstance(effect, HandOff)]
    if not revisions:
        return step
    others = tuple(effect for effect in step.effects if not isinstance(effect, HandOff))
    case = replace(step.case, revision=before.revision + 1, sent=digest(step.case))
    return Step(case, (*others, revisions[0]))


def revise(case: Case, effects: tuple[Effect, ...]) -> tuple[Case, tuple[Effect, ...]]:
    """Make at most one revision per decision: if one is asked for, or if the last one is no longer
    true."""
    wanted = [effect for effect in effects if isinstance(effect, HandOff)]
    if not wanted and not (case.revision and digest(case) != case.sent):
        return case, effects
    others = tuple(effect for effect in effects if not isinstance(effect, HandOff))
    return replace(case, revision=case.revision + 1, sent=digest(case)), (
        *others,
        wanted[0] if wanted else HandOff("changed"),
    )
