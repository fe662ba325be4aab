"""A number that somebody types on the page: whose it may be, and how many of them are texted."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import ME, House
from form_page import PLACE, Browser
from test_request_form import gives_a_number

from caller_service.casework.page_number import MOST_WORDS, WORDS_PACE
from caller_service.store.process_counts import COUNTS


def number(of: int) -> str:
    return f"+172055501{of:02}"


def texted(house: House) -> list[str]:
    house.settles()
    return [each["To"] for each in house.sent if "The word for your page" in each["Body"]]


@pytest.mark.parametrize(
    "typed, fault",
    [
        ("", "short"), ("12", "short"), ("not a number", "short"), ("+1 720 555 012", "short"),
        ("911", "service"), ("+1 900 555 0123", "service"), ("800 555 0123", "service"),
        ("+44 20 7946 0000", "foreign"), ("011 52 55 1234 5678", "foreign"),
        ("876 555 0123", "foreign"),
        ("720 555 0100", "service"),  # ours
        ("720 555 0110", "service"),  # the PSAP's
        ("720 555 0121", "service"),  # a neighbour's line
    ],
)  # fmt: skip
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_number_that_is_not_texted_is_said_to_be_and_kept_in_the_field(
    house: House, typed: str, fault: str, language: str
) -> None:
    me = Browser(house, headers={"Accept-Language": language}).goes("/request")
    me.answers("me", "no", "no", "no", "text").sends(number=typed)
    assert me.status == 422 and typed in me.page.html
    assert house.words(f"web.number.fault.{fault}", language) in me.page.words
    me.presses("skipped")
    assert me.case().answers["contact"] == "page" and texted(house) == []


def test_the_questions_are_counted_forwards(house: House) -> None:
    me = Browser(house).goes("/request").answers("me", "no", "no", "no")
    seen = [me.page.title]
    for step in (
        lambda: me.presses("text"),
        lambda: me.sends(number=ME),
        lambda: me.presses("yes"),
    ):
        step()
        seen.append(me.page.title)
    assert seen == [f"Question {number}" for number in (5, 5, 5, 6)]


def test_somebody_who_types_one_number_after_the_other_is_slowed(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Thirty visits from one place text six phones, and then one an hour at most."""
    COUNTS.clear()  # an alarm is logged once a minute
    with caplog.at_level(logging.ERROR):
        for each in range(40, 70):
            me = gives_a_number(Browser(house, pace=2.5), number=number(each))
    assert texted(house) == [number(each) for each in range(40, 40 + WORDS_PACE.free)]
    assert house.words("web.number.too_many") in me.page.words
    assert me.case().answers["contact"] == "page", "the request goes on"
    assert "caller_service.many_numbers" in {each.name for each in caplog.records}
    assert number(69) not in caplog.text and me.address not in caplog.text
    me.presses("team").sends(place=PLACE).presses("upset").sends(words="")
    assert me.path == "/s" and not me.page.button("act", "word"), "no word to be typed is asked for"


def test_nobody_elsewhere_is_slowed(house: House) -> None:
    for each in range(40, 60):
        gives_a_number(Browser(house, pace=2.5), number=number(each))
    me = gives_a_number(Browser(house, pace=2.5, address="198.51.100.7"), number=ME)
    assert texted(house)[-1] == ME and house.words("web.number.texted") in me.page.words


def test_people_who_share_a_connection_and_type_their_word_are_not_slowed(house: House) -> None:
    """A library, a shelter: each of them gets their text."""
    for each in range(40, 56):
        me = gives_a_number(Browser(house, pace=2.5), number=number(each))
        word = house.settles().texts_to(number(each))[0].split(" is ")[1].split(".")[0]
        me.presses("team").sends(place=PLACE).presses("upset").sends(words="")
        me.presses("word", name="act", words=word)
        assert me.case().answers["contact"] == "text"
    assert len(texted(house)) == 16


def test_whoever_was_slowed_may_try_again_later(house: House) -> None:
    for each in range(40, 48):
        gives_a_number(Browser(house, pace=2.5), number=number(each))
    house.wait(WORDS_PACE.most)
    gives_a_number(Browser(house, pace=2.5), number=number(50))
    assert texted(house)[-1] == number(50)


def test_posts_of_one_moment_do_not_pass_by_the_limit(house: House) -> None:
    at_the_door = []
    for each in range(40, 52):
        me = Browser(house, pace=0).goes("/request")
        for value in ("me", "no", "no", "no", "text"):
            house.wait(2.5)
            me.presses(value)
        me.sends(number=number(each))
        at_the_door.append(me)
    house.wait(5)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda me: me.presses("yes"), at_the_door))
    assert len(texted(house)) == WORDS_PACE.free


def test_one_request_has_three_numbers_texted_and_hears_why_no_more(house: House) -> None:
    me = gives_a_number(Browser(house), number=number(40))
    for each in range(41, 44):
        me.goes("/request/5").presses("text").sends(number=number(each)).presses("yes")
    assert len(texted(house)) == MOST_WORDS
    assert house.words("web.number.tried") in me.page.words


def test_a_number_that_got_a_word_today_hears_nothing_new_and_nothing_untrue(house: House) -> None:
    """Whoever types somebody's number does not learn whether they wrote to us (rule 25)."""
    first = gives_a_number(Browser(house))
    second = gives_a_number(Browser(house, address="198.51.100.7"))
    assert texted(house) == [ME]
    for me in (first, second):
        assert house.words("web.number.texted") in me.page.words
        assert "if it got none from us today" in me.page.words


def word_in(text: str) -> str:
    return text.split(" is ")[1].split(".")[0]


def to_its_page(me: Browser) -> Browser:
    return me.presses("team").sends(place=PLACE).presses("upset").sends(words="")


def test_a_word_counts_in_the_next_visit_too(house: House) -> None:
    """The browser was closed before the word came: the number gets no second text that day, and
    its word confirms it in the visit after."""
    gives_a_number(Browser(house)).goes("/out")
    (text,) = house.settles().texts_to(ME)
    me = to_its_page(gives_a_number(Browser(house)))
    me.presses("word", name="act", words=word_in(text))
    assert me.case().answers["contact"] == "text"
    assert len(house.settles().texts_to(ME)) == 1, "and nobody was texted twice"


def test_a_number_taken_again_in_one_visit_keeps_its_word_and_tries(house: House) -> None:
    me = gives_a_number(Browser(house))
    (text,) = house.settles().texts_to(ME)
    me.goes("/request/5").presses("text").sends(number=ME).presses("yes")
    to_its_page(me)
    for _ in range(4):
        me.presses("word", name="act", words="BBBBB")
    me.presses("word", name="act", words=word_in(text))
    assert me.case().answers["contact"] == "text"


def test_nobody_guesses_a_word_by_opening_visit_after_visit(house: House) -> None:
    """Five wrong words for a number in all later visits together; whoever asked for the text keeps
    five of their own."""
    mine = to_its_page(gives_a_number(Browser(house)))
    (text,) = house.settles().texts_to(ME)
    others = [
        to_its_page(gives_a_number(Browser(house, address=f"198.51.100.{each}")))
        for each in range(3)
    ]
    for each in range(6):
        others[each % 2].presses("word", name="act", words="BBBBB")
    kept = house.words("web.confirm.kept")
    others[2].presses("word", name="act", words=word_in(text))
    assert kept not in others[2].page.words, "even the right one, for a day"
    assert kept in mine.presses("word", name="act", words=word_in(text)).page.words
    assert len(house.settles().texts_to(ME)) == 1


def test_the_next_day_brings_another_word(house: House) -> None:
    gives_a_number(Browser(house)).goes("/out")
    house.settles()
    house.wait(25 * 3600)
    me = to_its_page(gives_a_number(Browser(house)))
    first, second = house.settles().texts_to(ME)
    assert word_in(first) != word_in(second)
    me.presses("word", name="act", words=word_in(first))
    assert me.case().answers["contact"] == "page"
    me.presses("word", name="act", words=word_in(second))
    assert me.case().answers["contact"] == "text"


def typing(house: House) -> Browser:
    """At the field for a number."""
    return Browser(house).goes("/request").answers("me", "no", "no", "no", "text")


# what somebody said by text, after which software does not text their phone first (rules 5 and 9)
QUIET = {
    "not safe": ("my brother shouts", "3", "2", "2", "2", "2"),
    "violence": ("my husband is hitting me", "2"),
    "watched": ("my brother shouts", "is the pie shop open"),
    "taken back": ("my brother shouts", "3", "2", "2", "2", "1", "don't text me"),
    "calls only": ("my brother shouts", "3", "2", "2", "2", "5"),
    "danger, not asked": ("i want to kill myself", "2"),
}


@pytest.mark.parametrize("said", QUIET.values(), ids=QUIET)
def test_a_number_typed_by_anybody_rings_no_phone_that_is_not_safe(
    house: House, said: tuple[str, ...]
) -> None:
    """ "The word for your page is" came to the phone of somebody who had said "not safe", whoever
    typed their number. The page says nothing that it does not say of other numbers."""
    house.resident(ME).texts(*said)
    so_far = len(house.settles().texts_to(ME))
    me = typing(house).sends(number=ME).presses("yes")
    assert house.words("web.number.texted") in me.page.words
    assert house.settles().texts_to(ME)[so_far:] == []
    me.presses("team").sends(place=PLACE).presses("upset").sends(words="")
    me.presses("word", name="act", words="BCDFG")
    assert house.words("web.confirm.fault") in me.page.words


def test_a_number_with_a_calm_request_gets_its_word(house: House) -> None:
    house.resident(ME).texts("my brother shouts", "3", "2", "2", "2", "1")
    so_far = len(house.settles().texts_to(ME))
    typing(house).sends(number=ME).presses("yes")
    assert len(house.settles().texts_to(ME)[so_far:]) == 1


def test_an_argument_gets_no_update_by_text_until_a_human_confirms_it(house: House) -> None:
    """The word proves whose phone it is, and not that nobody else reads it (rule 5)."""
    me = typing(house).sends(number=ME).presses("yes").presses("team").sends(place=PLACE)
    me.presses("argument").presses("no").sends(words="").presses("wait")
    word = house.settles().texts_to(ME)[-1].split(" is ")[1].split(".")[0]
    me.presses("word", name="act", words=word)
    assert me.case().answers["contact"] == "text"
    accepted = {"answer": "accept", "by": "Maria", "in_minutes": 20}
    house.dispatch(f"/{me.case().id}/acknowledgement", accepted)
    assert len(house.settles().texts_to(ME)) == 1
    assert house.words("web.stands.accepted") in me.goes("/s").page.words
    house.dispatch(f"/{me.case().id}/notes", {"by": "Dana", "words": "Are you alone?"})
    assert "Are you alone?" in house.settles().texts_to(ME)[-1], "a human's words are theirs"
