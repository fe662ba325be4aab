"""The guard of the console: who is signed in, and what they may do now.

401 and the sign-in page: nobody is signed in. 403: the role may not do this, or the request does
not come from a page of ours. 423: the session is idle; pages are locked, but the alarm still rings.
A form that is sent too late is not lost: the response holds what was typed, to be sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import Response, current_app, g, render_template, request, url_for
from markupsafe import Markup, escape

from caller_service.casework import accounts
from caller_service.core.roles import Act
from caller_service.core.staff_session import (
    SEEN_EVERY,
    StaffSession,
    Stage,
    Standing,
    is_stepped_up,
    needs_step_up,
    standing,
)
from caller_service.web.shared.guard import parts
from caller_service.web.shared.public_address import is_foreign
from caller_service.web.shared.refusals import refused
from caller_service.web.shared.see_other import see_other

from .cookies import FORM, SESSION, form_token, form_token_is_right, give, sent_value
from .rail import rail_html

View = TypeVar("View", bound=Callable[..., Any])
SAFE = ("GET", "HEAD", "OPTIONS")
NOT_ECHOED = ("csrf", "password", "old_password", "code", "pin")  # never sent back to a browser
# where a session that is not open yet continues
STEPS = {
    Stage.CODE: "console_sign_in.code",
    Stage.PASSWORD: "people.password",
    Stage.TOTP: "people.totp",
    Stage.RECOVERY: "people.recovery",
    Stage.PIN: "people.pin",
}


@dataclass(frozen=True, slots=True)
class Door:
    """What a view declares about itself."""

    act: Act
    poll: bool = False  # polled by a script: never renews the session
    while_locked: bool = False  # available while the session is locked
    step_up: bool = False  # always requires a step-up, whatever the act
    stages: tuple[Stage, ...] = ()  # available in these stages of sign-in, too


def may(
    act: Act,
    *,
    poll: bool = False,
    while_locked: bool = False,
    step_up: bool = False,
    stages: tuple[Stage, ...] = (),
) -> Callable[[View], View]:
    """Declare the act of a console view; checked by `console_only`. Goes below the route
    decorator."""

    def marked(view: View) -> View:
        cast(Any, view).door = Door(act, poll, while_locked, step_up, stages)
        return view

    return marked


def me() -> StaffSession:
    """The signed-in person; only behind `console_only`. The journal names `me().name`."""
    return cast(StaffSession, g.staff_session)


def is_locked() -> bool:
    """In a view that is available while locked: is the session locked? Then the view may show
    levels and ages, and nothing else."""
    return standing(me(), parts().now()) == Standing.LOCKED


def signed_in() -> StaffSession | None:
    """The session of this request's cookie, unless it is over."""
    secret = sent_value(SESSION)
    if not secret:
        return None
    live = current_app.extensions["caller_settings"].live
    session = accounts.session_of(parts(), secret, live)
    if session is None or standing(session, parts().now()) == Standing.OVER:
        return None
    return session


# ---- guards --------------------------------------------------------------------------------------
def before_sign_in() -> Response | None:
    """The guard of views before signing in: no session is needed, but every form must carry our
    token."""
    if from_elsewhere():
        return _not_ours()
    g.staff_session = signed_in()
    if request.method not in SAFE and not form_token_is_right():
        refused(request.endpoint or "", "form token")
        words = "This page was old. Once more, please."
        name = request.form.get("name", "") if _surely_ours() else ""
        return page("sign_in.html", 403, title="Sign in", then="", name=name, fault=words)
    return None


def console_only() -> Response | None:
    """Requires an open session of somebody whose role allows the act of this view."""
    if from_elsewhere():
        return _not_ours()
    view = current_app.view_functions[request.endpoint or ""]
    door: Door = getattr(view, "door")  # noqa: B009 - a door that names no act opens to nobody
    session = g.staff_session = signed_in()
    if session is None:
        return _signed_out(door)
    now = parts().now()
    stands = standing(session, now)
    if stands == Standing.UNFINISHED:
        if session.stage not in door.stages:
            return see_other(url_for(STEPS[Stage(session.stage)]))
    elif answer := _not_now(door, session, stands):
        return answer
    if request.method not in SAFE and not form_token_is_right():
        return _again("You signed in again since this page was made.", 403, "form token")
    if stands == Standing.OPEN and not door.poll and now - session.seen_at >= SEEN_EVERY:
        accounts.seen(parts(), session)
    return None


def _not_now(door: Door, session: StaffSession, stands: Standing) -> Response | None:
    if not session.may(door.act):
        refused(request.endpoint or "", f"role {session.role}")
        return page("not_allowed.html", 403, title="Not yours to open", act=door.act)
    if stands == Standing.LOCKED and not door.while_locked:
        if door.poll:
            return Response("locked\n", 423, content_type="text/plain; charset=utf-8")
        if request.method not in SAFE:
            return _again("This page was locked.", 423, "locked", url_for("people.unlock"))
        return see_other(url_for("people.unlock", next=here()))
    now = parts().now()
    if needs_step_up(session, door.act, now) or (door.step_up and not is_stepped_up(session, now)):
        if request.method not in SAFE:
            return _again("Say who you are first.", 403, "step-up", url_for("people.step_up"))
        return see_other(url_for("people.step_up", next=here()))
    return None


def from_elsewhere() -> bool:
    """Was this request made by another site's page? Under our `no-referrer` a browser sends
    `Origin: null` with our own forms, so that value proves nothing."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    if request.method in SAFE:
        loads = request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
        return loads and site in ("cross-site", "same-site")
    foreign = is_foreign(request.headers.get("Origin", "null"), parts().public_url)
    return foreign or site in ("cross-site", "same-site")


def _not_ours() -> Response:
    refused(request.endpoint or "", "cross-site")
    return Response(
        "This was asked by a page of somebody else's, and was not done.\n",
        403,
        content_type="text/plain; charset=utf-8",
    )


def _signed_out(door: Door) -> Response:
    refused(request.endpoint or "", "no session")
    if door.poll:
        return Response("signed out\n", 401, content_type="text/plain; charset=utf-8")
    if request.method not in SAFE:
        way = url_for("console_sign_in.sign_in")
        return _again("You are signed out.", 401, "no session", way)
    return page("sign_in.html", 401, title="Sign in", then=here())


def _again(why: str, status: int, reason: str, way: str = "") -> Response:
    """The response to a form that was not carried out, with what was typed. `way`: what has to be
    done first."""
    refused(request.endpoint or "", reason)
    fields = request.form.items(multi=True) if _surely_ours() else ()
    kept = [(name, value) for name, value in fields if name not in NOT_ECHOED]
    return page("again.html", status, title="Not done yet", why=why, kept=kept, way=way)


def keep_what_was_typed(answer: Response) -> Response:
    """The response to a form that failed through our fault: it holds what was typed, to be sent
    again, and needs no database. A script still has the text in its page."""
    by_script = "X-CSRF-Token" in request.headers
    if answer.status_code != 503 or request.method in SAFE or by_script or not _surely_ours():
        return answer
    fields = request.form.items(multi=True)
    # the form's own CSRF token is reused: a new one would need the session
    kept = [(name, value) for name, value in fields if name == "csrf" or name not in NOT_ECHOED]
    return page("kept.html", 503, title="Not done yet", kept=kept)


def _surely_ours() -> bool:
    """Does the browser say that a page of ours sent this? If not, the form is not offered to be
    sent again: another site may have filled it in."""
    ours = urlsplit(parts().public_url)
    same = request.headers.get("Sec-Fetch-Site") == "same-origin"
    return same or request.headers.get("Origin") == f"{ours.scheme}://{ours.netloc}"


# ---- pages ---------------------------------------------------------------------------------------
def page(template: str, status: int = 200, **more: Any) -> Response:
    """Render a page of the console (templates/console/…), with who is signed in and what they may
    do."""
    answer = Response(fragment(template, **more), status, content_type="text/html; charset=utf-8")
    if value := g.get("form_cookie"):
        give(answer, FORM, value)
    return answer


def fragment(template: str, **more: Any) -> str:
    """Render a page, or a part that a script swaps into a page."""
    session = g.get("staff_session")
    stands = standing(session, parts().now()) if session is not None else Standing.OVER
    # the queue's alarm rings on every page, also a locked one, for all who may see the queue
    watches = stands in (Standing.OPEN, Standing.LOCKED) and session.may(Act.SEE_QUEUE)
    return render_template(
        f"console/{template}", me=session, is_open=stands == Standing.OPEN, csrf_field=csrf_field,
        watches=watches, csrf=form_token() if watches else "", now=parts().now().timestamp(),
        may=lambda act: session is not None and session.may(act), program=parts().program,
        local=local, **({"rail": _rail} | more),
    )  # fmt: skip


def _rail(here: str = "") -> Markup:
    return rail_html(parts(), me(), here)


def local(at: datetime) -> str:
    """A time in the program's time zone."""
    return f"{at.astimezone(ZoneInfo(parts().program.time_zone)):%Y-%m-%d %H:%M}"


def csrf_field() -> Markup:
    """The hidden field that every form of the console carries: `{{ csrf_field() }}`."""
    return Markup('<input type="hidden" name="csrf" value="{}">').format(escape(form_token()))


def here() -> str:
    """This page's own URL, to return to."""
    return request.path if request.method in SAFE else ""


def back_to(asked: str) -> str:
    """The URL to which a form returns: only ever a page of the console."""
    home = url_for("console.home")
    sound = asked.isascii() and asked.isprintable() and not set(asked) & set("\\?#:@ ")
    inside = f"{request.script_root}{asked}".startswith(home)
    inside = inside and "//" not in asked and ".." not in asked
    return f"{request.script_root}{asked}" if sound and inside else home
