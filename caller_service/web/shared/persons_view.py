"""Does a person look at what is asked for? Browsers fetch pages on a guess, and programs fetch them
to show a preview: neither is somebody who has read it."""

from __future__ import annotations

import re

from werkzeug.datastructures import Headers

# how browsers say that they fetch on a guess, now and in older versions
_GUESS_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
_GUESS = re.compile(r"prefetch|prerender|preview", re.I)
# programs that fetch a link for a preview or an index; a CUBOT is a phone
_PROGRAM = re.compile(
    r"(?<!cu)bot\b|crawler|spider|preview|externalhit|facebookcatalog|whatsapp|skypeuri|embedly"
    r"|slack-imgproxy|slackbot",
    re.I,
)


def is_guess(headers: Headers) -> bool:
    """A browser asks before anybody has opened the page: to have it ready, or for a thumbnail."""
    return any(_GUESS.search(headers.get(name, "")) for name in _GUESS_HEADERS)


def is_persons_view(headers: Headers) -> bool:
    """A browser shows the answer to a person as a page. Where it says what it asks for
    (Sec-Fetch-Dest), that must be a document."""
    return (
        not is_guess(headers)
        and not _PROGRAM.search(headers.get("User-Agent", ""))
        and headers.get("Sec-Fetch-Dest", "document") == "document"
    )
