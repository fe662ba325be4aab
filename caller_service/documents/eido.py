"""The EIDO (NENA-STA-021.1b): the current state of one hand-off for the alternative team's own
agency (docs/dispatch-api.md).

Made from the packet `hand_off.v1` alone, so it never tells more: a number that was not called safe
is not in it. It holds no history. Every `$id` is derived from the hand-off's id: the same revision
is always the same document. Police is never asked for: the incident type is MNTL or CITASST until a
named human changes it (documents/incident_type.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any

from caller_service.core.reach import ContactAnswer

from .eido_registry import INTERPRETERS, SIGN_LANGUAGE, SPECIALIST

Packet = Mapping[str, Any]
Component = dict[str, Any]

# 0 to 10; 10 is the most urgent
PRIORITIES = {"R1": 10, "R2": 9, "R3": 7, "R4": 5, "R5": 3, "R6": 1}
UNKNOWN_PRIORITY = 6  # not known yet: more urgent than routine
# reasons, or prefixes of reasons
DISTRESS = frozenset({"suicide", "attempt", "soon", "upset_hears_or_sees", "wants.counselor"})
NO_UNIT = frozenset({"counselor", "information", "call_911"})  # responses without a unit
NOT_YET: tuple[str, list[str]] = ("ConditionallyAvailable", [])  # requested, but not yet accepted
UNIT_STATUSES: Mapping[str, tuple[str, list[str]]] = {
    "accepted": ("NotAvailable", ["AcknowledgedTransmission"]),
    "assigned": ("NotAvailable", ["Assigned"]),
    "en_route": ("NotAvailable", ["EnRoute"]),
    "arrived": ("NotAvailable", ["OnScene"]),
    "declined": ("NotAvailable", ["AssignmentCancelled"]),
    "closed": ("Available", ["Cleared"]),
    "cancelled": ("Available", ["AssignmentCancelled"]),
}
INCIDENT_STATUSES = {
    "assigned": ["Active", "ResourcesAssigned"],
    "en_route": ["Active", "ResourcesEnroute"],
    "arrived": ["Active", "ResourcesOnscene"],
    "closed": ["Closed"],
    "cancelled": ["Cancelled"],
}
TERMS = {
    ContactAnswer.TEXT_CALL: "Text or call.",
    ContactAnswer.TEXT: "Text only. Do not call.",
    ContactAnswer.TEXT_DEAF: "Text only: deaf or uses sign language. Do not call.",
    ContactAnswer.CALL: "Call only. Do not text.",
    ContactAnswer.UNSAFE: "Not safe: do not call, and only answer what they write.",
    ContactAnswer.UNWANTED: "Does not want to be contacted: only answer what they write.",
}
NOT_KNOWN_SAFE = "Not known to be safe: do not call, and only answer what they write."


@dataclass(frozen=True, slots=True)
class Issuer:
    """The sender: our own element, on behalf of the alternative team's agency."""

    element: str  # our host name
    agency: str  # a domain name, as NENA names agencies
    agency_type: str = "ems"


@dataclass(frozen=True, slots=True)
class _Marks:
    """The fields that every component begins with."""

    issuer: Issuer
    at: str
    id: str = field(repr=False)

    @property
    def agent(self) -> str:
        return f"intake@{self.issuer.agency}"

    def head(self, own_id: str) -> Component:
        return {
            "$id": own_id,
            "lastUpdateTimeStamp": self.at,
            "updatedByAgencyReference": to(self.issuer.agency),
            "updatedByAgentReference": to(self.agent),
        }

    def part(self, name: str, **content: Any) -> Component:
        """A component of this hand-off. None and empty values are omitted, except the unit's
        statuses."""
        present = {
            key: value
            for key, value in content.items()
            if value not in (None, []) or key == "secondaryUnitStatusRegistryText"
        }
        return self.head(f"{self.id}.{name}") | present


def to(own_id: str) -> dict[str, str]:
    return {"$ref": own_id}


def all_to(components: Sequence[Component]) -> list[dict[str, str]]:
    return [to(each["$id"]) for each in components]


def tracking_id(hand_off_id: str, issuer: Issuer) -> str:
    """The incident tracking identifier of NENA-STA-010.3, made from our own id."""
    return f"urn:emergency:uid:incidentid:{hand_off_id.replace('-', '')}:{issuer.agency}"


def document(packet: Packet, issuer: Issuer, revised: datetime) -> Component:
    """The EIDO of a packet. `revised` is when its revision was made (aware datetime); the packet
    has no such field."""
    marks = _Marks(issuer, moment(revised), packet["hand_off_id"])
    callbacks, locations = _callbacks(marks, packet), _locations(marks, packet)
    people, notes, units = (
        _people(marks, packet, callbacks),
        _notes(marks, packet),
        _units(marks, packet),
    )
    whole = marks.head(tracking_id(packet["hand_off_id"], issuer)) | {
        "eidoVersion": "1.0",
        "issuingElementIdentification": issuer.element,
        "agencyComponent": [_agency(marks, packet)],
        "agentComponent": [
            marks.head(marks.agent)
            | {"agentRoleRegistryText": ["Call Taking"], "agencyReference": to(issuer.agency)}
        ],
        "incidentComponent": _incident(marks, packet, locations, people, notes),
        "callComponent": [_call(marks, packet, callbacks, locations, people)],
        "callbackComponent": callbacks,
        "locationComponent": locations,
        "personComponent": people,
        "notesComponent": notes,
        "dispatchComponent": _dispatches(marks, units),
        "emergencyResourceComponent": units,
        "linkComponent": _links(marks, packet),
    }
    return {name: value for name, value in whole.items() if value != []}


def moment(at: datetime) -> str:
    """UTC with an offset, whatever zone the database returned, to the microsecond, so that no two
    revisions share a time."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _agency(marks: _Marks, packet: Packet) -> Component:
    sent = ["Dispatched"] if packet["status"] in ("assigned", "en_route", "arrived") else []
    return marks.head(marks.issuer.agency) | {
        "agencyRoleDescriptionRegistryText": ["CallReceiving", *sent],
        "agencyType": [marks.issuer.agency_type],
        "incidentOwningAgencyIndicator": True,
    }


def _incident(
    marks: _Marks,
    packet: Packet,
    locations: list[Component],
    people: list[Component],
    notes: list[Component],
) -> Component:
    return marks.part(
        "incident",
        incidentTypeCommonRegistryText=incident_type(packet),
        incidentTypeInternalCode=packet["response"],
        incidentTypeInternalText=f"Help other than police. {_asked_911(packet)}",
        incidentStatusCommonRegistryText=INCIDENT_STATUSES.get(packet["status"], ["Active"]),
        internalIncidentId=packet["reference"],
        incidentPriorityInternalText=packet["level"] or "unknown",
        incidentCommonPriorityNumber=PRIORITIES.get(packet["level"], UNKNOWN_PRIORITY),
        locationReference=all_to(locations),
        personReference=all_to(people),
        notesReference=all_to(notes),
    )


def _asked_911(packet: Packet) -> str:
    """Software asks for no police; a named human may have called 911, and the team must know."""
    called = packet.get("called_911")
    return f"{called['by']} called 911 for this place." if called else "No police requested."


def incident_type(packet: Packet) -> str:
    """The type that a named human set; otherwise MNTL if mental distress was reported, else
    CITASST. Neither makes a CAD send police by itself."""
    if typed := packet.get("incident_type"):  # older packets lack this field
        return str(typed["type"])
    reasons = {reason for reason in packet["reasons"]} | {
        reason.split(".")[0] for reason in packet["reasons"]
    }
    return "MNTL" if packet["need"] in ("upset", "hears") or reasons & DISTRESS else "CITASST"


def _call(
    marks: _Marks,
    packet: Packet,
    callbacks: list[Component],
    locations: list[Component],
    people: list[Component],
) -> Component:
    """How the request reached us. "callEnd", because there is no call to join."""
    opened = packet["times"].get("opened")
    return marks.part(
        "call",
        callStateRegistryText="callEnd",
        standardPrimaryCallType="nonEmergency",
        direction="incoming",
        callStartTimestamp=moment(datetime.fromisoformat(opened)) if opened else marks.at,
        callBackReference=to(callbacks[0]["$id"]) if callbacks else None,
        locationReference=all_to(locations),
        personReference=all_to(people[:1]),
    )


def _callbacks(marks: _Marks, packet: Packet) -> list[Component]:
    """The number, which the packet has only where contact was called safe. Otherwise the first note
    has the terms."""
    number = packet["contact"]["number"]
    if not number:
        return []
    uri = f"tel:{number}"
    told = marks.part(
        "callback.number",
        updatedCbnIdentifierUri=uri,
        updatedCbnCallerDescription=terms(packet["contact"]),
    )
    return [marks.part("callback", callBackInformationUri=[uri], updatedCbn=told)]


def terms(contact: Packet) -> str:
    """How this person may be contacted, for whoever is about to."""
    if contact["watched"]:
        return "Somebody may be watching: do not text, do not call."
    sentences = [TERMS.get(contact["terms"], NOT_KNOWN_SAFE)]
    if contact.get("standing") == "violence":
        sentences = [f"Violence or hiding: software only answers. {sentences[0]}"]
    elif contact.get("standing") == "unsafe":
        sentences = [TERMS[ContactAnswer.UNSAFE]]
    if withdrawn := contact.get("withdrawn"):
        sentences.append(f"They took back: {', '.join(withdrawn)}. Answer only what they write.")
    if contact.get("number_condition") == "emergency_services_only":
        sentences.append("Contact was not asked: the number is for emergency services only.")
    if contact["call"]:
        sentences.append(
            "A neutral voicemail is allowed."
            if contact["voicemail"] == "yes"
            else "Leave no voicemail."
        )
    if contact["cannot_text"]:
        sentences.append("Texts do not reach them now.")
    if contact.get("not_told"):  # older packets lack this field
        sentences.append("They have not heard the latest news.")
    return " ".join(sentences)


def _locations(marks: _Marks, packet: Packet) -> list[Component]:
    place = packet["place"]
    words = legal(place["text"] or "").strip()
    if not words and not place["point"]:
        return []
    return [
        marks.part(
            "location",
            locationTypeDescriptionRegistryText="InitialIncident",
            locationByValue=_pidf_lo(marks, words, place["point"]),
            locationDescriptionText=words or None,
        )
    ]


def _pidf_lo(marks: _Marks, words: str, point: Packet | None) -> str:
    """A PIDF-LO (RFC 4119, RFC 5491): the point in WGS 84, latitude first, and the words as given,
    because nobody has parsed them."""
    position = (
        '<gml:Point xmlns:gml="http://www.opengis.net/gml" srsName="urn:ogc:def:crs:EPSG::4326">'
        f"<gml:pos>{point['latitude']} {point['longitude']}</gml:pos></gml:Point>"
        if point
        else ""
    )
    civic = (
        '<ca:civicAddress xmlns:ca="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr">'
        f"<ca:LOC>{escape(words)}</ca:LOC></ca:civicAddress>"
        if words
        else ""
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf"'
        f' xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10" '
        f'entity="pres:{escape(marks.id)}@{escape(marks.issuer.agency)}">'
        '<tuple id="place"><status><gp:geopriv>'
        f"<gp:location-info>{position}{civic}</gp:location-info><gp:usage-rules/>"
        "<gp:method>Manual</gp:method></gp:geopriv></status>"
        f"<timestamp>{marks.at}</timestamp></tuple></presence>"
    )


def _people(marks: _Marks, packet: Packet, callbacks: list[Component]) -> list[Component]:
    """The writer, and the person who needs help if that is somebody else. Language and number are
    the writer's."""
    about_self, about_another = (
        packet["who"] in ("me", "me_minor"),
        packet["who"] in ("adult", "child", "unknown", "someone"),
    )
    role = ["InvolvedPerson"] if about_self else ["ReportingParty"] if about_another else []
    caller = marks.part(
        "person.caller",
        personIncidentRoleRegistryText=["Caller", *role],
        ncPersonComponent={
            "primaryLanguage": [{"languageCode": [{"simpleType": packet["language"]["iso639_3"]}]}]
        },
        callBackReference=to(callbacks[0]["$id"]) if callbacks else None,
    )
    return [
        caller,
        *(
            [marks.part("person.involved", personIncidentRoleRegistryText=["InvolvedPerson"])]
            if about_another
            else []
        ),
    ]


def _notes(marks: _Marks, packet: Packet) -> list[Component]:
    """Notes: the result of the screening, the resident's words, and dispatch's reasons. HTML, as
    the standard says."""
    words = [
        "Self-reported" + ("" if note["translated"] else ", not translated") + f": {note['words']}"
        for note in packet["notes"]
    ]
    remarks = [f"{remark['by']}: {remark['words']}" for remark in packet["remarks"]]
    return [
        marks.part(
            f"note.{place}",
            notesActionComments=f"<p>{escape(legal(text), quote=False)}</p>",
            agentReference=to(marks.agent),
        )
        for place, text in enumerate((_summary(packet), *words, *remarks))
    ]


def _summary(packet: Packet) -> str:
    summary = {
        "Wants": packet["response"],
        "If no team is free": packet["contingency"],
        "Level": packet["level"] or "unknown",
        "Reasons": ", ".join(packet["reasons"]) or "none",
        **({"Dangers": ", ".join(dangers)} if (dangers := packet.get("dangers")) else {}),
        **(
            {"Safety answers": ", ".join(f"{name} {answer}" for name, answer in safety.items())}
            if (safety := packet.get("safety"))
            else {}
        ),
        "Who needs help": packet["who"],
        "Need": packet["need"],
        "Place": packet["place"]["located"],
        "Screened by": f"{packet['protocol']['id']} {packet['protocol']['version']}",
    }
    flags = [
        _asked_911(packet),
        *(["A human looks at it first."] if packet["review"] else []),
        *(["They asked to cancel: a human must answer."] if packet["asked_to_cancel"] else []),
        *(
            [f"Incident type set by {typed['by']}."]
            if (typed := packet.get("incident_type"))
            else []
        ),
    ]
    return " ".join(
        (
            *flags,
            *(f"{name}: {value}." for name, value in summary.items()),
            f"Contact: {terms(packet['contact'])}",
        )
    )


def legal(words: str) -> str:
    """The words without characters that XML 1.0 cannot contain, even escaped."""
    return "".join(
        char
        for char in words
        if char in "\t\n\r"
        or " " <= char <= "\ud7ff"
        or "\ue000" <= char <= "\ufffd"
        or char > "\uffff"
    )


def _units(marks: _Marks, packet: Packet) -> list[Component]:
    """The requested unit and its status. None if the resident chose something else."""
    primary, secondary = UNIT_STATUSES.get(packet["status"], NOT_YET)
    sent = packet["status"] in ("assigned", "en_route", "arrived")
    if packet["response"] in NO_UNIT and not sent:
        return []
    promised = (
        packet["times"].get("promised")
        if packet["status"] in ("accepted", "assigned", "en_route")
        else None
    )
    return [
        marks.part(
            "unit",
            agentReference=[to(marks.agent)],
            emergencyResourceTypeCommonRegistryText="CrisisInterventionUnit",
            primaryUnitStatusRegistryText=primary,
            secondaryUnitStatusRegistryText=list(secondary),
            resourceAttributeRegistryText=attributes(packet),
            eta=moment(datetime.fromisoformat(promised)) if promised else None,
        )
    ]


def attributes(packet: Packet) -> list[str]:
    """Who must come with the unit. Until a team is chosen its languages are unknown, so an
    interpreter is requested."""
    interpreter = (
        INTERPRETERS.get(packet["language"]["iso639_3"])
        if packet["interpreter"] or not packet["team"]
        else None
    )
    return [
        SPECIALIST,
        *([interpreter] if interpreter else []),
        *([SIGN_LANGUAGE] if packet["contact"]["deaf_or_asl"] else []),
    ]


def _dispatches(marks: _Marks, units: list[Component]) -> list[Component]:
    if not units:
        return []
    return [
        marks.part(
            "dispatch",
            agencyReference=to(marks.issuer.agency),
            emergencyResourceReference=all_to(units),
        )
    ]


def _links(marks: _Marks, packet: Packet) -> list[Component]:
    return [
        marks.part(
            f"link.{place}",
            incidentTrackingIdentifier=tracking_id(related, marks.issuer),
            linkDirectionCode="RELATED",
        )
        for place, related in enumerate((*packet["related"], *packet.get("linked", ())))
    ]
