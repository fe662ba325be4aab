"""Beyond one case: how many each has, the rail, and the end of a shift."""

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


DISPATCHER = "Dispatcher on duty"  # first on the rehearsal's ladder


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
    nobody = danger(house, "+17205550146")  # somebody who has three is not asked

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


def test_a_long_rail_is_cut_and_says_so_and_a_colleague_who_asks_stands_first(
    house: House, desk: Browser, maria: Browser
) -> None:
    house.clocks(surge_page=0)
    for number in range(10):
        danger(house, f"+172055501{number + 50}")
    case = danger(house, "+17205550141")
    takes(house, case, "Maria Sol")
    assert sends(maria, f"{case.id}/ask", to=DISPATCHER).status_code == 303

    page = desk.get("/console/account")

    found = rail(page)["Asked of you"]
    assert len(found) == 8 and found[0] == case.reference
    assert "All 11" in page.text


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


def test_a_row_of_a_team_says_who_is_asked_next_and_in_how_long(
    house: House, desk: Browser
) -> None:
    me = house.resident()
    me.wants_a_team()

    def row() -> str:
        page = desk.get("/console/queue").text
        rows = re.findall(r"<tr.*?</tr>", page, re.S)
        return next(one for one in rows if me.case().reference in one)

    assert "of 5:00" in row() and " in <time" not in row()  # nobody is asked before that
    house.passes(301, 7)
    assert re.search(r"Team desk asked; Shift supervisor[^<]* in\s+<time", row())
    takes(house, me.case(), "Maria")
    assert " in <time" not in row()


# ---- load ----------------------------------------------------------------------------------------


def test_who_has_three_dangers_is_not_asked_for_a_fourth(house: House) -> None:
    """The next on the ladder is asked instead."""
    for number in range(3):
        me = house.resident(f"+1720555014{number}").texts("i took all my pills goodbye")
        takes(house, me.case(), DISPATCHER)
    fourth = house.resident("+17205550149").texts("i took all my pills goodbye").case()

    asked = {row.person for row in house.rows("page", case_id=fourth.id)}

    assert asked == {"Second dispatcher"}


# ---- the end of a shift --------------------------------------------------------------------------


@pytest.fixture
def maria(house: House) -> Browser:
    browser = Browser(house, "203.0.113.8")
    browser.signs_in(Account(house, "Maria Sol", Role.DISPATCHER))
    return browser


def sends(browser: Browser, path: str, **form: str) -> Any:
    """Submit a form of the shift page."""
    browser.get("/console/shift")
    return browser.post(f"/console/shift/{path}", **form)


def speaks(house: House, case: Any, by: str) -> None:
    told = {"by": by, "words": "I am here. Are you alone?"}
    assert house.dispatch(f"/{case.id}/notes", told).status_code == 200
    house.settles()


def test_a_danger_is_handed_to_a_named_person_who_takes_it(
    house: House, desk: Browser, maria: Browser
) -> None:
    case = danger(house)
    takes(house, case, DISPATCHER)
    told = len(house.rows("message", case_id=case.id, person=None, direction="out"))

    page = desk.get("/console/shift").text
    assert "Maria Sol, signed in" in page and "Second dispatcher, by phone" in page
    assert sends(desk, f"{case.id}/ask", to="Maria Sol").status_code == 303
    assert "is asked" in desk.get("/console/shift").text
    assert rail(desk.get("/console/account"))["Yours"] == [case.reference]
    assert len(house.rows("message", case_id=case.id, person=None, direction="out")) == told
    asked = maria.get("/console/account")
    assert rail(asked)["Asked of you"] == [case.reference]
    assert f"{DISPATCHER} asks you to take it over" in asked.text
    news = maria.post("/console/news", v="", page="", csrf=maria.token()).json
    assert [one[3] for one in news["alarm"]["list"]] == [True]

    assert sends(maria, f"{case.id}/take").status_code == 303

    assert rail(maria.get("/console/account"))["Yours"] == [case.reference]
    assert rail(desk.get("/console/account"))["Yours"] == []
    who = {row.event: row.who for row in house.rows("journal", case_id=case.id)}
    assert who["handover_asked"] == DISPATCHER and who["handover_taken"] == "Maria Sol"
    again = sends(maria, f"{case.id}/take")
    assert again.status_code == 409 and "no longer asked to take it" in again.text


def test_whoever_is_asked_by_phone_takes_it_by_text(house: House, desk: Browser) -> None:
    case = danger(house)
    takes(house, case, DISPATCHER)
    assert sends(desk, f"{case.id}/ask", to="Second dispatcher").status_code == 303
    house.settles()
    (phone,) = {rung.number for rung in house.parts.program.ladder
                if rung.name == "Second dispatcher"}  # fmt: skip
    words = house.words("alert.handover_asked", reference=case.reference, words=DISPATCHER)
    assert words in house.texts_to(phone)

    house.resident(phone).texts(case.reference).told("page.accepted")

    (row,) = house.rows("case", id=case.id)
    assert (row.state["holder"], row.state["handover_to"]) == ("Second dispatcher", "")


def test_nobody_takes_it_in_time_and_it_is_never_nobodys(
    house: House, desk: Browser, maria: Browser
) -> None:
    case = danger(house)
    takes(house, case, DISPATCHER)
    speaks(house, case, DISPATCHER)
    assert sends(desk, f"{case.id}/ask", to="Maria Sol").status_code == 303
    before = len(house.rows("page", case_id=case.id))

    house.passes(95, 5)

    (row,) = house.rows("case", id=case.id)
    assert (row.state["holder"], row.state["handover_to"]) == (DISPATCHER, "")
    assert len(house.rows("page", case_id=case.id)) > before
    assert "handover_late" in {line.event for line in house.rows("journal", case_id=case.id)}
    assert sends(maria, f"{case.id}/take").status_code == 409


def test_not_me_leaves_it_where_it_was_and_the_ladder_is_asked_at_once(
    house: House, desk: Browser, maria: Browser
) -> None:
    case = danger(house)
    takes(house, case, DISPATCHER)
    for nobody in ("Gone Home", "", DISPATCHER, "Backstop line"):
        answer = sends(desk, f"{case.id}/ask", to=nobody)
        assert answer.status_code == 409, nobody
    assert sends(maria, f"{case.id}/ask", to="Second dispatcher").status_code == 409
    assert sends(desk, f"{case.id}/ask", to="Maria Sol").status_code == 303

    house.settles()
    asked = len(house.rows("page", case_id=case.id))
    assert sends(maria, f"{case.id}/not_me").status_code == 303

    more = house.rows("page", case_id=case.id)[asked:]
    assert more and DISPATCHER not in {page.person for page in more}
    (row,) = house.rows("case", id=case.id)
    assert (row.state["accepted_by"], row.state["handover_to"]) == (DISPATCHER, "")
    assert sends(desk, "none/ask", to="Maria Sol").status_code == 404


def test_who_holds_three_is_not_asked_to_take_a_fourth_over(
    house: House, desk: Browser, maria: Browser
) -> None:
    for number in range(3):
        takes(house, danger(house, f"+1720555014{number}"), "Maria Sol")
    case = danger(house)
    takes(house, case, DISPATCHER)

    answer = sends(desk, f"{case.id}/ask", to="Maria Sol")

    assert answer.status_code == 409 and "Maria Sol holds three dangers" in answer.text


def test_signing_out_with_open_cases_says_so_first_and_gives_them_back(
    house: House, desk: Browser
) -> None:
    case = danger(house)
    takes(house, case, DISPATCHER)
    speaks(house, case, DISPATCHER)
    desk.get("/console/queue")
    before = len(house.rows("page", case_id=case.id))

    told = desk.post("/console/sign-out")
    assert told.status_code == 200
    assert "You still have 1 open case" in told.text and case.reference in told.text
    assert "they stay mine" not in told.text  # a danger, and signed in nowhere else
    assert desk.post("/console/sign-out", cases="stay").status_code == 200
    assert desk.is_in()

    desk.get("/console/queue")
    assert desk.post("/console/sign-out", cases="back").status_code == 303
    assert not desk.is_in()
    (row,) = house.rows("case", id=case.id)
    assert (row.state["holder"], row.state["accepted_by"]) == ("", "")
    assert len(house.rows("page", case_id=case.id)) > before
    (left,) = house.rows("journal", event="left_shift")
    assert (left.who, left.detail) == (DISPATCHER, {"back": 1, "stay": 0})


def test_what_is_no_danger_may_stay_and_a_locked_page_gives_nothing_back(
    house: House, desk: Browser
) -> None:
    me = house.resident()
    me.wants_a_team()
    case = me.case()
    takes(house, case, DISPATCHER)
    takes(house, danger(house, "+17205550144"), DISPATCHER)
    desk.get("/console/queue")
    house.wait(11 * 60)

    told = desk.post("/console/sign-out")
    assert told.status_code == 200 and "2 open cases" in told.text
    assert case.reference not in told.text and "Give them back" not in told.text
    assert desk.post("/console/sign-out", cases="back").status_code == 200
    assert desk.post("/console/sign-out", cases="stay").status_code == 303

    held = [row.state["accepted_by"] for row in house.rows("case")]
    assert held == [DISPATCHER, DISPATCHER]


def test_a_team_that_is_there_is_not_given_back_and_the_case_stays(
    house: House, desk: Browser
) -> None:
    me = house.resident()
    me.wants_a_team()
    case = me.case()
    takes(house, case, DISPATCHER)
    assert (
        house.dispatch(f"/{case.id}/status", {"status": "arrived", "by": DISPATCHER}).status_code
        == 200
    )

    assert "A team is there" in desk.get("/console/shift").text
    assert sends(desk, f"{case.id}/give_back").status_code == 409
    desk.get("/console/queue")
    assert "stays yours" in desk.post("/console/sign-out").text
    assert desk.post("/console/sign-out", cases="back").status_code == 303

    (row,) = house.rows("case", id=case.id)
    assert (row.status, row.state["accepted_by"]) == ("arrived", DISPATCHER)
    (left,) = house.rows("journal", event="left_shift")
    assert left.detail == {"back": 0, "stay": 1}


def test_giving_a_team_back_tells_the_resident_what_is_true(house: House, desk: Browser) -> None:
    me = house.resident()
    me.wants_a_team()
    case = me.case()
    takes(house, case, DISPATCHER)

    assert sends(desk, f"{case.id}/give_back").status_code == 303

    keys = [row.keys for row in house.rows("message", case_id=case.id, person=None)]
    assert keys[-1] == "status.not_coming"
    assert rail(desk.get("/console/account"))["Yours"] == []


def test_whoever_is_asked_and_signs_out_is_not_waited_for(
    house: House, desk: Browser, maria: Browser
) -> None:
    case = danger(house)
    takes(house, case, DISPATCHER)
    assert sends(desk, f"{case.id}/ask", to="Maria Sol").status_code == 303

    maria.get("/console/queue")
    assert maria.post("/console/sign-out").status_code == 303

    (row,) = house.rows("case", id=case.id)
    assert (row.state["accepted_by"], row.state["handover_to"]) == (DISPATCHER, "")
    assert sends(desk, f"{case.id}/ask", to="Maria Sol").status_code == 409
