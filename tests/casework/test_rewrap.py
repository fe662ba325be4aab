"""Rewriting every row under the newest keys while the service runs; and which keys rows need."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from test_rotation import BOTH, CRY, NEW, OLD, number, split

from caller_service.casework import rewrap as rewrapping
from caller_service.casework.rewrap import count, join_split, rewrap
from caller_service.store import contacts, keys
from caller_service.store.sealing import Sealer
from caller_service.store.tables import Base

if TYPE_CHECKING:
    from conftest import House, Resident


# the old index key is gone; the numbers indexed with it are encrypted with a data key that still
# exists
ONE_INDEX = Sealer({"d1": b"1".ljust(32, b"d")}, {"i2": b"2".ljust(32, b"i")})


def noted(house: House, sealer: Sealer) -> list[str]:
    """Like a process that starts with these keys: returns what is missing, and registers the
    newest."""
    house.change(sealer=sealer)
    with house.parts.engine.begin() as conn:
        faults = keys.faults(conn, sealer)
        if not faults:
            keys.note(conn, sealer, house.clock())
    return faults


def busy(house: House) -> list[Resident]:
    with house.parts.engine.begin() as conn:
        conn.execute(sa.delete(Base.metadata.tables["sealing_key"]))
    assert noted(house, OLD) == []
    people = [house.resident(number(200 + place)).wants_a_team() for place in range(3)]
    people.append(house.resident(number(250)).texts(CRY))
    house.settles()
    return people


def in_use(house: House) -> set[tuple[str, str]]:
    return {(kind, key_id) for _, kind, key_id in count(house.parts)}


def test_every_row_is_rewritten_and_the_old_key_may_go(house: House) -> None:
    people = busy(house)
    assert in_use(house) == {("data", "d1"), ("index", "i1")}
    assert noted(house, BOTH) == []
    done = rewrap(house.parts)

    assert done.rows and not done.values_closed
    assert in_use(house) == {("data", "d2"), ("index", "i2")}
    assert noted(house, NEW) == [] and len(house.rows("sealing_key")) == 2
    assert rewrap(house.parts).rows == 0, "there is nothing left to do"
    for person in people:
        person.texts("are you there?")
    assert len(house.rows("contact")) == len(house.rows("case")) == len(people)
    packets = house.dispatch("", method="GET").get_json()["hand_offs"]
    assert len(packets) == len(people) and not any("unopened" in one for one in packets)


def test_cut_off_it_goes_on_with_what_is_left(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy(house)
    noted(house, BOTH)
    monkeypatch.setattr(rewrapping, "BATCH", 2)
    seen: list[int] = []

    def cut(many: int) -> None:
        seen.append(many)
        if len(seen) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rewrap(house.parts, cut)
    assert in_use(house) >= {("data", "d1"), ("data", "d2")}
    assert noted(house, NEW), "the old key is still needed"
    house.change(sealer=BOTH)
    rewrap(house.parts)

    assert noted(house, NEW) == []


def test_a_text_that_arrives_meanwhile_is_kept(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resident writes between the reading and the writing of their rows."""
    people = busy(house)
    noted(house, BOTH)
    said: list[Any] = []

    def meanwhile(batch: Callable[..., None]) -> Callable[..., None]:
        def wrapped(parts: Any, table: sa.Table, rows: Any, done: Any) -> None:
            if table.name == "case" and not said:
                said.append(people[0].texts("the door is open now"))
            batch(parts, table, rows, done)

        return wrapped

    monkeypatch.setattr(rewrapping, "_batch", meanwhile(rewrapping._batch))
    rewrap(house.parts)

    assert said
    told = house.dispatch(f"/{people[0].case().id}", method="GET").get_json()
    assert "the door is open now" in [note["words"] for note in told["notes"]]
    assert in_use(house) == {("data", "d2"), ("index", "i2")}


def test_what_was_split_is_joined_also_where_the_old_index_key_is_gone(house: House) -> None:
    me = split(house, lambda me: me.texts(CRY), lambda me: me.texts("hi"))
    house.change(sealer=ONE_INDEX)
    assert rewrap(house.parts).joined == 1

    (row,) = house.rows("contact")
    cases = house.rows("case")
    assert {case.contact_id for case in cases} == {row.id} and len(cases) == 2
    assert [case.level for case in cases if not case.parked] == ["R2"]
    me.texts("hello?")
    assert len(house.rows("case")) == 2


@pytest.mark.parametrize("old_key", ["there", "gone"])
def test_what_is_split_is_counted_and_joined_without_a_word_of_theirs(
    house: House, old_key: str
) -> None:
    me = split(house, lambda me: me.texts("stop"), lambda me: me.texts("hi"))
    for place in range(60):  # more than one batch of contacts
        house.change(sealer=OLD if place % 2 else BOTH)
        house.resident(number(300 + place)).texts("hi")
    house.change(sealer=BOTH if old_key == "there" else ONE_INDEX)
    theirs = sorted(row.id for row in house.rows("contact"))[:2]
    assert contacts.split(house.parts.engine, house.parts.sealer, 50) == [theirs]

    assert join_split(house.parts) == 1
    assert contacts.split(house.parts.engine, house.parts.sealer, 50) == []
    assert len(house.rows("contact")) == 61 and join_split(house.parts) == 0
    kept = next(row for row in house.rows("contact") if row.id == theirs[0])
    assert kept.stopped_at is not None, "their STOP is not forgotten"
    assert {row.contact_id for row in house.rows("case")} >= {me.case().contact_id}


def test_contacts_split_three_ways_by_keys_that_are_gone_are_one(house: House) -> None:
    me = split(house, lambda me: me.texts("stop"), lambda me: me.texts("hi"))
    third = Sealer({"d1": b"1".ljust(32, b"d")}, {"i3": b"3".ljust(32, b"i")})
    house.change(sealer=third)
    me.texts("hi")
    assert len(house.rows("contact")) == 3

    last = Sealer({"d1": b"1".ljust(32, b"d")}, {"i4": b"4".ljust(32, b"i")})
    house.change(sealer=last)
    assert [len(ids) for ids in contacts.split(house.parts.engine, last)] == [3]
    assert join_split(house.parts) == 2
    (row,) = house.rows("contact")
    assert row.stopped_at is not None and row.index_key == "i4"


def test_a_missing_key_and_another_one_under_its_id_are_named(house: House) -> None:
    busy(house)
    assert [fault.partition(":")[0] for fault in noted(house, NEW)] == [
        "CALLER_DATA_KEYS",
        "CALLER_INDEX_KEYS",
    ]
    assert house.client.get("/health/ready").status_code == 503
    assert house.client.get("/health/ready").get_json()["keys"] == "missing"
    wrong = Sealer({"d1": b"w" * 32}, {"i1": b"v" * 32})
    assert all("is not the one" in fault for fault in noted(house, wrong))
    house.change(sealer=OLD)
    assert house.client.get("/health/ready").get_json()["keys"] == "there"


def test_a_value_that_does_not_open_keeps_its_key_noted(house: House) -> None:
    people = busy(house)
    message = Base.metadata.tables["message"]
    with house.parts.engine.begin() as conn:
        row = conn.execute(sa.select(message).limit(1)).one()
        blob = row.sealed_words[:-1] + bytes([row.sealed_words[-1] ^ 1])
        conn.execute(sa.update(message).where(message.c.id == row.id).values(sealed_words=blob))
    noted(house, BOTH)
    done = rewrap(house.parts)

    assert (done.values_closed, done.closed) == (1, {"d1"})
    assert noted(house, NEW) and people
    with house.parts.engine.begin() as conn:
        assert keys.forget(conn, "data", "d1")
    assert noted(house, NEW) == []


def test_rows_of_an_older_release_are_learned(house: House) -> None:
    busy(house)
    with house.parts.engine.begin() as conn:
        conn.execute(sa.delete(Base.metadata.tables["sealing_key"]))
        conn.execute(sa.update(Base.metadata.tables["contact"]).values(index_key=None))
        keys.learn(conn, BOTH, house.clock())
    assert noted(house, NEW), "the data key stands in the rows, any index key may be needed"
    house.change(sealer=BOTH)
    rewrap(house.parts)

    assert noted(house, NEW) == []
