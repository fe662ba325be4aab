"""Whole requests in a real browser, against the app's own pages: made, answered by a human, and
left."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from flask import Flask
from in_browser import close
from playwright.sync_api import Browser, BrowserContext, Page
from running import free_port
from test_pages import FINDS, WIDER
from werkzeug.serving import make_server

import caller_service
from caller_service.commands.database import migrated
from caller_service.config.program_file import read_program
from caller_service.config.settings import Settings
from caller_service.core.access import Token, kind_for, scopes_for
from caller_service.store import tokens

PLACE = "Main St and 3rd Ave"


@dataclass
class Service:
    url: str
    app: Flask
    token: str

    def dispatch(self, path: str, told: dict[str, str]) -> None:
        answer = self.app.test_client().post(
            f"/api/v1/hand-offs{path}", json=told, headers={"Authorization": f"Bearer {self.token}"}
        )
        assert answer.status_code == 200, answer.json

    def newest_case(self) -> str:
        with self.app.extensions["caller_parts"].engine.connect() as conn:
            found: str = conn.exec_driver_sql('SELECT max(id) FROM "case"').scalar_one()
        return found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The app on a thread, with a program in which a "no" counts at once and Exit leads to one of
    our own pages."""
    here, port = tmp_path_factory.mktemp("form"), free_port()
    url = f"http://127.0.0.1:{port}"
    told = {"CALLER_DATABASE_URL": f"sqlite:///{here}/caller.sqlite", "CALLER_PUBLIC_URL": url}
    settings = Settings.from_environment(told, here=here)
    program = read_program(settings.program)
    clocks = replace(program.clocks, read_page=0)
    app = caller_service.create_app(
        settings, replace(program, clocks=clocks, exit_to=f"{url}/police")
    )
    migrated(app, settings)
    parts, secret = app.extensions["caller_parts"], secrets.token_hex(16)
    kind = kind_for(program.destination("console"))
    with parts.engine.begin() as conn:
        token = Token("cad", kind, "console", frozenset(scopes_for(kind)), None)
        tokens.add(conn, secrets.token_hex(8), token, secret, parts.now())
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Service(url, app, secret)
    server.shutdown()
    thread.join()
    server.server_close()
    parts.engine.dispose()


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 360, "height": 640})
    yield context
    close(context)


def press(page: Page, value: str, name: str = "answer") -> None:
    before = page.url
    page.locator(f"button[name={name}][value={value}]").first.click()
    page.wait_for_url(lambda url: url != before, wait_until="domcontentloaded")


def ask_for_a_team(page: Page, url: str) -> None:
    page.goto(f"{url}/")
    page.locator("a[href$='/request']").first.click()
    for number, value in enumerate(("me", "no", "no", "no", "page", "team"), 2):
        page.locator(f"button[name=answer][value={value}]").click()
        page.wait_for_url(f"**/request/{number}")
        page.locator(".step", has_text=str(number)).wait_for()
    page.fill("#place", PLACE)
    page.locator("main form button.main").last.click()
    page.locator("button[value=upset]").click()
    page.locator("#words").wait_for()
    page.locator("main form button.main").click()
    page.locator("h1.stands").wait_for()


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_team_is_asked_for_in_a_browser(
    browser: Browser, service: Service, language: str, script: bool
) -> None:
    context = browser.new_context(
        viewport={"width": 320, "height": 640}, java_script_enabled=script, locale=language
    )
    page = context.new_page()
    ask_for_a_team(page, service.url)
    parts = service.app.extensions["caller_parts"]
    assert page.url == f"{service.url}/s"
    assert page.locator("h1").inner_text() == parts.catalog.text(language, "web.stands.handed_off")
    assert page.evaluate(WIDER) == 0 if script else True
    close(context)


@pytest.mark.parametrize("script", [True, False])
def test_half_a_sentence_stays_in_another_language(
    browser: Browser, service: Service, script: bool
) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 640}, java_script_enabled=script, locale="en"
    )
    page = context.new_page()
    ask_for_a_team(page, service.url)
    for language in ("es", "en"):
        page.fill("#words", f"he is outside the {language}")
        page.locator(f"button.lang[value={language}]").click()
        page.locator(f"html[lang={language}] h1.stands").wait_for()
        assert page.locator("#words").input_value() == f"he is outside the {language}"
    page.locator(".foot button.main").click()
    words = page if script else page.frame_locator("iframe")
    words.locator(".words", has_text="he is outside the en").wait_for(timeout=60_000)
    assert page.locator("#words").input_value() == ""
    close(context)


def test_half_a_sentence_waits_for_the_next_screen_with_its_field(
    phone: BrowserContext, service: Service
) -> None:
    """Another button sends what it names alone."""
    page = phone.new_page()
    ask_for_a_team(page, service.url)
    page.fill("#words", "he is outside")
    page.locator(".acts button[value=person]").click()
    page.locator("section.danger.now").wait_for()
    page.locator("button[value=go_on]").click()
    page.locator("#words").wait_for()
    assert page.locator("#words").input_value() == "he is outside"
    assert page.locator(".words").count() == 0


def test_every_screen_of_a_request_is_accessible(
    phone: BrowserContext, service: Service, axe: str
) -> None:
    page = phone.new_page()
    page.goto(f"{service.url}/request")
    for value in ("adult", "yes"):
        assert _faults(page, axe) == []
        press(page, value)
    assert _faults(page, axe) == [], "what to do now"
    press(page, "go_on", "act")
    assert _faults(page, axe) == []
    press(page, "page")
    assert _faults(page, axe) == [], "the place"


def _faults(page: Page, axe: str) -> list[str]:
    page.wait_for_load_state("networkidle")
    page.evaluate(axe)
    found: list[str] = page.evaluate(FINDS, False)
    return found


@pytest.mark.parametrize("script", [True, False])
def test_a_human_joins_and_both_write(browser: Browser, service: Service, script: bool) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 640}, java_script_enabled=script
    )
    page = context.new_page()
    page.goto(f"{service.url}/request")
    press(page, "me")
    press(page, "yes")
    press(page, "go_on", "act")
    press(page, "page")
    page.fill("#place", PLACE)
    page.locator("main form button.main").last.click()
    page.locator("h1.stands").wait_for()
    page.fill("#words", "half a sentence")

    case = service.newest_case()
    service.dispatch(f"/{case}/notes", {"by": "Dana", "words": "I am Dana. Are you safe?"})
    words = page if script else page.frame_locator("iframe")
    words.locator(".words", has_text="I am Dana. Are you safe?").wait_for(timeout=60_000)
    assert page.locator("#words").input_value() == "half a sentence", "what is typed stays"

    page.fill("#words", "he is at the door")
    page.locator(".foot button.main").click()
    words.locator(".words", has_text="he is at the door").wait_for(timeout=60_000)
    close(context)


@pytest.mark.parametrize("script", [True, False])
def test_after_exit_no_way_back_shows_anything_of_theirs(
    browser: Browser, service: Service, script: bool
) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 640}, java_script_enabled=script
    )
    page = context.new_page()
    page.goto("about:blank")
    ask_for_a_team(page, service.url)
    reference = page.locator("main bdi").last.inner_text()
    page.locator("a.exit").click()
    page.wait_for_url("**/police")
    for _ in range(10):
        page.go_back(wait_until="domcontentloaded")
        shown = page.content()
        assert PLACE not in shown and reference not in shown
        assert "upset" not in shown and 'class="answer given"' not in shown
    close(context)


def test_by_keyboard_alone(phone: BrowserContext, service: Service) -> None:
    page = phone.new_page()
    page.goto(f"{service.url}/request")
    for number, answer in ((2, "me"), (3, "no"), (4, "no")):
        page.locator(f"button.answer[value={answer}]").focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/request/{number}")
    assert page.evaluate("document.activeElement.tagName") in ("H1", "BODY", "MAIN")
