"""The console in a real browser: by keyboard, by ear, and as it looks."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect
from staff import PASSWORD, kept
from stage import Opens, Stage
from twilio.request_validator import RequestValidator

from caller_service.core.roles import Role
from caller_service.store import people
from caller_service.store.tables import Base, staff_session

NAME = "Dana Ruiz"


class Desk:
    """Somebody at the console, and residents who write."""

    def __init__(self, stage: Stage, opens: Opens) -> None:
        self.stage, self.opens = stage, opens
        self.parts = stage.app.extensions["caller_parts"]

    def signs_in(self, width: int = 1440, height: int = 900, **more: Any) -> Page:
        page = self.opens("/console/sign-in", width=width, height=height, **more)
        page.get_by_label("Name").fill(NAME)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator("#queue")).to_be_visible()
        return page

    def writes(self, number: str, *texts: str) -> None:
        for words in texts:
            fields = {
                "MessageSid": f"SM{secrets.token_hex(16)}", "AccountSid": "AC" + "0" * 32,
                "From": number, "To": "+17205550100", "Body": words, "NumMedia": "0",
            }  # fmt: skip
            key = self.stage.app.config["TWILIO_AUTH_TOKENS"][0]
            url = f"{self.stage.url}/twilio/sms"
            signature = RequestValidator(key).compute_signature(url, fields)
            told = {"X-Twilio-Signature": signature}
            answer = self.stage.app.test_client().post("/twilio/sms", data=fields, headers=told)
            assert answer.status_code == 200, answer.text


@pytest.fixture
def desk(stage: Stage, opens: Opens) -> Iterator[Desk]:
    one = Desk(stage, opens)
    with one.parts.engine.begin() as conn:
        people.add(
            conn, one.parts.new_id(), NAME, Role.DISPATCHER, one.parts.now(),
            password=kept(PASSWORD), pin=kept("481516"),
        )  # fmt: skip
    yield one
    with one.parts.engine.begin() as conn:
        for table in reversed(Base.metadata.sorted_tables):
            conn.execute(sa.delete(table))


def findings(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]]


def looks_like(page: Page, name: str) -> None:
    """Keeps a picture where somebody wants to look at it."""
    if folder := os.environ.get("CALLER_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_a_new_danger_comes_by_itself_rings_and_is_taken_and_answered_by_keyboard(
    desk: Desk, axe: str
) -> None:
    page = desk.signs_in()
    expect(page.locator("tbody[data-band=nobody] .empty")).to_be_visible()

    desk.writes("+17205550123", "i took all my pills goodbye")

    row = page.locator("tbody[data-band=nobody] tr[data-key]")
    expect(row).to_have_count(1)
    expect(page).to_have_title("(1) Queue")
    page.keyboard.press("Escape")  # any key lets it ring
    page.keyboard.press("Shift")
    expect(page.locator("#sound-off")).to_be_hidden()
    desk.writes("+17205550124", "he has a gun and wants to kill me")
    expect(row).to_have_count(2)
    expect(page.locator("html[data-rang]")).to_have_count(1)
    assert findings(page, axe) == []
    looks_like(page, "queue")

    row.first.locator(".ref").focus()
    page.keyboard.press("a")
    expect(page.get_by_text("You have it. Nobody else is asked now.")).to_be_visible()
    page.locator("#ref").focus()
    page.keyboard.press("1")
    expect(page.locator("#w")).to_have_value("I am reading what you write. Keep writing.")
    page.keyboard.press("Control+Enter")
    sent = page.locator(".talk .us:not(.asked) .words")
    expect(sent).to_have_text("I am reading what you write. Keep writing.")
    desk.writes("+17205550123", "please hurry")
    expect(page.locator(".talk .them .words").last).to_contain_text("please hurry")
    assert findings(page, axe) == []
    looks_like(page, "case")


def test_single_keys_are_letters_elsewhere_and_words_are_kept_over_a_reload(desk: Desk) -> None:
    page = desk.signs_in()
    desk.writes("+17205550123", "i took all my pills goodbye")
    page.locator("tbody[data-band=nobody] .ref").click()
    page.locator("#w").fill("")

    page.locator("#w").press_sequentially("a car")

    expect(page.locator("#draft-state")).to_have_text("Draft kept.")
    assert page.url.endswith(page.locator("#case").get_attribute("data-case") or "?")
    page.reload()
    expect(page.locator("#w")).to_have_value("a car")


def test_an_idle_page_hides_the_words_and_goes_on_ringing(desk: Desk) -> None:
    page = desk.signs_in()
    desk.writes("+17205550123", "i took all my pills goodbye")
    expect(page.locator("tbody[data-band=nobody] tr[data-key]")).to_have_count(1)
    page.keyboard.press("Shift")
    with desk.parts.engine.begin() as conn:
        conn.execute(sa.update(staff_session).values(locked_at=desk.parts.now()))

    expect(page.locator("#locked")).to_be_visible()

    expect(page.get_by_text("pills")).to_have_count(0)
    expect(page.locator("#locked-alarm li")).to_have_count(1)
    page.evaluate("document.documentElement.removeAttribute('data-rang')")
    expect(page.locator("html[data-rang]")).to_have_count(1, timeout=10_000)
    page.locator("#unlock").fill("481516")
    page.keyboard.press("Enter")
    expect(page.locator("#queue")).to_be_visible()


def test_the_focus_stays_on_its_row_while_others_come(desk: Desk) -> None:
    page = desk.signs_in()
    desk.writes("+17205550123", "i want to die, maybe, i am not sure")
    row = page.locator("tbody[data-band=nobody] tr[data-key]")
    expect(row).to_have_count(1)
    mine = row.first.get_attribute("data-key")
    row.first.locator(".ref").focus()

    desk.writes("+17205550124", "i took all my pills goodbye")
    expect(row).to_have_count(2)

    there = "document.activeElement.closest('tr').getAttribute('data-key')"
    assert page.evaluate(there) == mine


@pytest.mark.parametrize(
    "width, more",
    [(720, {}), (360, {}), (1440, {"color_scheme": "dark"}), (1440, {"forced_colors": "active"})],
)
def test_the_desk_is_readable_small_dark_and_in_forced_colours(
    desk: Desk, axe: str, width: int, more: dict[str, Any]
) -> None:
    """1440 points at 200 % are 720."""
    desk.writes("+17205550123", "me quiero morir, tengo pastillas")
    desk.writes("+17205550125", "my brother shouts", "3", "2", "2", "2", "3", "1")
    page = desk.signs_in(width=width, **more)
    name = f"{width}-{'-'.join(str(one) for one in more.values())}"
    for what in ("queue", "case"):
        if what == "case":
            page.locator("tbody[data-band=nobody] .ref").first.click()
            expect(page.locator("#ref")).to_be_visible()
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0, what
        assert findings(page, axe) == [], what
        looks_like(page, f"{what}-{name}")
