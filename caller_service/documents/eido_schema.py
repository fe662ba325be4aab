"""The strict schema of the EIDOs we send: JSON Schema 2020-12, of our own writing, and a reader for
just what it uses.

Fields that are not named are refused, and registry values are enums: the published schema does
neither. What is sent is held to it at run time too, so the schema is plain data and `faults` reads
it by itself: a validator for all of JSON Schema would be one more dependency in the way of a
hand-off. The tests hold this reader to such a validator (jsonschema).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from . import eido_registry as registry

_TYPE = "incidentTypeCommonRegistryText"
_TEXT = {"type": "string", "minLength": 1}
_MOMENT = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
}
_TEL = {"type": "string", "pattern": r"^tel:\+[1-9]\d{7,14}$"}
_YES_NO = {"type": "boolean"}


def _whole(
    properties: Mapping[str, Any], optional: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    more = optional or {}
    return {
        "type": "object",
        "properties": {**properties, **more},
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Mapping[str, Any], least: int = 1) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least}


def _one_of(values: tuple[str, ...]) -> dict[str, Any]:
    return {"enum": list(values)}


_REFERENCE = _whole({"$ref": _TEXT})
_REFERENCES = _list(_REFERENCE)
_HEAD = {
    "$id": _TEXT,
    "lastUpdateTimeStamp": _MOMENT,
    "updatedByAgencyReference": _REFERENCE,
    "updatedByAgentReference": _REFERENCE,
}


def _component(
    properties: Mapping[str, Any], optional: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    return _whole({**_HEAD, **properties}, optional)


_AGENCY = _component(
    {
        "agencyRoleDescriptionRegistryText": _list(_one_of(registry.AGENCY_ROLES)),
        "agencyType": _list(_one_of(registry.AGENCY_TYPES)),
        "incidentOwningAgencyIndicator": _YES_NO,
    }
)
_AGENT = _component(
    {"agentRoleRegistryText": _list(_one_of(registry.AGENT_ROLES)), "agencyReference": _REFERENCE}
)
_INCIDENT = _component(
    {
        _TYPE: _one_of((*registry.INCIDENT_TYPES, *registry.HUMAN_INCIDENT_TYPES)),
        "incidentTypeInternalCode": _TEXT,
        "incidentTypeInternalText": _TEXT,
        "incidentStatusCommonRegistryText": _list(_one_of(registry.INCIDENT_STATUSES)),
        "internalIncidentId": _TEXT,
        "incidentPriorityInternalText": _one_of(("R1", "R2", "R3", "R4", "R5", "R6", "unknown")),
        "incidentCommonPriorityNumber": {"type": "integer", "minimum": 0, "maximum": 10},
        "personReference": _REFERENCES,
        "notesReference": _REFERENCES,
    },
    {"locationReference": _REFERENCES},
)
_CALL = _component(
    {
        "callStateRegistryText": _one_of(registry.CALL_STATES),
        "standardPrimaryCallType": _one_of(registry.CALL_TYPES),
        "direction": _one_of(registry.DIRECTIONS),
        "callStartTimestamp": _MOMENT,
        "personReference": _REFERENCES,
    },
    {"callBackReference": _REFERENCE, "locationReference": _REFERENCES},
)
_CALLBACK = _component(
    {
        "callBackInformationUri": _list(_TEL),
        "updatedCbn": _component(
            {"updatedCbnIdentifierUri": _TEL, "updatedCbnCallerDescription": _TEXT}
        ),
    }
)
_LOCATION = _component(
    {
        "locationTypeDescriptionRegistryText": _one_of(registry.LOCATION_TYPES),
        "locationByValue": _TEXT,
    },
    {"locationDescriptionText": _TEXT},
)
_LANGUAGES = _list(
    _whole(
        {"languageCode": _list(_whole({"simpleType": {"type": "string", "pattern": "^[a-z]{3}$"}}))}
    )
)
_PERSON = _component(
    {"personIncidentRoleRegistryText": _list(_one_of(registry.PERSON_ROLES))},
    {"ncPersonComponent": _whole({"primaryLanguage": _LANGUAGES}), "callBackReference": _REFERENCE},
)
_NOTES = _component({"notesActionComments": _TEXT, "agentReference": _REFERENCE})
_DISPATCH = _component({"agencyReference": _REFERENCE, "emergencyResourceReference": _REFERENCES})
_RESOURCE = _component(
    {
        "agentReference": _REFERENCES,
        "emergencyResourceTypeCommonRegistryText": _one_of(registry.RESOURCE_TYPES),
        "primaryUnitStatusRegistryText": _one_of(registry.PRIMARY_UNIT_STATUSES),
        "secondaryUnitStatusRegistryText": _list(_one_of(registry.SECONDARY_UNIT_STATUSES), 0),
        "resourceAttributeRegistryText": _list(_one_of(registry.RESOURCE_ATTRIBUTES)),
    },
    {"eta": _MOMENT},
)
_LINK = _component(
    {"incidentTrackingIdentifier": _TEXT, "linkDirectionCode": _one_of(registry.LINK_DIRECTIONS)}
)
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "The EIDO we send",
    "description": "The current state of one request for help other than police: our own strict "
    "subset of NENA-STA-021.1b. "
    "An incident type other than MNTL and CITASST stands there only where a named human set it.",
} | _component(
    {
        "eidoVersion": {"const": "1.0"},
        "issuingElementIdentification": _TEXT,
        "agencyComponent": _list(_AGENCY),
        "agentComponent": _list(_AGENT),
        "incidentComponent": _INCIDENT,
        "callComponent": _list(_CALL),
        "personComponent": _list(_PERSON),
        "notesComponent": _list(_NOTES),
    },
    {
        "callbackComponent": _list(_CALLBACK),
        "locationComponent": _list(_LOCATION),
        "dispatchComponent": _list(_DISPATCH),
        "emergencyResourceComponent": _list(_RESOURCE),
        "linkComponent": _list(_LINK),
    },
)


def faults(document: object, typed_by: str = "") -> tuple[str, ...]:
    """Everything that is wrong with a document, by place and kind; () when it may be sent. No
    value, and no name of an unknown field, is ever quoted: either may be somebody's words.
    `typed_by`: the human who set the incident type; "" for nobody, and then only what software may
    say is sound."""
    found = tuple(misshapen(document, SCHEMA))
    return found or (*_dangling(document), *_typed_by_nobody(document, typed_by))


def _typed_by_nobody(document: Any, typed_by: str) -> Iterator[str]:
    if (
        document["incidentComponent"][_TYPE] in registry.HUMAN_INCIDENT_TYPES
        and not typed_by.strip()
    ):
        yield f".incidentComponent.{_TYPE}: not an allowed value"  # but for a named human


_TYPES: Mapping[str, type] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
}


def misshapen(value: object, schema: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """Where a value breaks a schema that uses only the keywords above."""
    kind = schema.get("type")
    if kind is None:
        if value not in schema.get("enum", [schema.get("const")]):
            yield f"{at}: not an allowed value"
    elif not isinstance(value, _TYPES[kind]) or (kind == "integer" and isinstance(value, bool)):
        yield f"{at}: not of type {kind}"
    else:
        yield from _INSIDE[kind](value, schema, at)


def _items(value: Sequence[object], schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if len(value) < schema["minItems"]:
        yield f"{at}: too few"
    for place, item in enumerate(value):
        yield from misshapen(item, schema["items"], f"{at}[{place}]")


def _string(value: str, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0) or not re.fullmatch(
        schema.get("pattern", "(?s:.*)"), value, re.ASCII
    ):
        yield f"{at}: not written as it must be"


def _number(value: int, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if not schema["minimum"] <= value <= schema["maximum"]:
        yield f"{at}: out of range"


def _fields(value: Mapping[str, object], schema: Mapping[str, Any], at: str) -> Iterator[str]:
    known = schema["properties"]
    yield from (f"{at}.{name}: missing" for name in schema["required"] if name not in value)
    yield from (f"{at}: an unknown field" for name in value if name not in known)
    for name, inner in value.items():
        if name in known:
            yield from misshapen(inner, known[name], f"{at}.{name}")


_INSIDE: Mapping[str, Callable[[Any, Mapping[str, Any], str], Iterator[str]]] = {
    "object": _fields,
    "array": _items,
    "string": _string,
    "integer": _number,
    "boolean": lambda value, schema, at: iter(()),
}


def _dangling(document: object) -> Iterator[str]:
    """References to what is not in the document, and ids that stand there twice."""
    named = list(_named(document))
    ids, references = ([value for each, value in named if each == name] for name in ("$id", "$ref"))
    if len(set(ids)) < len(ids):
        yield "$id: twice"
    if not set(references) <= set(ids):
        yield "$ref: to nothing"


def _named(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from ((name, value[name]) for name in ("$id", "$ref") if name in value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _named(each)
