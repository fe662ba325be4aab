"""The short version of chaos: processes are killed at random, everything around them fails, and no
promise is broken. The long version: `caller-service chaos`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from forked import Forked
from running import new_database

from caller_service.proving import chaos
from caller_service.proving.chaos.callers import Stands
from caller_service.proving.chaos.calls_evidence import dropped, lost, twice, unkept
from caller_service.proving.chaos.evidence import posted_at_once
from caller_service.proving.chaos.visitors import Visit, doubled, lost_visits
from caller_service.proving.web_browser import Fetched, WebBrowser
from caller_service.store.visits import secret_hash

SEED = 7


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_promise_is_broken_while_everything_fails(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with new_database(kind, tmp_path) as url:
        broken = chaos.run(5.0, url if kind == "postgresql" else "", SEED, 6, Forked)
    said = capsys.readouterr().out
    assert broken == 0, said
    assert "kills of web" in said and "kills of worker-" in said, said
    assert "requests died in the middle" in said and "hand-offs" in said, said
    assert "2 steps of a key rotation" in said and "clients that stalled" in said, said
    assert "4 calls promised" in said and "4 kills of workers while calls" in said, said
    assert "2 calls that waited or talked in the end" in said, said
    assert "posts on the web died in the middle" in said, said
    assert re.search(r"[1-9]\d* requests sent on the web", said), said


def test_a_caller_who_was_dropped_is_seen() -> None:
    last = frozenset({"Goodbye."})

    def stood(**how: object) -> Stands:
        told = {"live": False, "hung_up": False, "with_somebody": False, "fault": "", "said": ()}
        return Stands("CA1", **(told | how))  # type: ignore[arg-type]

    assert dropped([stood(said=("Please wait.",))], last)
    assert not dropped([stood(said=("Goodbye.",))], last)
    assert not dropped([stood(hung_up=True), stood(live=True), stood(fault="11200")], last)


def test_a_resident_called_twice_for_one_attempt_is_seen() -> None:
    promised = [SimpleNamespace(case_id="c", attempts=1)]
    case_of = {"a": "c", "b": "c"}
    assert not twice(promised, ["a"], case_of)
    assert twice(promised, ["a", "a"], case_of)
    assert twice(promised, ["a", "b"], case_of)
    assert unkept([SimpleNamespace(id="x", state="ringing", outcome="", attempts=1)])
    assert unkept([SimpleNamespace(id="x", state="done", outcome="", attempts=1)])
    assert not unkept([SimpleNamespace(id="x", state="done", outcome="reached", attempts=1)])


def test_a_caller_without_a_case_or_a_clock_is_seen() -> None:
    one = Stands("CA1", False, True, False, "", ())
    leg = SimpleNamespace(case_id="c", ended_at=1)
    looked_after = SimpleNamespace(closed_at=None, due_at=1, status="screening")
    forgotten = SimpleNamespace(closed_at=None, due_at=None, status="screening")
    assert not lost([one], {"CA1"}, {"CA1": leg}, {"c": looked_after})
    assert lost([one], {"CA1"}, {}, {})
    assert lost([one], {"CA1"}, {"CA1": leg}, {"c": forgotten})
    still_open = SimpleNamespace(case_id="c", ended_at=None)
    assert lost([one], {"CA1"}, {"CA1": still_open}, {"c": looked_after})


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


def test_a_request_on_the_web_that_is_lost_or_carried_out_twice_is_seen() -> None:
    browser = WebBrowser(lambda *_: Fetched(404))
    browser.path = "/r/secret/s"
    one = Visit(browser, "he is upset", {"first", "second"}, begun=True, sent=True)
    page = SimpleNamespace(case_id="c", step=2)
    mine = SimpleNamespace(
        id="c", status="handed_off", outcome="", closed_at=None, due_at=1,
        state={"channel": "web"},
    )  # fmt: skip
    key = secret_hash("secret")

    def lost(pages: dict[bytes, object], handed: set[str]) -> list[str]:
        return list(lost_visits([one], pages, {"c": mine}, handed))

    def twice(pages: dict[bytes, object], cases: dict[str, object], **said: int) -> list[str]:
        return list(doubled([one], pages, cases, {"he is upset": said.get("many", 1)}))

    assert not lost({key: page}, {"c"}) and not twice({key: page}, {"c": mine})
    assert lost({}, {"c"}) and lost({key: page}, set())
    mine.due_at = None
    assert lost({key: page}, {"c"}), "nobody looks after it"
    assert twice({key: page}, {"c": mine}, many=2)
    one.told = True
    assert not twice({key: page}, {"c": mine}) and twice({key: page}, {"c": mine}, many=0)
    assert twice({key: SimpleNamespace(case_id="c", step=3)}, {"c": mine})
    assert twice({key: page}, {"c": mine, "d": mine})
    assert twice({key: page, b"another": SimpleNamespace(case_id="d", step=1)}, {"c": mine})
    assert twice({key: page, b"another": page}, {"c": mine}), "two pages of one request"
