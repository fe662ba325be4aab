"""/api/v1: what a destination can do with a hand-off: list, get, acknowledge, update the status,
write a note; and what a named human can do in a conversation: take over, hand over, pause, answer
for the resident, lower, lift, review (docs/dispatch-api.md).

Bearer tokens; OpenAPI 3.1 at /api/v1/openapi.json; every error is problem+json. Every time a case
is read, that is journaled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, abort, jsonify
from flask_smorest import Api, Blueprint
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from caller_service.casework.change import Decide, Look, full_beside, update_case
from caller_service.casework.contact_care import must_be_supervisor, set_care_note, slow_down
from caller_service.casework.once import Once
from caller_service.casework.read import conversation, list_hand_offs, read_hand_off
from caller_service.casework.same_person import comes_back, make_room
from caller_service.casework.staff import is_theirs
from caller_service.core import holding
from caller_service.core.access import ACT, CONVERSE, READ, SCOPES, TRANSCRIPT
from caller_service.core.call_911 import Told, call_911
from caller_service.core.case import OUTCOMES, Case, Status, Step
from caller_service.core.dispatch import accept, ask_resident, at_time, decline, update
from caller_service.core.outcome import Asked, Known, Police
from caller_service.core.police_record import correct_police
from caller_service.core.refusal import Refused
from caller_service.core.routing import Scene
from caller_service.documents import eido_schema
from caller_service.documents.hand_off_schema import SCHEMA
from caller_service.store import cases
from caller_service.web.shared.guard import guarded, open_to_all, parts
from caller_service.web.shared.problem import problem
from caller_service.web.shared.refusal_words import ALIKE
from caller_service.web.shared.staff_words import Reason, StaffWords, Whole, YesNo
from caller_service.web.shared.token_guard import bearer, bearer_only, lacks, needs

from . import openapi, openapi_examples
from .once import done, readable_key_only
from .openapi import ENDING, ONLY_WITH
from .query import known_query_only

BY = StaffWords(80, line=True, required=True, metadata={"description": "Who does it, by name."})
MOVES = [
    status.value
    for status in (
        Status.ASSIGNED,
        Status.EN_ROUTE,
        Status.ARRIVED,
        Status.UNREACHABLE,
        Status.CLOSED,
    )
]


class Listing(Schema):
    """Which hand-offs to list."""

    after = fields.Str(
        load_default="",
        # another cursor would silently list nothing, or everything again
        validate=validate.Regexp(r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$(?!\n)"),
        metadata={"description": "The last hand_off_id of the page before."},
    )
    limit = fields.Int(load_default=50, validate=validate.Range(1, 200))
    open = fields.Bool(
        truthy={"true"},
        falsy={"false"},
        load_default=True,
        metadata={"description": "Only cases that have not ended."},
    )
    test = fields.Bool(
        truthy={"true"},
        falsy={"false"},
        load_default=False,
        metadata={
            "description": "Only test cases, of the synthetic resident. Default: none of them."
        },
    )


class Acknowledgement(Schema):
    """Accept, accept with a time, decline with a reason, or ask the resident something and wait. A
    receipt is not an acknowledgement."""

    answer = fields.Str(required=True, validate=validate.OneOf(["accept", "decline", "ask"]))
    by = BY
    in_minutes = Whole(
        validate=validate.Range(1, 12 * 60),
        metadata={"description": "Accept: there in so many minutes."},
    )
    at = fields.Str(
        validate=validate.Regexp(r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$(?!\n)"),
        metadata={"description": "Accept: there at this local time, HH:MM."},
    )
    reason = Reason(metadata={"description": "Decline: why."})
    minor_reviewed = YesNo(
        load_default=False,
        metadata={"description": "Accept: you have looked at this case of somebody under 18."},
    )
    words = StaffWords(
        480,
        metadata={
            "description": "Ask: the question, as the resident reads it. Nobody has the case yet."
        },
    )

    @validates_schema
    def whole(self, body: dict[str, Any], **_: object) -> None:
        # "no, but I can in 2 hours" must not be taken as a plain no
        for answer, belongs in ONLY_WITH.items():
            for field in belongs:
                if field in body and body.get("answer") != answer:
                    raise ValidationError(f"Goes with {answer} alone.", field)
        if body.get("answer") == "decline" and not body.get("reason"):
            raise ValidationError("A decline needs a reason.", "reason")
        if body.get("answer") == "ask" and not body.get("words"):
            raise ValidationError("A question needs words.", "words")
        if "in_minutes" in body and "at" in body:
            raise ValidationError("Give in_minutes or at, not both.", "at")


def _codes(codes: type[StrEnum], words: str) -> fields.Str:
    return fields.Str(
        load_default="",
        validate=validate.OneOf(["", *(one.value for one in codes)]),
        metadata={"description": words},
    )


class Ending(Schema):
    """How a case ended, and what is recorded with it."""

    outcome = fields.Str(
        load_default="",
        validate=validate.OneOf(["", *sorted(OUTCOMES)]),
        metadata={
            "description": "Closing needs one. After passed_to_service and referred, reason names "
            "the service."
        },
    )
    police = _codes(Known, "Closing: were police there? Empty: not recorded.")
    police_asked_by = _codes(Asked, "Police were there: who asked for them?")
    police_told = _codes(Known, "Police were there: was the resident told before they came?")

    @validates_schema
    def of_police(self, body: dict[str, Any], **_: object) -> None:
        all_or_nothing(body)


def only_at_the_end(body: dict[str, Any], ends: str, ending: Iterable[str]) -> None:
    """Refuse what belongs to an end beside a status that ends nothing: whoever sent it believes
    that the case is closed."""
    for field in ending:
        if body.get(field) and body.get("status") != ends:
            raise ValidationError(f"Goes with {ends} alone.", field)


def all_or_nothing(body: dict[str, Any]) -> None:
    if not police_of(body).whole:
        raise ValidationError(
            "Of police who were there, say who asked for them and whether the resident was "
            "told before; of no others.",
            "police",
        )


def police_of(body: dict[str, Any]) -> Police:
    return Police(
        body.get("police", ""), body.get("police_asked_by", ""), body.get("police_told", "")
    )


class StatusUpdate(Ending):
    """Where the team is. `outcome`, `report` and the police fields go with `closed`."""

    status = fields.Str(required=True, validate=validate.OneOf(MOVES))
    by = BY
    reason = Reason(load_default="")
    report = fields.Str(
        load_default="",
        validate=validate.OneOf(["", "made", "not_required"]),
        metadata={
            "description": "Closing after a child or an old person was said to be hurt: was it "
            "reported? Who and when belong in reason."
        },
    )

    @validates_schema
    def whole(self, body: dict[str, Any], **_: object) -> None:
        only_at_the_end(body, Status.CLOSED, (*ENDING, "report"))
        if body.get("report") and not body.get("reason"):
            raise ValidationError("A report needs who and when.", "reason")


class Note(Schema):
    """A message to the resident, sent unchanged. In danger the first who writes holds the
    conversation, and software stops writing.

    It is sent if the resident said that texting is safe, or within ten minutes of a text of theirs.
    In danger, if they were not asked about safe contact, one neutral text may be sent later; after
    violence, only with a supervisor's reason.
    """

    by = BY
    words = StaffWords(480, required=True)
    take_over = YesNo(
        load_default=False,
        metadata={"description": "Go on in the place of whoever holds the conversation."},
    )
    supervisor_reason = Reason(load_default="")


REASON = Reason(load_default="", metadata={"description": "Kept sealed with the case."})
NEEDED_REASON = Reason(required=True, metadata={"description": "Kept sealed with the case."})


class Named(Schema):
    """Done by a named human."""

    by = BY
    reason = REASON


class Reasoned(Schema):
    """Done by a named human, with a reason."""

    by = BY
    reason = NEEDED_REASON


class HandOver(Schema):
    """A named human continues. They must write before the clock `join` is due, or the ladder starts
    again."""

    by = BY
    to = StaffWords(
        80,
        line=True,
        required=True,
        metadata={"description": "Who goes on: somebody on a ladder, by name."},
    )
    reason = REASON


class AnswerFor(Schema):
    """An answer recorded for the resident, from what they told you. It may raise the level at once,
    and never lowers it."""

    by = BY
    question = StaffWords(40, line=True, required=True)
    choice = StaffWords(40, line=True, required=True)
    reason = NEEDED_REASON


class Called911(Schema):
    """A named human called 911 for this place. Says whether the resident was told first or, if not,
    why: it could get someone hurt, or nothing reaches them."""

    by = BY
    reason = NEEDED_REASON
    resident_told = fields.Str(
        required=True,
        validate=validate.OneOf(["before", "not"]),
        metadata={"description": "before: a human told them first. not: say why_not_told."},
    )
    why_not_told = Reason(load_default="")

    @validates_schema
    def whole(self, body: dict[str, Any], **_: object) -> None:
        if body.get("resident_told") == "not" and not body.get("why_not_told"):
            raise ValidationError("Not to tell them needs a reason of its own.", "why_not_told")


class PoliceCorrection(Schema):
    """What is now known about police, after the case has ended. What was recorded before is
    kept."""

    by = BY
    reason = NEEDED_REASON
    police = fields.Str(
        required=True,
        validate=validate.OneOf([Known.NO.value, Known.YES.value, Known.UNKNOWN.value]),
        metadata={"description": "Were police there?"},
    )
    police_asked_by = _codes(Asked, "Police were there: who asked for them?")
    police_told = _codes(Known, "Police were there: was the resident told before they came?")

    @validates_schema
    def of_police(self, body: dict[str, Any], **_: object) -> None:
        all_or_nothing(body)


class CareNote(Schema):
    """A care note: words shown to staff in place of the screening, for somebody who writes often. 0
    days removes it."""

    by = BY
    words = StaffWords(480, load_default="")
    days = Whole(load_default=30, validate=validate.Range(0, 30))
    reason = NEEDED_REASON


class Slowed(Schema):
    """A supervisor limits replies to this number to one in ten minutes, except for a new danger. 0
    hours removes the limit."""

    by = BY
    hours = Whole(load_default=12, validate=validate.Range(0, 12))
    reason = NEEDED_REASON


hand_offs = Blueprint(
    "hand_offs",
    __name__,
    url_prefix="/api/v1/hand-offs",
    description="Hand-offs and what dispatch says of them",
)
hand_offs.before_request(bearer_only)
hand_offs.before_request(readable_key_only)
hand_offs.before_request(known_query_only({"hand_offs.listing": list(Listing().fields)}))
schemas = guarded("schemas", open_to_all, "/api/v1")


@schemas.get("/hand_off.v1.schema.json")
def hand_off_schema() -> Response:
    return jsonify(SCHEMA)


@schemas.get("/eido.v1.schema.json")
def eido_v1_schema() -> Response:
    return jsonify(eido_schema.SCHEMA)


@hand_offs.get("")
@needs(READ)
@hand_offs.arguments(Listing, location="query")
def listing(asked: dict[str, Any]) -> Response:
    """The hand-offs that were sent to your destination, oldest first, each as its current
    packet."""
    packets = list_hand_offs(
        parts(), bearer(), asked["limit"], asked["after"], asked["open"], asked["test"]
    )
    return jsonify(
        hand_offs=packets,
        next=packets[-1]["hand_off_id"] if len(packets) == asked["limit"] else None,
    )


@hand_offs.get("/<hand_off_id>")
@needs(READ)
def one(hand_off_id: str) -> Response:
    """The current packet of one hand-off."""
    return _packet(hand_off_id)


def _packet(hand_off_id: str) -> Response:
    """The hand-off if the token may read it; an empty response otherwise."""
    if READ not in bearer().scopes:
        return Response(status=204)
    packet = read_hand_off(parts(), hand_off_id, bearer().name)
    if packet is None:
        abort(404, "There is no such hand-off.")
    return jsonify(packet)


@hand_offs.get("/<hand_off_id>/messages")
@needs(TRANSCRIPT)
def messages(hand_off_id: str) -> Response:
    """The conversation with the resident, for the human who joins it."""
    found = conversation(parts(), hand_off_id, bearer().name)
    if found is None:
        abort(404, "There is no such hand-off.")
    return jsonify(messages=found)


@hand_offs.post("/<hand_off_id>/acknowledgement")
@needs(ACT)
@hand_offs.arguments(Acknowledgement)
def acknowledge(body: dict[str, Any], hand_off_id: str) -> Response:
    """Accept (perhaps with a time, which the resident is told as a range), decline, or ask the
    resident first. `ask`, and accepting with `minor_reviewed`, need the scope `converse`, too."""

    by = body["by"]
    if (body["answer"] == "ask" or body["minor_reviewed"]) and (refusal := lacks(CONVERSE)):
        return refusal
    if body["answer"] != "decline" and (own := _own(hand_off_id, by)) is not None:
        return own

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        if body["answer"] == "decline":
            return decline(case, by, body["reason"], scene)
        full = full_beside(conn, case)
        if body["answer"] == "ask":
            return ask_resident(case, by, body["words"], scene, full)
        return accept(case, by, _promised(body, scene), scene, body["minor_reviewed"], full)

    return _acted(hand_off_id, decide)


def _promised(body: dict[str, Any], scene: Scene) -> datetime | None:
    if "in_minutes" in body:
        return scene.now + timedelta(minutes=body["in_minutes"])
    if "at" not in body:
        return None
    hour, minute = (int(part) for part in body["at"].split(":"))
    return at_time(hour, minute, scene)


@hand_offs.post("/<hand_off_id>/status")
@needs(ACT)
@hand_offs.arguments(StatusUpdate)
def status(body: dict[str, Any], hand_off_id: str) -> Response:
    """Update where the team is; the resident is told by the channel they called safe."""
    return _changed(
        hand_off_id,
        lambda case, scene: update(
            case,
            Status(body["status"]),
            body["by"],
            body["outcome"],
            scene,
            body["reason"],
            body["report"],
            police_of(body),
        ),
    )


@hand_offs.post("/<hand_off_id>/police")
@needs(ACT)
@hand_offs.arguments(PoliceCorrection)
def police(body: dict[str, Any], hand_off_id: str) -> Response:
    """Correct what was recorded about police, after the case has ended."""
    return _changed(
        hand_off_id,
        lambda case, scene: correct_police(
            case, body["by"], police_of(body), body["reason"], scene
        ),
    )


@hand_offs.post("/<hand_off_id>/notes")
@needs(CONVERSE)
@hand_offs.arguments(Note)
def notes(body: dict[str, Any], hand_off_id: str) -> Response:
    """Write to the resident."""
    by, words, reason = body["by"], body["words"], body["supervisor_reason"]
    if (own := _own(hand_off_id, by)) is not None:
        return own
    return _acted(
        hand_off_id,
        lambda case, scene, conn: holding.note(
            case, by, words, scene, reason, body["take_over"], full_beside(conn, case)
        ),
    )


@hand_offs.post("/<hand_off_id>/take-over")
@needs(CONVERSE)
@hand_offs.arguments(Named)
def take_over(body: dict[str, Any], hand_off_id: str) -> Response:
    """Hold the conversation from now on; the resident is told your name, and software stops
    writing."""
    by = body["by"]
    if (own := _own(hand_off_id, by)) is not None:
        return own
    return _acted(
        hand_off_id,
        lambda case, scene, conn: holding.take_over(
            case, by, body["reason"], scene, full_beside(conn, case)
        ),
    )


@hand_offs.post("/<hand_off_id>/hand-over")
@needs(CONVERSE)
@hand_offs.arguments(HandOver)
def hand_over(body: dict[str, Any], hand_off_id: str) -> Response:
    """Somebody else continues; the resident is told their name."""
    by, to = body["by"], body["to"]
    if (own := _own(hand_off_id, to)) is not None:
        return own
    return _acted(
        hand_off_id,
        lambda case, scene, conn: holding.hand_over(
            case, by, to, body["reason"], scene, full_beside(conn, case)
        ),
    )


@hand_offs.post("/<hand_off_id>/release")
@needs(CONVERSE)
@hand_offs.arguments(Named)
def release(body: dict[str, Any], hand_off_id: str) -> Response:
    """Give it back: in danger the ladder starts at once, anything else goes back to software."""
    return _named(hand_off_id, holding.release, body)


@hand_offs.post("/<hand_off_id>/pause")
@needs(CONVERSE)
@hand_offs.arguments(Named)
def pause(body: dict[str, Any], hand_off_id: str) -> Response:
    """One pause of ten minutes; the resident is told."""
    return _named(hand_off_id, holding.pause, body)


@hand_offs.post("/<hand_off_id>/place-link")
@needs(CONVERSE)
@hand_offs.arguments(Named)
def place_link(body: dict[str, Any], hand_off_id: str) -> Response:
    """Text the resident a link with which they mark where they are, for 30 minutes."""
    return _named(hand_off_id, holding.place_link, body)


@hand_offs.post("/<hand_off_id>/answers")
@needs(CONVERSE)
@hand_offs.arguments(AnswerFor)
def answers(body: dict[str, Any], hand_off_id: str) -> Response:
    """Answer a question for the resident."""
    return _own(hand_off_id, body["by"]) or _changed(
        hand_off_id,
        lambda case, scene: holding.answer_for(
            case, body["by"], body["question"], body["choice"], body["reason"], scene
        ),
    )


@hand_offs.post("/<hand_off_id>/lower")
@needs(CONVERSE)
@hand_offs.arguments(Reasoned)
def lower(body: dict[str, Any], hand_off_id: str) -> Response:
    """Lower the level: you take responsibility for every reason it has. A new danger raises it
    again."""
    return _own(hand_off_id, body["by"]) or _named(hand_off_id, holding.lower_level, body)


@hand_offs.post("/<hand_off_id>/lift-watched")
@needs(CONVERSE)
@hand_offs.arguments(Reasoned)
def lift_watched(body: dict[str, Any], hand_off_id: str) -> Response:
    """The resident is no longer being watched, and you have made sure of it."""
    return _own(hand_off_id, body["by"]) or _named(hand_off_id, holding.lift_watched, body)


@hand_offs.post("/<hand_off_id>/same-person")
@needs(CONVERSE)
@hand_offs.arguments(Reasoned)
def same_person(body: dict[str, Any], hand_off_id: str) -> Response:
    """You know that the first person of a shared phone is writing again: the case is theirs."""
    make_room(parts(), hand_off_id, bearer().name, body["reason"])
    return _acted(hand_off_id, comes_back(parts(), body["by"], body["reason"]))


@hand_offs.post("/<hand_off_id>/minor-reviewed")
@needs(CONVERSE)
@hand_offs.arguments(Named)
def minor_reviewed(body: dict[str, Any], hand_off_id: str) -> Response:
    """You have looked at this case of somebody under 18."""
    return _named(hand_off_id, holding.looked, body)


@hand_offs.post("/<hand_off_id>/reviewed")
@needs(ACT)
@hand_offs.arguments(Named)
def reviewed(body: dict[str, Any], hand_off_id: str) -> Response:
    """You have read what asked for a human's look."""
    return _named(hand_off_id, holding.read_by, body)


@hand_offs.post("/<hand_off_id>/called-911")
@needs(CONVERSE)
@hand_offs.arguments(Called911)
def called_911(body: dict[str, Any], hand_off_id: str) -> Response:
    """You called 911 for this place: recorded with your name, your reason, and whether the resident
    knew first. Software dials nobody."""
    knew = Told.SAID if body["resident_told"] == "before" else Told.NOT
    return _changed(
        hand_off_id,
        lambda case, scene: call_911(
            case, body["by"], body["reason"], knew, body["why_not_told"], scene
        ),
    )


@hand_offs.post("/<hand_off_id>/care-note")
@needs(CONVERSE)
@hand_offs.arguments(CareNote)
def care_note(body: dict[str, Any], hand_off_id: str) -> Response:
    """A care note in place of the screening, for at most 30 days."""
    refused = _unless_refused(
        lambda once: set_care_note(
            parts(),
            hand_off_id,
            bearer().name,
            body["by"],
            body["words"],
            body["days"],
            body["reason"],
            once,
        )
    )
    return refused or _packet(hand_off_id)


@hand_offs.post("/<hand_off_id>/slow")
@needs(CONVERSE)
@hand_offs.arguments(Slowed)
def slow(body: dict[str, Any], hand_off_id: str) -> Response:
    """Have this number answered less often, for at most 12 hours. Only somebody who stands on a
    ladder as supervisor may."""
    name, by = bearer().name, body["by"]

    def do(once: Once | None) -> None:
        must_be_supervisor(parts(), by)
        slow_down(parts(), hand_off_id, name, by, body["hours"], body["reason"], once)

    refused = _unless_refused(do)
    return refused or _packet(hand_off_id)


REFUSALS = {
    **ALIKE,
    "taken": "Somebody else has it.",
    "outcome_needed": "Closing needs an outcome; after danger one that says how the person is.",
    "police_needed": "Of police who were there, say who asked for them and whether the "
    "resident was told before.",
    "may_not_text": "The resident may not be texted.",
    "held": "Somebody else holds the conversation. Take it over first.",
    "no_such_person": "Nobody of that name stands on a ladder: whoever goes on takes it over by "
    "name.",
    "off_duty": "They are not on shift, and would not hear of it: choose somebody who is.",
    "full": "They have three dangers already. Who has room takes it; if nobody comes, they may.",
    "full_other": "They hold three conversations in danger already.",
    "report_needed": "A child or an old person was said to be hurt: say whether it was reported, "
    "who did, and when.",
    "own": "It is about their own phone: somebody else must take it.",
    "phone_in_use": "Somebody is in danger on that phone now: speak with whoever has that case.",
    "may_not_call": "The resident has not said that calling is safe, or took it back; or the "
    "program has no number for calls back.",
    "not_a_supervisor": "Only a supervisor of a ladder may.",
}


# what these refusals name is not who has the case
NOT_HELD_BY = frozenset({"off_duty", "full_other", "phone_in_use"})


def _own(hand_off_id: str, name: str) -> Response | None:
    """A refusal, if the case is about the phone of the one who would have it or decide about it."""
    with parts().engine.connect() as conn:
        case = cases.by_id(conn, parts().sealer, hand_off_id)
    if case is None or not is_theirs(parts(), case, name):
        return None
    return problem(409, "Conflict", REFUSALS["own"], code="own")


def _changed(hand_off_id: str, decide: Decide) -> Response:
    return changed(hand_off_id, decide) or _packet(hand_off_id)


def _named(hand_off_id: str, deed: holding.Deed, body: dict[str, Any]) -> Response:
    """An act of a named human, with a reason."""
    return _changed(hand_off_id, lambda case, scene: deed(case, body["by"], body["reason"], scene))


def changed(hand_off_id: str, decide: Decide) -> Response | None:
    """Change the case; returns None if that is done, else the refusal."""
    return acted(hand_off_id, lambda case, scene, _: decide(case, scene))


def _acted(hand_off_id: str, decide: Look) -> Response:
    return acted(hand_off_id, decide) or _packet(hand_off_id)


def acted(hand_off_id: str, decide: Look) -> Response | None:
    """As `changed`, for a decision that reads more than the case."""

    def do(once: Once | None) -> None:
        if once is None:
            update_case(parts(), hand_off_id, decide, bearer().name)
            return

        ours = parts()  # group commit may run the write in another thread

        def look(case: Case, scene: Scene, conn: sa.Connection) -> Step:
            once.look(conn, ours)
            return decide(case, scene, conn)

        update_case(ours, hand_off_id, look, bearer().name, lambda conn: once.keep(conn, ours))

    return _unless_refused(do)


def _unless_refused(do: Callable[[Once | None], object]) -> Response | None:
    """Do it once per Idempotency-Key; returns None if that is done, else the refusal."""
    try:
        return done(do)
    except Refused as refusal:
        theirs = refusal.name and refusal.code not in NOT_HELD_BY
        held = {"held_by": refusal.name} if theirs else {}
        return problem(409, "Conflict", REFUSALS[refusal.code], code=refusal.code, **held)


class QuietApi(Api):
    """flask-smorest would handle every error of the app, also of pages and TwiML; here
    web/shared/problem.py does."""

    def _register_error_handlers(self, *args: Any, **kwargs: Any) -> None:
        return None

    def _openapi_json(self) -> Response:
        hand_off, eido = openapi_examples.made(parts())
        spec = deepcopy(self.spec.to_dict())  # to_dict shares its parts
        return jsonify(openapi.complete(spec, REFUSALS, hand_off, eido))


def register_api(app: Flask, *more: Blueprint) -> None:
    app.config.update(
        API_TITLE="Caller Choice",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "components": {
                "securitySchemes": {
                    "bearer": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": f"A destination's token. Scopes: {', '.join(SCOPES)}; each "
                        "operation names the one it needs.",
                    }
                }
            },
            "security": [{"bearer": []}],
            "info": {"description": "Hand-offs of people who asked for help other than police."},
        },
    )
    api = QuietApi(app)
    for blueprint in (hand_offs, *more):
        api.register_blueprint(blueprint)
    app.register_blueprint(schemas)
    app.before_request_funcs.setdefault("api-docs", []).append(open_to_all)
