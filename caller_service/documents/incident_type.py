"""What the EIDO calls an incident: software says MNTL or CITASST (documents/eido.py), until a named
human changes it.

Some of what a human may say makes a dispatch system think of police by itself: so it takes a name
and a reason, goes to every destination as a revision, and the same way leads back.
"""

from __future__ import annotations

from caller_service.core import hand_off
from caller_service.core.case import Case, Step, replace
from caller_service.core.effect import HandOff, Record
from caller_service.core.refusal import Refused

from .eido_registry import HUMAN_INCIDENT_TYPES, INCIDENT_TYPES

ALLOWED = (*INCIDENT_TYPES, *HUMAN_INCIDENT_TYPES)


def set_type(case: Case, kind: str, by: str, reason: str) -> Step:
    """`by` calls it `kind`, one of ALLOWED, from now on. The reason is sealed with the case and
    told to dispatch, never in the journal. The same said again changes nothing. Raises
    Refused("ended"), ValueError for another type or nobody's name."""
    if kind not in ALLOWED or not by.strip():
        raise ValueError("not a type that a named human may set")
    if case.ended:
        raise Refused("ended")
    typed = replace(case, incident_type=kind, typed_by=by)
    if (by, reason) not in case.remarks:
        typed = replace(typed, remarks=(*case.remarks, (by, reason)))
    if typed == case:
        return Step(case)
    told = (HandOff("incident_type"),) if case.revision else ()
    return Step(*hand_off.revise(typed, (*told, Record("incident_type", {"by": by, "type": kind}))))
