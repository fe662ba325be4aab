"""Free text as data: `translations/<language>/speech.toml`, of every language that is shipped (rule
7)."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from caller_service.core.combinations import Combinations, Lexicon
from caller_service.core.reply import Wish
from caller_service.core.said import DANGER_KINDS, MARKERS

from .folders import folder

# what may be found, by section: code asks about these
SECTIONS: Mapping[str, Collection[str]] = {
    "dangers": DANGER_KINDS,
    "markers": MARKERS,
    "wishes": tuple(Wish),
}


@lru_cache(maxsize=1)
def read_combinations() -> Combinations:
    """The combinations of every shipped language together: dangers, markers, wishes. ValueError if
    one of them is none that code knows."""
    shipped = [
        tomllib.loads(file.read_text(encoding="utf-8"))
        for file in sorted(folder("translations").glob("*/speech.toml"))
    ]
    return Combinations(_lexicon(told) for told in shipped)


def _lexicon(told: Mapping[str, Any]) -> Lexicon:
    for section, known in SECTIONS.items():
        if unknown := told.get(section, {}).keys() - set(known):
            raise ValueError(f"speech.toml, [{section}]: {', '.join(sorted(unknown))} is not known")
    return Lexicon(
        {name: tuple(forms) for name, forms in told.get("words", {}).items()},
        {
            section: tuple(
                (kind, written) for kind, each in told.get(section, {}).items() for written in each
            )
            for section in SECTIONS
        },
        tuple(told.get("harmless", {}).get("phrases", ())),
        frozenset(told.get("lookalikes", {}).get("words", ())),
        {meant: tuple(forms) for meant, forms in told.get("spellings", {}).items()},
        frozenset(told.get("beside", {}).get("only", ())),
        frozenset(told.get("beside", {}).get("no", ())),
    )
