"""/hand-offs: the hand-offs of a destination of kind "page", for a browser and a printer. No script
is needed.

A URL holds the destination's name and a hand-off's id: never a number, a place or anybody's words.
"""

from __future__ import annotations

from datetime import datetime

from flask import Response, abort, render_template, request

from caller_service.casework.printed_hand_off import list_page, open_on_page
from caller_service.documents.printed_hand_off import local, printed
from caller_service.web.shared.guard import guarded, parts
from caller_service.web.shared.persons_view import is_guess, is_persons_view
from caller_service.web.shared.token_guard import browser_token_only

printable = guarded("printable", browser_token_only, "/hand-offs")
REFRESH = 25  # seconds after which an open list reloads


def _page(template: str, now: datetime, **more: object) -> str:
    program = parts().program

    def clock(at: datetime) -> str:
        return local(at, program.time_zone)

    return render_template(template, program=program, now=now, clock=clock, **more)


@printable.get("/<destination>/")
def listing(destination: str) -> str:
    """The hand-offs that are unread, and those of open cases. Viewing the list marks nothing as
    received."""
    found = list_page(parts(), destination)
    return _page(
        "hand_offs.html", parts().now(), destination=destination, found=found, refresh=REFRESH
    )


@printable.get("/<destination>/<hand_off_id>")
def one(destination: str, hand_off_id: str) -> str | Response:
    """One hand-off on one sheet. Opening it is the receipt. A prefetch is refused, so that a
    browser caches nobody's words for a view that may never come, and has to request the page again
    when it is viewed."""
    if is_guess(request.headers):
        words = "Open this page to read it.\n"
        return Response(words, 503, content_type="text/plain; charset=utf-8")
    seen = request.method == "GET" and is_persons_view(request.headers)
    found = open_on_page(parts(), destination, hand_off_id, seen)
    if found is None:
        abort(404, "There is no such hand-off here.")
    packet, now = found
    names = {tag: known.name for tag, known in parts().catalog.languages.items()}
    return _page("hand_off.html", now, destination=destination, sheet=printed(packet, names))
