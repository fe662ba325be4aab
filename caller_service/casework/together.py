"""Turns take turns: one computes at a time, and what several have ready is written in one transaction.

Python runs one thread at a time, and SQLite lets one writer in at a time. So texts that have been read whole stand in a
line, and whoever is at its head has the process to itself while it loads, decides and writes. One that has something to
write steps aside while others wait behind it; the last of them writes for all: one wait for the write lock and one commit
to disk, where there were many. Nobody stands in the line while a client is waited for.

Each is answered after the commit. A piece of work that fails does so alone: the others are written without it. Only what
keeps the whole file from being written is everybody's, and a commit of which nobody knows how it ended.

PostgreSQL lets many write at once and commits them together by itself; in one transaction, a row that somebody holds
would hold up whoever has nothing to do with it. There each writes alone.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa

from caller_service.store.connection import WRITE_WAIT, nobody_can_write, time_left, within

from .parts import Parts, refuse_nested, transaction

T = TypeVar("T")
Work = Callable[[sa.Connection], Any]

PATIENCE = 0.4  # seconds a text waits for those before it; with WRITE_WAIT it stays below the five of an answer
MOST = 16  # pieces of work in one transaction
ROUNDED = 0.25  # seconds by which SQLite's own wait may end sooner than asked
LOOK_AGAIN = 0.05  # seconds: then whoever has stepped aside looks whether anybody still comes to write for them


class NotWritten(sa.exc.SQLAlchemyError):
    """Nobody could write, or the end of the commit is not known. Names the kind of fault: the fault itself was another's."""


class Place:
    """Somebody in the line: who waits for the turn, or (with `work`) who has stepped aside and waits to be written."""

    def __init__(self, work: Work | None = None, engine: sa.Engine | None = None) -> None:
        self.work, self.engine = work, engine
        self.until = time.monotonic() + time_left(WRITE_WAIT)
        self.wakes = threading.Lock()  # held until they are woken
        self.wakes.acquire()
        self.had_turn = False  # when they stepped aside
        self.has_turn = False  # they were woken with it; without it they go ahead beside whoever has it
        self.leads = False  # they were woken to write
        self.in_hands = False  # somebody writes for them
        self.over = False  # somebody did, or tried to
        self.kept = False
        self.answer: Any = None
        self.fault = ""  # the kind of what kept everybody from writing

    @property
    def late(self) -> bool:
        return time.monotonic() >= self.until


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
            if self.is_mine:
                self._pass_on()

    def gather(self, place: Place) -> list[Place]:
        """Stand ready to be written. Returns those we are to write, ourselves among them; none if we need not write.

        Whoever gets some to write says `scatter` afterwards. Who gets none is `kept`, or has a `fault`, or is to write alone.
        """
        with self._own:
            place.had_turn = self.is_mine
            self._ready.append(place)
            if place.had_turn and (self._writing or (self._waiting and len(self._ready) < MOST)):
                self._pass_on()
            elif not self._writing:
                return self._lead(place)
        woken = False
        while not woken:
            woken = place.wakes.acquire(timeout=LOOK_AGAIN)
            with self._own:
                if place.has_turn or place.leads:
                    self._mine.turn = place.has_turn
                    return self._lead(place) if place.leads else []
                if place.over:
                    if place in self._waiting:  # it is written, and the turn was not for us yet: we go ahead without
                        self._waiting.remove(place)
                    return []
                if not place.in_hands and place.late:
                    self._ready.remove(place)
                    return []
                if not place.in_hands and not self._writing:
                    return self._lead(place)
        return []

    def scatter(self, group: list[Place], me: Place) -> None:
        """It is written, or cannot be. The others go on: one by one behind us, if we have the turn."""
        others = [place for place in group if place is not me]
        with self._own:
            self._writing = False
            for place in others:
                place.over = True
            behind_us = [place for place in others if place.had_turn] if self.is_mine else []
            self._waiting.extendleft(reversed(behind_us))
            for place in others:
                if place not in behind_us:
                    place.wakes.release()
            if not self.is_mine:  # else whoever has the turn after us comes to it
                self._ask_to_write(has_turn=False)

    @property
    def is_mine(self) -> bool:
        """Has this thread the turn?"""
        return getattr(self._mine, "turn", False)

    def _pass_on(self) -> None:
        self._mine.turn = False
        if self._waiting:
            place = self._waiting.popleft()
            place.has_turn = True
            place.wakes.release()
            return
        self._taken = self._ask_to_write(has_turn=True)

    def _ask_to_write(self, has_turn: bool) -> bool:
        """Wake somebody to write, where anybody is ready and nobody writes. Were they given the turn? Who had none gets none."""
        place = None if self._writing else next((place for place in self._ready if not place.late), None)
        if place is None:
            return False
        place.leads, place.has_turn, self._writing = True, has_turn and place.had_turn, True
        place.wakes.release()
        return place.has_turn

    def _lead(self, me: Place) -> list[Place]:
        self._writing = True
        others = [place for place in self._ready if place is not me and place.engine is me.engine and not place.late][: MOST - 1]
        group = [place for place in self._ready if place is me or place in others]
        self._ready = [place for place in self._ready if place not in group]
        for place in group:
            place.in_hands = True
        return group


LINE = Line()  # one a process, as there is one lock around Python


@contextmanager
def in_line(engine: sa.Engine) -> Iterator[None]:
    """Load, decide and write with the process to ourselves, where one writes at a time anyway. Who waited `PATIENCE` for the
    turn goes ahead beside the others."""
    if engine.dialect.name != "sqlite" or LINE.is_mine:
        yield
        return
    LINE.enter(PATIENCE)
    try:
        yield
    finally:
        LINE.leave()


def together(parts: Parts, work: Callable[[sa.Connection], T], conn: sa.Connection | None = None) -> T:
    """Do a piece of work that writes, in a transaction, with others that are ready now. It may be run twice, and is kept once.
    `conn`: what was read on it; it goes on there if it is written alone.
    """
    refuse_nested()
    me = Place(work, parts.engine)
    if parts.engine.dialect.name == "sqlite" and (group := LINE.gather(me)):
        try:
            _write(parts, group, me)
        finally:
            LINE.scatter(group, me)
    if me.fault:
        raise NotWritten(me.fault)
    if me.kept:
        answer: T = me.answer
        return answer
    with transaction(parts, conn) as conn:
        return work(conn)


def _write(parts: Parts, group: list[Place], me: Place) -> None:
    """Everything but what fails: that goes alone. Nobody waits longer than whoever has the least time left; and what a commit
    of unknown end may have kept is not written again."""
    while group:
        soonest = min(place.until for place in group)
        at_work: Place | None = None
        try:
            with within(max(0.0, soonest - time.monotonic())), transaction(parts) as conn:
                for at_work in group:
                    assert at_work.work is not None
                    at_work.answer = at_work.work(conn)
                at_work = None
        except Exception as problem:
            if group == [me]:
                raise
            if at_work is None or nobody_can_write(problem):
                cut_short = at_work is not None and time.monotonic() >= soonest - ROUNDED
                for place in group:
                    if place.late or not cut_short:
                        place.fault = type(problem).__name__
                return
            group = [place for place in group if place is not at_work]
        else:
            for place in group:
                place.kept = True
            return
