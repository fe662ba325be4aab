"""One deadline for all the waiting that a request does for the database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

WRITE_WAIT = 3.5  # seconds, so that the 911 and 988 words are sent within five

_until: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """All waits for the database inside end after `seconds`, however many there are."""
    mark = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(mark)


def remaining(limit: float) -> float:
    """Seconds until the deadline; `limit` where none is set."""
    until = _until.get()
    return limit if until is None else max(0.0, until - time.monotonic())
