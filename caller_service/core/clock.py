"""Every clock of a case, as a table of pure functions (docs/safety-rules.md, rules 4, 5 and 21).

`next_due` says when somebody must look at a case again; `tick` fires the clocks that are due. A due
time is derived from what has happened, so an outage of an hour gives one decision, not a burst.
Firing a clock moves its due time past now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from . import hand_off
from .case import Case, Status, Step, replace
from .commands import said_again
from .due_times import after_mark, last_of
from .effect import Alert, Effects, HandOff, Page, Record, Say, UpdateCall
from .escalation import climbed, ladder_of, page_rung, wait
from .holder_clocks import (
    fire_held_silent,
    fire_join,
    fire_reply,
    fire_shift,
    held_due,
    join_due,
    paused_until,
    reply_due,
    shift_due,
)
from .holding import let_go
from .journal_events import Event
from .ledger import began_nothing, end
from .marks import Mark
from .outcome import Outcome
from .page_presence import fire_gone, gone_due
from .program import Clocks, Program
from .protocol import DOUBT
from .questions import ask, choose_anew, stands_at
from .routing import Scene
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
from .shift_end import fire_handover, handover_due
from .synthetic_case import over, over_due
from .turn_steps import recompute

SKEW = timedelta(seconds=5)  # the clocks of two machines may differ by this much

Due = Callable[[Case, Program], datetime | None]
Fire = Callable[[Case, Scene], Step]


@dataclass(frozen=True, slots=True)
class Clock:
    name: str
    due: Due
    fire: Fire


def next_due(case: Case, program: Program) -> datetime | None:
    """The earliest time at which a clock of this case fires; None if nothing is waited for. Nothing
    was late while a human spoke with the resident: what passed meanwhile is due when that ends."""
    dues = [due for clock in clocks_of(case) if (due := clock.due(case, program)) is not None]
    return max(min(dues), case.marks.get(Mark.TALKED, min(dues))) if dues else None


def tick(case: Case, scene: Scene) -> Step:
    """Fire every clock that is due, once, in the order of the table."""
    effects: Effects = ()
    for clock in clocks_of(case):
        due = clock.due(case, scene.program)
        if due is not None and due <= scene.now:
            step = clock.fire(case, scene)
            allowed, held = gated(step.case, step.effects)
            case = mark_unheard(step.case, held, scene.now)
            records = tuple(Record(Event.HELD_BACK, {"words": key}) for key in held)
            effects = (*effects, Record(Event.CLOCK, {"clock": clock.name}), *allowed, *records)
    return Step(*hand_off.revise(case, effects))


def clocks_of(case: Case) -> tuple[Clock, ...]:
    """The clocks of a case. A test case has only `abandon` (core/synthetic_case.py); while a human
    speaks with the resident on the phone nobody else is late."""
    return TEST_CLOCKS if case.test else TALK_CLOCKS if case.talking else CLOCKS


def set_back(case: Case, now: datetime) -> Step:
    """Repair a case after the machine's clock was set back: shift its marks so that the latest is
    now.

    Otherwise its clocks would wait until the old time comes round again. A second call changes
    nothing.
    """
    if case.latest is None or case.latest <= now + SKEW:
        return Step(case)
    shift = case.latest - now
    return Step(
        replace(case, marks={name: at - shift for name, at in case.marks.items()}),
        (Record(Event.CLOCK_SET_BACK),),
    )


# ---- silence -------------------------------------------------------------------------------------


def never_re_ask(case: Case) -> bool:
    """Is there violence, or somebody watching? Then the wrong person could read a text of ours."""
    return standing(case) in (Standing.WATCHED, Standing.VIOLENCE)


LATE_AGAIN = timedelta(minutes=30)  # how often whoever waits for a late team hears of it
LATE_WROTE = timedelta(hours=1)  # while they wrote within that time
LATER = ("if_none", "voicemail")  # follow-ups: asked once the hand-off has left


def _silent(case: Case) -> bool:
    # also on the phone: there silence reaches a person long before, unless the line is dead and
    # nobody said so
    ended = case.marks.get(Mark.LADDER_ENDED)
    if (
        case.asked in LATER
        and case.status != Status.SCREENING
        and (ended is None or case.marks[Mark.ASKED] < ended)
    ):
        return False  # the hand-off is on its way: a follow-up may stay unanswered
    # a form that was not sent has no open question: it is as silent as one that has
    unsent = case.on_web and case.status == Status.SCREENING
    return (
        (bool(case.asked) or unsent)
        and not case.ended
        and not case.in_danger
        and not case.held
        and not case.parked
    )


def _silence(seconds: int, case: Case) -> datetime | None:
    """`seconds` after their last text, or after our question if that came later."""
    since = last_of(case, Mark.HEARD, Mark.ASKED)
    return None if since is None else since + timedelta(seconds=seconds)


def _danger_silence_due(case: Case, program: Program) -> datetime | None:
    """Silence for `danger_silence` seconds after a sign of danger (rule 5)."""
    if not _silent(case) or not case.danger_sign:
        return None
    return _silence(program.clocks.danger_silence, case)


def _danger_silence(case: Case, scene: Scene) -> Step:
    """Page a human at once; send no text."""
    step = recompute(replace(case, said=case.said | {Said.SILENT_DANGER}), scene)
    return Step(step.case, tuple(effect for effect in step.effects if not isinstance(effect, Say)))


def _quiet_reask_due(case: Case, program: Program) -> datetime | None:
    """Silence for `quiet_reask` seconds where no danger is known and texts are safe (rule 5)."""
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
    """Ask "Still here?", once."""
    return Step(case.marked(scene.now, Mark.ASKED_AGAIN), (Say("still_here", unasked=True),))


def _quiet_review_due(case: Case, program: Program) -> datetime | None:
    """Silence for `quiet_review` seconds after an open question."""
    if not _silent(case) or Said.QUIET in case.said:
        return None
    return _silence(program.clocks.quiet_review, case)


def _quiet_review(case: Case, scene: Scene) -> Step:
    """Ask for a review; page nobody and send nothing."""
    return _for_review(case, scene)


def _for_review(case: Case, scene: Scene) -> Step:
    """Ask for a review after silence; page nobody and send the resident nothing."""
    step = recompute(replace(case, said=case.said | {Said.QUIET}), scene)
    return Step(step.case.marked(scene.now, Mark.REVIEW), (*step.effects, HandOff("quiet")))


# ---- people are paged and nobody answers ---------------------------------------------------------


def _page_next_due(case: Case, program: Program) -> datetime | None:
    """Somebody was paged for a danger and has not accepted in the time they had."""
    paged = case.marks.get(Mark.PAGED)
    if paged is None or not case.page_waits:
        return None
    return paged + wait(program, "danger", case.rung, paged, program.clocks.page_next)


def _page_next(case: Case, scene: Scene) -> Step:
    """Page the next rung of the ladder; after the last, the first again (rule 4)."""
    case = replace(case, rung=case.rung + 1).marked(scene.now, Mark.PAGED)
    return Step(case, page_rung(case, "danger", case.rung, scene))


# seconds after the first page at which "nobody has joined yet" is repeated; then every half hour
TRUTH_AT = (600, 1200, 1800)
TRUTH_EVERY = timedelta(minutes=30)
STILL_WRITING = timedelta(hours=1)  # a resident who wrote this recently is told again


def _truth_due(case: Case, program: Program) -> datetime | None:
    """When to say "nobody has joined yet": after `truth` seconds, at 10, 20 and 30 minutes, then
    every half hour while the resident wrote within the hour. Only a human's own words stop it: an
    acceptance does not (rule 4). A
    pause that the holder announced delays it."""
    due = _truth_time(case, program)
    paused = paused_until(case, program) if case.held else None
    return max(due, paused) if due is not None and paused is not None else due


def _truth_time(case: Case, program: Program) -> datetime | None:
    """When it is due by the times of rule 4 alone."""
    paged = case.marks.get(Mark.FIRST_PAGED)
    in_other_hands = case.parked and not case.on_web
    if paged is None or not case.unjoined or in_other_hands:
        return None
    said_at = case.marks.get(Mark.TRUTH)
    first = paged + timedelta(seconds=program.clocks.truth)
    if said_at is None or said_at < paged:
        return first
    following = next(
        (
            at
            for seconds in TRUTH_AT
            if (at := paged + timedelta(seconds=seconds)) > max(said_at, first)
        ),
        None,
    )
    if following is not None:
        return following
    due = said_at + TRUTH_EVERY
    return due if due - case.marks[Mark.HEARD] <= STILL_WRITING else None


def _truth(case: Case, scene: Scene) -> Step:
    """Say that nobody has joined yet. Where that may not be texted unasked, the next reply says it
    (screening.advance)."""
    again = Mark.TRUTH in case.marks and case.marks[Mark.TRUTH] >= case.marks[Mark.FIRST_PAGED]
    if not may_text(case, "truth.nobody_yet"):
        case = case.marked(scene.now, Mark.TRUTH_OWED)
    case, words = truth_line(case, again)
    return Step(case.marked(scene.now, Mark.TRUTH), (words, Record(Event.TRUTH_TOLD)))


def _backstop_due(case: Case, program: Program) -> datetime | None:
    """When to call the contracted line: after the ladder ran twice, or after ten minutes (rule 4).
    A holder who stopped answering counts as nobody."""
    paged = case.marks.get(Mark.FIRST_PAGED)
    lapsed = case.marks.get(Mark.LAPSED)
    if case.held and case.in_danger and Mark.BACKSTOP_RUNG not in case.marks and lapsed:
        wrote = case.marks.get(Mark.NOTED)
        unattended = wrote is None or wrote < lapsed or _unanswered(case)
        return lapsed + timedelta(seconds=program.clocks.backstop) if unattended else None
    if paged is None or not case.unjoined or Mark.BACKSTOP_RUNG in case.marks:
        return None
    due = paged + timedelta(seconds=program.clocks.backstop)
    twice = 2 * sum(rung.repeats for rung in program.rungs("danger"))
    return case.marks[Mark.PAGED] if twice and case.rung >= twice and case.page_waits else due


def _unanswered(case: Case) -> bool:
    """A text waits for the holder, who was prompted and did not answer."""
    waiting_since, late_at = case.marks.get(Mark.AWAITS_HUMAN), case.marks.get(Mark.REPLY_LATE)
    return waiting_since is not None and late_at is not None and late_at >= waiting_since


def _backstop(case: Case, scene: Scene) -> Step:
    """Call the contracted line at any hour, raise an alarm, and tell the resident not to wait for
    us. A holder who does not answer loses the conversation."""
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
        case,
        (*page, Say("truth.backstop", unasked=True), HandOff("backstop"), Record(Event.BACKSTOP)),
    )


# ---- the check question after a message ----------------------------------------------------------


def _check_due(case: Case, program: Program) -> datetime | None:
    """A check question was put and not answered for `check_wait` seconds (rule 7)."""
    if case.ended or case.asked not in ("check", "reached") or case.in_danger:
        return None
    late_at = case.marks.get(Mark.CHECK_LATE)
    if late_at is not None and late_at >= case.marks[Mark.ASKED]:
        return None
    return _silence(program.clocks.check_wait, case)


def _check(case: Case, scene: Scene) -> Step:
    """Ask for a review. The question stays open: it is the last text they read, and a late "yes"
    counts."""
    step = recompute(
        said_again(
            case.marked(scene.now, Mark.CHECK_LATE), frozenset({Said.CHECK_UNANSWERED}), scene
        ),
        scene,
    )
    case = step.case if Mark.REVIEW in step.case.marks else step.case.marked(scene.now, Mark.REVIEW)
    effects = (
        step.effects
        if any(isinstance(effect, HandOff) for effect in step.effects)
        else (*step.effects, HandOff("review"))
    )
    return Step(case, (*effects, Record(Event.CHECK_UNANSWERED)))


def _silent_911_due(case: Case, program: Program) -> datetime | None:
    """A bare "911" and then silence: a human, and no text of ours (rules 5 and 11)."""
    sent_to_911_at = case.marks.get(
        Mark.TOLD_911 if case.status == Status.SCREENING else Mark.BARE_911
    )
    if sent_to_911_at is None or case.ended or case.in_danger or case.human_has_it:
        return None
    return (
        None
        if case.marks[Mark.HEARD] > sent_to_911_at or Said.SILENT_911 in case.said
        else sent_to_911_at + timedelta(seconds=program.clocks.silent_911)
    )


def _silent_911(case: Case, scene: Scene) -> Step:
    """Page a human; send no text."""
    step = recompute(replace(case, said=case.said | {Said.SILENT_911}), scene)
    return Step(step.case, tuple(effect for effect in step.effects if not isinstance(effect, Say)))


# ---- handed off, and nobody has picked it up -----------------------------------------------------


def _unaccepted(case: Case) -> bool:
    return (
        case.status in (Status.HANDED_OFF, Status.DECLINED, Status.UNREACHABLE)
        and not case.in_danger
    )


def _accept_due(case: Case, program: Program) -> datetime | None:
    """Handed off to a team or counselor, and nobody accepted within `accept` seconds; then each
    rung's own time."""
    if not _unaccepted(case) or case.response not in ("team", "counselor"):
        return None
    since = last_of(
        case, Mark.HANDED_OFF, Mark.UNPICKED, Mark.ASKED_RESIDENT, Mark.ANSWERED_RESIDENT
    )
    asked = case.marks.get(Mark.UNPICKED)
    if since is None:
        return None
    return since + (
        timedelta(seconds=program.clocks.accept)
        if asked is None
        else wait(program, case.response, case.rung, asked, program.clocks.accept)
    )


def _accept(case: Case, scene: Scene) -> Step:
    """Page the next person, and tell the resident once that nobody has accepted and what they can
    choose."""
    first = Mark.UNPICKED not in case.marks
    case = replace(case, round=case.round + first, rung=0 if first else case.rung + 1).marked(
        scene.now, Mark.UNPICKED
    )
    words = (Say("truth.unpicked", unasked=True),) if Mark.UNPICKED_TOLD not in case.marks else ()
    if words:
        case = case.marked(scene.now, Mark.WORD, Mark.UNPICKED_TOLD)
    effects = (*page_rung(case, case.response, case.rung, scene), *words, Record(Event.UNPICKED))
    if (
        first
        or Mark.LADDER_ENDED in case.marks
        or not climbed(scene.program, case.response, case.rung, scene)
    ):
        return Step(case, effects)
    step = _ladder_end(case, scene, bool(words))
    return Step(step.case, (*effects, Record(Event.LADDER_ENDED), *step.effects))


def _ladder_end(case: Case, scene: Scene, said: bool) -> Step:
    """Everybody was paged and nobody accepted: say so, in other words than before, unless that
    nobody accepted was `said` just now; and put the choice for that case again before it is carried
    out (docs/safety-rules.md, rule 12). Without an answer they wait, and paging continues."""
    once_more = not said and Mark.LADDER_TRUTH not in case.marks
    truth = (Say("truth.unpicked.all", unasked=True),) if once_more else ()
    case = case.marked(scene.now, Mark.LADDER_TRUTH)
    # somebody else may hold the phone
    private = sensitive(case) or never_re_ask(case) or bool(case.code_word)
    if case.response != "team" or private:
        return Step(case.marked(scene.now, Mark.LADDER_ENDED), truth)
    if case.asked or not may_text(case, "ask.if_none"):
        return Step(case, truth)  # put when the next person has been paged and did not accept
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
    """They wait for a team and have had no text for `wait_word` seconds."""
    if (
        not _unaccepted(case)
        or case.response not in ("team", "counselor")
        or not may_text(case, "status.still_waiting")
    ):
        return None
    since = last_of(case, Mark.HANDED_OFF, Mark.WORD)
    return None if since is None else since + timedelta(seconds=program.clocks.wait_word)


def _wait_word(case: Case, scene: Scene) -> Step:
    """Tell them that they still wait, never in the words of the last time."""
    words = (
        "status.waiting_again" if case.line == "status.still_waiting" else "status.still_waiting"
    )
    return Step(replace(case, line=words).marked(scene.now, Mark.WORD), (Say(words, unasked=True),))


def _review_due(case: Case, program: Program) -> datetime | None:
    """A review was promised, and nobody has done it for `review` seconds; then each rung's own
    time. So with a team that moves before a human has looked (rule 14), whoever has it."""
    if case.moved_unlooked and not case.page_waits:
        last = last_of(case, Mark.UNLOOKED, Mark.REVIEW_PAGED) or case.marks[Mark.UNLOOKED]
        return last + wait(program, "review", case.review_rung, last, program.clocks.review)
    if not case.review or case.ended or case.in_danger or case.held:
        return None
    if case.human_has_it and Said.NO_TEAM not in case.said:
        return None
    if only_quiet(case) and Mark.REVIEW_PAGED in case.marks:
        return None  # a stray "hi": one person was paged, that is enough
    if (asked := case.marks.get(Mark.REVIEW_PAGED)) is not None and asked >= case.marks.get(
        Mark.REVIEW, asked
    ):
        return asked + wait(program, "review", case.review_rung, asked, program.clocks.review)
    return after_mark(Mark.REVIEW, program.clocks.review, case)


def only_quiet(case: Case) -> bool:
    """Is the only reason that the resident stopped writing?"""
    return set(case.because) - case.set_aside <= {"quiet"}


def _review(case: Case, scene: Scene) -> Step:
    """Page somebody by name for the review that is late."""
    first = Mark.REVIEW_PAGED not in case.marks
    case = replace(
        case, round=case.round + first, review_rung=0 if first else case.review_rung + 1
    ).marked(scene.now, Mark.REVIEW_PAGED)
    return Step(
        case, (*page_rung(case, "review", case.review_rung, scene), Record(Event.REVIEW_LATE))
    )


# ---- accepted, but not moving --------------------------------------------------------------------


def _moving_late(case: Case) -> bool:
    return case.status in (Status.ACCEPTED, Status.ASSIGNED, Status.EN_ROUTE) and not _spoke(case)


def _spoke(case: Case) -> bool:
    """Did they wait for a human's words, and has one written to them in danger, or spoken with them
    on the phone since it was accepted, or since the promised time? Then nobody is late. A team
    still has to come."""
    talked = case.marks.get(Mark.TALKED)
    if case.response == "team":
        return False
    if case.in_danger and case.held and Mark.JOINED in case.marks:
        return True  # the clocks `reply` and `held_silent` watch over the rest (rule 21)
    if talked is None:
        return False
    since = case.marks.get(Mark.PROMISED) or last_of(case, Mark.ACCEPTED, Mark.ACKNOWLEDGED)
    return since is None or talked >= since


def promised(case: Case, program: Program) -> datetime | None:
    """The time they promised to be there; without one, `move` seconds after their last step."""
    if (at := case.marks.get(Mark.PROMISED)) is not None:
        return at
    since = last_of(
        case, Mark.ACCEPTED, Mark.ACKNOWLEDGED, Mark.ASSIGNED, Mark.EN_ROUTE, Mark.NOTED
    )
    return None if since is None else since + timedelta(seconds=program.clocks.move)


def _late_due(mark: Mark, extra: Callable[[Clocks], int]) -> Due:

    def due(case: Case, program: Program) -> datetime | None:
        """The promised time has passed and the team has not moved; `late_tell` fires that long
        after it."""
        at = promised(case, program)
        if not _moving_late(case) or at is None or (mark in case.marks and case.marks[mark] >= at):
            return None
        return at + timedelta(seconds=extra(program.clocks))

    return due


def _prompt(case: Case, scene: Scene) -> Step:
    """Remind the unit at the promised time, on the phone it accepted with and by a hand-off
    revision."""
    alerts = (
        (Alert("alert.late", case.accepted_by),)
        if case.accepted_by and Mark.PROMISED in case.marks
        else ()
    )
    return Step(
        case.marked(scene.now, Mark.PROMPTED),
        (*alerts, HandOff("late"), Record(Event.UNIT_PROMPTED)),
    )


def _tell_late(case: Case, scene: Scene) -> Step:
    """Tell whoever waits for a team or a call that it takes longer. In danger no time was
    promised."""
    words = (Say("status.late", unasked=True),) if case.response in ("team", "counselor") else ()
    return Step(case.marked(scene.now, Mark.LATE_TOLD), words)


def _late_supervisor_due(case: Case, program: Program) -> datetime | None:
    """`late_supervisor` seconds after the promised time; then each rung's own time."""
    at = promised(case, program)
    if not _moving_late(case) or at is None:
        return None
    paged = case.marks.get(Mark.LATE_PAGED)
    if paged is not None and paged >= at:
        # the ladder pages again, until the team moves or the case ends
        return paged + timedelta(seconds=program.clocks.accept)
    return at + timedelta(seconds=program.clocks.late_supervisor)


def _supervisor(case: Case, scene: Scene) -> Step:
    """Page the supervisor and the ladder because the team is late, and offer the resident's
    contingency once."""
    first = Mark.LATE_PAGED not in case.marks
    case = replace(case, round=case.round + first, rung=0 if first else case.rung + 1).marked(
        scene.now, Mark.LATE_PAGED
    )
    effects: Effects = (
        *page_rung(case, ladder_of(case), case.rung, scene, supervisor=True),
        Record(Event.LATE_SUPERVISOR),
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
    case, words = _still_late(case, scene, first)
    return Step(case, (*words, *effects))


def _still_late(case: Case, scene: Scene, first: bool) -> tuple[Case, Effects]:
    """Whoever waits for a team hears that somebody else was asked, and then every half hour, while
    they wrote within the hour, that nobody has come: never the same sentence twice in a row."""
    told = case.marks.get(Mark.LATE_TOLD)
    again = (
        told is not None
        and scene.now - told >= LATE_AGAIN
        and scene.now - case.marks[Mark.HEARD] < LATE_WROTE
    )
    if case.in_danger or case.response != "team" or not (first or again):
        return case, ()
    at = promised(case, scene.program) or scene.now
    key = ("status.late.asked", "status.late.again")[(scene.now - at) // LATE_AGAIN % 2]
    return case.marked(scene.now, Mark.LATE_TOLD), (Say(key, unasked=True),)


def _on_scene_due(case: Case, program: Program) -> datetime | None:
    """A team arrived `on_scene` seconds ago and nobody has closed the case."""
    if case.status != Status.ARRIVED:
        return None
    since = last_of(case, Mark.ARRIVED, Mark.SCENE_PAGED)
    return None if since is None else since + timedelta(seconds=program.clocks.on_scene)


def _on_scene(case: Case, scene: Scene) -> Step:
    """Page somebody to check on the team and the case."""
    first = Mark.SCENE_PAGED not in case.marks
    case = replace(case, round=case.round + first, rung=1 if first else case.rung + 1).marked(
        scene.now, Mark.SCENE_PAGED
    )
    return Step(
        case, (*page_rung(case, ladder_of(case), case.rung, scene), Record(Event.LONG_ON_SCENE))
    )


# ---- texts do not reach them ---------------------------------------------------------------------


def _update_call_due(case: Case, program: Program) -> datetime | None:
    """A text with news was lost since the last call. A call that nobody heard is not repeated; the
    next lost news causes another."""
    missed_at, called_at = case.marks.get(Mark.UNTOLD), case.marks.get(Mark.UPDATE_CALLED)
    if missed_at is None or case.ended or not may_call_update(case, program):
        return None
    if called_at is None:
        return missed_at
    return max(missed_at, called_at + UPDATE_CALL_PAUSE) if missed_at > called_at else None


def _update_call(case: Case, scene: Scene) -> Step:
    """Call the resident with the news."""
    return Step(
        case.marked(scene.now, Mark.UPDATE_CALLED), (UpdateCall(), Record(Event.RESCUE_CALL))
    )


# ---- "I want 911" --------------------------------------------------------------------------------


def _reached_due(case: Case, program: Program) -> datetime | None:
    """They were told to call 911 and have not written for `reached_911` seconds."""
    if (
        case.ended
        or case.in_danger
        or case.asked
        or case.status == Status.SCREENING
        or Mark.REACHED_ASKED in case.marks
        or Said.QUIET in case.said
    ):
        return None
    return after_mark(Mark.TOLD_911, program.clocks.reached_911, case)


def _reached(case: Case, scene: Scene) -> Step:
    """Ask for a review. We do not text "did you get through?" unasked: it could arrive while they
    hide. Only a reply to their next text, or a human, asks that (rule 11)."""
    return _for_review(case, scene)


# ---- nothing more came ---------------------------------------------------------------------------


def _abandon_due(case: Case, program: Program) -> datetime | None:
    """`abandon` seconds of silence after a human was paged to look."""
    if (
        case.ended
        or case.status != Status.SCREENING
        or Mark.REVIEW_PAGED not in case.marks
        or not only_quiet(case)
    ):
        return None
    return _silence(program.clocks.abandon, case)


def _abandon(case: Case, scene: Scene) -> Step:
    """Close the case without a text: nothing was ever known but the silence."""
    ended = end(
        case,
        Status.CLOSED,
        Outcome.NO_REQUEST if began_nothing(case) else Outcome.ABANDONED,
        scene.now,
    )
    return Step(ended, (HandOff("abandoned"), Record(Event.ABANDONED)))


CLOCKS = (
    Clock("danger_silence", _danger_silence_due, _danger_silence),
    Clock("quiet_reask", _quiet_reask_due, _quiet_reask),
    Clock("quiet_review", _quiet_review_due, _quiet_review),
    Clock("page_next", _page_next_due, _page_next),
    Clock("backstop", _backstop_due, _backstop),
    Clock("truth", _truth_due, _truth),
    Clock("join", join_due, fire_join),
    Clock("reply", reply_due, fire_reply),
    Clock("held_silent", held_due, fire_held_silent),
    Clock("gone", gone_due, fire_gone),
    Clock("shift", shift_due, fire_shift),
    Clock("handover", handover_due, fire_handover),
    Clock("check", _check_due, _check),
    Clock("silent_911", _silent_911_due, _silent_911),
    Clock("accept", _accept_due, _accept),
    Clock("wait_word", _wait_word_due, _wait_word),
    Clock("review", _review_due, _review),
    Clock("late_prompt", _late_due(Mark.PROMPTED, lambda clocks: 0), _prompt),
    Clock("late_tell", _late_due(Mark.LATE_TOLD, lambda clocks: clocks.late_tell), _tell_late),
    Clock("late_supervisor", _late_supervisor_due, _supervisor),
    Clock("on_scene", _on_scene_due, _on_scene),
    Clock("rescue", _update_call_due, _update_call),
    Clock("reached_911", _reached_due, _reached),
    Clock("abandon", _abandon_due, _abandon),
)
# what pages people, or writes to whoever is on the line, begins when the two have parted
TALK_CLOCKS = tuple(each for each in CLOCKS if each.name == "abandon")
TEST_CLOCKS = (Clock("abandon", over_due, over),)
