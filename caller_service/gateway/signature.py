"""Is a request really Twilio's? X-Twilio-Signature over the exact public URL and the form (domain.md section 4)."""

from __future__ import annotations

from collections.abc import Sequence

from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict


def signed_by_twilio(url: str, form: MultiDict[str, str], signature: str, tokens: Sequence[str]) -> bool:
    """True if any of the tokens made the signature: two are valid while a token is rotated."""
    return any(RequestValidator(token).validate(url, form, signature) for token in tokens)
