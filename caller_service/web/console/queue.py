"""The console's start page, and the queue (docs/console.md).

The queue works without scripts. With them, a page polls `news` for what changed since the version
it shows: nothing, or the rows that it does not have. Polling does not renew the session.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from flask import Response, request, url_for

from caller_service.casework import desk
from caller_service.casework.desk import Queue, Queued
from caller_service.core.case import Case
from caller_service.core.desk import Band
from caller_service.core.marks import Mark
from caller_service.core.roles import Act
from caller_service.web.shared.guard import guarded, parts
from caller_service.web.shared.see_other import see_other

from .queue_words import BANDS, EMPTY, LEVELS, Moment, Row, language_name, row_of, since
from .rail import rail_html, rail_words
from .session_guard import console_only, fragment, is_locked, may, me, page

console = guarded("console", console_only, "/console")
ALWAYS = (Band.NOBODY, Band.HUMAN, Band.READ, Band.TEAMS)  # shown, also when empty
# how many rows of a band the queue shows, apart from the viewer's own cases, which are all shown
ROWS = {
    Band.NOBODY: 19, Band.HUMAN: 40, Band.READ: 20, Band.TEAMS: 20, Band.OTHER: 10, Band.ASKING: 5,
}  # fmt: skip
PAGE = 100  # rows on one page of a single band
TAIL = 200  # dangers that nobody has, after the rows: only their references
RUNG = 8  # dangers for which a page rings one by one
FILTERS = ("mine", "area", "language")
LONGEST_HAVE = 40_000  # characters of a page's list of the rows it shows


@dataclass(frozen=True, slots=True)
class Shown:
    """A band as shown. `many`: how many cases it has; `tail`: cases beyond the rows that must not
    be hidden."""

    band: Band
    title: str
    sentence: str
    empty: str
    many: int
    rows: Sequence[Row] = field(repr=False)
    tail: Tail | None
    page: int  # the page number of this band, from 1; 0: it is not paginated

    @property
    def hidden(self) -> bool:
        return not self.many and self.band not in ALWAYS

    @property
    def keys(self) -> list[str]:
        return [row.reference for row in self.rows] + ([self.tail.key] if self.tail else [])


@dataclass(frozen=True, slots=True)
class Tail:
    """Cases that nobody has, beyond the rows of their band: one row of references, by level."""

    key: str = field(repr=False)
    tag: str
    levels: Sequence[tuple[str, Moment, Sequence[tuple[str, str]]]]  # the oldest; id, reference
    many: int

    @property
    def unlisted(self) -> int:
        return self.many - sum(len(cases) for _, _, cases in self.levels)


@console.get("/")
@may(Act.ACCOUNT)
def home() -> Response:
    """Redirects to the start page of the person's role."""
    first = {Act.SEE_QUEUE: "console.queue", Act.MANAGE_PEOPLE: "people.people"}
    way = next((door for act, door in first.items() if me().may(act)), "people.account")
    return see_other(url_for(way))


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
        **_filters(found),
        untaken=found.bands[Band.NOBODY],
        rail=lambda: rail_html(parts(), me(), found=desk.rail_of(parts(), me(), found)),
    )


@console.post("/queue/find")
@may(Act.SEE_QUEUE)
def find() -> Response:
    """Search by reference or phone number. A POST, so that the number is in no URL."""
    query = request.form.get("what", "")[:40]
    found = desk.find(parts(), me(), query)
    if len(found) == 1 and me().may(Act.READ_CASE):
        return see_other(url_for("case_pages.case", case_id=found[0][0]))
    return page("found.html", title="Search", found=found, said=query)


@console.post("/news")
@may(Act.SEE_QUEUE, poll=True, while_locked=True)
def news() -> Response | dict[str, Any]:
    """What changed since the version that a page shows. While locked, only levels and ages."""
    known = request.form.get("v", "")
    tag, now = desk.queue_tag(parts()), parts().now().timestamp()
    locked = is_locked()
    if known == f"{tag}{'-locked' * locked}":
        return {"v": known, "now": now}
    found = desk.read_queue(parts(), me())
    response: dict[str, Any] = {"v": found.tag, "now": now, "alarm": alarm(found)}
    if locked:
        return response | {"v": f"{found.tag}-locked", "locked": True}
    on_queue = request.form.get("page") == "queue"
    if on_queue:
        response |= _changed_rows(found)
    words = rail_words(desk.rail_of(parts(), me(), found), parts(), me().name, on_queue)
    if request.form.get("rail") == words["tag"]:
        return response
    here = request.form.get("here", "")
    return response | {"rail": [words["tag"], fragment("rail.html", **words, here=here)]}


def keys_shown(form: Mapping[str, str]) -> dict[str, str]:
    """The rows that a page shows: their keys and tags."""
    pairs = form.get("have", "")[:LONGEST_HAVE].split()
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def _changed_rows(found: Queue) -> dict[str, Any]:
    have = keys_shown(request.form)
    bands = _bands(found, _chosen(found, request.form))
    rows = {
        row.reference: fragment("row.html", row=row)
        for band in bands
        for row in band.rows
        if have.get(row.reference) != f"{row.tag}.{row.band[:1]}"
    }
    tails = [band.tail for band in bands if band.tail]
    rows |= {
        tail.key: fragment("tail.html", tail=tail)
        for tail in tails
        if have.get(tail.key) != tail.tag
    }
    return {
        "rows": rows,
        "order": {band.band.value: band.keys for band in bands},
        "many": {band.band.value: band.many for band in bands},
        "filters": fragment("filters.html", **_filters(found)),
    }


def alarm(found: Queue) -> dict[str, Any]:
    """What a page rings for: the dangers that nobody has, and those that this person is asked to
    take over. For each: its level, its age, an opaque name that changes when it must ring again,
    and whether this person is asked."""
    every = found.bands[Band.NOBODY]
    asked = [one.case for one in found.bands[Band.HUMAN] if one.case.in_danger
             and one.case.handover_asked == me().name]  # fmt: skip
    rings = [_alarm(case, case.marks[Mark.HANDOVER_ASKED]) for case in asked]
    rings += [_alarm(one.case) for one in every[:RUNG]]
    return {"many": len(every) + len(asked), "list": rings}


def _alarm(case: Case, asked: datetime | None = None) -> tuple[object, ...]:
    level = case.level.name if case.level else ""
    since = asked or case.marks.get(Mark.LAPSED) or case.marks.get(Mark.FIRST_PAGED) or ""
    name = sha256(f"{case.id} {level} {since}".encode()).hexdigest()[:6]
    at = int((asked or min(case.marks.values())).timestamp())
    return (level, at, name, True) if asked else (level, at, name)


def _bands(found: Queue, chosen: Mapping[Band, Sequence[Queued]]) -> list[Shown]:
    """Every band, also if it is empty, so that the page can fill it without a reload."""
    return [_band(band, found, chosen[band]) for band in BANDS]


def _band(band: Band, found: Queue, every: Sequence[Queued]) -> Shown:
    asked, turned = request.values.get("page_of") == band.value, 0
    rows, tail = list(every[: ROWS[band]]), None
    if band == Band.NOBODY:
        tail = _tail(every[ROWS[band] :], found)
    elif asked:
        said = request.values.get("number", "")
        last = max(1, -(-len(every) // PAGE))
        turned = min(int(said[:4]) or 1, last) if said.isascii() and said.isdecimal() else 1
        rows = list(every[(turned - 1) * PAGE : turned * PAGE])
    else:
        rows += [one for one in every[ROWS[band] :] if _is_mine(one.case)]
    title, sentence = BANDS[band]
    return Shown(
        band, title, sentence, EMPTY.get(band, "None now."), len(every),
        [row_of(one, found, parts(), me().name) for one in rows], tail, turned,
    )  # fmt: skip


def _tail(behind: Sequence[Queued], found: Queue) -> Tail | None:
    if not behind:
        return None
    listed: dict[str, list[Case]] = {}
    for one in behind[:TAIL]:
        listed.setdefault(one.case.level.name if one.case.level else "", []).append(one.case)
    said = f"{len(behind)} {[(level, [one.id for one in some]) for level, some in listed.items()]}"
    levels = [
        (
            f"{LEVELS.get(level, 'Not known yet')} {level}",
            since(min(one.marks.get(Mark.OPENED, found.now) for one in some), found.now),
            [(one.id, one.reference) for one in some],
        )
        for level, some in listed.items()
    ]
    return Tail("+more", sha256(said.encode()).hexdigest()[:6], levels, len(behind))


def _is_mine(case: Case) -> bool:
    return me().name in (case.holder, case.accepted_by)


def _chosen(found: Queue, asked: Mapping[str, str]) -> dict[Band, list[Queued]]:
    """The cases left by the filters in the URL. A danger that nobody has is never filtered out."""
    mine, area, tongue = asked.get("mine", ""), asked.get("area", ""), asked.get("language", "")

    def fits(one: Queued) -> bool:
        case = one.case
        return (
            (not mine or _is_mine(case))
            and (not area or case.area == area)
            and (not tongue or tongue in (case.language, case.unread_language))
        )

    return {
        band: [one for one in every if band == Band.NOBODY or fits(one)]
        for band, every in found.bands.items()
    }


def _filters(found: Queue) -> dict[str, Any]:
    """The filters of the queue: label, URL and number of cases of each; and the active ones."""
    every = [one.case for band in found.bands.values() for one in band]
    told: list[tuple[str, dict[str, str], int]] = [
        ("Everything", {}, len(every)),
        ("Mine", {"mine": "1"}, sum(map(_is_mine, every))),
    ]
    areas = Counter(case.area for case in every if case.area)
    names = {area.id: area.name for area in parts().program.areas}
    told += [(names.get(area, area), {"area": area}, many) for area, many in areas.items()]
    tongues = Counter(case.language for case in every)
    told += [
        (language_name(tongue, parts()), {"language": tongue}, many)
        for tongue, many in tongues.items()
    ]
    said = request.values
    return {"filters": told, "chosen": {one: said[one] for one in FILTERS if said.get(one)}}
