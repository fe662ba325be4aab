"""Reads what a person wrote, against the question they saw.

The order is the safety rule (domain.md section 2, rule 7 and section 3): reserved words and commands as whole messages;
then life-danger phrases anywhere; only then an answer. "No" counts as a whole message only. A story never answers a
safety question.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

from .protocol import SKIPPED, UNSURE, Question
from .vocabulary import Vocabulary, normal

STORY_WORDS = 4  # from here on, words that answer nothing are somebody telling what happened
LONGEST = 4000  # characters read; all are kept


@dataclass(frozen=True, slots=True)
class Command:
    """Said at any time: stop, start, help, person, emergency, status, worse, cancel, change, quiet, watched, language, code."""

    name: str
    of: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    choice: str


@dataclass(frozen=True, slots=True)
class PlaceGiven:
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Danger:
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """Words that answer nothing; kept for the people who help."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Too little to read."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No words at all: a picture, or only characters that show nothing."""


Reply = Command | Answer | PlaceGiven | Danger | Story | Unclear | Nothing


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says: the reply, and the markers heard in it (they may only raise)."""

    reply: Reply
    markers: frozenset[str] = frozenset()
    verified: bool = False  # it began with the case's own code word


def read(said: str, question: Question | None, offered: tuple[str, ...], vocabulary: Vocabulary, code_word: str = "") -> Reading:
    """Read one text. `question` is what the sender had seen (None: nothing), `offered` its choices as numbered."""
    words = normal(said[:LONGEST])
    verified = bool(code_word) and words[: len(normal(code_word))] == normal(code_word)
    if verified:
        words = words[len(normal(code_word)) :]
    markers = frozenset(vocabulary.markers.kinds(words))
    return Reading(_reply(said, words, question, offered, vocabulary), markers, verified)


def _reply(said: str, words: tuple[str, ...], question: Question | None, offered: tuple[str, ...], vocabulary: Vocabulary) -> Reply:
    if not words:
        return Unclear() if _shows(said) else Nothing()
    if (command := _command(words, vocabulary)) is not None:
        return command
    kinds = vocabulary.dangers.kinds(words)
    if kinds:
        return Danger(kinds)
    if question is not None:
        answer = _place(said, words, vocabulary) if question.kind == "place" else _choice(words, question, offered, vocabulary)
        if answer is not None:
            return answer
    return Story() if len(words) >= STORY_WORDS else Unclear()


def _shows(said: str) -> bool:
    """Does it show anything? "??" does; the empty text of a picture, blanks and invisible characters do not."""
    return any(unicodedata.category(letter)[0] in "LNPS" for letter in said[:LONGEST])


def _command(words: tuple[str, ...], vocabulary: Vocabulary) -> Command | None:
    name = vocabulary.commands.get(words) or vocabulary.commands.get(_plain(words, vocabulary))
    if name is None:
        opener = vocabulary.commands.get(words[:1])
        if opener == "code" and len(words) == 2:
            return Command("code", words[1])
        return None
    name, _, of = name.partition(":")
    return None if name == "code" else Command(name, of)


def _place(said: str, words: tuple[str, ...], vocabulary: Vocabulary) -> Reply:
    plain = _plain(words, vocabulary)
    meaning = vocabulary.answers.get("yes_no", {}).get(plain)
    if meaning in (SKIPPED, UNSURE):
        return Answer(SKIPPED)
    return PlaceGiven(said.strip())


def _choice(words: tuple[str, ...], question: Question, offered: tuple[str, ...], vocabulary: Vocabulary) -> Reply | None:
    plain = _plain(words, vocabulary)
    phrases = _phrases(question, offered, vocabulary)
    if (code := phrases.get(words) or phrases.get(plain)) is not None:
        return _offered(code, offered)
    number, rest = _number(plain, vocabulary)
    if number is not None and 1 <= number <= len(offered):
        code = offered[number - 1]
        if not rest or code in (phrases.get(rest), phrases.get(words[1:])):
            return Answer(code)
        return None
    return _misspelt(plain, phrases, offered)


def _phrases(question: Question, offered: tuple[str, ...], vocabulary: Vocabulary) -> dict[tuple[str, ...], str]:
    """Phrases that answer this question. Skipping is possible everywhere; doubt wherever it is offered."""
    yes_no = vocabulary.answers.get("yes_no", {})
    if set(offered) <= {"yes", "no", UNSURE}:
        return {**yes_no, **vocabulary.answers.get(question.id, {})}
    shared = {phrase: SKIPPED for phrase, code in yes_no.items() if code in (SKIPPED, UNSURE)}
    return {**shared, **vocabulary.answers.get(question.id, {})}


def _offered(code: str, offered: tuple[str, ...]) -> Reply | None:
    if code in offered or code == SKIPPED:
        return Answer(code)
    return Answer(SKIPPED) if code == UNSURE else None


def _number(words: tuple[str, ...], vocabulary: Vocabulary) -> tuple[int | None, tuple[str, ...]]:
    """The number a message opens with, and the words after it."""
    if words and words[0].isdecimal():
        return int(words[0][:6]), words[1:]
    return vocabulary.numbers.get(words), ()


def _misspelt(words: tuple[str, ...], phrases: dict[tuple[str, ...], str], offered: tuple[str, ...]) -> Reply | None:
    """One slip of the thumb in a single word. Never read as "no": a slip must not lower anything."""
    if len(words) != 1 or len(words[0]) < 4:
        return None
    near = {code for phrase, code in phrases.items() if len(phrase) == 1 and len(phrase[0]) >= 3 and one_slip(phrase[0], words[0])}
    if len(near) != 1 or near & {"no"}:
        return None
    return _offered(near.pop(), offered)


def one_slip(a: str, b: str) -> bool:
    """Are the words one letter apart: one changed, added, left out, or two neighbours swapped?"""
    if a == b or abs(len(a) - len(b)) > 1:
        return a == b
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    ra, rb = a[start:], b[start:]
    return ra[1:] == rb or ra == rb[1:] or ra[1:] == rb[1:] or (len(ra) > 1 and ra[:2] == rb[1::-1] and ra[2:] == rb[2:])


def _plain(words: tuple[str, ...], vocabulary: Vocabulary) -> tuple[str, ...]:
    kept = tuple(word for word in words if word not in vocabulary.polite)
    return kept or words
