"""Who is asked next when nobody answers: a ladder of people, climbed rung by rung and round again until a human
closes the case (domain.md section 2, rule 4). One acknowledgement settles one case only."""

from __future__ import annotations

from .case import Case
from .effect import Page
from .routing import Scene, is_open, staffed


def ladder_of(case: Case) -> str:
    """Whose turn it is to look after a case: those for danger, for the help that was chosen, or for a look."""
    return "danger" if case.in_danger else case.response if case.response in ("team", "counselor") else "review"


def page_rung(case: Case, ladder: str, rung: int) -> Page:
    return Page(ladder, rung, case.round)


def people(page: Page, scene: Scene) -> tuple[str, ...]:
    """The names of those a page goes to: the rung's person, and from the second rung on the supervisors too."""
    rungs = staffed(scene.program, page.ladder, scene.local)
    if not rungs:
        return ()
    asked = rungs[page.rung % len(rungs)]
    supervisors = [rung for rung in scene.program.ladder if rung.supervisor and is_open(rung.hours, scene.local)] if page.rung > 0 else []
    return tuple(dict.fromkeys(rung.name for rung in (asked, *supervisors)))
