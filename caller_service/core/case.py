"""A case: one request for help, from the first word to its end, and how its status may move.

What is asked next is a function of protocol and answers; a case keeps codes, not a program counter.
The three private things (narrative, place, code word) stay out of `repr` and are kept encrypted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .effect import Effects
from .marks import Mark
from .outcome import Outcome
from .protocol import HUMAN_NOW, Facts, Level
from .said import DANGER_KINDS, Said


class Status(StrEnum):
    SCREENING = "screening"
    OPEN = "open"
    HANDED_OFF = "handed_off"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    DECLINED = "declined"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    UNREACHABLE = "unreachable"


ENDED = frozenset({Status.CLOSED, Status.CANCELLED})
HUMAN_HAS_IT = frozenset({Status.ACCEPTED, Status.ASSIGNED, Status.EN_ROUTE, Status.ARRIVED})
_WAITING = frozenset(
    {Status.SCREENING, Status.OPEN, Status.HANDED_OFF, Status.DECLINED, Status.UNREACHABLE}
)

# What may follow what. A report may arrive late or skip a step; it never goes backwards (domain.md
# section 7).
MOVES: Mapping[Status, frozenset[Status]] = {
    Status.OPEN: frozenset({Status.SCREENING}),
    Status.HANDED_OFF: frozenset(
        {Status.SCREENING, Status.OPEN, Status.DECLINED, Status.UNREACHABLE}
    ),
    Status.ACCEPTED: _WAITING,
    Status.DECLINED: frozenset(
        {
            Status.OPEN,
            Status.HANDED_OFF,
            Status.UNREACHABLE,
            Status.ACCEPTED,
            Status.ASSIGNED,
            Status.EN_ROUTE,
        }
    ),
    Status.ASSIGNED: _WAITING | {Status.ACCEPTED},
    Status.EN_ROUTE: _WAITING | {Status.ACCEPTED, Status.ASSIGNED},
    Status.ARRIVED: _WAITING | {Status.ACCEPTED, Status.ASSIGNED, Status.EN_ROUTE},
    Status.UNREACHABLE: _WAITING | HUMAN_HAS_IT,
    Status.CANCELLED: _WAITING | HUMAN_HAS_IT,
    Status.CLOSED: _WAITING | HUMAN_HAS_IT,
}

# after one of these, being late is news again
PROMISED_ANEW = (Mark.ACCEPTED, Mark.ACKNOWLEDGED, Mark.ASSIGNED, Mark.EN_ROUTE)

VIOLENCE_SAID = frozenset(
    {Said.VIOLENCE, Said.ABUSE, Said.WEAPON, Said.HIDING, Said.EMERGENCY_HIDDEN}
)
ANSWERED_KINDS = {
    "health": Said.BREATHING, "violence": Said.VIOLENCE, "weapon": Said.WEAPON,
    "place": Said.PLACE, "suicide": Said.SUICIDE, "attempt": Said.ATTEMPT,
}  # fmt: skip

# R1 closes only when a human records one of these (domain.md section 2, rule 3).
DANGER_OUTCOMES = frozenset({
    Outcome.EMERGENCY_HELP_CONFIRMED, Outcome.PASSED_TO_SERVICE, Outcome.COUNSELOR_JOINED,
    Outcome.REFUSED_PLAN_MADE, Outcome.NO_DANGER_FOUND, Outcome.SAFE, Outcome.LOST,
})  # fmt: skip
OUTCOMES = frozenset(Outcome) - {Outcome.TEST}  # nobody of the staff can end a case with that


@dataclass(frozen=True)  # without slots: `replace` below copies the dictionary
class Case:
    id: str
    reference: str
    contact: str
    language: str
    status: Status = Status.SCREENING
    version: int = 0
    answers: Mapping[str, str] = field(default_factory=dict)
    # core/said.py, and names that an older release stored
    said: frozenset[str] = frozenset()
    located: str = ""  # inside, outside, not_live, near_edge, ambiguous, unknown, skipped
    area: str = ""
    point: tuple[float, float] | None = field(default=None, repr=False)  # longitude, latitude
    because: tuple[str, ...] = ()  # every reason that ever fired, in order
    set_aside: frozenset[str] = frozenset()  # reasons a named human has answered for
    level: Level | None = None
    review: bool = False  # a human looks at it before anything is done with it
    asked: str = ""
    # the choices that were sent with the open question, as they were numbered
    offered: tuple[str, ...] = ()
    again: tuple[str, ...] = ()  # asked once more before the row goes on
    unreadable: int = 0
    too_fast: int = 0  # answers to the open question that came before it can have been read
    response: str = ""  # human, team, counselor, information, call_911
    team: str = ""
    # the language they wrote in, if it is none of the program's (rule 26)
    unread_language: str = ""
    interpreter: bool = False  # nobody of the team speaks the resident's language
    unserved: str = ""  # core/outcome.py
    outcome: str = ""  # the same
    round: int = 0  # how often people were paged for it
    rung: int = 0
    review_rung: int = 0  # how far the review ladder is climbed, beside the other
    accepted_by: str = field(default="", repr=False)
    # whose own words the resident has: the one human voice (rule 20)
    holder: str = field(default="", repr=False)
    # question -> who answered it for the resident
    answered_for: Mapping[str, str] = field(default_factory=dict, repr=False)
    withdrawn: frozenset[str] = frozenset()  # what they took back in words: text, call (rule 10)
    # who confirmed that they looked at a minor's case (rule 14)
    minor_reviewed: str = field(default="", repr=False)
    # after a disclosure: "made" or "not_required" (rule 14); who and when stand in the remarks
    report: str = ""
    # the last of the lines that say "we have your message": nobody hears the same twice
    line: str = ""
    truth_line: str = ""  # the same for the truth about waiting
    # the phone is in other hands: another case of this contact gets what is written (rule 10)
    parked: bool = False
    # for EIDO, as a named human set it; "": software's own (documents/eido.py)
    incident_type: str = ""
    typed_by: str = field(default="", repr=False)
    revision: int = 0  # of the hand-off; 0: never handed off
    sent: str = ""  # fingerprint of what the last revision told
    told: str = ""  # the status words said last
    quiet: bool = False  # updates stopped, request kept
    cannot_text: str = ""  # core/reach.py, CannotText; "" while texts reach them
    related: str = ""
    protocol_hash: str = ""
    # of the synthetic resident (`caller-service probe`): goes to no human, texts nobody, counts
    # nowhere
    test: bool = False
    # when each thing last happened: core/marks.py, and names that an older release stored
    marks: Mapping[str, datetime] = field(default_factory=dict)
    narrative: tuple[str, ...] = field(default=(), repr=False)
    # what dispatch gave as a reason: who, words
    remarks: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    # last texts: when, and a fingerprint of the words
    recent: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    place: str = field(default="", repr=False)
    code_word: str = field(default="", repr=False)
    # what of the private things did not open, as it was kept: nothing of it is lost by a write
    unopened: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def in_danger(self) -> bool:
        """A human is needed now (R1 or R2)."""
        return self.level is not None and self.level >= HUMAN_NOW

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def human_has_it(self) -> bool:
        return self.status in HUMAN_HAS_IT

    @property
    def danger_sign(self) -> bool:
        """Something dangerous was said or doubted, though nobody may have been paged for it yet. A
        stranger's mere doubt is reviewed instead (domain.md section 2, rule 2)."""
        signs = {self.answers.get("safety"), self.answers.get("suicide")} - {None, "no"}
        return "yes" in signs if self.answers.get("who") == "unknown" else bool(signs)

    @property
    def watched(self) -> bool:
        return Said.WATCHED in self.said

    @property
    def about_another(self) -> bool:
        """Asked for by somebody else than the person who needs help."""
        return self.answers.get("who") in ("adult", "child", "unknown")

    @property
    def page_waits(self) -> bool:
        """People are being paged, and nobody has accepted since; or who accepted did not come (rule
        21)."""
        paged = self.marks.get(Mark.FIRST_PAGED)
        accepted = self.marks.get(Mark.ACKNOWLEDGED)
        lapsed = self.marks.get(Mark.LAPSED)
        if paged is None or not self.in_danger or self.ended:
            return False
        if self.holder:
            return lapsed is not None
        return accepted is None or accepted < paged or (lapsed is not None and lapsed >= accepted)

    @property
    def unjoined(self) -> bool:
        """People were paged for a danger, and no human's own words have gone out since (rule 4)."""
        paged = self.marks.get(Mark.FIRST_PAGED)
        joined = self.marks.get(Mark.JOINED)
        return (
            self.in_danger
            and paged is not None
            and not self.ended
            and (joined is None or joined < paged)
        )

    @property
    def in_charge(self) -> str:
        """Who speaks with them, else who accepted; "" while nobody has it."""
        return self.holder or self.accepted_by

    @property
    def held(self) -> bool:
        """A human speaks with them: software asks nothing and reads nothing as an answer (rule
        20)."""
        return bool(self.holder) and not self.ended

    @property
    def left(self) -> bool:
        """A human spoke with them in danger, and just now nobody does: software does not take it
        back (rule 20)."""
        return self.in_danger and not self.holder and Mark.SPOKEN in self.marks and not self.ended

    @property
    def minor(self) -> bool:
        """Under 18, by answer or by words: the one who writes, or the child it is about."""
        return self.answers.get("who") in ("me_minor", "child") or Said.MINOR in self.said

    @property
    def violent(self) -> bool:
        """A sign of violence or hiding: from here on software only replies (rule 5). A detail not
        asked is no "no"."""
        if self.answers.get("violence", "no") != "no" or self.answers.get("weapon", "no") != "no":
            return True
        if (
            self.answers.get("safety", "no") != "no"
            and not {"violence", "weapon"} <= self.answers.keys()
        ):
            return True
        return bool(VIOLENCE_SAID & self.said)

    @property
    def dangers(self) -> tuple[str, ...]:
        """Every kind of danger that was said or answered, by its code."""
        answered = {
            kind for name, kind in ANSWERED_KINDS.items() if self.answers.get(name) == "yes"
        }
        return tuple(kind for kind in DANGER_KINDS if kind in self.said or kind in answered)

    @property
    def not_told(self) -> bool:
        """News, or words a human wrote, have reached the resident by no way."""
        return Mark.UNTOLD in self.marks or Mark.NOTE_LOST in self.marks

    @property
    def late(self) -> bool:
        """It takes longer than was said, and nothing was promised since."""
        told = self.marks.get(Mark.LATE_TOLD)
        return told is not None and not any(
            told < self.marks[mark] for mark in PROMISED_ANEW if mark in self.marks
        )

    @property
    def awaits_answer(self) -> bool:
        """Dispatch asked the resident something, and they have not written since."""
        asked = self.marks.get(Mark.ASKED_RESIDENT)
        return asked is not None and self.marks[Mark.HEARD] <= asked

    @property
    def latest(self) -> datetime | None:
        """When anything last happened to it; what is promised is still to come."""
        return max((at for name, at in self.marks.items() if name != Mark.PROMISED), default=None)

    def facts(self) -> Facts:
        known = {name: frozenset({answer}) for name, answer in self.answers.items()}
        known["said"] = self.said
        if self.located:
            known["located"] = frozenset({self.located})
        return known

    def marked(self, at: datetime, *marks: Mark) -> Case:
        """The case after these happened."""
        return replace(self, marks={**self.marks, **dict.fromkeys(marks, at)})

    def unmarked(self, *marks: Mark) -> Case:
        """The case with these undone."""
        return replace(
            self, marks={mark: at for mark, at in self.marks.items() if mark not in marks}
        )

    def remarked(self, by: str, words: str) -> Case:
        """With a reason in somebody's own words: sealed with the case and told to dispatch, never
        in the journal."""
        return replace(self, remarks=(*self.remarks, (by, words))) if words else self


_NAMES = tuple(each.name for each in fields(Case))

if TYPE_CHECKING:
    from dataclasses import replace as replace
else:
    _KNOWN = frozenset(_NAMES)

    def replace(case: Case, **changes: Any) -> Case:
        """The case with some things changed: as dataclasses.replace, at a tenth of its price for so
        many fields.

        A turn changes a case some ten times. Raises TypeError for what a case does not have.
        """
        if not _KNOWN.issuperset(changes):
            raise TypeError(f"a case has no {', '.join(sorted(changes.keys() - _KNOWN))}")
        changed = object.__new__(Case)
        changed.__dict__.update(case.__dict__, **changes)
        return changed


@dataclass(frozen=True, slots=True)
class Step:
    """What a decision came to: the case as it now is, and what must happen."""

    case: Case
    effects: Effects = ()

    def then(self, *effects: Any) -> Step:
        return Step(self.case, self.effects + effects)


class CannotMove(Exception):
    """A status that does not follow from where the case stands."""


def move(case: Case, to: Status, now: datetime) -> Case:
    """The case in its new status. The same status again changes nothing; a step back raises
    CannotMove."""
    if to == case.status:
        return case
    if case.status not in MOVES.get(to, frozenset()):
        raise CannotMove(f"{case.status} to {to}")
    return replace(case, status=to).marked(now, Mark(to.value))


def to_plain(case: Case) -> dict[str, Any]:
    """The case as JSON can hold it, the private fields included: the caller keeps those
    encrypted."""
    plain = vars(case) | {
        "answers": dict(case.answers),
        "because": list(case.because),
        "again": list(case.again),
        "offered": list(case.offered),
        "answered_for": dict(case.answered_for),
        "withdrawn": sorted(case.withdrawn),
        "recent": [list(one) for one in case.recent],
        "narrative": list(case.narrative),
        "remarks": [list(remark) for remark in case.remarks],
        "said": sorted(case.said),
        "set_aside": sorted(case.set_aside),
        "status": case.status.value,
        "level": case.level.name if case.level is not None else None,
        "marks": {name: at.isoformat() for name, at in case.marks.items()},
    }
    return plain


def from_plain(plain: Mapping[str, Any]) -> Case:
    """The case that `to_plain` made this of. Unknown names are refused: they would be lost on the
    next write."""
    told = dict(plain)
    told |= {
        "said": frozenset(plain.get("said", ())),
        "set_aside": frozenset(plain.get("set_aside", ())),
        "status": Status(plain.get("status", "screening")),
        "level": Level[plain["level"]] if plain.get("level") else None,
        "marks": {name: datetime.fromisoformat(at) for name, at in plain.get("marks", {}).items()},
        "because": tuple(plain.get("because", ())),
        "again": tuple(plain.get("again", ())),
        "offered": tuple(plain.get("offered", ())),
        "withdrawn": frozenset(plain.get("withdrawn", ())),
        "recent": tuple((at, words) for at, words in plain.get("recent", ())),
        "narrative": tuple(plain.get("narrative", ())),
        "remarks": tuple((by, words) for by, words in plain.get("remarks", ())),
        "point": tuple(plain["point"]) if plain.get("point") else None,
    }
    return Case(**told)
