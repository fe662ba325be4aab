"""What the conversations played by text share: the people on duty, and how they are heard."""

from __future__ import annotations

import unicodedata

from conftest import House, Resident

DANA, LUIS, UNIT = "+17205550130", "+17205550131", "+17205550133"
# a team is requested; texts and calls are safe
FULL = ("hello", "1", "2", "2", "2", "1", "1", "Main St and 3rd Ave", "1", "1")
FULL_ES = ("hola", *FULL[1:])
SUICIDE = ("i want to kill myself", "2", "1")


def later(house: House, seconds: float) -> None:
    house.later(seconds, 20)


def staff(house: House, number: str, said: str) -> str:
    heard = house.resident(number).texts(said).heard
    house.settles()
    return "\n".join(heard)


def plain(text: str) -> str:
    """Without accents, because a text may leave them out to save a part."""
    letters = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")


def answers(me: Resident, key: str, language: str, **fill: str) -> None:
    heard = plain("\n".join(me.heard))
    assert plain(me.house.words(key, language, **fill)) in heard, f"{key} is not in {me.heard}"


def paged_for_danger(house: House) -> bool:
    return any(row.ladder == "danger" for row in house.rows("page"))


def held(house: House) -> tuple[Resident, str]:
    """Dana has accepted a danger and has written."""
    me = house.resident().texts(*SUICIDE)
    house.settles()
    code = me.case().reference
    staff(house, DANA, code)
    staff(house, DANA, f"{code} I am Dana. I am here.")
    return me, code
