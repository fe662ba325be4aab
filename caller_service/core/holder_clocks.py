"""The clocks of a human who has a case: they must come, answer and not leave a danger (rule 21).

Each `..._due` function says when its clock is due, each `fire_...` what then happens; core/clock.py
lists them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from .case import Case, Step, replace
from .due_times import after_mark, last_of
from .effect import Alert, HandOff, Record
from .escalation import asked_instead, page_rung, read_instead
from .journal_events import Event
from .marks import Mark
from .page_presence import away
from .program import Hours, Program
from .protocol import Level
from .routing import Scene, goes_off


def _by_level(case: Case, emergency: int, human: int) -> timedelta:
    """The time allowed at R1 (`emergency`) or R2 (`human`), both in seconds."""
    return timedelta(seconds=emergency if case.level == Level.R1 else human)


def join_due(case: Case, program: Program) -> datetime | None:
    """Somebody accepted a danger, and the provider has not taken their first words in the time they
    had."""
    accepted = case.marks.get(Mark.ACKNOWLEDGED)
    if (
        not case.in_danger
        or case.ended
        or accepted is None
        or not case.accepted_by
        or Mark.FIRST_PAGED not in case.marks
        # they accepted before there was a danger: the first page is what counts
        or accepted < case.marks[Mark.FIRST_PAGED]
        or away(case)
    ):
        return None
    joined, lapsed = case.marks.get(Mark.JOINED), case.marks.get(Mark.LAPSED)
    # they have joined; from now on the clock `reply` watches them
    if joined is not None and case.holder == case.accepted_by:
        return None
    if (joined is not None and joined >= accepted) or (lapsed is not None and lapsed >= accepted):
        return None
    # another human was speaking with them until then
    since = max(accepted, case.marks.get(Mark.TALKED, accepted))
    return since + _by_level(case, program.clocks.join_emergency, program.clocks.join_human)


def fire_join(case: Case, scene: Scene) -> Step:
    """Page the next person because whoever accepted did not come; "nobody has joined yet"
    continues."""
    case, pages = asked_instead(
        case.marked(scene.now, Mark.LAPSED, Mark.PAGED), case.accepted_by, scene
    )
    alert = Alert("alert.join", case.accepted_by)
    return Step(case, (*pages, alert, HandOff("not_joined"), Record(Event.NOT_JOINED)))


def paused_until(case: Case, program: Program) -> datetime | None:
    """When the pause that the holder announced ends; None without one."""
    return after_mark(Mark.PAUSED, program.clocks.pause, case)


def reply_due(case: Case, program: Program) -> datetime | None:
    """A resident's text waits for the holder's answer."""
    waiting_since = case.marks.get(Mark.AWAITS_HUMAN)
    if waiting_since is None or not case.held or away(case):
        return None
    since = max(waiting_since, paused_until(case, program) or waiting_since)
    allowed = _by_level(case, program.clocks.reply_emergency, program.clocks.reply_human)
    # the danger was lowered, but a human still has to answer
    allowed = allowed if case.in_danger else timedelta(seconds=program.clocks.review)
    prompted = case.marks.get(Mark.REPLY_PROMPTED)
    if prompted is None or prompted < waiting_since:
        return since + allowed
    late = case.marks.get(Mark.REPLY_LATE)
    if late is None or late < waiting_since:
        return max(since + 2 * allowed, prompted)
    return None  # from here on the ladder pages people until somebody answers


def fire_reply(case: Case, scene: Scene) -> Step:
    """Prompt the holder first; after twice the time page the next person and the supervisors."""
    waiting_since = case.marks[Mark.AWAITS_HUMAN]
    prompted = case.marks.get(Mark.REPLY_PROMPTED)
    alert = Alert("alert.prompt", case.holder)
    if prompted is None or prompted < waiting_since:
        return Step(
            case.marked(scene.now, Mark.REPLY_PROMPTED),
            (alert, HandOff("waits_for_answer"), Record(Event.HOLDER_PROMPTED)),
        )
    if not case.in_danger:
        case, pages = read_instead(
            case.marked(scene.now, Mark.REPLY_LATE), case.holder, scene, supervisor=True
        )
        return Step(
            case,
            (
                *pages,
                alert,
                HandOff("no_answer"),
                Record(Event.HOLDER_SILENT),
            ),
        )
    # where the ladder pages already, it climbs by one: who was just paged is not paged again
    more = not case.page_waits
    case = case.marked(scene.now, Mark.REPLY_LATE, Mark.LAPSED, Mark.PAGED)
    case, pages = asked_instead(case, case.holder, scene, supervisor=True, two=more)
    return Step(case, (*pages, alert, HandOff("no_answer"), Record(Event.HOLDER_SILENT)))


def held_due(case: Case, program: Program) -> datetime | None:
    """A human leads the conversation, and neither side writes; again while that lasts, because
    whoever is asked for the holder may not come either."""
    if not case.held or not case.in_danger or Mark.AWAITS_HUMAN in case.marks or case.talking:
        return None
    if away(case):
        return None
    last = last_of(case, Mark.HEARD, Mark.NOTED, Mark.JOINED)
    if last is None:
        return None
    since, allowed = last, _by_level(case, program.clocks.held_emergency, program.clocks.held_human)
    paused = paused_until(case, program)
    if paused is not None and case.marks.get(Mark.NOTED, last) <= case.marks[Mark.PAUSED]:
        # the resident was told how long the pause takes: prompt a reply's time after that
        since = paused
        allowed = _by_level(case, program.clocks.reply_emergency, program.clocks.reply_human)
    prompted = case.marks.get(Mark.HELD_PROMPTED)
    if prompted is None or prompted < last:
        return since + allowed
    last_asked = max(prompted, case.marks.get(Mark.HELD_LATE, prompted))
    return last_asked + timedelta(seconds=program.clocks.held_supervisor)


def fire_held_silent(case: Case, scene: Scene) -> Step:
    """Prompt the holder; later page the supervisors and the next person, who is not the holder."""
    last = last_of(case, Mark.HEARD, Mark.NOTED, Mark.JOINED)
    prompted = case.marks.get(Mark.HELD_PROMPTED)
    alert = Alert("alert.silent", case.holder)
    if prompted is None or (last is not None and prompted < last):
        return Step(
            case.marked(scene.now, Mark.HELD_PROMPTED),
            (alert, HandOff("held_silent"), Record(Event.HOLDER_PROMPTED)),
        )
    case, pages = asked_instead(
        case.marked(scene.now, Mark.HELD_LATE), case.holder, scene, supervisor=True
    )
    return Step(case, (*pages, alert, Record(Event.HELD_SILENT)))


def _in_charge_hours(case: Case, program: Program) -> tuple[Hours, ...]:
    """The hours of whoever has the danger; empty: round the clock, or not on a ladder."""
    rungs = [rung for rung in program.rungs("danger") if rung.name == case.in_charge]
    return (
        tuple(hours for rung in rungs for hours in rung.hours)
        if all(rung.hours for rung in rungs)
        else ()
    )


def shift_due(case: Case, program: Program) -> datetime | None:
    """The shift of whoever has a danger ends; and again a reply's time later, if they still have it
    (rule 20)."""
    since = case.marks.get(Mark.ACKNOWLEDGED)
    if not case.in_danger or case.ended or since is None or not case.in_charge:
        return None
    zone = ZoneInfo(program.time_zone)
    shift_ends_at = goes_off(_in_charge_hours(case, program), since.astimezone(zone))
    if shift_ends_at is None:
        return None
    told_at, left_at = case.marks.get(Mark.SHIFT_TOLD), case.marks.get(Mark.SHIFT_LEFT)
    if told_at is None or told_at < shift_ends_at:
        return shift_ends_at.astimezone(UTC)
    if left_at is not None and left_at >= told_at:
        return None
    return told_at + _by_level(case, program.clocks.reply_emergency, program.clocks.reply_human)


def fire_shift(case: Case, scene: Scene) -> Step:
    """Alert whoever has the danger that their shift ends; later page the ladder, because nobody
    ends a shift with a danger in hand."""
    told_at, since = case.marks.get(Mark.SHIFT_TOLD), case.marks[Mark.ACKNOWLEDGED]
    if told_at is None or told_at < since:
        case = case.marked(scene.now, Mark.SHIFT_TOLD)
        return Step(
            case,
            (Alert("alert.shift", case.in_charge), HandOff("shift_ends"), Record(Event.SHIFT_ENDS)),
        )
    case = replace(case, rung=case.rung + 1).marked(
        scene.now, Mark.SHIFT_LEFT, Mark.LAPSED, Mark.PAGED
    )
    page = page_rung(case, "danger", case.rung, scene, supervisor=True)
    return Step(case, (*page, HandOff("shift_ended"), Record(Event.SHIFT_ENDED)))
