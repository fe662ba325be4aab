"""Turns the effects of a decision into rows and jobs, in one transaction: all of them or none.

Everything that needs no database (texts, encryption, packets) is made first, by `prepare`, so that
the write lock is held only for writing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as with_changes
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from caller_service.core import hand_off, retention
from caller_service.core.case import Case, Step, replace
from caller_service.core.clock import next_due
from caller_service.core.effect import (
    Alert,
    BookCallback,
    Effect,
    EraseAnswers,
    EraseNumber,
    EraseWords,
    HandOff,
    OptIn,
    OptOut,
    Page,
    PlaceLink,
    Record,
    Ring,
    StandDown,
    UpdateCall,
)
from caller_service.core.escalation import passed_on, people, people_with_room
from caller_service.core.holding import MOST_HELD
from caller_service.core.journal_events import Event
from caller_service.core.marks import Mark
from caller_service.core.outbound import CallbackState, DeliveryState, TextState
from caller_service.core.program import INTERPRETER, DestinationKind, Rung
from caller_service.core.routing import Scene, on_duty
from caller_service.core.safe_contact import (
    HUMAN_WORDS,
    by_phone,
    calls_wanted,
    may_note_by_phone,
    stopped_in_words,
)
from caller_service.jobs.queue import PEOPLE, queue_of, queue_to
from caller_service.language.wording import Words, filling, texts
from caller_service.store import (
    callbacks,
    calls,
    cases,
    contacts,
    erasure,
    hand_offs,
    journal,
    messages,
)
from caller_service.store.callbacks import Callback
from caller_service.store.contacts import Contact
from caller_service.store.messages import Text
from caller_service.store.visits import VisitKind

from .page_links import link_to, place_url
from .parts import Parts

HOLD = timedelta(seconds=30)  # the sweep enqueues a job again only this long after it was enqueued
# first state of a delivery, by kind of destination; WAITING for the others
_BEGINS: Mapping[str, DeliveryState] = {
    DestinationKind.CONSOLE: DeliveryState.RECEIVED,
    DestinationKind.PAGE: DeliveryState.UNREAD,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision that is to be saved: the contact, the case before and after, and the text it
    answers."""

    contact: Contact
    before: Case | None
    step: Step
    scene: Scene
    who: str  # for the journal: resident, clock, or a name
    inbound: Text | None = None  # the text that it answers
    late: bool = False  # the webhook is gone: the answer is sent by REST
    # what was said and keyed on the phone, or shown and chosen on a page
    spoken: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class PreparedWrite:
    """A decision with all its rows, ready to be written."""

    work: Decision
    case: Case
    row: Mapping[str, Any] = field(repr=False)
    texts: tuple[Text, ...]
    text_rows: Sequence[Mapping[str, Any]] = field(repr=False)
    lines: Sequence[journal.Entry]
    revisions: Sequence[tuple[Mapping[str, Any], Sequence[hand_offs.Delivery]]] = field(repr=False)


def prepare(parts: Parts, work: Decision) -> PreparedWrite:
    """Make everything that a decision writes, before the write lock is taken."""
    case = replace(
        work.step.case,
        version=work.step.case.version + 1,
        protocol_hash=parts.program.protocol.hash,
    )
    messages_to_send = texts(work.step.effects, case, parts.program, parts.catalog)
    rows = tuple(
        _text(parts, work, case, words, place) for place, words in enumerate(messages_to_send)
    )
    return PreparedWrite(
        work,
        case,
        cases.row(
            case,
            parts.sealer,
            None if case.ended else next_due(case, parts.program),
            retention.erase_due(case, parts.program.retention),
        ),
        rows,
        messages.rows(
            parts.sealer, (*((work.inbound,) if work.inbound else ()), *rows, *work.spoken)
        ),
        _lines(parts, work, case),
        [
            _revision(parts, work, case, effect)
            for effect in work.step.effects
            if isinstance(effect, HandOff)
        ],
    )


def save(conn: sa.Connection, parts: Parts, prepared: PreparedWrite) -> tuple[Text, ...]:
    """Write the case and everything that follows from it. Returns the texts that answer, for the
    caller to send.

    Raises Stale if the case was written since it was read.
    """
    work, case = prepared.work, prepared.case
    if work.before is None:
        cases.add(conn, prepared.row)
    else:
        cases.keep(conn, prepared.row)
    messages.add(conn, prepared.text_rows)
    for text in prepared.texts:
        if text.state == TextState.WAITING:
            parts.jobs.enqueue(conn, "send_text", f"send:{text.id}:0", text.id)
    _contact(conn, work, case)
    if work.before is not None and calls_wanted(work.before) and not calls_wanted(case):
        _stop_calling(conn, parts, case, work.scene.now)
    _people(conn, parts, work, case)
    if any(isinstance(effect, PlaceLink) for effect in work.step.effects):
        _place_link(conn, parts, work, case)
    _erase(conn, parts, work)
    for row, deliveries in prepared.revisions:
        hand_offs.add(conn, row, deliveries)
        for one in deliveries:
            if one.state == DeliveryState.WAITING:
                parts.jobs.enqueue(
                    conn, "deliver", f"deliver:{one.id}:0", one.id, queue_of(one.destination)
                )
    journal.write(conn, prepared.lines)
    return tuple(text for text in prepared.texts if text.state == TextState.REPLIED)


def _erase(conn: sa.Connection, parts: Parts, work: Decision) -> None:
    """In the transaction that says it is done."""
    for effect in work.step.effects:
        if isinstance(effect, EraseWords):
            erasure.words(conn, parts.sealer, work.step.case, parts.program, work.scene.now)
        elif isinstance(effect, EraseNumber):
            erasure.number(conn, parts.sealer, work.step.case, parts.program, work.scene.now)
        elif isinstance(effect, EraseAnswers):
            erasure.answers(conn, parts.sealer, work.step.case, parts.program)


def _text(parts: Parts, work: Decision, case: Case, words: Words, place: int) -> Text:
    now = work.scene.now
    unasked = words.unasked or work.inbound is None or work.late
    page = unasked and not all(_by_phone(case, key, now) for key in words.keys)
    # nobody has the probe's number, so nothing is sent
    waiting = unasked and not case.test and not page
    state = TextState.ON_PAGE if page else TextState.HELD if unasked else TextState.REPLIED
    return Text.outbound(
        parts.new_id(),
        words.text,
        TextState.WAITING if waiting else state,
        now,
        contact_id=work.contact.id,
        case_id=case.id,
        answers=None if words.unasked or work.inbound is None else work.inbound.id,
        place=place,
        keys=" ".join(words.keys),
        language=case.language,
        next_at=now + HOLD if waiting else None,
    )


def _by_phone(case: Case, key: str, now: datetime) -> bool:
    """Do these words, which the gate lets out, go to their phone? Otherwise they wait on their
    private page."""
    if not case.on_web:
        return True
    return may_note_by_phone(case, now) if key in HUMAN_WORDS else by_phone(case, key)


def _revision(
    parts: Parts, work: Decision, case: Case, effect: HandOff
) -> tuple[Mapping[str, Any], Sequence[hand_offs.Delivery]]:
    """A new revision, and a delivery of it to every destination. The console has it at once; on a
    page it waits unread until somebody opens it, without a job.

    A test case goes only to the console, where it is listed and never dispatched.
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
            words = stopped_in_words(case)
            because = contacts.STOPPED_IN_WORDS if words else "asked"
            contacts.set_stopped(conn, work.contact.id, work.scene.now, because)
        elif isinstance(effect, OptIn):
            contacts.set_stopped(conn, work.contact.id, None, None)


def _people(conn: sa.Connection, parts: Parts, work: Decision, case: Case) -> None:
    """Page people, alert them, or tell them that they are not needed."""
    # who was paged, on which ladder: clocks that fire together page each person once
    paged: set[tuple[str, str]] = set()
    for effect in (each for each in work.step.effects if _now(each, case)):
        if isinstance(effect, Page):
            _page(conn, parts, case, effect, work.scene, work.contact.number, paged)
        elif isinstance(effect, Alert):
            _alert(conn, parts, case, effect, work.scene.now)
        elif isinstance(effect, Ring):
            _ring_again(conn, parts, case, effect.name, work.scene.now)
        elif isinstance(effect, BookCallback):
            _book(conn, parts, case.id, effect, work.scene.now)
        elif isinstance(effect, StandDown):
            _stand_down(conn, parts, case, effect, work.scene.now)
        elif isinstance(effect, UpdateCall):
            _call_resident(
                conn,
                parts,
                case.id,
                effect,
                work.contact.number,
                work.scene.now,
            )
    if _settles(work.before, case):
        stop_calls(conn, parts, case, work.scene.now)
        if case.on_line and not case.ended and not case.talking:
            _ring_again(conn, parts, case, case.accepted_by, work.scene.now)


def _now(effect: Effect, case: Case) -> bool:
    """While a human speaks with them nobody is rung, except for another caller of their number:
    others are asked when the two have parted."""
    return not case.talking or not isinstance(effect, (Page, Ring)) or _beside(effect)


def _beside(effect: Page | Ring) -> bool:
    return isinstance(effect, Page) and effect.beside


def _book(
    conn: sa.Connection, parts: Parts, case_id: str, effect: BookCallback, now: datetime
) -> None:
    callbacks.replace_waiting(conn, case_id)  # one promise at a time: the latest
    callbacks.add(
        conn,
        parts.sealer,
        Callback(
            parts.new_id(), case_id, effect.by, effect.due, effect.until, 0, effect.most,
            int(effect.spacing.total_seconds()), CallbackState.WAITING, "", effect.person or None,
            0, None, None, effect.due, None, now, effect.ask_for,
        ),
    )  # fmt: skip


def _place_link(conn: sa.Connection, parts: Parts, work: Decision, case: Case) -> None:
    """A link to mark the place, by text: the gate was asked by who decided, and is asked again
    before it is sent."""
    now = work.scene.now
    if case.test:
        return
    link = place_url(parts, link_to(conn, parts, case, VisitKind.PLACE, now))
    text = Text.outbound(
        parts.new_id(),
        parts.catalog.text(case.language, "place.link", link=link),
        TextState.WAITING, now, contact_id=work.contact.id, case_id=case.id, keys="place.link",
        language=case.language, next_at=now + HOLD,
    )  # fmt: skip
    messages.add(conn, messages.rows(parts.sealer, (text,)))
    parts.jobs.enqueue(conn, "send_text", f"send:{text.id}:0", text.id)


def _ring_again(conn: sa.Connection, parts: Parts, case: Case, name: str, now: datetime) -> None:
    """Ring the phone of somebody who has a caller on the line, if they are on a ladder with a
    number and not on a call about them."""
    if name == INTERPRETER:
        ring_interpreter(conn, parts, case, now)
        return
    rung = parts.program.rung_of(name)
    if rung is not None and rung.number and not case.test:
        ring_person(conn, parts, case.id, rung, None, now)


def ring_interpreter(conn: sa.Connection, parts: Parts, case: Case, now: datetime) -> None:
    """Ring the contracted interpreter line for a caller, unless it rings or is there already."""
    number = parts.program.numbers.interpreter
    if not number or case.test or calls.under_way(conn, case.id, INTERPRETER):
        return
    call_id = parts.new_id()
    calls.add(
        conn, parts.sealer, call_id, case.id, number, now, now + HOLD,
        person=INTERPRETER, many_lines=True,
    )  # fmt: skip
    parts.jobs.enqueue(conn, "call_person", f"call:{call_id}:0", call_id, PEOPLE)


ALERT_WORDS = 300  # longest part of a resident's words in one alert, in characters


def _alert(conn: sa.Connection, parts: Parts, case: Case, effect: Alert, now: datetime) -> None:
    """Text the alert to the phone of whoever has the case, if they are on a ladder with a
    number."""
    rung = parts.program.rung_of(effect.name)
    if rung is not None and rung.number:
        words = (
            effect.words
            if len(effect.words) <= ALERT_WORDS
            else effect.words[: ALERT_WORDS - 1] + "…"
        )
        text_person(conn, parts, case, rung.name, effect.key, now, words=words)


def surge(conn: sa.Connection, parts: Parts, scene: Scene) -> tuple[int, int]:
    """The number of dangers that nobody has accepted, and the minutes the oldest has waited; (0, 0)
    unless there are more than twice as many as staff on duty (rule 24)."""
    waiting = cases.waiting_since(conn)
    staff = {rung.name for rung in on_duty(parts.program, "danger", scene.local)}
    if not scene.program.clocks.surge_page or len(waiting) <= 2 * max(1, len(staff)):
        return 0, 0
    return len(waiting), int((scene.now - waiting[0]).total_seconds() // 60)


def _people_of(effect: Page, scene: Scene, number: str, full: frozenset[str]) -> tuple[Rung, ...]:
    """The people a page goes to. Nobody is paged about their own phone, and who has as many dangers
    as one person may (`full`) for no other: the next person is instead."""
    every = people_with_room(effect, scene, full)
    if not number:  # it does not open: nobody is left out for it
        return every
    others = tuple(rung for rung in every if rung.number != number)
    if others == every:
        return every
    own = next(rung for rung in every if rung.number == number)
    following = passed_on(effect, own.name, scene)
    more = people_with_room(following, scene, full) if following is not None else ()
    return others + tuple(
        rung
        for rung in more
        if rung.number != number and rung.name not in {each.name for each in others}
    )


def _surge_helpers(effect: Page, scene: Scene, number: str) -> tuple[Rung, ...]:
    """The supervisors on duty and the contracted line; never the phone that the case is about."""
    asked = (*people(with_changes(effect, supervisor=True), scene), *scene.program.backstops)
    helpers = {rung.name for rung in scene.program.ladder if rung.supervisor}
    helpers |= {rung.name for rung in scene.program.backstops}
    return tuple(
        rung
        for rung in asked
        if rung.name in helpers
        and rung.name not in effect.but
        and (not number or rung.number != number)
    )


def _page(
    conn: sa.Connection,
    parts: Parts,
    case: Case,
    effect: Page,
    scene: Scene,
    number: str,
    paged: set[tuple[str, str]],
) -> None:
    danger = effect.ladder == "danger" and not case.test
    waiting_count, minutes = surge(conn, parts, scene) if danger else (0, 0)
    # while many wait, the supervisors and the backstop are asked with the first page (rule 24)
    helpers = _surge_helpers(effect, scene, number) if waiting_count else ()
    backstops = {rung.name for rung in scene.program.backstops}
    full = cases.full_hands(conn, MOST_HELD, case.id) if danger else frozenset()
    for rung in (*_people_of(effect, scene, number, full), *helpers):
        if (effect.ladder, rung.name) in paged:
            continue
        paged.add((effect.ladder, rung.name))
        last_paged = hand_offs.last_paged(conn, rung.name) if waiting_count else None
        clocks = scene.program.clocks
        pause = clocks.backstop if rung.name in backstops else clocks.surge_page
        if (
            last_paged is not None
            and scene.now - last_paged < timedelta(seconds=pause)
            and not effect.backstop
        ):
            continue  # one page per person and minute; the next one says how many wait
        row = {
            "id": parts.new_id(), "case_id": case.id, "ladder": effect.ladder,
            "round": effect.round, "rung": effect.rung, "person": rung.name, "at": scene.now,
            "held": case.test,
        }  # fmt: skip
        if not hand_offs.add_page(conn, row) or case.test:
            continue
        if rung.by == "call" or (case.on_line and rung.number):
            ring_person(conn, parts, case.id, rung, str(row["id"]), scene.now)
        elif rung.by == "text":
            # No two pages to one person about a case have the same words, so that a lost send can
            # be looked up.
            times_paged = hand_offs.times_paged(conn, case.id, rung.name)
            key = (
                "page.surge" if waiting_count else "page.again" if times_paged > 1 else "page.text"
            )
            text_person(
                conn,
                parts,
                case,
                rung.name,
                key,
                scene.now,
                times=str(times_paged),
                count=str(waiting_count),
                minutes=str(minutes),
            )


def text_person(
    conn: sa.Connection, parts: Parts, case: Case, whom: str, key: str, now: datetime, **fill: str
) -> None:
    """Text somebody on a ladder; nobody about a test case. The row has their name, the number stays
    in the program file."""
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
    conn: sa.Connection,
    parts: Parts,
    case_id: str,
    rung: Rung,
    page_id: str | None,
    now: datetime,
) -> None:
    """Call somebody on a ladder, unless a call to them about this case is waiting or in
    progress."""
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


def _call_resident(
    conn: sa.Connection,
    parts: Parts,
    case_id: str,
    effect: UpdateCall,
    number: str,
    now: datetime,
) -> None:
    """Call the resident, once per lost text, unless a call to them is waiting or in progress."""
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
    **whom: Any,
) -> None:
    call_id = parts.new_id()
    calls.add(conn, parts.sealer, call_id, case_id, number, now, now + HOLD, **whom)
    parts.jobs.enqueue(
        conn, "call_person", f"call:{call_id}:0", call_id, queue_to(whom.get("person"))
    )


def _settles(before: Case | None, case: Case) -> bool:
    """Has somebody just accepted the case, or has it just ended?"""
    if case.ended:
        return before is None or not before.ended
    accepted_at = case.marks.get(Mark.ACKNOWLEDGED)
    return (
        accepted_at is not None
        and case.human_has_it
        and (before is None or before.marks.get(Mark.ACKNOWLEDGED) != accepted_at)
    )


def end_calls(conn: sa.Connection, parts: Parts, call_ids: Sequence[str]) -> None:
    """Calls that were marked as over: the provider is told at once, each by a job."""
    for call_id in call_ids:
        parts.jobs.enqueue(conn, "call_person", f"call:{call_id}:over", call_id, PEOPLE)


def stop_interpreter(conn: sa.Connection, parts: Parts, case_id: str, now: datetime) -> None:
    """The caller is gone: the interpreter line waits for nobody."""
    end_calls(conn, parts, calls.stop_person(conn, case_id, INTERPRETER, now))


def stop_calls(conn: sa.Connection, parts: Parts, case: Case, now: datetime) -> None:
    """Stop calls that are still ringing, because nobody needs to answer them any more. Who asked to
    be joined to the PSAP still is to be, whoever takes the case."""
    end_calls(conn, parts, calls.stop(conn, case.id, now, "" if case.ended else case.psap_call))


def _stop_calling(conn: sa.Connection, parts: Parts, case: Case, now: datetime) -> None:
    """Calls were taken back, which is believed at once (rule 10): a phone of theirs that rings
    falls silent, and whoever waits to be joined hears why."""
    callbacks.stop_ringing(conn, case.id)
    end_calls(conn, parts, calls.stop_resident(conn, case.id, now))


def _stand_down(
    conn: sa.Connection, parts: Parts, case: Case, effect: StandDown, now: datetime
) -> None:
    """Tell everybody else who was paged that somebody has the case."""
    with_number = {rung.name for rung in parts.program.ladder if rung.number}
    for person in hand_offs.paged_people(conn, case.id):
        if person != effect.name and person in with_number:
            text_person(conn, parts, case, person, "page.stood_down", now, name=effect.name)


def _lines(parts: Parts, work: Decision, case: Case) -> Sequence[journal.Entry]:
    events: list[tuple[Event, dict[str, object]]] = [
        (effect.event, dict(effect.detail))
        for effect in work.step.effects
        if isinstance(effect, Record)
    ]
    events += [
        (Event.PAGED, {"ladder": page.ladder, "rung": page.rung, "round": page.round})
        for page in work.step.effects
        if isinstance(page, Page)
    ]
    before = work.before
    if before is None or before.status != case.status:
        events.append((Event.STATUS, {"to": case.status.value}))
    if before is None or before.level != case.level:
        events.append(
            (
                Event.LEVEL,
                {"to": case.level.name if case.level else "", "because": list(case.because)},
            )
        )
    return [
        journal.Entry(parts.new_id(), work.scene.now, case.id, work.who, event, detail)
        for event, detail in events
    ]
