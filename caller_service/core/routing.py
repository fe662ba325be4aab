"""Finds who can come, by area, hours, capacity, skills and language. A danger is never routed: a
human is paged whatever hours, area and capacity say (docs/safety-rules.md, rule 6)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from .case import Case
from .outcome import Unserved
from .program import Hours, Program, Rung, Team
from .reach import ContactAnswer


@dataclass(frozen=True, slots=True)
class Scene:
    """The circumstances of a decision: the program, the time, and the areas that a dispatcher has
    marked as full."""

    program: Program
    now: datetime
    full: frozenset[str] = field(default_factory=frozenset)
    surge: bool = False  # somebody in danger has waited long: newcomers are told (rule 4)
    aloud: bool = False  # decided on the phone: what is said and asked is spoken
    on_page: bool = False  # decided in a browser: answers name their question
    # on the phone or a page: when the open question counts as read (rule 8)
    read_at: datetime | None = None

    @property
    def by_text(self) -> bool:
        return not self.aloud and not self.on_page

    def for_case(self, case: Case) -> Scene:
        """A case's own time never goes back, whatever the machine's clock does: now is after its
        latest mark."""
        latest = case.latest
        return (
            self
            if latest is None or latest < self.now
            else replace(self, now=latest + timedelta(microseconds=1))
        )

    @property
    def local(self) -> datetime:
        return self.now.astimezone(ZoneInfo(self.program.time_zone))


@dataclass(frozen=True, slots=True)
class Route:
    """A team, or the one reason why there is none: out_of_area, closed or no_capacity."""

    team: Team | None = None
    blocked: str = ""
    interpreter: bool = False


def route(case: Case, scene: Scene) -> Route:
    """Find a team for a case with a known place. A place that a human must check goes to dispatch
    without a team."""
    if case.located in ("outside", "not_live"):
        return Route(blocked=Unserved.OUT_OF_AREA)
    if case.located != "inside":
        return Route()
    area = next(area for area in scene.program.areas if area.id == case.area)
    if not is_open(area.hours, scene.local):
        return Route(blocked=Unserved.CLOSED)
    if area.id in scene.full:
        return Route(blocked=Unserved.NO_CAPACITY)
    working = [
        team
        for team in scene.program.teams
        if area.id in team.areas and is_open(team.hours, scene.local)
    ]
    if not working:
        return Route(blocked=Unserved.CLOSED)
    best = max(
        working,
        key=lambda team: (skills_wanted(case) <= team.skills, case.language in team.languages),
    )
    return Route(best, interpreter=case.language not in best.languages)


def skills_wanted(case: Case) -> frozenset[str]:
    wanted = {"youth"} if case.minor else set()  # by answer or by words ("im 15", rule 14)
    return frozenset(
        wanted | ({"asl"} if case.answers.get("contact") == ContactAnswer.TEXT_DEAF else set())
    )


def is_open(hours: tuple[Hours, ...], local: datetime) -> bool:
    """Open at this local time? Without hours, always. A span past midnight belongs to its first
    day."""
    if not hours:
        return True
    return any(_covers(span, local) for span in hours)


def goes_off(hours: tuple[Hours, ...], since: datetime) -> datetime | None:
    """When somebody with these hours, on duty at `since`, next goes off duty; None: never, or not
    on duty."""
    if not hours or not is_open(hours, since):
        return None
    at = since
    for _ in range(2 * len(hours) + 14):  # one span may begin as another ends
        following = [end for span in hours if (end := _end(span, at)) is not None]
        if not following:
            return at
        at = max(following)
    return None  # the spans follow each other without an end


def _end(span: Hours, local: datetime) -> datetime | None:
    """When this span ends, if it covers the local time."""
    if not _covers(span, local):
        return None
    clock = local.time().replace(tzinfo=None)
    today = span.opens < span.closes or clock < span.closes
    day = local if today else local + timedelta(days=1)
    return datetime.combine(day.date(), span.closes, local.tzinfo)


def _covers(span: Hours, local: datetime) -> bool:
    clock, today = local.time().replace(tzinfo=None), local.weekday()
    if span.opens < span.closes:
        return today in span.weekdays and span.opens <= clock < span.closes
    yesterday = (local - timedelta(days=1)).weekday()
    return (today in span.weekdays and clock >= span.opens) or (
        yesterday in span.weekdays and clock < span.closes and span.closes != span.opens
    )


def team_working(scene: Scene) -> bool:
    """Is any team at work in any live area now? If not, the preamble says so."""
    local = scene.local
    live = {
        area.id
        for area in scene.program.areas
        if area.live_from is not None
        and area.live_from <= local.date()
        and is_open(area.hours, local)
        and area.id not in scene.full
    }
    return any(live & team.areas and is_open(team.hours, local) for team in scene.program.teams)


def works_now(program: Program, name: str, local: datetime) -> bool:
    """Is this person on shift at this local time, on any ladder?"""
    return any(is_open(rung.hours, local) for rung in program.ladder if rung.name == name)


def on_duty(program: Program, ladder: str, local: datetime) -> tuple[Rung, ...]:
    """The rungs of a ladder on shift at this local time."""
    return tuple(rung for rung in program.rungs(ladder) if is_open(rung.hours, local))
