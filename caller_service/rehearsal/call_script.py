"""How a call carries out the documents of the service, verb by verb, as Twilio does.

Every function here is a generator that yields what the call waits for; call_engine.py sends it the
event that ended the wait, or throws an Interrupt. A verb returns nothing if the next verb follows,
else where the call goes.
"""

import io
import re
import uuid
import wave
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from .calling import (
    RATES,
    Call,
    Event,
    Interrupt,
    Member,
    Program,
    Queue,
    Taken,
    Wait,
    speech_seconds,
)
from .twiml_rules import faults

if TYPE_CHECKING:
    from .call_engine import CallEngine

ANY_SOUND = 3.0  # seconds of a sound whose length cannot be read
TONE = 0.5  # seconds of a key's tone
RING = 2.0  # seconds until a dialed number answers
MANY = 1000  # loop="0"
ERROR = "We are sorry, an application error has occurred. Goodbye."  # as Twilio says it


@dataclass(frozen=True, slots=True)
class Goto:
    """The next document: fetched from an address, or given as it is."""

    url: str = field(repr=False)
    fields: dict[str, str] = field(default_factory=dict, repr=False)
    twiml: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Stop:
    """No next document: the call ends, or leaves its queue."""

    kind: str


HANG_UP, LEAVE = Stop("hang up"), Stop("leave")
Outcome = Goto | Stop | None
Steps = Generator[Wait, Event | None, Outcome]
Heard = Generator[Wait, Event | None, Event | None]


class Over(Exception):
    """The call has ended while the service was asked: what it answered is not carried out."""


class Refused(Exception):
    """The document cannot be had, or cannot be carried out."""


class Script:
    """Carries out documents for the calls of one engine."""

    def __init__(self, engine: "CallEngine") -> None:
        self._engine = engine

    def play(self, call: Call, first: Goto) -> Program:
        """A call from its first document to its end."""
        try:
            yield from self._documents(call, first, "call")
        except Over:
            return
        except Refused:
            self._answered(call)
            yield from self._speak(call, ERROR, "en-US", "", frozenset())

    def _documents(self, call: Call, first: Goto, place: str) -> Steps:
        step: Outcome = first
        while isinstance(step, Goto):
            url, root = self._fetch(call, step, place)
            step = yield from self._verbs(call, root, url, place)
        return step

    def _fetch(self, call: Call, goto: Goto, place: str) -> tuple[str, ElementTree.Element]:
        engine = self._engine
        if goto.twiml:
            body, url = goto.twiml.encode(), goto.url
        else:
            inside = engine.inside("", goto.url)
            if inside is None:
                engine.refuse(call, "", "an address leads outside the program's server")
                raise Refused
            url = inside
            answered = engine.ask(call, url, goto.fields)
            if not call.live:
                raise Over
            if not answered.fine:
                what = f"answered {answered.status}" if answered.status else "did not answer"
                engine.refuse(call, url, f"11200: the program's server {what}, twice")
                raise Refused
            if "xml" not in answered.content_type:
                engine.refuse(call, url, "12300: the content type is not XML")
                raise Refused
            body = answered.body
        wrong = faults(body, place)
        if wrong:
            engine.refuse(call, url, *wrong)
            raise Refused
        return url, ElementTree.fromstring(body)

    def _verbs(self, call: Call, root: ElementTree.Element, url: str, place: str) -> Steps:
        for verb in root:
            if verb.tag != "Reject":
                self._answered(call)
            outcome = yield from _VERBS[verb.tag](self, call, verb, url)
            if outcome is not None:
                return outcome
        self._answered(call)
        return None

    def _answered(self, call: Call) -> None:
        """An inbound call is answered by its first verb."""
        engine = self._engine
        if call.direction == "inbound" and call.status == "ringing":
            with engine.own:
                call.status, call.answered = "in-progress", engine.time.now()

    # ---- what is heard ---------------------------------------------------------------------------
    def _say(self, call: Call, verb: ElementTree.Element, url: str) -> Steps:
        yield from self._sound(call, verb, url, frozenset())
        return None

    def _sound(
        self, call: Call, verb: ElementTree.Element, url: str, wants: frozenset[str]
    ) -> Heard:
        """<Say>, <Play> or <Pause>; the event that cut it off, if one of `wants` did."""
        if verb.tag == "Pause":
            seconds = float(verb.get("length", "1"))
            return (yield from self._heard(call, "silence", "", seconds, wants))
        times = int(verb.get("loop", "1")) or MANY
        for _ in range(times):
            if verb.tag == "Say":
                words = " ".join("".join(verb.itertext()).split())
                language, voice = verb.get("language", ""), verb.get("voice", "")
                slower = _slower(verb)
                event = yield from self._speak(call, words, language, voice, wants, slower)
            else:
                event = yield from self._play(call, verb, url, wants)
            if event is not None:
                return event
        return None

    def _speak(
        self,
        call: Call,
        words: str,
        language: str,
        voice: str,
        wants: frozenset[str],
        slower: float = 1.0,
    ) -> Heard:
        seconds = speech_seconds(words) * slower
        more = {"language": language, "voice": voice}
        return (yield from self._heard(call, "says", words, seconds, wants, **more))

    def _play(
        self, call: Call, verb: ElementTree.Element, url: str, wants: frozenset[str]
    ) -> Heard:
        keys = verb.get("digits")
        if keys:
            return (yield from self._heard(call, "plays", f"keys {keys}", TONE * len(keys), wants))
        address = self._engine.inside(url, (verb.text or "").strip())
        if address is None:
            self._engine.refuse(call, url, "a sound lies outside the program's server")
            raise Refused
        answered = self._engine.web.get(address)
        if not answered.fine:
            self._engine.refuse(call, address, f"11200: a sound is not there ({answered.status})")
            raise Refused
        name = address.partition("?")[0].rpartition("/")[2]
        return (yield from self._heard(call, "plays", name, _length(answered.body), wants))

    def _heard(
        self,
        call: Call,
        kind: str,
        words: str,
        seconds: float,
        wants: frozenset[str],
        **more: object,
    ) -> Heard:
        line = self._engine.line(call, kind, words, seconds=seconds, **more)
        try:
            event = yield Wait(seconds, wants)
        except Interrupt:
            line.cut = True
            raise
        if event is None or event.kind == "timeout":
            return None
        line.cut = True
        return event

    # ---- keys and words --------------------------------------------------------------------------
    def _gather(self, call: Call, verb: ElementTree.Element, url: str) -> Steps:
        gather = _Gathering(
            frozenset(verb.get("input", "dtmf").split()),
            int(verb.get("numDigits", "0")),
            verb.get("finishOnKey", "#"),
            float(verb.get("timeout", "5")),
        )
        call.listening = " ".join(sorted(gather.input))
        try:
            yield from self._collect(call, verb, url, gather)
        finally:
            call.listening, call.quiet = "", False
        if gather.empty and verb.get("actionOnEmptyResult", "false") != "true":
            return None
        return Goto(self._address(call, url, verb.get("action", "")), gather.fields())

    def _collect(
        self, call: Call, verb: ElementTree.Element, url: str, gather: "_Gathering"
    ) -> Generator[Wait, Event | None, None]:
        wants = frozenset("key" if one == "dtmf" else one for one in gather.input)
        engine = self._engine
        if "key" in wants:
            with engine.own:
                kept, call.keys = call.keys, ""
            while kept and not gather.over:
                gather.take(Event("key", kept[0]))
                kept = kept[1:]
            call.keys = kept + call.keys
        for inner in verb:
            if gather.begun:
                break
            event = yield from self._sound(call, inner, url, wants)
            if event is not None:
                gather.take(event)
        if not gather.over:
            engine.line(call, "listens", seconds=gather.timeout)
            call.quiet = True
            engine.exchange.changed()
        while not gather.over:
            event = yield Wait(gather.timeout, wants if not gather.digits else frozenset({"key"}))
            gather.take(event or Event("timeout"))

    def _address(self, call: Call, url: str, address: str) -> str:
        """Where a verb's action leads; without one, the document itself again."""
        full = self._engine.inside(url, address) if address else url
        if full is None:
            self._engine.refuse(call, url, "an action leads outside the program's server")
            raise Refused
        return full

    # ---- elsewhere -------------------------------------------------------------------------------
    def _redirect(self, call: Call, verb: ElementTree.Element, url: str) -> Steps:
        return Goto(self._address(call, url, (verb.text or "").strip()))
        yield

    def _hang_up(self, call: Call, verb: ElementTree.Element, url: str) -> Steps:
        return HANG_UP
        yield

    def _leave(self, call: Call, verb: ElementTree.Element, url: str) -> Steps:
        return LEAVE
        yield

    def _reject(self, call: Call, verb: ElementTree.Element, url: str) -> Steps:
        if call.status == "ringing":
            busy = verb.get("reason", "rejected") == "busy"
            self._engine.end(call, "busy" if busy else "failed")
        return HANG_UP
        yield

    # ---- queues and bridges ----------------------------------------------------------------------
    def _enqueue(self, call: Call, verb: ElementTree.Element, url: str) -> Steps:
        engine = self._engine
        queue, action = engine.queue((verb.text or "").strip()), verb.get("action", "")
        limit = int(verb.get("maxQueueSize", queue.limit))
        address = self._address(call, url, action) if action else ""
        refused = engine.exchange.faults.queue
        with engine.own:
            if refused or len(queue.members) >= limit:
                told = {"QueueResult": refused or "queue-full"}
                return Goto(address, told) if address else None
            member = Member(call, engine.time.now())
            queue.members.append(member)
            call.waits_in = queue.name

        def result(kind: str) -> dict[str, str]:
            waited = str(int(engine.time.now() - member.since))
            return {"QueueResult": kind, "QueueSid": queue.sid, "QueueTime": waited}

        if address:
            call.leaving = lambda: (address, result("bridged" if call.joined else "hangup"))
        engine.somebody_waits(queue)
        try:
            outcome = yield from self._waiting(call, verb, url, queue, member)
        except Interrupt:
            # REST has redirected it: the action is told so, and its answer is not read.
            if address:
                kind = "redirected-from-bridged" if call.joined else "redirected"
                engine.ask(call, address, result(kind))
            raise
        finally:
            call.leaving = lambda: None
            with engine.own:
                queue.members = [one for one in queue.members if one is not member]
                peer, call.peer = call.peer, None
                call.waits_in, call.joined = "", ""
            if peer is not None:
                engine.gone(peer, call)
        if outcome is HANG_UP:
            if address:
                engine.ask(call, address, result("hangup"))
            return HANG_UP
        kind = outcome.kind if isinstance(outcome, Stop) else "bridged"
        return Goto(address, result(kind)) if address else None

    def _waiting(
        self, call: Call, verb: ElementTree.Element, url: str, queue: Queue, member: Member
    ) -> Steps:
        """Wait in the queue: HANG_UP, LEAVE, Stop("error"), or nothing after a bridge."""
        engine, wait_url = self._engine, verb.get("waitUrl", "")
        try:
            while True:
                begun = engine.time.now()
                if not wait_url:
                    yield Wait(None)
                    continue
                address = self._address(call, url, wait_url)
                fields = _queue_fields(queue, member, begun)
                outcome = yield from self._documents(call, Goto(address, fields), "wait")
                if outcome is not None:
                    return outcome
                if engine.time.now() - begun < 1.0:
                    yield Wait(1.0)  # a document that takes no time is not asked for without end
        except Refused:
            return Stop("error")
        except Taken as taken:
            yield from self._bridged(call, taken.by)
            return None

    def _bridged(self, call: Call, by: Call) -> Generator[Wait, Event | None, None]:
        """The waiting call hears the words before the bridge, and is then joined with who dials."""
        engine = self._engine
        whisper = by.dials_with
        try:
            if whisper:
                fields = {"DequeingCallSid": by.sid}
                yield from self._documents(call, Goto(whisper, fields), "bridge")
        except Refused:
            pass  # refused loudly; the bridge itself stands
        if by.peer is not call or not by.live:
            return
        with engine.own:
            call.joined, by.joined = engine.name(by), engine.name(call)
            engine.line(call, "joined", call.joined)
            engine.line(by, "joined", by.joined)
        engine.time.after(0, lambda: engine.deliver(by, Event("joined")))
        engine.exchange.changed()
        yield from self._until(call, by.sid, frozenset({"gone"}))
        engine.line(call, "parted")

    @staticmethod
    def _until(call: Call, other: str, wants: frozenset[str], end: float | None = None) -> Heard:
        """Wait for one of these; that somebody is gone who has nothing to do with it is no
        news."""
        while True:
            event = yield Wait(end, wants)
            if event is None or event.kind != "gone" or event.value == other:
                return event

    def _dial(self, call: Call, verb: ElementTree.Element, url: str) -> Steps:
        engine, noun, action = self._engine, verb[0], verb.get("action", "")
        address = self._address(call, url, action) if action else ""
        dialing = _Dialing()

        def result() -> dict[str, str]:
            return dialing.fields(engine.time.now())

        if address:
            call.leaving = lambda: (address, result())
        try:
            if noun.tag == "Conference":
                yield from self._meet(call, noun, url, dialing)
            elif noun.tag == "Queue":
                yield from self._dial_queue(call, verb, noun, url, dialing)
            else:
                yield from self._dial_number(call, verb, noun, dialing)
        finally:
            call.leaving = lambda: None
            with engine.own:
                call.joined, peer, call.peer = "", call.peer, None
            if peer is not None:
                engine.gone(peer, call)
        return Goto(address, result()) if address else None

    def _meet(
        self, call: Call, noun: ElementTree.Element, url: str, dialing: "_Dialing"
    ) -> Generator[Wait, Event | None, None]:
        """In a conference, until it ends for this call. Its wait document is fetched once and not
        played: it holds a tone."""
        engine, wait_url = self._engine, noun.get("waitUrl", "")
        ends = noun.get("endConferenceOnExit", "false") == "true"
        room = engine.room((noun.text or "").strip())
        dialing.status = "answered"
        with engine.own:
            room.members.append((call, ends))
            room.open = room.open or noun.get("startConferenceOnEnter", "true") == "true"
            call.room = room
        engine.room_changed(room)
        try:
            if wait_url and not room.talks:
                self._fetch(call, Goto(self._address(call, url, wait_url), {}), "bridge")
            dialing.since = engine.time.now()
            yield Wait(None, frozenset({"closed"}))
        finally:
            engine.leaves_room(call)

    def _dial_queue(
        self,
        call: Call,
        verb: ElementTree.Element,
        noun: ElementTree.Element,
        url: str,
        dialing: "_Dialing",
    ) -> Generator[Wait, Event | None, None]:
        engine, name = self._engine, (noun.text or "").strip()
        if name not in engine.queues:
            dialing.status = "failed"
            return
        queue, whisper = engine.queue(name), noun.get("url", "")
        call.dials_with = self._address(call, url, whisper) if whisper else ""
        other = engine.bridge(queue, call)
        end = engine.time.now() + float(verb.get("timeout", "30"))
        with engine.own:
            queue.dialers.append(call)
        try:
            while other is None and engine.time.now() < end:
                yield Wait(end - engine.time.now(), frozenset({"member"}))
                other = engine.bridge(queue, call)
        finally:
            with engine.own:
                queue.dialers = [one for one in queue.dialers if one is not call]
        if other is None:
            return
        dialing.sid = other.sid
        event = yield from self._until(call, other.sid, frozenset({"joined", "gone"}))
        if event is not None and event.kind == "joined":
            yield from self._talk(call, verb, other.sid, dialing)

    def _dial_number(
        self,
        call: Call,
        verb: ElementTree.Element,
        noun: ElementTree.Element,
        dialing: "_Dialing",
    ) -> Generator[Wait, Event | None, None]:
        engine, number = self._engine, (noun.text or "").strip()
        how = engine.lines.get(number, "answer")
        dialing.sid = "CA" + uuid.uuid4().hex
        yield Wait(RING if how == "answer" else float(verb.get("timeout", "30")))
        if how != "answer":
            dialing.status = how
            return
        with engine.own:
            call.joined = number
            engine.line(call, "joined", number)
        engine.line(call, "hears", f"You reached {number} (rehearsal)")
        engine.exchange.changed()
        yield from self._talk(call, verb, number, dialing)

    def _talk(
        self, call: Call, verb: ElementTree.Element, other: str, dialing: "_Dialing"
    ) -> Generator[Wait, Event | None, None]:
        """Two people talk, until one is gone, the time is over, or a star ends it."""
        engine, star = self._engine, verb.get("hangupOnStar", "false") == "true"
        dialing.since, dialing.status = engine.time.now(), "completed"
        end = dialing.since + float(verb.get("timeLimit", "14400"))
        while True:
            left = end - engine.time.now()
            event = yield from self._until(call, other, frozenset({"gone", "key"}), left)
            if event is None or event.kind != "key" or (star and event.value == "*"):
                break
        engine.line(call, "parted")


@dataclass(slots=True)
class _Gathering:
    """What one <Gather> has collected."""

    input: frozenset[str]
    most: int
    finish: str
    timeout: float
    digits: str = field(default="", repr=False)
    finished_on: str = ""
    words: str = field(default="", repr=False)
    confidence: float = 0.0
    over: bool = False

    @property
    def begun(self) -> bool:
        return self.over or bool(self.digits)

    @property
    def empty(self) -> bool:
        return not self.digits and not self.words

    def take(self, event: Event) -> None:
        if event.kind == "speech":
            self.words, self.confidence, self.over = event.value, event.confidence, True
        elif event.kind != "key":
            self.over = True
        elif event.value == self.finish:
            self.finished_on, self.over = event.value, True
        else:
            self.digits += event.value
            self.over = len(self.digits) == self.most

    def fields(self) -> dict[str, str]:
        if self.words:
            return {"SpeechResult": self.words, "Confidence": f"{self.confidence:.7f}"}
        fields = {"Digits": self.digits, "FinishedOnKey": self.finished_on}
        return fields if "dtmf" in self.input else {"SpeechResult": "", "Confidence": "0.0"}


@dataclass(slots=True)
class _Dialing:
    """How a <Dial> goes."""

    status: str = "no-answer"
    sid: str = ""
    since: float | None = None

    def fields(self, now: float) -> dict[str, str]:
        fields = {
            "DialCallStatus": self.status,
            "DialBridged": "true" if self.since is not None else "false",
        }
        if self.sid:
            fields["DialCallSid"] = self.sid
        if self.since is not None:
            fields["DialCallDuration"] = str(int(now - self.since))
        return fields


def _queue_fields(queue: Queue, member: Member, now: float) -> dict[str, str]:
    waits = [now - one.since for one in queue.members] or [0.0]
    return {
        "QueuePosition": str(queue.place(member)),
        "QueueSid": queue.sid,
        "QueueTime": str(int(now - member.since)),
        "AvgQueueTime": str(int(sum(waits) / len(waits))),
        "CurrentQueueSize": str(len(queue.members)),
        "MaxQueueSize": str(queue.limit),
    }


def _length(sound: bytes) -> float:
    """Seconds of a WAV file; ANY_SOUND of any other."""
    try:
        with wave.open(io.BytesIO(sound)) as read:
            return float(read.getnframes() / read.getframerate())
    except (wave.Error, EOFError, ZeroDivisionError):
        return ANY_SOUND


def _slower(verb: ElementTree.Element) -> float:
    """How much slower <prosody rate> makes all of the words."""
    rates = [one.get("rate", "medium") for one in verb.iter("prosody")]
    if not rates:
        return 1.0
    percent = re.fullmatch(r"(\d+)%", rates[0])
    return 100 / int(percent[1]) if percent and int(percent[1]) else RATES.get(rates[0], 1.0)


_VERBS = {
    "Say": Script._say,
    "Play": Script._say,
    "Pause": Script._say,
    "Gather": Script._gather,
    "Redirect": Script._redirect,
    "Enqueue": Script._enqueue,
    "Leave": Script._leave,
    "Dial": Script._dial,
    "Hangup": Script._hang_up,
    "Reject": Script._reject,
}
