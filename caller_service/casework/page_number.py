"""A number that was typed on a page: it gets one neutral text with a word, and is theirs once they
typed that word (docs/safety-rules.md, rules 9 and 10). Tries are counted, so that nobody has
strangers texted or guesses a word."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from dataclasses import replace as with_changes
from datetime import datetime, timedelta

import sqlalchemy as sa

from caller_service.core import request_form
from caller_service.core.case import Case, Step
from caller_service.core.failure_pace import Pace
from caller_service.core.outbound import TextState
from caller_service.core.request_form import Position, Shown
from caller_service.core.routing import Scene
from caller_service.core.safe_contact import may_text_word
from caller_service.language.page_words import page_text
from caller_service.store import cases, contacts, failures, messages
from caller_service.store.contacts import Contact
from caller_service.store.messages import Text

from .carry_out import HOLD
from .page_visit import LETTERS, Act, Kept
from .parts import Parts

TRIES = 5  # at the word that was texted
CONFIRM = "web.confirm.text"
WORD_AGAIN = timedelta(hours=24)  # a number gets one word in this time, whoever types it
MOST_WORDS = 3  # numbers that one request may try
# numbers that all requests from one source may try: six, then ever slower, down to one an hour. A
# word that is typed back gives its try back, so people who share a connection are not in each
# other's way.
WORDS_PACE = Pace(free=6, pause=600.0, growth=2.0, most=3600.0, forgiven=3600.0)
# wrong words for a number whose text another visit asked for, all visits together: a visit that was
# lost can be made good, and nobody guesses the word by opening visit after visit
BORROWED_PACE = Pace(free=5, pause=86_400.0, most=86_400.0, forgiven=86_400.0)


@dataclass(frozen=True, slots=True)
class TypedNumber:
    """Whose a number is that was confirmed: a contact without an open request, or one with it."""

    contact: str = ""
    other: str = ""  # their open request
    texted: str = ""  # id of the text with a word that it got lately: no second text
    slowed: bool = False  # too many wrong words were typed for it
    silent: bool = False  # it has a request in which software may not text first
    untexted: str = ""  # this request, or its source, had too many numbers texted (catalog key)


def typed_number(
    conn: sa.Connection, parts: Parts, case_id: str, kept: Kept, act: Act, lock: bool
) -> TypedNumber:
    """What is known of the number, for the two acts that are about one. `lock`: counts are held
    until the end of the transaction."""
    if act.name not in ("word", "safe") or not kept.position.number:
        return TypedNumber()
    known = contacts.of_number(conn, parts.sealer, kept.position.number)
    if act.name == "safe":
        since = parts.now() - WORD_AGAIN
        if text := messages.last_sent_to(conn, [row.id for row in known], CONFIRM, since):
            return TypedNumber(texted=text)
        if messages.sent_for(conn, case_id, CONFIRM) >= MOST_WORDS:
            return TypedNumber(untexted=request_form.TRIED)
        slowed = _slowed(conn, parts, act.source, lock)
        silent = any(
            not may_text_word(each)
            for row in known
            for each in cases.all_open(conn, parts.sealer, row.id)
            if each.id != case_id
        )
        return TypedNumber(untexted=request_form.TOO_MANY if slowed else "", silent=silent)
    if kept.borrowed and _too_many_wrong(conn, parts, kept.word_for, lock):
        return TypedNumber(slowed=True)
    for row in known:
        if (other := cases.open_of(conn, parts.sealer, row.id)) is not None:
            return TypedNumber(other=other.id)
    return TypedNumber(known[0].id) if known else TypedNumber()


def word_typed(
    case: Case, position: Position, value: str, scene: Scene, kept: Kept, number: TypedNumber
) -> Shown:
    """Is it the word that was texted? So many tries, then only the page is used."""
    plain = "".join(letter for letter in value.upper() if letter in LETTERS)
    may = bool(kept.word) and kept.tries < TRIES and not number.slowed
    right = may and secrets.compare_digest(plain, kept.word)
    if not right or not position.asked_word:
        told: request_form.ToldWords = (("web.confirm.fault", {}),)
        return Shown(Step(case), with_changes(position, told=told))
    return request_form.confirmed(case, position, scene, number.other)


def keep_number(
    conn: sa.Connection,
    parts: Parts,
    shown: Shown,
    kept: Kept,
    following: Kept,
    number: TypedNumber,
    act: Act,
    scene: Scene,
    text_id: str,
) -> None:
    """A number that was confirmed is theirs from now on; one that was called safe gets its word."""
    case = shown.step.case
    if number.contact and case.answers.get("contact") == kept.position.wanted:
        cases.give_to(conn, case.id, number.contact)
    if act.name == "word" and kept.position.asked_word:
        right = not shown.position.asked_word
        if kept.borrowed:
            _count_wrong(conn, parts, kept.word_for, scene.now, number.slowed, right)
        elif right:
            _count_word(conn, parts, act.source, scene.now, typed_back=True)
    if shown.confirm and not case.test and not number.texted:
        _count_word(conn, parts, act.source, scene.now)
        if not number.silent:  # the page says the same: it tells nobody who has a request
            _text_word(conn, parts, case, following, scene, text_id)


def _count_wrong(
    conn: sa.Connection, parts: Parts, number: str, now: datetime, slowed: bool, right: bool
) -> None:
    """Counts the wrong words that later visits typed for a number. If others typed one meanwhile,
    this post is decided again."""
    key = _wrong_of(parts, number)
    held = failures.hold(conn, [key], now)[key]
    if held.wait(BORROWED_PACE, now) and not slowed:
        raise cases.Stale
    if not right:
        failures.keep(conn, key, held.one_more(BORROWED_PACE, now))


def _wrong_of(parts: Parts, number: str) -> bytes:
    return parts.sealer.index(f"page wrong words {number}")


def _count_word(
    conn: sa.Connection, parts: Parts, source: str, now: datetime, typed_back: bool = False
) -> None:
    """Counts the numbers that one source has us text, in the transaction that writes the text. If
    others from there were quicker meanwhile, this post is decided again."""
    key = _words_of(parts, source)
    held = failures.hold(conn, [key], now)[key]
    if typed_back:
        return failures.keep(conn, key, held.one_less())
    if held.wait(WORDS_PACE, now):
        raise cases.Stale
    failures.keep(conn, key, held.one_more(WORDS_PACE, now))


def _words_of(parts: Parts, source: str) -> bytes:
    return parts.sealer.index(f"page words {source}")  # never a number, as for a code


def _too_many_wrong(conn: sa.Connection, parts: Parts, number: str, lock: bool) -> bool:
    key, now = _wrong_of(parts, number), parts.now()
    found = failures.hold(conn, [key], now) if lock else failures.find(conn, [key])
    return key in found and found[key].wait(BORROWED_PACE, now) > 0


def _slowed(conn: sa.Connection, parts: Parts, source: str, lock: bool) -> bool:
    """Did this source have so many numbers texted that the next one has to wait?"""
    key, now = _words_of(parts, source), parts.now()
    found = failures.hold(conn, [key], now) if lock else failures.find(conn, [key])
    return key in found and found[key].wait(WORDS_PACE, now) > 0


def word_of(parts: Parts, text_id: str) -> str:
    """The word in the text with this id. A later visit can expect it again, because it is made from
    the id and a key, and stored in no text that anybody reads."""
    made = parts.sealer.index(f"page word {text_id}")
    return "".join(LETTERS[each % len(LETTERS)] for each in made[:5])


def _text_word(
    conn: sa.Connection, parts: Parts, case: Case, kept: Kept, scene: Scene, text_id: str
) -> None:
    """One neutral text with a word to a number that was typed here and called safe. Whose number it
    is stays open: another open request of it is linked, never merged."""
    new = Contact(parts.new_id(), case.language, kept.position.number)
    held = contacts.lock(conn, parts.sealer, new, scene.now)[0]
    text = Text.outbound(
        text_id,
        page_text(CONFIRM, {"word": kept.word}, case.language, parts.program, parts.catalog),
        TextState.WAITING, scene.now, contact_id=held, case_id=case.id, keys=CONFIRM,
        language=case.language, next_at=scene.now + HOLD,
    )  # fmt: skip
    messages.add(conn, messages.rows(parts.sealer, (text,)))
    parts.jobs.enqueue(conn, "send_text", f"send:{text.id}:0", text.id)
