"""The ladder as a city configures it: who is asked, by which channel, how often and for how long;
and what happens at its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest
from conversation import PROGRAM, Resident

from caller_service.core import clock, screening
from caller_service.core.case import Case, Status
from caller_service.core.case import replace as changed
from caller_service.core.dispatch import accept
from caller_service.core.effect import HandOff, Page, Record
from caller_service.core.escalation import people, people_with_room
from caller_service.core.marks import Mark
from caller_service.core.program import Hours, Program, Rung
from caller_service.core.routing import Scene

NOON = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)


def names(page: Page, scene: Scene) -> list[str]:
    return [rung.name for rung in people(page, scene)]


def ladder(*rungs: Rung) -> Program:
    return replace(PROGRAM, ladder=rungs)


def paged(program: Program, hours: float, at: datetime = NOON) -> list[tuple[float, list[str]]]:
    """Who is asked, and how many seconds after the first person, if nobody answers a danger."""
    case = Case("id", "K7M4Q2", "contact", "en").marked(at, Mark.OPENED, Mark.HEARD)
    step = screening.recompute(changed(case, said=frozenset({"person"})), Scene(program, at))
    told, end = [], at + timedelta(hours=hours)
    now = at
    while now <= end:
        told += [
            ((now - at).total_seconds(), names(page, Scene(program, now)))
            for page in step.effects
            if isinstance(page, Page)
        ]
        due = clock.next_due(step.case, program)
        assert due is not None
        now = due
        step = clock.tick(step.case, Scene(program, now))
    return told


def test_each_rung_is_asked_as_often_and_waited_for_as_long_as_it_says() -> None:
    program = ladder(
        Rung("danger", "Ana", "text", wait=30, repeats=2),
        Rung("danger", "Ben", "call", wait=90),
        Rung("danger", "Cy", "console"),
    )

    asked = paged(program, 0.1)[:6]

    assert asked == [
        (0.0, ["Ana"]),
        (30.0, ["Ana"]),
        (60.0, ["Ben"]),
        (150.0, ["Cy"]),
        (210.0, ["Ana"]),
        (240.0, ["Ana"]),
    ]


def test_nobody_on_shift_is_an_alarm_and_everybody_is_asked() -> None:
    night = (Hours(frozenset(range(7)), time(22), time(23)),)
    program = ladder(
        Rung("danger", "Ana", "text", hours=night),
        Rung("danger", "Ben", "text", hours=night),
        Rung("team", "Sue", "text", supervisor=True),
    )
    case = Case("id", "K7M4Q2", "contact", "en").marked(NOON, Mark.OPENED, Mark.HEARD)

    step = screening.recompute(changed(case, said=frozenset({"person"})), Scene(program, NOON))

    assert [
        effect.detail
        for effect in step.effects
        if isinstance(effect, Record) and effect.event == "nobody_on_shift"
    ] == [{"ladder": "danger"}]
    assert [
        names(page, Scene(program, NOON)) for page in step.effects if isinstance(page, Page)
    ] == [["Ana", "Ben", "Sue"]]


# ---- the end of the ladder, and the resident's choice for it -------------------------------------
def waiting(if_none: str) -> Resident:
    follow = ("no",) if if_none == "counselor" else ()
    return (
        Resident()
        .texts("hi")
        .answers("me", "no", "no", "no", "text_call", "team", "inside", "worried", if_none, *follow)
    )


def at_the_end(if_none: str) -> Resident:
    """Nobody accepted, and everybody on the ladder was asked: three times five minutes."""
    return waiting(if_none).waits(minutes=16)


@pytest.mark.parametrize("if_none", ["counselor", "call_988", "call_911"])
def test_at_the_ladders_end_the_truth_is_told_and_the_choice_put_again_before_it_is_done(
    if_none: str,
) -> None:
    person = at_the_end(if_none)
    assert [key for key in person.said if key.startswith("truth.")] == [
        "truth.unpicked",
        "truth.unpicked.all",
    ], "when nobody picked up, and when everybody had been asked"
    assert person.asked == "if_none_still"

    person.answers("yes")

    done = {
        "counselor": "end.counselor",
        "call_988": "contingency.988",
        "call_911": "say.call_911",
    }[if_none]
    person.hears_of(done)
    assert person.case.unserved == ("no_capacity" if if_none == "call_988" else "")
    assert person.case.response == ("counselor" if if_none == "counselor" else "team")


def test_who_chose_to_wait_is_given_the_choices_again_and_what_they_choose_is_done() -> None:
    person = at_the_end("wait")
    assert person.asked == "if_none"

    person.answers("call_988").hears_of("contingency.988")

    assert (person.case.status, person.case.unserved) == (Status.CLOSED, "no_capacity")


def _waits_told(person: Resident) -> int:
    told = [key for key in person.said if key in ("status.still_waiting", "status.waiting_again")]
    assert all(one != other for one, other in pairwise(told)), "never the same line twice in a row"
    return len(told)


def test_who_does_not_answer_at_the_end_goes_on_waiting_and_people_go_on_being_asked() -> None:
    person = at_the_end("counselor").waits(hours=2)

    assert person.case.status == Status.HANDED_OFF and person.case.response == "team"
    assert len([page for page in person.happened(Page)]) >= 20
    assert person.said.count("truth.unpicked") == 0 and _waits_told(person) >= 7, (
        "word every 15 minutes, no burst"
    )


@pytest.mark.parametrize(
    ("language", "word"), [("en", "CHANGE"), ("en", "i changed my mind"), ("es", "CAMBIAR")]
)
def test_the_choice_can_be_changed_by_text_at_any_time(language: str, word: str) -> None:
    person = Resident(language).texts("hi" if language == "en" else "hola")
    person.answers(
        "me", "no", "no", "no", "text_call", "team", "inside", "worried", "call_911"
    ).texts(word)
    assert person.asked == "if_none"
    assert [key for key in person.said if key.startswith("ask.")] == ["ask.if_none"], "put once"

    person.texts("2").hears_of("contingency.kept")

    assert person.case.answers["if_none"] == "counselor" and person.asked == "voicemail"
    assert person.case.status == Status.HANDED_OFF and person.case.response == "team", (
        "nothing else was changed"
    )
    assert person.happened(HandOff), "dispatch hears of it"


def test_a_choice_changed_to_wait_says_that_we_go_on() -> None:
    waiting("call_911").texts("change").answers("wait").hears_of("contingency.wait")


def test_a_choice_that_cannot_be_read_three_times_brings_a_person() -> None:
    person = waiting("call_911").texts("change", "xyzzy", "xyzzx", "xyzz", "xyz")

    assert person.case.in_danger and person.happened(Page)
    assert person.case.answers["if_none"] in ("call_911", "unreadable")


def test_a_team_that_comes_is_not_called_back_by_a_change() -> None:
    person = (
        waiting("wait")
        .staff(lambda case, scene: accept(case, "Sam", None, scene))
        .texts("change")
        .answers("call_988")
    )

    person.hears_of("contingency.kept")
    assert person.case.status == Status.ACCEPTED


def test_change_while_a_question_is_open_does_not_lose_the_question() -> None:
    person = Resident().texts("hi").answers("me").texts("change")
    assert person.asked == "health"


@pytest.mark.parametrize("if_none", ["counselor", "call_988"])
def test_a_late_yes_calls_back_no_team_that_has_accepted(if_none: str) -> None:
    person = at_the_end(if_none).staff(lambda case, scene: accept(case, "Sam", None, scene))
    assert person.asked == ""

    person.texts("1")

    assert person.case.status == Status.ACCEPTED and person.case.response == "team"


def test_a_doubt_that_no_human_has_looked_at_is_not_closed_by_a_choice() -> None:
    person = (
        Resident()
        .texts("hi")
        .answers("unknown", "no", "outside", "no", "unsure", "text_call", "team", "worried", "wait")
    )
    assert person.case.review

    person.texts("change").answers("call_988").hears_of("contingency.988")

    assert not person.case.ended and person.case.review
    person.waits(minutes=6)
    assert [page.ladder for page in person.happened(Page)].count("review") >= 1


def test_an_argument_or_a_code_word_is_not_closed_by_a_bare_number_at_the_end() -> None:
    person = (
        Resident()
        .texts("hi")
        .answers(
            "me", "no", "no", "no", "text_call", "team", "inside", "argument", "no", "call_988"
        )
    )
    person.waits(minutes=16)

    assert (
        person.asked == ""
        and "ask.if_none_still" not in person.said
        and "ask.if_none" not in person.said
    )
    assert person.heard == (), (
        "need = argument: no unasked text until a human has confirmed contact"
    )


def test_with_nobody_on_duty_the_truth_is_told_once_a_tick() -> None:
    night = (Hours(frozenset(range(7)), time(22), time(22, 1)),)
    program = replace(PROGRAM, ladder=tuple(replace(rung, hours=night) for rung in PROGRAM.ladder))
    person = (
        Resident(program=program)
        .texts("hi")
        .answers("me", "no", "no", "no", "text_call", "team", "inside", "worried", "wait")
    )
    person.waits(minutes=6)

    assert person.said.count("truth.unpicked") == 1


def test_a_ladder_that_nobody_stands_on_asks_those_for_danger() -> None:
    program = ladder(Rung("danger", "Ana", "text"))

    assert [rung.name for rung in people(Page("review", 0, 1), Scene(program, NOON))] == ["Ana"]


def test_the_review_climbs_beside_the_team_ladder_and_skips_nobody() -> None:
    rungs = (
        tuple(Rung("team", name, "text") for name in ("A", "B", "C"))
        + PROGRAM.rungs("danger")
        + PROGRAM.rungs("review")
    )
    person = Resident(program=replace(PROGRAM, ladder=rungs)).texts("hi")
    person.answers(
        "unknown", "no", "inside", "no", "unsure", "text_call", "team", "worried", "wait"
    ).waits(minutes=16)

    asked = [
        name
        for page in person.happened(Page)
        if page.ladder == "team"
        for name in names(page, Scene(person.program, person.now))
    ]
    assert [name for name in asked if name in "ABC"][:3] == ["A", "B", "C"]


THREE = ladder(
    Rung("danger", "Ana", "text", "+17205550141", repeats=2),
    Rung("danger", "Ben", "text", "+17205550142"),
    Rung("danger", "Cy", "call", "+17205550143"),
    Rung("danger", "Sue", "call", "+17205550144", supervisor=True, hours=()),
    Rung("danger", "Backstop", "call", "+17205550149", backstop=True),
)


@pytest.mark.parametrize(
    "page, full, asked",
    [
        (Page("danger", 0, 1), {"Ben"}, {"Ana"}),
        (Page("danger", 0, 1), {"Ana"}, {"Ben"}),
        (Page("danger", 1, 1), {"Ana", "Ben"}, {"Cy"}),
        (Page("danger", 2, 1, two=True), {"Ana", "Ben"}, {"Cy", "Sue"}),
        (Page("danger", 2, 1, but=("Ben",)), {"Ana"}, set()),
        (Page("danger", 0, 1, but=("Ben",)), {"Ana"}, {"Cy"}),
        (Page("danger", 0, 1, supervisor=True), {"Ana"}, {"Ben", "Sue"}),
        (Page("danger", 0, 1, supervisor=True), {"Ana", "Sue"}, {"Ben", "Sue"}),
        (Page("danger", 0, 1, backstop=True), {"Backstop"}, {"Backstop"}),
        (Page("review", 0, 1), {"Sue"}, {"Sue"}),
    ],
)
def test_who_has_three_dangers_is_no_rung_for_a_fourth(
    page: Page, full: set[str], asked: set[str]
) -> None:
    found = people_with_room(page, Scene(THREE, NOON), full)
    assert {rung.name for rung in found} == asked


def test_if_everybody_has_three_dangers_they_are_asked_all_the_same() -> None:
    everybody = {rung.name for rung in THREE.ladder}
    for number in range(5):
        page = Page("danger", number, 1, two=True, supervisor=number > 1)
        asked = people_with_room(page, Scene(THREE, NOON), everybody)
        assert asked == people(page, Scene(THREE, NOON)) != ()


@pytest.mark.parametrize("if_none", ["wait", "counselor"])
def test_the_choice_that_a_danger_question_pushed_aside_is_put_again(if_none: str) -> None:
    """Otherwise whoever wrote a word more would never be asked for what they had chosen."""
    person = at_the_end(if_none)
    asked = person.asked
    assert asked in ("if_none", "if_none_still")
    person.texts("he is acting weird again")
    assert person.asked == "check"
    person.answers("no")
    assert person.asked == ""
    person.waits(minutes=6)
    assert person.asked == asked
    assert not any(key.startswith("truth.") for key in person.said), "that was said before"
