"""Is a request really Twilio's? X-Twilio-Signature over the public URL and the form."""

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
    """True if any of the tokens made the signature over one of the ways to write this address: two
    tokens are valid while one is rotated.

    `public_url` is CALLER_PUBLIC_URL; no header says where we are. The first way nearly always
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
    """The same address as an operator may have written it in Twilio's console: the host in lower
    case, with or without the default port, with a bare question mark."""
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
    """An address in the one form in which two that mean the same are equal: scheme and host in
    lower case, no default port, no fragment (Twilio's connection settings), no bare question
    mark. Raises ValueError for what is no address."""
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    netloc = f"[{host}]" if ":" in host else host
    if parts.port and parts.port != DEFAULT_PORTS.get(parts.scheme):
        netloc += f":{parts.port}"
    login, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{login}{at}{netloc}", fragment="").geturl()


def looks_like_ours(told: Mapping[str, str], account_sid: str, ours: Collection[str]) -> bool:
    """Would this be Twilio's, for us, if only its signature were right: our account, one of our
    numbers or Messaging Services, the id of a message or a call?"""
    named = {told.get(name, "") for name in ("To", "From", "MessagingServiceSid")}
    sid = told.get("MessageSid") or told.get("CallSid") or ""
    return (
        hmac.compare_digest(told.get("AccountSid", "").encode(), account_sid.encode())
        and bool(named & set(ours))
        and bool(_SID.fullmatch(sid))
    )


_validator = lru_cache(maxsize=8)(RequestValidator)
