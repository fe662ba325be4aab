"""Recorded languages: what has to be recorded, and whether what was recorded is whole.

A pack is a folder of recordings with a `manifest.toml`, added by the program for a language that
Twilio has no voice for (docs/translating.md). A sentence is one clip; where its words hold a
placeholder, the words around it are a clip each, and numbers are played between them.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
import tomllib
import wave
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from string import Formatter, ascii_uppercase
from types import MappingProxyType

from caller_service.core.program import Program

from .catalog import Catalog
from .languages import Language, phone_languages
from .spoken import limit, seconds
from .wording import spoken_filling

MANIFEST = "manifest.toml"
NUMBERS = range(61)  # one clip each: keys, counts and minutes; longer ones are played by digits
SIGN_SECONDS = 2.0  # of a number or a letter
# 16-bit linear samples in a WAV file, or bare mu-law (audio/ulaw)
FORMATS: Mapping[str, tuple[str, int]] = MappingProxyType(
    {"wav-8000": (".wav", 8000), "wav-16000": (".wav", 16000), "mulaw-8000": (".ulaw", 8000)}
)
FAINT = 1000  # of 32,767: nobody hears a recording that never gets louder
LARGEST = 4_000_000  # bytes: two minutes
TOLERANCE = 0.1  # seconds between the manifest's length and the file's
_STAFF = ("spoken.whisper.", "spoken.callback.")  # said to staff, in a language with a voice
_SPELLED = re.compile(r"[A-Z0-9](, [A-Z0-9])+")
_FILE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}\.(wav|ulaw)")


class PackFaults(Exception):
    """A pack cannot be used; `faults` names everything that is wrong with it."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class NotRecorded(Exception):
    """There is no recording of what fills a placeholder, such as somebody's name."""


class AudioFault(Exception):
    """What is wrong with a recording."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One thing to record."""

    key: str
    words: str
    longest: float  # seconds

    @property
    def file(self) -> str:
        """The name of its file where the manifest is made by us."""
        return f"{self.key}.wav"


@dataclass(frozen=True, slots=True)
class Recording:
    """A clip's file, checked. The first digits of its checksum tell a new recording from an old
    one."""

    file: str
    sha256: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Script:
    """What is to be recorded of a language for one program. A piece is a clip's key, or
    `{placeholder}`."""

    tag: str
    clips: Mapping[str, Clip]
    pieces: Mapping[str, tuple[str, ...]]  # by catalog key, in the order they are played


@dataclass(frozen=True, slots=True)
class Pack:
    """The recordings of one language, checked and complete."""

    folder: Path
    script: Script
    recordings: Mapping[str, Recording]

    def file_for(self, key: str) -> Recording:
        """The recording of a clip. Raises KeyError for a clip that the script does not have."""
        return self.recordings[key]

    def files_for(self, key: str, fill: Mapping[str, str] | None = None) -> tuple[Recording, ...]:
        """What is played for a catalog key, in order. Raises NotRecorded where something else than
        a number, a spelled code or another key ("=key") fills a placeholder, and for a key that is
        not recorded."""
        return tuple(self._played(key, fill or {}))

    def _played(self, key: str, fill: Mapping[str, str]) -> Iterator[Recording]:
        if key not in self.script.pieces:
            raise NotRecorded
        for piece in self.script.pieces[key]:
            if not piece.startswith("{"):
                yield self.recordings[piece]
                continue
            value = fill[piece[1:-1]]
            if value.startswith("="):
                yield from self._played(value[1:], fill)
            else:
                yield from (self.recordings[sign] for sign in _signs(value))

    def by_file(self, file: str) -> Recording | None:
        """The recording of that file name, or None."""
        return next((each for each in self.recordings.values() if each.file == file), None)


def path_of(tag: str, recording: Recording) -> str:
    """Where a recording is served. A new one has a new address, so what is played may be kept."""
    return f"/recordings/{tag}/{recording.file}?v={recording.sha256[:8]}"


def _signs(value: str) -> Iterator[str]:
    """The clips of what fills a placeholder: a number up to the largest recorded is one, a longer
    one goes digit by digit, and a code that is spelled ("K, 7, M") sign by sign."""
    if _SPELLED.fullmatch(value):
        yield from (_sign(sign) for sign in value.split(", "))
        return
    digits = re.sub(r"[\s()+.-]", "", value)
    if not re.fullmatch(r"[0-9]+", digits):
        raise NotRecorded
    whole = digits == str(int(digits)) and int(digits) in NUMBERS
    yield from ((_sign(digits),) if whole else map(_sign, digits))


def _sign(sign: str) -> str:
    return f"number.{sign}" if sign.isdigit() else f"letter.{sign.lower()}"


# ---- what to record ------------------------------------------------------------------------------
def script(tag: str, program: Program, catalog: Catalog) -> Script:
    """What is to be recorded of a language: every `spoken.` key of its catalog but what staff hear,
    with the program's own words filled in, and the numbers if any sentence needs one."""
    constants = spoken_filling(program, tag, catalog)
    del constants["reference"]  # a case's own
    language, clips, pieces = catalog.languages[tag], dict[str, Clip](), {}
    for key, words in sorted(catalog.words[tag].items()):
        if key.startswith("spoken.") and not key.startswith(_STAFF):
            found = _pieces(key, words, constants, language)
            clips |= {clip.key: clip for clip, _ in found if clip is not None}
            pieces[key] = tuple(clip.key if clip else f"{{{name}}}" for clip, name in found)
    filled = {piece for played in pieces.values() for piece in played if piece.startswith("{")}
    signs = [*map(str, NUMBERS)] if filled else []
    signs += ascii_uppercase if "{reference}" in filled else ""
    clips |= {_sign(sign): Clip(_sign(sign), sign, SIGN_SECONDS) for sign in signs}
    return Script(tag, clips, pieces)


def _pieces(
    key: str, words: str, constants: Mapping[str, str], language: Language
) -> list[tuple[Clip | None, str]]:
    """A sentence in pieces: the clip of some words, or None and the name of a placeholder."""
    parts: list[tuple[str, str]] = []  # (words, "") or ("", placeholder)
    text = ""
    for literal, name, _, _ in Formatter().parse(words):
        text += literal + constants.get(name or "", "")
        if name is not None and name not in constants:
            parts += [(text, ""), ("", name)]
            text = ""
    parts = [part for part in (*parts, (text, "")) if part[1] or any(map(str.isalnum, part[0]))]
    if len(parts) == 1 and not parts[0][1]:
        return [(Clip(key, parts[0][0].strip(), limit(key)), "")]
    whole = sum(seconds(text, language) for text, _ in parts) or 1.0
    found: list[tuple[Clip | None, str]] = []
    for number, (text, name) in enumerate(parts, start=1):
        share = ceil(2 * limit(key) * seconds(text, language) / whole) / 2
        piece = text.strip(" .,;:。，")
        clip = None if name else Clip(f"{key}.part{number}", piece, max(share, 1.0))
        found.append((clip, name))
    return found


# ---- what was recorded ---------------------------------------------------------------------------
def read_packs(program: Program, catalog: Catalog) -> tuple[Mapping[str, Pack], tuple[str, ...]]:
    """The packs of the languages that a program offers on the phone, and everything that keeps one
    of its languages from being spoken there."""
    packs: dict[str, Pack] = {}
    faults: list[str] = []
    offered = phone_languages(program)
    if not offered:
        faults.append("phone.languages: none of the program's languages has a voice")
    for tag in offered:
        language = catalog.languages[tag]
        if language.voice is not None:
            continue
        if not language.pack or not program.phone.packs:
            missing = "recordings; set [phone] packs" if language.pack else "recordings"
            faults.append(f"language {tag}: on the phone it has neither a voice nor {missing}")
            continue
        try:
            packs[tag] = read_pack(Path(program.phone.packs) / tag, script(tag, program, catalog))
        except PackFaults as problem:
            faults += [f"language {tag}: {fault}" for fault in problem.faults]
    return MappingProxyType(packs), tuple(faults)


def read_pack(folder: Path, wanted: Script) -> Pack:
    """A pack with a sound recording of every clip. Raises PackFaults, naming every fault."""
    faults: list[str] = []
    entries = _manifest(folder, wanted.tag, faults)
    recordings = {}
    if entries is None:
        raise PackFaults(tuple(faults))
    for clip in wanted.clips.values():
        if clip.key in entries:
            recordings[clip.key], wrong = _recording(folder, clip, entries[clip.key])
        else:
            wrong = [f'there is no recording of "{clip.words}"']
        faults += [f"{clip.key}: {fault}" for fault in wrong]
    faults += _twice(recordings, wanted)
    if faults:
        raise PackFaults(tuple(faults))
    return Pack(folder, wanted, MappingProxyType(recordings))


def unused(folder: Path, wanted: Script) -> tuple[str, ...]:
    """Clips of a manifest that nothing plays; the recordings of an earlier release."""
    entries = _manifest(folder, wanted.tag, []) or {}
    return tuple(sorted(entries.keys() - wanted.clips.keys()))


def manifest(folder: Path, wanted: Script) -> str:
    """The manifest of the recordings in a folder, as TOML: each clip's file is its key and .wav, or
    .ulaw. Raises PackFaults for a file that is no recording; what is missing is left out."""
    lines, faults = [f'language = "{wanted.tag}"'], []
    for clip in wanted.clips.values():
        for form, (ending, _) in FORMATS.items():
            file = folder / f"{clip.key}{ending}"
            if not file.is_file() or (form == "wav-16000") != _at_16_khz(file, ending):
                continue
            content = file.read_bytes()
            try:
                length, _ = measured(content, form)
            except AudioFault as problem:
                faults.append(f"{file.name} {problem}")
                continue
            lines += [
                f"\n[clips.{json.dumps(clip.key)}]",
                f"words = {json.dumps(clip.words, ensure_ascii=False)}",
                f"file = {json.dumps(file.name)}",
                f'sha256 = "{hashlib.sha256(content).hexdigest()}"',
                f"seconds = {length:.2f}",
                f'format = "{form}"',
            ]
            break
    if faults:
        raise PackFaults(tuple(faults))
    return "\n".join(lines) + "\n"


def _at_16_khz(file: Path, ending: str) -> bool:
    return ending == ".wav" and file.read_bytes()[24:28] == (16_000).to_bytes(4, "little")


def _manifest(
    folder: Path, tag: str, faults: list[str]
) -> Mapping[str, Mapping[str, object]] | None:
    try:
        data = tomllib.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        faults.append(f"{folder / MANIFEST}: cannot be read ({problem})")
        return None
    if data.get("language") != tag:
        faults.append(f'{MANIFEST}: language must be "{tag}"')
    clips = data.get("clips", {})
    if not isinstance(clips, dict) or not all(isinstance(clip, dict) for clip in clips.values()):
        faults.append(f"{MANIFEST}: clips must be a table of tables")
        return None
    return clips


def _recording(
    folder: Path, clip: Clip, entry: Mapping[str, object]
) -> tuple[Recording, list[str]]:
    told, faults = _entry(entry)
    if faults:
        return told, faults
    if entry.get("words") != clip.words:
        faults.append(f'was recorded with other words; they are now "{clip.words}"')
    try:
        if (folder / told.file).stat().st_size > LARGEST:
            raise AudioFault(f"{told.file} is larger than {LARGEST} bytes")
        content = (folder / told.file).read_bytes()
        if hashlib.sha256(content).hexdigest() != told.sha256:
            faults.append(f"{told.file} is not the file of the manifest: its SHA-256 differs")
        length, peak = measured(content, str(entry["format"]))
    except OSError as problem:
        return told, [*faults, f"{told.file}: {problem.strerror}"]
    except AudioFault as problem:
        return told, [*faults, str(problem)]
    if abs(length - told.seconds) > TOLERANCE:
        faults.append(f"{told.file} lasts {length:.1f} s, and not {told.seconds:.1f} s")
    if length > clip.longest:
        faults.append(f"{told.file} lasts {length:.1f} s; {clip.longest:.1f} s at most")
    if peak < FAINT:
        faults.append(f"{told.file} is silent, or too soft to be heard")
    return told, faults


def _entry(entry: Mapping[str, object]) -> tuple[Recording, list[str]]:
    file, sha, length = entry.get("file"), entry.get("sha256"), entry.get("seconds")
    told, form = Recording(str(file), str(sha), 0.0), entry.get("format")
    faults = []
    if not isinstance(form, str) or form not in FORMATS:
        faults.append(f"format is none of {', '.join(FORMATS)}")
    elif not isinstance(file, str) or not _FILE.fullmatch(file):
        faults.append("file must be a name of small letters and digits that ends in .wav or .ulaw")
    elif not file.endswith(FORMATS[form][0]):
        faults.append(f"a file of format {form} ends in {FORMATS[form][0]}")
    if not isinstance(sha, str) or not re.fullmatch(r"[0-9a-f]{64}", sha):
        faults.append("sha256 is not 64 hexadecimal digits")
    if isinstance(length, bool) or not isinstance(length, int | float) or not length > 0:
        faults.append("seconds is not a number above 0")
        return told, faults
    return Recording(told.file, told.sha256, float(length)), faults


def _twice(recordings: Mapping[str, Recording], wanted: Script) -> Iterator[str]:
    """The same recording under two keys is a copy put in the wrong place, unless they say the
    same."""
    first: dict[str, str] = {}
    for key, recording in recordings.items():
        other = first.setdefault(recording.sha256, key)
        if wanted.clips[other].words != wanted.clips[key].words:
            yield f"{key}: is the recording of {other}"


def measured(content: bytes, form: str) -> tuple[float, int]:
    """The length in seconds and the peak (0 to 32,767) of a recording. Raises AudioFault if it is
    not of this format."""
    rate = FORMATS[form][1]
    if form.startswith("mulaw"):
        if content[:4] in (b"RIFF", b".snd"):
            raise AudioFault("mu-law is kept bare, without a header")
        return len(content) / rate, max(map(_mulaw_peak, set(content)), default=0)
    try:
        with wave.open(io.BytesIO(content)) as file:
            shape = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            frames, samples = file.getnframes(), file.readframes(file.getnframes())
    except (wave.Error, EOFError) as problem:
        raise AudioFault(f"is no WAV file of linear samples ({problem})") from None
    if shape != (1, 2, rate):
        raise AudioFault(
            f"has {shape[0]} channels of {8 * shape[1]} bits at {shape[2]} Hz; {form} has 1 of 16 "
            f"bits at {rate} Hz"
        )
    if len(samples) != 2 * frames:
        raise AudioFault("ends before its header says")
    levels = array("h", samples)
    if sys.byteorder == "big":
        levels.byteswap()
    return frames / rate, min(max(map(abs, levels), default=0), 32_767)


def _mulaw_peak(byte: int) -> int:
    """The level of a mu-law sample (ITU-T G.711)."""
    code = ~byte & 0xFF
    return (((code & 0x0F) << 3) + 132 << (code >> 4 & 0x07)) - 132
