"""More conversations of somebody who played with the rules alone in hand, over the real doors on
both databases (rules 4, 7 to 10, 13, 21, 23).
"""

from __future__ import annotations

import pytest
from conftest import House, Resident

ME = "+17205550123"
DANA = "+17205550130"
UNIT = "+17205550133"
# a team is asked for; text and call
FULL = ("hello", "1", "2", "2", "2", "1", "1", "Main St and 3rd Ave", "1", "1")
SUICIDE = ("i want to kill myself", "2", "1")
STORY = "my brother took the car keys and left again"
DAY = 24 * 3600


def later(house: House, seconds: float) -> None:
    house.passes(seconds, 20).settles()


def staff(house: House, number: str, said: str) -> list[str]:
    heard = house.resident(number).texts(said).heard
    house.settles()
    return heard


def paged_for_danger(house: House) -> bool:
    return any(row.ladder == "danger" for row in house.rows("page"))


# ---- an answer that comes after the end ----------------------------------------------------------
def asked_and_ended(house: House) -> Resident:
    """The check question is put, and a human ends the request before it is answered."""
    me = house.resident().texts(*FULL, STORY).told("ask.check")
    house.dispatch(
        f"/{me.case().id}/status", {"status": "closed", "by": "Maria", "outcome": "resolved"}
    )
    house.settles()
    return me


@pytest.mark.parametrize("said", ["yes", "1", "sí", "not sure", "3", "idk"])
def test_a_yes_to_the_check_question_counts_after_the_end(house: House, said: str) -> None:
    """Rule 7: yes or not sure brings a human, however the request ended meanwhile."""
    me = asked_and_ended(house)

    me.texts(said)

    assert me.case().level == "R2" and paged_for_danger(house)
    assert "911" in me.heard[0] and "1 Yes" in me.heard[-1]


@pytest.mark.parametrize("said", ["no", "2", "nope"])
def test_a_no_to_the_check_question_after_the_end_begins_nothing(house: House, said: str) -> None:
    me = asked_and_ended(house)
    me.texts(said).told("status.none")
    assert me.case().outcome == "no_request" and not paged_for_danger(house)


def test_a_yes_after_something_else_was_answered_means_no_old_question(house: House) -> None:
    me = asked_and_ended(house)
    me.texts("no", "yes")
    assert me.case().outcome == "no_request" and not paged_for_danger(house)


def test_doubt_about_suicide_counts_a_day_after_the_question(house: House) -> None:
    me = house.resident().texts("hello", "1", "2", "2").told("ask.suicide.me")
    later(house, DAY + 3600)
    assert me.case().outcome == "abandoned"

    me.texts("not sure")

    assert me.case().level == "R2" and paged_for_danger(house)
