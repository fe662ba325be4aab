"""Reads `translations/<tag>/language.toml`: what software needs to know of a language besides its
words. Names and direction come from Babel."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from babel import Locale, UnknownLocaleError

from caller_service.core.program import Program

from .folders import folder
from .shared_words import read_staff_words, read_streets


@dataclass(frozen=True, slots=True)
class Voice:
    """How Twilio's <Say> speaks a language. Voice and language are always named together: Twilio
    chooses for itself what is left out."""

    name: str  # "Google.en-US-Neural2-C"
    language: str  # "en-US"
    slower: str = ""  # SSML rate on request, such as "85%"; "" where the voice has none


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a language is spoken: words a minute, or characters a second for a language that is
    written without spaces; the other one is 0."""

    words_a_minute: float = 150.0
    characters_a_second: float = 0.0


@dataclass(frozen=True, slots=True)
class Language:
    """One language of `translations/`, by its BCP-47 tag."""

    tag: str
    name: str  # for staff: "Spanish"
    native: str  # for its speakers: "español"
    right_to_left: bool
    iso639_3: str
    without_accents: bool  # may be sent without the accents that GSM-7 lacks
    voice: Voice | None  # None: Twilio speaks it with no voice
    pack: bool = False  # calls play recordings of the program's instead of a voice
    speech: str = ""  # Twilio's code for recognising it; "": keypad only
    pace: Pace = Pace()


def read_languages() -> Mapping[str, Language]:
    """Every shipped language. Raises KeyError or ValueError for an invalid file, and names it."""
    return _read(folder("translations"))


def with_languages(program: Program) -> Program:
    """The program with its languages' data and the words that all shipped languages share."""
    known = read_languages()
    return replace(
        program,
        phone=replace(program.phone, languages=phone_languages(program)),
        iso639_3={tag: known[tag].iso639_3 for tag in program.languages},
        streets=read_streets(),
        staff=read_staff_words(),
    )


def phone_languages(program: Program) -> tuple[str, ...]:
    """The languages a program offers on the phone: those it names, else those with a voice."""
    known = read_languages()
    return program.phone.languages or tuple(
        tag for tag in program.languages if known[tag].voice is not None
    )


def name_for(reader: str, language: Language) -> str:
    """What a language is called in the reader's: "inglés"; its own name where Babel knows none."""
    try:
        known = Locale.parse(reader, sep="-").languages
    except UnknownLocaleError:
        return language.native
    return str(known.get(language.tag.replace("-", "_"), language.native))


@lru_cache(maxsize=8)
def _read(translations: Path) -> Mapping[str, Language]:
    files = sorted(translations.glob("*/language.toml"))
    return MappingProxyType({file.parent.name: _language(file) for file in files})


def _language(file: Path) -> Language:
    tag, data = file.parent.name, tomllib.loads(file.read_text(encoding="utf-8"))
    phone = data.get("phone", {})
    try:
        locale = Locale.parse(tag, sep="-")
        name, native, direction = locale.english_name, locale.display_name, locale.text_direction
    except UnknownLocaleError:  # unknown to Babel: the file has the names
        name, native, direction = data["name"], data["native"], data.get("direction", "ltr")
    return Language(
        tag,
        name or tag,
        native or tag,
        direction == "rtl",
        data["iso639_3"],
        data["without_accents"],
        _voice(file, phone),
        phone.get("pack", False),
        phone.get("speech", ""),
        _pace(file, phone),
    )


def _voice(file: Path, phone: Mapping[str, Any]) -> Voice | None:
    name, language = phone.get("voice", ""), phone.get("language", "")
    if bool(name) != bool(language):
        raise ValueError(f"{file}: [phone] voice and language are named together or not at all")
    if phone.get("pack", False) and name:
        raise ValueError(f"{file}: [phone] pack is for a language without a voice")
    return Voice(name, language, phone.get("slower", "")) if name else None


def _pace(file: Path, phone: Mapping[str, Any]) -> Pace:
    words, characters = phone.get("words_a_minute", 0), phone.get("characters_a_second", 0)
    if (words and characters) or min(words, characters) < 0:
        raise ValueError(f"{file}: [phone] words_a_minute or characters_a_second, one above 0")
    return Pace(words, characters) if words or characters else Pace()
