"""One attempt at a time to send a text, make a call or deliver a hand-off. Such a row has `state`,
`tries`, `next_at` and `claimed_by`; it waits, is tried, and then records how that ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from caller_service.core.outbound import CallState, DeliveryState, TextState

CLAIM = timedelta(seconds=30)  # a lease: longer than any one request may take
# a lookup that took longer leaves no time in the lease for the attempt itself
LOOKING = timedelta(seconds=8)
# an attempt that was cut off may reach the provider after we look it up: wait this long first
SETTLE = timedelta(seconds=3)
# a value of `claimed_by` that is no job's id: no job tries until a sweep takes it up at `next_at`
PAUSED = "settling"


def claim(
    conn: sa.Connection,
    table: sa.Table,
    states: type[TextState] | type[CallState] | type[DeliveryState],
    row_id: str,
    job: str,
    now: datetime,
    hold: timedelta,
    settle: timedelta,
    **first: Any,
) -> bool | None:
    """Claim an attempt. True: it is the first (`first` is stored, too). False: the outcome of an
    earlier one is unknown, so look it up before trying again. None: another job's attempt is under
    way, its time has not come, or the work is done. A row may have several jobs: its own, one that
    wakes it, and one that the engine runs again after a crash. The last leaves the row to a sweep,
    `settle` from now: what was cut off may still be on its way, however long ago it was claimed,
    and a lookup now could miss it."""
    one = sa.update(table).where(table.c.id == row_id)
    waiting, trying = (
        one.where(table.c.state == state) for state in (states.WAITING, states.TRYING)
    )
    free = table.c.claimed_by.is_(None)
    values = {
        "state": states.TRYING,
        "tries": table.c.tries + 1,
        "next_at": now + hold,
        "claimed_by": job,
    }
    if conn.execute(waiting.where(free).values(values | first)).rowcount == 1:
        return True
    mine = trying.where(table.c.claimed_by == job)
    if conn.execute(mine.values(next_at=now + settle, claimed_by=PAUSED)).rowcount == 1:
        return None
    return False if conn.execute(trying.where(free).values(values)).rowcount == 1 else None
