"""A browser without scripts: it parses a page, keeps cookies or not, and presses buttons. The
function that fetches is passed in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

HOPS = 6  # redirects in a row; more are a loop
SCRIPT = {"next": "1"}  # what our script adds to a form: the response may be the next screen
FORM = "application/x-www-form-urlencoded"


@dataclass
class Button:
    """A submit button: its form's URL and fields, and what the button adds."""

    action: str
    fields: dict[str, str] = field(repr=False)
    name: str
    value: str
    words: str = field(default="", repr=False)


class Page(HTMLParser):
    """One page, as a person sees it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.language = ""
        self.buttons: list[Button] = []
        self.boxes: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []  # what a browser fetches with it
        self.title = ""
        self.headings: list[str] = []
        self.words = ""
        self._form: dict[str, str] | None = None
        self._action = ""
        self._named: dict[str, dict[str, str]] = {}  # forms that have an id
        self._elsewhere: list[tuple[str, Button | str, str]] = []  # of a form that names its id
        self._open: list[str] = []
        self.feed(html)
        self._join()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = told.get("lang", "")
        elif tag == "form":
            self._form, self._action = {}, told.get("action", "")
            self._named[told.get("id", "")] = self._form
        elif told.get("type") == "checkbox":
            self.boxes.add(told["name"])  # not ticked
        elif tag in ("input", "textarea") and self._form is not None and told.get("name"):
            self._field(self._form, told)
        elif tag == "button" and self._form is not None and told.get("type") != "button":
            self._button(self._form, told)
        elif tag == "a":
            self.links.append(told.get("href", ""))
        elif tag in ("link", "script"):
            self.loads.append(told.get("href", "") or told.get("src", ""))
        if tag in ("h1", "title", "button", "h2", "textarea"):
            self._open.append(tag)
            if tag in ("h1", "h2"):
                self.headings.append("")

    def _field(self, form: dict[str, str], told: dict[str, str]) -> None:
        if "form" in told:
            self._elsewhere.append((told["form"], told["name"], told.get("value", "")))
        else:
            form[told["name"]] = told.get("value", "")

    def _button(self, form: dict[str, str], told: dict[str, str]) -> None:
        action = told.get("formaction", self._action)
        button = Button(action, form, told.get("name", ""), told.get("value", ""))
        self.buttons.append(button)
        if "form" in told:
            self._elsewhere.append((told["form"], button, ""))

    def _join(self) -> None:
        """A field or a button may belong to a form that it does not stand in. A part of a page may
        come without that form."""
        for form, owned, value in self._elsewhere:
            if (fields := self._named.get(form)) is None:
                continue
            if isinstance(owned, Button):
                owned.fields = fields
            else:
                fields[owned] = value

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

    def button(self, name: str, value: str) -> Button | None:
        """The button of that name and value; None if there is none."""
        return next((one for one in self.buttons if (one.name, one.value) == (name, value)), None)

    def form(self, field: str) -> Button | None:
        """The nameless button of the form that has this field."""
        return next((one for one in self.buttons if not one.name and field in one.fields), None)


@dataclass(frozen=True, slots=True)
class Fetched:
    """One response. `cookies`: its Set-Cookie headers; `location`: where it redirects to."""

    status: int
    body: bytes = field(default=b"", repr=False)
    location: str = field(default="", repr=False)
    cookies: tuple[str, ...] = field(default=(), repr=False)


# method, path, body, headers
Fetch = Callable[[str, str, bytes, Mapping[str, str]], Fetched]


class WebBrowser:
    """`language`: the tag it sends in Accept-Language; `cookies`: does it keep any?"""

    def __init__(self, fetch: Fetch, language: str = "", cookies: bool = True) -> None:
        self._fetch, self._keeps = fetch, cookies
        self._asked = {"Accept-Language": language} if language else {}
        self._cookies: dict[str, str] = {}
        self.page = Page("")
        self.path, self.status = "/", 0

    def goes(self, path: str, headers: Mapping[str, str] | None = None) -> Page:
        """Follow redirects to a page, and show it."""
        for _ in range(HOPS):
            fetched = self._ask("GET", path, b"", headers or {})
            self.path = path
            if fetched.status != 303:
                break
            path = fetched.location
        return self._shows(fetched)

    def posts(
        self,
        button: Button,
        filled: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Press a button with fields filled in; returns where it redirects to, or "" if the
        response is a page, which is then shown."""
        fields = {**button.fields, **(filled or {})}
        if button.name:
            fields[button.name] = button.value
        told = {"Content-Type": FORM, **(headers or {})}
        fetched = self._ask("POST", button.action, urlencode(fields).encode(), told)
        if fetched.status == 303:
            self.status = 303
            return fetched.location
        self._shows(fetched)
        return ""

    @property
    def secret(self) -> str:
        """The key of this browser's private page; "" before there is one."""
        in_path = re.match(r"/r/([^/]+)/", self.path)
        if in_path:
            return in_path[1]
        return self._cookies.get("__Host-page") or self._cookies.get("page", "")

    def _shows(self, fetched: Fetched) -> Page:
        self.status = fetched.status
        self.page = Page(fetched.body.decode("utf-8", "replace"))
        return self.page

    def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Fetched:
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        told = {**self._asked, **headers, **({"Cookie": cookie} if cookie else {})}
        fetched = self._fetch(method, path, body, told)
        for line in fetched.cookies if self._keeps else ():
            name, _, value = line.partition(";")[0].partition("=")
            if value and "Max-Age=0" not in line:
                self._cookies[name] = value
            else:
                self._cookies.pop(name, None)
        location = urlsplit(fetched.location)
        there = location.path + (f"?{location.query}" if location.query else "")
        return Fetched(fetched.status, fetched.body, there, fetched.cookies)
