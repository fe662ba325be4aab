"""Shared state of the stand-ins: one lock, a version that each change increments, and switchable
faults."""

import threading
from collections.abc import Mapping
from typing import Generic, Protocol, Self, TypeVar


class Switches(Protocol):
    """Faults that can be switched on and off. Raises ValueError naming what is wrong."""

    def changed(self, asked: Mapping[str, object]) -> Self: ...


F = TypeVar("F", bound=Switches)


class Observable(Generic[F]):
    """Every change is made under one lock and notifies waiting threads."""

    def __init__(self, faults: F) -> None:
        self.faults = faults
        self.version = 0
        self._changed = threading.Condition(threading.RLock())

    def _news(self) -> None:
        """Note a change. Call with the lock held."""
        self.version += 1
        self._changed.notify_all()

    def wait_past(self, version: int, seconds: float) -> None:
        """Wait for a version newer than `version`, at most `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self.version > version, seconds)

    def switch(self, asked: Mapping[str, object]) -> F:
        """Change some switches; returns the faults as they now are."""
        with self._changed:
            self.faults = self.faults.changed(asked)
            self._news()
            return self.faults
