"""Looking for what was sent, when nobody knows whether it was: one list from the provider answers
all who asked before it was begun. An outage leaves hundreds of tries with an unknown end, and each
list holds hundreds of texts.
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
    """A text or a call that the provider has from us."""

    sid: str
    at: datetime | None  # None: it has not begun
    number: str = field(repr=False)
    words: str = field(repr=False, default="")


class BatchedLookup:
    """Asks for lists, one at a time. Any number of threads may want one."""

    def __init__(self, ask: Callable[[datetime], Sequence[SentMessage]]) -> None:
        self._ask = ask
        self._own = Lock()
        self._asking = Lock()
        self._next: _Look | None = None  # whoever asks now is answered by it

    @property
    def waiting(self) -> int:
        """How many wait for the next list."""
        return self._next.asked if self._next else 0

    def since(self, moment: datetime) -> list[SentMessage] | None:
        """What was made since then, oldest first, as it stands after this was asked. None: that
        cannot be known now."""
        with self._own:
            mine = self._next = self._next or _Look(moment)
            mine.since = min(mine.since, moment)
            mine.asked += 1
        with self._asking:
            if not mine.done:
                with self._own:
                    self._next = None  # who asks from now on wants a newer list
                mine.do(self._ask)
        if mine.made is None:
            return None
        begun = moment.replace(microsecond=0)  # the provider knows seconds only
        return [one for one in mine.made if one.at is None or one.at >= begun]


class _Look:
    """One list, and all who wait for it."""

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
