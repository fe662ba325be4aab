"""`caller-service talk`: runs the protocol in a terminal with the real decisions and texts; nothing
is stored or sent."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from caller_service.casework.interpret import hear
from caller_service.core.case import Case, Step
from caller_service.core.effect import Ask, Effect, HandOff, Page, Record, Say
from caller_service.core.program import Program
from caller_service.core.routing import Scene
from caller_service.language.catalog import read_catalog
from caller_service.language.languages import with_languages
from caller_service.language.vocabularies import read_language_words
from caller_service.language.wording import texts


def converse(
    program: Program,
    language: str | None = None,
    keep: str | None = None,
    read_seconds: int = 0,
) -> None:
    """A conversation by text until the input ends. Raises ValueError for a language that the
    program does not have."""
    begins_in = first_language(program, language)
    begin_file(keep)
    program = with_languages(program)
    program = replace(program, clocks=replace(program.clocks, read=read_seconds))
    lines = [
        f"protocol: {program.protocol.id} {program.protocol.version}",
        f"language: {language or 'as written'}",
        "",
    ]
    print(f"{program.name}. Write as a resident would; Ctrl-D ends.\n")
    case = _opened(begins_in)
    catalog = read_catalog(program.languages)
    language_words = read_language_words(program.languages, program.watched)
    for words in typed():
        now = datetime.now(UTC)
        step = hear(
            _opened(case.language) if case.ended else case,
            words,
            now,
            Scene(program, now),
            language_words,
        )
        case = step.case
        replies = [one.text for one in texts(step.effects, case, program, catalog)]
        result = [f"< {one}".replace("\n", "\n  ") for one in replies] + _effects(step)
        print("\n".join(result) + "\n")
        lines += [f"> {words}", *result]
    if keep:
        Path(keep).write_text("\n".join(lines) + "\n", encoding="utf-8")


def begin_file(keep: str | None) -> None:
    """Before a conversation that would be lost: raises OSError if it cannot be kept there."""
    if keep:
        Path(keep).touch()


def first_language(program: Program, wanted: str | None) -> str:
    """The language to start in. Raises ValueError for one that the program does not have."""
    if wanted is not None and wanted not in program.languages:
        raise ValueError(f"language {wanted}: the program has {', '.join(program.languages)}")
    return wanted or program.languages[0]


def _opened(language: str) -> Case:
    return Case("talk", "TALK22", "terminal", language)


def typed() -> Iterator[str]:
    """The lines that are typed, until the input ends."""
    while True:
        if sys.stdin.isatty():
            print("> ", end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        yield line.rstrip("\n")


def _effects(step: Step) -> list[str]:
    level = f" {step.case.level.name}" if step.case.level else ""
    lines = [
        f"! {_named(effect)}"
        for effect in step.effects
        if not isinstance(effect, (Say, Ask, Record))
    ]
    because = f": {', '.join(step.case.because)}" if step.case.because else ""
    return [*lines, f"= {step.case.status.value}{level}{because}"]


def _named(effect: Effect) -> str:
    if isinstance(effect, Page):
        return f"page {effect.ladder}, rung {effect.rung}"
    return f"hand_off ({effect.because})" if isinstance(effect, HandOff) else type(effect).__name__
