"""Reads `translations/interpreters.toml`: languages that are recognised but not served, and their
lines."""

from __future__ import annotations

import tomllib
from functools import lru_cache

from caller_service.core.unread_language import Unread, normal_words

from .folders import folder


@lru_cache(maxsize=1)
def read_unread() -> dict[str, Unread]:
    """Every language of the file by its tag, in the file's order: the commonest first."""
    file = folder("translations") / "interpreters.toml"
    return {
        each["tag"]: Unread(
            each["tag"],
            each["name"],
            each["line"],
            tuple(each.get("scripts", ())),
            frozenset(normal_words(each.get("words", ""))),
        )
        for each in tomllib.loads(file.read_text(encoding="utf-8"))["language"]
    }
