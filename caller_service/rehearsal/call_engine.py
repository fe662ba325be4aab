"""Live calls: phones that dial the program or are rung by it, keys, words, queues and bridges.

Each call runs the documents of the service as a generator (call_script.py), which stops whenever
the call has to wait: for the end of a sentence, a key, somebody else. What happens meanwhile is
delivered to it as an event. One thread at a time carries a call on; what comes while the service
is being asked waits in the call's inbox.

    >>> time = VirtualTime()
    >>> engine = CallEngine(settings, Exchange(ours, {}, me), time, AppWeb(client, token))
    >>> me = Handset(engine, "+17205550123")      # handset.py: what a test holds in its hand
    >>> me.dials().listens().press("1").hears("Are you badly hurt")

What Twilio does not document, and what is done here:
- A queue that is dialed and stays empty gives DialCallStatus no-answer; one that nobody ever waited
  in gives failed.
- A waiting call whose dialer leaves before the bridge hears the words before it to their end, and
  goes on as bridged. Whoever dials and loses the waiting call before the bridge gets no-answer.
- An action is posted also when its own call has hung up, and its answer is not read.
- Keys that are pressed while nothing waits for them are kept for the next <Gather>, or lost: a
  switch (`keys_lost`).
"""

import secrets
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urljoin, urlsplit

from .call_script import Goto, Script
from .call_time import Time
from .call_web import Web
from .calling import LIVE, RINGING, Call, Event, Interrupt, Line, Queue, Room, Taken, Wait
from .carrier import TwilioSettings
from .carrier_state import Exchange
from .twilio_wire import API_VERSION, Answered
from .twiml_rules import WITHHELD

FINAL = ("completed", "busy", "no-answer", "failed", "canceled")
# The name of an event in StatusCallbackEvent, by the state that it tells.
EVENTS = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document, or the answer in its place, that could not be carried out."""

    sid: str
    path: str  # of the address, without its query
    why: tuple[str, ...] = field(repr=False)


class CallEngine:
    """Carries calls on. Thread-safe."""

    def __init__(self, settings: TwilioSettings, exchange: Exchange, time: Time, web: Web) -> None:
        self.settings = settings
        self.exchange = exchange
        self.time = time
        self.web = web
        self.refusals: deque[Refusal] = deque(maxlen=200)
        self.queues: dict[str, Queue] = {}
        self.rooms: dict[str, Room] = {}
        # What one phone does by itself when it is rung, one of PHONES; a switch is for all of them.
        self.habits: dict[str, str] = {}
        # How a number that a call dials ends: "answer", "busy", "no-answer" or "failed".
        self.lines: dict[str, str] = {}
        self.voice_url: Callable[[str], str] = lambda number: (
            f"{settings.service_url.rstrip('/')}/twilio/voice"
        )
        self.status_url: Callable[[str], str] = lambda number: (
            f"{settings.service_url.rstrip('/')}/twilio/receipts/inbound"
        )
        self.own = threading.RLock()
        self._calls: dict[str, Call] = {}
        self._script = Script(self)
        self._next_slot = 0.0  # the calls made by REST leave one after the other

    # ---- calls -----------------------------------------------------------------------------------
    def calls(self) -> list[Call]:
        """All calls, oldest first."""
        with self.own:
            return list(self._calls.values())

    def found(self, sid: str) -> Call | None:
        with self.own:
            return self._calls.get(sid)

    def latest(self, number: str) -> Call | None:
        """The latest call of a phone, either way; one that is live before one that is over."""
        mine = [call for call in self.calls() if call.phone == number]
        live = [call for call in mine if call.live]
        return (live or mine)[-1] if mine else None

    def of(self, number: str) -> dict[str, object] | None:
        """The latest call of a phone, as its page shows it."""
        call = self.latest(number)
        if call is None:
            return None
        with self.own:
            return call.as_json()

    def dial(self, phone: str, to: str = "", withheld: str | None = None) -> Call:
        """A person dials the program. `withheld`: what stands in From instead of the number, one of
        WITHHELD."""
        if withheld is not None and withheld not in WITHHELD:
            raise ValueError("a withheld number is one of twiml_rules.WITHHELD")
        to = to or self.settings.our_number
        call = self._new(
            sender=phone if withheld is None else withheld,
            receiver=to,
            url=self.voice_url(to),
            callback=self.status_url(to),
            direction="inbound",
            phone=phone,
        )
        call.status = "ringing"
        self._start(call)
        return call

    def ring(
        self, to: str, url: str, callback: str, rings: float, detects: str, **more: object
    ) -> Call:
        """Ring a phone for the program; unanswered after `rings` seconds. `more`: fields of Call
        (sender, events, lasts, twiml)."""
        fields = {"sender": self.settings.our_number, **more}
        call = self._new(
            receiver=to,
            url=url,
            callback=callback,
            rings=rings,
            detects=detects,
            phone=to,
            **fields,
        )
        with self.own:
            pace = self.settings.calls_a_second
            slot = max(self.time.now(), self._next_slot)
            self._next_slot = slot + 1 / pace if pace else slot
            call.queued_for = slot - self.time.now()
        self.time.after(call.queued_for, lambda: self._rung(call))
        return call

    def _new(self, **fields: object) -> Call:
        given: dict[str, object] = {"rings": 60.0, "detects": "", "callback": "", **fields}
        call = Call("CA" + uuid.uuid4().hex, at=self.time.moment(), **given)  # type: ignore[arg-type]
        with self.own:
            self._calls[call.sid] = call
        self.exchange.phone(call.phone)
        self.exchange.changed()
        return call

    def _rung(self, call: Call) -> None:
        for status in ("initiated", "ringing"):
            if self._moved(call, status, *RINGING):
                self.receipt(call)
        habit = self.habits.get(call.phone) or self.exchange.faults.phones
        if habit == "busy":
            self.end(call, "busy", *RINGING)
        elif habit:
            self.answer(call, machine=habit == "voicemail")
        cancel = self.time.after(call.rings, lambda: self.end(call, "no-answer", *RINGING))
        with self.own:
            if call.status in RINGING:
                call.cancel = cancel

    # ---- what people do --------------------------------------------------------------------------
    def answer(self, call: Call, machine: bool = False, by: str = "") -> None:
        """Somebody picks up, or their voicemail does; `by` is what Twilio takes them for."""
        beep = "machine_end_beep" if call.detects == "DetectMessageEnd" else "machine_start"
        if not self._moved(call, "in-progress", *RINGING) or call.direction == "inbound":
            return
        call.cancel()
        call.answered_by = by or (beep if machine else "human")
        call.answered = self.time.now()
        self.receipt(call)
        self.time.after(call.lasts, lambda: self.end(call, "completed"))
        self._start(call)

    def press(self, call: Call, keys: str) -> None:
        """Press one key after the other; "" does nothing."""
        for key in keys:
            with self.own:
                if not call.live:
                    return
                self._heard_by_others(self._line(call, "presses", key), f"key {key}")
            self.deliver(call, Event("key", key))
        self.exchange.changed()

    def speak(self, call: Call, words: str, confidence: float = 0.9) -> None:
        """Say something: to whom they are joined with, or to a <Gather> that listens for words."""
        with self.own:
            if not call.live:
                return
            self._heard_by_others(self._line(call, "speaks", words), words)
        self.deliver(call, Event("speech", words, confidence))
        self.exchange.changed()

    def hang_up(self, call: Call) -> None:
        """The person hangs up, or their line drops."""
        self.end(call, "completed" if call.status == "in-progress" else self._unanswered(call))

    @staticmethod
    def _unanswered(call: Call) -> str:
        return "canceled" if call.direction == "inbound" else "busy"

    def far_end_hangs_up(self, call: Call) -> None:
        """Whom the call dialed by <Number> hangs up."""
        self.deliver(call, Event("gone", call.joined))

    def end(self, call: Call, status: str, *only: str, deferred: bool = False) -> None:
        """End the call if its state is one of `only`; without any, if it has not ended. With
        `deferred` the service is told after whoever asks has got their answer."""
        with self.own:
            if not self._moved(call, status, *(only or LIVE)):
                return
            call.cancel()
            self._line(call, "ended", status)
            running, left, call.leaving = call.running, call.leaving(), lambda: None
            peer, call.peer, call.joined, call.listening = call.peer, None, "", ""
            self._leave_queues(call)
        if not running and call.program is not None:
            call.program.close()
        if peer is not None:
            self.gone(peer, call)

        def tell() -> None:
            if left is not None:
                self.ask(call, *left)
            self.receipt(call)

        if deferred:
            self.time.after(0, tell)
        else:
            tell()

    def gone(self, call: Call, other: Call) -> None:
        """Tell a call that the other party is gone."""
        self.time.after(0, lambda: self.deliver(call, Event("gone", other.sid)))

    def redirect(self, call: Call, url: str, twiml: str = "") -> None:
        """The service gives a live call another document (REST). A call in a queue leaves it."""
        self.time.after(0, lambda: self.deliver(call, Redirected(url, twiml)))

    # ---- carrying a call on ----------------------------------------------------------------------
    def _start(self, call: Call) -> None:
        call.program = self._script.play(call, Goto(call.url, {}, call.twiml))
        with self.own:
            call.running = True
        self._drive(call, None)

    def deliver(self, call: Call, event: Event | Interrupt) -> None:
        """Tell a call what has happened; at once if it waits, else when it comes to wait."""
        with self.own:
            if not call.live or call.program is None:
                return
            if call.running:
                call.inbox.append(event)
                return
            if not self._takes(call, event, call.waiting):
                return
            call.running, call.waiting = True, None
            call.cancel()
        self._drive(call, event)

    def _takes(self, call: Call, event: Event | Interrupt, wait: Wait | None) -> bool:
        """Does the call wait for this? A key that it does not wait for is kept or lost, as
        switched. Call with the lock held."""
        if isinstance(event, Interrupt):
            return True
        if event.kind == "timeout":
            return event.value == str(call.token)
        if wait is not None and event.kind in wait.wants:
            return True
        if event.kind == "key" and not call.joined:
            if self.exchange.faults.keys_lost:
                self._line(call, "lost", event.value)
            else:
                call.keys += event.value
        return False

    def _drive(self, call: Call, event: Event | Interrupt | None) -> None:
        """Carry the call on until it waits or is over."""
        assert call.program is not None
        program = call.program
        while True:
            try:
                wait = program.throw(event) if isinstance(event, Interrupt) else program.send(event)
            except StopIteration:
                call.running = False
                self.end(call, "completed")
                return
            except Redirected as elsewhere:
                program = call.program = self._script.play(call, elsewhere.goto)
                event = None
                continue
            with self.own:
                if not call.live:
                    call.running = False
                    break
                event = self._from_inbox(call, wait)
                if event is None:
                    self._wait(call, wait)
                    self.exchange.changed()
                    return
        program.close()

    def _from_inbox(self, call: Call, wait: Wait) -> Event | Interrupt | None:
        while call.inbox:
            event = call.inbox.popleft()
            if self._takes(call, event, wait):
                return event
        return None

    def _wait(self, call: Call, wait: Wait) -> None:
        call.token += 1
        call.waiting, call.running = wait, False
        if wait.seconds is not None:
            over = Event("timeout", str(call.token))
            # Never at once: a timer that comes due in this thread would find the lock held.
            call.cancel = self.time.after(
                max(wait.seconds, 0.001), lambda: self.deliver(call, over)
            )

    # ---- queues ----------------------------------------------------------------------------------
    def queue(self, name: str) -> Queue:
        """The queue of this name, made at its first use."""
        with self.own:
            return self.queues.setdefault(name, Queue(name))

    def room(self, name: str) -> Room:
        """The conference of this name, made at its first use."""
        with self.own:
            return self.rooms.setdefault(name, Room())

    def room_changed(self, room: Room) -> None:
        """Say to each in a conference who is there with them."""
        with self.own:
            for call, _ in room.members:
                there = ", ".join(self.name(one) for one in room.others(call)) if room.talks else ""
                if there != call.joined:
                    call.joined = there
                    self._line(call, "joined" if there else "parted", there)
        self.exchange.changed()

    def leaves_room(self, call: Call) -> None:
        """A call is out of its conference, which may end with it."""
        with self.own:
            room, call.room = call.room, None
            if room is None:
                return
            ends = any(ending for one, ending in room.members if one is call)
            room.members = [member for member in room.members if member[0] is not call]
            call.joined = ""
            closed = room.others(call) if ends else []
            room.open = room.open and bool(room.members) and not ends
        for one in closed:
            self.time.after(0, partial(self.deliver, one, Event("closed")))
        if not closed:
            self.room_changed(room)

    def _heard_by_others(self, call: Call, words: str) -> None:
        """What somebody says or keys is heard by whom they are joined with. Call with the lock
        held."""
        others = call.room.others(call) if call.room is not None and call.room.talks else []
        if call.peer is not None and call.joined:
            others = [*others, call.peer]
        for one in others:
            self._line(one, "hears", words)

    def _leave_queues(self, call: Call) -> None:
        call.waits_in = ""
        for queue in self.queues.values():
            queue.members = [one for one in queue.members if one.call is not call]
            queue.dialers = [one for one in queue.dialers if one is not call]

    def bridge(self, queue: Queue, by: Call) -> Call | None:
        """The call that has waited longest, taken out of the queue for `by`; None if it is
        empty."""
        with self.own:
            if not queue.members:
                return None
            member = queue.members.pop(0)
            member.taken = True
            taken = member.call
            taken.waits_in = ""
            taken.peer, by.peer = by, taken
        self.time.after(0, lambda: self.deliver(taken, Taken(by)))
        return taken

    def somebody_waits(self, queue: Queue) -> None:
        """Tell whoever dials this empty queue that a call has come into it."""
        with self.own:
            dialer = queue.dialers[0] if queue.dialers else None
        if dialer is not None:
            self.time.after(0, lambda: self.deliver(dialer, Event("member")))

    # ---- asking the service ----------------------------------------------------------------------
    def fields(self, call: Call) -> dict[str, str]:
        """What stands in every webhook about a call."""
        fields = {
            "CallSid": call.sid,
            "AccountSid": self.settings.account_sid,
            "ApiVersion": API_VERSION,
            "CallStatus": call.status,
            "Direction": call.direction,
            "From": call.sender,
            "To": call.receiver,
            "Caller": call.sender,
            "Called": call.receiver,
        }
        if call.detects and call.answered_by:
            fields["AnsweredBy"] = call.answered_by
        return fields

    def inside(self, base: str, address: str) -> str | None:
        """An address in a document, in full; None if it leads outside of the service."""
        full = urljoin(base or self.settings.service_url, address)
        ours, theirs = urlsplit(self.settings.service_url), urlsplit(full)
        return full if (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc) else None

    def ask(self, call: Call, url: str, more: Mapping[str, str]) -> Answered:
        """Post a webhook about a call: again after a failure, and as the switches say."""
        fields, token = self.fields(call) | dict(more), secrets.token_hex(16)
        call.asked = (url, fields, token)
        first = self.web.post(url, fields, token)
        if not first.fine:
            return self.web.post(url, fields, token)
        faults = self.exchange.faults
        if not (faults.webhook_twice or faults.webhook_repeated):
            return first
        second = self.web.post(url, fields, token)
        if (first.status, first.body) != (second.status, second.body):
            self.exchange.note(
                "A call's webhook was delivered twice, and the program's two answers differ."
            )
        return second if faults.webhook_twice else first

    def repeat(self, call: Call) -> Answered:
        """Send the last webhook of a call once more, as Twilio may at any time, also after the call
        has ended. What it is answered changes nothing here."""
        assert call.asked is not None, "the service was never asked about this call"
        return self.web.post(*call.asked)

    def refuse(self, call: Call, url: str, *why: str) -> None:
        """Say loudly that a document cannot be carried out: on the page, in the API, to a test."""
        call.fault = "; ".join(why)
        self.refusals.append(Refusal(call.sid, urlsplit(url).path, why))
        self.exchange.note(f"The program's answer to a call was not usable. {call.fault}.")

    def receipt(self, call: Call) -> None:
        """Tell the service how far the call has come, as the switches say."""
        wanted = call.status in FINAL or EVENTS.get(call.status) in call.events
        faults, url = self.exchange.faults, call.callback
        if not url or not wanted or faults.receipts_missing:
            return
        address = self.inside("", url)
        if address is None:
            self.exchange.note(
                "A receipt's address leads outside the program's server; it was not called."
            )
            return
        fields = {
            "CallStatus": call.status,
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(len(call.receipts)),
            "Timestamp": self.time.moment().strftime("%a, %d %b %Y %H:%M:%S +0000"),
        }
        if call.status in FINAL:
            fields["CallDuration"] = fields["Duration"] = str(call.duration)
        call.receipts.append(fields)
        if faults.receipts_disordered and call.status not in FINAL:
            return  # they come after the last
        due = list(reversed(call.receipts)) if faults.receipts_disordered else [fields]

        def tell() -> None:
            for one in due:
                for _ in range(2 if faults.receipts_twice else 1):
                    self._tell(call, address, one)

        if faults.receipts_late:
            self.time.after(self.settings.late, tell)
        else:
            tell()

    def _tell(self, call: Call, url: str, fields: Mapping[str, str]) -> None:
        answered = self.web.post(url, self.fields(call) | dict(fields), secrets.token_hex(16))
        if not answered.fine:
            what = f"answered {answered.status}" if answered.status else "did not answer"
            status = fields["CallStatus"]
            self.exchange.note(f"The program's server {what} to a receipt ({status}).")

    # ---- small things ----------------------------------------------------------------------------
    def line(self, call: Call, kind: str, words: str = "", **more: object) -> Line:
        """Add a line to what was heard in a call."""
        with self.own:
            self._line(call, kind, words, **more)
            return call.lines[-1]

    def _line(self, call: Call, kind: str, words: str = "", **more: object) -> Call:
        call.lines.append(Line(kind, self.time.now(), words, **more))  # type: ignore[arg-type]
        return call

    def name(self, call: Call) -> str:
        """Whose phone this is."""
        return self.exchange.phone(call.phone).name

    def _moved(self, call: Call, status: str, *only: str) -> bool:
        with self.own:
            if call.status not in only:
                return False
            call.status = status
            if status not in LIVE:
                call.ended = self.time.moment()
                if call.answered is not None:
                    call.duration = round(self.time.now() - call.answered)
        self.exchange.changed()
        return True


class Redirected(Interrupt):
    """The service has given the call another document."""

    def __init__(self, url: str, twiml: str = "") -> None:
        super().__init__("redirected")
        self.goto = Goto(url, {}, twiml)
