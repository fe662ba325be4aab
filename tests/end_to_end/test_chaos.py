"""Chaos, the short version: killed at random, failed on all sides, and no promise broken. Long:
`caller-service chaos`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from running import new_database

from caller_service.proving import chaos
from caller_service.proving.chaos.evidence import posted_at_once

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


def test_a_delivery_posted_by_two_jobs_at_once_is_seen() -> None:
    began = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)

    def tries(*seconds: float, why: str = "repeated") -> list[dict[str, object]]:
        whys = ["new", *[why] * (len(seconds) - 1)]
        return [
            {"key": "x.1", "why": each, "begun": (began + timedelta(seconds=at)).isoformat()}
            for at, each in zip(seconds, whys, strict=True)
        ]

    assert list(posted_at_once(tries(0, 0.2))) == ["x.1"]
    assert list(posted_at_once(tries(0, 4, 4.1))) == ["x.1"]
    assert list(posted_at_once(tries(0, 4))) == [], "the first was cut off"
    assert list(posted_at_once(tries(0, 0.2, why="as switched"))) == [], "it was refused"
