"""What dispatchers, CAD systems and partners do to a case, played by somebody who knew only the
rules: what the resident hears while they act (rules 1, 3, 4, 5, 14, 16 and 20)."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import House, Resident
from played import DANA, FULL, LUIS, SUICIDE, held, later, staff

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


# ---- by text -------------------------------------------------------------------------------------
@pytest.mark.parametrize("said", ["", "ok", "20", "?", "CLOSE", "HAND TO nobody", "thank you"])
def test_whoever_had_a_case_that_ended_hears_that_it_has(house: House, said: str) -> None:
    """Not "is yours, write to them": they would wait with a person who is not there."""
    me, code = held(house)
    acts(house, me, "status", by="Dispatcher on duty", status="closed", outcome="safe")
    assert staff(house, DANA, f"{code} {said}") == house.words("page.ended", reference=code)


@pytest.mark.parametrize("said", ["and me?", "who?", "what", "maybe", "how is she"])
def test_whoever_it_was_taken_from_hears_who_has_it(house: House, said: str) -> None:
    """ "Not taken yet" would be untrue (rules 20 and 22)."""
    _, code = held(house)
    staff(house, LUIS, f"{code} TAKE OVER")
    staff(house, LUIS, f"{code} I am Luis.")
    with_luis = house.words("page.held", reference=code, name=LUIS_NAME)
    assert staff(house, DANA, f"{code} {said}") == with_luis


@pytest.mark.parametrize("said", ["{other}", "and {other} please", "{code} {other} ok"])
def test_two_codes_in_one_text_take_none_and_reach_nobody(house: House, said: str) -> None:
    """The second would go to the first one's resident, as a human's first words."""
    me = house.resident().texts(*SUICIDE)
    you = house.resident("+17205550124").texts(*SUICIDE)
    house.settles()
    code, other = me.case().reference, you.case().reference

    answer = staff(house, DANA, f"{code} {said.format(code=code, other=other)}")

    assert answer == house.words("page.one_code", reference=code)
    staff(house, DANA, code)
    assert staff(house, DANA, f"{code} {other}") == answer
    assert not any(other in text for text in house.texts_to(ME))
    assert you.case().status == "handed_off"
    staff(house, DANA, f"{code} {code} I am Dana.")
    assert house.texts_to(ME)[-1] == "Dispatcher on duty: I am Dana."


# ---- nobody has taken it -------------------------------------------------------------------------
@pytest.mark.parametrize("chosen", [("1",), ("2", "1")])
def test_nobody_has_taken_it_is_said_once_in_a_text(house: House, chosen: tuple[str, ...]) -> None:
    """A team declines, and with the next page everybody was asked: one sentence says both."""
    me = house.resident().texts(*FULL[:-1], *chosen)
    acts(house, me, "acknowledgement", answer="decline", by="Team desk", reason="no team")
    later(house, 320)
    words = house.words("truth.unpicked")
    assert [text.count(words) for text in house.texts_to(ME) if words in text] == [1]


# ---- under 18 ------------------------------------------------------------------------------------
MINOR = ("hello", "2", "2", "2", "2", "1", "1", "Main St and 3rd Ave", "1", "1")


def test_a_team_that_moves_to_a_minor_unlooked_is_asked_about_until_somebody_looks(
    house: House,
) -> None:
    """One page that nobody answers is no look (rule 14)."""
    me = house.resident().texts(*MINOR)
    acts(house, me, "acknowledgement", answer="accept", by="Unit 3", in_minutes=20)
    acts(house, me, "status", by="Unit 3", status="en_route")
    code = me.case().reference

    def asked() -> int:
        return len(house.rows("page", ladder="review", case_id=me.case().id))

    assert asked() == 1
    later(house, 320)
    assert asked() > 1 and any(row.person == "Shift supervisor" for row in house.rows("page"))
    answer = staff(house, DANA, code)
    assert house.words("page.taken", reference=code, name="Unit 3") in answer
    assert house.words("alert.minor", reference=code) in answer, "what the page was about"
    staff(house, DANA, f"{code} LOOKED")
    assert me.case().state["minor_reviewed"] == "Dispatcher on duty"
    before = asked()
    later(house, 900)
    assert asked() == before


# ---- a holder who fell silent --------------------------------------------------------------------
def test_others_are_asked_for_a_silent_holder_until_somebody_writes(house: House) -> None:
    """Whoever is asked for them may not come either: a danger never waits for nobody (rule 5)."""
    me, code = held(house)
    later(house, 1260)

    def asked() -> int:
        return len(house.rows("page", case_id=me.case().id))

    for _ in range(3):
        before = asked()
        later(house, 620)
        assert asked() > before
    staff(house, LUIS, f"{code} TAKE OVER")
    staff(house, LUIS, f"{code} I am Luis. I am here.")
    before = asked()
    later(house, 590)
    assert asked() == before
