"""What goes beyond one case: who has how many, the rail, and the end of a shift."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from staff import Account, Browser

from caller_service.core.case import Case, Status, replace
from caller_service.core.desk import is_asked_of, teams_now, waits_for
from caller_service.core.marks import Mark
from caller_service.core.protocol import Level
from caller_service.core.roles import Role

if TYPE_CHECKING:
    from conftest import House


DISPATCHER = "Dispatcher on duty"  # stands first on the rehearsal's ladder


@pytest.fixture
def desk(house: House) -> Browser:
    browser = Browser(house)
    browser.signs_in(Account(house, DISPATCHER, Role.DISPATCHER))
    return browser


def danger(house: House, number: str = "+17205550123") -> Any:
    """Somebody in danger whom nobody has yet."""
    return house.resident(number).texts("i took all my pills goodbye").case()


def takes(house: House, case: Any, by: str) -> None:
    told = {"answer": "accept", "by": by}
    assert house.dispatch(f"/{case.id}/acknowledgement", told).status_code == 200


def rail(page: Any) -> dict[str, list[str]]:
    """The references in each part of the rail."""
    found = re.search(r'<nav class="rail.*?</nav>', page.text, re.S)
    parts = re.findall(r"<section.*?</section>", found[0] if found else "", re.S)
    titles = [re.sub(r"<.*?>", " ", re.findall(r"<h2>(.*?)</h2>", part)[0]) for part in parts]
    return {
        title.rstrip(" 0123456789").partition("  ")[0].rstrip(" 0123456789"): re.findall(
            r"<bdi>(\w+)</bdi>", part
        )
        for title, part in zip(titles, parts, strict=True)
    }


# ---- the rail ------------------------------------------------------------------------------------


def test_every_page_shows_what_is_mine_what_is_asked_of_me_and_what_nobody_has(
    house: House, desk: Browser
) -> None:
    mine = danger(house, "+17205550141")
    takes(house, mine, DISPATCHER)
    asked = danger(house, "+17205550142")
    others = danger(house, "+17205550143")
    takes(house, others, "Maria")
    for number in (4, 5):
        takes(house, danger(house, f"+1720555014{number}"), DISPATCHER)
    nobody = danger(house, "+17205550146")  # not asked of who has three

    for path in ("/console/account", "/console/callbacks", f"/console/cases/{others.id}"):
        found = rail(desk.get(path))
        assert found["Yours"][0] == mine.reference and len(found["Yours"]) == 3, path
        assert found["Asked of you"] == [asked.reference], path
        assert found["Nobody yet"] == [nobody.reference], path
    on_queue = rail(desk.get("/console/queue"))
    assert on_queue["Asked of you"] == [asked.reference]
    assert "Nobody yet" not in on_queue  # the first band of the queue
    alex = Browser(house)
    alex.signs_in(Account(house, "Alex Kim", Role.ADMINISTRATOR))
    assert rail(alex.get("/console/account")) == {}
    house.wait(11 * 60)
    locked = desk.opens("/console/account").text
    assert 'id="rail"' not in locked and mine.reference not in locked


def test_the_rail_costs_one_query_where_nothing_has_changed(house: House, desk: Browser) -> None:
    for number in range(4):
        danger(house, f"+1720555014{number}")
    desk.get("/console/account")
    asked: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *more: Any) -> None:
        asked.append(statement)

    sa.event.listen(house.parts.engine, "before_cursor_execute", note)
    try:
        for path in ("/console/account", "/console/queue"):
            asked.clear()
            page = desk.get(path)
            of_cases = [
                one for one in asked if re.search(r'FROM (caller\.)?"?(case|page)"?\b', one)
            ]
            assert rail(page)["Asked of you"]
            assert len(of_cases) <= (1 if path.endswith("account") else 5), of_cases
    finally:
        sa.event.remove(house.parts.engine, "before_cursor_execute", note)


def test_who_waits_for_whom_and_what_is_still_asked(house: House) -> None:
    now, program = house.clock.at, house.parts.program
    past = [now - timedelta(minutes=each) for each in range(60)]
    case = Case("id", "K7M4Q2", "contact", "en", level=Level.R1).marked(
        past[9], Mark.OPENED, Mark.HEARD, Mark.FIRST_PAGED, Mark.PAGED
    )
    asked = (program, now)
    assert is_asked_of(case, "Ana", past[5], *asked)
    assert not is_asked_of(case, "Ana", None, *asked)
    taken = replace(case, accepted_by="Ben", status=Status.ACCEPTED).marked(
        past[4], Mark.ACKNOWLEDGED
    )
    assert not is_asked_of(taken, "Ana", past[5], *asked)  # settled since
    assert is_asked_of(taken, "Ana", past[3], *asked)  # asked to come beside them
    assert not is_asked_of(taken, "Ben", past[3], *asked)
    assert waits_for(taken, "Ben") == past[4] and waits_for(taken, "Ana") is None
    written = replace(taken, holder="Ben").marked(past[3], Mark.JOINED, Mark.NOTED)
    assert waits_for(written, "Ben") is None
    assert waits_for(written.marked(past[2], Mark.AWAITS_HUMAN), "Ben") == past[2]


def test_teams_that_are_free_stand_first_and_those_off_duty_nowhere(house: House) -> None:
    program = house.parts.program
    moving = replace(
        Case("id", "K7M4Q2", "contact", "en"), team=program.teams[0].id, status=Status.EN_ROUTE
    )
    chosen = replace(moving, id="other", team=program.teams[1].id, status=Status.HANDED_OFF)
    local = house.clock.at.astimezone()

    found = teams_now([moving, chosen], program, local.replace(hour=12))
    assert [one.case is None for one in found] == [True] * (len(found) - 1) + [False]
    assert found[-1].case == moving
    night = teams_now([], program, local.replace(hour=3))
    assert program.teams[1] not in [one.team for one in night]


# ---- load ----------------------------------------------------------------------------------------


def test_who_has_three_dangers_is_not_asked_for_a_fourth(house: House) -> None:
    """The next on the ladder stands in for who has three."""
    for number in range(3):
        me = house.resident(f"+1720555014{number}").texts("i took all my pills goodbye")
        takes(house, me.case(), DISPATCHER)
    fourth = house.resident("+17205550149").texts("i took all my pills goodbye").case()

    asked = {row.person for row in house.rows("page", case_id=fourth.id)}

    assert asked == {"Second dispatcher"}
