"""Every event that is written to the journal is a member of `Event`, and every member is written
somewhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import caller_service
from caller_service.core.journal_events import Event
from caller_service.web.console.case_words import _HAPPENED

PACKAGE = Path(caller_service.__file__ or "").parent
# the position of the event among the arguments of the functions that write one
WRITERS = {"Record": 0, "Entry": 4, "_noted": 2}
# these pass on their caller's event, whose type mypy checks
PASSED_ON = {"event", "Event(row.event)"}


def named(node: ast.expr) -> set[str]:
    """The members of `Event` that an expression names."""
    return {
        each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute) and getattr(each.value, "id", "") == "Event"
    }


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        # the benchmarks write none; the ledger has entries of its own
        if path.name not in ("journal_events.py", "ledger.py"):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def test_every_event_that_is_written_is_a_member() -> None:
    found: set[str] = set()
    for path, tree in modules():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            at = WRITERS.get(name)
            if at is None or (name == "_noted" and path.name != "accounts.py"):
                continue
            written = node.args[at]
            members = named(written)
            assert members or ast.unparse(written) in PASSED_ON, f"{path}: {ast.unparse(node)}"
            found |= members
    assert found <= set(Event.__members__)


def test_every_event_is_written_somewhere() -> None:
    readers = {"case_words.py", "talk_on_the_web.py"}
    used = set[str]().union(*(named(tree) for path, tree in modules() if path.name not in readers))
    assert used == set(Event.__members__)
    assert set(_HAPPENED) <= set(Event)
