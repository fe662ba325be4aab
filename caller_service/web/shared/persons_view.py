"""Is a person looking at the page that is requested? Browsers prefetch pages, and programs fetch
them for a link preview: in neither case has anybody read it."""

from __future__ import annotations

import re

from werkzeug.datastructures import Headers

# headers by which browsers mark a prefetch, now and in older versions
_GUESS_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
_GUESS = re.compile(r"prefetch|prerender|preview", re.I)
# programs that fetch a link for a preview or an index; a Cubot is a phone, not a bot
_PROGRAM = re.compile(
    r"(?<!cu)bot\b|crawler|spider|preview|externalhit|facebookcatalog|whatsapp|skypeuri|embedly"
    r"|slack-imgproxy|slackbot",
    re.I,
)


def is_guess(headers: Headers) -> bool:
    """Is this a prefetch: a browser's request before anybody has opened the page?"""
    return any(_GUESS.search(headers.get(name, "")) for name in _GUESS_HEADERS)


def is_program(headers: Headers) -> bool:
    """Does a program fetch this, for a preview of a link that somebody sent?"""
    return bool(_PROGRAM.search(headers.get("User-Agent", "")))


def is_persons_view(headers: Headers) -> bool:
    """Does a browser show the response to a person as a page? If it sends Sec-Fetch-Dest, that must
    be a document."""
    return (
        not is_guess(headers)
        and not is_program(headers)
        and headers.get("Sec-Fetch-Dest", "document") == "document"
    )
