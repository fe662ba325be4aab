"""The probe's request form: a synthetic resident fills it in as far as the status page, once with
cookies and once without.

Each screen must be the one that is open in the database, with the texts of the reader's language.
Every post is signed with the service's secret key, for its screen (web/residents/keys.py); only
that signature marks it as a test, and a test case goes to no human (casework/carry_out.py).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from caller_service.casework import synthetic_case
from caller_service.casework.page_visit import kept_of
from caller_service.core import request_form
from caller_service.core.case import Case, Channel
from caller_service.core.reach import ContactAnswer
from caller_service.core.request_form import Position
from caller_service.core.turn_steps import danger_words
from caller_service.language.page_words import choice_words, page_text, question_words
from caller_service.web.residents import keys

from .probe import MOST_TURNS, PACE, SCRIPTS, SLOW, Fault, Played, Target, Time, place, until
from .web_browser import Button, Page, WebBrowser


@dataclass
class Visitor:
    """One visit. `trip`: seconds of the last round trip from a post to its next screen."""

    target: Target
    played: Played
    clock: Time
    browser: WebBrowser
    trip: float = 0.0

    def opens(self, path: str) -> None:
        begun = self.clock.now()
        self.browser.goes(path)
        self._timed(begun)

    def presses(self, button: Button | None, **filled: str) -> None:
        """One post, signed, and the screen it leads to: one turn. Raises Fault."""
        if button is None:
            raise Fault("wrong_question")
        sign = keys.probe_sign(button.fields.get("at", ""), self.target.secret_key)
        begun = self.clock.now()
        if there := self.browser.posts(button, filled, {keys.PROBE: sign}):
            self.browser.goes(there)
        self.trip = self.clock.now() - begun
        self._timed(begun)

    def _timed(self, begun: float) -> None:
        self.played.turns.append(self.clock.now() - begun)
        status, page = self.browser.status, self.browser.page
        if status == 503 and page.heading in self.down():
            raise Fault("fallback")
        if status != 200:
            raise Fault(f"http_{status}")
        if not page.heading or not page.language:
            raise Fault("not_a_page")
        if self.played.turns[-1] > SLOW:
            raise Fault("slow")

    def down(self) -> set[str]:
        return {_said(self.target, "web.fault.down.title", tag) for tag in self._languages()}

    def _languages(self) -> tuple[str, ...]:
        return self.target.parts.program.languages

    def reads(self) -> None:
        """Wait until a "no" counts: time to read the screen, plus the round trip (rule 8)."""
        self.clock.wait(self.target.parts.program.clocks.read_page + self.trip + PACE)


def play_form(target: Target, played: Played, clock: Time) -> None:
    """One request to its end or its first fault. Its case has ended either way, and its key is
    spent."""
    cookies = played.conversation == "quiet"
    visitor = Visitor(target, played, clock, WebBrowser(target.fetch, played.language, cookies))
    try:
        _play(visitor)
    finally:
        synthetic_case.clear(target.parts)
        with contextlib.suppress(Fault):  # the first fault is the one that counts
            out = next((link for link in visitor.browser.page.links if link.endswith("/out")), "")
            if out:
                visitor.browser.goes(out)


def _play(visitor: Visitor) -> None:
    parts, played = visitor.target.parts, visitor.played
    visitor.opens("/request")
    _same_service(visitor)
    with parts.engine.connect() as conn:
        scene = parts.scene(conn, surge=True)
    nobody = Case("probe", "", "", played.language, on_web=True, channel=Channel.WEB)
    case, position, case_id = nobody, Position(), ""
    screen = request_form.first_question(case, scene)
    while True:
        _compare(visitor, screen, case, position)
        if screen == request_form.STATUS:
            break
        if len(played.turns) >= MOST_TURNS:
            raise Fault("endless")
        begun = visitor.clock.now()
        _answers(visitor, screen)
        case, position = _stands(visitor)
        case_id = case.id
        if case.in_danger and played.paged is None:
            page = partial(synthetic_case.paged, parts, case_id)
            played.paged = until(page, begun, "no_page", visitor.clock)
        screen = request_form.screen_of(case, position)
    if played.conversation == "danger" and played.paged is None:
        raise Fault("no_page")
    queued = partial(synthetic_case.queued, parts, case_id)
    played.queued = until(queued, visitor.clock.now(), "no_hand_off", visitor.clock)


def _same_service(visitor: Visitor) -> None:
    """Check before the first post: a service with another secret key would take the probe for a
    resident."""
    fields = (button.fields for button in visitor.browser.page.buttons)
    signed = next((each["at"] for each in fields if "at" in each), "")
    if keys.read(signed, visitor.target.secret_key) is None:
        raise Fault("not_marked")


def _stands(visitor: Visitor) -> tuple[Case, Position]:
    """The case and the position in the form, as the service stored them. A case that is not marked
    as a test is withdrawn."""
    parts = visitor.target.parts
    secret = visitor.browser.secret
    found = synthetic_case.opened(parts, secret) if secret else None
    if found is None:
        raise Fault("no_case")
    if not found.case.test:
        synthetic_case.take_back(parts, found.case.id)
        raise Fault("not_marked")
    return found.case, kept_of(found.visit).position


def _answers(visitor: Visitor, screen: str) -> None:
    """The script's answer to the screen that is open."""
    parts, page = visitor.target.parts, visitor.browser.page
    script = {**SCRIPTS[visitor.played.conversation], "contact": ContactAnswer.PAGE}
    if screen == request_form.DANGER:
        return visitor.presses(page.button("act", "go_on"))
    if screen == request_form.CHECK:
        return visitor.presses(page.form("words"))
    question = parts.program.protocol.question(screen)
    if question.kind == "place":
        where = place(parts.program, parts.now())
        return visitor.presses(page.form("place"), place=where)
    codes = [choice.code for choice in question.choices]
    offered = [code for code in page.picks() if code in codes]
    if not offered:
        raise Fault("wrong_question")
    wanted = script.get(question.id) if not question.safety else script["safety"]
    code = next((code for code in (wanted, "no") if code in offered), offered[-1])
    if question.safety and code == "no":
        visitor.reads()
    return visitor.presses(page.button("answer", code))


def _compare(visitor: Visitor, screen: str, case: Case, position: Position) -> None:
    """The page must be this screen, in the texts of the language. Its text is never quoted."""
    target, page, language = visitor.target, visitor.browser.page, visitor.played.language
    if page.language != language:
        raise Fault("wrong_language")
    if screen == request_form.STATUS:
        if case.reference not in page.words or page.form("words") is None:
            raise Fault("wrong_question")
        return
    if page.heading in _headings(target, screen, case, position, language):
        if any(_other_words(target, screen, case, page, language)):
            raise Fault("wrong_words")
        return
    others = (tag for tag in target.parts.program.languages if tag != language)
    elsewhere = any(
        page.heading in _headings(target, screen, case, position, tag) for tag in others
    )
    raise Fault("wrong_language" if elsewhere else "wrong_question")


def _headings(
    target: Target, screen: str, case: Case, position: Position, language: str
) -> Iterator[str]:
    """The headings that this screen may have."""
    parts = target.parts
    if screen == request_form.CHECK:
        yield _said(target, "web.check.title", language)
    elif screen == request_form.DANGER:
        told = [(key, dict(fill)) for key, fill in position.told]
        known = danger_words(case, case.dangers, parts.program.protocol)
        for key, fill in (*told, *((each.key, dict(each.fill)) for each in known)):
            yield _said(target, key, language, case.reference, **fill)
    else:
        question = parts.program.protocol.question(screen)
        yield " ".join(question_words(question, case, language, parts.catalog).split())


def _other_words(
    target: Target, screen: str, case: Case, page: Page, language: str
) -> Iterator[bool]:
    """For each answer: does its text differ from the catalog's?"""
    known = {question.id: question for question in target.parts.program.protocol.questions}
    if (question := known.get(screen)) is None:
        return
    codes = {choice.code for choice in question.choices}
    for button in page.buttons:
        if button.name == "answer" and button.value in codes:
            words = choice_words(question, button.value, case, language, target.parts.catalog)
            yield not " ".join(button.words.split()).startswith(" ".join(words.split()))


def _said(target: Target, key: str, language: str, reference: str = "", **fill: str) -> str:
    parts = target.parts
    words = page_text(key, fill, language, parts.program, parts.catalog, reference)
    return " ".join(words.split())
