"""Waiting dangers and full holders are counted from marks alone: the short query gives the same
result as the complete cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from caller_service.core.case import Case
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
        dangers = [case for case in whole(house, conn) if case.in_danger]
        waiting = [case for case in dangers if case.page_waits]
        assert len(waiting) >= 3
        assert cases.waiting_since(conn) == sorted(case.marks[Mark.FIRST_PAGED] for case in waiting)


def test_who_holds_dangers_is_who_holds_them_by_the_whole_case(house: House) -> None:
    people = [house.resident(f"+1720555014{place}") for place in range(5)]
    for me in people[1:]:
        me.texts("hello", "1", "i want to kill myself", "2", "1")
    people[0].wants_a_team()
    house.settles()
    for me in people[:3]:
        house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "José"})
    house.dispatch(f"/{people[3].case().id}/acknowledgement", {"answer": "accept", "by": "Ann"})
    taken = people[2].case().id
    house.dispatch(f"/{taken}/take-over", {"by": "José", "reason": "they know me"})
    house.dispatch(
        f"/{people[3].case().id}/status", {"status": "closed", "by": "Ann", "outcome": "safe"}
    )
    with house.parts.engine.connect() as conn:
        dangers = [case for case in whole(house, conn) if case.in_danger]
        assert {"José"} == {case.holder for case in dangers} - {""}
        for most in (1, 2, 3):
            for but in ("", taken):
                full = set()
                for name in ("José", "Ann", "nobody"):
                    held = [case.id for case in dangers if name in (case.holder, case.accepted_by)]
                    full |= {name} if len(set(held) - {but}) >= most else set()
                assert cases.full_hands(conn, most, but) == full, (most, but)
        assert cases.full_hands(conn, 1, taken) == {"José"}


def whole(house: House, conn: sa.Connection) -> list[Case]:
    """Every open case, loaded completely."""
    found = (cases.by_id(conn, house.parts.sealer, one) for one in cases.open_ids(conn))
    return [case for case in found if case is not None]
