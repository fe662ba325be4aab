"""TwiML, our responses to Twilio, built with Twilio's own library."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flask import Response
from twilio.twiml import TwiML
from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Gather, Say, VoiceResponse

from caller_service.language.languages import Voice

# One such character makes the whole document invalid, and a person in danger would hear nothing.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def messages(texts: Iterable[tuple[str, str]]) -> Response:
    """A `<Message>` for each (words, receipts URL); without texts, an empty response."""
    answer = MessagingResponse()
    for words, url in texts:
        message = answer.message(status_callback=url) if url else answer.message()
        message.body(_readable(words))
    return answered(answer)


def says(lines: Iterable[tuple[Voice, str]]) -> Response:
    """A `<Say>` for each (voice, words), then the call ends."""
    answer = VoiceResponse()
    for voice, words in lines:
        answer.append(say(voice, words))
    answer.hangup()
    return answered(answer)


def say(voice: Voice, words: str, slower: bool = False) -> Say:
    """One `<Say>` with voice and language. Slower if that was asked for and the voice supports it:
    with an unsupported rate, Twilio may say nothing."""
    if not slower or not voice.slower:
        return Say(_readable(words), voice=voice.name, language=voice.language)
    spoken = Say(voice=voice.name, language=voice.language)
    spoken.prosody(_readable(words), rate=voice.slower)
    return spoken


def asks(voice: Voice, words: str, key_url: str, seconds: int) -> Response:
    """Say words and wait for one key; silence, too, is posted to `key_url`."""
    answer = VoiceResponse()
    gather = Gather(
        input="dtmf", num_digits=1, timeout=seconds, action_on_empty_result=True, action=key_url
    )
    gather.append(say(voice, words))
    answer.append(gather)
    answer.hangup()
    return answered(answer)


def _readable(words: str) -> str:
    return _NOT_XML.sub("", words)


def nothing() -> Response:
    """An empty document: the call continues where it was."""
    return answered(VoiceResponse())


def answered(answer: TwiML) -> Response:
    return Response(answer.to_xml(), content_type="text/xml; charset=utf-8")
