"""A turn by text: heard once, read, decided, kept, answered.

One provider id is one turn: a repeat gets the stored answer. The first try reads without a lock and writes with
compare-and-swap; if somebody else was quicker, the second runs under the contact's lock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from caller_service.core.case import Case, replace
from caller_service.core.clock import SKEW
from caller_service.core.routing import Scene
from caller_service.store import cases, contacts, messages, turns
from caller_service.store.contacts import Contact
from caller_service.store.messages import Text

from .carry_out import Work, draft, keep
from .interpret import hear
from .parts import Parts, transaction
from .together import together

PROBE = "PROBE-"  # how the probe's message ids begin; the provider's own begin with two letters and 32 hexadecimal digits


@dataclass(frozen=True, slots=True)
class Turn:
    """One inbound text, as the door read it."""

    provider_id: str
    number: str = field(repr=False)
    said: str = field(repr=False)
    heard: datetime
    opt_out: str = ""  # what the carrier made of it: STOP, START, HELP
    late: bool = False  # fetched afterwards: its webhook is gone, the answer goes out by REST


def receive(parts: Parts, turn: Turn) -> tuple[Text, ...]:
    """Take in a text and return the texts that answer it. Safe to repeat: the same turn gives the same answer."""
    try:
        return _unlocked(parts, turn)
    except Exception as problem:
        if not cases.somebody_was_quicker(problem):
            raise
    return _locked(parts, turn)


def receive_unknown(parts: Parts, turn: Turn) -> None:
    """A text whose sender cannot be answered (withheld, not a number): kept for people to see, once."""
    with transaction(parts) as conn:
        if messages.heard(conn, parts.sealer, turn.provider_id) is None:
            kept = Text(parts.new_id(), "in", turn.said, "heard", turn.heard, provider_id=turn.provider_id)
            messages.add(conn, messages.rows(parts.sealer, (kept,)))


def _unlocked(parts: Parts, turn: Turn) -> tuple[Text, ...]:
    """Most turns are neither repeats nor raced: whether this one was heard before is left to the unique key."""
    with parts.engine.connect() as conn:
        begun = turns.begin(conn, parts.sealer, turn.number, parts.now())
        drawn = draft(parts, _decide(conn, parts, turn, begun, begun.case))

        def write(conn: sa.Connection) -> tuple[Text, ...]:
            if begun.contact is None:
                contacts.add(conn, parts.sealer, drawn.work.contact, turn.heard)
            return keep(conn, parts, drawn)

        return together(parts, write, conn)


def _locked(parts: Parts, turn: Turn) -> tuple[Text, ...]:
    with transaction(parts) as conn:
        contacts.lock(conn, parts.sealer, _stranger(parts, turn), turn.heard)
        if (answered := messages.heard(conn, parts.sealer, turn.provider_id)) is not None:
            return answered
        begun = turns.begin(conn, parts.sealer, turn.number, parts.now())
        case = cases.by_id(conn, parts.sealer, begun.case.id, lock=True) if begun.case else None
        return keep(conn, parts, draft(parts, _decide(conn, parts, turn, begun, case if case and not case.ended else None)))


def _stranger(parts: Parts, turn: Turn) -> Contact:
    return Contact(parts.new_id(), parts.program.languages[0], turn.number)


def _decide(conn: sa.Connection, parts: Parts, turn: Turn, begun: turns.Beginning, case: Case | None) -> Work:
    contact = begun.contact or _stranger(parts, turn)
    test = _is_test(parts, turn)
    if case is not None and case.test and not test:  # a person has that number after all: nothing of theirs is held back
        case = replace(case, test=False)
    scene = Scene(parts.program, parts.now(), begun.full)
    heard = turn.heard
    if case is not None:
        moved = scene.for_case(case)
        if moved.now - scene.now > SKEW and not turn.late:  # the clock was set back: they wrote after what they answer
            heard = moved.now
        scene = moved
    if case is None:
        related = cases.last_closed(conn, contact.id) if begun.contact else None
        opened = Case(
            parts.new_id(),
            parts.new_reference(),
            contact.id,
            contact.language,
            related=related or "",
            cannot_text="stopped" if contact.stopped else "",
            test=test,
        )
    said = turn.said if not turn.opt_out else {"STOP": "stop", "START": "start", "HELP": "help"}.get(turn.opt_out, turn.said)
    step = hear(case or opened, said, heard, scene, parts.vocabularies)
    inbound = Text(
        parts.new_id(),
        "in",
        turn.said,
        "heard",
        turn.heard,
        contact.id,
        step.case.id,
        language=step.case.language,
        provider_id=turn.provider_id,
    )
    return Work(contact, case, step, scene, "probe" if step.case.test else "resident", inbound, turn.late)


def _is_test(parts: Parts, turn: Turn) -> bool:
    """From the number set aside, and under an id that only a holder of the auth token can give: a text that the provider
    brings is never a test, so that a wrong number in program.toml silences nobody."""
    return turn.number == parts.program.numbers.probe != "" and turn.provider_id.startswith(PROBE)
