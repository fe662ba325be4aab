"""Calls of somebody who played with the rules alone in hand, over the real doors (rules 2 to 5, 10,
20 to 22)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from caller import ME, Caller
from phones import Phone

if TYPE_CHECKING:
    from conftest import House

NO = "2"


def runs(house: House) -> None:
    house.sweeps().settles()


def rings_out(house: House, played: set[int]) -> None:
    """Every phone of staff that rings and was not played yet is not answered."""
    for place, form in enumerate(house.rung):
        if place not in played and form["To"] != ME:
            played.add(place)
            Phone(house, place).reports("ringing", "no-answer")
    runs(house)


def waits_on(house: House, me: Caller, times: int, played: set[int]) -> None:
    """They stay in the queue, and nobody else answers."""
    for _ in range(times):
        me.is_silent()
        runs(house)
        rings_out(house, played)


# ---- two calls of one number ---------------------------------------------------------------------
def two_calls(house: House, first: bool) -> tuple[Caller, Caller, Phone]:
    """A shelter's phone: two calls of one number wait, and a human speaks with one of them.
    Returns the one who speaks, the one who waits, and the human's phone."""
    one = Caller(house).rings().presses("1", "1")
    two = Caller(house).rings()
    runs(house)
    dana = Phone(house, 0).picks_up().presses("1")
    speaks, waits = (one, two) if first else (two, one)
    speaks.is_joined(dana.queue_url.partition("id=")[2])
    runs(house)
    return speaks, waits, dana


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("reported", ["caller first", "staff first", "staff alone"])
def test_of_two_callers_the_one_who_waits_is_not_forgotten(
    house: House, first: bool, reported: str
) -> None:
    """Promise 1: the talk with the other ends, and somebody is asked for this one at once."""
    speaks, waits, dana = two_calls(house, first)
    house.wait(60)
    before = len(house.rung)

    if reported == "caller first":
        speaks.hangs_up()
        dana.parts()
        dana.reports("completed")
    else:
        dana.parts()
        dana.reports("completed")
        if reported == "staff first":
            speaks.hangs_up()
    runs(house)
    waits_on(house, waits, 4, {0})

    assert not waits.case().talking
    assert waits.queue is not None
    assert "+17205550130" in [form["To"] for form in house.rung[before:]]
    again = len(house.rung)
    waits_on(house, waits, 8, set(range(again)))
    assert len(house.rung) > again, "and they go on being asked"


def test_who_waits_beside_another_call_hears_no_untruth(house: House) -> None:
    """Nobody else is asked while a human speaks with the other caller (rule 22)."""
    _, waits, _ = two_calls(house, first=True)
    heard = [waits.is_silent().said for _ in range(6)]
    assert not any("have been asked" in each or "has been asked" in each for each in heard)
    assert house.words("spoken.wait.other_call") in heard
    assert all(one != two for one, two in itertools.pairwise(heard))


def test_the_other_call_may_be_at_a_question(house: House) -> None:
    """Whoever does not wait is not asked for: they were only at the end of their call."""
    house.resident(ME).texts("hi")
    me = Caller(house).rings().presses("1", NO, NO, NO, NO, "1", "1", "2")
    two = Caller(house).rings().told("spoken.open_request.keys").presses("2")
    runs(house)
    dana = Phone(house, -1).picks_up().presses("1")
    two.is_joined(dana.queue_url.partition("id=")[2])
    house.wait(60)
    before = len(house.rung)
    two.hangs_up()
    runs(house)
    assert not me.case().talking and len(house.rung) == before
