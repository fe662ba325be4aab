"""Whoever has a case asks a named person to take it over: at every moment somebody has the case,
and the resident is told nothing before it is true."""

from __future__ import annotations

import contextlib
from dataclasses import replace as with_changes
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from conversation import PROGRAM

from caller_service.core import clock, holding
from caller_service.core.case import Case, Status, Step, replace
from caller_service.core.dispatch import accept, decline, pass_on
from caller_service.core.effect import Alert, HandOff, Page, Record, Say
from caller_service.core.escalation import people
from caller_service.core.marks import Mark
from caller_service.core.protocol import Level
from caller_service.core.refusal import Refused
from caller_service.core.routing import Scene
from caller_service.core.shift_end import ask_to_take, decline_asked, take_asked

NOON = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
SCENE = Scene(PROGRAM, NOON)


def later(seconds: float) -> Scene:
    return with_changes(SCENE, now=NOON + timedelta(seconds=seconds))


def danger(level: Level = Level.R1) -> Case:
    """Ana has written to somebody in danger."""
    case = Case(
        "id", "K7M4Q2", "contact", "en", level=level, answers={"contact": "text_call"},
        because=("person",), said=frozenset({"person"}), response="human", round=1,
        status=Status.ACCEPTED, accepted_by="Ana", holder="Ana",
    )  # fmt: skip
    before = NOON - timedelta(minutes=2)
    return case.marked(
        before, Mark.OPENED, Mark.HEARD, Mark.FIRST_PAGED, Mark.PAGED, Mark.ACKNOWLEDGED,
        Mark.LED, Mark.JOINED, Mark.SPOKEN, Mark.NOTED,
    )  # fmt: skip


def with_team() -> Case:
    """Ana accepted a team's case, and no human leads a conversation in it."""
    case = Case(
        "id", "K7M4Q2", "contact", "en", level=Level.R4, answers={"contact": "text_call"},
        response="team", status=Status.ACCEPTED, accepted_by="Ana",
    )  # fmt: skip
    before = NOON - timedelta(minutes=2)
    marks = (Mark.OPENED, Mark.HEARD, Mark.HANDED_OFF, Mark.ACCEPTED, Mark.ACKNOWLEDGED)
    return case.marked(before, *marks)


def said(step: Step) -> list[str]:
    return [effect.key for effect in step.effects if isinstance(effect, Say)]


def alerts(step: Step) -> set[tuple[str, str]]:
    return {(effect.key, effect.name) for effect in step.effects if isinstance(effect, Alert)}


@pytest.mark.parametrize("case", [danger(), with_team()], ids=["danger", "team"])
def test_until_somebody_takes_it_it_is_theirs_who_asked_and_nothing_is_told(case: Case) -> None:
    step = ask_to_take(case, "Ana", "Ben", "", SCENE)

    assert step.case.in_charge == "Ana" and step.case.handover_asked == "Ben"
    assert not said(step) and not [one for one in step.effects if isinstance(one, HandOff)]
    assert ("alert.handover_asked", "Ben") in alerts(step)
    others = [one for one in clock.CLOCKS if one.name != "handover"]
    for one in others:
        assert one.due(case, PROGRAM) == one.due(step.case, PROGRAM), one.name
    again = ask_to_take(step.case, "Ana", "Ben", "", later(30))
    assert again == Step(step.case)  # the clock does not restart


def test_whoever_takes_it_has_it_and_a_conversation_hears_the_name() -> None:
    asked = ask_to_take(danger(), "Ana", "Ben", "", SCENE).case

    step = take_asked(asked, "Ben", later(20))

    assert (step.case.holder, step.case.accepted_by) == ("Ben", "Ben")
    assert said(step) == ["human.took_over"]
    assert ("alert.taken", "Ana") in alerts(step)
    assert not step.case.handover_asked and not step.case.handover_to
    # Ben still has to write, like anybody who takes a case
    assert Mark.JOINED not in step.case.marks


def test_of_a_teams_case_only_who_has_it_changes() -> None:
    asked = ask_to_take(with_team(), "Ana", "Ben", "", SCENE).case
    before = dict(asked.marks)

    step = take_asked(asked, "Ben", later(20))

    assert (step.case.holder, step.case.accepted_by) == ("", "Ben")
    assert step.case.status == Status.ACCEPTED and not said(step)
    del before[Mark.HANDOVER_ASKED]
    assert step.case.marks == before  # no clock of a promised time restarts
    timed = accept(asked, "Ben", NOON + timedelta(minutes=30), later(20))
    assert timed.case.accepted_by == "Ben" and said(timed) == ["status.accepted_time"]
    assert sum(isinstance(effect, HandOff) for effect in timed.effects) <= 1


@pytest.mark.parametrize("answer", ["accept", "pass_on", "decline", "decline_asked"])
@pytest.mark.parametrize("case", [danger(), with_team()], ids=["danger", "team"])
def test_it_is_answered_like_any_page(case: Case, answer: str) -> None:
    """By text, on a call, or through the API: just like somebody who is asked by the ladder."""
    asked = ask_to_take(case, "Ana", "Ben", "", SCENE).case
    now = later(20)
    step = {
        "accept": lambda: accept(asked, "Ben", None, now),
        "pass_on": lambda: pass_on(asked, "Ben", now),
        "decline": lambda: decline(asked, "Ben", "busy", now),
        "decline_asked": lambda: decline_asked(asked, "Ben", now),
    }[answer]()

    assert not step.case.handover_asked
    assert step.case.in_charge == ("Ben" if answer == "accept" else "Ana")
    if answer != "accept":
        assert not said(step) and alerts(step) == {("alert.handover_back", "Ana")}
        assert step.case.status == asked.status
        pages = [effect for effect in step.effects if isinstance(effect, Page)]
        assert bool(pages) == case.in_danger == step.case.page_waits, "now, not at the next clock"
        assert not {"Ana", "Ben"} & {one.name for page in pages for one in people(page, now)}


@pytest.mark.parametrize("level", [Level.R1, Level.R2])
def test_if_nobody_takes_a_danger_the_ladder_is_asked_and_it_stays_with_them(level: Level) -> None:
    asked = ask_to_take(danger(level), "Ana", "Ben", "", SCENE).case
    seconds = PROGRAM.clocks.join_emergency if level == Level.R1 else PROGRAM.clocks.join_human
    by_clock = next(one for one in clock.CLOCKS if one.name == "handover")
    assert by_clock.due(asked, PROGRAM) == NOON + timedelta(seconds=seconds)

    step = by_clock.fire(asked, later(seconds))

    assert step.case.in_charge == "Ana" and not step.case.handover_asked
    assert [effect for effect in step.effects if isinstance(effect, Page)]
    assert step.case.page_waits and not said(step)
    assert ("alert.handover_back", "Ana") in alerts(step)
    taken = accept(step.case, "Cy", None, later(seconds + 30))
    assert taken.case.accepted_by == "Cy"


def test_if_nobody_takes_a_teams_case_it_stays_with_them_and_they_are_told() -> None:
    asked = ask_to_take(with_team(), "Ana", "Ben", "", SCENE).case
    by_clock = next(one for one in clock.CLOCKS if one.name == "handover")
    assert by_clock.due(asked, PROGRAM) == NOON + timedelta(seconds=PROGRAM.clocks.accept)

    step = by_clock.fire(asked, later(PROGRAM.clocks.accept))

    assert step.case == replace(with_team())
    assert alerts(step) == {("alert.handover_back", "Ana")}


def test_whoever_else_gets_it_ends_the_asking() -> None:
    asked = ask_to_take(danger(), "Ana", "Ben", "", SCENE).case
    now = later(10)
    for other in (
        holding.take_over(asked, "Cy", "", now).case,
        holding.hand_over(asked, "Ana", "Dispatcher on duty", "", now).case,
        holding.release(asked, "Ana", "", now).case,
    ):
        assert not other.handover_asked
        back = holding.take_over(other, "Ana", "", later(20)).case
        assert not back.handover_asked  # the request is not revived
        with pytest.raises(Refused, match="not_asked"):
            take_asked(other, "Ben", later(20))


def test_each_refusal_of_a_takeover_names_its_reason() -> None:
    case = danger()
    for by, to, full, code in (
        ("Ben", "Cy", (), "not_yours"), ("Ana", "", (), "no_such_person"),
        ("Ana", "Ana", (), "no_such_person"), ("Ana", "Ben", {"Ben"}, "full_other"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=code):
            ask_to_take(case, by, to, "", SCENE, full)
    asked = ask_to_take(case, "Ana", "Ben", "", SCENE).case
    with pytest.raises(Refused, match="full"):
        take_asked(asked, "Ben", SCENE, {"Ben"})
    ended = replace(asked, status=Status.CLOSED)
    for act in (lambda: ask_to_take(ended, "Ana", "Ben", "", SCENE),
                lambda: take_asked(ended, "Ben", SCENE), lambda: decline_asked(ended, "Ben", SCENE)):  # fmt: skip
        with pytest.raises(Refused, match="ended"):
            act()


ACTS = ("ask", "take", "no", "clock", "take_over", "release", "hand_over", "words")


def test_after_any_three_acts_somebody_has_a_danger_or_people_are_asked() -> None:
    for acts in product(ACTS, repeat=3):
        case = danger()
        for number, act in enumerate(acts):
            with contextlib.suppress(Refused):
                case = _done(case, act, later(100 * (number + 1)))
            assert case.in_charge or case.page_waits, acts
            assert clock.next_due(case, PROGRAM) is not None, acts


def _done(case: Case, act: str, now: Scene) -> Case:
    if act == "clock":
        return clock.tick(case, now).case
    return {
        "ask": lambda: ask_to_take(case, "Ana", "Ben", "", now),
        "take": lambda: accept(case, "Ben", None, now),
        "no": lambda: decline_asked(case, "Ben", now),
        "take_over": lambda: holding.take_over(case, "Cy", "", now),
        "release": lambda: holding.release(case, "Ana", "", now),
        "hand_over": lambda: holding.hand_over(case, "Ana", "Dispatcher on duty", "", now),
        "words": lambda: holding.note(case, case.in_charge or "Cy", "I am here.", now),
    }[act]().case


def test_records_name_who_asked_and_who_took() -> None:
    asked = ask_to_take(danger(), "Ana", "Ben", "", SCENE)
    taken = take_asked(asked.case, "Ben", later(10))
    told = [one for step in (asked, taken) for one in step.effects if isinstance(one, Record)]
    assert Record("handover_asked", {"by": "Ana", "to": "Ben"}) in told
    assert Record("handover_taken", {"by": "Ben", "from": "Ana"}) in told
