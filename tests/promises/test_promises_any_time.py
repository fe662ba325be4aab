"""What is understood at every question, in every language: stop, a person, 911, worse, danger, "I
am watched" (docs/safety-rules.md)."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from itertools import pairwise

import pytest
from conversation import PROGRAM, Resident, kept

from caller_service.core.case import Status
from caller_service.core.dispatch import accept
from caller_service.core.effect import Alert, Ask, HandOff, OptIn, OptOut, Page, Record, Say
from caller_service.core.protocol import HUMAN_NOW
from caller_service.language.vocabularies import read_vocabularies

LANGUAGES = PROGRAM.languages
# The answers that lead to each question, by code.
WAYS: dict[str, tuple[str, ...]] = {
    "who": (),
    "health": ("me",),
    "safety": ("me", "no"),
    "violence": ("me", "no", "yes"),
    "weapon": ("me", "no", "yes", "no"),
    "place": ("me", "no", "yes", "no", "no"),
    "suicide": ("me", "no", "no"),
    "attempt": ("me", "no", "no", "yes"),
    "soon": ("me", "no", "no", "yes", "no"),
    "contact": ("me", "no", "no", "no"),
    "want": ("me", "no", "no", "no", "text"),
    "where": ("me", "no", "no", "no", "text", "team"),
    "need": ("me", "no", "no", "no", "text", "team", "inside"),
    "gun": ("me", "no", "no", "no", "text", "team", "inside", "hears"),
}
# Questions that are asked later, once the hand-off is on its way.
LATER: dict[str, tuple[str, ...]] = {
    "if_none": ("me", "no", "no", "no", "text", "team", "inside", "worried"),
    "voicemail": ("me", "no", "no", "no", "text_call", "counselor"),
}
FOLLOW_UPS = (*LATER, "check", "reached", "if_none_still")
EVERYWHERE = (*WAYS, *FOLLOW_UPS)

STORY = {
    "en": "we were at my sister's place all day",
    "es": "estuvimos todo el día en casa de mi hermana",
}

at_every_question = pytest.mark.parametrize("question", EVERYWHERE)
in_every_language = pytest.mark.parametrize("language", LANGUAGES)


def at(question: str, language: str = "en") -> Resident:
    """A resident who has just been asked this question."""
    person = Resident(language).texts("hola" if language == "es" else "hello")
    assert person.case.language == language
    if question == "reached":
        person.answers("me", "no", "no", "no", "text", "call_911").texts(STORY[language])
    elif question == "check":
        person.answers("me", "no", "no", "no", "text", "counselor").texts(STORY[language])
    elif question == "if_none_still":
        person.answers(*LATER["if_none"], "counselor")
        person.staff(lambda case, scene: accept(case, "Sam", None, scene)).waits(minutes=31)
    else:
        person.answers(*(WAYS | LATER)[question])
    assert person.asked == question
    return person


def test_these_are_all_the_questions_there_are() -> None:
    assert set(EVERYWHERE) == {question.id for question in PROGRAM.protocol.questions}


# ---- a person, 911, worse, danger ----------------------------------------------------------------
@cache
def _phrases(kind: str, language: str) -> tuple[str, ...]:
    alone = read_vocabularies((language,))[language]
    return tuple(" ".join(phrase) for phrase, meaning in alone.commands.items() if meaning == kind)


@in_every_language
@at_every_question
def test_zero_pages_a_person_at_every_question(question: str, language: str) -> None:
    person = at(question, language).texts("0")

    assert person.case.level is not None and person.case.level >= HUMAN_NOW
    assert [page.ladder for page in person.happened(Page)] == ["danger"] or person.case.page_waits  # type: ignore[attr-defined]
    assert person.happened(HandOff) and person.heard


@in_every_language
@at_every_question
def test_every_phrase_for_a_person_or_for_worse_pages_at_every_question(
    question: str, language: str
) -> None:
    for said in (*_phrases("person", language), *_phrases("worse", language)):
        person = at_cached(question, language).texts(said)

        assert person.case.in_danger and person.case.page_waits and person.heard, said


@in_every_language
@at_every_question
def test_911_gives_the_words_at_once_and_changes_no_level(question: str, language: str) -> None:
    for said in ("911", *_phrases("emergency", language)):
        person = at_cached(question, language)
        before = person.case.level
        person.texts(said)

        assert {"say.call_911", "say.not_911"} & set(person.said) and "911" in person.heard[
            0
        ].text, said
        # "I want 911" is an answer where it is a choice
        chosen = question == "want" and person.case.answers.get("want") == "call_911"
        assert person.asked == question or person.case.in_danger or chosen
        # "please call 911 for me" also requests a human
        if not person.case.in_danger and not chosen:
            assert person.case.level == before and not person.happened(Page), said


@in_every_language
@at_every_question
def test_a_life_in_danger_is_heard_inside_a_story_at_every_question(
    question: str, language: str
) -> None:
    stories = {
        "en": (
            "no but she took all of the pills an hour ago",
            "He isn't breathing!!",
            "my dad has a big knife please help",
            "I want to die",
        ),
        "es": (
            "no, pero se tomó todas las pastillas",
            "¡No respira!",
            "mi papá tiene un cuchillo grande",
            "me quiero morir",
        ),
    }
    first = ("danger.overdose", "danger.breathing", "danger.violence", "danger.suicide.me")
    for said, words in zip(stories[language], first, strict=True):
        person = at_cached(question, language).texts(said)

        assert person.said[0] == words or (
            question == "who" and person.said[0].startswith(words)
        ), said
        assert person.case.in_danger and person.case.page_waits and person.happened(HandOff), said
        assert person.asked == "health" or "health" in person.case.again, said
        assert said in person.case.narrative, "a story is kept for the people who help"


@in_every_language
@at_every_question
def test_after_a_danger_phrase_a_no_to_health_lowers_nothing(question: str, language: str) -> None:
    person = at(question, language).texts("he overdosed" if language == "en" else "sobredosis")
    for _ in range(4):
        if person.asked:
            person.texts("2")

    assert person.case.level is not None and person.case.level >= HUMAN_NOW


def at_cached(question: str, language: str) -> Resident:
    """Like `at`, but cached."""
    return _copy(_there(question, language))


@cache
def _there(question: str, language: str) -> Resident:
    return at(question, language)


def _copy(person: Resident) -> Resident:
    other = Resident(person.language, person.now)
    other.case = kept(person.case)
    return other


@in_every_language
def test_what_is_said_first_is_for_the_body_then_for_the_rest(language: str) -> None:
    """For several dangers in one text the protocol's order decides: a medical one comes first."""
    said = {"en": "im going to kill myself", "es": "me va a matar, se tomó muchas pastillas"}[
        language
    ]
    first = {"en": "danger.suicide.me", "es": "danger.overdose"}[language]

    assert at("who", language).texts(said).said[0] == first


# ---- stop, help, language ------------------------------------------------------------------------
# words for which no carrier lets our reply through
CARRIERS = ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT")
RESERVED_STOP = (
    "STOP",
    "STOPALL",
    "UNSUBSCRIBE",
    "CANCEL",
    "END",
    "QUIT",
    "REVOKE",
    "OPTOUT",
    "Stop.",
    "ALTO",
    "PARAR",
    "no me escriban más",
)


@in_every_language
@at_every_question
def test_stop_stops_texts_and_closes_nothing(question: str, language: str) -> None:
    for said in RESERVED_STOP:
        person = at_cached(question, language)
        before = person.case
        person.texts(said)

        words = (
            "stop.confirmed"
            if said.strip(" .!").upper() in CARRIERS
            else "withdrawn.short"
            if before.violent
            else "stop.words"
        )
        assert len(person.happened(OptOut)) == 1 and person.said == (words,), said
        assert person.case.cannot_text == "stopped" and not person.case.ended, said
        assert person.asked == question and person.case.answers == before.answers, said


@in_every_language
@at_every_question
def test_nothing_is_sent_unasked_after_stop(question: str, language: str) -> None:
    person = at(question, language).texts("STOP")
    mark = len(person.everything)
    person.waits(hours=6)

    assert [
        effect for _, effect in person.everything[mark:] if isinstance(effect, (Say, Ask))
    ] == []


@pytest.mark.parametrize("question", WAYS)
def test_stop_in_danger_tells_whoever_has_the_case(question: str) -> None:
    person = at(question).texts("0").texts("STOP")

    assert person.happened(HandOff) and person.case.in_danger and person.case.page_waits


@in_every_language
@at_every_question
def test_start_brings_texts_back_and_asks_again_where_we_were(question: str, language: str) -> None:
    person = at(question, language).texts("STOP").texts("START")

    assert (
        person.happened(OptIn)
        and person.case.cannot_text == ""
        and person.said[0] == "start.confirmed"
    )
    assert person.said[1].startswith(f"ask.{question}")


@in_every_language
@at_every_question
def test_help_gives_safety_words_and_moves_nothing(question: str, language: str) -> None:
    for said in ("HELP", "INFO", "help."):
        person = at_cached(question, language)
        before = person.case
        person.texts(said)

        assert person.said == ("help",) and all(
            number in person.heard[0].text for number in ("911", "988", "0")
        ), said
        assert (person.case.answers, person.asked, person.case.level) == (
            before.answers,
            before.asked,
            before.level,
        )


@at_every_question
def test_the_language_can_be_changed_at_every_question(question: str) -> None:
    person = at(question).texts("ESPANOL")

    assert person.case.language == "es" and person.asked == question
    assert person.said[0] == "language.changed" and person.said[-1].startswith(f"ask.{question}")
    person.texts("English")
    assert person.case.language == "en" and person.asked == question


# ---- watched -------------------------------------------------------------------------------------
@in_every_language
@at_every_question
def test_a_watched_person_hears_nothing_ever_and_a_human_reads(
    question: str, language: str
) -> None:
    for said in PROGRAM.watched:
        person = at(question, language).texts(said)

        assert person.case.page_waits and person.heard == () and person.case.in_danger
        mark = len(person.everything)
        person.texts(
            "1",
            "STATUS",
            "hello?",
            "0",
            "911",
            "peor",
            "he has a knife",
            "HELP",
            "STOP",
            "START",
            "ENGLISH",
            "CLOSE",
        ).waits(hours=3)
        assert [
            effect for _, effect in person.everything[mark:] if isinstance(effect, (Say, Ask))
        ] == []


@in_every_language
def test_watched_as_the_very_first_words_is_heard(language: str) -> None:
    person = Resident(language).texts("is the pie shop open?")

    assert person.heard == () and person.case.page_waits


# ---- reading too fast ----------------------------------------------------------------------------
SAFETY = tuple(question.id for question in PROGRAM.protocol.questions if question.safety)


@in_every_language
@pytest.mark.parametrize("question", SAFETY)
def test_a_no_faster_than_reading_never_counts_and_the_second_is_a_doubt(
    question: str, language: str
) -> None:
    """No receipt is known: one second for delivery after it was sent, and three seconds to read it
    (rule 8)."""
    person = at(question, language).texts(
        "nadie" if language == "es" else "nope", after=timedelta(seconds=3.9)
    )

    assert (
        question not in person.case.answers
        and person.said[0] == "too_fast"
        and person.said[-1].startswith(f"ask.{question}")
    )
    assert (
        at(question, language).texts("no.", after=timedelta(seconds=4)).case.answers[question]
        == "no"
    )
    person.texts("NADIE!" if language == "es" else "NOPE!", after=timedelta(seconds=1))
    assert question not in person.case.answers and person.heard == (), (
        "the same words at once are one reply"
    )
    person.texts("2", after=timedelta(seconds=1))
    assert person.case.answers[question] == "unsure"


@pytest.mark.parametrize("question", SAFETY)
def test_a_fast_yes_counts(question: str) -> None:
    person = at(question).texts("1", after=timedelta(seconds=1))

    assert person.case.answers[question] == "yes"


@in_every_language
# any text may be a place
@pytest.mark.parametrize("question", [question for question in EVERYWHERE if question != "where"])
def test_three_unreadable_replies_are_an_answer_and_never_no(question: str, language: str) -> None:
    person = at(question, language).texts("xx", "zzz", "qq")
    # free text after the hand-off gets a check question, and three more replies bring a human
    if question in LATER or question == "if_none_still":
        assert (
            person.asked == "check"
            and person.texts("rr").case.in_danger
            and question not in person.case.answers
        )
        return

    assert person.case.answers[question] == "unreadable"
    if question in SAFETY:
        assert person.case.in_danger or question == "safety"


# ---- stories, repeats, order ---------------------------------------------------------------------
def test_a_story_in_the_first_text_is_kept_and_answers_nothing() -> None:
    story = "my brother is seeing things and yelling at the tv all night please help us"
    person = Resident().texts(story)

    assert person.case.narrative == (story,) and person.case.answers == {} and person.asked == "who"
    assert "hears_or_sees" in person.case.said


def test_a_danger_in_the_first_text_is_answered_before_the_preamble() -> None:
    person = Resident().texts("my brother took a lot of pills")

    assert (
        person.said[0] == "danger.overdose" and person.happened(Page) and person.asked == "health"
    )
    assert "preamble" not in person.said, "the preamble comes with the next reply"
    assert person.texts("no").said[0] == "preamble"


def test_an_answer_written_before_its_question_was_sent_answers_nothing() -> None:
    """A text that was on its way while the next question was sent is stored, and the newer question
    is asked again."""
    person = at("suicide")
    sent = person.now
    early = person.now = sent - timedelta(seconds=1)
    person.texts("2", after=timedelta())

    assert early < sent and "suicide" not in person.case.answers and person.asked == "suicide"


@pytest.mark.parametrize("question", WAYS)
def test_asked_twice_for_a_person_tells_who_has_it_and_pages_nobody_anew(question: str) -> None:
    person = at(question).texts("0")
    person.staff(lambda case, scene: accept(case, "Dana", None, scene)).texts("0")

    assert not person.happened(Page) and [alert.name for alert in person.happened(Alert)] == [
        "Dana"
    ]  # type: ignore[attr-defined]


def test_a_stray_status_opens_nothing_and_says_so() -> None:
    for said in ("STATUS", "CLOSE", "QUIET", "never mind"):
        person = Resident().texts(said)

        assert (
            person.case.status == Status.CLOSED
            and person.case.outcome == "no_request"
            and person.said == ("status.none",)
        )


@pytest.mark.parametrize("language", ["en", "es"])
def test_who_asks_again_where_there_is_no_news_hears_it_otherwise(language: str) -> None:
    person = Resident(language)
    heard = [person.texts(said).said for said in ("STATUS", "CLOSE", "status", "QUIET")]

    assert all(one and one != other for one, other in pairwise(heard)), heard


def test_thanks_that_are_said_again_after_the_end_need_no_more_words() -> None:
    person = Resident().texts("STATUS", "thank you")
    assert person.said == ("thanks.closed",)
    assert person.texts("thanks").said == () and person.texts("thank you so much").said == ()
    assert person.texts("STATUS").said == ("status.none",)


@pytest.mark.parametrize("said", ["hi", "Hola", "x", "👍", "1", "…", "\u200b", "no"])
def test_whatever_the_first_words_are_question_one_follows_the_preamble(said: str) -> None:
    person = Resident().texts(said)

    assert person.said[0] == "preamble" and person.said[-1] == "ask.who" and not person.case.answers


def test_everything_answered_is_recorded_with_its_question() -> None:
    person = at("contact")

    kept_lines = [
        effect
        for _, effect in person.everything
        if isinstance(effect, Record) and effect.event == "answered"
    ]
    assert [line.detail["question"] for line in kept_lines] == [
        "who",
        "health",
        "safety",
        "suicide",
    ]
    assert person.case.level is None
