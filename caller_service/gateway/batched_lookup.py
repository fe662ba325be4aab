"""Lookups of messages with an unknown outcome, in batches: one list from the provider answers all
callers that were waiting when it was requested. An outage leaves hundreds of such messages, and
each list holds hundreds of texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

import requests
from twilio.base.exceptions import TwilioException


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A text or a call of ours, as the provider lists it."""

    sid: str
    at: datetime | None  # None: not started yet
    number: str = field(repr=False)
    words: str = field(repr=False, default="")


class BatchedLookup:
    """Requests lists one at a time, for any number of threads."""

    def __init__(self, ask: Callable[[datetime], Sequence[SentMessage]]) -> None:
        self._ask = ask
        self._own = Lock()
        self._asking = Lock()
        self._next: _Look | None = None  # the batch that new callers join

    @property
    def waiting(self) -> int:
        """How many callers wait for the next list."""
        return self._next.asked if self._next else 0

    def since(self, moment: datetime) -> list[SentMessage] | None:
        """What was made since then, oldest first, from a list requested after this call began. None
        if that cannot be known now."""
        with self._own:
            mine = self._next = self._next or _Look(moment)
            mine.since = min(mine.since, moment)
            mine.asked += 1
        with self._asking:
            if not mine.done:
                with self._own:
                    self._next = None  # later callers need a newer list
                mine.do(self._ask)
        if mine.made is None:
            return None
        earliest = moment.replace(microsecond=0)  # the provider has a resolution of seconds
        return [one for one in mine.made if one.at is None or one.at >= earliest]


class _Look:
    """One list, shared by all who wait for it."""

    def __init__(self, since: datetime) -> None:
        self.since = since
        self.asked = 0
        self.done = False
        self.made: Sequence[SentMessage] | None = None

    def do(self, ask: Callable[[datetime], Sequence[SentMessage]]) -> None:
        try:
            self.made = ask(self.since)
        except (TwilioException, requests.RequestException, ValueError, KeyError):
            pass
        finally:
            self.done = True
