"""Every refusal has a sentence for staff: in the console one for each code."""

from __future__ import annotations

import ast
from pathlib import Path

import caller_service
from caller_service.web.console import callbacks, shift
from caller_service.web.console.refusal_words import REFUSALS, refusal_words
from caller_service.web.dispatch import api
from caller_service.web.shared.refusal_words import ALIKE

PACKAGE = Path(caller_service.__file__ or "").parent
OF_THE_API = {"not_a_supervisor"}  # the console asks for the act's role instead


def codes() -> set[str]:
    """Every code that `core.refusal.Refused` is raised with."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "refusal import Refused" not in text and path.name != "refusal.py":
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refused":
                words = [
                    one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)
                ]
                found |= {word for word in words if isinstance(word, str)}
    return found


def test_every_refusal_has_words_in_the_console() -> None:
    assert codes() - OF_THE_API <= REFUSALS.keys()
    assert all(refusal_words(code, "Dana") for code in REFUSALS)


def test_a_sentence_stands_once() -> None:
    for otherwise in (callbacks.OTHERWISE, shift.OTHERWISE):
        assert otherwise.keys() < REFUSALS.keys()
        assert not set(otherwise.values()) & set(REFUSALS.values())
    alike = {code for code, words in api.REFUSALS.items() if words == REFUSALS.get(code)}
    assert alike == ALIKE.keys()
