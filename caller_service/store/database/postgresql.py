"""PostgreSQL connections that do not wait for ever: for a frozen server, a cut wire or a lock."""

from __future__ import annotations

import select
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.errors import OperationalError, _WaitTimeout

from .deadline import WRITE_WAIT, remaining

# Seconds and tries: a dead peer shows while its connection lies idle.
KEEPALIVE = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}


class DeadlineConnection(psycopg.Connection[Any]):
    """A connection that is closed if the server has not answered by the deadline, because the query
    may still be running there."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if timeout is not None:  # whoever listens for notifications waits as long as they say
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, remaining(WRITE_WAIT + 1))
        except _WaitTimeout:
            self.pgconn.finish()
            raise OperationalError("the server does not answer") from None


def connect_arguments(url: sa.URL, write_wait: float) -> dict[str, Any]:
    """Limits for every statement and lock. What the URL itself sets takes precedence."""
    limit = int(write_wait * 1000)
    asked = url.query.get("options", ())  # connect_args would hide the options in the URL
    limits = f"-c statement_timeout={limit} -c lock_timeout={limit}"
    return {
        "application_name": url.query.get("application_name", "caller-service"),
        "connect_timeout": max(2, int(write_wait)),  # libpq reads less than 2 as 2
        **{name: url.query.get(name, usual) for name, usual in KEEPALIVE.items()},
        "options": " ".join([limits, *([asked] if isinstance(asked, str) else asked)]),
    }


def connect(_dialect: Any, _record: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
    """For SQLAlchemy's `do_connect`: connect before the deadline."""
    left = min(WRITE_WAIT, remaining(WRITE_WAIT))
    if left < 2:  # libpq waits no less
        raise OperationalError("no time is left to connect")
    return DeadlineConnection.connect(*arguments, **{**named, "connect_timeout": int(left)})


def refuse_closed_connection(connection: Any, *_: Any) -> None:
    """For SQLAlchemy's `checkout`. The only thing that a server sends on an idle connection is that
    it ends it, so a look at the socket is enough: a query at each checkout would cost a round
    trip."""
    if connection.closed or select.select([connection.fileno()], [], [], 0)[0]:
        raise sa.exc.DisconnectionError("the server has ended it")
