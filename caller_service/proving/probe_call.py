"""The probe's calls: a synthetic resident calls the public endpoints, chooses a language, presses
keys at a human's pace and hangs up.

Each TwiML document must be valid for Twilio, in that language, and ask the question that is open in
the database. The test case goes to no human (casework/carry_out.py).
"""

from __future__ import annotations

import contextlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit
from xml.etree import ElementTree

from twilio.request_validator import RequestValidator

from caller_service.casework import synthetic_case
from caller_service.casework.receive import PROBE
from caller_service.casework.resident_call import utterances
from caller_service.core.case import Case, replace
from caller_service.core.phone_asking import part_choices, question_lines
from caller_service.core.phone_script import MENU, SAME_KEY
from caller_service.core.phone_script import Line as Said
from caller_service.core.protocol import Part
from caller_service.rehearsal.twiml_rules import faults
from caller_service.store import legs
from caller_service.web.shared.fallback import spoken_answer

from .probe import MOST_TURNS, SCRIPTS, SLOW, Fault, Played, Target, Time, until

PRESS = SAME_KEY.total_seconds() + 0.1  # seconds: the same key again sooner counts as one press


@dataclass
class ProbeCall:
    """One call. `said`: each sentence of the last document, with its language at Twilio."""

    target: Target
    played: Played
    clock: Time
    sid: str = field(default_factory=lambda: PROBE + secrets.token_hex(16))
    said: list[tuple[str, str]] = field(default_factory=list, repr=False)
    action: str = ""
    queue: str = ""  # the wait document of the queue that they entered

    def asks(self, url: str, place: str = "call", **more: str) -> None:
        """One webhook, signed and timed. Raises Fault."""
        parts = self.target.parts
        form = {
            "CallSid": self.sid, "AccountSid": self.target.account_sid, "Direction": "inbound",
            "From": parts.program.numbers.probe, "To": self._to(), "CallStatus": "in-progress",
            **more,
        }  # fmt: skip
        signature = RequestValidator(self.target.auth_token).compute_signature(url, form)
        address = urlsplit(url)
        path = address.path + (f"?{address.query}" if address.query else "")
        begun = self.clock.now()
        status, body = self.target.post(path, form, {"X-Twilio-Signature": signature})
        self.played.turns.append(self.clock.now() - begun)
        if status not in (200, 204):
            raise Fault(f"http_{status}")
        if status == 204:
            return
        if body == spoken_answer(parts.program, parts.catalog, "spoken.down"):
            raise Fault("fallback")
        try:
            document = ElementTree.fromstring(body)
        except ElementTree.ParseError:
            raise Fault("not_twiml") from None
        if faults(body, place, voices_named=True):
            raise Fault("bad_document")
        self._reads(document)
        if self.played.turns[-1] > SLOW:
            raise Fault("slow")

    def _to(self) -> str:
        ours = (one.number for one in self.target.parts.program.numbers.ours)
        return next((number for number in ours if number.startswith("+")), "")

    def _reads(self, document: ElementTree.Element) -> None:
        self.said = [
            (say.get("language", ""), " ".join("".join(say.itertext()).split()))
            for say in document.iter("Say")
        ] + [("", (play.text or "").strip()) for play in document.iter("Play")]
        gather, enqueue = document.find("Gather"), document.find("Enqueue")
        self.action = gather.get("action", "") if gather is not None else ""
        self.queue = enqueue.get("waitUrl", "") if enqueue is not None else ""

    def presses(self, key: str, after: float = PRESS) -> None:
        self.clock.wait(after)
        if not self.action:
            raise Fault("wrong_question")
        self.asks(self.action, Digits=key, FinishedOnKey="")

    def part(self) -> Part | None:
        """The part of a question that is open according to the service; None if none is."""
        parts = self.target.parts
        with parts.engine.connect() as conn:
            leg = legs.by_provider_id(conn, parts.sealer, self.sid)
        part = json.loads(leg.state)["position"]["part"] if leg and leg.state else ""
        return parts.program.protocol.part(part) if part else None

    def reads_at(self) -> float:
        """Seconds until half of the open question is spoken: a key before that is too fast."""
        parts = self.target.parts
        with parts.engine.connect() as conn:
            leg = legs.by_provider_id(conn, parts.sealer, self.sid)
        told = json.loads(leg.state)["position"]["read_at"] if leg and leg.state else None
        if told is None:
            return PRESS
        return max(PRESS, (datetime.fromisoformat(told) - parts.now()).total_seconds() + 0.1)


def play_call(target: Target, played: Played, clock: Time) -> None:
    """One call to its end or its first fault. It is hung up either way, after its case has
    ended."""
    parts = target.parts
    if synthetic_case.standing(parts) is not None:
        raise Fault("in_use")
    call = ProbeCall(target, played, clock)
    try:
        _play(call)
    finally:
        synthetic_case.clear(parts)
        _hangs_up(call)


def _play(call: ProbeCall) -> None:
    parts, played = call.target.parts, call.played
    call.asks(f"{call.target.public_url}/twilio/voice", CallStatus="ringing")
    real = _standing(call)
    _choose(call, real)
    script = SCRIPTS[played.conversation]
    while (part := call.part()) is not None:
        case = _standing(call)
        if case.language != played.language:
            raise Fault("wrong_language")
        _compare(call, case, part)
        if len(played.turns) >= MOST_TURNS:
            raise Fault("endless")
        question = parts.program.protocol.question(part.question)
        codes = part_choices(case, part, question)
        wanted = script.get(question.id) if not question.safety else script["safety"]
        code = next((code for code in (wanted, "no") if code in codes), codes[0])
        guarded = (question.safety and code == "no") or question.opens(code)
        call.presses(str(codes.index(code) + 1), call.reads_at() if guarded else PRESS)
        if played.conversation == "danger" and call.queue:
            played.paged = until(
                partial(synthetic_case.paged, parts, real.id),
                call.clock.now() - played.turns[-1],
                "no_page",
                call.clock,
            )
    if played.conversation == "danger" and played.paged is None:
        raise Fault("no_page")
    if call.queue:
        call.asks(call.queue, "wait", QueuePosition="1", QueueTime="0", CurrentQueueSize="1")
    _in_language(call, played.language)
    played.queued = until(
        partial(synthetic_case.queued, parts, real.id), call.clock.now(), "no_hand_off", call.clock
    )


def _standing(call: ProbeCall) -> Case:
    """The case as the service stored it. One that is not marked as a test is withdrawn."""
    parts = call.target.parts
    real = synthetic_case.standing(parts)
    if real is None:
        raise Fault("no_case")
    if not real.test:
        synthetic_case.take_back(parts, real.id)
        raise Fault("not_marked")
    return real


def _choose(call: ProbeCall, case: Case) -> None:
    """Choose the language: the second has a key of its own, the others are in the menu."""
    parts, wanted = call.target.parts, call.played.language
    if case.language == wanted:
        return
    first = parts.spoken(case.language)
    offered = parts.program.phone.languages or parts.program.languages
    others = [tag for tag in offered if parts.speaks(tag) and tag != first]
    if wanted not in others:
        raise Fault("no_language_key")
    place = others.index(wanted)
    if place == 0:
        call.presses("2", 0.5)  # it counts until half of the first question is spoken
        return
    call.presses("3", 0.5)
    for _ in range(place // MENU):
        call.presses("8")
    call.presses(str(place % MENU + 1))


def _compare(call: ProbeCall, case: Case, part: Part) -> None:
    """The document must ask the open question, in the chosen language."""
    parts = call.target.parts
    with parts.engine.connect() as conn:
        scene = parts.scene(conn).for_case(case)
    said = {words for _, words in call.said}
    for each in question_lines(case, part, scene):
        for _, words, files in utterances(parts, each, case):
            expected = {f"{parts.public_url}{file}" for file in files} or {" ".join(words.split())}
            if not expected <= said:
                raise Fault(_wrong(call, each, case))


def _wrong(call: ProbeCall, expected: Said, case: Case) -> str:
    """The code of what is wrong with a question, whose text is never quoted."""
    parts, said = call.target.parts, {words for _, words in call.said}
    others = (replace(case, language=tag) for tag in parts.program.languages)
    theirs = (utterances(parts, expected, other) for other in others)
    elsewhere = any(" ".join(words.split()) in said for each in theirs for _, words, _ in each)
    return "wrong_language" if elsewhere else "wrong_question"


def _in_language(call: ProbeCall, language: str) -> None:
    """Every sentence must be spoken by a voice of the language."""
    voice = call.target.parts.catalog.languages[language].voice
    spoken = {tag for tag, _ in call.said if tag}
    if voice is not None and spoken - {voice.language}:
        raise Fault("wrong_language")


def _hangs_up(call: ProbeCall) -> None:
    if call.played.turns and call.played.fault != "no_answer":
        url = f"{call.target.public_url}/twilio/receipts/inbound"
        with contextlib.suppress(Fault):  # the first fault is the one that counts
            call.asks(url, CallStatus="completed")
