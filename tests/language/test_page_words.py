"""What residents read in a browser: plain, calm and respectful, and complete for every page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conversation import CATALOG, PROGRAM
from test_words import grade

import caller_service
from caller_service.language.catalog import placeholders

LANGUAGES = PROGRAM.languages
KEYS = tuple(
    sorted(
        key for key in CATALOG.words["en"] if key.startswith("web.") and key != "web.confirm.text"
    )
)
TEMPLATES = Path(caller_service.__file__).parent / "web" / "templates" / "residents"
# the prefixes of keys that a template composes
MADE = ("web.about.private.", "web.talk.", "web.gone.", "web.fault.", "why.", "police.case.")
NEVER = {
    "en": (
        "please wait", "loading", "error", "invalid", "failed", "oops", "submit", "user", "session",
        "required", "forbidden", "must enter",
    ),
    "es": (
        "por favor espere", "cargando", "error", "inválid", "falló", "usuario", "sesión",
        "obligatorio", "prohibido",
    ),
}  # fmt: skip

in_every_language = pytest.mark.parametrize("language", LANGUAGES)


def test_every_key_that_a_page_says_has_words() -> None:
    said = set()
    for page in TEMPLATES.glob("*.html"):
        said |= set(re.findall(r"""say\(["']([a-z0-9_.]+)["']""", page.read_text()))
    whole = {key for key in said if not key.endswith(".")}

    assert len(whole) > 100
    assert {key for key in whole if not CATALOG.has("en", key)} == set()
    assert {key for key in said - whole if not key.startswith(MADE)} == set()


@in_every_language
def test_no_word_frightens_blames_or_hurries(language: str) -> None:
    for key in KEYS:
        words = CATALOG.words[language][key]
        assert not re.search("[!¡…]|\\.\\.\\.", words), key
        for never in NEVER[language]:
            assert not re.search(rf"\b{never}", words, re.IGNORECASE), key
        assert len(re.findall("sorry|sentimos|perd[oó]n", words, re.IGNORECASE)) <= 1, key


@in_every_language
def test_software_never_says_that_it_is_a_person_or_that_somebody_is_here(language: str) -> None:
    here = {"en": r"\bis here\b|\bI\b|\bmy name\b", "es": r"\bestá con usted aquí\b|\bme llamo\b"}
    # what readers say by choosing it, and texts that say that help is at the door
    own = ("web.wrong", "web.act.", "web.choice.", "web.place.located", "web.step.")
    for key in KEYS:
        if not key.startswith(own):
            assert not re.search(here[language], CATALOG.words[language][key]), key


def test_a_person_is_asked_for_and_not_promised() -> None:
    for key in KEYS:
        words = CATALOG.words["en"][key].lower()
        assert "talk to a person" not in words and "will join" not in words, key
        assert "will come" not in words, key


@in_every_language
def test_what_stays_in_titles_and_history_tells_nothing(language: str) -> None:
    titles = [CATALOG.words[language][key] for key in KEYS if key.startswith("web.title.")]

    assert len(titles) == 6
    for title in titles:
        assert len(title) <= 20 and PROGRAM.name not in title
        assert not re.search(
            "help|crisis|911|988|police|care|ayuda|polic|danger|peligro", title, re.IGNORECASE
        )


@in_every_language
def test_the_two_buttons_below_each_question_fit_beside_each_other(language: str) -> None:
    both = CATALOG.words[language]["web.person"] + CATALOG.words[language]["web.911.call"]

    assert len(both) <= 30


@pytest.mark.parametrize("key", [key for key in KEYS if len(CATALOG.words["en"][key].split()) > 7])
def test_a_page_reads_after_six_years_of_school(key: str) -> None:
    """The formula is made for longer passages: a single sentence may be one grade above."""
    words = CATALOG.words["en"][key]

    assert grade(words) <= 7, f"{grade(words):.1f} {words}"
    for sentence in re.split(r"[.?:] ", words):
        assert len(sentence.split()) <= 16, sentence


def test_all_pages_read_as_one_passage_need_less_than_five() -> None:
    words = ". ".join(CATALOG.words["en"][key].rstrip(".") for key in KEYS)

    assert grade(words) <= 5


@in_every_language
def test_what_no_page_fills_is_not_asked_for(language: str) -> None:
    known = {
        "program", "Not_police", "call_911", "Call_911", "call_988", "number", "about", "count", "name", "ago", "choice",
        "time", "low", "high", "date",
    }  # fmt: skip

    assert {key for key in KEYS if placeholders(CATALOG.words[language][key]) - known} == set()
