"""`caller-service voice`: what to record for a language without a voice at Twilio, and whether a
recording pack is complete (docs/translating.md)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import click

from caller_service.config.program_file import read_program
from caller_service.core.program import Program
from caller_service.language.catalog import Catalog, read_catalog
from caller_service.language.languages import read_languages
from caller_service.language.recordings import (
    MANIFEST,
    NUMBERS,
    PackFaults,
    Script,
    manifest,
    read_pack,
    script,
    unused,
)

from .startup import refuse, settings_now


@click.group()
def voice() -> None:
    """Recording packs for languages without a voice."""


@voice.command("script")
@click.argument("tag")
def print_script(tag: str) -> None:
    """Print what to record: for each clip its file, key, longest time in seconds and words,
    separated by tabs."""
    program, wanted = _script(tag)
    language = read_languages()[tag]
    click.echo(f"# {language.name} ({language.native}) for {program.name}.")
    click.echo("# Mono WAV of 16-bit samples at 8,000 or 16,000 Hz, or bare mu-law (.ulaw).")
    click.echo("# Calm, close to the microphone, a little slower than talk; no music, no names.")
    click.echo("# .part1, .part2: words before and behind something that is not the same in every")
    click.echo("# call. Read them as parts of one sentence, without an end at the gap:")
    for key, pieces in wanted.pieces.items():
        if len(pieces) > 1 or pieces[0].startswith("{"):
            gaps = (wanted.clips[piece].words if piece[0] != "{" else piece for piece in pieces)
            click.echo(f"#   {key}: {' '.join(gaps)}")
    click.echo(f"# Numbers (0 to {NUMBERS[-1]}, longer ones by their digits) and codes (by their")
    click.echo("# signs) are played in such gaps. A {place} cannot be: a person says it.")
    click.echo("# file\tkey\tseconds at most\twords")
    for clip in wanted.clips.values():
        click.echo(f"{clip.file}\t{clip.key}\t{clip.longest:g}\t{clip.words}")


@voice.command("manifest")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--language", "tag", default="", help="Default: the name of the folder.")
def write_manifest(folder: Path, tag: str) -> None:
    """Write the manifest of the recordings in a folder, which are named as in the script."""
    _, wanted = _script(tag or folder.resolve().name)
    try:
        (folder / MANIFEST).write_text(manifest(folder, wanted), encoding="utf-8")
    except PackFaults as problem:
        refuse(problem.faults)
    click.echo(folder / MANIFEST)


@voice.command("check")
@click.argument("tag_or_folder")
def check(tag_or_folder: str) -> None:
    """Check a pack, by its language or its folder: report everything missing or wrong, with exit
    code 1."""
    settings = settings_now()
    folder = Path(tag_or_folder)
    if (folder / MANIFEST).is_file():
        tag = _language_of(folder / MANIFEST)
    else:
        packs = read_program(settings.program).phone.packs
        if not packs:
            refuse((f"{folder / MANIFEST}: not there, and the program sets no [phone] packs",))
        tag, folder = tag_or_folder, Path(packs) / tag_or_folder
    _, wanted = _script(tag)
    try:
        pack = read_pack(folder, wanted)
    except PackFaults as problem:
        refuse(problem.faults)
    for key in unused(folder, wanted):
        click.echo(f"note: nothing plays {key}")
    length = sum(recording.seconds for recording in pack.recordings.values())
    click.echo(f"{folder}: {len(pack.recordings)} recordings, {length:.0f} s, are whole.")


def _script(tag: str) -> tuple[Program, Script]:
    program = read_program(settings_now().program)
    if tag not in read_languages():
        refuse((f"language {tag}: not shipped; shipped are {', '.join(read_languages())}",))
    catalog: Catalog = read_catalog([tag])
    wanted = script(tag, program, catalog)
    if not wanted.pieces:
        refuse((f"language {tag}: its catalog has no words for the phone",))
    return program, wanted


def _language_of(file: Path) -> str:
    try:
        return str(tomllib.loads(file.read_text(encoding="utf-8")).get("language", ""))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        refuse((f"{file}: cannot be read ({problem})",))
