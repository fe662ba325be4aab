"""/api/v1/hand-offs/…/calls and …/callbacks: who spoke with the resident, from when to when, and
the calls they were promised (docs/dispatch-api.md)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Response, abort, jsonify
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from caller_service.casework import callbacks
from caller_service.casework.phone_record import phone_record
from caller_service.core.access import CONVERSE, READ
from caller_service.core.callback import SOON, CallbackOutcome, book
from caller_service.core.case import Case, Step
from caller_service.core.dispatch import at_time
from caller_service.core.effect import Record
from caller_service.core.journal_events import Event
from caller_service.core.refusal import Refused
from caller_service.core.routing import Scene
from caller_service.store import callbacks as kept
from caller_service.web.shared.guard import parts
from caller_service.web.shared.staff_words import StaffWords, Whole
from caller_service.web.shared.token_guard import bearer, bearer_only, needs

from .api import BY, acted
from .once import readable_key_only
from .query import known_query_only


class Booking(Schema):
    """A call that the resident is promised: when, and whom to ask for. Their phone is called only
    if they said that calling is safe."""

    by = BY
    in_minutes = Whole(
        validate=validate.Range(1, 48 * 60),
        metadata={"description": "The first attempt, in so many minutes."},
    )
    at = fields.Str(
        validate=validate.Regexp(r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$(?!\n)"),
        metadata={"description": "The first attempt at this local time, HH:MM."},
    )
    window_minutes = Whole(
        load_default=60,
        validate=validate.Range(5, 12 * 60),
        metadata={"description": "No attempt begins later than this after the first was due."},
    )
    ask_for = StaffWords(80, line=True, load_default="")
    person = StaffWords(80, line=True, load_default="")

    @validates_schema
    def whole(self, body: dict[str, Any], **_: object) -> None:
        if "in_minutes" in body and "at" in body:
            raise ValidationError("Give in_minutes or at, not both.", "at")


class Cancelled(Schema):
    """Cancels a promised call."""

    by = BY


class Outcome(Schema):
    """The outcome, as reported by the human who called. `wrong_person` leads to another attempt."""

    by = BY
    outcome = fields.Str(
        required=True, validate=validate.OneOf([outcome.value for outcome in CallbackOutcome])
    )


phone = Blueprint(
    "phone",
    __name__,
    url_prefix="/api/v1/hand-offs",
    description="Calls with the resident, and calls they were promised",
)
phone.before_request(bearer_only)
phone.before_request(readable_key_only)
phone.before_request(known_query_only({}))


@phone.get("/<hand_off_id>/calls")
@needs(READ)
def record(hand_off_id: str) -> Response:
    """Who spoke with the resident, from when to when; whether they are on the line now; and the
    calls they were promised."""
    return _record(hand_off_id)


def _record(hand_off_id: str) -> Response:
    if READ not in bearer().scopes:
        return Response(status=204)
    found = phone_record(parts(), hand_off_id, bearer().name)
    if found is None:
        abort(404, "There is no such hand-off.")
    return jsonify(found)


@phone.post("/<hand_off_id>/callbacks")
@needs(CONVERSE)
@phone.arguments(Booking)
def booking(body: dict[str, Any], hand_off_id: str) -> Response:
    """Promise the resident a call. The human's phone rings first; the resident's after "press
    1"."""

    def decide(case: Case, scene: Scene, _: sa.Connection) -> Step:
        due = scene.now + (timedelta(minutes=body["in_minutes"]) if "in_minutes" in body else SOON)
        if "at" in body:
            hour, minute = (int(part) for part in body["at"].split(":"))
            due = at_time(hour, minute, scene)
        until = due + timedelta(minutes=body["window_minutes"])
        return book(case, body["by"], due, scene, until, body["ask_for"], body["person"])

    return acted(hand_off_id, decide) or _record(hand_off_id)


@phone.post("/<hand_off_id>/callbacks/<callback_id>/cancel")
@needs(CONVERSE)
@phone.arguments(Cancelled)
def cancel(body: dict[str, Any], hand_off_id: str, callback_id: str) -> Response:
    """Cancel the call."""
    _known(hand_off_id, callback_id)

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        known = kept.by_id(conn, parts().sealer, callback_id)
        if known is None or known.state not in kept.LIVE:
            raise Refused("callback_over")
        return Step(case, (Record(Event.CALLBACK_CANCELLED, {"by": body["by"]}),))

    refused = acted(hand_off_id, decide)
    if refused is None:
        callbacks.cancel(parts(), hand_off_id, callback_id)
    return refused or _record(hand_off_id)


@phone.post("/<hand_off_id>/callbacks/<callback_id>/outcome")
@needs(CONVERSE)
@phone.arguments(Outcome)
def outcome(body: dict[str, Any], hand_off_id: str, callback_id: str) -> Response:
    """Report the outcome of the call."""
    known = _known(hand_off_id, callback_id)

    def decide(case: Case, scene: Scene, _: sa.Connection) -> Step:
        detail = {"by": body["by"], "outcome": body["outcome"]}
        return Step(case, (Record(Event.CALLBACK_OUTCOME, detail),))

    refused = acted(hand_off_id, decide)
    if refused is None:
        callbacks.record(parts(), known, CallbackOutcome(body["outcome"]))
    return refused or _record(hand_off_id)


def _known(hand_off_id: str, callback_id: str) -> kept.Callback:
    with parts().engine.connect() as conn:
        known = kept.by_id(conn, parts().sealer, callback_id)
    if known is None or known.case_id != hand_off_id:
        abort(404, "There is no such callback.")
    return known
