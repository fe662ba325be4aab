"""Writes the soft tone that a waiting caller hears: `python -m caller_service.web.voice.tone`.

Two low notes, a fifth apart, that fade into each other and out, then silence: it means only that
the line is open. It is our own, so that no licence is needed. 8,000 Hz, as on the telephone; quiet,
because the phone is at the ear. The file is web/static/tone.wav, served as /static/tone.wav.
"""

from __future__ import annotations

import io
import math
import sys
import wave
from array import array
from pathlib import Path

FILE = Path(__file__).parents[1] / "static" / "tone.wav"
RATE = 8000  # samples per second
LEVEL = 0.08  # of full scale: -22 dB
NOTES = ((392.0, 0.0, 0.4), (587.3, 0.3, 0.4))  # hertz, start and length (s)
FADE = 0.1  # seconds, in and out
SECONDS = 1.0  # including the silence at the end


def samples() -> array[int]:
    """The tone, 16 bits per sample."""
    moments = (at / RATE for at in range(int(SECONDS * RATE)))
    return array("h", (round(32_767 * LEVEL * _sum(second)) for second in moments))


def _sum(second: float) -> float:
    """The sum of the notes at this moment, between -1 and 1."""
    return sum(
        math.sin(math.tau * hertz * second) * _swell(second - begins, lasts)
        for hertz, begins, lasts in NOTES
    )


def _swell(since: float, lasts: float) -> float:
    """The gain of a note: half the level, so that two notes together stay below it, faded in and
    out to avoid clicks."""
    inside = min(since, lasts - since) / FADE
    return 0.5 * math.sin(math.pi / 2 * min(1.0, inside)) ** 2 if inside > 0 else 0.0


def wav() -> bytes:
    """The WAV file."""
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
