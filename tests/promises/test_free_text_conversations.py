"""What frightened people write instead of numbers, played through the real endpoints (rules 2, 5, 7
to 11, 13, 24).

Each case was found by somebody who played against the service, knowing only the rules.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from conftest import House, Resident

ME = "+17205550123"
DANA = "+17205550130"
# a team is requested; texts and calls are safe
FULL = ("hello", "1", "2", "2", "2", "1", "1", "Main St and 3rd Ave", "1", "1")
SUICIDE = ("i want to kill myself", "2", "1", "Main St and 3rd Ave", "1")


def later(house: House, seconds: float) -> None:
    house.later(seconds, 20)


def notes(house: House, me: Resident) -> list[str]:
    packet = house.dispatch(f"/{me.case().id}", method="GET").get_json()
    return [note["words"] for note in packet["notes"]]


# ---- a yes in other words ------------------------------------------------------------------------
@pytest.mark.parametrize(
    "said",
    [
        "yes but i wont do it",
        "yes sometimes when hes mad",
        "si a veces pienso en eso",
        "i think about it but no",
        "no pero a veces",
    ],
)
def test_more_than_a_no_about_suicide_is_doubt_and_pages_that_turn(house: House, said: str) -> None:
    me = house.resident().texts("hello", "1", "2", "2", said)

    assert me.case().level == "R2"
    assert house.rows("page") and said in notes(house, me)


@pytest.mark.parametrize("said", ["yes my husband", "yes my son", "yeah next door"])
def test_a_yes_with_words_at_a_gate_or_at_the_check_is_doubt(house: House, said: str) -> None:
    gate = house.resident("+17205550141").texts("hello", "1", "2", said)
    check = house.resident("+17205550142").texts(*FULL, "something is weird").texts(said)

    assert check.case().level == "R2" and said in notes(house, check)
    assert (
        gate.case().state["answers"]["safety"] == "unsure"
        and gate.case().state["asked"] == "violence"
    )
    later(house, 140)
    assert gate.case().level == "R2", "a sign of danger and then silence: a human, at once"


def test_the_check_stays_open_as_long_as_it_is_the_last_thing_they_read(house: House) -> None:
    me = house.resident().texts(*FULL, "something is weird")
    assert me.case().state["asked"] == "check"
    later(house, 620)
    me.texts("1")
    assert me.case().level == "R2" and "danger" in {row.ladder for row in house.rows("page")}


# ---- not safe ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "said", ["not safe", "Not safe.", "no es seguro", "im not safe", "not safe here"]
)
@pytest.mark.parametrize("before", [(), FULL], ids=["first words", "after the hand-off"])
def test_not_safe_anywhere_but_at_contact_is_danger_and_nothing_is_sent_unasked(
    house: House, said: str, before: tuple[str, ...]
) -> None:
    me = house.resident().texts(*before, said)
    assert me.case().level == "R2" and house.rows("page")
    house.settles()
    sent = len(house.texts_to(ME))

    later(house, 900)

    assert len(house.texts_to(ME)) == sent and not [form for form in house.rung if form["To"] == ME]


def test_not_safe_at_contact_is_its_answer(house: House) -> None:
    me = house.resident().texts("hello", "1", "2", "2", "2", "not safe")
    assert me.case().state["answers"]["contact"] == "unsafe" and me.case().level is None


# ---- permission to contact them, taken back ------------------------------------------------------
@pytest.mark.parametrize(
    "said", ["STOP", "ALTO", "stop writing, he is here", "don't text me anymore"]
)
def test_after_texts_are_stopped_or_taken_back_software_does_not_ring_either(
    house: House, said: str
) -> None:
    me = house.resident().texts(*SUICIDE, said)
    later(house, 700)
    assert me.case().level == "R2"
    assert not [form for form in house.rung if form["To"] == ME]


def test_what_is_said_about_calls_alone_is_true(house: House) -> None:
    me = house.resident().texts(*FULL, "dont call me").told("withdrawn.call")
    assert me.case().state["withdrawn"] == ["call"]


@pytest.mark.parametrize("said", ["please only call", "solo llamadas"])
def test_whoever_wants_calls_alone_is_told_so_and_so_is_the_person_who_has_it(
    house: House, said: str
) -> None:
    me = house.resident().texts(*SUICIDE)
    for words in ("", " hi this is dana"):
        house.resident(DANA).texts(me.case().reference + words)
        house.settles()
    me.texts(said).told("withdrawn.text")
    house.settles()
    assert me.case().state["withdrawn"] == ["text"]
    assert any("calls, not texts" in text for text in house.texts_to(DANA))


@pytest.mark.parametrize("said", ["can you call me instead", "call me instead", "mejor llámeme"])
def test_call_me_instead_asks_for_a_call_and_takes_no_texts_back(house: House, said: str) -> None:
    """As a reply to the question about contact it means "call only"; at any other time a person is
    requested, and may still write until somebody calls (rule 10)."""
    me = house.resident().texts(*FULL, said)
    assert me.case().level == "R2" and not me.case().state.get("withdrawn")
    asked = house.resident("+17205550177").texts("hello", "1", "2", "2", "2", said)
    assert asked.case().state["answers"]["contact"] == "call"


@pytest.mark.parametrize("said", ["police", "cops", "the police", "policía", "ambulance"])
def test_the_police_or_an_ambulance_in_a_word_get_the_words_for_911(
    house: House, said: str
) -> None:
    """Rule 11: asking for them in any words gives the words at once."""
    me = house.resident().texts("hello", "1", said)
    assert "911" in me.heard[0] and me.case().state["asked"] == "health"


@pytest.mark.parametrize("said", ["i want 911", "police", "quiero al 911"])
def test_i_want_911_is_an_answer_where_it_is_a_choice(house: House, said: str) -> None:
    """Its own words are read like its number, and the question is not put again."""
    me = house.resident().texts("hello", "1", "2", "2", "2", "1", said)
    assert "911" in me.heard[0] and me.case().state["answers"]["want"] == "call_911"


def test_dont_call_me_opens_no_texts_at_the_question_about_contact(house: House) -> None:
    me = house.resident().texts("hello", "1", "2", "2", "2", "dont call me he will hear")
    assert (
        "contact" not in me.case().state["answers"]
        or me.case().state["answers"]["contact"] == "unsafe"
    )


@pytest.mark.parametrize("said", ["dont text me", "no me escribas", "stop texting me"])
def test_after_violence_contact_taken_back_hears_ok_and_not_one_word_more(
    house: House, said: str
) -> None:
    me = house.resident().texts("my husband hits me", said)
    assert me.heard in (["OK."], ["Bien."], ["De acuerdo."]), me.heard


def test_only_a_carriers_own_word_is_a_stop_that_keeps_answers_away(house: House) -> None:
    me = house.resident().texts(*FULL)
    me.texts("no mas mensajes").told("stop.words")
    me.texts("is anybody there")
    assert me.heard, "they wrote, and are answered: as was said"
    other = house.resident("+17205550141").texts(*FULL).texts("cancel please")
    assert (
        other.case().status == "cancelled"
        and not house.rows("contact", stopped_because="asked")[1:]
    )


# ---- silence and 911 -----------------------------------------------------------------------------
def test_a_bare_911_after_the_hand_off_and_then_silence_brings_a_human(house: House) -> None:
    me = house.resident().texts(*FULL, "911").told("say.not_911")
    later(house, 80)
    assert me.case().level == "R2" and "danger" in {row.ladder for row in house.rows("page")}


def test_help_twice_is_no_keyword_but_a_plea(house: House) -> None:
    me = house.resident().texts("hello", "help").told("help")
    me.texts("help")
    assert me.case().level == "R2" and house.rows("page")


# ---- the same words ------------------------------------------------------------------------------
def test_the_same_words_for_the_fourth_time_are_kept_and_reach_whoever_holds_it(
    house: House,
) -> None:
    me = house.resident().texts(*SUICIDE)
    house.settles()
    code = me.case().reference
    house.resident(DANA).texts(code, f"{code} I am here.")
    house.settles()

    me.texts(*["please"] * 5)
    house.settles()

    assert sum(text.endswith(": please") for text in house.texts_to(DANA)) == 5


def test_in_danger_the_same_words_are_kept_for_whoever_comes(house: House) -> None:
    me = house.resident().texts("i cant breathe", "2", "1", *["please come"] * 5)
    assert notes(house, me).count("please come") == 5


# ---- places --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "said",
    [
        "ok",
        "2",
        "no",
        "i dont know exactly",
        "i dont know where i am",
        "where are you located",
        "why do you need to know",
        "please hurry",
        "hello?",
    ],
)
def test_what_names_no_place_is_none(house: House, said: str) -> None:
    me = house.resident().texts(*SUICIDE[:3])
    assert me.case().state["asked"] == "where"

    me.texts(said)

    assert not me.case().sealed_place and me.case().state["asked"] == "where"
    assert not any("number from the list" in text for text in me.heard), (
        "it asks for a place, not for a number"
    )
    me.texts("Main St and 3rd Ave")
    assert me.case().area == "central"


def test_a_place_told_before_it_is_asked_for_is_kept(house: House) -> None:
    me = house.resident().texts("he is not breathing", "1600 Broadway", "apt 4")
    packet = house.dispatch(f"/{me.case().id}", method="GET").get_json()
    assert packet["place"]["text"] == "1600 Broadway"
    assert "apt 4" in [note["words"] for note in packet["notes"]]


# ---- never the same line twice -------------------------------------------------------------------
def test_nobody_hears_the_same_line_twice_in_a_row(house: House) -> None:
    me = house.resident().texts("i want to kill myself", "2", "2", "Main St and 3rd Ave", "1")
    lines = []
    for words, seconds in (
        ("hello", 200),
        ("are you there", 60),
        ("please", 260),
        ("anybody", 60),
        ("still here", 400),
    ):
        later(house, seconds)
        lines.append(tuple(me.texts(words).heard))

    assert all(one != other and not set(one) & set(other) for one, other in pairwise(lines)), lines


def test_who_gives_no_number_hears_another_line_each_time(house: House) -> None:
    me = house.resident().texts("he is hitting me please help")
    first = tuple(me.texts("i cant").heard)
    second = tuple(me.texts("please").heard)
    assert first[0].split("\n")[0] != second[0].split("\n")[0]


def test_nobody_is_asked_in_a_language_they_do_not_read(house: House) -> None:
    me = house.resident()
    for words in (
        "\u4f60\u597d \u6211\u9700\u8981\u5e2e\u52a9",
        "\u6211\u5f88\u5bb3\u6015",
        "\u6709\u4eba\u5417",
    ):
        me.texts(words)
        assert len(me.heard) == 1 and "1 Yes" not in me.heard[0], me.heard
    assert me.case().level == "R2" and house.rows("page")


# ---- found in a second review --------------------------------------------------------------------
def test_in_danger_slow_repetition_is_answered_each_time_in_other_words(house: House) -> None:
    me = house.resident().texts("i want to kill myself", "2", "1", "Main St and 3rd Ave", "1")
    lines = []
    for _ in range(6):
        house.wait(50)
        lines.append(tuple(me.texts("please help me").heard))
    assert all(lines) and all(one != other for one, other in pairwise(lines)), lines


def test_after_start_nobody_is_rung_for_what_was_just_said(house: House) -> None:
    me = house.resident().texts(*SUICIDE[:3], "please stop")
    later(house, 220)
    me.texts("START")
    later(house, 60)
    assert not [form for form in house.rung if form["To"] == ME]


@pytest.mark.parametrize("second", ["\u4e0d", "\u597d", "?", "1"])
def test_once_a_language_is_unread_any_second_text_is_danger(house: House, second: str) -> None:
    me = house.resident().texts("\u6211\u60f3\u6b7b", second)
    assert me.case().level == "R2" and len(me.heard) == 1 and "Who needs" not in me.heard[0]


@pytest.mark.parametrize(
    "said",
    [
        "I was at city hall but left",
        "not at city hall",
        "City Hall, New York",
        "City Hall or Riverside Park",
        "my mom is at city hall",
    ],
)
def test_a_landmark_that_is_denied_or_elsewhere_is_for_a_human(house: House, said: str) -> None:
    me = house.resident().texts("hello", "1", "2", "2", "2", "1", "1", said)
    assert me.case().state["located"] == "ambiguous" and "frail" not in me.case().state["said"]


# ---- killing oneself is not violence towards others (rule 23) ------------------------------------
@pytest.mark.parametrize(
    "said",
    [
        "my brother says he will kill himself", "my husband wants to kill himself",
        "my friend says she will kill herself", "i want to kill myself, i have a gun in my hand",
        "my sister cut her wrists", "my friend on snapchat says she cut her wrists",
        "my brother is going to kill himself he has a knife",
        "me quiero matar, tengo una pistola",
    ],
)  # fmt: skip
def test_who_may_kill_themselves_hears_the_truth_unasked(house: House, said: str) -> None:
    me = house.resident().texts("hello", "3" if said.startswith("my") else "1", said, "2", "1")
    assert "violence" not in me.case().state["said"] and "weapon" not in me.case().state["said"]
    later(house, 200)
    assert any(
        "not found a person for you yet" in text
        or "No person" in text
        or "ninguna persona" in text  # who writes Spanish is answered in it
        for text in house.texts_to(me.number)
    ), house.texts_to(me.number)


def test_a_gun_in_another_hand_is_violence_as_ever(house: House) -> None:
    me = house.resident().texts(
        "hello", "1", "i want to die and he has a gun pointed at me", "2", "1"
    )
    assert "weapon" in me.case().state["said"]
    later(house, 200)
    assert house.texts_to(me.number) == []


@pytest.mark.parametrize(
    "said", ["ya me tome las pastillas", "me trague las pastillas", "i took the pills"]
)
def test_the_pills_are_an_overdose_in_both_languages(house: House, said: str) -> None:
    me = house.resident().texts(said)
    assert me.case().level == "R2" and "overdose" in me.case().state["said"]


@pytest.mark.parametrize(
    "said",
    [
        "my 9 year old son wants to die",
        "mi hija de 12 años se quiere matar",
        "my daughter is 12 and she cut herself",
        "i just turned 17",
    ],
)
def test_a_child_by_anybodys_words_is_known_to_be_one(house: House, said: str) -> None:
    assert "minor" in house.resident().texts(said).case().state["said"]


@pytest.mark.parametrize("said", ["nobody", "no one", "none", "nadie"])
def test_nobody_at_the_contact_question_is_asked_again(house: House, said: str) -> None:
    """Does nobody see this phone, or may nobody write to it? Neither is assumed."""
    me = house.resident().texts("hello", "1", "2", "2", "2")
    assert me.case().state["asked"] == "contact"
    me.texts(said)
    assert me.case().state["asked"] == "contact" and "contact" not in me.case().state["answers"]
    me.texts("2")
    assert me.case().state["answers"]["contact"] == "unsafe"


@pytest.mark.parametrize(
    ("who", "aid"), [((), False), (("1",), False), (("3",), True), (("5",), True)]
)
def test_first_aid_goes_to_who_may_be_beside_them_alone(
    house: House, who: tuple[str, ...], aid: bool
) -> None:
    """Rule 23: somebody whose answer to `who` is not known may be the one who is ill."""
    me = house.resident().texts("hello", *who) if who else house.resident().texts("too many pills")
    assert me.case().state["asked"] == "health"
    me.texts("not sure")
    assert any("tap the shoulder" in text for text in me.heard) is aid, me.heard


@pytest.mark.parametrize(
    "said", ["sorry i meant yes", "oops i hit the wrong number", "wrong number i meant 1",
             "me equivoque de numero"],
)  # fmt: skip
def test_an_answer_that_is_taken_back_is_asked_for_again(house: House, said: str) -> None:
    """That they meant "yes" is doubt at once: a human is asked, who asks the rest."""
    me = house.resident().texts("hello", "1", "2", "2", "2")
    assert me.case().state["answers"]["suicide"] == "no"
    me.texts(said)
    assert me.case().state["asked"] == "suicide" and len(house.rows("case")) == 1
    meant_yes = "meant" in said
    assert me.case().level == ("R2" if meant_yes else None)
    me.texts("1", "1")
    assert me.case().state["answers"]["suicide"] == "yes"
    assert me.case().level == ("R2" if meant_yes else "R1")


def test_a_wrong_digit_in_a_danger_is_nobody_watching(house: House) -> None:
    me = house.resident().texts("hello", "1", "i want to kill myself", "2", "1")
    me.texts("oops wrong number i meant 2")
    assert "watched" not in me.case().state["said"] and me.heard


@pytest.mark.parametrize("later", ["im at 1234 Main St", "i am at Riverside Park"])
def test_a_place_told_after_none_was_known_is_kept(house: House, later: str) -> None:
    me = house.resident().texts("hello", "1", "i want to kill myself", "2", "1", "idk")
    me.texts(later)
    house.settles()
    assert house.posted[-1][0]["place"]["text"] == later


@pytest.mark.parametrize(
    "said", ["wait", "hold on", "one sec", "im so scared", "dont know the street", "im 34", "brb",
             "espera", "no se la calle", "estoy muy asustada"],
)  # fmt: skip
def test_a_feeling_or_a_delay_is_no_place(house: House, said: str) -> None:
    me = house.resident().texts("hello", "1", "i want to kill myself", "2", "1")
    assert me.case().state["asked"] == "where"
    me.texts(said)
    house.settles()
    assert house.posted[-1][0]["place"]["text"] is None
