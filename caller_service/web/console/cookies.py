"""The console's cookies, and the CSRF token of its forms.

Over https a cookie is named `__Host-…`: Secure, for this host alone, and no subdomain can set it.
On a loopback address without TLS, as in rehearsal, it has a plain name. Cookies are HttpOnly.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta

from flask import Response, current_app, g, request

from caller_service.casework.accounts import KNOWN_FOR
from caller_service.web.shared.guard import parts

SESSION = "console"  # the session's secret, in a session cookie
FORM = "console-form"  # before signing in: the CSRF token is bound to it
KNOWN = "console-known"  # this person signed in here before; gives no access


def _is_tls() -> bool:
    return parts().public_url.startswith("https://")


def cookie_name(name: str) -> str:
    return f"__Host-{name}" if _is_tls() else name


def sent_value(name: str) -> str:
    """The value that the browser sent; "" for none."""
    return request.cookies.get(cookie_name(name), "")


def give(answer: Response, name: str, value: str, max_age: timedelta | None = None) -> None:
    answer.set_cookie(
        cookie_name(name), value, max_age=max_age, path="/", secure=_is_tls(), httponly=True,
        samesite="Lax",
    )  # fmt: skip


def take_back(answer: Response, name: str) -> None:
    answer.delete_cookie(
        cookie_name(name), path="/", secure=_is_tls(), httponly=True, samesite="Lax"
    )


# ---- CSRF tokens ---------------------------------------------------------------------------------
def form_token() -> str:
    """The CSRF token for the forms of this page. It is bound to the session or, before signing in,
    to a cookie that is set with the page."""
    return _mac(f"form {_bound_to(make=True)}")


def form_token_is_right() -> bool:
    """Does this request carry the CSRF token, as a field or, from a script, as a header?"""
    carried = request.form.get("csrf", "") or request.headers.get("X-CSRF-Token", "")
    bound = _bound_to(make=False)
    return bool(bound) and hmac.compare_digest(carried.encode(), _mac(f"form {bound}").encode())


def _bound_to(make: bool) -> str:
    if session := g.get("staff_session"):
        return f"session {session.id}"
    if not sent_value(FORM) and not g.get("form_cookie") and make:
        g.form_cookie = secrets.token_urlsafe(16)  # set with the response (session_guard.py)
    value = g.get("form_cookie") or sent_value(FORM)
    return f"cookie {value}" if value else ""


# ---- known browsers ------------------------------------------------------------------------------
def know(answer: Response, person_id: str) -> None:
    """Remember that this person has signed in with this browser."""
    ends = int((parts().now() + KNOWN_FOR).timestamp())
    value = f"{secrets.token_urlsafe(12)}.{ends}"
    give(answer, _known(person_id), f"{value}.{_mac(f'known {person_id} {value}')}", KNOWN_FOR)


def known_browser(person_id: str) -> str:
    """The id of this browser if this person signed in with it lately, else ""."""
    value, _, mac = sent_value(_known(person_id)).rpartition(".")
    name, _, ends = value.rpartition(".")
    right = hmac.compare_digest(mac.encode(), _mac(f"known {person_id} {value}").encode())
    return name if right and int(ends) > parts().now().timestamp() else ""


def _known(person_id: str) -> str:
    return f"{KNOWN}-{_mac(f'name {person_id}')[:8]}"  # several people may share a machine


def _mac(text: str) -> str:
    key = current_app.config["SECRET_KEY"].encode()
    return hmac.digest(key, f"console {text}".encode(), "sha256").hex()
