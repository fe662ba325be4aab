"""Hand-offs out, by signed webhook (Standard Webhooks headers; docs/dispatch-api.md)."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from standardwebhooks.webhooks import Webhook

TIMEOUT = (3, 8)  # seconds to connect, to read
LONGEST_ANSWER = 65_536  # bytes that are read of an answer
WHOLE_ANSWER = 10.0  # seconds for all of it
LONGEST_WAIT = 3600  # seconds at most that a destination's Retry-After is heeded
CONNECTIONS = 32  # to one destination


class DeliveryFailed(Exception):
    """No receipt: `code` says why, without a word of what was sent or answered."""

    def __init__(self, code: str, wait: int = 0) -> None:
        super().__init__(code)
        self.code = code
        # seconds the destination asked us to wait before the next try; 0: it did not
        self.wait = wait


def _session() -> requests.Session:
    """Connections are kept and used again, as many at once as the worker has threads."""
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS))
    return session


def _whole(answer: requests.Response) -> bytes:
    """An answer of a size and in a time that an honest one has. DeliveryFailed for one that goes on
    and on."""
    read, end = bytearray(), time.monotonic() + WHOLE_ANSWER
    for piece in answer.iter_content(4096):
        read += piece
        if len(read) > LONGEST_ANSWER or time.monotonic() > end:
            raise DeliveryFailed("answers without end")
    return bytes(read)


def _asked_to_wait(told: str, now: datetime) -> int:
    """Seconds of a Retry-After, as a number or a date; 0 for none, or for nonsense."""
    try:
        seconds = (
            int(told)
            if told.isdecimal()
            else (parsedate_to_datetime(told) - now).total_seconds()
            if told
            else 0
        )
    except (TypeError, ValueError):
        return 0
    return int(min(max(seconds, 0), LONGEST_WAIT))


@dataclass(frozen=True, slots=True)
class WebhookClient:
    """Posts packets; holds each destination's URL and secret by name, and its connections open."""

    urls: Mapping[str, str] = field(repr=False)  # a path may hold a secret
    secrets: Mapping[str, str] = field(repr=False)
    session: requests.Session = field(default_factory=_session, repr=False)

    def post(
        self, destination: str, packet: Mapping[str, Any], delivery_id: str, now: datetime
    ) -> None:
        """Post one packet. Any 2xx is a receipt, whatever the body; all else raises DeliveryFailed.

        `delivery_id` is `<hand_off_id>.<revision>`, the same on every retry.
        """
        body = json.dumps(packet, ensure_ascii=False)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            **self._signed(destination, delivery_id, now, body),
        }
        try:
            with self.session.post(
                self.urls[destination],
                data=body.encode(),
                headers=headers,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            ) as answer:
                status, wait = (
                    answer.status_code,
                    _asked_to_wait(answer.headers.get("Retry-After", ""), now),
                )
        except requests.Timeout:
            raise DeliveryFailed("timeout") from None
        except requests.RequestException:
            raise DeliveryFailed("unreachable") from None
        if not 200 <= status < 300:
            raise DeliveryFailed(f"http {status}", wait if status in (429, 503) else 0)

    def has(self, destination: str, hand_off_id: str, revision: int, now: datetime) -> bool:
        """Does a destination that cannot tell a repeat from news already have this revision, or a
        later one?

        It is asked at `<its url>/<hand_off_id>`, signed like a delivery with an empty body. 200
        with a `revision` says what it has, 404 that it has nothing; all else raises DeliveryFailed,
        and nothing is sent on a guess.
        """
        headers = self._signed(destination, f"{hand_off_id}.{revision}", now, "")
        try:
            with self.session.get(
                f"{self.urls[destination]}/{hand_off_id}",
                headers=headers,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            ) as answer:
                if answer.status_code == 404:
                    return False
                told = json.loads(_whole(answer)) if answer.status_code == 200 else None
        except (requests.RequestException, ValueError, RecursionError):
            raise DeliveryFailed("cannot look") from None
        held = told.get("revision") if isinstance(told, dict) else None
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
