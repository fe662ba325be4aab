"""Reads `translations/<language>/speech.toml` of every shipped language: how free text is
interpreted (rule 7)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from caller_service.core.combinations import Combinations, Lexicon
from caller_service.core.reply import Wish
from caller_service.core.said import DANGER_KINDS, MARKERS
from caller_service.core.word_notation import Malformed

from .folders import folder

# the kinds that code knows, by section
SECTIONS: Mapping[str, Collection[str]] = {
    "dangers": DANGER_KINDS,
    "markers": MARKERS,
    "wishes": tuple(Wish),
}


@lru_cache(maxsize=1)
def read_combinations() -> Combinations:
    """The combinations of every shipped language together: dangers, markers, wishes. Raises
    ValueError for a kind that code does not know, and for an entry that cannot be read as it is
    written, with its file and line."""
    shipped = {
        f"{file.parent.name}/{file.name}": file.read_text(encoding="utf-8")
        for file in sorted(folder("translations").glob("*/speech.toml"))
    }
    try:
        return Combinations(_lexicon(tomllib.loads(text)) for text in shipped.values())
    except Malformed as problem:
        where = (f"{name}, line {at}" for name, at in _lines(shipped, problem.written))
        raise ValueError(f"{next(where, 'speech.toml')}: {problem}") from None


def _lines(shipped: Mapping[str, str], written: str) -> Iterator[tuple[str, int]]:
    """The files and lines where an entry begins. A long one may be broken by a backslash."""
    entry = re.compile(r'"' + r"[\s\\]+".join(map(re.escape, written.split())) + r'"')
    for name, text in shipped.items():
        yield from ((name, text.count("\n", 0, hit.start()) + 1) for hit in entry.finditer(text))


def _lexicon(table: Mapping[str, Any]) -> Lexicon:
    for section, known in SECTIONS.items():
        if unknown := table.get(section, {}).keys() - set(known):
            raise ValueError(f"speech.toml, [{section}]: {', '.join(sorted(unknown))} is not known")
    return Lexicon(
        {name: tuple(forms) for name, forms in table.get("words", {}).items()},
        {
            section: tuple(
                (kind, written) for kind, each in table.get(section, {}).items() for written in each
            )
            for section in SECTIONS
        },
        tuple(table.get("harmless", {}).get("phrases", ())),
        frozenset(table.get("lookalikes", {}).get("words", ())),
        {meant: tuple(forms) for meant, forms in table.get("spellings", {}).items()},
        {meant: tuple(forms) for meant, forms in table.get("looser", {}).items()},
        frozenset(table.get("joined", {}).get("words", ())),
        *(frozenset(table.get("beside", {}).get(name, ())) for name in ("only", "instead", "no")),
    )
