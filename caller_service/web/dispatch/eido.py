"""/EIDO: a hand-off in the format of NENA-STA-021, and unit statuses from a unit's own dispatch
system (docs/dispatch-api.md).

For the agency of the alternative team: the same bearer tokens as the API, the same journal, errors
as problem+json.
"""

from __future__ import annotations

from typing import Any

from flask import Response, abort, jsonify
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from caller_service.casework.eido import Unsound
from caller_service.casework.read import read_eido
from caller_service.core.access import ACT, READ
from caller_service.core.dispatch import UNIT_STATUSES, unit_status
from caller_service.documents.incident_type import ALLOWED, set_type
from caller_service.web.shared.guard import parts
from caller_service.web.shared.problem import problem
from caller_service.web.shared.staff_words import Reason
from caller_service.web.shared.token_guard import bearer, bearer_only, needs

from .api import BY, Ending, changed, only_at_the_end, police_of
from .once import readable_key_only
from .openapi import ENDING
from .query import known_query_only


class UnitStatus(Ending):
    """A secondary unit status of NENA's registry. `outcome` and the police fields go with Cleared,
    `reason` with AssignmentCancelled."""

    status = fields.Str(required=True, validate=validate.OneOf(UNIT_STATUSES))
    by = BY
    reason = Reason(load_default="")

    @validates_schema
    def whole(self, body: dict[str, Any], **_: object) -> None:
        only_at_the_end(body, "Cleared", ENDING)
        if body.get("status") == "AssignmentCancelled" and not body.get("reason"):
            raise ValidationError("A cancelled assignment needs a reason.", "reason")


class IncidentType(Schema):
    """The incident type, set by a named human. All but MNTL and CITASST may make a dispatch system
    recommend police by itself."""

    type = fields.Str(required=True, validate=validate.OneOf(ALLOWED))
    by = BY
    reason = Reason(required=True, metadata={"description": "Why; told to dispatch."})


eido = Blueprint(
    "eido",
    __name__,
    url_prefix="/EIDO",
    description="Hand-offs as EIDO (NENA-STA-021), and unit statuses back",
)
eido.before_request(bearer_only)
eido.before_request(readable_key_only)
eido.before_request(known_query_only({}))


@eido.get("/<hand_off_id>")
@needs(READ)
def document(hand_off_id: str) -> Response:
    """The current state of one hand-off; schema at /api/v1/eido.v1.schema.json."""
    return _document(hand_off_id)


def _document(hand_off_id: str) -> Response:
    """The document if the token may read it; an empty response otherwise."""
    if READ not in bearer().scopes:
        return Response(status=204)
    try:
        found = read_eido(parts(), hand_off_id, bearer())
    except Unsound as fault:
        words = "The document would not be sound. The hand-off stands in the API."
        return problem(
            503, "Service unavailable", words, code="eido_faults", errors=list(fault.faults)
        )
    if found is None:
        abort(404, "There is no such hand-off.")
    return jsonify(found)


@eido.post("/<hand_off_id>/unit-status")
@needs(ACT)
@eido.arguments(UnitStatus)
def status(body: dict[str, Any], hand_off_id: str) -> Response:
    """Update the unit's status; the resident is told by the channel they called safe. Returns the
    updated document."""
    refused = changed(
        hand_off_id,
        lambda case, scene: unit_status(
            case,
            body["status"],
            body["by"],
            body["outcome"],
            scene,
            body["reason"],
            police_of(body),
        ),
    )
    return refused or _document(hand_off_id)


@eido.post("/<hand_off_id>/incident-type")
@needs(ACT)
@eido.arguments(IncidentType)
def incident_type(body: dict[str, Any], hand_off_id: str) -> Response:
    """A named human changes the incident type, or resets it; every destination is told. Returns the
    updated document."""
    refused = changed(
        hand_off_id, lambda case, _: set_type(case, body["type"], body["by"], body["reason"])
    )
    return refused or _document(hand_off_id)
