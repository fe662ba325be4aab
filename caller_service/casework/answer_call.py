"""Somebody who is paged picked up: what they hear, and what their key does. Only the digit 1 takes
a case.

A voicemail, a bare pick-up, silence or any other digit is no acknowledgement (domain.md section 7).
The same webhook twice gets the same answer: what was pressed first stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from caller_service.casework.outbound.call_person import note_receipt
from caller_service.core.case import Case, Step
from caller_service.core.dispatch import accept, answered_since, pass_on
from caller_service.core.effect import Alert
from caller_service.core.marks import Mark
from caller_service.core.outbound import CallState
from caller_service.core.refusal import Refused
from caller_service.core.routing import Scene
from caller_service.core.terms import terms
from caller_service.language.wording import filling, spelled
from caller_service.store import calls, cases
from caller_service.store.calls import Call
from caller_service.store.database.transaction import transaction

from .change import change
from .parts import Parts

TIMES = 2  # the words are said, and once more
TAKE, PASS = "1", "2"


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is said on a call. `asks`: a key is waited for, and this is the how-manyth time; 0: then
    the call ends.

    No words: it ends without one.
    """

    words: str = field(default="", repr=False)
    language: str = ""
    asks: int = 0


def picked_up(parts: Parts, call_id: str, sid: str | None, machine: bool) -> Spoken:
    """The first words of a call to somebody who is paged. A machine hears nothing."""
    call = _call(parts, call_id)
    if call is None or call.person is None:
        return Spoken()
    note_receipt(parts, call.id, CallState.IN_PROGRESS, sid)
    if machine or call.machine:
        _note(parts, call, machine=True)
        return Spoken()
    return _told(parts, call) or _asks(parts, call, 1)


def pressed(parts: Parts, call_id: str, machine: bool, key: str, time: int) -> Spoken:
    """A key, or none ("") after the words were said for the `time`-th time."""
    call = _call(parts, call_id)
    if call is None or call.person is None or machine or call.machine:
        return Spoken()
    if call.answer:
        return _answered(parts, call, call.answer)
    if key == TAKE:
        return _decided(
            parts,
            call,
            "accepted",
            lambda case, scene: _takes(case, call.person or "", scene),
        )
    if key == PASS:
        return _decided(
            parts, call, "passed", lambda case, scene: pass_on(case, call.person or "", scene)
        )
    if settled := _told(parts, call):
        return settled
    return _asks(parts, call, time + 1) if time < TIMES else _says(parts, call, "page.call_no_key")


def _takes(case: Case, name: str, scene: Scene) -> Step:
    """What they must know before they write is texted: a call says no more than the reference."""
    step = accept(case, name, case.marks.get(Mark.PROMISED), scene)
    known = tuple(Alert(key, name) for key in terms(step.case)) if step.effects else ()
    return Step(step.case, (*step.effects, *known))


def _call(parts: Parts, call_id: str) -> Call | None:
    with parts.engine.connect() as conn:
        return calls.by_id(conn, call_id)


def _note(parts: Parts, call: Call, **what: object) -> None:
    with transaction(parts.engine) as conn:
        calls.note(conn, call.id, **what)


def _decided(
    parts: Parts, call: Call, answer: str, decide: Callable[[Case, Scene], Step]
) -> Spoken:
    try:
        change(parts, call.case_id, decide, call.person or "")
    except Refused as refusal:
        return _says(
            parts,
            call,
            "page.call_taken" if refusal.code == "taken" else "page.call_ended",
            refusal.name,
        )
    _note(parts, call, answer=answer)
    return _answered(parts, call, answer)


def _answered(parts: Parts, call: Call, answer: str) -> Spoken:
    return _says(parts, call, f"page.call_{answer}")


def _told(parts: Parts, call: Call) -> Spoken | None:
    """Who has it, or that it ended, if it is settled since they were asked."""
    with parts.engine.connect() as conn:
        case = cases.by_id(conn, parts.sealer, call.case_id)
    if case is None or not answered_since(case, call.at):
        return None
    return _says(
        parts, call, "page.call_ended" if case.ended else "page.call_taken", case.accepted_by
    )


def _asks(parts: Parts, call: Call, time: int) -> Spoken:
    return Spoken(_words(parts, call, "page.call"), _spoken_here(parts), time)


def _says(parts: Parts, call: Call, key: str, name: str = "") -> Spoken:
    return Spoken(_words(parts, call, key, name), _spoken_here(parts))


def _words(parts: Parts, call: Call, key: str, name: str = "") -> str:
    with parts.engine.connect() as conn:
        case = cases.by_id(conn, parts.sealer, call.case_id)
    language = _spoken_here(parts)
    fill = filling(parts.program, language, parts.catalog, spelled(case.reference) if case else "")
    return parts.catalog.text(language, key, **fill, name=name)


def _spoken_here(parts: Parts) -> str:
    """The language that staff are called in."""
    return parts.catalog.spoken(parts.program.languages[0])
