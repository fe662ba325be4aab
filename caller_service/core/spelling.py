"""How words are meant: other spellings, typing errors, words written as one, and where a sentence
ends (docs/safety-rules.md, rule 7)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise

from .vocabulary import normal

TOGETHER = 3  # so many words may be written as one
APART = 3  # letters of the longer of two of them
FUZZY = 5  # shortest word, in letters, in which one typing error is tolerated

_ENDS = re.compile(r"[.!?;\u2026\u3002]+(?=\s|$)|\n+|[\u00a1\u00bf]")
_REPEATED = re.compile(r"(.)\1{2,}")
Words = tuple[str, ...]


def sentences(text: str) -> tuple[tuple[str, ...], ...]:
    """The words of each sentence of a text."""
    every = (normal(each) for each in _ENDS.split(text))
    return tuple(each for each in every if each)


class Spellings:
    """Replaces phonetic and short spellings: "tuk", "2 nite", "sue aside"."""

    def __init__(self, spellings: Iterable[Mapping[str, tuple[str, ...]]]) -> None:
        self._by_first: dict[str, list[tuple[Words, Words]]] = {}
        every = {
            written: meant
            for each in spellings
            for meant, forms in each.items()
            for written in forms
        }
        for written, meant in every.items():
            form = normal(written)
            self._by_first.setdefault(form[0], []).append((form, normal(meant)))
        for forms in self._by_first.values():
            forms.sort(key=lambda each: -len(each[0]))
        listed = [form for forms in self._by_first.values() for form, _ in forms]
        self._alone = {form[0] for form in listed if len(form) == 1}
        self._pairs = {form[:2] for form in listed if len(form) > 1}

    def form(self, form: Words) -> Words:
        """The same for a form of a class; most have no such spelling."""
        return tuple(self.meant(form))

    def meant(self, words: Sequence[str]) -> Sequence[str]:
        # many a spelling begins with a word as common as "to", and few words go on with one
        if self._alone.isdisjoint(words) and self._pairs.isdisjoint(pairwise(words)):
            return words
        said: list[str] = []
        at = 0
        while at < len(words):
            for form, meant in self._by_first.get(words[at], ()):
                if tuple(words[at : at + len(form)]) == form:
                    said += meant
                    at += len(form)
                    break
            else:
                said.append(words[at])
                at += 1
        return said


class Slips:
    """Corrects one typing error to a known word. Ordinary words (`lookalikes`) are never
    changed."""

    def __init__(self, known: set[str], lookalikes: frozenset[str]) -> None:
        self.known = known
        self._lookalikes = lookalikes
        self._near: dict[str, str] = {}
        for word in sorted(known):
            if len(word) >= FUZZY and word.isalpha():
                for near in _shortened(word):
                    self._near.setdefault(near, word)

    def meant(self, word: str) -> str:
        if word in self.known or word in self._lookalikes or not word.isalpha():
            return word
        for fewer in (r"\1\1", r"\1"):
            short = _REPEATED.sub(fewer, word)
            if short in self.known:
                return short
        if len(word) < FUZZY - 1:
            return word
        if word.endswith("in") and f"{word}g" in self.known:
            return f"{word}g"  # "climbin": no slip, and never another word that is a letter away
        return next(
            (
                found
                for near in _shortened(word)
                if (found := self._near.get(near)) and one_slip(found, word)
            ),
            word,
        )

    def mistyped(self, word: str) -> str:
        """The known word of which two neighbouring letters were swapped, or one doubled. Here words
        one letter shorter than `FUZZY` count, too."""
        if len(word) < FUZZY - 1 or word in self._lookalikes:
            return word
        if word.endswith("in") and f"{word}g" in self.known:
            return f"{word}g"  # "comin" may be listed somewhere, and "coming" in more places
        if word in self.known:
            return word
        near = (
            word[:at] + word[at + 1 :] for at in range(1, len(word)) if word[at] == word[at - 1]
        )
        swapped = (
            word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)
        )
        return next((each for each in chain(near, swapped) if each in self.known), word)


class RunTogether:
    """Takes words apart that were written as one, at most `TOGETHER`: "killmyself". Of two of them
    one is always one of `joined`."""

    def __init__(self, known: frozenset[str], joined: frozenset[str]) -> None:
        self._known = known
        self._joined = joined

    def parts(self, word: str) -> tuple[str, ...]:
        if word in self._known:
            return (word,)
        return self._apart(word, TOGETHER) or (word,)

    def _apart(self, word: str, most: int) -> tuple[str, ...]:
        for at in range(1, len(word)):
            first, rest = word[:at], word[at:]
            if first not in self._known:
                continue
            if rest in self._known:
                if max(at, len(rest)) >= APART and not self._joined.isdisjoint((first, rest)):
                    return first, rest
            elif most > 2 and first in self._joined and (more := self._apart(rest, most - 1)):
                return first, *more
        return ()


def _shortened(word: str) -> list[str]:
    """The word, and the word without each letter but the first: two words one error apart share one
    of these."""
    return [word, *(word[:at] + word[at + 1 :] for at in range(len(word)))]


def one_slip(a: str, b: str) -> bool:
    """Do the words differ by one letter changed, added, omitted, or swapped with its neighbour?"""
    if a == b or abs(len(a) - len(b)) > 1:
        return a == b
    start = next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
    ra, rb = a[start:], b[start:]
    return (
        ra[1:] == rb
        or ra == rb[1:]
        or ra[1:] == rb[1:]
        or (len(ra) > 1 and ra[:2] == rb[1::-1] and ra[2:] == rb[2:])
    )
