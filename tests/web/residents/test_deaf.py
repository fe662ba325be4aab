"""Somebody deaf, or who signs: words and buttons are for texts, and nobody tells them to call."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from conftest import ME, House
from form_page import PLACE, Browser

from caller_service.language.wording import filling

BOTH = pytest.mark.parametrize("language", ["en", "es"])
CALLS = {
    "en": re.compile(r"(?<!may still )\b(call (or text )?(911|988)\b(?! by)|press 2)", re.I),
    "es": re.compile(r"\b(llame (o \w+ (texto )?)?al (911|988)\b(?! por)|oprima 2)", re.I),
}


def deaf(house: House, language: str = "en", who: str = "me") -> Browser:
    me = Browser(house, headers={"Accept-Language": language}).goes("/request")
    return me.answers(who, "no", "no", "no", "text_deaf").presses("skipped")


def reads_no_call(me: Browser, language: str) -> None:
    shown = re.sub(r"<noscript>.*?</noscript>", "", me.page.html, flags=re.S)
    wrong = CALLS[language].findall(re.sub(r"<[^>]+>", " ", shown))
    assert not wrong, (me.path, wrong)
    assert "sms:911" in me.page.links and "tel:988" not in me.page.links, me.path


@BOTH
def test_no_page_tells_somebody_deaf_to_call(house: House, language: str) -> None:
    me = deaf(house, language)
    reads_no_call(me.presses("team").sends(place=PLACE).presses("upset"), language)
    reads_no_call(me.sends(words=""), language)
    assert house.words("choice.if_none.call_988.deaf", language) in me.page.words
    reads_no_call(me.presses("call_988"), language)
    reads_no_call(me.presses("worse", name="act"), language)
    assert house.words("web.988.note.deaf", language) in me.page.words, "ASL, by videophone"
    reads_no_call(me.presses("go_on", name="act"), language)
    reads_no_call(me.sends(words="are you there"), language)
    house.wait(11 * 60)
    me.goes("/s")
    assert "sms:911" in me.page.links, "on the hidden page, too"


@BOTH
@pytest.mark.parametrize("want", ["counselor", "information", "call_911"])
def test_what_they_want_is_told_in_words_for_them(house: House, language: str, want: str) -> None:
    me = deaf(house, language).presses(want)
    reads_no_call(me if me.path == "/s" else me.sends(words=""), language)
    reads_no_call(me.presses("person", name="act"), language)


@BOTH
@pytest.mark.parametrize(
    "said", ["I took all the pills", "he has a gun", "I want to kill myself", "we smell gas",
             "she is not breathing", "I have a knife in my hand and want to die"],
)  # fmt: skip
def test_each_danger_is_answered_in_words_for_them(house: House, language: str, said: str) -> None:
    me = deaf(house, language).presses("team").sends(place=said)
    assert me.case().in_danger
    reads_no_call(me, language)
    assert "sms:911" in me.page.links


def test_without_texts_to_911_it_is_called_by_relay(house: House) -> None:
    program = house.parts.program
    house.change(program=replace(program, numbers=replace(program.numbers, text_to_911=False)))
    me = deaf(house).presses("team").sends(place="I took all the pills")
    assert "sms:911" not in me.page.links and "tel:911" in me.page.links
    assert house.words("web.911.by_relay") in me.page.words and "by relay" in me.page.heading


def test_a_text_to_somebody_deaf_says_text(house: House) -> None:
    me = house.resident(ME).texts("hello", "1", "2", "2", "2", "4")
    said = "\n".join(me.texts("I want to die").heard)
    assert "text 988" in said and "call or text" not in said, said


@BOTH
def test_words_for_somebody_deaf_are_never_longer(house: House, language: str) -> None:
    """A text of two parts stays one."""
    program, catalog = house.parts.program, house.parts.catalog
    for texts in (True, False):
        here = replace(program, numbers=replace(program.numbers, text_to_911=texts))
        usual, theirs = (filling(here, language, catalog, deaf=deaf) for deaf in (False, True))
        for name in ("call_911", "call_988"):
            assert len(theirs[name]) <= len(usual[name])
