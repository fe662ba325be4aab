"""A third round of conversations played by somebody who knew only the rules: people who answer in
sentences, teams at the wrong door, and staff who hand over by text (rules 4, 7, 8, 10, 20, 24)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from conftest import House, Resident
from played import DANA, FULL, FULL_ES, SUICIDE, UNIT, answers, held, later, paged_for_danger, staff

ME = "+17205550123"
COUNSELOR = "+17205550134"
AT_CONTACT = ("hello", "1", "2", "2", "2")


# ---- contact -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "said", ["neither", "neithr", "neither one", "txet", "bothh", "ni uno ni otro", "cualquier"]
)
def test_a_slip_or_a_no_opens_no_contact(house: House, said: str) -> None:
    """Rule 8: what opens contact is never guessed from a word that is nearly another."""
    first = "hola" if said in ("ni uno ni otro", "cualquier") else "hello"
    me = house.resident().texts(first, *AT_CONTACT[1:], said)
    assert "contact" not in me.case().state["answers"] and me.case().state["asked"] == "contact"


# ---- a threat to whoever comes -------------------------------------------------------------------
@pytest.mark.parametrize(
    "said", ["if you send anyone i will shoot them", "if you send police i will shoot them"]
)
def test_whoever_threatens_the_team_hears_no_words_about_suicide(house: House, said: str) -> None:
    me = house.resident().texts(said).told("danger.threat")
    me.hears_not(house.words("danger.suicide.me"), house.words("danger.violence"))
    assert me.case().level == "R2" and "threat_staff" in me.case().state["said"]


def test_whoever_may_die_if_somebody_comes_hears_them(house: House) -> None:
    house.resident().texts("if you send anyone i will die").told("danger.suicide.me")


# ---- a team that says it is there ----------------------------------------------------------------
def there(house: House, words: tuple[str, ...] = FULL, status: str = "arrived") -> Resident:
    me = house.resident().texts(*words)
    house.settles()
    staff(house, UNIT, f"{me.case().reference} 20")
    house.dispatch(f"/{me.case().id}/status", {"status": status, "by": "Unit 7"})
    house.settles()
    return me


def asked_to_read(house: House) -> list[str]:
    return [row.person for row in house.rows("page") if row.ladder == "review"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (FULL, "nobody is here"),
        (FULL, "where are they"),
        (FULL, "STATUS"),
        (FULL, "you have the wrong house"),
        (FULL, "i dont see anyone outside"),
        (FULL_ES, "no veo a nadie"),
        (FULL_ES, "donde estan"),
        (FULL_ES, "se equivocaron de casa"),
    ],
)
def test_whoever_does_not_see_the_team_that_came_reaches_a_human(
    house: House, words: tuple[str, ...], said: str
) -> None:
    me = there(house, words)

    me.texts(said)
    house.settles()

    answers(me, "heard.no_team", "es" if words == FULL_ES else "en")
    assert said in house.texts_to(UNIT)[-1], "the unit reads it"
    assert asked_to_read(house) == ["Dispatcher on duty"], "and so does somebody else"
    assert me.case().status == "arrived" and not me.case().state.get("parked")


def test_a_human_who_does_not_read_it_is_asked_again(house: House) -> None:
    me = there(house).texts("nobody is here")
    later(house, 320)
    assert len(asked_to_read(house)) > 1

    staff(house, DANA, f"{me.case().reference} looked")
    before = len(asked_to_read(house))
    later(house, 900)
    assert len(asked_to_read(house)) == before


def test_a_wrong_house_is_told_while_the_team_comes(house: House) -> None:
    me = there(house, status="en_route").texts("they went to the wrong building")
    me.told("heard.no_team")
    house.settles()
    assert asked_to_read(house) == ["Dispatcher on duty"]


def test_what_else_is_written_then_rings_nobody(house: House) -> None:
    me = there(house).texts("they are talking to him now", "thanks")
    later(house, 900)
    assert not asked_to_read(house) and me.case().state["review"]


def test_in_an_argument_a_team_is_not_told_of(house: House) -> None:
    """Rule 10: by number alone one hears only that we have the message."""
    me = house.resident().texts(*FULL[:8], "6", "2", "1")
    house.settles()
    staff(house, UNIT, f"{me.case().reference} 20")
    house.dispatch(f"/{me.case().id}/status", {"status": "arrived", "by": "Unit 7"})
    me.texts("where are they").told("status.received_only").hears_not("team")
    house.settles()
    assert asked_to_read(house) == ["Dispatcher on duty"]


@pytest.mark.parametrize("said", ["wrong number", "wrong house, and wrong number"])
def test_a_wrong_number_is_still_somebody_else(house: House, said: str) -> None:
    there(house).texts(said)
    house.settles()
    assert "somebody else uses this phone" in house.texts_to(UNIT)[-1]


# ---- a hand-over by text -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        "hand over Second dispatcher",
        "hand over second",
        "handover Second dispatcher",
        "HANDOVER second dispatcher pls",
        "give to Second dispatcher",
        "give it to second",
        "pass to Second dispatcher",
        "pass it on to second, my shift ends",
        "hand it over to Second dispatcher.",
        "paso el caso a Second dispatcher",
        "pasalo a second",
    ],
)
def test_a_hand_over_is_known_without_its_exact_words(house: House, said: str) -> None:
    me, code = held(house)
    before = house.texts_to(ME)

    assert "Second dispatcher is asked" in staff(house, DANA, f"{code} {said}")

    assert me.case().state["holder"] == "Second dispatcher"
    assert not any(said in text for text in house.texts_to(ME)[len(before) :])


@pytest.mark.parametrize("said", ["handover to luis", "hand over to Luis M."])
def test_a_hand_over_to_somebody_unknown_is_not_read_by_the_resident(
    house: House, said: str
) -> None:
    me, code = held(house)
    before = house.texts_to(ME)
    assert "Second dispatcher" in staff(house, DANA, f"{code} {said}")
    assert house.texts_to(ME) == before and me.case().state["holder"] == "Dispatcher on duty"


@pytest.mark.parametrize(
    "said",
    ["hand over the knife to your mom", "give it to your sister", "pass the phone to him",
     "send your second message when you can", "dale agua despacio"],
)  # fmt: skip
def test_words_that_begin_like_a_hand_over_reach_the_resident(house: House, said: str) -> None:
    _, code = held(house)
    staff(house, DANA, f"{code} {said}")
    assert house.texts_to(ME)[-1] == f"Dispatcher on duty: {said}"


@pytest.mark.parametrize("said", ["paso", "pass to someone else", "pass"])
def test_whoever_is_asked_and_passes_it_on_names_nobody(house: House, said: str) -> None:
    me = house.resident().texts(*SUICIDE)
    house.settles()
    staff(house, DANA, f"{me.case().reference} {said}")
    assert "Second dispatcher" in {row.person for row in house.rows("page")}


# ---- a call at a time ----------------------------------------------------------------------------
HELLO = {"en": "hello", "es": "hola"}
COUNSELOR_ASKED = ("1", "2", "2", "2", "1", "2")  # texts and calls are safe


@pytest.mark.parametrize(
    ("language", "said", "hour", "days"),
    [
        ("en", "call me tomorrow at 3 instead", 15, 1),
        ("en", "call me at 3pm tomorrow", 15, 1),
        ("en", "can someone call me tomorrow morning", 9, 1),
        ("en", "call me back tomorrow at 8", 8, 1),
        ("en", "pls call me tomorrow", 10, 1),
        ("en", "call me at 5", 17, 0),
        ("es", "mejor llámenme mañana a las 3", 15, 1),
        ("es", "llamenme mañana por la tarde", 14, 1),
        ("es", "me pueden llamar a las 9 de la mañana", 9, 1),
        ("es", "me llaman esta noche a las 8?", 20, 0),
        ("es", "llamenme a las 4 de la tarde", 16, 0),
    ],
)
def test_a_call_is_booked_for_the_day_and_time_they_say(
    house: House, language: str, said: str, hour: int, days: int
) -> None:
    """What is promised is said: "3:00 PM" for tomorrow alone would be untrue (rule 22)."""
    me = house.resident().texts(HELLO[language], *COUNSELOR_ASKED, said)

    (booked,) = house.rows("callback")
    zone = ZoneInfo(house.parts.program.time_zone)
    now, due = house.clock.at.astimezone(zone), booked.due_at.astimezone(zone)
    assert ((due.date() - now.date()).days, due.hour) == (days, hour)
    key = "callback.booked.tomorrow" if days else "callback.booked"
    time = f"{hour % 12 or 12}:00 {'AM' if hour < 12 else 'PM'}"
    answers(me, key, language, time=time, number="720-555-0113")
    assert not paged_for_danger(house)


@pytest.mark.parametrize(
    ("language", "said"), [("en", "call me tomorrow at 3"), ("es", "llámenme mañana a las 3")]
)
def test_where_no_call_may_be_booked_a_human_is_asked_and_nobody_is_paged(
    house: House, language: str, said: str
) -> None:
    me = house.resident().texts(HELLO[language], *AT_CONTACT[1:], "3", said)
    answers(me, "callback.by_human", language)
    assert not house.rows("callback") and not paged_for_danger(house)


@pytest.mark.parametrize(
    "said", ["dont call me tomorrow at 3", "no me llamen mañana", "he said call me tomorrow if"]
)
def test_no_call_is_booked_from_its_opposite(house: House, said: str) -> None:
    house.resident().texts("hello", *COUNSELOR_ASKED, said)
    assert not house.rows("callback")


# ---- a refusal -----------------------------------------------------------------------------------
@pytest.mark.parametrize("words", [FULL, SUICIDE])
def test_whoever_was_not_asked_does_not_hear_that_the_next_is(
    house: House, words: tuple[str, ...]
) -> None:
    me = house.resident().texts(*words)
    house.settles()
    pages, code = len(house.rows("page")), me.case().reference

    answer = staff(house, COUNSELOR, f"{code} no")

    assert answer == house.words("page.passed_alone", reference=code)
    assert len(house.rows("page")) == pages


def test_whoever_was_asked_hears_that_the_next_is(house: House) -> None:
    me = house.resident().texts(*SUICIDE)
    house.settles()
    code = me.case().reference
    assert staff(house, DANA, f"{code} no") == house.words("page.passed", reference=code)
    assert "Second dispatcher" in {row.person for row in house.rows("page")}
    assert staff(house, DANA, f"{code} nope") == house.words("page.passed_alone", reference=code)


# ---- a plea, and answers in a sentence -----------------------------------------------------------
@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "i need help"), ("en", "i really need help"), ("en", "need help please"),
     ("es", "necesito ayuda"), ("es", "ocupo ayuda")],
)  # fmt: skip
def test_whoever_needs_help_in_the_middle_of_the_questions_is_asked_for_a_person(
    house: House, language: str, said: str
) -> None:
    me = house.resident().texts(HELLO[language], *AT_CONTACT[1:], "3").texts(said)
    assert me.case().level == "R2" and paged_for_danger(house)
    me.hears_not(house.words("unclear", language))


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "i need help"), ("en", "need help"), ("en", "me i guess"), ("es", "necesito ayuda")],
)
def test_who_needs_help_is_answered_by_whoever_needs_it(
    house: House, language: str, said: str
) -> None:
    me = house.resident().texts(HELLO[language], said)
    assert me.case().state["answers"] == {"who": "me"} and me.case().level is None
    assert house.resident("+17205550124").texts(said).case().level is None, "as the first text, too"


# ---- a language of ours that is asked for in a sentence ------------------------------------------
@pytest.mark.parametrize(
    ("first", "said", "language"),
    [
        ("hello", "can u speak spanish", "es"),
        ("hello", "do you speak spanish?", "es"),
        ("hello", "no hablo ingles", "es"),
        ("hello", "i dont speak english only spanish", "es"),
    ],
)
def test_a_language_of_ours_is_spoken_when_it_is_asked_for(
    house: House, first: str, said: str, language: str
) -> None:
    me = house.resident().texts(first, said)
    assert me.case().language == language and not me.case().state.get("interpreter")
    answers(me, "ask.who", language)


@pytest.mark.parametrize(
    "said", ["do u have someone who speaks vietnamese", "i dont speak english"]
)
def test_another_language_is_asked_of_a_human(house: House, said: str) -> None:
    me = house.resident().texts("hello", said).told("language.which")
    assert me.case().state["interpreter"]


# ---- a team that reports by text -----------------------------------------------------------------
@pytest.mark.parametrize("said", ["arrived", "Arrived.", "on scene", "we're here", "ya llegamos"])
def test_a_team_that_texts_that_it_arrived_is_not_called_late(house: House, said: str) -> None:
    """Promise 3: "it is taking longer than we said" would be untrue."""
    me = house.resident().texts(*FULL)
    house.settles()
    code = me.case().reference
    staff(house, UNIT, f"{code} 20")

    assert staff(house, UNIT, f"{code} {said}") == house.words("page.arrived", reference=code)

    assert me.case().status == "arrived"
    assert house.texts_to(ME)[-1] == house.words("status.arrived")
    later(house, 3600)
    assert house.words("status.late") not in house.texts_to(ME)


@pytest.mark.parametrize("said", ["we are here for you", "arrived, which door?"])
def test_what_a_team_says_with_it_reaches_the_resident(house: House, said: str) -> None:
    me = house.resident().texts(*FULL)
    house.settles()
    staff(house, UNIT, f"{me.case().reference} 20")
    staff(house, UNIT, f"{me.case().reference} {said}")
    assert house.texts_to(ME)[-1] == f"Team desk: {said}"


def test_in_danger_i_am_here_is_for_the_resident(house: House) -> None:
    _, code = held(house)
    staff(house, DANA, f"{code} im here")
    assert house.texts_to(ME)[-1] == "Dispatcher on duty: im here"


# ---- what a phone writes by itself ---------------------------------------------------------------
DRIVING = (
    "I\u2019m driving with Do Not Disturb While Driving turned on. I\u2019ll see your message when I"
    " get where I\u2019m going."
)
DRIVING_ES = (
    "Estoy conduciendo con la función No molestar al conducir activada. Veré tu mensaje cuando "
    "llegue a mi destino."
)


@pytest.mark.parametrize(
    "said", [DRIVING, DRIVING_ES, "Le ha encantado “Who needs help?”", "Le gustó “Who needs help?”"]
)
def test_what_a_phone_answers_by_itself_says_nothing(house: House, said: str) -> None:
    me = house.resident().texts("hello", said, said, said)
    me.told("ask.who").hears_not(house.words("unclear"), house.words("thanks_story"))
    state = me.case().state
    assert not state.get("answers") and "story" not in state.get("said", ())
    assert me.case().language == "en", "the phone's language is not theirs"


def test_whoever_writes_that_they_drive_is_read(house: House) -> None:
    said = "im driving with my kids and i want to crash the car"
    assert house.resident().texts("hello", said).case().level == "R2"


# ---- answers as people give them -----------------------------------------------------------------
@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "never"), ("en", "hell no"), ("en", "of course not"), ("es", "claro que no"),
     ("es", "nunca")],
)  # fmt: skip
def test_a_strong_no_is_one(house: House, language: str, said: str) -> None:
    me = house.resident().texts(HELLO[language], "1", "2", "2", said)
    assert me.case().state["answers"]["suicide"] == "no"


@pytest.mark.parametrize(
    ("language", "said"), [("en", "i have in the past"), ("es", "antes si ahora no")]
)
def test_what_was_so_in_the_past_is_doubt(house: House, language: str, said: str) -> None:
    me = house.resident().texts(HELLO[language], "1", "2", "2", said)
    assert me.case().state["answers"]["suicide"] == "unsure" and me.case().level == "R2"


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "someone to come over but not cops"), ("en", "anyone but the police"),
     ("es", "alguien que venga pero no policia"), ("es", "que no venga la policia")],
)  # fmt: skip
def test_whoever_wants_no_police_is_not_told_to_call_them(
    house: House, language: str, said: str
) -> None:
    me = house.resident().texts(HELLO[language], *AT_CONTACT[1:], "3", said)
    assert me.case().state["answers"]["want"] == "team"
    answers(me, "ask.where.me", language)


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "never mind i dont need anything"), ("en", "forget it im fine"),
     ("es", "ya no necesito nada")],
)  # fmt: skip
def test_whoever_needs_nothing_any_more_is_let_go(house: House, language: str, said: str) -> None:
    me = house.resident().texts(HELLO[language], "1", "2", said)
    answers(me, "cancel.done", language)
    assert me.case().status == "cancelled"


def test_in_danger_a_human_reads_that_they_need_nothing(house: House) -> None:
    me = house.resident().texts(*SUICIDE, "forget it im fine").told("cancel.human")
    assert me.case().status != "cancelled" and me.case().level == "R2"


@pytest.mark.parametrize(("language", "said"), [("en", "dont know him"), ("es", "no se quien")])
def test_whoever_does_not_know_them_says_so(house: House, language: str, said: str) -> None:
    me = house.resident().texts(HELLO[language], said)
    assert me.case().state["answers"]["who"] == "unknown"


# ---- what is more than it looks like -------------------------------------------------------------
ASKS_FOR_MORE = "can you tell them to call when they get here"


def test_what_is_answered_as_a_question_reaches_the_team(house: House) -> None:
    """Rule 7: after the hand-off a text goes to whoever has the case. Software may misread it."""
    me = house.resident().texts(*FULL)
    house.settles()
    staff(house, UNIT, f"{me.case().reference} 20")
    me.texts(ASKS_FOR_MORE)
    house.settles()
    assert ASKS_FOR_MORE in house.texts_to(UNIT)[-1]


def test_what_is_answered_as_a_question_is_read_where_nobody_has_it(house: House) -> None:
    me = house.resident().texts(*FULL, ASKS_FOR_MORE)
    assert me.case().state["review"]


def test_an_ordinary_question_alone_asks_nobody(house: House) -> None:
    me = house.resident().texts(*FULL, "is it going to be cops").told("faq.police")
    assert not me.case().state.get("review")


@pytest.mark.parametrize("said", ["STOP\n- Jose", "stop\n-Ana M.", "UNSUBSCRIBE\n- J. Ruiz"])
def test_a_stop_that_is_signed_is_one(house: House, said: str) -> None:
    me = house.resident().texts(*FULL, said).told("stop.confirmed")
    assert me.case().state["cannot_text"]


@pytest.mark.parametrize("said", ["make it stop\n- Jose", "stop\nhe is hitting me"])
def test_a_cry_with_the_word_in_it_is_none(house: House, said: str) -> None:
    me = house.resident().texts(*FULL, said)
    assert not me.case().state.get("cannot_text")
