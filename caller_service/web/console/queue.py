"""Where the console begins, and the queue."""

from __future__ import annotations

from flask import Response, redirect, url_for

from caller_service.core.roles import Act
from caller_service.web.shared.guard import guarded

from .session_guard import console_only, may, me, page

console = guarded("console", console_only, "/console")


@console.get("/")
@may(Act.ACCOUNT)
def home() -> Response:
    """What somebody of this role looks at first."""
    first = {Act.SEE_QUEUE: "console.queue", Act.MANAGE_PEOPLE: "people.people"}
    way = next((door for act, door in first.items() if me().may(act)), "people.account")
    return redirect(url_for(way), 303)  # type: ignore[return-value]


@console.get("/queue")
@may(Act.SEE_QUEUE)
def queue() -> Response:
    return page("queue.html", title="Queue")
