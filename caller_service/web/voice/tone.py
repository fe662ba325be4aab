"""Writes the soft tone that a waiting caller hears: `python -m caller_service.web.voice.tone`.

Two low notes, a fifth apart, that fade into each other and away, then silence: it says "the line is
open", and nothing else. Ours, so that no music of anybody's is played. 8,000 Hz as the telephone
has; quiet, because the phone is at the ear. The file is kept at web/static/tone.wav and served as
/static/tone.wav.
"""

from __future__ import annotations

import io
import math
import sys
import wave
from array import array
from pathlib import Path

FILE = Path(__file__).parents[1] / "static" / "tone.wav"
RATE = 8000  # samples a second
LEVEL = 0.08  # of full scale: 22 dB below it
NOTES = ((392.0, 0.0, 0.4), (587.3, 0.3, 0.4))  # (hertz, begins at, lasts), in seconds
FADE = 0.1  # seconds, in and out
SECONDS = 1.0  # with the silence behind


def samples() -> array[int]:
    """The tone, 16 bits a sample."""
    moments = (at / RATE for at in range(int(SECONDS * RATE)))
    return array("h", (round(32_767 * LEVEL * _sum(second)) for second in moments))


def _sum(second: float) -> float:
    """The notes at this moment, between -1 and 1."""
    return sum(
        math.sin(math.tau * hertz * second) * _swell(second - begins, lasts)
        for hertz, begins, lasts in NOTES
    )


def _swell(since: float, lasts: float) -> float:
    """How much of a note is heard: a half of the level, so that two notes stay below it, and no
    click where it begins or ends."""
    inside = min(since, lasts - since) / FADE
    return 0.5 * math.sin(math.pi / 2 * min(1.0, inside)) ** 2 if inside > 0 else 0.0


def wav() -> bytes:
    """The whole file."""
    sound = samples()
    if sys.byteorder == "big":
        sound.byteswap()
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.tobytes())
    return whole.getvalue()


if __name__ == "__main__":
    FILE.write_bytes(wav())
