"""Is their private page open? Whoever helps sees it, and no clock waits for words that nobody can
read (docs/safety-rules.md, rule 21)."""

from __future__ import annotations

from datetime import datetime, timedelta

from . import hand_off
from .case import Case, Step
from .effect import Alert, HandOff, Record
from .journal_events import Event
from .marks import Mark
from .program import Program
from .routing import Scene
from .safe_contact import TERMS, TEXT_ALLOWED, standing


def closed(at: datetime, case: Case, scene: Scene) -> Step:
    """No browser asks for the page any more, since `at`. In danger whoever has the case is told."""
    if not case.on_web or case.ended or case.page_closed:
        return Step(case)
    # the last look may be the one that opened it, noted a moment before that was
    case = case.marked(max(at, case.marks.get(Mark.PAGE_OPEN, at)), Mark.PAGE_CLOSED)
    if not case.in_danger:
        return Step(case, (Record(Event.PAGE_CLOSED),))
    told = (HandOff("page_closed"), Record(Event.PAGE_CLOSED))
    return Step(*hand_off.revise(case, told))


def opened_again(case: Case, scene: Scene) -> Step:
    """A browser shows the page again."""
    if not case.page_closed or case.ended:
        return Step(case)
    case = case.marked(scene.now, Mark.PAGE_OPEN).unmarked(Mark.GONE)
    told = (HandOff("page_open"),) if case.in_danger else ()
    return Step(*hand_off.revise(case, (*told, Record(Event.PAGE_OPEN))))


def away(case: Case) -> bool:
    """In danger, is the page closed, with no other safe way to reach them?"""
    if not (case.in_danger and case.on_web and case.page_closed) or case.on_line:
        return False
    by_text = case.answers.get("contact") in TEXT_ALLOWED and "text" not in case.withdrawn
    return not (by_text and TERMS[standing(case)].human and not case.cannot_text)


def gone_due(case: Case, program: Program) -> datetime | None:
    """The page of somebody in danger stays closed."""
    if case.ended or Mark.GONE in case.marks or not away(case):
        return None
    return case.marks[Mark.PAGE_CLOSED] + timedelta(seconds=program.clocks.gone)


def fire_gone(case: Case, scene: Scene) -> Step:
    """Whoever has the case decides what can still be done; the supervisor reads with them."""
    case = case.marked(scene.now, Mark.GONE)
    alert = (Alert("alert.gone", case.in_charge),) if case.in_charge else ()
    return Step(case, (*alert, HandOff("page_closed"), Record(Event.GONE)))
