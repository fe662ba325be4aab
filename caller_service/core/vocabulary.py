"""The words people use, of one language: what `translations/<language>/words.toml` holds, ready to look up.

Phrases are kept the way `normal` leaves a message, so that both sides are compared alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_APOSTROPHES = str.maketrans("", "", "'’‘`´ʼ")
_WORDS = re.compile(r"\d+|[^\W\d_]+|[^\w\s]", re.UNICODE)
_KEYCAPS = str.maketrans("", "", "\ufe0f\ufe0e\u20e3")


def normal(text: str) -> tuple[str, ...]:
    """The words of a message: digits of any script as 0-9, no accents, no case, no punctuation, emoji kept.

    Control and zero-width characters vanish. "２." gives ("2",), "Sí!" gives ("si",), "can't" gives ("cant",).
    """
    text = unicodedata.normalize("NFKC", text.translate(_KEYCAPS)).translate(_APOSTROPHES).casefold()
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
    return tuple(word for word in words if word.isalnum() or unicodedata.category(word[0]) in ("So", "Lo"))


Pattern = tuple[str, ...]  # words; "*" stands for up to three words, "kill+" for any word that begins with "kill"


@dataclass(frozen=True, slots=True)
class Phrases:
    """Patterns to look for anywhere in a message, found by their first word: a long list costs a text little."""

    listed: tuple[tuple[str, Pattern], ...] = ()
    _by_word: Mapping[str, tuple[tuple[str, Pattern], ...]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        by_word: dict[str, tuple[tuple[str, Pattern], ...]] = {}
        for kind, pattern in dict.fromkeys(self.listed):
            if pattern[0] == "*" or (pattern[0].endswith("+") and len(pattern[0]) < 4):
                raise ValueError(f"{' '.join(pattern)}: a pattern begins with a word, or with three letters of one")
            key = _first(pattern[0])
            by_word[key] = (*by_word.get(key, ()), (kind, pattern))
        object.__setattr__(self, "_by_word", by_word)

    def __len__(self) -> int:
        return len(self.listed)

    def __iter__(self) -> Iterator[tuple[str, Pattern]]:
        return iter(self.listed)

    def kinds(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """The kinds whose patterns stand in these words, in the order they are listed in the text."""
        hits: dict[str, None] = {}
        for at, word in enumerate(words):
            for kind, pattern in self._by_word.get(_first(word), ()):
                if kind not in hits and _fits(pattern, words, at):
                    hits[kind] = None
        return tuple(hits)


def _first(word: str) -> str:
    """The letters a pattern and a word it can fit always share."""
    return word.rstrip("+")[:3]


def _fits(pattern: Pattern, words: tuple[str, ...], at: int) -> bool:
    if not pattern:
        return True
    head, rest = pattern[0], pattern[1:]
    if head == "*":
        return any(_fits(rest, words, at + skip) for skip in range(4) if at + skip <= len(words))
    if at >= len(words):
        return False
    word = words[at]
    same = word.startswith(head[:-1]) if head.endswith("+") else word == head
    return same and _fits(rest, words, at + 1)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the words of a language mean here. Whole messages, but for `dangers` and `markers`, found anywhere."""

    language: str
    commands: Mapping[tuple[str, ...], str] = field(default_factory=dict)  # phrase -> "stop", "person", "language:es" …
    answers: Mapping[str, Mapping[tuple[str, ...], str]] = field(default_factory=dict)  # question, or "yes_no" -> phrase -> code
    numbers: Mapping[tuple[str, ...], int] = field(default_factory=dict)  # "one", "the first one"
    polite: frozenset[str] = frozenset()  # words that change nothing: "please"
    dangers: Phrases = field(default_factory=Phrases)
    markers: Phrases = field(default_factory=Phrases)
    detect: frozenset[str] = frozenset()  # words that tell this language from the others

    def joined(self, other: Vocabulary) -> Vocabulary:
        """This vocabulary, and what the other adds where this one is silent. People mix languages under stress."""
        return Vocabulary(
            self.language,
            {**other.commands, **self.commands},
            {name: {**other.answers.get(name, {}), **self.answers.get(name, {})} for name in {*other.answers, *self.answers}},
            {**other.numbers, **self.numbers},
            self.polite | other.polite,
            Phrases(self.dangers.listed + other.dangers.listed),
            Phrases(self.markers.listed + other.markers.listed),
            self.detect,
        )
