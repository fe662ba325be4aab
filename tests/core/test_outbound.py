"""Each state of a text, a call and a delivery has its meaning, and none is written as a string."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import caller_service
from caller_service.core.outbound import RECEIPT, CallbackState, CallState, DeliveryState, TextState
from caller_service.store import calls, messages

PACKAGE = Path(caller_service.__file__).parent
# rehearsal stands in for the provider: the strings there are not our states
FILES = [
    path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in ("rehearsal", "migrations")
]
USED = "\n".join(path.read_text() for path in FILES if path.name != "outbound.py")
STATES = [*TextState, *CallState, *CallbackState, *DeliveryState]
WORDS = {str(state) for state in STATES}


@pytest.mark.parametrize("state", STATES, ids=lambda state: f"{type(state).__name__}.{state.name}")
def test_a_state_says_its_meaning_who_sets_it_and_what_follows(state: TextState) -> None:
    assert state.meaning and state.set_by
    sets = f"{type(state).__name__}.{state.name}"
    shared = state.name in ("WAITING", "TRYING", "DEAD") and f"states.{state.name}" in USED
    assert shared or re.search(rf"{sets}\b", USED), "nobody sets it"
    follows = set(state.follows.split(", ")) - {"", "a later receipt"}
    assert follows <= {str(each) for each in type(state)}


@pytest.mark.parametrize(
    ("states", "ranks"), [(TextState, messages.RANKS), (CallState, calls.RANKS)]
)
def test_what_a_receipt_reports_has_its_rank(
    states: type[TextState] | type[CallState], ranks: dict[str, int]
) -> None:
    assert {state for state in states if RECEIPT in state.set_by} == set(ranks)


def _constants(node: ast.AST) -> set[str]:
    return {
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_state_is_written_as_a_string(path: Path) -> None:
    """A typo in a string gives a text that is never sent; a typo in an enum member fails at
    import."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(re.fullmatch(r"(.*\.)?state", ast.unparse(each)) for each in sides):
                assert not set().union(*map(_constants, sides)) & WORDS, node.lineno
        elif isinstance(node, ast.keyword) and node.arg == "state":
            assert not _constants(node.value) & WORDS, node.value.lineno
