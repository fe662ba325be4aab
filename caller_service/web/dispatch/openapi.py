"""Completes the OpenAPI document beyond the requests: success responses with an example, every
refusal as problem+json with its codes, and the rules that span several fields.

The responses are derived from the routes (scope, method, whether there is a hand-off id or a body),
so that no new route is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from caller_service.core.access import EXPIRED, NO_DESTINATION, READ
from caller_service.core.callback import CallbackOutcome
from caller_service.core.outbound import CallbackState
from caller_service.documents import eido_schema
from caller_service.documents.hand_off_schema import SCHEMA
from caller_service.web.shared.problem import CODES
from caller_service.web.shared.token_guard import BROWSER_TOKEN, MISSING, SLOWED, UNKNOWN

from .once import HEADER, REUSED, UNREADABLE

Json = dict[str, Any]

TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 409: "Conflict", 413: "Content Too Large",
    415: "Unsupported Media Type", 422: "Unprocessable Content", 429: "Too Many Requests",
    503: "Service unavailable",
}  # fmt: skip
PROBLEM: Json = {
    "type": "object",
    "description": "RFC 9457.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "For the machine. More may come."},
        "errors": {"description": "What is wrong, by field."},
        "scope": {"type": "string", "description": "403: the scope that is missing."},
        "held_by": {"type": "string", "description": "409: who has it."},
    },
    "required": ["type", "title", "status", "code"],
}
# rules that span several fields, as JSON Schema
_SAID: Json = {"minLength": 1}
# what belongs to an end, and is lost beside a status that ends nothing
ENDING = ("outcome", "police", "police_asked_by", "police_told")
# what belongs to one answer of an acknowledgement, and would be lost with another
ONLY_WITH = {"accept": ("in_minutes", "at"), "decline": ("reason",), "ask": ("words",)}


def _only_with(key: str, value: str, rule: Json) -> Json:
    """What is only allowed beside one value of `key`."""
    return {"if": {"not": {"properties": {key: {"const": value}}}}, "then": rule}


def _without(*fields: str) -> Json:
    return {"not": {"anyOf": [{"required": [field]} for field in fields]}}


def _empty(*fields: str) -> Json:
    return {"properties": {field: {"const": ""} for field in fields}}


RULES: Mapping[str, Json] = {
    "Acknowledgement": {
        "allOf": [
            {
                "if": {"properties": {"answer": {"const": "decline"}}},
                "then": {"required": ["reason"], "properties": {"reason": _SAID}},
            },
            {
                "if": {"properties": {"answer": {"const": "ask"}}},
                "then": {"required": ["words"], "properties": {"words": _SAID}},
            },
            {"not": {"required": ["in_minutes", "at"]}},
            *(_only_with("answer", name, _without(*those)) for name, those in ONLY_WITH.items()),
        ]
    },
    "StatusUpdate": {
        "allOf": [
            {
                "if": {"properties": {"report": _SAID}, "required": ["report"]},
                "then": {"required": ["reason"], "properties": {"reason": _SAID}},
            },
            _only_with("status", "closed", _empty(*ENDING, "report")),
        ]
    },
    "PoliceCorrection": {
        "if": {"properties": {"police": {"const": "yes"}}},
        "then": {
            "required": ["police_asked_by", "police_told"],
            "properties": {"police_asked_by": _SAID, "police_told": _SAID},
        },
    },
    "Booking": {"not": {"required": ["in_minutes", "at"]}},
    "UnitStatus": {
        "allOf": [
            {
                "if": {"properties": {"status": {"const": "AssignmentCancelled"}}},
                "then": {"required": ["reason"], "properties": {"reason": _SAID}},
            },
            _only_with("status", "Cleared", _empty(*ENDING)),
        ]
    },
}
MESSAGES: Json = {
    "type": "object",
    "properties": {
        "messages": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "from": {"enum": ["resident", "program"]},
                    "at": {"type": "string", "format": "date-time"},
                    "words": {"type": "string"},
                    "keys": {"type": "array", "items": {"type": "string"}},
                    "language": {"type": "string"},
                    "state": {"type": "string"},
                },
                "required": ["id", "from", "at", "words", "keys", "language", "state"],
            },
        }
    },
    "required": ["messages"],
}
_TIME: Json = {"type": "string", "format": "date-time"}
_NO_TIME: Json = {"type": ["string", "null"], "format": "date-time"}
_NO_TEXT: Json = {"type": ["string", "null"]}
CALLS: Json = {
    "type": "object",
    "properties": {
        "on_the_line": {"type": "boolean", "description": "Is the resident in a call with us?"},
        "talking": {"type": "boolean", "description": "With a human?"},
        "talks": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"person": {"type": "string"}, "from": _TIME, "to": _NO_TIME},
                "required": ["person", "from", "to"],
            },
        },
        "callbacks": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "booked_by": {"type": "string"},
                    "due": _TIME,
                    "until": _TIME,
                    "state": {"enum": [state.value for state in CallbackState]},
                    "outcome": {"enum": [None, *(one.value for one in CallbackOutcome)]},
                    "attempts": {"type": "integer"},
                    "person": _NO_TEXT,
                    "ask_for": _NO_TEXT,
                    "talked_until": _NO_TIME,
                },
                "required": ["id", "booked_by", "due", "until", "state", "outcome", "attempts"],
            },
        },
    },
    "required": ["on_the_line", "talking", "talks", "callbacks"],
}
LISTING: Json = {
    "type": "object",
    "properties": {
        "hand_offs": {"type": "array", "items": {"$ref": "#/components/schemas/HandOff"}},
        "next": {
            "type": ["string", "null"],
            "description": "`after` of the next page; null: there is none.",
        },
    },
    "required": ["hand_offs", "next"],
}
_KEY: Json = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "description": "The same request under the same key is done once, for 24 hours.",
    "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"},
}


def complete(doc: Json, refusals: Mapping[str, str], hand_off: Json, eido: Json) -> Json:
    """The document with its responses. `refusals`: code -> sentence of each 409; `hand_off`,
    `eido`: example responses."""
    schemas = doc["components"]["schemas"]
    for unused in ("Error", "PaginationMetadata"):
        schemas.pop(unused, None)
    for name, rule in RULES.items():
        schemas[name] |= rule
    schemas |= {
        "Problem": PROBLEM,
        "HandOff": _embedded(SCHEMA),
        "Eido": _embedded(eido_schema.SCHEMA),
        "Listing": LISTING,
        "Conversation": MESSAGES,
        "Calls": CALLS,
    }
    examples = {
        "HandOff": hand_off,
        "Eido": eido,
        "Listing": {"hand_offs": [hand_off], "next": None},
        "Conversation": {
            "messages": [
                {"id": "m-1", "from": "resident", "at": "2026-11-23T19:00:00+00:00",
                 "words": "my brother sees things", "keys": [], "language": "en",
                 "state": "received"}
            ]
        },
        "Calls": {"on_the_line": False, "talking": False, "talks": [], "callbacks": []},
    }  # fmt: skip
    doc["components"]["responses"] = {}
    for path, item in doc["paths"].items():
        if "{hand_off_id}" in path:
            for named in item["parameters"]:
                named["schema"] = {"type": "string", "pattern": "^[0-9a-f-]{36}$"}
        for method, operation in item.items():
            if method in ("get", "post"):
                _complete_operation(path, method, operation, refusals, examples)
    return doc


def _complete_operation(
    path: str, method: str, operation: Json, refusals: Mapping[str, str], examples: Json
) -> None:
    (scope,) = operation["security"][0]["bearer"]
    operation["description"] = "\n\n".join(
        part for part in (operation.get("description"), f"Needs the scope `{scope}`.") if part
    )
    name = _answer(path)
    content = {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": examples[name]}
    answers: Json = {
        "200": {"description": "As it now stands.", "content": {"application/json": content}}
    }
    if method == "post":
        operation.setdefault("parameters", []).append(_KEY)
        if scope != READ:
            answers["204"] = {"description": "It is done; the token may not read it."}
    for status, codes in _refused(path, method, scope, refusals):
        answers[str(status)] = _problem(status, codes)
    operation["responses"] = answers


def _answer(path: str) -> str:
    """The schema of a path's response."""
    if path.startswith("/EIDO/"):
        return "Eido"
    if path.endswith("/calls") or "/callbacks" in path:
        return "Calls"
    if path.endswith("/messages"):
        return "Conversation"
    return "HandOff" if "{hand_off_id}" in path else "Listing"


def _refused(
    path: str, method: str, scope: str, refusals: Mapping[str, str]
) -> Iterator[tuple[int, list[str]]]:
    changes = method == "post"
    yield 400, [CODES[400], *([UNREADABLE] if changes else [])]
    yield 401, [MISSING, UNKNOWN, EXPIRED]
    more = ["needs_scope_converse"] if path.endswith("/acknowledgement") else []
    yield 403, [f"needs_scope_{scope}", *more, BROWSER_TOKEN, NO_DESTINATION]
    if "{hand_off_id}" in path:
        yield 404, [CODES[404]]
    yield 405, [CODES[405]]
    if changes:
        yield 409, sorted(refusals)
    yield 413, [CODES[413]]
    yield 415, [CODES[415]]
    yield 422, [CODES[422], *([REUSED] if changes else [])]
    yield 429, [SLOWED]
    yield 503, [CODES[503], *(["eido_faults"] if path.startswith("/EIDO/") else [])]


def _problem(status: int, codes: list[str]) -> Json:
    example = {"type": "about:blank", "title": TITLES[status], "status": status, "code": codes[0]}
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {"properties": {"status": {"const": status}, "code": {"enum": codes}}},
        ]
    }
    content = {"application/problem+json": {"schema": schema, "example": example}}
    answer: Json = {"description": f"{TITLES[status]}: {', '.join(codes)}.", "content": content}
    named = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After"}.get(status)
    if named:
        answer["headers"] = {named: {"required": True, "schema": {"type": "string"}}}
    return answer


def _embedded(schema: Json) -> Json:
    """A stand-alone schema, embedded in the document."""
    return {name: value for name, value in schema.items() if name not in ("$schema", "$id")}
