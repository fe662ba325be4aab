"""The examples of the OpenAPI document, made by the code that makes every hand-off, so that they
stay up to date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from caller_service.casework.eido import issuer, sound_document
from caller_service.casework.parts import Parts
from caller_service.core.case import Case, Status
from caller_service.core.hand_off import packet
from caller_service.core.marks import Mark
from caller_service.core.protocol import Level

_AT = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
_CASE = "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"


def made(parts: Parts) -> tuple[dict[str, Any], dict[str, Any]]:
    """A request without danger for a team, as `hand_off.v1` and as EIDO."""
    case = Case(
        _CASE,
        "K7M4Q2",
        "",
        parts.program.languages[0],
        status=Status.HANDED_OFF,
        level=Level.R3,
        response="team",
        revision=1,
        answers={"who": "adult", "contact": "text", "want": "team", "if_none": "wait"},
    ).marked(_AT, Mark.OPENED)
    told = packet(case, parts.program)
    return told, sound_document(told, issuer(parts, ""), _AT)
