"""The fallback response for when this service is down: static TwiML, for a host that does not fail
with it."""

from __future__ import annotations

from pathlib import Path

from caller_service.core.program import Program
from caller_service.language.catalog import Catalog
from caller_service.language.wording import filling, texted

from . import twiml


def words(program: Program, catalog: Catalog, key: str) -> list[tuple[str, str]]:
    """The text of a key in every language of the program, each with its language."""
    return [
        (language, catalog.text(language, key, **filling(program, language, catalog)))
        for language in program.languages
    ]


def text_answer(program: Program, catalog: Catalog, key: str = "fallback") -> str:
    """The response when a text could not be handled: 911 and 988, in the program's first two
    languages only, so that nobody in need gets fourteen texts."""
    return twiml.messages(
        (texted(line, language, catalog), "") for language, line in words(program, catalog, key)[:2]
    ).get_data(as_text=True)


def spoken_answer(program: Program, catalog: Catalog, key: str) -> str:
    """The same for a call, in each language that has a voice."""
    return twiml.says(
        (voice, line)
        for language, line in words(program, catalog, key)
        if (voice := catalog.languages[language].voice)
    ).get_data(as_text=True)


def write(folder: Path, program: Program, catalog: Catalog) -> list[Path]:
    """Write sms.xml and voice.xml; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    answers = {
        "sms.xml": text_answer(program, catalog),
        "voice.xml": spoken_answer(program, catalog, "fallback.spoken"),
    }
    for name, answer in answers.items():
        (folder / name).write_text(answer, encoding="utf-8")
    return [folder / name for name in answers]
