"""The soft tone of a waiting call: well-formed, quiet, short, and at a stable URL."""

from __future__ import annotations

import io
import wave
from array import array
from itertools import pairwise
from typing import TYPE_CHECKING

from caller_service.web.voice import tone

if TYPE_CHECKING:
    from conftest import House


def _heard(content: bytes) -> array[int]:
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        assert file.getnframes() == 8000 * tone.SECONDS
        return array("h", file.readframes(file.getnframes()))


def test_the_tone_is_quiet_and_short_and_ends_in_silence() -> None:
    content = tone.FILE.read_bytes()
    assert len(content) <= 40_000
    sound = _heard(content)
    assert 1000 < max(map(abs, sound)) < 32_767 * 0.1
    assert not any(sound[int(0.7 * 8000) + 1 :])
    assert sound[0] == 0
    # no click: from one sample to the next it changes less than the notes do at their loudest
    assert max(abs(after - before) for before, after in pairwise(sound)) < 1500


def test_the_file_is_what_its_generator_writes() -> None:
    """Up to one step of a sample: sines differ in the last digit between machines."""
    pairs = zip(_heard(tone.FILE.read_bytes()), _heard(tone.wav()), strict=True)
    assert all(abs(kept - made) <= 1 for kept, made in pairs)


def test_the_tone_is_served_to_whoever_asks_and_may_be_kept(house: House) -> None:
    with house.client.get("/static/tone.wav") as answer:
        assert answer.status_code == 200
        assert answer.mimetype in ("audio/wav", "audio/x-wav")
        assert answer.get_data() == tone.FILE.read_bytes()
        assert answer.cache_control.max_age == 3600
