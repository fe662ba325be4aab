"""More conversations played by somebody who knew only the rules, through the real endpoints on both
databases (rules 4, 7 to 10, 13, 21, 23)."""

from __future__ import annotations

import pytest
from conftest import House, Resident
from played import DANA, FULL, SUICIDE, UNIT, later, paged_for_danger

ME = "+17205550123"
STORY = "my brother took the car keys and left again"
DAY = 24 * 3600


def staff(house: House, number: str, said: str) -> list[str]:
    heard = house.resident(number).texts(said).heard
    house.settles()
    return heard


# ---- an answer that comes after the end ----------------------------------------------------------
def asked_and_ended(house: House) -> Resident:
    """The check question is asked, and a human ends the request before it is answered."""
    me = house.resident().texts(*FULL, STORY).told("ask.check")
    house.dispatch(
        f"/{me.case().id}/status", {"status": "closed", "by": "Maria", "outcome": "resolved"}
    )
    house.settles()
    return me


@pytest.mark.parametrize("said", ["yes", "1", "sí", "not sure", "3", "idk"])
def test_a_yes_to_the_check_question_counts_after_the_end(house: House, said: str) -> None:
    """Rule 7: "yes" or "not sure" brings a human, even if the request has ended meanwhile."""
    me = asked_and_ended(house)

    me.texts(said)

    assert me.case().level == "R2" and paged_for_danger(house)
    assert "911" in me.heard[0] and "1 Yes" in me.heard[-1]


@pytest.mark.parametrize("said", ["no", "2", "nope"])
def test_a_no_to_the_check_question_after_the_end_begins_nothing(house: House, said: str) -> None:
    me = asked_and_ended(house)
    me.texts(said).told("status.none")
    assert me.case().outcome == "no_request" and not paged_for_danger(house)


def test_a_yes_after_something_else_was_answered_means_no_old_question(house: House) -> None:
    me = asked_and_ended(house)
    me.texts("no", "yes")
    assert me.case().outcome == "no_request" and not paged_for_danger(house)


def test_doubt_about_suicide_counts_a_day_after_the_question(house: House) -> None:
    me = house.resident().texts("hello", "1", "2", "2").told("ask.suicide.me")
    later(house, DAY + 3600)
    assert me.case().outcome == "abandoned"

    me.texts("not sure")

    assert me.case().level == "R2" and paged_for_danger(house)


# ---- somebody who is watched is asked nothing, so nothing counts as an answer --------------------
WATCHED = "is the pie shop open"


@pytest.mark.parametrize("before", [(), ("hello", "1", "2")])
def test_whoever_is_watched_answers_no_question_that_was_never_sent(
    house: House, before: tuple[str, ...]
) -> None:
    """Rule 8: an answer that permits contact counts only if the question can have been read."""
    me = house.resident().texts(*before, WATCHED)
    assert me.heard == []

    for said in ("2", "1", "1", "1"):
        me.texts(said)
        assert me.heard == []

    answers = me.case().state["answers"]
    assert not {"contact", "where"} & answers.keys(), answers
    said = house.dispatch(f"/{me.case().id}/messages", method="GET").get_json()["messages"]
    assert [each["words"] for each in said].count("1") >= 3, "a human reads what they wrote"


def test_a_question_sent_before_they_were_watched_is_still_answered(house: House) -> None:
    me = house.resident().texts("hello", "1", WATCHED, "1")
    assert me.heard == [] and me.case().level == "R1"


def test_after_the_silence_is_lifted_the_next_question_is_put(house: House) -> None:
    me = house.resident().texts("hello", "1", "2", WATCHED, "2")
    house.settles()
    code = me.case().reference
    staff(house, DANA, code)
    staff(house, DANA, f"{code} LIFT: she wrote the word we agreed on")

    me.texts("im alone now")

    assert me.told("ask.contact") and me.case().state["asked"] == "contact"


@pytest.mark.parametrize("said", ["i can't talk", "cant speak", "no puedo hablar"])
@pytest.mark.parametrize("before", [(), ("911",), ("hi", "1")])
def test_who_cannot_talk_pages_at_once(house: House, before: tuple[str, ...], said: str) -> None:
    """Rule 11 names these words beside "hiding"."""
    me = house.resident().texts(*before, said)
    assert me.case().state["said"] == ["hiding"] and paged_for_danger(house)


def test_who_is_busy_when_a_call_is_offered_is_no_danger(house: House) -> None:
    me = house.resident().texts(*FULL, "cant talk right now")
    assert not paged_for_danger(house) and not me.case().state["said"].count("hiding")


# ---- contact taken back: one channel, not both ---------------------------------------------------
@pytest.mark.parametrize(
    "said",
    [
        "pls dont call just text",
        "text me dont call",
        "no calls please, texting is ok",
        "dont call text me instead",
        "cant talk on the phone, text only",
        "dont call, text me",
        "dont call text me",
        "please dont call me text me",
        "Don't call me, text only",
        "no llamen, mándenme texto",
    ],
)
def test_who_wants_texts_and_no_calls_still_gets_texts(house: House, said: str) -> None:
    me = house.resident().texts(*FULL, said).told("withdrawn.call")

    assert me.case().state["withdrawn"] == ["call"]
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles()
    assert house.texts_to(ME), "they hear that somebody has it"


@pytest.mark.parametrize(
    "said",
    [
        "dont call/text me",
        "dont call or text",
        "dont call, text or email me",
        "dont call, text, or come here",
        "dont call, dont text",
        "no calls no texts",
        "dont call just text. actually dont text me either",
        "he can see my texts dont call",
        "dont call nor text me",
        "dont text me or call",
        "neither call nor text me pls",
        "i dont want calls or texts",
        "no llamen ni escriban",
        "no me marquen ni me manden mensajes",
        "ni llamadas ni mensajes",
        "no quiero mensajes ni llamadas",
    ],
)
def test_who_wants_neither_gets_neither(house: House, said: str) -> None:
    me = house.resident().texts(*FULL, said)
    assert set(me.case().state["withdrawn"]) == {"call", "text"}


@pytest.mark.parametrize(
    "said",
    [
        "my kids dont call or text me", "they never call me", "no me llegan ni llamadas ni mensajes",
        "¿alguien lee mis mensajes?", "quién lee mis mensajes",
    ],
)  # fmt: skip
def test_who_tells_of_others_or_asks_about_us_takes_nothing_back(house: House, said: str) -> None:
    assert not house.resident().texts(*FULL, said).case().state.get("withdrawn")


# ---- a team that is late, and residents who ask where it is --------------------------------------
@pytest.mark.parametrize("said", ["STATUS", "where are they"])
def test_whoever_asks_after_a_late_team_hears_that_it_is_late(house: House, said: str) -> None:
    me = house.resident().texts(*FULL)
    staff(house, UNIT, f"{me.case().reference} 20")
    later(house, 20 * 60 + 320)
    assert house.texts_to(ME)[-1] == house.words("status.late")

    assert me.texts(said).heard == [house.words("status.late")]

    staff(house, UNIT, f"{me.case().reference} 10")
    me.texts(said).hears_not(house.words("status.late"))


# ---- a human who gave a time, and came -----------------------------------------------------------
def test_whoever_writes_in_a_danger_is_not_prompted_to_come(house: House) -> None:
    """The clocks `reply` and `held_silent` apply to them; "5 min" applied until their first
    message."""
    me = house.resident().texts(*SUICIDE)
    code = me.case().reference
    staff(house, DANA, f"{code} 5 min")
    staff(house, DANA, f"{code} I am Dana. I am here.")
    for _ in range(8):
        me.texts("im so tired")
        staff(house, DANA, f"{code} I am with you.")
        later(house, 60)

    assert not any("the time you gave" in text for text in house.texts_to(DANA))
    assert {row.person for row in house.rows("page")} == {"Dispatcher on duty"}


def test_whoever_said_when_and_did_not_write_is_replaced(house: House) -> None:
    me = house.resident().texts(*SUICIDE)
    staff(house, DANA, f"{me.case().reference} 5 min")
    later(house, 100)
    assert "Second dispatcher" in {row.person for row in house.rows("page")}


# ---- words that mean something else --------------------------------------------------------------
@pytest.mark.parametrize(
    "said", ["i already called 911 they are coming", "i texted 988", "we called 911 already"]
)
def test_a_number_they_called_is_no_address(house: House, said: str) -> None:
    me = house.resident().texts(*SUICIDE).told("ask.where.person")
    me.texts(said)
    assert "where" not in me.case().state["answers"]


@pytest.mark.parametrize("said", ["911 Main St", "im at 911 main st"])
def test_a_house_may_have_that_number(house: House, said: str) -> None:
    me = house.resident().texts(*SUICIDE, said)
    assert me.case().state["answers"]["where"] == "given"


def test_who_shakes_somebody_to_wake_them_is_not_violent(house: House) -> None:
    me = house.resident().texts("hello", "3", "i shaked him but he sleeps")
    assert "weapon" not in me.case().state["said"]
    me.texts("he was shanked").told("danger.violence")


@pytest.mark.parametrize("said", ["im 13", "i am 15"])
def test_a_child_who_says_so_does_not_hear_that_it_was_not_understood(
    house: House, said: str
) -> None:
    me = house.resident().texts("my dad hits me with the belt", said)
    assert "minor" in me.case().state["said"]
    me.told("thanks_story").hears_not(house.words("unclear"), house.words("unclear.again"))


# ---- a command that does not exist ---------------------------------------------------------------
@pytest.mark.parametrize(
    "said", ["CLOSE", "close", "Closed.", "done", "CLOSE: she is safe", "CLOSED, she is safe"]
)
def test_a_resident_does_not_read_the_word_that_should_close_their_case(
    house: House, said: str
) -> None:
    """After a danger a human records in the console how the case ended (rule 3)."""
    me = house.resident().texts(*SUICIDE)
    code = me.case().reference
    staff(house, DANA, code)
    staff(house, DANA, f"{code} I am Dana. I am here.")
    heard = house.texts_to(ME)

    (answer,) = staff(house, DANA, f"{code} {said}")

    assert "nothing was sent and nothing changed" in answer and "console" in answer
    assert house.texts_to(ME) == heard and not me.case().closed_at


@pytest.mark.parametrize(
    "said", ["close the door please", "Closed doors are safer", "done, now breathe with me"]
)
def test_words_that_begin_like_it_reach_the_resident(house: House, said: str) -> None:
    me = house.resident().texts(*SUICIDE)
    code = me.case().reference
    staff(house, DANA, code)
    staff(house, DANA, f"{code} {said}")
    assert house.texts_to(ME)[-1] == f"Dispatcher on duty: {said}"
