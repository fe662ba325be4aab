"""What goes beyond one case: who has how many, the rail, and the end of a shift."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import House


def test_who_has_three_dangers_is_not_asked_for_a_fourth(house: House) -> None:
    """The next on the ladder stands in for who has three."""
    for number in range(3):
        me = house.resident(f"+1720555014{number}").texts("i took all my pills goodbye")
        told = {"answer": "accept", "by": "Dispatcher on duty"}
        assert house.dispatch(f"/{me.case().id}/acknowledgement", told).status_code == 200
    fourth = house.resident("+17205550149").texts("i took all my pills goodbye").case()

    asked = {row.person for row in house.rows("page", case_id=fourth.id)}

    assert asked == {"Second dispatcher"}
