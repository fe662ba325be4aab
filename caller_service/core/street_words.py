"""The words around a place, of every shipped language together: what `[streets]` of
`translations/<language>/words.toml` holds, ready to look up. Words as `vocabulary.normal` leaves
them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

AND, NUMBER = "and", "no"  # what the marks "&" and "#" are read as, in any language


@dataclass(frozen=True, eq=False)  # one object serves a process: compared and hashed by identity
class StreetWords:
    types: Mapping[str, str] = field(default_factory=dict)  # "avenida" -> "ave"
    sides: Mapping[str, str] = field(default_factory=dict)  # "norte" -> "n"
    ordinals: Mapping[str, str] = field(default_factory=dict)  # "tercera" -> "3"
    suffixes: frozenset[str] = frozenset()  # of a number that names a street: "3rd"
    joins: frozenset[str] = frozenset()  # between the two streets of a corner
    articles: frozenset[str] = frozenset()
    prepositions: frozenset[str] = frozenset()  # before a street's type: "en calle 3"
    units: frozenset[str] = frozenset()  # before the number of a flat or a floor
    around: frozenset[str] = frozenset()  # they only lead to a place, and leave it certain
    near: frozenset[str] = frozenset()  # "I don't know, near the church": a place all the same
    roads: frozenset[str] = frozenset()  # types that mean a road wherever they stand
    landmarks: frozenset[str] = frozenset()  # "the park", "my house": told of a place
    talk: frozenset[str] = frozenset()  # words of who tells of themselves, and of no place

    @cached_property
    def ordinal(self) -> re.Pattern[str]:
        """ "3rd", "21 st": a number with a suffix."""
        suffixes = "|".join(map(re.escape, sorted(self.suffixes))) or "(?!)"
        return re.compile(rf"\b(\d{{1,3}})\s?(?:{suffixes})\b", re.IGNORECASE)

    @classmethod
    def joined(cls, languages: Iterable[StreetWords]) -> StreetWords:
        """All languages' words as one. Of two that say different, the first in order is heard."""
        whole = cls()
        for each in languages:
            whole = cls(
                {**each.types, **whole.types},
                {**each.sides, **whole.sides},
                {**each.ordinals, **whole.ordinals},
                whole.suffixes | each.suffixes,
                whole.joins | each.joins,
                whole.articles | each.articles,
                whole.prepositions | each.prepositions,
                whole.units | each.units,
                whole.around | each.around,
                whole.near | each.near,
                whole.roads | each.roads,
                whole.landmarks | each.landmarks,
                whole.talk | each.talk,
            )
        return whole
