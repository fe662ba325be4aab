"""Reads the sentences of `translations/<language>/LC_MESSAGES/messages.po` at start, without
compiled files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter

from babel.messages.pofile import read_po

from .folders import folder
from .languages import Language, read_languages

# keys that need a review before live operation
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
    "web.ask.",
    "web.choice.",
    "web.safety.",
    "web.level.",
    "web.danger.",
    "web.front.danger",
)


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """Every sentence of every language of a program, by key."""

    words: Mapping[str, Mapping[str, str]] = field(repr=False)
    unreviewed: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    languages: Mapping[str, Language] = field(default_factory=read_languages, repr=False)

    def text(self, language: str, key: str, **fill: str) -> str:
        """The sentence of a key, with its placeholders filled. Raises KeyError for an unknown key,
        which is a bug."""
        words = self.words[language][key]
        return words.format_map(fill) if "{" in words else words

    def spoken(self, language: str) -> str:
        """The language of a call: this one if it has a voice, else the program's first with one; ""
        if none."""
        return next((tag for tag in (language, *self.words) if self.languages[tag].voice), "")

    def has(self, language: str, key: str) -> bool:
        return key in self.words[language]

    def unreviewed_safety(self, language: str) -> tuple[str, ...]:
        """Safety keys that no qualified reviewer has approved; live operation refuses a language
        with any."""
        return tuple(sorted(key for key in self.unreviewed[language] if key.startswith(SAFETY)))


def read_catalog(languages: Sequence[str]) -> Catalog:
    """Read the catalogs of these languages. Raises FileNotFoundError for a language that is not
    shipped."""
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
    return Catalog(words, unreviewed, read_languages())


def placeholders(words: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(words) if name)
