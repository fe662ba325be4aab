"""Where a case stands on the dispatchers' desk: its band in the queue, what is waited for, and
which acts belong to it now (docs/console.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from .case import Case, Status
from .clock import CLOCKS
from .dispatch import answered_since
from .effect import Page
from .escalation import ladder_of, page_rung, people
from .marks import Mark
from .program import Program, Team
from .routing import Scene, is_open


class Band(StrEnum):
    """The queue, from the top. A case without a band has ended."""

    NOBODY = "nobody"  # a danger that nobody has, or whose human did not come
    HUMAN = "human"  # a human has a danger, or holds the conversation
    READ = "read"  # somebody is to read it; no phone rings yet
    TEAMS = "teams"
    OTHER = "other"  # a counselor, or information
    ASKING = "asking"  # software still asks


def band_of(case: Case) -> Band | None:
    """The one band a case stands in; None: it has ended."""
    if case.ended:
        return None
    if case.in_danger:
        return Band.NOBODY if case.page_waits or not case.in_charge else Band.HUMAN
    if case.held:
        return Band.HUMAN
    if case.review and not case.human_has_it:
        return Band.READ
    if case.status == Status.SCREENING:
        return Band.ASKING
    return Band.TEAMS if case.response == "team" else Band.OTHER


class Stage(StrEnum):
    """What is to be done with a case next: one main act belongs to each."""

    NOBODY = "nobody"  # take it
    TAKEN = "taken"  # write the first words
    LIVE_DANGER = "live_danger"  # somebody is there
    LIVE = "live"  # somebody has it, and there is no danger
    MOVING = "moving"  # a team is on the way
    THERE = "there"
    ENDED = "ended"


def stage_of(case: Case) -> Stage:
    if case.ended:
        return Stage.ENDED
    if case.status == Status.ARRIVED:
        return Stage.THERE
    if case.page_waits or not case.in_charge:
        return Stage.NOBODY
    if case.status in (Status.ASSIGNED, Status.EN_ROUTE):
        return Stage.MOVING
    if not case.in_danger:
        return Stage.LIVE
    return Stage.TAKEN if case.unjoined else Stage.LIVE_DANGER


@dataclass(frozen=True, slots=True)
class Waiting:
    """Since when a case waits for a human, and how long it may."""

    since: datetime
    allowed: timedelta

    def late(self, now: datetime) -> bool:
        return now - self.since > self.allowed


def waits(case: Case, program: Program) -> Waiting | None:
    """What the age of a case is held against; None: nobody is waited for. A danger counts from when
    people were first asked, a review from when it was asked for."""
    band, clocks, marks = band_of(case), program.clocks, case.marks
    if band == Band.NOBODY:
        since = marks.get(Mark.LAPSED) or marks.get(Mark.FIRST_PAGED) or marks[Mark.OPENED]
        return Waiting(since, timedelta(seconds=clocks.page_next))
    if band == Band.READ:
        return Waiting(marks.get(Mark.REVIEW, marks[Mark.HEARD]), timedelta(seconds=clocks.review))
    if band in (Band.TEAMS, Band.OTHER) and not case.human_has_it and case.status != Status.OPEN:
        since = marks.get(Mark.HANDED_OFF, marks[Mark.OPENED])
        return Waiting(since, timedelta(seconds=clocks.accept))
    return None


_CLOCKS = {clock.name: clock for clock in CLOCKS}


@dataclass(frozen=True, slots=True)
class NextClock:
    """The clock that its holder watches: `join` (first words), `reply`, or `silent`."""

    name: str
    due: datetime


def holder_clock(case: Case, program: Program) -> NextClock | None:
    """Which clock of whoever has the case fires next: their first words, or their answer."""
    due = [
        NextClock(name, at)
        for name in ("join", "reply")
        if (at := _CLOCKS[name].due(case, program)) is not None
    ]
    return min(due, key=lambda one: one.due, default=None)


def waits_for(case: Case, name: str) -> datetime | None:
    """Since when the resident waits for words of `name`: the first, or an answer."""
    if case.ended or name != case.in_charge:
        return None
    if case.held and (asked := case.marks.get(Mark.AWAITS_HUMAN)) is not None:
        return asked
    return case.marks.get(Mark.ACKNOWLEDGED) if case.unjoined else None


STILL_ASKED = timedelta(minutes=30)  # of a case that somebody has: then nobody is waited for


def is_asked_of(
    case: Case, name: str, asked_at: datetime | None, program: Program, now: datetime
) -> bool:
    """Is `name`, who was last asked at `asked_at`, still waited for? Whoever has it is not asked
    for it; whom they ask to take it over is."""
    if case.handover_asked == name:
        return True
    if asked_at is None or case.ended or name in (case.holder, case.accepted_by):
        return False
    if answered_since(case, asked_at):
        return False
    if waits(case, program) is not None:
        return True
    return bool(case.in_charge) and now - asked_at < STILL_ASKED  # asked to come beside them


_WITH_TEAM = (Status.ASSIGNED, Status.EN_ROUTE, Status.ARRIVED)


@dataclass(frozen=True, slots=True)
class TeamNow:
    """A team that works now, and the case that it is with, if any."""

    team: Team
    case: Case | None = None


def teams_now(cases: Sequence[Case], program: Program, local: datetime) -> list[TeamNow]:
    """The teams whose hours it is; those that are free stand first."""
    busy = {case.team: case for case in cases if case.team and case.status in _WITH_TEAM}
    working = [TeamNow(team, busy.get(team.id)) for team in program.teams
               if is_open(team.hours, local)]  # fmt: skip
    return sorted(working, key=lambda one: one.case is not None)


@dataclass(frozen=True, slots=True)
class NextAsked:
    """Who is asked next if nobody takes the case, and when."""

    names: tuple[str, ...]
    due: datetime


def next_asked(case: Case, scene: Scene) -> NextAsked | None:
    """Whom the ladder asks next; None: nobody is being asked. Names who were asked before stand
    last."""
    ladder = ladder_of(case)
    name = {"danger": "page_next", "review": "review"}.get(ladder, "accept")
    due = _CLOCKS[name].due(case, scene.program)
    if due is None:
        return None
    rung = case.review_rung if ladder == "review" else case.rung
    following = page_rung(case, ladder, rung + (case.round > 0), scene)
    pages = [page for page in following if isinstance(page, Page)]
    return NextAsked(tuple(rung.name for page in pages for rung in people(page, scene)), due)


def by_need(cases: Sequence[Case]) -> list[Case]:
    """The order within a band: emergency first, then whoever wrote first. A new one stands behind
    those that are there."""
    return sorted(
        cases,
        key=lambda case: (
            -(case.level or 0) if case.in_danger else 0,
            case.marks[Mark.OPENED],
            case.id,
        ),
    )
