"""A time of day that dispatch gives means its next occurrence, also around a change of the
clocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from caller_service.casework.staff import promised
from caller_service.core.dispatch import Refused, at_time
from caller_service.core.routing import Scene
from caller_service.core.staff_words import Takes

if TYPE_CHECKING:
    from conftest import House

# In Denver clocks go back from 2:00 MDT to 1:00 MST on 1 November 2026 at 8:00 UTC, and forward
# from 2:00 MST to 3:00 MDT on 14 March 2027 at 9:00 UTC.
BACK, ON = datetime(2026, 11, 1, 8, 0, tzinfo=UTC), datetime(2027, 3, 14, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "said", "after"),
    [
        # half an hour before clocks go back it is 1:30, and it will be 1:30 again
        (BACK - timedelta(minutes=30), (1, 45), 15),
        (BACK - timedelta(minutes=30), (1, 15), 45),
        (BACK - timedelta(minutes=30), (1, 28), 0),
        (BACK - timedelta(minutes=30), (2, 15), 105),
        (BACK - timedelta(hours=2), (1, 30), 90),
        # after it: 1:10 for the second time
        (BACK + timedelta(minutes=10), (1, 30), 20),
        (BACK + timedelta(minutes=10), (1, 8), 0),
        (BACK + timedelta(minutes=10), (2, 30), 80),
        # the evening before: eleven hours on the clock are twelve real ones
        (BACK - timedelta(hours=8), (11, 0), None),
        (BACK - timedelta(hours=8), (5, 0), 12 * 60),
        # half an hour before clocks go forward it is 1:30; the hour from 2:00 to 3:00 does not
        # exist
        (ON - timedelta(minutes=30), (1, 45), 15),
        (ON - timedelta(minutes=30), (3, 15), 45),
        (ON - timedelta(minutes=30), (2, 15), 45),
        (ON - timedelta(minutes=30), (1, 0), None),
        (ON + timedelta(minutes=10), (3, 30), 20),
        (ON + timedelta(minutes=10), (2, 30), 20),
        (ON - timedelta(hours=8), (7, 0), 12 * 60),
        # two minutes past midnight
        (ON - timedelta(hours=2, minutes=-2), (23, 58), 0),
    ],
)
def test_a_time_is_the_next_such_time(
    house: House, now: datetime, said: tuple[int, int], after: int | None
) -> None:
    """`after`: minutes from now; None if the time is refused."""
    program = replace(house.parts.program, time_zone="America/Denver")
    if after is None:
        with pytest.raises(Refused):
            at_time(*said, Scene(program, now))
    else:
        assert at_time(*said, Scene(program, now)) - now == timedelta(minutes=after)


def test_a_time_without_half_of_the_day_is_one_or_refused(house: House) -> None:
    """Around a change of the clocks, neither 6:00 nor 18:00 may be within twelve hours."""
    program = replace(house.parts.program, time_zone="America/Denver")
    for now in (change + timedelta(hours=at) for change in (BACK, ON) for at in range(-26, 27)):
        scene = Scene(program, now)
        for hour in range(1, 13):
            try:
                at = promised(Takes(at=(hour, 0), either=True), scene)
            except Refused as refusal:
                assert refusal.code == "too_far"
            else:
                assert at is not None and at - scene.now <= timedelta(hours=12)
