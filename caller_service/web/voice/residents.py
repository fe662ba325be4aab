"""Webhooks of a resident's call. A URL carries the ids of the call and its step, and nothing else;
the signature proves that Twilio sent the request."""

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
# what providers send in place of a withheld number: ANONYMOUS, UNAVAILABLE, RESTRICTED, BLOCKED,
# UNKNOWN, spelled on a phone's keys
_HIDDEN = frozenset({"+266696687", "+86282452253", "+7378742833", "+2562533", "+8656696", "+464"})
# the form fields that a step reads, each cut to so many characters
FIELDS = {
    "Digits": 32, "SpeechResult": 1000, "Confidence": 24, "QueueResult": 32, "DialCallStatus": 32,
}  # fmt: skip
SEALED_FOR = "voice.kept"  # the name to which the fields of a retried step are sealed
TRIES = 2  # retries of a slow step
# raised by SQLite's writer; by PostgreSQL's locks and time limits; by a full connection pool
TOO_SLOW = (NotWritten, sa.exc.OperationalError, sa.exc.TimeoutError)


@voice.post("")
def inbound() -> Response:
    """An incoming call: the greeting, or the state of the open request."""
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
    """A key was pressed, words were spoken, or there was silence."""
    fields = _fields()
    digits, words = fields["Digits"], fields["SpeechResult"].replace("\x00", "")
    sure = _confidence(fields["Confidence"])
    return _answer(
        lambda: resident_call.heard(parts(), _leg(), _number("step"), digits, words, sure)
    )


@voice.post("/wait")
def wait() -> Response:
    """The caller has entered the queue of their case."""
    return _answer(lambda: resident_call.waits(parts(), _leg(), _number("step")))


@voice.post("/left")
def left() -> Response:
    """The caller has left the queue."""
    result = _fields()["QueueResult"]
    if result == "hangup" or _hung_up():
        return _over()
    return _answer(lambda: resident_call.left(parts(), _leg(), _number("entry"), result))


@voice.post("/after")
def after() -> Response:
    """The call to 988, or to the PSAP, is over, and the caller is still on the line."""
    if _hung_up():
        return _over()
    reached = _fields()["DialCallStatus"] == "completed"
    return _answer(lambda: resident_call.came_back(parts(), _leg(), _number("step"), reached))


@voice.post("/joined")
def joined() -> Response:
    """Just before a human's phone is joined to the caller's."""
    sid, call_id = _id(request.form.get("CallSid", "")), _id(request.args.get("id", ""))
    try:
        with deadline(WRITE_WAIT):
            utterances = resident_call.joined(parts(), sid, call_id)
    except Exception as problem:  # the two are joined all the same
        log.error("joining was not kept", extra={"fault": type(problem).__name__})
        utterances = None
    return twiml.nothing() if utterances is None else says_only(parts(), utterances)


@voice.post("/meets")
def meets() -> Response:
    """The caller was moved from their queue to a conference with a human and an interpreter."""
    return _answer(lambda: resident_call.meets(parts(), _leg()))


@voice.post("/met")
def met() -> Response:
    """The caller has left the conference."""
    if _hung_up():
        return _over()
    return _answer(lambda: resident_call.met(parts(), _leg(), _number("step")))


@voice.post("/room")
def room() -> Response:
    """The conference has not started yet."""
    words: tuple[Utterance, ...] = ()
    try:
        with deadline(WRITE_WAIT):
            waiting = in_room(parts(), _id(request.args.get("id", "")))
            words = ((waiting.language, waiting.words, ()),) if waiting.words else ()
    except Exception as problem:  # the tone goes on, and Twilio asks again
        log.error("a step of a call failed", extra={"fault": type(problem).__name__})
    return tone(parts(), words)


@voice.post("/callback")
def called_back() -> Response:
    """Our call to the resident was answered, by a person or a machine."""
    call_id, sid = _id(request.args.get("id", "")), _id(request.form.get("CallSid", ""))
    machine = request.form.get("AnsweredBy", "").startswith(("machine", "fax"))
    try:
        with deadline(WRITE_WAIT):
            script = resident_call.called_back(parts(), call_id, sid, machine)
    except Exception as problem:  # hang up: nobody waits alone on the line
        log.error("a callback could not be joined", extra={"fault": type(problem).__name__})
        script = None
    return document(parts(), script)


def _hung_up() -> bool:
    """Did this step end because the caller hung up?"""
    return request.form.get("CallStatus", "") in ENDED_CALLS


def _over() -> Response:
    if sid := _id(request.form.get("CallSid", "")):
        with deadline(WRITE_WAIT):
            resident_call.ended(parts(), sid)
    return document(parts(), None)


def _answer(hear: Callable[[], Script | None]) -> Response:
    """What the caller hears next. Never fails: a step that could not be written in time is
    requested again with the same fields; after that, the 911 and 988 words are spoken. They are
    spoken, too, if we know of no such call: it was erased, or reported as ended, and somebody is
    still there."""
    try:
        with deadline(WRITE_WAIT):
            script = hear()
        return _down() if script is None else document(parts(), script)
    except TOO_SLOW as problem:
        again = _number("again")
        log.error("a step of a call was slow", extra={"fault": type(problem).__name__})
        if again < TRIES:
            return once_more(parts(), _moment(), _same_url(again + 1))
    except Exception as problem:  # the outermost handler
        log.error("a step of a call failed", extra={"fault": type(problem).__name__})
    return _down()


def _down() -> Response:
    """The response when we cannot go on: the 911 and 988 words, in every language that has a
    voice."""
    return Response(
        spoken_answer(parts().program, parts().catalog, "spoken.down"),
        content_type="text/xml; charset=utf-8",
    )


def _moment() -> list[Utterance]:
    language = parts().catalog.spoken(parts().program.languages[0])
    return [(language, parts().catalog.text(language, "spoken.moment"), ())] if language else []


def _same_url(again: int) -> str:
    """The URL that requests the same step again. Its form fields are included, sealed: the provider
    sends them only once, and nothing private may be readable in a URL."""
    fields = {name: value for name, value in _fields().items() if value}
    sealed_fields = ""
    if fields:
        sealed = parts().sealer.seal(json.dumps(fields), SEALED_FOR)
        sealed_fields = "&kept=" + base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    names = ("leg", "step", "entry")
    rest = "".join(f"&{name}={request.args[name]}" for name in names if name in request.args)
    return f"{parts().public_url}{request.path}?again={again}{rest}{sealed_fields}"


def _fields() -> dict[str, str]:
    """The provider's fields for this step: from this request or, if it is a retry, from the first
    one."""
    stored = _sealed_fields()
    return {
        name: stored.get(name, "") if stored is not None else request.form.get(name, "")[:most]
        for name, most in FIELDS.items()
    }


def _sealed_fields() -> dict[str, str] | None:
    value = request.args.get("kept", "")
    if not value:
        return None
    try:
        sealed = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (ValueError, binascii.Error):
        return None
    opened = parts().sealer.try_open(sealed, SEALED_FOR)
    return None if opened is None else dict(json.loads(opened))


def _leg() -> str:
    return _id(request.args.get("leg", ""))


def _number(name: str) -> int:
    value = request.args.get(name, "")
    return int(value) if re.fullmatch(r"\d{1,6}", value) else 0


def _confidence(value: str) -> float:
    return float(value) if re.fullmatch(r"0?\.\d{1,18}|0|1(\.0+)?|0\.\d{1,18}", value) else 0.0


def _id(value: str) -> str:
    return value if _ID.fullmatch(value) else ""
