"""How calls speak a language: `[phone]` of its `language.toml`, and the <Say> it results in."""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from caller_service.language import languages
from caller_service.language.languages import Pace, Voice, read_languages
from caller_service.web.shared import twiml

ARABIC = 'iso639_3 = "ara"\nwithout_accents = false\n'


@pytest.fixture
def arabic(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The `language.toml` of a language that is not shipped, for a test to write."""
    shutil.copytree(project / "translations", tmp_path / "translations")
    monkeypatch.setattr(languages, "folder", lambda name: tmp_path / name)
    (tmp_path / "translations" / "ar").mkdir()
    return tmp_path / "translations" / "ar" / "language.toml"


def test_a_voice_is_read_with_its_language_its_rate_and_its_recognition(arabic: Path) -> None:
    arabic.write_text(
        ARABIC + '[phone]\nvoice = "Google.ar-XA-Wavenet-A"\nlanguage = "ar-XA"\n'
        'slower = "85%"\nspeech = "ar-EG"\nwords_a_minute = 120\n'
    )
    language = read_languages()["ar"]
    assert language.voice == Voice("Google.ar-XA-Wavenet-A", "ar-XA", "85%")
    assert (language.speech, language.pace, language.pack) == ("ar-EG", Pace(120), False)


def test_a_language_may_have_recordings_or_nothing_instead(arabic: Path) -> None:
    arabic.write_text(ARABIC + "[phone]\npack = true\ncharacters_a_second = 4.5\n")
    language = read_languages()["ar"]
    assert (language.voice, language.pack, language.speech) == (None, True, "")
    assert language.pace == Pace(0, 4.5)

    arabic.write_text(ARABIC)
    languages._read.cache_clear()
    language = read_languages()["ar"]
    assert (language.voice, language.pack, language.pace) == (None, False, Pace())


@pytest.mark.parametrize(
    ("phone", "fault"),
    [
        ('voice = "Google.ar-XA-Wavenet-A"', "together"),
        ('language = "ar-XA"', "together"),
        ('voice = "v"\nlanguage = "l"\npack = true', "without a voice"),
        ("words_a_minute = 150\ncharacters_a_second = 4", "one above 0"),
        ("words_a_minute = -1", "one above 0"),
    ],
)
def test_a_malformed_voice_is_named_with_its_file(arabic: Path, phone: str, fault: str) -> None:
    arabic.write_text(f"{ARABIC}[phone]\n{phone}\n")
    with pytest.raises(ValueError, match=f"ar/language.toml.*{fault}"):
        read_languages()


def _said(voice: Voice, slower: bool) -> ElementTree.Element:
    return ElementTree.fromstring(str(twiml.say(voice, "Take & rest.\x00", slower)))


def test_slower_is_said_only_by_a_voice_that_knows_how() -> None:
    """For SSML that a voice does not support Twilio says nothing at all."""
    said = _said(Voice("Google.en-US-Neural2-C", "en-US", "85%"), slower=True)
    assert said.attrib == {"voice": "Google.en-US-Neural2-C", "language": "en-US"}
    (prosody,) = said
    assert (prosody.tag, prosody.attrib, prosody.text) == (
        "prosody",
        {"rate": "85%"},
        "Take & rest.",
    )
    for plain in (
        _said(Voice("Google.en-US-Neural2-C", "en-US", "85%"), slower=False),
        _said(Voice("Google.en-US-Chirp3-HD-Leda", "en-US"), slower=True),
    ):
        assert plain.text == "Take & rest." and not list(plain)


def test_every_shipped_voice_names_both_and_can_be_slower() -> None:
    for tag, language in read_languages().items():
        assert language.voice is None or language.voice.slower, tag
