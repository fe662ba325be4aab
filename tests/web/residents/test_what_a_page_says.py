"""Sentences of the private page that stand beside each other: none says more than is true."""

from __future__ import annotations

import pytest
from conftest import House
from form_page import CALM, PLACE, Browser, asks_for_a_team

BOTH = pytest.mark.parametrize("language", ["en", "es"])


def browser(house: House, language: str) -> Browser:
    return Browser(house, headers={"Accept-Language": language})


def comes(house: House, me: Browser, status: str) -> Browser:
    """Dispatch reports how it goes, and they look at their page."""
    house.dispatch(f"/{me.case().id}/status", {"status": status, "by": "Dana"})
    return me.goes("/s")


@BOTH
def test_who_asks_about_another_hears_no_more_by_steps_than_by_words(
    house: House, language: str
) -> None:
    """Rule 10: about somebody else only received, coming or finished. The steps told when a team
    was picked and arrived, and called a request ended whose team had just come."""
    me = browser(house, language).goes("/request").answers("adult", *CALM[1:])
    me.sends(place=PLACE).presses("worried").sends(words="")
    hidden = [house.words(f"web.step.{name}", language) for name in ("assigned", "there")]
    ended = house.words("web.stands.other.finished", language)
    for status in ("accepted", "assigned", "en_route", "arrived"):
        if status == "accepted":
            accept = {"answer": "accept", "by": "Dana"}
            house.dispatch(f"/{me.case().id}/acknowledgement", accept)
            me.goes("/s")
        else:
            comes(house, me, status)
        assert not any(words in me.page.words for words in hidden), status
        assert ended not in me.page.words, status
    assert house.words("web.stands.other.no_news", language) in me.page.words
    closed = {"status": "closed", "by": "Dana", "outcome": "resolved"}
    house.dispatch(f"/{me.case().id}/status", closed)
    assert ended in me.goes("/s").page.words


@BOTH
def test_nobody_is_waited_for_who_is_there_or_does_not_come(house: House, language: str) -> None:
    """ "We do not know yet how long it takes" stood beside "your team has arrived", beside "our
    teams do not work where you are", and under the words to call 911."""
    unknown = house.words("web.status.range_unknown", language)
    there = asks_for_a_team(browser(house, language))
    assert unknown in there.page.words
    assert unknown not in comes(house, there, "arrived").page.words
    assert not there.page.button("act", "cancel"), "the team is with them"

    outside = browser(house, language).goes("/request").answers(*CALM)
    outside.sends(place="Lakeside Mall, Fairview").presses("upset").sends(words="")
    assert house.words("web.stands.outside", language) in outside.page.words
    assert unknown not in outside.page.words
    assert house.words("web.step.on_the_way", language) not in outside.page.words


@BOTH
def test_whoever_asked_for_911_has_its_buttons(house: House, language: str) -> None:
    me = browser(house, language).goes("/request").answers(*CALM[:5], "call_911")
    assert {"tel:911", "sms:911", "tel:988", "sms:988"} <= set(me.page.links)
    assert house.words("web.status.range_unknown", language) not in me.page.words
    assert house.words("web.status.do_not_wait", language) not in me.page.words


def test_the_line_of_a_neighbour_can_be_tapped(house: House) -> None:
    me = Browser(house).goes("/request").answers(*CALM)
    me.sends(place="Lakeside Mall, Fairview").presses("upset").sends(words="")
    assert "tel:+17205550120" in me.page.links
    assert f"{me.case().reference}. To talk" not in me.page.words, (
        "the code to come back is another"
    )


def test_spanish_words_name_the_spanish_ways_to_988(house: House) -> None:
    """988, then 2, or AYUDA by text: without them English answers."""
    words = house.parts.catalog.words["es"]
    wrong = [
        key
        for key, said in words.items()
        if key.startswith("web.") and "al 988" in said and "AYUDA" not in said
    ]
    assert sorted(wrong) == ["web.988.call", "web.988.text"], "buttons, with a note beneath them"


@pytest.mark.parametrize("thanks", ["thanks", "gracias", "thank you so much"])
def test_thanks_after_words_are_deleted_are_answered_and_not_kept(
    house: House, thanks: str
) -> None:
    """They began a new request, with "who needs help?"."""
    me = asks_for_a_team(Browser(house)).presses("cancel", name="act")
    me.presses("delete", name="act").sends(words=thanks)
    assert me.path == "/s" and house.words("web.thanks.closed") in me.page.words
    assert len(house.rows("case")) == 1 and thanks not in me.page.words
    said = house.dispatch(f"/{me.case().id}/messages", method="GET").json["messages"]
    assert thanks not in [one["words"] for one in said]
    me.sends(words="I am not well again")
    assert len(house.rows("case")) == 2, "anything else begins one"


def test_hiding_the_words_hides_what_software_said_of_them(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "yes")
    house.dispatch(f"/{me.case().id}/notes", {"words": "Hi, I am Dana.", "by": "Dana"})
    me.goes("/s").presses("wrong", name="act")
    assert house.words("web.wrong.asked") in me.page.words
    me.presses("hide", name="act")
    assert house.words("web.wrong.asked") not in me.page.words
    assert house.words("web.status.range_unknown") not in me.page.words, "a human has written"


@BOTH
def test_a_draft_that_was_given_up_is_said_not_to_be_sent(house: House, language: str) -> None:
    """ "Your request has ended" sounded as if somebody had seen it."""
    me = browser(house, language).goes("/request").answers(*CALM[:3]).presses("code", name="act")
    code = me.page.html.split('class="code">')[1].split("<")[0]
    house.passes(25 * 3600, 600)
    back = browser(house, language).goes("/code").sends(code=code)
    assert house.words("web.stands.not_sent", language) in back.page.words
    assert back.sends(words="I still need help").case().status == "screening"


@BOTH
@pytest.mark.parametrize("doubt", ["unsure", "skipped"])
def test_a_doubt_about_health_has_the_first_aid_that_settles_it(
    house: House, language: str, doubt: str
) -> None:
    """Rules 2 and 23: for somebody who may be beside them, and never for the person."""
    aid = house.words("web.danger.aid", language)
    theirs = browser(house, language).goes("/request").answers("child", doubt)
    assert aid in theirs.page.words
    own = browser(house, language).goes("/request").answers("me", doubt)
    assert aid not in own.page.words


@BOTH
@pytest.mark.parametrize("said", ["START", "will police come"])
def test_what_is_typed_is_answered_in_words_for_a_page(
    house: House, language: str, said: str
) -> None:
    """START promised texts to somebody without a number, and a zero to type; an address without a
    link said when police may come."""
    me = asks_for_a_team(browser(house, language)).sends(words=said)
    key = "web.start.confirmed" if said == "START" else "web.faq.police"
    words = house.parts.catalog.words[language][key]
    assert words.partition("{")[0] in me.page.words
