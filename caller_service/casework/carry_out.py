"""Effects become rows and jobs, on the connection of the decision that made them: all of it is
kept, or none.

Everything that needs no database (words, sealing, packets) is made first, by `draft`: the write
lock is held for the writing alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from caller_service.core import hand_off
from caller_service.core.case import Case, Step, replace
from caller_service.core.clock import next_due
from caller_service.core.effect import (
    Alert,
    HandOff,
    OptIn,
    OptOut,
    Page,
    Record,
    StandDown,
    UpdateCall,
)
from caller_service.core.escalation import passed_on, people
from caller_service.core.marks import Mark
from caller_service.core.outbound import DeliveryState, TextState
from caller_service.core.program import DestinationKind, Rung
from caller_service.core.routing import Scene, on_duty
from caller_service.jobs.queue import PEOPLE, queue_of, queue_to
from caller_service.language.wording import Words, filling, texts
from caller_service.store import calls, cases, contacts, hand_offs, journal, messages
from caller_service.store.contacts import Contact
from caller_service.store.messages import Text

from .parts import Parts

HOLD = timedelta(seconds=30)  # a job enqueued now is not enqueued again by the sweep before this
# how a delivery to such a destination begins; else it waits to be posted
_BEGINS: Mapping[str, DeliveryState] = {
    DestinationKind.CONSOLE: DeliveryState.RECEIVED,
    DestinationKind.PAGE: DeliveryState.UNREAD,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision about to be kept: who it is about, what it came to, and which text it
    answers."""

    contact: Contact
    before: Case | None
    step: Step
    scene: Scene
    who: str  # for the journal: resident, clock, or a name
    inbound: Text | None = None  # the text it answers
    late: bool = False  # nobody waits for the answer: it goes out by REST


@dataclass(frozen=True, slots=True)
class PreparedWrite:
    """A decision, ready to be written."""

    work: Decision
    case: Case
    row: Mapping[str, Any] = field(repr=False)
    texts: tuple[Text, ...]
    text_rows: Sequence[Mapping[str, Any]] = field(repr=False)
    lines: Sequence[journal.Entry]
    revisions: Sequence[tuple[Mapping[str, Any], Sequence[hand_offs.Delivery]]] = field(repr=False)


def prepare(parts: Parts, work: Decision) -> PreparedWrite:
    """Make everything of a decision that can be made before the write lock is taken."""
    case = replace(
        work.step.case,
        version=work.step.case.version + 1,
        protocol_hash=parts.program.protocol.hash,
    )
    said = texts(work.step.effects, case, parts.program, parts.catalog)
    rows = tuple(_text(parts, work, case, words, place) for place, words in enumerate(said))
    return PreparedWrite(
        work,
        case,
        cases.row(case, parts.sealer, None if case.ended else next_due(case, parts.program)),
        rows,
        messages.rows(parts.sealer, rows if work.inbound is None else (work.inbound, *rows)),
        _lines(parts, work, case),
        [
            _revision(parts, work, case, effect)
            for effect in work.step.effects
            if isinstance(effect, HandOff)
        ],
    )


def save(conn: sa.Connection, parts: Parts, drawn: PreparedWrite) -> tuple[Text, ...]:
    """Keep the case and everything that follows from it. Returns the texts that answer, for the
    caller to send.

    Raises Stale if the case was written since it was read.
    """
    work, case = drawn.work, drawn.case
    if work.before is None:
        cases.add(conn, drawn.row)
    else:
        cases.keep(conn, drawn.row)
    messages.add(conn, drawn.text_rows)
    for text in drawn.texts:
        if text.state == TextState.WAITING:
            parts.jobs.enqueue(conn, "send_text", f"send:{text.id}:0", text.id)
    _contact(conn, work, case)
    _people(conn, parts, work, case)
    for row, deliveries in drawn.revisions:
        hand_offs.add(conn, row, deliveries)
        for one in deliveries:
            if one.state == DeliveryState.WAITING:
                parts.jobs.enqueue(
                    conn, "deliver", f"deliver:{one.id}:0", one.id, queue_of(one.destination)
                )
    journal.write(conn, drawn.lines)
    return tuple(text for text in drawn.texts if text.state == TextState.REPLIED)


def _text(parts: Parts, work: Decision, case: Case, words: Words, place: int) -> Text:
    now = work.scene.now
    unasked = words.unasked or work.inbound is None or work.late
    waiting = unasked and not case.test  # nobody has the probe's number
    return Text.outbound(
        parts.new_id(),
        words.text,
        TextState.WAITING if waiting else TextState.HELD if unasked else TextState.REPLIED,
        now,
        contact_id=work.contact.id,
        case_id=case.id,
        answers=None if words.unasked or work.inbound is None else work.inbound.id,
        place=place,
        keys=" ".join(words.keys),
        language=case.language,
        next_at=now + HOLD if waiting else None,
    )


def _revision(
    parts: Parts, work: Decision, case: Case, effect: HandOff
) -> tuple[Mapping[str, Any], Sequence[hand_offs.Delivery]]:
    """A new revision, on its way to every destination. The console is one of them and has it at
    once; on a page it lies unread until somebody opens it, and no job is for it.

    A test case goes to the console alone: it is in the queue, and never dispatched.
    """
    now = work.scene.now
    packet = hand_off.packet(case, parts.program, work.contact.number)
    deliveries = []
    for destination in parts.program.destinations:
        if case.test and destination.kind != DestinationKind.CONSOLE:
            continue
        state = _BEGINS.get(destination.kind, DeliveryState.WAITING)
        next_at = now + HOLD if state == DeliveryState.WAITING else None
        deliveries.append(
            hand_offs.Delivery(
                parts.new_id(),
                case.id,
                case.revision,
                destination.name,
                state,
                0,
                next_at,
                None,
                now,
            )
        )
    return hand_offs.row(
        parts.sealer, case.id, case.revision, effect.because, packet, now
    ), deliveries


def _contact(conn: sa.Connection, work: Decision, case: Case) -> None:
    if case.language != work.contact.language:
        contacts.set_language(conn, work.contact.id, case.language)
    for effect in work.step.effects:
        if isinstance(effect, OptOut):
            contacts.set_stopped(conn, work.contact.id, work.scene.now, "asked")
        elif isinstance(effect, OptIn):
            contacts.set_stopped(conn, work.contact.id, None, None)


def _people(conn: sa.Connection, parts: Parts, work: Decision, case: Case) -> None:
    """Who is asked, and who need not be asked any more."""
    for effect in work.step.effects:
        if isinstance(effect, Page):
            _page(conn, parts, case, effect, work.scene, work.contact.number)
        elif isinstance(effect, Alert):
            _alert(conn, parts, case, effect, work.scene.now)
        elif isinstance(effect, StandDown):
            _stand_down(conn, parts, case, effect, work.scene.now)
        elif isinstance(effect, UpdateCall):
            _call_instead(
                conn,
                parts,
                case.id,
                effect,
                work.contact.number,
                work.scene.now,
            )
    if _settles(work.before, case):
        stop_calls(conn, parts, case.id, work.scene.now)


ALERT_WORDS = 300  # characters of a resident's words that are told in one text


def _alert(conn: sa.Connection, parts: Parts, case: Case, effect: Alert, now: datetime) -> None:
    """Tell whoever has the case, on their phone, if they stand on a ladder with one. The case's
    revision tells the rest."""
    rung = parts.program.rung_of(effect.name)
    if rung is not None and rung.number:
        words = (
            effect.words
            if len(effect.words) <= ALERT_WORDS
            else effect.words[: ALERT_WORDS - 1] + "…"
        )
        text_person(conn, parts, case, rung.name, effect.key, now, words=words)


def surge(conn: sa.Connection, parts: Parts, scene: Scene) -> tuple[int, int]:
    """How many dangers wait untaken, and for how many minutes the oldest has; (0, 0) unless they
    are more than twice the staff on duty (rule 24)."""
    waiting = cases.waiting_since(conn)
    staff = {rung.name for rung in on_duty(parts.program, "danger", scene.local)}
    if not scene.program.clocks.surge_page or len(waiting) <= 2 * max(1, len(staff)):
        return 0, 0
    return len(waiting), int((scene.now - waiting[0]).total_seconds() // 60)


def _asked(effect: Page, scene: Scene, number: str) -> tuple[Rung, ...]:
    """Those a page goes to. Nobody is asked to take a case about their own phone: the next person
    is."""
    every = people(effect, scene)
    if not number:  # it does not open: nobody is left out for it
        return every
    others = tuple(rung for rung in every if rung.number != number)
    if others == every:
        return every
    own = next(rung for rung in every if rung.number == number)
    following = passed_on(effect, own.name, scene)
    more = people(following, scene) if following is not None else ()
    return others + tuple(
        rung
        for rung in more
        if rung.number != number and rung.name not in {each.name for each in others}
    )


def _page(
    conn: sa.Connection, parts: Parts, case: Case, effect: Page, scene: Scene, number: str
) -> None:
    many, minutes = (
        surge(conn, parts, scene) if effect.ladder == "danger" and not case.test else (0, 0)
    )
    for rung in _asked(effect, scene, number):
        paged = hand_offs.last_paged(conn, rung.name) if many else None
        if (
            paged is not None
            and scene.now - paged < timedelta(seconds=scene.program.clocks.surge_page)
            and not effect.backstop
        ):
            continue  # one page a person a minute: the next names how many wait
        row = {
            "id": parts.new_id(), "case_id": case.id, "ladder": effect.ladder,
            "round": effect.round, "rung": effect.rung, "person": rung.name, "at": scene.now,
            "held": case.test,
        }  # fmt: skip
        if not hand_offs.add_page(conn, row) or case.test:
            continue
        if rung.by == "call":
            ring_person(conn, parts, case.id, rung, str(row["id"]), scene.now)
        elif rung.by == "text":
            # No two pages to one person about one case say the same: what was sent is told apart
            # when it has to be looked for.
            times = hand_offs.times_paged(conn, case.id, rung.name)
            key = "page.surge" if many else "page.again" if times > 1 else "page.text"
            text_person(
                conn,
                parts,
                case,
                rung.name,
                key,
                scene.now,
                times=str(times),
                count=str(many),
                minutes=str(minutes),
            )


def text_person(
    conn: sa.Connection, parts: Parts, case: Case, whom: str, key: str, now: datetime, **fill: str
) -> None:
    """Text somebody on a ladder; about a test case, nobody. The number stays in the program file;
    the row holds the name."""
    if case.test:
        return
    language = parts.program.languages[0]
    words = parts.catalog.text(
        language, key, **filling(parts.program, language, parts.catalog, case.reference), **fill
    )
    text = Text.outbound(
        parts.new_id(),
        words,
        TextState.WAITING,
        now,
        case_id=case.id,
        person=whom,
        keys=key,
        language=language,
        next_at=now + HOLD,
    )
    messages.add(conn, messages.rows(parts.sealer, (text,)))
    parts.jobs.enqueue(conn, "send_text", f"send:{text.id}:0", text.id, PEOPLE)


def ring_person(
    conn: sa.Connection, parts: Parts, case_id: str, rung: Rung, page_id: str, now: datetime
) -> None:
    """Ring somebody on a ladder, unless a call to them about this case waits, rings or goes on
    already."""
    if not calls.under_way(conn, case_id, rung.name):
        _enqueue_call(
            conn,
            parts,
            case_id,
            rung.number,
            now,
            person=rung.name,
            page_id=page_id,
        )


def _call_instead(
    conn: sa.Connection,
    parts: Parts,
    case_id: str,
    effect: UpdateCall,
    number: str,
    now: datetime,
) -> None:
    """Ring the resident, once for a lost text, unless a call to them waits, rings or goes on: it
    tells where the case stands."""
    if calls.under_way(conn, case_id, None) or (
        effect.text_id and calls.made_for(conn, effect.text_id)
    ):
        return
    _enqueue_call(conn, parts, case_id, number, now, text_id=effect.text_id or None)


def _enqueue_call(
    conn: sa.Connection,
    parts: Parts,
    case_id: str,
    number: str,
    now: datetime,
    **whom: str | None,
) -> None:
    call_id = parts.new_id()
    calls.add(conn, parts.sealer, call_id, case_id, number, now, now + HOLD, **whom)
    parts.jobs.enqueue(
        conn, "call_person", f"call:{call_id}:0", call_id, queue_to(whom.get("person"))
    )


def _settles(before: Case | None, case: Case) -> bool:
    """Has somebody just taken it, or has it just ended?"""
    if case.ended:
        return before is None or not before.ended
    taken = case.marks.get(Mark.ACKNOWLEDGED)
    return (
        taken is not None
        and case.human_has_it
        and (before is None or before.marks.get(Mark.ACKNOWLEDGED) != taken)
    )


def stop_calls(conn: sa.Connection, parts: Parts, case_id: str, now: datetime) -> None:
    """What people are rung for is settled: phones that still ring are to be quiet."""
    for call_id in calls.stop(conn, case_id, now):
        parts.jobs.enqueue(conn, "call_person", f"call:{call_id}:over", call_id, PEOPLE)


def _stand_down(
    conn: sa.Connection, parts: Parts, case: Case, effect: StandDown, now: datetime
) -> None:
    """Everybody else who was paged hears that one has it."""
    with_number = {rung.name for rung in parts.program.ladder if rung.number}
    for person in hand_offs.paged_people(conn, case.id):
        if person != effect.name and person in with_number:
            text_person(conn, parts, case, person, "page.stood_down", now, name=effect.name)


def _lines(parts: Parts, work: Decision, case: Case) -> Sequence[journal.Entry]:
    told: list[tuple[str, dict[str, object]]] = [
        (effect.event, dict(effect.detail))
        for effect in work.step.effects
        if isinstance(effect, Record)
    ]
    told += [
        ("paged", {"ladder": page.ladder, "rung": page.rung, "round": page.round})
        for page in work.step.effects
        if isinstance(page, Page)
    ]
    before = work.before
    if before is None or before.status != case.status:
        told.append(("status", {"to": case.status.value}))
    if before is None or before.level != case.level:
        told.append(
            ("level", {"to": case.level.name if case.level else "", "because": list(case.because)})
        )
    return [
        journal.Entry(parts.new_id(), work.scene.now, case.id, work.who, event, detail)
        for event, detail in told
    ]
