"""A value that cannot be decrypted, because its key is missing or it was altered: no other case is
hidden, nothing is blocked or lost, and a human is asked to look at it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import sqlalchemy as sa
from staff import Account
from staff import Browser as Desk

from caller_service.casework.inbound import fetch_missed_texts
from caller_service.casework.outbound.send_text import PAUSES
from caller_service.casework.printed_hand_off import open_on_page
from caller_service.casework.timers import set_back
from caller_service.core.roles import Role
from caller_service.documents.hand_off_schema import SCHEMA
from caller_service.gateway.telephony import MissedText
from caller_service.store.sealing import Sealer
from caller_service.store.tables import Base

if TYPE_CHECKING:
    from conftest import House

CRY = "i took all my pills goodbye"
ONE, TWO, THREE = "+17205550201", "+17205550202", "+17205550203"


def alter(house: House, table: str, column: str, **where: Any) -> None:
    """Alter a value, as a disk error or a manual change would."""
    one = Base.metadata.tables[table]
    query = sa.update(one).values({column: b"\x01x" + b"altered" * 8})
    for name, value in where.items():
        query = query.where(one.c[name] == value)
    with house.parts.engine.begin() as conn:
        assert conn.execute(query.where(one.c[column].is_not(None))).rowcount


def without_key(house: House) -> Callable[[], None]:
    """Replace the data key, so that nothing stored can be decrypted. Returns a function that
    restores the old key."""
    old = house.parts.sealer
    index = dict(old._index)
    house.change(sealer=Sealer({"other": b"o" * 32}, index))
    return lambda: house.change(sealer=old)


def listed(house: House) -> dict[str, Any]:
    answer = house.dispatch("", method="GET")
    assert answer.status_code == 200, answer.text
    return {one["hand_off_id"]: one for one in answer.get_json()["hand_offs"]}


@pytest.mark.parametrize(
    ("table", "column", "part"),
    [
        ("case", "sealed_narrative", "narrative"),
        ("case", "sealed_place", "place"),
        ("contact", "sealed_number", "number"),
    ],
)
def test_one_value_that_does_not_open_hides_no_other_hand_off(
    house: House, table: str, column: str, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    people = [house.resident(number).wants_a_team() for number in (ONE, TWO, THREE)]
    bad = people[1].case()
    alter(house, table, column, id=bad.id if table == "case" else bad.contact_id)

    with caplog.at_level(logging.ERROR):
        packets = listed(house)

    assert set(packets) == {person.case().id for person in people}
    assert packets[bad.id]["unopened"] == [part]
    assert packets[bad.id]["level"] == packets[people[0].case().id]["level"]
    for packet in packets.values():
        jsonschema.validate(packet, SCHEMA)
    assert [case for case, packet in packets.items() if "unopened" in packet] == [bad.id]
    assert house.dispatch(f"/{bad.id}", method="GET").get_json()["unopened"] == [part]
    named = {record.value for record in caplog.records if hasattr(record, "value")}
    assert named == {
        f"{table}.{column.removeprefix('sealed_')}.{bad.id if table == 'case' else bad.contact_id}"
    }
    metrics = house.client.get(
        "/metrics", headers={"Authorization": f"Bearer {house.app.config['METRICS_TOKEN']}"}
    ).text
    assert f'caller_unopened_total{{column="{table}.{part}"}}' in metrics


BROKEN = ('{"what": "is this"}', "[]", "null", "7", '{"marks": {"opened": "noon"}}', '{"asked": ')


def break_state(house: House, case_id: str, state: str) -> None:
    if house.parts.engine.dialect.name == "postgresql" and state.endswith(": "):
        pytest.skip("PostgreSQL keeps no such value")
    with house.parts.engine.begin() as conn:
        written = {"state": state, "id": case_id}
        conn.execute(sa.text('UPDATE "case" SET state = :state WHERE id = :id'), written)


@pytest.mark.parametrize("state", BROKEN)
def test_a_case_whose_state_cannot_be_read_hides_no_other(house: House, state: str) -> None:
    people = [house.resident(number).wants_a_team() for number in (ONE, TWO)]
    bad = people[0].case().id
    good = people[1].case().id
    break_state(house, bad, state)

    packets = listed(house)

    assert set(packets) == {bad, good}
    assert packets[bad]["unopened"] == ["state"] and packets[bad]["review"]
    jsonschema.validate(packets[bad], SCHEMA)


@pytest.mark.parametrize("state", BROKEN)
def test_a_case_whose_state_cannot_be_read_is_shown_alone_and_changed_by_nobody(
    house: House, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    bad = house.resident(ONE).wants_a_team().case().id
    break_state(house, bad, state)
    with caplog.at_level(logging.ERROR):
        packet = house.dispatch(f"/{bad}", method="GET")

    assert packet.status_code == 200 and packet.get_json() == listed(house)[bad]
    assert packet.get_json()["unopened"] == ["state"]
    said = house.dispatch(f"/{bad}/messages", method="GET")
    assert said.status_code == 200 and said.get_json()["messages"]
    eido = house.client.get(f"/EIDO/{bad}", headers={"Authorization": f"Bearer {house.token}"})
    assert (eido.status_code, eido.get_json()["code"]) == (503, "eido_faults")
    assert eido.get_json()["errors"] == ["state"]
    opened = open_on_page(house.parts, "rehearsal-cad", bad, seen=False)
    assert opened is not None and opened[0]["unopened"] == ["state"]
    for path, told in (
        ("acknowledgement", {"answer": "accept", "by": "Maria"}),
        ("status", {"status": "assigned", "by": "Maria"}),
        ("notes", {"words": "hello", "by": "Maria"}),
    ):
        refused = house.dispatch(f"/{bad}/{path}", told)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "state_unreadable")
    with house.parts.engine.connect() as conn:
        kept = conn.execute(sa.text('SELECT CAST(state AS TEXT) FROM "case"')).scalar_one()
    assert kept == state, "nothing of it is lost"
    assert {line.value for line in caplog.records if hasattr(line, "value")} <= {
        f"case.state.{bad}"
    }


@pytest.mark.parametrize("state", BROKEN)
def test_at_the_console_it_is_read_and_what_was_typed_is_not_lost(house: House, state: str) -> None:
    """An act says what is wrong: not that the database is away, and not to try again."""
    bad = house.resident(ONE).wants_a_team().case().id
    break_state(house, bad, state)
    desk, path = Desk(house), f"/console/cases/{bad}"
    desk.signs_in(Account(house, "Dana Ruiz", Role.DISPATCHER))

    page = desk.get(path)
    assert page.status_code == 200 and "cannot be read here: state" in page.text
    other = house.resident(TWO).wants_a_team().case()
    queue = desk.get("/console/queue")
    assert queue.status_code == 200, "it hides no other"
    assert f"cases/{bad}" in queue.text and f"cases/{other.id}" in queue.text
    assert desk.post(f"{path}/draft", words="half a sentence").status_code == 204
    assert "half a sentence" in desk.get(path).text
    for deed, form in (
        ("take", {}),
        ("words", {"words": "I am here"}),
        ("decline", {"reason": "ill"}),
    ):
        desk.get(path)
        refused = desk.post(f"{path}/{deed}", **form)
        assert refused.status_code == 409, deed
        assert "cannot be read here in full" in refused.text, deed
        assert all(words in refused.text for words in form.values())
    desk.get("/console/shift")
    listed_act = desk.post(f"/console/shift/{bad}/give_back")
    assert listed_act.status_code == 409 and "cannot be read here in full" in listed_act.text


def test_a_case_without_its_times_hides_no_other_at_the_console(house: House) -> None:
    people = [house.resident(number).wants_a_team() for number in (ONE, TWO)]
    break_state(house, people[0].case().id, "{}")
    desk = Desk(house)
    desk.signs_in(Account(house, "Dana Ruiz", Role.DISPATCHER))

    queue = desk.get("/console/queue")

    assert queue.status_code == 200
    assert all(f"cases/{one.case().id}" in queue.text for one in people)
    assert desk.get(f"/console/cases/{people[0].case().id}").status_code == 200


def test_clocks_ring_for_a_case_that_does_not_open_and_for_all_others(house: House) -> None:
    for number in (ONE, TWO):
        house.resident(number).texts(CRY)
    house.settles()
    without_key(house)
    before = len(house.rows("page"))
    house.wait(61)
    house.sweeps()

    assert len(house.rows("page")) >= before + 2, "the next rung is asked for both"


def test_setting_the_clock_back_stops_at_no_case_that_cannot_be_decided(house: House) -> None:
    people = [house.resident(number).texts(CRY) for number in (ONE, TWO)]
    bad = people[0].case().id
    with house.parts.engine.begin() as conn:
        case = Base.metadata.tables["case"]
        conn.execute(sa.update(case).where(case.c.id == bad).values(state={"what": "is this"}))
    version = people[1].case().version
    house.wait(-3600)
    set_back(house.parts)

    assert people[1].case().version > version


def test_a_resident_whose_words_do_not_open_goes_on_and_a_human_is_asked_at_once(
    house: House,
) -> None:
    me = house.resident().wants_a_team()
    case = me.case()
    house.settles()
    back = without_key(house)
    pages = len(house.rows("page"))
    me.texts("i am still here").told("unopened")
    me.hears_not(house.words("ask.who"))

    assert me.case().id == case.id and len(house.rows("case")) == 1, "no stranger"
    assert me.case().level == "R2" and len(house.rows("page")) > pages
    assert [row.event for row in house.rows("journal")].count("unopened") == 1
    me.texts("are you there?")
    assert house.words("unopened") not in "\n".join(me.heard), "said once"
    told = listed(house)[case.id]
    assert told["unopened"] == ["narrative", "place"], "the number came with their text"
    assert [note["words"] for note in told["notes"]] == ["i am still here", "are you there?"]

    back()
    house.change(sealer=_both(house))
    told = listed(house)[case.id]
    assert "unopened" not in told
    assert [note["words"] for note in told["notes"]] == [
        "my brother shouts",
        "i am still here",
        "are you there?",
    ]
    assert told["place"]["text"] == "Main St and 3rd Ave"


def _both(house: House) -> Sealer:
    old = house.parts.sealer
    data = {name: key for name, key in house.app.extensions["caller_settings"].data_keys}
    return Sealer(data | {"other": b"o" * 32}, dict(old._index))


def test_a_code_word_that_does_not_open_lets_nobody_in(house: House) -> None:
    me = house.resident().wants_a_team().texts("code bluebird")
    sealed = me.case().sealed_code_word
    assert sealed
    without_key(house)
    for said in ("status", "bluebird status", "code redbird"):
        me.texts(said)
    said = {key for row in house.rows("message", direction="out") for key in row.keys.split()}
    assert {key for key in said if key.startswith("status")} <= {"status.received_only"}
    assert me.case().sealed_code_word == sealed, "kept for when its key is back"


def test_whoever_has_the_case_hears_it(house: House) -> None:
    me = house.resident().texts(CRY)
    house.settles()
    name = "Dispatcher on duty"
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": name})
    without_key(house)
    me.texts("hello?")
    house.works()

    number = next(rung.number for rung in house.parts.program.ladder if rung.name == name)
    assert house.words("alert.unopened", reference=me.case().reference) in house.texts_to(number)


def test_a_text_that_does_not_open_holds_up_no_other_and_is_told_in_the_end(house: House) -> None:
    people = [house.resident(number).wants_a_team() for number in (ONE, TWO)]
    house.settles()
    for person in people:
        path = f"/{person.case().id}/acknowledgement"
        house.dispatch(path, {"answer": "accept", "by": "Maria"})
    bad = house.rows("message", case_id=people[0].case().id, state="waiting")[0]
    alter(house, "message", "sealed_words", id=bad.id)
    house.settles()

    assert house.texts_to(TWO) and not house.texts_to(ONE)
    row = house.rows("message", id=bad.id)[0]
    assert (row.state, row.tries, row.error) == ("waiting", 1, "cannot_open")
    for pause in PAUSES:
        house.wait(pause + 31)
        house.sweeps().settles()
    assert house.rows("message", id=bad.id)[0].state == "dead"
    assert people[0].case().state["cannot_text"] == "undelivered", "a human is told"


def test_a_packet_that_does_not_open_is_told_anew(house: House) -> None:
    me = house.resident().wants_a_team()
    other = house.resident(TWO).wants_a_team()
    first = me.case().state["revision"]
    alter(house, "hand_off", "sealed_packet", case_id=me.case().id)
    house.settles()

    told = {packet["hand_off_id"]: packet["revision"] for packet, _ in house.posted}
    assert told == {me.case().id: first + 1, other.case().id: other.case().state["revision"]}
    dead = house.rows("delivery", case_id=me.case().id, revision=first, state="dead")
    assert [row.error for row in dead] == ["cannot_open"]


def test_a_repeated_text_whose_answer_does_not_open_hears_the_words_that_help(house: House) -> None:
    me = house.resident().texts("hi", sid="SMtwice0")
    without_key(house)
    me.texts("hi", sid="SMtwice0")

    assert "911" in "\n".join(me.heard) and "988" in "\n".join(me.heard)


def test_a_text_that_was_heard_and_does_not_open_stops_no_catch_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = house.resident().texts("hi", sid="SMheard0")
    at = house.clock()
    house.wait(60)
    without_key(house)
    texts = [MissedText("SMheard0", ONE, "hi", at), MissedText("SMnever0", TWO, CRY, at)]
    monkeypatch.setattr(type(house.parts.telephony), "heard", lambda *_: texts)
    assert fetch_missed_texts(house.parts) == 1
    assert house.resident(TWO).case().level and me.number


def test_a_care_note_that_does_not_open_still_brings_a_human(house: House) -> None:
    me = house.resident().wants_a_team()
    path = f"/{me.case().id}"
    note = {"by": "Shift supervisor", "words": "Ask for Ana.", "reason": "agreed", "days": 9}
    assert house.dispatch(f"{path}/care-note", note).status_code == 200
    told = {"status": "closed", "by": "Maria", "outcome": "resolved"}
    assert house.dispatch(f"{path}/status", told).status_code == 200
    alter(house, "contact", "sealed_care_note", id=me.case().contact_id)
    me.texts("hi").told("care.hello")

    assert me.case().level == "R2"


def test_a_conversation_with_a_text_that_does_not_open_is_shown_without_it(house: House) -> None:
    me = house.resident().wants_a_team()
    rows = house.rows("message", case_id=me.case().id)
    alter(house, "message", "sealed_words", id=rows[0].id)
    shown = house.dispatch(f"/{me.case().id}/messages", method="GET").get_json()["messages"]

    assert len(shown) == len(rows)
    assert [text["id"] for text in shown if text["words"] is None] == [rows[0].id]
