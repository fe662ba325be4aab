"""Every endpoint names its guard, keeps its pages private, and reveals nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from caller_service.web.console.session_guard import before_sign_in, console_only
from caller_service.web.residents.form import own_pages_only
from caller_service.web.shared.guard import metrics_only, open_to_all, twilio_only
from caller_service.web.shared.token_guard import bearer_only, browser_token_only

if TYPE_CHECKING:
    from conftest import House

GUARDS = {
    open_to_all, twilio_only, bearer_only, metrics_only, browser_token_only, console_only,
    before_sign_in, own_pages_only,
}  # fmt: skip
OPEN = {
    "/",
    "/about",
    "/police",
    "/health/live",
    "/health/ready",
    "/api/v1/eido.v1.schema.json",
    "/api/v1/hand_off.v1.schema.json",
    "/api/v1/openapi.json",
    "/static/<name>",
    "/console/sign-in",  # the page; its form carries a token
    "/recordings/<tag>/<file>",  # what Twilio plays; nothing personal
}


def test_every_blueprint_names_its_guard(house: House) -> None:
    for name in house.app.blueprints:
        assert GUARDS & set(house.app.before_request_funcs.get(name, [])), name


def test_the_doors_that_are_open_are_these_and_no_others(house: House) -> None:
    for rule in house.app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "x", str(rule))
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        status = house.client.open(path, method=method).status_code
        # the request form is open to everybody; a private page opens only with its key
        anybody = str(rule) in OPEN or rule.endpoint.startswith("request.")
        anybody = anybody and (str(rule), method) != ("/console/sign-in", "POST")
        assert (status not in (401, 403)) == anybody, f"{method} {rule}: {status}"


@pytest.mark.parametrize(
    "path",
    ["/", "/about", "/police", "/?lang=es", "/police?lang=es", "/about?lang=es", "/?lang=xx-junk"],
)
def test_pages_are_private_need_no_script_and_fit_a_slow_line(house: House, path: str) -> None:
    answer = house.client.get(path)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert 'rel="noreferrer"' in answer.text
    assert "911" in answer.text
    whole = len(answer.data)
    for url in re.findall(r'(?:href|src)="(/static/[^"]*)"', answer.text):
        part = house.client.get(url, headers={"Accept-Encoding": "gzip"})
        assert "immutable" in part.headers["Cache-Control"]
        whole += len(part.data)
    assert whole < 15_000


def test_the_police_page_stands_in_every_language_before_question_one(house: House) -> None:
    for language in house.parts.program.languages:
        page = house.client.get(f"/police?lang={language}").text
        assert f'lang="{language}"' in page
        assert house.words("police.software", language)[:20] in page
    me = house.resident().texts("hello")
    assert house.parts.program.police_link in me.heard[0]
    assert "ask.who" not in house.rows("message", direction="out", place=0)[0].keys


def test_an_error_page_quotes_nothing_of_the_request(house: House) -> None:
    answer = house.client.get("/nothing/+17205550199")

    assert answer.status_code == 404
    assert "5550199" not in answer.text
