"""POST /twilio/sms and the receipts: what a resident writes comes in here, and the answer goes out."""

from __future__ import annotations

import logging
import re

import phonenumbers
from flask import Response, current_app, request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from caller_service.casework.receive import Turn, receive, receive_unknown
from caller_service.casework.send_text import note_receipt, receipts_url
from caller_service.casework.staff import answer_page, on_the_ladder
from caller_service.front.guard import guarded, parts, twilio_only
from caller_service.language.segments import fitted
from caller_service.language.wording import filling
from caller_service.store.messages import RANKS

from . import twiml

log = logging.getLogger(__name__)
sms = guarded("sms", twilio_only, "/twilio")
_SID = re.compile(r"[A-Za-z0-9_-]{4,64}")


class InboundSms(Schema):
    class Meta:
        unknown = EXCLUDE  # Twilio adds fields without notice

    provider_id = fields.Str(data_key="MessageSid", required=True, validate=validate.Regexp(r"^[A-Za-z0-9_-]{4,64}$"))
    number = fields.Str(data_key="From", load_default="")
    said = fields.Str(data_key="Body", load_default="")
    opt_out = fields.Str(data_key="OptOutType", load_default="")


@sms.post("/sms")
def text() -> Response:
    """A text. Whatever fails, the resident gets the 911 and 988 words, never silence."""
    heard = parts().now()
    try:
        told = InboundSms().load(request.form)
    except ValidationError as wrong:
        return Response("Not a message: " + ", ".join(sorted(wrong.messages)) + ".\n", status=400, content_type="text/plain")
    number = dialable(told["number"])
    turn = Turn(told["provider_id"], number, told["said"].replace("\x00", ""), heard, told["opt_out"])
    try:
        if not number:
            receive_unknown(parts(), turn)
            return fallback()
        rung = on_the_ladder(parts().program, number)
        replies = answer_page(parts(), turn, rung) if rung else receive(parts(), turn)
    except Exception as problem:  # the outermost door: a fault of ours becomes the words that help anyway
        log.error("turn failed", extra={"fault": type(problem).__name__})
        return fallback()
    return twiml.messages((reply.words, receipts_url(parts(), reply.id)) for reply in replies)


def dialable(number: str) -> str:
    """A number in E.164, or "" for what is withheld, a name, a short code or no number at all."""
    try:
        parsed = phonenumbers.parse(number.strip(), None)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if phonenumbers.is_possible_number(parsed) else ""


def fallback() -> Response:
    """We could not take the text: the 911 and 988 words, in every language of the program."""
    program, catalog = parts().program, parts().catalog
    words = (fitted(catalog.text(language, "fallback", **filling(program, language, catalog))) for language in program.languages[:2])
    return twiml.messages((line, "") for line in words)


@sms.post("/receipts/message")
def receipt() -> Response:
    """How far a text has come. Unknown ids and states are answered and left: receipts come late, twice, out of order."""
    message_id, state = request.args.get("id", ""), request.form.get("MessageStatus", "")
    sid, error = request.form.get("MessageSid", ""), request.form.get("ErrorCode", "")
    if _SID.fullmatch(message_id) and state in RANKS:
        note_receipt(parts(), message_id, state, sid if _SID.fullmatch(sid) else None, error if error.isdecimal() else None)
    return Response(status=204)


@sms.post("/voice")
def voice() -> Response:
    """Calls are not screened yet: say where help is, in every language, and that this number takes texts."""
    program, catalog = parts().program, parts().catalog
    spoken = "".join(
        f'<Say language="{current_app.config["VOICES"].get(language, "en-US")}">{catalog.text(language, "voice.not_yet", program=program.name)}</Say>'
        for language in program.languages
    )
    return Response(f'<?xml version="1.0" encoding="UTF-8"?><Response>{spoken}<Hangup/></Response>', content_type="text/xml; charset=utf-8")
