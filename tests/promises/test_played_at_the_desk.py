"""What dispatchers, CAD systems and partners do to a case, played by somebody who knew only the
rules: what the resident hears while they act (rules 1, 3, 4, 5, 14, 16 and 20)."""

from __future__ import annotations

from typing import Any

from conftest import House, Resident
from played import DANA, LUIS, SUICIDE, held, later, staff

ME = "+17205550123"
LUIS_NAME = "Second dispatcher"


def acts(house: House, me: Resident, path: str, **told: Any) -> Any:
    """One request of the dispatch API about this resident's case."""
    answer = house.dispatch(f"/{me.case().id}/{path}", told)
    house.settles()
    return answer


def told(house: House, key: str) -> int:
    """How many texts to the resident had the words of this key."""
    return sum(house.words(key) in text for text in house.texts_to(ME))


# ---- a pause -------------------------------------------------------------------------------------
def test_who_took_it_over_without_a_word_has_nothing_to_pause(house: House) -> None:
    """The announced pause would stop "nobody has joined yet" for ten minutes (rule 4)."""
    me = house.resident().texts(*SUICIDE)
    acts(house, me, "take-over", by=LUIS_NAME)

    refused = acts(house, me, "pause", by=LUIS_NAME)

    assert (refused.status_code, refused.json["code"]) == (409, "write_first")
    code = me.case().reference
    assert staff(house, LUIS, f"{code} PAUSE") == house.words("page.write_first", reference=code)
    later(house, 190)
    assert told(house, "truth.nobody_yet") == 1
    acts(house, me, "notes", by=LUIS_NAME, words="I am Luis. I call somebody for you.")
    assert acts(house, me, "pause", by=LUIS_NAME).status_code == 200


def test_nor_has_whoever_it_was_handed_to(house: House) -> None:
    """That they plan to write "again" would be untrue (rule 22)."""
    me, code = held(house)
    staff(house, DANA, f"{code} HAND TO {LUIS_NAME}")
    assert staff(house, LUIS, f"{code} PAUSE") == house.words("page.write_first", reference=code)
    assert not any("busy for you" in text for text in house.texts_to(me.number))
