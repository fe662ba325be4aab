"""Calls as Twilio runs them: the service's own documents, verb by verb, with both phones controlled
by the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from network import Network

from caller_service.casework import answer_call
from caller_service.rehearsal.twiml_rules import WITHHELD

if TYPE_CHECKING:
    from conftest import House

    from caller_service.casework.parts import Parts
    from caller_service.rehearsal.handset import Handset

ME = "+17205550123"


@pytest.fixture
def network(house: House) -> Network:
    return Network(house)


def in_danger(network: Network) -> Handset:
    """About themselves, badly hurt: a person is asked."""
    me = network.phone(ME).dials().listens().press("1").listens().press("1")
    network.works()
    return me.waits(10)  # the instruction to its end: then they are in the queue


def staff(network: Network) -> Handset:
    """Whose phone rings last."""
    return network.phone(network.house.rung[-1]["To"]).rings()


def test_a_caller_and_a_person_are_joined_and_the_caller_is_never_dropped(network: Network) -> None:
    me = in_danger(network)
    person = staff(network).answers().listens().press("1").joined("Resident")
    me.joined(network.engine.name(person.call))
    person.speaks("This is Maria.")
    me.speaks("Hello.").waits(31)

    person.hangs_up()

    me.parted().is_saying("The other person has hung up.")
    assert ["This is Maria."] == [line.words for line in me.lines if line.kind == "hears"]
    assert me.call.waits_in  # another person is asked
    assert ME not in person.transcript()  # nothing of number in what staff hear


def test_a_caller_who_hangs_up_in_a_short_talk_was_not_cut_off(network: Network) -> None:
    """Nobody else is called about a call that the caller ended."""
    me = in_danger(network)
    person = staff(network).answers().listens().press("1").joined("Resident")
    network.works()
    rung = len(network.house.rung)
    me.waits(8).hangs_up()
    person.parted()
    network.works(3)
    assert rung == len(network.house.rung)
    assert not [row for row in network.house.rows("journal") if row.event == "line_cut"]


def test_who_takes_a_call_whose_caller_has_hung_up_hears_so(network: Network) -> None:
    """They were rung for somebody on the line, and nobody is joined to them."""
    me = in_danger(network)
    person = staff(network).answers().listens()
    me.hangs_up()
    network.works()
    person.press("1").ends().hears("The caller has hung up.")
    [case] = network.house.rows("case")
    assert case.status == "accepted"


def test_who_takes_a_call_whose_caller_is_at_988_hears_where_they_are(network: Network) -> None:
    """Not "one moment" for as long as a counselor takes; and they are joined afterwards."""
    me = in_danger(network)
    person = staff(network).answers().listens()
    me.press("4").listens().press("1").waits(10)
    person.press("1").waits(20).hears("The caller is calling 988.")
    person.never_hears("One moment.")
    network.engine.far_end_hangs_up(me.call)
    me.waits(20)
    person.joined("Resident")


def test_a_phone_that_rings_long_is_waited_for_without_haste(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queue that nobody has been in yet is reported as failed, and at once."""
    house = network.house
    me = network.phone(ME).dials()
    for key in ("1", "2", "2", "2", "2", "1", "1", "2", "1"):
        me.listens().press(key)
    me.ends()
    [case] = house.rows("case")
    told = {"by": "Counselor on duty", "in_minutes": 1, "person": "Counselor on duty"}
    assert house.dispatch(f"/{case.id}/callbacks", told).status_code == 200
    me.waits(61)
    network.works()
    person = network.phone("+17205550134").rings().answers().listens().press("1")
    network.works()
    asked: list[str] = []

    def parted(parts: Parts, call_id: str, reached: bool) -> answer_call.Spoken:
        asked.append(call_id)
        return answer_call.parted(parts, call_id, reached)

    monkeypatch.setattr("caller_service.web.voice.calls.parted", parted)
    me = network.phone(ME).rings().waits(20).answers()
    network.works(1)
    me.joined()
    person.joined("Resident")
    assert 1 < len(asked) < 25


def test_a_voicemail_takes_nobody_out_of_the_queue(network: Network) -> None:
    me = in_danger(network)

    staff(network).lets_voicemail_answer().ends()

    assert me.call.waits_in
    assert not me.call.joined


def test_a_call_that_ends_after_an_answer_is_kept(network: Network) -> None:
    network.phone(ME).dials().listens().press("1").listens().hangs_up()
    network.works()

    [case] = network.house.rows("case")
    assert "me" == case.state["answers"]["who"]


@pytest.mark.parametrize("lost", [False, True])
def test_a_key_pressed_while_nothing_listens_harms_nothing(network: Network, lost: bool) -> None:
    """Whether Twilio keeps such a key is not documented: the call continues either way."""
    network.engine.exchange.switch({"keys_lost": lost})

    me = network.phone(ME).dials().press("1").listens().press("2").listens().press("2")

    network.works()
    assert not me.listens().over
    assert [] == list(network.engine.refusals)


@pytest.mark.parametrize("withheld", WITHHELD)
def test_a_withheld_number_is_nobodys_number(network: Network, withheld: str) -> None:
    """However the provider marks a withheld number, two such callers are two people, and software
    never calls them."""
    for _ in range(2):
        me = network.phone(ME).dials(withheld=withheld).listens().press("1").listens().press("1")
        assert not me.over
    network.works()

    cases = network.house.rows("case")
    assert 2 == len({case.contact_id for case in cases}) == len(cases)
    assert withheld not in {form["To"] for form in network.house.rung}


# ---- keys between documents: kept, or lost -------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["kept", "lost"])
def either(network: Network, request: pytest.FixtureRequest) -> Network:
    network.engine.exchange.switch({"keys_lost": request.param})
    return network


def answers(network: Network) -> dict[str, str]:
    [case] = network.house.rows("case")
    return dict(case.state["answers"])


def test_a_whole_call_is_the_same_either_way(either: Network) -> None:
    me = either.phone(ME).dials()
    for key in ("1", "2", "2", "2", "2", "1", "1", "2", "1"):
        me.listens().press(key)
    me.ends()
    either.works()
    assert answers(either) == {
        "who": "me", "health": "no", "safety": "no", "suicide": "no", "contact": "text_call",
        "want": "counselor", "voicemail": "yes",
    }  # fmt: skip
    assert [] == list(either.engine.refusals)


@pytest.mark.parametrize("keys", ["12222111", "122", "1#######", "11", "0", "9", "1*1", "444444"])
def test_keys_pressed_ahead_lower_nothing_and_lose_nobody(either: Network, keys: str) -> None:
    """All at once, during the greeting: no danger is denied unheard, contact is not permitted, and
    a caller who is then silent gets a human."""
    me = either.phone(ME).dials()
    for key in keys:
        me.press(key)
    me.waits(2)
    known = answers(either)
    assert "no" not in (known.get("safety"), known.get("suicide"))
    assert known.get("contact") is None
    assert me.over or me.said
    me.waits(240)
    either.works()
    [case] = either.house.rows("case")
    assert case.level in ("R1", "R2"), me.transcript()
    assert me.call.waits_in or me.over
    assert [] == list(either.engine.refusals)


def test_a_key_while_they_enter_the_queue_takes_nobody_out_of_it(either: Network) -> None:
    me = either.phone(ME).dials().listens().press("1").listens().press("1")
    me.press("4").press("1").press("5").press("1").press("#")
    either.works()
    me.waits(20)
    assert me.call.waits_in, me.transcript()


def test_leaving_the_queue_takes_two_keys_either_way(either: Network) -> None:
    me = in_danger(either)
    me.press("4").waits(2).is_saying("A counselor at 988.").press("4").waits(2)
    assert me.call.waits_in
    me.press("4").waits(6).press("1").waits(2)
    assert not me.call.waits_in
