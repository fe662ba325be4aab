"""Callers who do what no script expects: they stopped texts, press the wrong key at the wrong time,
change their mind after the last words, or are gone and nobody says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from caller import ME, Caller
from phones import Phone, passes

from caller_service.core.case import Status
from caller_service.core.protocol import Level
from caller_service.core.said import Said

if TYPE_CHECKING:
    from conftest import House

NO = "2"


def runs(house: House) -> None:
    house.sweeps()
    house.settles()


def waiting(house: House, *keys: str) -> Caller:
    me = Caller(house).rings().presses(*(keys or ("1", "1")))
    runs(house)
    return me


def test_who_stopped_texts_is_heard_on_the_phone(house: House) -> None:
    """A carrier holds texts back after STOP, not what is spoken (rule 8)."""
    house.resident(ME).texts("hi", "1", "2", "STOP")
    me = Caller(house).rings().told("spoken.ask.safety").presses(NO, NO, NO, NO, "2")
    told = me.case().answers
    assert (told["safety"], told["suicide"]) == ("no", "no")
    assert (told["contact"], told["want"]) == ("unsafe", "counselor")


@pytest.mark.parametrize("key", [*"0123456789", "*", "#"])
def test_any_key_of_whoever_cannot_talk_is_any(house: House, key: str) -> None:
    me = Caller(house).rings().presses("1").is_silent(2).told("spoken.silent.two").presses(key)
    assert Said.HIDING in me.case().said
    assert me.case().violent
    me.told("spoken.danger.hiding")
    assert me.queue is not None, me.transcript()


def test_words_after_the_second_silence_are_heard_as_words(house: House) -> None:
    program = house.parts.program
    house.change(program=replace(program, phone=replace(program.phone, speech=True)))
    me = Caller(house).rings().presses("1").is_silent(2).says("no")
    assert me.case().answers["health"] == "no"
    assert Said.HIDING not in me.case().said


def test_worse_is_heard_after_where_it_stands(house: House) -> None:
    Caller(house).rings().presses("1", NO, NO, NO, NO, "1", "1", "2", "1").hangs_up()
    me = Caller(house).rings().told("spoken.open_request.keys").presses("1", "2")
    assert Said.WORSE in me.case().said
    assert me.case().in_danger
    assert me.queue is not None, me.transcript()


@pytest.mark.parametrize("number", [ME, "anonymous"])
@pytest.mark.parametrize("want", ["2", "3"])
def test_0_after_the_end_of_a_request_is_a_person(house: House, number: str, want: str) -> None:
    """They were told "to talk with a person, press 0": another case is opened for that."""
    contact = () if number == "anonymous" else (NO, NO)
    me = Caller(house, number).rings().presses("1", NO, NO, NO, NO, *contact, want)
    me.told("spoken.closing")
    first = me.case()
    assert first.ended
    me.presses("0").told("spoken.wait.start")
    case = me.case()
    assert (case.level, case.related) == (Level.R2, first.id)
    assert me.name_of_queue == case.id
    runs(house)
    dana = Phone(house).picks_up().presses("1")
    me.is_joined(dana.queue_url.partition("id=")[2])
    assert me.case().talking
    me.hangs_up()
    assert not me.case().on_line


def test_0_after_it_was_closed_while_they_were_away_is_a_person(house: House) -> None:
    me = waiting(house).presses("4", "1")
    first, by = me.case(), {"by": "Dispatcher on duty"}
    house.dispatch(f"/{first.id}/acknowledgement", by | {"answer": "accept"})
    house.dispatch(f"/{first.id}/lower", by | {"reason": "spoke with the counselor"})
    body = by | {"status": "closed", "outcome": "no_danger_found"}
    assert house.dispatch(f"/{first.id}/status", body).status_code == 200
    runs(house)
    me.comes_back().told("spoken.wait.closed")
    assert house.words("spoken.wait.after_988") not in me.said  # nobody is asked for
    before = len(house.rung)
    me.presses("0")
    assert me.case().id != first.id
    assert me.case().in_danger
    runs(house)
    assert len(house.rung) > before


def test_0_after_the_end_goes_to_the_case_that_a_text_opened(house: House) -> None:
    me = Caller(house).rings().presses("1", NO, NO, NO, NO, NO, NO, "2")
    assert me.case().ended
    resident = house.resident(ME).texts("hello again")
    me.presses("0")
    assert me.case().id == resident.case().id
    assert me.queue is not None, me.transcript()


def test_whoever_is_on_the_line_is_not_told_that_a_person_will_write(house: House) -> None:
    me = waiting(house, "1", NO, NO, NO, NO, "1", "1", "0")
    dana = Phone(house, 0).picks_up().presses("1")
    runs(house)
    assert not house.texts_to(ME)
    me.is_joined(dana.queue_url.partition("id=")[2])
    house.wait(60)
    me.hangs_up()
    runs(house)
    assert not house.texts_to(ME)


def test_who_rings_back_hears_the_danger_that_was_said_since(house: House) -> None:
    me = Caller(house).rings().presses("1", NO, NO, NO, NO, "1", "1", "2").hangs_up()
    runs(house)
    told = {"by": "Dana", "in_minutes": 10}
    assert house.dispatch(f"/{me.case().id}/callbacks", told).status_code == 200
    house.resident(ME).texts("he is beating me")
    house.wait(601)
    runs(house)
    (callback,) = house.rows("callback")
    (place,) = (
        number
        for number, form in enumerate(house.rung)
        if form["Url"].endswith(f"id={callback.call_id}")
    )
    staff = Phone(house, place).picks_up().presses("1")
    assert house.words("spoken.whisper.kind.violence") in staff.said


def test_who_stays_after_a_talk_that_lowered_the_level_is_asked_for(house: House) -> None:
    me = waiting(house, "1", "3")
    dana = Phone(house, 0).picks_up().presses("1")
    me.is_joined(dana.queue_url.partition("id=")[2])
    house.wait(60)
    by = {"by": "Dispatcher on duty"}
    assert house.dispatch(f"/{me.case().id}/lower", by | {"reason": "not so"}).status_code == 200
    dana.parts()
    dana.reports("completed")
    me.parts().told("spoken.wait.parted").is_silent()
    assert me.queue is not None, me.transcript()
    assert me.case().in_danger


def test_9_again_is_a_person_too(house: House) -> None:
    me = Caller(house).rings().presses("1", "9").told("spoken.ask.health.me").presses("9")
    assert "Hang up and call 911" in me.said
    assert me.case().level == Level.R2
    assert me.queue is not None, me.transcript()


@pytest.mark.parametrize("keys", [("1", NO, "1"), ("1", NO, NO, NO, "1")])
def test_a_dead_line_after_a_sign_of_danger_is_not_waited_for(
    house: House, keys: tuple[str, ...]
) -> None:
    """The provider says for ever that the call goes on."""
    me = Caller(house).rings().presses(*keys)
    passes(house, 5)
    assert me.case().in_danger
    assert house.rung
    assert not house.texts_to(ME)


def test_a_dead_line_after_an_answer_is_looked_at(house: House) -> None:
    me = Caller(house).rings().presses("1", NO)
    passes(house, 20)
    assert me.case().review
    assert me.case().status == Status.SCREENING


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ("1", "3"),  # what to do while they wait for a person
        ("1", "9"),  # 911 words
        ("1", NO),  # the rest of the preamble
        ("1" + NO * 2, "1"),  # that people here may have to report
        ("1" + NO * 2, "0"),  # into the queue
        ("1" + NO * 4 + "11", "3"),  # the last words
    ],
)
def test_a_press_that_comes_twice_cuts_off_no_words(house: House, keys: str, key: str) -> None:
    """A finger that shakes, or a key that bounces: the second press stops what the first one got,
    so all of it is said once more (rules 3, 11 and 14)."""
    me = Caller(house).rings().presses(*keys, key)
    first = me.said
    me.presses(key, listening=False)
    assert me.said == first, me.transcript()


@pytest.mark.parametrize("key", ["4", "9"])
def test_a_press_that_comes_twice_in_the_queue_is_one(house: House, key: str) -> None:
    me = waiting(house, "1", "3").presses(key)
    first = me.said
    me.presses(key, listening=False)
    assert me.said == first, me.transcript()
    if key == "4":  # 988 is still offered, and 1 confirms it
        me.presses("1")
        assert me.dialled, me.transcript()


def test_a_wrong_key_in_the_greeting_takes_nothing_of_it(house: House) -> None:
    """Who we are, 911 and how to ask for a person are said before the first question, whatever is
    pressed meanwhile."""
    me = Caller(house).rings()
    house.wait(1)
    me.presses("5", listening=False)
    for key in ("not_a_key", "greeting.program", "greeting.danger", "greeting.person"):
        me.told(f"spoken.{key}")
    me.presses("5")  # heard whole: the question alone
    assert house.words("spoken.greeting.danger") not in me.said


def test_what_is_told_before_a_question_survives_a_key_that_was_too_early(house: House) -> None:
    """Under 18: that people here may have to report comes before the question (rule 14)."""
    me = Caller(house).rings().presses("1", NO, NO, "1").told("spoken.minor.report")
    house.wait(2)
    me.presses(NO, listening=False).told("spoken.too_fast").told("spoken.minor.report")
    house.wait(2)
    me.presses("*", listening=False).told("spoken.minor.report")
    me.presses("*")
    assert house.words("spoken.minor.report") not in me.said
    me = Caller(house, "+17205550141").rings().presses("1", NO).told("spoken.preamble")
    house.wait(3)
    me.presses("5", listening=False).told("spoken.preamble")
    house.wait(14)
    me.presses("8", listening=False).told("spoken.police")
    assert house.words("spoken.preamble") not in me.said  # they pressed what it offers


@pytest.mark.parametrize(
    ("keys", "kinds"),
    [
        (("1", "3"), ("breathing", "unsure")),
        (("1", NO, NO, NO, "#"), ("suicide", "unsure")),
        (("1", NO, "3", NO, NO, NO), ("unsure",)),
        (("1", "1"), ("breathing",)),
        (("0",), ("none",)),
    ],
)
def test_staff_hear_a_doubt_as_a_doubt(
    house: House, keys: tuple[str, ...], kinds: tuple[str, ...]
) -> None:
    """Nobody is told that the caller asked for a person who did not (rule 22)."""
    waiting(house, *keys)
    staff = Phone(house, 0).picks_up().presses("1")
    told = [house.words(f"spoken.whisper.kind.{kind}") for kind in kinds]
    assert " ".join(told) in staff.said, staff.said
    others = {"breathing", "suicide", "unsure", "none"} - set(kinds)
    assert not [kind for kind in others if house.words(f"spoken.whisper.kind.{kind}") in staff.said]


def test_a_wrong_number_hears_what_a_caller_can_do(house: House) -> None:
    """They hold a phone: they may hang up, and are not told to write."""
    program = house.parts.program
    house.change(program=replace(program, phone=replace(program.phone, speech=True)))
    me = Caller(house).rings().says("oh sorry wrong number").told("spoken.wrong_number")
    assert "write" not in me.said
    me.hangs_up()
    house.wait(600)
    runs(house)
    assert not house.rows("page")
