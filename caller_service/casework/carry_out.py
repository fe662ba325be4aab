"""Effects become rows and jobs, on the connection of the decision that made them: all of it is kept, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from caller_service.core import hand_off
from caller_service.core.case import Case, Step
from caller_service.core.clock import next_due
from caller_service.core.effect import HandOff, OptIn, OptOut, Page, Record, StandDown
from caller_service.core.escalation import people
from caller_service.core.routing import Scene
from caller_service.language.wording import Words, filling, texts
from caller_service.store import cases, contacts, hand_offs, journal, messages
from caller_service.store.contacts import Contact
from caller_service.store.messages import Text

from .parts import Parts

HOLD = timedelta(seconds=30)  # a job enqueued now is not enqueued again by the sweep before this


@dataclass(frozen=True, slots=True)
class Work:
    """One decision about to be kept: who it is about, what it came to, and which text it answers."""

    contact: Contact
    before: Case | None
    step: Step
    scene: Scene
    who: str  # for the journal: resident, clock, or a name
    inbound: Text | None = None  # the text it answers
    late: bool = False  # nobody waits for the answer: it goes out by REST


def keep(conn: sa.Connection, parts: Parts, work: Work) -> tuple[Text, ...]:
    """Keep the case and everything that follows from it. Returns the texts that answer, for the caller to send.

    Raises Stale if the case was written since it was read.
    """
    case = replace(work.step.case, version=work.step.case.version + 1, protocol_hash=parts.program.protocol.hash)
    due_at = None if case.ended else next_due(case, parts.program)
    if work.before is None:
        cases.add(conn, parts.sealer, case, due_at)
    else:
        cases.keep(conn, parts.sealer, case, due_at)
    replies = _texts(conn, parts, work, case)
    _contact(conn, work, case)
    for effect in work.step.effects:
        if isinstance(effect, Page):
            _page(conn, parts, case, effect, work.scene)
        elif isinstance(effect, HandOff):
            _hand_off(conn, parts, work.contact, case, effect, work.scene.now)
        elif isinstance(effect, StandDown):
            _stand_down(conn, parts, case, effect, work.scene.now)
    journal.write(conn, _lines(parts, work, case))
    return replies


def _texts(conn: sa.Connection, parts: Parts, work: Work, case: Case) -> tuple[Text, ...]:
    said = texts(work.step.effects, case, parts.program, parts.catalog)
    rows = tuple(_text(parts, work, case, words, place) for place, words in enumerate(said))
    messages.add(conn, parts.sealer, rows if work.inbound is None else (work.inbound, *rows))
    for row in rows:
        if row.state == "waiting":
            parts.jobs.enqueue(conn, "send_text", f"send:{row.id}:0", row.id)
    return tuple(row for row in rows if row.state == "replied")


def _text(parts: Parts, work: Work, case: Case, words: Words, place: int) -> Text:
    now = work.scene.now
    waiting = words.unasked or work.inbound is None or work.late
    return Text(
        parts.new_id(), "out", words.text, "waiting" if waiting else "replied", now, work.contact.id, case.id, None,
        None if words.unasked or work.inbound is None else work.inbound.id, place,
        " ".join(words.keys), case.language, next_at=now + HOLD if waiting else None,
    )  # fmt: skip


def _contact(conn: sa.Connection, work: Work, case: Case) -> None:
    if case.language != work.contact.language:
        contacts.set_language(conn, work.contact.id, case.language)
    for effect in work.step.effects:
        if isinstance(effect, OptOut):
            contacts.set_stopped(conn, work.contact.id, work.scene.now, "asked")
        elif isinstance(effect, OptIn):
            contacts.set_stopped(conn, work.contact.id, None, None)


def _page(conn: sa.Connection, parts: Parts, case: Case, effect: Page, scene: Scene) -> None:
    rungs = {rung.name: rung for rung in parts.program.ladder}
    for name in people(effect, scene):
        row = {
            "id": parts.new_id(), "case_id": case.id, "ladder": effect.ladder, "round": effect.round, "rung": effect.rung, "person": name, "at": scene.now,
        }  # fmt: skip
        if hand_offs.add_page(conn, row) and rungs[name].number:
            language = parts.program.languages[0]
            words = parts.catalog.text(language, "page.text", **filling(parts.program, language, parts.catalog, case.reference))
            text_person(conn, parts, case, name, words, scene.now)


def text_person(conn: sa.Connection, parts: Parts, case: Case, name: str, words: str, now: datetime) -> None:
    """Text somebody on a ladder. The number stays in the program file; the row holds the name."""
    row = Text(
        parts.new_id(),
        "out",
        words,
        "waiting",
        now,
        None,
        case.id,
        name,
        keys="page",
        language=parts.program.languages[0],
        next_at=now + HOLD,
    )
    messages.add(conn, parts.sealer, (row,))
    parts.jobs.enqueue(conn, "send_text", f"send:{row.id}:0", row.id)


def _stand_down(conn: sa.Connection, parts: Parts, case: Case, effect: StandDown, now: datetime) -> None:
    """Everybody else who was paged hears that one has it."""
    with_number = {rung.name for rung in parts.program.ladder if rung.number}
    words = parts.catalog.text(parts.program.languages[0], "page.stood_down", reference=case.reference, name=effect.name)
    for person in hand_offs.paged_people(conn, case.id):
        if person != effect.name and person in with_number:
            text_person(conn, parts, case, person, words, now)


def _hand_off(conn: sa.Connection, parts: Parts, contact: Contact, case: Case, effect: HandOff, now: datetime) -> None:
    """A new revision, on its way to every destination. The console is one of them and has it at once."""
    packet = hand_off.packet(case, parts.program, contact.number)
    hand_offs.add(conn, parts.sealer, case.id, case.revision, effect.because, packet, now)
    for destination in parts.program.destinations:
        console = destination.kind == "console"
        row = hand_offs.Delivery(
            parts.new_id(),
            case.id,
            case.revision,
            destination.name,
            "received" if console else "waiting",
            0,
            None if console else now + HOLD,
            None,
            now,
        )
        hand_offs.add_delivery(conn, row)
        if not console:
            parts.jobs.enqueue(conn, "deliver", f"deliver:{row.id}:0", row.id, queue=f"deliver.{destination.name}")


def _lines(parts: Parts, work: Work, case: Case) -> Sequence[journal.Line]:
    told: list[tuple[str, dict[str, object]]] = [
        (effect.event, dict(effect.detail)) for effect in work.step.effects if isinstance(effect, Record)
    ]
    told += [
        ("paged", {"ladder": page.ladder, "rung": page.rung, "round": page.round}) for page in work.step.effects if isinstance(page, Page)
    ]
    before = work.before
    if before is None or before.status != case.status:
        told.append(("status", {"to": case.status.value}))
    if before is None or before.level != case.level:
        told.append(("level", {"to": case.level.name if case.level else "", "because": list(case.because)}))
    return [journal.Line(parts.new_id(), work.scene.now, case.id, work.who, event, detail) for event, detail in told]
