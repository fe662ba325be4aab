"""Somebody picked up a call of ours: what they hear, and what their key does.

Two kinds of call, and one table (`CALLS`) for how they differ. Whoever is paged takes a case by the
digit 1 and nothing else: a voicemail, a bare pick-up, silence or any other digit is no
acknowledgement (docs/dispatch-api.md). A resident whom texts do not reach hears a neutral question
until they press 1, and then only what whoever holds this phone may hear
(core/safe_contact.update_call_keys); a voicemail hears nothing, or one neutral sentence where that
was allowed. The same webhook twice gets the same answer: what was pressed first stays.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as with_changes

import sqlalchemy as sa

from caller_service.casework.outbound.call_person import note_receipt, voicemail_allowed
from caller_service.core.call_911 import (
    UNDER_WAY,
    Joined,
    how_it_went,
    psap_over,
    psap_rung,
)
from caller_service.core.case import Case, Step
from caller_service.core.dispatch import accept, answered_since, told_by_call
from caller_service.core.effect import Alert
from caller_service.core.marks import Mark
from caller_service.core.outbound import CallbackState, CallState
from caller_service.core.phone_waiting import passed_beside, psap_line
from caller_service.core.program import INTERPRETER
from caller_service.core.questions import is_deaf
from caller_service.core.refusal import Refused
from caller_service.core.routing import Scene
from caller_service.core.safe_contact import calls_wanted, may_call_update, update_call_keys
from caller_service.core.terms import terms
from caller_service.jobs.queue import PEOPLE
from caller_service.language.languages import name_for
from caller_service.language.wording import filling, spelled
from caller_service.store import callbacks, calls, cases, legs
from caller_service.store.callbacks import Callback
from caller_service.store.calls import Call
from caller_service.store.database.transaction import reading, transaction
from caller_service.store.journal import Author

from .callbacks import goes_on, taken
from .carry_out import ring_interpreter, stop_calls
from .change import change, full_beside, passes, update_case
from .parts import Parts
from .resident_call import put_through_to, waits_beside

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
    # then they are joined to the caller in this queue, and not hung up on
    joins: str = ""
    dials: str = field(
        default="", repr=False
    )  # then this number is rung, and they are joined to it
    # then they come into this room, where a caller and an interpreter come, too; `waits_there`: it
    # opens only with somebody of staff
    meets: str = ""
    waits_there: bool = False


@dataclass(frozen=True, slots=True)
class OnCall:
    """A call that was picked up, and the case it is about."""

    parts: Parts
    call: Call
    case: Case

    def says(self, *keys: str, name: str = "", asks: int = 0) -> Spoken:
        """Staff are called in the program's first language, a resident in the case's."""
        catalog, program = self.parts.catalog, self.parts.program
        language = catalog.spoken(program.languages[0] if self.call.person else self.case.language)
        fill = filling(program, language, catalog, spelled(self.case.reference))
        fill["short"] = spelled(self.case.reference[:3])
        words = " ".join(catalog.text(language, key, **fill, name=name) for key in keys)
        return Spoken(words, language, asks)

    def note(self, **what: object) -> None:
        with transaction(self.parts.engine) as conn:
            calls.note(conn, self.call.id, **what)


Says = Callable[[OnCall], Spoken | None]


@dataclass(frozen=True, slots=True)
class CallKind:
    """How one kind of call goes. Each part says what is heard, or None: go on."""

    asks: Callable[[OnCall], str]  # the words that ask for a key
    no_key: str  # the words when none came
    keys: Mapping[str, Callable[[OnCall], Spoken]]
    refused: Says  # looked at first, always
    voicemail: Says
    repeated: Says  # instead of what a key does: one was pressed before
    settled: Says  # instead of asking: it was settled since the call was made
    urgent: Says  # instead of the usual words
    fault: str = ""  # the words when we fail


def picked_up(parts: Parts, kind: str, call_id: str, sid: str | None, machine: bool) -> Spoken:
    """The first words of a call."""
    if (on := _known(parts, kind, call_id)) is None:
        return Spoken()
    how = CALLS[kind]
    note_receipt(parts, call_id, CallState.IN_PROGRESS, sid)
    if on.call.person == INTERPRETER:
        return _interpreter(on)
    if refused := how.refused(on):
        return refused
    if machine or on.call.machine:
        on.note(machine=True)
        return how.voicemail(on) or Spoken()
    return how.urgent(on) or how.settled(on) or on.says(how.asks(on), asks=1)


def pressed(parts: Parts, kind: str, call_id: str, machine: bool, key: str, time: int) -> Spoken:
    """A key, or none ("") after the words were said for the `time`-th time."""
    on = _known(parts, kind, call_id)
    if on is None or machine or on.call.machine:
        return Spoken()
    how = CALLS[kind]
    if said := how.refused(on) or how.repeated(on):
        return said
    if key in how.keys:
        return how.keys[key](on)
    if settled := how.settled(on):
        return settled
    return on.says(how.asks(on), asks=time + 1) if time < TIMES else on.says(how.no_key)


def fault_words(parts: Parts, kind: str) -> Spoken:
    """What is heard when we fail: nobody is left to believe that they took a case; a resident hears
    nothing, and the call counts as not heard."""
    language = parts.catalog.spoken(parts.program.languages[0])
    if not language or not (key := CALLS[kind].fault):
        return Spoken()
    return Spoken(parts.catalog.text(language, key), language)


def _known(parts: Parts, kind: str, call_id: str) -> OnCall | None:
    """The call, if it is of this kind: the id of one opens nothing of the other."""
    with reading(parts.engine) as conn:
        call = calls.by_id(conn, call_id)
        if call is None or (call.person is not None) != (kind == "page"):
            return None
        case = cases.by_id(conn, parts.sealer, call.case_id)
    return None if case is None else OnCall(parts, call, case)


def parted(parts: Parts, call_id: str, reached: bool) -> Spoken:
    """The caller and the member of staff are apart, or never were together."""
    on = _known(parts, "page", call_id)
    if on is None or reached:
        return Spoken()
    promised = _promised(on)
    if promised is not None:
        with reading(parts.engine) as conn:
            theirs = calls.by_id(conn, promised.resident_call_id or "")
        if promised.state == CallbackState.CANCELLED:  # taken back since they pressed 1
            return on.says("spoken.callback.not_wanted")
        follows = "again" if goes_on(parts, promised) else "last"
        if theirs is not None and theirs.machine:
            return on.says("spoken.callback.machine", f"spoken.callback.{follows}")
        rings = theirs is None or theirs.rank < calls.ENDED
        if promised.state == CallbackState.RINGING and rings:
            return Spoken("", on.parts.program.languages[0], joins=on.case.id)
        return on.says("spoken.callback.nobody", f"spoken.callback.{follows}")
    if on.case.on_line and on.case.in_charge not in ("", on.call.person):
        return on.says("page.call_taken", name=on.case.in_charge)
    if on.case.talking:
        return on.says("spoken.whisper.talking")
    if not on.case.on_line:
        return on.says("spoken.whisper.left")
    # they hear an instruction to its end, or are in a call to 988: the member of staff stays on
    away = put_through_to(on.parts, on.case)
    told = on.says(f"spoken.whisper.at_{away}" if away else "spoken.whisper.not_yet")
    return Spoken(told.words, told.language, joins=on.case.id)


def in_room(parts: Parts, call_id: str) -> Spoken:
    """What staff hear in a room that nobody else is in: that the caller has hung up, if so. Else
    the caller is looked for: they may have come back from a call to 988 (resident_call._seat)."""
    on = _known(parts, "page", call_id)
    if on is None or on.case.talking:
        return Spoken()
    if not on.case.on_line:
        return on.says("spoken.whisper.left")
    with transaction(parts.engine) as conn:
        leg = legs.live(conn, parts.sealer, on.case.id)
        if leg is not None:
            legs.look_again(conn, leg.id, parts.now())
    return Spoken()


def _nothing(_: OnCall) -> None:
    return None


# ---- somebody who is paged -----------------------------------------------------------------------


def _takes(case: Case, name: str, scene: Scene, conn: sa.Connection) -> Step:
    """What they must know before they write is texted: a call says no more than the reference."""
    at = case.marks.get(Mark.PROMISED)
    step = accept(case, name, at, scene, full=full_beside(conn, case))
    known = tuple(Alert(key, name) for key in terms(step.case)) if step.effects else ()
    return Step(step.case, (*step.effects, *known))


Decide = Callable[[Case, str, Scene, sa.Connection], Step]


def _decides(answer: str, decide: Decide) -> Callable[[OnCall], Spoken]:
    def decided(on: OnCall) -> Spoken:
        if _bridges(on):
            return _to_psap(on) if answer == "accepted" else _not_to_psap(on)
        promised = _promised(on)
        if promised is not None and answer == "accepted":
            return _rings_them(on, promised)
        if promised is not None:  # not now: the next person
            on.note(answer=answer)
            return on.says("page.call_passed")
        person = on.call.person or ""
        if _for_other_call(on):
            return _other_call(on, answer)
        try:
            update_case(
                on.parts,
                on.case.id,
                lambda case, scene, conn: decide(case, person, scene, conn),
                person,
            )
        except Refused as refusal:
            if refusal.code == "full":  # since their phone began to ring: the next person, now
                return _decides("full", passes)(on)
            taken = refusal.code == "taken"
            return on.says("page.call_taken" if taken else "page.call_ended", name=refusal.name)
        on.note(answer=answer)
        joined = _to_caller(on) if answer == "accepted" else None
        return joined or on.says(_answered(on, answer))

    return decided


def _answered(on: OnCall, answer: str) -> str:
    """What an answer is thanked with. A caller may have hung up since this phone was rung for
    them."""
    left = on.case.marks.get(Mark.OFF_LINE)
    gone = not on.case.on_line and left is not None and left >= on.call.at
    return "spoken.whisper.left" if answer == "accepted" and gone else f"page.call_{answer}"


def _other_call(on: OnCall, answer: str) -> Spoken:
    """Their key takes another call of the number, or passes it on; the case stays where it is."""
    on.note(answer=answer)
    if answer == "accepted":
        with transaction(on.parts.engine) as conn:
            stop_calls(conn, on.parts, on.case, on.parts.now())
        return _to_caller(on) or on.says("page.call_taken", name=on.case.in_charge)
    person = on.call.person or ""
    change(on.parts, on.case.id, lambda case, scene: passed_beside(case, person, scene), person)
    return on.says("page.call_passed")


def _for_other_call(on: OnCall) -> bool:
    """Was this person asked for another call of the number, while somebody speaks with the first?
    The case stays with whoever has it."""
    return on.case.in_charge not in ("", on.call.person) and waits_beside(on.parts, on.case)


def _to_caller(on: OnCall) -> Spoken | None:
    """The resident is on the line: who took the case hears what they must know, and is joined to
    them. Nothing of the number or the place is said."""
    with reading(on.parts.engine) as conn:
        case = cases.by_id(conn, on.parts.sealer, on.case.id)
    theirs = case is not None and (case.accepted_by == on.call.person or _for_other_call(on))
    if case is None or not case.on_line or not theirs:
        return None
    language = _other_language(on, case)
    told = on.says(*whisper(case, language), name=language)
    if on.parts.interprets(case):
        _into_the_room(on, case)
        return Spoken(told.words, told.language, meets=case.id)
    return Spoken(told.words, told.language, joins=case.id)


def _into_the_room(on: OnCall, case: Case) -> None:
    """The caller is fetched from their queue, and the interpreter line rung if nobody is there. The
    same key twice fetches once."""
    with transaction(on.parts.engine) as conn:
        leg = legs.live(conn, on.parts.sealer, case.id)
        ring_interpreter(conn, on.parts, case, on.parts.now())
        if leg is not None:
            on.parts.jobs.enqueue(
                conn, "ask_after", f"leg:{leg.id}:meets:{on.call.id}", leg.id, PEOPLE
            )


def _interpreter(on: OnCall) -> Spoken:
    """The interpreter line answers: a person, or a machine that chooses one. It takes no case; it
    waits in the room until somebody of staff is there."""
    if on.case.ended or not on.case.on_line:
        return on.says("page.call_ended")
    language = on.parts.catalog.languages[on.case.language].name
    told = on.says("spoken.interpreter.line", name=language)
    return Spoken(told.words, told.language, meets=on.case.id, waits_there=True)


def _other_language(on: OnCall, case: Case) -> str:
    """The caller's language, as staff call it, if it is not the one that staff are called in."""
    ours = on.parts.catalog.spoken(on.parts.program.languages[0])
    if case.language == ours:
        return ""
    return name_for(ours, on.parts.catalog.languages[case.language])


def whisper(case: Case, language: str = "") -> tuple[str, ...]:
    """The keys of what is said before a caller is joined: at most two dangers, or the first
    that they did not know or did not answer; their `language` if it is another than the staff's, a
    minor, and that they are deaf: an operator may speak for them, and slowly."""
    deaf = ("spoken.whisper.deaf",) if is_deaf(case) else ()
    most = 1 if deaf or language else 2
    dangers: tuple[str, ...] = case.dangers[:most] or case.doubts[: most - 1]
    unclear = case.doubts or case.answers.get("safety", "no") != "no"
    if unclear and not case.dangers:
        dangers = (*dangers, "unsure")
    kinds = [f"spoken.whisper.kind.{kind}" for kind in dangers]
    speaks = ("spoken.whisper.language",) if language else ()
    minor = ("spoken.whisper.minor",) if case.minor else ()
    interpreter = ("spoken.whisper.interpreter",) if case.interpreter else ()
    return (
        "spoken.whisper.reference",
        *(kinds or ["spoken.whisper.kind.none"]),
        *speaks,
        *(interpreter or minor),
        *deaf,
        "spoken.whisper.connecting",
    )


def _rung_for_caller(on: OnCall) -> Spoken | None:
    """A call that was promised, or somebody on the line: the shortest words before "press 1"."""
    if _bridges(on):
        return on.says("spoken.psap.before", asks=1) if _psap(on) else on.says("spoken.psap.nobody")
    promised = _promised(on)
    if promised is not None:
        return _off(on, promised) or on.says(_asks_staff(on), asks=1)
    if settled := _answered_since(on):
        return settled
    return on.says("spoken.whisper.before", asks=1) if on.case.on_line else None


def _asks_staff(on: OnCall) -> str:
    """What 1 does: it takes the case, or rings the resident as promised."""
    return "page.call" if _promised(on) is None else "spoken.callback.before"


def _off(on: OnCall, promised: Callback) -> Spoken | None:
    """Why the resident is not rung any more; None: they are."""
    if on.case.ended:
        return on.says("page.call_ended")
    if promised.state == CallbackState.CANCELLED or not calls_wanted(on.case):
        return on.says("spoken.callback.not_wanted")
    live = promised.state == CallbackState.RINGING
    return None if live else on.says("spoken.callback.over")


def _promised(on: OnCall) -> Callback | None:
    with reading(on.parts.engine) as conn:
        return callbacks.by_call(conn, on.parts.sealer, on.call.id)


def _rings_them(on: OnCall, promised: Callback) -> Spoken:
    """Whoever is to call back has pressed 1: the resident's phone rings, and they hear it ring."""
    if off := _off(on, promised):
        return off
    with contextlib.suppress(cases.Stale), transaction(on.parts.engine) as conn:
        taken(conn, on.parts, promised, on.case)
    on.note(answer="accepted")
    voicemail = ("spoken.callback.voicemail",) if voicemail_allowed(on.case) else ()
    # what was said since it was booked: they decide what may be said on that phone
    danger = tuple(f"spoken.whisper.kind.{kind}" for kind in on.case.dangers[:1])
    after = "spoken.callback.after" if promised.ask_for else "spoken.callback.after_no_name"
    told = on.says("spoken.whisper.reference", *danger, after, *voicemail, name=promised.ask_for)
    if language := _other_language(on, on.case):  # they speak first, and not in vain
        said = on.says("spoken.whisper.language", name=language)
        told = with_changes(told, words=f"{told.words} {said.words}")
    return Spoken(told.words, told.language, joins=on.case.id)


# ---- somebody who calls the PSAP -----------------------------------------------------------------


def _bridges(on: OnCall) -> bool:
    return on.case.psap_call == on.call.id


def _psap(on: OnCall) -> str:
    """The line of the PSAP; "" if nobody is to be joined to it any more."""
    waits = on.case.psap_how in UNDER_WAY and not on.case.ended
    return psap_line(on.case, on.parts.program) if waits else ""


def _to_psap(on: OnCall) -> Spoken:
    """They pressed 1: the PSAP's line rings, and they hear it ring. The same key twice is answered
    the same."""
    line, person = _psap(on), on.call.person or ""
    if not line:
        return on.says("spoken.psap.nobody")
    on.note(answer="psap")
    change(on.parts, on.case.id, lambda case, _: psap_rung(case, person, on.call.id), person)
    told = on.says("spoken.psap.joining")
    return Spoken(told.words, told.language, dials=line)


def _not_to_psap(on: OnCall) -> Spoken:
    return on.says("spoken.psap.left")


def psap_parted(parts: Parts, call_id: str, dial_status: str) -> Spoken | None:
    """They and the PSAP are apart, or it did not answer. None: the call was for something else."""
    on = _known(parts, "page", call_id)
    if on is None or not _bridges(on):
        return None
    person, how = on.call.person or "", how_it_went(dial_status)
    change(parts, on.case.id, lambda case, _: psap_over(case, person, call_id, how), person)
    return Spoken() if how == Joined.SPOKE else on.says("spoken.psap.nobody")


def _pressed_before(on: OnCall) -> Spoken | None:
    if on.call.answer == "psap":
        return _to_psap(on)
    if on.call.answer == "accepted":
        promised = _promised(on)
        joined = _rings_them(on, promised) if promised else _to_caller(on)
        if joined:
            return joined
    return on.says(_answered(on, on.call.answer)) if on.call.answer else None


def _answered_since(on: OnCall) -> Spoken | None:
    """Who has it, or that it ended."""
    if _bridges(on):  # no 1 came: whoever wants to, presses the button again
        return _not_to_psap(on)
    if (promised := _promised(on)) is not None:  # who has the case changes nothing of it
        return _off(on, promised)
    theirs = on.case.on_line and on.case.accepted_by == on.call.person
    if not answered_since(on.case, on.call.at) or (theirs and not on.case.ended):
        return None
    return on.says(
        "page.call_ended" if on.case.ended else "page.call_taken", name=on.case.accepted_by
    )


# ---- a resident whom texts do not reach ----------------------------------------------------------


def _gate(on: OnCall) -> Spoken | None:
    """The safe-contact gate, on today's truth: the call ends without a word."""
    return None if may_call_update(on.case, on.parts.program) else Spoken()


def _voicemail(on: OnCall) -> Spoken | None:
    return on.says("update_call.voicemail") if voicemail_allowed(on.case) else None


def _hears(on: OnCall) -> Spoken:
    """Where the case stands now."""
    case = on.case
    if not on.call.answer:
        case = change(on.parts, case.id, told_by_call, Author.RESIDENT) or case
        on.note(answer="heard")
    return on.says(*update_call_keys(case), "update_call.goodbye")


CALLS = {
    "page": CallKind(
        asks=_asks_staff,
        no_key="page.call_no_key",
        keys={
            TAKE: _decides(
                "accepted",
                _takes,
            ),
            PASS: _decides("passed", passes),
        },
        refused=_nothing,
        voicemail=_nothing,
        repeated=_pressed_before,
        settled=_answered_since,
        urgent=_rung_for_caller,
        fault="page.call_fault",
    ),
    "update": CallKind(
        asks=lambda _: "update_call.call",
        no_key="update_call.goodbye",
        keys={TAKE: _hears},
        refused=_gate,
        voicemail=_voicemail,
        repeated=_nothing,
        settled=_nothing,
        urgent=_nothing,
    ),
}
