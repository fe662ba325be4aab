"""A second round of conversations by somebody with the rules alone in hand: people on duty who
have nothing but texts, people who write Spanish, and what comes after the hand-off (rules 4, 7,
10, 14, 20 to 23)."""

from __future__ import annotations

import pytest
from conftest import House, Resident

ME = "+17205550123"
DANA, LUIS, UNIT = "+17205550130", "+17205550131", "+17205550133"
# a team is asked for; text and call
FULL = ("hello", "1", "2", "2", "2", "1", "1", "Main St and 3rd Ave", "1", "1")
FULL_ES = ("hola", *FULL[1:])
SUICIDE = ("i want to kill myself", "2", "1")


def later(house: House, seconds: float) -> None:
    house.passes(seconds, 20).settles()


def staff(house: House, number: str, said: str) -> str:
    heard = house.resident(number).texts(said).heard
    house.settles()
    return "\n".join(heard)


def held(house: House) -> tuple[Resident, str]:
    """Dana has a danger and has written."""
    me = house.resident().texts(*SUICIDE)
    house.settles()
    code = me.case().reference
    staff(house, DANA, code)
    staff(house, DANA, f"{code} I am Dana. I am here.")
    return me, code


# ---- people on duty, by text alone ---------------------------------------------------------------
@pytest.mark.parametrize("said", ["stay with me", "ok", "PAUSE", "are you hurt?", "yes"])
def test_whoever_forgets_the_code_hears_that_nothing_was_sent(house: House, said: str) -> None:
    me, code = held(house)
    before = house.texts_to(ME)

    answer = staff(house, DANA, said)

    assert "Nothing was sent" in answer and code in answer
    assert house.texts_to(ME) == before and me.case().state["holder"] == "Dispatcher on duty"


def test_whoever_is_asked_and_forgets_the_code_hears_which_one(house: House) -> None:
    me = house.resident().texts(*SUICIDE)
    house.settles()
    assert me.case().reference in staff(house, DANA, "on it")
    assert not me.case().state["accepted_by"]


def test_with_two_cases_no_code_is_guessed(house: House) -> None:
    codes = []
    for number in (ME, "+17205550124"):
        me = house.resident(number).texts("i want to kill myself")
        house.settles()
        codes.append(me.case().reference)
        staff(house, DANA, codes[-1])
    answer = staff(house, DANA, "i am here")
    assert "Nothing was sent" in answer and not any(code in answer for code in codes)


@pytest.mark.parametrize(
    "said",
    [
        "CLOSE emergency help confirmed",
        "CLOSED she is with her sister",
        "CERRAR esta mejor",
        "resuelto",
        "STATUS",
        "help",
        "ANSWER contact 1",
        "ANSWER: contact yes",
        "ESTADO",
        "ESCALATE to the supervisor",
    ],
)
def test_no_resident_reads_what_was_meant_for_the_service(house: House, said: str) -> None:
    _, code = held(house)
    before = house.texts_to(ME)
    assert "begin with another word" in staff(house, DANA, f"{code} {said}")
    assert house.texts_to(ME) == before


@pytest.mark.parametrize(
    "said", ["help is coming", "note the door is open", "answer me please", "ayuda va en camino"]
)
def test_a_sentence_that_begins_like_a_command_reaches_the_resident(
    house: House, said: str
) -> None:
    _, code = held(house)
    staff(house, DANA, f"{code} {said}")
    assert house.texts_to(ME)[-1] == f"Dispatcher on duty: {said}"


@pytest.mark.parametrize(("said", "key"), [("PAUSA", "page.paused"), ("devolver", "page.released")])
def test_commands_are_known_in_spanish(house: House, said: str, key: str) -> None:
    _, code = held(house)
    before = house.texts_to(ME)
    assert staff(house, DANA, f"{code} {said}") == house.words(key, reference=code)
    assert not any(said in text for text in house.texts_to(ME)[len(before) :])


@pytest.mark.parametrize("name", ["Second", "second", "Second dispatcher."])
def test_a_hand_over_finds_whoever_the_name_begins(house: House, name: str) -> None:
    me, code = held(house)
    staff(house, DANA, f"{code} HAND TO {name}")
    assert me.case().state["holder"] == "Second dispatcher"


@pytest.mark.parametrize("said", ["HAND TO", "HAND TO Bob"])
def test_a_hand_over_to_nobody_says_who_there_is(house: House, said: str) -> None:
    me, code = held(house)
    answer = staff(house, DANA, f"{code} {said}")
    assert "Second dispatcher" in answer and "Shift supervisor" in answer
    assert me.case().state["holder"] == "Dispatcher on duty"


@pytest.mark.parametrize("said", ["no", "cant, on another one", "busy"])
def test_whoever_is_handed_a_case_and_refuses_is_replaced_at_once(house: House, said: str) -> None:
    me, code = held(house)
    staff(house, DANA, f"{code} HAND TO Second dispatcher")
    pages = len(house.rows("page"))

    assert "The next person is asked now" in staff(house, LUIS, f"{code} {said}")

    assert len(house.rows("page")) > pages and not me.case().state["holder"]


def test_after_their_first_words_a_bare_no_is_asked_back(house: House) -> None:
    me, code = held(house)
    staff(house, DANA, f"{code} HAND TO Second dispatcher")
    staff(house, LUIS, f"{code} I am Luis.")
    assert "nothing was sent" in staff(house, LUIS, f"{code} no")
    assert me.case().state["holder"] == "Second dispatcher"


@pytest.mark.parametrize("said", ["on our way", "ok", "omw"])
def test_whoever_has_a_case_and_says_so_again_hears_that_nothing_was_sent(
    house: House, said: str
) -> None:
    me = house.resident().texts(*FULL)
    house.settles()
    code = me.case().reference
    staff(house, UNIT, code)
    before = house.texts_to(ME)
    assert "Nothing was sent" in staff(house, UNIT, f"{code} {said}")
    assert house.texts_to(ME) == before
