"""Turns take turns: one computes at a time, and what several have ready is written in one transaction.

Python runs one thread at a time, and SQLite lets one writer in at a time. So requests stand in a line, and whoever is at
its head has the process to itself. One that has something to write steps aside while others wait behind it; the last of
them writes for all: one wait for the write lock and one commit to disk, where there were many.

Each is answered after the commit. If one piece of work fails, none is kept, and each writes again by itself: nobody meets
another's error.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

from caller_service.store.connection import WRITE_WAIT, nobody_can_write, time_left

from .parts import Parts, transaction

T = TypeVar("T")
Work = Callable[[sa.Connection], Any]

MOST = 16  # pieces of work in one transaction
GATHER = 0.05  # seconds: then whoever has stepped aside looks whether anybody still comes to write for them


class Place:
    """Somebody who waits: for the turn, or (with `work`) for what they have ready to be written."""

    __slots__ = ("answer", "engine", "has_turn", "kept", "leads", "over", "problem", "stands", "taken", "wakes", "work")

    def __init__(self, work: Work | None = None, engine: sa.Engine | None = None) -> None:
        self.work, self.engine = work, engine
        self.wakes = threading.Lock()  # held until they are woken
        self.wakes.acquire()
        self.stands = False  # they had the turn when they stepped aside, and are to have it again
        self.has_turn = False  # they were woken with it; without it they go ahead beside whoever has it
        self.leads = False  # they were woken to write
        self.taken = False  # somebody writes for them
        self.over = False  # somebody did, or tried to
        self.kept = False
        self.problem: Exception | None = None
        self.answer: Any = None


class Line:
    """One at a time, in the order in which they came: nobody is passed by, so no one waits for all the others."""

    def __init__(self) -> None:
        self._own = threading.Lock()
        self._waiting: deque[Place] = deque()  # for the turn
        self._ready: list[Place] = []  # they have stepped aside, and nobody writes for them yet
        self._taken = False  # somebody has the turn
        self._writing = False  # somebody writes for others, with the turn or beside it
        self._mine = threading.local()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def ready(self) -> int:
        return len(self._ready)

    def enter(self, patience: float) -> bool:
        """Wait for our turn, at most `patience` seconds. False: it did not come, and whoever asked goes ahead without."""
        with self._own:
            if not self._taken:
                self._taken = self._mine.turn = True
                return True
            place = Place()
            self._waiting.append(place)
        if not place.wakes.acquire(timeout=patience):
            with self._own:
                if place in self._waiting:  # else it was given to us while we turned away
                    self._waiting.remove(place)
        self._mine.turn = place.has_turn
        return place.has_turn

    def leave(self) -> None:
        """Give the turn, if we have it, to whoever has waited longest."""
        with self._own:
            if self._is_mine():
                self._pass_on()

    def gather(self, place: Place) -> list[Place]:
        """Stand ready to be written. Returns those we are to write, ourselves among them; none if we need not write.

        Whoever gets some to write says `scatter` afterwards. Who gets none was `kept` or, if it came to nothing, was not.
        """
        with self._own:
            place.stands = self._is_mine()
            self._ready.append(place)
            if place.stands and (self._writing or (self._waiting and len(self._ready) < MOST)):
                self._pass_on()
            elif not self._writing:
                return self._lead(place)
        woken = False
        while not woken:
            woken = place.wakes.acquire(timeout=GATHER)
            with self._own:
                if place.has_turn or place.leads:
                    self._mine.turn = place.has_turn
                    return self._lead(place) if place.leads else []
                if place.over:
                    if place in self._waiting:  # it is written, and the turn was not for us yet: we go ahead without
                        self._waiting.remove(place)
                    return []
                if not place.taken and not self._writing:
                    return self._lead(place)
                if not place.taken and time_left(WRITE_WAIT) <= 0:
                    self._ready.remove(place)
                    return []
        return []

    def scatter(self, group: list[Place], me: Place) -> None:
        """It is written, or cannot be. The others go on: one by one behind us, if we have the turn."""
        others = [place for place in group if place is not me]
        with self._own:
            self._writing = False
            for place in others:
                place.over = True
            behind_us = [place for place in others if place.stands] if self._is_mine() else []
            self._waiting.extendleft(reversed(behind_us))
            for place in others:
                if place not in behind_us:
                    place.wakes.release()
            if self._ready and not self._is_mine():  # else whoever has the turn after us comes to it
                self._ask_to_write(has_turn=False)

    def _is_mine(self) -> bool:
        return getattr(self._mine, "turn", False)

    def _pass_on(self) -> None:
        self._mine.turn = False
        if self._waiting:
            place = self._waiting.popleft()
            place.has_turn = True
            place.wakes.release()
            return
        self._taken = bool(self._ready) and not self._writing and self._ready[0].stands
        if self._ready and not self._writing:
            self._ask_to_write(has_turn=self._taken)

    def _ask_to_write(self, has_turn: bool) -> None:
        place = self._ready[0]
        place.leads, place.has_turn, self._writing = True, has_turn, True
        place.wakes.release()

    def _lead(self, me: Place) -> list[Place]:
        self._writing = True
        others = [place for place in self._ready if place is not me and place.engine is me.engine][: MOST - 1]
        group = [place for place in self._ready if place is me or place in others]
        self._ready = [place for place in self._ready if place not in group]
        for place in group:
            place.taken = True
        return group


LINE = Line()  # one a process, as there is one lock around Python


def together(parts: Parts, work: Callable[[sa.Connection], T]) -> T:
    """Do a piece of work that writes in a transaction, with others that are ready now. It may be run twice, and is kept once."""
    me = Place(work, parts.engine)
    if group := LINE.gather(me):
        try:
            _write(parts, group)
        finally:
            LINE.scatter(group, me)
    if me.problem is not None:
        raise me.problem
    if me.kept:
        answer: T = me.answer
        return answer
    with transaction(parts) as conn:
        return work(conn)


def _write(parts: Parts, group: list[Place]) -> None:
    """All of it, or nothing. What is the database's fault is everybody's; so is a commit that failed: nobody can say how it
    ended, and what may have been kept is not written again."""
    committing = False
    try:
        with transaction(parts) as conn:
            answers = [place.work(conn) for place in group if place.work]
            committing = True
    except Exception as problem:
        if committing or len(group) == 1 or nobody_can_write(problem):
            for place in group:
                place.problem = problem
        return
    for place, answer in zip(group, answers, strict=True):
        place.answer, place.kept = answer, True
