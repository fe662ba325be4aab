"""Residents on the web: they fill in the request form, some with cookies and some without. A post
without a response is sent again unchanged, like a browser does."""

from __future__ import annotations

import contextlib
import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from caller_service.casework.resident_page import PROVIDER
from caller_service.core.case import Channel, Status
from caller_service.proving.web_browser import Button, Fetched, WebBrowser
from caller_service.store import visits
from caller_service.store.sealing import Sealer
from caller_service.store.tables import case, hand_off, message, visit

CORNER = "Main St & 3rd Ave"
CUT = 0.15  # of the posts are cut off
STEPS = 40  # screens of one visit at most
WANTED = {"contact": "page", "want": "team"}  # else any answer
AGAIN = 60.0  # seconds after the faults during which a post is repeated
DOWN = (500, 502, 503)


@dataclass
class Visit:
    """The visit of one resident. `posted`: the signed field of each screen that was posted;
    `waiting`: a post without a response yet."""

    browser: WebBrowser
    marker: str  # a message that nobody else writes
    posted: set[str] = field(default_factory=set, repr=False)
    waiting: tuple[Button, Mapping[str, str]] | None = None
    begun: bool = False  # the first post was answered
    sent: bool = False  # the post of "send" was answered
    told: bool = False  # it was sent with their message
    wrong: list[str] = field(default_factory=list)


class Visitors:
    """The people who ask for help on the web."""

    def __init__(self, port: int, counts: Counter[str], over: threading.Event) -> None:
        self._port, self._counts, self._over = port, counts, over
        self.all: list[Visit] = []

    # ---- during the faults -----------------------------------------------------------------------
    def live(self, place: int, rng: random.Random, slower: float) -> None:
        """Make one visit after the other."""
        for number in range(1000):
            if self._over.is_set():
                return
            fetch = self._fetching(rng)
            marker = f"he is upset today {place} {number}"
            one = Visit(WebBrowser(fetch, rng.choice(("en", "es")), rng.random() < 0.6), marker)
            self.all.append(one)
            self._counts["visitors on the web"] += 1
            self._goes(one, rng, slower, self._over)

    def _goes(self, one: Visit, rng: random.Random, slower: float, over: threading.Event) -> None:
        """Continue to the status page, from the current screen."""
        path = one.browser.path if one.begun else "/request"
        for _ in range(STEPS):
            while not self._opens(one, path):
                if over.wait(rng.uniform(0.1, 0.5)):
                    return
            if over.wait(rng.uniform(0.02, 0.2) * slower):
                return
            path = one.browser.path
            if path.endswith("/s") and one.sent:
                return
            one.waiting = self._next(one, rng)
            while one.waiting is not None:
                if there := self._presses(one):
                    path = there
                elif over.wait(rng.uniform(0.05, 0.3)):
                    return
        one.wrong.append("the questions did not end")

    def _opens(self, one: Visit, path: str) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            one.browser.goes(path)
            if one.browser.status == 200:
                return True
            if one.browser.status not in DOWN:
                one.wrong.append(f"{one.browser.status} instead of their screen")
        return False

    def _next(self, one: Visit, rng: random.Random) -> tuple[Button, Mapping[str, str]] | None:
        """The button to press on the current screen."""
        page = one.browser.page
        if (button := page.button("act", "go_on")) is not None:
            return button, {}
        if one.browser.path.endswith("/check") and (button := page.form("words")) is not None:
            return button, {"words": one.marker}
        if (button := page.form("place")) is not None:
            return button, {"place": CORNER}
        answers = [each for each in page.buttons if each.name == "answer"]
        wanted = [each for each in answers if each.value in WANTED.values()]
        if not answers:
            one.sent = True  # a danger sends the request, and the page shows its status
            return None
        return rng.choice(wanted or answers), {}

    def _presses(self, one: Visit) -> str:
        """Where the waiting post redirects to; "" without a response."""
        assert one.waiting is not None
        button, filled = one.waiting
        one.posted.add(button.fields.get("at", ""))
        with contextlib.suppress(OSError, http.client.HTTPException):
            if there := one.browser.posts(button, filled):
                one.waiting, one.begun = None, True
                one.told = one.told or "words" in filled
                one.sent = one.sent or one.told
                self._counts["posts on the web answered"] += 1
                one.browser.path = there  # it may contain a key
                return there
            if one.browser.status not in DOWN:
                one.wrong.append(f"{one.browser.status} to a post")
        return ""

    def _fetching(self, rng: random.Random) -> Any:
        def fetch(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Fetched:
            dies = method == "POST" and not self._over.is_set() and rng.random() < CUT
            conn = http.client.HTTPConnection("127.0.0.1", self._port, timeout=15)
            with contextlib.closing(conn):
                half = dies and rng.random() < 0.3
                told = {**headers, **({"Content-Length": str(len(body))} if body else {})}
                conn.request(method, path, (body[: len(body) // 2] if half else body) or None, told)
                if dies:
                    self._counts["posts on the web died in the middle"] += 1
                    time.sleep(rng.uniform(0, 0.03))
                    raise http.client.HTTPException("cut")
                answer = conn.getresponse()
                cookies = tuple(answer.headers.get_all("Set-Cookie") or ())
                there = answer.headers.get("Location", "")
                return Fetched(answer.status, answer.read(), there, cookies)

        return fetch

    # ---- after the faults ------------------------------------------------------------------------
    def catch_up(self) -> None:
        """Repeat the posts without a response, unchanged; then finish all visits."""

        def again(one: Visit) -> None:
            until = time.monotonic() + AGAIN
            while one.waiting is not None and not self._presses(one):
                if time.monotonic() > until:
                    one.wrong.append("never answered")
                    return
                time.sleep(0.2)
            if not one.sent:
                self._goes(one, random.Random(one.marker), 0.0, threading.Event())

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(again, self.all))


# ---- evidence ------------------------------------------------------------------------------------


def wrong_visits(
    conn: sa.Connection, visitors: Visitors, sealer: Sealer, counts: Counter[str]
) -> Iterator[tuple[str, list[str]]]:
    """Each promise about requests on the web, and what breaks it."""
    pages = {row.secret_hash: row for row in conn.execute(sa.select(visit))}
    cases = {row.id: row for row in conn.execute(sa.select(case))}
    handed = set(conn.execute(sa.select(hand_off.c.case_id)).scalars())
    written = sa.select(message).where(message.c.provider == PROVIDER, message.c.direction == "in")
    said = Counter(
        sealer.open(row.sealed_words, f"message.words.{row.id}") for row in conn.execute(written)
    )
    counts["requests on the web"] = len(pages)
    counts["requests sent on the web"] = sum(one.sent for one in visitors.all)
    yield (
        "no request on the web is lost: what was sent is in the ledger, and handed off",
        [*lost_visits(visitors.all, pages, cases, handed)],
    )
    yield (
        "every post on the web is carried out once, and their words are kept",
        [*doubled(visitors.all, pages, cases, said)],
    )


def lost_visits(
    every: Sequence[Visit], pages: Mapping[bytes, Any], cases: Mapping[str, Any], handed: set[str]
) -> Iterator[str]:
    """Visitors who got a response must have a page and a case; those who sent the request must be
    handed off."""
    for one in every:
        yield from one.wrong
        if not one.begun:
            continue
        page = pages.get(visits.secret_hash(one.browser.secret))
        mine = cases.get(page.case_id) if page is not None else None
        if mine is None:
            yield f"lost: {one.marker}"
        elif one.sent and (mine.status == Status.SCREENING or mine.id not in handed):
            yield f"not handed off: {one.marker}, {mine.status} {mine.outcome}"
        elif mine.closed_at is None and mine.due_at is None:
            yield f"nobody looks after {one.marker}: {mine.status}"


def doubled(
    every: Sequence[Visit],
    pages: Mapping[bytes, Any],
    cases: Mapping[str, Any],
    said: Mapping[str, int],
) -> Iterator[str]:
    """A page must have one request, made of no more posts than there were screens, and their
    message must be stored once."""
    known = {visits.secret_hash(one.browser.secret): one for one in every if one.begun}
    phantom = pages.keys() - known.keys()
    if phantom:
        yield f"{len(phantom)} pages that nobody was told of"
    begun = Counter(row.case_id for row in pages.values())
    yield from (f"{many} pages of {case_id}" for case_id, many in begun.items() if many > 1)
    on_web = sum(row.state.get("channel") == Channel.WEB for row in cases.values())
    if on_web != len(begun):
        yield f"{on_web} requests of {len(begun)} pages"
    for hashed, one in known.items():
        page = pages.get(hashed)
        if page is not None and page.step > len(one.posted):
            yield f"{page.step} posts carried out of {len(one.posted)}: {one.marker}"
    yield from (
        f"kept {said.get(one.marker, 0)} times: {one.marker}"
        for one in every
        if said.get(one.marker, 0) != 1 and (one.told or said.get(one.marker))
    )
