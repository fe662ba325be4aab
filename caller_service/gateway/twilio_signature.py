"""Checks X-Twilio-Signature, which signs the public URL and the form."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

DEFAULT_PORTS = {"http": 80, "https": 443}
_SID = re.compile(r"(?:SM|MM|CA)[0-9a-f]{32}", re.I)


def signed_by_twilio(
    public_url: str, path: str, query: str, form: MultiDict[str, str], signature: str,
    tokens: Sequence[str],
) -> bool:  # fmt: skip
    """True if the signature was made with any of the tokens, over any spelling of this URL. Two
    tokens are valid during a rotation.

    `public_url` is CALLER_PUBLIC_URL: headers are not trusted. The first spelling nearly always
    fits.
    """
    return any(
        hmac.compare_digest(
            _validator(token).compute_signature(url, form).encode(), signature.encode()
        )
        for url in _ways_to_write(public_url, path, query)
        for token in tokens
    )


def _ways_to_write(public_url: str, path: str, query: str) -> Iterator[str]:
    """Spellings of the same URL that an operator may have entered in Twilio's console: the host in
    lower case, with or without the default port, with a trailing question mark."""
    bare = plain_address(public_url)
    parts = urlsplit(bare)
    port = DEFAULT_PORTS.get(parts.scheme)
    with_port = (
        bare
        if parts.port or port is None
        else parts._replace(netloc=f"{parts.netloc}:{port}").geturl()
    )
    for base in dict.fromkeys((public_url, bare, with_port)):
        yield f"{base}{path}?{query}" if query else f"{base}{path}"
        if not query:
            yield f"{base}{path}?"


def plain_address(url: str) -> str:
    """The canonical form of a URL, in which equivalent ones are equal: scheme and host in lower
    case, no default port, no fragment (Twilio's connection settings), no trailing question mark.
    Raises ValueError for anything else than a URL."""
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    netloc = f"[{host}]" if ":" in host else host
    if parts.port and parts.port != DEFAULT_PORTS.get(parts.scheme):
        netloc += f":{parts.port}"
    login, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{login}{at}{netloc}", fragment="").geturl()


def looks_like_ours(form: Mapping[str, str], account_sid: str, ours: Collection[str]) -> bool:
    """Does this request look like one from Twilio for us, apart from its signature? It names our
    account, one of our numbers or Messaging Services, and the id of a message or a call."""
    named = {form.get(name, "") for name in ("To", "From", "MessagingServiceSid")}
    sid = form.get("MessageSid") or form.get("CallSid") or ""
    return (
        hmac.compare_digest(form.get("AccountSid", "").encode(), account_sid.encode())
        and bool(named & set(ours))
        and bool(_SID.fullmatch(sid))
    )


_validator = lru_cache(maxsize=8)(RequestValidator)
