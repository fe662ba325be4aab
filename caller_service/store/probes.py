"""The last results of the synthetic resident (`caller-service probe`): codes and numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from .tables import probe_result


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one conversation. Times are in seconds; `queued` and `paged` are None if that
    was not awaited, or did not happen."""

    channel: str
    language: str
    conversation: str
    at: datetime
    fault: str  # a code; "": no fault
    turns: int
    slowest: float
    seconds: float
    queued: float | None = None
    paged: float | None = None


def keep(conn: sa.Connection, results: Sequence[Result]) -> None:
    """Store the last results. Any other row is of a channel or language that is no longer played,
    and is deleted."""
    conn.execute(sa.delete(probe_result))
    if results:
        conn.execute(sa.insert(probe_result), [asdict(one) for one in results])


def latest(conn: sa.Connection) -> list[Result]:
    """The last result of each conversation, by channel and language."""
    order = (probe_result.c.channel, probe_result.c.language, probe_result.c.conversation)
    return [
        Result(**row._mapping) for row in conn.execute(sa.select(probe_result).order_by(*order))
    ]
