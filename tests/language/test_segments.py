"""Segments are counted as carriers count them, and shortening changes no word."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caller_service.language.segments import (
    GSM_7_ALL,
    encoding,
    fitted,
    fold,
    not_plain,
    pack,
    segments,
)

# Counts from npm sms-segments-calculator 1.3.0 (Twilio's own).
EXPECTED = json.loads(
    (Path(__file__).parent / "segments_expected.json").read_text(encoding="utf-8")
)

LETTERS = "aeiouáéíóúÁÀñü¿¡çßǰạ€[]{}👍你ع \n\u0301\u0302"
texts = st.one_of(st.text(), st.text(alphabet=LETTERS, max_size=340))
words = st.text(alphabet="abcáñ€你👍", min_size=1, max_size=30)
sentences = st.lists(words, min_size=1, max_size=12).map(" ".join)

SPANISH = "¿Está usted a salvo ahora? Sí: 1, no: 2. ¡El niño, el pingüino y José también!"


@pytest.mark.parametrize(
    "row", EXPECTED, ids=lambda row: f"{row['segments']}-{row['encoding']}-{row['text'][:12]!r}"
)
def test_counted_as_the_carriers_do(row: dict[str, object]) -> None:
    text = str(row["text"])

    assert (encoding(text), segments(text)) == (row["encoding"], row["segments"])


@given(texts)
def test_no_part_is_ever_overfull_or_missing(text: str) -> None:
    units = len(text.encode("utf-16-le")) // 2
    if encoding(text) == "UCS-2":
        assert -(-units // 70) <= segments(text) <= max(1, -(-units // 66))


def test_folding_spanish_keeps_what_gsm_7_has() -> None:
    assert (
        fold(SPANISH)
        == "¿Esta usted a salvo ahora? Si: 1, no: 2. ¡El niño, el pingüino y José también!"
    )
    assert fold("ÁÍÓÚ áíóú ÀÇç É Ñ Ü") == "AIOU aiou AÇc É Ñ Ü"
    assert fold("Jose\u0301 n\u0303 a\u0301") == "José ñ a"


def test_folding_leaves_other_languages_alone() -> None:
    for text in (
        "ạ ư đ ș ł",
        "你现在安全吗",
        "هل أنت بأمان",
        "Вы в безопасности й ё",
        "èske ou an sekirite? ò à",
        "a\u0302\u0301 â\u0301",
    ):
        assert fold(text) == text


@given(texts)
def test_folding_never_lengthens_and_is_done_once(text: str) -> None:
    folded = fold(text)

    assert segments(folded) <= segments(text)
    assert len(folded) <= len(text)
    assert fold(folded) == folded


@given(st.text(alphabet=sorted(GSM_7_ALL)))
def test_folding_does_not_touch_gsm_7(text: str) -> None:
    assert fold(text) == text


def test_a_text_that_fits_keeps_its_accents() -> None:
    assert segments(SPANISH) == 2
    assert fitted(SPANISH) == SPANISH


def test_a_text_that_does_not_fit_loses_only_the_accents_that_cost() -> None:
    assert fitted(SPANISH, limit=1) == fold(SPANISH)
    assert segments(fitted(SPANISH * 3)) == 2
    assert segments(SPANISH * 3) == 4


def test_folding_that_saves_nothing_is_not_done() -> None:
    text = "á你" * 100

    assert fitted(text) == text


@given(texts, st.integers(1, 3))
def test_fitting_never_costs_more(text: str, limit: int) -> None:
    assert segments(fitted(text, limit)) <= segments(text)


def test_short_texts_share_a_message_with_a_blank_line_between() -> None:
    assert pack(["Call 911 now.", "", "Reply 0 for a person."]) == (
        "Call 911 now.\n\nReply 0 for a person.",
    )
    assert pack([]) == ()


def test_a_blank_line_is_given_up_before_a_second_message() -> None:
    assert pack(["a" * 79, "b" * 80], limit=1) == ("a" * 79 + "\n" + "b" * 80,)
    assert pack(["a" * 80, "b" * 80], limit=1) == ("a" * 80, "b" * 80)


def test_one_text_in_another_alphabet_does_not_spoil_its_neighbour() -> None:
    assert pack(["a" * 160, "你" * 60], limit=1) == ("a" * 160, "你" * 60)


def fewest(lines: list[str], limit: int) -> int:
    """The smallest number of messages, found by trying every way to split the text."""
    best = [0] + [len(lines)] * len(lines)
    for end in range(1, len(lines) + 1):
        for start in range(end):
            if end - start == 1 or segments("\n".join(lines[start:end])) <= limit:
                best[end] = min(best[end], best[start] + 1)
    return best[-1]


@given(st.lists(sentences, max_size=8), st.integers(1, 3))
def test_packing_keeps_every_word_in_order_in_the_fewest_messages(
    lines: list[str], limit: int
) -> None:
    packed = pack(lines, limit)

    assert " ".join(packed).split() == " ".join(lines).split()
    assert all(segments(message) <= limit or message in lines for message in packed)
    assert all(any(line in message for message in packed) for line in lines)
    assert len(packed) == fewest(lines, limit)


def test_letters_we_do_without_are_named() -> None:
    assert not_plain("“Hi” – it’s 🙂 … 👍🏽 ☎️ \u00a0") == (
        "“",
        "”",
        "–",
        "’",
        "🙂",
        "…",
        "👍",
        "🏽",
        "☎",
        "\ufe0f",
        "\u00a0",
    )
    assert not_plain("Text 'yes' - \"now\"; ¿sí? «بله» 你好。 हाँ می\u200cخواهم ạ €5") == ()
