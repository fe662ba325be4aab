"""The key by which a browser opens a private page, and the signed field of each form. The key is in
a cookie or, without cookies, in the URL.

The field `at` names the visit, the screen, its step and when it was served, and is valid for one
post. Another site cannot know it, so it is the CSRF token, too.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

import sqlalchemy as sa
from flask import Response, current_app, g, request
from itsdangerous import BadSignature, URLSafeSerializer

from caller_service.casework import page_visit
from caller_service.store.visits import VisitState
from caller_service.web.shared.guard import parts

PROBE = "X-Caller-Probe"  # a header
LONGEST_TRIP = timedelta(seconds=8)  # a round trip that is measured longer was a pause


@dataclass(frozen=True, slots=True)
class Screen:
    """The screen that a posted form was on."""

    visit: str  # "": before there is one
    name: str
    step: int
    served: datetime
    trip: timedelta
    nonce: str


def sign(screen: Screen) -> str:
    """The signed value of a form's hidden field `at`."""
    plain = [
        screen.visit, screen.name, screen.step, int(screen.served.timestamp() * 1000),
        int(screen.trip.total_seconds() * 1000), screen.nonce,
    ]  # fmt: skip
    signed: str = _signer(_secret_key()).dumps(plain)
    return signed


def read(signed: str, secret_key: str = "") -> Screen | None:
    """Read a form's `at`; None if we did not sign it. `secret_key`: the service's, if there is no
    app."""
    try:
        fields = _signer(secret_key or _secret_key()).loads(signed)
        visit, name, step, served, trip, nonce = fields
    except (BadSignature, ValueError, TypeError):
        return None
    return Screen(
        visit, name, step, datetime.fromtimestamp(served / 1000, UTC),
        timedelta(milliseconds=trip), nonce,
    )  # fmt: skip


def posted_screen() -> Screen | None:
    """The screen that this request's form was on; None if we did not sign it. Read once per
    request."""
    if "resident_stood" not in g:
        g.resident_stood = read(request.form.get("at", ""))
    screen: Screen | None = g.resident_stood
    return screen


@cache
def _signer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="resident.screen")


def _secret_key() -> str:
    return str(current_app.config["SECRET_KEY"])


def probe_sign(signed: str, secret_key: str) -> str:
    """The header PROBE that `caller-service probe` sends with a post of this screen. Only somebody
    with the secret key can make it, and it is valid for no other screen."""
    return hmac.new(secret_key.encode(), f"resident.probe {signed}".encode(), sha256).hexdigest()


def from_probe() -> bool:
    """Was this post made by the operator's probe? Nobody else's request is ever a test."""
    sign = request.headers.get(PROBE, "")
    signed = request.form.get("at", "")
    return bool(sign) and hmac.compare_digest(
        sign.encode(), probe_sign(signed, _secret_key()).encode()
    )


def nonce() -> str:
    return secrets.token_urlsafe(12)


def trip_of(found: VisitState | None, now: datetime) -> timedelta:
    """The round trip: the time from our last 303 to this request, or the one measured before if the
    last screen came in the response to a post."""
    if found is None:
        return timedelta(0)
    kept = page_visit.kept_of(found.visit)
    if not kept.moved_at:
        return timedelta(seconds=kept.trip)
    trip = now - datetime.fromisoformat(kept.moved_at)
    return min(max(trip, timedelta(0)), LONGEST_TRIP)


# ---- cookies -------------------------------------------------------------------------------------


def _name(plain: str) -> str:
    return f"__Host-{plain}" if _https() else plain


def _https() -> bool:
    return parts().public_url.startswith("https:")


def set_cookie(answer: Response, name: str, value: str) -> None:
    """Set a session cookie. With https no other host can set it, and no script can read it."""
    answer.set_cookie(_name(name), value, httponly=True, secure=_https(), samesite="Lax", path="/")


def drop_cookie(answer: Response, name: str) -> None:
    answer.delete_cookie(_name(name), httponly=True, secure=_https(), samesite="Lax", path="/")


def cookie(name: str) -> str:
    return request.cookies.get(_name(name), "")


# `shared`: others use this computer, and the words are hidden sooner
PAGE, TRIED, LANGUAGE, SHARED = "page", "tried", "language", "shared"


def browser_key() -> str:
    """The browser's key, from the URL or its cookie."""
    in_path = (request.view_args or {}).get("key")
    return str(in_path) if in_path else cookie(PAGE)


def in_path() -> bool:
    """Does the URL have a key, whatever it opens?"""
    return request.path.startswith("/r/")


def base() -> str:
    """The prefix of every URL for this browser: its key, unless a cookie has it. A key that opens
    nothing is not repeated."""
    if not in_path():
        return ""
    try:
        opens = page() is not None or "resident_unread" in g
    except sa.exc.SQLAlchemyError:  # the database is away: their page is where it was
        opens = True
    return f"/r/{browser_key()}" if opens else ""


def set_open_page(found: VisitState, address: str) -> None:
    """Use this page and its URL for the rest of the request: the post is answered with the next
    screen."""
    g.resident_page, g.resident_address = found, address
    g.pop("resident_language", None)
    g.pop("resident_say", None)


def address() -> str:
    """The URL path of the screen that is shown."""
    return next_address() or request.path


def next_address() -> str:
    """The URL path of a screen that is the response to a post; "" for one that was requested
    itself."""
    return str(g.get("resident_address", ""))


def page() -> VisitState | None:
    """The private page that this browser may open; looked up once per request."""
    if "resident_unread" in g:
        return None
    if "resident_page" not in g:
        key = browser_key()
        g.resident_page = page_visit.find(parts(), key) if key else None
    found: VisitState | None = g.resident_page
    return found


def skip_page_lookup() -> None:
    """Look up no page for the rest of the request, because the database may be unavailable."""
    if "resident_page" not in g:
        g.resident_unread = True


def from_nonce(first: str) -> str:
    """The key that the first screen leads to: posting the same screen twice leads to one
    request."""
    made = hmac.new(_secret_key().encode(), f"resident.page {first}".encode(), sha256).digest()[:16]
    return urlsafe_b64encode(made).decode().rstrip("=")
