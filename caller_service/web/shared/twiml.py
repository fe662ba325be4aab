"""TwiML answers, written by hand: the turn path is hot and needs two elements."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from flask import Response


def messages(texts: Iterable[tuple[str, str]]) -> Response:
    """A `<Message>` for each (words, receipts URL); no text at all is an empty answer."""
    body = "".join(
        f"<Message{f' statusCallback={quoteattr(url)}' if url else ''}><Body>{escape(words)}</Body></Message>" for words, url in texts
    )
    return Response(f'<?xml version="1.0" encoding="UTF-8"?><Response>{body}</Response>', content_type="text/xml; charset=utf-8")


def says(lines: Iterable[tuple[str, str]]) -> Response:
    """A `<Say>` for each (voice language, words), then the call ends."""
    body = "".join(f"<Say language={quoteattr(language)}>{escape(words)}</Say>" for language, words in lines)
    return Response(f'<?xml version="1.0" encoding="UTF-8"?><Response>{body}<Hangup/></Response>', content_type="text/xml; charset=utf-8")


def asks(language: str, words: str, key_url: str, seconds: int) -> Response:
    """Words, and one key waited for; silence, too, is told to `key_url`."""
    gather = f'<Gather input="dtmf" numDigits="1" timeout="{seconds}" actionOnEmptyResult="true" method="POST" action={quoteattr(key_url)}>'
    body = f"{gather}<Say language={quoteattr(language)}>{escape(words)}</Say></Gather><Hangup/>"
    return Response(f'<?xml version="1.0" encoding="UTF-8"?><Response>{body}</Response>', content_type="text/xml; charset=utf-8")
