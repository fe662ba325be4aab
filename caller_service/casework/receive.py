"""A turn by text: heard once, read, decided, kept, answered.

One provider id is one turn: a repeat gets the stored answer. The first try reads without a lock and
writes with compare-and-swap; if somebody else was quicker, the second runs under the contact's
lock.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from caller_service.core.case import Case, Step, replace
from caller_service.core.clock import SKEW
from caller_service.core.effect import Ask, OptOut, Page, Say
from caller_service.core.marks import Mark
from caller_service.core.parking import phone_again, stopped_too
from caller_service.core.reach import CannotText
from caller_service.core.routing import Scene
from caller_service.core.said import Said
from caller_service.core.unopened import tell_doubt, with_doubt
from caller_service.store import cases, contacts, messages, turns
from caller_service.store.contacts import Contact
from caller_service.store.database.transaction import transaction
from caller_service.store.journal import Author
from caller_service.store.messages import Text

from .carry_out import HOLD, Decision, PreparedWrite, prepare, save
from .identity import join_contacts
from .interpret import hear
from .parts import Parts

log = logging.getLogger(__name__)
OFTEN = 3  # contacts of one number within OFTEN_WITHIN: a human reads (rule 24)
OFTEN_WITHIN = timedelta(hours=24)
# a number that a supervisor slowed is answered at most this often, new danger excepted
SLOW = timedelta(minutes=10)
# how the probe's message ids begin; the provider's own begin with two letters and 32 hexadecimal
# digits
PROBE = "PROBE-"


@dataclass(frozen=True, slots=True)
class Turn:
    """One inbound text, as the door read it."""

    provider_id: str
    number: str = field(repr=False)
    said: str = field(repr=False)
    heard: datetime
    opt_out: str = ""  # what the carrier made of it: STOP, START, HELP
    our_number: str = ""  # the one of ours they wrote to; "": not known
    late: bool = False  # fetched afterwards: its webhook is gone, the answer goes out by REST


def receive(parts: Parts, turn: Turn) -> tuple[Text, ...]:
    """Take in a text and return the texts that answer it. Safe to repeat: the same turn gives the
    same answer."""
    try:
        return parts.writer.decide_and_write(
            lambda conn: _unlocked(conn, parts, turn),
            unheard=lambda texts: _send_unheard(parts, turn, texts),
        )
    except Exception as problem:
        if not cases.is_conflict(problem):
            raise
    return _locked(parts, turn)


def _send_unheard(parts: Parts, turn: Turn, texts: tuple[Text, ...]) -> None:
    """The commit ended after its request had: they read that we could not take their text. What it
    was answered goes out by REST, or their next text would answer a question they never saw (rule
    8)."""
    if _is_test(parts, turn):
        return
    try:
        with transaction(parts.engine) as conn:
            for text in texts:
                messages.send_after_all(conn, text.id, parts.now() + HOLD)
                parts.jobs.enqueue(conn, "send_text", f"send:{text.id}:0", text.id)
    except Exception as problem:  # nobody waits for this: the other requests must be answered
        log.error("an answer that nobody heard", extra={"fault": type(problem).__name__})


def receive_unknown(parts: Parts, turn: Turn) -> None:
    """A text whose sender cannot be answered (withheld, not a number): kept for people to see,
    once."""
    with transaction(parts.engine) as conn:
        if not messages.is_known(conn, turn.provider_id):
            kept = Text.inbound(parts.new_id(), turn.said, turn.heard, provider_id=turn.provider_id)
            messages.add(conn, messages.rows(parts.sealer, (kept,)))


def _unlocked(
    conn: sa.Connection, parts: Parts, turn: Turn
) -> Callable[[sa.Connection], tuple[Text, ...]]:
    """Most turns are neither repeats nor raced: whether this one was heard before is left to the
    unique key."""
    begun = turns.load_turn(conn, parts.sealer, turn.number, parts.now())
    # while keys are rotated, the unique index alone does not keep two of one number apart
    if begun.split or (begun.contact is None and parts.sealer.rotates):
        raise cases.Stale
    drawn = [prepare(parts, work) for work in _decide(conn, parts, turn, begun, begun.case)]

    def write(conn: sa.Connection) -> tuple[Text, ...]:
        if begun.contact is None:
            contacts.add(conn, parts.sealer, drawn[-1].work.contact, turn.heard)
        elif not begun.current:
            contacts.renew(conn, parts.sealer, begun.contact.id, turn.number)
        _written_to(conn, begun.contact, turn)
        return _keep(conn, parts, drawn)

    return write


def _locked(parts: Parts, turn: Turn) -> tuple[Text, ...]:
    with transaction(parts.engine) as conn:
        held = contacts.lock(conn, parts.sealer, _stranger(parts, turn), turn.heard)
        if len(held) > 1:
            join_contacts(conn, parts, turn.number)
        if (answered := messages.heard(conn, parts.sealer, turn.provider_id)) is not None:
            return answered
        begun = turns.load_turn(conn, parts.sealer, turn.number, parts.now())
        case = cases.by_id(conn, parts.sealer, begun.case.id, lock=True) if begun.case else None
        _written_to(conn, begun.contact, turn)
        works = _decide(
            conn, parts, turn, begun, case if case and not case.ended and not case.parked else None
        )
        return _keep(conn, parts, [prepare(parts, work) for work in works])


def _keep(conn: sa.Connection, parts: Parts, drawn: list[PreparedWrite]) -> tuple[Text, ...]:
    """Keep every decision of one text; the last is the one that answers it."""
    answered: tuple[Text, ...] = ()
    for one in drawn:
        answered = save(conn, parts, one)
    return answered


def _written_to(conn: sa.Connection, contact: Contact | None, turn: Turn) -> None:
    """What we write later comes from the number they wrote to: from another it would be a stranger
    in their thread, and the carrier's STOP is for one number."""
    if contact is not None and turn.our_number not in ("", contact.our_number):
        contacts.set_our_number(conn, contact.id, turn.our_number)


def _stranger(parts: Parts, turn: Turn) -> Contact:
    return Contact(
        parts.new_id(), parts.program.languages[0], turn.number, our_number=turn.our_number
    )


def _decide(
    conn: sa.Connection, parts: Parts, turn: Turn, begun: turns.TurnState, case: Case | None
) -> list[Decision]:
    """What the text comes to; most texts concern one case. A phone in other hands, or a stop with a
    case parked beside it, concerns two."""
    contact = begun.contact or _stranger(parts, turn)
    test = _is_test(parts, turn)
    # a person has that number after all: nothing of theirs is held back
    if case is not None and case.test and not test:
        case = replace(case, test=False)
    scene = parts.scene(conn, begun.full, surge=case is None)
    heard = turn.heard
    if case is not None:
        moved = scene.for_case(case)
        # the clock was set back: they wrote after what they answer
        if moved.now - scene.now > SKEW and not turn.late:
            heard = moved.now
        scene = moved
    opened = case or _opened(
        conn,
        parts,
        contact,
        test,
        cases.last_closed(conn, contact.id) or "" if begun.contact else "",
    )
    said = _OPT_OUT.get(turn.opt_out, turn.said)
    delivered = messages.question_delivered(conn, opened.id, opened.asked) if opened.asked else None
    step = _hear(parts, opened, said, heard, scene, delivered)
    others: list[Decision] = []
    # somebody else holds the phone: a second case, linked to this one
    if case is not None and step.case.parked:
        others.append(Decision(contact, case, step, scene, Author.RESIDENT))
        case, opened = None, _opened(conn, parts, contact, test, opened.id)
        step = hear(opened, said, heard, Scene(parts.program, parts.now(), begun.full), parts.ears)
    elif any(isinstance(effect, OptOut) for effect in step.effects):
        for parked in cases.parked(conn, parts.sealer, contact.id):
            others.append(
                Decision(
                    contact,
                    parked,
                    stopped_too(parked, scene.now),
                    scene.for_case(parked),
                    Author.RESIDENT,
                )
            )
    elif case is None and begun.contact:
        others += [
            Decision(
                contact,
                parked,
                phone_again(parked, turn.said),
                scene.for_case(parked),
                Author.RESIDENT,
            )
            for parked in cases.parked(conn, parts.sealer, contact.id)
        ]
    if contact.slowed_until is not None and contact.slowed_until > scene.now:
        step = _slowed(step, scene)
    inbound = Text.inbound(
        parts.new_id(),
        turn.said,
        turn.heard,
        contact_id=contact.id,
        case_id=step.case.id,
        language=step.case.language,
        provider_id=turn.provider_id,
    )
    return [
        *others,
        Decision(
            contact,
            case,
            step,
            scene,
            Author.PROBE if step.case.test else Author.RESIDENT,
            inbound,
            turn.late,
        ),
    ]


# what the carrier made of a text, as our own words
_OPT_OUT = {"STOP": "stop", "START": "start", "HELP": "help"}


def _opened(conn: sa.Connection, parts: Parts, contact: Contact, test: bool, related: str) -> Case:
    """A new case, with what is known of the number: that it writes often, or a human's care note
    (rule 24)."""
    now = parts.now()
    said = set()
    remarks: tuple[tuple[str, str], ...] = ()
    if related and cases.opened_since(conn, contact.id, now - OFTEN_WITHIN) >= OFTEN - 1:
        said.add(Said.WRITES_OFTEN)
    if contact.care_until is not None and (
        words := contacts.care_note(conn, parts.sealer, contact.id, now)
    ):
        said.add(Said.CARE_NOTE)
        remarks = (("care note", words),)
    return Case(
        parts.new_id(),
        parts.new_reference(),
        contact.id,
        contact.language,
        related=related,
        cannot_text=CannotText.STOPPED if contact.stopped else "",
        said=frozenset(said),
        remarks=remarks,
        test=test,
    )


def _hear(
    parts: Parts, case: Case, said: str, heard: datetime, scene: Scene, delivered: datetime | None
) -> Step:
    """What the text does. Where their earlier words do not open, a human is asked first, once."""
    if not case.unopened or Mark.UNOPENED in case.marks:
        return hear(case, said, heard, scene, parts.ears, delivered)
    case = with_doubt(case, scene)
    return tell_doubt(hear(case, said, heard, scene, parts.ears, delivered))


def _slowed(step: Step, scene: Scene) -> Step:
    """Answered at most every ten minutes. Who is in a new danger, or stops texts, is answered at
    once; all words are kept."""
    if any(isinstance(effect, (Page, OptOut)) for effect in step.effects):
        return step
    said = step.case.marks.get(Mark.SLOW_SAID)
    if said is None or scene.now - said >= SLOW:
        return Step(step.case.marked(scene.now, Mark.SLOW_SAID), step.effects)
    return Step(
        step.case, tuple(effect for effect in step.effects if not isinstance(effect, (Say, Ask)))
    )


def _is_test(parts: Parts, turn: Turn) -> bool:
    """From the number set aside, and under an id that only a holder of the auth token can give: a
    text that the provider brings is never a test, so that a wrong number in program.toml silences
    nobody."""
    return turn.number == parts.program.numbers.probe != "" and turn.provider_id.startswith(PROBE)
