"""What people type where something else is asked for: danger, nothing at all, a doubtful place."""

from __future__ import annotations

import pytest
from conftest import ME, House
from form_page import CALM, PLACE, Browser, asks_for_a_team

from caller_service.core.protocol import Level

DANGERS = ["he has a gun and he is here", "I took all the pills", "me quiero matar"]


@pytest.mark.parametrize("said", DANGERS)
def test_danger_in_the_field_for_a_number_is_heard(house: House, said: str) -> None:
    """Rule 7: it was answered with "please check the number"."""
    me = Browser(house).goes("/request").answers(*CALM[:4], "text").sends(number=said)
    assert me.case().level == Level.R2 and house.rows("page"), "people are asked at once"
    assert "tel:911" in me.page.html and me.case().narrative == (said,)
    assert not house.settles().texts_to(ME)


@pytest.mark.parametrize("said", DANGERS)
def test_danger_beside_the_number_itself_is_heard(house: House, said: str) -> None:
    """The number was taken, and the danger dropped. It is asked for again; a human reads both."""
    me = Browser(house).goes("/request").answers(*CALM[:4], "text")
    me.sends(number=f"720 555 0177, {said}")
    assert me.case().level == Level.R2 and house.rows("page") and "tel:911" in me.page.html
    assert me.case().narrative == (f"720 555 0177, {said}",)
    assert not house.settles().texts_to("+17205550177")


@pytest.mark.parametrize("said", ["720-555-0177 text only please", "my number is 720 555 0177"])
def test_a_number_among_calm_words_is_taken(house: House, said: str) -> None:
    me = Browser(house).goes("/request").answers(*CALM[:4], "text").sends(number=said)
    assert me.page.heading == house.words("web.ask.phone_safe.text")
    assert not me.case().in_danger and not me.case().narrative


@pytest.mark.parametrize("said", DANGERS)
def test_danger_in_the_field_that_opens_a_hidden_page_is_heard(house: House, said: str) -> None:
    """ "That is not the word" was all that somebody heard who came back in danger."""
    me = asks_for_a_team(Browser(house)).presses("code_word", name="act", words="bluebird")
    house.wait(660)
    me.goes("/s").presses("", name="", code_word=said)
    assert me.case().in_danger and house.rows("page") and "tel:911" in me.page.html
    assert me.case().narrative == (said,)
    house.wait(660)
    me.goes("/s")
    assert me.page.heading == house.words("web.locked.title"), "no post opens the page"


@pytest.mark.parametrize("said", ["none", "no", "n/a", "me@example.com", "my mom's", "911", ""])
def test_what_is_no_number_is_no_story(house: House, said: str) -> None:
    me = Browser(house).goes("/request").answers(*CALM[:4], "text").sends(number=said)
    assert me.status == 422 and not me.case().narrative and not me.case().in_danger
    assert me.page.button("answer", "skipped")


@pytest.mark.parametrize("said", DANGERS)
@pytest.mark.parametrize("field", ["word", "code_word"])
def test_danger_in_the_field_for_a_word_is_heard(house: House, said: str, field: str) -> None:
    me = Browser(house).goes("/request").answers(*CALM[:4], "text")
    me.sends(number=ME).presses("yes").presses("team").sends(place=PLACE).presses("upset")
    me.sends(words="").presses(field, name="act", words=said)
    assert me.case().in_danger and house.rows("page") and "tel:911" in me.page.html
    assert not me.case().code_word and me.case().answers["contact"] == "page"


def test_a_person_asked_for_in_the_field_for_a_number_is_asked(house: House) -> None:
    me = Browser(house).goes("/request").answers(*CALM[:4], "text")
    assert me.sends(number="I want to talk to a person").case().level == Level.R2
    assert house.rows("page")


@pytest.mark.parametrize("said", DANGERS)
def test_danger_in_the_field_for_a_code_begins_a_request(house: House, said: str) -> None:
    """No request is open there, so nothing can be sent yet: the words are kept, with who helps."""
    me = Browser(house).goes("/code").sends(code=said)
    assert said in me.page.html and {"tel:911", "tel:988"} <= set(me.page.links)
    assert house.words("web.fault.unsent_words.title") in me.page.words
    me.sends(words=said)
    assert me.case().in_danger and house.rows("page")


def test_danger_in_the_field_for_a_code_is_heard_while_codes_are_slowed(house: House) -> None:
    me = Browser(house, pace=0)
    for _ in range(8):
        me.goes("/code").sends(code="BBBBBDDDDD")
    assert me.status == 429
    me.sends(code=DANGERS[0])
    assert DANGERS[0] in me.page.html
    assert house.words("web.fault.unsent_words.title") in me.page.words


@pytest.mark.parametrize("said", DANGERS)
def test_who_begins_with_danger_hears_who_we_are_with_the_first_question(
    house: House, said: str
) -> None:
    """The first screen says it, and they never saw one (preamble, rule 2)."""
    me = Browser(house).goes("/code").sends(code=said).sends(words=said)
    assert house.words("web.preamble") not in me.page.words, "first what to do"
    me.presses("go_on", name="act")
    assert house.words("web.preamble") in me.page.words
    me.presses("no")
    assert house.words("web.preamble") not in me.page.words, "once"


def test_who_begins_with_a_story_hears_who_we_are(house: House) -> None:
    me = asks_for_a_team(Browser(house)).presses("cancel", name="act")
    me.sends(words="my brother does not come out of his room")
    assert me.path == "/request/1" and house.words("web.preamble") in me.page.words


@pytest.mark.parametrize("blank", ["\u200b", "\x00", "\u202e", "\u2066\u2069", " \t\n ", "\ufeff"])
def test_what_nobody_can_see_is_nothing(house: House, blank: str) -> None:
    """A field that looks empty is: it was "we do not know that place yet", and words to a human."""
    there = Browser(house).goes("/request").answers(*CALM).sends(place=blank)
    assert there.status == 422 and house.words("web.place.fault.empty") in there.page.words
    me = asks_for_a_team(Browser(house), send=False).sends(words=blank)
    assert me.path == "/s" and me.sends(words=blank).path == "/s"
    assert not me.case().narrative
    said = house.dispatch(f"/{me.case().id}/messages", method="GET").json["messages"]
    assert not [one for one in said if one["words"] == blank]


@pytest.mark.parametrize(
    "place",
    ["City Hall, Boston", "not at City Hall", "City Hall or the library", "City Hall?",
     "https://maps.example/place/Shop/@39.7060,-105.0000,17z"],
)  # fmt: skip
def test_a_doubtful_place_is_not_said_to_be_there_twice(house: House, place: str) -> None:
    """ "There is more than one place with that name" was the answer to all of these."""
    me = Browser(house).goes("/request").answers(*CALM).sends(place=place)
    assert "where" not in me.case().answers
    assert house.words("web.place.fault.many") in me.page.words
    assert "more than one" not in me.page.words and place in me.page.words + me.page.html


@pytest.mark.parametrize(
    "how, asked", [("text_deaf", "text"), ("text", "text"), ("call", "call"), ("text_call", "")]
)
def test_the_phone_is_asked_about_only_as_it_is_wanted(house: House, how: str, asked: str) -> None:
    """Nobody who wants texts alone is asked whether we can call."""
    me = Browser(house).goes("/request").answers(*CALM[:4], how).sends(number=ME)
    assert me.page.heading == house.words(f"web.ask.phone_safe{'.' if asked else ''}{asked}")
