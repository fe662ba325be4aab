"""What happens when nobody writes and nobody answers: every clock of a case (docs/safety-rules.md,
rules 4, 5, 9 and 10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from conversation import NIGHT, PROGRAM, Resident, kept
from test_promises_any_time import EVERYWHERE, SAFETY, WAYS, at

from caller_service.core import clock
from caller_service.core.case import Case, Status, Step
from caller_service.core.dispatch import accept, decline, update
from caller_service.core.effect import Alert, Ask, Effect, HandOff, Page, Say
from caller_service.core.escalation import people
from caller_service.core.hand_off import packet
from caller_service.core.holding import note, words_taken
from caller_service.core.marks import Mark
from caller_service.core.protocol import HUMAN_NOW, Level
from caller_service.core.routing import Scene

LADDERS = {"danger", "team", "counselor", "review"}
USUAL = ("me", "no", "no", "no", "text_call", "team", "inside", "worried")
WANTS_911 = ("me", "no", "no", "no", "text", "call_911")


def waiting_for_a_team(language: str = "en") -> Resident:
    return Resident(language).texts("hi").answers(*USUAL, "counselor", "no")


def in_danger() -> Resident:
    return Resident().texts("hi").answers("me", "yes", "text", "inside")


def takes(name: str, minutes: int | None = None) -> Callable[[Case, Scene], Step]:
    return lambda case, scene: accept(
        case, name, scene.now + timedelta(minutes=minutes) if minutes is not None else None, scene
    )


def speaks(name: str, words: str = "I am here. What happened?") -> Callable[[Case, Scene], Step]:
    return lambda case, scene: note(case, name, words, scene)


def moves(to: Status) -> Callable[[Case, Scene], Step]:
    return lambda case, scene: update(case, to, "Sam", "", scene)


def _spoken(effects: list[tuple[datetime, Effect]]) -> list[tuple[datetime, str]]:
    return [
        (at, effect.key if isinstance(effect, Say) else effect.question)
        for at, effect in effects
        if isinstance(effect, (Say, Ask))
    ]


# ---- nobody answers the page ---------------------------------------------------------------------
def test_a_page_nobody_answers_goes_to_the_next_person_every_60_seconds_for_ever() -> None:
    person = in_danger()
    start = person.case.marks[Mark.FIRST_PAGED]
    person.waits(hours=24)

    pages = [
        (at, effect)
        for at, effect in person.everything
        if isinstance(effect, Page) and not effect.backstop
    ]
    assert [at - start for at, _ in pages[:5]] == [timedelta(seconds=60 * n) for n in range(5)]
    assert [page.rung for _, page in pages] == list(range(1, len(pages) + 1)), (
        "R1 begins with two rungs at once"
    )
    assert len(pages) >= 24 * 60 - 1
    assert {name for at, page in pages[:3] for name in names(page, Scene(PROGRAM, at))} == {
        rung.name for rung in PROGRAM.rungs("danger")
    }


def test_r1_pages_two_at_once_and_the_supervisor_at_60_seconds_r2_at_120() -> None:
    def paged(person: Resident) -> list[list[str]]:
        pages = [
            (at, effect)
            for at, effect in person.waits(minutes=3).everything
            if isinstance(effect, Page)
        ]
        return [names(page, Scene(PROGRAM, at)) for at, page in pages]

    emergency = paged(in_danger())
    assert emergency[0] == ["Dispatcher on duty", "Second dispatcher"]
    assert all("Shift supervisor" in each for each in emergency[1:])

    human = paged(Resident().texts("hi").answers("me", "unsure"))
    assert human[:2] == [["Dispatcher on duty"], ["Second dispatcher"]]
    assert all("Shift supervisor" in each for each in human[2:])


def test_a_danger_that_becomes_an_emergency_asks_the_next_person_at_once() -> None:
    person = (
        Resident()
        .texts("hi")
        .answers("me", "unsure")
        .texts("i took all of my pills")
        .answers("yes")
    )

    assert person.case.level == Level.R1 and len(person.happened(Page)) == 1


def test_the_backstop_is_rung_when_the_ladder_ran_twice_and_after_ten_minutes_at_the_latest() -> (
    None
):
    person = in_danger()
    start = person.case.marks[Mark.FIRST_PAGED]
    person.waits(minutes=11)
    rung = [
        (at - start, names(effect, Scene(PROGRAM, at)))
        for at, effect in person.everything
        if isinstance(effect, Page) and effect.backstop
    ]

    assert (
        len(rung) == 1 and rung[0][0] <= timedelta(minutes=10) and rung[0][1] == ["Backstop line"]
    )
    assert "truth.backstop" in person.said


def names(page: Page, scene: Scene) -> list[str]:
    return [rung.name for rung in people(page, scene)]


def test_the_truth_comes_at_3_10_20_and_30_minutes_then_half_hourly_while_they_write() -> None:
    person = in_danger()
    start = person.case.marks[Mark.FIRST_PAGED]
    person.waits(minutes=40).texts("still alone here").waits(hours=4)
    truths = [at - start for at, key in _spoken(person.everything) if key.startswith("truth.")]

    minutes = [round(each.total_seconds() / 60) for each in truths]
    assert minutes[0] == 3 and {20, 30, 60, 90} <= set(minutes) and max(minutes) <= 100
    said = [key for _, key in _spoken(person.everything) if key.startswith("truth.")]
    assert all(one != other for one, other in pairwise(said)), (
        "nobody is answered with the same line twice"
    )


def test_the_truth_names_988_and_911() -> None:
    in_danger().waits(minutes=4).hears_of("truth.nobody_yet").hears("988").hears("911")


@pytest.mark.parametrize("contact", ["unsafe", "unwanted", "skipped", "unreadable", "call"])
def test_the_truth_is_not_texted_where_texts_are_not_safe(contact: str) -> None:
    person = Resident().texts("hi").answers("me", "yes", contact, "inside").waits(hours=2)

    assert person.heard == () and person.happened(Page)


def test_a_truth_that_could_not_be_texted_is_told_with_the_next_reply() -> None:
    """Rule 9 holds it back until contact is answered; the third promise prevents it from being
    lost."""
    person = Resident().texts("hi").answers("me", "yes").waits(minutes=4).hears_nothing()

    person.texts("2").hears_of("truth.nobody_yet")
    assert "truth.nobody_yet" not in person.texts("city hall").said, "once"


def test_a_truth_held_back_is_told_until_a_human_has_spoken() -> None:
    """Only a human's own message ends it: an acceptance does not (rule 4). After an acceptance the
    text says that a person has the messages and has not written yet, in one sentence without a
    contradiction."""
    person = Resident().texts("hi").answers("me", "yes").waits(minutes=4)
    assert "truth.nobody_yet" in person.texts("2").said

    person = Resident().texts("hi").answers("me", "yes").waits(minutes=4).staff(takes("Dana"))
    said = person.texts("2").said
    assert "truth.taken" in said
    assert not {"truth.nobody_yet", "human.joined"} & set(said), said

    person = Resident().texts("hi").answers("me", "yes").waits(minutes=4).staff(speaks("Dana"))
    assert "truth.nobody_yet" not in person.texts("2").said


def test_somebody_who_accepts_and_speaks_ends_the_paging_and_the_truth() -> None:
    person = in_danger().waits(seconds=70).staff(takes("Dana"))
    person.hears_of("human.joined").hears("Dana")

    person.staff(speaks("Dana")).staff(words_taken)
    mark = len(person.everything)
    person.texts("ok", "i am here").staff(speaks("Dana")).waits(minutes=4)
    assert [
        effect for _, effect in person.everything[mark:] if isinstance(effect, (Page, Ask))
    ] == []
    assert not [key for _, key in _spoken(person.everything[mark:]) if key.startswith("truth")]


@pytest.mark.parametrize(("answer", "seconds"), [("yes", 60), ("unsure", 90)])
def test_somebody_who_accepts_danger_and_does_not_come_is_replaced_and_the_truth_goes_on(
    answer: str, seconds: int
) -> None:
    person = Resident().texts("hi").answers("me", answer, "text", "inside").staff(takes("Dana"))
    person.waits(seconds=seconds - 1)
    assert not person.happened(Page)

    person.waits(seconds=1)
    assert len(person.happened(Page)) == 1 and person.case.page_waits
    person.waits(minutes=4)
    assert len(person.happened(Page)) >= 3 and "truth.nobody_yet" in person.said
    person.staff(takes("Maria"))
    assert person.case.accepted_by == "Maria" and not person.case.page_waits


def test_a_decline_pages_the_next_person_at_once_and_the_ladder_goes_on() -> None:
    person = in_danger().staff(lambda case, scene: decline(case, "Dana", "busy", scene))

    assert [page.rung for page in person.happened(Page)] == [2]  # type: ignore[attr-defined]
    assert (
        len(
            [
                effect
                for effect in person.waits(minutes=5).effects
                if isinstance(effect, Page) and not effect.backstop
            ]
        )
        == 5
    )


def test_worse_after_somebody_accepted_tells_them_and_pages_nobody_anew() -> None:
    person = in_danger().staff(takes("Dana")).texts("worse")

    assert not person.happened(Page) and [alert.name for alert in person.happened(Alert)] == [
        "Dana"
    ]  # type: ignore[attr-defined]
    assert person.waits(minutes=2).happened(Page), "who accepted and does not come is replaced"


# ---- the resident falls silent -------------------------------------------------------------------
SIGNS = {
    "violence": ("me", "no", "yes"),  # safety: yes
    "violence, in doubt": ("me", "no", "unsure"),
    "attempt": ("me", "no", "no", "yes"),  # suicide: yes
}


@pytest.mark.parametrize("sign", SIGNS)
def test_silent_after_a_danger_sign_a_human_comes_at_two_minutes_and_nothing_is_texted(
    sign: str,
) -> None:
    person = Resident().texts("hi").answers(*SIGNS[sign]).waits(seconds=119)
    assert not person.happened(Page)

    person.waits(seconds=1)
    assert [page.ladder for page in person.happened(Page)] == ["danger"] and person.happened(
        HandOff
    )  # type: ignore[attr-defined]
    assert person.case.in_danger and person.waits(hours=3).heard == ()


def test_silent_with_nothing_known_one_neutral_word_at_five_minutes_and_a_human_looks_at_fifteen() -> (
    None
):
    person = at("want").waits(seconds=299).hears_nothing()
    person.waits(seconds=1).hears_of("still_here")
    assert not person.happened(Page)

    person.waits(seconds=599).hears_nothing()
    assert "quiet" not in person.case.said
    person.waits(seconds=1).hears_nothing()
    assert person.case.review and person.happened(HandOff) and not person.happened(Page)


def test_still_here_is_said_once_until_they_write_again() -> None:
    person = at("want").waits(hours=5)
    assert [key for _, key in _spoken(person.everything)].count("still_here") == 1

    person.texts("1").waits(hours=5)
    assert [key for _, key in _spoken(person.everything)].count("still_here") == 2


def test_a_review_nobody_does_in_time_pages_somebody_by_name() -> None:
    person = at("safety").waits(minutes=16)
    assert not person.happened(Page)

    assert [page.ladder for page in person.waits(minutes=5).happened(Page)] == ["review"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "answers",
    [("unknown", "no", "inside", "unsure", "unsure"), ("unknown", "no", "inside", "no", "skipped")],
)
def test_a_strangers_doubt_reaches_a_human_within_five_minutes_even_if_they_stop_writing(
    answers: tuple[str, ...],
) -> None:
    """Rule 2: reviewed within 5 minutes, without a page. They were told "A person here will read
    this", so somebody must see it."""
    person = Resident().texts("hi").answers(*answers)
    handed_off = bool(person.case.revision)
    assert not person.happened(Page)

    person.waits(minutes=5)
    assert handed_off or person.case.revision or person.happened(Page)


@pytest.mark.parametrize("answer", ["yes", "unsure", "skipped"])
def test_after_violence_nothing_is_ever_texted_unasked_before_contact(answer: str) -> None:
    person = Resident().texts("hi").answers("me", "no", "yes", answer)
    mark = len(person.everything)
    person.waits(hours=12)

    assert _spoken(person.everything[mark:]) == []


@pytest.mark.parametrize("question", [question for question in EVERYWHERE if question in WAYS])
def test_before_contact_is_answered_nothing_is_ever_said_by_itself(question: str) -> None:
    person = at(question)
    mark = len(person.everything)
    before = "contact" not in person.case.answers
    person.waits(hours=6)

    assert not before or not _spoken(person.everything[mark:])


@pytest.mark.parametrize("contact", ["unsafe", "unwanted", "skipped", "unreadable"])
@pytest.mark.parametrize(
    "wish",
    [("wait",), ("call_988",), ("call_911",), "counselor", "information", "call_911", "skipped"],
)
def test_not_safe_to_contact_means_nothing_but_replies(
    contact: str, wish: tuple[str, ...] | str
) -> None:
    for place in ("inside", "outside", "unknown"):
        rest = (wish,) if isinstance(wish, str) else ("team", place, "worried", *wish)
        person = Resident().texts("hi").answers("me", "no", "no", "no", contact, *rest)
        mark = len(person.everything)
        if person.case.revision:
            person.waits(minutes=20).staff(takes("Sam", 20)).waits(hours=2).staff(
                moves(Status.EN_ROUTE)
            ).waits(hours=2)
        person.waits(hours=12)

        assert _spoken(person.everything[mark:]) == []


# ---- a team is requested -------------------------------------------------------------------------
def test_a_request_nobody_picks_up_pages_the_desk_and_tells_the_truth_once() -> None:
    person = waiting_for_a_team()
    person.waits(minutes=4).hears_nothing()
    person.waits(minutes=1).hears_of("truth.unpicked")
    assert [page.ladder for page in person.happened(Page)] == ["team"]  # type: ignore[attr-defined]

    person.waits(minutes=9).hears_nothing()
    assert len(person.happened(Page)) >= 1


def test_a_waiting_resident_hears_from_us_at_least_every_fifteen_minutes() -> None:
    person = waiting_for_a_team()
    start = person.now
    person.waits(hours=3)

    heard = [start, *(at for at, _ in _spoken(person.everything) if at > start), person.now]
    assert max(later - earlier for earlier, later in pairwise(heard)) <= timedelta(minutes=15)
    # one update every fifteen minutes, and "nobody accepted" with the choices at the end of the
    # ladder
    assert len(heard) < 18


def test_a_late_team_is_prompted_then_the_resident_is_told_then_the_supervisor() -> None:
    person = waiting_for_a_team().staff(takes("Sam", 20))
    person.hears_of("status.accepted_time").hears("20").hears("30")
    promised = person.case.marks[Mark.PROMISED]
    mark = len(person.everything)
    person.waits(minutes=45)

    later = [(at - promised, effect) for at, effect in person.everything[mark:]]
    assert [(when, effect.because) for when, effect in later if isinstance(effect, HandOff)][0] == (
        timedelta(),
        "late",
    )
    assert (timedelta(minutes=5), "status.late") in [
        (when, effect.key) for when, effect in later if isinstance(effect, Say)
    ]
    assert [(when, effect.name) for when, effect in later if isinstance(effect, Alert)] == [
        (timedelta(), "Sam")
    ], "where they answered"
    pages = [
        (when, effect.ladder, effect.supervisor)
        for when, effect in later
        if isinstance(effect, Page)
    ]
    assert pages[:2] == [
        (timedelta(minutes=10), "team", True),
        (timedelta(minutes=15), "team", True),
    ], "the ladder runs again"
    assert [(when, effect.question) for when, effect in later if isinstance(effect, Ask)] == [
        (timedelta(minutes=10), "if_none_still")
    ]


def test_a_team_that_gave_no_time_is_late_after_twenty_minutes() -> None:
    person = waiting_for_a_team().staff(takes("Sam")).waits(minutes=20)

    assert [effect.because for effect in person.happened(HandOff)] == ["late"]  # type: ignore[attr-defined]


def test_a_team_on_its_way_that_does_not_arrive_is_late_too() -> None:
    person = (
        waiting_for_a_team()
        .staff(takes("Sam", 20))
        .waits(minutes=5)
        .staff(moves(Status.EN_ROUTE))
        .waits(minutes=21)
    )
    person.hears_of("status.late")


def test_a_late_team_that_moves_is_late_again_if_it_does_not_arrive() -> None:
    person = (
        waiting_for_a_team().staff(takes("Sam", 20)).waits(minutes=35).staff(moves(Status.EN_ROUTE))
    )
    person.waits(minutes=26).hears_of("status.late")


def test_a_team_that_arrived_is_late_no_more() -> None:
    person = (
        waiting_for_a_team()
        .staff(takes("Sam", 20))
        .waits(minutes=5)
        .staff(moves(Status.EN_ROUTE))
        .staff(moves(Status.ARRIVED))
    )

    person.hears_of("status.arrived").waits(hours=6).hears_nothing()


def test_the_contingency_is_asked_again_before_it_is_carried_out() -> None:
    person = waiting_for_a_team().staff(takes("Sam", 20)).waits(minutes=31)
    assert person.asked == "if_none_still" and person.case.response == "team"

    person.texts("1").hears_of("end.counselor")
    assert person.case.response == "counselor" and person.happened(HandOff)


@pytest.mark.parametrize("said", ["2", "no", "idk", "xx yy"])
def test_anything_but_a_yes_to_the_contingency_waits_and_brings_a_human(said: str) -> None:
    person = waiting_for_a_team().staff(takes("Sam", 20)).waits(minutes=31)
    for again in range(4):
        if person.asked:
            person.texts(said if said != "xx yy" else f"xx {'y' * (again + 1)}")

    assert person.case.response != "counselor" and person.case.in_danger and not person.case.ended


def test_no_answer_to_the_contingency_waits_and_a_human_looks() -> None:
    person = waiting_for_a_team().staff(takes("Sam", 20)).waits(minutes=31).waits(hours=1)

    assert person.case.response == "team" and person.case.review and not person.case.ended


# ---- "I want 911" --------------------------------------------------------------------------------
def test_somebody_who_wants_911_is_asked_whether_they_reached_it_by_a_later_text_of_theirs_alone() -> (
    None
):
    """A text that we send unprompted could arrive while they hide (rule 11)."""
    person = Resident().texts("hi").answers(*WANTS_911)
    person.waits(seconds=599).hears_nothing()
    person.waits(seconds=1).hears_nothing()
    assert person.case.review and person.happened(HandOff), "a human looks"

    person = Resident().texts("hi").answers(*WANTS_911).texts("so i was on the phone with them")
    person.hears_of("ask.reached")
    assert "reached.yes" in person.texts("1").said and person.case.review, (
        "and a human reads what they wrote"
    )


@pytest.mark.parametrize("said", ["2", "3", "skip"])
def test_somebody_who_did_not_reach_911_gets_a_human_now(said: str) -> None:
    person = (
        Resident()
        .texts("hi")
        .answers(*WANTS_911)
        .texts("so i was on the phone with them")
        .texts(said)
    )

    assert person.case.in_danger and person.happened(Page) and not person.case.ended


def test_somebody_who_does_not_say_whether_they_reached_911_is_looked_for_by_a_human() -> None:
    person = (
        Resident()
        .texts("hi")
        .answers(*WANTS_911)
        .texts("so i was on the phone with them")
        .waits(hours=1)
    )

    assert person.case.review and person.happened(Page)


# ---- an outage -----------------------------------------------------------------------------------
OUTAGES: dict[str, Callable[[], Resident]] = {
    "danger": in_danger,
    "silent after a danger sign": lambda: at("attempt"),
    "silent": lambda: at("safety"),
    "waiting for a team": waiting_for_a_team,
    "a late team": lambda: waiting_for_a_team().staff(takes("Sam", 20)),
    "wants 911": lambda: Resident().texts("hi").answers(*WANTS_911),
    "a review": lambda: (
        Resident()
        .texts("hi")
        .answers("unknown", "no", "inside", "unsure", "no", "no", "no", "no", "text", "information")
    ),
}


@pytest.mark.parametrize("hours", [1, 24])
@pytest.mark.parametrize("name", OUTAGES)
def test_after_an_outage_there_is_one_decision_and_no_burst(name: str, hours: float) -> None:
    person = OUTAGES[name]().sleeps(hours=hours)

    assert len([page for page in person.happened(Page) if not page.backstop]) <= 1, "one page"  # type: ignore[attr-defined]
    assert len(person.happened(HandOff)) <= 1, "one revision"
    assert len(person.heard) <= 2 and len(set(person.said)) == len(person.said), "nothing twice"
    ahead = clock.next_due(person.case, PROGRAM)
    assert ahead is None or ahead > person.now, "and then on to the next"
    assert person.effects, "something was due"
    twice = clock.tick(kept(person.case), Scene(PROGRAM, person.now))
    assert twice.effects == () and twice.case == person.case, (
        "looked at again at the same moment, nothing happens"
    )


@pytest.mark.parametrize("question", EVERYWHERE)
def test_a_clock_that_rings_late_has_moved_on(question: str) -> None:
    for late in (timedelta(seconds=1), timedelta(hours=1), timedelta(days=3)):
        person = at(question)
        for _ in range(12):
            if (due := clock.next_due(person.case, PROGRAM)) is None:
                break
            person.now = max(person.now, due) + late
            person.sleeps(hours=0)
            ahead = clock.next_due(person.case, PROGRAM)
            assert ahead is None or ahead > person.now


# ---- who may be told what (rule 10) --------------------------------------------------------------
def test_by_number_alone_status_is_told_outside_danger_violence_and_argument() -> None:
    waiting_for_a_team().texts("STATUS").hears_of("status.nobody_yet")


@pytest.mark.parametrize(
    "answers",
    [
        ("me", "yes"),
        ("me", "unsure"),
        ("me", "no", "yes", "yes"),
        ("me", "no", "yes", "unsure"),
        ("me", "no", "no", "no", "text", "team", "inside", "argument"),
    ],
)
def test_by_number_alone_danger_violence_and_argument_tell_only_that_we_have_the_message(
    answers: tuple[str, ...],
) -> None:
    person = Resident().texts("hi").answers(*answers).texts("STATUS")

    assert person.said[0] == "status.received_only"


def test_with_a_code_word_set_only_the_code_word_hears_status() -> None:
    person = waiting_for_a_team().texts("CODE bluebird").texts("STATUS")
    assert person.said == ("status.received_only",)

    person.texts("bluebird STATUS")
    assert person.said == ("status.nobody_yet",)
    assert "bluebird" not in repr(person.case)


def test_a_code_word_can_be_changed_by_who_knows_it_only() -> None:
    person = waiting_for_a_team().texts("CODE bluebird").texts("code redbird")
    assert person.case.code_word == "bluebird"

    assert person.texts("bluebird code redbird").case.code_word == "redbird"


def test_a_request_is_cancelled_by_its_own_words_outside_danger() -> None:
    for said in ("CLOSE", "never mind", "ya no lo necesito"):
        person = waiting_for_a_team().texts(said)

        assert person.case.status == Status.CANCELLED and person.case.unserved == "cancelled"
        assert person.happened(HandOff) and person.waits(hours=24).effects == ()


@pytest.mark.parametrize(
    "answers",
    [
        ("me", "yes"),
        ("adult", "no", "yes", "unsure"),
        ("me", "no", "no", "no", "text", "team", "inside", "argument"),
    ],
)
def test_cancelling_danger_violence_or_an_argument_is_a_humans_task_and_help_goes_on(
    answers: tuple[str, ...],
) -> None:
    person = Resident().texts("hi").answers(*answers)
    asked = person.asked
    person.texts("CLOSE")

    assert (
        not person.case.ended
        and "asked_to_cancel" in person.case.said
        and person.said[0] == "cancel.human"
    )
    assert person.asked == asked and packet(person.case, PROGRAM)["asked_to_cancel"]
    if person.case.in_danger:
        assert person.happened(HandOff) and person.waits(minutes=2).happened(Page)


def test_about_somebody_else_only_received_coming_and_finished_are_told() -> None:
    person = (
        Resident()
        .texts("hi")
        .answers("adult", "no", "no", "no", "text", "team", "inside", "worried", "wait")
    )
    told = set()
    for step in (
        takes("Sam", 20),
        moves(Status.ASSIGNED),
        moves(Status.EN_ROUTE),
        moves(Status.ARRIVED),
    ):
        told |= set(person.staff(step).said) | set(person.texts("STATUS").said)
    told |= set(
        person.staff(
            lambda case, scene: update(case, Status.CLOSED, "Sam", "taken_to_care", scene)
        ).said
    )

    assert told == {
        "status.other.received_time",
        "status.other.coming",
        "status.other.finished",
    }


def test_every_status_is_told_once_even_if_it_is_reported_twice() -> None:
    person = waiting_for_a_team().staff(takes("Sam", 20)).staff(moves(Status.EN_ROUTE))
    person.hears_of("status.en_route").staff(moves(Status.EN_ROUTE)).hears_nothing()


def test_quiet_stops_updates_and_keeps_the_request() -> None:
    person = waiting_for_a_team().texts("QUIET")
    mark = len(person.everything)
    person.waits(hours=2).staff(takes("Sam", 20)).staff(moves(Status.EN_ROUTE))

    assert [key for _, key in _spoken(person.everything[mark:]) if key.startswith("status.")] == []
    assert person.case.status == Status.EN_ROUTE
    person.texts("STATUS").hears_of("status.en_route_time")


# ---- hours, area and capacity never come before danger (rule 6) ----------------------------------
@pytest.mark.parametrize("place", ["inside", "outside", "not_live", "near_edge", "unknown"])
@pytest.mark.parametrize("now", [NIGHT, NIGHT + timedelta(hours=9)])
def test_danger_pages_at_any_hour_in_any_place_with_every_team_full(
    place: str, now: datetime
) -> None:
    full = frozenset(area.id for area in PROGRAM.areas)
    person = Resident(now=now, full=full).texts("hi").answers("me", "no", "no", "unsure")
    assert [page.ladder for page in person.happened(Page)] == ["danger"]  # type: ignore[attr-defined]

    person.answers("text", place)
    assert (
        person.case.response == "human"
        and not person.case.unserved
        and person.case.level is not None
    )
    assert person.case.level >= HUMAN_NOW


def test_if_no_team_works_it_is_said_before_the_first_question() -> None:
    person = Resident(
        now=datetime(2026, 11, 23, 18, 0, tzinfo=NIGHT.tzinfo),
        full=frozenset({"central", "eastside"}),
    ).texts("hi")

    assert person.said.index("preamble.no_team") < person.said.index("ask.who")


@pytest.mark.parametrize("question", SAFETY)
def test_the_clock_does_not_run_while_they_write(question: str) -> None:
    person = at(question)
    for _ in range(2):
        person.texts("hm", after=timedelta(seconds=100))
    assert "silent_danger" not in person.case.said
