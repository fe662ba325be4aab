"""Whole calls that a clinician can read and sign, one for each way a call ends, in each language.

In tests/transcripts/calls/: `>` is what the caller does (a key, "words", silence, or what stands in
DEEDS), `<` what they hear, `~` time that goes by, `=` what a human does, `!` what happens. To accept
what is said now: REWRITE_TRANSCRIPTS=1 python -m pytest tests/transcripts, then read the difference.
What must hold of every call is in tests/core/test_phone_call.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from conversation import PROGRAM
from spoken_call import SPEECH, SpokenCall

from caller_service.core.case import Case, Status
from caller_service.core.dispatch import update

FOLDER = Path(__file__).parent / "calls"
CALLS = sorted(FOLDER.glob("*.txt"))
DEEDS: dict[str, Callable[[SpokenCall], object]] = {
    "rings": SpokenCall.rings,
    "rings the callback number": lambda me: me.rings(callback_line=True),
    "answers our call": SpokenCall.is_called_back,
    "hangs up": SpokenCall.hangs_up,
    "silence": SpokenCall.is_silent,
    "the queue fails": lambda me: me.leaves_queue("error"),
    "988 has hung up": SpokenCall.comes_back,
    "988 was not reached": lambda me: me.comes_back(reached=False),
    "the 911 center was not reached": lambda me: me.comes_back(reached=False),
}


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem)
def test_the_call_goes_as_it_is_written(path: Path) -> None:
    written = path.read_text(encoding="utf-8")
    now = replayed(written)
    if os.environ.get("REWRITE_TRANSCRIPTS") == "1":
        path.write_text(now, encoding="utf-8")
        written = now

    assert written.splitlines() == now.splitlines()


def test_every_call_is_there_in_every_language() -> None:
    by_language = {
        tag: {path.name.split(".")[0] for path in CALLS if path.name.endswith(f".{tag}.txt")}
        for tag in PROGRAM.languages
    }
    assert len(set(map(frozenset, by_language.values()))) == 1
    assert all(len(names) >= 20 for names in by_language.values())


def replayed(written: str) -> str:
    """The same transcript, with what is said and done now."""
    top, _, rest = written.partition("\n\n")
    head = dict(line.split(": ", 1) for line in top.splitlines())
    assert head["protocol"] == f"{PROGRAM.protocol.id} {PROGRAM.protocol.version}"
    start = datetime.fromisoformat(head["at"]).replace(tzinfo=ZoneInfo(PROGRAM.time_zone))
    me = SpokenCall(
        head["language"],
        start.astimezone(ZoneInfo("UTC")),
        SPEECH if head.get("speech") == "yes" else PROGRAM,
    )
    lines = top.splitlines()
    for line in rest.splitlines():
        if line.startswith((">", "~", "=")):
            before, me.script = me.case, []
            _play(me, line[0], line[1:].strip())
            lines += ["", line, *_seen(before, me)]
    return "\n".join(lines) + "\n"


def _play(me: SpokenCall, sign: str, told: str) -> None:
    if sign == "~":
        me.waits(float(told.split()[0]))
    elif sign == "=":
        by, deed, rest = told.split(" ", 2)
        if deed == "speaks":  # `Sam speaks 90 seconds`
            me.is_joined(by, float(rest.split()[0]))
        else:  # `Sam closed safe`
            me.staff("", lambda case, scene: update(case, Status(deed), by, rest, scene))
    elif told in DEEDS:
        DEEDS[told](me)
    elif told.startswith('"'):
        me.says(told.strip('"'))
    elif told.startswith("texts "):
        me.texts(told.removeprefix("texts "))
    else:
        me.presses(told.removesuffix(" at once"), early=told.endswith(" at once"))


def _seen(before: Case, me: SpokenCall) -> Iterator[str]:
    yield from (line for line in me.script if line.startswith(("<", "!")))
    yield from (f"! {line[2:]}" for line in me.script if line == "> (we hang up)")
    case = me.case
    if (case.level, case.because) != (before.level, before.because):
        yield f"! level {case.level.name if case.level else 'none'}: {', '.join(case.because)}"
    if case.review and not before.review:
        yield "! a human looks at it"
    if case.status != before.status:
        yield f"! status {case.status.value}"
