"""The ladder as a city writes it: who is asked, by what, how often and how long; and what happens at its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from conversation import PROGRAM

from caller_service.core import clock, screening
from caller_service.core.case import Case
from caller_service.core.case import replace as changed
from caller_service.core.effect import Page, Record
from caller_service.core.escalation import people
from caller_service.core.program import Hours, Program, Rung
from caller_service.core.routing import Scene

NOON = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)


def names(page: Page, scene: Scene) -> list[str]:
    return [rung.name for rung in people(page, scene)]


def ladder(*rungs: Rung) -> Program:
    return replace(PROGRAM, ladder=rungs)


def paged(program: Program, hours: float, at: datetime = NOON) -> list[tuple[float, list[str]]]:
    """Who is asked, and how many seconds after the first, when nobody answers a danger."""
    case = Case("id", "K7M4Q2", "contact", "en").marked(opened=at, heard=at)
    step = screening.recompute(changed(case, said=frozenset({"person"})), Scene(program, at))
    told, end = [], at + timedelta(hours=hours)
    now = at
    while now <= end:
        told += [((now - at).total_seconds(), names(page, Scene(program, now))) for page in step.effects if isinstance(page, Page)]
        due = clock.next_due(step.case, program)
        assert due is not None
        now = due
        step = clock.tick(step.case, Scene(program, now))
    return told


def test_each_rung_is_asked_as_often_and_waited_for_as_long_as_it_says() -> None:
    program = ladder(
        Rung("danger", "Ana", "text", wait=30, repeats=2), Rung("danger", "Ben", "call", wait=90), Rung("danger", "Cy", "console")
    )

    asked = paged(program, 0.1)[:6]

    assert asked == [(0.0, ["Ana"]), (30.0, ["Ana"]), (60.0, ["Ben"]), (150.0, ["Cy"]), (210.0, ["Ana"]), (240.0, ["Ana"])]


def test_nobody_on_shift_is_an_alarm_and_everybody_is_asked() -> None:
    night = (Hours(frozenset(range(7)), time(22), time(23)),)
    program = ladder(
        Rung("danger", "Ana", "text", hours=night), Rung("danger", "Ben", "text", hours=night), Rung("team", "Sue", "text", supervisor=True)
    )
    case = Case("id", "K7M4Q2", "contact", "en").marked(opened=NOON, heard=NOON)

    step = screening.recompute(changed(case, said=frozenset({"person"})), Scene(program, NOON))

    assert [effect.detail for effect in step.effects if isinstance(effect, Record) and effect.event == "nobody_on_shift"] == [
        {"ladder": "danger"}
    ]
    assert [names(page, Scene(program, NOON)) for page in step.effects if isinstance(page, Page)] == [["Ana", "Ben", "Sue"]]
