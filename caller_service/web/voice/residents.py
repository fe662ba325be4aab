"""A resident's call, as Twilio asks about it. Addresses carry the ids of the call and its step, and
nothing else; who asks is proved by the signature."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Callable

import sqlalchemy as sa
from flask import Response, request

from caller_service.casework import resident_call
from caller_service.casework.answer_call import in_room
from caller_service.casework.inbound import sender
from caller_service.casework.resident_call import Call, Script, Utterance
from caller_service.gateway.telephony import ENDED_CALLS
from caller_service.store.database.deadline import WRITE_WAIT, deadline
from caller_service.store.database.group_commit import NotWritten
from caller_service.web.shared import twiml
from caller_service.web.shared.fallback import spoken_answer
from caller_service.web.shared.guard import guarded, parts, twilio_only

from .documents import document, once_more, says_only, tone

log = logging.getLogger(__name__)
voice = guarded("voice", twilio_only, "/twilio/voice")
_ID = re.compile(r"[A-Za-z0-9_-]{4,64}")
# what providers send in place of a number that is hidden: ANONYMOUS, UNAVAILABLE, RESTRICTED,
# BLOCKED, UNKNOWN, each as keyed letters
_HIDDEN = frozenset({"+266696687", "+86282452253", "+7378742833", "+2562533", "+8656696", "+464"})
# what the provider tells of a step, and how many characters of it are read; more is cut
TOLD = {
    "Digits": 32, "SpeechResult": 1000, "Confidence": 24, "QueueResult": 32, "DialCallStatus": 32,
}  # fmt: skip
KEPT = "voice.kept"  # what a step is sealed for that is asked again
TRIES = 2  # times that a slow step is asked again
# SQLite's writer says the first; PostgreSQL's locks and limits the second, a full pool the third
SLOW = (NotWritten, sa.exc.OperationalError, sa.exc.TimeoutError)


@voice.post("")
def inbound() -> Response:
    """The phone rings: the greeting, or where the open request stands."""
    number = sender(request.form.get("From", ""))
    call = Call(
        _id(request.form.get("CallSid", "")),
        "" if number in _HIDDEN else number,
        parts().program.numbers.written_to(request.form.get("To", "")),
        request.form.get("To", "") == parts().program.numbers.callback != "",
    )
    if not call.provider_id:
        return _down()
    return _answer(lambda: resident_call.begin(parts(), call))


@voice.post("/key")
def key() -> Response:
    """A key, words, or silence."""
    told = _told()
    digits, words = told["Digits"], told["SpeechResult"].replace("\x00", "")
    sure = _confidence(told["Confidence"])
    return _answer(
        lambda: resident_call.heard(parts(), _leg(), _number("step"), digits, words, sure)
    )


@voice.post("/wait")
def wait() -> Response:
    """They have entered the queue of their case."""
    return _answer(lambda: resident_call.waits(parts(), _leg(), _number("step")))


@voice.post("/left")
def left() -> Response:
    """They are out of the queue."""
    result = _told()["QueueResult"]
    if result == "hangup" or _hung_up():
        return _over()
    return _answer(lambda: resident_call.left(parts(), _leg(), _number("entry"), result))


@voice.post("/after")
def after() -> Response:
    """The call to 988, or to the PSAP, is over, and they are still on the line."""
    if _hung_up():
        return _over()
    reached = _told()["DialCallStatus"] == "completed"
    return _answer(lambda: resident_call.came_back(parts(), _leg(), _number("step"), reached))


@voice.post("/joined")
def joined() -> Response:
    """Just before a human's phone is joined to theirs."""
    sid, call_id = _id(request.form.get("CallSid", "")), _id(request.args.get("id", ""))
    try:
        with deadline(WRITE_WAIT):
            told = resident_call.joined(parts(), sid, call_id)
    except Exception as problem:  # the two are joined all the same
        log.error("joining was not kept", extra={"fault": type(problem).__name__})
        told = None
    return twiml.nothing() if told is None else says_only(parts(), told)


@voice.post("/meets")
def meets() -> Response:
    """They were fetched from their queue into a room with a human and an interpreter."""
    return _answer(lambda: resident_call.meets(parts(), _leg()))


@voice.post("/met")
def met() -> Response:
    """They are out of the room."""
    if _hung_up():
        return _over()
    return _answer(lambda: resident_call.met(parts(), _leg(), _number("step")))


@voice.post("/room")
def room() -> Response:
    """The room is not open yet."""
    words: tuple[Utterance, ...] = ()
    try:
        with deadline(WRITE_WAIT):
            told = in_room(parts(), _id(request.args.get("id", "")))
            words = ((told.language, told.words, ()),) if told.words else ()
    except Exception as problem:  # the tone goes on, and this is asked again
        log.error("a step of a call failed", extra={"fault": type(problem).__name__})
    return tone(parts(), words)


@voice.post("/callback")
def called_back() -> Response:
    """Our call to them was answered, by somebody or something."""
    call_id, sid = _id(request.args.get("id", "")), _id(request.form.get("CallSid", ""))
    machine = request.form.get("AnsweredBy", "").startswith(("machine", "fax"))
    try:
        with deadline(WRITE_WAIT):
            script = resident_call.called_back(parts(), call_id, sid, machine)
    except Exception as problem:  # nobody is left alone on the line: it is tried again
        log.error("a callback could not be joined", extra={"fault": type(problem).__name__})
        script = None
    return document(parts(), script)


def _hung_up() -> bool:
    """Does the provider tell how something ended because their call did?"""
    return request.form.get("CallStatus", "") in ENDED_CALLS


def _over() -> Response:
    if sid := _id(request.form.get("CallSid", "")):
        with deadline(WRITE_WAIT):
            resident_call.ended(parts(), sid)
    return document(parts(), None)


def _answer(hear: Callable[[], Script | None]) -> Response:
    """What is heard next, whatever fails. A step that could not be written in time is asked again
    with what was told; then the 911 and 988 words are heard."""
    try:
        with deadline(WRITE_WAIT):
            return document(parts(), hear())
    except SLOW as problem:
        again = _number("again")
        log.error("a step of a call was slow", extra={"fault": type(problem).__name__})
        if again < TRIES:
            return once_more(parts(), _moment(), _same_url(again + 1))
    except Exception as problem:  # the outermost door
        log.error("a step of a call failed", extra={"fault": type(problem).__name__})
    return _down()


def _down() -> Response:
    """We cannot go on: the 911 and 988 words, in every language that has a voice."""
    return Response(
        spoken_answer(parts().program, parts().catalog, "spoken.down"),
        content_type="text/xml; charset=utf-8",
    )


def _moment() -> list[Utterance]:
    language = parts().catalog.spoken(parts().program.languages[0])
    return [(language, parts().catalog.text(language, "spoken.moment"), ())] if language else []


def _same_url(again: int) -> str:
    """The same question to us. What was told goes along sealed: the provider tells it once, and
    nothing private stands in an address."""
    told = {name: value for name, value in _told().items() if value}
    kept = ""
    if told:
        sealed = parts().sealer.seal(json.dumps(told), KEPT)
        kept = "&kept=" + base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    names = ("leg", "step", "entry")
    rest = "".join(f"&{name}={request.args[name]}" for name in names if name in request.args)
    return f"{parts().public_url}{request.path}?again={again}{rest}{kept}"


def _told() -> dict[str, str]:
    """What the provider tells of this step: as it is asked, or as it was when it was asked
    first."""
    kept = _kept()
    return {
        name: kept.get(name, "") if kept is not None else request.form.get(name, "")[:most]
        for name, most in TOLD.items()
    }


def _kept() -> dict[str, str] | None:
    told = request.args.get("kept", "")
    if not told:
        return None
    try:
        sealed = base64.urlsafe_b64decode(told + "=" * (-len(told) % 4))
    except (ValueError, binascii.Error):
        return None
    opened = parts().sealer.try_open(sealed, KEPT)
    return None if opened is None else dict(json.loads(opened))


def _leg() -> str:
    return _id(request.args.get("leg", ""))


def _number(name: str) -> int:
    told = request.args.get(name, "")
    return int(told) if re.fullmatch(r"\d{1,6}", told) else 0


def _confidence(told: str) -> float:
    return float(told) if re.fullmatch(r"0?\.\d{1,18}|0|1(\.0+)?|0\.\d{1,18}", told) else 0.0


def _id(told: str) -> str:
    return told if _ID.fullmatch(told) else ""
