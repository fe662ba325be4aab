"""Counts that the web processes of one machine keep together: a scrape reaches one of them, and
must see what all of them saw.

They stand in a nameless file that the processes inherit (`share`, before they are forked), because
what is counted is also what floods us and what the database does not answer. A process that is
killed holds no lock, and one that is replaced forgets nothing. Without `share` a process counts for
itself.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_BETWEEN = "\x1f"  # between a name and its labels: those are ours and hold no such character


class ProcessCounts:
    """Numbers by name and labels, of this process or of all that inherited them."""

    def __init__(self) -> None:
        self._own: dict[str, float] = {}
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()

    def share(self) -> None:
        """From now on with the processes that are forked from this one."""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process

    @contextmanager
    def numbers(self) -> Iterator[dict[str, float]]:
        """All numbers, held until what was changed is written. Raises OSError where the file cannot
        be written."""
        with self._lock:
            if self._file is None:
                yield self._own
                return
            descriptor = self._file.fileno()
            fcntl.lockf(descriptor, fcntl.LOCK_EX)
            try:
                before = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
                kept = _read(before)
                yield kept
                if (after := json.dumps(kept).encode()) != before:
                    os.pwrite(descriptor, after, 0)
                    os.ftruncate(descriptor, len(after))
            finally:
                fcntl.lockf(descriptor, fcntl.LOCK_UN)

    def add(self, *key: str) -> None:
        """Count one more. What cannot be kept stops nobody."""
        try:
            with self.numbers() as numbers:
                numbers[_BETWEEN.join(key)] = numbers.get(_BETWEEN.join(key), 0) + 1
        except OSError:
            return

    def set(self, value: float, *key: str) -> None:
        try:
            with self.numbers() as numbers:
                numbers[_BETWEEN.join(key)] = value
        except OSError:
            return

    def of(self, name: str) -> list[tuple[tuple[str, ...], float]]:
        """The numbers of a name, by their labels."""
        with self.numbers() as numbers:
            found = [(tuple(key.split(_BETWEEN)), value) for key, value in numbers.items()]
        return [(key[1:], value) for key, value in sorted(found) if key[0] == name]

    def first_in(self, seconds: float, *key: str) -> bool:
        """Is this the first time in so many seconds, in whichever process? Where nobody can tell,
        it is."""
        now = time.monotonic()  # one clock for all processes of a machine
        try:
            with self.numbers() as numbers:
                last = numbers.get(_BETWEEN.join(key))
                if last is not None and now - last < seconds:
                    return False
                numbers[_BETWEEN.join(key)] = now
        except OSError:
            return True
        return True

    def clear(self) -> None:
        with self.numbers() as numbers:
            numbers.clear()


def _read(kept: bytes) -> dict[str, float]:
    """What was written last. A process killed in the middle may leave something unreadable, or more
    behind it: then counting starts anew, as after a restart."""
    try:
        numbers, _ = json.JSONDecoder().raw_decode(kept.decode())
    except ValueError:
        return {}
    return numbers if isinstance(numbers, dict) else {}


COUNTS = ProcessCounts()


class SharedCounter(Collector):
    """A counter for /metrics over all web processes of this machine."""

    def __init__(self, name: str, what: str, labels: tuple[str, ...]) -> None:
        self._name, self._what, self._labels = name, what, labels

    def add(self, *values: str) -> None:
        COUNTS.add(self._name, *values)

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self._name, self._what, labels=self._labels)
        for values, count in COUNTS.of(self._name):
            family.add_metric(values, count)
        yield family


class SharedTime(Collector):
    """When something last happened in any web process of this machine, in Unix time; 0: never."""

    def __init__(self, name: str, what: str) -> None:
        self._name, self._what = name, what

    def now(self) -> None:
        COUNTS.set(time.time(), self._name)

    def collect(self) -> Iterable[Metric]:
        at = next((value for _, value in COUNTS.of(self._name)), 0.0)
        yield GaugeMetricFamily(self._name, self._what, value=at)
