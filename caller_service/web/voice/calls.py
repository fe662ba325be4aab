"""Calls out, as Twilio asks about them: what to say when somebody picks up, what their key means,
how far a call has come.

Addresses carry the id of the call and nothing else. An id we do not know is told to hang up.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import partial

from flask import Response, request

from caller_service.casework import resident_call
from caller_service.casework.answer_call import (
    TIMES,
    Spoken,
    fault_words,
    parted,
    picked_up,
    pressed,
    psap_parted,
)
from caller_service.casework.outbound.call_person import note_receipt
from caller_service.core.outbound import CallState
from caller_service.gateway.telephony import ENDED_CALLS
from caller_service.store.calls import RANKS
from caller_service.store.database.deadline import WRITE_WAIT, deadline
from caller_service.web.shared import twiml
from caller_service.web.shared.guard import guarded, parts, twilio_only

from .documents import dialled_call, queued_call, room_call

log = logging.getLogger(__name__)
calls = guarded("calls", twilio_only, "/twilio")
_ID = re.compile(r"[A-Za-z0-9_-]{4,64}")
KEY_WAIT = 7  # seconds after the words


def answered(kind: str) -> Response:
    """Somebody picked up: who is paged, a resident whom a text did not reach, whoever else holds
    that phone, or a voicemail."""
    call_id, sid = _id(request.args.get("id", "")), _id(request.form.get("CallSid", ""))
    return _spoken(
        call_id, kind, lambda: picked_up(parts(), kind, call_id, sid or None, _machine())
    )


def key_pressed(kind: str) -> Response:
    """The key they pressed, or silence."""
    call_id, time = _id(request.args.get("id", "")), request.args.get("time", "")
    said = int(time) if re.fullmatch("[1-9]", time) else TIMES
    key = request.form.get("Digits", "")
    return _spoken(call_id, kind, lambda: pressed(parts(), kind, call_id, _machine(), key, said))


# "rescue" is the old address of an update: calls in progress over an upgrade were given it.
for _address, _kind in (("page", "page"), ("update", "update"), ("rescue", "update")):
    calls.post(f"/{_address}/call", endpoint=f"{_address}_call")(partial(answered, _kind))
    calls.post(f"/{_address}/key", endpoint=f"{_address}_key")(partial(key_pressed, _kind))


@calls.post("/page/parted")
def staff_parted() -> Response:
    """The two phones are apart, or the caller could not be taken out of the queue."""
    call_id = _id(request.args.get("id", ""))
    status = request.form.get("DialCallStatus", "")
    reached = status in ("completed", "answered")

    def hear() -> Spoken:
        if (said := psap_parted(parts(), call_id, status)) is not None:
            return said
        resident_call.staff_parted(parts(), call_id)
        return parted(parts(), call_id, reached)

    return _spoken(call_id, "page", hear)


@calls.post("/receipts/inbound")
def inbound_receipt() -> Response:
    """How far a resident's call has come: the number's status callback. Reports come late, twice,
    or never: a call that says nothing is asked after (casework/resident_call.py)."""
    sid = _id(request.form.get("CallSid", ""))
    if sid and request.form.get("CallStatus", "") in ENDED_CALLS:
        with deadline(WRITE_WAIT):
            resident_call.ended(parts(), sid)
    return Response(status=204)


@calls.post("/receipts/call")
def receipt() -> Response:
    """How far a call has come. Unknown ids and states are answered and left: receipts come late,
    twice, out of order."""
    call_id, sid, state = (
        _id(request.args.get("id", "")),
        _id(request.form.get("CallSid", "")),
        request.form.get("CallStatus", ""),
    )
    if sid and state in ENDED_CALLS:  # a call back is a resident's call, too
        with deadline(WRITE_WAIT):
            resident_call.ended(parts(), sid)
    if call_id and state in RANKS:
        note_receipt(parts(), call_id, CallState(state), sid or None)
    return Response(status=204)


def _id(told: str) -> str:
    return told if _ID.fullmatch(told) else ""


def _machine() -> bool:
    """Did a voicemail or a fax answer? "unknown" may be a person: a key will tell."""
    return request.form.get("AnsweredBy", "").startswith(("machine", "fax"))


def _spoken(call_id: str, kind: str, hear: Callable[[], Spoken]) -> Response:
    """What is heard, as TwiML, whatever fails."""
    if not call_id:
        return twiml.says(())
    try:
        with deadline(WRITE_WAIT):
            told = hear()
    except Exception as problem:  # the outermost door
        log.error("call failed", extra={"fault": type(problem).__name__})
        told = fault_words(parts(), kind)
    language = parts().catalog.languages.get(told.language)
    words = ((told.language, told.words, ()),) if told.words else ()
    if told.meets:
        return room_call(parts(), words, call_id, told.meets, told.waits_there)
    if told.dials:
        return dialled_call(parts(), words, call_id, told.dials)
    if told.joins:
        return queued_call(parts(), words, call_id, told.joins)
    if not told.words or language is None or language.voice is None:
        return twiml.says(())
    voice = language.voice
    if told.asks:
        key_url = f"{parts().public_url}/twilio/{kind}/key?id={call_id}&time={told.asks}"
        return twiml.asks(voice, told.words, key_url, KEY_WAIT)
    return twiml.says(((voice, told.words),))
