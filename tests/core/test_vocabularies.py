"""How cases end, how people may be reached, where hand-offs go, who is in the journal: each value
has its meaning, is used, and is never written as a string where it is compared or set."""

from __future__ import annotations

import ast
import inspect
import re
from enum import StrEnum
from pathlib import Path

import pytest

import caller_service
from caller_service.core.case import OUTCOMES
from caller_service.core.ledger import REASON_OF, SERVED
from caller_service.core.outcome import Outcome, Unserved
from caller_service.core.program import DestinationKind
from caller_service.core.reach import CannotText, ContactAnswer
from caller_service.store.journal import Author

PACKAGE = Path(caller_service.__file__).parent
FILES = [
    path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in ("rehearsal", "migrations")
]
USED = "\n".join(path.read_text() for path in FILES)
VOCABULARIES = (Outcome, Unserved, CannotText, ContactAnswer, DestinationKind, Author)
# expressions that hold a value, and the enum it belongs to
HOLDERS: dict[str, type[StrEnum]] = {
    r"(.*\.)?outcome": Outcome,
    r"(.*\.)?(unserved|blocked)": Unserved,
    r"(.*\.)?cannot_text": CannotText,
    r"contact|.*answers\.get\('contact'.*\)": ContactAnswer,
    r"(one|destination|self)\.kind": DestinationKind,
    r"(.*\.)?who": Author,
}


@pytest.mark.parametrize("member", [each for one in VOCABULARIES for each in one], ids=repr)
def test_a_value_says_its_meaning_and_is_used(member: StrEnum) -> None:
    source = inspect.getsource(type(member))
    line = re.search(rf"(?:# .*\n)?    {member.name} = .*", source)
    assert line is not None and re.search(r"# .{8,}", line[0]), "it has no meaning"
    chosen = isinstance(member, Outcome) and member in OUTCOMES  # chosen by staff
    assert chosen or re.search(rf"{type(member).__name__}\.{member.name}\b", USED)


def test_every_outcome_has_its_class_in_the_ledger() -> None:
    placed = {*SERVED, *REASON_OF, Outcome.UNSERVED, Outcome.NO_REQUEST, Outcome.TEST}
    assert placed == set(Outcome)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_value_is_written_as_a_string(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        pairs: list[tuple[str, ast.AST]] = []
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            pairs = [(ast.unparse(one), other) for one in sides for other in sides]
        elif isinstance(node, ast.keyword) and node.arg:
            pairs = [(node.arg, node.value)]
        for holder, value in pairs:
            known = next((of for name, of in HOLDERS.items() if re.fullmatch(name, holder)), None)
            if known is not None:
                written = {
                    each.value for each in ast.walk(value) if isinstance(each, ast.Constant)
                } - {"contact"}
                assert not written & set(known), f"line {value.lineno}"  # type: ignore[attr-defined]
