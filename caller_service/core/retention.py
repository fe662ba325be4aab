"""Decides when the words of a request that has ended are erased, its number and its answers; and
what a legal hold keeps (docs/privacy.md).

Words are theirs and everybody's about them: messages, story, place, remarks, drafts. What is left
is codes; of these the answers, and what was concluded from them, go last. Level, times and outcome
stay: the ledger counts as before. A resident may ask for their words to go sooner; a law may forbid
all of it, for a while (`keep_days`) or for this request (a hold).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from . import hand_off
from .case import Case, Step, replace
from .effect import Effects, EraseAnswers, EraseNumber, EraseWords, HandOff, Record
from .journal_events import Event
from .marks import Mark
from .program import Retention
from .refusal import Refused
from .routing import Scene


class Stands(StrEnum):
    """The state of a wish."""

    ASKED = "asked"
    KEPT = "kept"  # by a law, or a hold
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Wish:
    """The state of "delete my words". `until`: when a law no longer requires that they are kept;
    None: no law does, or nobody can say."""

    stands: Stands
    until: datetime | None = None


def ended_at(case: Case) -> datetime | None:
    return case.marks.get(Mark(case.status.value)) if case.ended else None


def kept_until(case: Case, retention: Retention) -> datetime | None:
    """Until when a law requires that the words of a request are kept; None: no law does."""
    ended = ended_at(case)
    if ended is None or not retention.keep_days:
        return None
    return ended + timedelta(days=retention.keep_days)


def words_due(case: Case, retention: Retention) -> datetime | None:
    """When the clock erases the words; None: they are erased or held, or the request goes on."""
    ended = ended_at(case)
    if ended is None or case.legal_hold or Mark.ERASED in case.marks:
        return None
    due = ended + timedelta(days=retention.words_days)
    if (asked := case.marks.get(Mark.ERASE_ASKED)) is not None:
        due = min(due, max(asked, ended) + timedelta(hours=retention.asked_hours))
    return max(due, kept_until(case, retention) or due)


def erase_due(case: Case, retention: Retention) -> datetime | None:
    """When the clock next erases something of a request: its words, its number, its answers."""
    ended = ended_at(case)
    if Mark.ERASED not in case.marks:
        return words_due(case, retention)
    if ended is None or case.legal_hold or Mark.ANSWERS_ERASED in case.marks:
        return None
    number = Mark.NUMBER_ERASED not in case.marks
    days = retention.phone_days if number else retention.answers_days
    return ended + timedelta(days=max(days, retention.keep_days))


def wish(case: Case, retention: Retention, now: datetime) -> Wish | None:
    """What to tell somebody who asked for deletion; None: they did not, and nothing is erased."""
    if Mark.ERASED in case.marks:
        return Wish(Stands.DONE)
    if Mark.ERASE_ASKED not in case.marks:
        return None
    if case.legal_hold:
        return Wish(Stands.KEPT)
    until = kept_until(case, retention)
    if until is not None and until > now:
        return Wish(Stands.KEPT, until)
    return Wish(Stands.ASKED)


def ask(case: Case, scene: Scene) -> Step:
    """Record that the resident asks to have their words deleted; whoever has the request is told
    once."""
    if {Mark.ERASE_ASKED, Mark.ERASED} & case.marks.keys():
        return Step(case)
    case = case.remarked("web", "asks that their words are deleted")
    case = case.marked(scene.now, Mark.ERASE_ASKED)
    effects = (Record(Event.ASKED_TO_DELETE), HandOff("asked_to_delete"))
    return Step(*hand_off.revise(case, effects))


def erase(case: Case, scene: Scene) -> Step:
    """Erase the words of a request now. Raises Refused: not_ended, held_by_law, kept_by_law."""
    if Mark.ERASED in case.marks:
        return Step(case)
    if not case.ended:
        raise Refused("not_ended")
    if case.legal_hold:
        raise Refused("held_by_law")
    until = kept_until(case, scene.program.retention)
    if until is not None and until > scene.now:
        raise Refused("kept_by_law")
    case = replace(
        case, narrative=(), remarks=tuple((by, "") for by, _ in case.remarks), recent=(), place="",
        point=None, house_number="", place_said="", code_word="", unopened={},
    ).marked(scene.now, Mark.ERASED)  # fmt: skip
    return Step(replace(case, sent=hand_off.digest(case)), (EraseWords(), Record(Event.ERASED)))


def fire(case: Case, scene: Scene, number: bool = True) -> Step:
    """Erase everything that is due. `number`: may the number be erased, too?"""
    effects: Effects = ()
    while (due := erase_due(case, scene.program.retention)) is not None and due <= scene.now:
        if Mark.ERASED not in case.marks:
            step = erase(case, scene)
        elif Mark.NUMBER_ERASED in case.marks:
            step = _erase_answers(case, scene)
        elif number:
            case = case.marked(scene.now, Mark.NUMBER_ERASED)
            step = Step(case, (EraseNumber(), Record(Event.NUMBER_ERASED)))
        else:
            break
        case, effects = step.case, (*effects, *step.effects)
    return Step(case, effects)


def _erase_answers(case: Case, scene: Scene) -> Step:
    """What humans did, and what the ledger counts, stays."""
    case = replace(
        case, answers={}, said=frozenset(), because=(), set_aside=frozenset(), located="",
        spoken=(), offered=(), again=(), answered_for={}, answered_with=(), line="", truth_line="",
        told="", withdrawn=frozenset(), deaf=False, unread_language="",
    ).marked(scene.now, Mark.ANSWERS_ERASED)  # fmt: skip
    return Step(
        replace(case, sent=hand_off.digest(case)), (EraseAnswers(), Record(Event.ANSWERS_ERASED))
    )


def hold(case: Case, by: str, scene: Scene, reason: str = "") -> Step:
    """Set a legal hold: nothing of this request is erased until it is released."""
    if case.legal_hold:
        return Step(case)
    case = replace(case.remarked(by, reason), legal_hold=by)
    return Step(case, (Record(Event.HELD_BY_LAW),))


def release(case: Case, scene: Scene, by: str = "", reason: str = "") -> Step:
    """Release the legal hold: what is due is erased."""
    if not case.legal_hold:
        return Step(case)
    case = replace(case.remarked(by, reason), legal_hold="")
    return Step(case, (Record(Event.RELEASED_BY_LAW),))
