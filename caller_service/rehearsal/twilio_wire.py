"""Twilio's wire formats: signed forms out, TwiML back, and the JSON of its REST API."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree

import requests
from twilio.request_validator import RequestValidator

API_VERSION = "2010-04-01"
CONNECT_TIMEOUT = 5.0

# One septet each in GSM 03.38; the second row costs two, because an escape goes before it.
GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ "
    "!\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_DOUBLE = frozenset("^{}\\[~]|€\f")


class NotTwiml(Exception):
    """The service answered with something Twilio cannot execute; the text says what."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One <Message> of a TwiML answer."""

    words: str = field(repr=False)
    to: str = field(repr=False)  # empty: to the person who wrote
    callback: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """The result of a webhook: a status, or 0 without any answer."""

    status: int
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)
    milliseconds: int = 0

    @property
    def fine(self) -> bool:
        return 200 <= self.status < 300


@lru_cache(maxsize=4096)
def parts(words: str) -> int:
    """The number of SMS parts: 160 or 153 septets each in GSM-7, otherwise 70 or 67 UTF-16
    units."""
    if all(letter in GSM_7 or letter in GSM_7_DOUBLE for letter in words):
        length, single, several = (
            sum(2 if letter in GSM_7_DOUBLE else 1 for letter in words),
            160,
            153,
        )
    else:
        length, single, several = len(words.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= single else -(-length // several)


def read_twiml(answered: Answered) -> list[Reply]:
    """The messages of a TwiML answer; the words are in <Message> itself or in its <Body>."""
    if not answered.body.strip():
        return []
    root = _document(answered)
    unknown = sorted({verb.tag for verb in root if verb.tag not in {"Message", "Sms"}})
    if unknown:
        raise NotTwiml(f"this stand-in cannot carry out <{unknown[0]}> in an answer to a text")
    return [_reply(verb) for verb in root]


def _document(answered: Answered) -> ElementTree.Element:
    if "xml" not in answered.content_type:
        raise NotTwiml("12300: the content type is not XML")
    try:
        root = ElementTree.fromstring(answered.body)
    except ElementTree.ParseError as problem:
        raise NotTwiml("12100: the XML cannot be read") from problem
    if root.tag != "Response":
        raise NotTwiml("12100: the document is not a <Response>")
    return root


def _reply(verb: ElementTree.Element) -> Reply:
    bodies = verb.findall("Body")
    words = "".join("".join(body.itertext()) for body in bodies) if bodies else (verb.text or "")
    return Reply(
        words=words.strip(),
        to=verb.get("to", ""),
        callback=verb.get("statusCallback") or verb.get("action") or "",
    )


def inside(service_url: str, address: str) -> str | None:
    """The full URL of an endpoint of the service; None if it leads elsewhere, which rehearsal must
    not call."""
    full = urljoin(service_url.rstrip("/") + "/twilio/sms", address)
    ours, theirs = urlsplit(service_url), urlsplit(full)
    return full if (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc) else None


def post_signed(
    url: str, fields: Mapping[str, str], auth_token: str, timeout: float, token: str = ""
) -> Answered:
    """Post a form as Twilio does, with `X-Twilio-Signature` over the public URL. Never raises if
    the service does not answer."""
    headers = {
        "X-Twilio-Signature": RequestValidator(auth_token).compute_signature(url, dict(fields)),
        "User-Agent": "TwilioProxy/1.1",
        "I-Twilio-Idempotency-Token": token,
    }
    started = time.monotonic()
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the surroundings must not carry loopback traffic
        try:
            answer = session.post(
                url,
                data=dict(fields),
                headers=headers,
                timeout=(CONNECT_TIMEOUT, timeout),
                allow_redirects=False,
            )
        except requests.RequestException:
            return Answered(0)
    taken = round((time.monotonic() - started) * 1000)
    return Answered(
        answer.status_code, answer.headers.get("Content-Type", ""), answer.content, taken
    )


def problem(status: int, code: int, message: str) -> dict[str, object]:
    """Twilio's one shape of an error."""
    return {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
