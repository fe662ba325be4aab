"""A call that a resident is on, step by step: load, decide, save, and what is heard next.

One step is one turn: the provider's id of the call and the number of the document it answers. The
same step again gets the same script. A step is written by compare-and-swap like a text, and once
more under the lock after a conflict (casework/receive.py).
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from dataclasses import replace as with_changes
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from caller_service.core import phone_call, phone_waiting
from caller_service.core.case import Case, Channel, Status, Step
from caller_service.core.effect import Record
from caller_service.core.holding import joins_by_phone
from caller_service.core.journal_events import Event
from caller_service.core.marks import Mark
from caller_service.core.outbound import CallbackState, CallState, TextState
from caller_service.core.phone_script import (
    At,
    Heard,
    Line,
    Position,
    Spoken,
    Surroundings,
    Then,
    remembered,
)
from caller_service.core.reach import CannotText
from caller_service.core.routing import Scene
from caller_service.core.safe_contact import calls_wanted
from caller_service.gateway.telephony import TelephonyError
from caller_service.language.recordings import NotRecorded, path_of
from caller_service.language.spoken import seconds, sentences
from caller_service.language.wording import spelled, spoken_words
from caller_service.store import callbacks, calls, cases, contacts, legs, turns
from caller_service.store.contacts import Contact
from caller_service.store.database.transaction import reading, transaction
from caller_service.store.journal import Author
from caller_service.store.legs import Leg
from caller_service.store.messages import Text

from .carry_out import Decision, prepare, save, stop_interpreter
from .change import attempt, update_case
from .identity import join_contacts
from .interpret import understand_aloud
from .outbound.call_person import note_receipt, voicemail_allowed
from .parts import Parts
from .receive import is_test, new_case

log = logging.getLogger(__name__)
CHECK = timedelta(minutes=5)  # a call that says nothing for so long is asked after
AGAIN = timedelta(seconds=5)  # until a caller who could not be moved is moved again
PROVIDER = "voice"  # of the messages that were spoken or keyed
SLOWER = 1.2  # times as long, at the rate of language.toml
IN_QUEUE = frozenset({At.WAITING, At.CONFIRM})
# where words are listened for, if the program has signed for it
LISTENS = frozenset({At.GREETING, At.ASKED, At.NUMBER, At.PLACE, At.STATUS, At.CLOSING})
ANSWER = timedelta(seconds=1)  # from our answer to the first word of it


@dataclass(frozen=True, slots=True)
class Call:
    """An inbound call, as the request handler read it. No number: it is withheld."""

    provider_id: str
    number: str = field(repr=False)
    our_number: str = ""
    callback_line: bool = False  # they rang the number that we call back from


Utterance = tuple[str, str, tuple[str, ...]]  # language, words, paths of recordings to play instead


@dataclass(frozen=True, slots=True)
class Script:
    """What is heard next. The web writes it as a document; nothing in it is decided there.
    `lines`: what is said, in order."""

    leg: str
    step: int
    lines: tuple[Utterance, ...] = field(default=(), repr=False)
    question: int = -1  # the line that begins the open question
    then: str = Then.HANG_UP.value
    listens: int = 0
    speech: bool = False  # words are listened for, beside keys
    many: bool = False  # keys are gathered until none comes any more, not one alone
    queue: str = ""  # its name
    dial: str = ""  # whom to put them through to
    caller: str = ""  # the number that is shown there; "": their own
    slower: bool = False


def begin(parts: Parts, call: Call) -> Script:
    """A call came in: the same call again gets the same words."""
    return attempt(
        parts,
        lambda conn, lock: _begin(conn, parts, call, lock),
        lambda conn: _hold(conn, parts, call),
    )


def heard(
    parts: Parts, leg_id: str, step: int, digits: str = "", words: str = "", sure: float = 0.0
) -> Script | None:
    """A key, words, or silence, in answer to the document of `step`. None: no such call."""
    now = parts.now()

    def decide(case: Case, position: Position, scene: Scene, around: Surroundings) -> Spoken:
        told = Heard(max(now, scene.now), digits, words, sure)
        return phone_call.hear(case, position, told, scene, around)

    return _step(parts, leg_id, step, decide, digits or words, words)


def waits(parts: Parts, leg_id: str, step: int) -> Script | None:
    """The first words in the queue: those that were left to say, and that somebody is asked."""
    return _step(parts, leg_id, step, phone_waiting.wait)


def left(parts: Parts, leg_id: str, entry: int, result: str) -> Script | None:
    """They are out of the queue that they entered at step `entry`."""
    talked, beside = _talked(parts, leg_id) if result == "bridged" else (None, False)

    def decide(case: Case, position: Position, scene: Scene, around: Surroundings) -> Spoken:
        other = beside and case.talking
        return phone_waiting.left_queue(case, position, result, talked, scene, other)

    return _step(parts, leg_id, None, decide, entry=entry)


def _talked(parts: Parts, leg_id: str) -> tuple[timedelta | None, bool]:
    """How long a human spoke with them; and does one speak with another call of their number?"""
    with reading(parts.engine) as conn:
        leg, talk = legs.by_id(conn, parts.sealer, leg_id), legs.last_talk(conn, leg_id)
        others = legs.speaking(conn, leg.case_id, leg_id) if leg else frozenset()
    length = (talk.ended_at or parts.now()) - talk.at if talk else None
    return length, bool(others)


def came_back(parts: Parts, leg_id: str, step: int, reached: bool) -> Script | None:
    """The call to 988, or to the PSAP, is over."""

    def decide(case: Case, position: Position, scene: Scene, around: Surroundings) -> Spoken:
        return phone_waiting.came_back(case, position, reached, scene)

    return _step(parts, leg_id, step, decide)


def joined(parts: Parts, sid: str, call_id: str) -> tuple[Utterance, ...] | None:
    """A human's phone is being joined to this call: who it is stands with their call. Returns
    what the caller hears just before; None: no such call, or nothing."""
    with reading(parts.engine) as conn:
        leg = legs.by_provider_id(conn, parts.sealer, sid)
        staff = calls.by_id(conn, call_id)
    if leg is None or staff is None or staff.person is None or staff.case_id != leg.case_id:
        return None
    if leg.ended_at is not None:  # told late: nobody is there to speak with
        return None
    case = _joins(parts, leg, staff)
    if case is None:
        return None
    if leg.callback_id is not None:  # the human speaks first
        return None
    return tuple(utterances(parts, Line("spoken.wait.found"), case))


def _joins(parts: Parts, leg: Leg, staff: calls.Call) -> Case | None:
    """A human's talk with them begins; once for each call of the human's."""
    person, call_id, talk_id, now = staff.person or "", staff.id, parts.new_id(), parts.now()

    def also(conn: sa.Connection) -> None:
        last = legs.last_talk(conn, leg.id)
        if last is None or last.call_id != call_id:  # the provider may ask twice
            legs.begin_talk(conn, talk_id, leg, call_id, person, now)

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        last = legs.last_talk(conn, leg.id)
        if last is not None and last.call_id == call_id:
            return Step(case)
        return joins_by_phone(case, person, scene)

    return update_case(parts, leg.case_id, decide, person, also)


def meets(parts: Parts, leg_id: str) -> Script | None:
    """They are fetched from their queue into the room where a human waits and an interpreter comes.
    If the human is gone meanwhile, they stay in the queue."""
    with reading(parts.engine) as conn:
        leg = legs.by_id(conn, parts.sealer, leg_id)
        staff = calls.taken_by(conn, leg.case_id) if leg else None
    if leg is None or leg.ended_at is not None or not leg.state:
        return None
    if staff is None or _at(leg) not in IN_QUEUE:
        return _script_of(leg)
    if _joins(parts, leg, staff) is None:
        return _script_of(leg)

    def decide(case: Case, position: Position, scene: Scene, around: Surroundings) -> Spoken:
        return phone_waiting.meets(case, position)

    return _step(parts, leg_id, leg.step, decide)


def met(parts: Parts, leg_id: str, step: int) -> Script | None:
    """They are out of the room: the human has left it, or never came."""

    talked, _ = _talked(parts, leg_id)

    def decide(case: Case, position: Position, scene: Scene, around: Surroundings) -> Spoken:
        return phone_waiting.meeting_over(case, position, talked, scene)

    script = _step(parts, leg_id, step, decide)
    with transaction(parts.engine) as conn:
        legs.end_talk(conn, leg_id, parts.now())
    return script


def _at(leg: Leg) -> At:
    return At(json.loads(leg.state)["position"]["at"])


def _seat(parts: Parts, leg: Leg) -> bool:
    """A caller whose language needs an interpreter: fetched into the room once a human is there,
    and back out of it once none is. Was there anything to do?"""
    with reading(parts.engine) as conn:
        case = cases.by_id(conn, parts.sealer, leg.case_id)
        staff = calls.taken_by(conn, leg.case_id)
    if case is None or not leg.state:
        return False
    at, door = _at(leg), f"{parts.public_url}/twilio/voice"
    if at in IN_QUEUE and staff is not None and parts.interprets(case):
        url = f"{door}/meets?leg={leg.id}"
    elif at == At.MEETING and staff is None:
        url = f"{door}/met?leg={leg.id}&step={leg.step}"
    else:
        return False
    try:
        parts.telephony.move(leg.provider_id, url)
    except TelephonyError as problem:
        log.warning("call cannot be reached", extra={"fault": problem.code})
        with transaction(parts.engine) as conn:
            legs.look_again(conn, leg.id, parts.now() + AGAIN)
    return True


def called_back(parts: Parts, call_id: str, sid: str, machine: bool) -> Script | None:
    """The resident's phone was answered: into the queue, where a human takes them out and speaks
    first. No artificial voice says a word to them. A machine is hung up on, unless a message was
    allowed: then the human speaks it. None: no such call."""
    with reading(parts.engine) as conn:
        promised = callbacks.by_call(conn, parts.sealer, call_id)
        call = calls.by_id(conn, call_id)
        known = legs.by_provider_id(conn, parts.sealer, sid)
        case = cases.by_id(conn, parts.sealer, call.case_id) if call else None
        staff = calls.by_id(conn, promised.call_id or "") if promised else None
    if known is not None:
        return _script_of(known)
    if promised is None or call is None or case is None or call.person is not None:
        return None
    note_receipt(parts, call_id, CallState.IN_PROGRESS, sid)
    if machine:
        with transaction(parts.engine) as conn:
            calls.note(conn, call_id, machine=True)
    gone = staff is None or staff.rank >= calls.ENDED or promised.state != CallbackState.RINGING
    gone = gone or not calls_wanted(case)
    if gone or case.ended or (machine and not voicemail_allowed(case)):
        return None
    leg_id, now = parts.new_id(), parts.now()
    position = Position(At.CALLED, waits_since=now)
    script = Script(leg_id, 1, then=Then.QUEUE.value, queue=case.id)
    told = Spoken(Step(case), position, then=Then.QUEUE)
    state = _state(parts, told, script)
    leg = Leg(leg_id, case.id, sid, 1, state, "", now, None, promised.id)

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        return Step(case.marked(scene.now, Mark.ON_LINE), (Record(Event.CALL_ANSWERED),))

    update_case(
        parts,
        case.id,
        decide,
        Author.SYSTEM,
        lambda conn: legs.add(conn, parts.sealer, leg, now + CHECK),
    )
    return script


def ended(parts: Parts, sid: str) -> None:
    """The resident's call is over, however it ended. Reports come twice, late, or never."""
    with reading(parts.engine) as conn:
        leg = legs.by_provider_id(conn, parts.sealer, sid)
    if leg is None or leg.ended_at is not None:
        return
    now = parts.now()

    def also(conn: sa.Connection) -> None:
        legs.end_talk(conn, leg.id, now)
        legs.end(conn, leg.id, now)
        stop_interpreter(conn, parts, leg.case_id, now)
        if leg.callback_id is not None:
            callbacks.look_again(conn, leg.callback_id, now)

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        known = legs.by_id(conn, parts.sealer, leg.id)
        if known is None or known.ended_at is not None:
            return Step(case)
        others = legs.others_live(conn, parts.sealer, case.id, leg.id)
        if not others:
            return phone_waiting.hung_up(case, scene)
        talk = legs.last_talk(conn, leg.id)
        if talk is None and case.talking:
            return phone_waiting.other_gone(case)
        if talk is None or talk.ended_at is not None or legs.speaking(conn, case.id, leg.id):
            return Step(case)
        waits = any(other.state and _at(other) in IN_QUEUE for other in others)
        return phone_waiting.one_of_two_gone(case, waits, scene)

    update_case(parts, leg.case_id, decide, Author.RESIDENT, also)


def staff_parted(parts: Parts, call_id: str) -> None:
    """The human's phone is gone: their talk is over, even if the resident's phone says nothing."""
    with reading(parts.engine) as conn:
        talk = legs.talk_of(conn, call_id)
        leg = legs.by_id(conn, parts.sealer, talk.leg_id) if talk else None
    if talk is None or leg is None or talk.ended_at is not None:
        return

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        if legs.speaking(conn, case.id, leg.id):
            return Step(case)
        return phone_waiting.talk_ended(case, scene)

    update_case(parts, leg.case_id, decide, talk.person)
    with transaction(parts.engine) as conn:
        legs.end_talk(conn, leg.id, parts.now())


def put_through_to(parts: Parts, case: Case) -> str:
    """In whose call the caller is meanwhile, by their own choice: "988", "psap"; "": in none."""
    with reading(parts.engine) as conn:
        leg = legs.live(conn, parts.sealer, case.id)
    if leg is None or not leg.state:
        return ""
    position = _position(json.loads(leg.state)["position"])
    there = position.at == At.LEAVING and position.choice in ("988", "psap")
    return position.choice if there else ""


def waits_beside(parts: Parts, case: Case) -> bool:
    """Does another call of their number wait for a human, while one speaks with the first?"""
    if not case.talking or parts.interprets(case):  # one room a case: an interpreter is in it
        return False
    with reading(parts.engine) as conn:
        speaking = legs.speaking(conn, case.id)
        others = legs.others_live(conn, parts.sealer, case.id, "")
    free = (leg for leg in others if leg.id not in speaking and leg.state)
    return any(_at(leg) in IN_QUEUE for leg in free)


def look_after(parts: Parts) -> int:
    """Jobs for the calls of which nothing was heard. A sweep asks nobody itself: a provider that
    hangs would hold up every clock."""
    now = parts.now()
    with reading(parts.engine) as conn:
        found = legs.due(conn, now, 50)
    if found:
        moment = int(now.timestamp() * 1000)
        with transaction(parts.engine) as conn:
            for leg_id in found:
                legs.look_again(conn, leg_id, now + CHECK)
                parts.jobs.enqueue(conn, "ask_after", f"leg:{leg_id}:{moment}", leg_id)
    return len(found)


def ask_after(parts: Parts, leg_id: str, job: str = "") -> None:
    """Bring a caller where they belong (`_seat`); else the provider says whether the call is over.
    Where it cannot say so now, it is asked again in `CHECK`."""
    with reading(parts.engine) as conn:
        leg = legs.by_id(conn, parts.sealer, leg_id)
    if leg is None or leg.ended_at is not None or _seat(parts, leg):
        return
    if parts.telephony.is_over(leg.provider_id):
        ended(parts, leg.provider_id)


# ---- one step ------------------------------------------------------------------------------------

Decide = Callable[[Case, Position, Scene, Surroundings], Spoken]
Work = Callable[[sa.Connection], Script]


def _hold(conn: sa.Connection, parts: Parts, call: Call) -> None:
    """Calls and texts of one number wait for each other here."""
    if not call.number:
        return
    held = contacts.lock(conn, parts.sealer, _contact(parts, call), parts.now())
    if len(held) > 1:
        join_contacts(conn, parts, call.number)


def _contact(parts: Parts, call: Call) -> Contact:
    return Contact(
        parts.new_id(), parts.program.languages[0], call.number, our_number=call.our_number
    )


def _begin(conn: sa.Connection, parts: Parts, call: Call, lock: bool) -> Work:
    known = legs.by_provider_id(conn, parts.sealer, call.provider_id)
    if known is not None:
        return lambda _: _script_of(known)
    state = turns.load_turn(conn, parts.sealer, call.number, parts.now()) if call.number else None
    unsettled = state and (state.split or (state.contact is None and parts.sealer.rotates))
    if unsettled and not lock:
        raise cases.Stale
    found = state.case if state else None
    if found is not None and lock:
        found = cases.by_id(conn, parts.sealer, found.id, lock=True)
        found = None if found is None or found.ended or found.parked else found
    contact = (state.contact if state else None) or _contact(parts, call)
    full = state.full if state else None
    scene = parts.scene(conn, full, surge=found is None)
    test = is_test(parts, call.number, call.provider_id)
    last = (
        cases.last_closed(conn, contact.id)
        if found is None and state and state.contact
        else cases.LastClosed()
    )
    case = found or new_case(
        conn, parts, contact, test, last.id, last.answered_with, channel=Channel.PHONE
    )
    if case.test and not test:  # a person has that number after all: humans are asked
        case = with_changes(case, test=False)
    if not call.number:
        case = with_changes(case, cannot_text=CannotText.WITHHELD)
    scene = with_changes(scene.for_case(case), aloud=True)
    around = with_changes(_around(conn, parts, case), callback_line=call.callback_line)
    told = phone_call.begin(case, scene, around)
    leg = Leg(parts.new_id(), case.id, call.provider_id, 1, "", call.our_number, scene.now, None)
    script, text_rows = _scripted(parts, leg, told, contact)
    decision = Decision(contact, found, told.step, scene, Author.RESIDENT, spoken=text_rows)
    prepared = prepare(parts, decision)
    leg = with_changes(leg, state=_state(parts, told, script))

    def write(conn: sa.Connection) -> Script:
        if state is None or state.contact is None:
            contacts.add(conn, parts.sealer, contact, scene.now)
        elif not state.current:
            contacts.renew(conn, parts.sealer, contact.id, call.number)
        if call.our_number and contact.our_number != call.our_number:
            contacts.set_our_number(conn, contact.id, call.our_number)
        save(conn, parts, prepared)
        legs.add(conn, parts.sealer, leg, scene.now + CHECK)
        return script

    return write


def _step(
    parts: Parts,
    leg_id: str,
    step: int | None,
    decide: Decide,
    said: str = "",
    words: str = "",
    entry: int = 0,
) -> Script | None:
    def work(conn: sa.Connection, lock: bool) -> Work:
        read = turns.load_step(conn, parts.sealer, leg_id, parts.now())
        if read is None or read.leg.ended_at is not None or not read.leg.state:
            raise _Gone
        leg, case, contact, full = read
        known = json.loads(leg.state)
        again = leg.step != step if step is not None else known["entry"] != entry
        if again:  # the provider repeats itself
            return lambda _: _script_of(leg)
        before: Case | None = case
        position = _position(known["position"])
        asks = said == "0" or (position.choice == "ended" and _unheard(conn, leg, case))
        if case.ended and asks and leg.callback_id is None:
            case, before = _anew(conn, parts, case, contact, lock)  # a person, after all
        # before `safety` they hear what is true just now, and that others wait too (rule 4)
        surge = case.status == Status.SCREENING and "safety" not in case.answers
        scene = with_changes(parts.scene(conn, full, surge=surge).for_case(case), aloud=True)
        around = _around(conn, parts, case, position, words, scene)
        told = decide(case, position, scene, around)
        told = _with_left(told, known["left"])
        if case.id != leg.case_id:  # the call goes on there
            told = with_changes(told, step=told.step.then(Record(Event.CALL_BEGAN)))
        following = with_changes(leg, step=leg.step + 1, case_id=case.id)
        inbound = _inbound(parts, leg, said, case, contact, scene)
        script, text_rows = _scripted(parts, following, told, contact, inbound)
        changed = told.step.case != before or told.step.effects or text_rows
        prepared = (
            prepare(
                parts,
                Decision(contact, before, told.step, scene, Author.RESIDENT, spoken=text_rows),
            )
            if changed
            else None
        )
        state = _state(parts, told, script, known)

        def write(conn: sa.Connection) -> Script:
            if prepared is not None:
                save(conn, parts, prepared)
            check = scene.now + CHECK
            if not legs.advance(conn, parts.sealer, leg, state, check, told.step.case.id):
                raise cases.Stale
            return script

        return write

    try:
        return attempt(parts, work, lambda conn: _hold_case(conn, parts, leg_id))
    except _Gone:
        return None


def _unheard(conn: sa.Connection, leg: Leg, case: Case) -> bool:
    """Was the case closed before anybody spoke with whoever is on this call, or wrote to them since
    it began? A talk with another call of their number was perhaps with somebody else."""
    if legs.last_talk(conn, leg.id) is not None:
        return False
    wrote = case.marks.get(Mark.NOTED)
    return wrote is None or wrote < leg.at or bool(legs.talks(conn, case.id))


def _anew(
    conn: sa.Connection, parts: Parts, ended: Case, contact: Contact, lock: bool
) -> tuple[Case, Case | None]:
    """Their case ended, and they ask for a person on the same call, or wait for one: the case that
    they opened by text meanwhile, or a new one. Returns it, and how it stands in the database."""
    known = (
        turns.load_turn(conn, parts.sealer, contact.number, parts.now()).case
        if contact.number
        else None
    )
    if known is not None and lock:
        known = cases.by_id(conn, parts.sealer, known.id, lock=True)
    found = None if known is None or known.ended or known.parked else known
    case = found or with_changes(
        new_case(conn, parts, contact, ended.test, ended.id, channel=Channel.PHONE),
        language=ended.language,
        interpreter=ended.interpreter,
    )
    if not contact.number:
        case = with_changes(case, cannot_text=CannotText.WITHHELD)
    now = parts.now()
    case = case if Mark.OPENED in case.marks else case.marked(now, Mark.OPENED, Mark.HEARD)
    return case.marked(now, Mark.ON_LINE), found


def _hold_case(conn: sa.Connection, parts: Parts, leg_id: str) -> None:
    """Nobody else writes the case of this call until the transaction ends."""
    leg = legs.by_id(conn, parts.sealer, leg_id)
    if leg is not None:
        cases.by_id(conn, parts.sealer, leg.case_id, lock=True)


def _with_left(told: Spoken, left: list[dict[str, Any]]) -> Spoken:
    """What was to be said in the queue comes first there."""
    if told.then != Then.WAIT or not left:
        return told
    return with_changes(told, lines=(*_lines(left), *told.lines))


class _Gone(Exception):
    """There is no such call, or it is over."""


def _around(
    conn: sa.Connection,
    parts: Parts,
    case: Case,
    position: Position | None = None,
    words: str = "",
    scene: Scene | None = None,
) -> Surroundings:
    first = parts.spoken(case.language)
    offered = parts.program.phone.languages or parts.program.languages
    spoken = [tag for tag in offered if parts.speaks(tag)]
    languages = (first, *(tag for tag in spoken if tag != first)) if first else ()
    waiting = position is not None and position.waits_since is not None
    since = case.marks.get(Mark.FIRST_PAGED)
    asked = legs.asked(conn, case.id, since) if waiting and since is not None else 0
    heard = understand_aloud(case, words, scene, parts.language_words) if words and scene else None
    return Surroundings(languages, asked, heard, other_tongue=first != case.language)


def _inbound(
    parts: Parts, leg: Leg, said: str, case: Case, contact: Contact, scene: Scene
) -> Text | None:
    if not said:
        return None
    return Text.inbound(
        parts.new_id(), said, scene.now, contact_id=contact.id, case_id=case.id,
        language=case.language, provider=PROVIDER, provider_id=f"{leg.provider_id}-{leg.step}",
    )  # fmt: skip


def _scripted(
    parts: Parts, leg: Leg, told: Spoken, contact: Contact, inbound: Text | None = None
) -> tuple[Script, tuple[Text, ...]]:
    """What is heard, as sentences, and the rows that keep it: the words shown are kept (rule
    17)."""
    case, now = told.step.case, parts.now()
    lines: list[Utterance] = []
    question = -1
    queued = told.then == Then.QUEUE and not told.first  # said once they are in the queue
    for place, line in enumerate(told.lines):
        if place == told.question:
            question = len(lines)
        lines += utterances(parts, line, case)
    dial = _line_to(parts, told, case)
    hidden = case.cannot_text == CannotText.WITHHELD
    script = Script(
        leg.id,
        leg.step,
        () if queued else tuple(lines),
        question,
        told.then.value,
        told.listens,
        speech=parts.program.phone.speech and told.position.at in LISTENS,
        many=told.then == Then.LISTEN and told.position.at == At.NUMBER,
        queue=case.id,
        dial=dial,
        # who withholds the number is shown as ours: a call needs one
        caller=parts.program.numbers.caller(contact.our_number) if dial and hidden else "",
        slower=told.position.slower,
    )
    rows: tuple[Text, ...] = (inbound,) if inbound else ()
    if told.lines and not queued:
        rows += (
            Text.outbound(
                parts.new_id(), "\n".join(sentence for _, sentence, _ in lines), TextState.REPLIED,
                now, contact_id=contact.id, case_id=case.id, provider=PROVIDER,
                answers=inbound.id if inbound else None,
                keys=" ".join(dict.fromkeys(line.key for line in told.lines)),
                language=case.language,
            ),
        )  # fmt: skip
    return script, rows


def _line_to(parts: Parts, told: Spoken, case: Case) -> str:
    """The number that they are put through to; "" if they are not."""
    if told.then == Then.PSAP:
        return phone_waiting.psap_line(case, parts.program)
    return parts.program.numbers.counselor if told.then == Then.COUNSELOR else ""


def utterances(parts: Parts, line: Line, case: Case) -> list[Utterance]:
    """A line as sentences, or as the recordings of a language without a voice. What is not recorded
    is said in a language that has a voice."""
    language = line.language or parts.spoken(case.language)
    pack = parts.packs.get(language)
    if pack is not None and parts.catalog.languages[language].voice is None:
        words = spoken_words(line.key, line.fill, language, case, parts.program, parts.catalog)
        with contextlib.suppress(NotRecorded):
            fill = {"reference": spelled(case.reference), **line.fill}
            files = pack.files_for(line.key, fill)
            return [(language, words, tuple(path_of(language, each) for each in files))]
        language = parts.catalog.spoken(language)
    words = spoken_words(line.key, line.fill, language, case, parts.program, parts.catalog)
    return [(language, sentence, ()) for sentence in sentences(words)]


def _state(parts: Parts, told: Spoken, script: Script, before: dict[str, Any] | None = None) -> str:
    """The caller's position and the last script. The question counts as read once it was half
    spoken: the provider never says when a key was pressed (rule 8)."""
    position = remembered(told)
    if told.question >= 0 and script.question >= 0:
        earlier, asks = script.lines[: script.question], script.lines[script.question :]
        heard_by = _takes(parts, earlier) + _takes(parts, asks) / 2
        heard_by *= SLOWER if position.slower else 1
        position = with_changes(
            position, read_at=parts.now() + ANSWER + timedelta(seconds=heard_by)
        )
    queued = told.then == Then.QUEUE
    entry = script.step if queued else before["entry"] if before else 0
    if before is not None and told.then not in (Then.WAIT, Then.LEAVE, Then.QUEUE):
        entry = 0  # they are out of the queue
    left = [asdict(line) for line in told.lines] if queued and not told.first else []
    return json.dumps(
        {
            "position": _plain(position),
            "script": asdict(script),
            "entry": entry,
            "left": left,
        }
    )


def _takes(parts: Parts, lines: tuple[Utterance, ...]) -> float:
    languages = parts.catalog.languages
    return sum(seconds(sentence, languages[language]) for language, sentence, _ in lines)


_MOMENTS = ("key_at", "read_at", "waits_since")


def _plain(position: Position) -> dict[str, Any]:
    plain = asdict(position)
    for name in _MOMENTS:
        plain[name] = plain[name].isoformat() if plain[name] else None
    return plain


def _position(plain: dict[str, Any]) -> Position:
    moments = {
        name: datetime.fromisoformat(plain[name]) if plain[name] else None for name in _MOMENTS
    }
    said = _lines(plain.get("said", []))  # none in a call that began before the update
    lists = {"told": tuple(plain["told"]), "said": said}
    return Position(**(plain | moments | lists | {"at": At(plain["at"])}))


def _lines(plain: list[dict[str, Any]]) -> tuple[Line, ...]:
    return tuple(Line(**each) for each in plain)


def _script_of(leg: Leg) -> Script:
    if not leg.state:
        return Script(leg.id, leg.step)
    told = json.loads(leg.state)["script"]
    lines = tuple((tag, words, tuple(files)) for tag, words, files in told["lines"])
    return Script(**(told | {"lines": lines}))
