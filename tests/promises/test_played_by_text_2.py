"""A second round of conversations played by somebody who knew only the rules: people on duty who
can only text, people who write Spanish, and what comes after the hand-off (rules 4, 7, 10, 14, 20
to 23)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from conftest import House
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

ME = "+17205550123"


# ---- people on duty who can only text ------------------------------------------------------------
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


# ---- questions to the service --------------------------------------------------------------------
ASKED = (
    ("will they take my kids", "en", "faq.children"),
    ("are you gonna take my baby away", "en", "faq.children"),
    ("do you call cps", "en", "faq.children"),
    ("immigration?", "en", "faq.immigration"),
    ("are you ICE", "en", "faq.immigration"),
    ("will you call immigration", "en", "faq.immigration"),
    ("me van a quitar a mis hijos?", "es", "faq.children"),
    ("llaman a la migra?", "es", "faq.immigration"),
    ("no tengo papeles", "es", "faq.immigration"),
    ("van a llamar a la policia?", "es", "faq.police"),
)


@pytest.mark.parametrize(("said", "language", "key"), ASKED)
def test_a_question_to_the_service_is_answered(
    house: House, said: str, language: str, key: str
) -> None:
    first = {"en": "hello", "es": "hola"}[language]
    answers(house.resident().texts(first, said), key, language)


@pytest.mark.parametrize(
    "said",
    ["i slipped on ice and my back hurts", "my ex will take my kids and i cant stop crying"],
)
def test_a_story_with_such_a_word_in_it_is_no_question(house: House, said: str) -> None:
    me = house.resident().texts(said)
    assert "story" in me.case().state["said"]


def test_a_long_text_with_a_question_in_it_is_read_by_a_human(house: House) -> None:
    me = house.resident().texts(
        "no tengo papeles y estoy muy sola aqui desde que llegue hace un ano"
    )
    answers(me, "faq.immigration", "es")
    assert "story" in me.case().state["said"]


def test_a_child_who_told_hears_no_sentence_about_reports_from_software(house: House) -> None:
    """Rule 14: if the child told us first, a human explains it."""
    me = house.resident().texts("my stepdad touches me at night", "will they take me away")
    me.told("faq.children.told").hears_not("report")
    me.texts("dont tell my mom").told("faq.private").hears_not("never call")
    me.texts("im 12", "please dont tell my mom").told("faq.private.minor")


@pytest.mark.parametrize(("before", "who"), [("he hit me", "who is this"), ("me pega", "quien es")])
def test_whoever_holds_the_phone_after_violence_learns_no_more(
    house: House, before: str, who: str
) -> None:
    language = "es" if who == "quien es" else "en"
    me = house.resident().texts(before, who)
    answers(me, "faq.who.short", language)
    assert not any("Fairhaven" in said for said in me.heard[:1])


@pytest.mark.parametrize(
    "said", ["ya llame al 911", "ya le marque al 911 ya vienen", "ya llamamos a la policia"]
)
def test_whoever_has_called_911_is_not_told_to_call_it(house: House, said: str) -> None:
    me = house.resident().texts("me quiero morir", "no", "si")
    assert me.case().state["asked"] == "where"
    me.texts(said).hears_not("al 911 ya")
    assert "where" not in me.case().state["answers"]


# ---- the language they write ---------------------------------------------------------------------
@pytest.mark.parametrize(
    "said",
    ["me pega", "no respira", "me voy a matar", "me corte", "tomo veneno", "manden ambulancia",
     "me tienen encerrada"],
)  # fmt: skip
def test_a_short_danger_in_spanish_is_answered_in_spanish(house: House, said: str) -> None:
    me = house.resident().texts(said)
    assert me.case().language == "es"


def test_whoever_goes_on_in_spanish_is_answered_in_spanish(house: House) -> None:
    me = house.resident().texts("hi", "mi hermano esta muy mal").told()
    assert me.case().language == "es"
    answers(me, "ask.who", "es")


@pytest.mark.parametrize(
    "said", ["my abuela is sad", "necesito help for my brother", "taco casa", "no", "si", "1"]
)
def test_one_word_or_a_mixture_changes_no_language(house: House, said: str) -> None:
    assert house.resident().texts("hello", said).case().language == "en"


def test_a_place_in_spanish_changes_no_language(house: House) -> None:
    me = house.resident().texts(*FULL[:7], "3120 La Casa St")
    assert me.case().language == "en"


# ---- answers as people write them ----------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "choice"),
    [
        ("muy triste", "upset"),
        ("he is very sad", "upset"),
        ("esta oyendo voces", "hears"),
        ("hes drunk", "high"),
        ("no tiene donde dormir", "basics"),
    ],
)
def test_what_is_going_on_is_understood_in_a_sentence(house: House, said: str, choice: str) -> None:
    me = house.resident().texts(*FULL[:8]).told("ask.need").texts(said)
    assert me.case().state["answers"]["need"] == choice


@pytest.mark.parametrize("said", ["2\n- Jose M.", "no period", "No punto", "no gracias a dios"])
def test_what_a_phone_or_a_voice_adds_to_a_no_is_no_word_of_theirs(house: House, said: str) -> None:
    me = house.resident().texts("hello", "1", said)
    assert me.case().state["answers"]["health"] == "no"


@pytest.mark.parametrize("said", ["no period in 3 months", "2\n- my husband hit me", "no please"])
def test_more_than_a_no_is_no_no(house: House, said: str) -> None:
    me = house.resident().texts("hello", "1", said)
    assert me.case().state["answers"].get("health") != "no"


@pytest.mark.parametrize("said", ["im 6", "i am 7 years old", "tengo 7 años"])
def test_a_small_child_is_known_to_be_one(house: House, said: str) -> None:
    me = house.resident().texts("mommy wont get up").told("danger.breathing").texts(said)
    assert "minor" in me.case().state["said"]
    me.hears_not(house.words("unclear"), house.words("unclear", language="es"))


@pytest.mark.parametrize(
    "said", ["im 6 months pregnant", "im 6 years sober", "tengo 7 años de casada"]
)
def test_another_number_makes_no_child(house: House, said: str) -> None:
    assert "minor" not in house.resident().texts("hello", said).case().state["said"]


def test_a_place_given_after_all_questions_is_answered(house: House) -> None:
    me = house.resident().texts("my boyfriend hits me", "2", "2", "skip", "1")
    me.texts("Main St and 3rd Ave")
    assert me.heard and me.case().state["answers"]["where"] == "given"


def test_who_wrote_russian_and_then_english_is_answered_in_english(house: House) -> None:
    me = house.resident().texts("помогите мне пожалуйста", "sorry i speak english too")
    me.told("ask.who").texts("3").told("ask.health.they")


@pytest.mark.parametrize("said", ["ok", "no", "hi help"])
def test_one_short_word_proves_no_language(house: House, said: str) -> None:
    me = house.resident().texts("помогите мне пожалуйста", said)
    assert me.case().state["unread_language"]


# ---- danger ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "said", ["gtg hes coming", "gotta go my husband is home", "me tengo que ir ya viene"]
)
def test_whoever_must_break_off_because_somebody_comes_is_in_danger(
    house: House, said: str
) -> None:
    me = house.resident().texts("my boyfriend is acting crazy", said)
    assert me.case().level == "R2" and paged_for_danger(house)


@pytest.mark.parametrize(
    "said",
    ["gotta go my ride is here", "ya me voy ya llego el uber", "please dont call me",
     "hes saying stuff to himself"],
)  # fmt: skip
def test_an_ordinary_goodbye_or_wish_is_none(house: House, said: str) -> None:
    assert house.resident().texts("hello", said).case().level is None


# ---- the end of texts and of requests --------------------------------------------------------------
@pytest.mark.parametrize("said", ["cancelar", "cancela", "CANCELEN", "mejor ya no vengan"])
def test_a_request_is_taken_back_in_spanish(house: House, said: str) -> None:
    me = house.resident().texts(*FULL_ES, said)
    answers(me, "cancel.done", "es")
    assert me.case().status == "cancelled"


@pytest.mark.parametrize("said", ["no mas mensajes", "stop texting me"])
def test_no_request_is_called_open_that_is_not(house: House, said: str) -> None:
    me = house.resident().texts(said)
    assert "If you have" in me.heard[0] or "Si tiene" in me.heard[0]


def test_texts_begin_again_in_spanish(house: House) -> None:
    me = house.resident().texts(*FULL_ES, "PARAR", "EMPEZAR")
    answers(me, "start.confirmed", "es")
    assert not me.case().state["cannot_text"]


# ---- a plea ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("said", ["help me", "AYUDA", "ayudenme por favor", "sos"])
def test_a_plea_in_the_middle_of_the_questions_brings_a_person(house: House, said: str) -> None:
    me = house.resident().texts("hola" if "a" in said.lower() else "hello", "1", said)
    assert me.case().level == "R2" and paged_for_danger(house)
    me.texts(said).hears_not("unclear")


@pytest.mark.parametrize("said", ["help me", "ayuda", "ayudenme"])
def test_a_plea_as_the_first_text_gets_the_first_question(house: House, said: str) -> None:
    me = house.resident().texts(said)
    assert me.case().level is None and me.case().state["asked"] == "who"


@pytest.mark.parametrize("said", ["no?", "nadie?", "nobody?", "2?"])
def test_a_no_that_asks_is_no_answer(house: House, said: str) -> None:
    me = house.resident().texts("hello", "1", said)
    assert "health" not in me.case().state["answers"]


@pytest.mark.parametrize("said", ["ya se fue", "ya llame", "ya estoy bien gracias"])
def test_the_spanish_ya_is_no_english_yes(house: House, said: str) -> None:
    me = house.resident().texts("hola", "1").texts(said)
    assert "health" not in me.case().state["answers"] and me.case().level is None


@pytest.mark.parametrize(
    ("first", "said"), [("he hits me", "im scared"), ("me pega", "me da miedo")]
)
def test_whoever_is_in_danger_hears_of_no_computer_that_did_not_understand(
    house: House, first: str, said: str
) -> None:
    me = house.resident().texts(first, said, f"{said} mucho")
    for key in ("unclear", "unclear.again"):
        for language in ("en", "es"):
            me.hears_not(house.words(key, language))
    assert me.heard


@pytest.mark.parametrize(
    "said",
    ["my friend is 13 her uncle hurts her", "mi amiga tiene 13 años y su papa le pega",
     "my student is 14 and she told me something"],
)  # fmt: skip
def test_a_child_of_somebody_else_is_known_to_be_one(house: House, said: str) -> None:
    assert "minor" in house.resident().texts(said).case().state["said"]


# ---- a team that is late, or gives back ------------------------------------------------------------
@pytest.mark.parametrize("words", [FULL, FULL_ES])
def test_whoever_waits_for_a_late_team_goes_on_hearing_of_it(
    house: House, words: tuple[str, ...]
) -> None:
    me = house.resident().texts(*words)
    house.settles()
    staff(house, UNIT, f"{me.case().reference} 10")
    later(house, 10 * 60 + 320)
    before = len(house.texts_to(ME))

    later(house, 320)
    assert len(house.texts_to(ME)) == before + 1, "others were asked"

    me.texts("STATUS")
    later(house, 3600)
    said = house.texts_to(ME)[before:]
    assert len(said) == 3 and all(one != two for one, two in pairwise(said))
    later(house, 2 * 3600)
    assert len(house.texts_to(ME)) <= before + 4, "they did not write for an hour"


def test_a_new_time_ends_the_words_about_the_delay(house: House) -> None:
    me = house.resident().texts(*FULL)
    house.settles()
    staff(house, UNIT, f"{me.case().reference} 10")
    later(house, 10 * 60 + 640)
    staff(house, UNIT, f"{me.case().reference} 90")
    before = len(house.texts_to(ME))
    later(house, 3600)
    assert len(house.texts_to(ME)) == before


def test_a_team_that_gives_back_is_not_asked_in_its_own_place(house: House) -> None:
    me = house.resident().texts(*FULL)
    house.settles()
    code = me.case().reference
    staff(house, UNIT, f"{code} 20")
    assert "The next person is asked now" in staff(house, UNIT, f"{code} cant make it sorry")
    assert {row.person for row in house.rows("page")} == {"Shift supervisor"}


@pytest.mark.parametrize("said", ["are they still coming", "todavia vienen?"])
def test_whoever_asks_if_they_still_come_hears_the_status(house: House, said: str) -> None:
    me = house.resident().texts(*FULL)
    house.settles()
    staff(house, UNIT, f"{me.case().reference} 20")
    me.texts(said).told("status.accepted")


# ---- small words, and the end --------------------------------------------------------------------
@pytest.mark.parametrize("said", ["gracias por todo", "goodbye", "thank you for everything"])
def test_a_goodbye_after_the_end_is_read_by_a_human(house: House, said: str) -> None:
    """Rule 21: farewells are never only thanks."""
    me = house.resident().texts(*FULL)
    house.settles()
    house.dispatch(
        f"/{me.case().id}/status", {"status": "closed", "by": "Maria", "outcome": "resolved"}
    )
    house.settles()
    me.texts(said)
    assert "story" in me.case().state["said"]


def test_an_answer_about_voicemail_is_not_thanked_for_and_thanks_are_answered(
    house: House,
) -> None:
    me = house.resident().texts("hello", "1", "2", "2", "2", "1", "2", "1").told("thanks.noted")
    me.texts("they called me thanks").told("thanks.open")


@pytest.mark.parametrize(
    ("said", "language", "key"),
    [
        ("should i call cps", "en", "faq.children.told"),
        ("van a venir la policia?", "es", "faq.police"),
    ],
)
def test_a_witness_who_asks_is_answered(house: House, said: str, language: str, key: str) -> None:
    first = {"en": "the neighbors hit their kid", "es": "los vecinos le pegan a su niño"}[language]
    answers(house.resident().texts(first, said), key, language)
