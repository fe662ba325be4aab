"""The rail, on every page of the console: the cases that somebody has, is asked to take, and could
take (docs/console.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zlib import crc32

from flask import render_template
from markupsafe import Markup

from caller_service.casework import desk
from caller_service.casework.desk import Queued, Rail
from caller_service.casework.parts import Parts
from caller_service.core.case import Case
from caller_service.core.desk import waits_for
from caller_service.core.marks import Mark
from caller_service.core.staff_session import StaffSession

from .queue_words import Row, row_of

MOST = 8  # cases that nobody has, or that this person is asked to take; the queue shows all


def rail_html(parts: Parts, who: StaffSession, here: str = "", found: Rail | None = None) -> Markup:
    """The rail of a page. `here`: the case that the page shows; `found`: already loaded, by the
    queue, which itself shows the cases that nobody has."""
    words = rail_words(found or desk.read_rail(parts, who), parts, who.name, found is not None)
    shape = Markup('<nav class="rail{}" id="rail" data-tag="{}" aria-label="Your cases">{}</nav>')
    inside = Markup(render_template("console/rail.html", **words, here=here))
    return shape.format(" strip" if found else "", words["tag"], inside)


def rail_words(found: Rail, parts: Parts, me: str, strip: bool = False) -> dict[str, Any]:
    """The template's values: rows, and since when each resident has been waiting for this person;
    and a tag that changes when the rail's text does, apart from running clocks."""

    def rows(queued: Sequence[Queued]) -> list[tuple[Row, datetime | None, str]]:
        return [
            (row_of(one, found, parts, me), _since(one, found, me), _asks(one.case, me))
            for one in queued
        ]

    def by_clock(one: tuple[Row, datetime | None, str]) -> tuple[bool, datetime]:
        row, *_ = one
        return not row.last_late, row.last_at.at if row.last_at else found.now

    # a colleague who waits for an answer comes first
    asked = sorted(found.asked, key=lambda one: one.case.handover_asked != me)
    nobody = [] if strip else found.nobody
    shown = (found.mine, asked[:MOST], nobody[:MOST])
    counts = [len(found.mine), len(asked), len(nobody)]
    versions = [[f"{one.case.id}{one.case.version}{one.band}" for one in some] for some in shown]
    teams = [f"{one.team.id}{one.case and one.case.id}" for one in found.teams]
    return {
        "tag": f"{crc32(repr((counts, versions, teams)).encode()):x}",
        "strip": strip,
        "mine": sorted(rows(found.mine), key=by_clock),
        "asked": rows(asked[:MOST]),
        "asked_count": len(asked),
        "nobody": rows(nobody[:MOST]),
        "nobody_count": len(nobody),
        "teams": found.teams,
        "free": sum(one.case is None for one in found.teams),
    }


def _since(one: Queued, found: Rail, me: str) -> datetime | None:
    """Since when the resident has been waiting for this person, who has the case or is asked to
    take it."""
    if one.case.handover_asked == me:
        return one.case.marks[Mark.HANDOVER_ASKED]
    mine = me in (one.case.holder, one.case.accepted_by)
    return waits_for(one.case, me) if mine else found.asked_at.get(one.case.id)


def _asks(case: Case, me: str) -> str:
    """Who asks for the case to be taken over, and whom; "" if nobody does."""
    if case.handover_asked == me:
        return f"{case.handover_by} asks you to take it over"
    return f"{case.handover_asked} is asked to take it" if case.handover_asked else ""
