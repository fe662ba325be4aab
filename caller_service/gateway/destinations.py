"""Hand-offs out, by signed webhook (Standard Webhooks headers; contract.md "Doors")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from standardwebhooks.webhooks import Webhook

TIMEOUT = (3, 8)  # seconds to connect, to read
CONNECTIONS = 32  # to one destination


class DeliveryFailed(Exception):
    """No receipt: `code` says why, without a word of what was sent or answered."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _session() -> requests.Session:
    """Connections are kept and used again, as many at once as the worker has threads."""
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS))
    return session


@dataclass(frozen=True, slots=True)
class Poster:
    """Posts packets; holds each destination's URL and secret by name, and its connections open."""

    urls: Mapping[str, str] = field(repr=False)  # a path may hold a secret
    secrets: Mapping[str, str] = field(repr=False)
    session: requests.Session = field(default_factory=_session, repr=False)

    def post(self, destination: str, packet: Mapping[str, Any], delivery_id: str, now: datetime) -> None:
        """Post one packet. Any 2xx is a receipt, whatever the body; all else raises DeliveryFailed.

        `delivery_id` is `<hand_off_id>.<revision>`, the same on every retry.
        """
        body = json.dumps(packet, ensure_ascii=False)
        headers = {"Content-Type": "application/json; charset=utf-8", **self._signed(destination, delivery_id, now, body)}
        try:
            with self.session.post(
                self.urls[destination], data=body.encode(), headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True
            ) as answer:
                status = answer.status_code
        except requests.Timeout:
            raise DeliveryFailed("timeout") from None
        except requests.RequestException:
            raise DeliveryFailed("unreachable") from None
        if not 200 <= status < 300:
            raise DeliveryFailed(f"http {status}")

    def has(self, destination: str, hand_off_id: str, revision: int, now: datetime) -> bool:
        """Does a destination that cannot tell a repeat from news already have this revision, or a later one?

        It is asked at `<its url>/<hand_off_id>`, signed like a delivery with an empty body. 200 with a `revision` says what it
        has, 404 that it has nothing; all else raises DeliveryFailed, and nothing is sent on a guess.
        """
        headers = self._signed(destination, f"{hand_off_id}.{revision}", now, "")
        try:
            with self.session.get(
                f"{self.urls[destination]}/{hand_off_id}", headers=headers, timeout=TIMEOUT, allow_redirects=False
            ) as answer:
                if answer.status_code == 404:
                    return False
                told = answer.json() if answer.status_code == 200 else None
        except (requests.RequestException, ValueError):
            raise DeliveryFailed("cannot look") from None
        held = told.get("revision") if isinstance(told, dict) else None
        if not isinstance(held, int) or isinstance(held, bool):
            raise DeliveryFailed("cannot look")
        return held >= revision

    def _signed(self, destination: str, delivery_id: str, now: datetime, body: str) -> dict[str, str]:
        return {
            "Idempotency-Key": delivery_id,
            "webhook-id": delivery_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self.secrets[destination]).sign(delivery_id, now, body),
        }
