"""What somebody wrote is erased when they ask, or after the retention time, and nothing else
breaks."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import ME, House, Resident
from form_page import PLACE, Browser, asks_for_a_team
from jsonschema import validate
from staff import Account
from staff import Browser as Desk

from caller_service.casework import retention
from caller_service.casework.outbound.send_text import note_receipt
from caller_service.casework.rewrap import rewrap
from caller_service.core.outbound import TextState
from caller_service.core.refusal import Refused
from caller_service.core.retention import hold, release
from caller_service.core.roles import Role
from caller_service.documents.hand_off_schema import SCHEMA
from caller_service.store import cases, desk, erasure, keys
from caller_service.store.journal import Author
from caller_service.store.ledger import counted
from caller_service.store.tables import Base, case

DAY = 86_400
SECRETS = ("the door is blue", PLACE, "I come through the garden", "he sleeps", "bring a blanket")


def everything(house: House) -> str:
    """Everything in the database, decrypted, with every plain column."""
    told: list[str] = []
    with house.parts.engine.connect() as conn:
        for table in Base.metadata.sorted_tables:
            sealed = keys.SEALED.get(table, {})
            for row in conn.execute(sa.select(table)):
                for name, value in row._mapping.items():
                    if name in sealed and value is not None:
                        where = sealed[name].format_map(row._mapping)
                        told.append(house.parts.sealer.open(value, where))
                    else:
                        told.append(str(value))
    return "\n".join(told)


def case_of(house: House) -> Any:
    with house.parts.engine.connect() as conn:
        return cases.by_id(conn, house.parts.sealer, house.rows("case")[0].id)


def ended(house: House) -> Browser:
    """A web request that has ended, with messages in both directions, a staff draft and a
    reason."""
    me = asks_for_a_team(Browser(house), send=False)
    me.sends(words="the door is blue")
    for said, by in (("I come through the garden", "Dana"),):
        assert house.dispatch(f"/{me.case().id}/notes", {"words": said, "by": by}).json
    me.goes("/s").sends(words="he sleeps")
    dana = Account(house, "Dana", Role.DISPATCHER)
    with house.parts.engine.begin() as conn:
        desk.read_now(conn, house.parts.new_id(), dana.id, me.case().id, house.clock())
        assert desk.keep_draft(
            conn, house.parts.sealer, dana.id, me.case().id, "bring a blanket", house.clock()
        )
    told = {"by": "Dana", "status": "closed", "outcome": "resolved", "reason": f"left at {PLACE}"}
    assert house.dispatch(f"/{me.case().id}/status", told).status_code == 200
    house.settles()
    return me.goes("/s")


def test_delete_my_words_is_carried_out_and_nothing_else_breaks(house: House) -> None:
    me = ended(house)
    before = everything(house)
    assert not [secret for secret in SECRETS if secret not in before]
    with house.parts.engine.connect() as conn:
        groups = counted(conn)
    button = next(each for each in me.page.buttons if each.value == "delete")

    me.posts(button)
    assert house.words("web.delete.asked") in me.page.words
    me.posts(button)  # a second tap notifies nobody again
    asked = [line for line in house.rows("journal") if line.event == "asked_to_delete"]
    assert len(asked) == 1 and case_of(house).remarks[-1][1].startswith("asks that")
    house.settles().passes(1800, 600)
    assert "the door is blue" in everything(house), "a human has an hour to say that a law keeps it"

    house.wait(1801)
    house.sweeps()
    left = everything(house)
    assert not [secret for secret in SECRETS if secret in left]
    erased = case_of(house)
    assert erased.point is None and erased.code_word == "" and erased.area == "central"
    line = next(line for line in house.rows("journal") if line.event == "erased")
    assert line.who == Author.CLOCK

    me.goes("/s").sends()  # shows the hidden page again
    assert house.words("web.delete.done") in me.page.words
    assert house.words("web.delete.sent") in me.page.words
    assert house.words("web.delete.asked") not in me.page.words
    assert not any(each.value == "delete" for each in me.page.buttons)
    # what other tables hold of it
    with house.parts.engine.connect() as conn:
        assert counted(conn) == groups, "the ledger"
    found = house.dispatch(f"/{erased.id}", method="GET").json
    assert found["place"]["text"] is None and found["notes"] == [] and found["reference"]
    talk = house.dispatch(f"/{erased.id}/messages", method="GET").json["messages"]
    assert talk and {one["words"] for one in talk} == {""}
    assert all(one["hand_off_id"] for one in _listed(house))
    sam = Desk(house)
    sam.signs_in(Account(house, "Sam", Role.DISPATCHER))
    page = sam.opens(f"/console/cases/{erased.id}")
    assert page.status_code == 200 and "The words were erased." in page.text
    rewrap(house.parts)
    house.sweeps()
    assert not house.jobs(), "nothing is told anew"

    spanish = Browser(house)
    spanish.client = me.client
    spanish.goes("/s").presses("es", name="language").goes("/s")
    assert house.words("web.delete.done", "es") in spanish.page.words

    # they write again: this is a new request, linked to the old one
    me.goes("/s").sends(words="it got worse please")
    assert me.case().related == erased.id and me.status == 200


def test_what_they_wrote_before_in_the_same_conversation_is_meant_too(house: House) -> None:
    me = ended(house)
    me.sends(words="it got worse please").presses("go_on", name="act")
    first, second = (row.id for row in house.rows("case"))
    told = {"by": "Dana", "status": "closed", "outcome": "safe"}
    assert house.dispatch(f"/{second}/status", told).status_code == 200
    house.settles()
    me.goes("/s").presses("delete", name="act")
    house.wait(3601)
    house.sweeps()
    left = everything(house)
    assert "it got worse" not in left and "he sleeps" not in left
    assert {row.case_id for row in house.rows("journal", event="erased")} == {first, second}


def _listed(house: House) -> list[dict[str, Any]]:
    answer = house.client.get(
        "/api/v1/hand-offs?open=false", headers={"Authorization": f"Bearer {house.token}"}
    )
    listed: list[dict[str, Any]] = answer.json["hand_offs"]
    return listed


def test_a_text_that_comes_again_after_its_words_were_erased_is_no_new_one(house: House) -> None:
    me = house.resident().texts("my brother shouts", sid="SM" + "1" * 32)
    me.texts("0").texts("STATUS")
    assert (
        house.dispatch(
            f"/{me.case().id}/status", {"by": "Dana", "status": "closed", "outcome": "safe"}
        ).status_code
        == 200
    )
    house.settles()
    house.wait(31 * DAY)
    house.sweeps()
    assert me.case().erase_at is not None and "shouts" not in everything(house)

    before = len(house.rows("message"))
    me.texts("my brother shouts", sid="SM" + "1" * 32)
    assert me.heard == [] and len(house.rows("message")) == before


def closed(house: House, me: Resident | None = None) -> Resident:
    me = (me or house.resident()).wants_a_team()
    told = {"by": "Dana", "status": "closed", "outcome": "resolved"}
    assert house.dispatch(f"/{me.case().id}/status", told).status_code == 200
    house.settles()
    return me


def test_the_clock_erases_words_after_thirty_days_and_the_number_after_ninety(house: House) -> None:
    me = closed(house)
    house.wait(29 * DAY)
    house.sweeps()
    assert "my brother shouts" in everything(house)
    house.wait(1 * DAY + 60)
    house.sweeps()
    left = everything(house)
    assert "my brother shouts" not in left and PLACE not in left and ME in left

    house.wait(60 * DAY)
    house.sweeps()
    assert ME not in everything(house)
    first = house.rows("contact")[0].id
    house.resident().texts("hello again")
    assert {row.contact_id for row in house.rows("case")} > {first}, "somebody new"
    assert me.number == ME


def test_the_clock_erases_the_answers_after_a_year_and_keeps_what_is_counted(house: House) -> None:
    """docs/privacy.md: answers are kept for a year, counts for good."""
    me = house.resident().texts("my husband hits me").texts("2", "3", "1", "Main St and 3rd Ave")
    told = {"by": "Dana", "answer": "accept"}
    assert house.dispatch(f"/{me.case().id}/acknowledgement", told).status_code == 200
    told = {"by": "Dana", "status": "closed", "outcome": "safe"}
    assert house.dispatch(f"/{me.case().id}/status", told).status_code == 200
    house.settles()
    with house.parts.engine.connect() as conn:
        groups = counted(conn)
    house.wait(91 * DAY)
    house.sweeps()
    assert "violence" in everything(house)
    house.wait(275 * DAY)
    house.sweeps()

    left = re.sub(r'"\w+": "not_asked"', "", everything(house))
    assert not [each for each in ("violence", "health", "'question'", "ask.") if each in left]
    erased = case_of(house)
    assert not (erased.answers or erased.said or erased.because or erased.withdrawn)
    assert house.rows("case")[0].erase_at is None, "there is nothing more to look at"
    with house.parts.engine.connect() as conn:
        assert counted(conn) == groups, "the ledger"
    found = house.dispatch(f"/{erased.id}", method="GET").json
    assert found["erased"] == ["words", "number", "answers"]
    validate(found, SCHEMA)
    assert {"Dana"} <= {line.who for line in house.rows("journal")} | {
        line.detail.get("by") for line in house.rows("journal")
    }, "who did what"
    sam = Desk(house)
    sam.signs_in(Account(house, "Sam", Role.DISPATCHER))
    page = sam.opens(f"/console/cases/{erased.id}")
    assert page.status_code == 200 and "The answers were erased." in page.text
    everything_shown = sam.opens(f"/console/cases/{erased.id}?show=everything")
    assert everything_shown.status_code == 200 and "violence" not in everything_shown.text
    assert house.dispatch(f"/{erased.id}/printable", method="GET").status_code != 500
    rewrap(house.parts)


def test_a_legal_hold_keeps_the_answers_too(house: House) -> None:
    reference = closed(house).case().reference
    house.wait(200 * DAY)
    house.sweeps()
    retention.by_reference(
        house.parts, reference, "Maria", lambda one, scene, _: hold(one, "Maria", scene)
    )
    house.wait(300 * DAY)
    house.sweeps()
    assert case_of(house).answers
    retention.by_reference(
        house.parts, reference, "Maria", lambda one, scene, _: release(one, scene)
    )
    house.sweeps()
    assert not case_of(house).answers


def test_a_number_that_stopped_us_or_has_a_newer_request_is_remembered(house: House) -> None:
    me = closed(house)
    house.wait(80 * DAY)
    closed(house, me)
    house.wait(11 * DAY)
    house.sweeps()
    assert ME in everything(house), "the newer request has it"
    house.wait(79 * DAY + 600)
    house.sweeps()
    assert ME not in everything(house)

    stopped = closed(house, house.resident("+17205550124"))
    stopped.texts("STOP")
    house.settles()
    house.wait(200 * DAY)
    house.sweeps()
    house.wait(200 * DAY)
    house.sweeps()
    assert "+17205550124" in everything(house), "their STOP would be forgotten"
    packets = [row for row in house.rows("hand_off")]
    opened = [
        house.parts.sealer.open(row.sealed_packet, f"hand_off.packet.{row.case_id}.{row.revision}")
        for row in packets
    ]
    assert not any(json.loads(one)["contact"]["number"] for one in opened)


def test_what_a_law_keeps_is_kept_and_said_until_when(house: House) -> None:
    program = house.parts.program
    kept = replace(program.retention, keep_days=60)
    house.change(program=replace(program, retention=kept))
    me = ended(house)
    me.presses("delete", name="act")
    # noon of 23 November, plus sixty days
    assert house.words("web.delete.until", date="January 22, 2027") in me.page.words
    house.wait(59 * DAY)
    house.sweeps()
    assert "he sleeps" in everything(house)
    reference = case_of(house).reference
    with pytest.raises(Refused, match="kept_by_law"):
        retention.by_reference(house.parts, reference, "Sam", retention.erase)
    house.wait(1 * DAY)
    house.sweeps()
    assert "he sleeps" not in everything(house)


def test_a_legal_hold_keeps_all_of_it_until_it_is_lifted(house: House) -> None:
    me = ended(house)
    reference = case_of(house).reference
    by = retention.by_reference
    by(house.parts, reference, "Sam", lambda case, scene, _: hold(case, "Sam", scene))
    me.goes("/s").presses("delete", name="act")
    assert house.words("web.delete.law") in me.page.words
    with pytest.raises(Refused, match="held_by_law"):
        by(house.parts, reference, "Sam", retention.erase)
    house.wait(400 * DAY)
    house.sweeps()
    assert "he sleeps" in everything(house) and house.rows("case")[0].erase_at is None

    by(house.parts, reference, "Sam", lambda case, scene, _: release(case, scene))
    house.sweeps()
    assert "he sleeps" not in everything(house)
    told = [(line.event, line.who) for line in house.rows("journal")]
    assert ("held_by_law", "Sam") in told and ("released_by_law", "Sam") in told


def test_a_human_erases_at_once_and_not_before_the_end_or_what_is_still_to_be_sent(
    house: House,
) -> None:
    me = house.resident().wants_a_team()
    reference = me.case().reference
    with pytest.raises(Refused, match="not_ended"):
        retention.by_reference(house.parts, reference, "Sam", retention.erase)
    house.dispatch(
        f"/{me.case().id}/status", {"by": "Dana", "status": "closed", "outcome": "resolved"}
    )
    assert any(row.next_at for row in house.rows("message")), "the closing words wait"
    with pytest.raises(Refused, match="under_way"):
        retention.by_reference(house.parts, reference, "Sam", retention.erase)
    house.wait(31 * DAY)
    house.sweeps()
    assert "my brother shouts" in everything(house), "the clock waits, too"
    house.settles()
    retention.by_reference(house.parts, reference.lower(), "Sam", retention.erase)
    assert "my brother shouts" not in everything(house)
    lines = [line for line in house.rows("journal") if line.event == "erased"]
    assert [line.who for line in lines] == ["Sam"]
    assert retention.by_reference(house.parts, "XXXXXX", "Sam", retention.erase) is None


def test_a_request_of_before_the_upgrade_waits_for_its_own_day(house: House) -> None:
    """The migration makes all ended requests due; the worker then sets when each really is."""
    closed(house)
    with house.parts.engine.begin() as conn:
        conn.execute(sa.update(case).values(erase_at=case.c.closed_at))
    house.sweeps()
    row = house.rows("case")[0]
    assert row.erase_at == row.closed_at + timedelta(days=30)
    assert "my brother shouts" in everything(house)


def test_a_supervisor_erases_and_holds_from_the_case_s_page(house: House) -> None:
    ended(house)
    path = f"/console/cases/{case_of(house).id}"
    sam, dana = Desk(house), Desk(house)
    boss = Account(house, "Sam", Role.SUPERVISOR)
    sam.signs_in(boss)
    dana.signs_in(Account(house, "Dee", Role.DISPATCHER))

    def presses(who: Desk, deed: str, **form: str) -> Any:
        seen = re.search(r'name="seen" value="([^"]*)"', who.get(path).text)
        form |= {"seen": seen[1]} if seen else {}
        return who.post(f"{path}/{deed}", **form, reason="Order 7 of the court")

    assert presses(dana, "erase").status_code == 403
    sam.get(path)
    assert sam.post(f"{path}/hold").status_code == 409, "needs a reason"
    assert presses(sam, "hold").status_code == 303
    assert "Order 7 of the court" in sam.get(path).text
    house.wait(300)
    sam.get(path)
    house.wait(301)
    again = presses(sam, "erase")
    assert again.status_code == 403 and "Say who you are first" in again.text
    sam.signs_in(boss)
    assert presses(sam, "erase").status_code == 409, "there is a hold"
    assert presses(sam, "release").status_code == 303
    assert presses(sam, "erase").status_code == 303
    assert "he sleeps" not in everything(house)
    assert "They are erased." in sam.get(path).text
    note = {"words": "Ana calls back", "days": "1"}
    assert presses(sam, "care_note", **note).status_code == 303
    assert "Order 7" not in sam.get(path).text, "a reason given now would never be erased"
    told = {(line.event, line.who) for line in house.rows("journal")}
    assert {("held_by_law", "Sam"), ("released_by_law", "Sam"), ("erased", "Sam")} <= told


def test_a_request_that_cannot_be_decided_stops_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says which request and which type of fault, never anybody's words."""
    me = ended(house)
    me.posts(next(each for each in me.page.buttons if each.value == "delete"))
    house.settles().wait(3601)

    def blurts(*_: Any) -> None:
        raise RuntimeError(SECRETS[0])

    with monkeypatch.context() as patched:
        patched.setattr(retention, "_due", blurts)
        house.sweeps()
    (line,) = [one for one in caplog.records if one.message == "nothing was erased"]
    assert (line.__dict__["case"], line.__dict__["fault"]) == (me.case().id, "RuntimeError")
    assert SECRETS[0] not in caplog.text

    house.wait(DAY)
    house.sweeps()
    assert SECRETS[0] not in everything(house), "it is tried again"


# ---- the provider's copies -----------------------------------------------------------------------


def a_request_by_text_that_ended(house: House) -> Resident:
    me = house.resident()
    me.wants_a_team()
    house.settles()
    for number, row in enumerate(house.rows("message", direction="out", state="replied")):
        note_receipt(house.parts, row.id, TextState.DELIVERED, f"SMf{number:031x}", None)
    told = {"by": "Dana", "status": "closed", "outcome": "resolved"}
    assert house.dispatch(f"/{me.case().id}/status", told).status_code == 200
    house.settles()
    return me


def at_twilio(house: House) -> set[str]:
    rows = house.rows("message")
    return {row.provider_id for row in rows if row.provider == "twilio" and row.provider_id}


def erases(house: House, twilio: int = 201) -> None:
    """Run the sweeps and jobs until nothing is left to do."""
    for _ in range(40):
        house.sweeps().sweeps()  # the second sweep enqueues what the first one made due
        if not house.jobs():
            return
        house.works(twilio=twilio)
    raise AssertionError("it never ends")


def test_the_provider_erases_its_copy_of_the_words_and_later_of_the_number(house: House) -> None:
    a_request_by_text_that_ended(house)
    sids = at_twilio(house)
    assert len(sids) > 15, "theirs, and what we answered, where a receipt named it"
    house.wait(29 * DAY)
    erases(house)
    assert house.erased == [], "the words are kept for 30 days"

    house.wait(2 * DAY)
    erases(house)
    assert {sid for _, sid in house.erased} == sids
    assert {how for how, _ in house.erased} == {"POST"}, "the record stays, without its body"
    assert len(house.erased) == len(sids), "once each"

    house.erased.clear()
    house.wait(60 * DAY)
    erases(house)
    assert sorted(house.erased) == [("DELETE", sid) for sid in sorted(sids)]
    house.erased.clear()
    house.wait(400 * DAY)
    erases(house)
    assert house.erased == []


def test_a_provider_that_is_down_is_asked_again_until_it_is_done(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    a_request_by_text_that_ended(house)
    house.wait(31 * DAY)
    erases(house, twilio=500)
    assert house.erased == [] and "not redacted at the provider" in caplog.text
    assert "SM0" not in caplog.text
    erases(house)
    assert house.erased == [], "an hour later, not at once"
    house.wait(3601)
    erases(house)
    assert {sid for _, sid in house.erased} == at_twilio(house)


def test_what_the_provider_does_not_have_any_more_is_done(house: House) -> None:
    a_request_by_text_that_ended(house)
    house.wait(31 * DAY)
    erases(house, twilio=404)
    assert all(row.redact_at is None for row in house.rows("message"))


def test_the_number_erased_while_a_body_is_being_redacted_is_not_forgotten(house: House) -> None:
    a_request_by_text_that_ended(house)
    house.wait(31 * DAY)
    house.sweeps()
    message_id = house.rows("message", direction="in")[0].id
    with house.parts.engine.connect() as conn:
        copy = erasure.copy_of(conn, message_id)
    assert copy is not None and not copy.whole
    house.wait(60 * DAY)
    house.sweeps()  # erases the number
    with house.parts.engine.begin() as conn:
        assert not erasure.redact_next(conn, message_id, copy.due, None)
        again = erasure.copy_of(conn, message_id)
    assert again is not None and again.whole


def test_nothing_is_redacted_of_a_request_that_a_law_holds(house: House) -> None:
    me = a_request_by_text_that_ended(house)
    assert retention.by_reference(
        house.parts, me.case().reference, "Alex", lambda case, scene, _: hold(case, "Alex", scene)
    )
    house.wait(400 * DAY)
    erases(house)
    assert house.erased == [] and house.rows("message", direction="in")[0].erased_at is None


def test_a_text_of_a_withheld_number_is_erased_too(house: House) -> None:
    withheld = house.resident("anonymous")
    withheld.posts("the door is green")
    assert "the door is green" in everything(house)
    sids = at_twilio(house)
    assert len(sids) == 1
    house.wait(29 * DAY)
    erases(house)
    assert "the door is green" in everything(house)
    house.wait(2 * DAY)
    erases(house)
    assert "the door is green" not in everything(house)
    assert house.erased == [("POST", *sids)]
    withheld.posts("the door is green", sid=next(iter(sids)))
    assert "the door is green" not in everything(house), "a repeat is still known"
