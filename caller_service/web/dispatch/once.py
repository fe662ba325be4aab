"""Idempotency-Key: a request that changes something and is sent again under the same key is done
once (casework/once.py)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from flask import Response, request

from caller_service.casework.once import KeyReused, Once, Repeated
from caller_service.store import cases
from caller_service.web.shared.problem import problem
from caller_service.web.shared.token_guard import bearer

HEADER = "Idempotency-Key"
REUSED, UNREADABLE = "idempotency_key_reused", "idempotency_key_unreadable"
WORDS = {
    REUSED: "Another request was done under this Idempotency-Key. Use a new key for it.",
    UNREADABLE: "An Idempotency-Key is 1 to 255 printable ASCII characters.",
}
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


def readable_key_only() -> Response | None:
    """Runs before the views of the API: a malformed key is refused, rather than ignored."""
    key = request.headers.get(HEADER)
    if key is None or _KEY.fullmatch(key):
        return None
    return problem(400, "Bad Request", WORDS[UNREADABLE], code=UNREADABLE)


def done(do: Callable[[Once | None], object]) -> Response | None:
    """Do what is requested, once per key; returns None if it is done, now or before, else the
    refusal. Of two concurrent requests with the same key, the second is decided again after the
    first has been stored."""
    once = _asked()
    for last in (once is None, True):
        try:
            do(once)
        except Repeated:
            return None
        except KeyReused:
            return problem(422, "Unprocessable Entity", WORDS[REUSED], code=REUSED)
        except Exception as fault:
            if last or not cases.is_conflict(fault):
                raise
        else:
            return None
    return None


def _asked() -> Once | None:
    """The key of this request, and a hash of its JSON that does not depend on how it is
    formatted."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    body = json.dumps(request.get_json(), sort_keys=True)
    return Once(bearer().name, key, f"{request.method} {request.path} {body}")
