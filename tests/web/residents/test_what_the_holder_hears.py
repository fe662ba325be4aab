"""What whoever has a case hears, on their own phone, of somebody on a private page."""

from __future__ import annotations

import pytest
from conftest import ME, House
from form_page import CALM, PLACE, Browser, asks_for_a_team

DANA = "+17205550130"
DANGER = ("me", "no", "no", "yes", "no", "yes")


def _in_danger(house: House) -> Browser:
    me = Browser(house).goes("/request").answers(*DANGER)
    me.presses("go_on", name="act").answers("page").sends(place=PLACE)
    house.settles()
    return me


def _takes(house: House, me: Browser) -> str:
    """Dana takes the case; what she is told."""
    dana = house.resident(DANA).texts(me.case().reference)
    house.settles()
    return "\n".join(dana.heard)


def _held(house: House) -> Browser:
    me = _in_danger(house)
    _takes(house, me)
    house.resident(DANA).texts(f"{me.case().reference} I am Dana. I am here.")
    house.settles()
    me.goes("/s")
    assert me.case().holder
    return me


def _last(house: House) -> str:
    return house.settles().texts_to(DANA)[-1]


def _alert(house: House, me: Browser, key: str) -> str:
    return house.words(f"alert.{key}", reference=me.case().reference)


def test_a_button_that_is_pressed_is_named(house: House) -> None:
    """ "It is worse now" came to whoever had the case as a text with their code alone."""
    me = _held(house)
    me.presses("worse", name="act")
    assert _last(house) == _alert(house, me, "worse")
    me.presses("wrong", name="act")
    assert _last(house) == _alert(house, me, "wrong")


@pytest.mark.parametrize(
    "act, key", [("person", "person"), ("cancel", "cancel"), ("emergency", "wants_911")]
)
def test_a_button_of_an_older_page_is_named_too(house: House, act: str, key: str) -> None:
    me = _in_danger(house)
    before = next(each for each in me.page.buttons if each.name == "act")
    before.value = act
    _takes(house, me)
    house.resident(DANA).texts(f"{me.case().reference} I am Dana. I am here.")
    house.settles()
    me.posts(before)
    if act != "cancel":  # that counts on the page that is open alone
        assert _last(house) == _alert(house, me, key)
    assert not me.case().ended


def test_another_way_to_be_reached_is_no_contact_taken_back(house: House) -> None:
    """ "Answer only when they write" silenced the human, and came twice."""
    me = _held(house)
    so_far = len(house.settles().texts_to(DANA))
    me.presses("contact", name="act")
    assert house.settles().texts_to(DANA)[so_far:] == [_alert(house, me, "contact")]
    assert house.words("web.contact.asked") in me.page.words


def test_whoever_takes_a_page_hears_that_it_is_one(house: House) -> None:
    """It said that nobody had asked, and that an answer had to come within ten minutes."""
    me = _in_danger(house)
    told, reference = _takes(house, me), me.case().reference
    assert house.words("terms.page", reference=reference) in told
    assert "10 minutes" not in told


def test_stop_on_a_page_does_not_silence_the_page(house: House) -> None:
    me = _in_danger(house).sends(words="STOP")
    told, reference = _takes(house, me), me.case().reference
    assert house.words("terms.page_stopped", reference=reference) in told
    house.resident(DANA).texts(f"{reference} I am Dana.").hears("Sent")
    house.settles()
    assert "I am Dana." in me.goes("/s").page.words


def test_who_is_not_safe_on_a_page_is_told_so(house: House) -> None:
    me = asks_for_a_team(Browser(house)).sends(words="im not safe here")
    told = _takes(house, me)
    assert house.words("terms.page_unsafe", reference=me.case().reference) in told


def test_a_phone_that_was_confirmed_has_no_such_terms(house: House) -> None:
    me = Browser(house).goes("/request").answers(*CALM[:4], "text").sends(number=ME)
    me.presses("yes").presses("team").sends(place=PLACE).presses("upset").sends(words="")
    word = house.settles().texts_to(ME)[-1].split(" is ")[1].split(".")[0]
    me.presses("word", name="act", words=word)
    me.sends(words="i want to die")
    house.settles()
    assert "page" not in _takes(house, me)


def _confirmed(house: House) -> Browser:
    """They have a page, and a phone that gets texts."""
    me = asks_for_a_team(Browser(house)).presses("wait").presses("contact", name="act")
    me.presses("text").sends(number=ME).presses("yes")
    word = house.settles().texts_to(ME)[-1].split(" is ")[1].split(".")[0]
    return me.presses("word", name="act", words=word)


def test_whoever_takes_the_phone_does_not_take_the_page(house: House) -> None:
    """ "NEW" from their phone cut somebody in danger off from the human on their page."""
    me = _confirmed(house).sends(words="i want to kill myself")
    mine, reference = me.case().id, me.case().reference
    _takes(house, me)
    house.resident(DANA).texts(f"{reference} I am Dana.")
    house.settles()
    me.goes("/s")
    house.resident(ME).texts("NEW")
    assert _last(house) == house.words("alert.page_parked", reference=reference)
    so_far = len(house.texts_to(ME))
    house.resident(DANA).texts(f"{reference} Are you still there?").hears("Sent")
    house.settles()
    assert "Are you still there?" in me.goes("/s").page.words
    assert house.texts_to(ME)[so_far:] == [], "nothing of it goes to the phone"
    assert house.rows("case", id=mine)[0].parked


def test_the_truth_goes_on_on_the_page_while_another_has_the_phone(house: House) -> None:
    me = _confirmed(house)
    reference = me.case().reference
    house.resident(ME).texts("NEW")
    me.sends(words="i want to kill myself").presses("go_on", name="act")
    so_far = len(house.texts_to(ME))
    house.later(200, 20)
    assert house.words("web.stands.asking_again") in me.goes("/s").page.words
    assert house.texts_to(ME)[so_far:] == []
    told = house.resident(DANA).texts(reference).heard
    assert house.words("terms.page_parked", reference=reference) in "\n".join(told)
