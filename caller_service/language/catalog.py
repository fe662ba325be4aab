"""The sentences: `translations/<language>/LC_MESSAGES/messages.po`, read as they are at start (no
compiled files)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter

from babel.messages.pofile import read_po

import caller_service

# reviewed before live
SAFETY = (
    "ask.",
    "choice.",
    "danger.",
    "level.",
    "preamble",
    "say.call_911",
    "truth.",
    "fallback",
    "end.human",
)


def folder(name: str) -> Path:
    """`translations` or `migrations`: inside the installed package, else beside it in a
    checkout."""
    inside = Path(caller_service.__file__).parent / name
    return inside if inside.is_dir() else inside.parent.parent / name


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """Every sentence of every language of a program, by key."""

    words: Mapping[str, Mapping[str, str]] = field(repr=False)
    unreviewed: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)

    def text(self, language: str, key: str, **fill: str) -> str:
        """The words of a key, filled in. An unknown key is a fault of ours and raises KeyError."""
        words = self.words[language][key]
        return words.format_map(fill) if "{" in words else words

    def has(self, language: str, key: str) -> bool:
        return key in self.words[language]

    def unreviewed_safety(self, language: str) -> tuple[str, ...]:
        """Safety words no qualified reviewer has signed: live refuses a language that has any."""
        return tuple(sorted(key for key in self.unreviewed[language] if key.startswith(SAFETY)))


def read_catalog(languages: Sequence[str]) -> Catalog:
    """Read the catalogs of these languages. A language that is not shipped raises
    FileNotFoundError."""
    words, unreviewed = {}, {}
    for language in languages:
        with (folder("translations") / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
            catalog = read_po(file, locale=None, charset="utf-8")
        words[language] = {
            str(message.id): str(message.string) for message in catalog if message.id
        }
        unreviewed[language] = frozenset(
            str(message.id) for message in catalog if message.id and message.fuzzy
        )
    return Catalog(words, unreviewed)


def placeholders(words: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(words) if name)
