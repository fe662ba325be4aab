"""One format for every JSON error (RFC 9457 problem+json), and headers that keep a page private."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, abort, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from caller_service.store.cases import Unreadable

from .guard import from_our_account
from .refusals import refused

log = logging.getLogger(__name__)

LONGEST_JSON = 65_536  # bytes
MACHINES = ("/api/", "/EIDO/")  # endpoints for machines, which are answered in JSON
DOES_NOT_FIT = "The body or the query does not fit: errors names the field."
NO_JSON = "The body is not JSON that can be read."
# the `code` of each status, where no more specific one is set
HELP = "Life in danger: call or text 911. Counselor: call or text 988.\n"
CODES = {
    400: "unreadable", 401: "token_missing", 404: "not_found", 405: "method_not_allowed",
    409: "conflict", 413: "too_long", 415: "not_json", 422: "invalid", 503: "unavailable",
}  # fmt: skip
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src "
    "'self'; connect-src 'self'; frame-src 'self'; object-src 'none'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    # the place screen asks for the location when its button is pressed; no other permission is ever
    # used
    "Permissions-Policy": "geolocation=(self), camera=(), microphone=(), payment=(), usb=()",
    # two years; browsers ignore it unless it came over TLS
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
}
# for the one page that we embed in a frame: the conversation, if scripts do not run
FRAMED = {
    "X-Frame-Options": "SAMEORIGIN",
    "Content-Security-Policy": HEADERS["Content-Security-Policy"].replace(
        "frame-ancestors 'none'", "frame-ancestors 'self'"
    ),
}


def problem(status: int, title: str, detail: str = "", **more: Any) -> Response:
    """An error as application/problem+json. `more` adds members such as `code` or `errors`."""
    body = (
        {"type": "about:blank", "title": title, "status": status}
        | ({"detail": detail} if detail else {})
        | more
    )
    return Response(
        json.dumps(body, ensure_ascii=False), status=status, content_type="application/problem+json"
    )


def invalid(errors: Mapping[str, Any]) -> Response:
    """A 422: what is wrong, by field."""
    return problem(422, "Unprocessable Entity", DOES_NOT_FIT, code=CODES[422], errors=errors)


def register_error_handlers(app: Flask, not_found_page: Callable[[int], Response | None]) -> None:
    """JSON under /api/ and /EIDO/; elsewhere the page of `not_found_page` if it makes one, for
    somebody who mistyped a URL, or plain text. Nothing of the request is quoted or logged."""

    app.before_request(_refuse_unreadable)

    @app.errorhandler(HTTPException)
    def said(error: HTTPException) -> Response:
        status = error.code or 500
        detail = error.description if status < 500 and isinstance(error.description, str) else ""
        if not request.path.startswith(MACHINES):
            answer = not_found_page(status) or Response(
                f"{error.name}. {detail}\n{_more_help(status)}",
                status=status,
                content_type="text/plain; charset=utf-8",
            )
            return _allowing(answer, error)
        errors = getattr(error, "data", {}).get("messages") if status == 422 else None
        more = {"errors": _unquoted(errors)} if errors else {}
        detail = DOES_NOT_FIT if errors else detail
        answer = problem(
            status, error.name, detail, code=CODES.get(status, f"http_{status}"), **more
        )
        return _allowing(answer, error)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        log.error(
            "request failed", extra={"door": request.endpoint or "", "fault": type(error).__name__}
        )
        if request.path.startswith(MACHINES):
            return _failed(error)
        words = f"We could not do that. {HELP}"
        return Response(words, status=503, content_type="text/plain; charset=utf-8")

    @app.after_request
    def counted(response: Response) -> Response:
        """Count every refused request, also those that no guard refused. Requests from our Twilio
        account to a wrong path, or with a wrong method, mean that people are turned away, too."""
        if 400 <= response.status_code < 500 and not g.get("refusal_counted"):
            honest = not request.path.startswith(MACHINES) and from_our_account()
            refused(request.endpoint or "none", f"http {response.status_code}", honest)
        return response

    @app.after_request
    def private(response: Response) -> Response:
        given = {name.lower() for name, _ in response.headers}
        for name, value in HEADERS.items():
            if name.lower() not in given:
                response.headers.add(name, value)
        return response


def _more_help(status: int) -> str:
    """Somebody who mistyped an address may need help now, and may have sent words there."""
    unsent = "Nothing was sent. " if request.method == "POST" else ""
    return f"{unsent}{HELP}" if status == 404 else ""


def _failed(error: Exception) -> Response:
    """The response to a machine when a request failed through our fault."""
    if isinstance(error, Unreadable):
        words = "What is kept of this hand-off cannot be read: it can be seen, and not changed."
        return problem(409, "Conflict", words, code="state_unreadable")
    return problem(
        503,
        "Service unavailable",
        "It is our fault. Send it again; with an Idempotency-Key it is done once.",
        code=CODES[503],
    )


def _allowing(answer: Response, error: HTTPException) -> Response:
    """Add the Allow header, which a 405 needs."""
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return answer


def _refuse_unreadable() -> None:
    """Refuse a URL or a body that cannot be read, or that is nested too deep or too long: it is the
    client's fault."""
    if "\x00" in request.path or b"%00" in request.query_string:
        abort(400, "The address holds a character that cannot be.")
    if not request.path.startswith(MACHINES) or not request.content_length:
        return
    if request.content_length > LONGEST_JSON:
        abort(413, "The body is too long.")
    if not request.is_json:
        abort(415, "Send JSON, with Content-Type: application/json.")
    try:
        # decoded as the views will: json.loads alone would also take UTF-16, or a byte order mark
        json.loads(
            request.get_data(cache=True).decode(),
            object_pairs_hook=_each_once,
            parse_constant=_no_number,
        )
    except (ValueError, RecursionError):
        abort(400, NO_JSON)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse two members with the same name: it is unclear which one is meant."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a member is there twice")
    return dict(pairs)


def _no_number(name: str) -> None:
    raise ValueError(f"JSON has no {name}")


def _unquoted(errors: Any) -> Any:
    """The errors by field, without the names of unknown fields, which may be somebody's words."""
    return {
        where: {
            ("unknown" if "Unknown field." in reason else name): reason
            for name, reason in found.items()
        }
        if isinstance(found, dict)
        else found
        for where, found in errors.items()
    }
