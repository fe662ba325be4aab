"""Conversations that a clinician can read and sign, replayed word for word.

In tests/transcripts/: `>` is what the resident writes, `<` what they hear, `!` what happens, `~`
time that goes by, `=` what somebody of the staff does. To accept what is said now:
REWRITE_TRANSCRIPTS=1 python -m pytest tests/transcripts/test_transcripts.py, then read the
difference. A rewritten transcript proves nothing: the promises are in test_promises*.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from conversation import PROGRAM, Resident, fresh, told

from caller_service.core.case import Case, Status, Step
from caller_service.core.dispatch import accept, update
from caller_service.core.effect import Ask, Effects, Say
from caller_service.core.holding import hand_over, note, words_taken
from caller_service.core.routing import Scene
from caller_service.language.wording import Words

FOLDER = Path(__file__).parent
TRANSCRIPTS = sorted(FOLDER.glob("*.txt"))
INPUT = (">", "~", "=")


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_the_conversation_goes_as_it_is_written(path: Path) -> None:
    written = path.read_text(encoding="utf-8")
    now = replayed(written)
    if os.environ.get("REWRITE_TRANSCRIPTS") == "1":
        path.write_text(now, encoding="utf-8")
        written = now

    assert written.splitlines() == now.splitlines()


def test_there_are_conversations_in_every_language() -> None:
    assert {_head(path.read_text(encoding="utf-8"))["language"] for path in TRANSCRIPTS} == set(
        PROGRAM.languages
    )


def replayed(written: str) -> str:
    """The same transcript, with what is said and done now."""
    head = _head(written)
    start = datetime.fromisoformat(head["at"]).replace(tzinfo=ZoneInfo(PROGRAM.time_zone))
    person = Resident(head["language"], start, full=frozenset(head.get("full", "").split()))
    person.now = start.astimezone(ZoneInfo("UTC"))
    lines = written.partition("\n\n")[0].splitlines()
    for line in written.partition("\n\n")[2].splitlines():
        if line.startswith(INPUT):
            before = fresh(person.case.language) if person.case.ended else person.case
            _play(person, line[0], line[1:].strip())
            lines += ["", line, *_seen(before, person)]
    return "\n".join(lines) + "\n"


def _head(written: str) -> dict[str, str]:
    pairs = (
        line.partition(":") for line in written.partition("\n\n")[0].splitlines() if ":" in line
    )
    head = {name.strip(): value.strip() for name, _, value in pairs}
    assert head["protocol"] == f"{PROGRAM.protocol.id} {PROGRAM.protocol.version}"
    return head


def _play(person: Resident, sign: str, told_us: str) -> None:
    if sign == ">":
        person.texts(told_us)
    elif sign == "~":
        amount, unit = told_us.split()
        person.waits(**{unit: float(amount)})
    else:
        person.staff(partial(_staff, words=told_us.split()))


def _staff(case: Case, scene: Scene, words: list[str]) -> Step:
    """`Sam accepts`, `Sam accepts 20 minutes`, `Sam writes Hello.`, `Sam hands to Ana`, `Sam closed
    resolved`."""
    by, deed, *rest = words
    if deed == "writes":
        wrote = note(case, by, " ".join(rest), scene)  # and the provider takes it
        taken = words_taken(wrote.case, scene)
        return Step(taken.case, wrote.effects + taken.effects)
    if deed == "hands":
        return hand_over(case, by, " ".join(rest[1:]), "", scene)
    if deed == "accepts":
        return accept(
            case, by, scene.now + timedelta(minutes=int(rest[0])) if rest else None, scene
        )
    return update(case, Status(deed), by, rest[0] if rest else "", scene)


def _seen(before: Case, person: Resident) -> Iterator[str]:
    for message in person.heard:
        yield from _message(message)
    yield from _deeds(person.effects)
    case = person.case
    if (case.level, case.because) != (before.level, before.because):
        yield f"! level {case.level.name if case.level else 'none'}: {', '.join(case.because)}"
    if case.review and not before.review:
        yield "! a human looks at it"
    if case.status != before.status:
        yield f"! status {case.status.value}"


def _message(message: Words) -> Iterator[str]:
    """One message; an empty line in it is left out."""
    first, *more = [line for line in message.text.splitlines() if line]
    yield f"< {first}"
    yield from (f"  {line}" for line in more)


def _deeds(effects: Effects) -> Iterator[str]:
    for effect in effects:
        if not isinstance(effect, (Say, Ask)):
            yield f"! {told(effect)}"
