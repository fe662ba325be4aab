"""Enqueue work in the caller's own transaction: it is kept with the decision that asked for it, or not at all."""

from __future__ import annotations

import threading
import time

import sqlalchemy as sa
from dbos import DBOSClient, DBOSPortableJSONSerializer

NAME = "caller"
TEXTS = "texts"


class Jobs:
    """A lazy client of the engine: web processes enqueue, and never run anything."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._client: DBOSClient | None = None
        self._making = threading.Lock()

    def enqueue(self, conn: sa.Connection, job: str, job_id: str, reference: str, queue: str = TEXTS) -> None:
        """The same `job_id` twice is one job."""
        options = {"workflow_name": job, "queue_name": queue, "workflow_id": job_id}
        self._client_now().enqueue_in_transaction(conn, options, reference)  # type: ignore[arg-type]

    def under_way(self, conn: sa.Connection, queue: str, limit: int) -> int:
        """How many jobs of a queue wait or run, counted up to `limit`."""
        status = _status(conn.dialect)
        mine = sa.select(status.c.workflow_uuid).where(status.c.queue_name == queue, status.c.status.in_(("ENQUEUED", "PENDING")))
        return len(conn.execute(mine.limit(limit)).all())

    def _client_now(self) -> DBOSClient:
        if self._client is None:
            with self._making:
                if self._client is None:
                    self._client = _client(self._engine)
        return self._client


def _client(engine: sa.Engine) -> DBOSClient:
    return DBOSClient(system_database_engine=engine, serializer=DBOSPortableJSONSerializer(), lazy=True, application_name=NAME)


def _status(dialect: sa.Dialect) -> sa.TableClause:
    """The engine's table of jobs, as far as we read it."""
    columns = ("workflow_uuid", "status", "updated_at", "queue_name")
    return sa.table("workflow_status", *map(sa.column, columns), schema=None if dialect.name == "sqlite" else "dbos")


def purge(engine: sa.Engine, keep: float, batch: int = 500) -> int:
    """Drop jobs that ended more than `keep` seconds ago: the engine's tables hold what is under way, not history."""
    status = _status(engine.dialect)
    ended = (status.c.status.in_(("SUCCESS", "ERROR", "CANCELLED")), status.c.updated_at <= int((time.time() - keep) * 1000))
    client, dropped = _client(engine), 0
    while True:
        with engine.connect() as conn:
            ids = list(conn.execute(sa.select(status.c.workflow_uuid).where(*ended).limit(batch)).scalars())
        if not ids:
            return dropped
        client.delete_workflows(ids)
        dropped += len(ids)
