"""Several things at the same moment, in threads of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count
from typing import Any

Doing = Callable[[], Any]
SOON = 20.0  # seconds a thread has to end


def begin(*doing: Doing) -> tuple[list[threading.Thread], list[Any]]:
    """Start these; what each gave, or raised, once all are joined."""
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
    """Run these at the same moment; what each gave, or raised."""
    gate = threading.Barrier(len(doing))

    def together(one: Doing) -> Doing:
        return lambda: (gate.wait(), one())[1]

    threads, given = begin(*(together(one) for one in doing))
    joined(threads)
    return given


def behind(looks: Callable[..., Any], doing: Doing, at: int = 1) -> Callable[..., Any]:
    """`looks`, with something else done whole right behind its call number `at`: what was seen is
    old when it is used."""
    calls = count(1)

    def looked(*asked: Any) -> Any:
        seen = looks(*asked)
        if next(calls) == at:
            doing()
        return seen

    return looked
