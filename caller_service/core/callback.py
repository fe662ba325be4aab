"""A call to the resident that was promised: when it is due, who rings, how often it is tried, and
what is said when it comes to nothing (docs/safety-rules.md, rules 5 and 10).

The human's phone rings first; then theirs, and a live person speaks. Booking a call opens contact,
so it needs that calling was called safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from .case import Case, Step, replace
from .effect import Alert, BookCallback, HandOff, Record, Say
from .escalation import ladder_of, page_rung
from .hand_off import revise
from .marks import Mark
from .program import Rung
from .refusal import Refused
from .routing import Scene, on_duty
from .safe_contact import calls_wanted, gated

WINDOW = timedelta(hours=1)  # no attempt begins later than this after it was due
MOST_ATTEMPTS = 3
SPACING = timedelta(minutes=10)  # between two attempts
SOON = timedelta(minutes=5)  # the first attempt, for whoever books while they wait
FURTHEST = timedelta(hours=48)  # how far ahead one may be booked
TALKED = timedelta(seconds=20)  # a talk of this length reached somebody


class CallbackState(StrEnum):
    """`callback.state`. The values are stored and never change."""

    WAITING = "waiting"  # booked; the next attempt is at `next_at`
    RINGING = "ringing"  # an attempt is under way
    DONE = "done"  # it is over: `outcome` says how
    CANCELLED = "cancelled"  # not wanted any more


class CallbackOutcome(StrEnum):
    """`callback.outcome`. The values are stored and never change."""

    REACHED = "reached"  # a human spoke with them
    NOT_REACHED = "not_reached"  # every attempt came to nothing
    WRONG_PERSON = "wrong_person"  # somebody else answered
    NOBODY_FREE = "nobody_free"  # no human's phone was answered


@dataclass(frozen=True, slots=True)
class Window:
    """When attempts may begin."""

    due: datetime
    until: datetime


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
    if not calls_wanted(case):
        raise Refused("may_not_call")
    if due > scene.now + FURTHEST:
        raise Refused("too_far")
    if person and ((rung := scene.program.rung_of(person)) is None or not rung.number):
        raise Refused("no_such_person", person)
    due = max(due, scene.now)
    until = max(until or due + WINDOW, due)
    booked = BookCallback(due, until, by, ask_for, person, MOST_ATTEMPTS, SPACING)
    number = " ".join(spaced(scene))
    words = Say("callback.booked", {"time": clock_time(due, scene), "number": number}, unasked=True)
    effects = (booked, words, HandOff("callback"), Record("callback_booked", {"by": by}))
    return Step(*revise(case, gated(case, effects)[0]))


def spaced(scene: Scene) -> tuple[str, ...]:
    """The number that rings, as it is said: digit by digit."""
    return tuple((scene.program.numbers.callback or scene.program.numbers.ours[0].number)[-10:])


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
    rungs = [
        rung
        for name in dict.fromkeys(names)
        if (rung := scene.program.rung_of(name)) and rung.number
    ]
    return rungs[tried] if tried < len(rungs) else None


def not_kept(case: Case, outcome: CallbackOutcome, scene: Scene) -> Step:
    """Every attempt came to nothing: the truth by a safe channel, and a human is asked to find
    another way."""
    record = Record("callback_over", {"outcome": outcome.value})
    if case.ended:
        return Step(case, (record,))
    words = Say("callback.not_reached", unasked=True)
    case = replace(case, review=True).marked(scene.now, Mark.REVIEW, Mark.NOT_REACHED)
    alert = (Alert("alert.callback", case.in_charge),) if case.in_charge else ()
    pages = () if alert else page_rung(case, ladder_of(case), case.rung, scene)
    case = case if alert else replace(case, round=max(1, case.round))
    effects = (record, words, *alert, *pages, HandOff("callback"))
    return Step(*revise(case, gated(case, effects)[0]))


def kept(case: Case, scene: Scene) -> Step:
    """A human has spoken with them."""
    record = Record("callback_over", {"outcome": CallbackOutcome.REACHED.value})
    return Step(case, (record,))
