"""Index keys are rotated while people write: whichever key their number is stored under, they are
the same person, with the same request and the same STOP (docs/operations.md, "Keys")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from at_once import at_once
from conftest import signed
from phones import Phone

from caller_service.casework.inbound import handle_inbound
from caller_service.casework.outbound.call_person import call_person
from caller_service.casework.receive import Turn, receive
from caller_service.casework.rewrap import rewrap
from caller_service.store.sealing import Sealer
from caller_service.store.tables import Base

if TYPE_CHECKING:
    from conftest import House, Resident

CRY = "i took all my pills goodbye"
ME = "+17205550123"


def sealer(*ids: str) -> Sealer:
    """A sealer with these keys, the newest first."""
    return Sealer(
        {f"d{one}": one.encode().ljust(32, b"d") for one in ids},
        {f"i{one}": one.encode().ljust(32, b"i") for one in ids},
    )


OLD, BOTH, FIRST_STEP, NEW = sealer("1"), sealer("2", "1"), sealer("1", "2"), sealer("2")


def number(place: int) -> str:
    return f"+1720555{place:04d}"


def contacts(house: House) -> list[Any]:
    return house.rows("contact")


def stands_under(house: House, one: str, keys: Sealer) -> bool:
    """Is this number stored under, and labelled with, the newest of these keys?"""
    (row,) = [row for row in contacts(house) if row.number_index in keys.indexes(one)]
    return (
        row.number_index == keys.index(one)
        and row.index_key == keys.index_key
        and keys.is_current(row.sealed_number)
    )


def split(
    house: House, first: Callable[[Resident], object], then: Callable[[Resident], object]
) -> Resident:
    """Two contacts of one number, as left by a release that looked under the newest key only."""
    me = house.resident()
    house.change(sealer=OLD)
    first(me)
    house.change(sealer=Sealer({"d1": b"1".ljust(32, b"d")}, {"i2": b"2".ljust(32, b"i")}))
    then(me)
    assert len(contacts(house)) == 2
    house.change(sealer=BOTH)
    return me


@pytest.mark.parametrize("keys", [BOTH, FIRST_STEP], ids=["newest first", "newest last"])
def test_a_repeated_webhook_after_a_rotation_makes_nobody_a_stranger(
    house: House, keys: Sealer
) -> None:
    house.change(sealer=OLD)
    people = [house.resident(number(200 + place)) for place in range(6)]
    answers = []
    for place, person in enumerate(people):
        person.texts(CRY if place % 2 else "stop", sid=f"SMone{place}")
        answers.append(person.heard)
    house.change(sealer=keys)

    for place, person in enumerate(people):
        person.texts(CRY if place % 2 else "stop", sid=f"SMone{place}")
        assert person.heard == answers[place]
        assert stands_under(house, person.number, keys)
    assert len(contacts(house)) == len(house.rows("case")) == 6
    for place, person in enumerate(people):
        person.texts("hello? are you there")
        assert (person.case().level == "R2") == bool(place % 2)
    assert len(contacts(house)) == 6
    assert sum(row.stopped_at is not None for row in contacts(house)) == 3


def test_whoever_writes_is_left_under_the_newest_key_and_the_old_one_may_go(house: House) -> None:
    house.change(sealer=OLD)
    me = house.resident().texts("hi", "1")
    house.change(sealer=BOTH)
    me.texts("2")
    assert stands_under(house, ME, BOTH)

    house.change(sealer=NEW)
    me.texts("2")

    assert len(contacts(house)) == len(house.rows("case")) == 1
    assert me.case().state["answers"]["safety"] == "no"


def test_a_number_from_before_its_key_was_noted_is_noted_when_they_write(house: House) -> None:
    me = house.resident().texts("hi")
    with house.parts.engine.begin() as conn:
        conn.execute(sa.update(Base.metadata.tables["contact"]).values(index_key=None))
    me.texts("1")

    assert stands_under(house, ME, house.parts.sealer)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("many", [2, 6])
def test_texts_at_once_while_keys_are_rotated_make_one_contact(
    house: House, known: bool, many: int
) -> None:
    """Half of them reach a process that has the new key last, half one that has it first."""
    if known:
        house.change(sealer=OLD)
        house.resident().texts("hi")
    heard = house.clock()
    processes = [replace(house.parts, sealer=keys) for keys in (BOTH, FIRST_STEP)]

    def text(place: int) -> Callable[[], Any]:
        turn = Turn(f"SMrace{place}", ME, f"text number {place}", heard)
        return lambda: receive(processes[place % 2], turn)

    given = at_once(*(text(place) for place in range(many)))

    assert not [each for each in given if isinstance(each, Exception)]
    assert len(contacts(house)) == len(house.rows("case")) == 1
    assert len(house.rows("message", direction="in")) == many + known


def test_the_same_text_at_once_while_keys_are_rotated_is_one_turn(house: House) -> None:
    heard = house.clock()
    processes = [replace(house.parts, sealer=keys) for keys in (BOTH, FIRST_STEP)]
    same = [
        lambda parts=parts: receive(parts, Turn("SMsame00", ME, CRY, heard)) for parts in processes
    ]
    given = at_once(*same, *same)

    assert len({tuple((text.id, text.words) for text in each) for each in given}) == 1
    assert len(contacts(house)) == len(house.rows("case")) == 1


def test_many_people_at_once_while_every_row_is_rewritten_stay_one_each(house: House) -> None:
    """Known and new people, in danger and stopped, with processes that have the keys in either
    order, while `keys rewrap` runs: one contact per number, one open request, every text stored, no
    STOP forgotten."""
    house.change(sealer=OLD)
    people = [number(400 + place) for place in range(6)]
    words = {people[0]: CRY, people[1]: "stop", people[2]: "hi"}  # the others are new
    for one, said in words.items():
        house.resident(one).texts(said)
    house.change(sealer=BOTH)
    heard = house.clock()
    processes = [replace(house.parts, sealer=keys) for keys in (BOTH, FIRST_STEP)]

    def text(place: int, one: str) -> Callable[[], Any]:
        turn = Turn(f"SMmany{one[-3:]}{place}", one, f"text number {place}", heard)
        return lambda: receive(processes[place % 2], turn)

    texts = [text(place, one) for one in people for place in range(3)]
    given = at_once(*texts, lambda: rewrap(processes[0]))

    assert not [each for each in given if isinstance(each, Exception)]
    rows = {row.id: row for row in contacts(house)}
    assert len(rows) == len(people)
    open_cases = [row.contact_id for row in house.rows("case") if row.closed_at is None]
    assert len(open_cases) == len(set(open_cases)) == len(people)
    assert len(house.rows("message", direction="in")) == len(texts) + len(words)
    stopped = [row for row in rows.values() if row.stopped_at is not None]
    assert [row.number_index in BOTH.indexes(people[1]) for row in stopped] == [True]
    rewrap(house.parts)
    assert all(stands_under(house, one, BOTH) for one in people)


# ---- what was split already ----------------------------------------------------------------------


def test_what_a_rotation_has_split_is_joined_and_the_stricter_wins(house: House) -> None:
    def first(me: Resident) -> None:
        me.texts("stop")
        with house.parts.engine.begin() as conn:
            sealed = OLD.seal("Ask for Ana.", f"contact.care_note.{contacts(house)[0].id}")
            conn.execute(
                sa.update(Base.metadata.tables["contact"]).values(
                    sealed_care_note=sealed,
                    care_until=house.clock() + timedelta(days=9),
                    slowed_until=house.clock() + timedelta(hours=3),
                )
            )

    me = split(house, first, lambda me: me.texts("hi", "1"))
    kept = contacts(house)[0].id
    slowed = contacts(house)[0].slowed_until
    me.texts("hello?", sid="SMjoins0")

    (row,) = contacts(house)
    assert row.id == kept and stands_under(house, ME, BOTH)
    assert row.stopped_at is not None and row.stopped_because == "asked"
    assert row.slowed_until == slowed
    assert BOTH.open(row.sealed_care_note, f"contact.care_note.{kept}") == "Ask for Ana."
    assert {case.contact_id for case in house.rows("case")} == {kept}
    assert {text.contact_id for text in house.rows("message")} == {kept}
    assert me.case().state["cannot_text"] == "stopped"
    (line,) = [line for line in house.rows("journal") if line.event == "contacts_joined"]
    assert line.detail["contact"] == kept and len(line.detail["joined"]) == 1


@pytest.mark.parametrize("danger_first", [True, False])
def test_two_open_requests_of_one_person_are_linked_and_a_human_is_told(
    house: House, danger_first: bool
) -> None:
    def cries(me: Resident) -> None:
        me.texts(CRY)

    def asks(me: Resident) -> None:
        me.wants_a_team()

    me = split(house, *((cries, asks) if danger_first else (asks, cries)))
    danger, other = (row.id for row in sorted(house.rows("case"), key=lambda row: row.level or ""))
    house.settles()
    path = f"/{danger}/acknowledgement"
    reference = house.rows("case", id=danger)[0].reference
    assert house.dispatch(path, {"answer": "accept", "by": "Dispatcher on duty"}).status_code == 200
    me.texts("is anybody there", sid="SMlinks0")

    cases = {row.id: row for row in house.rows("case")}
    assert len(contacts(house)) == 1 and set(cases) == {danger, other}
    assert all(row.closed_at is None for row in cases.values()), "none is lost"
    assert not cases[danger].parked and cases[other].parked, "the danger goes on with the phone"
    assert cases[danger].level == "R2" and cases[other].level != "R2"
    assert cases[danger].state["related"] == other and cases[other].state["related"] == danger
    assert "wrote_again" in cases[other].state["said"], "a human is to look"
    assert house.rows("message", direction="in")[-1].case_id == danger, "it is answered there"
    house.settles()
    listed = {one["hand_off_id"]: one for one in house.dispatch("", method="GET").json["hand_offs"]}
    assert listed[danger]["related"] == [other] and listed[other]["related"] == [danger]
    told = house.words("alert.linked", reference=reference)
    number = next(r.number for r in house.parts.program.ladder if r.name == "Dispatcher on duty")
    assert told in house.texts_to(number)


def test_a_repeated_webhook_joins_too_and_gets_the_first_answer(house: House) -> None:
    me = split(
        house, lambda me: me.texts(CRY, sid="SMfirst0"), lambda me: me.texts("hi", sid="SMthen00")
    )
    me.texts("hi", sid="SMthen00").told("ask.who")

    assert len(contacts(house)) == 1
    assert me.texts("still here").case() and len(house.rows("case")) == 2


def test_texts_at_once_join_what_was_split_once(house: House) -> None:
    split(house, lambda me: me.texts(CRY), lambda me: me.texts("hi"))
    heard = house.clock()
    turns = [Turn(f"SMjoin{place:02d}", ME, f"text {place}", heard) for place in range(4)]
    given = at_once(*(lambda turn=turn: receive(house.parts, turn) for turn in turns))

    assert not [each for each in given if isinstance(each, Exception)]
    assert len(contacts(house)) == 1 and len(house.rows("case")) == 2
    assert len(house.rows("message", direction="in")) == 2 + len(turns)


# ---- staff ---------------------------------------------------------------------------------------


def on_duty(house: House) -> str:
    return next(r.number for r in house.parts.program.ladder if r.name == "Dispatcher on duty")


def staff_texts(house: House, said: str, sid: str) -> Any:
    fields = {"MessageSid": sid, "From": on_duty(house), "To": "+17205550100", "Body": said}
    return signed(house, "/twilio/sms", fields)


@pytest.mark.parametrize("keys", [BOTH, FIRST_STEP, NEW], ids=["first", "last", "alone"])
def test_the_answer_of_somebody_paged_before_a_rotation_finds_their_page(
    house: House, keys: Sealer
) -> None:
    house.change(sealer=OLD)
    me = house.resident().texts(CRY)
    house.settles()
    assert me.case().reference in "".join(house.texts_to(on_duty(house)))
    house.change(sealer=BOTH)
    rewrap(house.parts)
    house.change(sealer=keys)

    assert staff_texts(house, f"{me.case().reference} yes", "SMtakes0").status_code == 200
    assert me.case().state["accepted_by"] == "Dispatcher on duty"
    assert staff_texts(house, f"{me.case().reference} I am here", "SMwords0").status_code == 200
    house.settles()
    assert any("I am here" in words for words in house.texts_to(ME))
    assert len(contacts(house)) == 1, "staff are no residents"


def test_texts_of_a_resident_and_the_staff_at_once_during_a_rotation_keep_both(
    house: House,
) -> None:
    house.change(sealer=OLD)
    me = house.resident().texts(CRY)
    house.settles()
    heard, code = house.clock(), me.case().reference
    house.change(sealer=BOTH)
    processes = [replace(house.parts, sealer=keys) for keys in (BOTH, FIRST_STEP)]
    mine = [Turn(f"SMboth0{place}", ME, f"text number {place}", heard) for place in range(2)]
    theirs = Turn("SMstaff0", on_duty(house), f"{code} yes", heard)
    given = at_once(
        *(lambda place=place, turn=turn: receive(processes[place], turn)
          for place, turn in enumerate(mine)),
        *(lambda parts=parts: handle_inbound(parts, theirs) for parts in processes),
    )  # fmt: skip

    assert not [each for each in given if isinstance(each, Exception)]
    assert len(contacts(house)) == len(house.rows("case")) == 1
    assert me.case().state["accepted_by"] == "Dispatcher on duty"
    accepted = [line for line in house.rows("journal") if line.event == "accepted"]
    assert len(accepted) == 1 and len(house.rows("message", provider_id="SMstaff0")) == 1


# ---- calls ---------------------------------------------------------------------------------------


def test_no_phone_rings_twice_at_once_across_a_rotation(house: House) -> None:
    rung = replace(house.parts.program.ladder[0], by="call")
    house.change(sealer=OLD, program=replace(house.parts.program, ladder=(rung,)))
    house.resident(number(201)).texts(CRY)
    house.settles()
    assert len(house.rung) == 1
    house.change(sealer=BOTH)
    house.resident(number(202)).texts(CRY)
    house.works()
    assert len(house.rung) == 1, "their phone rings already"

    Phone(house, 0).reports("completed")
    house.settles()
    assert len(house.rung) == 2, "and for the next as soon as it is free"
    assert {row.index_key for row in house.rows("call")} == {BOTH.index_key}


def test_two_processes_that_ring_one_phone_at_the_same_moment_make_one_call(house: House) -> None:
    """Each has the keys in a different order, so that the unique index alone cannot prevent it."""
    rung = replace(house.parts.program.ladder[0], by="call")
    house.change(sealer=OLD, program=replace(house.parts.program, ladder=(rung,)))
    house.resident(number(201)).texts(CRY)
    house.change(sealer=FIRST_STEP)
    house.resident(number(202)).texts(CRY)
    calls = [row.id for row in house.rows("call")]
    assert len(calls) == 2
    house.outside.assert_all_requests_are_fired = False
    house.calls_are_taken()
    processes = [replace(house.parts, sealer=keys) for keys in (BOTH, FIRST_STEP)]

    given = at_once(
        *(lambda parts=parts, call_id=call_id: call_person(parts, call_id)
          for parts, call_id in zip(processes, calls, strict=True))
    )  # fmt: skip

    assert not [each for each in given if isinstance(each, Exception)]
    assert len(house.rung) == 1
    Phone(house).reports("completed")
    house.settles().sweeps().settles()
    assert len(house.rung) == 2, "the other rings as soon as it is free"
