"""What the stand-ins' state has in common: one lock, a version that each change moves, and faults
that can be switched."""

import threading
from collections.abc import Mapping
from typing import Generic, Protocol, Self, TypeVar


class Switches(Protocol):
    """Faults that are switched on and off; ValueError names what is wrong."""

    def changed(self, asked: Mapping[str, object]) -> Self: ...


F = TypeVar("F", bound=Switches)


class Observable(Generic[F]):
    """Every change is made under one lock and wakes whoever waits for news."""

    def __init__(self, faults: F) -> None:
        self.faults = faults
        self.version = 0
        self._changed = threading.Condition(threading.RLock())

    def _news(self) -> None:
        """Something changed. Called with the lock held."""
        self.version += 1
        self._changed.notify_all()

    def wait_past(self, version: int, seconds: float) -> None:
        """Come back when something is newer than the version, or after the time."""
        with self._changed:
            self._changed.wait_for(lambda: self.version > version, seconds)

    def switch(self, asked: Mapping[str, object]) -> F:
        """Move some switches; the faults as they are now."""
        with self._changed:
            self.faults = self.faults.changed(asked)
            self._news()
            return self.faults
