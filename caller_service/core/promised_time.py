"""When somebody plans to reach the resident, as a range: said as it is promised, and again to who
asks meanwhile (promise 3, the truth about waiting)."""

from __future__ import annotations

from datetime import datetime, timedelta

from .case import Case, Status
from .effect import Say
from .marks import Mark

HOURS_FROM = 120  # longest wait, in minutes, that is told in minutes; then in hours
STEP = 5  # minutes
# status words that have a wording with a time
TIMED = {
    Status.ACCEPTED: ("status.accepted", "status.other.received"),
    Status.ASSIGNED: ("status.assigned", "status.other.received"),
    Status.EN_ROUTE: ("status.en_route",),
}


def minutes_range(wait: timedelta) -> tuple[int, int]:
    """A promise as a range in minutes, in steps of five: from the given time to half as long
    again."""
    minutes = max(1, round(wait.total_seconds() / 60))
    low = max(STEP, minutes // STEP * STEP)
    return low, max(low + STEP, -(-minutes * 3 // (2 * STEP)) * STEP)


def time_words(key: str, low: int, high: int, *, hours: bool, unasked: bool = True) -> Say:
    """The words of this key with a range of minutes, told in minutes or in hours."""
    if hours:
        least = max(1, low // 60)
        fill = {"low": str(least), "high": str(max(least + 1, -(-high // 60)))}
        return Say(f"{key}_hours", fill, unasked=unasked)
    return Say(f"{key}_time", {"low": str(low), "high": str(high)}, unasked=unasked)


def status_with_time(case: Case, key: str, now: datetime) -> Say | None:
    """The status with what is left of the range that was promised; None where no time was, where
    it has passed, or where the words say that the wait is over."""
    promised, said = case.marks.get(Mark.PROMISED), case.marks.get(Mark.ACKNOWLEDGED)
    if promised is None or said is None or case.in_danger or key not in TIMED.get(case.status, ()):
        return None
    low, high = minutes_range(promised - said)
    passed = (now - said) // timedelta(minutes=1)
    if passed >= high:
        return None
    low = max(STEP, (low - passed) // STEP * STEP)
    high = max(low + STEP, -(-(high - passed) // STEP) * STEP)
    return time_words(key, low, high, hours=high > HOURS_FROM, unasked=False)
