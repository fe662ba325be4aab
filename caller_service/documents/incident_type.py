"""What the EIDO calls an incident: software says MNTL or CITASST (documents/eido.py), until a named
human changes it.

Some of what a human may say makes a dispatch system think of police by itself: so it takes a name
and a reason, goes to every destination as a revision, and the same way leads back.
"""

from __future__ import annotations

from caller_service.core import hand_off
from caller_service.core.case import Case, Step, replace
from caller_service.core.effect import HandOff, Record
from caller_service.core.journal_events import Event
from caller_service.core.refusal import Refused

from .eido_registry import HUMAN_INCIDENT_TYPES, INCIDENT_TYPES

ALLOWED = (*INCIDENT_TYPES, *HUMAN_INCIDENT_TYPES)


def set_type(case: Case, kind: str, by: str, reason: str) -> Step:
    """Set the incident type, one of ALLOWED, in the name of `by`. The reason is encrypted with the
    case and sent to dispatch, never in the journal. A repeat changes nothing. Raises Refused:
    ended, ValueError for another type or without a name."""
    if kind not in ALLOWED or not by.strip():
        raise ValueError("not a type that a named human may set")
    if case.ended:
        raise Refused("ended")
    typed = replace(case, incident_type=kind, typed_by=by)
    if (by, reason) not in case.remarks:
        typed = replace(typed, remarks=(*case.remarks, (by, reason)))
    if typed == case:
        return Step(case)
    revision = (HandOff("incident_type"),) if case.revision else ()
    return Step(
        *hand_off.revise(typed, (*revision, Record(Event.INCIDENT_TYPE, {"by": by, "type": kind})))
    )
