"""Webhooks of outbound calls: what to say when somebody answers, what a key means, and status
callbacks.

A URL carries the id of the call and nothing else. A call with an unknown id is hung up.
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
KEY_WAIT = 7  # seconds to press a key, after the words


def answered(kind: str) -> Response:
    """The call was answered: by a person who is paged, by a resident whom a text did not reach, by
    somebody else at that phone, or by voicemail."""
    call_id, sid = _id(request.args.get("id", "")), _id(request.form.get("CallSid", ""))
    return _spoken(
        call_id, kind, lambda: picked_up(parts(), kind, call_id, sid or None, _machine())
    )


def key_pressed(kind: str) -> Response:
    """A key was pressed, or there was silence."""
    call_id, time = _id(request.args.get("id", "")), request.args.get("time", "")
    said = int(time) if re.fullmatch("[1-9]", time) else TIMES
    key = request.form.get("Digits", "")
    return _spoken(call_id, kind, lambda: pressed(parts(), kind, call_id, _machine(), key, said))


# "rescue" is the old URL of an update: a call that is in progress during an upgrade still has it.
for _address, _kind in (("page", "page"), ("update", "update"), ("rescue", "update")):
    calls.post(f"/{_address}/call", endpoint=f"{_address}_call")(partial(answered, _kind))
    calls.post(f"/{_address}/key", endpoint=f"{_address}_key")(partial(key_pressed, _kind))


@calls.post("/page/parted")
def staff_parted() -> Response:
    """The two phones are disconnected, or the caller could not be taken out of the queue."""
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
    """The status callback of a resident's call. Callbacks come late, twice, or never: the provider
    is asked about a call without news (casework/resident_call.py)."""
    sid = _id(request.form.get("CallSid", ""))
    if sid and request.form.get("CallStatus", "") in ENDED_CALLS:
        with deadline(WRITE_WAIT):
            resident_call.ended(parts(), sid)
    return Response(status=204)


@calls.post("/receipts/call")
def receipt() -> Response:
    """The status callback of an outbound call. Unknown ids and states are answered and ignored:
    callbacks come late, twice, out of order."""
    call_id, sid, state = (
        _id(request.args.get("id", "")),
        _id(request.form.get("CallSid", "")),
        request.form.get("CallStatus", ""),
    )
    if sid and state in ENDED_CALLS:  # a callback is a resident's call, too
        with deadline(WRITE_WAIT):
            resident_call.ended(parts(), sid)
    if call_id and state in RANKS:
        note_receipt(parts(), call_id, CallState(state), sid or None)
    return Response(status=204)


def _id(value: str) -> str:
    return value if _ID.fullmatch(value) else ""


def _machine() -> bool:
    """Did a voicemail or a fax answer? "unknown" may be a person: the key they press tells."""
    return request.form.get("AnsweredBy", "").startswith(("machine", "fax"))


def _spoken(call_id: str, kind: str, hear: Callable[[], Spoken]) -> Response:
    """What the person hears, as TwiML. Never fails."""
    if not call_id:
        return twiml.says(())
    try:
        with deadline(WRITE_WAIT):
            script = hear()
    except Exception as problem:  # the outermost handler
        log.error("call failed", extra={"fault": type(problem).__name__})
        script = fault_words(parts(), kind)
    language = parts().catalog.languages.get(script.language)
    words = ((script.language, script.words, ()),) if script.words else ()
    if script.meets:
        return room_call(parts(), words, call_id, script.meets, script.waits_there)
    if script.dials:
        return dialled_call(parts(), words, call_id, script.dials)
    if script.joins:
        return queued_call(parts(), words, call_id, script.joins)
    if not script.words or language is None or language.voice is None:
        return twiml.says(())
    voice = language.voice
    if script.asks:
        key_url = f"{parts().public_url}/twilio/{kind}/key?id={call_id}&time={script.asks}"
        return twiml.asks(voice, script.words, key_url, KEY_WAIT)
    return twiml.says(((voice, script.words),))
