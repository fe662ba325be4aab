"""One try at a time: at a text, a call or a delivery. A row that is tried has `state`, `tries`,
`next_at` and `claimed_by`; it waits, is tried, and then says how that ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from caller_service.core.outbound import CallState, DeliveryState, TextState

CLAIM = timedelta(seconds=30)  # longer than any one request may take
# a look that took longer leaves no time in the claim for the try itself
LOOKING = timedelta(seconds=8)
# a try cut off in the middle may reach the provider after we look: not sooner than this
SETTLE = timedelta(seconds=3)
SETTLING = "settling"  # in `claimed_by`, where no job is called so: nobody tries until `next_at`


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
    """Begin a try: True for the first (which also keeps `first`), False if an earlier one's end is
    not known (look before trying again), None if another job's try is under way or it is done. The
    same job run again after a crash leaves it to a sweep, `settle` from now: what was cut off may
    still be on its way, however long ago it was claimed, and could not be found before."""
    begun = sa.update(table).where(table.c.id == row_id)
    values = {
        "state": states.TRYING,
        "tries": table.c.tries + 1,
        "next_at": now + hold,
        "claimed_by": job,
    }
    if (
        conn.execute(begun.where(table.c.state == states.WAITING).values(values | first)).rowcount
        == 1
    ):
        return True
    trying = begun.where(table.c.state == states.TRYING)
    mine = trying.where(table.c.claimed_by == job)
    if conn.execute(mine.values(next_at=now + settle, claimed_by=SETTLING)).rowcount == 1:
        return None
    free = trying.where(table.c.claimed_by.is_(None))
    return False if conn.execute(free.values(values)).rowcount == 1 else None
