"""The console's pages beyond a single case, in a real browser: calls, the rail, the end of a
shift."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, Route, expect
from staff import PASSWORD, kept
from test_console import Desk, desk, findings, looks_like  # noqa: F401 - the fixture
from twilio.request_validator import RequestValidator

from caller_service.casework.change import change
from caller_service.core.callback import book
from caller_service.core.holding import answer_for
from caller_service.core.roles import Role
from caller_service.store import people
from caller_service.store.tables import case

WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def calls_and_hangs_up(desk: Desk, number: str) -> None:  # noqa: F811
    told = {"CallSid": f"CA{secrets.token_hex(16)}", "AccountSid": "AC" + "0" * 32,
            "From": number, "To": "+17205550100", "Direction": "inbound"}  # fmt: skip
    for path, status in (("/twilio/voice", "ringing"), ("/twilio/receipts/inbound", "completed")):
        fields = told | {"CallStatus": status}
        key = desk.house.app.config["TWILIO_AUTH_TOKENS"][0]
        signature = RequestValidator(key).compute_signature(
            f"{desk.house.parts.public_url}{path}", fields
        )
        client = desk.house.app.test_client()
        answer = client.post(path, data=fields, headers={"X-Twilio-Signature": signature})
        assert answer.status_code < 300, answer.text


def promise_a_call(desk: Desk, number: str) -> None:  # noqa: F811
    """The resident wrote; a human recorded that calling them is safe, and promised a call."""
    desk.in_danger("hi", number)
    parts, by = desk.house.parts, "Dana Ruiz"
    with parts.engine.connect() as conn:
        newest = sa.select(case.c.id).order_by(case.c.id.desc()).limit(1)
        case_id = conn.execute(newest).scalar_one()
    change(
        parts, case_id,
        lambda one, scene: answer_for(one, by, "contact", "text_call", "They said so.", scene), by,
    )  # fmt: skip
    change(parts, case_id, lambda one, scene: book(one, by, scene.now, scene, ask_for="Sam"), by)


def looked_at(page: Page, axe: str, name: str) -> None:
    assert page.evaluate(WIDE) <= 0, name
    assert findings(page, axe) == [], name
    looks_like(page, name)


@pytest.mark.parametrize("width, more", [(1440, {}), (1440, {"color_scheme": "dark"}), (360, {})])
def test_a_shift_ends_and_its_pages_are_readable_small_and_dark(
    desk: Desk,  # noqa: F811
    axe: str,
    width: int,
    more: dict[str, Any],
) -> None:
    """Two cases are taken, a colleague is asked to take one, signing out warns about both, and all
    are given back."""
    with desk.house.parts.engine.begin() as conn:
        people.add(
            conn, desk.house.parts.new_id(), "Maria Sol", Role.DISPATCHER, desk.house.parts.now(),
            password=kept(PASSWORD),
        )  # fmt: skip
    for number in range(3):
        desk.in_danger(number=f"+1720555014{number}")
    promise_a_call(desk, "+17205550145")
    calls_and_hangs_up(desk, "+17205550146")
    dana = desk.person()
    page = desk.signs_in(dana, width=width, **more)
    name = f"{width}-{'-'.join(str(one) for one in more.values())}"
    for _ in range(2):
        page.goto(f"{desk.house.parts.public_url}/console/queue")
        page.locator("tbody[data-band=nobody] .ref").first.click()
        page.get_by_role("button", name="Take it").click()
        expect(page.get_by_text("You have it.")).to_be_visible()
    page.locator("#ref").focus()
    mine = page.locator("#case").get_attribute("data-case")
    page.keyboard.press("n")
    expect(page.locator("#rail [aria-current]")).not_to_have_attribute("data-case", mine or "")

    page.goto(f"{desk.house.parts.public_url}/console/callbacks")
    expect(page.locator("#promised tr[data-key]")).to_have_count(1)
    expect(page.locator("#missed tr[data-key]")).to_have_count(1)
    looked_at(page, axe, f"callbacks-{name}")
    page.get_by_role("button", name="Looked at").click()
    expect(page.locator("#reviewed tr[data-key]")).to_have_count(1)

    page.get_by_role("link", name="End of shift").click()
    page.locator("#mine select").first.select_option("Second dispatcher")
    page.get_by_role("button", name="Ask them").first.click()
    expect(page.get_by_text("Until they take it, it stays yours.")).to_be_visible()
    looked_at(page, axe, f"shift-{name}")
    page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You still have 2 open cases")).to_be_visible()
    looked_at(page, axe, f"sign-out-{name}")
    page.get_by_role("button", name="Give them back and sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page = desk.signs_in(dana, width=width, **more)
    expect(page.locator("tbody[data-band=nobody] tr[data-key]")).to_have_count(3)
    looked_at(page, axe, f"queue-{name}")
    heard = desk.opens.complaints  # browsers ignore this header over http
    heard[:] = [words for words in heard if "Clear-Site-Data" not in words]


def test_whoever_signs_out_on_a_slow_line_is_not_told_that_they_were_signed_out(
    desk: Desk,  # noqa: F811
) -> None:
    """A poll after the sign-out would be refused, and the page would say so."""
    page = desk.signs_in(desk.person(), width=1440)
    asked: list[str] = []

    def slowly(route: Route) -> None:
        asked.clear()
        page.wait_for_timeout(2500)  # longer than the polling interval
        assert [one for one in asked if "/news" in one] == []
        route.continue_()

    page.on("request", lambda request: asked.append(request.url))
    page.route("**/console/sign-out", slowly)
    page.get_by_role("banner").get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    heard = desk.opens.complaints
    heard[:] = [words for words in heard if "Clear-Site-Data" not in words]
