"""Calls out, as Twilio asks about them: what to say when somebody picks up, what their key means,
how far a call has come.

Addresses carry the id of the call and nothing else. An id we do not know is told to hang up.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from flask import Response, request

from caller_service.casework import update_call
from caller_service.casework.answer_call import TIMES, Spoken, picked_up, pressed
from caller_service.casework.outbound.call_person import note_receipt
from caller_service.core.outbound import CallState
from caller_service.store.calls import RANKS
from caller_service.store.database.deadline import WRITE_WAIT, deadline
from caller_service.web.shared import twiml
from caller_service.web.shared.guard import guarded, parts, twilio_only

log = logging.getLogger(__name__)
calls = guarded("calls", twilio_only, "/twilio")
_ID = re.compile(r"[A-Za-z0-9_-]{4,64}")
KEY_WAIT = 7  # seconds after the words


@calls.post("/page/call")
def page_call() -> Response:
    """Somebody who is paged picked up, or their voicemail did."""
    call_id, sid = _id(request.args.get("id", "")), _id(request.form.get("CallSid", ""))
    return _spoken(call_id, lambda: picked_up(parts(), call_id, sid or None, _machine()))


@calls.post("/page/key")
def page_key() -> Response:
    """The key they pressed, or silence."""
    call_id, time = _id(request.args.get("id", "")), request.args.get("time", "")
    said = int(time) if re.fullmatch("[1-9]", time) else TIMES
    return _spoken(
        call_id, lambda: pressed(parts(), call_id, _machine(), request.form.get("Digits", ""), said)
    )


@calls.post("/rescue/call")
def rescue_call() -> Response:
    """A resident picked up whom a text did not reach; or somebody else, or their voicemail."""
    call_id, sid = _id(request.args.get("id", "")), _id(request.form.get("CallSid", ""))
    return _spoken(
        call_id, lambda: update_call.picked_up(parts(), call_id, sid or None, _machine()), "rescue"
    )


@calls.post("/rescue/key")
def rescue_key() -> Response:
    """The key they pressed, or silence."""
    call_id, time = _id(request.args.get("id", "")), request.args.get("time", "")
    said = int(time) if re.fullmatch("[1-9]", time) else TIMES
    return _spoken(
        call_id,
        lambda: update_call.pressed(
            parts(), call_id, _machine(), request.form.get("Digits", ""), said
        ),
        "rescue",
    )


@calls.post("/receipts/call")
def receipt() -> Response:
    """How far a call has come. Unknown ids and states are answered and left: receipts come late,
    twice, out of order."""
    call_id, sid, state = (
        _id(request.args.get("id", "")),
        _id(request.form.get("CallSid", "")),
        request.form.get("CallStatus", ""),
    )
    if call_id and state in RANKS:
        note_receipt(parts(), call_id, CallState(state), sid or None)
    return Response(status=204)


def _id(told: str) -> str:
    return told if _ID.fullmatch(told) else ""


def _machine() -> bool:
    """Did a voicemail or a fax answer? "unknown" may be a person: a key will tell."""
    return request.form.get("AnsweredBy", "").startswith(("machine", "fax"))


def _spoken(call_id: str, hear: Callable[[], Spoken], kind: str = "page") -> Response:
    """What is heard, as TwiML. Whatever fails, nobody is left to believe that they took a case; a
    resident hears no fault, and the call counts as not heard."""
    if not call_id:
        return twiml.says(())
    try:
        with deadline(WRITE_WAIT):
            told = hear()
    except Exception as problem:  # the outermost door
        log.error("call failed", extra={"fault": type(problem).__name__})
        language = parts().catalog.spoken(parts().program.languages[0])
        told = (
            Spoken(parts().catalog.text(language, "page.call_fault"), language)
            if kind == "page" and language
            else Spoken()
        )
    if not told.words:
        return twiml.says(())
    voice = parts().catalog.languages[told.language].voice
    if told.asks:
        return twiml.asks(
            voice,
            told.words,
            f"{parts().public_url}/twilio/{kind}/key?id={call_id}&time={told.asks}",
            KEY_WAIT,
        )
    return twiml.says(((voice, told.words),))
