"""What dispatch says about a case: accept (with or without a time), decline with a reason, a
status, a question; and what lost texts, calls and pages change.

The first acceptance settles a case; a second person is told who has it. What a human does in a
conversation with the resident is in core/holding.py.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace as with_changes
from datetime import UTC, datetime, timedelta

from . import hand_off
from .case import DANGER_OUTCOMES, ENDED, OUTCOMES, CannotMove, Case, Status, Step, move, replace
from .clock import CLOCKS
from .disposition import decide
from .effect import Alert, Effect, HandOff, Page, Record, Say, StandDown, UpdateCall
from .escalation import (
    asked_instead,
    asked_next,
    asked_other,
    ladder_of,
    one_too_many,
    page_rung,
    passed_on,
)
from .holding import speaks, wait_anew
from .journal_events import Event
from .ledger import REASONS, end
from .marks import Mark
from .outcome import NOT_RECORDED, Outcome, Police
from .promised_time import HOURS_FROM, minutes_range, time_words
from .protocol import Level
from .questions import CHOICES
from .reach import CannotText
from .refusal import Refused
from .routing import Scene
from .safe_contact import (
    HUMAN_WORDS,
    TRUTHS,
    UPDATE_CALL_PAUSE,
    catch_up_words,
    deferred_words,
    gated,
    mark_unheard,
    may_call_update,
    may_note,
    may_text,
    missed,
    status_key,
    update_call_keys,
)
from .shift_end import decline_asked, handed_to, take_asked


def accept(
    case: Case,
    by: str,
    at: datetime | None,
    scene: Scene,
    looked: bool = False,
    full: Collection[str] = (),
) -> Step:
    """`by` accepts the case, perhaps with a time. The same acceptance again changes nothing. In
    danger an acceptance is not joining: the resident has a human only with that human's own first
    words (rule 20).

    `looked`: `by` confirms that they reviewed a minor's case (rule 14). `full`: as for
    holding.note. Raises Refused: ended, taken, full.
    """
    if case.ended:
        raise Refused("ended")
    if looked and case.needs_look:
        case = replace(case, minor_reviewed=by).marked(scene.now, Mark.MINOR_REVIEWED)
    if case.handover_asked == by:
        return _accept_handed(case, by, at, scene, full)
    return _accept(case, by, at, scene, looked, full=full)


def _accept_handed(
    case: Case, by: str, at: datetime | None, scene: Scene, full: Collection[str]
) -> Step:
    """`by` was asked by whoever has the case to take it over. A new time is told to the resident
    where no human speaks with them."""
    new_time = at is not None and not _same_time(at, case.marks.get(Mark.PROMISED))
    if case.held or case.in_danger or not new_time:
        step = take_asked(case, by, scene, full)
        return Step(step.case.marked(at, Mark.PROMISED) if at else step.case, step.effects)
    case, handed = handed_to(case, by)
    return _accept(case, by, at, scene, handed=handed)


def _accept(
    case: Case,
    by: str,
    at: datetime | None,
    scene: Scene,
    looked: bool = False,
    handed: tuple[Effect, ...] = (),
    full: Collection[str] = (),
) -> Step:
    taken = case.human_has_it and not case.page_waits
    if taken and case.accepted_by != by:
        raise Refused("taken", case.accepted_by)
    if one_too_many(case, by, full, scene):
        raise Refused("full")
    if taken and (at is None or _same_time(at, case.marks.get(Mark.PROMISED))):
        return Step(*hand_off.revise(case, ())) if looked else Step(case)
    joins, before = case.in_danger and not taken, case.marks.get(Mark.PROMISED)
    case = case if taken else _without_choice(case)
    # the holder did not answer: another may hold the conversation
    if joins and case.holder and case.holder != by:
        case = replace(case, holder="").unmarked(
            Mark.JOINED, Mark.AWAITS_HUMAN, Mark.HUMAN_ASKED, Mark.PAUSED
        )
    if at is None and not case.human_has_it:
        case = case.unmarked(Mark.PROMISED)
    case = replace(case, accepted_by=by, review=False, unserved="")
    case = case.marked(scene.now, Mark.ACKNOWLEDGED).unmarked(Mark.LAPSED)
    case = case.marked(at, Mark.PROMISED) if at else case
    if not case.human_has_it:
        case = move(case, Status.ACCEPTED, scene.now)
    if case.held and case.holder == by:
        return _say_status(
            case, (Record(Event.ACCEPTED, {"by": by, "time": ""}),), case.told, scene
        )
    case, words = (
        _joining_words(case, by, scene)
        if joins
        else (case, (_accepted_words(case, at, scene, before),))
    )
    record = Record(Event.ACCEPTED, {"by": by, "time": at.isoformat() if at else ""})
    return _say_status(
        case,
        (*words, record, StandDown(by)) if not taken else (*handed, *words, record),
        status_key(case),
        scene,
    )


def _joining_words(case: Case, by: str, scene: Scene) -> tuple[Case, tuple[Effect, ...]]:
    """That `by` is here. Whoever is on the line is not told of writing: the words are owed, if the
    call ends first. So are those that may not be texted: the next reply says them
    (screening.advance)."""
    if case.on_line or not may_text(case, "human.joined"):
        case = case.marked(scene.now, Mark.JOINED_OWED)
    words = (Say("human.joined", {"name": by}, unasked=True),)
    return case, () if case.on_line else words


def at_time(hour: int, minute: int, scene: Scene) -> datetime:
    """The next time at this hour and minute, local to the program; the last five minutes count as
    now. Raises Refused: too_far, if it is more than twelve hours away."""
    today = scene.local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    times = sorted(at for day in (-1, 0, 1) for at in _as_clocks_show(today + timedelta(days=day)))
    at = next(at for at in times if at >= scene.now - timedelta(minutes=5))
    if at - scene.now > timedelta(hours=12):
        raise Refused("too_far")
    return max(at, scene.now)


def _as_clocks_show(local: datetime) -> set[datetime]:
    """When clocks show this time. In the hour that a change of clocks repeats they do so twice; in
    the one that it leaves out never, and what is meant is as long after midnight as on any day."""
    first, again = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return {first, max(first, again)}


def ask_resident(case: Case, by: str, words: str, scene: Scene, full: Collection[str] = ()) -> Step:
    """`by` asks the resident something before deciding; nobody accepts the case by that. In danger
    its clocks continue; otherwise the next person is paged only once the answer has waited for the
    usual time to accept (core/clock.py). Raises Refused: ended, taken, may_not_text, full."""
    if case.ended:
        raise Refused("ended")
    if case.human_has_it and case.accepted_by != by:
        raise Refused("taken", case.accepted_by)
    if not may_note(case, scene.now):
        raise Refused("may_not_text")
    if one_too_many(case, by, full, scene):
        raise Refused("full")
    remark = (by, words)
    if case.awaits_answer and remark in case.remarks:
        return Step(case)  # sent twice by mistake
    case = replace(case, remarks=(*case.remarks, remark)).marked(scene.now, Mark.ASKED_RESIDENT)
    step = (
        speaks(case, by, words, scene)
        if case.in_danger
        else Step(case, (Say("note", {"name": by, "words": words}, unasked=True),))
    )
    return _say_status(
        step.case, (*step.effects, Record(Event.ASKED_RESIDENT, {"by": by})), case.told, scene
    )


def _without_choice(case: Case) -> Case:
    """Somebody is coming: stop asking what to do if nobody does, so that a late "yes" calls nobody
    back."""
    return replace(case, asked="", offered=()) if case.asked in CHOICES else case


def _same_time(at: datetime, known: datetime | None) -> bool:
    """Do both times mean the same? A repeated "in 20 minutes" gives a slightly later time."""
    return known is not None and abs(at - known) < timedelta(minutes=2)


def _accepted_words(case: Case, at: datetime | None, scene: Scene, before: datetime | None) -> Say:
    """`before`: the time that was promised until now. Once a team moves, only a later one is
    news."""
    key = status_key(case)
    if at is None:
        return Say(key, unasked=True)
    if case.status == Status.ACCEPTED:
        return _time_words(key, at, scene)
    later = before is not None and at > before and case.status != Status.ARRIVED
    return _time_words("status.late", at, scene) if later else Say(key, unasked=True)


def _time_words(key: str, at: datetime, scene: Scene) -> Say:
    low, high = minutes_range(at - scene.now)
    return time_words(key, low, high, hours=low >= HOURS_FROM)


def decline(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """`by` cannot come: keep the reason and page the next person at once. Who was asked to take it
    over from somebody leaves it with them. Raises Refused: ended, taken, cannot_move."""
    if case.ended:
        raise Refused("ended")
    if case.handover_asked == by:
        return decline_asked(case.remarked(by, reason), by, scene)
    if case.human_has_it and case.accepted_by != by:
        raise Refused("taken", case.accepted_by)
    was_accepted = case.human_has_it
    try:
        case = move(case, Status.DECLINED, scene.now)
    except CannotMove:
        raise Refused("cannot_move") from None
    case = wait_anew(case, scene)
    begun = case.round > 0
    case = replace(case, accepted_by="", holder="", round=max(1, case.round))
    case = case.unmarked(
        Mark.PROMISED,
        Mark.ACKNOWLEDGED,
        Mark.JOINED,
        Mark.AWAITS_HUMAN,
        Mark.HUMAN_ASKED,
        Mark.PAUSED,
        Mark.LAPSED,
    )
    case = (
        case.marked(scene.now, Mark.PAGED)
        if case.in_danger
        else case.marked(scene.now, Mark.UNPICKED)
    )
    case = _review_again(case, scene).remarked(by, reason)
    if case.in_danger and begun:
        case, pages = asked_next(case, by, scene)
    else:
        case, pages = asked_other(case, case.rung + begun, by, scene)
    # "nobody has taken it yet" would hide that what was promised is over (promise 3)
    given_back = status_key(case) if case.in_danger else "status.not_coming"
    words = (Say(given_back, unasked=True),) if was_accepted else ()
    case = case.marked(scene.now, Mark.WORD) if words else case
    return _say_status(
        case,
        (*words, Record(Event.DECLINED, {"by": by}), *pages),
        status_key(case) if words else case.told,
        scene,
    )


# the mark of a ladder's last page; "unpicked" for the others
_ASKED = {"danger": Mark.PAGED, "review": Mark.REVIEW_PAGED}


def pass_on(
    case: Case, by: str, scene: Scene, asked: bool = False, lately: Collection[str] = ()
) -> Step:
    """`by`, who is being paged, cannot take the case: page the next person at once. Nobody had it,
    so its status stays.

    `asked`: this rung's page went to them, in whoever's place. `lately`: who was asked within the
    last minute; where that was everybody, the ladder's clock asks the next. Nothing changes if the
    ladder no longer asks `by`, or if this is said again. Who was asked to take it over from
    somebody leaves it with them. Raises Refused: ended, taken.
    """
    if case.ended:
        raise Refused("ended")
    if case.handover_asked == by:
        return decline_asked(case, by, scene)
    if case.human_has_it and not case.page_waits:
        raise Refused("taken", case.accepted_by)
    ladder = ladder_of(case)
    two = ladder == "danger" and case.level == Level.R1
    supervisor = bool(
        [
            each
            for each in page_rung(case, ladder, case.rung, scene)
            if isinstance(each, Page) and each.supervisor
        ]
    )
    now = Page(ladder, case.rung, case.round, two=two, supervisor=supervisor)
    page = passed_on(now, by, scene, asked, _absent(case), lately) if case.round else None
    if page is None:
        known = lately and case.round and passed_on(now, by, scene, asked, _absent(case))
        return Step(case, (Record(Event.PASSED_ON, {"by": by}),) if known else ())
    case = replace(case, rung=page.rung).marked(scene.now, _ASKED.get(ladder, Mark.UNPICKED))
    return Step(case, (Record(Event.PASSED_ON, {"by": by}), page))


def _absent(case: Case) -> str:
    """Who has the case and did not come, so that others are asked instead (rule 21)."""
    return case.in_charge if case.page_waits else ""


def alert_lost(case: Case, name: str, scene: Scene) -> Step:
    """An alert about a danger did not reach `name`, who has the case: page the next person now,
    once until `name` writes (rule 4)."""
    if case.ended or not case.in_danger or case.in_charge != name or Mark.LAPSED in case.marks:
        return Step(case)
    case, pages = asked_instead(
        case.marked(scene.now, Mark.LAPSED, Mark.PAGED), name, scene, supervisor=True
    )
    effects = (*pages, HandOff("no_answer"), Record(Event.ALERT_LOST, {"name": name}))
    return Step(*hand_off.revise(case, effects))


def page_lost(
    case: Case, name: str, scene: Scene, asked: bool = False, lately: Collection[str] = ()
) -> Step:
    """A page did not reach `name` (refused, blocked or dead): page the next person now and record
    an alarm (rule 4). `asked`, `lately`: as for pass_on. Nothing changes if somebody has the case
    or the ladder has climbed already."""
    if case.ended or not case.round or (case.human_has_it and not case.page_waits):
        return Step(case)
    ladder = ladder_of(case)
    two = ladder == "danger" and case.level == Level.R1
    now = Page(ladder, case.rung, case.round, two=two)
    page = passed_on(now, name, scene, asked, _absent(case))
    lost = Record(Event.PAGE_LOST, {"name": name})
    if page is not None and lately:
        page = passed_on(now, name, scene, asked, _absent(case), lately)
        if page is None:  # everybody was asked just now: the ladder's clock goes on
            return Step(case, (lost,))
    if page is None and any(rung.supervisor and rung.name == name for rung in scene.program.ladder):
        case = replace(case, rung=case.rung + 1).marked(
            scene.now, _ASKED.get(ladder, Mark.UNPICKED)
        )
        # a supervisor paged beside the ladder: the ladder continues now
        return Step(case, (lost, Page(ladder, case.rung, case.round, (name,))))
    if page is None:
        return Step(case, (lost,))
    case = replace(case, rung=page.rung).marked(scene.now, _ASKED.get(ladder, Mark.UNPICKED))
    again = page_rung(case, ladder, page.rung, scene)
    supervisor = any(isinstance(each, Page) and each.supervisor for each in again)
    return Step(case, (lost, with_changes(page, supervisor=supervisor)))


def answered_since(case: Case, paged_at: datetime) -> bool:
    """Has the case ended, or has somebody accepted it, since a page at `asked`?"""
    accepted_at = case.marks.get(Mark.ACKNOWLEDGED)
    return case.ended or (case.human_has_it and accepted_at is not None and accepted_at >= paged_at)


def _review_again(case: Case, scene: Scene) -> Case:
    """Nobody has the case any more: reviews that were asked for are asked for again."""
    result = decide(scene.program.protocol, case)
    case = replace(case, review=result.review)
    return (
        case.marked(scene.now, Mark.REVIEW) if case.response not in ("team", "counselor") else case
    )


def update(
    case: Case,
    to: Status,
    by: str,
    outcome: str,
    scene: Scene,
    reason: str = "",
    report: str = "",
    police: Police = NOT_RECORDED,
) -> Step:
    """Change the status; the resident is told if it means something new for them.

    After a disclosure about a child or an old person, closing needs `report`: "made" or
    "not_required"; `reason` says who and when (rule 14). If a team moves to a minor and nobody has
    reviewed the case, the status is stored, because it is true, and the review ladder is paged at
    once.

    A danger closes only with an outcome that says how the person is (docs/safety-rules.md, rule 3).
    For the outcome `unserved`, `reason` may be one of the ledger's codes; otherwise the reason is
    derived. Whoever was passed on is with a named service: `reason` names it. `police`: recorded
    beside the outcome. Raises Refused: ended, outcome_needed, service_needed, report_needed,
    police_needed, cannot_move.
    """
    if case.ended and (to != case.status or _ends_otherwise(case, outcome, report, police)):
        raise Refused("ended")
    outcome = to.value if to == Status.CANCELLED else outcome
    case = _may_end(case, to, outcome, reason, report, police)
    if to == case.status:
        return Step(case)
    try:
        why = reason if reason in REASONS else ""
        case = end(case, to, outcome, scene.now, why) if to in ENDED else move(case, to, scene.now)
    except CannotMove:
        raise Refused("cannot_move") from None
    case = case.remarked(by, reason)
    if case.human_has_it:  # a status without an acceptance: what the case waited for is over
        case = replace(_without_choice(case), unserved="")
    if to == Status.UNREACHABLE:
        case = _review_again(
            replace(case, accepted_by="").unmarked(Mark.ACKNOWLEDGED, Mark.PROMISED), scene
        )
        case = (
            case.marked(scene.now, Mark.PAGED).marked(
                case.marks.get(Mark.FIRST_PAGED, scene.now), Mark.FIRST_PAGED
            )
            if case.in_danger
            else case
        )
    # a moving team does not stop the pages for a danger
    if case.human_has_it and not case.page_waits and Mark.ACKNOWLEDGED not in case.marks:
        case = replace(case, accepted_by=case.accepted_by or by).marked(
            scene.now, Mark.ACKNOWLEDGED
        )
    case, unlooked = _ask_for_look(case, to, by, scene)
    if to == Status.EN_ROUTE and case.marks.get(Mark.PROMISED, scene.now) < scene.now:
        case = case.unmarked(Mark.PROMISED)
    key = status_key(case)
    closing = "closing.danger" if to in ENDED and _after_danger(case, key) else key
    if to == Status.UNREACHABLE and not (case.in_danger or case.about_another):
        closing = "status.not_reached"
    # "nobody has taken it yet" would be untrue after a human wrote
    untrue = to == Status.UNREACHABLE and (case.held or case.left)
    words = () if key == case.told or untrue else (Say(closing, unasked=True),)
    return _say_status(
        case,
        (*words, *unlooked, Record(Event.STATUS_BY, {"by": by, "to": to.value, **_end_of(case)})),
        key, scene,
    )  # fmt: skip


def _after_danger(case: Case, key: str) -> bool:
    """Are these the last words of a danger, also of one that was lowered before? They are kind
    (rule 23). Who was not found, and who asked about somebody else, hear what that means."""
    return case.in_danger or (key == "status.closed" and Mark.LOWERED in case.marks)


def _ends_otherwise(case: Case, outcome: str, report: str, police: Police) -> bool:
    """Does somebody close a case that has ended, and say something else of its end? A repeat says
    the same, or nothing; what differs would be lost behind a "done"."""
    recorded = Police(case.police, case.police_asked_by, case.police_told)
    return (
        outcome not in ("", case.outcome)
        or report not in ("", case.report)
        or police not in (NOT_RECORDED, recorded)
    )


def _end_of(case: Case) -> dict[str, str]:
    """What was recorded at the end of a case, for the journal."""
    recorded = {
        "outcome": case.outcome, "report": case.report, "police": case.police,
        "police_asked_by": case.police_asked_by, "police_told": case.police_told,
    }  # fmt: skip
    return {name: code for name, code in recorded.items() if code} if case.ended else {}


# who goes on with them is said by name (rule 3)
BY_A_SERVICE = frozenset({Outcome.PASSED_TO_SERVICE, Outcome.REFERRED})


def _may_end(
    case: Case, to: Status, outcome: str, reason: str, report: str, police: Police
) -> Case:
    """Check that closing has an outcome, after danger one that says how the person is (rule 3), the
    name of the service where one goes on, after a disclosure a report (rule 14), and of police all
    or nothing."""
    if to not in ENDED or case.ended:
        return case
    if outcome not in (DANGER_OUTCOMES if case.in_danger else OUTCOMES):
        raise Refused("outcome_needed")
    if outcome in BY_A_SERVICE and not reason:
        raise Refused("service_needed")
    if case.disclosed and not (case.report or report):
        raise Refused("report_needed")
    if not police.whole:
        raise Refused("police_needed")
    return replace(
        case, report=report or case.report, police=police.present,
        police_asked_by=police.asked_by, police_told=police.told,
    )  # fmt: skip


_MOVING = frozenset({Status.ASSIGNED, Status.EN_ROUTE, Status.ARRIVED})


def _ask_for_look(case: Case, to: Status, by: str, scene: Scene) -> tuple[Case, tuple[Effect, ...]]:
    """Page the review ladder at once if a team moves to a minor, or to somebody who threatens the
    team, and no human has confirmed a review. The status is stored all the same (rules 14 and
    24)."""
    if to not in _MOVING or not case.needs_look or Mark.UNLOOKED in case.marks:
        return case, ()
    case = replace(case, round=case.round + 1, review_rung=0)
    case = case.marked(scene.now, Mark.UNLOOKED, Mark.REVIEW_PAGED)
    alert = Alert("alert.minor" if case.minor else "alert.threat", case.accepted_by or by)
    return case, (*page_rung(case, "review", 0, scene), alert, Record(Event.MOVED_UNLOOKED))


_LATE = next(clock for clock in CLOCKS if clock.name == "late_tell")


def delayed(
    case: Case, by: str, scene: Scene, reason: str = "", minutes: int | None = None
) -> Step:
    """The team reports a delay: tell the resident now, as if the promised time had passed
    (core/clock.py); with `minutes` the new time, as a range, which is a new promise.

    A second report for the same promise tells nobody anything; a new reason is kept. Raises
    Refused: ended, cannot_move.
    """
    if case.ended:
        raise Refused("ended")
    if case.status not in (Status.ACCEPTED, Status.ASSIGNED, Status.EN_ROUTE):
        raise Refused("cannot_move")
    at = None if minutes is None else scene.now + timedelta(minutes=minutes)
    if at is not None and not _same_time(at, case.marks.get(Mark.PROMISED)):
        step = _promised_anew(case, at, scene)
    else:
        step = Step(case) if case.late or at is not None else _LATE.fire(case, scene)
    after = step.case if (by, reason) in case.remarks else step.case.remarked(by, reason)
    if after == case:
        return Step(case)
    return _say_status(
        after,
        (*step.effects, Record(Event.STATUS_BY, {"by": by, "to": "delayed"})),
        case.told,
        scene,
    )


def _promised_anew(case: Case, at: datetime, scene: Scene) -> Step:
    """The resident was told that they hear of a change."""
    case = case.marked(at, Mark.PROMISED).marked(scene.now, Mark.ACKNOWLEDGED)
    told = case.response in ("team", "counselor")  # in danger no time was promised
    return Step(case, (_time_words("status.late", at, scene),) if told else ())


# NENA's secondary unit statuses as our statuses. Whatever a unit does on scene, it has arrived.
UNIT_MOVES = {
    "Assigned": Status.ASSIGNED,
    "Dispatched": Status.ASSIGNED,
    "EnRoute": Status.EN_ROUTE,
    "Arrived": Status.ARRIVED,
    "OnScene": Status.ARRIVED,
    "PatientContact": Status.ARRIVED,
    "Transporting": Status.ARRIVED,
    "Cleared": Status.CLOSED,
}
UNIT_STATUSES = (*UNIT_MOVES, "Delayed", "AssignmentCancelled")


def unit_status(
    case: Case,
    said: str,
    by: str,
    outcome: str,
    scene: Scene,
    reason: str = "",
    police: Police = NOT_RECORDED,
) -> Step:
    """Apply a status that a unit reports (docs/dispatch-api.md). Repeats change nothing; a step
    back is refused.

    "Cleared" says that the unit is free, not how the person is: without an outcome the case stays
    open and its clocks continue.
    """
    if said == "Delayed":
        return delayed(case, by, scene, reason)
    if said == "AssignmentCancelled":
        return _unit_cancelled(case, by, reason, scene)
    return update(case, UNIT_MOVES[said], by, outcome, scene, reason, police=police)


def _unit_cancelled(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """Nobody is on the way any more: tell the resident and page the next person."""
    if case.status == Status.DECLINED and (by, reason) in case.remarks:
        return Step(case)  # a repeat: the ladder is not climbed twice
    sent = case.status in (Status.ASSIGNED, Status.EN_ROUTE)
    return decline(replace(case, accepted_by=by) if sent else case, by, reason, scene)


def cannot_text(case: Case, why: str) -> Step:
    """A text was not delivered. This closes nothing; whoever has the case is told, to find another
    way."""
    if case.ended:
        return Step(case)
    # a lasting reason replaces a passing one
    if case.cannot_text and (
        case.cannot_text != CannotText.UNDELIVERED or why == CannotText.UNDELIVERED
    ):
        return Step(*hand_off.revise(case, ()))
    return Step(
        *hand_off.revise(replace(case, cannot_text=why), (Record(Event.CANNOT_TEXT, {"why": why}),))
    )


def text_lost(
    case: Case,
    why: str,
    text_id: str,
    written: datetime,
    scene: Scene,
    keys: Collection[str],
    arrived: bool,
    keys_since: frozenset[str],
) -> Step:
    """A text with these `keys`, written at `written`, did not reach the resident; if a human wrote
    it, they are told. Where calls are safe we call instead, at most every ten minutes; elsewhere
    the review ladder is paged. It closes nothing. `arrived`: a later text was delivered, so texts
    work and what was missed is texted again, except `told`, the keys of later texts that have not
    failed."""
    if case.ended:
        return Step(case)
    step = _record_lost(case, why, text_id, written, scene, keys, arrived, keys_since)
    human_wrote = bool(HUMAN_WORDS & set(keys)) and case.in_charge
    return (
        Step(step.case, (*step.effects, Alert("alert.note_lost", case.in_charge)))
        if human_wrote
        else step
    )


def _record_lost(
    case: Case,
    why: str,
    text_id: str,
    written: datetime,
    scene: Scene,
    keys: Collection[str],
    arrived: bool,
    keys_since: frozenset[str],
) -> Step:
    case = _void_answers(case, keys, scene)
    lost_at = max(written, case.marks.get(Mark.LOST, written))
    case = case.marked(lost_at, Mark.LOST).marked(scene.now, Mark.UNTOLD, *_owed_again(case, keys))
    if arrived and why in _MAY_COME_BACK:
        return _say_missed(case, keys_since, Record(Event.TEXT_LOST))
    step = cannot_text(case, why)
    if not may_call_update(case, scene.program):
        return _alarm(step, scene)
    called_at = case.marks.get(Mark.UPDATE_CALLED)
    if called_at is not None and scene.now - called_at < UPDATE_CALL_PAUSE:
        return step  # the clock calls after the pause (core/clock.py)
    return Step(
        step.case.marked(scene.now, Mark.UPDATE_CALLED),
        (*step.effects, UpdateCall(text_id), Record(Event.RESCUE_CALL)),
    )


def _void_answers(case: Case, keys: Collection[str], scene: Scene) -> Case:
    """The question never arrived, so a safety "no" or a consent was no answer to it (rule 8). It is
    asked again; after the screening a human reviews the case."""
    for question in scene.program.protocol.questions:
        answer = case.answers.get(question.id, "")
        asked = any(
            key == f"ask.{question.id}" or key.startswith(f"ask.{question.id}.") for key in keys
        )
        if (
            not asked
            or question.id in case.answered_for
            or not ((question.safety and answer == "no") or question.opens(answer))
        ):
            continue
        case = replace(
            case,
            answers={name: choice for name, choice in case.answers.items() if name != question.id},
        )
        if case.status == Status.SCREENING:
            case = replace(
                case, again=(*(name for name in case.again if name != question.id), question.id)
            )
        else:
            case = replace(case, review=True).marked(scene.now, Mark.REVIEW)
    return case


def _owed_again(case: Case, keys: Collection[str]) -> list[Mark]:
    """Marks for lost words that nothing else repeats: "nobody has joined yet", "somebody joined",
    and what a human wrote."""
    owed = {
        Mark.TRUTH_OWED: bool(TRUTHS & set(keys)) and case.unjoined,
        Mark.JOINED_OWED: "human.joined" in keys and case.human_has_it,
        Mark.NOTE_LOST: bool({"note", "note.neutral"} & set(keys)),
    }
    return [mark for mark, holds in owed.items() if holds]


def _say_missed(case: Case, keys_since: frozenset[str], record: Record) -> Step:
    """Texts work again: say what was missed, except the keys in `told`."""
    late = deferred_words(case, unasked=True)
    step = catch_up_words(late.case)
    words = (
        effect
        for effect in (*late.effects, *step.effects)
        if not (isinstance(effect, Say) and effect.key in keys_since)
    )
    return Step(*hand_off.revise(step.case, (*words, record)))


# STOPPED and BLOCKED end when they opt in again
_MAY_COME_BACK = (CannotText.UNDELIVERED, CannotText.LANDLINE)


def text_arrived(
    case: Case, written: datetime, keys_since: frozenset[str], found: bool = False
) -> Step:
    """A text written at `written` was delivered. If an earlier text was lost, texts work again, and
    what was missed is said, except `told`: the keys of later texts that have not failed. `found`:
    this is the text that was reported lost."""
    lost_at = case.marks.get(Mark.LOST, written)
    if (
        case.ended
        or case.cannot_text not in _MAY_COME_BACK
        or written < lost_at
        or (written == lost_at and not found)
    ):
        return Step(case)
    return _say_missed(
        replace(case, cannot_text="").unmarked(Mark.NOT_REACHED), keys_since, Record(Event.CAN_TEXT)
    )


def text_held(case: Case, keys: tuple[str, ...], scene: Scene) -> Step:
    """A waiting text may no longer be sent. If it had news for them, the case notes that they
    missed it."""
    held = tuple(key for key in keys if missed(case, key))
    if case.ended or not held:
        return Step(case)
    case = mark_unheard(case, held, scene.now).marked(scene.now, *_owed_again(case, held))
    return Step(
        *hand_off.revise(case, tuple(Record(Event.HELD_BACK, {"words": key}) for key in held))
    )


def told_by_call(case: Case, scene: Scene) -> Step:
    """They pressed 1, and the call told them the status: they have missed nothing now. Where a call
    may not say it, or a human's own words were lost, a human finds another way."""
    record = (Record(Event.RESCUE_HEARD),)
    if update_call_keys(case) == ("update_call.received",) or Mark.NOTE_LOST in case.marks:
        return _alarm(Step(case, record), scene)
    return Step(*hand_off.revise(case.unmarked(Mark.UNTOLD, Mark.NOT_REACHED), record))


def update_call_failed(case: Case, scene: Scene) -> Step:
    """The call reached nobody: a human finds another way, unless the resident has been told
    meanwhile."""
    return Step(case) if case.ended or not case.not_told else _alarm(Step(case), scene)


def _alarm(step: Step, scene: Scene) -> Step:
    """Nothing of ours reaches the resident: page the review ladder, once per case, and tell
    dispatch by a revision."""
    case = step.case
    if Mark.NOT_REACHED in case.marks:
        return step
    case = replace(case, round=case.round + 1).marked(scene.now, Mark.NOT_REACHED)
    others = tuple(effect for effect in step.effects if not isinstance(effect, HandOff))
    effects = (*others, Record(Event.NOT_REACHED), *page_rung(case, "review", 0, scene))
    # a revision is due already: give it this reason
    if any(isinstance(effect, HandOff) for effect in step.effects):
        return Step(case, (*effects, HandOff("cannot_text")))
    return Step(*hand_off.revise(case, (*effects, HandOff("cannot_text"))))


def _say_status(case: Case, effects: tuple[Effect, ...], key: str, scene: Scene) -> Step:
    """Add a revision, apply the safe-contact gate, and store the key of the status the resident was
    told."""
    allowed, held = gated(case, effects)
    case = (
        mark_unheard(replace(case, told=key), held, scene.now)
        if held
        else replace(case.unmarked(Mark.UNTOLD), told=key)
    )
    case, allowed = hand_off.revise(
        case, (*allowed, HandOff("dispatch")) if case.revision else allowed
    )
    return Step(case, (*allowed, *(Record(Event.HELD_BACK, {"words": key}) for key in held)))
