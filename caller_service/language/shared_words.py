"""Reads `[streets]`, `[staff]` and `own` of every `translations/<language>/words.toml`, each into
one."""

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
    """Street words of all shipped languages together."""
    return StreetWords.joined(_streets(table) for table in _shipped("streets"))


@lru_cache(maxsize=1)
def read_staff_words() -> StaffWords:
    """Staff words of all shipped languages together. Raises ValueError, quoting the phrase, for a
    malformed one."""
    return StaffWords((_staff(table) for table in _shipped("staff")), read_own_words())


@lru_cache(maxsize=1)
def read_own_words() -> frozenset[str]:
    """Words that people cry out and no phone signs with, of all shipped languages."""
    return frozenset(word for words in _shipped("own") for word in words)


def _shipped(section: str) -> Iterator[Mapping[str, Any]]:
    for file in sorted(folder("translations").glob("*/words.toml")):
        yield tomllib.loads(file.read_text(encoding="utf-8")).get(section, {})


_STREET_LISTS = (
    "suffixes", "joins", "articles", "prepositions", "units", "around", "coordinates", "others",
    "near", "roads", "landmarks", "talk", "mine", "ours",
)  # fmt: skip


def _streets(table: Mapping[str, Any]) -> StreetWords:
    lists: dict[str, Any] = {name: _words(table.get(name, ())) for name in _STREET_LISTS}
    return StreetWords(
        **lists,
        types=_by_word(table.get("types", {})),
        sides=_by_word(table.get("sides", {})),
        ordinals=_by_word(table.get("ordinals", {})),
        after={word: _words(before) for word, before in table.get("after", {}).items()},
        doubts=frozenset(normal(each) for each in table.get("doubts", ())),
        spelled=table.get("spelled", {}),
    )


def _words(phrases: Iterable[str]) -> frozenset[str]:
    return frozenset(word for each in phrases for word in normal(each))


def _by_word(table: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return {word: meaning for meaning, forms in table.items() for word in _words(forms)}


def _staff(table: Mapping[str, Any]) -> StaffTable:
    parts: dict[str, str] = {}
    for name, written in table.get("parts", {}).items():  # a part may use earlier ones
        parts[name] = pattern(written, parts, empty=True)

    def phrases(of: Mapping[str, Any], name: str) -> tuple[str, ...]:
        return tuple(pattern(written, parts) for written in of.get(name, ()))

    time = table.get("time", {})
    lengths = time.get("lengths", {})
    return StaffTable(
        {name: phrases(table.get("phrases", {}), name) for name in PHRASES},
        phrases(table.get("phrases", {}), "at_end"),
        _words(table.get("asks", ())),
        frozenset(table.get("gives_back", ())),
        {name: phrases(table.get("acts", {}), name) for name in ACTS},
        phrases(table, "hand_over_alone"),
        frozenset(table.get("beside_acts", ())),
        {name: frozenset(table.get("reasons", {}).get(name, ())) for name in REASONS},
        {name: phrases(time, name) for name in TIME_LISTS},
        _numbers(time.get("numbers", {})),
        _numbers(time.get("fractions", {})),
        {int(minutes): phrases(lengths, minutes) for minutes in lengths},
    )


def _numbers(table: Mapping[str, Iterable[str]]) -> dict[str, int]:
    return {word: int(number) for number, words in table.items() for word in words}
