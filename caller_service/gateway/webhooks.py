"""Delivers hand-offs by signed webhook (Standard Webhooks headers; docs/dispatch-api.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from standardwebhooks.webhooks import Webhook

from .bounded_http import TooLong, TooSlow, bounded_session

WHOLE_TRY = 10.0  # seconds for one whole request: connect, send, and the response
LONGEST_ANSWER = 65_536  # bytes of a response that are read
LONGEST_WAIT = 3600  # seconds: the longest Retry-After that is respected


class DeliveryFailed(Exception):
    """There was no receipt; `code` says why, without quoting the request or the response."""

    def __init__(self, code: str, wait: int = 0) -> None:
        super().__init__(code)
        self.code = code
        # seconds to wait before the next attempt, as the destination asked; 0: it did not
        self.wait = wait


def _asked_to_wait(header: str, now: datetime) -> int:
    """Seconds of a Retry-After header, a number or a date; 0 if it is missing or malformed."""
    try:
        seconds = (
            int(header)
            if header.isdecimal()
            else (parsedate_to_datetime(header) - now).total_seconds()
            if header
            else 0
        )
    except (TypeError, ValueError, OverflowError):
        return 0
    return int(min(max(seconds, 0), LONGEST_WAIT))


def _fault(problem: requests.RequestException) -> DeliveryFailed:
    """The code of a failure without a response."""
    return DeliveryFailed(
        "answers without end"
        if isinstance(problem, TooLong)
        else "answers too slowly"
        if isinstance(problem, TooSlow)
        else "timeout"
        if isinstance(problem, requests.Timeout)
        else "unreachable"
    )


class WebhookClient:
    """Posts packets to destinations. Knows each one's URL and secret, and keeps connections alive.

    One attempt takes at most `WHOLE_TRY` seconds and reads at most `LONGEST_ANSWER` bytes;
    redirects are not followed. Each destination has one session, shared by all threads, so that
    connections are reused.
    """

    def __init__(self, urls: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        self.urls = urls  # a path may hold a secret
        self.secrets = secrets
        # a post is received once the status says so, even if the body fails
        self._posting = {
            name: bounded_session(WHOLE_TRY, LONGEST_ANSWER, whole=False) for name in urls
        }
        self._looking = {name: bounded_session(WHOLE_TRY, LONGEST_ANSWER) for name in urls}

    def __repr__(self) -> str:
        return "WebhookClient()"

    def post(
        self, destination: str, packet: Mapping[str, Any], delivery_id: str, now: datetime
    ) -> None:
        """Post one packet. Any 2xx is a receipt, whatever the body; anything else raises
        DeliveryFailed.

        `delivery_id` is `<hand_off_id>.<revision>`, the same on every retry.
        """
        body = json.dumps(packet, ensure_ascii=False)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            **self._signed(destination, delivery_id, now, body),
        }
        try:
            answer = self._posting[destination].post(
                self.urls[destination], data=body.encode(), headers=headers, allow_redirects=False
            )
        except requests.RequestException as problem:
            raise _fault(problem) from None
        if not 200 <= answer.status_code < 300:
            asked = answer.headers.get("Retry-After", "")
            wait = _asked_to_wait(asked, now) if answer.status_code in (429, 503) else 0
            raise DeliveryFailed(f"http {answer.status_code}", wait)

    def has(self, destination: str, hand_off_id: str, revision: int, now: datetime) -> bool:
        """Does a destination that cannot recognise duplicates already have this revision, or a
        later one?

        A GET of `<its url>/<hand_off_id>`, signed like a delivery with an empty body. 200 with a
        `revision` says what it has, 404 that it has nothing; anything else raises DeliveryFailed,
        and nothing is sent.
        """
        headers = self._signed(destination, f"{hand_off_id}.{revision}", now, "")
        try:
            answer = self._looking[destination].get(
                f"{self.urls[destination]}/{hand_off_id}", headers=headers, allow_redirects=False
            )
            if answer.status_code == 404:
                return False
            found = json.loads(answer.content) if answer.status_code == 200 else None
        except (TooLong, TooSlow) as problem:
            raise _fault(problem) from None
        except (requests.RequestException, ValueError, RecursionError):
            raise DeliveryFailed("cannot look") from None
        held = found.get("revision") if isinstance(found, dict) else None
        if not isinstance(held, int) or isinstance(held, bool):
            raise DeliveryFailed("cannot look")
        return held >= revision

    def _signed(
        self, destination: str, delivery_id: str, now: datetime, body: str
    ) -> dict[str, str]:
        return {
            "Idempotency-Key": delivery_id,
            "webhook-id": delivery_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self.secrets[destination]).sign(delivery_id, now, body),
        }
