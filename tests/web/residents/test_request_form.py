"""The request form, used without scripts: whole requests, and everything that can go wrong."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import ME, House
from form_page import BASE, CALM, PLACE, Browser, asks_for_a_team

from caller_service.casework.page_visit import watch
from caller_service.core.case import Status
from caller_service.core.marks import Mark
from caller_service.core.program import Place
from caller_service.core.protocol import Level
from caller_service.core.reach import ContactAnswer
from caller_service.proving.web_browser import Button

# ---- a whole request -----------------------------------------------------------------------------


@pytest.mark.parametrize("cookies", [True, False])
def test_a_team_is_asked_for_with_and_without_cookies(house: House, cookies: bool) -> None:
    me = asks_for_a_team(Browser(house, cookies))

    case = me.case()
    assert me.path.endswith("/s") and me.path.startswith("/r/") is not cookies
    assert (case.status, case.response, case.area) == ("handed_off", "team", "central")
    assert (case.channel, case.on_web, case.answers["contact"]) == ("web", True, "page")
    assert [row.revision for row in house.rows("hand_off")] == [1]
    assert house.words("web.stands.handed_off") in me.page.words
    assert house.settles().texts_to(ME) == [] and not house.rung


def test_the_packet_says_that_they_are_reached_on_their_page(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    packet = house.dispatch(f"/{me.case().id}", method="GET").json
    contact = packet["contact"]
    assert (contact["terms"], contact["page"], contact["number"]) == ("page", True, None)
    assert (contact["text"], contact["call"], contact["only_replies"]) == (False, False, False)


def test_the_record_keeps_the_answers_that_were_shown(house: House) -> None:
    """Rule 17; on a page "not safe" is no answer to how they may be reached."""
    me = Browser(house).goes("/request").answers("me", "no", "no", "no")
    shown = [button.words for button in me.page.buttons if button.name == "answer"][:-1]
    me.answers("page", "team").sends(place=PLACE).presses("upset").sends(words="")
    said = house.dispatch(f"/{me.case().id}/messages", method="GET").json["messages"]
    (asked,) = [one["words"] for one in said if "ask.contact" in one["keys"]]
    assert asked.split("\n")[1:] == shown and len(shown) == 5


def test_nothing_of_the_person_stands_in_an_address_or_a_title(house: House) -> None:
    me = Browser(house)
    titles = set()
    me.goes("/request")
    for value in CALM:
        me.presses(value)
        titles.add(me.page.title)
    me.sends(place=PLACE)
    assert me.history == ["/request", *(f"/request/{number}" for number in range(2, 9))]
    assert titles == {f"Question {number}" for number in range(2, 8)}
    headers = me.answer.headers
    assert headers["Cache-Control"] == "no-store" and headers["Referrer-Policy"] == "no-referrer"
    assert "unsafe-inline" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize("language", ["en", "es"])
def test_it_says_how_long_words_are_kept(house: House, language: str) -> None:
    page = Browser(house).goes(f"/about?lang={language}").page
    days = str(house.parts.program.retention.words_days)
    assert house.words("web.about.private.2", language, count=days) in page.words
    assert days in house.words("web.about.private.2", language, count=days)


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_first_screen_says_what_every_channel_says_first(house: House, language: str) -> None:
    """The preamble of domain rule 2: who we are, 911, 988, immigration, what we tell before."""
    me = Browser(house, headers={"Accept-Language": language}).goes("/request")
    for said in (house.parts.program.name, "911", "988", "inmigra" if language == "es" else "immi"):
        assert said in me.page.words
    assert house.words("front.police_link", language) in me.page.words
    me.answers("me")
    assert "988" not in me.page.words, "once"


def test_who_only_looks_leaves_nothing(house: House) -> None:
    Browser(house).goes("/request").goes("/request/1").goes("/").goes("/about").goes("/code")
    assert not house.rows("case") and not house.rows("visit") and not house.rows("contact")


def test_a_spanish_browser_gets_the_questions_in_spanish(house: House) -> None:
    me = Browser(house, headers={"Accept-Language": "es-MX,es;q=0.9"}).goes("/request")
    assert me.page.heading == house.words("ask.who", "es")
    me.answers(*CALM)
    assert me.case().language == "es"
    assert me.page.heading == house.words("web.ask.where.me", "es")


def test_the_language_is_changed_in_the_middle_and_answers_stay(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "no")
    me.presses("es", name="language")
    assert me.path == "/request/3" and me.page.heading == house.words("web.ask.safety", "es")
    assert me.case().answers == {"who": "me", "health": "no"} and me.case().language == "es"


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("cookies", [True, False])
@pytest.mark.parametrize("sent", [True, False])
def test_another_language_keeps_the_words_that_are_not_sent(
    house: House, cookies: bool, sent: bool, script: bool
) -> None:
    me = asks_for_a_team(Browser(house, cookies), send=sent)
    me.script, page = script, me.path
    me.presses("es", name="language", words="he is <b>outside")
    assert me.page.language == "es" and "he is &lt;b&gt;outside" in me.page.html
    assert f'data-at="{page}"' in me.page.html, "the screen that they were at"
    assert not me.case().narrative and "he is" not in str(house.rows("message")), "nothing was sent"
    me.sends(words="he is outside")
    assert me.case().status == "handed_off" and "he is outside" in me.page.words
    assert me.goes(page.rpartition("/request")[0].removesuffix("/s") + "/language").status == 200


def test_another_language_keeps_words_that_were_not_sent_from_a_page_that_was_left(
    house: House,
) -> None:
    me = asks_for_a_team(Browser(house))
    field = me.page.form("words")
    assert field
    me.goes("/out").posts(field, words="is anyone there")
    me.presses("es", name="language", words="is anyone still there")
    assert me.page.language == "es" and "is anyone still there" in me.page.words
    me.sends(words="is anyone still there")
    assert "is anyone still there" in me.case().narrative


def test_another_language_shows_no_words_behind_the_curtain(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    me.sends(words="my own words")
    house.wait(11 * 60)
    me.presses("es", name="language", words="half a sentence")
    assert house.words("web.locked.title", "es") in me.page.words
    assert "my own words" not in me.page.html


def test_it_is_sent_once_whatever_is_clicked(house: House) -> None:
    me = asks_for_a_team(Browser(house), send=False)
    button = next(each for each in me.page.buttons if "words" in each.fields and not each.name)
    me.posts(button, words="the door is blue")
    me.posts(button, words="the door is blue")
    me.goes("/request/check")
    assert me.path == "/s"
    assert len(house.rows("hand_off")) == 1
    assert me.case().narrative == ("the door is blue",)


def test_other_words_in_a_form_that_was_sent_are_other_words(house: House) -> None:
    """The way back, or a send that seemed to fail: what was added to it was lost, danger too."""
    me = asks_for_a_team(Browser(house), send=False)
    button = next(each for each in me.page.buttons if "words" in each.fields and not each.name)
    me.posts(button, words="").posts(button, words="the door is blue")
    assert me.case().narrative == ("the door is blue",)
    button = next(each for each in me.page.buttons if "words" in each.fields and not each.name)
    for said in ("are you coming", "are you coming", "he has a gun and says he will kill me"):
        me.posts(button, words=said)
    assert me.case().narrative[-1:] == ("he has a gun and says he will kill me",)
    assert me.case().narrative.count("are you coming") == 1
    assert me.case().in_danger and house.rows("page")


def test_what_words_tell_of_the_person_counts_for_the_team(house: House) -> None:
    """ "I am 15" in the words that go with it left as R4, and the packet did not say it."""
    me = asks_for_a_team(Browser(house), send=False).sends(words="i am only 15 and its bad")
    assert me.case().level == Level.R3
    packet = house.dispatch(f"/{me.case().id}", method="GET").json
    assert "under_18" in packet["markers"] and packet["level"] == "R3"


def test_words_that_no_team_gets_are_read_by_a_human(house: House) -> None:
    """ "People who help see it": beside a wish for information nobody did (rule 7)."""
    me = Browser(house).goes("/request").answers(*CALM[:5], "information")
    me.sends(words="my neighbor is lonely and i worry")
    assert me.case().review and not me.case().ended
    assert house.words("web.stands.information_read") in me.page.words
    assert house.words("web.stands.handed_off") not in me.page.words, "no team was asked"
    assert house.words("web.status.range_unknown") not in me.page.words
    calm = Browser(house).goes("/request").answers(*CALM[:5], "information").sends(words="")
    assert calm.case().ended


def test_a_story_that_begins_a_request_is_read_by_a_human(house: House) -> None:
    """After the end the page says that a person reads it: nobody was asked to for 15 minutes."""
    me = asks_for_a_team(Browser(house)).presses("cancel", name="act")
    me.sends(words="my brother still will not come out of his room")
    assert me.path == "/request/1" and me.case().review
    assert house.rows("hand_off", case_id=me.case().id)[-1].because == "review"


# ---- danger --------------------------------------------------------------------------------------


def test_a_danger_interrupts_at_once_and_the_rest_comes_after(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "yes")

    assert me.path == "/request" and me.case().level == Level.R1
    assert house.rows("page"), "people are asked at once"
    assert house.words("web.level.health") in me.page.words
    assert "tel:911" in me.page.html and "sms:911" in me.page.html

    me.presses("go_on", name="act")
    assert me.page.picks()[:2] == ["page", "text_call"], "how they may be reached"
    me.presses("page")
    me.sends(place=PLACE)
    assert me.path == "/s"
    assert (me.case().area, me.case().answers["contact"]) == ("central", "page")
    assert house.words("web.stands.asking") in me.page.words


def test_what_to_do_stays_the_same_in_another_language(house: House) -> None:
    """Rule 23: somebody who said that they are badly hurt read "If someone is badly hurt"."""
    me = Browser(house).goes("/request").answers("me", "yes")
    for language in ("es", "en"):
        me.presses(language, name="language")
        assert me.page.heading == house.words("web.level.health", language)


def test_the_danger_page_comes_back_until_they_go_on(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "yes")
    for path in ("/s", "/request/2", "/request/check", "/request"):
        assert me.goes(path).path == "/request"
        assert house.words("web.level.health") in me.page.words


def test_the_danger_page_is_hidden_when_it_was_left_alone(house: House) -> None:
    """Whoever comes to that screen next does not read what is wrong. 911 stays."""
    me = Browser(house).goes("/request").answers("me", "yes")
    house.wait(9 * 60)
    assert house.words("web.level.health") in me.goes("/request").page.words
    house.wait(2 * 60)
    me.goes("/request")
    assert house.words("web.level.health") not in me.page.words
    assert house.words("web.locked.title") in me.page.words and "tel:911" in me.page.html
    button = Button("/request", {}, "act", "go_on")
    assert house.words("web.level.health") not in me.posts(button).page.words
    me.goes("/request").presses("", name="")
    assert me.path == "/request" and house.words("web.level.health") in me.page.words


@pytest.mark.parametrize("script", [True, False])
def test_a_danger_said_from_behind_the_curtain_is_answered_with_what_to_do(
    house: House, script: bool
) -> None:
    me = asks_for_a_team(Browser(house))
    me.script = script
    me.sends(words="nobody else should read this")
    house.wait(11 * 60)
    me.sends(words="he has a gun and says he will kill me")
    assert "tel:911" in me.page.html and house.words("web.locked.title") not in me.page.words
    assert house.words("web.danger.asking") in me.page.words
    assert "nobody else" not in me.page.html
    house.wait(11 * 60)
    assert house.words("web.danger.asking") not in me.goes("/request").page.words


@pytest.mark.parametrize("path", ["/request", "/words"])
def test_whoever_looks_at_the_danger_page_is_there(house: House, path: str) -> None:
    """It asks by itself, by the script or in its frame: nobody is told that they closed it."""
    me = Browser(house).goes("/request").answers("me", "yes")
    for _ in range(20):
        house.wait(5)
        me.client.get(path, base_url=BASE)
        watch(house.parts)
    assert not me.case().page_closed
    house.wait(60)
    watch(house.parts)
    assert me.case().page_closed


def test_without_a_script_the_danger_page_shows_a_human_s_words(house: House) -> None:
    """The frame on it: "this page shows it when somebody does"."""
    me = Browser(house).goes("/request").answers("me", "yes")
    assert 'src="/words?s=0"' in me.page.html
    frame = me.client.get("/words?s=0", base_url=BASE).text
    assert house.words("web.stands.asking") in frame
    house.dispatch(f"/{me.case().id}/notes", {"by": "Dana", "words": "Hi, I am Dana."})
    frame = me.client.get("/words?s=0", base_url=BASE).text
    assert "Hi, I am Dana." in frame and house.words("web.danger.read") in frame
    assert Mark.JOINED in me.case().marks


def test_the_wrong_answer_was_pressed(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "yes")
    before = len(house.rows("hand_off"))
    me.presses("wrong", name="act")
    assert me.path == "/request/2" and me.page.picks()[:3] == ["yes", "no", "unsure"]
    me.presses("no")
    case = me.case()
    assert case.level == Level.R1 and case.answers["health"] == "no", "it lowers nothing"
    assert len(house.rows("hand_off")) > before, "the human is told"
    assert any("wrong answer" in words for _, words in case.remarks)


def test_a_no_that_is_taken_back_keeps_the_sign_of_violence(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "no", "yes", "yes")
    assert me.case().violent and me.case().level == Level.R1
    me.presses("wrong", name="act").presses("no")
    assert me.case().violent, "software only replies, from the first sign on"


def test_a_human_joins_and_words_go_both_ways(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "yes")
    me.presses("go_on", name="act").presses("page").sends(place=PLACE)
    case = me.case().id
    answer = house.dispatch(
        f"/{case}/notes", {"words": "Hi. I am Dana. Are you safe?", "by": "Dana"}
    )
    assert answer.status_code == 200, answer.json
    assert Mark.JOINED not in me.case().marks, "nobody has read it yet"
    assert house.settles().sent == [each for each in house.sent if each["To"] != ME]

    me.goes("/s")
    assert "I am Dana. Are you safe?" in me.page.words
    assert house.words("web.stands.live", name="Dana") in me.page.words
    assert Mark.JOINED in me.case().marks, "their words are shown"
    asked = me.case().asked

    me.sends(words="no he is at the door")
    shown = house.dispatch(f"/{case}/messages", method="GET").json
    assert "no he is at the door" in str(shown)
    assert me.case().asked == asked == "", "software asks nothing, and reads no answers"
    assert "no he is at the door" in me.page.words and "I am Dana" in me.page.words


def test_words_in_the_form_are_read_for_danger(house: House) -> None:
    me = asks_for_a_team(Browser(house), send=False)
    me.sends(words="he has a knife and says he will kill me")
    assert me.case().level == Level.R1 or me.case().level == Level.R2
    assert me.path == "/request" and house.rows("page")


def test_words_in_the_form_say_more_than_danger(house: House) -> None:
    """Under 18, a language that nobody here reads, contact taken back (rules 10, 14 and 26)."""
    child = asks_for_a_team(Browser(house), send=False).sends(words="i am only 15 and its bad")
    assert child.case().minor
    other = asks_for_a_team(Browser(house), send=False).sends(
        words="请帮帮我,我很害怕,不知道怎么办"
    )
    assert other.case().unread_language == "zh-Hans" and other.case().interpreter
    quiet = asks_for_a_team(Browser(house), send=False).sends(words="please do not text me")
    assert "text" in quiet.case().withdrawn and quiet.case().status == "handed_off"


def test_a_person_is_asked_for_on_any_screen(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "no")
    me.presses("person", name="act")
    assert me.case().level == Level.R2 and house.rows("page")


def test_a_person_is_asked_for_on_the_first_screen(house: House) -> None:
    me = Browser(house).goes("/request").presses("person", name="act")
    assert me.case().level == Level.R2 and house.rows("page") and me.status == 200


def test_whoever_asks_for_911_hears_at_once_how_to_reach_it(house: House) -> None:
    """Rule 11: nothing is looked over, and nothing has to be sent first."""
    me = Browser(house).goes("/request").answers("me", "no", "no", "no", "page", "call_911")
    assert me.path == "/s" and "We did not call for you" in me.page.words
    assert me.case().status != Status.SCREENING and me.case().answers["want"] == "call_911"


# ---- fast fingers, old screens -------------------------------------------------------------------


def test_a_no_counts_only_once_the_screen_can_have_been_read(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "no")
    me.pace = 0.5
    me.presses("no")
    assert me.path == "/request/3" and "safety" not in me.case().answers
    assert house.words("web.press_again") in me.page.words
    me.pace = 5
    me.presses("no")
    assert me.case().answers["safety"] == "no" and not me.case().in_danger


def test_a_second_no_that_is_too_fast_is_not_sure(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "no")
    me.pace = 0.5
    me.presses("no").presses("no")
    assert me.case().answers["safety"] == "unsure"


def test_a_yes_counts_however_fast(house: House) -> None:
    me = Browser(house, pace=0.1).goes("/request").answers("me", "yes")
    assert me.case().level == Level.R1


def test_the_second_tap_lands_on_the_screen_that_was_left(house: House) -> None:
    """On a slow connection both taps are on one screen: one answer."""
    me = Browser(house).goes("/request").presses("me")
    button = next(each for each in me.page.buttons if each.value == "no")
    me.posts(button)
    me.posts(button)
    assert me.path == "/request/3" and me.case().answers == {"who": "me", "health": "no"}
    assert house.words("web.older_screen") in me.page.words
    me.goes("/request/3")


def test_the_first_screen_sent_twice_is_one_request(house: House) -> None:
    me = Browser(house).goes("/request")
    button = next(each for each in me.page.buttons if each.value == "me")
    me.posts(button)
    me.posts(button)
    assert len(house.rows("case")) == len(house.rows("contact")) == 1


def test_back_shows_what_was_given_and_it_can_be_changed(house: House) -> None:
    me = Browser(house).goes("/request").answers("adult", "no", "no")
    me.goes("/request/1")
    assert house.words("web.given") in me.page.words
    me.presses("me")
    assert me.case().answers["who"] == "me"
    assert me.path == "/request/4", "and on where it was left"


def test_a_code_is_shown_once(house: House) -> None:
    """Whoever sits at the screen next reloads the page, or looks at it behind the curtain."""
    with_script = asks_for_a_team(Browser(house))
    with_script.script = True
    for me in (
        with_script,
        asks_for_a_team(Browser(house)),
        Browser(house).goes("/request").answers("me", "no"),
        asks_for_a_team(Browser(house, cookies=False), send=False),
    ):
        me.presses("code", name="act")
        code = me.page.html.split('class="code">')[1].split("<")[0]
        assert house.words("web.status.code") in me.page.words
        for path in (me.path, me.path, me.path.replace("/s", "/s/state?v=")):
            assert code not in me.goes(path).page.html, path
        you = Browser(house).goes("/code").sends(code=code)
        assert you.status == 200 and you.case().id == me.case().id, "and it opens the page"


def test_what_an_answer_raised_stays_when_it_is_changed(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "unsure")
    me.presses("go_on", name="act").goes("/request/2").presses("no")
    assert me.case().level == Level.R2


def test_two_tabs_change_nothing_behind_each_others_back(house: House) -> None:
    me = Browser(house).goes("/request").presses("me")
    old = next(each for each in me.page.buttons if each.value == "yes")
    me.presses("no")
    me.posts(old)
    assert me.case().answers == {"who": "me", "health": "no"} and not me.case().in_danger


def test_what_was_typed_on_a_screen_that_is_over_is_kept_as_their_own_words(house: House) -> None:
    me = asks_for_a_team(Browser(house), send=False)
    old = next(each for each in me.page.buttons if "words" in each.fields and not each.name)
    me.goes("/request/8").presses("other")  # in another tab
    me.posts(old, words="the door is blue")
    me.posts(old, words="the door is blue")
    assert me.case().narrative == ("the door is blue",) and me.case().status == "screening"
    house.wait(11 * 60)
    me.sends(words="he has the key")
    assert "he has the key" in me.case().narrative, "it was sent from behind the curtain"
    assert "he has the key" not in me.page.html

    other = Browser(house).goes("/request").answers(*CALM)
    house.wait(11 * 60)
    other.sends(place=PLACE)
    assert other.case().narrative == (PLACE,) and "where" not in other.case().answers
    assert PLACE not in other.page.html


def test_a_jump_ahead_goes_back_to_what_is_open(house: House) -> None:
    me = Browser(house).goes("/request").presses("me")
    assert me.goes("/request/7").path == "/request/2"
    assert me.goes("/request/check").path == "/request/2"
    assert me.goes("/s").path == "/request/2"


# ---- with the script -----------------------------------------------------------------------------


def _at(me: Browser) -> str:
    """The URL of the screen in the response, for the history."""
    return re.search(r'data-at="([^"]*)"', me.page.html)[1]  # type: ignore[index]


def _unsigned(html: str) -> str:
    return re.sub(r'(?<=name="at" value=")[^"]+| data-at="[^"]*"', "", html)


@pytest.mark.parametrize("cookies", [True, False])
def test_an_answer_leads_to_the_next_screen_by_one_redirect(house: House, cookies: bool) -> None:
    """On a slow line each one costs a second."""
    me = Browser(house, cookies).goes("/request")
    for value in CALM:
        assert me.presses(value).hops == 1, me.path
    assert me.sends(place=PLACE).hops == 1
    assert Browser(house, cookies).goes("/request").presses("me").presses("yes").hops == 1


@pytest.mark.parametrize("cookies", [True, False])
def test_the_next_screen_is_the_answer_to_the_post_and_the_same_page(
    house: House, cookies: bool
) -> None:
    me = Browser(house, cookies, script=True).goes("/request").presses("me")
    assert me.history == ["/request", me.path], "the first one begins the request"
    before = len(me.history)
    for value in CALM[1:]:
        me.presses(value)
        there = _at(me)
        assert me.status == 200 and len(me.history) == before + 1, "no second request"
        inline = me.page.html
        plain = me.client.get(there, base_url="https://house.test").text
        assert _unsigned(inline) == _unsigned(plain)
        me.path, before = there, len(me.history)
    me.sends(place=PLACE).presses("upset")
    assert _at(me).endswith("/request/check")
    button = next(each for each in me.page.buttons if "words" in each.fields and not each.name)
    me.posts(button, words="the door is blue")
    assert _at(me).endswith("/s")
    assert house.words("web.stands.handed_off") in me.page.words
    me.posts(button, words="the door is blue")
    assert _at(me).endswith("/s")
    assert me.case().narrative == ("the door is blue",) and len(house.rows("hand_off")) == 1
    assert me.case().reference not in _at(me)


def test_a_second_tap_that_is_answered_at_once_changes_nothing(house: House) -> None:
    me = Browser(house, script=True).goes("/request").answers("me", "no")
    old = next(each for each in me.page.buttons if each.value == "yes")
    me.presses("no")
    me.posts(old)
    assert me.case().answers == {"who": "me", "health": "no", "safety": "no"}
    assert house.words("web.older_screen") in me.page.words and me.page.heading
    me.presses("no")
    assert house.words("web.older_screen") not in me.page.words


def test_a_danger_is_answered_at_once_with_what_to_do(house: House) -> None:
    me = Browser(house, script=True).goes("/request").answers("me", "yes")
    assert _at(me) == "/request"
    assert house.words("web.level.health") in me.page.words and "tel:911" in me.page.html


def test_the_round_trip_that_was_measured_counts_for_screens_without_a_303(house: House) -> None:
    """On a slow connection a "no" counts only once the screen can have arrived (rule 8)."""
    me = Browser(house, script=True).goes("/request")
    button = next(each for each in me.page.buttons if each.value == "me")
    fields = {**button.fields, "answer": "me"}
    answer = me.client.post(button.action, data=fields, base_url="https://house.test")
    house.wait(4)  # the connection
    me.goes(answer.headers["Location"]).presses("no")
    assert me.case().answers == {"who": "me"}, "two seconds to read, and four on the way"
    me.pace = 7
    me.presses("no")
    me.pace = 5
    me.presses("no")
    assert "safety" not in me.case().answers, "no 303 measured it, and the line is as slow"
    me.pace = 7
    me.presses("no")
    assert me.case().answers["safety"] == "no"


def test_a_place_link_is_answered_with_nothing_else_whatever_is_asked(house: House) -> None:
    from caller_service.casework.page_links import link_to
    from caller_service.store.visits import VisitKind

    mine = house.resident(ME).texts("0", "2", "1").case()
    with house.parts.engine.begin() as conn:
        secret = link_to(conn, house.parts, mine, VisitKind.PLACE, house.clock())
    me = Browser(house, script=True).goes(f"/place/{secret}").sends(place="")
    assert me.status == 422 and "data-at" not in me.page.html, "it stays where it is"
    me.sends(place=PLACE)
    assert house.words("web.place.kept") in me.page.words and mine.reference not in me.page.html


def test_the_script_s_look_is_the_main_part_alone(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    told = me.client.get("/s/state?v=", base_url="https://house.test").json["html"]
    assert "<html" not in told and "<script" not in told and 'id="p-stands"' in told
    assert told.strip() in me.goes("/s").page.html or 'id="p-acts"' in told


# ---- other sites, broken clients -----------------------------------------------------------------


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({}, 200),
    ],
)
def test_another_site_posts_nothing_here(
    house: House, headers: dict[str, str], status: int
) -> None:
    me = Browser(house).goes("/request")
    me.headers = headers
    me.presses("me")
    assert me.status == status and len(house.rows("case")) == (status == 200)
    assert status == 200 or house.words("web.fault.refused.what") in me.page.words


@pytest.mark.parametrize(
    "origin, foreign",
    [
        ("https://evil.test", True), ("http://house.test", True), ("https://house.test:8443", True),
        ("https://house.test.evil.test", True), ("https://house.test", False), ("null", False),
        (None, False),
    ],
)  # fmt: skip
def test_no_door_takes_a_post_of_another_site_from_an_old_browser(
    house: House, origin: str | None, foreign: bool
) -> None:
    """Browsers that send no `Sec-Fetch-Site`: some send `Origin`, and some neither."""
    doors = [
        rule.rule.replace("<int:number>", "1").replace("<code>", "x").replace("<key>", "x")
        for rule in house.app.url_map.iter_rules()
        if rule.endpoint.startswith("request.") and "POST" in (rule.methods or ())
    ]
    assert {"/code", "/open", "/language", "/out", "/s/x", "/place/x"} <= set(doors)
    headers = {} if origin is None else {"Origin": origin}
    for door in doors:
        answer = house.app.test_client().post(door, base_url=BASE, headers=headers)
        assert (answer.status_code == 403) is foreign, door


def test_a_form_that_is_not_ours_changes_nothing_and_gives_the_words_back(house: House) -> None:
    me = Browser(house).goes("/request").presses("me")
    button = next(each for each in me.page.buttons if each.value == "yes")
    button.fields["at"] = "made-up"
    me.posts(button)
    assert me.status == 422 and me.case().answers == {"who": "me"}
    asks_for_a_team(you := Browser(house))
    button = you.page.form("words")
    assert button is not None
    button.fields["at"] = "made-up"
    you.posts(button, words="my own words")
    assert you.status == 422 and "my own words" in you.page.html
    secret = you.page.button("act", "code_word")
    assert secret is not None
    secret.fields["at"] = "made-up"
    you.posts(secret, words="bluebird")
    assert you.status == 422 and "bluebird" not in you.page.html, "these are no words to anybody"


def test_a_preview_or_a_prefetch_changes_and_shows_nothing(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    for headers in (
        {"Sec-Purpose": "prefetch"}, {"Purpose": "prefetch"},
        {"X-Purpose": "preview"}, {"X-Moz": "prefetch"},
    ):  # fmt: skip
        answer = me.client.get("/s", base_url="https://house.test", headers=headers)
        assert answer.status_code == 503 and not answer.data


@pytest.mark.parametrize(
    "words",
    ["<script>alert(1)</script>", "half \ud83d emoji", "\u202eevil", "a" * 4001, "\x00", "😀" * 50],
)
def test_odd_words_are_kept_or_given_back(house: House, words: str) -> None:
    me = asks_for_a_team(Browser(house))
    shown = words.encode("utf-8", "replace").decode()
    me.sends(words=shown)
    assert "<script>alert" not in me.page.html
    if len(words) > 4000:
        assert me.status == 422 and "a" * 4000 in me.page.html
    else:
        assert me.status == 200


def test_a_megabyte_is_refused_with_words(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    button = next(each for each in me.page.buttons if "words" in each.fields and not each.name)
    me.posts(button, words="a" * 1_100_000)
    assert me.status == 413 and house.words("web.fault.long.title") in me.page.words
    assert house.words("web.988.call") in me.page.words or "911" in me.page.words


def test_a_choice_that_was_not_offered_counts_for_nothing(house: House) -> None:
    me = Browser(house).goes("/request").presses("me")
    button = next(each for each in me.page.buttons if each.value == "no")
    button.value = "team"
    me.posts(button)
    assert "team" not in me.case().answers.values() and me.status == 200


@pytest.mark.parametrize("who, key", [("me", "phone"), ("adult", "phone_with_them")])
def test_who_helps_from_afar_is_not_asked_for_their_own_location(
    house: House, who: str, key: str
) -> None:
    me = Browser(house).goes("/request").answers(who, *CALM[1:])
    words = re.findall(r'id="locate"[^>]*>([^<]*)', html.unescape(me.page.html))
    assert words == [house.words(f"web.place.{key}")]


# ---- the place -----------------------------------------------------------------------------------


def at_the_place(house: House) -> Browser:
    return Browser(house).goes("/request").answers(*CALM)


@pytest.mark.parametrize(
    "given, located",
    [
        ({"place": PLACE}, "inside"),
        ({"place": "Lakeside Mall, Fairview"}, "outside"),
        ({"place": "somewhere"}, "unknown"),
        ({"place": "", "latitude": "0", "longitude": "0", "accuracy": "10"}, "unknown"),
        ({"place": "", "latitude": "x", "longitude": "0", "accuracy": "10"}, None),
        ({"place": ""}, None),
    ],
)
def test_a_place_is_found_or_asked_for_once_more(
    house: House, given: dict[str, str], located: str | None
) -> None:
    me = at_the_place(house)
    me.sends(**given)
    if located is None:
        assert me.status == 422 and house.words("web.place.fault.empty") in me.page.words
        assert "where" not in me.case().answers
    else:
        if located == "unknown":  # they are asked once more
            assert "where" not in me.case().answers
            me.sends(**given)
        assert me.status == 200 and me.case().located == located


def two_towns(house: House) -> None:
    """Two areas with a corner of the same name."""
    program = house.parts.program
    other = Place("Main St & 3rd Ave", -104.96, 39.706)
    house.change(program=replace(program, places=(*program.places, other)))


@pytest.mark.parametrize("town, area", [("Central Fairhaven", "central"), ("Eastside", "eastside")])
def test_a_place_found_in_two_towns_is_chosen_with_one_press(
    house: House, town: str, area: str
) -> None:
    two_towns(house)
    me = at_the_place(house).sends(place=PLACE)
    assert house.words("web.place.fault.many") in me.page.words
    assert "where" not in me.case().answers
    me.goes(me.path)
    assert f"Main St &amp; 3rd Ave, {town}" in me.page.html, "they are there still"
    me.presses(f"Main St & 3rd Ave, {town}", name="pick")
    case = me.case()
    assert (case.located, case.area, case.place) == ("inside", area, f"Main St & 3rd Ave, {town}")


def test_a_place_found_in_two_towns_may_be_sent_as_it_is(house: House) -> None:
    two_towns(house)
    me = at_the_place(house).sends(place=PLACE).sends(place=PLACE)
    assert me.case().located == "ambiguous", "a human asks"


def test_the_phone_s_own_location_counts_only_if_it_is_exact(house: House) -> None:
    point = house.parts.program.places[0]
    where = {"latitude": str(point.latitude), "longitude": str(point.longitude)}
    exact = at_the_place(house).sends(place="", accuracy="20", **where).case()
    assert exact.located in ("inside", "near_edge") and exact.point
    vague = at_the_place(house).sends(place="", accuracy="5000", **where).case()
    assert vague.located == "near_edge", "a person has to ask"
    nobody_knows = at_the_place(house).sends(place="", accuracy="", **where).case()
    assert nobody_knows.located == "near_edge"


@pytest.mark.parametrize("said", ["he has a gun", "I took all the pills", "me estoy muriendo"])
def test_danger_in_the_place_field_is_heard_like_anywhere_else(house: House, said: str) -> None:
    me = at_the_place(house).sends(place=said)
    assert me.case().level == Level.R2 and house.rows("page"), "people are asked at once"
    assert "tel:911" in me.page.html and me.case().narrative == (said,)
    me.presses("go_on", name="act").presses("no")
    assert me.page.heading == house.words("web.ask.where.me"), "the place is still open"
    assert me.sends(place=PLACE).case().area == "central"


def test_danger_behind_a_place_link_is_heard_and_shows_nothing(house: House) -> None:
    resident = house.resident(ME).wants_a_team()
    house.dispatch(f"/{resident.case().id}/place-link", {"by": "Dana"})
    link = house.settles().texts_to(ME)[-1].split("https://house.test")[1].split()[0]
    there = Browser(house).goes(link).sends(place="he has a gun")
    assert resident.case().level == "R2" and house.rows("page")
    assert "gun" not in there.page.words and "tel:988" not in there.page.html


def test_911_in_the_place_field_gets_its_words_and_is_no_place(house: House) -> None:
    me = at_the_place(house).sends(place="help 911 now")
    assert house.words("say.call_911") in me.page.words
    assert me.page.heading == house.words("web.ask.where.me") and not me.case().place


@pytest.mark.parametrize("place", ["Gun Club Rd", "Knife River", "Police Plaza", "Third St"])
def test_a_street_with_such_a_name_is_a_place(house: House, place: str) -> None:
    assert at_the_place(house).sends(place=place).case().place == place


# ---- a number ------------------------------------------------------------------------------------


def gives_a_number(me: Browser, how: str = "text", safe: str = "yes", number: str = ME) -> Browser:
    me.goes("/request").answers("me", "no", "no", "no", how)
    me.sends(number=number)
    return me.presses(safe)


def test_a_number_gets_one_neutral_text_and_counts_once_its_word_is_typed(house: House) -> None:
    me = gives_a_number(Browser(house))
    assert me.case().answers["contact"] == ContactAnswer.PAGE, "a number alone proves nothing"
    (text,) = house.settles().texts_to(ME)
    word = text.split(" is ")[1].split(".")[0]
    assert "help" not in text.lower() and house.parts.program.name not in text

    me.presses("team").sends(place=PLACE).presses("upset").sends(words="")
    me.presses("word", name="act", words=word.lower())
    case = me.case()
    assert case.answers["contact"] == ContactAnswer.TEXT
    assert house.words("web.confirm.kept") in me.page.words
    house.dispatch(f"/{case.id}/acknowledgement", {"answer": "accept", "by": "Dana"})
    assert house.settles().texts_to(ME)[1:] == [house.words("status.accepted")]


def test_a_wrong_word_confirms_nothing_and_there_are_five_tries(house: House) -> None:
    me = gives_a_number(Browser(house))
    house.settles()
    me.presses("team").sends(place=PLACE).presses("upset").sends(words="")
    for _ in range(5):
        me.presses("word", name="act", words="BBBBB")
    assert me.case().answers["contact"] == "page"
    assert not [each for each in me.page.buttons if each.value == "word"]


@pytest.mark.parametrize("safe", ["no"])
def test_a_phone_that_is_not_safe_is_forgotten(house: House, safe: str) -> None:
    me = gives_a_number(Browser(house), safe=safe)
    assert not house.settles().sent and me.case().answers["contact"] == "page"
    assert len(house.rows("contact")) == 1
    assert house.words("web.number.forgotten") in me.page.words


def test_a_yes_to_the_phone_counts_only_once_it_can_have_been_read(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "no", "no", "no", "text")
    me.sends(number=ME)
    me.pace = 0.5
    me.presses("yes")
    assert not house.settles().sent and "contact" not in me.case().answers


def test_a_number_with_an_open_request_is_linked_and_never_merged(house: House) -> None:
    theirs = house.resident(ME).texts("hello").case()
    me = gives_a_number(Browser(house))
    text = house.settles().texts_to(ME)[-1]
    me.presses("team").sends(place=PLACE).presses("upset").sends(words="")
    me.presses("word", name="act", words=text.split(" is ")[1].split(".")[0])
    case = me.case()
    assert case.related == theirs.id and case.contact != theirs.contact_id
    assert case.answers["contact"] == "page"
    assert house.words("web.contact.asked") in me.page.words


@pytest.mark.parametrize("number", ["911", "12", "not a number", "+1 911 555 0100"])
def test_a_number_that_cannot_be_is_asked_again(house: House, number: str) -> None:
    me = Browser(house).goes("/request").answers("me", "no", "no", "no", "text")
    me.sends(number=number)
    assert me.status == 422 and number in me.page.html and not house.settles().sent


def test_no_number_is_needed_at_all(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "no", "no", "no", "text")
    me.presses("skipped")
    assert me.case().answers["contact"] == "page" and me.page.heading == house.words("ask.want")


@pytest.mark.parametrize("screen", ["contact", "number", "phone_safe"])
def test_back_from_how_they_are_reached_leads_to_their_page(house: House, screen: str) -> None:
    """It led to the same screen again; and words they wrote then were answered with it."""
    me = asks_for_a_team(Browser(house)).presses("contact", name="act")
    if screen != "contact":
        me.presses("text")
    if screen == "phone_safe":
        me.sends(number=ME)
    back = next(link for link in me.page.links if link == "/s")
    assert me.goes(back).path == "/s"
    me.sends(words="the door is blue")
    assert me.path == "/s" and "the door is blue" in me.page.words
    assert me.goes("/request").path == "/s" and not house.settles().sent
    me.presses("contact", name="act").presses("page")
    assert me.path == "/s"


@pytest.mark.parametrize("screen", ["contact", "number", "phone_safe"])
def test_in_danger_too_they_come_back_to_their_page(house: House, screen: str) -> None:
    """Nothing is sent at the end of it: whoever changed how they are reached was kept there, and
    did not see how it stands."""
    me = Browser(house).goes("/request").answers("me", "yes").presses("go_on", name="act")
    me.presses("page").sends(place=PLACE).presses("contact", name="act")
    if screen != "contact":
        me.presses("text")
    if screen == "phone_safe":
        me.sends(number=ME)
    assert "/s" in me.page.links
    assert me.goes("/s").path == "/s" and house.words("web.stands.asking") in me.page.words
    me.sends(words="he is back")
    assert me.goes("/s").path == "/s"


def test_contact_is_taken_back_at_once(house: House) -> None:
    me = gives_a_number(Browser(house))
    word = house.settles().texts_to(ME)[0].split(" is ")[1].split(".")[0]
    me.presses("team").sends(place=PLACE).presses("upset").sends(words="")
    me.presses("word", name="act", words=word)
    me.presses("contact", name="act").presses("page")
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Dana"})
    assert len(house.settles().texts_to(ME)) == 1, "only the word was ever texted"
    assert house.words("web.stands.accepted") in me.goes("/s").page.words


# ---- leaving -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cookies", [True, False])
def test_after_leaving_nothing_of_theirs_opens(house: House, cookies: bool) -> None:
    me = asks_for_a_team(Browser(house, cookies))
    seen = list(me.history)
    me.goes(me.page.links[0])
    assert me.answer.headers["Refresh"].startswith("0; url=https://")
    for path in reversed(seen):
        me.goes(path)
        assert PLACE not in me.page.html and me.case().reference not in me.page.html
    assert me.case().status == "handed_off", "the case lives on"


@pytest.mark.parametrize("cookies", [True, False])
def test_old_pages_say_nothing_of_what_was_here(house: House, cookies: bool) -> None:
    """Ten times Back after leaving: the neutral front page, or a form that nobody filled in."""
    me = asks_for_a_team(Browser(house, cookies))
    seen = dict.fromkeys(me.history[1:])
    me.goes(me.page.links[0])
    neutral = {house.words(key) for key in ("web.front.title", "ask.who", "web.code.title")}
    for path in seen:
        assert me.goes(path).status == 200 and me.page.heading in neutral, path


def test_words_from_a_page_that_was_left_are_sent_as_a_new_request(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    field, before = me.page.form("words"), me.case().id
    assert field is not None
    me.goes("/out")
    me.posts(field, words="he is back and has a gun")
    assert me.status == 404 and "he is back and has a gun" in me.page.html
    assert house.words("web.fault.unsent_words.title") in me.page.words
    me.sends(words="he is back and has a gun")
    assert me.case().id != before and me.case().level == Level.R2 and house.rows("page")


def test_a_request_that_begins_with_words_is_asked_the_questions(house: House) -> None:
    """From a page that was left, and after the end: nothing was asked yet, so there is nothing to
    look over."""
    left = asks_for_a_team(Browser(house))
    field = left.page.form("words")
    assert field is not None
    left.goes("/out").posts(field, words="are you coming").sends(words="are you coming")
    ended = asks_for_a_team(Browser(house)).presses("cancel", name="act")
    ended.sends(words="I still need somebody")
    for me in (left, ended):
        assert me.path.endswith("/request/1") and me.page.heading == house.words("ask.who")
        assert me.answers("me").path.endswith("/request/2")
        assert len(me.case().narrative) == 1
    assert len({row.contact_id for row in house.rows("case")}) == 3


@pytest.mark.parametrize("cookies", [True, False])
def test_a_browser_without_cookies_is_told_not_to_share_its_address(
    house: House, cookies: bool
) -> None:
    me = Browser(house, cookies).goes("/request").answers("me", "no")
    said = house.words("web.open.no_cookies")
    assert (said in me.page.words) is not cookies
    asks_for_a_team(me := Browser(house, cookies))
    assert (said in me.page.words) is not cookies
    assert said not in me.goes("/").page.words


@pytest.mark.parametrize("cookies", [True, False])
def test_what_is_pressed_on_a_page_that_was_left_is_said_not_to_be_sent(
    house: House, cookies: bool
) -> None:
    me = Browser(house, cookies).goes("/request").answers("me", "no")
    old = me.page.button("answer", "yes")
    assert old is not None
    me.goes(me.page.links[0])
    me.posts(old)
    assert me.status == 404 and house.words("web.fault.unsent.title") in me.page.words
    assert not me.case().in_danger and "textarea" not in me.page.html, "a button is no words"
    nowhere = me.client.post("/requests", base_url=BASE, data={"words": "help"})
    assert nowhere.status_code == 404 and "Nothing was sent" in nowhere.text


def test_a_code_brings_one_back_and_shows_nothing_that_was_shown(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    me.sends(words="my words of before")
    me.presses("code", name="act")
    code = me.page.html.split('class="code">')[1].split("<")[0]
    me.goes("/out")

    you = Browser(house).goes("/code")
    you.sends(code=code.lower().replace("-", " "))
    assert you.path == "/s" and house.words("web.stands.handed_off") in you.page.words
    assert "my words of before" not in you.page.html
    house.dispatch(f"/{me.case().id}/notes", {"words": "We are here.", "by": "Dana"})
    assert "We are here." in you.goes("/s").page.words


def test_wrong_codes_are_slow_for_their_source_alone(house: House) -> None:
    asks_for_a_team(Browser(house))
    guesser = Browser(house, pace=0)
    statuses = []
    for _ in range(14):
        guesser.goes("/code").sends(code="BBBBBDDDDD")
        statuses.append(guesser.status)
    assert statuses[0] == 422 and statuses[-1] == 429
    assert guesser.answer.headers["Retry-After"]


def test_a_code_that_was_not_looked_up_is_not_said_to_be_wrong(house: House) -> None:
    """Others at the same address mistyped theirs. What was typed and ticked is still there."""
    me = asks_for_a_team(Browser(house)).presses("code", name="act")
    code = re.search(r'class="code">([^<]+)<', me.page.html)[1]  # type: ignore[index]
    other = Browser(house, pace=0)
    for _ in range(8):
        other.goes("/code").sends(code="BBBBB ddddd", shared="1")
    assert other.status == 429
    other.goes("/code").sends(code=code, shared="1")
    wait = other.answer.headers["Retry-After"]
    assert house.words("web.code.fault") not in other.page.words
    assert house.words("web.code.wait", count=wait) in other.page.words
    assert f'value="{code}"' in other.page.html and 'value="1" checked' in other.page.html
    house.wait(int(wait))
    other.sends(shared="1")
    assert other.path == "/s" and other.status == 200


def test_a_wrong_code_can_be_looked_at_again(house: House) -> None:
    me = Browser(house).goes("/code").sends(code="bcdfg <hjkm")
    assert me.status == 422 and 'value="bcdfg &lt;hjkm"' in me.page.html
    assert (
        house.words("web.code.fault") in me.page.words and 'value="1" checked' not in me.page.html
    )


# ---- the status page over time -------------------------------------------------------------------


def test_the_page_hides_its_words_when_it_was_left_alone(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    me.sends(words="nobody else should read this")
    house.wait(11 * 60)
    me.goes("/s")
    assert "nobody else should read this" not in me.page.html
    assert house.words("web.locked.title") in me.page.words
    me.presses("", name="")
    assert "nobody else should read this" in me.page.words


def test_the_page_of_somebody_who_types_is_not_left_alone(house: House) -> None:
    """The script says so as it looks. Once the words are hidden, only opening the page shows
    them."""
    me = asks_for_a_team(Browser(house))
    for _ in range(3):
        house.wait(400)
        me.client.get("/s/state?v=x", base_url=BASE, headers={"X-Used": "1"})
    assert house.words("web.stands.handed_off") in me.goes("/s").page.words
    house.wait(700)
    me.client.get("/s/state?v=x", base_url=BASE, headers={"X-Used": "1"})
    assert me.goes("/s").page.heading == house.words("web.locked.title")


def test_on_a_shared_computer_the_words_are_hidden_sooner(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    me.presses("code", name="act")
    code = me.page.html.split('class="code">')[1].split("<")[0]
    you = Browser(house).goes("/code").sends(code=code, shared="1")
    house.wait(2 * 60)
    assert house.words("web.locked.title") not in you.goes("/s").page.words
    house.wait(2 * 60)
    assert house.words("web.locked.title") in you.goes("/s").page.words


def test_whoever_began_on_a_shared_computer_says_so_on_their_page(house: House) -> None:
    me = asks_for_a_team(Browser(house)).presses("shared", name="act")
    assert house.words("web.shared.kept") in me.page.words
    house.wait(4 * 60)
    assert house.words("web.locked.title") in me.goes("/s").page.words
    me.presses("", name="").goes("/out").goes("/code")
    assert "shared" not in str(me.client._cookies), "the next person is not asked about it"


@pytest.mark.parametrize("steps", [1, 4, 5, 6, 8])
def test_a_shared_computer_is_said_on_any_screen(house: House, steps: int) -> None:
    """After the first: there is nothing to hide before. It stays where they are."""
    me = Browser(house).goes("/request").answers(*CALM[:steps])
    if steps == 8:
        me.sends(place=PLACE).presses("upset")
    there = me.path
    me.presses("shared", name="act")
    assert me.path == there and house.words("web.shared.kept") in me.page.words
    house.wait(4 * 60)
    assert house.words("web.locked.title") in me.goes(there).page.words
    assert (
        'value="shared"'
        not in Browser(house, cookies=False).goes("/request").answers("me").page.html
    ), "without cookies nothing keeps it"


def test_a_code_word_opens_a_page_that_hid_its_words(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    me.presses("code_word", name="act", words="bluebird")
    assert me.case().code_word == "bluebird"
    house.wait(11 * 60)
    me.goes("/s").presses("", name="", code_word="wrong")
    assert me.status == 422
    me.presses("", name="", code_word="BlueBird")
    assert me.path == "/s" and me.status == 200


@pytest.mark.parametrize(
    ("kept", "typed"), [("canción azul", "Cancion  Azul"), ("blue bird " * 20, "blue bird " * 20)]
)
def test_a_code_word_is_compared_as_in_a_text(house: House, kept: str, typed: str) -> None:
    """Without accents, however many spaces, and as long as it was set."""
    me = asks_for_a_team(Browser(house)).presses("code_word", name="act", words=kept)
    assert me.case().code_word
    house.wait(11 * 60)
    me.goes("/s").presses("", name="", code_word=typed)
    assert (me.path, me.status) == ("/s", 200)


def test_hidden_words_go_from_this_page_alone(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    me.sends(words="that was for you alone").presses("hide", name="act")
    assert "that was for you alone" not in me.page.html
    assert "that was for you alone" in str(
        house.dispatch(f"/{me.case().id}/messages", method="GET").json
    )


def test_only_the_last_four_words_are_shown(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    for number in range(6):
        me.sends(words=f"words number {number}")
    shown = [number for number in range(6) if f"words number {number}" in me.page.html]
    assert shown == [2, 3, 4, 5]


def test_a_human_s_words_count_as_shown_only_when_they_were(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    case = me.case().id

    def says(*words: str) -> None:
        for each in words:
            assert house.dispatch(f"/{case}/notes", {"words": each, "by": "Dana"}).json

    def states() -> list[str]:
        return [row.state for row in house.rows("message", keys="note")]

    says("one", "two", "three", "four", "five", "six")
    assert set(states()) == {"on_page"}
    words = me.goes("/s").page.words
    assert all(f"{each}" in words for each in ("one", "two", "six")), "all that were not shown yet"
    assert set(states()) == {"read"}
    assert "two" not in me.goes("/s").page.words, "and then the last four"

    hide = next(each for each in me.page.buttons if each.value == "hide")
    says("seven came meanwhile")
    me.posts(hide)
    assert "six" not in me.page.words and "seven came meanwhile" in me.page.words


def test_a_preview_of_an_address_without_cookies_has_read_nothing(house: House) -> None:
    """Somebody sends it on, and the messenger fetches it: no human has joined by that, and no page
    is open."""
    me = asks_for_a_team(Browser(house, cookies=False))
    me.presses("person", name="act").presses("go_on", name="act")
    house.dispatch(f"/{me.case().id}/notes", {"by": "Dana", "words": "Hi, I am Dana."})
    house.wait(60)
    watch(house.parts)
    preview = Browser(house, cookies=False, headers={"User-Agent": "WhatsApp/2.24"})
    for path in (me.path, me.path.replace("/s", "/words")):
        preview.goes(path)
    assert Mark.JOINED not in me.case().marks and me.case().page_closed
    assert "Hi, I am Dana." in me.goes(me.path).page.html
    assert Mark.JOINED in me.case().marks


@pytest.mark.parametrize("said", ["yes", "1", "sí", "not sure", "3"])
def test_yes_below_the_question_about_danger_is_an_answer(house: House, said: str) -> None:
    """The field for words is next to the buttons: "yes" there waited three minutes to be read."""
    me = asks_for_a_team(Browser(house)).presses("wait").sends(words="my cat is grey")
    assert me.case().asked == "check"
    me.sends(words=said)
    assert me.case().level == Level.R2 and house.rows("page") and "tel:911" in me.page.html


def test_no_below_it_is_none_and_yes_to_a_human_is_for_them(house: House) -> None:
    me = asks_for_a_team(Browser(house)).presses("wait").sends(words="my cat is grey")
    me.sends(words="no")
    assert me.case().asked == "check" and "check" not in me.case().answers
    house.dispatch(f"/{me.case().id}/notes", {"words": "Are you at home?", "by": "Dana"})
    me.goes("/s").sends(words="yes")
    assert not me.case().in_danger and not house.rows("page")


@pytest.mark.parametrize("said", ["ESPANOL", "en español por favor", "no hablo inglés"])
def test_a_language_that_is_named_in_words_is_chosen(house: House, said: str) -> None:
    """ "Which language? Text ENGLISH or ESPANOL", said the page, and took neither."""
    me = asks_for_a_team(Browser(house)).sends(words=said)
    assert me.page.language == "es" and me.case().language == "es"
    assert house.words("web.stands.handed_off", "es") in me.page.words
    form = Browser(house).goes("/request").answers(*CALM).sends(place=said)
    assert form.page.language == "es" and "where" not in form.case().answers


def test_which_language_is_asked_as_a_page_can(house: House) -> None:
    me = asks_for_a_team(Browser(house)).sends(words="do you speak Somali?")
    assert house.words("web.language.which") in me.page.words and "Text ENGLISH" not in me.page.html


@pytest.mark.parametrize("said", ["cancel", "Cancel.", "quit"])
def test_cancel_in_words_takes_the_request_back(house: House, said: str) -> None:
    """On a phone carriers read it as STOP; here it heard "We do not text you any more", and a team
    went on coming."""
    me = asks_for_a_team(Browser(house)).sends(words=said)
    assert me.case().status == "cancelled" and not me.case().cannot_text
    danger = Browser(house).goes("/request").answers("me", "yes").presses("go_on", name="act")
    danger.answers("page").sends(place=PLACE).sends(words=said)
    assert not danger.case().ended and danger.case().in_danger
    assert house.words("web.cancel.human") in danger.page.words


def test_contact_taken_back_again_is_confirmed_again(house: House) -> None:
    """The second time the page stayed as it was, and "stop writing" heard that nobody calls."""
    me = asks_for_a_team(Browser(house)).presses("wait").sends(words="don't text me")
    for said in ("stop writing, he is here", "don't text me"):
        me.sends(words=said)
        assert house.words("web.withdrawn.ok") in me.page.words, said
    assert me.case().withdrawn == {"text", "call"}


def test_what_software_said_is_of_its_moment_and_is_not_said_twice(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    assert me.page.words.count("Nobody has taken it yet.") == 1
    me.sends(words="are you coming")
    said = me.page.html.split('class="told"')[1].split("</div>")[0]
    assert "911" in said
    assert 'class="told"' in me.goes("/s").page.html, "the line may have broken"
    house.wait(301)
    assert 'class="told"' not in me.goes("/s").page.html


@pytest.mark.parametrize("status", ["arrived", "unreachable"])
def test_nobody_is_late_who_has_come(house: House, status: str) -> None:
    """ "It takes longer than we said" stood above a team that was there."""
    me = asks_for_a_team(Browser(house))
    case = me.case().id
    accepted = {"answer": "accept", "by": "Dana", "in_minutes": 5}
    house.dispatch(f"/{case}/acknowledgement", accepted)
    house.dispatch(f"/{case}/status", {"by": "Dana", "status": "en_route"})
    house.later(700, 20)
    assert me.case().late
    house.dispatch(f"/{case}/status", {"by": "Dana", "status": status})
    me.goes("/s").presses("", name="")  # it was left alone for a while
    assert not me.case().late and house.words(f"web.stands.{status}") in me.page.words


@pytest.mark.parametrize(("outcome", "ends"), [("resolved", "closed"), ("gone", "gone")])
def test_a_team_comes_step_by_step(house: House, outcome: str, ends: str) -> None:
    me = asks_for_a_team(Browser(house))
    case = me.case().id
    for act, told, stands in (
        ("acknowledgement", {"answer": "accept", "by": "Dana", "in_minutes": 20}, "accepted"),
        ("status", {"by": "Dana", "status": "assigned"}, "assigned"),
        ("status", {"by": "Dana", "status": "en_route"}, "en_route"),
        ("status", {"by": "Dana", "status": "arrived"}, "arrived"),
    ):
        answer = house.dispatch(f"/{case}/{act}", told)
        assert answer.status_code == 200, answer.json
        assert house.words(f"web.stands.{stands}") in me.goes("/s").page.words
    house.dispatch(f"/{case}/status", {"by": "Dana", "status": "closed", "outcome": outcome})
    assert house.words(f"web.stands.{ends}") in me.goes("/s").page.words
    house.wait(25 * 3600)
    assert me.goes("/s").path == "/", "a day later it is over"


@pytest.mark.parametrize("words", ["thank you so much", "thanks", "gracias"])
def test_thanks_after_the_end_begin_no_request(house: House, words: str) -> None:
    me = asks_for_a_team(Browser(house)).presses("cancel", name="act").sends(words=words)
    assert me.path == "/s" and house.words("web.thanks.closed") in me.page.words
    assert len(house.rows("case")) == 1 and me.case().ended
    me.sends(words="thank you for everything, goodbye")
    assert len(house.rows("case")) == 2, "a farewell is never thanks (rule 21)"


def test_in_a_live_conversation_no_button_seems_dead_and_none_says_what_is_not_so(
    house: House,
) -> None:
    me = asks_for_a_team(Browser(house)).presses("person", name="act").presses("go_on", name="act")
    house.dispatch(f"/{me.case().id}/notes", {"by": "Dana", "words": "Hi, I am Dana."})
    me.goes("/s").presses("worse", name="act")
    assert house.words("web.worse.live") in me.page.words
    me.presses("wrong", name="act")
    assert house.words("web.wrong.asked") in me.page.words and not me.page.picks()
    assert "Here is the question again" not in me.page.words, "none is put"
    said = house.dispatch(f"/{me.case().id}/messages", method="GET").json["messages"]
    assert "[worse]" in [one["words"] for one in said], "the people who help can see it"


def test_words_after_the_end_begin_a_new_request_that_is_linked(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    first = me.case()
    me.presses("cancel", name="act").sends(words="it got worse please")
    assert me.case().id != first.id and me.case().related == first.id
    assert me.status == 200


def test_a_cancelled_request_shows_no_step_that_did_not_happen_and_can_be_deleted(
    house: House,
) -> None:
    me = asks_for_a_team(Browser(house))
    me.presses("cancel", name="act")
    assert me.case().status == "cancelled"
    assert house.words("web.step.ended") in me.page.words
    for never in ("accepted", "assigned", "on_the_way", "there"):
        assert house.words(f"web.step.{never}") not in me.page.words, "it did not happen"
    me.presses("delete", name="act")
    assert house.words("web.delete.asked") in me.page.words
    assert any(line.event == "asked_to_delete" for line in house.rows("journal"))


@pytest.mark.parametrize("why", ["danger", "argument", "code word"])
def test_it_is_said_before_that_a_human_decides_about_a_cancel(house: House, why: str) -> None:
    """Rule 10: help goes on until then, so that nothing may say that it stops (rule 22)."""
    me = Browser(house)
    if why == "danger":
        me.goes("/request").answers("me", "yes").presses("go_on", name="act")
        me.presses("page").sends(place=PLACE)
    elif why == "argument":
        me.goes("/request").answers(*CALM).sends(place=PLACE)
        me.answers("argument", "no").sends(words="")
    else:
        asks_for_a_team(me)
        assert house.words("web.cancel.sure") in me.page.words
        me.presses("code_word", name="act", words="bluebird")
    assert house.words("web.cancel.human") in me.page.words
    assert house.words("web.cancel.sure") not in me.page.words
    assert not me.presses("cancel", name="act").case().ended


def test_a_question_that_is_put_later_stands_on_the_page(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    assert me.page.picks()[:2] == ["wait", "counselor"]
    me.presses("wait")
    assert me.case().answers["if_none"] == "wait"


def test_what_they_chose_is_said_back_in_the_words_they_chose_it_by(house: House) -> None:
    """Rule 12: somebody with no number but this page read that a counselor calls or texts them."""
    me = asks_for_a_team(Browser(house))
    (offered,) = [one.words for one in me.page.buttons if one.value == "counselor"]
    me.presses("counselor")
    said = house.words("web.contingency.kept", choice="\0").split("\0")[0]
    assert f"{said}{offered}." in me.page.words
    told = {"answer": "decline", "reason": "capacity", "by": "Dana"}
    house.dispatch(f"/{me.case().id}/acknowledgement", told)
    for _ in range(12):
        house.passes(300, 10)
        me.goes("/s").presses("", name="")
        if me.case().asked == "if_none_still":
            break
    again = house.words("ask.if_none_still", choice=offered)
    assert again in me.page.words and house.words("choice.if_none.counselor") not in me.page.words


def test_the_script_asks_for_little_when_nothing_has_changed(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    first = me.client.get("/s/state?v=", base_url="https://house.test").json
    again = me.client.get(f"/s/state?v={first['v']}", base_url="https://house.test")
    assert first["html"] and again.json == {"v": first["v"]} and len(again.data) < 1000
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Dana"})
    changed = me.client.get(f"/s/state?v={first['v']}", base_url="https://house.test").json
    assert changed["v"] != first["v"] and house.words("web.stands.accepted") in changed["html"]


def test_without_a_script_the_page_says_once_how_it_stands(house: House) -> None:
    """The frame says it only where it is another than the page says."""
    me = asks_for_a_team(Browser(house))
    (src,) = re.findall(r'<iframe[^>]* src="([^"]*)"', me.page.html)
    frame = me.client.get(src, base_url=BASE).text
    assert house.words("web.stands.handed_off") not in frame
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Dana"})
    assert house.words("web.stands.accepted") in me.client.get(src, base_url=BASE).text
    (src,) = re.findall(r'<iframe[^>]* src="([^"]*)"', me.goes("/s").page.html)
    assert house.words("web.stands.accepted") not in me.client.get(src, base_url=BASE).text


def test_the_words_alone_may_stand_in_a_frame_of_ours(house: House) -> None:
    me = asks_for_a_team(Browser(house)).sends(words="framed words").goes("/words")
    assert "framed words" in me.page.html
    assert "frame-ancestors 'self'" in me.answer.headers["Content-Security-Policy"]
    assert me.answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'none'" in me.goes("/s").answer.headers["Content-Security-Policy"]


# ---- silence -------------------------------------------------------------------------------------


def test_a_draft_left_after_a_danger_sign_goes_to_a_human(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "no", "yes")
    house.passes(180, 10)
    assert house.rows("page") and me.case().in_danger


@pytest.mark.parametrize("answers", [("me",), CALM])
def test_a_draft_left_otherwise_is_read_by_a_human(house: House, answers: Any) -> None:
    me = Browser(house).goes("/request").answers(*answers)
    house.passes(1000, 10)
    assert me.case().review and not house.settles().texts_to(ME)


def test_a_form_that_was_not_sent_is_read_by_a_human(house: House) -> None:
    me = asks_for_a_team(Browser(house), send=False)
    house.passes(1000, 10)
    assert me.case().review and house.rows("hand_off")


def test_a_page_that_is_closed_in_danger_is_told_to_whoever_has_it(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "yes")
    me.presses("go_on", name="act").presses("page").sends(place=PLACE)
    case = me.case().id
    house.dispatch(f"/{case}/notes", {"words": "Hi, I am Dana. Are you safe?", "by": "Dana"})
    me.goes("/s").sends(words="yes")
    house.passes(60, 5)
    assert me.case().page_closed
    house.passes(650, 10)
    assert Mark.GONE in me.case().marks
    assert not [row for row in house.rows("journal") if row.event == "holder_prompted"], (
        "nobody is prompted for words that cannot be read"
    )
    me.goes("/s")
    assert not me.case().page_closed and Mark.GONE not in me.case().marks


@pytest.mark.parametrize("cookies", [True, False])
@pytest.mark.parametrize("way", ["exit", "anew"])
def test_a_page_that_was_left_is_closed_at_once(house: House, cookies: bool, way: str) -> None:
    """After *Exit*, and once somebody else asks for help at that screen, no browser asks for the
    page any more: whoever has the case is told, and `gone` runs (rule 21)."""
    me = Browser(house, cookies).goes("/request").answers("me", "yes")
    me.presses("go_on", name="act").presses("page").sends(place=PLACE)
    case, page = me.case().id, me.path
    house.dispatch(f"/{case}/notes", {"words": "Hi, I am Dana. Are you safe?", "by": "Dana"})
    me.goes(page).presses("code", name="act")
    code = re.search(r'class="code">([^<]+)<', me.page.html)[1]  # type: ignore[index]
    if way == "anew":
        house.wait(11 * 60)
        me.goes(page).presses("anew", name="act")
    else:
        me.goes(page.removesuffix("/s") + "/out")
    assert Mark.GONE not in me.case().marks and me.case().page_closed
    house.passes(650, 10)
    assert Mark.GONE in me.case().marks
    assert not [row for row in house.rows("journal") if row.event == "holder_prompted"]
    Browser(house).goes("/code").sends(code=code)
    assert not me.case().page_closed and Mark.GONE not in me.case().marks


@pytest.mark.parametrize("back", [False, True])
def test_a_page_that_was_looked_at_once_is_closed_once(house: House, back: bool) -> None:
    """The look that opened it was its last: whoever has the case was told again with every sweep,
    and `gone` never began."""
    me = Browser(house).goes("/request").presses("person", name="act")
    looks = 1
    if back:
        me.presses("go_on", name="act").presses("no").presses("page").sends(place=PLACE)
        house.passes(60, 5)
        me.goes("/s")
        looks = 2
    assert not me.case().page_closed
    house.passes(300, 5)
    assert me.case().page_closed
    told = [row for row in house.rows("journal") if row.event == "page_closed"]
    assert len(told) == looks
    house.passes(400, 10)
    assert Mark.GONE in me.case().marks


def test_a_page_left_on_one_of_two_phones_is_open(house: House) -> None:
    me = asks_for_a_team(Browser(house)).presses("code", name="act")
    code = re.search(r'class="code">([^<]+)<', me.page.html)[1]  # type: ignore[index]
    other = Browser(house).goes("/code").sends(code=code)
    me.goes("/out")
    assert not me.case().page_closed
    other.goes("/out")
    assert me.case().page_closed


def test_after_violence_software_puts_nothing_on_the_page_unasked(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "no", "yes", "yes")
    house.passes(700, 10)
    out = [row for row in house.rows("message") if row.direction == "out" and not row.person]
    assert not [row for row in out if row.keys.startswith("truth.")]
    answer = house.dispatch(f"/{me.case().id}/notes", {"words": "I am Dana.", "by": "Dana"})
    assert answer.status_code == 200, "a human may"


def test_nobody_is_texted_or_rung_for_a_page(house: House) -> None:
    asks_for_a_team(Browser(house))
    house.passes(3600, 60)
    house.settles()
    assert not house.texts_to(ME)


# ---- a link to mark the place --------------------------------------------------------------------


def test_a_place_link_shows_the_place_screen_and_nothing_else(house: House) -> None:
    from caller_service.casework.page_links import link_to
    from caller_service.store.visits import VisitKind

    mine = house.resident(ME).texts("0", "2", "1").case()
    with house.parts.engine.begin() as conn:
        secret = link_to(conn, house.parts, mine, VisitKind.PLACE, house.clock())
    me = Browser(house).goes(f"/place/{secret}")
    assert me.status == 200 and mine.reference not in me.page.html
    me.sends(place=PLACE)
    assert house.words("web.place.kept") in me.page.words
    assert house.resident(ME).case().area == "central"
    assert me.goes(f"/r/{secret}/s").path == "/", "it opens no page"


def place_link(house: House, case: Any) -> str:
    from caller_service.casework.page_links import link_to
    from caller_service.store.visits import VisitKind

    with house.parts.engine.begin() as conn:
        return f"/place/{link_to(conn, house.parts, case, VisitKind.PLACE, house.clock())}"


@pytest.mark.parametrize("script", [True, False])
def test_a_mark_behind_a_place_link_is_corrected_while_the_link_lives(
    house: House, script: bool
) -> None:
    """A finger on the wrong corner: no team goes there for half an hour."""
    mine = house.resident(ME).wants_a_team().case()
    path = place_link(house, mine)
    me, tab = Browser(house, script=script), Browser(house)
    tab.goes(path)
    me.goes(path).sends(place="Lakeside Mall, Fairview")
    assert house.resident(ME).case().area == "" and path in me.page.links
    me.goes(path)
    assert "Lakeside" not in me.page.html, "what was marked is shown to nobody"
    me.sends(place=PLACE)
    assert house.resident(ME).case().area == "central"
    tab.sends(place="Lakeside Mall, Fairview")
    assert house.resident(ME).case().area == "", "a page that was open before counts, too"
    tab.goes(path).sends(place=PLACE)
    packet = house.dispatch(f"/{mine.id}", method="GET").json
    assert PLACE in str(packet["place"]) and "Lakeside" not in str(packet["place"])
    house.wait(30 * 60)
    assert Browser(house).goes(path).status == 404, "marking it makes the link live no longer"


@pytest.mark.parametrize("said", ["he is hurting me at City Hall", "I need a person"])
def test_words_behind_a_place_link_are_no_place(house: House, said: str) -> None:
    """They heard "We have the place", and nothing about 911. A human was paged all the same."""
    path = place_link(house, house.resident(ME).wants_a_team().case())
    link = Browser(house).goes(path).sends(place=said)
    assert house.words("web.place.words") in link.page.words
    assert house.words("web.place.kept") not in link.page.words
    assert {"tel:911", "sms:911"} <= set(link.page.links) and house.rows("page")


def test_a_watched_person_behind_a_place_link_is_not_given_away(house: House) -> None:
    path = place_link(house, house.resident(ME).wants_a_team().case())
    link = Browser(house).goes(path).sends(place="is the pie shop open")
    assert house.words("web.place.kept") in link.page.words and house.rows("page")


def test_one_mark_sent_twice_is_one_mark(house: House) -> None:
    mine = house.resident(ME).wants_a_team().case()
    me = Browser(house).goes(place_link(house, mine))
    button = me.page.form("place")
    assert button is not None
    me.posts(button, place="Lakeside Mall, Fairview")
    revised = len(house.rows("hand_off"))
    me.posts(button, place="Lakeside Mall, Fairview")
    assert me.status == 200 and house.words("web.place.kept") in me.page.words
    assert len(house.rows("hand_off")) == revised


def test_a_mark_leaves_the_question_that_was_texted_open(house: House) -> None:
    me = house.resident(ME).texts("hello", "1", "2", "2", "2", "1").told("ask.want")
    Browser(house).goes(place_link(house, me.case())).sends(place=PLACE)
    me.texts("1").told("ask.need")


def test_nothing_marked_behind_a_place_link_is_asked_for_in_words_that_fit(house: House) -> None:
    """There is nothing to skip."""
    mine = house.resident(ME).texts("hello").case()
    me = Browser(house).goes(place_link(house, mine)).sends(place="")
    assert me.status == 422 and house.words("web.place.fault.nothing") in me.page.words


def test_a_place_link_ends_after_half_an_hour(house: House) -> None:
    from caller_service.casework.page_links import link_to
    from caller_service.store.visits import VisitKind

    mine = house.resident(ME).texts("0", "2", "1").case()
    with house.parts.engine.begin() as conn:
        secret = link_to(conn, house.parts, mine, VisitKind.PLACE, house.clock())
    house.wait(31 * 60)
    assert Browser(house).goes(f"/place/{secret}").status == 404


def test_staff_text_a_link_to_mark_the_place_where_texting_is_safe(house: House) -> None:
    mine = house.resident(ME).texts("hello", "1", "2", "2", "2", "1", "2").case()
    house.settles().sent.clear()
    answer = house.dispatch(f"/{mine.id}/place-link", {"by": "Dana"})
    assert answer.status_code == 200, answer.json
    (text,) = house.settles().texts_to(ME)
    path = text[text.index("/place/") :].split()[0]
    assert Browser(house).goes(path).sends(place=PLACE).status == 200
    assert house.resident(ME).case().area == "central"


def test_no_link_is_texted_where_texting_is_not_safe(house: House) -> None:
    mine = house.resident(ME).texts("0", "2", "2").case()
    answer = house.dispatch(f"/{mine.id}/place-link", {"by": "Dana"})
    assert answer.status_code == 409 and not house.settles().texts_to(ME)


# ---- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "es"])
def test_no_page_tells_somebody_to_text_a_command(house: House, language: str) -> None:
    """On a page buttons do what words do by text."""
    catalog, program = house.parts.catalog, house.parts.program
    by_text = ("help", "stop", "start.replies", "preamble", "fallback", "page.", "alert.", "spoken.",
               "update_call", "reach.", "status.none", "again.none", "phone.", "truth.",
               "answer.", "staff", "refused", "still_here", "status.late", "status.other",
               "status.closed", "withdrawn", "language.", "interpreter", "code.")  # fmt: skip
    told = [key for key in catalog.words[language] if not key.startswith((*by_text, "web."))]
    for key in told:
        words = catalog.words[language][
            f"web.{key}" if f"web.{key}" in catalog.words[language] else key
        ]
        assert not re.search(r"(: 0\b|\b(WORSE|STATUS|CHANGE|QUIET|CLOSE|HELLO)\b)", words), key
    assert program


# ---- the device in other hands -------------------------------------------------------------------


def test_a_place_link_opens_no_page_while_it_lives(house: House) -> None:
    from caller_service.casework.page_links import link_to
    from caller_service.store.visits import VisitKind

    me = asks_for_a_team(Browser(house))
    for kind in (VisitKind.PLACE, VisitKind.LINK):
        with house.parts.engine.begin() as conn:
            secret = link_to(conn, house.parts, me.case(), kind, house.clock())
        thief = Browser(house, cookies=False)
        for path in ("s", "words", "request", "request/2", "request/check"):
            assert thief.goes(f"/r/{secret}/{path}").path == "/" or thief.status == 404, path
        assert thief.goes(f"/r/{secret}/s/state").status == 404


def test_a_link_shows_one_button_and_opens_by_it_alone(house: House) -> None:
    from caller_service.casework.page_links import link_to
    from caller_service.store.visits import VisitKind

    me = asks_for_a_team(Browser(house))
    with house.parts.engine.begin() as conn:
        secret = link_to(conn, house.parts, me.case(), VisitKind.LINK, house.clock())
    you = Browser(house).goes(f"/s/{secret}")
    assert me.case().reference not in you.page.html
    you.sends()
    assert you.path == "/s" and house.words("web.stands.handed_off") in you.page.words


def left_alone(house: House) -> Browser:
    me = asks_for_a_team(Browser(house))
    me.presses("code_word", name="act", words="bluebird").sends(words="my own words")
    house.wait(605)
    return me


@pytest.mark.parametrize("value", ["code", "contact", "cancel", "hide"])
def test_no_button_of_an_old_page_lifts_the_curtain(house: House, value: str) -> None:
    me = left_alone(house).presses(value, name="act")
    assert house.words("web.locked.title") in me.page.words, value
    assert 'class="code">' not in me.page.html and me.case().status == "handed_off"


def test_nothing_shows_behind_the_curtain_whatever_is_posted(house: House) -> None:
    me = asks_for_a_team(Browser(house), send=False).goes("/request/7")
    place = me.page.form("place")
    me.goes("/request/check")
    check = me.page.form("words")
    assert place is not None and check is not None
    me.posts(check, words="nobody else should read this")
    words = me.page.form("words")
    assert words is not None
    house.wait(11 * 60)
    unsigned = Button(words.action, {"act": "words", "words": "x"}, "", "")
    long = "x" * 5000
    for button, filled in (
        (place, {"place": ""}), (place, {"place": long}), (check, {"words": long}),
        (words, {"words": long}), (unsigned, {}),
    ):  # fmt: skip
        me.posts(button, **filled)
        assert PLACE not in me.page.html and "nobody else" not in me.page.html, filled
        assert me.case().reference not in me.page.html
    said = house.dispatch(f"/{me.case().id}/messages", method="GET").json["messages"]
    assert any(one["words"].startswith("xxxx") for one in said), "it is kept"


def test_somebody_else_at_the_same_screen_asks_for_help(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    before = me.case().id
    me.presses("code_word", name="act", words="bluebird")
    house.wait(11 * 60)
    me.goes("/s").presses("anew", name="act")
    assert me.path == "/request" and me.page.heading == house.words("ask.who")
    me.answers("adult")
    assert me.case().id != before and not me.case().related
    assert me.case().contact != house.rows("case")[0].contact_id


def test_wrong_code_words_are_slow(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    me.presses("code_word", name="act", words="bluebird")
    house.wait(11 * 60)
    me.goes("/s")
    me.pace = 0
    for number in range(8):
        me.presses("", name="", code_word=f"wrong {number}")
    assert me.status == 429 and me.answer.headers["Retry-After"]
    me.presses("", name="", code_word="bluebird")
    assert me.status == 429, "not looked at"
    house.wait(60)
    assert me.presses("", name="", code_word="bluebird").path == "/s"


def test_another_language_does_not_lift_the_curtain(house: House) -> None:
    me = left_alone(house).goes("/s")
    me.presses("es", name="language")
    assert house.words("web.locked.title", "es") in me.page.words
    assert "my own words" not in me.goes("/words").page.html


def test_words_from_behind_the_curtain_are_kept_and_show_nothing(house: House) -> None:
    me = left_alone(house)
    me.sends(words="please come now")
    assert house.words("web.locked.title") in me.page.words
    assert "my own words" not in me.page.html
    kept = house.dispatch(f"/{me.case().id}/messages", method="GET").json
    assert "please come now" in str(kept)


def test_question_screens_are_hidden_too(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "no", "yes")
    house.wait(605)
    assert house.words("web.given") not in me.goes("/request/3").page.words


@pytest.mark.parametrize("phrase", ["is the pie shop open", "esta abierta la pasteleria"])
@pytest.mark.parametrize("live", [True, False])
def test_a_watched_phrase_silences_the_page(house: House, phrase: str, live: bool) -> None:
    me = asks_for_a_team(Browser(house))
    if live:
        house.dispatch(f"/{me.case().id}/notes", {"by": "Dana", "words": "Hi, I am Dana."})
        me.goes("/s")
    me.sends(words=phrase)
    assert me.case().watched
    assert me.path == "/s" and not me.page.picks(), "no question is put"
    assert house.words("web.heard.one") not in me.page.words
    assert phrase not in [li.strip() for li in re.findall(r"<li><bdi>([^<]*)", me.page.html)]
    assert house.words("web.act.watched") not in me.page.words
    if not live:
        assert house.words("web.stands.handed_off") in me.page.words, "as before"
        assert_nothing_shows(house, me)


def test_words_in_another_language_do_not_change_the_page(house: House) -> None:
    """The reader chose it, and whoever looks over their shoulder sees a page that turns Spanish."""
    me = asks_for_a_team(Browser(house))
    me.sends(words="por favor manden a alguien, mi hermano no quiere salir de su cuarto")
    assert me.page.language == "en" and me.case().language == "en"
    assert "no quiere salir" in me.page.words


@pytest.mark.parametrize("script", [True, False])
def test_a_watched_phrase_in_the_form_shows_no_danger(house: House, script: bool) -> None:
    """Whoever reads along sees no counselor, no 911 in red, and nobody who is asked to come."""
    me = Browser(house, script=script).goes("/request").answers("me", "yes")
    me.presses("go_on", name="act").presses("page").sends(place="is the pie shop open")
    assert me.case().watched and house.rows("page"), "a person reads it"
    assert house.words("web.stands.silent") in me.page.words
    you = asks_for_a_team(Browser(house), send=False)
    assert_nothing_shows(house, you.sends(words="is the pie shop open"))
    for path in ("/request", "/request/2", "/request/check", "/s"):
        assert_nothing_shows(house, me.goes(path))
    house.dispatch(f"/{you.case().id}/notes", {"by": "Dana", "words": "We close at six."})
    assert "We close at six." in you.goes("/s").page.words


def assert_nothing_shows(house: House, me: Browser) -> None:
    assert "tel:988" not in me.page.html and "sms:911" not in me.page.html
    for key in ("web.step.joining", "web.stands.asking", "web.danger.asking", "web.wrong"):
        assert house.words(key) not in me.page.words


def test_stop_and_911_typed_on_the_page_are_heard(house: House) -> None:
    me = asks_for_a_team(Browser(house)).sends(words="911")
    assert house.words("say.not_911") in me.page.words
    you = gives_a_number(Browser(house))
    word = house.settles().texts_to(ME)[0].split(" is ")[1].split(".")[0]
    you.presses("team").sends(place=PLACE).presses("upset").sends(words="")
    you.presses("word", name="act", words=word).sends(words="STOP")
    house.dispatch(f"/{you.case().id}/acknowledgement", {"answer": "accept", "by": "Dana"})
    assert len(house.settles().texts_to(ME)) == 1, "only the word"


def test_a_number_gets_one_word_a_day_whoever_types_it(house: House) -> None:
    me = gives_a_number(Browser(house))
    for _ in range(3):
        me.goes("/request/5").presses("text").sends(number=ME).presses("yes")
    gives_a_number(Browser(house))
    assert len(house.settles().texts_to(ME)) == 1


def test_changing_contact_while_a_human_writes_hides_nobody(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "yes")
    me.presses("go_on", name="act").presses("page").sends(place=PLACE)
    case = me.case().id
    house.dispatch(f"/{case}/notes", {"by": "Dana", "words": "Hi, I am Dana."})
    me.goes("/s").presses("contact", name="act")
    assert me.path == "/s" and house.words("web.contact.asked") in me.page.words
    house.dispatch(f"/{case}/notes", {"by": "Dana", "words": "Go to the door now."})
    assert "Go to the door now." in me.goes("/s").page.words
    assert house.words("web.contact.asked") not in me.page.words, "something newer has happened"


def test_what_was_said_goes_once_it_may_be_untrue(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    assert "Nobody has taken it yet" in me.page.words
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Dana"})
    assert "Nobody has taken it yet" not in me.goes("/s").page.words


def test_a_human_s_words_stay_theirs_when_the_level_is_lowered(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "yes")
    me.presses("go_on", name="act").presses("page").sends(place=PLACE)
    case = me.case().id
    house.dispatch(f"/{case}/notes", {"by": "Dana", "words": "Hi, I am Dana."})
    me.goes("/s")
    house.dispatch(f"/{case}/lower", {"by": "Dana", "reason": "calm now"})
    assert house.words("web.stands.live", name="Dana") in me.goes("/s").page.words


def test_who_is_deaf_is_offered_no_call_whatever_becomes_of_the_number(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "no", "no", "no", "text_deaf", "skipped")
    assert "calls" not in " ".join(button.words for button in me.page.buttons)
    me.presses("team").sends(place=PLACE).presses("upset").sends(words="")
    packet = house.dispatch(f"/{me.case().id}", method="GET").json
    assert packet["contact"]["deaf_or_asl"] is True


def test_who_has_no_number_is_offered_words_and_no_call(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    assert house.words("web.choice.counselor.page") in [b.words for b in me.page.buttons]


@pytest.mark.parametrize(
    "word", ["no", "yes", "1", "911", "stop", "help", "overdosed", "gun", "a b", ""]
)
def test_a_code_word_that_is_written_by_chance_is_refused(house: House, word: str) -> None:
    """In front of a text it is taken off: "no one is safe" must not be read as "one is safe"."""
    me = asks_for_a_team(Browser(house)).presses("code_word", name="act", words=word)
    assert house.words("code.unfit") in me.page.words and not me.case().code_word
    me.presses("code_word", name="act", words="blue bird")
    assert me.case().code_word == "blue bird"


def test_a_code_word_is_not_overwritten_and_guards_contact(house: House) -> None:
    me = asks_for_a_team(Browser(house))
    form = next(each for each in me.page.buttons if each.value == "code_word")
    me.posts(form, words="bluebird")
    form.fields["at"] = next(e for e in me.page.buttons if e.value == "contact").fields["at"]
    me.posts(form, words="abuser")
    assert me.case().code_word == "bluebird"
    me.presses("contact", name="act").presses("text").sends(number=ME).presses("yes")
    assert not house.settles().texts_to(ME) and me.case().answers["contact"] == "page"


def test_a_screen_of_another_page_answers_nothing_here(house: House) -> None:
    one = Browser(house).goes("/request").answers("me", "no")
    two = Browser(house).goes("/request").answers("me", "no")
    button = next(each for each in two.page.buttons if each.value == "no")
    button.fields["at"] = one.page.buttons[1].fields.get("at") or one.page.buttons[2].fields["at"]
    two.posts(button)
    assert two.status == 422 and "safety" not in two.case().answers


def test_what_may_have_to_be_reported_is_said_once(house: House) -> None:
    me = Browser(house).goes("/request").answers("me_minor", "no")
    assert me.page.words.count(house.words("minor.report")[:40]) <= 1


@pytest.mark.parametrize(
    "fault", [sa.exc.OperationalError("x", {}, Exception()), RuntimeError("x")]
)
def test_while_the_database_is_away_what_was_typed_is_still_there(
    house: House, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """911 and 988, and a form with the text, to send it again. The log has none of it."""
    me = asks_for_a_team(Browser(house))

    class Away:
        def decide_and_write(self, *_: Any, **__: Any) -> None:
            raise fault

        write = decide_and_write

    writer = house.parts.writer
    house.change(writer=Away())
    me.sends(words="my very own words")
    assert me.status == 503 and "my very own words" in me.page.html
    assert "tel:911" in me.page.html and "988" in me.page.words
    assert "my very own words" not in caplog.text and me.case().reference not in caplog.text
    assert {"a post was not kept", "page failed"} & {each.message for each in caplog.records}
    house.change(writer=writer)
    me.sends(words="my very own words")
    assert me.status == 200 and "my very own words" in me.page.words


@pytest.mark.parametrize("cookies", [True, False])
@pytest.mark.parametrize("broken", ["engine", "writer"])
def test_exit_leads_away_while_the_database_is_away(
    house: House, cookies: bool, broken: str
) -> None:
    """Whoever leaves in a hurry got a page about 911."""
    me = asks_for_a_team(Browser(house, cookies))
    page, base = me.path, me.path.removesuffix("/s")
    whole = {"engine": house.parts.engine, "writer": house.parts.writer}
    house.change(**{broken: _Gone(whole["engine"]) if broken == "engine" else _NoWriter()})
    me.goes(f"{base}/out")
    assert me.status == 200 and me.page.title == house.words("web.title.out")
    assert house.parts.program.exit_to in me.answer.headers["Refresh"]
    assert "911" not in me.page.html and "/r/" not in me.page.html
    house.change(**whole)
    if cookies:
        assert me.goes(page).path == "/code", "the browser has its key no more"


class _NoWriter:
    def write(self, *_: Any) -> None:
        raise sa.exc.OperationalError("x", {}, Exception("away"))


# ---- a place that is not found -------------------------------------------------------------------


class _Gone:
    """A database that nobody reaches, for reading either."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def connect(self) -> None:
        raise sa.exc.OperationalError("x", {}, Exception())

    begin = connect


@pytest.mark.parametrize("cookies", [True, False])
@pytest.mark.parametrize("language", ["en", "es"])
def test_while_nothing_can_be_read_every_address_says_who_helps(
    house: House, language: str, cookies: bool
) -> None:
    """Whoever had a page got no answer at all: the page that says so looked for theirs first."""
    me = asks_for_a_team(Browser(house, cookies, headers={"Accept-Language": language}))
    base, field, engine = me.path.removesuffix("/s"), me.page.form("words"), house.parts.engine
    assert field is not None
    house.change(engine=_Gone(engine))
    for path in ("/s", "/request", "/request/2", "/request/check"):
        me.goes(base + path)
        assert me.status == 503 and {"tel:911", "sms:988"} <= set(me.page.links), path
        assert me.page.heading == house.words("web.fault.away.title", language)
    assert me.goes("/place/nothing").status == 503
    me.path = f"{base}/s"
    me.posts(field, words="my very own words")
    assert me.status == 503 and "my very own words" in me.page.html
    assert me.page.heading == house.words("web.fault.down.title", language)
    assert me.posts(field, words="a" * 1_100_000).status == 413
    house.change(engine=engine)
    me.path = f"{base}/s"
    assert "my very own words" in me.posts(field, words="my very own words").page.words


@pytest.mark.parametrize(
    "typed, fault",
    [
        ("behind the old mill", "unknown"), ("no", "unknown"), ("I am at work, he is at home", None),
        ("0.00000, 0.00000", "pin"), ("https://maps.example/?q=12.34567,45.67890", "pin"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("script", [True, False])
def test_a_place_that_is_not_found_is_asked_for_once_more_and_then_taken_as_it_is(
    house: House, typed: str, fault: str | None, script: bool
) -> None:
    me = Browser(house, script=script).goes("/request").answers(*CALM).sends(place=typed)
    faults = {kind: house.words(f"web.place.fault.{kind}") for kind in ("unknown", "pin", "many")}
    shown = [kind for kind, words in faults.items() if words in me.page.words]
    assert len(shown) == 1 and fault in (None, shown[0])
    assert typed in me.page.html and me.case().place == typed, "nothing is lost"
    assert house.words("web.title.check").strip() in me.page.title
    assert "where" not in me.case().answers

    me.sends(place=typed)  # it is so: somebody else looks for it
    assert me.case().answers["where"] == "given"
    me.presses("upset").sends(words="")
    assert me.case().status == Status.HANDED_OFF or me.case().unserved


def test_a_place_that_is_written_better_the_second_time_is_found(house: House) -> None:
    me = (
        Browser(house).goes("/request").answers(*CALM).sends(place="by the mill").sends(place=PLACE)
    )
    assert me.case().located == "inside" and me.case().place == PLACE


def test_a_draft_left_at_a_place_that_was_not_found_has_it(house: House) -> None:
    me = Browser(house).goes("/request").answers(*CALM).sends(place="by the mill")
    assert me.case().place == "by the mill" and me.case().status == Status.SCREENING
    assert me.presses("skipped").case().answers["where"] == "skipped"


def test_nobody_in_danger_is_asked_twice_where_they_are(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "yes").presses("go_on", name="act")
    while "place" not in {name for each in me.page.buttons for name in each.fields}:
        me.presses("skipped")
    me.sends(place="by the old mill")
    assert me.case().answers["where"] == "given"


def test_a_draft_is_gone_on_with_elsewhere_by_a_code(house: House) -> None:
    me = Browser(house).goes("/request").presses("me")
    assert 'value="code"' in me.page.html
    me.answers("no", "no", "no").presses("code", name="act")
    assert me.path.endswith("/request/5"), "the same question"
    code = me.page.html.split('class="code">')[1].split("<")[0]
    me.goes("/out")
    house.wait(20 * 3600)
    house.sweeps()
    house.settles()
    assert me.case().status == Status.SCREENING

    you = Browser(house).goes("/code").sends(code=code)
    assert (
        you.path.endswith("/request/5") and house.words("web.check.skipped") not in you.page.words
    )
    assert "given" in you.goes("/request/4").page.html, "what was answered stands"
    you.goes("/s")
    assert you.path.endswith("/request/5"), "it was not sent"
    you.answers("page", "team").sends(place=PLACE).presses("upset").sends(words="")
    assert you.path == "/s" and you.case().status == Status.HANDED_OFF
    assert len(house.rows("case")) == 1


def test_a_draft_at_its_last_screen_is_gone_on_with_there(house: House) -> None:
    me = asks_for_a_team(Browser(house), send=False).presses("code", name="act")
    code = me.page.html.split('class="code">')[1].split("<")[0]
    you = Browser(house, cookies=False).goes("/code").sends(code=code)
    assert you.path.endswith("/request/check")
    you.sends(words="")
    assert you.path.endswith("/s") and you.case().status == Status.HANDED_OFF
    assert me.goes("/request/check").path == "/s", "the other browser sees it, too"


def test_somebody_new_and_a_place_link_are_offered_no_code(house: House) -> None:
    assert 'value="code"' not in Browser(house).goes("/request").page.html


@pytest.mark.parametrize(
    "said, tells",
    [("We are on our way to the door now", True), ("Estamos en camino, somos dos", False)],
)
def test_words_in_another_language_are_said_to_be_and_no_others(
    house: House, said: str, tells: bool
) -> None:
    me = asks_for_a_team(Browser(house, headers={"Accept-Language": "es"}))
    house.dispatch(f"/{me.case().id}/notes", {"words": said, "by": "Dana"})
    page = me.goes("/s").page.words
    assert said in page
    assert (house.words("web.talk.other_language", "es", name="inglés") in page) == tells
    assert "English." not in page


@pytest.mark.parametrize(
    "answers, first", [(("unsure",), "tel:911"), (("no", "no", "unsure"), "tel:988")]
)
def test_the_first_button_is_the_one_that_the_words_name(
    house: House, answers: tuple[str, ...], first: str
) -> None:
    me = Browser(house).goes("/request").answers("adult", *answers)
    assert me.case().level in (Level.R1, Level.R2)
    shown = re.findall(r'href="(tel:911|tel:988)"', me.page.html.split('class="danger now')[1])
    assert shown[0] == first and "tel:911" in shown


def test_who_is_slowed_for_long_is_told_minutes(house: House) -> None:
    stranger = Browser(house).goes("/code")
    for _ in range(40):
        stranger.goes("/code").sends(code="BCDFG-HJKMN")
        house.wait(1)
    assert stranger.status == 429
    wait = int(stranger.answer.headers["Retry-After"])
    if wait >= 120:
        minutes = str(-(-wait // 60))
        assert house.words("web.code.wait_minutes", count=minutes) in stranger.page.words


def test_an_address_that_is_nowhere_says_who_helps(house: House) -> None:
    for path in ("/request/abc", "/nowhere"):
        answer = house.client.get(path)
        assert answer.status_code == 404 and "911" in answer.text and "988" in answer.text
        assert path not in answer.text
