"""The worker: runs jobs, sweeps for what is due, and recovers the jobs of a dead worker
(docs/decisions/0017-clocks-before-jobs.md).

SQLite: one worker, ensured by an exclusive lock on a file. PostgreSQL: any number; each holds a
session-level advisory lock under its name, and a worker that finds a name unlocked recovers its
unfinished jobs.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO

import sqlalchemy as sa
from dbos import DBOS, DBOSPortableJSONSerializer

from .queue import DELIVER, NAME, purge

log = logging.getLogger(__name__)
VERSION = "caller-1"  # constant, so that a worker of a new release finishes what the old one left
CONCURRENCY = 16  # concurrent jobs of one queue
# seconds between polls of a queue: more often costs a small server more than it gains
POLL = 0.25
# seconds; hand-offs come in bursts, and what one poll does not take waits for the next
POLL_HAND_OFFS = 0.125
SWEEP = 0.5  # seconds between sweeps
# seconds that a job waits, at most, for a sweep to finish, so that timers fire on time beside
# thirty jobs
CLOCKS_FIRST = 1.0
# seconds that a restarted worker waits for the lock of its own name: the server releases that of a
# killed worker, or another worker takes its jobs over
FREED = 5
FINISH = 3  # seconds that a stopping worker waits for its running jobs
KEEP_FINISHED = 3600  # seconds until a finished job is deleted


class AnotherWorker(Exception):
    """A worker already runs on this database (SQLite), or under this name (PostgreSQL)."""


def migrate_engine(url: str) -> None:
    """Create or migrate the engine's own tables. Part of `caller-service migrate`."""
    DBOS.migrate(url)


def work(
    engine: sa.Engine,
    name: str,
    jobs: Mapping[str, Callable[[str, str], object]],
    queues: Iterable[str],
    sweep: Callable[[], object],
    stop: threading.Event,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Run until `stop` is set, with `CONCURRENCY` jobs of each queue at once. Raises AnotherWorker
    if the database already has a worker (SQLite)."""
    lease = WorkerLease(engine, name)
    lease.begin()
    queues = tuple(queues)
    for logger in ("dbos", "alembic"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    # so that the engine adds no handler of its own, which would print tracebacks
    logging.getLogger("dbos").addHandler(logging.NullHandler())
    DBOS(
        config={
            "name": NAME,
            "system_database_engine": engine,
            "serializer": DBOSPortableJSONSerializer(),
            "application_version": VERSION,
            "executor_id": lease.name,
            # A thread for every job that may be claimed: the engine counts a job only once it runs,
            # and would otherwise claim more than its threads can run.
            "max_executor_threads": CONCURRENCY * len(queues) + 8,
            "log_level": "ERROR",
            "run_migrations": False,
        }
    )
    clocks_done = threading.Event()
    for job, do in jobs.items():
        DBOS.workflow(name=job, max_recovery_attempts=1_000_000)(
            _with_private_errors(job, do, clocks_done)
        )
    try:
        DBOS.launch()
        for queue in queues:
            pause = POLL_HAND_OFFS if queue.startswith(DELIVER) else POLL
            DBOS.register_queue(
                queue,
                worker_concurrency=CONCURRENCY,
                polling_interval_sec=pause,
                on_conflict="always_update",
            )
        ready()
        _loop(engine, lease, sweep, stop, clocks_done)
    finally:
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=FINISH)
        lease.end()


class JobFailed(Exception):
    """A job failed with an exception of ours. The engine stores and logs this error, so it names
    only the job and the type of the exception."""


def _with_private_errors(
    name: str, do: Callable[[str, str], object], clocks_done: threading.Event
) -> Callable[[str], None]:
    """The job for the engine. An exception is logged by its type alone, because its message may
    quote a number or words."""

    def job(reference: str) -> None:
        clocks_done.wait(CLOCKS_FIRST)
        try:
            do(reference, DBOS.workflow_id or "")
        except Exception as problem:
            log.error("job failed", extra={"job": name, "fault": type(problem).__name__})
            raise JobFailed(f"{name}: {type(problem).__name__}") from None

    job.__qualname__ = job.__name__ = name
    return job


def _loop(
    engine: sa.Engine,
    lease: WorkerLease,
    sweep: Callable[[], object],
    stop: threading.Event,
    done: threading.Event,
) -> None:
    """Sweep until `stop` is set; about every two seconds take over the jobs of dead workers."""
    beat = 0
    done.set()
    while not stop.wait(SWEEP):
        lease.check()
        try:
            done.clear()
            try:
                sweep()
            finally:
                done.set()
            if beat % 4 == 0:
                lease.take_over()
            if beat % 7200 == 0:
                purge(engine, KEEP_FINISHED)
        except sa.exc.SQLAlchemyError as problem:  # log it and keep trying
            log.error("sweep failed", extra={"fault": type(problem).__name__})
        beat += 1


class WorkerLease:
    """A worker's lease on its name, and the recovery of workers whose lease has ended."""

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self.name = "worker" if self.is_sqlite else name
        self._file: IO[str] | None = None
        self._held: sa.Connection | None = None

    def begin(self) -> None:
        """Take the lease. On SQLite it is an exclusive lock on a file, on PostgreSQL an advisory
        lock. Raises AnotherWorker."""
        if self.is_sqlite:
            path = Path(str(self.engine.url.database) + ".worker")
            self._file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "w")
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise AnotherWorker(
                    "a worker already runs on this database; SQLite has one"
                ) from None
            return
        self._held = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        end = time.monotonic() + FREED
        while not self._held.execute(
            sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": _lock_key(self.name)}
        ).scalar():
            if time.monotonic() > end:
                raise AnotherWorker(
                    f"a worker named {self.name} already runs; give this one another "
                    f"CALLER_WORKER_ID"
                )
            time.sleep(0.1)

    def check(self) -> None:
        """Exit if our own lock is gone: another worker may already have taken over."""
        if self._held is not None:
            try:
                self._held.execute(sa.text("SELECT 1"))
            except sa.exc.DBAPIError:
                log.error("lost the lock's connection: stopping")
                os._exit(70)

    def take_over(self) -> None:
        """Recover the unfinished jobs of workers that hold no lease any more (PostgreSQL)."""
        if self.is_sqlite:
            return
        with self.engine.begin() as conn:
            query = sa.text(
                "SELECT DISTINCT executor_id FROM dbos.workflow_status WHERE status = 'PENDING' "
                "AND executor_id <> :me"
            )
            for (other,) in conn.execute(query, {"me": self.name}).all():
                if conn.execute(
                    sa.text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _lock_key(other)}
                ).scalar():
                    DBOS._recover_pending_workflows([other])

    def end(self) -> None:
        """Release the lease."""
        if self._file is not None:
            self._file.close()
        if self._held is not None:
            self._held.close()


def _lock_key(name: str) -> int:
    return zlib.crc32(f"caller-worker:{name}".encode())
