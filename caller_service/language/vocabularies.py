"""The words people use: `translations/<language>/words.toml`, and telling one language from another by them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from caller_service.core.vocabulary import Pattern, Phrases, Vocabulary, normal

from .catalog import folder

RIGHT_TO_LEFT = frozenset({"ar", "fa", "ur", "he", "ps"})


def read_vocabularies(languages: Sequence[str], watched: frozenset[str] = frozenset()) -> dict[str, Vocabulary]:
    """The vocabulary of each language, joined with the others': people under stress mix languages.

    `watched` are the program's own phrases for "I am watched"; they count in every language.
    """
    alone = {language: _read(language, watched) for language in languages}
    joined = {}
    for language, own in alone.items():
        for other in languages:
            if other != language:
                own = own.joined(alone[other])
        joined[language] = own
    return joined


def _read(language: str, watched: frozenset[str]) -> Vocabulary:
    with (folder("translations") / language / "words.toml").open("rb") as file:
        told = tomllib.load(file)
    commands = _by_phrase(told.get("commands", {})) | {normal(phrase): "watched" for phrase in watched}
    answers = {question: _by_phrase(phrases) for question, phrases in told.get("answers", {}).items()}
    numbers = {phrase: int(number) for phrase, number in _by_phrase(told.get("numbers", {})).items()}
    return Vocabulary(
        language,
        commands,
        answers,
        numbers,
        frozenset(word for phrase in told.get("polite", ()) for word in normal(phrase)),
        _patterns(told.get("dangers", {})),
        _patterns(told.get("markers", {})),
        frozenset(word for phrase in told.get("detect", ()) for word in normal(phrase)),
    )


def _by_phrase(told: Mapping[str, Sequence[str]]) -> dict[tuple[str, ...], str]:
    return {normal(phrase): meaning for meaning, phrases in told.items() for phrase in phrases}


def _patterns(told: Mapping[str, Any]) -> Phrases:
    return Phrases(tuple((kind, _pattern(phrase)) for kind, phrases in told.items() for phrase in phrases))


def _pattern(phrase: str) -> Pattern:
    """ "kill+" and "*" keep their signs; the words between are compared as messages are."""
    words: list[str] = []
    for part in phrase.split():
        words.extend(("*",) if part == "*" else (*normal(part.rstrip("+"))[:-1], normal(part.rstrip("+"))[-1] + "+" * part.endswith("+")))
    return tuple(words)


def guess(said: str, vocabularies: Mapping[str, Vocabulary]) -> str | None:
    """The language a first text is written in; None when nothing tells."""
    words = normal(said)
    asked = vocabularies[next(iter(vocabularies))].commands.get(words, "") if vocabularies else ""
    if asked.startswith("language:"):
        return asked.partition(":")[2]
    scores = {language: sum(word in vocabulary.detect for word in words) for language, vocabulary in vocabularies.items()}
    best = max(scores, key=lambda language: scores[language], default=None)
    if best is None or not scores[best] or list(scores.values()).count(scores[best]) > 1:
        return None
    return best
