"""What the dispatchers' desk shows and does (docs/console.md). Every read of a case and every act
is journaled under the name of whoever is signed in."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from caller_service.core.case import Case, Step
from caller_service.core.desk import (
    Band,
    NextAsked,
    TeamNow,
    band_of,
    by_need,
    is_asked_of,
    next_asked,
    teams_now,
    waits,
)
from caller_service.core.journal_events import Event
from caller_service.core.routing import Scene
from caller_service.core.staff_session import StaffSession
from caller_service.store import callbacks, cases, contacts, desk, journal, legs, messages, visits
from caller_service.store.callbacks import Callback
from caller_service.store.database.transaction import reading, transaction
from caller_service.store.desk import Asked, Mine, TimelineEntry
from caller_service.store.legs import Talk
from caller_service.store.messages import Text

from .change import Look, full_beside, update_case
from .once import Once
from .parts import Parts

NEXT_SHOWN = 20  # rows of a band in which nobody waits for a human, with who is asked next
# entries that say who looked, and change nothing
READS = frozenset(
    {Event.READ, Event.READ_CONVERSATION, Event.READ_CALLS, Event.READ_EIDO, Event.LISTED}
)
# nor do these change what an act was decided upon: a destination has the case, a clock fired (what
# it did is an entry of its own)
NO_NEWS = READS | {Event.DELIVERED, Event.CLOCK}


@dataclass(frozen=True, slots=True)
class Queued:
    """A case in the queue, as one person sees it."""

    case: Case
    band: Band
    asked: Sequence[Asked]
    following: NextAsked | None
    unread: int


@dataclass(frozen=True, slots=True)
class Queue:
    tag: str
    now: datetime
    scene: Scene
    bands: Mapping[Band, Sequence[Queued]]


def queue_tag(parts: Parts) -> str:
    with reading(parts.engine) as conn:
        return desk.version_tag(conn)


def read_queue(parts: Parts, who: StaffSession) -> Queue:
    """Every open case in its band and order. The tag is read first: what changes meanwhile is seen
    at the next look."""
    with reading(parts.engine) as conn:
        tag = desk.version_tag(conn)
        found = parts.open_cases.read(conn, parts.sealer)
        asked = desk.asked(conn)
        unread = desk.unread(conn, who.person_id)
        scene = parts.scene(conn)
    bands: dict[Band, list[Queued]] = {band: [] for band in Band}
    for case in by_need(found):
        if (band := band_of(case)) is not None:
            # of a team once somebody was asked: before that, its age says when somebody is
            looks = band in (Band.NOBODY, Band.READ) or (
                case.id in asked and len(bands[band]) < NEXT_SHOWN and waits(case, parts.program)
            )
            following = next_asked(case, scene) if looks else None
            one = Queued(case, band, asked.get(case.id, ()), following, unread.get(case.id, 0))
            bands[band].append(one)
    return Queue(tag, scene.now, scene, bands)


@dataclass(frozen=True, slots=True)
class Rail:
    """What one person has, is asked for, and could take; and the teams that work now."""

    now: datetime
    mine: Sequence[Queued]
    asked: Sequence[Queued]
    nobody: Sequence[Queued]
    asked_at: Mapping[str, datetime]
    teams: Sequence[TeamNow]


def read_rail(parts: Parts, who: StaffSession) -> Rail:
    """The rail of a page: one query, if no case has changed since this process looked."""
    with reading(parts.engine) as conn:
        found, asked_at = parts.open_cases.read_asked(conn, parts.sealer, who.name)
    return _rail(parts, who, parts.now(), found, asked_at)


def rail_of(parts: Parts, who: StaffSession, queue: Queue) -> Rail:
    """The rail of a queue that was read: no query."""
    every = [one for band in queue.bands.values() for one in band]
    asked_at = {one.case.id: each.at for one in every for each in one.asked
                if each.name == who.name}  # fmt: skip
    return _rail(parts, who, queue.now, [one.case for one in every], asked_at)


def _rail(
    parts: Parts,
    who: StaffSession,
    now: datetime,
    found: Sequence[Case],
    asked_at: Mapping[str, datetime],
) -> Rail:
    mine, asked, nobody = [], [], []
    for case in by_need(found):
        if (band := band_of(case)) is None:
            continue
        one = Queued(case, band, (), None, 0)
        if who.name in (case.holder, case.accepted_by):
            mine.append(one)
        elif is_asked_of(case, who.name, asked_at.get(case.id), parts.program, now):
            asked.append(one)
        elif band == Band.NOBODY:
            nobody.append(one)
    local = now.astimezone(ZoneInfo(parts.program.time_zone))
    teams = teams_now(found, parts.program, local)
    return Rail(now, mine, asked, nobody, asked_at, teams)


def list_read(parts: Parts, who: StaffSession, shown: Sequence[Queued]) -> None:
    """Somebody opened the queue: one line, with its first and last case."""
    listed(parts, who, [one.case.id for one in shown])


def listed(parts: Parts, who: StaffSession, case_ids: Iterable[str]) -> None:
    """Somebody saw these cases in a list."""
    ids = sorted(set(case_ids))
    if ids:
        _journal(parts, who, "", Event.LISTED, first=ids[0], last=ids[-1], count=len(ids))


# ---- one case ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """A case as it is opened on the desk."""

    case: Case
    tag: str
    scene: Scene
    number: str | None
    texts: Sequence[Text]
    events: Sequence[TimelineEntry]
    talks: Sequence[Talk]
    callbacks: Sequence[Callback]
    mine: Mine
    full: frozenset[str]  # who has as many dangers as one person may, beside this one
    seen_at: datetime | None  # a browser last showed their private page
    related: Sequence[tuple[str, str, str]]  # id, reference, status: of the same contact
    linked: Sequence[tuple[str, str, str]]  # the same, of others that it names
    care_note: str
    slowed_until: datetime | None  # a supervisor had this number answered less often

    @property
    def newest(self) -> str:
        """The id of the newest text, or entry of the journal that is no read: what an act was
        decided upon."""
        entries = (
            event.id for event in self.events if event.kind == "journal" and event.what not in READS
        )
        return max((*entries, *(text.id for text in self.texts)), default="")


def open_case(
    parts: Parts, case_id: str, who: StaffSession, journaled: bool = True, read: bool = True
) -> Opened | None:
    """One case, whole; None: there is none. `journaled`: somebody opened it, and it is no look of
    their page by itself, which is only believed of whoever opened it in this session. `read`: they
    have it before their eyes."""
    with reading(parts.engine) as conn:
        tag = desk.tag_of_case(conn, case_id)
        case = cases.for_display(conn, parts.sealer, case_id)
        if case is None or case.test:
            return None
        contact = contacts.by_id(conn, parts.sealer, case.contact)
        related = desk.of_contact(conn, case_id)
        others = {case.related, *case.linked} - {"", *(one for one, *_ in related)}
        opened = Opened(
            case, tag, parts.scene(conn).for_case(case), contact.number,
            messages.of_case(conn, parts.sealer, case_id), desk.events(conn, case_id),
            legs.talks(conn, case_id), callbacks.of_case(conn, parts.sealer, case_id),
            desk.mine(conn, parts.sealer, who.person_id, case_id),
            full_beside(conn, case),
            visits.last_seen(conn, case_id) if case.on_web else None,
            related,
            desk.named(conn, sorted(others)),
            contacts.care_note(conn, parts.sealer, case.contact, parts.now()),
            contact.slowed_until,
        )  # fmt: skip
    now = parts.now()
    journaled = journaled or not any(
        event.what == Event.READ and event.who == who.name and event.at >= who.made_at
        for event in opened.events
    )
    if not (journaled or read):
        return opened
    with transaction(parts.engine) as conn:
        if read:
            desk.read_now(conn, parts.new_id(), who.person_id, case_id, now)
        if journaled:
            entry = journal.Entry(parts.new_id(), now, case_id, who.name, Event.READ, {})
            journal.write(conn, [entry])
    return opened


def case_tag(parts: Parts, case_id: str) -> str:
    with reading(parts.engine) as conn:
        return desk.tag_of_case(conn, case_id)


class Quicker(Exception):
    """Something happened to the case since the form was made. `events`: what."""

    def __init__(self, events: Sequence[TimelineEntry]) -> None:
        super().__init__("somebody was quicker")
        self.events = events


def act(
    parts: Parts,
    case_id: str,
    who: StaffSession,
    decide: Look,
    seen: str | None = None,
    sent: bool = False,
    once: Once | None = None,
) -> Case | None:
    """Change a case under somebody's name. `seen`: the newest entry they decided upon; what others
    did since, or the resident wrote, is Quicker. `sent`: it sends their draft. `once`: the form,
    which may come twice. Raises Refused, Quicker, Repeated."""

    def look(case: Case, scene: Scene, conn: sa.Connection) -> Step:
        if once is not None:
            once.look(conn, parts)
        if seen is not None:
            news = [
                event
                for event in desk.journal_since(conn, case_id, seen)
                if event.what not in NO_NEWS and event.who != who.name
            ]
            news += desk.heard_since(conn, parts.sealer, case_id, seen)
            if news:
                raise Quicker(sorted(news, key=lambda event: event.id))
        return decide(case, scene, conn)

    def also(conn: sa.Connection) -> None:
        if sent:
            desk.keep_draft(conn, parts.sealer, who.person_id, case_id, "", parts.now())
        if once is not None:
            once.keep(conn, parts)

    return update_case(parts, case_id, look, who.name, also if sent or once else None)


def keep_draft(parts: Parts, case_id: str, who: StaffSession, words: str) -> bool:
    """Keep what they have written to the resident and not sent."""
    with transaction(parts.engine) as conn:
        return desk.keep_draft(conn, parts.sealer, who.person_id, case_id, words, parts.now())


def find(parts: Parts, who: StaffSession, said: str) -> list[tuple[str, str]]:
    """Ids and references of the cases that a reference or a number names. Also that there is none
    says something of somebody: each search is journaled."""
    found = _find(parts, said)
    ids = sorted(case_id for case_id, _ in found)
    ends = {"first": ids[0], "last": ids[-1]} if ids else {}
    _journal(parts, who, "", Event.SEARCHED, **ends, count=len(ids))
    return found


def plain_reference(typed: str) -> str:
    """A reference as it is kept, however it is typed: "k7m 4q2", "K7M-4Q2", "#K7M4Q2"."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", typed) if sign.isalnum()).upper()


def _find(parts: Parts, said: str) -> list[tuple[str, str]]:
    reference = plain_reference(said)
    with reading(parts.engine) as conn:
        if len(reference) == 6 and (case_id := desk.id_of(conn, reference)):
            return [(case_id, reference)]
        digits = "".join(str(int(letter)) for letter in said if letter.isdecimal())
        if len(digits) == 10:
            return desk.of_number(conn, parts.sealer, f"+1{digits}")
        return desk.of_number(conn, parts.sealer, f"+{digits}") if len(digits) > 10 else []


def _journal(parts: Parts, who: StaffSession, case_id: str, event: Event, **detail: object) -> None:
    entry = journal.Entry(parts.new_id(), parts.now(), case_id, who.name, event, detail)
    with transaction(parts.engine) as conn:
        journal.write(conn, [entry])
