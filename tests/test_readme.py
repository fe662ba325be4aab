"""README and docs match the code: every setting, command, endpoint and dependency is in them, and
nothing else is."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

import caller_service.config.settings
from caller_service.commands.main import main
from caller_service.core.clock import CLOCKS
from caller_service.core.program import (
    Clocks,
    Destination,
    Numbers,
    OurNumber,
    Phone,
    Place,
    Retention,
    Rung,
    Team,
)
from caller_service.core.protocol import SignOff
from caller_service.documents.state_diagrams import state_diagrams

if TYPE_CHECKING:
    from conftest import House

AREA_PROPERTIES = ("id", "name", "live_from", "hours", "psap")
PACKAGE = Path(caller_service.__file__ or "").parent


def section(project: Path, document: str, title: str) -> str:
    found = re.search(
        rf"^#+ {title}\n(.*?)(?=^## |\Z)", (project / document).read_text(), re.S | re.M
    )
    assert found, title
    return found[1]


def test_every_setting_is_documented(project: Path) -> None:
    code = Path(caller_service.config.settings.__file__ or "").read_text()
    read = set(re.findall(r'"((?:CALLER|TWILIO)_[A-Z_]+)"', code))
    told = set(
        re.findall(
            r"`((?:CALLER|TWILIO)_[A-Z_]+)`", section(project, "docs/operations.md", "Settings")
        )
    )

    assert read - {"TWILIO_API"} == told


def test_every_key_of_program_toml_is_documented(project: Path) -> None:
    told = section(project, "docs/operations.md", "Settings")
    keys = [
        field.name
        for table in (Numbers, OurNumber, Phone, Destination, Rung, Team, SignOff)
        for field in fields(table)
    ]
    keys += ["time_zone", "languages", "police_link", "exit_to", "watched", "edge_metres"]
    keys += ["law_enforcement", *AREA_PROPERTIES, *(field.name for field in fields(Place))]
    # the sign-off's four stand in the example; step 4 says what they are
    missing = {key for key in keys if not re.search(rf"`[^`]*\b{key}\b[^`]*`", told)}
    assert missing == {field.name for field in fields(SignOff)}
    figures = section(project, "docs/safety-rules.md", "The figures")
    for field in fields(Clocks):
        assert f"| `{field.name}` | {field.default} |" in figures, field.name
    erased = (project / "docs/privacy.md").read_text()
    for field in fields(Retention):
        assert f"| `{field.name}` | {field.default} |" in erased, field.name


def names(command: click.Command, before: str = "") -> list[str]:
    if isinstance(command, click.Group):
        return [
            name
            for each, one in command.commands.items()
            for name in names(one, f"{before}{each} ")
        ]
    return [before.strip()]


def test_every_command_is_documented(project: Path) -> None:
    told = section(project, "docs/operations.md", "Commands")

    for name in names(main):
        assert re.search(rf"`{name}[ `]", told), name
    for name in re.findall(r"^\| `([a-z-]+)", told, re.M):
        assert name in main.commands, name


def test_every_endpoint_is_documented(project: Path, house: House) -> None:
    document = (project / "docs/dispatch-api.md").read_text()
    told = {
        re.sub(r"<[^>]+>", "<>", path) for path in re.findall(r"`(?:GET|POST) (/[^`]*)`", document)
    }
    real = {re.sub(r"<[^>]+>", "<>", str(rule)) for rule in house.app.url_map.iter_rules()} - {
        "/static/<>"
    }

    assert told == real


def test_every_dependency_has_its_reason(project: Path) -> None:
    told = section(project, "docs/operations.md", "Dependencies, and why")
    wanted = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    listed = [*wanted["dependencies"], *wanted["optional-dependencies"]["test"]]

    for line in listed:
        name = re.match(r"[a-z0-9-]+", line)
        assert name and name[0] in told, line


def test_every_test_and_file_that_a_document_names_is_there(project: Path) -> None:
    tests = "\n".join(file.read_text() for file in (project / "tests").rglob("*.py"))
    there = set(re.findall(r"def (test_\w+)", tests))
    for document in (project / "README.md", *(project / "docs").rglob("*.md")):
        words = document.read_text()
        assert set(re.findall(r"`(test_\w+)`", words)) <= there, document.name
        for path in re.findall(r"`((?:tests|caller_service|translations)/[\w/.*]+)`", words):
            assert list(project.glob(path)), (document.name, path)
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", words):
            assert (document.parent / link).exists(), (document.name, link)


@pytest.mark.parametrize("document", ["README.md", "docs/testing.md"])
def test_the_commands_are_one_line_each(project: Path, document: str) -> None:
    lines = [
        line
        for line in (project / document).read_text().splitlines()
        if line.startswith("python3 -m venv")
    ]

    assert lines[-1].endswith("pytest")
    assert document != "README.md" or (
        len(lines) == 2 and lines[0].endswith("caller-service rehearse")
    )
    assert all("-r requirements" in line for line in lines)


def test_the_readme_is_short_and_its_links_lead_somewhere(project: Path) -> None:
    for document in (project / "README.md", *(project / "docs").rglob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {link}"
    assert (project / "README.md").read_text().count("\n") <= 140


def test_every_test_that_a_document_names_is_there(project: Path) -> None:
    named = set()
    for document in (project / "README.md", *(project / "docs").rglob("*.md")):
        named |= set(re.findall(r"`(tests/[a-z_0-9/]+\.py)(?:::(\w+))?", document.read_text()))

    assert len(named) > 80
    for path, name in named:
        assert (project / path).is_file(), path
        functions = re.findall(r"^def (test_\w+)", (project / path).read_text(), re.M)
        assert not name or name in functions, f"{path}::{name}"


# ASVS 5.0.0: how many requirements of levels 1 and 2 each section has; level 3 comes after them.
ASVS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
    "3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
    "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3, "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5,
    "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2, "8.1": 2,
    "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11,
    "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1,
    "11.6": 1, "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
    "14.1": 2, "14.2": 4, "14.3": 3, "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5,
    "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4, "17.3": 2,
}  # fmt: skip


def test_every_requirement_of_the_standard_is_answered_once(project: Path) -> None:
    """A requirement that is met names its test, or says that it has none; one that is not met says
    what is missing."""
    document = (project / "docs/security.md").read_text()
    rows = re.findall(r"^\| (\d[\d., ]+) \| .*\| ([a-z/ ]+) \| (.+) \|$", document, re.M)
    answered = [number for numbers, _, _ in rows for number in numbers.split(", ")]
    wanted = [f"{section}.{n}" for section, many in ASVS.items() for n in range(1, many + 1)]

    assert len(wanted) == 253
    assert sorted(answered) == sorted(wanted)
    for numbers, state, how in rows:
        assert state in ("met", "not met", "n/a"), numbers
        if state == "met":
            assert re.search(r"::test_|\]\(| above|No test holds it", how), numbers
        if state == "not met":
            assert len(how) > 40, numbers


def test_every_use_of_cryptography_is_documented(project: Path) -> None:
    """Every file that hashes, signs, encrypts or compares secrets is in the inventory."""
    told = set(
        re.findall(
            r"^\| [^|]*\(`([a-z_/]+\.py)`\)", section(project, "docs/security.md", "How"), re.M
        )
    )
    tools = re.compile(
        r"^\s*(?:import|from) (?:hashlib|hmac|cryptography|argon2|standardwebhooks|"
        r"twilio\.request_validator)\b", re.M
    )  # fmt: skip
    files = (path for path in PACKAGE.rglob("*.py") if tools.search(path.read_text()))
    used = {str(path.relative_to(PACKAGE)) for path in files}

    assert {path for path in used if not path.startswith(("proving/", "rehearsal/"))} == told


def imports(path: Path) -> set[Path]:
    """The modules of ours that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom):
            continue
        base = path.parents[node.level - 1] if node.level else PACKAGE.parent
        folder = base / Path(*(node.module or "").split(".")) if node.module else base
        for one in (folder, *(folder / name.name for name in node.names)):
            found |= {
                each for each in (one.with_suffix(".py"), one / "__init__.py") if each.is_file()
            }
    return {each for each in found if each.is_relative_to(PACKAGE)}


def reached(start: Path) -> set[Path]:
    seen, left = set(), [start]
    while left:
        path = left.pop()
        if path not in seen:
            seen.add(path)
            left += imports(path)
    return seen


def test_the_way_of_a_text_can_be_walked_by_the_imports(project: Path) -> None:
    """Every file that the README names on the path of a text exists, and is imported from the
    endpoint or the worker."""
    told = section(project, "README.md", "The path of a text")
    walk = [PACKAGE / path for path in re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", told)]
    at_the_door, at_work = (
        reached(PACKAGE / "web/sms/inbound.py"),
        reached(PACKAGE / "server/worker_process.py"),
    )

    assert len(walk) >= 14
    for path in walk:
        assert path.is_file(), path
        assert path in at_the_door | at_work, path
    assert (
        PACKAGE / "core" / "screening.py" in at_the_door
        and PACKAGE / "casework" / "timers.py" in at_work
    )


def test_the_locks_hold_hashes_and_no_host(project: Path) -> None:
    for name in ("requirements.lock", "requirements-test.lock"):
        text = (project / name).read_text()
        assert "://" not in text
        assert text.count("==") <= text.count("--hash=sha256:")


def test_the_rehearsal_program_shows_every_section() -> None:
    told = tomllib.loads((PACKAGE / "programs/rehearsal/program.toml").read_text())

    assert {
        "program",
        "numbers",
        "clocks",
        "destinations",
        "ladder",
        "areas",
        "teams",
        "protocol",
        "sign_off",
    } <= set(told)


def test_the_document_of_states_is_what_the_tables_say(project: Path) -> None:
    document = project / "docs" / "states.md"
    if os.environ.get("REWRITE_DOCS") == "1":
        document.write_text(state_diagrams(), encoding="utf-8")
    assert document.read_text(encoding="utf-8") == state_diagrams()
    clocks = section(project, "docs/states.md", "Clocks")
    rows = re.findall(r"^\| `([a-z_0-9]+)` \| (.*) \| (.*) \|$", clocks, re.M)
    assert [name for name, _, _ in rows] == [clock.name for clock in CLOCKS]
    assert all(due and does for _, due, does in rows), "a clock does not say when it rings, or why"


def test_every_document_that_the_code_cites_exists(project: Path) -> None:
    """A name such as "docs/safety-rules.md" in code or documents is a file of this repository."""
    root = project
    cited = re.compile(r"\b((?:[\w-]+/)*[\w-]+\.md)\b")
    files = [
        *root.glob("caller_service/**/*.py"), *root.glob("tests/**/*.py"),
        *root.glob("docs/**/*.md"), root / "README.md",
    ]  # fmt: skip
    known = {path.relative_to(root).as_posix() for path in root.glob("docs/**/*.md")}
    known |= {"README.md", *(name.rpartition("/")[2] for name in known)}
    lost = {
        f"{path.relative_to(root)}: {name}"
        for path in files
        for name in cited.findall(path.read_text(encoding="utf-8"))
        if name not in known and f"docs/{name}" not in known
    }
    assert not lost
