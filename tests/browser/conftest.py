"""A real browser (Debian's Chromium, driven by Playwright), and the real app on a thread.

Where there is no Chromium the browser tests are skipped, and say so; with CI in the environment
they fail.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, redirect, render_template, request
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from running import free_port
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

import caller_service
from caller_service.config.settings import Settings
from caller_service.core.program import Program
from caller_service.language.catalog import Catalog
from caller_service.language.wording import filling
from caller_service.web.shared.guard import guarded, open_to_all
from caller_service.web.shared.problem import FRAMED

from states import STATES, question, status  # isort: skip

# Nothing of the browser's own leaves the machine.
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنه"  # a letter for each of ours: the made-up language


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("CI has no chromium: apt-get install chromium (.ci/run does)")
        pytest.skip("there is no chromium on this machine (docs/testing.md)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        yield browser
        browser.close()


class Words:
    """`say`, as the pages are given it. "xa" is a made-up language that is read from the right: the
    English words in Arabic letters."""

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
    """The app, and what the pages of the small flow were sent."""

    url: str
    app: Flask
    posts: list[dict[str, str]] = field(default_factory=list)
    hold: threading.Event = field(
        default_factory=threading.Event
    )  # posts are answered once it is set
    down: bool = False  # posts are answered by a 503 page
    told: dict[str, Any] = field(default_factory=dict)  # what the status page looks like now
    looks: int = 0

    def at(self, state: str, language: str = "en") -> str:
        return f"{self.url}/show/{language}/{state}"

    def reset(self) -> None:
        self.posts.clear()
        self.hold.set()
        self.down, self.looks, self.told = False, 0, {}


def _shown(app: Flask, language: str, template: str, values: Any) -> str:
    parts = app.extensions["caller_parts"]
    native = {"en": "English", "es": "español", "xa": "ذرث"}
    return render_template(
        f"residents/{template}",
        **{
            "say": Words(parts.program, parts.catalog, language),
            # what the made-up language is called where only real ones are known
            "language": {"xa": "ar"}.get(language, language),
            "direction": "rtl" if language == "xa" else "ltr",
            "languages": [one for one in native.items() if one[0] not in (language, "xa")],
            "all_languages": list(native.items())[:2],
            "areas": parts.program.areas,
            "program": parts.program,
            "base": "",
            "out": "/out",
            **values,
        },
    )


def _pages(stage: Stage) -> Any:
    """Each template in each state, and a flow of questions that only counts what it is sent."""
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
        return redirect(f"/flow/{int(number) + 1}", 303)

    @shown.route("/s", methods=["GET", "POST"])
    def status_page() -> Any:
        if request.method == "POST":
            stage.posts.append(request.form.to_dict())
            return redirect("/s", 303)
        return _shown(app, "en", "status.html", {"view": status(say(), **stage.told)})

    @shown.get("/s/state")
    def state() -> Any:
        stage.looks += 1
        if stage.down:
            return "", 503
        view = status(say(), **stage.told)
        if request.args["v"] == view.version:
            return {"v": view.version}
        return {"v": view.version, "html": _shown(app, "en", "status_main.html", {"view": view})}

    @shown.get("/words")
    def words() -> Any:
        view = status(say(), **stage.told)
        return _shown(app, "en", "words.html", {"view": view}), 200, FRAMED

    @shown.get("/out")
    def out() -> str:
        return _shown(app, "en", "out.html", {"exit_to": "/show/en/about"})

    return shown


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The app with its own pages and those of the tests, on a thread."""
    here, port = tmp_path_factory.mktemp("browser"), free_port()
    url = f"http://127.0.0.1:{port}"
    told = {"CALLER_DATABASE_URL": f"sqlite:///{here}/caller.sqlite", "CALLER_PUBLIC_URL": url}
    app = caller_service.create_app(Settings.from_environment(told, here=here))
    stage = Stage(url, app)
    app.register_blueprint(_pages(stage))
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield stage
    stage.hold.set()
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions["caller_parts"].engine.dispose()


@pytest.fixture
def stage(running: Stage) -> Stage:
    running.reset()
    return running


Opens = Callable[..., Page]


@pytest.fixture
def opens(browser: Browser, stage: Stage) -> Iterator[Opens]:
    """Opens a state in a new window: 360 x 640, like a small phone, unless told otherwise. What a
    page writes to the console, such as a broken policy, fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(
        path: str = "", language: str = "en", width: int = 360, height: int = 640, **more: Any
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale=language.replace("xa", "ar"), **more
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda fault: complaints.append(str(fault)))
        page.goto(stage.url + path if path.startswith("/") else stage.at(path, language))
        return page

    open_page.complaints = complaints  # type: ignore[attr-defined]
    yield open_page
    for context in contexts:
        context.close()
    assert [one for one in complaints if "status of 503" not in one and "ERR_" not in one] == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core. Our policy refuses a script that is added, so it is evaluated."""
    import axe_playwright_python

    (source,) = Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")
    return source.read_text(encoding="utf-8")


__all__ = ["Opens", "Response", "Stage"]
