"""Reads `translations/<language>/words.toml`, and guesses a text's language from it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence

from caller_service.core.reading import CARRIER_WORDS, THANKS, LanguageWords
from caller_service.core.reply import Aloud, CommandName
from caller_service.core.said import DANGER_KINDS
from caller_service.core.vocabulary import Vocabulary, normal

from .folders import folder
from .lexicons import read_combinations
from .shared_words import read_own_words, read_streets

NEGATED = 3  # words before a language's name in which a negation is searched for
SURE = 2  # words that show that somebody has changed the language


def read_language_words(
    languages: Sequence[str], watched: frozenset[str] = frozenset()
) -> dict[str, LanguageWords]:
    """The word data for reading texts, by the conversation's language.

    Whole phrases are those of the language, joined with the program's other languages; free text is
    read in all shipped languages together (rule 7).
    """
    speech, streets = read_combinations(), read_streets()
    phrases = frozenset(normal(phrase) for phrase in watched)
    return {
        language: LanguageWords(vocabulary, speech, streets, phrases, read_own_words())
        for language, vocabulary in read_vocabularies(languages, watched).items()
    }


def read_vocabularies(
    languages: Sequence[str], watched: frozenset[str] = frozenset()
) -> dict[str, Vocabulary]:
    """Each language's whole phrases, joined with the others', because people under stress mix
    languages.

    `watched`: the program's own phrases for "I am watched", which count in every language.
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
        table = tomllib.load(file)
    commands = _by_phrase(table.get("commands", {})) | {
        normal(phrase): CommandName.WATCHED for phrase in watched
    }
    known = {*CommandName, THANKS}
    if unknown := {name.partition(":")[0] for name in table.get("commands", {})} - known:
        raise ValueError(f"words.toml, [commands]: {', '.join(sorted(unknown))} is no command")
    answers = {
        question: _by_phrase(phrases) for question, phrases in table.get("answers", {}).items()
    }
    if unknown := table.get("alone", {}).keys() - set(DANGER_KINDS):
        raise ValueError(f"words.toml, [alone]: {', '.join(sorted(unknown))} is no kind of danger")
    if unknown := table.get("aloud", {}).keys() - set(Aloud):
        raise ValueError(f"words.toml, [aloud]: {', '.join(sorted(unknown))} is nothing said aloud")
    numbers = {
        phrase: int(number) for phrase, number in _by_phrase(table.get("numbers", {})).items()
    }

    def words(name: str) -> frozenset[str]:
        return frozenset(word for phrase in table.get(name, ()) for word in normal(phrase))

    def phrases(name: str) -> frozenset[tuple[str, ...]]:
        return frozenset(normal(phrase) for phrase in table.get(name, ()))

    return Vocabulary(
        language=language,
        commands=commands,
        answers=answers,
        numbers=numbers,
        picks=phrases("picks"),
        guesses=phrases("guesses"),
        joins=words("joins"),
        all_of=phrases("all_of"),
        polite=words("polite"),
        pleas=words("pleas"),
        detect=words("detect"),
        own_commands=frozenset(phrase for phrase in commands if "".join(phrase).isalpha()),
        hedges=phrases("hedges"),
        asks=phrases("asks"),
        alone=_by_phrase(table.get("alone", {})),
        leads=words("leads"),
        unthankful=phrases("unthankful"),
        negations=words("negations"),
        no_team=phrases("no_team"),
        team_astray=phrases("team_astray"),
        # the longest first
        for_whom=tuple(sorted(map(normal, table.get("for_whom", ())), key=len)[::-1]),
        beside_who=words("beside_who"),
        owners=words("owners"),
        around_ages=words("around_ages"),
        callback=tuple(re.compile(pattern, re.IGNORECASE) for pattern in table.get("callback", ())),
        aloud=_by_phrase(table.get("aloud", {})),
    )


def _by_phrase(table: Mapping[str, Sequence[str]]) -> dict[tuple[str, ...], str]:
    return {normal(phrase): meaning for meaning, phrases in table.items() for phrase in phrases}


def guess(said: str, by_language: Mapping[str, LanguageWords]) -> str | None:
    """The language of a first text; None if it is unclear."""
    words = normal(said)
    vocabularies = {language: each.vocabulary for language, each in by_language.items()}
    asked = vocabularies[next(iter(vocabularies))].commands.get(words, "") if vocabularies else ""
    if asked.startswith("language:"):
        return asked.partition(":")[2]
    scores = _scores(words, by_language)
    best = max(scores, key=lambda language: scores[language], default=None)
    if best is None or list(scores.values()).count(scores[best]) > 1:
        return _by_command(words, vocabularies)
    return best


def _by_command(words: tuple[str, ...], vocabularies: Mapping[str, Vocabulary]) -> str | None:
    """The only language in which the whole text is a command: "alto" is answered in Spanish. The
    words that carriers know are everybody's."""
    if len(words) == 1 and words[0] in CARRIER_WORDS:
        return None
    found = [tag for tag, each in vocabularies.items() if words in each.own_commands]
    return found[0] if len(found) == 1 else None


def changed(said: str, by_language: Mapping[str, LanguageWords], current: str) -> str | None:
    """The language of a later text, if it is surely another than the current one: two words or
    more identify it, and none the current one. People who mix languages read both."""
    scores = _scores(normal(said), by_language)
    own = scores.pop(current, 0)
    best = max(scores, key=lambda language: scores[language], default=None)
    if best is None or own or scores[best] < SURE or list(scores.values()).count(scores[best]) > 1:
        return None
    return best


def wanted(said: str, by_language: Mapping[str, LanguageWords], current: str) -> str | None:
    """The language of ours that somebody asks for who names one: "do you speak Spanish", "no hablo
    inglés". None: another, or which is not clear."""
    words, vocabulary = normal(said), by_language[current].vocabulary
    named, refused = set[str](), set[str]()
    for at, word in enumerate(words):
        meaning, _, tag = vocabulary.commands.get((word,), "").partition(":")
        if meaning == CommandName.LANGUAGE and tag in by_language:
            before = words[max(0, at - NEGATED) : at]
            (refused if vocabulary.negations.intersection(before) else named).add(tag)
    if refused and not named:
        spoken = guess(said, by_language)
        return None if spoken in refused else spoken
    others = named - {current}
    return others.pop() if len(others) == 1 else current if named == {current} else None


def _scores(words: Sequence[str], by_language: Mapping[str, LanguageWords]) -> dict[str, int]:
    """How many different words identify each language."""
    found = set(words)
    return {language: len(found & each.vocabulary.detect) for language, each in by_language.items()}
