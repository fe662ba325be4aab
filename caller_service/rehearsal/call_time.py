"""Time in the stand-in Twilio: as the wall clock has it, or virtual, so that a test plays a whole
call in milliseconds."""

import heapq
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Protocol

from .background import Errands

Cancel = Callable[[], None]
BEGINNING = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)


class Time(Protocol):
    """What the call engine knows of time; in seconds."""

    def now(self) -> float: ...

    def moment(self) -> datetime: ...

    def after(self, seconds: float, do: Callable[[], None]) -> Cancel:
        """Do this once, later; what is returned cancels it."""

    def until(self, look: Callable[[], bool], seconds: float) -> bool:
        """Let time pass until `look` holds; False if it does not within `seconds`."""

    def run(self, seconds: float = 0.0) -> None:
        """Let this much time pass; 0 does only what is due now."""


class VirtualTime:
    """Stands until it is told to pass. Everything happens in the thread that lets it pass, in the
    order of its time.

    `move` is called with each step in seconds, so that a test can keep the clock of the service in
    step: `VirtualTime(lambda seconds: clock.pass_(seconds))`.
    """

    def __init__(
        self, move: Callable[[float], None] = lambda seconds: None, begin: datetime = BEGINNING
    ) -> None:
        self._move = move
        self._begin = begin
        self._now = 0.0
        self._order = count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._canceled: set[int] = set()

    def now(self) -> float:
        return self._now

    def moment(self) -> datetime:
        return self._begin + timedelta(seconds=self._now)

    def after(self, seconds: float, do: Callable[[], None]) -> Cancel:
        place = next(self._order)
        heapq.heappush(self._due, (self._now + max(0.0, seconds), place, do))
        return lambda: self._canceled.add(place)

    def run(self, seconds: float = 0.0) -> None:
        end = self._now + seconds
        while self._step(end):
            pass
        self._pass_to(end)

    def until(self, look: Callable[[], bool], seconds: float) -> bool:
        end = self._now + seconds
        while not look():
            if not self._step(end):
                self._pass_to(end)
                return look()
        return True

    def _step(self, end: float) -> bool:
        """Do what is due next; False if nothing is due until `end`."""
        while self._due and self._due[0][0] <= end:
            at, place, do = heapq.heappop(self._due)
            if place in self._canceled:
                self._canceled.remove(place)
                continue
            self._pass_to(at)
            do()
            return True
        return False

    def _pass_to(self, at: float) -> None:
        if at > self._now:
            step, self._now = at - self._now, at
            self._move(step)


class RealTime:
    """The wall clock; with `speed` 10, what takes ten seconds takes one."""

    def __init__(self, errands: Errands, speed: float = 1.0) -> None:
        self._errands = errands
        self._speed = speed

    def now(self) -> float:
        return time.monotonic() * self._speed

    def moment(self) -> datetime:
        return datetime.now(UTC)

    def after(self, seconds: float, do: Callable[[], None]) -> Cancel:
        if seconds <= 0:
            self._errands.run(do)
            return lambda: None
        timer = threading.Timer(seconds / self._speed, do)
        timer.daemon = True
        timer.start()
        return timer.cancel

    def run(self, seconds: float = 0.0) -> None:
        if seconds:
            threading.Event().wait(seconds / self._speed)

    def until(self, look: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds / self._speed
        while not look():
            if time.monotonic() > end:
                return look()
            threading.Event().wait(0.01)
        return True
