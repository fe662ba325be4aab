"""A browser without script, played against the app: it reads a page as HTML, follows 303 and presses
what is there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from conftest import House

BASE = "https://house.test"
CALM = ("me", "no", "no", "no", "page", "team")
PLACE = "Main St and 3rd Ave"


@dataclass
class Button:
    """Something that posts: the form's address and fields, and what it adds."""

    action: str
    fields: dict[str, str]
    name: str
    value: str
    words: str = ""


class Page(HTMLParser):
    """One page, as a person meets it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.buttons: list[Button] = []
        self.links: list[tuple[str, str]] = []
        self.title = ""
        self.headings: list[str] = []
        self.words = ""
        self._form: dict[str, str] | None = None
        self._action = ""
        self._open: list[str] = []
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form, self._action = {}, told.get("action", "")
        elif tag in ("input", "textarea") and self._form is not None and told.get("name"):
            self._form[told["name"]] = told.get("value", "")
        elif tag == "button" and self._form is not None and told.get("type") != "button":
            self.buttons.append(
                Button(self._action, self._form, told.get("name", ""), told.get("value", ""))
            )
        elif tag == "a":
            self.links.append((told.get("href", ""), ""))
        if tag in ("h1", "title", "button", "h2", "textarea"):
            self._open.append(tag)
            if tag in ("h1", "h2"):
                self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag in self._open:
            self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        self.words += data
        if "title" in self._open:
            self.title += data
        if {"h1", "h2"} & set(self._open):
            self.headings[-1] += data
        if "button" in self._open and self.buttons:
            self.buttons[-1].words += data

    @property
    def heading(self) -> str:
        return re.sub(r"\s+", " ", self.headings[0]).strip() if self.headings else ""

    def picks(self) -> list[str]:
        return [button.value for button in self.buttons if button.name == "answer"]


@dataclass
class Browser:
    """Somebody on the web. `pace`: seconds between a page and the next press."""

    house: House
    cookies: bool = True
    pace: float = 5.0
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = self.house.app.test_client(use_cookies=self.cookies)
        self.path = "/"
        self.status = 0
        self.history: list[str] = []

    def goes(self, path: str) -> Browser:
        return self._shows(self._ask("GET", path))

    def presses(self, value: str, name: str = "answer", **filled: str) -> Browser:
        """Press the button of that name and value, with fields filled in."""
        button = next(
            each for each in self.page.buttons if each.name == name and each.value == value
        )
        return self.posts(button, **filled)

    def sends(self, **filled: str) -> Browser:
        """Press the button of the form that has these fields."""
        button = next(
            each
            for each in self.page.buttons
            if not each.name and all(name in each.fields for name in filled)
        )
        return self.posts(button, **filled)

    def posts(self, button: Button, **filled: str) -> Browser:
        self.house.wait(self.pace)
        fields = {**button.fields, **filled}
        if button.name:
            fields[button.name] = button.value
        return self._shows(self._ask("POST", button.action, data=fields))

    def answers(self, *values: str) -> Browser:
        for value in values:
            self.presses(value)
        return self

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        answer = self.client.open(path, method=method, base_url=BASE, headers=self.headers, **more)
        hops = 0
        while answer.status_code == 303:
            hops += 1
            assert hops < 6, "it goes round in circles"
            path = answer.headers["Location"].removeprefix(BASE)
            answer = self.client.get(path, base_url=BASE, headers=self.headers)
        self.path, self.status = path, answer.status_code
        self.history.append(path)
        return answer

    def _shows(self, answer: Any) -> Browser:
        self.answer = answer
        self.page = Page(answer.get_data(as_text=True))
        return self

    def case(self) -> Any:
        """The newest case."""
        from caller_service.store import cases

        with self.house.parts.engine.connect() as conn:
            newest = self.house.rows("case")[-1].id
            return cases.by_id(conn, self.house.parts.sealer, newest)


def asks_for_a_team(me: Browser, *, send: bool = True) -> Browser:
    """The common path, to the end or to the screen before it is sent."""
    me.goes("/request").answers(*CALM)
    me.sends(place=PLACE).presses("upset")
    assert me.path.endswith("/request/check")
    return me.sends(words="") if send else me
