"""What software must know of a language beside its words: `translations/<tag>/language.toml`. Names
and direction are Babel's."""

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
    native: str  # for who speaks it: "español"
    right_to_left: bool
    iso639_3: str
    voice: str  # Twilio's <Say> language; "" where there is none
    without_accents: bool  # letters that GSM-7 lacks may be sent bare


def read_languages() -> Mapping[str, Language]:
    """Every language that is shipped. Raises KeyError, ValueError for a file that cannot be one."""
    return _read(folder("translations"))


def with_languages(program: Program) -> Program:
    """The program, with what its packets say of its languages, and the words that all shipped
    languages share."""
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
    tag, told = file.parent.name, tomllib.loads(file.read_text(encoding="utf-8"))
    try:
        locale = Locale.parse(tag, sep="-")
        name, native, direction = locale.english_name, locale.display_name, locale.text_direction
    except UnknownLocaleError:  # Babel knows it not: the file names it
        name, native, direction = told["name"], told["native"], told.get("direction", "ltr")
    return Language(
        tag,
        name or tag,
        native or tag,
        direction == "rtl",
        told["iso639_3"],
        told["voice"],
        told["without_accents"],
    )
