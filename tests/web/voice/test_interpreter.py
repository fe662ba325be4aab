"""A caller whose language no voice of ours speaks: a person and the interpreter line are rung
together, and the three meet. Whatever fails, the caller is never alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from network import Network

if TYPE_CHECKING:
    from conftest import House

    from caller_service.rehearsal.handset import Handset

ME, INTERPRETER = "+17205550123", "+17205550112"


@pytest.fixture
def network(house: House) -> Network:
    house.resident(ME).texts("español")
    silent = replace(house.parts.catalog.languages["es"], voice=None)
    languages = {**house.parts.catalog.languages, "es": silent}
    house.change(catalog=replace(house.parts.catalog, languages=languages))
    return Network(house)


def calls_in(network: Network) -> Handset:
    me = network.phone(ME).dials()
    me.waits(3)
    network.works()
    return me


def staff(network: Network) -> Handset:
    number = next(form["To"] for form in network.house.rung if form["To"] != INTERPRETER)
    return network.phone(number).rings()


def taken(network: Network) -> tuple[Handset, Handset]:
    """Somebody of staff has pressed 1, and the caller is fetched."""
    me, person = calls_in(network), staff(network)
    person.answers().listens().press("1").waits(6)
    network.works()
    me.waits(4)
    return me, person


def test_a_person_and_the_interpreter_line_are_rung_together(network: Network) -> None:
    me = calls_in(network)
    rung = [form["To"] for form in network.house.rung]
    assert INTERPRETER in rung
    assert len(set(rung)) >= 2
    me.waits(30).hears("I am asking for an interpreter, too.")
    assert me.call.waits_in


def test_the_three_meet_and_hear_each_other(network: Network) -> None:
    me, person = calls_in(network), staff(network)
    line = network.phone(INTERPRETER).rings().answers().waits(12)
    line.hears("We need an interpreter for Spanish.")
    assert not line.call.joined  # nobody is there: they wait
    person.answers().listens().press("1").waits(6)
    person.hears("Interpreter.").joined()  # the two, before the caller comes
    network.works()
    me.waits(4).joined()
    me.speaks("Ayuda.")
    for other in (person, line):
        assert "Ayuda." in [one.words for one in other.lines if one.kind == "hears"]
    line.speaks("They ask for help.")
    assert "They ask for help." in [one.words for one in person.lines if one.kind == "hears"]
    [talk] = network.house.rows("talk")
    assert talk.ended_at is None
    [case] = network.house.rows("case")
    assert talk.person == case.state["holder"]
    assert [] == list(network.engine.refusals)


def test_when_the_person_leaves_the_caller_is_back_in_the_queue(network: Network) -> None:
    me, person = taken(network)
    line = network.phone(INTERPRETER).rings().answers().waits(15)
    me.joined()
    me.waits(40)
    person.hangs_up()
    me.waits(3)
    network.works()
    assert me.call.waits_in, me.transcript()
    me.hears("The other person has hung up.")
    line.ends()
    [talk] = network.house.rows("talk")
    assert talk.ended_at is not None


def test_without_the_interpreter_the_two_still_meet(network: Network) -> None:
    me, person = taken(network)
    network.phone(INTERPRETER).rings().declines()
    network.works()
    me.joined()
    assert person.call.joined


def test_an_interpreter_who_hangs_up_ends_nothing(network: Network) -> None:
    me, person = taken(network)
    line = network.phone(INTERPRETER).rings().answers().waits(15)
    line.hangs_up()
    network.works(3)
    assert me.call.joined
    assert person.call.joined


def test_a_person_who_leaves_before_the_caller_comes_leaves_nobody_alone(
    network: Network,
) -> None:
    """The caller is fetched just as the person hangs up: they are brought back."""
    me, person = calls_in(network), staff(network)
    person.answers().listens().press("1").waits(6)
    house = network.house
    [leg] = house.rows("leg")
    url = f"/twilio/voice/meets?leg={leg.id}"
    network.engine.redirect(me.call, url)
    network.engine.time.run()
    me.waits(4)
    person.hangs_up()
    network.works(8)
    assert me.call.waits_in, me.transcript()
    assert not house.rows("leg")[0].ended_at


def test_the_caller_alone_in_the_room_is_brought_back(network: Network) -> None:
    me, person = calls_in(network), staff(network)
    person.answers().listens().press("1")
    house = network.house
    [leg] = house.rows("leg")
    network.engine.redirect(me.call, f"/twilio/voice/meets?leg={leg.id}")
    network.engine.time.run()
    person.hangs_up()  # still hears the whisper: not in the room
    network.works(8)
    me.waits(3)
    assert me.call.waits_in, me.transcript()


def test_a_caller_who_hangs_up_lets_the_others_go(network: Network) -> None:
    me, person = taken(network)
    line = network.phone(INTERPRETER).rings().answers().waits(15)
    me.hangs_up()
    network.works(3)
    person.ends()
    line.ends()


def test_an_interpreter_who_waits_for_nobody_is_let_go(network: Network) -> None:
    me = calls_in(network)
    line = network.phone(INTERPRETER).rings().answers().waits(12)
    me.hangs_up()
    network.works(3)
    line.ends()


def test_whoever_is_in_a_call_to_988_is_fetched_when_they_come_back(network: Network) -> None:
    me, person = calls_in(network), staff(network)
    me.press("4").waits(6).press("1").waits(5)
    assert not me.call.waits_in
    person.answers().listens().press("1").waits(6)
    network.works()
    assert not network.house.moved
    network.engine.far_end_hangs_up(me.call)
    me.waits(6)
    assert me.call.waits_in, me.transcript()
    network.engine.repeat(person.call)  # their wait document is asked for again and again
    network.works(2)
    me.waits(3).joined()


def test_two_callers_have_an_interpreter_each(network: Network) -> None:
    """It is one number with many lines."""
    calls_in(network)
    other = "+17205550124"
    network.house.resident(other).texts("español")
    network.phone(other).dials().waits(3)
    network.works()
    assert 2 == [form["To"] for form in network.house.rung].count(INTERPRETER)
