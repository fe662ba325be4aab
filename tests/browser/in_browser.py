"""A real browser (Debian's Chromium, driven by Playwright), and the real app on a thread.

Without Chromium the browser tests are skipped, with a message; if CI is set in the environment they
fail.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from running import SOON, free_port
from werkzeug.serving import make_server

import caller_service
from caller_service.commands.database import migrated
from caller_service.config.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page
    from stage import Opens, Stage

# The same browser without the parts that draw on a screen comes first: it takes half the time.
CHROMIUM = ("chromium-headless-shell", "chromium")
# The browser itself must not use the network.
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail(f"CI has no Chromium: apt-get install {CHROMIUM[0]} (.ci/run does)")
        pytest.skip("there is no chromium on this machine (docs/testing.md)")
    # a large package, imported only where it is needed
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=SOON * 1000)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The app with its own pages and the pages of the tests, on a thread."""
    from conftest import TWILIO  # a cyclic import at the top: conftest loads this file

    here, port = tmp_path_factory.mktemp("browser"), free_port()
    url = f"http://127.0.0.1:{port}"
    told = {"CALLER_DATABASE_URL": f"sqlite:///{here}/caller.sqlite", "CALLER_PUBLIC_URL": url}
    settings = replace(Settings.from_environment(told, here=here), twilio_api_url=TWILIO)
    app = caller_service.create_app(settings)
    migrated(app, settings)
    from stage import Stage, pages_of

    stage = Stage(url, app)
    app.register_blueprint(pages_of(stage))
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


def close(context: BrowserContext) -> None:
    """A window whose page is still polling or navigating may never report that it is closed, so it
    goes to a blank page first."""
    from playwright.sync_api import Error

    for page in context.pages:
        with contextlib.suppress(Error):
            page.goto("about:blank", timeout=SOON * 1000)
    context.close()


@pytest.fixture
def opens(browser: Browser, stage: Stage) -> Iterator[Opens]:
    """Opens a state in a new window: 360 x 640, like a small phone, unless told otherwise. Any
    message on the page's console, such as a violation of the content policy, fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(
        path: str = "", language: str = "en", width: int = 360, height: int = 640, **more: Any
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale=language.replace("xa", "ar"), **more
        )
        context.set_default_timeout(SOON * 1000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda fault: complaints.append(str(fault)))
        page.goto(stage.url + path if path.startswith("/") else stage.at(path, language))
        return page

    open_page.complaints = complaints  # type: ignore[attr-defined]
    open_page.contexts = contexts  # type: ignore[attr-defined]
    yield open_page
    for context in contexts:
        close(context)
    # the page itself reports responses that refuse it, and failed connections
    meant = (*(f"status of {one}" for one in (403, 404, 409, 423, 503)), "ERR_")
    assert [one for one in complaints if not any(each in one for each in meant)] == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core. Our content policy blocks added script elements, so tests evaluate
    it."""
    import axe_playwright_python

    (source,) = Path(axe_playwright_python.__file__).parent.rglob("axe.min.js")
    return source.read_text(encoding="utf-8")
