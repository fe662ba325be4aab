"""Recorded languages: what has to be recorded, and that a language is played only if all of it
is."""

from __future__ import annotations

import hashlib
import shutil
import struct
import tomllib
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

import pytest
from caller import Caller
from click.testing import CliRunner
from conversation import PROGRAM

from caller_service.commands.main import main
from caller_service.core.program import Phone, Program
from caller_service.language import catalog as catalogs
from caller_service.language import languages
from caller_service.language.catalog import Catalog, read_catalog
from caller_service.language.languages import with_languages
from caller_service.language.recordings import (
    NotRecorded,
    Pack,
    PackFaults,
    Script,
    manifest,
    read_pack,
    read_packs,
    script,
    unused,
)
from caller_service.web.voice.recordings import play_url

if TYPE_CHECKING:
    from conftest import House

TOML = 'iso639_3 = "hat"\nname = "Haitian Creole"\nnative = "Kreyòl"\nwithout_accents = false\n'


def write_wav(
    file: Path, number: int, *, rate: int = 8000, level: int = 4000, lasts: float = 0.1,
    channels: int = 1, width: int = 2,
) -> None:  # fmt: skip
    """A square wave; another number gives another file."""
    frames = int(rate * lasts)
    samples = [
        level if (at + number) * (number + 40) // 400 % 2 else -level for at in range(frames)
    ]
    samples[:2] = [level, number % 256]
    with wave.open(str(file), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        content = struct.pack(f"<{frames}h", *samples)
        out.writeframes(content[: frames * width] * channels)


@pytest.fixture
def creole(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The `language.toml` of a language without a voice; its sentences are the Spanish ones."""
    shutil.copytree(project / "translations", tmp_path / "translations")
    shutil.copytree(tmp_path / "translations" / "es", tmp_path / "translations" / "ht")
    real = catalogs.folder
    for module in (catalogs, languages):
        monkeypatch.setattr(
            module,
            "folder",
            lambda name: tmp_path / name if name == "translations" else real(name),
        )
    file = tmp_path / "translations" / "ht" / "language.toml"
    file.write_text(TOML + "[phone]\npack = true\n")
    return file


@pytest.fixture
def catalog(creole: Path) -> Catalog:
    return read_catalog(("en", "ht"))


@pytest.fixture
def program(catalog: Catalog, tmp_path: Path) -> Program:
    phone = Phone(languages=("en", "ht"), packs=str(tmp_path / "packs"))
    return with_languages(replace(PROGRAM, languages=("en", "ht"), phone=phone))


@pytest.fixture
def wanted(program: Program, catalog: Catalog) -> Script:
    return script("ht", program, catalog)


@pytest.fixture
def folder(wanted: Script, tmp_path: Path) -> Path:
    """A complete pack, with its manifest."""
    pack = tmp_path / "packs" / "ht"
    pack.mkdir(parents=True)
    for number, clip in enumerate(wanted.clips.values()):
        write_wav(pack / clip.file, number)
    (pack / "manifest.toml").write_text(manifest(pack, wanted))
    return pack


# ---- what to record ------------------------------------------------------------------------------
def test_every_spoken_key_but_the_staffs_is_recorded_with_the_programs_name(
    wanted: Script, catalog: Catalog
) -> None:
    spoken = {key for key in catalog.words["ht"] if key.startswith("spoken.")}
    staff = ("spoken.whisper.", "spoken.callback.")
    assert wanted.pieces.keys() == {key for key in spoken if not key.startswith(staff)}
    assert wanted.clips["spoken.greeting.program"].words.startswith("Fairhaven Care Line")
    assert not [clip for clip in wanted.clips.values() if "{" in clip.words or not clip.words]
    assert wanted.clips["spoken.greeting.danger"].longest == 14
    assert all(0 < clip.longest <= 30 for clip in wanted.clips.values())


def test_words_around_a_placeholder_are_clips_of_their_own(wanted: Script) -> None:
    assert wanted.pieces["spoken.wait.asked_more"] == (
        "spoken.wait.asked_more.part1",
        "{count}",
        "spoken.wait.asked_more.part3",
    )
    assert wanted.clips["spoken.wait.asked_more.part3"].words == "personas"
    assert {"number.0", "number.60", "letter.k"} <= wanted.clips.keys()


# ---- what is played ------------------------------------------------------------------------------
@pytest.fixture
def pack(folder: Path, wanted: Script) -> Pack:
    return read_pack(folder, wanted)


def test_a_whole_pack_has_a_file_for_every_clip(pack: Pack, wanted: Script) -> None:
    assert pack.recordings.keys() == wanted.clips.keys()
    assert pack.file_for("spoken.greeting.danger").file == "spoken.greeting.danger.wav"
    assert pack.by_file("spoken.greeting.danger.wav") == pack.file_for("spoken.greeting.danger")
    assert pack.by_file("manifest.toml") is None


@pytest.mark.parametrize(
    ("value", "between"),
    [
        ("7", ["number.7"]),
        ("60", ["number.60"]),
        ("61", ["number.6", "number.1"]),
        ("07", ["number.0", "number.7"]),
        ("+1 (720) 555-0100", [f"number.{digit}" for digit in "17205550100"]),
        ("K, 7, M", ["letter.k", "number.7", "letter.m"]),
        ("=spoken.greeting.danger", ["spoken.greeting.danger"]),
    ],
)
def test_numbers_codes_and_other_keys_are_played_in_a_gap(
    pack: Pack, value: str, between: list[str]
) -> None:
    played = pack.files_for("spoken.wait.asked_more", {"count": value})
    whole = ["spoken.wait.asked_more.part1", *between, "spoken.wait.asked_more.part3"]
    assert [recording.file for recording in played] == [f"{key}.wav" for key in whole]


@pytest.mark.parametrize("value", ["Sam", "", "6:30", "1200 Main Street", "=danger.unknown", "٧"])
def test_what_was_never_recorded_is_not_played_in_half(pack: Pack, value: str) -> None:
    with pytest.raises(NotRecorded):
        pack.files_for("spoken.wait.asked_more", {"count": value})
    with pytest.raises(NotRecorded):
        pack.files_for("danger.weapon")


# ---- what is wrong with a pack -------------------------------------------------------------------
KEY = "spoken.greeting.danger"
FILE = f"{KEY}.wav"


def again(folder: Path, wanted: Script, write: Callable[[Path], None]) -> tuple[str, ...]:
    """The faults after a file was rewritten; the manifest is updated as far as possible."""
    write(folder / FILE)
    entry = tomllib.loads((folder / "manifest.toml").read_text())["clips"][KEY]
    old, new = entry["sha256"], hashlib.sha256((folder / FILE).read_bytes()).hexdigest()
    text = (folder / "manifest.toml").read_text().replace(old, new)
    (folder / "manifest.toml").write_text(text)
    return faults(folder, wanted)


def faults(folder: Path, wanted: Script) -> tuple[str, ...]:
    with pytest.raises(PackFaults) as found:
        read_pack(folder, wanted)
    return found.value.faults


@pytest.mark.parametrize(
    ("write", "fault"),
    [
        (lambda file: write_wav(file, 999, level=40), "is silent, or too soft"),
        (lambda file: write_wav(file, 999, lasts=0.5), "lasts 0.5 s, and not 0.1 s"),
        (lambda file: write_wav(file, 999, lasts=14.5), "14.0 s at most"),
        (lambda file: write_wav(file, 999, rate=44_100), "has 1 channels of 16 bits at 44100 Hz"),
        (lambda file: write_wav(file, 999, channels=2), "has 2 channels"),
        (lambda file: write_wav(file, 999, width=1), "of 8 bits"),
        (lambda file: file.write_bytes(b"ID3\x04 an mp3"), "is no WAV file"),
        (lambda file: file.write_bytes(b""), "is no WAV file"),
        (lambda file: file.write_bytes(file.read_bytes()[:-101]), "ends before its header says"),
        (lambda file: file.write_bytes(b"\0" * 4_000_001), "is larger than"),
        (lambda file: shutil.copy(file.parent / "number.3.wav", file), "is the recording of"),
    ],
)  # fmt: skip
def test_a_recording_that_cannot_be_played_is_named(
    folder: Path, wanted: Script, write: Callable[[Path], None], fault: str
) -> None:
    assert any(fault in one for one in again(folder, wanted, write))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (f'[clips."{KEY}"]', '[clips."spoken.old"]', f"{KEY}: there is no recording of"),
        (f'file = "{FILE}"', 'file = "nowhere.wav"', "nowhere.wav: No such file"),
        (f'file = "{FILE}"', 'file = "../secret.wav"', "file must be a name"),
        (f'file = "{FILE}"', 'file = "a.ulaw"', "a file of format wav-8000 ends in .wav"),
        (f'file = "{FILE}"', "file = 7", "file must be a name"),
        ('words = "Vida en', 'words = "Old en', "was recorded with other words"),
        ('format = "wav-8000"', 'format = "mp3"', "format is none of"),
        ("seconds = 0.10", 'seconds = "long"', "seconds is not a number"),
        ("seconds = 0.10", "seconds = true", "seconds is not a number"),
        ("seconds = 0.10", "seconds = nan", "seconds is not a number"),
        ('language = "ht"', 'language = "so"', 'language must be "ht"'),
        ('language = "ht"', "language", "cannot be read"),
        ('language = "ht"', 'language = "ht"\nclips = 7\n[old]', "cannot be read"),
        ('sha256 = "', 'sha256 = "0', "sha256 is not 64"),
    ],
)
def test_a_fault_of_the_manifest_is_named(
    folder: Path, wanted: Script, old: str, new: str, fault: str
) -> None:
    file = folder / "manifest.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    assert any(fault in one for one in faults(folder, wanted))


def test_a_file_that_was_changed_is_named_and_so_is_everything_else(
    folder: Path, wanted: Script
) -> None:
    write_wav(folder / FILE, 999)
    (folder / "spoken.closing.wav").unlink()
    found = faults(folder, wanted)
    assert len(found) == 2
    assert any("its SHA-256 differs" in fault for fault in found)
    assert any("spoken.closing.wav: No such file" in fault for fault in found)


def test_mu_law_and_16_khz_are_taken_too(folder: Path, wanted: Script) -> None:
    (folder / FILE).unlink()
    (folder / f"{KEY}.ulaw").write_bytes(bytes([0x90, 0x10, 0xFF]) * 800)
    write_wav(folder / "spoken.closing.wav", 999, rate=16_000, lasts=0.4)
    (folder / "manifest.toml").write_text(manifest(folder, wanted))
    pack = read_pack(folder, wanted)
    assert pack.file_for(KEY).file == f"{KEY}.ulaw"
    assert pack.file_for(KEY).seconds == pytest.approx(0.3)
    assert pack.file_for("spoken.closing").seconds == pytest.approx(0.4)

    (folder / f"{KEY}.ulaw").write_bytes(b"\xff\x7f" * 800)  # both bytes mean zero: silence
    (folder / "manifest.toml").write_text(manifest(folder, wanted))
    (fault,) = faults(folder, wanted)
    assert "is silent" in fault


def test_recordings_of_an_earlier_release_harm_nothing(folder: Path, wanted: Script) -> None:
    with (folder / "manifest.toml").open("a") as file:
        file.write('\n[clips."spoken.old"]\nwords = "x"\n')
    read_pack(folder, wanted)
    assert unused(folder, wanted) == ("spoken.old",)


# ---- which languages a call can be in ------------------------------------------------------------
def test_a_language_with_a_whole_pack_is_spoken(
    folder: Path, program: Program, catalog: Catalog
) -> None:
    packs, unspoken = read_packs(program, catalog)
    assert (set(packs), unspoken) == ({"ht"}, ())


def test_what_keeps_a_language_from_the_phone_is_named(
    folder: Path, program: Program, catalog: Catalog, creole: Path
) -> None:
    (folder / FILE).unlink()
    packs, unspoken = read_packs(program, catalog)
    assert not packs and unspoken == (f"language ht: {KEY}: {FILE}: No such file or directory",)

    nowhere = replace(program, phone=replace(program.phone, packs=""))
    assert read_packs(nowhere, catalog)[1] == (
        "language ht: on the phone it has neither a voice nor recordings; set [phone] packs",
    )
    creole.write_text(TOML)
    languages._read.cache_clear()
    assert read_packs(program, read_catalog(("en", "ht")))[1] == (
        "language ht: on the phone it has neither a voice nor recordings",
    )
    mute = replace(program, languages=("ht",), phone=Phone())
    assert read_packs(mute, read_catalog(("ht",)))[1] == (
        "phone.languages: none of the program's languages has a voice",
    )


# ---- served --------------------------------------------------------------------------------------
def test_a_recording_is_served_under_an_address_of_its_own_and_kept(
    house: House, pack: Pack
) -> None:
    house.change(packs={"ht": pack})
    told = pack.file_for(KEY)
    with house.app.test_request_context():
        url = play_url("ht", told)
    public = house.parts.public_url
    assert url == f"{public}/recordings/ht/{FILE}?v={told.sha256[:8]}"
    with house.client.get(url.removeprefix(public)) as answer:
        assert (answer.status_code, answer.mimetype) == (200, "audio/wav")
        assert answer.get_data() == (pack.folder / FILE).read_bytes()
        assert answer.cache_control.max_age == 31_536_000 and answer.cache_control.immutable
    for other in (
        "ht/manifest.toml",
        "so/x.wav",
        "ht/../ht/x.wav",
        "ht/%2e%2e%2fx.wav",
        "ht/x.wav",
    ):
        assert house.client.get(f"/recordings/{other}").status_code == 404
    house.change(packs={})


# ---- the command ---------------------------------------------------------------------------------
@pytest.fixture
def command(
    folder: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Path
) -> Callable[..., tuple[int, str]]:
    """Run `caller-service voice …` for a program that has the packs."""
    rehearsal = project / "caller_service" / "programs" / "rehearsal"
    for file in rehearsal.iterdir():
        shutil.copy(file, tmp_path)
    text = (tmp_path / "program.toml").read_text()
    text = text.replace("../../protocols", str(project / "caller_service" / "protocols"))
    (tmp_path / "program.toml").write_text(text + '\n[phone]\npacks = "packs"\n')
    monkeypatch.setenv("CALLER_PROGRAM", str(tmp_path / "program.toml"))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str]:
        ended = CliRunner().invoke(main, ["voice", *words])
        return ended.exit_code, ended.output

    return run


def test_the_script_prints_one_line_a_clip(
    command: Callable[..., tuple[int, str]], wanted: Script
) -> None:
    code, printed = command("script", "ht")
    assert code == 0
    lines = [line.split("\t") for line in printed.splitlines() if not line.startswith("#")]
    assert lines == [
        [clip.file, clip.key, f"{clip.longest:g}", clip.words] for clip in wanted.clips.values()
    ]
    assert (
        "#   spoken.wait.asked_more: Sigo buscando. Ya les avisamos a {count} personas" in printed
    )


def test_a_language_that_is_not_shipped_has_no_script(
    command: Callable[..., tuple[int, str]],
) -> None:
    code, printed = command("script", "xx")
    assert code == 1 and "language xx: not shipped" in printed


def test_check_finds_a_whole_pack_by_language_and_by_folder(
    command: Callable[..., tuple[int, str]], folder: Path
) -> None:
    for where in ("ht", str(folder)):
        code, printed = command("check", where)
        assert code == 0 and "are whole" in printed, printed


def test_check_names_what_is_missing_and_ends_with_1(
    command: Callable[..., tuple[int, str]], folder: Path
) -> None:
    (folder / FILE).unlink()
    code, printed = command("check", "ht")
    assert code == 1 and f"{KEY}: {FILE}: No such file" in printed
    shutil.rmtree(folder)
    code, printed = command("check", "ht")
    assert code == 1 and "manifest.toml: cannot be read" in printed


def test_a_manifest_is_written_of_what_was_recorded(
    command: Callable[..., tuple[int, str]], folder: Path
) -> None:
    write_wav(folder / FILE, 999, lasts=0.5)
    assert command("check", "ht")[0] == 1
    assert command("manifest", str(folder))[0] == 0
    assert command("check", "ht")[0] == 0
    (folder / FILE).write_bytes(b"RIFF")
    code, printed = command("manifest", str(folder))
    assert code == 1 and f"{FILE} is no WAV file" in printed


# ---- a call ----------------------------------------------------------------------------------------
def test_a_call_in_a_recorded_language_plays_it_from_greeting_to_queue(
    house: House, program: Program, catalog: Catalog, pack: Pack
) -> None:
    house.change(program=program, catalog=catalog, packs={"ht": pack})
    me = Caller(house).rings()
    assert any("/recordings/ht/spoken.language" in (each.text or "") for each in _played(me))
    house.wait(3)
    me.presses("2", listening=False)
    assert me.case().language == "ht"
    assert not list(me.document.iter("Say"))
    asked = [(each.text or "").partition("?")[0].rpartition("/")[2] for each in _played(me)]
    assert asked[-1].startswith("spoken.ask.about_you")
    me.presses("1")
    house.wait(9)
    me.presses("1")
    assert me.queue is not None
    waits = [each.text or "" for each in _played(me)]
    assert any("spoken.wait.start" in each for each in waits)
    assert not list(me.document.iter("Say"))
    for url in waits:
        with house.client.get(url.removeprefix(house.parts.public_url)) as answer:
            assert answer.status_code == 200, url


def _played(me: Caller) -> list[Element]:
    return list(me.document.iter("Play"))
