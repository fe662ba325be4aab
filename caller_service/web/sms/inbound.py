"""POST /twilio/sms and the receipts: a resident's text comes in here, and the reply goes out."""

from __future__ import annotations

import logging
import re

from flask import Response, request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from caller_service.casework.inbound import handle_inbound, on_another_channel, sender
from caller_service.casework.outbound.send_text import note_receipt, receipts_url
from caller_service.casework.receive import Turn
from caller_service.core.outbound import TextState
from caller_service.store.database.deadline import WRITE_WAIT, deadline
from caller_service.store.messages import RANKS
from caller_service.web.shared import twiml
from caller_service.web.shared.fallback import text_answer
from caller_service.web.shared.guard import guarded, parts, twilio_only

log = logging.getLogger(__name__)
sms = guarded("sms", twilio_only, "/twilio")
_SID = re.compile(r"[A-Za-z0-9_-]{4,64}")


class InboundSms(Schema):
    class Meta:
        unknown = EXCLUDE  # Twilio adds fields without notice

    provider_id = fields.Str(
        data_key="MessageSid", required=True, validate=validate.Regexp(r"^[A-Za-z0-9_-]{4,64}$")
    )
    number = fields.Str(data_key="From", load_default="")
    said = fields.Str(data_key="Body", load_default="")
    files = fields.Str(data_key="NumMedia", load_default="")
    opt_out = fields.Str(data_key="OptOutType", load_default="")
    to = fields.Str(data_key="To", load_default="")
    service = fields.Str(data_key="MessagingServiceSid", load_default="")


_INBOUND = InboundSms()


@sms.post("/sms")
def text() -> Response:
    """An inbound text. Whatever fails, the resident gets the 911 and 988 texts, never silence."""
    received_at = parts().now()
    try:
        payload = _INBOUND.load(request.form)
    except ValidationError as wrong:
        return Response(
            "Not a message: " + ", ".join(sorted(wrong.messages)) + ".\n",
            status=400,
            content_type="text/plain; charset=utf-8",
        )
    number = sender(payload["number"])
    turn = Turn(
        payload["provider_id"],
        number,
        payload["said"].replace("\x00", ""),
        received_at,
        payload["opt_out"],
        parts().program.numbers.written_to(payload["to"], payload["service"]),
        picture=payload["files"] not in ("", "0"),
    )
    try:
        with deadline(WRITE_WAIT):
            replies = handle_inbound(parts(), turn)
    except Exception as problem:  # the outermost handler: the fallback texts help anyway
        log.error("turn failed", extra={"fault": type(problem).__name__})
        return fallback()
    if replies is None:
        return fallback("fallback.channel" if on_another_channel(payload["number"]) else "fallback")
    return twiml.messages((reply.words, receipts_url(parts(), reply.id)) for reply in replies)


def fallback(key: str = "fallback") -> Response:
    """The text could not be handled, or came from where we do not serve: the 911 and 988 texts."""
    return Response(
        text_answer(parts().program, parts().catalog, key), content_type="text/xml; charset=utf-8"
    )


@sms.post("/receipts/message")
def receipt() -> Response:
    """A status callback of a text. Unknown ids and states are answered and ignored: receipts come
    late, twice, out of order."""
    message_id, state = request.args.get("id", ""), request.form.get("MessageStatus", "")
    sid, error = request.form.get("MessageSid", ""), request.form.get("ErrorCode", "")
    if _SID.fullmatch(message_id) and state in RANKS:
        note_receipt(
            parts(),
            message_id,
            TextState(state),
            sid if _SID.fullmatch(sid) else None,
            error if error.isdecimal() else None,
        )
    return Response(status=204)
