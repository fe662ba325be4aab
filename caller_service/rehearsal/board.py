"""State of the stand-in CAD: the hand-offs it received, and every message exchanged with the
service about them."""

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

from .observable import Observable
from .pages import switched_on

ANSWER_FAULTS = ("", "500", "404", "slow", "garbage", "drop", "endless", "drip")
EMERGENCY = frozenset({"R1", "R2"})
TEAM = frozenset({"R3", "R4"})
ENDED = frozenset({"closed", "cancelled", "declined"})
TAKEN = frozenset({"accepted", "assigned", "en_route", "arrived"})
ASK_A_HUMAN = frozenset(
    [
        "bystander.doubt",
        "wrote_again",
        "unread_language_once",
        "writes_often",
        "after_danger",
        "official",
        "place.needs_a_human",
        "under_18",
        "disclosure",
        "threat_to_staff",
        "quiet",
        "hung_up",
        "unclear_wish",
    ]
)  # reasons for a review that reading alone does not answer


@dataclass(frozen=True, slots=True)
class Faults:
    """How the CAD misbehaves when a hand-off is delivered to it."""

    answer: str = ""
    when: str = "all"

    def changed(self, asked: Mapping[str, object]) -> "Faults":
        """These faults with some switches changed. Raises ValueError naming what is wrong."""
        unknown = sorted(set(asked) - {"answer", "when"})
        if unknown:
            raise ValueError(f"no such switch: {unknown[0]}")
        moved = replace(self, **{name: str(value) for name, value in asked.items()})
        if moved.answer not in ANSWER_FAULTS:
            raise ValueError(f"answer is one of {', '.join(ANSWER_FAULTS[1:])}, or empty")
        if moved.when not in ("next", "all"):
            raise ValueError("when is next or all")
        return moved


@dataclass(frozen=True, slots=True)
class Answer:
    """The service's answer to one of our calls; a status of 0 means no answer."""

    at: datetime
    what: str
    by: str
    status: int
    words: str

    @property
    def fine(self) -> bool:
        return 200 <= self.status < 300

    def as_json(self) -> dict[str, object]:
        return {
            **asdict(self),
            "at": self.at.isoformat(),
            "time": self.at.astimezone().strftime("%H:%M:%S"),
            "fine": self.fine,
        }


@dataclass(slots=True)
class Held:
    """One hand-off at its highest revision, and the stage it has reached here."""

    hand_off_id: str
    revision: int
    packet: dict[str, object] = field(repr=False)
    at: datetime
    stage: str = "new"
    answers: list[Answer] = field(default_factory=list)
    automatic: str = ""  # what the automatic dispatcher is doing here, in words

    def word(self, name: str) -> str:
        """One field of the packet as a string; "" if it is absent or not a plain value."""
        value = self.packet.get(name)
        return value if isinstance(value, str) else ""

    @property
    def language(self) -> str:
        spoken = self.packet.get("language")
        return str(spoken.get("bcp47") or "") if isinstance(spoken, dict) else self.word("language")

    @property
    def level(self) -> str:
        return self.word("level")

    @property
    def place(self) -> str:
        where = self.packet.get("place")
        if isinstance(where, dict):
            return str(where.get("text") or where.get("area") or "")
        return where if isinstance(where, str) else ""

    @property
    def over(self) -> bool:
        return self.stage in ENDED or self.word("status") in ENDED

    @property
    def to_read(self) -> bool:
        """Is a story the only reason for a review? It is read, and then the case continues."""
        reasons = self.packet.get("reasons")
        return (
            bool(self.packet.get("review"))
            and isinstance(reasons, list)
            and "story" in reasons
            and not set(reasons) & ASK_A_HUMAN
        )

    @property
    def needs_human(self) -> bool:
        """Does it need a human: a danger, a review of more than a story, or an unknown level?"""
        review = bool(self.packet.get("review")) and not self.to_read
        return self.level in EMERGENCY or self.level not in TEAM | {"R5", "R6"} or review

    @property
    def untouched(self) -> bool:
        """Is it for a team and not accepted, neither here nor, by the packet's status, in the
        service's console?"""
        return (
            self.level in TEAM
            and not self.needs_human
            and not self.over
            and self.stage == "new"
            and self.word("status") not in TAKEN
        )

    def as_json(self) -> dict[str, object]:
        return {
            "hand_off_id": self.hand_off_id,
            "revision": self.revision,
            "packet": self.packet,
            "received_at": self.at.isoformat(),
            "stage": self.stage,
            "needs_human": self.needs_human,
            "automatic": self.automatic,
            "answers": [answer.as_json() for answer in self.answers],
        }


class Board(Observable[Faults]):
    """The dispatcher's board."""

    def __init__(self, auto: bool) -> None:
        super().__init__(Faults())
        self.auto = auto
        self.deliveries: deque[dict[str, object]] = deque(maxlen=1000)
        self._held: dict[str, Held] = {}
        self._heard: dict[str, bytes] = {}

    def log_delivery(self, key: str, status: int, why: str, begun: datetime | None = None) -> None:
        """Record when a delivery came and its result, refused ones too."""
        at = datetime.now(UTC)
        with self._changed:
            self.deliveries.append(
                {
                    "at": at.isoformat(),
                    "key": key,
                    "status": status,
                    "why": why,
                    "begun": (begun or at).isoformat(),
                }
            )
            self._news()

    def receive(
        self, key: str, written: bytes, packet: dict[str, object]
    ) -> tuple[str, Held | None]:
        """Store a packet; returns what it was, and the hand-off if it is new."""
        hand_off_id, revision = str(packet["hand_off_id"]), int(str(packet["revision"]))
        with self._changed:
            if key in self._heard:
                return (
                    "repeated" if self._heard[key] == written else "repeated with other words"
                ), None
            self._heard[key] = written
            held = self._held.get(hand_off_id)
            if held is None:
                held = self._held[hand_off_id] = Held(
                    hand_off_id, revision, packet, datetime.now(UTC)
                )
                self._news()
                return "new", held
            if revision < held.revision:
                return "older than what we have", None
            held.revision, held.packet = revision, packet
            self._news()
            return "newer revision", None

    def held(self, hand_off_id: str) -> Held | None:
        with self._changed:
            return self._held.get(hand_off_id)

    def all(self) -> list[Held]:
        """Every hand-off, newest first."""
        with self._changed:
            return list(reversed(self._held.values()))

    def answered(self, held: Held, answer: Answer, stage: str | None) -> None:
        """Store the service's answer; the stage changes only if the service agreed."""
        with self._changed:
            held.answers.append(answer)
            if answer.fine and stage:
                held.stage = stage
            self._news()

    def say_automatic(self, held: Held, words: str) -> None:
        with self._changed:
            held.automatic = words
            self._news()

    def take_fault(self) -> str:
        """The failure for this delivery; one meant for the next delivery is used up."""
        with self._changed:
            fault = self.faults.answer
            if fault and self.faults.when == "next":
                self.faults = Faults()
                self._news()
            return fault

    def set_auto(self, on: object) -> bool:
        with self._changed:
            self.auto = switched_on(on)
            self._news()
            return self.auto

    def as_json(self) -> dict[str, object]:
        """Everything, for tests and for the page's script."""
        with self._changed:
            return {
                "version": self.version,
                "auto": self.auto,
                "faults": asdict(self.faults),
                "hand_offs": [held.as_json() for held in self._held.values()],
                "deliveries": list(self.deliveries),
            }
