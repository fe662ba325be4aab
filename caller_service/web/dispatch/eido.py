"""/EIDO: a hand-off as NENA-STA-021 writes it, and what a unit's own dispatch system says back
(docs/dispatch-api.md).

For the alternative team's own agency: the same bearer tokens as the API, the same journal, errors
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
from caller_service.web.shared.staff_words import StaffWords
from caller_service.web.shared.token_guard import bearer, bearer_only, needs

from .api import BY, Ending, changed, police_of
from .once import readable_key_only


class UnitStatus(Ending):
    """A secondary unit status of NENA's registry. `outcome` and police belong to Cleared,
    `reason` to AssignmentCancelled."""

    status = fields.Str(required=True, validate=validate.OneOf(UNIT_STATUSES))
    by = BY
    reason = StaffWords(300, load_default="")

    @validates_schema
    def whole(self, told: dict[str, Any], **_: object) -> None:
        if told.get("status") == "AssignmentCancelled" and not told.get("reason"):
            raise ValidationError("A cancelled assignment needs a reason.", "reason")


class IncidentType(Schema):
    """What a named human calls it. All but MNTL and CITASST can make a dispatch system recommend
    police by itself."""

    type = fields.Str(required=True, validate=validate.OneOf(ALLOWED))
    by = BY
    reason = StaffWords(300, required=True, metadata={"description": "Why; told to dispatch."})


eido = Blueprint(
    "eido",
    __name__,
    url_prefix="/EIDO",
    description="Hand-offs as EIDO (NENA-STA-021), and unit statuses back",
)
eido.before_request(bearer_only)
eido.before_request(readable_key_only)


@eido.get("/<hand_off_id>")
@needs(READ)
def document(hand_off_id: str) -> Response:
    """One hand-off as it stands; schema at /api/v1/eido.v1.schema.json."""
    return _document(hand_off_id)


def _document(hand_off_id: str) -> Response:
    """The document, for a token that may read it; for another, nothing."""
    if READ not in bearer().scopes:
        return Response(status=204)
    try:
        told = read_eido(parts(), hand_off_id, bearer())
    except Unsound as fault:
        words = "The document would not be sound. The hand-off stands in the API."
        return problem(
            503, "Service unavailable", words, code="eido_faults", errors=list(fault.faults)
        )
    if told is None:
        abort(404, "There is no such hand-off.")
    return jsonify(told)


@eido.post("/<hand_off_id>/unit-status")
@needs(ACT)
@eido.arguments(UnitStatus)
def status(told: dict[str, Any], hand_off_id: str) -> Response:
    """The unit moves; the resident hears it by the channel they called safe. Answers with the
    document as it then stands."""
    refused = changed(
        hand_off_id,
        lambda case, scene: unit_status(
            case,
            told["status"],
            told["by"],
            told["outcome"],
            scene,
            told["reason"],
            police_of(told),
        ),
    )
    return refused or _document(hand_off_id)


@eido.post("/<hand_off_id>/incident-type")
@needs(ACT)
@eido.arguments(IncidentType)
def incident_type(told: dict[str, Any], hand_off_id: str) -> Response:
    """A named human changes the incident type, or sets it back; every destination hears it. Answers
    with the document."""
    refused = changed(
        hand_off_id, lambda case, _: set_type(case, told["type"], told["by"], told["reason"])
    )
    return refused or _document(hand_off_id)
