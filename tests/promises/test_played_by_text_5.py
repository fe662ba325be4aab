"""A fifth round of conversations played by somebody who knew only the rules (rules 4, 5, 8, 9, 10,
13, 14, 21, 23, 25, 26)."""

from __future__ import annotations

import pytest
from conftest import House, Resident
from played import (
    DANA,
    FULL,
    FULL_ES,
    LUIS,
    SUICIDE,
    UNIT,
    answers,
    held,
    later,
    paged_for_danger,
    staff,
)

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


@pytest.mark.parametrize(
    ("said", "chosen"), [("1 and 2", "counselor"), ("2 and 3", "counselor"), ("1, 3", "wait")]
)
def test_two_wishes_if_no_team_is_free(house: House, said: str, chosen: str) -> None:
    """They are no story: no question about danger follows."""
    me = house.resident().texts(*AT_NEED, "1", said)
    assert me.case().state["answers"]["if_none"] == chosen
    assert me.case().state["asked"] != "check"


@pytest.mark.parametrize(
    ("said", "contact"),
    [("both are fine", "text_call"), ("no dear", "unsafe"), ("yes ga", "text_call")],
)
def test_words_that_add_nothing_to_an_answer(house: House, said: str, contact: str) -> None:
    """ "GA" ends a turn in the habit of whoever used a TTY."""
    me = house.resident().texts("hello dear", "me ga", "no ga", "no dear", "no bro", said)
    assert me.case().state["answers"]["contact"] == contact


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


# ---- whoever else holds the phone ----------------------------------------------------------------
@pytest.mark.parametrize(
    "said",
    ["its her husband, its ok to call", "its her husband, you can call me",
     "this is her husband can someone call me please", "habla su esposo, pueden llamar",
     "this is her husband only call me"],
)  # fmt: skip
@pytest.mark.parametrize("before", [(), ("2",)])
def test_after_violence_somebody_elses_hand_is_answered_by_nobody(
    house: House, said: str, before: tuple[str, ...]
) -> None:
    """Rules 5, 9 and 10: it opens nothing, and software stays silent until a human has read."""
    me = house.resident().texts("my husband hits me", *before, said)
    assert me.heard == []
    assert (
        me.case().state["answers"].get("contact") is None and "watched" in me.case().state["said"]
    )


@pytest.mark.parametrize(
    "said",
    ["this is her husband she is fine dont write to this number again", "wrong number dont text me",
     "soy su esposo ella esta bien no escriban mas", "numero equivocado dejen de escribir"],
)  # fmt: skip
@pytest.mark.parametrize("before", [("i want to die",), ("my husband hits me", "2")])
def test_somebody_elses_hand_that_takes_contact_back_is_asked_nothing(
    house: House, said: str, before: tuple[str, ...]
) -> None:
    """He is not asked where she is, no answer of his counts, and what he takes back is closed
    (rules 9 and 10)."""
    me = house.resident().texts(*before, said)
    assert me.heard == []
    state = me.case().state
    assert "contact" not in state["answers"] and "watched" in state["said"] and state["withdrawn"]
    assert me.texts("who is this").heard == []


def test_who_finds_the_phone_and_wants_no_texts_opens_no_window_for_a_human(house: House) -> None:
    me, code = held(house)
    me.texts("this is not my phone stop writing to me")
    assert "Sent" not in staff(house, DANA, f"{code} sorry")


@pytest.mark.parametrize(
    "said", ["its her husband that hits her", "its her husband. he is beating her"]
)
def test_who_hits_is_not_who_writes(house: House, said: str) -> None:
    me = house.resident().texts(said)
    assert paged_for_danger(house) and me.heard != []
    assert "watched" not in me.case().state["said"]


@pytest.mark.parametrize(
    ("said", "key"),
    [("what did sarah tell you about me", "others.cannot_say"),
     ("i know she texts you", "others.cannot_say"), ("does my wife text you", "others.cannot_say"),
     ("we demand preservation of all records of communications", "others.legal"),
     ("we have a warrant", "others.legal"), ("who is your records custodian", "others.legal")],
)  # fmt: skip
def test_who_asks_about_others_learns_nothing(house: House, said: str, key: str) -> None:
    """Rule 25."""
    house.resident().texts(said).told(key)


@pytest.mark.parametrize("said", ["what did she tell you about me", "did my wife text you"])
def test_after_violence_who_asks_about_others_reads_that_alone(house: House, said: str) -> None:
    """The question that is open, and the preamble that is owed, would say who wrote (rule 10)."""
    me = house.resident().texts("my husband hits me")
    assert me.case().state["asked"] == "health"

    me.texts(said)

    assert me.heard == [house.words("others.cannot_say")]
    assert me.case().state["asked"] == "health"
    me.texts("no").told("preamble", "ask.contact")


# ---- does anybody read this ----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "watched"),
    [("¿alguien está leyendo mis mensajes?", False), ("alguien esta leyendo esto?", False),
     ("alguien está leyendo mis mensajes", True), ("mi esposo esta leyendo mis mensajes?", True),
     ("someone is reading my messages", True)],
)  # fmt: skip
def test_a_question_whether_anybody_reads_is_about_us(
    house: House, said: str, watched: bool
) -> None:
    me = house.resident().texts(*FULL_ES, said)
    assert (me.heard == []) is watched
    assert ("watched" in me.case().state["said"]) is watched


@pytest.mark.parametrize("said", ["who is this", "are you a robot", "is this free"])
def test_an_ordinary_question_is_answered_where_a_place_is_asked(house: House, said: str) -> None:
    """A street may be named like a question, but no place is in these words."""
    me = house.resident().texts(*SUICIDE).told("ask.where.person").texts(said)
    me.told("ask.where.person").hears_not(house.words("unclear.place"))


@pytest.mark.parametrize("said", ["can you call my phone", "could someone ring my cell"])
def test_who_asks_for_a_call_asks_for_a_person(house: House, said: str) -> None:
    """Not whether we tell others."""
    house.resident().texts("hello", said)
    assert paged_for_danger(house)


# ---- who needs help, in a sentence ---------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "who"),
    [("my sister needs help too", "adult"), ("help my brother please", "adult"),
     ("me and my two kids", "me"), ("i need help too", "me"), ("mi hermana tambien", "adult")],
)  # fmt: skip
def test_who_needs_help_is_understood_in_a_sentence(house: House, said: str, who: str) -> None:
    me = house.resident().texts("hello", said)
    assert me.case().state["answers"]["who"] == who


@pytest.mark.parametrize("said", ["i am sorry", "my sister and my brother", "not me"])
def test_words_beside_it_make_nobody_the_one_in_need(house: House, said: str) -> None:
    assert "who" not in house.resident().texts("hello", said).case().state["answers"]


# ---- after the hand-off --------------------------------------------------------------------------
def test_a_child_who_says_so_late_is_told_before_the_check_question(house: House) -> None:
    """Rule 14: the sentence about reporting comes before we ask, and once."""
    me = house.resident().texts(*FULL, "btw im only 13").told("minor.report", "ask.check")
    me.texts("is that ok").told("ask.check").hears_not(house.words("minor.report"))


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_no_to_the_check_question_hears_another_line(house: House, language: str) -> None:
    """Rule 4: nobody is answered with the same line twice."""
    full, story = {
        "en": (FULL, "my mom never gets me"), "es": (FULL_ES, "mi mama no me entiende nunca"),
    }[language]  # fmt: skip
    me = house.resident().texts(*full, story)
    answers(me, "heard.one", language)
    answers(me.texts("2"), "heard.two", language)


@pytest.mark.parametrize(
    "said",
    [
        "how long will they be",
        "are they close",
        "r u gonna call or not",
        "cuanto van a tardar",
        "ya estan cerca",
        "ya vienen o no",
        "q paso",
    ],
)
def test_who_asks_how_long_is_told_how_it_stands(house: House, said: str) -> None:
    """Promise 3: the truth about waiting, and no question about danger."""
    me = house.resident().texts(*FULL, said)
    assert me.case().state["asked"] == "" and not me.case().state["said"]


@pytest.mark.parametrize("said", ["nvm i dont need them anymore", "i dont need them anymore"])
def test_who_needs_the_team_no_more_has_cancelled(house: House, said: str) -> None:
    me = house.resident().texts(*FULL, said).told("cancel.done")
    assert me.case().status == "cancelled" and not paged_for_danger(house)


# ---- people on duty ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "said",
    ["no unit free", "no units available right now", "nobody available", "all units are out",
     "we are full", "at capacity", "no hay unidades", "nadie disponible"],
)  # fmt: skip
def test_a_team_without_a_unit_passes_it_on(house: House, said: str) -> None:
    me = house.resident().texts(*FULL)
    house.settles()
    code = me.case().reference
    assert staff(house, UNIT, f"{code} {said}") == house.words("page.passed_alone", reference=code)
    assert me.case().status == "handed_off"


@pytest.mark.parametrize("said", ["closed safe", "close plan made", "closed as resolved"])
def test_closing_words_do_not_reach_who_is_in_danger(house: House, said: str) -> None:
    me, code = held(house)
    before = len(house.texts_to(me.number))
    assert house.words("page.close", reference=code) in staff(house, DANA, f"{code} {said}")
    assert len(house.texts_to(me.number)) == before


def handed_to_luis(house: House) -> tuple[Resident, str]:
    """Dana has written to somebody in danger and asked Luis to go on."""
    me, code = held(house)
    assert house.words("page.handed", reference=code, name="Second dispatcher") == staff(
        house, DANA, f"{code} HAND TO Second dispatcher"
    )
    return me, code


@pytest.mark.parametrize("said", ["ok", "on it", "omw", "20", "👍"])
def test_an_ok_to_who_hands_it_over_is_no_first_word(house: House, said: str) -> None:
    """Rules 20 and 21: to accept is not to join. The resident reads no "ok", and the clock for
    their first words runs on."""
    me, code = handed_to_luis(house)
    before = len(house.texts_to(me.number))
    asked = len([text for text in house.texts_to(DANA) if "needs a person" in text])

    assert house.words("page.accepted", reference=code) in staff(house, LUIS, f"{code} {said}")
    assert len(house.texts_to(me.number)) == before
    later(house, 120)
    assert len([text for text in house.texts_to(DANA) if "needs a person" in text]) > asked

    staff(house, LUIS, f"{code} hi, I am Luis")
    assert "hi, I am Luis" in house.texts_to(me.number)[-1]
    staff(house, LUIS, f"{code} ok")
    assert house.texts_to(me.number)[-1].endswith("ok")


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "anyone"), ("en", "whatever"), ("en", "useless robot"), ("es", "nadie"),
     ("es", "contesten")],
)  # fmt: skip
def test_a_cry_is_no_place(house: House, language: str, said: str) -> None:
    """Rule 13: no team is sent to "whatever"."""
    first = {"en": SUICIDE, "es": ("quiero matarme", *SUICIDE[1:])}[language]
    me = house.resident().texts(*first, said)
    assert me.case().state["asked"] == "where"
    assert "where" not in me.case().state["answers"]


@pytest.mark.parametrize("said", ["sale", "va", "orale gracias", "enterado"])
def test_a_short_thanks_in_spanish_is_only_thanks(house: House, said: str) -> None:
    answers(house.resident().texts(*FULL_ES, said), "thanks.open", "es")


# ---- hidden --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "said", ["he broke in. im hiding in the closet", "i cant talk he is in the house"]
)
def test_nobody_who_hides_is_sent_to_a_safe_place(house: House, said: str) -> None:
    me = house.resident().texts(said)

    answers(me, "danger.hiding", "en")
    me.hears_not(house.words("danger.violence", "en"))
    assert paged_for_danger(house)
