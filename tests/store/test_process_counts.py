"""A scrape of any web process sees the counts of all; a process that is killed loses no counts."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing import get_context

import pytest

from caller_service.store import process_counts
from caller_service.store.process_counts import ProcessCounts, SharedCounter, SharedTime

FORK = get_context("fork")  # as gunicorn starts its workers


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessCounts]:
    one = ProcessCounts()
    one.share()
    monkeypatch.setattr(process_counts, "COUNTS", one)
    yield one
    assert one._file is not None
    one._file.close()


def in_processes(*doing: Callable[[], object]) -> list[int | None]:
    """Run each in a process forked from this one; their exit codes."""
    begun = [FORK.Process(target=one) for one in doing]
    for one in begun:
        one.start()
    for one in begun:
        one.join(60)
    return [one.exitcode for one in begun]


def test_processes_at_once_lose_no_count(counts: ProcessCounts) -> None:
    counter = SharedCounter("caller_refused", "What.", ("door", "reason"))

    def many() -> None:
        for place in range(300):
            counter.add("sms.text", f"http {400 + place % 3}")

    assert in_processes(many, many, many, many) == [0] * 4
    (family,) = counter.collect()
    assert {sample.labels["reason"]: sample.value for sample in family.samples} == {
        "http 400": 400,
        "http 401": 400,
        "http 402": 400,
    }


def test_a_moment_is_the_first_in_one_process_alone(counts: ProcessCounts) -> None:
    tally = SharedCounter("caller_first", "What.", ())

    def asks() -> None:
        if counts.first_in(60, "door", "reason"):
            tally.add()

    in_processes(*[asks] * 5)
    assert counts.of("caller_first") == [((), 1)]
    assert not counts.first_in(60, "door", "reason") and counts.first_in(60, "door", "other")
    assert counts.first_in(0, "door", "reason"), "the time is over"


def test_a_time_that_another_process_noted_is_seen(counts: ProcessCounts) -> None:
    moment = SharedTime("caller_turned_away_timestamp_seconds", "What.")
    assert [sample.value for family in moment.collect() for sample in family.samples] == [0.0]
    in_processes(moment.now)
    assert [sample.value > 0 for family in moment.collect() for sample in family.samples] == [True]


def test_a_process_that_is_killed_with_the_numbers_in_its_hands_stops_nobody(
    counts: ProcessCounts,
) -> None:
    counts.add("kept")

    def dies() -> None:
        with counts.numbers() as numbers:
            numbers["kept"] = 9
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_processes(dies) == [-signal.SIGKILL]
    counts.add("kept")
    assert counts.of("kept") == [((), 2)]


@pytest.mark.parametrize("left", [b"", b"{", b"\xff\xfe", b"[1]", b'{"a": 1}x": 2}', b"\0" * 40])
def test_whatever_a_killed_process_left_counting_goes_on(
    counts: ProcessCounts, left: bytes
) -> None:
    assert counts._file is not None
    os.pwrite(counts._file.fileno(), left, 0)
    counts.add("next")
    assert counts.of("next") == [((), 1)]


def test_what_cannot_be_written_refuses_nobody_and_is_rather_logged_twice(
    counts: ProcessCounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    counts.add("one")
    counts.set(1.0, "two")
    assert counts.first_in(60, "three") and counts.first_in(60, "three")
