"""How decisions are written: each alone (PostgreSQL), or those that are ready together (SQLite).

PostgreSQL lets many write at once and groups their commits itself. SQLite lets one write at a time,
and Python lets one thread compute: there, one thread of each process decides and writes for all its
requests. It takes what waits, decides piece by piece, and writes all of it in one transaction, with
one wait for the write lock and the disk. A request waits for that no longer than its own deadline:
a disk that hangs holds up this thread, and no resident.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from .deadline import WRITE_WAIT, remaining
from .sqlite_writer import is_busy, is_file_fault, writer_lock
from .transaction import lock_for_write, refuse_nested, transaction

T = TypeVar("T")
Work = Callable[[sa.Connection], T]  # writes
Decide = Callable[[sa.Connection], Work[T]]  # reads, and returns what is to be written
Unheard = Callable[[T], object]  # gets what was written after its request had given up

MOST = 16  # pieces of work in one transaction
IDLE = 5.0  # seconds without work after which the thread ends


class NotWritten(sa.exc.SQLAlchemyError):
    """Not written, or it is not known whether it was. Names only the kind of fault, because the
    fault itself may quote another request's values."""


class DirectWriter:
    """PostgreSQL: each piece of work in a transaction of its own, on the connection it has read
    on."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def write(self, work: Work[T]) -> T:
        with transaction(self._engine) as conn:
            return work(conn)

    def decide_and_write(self, decide: Decide[T], unheard: Unheard[T] | None = None) -> T:
        """`unheard` is never called: a request that gives up here has ended its connection."""
        refuse_nested()
        with self._engine.connect() as conn:
            work = decide(conn)
            with transaction(self._engine, conn):
                return work(conn)


@dataclass(slots=True)
class _Piece:
    decide: Decide[Any]
    work: Work[Any] | None = None
    future: Future[Any] = field(default_factory=Future)  # running: it is written, or will fail

    def fail(self, problem: BaseException) -> None:
        with suppress(InvalidStateError):  # its request has given up, or was answered
            self.future.set_exception(problem)


class GroupCommit:
    """SQLite. Each piece of work is written completely or not at all, and only its own request gets
    its error."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._process = os.getpid()
        self._lock = writer_lock(self._engine.url.database or "")
        self._waiting: queue.Queue[_Piece] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()  # also held while the thread finds that it may end

    def write(self, work: Work[T]) -> T:
        return self.decide_and_write(lambda _: work)

    def decide_and_write(self, decide: Decide[T], unheard: Unheard[T] | None = None) -> T:
        """Run `decide`, then write what it returns. What was read may have changed by then, so the
        work must compare and swap. `unheard` gets the result if it was written after the request
        gave up.

        Raises what the work raises, or NotWritten, also if it is not known how the commit ended.
        """
        refuse_nested()
        if self._process != os.getpid():  # a forked child has its parent's queue and no thread
            self._start_afresh()
        piece = _Piece(decide)
        with self._starting:
            self._waiting.put(piece)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
                self._thread.start()
        limit = self._lock.limit(remaining(WRITE_WAIT))
        future: Future[T] = piece.future
        try:
            return future.result(limit)
        except TimeoutError:
            if not future.cancel() and unheard is not None:
                future.add_done_callback(partial(_tell, unheard))
            self._lock.failed(limit)
            raise NotWritten("no turn to write, or a commit that does not end") from None

    def _run(self) -> None:
        while True:
            try:
                self._serve([self._waiting.get(timeout=IDLE)])
            except queue.Empty:
                with self._starting:
                    if self._waiting.empty():
                        self._thread = None
                        return

    def _serve(self, batch: list[_Piece]) -> None:
        """Decide and write for `batch`, and for whatever else waits by now."""
        with suppress(queue.Empty):
            while len(batch) < MOST:
                batch.append(self._waiting.get_nowait())
        try:
            with self._engine.connect() as conn:
                for piece in batch:
                    _decide(conn, piece)
                if decided := [piece for piece in batch if piece.work]:
                    self._write(conn, decided)
        except Exception as problem:
            for piece in batch:
                piece.fail(NotWritten(type(problem).__name__))

    def _write(self, conn: sa.Connection, batch: list[_Piece]) -> None:
        """Write the batch in one transaction. If a piece fails, all is rolled back and the others
        are written again without it."""
        running: list[_Piece] | None = None
        while running is None or running:
            try:
                with transaction(self._engine, conn):
                    if not _begin(conn, batch):
                        return
                    if running is None:
                        running = [
                            one for one in batch if one.future.set_running_or_notify_cancel()
                        ]
                    results = [_run(conn, piece) for piece in running]
            except _PieceFailed as failed:
                failed.piece.fail(failed.problem)
                running = [piece for piece in running or () if piece is not failed.piece]
            else:
                for piece, result in zip(running, results, strict=True):
                    piece.future.set_result(result)
                return


def _tell(unheard: Unheard[Any], future: Future[Any]) -> None:
    if future.exception() is None:
        unheard(future.result())


class _PieceFailed(Exception):
    """One piece of work failed, and not the file or the lock."""

    def __init__(self, piece: _Piece, problem: BaseException) -> None:
        super().__init__(type(problem).__name__)
        self.piece, self.problem = piece, problem


def _decide(conn: sa.Connection, piece: _Piece) -> None:
    try:
        if not piece.future.cancelled():
            piece.work = piece.decide(conn)
    except BaseException as problem:
        piece.fail(problem)


def _begin(conn: sa.Connection, batch: list[_Piece]) -> bool:
    """Wait for the write lock for as long as any of these requests waits: each has a deadline of
    its own. False if all have given up."""
    while True:
        try:
            lock_for_write(conn)
        except sa.exc.OperationalError as problem:
            if not is_busy(problem):
                raise
            if all(piece.future.cancelled() for piece in batch):
                return False
        else:
            return True


def _run(conn: sa.Connection, piece: _Piece) -> Any:
    assert piece.work is not None
    try:
        return piece.work(conn)
    except BaseException as problem:
        if is_file_fault(problem):
            raise
        raise _PieceFailed(piece, problem) from None


Writer = GroupCommit | DirectWriter


def writer_for(engine: sa.Engine) -> Writer:
    """The writer that fits the database."""
    return GroupCommit(engine) if engine.dialect.name == "sqlite" else DirectWriter(engine)
