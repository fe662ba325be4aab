"""Enqueue work in the caller's own transaction: it is committed with the decision that needs it, or
not at all."""

from __future__ import annotations

import threading
import time

import sqlalchemy as sa
from dbos import DBOSClient, DBOSPortableJSONSerializer

NAME = "caller"
TEXTS = "texts"  # texts and calls to residents, and chores
DELIVER = "deliver."  # prefix of the queue of a destination
# texts and calls to those who are paged, which never wait for those to residents
PEOPLE = "people"


def queue_to(person: str | None) -> str:
    """The queue for a text or a call to somebody on a ladder, by name, or (None) to a resident."""
    return PEOPLE if person else TEXTS


def queue_of(destination: str) -> str:
    """The queue of a destination. Each has its own, so that one that hangs does not delay the
    others."""
    return f"{DELIVER}{destination}"


class Jobs:
    """A client of the engine, connected on first use: web processes enqueue jobs but never run
    them."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._client: DBOSClient | None = None
        self._making = threading.Lock()

    def enqueue(
        self, conn: sa.Connection, job: str, job_id: str, reference: str, queue: str = TEXTS
    ) -> None:
        """Enqueue a job. A `job_id` that was enqueued before is ignored."""
        options = {"workflow_name": job, "queue_name": queue, "workflow_id": job_id}
        self._client_now().enqueue_in_transaction(conn, options, reference)  # type: ignore[arg-type]

    def under_way(self, conn: sa.Connection, queue: str, most: int) -> int:
        """How many jobs of a queue are waiting or running, counted up to `most`."""
        status = _status(self._engine)
        unfinished = (status.c.queue_name == queue, status.c.status.in_(("ENQUEUED", "PENDING")))
        some = sa.select(status.c.workflow_uuid).where(*unfinished).limit(most).subquery()
        return int(conn.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())

    def _client_now(self) -> DBOSClient:
        if self._client is None:
            with self._making:
                if self._client is None:
                    self._client = _client(self._engine)
        return self._client


def _client(engine: sa.Engine) -> DBOSClient:
    return DBOSClient(
        system_database_engine=engine,
        serializer=DBOSPortableJSONSerializer(),
        lazy=True,
        application_name=NAME,
    )


def _status(engine: sa.Engine) -> sa.TableClause:
    schema = None if engine.dialect.name == "sqlite" else "dbos"
    columns = ("workflow_uuid", "queue_name", "status", "updated_at")
    return sa.table("workflow_status", *(sa.column(name) for name in columns), schema=schema)


def purge(engine: sa.Engine, keep: float, batch: int = 500) -> int:
    """Delete jobs that ended more than `keep` seconds ago: the engine's tables hold current work,
    not history."""
    status = _status(engine)
    ended = (
        status.c.status.in_(("SUCCESS", "ERROR", "CANCELLED")),
        status.c.updated_at <= int((time.time() - keep) * 1000),
    )
    client, dropped = _client(engine), 0
    while True:
        with engine.connect() as conn:
            ids = list(
                conn.execute(sa.select(status.c.workflow_uuid).where(*ended).limit(batch)).scalars()
            )
        if not ids:
            return dropped
        client.delete_workflows(ids)
        dropped += len(ids)
