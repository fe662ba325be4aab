"""The time after a human takes over, played through the real endpoints (rules 1, 4, 9, 20, 21).

Each case was found by somebody who played against the service, knowing only the rules.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from conftest import House, Resident, signed

from caller_service.core.program import Rung

DANA, SECOND, SUPERVISOR = "+17205550130", "+17205550131", "+17205550132"
NAME = "Dispatcher on duty"
WHO = "+17205550123"


def staff(house: House, number: str, said: str) -> list[str]:
    """A staff member texts us; returns the replies they get."""
    heard = house.resident(number).texts(said).heard
    house.settles()
    return heard


def in_danger(house: House, number: str = WHO) -> Resident:
    """Wants to kill themselves; not hurt; may be texted and called."""
    me = house.resident(number).texts("hello", "1", "i want to kill myself", "2", "1")
    house.settles()
    assert me.case().level == "R2"
    return me


def held(house: House) -> tuple[Resident, str]:
    """The same, and the dispatcher on duty has written."""
    me = in_danger(house)
    code = me.case().reference
    staff(house, DANA, code)
    staff(house, DANA, f"{code} Hello, I am Dana. I am with you.")
    assert me.case().state["holder"] == NAME
    return me, code


def later(house: House, seconds: float) -> None:
    """Let time pass in steps of five seconds; every timer fires."""
    house.later(seconds, 5)


def asked(house: House) -> set[str]:
    return {row.person for row in house.rows("page")}


# ---- words for the resident are never read as a command ------------------------------------------
@pytest.mark.parametrize(
    "words",
    [
        "Lower the knife for me, please. Put it on the floor.",
        "Lower your voice so he can't hear", "Pause. Breathe with me.", "give back the knife",
        "take over the counter pills? how many", "looked at your message, are you ok",
        "hand to him the phone", "yes", "ok", "in 10 minutes", "1", "hello?", "you there?", "988",
        "911", "what happened?",
    ],
)  # fmt: skip
def test_what_the_holder_writes_reaches_the_resident(house: House, words: str) -> None:
    me, code = held(house)
    before = (me.case().level, me.case().state["holder"])

    staff(house, DANA, f"{code} {words}")

    assert house.texts_to(WHO)[-1] == f"{NAME}: {words}"
    assert (me.case().level, me.case().state["holder"]) == before


@pytest.mark.parametrize(
    "words", ["no", "no!", "nope", "not now", "I can't", "LOWER THE KNIFE", "lower, he is calm"]
)
def test_what_may_be_either_is_asked_back_and_changes_nothing(house: House, words: str) -> None:
    me, code = held(house)
    said, before = len(house.texts_to(WHO)), (me.case().level, me.case().state["holder"])

    (answer,) = staff(house, DANA, f"{code} {words}")

    assert "nothing was sent and nothing changed" in answer
    assert (len(house.texts_to(WHO)), me.case().level, me.case().state["holder"]) == (said, *before)


def test_before_they_have_the_case_2_alone_is_asked_back(house: House) -> None:
    me = in_danger(house)
    staff(house, DANA, f"{me.case().reference} 2")
    assert me.case().status == "handed_off", "on the phone the key 2 passes it on"


# ---- danger after a lowering ---------------------------------------------------------------------
@pytest.mark.parametrize("again", ["i took all the pills", "i want to kill myself now"])
def test_danger_said_after_a_lowering_counts_anew_while_somebody_holds_it(
    house: House, again: str
) -> None:
    me, code = held(house)
    staff(house, DANA, f"{code} LOWER: calm now")
    assert me.case().level is None

    me.texts(again)
    house.settles()

    assert me.case().level in ("R1", "R2")
    assert "new danger" in house.texts_to(DANA)[-1]
    later(house, 125)
    assert "wait for your answer" in house.texts_to(DANA)[-1], "the clock `reply` runs"
    later(house, 130)
    assert len(asked(house)) > 1, "and then the next person is asked"


# ---- whoever is there has not failed to come -----------------------------------------------------
def test_a_holder_who_answers_late_has_joined_for_good(house: House) -> None:
    me, code = held(house)
    me.texts("are you there?")
    later(house, 260)
    staff(house, DANA, f"{code} Sorry, I am here. I stay with you.")
    pages = len(house.rows("page"))

    later(house, 200)

    assert len(house.rows("page")) == pages
    assert not any("first words" in text for text in house.texts_to(DANA))


def test_a_time_given_before_the_first_words_begins_no_second_clock(house: House) -> None:
    me, _ = held(house)
    house.dispatch(
        f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": NAME, "in_minutes": 10}
    )
    pages = len(house.rows("page"))
    later(house, 200)
    assert len(house.rows("page")) == pages


# ---- when nobody speaks for a moment -------------------------------------------------------------
def test_after_a_human_gave_it_back_software_asks_and_reads_nothing(house: House) -> None:
    me, code = held(house)
    staff(house, DANA, f"{code} GIVE BACK")
    answers = dict(me.case().state["answers"])

    for words in ("hello? are you there", "the bridge is so high", "1", "2"):
        me.texts(words)
        assert me.heard and not any("1 Yes" in text or "Where are" in text for text in me.heard), (
            me.heard
        )

    assert me.case().state["answers"] == answers
    assert me.case().state["asked"] == ""
    said = house.dispatch(f"/{me.case().id}/messages", method="GET").get_json()["messages"]
    assert "the bridge is so high" in [each["words"] for each in said]


@pytest.mark.parametrize("deed", ["GIVE BACK", "HAND TO Second dispatcher"])
def test_the_truth_after_a_human_wrote_does_not_say_that_none_has(house: House, deed: str) -> None:
    _, code = held(house)
    staff(house, DANA, f"{code} {deed}")
    later(house, 700)
    told = house.texts_to(WHO)

    assert not any("No person has been able to write" in text for text in told)
    assert any("The person who wrote to you is not here right now" in text for text in told)


def test_unreachable_while_held_does_not_say_that_nobody_has_taken_it(house: House) -> None:
    me, _ = held(house)
    house.dispatch(f"/{me.case().id}/status", {"status": "unreachable", "by": NAME})
    house.settles()
    assert not any("Nobody has taken it" in text for text in house.texts_to(WHO))


# ---- the end of a shift --------------------------------------------------------------------------
def test_at_the_end_of_a_shift_a_danger_is_handed_over_or_the_ladder_runs(house: House) -> None:
    program = house.parts.program
    noon = program.ladder[0].hours[0]
    local = house.clock.at.astimezone(ZoneInfo(program.time_zone))
    ends = replace(
        noon,
        opens=local.replace(hour=6, minute=0).time(),
        closes=local.replace(minute=local.minute + 5).time(),
    )

    def shift(rung: Rung) -> Rung:
        return replace(rung, hours=(ends,)) if rung.name == NAME else rung

    house.change(program=replace(program, ladder=tuple(shift(rung) for rung in program.ladder)))
    me, _ = held(house)
    pages = len(house.rows("page"))
    later(house, 300)
    assert any("your shift is over" in text for text in house.texts_to(DANA))

    later(house, 130)

    assert len(house.rows("page")) > pages and {"Second dispatcher"} <= asked(house)
    assert me.case().state["holder"] == NAME, (
        "whoever still writes goes on until somebody takes it over"
    )


# ---- what the holder is told ---------------------------------------------------------------------
def test_a_holder_by_text_is_told_that_they_may_be_watched(house: House) -> None:
    me, _ = held(house)
    me.texts("is the pie shop open")
    house.settles()
    assert "may be watched" in house.texts_to(DANA)[-1]


@pytest.mark.parametrize("asked_for", ["988", "i need 988", "what is 988", "call 988?"])
def test_988_is_given_when_asked_for_while_a_human_holds_it(house: House, asked_for: str) -> None:
    me, _ = held(house)
    me.texts(asked_for).told("say.call_988")


def test_a_hand_over_to_nobody_we_can_tell_is_refused(house: House) -> None:
    me, _ = held(house)
    answer = house.dispatch(f"/{me.case().id}/hand-over", {"by": NAME, "to": "Zoe"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "no_such_person")
    assert "held_by" not in answer.get_json(), "she does not have it"
    assert not any("Zoe" in text for text in house.texts_to(WHO))


# ---- three dangers at most -----------------------------------------------------------------------
def test_a_fourth_danger_asks_somebody_else_at_once_and_is_refused_at_acceptance(
    house: House,
) -> None:
    for number in range(3):
        me = in_danger(house, f"+1720555018{number}")
        staff(house, DANA, me.case().reference)
        staff(house, DANA, f"{me.case().reference} I am with you.")
    fourth = in_danger(house, "+17205550189")

    (answer,) = staff(house, DANA, fourth.case().reference)

    assert "You hold three already" in answer
    asked = {row.person for row in house.rows("page", case_id=fourth.case().id)}
    assert "Second dispatcher" in asked and NAME not in asked


# ---- names and reasons ---------------------------------------------------------------------------
@pytest.mark.parametrize("blank", ["", " ", "\u200b", "\t\n", "a\x00b", "\x1b[2J", "x" * 301])
def test_a_blank_or_unprintable_name_or_reason_is_refused_by_field(
    house: House, blank: str
) -> None:
    me, _ = held(house)
    path = f"/{me.case().id}"

    for told, field in (
        ({"by": blank, "reason": "calm"}, "by"),
        ({"by": NAME, "reason": blank}, "reason"),
    ):
        answer = house.dispatch(f"{path}/lower", told)
        assert answer.status_code == 422 and field in str(answer.get_json()["errors"])
    closed = {"status": "closed", "by": blank, "outcome": "lost"}
    assert house.dispatch(f"{path}/status", closed).status_code == 422
    assert me.case().level == "R2"


@pytest.mark.parametrize("dash", ["-", "...", " . ", "—", "?", "👍"])
def test_a_reason_says_something(house: House, dash: str) -> None:
    me, _ = held(house)
    answer = house.dispatch(f"/{me.case().id}/lower", {"by": NAME, "reason": dash})
    assert answer.status_code == 422 and "reason" in str(answer.get_json()["errors"])
    assert me.case().level == "R2"


# ---- staff are people, too -----------------------------------------------------------------------
def test_a_staff_member_in_danger_is_served_as_anybody_and_not_asked_to_take_their_own_case(
    house: House,
) -> None:
    one = house.resident(SECOND).texts("I want to kill myself")
    house.settles()
    code = one.case().reference
    assert not any(code in text for text in house.texts_to(SECOND)), "never asked to take their own"
    assert any(code in text for text in house.texts_to(DANA))

    one.texts("1").hears_not("No open case")
    assert one.case().level == "R1"
    one.texts("i am so scared").hears_not("No open case")
    assert "is about this phone" in staff(house, SECOND, code)[0]
    assert one.case().status == "handed_off"


def test_the_one_who_is_asked_first_is_in_danger_and_the_next_is_asked(house: House) -> None:
    one = house.resident(DANA).texts("I want to kill myself")
    house.settles()
    assert any(one.case().reference in text for text in house.texts_to(SECOND))


# ---- a team that does not move -------------------------------------------------------------------
def test_a_late_team_is_prompted_on_the_phone_it_answered_with(house: House) -> None:
    me = house.resident().wants_a_team()
    house.settles()
    later(house, 305)
    staff(house, "+17205550133", f"{me.case().reference} 20")
    later(house, 1205)
    assert "the time you gave has passed" in house.texts_to("+17205550133")[-1]


# ---- found in a second review --------------------------------------------------------------------
def test_from_acceptance_on_every_text_of_a_danger_reaches_the_human_danger_first(
    house: House,
) -> None:
    me = in_danger(house)
    staff(house, DANA, me.case().reference)

    me.texts(
        "i took all my pills",
        "hello",
        "he is coming up the stairs with a knife",
        "Main St and 3rd Ave",
    )
    house.settles()

    told = house.texts_to(DANA)
    assert any("new danger" in text and "i took all my pills" in text for text in told)
    assert any("new danger" in text and "with a knife" in text for text in told)
    assert any("Main St and 3rd Ave" in text for text in told) and any(
        text.endswith("hello") for text in told
    )


def test_nobody_is_handed_or_takes_their_own_case(house: House) -> None:
    one = house.resident(SECOND).texts("i want to kill myself", "2", "1")
    house.settles()
    code = one.case().reference
    staff(house, DANA, code)
    staff(house, DANA, f"{code} Hello, I am Dana.")

    assert "is about this phone" in staff(house, DANA, f"{code} HAND TO Second dispatcher")[0]
    for door, told in (
        ("hand-over", {"by": NAME, "to": "Second dispatcher"}),
        ("take-over", {"by": "Second dispatcher"}),
        ("acknowledgement", {"answer": "accept", "by": "Second dispatcher"}),
    ):
        answer = house.dispatch(f"/{one.case().id}/{door}", told)
        assert (answer.status_code, answer.get_json()["code"]) == (409, "own"), door
    assert one.case().state["holder"] == NAME


@pytest.mark.parametrize("order", [("LOWER: calm", "GIVE BACK"), ("GIVE BACK", "")])
def test_what_was_given_back_is_nobodys_and_is_asked_of_somebody(
    house: House, order: tuple[str, str]
) -> None:
    me, code = held(house)
    for deed in order:
        if deed:
            staff(house, DANA, f"{code} {deed}")
    if not order[1]:
        house.dispatch(f"/{me.case().id}/lower", {"by": "Maria", "reason": "calm"})
    pages = len(house.rows("page"))

    me.texts("is anyone coming?").hears_not("someone has taken")
    later(house, 400)

    assert me.case().state["accepted_by"] == "" and me.case().status != "accepted"
    assert pages > 1 or len(house.rows("page")) > pages
    assert "review" in {row.ladder for row in house.rows("page")} or me.case().level in ("R1", "R2")


def test_given_back_at_r1_two_others_are_asked(house: House) -> None:
    me = house.resident().texts("hello", "1", "1", "1")
    house.settles()
    assert me.case().level == "R1"
    code = me.case().reference
    staff(house, DANA, code)
    staff(house, DANA, f"{code} I am here.")
    before = {row.id for row in house.rows("page")}
    staff(house, DANA, f"{code} GIVE BACK")

    asked_now = {row.person for row in house.rows("page") if row.id not in before}
    assert NAME not in asked_now and len(asked_now) >= 2, asked_now


def test_words_of_somebody_off_shift_do_not_end_the_ladder(house: House) -> None:
    program = house.parts.program
    local = house.clock.at.astimezone(ZoneInfo(program.time_zone))
    ends = replace(
        program.ladder[0].hours[0],
        opens=local.replace(hour=6).time(),
        closes=local.replace(minute=local.minute + 5).time(),
    )
    ladder = tuple(
        replace(rung, hours=(ends,)) if rung.name == NAME else rung for rung in program.ladder
    )
    house.change(program=replace(program, ladder=ladder))
    _, code = held(house)
    later(house, 500)
    staff(house, DANA, f"{code} I am off now, somebody else will write")
    pages = len(house.rows("page"))
    later(house, 130)

    assert len(house.rows("page")) > pages
    assert not any("Nothing more to do" in text for text in house.texts_to(SECOND))


def test_a_lowered_case_that_is_held_is_answered_or_asked_of_others(house: House) -> None:
    me, code = held(house)
    staff(house, DANA, f"{code} LOWER: calm")
    me.texts("where do i sleep tonight?")
    later(house, 310)
    assert "wait for your answer" in house.texts_to(DANA)[-1]
    later(house, 320)
    assert "review" in {row.ladder for row in house.rows("page")}
    assert not any("the time you gave" in text for text in house.texts_to(DANA))
    me.texts("0")
    assert me.heard and me.case().level == "R2"


# ---- a stranger with the phone, and words taken for their opposite -------------------------------
HANDS = [
    "wrong number",
    "this is her husband who is this",
    "numero equivocado",
    "quien es? soy su esposo",
    "this is not my phone",
]


@pytest.mark.parametrize("said", HANDS)
def test_whoever_finds_the_phone_while_a_human_speaks_hears_nothing(
    house: House, said: str
) -> None:
    """No second case and no first message of ours: they would reveal what this number is (rules 9
    and 25)."""
    me, code = held(house)
    me.texts(said)
    house.settles()
    assert me.heard == []
    assert len(house.rows("case")) == 1 and me.case().state["said"].count("watched") == 1
    assert f"{code}: they may be watched" in house.texts_to(DANA)[-1]
    staff(house, DANA, f"{code} LIFT: she wrote the word we agreed on")
    me.texts("its me again")
    assert "Sent" in staff(house, DANA, f"{code} I am still here.")[0]


@pytest.mark.parametrize("said", HANDS)
def test_whoever_finds_the_phone_after_violence_hears_nothing(house: House, said: str) -> None:
    me = house.resident().texts("my husband is hitting me", "2", "1")
    me.texts(said)
    assert me.heard == [] and len(house.rows("case")) == 1


@pytest.mark.parametrize("said", ["stop texting me", "no more texts", "ALTO", "no me escriban mas"])
def test_who_stops_in_words_and_writes_again_is_answered_by_the_human(
    house: House, said: str
) -> None:
    me, code = held(house)
    me.texts(said)
    house.settles()
    assert "took contact back" in house.texts_to(DANA)[-1]
    (refused,) = staff(house, DANA, f"{code} Are you there?")
    assert "Not sent" in refused, "nothing unasked, and the text that says stop asks for nothing"
    house.wait(60)
    me.texts("please help me i cant do this")
    assert "Sent" in staff(house, DANA, f"{code} I am here. Did you call 911?")[0]
    assert house.texts_to(WHO)[-1] == f"{NAME}: I am here. Did you call 911?"


def test_a_carriers_own_stop_is_answered_by_nobody(house: House) -> None:
    me, code = held(house)
    me.texts("STOP")
    house.settles()
    assert "they stopped texts" in house.texts_to(DANA)[-1]
    me.texts("hello")
    assert "Not sent" in staff(house, DANA, f"{code} I am here")[0]


@pytest.mark.parametrize(
    "said",
    ["stop writing, he is here", "deja de escribir, el esta aqui", "no escribas", "only call me"],
)
def test_contact_taken_back_is_heard_and_opens_no_window(house: House, said: str) -> None:
    me, code = held(house)
    me.texts(said)
    assert "text" in me.case().state["withdrawn"]
    assert "Not sent" in staff(house, DANA, f"{code} ok")[0]


@pytest.mark.parametrize(
    "said",
    [
        "he is not reading my texts, you can write",
        "he cant see my phone",
        "nobody can see this phone",
        "el no lee mis mensajes",
    ],
)
def test_it_is_safe_is_not_read_as_its_opposite(house: House, said: str) -> None:
    me, code = held(house)
    me.texts(said)
    case = me.case().state
    assert case["withdrawn"] == [] and "watched" not in case["said"]
    house.wait(700)
    assert "Sent" in staff(house, DANA, f"{code} I am here")[0]


def test_lifting_what_was_watched_lets_the_human_write_again(house: House) -> None:
    me, code = held(house)
    me.texts("hes reading my texts")
    staff(house, DANA, f"{code} LIFT: she says he left")
    house.wait(700)
    assert "Sent" in staff(house, DANA, f"{code} I am here")[0]


# ---- a human who has the case must be there ------------------------------------------------------
THANKS_AND_MORE = [
    "ok thanks but im scared",
    "gracias pero tengo miedo",
    "thanks i cant do this anymore",
]


@pytest.mark.parametrize("said", THANKS_AND_MORE)
def test_thanks_with_more_behind_them_wait_for_an_answer(house: House, said: str) -> None:
    me, _ = held(house)
    house.wait(20)
    me.texts(said)
    later(house, 130)
    assert "wait for your answer" in house.texts_to(DANA)[-1]


@pytest.mark.parametrize(
    "said", ["are you safe", "donde estas", "tell me where you are", "ok. where is he"]
)
def test_a_question_without_its_mark_is_one(house: House, said: str) -> None:
    me, code = held(house)
    staff(house, DANA, f"{code} {said}")
    house.wait(20)
    me.texts("thanks")
    later(house, 130)
    assert "wait for your answer" in house.texts_to(DANA)[-1]


def test_a_holder_who_never_answers_is_nobody_and_the_backstop_is_rung(house: House) -> None:
    me, _ = held(house)
    me.texts("im so tired")
    for _ in range(8):
        later(house, 120)
        me.texts("are you there")
    backstops = {rung.name for rung in house.parts.program.backstops}
    assert backstops & asked(house), "the contracted line was rung (rule 4)"
    assert me.case().state["holder"] == "" and me.case().level == "R2"
    assert house.words("truth.backstop") in house.texts_to(WHO)
    assert me.heard, "and from here on software says at least the truth"


def test_at_twice_the_time_of_an_emergency_somebody_else_is_asked_not_the_holder(
    house: House,
) -> None:
    me = house.resident().texts("hello", "1", "1", "1")
    house.settles()
    code = me.case().reference
    staff(house, SECOND, code)
    staff(house, SECOND, f"{code} Luis here. What happened?")
    pages = len(house.rows("page"))
    me.texts("i cut my arm")
    later(house, 125)
    new = {row.person for row in house.rows("page")[pages:]}
    assert NAME in new and "Second dispatcher" not in new, new


def test_after_a_hand_over_that_nobody_answers_the_next_is_not_the_absent_one(house: House) -> None:
    _, code = held(house)
    staff(house, DANA, f"{code} HAND TO Second dispatcher")
    pages = len(house.rows("page"))
    later(house, 95)
    new = {row.person for row in house.rows("page")[pages:]}
    assert new and "Second dispatcher" not in new, new


def test_given_back_after_a_lowering_somebody_else_reads_on(house: House) -> None:
    _, code = held(house)
    staff(house, DANA, f"{code} LOWER: calm")
    pages = len(house.rows("page"))
    staff(house, DANA, f"{code} GIVE BACK")
    new = {row.person for row in house.rows("page")[pages:]}
    assert new and NAME not in new, new


def test_words_that_did_not_arrive_are_told_to_who_wrote_them(house: House) -> None:
    me, code = held(house)
    staff(house, DANA, f"{code} Are you alone?")
    text = house.rows("message", direction="out", keys="note")[-1]
    signed(
        house,
        f"/twilio/receipts/message?id={text.id}",
        {"MessageStatus": "undelivered", "MessageSid": text.provider_id, "ErrorCode": "30006"},
    )
    house.settles()
    assert f"{code}: your words did not arrive" in house.texts_to(DANA)[-1]
    assert me.case().state["holder"] == NAME


def test_nobody_is_handed_a_fourth_and_who_hands_over_hears_why(house: House) -> None:
    for place in range(3):
        one = in_danger(house, f"+1720555016{place}")
        staff(house, SECOND, one.case().reference)
        staff(house, SECOND, f"{one.case().reference} I am here.")
    me, code = held(house)
    (answer,) = staff(house, DANA, f"{code} HAND TO Second dispatcher")
    assert "Second dispatcher holds three already" in answer
    assert me.case().state["holder"] == NAME


@pytest.mark.parametrize(
    "said", ["take care of my dog", "perdon por todo", "dile a mi mama que la quiero", "goodbye"]
)
def test_a_farewell_is_told_to_the_holder_as_one(house: House, said: str) -> None:
    """Even if the danger that it refers to is known already (rule 21)."""
    me, code = held(house)
    me.texts(said)
    house.settles()
    assert house.texts_to(DANA)[-1] == f"{code}: sounds like goodbye. {said}"


def test_a_new_danger_ends_an_announced_pause(house: House) -> None:
    me, code = held(house)
    staff(house, DANA, f"{code} PAUSE")
    later(house, 30)
    me.texts("i took all my pills")
    house.settles()
    assert "new danger" in house.texts_to(DANA)[-1]
    pages = len(house.rows("page"))
    later(house, 250)
    new = {row.person for row in house.rows("page")[pages:]}
    assert new and NAME not in new, "the clock `reply` ran, whatever was announced before"


def wants_a_team(house: House, by: str) -> Resident:
    """No danger is known, and `by` took the conversation over at the console."""
    me = house.resident().texts("hello", "1", "2", "2", "2", "1", "1", "Main St & 3rd Ave", "1")
    house.settles()
    assert me.case().level not in ("R1", "R2")
    house.dispatch(f"/{me.case().id}/take-over", {"by": by})
    house.settles()
    assert me.case().state["holder"] == by
    return me


@pytest.mark.parametrize("by", [NAME, "Somebody at the console"])
def test_the_first_danger_before_a_humans_words_asks_the_next_at_once(
    house: House, by: str
) -> None:
    """Whoever took it over has not written yet, so no human is there (rule 3)."""
    me = wants_a_team(house, by)
    me.texts("i want to kill myself")
    house.settles()
    assert me.case().level == "R2"
    new = asked(house)
    assert new and by not in new, new


def test_a_first_danger_told_to_a_holder_without_a_phone_asks_somebody_with_one(
    house: House,
) -> None:
    me = wants_a_team(house, "Somebody at the console")
    house.dispatch(
        f"/{me.case().id}/notes", {"by": "Somebody at the console", "words": "I am here."}
    )
    me.texts("i want to kill myself")
    house.settles()
    assert asked(house)


def test_a_first_danger_with_a_holder_who_wrote_is_theirs(house: House) -> None:
    me = wants_a_team(house, NAME)
    house.dispatch(f"/{me.case().id}/notes", {"by": NAME, "words": "I am here."})
    house.settles()
    me.texts("i want to kill myself")
    house.settles()
    assert "new danger" in house.texts_to(DANA)[-1] and not asked(house)


def test_held_in_silence_on_both_sides_the_next_is_not_the_silent_holder(house: House) -> None:
    held(house)
    pages = len(house.rows("page"))
    later(house, 605 + 605)
    new = {row.person for row in house.rows("page")[pages:]}
    assert new and NAME not in new, new


def test_the_first_words_stay_with_the_case_however_much_follows(house: House) -> None:
    me, _ = held(house)
    for number in range(40):
        me.texts(f"and then {number} he said something else")
    house.settles()
    told = [note["words"] for note in house.posted[-1][0]["notes"]]
    assert len(told) == 20 and "kill myself" in told[0] and "39" in told[-1]


# ---- what a human must know before they write ------------------------------------------------
WATCHED = "is the pie shop open"


def test_who_takes_a_watched_case_hears_it_before_they_write(house: House) -> None:
    me = in_danger(house)
    me.texts(WATCHED)
    (answer,) = staff(house, DANA, me.case().reference)
    assert "they may be watched" in answer


def test_who_is_handed_a_watched_case_hears_it(house: House) -> None:
    me, code = held(house)
    me.texts(WATCHED)
    staff(house, DANA, f"{code} HAND TO Second dispatcher")
    assert any("they may be watched" in text for text in house.texts_to(SECOND))


@pytest.mark.parametrize(
    ("answers", "known"),
    [
        (("hello", "1", "i want to kill myself", "2", "2"), "this phone is not safe"),
        (("hello", "1", "i want to kill myself", "2", "6"), "do not want to be contacted"),
        (("hello", "1", "i want to kill myself"), "nobody has asked yet"),
        (("hello", "1", "i want to kill myself", "2", "5"), "they want calls"),
        (("hello", "1", "i want to kill myself", "2", "1", "stop"), "they stopped texts"),
        (("hello", "1", "my husband is hitting me", "2", "1"), "someone violent may see"),
        (("мне очень плохо помогите", "я выпила все таблетки"), "language we cannot read"),
    ],
)  # fmt: skip
def test_who_takes_a_case_hears_how_they_may_be_reached(
    house: House, answers: tuple[str, ...], known: str
) -> None:
    me = house.resident().texts(*answers)
    house.settles()
    (answer,) = staff(house, DANA, me.case().reference)
    assert known in answer, answer


# ---- saying that the feared act has been done ----------------------------------------------------
@pytest.mark.parametrize(
    "said",
    ["i did it", "its done", "too late", "ya lo hice", "lo hice", "i just took them",
     "ya me las tome todas", "i took the whole bottle now", "im over the rail now"],
)  # fmt: skip
def test_the_deed_is_a_new_danger_while_a_human_speaks(house: House, said: str) -> None:
    me, _ = held(house)
    me.texts(said)
    house.settles()
    assert "new danger" in house.texts_to(DANA)[-1]
    assert any("911" in text for text in me.heard), me.heard


@pytest.mark.parametrize("said", ["i did it", "its done", "lo hice", "i just did", "i cut"])
def test_the_deed_answers_whether_something_was_done(house: House, said: str) -> None:
    me = house.resident().texts("hello", "1", "2", "2", "1")
    assert me.case().state["asked"] == "attempt"
    me.texts(said)
    assert me.case().level == "R1"


def test_a_deed_told_after_the_end_is_a_danger(house: House) -> None:
    me, _ = held(house)
    house.dispatch(f"/{me.case().id}/status", {"status": "closed", "by": NAME, "outcome": "safe"})
    me.texts("i did it")
    assert me.case().level in ("R1", "R2")


# ---- staff texts that bounce, and messages that never arrived ------------------------------------
def bounces(house: House, number: str, error: str = "30006") -> None:
    """The newest text to somebody on the ladder bounces."""
    name = next(r.name for r in house.parts.program.ladder if r.number == number)
    text = house.rows("message", direction="out", person=name)[-1]
    signed(
        house,
        f"/twilio/receipts/message?id={text.id}",
        {"MessageStatus": "undelivered", "MessageSid": text.provider_id, "ErrorCode": error},
    )
    house.settles()


@pytest.mark.parametrize("paused", [False, True])
def test_what_cannot_reach_the_holder_asks_the_next_at_once(house: House, paused: bool) -> None:
    me, code = held(house)
    if paused:
        staff(house, DANA, f"{code} PAUSE")
    me.texts("i took all my pills")
    house.settles()
    pages = len(house.rows("page"))
    bounces(house, DANA)
    new = {row.person for row in house.rows("page")[pages:]}
    assert new and NAME not in new, new


def test_who_is_handed_it_on_a_dead_phone_is_nobody(house: House) -> None:
    _, code = held(house)
    staff(house, DANA, f"{code} HAND TO Second dispatcher")
    pages = len(house.rows("page"))
    bounces(house, SECOND)
    new = {row.person for row in house.rows("page")[pages:]}
    assert new and "Second dispatcher" not in new, new


def test_a_human_none_of_whose_words_arrived_has_not_joined(house: House) -> None:
    me, _ = held(house)
    text = house.rows("message", direction="out", keys="note")[-1]
    signed(
        house,
        f"/twilio/receipts/message?id={text.id}",
        {"MessageStatus": "undelivered", "MessageSid": text.provider_id, "ErrorCode": "30003"},
    )
    house.settles()
    me.texts("hello?")
    assert me.heard, "software answers again"
    pages = len(house.rows("page"))
    later(house, 120)
    assert len(house.rows("page")) > pages, "and the next person is asked"


def takes_it(house: House, code: str, how: str) -> None:
    """The second dispatcher gets the case and writes a first message."""
    if how == "take over":
        staff(house, SECOND, f"{code} TAKE OVER")
    elif how == "hand over":
        staff(house, DANA, f"{code} HAND TO Second dispatcher")
    else:
        staff(house, DANA, f"{code} GIVE BACK")
        staff(house, SECOND, code)
    staff(house, SECOND, f"{code} I am Sam.")
    house.settles()


@pytest.mark.parametrize("how", ["take over", "hand over", "give back"])
def test_whose_first_words_are_lost_has_not_joined_though_another_had(
    house: House, how: str
) -> None:
    """The previous holder's message arrived, but that does not count for the new holder (rule
    21)."""
    me, code = held(house)
    receipt(house, house.rows("message", direction="out", keys="note")[-1], "delivered")
    takes_it(house, code, how)
    assert me.case().state["holder"] == "Second dispatcher"
    text = house.rows("message", direction="out", keys="note")[-1]

    receipt(house, text, "undelivered", "30003")

    state = me.case().state
    assert state["holder"] == "" and "joined" not in state["marks"]
    me.texts("hello?")
    assert me.heard, "software answers again"
    pages = len(house.rows("page"))
    later(house, 190)
    assert len(house.rows("page")) > pages, "and the next person is asked"
    assert truths(house), "and the resident hears that nobody has come yet"


def test_later_words_that_are_lost_undo_nothing(house: House) -> None:
    me, code = held(house)
    takes_it(house, code, "take over")
    receipt(house, house.rows("message", direction="out", keys="note")[-1], "delivered")
    staff(house, SECOND, f"{code} Are you safe?")
    house.settles()
    receipt(house, house.rows("message", direction="out", keys="note")[-1], "undelivered", "30003")
    state = me.case().state
    assert state["holder"] == "Second dispatcher" and "joined" in state["marks"]


def test_words_still_on_their_way_are_not_those_of_who_took_it_over(house: House) -> None:
    me = in_danger(house)
    code = me.case().reference
    staff(house, DANA, f"{code} yes")
    house.dispatch(f"/{me.case().id}/notes", {"by": NAME, "words": "I am here."})
    staff(house, SECOND, f"{code} TAKE OVER")  # before the provider accepted Dana's text
    house.settles()
    assert "joined" not in me.case().state["marks"]
    pages = len(house.rows("page"))
    later(house, 95)
    assert len(house.rows("page")) > pages, "who took it over must come still"


def receipt(house: House, text: object, state: str, error: str = "") -> None:
    """The provider sends a delivery report for one of our texts."""
    signed(
        house,
        f"/twilio/receipts/message?id={text.id}",  # type: ignore[attr-defined]
        {
            "MessageStatus": state,
            "MessageSid": text.provider_id,  # type: ignore[attr-defined]
            **({"ErrorCode": error} if error else {}),
        },
    )
    house.settles()


@pytest.mark.parametrize("wait", [0, 120])
def test_words_that_arrive_after_they_were_reported_lost_are_a_humans_words(
    house: House, wait: int
) -> None:
    """Delivery reports come in any order (rule 20)."""
    me, code = held(house)
    text = house.rows("message", direction="out", keys="note")[-1]
    receipt(house, text, "undelivered", "30003")
    assert me.case().state["holder"] == ""
    later(house, wait)

    receipt(house, text, "delivered")

    state = me.case().state
    assert state["holder"] == NAME and state["asked"] == "" and not state["cannot_text"]
    assert f"{code}: your words did arrive after all" in "".join(house.texts_to(DANA)[-2:])
    me.texts("ok im here")
    assert not me.heard, "software asks nothing and reads nothing"
    assert f"{code}: ok im here" in house.settles().texts_to(DANA)[-1]
    told = len(house.texts_to(WHO))
    staff(house, DANA, f"{code} Good. Stay with me.")
    pages = len(house.rows("page"))
    later(house, 240)
    assert len(house.rows("page")) == pages, "nobody else is asked"
    assert not any("person has been able" in text for text in house.texts_to(WHO)[told:])


def test_words_that_arrive_late_leave_it_with_whoever_has_it_now(house: House) -> None:
    me, code = held(house)
    text = house.rows("message", direction="out", keys="note")[-1]
    receipt(house, text, "undelivered", "30003")
    staff(house, SECOND, f"{code} TAKE OVER")

    receipt(house, text, "delivered")

    assert me.case().state["holder"] == "Second dispatcher"
    pages = len(house.rows("page"))
    later(house, 95)
    assert len(house.rows("page")) > pages, "who took it over must come still"


# ---- one phone, two people -----------------------------------------------------------------------
def test_the_first_person_comes_back_by_a_human_who_knows_them(house: House) -> None:
    me, code = held(house)
    first = me.case().id
    me.texts("NEW", "1", "2", "2", "2", "1", "3")
    house.settles()
    refused = staff(house, DANA, f"{code} are you there")
    assert "somebody else uses this phone" in refused[0] and "SAME PERSON" in refused[0]

    me.texts("hi its me again, dana are you there")
    house.settles()
    told = house.texts_to(DANA)[-1]
    assert "this phone wrote again" in told and "dana are you there" in told
    (answer,) = staff(house, DANA, f"{code} SAME PERSON: she knew what we spoke of")
    assert "noted that it is them again" in answer
    staff(house, DANA, f"{code} I am here again.")
    assert house.texts_to(WHO)[-1] == f"{NAME}: I am here again."
    me.texts("thank god")
    house.settles()
    assert "thank god" in house.texts_to(DANA)[-1], "and what they write goes to their human"
    cases = {row.id: row for row in house.rows("case")}
    assert not cases[first].parked and sum(not row.parked and not row.closed_at
                                           for row in cases.values()) == 1  # fmt: skip


def test_a_stop_after_the_second_request_ended_is_told_to_whoever_has_the_first(
    house: House,
) -> None:
    me, code = held(house)
    me.texts("NEW", "1", "2", "2", "2", "1", "3", "STOP")
    house.settles()
    assert f"{code}: they stopped texts." in house.texts_to(DANA)


def test_nobody_comes_back_where_nobody_is_parked(house: House) -> None:
    _, code = held(house)
    (answer,) = staff(house, DANA, f"{code} SAME PERSON: why")
    assert "nobody else uses that phone" in answer


# ---- officers, languages, calls, threats ---------------------------------------------------------
def test_an_officer_hears_nothing_and_the_holder_is_warned(house: House) -> None:
    me, _ = held(house)
    me.texts("this is officer Miller badge 4411, did a woman text you from this number")
    house.settles()
    assert me.heard == [house.words("others.cannot_say")]
    assert "may be in other hands" in house.texts_to(DANA)[-1]


def test_an_officer_in_a_danger_nobody_holds_learns_nothing(house: House) -> None:
    me = in_danger(house)
    me.texts("this is officer miller, who wrote to you from this phone?")
    assert house.words("others.cannot_say") in me.heard[0]


def test_a_language_we_cannot_read_while_a_human_speaks(house: House) -> None:
    me, _ = held(house)
    me.texts("мне очень плохо помогите")
    house.settles()
    assert me.heard and "911" in me.heard[0], "one line in their script (rule 26)"
    me.texts("я выпила все таблетки")
    house.settles()
    assert not me.heard and "language we cannot read" in house.texts_to(DANA)[-1]
    assert house.posted[-1][0]["interpreter"] is True


def test_no_calls_is_told_as_no_calls(house: House) -> None:
    me, code = held(house)
    me.texts("dont call me")
    house.settles()
    assert f"{code}: they want no calls." in house.texts_to(DANA)
    assert not any("Answer only when they write" in text for text in house.texts_to(DANA))


def test_start_does_not_promise_what_was_taken_back_in_words(house: House) -> None:
    me, _ = held(house)
    me.texts("dont text me", "START")
    assert me.heard == [house.words("start.replies")]


def test_a_threat_to_staff_is_told_once_and_as_one(house: House) -> None:
    me = house.resident().texts("hello", "1", "2", "2", "2", "1", "1", "Main St & 3rd Ave", "1")
    me.texts("ill shoot anyone you send here")
    house.settles()
    assert "\n".join(me.heard).count("What you tell us matters") <= 1
    (answer,) = staff(house, DANA, me.case().reference)
    assert "hurting whoever comes" in answer and "someone violent" not in answer


# ---- pauses, shifts and a new holder -------------------------------------------------------------
def test_a_pause_that_nobody_ends_is_prompted_when_it_is_over(house: House) -> None:
    _, code = held(house)
    staff(house, DANA, f"{code} PAUSE")
    later(house, 600 + 130)
    assert "no one has written" in house.texts_to(DANA)[-1]


def test_a_hand_over_long_after_the_first_danger_rings_no_backstop(house: House) -> None:
    me, code = held(house)
    for _ in range(8):
        later(house, 100)
        staff(house, DANA, f"{code} I am here.")
        me.texts("ok")
    staff(house, DANA, f"{code} HAND TO Second dispatcher")
    later(house, 30)
    assert me.case().state["holder"] == "Second dispatcher"
    assert house.words("truth.backstop") not in house.texts_to(WHO)


# ---- what a second hostile reviewer found --------------------------------------------------------
def test_what_was_said_on_the_phone_since_can_only_close_contact(house: House) -> None:
    me, code = held(house)
    me.texts("NEW", "1", "2", "2", "2", "2")
    house.settles()
    staff(house, DANA, f"{code} SAME PERSON: she called")
    later(house, 11 * 60)
    (answer,) = staff(house, DANA, f"{code} are you ok")
    assert "Not sent" in answer


def test_a_phone_on_which_somebody_else_is_in_danger_is_not_given_back(house: House) -> None:
    me, code = held(house)
    me.texts("NEW", "1", "i have a gun in my hand and want to shoot myself")
    house.settles()
    second = me.case().id
    (answer,) = staff(house, DANA, f"{code} SAME PERSON: she called")
    assert "somebody is in danger on that phone" in answer
    assert not {row.id: row for row in house.rows("case")}[second].parked


def test_same_person_needs_a_reason(house: House) -> None:
    me, code = held(house)
    me.texts("NEW", "1", "2", "2", "2", "1")
    house.settles()
    (answer,) = staff(house, DANA, f"{code} SAME PERSON")
    assert "please add a reason" in answer


def test_taken_over_before_any_human_words_they_are_still_answered(house: House) -> None:
    me = in_danger(house)
    (answer,) = staff(house, DANA, f"{me.case().reference} TAKE OVER")
    assert "is yours" in answer
    assert "has your messages now" in house.texts_to(WHO)[-1], "nobody has spoken yet"
    me.texts("please hurry")
    assert me.heard and "911" in me.heard[0]


def test_who_is_asked_beside_a_silent_holder_hears_how_to_take_over(house: House) -> None:
    _, code = held(house)
    later(house, 605 + 605)
    (answer,) = staff(house, SECOND, code)
    assert "TAKE OVER" in answer


# ---- the clocks of the first danger, and of the holder -------------------------------------------
def truths(house: House) -> list[str]:
    keys = ("truth.nobody_yet", "truth.holder", "truth.left", "truth.left_again", "truth.backstop")
    words = {house.words(key): key for key in keys}
    return [words[text] for text in house.texts_to(WHO) if text in words]


def test_a_first_danger_after_a_humans_words_is_told_the_truth_if_they_stay_silent(
    house: House,
) -> None:
    """A message from before the danger is no reply to it: only a later one prevents the text that
    nobody has come yet (rule 4)."""
    me = wants_a_team(house, NAME)
    house.dispatch(f"/{me.case().id}/notes", {"by": NAME, "words": "I am here."})
    house.settles()
    later(house, 60)
    me.texts("i want to kill myself")
    later(house, 170)
    assert truths(house) == []
    later(house, 15)
    assert truths(house) == ["truth.holder"], "the next is asked only at twice the time (rule 21)"
    later(house, 300)
    assert truths(house) == ["truth.holder"]
    later(house, 120)
    assert truths(house)[1:2] == ["truth.left"], "others are asked by now"


def test_a_first_danger_is_told_no_such_truth_once_the_human_answered_it(house: House) -> None:
    me = wants_a_team(house, NAME)
    house.dispatch(f"/{me.case().id}/notes", {"by": NAME, "words": "I am here."})
    house.settles()
    me.texts("i want to kill myself")
    house.settles()
    house.dispatch(f"/{me.case().id}/notes", {"by": NAME, "words": "Stay with me."})
    house.settles()
    later(house, 700)
    assert truths(house) == []


def test_a_truth_that_may_not_be_texted_is_in_the_next_reply_also_while_somebody_holds_it(
    house: House,
) -> None:
    me = house.resident().texts("hello", "1", "i want to kill myself", "2", "2")
    house.settles()
    staff(house, DANA, f"{me.case().reference} TAKE OVER")
    later(house, 200)
    assert truths(house) == []
    me.texts("hello?")
    assert house.words("truth.nobody_yet") in "\n".join(me.heard), me.heard


def test_who_accepted_before_the_danger_is_not_late_for_it(house: House) -> None:
    """The clocks of a danger count from the danger, not from an older acceptance (rules 4, 21)."""
    me = house.resident().texts("hello", "1", "2", "2", "2", "1", "1", "Main St & 3rd Ave", "1")
    house.settles()
    path = f"/{me.case().id}/acknowledgement"
    assert house.dispatch(path, {"answer": "accept", "by": NAME}).status_code == 200
    later(house, 300)
    me.texts("i want to kill myself")
    house.settles()
    house.sweeps()
    house.settles()
    people = [row.person for row in house.rows("page", ladder="danger")]
    assert len(people) == 1, people
    assert not any("first words" in text for text in house.texts_to(DANA))
    later(house, 100)
    assert "Shift supervisor" not in asked(house)
    later(house, 30)
    assert "Shift supervisor" in asked(house), "120 seconds after the danger"
    assert not {rung.name for rung in house.parts.program.backstops} & asked(house)


@pytest.mark.parametrize("by_api", [False, True])
def test_given_back_long_after_the_first_danger_the_waiting_counts_anew(
    house: House, by_api: bool
) -> None:
    """They had a human until now, so the clocks of the "nobody yet" text, the supervisor and the
    backstop start here."""
    me, code = held(house)
    for _ in range(8):
        later(house, 100)
        staff(house, DANA, f"{code} I am here.")
        me.texts("ok")
    staff(house, DANA, f"{code} I am here.")
    if by_api:
        told = {"answer": "decline", "by": NAME, "reason": "called away"}
        assert house.dispatch(f"/{me.case().id}/acknowledgement", told).status_code == 200
    else:
        staff(house, DANA, f"{code} GIVE BACK")
    later(house, 30)
    assert truths(house) == [] and "Shift supervisor" not in asked(house)
    assert not {rung.name for rung in house.parts.program.backstops} & asked(house)
    later(house, 160)
    assert truths(house) == ["truth.left"]


def test_nobody_is_paged_twice_in_one_moment(house: House) -> None:
    """Several clocks of one holder may be due together: each person is paged once for them."""
    me = house.resident().texts("hello", "1", "1", "1")
    house.settles()
    staff(house, DANA, f"{me.case().reference} TAKE OVER")
    me.pace = 0
    me.texts("are you there")
    for _ in range(60):
        house.wait(10)
        house.sweeps()
        house.settles()
    moments = [(row.person, row.at) for row in house.rows("page")]
    assert len(moments) == len(set(moments)), moments
    gaps = {person: sorted(at for name, at in moments if name == person) for person, _ in moments}
    for person, times in gaps.items():
        assert all((b - a).total_seconds() >= 30 for a, b in pairwise(times)), (person, times)


# ---- answers to questions that cannot have been read ---------------------------------------------
def test_while_the_carrier_holds_a_stop_answers_are_words_and_a_human_reads_them(
    house: House,
) -> None:
    """No question of ours can have reached them (rule 8), and nothing they wrote is lost."""
    me = house.resident().texts("hello", "1", "2", "STOP")
    me.texts("2")
    answers = me.case().state["answers"]
    assert answers["safety"] == "no", "this question had reached them before the STOP"

    me.texts("no", "1", "1 yes")
    house.settles()

    answers = me.case().state["answers"]
    assert not {"contact", "want"} & answers.keys(), answers
    assert answers.get("suicide") != "no"
    said = house.dispatch(f"/{me.case().id}/messages", method="GET").get_json()["messages"]
    assert {"no", "1", "1 yes"} <= {each["words"] for each in said}
    later(house, 1200)
    assert asked(house), "a human looks"


def test_a_danger_counts_while_the_carrier_holds_a_stop(house: House) -> None:
    me = house.resident().texts("hello", "1", "2", "STOP", "2", "yes")
    later(house, 130)
    assert me.case().level in ("R1", "R2"), "an answer that raises is believed"
    assert asked(house)


def test_who_stopped_in_words_long_ago_is_asked_and_answers_as_anybody(house: House) -> None:
    me = house.resident().texts("hello", "1", "2", "2", "2", "dont send me texts stop it")
    me.texts("please stop texting me")
    house.settles()
    me.texts("cancel", "hello", "1", "2", "2", "2")
    assert {"who", "health", "safety", "suicide"} <= me.case().state["answers"].keys()


# ---- after a human's words software asks nothing -------------------------------------------------
def asks_something(me: Resident) -> bool:
    return any("1 Yes" in text or "1 " in text for text in me.heard)


@pytest.mark.parametrize("said", ["ok i will try that then", "my knee hurts a little bit", "2"])
def test_the_check_question_is_not_put_again_after_a_human_wrote(house: House, said: str) -> None:
    me = house.resident().texts("hello", "1", "2", "2", "2", "1", "1", "Main St & 3rd Ave", "1")
    me.texts("1", "the neighbours dog is barking all day long")
    assert me.case().state["asked"] == "check" and asks_something(me)
    house.dispatch(f"/{me.case().id}/notes", {"by": NAME, "words": "Try to sit down for a bit."})
    house.settles()

    me.texts(said)

    assert me.heard and not asks_something(me), me.heard
    assert me.case().level not in ("R1", "R2")


def test_a_yes_to_the_check_question_counts_also_after_a_human_wrote(house: House) -> None:
    me = house.resident().texts("hello", "1", "2", "2", "2", "1", "1", "Main St & 3rd Ave", "1")
    me.texts("1", "the neighbours dog is barking all day long")
    house.dispatch(f"/{me.case().id}/notes", {"by": NAME, "words": "Try to sit down for a bit."})
    house.settles()
    me.texts("yes")
    assert me.case().level == "R2"


# ---- never the same words twice in a row ---------------------------------------------------------
@pytest.mark.parametrize(
    ("before", "said"),
    [
        (("hello", "1", "2", "2", "2", "1", "1"), ("where is it what", "why do you ask that now")),
        (("i want to kill myself", "2", "1"), ("why do you ask that now", "where is it what")),
        (("hello", "1", "1", "1"), ("status", "status please", "status")),
        (("hello", "1", "2", "2", "2", "1", "1", "Main St & 3rd Ave", "1", "1"),
         ("status", "STATUS", "status")),
        (("hello", "1", "1"), ("it hurts since the morning i think", "and my arm is hurting too",
                               "the other arm is fine so far")),
        (("hello", "1", "2"), ("we went to the shop you know", "then we came back home again",
                               "and now we sit here together")),
    ],
)  # fmt: skip
def test_no_answer_is_given_twice_in_a_row(
    house: House, before: tuple[str, ...], said: tuple[str, ...]
) -> None:
    me = house.resident().texts(*before)
    heard = [me.heard]
    for words in said:
        me.texts(words)
        heard.append(me.heard)
        assert me.heard, "nobody is left without words"
    assert all(one != other for one, other in pairwise(heard)), heard


def test_thanks_said_again_need_no_more_words(house: House) -> None:
    me = house.resident().texts("hello", "1", "2", "2", "2", "1", "1", "Main St & 3rd Ave", "1")
    me.texts("1", "thanks")
    assert me.heard == [house.words("thanks.open")]
    me.texts("thank you so much")
    assert me.heard == []
    me.texts("i want to kill myself")
    assert me.heard
