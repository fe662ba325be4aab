"""What Twilio is answered (TwiML), written by Twilio's own library."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flask import Response
from twilio.twiml import TwiML
from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Gather, VoiceResponse

# One such character makes the whole answer unreadable, and a person in danger hears nothing.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def messages(texts: Iterable[tuple[str, str]]) -> Response:
    """A `<Message>` for each (words, receipts URL); no text at all is an empty answer."""
    answer = MessagingResponse()
    for words, url in texts:
        message = answer.message(status_callback=url) if url else answer.message()
        message.body(_readable(words))
    return _answered(answer)


def says(lines: Iterable[tuple[str, str]]) -> Response:
    """A `<Say>` for each (voice language, words), then the call ends."""
    answer = VoiceResponse()
    for language, words in lines:
        answer.say(_readable(words), language=language)
    answer.hangup()
    return _answered(answer)


def asks(language: str, words: str, key_url: str, seconds: int) -> Response:
    """Words, and one key waited for; silence, too, is told to `key_url`."""
    answer = VoiceResponse()
    gather = Gather(
        input="dtmf", num_digits=1, timeout=seconds, action_on_empty_result=True, action=key_url
    )
    gather.say(_readable(words), language=language)
    answer.append(gather)
    answer.hangup()
    return _answered(answer)


def _readable(words: str) -> str:
    return _NOT_XML.sub("", words)


def _answered(answer: TwiML) -> Response:
    return Response(answer.to_xml(), content_type="text/xml; charset=utf-8")
