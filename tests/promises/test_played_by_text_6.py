"""A sixth round of conversations played by somebody who knew only the rules: people who never
answer with a number, who send pictures, and who wait (rules 4, 7, 10, 22, 23)."""

from __future__ import annotations

import pytest
from conftest import House
from played import (
    DANA,
    FULL,
    FULL_ES,
    SUICIDE,
    answers,
    held,
    later,
    paged_for_danger,
    plain,
    staff,
)


# ---- in danger, words that answer nothing --------------------------------------------------------
@pytest.mark.parametrize(
    "said",
    [
        ("i want to kill myself", "2", "1", "this is useless", "whatever", "fine ill just do it"),
        ("me quiero matar", "2", "1", "no sirven para nada", "ya que", "bueno entonces lo hago"),
    ],
)
def test_whoever_answers_no_question_in_danger_hears_more_than_the_next_question(
    house: House, said: tuple[str, ...]
) -> None:
    """The third text that names no place ends that question. It is answered, too (rule 4)."""
    me = house.resident().texts(*said)
    assert me.case().state["answers"]["where"] == "unreadable"
    me.hears("988", "911")


@pytest.mark.parametrize("said", ["actually i just want to talk to a counselor instead"])
def test_that_a_person_is_asked_is_said_once_in_one_answer(house: House, said: str) -> None:
    """Rule 4: nor "we are asking a person" beside who has it, or beside that nobody came yet."""
    me = house.resident().texts(*FULL, said)
    assert sum(words.count("asking a person") for words in me.heard) == 1
    other = house.resident("+17205550188").texts("i want to die", "2")
    house.settles()
    staff(house, DANA, other.case().reference)
    other.texts("he left").told("human.joined").hears_not("asking a person")
    third = house.resident("+17205550189").texts("i took a bunch of pills")
    later(house, 300)
    third.texts("really im ok").told("truth.nobody_yet").hears_not("asking a person to join")


# ---- pictures ------------------------------------------------------------------------------------
PICTURE = {"NumMedia": "1", "MediaContentType0": "image/jpeg"}


@pytest.mark.parametrize("said", ["", "look what he left", "hello"])
def test_whoever_sends_a_picture_hears_once_that_nobody_sees_it(house: House, said: str) -> None:
    me = house.resident().texts(said, **PICTURE).told("unclear.media", "ask.who")
    me.texts("look at this one", **PICTURE)
    assert house.words("unclear.media") not in me.heard


@pytest.mark.parametrize("said", ["", "this is what i took"])
def test_whoever_has_a_danger_hears_that_a_picture_came(house: House, said: str) -> None:
    """An empty alert tells them nothing, and they would answer as if they had seen it."""
    me, code = held(house)
    me.texts(said, **PICTURE)
    house.settles()
    assert house.texts_to(DANA)[-1] == house.words("alert.picture", reference=code)
    assert me.heard == []
    assert "picture" in {row.event for row in house.rows("journal")}


def test_a_picture_changes_no_answer_and_no_short_reply(house: House) -> None:
    me = house.resident().texts("my husband hits me")
    assert me.texts("2", **PICTURE).case().state["answers"] == {"health": "no"}
    other = house.resident("+17205550188").texts("my husband hits me")
    assert other.texts("dont text me", **PICTURE).heard == [house.words("withdrawn.short")]
    watched = house.resident("+17205550189").texts("hello", "is the pie shop open")
    assert watched.texts("", **PICTURE).heard == []


# ---- the end -------------------------------------------------------------------------------------
def test_the_last_words_of_a_danger_that_was_lowered_are_kind(house: House) -> None:
    """Rule 23: whoever wanted to die does not read that their "request is finished"."""
    me = house.resident().texts(*SUICIDE)
    house.settles()
    code = me.case().reference
    staff(house, DANA, code)
    staff(house, DANA, f"{code} I am Dana. I am here.")
    path = f"/{me.case().id}"
    house.dispatch(f"{path}/lower", {"by": "Dispatcher on duty", "reason": "a plan was made"})
    told = {"status": "closed", "by": "Dispatcher on duty", "outcome": "resolved"}
    assert house.dispatch(f"{path}/status", told).status_code == 200
    house.settles()
    assert house.texts_to("+17205550123")[-1] == house.words("closing.danger")


# ---- how much longer -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "asks", "language"),
    [(FULL, "how much longer", "en"), (FULL_ES, "cuanto falta", "es")],
)
def test_whoever_asks_how_long_hears_what_is_left_of_the_promised_time(
    house: House, said: tuple[str, ...], asks: str, language: str
) -> None:
    """Promise 3: a range, and no "someone has taken your request" again."""
    me = house.resident().texts(*said)
    house.settles()
    path = f"/{me.case().id}"
    house.dispatch(f"{path}/acknowledgement", {"answer": "accept", "by": "Sam", "in_minutes": 20})
    later(house, 600)
    answers(me.texts(asks), "status.accepted_time", language, low="10", high="20")
    house.dispatch(f"{path}/status", {"status": "assigned", "by": "Sam"})
    answers(me.texts(asks), "status.assigned_time", language, low="10", high="20")
    house.dispatch(f"{path}/status", {"status": "en_route", "by": "Sam"})
    later(house, 600)
    answers(me.texts(asks), "status.en_route_time", language, low="5", high="10")
    later(house, 400)
    answers(me.texts(asks), "status.late", language)


def test_a_wait_of_hours_is_told_in_hours_and_about_another_only_that_it_is_received(
    house: House,
) -> None:
    me = house.resident().texts(*FULL)
    told = {"answer": "accept", "by": "Sam", "in_minutes": 200}
    house.dispatch(f"/{me.case().id}/acknowledgement", told)
    later(house, 6000)
    answers(me.texts("eta"), "status.accepted_hours", "en", low="1", high="4")
    other = house.resident("+17205550188").wants_a_team("3")
    house.dispatch(f"/{other.case().id}/acknowledgement", told | {"in_minutes": 30})
    other.texts("eta").told("status.other.received_time")
    house.dispatch(f"/{other.case().id}/status", {"status": "en_route", "by": "Sam"})
    other.texts("eta").told("status.other.coming")


# ---- a request taken back in a sentence ----------------------------------------------------------
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "im fine now dont send anyone"), ("en", "i dont need the team anymore thanks"),
        ("es", "ya no necesito el equipo"), ("es", "estoy bien no manden a nadie"),
        ("es", "olvidenlo ya no"),
    ],
)  # fmt: skip
def test_whoever_takes_it_back_in_a_sentence_is_read_by_a_human(
    house: House, language: str, said: str
) -> None:
    """ "A person is asked to read it" is so where nobody has the case, too, and is said once."""
    me = house.resident().texts(*(FULL if language == "en" else FULL_ES), said)
    answers(me, "cancel.human", language)
    assert me.case().state["review"]
    assert house.words("cancel.human", language) not in me.texts(f"{said} ok").heard
    later(house, 320)
    assert "review" in {row.ladder for row in house.rows("page")}


@pytest.mark.parametrize(
    ("language", "danger", "said"),
    [
        ("en", "i took a bunch of pills", "nevermind im fine dont send anyone"),
        ("es", "me tome muchas pastillas", "ya estoy bien no manden a nadie"),
    ],
)
def test_a_danger_taken_back_in_a_sentence_hears_that_help_goes_on(
    house: House, language: str, danger: str, said: str
) -> None:
    me = house.resident().texts(danger, said)
    answers(me, "cancel.human", language)
    assert me.case().level == "R2" and me.case().state["asked"] == "health"


# ---- when? ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "when will they text me"), ("en", "when will i hear back?"),
        ("es", "cuando me escriben"), ("es", "¿cuándo se comunican conmigo?"),
    ],
)  # fmt: skip
def test_whoever_waits_for_a_text_and_asks_when_hears_where_it_stands(
    house: House, language: str, said: str
) -> None:
    """Whoever is deaf waits for a text and no call."""
    me = house.resident().texts(FULL[0] if language == "en" else FULL_ES[0])
    answers(me.texts("1", "2", "2", "2", "4", "2", said), "status.nobody_yet", language)


def test_nobody_comes_is_read_in_spanish_too(house: House) -> None:
    me = house.resident().texts(*FULL_ES)
    told = {"answer": "accept", "by": "Sam", "in_minutes": 20}
    house.dispatch(f"/{me.case().id}/acknowledgement", told)
    later(house, 1300)
    answers(me.texts("ya pasaron 40 minutos y no viene nadie"), "heard.no_team", "es")


# ---- START, and commands in another language -----------------------------------------------------
def test_start_is_a_beginning_where_nothing_was_stopped(house: House) -> None:
    """ "You will get texts again" would be untrue, and they would wait for nothing (rule 22)."""
    me = house.resident().texts("START").told("preamble", "ask.who")
    me.hears_not(house.words("start.confirmed"))
    me.texts("1", "start").told("ask.health.me").hears_not(house.words("start.confirmed"))


def test_what_a_carrier_held_back_is_said_when_texts_arrive_again(house: House) -> None:
    """The preamble was sent while they could not receive it."""
    me = house.resident().texts("STOP", "hi", "START")
    me.told("start.confirmed", "preamble", "ask.who")
    me.texts("1", "STOP", "START").told("start.confirmed", "ask.health.me")
    me.hears_not("never ask about immigration")


@pytest.mark.parametrize(
    ("said", "key"),
    [("ALTO", "stop.words"), ("estado", "status.none"), ("cancelar", "status.none"),
     ("PEOR", "level.worse")],
)  # fmt: skip
def test_a_first_text_that_is_a_command_is_answered_in_its_language(
    house: House, said: str, key: str
) -> None:
    me = house.resident().texts(said)
    assert me.case().language == "es"
    answers(me, key, "es")


def test_a_carriers_word_changes_no_language(house: House) -> None:
    me = house.resident().texts(*FULL_ES, "cerrar", "STOP")
    assert me.case().language == "es"


# ---- whose phone it is ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "this is my friends phone"), ("en", "no this isnt my phone"),
        ("en", "i borrowed this phone"), ("en", "im using my moms phone"),
        ("es", "es el telefono de mi mama"), ("es", "me prestaron este telefono"),
        ("es", "no es mi telefono"),
    ],
)  # fmt: skip
def test_whoever_is_asked_about_this_phone_may_say_whose_it_is(
    house: House, language: str, said: str
) -> None:
    """It is no second person: their answers stay, and the question is put again (rules 8 and 10)."""
    me = house.resident().texts(FULL[0] if language == "en" else FULL_ES[0])
    me.texts("1", "2", "2", "2", said)
    assert len(house.rows("case")) == 1 and me.case().state["asked"] == "contact"
    answers(me, "thanks_story", language)
    me.texts("2")
    assert me.case().state["answers"]["contact"] == "unsafe"


@pytest.mark.parametrize("said", ["this is my friends phone", "i borrowed this phone"])
@pytest.mark.parametrize("before", [("i want to die", "2"), SUICIDE])
def test_in_danger_a_borrowed_phone_cuts_nobody_off(
    house: House, said: str, before: tuple[str, ...]
) -> None:
    """No human could write to them in a case that waits for its first person."""
    me = house.resident().texts(*before, said)
    house.settles()
    assert len(house.rows("case")) == 1 and me.heard
    staff(house, DANA, me.case().reference)
    assert "Sent" in staff(house, DANA, f"{me.case().reference} I am Dana. I am here.")


def test_with_a_borrowed_phone_somebody_else_asks_while_a_team_is_waited_for(house: House) -> None:
    house.resident().texts(*FULL, "i borrowed this phone i need help").told("ask.who")
    assert len(house.rows("case")) == 2


@pytest.mark.parametrize(
    ("language", "said"), [("en", "sorry wrong number"), ("es", "perdon numero equivocado")]
)
@pytest.mark.parametrize("before", [(), ("1", "2"), ("1", "2", "2", "2")])
def test_a_wrong_number_needs_no_answer(
    house: House, language: str, said: str, before: tuple[str, ...]
) -> None:
    """Nobody is asked who needs help after it, and no request is opened by it."""
    me = house.resident().texts(FULL[0] if language == "en" else FULL_ES[0], *before, said)
    answers(me, "wrong_number", language)
    assert len(me.heard) == 1
    rows = house.rows("case")
    assert len(rows) == 1 + bool(before)
    assert not before or "no_request" in {row.outcome for row in rows}


def test_a_wrong_number_after_the_end_and_as_a_first_text(house: House) -> None:
    me = house.resident().texts("i want to talk", "0")
    told = {"status": "closed", "by": "Sam", "outcome": "no_danger_found", "reason": "talked"}
    house.dispatch(f"/{me.case().id}/status", told)
    house.settles()
    assert me.texts("wrong number").heard == [house.words("wrong_number")]
    house.resident("+17205550188").texts("wrong number").told("preamble", "ask.who")


# ---- the day after, and a cry --------------------------------------------------------------------
def test_thanks_on_the_next_day_are_answered_again(house: House) -> None:
    me = house.resident().texts("i want to talk", "0")
    told = {"status": "closed", "by": "Sam", "outcome": "no_danger_found", "reason": "talked"}
    house.dispatch(f"/{me.case().id}/status", told)
    house.settles()
    assert me.texts("thank you").heard == [house.words("thanks.closed")]
    assert me.texts("thanks again").heard == []
    house.wait(20 * 3600)
    assert me.texts("thank you sam").heard == [house.words("thanks.closed")]


@pytest.mark.parametrize("said", ["HELP!!", "heeelp", "helppp meee", "AYUDAAA!", "ayudaaaa"])
def test_a_cry_for_help_is_no_keyword(house: House, said: str) -> None:
    """No word about what texts cost: a first one gets the preamble and the first question, and a
    later one pages a human."""
    me = house.resident().texts(said)
    me.told("preamble", "ask.who").hears_not(house.words("help"))
    me.texts(said)
    assert me.case().level == "R2" and paged_for_danger(house)


@pytest.mark.parametrize("said", ["HELP", "help.", "Info"])
def test_the_keyword_says_what_this_is(house: House, said: str) -> None:
    house.resident().texts("hello", said).hears(house.words("help"))


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "im not there anymore i walked on"), ("es", "ya no estoy ahi, sali caminando")],
)
def test_who_is_no_longer_where_the_team_goes_is_read_at_once(
    house: House, language: str, said: str
) -> None:
    me = house.resident().texts(*(FULL if language == "en" else FULL_ES))
    told = {"answer": "accept", "by": "Sam", "in_minutes": 20}
    house.dispatch(f"/{me.case().id}/acknowledgement", told)
    house.dispatch(f"/{me.case().id}/status", {"status": "en_route", "by": "Sam"})
    answers(me.texts(said), "heard.no_team", language)
    assert "review" in {row.ladder for row in house.rows("page")}


# ---- what is wanted, said too early --------------------------------------------------------------
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "can someone come"), ("en", "please send someone"), ("en", "send help please"),
        ("es", "puede venir alguien"), ("es", "manden a alguien"),
    ],
)  # fmt: skip
def test_whoever_wants_somebody_to_come_is_understood(
    house: House, language: str, said: str
) -> None:
    """ "It did not understand" would be untrue (rule 22)."""
    me = house.resident().texts(FULL[0] if language == "en" else FULL_ES[0], said)
    answers(me, "thanks_story", language)
    assert me.case().state["asked"] == "who"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "do they speak spanish"), ("en", "does the team speak spanish?"),
        ("es", "el equipo habla español"), ("es", "¿hablan inglés los que vienen?"),
    ],
)  # fmt: skip
def test_the_language_of_the_team_is_a_question_for_people(
    house: House, language: str, said: str
) -> None:
    """It changes no language of ours, and somebody is asked to read it."""
    me = house.resident().texts(*(FULL if language == "en" else FULL_ES), said)
    assert me.case().language == language and me.case().state["review"]
    answers(me, "heard.one", language)
    house.resident("+17205550188").texts("hello", "do you speak spanish").told(
        "language.changed", language="es"
    )


@pytest.mark.parametrize("said", ["solo quiero que alguien me escuche", "quiero desahogarme"])
def test_somebody_to_listen_is_a_counselor(house: House, said: str) -> None:
    me = house.resident().texts("hola", "1", "2", "2", "2", "3", said)
    assert me.case().state["answers"]["want"] == "counselor"


@pytest.mark.parametrize(
    ("language", "said"), [("en", "thanks"), ("en", "ok thank you"), ("es", "muchas gracias")]
)
@pytest.mark.parametrize("before", [(), ("1",), ("1", "2", "2", "2", "3", "1")])
def test_thanks_for_a_question_are_no_words_that_nobody_understands(
    house: House, language: str, said: str, before: tuple[str, ...]
) -> None:
    me = house.resident().texts(FULL[0] if language == "en" else FULL_ES[0], *before, said)
    asked = me.case().state["asked"]
    answers(me, f"ask.{asked}" if asked == "who" else f"ask.{asked}.me", language)
    for key in ("unclear", "unclear.again", "unclear.place"):
        assert plain(house.words(key, language)) not in plain("\n".join(me.heard))


# ---- what was promised, and is over --------------------------------------------------------------
@pytest.mark.parametrize(("said", "language"), [(FULL, "en"), (FULL_ES, "es")])
@pytest.mark.parametrize("how", ["declined", "unreachable"])
def test_a_team_that_does_not_come_after_all_is_said_so(
    house: House, said: tuple[str, ...], language: str, how: str
) -> None:
    """They read "in 20 to 30 minutes": "nobody has taken it yet" would hide that this is over
    (promise 3)."""
    me = house.resident().texts(*said)
    path = f"/{me.case().id}"
    house.dispatch(f"{path}/acknowledgement", {"answer": "accept", "by": "Sam", "in_minutes": 20})
    if how == "declined":
        told = {"answer": "decline", "by": "Sam", "reason": "the van broke down"}
        house.dispatch(f"{path}/acknowledgement", told)
    else:
        house.dispatch(f"{path}/status", {"status": "unreachable", "by": "Sam"})
    house.settles()
    key = "status.not_coming" if how == "declined" else "status.not_reached"
    assert plain(house.words(key, language)) in plain(house.texts_to("+17205550123")[-1])


def test_about_somebody_else_nothing_is_said_of_who_was_found(house: House) -> None:
    me = house.resident().wants_a_team("3")
    path = f"/{me.case().id}"
    house.dispatch(f"{path}/acknowledgement", {"answer": "accept", "by": "Sam", "in_minutes": 20})
    house.dispatch(f"{path}/status", {"status": "unreachable", "by": "Sam"})
    house.settles()
    assert house.words("status.not_reached") not in house.texts_to(me.number)
