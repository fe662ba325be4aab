"""A new language is only data: a folder in translations/, and no Python."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import signed, twiml
from conversation import PROGRAM

from caller_service.core.combinations import Combinations
from caller_service.core.marks import Mark
from caller_service.core.page_answer import Act, Passes, Says, Unclear, read_answer
from caller_service.core.program import Program
from caller_service.core.reading import read
from caller_service.core.reply import PlaceGiven
from caller_service.core.service_area import locate
from caller_service.core.staff_words import Takes
from caller_service.language import (
    catalog,
    interpreters,
    languages,
    lexicons,
    shared_words,
    vocabularies,
)
from caller_service.language.catalog import read_catalog
from caller_service.language.languages import read_languages, with_languages
from caller_service.language.segments import fitted
from caller_service.language.vocabularies import read_language_words

if TYPE_CHECKING:
    from conftest import House

MARK = "§"  # added to every sentence of the new language
NOON = datetime(2026, 11, 23, 12, 0)
# Its words for streets, and the words its staff write. None of them exists in another language.
STREETS_AND_STAFF = """
[streets]
joins = ["wa"]
articles = ["al"]
prepositions = ["fi"]
units = ["shaqqa"]
around = ["ana", "amama", "wa"]
near = ["qurba"]
roads = ["sharia"]
[streets.types]
st = ["sharia"]
[streets.sides]
n = ["shamal"]
[streets.ordinals]
3 = ["thalith"]

[staff]
asks = ["hal"]
gives_back = ["urji"]
beside_acts = ["lutfan"]
[staff.acts]
pause = ["waqfa"]
[staff.parts]
ana = "(ana )?"
[staff.phrases]
take = ["<ana>qadim", "hadir"]
pass = ["urji"]
pass_fully = ["<ana>mashghul"]
ask = ["man"]
fluff = ["lutfan"]
[staff.reasons]
because = ["fi"]
[staff.time]
minutes = ["daqiqa"]
about = ["bada"]
at = ["inda"]
afternoon = ["masaan"]
behind_past = ["zaid"]
[staff.time.numbers]
20 = ["ishrun"]
[staff.time.fractions]
15 = ["rub"]
[staff.time.lengths]
30 = ["nisf saa"]
"""


@pytest.fixture(scope="module")
def arabic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """translations/ with a made-up Arabic: English sentences with a mark, no voice, right to
    left."""
    folder = tmp_path_factory.mktemp("arabic") / "translations"
    shutil.copytree(Path(__file__).parents[2] / "translations", folder)
    shutil.copytree(folder / "en", folder / "ar")
    po = folder / "ar" / "LC_MESSAGES" / "messages.po"
    words = re.sub(r'(?m)^msgstr "(.+)"$', rf'msgstr "\1 {MARK}"', po.read_text())
    po.write_text(words)
    (folder / "ar" / "language.toml").write_text('iso639_3 = "ara"\nwithout_accents = false\n')
    told = folder / "ar" / "words.toml"
    whole_messages = told.read_text().partition("\n[streets]")[0]
    told.write_text(
        whole_messages.replace('"language:es" = [', '"language:ar" = ["arabic"]\n"language:es" = [')
        + STREETS_AND_STAFF
    )
    speech = folder / "ar" / "speech.toml"
    speech.write_text(
        re.sub(r"(?m)^(only|no) = \[.*$", r'\1 = ["faqat\1"]', speech.read_text(), count=2)
    )
    return folder


@pytest.fixture(scope="module")
def combinations(arabic: Path) -> Combinations:
    """The combinations of all languages and this one. They take seconds to compile, so this runs
    once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexicons, "folder", lambda _: arabic)
        return lexicons.read_combinations.__wrapped__()


@pytest.fixture
def translations(
    arabic: Path, combinations: Combinations, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Makes the service read these translations."""
    real = catalog.folder
    for module in (catalog, interpreters, languages, shared_words, vocabularies):
        monkeypatch.setattr(
            module, "folder", lambda name: arabic if name == "translations" else real(name)
        )
    monkeypatch.setattr(vocabularies, "read_combinations", lambda: combinations)
    caches = (
        interpreters.read_unread, shared_words.read_streets, shared_words.read_staff_words,
    )  # fmt: skip
    for cache in caches:
        cache.cache_clear()
    yield arabic
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def program(translations: Path) -> Program:
    """A program that serves the new language."""
    return with_languages(replace(PROGRAM, languages=("en", "ar")))


@pytest.fixture
def spoken(house: House, translations: Path) -> House:
    """A service whose program serves the new language."""
    tags = ("en", "ar")
    program = with_languages(replace(house.parts.program, languages=tags))
    house.change(
        program=program,
        catalog=read_catalog(tags),
        language_words=read_language_words(tags, program.watched),
    )
    return house


@pytest.mark.slow
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
    """An English voice must never read it out."""
    assert spoken.parts.catalog.spoken("ar") == "en"
    fields = {"CallSid": "CA" + "1" * 32, "From": "+17205550123"}
    answer = signed(spoken, "/twilio/voice", fields).text
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


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("sharia Main wa 3rd Ave", "inside"),
        ("ana amama Main wa thalith", "inside"),
        ("shamal Main wa 3rd", "unknown"),  # a side of the street that the corner does not have
        ("shaqqa 3 Main wa 3rd", "unknown"),  # a flat number is no corner
        ("Main hatta 3rd", "unknown"),  # the word between them is in no language
    ],
)
def test_a_place_is_told_in_its_street_words(program: Program, said: str, kind: str) -> None:
    assert locate(said, program, NOON).kind == kind


def test_a_road_or_something_near_names_a_place_in_it(program: Program) -> None:
    """On its own "I don't know" names no place."""
    where = program.protocol.question("where")
    lang = read_language_words(program.languages)["ar"]
    for said in ("i dont know qurba souk", "i dont know sharia souk"):
        assert read(said, where, (), lang).reply == PlaceGiven(said)
    assert read("i dont know hatta souk", where, (), lang).reply != PlaceGiven(
        "i dont know hatta souk"
    )


@pytest.mark.parametrize(
    ("rest", "meant"),
    [
        ("hadir", Takes()),
        ("ana qadim, lutfan", Takes()),
        ("bada ishrun daqiqa", Takes(minutes=20)),
        ("nisf saa", Takes(minutes=30)),
        ("inda 6 masaan", Takes(at=(18, 0))),
        ("6 zaid rub masaan", Takes(at=(18, 15))),
        ("mashghul", Passes()),
        ("mashghul fi mustashfa", Passes()),
        ("man?", Unclear()),
        ("waqfa lutfan", Act("pause")),
        ("ana huna", Says("ana huna")),
    ],
)
def test_its_staff_answer_a_page_in_it(program: Program, rest: str, meant: object) -> None:
    assert read_answer(rest, program.staff) == meant


def test_its_staff_take_a_case_ask_and_give_back_by_text(spoken: House) -> None:
    me = spoken.resident("+17205550123").texts("hi").texts("i took all the pills")
    code = me.case().reference
    staff = spoken.resident("+17205550130")
    staff.texts(f"{code} bada ishrun daqiqa").told("page.accepted")
    assert me.case().status == "accepted"
    staff.texts(f"{code} hal anta bikhayr").told("page.note_sent")
    assert Mark.HUMAN_ASKED in me.case().state["marks"], "a question, though without its mark"
    staff.texts(f"{code} urji").told("page.released")
    assert me.case().state["holder"] == ""


def test_only_and_no_are_heard_in_it(program: Program) -> None:
    lang = read_language_words(program.languages)["ar"]
    assert {"only", "solo", "faqatonly"} <= lang.speech.only
    assert lang.speech.behind_no.sub("", "faqatno, he has a knife") == "he has a knife"


def test_a_command_that_there_is_not_is_refused_before_anybody_can_write_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabularies, "folder", lambda _: tmp_path)
    (tmp_path / "ar").mkdir()
    words = tmp_path / "ar" / "words.toml"
    words.write_text('[commands]\nstop = ["qif"]\nthanks = ["shukran"]\n"language:es" = ["es"]\n')
    assert vocabularies.read_vocabularies(["ar"])["ar"].commands[("qif",)] == "stop"

    words.write_text('[commands]\nstopp = ["qif"]\n')

    with pytest.raises(ValueError, match="stopp is no command"):
        vocabularies.read_vocabularies(["ar"])
