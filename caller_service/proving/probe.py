"""`caller-service probe`: a synthetic resident runs marked test conversations through the public
endpoints, in every channel and language, as far as the dispatch queue, and times them.

Expected responses are not written here: the probe decides the same messages itself, with the
program's own protocol and catalogs, and the service's response must match. Test cases go to no
human (casework/carry_out.py), are counted nowhere and end with the probe. Faults are codes
(FAULTS); times are in seconds. Limits and targets: docs/safety-rules.md and docs/performance.md.
"""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Protocol
from xml.etree import ElementTree

import requests
from twilio.request_validator import RequestValidator

from caller_service.casework import synthetic_case
from caller_service.casework.interpret import hear
from caller_service.casework.parts import Parts
from caller_service.casework.receive import PROBE
from caller_service.config.settings import Settings
from caller_service.core.case import Case, Step, replace
from caller_service.core.effect import Ask, Effects, Page
from caller_service.core.program import Program
from caller_service.core.questions import ask
from caller_service.core.service_area import locate
from caller_service.language.wording import question_text, texted, texts
from caller_service.store.probes import Result
from caller_service.web.shared.fallback import text_answer

from .addresses import Addresses, compare
from .web_browser import Fetch, Fetched

ELSEWHERE = "elsewhere"  # Twilio calls a URL that is not ours
FAULTS = {
    "in_use": "a resident's request is open on the number set aside",
    "no_answer": "the service did not answer",
    "not_twiml": "the answer cannot be read",
    "not_a_page": "the answer is no page that can be read",
    "fallback": "the service gave its fallback text",
    "no_case": "the database has no case of it: is it the service's own?",
    "not_marked": "the service takes it for a resident: has it the same program, secret key and "
    "release?",
    "wrong_language": "answered in another language",
    "wrong_question": "another question was asked",
    "wrong_words": "the right question, with other words",
    "bad_document": "Twilio could not carry out the document of a call",
    "no_language_key": "no key chooses this language",
    "no_language_word": "no word chooses this language",
    "endless": "the questions did not end",
    "slow": "an answer took too long",
    "no_page": "no page was made for a danger sign",
    "no_hand_off": "the hand-off did not reach the dispatch queue",
}
SLOW = 3.0  # a turn is answered within this (docs/performance.md)
# danger sign to page, and last answer to dispatch queue: marked in the table if it takes longer
AIM = 1.0
WAIT = 10.0  # after this it is considered missing
GIVE_UP = 15.0  # as Twilio does
PACE = 0.25  # waited beyond the clock `read`, so that a "no" is not too fast
MOST_TURNS = 40

# question -> choice; `safety` is for safety questions; any other: "no", or the last choice
Script = Mapping[str, str]
SCRIPTS: Mapping[str, Script] = {
    "quiet": {
        "who": "adult",
        "safety": "no",
        "contact": "text",
        "need": "worried",
        "want": "team",
        "if_none": "wait",
    },
    "danger": {"who": "me", "safety": "yes", "contact": "text", "want": "team", "if_none": "wait"},
}
# path, form, headers -> status, body
Post = Callable[[str, Mapping[str, str], Mapping[str, str]], tuple[int, str]]


class Fault(Exception):
    """The conversation failed; `code` is one of FAULTS, or http_ and a status."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# ---- channels ------------------------------------------------------------------------------------


class Channel(Protocol):
    """A channel to the service; each conversation has a new one."""

    def say(self, words: str) -> tuple[str, ...]:
        """Send a message and return the response. Raises Fault."""

    def expects(self, effects: Effects, case: Case) -> tuple[str, ...]:
        """The response that these effects lead to on this channel."""


@dataclass(frozen=True)
class Target:
    """The service's public URL, and the credentials for it."""

    parts: Parts
    post: Post
    # the URL that is signed, even if requests go to another one
    public_url: str = field(repr=False)
    auth_token: str = field(repr=False)
    account_sid: str = ""
    fetch: Fetch = field(default=lambda *_: Fetched(404), repr=False)  # pages
    secret_key: str = field(default="", repr=False)  # signs what the probe posts on a page


class Texts:
    """Texts: one signed webhook per turn, as Twilio sends it, with an id that Twilio never uses."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._to = next(
            (one.number for one in target.parts.program.numbers.ours if one.number.startswith("+")),
            "",
        )

    def say(self, words: str) -> tuple[str, ...]:
        form = {
            "MessageSid": PROBE + secrets.token_hex(16), "AccountSid": self._target.account_sid,
            "NumMedia": "0", "Body": words, "From": self._target.parts.program.numbers.probe,
            "To": self._to,
        }  # fmt: skip
        signature = RequestValidator(self._target.auth_token).compute_signature(
            f"{self._target.public_url}/twilio/sms", form
        )
        status, body = self._target.post("/twilio/sms", form, {"X-Twilio-Signature": signature})
        if status != 200:
            raise Fault(f"http_{status}")
        if body == text_answer(self._target.parts.program, self._target.parts.catalog):
            raise Fault("fallback")
        try:
            return tuple(
                message.findtext("Body") or ""
                for message in ElementTree.fromstring(body).findall("Message")
            )
        except ElementTree.ParseError:
            raise Fault("not_twiml") from None

    def expects(self, effects: Effects, case: Case) -> tuple[str, ...]:
        parts = self._target.parts
        return tuple(
            words.text
            for words in texts(effects, case, parts.program, parts.catalog)
            if not words.unasked
        )


def conversations(parts: Parts) -> tuple[tuple[str, str, str], ...]:
    """The conversations to run: channel, language, conversation. A call takes as long as its
    speech, so it only goes the shortest way to a person, in every language that has a voice."""
    written = [(tag, name) for tag in parts.program.languages for name in SCRIPTS]
    offered = parts.program.phone.languages or parts.program.languages
    return (
        *(("text", tag, name) for tag, name in written),
        *(("voice", tag, "danger") for tag in offered if parts.speaks(tag)),
        *(("web", tag, name) for tag, name in written),
    )


def posting(url: str) -> Post:
    """Post to the service at this URL. Any network failure is Fault no_answer."""
    session = requests.Session()

    def post(path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        try:
            answer = session.post(
                url + path,
                data=dict(form),
                headers=dict(headers),
                timeout=GIVE_UP,
                allow_redirects=False,
            )
        except requests.RequestException:
            raise Fault("no_answer") from None
        answer.encoding = "utf-8"
        return answer.status_code, answer.text

    return post


def fetching(url: str) -> Fetch:
    """Fetch pages of the service at this URL; cookies are left to the browser. Any network failure
    is Fault no_answer."""
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))

    def fetch(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Fetched:
        try:
            answer = session.request(
                method, url + path, data=body or None, headers=dict(headers), timeout=GIVE_UP,
                allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException:
            raise Fault("no_answer") from None
        cookies = tuple(answer.raw.headers.getlist("Set-Cookie"))
        there = answer.headers.get("Location", "")
        return Fetched(answer.status_code, answer.content, there, cookies)

    return fetch


# ---- one conversation ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Time:
    """The probe's clock: `now` in seconds since an arbitrary moment, `wait` in seconds. Tests
    replace it."""

    now: Callable[[], float] = time.perf_counter
    wait: Callable[[float], None] = time.sleep


@dataclass
class Played:
    """The result of one conversation."""

    channel: str
    language: str
    conversation: str
    fault: str = ""
    turns: list[float] = field(default_factory=list)
    seconds: float = 0.0
    queued: float | None = None
    paged: float | None = None

    def result(self, at: datetime) -> Result:
        slowest = max(self.turns, default=0.0)
        return Result(
            self.channel,
            self.language,
            self.conversation,
            at,
            self.fault,
            len(self.turns),
            slowest,
            self.seconds,
            self.queued,
            self.paged,
        )


def play(target: Target, channel: str, language: str, conversation: str, clock: Time) -> Played:
    """Play one conversation to its end or its first fault; its case is closed either way."""
    played, begun = Played(channel, language, conversation), clock.now()
    try:
        if channel == "voice":
            from .probe_call import play_call  # here, because it imports this module

            play_call(target, played, clock)
        elif channel == "web":
            from .probe_web import play_form  # the same

            play_form(target, played, clock)
        else:
            _play(target, Texts(target), played, clock)
    except Fault as fault:
        played.fault = fault.code
    finally:
        played.seconds = clock.now() - begun
        synthetic_case.clear(target.parts)
    return played


def _play(target: Target, channel: Channel, played: Played, clock: Time) -> None:
    parts, script = target.parts, SCRIPTS[played.conversation]
    # every earlier test case was closed, so this one is in use
    if synthetic_case.standing(parts) is not None:
        raise Fault("in_use")
    case, real = Case("probe", "", "probe", parts.program.languages[0]), ""
    said, unread = opener(parts, played.language), False
    before = ""
    while True:
        unread = unread or said == before  # the same message sent twice at once gets one reply
        before = said
        clock.wait(parts.program.clocks.read + parts.program.clocks.unseen + PACE if unread else 0)
        step = _decided(parts, case, said)
        begun = clock.now()
        heard = channel.say(said)
        played.turns.append(clock.now() - begun)
        if not real:
            step, real = _found(parts, step)
        if heard != channel.expects(step.effects, step.case):
            raise Fault(wrong(parts, heard, step))
        case = step.case
        if played.paged is None and any(isinstance(effect, Page) for effect in step.effects):
            played.paged = until(
                partial(synthetic_case.paged, parts, real), begun, "no_page", clock
            )
        if played.turns[-1] > SLOW:
            raise Fault("slow")
        if not case.asked:
            break
        if len(played.turns) == MOST_TURNS:
            raise Fault("endless")
        said, unread = reply(parts, case, script)
    if played.conversation == "danger" and played.paged is None:
        raise Fault("no_page")
    played.queued = until(
        partial(synthetic_case.queued, parts, real), clock.now(), "no_hand_off", clock
    )


def _decided(parts: Parts, case: Case, said: str) -> Step:
    """The response to the same message, decided in this process."""
    with parts.engine.connect() as conn:
        scene = parts.scene(conn)
    return hear(case, said, scene.now, scene, parts.language_words)


def _found(parts: Parts, step: Step) -> tuple[Step, str]:
    """The case as the service stored it: its id, and the reference that texts may name. A case that
    is not marked as a test is withdrawn."""
    real = synthetic_case.standing(parts)
    if real is None:
        raise Fault("no_case")
    if not real.test:
        synthetic_case.take_back(parts, real.id)
        raise Fault("not_marked")
    return Step(replace(step.case, reference=real.reference), step.effects), real.id


def until(look: Callable[[], bool], begun: float, otherwise: str, clock: Time) -> float:
    """Seconds from `begun` until the condition holds."""
    while not look():
        if clock.now() - begun > WAIT:
            raise Fault(otherwise)
        clock.wait(0.02)
    return clock.now() - begun


def opener(parts: Parts, language: str) -> str:
    """The first message: the shortest that selects the language."""
    commands = parts.language_words[language].vocabulary.commands
    phrases = [
        " ".join(phrase)
        for phrase, command in commands.items()
        if command == f"language:{language}"
    ]
    if not phrases:
        raise Fault("no_language_word")
    return min(phrases, key=lambda phrase: (len(phrase), phrase))


def reply(parts: Parts, case: Case, script: Script) -> tuple[str, bool]:
    """The script's answer to the question, and whether it is a "no" that needs time to have been
    read."""
    question, offered = (
        parts.program.protocol.question(case.asked),
        ask(parts.program.protocol, case).choices,
    )
    if question.kind == "place":
        return place(parts.program, parts.now()), False
    wanted = script.get(question.id) if not question.safety else script["safety"]
    code = next((code for code in (wanted, "no") if code in offered), offered[-1])
    return str(offered.index(code) + 1), (question.safety and code == "no") or question.opens(code)


def place(program: Program, now: datetime) -> str:
    """A place of the program's table that lies in a live area; else its first."""
    named = [one.name for one in program.places]
    inside = (name for name in named if locate(name, program, now).kind == "inside")
    return next(inside, next(iter(named), "City Hall"))


def wrong(parts: Parts, heard: Sequence[str], step: Step) -> str:
    """The code of what is wrong with a response, whose text is never quoted."""
    said, question = (
        "\n".join(heard),
        next((effect for effect in reversed(step.effects) if isinstance(effect, Ask)), None),
    )
    others = [language for language in parts.program.languages if language != step.case.language]
    if question is None:
        told = {
            language: [
                words.text
                for words in texts(
                    step.effects,
                    replace(step.case, language=language),
                    parts.program,
                    parts.catalog,
                )
            ]
            for language in others
        }
        return (
            "wrong_language"
            if any(list(heard) == words for words in told.values())
            else "wrong_words"
        )
    if _asked(parts, question, step.case.language) in said:
        return "wrong_words"
    return (
        "wrong_language"
        if any(_asked(parts, question, language) in said for language in others)
        else "wrong_question"
    )


def _asked(parts: Parts, question: Ask, language: str) -> str:
    return texted(question_text(question, language, parts.catalog), language, parts.catalog)


# ---- all of them ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """The results of the probe."""

    program: str
    at: datetime
    played: tuple[Played, ...]
    addresses: Addresses = field(default_factory=Addresses)

    @property
    def well(self) -> bool:
        return not self.addresses.faults and not any(one.fault for one in self.played)

    def lines(self) -> Iterator[str]:
        """A table, and each fault by name."""
        at = f"{self.at:%Y-%m-%d %H:%M} UTC"
        yield f"{self.program}: the probe at {at}. Test cases only; nobody was asked."
        yield ""
        times = " ".join(f"{name:>8}" for name in ("median", "slowest", "whole", "queued", "paged"))
        yield f"{'channel':8} {'language':8} {'':8} {'turns':>5} {times}"
        for one in self.played:
            median, slowest = (
                f"{of(one.turns) * 1000:.0f} ms" if one.turns else "-"
                for of in (statistics.median, max)
            )
            times = " ".join(
                f"{_seconds(value):>8}" for value in (one.seconds, one.queued, one.paged)
            )
            result = (
                (one.fault and f"FAILED: {one.fault}")
                or ", ".join(f"{name} late" for name in late(one))
                or "well"
            )
            which = f"{one.channel:8} {one.language:8} {one.conversation:8}"
            yield f"{which} {len(one.turns):>5} {median:>8} {slowest:>8} {times}  {result}"
        yield ""
        for line in self.addresses.lines():
            yield f"Twilio: {line}"
        yield "All well." if self.well else "Something failed:"
        for one in self.played:
            if one.fault:
                what = FAULTS.get(one.fault, "the service refused it")
                which = f"{one.channel} {one.language} {one.conversation}"
                yield f"  {which}, turn {len(one.turns) or 1}: {one.fault} ({what})"

    def plain(self) -> dict[str, Any]:
        """The report as JSON values. Times are in seconds."""
        played = [
            vars(one) | {"well": not one.fault, "late": list(late(one))} for one in self.played
        ]
        return {
            "program": self.program,
            "at": self.at.isoformat(),
            "well": self.well,
            "conversations": played,
            "twilio": asdict(self.addresses),
        }


def late(one: Played) -> tuple[str, ...]:
    """Measurements that missed their target."""
    return tuple(name for name in ("queued", "paged") if (getattr(one, name) or 0.0) > AIM)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def probe(target: Target, clock: Time | None = None) -> Report:
    """Run every conversation of every channel and language, one after the other, and store the
    results for /metrics.

    What an earlier probe left open is closed first. The program must have a number for the probe.
    """
    parts = target.parts
    synthetic_case.clear(parts)
    played = tuple(
        play(target, channel, language, conversation, clock or Time())
        for channel, language, conversation in conversations(parts)
    )
    held = compare(parts.telephony, parts.program.numbers, target.public_url)
    at = parts.now()
    looked = [] if held.could_not_look else [_address_result(held, at)]
    synthetic_case.keep(parts, [one.result(at) for one in played] + looked)
    return Report(parts.program.name, at, played, held)


def _address_result(held: Addresses, at: datetime) -> Result:
    """The result of comparing Twilio's URLs, stored like a conversation, so that one alert in
    /metrics covers it, too."""
    return Result("twilio", "-", "addresses", at, ELSEWHERE if held.faults else "", 0, 0.0, 0.0)


def target_of(settings: Settings, parts: Parts, url: str = "") -> Target:
    """The running service; `url`: its base URL, if it is not the public one."""
    url = url.rstrip("/") or settings.public_url
    return Target(
        parts,
        posting(url),
        settings.public_url,
        settings.twilio_auth_tokens[0],
        settings.twilio_account_sid,
        fetching(url),
        settings.secret_key,
    )
