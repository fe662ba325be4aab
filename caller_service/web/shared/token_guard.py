"""Authentication by token, and what a token gives access to: the API with `Authorization: Bearer`,
a page in a browser with HTTP Basic.

401: not authenticated. 403: authenticated, but not allowed; `code` says what is missing. 404: there
is no such hand-off, or it was never sent to this token's destination; the response does not say
which. 429: too many failures from this source.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Response, current_app, g, request
from flask_smorest import Blueprint

from caller_service.casework.read import may_see
from caller_service.core.access import (
    BROWSER,
    EXPIRED,
    NO_DESTINATION,
    READ,
    Token,
    why_refused,
)
from caller_service.store import tokens

from .failure_limit import failure_limit, source
from .guard import parts
from .problem import CODES, problem
from .refusals import refused

View = TypeVar("View", bound=Callable[..., Any])

UNKNOWN, MISSING, SLOWED = "token_unknown", "token_missing", "slowed_down"
BROWSER_TOKEN = "browser_token"
WORDS = {
    MISSING: "Send Authorization: Bearer and your token.",
    UNKNOWN: "This token is not known, or was revoked.",
    EXPIRED: "This token has expired.",
    NO_DESTINATION: "This token has no destination in the program any more. Ask for a new one.",
    BROWSER_TOKEN: "A browser token opens its own page, and no API.",
    SLOWED: "Too many wrong tokens came from here. Wait, then try again.",
}

# the name under which a refusal is counted and logged, if it is not the code itself
REASONS = {MISSING: "no token", UNKNOWN: "token not known"}


def needs(scope: str) -> Callable[[View], View]:
    """Declare the scope that an operation needs: checked by `bearer_only`, and shown in the OpenAPI
    document."""

    def marked(view: View) -> View:
        documented = Blueprint.doc(security=[{"bearer": [scope]}])(view)
        documented.scope = scope
        return cast(View, documented)

    return marked


def bearer() -> Token:
    """The token of this request; only behind `bearer_only`."""
    return cast(Token, g.token)


def bearer_only() -> Response | None:
    """Requires a destination's token (`caller-service token add`) with the scope of the operation,
    and a hand-off that was sent to that destination."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        return _unauthorized(MISSING)
    token, code, wait = _signed_in(secret.strip())
    if code == SLOWED:
        return _slowed(wait)
    if token is None:
        return _unauthorized(code)
    if token.kind == BROWSER:  # typed by people into browsers: it opens the page alone
        return _forbidden(BROWSER_TOKEN)
    if code:
        return _forbidden(code)
    g.token = token
    view: Any = current_app.view_functions[request.endpoint or ""]
    if missing := lacks(view.scope):
        return missing
    hand_off_id = (request.view_args or {}).get("hand_off_id")
    if hand_off_id is not None and not may_see(parts(), token, hand_off_id):
        return problem(404, "Not Found", "There is no such hand-off.", code=CODES[404])
    return None


def lacks(scope: str) -> Response | None:
    """A refusal if the token of this request lacks this scope, else None."""
    if scope in bearer().scopes:
        return None
    return _forbidden(f"needs_scope_{scope}", f'This token lacks the scope "{scope}".', scope=scope)


def browser_token_only() -> Response | None:
    """Requires HTTP Basic, for which a browser prompts by itself. The user name is the page's name,
    as in its URL, the password its browser token (`caller-service token add`). No other token opens
    the page."""
    page, sent = (request.view_args or {}).get("destination"), request.authorization
    if sent is None or sent.type != "basic" or not sent.password:
        return _sign_in("no sign-in")

    def opens(token: Token) -> bool:
        return (
            token.kind == BROWSER
            and READ in token.scopes
            and sent.username == page == token.destination
        )

    token, code, wait = _signed_in(sent.password, opens)
    if code == SLOWED:
        return _slowed(wait)
    if token is None or code:
        return _sign_in("sign-in wrong", WORDS[EXPIRED] if code == EXPIRED else "")
    return None


def _signed_in(
    secret: str, opens: Callable[[Token], bool] = lambda token: True
) -> tuple[Token | None, str, int]:
    """The token of a secret if it `opens` what is requested, the code of the refusal ("" for none),
    and the seconds to wait. If there is no token, a failure is counted for the source."""
    attempt = failure_limit().attempt(
        "token", source(request.remote_addr), known=tokens.token_hash(secret)
    )
    if attempt.wait:
        return None, SLOWED, attempt.wait
    with parts().engine.connect() as conn:
        token = tokens.find(conn, secret)
    if token is None or not opens(token):
        attempt.failed()
        return None, UNKNOWN, 0
    code = why_refused(token, parts().program, parts().now())
    if code == EXPIRED:
        attempt.failed()
        return None, EXPIRED, 0
    attempt.succeeded()
    return token, code, 0


def _unauthorized(code: str) -> Response:
    refused(request.endpoint or "", REASONS.get(code, code))
    answer = problem(401, "Unauthorized", WORDS[code], code=code)
    fault = "" if code == MISSING else ', error="invalid_token"'
    answer.headers["WWW-Authenticate"] = f'Bearer realm="Hand-offs"{fault}'
    return answer


def _forbidden(code: str, words: str = "", **more: str) -> Response:
    refused(request.endpoint or "", code)
    return problem(403, "Forbidden", words or WORDS[code], code=code, **more)


def _sign_in(why: str, words: str = "") -> Response:
    refused(request.endpoint or "", why)
    words = f"{words} Sign in with the name of this page and its browser token.\n".lstrip()
    return Response(
        words,
        401,
        {"WWW-Authenticate": 'Basic realm="Hand-offs", charset="UTF-8"'},
        content_type="text/plain; charset=utf-8",
    )


def _slowed(wait: int) -> Response:
    refused(request.endpoint or "", SLOWED)
    if request.blueprint == "printable":
        answer = Response(f"{WORDS[SLOWED]}\n", 429, content_type="text/plain; charset=utf-8")
    else:
        answer = problem(429, "Too Many Requests", WORDS[SLOWED], code=SLOWED)
    answer.headers["Retry-After"] = str(wait)
    return answer
