"""Whole calls of residents: what they hear, what their keys mean, and what follows."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from caller import ME, Caller
from conftest import signed
from conversation import CATALOG
from phones import Phone, events

from caller_service.casework.change import change
from caller_service.core.case import Case, Status, Step
from caller_service.core.ledger import end
from caller_service.core.marks import Mark
from caller_service.core.outcome import Outcome
from caller_service.core.protocol import Level
from caller_service.core.reach import CannotText
from caller_service.core.routing import Scene
from caller_service.core.said import Said
from caller_service.language.spoken import seconds

if TYPE_CHECKING:
    from conftest import House

NO = "2"


def runs(house: House) -> None:
    house.sweeps()
    house.settles()


def all_no(me: Caller) -> Caller:
    """About themselves, no danger, an adult: up to the two questions about contact."""
    return me.rings().presses("1", NO, NO, NO, NO)


# ---- the numbered path ---------------------------------------------------------------------------


def test_the_first_danger_question_ends_within_thirty_seconds(house: House) -> None:
    for language, first in (("en", "1"), ("es", "2")):
        me = Caller(house, f"+1720555014{first}").rings()
        spoken = me.takes() + 1.5
        if language == "es":  # the language key, early: they hear no English question
            me.presses(first, listening=False)
            spoken = 6 + me.takes() + 1.5
        me.presses("1")
        assert me.takes() + spoken <= 30 + (4 if language == "es" else 0), me.transcript()


@pytest.mark.parametrize("language", CATALOG.words)
def test_the_greeting_takes_at_most_fourteen_seconds(language: str) -> None:
    keys = ("spoken.greeting.program", "spoken.greeting.danger", "spoken.greeting.person")
    fill = {"program": "Fairhaven Care Line", "Not_police": CATALOG.text(language, "not_police.us")}
    words = " ".join(CATALOG.text(language, key, **fill) for key in keys)
    other = next(tag for tag in CATALOG.words if tag != language)
    second = CATALOG.text(other, "spoken.language", number="2")
    languages = CATALOG.languages
    assert seconds(words, languages[language]) + seconds(second, languages[other]) <= 14


def test_a_caller_without_danger_gets_the_help_they_choose(house: House) -> None:
    me = all_no(Caller(house)).presses("1", "1", "2")

    case = me.case()
    assert (case.status, case.level, case.response) == (Status.HANDED_OFF, Level.R5, "counselor")
    assert dict(case.answers) == {
        "who": "me", "health": "no", "safety": "no", "suicide": "no", "contact": "text_call",
        "want": "counselor",
    }  # fmt: skip
    me.told("spoken.ask.voicemail").presses("1").told("spoken.closing").is_silent()
    assert me.over
    assert me.case().answers["voicemail"] == "yes"


def test_contact_is_two_questions_and_not_sure_is_not_safe(house: House) -> None:
    expected = {
        ("1", "1"): "text_call", ("1", "2"): "call", ("1", "3"): "call",
        ("2", "1"): "text", ("2", "2"): "unsafe", ("3", "3"): "unsafe", ("3", "1"): "text",
    }  # fmt: skip
    for number, (keys, contact) in enumerate(expected.items()):
        me = all_no(Caller(house, f"+172055501{50 + number}")).presses(*keys)
        assert me.case().answers["contact"] == contact, keys
        me.hangs_up()


def test_a_call_that_ends_between_the_two_keeps_the_stricter_answer(house: House) -> None:
    me = all_no(Caller(house)).presses("2").hangs_up()
    assert me.case().answers["contact"] == "unsafe"


def test_someone_else_is_asked_about_who_after_health(house: House) -> None:
    me = Caller(house).rings().presses("2")
    me.told("spoken.ask.health.they").presses(NO).told("spoken.ask.about_who")
    assert me.case().answers["who"] == "someone"
    me.presses("2")
    assert me.case().answers["who"] == "child"
    me.told("spoken.preamble").told("spoken.ask.safety")


def test_a_minor_hears_about_reporting_before_suicide_is_asked(house: House) -> None:
    me = Caller(house).rings().presses("1", NO, NO, "1")
    assert me.case().answers["who"] == "me_minor"
    me.told("spoken.minor.report").told("spoken.ask.suicide.me")


def test_no_spoken_question_has_more_than_four_choices(house: House) -> None:
    me = all_no(Caller(house)).presses("1", "1")
    for _ in range(3):
        gathered = me.said.count("press ") + me.said.count("oprima ")
        assert gathered <= 4, me.said
        me.presses("1")


def test_what_is_needed_is_left_to_the_human(house: House) -> None:
    me = all_no(Caller(house)).presses("1", "1", "1")
    # a team, and no speech recognition is signed: a person asks for the street
    me.told("spoken.place.number").presses("#")
    me.told("spoken.place.person").told("spoken.wait.start")
    assert "need" not in me.case().answers


# ---- languages -----------------------------------------------------------------------------------


def test_the_language_key_counts_until_the_first_question_is_half_spoken(house: House) -> None:
    me = Caller(house).rings()
    house.wait(4)
    me.presses("2", listening=False)
    assert me.case().language == "es"
    assert house.words("spoken.ask.about_you", "es") in me.said

    late = Caller(house, "+17205550124").rings().presses("2")
    assert late.case().language == "en"
    assert late.case().answers["who"] == "someone"


def test_each_sentence_is_one_say_with_its_voice_and_language(house: House) -> None:
    me = Caller(house).rings()
    says = list(me.document.iter("Say"))
    assert len(says) >= 6
    assert {say.get("language") for say in says} == {"en-US", "es-US"}
    assert all(say.get("voice") for say in says)


# ---- keys that mean the same at every moment -----------------------------------------------------


def test_0_is_a_person_at_every_question(house: House) -> None:
    for number, keys in enumerate([(), ("1",), ("1", NO), ("1", NO, NO), ("1", NO, NO, NO)]):
        me = Caller(house, f"+172055501{60 + number}").rings().presses(*keys, "0")
        assert me.queue is not None, me.transcript()
        assert me.case().level == Level.R2
        me.hangs_up()


def test_9_gives_the_911_words_and_the_question_stays(house: House) -> None:
    me = Caller(house).rings().presses("1", "9")
    assert "Hang up and call 911" in me.said
    me.told("spoken.ask.health.me").presses("1")
    assert me.case().answers["health"] == "yes"


def test_star_repeats_and_pound_skips(house: House) -> None:
    me = Caller(house).rings().presses("1", "*").told("spoken.ask.health.me")
    me.presses("#")  # a skip of a safety question is doubt
    assert me.case().answers["health"] == "skipped"
    assert me.case().level == Level.R2
    assert me.queue is not None, me.transcript()


def test_star_is_slower_from_then_on(house: House) -> None:
    me = Caller(house).rings().presses("1")
    assert not list(me.document.iter("prosody"))
    me.presses("*")
    assert {each.get("rate") for each in me.document.iter("prosody")} == {"85%"}
    me.presses("1")
    assert list(me.document.iter("prosody"))


def test_8_says_when_police_may_come(house: House) -> None:
    me = Caller(house).rings().presses("1", NO, "8")
    me.told("spoken.police").told("spoken.ask.safety")
    assert "safety" not in me.case().answers


def test_keys_that_mean_nothing_are_asked_again_and_then_are_doubt(house: House) -> None:
    me = Caller(house).rings().presses("1")
    me.presses("7").told("spoken.not_a_key").presses("5").told("spoken.not_a_key.again")
    me.presses("7")
    assert me.case().answers["health"] == "unreadable"
    assert me.queue is not None, me.transcript()


@pytest.mark.parametrize("digits", ["12345678901234567890", "A", "D", "1 1", "११", "w", "-1"])
def test_digits_that_are_none_change_nothing(house: House, digits: str) -> None:
    me = Caller(house).rings().presses("1")
    house.wait(me.takes())
    me._hears(me._asks(me.action, Digits=digits))
    me.told("spoken.not_a_key").told("spoken.ask.health.me")
    assert "health" not in me.case().answers


def test_the_same_key_twice_at_once_is_one_press(house: House) -> None:
    me = Caller(house).rings().presses("1")
    house.wait(me.takes() + 1)
    me.presses("2", listening=False)
    house.wait(0.4)
    me.presses("2", listening=False)
    assert "safety" not in me.case().answers
    me.told("spoken.ask.safety")


# ---- pressed ahead -------------------------------------------------------------------------------


def test_a_safety_no_pressed_ahead_is_asked_again_and_then_is_doubt(house: House) -> None:
    me = Caller(house).rings().presses("1")
    house.wait(2)
    me.presses("2", listening=False)
    me.told("spoken.too_fast").told("spoken.ask.health.me")
    assert "health" not in me.case().answers
    house.wait(2)
    me.presses("2", listening=False)
    assert me.case().answers["health"] == "unsure"


def test_a_yes_pressed_ahead_counts(house: House) -> None:
    me = Caller(house).rings().presses("1")
    house.wait(1.6)
    me.presses("1", listening=False)
    assert me.case().answers["health"] == "yes"


def test_opening_contact_pressed_ahead_does_not_count(house: House) -> None:
    me = all_no(Caller(house))
    house.wait(1)
    me.presses("1", listening=False).told("spoken.too_fast")
    assert "contact" not in me.case().answers


# ---- silence -------------------------------------------------------------------------------------


def test_silence_is_asked_twice_and_then_goes_to_a_person(house: House) -> None:
    me = Caller(house).rings().is_silent().told("spoken.silent.one").told("spoken.ask.about_you")
    me.is_silent().told("spoken.silent.two")
    me.is_silent().told("spoken.silent.three").told("spoken.wait.start")
    assert me.case().level == Level.R2
    runs(house)
    assert house.rung


def test_a_key_of_somebody_who_cannot_talk_is_a_danger_sign(house: House) -> None:
    me = Caller(house).rings().is_silent(2).presses("5")
    case = me.case()
    assert Said.HIDING in case.said
    assert case.level == Level.R2
    me.told("spoken.danger.hiding")
    # after a sign of hiding software only replies
    assert case.violent


# ---- danger, and a human -------------------------------------------------------------------------


def waiting(house: House, number: str = ME) -> Caller:
    me = Caller(house, number).rings().presses("1", "1")
    runs(house)
    return me


def test_a_caller_in_danger_waits_in_the_queue_of_their_case(house: House) -> None:
    me = waiting(house)
    assert me.name_of_queue == me.case().id
    # what to do at once is heard whole, before a human can cut it off
    assert house.words("spoken.level.health") in me.transcript()
    me.told("spoken.wait.start")
    assert [form["To"] for form in house.rung] == ["+17205550130", "+17205550131"]


def test_the_words_of_waiting_come_from_the_record_and_never_twice_in_a_row(house: House) -> None:
    me = waiting(house)
    heard = [me.said]
    for _ in range(14):
        me.is_silent()
        runs(house)
        heard.append(me.said)
    assert all(one != two for one, two in itertools.pairwise(heard)), heard
    assert house.words("spoken.wait.nobody_yet") in " ".join(heard)
    assert "2 people have been asked" in " ".join(heard)


def test_9_in_the_queue_says_nothing_twice_in_a_row(house: House) -> None:
    me = waiting(house)
    heard = [me.presses("9").said for _ in range(3) if not house.wait(3)]
    assert all(one != two for one, two in itertools.pairwise(heard)), heard
    assert all("call 911" in each for each in heard)


def test_a_member_of_staff_presses_1_and_is_joined(house: House) -> None:
    me = waiting(house)
    dana = Phone(house, 0).picks_up()
    assert dana.said == house.words("spoken.whisper.before")
    dana.presses("1")
    assert dana.said.endswith(house.words("spoken.whisper.connecting"))
    assert me.number not in dana.document_text
    me.is_joined(dana.queue_url.partition("id=")[2])
    assert me.said == house.words("spoken.wait.found")

    case = me.case()
    assert (case.talking, case.holder) == (True, "Dispatcher on duty")
    assert Mark.JOINED in case.marks
    house.wait(300)  # nobody writes, and they are talking: no clock of a silent holder
    runs(house)
    assert me.case().talking
    assert not events(house, "held_silent")


def test_whoever_takes_the_case_by_text_is_rung(house: House) -> None:
    me = waiting(house)
    for place in range(2):
        Phone(house, place).reports("no-answer")
    before = len(house.rung)
    told = {"answer": "accept", "by": "Dispatcher on duty"}
    assert house.dispatch(f"/{me.case().id}/acknowledgement", told).status_code == 200
    runs(house)
    assert [form["To"] for form in house.rung[before:]] == ["+17205550130"]


def test_two_who_press_1_at_once_one_takes_it(house: House) -> None:
    waiting(house)
    dana, ben = Phone(house, 0).picks_up(), Phone(house, 1).picks_up()
    dana.presses("1")
    ben.presses("1")
    assert dana.queue_url
    assert not ben.queue_url
    assert ben.hung_up


def test_a_voicemail_of_staff_takes_nothing(house: House) -> None:
    me = waiting(house)
    machine = Phone(house, 0).picks_up("machine_start")
    assert not machine.said
    assert not me.case().human_has_it


def test_staff_who_come_too_late_hear_so(house: House) -> None:
    me = waiting(house)
    dana = Phone(house, 0).picks_up().presses("1")
    me.hangs_up()
    dana.parts("no-answer")
    assert "The caller has hung up" in dana.said


def test_a_caller_who_is_cut_off_from_the_human_is_asked_for_again(house: House) -> None:
    me = waiting(house)
    dana = Phone(house, 0).picks_up().presses("1")
    me.is_joined(dana.queue_url.partition("id=")[2])
    house.wait(8)
    dana.parts()
    dana.reports("completed")
    me.parts("bridged")
    me.told("spoken.wait.cut")
    assert me.queue is not None, me.transcript()
    before = len(house.rung)
    runs(house)
    assert "+17205550130" in [form["To"] for form in house.rung[before:]]


def test_after_a_goodbye_whoever_stays_is_asked_for_again(house: House) -> None:
    me = waiting(house)
    dana = Phone(house, 0).picks_up().presses("1")
    me.is_joined(dana.queue_url.partition("id=")[2])
    house.wait(90)
    dana.parts()
    dana.reports("completed")
    me.parts("bridged").told("spoken.wait.parted")
    before = len(house.rung)
    runs(house)
    assert len(house.rung) == before
    me.is_silent()
    runs(house)
    assert len(house.rung) > before


def test_leaving_the_queue_takes_two_keys(house: House) -> None:
    me = waiting(house)
    me.presses("1", "1", "4").told("spoken.wait.confirm_988").presses("4")
    assert me.queue is not None, me.transcript()
    me.presses("4", "1").told("spoken.wait.to_988")
    assert "+17205550111" in me.transcript()
    me.comes_back("busy").told("spoken.wait.no_988")
    assert me.queue is not None, me.transcript()


@pytest.mark.parametrize("result", ["error", "system-error", "queue-full", "redirected"])
def test_a_queue_that_fails_is_tried_again_and_never_silence(house: House, result: str) -> None:
    me = waiting(house)
    for _ in range(6):
        if me.over:
            break
        me.parts(result)
        assert me.said
    assert me.case().in_danger  # people are still being asked
    assert me.queue is not None or "988" in me.said


# ---- hanging up ----------------------------------------------------------------------------------


def test_before_any_answer_it_is_in_the_ledger_and_nobody_calls_back(house: House) -> None:
    me = Caller(house).rings().hangs_up()
    case = me.case()
    assert (case.status, case.outcome) == (Status.CLOSED, "no_request")
    runs(house)
    assert not house.rung
    assert not house.texts_to(ME)


def test_the_third_in_a_day_is_read_by_a_human(house: House) -> None:
    for _ in range(3):
        me = Caller(house).rings().hangs_up()
        house.wait(60)
    case = me.case()
    assert not case.ended
    assert case.review
    assert "writes_often" in case.because


def test_after_an_answer_a_human_has_a_task(house: House) -> None:
    me = Caller(house).rings().presses("1", NO).hangs_up()
    case = me.case()
    assert "hung_up" in case.because
    assert case.review
    assert case.revision


def test_after_a_danger_sign_people_are_paged_and_software_says_nothing(house: House) -> None:
    me = Caller(house).rings().presses("1", NO, "1").hangs_up()  # something is happening now
    case = me.case()
    assert case.level == Level.R2
    house.clock.at += __import__("datetime").timedelta(minutes=6)
    runs(house)
    assert not house.texts_to(ME)
    assert all(form["To"] != ME for form in house.rung)


def test_reports_of_the_end_come_twice_and_late(house: House) -> None:
    me = Caller(house).rings().presses("1", NO)
    me.reports("in-progress", "completed", "ringing", "completed")
    assert len(events(house, "call_ended")) == 1


def test_every_point_of_hanging_up_leaves_a_person_or_an_end(house: House) -> None:
    path = ["1", NO, NO, NO, NO, "1", "1", "2", "1"]
    for place in range(len(path) + 1):
        me = Caller(house, f"+1720555{1000 + place}").rings().presses(*path[:place]).hangs_up()
        case = me.case()
        assert case.ended or case.review or case.in_danger or case.status != Status.SCREENING, place
        assert not case.on_line


# ---- the same again ------------------------------------------------------------------------------


def test_a_repeated_webhook_gets_the_same_document(house: House) -> None:
    me = Caller(house).rings()
    fields = {
        "CallSid": me.sid, "AccountSid": "AC" + "0" * 32, "From": me.number, "To": me.to,
        "CallStatus": "ringing", "Direction": "inbound",
    }  # fmt: skip
    again = signed(house, "/twilio/voice", fields)
    assert ElementTree.tostring(ElementTree.fromstring(again.text)) == ElementTree.tostring(
        me.document
    )
    action, said = me.action, me.said
    me.presses("1")
    first = me.said
    assert first != said
    for _ in range(2):  # the provider did not hear our answer
        me._hears(me._asks(action, Digits="1"))
        assert me.said == first
    assert [row.state for row in house.rows("message", direction="in")] == ["heard"]
    assert dict(me.case().answers) == {"who": "me"}


def test_a_webhook_after_the_end_changes_nothing(house: House) -> None:
    me = Caller(house).rings().presses("1")
    action = me.action
    me.hangs_up()
    before = me.case()
    me._hears(me._asks(action, Digits="1"))
    assert me.case() == before


def test_an_id_that_is_none_of_ours_is_hung_up_on(house: House) -> None:
    for door in ("key", "wait", "left", "after", "joined", "callback"):
        answer = signed(
            house, f"/twilio/voice/{door}?leg=nobody&step=1&id=nobody", {"CallSid": "CA" + "9" * 32}
        )
        assert answer.status_code == 200
        assert "Gather" not in answer.text


# ---- numbers, and other conversations ------------------------------------------------------------


@pytest.mark.parametrize("hidden", ["", "anonymous", "+266696687", "Restricted"])
def test_a_hidden_number_is_served_and_told_that_nobody_can_call_back(
    house: House, hidden: str
) -> None:
    me = Caller(house, hidden).rings().presses("1", NO, NO, NO, NO)
    case = me.case()
    assert case.cannot_text == CannotText.WITHHELD
    me.told("spoken.ask.want").presses("3").told("spoken.hidden")
    other = Caller(house, hidden).rings()
    assert other.case().id != case.id
    assert other.case().contact != case.contact


def test_a_hidden_number_in_danger_is_not_in_the_packet(house: House) -> None:
    me = Caller(house, "").rings().presses("1", "1")
    runs(house)
    told = house.dispatch(f"/{me.case().id}", method="GET").json
    assert told["contact"]["number"] is None
    assert "unopened" not in told


def test_the_call_puts_the_question_that_was_texted(house: House) -> None:
    house.resident(ME).texts("hi", "1", "2")
    me = Caller(house, ME).rings()
    me.told("spoken.ask.safety")
    me.presses(NO)
    assert me.case().answers["safety"] == "no"


def test_a_text_answers_only_what_was_texted(house: House) -> None:
    me = Caller(house, ME).rings().presses("1")  # health is open, on the phone
    resident = house.resident(ME).texts("2")
    assert "health" not in me.case().answers
    resident.hears("Are you badly hurt")  # now it is texted


def test_who_has_an_open_request_hears_where_it_stands(house: House) -> None:
    me = all_no(Caller(house)).presses("1", "1", "2", "1").is_silent()
    again = Caller(house).rings().told("spoken.open_request.keys")
    again.presses("1").told("update_call.nobody_yet")
    assert again.case().id == me.case().id


def test_with_an_open_danger_a_call_goes_to_a_human_at_once(house: House) -> None:
    house.resident(ME).texts("i took all my pills")
    runs(house)
    me = Caller(house, ME).rings().told("spoken.known").told("spoken.wait.start")
    assert me.queue is not None, me.transcript()
    before = len(house.rung)
    runs(house)
    assert len(house.rung) > before


def test_whoever_calls_again_after_hanging_up_goes_on_where_they_were(house: House) -> None:
    """The first call was handed off, so an answer in the second is a revision of it: one."""
    me = all_no(Caller(house)).presses("1", "1").hangs_up()
    revision = me.case().revision
    again = Caller(house).rings().told("spoken.ask.want").presses("1")
    again.told("spoken.place.number")
    assert again.case().answers["want"] == "team"
    assert again.case().revision == revision + 1


def test_two_calls_of_one_number_at_once_share_the_case(house: House) -> None:
    one, two = Caller(house).rings(), Caller(house).rings()
    assert one.case().id == two.case().id
    one.presses("1")
    two.hangs_up()
    assert one.case().on_line
    one.presses(NO)
    one.hangs_up()
    assert not one.case().on_line


# ---- when we fail --------------------------------------------------------------------------------


def test_a_fault_of_ours_is_the_911_and_988_words(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = Caller(house).rings()
    monkeypatch.setattr("caller_service.store.legs.advance", _breaks)
    answer = me._asks(me.action, Digits="1")
    assert answer.status_code == 200
    assert "988" in answer.text
    assert "911" in answer.text
    monkeypatch.undo()
    me._hears(me._asks(me.action, Digits="1"))  # and the call goes on where it was
    me.told("spoken.ask.health.me")


def _breaks(*_: object, **__: object) -> bool:
    raise RuntimeError


def test_nothing_private_stands_in_an_address(house: House) -> None:
    me = waiting(house)
    for document in (me.document,):
        for node in document.iter():
            for value in node.attrib.values():
                assert "17205550123" not in value


def test_in_a_language_that_cannot_be_spoken_a_person_is_asked_and_hears_so(house: House) -> None:
    """No screening in words they may not know (rule 26)."""
    house.resident(ME).texts("español")
    silent = replace(house.parts.catalog.languages["es"], voice=None)
    languages = {**house.parts.catalog.languages, "es": silent}
    house.change(catalog=replace(house.parts.catalog, languages=languages))
    me = Caller(house, ME).rings()
    assert me.queue is not None, me.transcript()
    assert me.case().interpreter
    assert "who" not in me.case().answers
    runs(house)
    dana = Phone(house, 0).picks_up().presses("1")
    assert house.words("spoken.whisper.interpreter") in dana.said


# ---- while they wait, things change ---------------------------------------------------------------


def test_after_the_end_0_is_still_a_person(house: House) -> None:
    """Information closes the request; "for a person, press 0" stays true."""
    me = all_no(Caller(house)).presses("1", "1", "3").told("spoken.closing")
    first = me.case()
    assert first.ended
    me.presses("0")
    assert me.queue is not None
    second = me.case()
    assert second.id != first.id
    assert (second.related, second.level) == (first.id, Level.R2)
    runs(house)
    assert house.rung
    me.hangs_up()
    assert not me.case().on_line


def test_a_case_that_staff_close_in_the_middle_ends_kindly(house: House) -> None:
    me = Caller(house).rings().presses("1", NO)
    change(house.parts, me.case().id, _closed, "Dana")
    me.presses(NO).told("spoken.wait.closed")
    me.is_silent()
    assert me.over


def _closed(case: Case, scene: Scene) -> Step:
    return Step(end(case, Status.CLOSED, Outcome.RESOLVED, scene.now))


def test_whoever_waits_for_somebody_without_a_phone_is_not_left_waiting(house: House) -> None:
    """Somebody at the console has the conversation, and the resident calls."""
    house.resident(ME).texts("i took all my pills")
    runs(house)
    case_id = house.rows("case")[0].id
    for form in list(house.rung):
        Phone(house, house.rung.index(form)).reports("no-answer")
    house.dispatch(f"/{case_id}/notes", {"by": "Casey", "words": "I am here."})
    runs(house)
    before = len(house.rung)
    me = Caller(house, ME).rings()
    assert me.queue is not None
    me.is_silent(4)
    runs(house)
    assert len(house.rung) > before


def test_whoever_waits_while_the_level_is_lowered_is_asked_for_again(house: House) -> None:
    me = waiting(house)
    for place in range(len(house.rung)):
        Phone(house, place).reports("no-answer")
    told = {"by": "Sue", "reason": "spoke with them"}
    assert house.dispatch(f"/{me.case().id}/lower", told).status_code == 200
    before = len(house.rung)
    me.is_silent(5)
    runs(house)
    assert me.case().in_danger
    assert len(house.rung) > before


def test_staff_who_hang_up_during_the_whisper_are_replaced_at_once(house: House) -> None:
    me = waiting(house)
    dana = Phone(house, 0).picks_up().presses("1")
    before = len(house.rung)
    dana.reports("completed")
    runs(house)
    assert len(house.rung) > before
    assert me.case().page_waits


def test_nobody_is_late_while_a_human_speaks_with_them(house: House) -> None:
    me = all_no(Caller(house)).presses("1", "1", "2", "1", "0")
    runs(house)
    dana = Phone(house, -1).picks_up().presses("1")
    me.is_joined(dana.queue_url.partition("id=")[2])
    before = len(house.rung)
    for _ in range(5):
        house.wait(600)
        runs(house)
    assert [form["To"] for form in house.rung[before:]] == []
    assert not events(house, "late_told")


def test_after_a_talk_nobody_hears_that_nobody_was_found(house: House) -> None:
    """They wait anew: what was true of the wait before is not said of this one."""
    me = waiting(house)
    me.is_silent(4)
    dana = Phone(house, 0).picks_up().presses("1")
    me.is_joined(dana.queue_url.partition("id=")[2])
    house.wait(90)
    dana.parts()
    dana.reports("completed")
    me.parts("bridged").is_silent()
    assert house.words("spoken.wait.nobody_yet") not in me.said
