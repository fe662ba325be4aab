"""Chooses who is paged next: a ladder of people, climbed rung by rung and started again until a
human closes the case (docs/safety-rules.md, rule 4). One acknowledgement settles one case."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace as with_changes
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from .case import Case, replace
from .effect import Effects, Page, Record
from .journal_events import Event
from .marks import Mark
from .program import Program, Rung
from .protocol import Level
from .routing import Scene, is_open, on_duty


def ladder_of(case: Case) -> str:
    """The ladder whose people look after a case: for danger, for the help that was chosen, or for
    review."""
    return (
        "danger"
        if case.in_danger
        else case.response
        if case.response in ("team", "counselor")
        else "review"
    )


def page_rung(
    case: Case, ladder: str, rung: int, scene: Scene, two: bool = False, supervisor: bool = False
) -> Effects:
    """Page a rung. If nobody is on shift, that is an alarm, and everybody on the ladder is paged.

    R1 pages two people at once, and the supervisors from the second minute; R2 the supervisors from
    the third (rule 4). Other ladders page supervisors from the second page. `supervisor`: page them
    now.
    """
    page = Page(
        ladder,
        rung,
        case.round,
        two=two,
        supervisor=supervisor or _supervisor_due(case, ladder, rung, scene),
    )
    return (
        (page,)
        if on_duty(scene.program, ladder, scene.local)
        else (page, Record(Event.NOBODY_ON_SHIFT, {"ladder": ladder}))
    )


def _supervisor_due(case: Case, ladder: str, rung: int, scene: Scene) -> bool:
    first = case.marks.get(Mark.FIRST_PAGED)
    if ladder != "danger" or first is None:
        return rung > 0
    wait = scene.program.clocks.page_next * (1 if case.level == Level.R1 else 2)
    return scene.now - first >= timedelta(seconds=wait)


def people(page: Page, scene: Scene) -> tuple[Rung, ...]:
    """The people whom a page goes to: the rung's person, at R1 the one before too, and the
    supervisors once they are due."""
    if page.backstop:
        return _once(scene.program.backstops)
    order = _order(scene.program, page.ladder, scene.local)
    if not order:
        everybody = _once(
            (
                *scene.program.rungs(page.ladder),
                *(rung for rung in scene.program.ladder if rung.supervisor),
            )
        )
        return (
            everybody
            or on_duty(scene.program, "danger", scene.local)
            or scene.program.rungs("danger")
        )
    asked = [order[page.rung % len(order)]]
    if page.two:
        asked = [order[(page.rung - 1) % len(order)], *asked]
    # a supervisor on several ladders: contacted as this ladder says
    every = (*scene.program.rungs(page.ladder), *scene.program.ladder)
    supervisors = (
        [rung for rung in every if rung.supervisor and is_open(rung.hours, scene.local)]
        if page.supervisor
        else []
    )
    # one phone may be listed under two names
    refused = {
        rung.number for rung in scene.program.ladder if rung.name in page.but and rung.number
    }
    return tuple(
        rung
        for rung in _once((*asked, *supervisors))
        if rung.name not in page.but and rung.number not in refused
    )


def people_with_room(page: Page, scene: Scene, full: Collection[str]) -> tuple[Rung, ...]:
    """As `people`, but skip whoever already has as many dangers as one person may have (`full`,
    rule 21): the next on the ladder who has fewer is paged instead. Supervisors and the backstop
    are never skipped. If everybody is full, all are paged as the ladder says."""
    asked = people(page, scene)
    if page.ladder != "danger" or page.backstop:
        return asked
    stay = [rung for rung in asked if rung.supervisor or rung.name not in full]
    order = _order(scene.program, page.ladder, scene.local)
    taken = {rung.name for rung in asked} | {*page.but, *full}
    phones = {rung.number for rung in scene.program.ladder if rung.name in taken and rung.number}
    following = (order[(page.rung + step) % len(order)] for step in range(1, len(order)))
    free = _once(
        tuple(rung for rung in following if rung.name not in taken and rung.number not in phones)
    )
    instead = free[: len(asked) - len(stay)]
    with_room = (*instead, *stay)
    return with_room if any(rung.name not in full for rung in with_room) else asked


def one_too_many(case: Case, by: str, full: Collection[str], scene: Scene) -> bool:
    """Is this danger one too many for `by` (rule 21)? `full`: who has as many others as one person
    may.

    Not where nobody has it and no other can come sooner: the caller waits on the line, everybody on
    duty was asked, or nobody on duty has room. A human who answers now is better than nobody. The
    contracted line is no single person.
    """
    if not case.in_danger or by not in full or by in (case.holder, case.accepted_by):
        return False
    if any(rung.name == by for rung in scene.program.backstops):
        return False
    if case.in_charge and not case.page_waits:
        return True
    if case.on_line or climbed(scene.program, "danger", case.rung, scene):
        return False
    return any(rung.name not in full for rung in on_duty(scene.program, "danger", scene.local))


def asked_instead(
    case: Case, by: str, scene: Scene, supervisor: bool = False, two: bool = True, passed: str = ""
) -> tuple[Case, Effects]:
    """Page the next people on the ladder other than `by`, and `passed`, who cannot: two at R1 if
    there are two (rule 4), unless not `two`. `supervisor`: the supervisors too."""
    two = two and case.level == Level.R1
    best: tuple[int, Effects] = (case.rung + 1, ())
    most = (0, 0)
    for rung in range(case.rung + 1, case.rung + 1 + max(1, len(scene.program.rungs("danger")))):
        pages = _but((by, passed), page_rung(case, "danger", rung, scene, two, supervisor))
        reached = [people(each, scene) for each in pages if isinstance(each, Page)]
        many = max(
            ((sum(not one.supervisor for one in every), len(every)) for every in reached),
            default=(0, 0),
        )
        if many > most:
            best, most = (rung, pages), many
        if many[0] >= 1 + two:
            break
    return replace(case, rung=best[0]), best[1]


def asked_next(case: Case, by: str, scene: Scene) -> tuple[Case, Effects]:
    """Page the next rung without `by`, who declined; if that rung has nobody else, the next
    people."""
    rung = case.rung + 1
    pages = _but((by,), page_rung(case, "danger", rung, scene))
    if any(isinstance(each, Page) and people(each, scene) for each in pages):
        return replace(case, rung=rung), pages
    return asked_instead(case, by, scene)


def asked_other(case: Case, rung: int, by: str, scene: Scene) -> tuple[Case, Effects]:
    """Page this rung of the case's ladder, or the next with somebody other than `by`, who declined;
    `by` if there is nobody else."""
    ladder = ladder_of(case)
    for at in range(rung, rung + 1 + len(scene.program.rungs(ladder))):
        pages = _but((by,), page_rung(case, ladder, at, scene))
        if any(isinstance(each, Page) and people(each, scene) for each in pages):
            return replace(case, rung=at), pages
    return replace(case, rung=rung), page_rung(case, ladder, rung, scene)


def read_instead(
    case: Case, by: str, scene: Scene, supervisor: bool = False
) -> tuple[Case, Effects]:
    """Page somebody other than `by` for the review; `by` if there is nobody else. `supervisor`: the
    supervisors too."""
    for rung in range(len(scene.program.rungs("review")) + 1):
        pages = _but((by,), page_rung(case, "review", rung, scene, supervisor=supervisor))
        if any(isinstance(each, Page) and people(each, scene) for each in pages):
            return replace(case, review_rung=rung), pages
    return case, page_rung(case, "review", 0, scene, supervisor=supervisor)


def _but(names: tuple[str, ...], effects: Effects) -> Effects:
    """The same pages, without these people."""
    but = tuple(filter(None, names))
    return tuple(
        with_changes(each, but=but) if isinstance(each, Page) else each for each in effects
    )


def passed_on(
    page: Page,
    name: str,
    scene: Scene,
    asked: bool = False,
    absent: str = "",
    lately: Collection[str] = (),
) -> Page | None:
    """The page that follows when the person asked by this one passes it on: the next rung with
    somebody else, by name and by phone, because one phone under two names is one person.

    `asked`: they were, in the place of somebody else or beside them. `absent`: had it, and did not
    come. `lately`: were asked just now: who passes would else be asked again at once, in a circle
    without end. None if the ladder no longer asks that person, or if there is nobody else.
    """
    order = _order(scene.program, page.ladder, scene.local)

    def are(rung: Rung, *names: str) -> bool:
        phones = {each.number for each in scene.program.ladder if each.name in names}
        return rung.name in names or (bool(rung.number) and rung.number in phones)

    if not order or not (
        asked
        or any(
            are(order[at % len(order)], name)
            for at in (page.rung, *([page.rung - 1] if page.two else []))
        )
    ):
        return None
    others = (
        rung
        for rung in range(page.rung + 1, page.rung + 1 + len(order))
        if not are(order[rung % len(order)], name, absent, *lately)
    )
    rung = next(others, None)
    if rung is None and lately:
        return None
    following = Page(
        page.ladder,
        page.rung + 1 if rung is None else rung,
        page.round,
        tuple(filter(None, (name, absent))),
        supervisor=page.supervisor,
    )
    return following if people(following, scene) else None


def wait(program: Program, ladder: str, rung: int, asked_at: datetime, otherwise: int) -> timedelta:
    """How long somebody paged at `asked_at` has before the next is paged; `otherwise` is the
    ladder's own clock in seconds."""
    order = (
        _order(program, ladder, asked_at.astimezone(ZoneInfo(program.time_zone)))
        if any(each.wait for each in program.ladder)
        else ()
    )
    return timedelta(seconds=(order[rung % len(order)].wait if order else 0) or otherwise)


def climbed(program: Program, ladder: str, rung: int, scene: Scene) -> bool:
    """Has everybody on duty been paged as often as the ladder says? Then it starts again."""
    return rung >= len(_order(program, ladder, scene.local))


def _order(program: Program, ladder: str, local: datetime) -> tuple[Rung, ...]:
    """Everybody on duty in paging order, each repeated as often as their rung says."""
    return tuple(rung for rung in on_duty(program, ladder, local) for _ in range(rung.repeats))


def _once(rungs: tuple[Rung, ...]) -> tuple[Rung, ...]:
    """Each person once, at their first rung."""
    return tuple({rung.name: rung for rung in reversed(rungs)}.values())[::-1]
