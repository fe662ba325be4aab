"""Through the real endpoints: many people in danger at once, somebody who writes often, and a case
of somebody under 18 (rules 14, 24)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from conftest import House, Resident

FIRST, SECOND, SUPERVISOR = "+17205550130", "+17205550131", "Shift supervisor"
CRY = "i took all my pills goodbye"


def stranger(house: House, number: int) -> Resident:
    return house.resident(f"+1720555{number:04d}")


# ---- many at once --------------------------------------------------------------------------------
def test_while_more_wait_than_people_can_take_each_is_paged_once_a_minute_with_how_many_wait(
    house: House,
) -> None:
    for number in range(9):
        person = stranger(house, 200 + number)
        person.pace = 1.0
        person.texts(CRY)
    house.settles()

    before = len(house.texts_to(FIRST))
    assert before < 9, "nine pages in nine seconds would be read by nobody"
    house.wait(61)
    stranger(house, 250).texts(CRY)
    house.settles()

    pages = house.texts_to(FIRST)[before:]
    assert any("10 wait" in page for page in pages), pages
    assert not any("+1720555" in page or "pills" in page for page in pages)


def test_below_twice_the_staff_nobody_is_held_back(house: House) -> None:
    for number in range(4):
        stranger(house, 200 + number).texts(CRY)
    house.settles()

    references = {row.reference for row in house.rows("case")}
    assert {
        reference
        for reference in references
        if any(reference in page for page in house.texts_to(FIRST))
    } == references


def test_newcomers_hear_that_people_in_danger_have_waited_long(house: House) -> None:
    stranger(house, 200).texts(CRY)
    house.wait(301)

    stranger(house, 201).texts("hello").told("preamble.surge")


# ---- somebody who writes often -------------------------------------------------------------------
def packet(house: House, person: Resident) -> dict[str, Any]:
    answer = house.dispatch(f"/{person.case().id}", method="GET")
    assert answer.status_code == 200, answer.text
    return answer.get_json()  # type: ignore[no-any-return]


def ladders(house: House, person: Resident) -> set[str]:
    return {row.ladder for row in house.rows("page", case_id=person.case().id)}


def reasons(house: House, person: Resident) -> list[str]:
    return packet(house, person)["reasons"]  # type: ignore[no-any-return]


def closes(house: House, person: Resident) -> None:
    answer = house.dispatch(
        f"/{person.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"}
    )
    assert answer.status_code == 200, answer.text
    closed = {
        "status": "closed",
        "by": "Maria",
        "outcome": "no_danger_found",
        "reason": "talked, all well",
    }
    answer = house.dispatch(f"/{person.case().id}/status", closed)
    assert answer.status_code == 200, answer.text


def test_the_third_contact_in_a_day_is_read_by_a_human(house: House) -> None:
    me = house.resident()
    for _ in range(2):
        me.texts("hello", "0")
        closes(house, me)
        house.wait(600)
    me.texts("hello")

    assert "writes_often" in reasons(house, me)
    assert "review" not in ladders(house, me), "quiet on the screen first"
    house.wait(301)
    house.sweeps()
    assert "review" in ladders(house, me), "and a phone rings if nobody has read it in five minutes"


@pytest.mark.parametrize("said", ["im back sorry", "hello", "hola"])
def test_whoever_writes_again_after_a_danger_is_read_by_a_human(house: House, said: str) -> None:
    """They are asked the questions like anybody else, but a human reads it because of the earlier
    danger."""
    me = house.resident().texts("i want to kill myself", "2", "1")
    closes(house, me)
    house.settles()
    house.wait(2 * 24 * 3600)

    me.texts(said)

    assert "after_danger" in reasons(house, me) and me.case().level is None
    house.wait(301)
    house.sweeps()
    assert "review" in ladders(house, me), "unread for five minutes: a phone rings"


def test_thanks_in_between_and_a_lowered_danger_are_an_earlier_danger_still(house: House) -> None:
    """A human lowers a danger before they close it, and people say thanks."""
    me = house.resident().texts("i want to kill myself", "2", "1")
    house.dispatch(f"/{me.case().id}/lower", {"by": "Dispatcher on duty", "reason": "a plan"})
    closes(house, me)
    house.settles()
    me.texts("thank you dana")
    assert me.case().outcome == "no_request"
    house.wait(24 * 3600)
    me.texts("hello")
    assert "after_danger" in reasons(house, me)


def test_thanks_after_a_danger_and_a_new_talk_weeks_later_are_read_by_nobody(house: House) -> None:
    me = house.resident().texts("i want to kill myself", "2", "1")
    closes(house, me)
    house.settles()
    me.texts("thank you dana")
    assert me.case().outcome == "no_request"
    house.wait(14 * 24 * 3600)
    me.texts("hello")
    assert "after_danger" not in me.case().state["because"] and not me.case().state["review"]


def test_with_a_care_note_a_human_is_asked_at_once_and_reads_it_in_the_packet(house: House) -> None:
    me = house.resident().texts("hello", "0")
    note = {
        "by": "Maria",
        "words": "Ana knows this person and writes back.",
        "days": 30,
        "reason": "writes every night",
    }
    assert house.dispatch(f"/{me.case().id}/care-note", note).status_code == 200
    closes(house, me)
    house.wait(3600)

    me.texts("hello")

    me.told("care.hello").hears_not("Who needs help", "Ana knows")
    assert me.case().level == "R2"
    assert "danger" in ladders(house, me)
    assert "Ana knows this person" in json.dumps(packet(house, me))
    stored = json.dumps(
        [
            [str(value) for value in row]
            for table in ("contact", "case", "journal")
            for row in house.rows(table)
        ]
    )
    assert "Ana knows" not in stored and "writes every night" not in stored


def test_a_care_note_ends_and_can_be_taken_away(house: House) -> None:
    me = house.resident().texts("hello", "0")
    path = f"/{me.case().id}/care-note"
    house.dispatch(path, {"by": "Maria", "words": "Ana knows them.", "days": 1, "reason": "often"})
    closes(house, me)
    house.clock.at += timedelta(days=1, minutes=1)
    me.texts("hello").told("preamble")
    assert me.case().level not in ("R1", "R2")

    house.dispatch(path, {"by": "Maria", "words": "Ana knows them.", "days": 30, "reason": "often"})
    assert house.dispatch(path, {"by": "Maria", "days": 0, "reason": "no more"}).status_code == 200
    me.texts("0")
    closes(house, me)
    house.clock.at += timedelta(days=1, minutes=1)
    me.texts("hello")
    assert me.case().level not in ("R1", "R2")


@pytest.mark.parametrize(
    "told",
    [
        {"by": "Maria", "words": "x", "days": 31, "reason": "often"},
        {"by": "Maria", "words": "x" * 481, "reason": "often"},
        {"by": "Maria", "words": "x"},
        {"words": "x", "reason": "often"},
    ],
)
def test_a_care_note_that_cannot_be_is_refused_by_field(
    house: House, told: dict[str, object]
) -> None:
    me = house.resident().texts("hello", "0")

    assert house.dispatch(f"/{me.case().id}/care-note", told).status_code == 422
    assert (
        house.dispatch("/nobody/care-note", {"by": "M", "words": "x", "reason": "r"}).status_code
        == 404
    )


def test_a_slowed_number_is_answered_every_ten_minutes_all_words_kept_and_new_danger_at_once(
    house: House,
) -> None:
    me = house.resident().texts("hello", "0")
    slow = {"by": SUPERVISOR, "hours": 12, "reason": "forty texts an hour"}
    assert house.dispatch(f"/{me.case().id}/slow", slow | {"by": "Maria"}).status_code == 409, (
        "only a supervisor may"
    )
    assert house.dispatch(f"/{me.case().id}/slow", slow).status_code == 200
    closes(house, me)

    me.texts("you there")
    assert me.heard != []
    me.texts("why dont you answer")
    assert me.heard == []
    me.texts(CRY)
    assert me.heard != [], "danger is answered at once"
    assert me.case().level in ("R1", "R2")
    kept = [
        told["words"]
        for told in house.dispatch(f"/{me.case().id}/messages", method="GET").get_json()["messages"]
    ]
    assert {"you there", "why dont you answer", CRY} <= set(kept)


def test_after_its_hours_a_slowed_number_is_answered_as_everybody(house: House) -> None:
    me = house.resident().texts("hello", "0")
    house.dispatch(f"/{me.case().id}/slow", {"by": SUPERVISOR, "hours": 1, "reason": "often"})
    closes(house, me)
    me.texts("hello", "what is this")
    assert me.heard == []

    house.wait(3601)
    me.texts("are you there")
    assert me.heard != []
    me.texts("is this free")
    assert me.heard != []


# ---- somebody under 18 ---------------------------------------------------------------------------
def test_a_minors_case_says_so_and_a_team_that_moves_without_a_humans_look_pages_the_review_ladder(
    house: House,
) -> None:
    me = house.resident().texts("hello", "2", "2", "2", "2", "3", "1", "Main St and 3rd Ave", "1")
    path = f"/{me.case().id}"
    packet = house.dispatch(path, method="GET").get_json()
    assert "under_18" in json.dumps(packet)

    assert (
        house.dispatch(path + "/acknowledgement", {"answer": "accept", "by": "Maria"}).status_code
        == 200
    )
    assert (
        house.dispatch(path + "/status", {"status": "en_route", "by": "Maria"}).status_code == 200
    ), "a true report is kept"
    assert me.case().status == "en_route"
    assert "review" in ladders(house, me)

    assert house.dispatch(path + "/minor-reviewed", {"by": "Maria"}).status_code == 200
    house.wait(3600)
    house.sweeps()
    assert 1 == sum(row.ladder == "review" for row in house.rows("page", case_id=me.case().id)), (
        "looked at: nobody else is asked"
    )


def test_who_confirms_with_the_acceptance_that_they_have_looked_pages_nobody(house: House) -> None:
    me = house.resident().texts("hello", "2", "2", "2", "2", "3", "1", "Main St and 3rd Ave", "1")
    path = f"/{me.case().id}"

    accepted = {"answer": "accept", "by": "Maria", "minor_reviewed": True}
    assert house.dispatch(path + "/acknowledgement", accepted).status_code == 200
    assert (
        house.dispatch(path + "/status", {"status": "en_route", "by": "Maria"}).status_code == 200
    )

    assert "review" not in ladders(house, me)


def test_while_many_wait_the_supervisor_and_the_backstop_are_asked_at_once(house: House) -> None:
    for number in range(9):
        person = stranger(house, 200 + number)
        person.pace = 1.0
        person.texts(CRY)
    house.settles()
    asked = {row.person for row in house.rows("page")}
    assert SUPERVISOR in asked
    assert {rung.name for rung in house.parts.program.backstops} & asked
