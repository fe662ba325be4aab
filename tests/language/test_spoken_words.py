"""The texts spoken on the phone: the same in every language, short enough to wait for, and plain
enough to understand at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conversation import CATALOG, PROGRAM
from test_words import FILL, grade

from caller_service.language.catalog import placeholders, read_catalog
from caller_service.language.languages import read_languages
from caller_service.language.spoken import GREETING, WHISPER, fits, limit, seconds, sentences
from caller_service.language.wording import spelled, spoken_filling
from caller_service.rehearsal.twiml_rules import faults
from caller_service.web.shared import twiml

SHIPPED = read_languages()
EVERY = read_catalog(tuple(SHIPPED))
KEYS = sorted({key for words in EVERY.words.values() for key in words if key.startswith("spoken.")})
MOST = {
    "reference": spelled("K7M4Q"),
    "number": FILL["number"],
    "count": "12",
    "minutes": "45",
    "short": spelled("K7M"),
    "name": "Sam",
    "place": "1200 West Lake Street",
}
# {number} is a key, one digit
KEY_NUMBER = ("spoken.choice.", "spoken.language", "spoken.greeting.")

in_every_language = pytest.mark.parametrize("language", SHIPPED)


def said(language: str, key: str, **fill: str) -> str:
    """The text of a key with the longest values that can fill it."""
    text = EVERY.words[language][key]
    chosen = max(
        (one for one in KEYS if one.startswith("spoken.chosen.")),
        key=lambda one: len(EVERY.words[language][one]),
        default="",
    )
    values = {
        **spoken_filling(PROGRAM, language, EVERY),
        **MOST,
        "choice": EVERY.words[language].get(chosen, ""),
        **({"number": "8"} if key.startswith(KEY_NUMBER) else {}),
        **fill,
    }
    return text.format_map({name: values[name] for name in placeholders(text)})


def lasts(language: str, key: str, **fill: str) -> float:
    return seconds(said(language, key, **fill), SHIPPED[language])


def test_the_catalog_has_spoken_keys() -> None:
    assert len(KEYS) > 50


@pytest.mark.parametrize("key", KEYS)
def test_a_spoken_key_has_words_in_every_shipped_language(key: str) -> None:
    assert [tag for tag in SHIPPED if not EVERY.words[tag].get(key, "").strip()] == []


@in_every_language
@pytest.mark.parametrize("key", KEYS)
def test_it_is_short_enough_to_be_waited_for(language: str, key: str) -> None:
    """A key without a limit in `spoken.LIMITS` fails here."""
    assert lasts(language, key) <= limit(key), said(language, key)


@in_every_language
def test_the_whole_greeting_is_over_in_fourteen_seconds(language: str) -> None:
    """Including the second language in its own voice, and the way to other languages."""
    parts = [lasts(language, key) for key in KEYS if key.startswith("spoken.greeting.")]
    parts.append(max(lasts(other, "spoken.language") for other in SHIPPED if other != language))
    assert sum(parts) <= GREETING
    not_us = replace(PROGRAM, law_enforcement=True)
    other = spoken_filling(not_us, language, EVERY)["Not_police"]
    longer = seconds(other, SHIPPED[language]) - seconds(
        spoken_filling(PROGRAM, language, EVERY)["Not_police"], SHIPPED[language]
    )
    assert sum(parts) + longer <= GREETING


@in_every_language
@pytest.mark.parametrize("key", [key for key in KEYS if key.startswith("spoken.ask.")])
def test_a_question_with_its_keys_is_over_in_twenty_one_seconds(language: str, key: str) -> None:
    choices = f"spoken.choice.{key.split('.')[2]}."
    keys = [one for one in KEYS if one.startswith(choices)]
    if not keys and "1" not in said(language, key) and ".where." not in key:
        keys = ["spoken.yes_no_unsure"]
    assert len(keys) <= 4, "no more than four choices are spoken"
    assert lasts(language, key) + sum(lasts(language, one) for one in keys) <= limit(key)


@in_every_language
def test_staff_hear_five_seconds_at_most_before_the_caller(language: str) -> None:
    """The longest case: the first part of the reference, the two longest dangers, and that it is a
    child."""
    kinds = sorted(
        lasts(language, key)
        for key in KEYS
        if key.startswith("spoken.whisper.kind.") and not key.endswith(".none")
    )
    around = ("spoken.whisper.reference", "spoken.whisper.minor", "spoken.whisper.connecting")
    assert sum(lasts(language, key) for key in around) + sum(kinds[-2:]) <= WHISPER
    none = lasts(language, "spoken.whisper.kind.none")
    assert sum(lasts(language, key) for key in around) + none <= WHISPER


@in_every_language
def test_whoever_calls_back_is_told_in_five_seconds(language: str) -> None:
    """Nobody is waiting in the queue yet: one danger, and that voicemail is allowed, may be
    added."""
    told = ("spoken.whisper.reference", "spoken.callback.after")
    assert sum(lasts(language, key) for key in told) <= WHISPER
    assert lasts(language, "spoken.callback.voicemail") <= 2


@in_every_language
@pytest.mark.parametrize("key", KEYS)
def test_each_sentence_is_one_say_that_twilio_takes(language: str, key: str) -> None:
    voice = SHIPPED[language].voice
    for sentence in sentences(said(language, key)):
        assert fits(sentence)
        for slower in (False, True) if voice else ():
            say = f"<Response>{twiml.say(voice, sentence, slower).to_xml(False)}</Response>"
            assert faults(say, voices_named=True) == ()


def test_all_that_is_spoken_needs_six_years_of_school() -> None:
    """Graded as one passage, and for each group of texts that is long enough to be a passage."""
    assert grade(" ".join(CATALOG.words["en"][key] for key in KEYS)) <= 6
    for kind in sorted({".".join(key.split(".")[:2]) for key in KEYS}):
        words = " ".join(CATALOG.words["en"][key] for key in KEYS if key.startswith(kind))
        assert len(words.split()) < 20 or grade(words) <= 6.5, kind


# the law requires "an automatic service"
@pytest.mark.parametrize(
    "key",
    [
        key
        for key in KEYS
        if len(EVERY.words["en"][key].split()) > 4 and key != "spoken.greeting.program"
    ],
)
def test_a_spoken_sentence_can_be_understood_after_eight(key: str) -> None:
    """As for texts: the formula is made for longer passages and says little about a single
    sentence."""
    assert grade(said("en", key)) <= 8, said("en", key)
