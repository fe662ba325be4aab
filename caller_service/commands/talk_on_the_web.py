"""`caller-service talk --channel web`: the request form and the private page in a terminal.

The service's real endpoints answer it, on a temporary database. No worker runs, so nobody is paged:
`caller-service rehearse` does that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask

import caller_service
from caller_service.casework.parts import Parts
from caller_service.config.settings import Settings
from caller_service.core.journal_events import Event
from caller_service.core.program import Program
from caller_service.proving.web_browser import Button, Fetched, Page, WebBrowser
from caller_service.store import cases, journal, visits

from .talk import begin_file, first_language, typed

URL = "http://127.0.0.1:8000"
HELP = "A number presses a button; b goes back; anything else is typed into the field. Ctrl-D ends."
FIELDS = ("place", "number", "words")  # typed text goes into the first of these fields
BLOCKS = frozenset({"p", "li", "h1", "h2", "label", "a"})
QUIET = frozenset({Event.ANSWERED, Event.STATUS, Event.LEVEL, Event.CLOCK})  # said otherwise


def converse_on_the_web(
    settings: Settings,
    program: Program,
    language: str | None = None,
    keep: str | None = None,
    read_seconds: int = 0,
) -> None:
    """Use the form until the input ends. Raises ValueError for a language that the program does not
    have."""
    begins_in = first_language(program, language)
    program = replace(program, clocks=replace(program.clocks, read_page=read_seconds))
    transcript = [f"protocol: {program.protocol.id} {program.protocol.version}", "channel: web", ""]
    begin_file(keep)
    print(f"{program.name}. {HELP}\n")
    with TemporaryDirectory() as folder:
        app = _app(settings, program, Path(folder))
        visitor = _Visitor(app, begins_in)
        transcript += _printed(visitor.opens("/request"))
        for line in typed():
            lines = visitor.does(line.strip())
            transcript += [f"> {line.strip()}", *_printed(lines)]
        app.extensions["caller_parts"].engine.dispose()
    if keep:
        Path(keep).write_text("\n".join(transcript) + "\n", encoding="utf-8")


def _printed(lines: list[str]) -> list[str]:
    print("\n".join(lines) + "\n", flush=True)
    return lines


def _app(settings: Settings, program: Program, folder: Path) -> Flask:
    from .database import migrated

    settings = replace(settings, database_url=f"sqlite:///{folder / 'talk.sqlite'}", public_url=URL)
    app = caller_service.create_app(settings, program)
    migrated(app, settings)
    return app


class _Visitor:
    """A visitor with a browser, and what the service does with their input."""

    def __init__(self, app: Flask, language: str) -> None:
        self._parts: Parts = app.extensions["caller_parts"]
        self._client = app.test_client(use_cookies=False)
        self._browser = WebBrowser(self._fetch, language.replace("_", "-"))
        self._back: list[str] = []
        self._heard = ""  # the newest journal entry that was printed

    def _fetch(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Fetched:
        answer = self._client.open(
            path, method=method, data=body, headers=dict(headers), base_url=URL
        )
        cookies = tuple(answer.headers.getlist("Set-Cookie"))
        return Fetched(answer.status_code, answer.data, answer.headers.get("Location", ""), cookies)

    def opens(self, path: str) -> list[str]:
        self._browser.goes(path)
        return self._shown()

    def does(self, line: str) -> list[str]:
        page = self._browser.page
        if line == "b":
            return self.opens(self._back.pop() if self._back else self._browser.path)
        if line.isdecimal() and 1 <= int(line) <= len(buttons := _buttons(page)):
            return self._posts(buttons[int(line) - 1], {})
        field = next((one for one in FIELDS if line and page.form(one)), "")
        if (button := page.form(field)) is None:
            return self._shown()
        return self._posts(button, {field: line})

    def _posts(self, button: Button, filled: Mapping[str, str]) -> list[str]:
        self._back.append(self._browser.path)
        if there := self._browser.posts(button, filled):
            self._browser.goes(there)
        return self._shown()

    def _shown(self) -> list[str]:
        page = self._browser.page
        buttons = [f"  {at} {one.words.strip()}" for at, one in enumerate(_buttons(page), start=1)]
        return [f"[{page.title.strip()}]", *_Main(page.html).lines, *buttons, *self._made_of_it()]

    def _made_of_it(self) -> list[str]:
        """What happened meanwhile, and the state of the case."""
        secret = self._browser.secret
        with self._parts.engine.connect() as conn:
            hashes = [visits.secret_hash(secret)]
            found = visits.load(conn, self._parts.sealer, hashes, self._parts.now())
            if not secret or found is None:
                return []
            case = cases.by_id(conn, self._parts.sealer, found.case.id) or found.case
            entries = journal.of_case(conn, case.id)
        news = [one for one in entries if one.id > self._heard and one.event not in QUIET]
        self._heard = max((one.id for one in entries), default=self._heard)
        level = f" {case.level.name}" if case.level else ""
        because = f": {', '.join(case.because)}" if case.because else ""
        return [*(f"! {one.event}" for one in news), f"= {case.status.value}{level}{because}"]


def _buttons(page: Page) -> list[Button]:
    """The buttons that need no text; other languages come last."""
    plain = [one for one in page.buttons if one.name and one.words.strip()]
    return sorted(plain, key=lambda one: one.name == "language")


class _Main(HTMLParser):
    """The text of a page's main part, without its buttons."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._main, self._hidden, self._open, self._words = False, False, 0, ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._main = self._main or tag == "main"
        if tag in BLOCKS and self._main:
            self._ends()
            self._open += 1
            self._hidden = "hidden" in dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "main":
            self._main = False
        if tag in BLOCKS and self._open:
            self._ends()
            self._open -= 1
            self._hidden = self._hidden and bool(self._open) and tag == "a"

    def handle_data(self, data: str) -> None:
        if self._open and not self._hidden:
            self._words += data

    def _ends(self) -> None:
        if words := re.sub(r"\s+", " ", self._words).strip():
            self.lines.append(words)
        self._words = ""
