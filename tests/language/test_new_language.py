"""A new language is data only: a folder in translations/, and nothing in Python."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import signed, twiml

from caller_service.language import (
    catalog,
    interpreters,
    languages,
    lexicons,
    vocabularies,
)
from caller_service.language.catalog import read_catalog
from caller_service.language.languages import read_languages, with_languages
from caller_service.language.segments import fitted
from caller_service.language.vocabularies import read_ears

if TYPE_CHECKING:
    from conftest import House

MARK = "§"  # every sentence of the new language ends with it


@pytest.fixture
def translations(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """translations/ with Arabic beside it: English words with a mark, no voice, read from the
    right."""
    folder = tmp_path / "translations"
    shutil.copytree(project / "translations", folder)
    shutil.copytree(folder / "en", folder / "ar")
    po = folder / "ar" / "LC_MESSAGES" / "messages.po"
    words = re.sub(r'(?m)^msgstr "(.+)"$', rf'msgstr "\1 {MARK}"', po.read_text())
    po.write_text(words)
    (folder / "ar" / "language.toml").write_text(
        'iso639_3 = "ara"\nvoice = ""\nwithout_accents = false\n'
    )
    told = folder / "ar" / "words.toml"
    told.write_text(
        told.read_text().replace(
            '"language:es" = [', '"language:ar" = ["arabic"]\n"language:es" = ['
        )
    )
    real = catalog.folder
    for module in (catalog, interpreters, languages, lexicons, vocabularies):
        monkeypatch.setattr(
            module, "folder", lambda name: folder if name == "translations" else real(name)
        )
    caches = (lexicons.read_combinations, interpreters.read_unread)
    for cache in caches:
        cache.cache_clear()
    yield folder
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def spoken(house: House, translations: Path) -> House:
    """A house whose program serves it."""
    tags = ("en", "ar")
    program = with_languages(replace(house.parts.program, languages=tags))
    house.change(program=program, catalog=read_catalog(tags), ears=read_ears(tags, program.watched))
    return house


def test_it_is_texted_paged_and_handed_off(spoken: House) -> None:
    me = spoken.resident().texts("arabic")
    assert all(MARK in words for words in me.heard), me.heard
    assert me.case().language == "ar"
    me.texts("i took all the pills")
    assert me.case().level == "R2" and MARK in me.heard[0]
    packet = spoken.dispatch(f"/{me.case().id}", method="GET").get_json()
    assert packet["language"] == {"bcp47": "ar", "iso639_3": "ara"}
    assert read_languages()["ar"].name == "Arabic"


def test_its_page_is_read_from_the_right_under_its_own_name(spoken: House) -> None:
    assert 'dir="rtl"' in spoken.client.get("/?lang=ar").text
    assert "العربية" in spoken.client.get("/?lang=en").text


def test_without_a_voice_a_call_speaks_a_language_that_has_one(spoken: House) -> None:
    """It is never read out by an English voice."""
    assert spoken.parts.catalog.spoken("ar") == "en"
    answer = signed(spoken, "/twilio/voice", {"CallSid": "CA1", "From": "+17205550123"}).text
    assert "en-US" in answer and MARK not in answer


def test_its_accents_stay_where_they_may_not_go(translations: Path) -> None:
    words = "ação " * 40
    assert fitted(words, 1, read_languages()["ar"].without_accents) == words
    assert fitted(words, 1, read_languages()["es"].without_accents) == "acao " * 40


def test_when_we_are_down_it_hears_its_words_too(spoken: House) -> None:
    class Broken:
        def decide_and_write(self, _: object) -> None:
            raise RuntimeError

    spoken.change(writer=Broken())
    heard = twiml(spoken.resident().posts("hello").text)
    assert len(heard) == 2 and MARK in heard[1]
