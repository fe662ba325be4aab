"""Wrong tokens are counted by the address that the nearest trusted proxy saw, whatever a client
claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from conftest import House

import caller_service
from caller_service.web.shared.failure_limit import TOKENS

if TYPE_CHECKING:
    import responses

PROXY = {"REMOTE_ADDR": "10.0.0.1"}


@pytest.fixture
def behind_a_proxy(house: House, outside: responses.RequestsMock) -> Iterator[House]:
    settings = house.app.extensions["caller_settings"]
    app = caller_service.create_app(replace(settings, trusted_proxies=1))
    yield House(app, outside)
    app.extensions["caller_parts"].engine.dispose()


def guesses(house: House, forwarded: str) -> int:
    headers = {
        "Authorization": "Bearer guess", "X-Forwarded-For": forwarded, "X-Real-IP": forwarded,
        "Forwarded": f"for={forwarded}",
    }  # fmt: skip
    answer = house.client.get("/api/v1/hand-offs", headers=headers, environ_base=PROXY)
    return answer.status_code


def test_without_a_trusted_proxy_no_header_says_who_asks(house: House) -> None:
    statuses = [guesses(house, f"192.0.2.{each}") for each in range(TOKENS.free + 5)]

    assert statuses == [401] * TOKENS.free + [429] * 5


def test_behind_one_proxy_only_what_it_added_counts(behind_a_proxy: House) -> None:
    forged = [
        guesses(behind_a_proxy, f"192.0.2.{each}, 203.0.113.7") for each in range(TOKENS.free + 5)
    ]

    assert forged == [401] * TOKENS.free + [429] * 5
    assert guesses(behind_a_proxy, "203.0.113.7, 203.0.113.8") == 401, "another client is not held"
