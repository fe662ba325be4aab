"""Acknowledgements with more than a yes or no: a time, also by text, or a question to the resident,
whose answer is waited for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from caller_service.casework.staff import read_page_answer

if TYPE_CHECKING:
    from conftest import House, Resident

ME = "+17205550123"
DISPATCHER = "+17205550130"


@pytest.mark.parametrize(
    ("said", "reference", "rest"),
    [
        ("K7M4Q2", "K7M4Q2", ""), ("k7m4q2.", "K7M4Q2", "."), ("K7 M4 Q2", "K7M4Q2", ""),
        ("I take K7M4Q2 20", "K7M4Q2", "I take   20"),
        ("k7m4q2 in 20 minutes", "K7M4Q2", "in 20 minutes"), ("K7M4Q2 18:40", "K7M4Q2", "18:40"),
        ("20", "", ""), ("yes", "", ""), ("", "", ""), ("AK7M4Q2", "", ""), ("K7M4Q22", "", ""),
    ],
)  # fmt: skip
def test_the_reference_is_found_however_it_is_written(said: str, reference: str, rest: str) -> None:
    assert read_page_answer(said) == (reference, rest)


def in_danger(house: House) -> Resident:
    me = house.resident(ME).texts("hi", "1", "2", "2", "1", "1", "1")
    assert me.case().level == "R1"
    return me


@pytest.mark.parametrize(
    ("rest", "minutes"),
    [
        ("20", 20),
        ("in 20 minutes", 20),
        ("20min", 20),
        ("12:30", 25),
        ("at 12:30 pm", 25),
        ("2 hours", 120),
    ],
)
def test_a_page_can_be_answered_with_a_time(house: House, rest: str, minutes: int) -> None:
    me = in_danger(house)
    house.clock.at = house.clock.at.replace(hour=19, minute=4, second=50)

    house.resident(DISPATCHER).texts(f"{me.case().reference} {rest}").told("page.accepted")

    case = me.case()
    assert case.status == "accepted"
    said = timedelta(minutes=minutes)
    assert abs(
        datetime.fromisoformat(case.state["marks"]["promised"]) - house.clock.at - said
    ) < timedelta(minutes=1), "kept whole"


@pytest.mark.parametrize("said", ["who is {}?", "wrong number {}", "{} 🤷", "{}?", "is {} mine 3"])
def test_what_is_not_understood_takes_nothing_and_the_ladder_goes_on(
    house: House, said: str
) -> None:
    me = in_danger(house)

    house.resident(DISPATCHER).texts(said.format(me.case().reference)).told("page.unclear")

    assert me.case().status != "accepted"
    house.wait(61)
    house.sweeps()
    assert "Shift supervisor" in {row.person for row in house.rows("page")}


def test_a_time_that_is_too_far_takes_nothing(house: House) -> None:
    me = in_danger(house)

    house.resident(DISPATCHER).texts(f"{me.case().reference} 800").told("page.too_far")

    assert me.case().status != "accepted"


@pytest.mark.parametrize(
    "said", ["{} no", "pass {}", "{} can't, busy", "{} can\u2019t", "nope {}", "not me {}"]
)
def test_a_page_can_be_passed_on_by_text_and_the_next_is_asked_at_once(
    house: House, said: str
) -> None:
    me = in_danger(house)
    assert {row.person for row in house.rows("page")} == {
        "Dispatcher on duty",
        "Second dispatcher",
    }, "R1: two at once"

    house.resident(DISPATCHER).texts(said.format(me.case().reference)).told("page.passed")

    assert me.case().status != "accepted"
    assert "Shift supervisor" in {row.person for row in house.rows("page")}


def ask(
    house: House, me: Resident, words: str = "Which door do we come to?", by: str = "Maria"
) -> int:
    answer = house.dispatch(
        f"/{me.case().id}/acknowledgement", {"answer": "ask", "by": by, "words": words}
    )
    return int(answer.status_code)


def test_dispatch_asks_the_resident_and_hears_the_answer_before_deciding(house: House) -> None:
    me = house.resident(ME).wants_a_team()
    house.settles()

    assert ask(house, me) == 200
    house.settles()
    assert house.texts_to(ME)[-1] == "Maria: Which door do we come to?"
    assert me.case().status == "handed_off", "nobody has it by asking"

    me.texts("the blue one at the back")
    house.settles()
    assert house.posted[-1][0]["notes"][-1]["words"] == "the blue one at the back"
    assert house.posted[-1][0]["remarks"][-1] == {
        "by": "Maria",
        "words": "Which door do we come to?",
    }


def test_the_clock_of_acceptance_waits_for_the_answer_and_no_longer(house: House) -> None:
    me = house.resident(ME).wants_a_team()
    house.wait(200)
    ask(house, me)
    house.wait(200)
    house.sweeps()
    assert not house.rows("page"), "five minutes begin with the question"
    me.texts("the blue one")
    house.wait(200)
    house.sweeps()
    assert not house.rows("page"), "and with its answer"

    house.wait(110)
    house.sweeps()

    assert [row.person for row in house.rows("page")] == ["Team desk"]


def test_somebody_who_goes_on_writing_does_not_put_off_the_next_page(house: House) -> None:
    me = house.resident(ME).wants_a_team()
    ask(house, me)
    for _ in range(8):
        house.wait(60)
        me.texts("status")
        house.sweeps()

    assert house.rows("page"), "one answer is waited for, not every word"


def test_in_danger_a_question_stops_no_page(house: House) -> None:
    me = in_danger(house)
    before = len(house.rows("page"))
    assert ask(house, me) == 200

    house.wait(61)
    house.sweeps()

    assert len(house.rows("page")) > before


def test_a_later_time_is_told_as_a_range_also_once_a_team_moves(house: House) -> None:
    """They were told that we text them about any change. An earlier time alone is no such
    change."""
    me = house.resident(ME).wants_a_team()
    path = f"/{me.case().id}"
    accept = {"answer": "accept", "by": "Sam"}
    assert house.dispatch(f"{path}/acknowledgement", accept | {"in_minutes": 20}).json
    assert house.dispatch(f"{path}/status", {"status": "en_route", "by": "Sam"}).json
    house.settles().sent.clear()

    assert house.dispatch(f"{path}/acknowledgement", accept | {"in_minutes": 60}).json
    assert house.settles().texts_to(ME) == [house.words("status.late_time", low="60", high="90")]
    assert house.dispatch(f"{path}/acknowledgement", accept | {"in_minutes": 30}).json
    assert house.words("status.late_time", low="30", high="45") not in house.settles().texts_to(ME)


def test_a_question_sent_twice_is_asked_once(house: House) -> None:
    me = house.resident(ME).wants_a_team()
    house.settles()
    assert [ask(house, me), ask(house, me)] == [200, 200]
    house.settles()

    assert house.texts_to(ME).count("Maria: Which door do we come to?") == 1


def test_a_question_is_refused_where_it_cannot_be_heard_or_somebody_has_the_case(
    house: House,
) -> None:
    me = house.resident(ME).wants_a_team()
    assert (
        house.dispatch(
            f"/{me.case().id}/acknowledgement", {"answer": "ask", "by": "Maria"}
        ).status_code
        == 422
    )
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Sam"})
    answer = house.dispatch(
        f"/{me.case().id}/acknowledgement", {"answer": "ask", "by": "Maria", "words": "Where?"}
    )
    assert (answer.status_code, answer.json["held_by"]) == (409, "Sam")
    house.dispatch(
        f"/{me.case().id}/status", {"status": "closed", "by": "Sam", "outcome": "resolved"}
    )
    assert ask(house, me, by="Sam") == 409
