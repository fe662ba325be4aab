"""Chaos, the short version: killed at random, failed on all sides, and no promise broken. Long:
`caller-service chaos`."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import new_database

from caller_service.proving import chaos

SEED = 7


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_promise_is_broken_while_everything_fails(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with new_database(kind, tmp_path) as url:
        broken = chaos.run(5.0, url if kind == "postgresql" else "", SEED, 6)
    said = capsys.readouterr().out
    assert broken == 0, said
    assert "kills of web" in said and "kills of worker-" in said, said
    assert "requests died in the middle" in said and "hand-offs" in said, said
    assert "2 steps of a key rotation" in said and "clients that stalled" in said, said
