"""Input from outside is never executed: not as code, not as a command, not as an object."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

import caller_service

if TYPE_CHECKING:
    from conftest import House

PACKAGE = Path(caller_service.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
RUNS = {"eval", "exec", "compile", "__import__", "render_template_string"}
# modules that deserialise objects or XML from bytes, and those that start programs
OBJECTS = {"pickle", "marshal", "shelve", "dill", "jsonpickle", "yaml", "xml", "lxml"}
PROGRAMS = {"subprocess", "pty", "commands"}
OF_OS = {
    "system",
    "popen",
    "execv",
    "execve",
    "execvp",
    "execvpe",
    "spawnv",
    "spawnve",
    "posix_spawn",
}
BESIDE = ("proving", "rehearsal")  # what measures the service, and stands in for the world


def used(path: Path) -> Iterator[str]:
    """The dangerous names that a file uses."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules = [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            modules = [(node.module or "").split(".")[0]]
        else:
            modules = []
        yield from (name for name in modules if name in OBJECTS | PROGRAMS)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from {node.func.id} & RUNS
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield from {node.attr} & OF_OS if node.value.id == "os" else ()


def test_the_service_runs_no_code_no_command_and_no_object_that_was_sent_to_it() -> None:
    assert len(FILES) > 100
    for path in FILES:
        where = path.relative_to(PACKAGE)
        found = set(used(path))
        if where.parts[0] in BESIDE:
            found -= PROGRAMS | {"xml"}
        assert found == set(), where


def test_whoever_starts_a_program_names_it_word_by_word() -> None:
    """No shell interprets an argument."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                assert not [each for each in node.keywords if each.arg == "shell"], path.name


def test_what_people_write_is_no_template(house: House) -> None:
    """Otherwise braces in a name or a note would be filled in with whatever they name."""
    words = "{number} {0} {name.__class__} %s {{ 7 * 7 }}"
    me = house.resident().texts("0")
    told = {"by": words, "words": words, "take_over": True}

    assert house.dispatch(f"/{me.case().id}/notes", told).status_code == 200
    heard = " ".join(house.settles().texts_to(me.number))
    assert heard.count(words) >= 2, "the name that joins, and the note"


def test_the_job_engine_keeps_json_and_no_objects(house: House) -> None:
    """Its default is pickle: somebody who can write to its table could then run code in a
    worker."""
    house.resident().wants_a_team()
    schema = "" if house.parts.engine.dialect.name == "sqlite" else "dbos."
    query = f"""SELECT i.inputs, s.serialization FROM {schema}workflow_status s
        JOIN {schema}workflow_input i ON i.workflow_uuid = s.workflow_uuid"""
    with house.parts.engine.connect() as conn:
        found = [(json.loads(inputs), how) for inputs, how in conn.execute(sa.text(query))]
    assert found and {how for _, how in found} == {"portable_json"}
