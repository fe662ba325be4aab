"""Calls and callbacks against running `serve` and `work` processes: real signatures, both
databases, and every TwiML document executed over HTTP by the stand-in Twilio. Speech is ten times
as fast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from running import House, Person, connected, running, until
from test_end_to_end import in_danger

from caller_service.rehearsal.call_engine import CallEngine
from caller_service.rehearsal.handset import Handset

SPEED = 10.0
SECOND = "Second dispatcher"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    with running(request.param, tmp_path_factory.mktemp(request.param), SPEED) as one:
        yield one


def calling(house: House) -> CallEngine:
    engine: CallEngine = house.twilio.extensions["calling"]
    return engine


def dials(house: House) -> Handset:
    return Handset(calling(house), house.resident().number).dials()


def staff(house: House) -> list[Handset]:
    numbers = {rung.number for rung in house.program.ladder if rung.number}
    return [Handset(calling(house), number) for number in sorted(numbers)]


def whoever_rings(house: House, but: str = "") -> Handset:
    """The phone of somebody on the ladder, as soon as one of them rings."""

    def ringing() -> Handset | None:
        for one in staff(house):
            call = calling(house).latest(one.number)
            if call is not None and call.status == "ringing" and one.number != but:
                return one.rings()
        return None

    found = until(ringing, "somebody's phone rings")
    assert found is not None
    return found


def case_of(house: House, me: Handset) -> Any:
    query = 'SELECT c.* FROM "case" c JOIN leg l ON l.case_id = c.id WHERE l.provider_id = :sid'
    return house.rows(query, sid=me.call.sid)[0]


def closes(house: House, case_id: str) -> None:
    """Close the case, so that no phone rings for it any more: each test begins with quiet
    phones."""
    house.asks(f"/{case_id}/status", {"status": "closed", "by": "Dana", "outcome": "safe"})
    for one in staff(house):
        call = calling(house).latest(one.number)
        if call is not None and call.live:
            until(lambda call=call: not call.live, "the phone is quiet again")


def test_a_caller_waits_in_the_queue_and_is_joined_to_the_one_who_presses_1(house: House) -> None:
    me = dials(house).listens().hears("Fairhaven Care Line").press("1").listens().press("0")
    me.until(lambda: bool(me.call.waits_in), "in the queue")
    case = case_of(house, me)
    assert me.call.waits_in == case.id

    person = whoever_rings(house).answers().listens()
    assert me.number not in person.transcript()
    assert me.number[-10:] not in person.transcript()
    person.press("1").joined()
    me.joined(calling(house).name(person.call))
    person.speaks("This is Dana.")
    me.until(lambda: any(line.kind == "hears" for line in me.lines), "their voice")

    told = until(
        lambda: (told := house.asks(f"/{case.id}/calls"))["talking"] and told, "it is recorded"
    )
    assert told["on_the_line"]
    assert [(one["person"], one["to"]) for one in told["talks"]] == [
        (calling(house).name(person.call), None)
    ]
    person.hangs_up()  # a caller who stays on the line is never dropped
    me.parted().until(lambda: bool(me.call.waits_in), "in the queue again")
    me.hangs_up()
    until(lambda: not house.asks(f"/{case.id}/calls")["on_the_line"], "the call is over")
    assert house.asks(f"/{case.id}/calls")["talks"][0]["to"]
    assert not list(calling(house).refusals)
    closes(house, case.id)


def test_a_call_that_ends_in_the_middle_is_a_task_in_the_api(house: House) -> None:
    me = dials(house).listens().press("1").listens().hangs_up().ends()
    case = case_of(house, me)

    held = house.when_board(lambda: house.board.held(case.id), "the task is with dispatch")
    assert held.packet["who"] == "me"
    assert held.packet["reasons"] == ["hung_up"], held.packet
    assert not house.asks(f"/{case.id}/calls")["on_the_line"]
    mine = [call for call in calling(house).calls() if call.phone == me.number]
    assert mine == [me.call]  # software never calls back
    closes(house, case.id)


def booked(house: House, caller: Person) -> tuple[str, str]:
    """Promise a call to somebody whose danger a person has; returns the ids of case and
    callback."""
    case_id = house.case_of(caller).id
    house.asks(f"/{case_id}/acknowledgement", {"answer": "accept", "by": SECOND})
    told = house.asks(
        f"/{case_id}/callbacks",
        {"by": SECOND, "in_minutes": 1, "person": SECOND, "ask_for": "Sam"},
    )
    return case_id, told["callbacks"][-1]["id"]


def falls_due(house: House, callback_id: str) -> None:
    """Make the callback due."""
    with connected(house.database_url) as conn, conn.begin():
        conn.exec_driver_sql(
            "UPDATE callback SET due_at = at, next_at = at WHERE id = "
            + ("?" if "sqlite" in house.database_url else "%s"),
            (callback_id,),
        )


def promised(house: House, case_id: str) -> Any:
    return house.asks(f"/{case_id}/calls")["callbacks"][-1]


def test_a_callback_is_received_and_a_live_person_speaks_first(house: House) -> None:
    caller = in_danger(house)
    case_id, callback_id = booked(house, caller)
    house.settles(caller)
    falls_due(house, callback_id)

    second = house.staff(SECOND).number
    person = Handset(calling(house), second).rings().answers().listens()
    assert caller.number not in person.transcript()
    person.press("1")
    me = Handset(calling(house), caller.number).rings().answers()
    me.joined(SECOND)
    person.joined().speaks("Hello, am I speaking with Sam?").hears("Sam")
    assert me.said == []  # no artificial voice, and no key to press
    me.speaks("Yes.")

    with connected(house.database_url) as conn, conn.begin():  # they have talked for half a minute
        conn.exec_driver_sql(
            "UPDATE talk SET at = "
            + (
                "datetime(at, '-30 seconds')"
                if "sqlite" in house.database_url
                else "at - interval '30 seconds'"
            )
        )
    person.hangs_up()
    me.ends()
    until(lambda: promised(house, case_id)["state"] == "done", "the promise is kept")
    assert promised(house, case_id)["outcome"] == "reached"
    (talk,) = house.asks(f"/{case_id}/calls")["talks"]
    assert talk["person"] == SECOND and talk["to"]
    rung = [call for call in calling(house).calls() if call.phone == caller.number]
    assert [call.direction for call in rung] == ["outbound-api"]
    closes(house, case_id)


def test_nobody_takes_a_callback_from_a_voicemail_and_the_resident_is_rung_once(
    house: House,
) -> None:
    """The first human's voicemail answers, and the next human takes the callback. The resident's
    phone is busy, and this attempt does not ring it again."""
    caller = in_danger(house)
    case_id, callback_id = booked(house, caller)
    house.settles(caller)
    second = house.staff(SECOND).number
    calling(house).habits[second] = "voicemail"
    calling(house).habits[caller.number] = "busy"
    try:
        falls_due(house, callback_id)
        person = whoever_rings(house, but=second).answers().listens().press("1")
        assert calling(house).latest(second).answered_by == "machine_start"

        def rung() -> list[str]:
            every = calling(house).calls()
            return [call.status for call in every if call.phone == caller.number]

        until(lambda: rung() == ["busy"], "the resident is rung")
        until(lambda: promised(house, case_id)["state"] == "waiting", "another attempt is kept")
        assert promised(house, case_id)["attempts"] == 1 and rung() == ["busy"]
        person.ends()
    finally:
        calling(house).habits.clear()
    closes(house, case_id)
