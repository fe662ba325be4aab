"""No more new calls per second than the account may make: the others wait their turn, and promised
calls come first. The clock stands still; nothing sleeps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from caller import Caller
from conversation import PROGRAM

from caller_service.casework.outbound.call_person import call_person
from caller_service.core.program import Rung
from caller_service.store import calls

if TYPE_CHECKING:
    from conftest import House

NAMES = ("Ana", "Ben", "Cal", "Dan", "Eve")
NUMBERS = {name: f"+1720555013{place}" for place, name in enumerate(NAMES)}


@pytest.fixture
def paced(house: House) -> House:
    """One new call a second, and a ladder of five phones."""
    rungs = tuple(Rung("danger", name, "call", number) for name, number in NUMBERS.items())
    house.change(program=replace(PROGRAM, ladder=rungs), calls_a_second=1)
    return house


def waits_for(house: House) -> Caller:
    """A resident who may be called, and whose request a person has, so that nobody is paged."""
    me = Caller(house).rings().presses("1", "2", "2", "2", "2", "1", "1", "2")
    me.hangs_up()
    house.sweeps().settles()
    taken = house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Dana"})
    assert taken.status_code == 200
    assert not house.rung
    return me


def rings_for(house: House, me: Caller, *names: str) -> None:
    """Queue calls to these phones."""
    parts, now, case_id = house.parts, house.clock(), me.case().id
    with parts.engine.begin() as conn:
        for name in names:
            calls.add(
                conn, parts.sealer, parts.new_id(), case_id, NUMBERS[name], now, now, person=name
            )


def rung(house: House) -> list[str]:
    names = {number: name for name, number in NUMBERS.items()}
    return [names[form["To"]] for form in house.rung]


def second(house: House) -> list[str]:
    """One second later: who has been called so far."""
    house.wait(1)
    house.sweeps().settles()
    return rung(house)


def test_calls_over_the_pace_wait_their_turn_in_the_order_they_came(paced: House) -> None:
    me = waits_for(paced)
    rings_for(paced, me, "Cal", "Ana", "Ben")
    paced.sweeps().settles()
    assert rung(paced) == ["Cal"]
    paced.wait(0.5)
    paced.sweeps().settles()
    assert rung(paced) == ["Cal"]
    assert second(paced) == ["Cal", "Ana"]
    assert second(paced) == ["Cal", "Ana", "Ben"]
    # nothing failed, and every attempt was a call
    assert {(row.state, row.tries) for row in paced.rows("call")} == {("queued", 1)}


def test_who_was_promised_a_call_comes_before_pages_that_wait(paced: House) -> None:
    me = waits_for(paced)
    told = {"by": "Dana", "in_minutes": 10, "person": "Eve"}
    assert paced.dispatch(f"/{me.case().id}/callbacks", told).status_code == 200
    paced.wait(599)
    rings_for(paced, me, "Ana", "Ben", "Cal", "Dan")
    paced.sweeps().settles()
    told_so_far = [rung(paced), *(second(paced) for _ in range(4))]
    assert told_so_far[0] == ["Ana"]
    assert told_so_far[-1].index("Eve") <= 2, "before Cal and Dan, who waited longer"
    assert [len(one) for one in told_so_far] == [1, 2, 3, 4, 5]


def test_five_a_second_are_five(paced: House) -> None:
    paced.change(calls_a_second=5)
    rings_for(paced, waits_for(paced), *NAMES)
    paced.sweeps().settles()
    assert sorted(rung(paced)) == sorted(NAMES)


def test_a_call_that_is_not_wanted_any_more_holds_up_nobody(paced: House) -> None:
    me = waits_for(paced)
    rings_for(paced, me, "Ana", "Ben")
    paced.sweeps().settles()
    body = {"status": "closed", "by": "Dana", "outcome": "resolved"}
    paced.dispatch(f"/{me.case().id}/status", body)
    other = Caller(paced, "+17205550124").rings().presses("1", "2", "2", "2", "2", "1", "1", "2")
    rings_for(paced, other, "Cal")
    assert second(paced) == ["Ana", "Cal"]
    assert [row.state for row in paced.rows("call") if row.person == "Ben"] == ["dropped"]


def test_a_clock_that_was_set_back_holds_up_nobody(paced: House) -> None:
    me = waits_for(paced)
    paced.wait(60)
    rings_for(paced, me, "Ana")
    paced.sweeps().settles()
    paced.wait(-30)
    rings_for(paced, me, "Ben")
    call_id = paced.rows("call", person="Ben")[0].id
    paced.works()
    call_person(paced.parts, call_id)
    assert rung(paced) == ["Ana", "Ben"]
