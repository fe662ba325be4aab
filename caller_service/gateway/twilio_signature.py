"""Is a request really Twilio's? X-Twilio-Signature over the exact public URL and the form
(domain.md section 4)."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from functools import lru_cache

from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict


def signed_by_twilio(
    url: str, form: MultiDict[str, str], signature: str, tokens: Sequence[str]
) -> bool:
    """True if any of the tokens made the signature: two are valid while a token is rotated."""
    return any(
        _exactly(_validator(token), url, form, signature)
        or _validator(token).validate(url, form, signature)
        for token in tokens
    )


def _exactly(
    validator: RequestValidator, url: str, form: MultiDict[str, str], signature: str
) -> bool:
    """Over the URL as it stands, which is how it nearly always comes; `validate` also tries it with
    and without a port."""
    return hmac.compare_digest(validator.compute_signature(url, form).encode(), signature.encode())


_validator = lru_cache(maxsize=8)(RequestValidator)
