"""Handles an inbound text: load, read, decide, save, answer.

One provider id is one turn: a repeat gets the stored answer. The first attempt reads without a lock
and writes with compare-and-swap; after a conflict the second runs with the contact locked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from caller_service.core.case import Case, Channel, Step, replace
from caller_service.core.clock import SKEW
from caller_service.core.effect import Ask, OptOut, Page, Say
from caller_service.core.marks import Mark
from caller_service.core.parking import phone_again, stopped_too
from caller_service.core.picture import with_picture
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
from .change import attempt
from .identity import join_contacts
from .interpret import hear
from .parts import Parts

log = logging.getLogger(__name__)
OFTEN = 3  # cases of one number within OFTEN_WITHIN: a human reviews (rule 24)
OFTEN_WITHIN = timedelta(hours=24)
DANGER_WITHIN = timedelta(days=3)  # whoever writes again so soon after a danger is read, too
THANKED_WITHIN = timedelta(hours=1)  # thanks again so soon need no more words
# a number slowed by a supervisor is answered at most this often, except for a new danger
SLOW = timedelta(minutes=10)
# prefix of the probe's message ids; the provider's have two letters and 32 hexadecimal digits
PROBE = "PROBE-"


@dataclass(frozen=True, slots=True)
class Turn:
    """One inbound text, as the request handler read it."""

    provider_id: str
    number: str = field(repr=False)
    said: str = field(repr=False)
    heard: datetime
    opt_out: str = ""  # how the carrier classified it: STOP, START, HELP
    our_number: str = ""  # our number that they wrote to; "": not known
    picture: bool = False  # a picture or another file came with it
    late: bool = False  # fetched later: its webhook is gone, so the answer is sent by REST


def receive(parts: Parts, turn: Turn) -> tuple[Text, ...]:
    """Handle a text and return the texts that answer it. Idempotent: the same turn gives the same
    answer."""
    return attempt(
        parts,
        lambda conn, locked: _hear_turn(conn, parts, turn, locked),
        lambda conn: _hold(conn, parts, turn),
        lambda texts: _send_unheard(parts, turn, texts),
    )


def _send_unheard(parts: Parts, turn: Turn, texts: tuple[Text, ...]) -> None:
    """The commit succeeded after its request had timed out, and the resident was told that we could
    not take their text. Send the answer by REST; otherwise their next text would answer a question
    they never saw (rule 8)."""
    if is_test(parts, turn.number, turn.provider_id):
        return
    try:
        with transaction(parts.engine) as conn:
            for text in texts:
                messages.send_after_all(conn, text.id, parts.now() + HOLD)
                parts.jobs.enqueue(conn, "send_text", f"send:{text.id}:0", text.id)
    # nobody waits for this, and the other requests must still be answered
    except Exception as problem:
        log.error("an answer that nobody heard", extra={"fault": type(problem).__name__})


def receive_unknown(parts: Parts, turn: Turn) -> None:
    """Store, once, a text whose sender cannot be answered (withheld, or not a number) for people to
    see."""
    with transaction(parts.engine) as conn:
        if not messages.is_known(conn, turn.provider_id):
            inbound = Text.inbound(
                parts.new_id(), turn.said, turn.heard, provider_id=turn.provider_id
            )
            messages.add(conn, messages.rows(parts.sealer, (inbound,)))


def _hold(conn: sa.Connection, parts: Parts, turn: Turn) -> None:
    """Hold the contact: turns of one number queue here. One that a rotation has split is joined."""
    held = contacts.lock(conn, parts.sealer, _contact_of(parts, turn), turn.heard)
    if len(held) > 1:
        join_contacts(conn, parts, turn.number)


def _hear_turn(
    conn: sa.Connection, parts: Parts, turn: Turn, locked: bool
) -> Callable[[sa.Connection], tuple[Text, ...]]:
    """Load and decide. Most turns are neither repeats nor concurrent, so without the lock the
    unique key alone detects a repeat."""
    if locked:
        replies = messages.replies_to(conn, parts.sealer, turn.provider_id)
        if replies is not None:
            return lambda _: replies
    state = turns.load_turn(conn, parts.sealer, turn.number, parts.now())
    # while keys are rotated, the unique index alone does not keep two of one number apart
    if not locked and (state.split or (state.contact is None and parts.sealer.rotates)):
        raise cases.Stale
    case = state.case
    if locked and case is not None:
        case = cases.by_id(conn, parts.sealer, case.id, lock=True)
        case = None if case is None or case.ended or case.parked else case
    prepared = [prepare(parts, work) for work in _decide(conn, parts, turn, state, case)]

    def write(conn: sa.Connection) -> tuple[Text, ...]:
        if state.contact is None:
            contacts.add(conn, parts.sealer, prepared[-1].work.contact, turn.heard)
        elif not state.current:
            contacts.renew(conn, parts.sealer, state.contact.id, turn.number)
        _written_to(conn, state.contact, turn)
        return _save_all(conn, parts, prepared)

    return write


def _save_all(conn: sa.Connection, parts: Parts, prepared: list[PreparedWrite]) -> tuple[Text, ...]:
    """Save every decision of one text; the last one answers it."""
    answered: tuple[Text, ...] = ()
    for each in prepared:
        answered = save(conn, parts, each)
    return answered


def _written_to(conn: sa.Connection, contact: Contact | None, turn: Turn) -> None:
    """Remember the number they wrote to and send later texts from it: another number would be a
    stranger in their thread, and a carrier's STOP is for one number."""
    if contact is not None and turn.our_number not in ("", contact.our_number):
        contacts.set_our_number(conn, contact.id, turn.our_number)


def _contact_of(parts: Parts, turn: Turn) -> Contact:
    return Contact(
        parts.new_id(), parts.program.languages[0], turn.number, our_number=turn.our_number
    )


def _decide(
    conn: sa.Connection, parts: Parts, turn: Turn, state: turns.TurnState, case: Case | None
) -> list[Decision]:
    """The decisions for a text: most concern one case. A phone in other hands, or a STOP with a
    parked case, concerns two."""
    contact = state.contact or _contact_of(parts, turn)
    test = is_test(parts, turn.number, turn.provider_id)
    # a person has that number after all: send them everything
    if case is not None and case.test and not test:
        case = replace(case, test=False)
    scene, heard_at = _scene_of_turn(conn, parts, turn, state, case)
    current = case or _next_case(conn, parts, contact, test, state)
    said = _OPT_OUT.get(turn.opt_out, turn.said)
    delivered = (
        messages.question_delivered(conn, current.id, current.asked) if current.asked else None
    )
    step = _hear(parts, current, said, heard_at, scene, delivered)
    stops = any(isinstance(effect, OptOut) for effect in step.effects)
    others: list[Decision] = []
    # somebody else uses the phone: a second, linked case
    if case is not None and step.case.parked:
        others.append(Decision(contact, case, step, scene, Author.RESIDENT))
        case, current = None, new_case(conn, parts, contact, test, current.id)
        scene_of_other = Scene(parts.program, parts.now(), state.full)
        step = hear(current, said, heard_at, scene_of_other, parts.language_words)
    elif state.contact and (stops or case is None):
        others = _parked_beside(conn, parts, turn, contact, scene, stops)
    if contact.slowed_until is not None and contact.slowed_until > scene.now:
        step = _slow_answers(step, scene)
    if turn.picture:
        step = with_picture(step)
    author = Author.PROBE if step.case.test else Author.RESIDENT
    inbound = _inbound_text(parts, turn, contact, step.case)
    return [*others, Decision(contact, case, step, scene, author, inbound, turn.late)]


def _scene_of_turn(
    conn: sa.Connection, parts: Parts, turn: Turn, state: turns.TurnState, case: Case | None
) -> tuple[Scene, datetime]:
    """The scene of the decision, and when the text counts as heard."""
    scene = parts.scene(conn, state.full, surge=case is None)
    if case is None:
        return scene, turn.heard
    of_case = scene.for_case(case)
    # the clock was set back: the text still came after what it answers
    set_back = of_case.now - scene.now > SKEW and not turn.late
    return of_case, of_case.now if set_back else turn.heard


def _next_case(
    conn: sa.Connection, parts: Parts, contact: Contact, test: bool, state: turns.TurnState
) -> Case:
    """A new case of this contact, related to their last one. How thanks were answered then counts
    for an hour: a day later they are answered again."""
    last = cases.last_closed(conn, contact.id) if state.contact else cases.LastClosed()
    old = last.closed_at is not None and last.closed_at < parts.now() - THANKED_WITHIN
    forgotten = old and last.answered_with == ("thanks.closed",)
    return new_case(conn, parts, contact, test, last.id, () if forgotten else last.answered_with)


def _parked_beside(
    conn: sa.Connection, parts: Parts, turn: Turn, contact: Contact, scene: Scene, stops: bool
) -> list[Decision]:
    """What a STOP, or a new request, of this phone means for its parked cases."""
    return [
        Decision(
            contact,
            parked,
            stopped_too(parked, scene.now) if stops else phone_again(parked, turn.said),
            scene.for_case(parked),
            Author.RESIDENT,
        )
        for parked in cases.parked(conn, parts.sealer, contact.id)
    ]


def _inbound_text(parts: Parts, turn: Turn, contact: Contact, case: Case) -> Text:
    return Text.inbound(
        parts.new_id(),
        turn.said,
        turn.heard,
        contact_id=contact.id,
        case_id=case.id,
        language=case.language,
        provider_id=turn.provider_id,
    )


# a carrier's classification as our own command word
_OPT_OUT = {"STOP": "stop", "START": "start", "HELP": "help"}


def new_case(
    conn: sa.Connection,
    parts: Parts,
    contact: Contact,
    test: bool,
    related: str,
    answered_with: tuple[str, ...] = (),
    *,
    channel: Channel = Channel.TEXT,
) -> Case:
    """A new case, with what is known of the number: that it writes often, a care note (rule 24),
    and how their last text was answered, so that this one is not answered with the same line."""
    now = parts.now()
    said = {Said.STOPPED_IN_WORDS} if contact.stopped and contact.in_words else set()
    remarks: tuple[tuple[str, str], ...] = ()
    if related and cases.opened_since(conn, contact.id, now - OFTEN_WITHIN) >= OFTEN - 1:
        said.add(Said.WRITES_OFTEN)
    if related and cases.danger_ended(conn, contact.id, now - DANGER_WITHIN):
        said.add(Said.AFTER_DANGER)
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
        answered_with=answered_with,
        cannot_text=CannotText.STOPPED if contact.stopped else "",
        said=frozenset(said),
        remarks=remarks,
        test=test,
        channel=channel,
    )


def _hear(
    parts: Parts, case: Case, said: str, heard: datetime, scene: Scene, delivered: datetime | None
) -> Step:
    """What the text does. Where their earlier words do not open, a human is asked first, once."""
    if not case.unopened or Mark.UNOPENED in case.marks:
        return hear(case, said, heard, scene, parts.language_words, delivered)
    case = with_doubt(case, scene)
    return tell_doubt(hear(case, said, heard, scene, parts.language_words, delivered))


def _slow_answers(step: Step, scene: Scene) -> Step:
    """Answer at most every SLOW. A new danger and a STOP are answered at once; all words are
    stored."""
    if any(isinstance(effect, (Page, OptOut)) for effect in step.effects):
        return step
    answered_at = step.case.marks.get(Mark.SLOW_SAID)
    if answered_at is None or scene.now - answered_at >= SLOW:
        return Step(step.case.marked(scene.now, Mark.SLOW_SAID), step.effects)
    return Step(
        step.case, tuple(effect for effect in step.effects if not isinstance(effect, (Say, Ask)))
    )


def is_test(parts: Parts, number: str, provider_id: str) -> bool:
    """Is this the probe's text, or call? It needs the reserved number and an id that only a holder
    of the auth token can send. What comes from the provider is never a test, so a wrong number in
    program.toml silences nobody."""
    return number == parts.program.numbers.probe != "" and provider_id.startswith(PROBE)
