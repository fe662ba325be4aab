"""Somebody who wrote to one of our numbers is answered from it, also by later texts: another number
would appear as a stranger, and a carrier's STOP applies to one number."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from conftest import signed
from hypothesis import given
from hypothesis import strategies as st
from phones import Phone, lost, moves, rings, screened
from test_outage import listed

from caller_service.casework.inbound import fetch_missed_texts
from caller_service.core.program import Numbers, OurNumber
from caller_service.store.tables import contact

if TYPE_CHECKING:
    from conftest import House, Resident

FIRST, SECOND, SERVICE = "+17205550100", "+17205550101", "MG" + "5" * 32


@pytest.fixture
def two(house: House) -> House:
    """A program with two numbers and a Messaging Service."""
    ours(house, FIRST, SECOND, SERVICE)
    return house


def ours(house: House, *numbers: str) -> None:
    program = house.parts.program
    given = tuple(OurNumber(number, ("en",)) for number in numbers)
    house.change(program=replace(program, numbers=replace(program.numbers, ours=given)))


def told_unasked(house: House, me: Resident) -> dict[str, str]:
    """The sender of the next text to them by REST."""
    house.sent.clear()
    words = {"by": "Maria", "words": "I am on my way"}
    assert house.dispatch(f"/{me.case().id}/notes", words).status_code in (200, 201, 202)
    house.works()
    (sent,) = [form for form in house.sent if form["To"] == me.number]
    return {name: sent[name] for name in ("From", "MessagingServiceSid") if name in sent}


@pytest.mark.parametrize(
    ("form", "sender"),
    [
        ({"To": FIRST}, {"From": FIRST}),
        ({"To": SECOND}, {"From": SECOND}),
        # a number in the service's pool: the service keeps using it by itself
        ({"To": "+17205550177", "MessagingServiceSid": SERVICE}, {"MessagingServiceSid": SERVICE}),
        ({"To": SECOND, "MessagingServiceSid": SERVICE}, {"From": SECOND}),
        ({"To": "+17205550177"}, {"From": FIRST}),
        ({"To": ""}, {"From": FIRST}),
    ],
)
def test_unasked_texts_come_from_the_number_they_wrote_to(
    two: House, form: dict[str, str], sender: dict[str, str]
) -> None:
    me = two.resident().texts("i took all the pills", **form)
    assert told_unasked(two, me) == sender


def test_the_number_they_wrote_to_last_counts_and_silence_changes_nothing(two: House) -> None:
    me = two.resident().texts("i took all the pills", To=SECOND)
    me.texts("hello", To="+17205550188")  # not ours: treated as unknown
    assert told_unasked(two, me) == {"From": SECOND}
    me.texts("hello again", To=FIRST)
    assert told_unasked(two, me) == {"From": FIRST}


def test_a_number_that_left_the_program_is_replaced_by_the_first(two: House) -> None:
    me = two.resident().texts("i took all the pills", To=SECOND)
    ours(two, FIRST)
    assert told_unasked(two, me) == {"From": FIRST}


def test_staff_are_texted_from_the_first(two: House) -> None:
    two.resident().texts("i took all the pills", To=SECOND)
    two.works()
    pages = [form for form in two.sent if form["To"] != "+17205550123"]
    assert pages and {form["From"] for form in pages} == {FIRST}


@pytest.mark.parametrize(
    ("form", "caller"),
    [
        ({"To": SECOND}, SECOND),
        ({"To": FIRST}, FIRST),
        # a Messaging Service has no single number to call from
        ({"To": "+17205550177", "MessagingServiceSid": SERVICE}, FIRST),
    ],
)
def test_a_call_with_an_update_comes_from_the_number_they_wrote_to(
    two: House, form: dict[str, str], caller: str
) -> None:
    me = screened(two).texts("thank you", **form)
    lost(two, me)
    two.settles()
    assert [two.rung[place]["From"] for place in rings(two)] == [caller]
    Phone(two, rings(two)[-1]).picks_up().presses("1").reports("completed")
    two.settles()
    ours(two, FIRST)
    two.wait(601)
    moves(two, me, "arrived")
    assert [two.rung[place]["From"] for place in rings(two)] == [caller, FIRST], (
        "a number that left the program is replaced by the first"
    )


def test_staff_are_called_from_the_first(two: House) -> None:
    rung = replace(two.parts.program.ladder[0], by="call")
    two.change(program=replace(two.parts.program, ladder=(rung,)))
    two.resident().texts("i took all the pills", To=SECOND)
    two.settles()
    assert [form["From"] for form in two.rung] == [FIRST]


def test_whoever_wrote_before_the_column_was_there_is_answered_from_the_first(two: House) -> None:
    me = two.resident().texts("i took all the pills", To=SECOND)
    with two.parts.engine.begin() as conn:
        conn.execute(contact.update().values(our_number=""))
    assert told_unasked(two, me) == {"From": FIRST}


def test_a_text_fetched_later_is_answered_from_where_it_came_to(two: House) -> None:
    heard = two.clock() - timedelta(minutes=5)
    listed(two, ("SMmissed", "+17205550123", "i took all the pills", heard), to=SECOND)
    assert fetch_missed_texts(two.parts) == 1
    two.works()
    answers = [form for form in two.sent if form["To"] == "+17205550123"]
    assert answers and {form["From"] for form in answers} == {SECOND}


@given(st.lists(st.sampled_from([FIRST, SECOND, SERVICE, "+17205550177", ""]), max_size=4))
def test_what_is_sent_from_is_always_one_of_ours(named: list[str]) -> None:
    numbers = Numbers(tuple(OurNumber(one, ("en",)) for one in (FIRST, SECOND, SERVICE)))
    kept = numbers.written_to(*named)
    assert numbers.sender(kept) in (FIRST, SECOND, SERVICE)
    assert kept in ("", *named) and (kept or not {FIRST, SECOND, SERVICE} & set(named))


def test_a_repeated_webhook_keeps_the_number_once(two: House) -> None:
    me = two.resident().texts("i took all the pills", sid="SM" + "1" * 32, To=SECOND)
    form = {"MessageSid": "SM" + "1" * 32, "From": me.number, "To": SECOND, "Body": "x"}
    assert signed(two, "/twilio/sms", form).status_code == 200
    assert told_unasked(two, me) == {"From": SECOND}
