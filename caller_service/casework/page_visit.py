"""A private page as one browser has it: its key and its code, what it keeps, whether anybody looks
at it, and the words it shows (docs/web.md)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from dataclasses import replace as with_changes
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import sqlalchemy as sa

from caller_service.core import request_form
from caller_service.core.case import Case, Step
from caller_service.core.holding import words_taken
from caller_service.core.marks import Mark
from caller_service.core.outbound import TextState
from caller_service.core.page_presence import closed, opened_again
from caller_service.core.request_form import Position
from caller_service.core.routing import Scene
from caller_service.core.safe_contact import HUMAN_WORDS
from caller_service.core.vocabulary import normal
from caller_service.store import messages, visits
from caller_service.store.database.transaction import lock_for_write, reading, transaction
from caller_service.store.journal import Author
from caller_service.store.messages import Text
from caller_service.store.visits import Visit, VisitKind, VisitState

from .change import change, update_case
from .page_links import OPEN_FOR
from .parts import Parts

KEPT = timedelta(hours=24)  # a form that was left, and a page after its case has ended
LAST_WORDS = 4  # of the conversation that a page shows, beside what was not shown yet
LOOKED = timedelta(seconds=3)  # between two notes that a page is open
AWAY = timedelta(seconds=45)  # a page that nobody asked for so long is closed
# No vowels and nothing that looks alike: a typed code never spells a word. 18 letters, ten of them:
# 41 bits, behind slowed tries.
LETTERS, LENGTH = "BCDFGHJKMNPQRTVWXZ", 10
PAGES = frozenset({VisitKind.BROWSER})  # what opens a page; a link is opened by its button


@dataclass(frozen=True, slots=True)
class Act:
    """What a browser posted. `step` and `nonce` are of the screen it stood on; `read_at`: when that
    screen counts as read."""

    name: str
    step: int
    nonce: str
    screen: str = ""
    value: str = field(default="", repr=False)
    accuracy: float = 0.0  # metres
    read_at: datetime | None = None
    language: str = ""  # of the page: a text in no language of ours says nothing of the reader
    visit: str = ""  # the visit that the screen was served to; "": before there was one
    idle: timedelta = timedelta(minutes=10)  # left alone so long, the words are hidden
    locked: bool = False  # they are: what is posted does not show them
    probe: bool = False  # signed by the operator's probe (web/residents/keys.py)
    trip: float = 0.0  # seconds: the round trip that this screen was served with
    source: str = field(default="", repr=False)  # where it comes from: so many numbers are texted
    inline: bool = False  # the next screen is the answer: no 303 follows, which would be measured


@dataclass(frozen=True, slots=True)
class Kept:
    """What a browser's visit keeps beside the position. `moved_at`: our last 303, to measure the
    round trip; `trip`: how long it last was, in seconds; `hidden_until`: words up to this message
    are hidden; `code`: shown once."""

    position: Position = field(default_factory=Position)
    moved_at: str = ""
    trip: float = 0.0
    hidden_until: str = field(default="", repr=False)
    shown_from: str = field(default="", repr=False)  # who came by a code sees what is newer
    code: str = field(default="", repr=False)
    word: str = field(default="", repr=False)  # the one-time word that was texted
    borrowed: bool = False  # the text with it was asked for by an earlier visit
    word_for: str = field(default="", repr=False)  # to this number
    tries: int = 0
    late: bool = False
    version: int = 0  # of the case when `position.told` was said
    told_at: str = ""  # and when that was


class NoSuchPage(Exception):
    """The secret opens nothing: wrong, over, or left."""


def find(parts: Parts, secret: str, kinds: frozenset[VisitKind] = PAGES) -> VisitState | None:
    """What a secret opens, if it is of one of these kinds; None: it opens nothing."""
    with reading(parts.engine) as conn:
        return load(conn, parts, [visits.secret_hash(secret)], kinds)


def load(
    conn: sa.Connection, parts: Parts, hashes: Sequence[bytes], kinds: frozenset[VisitKind]
) -> VisitState | None:
    """A page ends a day after its case, whoever ended that."""
    found = visits.load(conn, parts.sealer, hashes, now := parts.now())
    if found is None or found.visit.kind not in kinds:
        return None
    over = found.case.ended and now > expires(found.case, now)
    return None if over else found


def find_code(parts: Parts, code: str) -> VisitState | None:
    """The page of a typed code, written in any way: small letters, spaces, dashes."""
    plain = "".join(letter for letter in code.upper() if letter in LETTERS)
    if len(plain) != LENGTH:
        return None
    with reading(parts.engine) as conn:
        return load(conn, parts, parts.sealer.indexes(_code(plain)), frozenset({VisitKind.CODE}))


def _code(plain: str) -> str:
    return f"visit code {plain}"  # never a number: the same keyed hash finds contacts


def kept_of(visit: Visit) -> Kept:
    """What this browser's visit keeps."""
    if not visit.state:
        return Kept()
    plain = json.loads(visit.state)
    position = plain.pop("position")
    told = tuple((key, dict(fill)) for key, fill in position.pop("told"))
    screens = tuple(position.pop("screens"))
    return Kept(position=Position(screens=screens, told=told, **position), **plain)


def state_of(kept: Kept) -> str:
    plain = {each.name: getattr(kept, each.name) for each in fields(Kept)}
    position = {each.name: getattr(kept.position, each.name) for each in fields(Position)}
    return json.dumps(plain | {"position": position})


def enter(parts: Parts, found: VisitState, secret: str) -> None:
    """A link or a typed code was opened in a browser: it gets a key of its own. Who comes by a code
    sees what was not yet shown, and nothing older."""
    now = parts.now()
    with transaction(parts.engine) as conn:
        lock_for_write(conn)
        if visits.load(conn, parts.sealer, [visits.secret_hash(secret)], now) is not None:
            return  # pressed twice
        newest = messages.newest_shown(conn, found.case.id) or ""
        position = request_form.came_back(found.case)
        state = state_of(Kept(position, shown_from=newest))
        visit = Visit(
            parts.new_id(), found.case.id, VisitKind.BROWSER, 0, state, now, now, now,
            expires(found.case, now),
        )  # fmt: skip
        visits.add(conn, parts.sealer, visit, visits.secret_hash(secret))


def expires(case: Case, now: datetime) -> datetime:
    if case.ended:
        return case.marks.get(Mark(case.status.value), now) + KEPT
    return now + OPEN_FOR


def leave(parts: Parts, secret: str) -> None:
    """The browser's key is spent: every older page in its history opens nothing (the case lives
    on, and a code brings one back). The page is closed then, unless another browser shows it: no
    later look would tell whoever has the case."""
    now = parts.now()
    if (found := find(parts, secret)) is None:
        return
    mine = found.visit.id

    def left(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        elsewhere = visits.last_seen(conn, case.id, but=mine)
        shown = elsewhere is not None and now - elsewhere <= AWAY
        return Step(case) if shown else closed(now, case, scene)

    def end(conn: sa.Connection) -> None:
        visits.end(conn, mine, now)

    update_case(parts, found.case.id, left, Author.RESIDENT, also=end)


def unlock(parts: Parts, found: VisitState, code_word: str) -> bool:
    """Somebody opens a page that was left alone: with the code word, where one was agreed."""
    if found.case.code_word and normal(code_word) != normal(found.case.code_word):
        return False  # compared as in a text: capitals, accents and spaces do not matter
    now = parts.now()
    with transaction(parts.engine) as conn:
        lock_for_write(conn)
        state = found.visit.state or state_of(Kept())
        visits.keep(conn, parts.sealer, found.visit, state, now, used=True)
    return True


def seen(parts: Parts, found: VisitState) -> None:
    """A browser shows the page, and nothing on it has changed."""
    now = parts.now()
    if now - found.visit.seen_at > LOOKED:
        with transaction(parts.engine) as conn:
            visits.seen(conn, found.visit.id, now)
    if found.case.page_closed:
        change(parts, found.case.id, opened_again, Author.RESIDENT)


def typing(parts: Parts, found: VisitState) -> None:
    """Somebody types on the page, so it is not left alone: its words are not hidden, nor is the
    sentence lost that is not sent yet."""
    now = parts.now()
    if now - found.visit.used_at > LOOKED:
        with transaction(parts.engine) as conn:
            visits.used(conn, found.visit.id, now)


def looked(parts: Parts, found: VisitState, kept: Kept) -> tuple[VisitState, Words]:
    """A browser shows the page: how it stands then, and the words that it shows. A human's words
    have arrived once they are shown, and no others; software's own updates are in the sentence that
    says how it stands."""
    now, case = parts.now(), found.case
    with reading(parts.engine) as conn:
        texts = messages.of_case(conn, parts.sealer, case.id)
    words = conversation(texts, kept)
    on_it = {text.id for text in words.shown}
    waiting = [
        text
        for text in texts
        if text.state == TextState.ON_PAGE
        and not text.erased
        and (text.id in on_it or not _human(text))
    ]
    if waiting:
        with transaction(parts.engine) as conn:
            messages.mark_read(conn, [text.id for text in waiting], now)
    seen(parts, found)
    written = [text.at for text in waiting if _human(text)]
    if written:
        joined = partial(_taken, max(written))
        case = change(parts, case.id, joined, Author.SYSTEM) or case
    return found._replace(case=case), words


def read_words(parts: Parts, found: VisitState, kept: Kept) -> Words:
    """The same words where nobody sees them."""
    with reading(parts.engine) as conn:
        return conversation(messages.of_case(conn, parts.sealer, found.case.id), kept)


def _human(text: Text) -> bool:
    """Are these a human's own words to the resident?"""
    return text.direction == "out" and bool(HUMAN_WORDS & set(text.keys.split()))


def _taken(written: datetime, case: Case, scene: Scene) -> Step:
    return words_taken(case, scene, written)


def watch(parts: Parts) -> int:
    """Notes the pages that no browser shows any more; returns how many."""
    now, gone = parts.now(), 0
    with reading(parts.engine) as conn:
        pages = visits.live_cases(conn, now - 4 * AWAY)
    for case_id, seen in pages:
        if now - seen > AWAY:
            change(parts, case_id, partial(closed, seen), Author.CLOCK)
            gone += 1
    return gone


def new_code(parts: Parts, secret: str) -> None:
    """A code of ten letters to come back with, shown once in this browser. A new one ends the one
    before it. Raises NoSuchPage."""
    now = parts.now()
    plain = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    with transaction(parts.engine) as conn:
        lock_for_write(conn)
        found = visits.load(conn, parts.sealer, [visits.secret_hash(secret)], now)
        if found is None:
            raise NoSuchPage
        visits.end_kind(conn, found.case.id, VisitKind.CODE, now)
        code = Visit(
            parts.new_id(), found.case.id, VisitKind.CODE, 0, "", now, now, now,
            expires(found.case, now),
        )  # fmt: skip
        visits.add(conn, parts.sealer, code, parts.sealer.index(_code(plain)))
        kept = with_changes(kept_of(found.visit), code=f"{plain[:5]}-{plain[5:]}")
        visits.keep(conn, parts.sealer, found.visit, state_of(kept), now, used=True)


def code_is_shown(parts: Parts, found: VisitState, kept: Kept) -> None:
    """A browser shows the code: no later look at the page does."""
    state = state_of(with_changes(kept, code=""))
    with transaction(parts.engine) as conn:
        lock_for_write(conn)
        visits.keep(conn, parts.sealer, found.visit, state, parts.now(), used=False)


def hide_words(parts: Parts, secret: str) -> None:
    """The words so far go from this browser's page; what came meanwhile and was not shown does not.
    Raises NoSuchPage."""
    now = parts.now()
    with transaction(parts.engine) as conn:
        lock_for_write(conn)
        found = visits.load(conn, parts.sealer, [visits.secret_hash(secret)], now)
        if found is None:
            raise NoSuchPage
        newest = messages.newest_shown(conn, found.case.id) or ""
        kept = kept_of(found.visit)
        kept = with_changes(quiet(kept), hidden_until=newest)
        visits.keep(conn, parts.sealer, found.visit, state_of(kept), now, used=True)


def quiet(kept: Kept) -> Kept:
    """Without anything that software said."""
    return with_changes(kept, late=False, position=with_changes(kept.position, told=()))


class Words(NamedTuple):
    """What a browser shows of the conversation; `hidden`: is there more, which it hides?"""

    shown: Sequence[Text]
    hidden: bool


def conversation(texts: Sequence[Text], kept: Kept) -> Words:
    """The last words said by people, and all of a human's that no browser has shown yet."""
    said = [
        text
        for text in texts
        if not text.erased and ((text.direction == "in" and not text.keys) or _human(text))
    ]
    since = max(kept.hidden_until, kept.shown_from)
    shown = [text for text in said if text.id > since]
    new = next((n for n, text in enumerate(shown) if text.state == TextState.ON_PAGE), len(shown))
    last = min(new, max(0, len(shown) - LAST_WORDS))
    return Words(shown[last:], bool(kept.hidden_until) and len(shown) < len(said))
