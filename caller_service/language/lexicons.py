"""Reads `translations/<language>/speech.toml` of every shipped language: how free text is
interpreted (rule 7)."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from caller_service.core.combinations import Combinations, Lexicon
from caller_service.core.reply import Wish
from caller_service.core.said import DANGER_KINDS, MARKERS

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
    ValueError for a kind that code does not know."""
    shipped = [
        tomllib.loads(file.read_text(encoding="utf-8"))
        for file in sorted(folder("translations").glob("*/speech.toml"))
    ]
    return Combinations(_lexicon(table) for table in shipped)


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
        frozenset(table.get("beside", {}).get("only", ())),
        frozenset(table.get("beside", {}).get("no", ())),
    )
