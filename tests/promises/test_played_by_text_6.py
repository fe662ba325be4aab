"""A sixth round of conversations played by somebody who knew only the rules: people who never
answer with a number, who send pictures, and who wait (rules 4, 7, 10, 22, 23)."""

from __future__ import annotations

import pytest
from conftest import House


# ---- in danger, words that answer nothing --------------------------------------------------------
@pytest.mark.parametrize(
    "said",
    [
        ("i want to kill myself", "2", "1", "this is useless", "whatever", "fine ill just do it"),
        ("me quiero matar", "2", "1", "no sirven para nada", "ya que", "bueno entonces lo hago"),
    ],
)
def test_whoever_answers_no_question_in_danger_hears_more_than_the_next_question(
    house: House, said: tuple[str, ...]
) -> None:
    """The third text that names no place ends that question. It is answered, too (rule 4)."""
    me = house.resident().texts(*said)
    assert me.case().state["answers"]["where"] == "unreadable"
    me.hears("988", "911")
