"""A fifth round of conversations played by somebody who knew only the rules (rules 4, 5, 8, 9, 10,
13, 14, 21, 23, 25, 26)."""

from __future__ import annotations

import pytest
from conftest import House
from played import answers

AT_CONTACT = ("hello", "1", "2", "2", "2")
AT_NEED = (*AT_CONTACT, "1", "1", "Main St and 3rd Ave")


# ---- deaf ----------------------------------------------------------------------------------------
DEAF = {"en": "hello, im deaf", "es": "hola, soy sorda"}


@pytest.mark.parametrize("language", ["en", "es"])
def test_nobody_deaf_is_asked_about_calls(house: House, language: str) -> None:
    """Every choice is written for this person (§2)."""
    me = house.resident().texts(DEAF[language], "1", "2", "2", "2")

    answers(me, "ask.contact.deaf", language)
    answers(me, "choice.contact.text_call.deaf", language)
    for call in ("ask.contact", "choice.contact.text_call", "choice.contact.call"):
        me.hears_not(house.words(call, language))
    assert me.case().state["offered"] == ["text_call", "unsafe", "unwanted"]


@pytest.mark.parametrize(
    ("said", "contact"),
    [("1", "text_deaf"), ("yes", "text_deaf"), ("text only", "text_deaf"), ("deaf", "text_deaf"),
     ("2", "unsafe"), ("no", "unsafe"), ("3", "unwanted"), ("call only", "call")],
)  # fmt: skip
def test_what_somebody_deaf_answers_is_meant_for_texts(
    house: House, said: str, contact: str
) -> None:
    """Their own choice first: whoever asks for calls in words has a relay (§11)."""
    me = house.resident().texts(DEAF["en"], "1", "2", "2", "2", said)
    assert me.case().state["answers"]["contact"] == contact


def test_who_says_at_the_question_that_they_are_deaf_has_answered_it(house: House) -> None:
    me = house.resident().texts(*AT_CONTACT, "i'm deaf so text only please")
    answers(me, "choice.want.counselor.deaf", "en")
    assert me.case().state["answers"]["contact"] == "text_deaf"


# ---- several answers in one text -----------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "need", "also"),
    [("1 and 3", "high", set()), ("3, 4", "high", {"heat_or_cold"}), ("1 y 4", "basics", set()),
     ("both 2 and 6", "argument", {"hears_or_sees"}), ("hungry and cold", "basics", set()),
     ("hes drunk and hearing voices", "hears", {"high"}),
     ("all of the above", "argument", {"hears_or_sees", "high", "heat_or_cold"})],
)  # fmt: skip
def test_several_needs_are_all_kept(house: House, said: str, need: str, also: set[str]) -> None:
    """The level follows all of them: one is the answer, what the others mean is a marker."""
    me = house.resident().texts(*AT_NEED, said)

    state = me.case().state
    assert state["answers"]["need"] == need
    assert also <= set(state["said"])
    asks_for_a_gun = "hears" in need or need == "argument"
    assert (state["asked"] == "gun") == asks_for_a_gun


@pytest.mark.parametrize("said", ["1 and 9", "1 and my mom", "1 and 3 but he left"])
def test_a_text_that_says_more_is_no_several_answers(house: House, said: str) -> None:
    me = house.resident().texts(*AT_NEED, said)
    assert me.case().state["asked"] == "need"


@pytest.mark.parametrize("said", ["1 and 2", "2 and 3", "1 and 3", "2, 2"])
def test_a_question_of_safety_or_contact_has_one_answer(house: House, said: str) -> None:
    """Neither a "no" nor consent comes from a text that says two things (rules 7 and 8)."""
    assert house.resident().texts("hello", "1", said).case().state["asked"] == "health"
    other = house.resident("+17205550188").texts(*AT_CONTACT, said)
    assert other.case().state["asked"] == "contact"
