"""The page of calls: promised, called now, missed, reviewed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from caller import ME, Caller
from phones import Phone
from staff import OURS, Account, Browser

from caller_service.casework import desk_calls
from caller_service.commands.people import REHEARSAL
from caller_service.commands.rehearse import _pointed
from caller_service.core.roles import Act, Role, may
from caller_service.web.console import callbacks

if TYPE_CHECKING:
    from conftest import House

PAGE = "/console/callbacks"
NO = "2"
WITH_PHONE = "Second dispatcher"  # a name of the rehearsal's ladder, with a number


@pytest.fixture
def desk(house: House) -> Browser:
    """A dispatcher whose phone is on the ladder."""
    browser = Browser(house)
    browser.signs_in(Account(house, WITH_PHONE, Role.DISPATCHER))
    return browser


def runs(house: House) -> None:
    house.sweeps()
    house.settles()


def promised(house: House, contact: tuple[str, str] = ("1", "1"), **told: Any) -> tuple[Any, Any]:
    """A resident who may be called, and is promised a call in an hour: their case and the call."""
    me = Caller(house).rings().presses("1", NO, NO, NO, NO, *contact, "2")
    me.hangs_up()
    runs(house)
    body = {"by": "Dana", "in_minutes": 60} | told
    assert house.dispatch(f"/{me.case().id}/callbacks", body).status_code == 200
    runs(house)
    return me.case(), house.rows("callback")[-1]


def part(page: str, name: str) -> str:
    """The list of that name."""
    found = re.search(rf'<table class="list" id="{name}">.*?</table>', page, re.S)
    return found[0] if found and "<tr id=" in found[0] else ""


def test_a_promised_call_stands_with_its_terms_and_a_prohibition_first(
    house: House, desk: Browser
) -> None:
    case, _ = promised(house, ask_for="Sam")

    row = part(desk.get(PAGE).text, "promised")
    for words in (case.reference, "Sam", "0 of 3", "Promised", "Call now", ">59:59"):
        assert words in row, words
    assert 'class="no"' not in row

    house.resident(ME).texts("do not call me")
    row = part(desk.get(PAGE).text, "promised")
    assert re.search(r'data-label="Reach by"><span class="no">no calls', row)
    assert "Do not call" in row and "<button class=" not in row
    refused = desk.post(f"{PAGE}/{case.id}/now", callback=house.rows("callback")[0].id)
    assert refused.status_code == 409 and "Do not call" in refused.text
    assert not house.rung


def test_call_now_rings_my_phone_first_and_then_theirs_once(house: House, desk: Browser) -> None:
    case, call = promised(house)
    desk.get(PAGE)

    assert desk.post(f"{PAGE}/{case.id}/now", callback=call.id).status_code == 303
    runs(house)
    mine = [rung.number for rung in house.parts.program.ladder if rung.name == WITH_PHONE]
    assert [form["To"] for form in house.rung] == mine
    desk.get(PAGE)
    again = desk.post(f"{PAGE}/{case.id}/now", callback=call.id)
    assert again.status_code == 409 and "ringing already" in again.text
    Phone(house, 0).picks_up().presses("1")
    runs(house)

    assert [form["To"] for form in house.rung] == [*mine, ME]
    assert len(house.rows("callback")) == 1
    (row,) = house.rows("journal", case_id=case.id, event="call_now")
    assert row.who == WITH_PHONE


def test_who_has_no_phone_on_a_ladder_reads_so_and_nobody_is_rung(house: House) -> None:
    case, call = promised(house)
    other = Browser(house)
    other.signs_in(Account(house, "Dana Ruiz", Role.DISPATCHER))

    assert "No phone of yours is known" in part(other.get(PAGE).text, "promised")
    answer = other.post(f"{PAGE}/{case.id}/now", callback=call.id)

    assert answer.status_code == 409 and "No phone of yours is known" in answer.text
    runs(house)
    assert not house.rung


def test_whoever_signs_in_at_a_rehearsal_can_call_now(house: House) -> None:
    """Their phone is one of the ladder's: it rings, and after a 1 the resident's."""
    case, call = promised(house)
    house.change(program=_pointed(house.parts.program, "http://127.0.0.1:1", None))
    for name, role in REHEARSAL.items():
        phone = desk_calls.own_phone(house.parts, name)
        assert bool(phone) == may(role, Act.CALL_BACK), name
    dana = Browser(house)
    dana.signs_in(Account(house, "Dana Ruiz", Role.DISPATCHER))
    dana.get(PAGE)

    assert dana.post(f"{PAGE}/{case.id}/now", callback=call.id).status_code == 303
    runs(house)
    Phone(house, 0).picks_up().presses("1")
    runs(house)

    assert [form["To"] for form in house.rung] == ["+17205550130", ME]


def test_what_came_of_a_call_is_said_by_hand_where_that_can_be_true(
    house: House, desk: Browser
) -> None:
    """ "Not reached" is possible only after an attempt, and no outcome can be given for a call that
    is over."""
    case, call = promised(house)
    desk.get(PAGE)
    for said in ("not_reached", "wrong_person", "nobody_free", "x"):
        answer = desk.post(f"{PAGE}/{case.id}/outcome", callback=call.id, outcome=said)
        assert answer.status_code == 409, said
    assert house.rows("callback")[0].state == "waiting"

    answer = desk.post(f"{PAGE}/{case.id}/outcome", callback=call.id, outcome="reached")
    assert answer.status_code == 303
    (row,) = house.rows("callback")
    assert (row.state, row.outcome) == ("done", "reached")
    assert "We spoke" in part(desk.get(PAGE).text, "over")
    assert desk.post(f"{PAGE}/{case.id}/cancel", callback=call.id).status_code == 409
    noted = {line.event for line in house.rows("journal", case_id=case.id, who=WITH_PHONE)}
    assert noted == {"callback_outcome"}


def test_a_call_that_is_not_wanted_is_not_made_and_another_cases_is_not_touched(
    house: House, desk: Browser
) -> None:
    case, call = promised(house)
    other = house.resident("+17205550177").texts("i took all my pills goodbye").case()
    desk.get(PAGE)

    for deed in ("now", "cancel", "outcome"):
        form = {"callback": call.id, "outcome": "reached"}
        assert desk.post(f"{PAGE}/{other.id}/{deed}", **form).status_code == 409, deed
        assert desk.post(f"{PAGE}/none/{deed}", **form).status_code == 404, deed
    assert house.rows("callback")[0].state == "waiting"
    assert desk.post(f"{PAGE}/{case.id}/cancel", callback=call.id).status_code == 303
    assert house.rows("callback")[0].state == "cancelled"
    house.wait(3700)
    runs(house)
    assert ME not in {form["To"] for form in house.rung}
    assert len(house.rows("callback")) == 1


def test_missed_calls_say_why_and_are_looked_at_once_by_name(house: House, desk: Browser) -> None:
    """Hung up before an answer, with the number withheld, and the third time within a day."""
    for _ in range(3):
        Caller(house).rings().hangs_up()
        house.wait(60)
    Caller(house, "anonymous").rings().hangs_up()
    answered = Caller(house, "+17205550177").rings().presses("1", NO, NO, NO, NO, NO, NO, "3")
    answered.hangs_up()
    runs(house)

    page = desk.get(PAGE).text
    missed = part(page, "missed")
    assert missed.count("<tr id=") == 4
    assert "Third contact in 24 hours" in missed
    assert "Number withheld" in missed and "no number" in missed
    assert missed.count("Hung up before an answer") == 3
    assert answered.case().reference not in page

    case_id, leg_id = re.findall(r'callbacks/([^/]+)/looked.*?name="call" value="([^"]+)"', missed)[
        0
    ]
    assert desk.post(f"{PAGE}/{case_id}/looked", call=leg_id).status_code == 303
    page = desk.get(PAGE).text
    assert part(page, "missed").count("<tr id=") == 3
    assert WITH_PHONE in part(page, "reviewed")
    (row,) = house.rows("journal", event="call_reviewed")
    assert (row.who, row.case_id) == (WITH_PHONE, case_id)

    again = desk.post(f"{PAGE}/{case_id}/looked", call=leg_id)
    assert again.status_code == 409 and f"{WITH_PHONE} has looked at it" in again.text
    assert desk.post(f"{PAGE}/{case_id}/looked", call="x").status_code == 409
    assert len(house.rows("journal", event="call_reviewed")) == 1


def test_somebody_without_a_number_and_my_own_phone_are_not_rung(
    house: House, desk: Browser
) -> None:
    """A withheld number is not called, whatever a human noted; and nobody calls themselves."""
    hidden = Caller(house, "anonymous").rings().presses("1", NO, NO, NO, NO)
    mine = next(rung.number for rung in house.parts.program.ladder if rung.name == WITH_PHONE)
    me = house.resident(mine).texts("i took all my pills goodbye")
    house.settles()
    hidden.hangs_up()
    for case_id, words in ((hidden.case().id, "No number of theirs"), (me.case().id, "your own")):
        told = {"by": "Dana", "question": "contact", "choice": "text_call", "reason": "said so"}
        assert house.dispatch(f"/{case_id}/answers", told).status_code == 200
        desk.get(PAGE)
        answer = desk.post(f"{PAGE}/{case_id}/now")
        assert answer.status_code == 409 and words in answer.text, answer.text[:2000]


def test_whoever_calls_again_is_missed_again(house: House, desk: Browser) -> None:
    Caller(house).rings().presses("1").hangs_up()
    runs(house)
    missed = part(desk.get(PAGE).text, "missed")
    assert "in the middle of the questions" in missed
    (found,) = re.findall(r'callbacks/([^/]+)/looked.*?name="call" value="([^"]+)"', missed)
    desk.post(f"{PAGE}/{found[0]}/looked", call=found[1])
    assert part(desk.get(PAGE).text, "missed") == ""

    Caller(house).rings().hangs_up()
    runs(house)

    assert "2 calls" in part(desk.get(PAGE).text, "missed")


def looks(desk: Browser, csrf: str, tag: str, have: str = "") -> dict[str, Any]:
    """The page polls."""
    answer = desk.client.post(
        f"{PAGE}/news", data={"csrf": csrf, "v": tag, "have": have}, headers=OURS,
        environ_base=desk.from_here,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return {"size": len(answer.data), **answer.json}


def test_the_page_is_told_what_is_new_and_nothing_where_nothing_is(
    house: House, desk: Browser
) -> None:
    """Each change is news once; without changes there are two small queries."""
    case, call = promised(house)
    page, csrf = desk.get(PAGE).text, desk.token()
    (tag,) = re.findall(r'id="calls"[^>]* data-tag="([^"]+)"', page)
    have = " ".join(map("=".join, re.findall(r'data-key="([^"]+)" data-tag="([^"]+)"', page)))
    opened = len(house.rows("journal", event="listed"))
    with reading(house) as queries:
        still = looks(desk, csrf, tag, have)
    assert (still["v"], "rows" in still) == (tag, False) and still["size"] <= 1000
    assert len(queries) <= 2, queries

    def news() -> list[str]:
        nonlocal tag, have
        told = looks(desk, csrf, tag, have)
        assert told["v"] != tag, "a change that the page is not told of"
        tag, rows = told["v"], told.get("rows", {})
        for key, html in rows.items():
            (says,) = re.findall(r'data-tag="([^"]+)"', html)
            have = f"{have} {key}={says}"
        assert rows.keys() <= {key for each in told["order"].values() for key in each}
        return sorted(rows)

    Caller(house, "+17205550177").rings().hangs_up()
    runs(house)
    missed = house.rows("leg")[-1]
    assert news() == [f"m-{missed.id}"]
    desk.post(f"{PAGE}/{missed.case_id}/looked", call=missed.id, csrf=csrf)
    assert news() == [f"r-{missed.id}"]
    house.resident(ME).texts("do not call me")  # a prohibition
    assert news() == [f"p-{call.id}"]
    desk.get(PAGE)
    desk.post(f"{PAGE}/{case.id}/cancel", callback=call.id)
    assert news() == [f"o-{call.id}"]
    again = len(house.rows("journal", event="listed"))
    assert again == opened + 1, "only what somebody opened is read by them"


@contextmanager
def reading(house: House) -> Iterator[list[str]]:
    """The database queries meanwhile."""
    asked: list[str] = []

    def note(conn: Any, cursor: Any, sql: str, *_: Any) -> None:
        if sql.lstrip().upper().startswith("SELECT"):
            asked.append(sql)

    sa.event.listen(house.parts.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        sa.event.remove(house.parts.engine, "before_cursor_execute", note)


def test_every_reason_and_outcome_of_the_page_has_words() -> None:
    assert set(callbacks.MISSED) == set(callbacks.Missed)
    assert set(callbacks.OUTCOMES) == set(callbacks.CallbackOutcome)
