"""The registry values an EIDO of ours may hold (NENA-STA-021.1b, section 3), and no others.

What is not here cannot be sent: the list is shorter than the registries on purpose. SUICTHRT and OD
can make a dispatch system recommend police by itself: a named human may say so, software never
does. EDP does the same and tells a team nothing that MNTL does not, ALIEN asks what we never ask,
and nobody is a Suspect here.
"""

from __future__ import annotations

AGENCY_TYPES = ("ems", "fire")  # no value for behavioural health exists; never a PSAP, never police
AGENCY_ROLES = ("CallReceiving", "Dispatched")
AGENT_ROLES = ("Call Taking",)
INCIDENT_TYPES = ("MNTL", "CITASST")  # what software says
# what only a named human says, beside those
HUMAN_INCIDENT_TYPES = ("SUICTHRT", "OD", "INTOX", "SICK", "WELFARE")
INCIDENT_STATUSES = (
    "Active",
    "ResourcesAssigned",
    "ResourcesEnroute",
    "ResourcesOnscene",
    "Closed",
    "Cancelled",
)
CALL_STATES = ("callEnd",)
CALL_TYPES = ("nonEmergency",)
DIRECTIONS = ("incoming",)
LOCATION_TYPES = ("InitialIncident",)
PERSON_ROLES = ("Caller", "ReportingParty", "InvolvedPerson")
RESOURCE_TYPES = ("CrisisInterventionUnit",)
PRIMARY_UNIT_STATUSES = ("Available", "ConditionallyAvailable", "NotAvailable")
SECONDARY_UNIT_STATUSES = (
    "AcknowledgedTransmission",
    "Assigned",
    "EnRoute",
    "OnScene",
    "Cleared",
    "AssignmentCancelled",
)
LINK_DIRECTIONS = ("RELATED",)

# Interpreters, by ISO 639-3. AchineseInterpreter is Acehnese: it is not Chinese.
INTERPRETERS = {
    "ara": "ArabicInterpreter",
    "fil": "FilipinoPilipinoInterpreter",
    "fra": "FrenchInterpreter",
    "hat": "HaitianHaitianCreoleInterpreter",
    "hmn": "HmongMongInterpreter",
    "kor": "KoreanInterpreter",
    "por": "PortugueseInterpreter",
    "rus": "RussianInterpreter",
    "som": "SomaliInterpreter",
    "spa": "SpanishCastilianInterpreter",
    "tgl": "TagalogInterpreter",
    "vie": "VietnameseInterpreter",
    "zho": "ChineseInterpreter",
}
SIGN_LANGUAGE = "SignLanguagesInterpreter"
SPECIALIST = "CrisisInterventionSpecialist"
RESOURCE_ATTRIBUTES = (SPECIALIST, SIGN_LANGUAGE, *INTERPRETERS.values())
