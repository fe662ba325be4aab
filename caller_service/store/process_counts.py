"""Counters shared by the web processes of one machine: a scrape reaches one process, and must see
the counts of all.

They are in an unnamed file that the processes inherit (`share`, called before the fork), not in the
database, because floods and database outages have to be counted, too. A process that is killed
leaves no lock behind, and one that is replaced loses no counts. Without `share` a process counts
only for itself.
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

_BETWEEN = "\x1f"  # separates a name from its labels, which are ours and never contain it


class ProcessCounts:
    """Counts by name and labels, of this process or of all that share the file."""

    def __init__(self) -> None:
        self._own: dict[str, float] = {}
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()

    def share(self) -> None:
        """Share the counts with the processes that are forked from this one."""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process

    @contextmanager
    def numbers(self) -> Iterator[dict[str, float]]:
        """All counts, locked until the changes are written. Raises OSError if the file cannot be
        written."""
        with self._lock:
            if self._file is None:
                yield self._own
                return
            descriptor = self._file.fileno()
            fcntl.lockf(descriptor, fcntl.LOCK_EX)
            try:
                before = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
                counts = _read(before)
                yield counts
                if (after := json.dumps(counts).encode()) != before:
                    os.pwrite(descriptor, after, 0)
                    os.ftruncate(descriptor, len(after))
            finally:
                fcntl.lockf(descriptor, fcntl.LOCK_UN)

    def add(self, *key: str) -> None:
        """Add one. A count that cannot be written fails no request."""
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
        """The counts of a name, by their labels."""
        with self.numbers() as numbers:
            found = [(tuple(key.split(_BETWEEN)), value) for key, value in numbers.items()]
        return [(key[1:], value) for key, value in sorted(found) if key[0] == name]

    def first_in(self, seconds: float, *key: str) -> bool:
        """Is this the first time in so many seconds, in any process? Also True if that is not
        known."""
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
    """What was written last. A process that was killed while writing may leave an unreadable file,
    or trailing bytes: then counting starts again from zero, as after a restart."""
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
