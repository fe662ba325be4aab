"""/api/v1: what a destination does with a hand-off: list, get, acknowledge, status, note (contract.md "Doors").

Bearer tokens; OpenAPI 3.1 at /api/v1/openapi.json; every error is problem+json. Every read of a case is journaled.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Response, abort, g, jsonify
from flask_smorest import Api, Blueprint
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from caller_service.casework.change import Decide, change
from caller_service.casework.read import conversation, list_hand_offs, read_hand_off
from caller_service.core import eido_schema
from caller_service.core.case import OUTCOMES, Case, Status, Step
from caller_service.core.dispatch import Refused, accept, ask_resident, at_time, decline, note, update
from caller_service.core.routing import Scene
from caller_service.front.guard import bearer_only, guarded, open_to_all, parts
from caller_service.front.problem import problem

from .hand_off_schema import SCHEMA

BY = fields.Str(required=True, validate=validate.Length(1, 80), metadata={"description": "Who does it, by name."})
MOVES = [status.value for status in (Status.ASSIGNED, Status.EN_ROUTE, Status.ARRIVED, Status.UNREACHABLE, Status.CLOSED)]


class Listing(Schema):
    """What to list."""

    after = fields.Str(load_default="", metadata={"description": "The last hand_off_id of the page before."})
    limit = fields.Int(load_default=50, validate=validate.Range(1, 200))
    open = fields.Bool(load_default=True, metadata={"description": "Only cases that have not ended."})
    test = fields.Bool(load_default=False, metadata={"description": "Only test cases, of the synthetic resident. Default: none of them."})


class Acknowledgement(Schema):
    """Accept, accept with a time, decline with a reason, or ask the resident something and wait. A receipt is not an
    acknowledgement."""

    answer = fields.Str(required=True, validate=validate.OneOf(["accept", "decline", "ask"]))
    by = BY
    in_minutes = fields.Int(validate=validate.Range(1, 24 * 60), metadata={"description": "Accept: there in so many minutes."})
    at = fields.Str(
        validate=validate.Regexp(r"^([01]?\d|2[0-3]):[0-5]\d$"), metadata={"description": "Accept: there at this local time, HH:MM."}
    )
    reason = fields.Str(validate=validate.Length(1, 300), metadata={"description": "Decline: why."})
    words = fields.Str(
        validate=validate.Length(1, 480), metadata={"description": "Ask: the question, as the resident reads it. Nobody has the case yet."}
    )

    @validates_schema
    def whole(self, told: dict[str, Any], **_: object) -> None:
        if told.get("answer") == "decline" and not told.get("reason"):
            raise ValidationError("A decline needs a reason.", "reason")
        if told.get("answer") == "ask" and not told.get("words"):
            raise ValidationError("A question needs words.", "words")
        if "in_minutes" in told and "at" in told:
            raise ValidationError("Give in_minutes or at, not both.", "at")


class StatusUpdate(Schema):
    """Where the team is. `outcome` belongs to closed."""

    status = fields.Str(required=True, validate=validate.OneOf(MOVES))
    by = BY
    outcome = fields.Str(load_default="", validate=validate.OneOf(["", *sorted(OUTCOMES)]))
    reason = fields.Str(load_default="", validate=validate.Length(0, 300))


class Note(Schema):
    """Words to the resident, as they are; sent only where texting was called safe."""

    by = BY
    words = fields.Str(required=True, validate=validate.Length(1, 480))


hand_offs = Blueprint("hand_offs", __name__, url_prefix="/api/v1/hand-offs", description="Hand-offs and what dispatch says of them")
hand_offs.before_request(bearer_only)
schemas = guarded("schemas", open_to_all, "/api/v1")


@schemas.get("/hand_off.v1.schema.json")
def hand_off_schema() -> Response:
    return jsonify(SCHEMA)


@schemas.get("/eido.v1.schema.json")
def eido_v1_schema() -> Response:
    return jsonify(eido_schema.SCHEMA)


@hand_offs.get("")
@hand_offs.arguments(Listing, location="query")
def listing(asked: dict[str, Any]) -> Response:
    """The hand-offs, oldest first, each as its current packet."""
    packets = list_hand_offs(parts(), g.token_name, asked["limit"], asked["after"], asked["open"], asked["test"])
    return jsonify(hand_offs=packets, next=packets[-1]["hand_off_id"] if len(packets) == asked["limit"] else None)


@hand_offs.get("/<hand_off_id>")
def one(hand_off_id: str) -> Response:
    """One hand-off as it stands."""
    return _packet(hand_off_id)


def _packet(hand_off_id: str) -> Response:
    packet = read_hand_off(parts(), hand_off_id, g.token_name)
    if packet is None:
        abort(404, "There is no such hand-off.")
    return jsonify(packet)


@hand_offs.get("/<hand_off_id>/messages")
def messages(hand_off_id: str) -> Response:
    """The conversation with the resident, for the human who joins it."""
    told = conversation(parts(), hand_off_id, g.token_name)
    if told is None:
        abort(404, "There is no such hand-off.")
    return jsonify(messages=told)


@hand_offs.post("/<hand_off_id>/acknowledgement")
@hand_offs.arguments(Acknowledgement)
def acknowledge(told: dict[str, Any], hand_off_id: str) -> Response:
    """Accept (perhaps with a time, which the resident hears as a range), decline, or ask the resident first."""

    def decide(case: Case, scene: Scene) -> Step:
        if told["answer"] == "decline":
            return decline(case, told["by"], told["reason"], scene)
        if told["answer"] == "ask":
            return ask_resident(case, told["by"], told["words"], scene)
        return accept(case, told["by"], _promised(told, scene), scene)

    return _changed(hand_off_id, decide)


def _promised(told: dict[str, Any], scene: Scene) -> datetime | None:
    if "in_minutes" in told:
        return scene.now + timedelta(minutes=told["in_minutes"])
    if "at" not in told:
        return None
    hour, minute = (int(part) for part in told["at"].split(":"))
    return at_time(hour, minute, scene)


@hand_offs.post("/<hand_off_id>/status")
@hand_offs.arguments(StatusUpdate)
def status(told: dict[str, Any], hand_off_id: str) -> Response:
    """The team moves; the resident hears it by the channel they called safe."""
    return _changed(
        hand_off_id, lambda case, scene: update(case, Status(told["status"]), told["by"], told["outcome"], scene, told["reason"])
    )


@hand_offs.post("/<hand_off_id>/notes")
@hand_offs.arguments(Note)
def notes(told: dict[str, Any], hand_off_id: str) -> Response:
    """Write to the resident."""
    return _changed(hand_off_id, lambda case, scene: note(case, told["by"], told["words"], scene))


REFUSALS = {
    "ended": "The case has ended.",
    "too_far": "That time has passed, or is more than twelve hours away.",
    "taken": "Somebody else has it.",
    "cannot_move": "That does not follow from where the case stands.",
    "outcome_needed": "Closing needs an outcome; after danger one that says how the person is.",
    "may_not_text": "The resident may not be texted.",
}


def _changed(hand_off_id: str, decide: Decide) -> Response:
    return changed(hand_off_id, decide) or _packet(hand_off_id)


def changed(hand_off_id: str, decide: Decide) -> Response | None:
    """Change the case; None when that is done, or the refusal. 404 for what was never handed off."""
    if read_hand_off(parts(), hand_off_id) is None:
        abort(404, "There is no such hand-off.")
    try:
        change(parts(), hand_off_id, decide, g.token_name)
    except Refused as refusal:
        held = {"held_by": refusal.name} if refusal.name else {}
        return problem(409, "Conflict", REFUSALS[refusal.code], code=refusal.code, **held)
    return None


class QuietApi(Api):
    """flask-smorest would take over every error of the app, pages and TwiML too; front/problem.py keeps that."""

    def _register_error_handlers(self, *args: Any, **kwargs: Any) -> None:
        return None


def hang_api(app: Flask, *more: Blueprint) -> None:
    app.config.update(
        API_TITLE="Caller Choice",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
            "security": [{"bearer": []}],
            "info": {"description": "Hand-offs of people who asked for help other than police."},
        },
    )
    api = QuietApi(app)
    for blueprint in (hand_offs, *more):
        api.register_blueprint(blueprint)
    app.register_blueprint(schemas)
    app.before_request_funcs.setdefault("api-docs", []).append(open_to_all)
