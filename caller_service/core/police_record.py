"""A named human corrects what was recorded of police, after the case has ended (rule 16). What was
recorded before stays beside it, and the ledger counts what is recorded last."""

from __future__ import annotations

from . import hand_off
from .case import Case, Step, replace
from .effect import HandOff, Record
from .journal_events import Event
from .marks import Mark
from .outcome import Police
from .refusal import Refused
from .routing import Scene


def recorded(case: Case) -> Police:
    return Police(case.police, case.police_asked_by, case.police_told)


def correct_police(case: Case, by: str, police: Police, reason: str, scene: Scene) -> Step:
    """What `by` knows of police by now, and why it is corrected. The same again changes nothing.

    Where the words of the case were erased the reason is not kept: nothing would erase it. Raises
    Refused: not_ended, reason_needed, police_needed.
    """
    if not case.ended:
        raise Refused("not_ended")
    if not reason:
        raise Refused("reason_needed")
    if not police.present or not police.whole:
        raise Refused("police_needed")
    was = recorded(case)
    if police == was:
        return Step(case)
    before = (was.present, was.asked_by, was.told)
    case = replace(
        case.remarked(by, reason),
        police=police.present, police_asked_by=police.asked_by, police_told=police.told,
        police_before=(*case.police_before, before),
    )  # fmt: skip
    detail = {
        "by": by, "police": police.present, "police_asked_by": police.asked_by,
        "police_told": police.told, "was": was.present, "was_asked_by": was.asked_by,
        "was_told": was.told,
    }  # fmt: skip
    record = Record(Event.POLICE_CORRECTED, detail)
    if Mark.ERASED in case.marks:  # a packet without words is left as it is
        return Step(replace(case, sent=hand_off.digest(case)), (record,))
    return Step(*hand_off.revise(case, (HandOff("police_corrected"), record)))
