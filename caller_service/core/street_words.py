"""Words that accompany a place, in all shipped languages together, from `[streets]` of
`translations/<language>/words.toml`. Words as `vocabulary.normal` returns them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

_APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u2018\u201b`\u00b4\u02bc\uff07", "'"))
AND, NUMBER = "and", "no"  # "&" and "#" are read as these words, in any language


@dataclass(frozen=True, eq=False)  # one object per process: compared and hashed by identity
class StreetWords:
    types: Mapping[str, str] = field(default_factory=dict)  # "avenida" -> "ave"
    sides: Mapping[str, str] = field(default_factory=dict)  # "norte" -> "n"
    ordinals: Mapping[str, str] = field(default_factory=dict)  # "tercera" -> "3"
    suffixes: frozenset[str] = frozenset()  # suffixes of a street number: "3rd"
    joins: frozenset[str] = frozenset()  # between the two streets of a corner
    articles: frozenset[str] = frozenset()
    prepositions: frozenset[str] = frozenset()  # before a street's type: "en calle 3"
    units: frozenset[str] = frozenset()  # before the number of a flat or a floor
    around: frozenset[str] = frozenset()  # words that lead to a place and leave it certain
    coordinates: frozenset[str] = frozenset()  # likewise, beside a pair of coordinates alone
    others: frozenset[str] = frozenset()  # "he", "they": who asks for themselves is not there
    near: frozenset[str] = frozenset()  # "I don't know, near the church" still names a place
    roads: frozenset[str] = frozenset()  # types that always mean a road
    landmarks: frozenset[str] = frozenset()  # "the park", "my house": names a place
    talk: frozenset[str] = frozenset()  # words of somebody who describes themselves and no place
    mine: frozenset[str] = frozenset()  # "I": who asks for somebody else may be elsewhere
    ours: frozenset[str] = frozenset()  # "we": whoever asks, they are together
    # "from" leads to a place behind "across" alone: a word, and what stands before it
    after: Mapping[str, frozenset[str]] = field(default_factory=dict)
    # "is it": each word leads to a place, and both do not
    doubts: frozenset[tuple[str, ...]] = frozenset()
    # "we're" as "we are": without the apostrophe it would be another word
    spelled: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def ordinal(self) -> re.Pattern[str]:
        """ "3rd", "21 st": a number with a suffix."""
        suffixes = "|".join(map(re.escape, sorted(self.suffixes))) or "(?!)"
        return re.compile(rf"\b(\d{{1,3}})\s?(?:{suffixes})\b", re.IGNORECASE)

    def spelled_out(self, text: str) -> str:
        """The text with each contraction whole that would be another word without its
        apostrophe."""
        text = text.translate(_APOSTROPHES)
        for short, whole in self.spelled.items():
            text = re.sub(rf"\b{re.escape(short)}\b", whole, text, flags=re.IGNORECASE)
        return text

    @classmethod
    def joined(cls, languages: Iterable[StreetWords]) -> StreetWords:
        """All languages' words in one object. If two differ, the first language wins."""
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
                whole.coordinates | each.coordinates,
                whole.others | each.others,
                whole.near | each.near,
                whole.roads | each.roads,
                whole.landmarks | each.landmarks,
                whole.talk | each.talk,
                whole.mine | each.mine,
                whole.ours | each.ours,
                {**each.after, **whole.after},
                whole.doubts | each.doubts,
                {**each.spelled, **whole.spelled},
            )
        return whole
