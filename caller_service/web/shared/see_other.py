"""The answer to a post that was carried out: go on there, with a GET."""

from __future__ import annotations

from flask import Response, make_response, redirect


def see_other(path: str) -> Response:
    """303 to one of our own pages."""
    return make_response(redirect(path, 303))
