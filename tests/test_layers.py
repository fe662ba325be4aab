"""The layers (README, "Map"): who may import whom, and where the web, the clock, SQL and
transactions appear."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import caller_service

PACKAGE = Path(caller_service.__file__).parent
# A package imports only packages of lower layers, and itself.
LAYERS = {
    "core": 1,
    "documents": 1.5,
    "language": 2,
    "store": 2,
    "gateway": 2,
    "jobs": 2,
    "config": 2,
    "casework": 3,
    "web": 4,
    "server": 5,
    "commands": 6,
}
BESIDE = {"rehearsal", "proving"}  # the stand-ins; what measures the service and is no part of it
# In an installed package migrations/ lies inside; it is Alembic's, no package of ours.
FILES = sorted(
    path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "migrations"
)


def package(path: Path) -> str:
    """The package a file belongs to; "" for the composition root: `__init__.py` and `app.py`."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text())))


@cache
def imports(path: Path) -> tuple[tuple[ast.AST, str], ...]:
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[tuple[ast.AST, str]]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node, node.module
        elif isinstance(node, ast.ImportFrom) and node.level:
            package = path.relative_to(PACKAGE.parent).with_suffix("").parts[: -node.level]
            yield node, ".".join((*package, node.module or ""))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_package_imports_only_lower_layers_and_itself(path: Path) -> None:
    here = package(path)
    if here in ("", "proving"):
        return
    for _, name in imports(path):
        if not name.startswith("caller_service"):
            continue
        there = name.split(".")[1] if name.count(".") else ""
        if here == "rehearsal":
            assert there == "rehearsal", (
                f"the stand-ins reach the service only through its doors, not {name}"
            )
        elif here == "commands":
            continue  # whatever a command needs
        elif there != here:
            # where the data lies
            root = name == "caller_service" and here in ("language", "config")
            assert root or LAYERS.get(there, 9) < LAYERS[here], (
                f"{here} (layer {LAYERS[here]}) imports {name}"
            )


def test_every_package_has_its_layer() -> None:
    assert {package(path) for path in FILES} - {""} == LAYERS.keys() | BESIDE


def test_one_audience_of_the_web_never_imports_another() -> None:
    for path in FILES:
        if package(path) != "web" or len(path.relative_to(PACKAGE).parts) < 3:
            continue
        here = path.relative_to(PACKAGE).parts[1]
        there = {
            name.split(".")[2]
            for _, name in imports(path)
            if name.startswith("caller_service.web.")
        }
        assert there <= {here, "shared"}, path


def test_there_is_no_import_cycle() -> None:
    names = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in FILES
    }
    graph: dict[str, set[str]] = {}
    for path in FILES:
        here = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        )
        top = [
            node
            for node in ast.parse(path.read_text()).body
            if isinstance(node, (ast.Import, ast.ImportFrom))
        ]
        whole = {
            name for node, name in imports(path) if node.lineno in {each.lineno for each in top}
        }
        graph[here] = {name for name in whole if name in names and name != here}
    done: set[str] = set()

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join((*way[way.index(name) :], name))
        if name not in done:
            for other in graph[name]:
                walk(other, (*way, name))
            done.add(name)

    for name in graph:
        walk(name, ())


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if package(path) in ("core", "documents")],
    ids=lambda path: path.name,
)
def test_decisions_import_the_standard_library_alone_and_know_no_clock_or_chance(
    path: Path,
) -> None:
    forbidden = {"random", "secrets", "uuid", "time", "os", "socket", "sqlite3", "threading"}
    for _, name in imports(path):
        top = name.split(".")[0]
        assert top == "caller_service" or (
            top in sys.stdlib_module_names and top not in forbidden
        ), name
    assert ".now(" not in path.read_text()
    assert "utcnow" not in path.read_text()


def test_flask_globals_appear_only_in_web() -> None:
    for path in FILES:
        if package(path) in ("web", "rehearsal"):
            continue
        for node, name in imports(path):
            if name == "flask" and isinstance(node, ast.ImportFrom):
                used = {alias.name for alias in node.names} & {
                    "current_app",
                    "g",
                    "request",
                    "session",
                }
                # an app of its own, to measure against
                assert not used or path.name == "bench_floor.py", path.name


def test_the_job_engine_is_known_in_one_package() -> None:
    assert {
        package(path) for path in FILES for _, name in imports(path) if name.split(".")[0] == "dbos"
    } == {"jobs"}


def test_only_casework_and_commands_open_transactions() -> None:
    """`engine.begin()` stands once for all of us (transaction), in jobs for the engine's own
    tables, in bench to fill a database."""
    begins = {
        str(path.relative_to(PACKAGE)) for path in FILES if "engine.begin()" in path.read_text()
    }
    assert begins <= {"store/database/transaction.py", "jobs/worker.py", "proving/bench.py"}
    openers = {
        package(path)
        for path in FILES
        for _, name in imports(path)
        if name.endswith("database.transaction")
    }
    assert openers <= {"store", "casework", "server", "commands", "proving"}


def test_sql_stands_only_in_store_jobs_and_proving() -> None:
    spoken = re.compile(r"\b(sa|sqlalchemy)\.(select|insert|update|delete|text|func)\b")
    assert {package(path) for path in FILES if spoken.search(path.read_text())} <= {
        "store",
        "jobs",
        "proving",
    }


def test_no_import_inside_a_function_gets_round_a_layer() -> None:
    for path in FILES:
        # a command imports what it needs when it is run
        if package(path) in ("", "commands", "rehearsal", "proving"):
            continue
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef):
                inner = [
                    each
                    for each in ast.walk(node)
                    if isinstance(each, (ast.Import, ast.ImportFrom))
                ]
                assert not inner, f"{path.name}: {node.name} imports inside"


def test_every_package_says_its_rule_and_every_file_its_purpose() -> None:
    for path in FILES:
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_nobody_imports_the_composition_root() -> None:
    for path in FILES:
        if package(path) not in ("", "commands", "server", "proving"):
            assert "caller_service.app" not in {name for _, name in imports(path)}, path


def test_no_file_is_called_by_a_name_that_says_nothing() -> None:
    empty = {
        "util",
        "utils",
        "helper",
        "helpers",
        "manager",
        "handler",
        "process",
        "data",
        "base",
        "info",
        "common",
        "misc",
    }
    assert not {path.stem for path in FILES} & empty
