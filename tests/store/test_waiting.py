"""Who waits, as it is counted when many do: the short way says what the whole cases say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caller_service.core.marks import Mark
from caller_service.store import cases

if TYPE_CHECKING:
    from conftest import House

DANA = "+17205550130"


def test_who_waits_is_who_waits_by_the_whole_case(house: House) -> None:
    people = [house.resident(f"+1720555014{place}") for place in range(5)]
    for me in people:
        me.texts("hello", "1", "i want to kill myself", "2", "1")
        house.wait(7)
    house.settles()
    taken, held, lapsed = (me.case().reference for me in people[:3])
    for reference in (taken, held, lapsed):
        house.resident(DANA).texts(reference)
    house.resident(DANA).texts(f"{held} Hello, I am Dana.")
    house.settles()
    house.wait(100)
    house.sweeps().settles()
    people[3].texts("STOP")
    with house.parts.engine.connect() as conn:
        whole = [case for case in cases.in_danger(conn) if case.page_waits]
        assert len(whole) >= 3
        assert cases.waiting_since(conn) == sorted(case.marks[Mark.FIRST_PAGED] for case in whole)
