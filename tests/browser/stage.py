"""The stage on which pages are tested: the real app, each template in each state, and a flow of
questions that only records what is posted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, redirect, render_template, request
from playwright.sync_api import Page
from states import STATES, question, status

from caller_service.core.program import Program
from caller_service.language.catalog import Catalog
from caller_service.language.wording import filling
from caller_service.web.shared.guard import guarded, open_to_all
from caller_service.web.shared.problem import FRAMED

ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنه"  # one letter for each Latin one, for the made-up language
BASE = "/stage"  # the real pages have other URLs
Opens = Callable[..., Page]


class Words:
    """`say`, as the pages get it. "xa" is a made-up language that is read from right to left:
    English sentences in Arabic letters."""

    def __init__(self, program: Program, catalog: Catalog, language: str) -> None:
        self._catalog, self._made_up = catalog, language == "xa"
        self._language = "en" if self._made_up else language
        self._always = filling(program, self._language, catalog)

    def __call__(self, key: str, **fill: str) -> str:
        fill = {name: f"\0{value}\0" if self._made_up else value for name, value in fill.items()}
        words = self._catalog.text(self._language, key, **(self._always | fill))
        if not self._made_up:
            return words
        kept = words.split("\0")
        return "".join(one if at % 2 else _arabic(one) for at, one in enumerate(kept))

    def has(self, key: str) -> bool:
        return self._catalog.has(self._language, key)


def _arabic(words: str) -> str:
    return "".join(
        ARABIC[ord(one.lower()) - 97] if "a" <= one.lower() <= "z" else one for one in words
    )


@dataclass
class Stage:
    """The app, and what was posted to the pages of the small flow."""

    url: str
    app: Flask
    posts: list[dict[str, str]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)  # posts wait until it is set
    down: bool = False  # posts are answered with a 503 page
    told: dict[str, Any] = field(default_factory=dict)  # the values that the status page shows now
    looks: int = 0
    locked: bool = False  # the page was idle for too long
    used: int = 0  # looks that said that somebody types

    def at(self, state: str, language: str = "en") -> str:
        return f"{self.url}/show/{language}/{state}"

    def reset(self) -> None:
        self.posts.clear()
        self.hold.set()
        self.down, self.locked, self.looks, self.told = False, False, 0, {}
        self.used = 0


def _shown(app: Flask, language: str, template: str, values: Any) -> str:
    parts = app.extensions["caller_parts"]
    native = {"en": "English", "es": "español", "xa": "ذرث"}
    return render_template(
        f"residents/{template}",
        **{
            "say": Words(parts.program, parts.catalog, language),
            # the tag of the made-up language, in places that know only real ones
            "language": {"xa": "ar"}.get(language, language),
            "direction": "rtl" if language == "xa" else "ltr",
            "languages": [one for one in native.items() if one[0] not in (language, "xa")],
            "all_languages": list(native.items())[:2],
            "areas": parts.program.areas,
            "program": parts.program,
            "base": BASE,
            "out": f"{BASE}/out",
            "at": request.path,
            **values,
        },
    )


def pages_of(stage: Stage) -> Any:
    """Each template in each state, and a flow of questions that only records what is posted."""
    app, shown = stage.app, guarded("shown", open_to_all)

    def say(language: str = "en") -> Words:
        parts = app.extensions["caller_parts"]
        return Words(parts.program, parts.catalog, language)

    @shown.get("/show/<language>/<state>")
    def show(language: str, state: str) -> str:
        template, values = STATES[state](say(language))
        return _shown(app, language, template, values)

    @shown.route("/flow/<number>", methods=["GET", "POST"])
    def flow(number: str) -> Any:
        if request.method == "GET":
            view = question(say(), "safety", number=int(number), action=request.path)
            return _shown(app, "en", "question.html", {"view": view})
        stage.posts.append({"path": request.path, **request.form.to_dict()})
        assert stage.hold.wait(60)
        if stage.down:
            values = {
                "kind": "down",
                "action": request.path,
                "typed": request.form.get("words", ""),
            }
            return _shown(app, "en", "error.html", values), 503
        there = f"/flow/{int(number) + 1}"
        if "next" in request.form:  # our script: the response is the next screen
            view = question(say(), "safety", number=int(number) + 1, action=there)
            return _shown(app, "en", "question.html", {"view": view, "at": there})
        return redirect(there, 303)

    @shown.route(f"{BASE}/s", methods=["GET", "POST"])
    def status_page() -> Any:
        if request.method == "POST":
            stage.posts.append(request.form.to_dict())
            return redirect(f"{BASE}/s", 303)
        if stage.locked:
            return _shown(app, "en", *STATES["locked"](say()))
        return _shown(app, "en", "status.html", {"view": status(say(), **stage.told)})

    @shown.get(f"{BASE}/s/state")
    def state() -> Any:
        stage.looks += 1
        stage.used += "X-Used" in request.headers
        if stage.down:
            return "", 503
        view = status(say(), **stage.told)
        if stage.locked:
            return {"v": "locked", "html": _shown(app, "en", *STATES["locked"](say()))}
        if request.args["v"] == view.version:
            return {"v": view.version}
        return {"v": view.version, "html": _shown(app, "en", "status_main.html", {"view": view})}

    @shown.get(f"{BASE}/words")
    def words() -> Any:
        view = status(say(), **stage.told)
        values = {"view": view, "known": request.args.get("s", "")}
        return _shown(app, "en", "words.html", values), 200, FRAMED

    @shown.get(f"{BASE}/out")
    def out() -> str:
        return _shown(app, "en", "out.html", {"exit_to": "/show/en/about"})

    return shown
