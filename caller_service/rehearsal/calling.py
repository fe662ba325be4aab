"""Calls and queues as the stand-in Twilio holds them, and what was heard in a call."""

import re
import uuid
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime

from .twilio_wire import API_VERSION

RINGING = ("queued", "initiated", "ringing")
LIVE = (*RINGING, "in-progress")
WORDS_A_MINUTE = 150
LONGEST_QUEUE = 1000
MOST_LINES = 200  # of a call, on the page
# How much longer words take at a rate of <prosody>; of a percentage, its inverse.
RATES = {"x-slow": 2.0, "slow": 1.25, "fast": 0.8, "x-fast": 0.5}


# How a line is shown on the page: whose side, and what stands there.
SHOWN = {
    "plays": ("note", "Sound: {words}, {seconds} s"),
    "silence": ("note", "Silence, {seconds} s"),
    "listens": ("note", "It listens for {seconds} s"),
    "presses": ("mine", "Key {words}"),
    "speaks": ("mine", "{words}"),
    "joined": ("note", "Joined with {words}"),
    "parted": ("note", "No longer joined"),
    "lost": ("note", "Key {words} was lost: nothing waited for it"),
    "ended": ("note", "The call ended: {words}"),
}
STATES = {
    "queued": "The program calls this phone.",
    "initiated": "The program calls this phone.",
    "ringing": "This phone rings: the program calls.",
    "in-progress": "On a call with the program.",
    "completed": "The call is over.",
    "busy": "The call was declined.",
    "no-answer": "A call was missed.",
    "canceled": "The call was ended.",
    "failed": "The call failed.",
}
LISTENS = {
    "dtmf": "It waits for a key.",
    "speech": "It waits for words.",
    "dtmf speech": "It waits for a key or words.",
}


def speech_seconds(words: str) -> float:
    """How long words take to be said: 150 words a minute. A digit is a word; of letters that write
    a syllable each, three are two words."""
    syllables = len(re.findall(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]", words))
    others = re.sub(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]", " ", words)
    spoken = len(re.findall(r"\d|[^\W\d_]+(?:['’-][^\W\d_]+)*", others))
    return (spoken + syllables * 2 / 3) * 60 / WORDS_A_MINUTE


@dataclass(slots=True)
class Line:
    """One thing in a call, as a person at that phone perceives it.

    `kind` is "says" (the program), "plays", "silence", "listens", "presses", "speaks" (this
    person), "hears" (the other person), "joined", "parted", "lost" (a key nobody took) or "ended".
    """

    kind: str
    at: float  # seconds, by the engine's time
    words: str = field(default="", repr=False)
    language: str = ""
    voice: str = ""
    seconds: float = 0.0  # how long it takes in full
    cut: bool = False  # a key or a voice cut it off

    def as_json(self) -> dict[str, object]:
        """The line for the page: `side` is whose it is, `text` what stands there."""
        side, text = SHOWN.get(self.kind, ("theirs", "{words}"))
        return {
            "kind": self.kind,
            "side": side,
            "text": text.format(words=self.words, seconds=round(self.seconds, 1)),
            "language": self.language,
            "voice": self.voice,
            "seconds": round(self.seconds, 1),
            "cut": self.cut,
        }

    def __str__(self) -> str:
        marks = {"says": "<", "presses": ">", "speaks": ">", "hears": "<"}
        named = f"[{self.language}] " if self.language else ""
        cut = " (cut off)" if self.cut else ""
        if self.kind in marks:
            quoted = f'"{self.words}"' if self.kind in ("speaks", "hears") else self.words
            return f"{marks[self.kind]} {named}{quoted}{cut}"
        return f"- {self.kind}{' ' if self.words else ''}{self.words}{cut}"


@dataclass(frozen=True, slots=True)
class Event:
    """What can happen to a call that waits: a key, words, its time is over, the other party."""

    kind: str
    value: str = field(default="", repr=False)
    confidence: float = 0.0


@dataclass(slots=True)
class Room:
    """A conference. Who is in it, and whether each leaving ends it; open: somebody who opens it has
    come."""

    members: "list[tuple[Call, bool]]" = field(default_factory=list)
    open: bool = False

    @property
    def talks(self) -> bool:
        return self.open and len(self.members) > 1

    def others(self, call: "Call") -> "list[Call]":
        return [one for one, _ in self.members if one is not call]


class Interrupt(Exception):
    """What happens to a call whatever it is doing: it breaks off the document under way."""


class Taken(Interrupt):
    """Somebody dials the queue in which this call waits."""

    def __init__(self, by: "Call") -> None:
        super().__init__("taken")
        self.by = by


@dataclass(frozen=True, slots=True)
class Wait:
    """A call waits so many seconds (None: without end) for one of these kinds of events."""

    seconds: float | None
    wants: frozenset[str] = frozenset()


Program = Generator[Wait, Event | None, None]


def _nothing() -> None:
    return None


@dataclass(slots=True)
class Call:
    """One leg: between the program and one phone, with its state at Twilio."""

    sid: str
    sender: str = field(repr=False)
    receiver: str = field(repr=False)
    url: str = field(repr=False)
    callback: str = field(repr=False)
    rings: float
    detects: str  # MachineDetection, as it was asked for
    at: datetime
    direction: str = "outbound-api"
    phone: str = field(default="", repr=False)  # the number of the person's phone
    events: frozenset[str] = frozenset({"completed"})  # StatusCallbackEvent
    lasts: float = 14_400.0  # TimeLimit
    twiml: str = field(default="", repr=False)
    ended: datetime | None = None
    answered: float | None = None  # by the engine's time
    duration: int = 0  # whole seconds
    status: str = "queued"
    answered_by: str = ""
    lines: list[Line] = field(default_factory=list, repr=False)
    listening: str = ""  # "dtmf", "speech" or both, while a key or a voice is waited for
    quiet: bool = False  # everything is said, and it only listens
    joined: str = field(default="", repr=False)  # who is at the other end
    waits_in: str = ""  # the name of a queue
    fault: str = ""  # why its document could not be carried out
    # How its document is carried out; see call_engine.py
    program: Program | None = field(default=None, repr=False)
    waiting: Wait | None = field(default=None, repr=False)
    running: bool = field(default=False, repr=False)
    token: int = field(default=0, repr=False)
    inbox: deque[Event | Interrupt] = field(default_factory=deque, repr=False)
    keys: str = field(default="", repr=False)  # pressed and not yet taken
    cancel: Callable[[], None] = field(default=_nothing, repr=False)
    # what is still asked of the service when the call ends here: an address and fields
    leaving: Callable[[], tuple[str, dict[str, str]] | None] = field(default=_nothing, repr=False)
    peer: "Call | None" = field(default=None, repr=False)
    room: Room | None = field(default=None, repr=False)
    dials_with: str = field(default="", repr=False)  # <Queue url> of the queue that it dials
    queued_for: float = 0.0  # seconds at Twilio before it was made
    asked: tuple[str, dict[str, str], str] | None = field(default=None, repr=False)  # last webhook
    receipts: list[dict[str, str]] = field(default_factory=list, repr=False)

    @property
    def live(self) -> bool:
        return self.status in LIVE

    @property
    def words(self) -> str:
        """What was said last."""
        said = [line.words for line in self.lines if line.kind == "says"]
        return said[-1] if said else ""

    def resource(self, account_sid: str) -> dict[str, object]:
        """The Call resource of the REST API."""
        when, ended = (
            each.strftime("%a, %d %b %Y %H:%M:%S +0000") if each else None
            for each in (self.at, self.ended)
        )
        return {
            "account_sid": account_sid,
            "answered_by": self.answered_by or None,
            "api_version": API_VERSION,
            "date_created": when,
            "date_updated": when,
            "direction": self.direction,
            "duration": str(self.duration) if self.ended else None,
            "end_time": ended,
            "from": self.sender,
            "queue_time": str(round(self.queued_for * 1000)),
            "sid": self.sid,
            "start_time": None if self.status == "queued" else when,
            "status": self.status,
            "to": self.receiver,
            "uri": f"/2010-04-01/Accounts/{account_sid}/Calls/{self.sid}.json",
        }

    @property
    def stands(self) -> str:
        """How the call stands, in a sentence for the page."""
        if self.status == "in-progress":
            if self.joined:
                return f"Talking with {self.joined}."
            if self.listening:
                return LISTENS[self.listening]
            if self.waits_in:
                return "Waiting in a queue for a person."
        if self.status == "ringing" and self.direction == "inbound":
            return "Calling the program."
        return STATES[self.status]

    def as_json(self) -> dict[str, object]:
        """The call as one phone's page shows it."""
        return {
            "sid": self.sid,
            "status": self.status,
            "direction": "in" if self.direction == "inbound" else "out",
            "ringing": self.status in RINGING and self.direction != "inbound",
            "talking": self.status == "in-progress" or (self.direction == "inbound" and self.live),
            "live": self.live,
            "stands": self.stands,
            "words": self.words,
            "lines": [line.as_json() for line in self.lines[-MOST_LINES:]],
            "count": len(self.lines),
            "listening": self.listening,
            "joined": self.joined,
            "queued": bool(self.waits_in),
            "fault": self.fault,
            "time": self.at.astimezone().strftime("%H:%M:%S"),
            "at": self.at.isoformat(),
        }


@dataclass(slots=True)
class Member:
    """A call that waits in a queue."""

    call: Call
    since: float
    taken: bool = False


@dataclass(slots=True)
class Queue:
    """One named queue."""

    name: str
    sid: str = field(default_factory=lambda: "QU" + uuid.uuid4().hex)
    limit: int = LONGEST_QUEUE
    members: list[Member] = field(default_factory=list)
    dialers: list[Call] = field(default_factory=list)

    def place(self, member: Member) -> int:
        """1 for the oldest; 0 for a call that is no longer in it."""
        return self.members.index(member) + 1 if member in self.members else 0
