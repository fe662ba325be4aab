"""One language's words from `translations/<language>/words.toml`, ready to look up.

Phrases are stored as `normal` returns a message, so that both are compared alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

_APOSTROPHES = str.maketrans("", "", "'’‘`´ʼ")
_WORDS = re.compile(r"\d+|[^\W\d_]+|[^\w\s]", re.UNICODE)
_KEYCAPS = str.maketrans("", "", "\ufe0f\ufe0e\u20e3")


def normal(text: str) -> tuple[str, ...]:
    """The words of a message: digits of any script as 0-9, without accents, case and punctuation,
    with emoji.

    Control and zero-width characters are removed. "２." gives ("2",), "Sí!" gives ("si",), "can't"
    gives ("cant",).
    """
    text = (
        unicodedata.normalize("NFKC", text.translate(_KEYCAPS)).translate(_APOSTROPHES).casefold()
    )
    kept = []
    for letter in unicodedata.normalize("NFD", text):
        kind = unicodedata.category(letter)
        if kind == "Nd":
            kept.append(str(unicodedata.decimal(letter)))
        elif kind == "Cf" or kind in ("Mn", "Sk"):
            continue
        elif kind in ("Cc", "Zl", "Zp", "Zs"):
            kept.append(" ")
        else:
            kept.append(letter)
    words = _WORDS.findall(unicodedata.normalize("NFC", "".join(kept)))
    return tuple(
        word for word in words if word.isalnum() or unicodedata.category(word[0]) in ("So", "Lo")
    )


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What whole messages mean in a language. Phrases inside a message: core/combinations.py."""

    language: str
    # phrase -> "stop", "person", "language:es" …
    commands: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    # question, or "yes_no" -> phrase -> code
    answers: Mapping[str, Mapping[tuple[str, ...], str]] = field(default_factory=dict)
    numbers: Mapping[tuple[str, ...], int] = field(default_factory=dict)  # "one", "the first one"
    picks: frozenset[tuple[str, ...]] = frozenset()  # before a number they add nothing: "I pick"
    # beside a number they make it doubt: "I guess"
    guesses: frozenset[tuple[str, ...]] = frozenset()
    # between several answers of one text, and what names all of them
    joins: frozenset[str] = frozenset()
    all_of: frozenset[tuple[str, ...]] = frozenset()
    polite: frozenset[str] = frozenset()  # words without effect: "please"
    pleas: frozenset[str] = frozenset()  # polite words that turn a "no" into a plea: "no please"
    detect: frozenset[str] = frozenset()  # words that identify this language
    # whole messages that are a command in this language: "alto", "estado"
    own_commands: frozenset[tuple[str, ...]] = frozenset()
    # after a "no" they mean doubt: "no but sometimes"
    hedges: frozenset[tuple[str, ...]] = frozenset()
    # openings of questions, and whole messages that name no place
    asks: frozenset[tuple[str, ...]] = frozenset()
    # whole messages that mean a kind of danger
    alone: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    # before an answer these add nothing: "he is sad", "es mi hermano"
    leads: frozenset[str] = frozenset()
    # thanks with one of these are not only thanks
    unthankful: frozenset[tuple[str, ...]] = frozenset()
    # shortly before a language's name: "I don't speak English"
    negations: frozenset[str] = frozenset()
    # inside a message: a team that came is not to be seen, or is at another place
    no_team: frozenset[tuple[str, ...]] = frozenset()
    team_astray: frozenset[tuple[str, ...]] = frozenset()
    # around who needs help, told later: "not me", "i meant"; and words that add nothing to it
    for_whom: tuple[tuple[str, ...], ...] = ()
    beside_who: frozenset[str] = frozenset()
    # around somebody's age: "my", and "years old", "shes"
    owners: frozenset[str] = frozenset()
    around_ages: frozenset[str] = frozenset()
    # "call me at 6", "call me in 20 minutes": patterns with groups (core/callback.py, asked_time)
    callback: tuple[re.Pattern[str], ...] = ()
    # what only a caller says: phrase -> one of core/reply.py, Aloud
    aloud: Mapping[tuple[str, ...], str] = field(default_factory=dict)

    def joined(self, other: Vocabulary) -> Vocabulary:
        """This vocabulary, completed by the other where it has no entry: people mix languages under
        stress. What identifies a language stays its own."""
        both = {
            each.name: _completed(getattr(self, each.name), getattr(other, each.name))
            for each in fields(self)
            if each.name not in ("language", "detect", "own_commands")
        }
        return replace(self, **both)


def _completed(own: Any, other: Any) -> Any:
    if isinstance(own, frozenset):
        return own | other
    if isinstance(own, tuple):
        return tuple(dict.fromkeys((*own, *other)))
    nested = {
        name: _completed(each, other[name])
        for name, each in own.items()
        if isinstance(each, Mapping) and name in other
    }
    return {**other, **own, **nested}
