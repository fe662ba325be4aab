"""Where the console begins, and the queue (docs/console.md).

The queue is one page without a script; with one, `news` tells a page what changed since the version
it shows: nothing, or the rows that are new to it. A look of a page by itself renews no session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import Response, redirect, request, url_for

from caller_service.casework import desk
from caller_service.casework.desk import Queue, Queued
from caller_service.core.desk import Band
from caller_service.core.roles import Act
from caller_service.web.shared.guard import guarded, parts

from .queue_words import BANDS, EMPTY, Row, area_name, language_name, row_of
from .rail import rail_html, rail_words
from .session_guard import console_only, fragment, is_locked, may, me, page

console = guarded("console", console_only, "/console")
ALWAYS = (Band.NOBODY, Band.HUMAN, Band.READ, Band.TEAMS)  # shown, also when empty
# rows of a band that are shown at once; of those that need somebody now, all
MOST = {Band.READ: 20, Band.TEAMS: 20, Band.OTHER: 10, Band.ASKING: 5}
LONGEST_HAVE = 40_000  # characters that a page tells of what it shows


class Titles(NamedTuple):
    """What stands above a band, and in its place when it is empty."""

    title: str
    sentence: str
    empty: str
    many: int


@console.get("/")
@may(Act.ACCOUNT)
def home() -> Response:
    """What somebody of this role looks at first."""
    first = {Act.SEE_QUEUE: "console.queue", Act.MANAGE_PEOPLE: "people.people"}
    way = next((door for act, door in first.items() if me().may(act)), "people.account")
    return redirect(url_for(way), 303)  # type: ignore[return-value]


@console.get("/queue")
@may(Act.SEE_QUEUE)
def queue() -> Response:
    found = desk.read_queue(parts(), me())
    chosen = _chosen(found, request.args)
    desk.list_read(parts(), me(), [one for each in chosen.values() for one in each])
    return page(
        "queue.html",
        title="Queue",
        bands=_bands(found, chosen),
        queue=found,
        filters=_filters(found),
        chosen=request.args,
        untaken=untaken(found),
        rail=lambda: rail_html(parts(), me(), found=desk.rail_of(parts(), me(), found)),
    )


@console.post("/queue/find")
@may(Act.SEE_QUEUE)
def find() -> Response:
    """By reference or number. The number stands in no address."""
    said = request.form.get("what", "")[:40]
    found = desk.find(parts(), said)
    if len(found) == 1 and me().may(Act.READ_CASE):
        return redirect(url_for("case_pages.case", case_id=found[0][0]), 303)  # type: ignore[return-value]
    return page("found.html", title="Search", found=found, said=said)


@console.post("/news")
@may(Act.SEE_QUEUE, poll=True, while_locked=True)
def news() -> Response | dict[str, Any]:
    """What changed since the version that a page shows. Locked, it tells levels and ages alone."""
    known = request.form.get("v", "")
    tag, now = desk.queue_tag(parts()), parts().now().timestamp()
    locked = is_locked()
    if known == f"{tag}{'-locked' * locked}":
        return {"v": known, "now": now}
    found = desk.read_queue(parts(), me())
    told: dict[str, Any] = {"v": found.tag, "now": now, "alarm": untaken(found, locked)}
    if locked:
        return told | {"v": f"{found.tag}-locked", "locked": True}
    on_queue = request.form.get("page") == "queue"
    if on_queue:
        told |= _changed_rows(found)
    words = rail_words(desk.rail_of(parts(), me(), found), parts(), me().name, on_queue)
    here = request.form.get("here", "")
    return told | {"rail": fragment("rail.html", **words, here=here)}


def _changed_rows(found: Queue) -> dict[str, Any]:
    have = dict(
        pair.split("=", 1)
        for pair in request.form.get("have", "")[:LONGEST_HAVE].split()
        if "=" in pair
    )
    bands = _bands(found, _chosen(found, request.form))
    rows = {
        row.key: fragment("row.html", row=row)
        for _, _, shown in bands
        for row in shown
        if have.get(row.key) != f"{row.tag}.{row.band}"
    }
    order = {band.value: [row.key for row in shown] for band, _, shown in bands}
    return {"rows": rows, "order": order, "many": {band: words.many for band, words, _ in bands}}


def untaken(found: Queue, nameless: bool = False) -> list[dict[str, Any]]:
    """The dangers that nobody has: what the page rings for."""
    return [
        {
            "key": "" if nameless else one.case.id,
            "level": one.case.level.name if one.case.level else "",
            "at": int(min(one.case.marks.values()).timestamp()),
        }
        for one in found.bands[Band.NOBODY]
    ]


def _bands(
    found: Queue, chosen: Mapping[Band, Sequence[Queued]]
) -> list[tuple[Band, Titles, list[Row]]]:
    """Each band that is shown: its title, its sentence, the words when it is empty, how many there
    are; and its rows."""
    shown = []
    everything = request.values.get("all") == "1"
    for band, (title, sentence) in BANDS.items():
        every = chosen[band]
        most = len(every) if everything else MOST.get(band, len(every))
        rows = [row_of(one, found, parts(), me().name) for one in every[:most]]
        if rows or band in ALWAYS:
            words = Titles(title, sentence, EMPTY.get(band, "None now."), len(every))
            shown.append((band, words, rows))
    return shown


def _chosen(found: Queue, asked: Mapping[str, str]) -> dict[Band, list[Queued]]:
    """What the filters of the address leave. A danger that nobody has is never filtered out."""
    mine, area, tongue = asked.get("mine", ""), asked.get("area", ""), asked.get("language", "")

    def fits(one: Queued) -> bool:
        case = one.case
        return (
            (not mine or me().name in (case.holder, case.accepted_by))
            and (not area or case.area == area)
            and (not tongue or tongue in (case.language, case.unread_language))
        )

    return {
        band: [one for one in every if band == Band.NOBODY or fits(one)]
        for band, every in found.bands.items()
    }


def _filters(found: Queue) -> list[tuple[str, dict[str, str], int]]:
    """What the queue can be narrowed to: words, address, how many."""
    every = [one.case for band in found.bands.values() for one in band]
    name = me().name
    mine = sum(name in (case.holder, case.accepted_by) for case in every)
    told: list[tuple[str, dict[str, str], int]] = [
        ("Everything", {}, len(every)),
        ("Mine", {"mine": "1"}, mine),
    ]
    for area in dict.fromkeys(case.area for case in every if case.area):
        many = sum(case.area == area for case in every)
        first = next(case for case in every if case.area == area)
        told.append((area_name(first, parts()) or area, {"area": area}, many))
    for tongue in dict.fromkeys(case.language for case in every):
        many = sum(case.language == tongue for case in every)
        told.append((language_name(tongue, parts()), {"language": tongue}, many))
    return told
