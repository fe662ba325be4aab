"""Which database a test runs on (docs/testing.md)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import HERE, ON_BOTH, ON_ONE_DATABASE, on_its_database

DATABASES = ("sqlite", "postgresql")


def runs_on(file: Path, name: str) -> list[str]:
    named = [SimpleNamespace(path=file, name=name.format(each)) for each in DATABASES]
    return [db for db, item in zip(DATABASES, named, strict=True) if on_its_database(item)]


@pytest.mark.parametrize("folder", sorted(ON_ONE_DATABASE))
def test_a_test_of_decisions_runs_on_one_database_every_fourth_on_postgresql(folder: str) -> None:
    files = [each for each in (HERE / folder).glob("test_*.py") if each.name not in ON_BOTH]
    assert files, "the folder was renamed"
    counts: Counter[str] = Counter()
    for file in files:
        for number in range(20):
            counts.update(chosen := runs_on(file, f"test_{number}[{{}}-yes]"))
            assert len(chosen) == 1
    assert 0.1 < counts["postgresql"] / counts.total() < 0.4


def test_what_is_stored_runs_on_both() -> None:
    for folder in ("casework", "store", "end_to_end", "upgrade"):
        files = list((HERE / folder).glob("test_*.py"))
        assert files, "the folder was renamed"
        for file in files:
            assert runs_on(file, "test_one[{}]") == list(DATABASES)
    for name in ON_BOTH:
        (file,) = HERE.rglob(name)
        assert runs_on(file, "test_one[{}]") == list(DATABASES)


def test_one_without_a_database_runs() -> None:
    assert on_its_database(SimpleNamespace(path=HERE / "promises" / "test_a.py", name="test_a"))
