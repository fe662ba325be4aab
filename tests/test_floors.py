"""The laws of the house (README, "Floors"): who may import whom, and where the web, the clock and transactions appear."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import caller_service

HOUSE = Path(caller_service.__file__).parent
# A room imports only rooms of lower floors, and its own. Floor 5 (the files at the top) is imported by nobody.
FLOORS = {
    "core": 1,
    "language": 2,
    "store": 2,
    "gateway": 2,
    "durable": 2,
    "casework": 3,
    "front": 4,
    "web": 4.5,
    "console": 4.5,
}
# In an installed package migrations/ lies inside; it is Alembic's, not a room.
FILES = sorted(path for path in HOUSE.rglob("*.py") if path.relative_to(HOUSE).parts[0] != "migrations")
STDLIB_ONLY = {"core"}
TOP_FOLDERS = {"chaos"}  # a command that fills a folder: floor 5 like the files beside it


def room(path: Path) -> str:
    parts = path.relative_to(HOUSE).parts
    return parts[0] if len(parts) > 1 and parts[0] not in TOP_FOLDERS else "top"


def imports(path: Path) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node, node.module
        elif isinstance(node, ast.ImportFrom) and node.level:
            package = path.relative_to(HOUSE.parent).with_suffix("").parts[: -node.level]
            yield node, ".".join((*package, node.module or ""))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_room_imports_only_lower_floors_and_itself(path: Path) -> None:
    here = room(path)
    if here == "top":
        return
    for _, name in imports(path):
        if not name.startswith("caller_service"):
            continue
        there = name.split(".")[1] if name.count(".") else "top"
        if here == "rehearsal":
            assert there == "rehearsal", f"the stand-ins reach the house only through its doors, not {name}"
        elif there != here:
            allowed = (there in FLOORS and FLOORS[there] < FLOORS[here]) or (name == "caller_service" and here == "language")
            assert allowed, f"{here} (floor {FLOORS[here]}) imports {name}"


@pytest.mark.parametrize("path", [path for path in FILES if room(path) in STDLIB_ONLY], ids=lambda path: path.name)
def test_decisions_import_the_standard_library_alone_and_know_no_clock_or_chance(path: Path) -> None:
    import sys

    forbidden = {"random", "secrets", "uuid", "time", "os", "socket", "sqlite3", "threading"}
    for _, name in imports(path):
        top = name.split(".")[0]
        assert top == "caller_service" or (top in sys.stdlib_module_names and top not in forbidden), name
    assert ".now(" not in path.read_text()
    assert "utcnow" not in path.read_text()


def test_flask_globals_appear_only_at_the_doors() -> None:
    for path in FILES:
        if room(path) in ("front", "web", "console", "rehearsal"):
            continue
        for node, name in imports(path):
            if name == "flask" and isinstance(node, ast.ImportFrom):
                used = {alias.name for alias in node.names} & {"current_app", "g", "request", "session"}
                assert not used or path.name == "bench_floor.py", path.name  # an app of its own, to measure against


def test_the_job_engine_is_known_in_one_room() -> None:
    assert {room(path) for path in FILES for _, name in imports(path) if name.split(".")[0] == "dbos"} == {"durable"}


def test_only_casework_opens_transactions() -> None:
    """`engine.begin()` stands once for all of us (transaction), in durable for the engine's own tables, in bench to fill a database."""
    begins = {str(path.relative_to(HOUSE)) for path in FILES if "engine.begin()" in path.read_text()}
    assert begins <= {"store/database/transaction.py", "durable/worker.py", "bench.py"}
    openers = {room(path) for path in FILES for _, name in imports(path) if name.endswith("database.transaction")}
    assert openers <= {"casework", "store", "top"}


def test_no_import_inside_a_function_gets_round_a_floor() -> None:
    for path in FILES:
        if room(path) in ("top", "rehearsal"):  # a command imports what it needs when it is run
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                inner = [each for each in ast.walk(node) if isinstance(each, (ast.Import, ast.ImportFrom))]
                assert not inner, f"{path.name}: {node.name} imports inside"


def test_every_folder_says_its_law_and_every_file_its_purpose() -> None:
    for path in FILES:
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_nobody_imports_the_top_floor() -> None:
    names = {".".join(path.relative_to(HOUSE.parent).with_suffix("").parts) for path in FILES if room(path) == "top"}
    tops = {name.removesuffix(".__init__") for name in names} - {"caller_service"}
    for path in FILES:
        if room(path) != "top":
            assert not {name for _, name in imports(path)} & tops, path


def test_no_room_is_called_by_a_name_that_says_nothing() -> None:
    empty = {"util", "utils", "helper", "helpers", "manager", "handler", "process", "data", "base", "info", "common", "misc"}
    assert not {path.stem for path in FILES} & empty
