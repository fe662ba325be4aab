"""SQLite connections whose writers queue, instead of guessing when to try again.

SQLite allows one writer at a time; the others sleep, longer each time, and under load some miss
their chance for seconds. So the first write of a transaction waits for a lock between the threads
of this process, and then asks every millisecond or two until no other process writes. The driver's
own connection class does it, so that everything that writes through the engine queues, the job
engine too.

- A SELECT outside a write transaction takes no lock and sees the newest commit.
- The first write begins with BEGIN IMMEDIATE. What was read before it may have changed: whoever
  decides on it compares and swaps (`case.version`), or calls `lock_for_write` first.
- Results are read to their end before the first write: a half-read SELECT keeps an old snapshot.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote

from .deadline import WRITE_WAIT, remaining

TRIPPED_WAIT = 0.5  # seconds that a wait may take once one has timed out, until a write begins
PAUSES = (0.0002, 0.002)  # seconds between two tries to begin: at first, at most


class WriterLock:
    """One writer at a time in this process, with a circuit breaker: after a wait has timed out the
    next ones are short, because the requests queued behind them have deadlines, too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # not an RLock: another thread may release it
        self.release = self._lock.release
        self._tripped = False

    def limit(self, seconds: float) -> float:
        """How long to wait, of the `seconds` that are left."""
        return min(seconds, TRIPPED_WAIT) if self._tripped else seconds

    def failed(self, waited: float) -> None:
        """Trip the breaker after a wait that timed out, unless it was a short one: that says
        nothing about the database."""
        self._tripped = self._tripped or waited >= TRIPPED_WAIT

    def begin(self, connection: sqlite3.Connection, seconds: float) -> None:
        """BEGIN IMMEDIATE within `seconds`, and hold the lock. Raises OperationalError."""
        until, pause = time.monotonic() + seconds, PAUSES[0]
        if not self._lock.acquire(timeout=seconds):
            self.failed(seconds)
            raise _locked(seconds)
        try:
            while not _began(connection):
                if (left := until - time.monotonic()) <= 0:
                    raise _locked(seconds)
                time.sleep(min(pause, left))
                pause = min(pause * 1.5, PAUSES[1])
        except BaseException:
            self.failed(seconds)
            self._lock.release()
            raise
        self._tripped = False


def _began(connection: sqlite3.Connection) -> bool:
    """False while another process writes."""
    try:
        sqlite3.Connection.execute(connection, "BEGIN IMMEDIATE")
    except sqlite3.OperationalError as problem:
        if not is_busy(problem):
            raise
        return False
    return True


def _locked(waited: float) -> sqlite3.OperationalError:
    problem = sqlite3.OperationalError(f"database is locked: no turn to write within {waited:g} s")
    problem.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return problem


_locks: dict[tuple[str, int], WriterLock] = {}


def writer_lock(database: str | os.PathLike[str]) -> WriterLock:
    """The lock of a database file. A forked child gets its own: its copy of the parent's is never
    released."""
    key = (os.path.realpath(database), os.getpid())
    return _locks.get(key) or _locks.setdefault(key, WriterLock())


class QueuedConnection(sqlite3.Connection):
    """Holds the writer lock from its first write to the end of the transaction. The file must
    exist."""

    def __init__(self, database: str, write_wait: float = WRITE_WAIT, **named: Any) -> None:
        self._path, self._write_wait = os.path.realpath(database), write_wait
        self._lock = writer_lock(self._path)
        self._holds = False
        # An empty file put where ours was would throw away the journal beside it.
        super().__init__(f"file:{quote(self._path)}?mode=rw", **{**named, "uri": True})
        self._inode = self._inode_at_path()
        if super().execute("PRAGMA journal_mode").fetchone() != ("wal",):
            super().execute("PRAGMA journal_mode=WAL")  # stays with the file
        super().execute("PRAGMA synchronous=FULL")
        super().execute("PRAGMA foreign_keys=ON")

    def _inode_at_path(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def is_in_place(self) -> bool:
        """Is the open file still the one at its path?"""
        return self._inode_at_path() == self._inode

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or QueuedCursor)

    def begin(self) -> None:
        """Begin to write, unless this transaction already does."""
        if self.in_transaction:
            return
        seconds = self._lock.limit(min(self._write_wait, remaining(self._write_wait)))
        super().execute("PRAGMA busy_timeout = 0")
        try:
            self._lock.begin(self, seconds)
            self._holds = True
        finally:
            super().execute(f"PRAGMA busy_timeout = {int(self._write_wait * 1000)}")

    def release(self) -> None:
        """Let the next writer in, once the transaction is over."""
        if self._holds:
            self._holds = False
            self._lock.release()

    def commit(self) -> None:
        try:
            super().commit()
        except BaseException:
            self.rollback()  # no write may stay open without the lock
            raise
        finally:
            self.release()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self.release()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self.release()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> Literal[False]:
        self.commit() if kind is None else self.rollback()  # the driver's own calls neither
        return False

    def __del__(self) -> None:
        if getattr(self, "_holds", False):
            self.close()


class QueuedCursor(sqlite3.Cursor):
    """Queues before the first statement that writes."""

    connection: QueuedConnection

    def execute(self, sql: str, parameters: Any = (), /) -> QueuedCursor:
        return self if self._begin(sql) == "begin" else self._done(super().execute, sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> QueuedCursor:
        self._begin(sql)
        return self._done(super().executemany, sql, parameters)

    def _begin(self, sql: str) -> str:
        kind = statement_kind(sql)
        if kind != "read" and self.connection.isolation_level is not None:
            self.connection.begin()
        return kind

    def _done(self, execute: Any, sql: str, parameters: Any) -> QueuedCursor:
        try:
            execute(sql, parameters)
        finally:
            if not self.connection.in_transaction:
                self.connection.release()
        return self


_IGNORED = re.compile(r"--[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^']|'')*'|\"[^\"]*\"", re.DOTALL)
_BEGINS = re.compile(r"BEGIN\s+(IMMEDIATE|EXCLUSIVE)\b", re.I)
_READS = re.compile(
    r"(SELECT|VALUES|PRAGMA|EXPLAIN|BEGIN|COMMIT|END|ROLLBACK|RELEASE|VACUUM)\b|\Z"
    r"|WITH\b(?!.*\b(INSERT|UPDATE|DELETE|REPLACE)\b\s*(?!\())", re.I | re.DOTALL,
)  # fmt: skip


@lru_cache(maxsize=4096)
def statement_kind(sql: str) -> Literal["read", "write", "begin"]:
    """What a statement does, as far as the lock is concerned. In doubt, "write"."""
    bare = _IGNORED.sub(" ", sql).strip()
    return "begin" if _BEGINS.match(bare) else "read" if _READS.match(bare) else "write"


# BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB
_FILE_FAULTS = (sqlite3.SQLITE_BUSY, 6, 8, 10, 11, 13, 14, 26)


def is_file_fault(problem: BaseException, kinds: Iterable[int] = _FILE_FAULTS) -> bool:
    """Is the fault in the file, and not in what was to be written? Then a retry fails in the same
    way."""
    original = getattr(problem, "orig", problem)
    return isinstance(original, sqlite3.Error) and original.sqlite_errorcode & 0xFF in kinds


def is_busy(problem: BaseException) -> bool:
    """Is somebody else writing?"""
    return is_file_fault(problem, (sqlite3.SQLITE_BUSY,))
