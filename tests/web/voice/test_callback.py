"""A promised call: the human's phone first, then the resident's; a live person speaks. Nobody is
called twice for one attempt, and none is forgotten."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from caller import ME, Caller
from phones import Phone, events

from caller_service.casework.callbacks import go_on, keep_promises
from caller_service.core.callback import MOST_ATTEMPTS, SPACING
from caller_service.core.case import Status
from caller_service.store.tables import Base

if TYPE_CHECKING:
    from conftest import House

NO = "2"


def runs(house: House) -> None:
    house.sweeps()
    house.settles()


def with_request(house: House, contact: tuple[str, str] = ("1", "1")) -> Caller:
    """A resident who asked for a counselor, and may be called."""
    me = Caller(house).rings().presses("1", NO, NO, NO, NO, *contact, "2")
    me.hangs_up()
    runs(house)
    return me


def book(house: House, me: Caller, **told: Any) -> Any:
    body = {"by": "Dana", "in_minutes": 10} | told
    return house.dispatch(f"/{me.case().id}/callbacks", body)


def promised(house: House) -> Any:
    (row,) = house.rows("callback")
    return row


def due(house: House, seconds: float = 601) -> Phone:
    """The attempt starts: the phone of the human who calls back."""
    house.wait(seconds)
    runs(house)
    call_id = promised(house).call_id
    (place,) = [
        number for number, form in enumerate(house.rung) if form["Url"].endswith(f"id={call_id}")
    ]
    return Phone(house, place)


def answered(house: House, staff: Phone) -> Phone:
    """The human presses 1; the resident's phone rings."""
    staff.picks_up().presses("1")
    before = len(house.rung)
    runs(house)
    assert [form["To"] for form in house.rung[before:]] == [ME]
    return Phone(house, -1)


def in_queue(theirs: Phone) -> tuple[str, str]:
    """The resident has answered and nothing was said: the queue's two URLs."""
    assert not theirs.said
    enqueue = ElementTree.fromstring(theirs.document_text).find("Enqueue")
    assert enqueue is not None, theirs.document_text
    wait, action = enqueue.get("waitUrl", ""), enqueue.get("action", "")
    assert "<Say" not in theirs._asks(wait).text
    return wait, action


def test_the_human_first_then_the_resident_and_nothing_artificial_is_said(house: House) -> None:
    me = with_request(house)
    assert book(house, me, ask_for="Sam").status_code == 200
    dana = due(house)
    dana.picks_up()
    assert dana.said == house.words("spoken.callback.before")
    dana.presses("1")
    assert "Sam" in dana.said
    assert ME not in dana.document_text
    before = len(house.rung)
    runs(house)
    theirs = Phone(house, before)
    assert theirs.form["To"] == ME
    theirs.picks_up()
    _, action = in_queue(theirs)
    joined = theirs._asks(dana.queue_url)
    assert "<Say" not in joined.text
    assert me.case().talking
    house.wait(60)
    dana.parts()
    dana.reports("completed")
    left = theirs._asks(action, QueueResult="bridged")
    assert "<Say" not in left.text
    assert "<Hangup" in left.text
    theirs.reports("completed")
    runs(house)
    assert (promised(house).state, promised(house).outcome) == ("done", "reached")
    assert promised(house).talked_until is not None
    assert not me.case().on_line
    talk = house.rows("talk")
    assert [(row.person, row.ended_at is not None) for row in talk] == [
        (dana_name(house, dana), True)
    ]


@pytest.mark.parametrize("accepted", [False, True])
def test_whoever_was_reached_does_not_read_that_it_takes_longer(
    house: House, accepted: bool
) -> None:
    """No time was promised, and a human has spoken with them, so nothing is late."""
    me = with_request(house)
    book(house, me)
    if accepted:
        told = {"answer": "accept", "by": "Counselor on duty"}
        assert house.dispatch(f"/{me.case().id}/acknowledgement", told).status_code == 200
    dana = due(house)
    theirs = answered(house, dana).picks_up()
    _, action = in_queue(theirs)
    theirs._asks(dana.queue_url)
    house.wait(60)
    dana.parts()
    dana.reports("completed")
    theirs._asks(action, QueueResult="bridged")
    theirs.reports("completed")
    runs(house)
    assert promised(house).outcome == "reached"
    for _ in range(12):
        house.wait(300)
        runs(house)
    assert not [row for row in house.rows("journal") if row.event == "clock"
                and row.detail["clock"].startswith("late_")]  # fmt: skip
    assert house.words("status.late") not in " ".join(house.texts_to(ME))


def dana_name(house: House, staff: Phone) -> str:
    rungs = house.parts.program.ladder
    return next(rung.name for rung in rungs if rung.number == staff.form["To"])


def test_it_comes_from_the_callback_number(house: House) -> None:
    program = house.parts.program
    numbers = replace(program.numbers, callback="+17205550115")
    house.change(program=replace(program, numbers=numbers))
    me = with_request(house)
    book(house, me)
    theirs = answered(house, due(house))
    assert theirs.form["From"] == "+17205550115"


def test_whoever_rings_it_back_hears_no_program_until_they_say_they_expected_it(
    house: House,
) -> None:
    program = house.parts.program
    numbers = replace(program.numbers, callback="+17205550115")
    house.change(program=replace(program, numbers=numbers))
    me = with_request(house)
    stranger = Caller(house, to="+17205550115").rings()
    assert "Fairhaven" not in stranger.said
    stranger.told("spoken.callback.line").is_silent(2)
    assert stranger.over
    assert "Fairhaven" not in stranger.transcript()
    expected = Caller(house, to="+17205550115").rings().presses("1")
    assert expected.queue is not None
    assert expected.case().id == me.case().id
    new = Caller(house, "+17205550177", to="+17205550115").rings().presses("1")
    new.told("spoken.ask.about_you")


def test_it_is_due_within_two_seconds(house: House) -> None:
    me = with_request(house)
    book(house, me)
    house.wait(599)
    before = len(house.rung)
    runs(house)
    assert len(house.rung) == before
    house.wait(2)
    runs(house)
    assert len(house.rung) == before + 1


def test_the_same_key_and_the_same_webhook_twice_ring_them_once(house: House) -> None:
    me = with_request(house)
    book(house, me)
    dana = due(house)
    dana.picks_up()
    key = dana.next
    dana.presses("1")
    dana.presses("1", at=key)
    before = len(house.rung)
    runs(house)
    assert [form["To"] for form in house.rung[before:]] == [ME]
    theirs = Phone(house, -1).picks_up()
    first = theirs.document_text
    assert theirs.picks_up().document_text == first


def test_any_number_of_workers_ring_once(house: House) -> None:
    me = with_request(house)
    book(house, me)
    house.wait(601)
    before = len(house.rung)
    for _ in range(3):
        keep_promises(house.parts)
        go_on(house.parts, promised(house).id)
    runs(house)
    assert len(house.rung) == before + 1


@pytest.mark.parametrize("how", ["busy", "no-answer", "failed"])
def test_whose_phone_is_not_answered_the_next_human_is_rung(house: House, how: str) -> None:
    me = with_request(house)
    book(house, me)
    first = due(house)
    first.reports(how)
    before = len(house.rung)
    runs(house)
    after = [form["To"] for form in house.rung[before:]]
    assert len(after) == 1
    assert after != [first.form["To"]]
    assert ME not in after


def test_a_voicemail_of_staff_takes_no_callback(house: House) -> None:
    me = with_request(house)
    book(house, me)
    staff = due(house)
    staff.picks_up("machine_start")
    staff.reports("completed")
    before = len(house.rung)
    runs(house)
    assert ME not in [form["To"] for form in house.rung[before:]]


def test_a_resident_who_does_not_answer_is_tried_again_and_then_told(house: House) -> None:
    me = with_request(house)
    book(house, me)
    tried = 0
    staff = due(house)
    while True:
        theirs = answered(house, staff)
        tried += 1
        theirs.reports("no-answer")
        assert "<Dial" not in staff.parts("no-answer").document_text
        staff.reports("completed")
        runs(house)
        if promised(house).state == "done":
            break
        staff = due(house, SPACING.total_seconds() + 1)
    assert tried == MOST_ATTEMPTS
    assert promised(house).outcome == "not_reached"
    assert house.words("callback.not_reached") in house.texts_to(ME)
    assert events(house, "callback_over")


def test_a_machine_is_told_to_staff_and_not_talked_to(house: House) -> None:
    me = with_request(house)
    book(house, me)
    staff = due(house)
    theirs = answered(house, staff).picks_up("machine_start")
    assert theirs.hung_up
    assert not theirs.said
    staff.parts("no-answer")
    again = house.words("spoken.callback.again")
    assert staff.said == f"{house.words('spoken.callback.machine')} {again}"


def test_staff_hear_it_ring_for_as_long_as_it_does(house: House) -> None:
    me = with_request(house)
    book(house, me)
    staff = due(house)
    answered(house, staff)
    staff.parts("no-answer")  # five seconds are over, and the phone still rings
    assert not staff.said
    assert staff.queue_url


def test_if_staff_hang_up_meanwhile_the_resident_is_not_rung_to_nobody(house: House) -> None:
    me = with_request(house)
    book(house, me)
    staff = due(house)
    theirs = answered(house, staff)
    theirs.reports("ringing")
    staff.reports("completed")
    runs(house)
    assert theirs.sid in house.hung_up


def test_nobody_comes_to_somebody_who_picked_up_and_the_call_ends(house: House) -> None:
    me = with_request(house)
    book(house, me)
    theirs = answered(house, due(house)).picks_up()
    wait, _action = in_queue(theirs)
    key = re.search(r'action="([^"]+)"', theirs._asks(wait).text)
    assert key is not None
    house.wait(25)
    document = theirs._asks(key[1].replace("&amp;", "&"), Digits="").text
    assert "<Say" not in document
    assert "<Hangup" in document


def test_the_wrong_person_is_another_attempt(house: House) -> None:
    me = with_request(house)
    book(house, me)
    staff = due(house)
    theirs = answered(house, staff).picks_up()
    in_queue(theirs)
    theirs._asks(staff.queue_url)
    told = {"by": "Dana", "outcome": "wrong_person"}
    answer = house.dispatch(f"/{me.case().id}/callbacks/{promised(house).id}/outcome", told)
    assert answer.status_code == 200
    assert promised(house).state == "waiting"


def test_it_is_cancelled_and_listed(house: House) -> None:
    me = with_request(house)
    made = book(house, me)
    case_id = me.case().id
    (listed,) = house.dispatch(f"/{case_id}/calls", method="GET").json["callbacks"]
    assert made.json["callbacks"] == [listed]
    assert listed["state"] == "waiting"
    path = f"/{case_id}/callbacks/{listed['id']}/cancel"
    assert house.dispatch(path, {"by": "Dana"}).status_code == 200
    house.wait(700)
    before = len(house.rung)
    runs(house)
    assert len(house.rung) == before


@pytest.mark.parametrize("contact", [("2", "1"), ("2", "2")])
def test_whose_phone_may_not_be_called_gets_no_callback(
    house: House, contact: tuple[str, str]
) -> None:
    me = with_request(house, contact)
    answer = book(house, me)
    # without a permitted channel nothing was handed off
    assert answer.status_code == (409 if "1" in contact else 404)
    assert not house.rows("callback")


def test_contact_taken_back_cancels_it(house: House) -> None:
    me = with_request(house)
    book(house, me)
    house.resident(ME).texts("don't call me")
    house.wait(601)
    before = len(house.rung)
    runs(house)
    assert len(house.rung) == before
    assert promised(house).state == "cancelled"


@pytest.mark.parametrize(
    "told", [{"in_minutes": 0}, {"at": "25:00"}, {"in_minutes": 5, "at": "10:00"}, {"by": " "},
             {"in_minutes": 100_000}, {"ask_for": "x" * 200}, {"person": "Nobody Here"}],
)  # fmt: skip
def test_bad_input_is_named(house: House, told: dict[str, Any]) -> None:
    me = with_request(house)
    assert book(house, me, **told).status_code in (409, 422)
    assert not house.rows("callback")


def test_a_crash_between_claim_and_call_leaves_it_to_be_made_once(house: House) -> None:
    """The row says that an attempt is under way, but no call was made: the call's own job makes
    it."""
    me = with_request(house)
    book(house, me)
    house.wait(601)
    before = len(house.rung)
    keep_promises(house.parts)  # and the worker dies here
    assert len(house.rung) == before
    runs(house)  # another one
    runs(house)
    assert len(house.rung) == before + 1
    house.wait(16)
    runs(house)
    assert len(house.rung) == before + 1


def test_a_case_that_ended_has_none(house: House) -> None:
    me = with_request(house)
    book(house, me)
    body = {"status": "closed", "by": "Dana", "outcome": "resolved"}
    house.dispatch(f"/{me.case().id}/status", body)
    assert me.case().status == Status.CLOSED
    house.wait(601)
    before = len(house.rung)
    runs(house)
    assert len(house.rung) == before


def test_booked_by_key_while_waiting(house: House) -> None:
    me = Caller(house).rings().presses("1", NO, NO, NO, NO, "1", "1", "0")
    runs(house)
    for place in range(len(house.rung)):
        Phone(house, place).reports("no-answer")
    me.presses("5").told("spoken.wait.confirm_callback", number="7, 2, 0, 5, 5, 5, 0, 1, 1, 3")
    me.presses("1").told("spoken.closing")
    me.hangs_up()
    assert promised(house).booked_by == "resident"
    assert me.case().in_danger  # people are still being asked
    assert promised(house).due_at - house.clock() <= timedelta(minutes=5)


def test_the_name_agreed_is_sealed(house: House) -> None:
    me = with_request(house)
    book(house, me, ask_for="Samantha")
    table = Base.metadata.tables["callback"]
    with house.parts.engine.connect() as conn:
        row = conn.execute(table.select()).one()
    assert all(b"Samantha" not in bytes(str(value), "utf-8") for value in row)


# ---- booked by text ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "clock"),
    [
        ("call me at 6", "18:00"), ("pls call me at 6pm", "18:00"), ("call me at 9 am", "09:00"),
        ("Call me back at 12:30", "12:30"), ("can you call me at 1.15 p.m.", "13:15"),
        ("call me tonight at 9", "21:00"), ("llámeme a las 6", "18:00"),
        ("call me at 18:00 please", "18:00"),
    ],
)  # fmt: skip
def test_a_text_books_a_call_where_calling_is_safe(house: House, words: str, clock: str) -> None:
    with_request(house)  # it is noon in Denver
    house.resident(ME).texts(words).hears("from 720-555-0113")
    local = promised(house).due_at.astimezone(ZoneInfo("America/Denver"))
    assert f"{local:%H:%M}" == clock
    assert promised(house).due_at > house.clock.at
    assert promised(house).booked_by == "resident"


@pytest.mark.parametrize(
    ("words", "minutes"),
    [("call me in 20 minutes", 20), ("ring me in an hour", 60),
     ("me pueden llamar en 30 minutos", 30)],
)  # fmt: skip
def test_so_many_minutes_from_now(house: House, words: str, minutes: int) -> None:
    with_request(house)
    house.resident(ME).texts(words)
    due_at = promised(house).due_at - house.clock.at
    assert abs(due_at - timedelta(minutes=minutes)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    "words", ["dont call me at 6", "do not call me at 6", "they call me at 99", "no me llame a las 6",
              "call me at 120 main st"],
)  # fmt: skip
def test_what_asks_for_no_call_books_none(house: House, words: str) -> None:
    with_request(house)
    house.resident(ME).texts(words)
    assert not house.rows("callback")


def test_a_text_books_no_call_where_calling_is_not_safe(house: House) -> None:
    me = with_request(house, ("2", "1"))
    resident = house.resident(ME).texts("call me at 6")
    assert not house.rows("callback")
    resident.told("callback.by_human")
    assert "wrote_again" in me.case().because


def test_two_wishes_for_a_call_that_is_not_safe_get_different_first_lines(house: House) -> None:
    with_request(house, ("2", "2"))
    me = house.resident(ME)
    wishes = ("call me at 6", "call me at 7", "call me at 8")
    firsts = [me.texts(words).heard[0].partition("\n")[0] for words in wishes]
    assert all(one != two for one, two in itertools.pairwise(firsts)), firsts
    assert not house.rows("callback")


def test_another_time_takes_the_place_of_the_first(house: House) -> None:
    me = with_request(house)
    book(house, me)
    house.resident(ME).texts("call me at 9pm")
    states = sorted(row.state for row in house.rows("callback"))
    assert states == ["cancelled", "waiting"]


def test_taken_back_after_the_1_is_told_to_staff_as_it_is(house: House) -> None:
    me = with_request(house)
    book(house, me)
    staff = due(house)
    staff.picks_up().presses("1")
    house.resident(ME).texts("don't call me")
    before = len(house.rung)
    runs(house)
    assert ME not in [form["To"] for form in house.rung[before:]]
    keep_promises(house.parts)
    staff.parts("no-answer")
    assert staff.said == house.words("spoken.callback.not_wanted")


@pytest.mark.parametrize("how", ["don't call me", "he is reading my texts", "staff"])
def test_taken_back_while_their_phone_rings_it_falls_silent(house: House, how: str) -> None:
    """Rule 10: believed at once. Whoever picks up all the same is joined to nobody."""
    me = with_request(house)
    book(house, me)
    staff = due(house)
    theirs = answered(house, staff)
    theirs.reports("ringing")
    if how == "staff":
        told = {"question": "contact", "choice": "unsafe", "by": "Dana", "reason": "she said so"}
        assert house.dispatch(f"/{me.case().id}/answers", told).status_code == 200
    else:
        house.resident(ME).texts(how)
    house.settles()
    assert theirs.sid in house.hung_up
    assert promised(house).state == "cancelled"
    theirs.picks_up()
    assert theirs.hung_up and "<Enqueue" not in theirs.document_text
    staff.parts("no-answer")
    assert staff.said == house.words("spoken.callback.not_wanted")


def test_whoever_booked_and_says_nothing_more_is_let_go(house: House) -> None:
    me = Caller(house).rings().presses("1", NO, NO, NO, NO, "1", "1", "0")
    me.presses("5", "1").is_silent()
    assert me.over
    assert promised(house).state == "waiting"


def test_a_promise_that_was_taken_back_is_not_texted_any_more(house: House) -> None:
    """The text waits, and they write "do not call me": then "we will call you" would be untrue."""
    me = with_request(house)
    assert book(house, me).status_code == 200
    house.resident(ME).texts("do not call me")
    runs(house)
    booked = [row for row in house.rows("message") if row.keys.startswith("callback.booked")]
    assert [row.state for row in booked] == ["overtaken"]
    assert not [text for text in house.texts_to(ME) if "We will call you" in text]
