"""A resident's phone, through the provider's webhooks: it calls us, hears what we say, presses
keys, is silent and hangs up. Time passes as words are spoken."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from conftest import signed

from caller_service.language.spoken import seconds
from caller_service.rehearsal.twiml_rules import faults
from caller_service.store.tables import Base

if TYPE_CHECKING:
    from conftest import House

ME = "+17205550123"
MOST_BYTES = 4096  # our limit for a document; Twilio's own are in rehearsal/twiml_rules.py
_calls = count(10**9)


class Caller:
    """One call. `said`: what the last document said; `lines`: everything in the call."""

    def __init__(self, house: House, number: str = ME, to: str = "+17205550100") -> None:
        self.house, self.number, self.to = house, number, to
        self.sid = f"CA{next(_calls):032x}"
        self.said = ""
        self.lines: list[tuple[str, str]] = []  # who, words: "us" or "them"
        self.document = ElementTree.Element("Response")
        self.action = ""
        self.queue: tuple[str, str] | None = None  # action, wait URL
        self.name_of_queue = ""
        self.dialled = ""
        self.over = False

    # ---- what they do ----------------------------------------------------------------------------
    def rings(self) -> Caller:
        return self._hears(self._asks("/twilio/voice", CallStatus="ringing", Direction="inbound"))

    def presses(self, *keys: str, listening: bool = True) -> Caller:
        """Press these keys, each after the words were spoken (`listening`) or at once."""
        for key in keys:
            if listening:
                self.house.wait(self.takes() + 1)
            self.lines.append(("them", key))
            self._hears(self._asks(self.action, Digits=key))
        return self

    def is_silent(self, times: int = 1) -> Caller:
        for _ in range(times):
            self.house.wait(self.takes() + self.patience())
            self.lines.append(("them", "…"))
            self._hears(self._asks(self.action))
        return self

    def says(self, words: str, confidence: float = 0.9) -> Caller:
        """Say something, where the document listens for it."""
        heard = [each.get("input", "") for each in self.document.iter("Gather")]
        assert any("speech" in each for each in heard), f"no ear for {words!r}: {heard}"
        self.house.wait(self.takes() + 3)
        self.lines.append(("them", f'"{words}"'))
        told = {"SpeechResult": words, "Confidence": str(confidence)}
        return self._hears(self._asks(self.action, **told))

    def hangs_up(self, report: bool = True) -> Caller:
        self.over = True
        self.lines.append(("them", "(hangs up)"))
        if self.queue is not None:
            self._asks(self.queue[0], QueueResult="hangup", QueueTime="9")
            self.queue = None
        return self.reports("completed") if report else self

    def reports(self, *states: str) -> Caller:
        for state in states:
            assert self._asks("/twilio/receipts/inbound", CallStatus=state).status_code == 204
        return self

    # ---- a human, and the queue ------------------------------------------------------------------
    def is_joined(self, call_id: str) -> Caller:
        """A staff phone takes them out of the queue: checks what they hear just before."""
        answer = self._asks(f"/twilio/voice/joined?id={call_id}")
        self._reads(answer, "bridge")
        return self

    def parts(self, result: str = "bridged") -> Caller:
        assert self.queue is not None
        action, self.queue = self.queue[0], None
        return self._hears(self._asks(action, QueueResult=result, QueueTime="30"))

    def comes_back(self, status: str = "completed") -> Caller:
        """The call to which they were put through is over."""
        return self._hears(self._asks(self.dialled, DialCallStatus=status))

    # ---- what is known ---------------------------------------------------------------------------
    def takes(self) -> float:
        """Seconds that the last words took."""
        languages = self.house.parts.catalog.languages
        codes = {lang.voice.language: lang for lang in languages.values() if lang.voice}
        return sum(
            seconds("".join(say.itertext()), codes[say.get("language", "")])
            for say in self.document.iter("Say")
        )

    def patience(self) -> float:
        tones = sum(float(each.get("length", "1")) for each in self.document.iter("Pause"))
        waits = sum(float(each.get("timeout", "5")) for each in self.document.iter("Gather"))
        return waits + tones + len(list(self.document.iter("Play")))

    def case(self) -> Any:
        from caller_service.store import cases

        with self.house.parts.engine.connect() as conn:
            row = conn.execute(
                Base.metadata.tables["leg"]
                .select()
                .where(Base.metadata.tables["leg"].c.provider_id == self.sid)
            ).one()
            return cases.by_id(conn, self.house.parts.sealer, row.case_id)

    def transcript(self) -> str:
        return "\n".join(f"{who}: {words}" for who, words in self.lines)

    def told(self, key: str, **fill: str) -> Caller:
        words = self.house.words(key, **fill)
        assert words in self.said, f"{words!r} not in {self.said!r}"
        return self

    # ---- the wire --------------------------------------------------------------------------------
    def _asks(self, url: str, **fields: str) -> Any:
        address = urlsplit(url)
        path = address.path + (f"?{address.query}" if address.query else "")
        told = {
            "CallSid": self.sid,
            "AccountSid": "AC" + "0" * 32,
            "From": self.number,
            "To": self.to,
            "CallStatus": "in-progress",
            **fields,
        }
        return signed(self.house, path, told)

    def _reads(self, answer: Any, place: str = "call") -> None:
        assert answer.status_code == 200, answer.text
        wrong = faults(answer.text, place, voices_named=True)
        assert not wrong, wrong
        assert len(answer.data) <= MOST_BYTES, f"{len(answer.data)} bytes: {answer.text}"
        self.document = ElementTree.fromstring(answer.text)
        self.said = " ".join("".join(each.itertext()) for each in self.document.iter("Say"))
        if self.said:
            self.lines.append(("us", self.said))

    def _hears(self, answer: Any) -> Caller:
        self._reads(answer, "wait" if self.queue else "call")
        document = self.document
        gather = document.find("Gather")
        enqueue, leave = document.find("Enqueue"), document.find("Leave")
        dial, redirect = document.find("Dial"), document.find("Redirect")
        self.action = gather.get("action", "") if gather is not None else ""
        if enqueue is not None:
            self.queue = (enqueue.get("action", ""), enqueue.get("waitUrl", ""))
            self.name_of_queue = enqueue.text or ""
            return self._hears(self._asks(self.queue[1], QueuePosition="1", QueueTime="0"))
        if leave is not None:
            return self.parts("leave")
        if dial is not None:
            self.dialled = dial.get("action", "")
            self.lines.append(("us", f"(rings {dial.findtext('Number')})"))
        if redirect is not None:
            return self._hears(self._asks(redirect.text or ""))
        if document.find("Hangup") is not None and gather is None:
            self.over = True
            self.lines.append(("us", "(hangs up)"))
            self.reports("completed")
        return self


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
