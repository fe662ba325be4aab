"""What dispatch may do at any moment: nothing raises an exception, nobody is dropped, and nothing
that must be said is suppressed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from conversation import PROGRAM, Resident
from test_promises_clocks import in_danger, moves, takes, waiting_for_a_team

from caller_service.core.case import CannotMove, Case, Status, Step
from caller_service.core.clock import next_due
from caller_service.core.dispatch import accept, cannot_text, decline
from caller_service.core.effect import HandOff, Page, Say
from caller_service.core.holding import note
from caller_service.core.marks import Mark
from caller_service.core.refusal import Refused
from caller_service.core.routing import Scene

ROWS = {
    "stranger in doubt": (
        "unknown",
        "no",
        "inside",
        "no",
        "unsure",
        "text",
        "team",
        "worried",
        "wait",
    ),
    "team": ("adult", "no", "no", "no", "text", "team", "inside", "worried", "counselor"),
    "outside": ("adult", "no", "no", "no", "text", "team", "outside", "worried", "wait"),
    "counselor": ("me", "no", "no", "no", "text_call", "counselor", "no"),
    "information": ("me", "no", "no", "no", "text", "information"),
    "911": ("me", "no", "no", "no", "text", "call_911"),
    "danger": ("me", "yes", "text", "inside"),
}
DOES = {
    "accept": lambda case, scene: accept(case, "Sam", None, scene),
    "accept in 20": lambda case, scene: accept(
        case, "Sam", scene.now + timedelta(minutes=20), scene
    ),
    "decline": lambda case, scene: decline(case, "Sam", "not today", scene),
    "assigned": moves(Status.ASSIGNED),
    "unreachable": moves(Status.UNREACHABLE),
    "note": lambda case, scene: note(case, "Sam", "hello", scene),
    "cannot text": lambda case, scene: cannot_text(case, "undelivered"),
}


def _if_it_can(does: str) -> object:
    def decide(case: Case, scene: Scene) -> Step:
        try:
            return DOES[does](case, scene)
        except (Refused, CannotMove):
            return Step(case)

    return decide


@pytest.mark.parametrize("does", DOES)
@pytest.mark.parametrize("row", ROWS)
def test_whatever_dispatch_does_in_the_middle_the_row_goes_on_and_somebody_must_look_again(
    row: str, does: str
) -> None:
    for at in range(len(ROWS[row]) + 1):
        person = Resident().texts("hi")
        if at < 2 and row != "danger":
            person.waits(minutes=16)  # handed off for review while the questions are still open
        person.answers(*ROWS[row][:at]).staff(_if_it_can(does))  # type: ignore[arg-type]
        person.answers(*ROWS[row][at:]) if person.case.asked else None
        person.texts("thank you")

        case = person.case
        assert case.ended or next_due(case, PROGRAM) is not None, (
            f"{row}, {does} after {at}: {case.status} and no clock"
        )


@pytest.mark.parametrize(
    "answers", [("me", "no", "no", "yes"), ("me", "no", "yes"), ("adult", "no", "no", "unsure")]
)
def test_after_a_danger_sign_never_mind_is_read_by_a_human(answers: tuple[str, ...]) -> None:
    person = Resident().texts("hi").answers(*answers).texts("never mind")

    person.hears_of("cancel.human")
    assert not person.case.ended
    assert person.case.revision


def test_an_argument_called_off_is_told_to_a_human_even_before_the_row_is_done() -> None:
    person = (
        Resident()
        .texts("hi")
        .answers("me", "no", "no", "no", "text", "team", "inside", "argument")
        .texts("never mind")
    )

    assert person.happened(HandOff)


def test_danger_drops_a_follow_up_and_software_closes_nothing() -> None:
    person = waiting_for_a_team().staff(takes("Sam", 20)).waits(minutes=31)
    assert person.case.asked == "if_none_still"

    person.texts("worse")
    assert person.case.asked == ""
    person.texts("1")
    assert not person.case.ended
    assert person.waits(minutes=2).happened(Page)


def test_a_chosen_counselor_is_asked_for_with_clocks_of_its_own() -> None:
    person = waiting_for_a_team().staff(takes("Sam", 20)).waits(minutes=31).texts("1")

    person.hears_of("end.counselor")
    assert (person.case.status, person.case.response) == (Status.HANDED_OFF, "counselor")
    assert {page.ladder for page in person.waits(minutes=6).happened(Page)} == {"counselor"}  # type: ignore[attr-defined]


def test_a_moving_team_does_not_silence_a_page_for_danger() -> None:
    person = (
        waiting_for_a_team().staff(takes("Sam", 20)).texts("worse").staff(moves(Status.ASSIGNED))
    )

    assert person.waits(minutes=2).happened(Page)
    person.staff(takes("Dana")).hears_of("human.joined")


def test_unreachable_in_danger_pages_on() -> None:
    person = in_danger().staff(takes("Dana")).staff(moves(Status.UNREACHABLE))

    assert person.waits(minutes=3).happened(Page)


def test_who_joins_before_contact_is_answered_is_named_in_the_next_reply_and_may_answer() -> None:
    person = Resident().texts("hi").answers("me", "yes").staff(takes("Dana"))
    assert person.said == ()

    person.staff(lambda case, scene: note(case, "Dana", "I am here", scene)).hears(
        "Dana: I am here"
    )
    assert person.texts("thank god").said == (), "from now on there is one voice"


def test_a_decline_after_an_acceptance_is_told() -> None:
    person = (
        waiting_for_a_team()
        .staff(takes("Sam", 20))
        .waits(minutes=5)
        .staff(lambda case, scene: decline(case, "Sam", "flat tyre", scene))
    )

    person.hears_of("status.not_coming")
    person.waits(minutes=6).hears_of("truth.unpicked")
    assert person.case.remarks == (("Sam", "flat tyre"),)


def test_a_text_of_theirs_shows_that_the_line_works() -> None:
    person = (
        waiting_for_a_team()
        .staff(lambda case, scene: cannot_text(case, "undelivered"))
        .texts("are you there")
    )

    person.staff(takes("Sam")).hears_of("status.accepted")


def test_the_same_acceptance_again_moves_no_promise_and_says_nothing() -> None:
    person = waiting_for_a_team().staff(takes("Sam", 20))
    promised = person.case.marks[Mark.PROMISED]

    person.waits(seconds=30).staff(takes("Sam", 20))
    assert not [effect for effect in person.effects if isinstance(effect, Say)]
    person.staff(takes("Sam"))
    assert person.case.marks[Mark.PROMISED] == promised


def test_after_wanting_911_more_words_bring_a_human() -> None:
    person = (
        Resident()
        .texts("hi")
        .answers("me", "no", "no", "no", "text", "call_911")
        .texts("they hung up on me")
    )

    assert person.asked == "reached" and person.texts("2").happened(Page)
    assert (
        Resident().texts("911", "so i am at my mothers house now").waits(minutes=6).case.revision
    ), "a human reads it"


def test_no_updates_means_none_but_for_a_human_and_the_truth() -> None:
    person = waiting_for_a_team().texts("quiet").waits(hours=2)

    assert not [effect for effect in person.effects if isinstance(effect, Say)]
    person.texts("worse").waits(minutes=3).hears_of("truth.nobody_yet")


def test_a_late_case_reaches_a_supervisor_again_and_again() -> None:
    person = waiting_for_a_team().staff(takes("Sam", 20)).waits(hours=2)

    assert len(person.happened(Page)) >= 4


def test_silence_twice_is_looked_at_twice() -> None:
    person = Resident().texts("hi").waits(minutes=16)
    assert person.case.revision
    person.texts("sorry, I am back").waits(minutes=21)

    assert person.happened(Page)
