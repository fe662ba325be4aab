"""The pages beyond one case, as they look: calls, the rail, the end of a shift."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect
from test_console import PILLS, Desk, desk, findings, looks_like  # noqa: F401 - the fixture

WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("width, more", [(1440, {}), (1440, {"color_scheme": "dark"}), (360, {})])
def test_the_pages_are_readable_small_and_dark(
    desk: Desk,  # noqa: F811
    axe: str,
    width: int,
    more: dict[str, Any],
) -> None:
    for number in range(3):
        desk.in_danger(PILLS, f"+1720555014{number}")
    page = desk.signs_in(width=width, **more)
    page.locator("tbody[data-band=nobody] .ref").first.click()
    page.get_by_role("button", name="Take it").click()
    expect(page.get_by_text("You have it.")).to_be_visible()
    name = f"{width}-{'-'.join(str(one) for one in more.values())}"
    for what in ("queue", "callbacks", "account"):
        page.goto(f"{desk.house.parts.public_url}/console/{what}")
        expect(page.locator("#rail")).to_be_visible()
        assert page.evaluate(WIDE) <= 0, what
        assert findings(page, axe) == [], what
        looks_like(page, f"{what}-{name}")
