"""A private page, post by post: load, decide, save, and what is shown next.

What is posted on a screen names the step that the screen was served at. A step is carried out once:
a second tap, the back button and another tab change nothing, and are shown what is open. The
person's own words, and asking for a person, are never turned away for that: each form that was
served sends them once. A post is written by compare-and-swap like a text, and once more under the
lock after a conflict (casework/receive.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace as with_changes
from datetime import timedelta

import sqlalchemy as sa

from caller_service.core import request_form, retention
from caller_service.core.case import Case
from caller_service.core.effect import Record
from caller_service.core.journal_events import Event
from caller_service.core.marks import Mark
from caller_service.core.outbound import TextState
from caller_service.core.protocol import SKIPPED
from caller_service.core.questions import is_deaf
from caller_service.core.reading import fits_as_code_word, read
from caller_service.core.reply import Danger, Thanks
from caller_service.core.request_form import Position, Shown
from caller_service.core.routing import Scene
from caller_service.language.page_words import choice_words, page_text, question_words
from caller_service.store import cases, contacts, messages, visits
from caller_service.store.contacts import Contact
from caller_service.store.database.transaction import reading
from caller_service.store.journal import Author
from caller_service.store.messages import Text
from caller_service.store.visits import Visit, VisitKind, VisitState

from .carry_out import Decision, prepare, save
from .change import attempt, change
from .interpret import understand
from .page_links import OPEN_FOR
from .page_number import TypedNumber, keep_number, typed_number, word_of, word_typed
from .page_visit import (
    PAGES,
    Act,
    Kept,
    NoSuchPage,
    expires,
    find,
    kept_of,
    load,
    state_of,
)
from .parts import Parts
from .receive import new_case

PROVIDER = "web"  # of the messages that were shown, chosen or written on a page
TOLD_FOR = timedelta(minutes=5)  # what software said to a post is of that moment
# acts that count although the screen they stood on is not the one that is open
TYPED = frozenset({"send", "place"})  # what was typed there is kept, at least as their own words
ALWAYS = frozenset({"words", "person", "worse", "emergency"})


class AnotherPage(Exception):
    """The screen was served to another visit."""


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
            before = cases.for_display(conn, parts.sealer, case.related)
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
    if not isinstance(read(act.value, None, (), parts.language_words[case.language]).reply, Thanks):
        return act
    kept = "" if {Mark.ERASE_ASKED, Mark.ERASED} & case.marks.keys() else act.value
    return with_changes(act, name="thanks", value=kept)


def is_heard(parts: Parts, typed: str, language: str, danger: bool = False) -> bool:
    """Do words in a field that is meant for something else show danger, or ask for something? Then
    they are heard as anywhere else (rule 7). Numbers and codes have no such meaning. `danger`: only
    danger counts."""
    if not any(letter.isalpha() for letter in typed):
        return False
    reply = read(typed, None, (), parts.language_words[language]).reply
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
    shown = _decide(parts, case, position, act, scene, Kept(), TypedNumber())
    shown = with_changes(shown, step=shown.step.then(Record(Event.FORM_BEGAN)))
    visit_id = parts.new_id()
    rows = _rows(parts, case, shown, act, contact, visit_id, scene)
    prepared = prepare(
        parts,
        Decision(contact, None, request_form.unsaid(shown.step), scene, _author(case), spoken=rows),
    )
    began = scene.now.isoformat()
    kept = Kept(shown.position, moved_at=began, version=prepared.case.version, told_at=began)
    state = state_of(kept)
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
    found = load(conn, parts, [visits.secret_hash(secret)], kinds)
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
    number = typed_number(conn, parts, case.id, kept, act, lock)
    shown = _decide(parts, case, kept.position, act, scene, kept, number)
    rows = _rows(parts, case, shown, act, contact, visit.id, scene)
    step = request_form.unsaid(shown.step)
    prepared = prepare(parts, Decision(contact, before, step, scene, _author(case), spoken=rows))
    text_id = number.texted or parts.new_id()
    following = _following(kept, shown, act, scene, text_id, bool(number.texted), parts)

    def write(conn: sa.Connection) -> Opened:
        save(conn, parts, prepared)
        keep_number(conn, parts, shown, kept, following, number, act, scene, text_id)
        after, now_kept = _keep(conn, parts, visit, following, step.case, act, scene)
        return Opened(VisitState(after, prepared.case, contact, full), now_kept)

    return write


def _author(case: Case) -> Author:
    return Author.PROBE if case.test else Author.RESIDENT


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
        visit, step=visit.step + 1, state=state_of(kept), seen_at=scene.now,
        expires_at=visit.expires_at if link else expires(case, scene.now), case_id=case.id,
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
        visits.keep(conn, parts.sealer, found.visit, state_of(late), parts.now(), used)
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
    same = kept.word == word_of(parts, text_id) and kept.word_for == shown.position.number
    if shown.confirm and not same:
        kept = with_changes(
            kept, word=word_of(parts, text_id), word_for=shown.position.number,
            borrowed=texted, tries=0,
        )  # fmt: skip
    if act.name == "word":
        kept = with_changes(kept, tries=kept.tries + 1)
    return kept


def _value(parts: Parts, case: Case, act: Act) -> str:
    """What was posted; of a code word only one that may be."""
    value = act.value.strip()
    refused = act.name == "code_word" and not fits_as_code_word(
        value, parts.language_words[case.language]
    )
    return "" if refused else value


def _decide(
    parts: Parts,
    case: Case,
    position: Position,
    act: Act,
    scene: Scene,
    kept: Kept,
    number: TypedNumber,
) -> Shown:
    """The decision about one post, by its name."""
    value = _value(parts, case, act)
    if act.name in ("words", "send"):
        return _written_words(parts, case, position, act, scene)
    if act.name == "answer":
        return request_form.answer(case, position, act.screen, value or SKIPPED, scene)
    if act.name == "place":
        asked = request_form.place_asked(case, scene)
        reading = understand(asked, act.value, scene.now, scene, parts.language_words)[1]
        return request_form.place_given(case, position, value, reading, scene, act.accuracy)
    if act.name == "word":
        return word_typed(case, position, value, scene, kept, number)
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
        case, reading = understand(case, act.value, scene.now, scene, parts.language_words)
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
