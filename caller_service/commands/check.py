"""`caller-service check`: reports every fault of the settings, the program, its languages and the
database, before a live start."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from caller_service.app import telephony_of, unreviewed
from caller_service.casework.parts import utc_now
from caller_service.config.program_file import ProgramFaults, read_program
from caller_service.config.settings import Settings, SettingsFaults
from caller_service.language.folders import folder

from .database import database_faults, loose_files, split_notes
from .people import staff_notes
from .startup import parts_now, refuse
from .tokens import token_report


@click.command()
def check() -> None:
    """Check settings, program, protocol, languages, migrations and Twilio's webhook URLs; report
    every fault."""
    settings, faults = _settings()
    try:
        program = read_program(settings.program if settings else _program_path())
    except ProgramFaults as problem:
        refuse([*faults, *problem.faults])
    if unreadable := unreadable_files(folder("translations"), program.languages):
        refuse([*faults, *unreadable])  # nothing that follows could be read
    faults += language_faults(program)
    notes: list[str] = []
    if settings is not None:
        found, notes = _deployment(settings, program)
        faults += found
        if settings.live and not faults:
            notes += staff_notes(parts_now())
    if faults:
        refuse([*faults, *(f"note: {note}" for note in notes)])
    for note in notes + psap_notes(program) + greeting_notes(program) + overlap_notes(program):
        click.echo(f"note: {note}")
    click.echo(
        f"{program.name}: settings, program, protocol, languages and migrations are sound. "
        f"Protocol {program.protocol.hash}"
    )
    if settings is not None:
        rate = settings.calls_a_second
        many = "one new call" if rate == 1 else f"{rate} new calls"
        click.echo(f"At most {many} a second (CALLER_CALLS_A_SECOND); the others wait their turn.")


def _settings() -> tuple[Settings | None, list[str]]:
    """The settings, or None and their faults: the program is checked either way."""
    try:
        return Settings.from_environment(os.environ), []
    except SettingsFaults as problem:
        return None, list(problem.faults)


def _program_path() -> Path:
    """The path of the program if the settings cannot be read."""
    rehearsal = Path(__file__).parents[1] / "programs/rehearsal/program.toml"
    return Path(os.environ.get("CALLER_PROGRAM") or rehearsal)


def _deployment(settings: Settings, program: Any) -> tuple[list[str], list[str]]:
    """Faults and notes about this deployment: its database, files, tokens and Twilio's settings."""
    from caller_service.proving.addresses import compare

    lost, notes = token_report(settings.database_url, program, utc_now())
    faults = deployment_faults(settings, program) + lost
    held = compare(telephony_of(settings, program), program.numbers, settings.public_url)
    faults += held.faults
    notes += [line for line in held.lines() if line not in held.faults]
    notes += loose_files(settings) + split_notes(settings)
    return faults, notes


def overlap_notes(program: Any) -> list[str]:
    """Pairs of areas that share ground."""
    from caller_service.config.atlas import overlaps

    return [
        f"areas {one} and {other} overlap: there the first that is live and open serves"
        for one, other in overlaps(program.areas)
    ]


def psap_notes(program: Any) -> list[str]:
    """The areas whose callers cannot be put through to their PSAP and have to dial 911
    themselves."""
    without = [area.id for area in program.areas if not program.psap(area.id)]
    return [
        f"area {name}: no ten-digit line of its PSAP is set; callers there are told to call 911, "
        "and cannot be put through"
        for name in without
    ]


def greeting_notes(program: Any) -> list[str]:
    """The languages in which this program's name makes the greeting of a call too long."""
    from caller_service.language.catalog import read_catalog
    from caller_service.language.spoken import GREETING
    from caller_service.language.wording import greeting_seconds

    takes = greeting_seconds(program, read_catalog(program.languages))
    return [
        f"language {tag}: the greeting of a call takes {length:.1f} s, more than {GREETING:.0f} s: "
        f"make [program] name shorter"
        for tag, length in takes.items()
        if length > GREETING
    ]


def unreadable_files(translations: Path, languages: Iterable[str]) -> list[str]:
    """The files of these languages that are no TOML."""
    faults = []
    for language in languages:
        for file in sorted((translations / language).glob("*.toml")):
            try:
                tomllib.loads(file.read_text(encoding="utf-8"))
            except ValueError as problem:
                faults.append(f"translations/{language}/{file.name}: {problem}")
    return faults


def language_faults(program: Any) -> list[str]:
    from caller_service.core.protocol_check import word_keys
    from caller_service.language.catalog import placeholders, read_catalog
    from caller_service.language.interpreters import read_unread

    catalog = read_catalog(program.languages)
    first = program.languages[0]
    wanted = {
        *catalog.words[first],
        *(key for key in word_keys(program.protocol) if not key.startswith("why.")),
    }
    known = {tag.partition("-")[0] for tag in read_unread()}
    # one without a table switches the recognition of all unserved languages off (rule 26)
    faults = [
        f"language {language}: it has no table in translations/interpreters.toml"
        for language in program.languages
        if language.partition("_")[0] not in known
    ]
    for language in program.languages:
        faults += [
            f"language {language}: {key} has no words"
            for key in sorted(wanted)
            if not catalog.words[language].get(key)
        ]
        for key, words in catalog.words[language].items():
            if placeholders(words) != placeholders(catalog.words[first].get(key, words)):
                faults.append(
                    f"language {language}: {key} does not have the placeholders of {first}"
                )
    return faults


def deployment_faults(settings: Settings, program: Any) -> list[str]:
    from caller_service.language.catalog import read_catalog
    from caller_service.language.recordings import read_packs
    from caller_service.server.readiness import live_faults, secret_faults

    faults = [*secret_faults(settings, program)]
    if settings.live:
        catalog = read_catalog(program.languages)
        faults += [
            *live_faults(settings, program),
            *unreviewed(catalog, program),
            *read_packs(program, catalog)[1],
        ]
    return faults + database_faults(settings)
