"""A third round of conversations played by somebody who knew only the rules: people who answer in
sentences, teams at the wrong door, and staff who hand over by text (rules 4, 7, 8, 10, 20, 24)."""

from __future__ import annotations

import unicodedata

import pytest
from conftest import House, Resident

ME = "+17205550123"
DANA, LUIS, UNIT = "+17205550130", "+17205550131", "+17205550133"
COUNSELOR = "+17205550134"
# a team is requested; texts and calls are safe
FULL = ("hello", "1", "2", "2", "2", "1", "1", "Main St and 3rd Ave", "1", "1")
FULL_ES = ("hola", *FULL[1:])
AT_CONTACT = ("hello", "1", "2", "2", "2")
SUICIDE = ("i want to kill myself", "2", "1")


def later(house: House, seconds: float) -> None:
    house.passes(seconds, 20).settles()


def staff(house: House, number: str, said: str) -> str:
    heard = house.resident(number).texts(said).heard
    house.settles()
    return "\n".join(heard)


def plain(text: str) -> str:
    """Without accents, because a text may leave them out to save a part."""
    letters = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")


def answers(me: Resident, key: str, language: str = "en", **fill: str) -> None:
    heard = plain("\n".join(me.heard))
    assert plain(me.house.words(key, language, **fill)) in heard, f"{key} is not in {me.heard}"


def paged_for_danger(house: House) -> bool:
    return any(row.ladder == "danger" for row in house.rows("page"))


# ---- contact -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "said", ["neither", "neithr", "neither one", "txet", "bothh", "ni uno ni otro", "cualquier"]
)
def test_a_slip_or_a_no_opens_no_contact(house: House, said: str) -> None:
    """Rule 8: what opens contact is never guessed from a word that is nearly another."""
    first = "hola" if said in ("ni uno ni otro", "cualquier") else "hello"
    me = house.resident().texts(first, *AT_CONTACT[1:], said)
    assert "contact" not in me.case().state["answers"] and me.case().state["asked"] == "contact"


# ---- a threat to whoever comes -------------------------------------------------------------------
@pytest.mark.parametrize(
    "said", ["if you send anyone i will shoot them", "if you send police i will shoot them"]
)
def test_whoever_threatens_the_team_hears_no_words_about_suicide(house: House, said: str) -> None:
    me = house.resident().texts(said).told("danger.threat")
    me.hears_not(house.words("danger.suicide.me"), house.words("danger.violence"))
    assert me.case().level == "R2" and "threat_staff" in me.case().state["said"]


def test_whoever_may_die_if_somebody_comes_hears_them(house: House) -> None:
    house.resident().texts("if you send anyone i will die").told("danger.suicide.me")
