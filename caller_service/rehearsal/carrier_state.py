"""State of the stand-in Twilio: phones, texts, blocks, and the failures that are switched on."""

import re
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any

from .observable import Observable
from .pages import switched_on
from .twilio_wire import parts

STOP_WORDS = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
)
START_WORDS = frozenset({"START", "UNSTOP"})
PHONES = ("", "busy", "voicemail", "answers")  # what a phone does by itself when it is rung
QUEUES = ("", "system-error", "queue-full")  # what becomes of a call that is to wait in a queue
SEND_FAULTS = ("", "429", "500", "21610", "hang")

E164 = re.compile(r"\+[1-9]\d{6,14}")


def readable_number(typed: str) -> str | None:
    """A number as a person types it, in the form Twilio uses; None when it is no phone number."""
    typed = typed.strip()
    digits = re.sub(r"\D", "", typed)
    if not typed.startswith("+") and len(digits) == 10:
        digits = "1" + digits
    number = "+" + digits
    return number if E164.fullmatch(number) else None


@dataclass(frozen=True, slots=True)
class Faults:
    """Which of Twilio's failures are switched on. `send` is about the REST API, the rest about
    receipts and webhooks."""

    send: str = ""
    send_when: str = "next"
    send_to: str = field(default="", repr=False)
    undelivered: bool = False
    receipts_late: bool = False
    receipts_twice: bool = False
    receipts_disordered: bool = False
    receipts_missing: bool = False
    webhook_twice: bool = False
    webhook_repeated: bool = False  # of a call: asked again, and the first answer counts
    phones: str = ""  # one of PHONES
    queue: str = ""  # one of QUEUES
    keys_lost: bool = False  # pressed in a call while nothing waits for them

    def changed(self, asked: Mapping[str, object]) -> "Faults":
        """These faults with some switches moved; ValueError names what is wrong."""
        if switched_on(asked.get("reset", False)):
            return Faults()
        known = {each.name: each.default for each in fields(Faults)}
        unknown = sorted(set(asked) - set(known) - {"reset"})
        if unknown:
            raise ValueError(f"no such switch: {unknown[0]}")
        moved: dict[str, bool | str] = {
            name: switched_on(value) if isinstance(known[name], bool) else str(value)
            for name, value in asked.items()
            if name != "reset"
        }
        if moved.get("send", "") not in SEND_FAULTS:
            raise ValueError(f"send is one of {', '.join(SEND_FAULTS[1:])}, or empty")
        if moved.get("send_when", "next") not in ("next", "all"):
            raise ValueError("send_when is next or all")
        if moved.get("phones", "") not in PHONES:
            raise ValueError(f"phones is one of {', '.join(PHONES[1:])}, or empty")
        if moved.get("queue", "") not in QUEUES:
            raise ValueError(f"queue is one of {', '.join(QUEUES[1:])}, or empty")
        if moved.get("send_to"):
            number = readable_number(str(moved["send_to"]))
            if number is None:
                raise ValueError("send_to is not a phone number")
            moved["send_to"] = number
        return replace(self, **moved)  # type: ignore[arg-type]


@dataclass(slots=True)
class Phone:
    """One phone of the rehearsal. The key stands in addresses, so that no number gets into a
    log."""

    key: str
    number: str = field(repr=False)
    name: str
    blocked: bool = False


@dataclass(slots=True)
class Text:
    """One message, in or out, with the state Twilio would know."""

    sid: str
    direction: str
    sender: str = field(repr=False)
    receiver: str = field(repr=False)
    words: str = field(repr=False)
    status: str
    at: datetime
    callback: str = ""
    service_sid: str | None = None
    error_code: int | None = None
    media: tuple[str, ...] = field(default=(), repr=False)
    notice: str = ""  # what the page says beneath it
    answered_ms: int | None = None

    def resource(self, account_sid: str) -> dict[str, object]:
        """The Message resource of the REST API."""
        when = self.at.strftime("%a, %d %b %Y %H:%M:%S +0000")
        uri = f"/2010-04-01/Accounts/{account_sid}/Messages/{self.sid}"
        return {
            "account_sid": account_sid,
            "api_version": "2010-04-01",
            "body": self.words,
            "date_created": when,
            "date_sent": None if self.status in {"queued", "accepted"} else when,
            "date_updated": when,
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": None,
            "from": self.sender,
            "messaging_service_sid": self.service_sid,
            "num_media": str(len(self.media)),
            "num_segments": str(parts(self.words)),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "tags": None,
            "to": self.receiver,
            "uri": f"{uri}.json",
        }

    def bubble(self, number: str) -> dict[str, object]:
        """The message as one phone's page shows it."""
        return {
            "sid": self.sid,
            "direction": self.direction,
            "mine": self.sender == number,
            "from": self.sender,
            "to": self.receiver,
            "body": self.words,
            "at": self.at.isoformat(),
            "time": self.at.astimezone().strftime("%H:%M:%S"),
            "status": self.status,
            "parts": parts(self.words),
            "error_code": self.error_code,
            "notice": self.notice,
            "answered_ms": self.answered_ms,
        }


class Exchange(Observable[Faults]):
    """The telephone exchange."""

    def __init__(self, our_number: str, names: Mapping[str, str], resident: str) -> None:
        super().__init__(Faults())
        self.notes: deque[dict[str, str]] = deque(maxlen=50)
        self._our_number = our_number
        self._texts: list[Text] = []
        self._by_sid: dict[str, Text] = {}
        self._phones: dict[str, Phone] = {}
        self.phone(resident, "Resident")
        for number, name in names.items():
            self.phone(number, name)

    def changed(self) -> None:
        """Something else that the page shows is new."""
        with self._changed:
            self._news()

    def phone(self, number: str, name: str = "") -> Phone:
        """The phone with this number, made at its first use."""
        with self._changed:
            if number not in self._phones:
                count = len(self._phones) + 1
                self._phones[number] = Phone(f"p{count}", number, name or f"Phone {count}")
                self._news()
            return self._phones[number]

    def known(self, *, key: str = "", number: str = "") -> Phone | None:
        """A phone by its key or number, without making one."""
        with self._changed:
            return next(
                (
                    phone
                    for phone in self._phones.values()
                    if key == phone.key or number == phone.number
                ),
                None,
            )

    def first(self) -> Phone:
        with self._changed:
            return next(iter(self._phones.values()))

    def block(self, phone: Phone, blocked: bool) -> None:
        """What STOP and START do at the carrier."""
        with self._changed:
            phone.blocked = blocked
            self._news()

    def keep(self, text: Text) -> Text:
        """Remember a message, and both phones with it."""
        with self._changed:
            for number in (text.sender, text.receiver):
                if number != self._our_number:
                    self.phone(number)
            self._texts.append(text)
            self._by_sid[text.sid] = text
            self._news()
            return text

    def text(
        self, direction: str, sender: str, receiver: str, words: str, status: str, **more: object
    ) -> Text:
        """A new message with a new SID, kept."""
        prefix = "MM" if more.get("media") else "SM"
        sid = prefix + uuid.uuid4().hex
        at = datetime.now(UTC)
        made = Text(sid, direction, sender, receiver, words, status, at, **more)  # type: ignore[arg-type]
        return self.keep(made)

    def set(self, text: Text, **changes: object) -> None:
        """Change what is known of a message."""
        with self._changed:
            for name, value in changes.items():
                setattr(text, name, value)
            self._news()

    def found(self, sid: str) -> Text | None:
        with self._changed:
            return self._by_sid.get(sid)

    def forget(self, text: Text) -> None:
        """What DELETE on a message does."""
        with self._changed:
            self._texts.remove(text)
            del self._by_sid[text.sid]
            self._news()

    def texts(self) -> list[Text]:
        """All messages, oldest first."""
        with self._changed:
            return list(self._texts)

    def note(self, words: str) -> None:
        """Something the page says for the system itself."""
        with self._changed:
            self.notes.append({"time": datetime.now().strftime("%H:%M:%S"), "words": words})
            self._news()

    def take_send_fault(self, number: str) -> str:
        """The failure this REST call has to show; one meant for the next call only is used up by
        it."""
        with self._changed:
            fault = self.faults.send
            if not fault or (self.faults.send_to and self.faults.send_to != number):
                return ""
            if self.faults.send_when == "next":
                self.faults = replace(self.faults, send="")
                self._news()
            return fault

    def as_json(
        self, chosen: Phone, call: Callable[[str], object] = lambda number: None
    ) -> dict[str, object]:
        """Everything the phone page shows, with the chosen phone in front; `call` tells a number's
        latest call. It is asked without the lock: whoever carries a call on takes this lock too."""
        with self._changed:
            others = [phone for phone in self._phones.values() if phone is not chosen]
            shown: dict[str, Any] = {
                "version": self.version,
                **self._thread(chosen),
                "others": [self._thread(phone) for phone in others],
                "faults": asdict(self.faults),
                "notes": list(self.notes),
            }
        for thread in (shown, *shown["others"]):
            thread["call"] = call(thread["number"])
        return shown

    def _thread(self, phone: Phone) -> dict[str, Any]:
        return {
            "key": phone.key,
            "number": phone.number,
            "name": phone.name,
            "blocked": phone.blocked,
            "messages": [
                text.bubble(phone.number)
                for text in self._texts
                if phone.number in (text.sender, text.receiver)
            ],
        }
