"""Each mark has a comment with its meaning and is set somewhere, and no unknown mark is used."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import caller_service
from caller_service.core.case import Status
from caller_service.core.marks import Mark

PACKAGE = Path(caller_service.__file__).parent
SOURCE = (PACKAGE / "core" / "marks.py").read_text()
USED = "\n".join(
    path.read_text() for path in PACKAGE.rglob("*.py") if path.name not in ("marks.py",)
)


@pytest.mark.parametrize("mark", Mark)
def test_a_mark_says_its_meaning_and_is_used(mark: Mark) -> None:
    line = next(line for line in SOURCE.splitlines() if f"    {mark.name} = " in line)
    assert mark.value in list(Status) or re.search(r"# .{10,}", line), "it has no meaning"
    made = mark.value in list(Status) or mark in (Mark.CHECK_ASKED, Mark.REACHED_ASKED)
    assert made or f"Mark.{mark.name}" in USED, "nobody sets it"


def test_every_status_a_case_moves_to_has_its_mark() -> None:
    assert set(Status) - {Status.SCREENING} <= {
        Status(mark) for mark in Mark if mark in list(Status)
    }


def test_no_mark_is_written_as_a_string() -> None:
    """A typo in a string gives a clock that never fires; a typo in an enum member fails at
    import."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith(".marks"):
                assert not isinstance(node.slice, ast.Constant), (path, node.lineno)
            if isinstance(node, ast.Compare) and any(
                ast.unparse(each).endswith(".marks") for each in node.comparators
            ):
                assert not isinstance(node.left, ast.Constant), (path, node.lineno)
