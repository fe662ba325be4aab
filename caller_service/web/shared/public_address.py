"""Where we are: CALLER_PUBLIC_URL says it, and no header does."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class PublicAddress:
    """WSGI middleware: scheme, host and prefix of every request are those of the public URL.

    Host, Forwarded and X-Forwarded-Proto may say anything: a proxy gets them wrong, a stranger
    sends what they like. They refuse no text and stand in no address of ours.
    """

    def __init__(self, app: WSGIApplication, public_url: str) -> None:
        self._app = app
        parts = urlsplit(public_url)
        self._ours = {
            "wsgi.url_scheme": parts.scheme,
            "HTTP_HOST": parts.netloc.lower(),
            "SCRIPT_NAME": parts.path,
        }

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        environ.update(self._ours)
        return self._app(environ, start)
