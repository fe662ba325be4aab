"""Shared by the stand-ins' pages: private headers, a guard against other sites, and logs without
numbers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response, abort, jsonify, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Response as AnyResponse

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src "
        "'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
}


def protect(app: Flask) -> None:
    """Give every answer private headers, and refuse a form that some other web site sends to this
    machine."""

    @app.before_request
    def refuse_other_sites() -> None:
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site") == "cross-site":
            abort(403)

    @app.after_request
    def add_headers(answer: Response) -> Response:
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer

    @app.errorhandler(HTTPException)
    def refuse(problem: HTTPException) -> AnyResponse | tuple[Response | str, int]:
        if isinstance(problem.response, AnyResponse):
            return problem.response
        status = problem.code or 500
        if wants_json() or "text/html" not in request.headers.get("Accept", ""):
            return jsonify(title=problem.name, status=status, detail=problem.description), status
        return render_template("refused.html", why=problem.description), status


def wants_json() -> bool:
    """Does a program ask for JSON, and not a browser?"""
    return (
        request.is_json
        or request.accept_mimetypes.best_match(["text/html", "application/json"])
        == "application/json"
    )


def switched_on(value: object) -> bool:
    """Read a switch from JSON or from a form, where a checked box sends "on"."""
    return value if isinstance(value, bool) else str(value).lower() in {"on", "true", "1", "yes"}


class WithoutQueries(WSGIRequestHandler):
    """Logs the path alone: Twilio's list of messages carries phone numbers in its query."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        self.log("info", '"%s %s" %s', self.command, self.path.partition("?")[0], str(code))


def serving(app: Flask, host: str, port: int) -> BaseWSGIServer:
    """A server for one stand-in, bound and ready for `serve_forever`; port 0 takes a free one."""
    return make_server(host, port, app, threaded=True, request_handler=WithoutQueries)


@contextmanager
def served(app: Flask, port: int = 0) -> Iterator[str]:
    """The app on a server of its own, while the block runs; gives its address."""
    server = serving(app, "127.0.0.1", port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
