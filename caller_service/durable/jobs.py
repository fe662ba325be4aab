"""Enqueue work in the caller's own transaction: it is kept with the decision that asked for it, or not at all."""

from __future__ import annotations

import threading

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

    def _client_now(self) -> DBOSClient:
        if self._client is None:
            with self._making:
                if self._client is None:
                    self._client = DBOSClient(
                        system_database_engine=self._engine, serializer=DBOSPortableJSONSerializer(), lazy=True, application_name=NAME
                    )
        return self._client
