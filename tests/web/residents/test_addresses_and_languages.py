"""Addresses that nobody linked to, methods that no page uses, and the language somebody chose."""

from __future__ import annotations

import re

import pytest
from conftest import House
from form_page import BASE, CALM, Browser, asks_for_a_team

BY_BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def lang_of(me: Browser) -> str:
    return re.search(r'<html lang="([^"]+)"', me.page.html)[1]  # type: ignore[index]


# ---- the language that was chosen ----------------------------------------------------------------


@pytest.mark.parametrize("cookies", [True, False])
def test_the_language_chosen_on_the_first_page_stays(house: House, cookies: bool) -> None:
    """The phone is in English, and its owner is not the one who needs help: what was chosen on the
    first page holds for the form, also where no cookie is kept."""
    me = Browser(house, cookies, headers={"Accept-Language": "en-US"}).goes("/?lang=es")
    ours = [link for link in me.page.links if link.startswith(("/request", "/about", "/code"))]
    assert len(ours) == 3
    for link in ours:
        assert lang_of(me.goes(link)) == "es", link
    me.goes(next(link for link in ours if link.startswith("/request")))
    for value in CALM[:3]:
        assert lang_of(me.presses(value)) == "es"
    assert me.case().language == "es" and "lang" not in me.path


@pytest.mark.parametrize("path", ["/request", "/code"])
@pytest.mark.parametrize("cookies", [True, False])
def test_the_language_button_works_before_there_is_a_request(
    house: House, path: str, cookies: bool
) -> None:
    me = Browser(house, cookies).goes(path).presses("es", name="language")
    assert lang_of(me) == "es" and me.path.split("?")[0] == path
    if path == "/code":
        assert lang_of(me.sends(code="BBBBBDDDDD")) == "es", "a wrong code is answered in Spanish"


def test_public_pages_remember_the_language(house: House) -> None:
    me = Browser(house).goes("/request").presses("es", name="language")
    for path in ("/", "/about", "/police"):
        assert lang_of(me.goes(path)) == "es", path
    me.goes(me.page.links[0])
    assert lang_of(me.goes("/")) == "en", "whoever comes next finds no trace of it"


@pytest.mark.parametrize(
    "back",
    ["//evil.test", "/\\evil.test", "/\t/evil.test", "/\n/evil.test", "https://evil.test", "x"],
)
def test_choosing_a_language_leads_nowhere_else(house: House, back: str) -> None:
    form = {"language": "es", "back": back}
    answer = house.app.test_client().post("/language", base_url=BASE, data=form)
    assert answer.status_code == 303 and answer.headers["Location"] == "/?lang=es"


# ---- addresses and methods -----------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("path", ["/Request", "/index.html", "/r/x", "/place/", "/request/1%00"])
def test_a_browser_that_is_nowhere_gets_a_page(house: House, path: str, language: str) -> None:
    me = Browser(house, headers={**BY_BROWSER, "Accept-Language": language}).goes(path)
    assert me.status in (400, 404) and lang_of(me) == language
    assert me.page.heading == house.words("web.fault.lost.title", language)
    assert {"tel:911", "tel:988", "sms:988", "/request", "/code"} <= set(me.page.links)
    assert me.answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/about", "/request/2", "/s", "/out", "/words"])
def test_a_method_that_no_page_uses_says_who_helps(house: House, path: str, method: str) -> None:
    me = asks_for_a_team(Browser(house))
    answer = me.client.open(path, method=method, base_url=BASE, headers=BY_BROWSER)
    assert answer.status_code < 500
    assert "911" in answer.text or answer.status_code in (200, 303)
    assert me.case().status == "handed_off", "nothing has changed"


def test_machines_and_staff_are_answered_as_before(house: House) -> None:
    for path in ("/api/v1/nowhere", "/twilio/nowhere", "/console/nowhere", "/static/nowhere.css"):
        answer = house.app.test_client().get(path, base_url=BASE, headers=BY_BROWSER)
        assert answer.status_code == 404 and "<html" not in answer.text, path


@pytest.mark.parametrize("cookies", [True, False])
def test_a_slash_too_many_is_the_same_page(house: House, cookies: bool) -> None:
    me = asks_for_a_team(Browser(house, cookies))
    heading = me.page.heading
    assert me.goes(f"{me.path}/").page.heading == heading
    for path in ("/request/", "/code/", "/about/", "/police/"):
        assert Browser(house).goes(path).status == 200, path


@pytest.mark.parametrize("path", ["/open", "/language"])
@pytest.mark.parametrize("cookies", [True, False])
def test_an_address_that_only_takes_posts_leads_back_to_the_page(
    house: House, path: str, cookies: bool
) -> None:
    """A phone that dropped the tab asks for what stands in the address bar."""
    me = asks_for_a_team(Browser(house, cookies))
    there = me.path
    assert me.goes(there.removesuffix("/s") + path).path == there and me.status == 200
    assert Browser(house).goes(path).path == "/"
