"""The JSON Schema of `hand_off.v1` (2020-12). Receivers ignore unknown fields; we send none."""

from __future__ import annotations

from typing import Any

from caller_service.core.hand_off import ERASED
from caller_service.core.outcome import Asked, Known
from caller_service.core.said import DANGER_KINDS

from .eido_registry import HUMAN_INCIDENT_TYPES, INCIDENT_TYPES

_TEXT = {"type": "string"}
_MAYBE = {"type": ["string", "null"]}
_YES_NO = {"type": "boolean"}
_CODES = {"type": "array", "items": _TEXT}
_TEST = {
    "type": "boolean",
    "description": "True: a synthetic resident's, made to see that the service works. Nobody is to "
    "be sent. Only ever in the API, with "
    "?test=true; no destination is posted one. Absent means false: packets made before this field "
    "have none.",
}
_MOMENT = {"type": "string", "format": "date-time"}


def _whole(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


_PLACE = {
    "text": _MAYBE,
    "located": {
        "enum": [
            "inside",
            "outside",
            "not_live",
            "near_edge",
            "ambiguous",
            "unknown",
            "skipped",
            "not_asked",
        ]
    },
    "area": _MAYBE,
    "point": {
        "anyOf": [
            {"type": "null"},
            _whole({"longitude": {"type": "number"}, "latitude": {"type": "number"}}),
        ]
    },
}
_CONTACT = {
    "terms": _TEXT,
    "number": _MAYBE,
    "number_condition": {
        "enum": ["called_safe", "emergency_services_only", None],
        "description": "emergency_services_only: contact was never asked. The number is for "
        "emergency services, not for a call back.",
    },
    "standing": {
        "enum": [
            "stopped",
            "watched",
            "violence",
            "unsafe",
            "unwanted",
            "not_asked",
            "argument",
            "yes",
        ]
    },
    "withdrawn": {
        "type": "array",
        "items": {"enum": ["text", "call"]},
        "description": "Taken back by the resident in words.",
    },
    "text": _YES_NO,
    "call": _YES_NO,
    "voicemail": _TEXT,
    "page": {
        "type": "boolean",
        "description": "They have a private page: words to them wait there, whatever else is safe.",
    },
    "deaf_or_asl": _YES_NO,
    "cannot_text": _MAYBE,
    "not_told": {
        "type": "boolean",
        "description": "What changed last, or a text to them, has reached the resident by no way.",
    },
    "only_replies": _YES_NO,
    "watched": _YES_NO,
}
_CONVERSATION = {
    "accepted_by": _MAYBE,
    "holder": {
        "type": ["string", "null"],
        "description": "Whose own words the resident has: the one human voice.",
    },
    "open_questions": {
        "type": "array",
        "items": _TEXT,
        "description": "Not asked yet: the human's list.",
    },
    "answered_for": {
        "type": "object",
        "additionalProperties": _TEXT,
        "description": "Question: who answered it for the resident.",
    },
    "minor": _YES_NO,
    "minor_reviewed_by": _MAYBE,
    "unread_language": _MAYBE,
    "phone_in_other_hands": _YES_NO,
    "on_the_line": {"type": "boolean", "description": "They are in a call with us now."},
}
_INCIDENT_TYPE = _whole(
    {
        "type": {"enum": [*INCIDENT_TYPES, *HUMAN_INCIDENT_TYPES]},
        "by": {"type": "string", "minLength": 1},
    }
) | {
    "description": "What a named human called it, in a code of NENA's registry. Absent: nobody "
    "did, and software says MNTL or CITASST.",
}
_CALLED_911 = _whole(
    {"by": {"type": "string", "minLength": 1}, "at": _MOMENT, "resident_told": _YES_NO}
) | {
    "description": "A named human called 911 for this place, so police may come. Was the resident "
    "told before, by words sent or by a human? Absent: nobody here called.",
}
_ERASED = {
    "type": "array",
    "items": {"enum": [*ERASED]},
    "description": "What was here and was erased, after its time or because they asked. An answer "
    "that was erased reads not_asked.",
}
_POLICE = _whole(
    {
        "present": {"enum": [one.value for one in Known]},
        "asked_by": {"enum": [*(one.value for one in Asked), None]},
        "resident_told": {"enum": [*(one.value for one in Known), None]},
        "corrected": _YES_NO,
    },
    optional=("corrected",),
) | {
    "description": "Recorded beside the outcome: were police there, who asked for them, and was "
    "the resident told before they came? corrected: a named human changed it after the end. "
    "Absent: nobody recorded it.",
}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "hand_off.v1",
    "description": "What a response team is told of a person who asked for help other than police: "
    "the least it needs. "
    "Receivers ignore fields they do not know: more may come.",
} | _whole(
    {
        "type": {"const": "hand_off.v1"},
        "hand_off_id": {"type": "string", "minLength": 1},
        "revision": {"type": "integer", "minimum": 1},
        "reference": _TEXT,
        "status": {
            "enum": [
                "screening",
                "open",
                "handed_off",
                "accepted",
                "assigned",
                "en_route",
                "arrived",
                "declined",
                "closed",
                "cancelled",
                "unreachable",
            ]
        },
        "level": {"enum": ["R1", "R2", "R3", "R4", "R5", "R6", None]},
        "reasons": _CODES,
        "dangers": {
            "type": "array",
            "items": {"enum": [kind.value for kind in DANGER_KINDS]},
            "description": "Kinds of danger said or answered.",
        },
        "safety": {
            "type": "object",
            "additionalProperties": {
                "enum": ["yes", "no", "unsure", "skipped", "unreadable", "not_asked"]
            },
            "description": "The safety questions and their answers, as codes. not_asked is never a "
            "no.",
        },
        "markers": _CODES,
        "review": _YES_NO,
        "response": {"enum": ["human", "team", "counselor", "information", "call_911", "review"]},
        "contingency": _TEXT,
        "police_requested": {
            "const": False,
            "description": "Software never asks for police. What a human did is in called_911.",
        },
        "team": _MAYBE,
        "interpreter": _YES_NO,
        "place": _whole(_PLACE),
        "who": _TEXT,
        "need": _TEXT,
        "language": _whole(
            {"bcp47": _TEXT, "iso639_3": {"type": "string", "pattern": "^[a-z]{3}$"}}
        ),
        "contact": _whole(_CONTACT),
        "conversation": _whole(_CONVERSATION),
        "notes": {
            "type": "array",
            "items": _whole(
                {"self_reported": {"const": True}, "words": _TEXT, "translated": _YES_NO}
            ),
        },
        "remarks": {"type": "array", "items": _whole({"by": _TEXT, "words": _TEXT})},
        "asked_to_cancel": _YES_NO,
        "unserved": _MAYBE,
        "outcome": _MAYBE,
        "protocol": _whole({"id": _TEXT, "version": _TEXT, "hash": _TEXT}),
        "times": {"type": "object", "additionalProperties": _MOMENT},
        "related": _CODES,
        "linked": _CODES,
        "test": _TEST,
        "incident_type": _INCIDENT_TYPE,
        "called_911": _CALLED_911,
        "police": _POLICE,
        "erased": _ERASED,
        "unopened": {
            "type": "array",
            "items": {"enum": ["code_word", "narrative", "number", "place", "state"]},
            "description": "What could not be opened here, and is missing from this packet. The "
            "request goes on: a human looks at it. Absent: everything opened.",
        },
    },
    optional=(
        "test",
        "incident_type",
        "linked",
        "dangers",
        "safety",
        "conversation",
        "unopened",
        "called_911",
        "police",
        "erased",
    ),
)
