"""What a dispatcher decides at the console beside what dispatch says by the API: a team by name, a
place, a higher level, another human, a link between two cases. Every act names a human."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from . import hand_off
from .case import Case, Status, Step, move, replace
from .dispatch import accept, decline, update
from .disposition import reconsider
from .effect import Alert, Effect, HandOff, Record
from .escalation import asked_instead, page_rung, read_instead
from .holding import release
from .journal_events import Event
from .marks import Mark
from .protocol import HUMAN_NOW, Level
from .refusal import Refused
from .routing import Scene
from .safe_contact import gated
from .service_area import locate

MOST_LINKED = 20  # cases that one case names; the oldest link goes first


def take(
    case: Case, by: str, minutes: int | None, scene: Scene, full: Collection[str] = ()
) -> Step:
    """`by` takes the case, perhaps to be there in so many minutes. Raises Refused: ended, taken,
    full."""
    at = None if minutes is None else scene.now + timedelta(minutes=minutes)
    return accept(case, by, at, scene, full=full)


def give_back(case: Case, by: str, reason: str, scene: Scene) -> Step:
    """`by` cannot go on. A danger, or a conversation, runs down the ladder at once; anything else
    is declined. Raises Refused: ended, not_yours, taken, cannot_move."""
    if by not in (case.holder, case.accepted_by):
        raise Refused("ended" if case.ended else "not_yours", case.in_charge)
    if case.in_danger or case.held:
        return release(case, by, reason, scene)
    return decline(case, by, reason, scene)


def ask_another(case: Case, by: str, scene: Scene) -> Step:
    """Ask another human to come; whoever has the case keeps it. Raises Refused: ended."""
    if case.ended:
        raise Refused("ended")
    record = Record(Event.ASKED_ANOTHER, {"by": by})
    if case.in_danger:
        case = replace(case, round=max(1, case.round)).marked(scene.now, Mark.PAGED)
        case, pages = asked_instead(case, by, scene, two=False)
    else:
        case = replace(case, round=case.round + 1, review_rung=0)
        case, pages = read_instead(case, by, scene)
    return Step(*hand_off.revise(case, (*pages, HandOff("asked_another"), record)))


def assign(case: Case, by: str, team_id: str, scene: Scene) -> Step:
    """Send this team. The resident is told on the channel that they called safe. Raises Refused:
    ended, no_such_team, cannot_move."""
    if case.ended:
        raise Refused("ended")
    team = next((team for team in scene.program.teams if team.id == team_id), None)
    if team is None:
        raise Refused("no_such_team")
    if case.status in (Status.EN_ROUTE, Status.ARRIVED):
        raise Refused("cannot_move")
    changed = replace(
        case,
        team=team.id,
        response=case.response if case.in_danger else "team",
        interpreter=bool(case.unread_language) or case.language not in team.languages,
    )
    named = Record(Event.TEAM, {"by": by, "team": team.id})
    if case.status == Status.ASSIGNED:
        if changed == case:
            return Step(case)
        return Step(*hand_off.revise(changed, (HandOff("dispatch"), named)))
    return update(changed, Status.ASSIGNED, by, "", scene).then(named)


def correct_place(case: Case, by: str, words: str, scene: Scene) -> Step:
    """Set where the person is, as a human understood it. Raises Refused: ended."""
    if case.ended:
        raise Refused("ended")
    found = locate(words, scene.program, scene.local)
    case = replace(
        case, place=words, located=found.kind, area=found.area, point=found.point, house_number="",
        place_said="", again=tuple(name for name in case.again if name != "where"),
        answers={**case.answers, "where": "given"},
    )  # fmt: skip
    if case.asked == "where":
        case = replace(case, asked="", offered=(), unreadable=0)
    record = Record(Event.PLACED, {"by": by, "located": found.kind, "area": found.area})
    return Step(*hand_off.revise(case, (HandOff("placed"), record)))


def raise_level(case: Case, by: str, to: str, reason: str, scene: Scene) -> Step:
    """Raise the level in a human's name: until a human lowers it, it stays at least this high (rule
    1). If nobody has the case, people are paged at once. Raises Refused: ended, reason_needed,
    not_higher."""
    if case.ended:
        raise Refused("ended")
    if not reason:
        raise Refused("reason_needed")
    wanted = Level.__members__.get(to)
    if wanted not in (Level.R1, Level.R2) or (case.level is not None and case.level >= wanted):
        raise Refused("not_higher")
    before = case.level
    case, _ = reconsider(scene.program.protocol, replace(case, raised=to).remarked(by, reason))
    effects: tuple[Effect, ...] = (HandOff("raised"), Record(Event.RAISED, {"by": by, "to": to}))
    danger_before = before is not None and before >= HUMAN_NOW
    if case.in_charge:
        alert = (Alert("alert.danger", case.in_charge),) if case.in_charge != by else ()
        if not danger_before:
            case = case.marked(scene.now, Mark.FIRST_PAGED, Mark.ACKNOWLEDGED)
        return _gated(case, (*alert, *effects))
    if case.status == Status.SCREENING:
        case = move(move(case, Status.OPEN, scene.now), Status.HANDED_OFF, scene.now)
    two = case.level == Level.R1
    case = replace(
        case, round=case.round + 1, rung=int(two), response=case.response or "human", asked="",
        offered=(), unreadable=0,
    ).marked(scene.now, Mark.PAGED, *(() if danger_before else (Mark.FIRST_PAGED,)))  # fmt: skip
    return _gated(case, (*page_rung(case, "danger", case.rung, scene, two), *effects))


def link_to(case: Case, by: str, other: str) -> Step:
    """Both cases are about the same people, or the same place: each has the id of the `other`,
    beside what it was linked with before. No answer and no consent crosses. Raises Refused:
    no_such_case."""
    if not other or other == case.id:
        raise Refused("no_such_case")
    if other in (case.related, *case.linked):
        return Step(case)
    case = replace(case, linked=(*case.linked, other)[-MOST_LINKED:])
    record = Record(Event.LINKED, {"by": by, "to": other})
    return Step(*hand_off.revise(case, (HandOff("linked"), record)))


def _gated(case: Case, effects: tuple[Effect, ...]) -> Step:
    allowed, held = gated(case, effects)
    case, allowed = hand_off.revise(case, allowed)
    return Step(case, (*allowed, *(Record(Event.HELD_BACK, {"words": key}) for key in held)))
