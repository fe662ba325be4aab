"""The words that every shipped language gives to one table: `[streets]` and `[staff]` of
`translations/<language>/words.toml`. Read once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from caller_service.core.staff_words import (
    ACTS,
    PHRASES,
    REASONS,
    TIME_LISTS,
    StaffTable,
    StaffWords,
    pattern,
)
from caller_service.core.street_words import StreetWords
from caller_service.core.vocabulary import normal

from .folders import folder


@lru_cache(maxsize=1)
def read_streets() -> StreetWords:
    """What streets are called, in all shipped languages together."""
    return StreetWords.joined(_streets(told) for told in _shipped("streets"))


@lru_cache(maxsize=1)
def read_staff_words() -> StaffWords:
    """What staff answer and ask, in all shipped languages together. Raises ValueError, with the
    phrase, for one that cannot be read."""
    return StaffWords(_staff(told) for told in _shipped("staff"))


def _shipped(section: str) -> Iterator[Mapping[str, Any]]:
    for file in sorted(folder("translations").glob("*/words.toml")):
        yield tomllib.loads(file.read_text(encoding="utf-8")).get(section, {})


def _streets(told: Mapping[str, Any]) -> StreetWords:
    return StreetWords(
        _by_word(told.get("types", {})),
        _by_word(told.get("sides", {})),
        _by_word(told.get("ordinals", {})),
        *(
            _words(told.get(name, ()))
            for name in (
                "suffixes", "joins", "articles", "prepositions", "units", "around", "near", "roads",
                "landmarks", "talk",
            )
        ),
    )  # fmt: skip


def _words(told: Iterable[str]) -> frozenset[str]:
    return frozenset(word for each in told for word in normal(each))


def _by_word(told: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return {word: meaning for meaning, forms in told.items() for word in _words(forms)}


def _staff(told: Mapping[str, Any]) -> StaffTable:
    parts: dict[str, str] = {}
    for name, written in told.get("parts", {}).items():  # each may name those before it
        parts[name] = pattern(written, parts, empty=True)

    def phrases(of: Mapping[str, Any], name: str) -> tuple[str, ...]:
        return tuple(pattern(written, parts) for written in of.get(name, ()))

    time = told.get("time", {})
    lengths = time.get("lengths", {})
    return StaffTable(
        {name: phrases(told.get("phrases", {}), name) for name in PHRASES},
        phrases(told.get("phrases", {}), "at_end"),
        _words(told.get("asks", ())),
        frozenset(told.get("gives_back", ())),
        {name: phrases(told.get("acts", {}), name) for name in ACTS},
        phrases(told, "hand_over_alone"),
        frozenset(told.get("beside_acts", ())),
        {name: frozenset(told.get("reasons", {}).get(name, ())) for name in REASONS},
        {name: phrases(time, name) for name in TIME_LISTS},
        _numbers(time.get("numbers", {})),
        _numbers(time.get("fractions", {})),
        {int(minutes): phrases(lengths, minutes) for minutes in lengths},
    )


def _numbers(told: Mapping[str, Iterable[str]]) -> dict[str, int]:
    return {word: int(number) for number, words in told.items() for word in words}
