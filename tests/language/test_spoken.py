"""How long a text takes to say, and its sentences, one <Say> each."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from caller_service.language.languages import Language, Pace, read_languages
from caller_service.language.spoken import LONGEST, LONGEST_ENCODED, seconds, sentences

EN = read_languages()["en"]
ZH = Language("zh", "Chinese", "中文", False, "zho", False, None, pace=Pace(0, 4.0))
TEXTS = st.text(max_size=400) | st.text("Aa1.!?¿¡ 。！,،؟é", max_size=60)
LONG = st.builds(
    lambda piece, times: piece * times,
    st.text("aB9 .,é好م。\U0001f600", min_size=1, max_size=30),
    st.integers(100, 400),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fairhaven Care Line, an automatic service. Not police.", 3.2),
        ("Life in danger: hang up and call 911.", 4.0),
        ("Para español, oprima 2.", 1.6),
        ("Is this about you? Yes, press 1. Someone else, press 2.", 4.4),
        ("He said don't — go back.", 2.0),
        ("yes/no", 0.8),
        ("", 0.0),
        ("… — ¿?", 0.0),
    ],
)
def test_words_take_their_time_and_each_digit_is_a_word(text: str, expected: float) -> None:
    assert seconds(text, EN) == pytest.approx(expected)


def test_a_language_without_spaces_is_counted_by_characters() -> None:
    assert seconds("您有危险吗？请按 1。", ZH) == pytest.approx(2.0)


@given(TEXTS, TEXTS)
@settings(max_examples=200)
def test_texts_said_in_a_row_take_as_long_as_each(one: str, other: str) -> None:
    for language in (EN, ZH):
        both = seconds(f"{one} {other}", language)
        assert both == pytest.approx(seconds(one, language) + seconds(other, language))


@given(TEXTS)
@settings(max_examples=200)
def test_the_sentences_take_as_long_as_the_text(text: str) -> None:
    for language in (EN, ZH):
        parts = sum(seconds(sentence, language) for sentence in sentences(text))
        assert parts == pytest.approx(seconds(text, language))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thank you. We ask everyone.", ("Thank you.", "We ask everyone.")),
        ("¿Es para usted? ¡Sí! Oprima 1.", ("¿Es para usted?", "¡Sí!", "Oprima 1.")),
        ("Por favor, ¿está bien?", ("Por favor, ¿está bien?",)),
        ("¡Ayuda! dijo él.", ("¡Ayuda! dijo él.",)),
        ("Dr. Ruiz is here. Wait.", ("Dr. Ruiz is here.", "Wait.")),
        ("La Sra. Gómez viene. Espere.", ("La Sra. Gómez viene.", "Espere.")),
        ("Main St. Bridge.", ("Main St. Bridge.",)),
        ("At 5 p.m. Monday. Wait.", ("At 5 p.m. Monday.", "Wait.")),
        ("We have 2.5 people. Go.", ("We have 2.5 people.", "Go.")),
        ("Yes, 1. No, 2. Not sure, 3.", ("Yes, 1.", "No, 2.", "Not sure, 3.")),
        ('He said "stop." Then he left.', ('He said "stop."', "Then he left.")),
        ("您安全吗？请按1。谢谢！", ("您安全吗？", "请按1。", "谢谢！")),
        ("他说“等等。”然后走了。", ("他说“等等。”", "然后走了。")),
        ("هل أنت بخير؟ اضغط 1.", ("هل أنت بخير؟", "اضغط 1.")),
        ("Wait… Really?! Yes.", ("Wait…", "Really?!", "Yes.")),
        ("no stop", ("no stop",)),
        ("  ", ()),
    ],
)
def test_a_text_is_cut_behind_its_sentences(text: str, expected: tuple[str, ...]) -> None:
    assert sentences(text) == expected


@given(TEXTS | LONG)
@example("a" * 5000)
@example("好" * 1000)
@example(("word " * 2000).strip())
@example("\ud800" * 600)
@settings(max_examples=200)
def test_every_sentence_may_be_said_and_no_letter_is_lost(text: str) -> None:
    said = sentences(text)
    for sentence in said:
        assert sentence.strip() == sentence != ""
        assert len(sentence) <= LONGEST
        assert len(quote(sentence, safe="", errors="surrogatepass")) <= LONGEST_ENCODED
    assert "".join("".join(said).split()) == "".join(text.split())


def test_a_long_sentence_is_cut_between_its_clauses_or_words() -> None:
    clauses = sentences("this is a clause of a sentence without an end, " * 200)
    assert len(clauses) > 1 and all(clause.endswith("end,") for clause in clauses)
    words = sentences("word " * 2000)
    assert all(set(piece.split()) == {"word"} for piece in words)


@given(TEXTS)
def test_a_sentence_is_one_sentence(text: str) -> None:
    for sentence in sentences(text):
        assert sentences(sentence) == (sentence,)
