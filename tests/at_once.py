"""Several things at the same moment, in threads of this process."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa

from caller_service.casework.parts import Parts
from caller_service.server.worker_process import run_worker
from caller_service.store.database.sqlite_writer import writer_lock

Doing = Callable[[], Any]
SOON = 60.0  # seconds that a thread has to end, on a busy machine


def begin(*doing: Doing) -> tuple[list[threading.Thread], list[Any]]:
    """Start these in threads; yields what each returned or raised, once all are joined."""
    given: list[Any] = [None] * len(doing)

    def run(place: int) -> None:
        try:
            given[place] = doing[place]()
        except BaseException as problem:
            given[place] = problem

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(doing))]
    for thread in threads:
        thread.start()
    return threads, given


def joined(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(SOON)
        assert not thread.is_alive()


def at_once(*doing: Doing) -> list[Any]:
    """Run these at the same moment; returns what each returned or raised."""
    gate = threading.Barrier(len(doing))

    def together(one: Doing) -> Doing:
        return lambda: (gate.wait(), one())[1]

    threads, given = begin(*(together(one) for one in doing))
    joined(threads)
    return given


@contextmanager
def worker_running(parts: Parts, name: str = "worker-1") -> Iterator[None]:
    """Run the worker in a thread while the block lasts. It leaves nothing behind in this
    process."""
    stop, switch = threading.Event(), sys.getswitchinterval()
    thread = threading.Thread(target=run_worker, args=(parts, name, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(SOON)
        sys.setswitchinterval(switch)
    assert not thread.is_alive()


@contextmanager
def waits_in_vain(engine: sa.Engine) -> Iterator[dict[str, list[float]]]:
    """SQLite: the limits, in seconds, of the waits for a write that failed meanwhile, by the name
    of the waiting thread. Limits, not elapsed times, so that a busy machine does not matter."""
    lock, waits = writer_lock(engine.url.database or ""), dict[str, list[float]]()
    failed = lock.failed

    def noted(waited: float) -> None:
        waits.setdefault(threading.current_thread().name, []).append(waited)
        failed(waited)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lock, "failed", noted)
        yield waits


def behind(looks: Callable[..., Any], doing: Doing, at: int = 1) -> Callable[..., Any]:
    """`looks`, but right after its call number `at` something else runs to its end, so that what
    was read is stale when it is used."""
    calls = count(1)

    def looked(*asked: Any) -> Any:
        seen = looks(*asked)
        if next(calls) == at:
            doing()
        return seen

    return looked
