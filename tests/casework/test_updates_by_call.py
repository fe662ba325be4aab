"""Updates for residents who cannot be reached by text, and what they are told once texts arrive
again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from conftest import signed
from phones import (
    ME,
    after_a_lost_text,
    events,
    fails,
    lost,
    mine,
    moves,
    not_told,
    passes,
    rings,
    screened,
)

from caller_service.store.tables import Base

if TYPE_CHECKING:
    from conftest import House, Resident

# ---- updates for residents who cannot be reached by text -----------------------------------------


def test_updates_that_cannot_be_texted_become_calls_one_in_ten_minutes(house: House) -> None:
    me = after_a_lost_text(house)
    texts = len(house.sent)
    moves(house, me, "assigned")
    assert len(rings(house)) == 1, "they were called just now"
    moves(house, me, "en_route")
    assert not_told(house)
    passes(house, 9)
    assert len(rings(house)) == 1
    passes(house, 1)
    assert len(rings(house)) == 2, "two updates, one call"

    phone = mine(house).picks_up()
    assert phone.said == house.words("update_call.call")
    assert phone.presses("1").said.startswith(house.words("update_call.en_route"))
    phone.reports("completed")
    house.settles()
    assert not not_told(house)
    passes(house, 11)
    assert (len(rings(house)), len(house.sent) - texts) == (2, 0), "told once"
    assert not events(house, "not_reached")

    moves(house, me, "arrived")
    assert len(rings(house)) == 3, "the last call is long ago: at once"
    assert mine(house).picks_up().presses("1").said.startswith(house.words("update_call.arrived"))


def test_that_it_is_late_is_heard_by_call(house: House) -> None:
    house.clocks(move=900, late_tell=60)
    me = after_a_lost_text(house)
    passes(house, 17)

    assert len(rings(house)) == 2
    assert mine(house).picks_up().presses("1").said == " ".join(
        house.words(key)
        for key in ("update_call.accepted", "update_call.late", "update_call.goodbye")
    )
    moves(house, me, "en_route")
    passes(house, 10)
    assert house.words("update_call.late") not in mine(house).picks_up().presses("1").said, (
        "it moves again"
    )


def test_that_nobody_has_picked_it_up_is_heard_by_call(house: House) -> None:
    me = screened(house)
    house.settles()
    fails(house, house.rows("message", direction="out")[0].id)
    house.settles()
    mine(house).picks_up().presses("1").reports("completed")
    passes(house, 12)

    assert "truth.unpicked" in [each["words"] for each in events(house, "held_back")]
    assert len(rings(house)) == 2
    assert (
        mine(house).picks_up().presses("1").said.startswith(house.words("update_call.nobody_yet"))
    )
    assert me.case().status == "handed_off"


def in_danger_unreached(house: House) -> Resident:
    """A danger that nobody has accepted; the resident may be called, and a text to them was
    lost."""
    me = house.resident().texts("hi", "1", "1", "1", "city hall")
    assert (me.case().level, me.case().state["answers"]["contact"]) == ("R1", "text_call")
    house.settles()
    fails(house, house.rows("message", direction="out")[0].id)
    house.settles()
    return me


def test_the_truth_about_a_danger_is_heard_by_call(house: House) -> None:
    me = in_danger_unreached(house)
    mine(house).picks_up().presses("1").reports("completed")
    passes(house, 10)

    assert "truth.nobody_yet" in [each["words"] for each in events(house, "held_back")]
    assert len(rings(house)) == 2
    told = mine(house).picks_up().presses("1").said
    assert (
        told == f"{house.words('update_call.nobody_joined')} {house.words('update_call.goodbye')}"
    )
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    passes(house, 10)
    said = mine(house).picks_up().presses("1").said
    assert said.startswith(house.words("update_call.nobody_joined")), (
        "who accepted and did not come has not joined"
    )


def test_a_call_nobody_hears_leaves_the_update_not_told_and_rings_again_only_for_the_next(
    house: House,
) -> None:
    me = after_a_lost_text(house)
    passes(house, 10)
    moves(house, me, "assigned")
    mine(house).reports("no-answer")
    house.settles()
    assert not_told(house)
    assert len(events(house, "not_reached")) == 1
    passes(house, 15)
    assert len(rings(house)) == 2, "nobody is rung again for the same"

    moves(house, me, "en_route")
    assert len(rings(house)) == 3
    assert len(house.rows("page", ladder="review")) == 1, "humans were paged once"


def test_a_call_that_waits_for_the_line_is_not_made_twice(house: House) -> None:
    me = after_a_lost_text(house)
    passes(house, 10)
    house.dispatch(f"/{me.case().id}/status", {"status": "assigned", "by": "Maria"})
    house.sweeps()
    for _ in range(11):
        house.works(twilio=429)
        house.wait(60)
        house.sweeps()
    house.dispatch(f"/{me.case().id}/status", {"status": "en_route", "by": "Maria"})
    house.sweeps().works(twilio=429)

    assert len([row for row in house.rows("call") if row.state in ("waiting", "trying")]) <= 1


@pytest.mark.parametrize("contact", ["3", "4"])
def test_an_update_for_whom_nobody_may_call_is_shown_as_not_told_without_a_flood(
    house: House, contact: str
) -> None:
    me = after_a_lost_text(house, contact)
    before = len(house.rows("hand_off"))
    moves(house, me, "assigned")
    moves(house, me, "en_route")
    passes(house, 40)

    assert rings(house) == []
    assert not_told(house)
    assert house.posted[-1][0]["contact"]["cannot_text"] == "undelivered"
    assert [each["words"] for each in events(house, "held_back")][:2] == [
        "status.assigned",
        "status.en_route",
    ]
    moved = [
        row.because
        for row in house.rows("hand_off")[before:]
        if row.because not in ("dispatch", "late")
    ]
    assert moved == [], "no revision but those that say where it stands"
    assert len(house.rows("page", ladder="review")) == 1


@pytest.mark.parametrize("contact", ["2", "6"])
def test_who_wanted_no_word_unasked_is_neither_called_nor_counted_as_not_told_of_updates(
    house: House, contact: str
) -> None:
    me = screened(house, contact).texts("stop")
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    passes(house, 20)

    assert rings(house) == []
    assert not not_told(house)


@pytest.mark.parametrize("said", ["he is hitting me", "is the pie shop open"])
def test_after_violence_or_when_watched_no_update_becomes_a_call(house: House, said: str) -> None:
    me = after_a_lost_text(house)
    passes(house, 10)
    me.texts(said)
    house.settles()
    fails(house, house.rows("message", direction="out", case_id=me.case().id)[0].id)
    assert me.case().state["cannot_text"] == "undelivered"
    moves(house, me, "assigned")
    passes(house, 20)

    assert len(rings(house)) == 1, "the first, when nothing spoke against it"


def test_of_somebody_elses_case_a_later_call_tells_no_more_than_may_be(house: House) -> None:
    me = after_a_lost_text(house, who="3")
    passes(house, 10)
    moves(house, me, "en_route")
    assert (
        mine(house).picks_up().presses("1").said.startswith(house.words("update_call.other.coming"))
    )
    passes(house, 10)
    moves(house, me, "arrived")
    assert (
        mine(house)
        .picks_up()
        .presses("1")
        .said.startswith(house.words("update_call.other.finished"))
    )


def test_who_wants_no_updates_is_not_called_about_them(house: House) -> None:
    me = screened(house).texts("quiet")
    house.settles()
    fails(house, house.rows("message", direction="out")[-1].id)
    house.settles()
    mine(house).reports("busy")
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    passes(house, 20)

    assert len(rings(house)) == 1, "for the answer that was lost, and for no update"


def test_an_update_that_waited_behind_a_lost_one_is_not_lost(house: House) -> None:
    me = screened(house)
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.works(twilio=429)
    fails(house, house.rows("message", direction="out")[0].id)
    house.settles()
    mine(house).reports("no-answer")
    house.wait(31)
    house.sweeps().settles()

    assert house.rows("message", direction="out", person=None)[-1].state == "held"
    assert [each["words"] for each in events(house, "held_back")] == ["status.accepted"]
    passes(house, 10)
    assert len(rings(house)) == 2
    assert mine(house).picks_up().presses("1").said.startswith(house.words("update_call.accepted"))


def test_a_humans_words_that_waited_behind_a_lost_text_are_owed(house: House) -> None:
    me = screened(house, "3")
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.dispatch(f"/{me.case().id}/notes", {"by": "Maria", "words": "At the side door."})
    house.works(twilio=429)
    fails(house, house.rows("message", direction="out")[0].id)
    house.wait(31)
    house.sweeps().settles()

    assert {
        row.state for row in house.rows("message", direction="out", person=None, answers=None)
    } == {"held"}
    assert "note_lost" in me.case().state["marks"]
    assert not_told(house)
    me.texts("are you there").told("status.accepted")
    house.settles()
    assert not_told(house), "their update was told; the human's words were not"


# ---- texts reach them again ----------------------------------------------------------------------


def two_updates(house: House) -> tuple[Resident, Any, Any]:
    """A resident with two updates on their way, and their rows."""
    me = screened(house, "3")
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles()
    first = house.rows("message", direction="out", answers=None, person=None)[-1]
    moves(house, me, "assigned")
    return me, first, house.rows("message", direction="out", answers=None, person=None)[-1]


def arrives(house: House, text_id: str, state: str = "delivered") -> None:
    fields = {"MessageSid": f"SMback{text_id[-6:]}", "MessageStatus": state}
    assert signed(house, f"/twilio/receipts/message?id={text_id}", fields).status_code == 204


def test_a_later_text_that_arrives_ends_it_and_what_was_missed_is_told(house: House) -> None:
    me = screened(house, "3")
    lost(house, me, "30006")
    moves(house, me, "assigned")
    me.texts("i can read this phone again")
    assert me.case().state["cannot_text"] == "landline", (
        "they write; whether they can read us is not known yet"
    )
    reply = house.rows("message", direction="out", person=None)[-1]
    arrives(house, reply.id, "sent")
    assert me.case().state["cannot_text"] == "landline"
    arrives(house, reply.id)
    arrives(house, reply.id)
    house.settles()

    assert me.case().state["cannot_text"] == ""
    assert events(house, "can_text") == [{}]
    assert house.texts_to(ME)[-1] == house.words("status.assigned")
    assert (house.posted[-1][0]["contact"]["text"], not_told(house)) == (True, False)
    moves(house, me, "en_route")
    assert house.texts_to(ME)[-1] == house.words("status.en_route")


def test_an_earlier_text_that_arrives_late_ends_nothing(house: House) -> None:
    me = screened(house)
    lost(house, me)
    arrives(house, house.rows("message", direction="out")[0].id)

    assert me.case().state["cannot_text"] == "undelivered"


def test_a_text_that_arrives_does_not_undo_their_stop(house: House) -> None:
    me = screened(house).texts("stop")
    arrives(house, house.rows("message", direction="out")[-1].id)

    assert me.case().state["cannot_text"] == "stopped"


def test_whoever_writes_again_hears_what_they_missed(house: House) -> None:
    me = after_a_lost_text(house, "3")
    moves(house, me, "en_route")
    assert not_told(house)

    me.texts("are you there").told("status.en_route")
    house.settles()
    assert me.case().state["cannot_text"] == ""
    assert not not_told(house)
    me.texts("thanks")
    assert house.words("status.en_route") not in "\n".join(me.heard), "once"


def test_start_tells_what_was_missed(house: House) -> None:
    me = screened(house, "3").texts("stop")
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles()
    assert not_told(house)

    me.texts("start").told("start.confirmed", "status.accepted")
    assert "untold" not in me.case().state["marks"]


def test_an_update_already_on_its_way_is_not_told_twice_when_texts_reach_them_again(
    house: House,
) -> None:
    me, first, second = two_updates(house)
    fails(house, first.id)
    assert me.case().state["cannot_text"] == "undelivered"
    arrives(house, second.id)
    house.settles()

    assert me.case().state["cannot_text"] == ""
    assert house.texts_to(ME).count(house.words("status.assigned")) == 1
    assert not not_told(house)


@pytest.mark.parametrize("said", ["stop", "ALTO", "stop writing, he is here"])
def test_who_stopped_texts_or_took_them_back_is_not_rung_by_software(
    house: House, said: str
) -> None:
    """They stopped texts, and it is not known whether a call is still safe (rule 5). A human may
    call: the packet says so."""
    me = screened(house).texts(said)
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.sweeps().settles()
    passes(house, 20)

    assert rings(house) == []


def test_after_a_weapon_nobody_calls(house: House) -> None:
    me = house.resident().texts("hi", "1", "2", "1", "2", "1", "1")
    assert (
        me.case().state["answers"].get("weapon"),
        me.case().state["answers"].get("contact"),
    ) == ("yes", "text_call")
    house.settles()
    fails(house, house.rows("message", direction="out")[0].id)
    passes(house, 20)

    assert rings(house) == []
    assert len(events(house, "not_reached")) == 1


# ---- faults that a later review found ------------------------------------------------------------


def test_who_asked_to_be_called_and_not_texted_is_called_with_the_news(house: House) -> None:
    me = screened(house, "5")
    assert me.case().state["answers"]["contact"] == "call"
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles().sweeps().settles()

    assert len(rings(house)) == 1
    assert not house.texts_to(ME)
    phone = mine(house).picks_up().presses("1")
    assert phone.said.startswith(house.words("update_call.accepted"))
    phone.reports("completed")
    house.settles()
    assert not not_told(house)
    moves(house, me, "en_route")
    passes(house, 10)
    assert len(rings(house)) == 2


def test_news_that_waits_for_a_call_is_not_forgotten_when_they_write(house: House) -> None:
    me = screened(house, "5")
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    me.texts("start")
    house.settles().sweeps().settles()

    assert len(rings(house)) == 1


def test_a_call_that_could_say_nothing_leaves_it_not_told_and_brings_a_human(house: House) -> None:
    me = screened(house).texts("code bluebird")
    lost(house, me)
    house.settles()
    mine(house).picks_up().presses("1").reports("completed")
    house.settles()

    assert not_told(house)
    assert len(events(house, "not_reached")) == 1
    assert house.texts_to("+17205550130"), "somebody is asked to look for another way"


def test_a_lost_note_stays_not_told_until_a_human_writes_again(house: House) -> None:
    me = screened(house)
    house.settles()
    house.dispatch(f"/{me.case().id}/notes", {"by": "Maria", "words": "Are you by the door?"})
    house.settles()
    fails(house, house.rows("message", direction="out", keys="note")[0].id)
    house.settles()
    mine(house).picks_up().presses("1").reports("completed")
    house.settles()
    assert not_told(house)
    assert len(events(house, "not_reached")) == 1

    me.texts("hello?")
    house.settles()
    assert not_told(house), "the words themselves were never read"
    house.dispatch(f"/{me.case().id}/notes", {"by": "Maria", "words": "Are you by the door?"})
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles()
    assert not not_told(house)


@pytest.mark.parametrize("how", ["writes again", "a text arrives"])
def test_a_truth_that_was_lost_is_told_when_texts_reach_them_again(house: House, how: str) -> None:
    me = house.resident().texts("hi", "1", "1", "3", "city hall")
    house.settles()
    house.wait(181)
    house.sweeps().settles()
    truth = next(
        row for row in house.rows("message", direction="out") if row.keys == "truth.nobody_yet"
    )
    fails(house, truth.id)
    house.settles()
    if how == "writes again":
        me.texts("please").told("truth.nobody_yet")
    else:
        arrives(house, sent_after(house, truth))
        house.settles()
        assert house.texts_to(ME)[-1] == house.words("truth.nobody_yet")


def sent_after(house: House, row: Any) -> str:
    """A text to the same person, written a second later, which is on its way."""
    text_id = f"{row.id[:-4]}ffff"
    later = {
        **row._mapping,
        "id": text_id,
        "provider_id": None,
        "keys": "note",
        "state": "queued",
        "rank": 2,
        "error": None,
    }
    later |= {
        "at": row.at + timedelta(seconds=1),
        "sealed_words": house.parts.sealer.seal("Are you there?", f"message.words.{text_id}"),
    }
    with house.parts.engine.begin() as conn:
        conn.execute(sa.insert(Base.metadata.tables["message"]).values(later))
    return text_id


def test_a_doubt_about_violence_that_was_never_answered_keeps_the_phone_quiet(house: House) -> None:
    me = house.resident().texts("hi", "1", "2", "1", "0", "1", "city hall")
    answers = me.case().state["answers"]
    assert (answers["contact"], answers.get("violence")) == ("text_call", None)
    house.settles()
    fails(house, house.rows("message", direction="out")[0].id)
    passes(house, 12)

    assert not rings(house)
    assert events(house, "not_reached")


def test_a_failure_heard_after_a_later_text_arrived_stops_no_text(house: House) -> None:
    me, first, second = two_updates(house)
    arrives(house, second.id)
    before = len(house.texts_to(ME))
    fails(house, first.id)
    house.settles()

    assert me.case().state["cannot_text"] == ""
    assert len(house.texts_to(ME)) == before, "the newer text told it"
    moves(house, me, "en_route")
    assert house.texts_to(ME)[-1] == house.words("status.en_route")


def test_who_stopped_with_the_carrier_is_known_to_have_stopped_though_the_note_of_it_was_lost(
    house: House,
) -> None:
    me = screened(house, "3")
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    with house.parts.engine.begin() as conn:
        contact = Base.metadata.tables["contact"]
        conn.execute(sa.update(contact).values(stopped_at=house.clock(), stopped_because="carrier"))
    house.settles()

    assert me.case().state["cannot_text"] == "blocked"
    assert not_told(house)
    assert len(events(house, "not_reached")) == 1


def test_what_they_have_heard_meanwhile_rings_no_phone_and_pages_nobody(house: House) -> None:
    me = screened(house)
    lost(house, me)
    me.texts("status").told("status.accepted")
    house.settles().sweeps().settles()

    assert not rings(house)
    assert not events(house, "not_reached")
