"""Every blueprint names its guard, so that none is open by accident; tests/web/test_doors.py checks
all of them."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import cast

from flask import Blueprint, Flask, Request, Response, abort, current_app, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug.exceptions import HTTPException

from caller_service.casework.parts import Parts
from caller_service.gateway.twilio_signature import looks_like_ours, signed_by_twilio

from .refusals import refused

Guard = Callable[[], Response | None]


def guarded(name: str, guard: Guard, url_prefix: str | None = None) -> Blueprint:
    """A blueprint whose requests all pass this guard first."""
    blueprint = Blueprint(
        name, "caller_service.web", url_prefix=url_prefix, template_folder="templates"
    )
    blueprint.before_request(guard)
    return blueprint


class NoCookieNoSession(SecureCookieSessionInterface):
    """A request without our cookie gets an empty session at once, so that a webhook does not pay
    for deriving the signing keys."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)


def open_to_all() -> None:
    """No check: stated explicitly, so that nothing is open by accident."""


def parts() -> Parts:
    return cast(Parts, current_app.extensions["caller_parts"])


def twilio_only() -> None:
    """Answers 403 to a missing or wrong signature; nothing else runs."""
    signature = request.headers.get("X-Twilio-Signature", "")
    if not signature or not signed_by_twilio(
        parts().public_url,
        request.path,
        request.query_string.decode("latin-1"),
        request.form,
        signature,
        current_app.config["TWILIO_AUTH_TOKENS"],
    ):
        honest = from_our_account()
        wrong = "signature of ours" if honest else "signature"
        refused(request.endpoint or "", f"{wrong} {'wrong' if signature else 'missing'}", honest)
        abort(403, "The Twilio signature is missing or wrong.")


def from_our_account() -> bool:
    """Does this request look like one from our own Twilio account? It is not proof."""
    try:
        values = request.values
    except HTTPException:  # the body cannot be read
        return False
    ours = [one.number for one in parts().program.numbers.ours]
    return looks_like_ours(values, current_app.config["TWILIO_ACCOUNT_SID"], ours)


def metrics_only() -> None:
    """Only the operator's own collector may read the metrics: exact counts would undo the
    suppression of small cells."""
    asked = request.headers.get("Authorization", "").partition(" ")[2]
    if not hmac.compare_digest(asked.encode(), current_app.config["METRICS_TOKEN"].encode()):
        refused(request.endpoint or "", "metrics token")
        abort(401, "Send Authorization: Bearer and CALLER_METRICS_TOKEN.")
