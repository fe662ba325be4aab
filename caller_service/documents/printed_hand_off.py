"""A hand-off in plain words, for whoever reads it on a page or on paper: a clinic or partner
without a machine of its own.

Made from the packet `hand_off.v1` alone, so it never tells more. Staff read it, so its words stand
here, in English. A code that a city's own protocol adds is told as it is written there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from caller_service.core.case import ENDED, HUMAN_HAS_IT
from caller_service.core.reach import CannotText

from .eido import PRIORITIES, UNKNOWN_PRIORITY, terms

Packet = Mapping[str, Any]
Words = Mapping[str, str]

STAYS = timedelta(days=1)  # how long the list says that what somebody opened was stood down

LEVELS: Words = {
    "R1": "Emergency: life may be in danger. A human is needed now",
    "R2": "A human is needed now",
    "R3": "A mobile team, with priority",
    "R4": "A mobile team",
    "R5": "A counselor calls or texts back",
    "R6": "Information and referral",
}
NO_LEVEL = "How urgent it is nobody knows yet"
STATUSES: Words = {
    "screening": "Still answering questions",
    "open": "Nobody has taken it yet",
    "handed_off": "Nobody has taken it yet",
    "accepted": "Somebody has taken it",
    "assigned": "A team is assigned",
    "en_route": "A team is on its way",
    "arrived": "A team is there",
    "declined": "Declined: somebody else is asked",
    "unreachable": "The person could not be reached",
    "closed": "Stood down: closed",
    "cancelled": "Stood down: cancelled",
}
WANTS: Words = {
    "human": "A human, now",
    "team": "A team without police",
    "counselor": "A counselor calls or texts",
    "information": "Information",
    "call_911": "They call 911 themselves",
    "review": "Not known yet: a human looks at it",
}
IF_NONE: Words = {
    "wait": "Waits, and is kept posted",
    "counselor": WANTS["counselor"],
    "call_988": "988",
    "call_911": WANTS["call_911"],
}
WHO: Words = {
    "me": "The one who wrote",
    "me_minor": "The one who wrote, who is under 18",
    "adult": "An adult they know",
    "someone": "Somebody else",
    "child": "A child or teen",
    "unknown": "Somebody they do not know",
}
NEEDS: Words = {
    "upset": "Very upset or sad",
    "hears": "Hearing or seeing things",
    "high": "Drunk or high",
    "basics": "No shelter, food or clothes",
    "worried": "Worried about somebody",
    "argument": "An argument",
    "other": "Something else",
}
DANGERS: Words = {
    "breathing": "badly hurt, or breathing or waking badly",
    "overdose": "too many pills or drugs",
    "attempt": "already hurt themselves",
    "suicide": "thinks of suicide",
    "violence": "violence",
    "abuse": "a child or an old person is being hurt",
    "weapon": "a weapon",
    "own_weapon": "has a weapon in their own hand",
    "hiding": "hides, or cannot talk",
    "unsafe": "does not feel safe",
    "place": "a dangerous place, or a small child alone",
    "threat_staff": "threatens whoever comes",
}
QUESTIONS: Words = {
    "health": "badly hurt or overdose",
    "safety": "any outward danger",
    "place": "dangerous place",
    "attempt": "already hurt themselves",
    "soon": "within hours",
    "gun": "a gun within reach",
}
ANSWERS: Words = {
    "yes": "yes",
    "no": "no",
    "unsure": "not sure",
    "skipped": "did not say",
    "unreadable": "could not be read",
}
LOCATED: Words = {
    "inside": "in the area we serve",
    "outside": "outside the area we serve",
    "not_live": "in an area that is not served yet",
    "near_edge": "near the edge of our area: check",
    "ambiguous": "more than one place fits: ask",
    "unknown": "not found on our map: ask",
    "skipped": "they did not say",
    "not_asked": "not asked yet",
}
CANNOT_TEXT: Words = {
    CannotText.STOPPED: "They stopped our texts",
    CannotText.BLOCKED: "Their provider refuses our texts",
    CannotText.LANDLINE: "The number is a landline",
    CannotText.UNDELIVERED: "They did not arrive",
}
# the others read well as they are
REASONS: Words = {"upset_hears_or_sees": "very upset, or hears or sees things"}
DOUBTS: Words = {
    "not_asked": "Not asked yet",
    "unsure": "They are not sure",
    "skipped": "They did not say",
    "unreadable": "Their answer could not be read",
}
TIMES: Words = {
    "opened": "They first wrote",
    "heard": "They last wrote",
    "paged": "A human was asked",
    "accepted": "Taken",
    "promised": "Promised for",
}


@dataclass(frozen=True, slots=True)
class PrintedHandOff:
    """One hand-off for one sheet of paper. `lines` are headings with what stands under them, the
    most needed first."""

    reference: str
    revision: int
    level: str
    meaning: str
    status: str
    stood_down: bool
    taken: bool
    lines: tuple[tuple[str, str], ...] = field(repr=False)
    notes: tuple[str, ...] = field(repr=False)  # what the resident wrote, oldest first
    # who of the staff, and what they gave as a reason
    remarks: tuple[tuple[str, str], ...] = field(repr=False)
    times: tuple[tuple[str, datetime], ...] = ()


def printed(packet: Packet, languages: Words) -> PrintedHandOff:
    """The sheet of a packet, with the names of languages by tag. After a stand-down it says how to
    reach nobody: there is nothing left to do."""
    stood_down = packet["status"] in ENDED
    return PrintedHandOff(
        reference=packet["reference"],
        revision=packet["revision"],
        level=packet["level"] or "unknown",
        meaning=meaning(packet["level"]),
        status=_in_words(STATUSES, packet["status"]),
        stood_down=stood_down,
        taken=packet["status"] in HUMAN_HAS_IT,
        lines=tuple(
            (heading, words) for heading, words in _lines(packet, stood_down, languages) if words
        ),
        notes=tuple(note["words"] for note in packet["notes"]),
        remarks=tuple((remark["by"], remark["words"]) for remark in packet["remarks"]),
        times=tuple(
            (words, datetime.fromisoformat(packet["times"][name]))
            for name, words in TIMES.items()
            if name in packet["times"]
        ),
    )


def meaning(level: str | None) -> str:
    return LEVELS[level] if level else NO_LEVEL


def local(at: datetime, time_zone: str) -> str:
    """A moment as a clock on the program's wall shows it: "Mon 23 Nov, 12:04"."""
    there = at.astimezone(ZoneInfo(time_zone))
    return f"{there:%a} {there.day} {there:%b, %H:%M}"


def _lines(packet: Packet, stood_down: bool, languages: Words) -> Iterable[tuple[str, str]]:
    contact, cannot_text = packet["contact"], packet["contact"]["cannot_text"]
    yield "Outcome", _plain(packet["outcome"] or "")
    yield "Careful", _careful(packet)
    yield "Danger", _listed_from(DANGERS, packet.get("dangers", ()))
    yield "Safety answers", _safety(packet.get("safety", {}))
    yield "How to reach them", "Stood down: do not contact them." if stood_down else terms(contact)
    yield "Number", "" if stood_down else _number(contact)
    yield "Texts", _in_words(CANNOT_TEXT, cannot_text) if cannot_text else ""
    yield "Language", _language(packet, languages)
    yield "Place", _place(packet["place"])
    yield "Wants", _in_words(WANTS, packet["response"])
    yield (
        "If no team is free",
        _in_words(IF_NONE, packet["contingency"]) if packet["response"] == "team" else "",
    )
    yield "Who needs help", _in_words(WHO, packet["who"])
    yield "Need", _in_words(NEEDS, packet["need"])
    yield "Know before you go", _listed(packet["markers"])
    yield "Why this level", _listed(packet["reasons"])
    yield "Team asked for", packet["team"] or ""
    yield "Not served because", _plain(packet["unserved"] or "")
    yield "Police", _police(packet)
    yield "Incident type", _incident_type(packet)
    yield "Earlier request", "They asked before: dispatch has it" if packet["related"] else ""
    linked = "Other cases may be about the same people or place"
    yield "Linked", linked if packet.get("linked") else ""


def _number(contact: Packet) -> str:
    if not contact["number"]:
        return "Not given: it is not known to be safe"
    limited = contact.get("number_condition") == "emergency_services_only"
    return (
        f"{contact['number']}: contact was not asked. For emergency services only"
        if limited
        else str(contact["number"])
    )


def _safety(answers: Packet) -> str:
    """What was answered, and in words what was not asked: never a dash, never a "no"."""
    told = [
        f"{QUESTIONS.get(name, _plain(name))}: {ANSWERS.get(answer, _plain(answer))}"
        for name, answer in answers.items()
        if answer != "not_asked"
    ]
    missing = [
        QUESTIONS.get(name, _plain(name))
        for name, answer in answers.items()
        if answer == "not_asked"
    ]
    return (
        "; ".join((*told, *([f"not asked: {', '.join(missing)}"] if missing and told else [])))
        if told
        else ""
    )


def _listed_from(known: Words, codes: Iterable[str]) -> str:
    return "; ".join(known.get(code) or _plain(code) for code in codes)


def _careful(packet: Packet) -> str:
    told = [
        *(["A human looks at it first."] if packet["review"] else []),
        *(["They asked to cancel: a human must answer."] if packet["asked_to_cancel"] else []),
        *(
            ["Somebody threatened whoever comes: no team moves before a human has read."]
            if "threat_staff" in packet.get("dangers", ())
            else []
        ),
        *(
            ["Somebody else may hold the phone."]
            if packet.get("conversation", {}).get("phone_in_other_hands")
            else []
        ),
    ]
    return " ".join(told)


def _language(packet: Packet, languages: Words) -> str:
    code = str(packet["language"]["bcp47"])
    name = languages.get(code, code)
    if packet["interpreter"]:
        return f"{name}. An interpreter is needed."
    if name == "English":
        return name
    return (
        f"{name}. The team speaks it."
        if packet["team"]
        else f"{name}. Bring an interpreter if none of you speaks it."
    )


def _place(place: Packet) -> str:
    point = place["point"]
    told = [place["text"] or "No words given", _in_words(LOCATED, place["located"])]
    return "; ".join(
        (
            *told,
            *([f"latitude {point['latitude']}, longitude {point['longitude']}"] if point else []),
        )
    )


def _incident_type(packet: Packet) -> str:
    told = packet.get("incident_type")
    return f"{told['type']}, set by {told['by']}" if told else ""


POLICE_ASKED_BY: Words = {
    "team": "the team asked for them",
    "staff": "somebody here called 911",
    "resident": "the resident, or somebody with them, asked for them",
    "others": "somebody else asked for them",
    "unknown": "nobody knows who asked for them",
}
POLICE_TOLD: Words = {
    "yes": "the resident was told before",
    "no": "the resident was not told before",
    "unknown": "nobody knows if the resident was told before",
}


def _police(packet: Packet) -> str:
    """What was recorded of police; what was not is not said to be otherwise."""
    told, called = packet.get("police"), packet.get("called_911")
    if not told and called:
        knew = POLICE_TOLD["yes" if called["resident_told"] else "no"]
        return f"{called['by']} called 911 for this place: they may come; {knew}"
    if not told:
        return "Not requested"
    if told["present"] != "yes":
        return {"no": "Were not there"}.get(told["present"], "Nobody knows if they were there")
    asked = _in_words(POLICE_ASKED_BY, told["asked_by"] or "unknown")
    return f"Were there: {asked}; {_in_words(POLICE_TOLD, told['resident_told'] or 'unknown')}"


def _in_words(known: Words, code: str) -> str:
    return known.get(code) or DOUBTS.get(code) or _plain(code)


def _plain(code: str) -> str:
    return code.removesuffix(".doubt").replace("_", " ").replace(".", ": ") + (
        ": in doubt" if code.endswith(".doubt") else ""
    )


def _listed(codes: Sequence[str]) -> str:
    return "; ".join(REASONS.get(code) or _plain(code) for code in codes)


# ---- the list ------------------------------------------------------------------------------------
UNOPENED, CHANGED, OPENED = "Not opened yet", "Changed since you opened it", "Opened"


@dataclass(frozen=True, slots=True)
class Listed:
    """A hand-off on the list: references, codes and times, nobody's words."""

    hand_off_id: str
    reference: str
    level: str | None
    status: str
    opened_at: datetime
    told_at: datetime  # when its newest revision was made
    revision: int
    read: int  # the newest revision that was opened here; 0: none

    @property
    def standing(self) -> str:
        if self.read >= self.revision:
            return OPENED
        return CHANGED if self.read else UNOPENED

    @property
    def waits(self) -> bool:
        return self.read < self.revision

    @property
    def stood_down(self) -> bool:
        return self.status in ENDED

    @property
    def meaning(self) -> str:
        return meaning(self.level)

    @property
    def in_words(self) -> str:
        return _in_words(STATUSES, self.status)


def in_order(found: Iterable[Listed]) -> list[Listed]:
    """What waits to be read before what was read; the most urgent first, then the oldest."""
    return sorted(
        found,
        key=lambda one: (
            not one.waits,
            -PRIORITIES.get(one.level or "", UNKNOWN_PRIORITY),
            one.opened_at,
        ),
    )
