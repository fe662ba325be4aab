"""A call without news: the provider is asked about it, but not by the sweep that fires timers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caller import Caller

if TYPE_CHECKING:
    from conftest import House


def drops(house: House) -> Caller:
    """The call drops after an answer, and the provider does not report it."""
    return Caller(house).rings().presses("1").hangs_up(report=False)


def names(house: House) -> list[str]:
    return [name for _, name, _ in house.jobs()]


def test_the_sweep_asks_nobody_itself(house: House) -> None:
    """A provider that hangs would delay every timer."""
    drops(house)
    house.outside.reset()  # any request from here on fails the test
    house.wait(301)
    house.sweeps()
    assert names(house).count("ask_after") == 1
    house.sweeps()
    assert names(house).count("ask_after") == 1, "not again while it is being asked"


def test_a_call_that_the_provider_ended_has_ended(house: House) -> None:
    me = drops(house)
    house.hung_up.append(me.sid)  # Twilio reports that the call has ended
    house.wait(301)
    house.sweeps().settles()
    assert house.rows("leg")[0].ended_at is not None
    assert not me.case().on_line
    assert house.rows("hand_off"), "a task for a human"


def test_a_call_that_goes_on_is_left_and_asked_after_again(house: House) -> None:
    me = drops(house)
    for _ in range(2):
        house.wait(301)
        house.sweeps().settles()
        assert me.case().on_line
    house.hung_up.append(me.sid)
    house.wait(301)
    house.sweeps().settles()
    assert not me.case().on_line
