"""/api/v1: what a destination does with a hand-off: list, get, acknowledge, status, note; and what
a named human does in a conversation: take over, hand over, pause, answer for the resident, lower,
lift, look (docs/dispatch-api.md).

Bearer tokens; OpenAPI 3.1 at /api/v1/openapi.json; every error is problem+json. Every read of a
case is journaled.
"""

from __future__ import annotations

from collections.abc import Callable
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
from caller_service.web.shared.staff_words import StaffWords, Whole, YesNo
from caller_service.web.shared.token_guard import bearer, bearer_only, lacks, needs

from . import openapi, openapi_examples
from .once import done, readable_key_only

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
    """What to list."""

    after = fields.Str(
        load_default="",
        validate=validate.Length(0, 64),
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
    reason = StaffWords(300, metadata={"description": "Decline: why."})
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
    def whole(self, told: dict[str, Any], **_: object) -> None:
        if told.get("answer") == "decline" and not told.get("reason"):
            raise ValidationError("A decline needs a reason.", "reason")
        if told.get("answer") == "ask" and not told.get("words"):
            raise ValidationError("A question needs words.", "words")
        if "in_minutes" in told and "at" in told:
            raise ValidationError("Give in_minutes or at, not both.", "at")


def _codes(codes: type[StrEnum], words: str) -> fields.Str:
    return fields.Str(
        load_default="",
        validate=validate.OneOf(["", *(one.value for one in codes)]),
        metadata={"description": words},
    )


class Ending(Schema):
    """How a case ended, and what is recorded beside it."""

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
    def of_police(self, told: dict[str, Any], **_: object) -> None:
        all_or_nothing(told)


def all_or_nothing(told: dict[str, Any]) -> None:
    if not police_of(told).whole:
        raise ValidationError(
            "Of police who were there, say who asked for them and whether the resident was "
            "told before; of no others.",
            "police",
        )


def police_of(told: dict[str, Any]) -> Police:
    return Police(
        told.get("police", ""), told.get("police_asked_by", ""), told.get("police_told", "")
    )


class StatusUpdate(Ending):
    """Where the team is. `outcome`, `report` and police belong to closed."""

    status = fields.Str(required=True, validate=validate.OneOf(MOVES))
    by = BY
    reason = StaffWords(300, load_default="")
    report = fields.Str(
        load_default="",
        validate=validate.OneOf(["", "made", "not_required"]),
        metadata={
            "description": "Closing after a child or an old person was said to be hurt: was it "
            "reported? Who and when belong in reason."
        },
    )

    @validates_schema
    def whole(self, told: dict[str, Any], **_: object) -> None:
        if told.get("report") and not told.get("reason"):
            raise ValidationError("A report needs who and when.", "reason")


class Note(Schema):
    """Words to the resident, as they are. In danger the first who writes holds the conversation,
    and software falls silent.

    Sent where texting was called safe, or within ten minutes of a text of theirs. In danger with
    contact not asked one neutral text may be sent later; after violence only with a supervisor's
    reason.
    """

    by = BY
    words = StaffWords(480, required=True)
    take_over = YesNo(
        load_default=False,
        metadata={"description": "Go on in the place of whoever holds the conversation."},
    )
    supervisor_reason = StaffWords(300, load_default="")


REASON = StaffWords(300, load_default="", metadata={"description": "Kept sealed with the case."})
NEEDED_REASON = StaffWords(
    300, required=True, metadata={"description": "Kept sealed with the case."}
)


class Named(Schema):
    """Somebody does it, by name."""

    by = BY
    reason = REASON


class Reasoned(Schema):
    """Somebody does it, by name, and says why."""

    by = BY
    reason = NEEDED_REASON


class HandOver(Schema):
    """Somebody else goes on, by name. They must write by the clock `join`, or the ladder runs."""

    by = BY
    to = StaffWords(
        80,
        line=True,
        required=True,
        metadata={"description": "Who goes on: somebody on a ladder, by name."},
    )
    reason = REASON


class AnswerFor(Schema):
    """An answer given for the resident, from what they told you. It may raise the level at once,
    and never lowers it."""

    by = BY
    question = StaffWords(40, line=True, required=True)
    choice = StaffWords(40, line=True, required=True)
    reason = NEEDED_REASON


class Called911(Schema):
    """A named human called 911 for this place. They were told before, or why they were not: it
    could get someone hurt, or nothing reaches them."""

    by = BY
    reason = NEEDED_REASON
    resident_told = fields.Str(
        required=True,
        validate=validate.OneOf(["before", "not"]),
        metadata={"description": "before: a human told them first. not: say why_not_told."},
    )
    why_not_told = StaffWords(300, load_default="")

    @validates_schema
    def whole(self, told: dict[str, Any], **_: object) -> None:
        if told.get("resident_told") == "not" and not told.get("why_not_told"):
            raise ValidationError("Not to tell them needs a reason of its own.", "why_not_told")


class PoliceCorrection(Schema):
    """What is known of police by now, after the case has ended. What was recorded before stays."""

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
    def of_police(self, told: dict[str, Any], **_: object) -> None:
        all_or_nothing(told)


class CareNote(Schema):
    """Words for people here, in place of the screening, for somebody who writes often. No days:
    taken away."""

    by = BY
    words = StaffWords(480, load_default="")
    days = Whole(load_default=30, validate=validate.Range(0, 30))
    reason = NEEDED_REASON


class Slowed(Schema):
    """A supervisor has this number answered at most every ten minutes, new danger excepted. 0
    hours: as everybody."""

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
    """The hand-offs your destination was told of, oldest first, each as its current packet."""
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
    """One hand-off as it stands."""
    return _packet(hand_off_id)


def _packet(hand_off_id: str) -> Response:
    """The hand-off, for a token that may read it; for another, nothing."""
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
    told = conversation(parts(), hand_off_id, bearer().name)
    if told is None:
        abort(404, "There is no such hand-off.")
    return jsonify(messages=told)


@hand_offs.post("/<hand_off_id>/acknowledgement")
@needs(ACT)
@hand_offs.arguments(Acknowledgement)
def acknowledge(told: dict[str, Any], hand_off_id: str) -> Response:
    """Accept (perhaps with a time, which the resident hears as a range), decline, or ask the
    resident first. To `ask`, and to accept with `minor_reviewed`, needs the scope `converse`
    too."""

    by = told["by"]
    if (told["answer"] == "ask" or told["minor_reviewed"]) and (refusal := lacks(CONVERSE)):
        return refusal
    if told["answer"] == "accept" and (own := _own(hand_off_id, by)) is not None:
        return own

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        if told["answer"] == "decline":
            return decline(case, by, told["reason"], scene)
        full = full_beside(conn, case)
        if told["answer"] == "ask":
            return ask_resident(case, by, told["words"], scene, full)
        return accept(case, by, _promised(told, scene), scene, told["minor_reviewed"], full)

    return _acted(hand_off_id, decide)


def _promised(told: dict[str, Any], scene: Scene) -> datetime | None:
    if "in_minutes" in told:
        return scene.now + timedelta(minutes=told["in_minutes"])
    if "at" not in told:
        return None
    hour, minute = (int(part) for part in told["at"].split(":"))
    return at_time(hour, minute, scene)


@hand_offs.post("/<hand_off_id>/status")
@needs(ACT)
@hand_offs.arguments(StatusUpdate)
def status(told: dict[str, Any], hand_off_id: str) -> Response:
    """The team moves; the resident hears it by the channel they called safe."""
    return _changed(
        hand_off_id,
        lambda case, scene: update(
            case,
            Status(told["status"]),
            told["by"],
            told["outcome"],
            scene,
            told["reason"],
            told["report"],
            police_of(told),
        ),
    )


@hand_offs.post("/<hand_off_id>/police")
@needs(ACT)
@hand_offs.arguments(PoliceCorrection)
def police(told: dict[str, Any], hand_off_id: str) -> Response:
    """Correct what was recorded of police, after the case has ended."""
    return _changed(
        hand_off_id,
        lambda case, scene: correct_police(
            case, told["by"], police_of(told), told["reason"], scene
        ),
    )


@hand_offs.post("/<hand_off_id>/notes")
@needs(CONVERSE)
@hand_offs.arguments(Note)
def notes(told: dict[str, Any], hand_off_id: str) -> Response:
    """Write to the resident."""
    by, words, reason = told["by"], told["words"], told["supervisor_reason"]
    return _acted(
        hand_off_id,
        lambda case, scene, conn: holding.note(
            case, by, words, scene, reason, told["take_over"], full_beside(conn, case)
        ),
    )


@hand_offs.post("/<hand_off_id>/take-over")
@needs(CONVERSE)
@hand_offs.arguments(Named)
def take_over(told: dict[str, Any], hand_off_id: str) -> Response:
    """Hold the conversation from now on; the resident hears your name, and software falls
    silent."""
    by = told["by"]
    if (own := _own(hand_off_id, by)) is not None:
        return own
    return _acted(
        hand_off_id,
        lambda case, scene, conn: holding.take_over(
            case, by, told["reason"], scene, full_beside(conn, case)
        ),
    )


@hand_offs.post("/<hand_off_id>/hand-over")
@needs(CONVERSE)
@hand_offs.arguments(HandOver)
def hand_over(told: dict[str, Any], hand_off_id: str) -> Response:
    """Somebody else goes on; the resident hears their name."""
    by, to = told["by"], told["to"]
    if (own := _own(hand_off_id, to)) is not None:
        return own
    return _acted(
        hand_off_id,
        lambda case, scene, conn: holding.hand_over(
            case, by, to, told["reason"], scene, full_beside(conn, case)
        ),
    )


@hand_offs.post("/<hand_off_id>/release")
@needs(CONVERSE)
@hand_offs.arguments(Named)
def release(told: dict[str, Any], hand_off_id: str) -> Response:
    """Give it back: a danger runs down the ladder at once, anything else goes back to software."""
    return _named(hand_off_id, holding.release, told)


@hand_offs.post("/<hand_off_id>/pause")
@needs(CONVERSE)
@hand_offs.arguments(Named)
def pause(told: dict[str, Any], hand_off_id: str) -> Response:
    """One pause of ten minutes, which the resident hears of."""
    return _named(hand_off_id, holding.pause, told)


@hand_offs.post("/<hand_off_id>/place-link")
@needs(CONVERSE)
@hand_offs.arguments(Named)
def place_link(told: dict[str, Any], hand_off_id: str) -> Response:
    """Text the resident a link with which they mark where they are, for 30 minutes."""
    return _named(hand_off_id, holding.place_link, told)


@hand_offs.post("/<hand_off_id>/answers")
@needs(CONVERSE)
@hand_offs.arguments(AnswerFor)
def answers(told: dict[str, Any], hand_off_id: str) -> Response:
    """Answer a question for the resident."""
    return _changed(
        hand_off_id,
        lambda case, scene: holding.answer_for(
            case, told["by"], told["question"], told["choice"], told["reason"], scene
        ),
    )


@hand_offs.post("/<hand_off_id>/lower")
@needs(CONVERSE)
@hand_offs.arguments(Reasoned)
def lower(told: dict[str, Any], hand_off_id: str) -> Response:
    """Lower the level: you answer for every reason there is. Danger said after this raises it
    again."""
    return _named(hand_off_id, holding.lower_level, told)


@hand_offs.post("/<hand_off_id>/lift-watched")
@needs(CONVERSE)
@hand_offs.arguments(Reasoned)
def lift_watched(told: dict[str, Any], hand_off_id: str) -> Response:
    """Nobody watches them any more, and you have made sure of it."""
    return _named(hand_off_id, holding.lift_watched, told)


@hand_offs.post("/<hand_off_id>/same-person")
@needs(CONVERSE)
@hand_offs.arguments(Reasoned)
def same_person(told: dict[str, Any], hand_off_id: str) -> Response:
    """You know that the first person of a shared phone writes again: the case is theirs."""
    make_room(parts(), hand_off_id, bearer().name, told["reason"])
    return _acted(hand_off_id, comes_back(parts(), told["by"], told["reason"]))


@hand_offs.post("/<hand_off_id>/minor-reviewed")
@needs(CONVERSE)
@hand_offs.arguments(Named)
def minor_reviewed(told: dict[str, Any], hand_off_id: str) -> Response:
    """You have looked at this case of somebody under 18."""
    return _named(hand_off_id, holding.looked, told)


@hand_offs.post("/<hand_off_id>/reviewed")
@needs(ACT)
@hand_offs.arguments(Named)
def reviewed(told: dict[str, Any], hand_off_id: str) -> Response:
    """You have read what asked for a human's look."""
    return _named(hand_off_id, holding.read_by, told)


@hand_offs.post("/<hand_off_id>/called-911")
@needs(CONVERSE)
@hand_offs.arguments(Called911)
def called_911(told: dict[str, Any], hand_off_id: str) -> Response:
    """You called 911 for this place: noted with your name, your reason, and whether they knew
    before. Software dials nobody."""
    knew = Told.SAID if told["resident_told"] == "before" else Told.NOT
    return _changed(
        hand_off_id,
        lambda case, scene: call_911(
            case, told["by"], told["reason"], knew, told["why_not_told"], scene
        ),
    )


@hand_offs.post("/<hand_off_id>/care-note")
@needs(CONVERSE)
@hand_offs.arguments(CareNote)
def care_note(told: dict[str, Any], hand_off_id: str) -> Response:
    """Words for people here in place of the screening, for at most 30 days."""
    refused = _unless_refused(
        lambda once: set_care_note(
            parts(),
            hand_off_id,
            bearer().name,
            told["by"],
            told["words"],
            told["days"],
            told["reason"],
            once,
        )
    )
    return refused or _packet(hand_off_id)


@hand_offs.post("/<hand_off_id>/slow")
@needs(CONVERSE)
@hand_offs.arguments(Slowed)
def slow(told: dict[str, Any], hand_off_id: str) -> Response:
    """Have this number answered less often, for at most 12 hours. Only somebody who stands on a
    ladder as supervisor may."""
    name, by = bearer().name, told["by"]

    def do(once: Once | None) -> None:
        must_be_supervisor(parts(), by)
        slow_down(parts(), hand_off_id, name, by, told["hours"], told["reason"], once)

    refused = _unless_refused(do)
    return refused or _packet(hand_off_id)


REFUSALS = {
    **ALIKE,
    "taken": "Somebody else has it.",
    "outcome_needed": "Closing needs an outcome; after danger one that says how the person is.",
    "service_needed": "Somebody passed on is with a named service: say which, as the reason.",
    "police_needed": "Of police who were there, say who asked for them and whether the "
    "resident was told before.",
    "may_not_text": "The resident may not be texted.",
    "held": "Somebody else holds the conversation. Take it over first.",
    "no_such_person": "Nobody of that name stands on a ladder: whoever goes on takes it over by "
    "name.",
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


def _own(hand_off_id: str, name: str) -> Response | None:
    """A refusal, if the case is about the phone of the one who would take it."""
    with parts().engine.connect() as conn:
        case = cases.by_id(conn, parts().sealer, hand_off_id)
    if case is None or not is_theirs(parts(), case, name):
        return None
    return problem(409, "Conflict", REFUSALS["own"], code="own")


def _changed(hand_off_id: str, decide: Decide) -> Response:
    return changed(hand_off_id, decide) or _packet(hand_off_id)


def _named(hand_off_id: str, deed: holding.Deed, told: dict[str, Any]) -> Response:
    """What a human does by name, with a reason."""
    return _changed(hand_off_id, lambda case, scene: deed(case, told["by"], told["reason"], scene))


def changed(hand_off_id: str, decide: Decide) -> Response | None:
    """Change the case; None when that is done, or the refusal."""
    return acted(hand_off_id, lambda case, scene, _: decide(case, scene))


def _acted(hand_off_id: str, decide: Look) -> Response:
    return acted(hand_off_id, decide) or _packet(hand_off_id)


def acted(hand_off_id: str, decide: Look) -> Response | None:
    """As `changed`, for a decision that looks at more than the case."""

    def do(once: Once | None) -> None:
        if once is None:
            update_case(parts(), hand_off_id, decide, bearer().name)
            return

        ours = parts()  # what is written may be written by another thread

        def look(case: Case, scene: Scene, conn: sa.Connection) -> Step:
            once.look(conn, ours)
            return decide(case, scene, conn)

        update_case(ours, hand_off_id, look, bearer().name, lambda conn: once.keep(conn, ours))

    return _unless_refused(do)


def _unless_refused(do: Callable[[Once | None], object]) -> Response | None:
    """Do it, once per Idempotency-Key; None when that is done, or the refusal."""
    try:
        return done(do)
    except Refused as refusal:
        held = {"held_by": refusal.name} if refusal.name else {}
        return problem(409, "Conflict", REFUSALS[refusal.code], code=refusal.code, **held)


class QuietApi(Api):
    """flask-smorest would take over every error of the app, pages and TwiML too;
    web/shared/problem.py keeps that."""

    def _register_error_handlers(self, *args: Any, **kwargs: Any) -> None:
        return None

    def _openapi_json(self) -> Response:
        hand_off, eido = openapi_examples.made(parts())
        told = deepcopy(self.spec.to_dict())  # it gives its own parts out
        return jsonify(openapi.complete(told, REFUSALS, hand_off, eido))


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
