"""A fourth round of conversations played by somebody who knew only the rules: people who correct
what they said, ask two things at once, and are deaf; strangers at the phone; words of the phone
itself (rules 1, 2, 7, 8, 10, 14, 22, 25, 26)."""

from __future__ import annotations

import pytest
from conftest import House
from played import DANA, FULL, FULL_ES, SUICIDE, UNIT, answers, held, paged_for_danger, staff

ME = "+17205550123"
HELLO = {"en": "hello", "es": "hola"}
AT_CONTACT = ("hello", "1", "2", "2", "2")


# ---- who needs help, told later ------------------------------------------------------------------
@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "its for my sister not me"), ("en", "not me. my sister"), ("en", "sorry i meant my dad"),
     ("en", "oh this is for my friend"), ("es", "es para mi hermana no para mi"),
     ("en", "my mistake its for my dad"), ("es", "perdon quise decir mi hermano"),
     ("es", "perdon me equivoque es para mi mama")],
)  # fmt: skip
def test_what_was_asked_about_the_one_is_asked_about_the_other(
    house: House, language: str, said: str
) -> None:
    """A "no" about oneself is no "no" about a sister (rule 1: what is not asked is no "no")."""
    me = house.resident().texts(HELLO[language], "1", "2", "2", "2", said)

    answers(me, "who.noted", language)
    answers(me, "ask.health.they", language)
    assert me.case().state["answers"] == {"who": "adult", "safety": "no"}
    answers(me.texts("2"), "ask.suicide.they", language)


def test_who_needs_help_may_be_corrected_to_themselves(house: House) -> None:
    me = house.resident().texts("hello", "3", "2", "its me not my brother")
    me.told("who.noted", "ask.health.me")


def test_what_was_not_denied_stays_when_it_is_somebody_else(house: House) -> None:
    me = house.resident().texts("hello", "1", "2", "2", "1", "its for my sister not me")
    assert me.case().state["answers"]["suicide"] == "yes"


def test_in_danger_who_it_is_for_is_known_before_it_is_asked(house: House) -> None:
    me = house.resident().texts(*SUICIDE, "its for my sister not me")
    me.told("who.noted", "ask.where.they")
    assert me.case().state["answers"]["who"] == "adult" and me.case().level == "R2"


def test_after_the_hand_off_a_human_reads_who_it_is_for(house: House) -> None:
    me = house.resident().texts(*FULL, "its for my sister not me").told("who.noted", "ask.check")
    state = me.case().state
    assert state["review"] and not {"health", "suicide"} & state["answers"].keys()


@pytest.mark.parametrize(
    "said",
    ["my husband is the problem not me", "he hates my sister not me", "i mean it", "this is for real",
     "no my sister is not here", "asking for help"],
)  # fmt: skip
def test_a_sentence_with_such_words_corrects_nobody(house: House, said: str) -> None:
    me = house.resident().texts("hello", "1", "2", said)
    assert me.case().state["answers"]["who"] == "me"


# ---- "i meant yes" -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "i said no but i meant yes"),
        ("en", "sorry i meant 1"),
        ("es", "me equivoque, era si"),
    ],
)
def test_a_no_that_was_meant_as_a_yes_is_doubt_at_once(
    house: House, language: str, said: str
) -> None:
    """Rule 2: a human is asked at once, and the question is put again."""
    me = house.resident().texts(HELLO[language], "1", "2", "2", "2", said)
    assert me.case().level == "R2" and paged_for_danger(house)
    assert me.case().state["asked"] == "suicide" and "violence" not in me.case().state["said"]
    assert me.texts("1").case().state["answers"]["suicide"] == "yes"


def test_a_yes_that_was_meant_as_a_no_lowers_nothing(house: House) -> None:
    me = house.resident().texts("hello", "1", "1", "i said yes but i meant no", "2")
    assert me.case().level == "R1"


def test_somebody_who_was_forced_is_still_heard(house: House) -> None:
    me = house.resident().texts("i said no but he did it anyway")
    assert me.case().level == "R2" and "disclosure" in me.case().state["said"]


# ---- two questions in one text -------------------------------------------------------------------
@pytest.mark.parametrize(
    ("language", "said", "keys"),
    [
        ("es", "por favor no manden policia, no tenemos papeles", ("police", "immigration")),
        ("en", "no cops please im undocumented", ("police", "immigration")),
        ("en", "will you call the cops or take my kids", ("police", "children")),
    ],
)
def test_each_of_two_fears_is_answered(
    house: House, language: str, said: str, keys: tuple[str, ...]
) -> None:
    me = house.resident().texts(HELLO[language], said)
    for key in keys:
        answers(me, f"faq.{key}", language)


@pytest.mark.parametrize("said", ["who can see this", "who will see my texts"])
def test_whoever_asks_who_reads_it_takes_no_contact_back(house: House, said: str) -> None:
    me = house.resident().texts("hello", said).told("faq.private")
    assert not me.case().state.get("withdrawn")


@pytest.mark.parametrize("said", ["he can see this", "my husband will see my texts"])
def test_whoever_tells_who_reads_it_does(house: House, said: str) -> None:
    me = house.resident().texts("hello", said)
    assert "text" in me.case().state["withdrawn"]


# ---- "are you there" -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "said", "language"),
    [(FULL, "are you there", "en"), (FULL, "u there??", "en"),
     (FULL, "is anybody reading this", "en"), (FULL_ES, "siguen ahi?", "es"),
     (FULL, "is someone reading this", "en"), (FULL_ES, "hay alguien leyendo esto?", "es")],
)  # fmt: skip
def test_whoever_asks_if_we_are_there_hears_where_it_stands(
    house: House, words: tuple[str, ...], said: str, language: str
) -> None:
    """Promise 3: the truth about waiting, and no question about danger."""
    me = house.resident().texts(*words, said)
    answers(me, "status.nobody_yet", language)
    assert me.case().state["asked"] != "check"


def test_whoever_has_the_case_reads_that_they_ask(house: House) -> None:
    me = house.resident().texts(*FULL)
    house.settles()
    staff(house, UNIT, f"{me.case().reference} 20")
    me.texts("are you there").told("status.accepted")
    house.settles()
    assert "are you there" in house.texts_to(UNIT)[-1]


def test_in_danger_it_is_no_answer_that_could_not_be_read(house: House) -> None:
    me = house.resident().texts(*SUICIDE, "city hall").told("ask.who")
    me.texts("are you there", "you there?", "is someone reading this", "are you still there")
    assert me.told("ask.who") and "who" not in me.case().state["answers"]


def test_during_the_questions_it_is_answered_and_counts_for_nothing(house: House) -> None:
    me = house.resident().texts("are you there").told("faq.robot", "preamble", "ask.who")
    me.texts("1", "are you there?", "hello are you there", "u there")
    me.told("faq.robot", "ask.health.me")
    assert me.case().level is None


@pytest.mark.parametrize(
    "said",
    ["someone is reading this", "alguien esta leyendo mis mensajes", "my ex is reading this"],
)
def test_that_somebody_else_reads_it_is_no_such_question(house: House, said: str) -> None:
    """Rule 9: silence."""
    me = house.resident().texts(*FULL, said).told()
    assert "watched" in me.case().state["said"]


@pytest.mark.parametrize("said", ["i saw you there", "is he still there", "are you here to help"])
def test_what_only_sounds_like_it_is_read_by_a_human(house: House, said: str) -> None:
    me = house.resident().texts(*FULL, said).told("ask.check")
    assert me.case().state["review"]


# ---- deaf, in words ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "im deaf and my husband left me"), ("es", "soy sorda, no puedo oir el telefono"),
     ("en", "i use asl and i feel so alone")],
)  # fmt: skip
def test_nobody_who_wrote_that_they_are_deaf_is_offered_a_call(
    house: House, language: str, said: str
) -> None:
    """Every choice is written for this person (§2)."""
    me = house.resident().texts(said, "1", "2", "2", "2", "1")
    answers(me, "choice.want.counselor.deaf", language)
    assert me.case().state["answers"]["contact"] == "text_deaf"
    me.texts("2")
    assert me.case().state["asked"] != "voicemail"


def test_calls_that_were_called_safe_end_with_it(house: House) -> None:
    me = house.resident().texts(*AT_CONTACT, "1", "im deaf").told("choice.want.counselor.deaf")
    me.hears_not(house.words("unclear"))
    assert me.case().state["answers"]["contact"] == "text_deaf"


def test_whoever_chose_calls_alone_is_asked_once_more(house: House) -> None:
    """They may mean a relay: nothing is opened by guessing (rule 10)."""
    me = house.resident().texts(*AT_CONTACT, "5", "im deaf").told("ask.contact.deaf")
    assert me.texts("call only").case().state["answers"]["contact"] == "call"


def test_somebody_else_who_is_deaf_changes_no_contact(house: House) -> None:
    me = house.resident().texts("my brother is deaf and upset", "3", "2", "2", "2", "1")
    assert me.case().state["answers"]["contact"] == "text_call"


# ---- another number, another language -----------------------------------------------------------
@pytest.mark.parametrize("words", [AT_CONTACT, FULL])
def test_whoever_gives_another_number_is_no_other_person(
    house: House, words: tuple[str, ...]
) -> None:
    """A human decides whether it may be used (rule 10); the request goes on."""
    me = house.resident().texts(*words, "wrong number, mine is 720-555-0199")
    assert len(house.rows("case")) == 1 and me.case().state["review"]


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "arabic please"), ("es", "hablan arabe?"), ("es", "somali por favor")],
)
def test_a_language_that_is_named_is_asked_of_a_human(
    house: House, language: str, said: str
) -> None:
    me = house.resident().texts(HELLO[language], said)
    answers(me, "language.which", language)
    assert me.case().state["interpreter"]


def test_whoever_goes_on_in_their_language_is_not_read_in_another(house: House) -> None:
    """Rule 26: R2 at the second text, whatever Spanish words it shares."""
    me = house.resident().texts("preciso de ajuda", "por favor me ajuda")
    assert me.case().level == "R2" and me.case().state["unread_language"] == "pt"


@pytest.mark.parametrize(("language", "said"), [("es", "no entiendo"), ("en", "i dont understand")])
def test_whoever_does_not_understand_is_told_why_we_ask(
    house: House, language: str, said: str
) -> None:
    me = house.resident().texts(HELLO[language], said)
    answers(me, "faq.why", language)
    assert me.case().state["asked"] == "who" and "who" not in me.case().state["answers"]


# ---- contact given back --------------------------------------------------------------------------
GIVEN = (
    ("en", FULL, "dont text me", "its ok you can text now", "text"),
    ("en", FULL, "dont call me", "you can call me now", "call"),
    ("es", FULL_ES, "ya no me manden mensajes", "ya puede escribirme", "text"),
    ("es", FULL_ES, "no me llamen", "ya me pueden llamar", "call"),
)


@pytest.mark.parametrize(("language", "words", "taken", "given", "way"), GIVEN)
def test_contact_that_is_given_back_waits_for_a_human(
    house: House, language: str, words: tuple[str, ...], taken: str, given: str, way: str
) -> None:
    """Rule 10: a number alone proves nothing, and it is no danger either."""
    me = house.resident().texts(*words, taken, given)
    answers(me, "contact.by_human", language)
    state = me.case().state
    assert way in state["withdrawn"] and state["review"] and not paged_for_danger(house)


@pytest.mark.parametrize(
    ("contact", "given", "becomes"),
    [("3", "you can call me now", "text_call"), ("2", "its safe to text me now", "text")],
)
def test_the_code_word_opens_contact_again(
    house: House, contact: str, given: str, becomes: str
) -> None:
    me = house.resident().texts(*AT_CONTACT, contact, "1", "Main St and 3rd Ave", "1", "1")
    me.texts("CODE bluebird", f"bluebird {given}").told("contact.open")
    assert me.case().state["answers"]["contact"] == becomes


def test_the_code_word_opens_what_was_taken_back(house: House) -> None:
    me = house.resident().texts(*FULL, "CODE bluebird", "dont text me")
    me.texts("bluebird its ok you can text now").told("contact.open")
    assert not me.case().state["withdrawn"]


def test_in_danger_no_word_opens_contact(house: House) -> None:
    me = house.resident().texts("my husband hits me", "2", "2", "its safe to text me now")
    assert me.case().state["answers"]["contact"] == "unsafe"


@pytest.mark.parametrize("said", ["can you call me", "me pueden llamar"])
def test_whoever_asks_for_a_call_still_asks_for_a_person(house: House, said: str) -> None:
    assert house.resident().texts(*FULL, said).case().level == "R2"


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "you can text"), ("en", "its ok to text me"), ("es", "si me pueden escribir"),
     ("es", "por mensaje si")],
)  # fmt: skip
def test_texts_that_are_allowed_in_words_are_an_answer(
    house: House, language: str, said: str
) -> None:
    me = house.resident().texts(HELLO[language], *AT_CONTACT[1:], said)
    assert me.case().state["answers"]["contact"] == "text"


# ---- somebody else has the phone, or asks --------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("why are you texting my wife", FULL),
        ("i never texted you", FULL),
        ("this isnt my number", FULL),
    ],
)
def test_whoever_else_has_the_phone_learns_nothing_of_the_request(
    house: House, said: str, words: tuple[str, ...]
) -> None:
    house.resident().texts(*words, said).hears_not(house.words("ask.check"))
    assert len(house.rows("case")) == 2, "theirs is another request"


def test_in_danger_they_hear_nothing(house: House) -> None:
    assert house.resident().texts("my husband hits me", "who is texting my wife").heard == []


@pytest.mark.parametrize("said", ["sorry i never texted you back", "i didnt text you sooner sorry"])
def test_whoever_is_late_is_the_same_person(house: House, said: str) -> None:
    house.resident().texts(*FULL, said)
    assert len(house.rows("case")) == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [("es", "quien les escribio"), ("es", "que les dijo mi esposa"), ("en", "who texted you"),
     ("en", "what did she tell you")],
)  # fmt: skip
def test_whoever_asks_who_wrote_learns_nothing(house: House, language: str, said: str) -> None:
    answers(house.resident().texts(HELLO[language], said), "others.cannot_say", language)


def test_whoever_asks_about_somebody_lost_learns_nothing_either(house: House) -> None:
    me = house.resident().texts("im looking for my daughter anna, did she text you")
    assert me.told("others.cannot_say").case().level == "R2"


# ---- after the end -------------------------------------------------------------------------------
@pytest.mark.parametrize("said", ["nobody came", "no one showed up"])
def test_whoever_waited_in_vain_is_read_by_a_human(house: House, said: str) -> None:
    me = house.resident().texts(*FULL)
    house.settles()
    house.dispatch(
        f"/{me.case().id}/status", {"status": "closed", "by": "Maria", "outcome": "resolved"}
    )
    me.texts(said).told("ask.who")
    assert me.case().state["review"]


# ---- the request is taken back in a sentence -----------------------------------------------------
@pytest.mark.parametrize(
    ("language", "words", "said"),
    [
        ("en", SUICIDE, "cancel please i feel better"),
        ("en", FULL, "cancel please i feel better"),
        ("en", FULL, "we dont need the team anymore"),
        ("es", FULL_ES, "ya estamos bien gracias no vengan"),
        ("es", FULL_ES, "cancelen por favor ya estoy bien"),
    ],
)
def test_a_sentence_that_takes_the_request_back_is_read_by_a_human(
    house: House, language: str, words: tuple[str, ...], said: str
) -> None:
    """Rule 10: nothing ends by a sentence that may say more."""
    me = house.resident().texts(*words, said)
    answers(me, "cancel.human", language)
    assert not me.case().closed_at and "asked_to_cancel" in me.case().state["said"]


@pytest.mark.parametrize("need", [("1",), ("6", "2")])
def test_whoever_is_on_the_way_reads_it(house: House, need: tuple[str, ...]) -> None:
    """An argument is for a human to end (rule 10), and for nobody else to miss."""
    me = house.resident().texts(*FULL[:8], *need, "1")
    house.settles()
    staff(house, UNIT, f"{me.case().reference} 20")
    me.texts("cancel please we are ok")
    house.settles()
    assert "cancel please we are ok" in house.texts_to(UNIT)[-1]


@pytest.mark.parametrize(
    "said", ["please cancel my appointment", "they never cancel on me", "dont come he has a gun"]
)
def test_what_else_is_cancelled_is_no_request(house: House, said: str) -> None:
    me = house.resident().texts(*FULL, said)
    assert "asked_to_cancel" not in me.case().state["said"]


def test_a_first_text_with_such_a_word_begins_a_request(house: House) -> None:
    me = house.resident().texts("please cancel everything i cant do this").told("ask.who")
    assert me.case().state["review"]


# ---- who needs help, by their age ----------------------------------------------------------------
@pytest.mark.parametrize(
    ("language", "said", "who"),
    [("en", "my daughter shes 12", "child"), ("en", "my 19 yo son", "adult"),
     ("en", "my 16 year old", "child"), ("en", "a coworker", "adult"),
     ("es", "mi hija tiene 12 años", "child"), ("es", "mi hijo de 20 años", "adult")],
)  # fmt: skip
def test_who_it_is_for_is_understood_with_their_age(
    house: House, language: str, said: str, who: str
) -> None:
    assert house.resident().texts(HELLO[language], said).case().state["answers"]["who"] == who


@pytest.mark.parametrize("said", ["my husband of 5 years", "5 of us", "my 2 kids and me"])
def test_another_number_tells_of_nobodys_age(house: House, said: str) -> None:
    assert "who" not in house.resident().texts("hello", said).case().state["answers"]


# ---- what a phone or a carrier writes by itself --------------------------------------------------
@pytest.mark.parametrize(
    "said",
    ["I'm driving right now - I'll get back to you later.", "Auto-Reply: I am out of office",
     "Automatic reply: I'm in a meeting", "Respuesta automática: estoy en una junta",
     "This number does not accept text messages.", "Estoy conduciendo ahora. Te llamo luego.",
     "A Juan le encantó “¿Quién necesita ayuda?”"],
)  # fmt: skip
def test_no_answer_of_a_machine_counts_as_theirs(house: House, said: str) -> None:
    me = house.resident().texts("hello", "1", said, said, said)
    assert me.case().level is None and me.told("ask.health.me")
    assert "contact" not in me.case().state["answers"] and me.case().language == "en"


@pytest.mark.parametrize("said", ["i cant talk right now", "auto reply: help me!"])
def test_whoever_may_have_written_it_themselves_is_read(house: House, said: str) -> None:
    me = house.resident().texts("hello", said)
    assert me.heard != [house.words("ask.who")]


# ---- people on duty ------------------------------------------------------------------------------
@pytest.mark.parametrize("said", ["my shift is over", "going home", "Shift ended"])
def test_whoever_leaves_is_asked_to_whom_they_hand_it(house: House, said: str) -> None:
    """Rule 20: nobody ends a shift holding a danger, and no resident reads that they do."""
    me, code = held(house)
    before = house.texts_to(ME)
    assert "HAND TO" in staff(house, DANA, f"{code} {said}")
    assert house.texts_to(ME) == before and me.case().state["holder"] == "Dispatcher on duty"


def test_words_about_home_reach_the_resident(house: House) -> None:
    _, code = held(house)
    staff(house, DANA, f"{code} are you going home tonight?")
    assert house.texts_to(ME)[-1].endswith("are you going home tonight?")


def test_somebody_on_duty_may_ask_for_themselves(house: House) -> None:
    """Nobody is dropped: a page's phone is somebody's phone, too (promise 1)."""
    assert "NEW" in staff(house, DANA, "i need help with my brother")
    dana = house.resident(DANA).texts("NEW").told("ask.who").texts("3")
    assert dana.told("ask.health.they").case().state["answers"]["who"] == "adult"


# ---- a place where no team goes ------------------------------------------------------------------
def test_whoever_is_outside_hears_it_before_the_next_question(house: House) -> None:
    """Rule 16: said as soon as it is known, and once."""
    me = house.resident().texts(*AT_CONTACT, "1", "1", "Lakeside Mall, Fairview")
    me.told("blocked.out_of_area", "blocked.neighbour", "ask.need")
    me.texts("1").told("contingency.wait").hears_not(house.words("blocked.out_of_area"))


def test_a_passer_by_hears_it_when_they_want_a_team(house: House) -> None:
    me = house.resident().texts("hello", "5", "2", "Lakeside Mall, Fairview")
    me.hears_not(house.words("blocked.out_of_area"))
    me.texts("2", "2", "1", "1").told("blocked.out_of_area", "ask.need")


# ---- a place is corrected ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("i meant Main St and 3rd Ave", "i meant Main St and 3rd Ave"),
        ("sorry im at city hall", "sorry im at city hall"),
        ("not 5th st, 5th ave", "5th St and Main / not 5th st, 5th ave"),
        ("wrong address its 500 main st", "5th St and Main / wrong address its 500 main st"),
    ],
)
def test_a_place_that_is_corrected_during_the_questions_counts(
    house: House, said: str, place: str
) -> None:
    """One that is not certain stands beside the first, and a human asks (rule 13)."""
    me = house.resident().texts(*AT_CONTACT, "1", "1", "5th St and Main", said)
    me.told("where.noted", "ask.need").texts("1")
    house.settles()
    assert house.posted[-1][0]["place"]["text"] == place


@pytest.mark.parametrize(
    "said", ["not 3rd ave, 5th ave", "im at city hall now", "we moved to Main St and 5th Ave"]
)
def test_whoever_comes_reads_both_places(house: House, said: str) -> None:
    """Software sends no team elsewhere by a text: a human reads both (rule 10)."""
    me = house.resident().texts(*FULL)
    house.settles()
    staff(house, UNIT, f"{me.case().reference} 20")

    me.texts(said).told("where.noted")
    house.settles()

    assert said in house.texts_to(UNIT)[-1]
    assert house.posted[-1][0]["place"]["text"] == f"Main St and 3rd Ave / {said}"


@pytest.mark.parametrize(
    "said", ["im at the end of my rope", "he is in the street", "i took 20 of them actually"]
)
def test_what_names_no_place_corrects_none(house: House, said: str) -> None:
    me = house.resident().texts(*FULL, said)
    me.hears_not(house.words("where.noted"))


# ---- two languages in one sentence ---------------------------------------------------------------
@pytest.mark.parametrize(
    "said",
    ["no puedo breathe", "cant respirar", "mi hijo is not respirando", "mi papa no wakes up"],
)
def test_a_danger_in_two_languages_is_heard(house: House, said: str) -> None:
    """Rule 7: all languages are read together."""
    me = house.resident().texts(said)
    assert me.case().level == "R2" and "breathing" in me.case().state["said"]


# ---- a weapon in another hand --------------------------------------------------------------------
@pytest.mark.parametrize("said", ["he pulled a knife on me", "someone pulled a gun on me"])
def test_nobody_who_is_threatened_is_told_to_put_the_weapon_away(house: House, said: str) -> None:
    """Rule 23: words fit what is wrong."""
    me = house.resident().texts(said).told("danger.violence")
    me.hears_not(house.words("danger.own_weapon"))


def test_whoever_has_one_is(house: House) -> None:
    house.resident().texts("i have a knife on me").told("danger.own_weapon")


# ---- calls ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "said"),
    [(FULL, "i cant talk on the phone right now"), (FULL_ES, "no puedo hablar por telefono")],
)
def test_whoever_cannot_talk_on_the_phone_is_not_called(
    house: House, words: tuple[str, ...], said: str
) -> None:
    assert house.resident().texts(*words, said).case().state["withdrawn"] == ["call"]


@pytest.mark.parametrize(
    ("language", "said"), [("en", "when will they call"), ("es", "cuando me van a llamar")]
)
def test_whoever_asks_when_they_are_called_hears_where_it_stands(
    house: House, language: str, said: str
) -> None:
    me = house.resident().texts(HELLO[language], *AT_CONTACT[1:], "1", "2", "1", said)
    answers(me, "status.nobody_yet", language)
