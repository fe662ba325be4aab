"""Our public URL comes from CALLER_PUBLIC_URL, never from a header."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

DEFAULT_PORTS = {"http": ":80", "https": ":443"}  # a browser leaves them out


def is_foreign(origin: str, public_url: str) -> bool:
    """Does this `Origin` name another site than ours? Under our `no-referrer` a browser sends
    `null` with our own forms: that names none."""
    ours = urlsplit(public_url.lower())
    netloc = ours.netloc.removesuffix(DEFAULT_PORTS.get(ours.scheme, ":"))
    return origin.lower() not in ("null", f"{ours.scheme}://{netloc}")


class PublicAddress:
    """WSGI middleware that sets scheme, host and prefix of every request to those of the public
    URL.

    Host, Forwarded and X-Forwarded-Proto are not trusted: a proxy may get them wrong, and a
    stranger sends what they like. They must never make us refuse a text, or end up in a URL of
    ours.
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
