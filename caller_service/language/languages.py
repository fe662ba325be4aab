"""Reads `translations/<tag>/language.toml`: what software needs to know of a language besides its
words. Names and direction come from Babel."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from babel import Locale, UnknownLocaleError

from caller_service.core.program import Program

from .folders import folder
from .shared_words import read_staff_words, read_streets


@dataclass(frozen=True, slots=True)
class Language:
    """One language of `translations/`, by its BCP-47 tag."""

    tag: str
    name: str  # for staff: "Spanish"
    native: str  # for its speakers: "español"
    right_to_left: bool
    iso639_3: str
    voice: str  # Twilio's <Say> language; "" where there is none
    without_accents: bool  # may be sent without the accents that GSM-7 lacks


def read_languages() -> Mapping[str, Language]:
    """Every shipped language. Raises KeyError or ValueError for an invalid file."""
    return _read(folder("translations"))


def with_languages(program: Program) -> Program:
    """The program with its languages' data and the words that all shipped languages share."""
    known = read_languages()
    return replace(
        program,
        iso639_3={tag: known[tag].iso639_3 for tag in program.languages},
        streets=read_streets(),
        staff=read_staff_words(),
    )


@lru_cache(maxsize=8)
def _read(translations: Path) -> Mapping[str, Language]:
    files = sorted(translations.glob("*/language.toml"))
    return MappingProxyType({file.parent.name: _language(file) for file in files})


def _language(file: Path) -> Language:
    tag, data = file.parent.name, tomllib.loads(file.read_text(encoding="utf-8"))
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
        data["voice"],
        data["without_accents"],
    )
