"""A private page, post by post: load, decide, save, and what is shown next.

What is posted on a screen names the step that the screen was served at. A step is carried out once:
a second tap, the back button and another tab change nothing, and are shown what is open. The
person's own words, and asking for a person, are never turned away for that: each form that was
served sends them once. A post is written by compare-and-swap like a text, and once more under the
lock after a conflict (casework/receive.py).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from dataclasses import replace as with_changes
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import sqlalchemy as sa

from caller_service.core import request_form, retention
from caller_service.core.case import Case, Step
from caller_service.core.effect import Record
from caller_service.core.failure_pace import Pace
from caller_service.core.holding import words_taken
from caller_service.core.journal_events import Event
from caller_service.core.marks import Mark
from caller_service.core.outbound import TextState
from caller_service.core.page_presence import closed, opened_again
from caller_service.core.protocol import SKIPPED
from caller_service.core.questions import is_deaf
from caller_service.core.reading import fits_as_code_word, read
from caller_service.core.reply import Danger, Thanks
from caller_service.core.request_form import Position, Shown
from caller_service.core.routing import Scene
from caller_service.core.safe_contact import HUMAN_WORDS, may_text_word
from caller_service.core.vocabulary import normal
from caller_service.language.page_words import choice_words, page_text, question_words
from caller_service.store import cases, contacts, failures, messages, visits
from caller_service.store.contacts import Contact
from caller_service.store.database.transaction import lock_for_write, reading, transaction
from caller_service.store.journal import Author
from caller_service.store.messages import Text
from caller_service.store.visits import Visit, VisitKind, VisitState

from .carry_out import HOLD, Decision, prepare, save
from .change import attempt, change, update_case
from .interpret import understand
from .page_links import OPEN_FOR
from .parts import Parts
from .receive import new_case

PROVIDER = "web"  # of the messages that were shown, chosen or written on a page
KEPT = timedelta(hours=24)  # a form that was left, and a page after its case has ended
LAST_WORDS = 4  # of the conversation that a page shows, beside what was not shown yet
TOLD_FOR = timedelta(minutes=5)  # what software said to a post is of that moment
LOOKED = timedelta(seconds=3)  # between two notes that a page is open
AWAY = timedelta(seconds=45)  # a page that nobody asked for so long is closed
# No vowels and nothing that looks alike: a typed code never spells a word. 18 letters, ten of them:
# 41 bits, behind slowed tries.
LETTERS, LENGTH = "BCDFGHJKMNPQRTVWXZ", 10
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
# acts that count although the screen they stood on is not the one that is open
TYPED = frozenset({"send", "place"})  # what was typed there is kept, at least as their own words
ALWAYS = frozenset({"words", "person", "worse", "emergency"})


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


@dataclass(frozen=True, slots=True)
class _Number:
    """Whose a number is that was confirmed: a contact without an open request, or one with it."""

    contact: str = ""
    other: str = ""  # their open request
    texted: str = ""  # id of the text with a word that it got lately: no second text
    slowed: bool = False  # too many wrong words were typed for it
    silent: bool = False  # it has a request in which software may not text first
    untexted: str = ""  # this request, or its source, had too many numbers texted (catalog key)


class AnotherPage(Exception):
    """The screen was served to another visit."""


class NoSuchPage(Exception):
    """The secret opens nothing: wrong, over, or left."""


# ---- opening -------------------------------------------------------------------------------------


PAGES = frozenset({VisitKind.BROWSER})  # what opens a page; a link is opened by its button


def find(parts: Parts, secret: str, kinds: frozenset[VisitKind] = PAGES) -> VisitState | None:
    """What a secret opens, if it is of one of these kinds; None: it opens nothing."""
    with reading(parts.engine) as conn:
        return _load(conn, parts, [visits.secret_hash(secret)], kinds)


def _load(
    conn: sa.Connection, parts: Parts, hashes: Sequence[bytes], kinds: frozenset[VisitKind]
) -> VisitState | None:
    """A page ends a day after its case, whoever ended that."""
    found = visits.load(conn, parts.sealer, hashes, now := parts.now())
    if found is None or found.visit.kind not in kinds:
        return None
    over = found.case.ended and now > _expires(found.case, now)
    return None if over else found


def find_code(parts: Parts, code: str) -> VisitState | None:
    """The page of a typed code, written in any way: small letters, spaces, dashes."""
    plain = "".join(letter for letter in code.upper() if letter in LETTERS)
    if len(plain) != LENGTH:
        return None
    with reading(parts.engine) as conn:
        return _load(conn, parts, parts.sealer.indexes(_code(plain)), frozenset({VisitKind.CODE}))


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


def _state(kept: Kept) -> str:
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
        state = _state(Kept(position, shown_from=newest))
        visit = Visit(
            parts.new_id(), found.case.id, VisitKind.BROWSER, 0, state, now, now, now,
            _expires(found.case, now),
        )  # fmt: skip
        visits.add(conn, parts.sealer, visit, visits.secret_hash(secret))


def _expires(case: Case, now: datetime) -> datetime:
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
        state = found.visit.state or _state(Kept())
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
            messages.shown(conn, [text.id for text in waiting], now)
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


# ---- one post ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """What is open after a post: the page as it is now, and what its visit keeps."""

    found: VisitState
    kept: Kept

    @property
    def case(self) -> Case:
        return self.found.case

    @property
    def position(self) -> Position:
        return self.kept.position


def begin(parts: Parts, secret: str, act: Act) -> Opened | None:
    """The first answer of a form that was only looked at so far: the request begins. What is open
    then; None: the same first screen was posted before, and it is the same request."""
    return attempt(parts, lambda conn, _: _begin(conn, parts, secret, act))


def post(parts: Parts, secret: str, act: Act) -> Opened:
    """Carry out what was posted; what is open then. Raises NoSuchPage."""
    if (opened := attempt(parts, lambda conn, lock: _post(conn, parts, secret, act, lock))) is None:
        if (found := find(parts, secret, PAGES | {VisitKind.PLACE})) is None:
            raise NoSuchPage
        opened = Opened(found, kept_of(found.visit))
    if act.name == "delete":
        _earlier_too(parts, opened.case)
    return opened


def _earlier_too(parts: Parts, case: Case) -> None:
    """What they wrote before in this conversation, in requests of theirs that have ended, is meant,
    too."""
    seen = {case.id}
    while case.related and case.related not in seen:
        seen.add(case.related)
        with reading(parts.engine) as conn:
            before = cases.shown(conn, parts.sealer, case.related)
        if before is None or before.contact != case.contact or not before.ended:
            return
        change(parts, before.id, retention.ask, Author.RESIDENT)
        case = before


def _kept_as_words(act: Act, visit: Visit, hidden: bool) -> Act:
    """The screen is over, what they typed is not."""
    over = hidden or act.step != visit.step
    if over and act.name in TYPED and act.value.strip() and visit.kind == VisitKind.BROWSER:
        return with_changes(act, name="words")
    return act


def _thanks(parts: Parts, case: Case, act: Act) -> Act:
    """After the end thanks, and no words of farewell, begin no request. Once they asked that their
    words are deleted, these are answered and not kept."""
    if not case.ended or act.name != "words":
        return act
    if not isinstance(read(act.value, None, (), parts.ears[case.language]).reply, Thanks):
        return act
    kept = "" if {Mark.ERASE_ASKED, Mark.ERASED} & case.marks.keys() else act.value
    return with_changes(act, name="thanks", value=kept)


def is_heard(parts: Parts, typed: str, language: str, danger: bool = False) -> bool:
    """Do words in a field that is meant for something else show danger, or ask for something? Then
    they are heard as anywhere else (rule 7). Numbers and codes have no such meaning. `danger`: only
    danger counts."""
    if not any(letter.isalpha() for letter in typed):
        return False
    reply = read(typed, None, (), parts.ears[language]).reply
    return isinstance(reply, Danger) if danger else request_form.at_once(reply)


def _gone_on(kept: Kept, act: Act) -> Kept:
    """Whoever goes back to their page from how they are reached leaves that as it was."""
    if not kept.position.sent or act.name == "contact" or act.screen in request_form.REACHING:
        return kept
    return with_changes(kept, position=with_changes(kept.position, pending=""))


Write = Callable[[sa.Connection], Opened | None]


def _nothing(_: sa.Connection) -> None:
    """It was carried out before."""


def _begin(conn: sa.Connection, parts: Parts, secret: str, act: Act) -> Write:
    hashed = visits.secret_hash(secret)
    if visits.load(conn, parts.sealer, [hashed], parts.now()) is not None:
        return _nothing
    contact = Contact(parts.new_id(), act.language or parts.program.languages[0], "")
    scene = with_changes(parts.scene(conn, surge=True), on_page=True, read_at=act.read_at)
    case = request_form.begin(new_case(conn, parts, contact, act.probe, ""), scene)
    position = Position(screens=(act.screen,)) if act.name == "answer" else Position()
    shown = _decide(parts, case, position, act, scene, Kept(), _Number())
    shown = with_changes(shown, step=shown.step.then(Record(Event.FORM_BEGAN)))
    visit_id = parts.new_id()
    rows = _rows(parts, case, shown, act, contact, visit_id, scene)
    prepared = prepare(
        parts,
        Decision(contact, None, request_form.unsaid(shown.step), scene, _author(case), spoken=rows),
    )
    began = scene.now.isoformat()
    kept = Kept(shown.position, moved_at=began, version=prepared.case.version, told_at=began)
    state = _state(kept)
    visit = Visit(
        visit_id, case.id, VisitKind.BROWSER, 1, state, scene.now, scene.now, scene.now,
        scene.now + OPEN_FOR,
    )  # fmt: skip

    def write(conn: sa.Connection) -> Opened:
        contacts.add(conn, parts.sealer, contact, scene.now)
        save(conn, parts, prepared)
        visits.add(conn, parts.sealer, visit, hashed)
        return Opened(VisitState(visit, prepared.case, contact, scene.full), kept)

    return write


def _post(conn: sa.Connection, parts: Parts, secret: str, act: Act, lock: bool) -> Write:
    kinds = PAGES | {VisitKind.PLACE} if act.name == "place" else PAGES
    found = _load(conn, parts, [visits.secret_hash(secret)], kinds)
    if found is None:
        raise NoSuchPage
    visit, case, contact, full = found
    if lock:
        case = cases.by_id(conn, parts.sealer, case.id, lock=True) or case
    kept = kept_of(visit)
    if act.visit not in ("", visit.id):
        raise AnotherPage
    hidden = visit.kind != VisitKind.PLACE and parts.now() - visit.used_at > act.idle
    act = _kept_as_words(act, visit, hidden)
    if hidden and act.name not in ALWAYS | {"language"}:
        return lambda _: Opened(found, kept)  # the words are hidden: they open it first
    act = with_changes(act, locked=hidden)
    # each mark behind a place link counts: whoever marked the wrong spot corrects it
    if act.name not in ALWAYS and act.step != visit.step and visit.kind != VisitKind.PLACE:
        return _late(parts, found, kept, act)
    # unlocked, the unique key alone detects a repeat: most posts are none
    if lock and messages.was_heard(conn, PROVIDER, _provider_id(parts, visit.id, act)):
        return _nothing
    kept = _gone_on(kept, act)
    scene = parts.scene(conn, full).for_case(case)
    scene = with_changes(scene, on_page=True, read_at=act.read_at)
    before: Case | None = case
    if case.test and not act.probe:  # somebody else has the page: humans are asked
        case = with_changes(case, test=False)
    act = _thanks(parts, case, act)
    if case.ended and act.name in ALWAYS:
        before, kept = None, Kept()
        case = _again(conn, parts, case, contact, scene)
    number = _number_of(conn, parts, case.id, kept, act, lock)
    shown = _decide(parts, case, kept.position, act, scene, kept, number)
    rows = _rows(parts, case, shown, act, contact, visit.id, scene)
    step = request_form.unsaid(shown.step)
    prepared = prepare(parts, Decision(contact, before, step, scene, _author(case), spoken=rows))
    text_id = number.texted or parts.new_id()
    following = _following(kept, shown, act, scene, text_id, bool(number.texted), parts)

    def write(conn: sa.Connection) -> Opened:
        save(conn, parts, prepared)
        _numbers(conn, parts, shown, kept, following, number, act, scene, text_id)
        after, now_kept = _keep(conn, parts, visit, following, step.case, act, scene)
        return Opened(VisitState(after, prepared.case, contact, full), now_kept)

    return write


def _author(case: Case) -> Author:
    return Author.PROBE if case.test else Author.RESIDENT


def _numbers(
    conn: sa.Connection,
    parts: Parts,
    shown: Shown,
    kept: Kept,
    following: Kept,
    number: _Number,
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


def _keep(
    conn: sa.Connection,
    parts: Parts,
    visit: Visit,
    kept: Kept,
    case: Case,
    act: Act,
    scene: Scene,
) -> tuple[Visit, Kept]:
    """The visit after this post, written, and what it keeps. A place link ends when it would have
    ended."""
    kept = with_changes(kept, version=case.version + 1)
    link = visit.kind == VisitKind.PLACE
    after = with_changes(
        visit, step=visit.step + 1, state=_state(kept), seen_at=scene.now,
        expires_at=visit.expires_at if link else _expires(case, scene.now), case_id=case.id,
        used_at=visit.used_at if act.locked else scene.now,
    )  # fmt: skip
    if not visits.advance(conn, parts.sealer, visit, after):
        raise cases.Stale
    return after, kept


def _again(conn: sa.Connection, parts: Parts, ended: Case, contact: Contact, scene: Scene) -> Case:
    """They write again after the end: a new request, linked to the one before. How they read and
    hear is still so."""
    anew = new_case(conn, parts, contact, ended.test, ended.id)
    anew = with_changes(anew, language=ended.language, deaf=is_deaf(ended))
    return request_form.begin(anew, scene)


def _late(parts: Parts, found: VisitState, kept: Kept, act: Act) -> Write:
    """The screen is not the one that is open: nothing changes, and what is open is shown."""

    def write(conn: sa.Connection) -> Opened:
        late = with_changes(kept, late=True)
        used = not act.locked
        visits.keep(conn, parts.sealer, found.visit, _state(late), parts.now(), used)
        return Opened(found, late)

    return write


def _following(
    kept: Kept, shown: Shown, act: Act, scene: Scene, text_id: str, texted: bool, parts: Parts
) -> Kept:
    """What the visit keeps after a post. `texted`: their number got the text with this id, and a
    word, before."""
    moved = "" if act.inline else scene.now.isoformat()
    kept = with_changes(
        kept, position=shown.position, moved_at=moved, trip=act.trip, code="", late=False,
        told_at=scene.now.isoformat(),
    )  # fmt: skip
    same = kept.word == _word_of(parts, text_id) and kept.word_for == shown.position.number
    if shown.confirm and not same:
        kept = with_changes(
            kept, word=_word_of(parts, text_id), word_for=shown.position.number,
            borrowed=texted, tries=0,
        )  # fmt: skip
    if act.name == "word":
        kept = with_changes(kept, tries=kept.tries + 1)
    return kept


def _word_of(parts: Parts, text_id: str) -> str:
    """The word in the text with this id. A later visit can expect it again, because it is made from
    the id and a key, and stored in no text that anybody reads."""
    made = parts.sealer.index(f"page word {text_id}")
    return "".join(LETTERS[each % len(LETTERS)] for each in made[:5])


def _number_of(
    conn: sa.Connection, parts: Parts, case_id: str, kept: Kept, act: Act, lock: bool
) -> _Number:
    if act.name not in ("word", "safe") or not kept.position.number:
        return _Number()
    known = contacts.of_number(conn, parts.sealer, kept.position.number)
    if act.name == "safe":
        since = parts.now() - WORD_AGAIN
        if text := messages.last_sent_to(conn, [row.id for row in known], CONFIRM, since):
            return _Number(texted=text)
        if messages.sent_for(conn, case_id, CONFIRM) >= MOST_WORDS:
            return _Number(untexted=request_form.TRIED)
        slowed = _slowed(conn, parts, act.source, lock)
        silent = any(
            not may_text_word(each)
            for row in known
            for each in cases.all_open(conn, parts.sealer, row.id)
            if each.id != case_id
        )
        return _Number(untexted=request_form.TOO_MANY if slowed else "", silent=silent)
    if kept.borrowed and _too_many_wrong(conn, parts, kept.word_for, lock):
        return _Number(slowed=True)
    for row in known:
        if (other := cases.open_of(conn, parts.sealer, row.id)) is not None:
            return _Number(other=other.id)
    return _Number(known[0].id) if known else _Number()


def _value(parts: Parts, case: Case, act: Act) -> str:
    """What was posted; of a code word only one that may be."""
    value = act.value.strip()
    refused = act.name == "code_word" and not fits_as_code_word(value, parts.ears[case.language])
    return "" if refused else value


def _too_many_wrong(conn: sa.Connection, parts: Parts, number: str, lock: bool) -> bool:
    key, now = _wrong_of(parts, number), parts.now()
    found = failures.hold(conn, [key], now) if lock else failures.find(conn, [key])
    return key in found and found[key].wait(BORROWED_PACE, now) > 0


def _slowed(conn: sa.Connection, parts: Parts, source: str, lock: bool) -> bool:
    """Did this source have so many numbers texted that the next one has to wait?"""
    key, now = _words_of(parts, source), parts.now()
    found = failures.hold(conn, [key], now) if lock else failures.find(conn, [key])
    return key in found and found[key].wait(WORDS_PACE, now) > 0


def _decide(
    parts: Parts,
    case: Case,
    position: Position,
    act: Act,
    scene: Scene,
    kept: Kept,
    number: _Number,
) -> Shown:
    """The decision about one post, by its name."""
    value = _value(parts, case, act)
    if act.name in ("words", "send"):
        return _written_words(parts, case, position, act, scene)
    if act.name == "answer":
        return request_form.answer(case, position, act.screen, value or SKIPPED, scene)
    if act.name == "place":
        asked = request_form.place_asked(case, scene)
        reading = understand(asked, act.value, scene.now, scene, parts.ears)[1]
        return request_form.place_given(case, position, value, reading, scene, act.accuracy)
    if act.name == "word":
        return _word_typed(case, position, value, scene, kept, number)
    if act.name == "safe":
        return request_form.safe_phone(case, position, value, scene, number.untexted)
    if act.name in _WITH_VALUE:
        return _WITH_VALUE[act.name](case, position, value, scene)
    if act.name in _ALONE:
        return _ALONE[act.name](case, position, scene)
    return request_form.asks(case, position, act.name, scene)


def _written_words(parts: Parts, case: Case, position: Position, act: Act, scene: Scene) -> Shown:
    """Their own words, or all of the form with them."""
    reading = None
    if act.value.strip():
        case, reading = understand(case, act.value, scene.now, scene, parts.ears)
    if act.name == "words" and reading is not None:
        return request_form.words(case, position, act.value, reading, scene)
    return request_form.send(case, position, act.value, reading, scene)


_WITH_VALUE = {
    "number": request_form.number_given,
    "code_word": request_form.code_word,
    "language": request_form.language,
}
_ALONE = {
    "go_on": request_form.go_on,
    "wrong": request_form.pressed_wrong,
    "contact": request_form.change_contact,
    "delete": request_form.delete_words,
    "thanks": request_form.thanked,
}


def _word_typed(
    case: Case, position: Position, value: str, scene: Scene, kept: Kept, number: _Number
) -> Shown:
    """Is it the word that was texted? So many tries, then only the page is used."""
    plain = "".join(letter for letter in value.upper() if letter in LETTERS)
    may = bool(kept.word) and kept.tries < TRIES and not number.slowed
    right = may and secrets.compare_digest(plain, kept.word)
    if not right or not position.asked_word:
        told: request_form.ToldWords = (("web.confirm.fault", {}),)
        return Shown(Step(case), with_changes(position, told=told))
    return request_form.confirmed(case, position, scene, number.other)


def _provider_id(parts: Parts, visit_id: str, act: Act) -> str:
    """One form is carried out once. With other words in it (the way back, or a send that seemed to
    fail and was added to) it is something else that they said. Four digits tell words apart, and
    prove nothing about words that are erased."""
    typed = act.value.strip() if act.name in TYPED | {"words", "thanks"} else ""
    words = parts.sealer.index(f"page typed {act.nonce} {typed}").hex()[:4] if typed else ""
    return f"{visit_id}-{act.nonce}{words and '-' + words}"


def _rows(
    parts: Parts,
    before: Case,
    shown: Shown,
    act: Act,
    contact: Contact,
    visit_id: str,
    scene: Scene,
) -> tuple[Text, ...]:
    """What they chose or wrote, and what the page then says and asks: the words shown are kept
    (rule 17)."""
    case, language = shown.step.case, before.language
    written = _written(parts, before, act)
    about = {"contact_id": contact.id, "case_id": case.id, "provider": PROVIDER}
    rows: tuple[Text, ...] = ()
    inbound_id = parts.new_id()
    if written:
        rows = (
            Text.inbound(
                inbound_id, written, scene.now, language=language,
                provider_id=_provider_id(parts, visit_id, act),
                keys="" if act.name in ("words", "send", "thanks") and act.value.strip()
                else f"web.{act.name}",
                **about,
            ),
        )  # fmt: skip
    deaf = is_deaf(case)
    lines = [
        page_text(key, fill, case.language, parts.program, parts.catalog, case.reference, deaf)
        for key, fill in shown.position.told
    ]
    keys = [key for key, _ in shown.position.told]
    if case.asked and case.asked != before.asked and not case.ended:
        question = parts.program.protocol.question(case.asked)
        codes = request_form.offered(question, case)
        words = [choice_words(question, c, case, case.language, parts.catalog) for c in codes]
        asks = question_words(question, case, case.language, parts.catalog)
        lines.append("\n".join([asks, *words]))
        keys.append(f"ask.{question.id}")
    if lines:
        rows += (
            Text.outbound(
                parts.new_id(), "\n".join(lines), TextState.READ, scene.now,
                answers=inbound_id if written else None, keys=" ".join(dict.fromkeys(keys)),
                language=case.language, **about,
            ),
        )  # fmt: skip
    return rows


def _written(parts: Parts, case: Case, act: Act) -> str:
    """What they did, in the words they pressed; their own words as they wrote them."""
    if act.name == "answer":
        questions = {each.id: each for each in parts.program.protocol.questions}
        question = questions.get(act.screen)
        codes = {choice.code for choice in question.choices} if question else set()
        if question is not None and act.value in codes:
            return choice_words(question, act.value, case, case.language, parts.catalog)
    if act.name in ("number", "word", "code_word", "language", "go_on", "contact"):
        return ""  # kept sealed where it counts, and nowhere else
    own = act.name in ("words", "place", "thanks") or (act.name == "send" and act.value.strip())
    return act.value if own else f"[{act.name}]"


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


# ---- coming back ---------------------------------------------------------------------------------


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
            _expires(found.case, now),
        )  # fmt: skip
        visits.add(conn, parts.sealer, code, parts.sealer.index(_code(plain)))
        kept = with_changes(kept_of(found.visit), code=f"{plain[:5]}-{plain[5:]}")
        visits.keep(conn, parts.sealer, found.visit, _state(kept), now, used=True)


def code_is_shown(parts: Parts, found: VisitState, kept: Kept) -> None:
    """A browser shows the code: no later look at the page does."""
    state = _state(with_changes(kept, code=""))
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
        visits.keep(conn, parts.sealer, found.visit, _state(kept), now, used=True)


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
