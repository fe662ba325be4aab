"""While a human speaks with the resident on the phone: what others do by the API rings nobody and
leaves the two alone; what is still to be done begins when they have parted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from caller import Caller
from phones import Phone, events
from test_inbound_call import runs, waiting

if TYPE_CHECKING:
    from conftest import House

DANA = "Dispatcher on duty"
GIVES = {
    "handed over": ("hand-over", {"to": "Shift supervisor"}),
    "released": ("release", {}),
}


def talking(house: House) -> tuple[Caller, Phone]:
    me = waiting(house)
    dana = Phone(house, 0).picks_up().presses("1")
    me.is_joined(dana.queue_url.partition("id=")[2])
    house.wait(5)
    runs(house)
    assert me.case().talking
    return me, dana


def gives(house: House, me: Caller, how: str) -> None:
    path, told = GIVES[how]
    body: dict[str, Any] = {"by": DANA, "reason": "my shift ends", **told}
    answer = house.dispatch(f"/{me.case().id}/{path}", body)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("how", GIVES)
def test_it_rings_nobody_and_pulls_nothing_apart(house: House, how: str) -> None:
    me, _ = talking(house)
    rung, ended = len(house.rung), len(house.hung_up)
    gives(house, me, how)
    for _ in range(10):
        house.wait(60)
        runs(house)
    assert [] == house.rung[rung:]
    assert ended == len(house.hung_up)
    assert me.case().talking
    assert not events(house, "not_joined")


@pytest.mark.parametrize("how", GIVES)
def test_when_they_part_the_next_person_is_asked(house: House, how: str) -> None:
    me, dana = talking(house)
    gives(house, me, how)
    house.wait(120)
    runs(house)
    rung = len(house.rung)
    dana.parts()
    dana.reports("completed")
    me.parts("bridged").is_silent()
    runs(house)
    assert house.rung[rung:]
    assert me.queue is not None


def test_no_clock_was_due_while_they_spoke(house: House) -> None:
    """The truth was due long before they parted: from then on it counts, and not as late."""
    me, dana = talking(house)
    gives(house, me, "released")
    house.wait(1200)
    parted = house.clock()
    dana.parts()
    dana.reports("completed")
    me.parts("bridged")
    (row,) = house.rows("case", id=me.case().id)
    assert row.due_at >= parted


def test_given_back_and_hung_up_is_a_danger_that_people_are_asked_about(house: House) -> None:
    me, dana = talking(house)
    gives(house, me, "released")
    house.wait(120)
    runs(house)
    paged = len(house.rows("page"))
    dana.parts()
    me.hangs_up()
    runs(house)
    assert len(house.rows("page")) > paged


def test_whoever_takes_it_while_they_talk_hears_so(house: House) -> None:
    me = waiting(house)
    first, second = Phone(house, 0).picks_up(), Phone(house, 1).picks_up()
    first.presses("1")
    me.is_joined(first.queue_url.partition("id=")[2])
    gives(house, me, "released")
    second.presses("1")
    second.parts("no-answer")
    reference = ", ".join(me.case().reference)
    assert house.words("spoken.whisper.talking", reference=reference) == second.said
