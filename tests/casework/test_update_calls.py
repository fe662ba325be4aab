"""If a text does not reach a resident, software calls them instead, provided that calls are safe;
humans are told about residents who cannot be called."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from at_once import behind
from phones import ME, Phone, events, fails, lost, rings, screened

from caller_service.casework.outbound import call_person as calling
from caller_service.store.tables import Base

if TYPE_CHECKING:
    from conftest import House

# ---- a text that does not reach the resident -----------------------------------------------------


def test_a_lost_text_becomes_a_call_that_tells_the_news_only_after_a_key(house: House) -> None:
    me = screened(house)
    text = lost(house, me)
    house.settles()

    (form,) = house.rung
    call = house.rows("call")[0]
    assert (form["To"], call.text_id, call.person) == (ME, text.id, None)
    assert form["Url"] == f"https://house.test/twilio/update/call?id={call.id}"
    phone = Phone(house).picks_up()
    assert phone.said == house.words("update_call.call")
    assert phone.presses("").said == house.words("update_call.call")
    phone.presses("1")
    assert (
        phone.said == f"{house.words('update_call.accepted')} {house.words('update_call.goodbye')}"
    )
    assert phone.hung_up
    phone.reports("completed")
    house.settles()

    assert events(house, "rescue_heard") == [{}]
    assert not events(house, "not_reached")
    assert (me.case().status, me.case().state["cannot_text"]) == ("accepted", "undelivered"), (
        "it closes nothing"
    )
    assert house.posted[-1][0]["contact"]["cannot_text"] == "undelivered"


def test_a_call_that_was_made_before_the_upgrade_is_answered_at_its_old_address(
    house: House,
) -> None:
    me = screened(house)
    lost(house, me)
    house.settles()
    phone = Phone(house)
    phone.form["Url"] = phone.form["Url"].replace("/update/", "/rescue/")
    assert "/twilio/rescue/call?" in phone.form["Url"]

    assert phone.picks_up().said == house.words("update_call.call")
    at = phone.next.replace("/update/", "/rescue/")
    news = f"{house.words('update_call.accepted')} {house.words('update_call.goodbye')}"
    assert phone.presses("1", at).said == news
    assert events(house, "rescue_heard") == [{}]


def test_it_is_said_in_their_language_and_of_somebody_elses_case_no_more_than_may_be(
    house: House,
) -> None:
    me = screened(house, who="3", language="hola")
    lost(house, me)
    house.settles()

    phone = Phone(house).picks_up()
    assert phone.said == house.words("update_call.call", "es")
    assert phone.presses("1").said.startswith(house.words("update_call.other.received", "es"))


def test_whoever_set_a_code_word_is_told_no_status_by_number_alone(house: House) -> None:
    me = screened(house).texts("code bluebird")
    lost(house, me)
    house.settles()

    assert Phone(house).picks_up().presses("1").said.startswith(house.words("update_call.received"))


@pytest.mark.parametrize("contact", ["3", "4", "2", "6"])
def test_where_calls_were_not_called_safe_nobody_calls_and_humans_are_told(
    house: House, contact: str
) -> None:
    me = screened(house, contact)
    house.settles()
    answered = house.rows("message", direction="out")[0]
    fails(house, answered.id)
    house.settles()
    house.sweeps().settles()

    assert house.rung == []
    assert events(house, "not_reached") == [{}]
    assert [page.person for page in house.rows("page", ladder="review")] == ["Dispatcher on duty"]
    assert house.posted[-1][0]["contact"]["cannot_text"] == "undelivered"
    assert me.case().status == "handed_off"
    fails(house, house.rows("message", direction="out")[1].id)
    assert len(house.rows("page", ladder="review")) == 1, "once"


def test_after_violence_or_when_watched_nobody_calls(house: House) -> None:
    violent = house.resident().texts("hi", "1", "2", "1", "1", "2", "2", "2", "1")
    assert violent.case().state["answers"].get("violence") == "yes"
    watched = house.resident("+17205550124").texts(
        "hi", "1", "2", "2", "2", "1", "is the pie shop open"
    )
    for me in (violent, watched):
        house.settles()
        fails(house, house.rows("message", direction="out", case_id=me.case().id)[0].id)
        house.settles()

    assert house.rung == []
    assert len(events(house, "not_reached")) == 2


def test_nobody_is_called_who_says_they_are_watched_while_the_call_waits_to_be_made(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = screened(house)
    lost(house, me)
    (waiting,) = house.rows("call", person=None)
    monkeypatch.setattr(
        calling, "_unwanted", behind(calling._unwanted, lambda: me.texts("is the pie shop open"))
    )
    house.settles()

    assert rings(house) == []
    assert house.rows("call", id=waiting.id)[0].state == "dropped"


@pytest.mark.parametrize("end", ["busy", "no-answer", "failed", "completed"])
def test_a_call_that_nobody_hears_is_told_to_humans_once(house: House, end: str) -> None:
    me = screened(house)
    lost(house, me, "30006")
    house.settles()
    Phone(house).reports(end, end)
    house.settles()

    assert len(events(house, "not_reached")) == 1
    assert len(house.rows("page", ladder="review")) == 1
    assert not me.case().closed_at


@pytest.mark.parametrize("allowed", [True, False])
def test_a_voicemail_hears_one_neutral_sentence_only_where_that_was_allowed(
    house: House, allowed: bool
) -> None:
    me = screened(house)
    if allowed:
        table = Base.metadata.tables["case"]
        state = me.case().state
        with house.parts.engine.begin() as conn:
            conn.execute(
                sa.update(table).values(
                    state={**state, "answers": {**state["answers"], "voicemail": "yes"}}
                )
            )
    lost(house, me)
    house.settles()

    assert house.rung[0]["MachineDetection"] == ("DetectMessageEnd" if allowed else "Enable")
    phone = Phone(house).picks_up("machine_end_beep" if allowed else "machine_start")
    assert (phone.said, phone.hung_up) == (
        house.words("update_call.voicemail") if allowed else "",
        True,
    )
    phone.reports("completed")
    assert len(events(house, "not_reached")) == 1, "a voicemail is not a person who heard it"


def test_one_call_a_lost_text_and_not_within_ten_minutes_of_the_last(house: House) -> None:
    me = screened(house)
    text = lost(house, me)
    fails(house, text.id)
    replies = [row.id for row in house.rows("message", direction="out") if row.answers]
    house.wait(60)
    fails(house, replies[0])
    house.settles()
    assert len(house.rows("call")) == 1
    Phone(house).picks_up().presses("1").reports("completed")

    house.wait(600)
    fails(house, replies[1])
    house.settles()
    assert [row.text_id for row in house.rows("call")] == [text.id, replies[1]]


def test_a_call_that_is_not_allowed_any_more_is_not_made(house: House) -> None:
    me = screened(house)
    lost(house, me)
    me.texts("is the pie shop open")
    house.settles()

    assert house.rung == []
    assert events(house, "call_dropped")[0]["why"] == "the safe-contact gate"
    assert len(events(house, "not_reached")) == 1


def test_without_a_number_to_call_from_humans_are_told(house: House) -> None:
    program = house.parts.program
    service = replace(program.numbers.ours[0], number="MG" + "0" * 32)
    house.change(program=replace(program, numbers=replace(program.numbers, ours=(service,))))
    me = screened(house)
    lost(house, me)
    house.settles()

    assert house.rung == []
    assert len(events(house, "not_reached")) == 1
