"""The text of a case's row in the queue: English for staff, made from codes. Residents' own words
are shown unchanged, without bidirectional control characters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from babel import Locale

from caller_service.casework.desk import Queue, Queued, Rail
from caller_service.casework.parts import Parts
from caller_service.core.case import Case, Status
from caller_service.core.desk import Band, holder_clock, waits
from caller_service.core.hand_off import place_text
from caller_service.core.marks import Mark
from caller_service.core.protocol import DOUBT
from caller_service.core.reach import CannotText, ContactAnswer
from caller_service.core.safe_contact import CALL_ALLOWED, TEXT_ALLOWED, Standing, standing
from caller_service.core.said import Said
from caller_service.documents.printed_hand_off import (
    ANSWERS,
    DANGERS,
    IF_NONE,
    LOCATED,
    NEEDS,
    QUESTIONS,
)

NAMES = Locale("en")
LEVELS = {
    "R1": "Emergency", "R2": "Human now", "R3": "Team soon", "R4": "Team", "R5": "Counselor",
    "R6": "Information",
}  # fmt: skip
ABOUT = {
    "me": "Me",
    "me_minor": "Me, under 18",
    "adult": "Adult they know",
    "someone": "Somebody else",
    "child": "A child or teen",
    "unknown": "A stranger",
}
BANDS = {
    Band.NOBODY: ("Nobody yet", "A person is needed now. Emergency first, then the oldest."),
    Band.HUMAN: ("With a human", ""),
    Band.READ: ("To read", "Nobody is called for these until they are late."),
    Band.TEAMS: ("Teams", ""),
    Band.OTHER: ("Counselor and information", ""),
    Band.ASKING: ("Still answering questions", "Software asks. Nobody is needed yet."),
}
EMPTY = {
    Band.NOBODY: "Nobody waits for a person.",
    Band.HUMAN: "No human has a danger in hand now.",
    Band.READ: "Nothing waits to be read.",
    Band.TEAMS: "No team is asked for.",
}
_STATUS = {
    Status.ACCEPTED: "taken",
    Status.ASSIGNED: "assigned",
    Status.EN_ROUTE: "on the way",
    Status.ARRIVED: "there",
}
# U+200E/F, 202A-E, 2066-9: removed when shown, kept in the database
_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(words: str) -> str:
    """Somebody's words without bidirectional control characters, which would change the text beside
    them."""
    return _MARKS.sub("", words)


def age(span: timedelta) -> str:
    """m:ss to 59:59, then "1 h 12"."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02d}"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes:02d}" if hours < 48 else f"{hours // 24} days"


@dataclass(frozen=True, slots=True)
class Moment:
    """A time that a page counts from or to: its current text, and when it is late."""

    at: datetime
    shown: str
    to: bool = False  # it counts down
    late_at: datetime | None = None
    late: bool = False

    @property
    def epoch(self) -> int:
        return int(self.at.timestamp())

    @property
    def late_after(self) -> int:
        """Seconds from its start until it is late."""
        return int(self.late_at.timestamp()) - self.epoch if self.late_at else 0


def since(at: datetime, now: datetime, late_at: datetime | None = None) -> Moment:
    return Moment(at, age(now - at), False, late_at, late_at is not None and now > late_at)


def until(at: datetime, now: datetime) -> Moment:
    return Moment(at, age(at - now), True, at, now > at)


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """The text of a row of the queue."""

    key: str  # the case's id
    tag: str  # changes when the row's text does, apart from running clocks
    reference: str
    band: Band
    level: str  # r1 … r6, or rv for a case to be read
    level_words: str
    code: str
    untaken: bool
    age: Moment
    allowed: str
    held_against: Moment | None  # the wait itself, if it began after the first message
    who: str
    who_more: str
    who_since: Moment | None
    following: str
    following_in: Moment | None
    what: str
    words: str
    about: str
    forbidden: str
    reach: str
    where: str
    area: str
    unread: int
    last: str
    last_at: Moment | None
    last_late: bool
    mine: bool


def row_of(one: Queued, queue: Queue | Rail, parts: Parts, me: str) -> Row:
    case, now = one.case, queue.now
    waiting = waits(case, parts.program)
    opened = case.marks.get(Mark.OPENED, now)
    late_at = waiting.since + waiting.allowed if waiting else None
    began_later = waiting is not None and waiting.since - opened > timedelta(seconds=60)
    level = case.level.name if case.level is not None else ""
    reading = one.band == Band.READ
    who, more, at = _who(one, parts)
    last, last_at, last_late = _last(case, now, me, parts)
    forbidden, reach = how_to_reach(case, parts)
    following = one.following
    return Row(
        key=case.id,
        tag=f"{case.version}.{one.unread}",
        reference=case.reference,
        band=one.band,
        level="rv" if reading or not level else level.lower(),
        level_words="To read" if reading else LEVELS.get(level, "Not known yet"),
        code="" if reading else level,
        untaken=one.band == Band.NOBODY,
        age=since(opened, now, None if began_later else late_at),
        allowed=age(waiting.allowed) if waiting else "",
        held_against=since(waiting.since, now, late_at) if waiting and began_later else None,
        who=who,
        who_more=more,
        who_since=since(at, now) if at else None,
        following=_first(following.names) if following else "",
        following_in=until(following.due, now) if following else None,
        what=what(case),
        words=_last_words(case),
        about=about(case),
        forbidden=forbidden,
        reach=reach,
        where=plain(place_text(case)) or "Not known",
        area=area_name(case, parts) or LOCATED.get(case.located or "not_asked", ""),
        unread=one.unread,
        last=last,
        last_at=last_at,
        last_late=last_late,
        mine=me in (case.holder, case.accepted_by),
    )


def _last_words(case: Case) -> str:
    """What they wrote last, skipping the numbers of choices, which mean nothing by themselves."""
    said = (words for words in reversed(case.narrative) if any(map(str.isalpha, words)))
    return plain(next(said, ""))[:120]


def _first(names: tuple[str, ...]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else "".join(names)


def _who(one: Queued, parts: Parts) -> tuple[str, str, datetime | None]:
    """Who has it, how, and since when."""
    case = one.case
    team = next((team.name for team in parts.program.teams if team.id == case.team), "")
    if one.band == Band.NOBODY and case.in_charge:
        return case.in_charge, "did not write", case.marks.get(Mark.LAPSED)
    if case.in_danger and case.in_charge and one.band == Band.HUMAN:
        if case.unjoined:
            return case.in_charge, "not written", case.marks.get(Mark.ACKNOWLEDGED)
        return case.in_charge, "joined", case.marks.get(Mark.JOINED)
    if case.held:
        return case.holder, "writes", case.marks.get(Mark.LED)
    if case.human_has_it:
        at = case.marks.get(case.status.value)
        return team or case.accepted_by or "A team", _STATUS[case.status], at
    if one.band == Band.ASKING:
        return "Software", "", None
    if not one.asked:
        return "Nobody yet", "", None
    last = one.asked[-1]
    more = f"{last.name} asked" if len(one.asked) == 1 else f"{len(one.asked)} asked"
    return "Nobody yet", more, None


def what(case: Case) -> str:
    """What is wrong, dangers and doubts first. Never shows a "no" that nobody gave."""
    told = []
    for name in ("health", "violence", "weapon", "place", "suicide", "attempt", "soon", "gun"):
        answer = case.answers.get(name, "no")
        if answer == "yes" or answer in DOUBT:
            words = QUESTIONS.get(name, name)
            told.append(f"{words}: {ANSWERS.get(answer, answer)}")
    if not told and case.answers.get("safety", "no") != "no":
        told.append(f"{QUESTIONS['safety']}: {ANSWERS.get(case.answers['safety'], 'in doubt')}")
    told += [DANGERS[kind] for kind in DANGERS if kind in case.said]
    if case.watched:
        told.insert(0, "watched: do not write first")
    if not told and (need := case.answers.get("need")):
        told.append(NEEDS.get(need, need))
    if not told and case.response == "counselor":
        told.append(IF_NONE["counselor"])
    if not told and Said.STORY in case.said:
        told.append("a story, no answer given")
    words = "; ".join(told) or ("Nothing known yet" if not case.answers else "No danger named")
    return words[:1].upper() + words[1:]


def about(case: Case) -> str:
    words = ABOUT.get(case.answers.get("who", ""), "Not known")
    return f"{words}, under 18" if Said.MINOR in case.said and "18" not in words else words


def area_name(case: Case, parts: Parts) -> str:
    return next((area.name for area in parts.program.areas if area.id == case.area), "")


def language_name(tag: str, parts: Parts) -> str:
    """The English name of a language, also of one without translations."""
    known = parts.catalog.languages.get(tag)
    return known.name if known else NAMES.languages.get(tag.partition("-")[0], tag)


def how_to_reach(case: Case, parts: Parts) -> tuple[str, str]:
    """What is forbidden, "" for nothing; and the channel they used, with their language."""
    way = (
        "On the line"
        if case.on_line
        else {"web": "Web page", "phone": "Call"}.get(case.channel, "Text")
    )
    tongue = language_name(case.unread_language or case.language, parts)
    way = f"{way} · {tongue}"
    contact, stands = case.answers.get("contact"), standing(case)
    if contact == ContactAnswer.TEXT_DEAF:
        way = f"{way} · deaf"
    texts = contact in TEXT_ALLOWED and "text" not in case.withdrawn
    calls = contact in CALL_ALLOWED and "call" not in case.withdrawn
    texts = texts and case.cannot_text != CannotText.STOPPED
    table = (
        (stands == Standing.WATCHED, "do not write first"),
        (case.parked, "another has the phone"),
        (stands == Standing.UNSAFE or contact == ContactAnswer.UNSAFE, "do not call or text"),
        (stands == Standing.UNWANTED, "no contact wanted"),
        (texts and calls, ""),
        (texts, "no calls"),
        (calls, "no texts"),
        (stands == Standing.STOPPED, "no texts, no calls"),
        (contact == ContactAnswer.PAGE, "only the page"),
        (True, "not asked: answer only"),
    )
    return next(words for holds, words in table if holds), way


def _last(case: Case, now: datetime, me: str, parts: Parts) -> tuple[str, Moment | None, bool]:
    """What happened last, since when, and when it is late."""
    clock = holder_clock(case, parts.program)
    if clock is not None:
        first = clock.name == "join"
        if now > clock.due:
            late = "first words late by" if first else "reply late by"
            return late, since(clock.due, now), True
        return ("write in" if first else "reply in"), until(clock.due, now), True
    if case.on_line:
        return "On the line", None, False
    marks = case.marks
    if case.late:
        return "Late, they were told", since(marks[Mark.LATE_TOLD], now), True
    promised = marks.get(Mark.PROMISED)
    if promised and case.status in (Status.ACCEPTED, Status.ASSIGNED, Status.EN_ROUTE):
        return "Promised in", until(promised, now), now > promised
    heard, noted = marks.get(Mark.HEARD, now), marks.get(Mark.NOTED)
    if noted and noted > heard:
        name = "You" if case.in_charge == me else case.in_charge or "A human"
        return f"{name} wrote", since(noted, now), False
    unheld = case.in_danger and (case.page_waits or not case.in_charge)
    return "Silent" if unheld else "They wrote", since(heard, now), False
