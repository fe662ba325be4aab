"""A case: one request for help from the first text to its end, and how its status may change.

The next question is a function of protocol and answers, so a case stores codes and no position in a
script. The private fields (narrative, place, code word) stay out of `repr` and are stored
encrypted.
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
from .protocol import DOUBT, HUMAN_NOW, Facts, Level
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


class Channel(StrEnum):
    """`Case.channel`: where a request began."""

    TEXT = "text"
    PHONE = "phone"
    WEB = "web"


ENDED = frozenset({Status.CLOSED, Status.CANCELLED})
HUMAN_HAS_IT = frozenset({Status.ACCEPTED, Status.ASSIGNED, Status.EN_ROUTE, Status.ARRIVED})
_WAITING = frozenset(
    {Status.SCREENING, Status.OPEN, Status.HANDED_OFF, Status.DECLINED, Status.UNREACHABLE}
)

# Which statuses may come before each status. A report may be late or skip a step; it never goes
# back (docs/dispatch-api.md).
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

# after one of these nobody is late any more, and a delay is news again
NOT_LATE_ANY_MORE = (
    Mark.ACCEPTED, Mark.ACKNOWLEDGED, Mark.ASSIGNED, Mark.EN_ROUTE,
    Mark.ARRIVED, Mark.UNREACHABLE, Mark.DECLINED,
)  # fmt: skip

VIOLENCE_SAID = frozenset(
    {Said.VIOLENCE, Said.ABUSE, Said.WEAPON, Said.HIDING, Said.EMERGENCY_HIDDEN}
)
ANSWERED_KINDS = {
    "health": Said.BREATHING, "violence": Said.VIOLENCE, "weapon": Said.WEAPON,
    "place": Said.PLACE, "suicide": Said.SUICIDE, "attempt": Said.ATTEMPT,
}  # fmt: skip

# R1 closes only when a human records one of these (docs/safety-rules.md, rule 3).
DANGER_OUTCOMES = frozenset({
    Outcome.EMERGENCY_HELP_CONFIRMED, Outcome.PASSED_TO_SERVICE, Outcome.COUNSELOR_JOINED,
    Outcome.REFUSED_PLAN_MADE, Outcome.NO_DANGER_FOUND, Outcome.SAFE, Outcome.LOST,
})  # fmt: skip
OUTCOMES = frozenset(Outcome) - {Outcome.TEST}  # staff cannot close a case with TEST


def _later(marks: Mapping[str, datetime], began: Mark, ended: Mark) -> bool:
    """Did this begin, and not end since?"""
    if began not in marks:
        return False
    return ended not in marks or marks[ended] < marks[began]


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
    because: tuple[str, ...] = ()  # every reason that ever applied, in order
    set_aside: frozenset[str] = frozenset()  # reasons that a named human has set aside
    level: Level | None = None
    # a named human holds it for at least so urgent, "R1" or "R2"; "": nobody said so (rule 1)
    raised: str = ""
    review: bool = False  # a human must review it first
    asked: str = ""
    asked_aloud: bool = False  # by phone or page: a text answers only what was texted
    spoken: tuple[str, ...] = ()  # parts that were answered on the phone (core/protocol.py, Part)
    channel: str = Channel.TEXT  # where the request began; an older release stored none
    deaf: bool = False  # they said so on a page or in words, whatever became of their number
    on_web: bool = False  # they have a private page, and words to them can wait there
    # the choices that were sent with the open question, as they were numbered
    offered: tuple[str, ...] = ()
    again: tuple[str, ...] = ()  # questions to ask once more before the others
    unreadable: int = 0
    too_fast: int = 0  # answers that came before the open question can have been read
    response: str = ""  # human, team, counselor, information, call_911
    team: str = ""
    # the language they wrote in, if it is none of the program's (rule 26)
    unread_language: str = ""
    interpreter: bool = False  # nobody in the team speaks the resident's language
    unserved: str = ""  # core/outcome.py
    outcome: str = ""  # the same
    round: int = 0  # how many times paging started for this case
    rung: int = 0
    review_rung: int = 0  # the rung of the review ladder, which is separate
    accepted_by: str = field(default="", repr=False)
    # the human who leads the conversation (rule 20)
    holder: str = field(default="", repr=False)
    # who led it, while none of their words is known to have arrived (core/holding.never_heard)
    unheard: str = field(default="", repr=False)
    # who was asked to take it over, and who asked, while they had it (core/shift_end.py)
    handover_to: str = field(default="", repr=False)
    handover_by: str = field(default="", repr=False)
    # question -> who answered it on the resident's behalf
    answered_for: Mapping[str, str] = field(default_factory=dict, repr=False)
    withdrawn: frozenset[str] = frozenset()  # ways of contact they took back: text, call (rule 10)
    # who confirmed that they reviewed a minor's case (rule 14)
    minor_reviewed: str = field(default="", repr=False)
    # after a disclosure: "made" or "not_required" (rule 14); who and when is in the remarks
    report: str = ""
    # beside the outcome (core/outcome.py, Police): were police there, who asked, who knew before
    police: str = ""
    police_asked_by: str = ""
    police_told: str = ""
    # what those three were before each correction, oldest first (core/police_record.py)
    police_before: tuple[tuple[str, str, str], ...] = ()
    # the last "we have your message" line, so that none is repeated
    line: str = ""
    truth_line: str = ""  # the same for "nobody has joined yet"
    # keys of the last answer to a text of theirs: none is given twice in a row
    answered_with: tuple[str, ...] = ()
    # somebody else uses the phone: texts go to another case of this contact (rule 10)
    parked: bool = False
    # a named human called 911 for this place, and what the resident knew before (core/call_911.py)
    called_911: str = field(default="", repr=False)
    told_911: str = ""
    # the call that joins staff to the PSAP's line (its id), and what became of it
    psap_call: str = ""
    psap_how: str = ""
    # for EIDO, as set by a named human; "": chosen by software (documents/eido.py)
    incident_type: str = ""
    typed_by: str = field(default="", repr=False)
    revision: int = 0  # number of the last hand-off revision; 0: never handed off
    sent: str = ""  # fingerprint of the last revision's content
    told: str = ""  # key of the status words sent last
    quiet: bool = False  # updates stopped, request kept
    cannot_text: str = ""  # core/reach.py, CannotText; "" while texts reach them
    related: str = ""  # the id of their earlier request, or of the other one on a shared phone
    # ids of the cases that staff linked: about the same people, or the same place
    linked: tuple[str, ...] = ()
    protocol_hash: str = ""
    # a test case of `caller-service probe`: reaches no human, sends no texts, is not counted
    test: bool = False
    # who set a legal hold: nothing of the request is erased; "": there is none
    legal_hold: str = field(default="", repr=False)
    # when each thing last happened: core/marks.py, and names that an older release stored
    marks: Mapping[str, datetime] = field(default_factory=dict)
    narrative: tuple[str, ...] = field(default=(), repr=False)
    # reasons that staff gave: who, words
    remarks: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    # last texts: when, and a fingerprint of the words
    recent: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    place: str = field(default="", repr=False)
    # by phone, not (yet) part of `place`: keyed; and said, but not confirmed
    house_number: str = field(default="", repr=False)
    place_said: str = field(default="", repr=False)
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
        """Was something dangerous said, or left in doubt, even if nobody has been paged? A
        stranger's doubt alone is reviewed instead (docs/safety-rules.md, rule 2)."""
        signs = {self.answers.get("safety"), self.answers.get("suicide")} - {None, "no"}
        return "yes" in signs if self.answers.get("who") == "unknown" else bool(signs)

    @property
    def watched(self) -> bool:
        return Said.WATCHED in self.said

    @property
    def about_another(self) -> bool:
        """Does somebody ask for help for another person?"""
        return self.answers.get("who") in ("adult", "child", "unknown", "someone")

    @property
    def on_line(self) -> bool:
        """Is the resident in a call with us now?"""
        return _later(self.marks, Mark.ON_LINE, Mark.OFF_LINE)

    @property
    def talking(self) -> bool:
        """Does a human speak with them on the phone now?"""
        return self.on_line and _later(self.marks, Mark.TALKING, Mark.TALKED)

    @property
    def page_closed(self) -> bool:
        """Do they have a private page that no browser shows now?"""
        closed, opened = self.marks.get(Mark.PAGE_CLOSED), self.marks.get(Mark.PAGE_OPEN)
        return closed is not None and (opened is None or opened <= closed)

    @property
    def page_waits(self) -> bool:
        """Are people being paged without an acceptance since, or did whoever accepted not come?
        (rule 21)"""
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
        """Were people paged for a danger, with no human's own words sent since? (rule 4)"""
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
        """Who leads the conversation, or else who accepted the case; "" if nobody did."""
        return self.holder or self.accepted_by

    @property
    def handover_asked(self) -> str:
        """Who is asked to take the case over, by whoever has it now; "" if nobody is. Whoever takes
        it meanwhile, from anybody, ends that."""
        asked_at = self.marks.get(Mark.HANDOVER_ASKED)
        if not self.handover_to or self.ended or asked_at is None:
            return ""
        taken_at = self.marks.get(Mark.ACKNOWLEDGED, asked_at)
        return (
            self.handover_to if self.handover_by == self.in_charge and taken_at <= asked_at else ""
        )

    @property
    def held(self) -> bool:
        """Does a human lead the conversation? Software then asks nothing and reads no answers (rule
        20)."""
        return bool(self.holder) and not self.ended

    @property
    def holder_wrote(self) -> bool:
        """Has whoever holds the conversation written since it is theirs?"""
        led, wrote = self.marks.get(Mark.LED), self.marks.get(Mark.NOTED)
        return wrote is not None and (led is None or wrote >= led)

    @property
    def left(self) -> bool:
        """Did a human lead the conversation in danger, and now nobody does? Software does not take
        over (rule 20)."""
        return self.in_danger and not self.holder and Mark.SPOKEN in self.marks and not self.ended

    @property
    def minor(self) -> bool:
        """Is the writer, or the child it is about, under 18, by answer or by words?"""
        return self.answers.get("who") in ("me_minor", "child") or Said.MINOR in self.said

    @property
    def needs_look(self) -> bool:
        """Must a named human look before a team moves (rules 14 and 24)? A look from before that
        was known is none."""
        return (self.minor or Said.THREAT_STAFF in self.said) and not self.minor_reviewed

    @property
    def moved_unlooked(self) -> bool:
        """Does a team move, or is it there, and nobody has looked yet, as `needs_look` asks?"""
        moving = self.status in (Status.ASSIGNED, Status.EN_ROUTE, Status.ARRIVED)
        return moving and self.needs_look and Mark.UNLOOKED in self.marks

    @property
    def disclosed(self) -> bool:
        """Was a child or an old person said to be hurt? Then closing needs to say if that was
        reported (rule 14). A child is asked about violence after the sentence on reports: their
        "yes" is as good as words."""
        told = bool({Said.ABUSE, Said.DISCLOSURE} & self.said)
        return told or (self.minor and self.answers.get("violence") == "yes")

    @property
    def violent(self) -> bool:
        """Is there a sign of violence or hiding? Then software only replies (rule 5). An unasked
        detail does not count as "no"."""
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
        """Every kind of danger that was said or answered, in the order of DANGER_KINDS."""
        answered = {
            kind for name, kind in ANSWERED_KINDS.items() if self.answers.get(name) == "yes"
        }
        return tuple(kind for kind in DANGER_KINDS if kind in self.said or kind in answered)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Every kind of danger about which they were not sure, or gave no answer that can be
        read."""
        doubted = {kind for name, kind in ANSWERED_KINDS.items() if self.answers.get(name) in DOUBT}
        return tuple(kind for kind in DANGER_KINDS if kind in doubted)

    @property
    def not_told(self) -> bool:
        """Has news, or a human's text, not reached the resident in any way?"""
        return Mark.UNTOLD in self.marks or Mark.NOTE_LOST in self.marks

    @property
    def late(self) -> bool:
        """Was the resident told of a delay, with no new promise and nobody there since?"""
        told_at = self.marks.get(Mark.LATE_TOLD)
        return told_at is not None and not any(
            told_at < self.marks[mark] for mark in NOT_LATE_ANY_MORE if mark in self.marks
        )

    @property
    def awaits_answer(self) -> bool:
        """Did dispatch ask the resident something, with no text from them since?"""
        asked_at = self.marks.get(Mark.ASKED_RESIDENT)
        return asked_at is not None and self.marks[Mark.HEARD] <= asked_at

    @property
    def latest(self) -> datetime | None:
        """When anything last happened to the case. A promised time is in the future and does not
        count."""
        return max((at for name, at in self.marks.items() if name != Mark.PROMISED), default=None)

    def facts(self) -> Facts:
        known = {name: frozenset({answer}) for name, answer in self.answers.items()}
        known["said"] = self.said
        if self.on_web:
            known["channel"] = frozenset({Channel.WEB})
        if self.located:
            known["located"] = frozenset({self.located})
        if self.deaf:
            known["deaf"] = frozenset({"yes"})
        return known

    def marked(self, at: datetime, *marks: Mark) -> Case:
        """The case after these happened."""
        return replace(self, marks={**self.marks, **dict.fromkeys(marks, at)})

    def unmarked(self, *marks: Mark) -> Case:
        """The case without these marks."""
        return replace(
            self, marks={mark: at for mark, at in self.marks.items() if mark not in marks}
        )

    def remarked(self, by: str, words: str) -> Case:
        """The case with a remark in somebody's own words: encrypted, sent to dispatch, never in the
        journal. Once its words are erased it takes no others: nothing would erase those."""
        if not words or Mark.ERASED in self.marks:
            return self
        return replace(self, remarks=(*self.remarks, (by, words)))


_NAMES = tuple(each.name for each in fields(Case))

if TYPE_CHECKING:
    from dataclasses import replace as replace
else:
    _KNOWN = frozenset(_NAMES)

    def replace(case: Case, **changes: Any) -> Case:
        """The case with some fields changed: dataclasses.replace at a tenth of its cost.

        A turn changes a case about ten times. Raises TypeError for a field that a case does not
        have.
        """
        if not _KNOWN.issuperset(changes):
            raise TypeError(f"a case has no {', '.join(sorted(changes.keys() - _KNOWN))}")
        changed = object.__new__(Case)
        changed.__dict__.update(case.__dict__, **changes)
        return changed


@dataclass(frozen=True, slots=True)
class Step:
    """The result of a decision: the case as it now is, and what must happen."""

    case: Case
    effects: Effects = ()

    def then(self, *effects: Any) -> Step:
        return Step(self.case, self.effects + effects)


class CannotMove(Exception):
    """This status cannot follow the case's status."""


def move(case: Case, to: Status, now: datetime) -> Case:
    """The case in its new status. The same status again changes nothing; a step back raises
    CannotMove."""
    if to == case.status:
        return case
    if case.status not in MOVES.get(to, frozenset()):
        raise CannotMove(f"{case.status} to {to}")
    return replace(case, status=to).marked(now, Mark(to.value))


def to_plain(case: Case) -> dict[str, Any]:
    """The case as plain JSON values, private fields included: the caller must encrypt those."""
    plain = vars(case) | {
        "answers": dict(case.answers),
        "because": list(case.because),
        "again": list(case.again),
        "offered": list(case.offered),
        "spoken": list(case.spoken),
        "linked": list(case.linked),
        "answered_with": list(case.answered_with),
        "answered_for": dict(case.answered_for),
        "withdrawn": sorted(case.withdrawn),
        "recent": [list(one) for one in case.recent],
        "narrative": list(case.narrative),
        "remarks": [list(remark) for remark in case.remarks],
        "police_before": [list(each) for each in case.police_before],
        "said": sorted(case.said),
        "set_aside": sorted(case.set_aside),
        "status": case.status.value,
        "level": case.level.name if case.level is not None else None,
        "marks": {name: at.isoformat() for name, at in case.marks.items()},
    }
    return plain


def from_plain(plain: Mapping[str, Any]) -> Case:
    """The case that `to_plain` serialised. Raises TypeError for an unknown name, which the next
    write would lose."""
    values = dict(plain)
    values |= {
        "said": frozenset(plain.get("said", ())),
        "set_aside": frozenset(plain.get("set_aside", ())),
        "status": Status(plain.get("status", "screening")),
        "level": Level[plain["level"]] if plain.get("level") else None,
        "marks": {name: datetime.fromisoformat(at) for name, at in plain.get("marks", {}).items()},
        "because": tuple(plain.get("because", ())),
        "again": tuple(plain.get("again", ())),
        "offered": tuple(plain.get("offered", ())),
        "spoken": tuple(plain.get("spoken", ())),
        "linked": tuple(plain.get("linked", ())),
        "answered_with": tuple(plain.get("answered_with", ())),
        "withdrawn": frozenset(plain.get("withdrawn", ())),
        "recent": tuple((at, words) for at, words in plain.get("recent", ())),
        "narrative": tuple(plain.get("narrative", ())),
        "remarks": tuple((by, words) for by, words in plain.get("remarks", ())),
        "police_before": tuple(tuple(each) for each in plain.get("police_before", ())),
        "point": tuple(plain["point"]) if plain.get("point") else None,
    }
    return Case(**values)
