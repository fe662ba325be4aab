"""The end of somebody's shift at the desk: each of their open cases is asked of a named person, or
goes back to the ladder (docs/console.md). core/shift_end.py decides."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from caller_service.core import desk_acts, shift_end
from caller_service.core.case import Case, Status, Step
from caller_service.core.journal_events import Event
from caller_service.core.refusal import Refused
from caller_service.core.roles import Act, may
from caller_service.core.routing import Scene, is_open
from caller_service.core.staff_session import StaffSession
from caller_service.store import staff_sessions
from caller_service.store.database.transaction import reading, transaction
from caller_service.store.journal import Entry
from caller_service.store.journal import write as write_journal

from .change import full_beside, update_case
from .desk import read_rail
from .parts import Parts
from .staff import is_theirs


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who can be asked, and learns of it."""

    name: str
    signed_in: bool
    phone: bool


def colleagues(parts: Parts, who: StaffSession) -> list[Colleague]:
    """Whoever is signed in and may take a case, then whoever is on shift with a phone, in the order
    of the ladder."""
    now, program = parts.now(), parts.program
    with reading(parts.engine) as conn:
        here = {name for name, role in staff_sessions.signed_in(conn, now) if may(role, Act.TAKE)}
        local = parts.scene(conn).local
    on_shift = [
        rung.name
        for rung in program.ladder
        if rung.number and not rung.backstop and is_open(rung.hours, local)
    ]
    phones = set(on_shift)
    names = [*sorted(here), *dict.fromkeys(name for name in on_shift if name not in here)]
    return [Colleague(name, name in here, name in phones) for name in names if name != who.name]


def ask(parts: Parts, who: StaffSession, case_id: str, to: str, reason: str = "") -> Case | None:
    """Ask somebody to take a case over. Raises Refused."""
    if not to:
        raise Refused("no_such_person")
    if to not in {each.name for each in colleagues(parts, who)}:
        raise Refused("not_there", to)

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        if is_theirs(parts, case, to):
            raise Refused("own_other", to)
        return shift_end.ask_to_take(case, who.name, to, reason, scene, full_beside(conn, case))

    return update_case(parts, case_id, decide, who.name)


def take(parts: Parts, who: StaffSession, case_id: str) -> Case | None:
    """They were asked, and take it. Raises Refused."""

    def decide(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        if is_theirs(parts, case, who.name):
            raise Refused("own")
        return shift_end.take_asked(case, who.name, scene, full_beside(conn, case))

    return update_case(parts, case_id, decide, who.name)


def not_me(parts: Parts, who: StaffSession, case_id: str) -> Case | None:
    """They were asked, and cannot. Raises Refused."""
    return update_case(
        parts,
        case_id,
        lambda case, scene, _: shift_end.decline_asked(case, who.name, scene),
        who.name,
    )


def give_back(parts: Parts, who: StaffSession, case_id: str) -> Case | None:
    """Nobody takes it over: the ladder goes on where it was. Raises Refused."""
    return update_case(
        parts,
        case_id,
        lambda case, scene, _: desk_acts.give_back(case, who.name, "", scene),
        who.name,
    )


def can_go_back(case: Case) -> bool:
    """Whoever is there closes the case, or hands it to somebody: the ladder cannot."""
    return case.status != Status.ARRIVED


def _decline_all(parts: Parts, who: StaffSession) -> None:
    """What they are asked to take over stays where it is, at once, if they hear no more of it."""
    if _others_of_theirs(parts, who):
        return
    if any(rung.name == who.name and rung.number for rung in parts.program.ladder):
        return
    for one in read_rail(parts, who).asked:
        if one.case.handover_asked == who.name:
            with contextlib.suppress(Refused):
                not_me(parts, who, one.case.id)


def _others_of_theirs(parts: Parts, who: StaffSession) -> list[StaffSession]:
    """Their other sessions that are not over."""
    with reading(parts.engine) as conn:
        sessions = staff_sessions.of_person(conn, who.person_id, parts.now())
    return [one for one in sessions if one.id != who.id]


@dataclass(frozen=True, slots=True)
class Leaving:
    """What somebody still has as they sign out. `may_stay`: it may stay theirs, because no danger
    is among it, or because they are signed in elsewhere too."""

    mine: Sequence[Case]
    may_stay: bool


def leaving(parts: Parts, who: StaffSession) -> Leaving:
    mine = [one.case for one in read_rail(parts, who).mine]
    danger = any(case.in_danger for case in mine)
    return Leaving(mine, not danger or bool(_others_of_theirs(parts, who)))


def leave(parts: Parts, who: StaffSession, give_all_back: bool) -> None:
    """They sign out. What can go back to the ladder does, if so; one entry of the journal says how
    many went and how many stay."""
    back = 0
    _decline_all(parts, who)
    mine = leaving(parts, who).mine
    for case in mine if give_all_back else ():
        with contextlib.suppress(Refused):  # somebody took it meanwhile, or a team is there
            give_back(parts, who, case.id)
            back += 1
    if mine:
        detail = {"back": back, "stay": len(mine) - back}
        entry = Entry(parts.new_id(), parts.now(), "", who.name, Event.LEFT_SHIFT, detail)
        with transaction(parts.engine) as conn:
            write_journal(conn, [entry])
