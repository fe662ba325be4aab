"""Ready phrases: sentences that exist in every language of the program. Staff choose and read them
in English; they are sent in the resident's language."""

from __future__ import annotations

from caller_service.casework.parts import Parts
from caller_service.language.wording import filling

KEYS = (
    "phrase.reading", "phrase.safe", "phrase.report", "phrase.leave", "phrase.where",
    "phrase.alone", "phrase.team", "phrase.others", "phrase.thanks",
)  # fmt: skip


def offered(parts: Parts) -> list[str]:
    """The phrases in English, in the order of the keys 1 to 9."""
    return [_words(key, _english(parts), parts) for key in KEYS]


def calls_911(language: str, parts: Parts) -> str:
    """What the resident is told, in their language, before 911 is called."""
    known = language if language in parts.catalog.words else _english(parts)
    return _words("phrase.calls_911", known, parts)


def in_language(words: str, language: str, parts: Parts) -> str:
    """The message to send: each line that is a ready phrase in the resident's language, every other
    line as it was typed."""
    if language == _english(parts) or language not in parts.catalog.words:
        return words
    known = {phrase: key for phrase, key in zip(offered(parts), KEYS, strict=True)}
    lines = [line.strip() for line in words.split("\n")]
    told = [_words(known[line], language, parts) if line in known else line for line in lines]
    return "\n".join(told)


def _words(key: str, language: str, parts: Parts) -> str:
    return parts.catalog.text(language, key, **filling(parts.program, language, parts.catalog))


def _english(parts: Parts) -> str:
    return "en" if "en" in parts.catalog.words else next(iter(parts.catalog.words))
