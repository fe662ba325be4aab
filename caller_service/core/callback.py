"""A call to the resident that was promised: when it is due, who rings, how often it is tried, and
what is said when it comes to nothing (docs/safety-rules.md, rules 5 and 10).

The human's phone rings first; then theirs, and a live person speaks. Booking a call opens contact,
so it needs that calling was called safe.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from .case import Case, Step, replace
from .effect import Alert, BookCallback, HandOff, Record, Say
from .escalation import ladder_of, page_rung
from .hand_off import revise
from .journal_events import Event
from .marks import Mark
from .program import Rung
from .refusal import Refused
from .routing import Scene, on_duty
from .safe_contact import calls_wanted, gated

WINDOW = timedelta(hours=1)  # no attempt begins later than this after it was due
MOST_ATTEMPTS = 3
SPACING = timedelta(minutes=10)  # between two attempts
SOON = timedelta(minutes=5)  # the first attempt, for whoever books while they wait
_STILL_TODAY = timedelta(hours=4)
FURTHEST = timedelta(hours=48)  # how far ahead one may be booked
TALKED = timedelta(seconds=20)  # a talk of this length reached somebody


class CallbackOutcome(StrEnum):
    """`callback.outcome`. The values are stored and never change."""

    REACHED = "reached"  # a human spoke with them
    NOT_REACHED = "not_reached"  # every attempt came to nothing
    WRONG_PERSON = "wrong_person"  # somebody else answered
    NOBODY_FREE = "nobody_free"  # no human's phone was answered


def book(
    case: Case,
    by: str,
    due: datetime,
    scene: Scene,
    until: datetime | None = None,
    ask_for: str = "",
    person: str = "",
) -> Step:
    """Promise a call. `ask_for`: the name agreed; `person`: who rings. Raises Refused: ended,
    may_not_call, too_far, past, no_such_person."""
    if case.ended:
        raise Refused("ended")
    if not calls_wanted(case) or not scene.program.numbers.callback:
        raise Refused("may_not_call")
    if due > scene.now + FURTHEST:
        raise Refused("too_far")
    if person and ((rung := scene.program.rung_of(person)) is None or not rung.number):
        raise Refused("no_such_person")
    due = max(due, scene.now)
    until = max(until or due + WINDOW, due)
    booked = BookCallback(due, until, by, ask_for, person, MOST_ATTEMPTS, SPACING)
    number = written(scene)
    words = Say(
        _booked_key(due, scene), {"time": clock_time(due, scene), "number": number}, unasked=True
    )
    effects = (booked, words, HandOff("callback"), Record(Event.CALLBACK_BOOKED, {"by": by}))
    return Step(*revise(case, gated(case, effects)[0]))


def ring_now(case: Case, by: str, phone: Rung | None, scene: Scene) -> Step:
    """`by` calls them back now: their own phone rings first, then the resident's. Raises Refused:
    ended, may_not_call, on_line, no_phone."""
    if case.ended:
        raise Refused("ended")
    if not calls_wanted(case) or not scene.program.numbers.callback:
        raise Refused("may_not_call")
    if case.on_line:
        raise Refused("on_line")
    if phone is None or not phone.number:
        raise Refused("no_phone")
    return Step(case, (Record(Event.CALL_NOW, {"by": by}),))


def _booked_key(due: datetime, scene: Scene) -> str:
    """The day is said where it is not today's: "3:00 PM" alone would be untrue. At night what
    comes after midnight is still today."""
    days = (due.astimezone(scene.local.tzinfo).date() - scene.local.date()).days
    if due - scene.now < _STILL_TODAY:
        days = 0
    return {0: "callback.booked", 1: "callback.booked.tomorrow"}.get(days, "callback.booked.later")


# Of a day: its half ("am" or "pm"), and the hour that is meant where none is told.
_PARTS = {"morning": ("am", 9), "afternoon": ("pm", 14), "evening": ("pm", 18)}
_SOME_TIME = 10  # "call me tomorrow"
_FIRST_HOUR = 7  # "tomorrow at 3" is in the afternoon, "tomorrow at 8" in the morning


def asked_time(said: str, patterns: Sequence[re.Pattern[str]], scene: Scene) -> datetime | None:
    """When somebody asks to be called, in words: "call me at 6" is the next six o'clock, "tomorrow
    at 3" is tomorrow's by day, "in 20 minutes" is from now. None: they ask for no time, or for one
    that does not exist."""
    for pattern in patterns:
        if (found := pattern.search(said)) is None:
            continue
        # a name may stand twice in a pattern, with a digit behind it
        told = {
            name.rstrip("0123456789"): words for name, words in found.groupdict().items() if words
        }
        if "minutes" in told:
            return scene.now + timedelta(minutes=int(told["minutes"]))
        if "hours" in told:
            hours = int(told["hours"]) if told["hours"].isdecimal() else 1
            return scene.now + timedelta(hours=hours)
        half, usual = next((_PARTS[part] for part in _PARTS if part in told), ("", _SOME_TIME))
        half = told.get("half") or half
        tomorrow = "tomorrow" in told
        if "hour" in told:
            hour, minute = int(told["hour"]), int(told.get("minute", 0))
            return _next(hour, minute, half, scene, tomorrow=tomorrow)
        if tomorrow:
            return _next(usual, 0, "", scene, tomorrow=True)
    return None


def _next(
    hour: int, minute: int, half: str, scene: Scene, tomorrow: bool = False
) -> datetime | None:
    """The next time that a clock shows this; without am or pm, of the two the sooner, and tomorrow
    the one by day."""
    if hour > 23 or minute > 59:
        return None
    afternoon = half.lower().startswith("p")
    hours = {hour} if hour > 12 or hour == 0 else {hour % 12, hour % 12 + 12}
    if half and hour <= 12:
        hours = {hour % 12 + (12 if afternoon else 0)}
    elif tomorrow:
        hours = {max(hours) if hour % 12 < _FIRST_HOUR else min(hours)}
    times = []
    for day in (1,) if tomorrow else (0, 1):
        for each in hours:
            local = (scene.local + timedelta(days=day)).replace(
                hour=each, minute=minute, second=0, microsecond=0
            )
            times.append(local.astimezone(UTC))
    return min((at for at in times if at > scene.now), default=None)


def spaced(scene: Scene) -> str:
    """The number that rings, as it is said: digit by digit."""
    return ", ".join(scene.program.numbers.callback[-10:])


def written(scene: Scene) -> str:
    """The number that rings, as it is read: "720-555-0100"."""
    number = scene.program.numbers.callback
    here = number.startswith("+1") and len(number) == 12
    return f"{number[2:5]}-{number[5:8]}-{number[8:]}" if here else number


def clock_time(at: datetime, scene: Scene) -> str:
    """A time of day as a resident's phone shows it, in the program's zone: "6:05 PM"."""
    local = at.astimezone(scene.local.tzinfo)
    return f"{local.hour % 12 or 12}:{local.minute:02d} {'AM' if local.hour < 12 else 'PM'}"


def who_rings(case: Case, person: str, tried: int, scene: Scene) -> Rung | None:
    """Whose phone rings for an attempt: whoever was named, then whoever has the case, then
    everybody on duty, each once. None: nobody is left."""
    names: list[str] = []
    ladder = ladder_of(case)
    for name in (person, case.in_charge):
        if name and name not in names:
            names.append(name)
    duty: Sequence[Rung] = (
        *on_duty(scene.program, ladder, scene.local),
        *on_duty(scene.program, "danger", scene.local),
    )
    names += [rung.name for rung in duty]
    known = (scene.program.rung_of(name) for name in dict.fromkeys(names))
    rungs = [rung for rung in known if rung is not None and rung.number]
    return rungs[tried] if tried < len(rungs) else None


def not_kept(case: Case, outcome: CallbackOutcome, scene: Scene) -> Step:
    """Every attempt came to nothing: the truth by a safe channel, and a human is asked to find
    another way."""
    record = Record(Event.CALLBACK_OVER, {"outcome": outcome.value})
    if case.ended:
        return Step(case, (record,))
    never = outcome == CallbackOutcome.NOBODY_FREE  # their phone may not have rung at all (rule 22)
    words = Say("callback.nobody_free" if never else "callback.not_reached", unasked=True)
    case = replace(case, review=True).marked(scene.now, Mark.REVIEW, Mark.NOT_REACHED)
    told = "alert.callback.nobody_free" if never else "alert.callback"
    alert = (Alert(told, case.in_charge),) if case.in_charge else ()
    pages = () if alert else page_rung(case, ladder_of(case), case.rung, scene)
    case = case if alert else replace(case, round=max(1, case.round))
    effects = (record, words, *alert, *pages, HandOff("callback"))
    return Step(*revise(case, gated(case, effects)[0]))


def kept(case: Case, scene: Scene) -> Step:
    """A human has spoken with them."""
    record = Record(Event.CALLBACK_OVER, {"outcome": CallbackOutcome.REACHED.value})
    return Step(case, (record,))
