"""Calls from the service: a phone rings on the page, a person or their voicemail answers, and keys
are pressed."""

import secrets
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .background import Errands
from .carrier import TwilioSettings
from .carrier_state import Exchange
from .twilio_wire import API_VERSION, Answered, NotTwiml, inside, post_signed, read_spoken

RINGING = ("queued", "initiated", "ringing")
LIVE = (*RINGING, "in-progress")
SPEAKING = 8.0  # seconds that the words of a call take, before a key is waited for


@dataclass(slots=True)
class Call:
    """One call from the program to a phone, with its state at Twilio."""

    sid: str
    sender: str = field(repr=False)
    receiver: str = field(repr=False)
    url: str = field(repr=False)
    callback: str = field(repr=False)
    rings: float
    detects: str  # MachineDetection, as it was asked for
    at: datetime
    ended: datetime | None = None
    status: str = "queued"
    answered_by: str = ""
    words: str = field(default="", repr=False)  # said last
    action: str = field(default="", repr=False)  # where a key goes, while one is waited for
    step: int = 0  # of the talk: an old step's silence counts no more

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
            "direction": "outbound-api",
            "end_time": ended,
            "from": self.sender,
            "sid": self.sid,
            "start_time": None if self.status == "queued" else when,
            "status": self.status,
            "to": self.receiver,
            "uri": f"/2010-04-01/Accounts/{account_sid}/Calls/{self.sid}.json",
        }

    def shown(self) -> dict[str, object]:
        """The call as one phone's page shows it."""
        return {
            "sid": self.sid,
            "status": self.status,
            "ringing": self.status in RINGING,
            "talking": self.status == "in-progress",
            "words": self.words,
            "time": self.at.astimezone().strftime("%H:%M:%S"),
            "at": self.at.isoformat(),
        }


class Calling:
    """Rings phones and carries speech and keys. Thread-safe."""

    def __init__(self, settings: TwilioSettings, exchange: Exchange, errands: Errands) -> None:
        self._settings = settings
        self._exchange = exchange
        self._errands = errands
        self._calls: dict[str, Call] = {}
        self._own = threading.RLock()

    def calls(self) -> list[Call]:
        """All calls, oldest first."""
        with self._own:
            return list(self._calls.values())

    def found(self, sid: str) -> Call | None:
        with self._own:
            return self._calls.get(sid)

    def of(self, number: str) -> dict[str, object] | None:
        """The latest call to a phone, as its page shows it."""
        mine = [call for call in self.calls() if call.receiver == number]
        return mine[-1].shown() if mine else None

    def ring(self, to: str, url: str, callback: str, rings: float, detects: str) -> Call:
        """Ring a phone; unanswered after `rings` seconds."""
        call = Call(
            "CA" + uuid.uuid4().hex,
            self._settings.our_number,
            to,
            url,
            callback,
            rings,
            detects,
            datetime.now(UTC),
        )
        with self._own:
            self._calls[call.sid] = call
        self._exchange.phone(to)
        self._exchange.changed()

        def errand() -> None:
            for status in ("initiated", "ringing"):
                if self._moved(call, status, *RINGING):
                    self._receipt(call, status)
            self._after(rings, lambda: self.end(call, "no-answer", *RINGING))

        self._errands.run(errand)
        return call

    def answer(self, call: Call, machine: bool = False) -> None:
        """Somebody picks up, or their voicemail does."""
        beep = call.detects == "DetectMessageEnd"
        if self._moved(call, "in-progress", *RINGING):
            call.answered_by = (
                ("machine_end_beep" if beep else "machine_start") if machine else "human"
            )
            self._receipt(call, "in-progress")
            self._talk(call, call.url, {})

    def press(self, call: Call, digit: str) -> None:
        """Press a key, or "" for silence; ignored if no key is expected."""
        with self._own:
            action, call.action = call.action, ""
        if action and call.status == "in-progress":
            self._talk(
                call, action, {"Digits": digit, "FinishedOnKey": ""} if digit else {"Digits": ""}
            )

    def end(self, call: Call, status: str, *only: str) -> None:
        """End the call if its state is one of `only`; without any, if it has not ended."""
        if self._moved(call, status, *(only or LIVE)):
            self._receipt(call, status)

    def _talk(self, call: Call, address: str, more: dict[str, str]) -> None:
        """Ask the service what to say, show it, and wait for a key if it expects one."""
        url = inside(self._settings.house_url, address)
        answered = Answered(0) if url is None else self._post(call, url, more)
        try:
            said = read_spoken(answered)
        except NotTwiml as problem:
            self._exchange.note(f"The program's answer to a call was not usable. {problem}.")
            said = None
        if said is None or not said.action:
            with self._own:
                call.words = said.words if said else ""
            self.end(call, "completed")
            return
        with self._own:
            call.words, call.action, call.step = said.words, said.action, call.step + 1
            step = call.step
        self._exchange.changed()

        def silent() -> None:
            if call.step == step:
                self.press(call, "")

        self._after(SPEAKING + said.wait, silent)

    def _moved(self, call: Call, status: str, *only: str) -> bool:
        with self._own:
            if call.status not in only:
                return False
            call.status = status
            call.ended = None if status in LIVE else datetime.now(UTC)
        self._exchange.changed()
        return True

    def _receipt(self, call: Call, status: str) -> None:
        if not call.callback:
            return
        url = inside(self._settings.house_url, call.callback)
        if url is None:
            self._exchange.note(
                "A receipt's address leads outside the program's server; it was not called."
            )
            return
        answered = self._post(call, url, {"CallStatus": status})
        if not answered.fine:
            what = f"answered {answered.status}" if answered.status else "did not answer"
            self._exchange.note(f"The program's server {what} to a receipt ({status}).")

    def _post(self, call: Call, url: str, more: dict[str, str]) -> Answered:
        fields = {
            "CallSid": call.sid,
            "CallStatus": call.status,
            "AccountSid": self._settings.account_sid,
            "ApiVersion": API_VERSION,
            "Direction": "outbound-api",
            "From": call.sender,
            "To": call.receiver,
        }
        if call.detects and call.answered_by:
            fields["AnsweredBy"] = call.answered_by
        return post_signed(
            url,
            fields | more,
            self._settings.auth_token,
            self._settings.read_timeout,
            secrets.token_hex(16),
        )

    def _after(self, seconds: float, do: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, do)
        timer.daemon = True
        timer.start()
