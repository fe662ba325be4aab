"""How the house reaches its database, and how writers to one SQLite file queue.

SQLite lets one writer in at a time and makes the others guess when to try
again; under load some guess wrong for seconds. So each connection takes a
lock of ours (a thread lock within the process, `flock` on `<database>.wlock`
between processes) at the first write of a transaction and frees it after the
end of it. It sits inside the driver's own connection class, so whoever writes
through the engine queues, the job engine too, without knowing of it.

The transaction rules on SQLite:

- A SELECT outside a write transaction runs by itself and takes no lock: it
  sees the newest commit, and no old picture is kept from one SELECT to the next.
- The first write (WITH ... INSERT, CREATE and SAVEPOINT count) takes the lock
  and begins with BEGIN IMMEDIATE; everything up to the commit is one transaction.
- So reading first and writing later in one connection cannot meet
  SQLITE_BUSY_SNAPSHOT, but what was read may have changed before the first
  write. Who decides on what was read compares and swaps (`case.version`), or
  writes first. Results are to be read to their end (or closed) before the
  first write: a half-read SELECT does keep an old picture.

This is what `isolation_level="IMMEDIATE"` means in Python's sqlite3, and what
the job engine is written for: its migrations say BEGIN IMMEDIATE themselves,
which an engine that begins every transaction by itself would refuse.
"""

import fcntl
import os
import re
import select
import sqlite3
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, partial
from types import TracebackType
from typing import Any, Literal

import psycopg
import sqlalchemy as sa

WRITE_WAIT = 3.5  # seconds; with what a request waits for others, the words are said within five
AFTER_VAIN = 0.5  # seconds, once a wait was in vain and until somebody is let in
POOL_SIZE = 40  # a worker may have more threads, one for each hand-off that hangs: who waits for a destination holds none
POOL_OVERFLOW = 10
LITE_OVERFLOW = 200  # an SQLite connection is cheap, and the engine holds one while it queues to write: clocks must not wait for one
KEPT_ALIVE = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}  # seconds: a dead peer shows while it lies idle
NAME = "caller-service"


class UnsupportedDatabase(ValueError):
    """The address names a database that this service cannot work with."""


_until: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """All waiting for the database that is done inside ends after so long, however many waits it is.

    On PostgreSQL that may also be longer than usual: carrying a big table takes minutes.
    """
    mark = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(mark)


def time_left(limit: float) -> float:
    """Seconds until what is done `within` a time must end; `limit` where none is set."""
    until = _until.get()
    return limit if until is None else max(0.0, until - time.monotonic())


def engine_options(url: str | sa.URL, write_wait: float = WRITE_WAIT) -> dict[str, Any]:
    """Keyword arguments for `sqlalchemy.create_engine` (or Flask-SQLAlchemy) that fit this database."""
    address = sa.make_url(url)
    pool = {"pool_size": POOL_SIZE, "max_overflow": POOL_OVERFLOW, "pool_timeout": WRITE_WAIT, "hide_parameters": True}
    match address.get_backend_name():
        case "sqlite":
            _refuse_memory(address.database)
            connect = {
                "factory": partial(QueuedConnection, write_wait=write_wait, create=False),
                "timeout": write_wait,
                "isolation_level": "IMMEDIATE",
            }
            return {**pool, "max_overflow": LITE_OVERFLOW, "connect_args": connect}
        case "postgresql":
            return {**pool, "connect_args": _postgresql_arguments(address, write_wait)}
        case other:
            raise UnsupportedDatabase(f"{other} is not supported; use sqlite or postgresql")


def prepare(engine: sa.Engine) -> None:
    """Make the engine safe over a fork (a child starts with no connection of its parent's) and over a database that goes away."""
    os.register_at_fork(after_in_child=partial(_start_afresh, engine))
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "checkout", _same_file)
    else:
        sa.event.listen(engine, "do_connect", _connect_in_time)
        sa.event.listen(engine, "checkout", _still_there)


def _same_file(connection: Any, *_: Any) -> None:
    """A file that was moved away, or replaced, is not written any more: what is written there nobody would find."""
    if not connection.is_in_place():
        raise sa.exc.DisconnectionError("the database file is another one")


def _connect_in_time(_dialect: Any, _record: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
    left = min(WRITE_WAIT, time_left(WRITE_WAIT))
    if left < 2:  # libpq waits no less
        raise psycopg.OperationalError("no time is left to connect")
    return PatientConnection.connect(*arguments, **{**named, "connect_timeout": int(left)})


def _still_there(connection: Any, *_: Any) -> None:
    """A server that has ended a connection has said so, and nothing else is said to one that lies idle: to look costs no
    way there and back, as asking would at each use."""
    if connection.closed or _readable(connection.fileno()):
        raise sa.exc.DisconnectionError("the server has ended it")


def _readable(file: int) -> bool:
    look = select.poll()
    look.register(file, select.POLLIN)
    return bool(look.poll(0))


class PatientConnection(psycopg.Connection[Any]):
    """A PostgreSQL connection that does not wait for ever for a server that is frozen, or behind a cut wire."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None:  # whoever listens for news waits as long as they say
            return super().wait(gen, interval, timeout)
        return super().wait(self._ending(gen, time.monotonic() + time_left(WRITE_WAIT + 1)), interval)

    def _ending(self, gen: Any, until: float) -> Generator[Any, Any, Any]:
        try:
            asked = next(gen)
            while True:
                ready = yield asked
                if not ready and time.monotonic() > until:
                    self.pgconn.finish()
                    raise psycopg.OperationalError("the server does not answer")
                asked = gen.send(ready)
        except StopIteration as end:
            return end.value


_parents_pools: list[sa.Pool] = []


def _start_afresh(engine: sa.Engine) -> None:
    # Kept, not dropped: closing a connection that the parent still uses would end it for the parent too.
    _parents_pools.append(engine.pool)
    engine.dispose(close=False)


def _postgresql_arguments(address: sa.URL, wait: float) -> dict[str, Any]:
    limit = int(wait * 1000)
    asked = address.query.get("options", ())  # connect_args would hide what the address itself asks for
    options = [asked] if isinstance(asked, str) else list(asked)
    return {
        "application_name": address.query.get("application_name", NAME),
        "connect_timeout": max(2, int(wait)),  # libpq reads less than 2 as 2
        **{name: address.query.get(name, usual) for name, usual in KEPT_ALIVE.items()},
        "options": " ".join([f"-c statement_timeout={limit} -c lock_timeout={limit}", *options]),
    }


def _refuse_memory(database: str | None) -> None:
    if not database or database == ":memory:":
        raise UnsupportedDatabase("an in-memory SQLite database is not supported: web and worker share one file, and so do their locks")
    if database.startswith("file:"):
        raise UnsupportedDatabase("an SQLite address of the form file:... is not supported; give a plain path")


# The lock that writers to one file queue for


class _Gate:
    """The one place in this process where writers to one database file queue."""

    def __init__(self, database: str) -> None:
        self.process = os.getpid()
        self._database = database
        self._thread = threading.Lock()  # not an RLock: the thread that frees it may be another one
        self._file: int | None = None
        self.in_vain = False  # the last who waited did so for nothing: residents beyond the threads must not wait twice

    def enter(self, limit: float) -> None:
        """Wait for our turn to write, at most `limit` seconds."""
        deadline = time.monotonic() + limit
        if not self._thread.acquire(timeout=limit):
            self._note_in_vain(limit)
            raise _locked(limit)
        try:
            self._wait_for_file(deadline, limit)
        except BaseException:
            self._note_in_vain(limit)
            self._thread.release()
            raise

    def _note_in_vain(self, waited: float) -> None:
        """Whoever had hardly any time left to wait says nothing about the database."""
        self.in_vain = self.in_vain or waited >= AFTER_VAIN

    def leave(self) -> None:
        """Let the next writer in."""
        try:
            if self._file is not None:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._thread.release()

    def forget(self) -> None:
        """In a forked child: drop the file shared with the parent, whose lock it would keep alive after the parent's death."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _wait_for_file(self, deadline: float, limit: float) -> None:
        if self._file is None:  # opened here, not before: a file opened before a fork shares its lock with the child
            self._file = os.open(f"{self._database}.wlock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        pause = 0.0002
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise _locked(limit) from None
                time.sleep(min(pause, left))
                pause = min(pause * 1.5, 0.002)


_gates: dict[tuple[str, int], _Gate] = {}


def _gate(database: str) -> _Gate:
    # Keyed by process, so that a forked child never waits for a thread that only its parent has.
    key = (database, os.getpid())
    return _gates.get(key) or _gates.setdefault(key, _Gate(database))


def _forget_parents_gates() -> None:
    for gate in _gates.values():
        gate.forget()
    _gates.clear()


os.register_at_fork(after_in_child=_forget_parents_gates)


# SQLite's codes for a file that is locked, not to be written, broken, full or gone: BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL,
# CANTOPEN, NOTADB
_CANNOT = frozenset({5, 6, 8, 10, 11, 13, 14, 26})


def nobody_can_write(problem: Exception) -> bool:
    """Is it the SQLite file, and not what was to be written? Whoever tries at once meets the same."""
    fault = getattr(problem, "orig", None)
    return isinstance(fault, sqlite3.Error) and getattr(fault, "sqlite_errorcode", 0) & 0xFF in _CANNOT


def _locked(limit: float) -> sqlite3.OperationalError:
    fault = sqlite3.OperationalError(f"database is locked: no turn to write within {limit:g} s")
    fault.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return fault


# The connection and cursor that queue


class QueuedConnection(sqlite3.Connection):
    """An SQLite connection that holds the writers' lock from its first write to the end of the transaction."""

    def __init__(
        self, database: str | os.PathLike[str], *args: Any, write_wait: float = WRITE_WAIT, create: bool = True, **kwargs: Any
    ) -> None:
        _refuse_memory(os.fspath(database))
        self._write_wait = write_wait
        self._path = os.path.realpath(database)
        self._held: _Gate | None = None
        self.patience = write_wait
        if not create and not os.path.exists(self._path):
            # SQLite would put an empty one in its place, and throw away the journal beside it: every late commit.
            raise sqlite3.OperationalError("unable to open database file: it is not there")
        super().__init__(database, *args, **kwargs)
        self._place = self._found()
        self._set_up()

    def _found(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def is_in_place(self) -> bool:
        """Is the file that is open still the one its path leads to?"""
        return self._found() == self._place

    def _set_up(self) -> None:
        # journal_mode stays with the file; changing it needs the file alone, so newcomers only look.
        if super().execute("PRAGMA journal_mode").fetchone() != ("wal",):
            self.take_turn()
            try:
                super().execute("PRAGMA journal_mode=WAL")
            finally:
                self.free_turn()
        super().execute("PRAGMA synchronous=FULL")
        super().execute("PRAGMA foreign_keys=ON")

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or QueuedCursor)

    def take_turn(self) -> None:
        """Queue to write, unless this transaction already may. Whoever does not queue with us gets what time is left then."""
        if self._held is None:
            gate = _gate(self._path)
            limit = min(self._write_wait, time_left(self._write_wait), AFTER_VAIN if gate.in_vain else self._write_wait)
            until = time.monotonic() + limit
            gate.enter(limit)
            self._held = gate
            left = max(0.0, until - time.monotonic())
            if abs(left - self.patience) > 0.2:
                self.patience = left
                super().execute(f"PRAGMA busy_timeout = {int(left * 1000)}")

    def may_write(self) -> None:
        """We waited and were let in: whoever comes next waits as long as ever."""
        if self._held is not None:
            self._held.in_vain = False

    def free_turn(self, in_vain: bool = False) -> None:
        """Let the next writer in, if we held it up. `in_vain`: the database would not be written."""
        gate, self._held = self._held, None
        if gate is not None and in_vain:
            gate.in_vain = True
        if gate is not None and gate.process == os.getpid():  # a forked child frees nothing of its parent's
            gate.leave()

    def commit(self) -> None:
        try:
            super().commit()
        except BaseException:
            # The lock is freed below, and no write may stay open without it: a failed commit ends here.
            self.rollback()
            raise
        finally:
            self.free_turn()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self.free_turn()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self.free_turn()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> Literal[False]:
        # The driver's own version would pass by our commit and rollback.
        if kind is None:
            self.commit()
        else:
            self.rollback()
        return False

    def __del__(self) -> None:
        if getattr(self, "_held", None) is not None:
            self.close()


class QueuedCursor(sqlite3.Cursor):
    """A cursor whose first write statement of a transaction waits its turn."""

    connection: QueuedConnection

    def execute(self, sql: str, parameters: Any = (), /) -> "QueuedCursor":
        self._begin(sql)
        try:
            super().execute(sql, parameters)
        finally:
            self._free_if_over()
        return self

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> "QueuedCursor":
        self._begin(sql)
        try:
            super().executemany(sql, parameters)
        finally:
            self._free_if_over()
        return self

    def executescript(self, sql_script: str, /) -> "QueuedCursor":
        self.connection.take_turn()
        try:
            super().executescript(sql_script)
        finally:
            self._free_if_over()
        return self

    def _begin(self, sql: str) -> None:
        kind = _kind(sql)
        if kind == "read":
            return
        connection = self.connection
        connection.take_turn()
        if kind == "write" and not connection.in_transaction and connection.isolation_level is not None:
            # Said by us, because the driver itself knows only INSERT, UPDATE, DELETE and REPLACE as writes.
            try:
                super().execute("BEGIN IMMEDIATE")
            except BaseException:
                connection.free_turn(in_vain=connection.patience >= AFTER_VAIN)
                raise
            connection.may_write()

    def _free_if_over(self) -> None:
        if not self.connection.in_transaction:
            self.connection.free_turn()


# What a statement does

_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "ALTER", "DROP", "SAVEPOINT", "REINDEX", "ANALYZE"})
_AFTER_WITH = frozenset({"SELECT", "VALUES", "INSERT", "UPDATE", "DELETE", "REPLACE"})
_TOKEN = re.compile(
    r"""--[^\n]* | /\*.*?(?:\*/|\Z)                                     # comments
      | '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | \[[^\]]*\]          # quoted words
      | (?P<mark>[()]) | (?P<word>[^\W\d]\w*)""",
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=4096)
def _kind(sql: str) -> Literal["read", "write", "alone"]:
    """What a statement needs: nothing; a turn and a transaction; or a turn, but no transaction begun for it."""
    depth = 0
    verb = ""
    for token in _TOKEN.finditer(sql):
        if mark := token["mark"]:
            depth += 1 if mark == "(" else -1
        elif word := (token["word"] or "").upper():
            if not verb:
                verb = word
                if verb == "BEGIN":  # IMMEDIATE or EXCLUSIVE may follow
                    continue
            if verb == "BEGIN":
                return "alone" if word in ("IMMEDIATE", "EXCLUSIVE") else "read"
            if verb == "VACUUM":
                return "alone"
            if verb != "WITH":
                return "write" if verb in _WRITES else "read"
            if depth == 0 and word in _AFTER_WITH:
                return "write" if word in _WRITES else "read"
    return "read"
