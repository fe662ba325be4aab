"""Who asks for a private page: by a cookie, or where there are none by a code in the address; and
what a screen carries with it.

The form's `at` is signed: it names the visit, the screen, its step and when it was served, and is
used up by one post. It is also what another site cannot know.
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
    """What the form that was posted stood on."""

    visit: str  # "": before there is one
    name: str
    step: int
    served: datetime
    trip: timedelta
    nonce: str


def sign(screen: Screen) -> str:
    """The hidden field `at` of a form."""
    plain = [
        screen.visit, screen.name, screen.step, int(screen.served.timestamp() * 1000),
        int(screen.trip.total_seconds() * 1000), screen.nonce,
    ]  # fmt: skip
    signed: str = _signer(_secret_key()).dumps(plain)
    return signed


def read(signed: str, secret_key: str = "") -> Screen | None:
    """None: it is not ours. `secret_key`: the service's, where there is no app."""
    try:
        told = _signer(secret_key or _secret_key()).loads(signed)
        visit, name, step, served, trip, nonce = told
    except (BadSignature, ValueError, TypeError):
        return None
    return Screen(
        visit, name, step, datetime.fromtimestamp(served / 1000, UTC),
        timedelta(milliseconds=trip), nonce,
    )  # fmt: skip


def stood() -> Screen | None:
    """The screen that this post stood on; None: it is not ours. Read once a request."""
    if "resident_stood" not in g:
        g.resident_stood = read(request.form.get("at", ""))
    told: Screen | None = g.resident_stood
    return told


@cache
def _signer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="resident.screen")


def _secret_key() -> str:
    return str(current_app.config["SECRET_KEY"])


def probe_sign(signed: str, secret_key: str) -> str:
    """What `caller-service probe` sends with a post of this screen, in the header PROBE. Only who
    has the secret key can make it, and it is good for no other screen."""
    return hmac.new(secret_key.encode(), f"resident.probe {signed}".encode(), sha256).hexdigest()


def from_probe() -> bool:
    """Was this post made by the operator's probe? Nobody else's request is ever a test."""
    told = request.headers.get(PROBE, "")
    signed = request.form.get("at", "")
    return bool(told) and hmac.compare_digest(
        told.encode(), probe_sign(signed, _secret_key()).encode()
    )


def nonce() -> str:
    return secrets.token_urlsafe(12)


def trip_of(found: VisitState | None, now: datetime) -> timedelta:
    """The round trip, as our last 303 and this request tell it; where the next screen was the
    answer, as it was measured before."""
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
    """Until the browser closes. On https no other host can set it, and no script reads it."""
    answer.set_cookie(_name(name), value, httponly=True, secure=_https(), samesite="Lax", path="/")


def drop_cookie(answer: Response, name: str) -> None:
    answer.delete_cookie(_name(name), httponly=True, secure=_https(), samesite="Lax", path="/")


def cookie(name: str) -> str:
    return request.cookies.get(_name(name), "")


# `shared`: others use this computer, and the words are hidden sooner
PAGE, TRIED, LANGUAGE, SHARED = "page", "tried", "language", "shared"


def secret() -> str:
    """The browser's key: in the address, or its cookie."""
    in_path = (request.view_args or {}).get("key")
    return str(in_path) if in_path else cookie(PAGE)


def in_path() -> bool:
    """Does the address have a key, whatever it opens?"""
    return request.path.startswith("/r/")


def base() -> str:
    """What stands before every address of this browser: its key, where no cookie has it. A key that
    opens nothing is not repeated."""
    if not in_path():
        return ""
    try:
        opens = page() is not None or "resident_unread" in g
    except sa.exc.SQLAlchemyError:  # the database is away: their page is where it was
        opens = True
    return f"/r/{secret()}" if opens else ""


def now_opens(found: VisitState, address: str) -> None:
    """After a post that is answered with the next screen: the page as it is now, and the address
    that it has."""
    g.resident_page, g.resident_address = found, address
    g.pop("resident_language", None)
    g.pop("resident_say", None)


def address() -> str:
    """Of the screen that is shown."""
    return next_address() or request.path


def next_address() -> str:
    """Of the screen that answers a post; "" for one that was asked for at its own address."""
    return str(g.get("resident_address", ""))


def page() -> VisitState | None:
    """The private page that this browser may open; looked up once a request."""
    if "resident_unread" in g:
        return None
    if "resident_page" not in g:
        key = secret()
        g.resident_page = page_visit.find(parts(), key) if key else None
    found: VisitState | None = g.resident_page
    return found


def read_no_more() -> None:
    """The database may be away: what is shown now needs nothing that was not read before."""
    if "resident_page" not in g:
        g.resident_unread = True


def from_nonce(first: str) -> str:
    """The key that the first screen leads to: the same screen twice leads to one request."""
    made = hmac.new(_secret_key().encode(), f"resident.page {first}".encode(), sha256).digest()[:16]
    return urlsafe_b64encode(made).decode().rstrip("=")
