"""A sealed value opens only with its key and in its place, and is not visible anywhere else."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caller_service.store.sealing import CannotOpen, Sealer

OLD, NEW = ("2025", b"o" * 32), ("2026", b"n" * 32)
WHERE = "contact.number.0198"
SECRET = "my father has been drinking again"
NUMBER = "+15550100199"


@pytest.fixture(scope="module")
def sealer() -> Sealer:
    return Sealer((NEW, OLD), (NEW, OLD))


@given(text=st.text(), where=st.text())
def test_what_is_sealed_opens_again(text: str, where: str) -> None:
    sealer = Sealer({"a": b"k" * 32}, {"a": b"i" * 32})

    assert sealer.open(sealer.seal(text, where), where) == text


def test_the_same_text_is_never_sealed_alike(sealer: Sealer) -> None:
    assert sealer.seal(SECRET, WHERE) != sealer.seal(SECRET, WHERE)


def test_a_sealed_value_begins_with_its_key_and_hides_the_text(sealer: Sealer) -> None:
    blob = sealer.seal(SECRET, WHERE)

    assert blob.startswith(b"\x042026")
    assert len(blob) == 5 + 12 + len(SECRET) + 16
    assert SECRET[:8].encode() not in blob


def test_after_a_rotation_old_values_open_and_new_ones_use_the_new_key() -> None:
    before, after = Sealer((OLD,), (OLD,)), Sealer((NEW, OLD), (NEW, OLD))
    blob = before.seal(SECRET, WHERE)

    assert after.open(blob, WHERE) == SECRET
    assert after.seal(SECRET, WHERE).startswith(b"\x042026")
    assert after.index(NUMBER) != before.index(NUMBER)
    assert after.indexes(NUMBER) == (after.index(NUMBER), before.index(NUMBER))


def test_a_number_has_one_index() -> None:
    first, second = Sealer((NEW,), (NEW,)), Sealer((OLD,), (NEW,))

    assert first.index(NUMBER) == second.index(NUMBER)
    assert len(first.index(NUMBER)) == 32
    assert first.index(NUMBER) != first.index(NUMBER + "0")


def said(problem: BaseException) -> str:
    return f"{problem!r} {problem} {problem.__cause__!r} {problem.__context__ if not problem.__suppress_context__ else None!r}"


def flipped(blob: bytes, at: int) -> bytes:
    return blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]


@pytest.mark.parametrize("at", [0, 2, 6, 20, -1])
def test_an_altered_value_does_not_open_and_says_nothing_of_it(at: int, sealer: Sealer) -> None:
    blob = sealer.seal(SECRET, WHERE)
    with pytest.raises(CannotOpen) as raised:
        sealer.open(flipped(blob, at % len(blob)), WHERE)

    assert SECRET not in said(raised.value)
    assert WHERE in str(raised.value)


@given(blob=st.binary(max_size=80))
def test_rubbish_does_not_open(blob: bytes) -> None:
    with pytest.raises(CannotOpen):
        Sealer((NEW,), (NEW,)).open(blob, WHERE)


@pytest.mark.parametrize("length", range(0, 33, 4))
def test_a_value_cut_short_does_not_open(length: int, sealer: Sealer) -> None:
    with pytest.raises(CannotOpen):
        sealer.open(sealer.seal(SECRET, WHERE)[:length], WHERE)


def test_a_value_moved_to_another_row_does_not_open(sealer: Sealer) -> None:
    with pytest.raises(CannotOpen, match="another place"):
        sealer.open(sealer.seal(SECRET, WHERE), "contact.number.0199")


def test_a_value_of_a_stranger_s_key_does_not_open() -> None:
    blob = Sealer((OLD,), (OLD,)).seal(SECRET, WHERE)

    with pytest.raises(CannotOpen, match="not among ours"):
        Sealer((NEW,), (NEW,)).open(blob, WHERE)
    with pytest.raises(CannotOpen):
        Sealer((("2025", b"x" * 32),), (NEW,)).open(blob, WHERE)


def test_a_sealer_shows_no_key(sealer: Sealer) -> None:
    assert repr(sealer) == str(sealer) == f"{sealer}" == "Sealer()"
    with pytest.raises(TypeError):
        pickle.dumps(sealer)


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ((), "at least one"),
        ((("a", b"short-key"),), "9 bytes"),
        ((("", b"k" * 32),), "1 to 255"),
        ((("a", b"k" * 32), ("a", b"l" * 32)), "share"),
    ],
)
def test_unfit_keys_are_refused_without_being_quoted(
    keys: tuple[tuple[str, bytes], ...], fault: str
) -> None:
    for data, index in ((keys, (NEW,)), ((NEW,), keys)):
        with pytest.raises(ValueError, match=fault) as raised:
            Sealer(data, index)
        assert not any(key.decode() in str(raised.value) for _, key in keys)
