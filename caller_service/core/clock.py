"""Every clock of a case, as a table of pure functions (docs/safety-rules.md, rules 4, 5 and 21).

`next_due` says when somebody must look again; `tick` does what is due on today's truth. Due times
are derived from what has happened, so an outage of an hour gives one decision, not a burst. After a
ring its clock moves on: the next due time of a ticked case is later than now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from . import hand_off
from .case import Case, Status, Step, replace
from .commands import said_again
from .effect import Alert, Effects, HandOff, Page, Record, Say, UpdateCall
from .escalation import (
    asked_instead,
    climbed,
    ladder_of,
    page_rung,
    read_instead,
    wait,
)
from .holding import let_go
from .ledger import began_nothing, end
from .marks import Mark
from .outcome import Outcome
from .program import Clocks, Hours, Program
from .protocol import DOUBT, Level
from .questions import ask, choose_anew, stands_at
from .routing import Scene, goes_off
from .safe_contact import (
    UPDATE_CALL_PAUSE,
    Standing,
    gated,
    mark_unheard,
    may_call_update,
    may_text,
    sensitive,
    standing,
    truth_line,
)
from .said import Said
from .screening import recompute
from .synthetic_case import over, over_due

SKEW = timedelta(seconds=5)  # two machines may differ by so much

Due = Callable[[Case, Program], datetime | None]
Ring = Callable[[Case, Scene], Step]


@dataclass(frozen=True, slots=True)
class Clock:
    name: str
    due: Due
    ring: Ring


def next_due(case: Case, program: Program) -> datetime | None:
    """The earliest moment at which any clock rings; None when nothing is waited for."""
    return min(
        (due for clock in clocks_of(case) if (due := clock.due(case, program)) is not None),
        default=None,
    )


def tick(case: Case, scene: Scene) -> Step:
    """Ring every clock that is due, once, in the order of the table."""
    effects: Effects = ()
    for clock in clocks_of(case):
        due = clock.due(case, scene.program)
        if due is not None and due <= scene.now:
            step = clock.ring(case, scene)
            allowed, held = gated(step.case, step.effects)
            case = mark_unheard(step.case, held, scene.now)
            lines = tuple(Record("held_back", {"words": key}) for key in held)
            effects = (*effects, Record("clock", {"clock": clock.name}), *allowed, *lines)
    return Step(*hand_off.revise(case, effects))


def clocks_of(case: Case) -> tuple[Clock, ...]:
    """A test case has one clock of its own: it waits for nobody (core/synthetic_case.py)."""
    return _OF_A_TEST if case.test else CLOCKS


def set_back(case: Case, now: datetime) -> Step:
    """The machine's clock was set back: what happened to the case last, happened now, and all
    before it as long before.

    Its clocks then run on, instead of waiting for the old time to come round again. A second call
    changes nothing.
    """
    if case.latest is None or case.latest <= now + SKEW:
        return Step(case)
    by = case.latest - now
    return Step(
        replace(case, marks={name: at - by for name, at in case.marks.items()}),
        (Record("clock_set_back"),),
    )


def _after(mark: Mark, seconds: int, case: Case) -> datetime | None:
    at = case.marks.get(mark)
    return None if at is None else at + timedelta(seconds=seconds)


def _last(case: Case, *marks: Mark) -> datetime | None:
    return max((case.marks[mark] for mark in marks if mark in case.marks), default=None)


# ---- silence -------------------------------------------------------------------------------------


def never_re_ask(case: Case) -> bool:
    """Violence, or somebody watching: a text of ours could be read by the wrong person."""
    return standing(case) in (Standing.WATCHED, Standing.VIOLENCE)


LATER = ("if_none", "voicemail")  # asked once the hand-off has left


def _silent(case: Case) -> bool:
    ended = case.marks.get(Mark.LADDER_ENDED)
    if (
        case.asked in LATER
        and case.status != Status.SCREENING
        and (ended is None or case.marks[Mark.ASKED] < ended)
    ):
        return False  # the hand-off is on its way: what is only needed later may stay unanswered
    return (
        bool(case.asked)
        and not case.ended
        and not case.in_danger
        and not case.held
        and not case.parked
    )


def _silence(seconds: int, case: Case) -> datetime | None:
    """Silence counts from their last text, or from our question if that came later."""
    since = _last(case, Mark.HEARD, Mark.ASKED)
    return None if since is None else since + timedelta(seconds=seconds)


def _danger_silence_due(case: Case, program: Program) -> datetime | None:
    """After a sign of danger, silence for `danger_silence` seconds (rule 5)."""
    if not _silent(case) or not case.danger_sign:
        return None
    return _silence(program.clocks.danger_silence, case)


def _danger_silence(case: Case, scene: Scene) -> Step:
    """A human at once, and no text of ours."""
    step = recompute(replace(case, said=case.said | {Said.SILENT_DANGER}), scene)
    # no automatic text
    return Step(step.case, tuple(effect for effect in step.effects if not isinstance(effect, Say)))


def _quiet_reask_due(case: Case, program: Program) -> datetime | None:
    """Nothing dangerous is known, contact was answered yes, and nobody writes for `quiet_reask`
    seconds (rule 5)."""
    if (
        not _silent(case)
        or case.danger_sign
        or never_re_ask(case)
        or Mark.ASKED_AGAIN in case.marks
        or not may_text(case, "still_here")
    ):
        return None
    return _silence(program.clocks.quiet_reask, case)


def _quiet_reask(case: Case, scene: Scene) -> Step:
    """ "Still here?", once."""
    return Step(case.marked(scene.now, Mark.ASKED_AGAIN), (Say("still_here", unasked=True),))


def _quiet_review_due(case: Case, program: Program) -> datetime | None:
    """A question is open, and nobody writes for `quiet_review` seconds."""
    if not _silent(case) or Said.QUIET in case.said:
        return None
    return _silence(program.clocks.quiet_review, case)


def _quiet_review(case: Case, scene: Scene) -> Step:
    """A human looks at it; nobody is paged, nothing is said."""
    return _for_review(case, scene)


def _for_review(case: Case, scene: Scene) -> Step:
    """A human looks at it; nobody is paged, nothing is sent to the resident."""
    step = recompute(replace(case, said=case.said | {Said.QUIET}), scene)
    return Step(step.case.marked(scene.now, Mark.REVIEW), (*step.effects, HandOff("quiet")))


# ---- people are paged and nobody answers ---------------------------------------------------------


def _page_next_due(case: Case, program: Program) -> datetime | None:
    """People are paged for a danger, and nobody took it while they were waited for."""
    paged = case.marks.get(Mark.PAGED)
    if paged is None or not case.page_waits:
        return None
    return paged + wait(program, "danger", case.rung, paged, program.clocks.page_next)


def _page_next(case: Case, scene: Scene) -> Step:
    """The next rung of the ladder; after the last, the first again (rule 4)."""
    case = replace(case, rung=case.rung + 1).marked(scene.now, Mark.PAGED)
    return Step(case, page_rung(case, "danger", case.rung, scene))


# seconds after the first danger, behind the first truth; then every half hour
TRUTH_AT = (600, 1200, 1800)
TRUTH_EVERY = timedelta(minutes=30)
STILL_WRITING = timedelta(hours=1)  # who wrote within this hears the truth again


def _truth_due(case: Case, program: Program) -> datetime | None:
    """After `truth`, then at 10, 20 and 30 minutes, then half-hourly while they wrote within the
    hour. Only a human's own words stop it: an acceptance does not (rule 4)."""
    paged = case.marks.get(Mark.FIRST_PAGED)
    if paged is None or not case.unjoined or case.parked:
        return None
    told = case.marks.get(Mark.TRUTH)
    first = paged + timedelta(seconds=program.clocks.truth)
    if told is None or told < paged:
        return first
    following = next(
        (
            at
            for seconds in TRUTH_AT
            if (at := paged + timedelta(seconds=seconds)) > max(told, first)
        ),
        None,
    )
    if following is not None:
        return following
    due = told + TRUTH_EVERY
    return due if due - case.marks[Mark.HEARD] <= STILL_WRITING else None


def _truth(case: Case, scene: Scene) -> Step:
    """Where it may not be texted unasked, it is owed: the next reply tells it
    (screening.advance)."""
    again = Mark.TRUTH in case.marks and case.marks[Mark.TRUTH] >= case.marks[Mark.FIRST_PAGED]
    if not may_text(case, "truth.nobody_yet"):
        case = case.marked(scene.now, Mark.TRUTH_OWED)
    case, words = truth_line(case, again)
    case = case.marked(scene.now, Mark.TRUTH)
    return Step(case, (Say(words, unasked=True), Record("truth_told")))


def _backstop_due(case: Case, program: Program) -> datetime | None:
    """The ladder ran twice, or ten minutes: the contracted line is rung (rule 4). A holder who does
    not answer is nobody."""
    paged = case.marks.get(Mark.FIRST_PAGED)
    lapsed = case.marks.get(Mark.LAPSED)
    if case.held and case.in_danger and Mark.BACKSTOP_RUNG not in case.marks and lapsed:
        wrote = case.marks.get(Mark.NOTED)
        gone = wrote is None or wrote < lapsed or _unanswered(case)
        return lapsed + timedelta(seconds=program.clocks.backstop) if gone else None
    if paged is None or not case.unjoined or Mark.BACKSTOP_RUNG in case.marks:
        return None
    due = paged + timedelta(seconds=program.clocks.backstop)
    twice = 2 * sum(rung.repeats for rung in program.rungs("danger"))
    return case.marks[Mark.PAGED] if twice and case.rung >= twice and case.page_waits else due


def _unanswered(case: Case) -> bool:
    """A text of theirs waits, and the holder was prompted and did not answer."""
    waits, late = case.marks.get(Mark.AWAITS_HUMAN), case.marks.get(Mark.REPLY_LATE)
    return waits is not None and late is not None and late >= waits


def _backstop(case: Case, scene: Scene) -> Step:
    """Rung whatever hours say; an alarm; and the resident hears not to wait for us. A holder who is
    not there holds it no longer: the truth goes on."""
    if case.held:
        case = let_go(case, scene)
    case = replace(case, truth_line="truth.backstop").marked(
        scene.now, Mark.BACKSTOP_RUNG, Mark.TRUTH
    )
    if not may_text(case, "truth.backstop"):
        case = case.marked(scene.now, Mark.TRUTH_OWED)
    page = (
        (Page("danger", case.rung, case.round, backstop=True),) if scene.program.backstops else ()
    )
    return Step(
        case, (*page, Say("truth.backstop", unasked=True), HandOff("backstop"), Record("backstop"))
    )


# ---- a human who has it must be there (rule 21) --------------------------------------------------


def _by_level(case: Case, emergency: int, human: int) -> timedelta:
    return timedelta(seconds=emergency if case.level == Level.R1 else human)


def _join_due(case: Case, program: Program) -> datetime | None:
    """From acceptance to the provider taking a human's first words."""
    accepted = case.marks.get(Mark.ACKNOWLEDGED)
    if (
        not case.in_danger
        or case.ended
        or accepted is None
        or not case.accepted_by
        or Mark.FIRST_PAGED not in case.marks
    ):
        return None
    joined, lapsed = case.marks.get(Mark.JOINED), case.marks.get(Mark.LAPSED)
    # they are there; whether they answer is the clock `reply`
    if joined is not None and case.holder == case.accepted_by:
        return None
    if (joined is not None and joined >= accepted) or (lapsed is not None and lapsed >= accepted):
        return None
    return accepted + _by_level(case, program.clocks.join_emergency, program.clocks.join_human)


def _join(case: Case, scene: Scene) -> Step:
    """They accepted and did not come: the next person, and the truth goes on."""
    case, pages = asked_instead(
        case.marked(scene.now, Mark.LAPSED, Mark.PAGED), case.accepted_by, scene
    )
    alert = Alert("alert.join", case.accepted_by)
    return Step(case, (*pages, alert, HandOff("not_joined"), Record("not_joined")))


def _paused_until(case: Case, program: Program) -> datetime | None:
    return _after(Mark.PAUSED, program.clocks.pause, case)


def _reply_due(case: Case, program: Program) -> datetime | None:
    """A text of theirs waits for the holder's answer."""
    waits = case.marks.get(Mark.AWAITS_HUMAN)
    if waits is None or not case.held:
        return None
    since = max(waits, _paused_until(case, program) or waits)
    step = _by_level(case, program.clocks.reply_emergency, program.clocks.reply_human)
    # lowered, and still a human's to answer
    step = step if case.in_danger else timedelta(seconds=program.clocks.review)
    prompted = case.marks.get(Mark.REPLY_PROMPTED)
    if prompted is None or prompted < waits:
        return since + step
    late = case.marks.get(Mark.REPLY_LATE)
    if late is None or late < waits:
        return max(since + 2 * step, prompted)
    return None  # from here on the ladder climbs by itself, until somebody answers


def _reply(case: Case, scene: Scene) -> Step:
    """First the holder is prompted; at twice the time the next person and the supervisors are
    asked."""
    waits = case.marks[Mark.AWAITS_HUMAN]
    prompted = case.marks.get(Mark.REPLY_PROMPTED)
    alert = Alert("alert.prompt", case.holder)
    if prompted is None or prompted < waits:
        return Step(
            case.marked(scene.now, Mark.REPLY_PROMPTED),
            (alert, HandOff("waits_for_answer"), Record("holder_prompted")),
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
                Record("holder_silent"),
            ),
        )
    case = case.marked(scene.now, Mark.REPLY_LATE, Mark.LAPSED, Mark.PAGED)
    case, pages = asked_instead(case, case.holder, scene, supervisor=True)
    return Step(case, (*pages, alert, HandOff("no_answer"), Record("holder_silent")))


def _held_due(case: Case, program: Program) -> datetime | None:
    """Held, and nobody writes at all."""
    if not case.held or not case.in_danger or Mark.AWAITS_HUMAN in case.marks:
        return None
    last = _last(case, Mark.HEARD, Mark.NOTED, Mark.JOINED)
    if last is None:
        return None
    since, step = last, _by_level(case, program.clocks.held_emergency, program.clocks.held_human)
    paused = _paused_until(case, program)
    if paused is not None and case.marks.get(Mark.NOTED, last) <= case.marks[Mark.PAUSED]:
        # a time was said to the resident: a reply's time behind it they are prompted
        since = paused
        step = _by_level(case, program.clocks.reply_emergency, program.clocks.reply_human)
    prompted = case.marks.get(Mark.HELD_PROMPTED)
    if prompted is None or prompted < last:
        return since + step
    late = case.marks.get(Mark.HELD_LATE)
    return (
        prompted + timedelta(seconds=program.clocks.held_supervisor)
        if late is None or late < prompted
        else None
    )


def _held_silent(case: Case, scene: Scene) -> Step:
    """The holder is prompted; then the supervisors and the next person, who is not the holder."""
    last = _last(case, Mark.HEARD, Mark.NOTED, Mark.JOINED)
    prompted = case.marks.get(Mark.HELD_PROMPTED)
    alert = Alert("alert.silent", case.holder)
    if prompted is None or (last is not None and prompted < last):
        return Step(
            case.marked(scene.now, Mark.HELD_PROMPTED),
            (alert, HandOff("held_silent"), Record("holder_prompted")),
        )
    case, pages = asked_instead(
        case.marked(scene.now, Mark.HELD_LATE), case.holder, scene, supervisor=True
    )
    return Step(case, (*pages, alert, Record("held_silent")))


def _in_charge_hours(case: Case, program: Program) -> tuple[Hours, ...]:
    """The hours of whoever has the danger; none: round the clock, or not on a ladder."""
    rungs = [rung for rung in program.rungs("danger") if rung.name == case.in_charge]
    return (
        tuple(hours for rung in rungs for hours in rung.hours)
        if all(rung.hours for rung in rungs)
        else ()
    )


def _shift_due(case: Case, program: Program) -> datetime | None:
    """The shift of whoever has a danger ends: they are told; still theirs a reply's time later, the
    ladder runs (rule 20)."""
    since = case.marks.get(Mark.ACKNOWLEDGED)
    if not case.in_danger or case.ended or since is None or not case.in_charge:
        return None
    zone = ZoneInfo(program.time_zone)
    off = goes_off(_in_charge_hours(case, program), since.astimezone(zone))
    if off is None:
        return None
    told, left = case.marks.get(Mark.SHIFT_TOLD), case.marks.get(Mark.SHIFT_LEFT)
    if told is None or told < off:
        return off.astimezone(UTC)
    if left is not None and left >= told:
        return None
    return told + _by_level(case, program.clocks.reply_emergency, program.clocks.reply_human)


def _shift(case: Case, scene: Scene) -> Step:
    """Nobody ends a shift holding a danger: a named person takes it, or the ladder runs."""
    told, since = case.marks.get(Mark.SHIFT_TOLD), case.marks[Mark.ACKNOWLEDGED]
    if told is None or told < since:
        case = case.marked(scene.now, Mark.SHIFT_TOLD)
        return Step(
            case,
            (Alert("alert.shift", case.in_charge), HandOff("shift_ends"), Record("shift_ends")),
        )
    case = replace(case, rung=case.rung + 1).marked(
        scene.now, Mark.SHIFT_LEFT, Mark.LAPSED, Mark.PAGED
    )
    page = page_rung(case, "danger", case.rung, scene, supervisor=True)
    return Step(case, (*page, HandOff("shift_ended"), Record("shift_ended")))


# ---- the question behind the words ---------------------------------------------------------------


def _check_due(case: Case, program: Program) -> datetime | None:
    """A question behind the words was put, and not answered for `check_wait` seconds (rule 7)."""
    if case.ended or case.asked not in ("check", "reached") or case.in_danger:
        return None
    late = case.marks.get(Mark.CHECK_LATE)
    if late is not None and late >= case.marks[Mark.ASKED]:
        return None
    return _silence(program.clocks.check_wait, case)


def _check(case: Case, scene: Scene) -> Step:
    """Unanswered: a human looks. It stays open: it is the last they read, and a late "yes" is a
    yes."""
    step = recompute(
        said_again(
            case.marked(scene.now, Mark.CHECK_LATE), frozenset({Said.CHECK_UNANSWERED}), scene
        ),
        scene,
    )
    case = step.case if Mark.REVIEW in step.case.marks else step.case.marked(scene.now, Mark.REVIEW)
    told = (
        step.effects
        if any(isinstance(effect, HandOff) for effect in step.effects)
        else (*step.effects, HandOff("review"))
    )
    return Step(case, (*told, Record("check_unanswered")))


def _silent_911_due(case: Case, program: Program) -> datetime | None:
    """A bare "911", and then nothing: a human, and no text of ours (rules 5 and 11)."""
    told = case.marks.get(Mark.TOLD_911 if case.status == Status.SCREENING else Mark.BARE_911)
    if told is None or case.ended or case.in_danger or case.human_has_it:
        return None
    return (
        None
        if case.marks[Mark.HEARD] > told or Said.SILENT_911 in case.said
        else told + timedelta(seconds=program.clocks.silent_911)
    )


def _silent_911(case: Case, scene: Scene) -> Step:
    """A human, and no text of ours."""
    step = recompute(replace(case, said=case.said | {Said.SILENT_911}), scene)
    return Step(step.case, tuple(effect for effect in step.effects if not isinstance(effect, Say)))


# ---- handed off, and nobody has picked it up -----------------------------------------------------


def _unaccepted(case: Case) -> bool:
    return (
        case.status in (Status.HANDED_OFF, Status.DECLINED, Status.UNREACHABLE)
        and not case.in_danger
    )


def _accept_due(case: Case, program: Program) -> datetime | None:
    """Handed off to a team or a counselor, and nobody accepted in `accept` seconds; then each
    rung's own time."""
    if not _unaccepted(case) or case.response not in ("team", "counselor"):
        return None
    since = _last(case, Mark.HANDED_OFF, Mark.UNPICKED, Mark.ASKED_RESIDENT, Mark.ANSWERED_RESIDENT)
    asked = case.marks.get(Mark.UNPICKED)
    if since is None:
        return None
    return since + (
        timedelta(seconds=program.clocks.accept)
        if asked is None
        else wait(program, case.response, case.rung, asked, program.clocks.accept)
    )


def _accept(case: Case, scene: Scene) -> Step:
    """Nobody has picked it up: the next person is paged, and the resident hears the truth and the
    choices, once."""
    first = Mark.UNPICKED not in case.marks
    case = replace(case, round=case.round + first, rung=0 if first else case.rung + 1).marked(
        scene.now, Mark.UNPICKED
    )
    told = (Say("truth.unpicked", unasked=True),) if Mark.UNPICKED_TOLD not in case.marks else ()
    if told:
        case = case.marked(scene.now, Mark.WORD, Mark.UNPICKED_TOLD)
    effects = (*page_rung(case, case.response, case.rung, scene), *told, Record("unpicked"))
    if (
        first
        or Mark.LADDER_ENDED in case.marks
        or not climbed(scene.program, case.response, case.rung, scene)
    ):
        return Step(case, effects)
    step = _ladder_end(case, scene)
    return Step(step.case, (*effects, Record("ladder_ended"), *step.effects))


def _ladder_end(case: Case, scene: Scene) -> Step:
    """Everybody was asked and nobody came: the truth once more, and what they chose for that, put
    to them again before it is done (domain.md section 2, rule 12). Without an answer they go on
    waiting, and people go on being asked."""
    truth = (Say("truth.unpicked", unasked=True),) if Mark.LADDER_TRUTH not in case.marks else ()
    case = case.marked(scene.now, Mark.LADDER_TRUTH)
    # the phone may be in other hands
    private = sensitive(case) or never_re_ask(case) or bool(case.code_word)
    if case.response != "team" or private:
        return Step(case.marked(scene.now, Mark.LADDER_ENDED), truth)
    if case.asked or not may_text(case, "ask.if_none"):
        return Step(case, truth)  # put when the next person has been asked in vain
    case = case.marked(scene.now, Mark.LADDER_ENDED)
    waits = case.answers.get("if_none") in (None, "wait", *DOUBT)
    protocol = scene.program.protocol
    case = (
        choose_anew(protocol, case, scene.now)
        if waits
        else stands_at(protocol, case, "if_none_still", scene.now)
    )
    return Step(
        case.marked(scene.now, Mark.WORD), (*truth, ask(scene.program.protocol, case, unasked=True))
    )


def _wait_word_due(case: Case, program: Program) -> datetime | None:
    """They wait for a team, and have heard nothing for `wait_word` seconds."""
    if (
        not _unaccepted(case)
        or case.response not in ("team", "counselor")
        or not may_text(case, "status.still_waiting")
    ):
        return None
    since = _last(case, Mark.HANDED_OFF, Mark.WORD)
    return None if since is None else since + timedelta(seconds=program.clocks.wait_word)


def _wait_word(case: Case, scene: Scene) -> Step:
    """That they still wait, never in the words of the last time."""
    words = (
        "status.waiting_again" if case.line == "status.still_waiting" else "status.still_waiting"
    )
    return Step(replace(case, line=words).marked(scene.now, Mark.WORD), (Say(words, unasked=True),))


def _review_due(case: Case, program: Program) -> datetime | None:
    """A human's look was promised, and nobody has read it for `review` seconds; then each rung's
    own time."""
    if not case.review or case.ended or case.human_has_it or case.in_danger or case.held:
        return None
    if only_quiet(case) and Mark.REVIEW_PAGED in case.marks:
        return None  # a stray "hi": one person was asked by name, that is enough
    if (asked := case.marks.get(Mark.REVIEW_PAGED)) is not None and asked >= case.marks.get(
        Mark.REVIEW, asked
    ):
        return asked + wait(program, "review", case.review_rung, asked, program.clocks.review)
    return _after(Mark.REVIEW, program.clocks.review, case)


def only_quiet(case: Case) -> bool:
    """Nothing is known but that somebody stopped writing."""
    return set(case.because) - case.set_aside <= {"quiet"}


def _review(case: Case, scene: Scene) -> Step:
    """The promised look did not come in time: now somebody is asked by name."""
    first = Mark.REVIEW_PAGED not in case.marks
    case = replace(
        case, round=case.round + first, review_rung=0 if first else case.review_rung + 1
    ).marked(scene.now, Mark.REVIEW_PAGED)
    return Step(case, (*page_rung(case, "review", case.review_rung, scene), Record("review_late")))


# ---- accepted, but not moving --------------------------------------------------------------------


def _moving_late(case: Case) -> bool:
    return case.status in (Status.ACCEPTED, Status.ASSIGNED, Status.EN_ROUTE)


def promised(case: Case, program: Program) -> datetime | None:
    """When they said they would be there; without a time given, `move` after the last step."""
    if (at := case.marks.get(Mark.PROMISED)) is not None:
        return at
    since = _last(case, Mark.ACCEPTED, Mark.ACKNOWLEDGED, Mark.ASSIGNED, Mark.EN_ROUTE, Mark.NOTED)
    return None if since is None else since + timedelta(seconds=program.clocks.move)


def _late(mark: Mark, extra: Callable[[Clocks], int]) -> Due:
    def due(case: Case, program: Program) -> datetime | None:
        """The promised time has passed, and the team was not heard of; `late_tell` behind it."""
        at = promised(case, program)
        if not _moving_late(case) or at is None or (mark in case.marks and case.marks[mark] >= at):
            return None
        return at + timedelta(seconds=extra(program.clocks))

    return due


def _prompt(case: Case, scene: Scene) -> Step:
    """At the promised time the unit is reminded where it answered: on the phone, and by a hand-off
    revision."""
    told = (
        (Alert("alert.late", case.accepted_by),)
        if case.accepted_by and Mark.PROMISED in case.marks
        else ()
    )
    return Step(
        case.marked(scene.now, Mark.PROMPTED), (*told, HandOff("late"), Record("unit_prompted"))
    )


def _tell_late(case: Case, scene: Scene) -> Step:
    """Who waits for a team or a call hears that it takes longer. Whoever has a human here has heard
    no time."""
    words = (Say("status.late", unasked=True),) if case.response in ("team", "counselor") else ()
    return Step(case.marked(scene.now, Mark.LATE_TOLD), words)


def _late_supervisor_due(case: Case, program: Program) -> datetime | None:
    """The same, `late_supervisor` seconds later; then each rung's own time."""
    at = promised(case, program)
    if not _moving_late(case) or at is None:
        return None
    paged = case.marks.get(Mark.LATE_PAGED)
    if paged is not None and paged >= at:
        # the ladder again, until it moves or ends
        return paged + timedelta(seconds=program.clocks.accept)
    return at + timedelta(seconds=program.clocks.late_supervisor)


def _supervisor(case: Case, scene: Scene) -> Step:
    """Ten minutes late: the supervisor and the ladder again, and the resident's contingency is
    offered, once."""
    first = Mark.LATE_PAGED not in case.marks
    case = replace(case, round=case.round + first, rung=0 if first else case.rung + 1).marked(
        scene.now, Mark.LATE_PAGED
    )
    effects: Effects = (
        *page_rung(case, ladder_of(case), case.rung, scene, supervisor=True),
        Record("late_supervisor"),
    )
    if (
        first
        and not case.in_danger
        and case.answers.get("if_none") not in (None, "wait")
        and may_text(case, "ask.if_none_still")
    ):
        case = stands_at(scene.program.protocol, case, "if_none_still", scene.now)
        effects += (ask(scene.program.protocol, case, unasked=True),)
    return Step(case, effects)


def _on_scene_due(case: Case, program: Program) -> datetime | None:
    """A team arrived, and nobody has closed the case for long."""
    if case.status != Status.ARRIVED:
        return None
    since = _last(case, Mark.ARRIVED, Mark.SCENE_PAGED)
    return None if since is None else since + timedelta(seconds=program.clocks.on_scene)


def _on_scene(case: Case, scene: Scene) -> Step:
    """Arrived long ago and never closed: somebody looks after the team and the case."""
    first = Mark.SCENE_PAGED not in case.marks
    case = replace(case, round=case.round + first, rung=1 if first else case.rung + 1).marked(
        scene.now, Mark.SCENE_PAGED
    )
    return Step(
        case, (*page_rung(case, ladder_of(case), case.rung, scene), Record("long_on_scene"))
    )


# ---- texts do not reach them ---------------------------------------------------------------------


def _update_call_due(case: Case, program: Program) -> datetime | None:
    """News that could not be texted since the last call. What is not heard on a call rings no
    second one: the next news does."""
    missed, called = case.marks.get(Mark.UNTOLD), case.marks.get(Mark.UPDATE_CALLED)
    if missed is None or case.ended or not may_call_update(case, program):
        return None
    if called is None:
        return missed
    return max(missed, called + UPDATE_CALL_PAUSE) if missed > called else None


def _update_call(case: Case, scene: Scene) -> Step:
    """They are called with the news."""
    return Step(case.marked(scene.now, Mark.UPDATE_CALLED), (UpdateCall(), Record("rescue_call")))


# ---- "I want 911" --------------------------------------------------------------------------------


def _reached_due(case: Case, program: Program) -> datetime | None:
    """They read to call 911, and have not written since."""
    if (
        case.ended
        or case.in_danger
        or case.asked
        or case.status == Status.SCREENING
        or Mark.REACHED_ASKED in case.marks
        or Said.QUIET in case.said
    ):
        return None
    return _after(Mark.TOLD_911, program.clocks.reached_911, case)


def _reached(case: Case, scene: Scene) -> Step:
    """Nothing was heard since: a human looks. Whether they got through is only asked of a later
    text of theirs, or by a human (rule 11): a text of ours could arrive while they hide."""
    return _for_review(case, scene)


# ---- nothing more came ---------------------------------------------------------------------------


def _abandon_due(case: Case, program: Program) -> datetime | None:
    """A day of silence after a human was asked to look."""
    if (
        case.ended
        or case.status != Status.SCREENING
        or Mark.REVIEW_PAGED not in case.marks
        or not only_quiet(case)
    ):
        return None
    return _silence(program.clocks.abandon, case)


def _abandon(case: Case, scene: Scene) -> Step:
    """A day of silence after a human was asked to look, and nothing was ever known: the ledger
    closes it, unsaid."""
    ended = end(
        case,
        Status.CLOSED,
        Outcome.NO_REQUEST if began_nothing(case) else Outcome.ABANDONED,
        scene.now,
    )
    return Step(ended, (HandOff("abandoned"), Record("abandoned")))


CLOCKS = (
    Clock("danger_silence", _danger_silence_due, _danger_silence),
    Clock("quiet_reask", _quiet_reask_due, _quiet_reask),
    Clock("quiet_review", _quiet_review_due, _quiet_review),
    Clock("page_next", _page_next_due, _page_next),
    Clock("backstop", _backstop_due, _backstop),
    Clock("truth", _truth_due, _truth),
    Clock("join", _join_due, _join),
    Clock("reply", _reply_due, _reply),
    Clock("held_silent", _held_due, _held_silent),
    Clock("shift", _shift_due, _shift),
    Clock("check", _check_due, _check),
    Clock("silent_911", _silent_911_due, _silent_911),
    Clock("accept", _accept_due, _accept),
    Clock("wait_word", _wait_word_due, _wait_word),
    Clock("review", _review_due, _review),
    Clock("late_prompt", _late(Mark.PROMPTED, lambda clocks: 0), _prompt),
    Clock("late_tell", _late(Mark.LATE_TOLD, lambda clocks: clocks.late_tell), _tell_late),
    Clock("late_supervisor", _late_supervisor_due, _supervisor),
    Clock("on_scene", _on_scene_due, _on_scene),
    Clock("rescue", _update_call_due, _update_call),
    Clock("reached_911", _reached_due, _reached),
    Clock("abandon", _abandon_due, _abandon),
)
_OF_A_TEST = (Clock("abandon", over_due, over),)
