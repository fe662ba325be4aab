"""The README is held by the code: every setting, command, door and dependency stands in it, and nothing else does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import click

import caller_service.settings
from caller_service.cli import main

if TYPE_CHECKING:
    from conftest import House


def section(project: Path, title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", (project / "README.md").read_text(), re.S | re.M)
    assert found, title
    return found[1]


def test_every_setting_is_told(project: Path) -> None:
    code = Path(caller_service.settings.__file__ or "").read_text()
    read = set(re.findall(r'"((?:CALLER|TWILIO)_[A-Z_]+)"', code))
    told = set(re.findall(r"`((?:CALLER|TWILIO)_[A-Z_]+)`", section(project, "Settings")))

    assert read - {"TWILIO_API"} == told


def names(command: click.Command, before: str = "") -> list[str]:
    if isinstance(command, click.Group):
        return [name for each, one in command.commands.items() for name in names(one, f"{before}{each} ")]
    return [before.strip()]


def test_every_command_is_told(project: Path) -> None:
    told = section(project, "Commands")

    for name in names(main):
        assert re.search(rf"`{name}[ `]", told), name
    for name in re.findall(r"^\| `([a-z-]+)", told, re.M):
        assert name in main.commands, name


def test_every_door_is_told(project: Path, house: House) -> None:
    told = {re.sub(r"<[^>]+>", "<>", path) for path in re.findall(r"`(?:GET|POST) (/[^`]*)`", section(project, "Doors"))}
    real = {re.sub(r"<[^>]+>", "<>", str(rule)) for rule in house.app.url_map.iter_rules()} - {"/static/<>"}

    assert told == real


def test_every_dependency_has_its_reason(project: Path) -> None:
    told = section(project, "Running it")
    wanted = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    listed = [*wanted["dependencies"], *wanted["optional-dependencies"]["test"]]

    for line in listed:
        name = re.match(r"[a-z0-9-]+", line)
        assert name and name[0] in told, line


def test_the_two_commands_are_one_line_each(project: Path) -> None:
    lines = [line for line in section(project, "Try it").splitlines() if line.startswith("python3 -m venv")]

    assert len(lines) == 2
    assert lines[0].endswith("caller-service rehearse")
    assert lines[1].endswith("pytest")
    assert all("-r requirements" in line for line in lines)


def test_the_locks_hold_hashes_and_no_host(project: Path) -> None:
    for name in ("requirements.lock", "requirements-test.lock"):
        text = (project / name).read_text()
        assert "://" not in text
        assert text.count("==") <= text.count("--hash=sha256:")


def test_the_rehearsal_program_shows_every_section(project: Path) -> None:
    told = tomllib.loads((Path(caller_service.__file__ or "").parent / "programs/rehearsal/program.toml").read_text())

    assert {"program", "numbers", "clocks", "destinations", "ladder", "areas", "teams", "protocol", "sign_off"} <= set(told)
