"""No header that the service does not need makes it refuse a text: the signed URL is
CALLER_PUBLIC_URL, and our own address is read from nowhere else. All through the real `serve`,
behind one trusted proxy."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from conftest import twiml
from running import (
    STARTED,
    TWILIO_WAITS,
    Running,
    answers,
    clean_environment,
    command,
    free_port,
    until,
)
from twilio.request_validator import RequestValidator

from caller_service.config.settings import Settings

PUBLIC = "https://Help.Example.org"  # as an operator might write it
FORM = "application/x-www-form-urlencoded"
ODD: dict[str, tuple[tuple[str, str], ...]] = {
    "nothing": (),
    "contradicting scheme": (("X-Forwarded-Proto", "http"), ("X-Forwarded-Ssl", "off")),
    "scheme of nobody": (("X-Forwarded-Proto", "gopher, , https"), ("X-Forwarded-Scheme", "ws")),
    "two schemes": (("X-Forwarded-Proto", "http"), ("X-Forwarded-Proto", "https")),
    "empty forwarding": (("X-Forwarded-Proto", ""), ("X-Forwarded-For", ""), ("X-Forwarded-Host", "")),
    "forwarded for nobody": (("X-Forwarded-For", "not an address, , [::1"), ("Forwarded", "for=;;;")),
    "forwarded": (("Forwarded", 'for="[2001:db8::1]:4711";proto=http;host=evil.example'),),
    "other host": (("X-Forwarded-Host", "evil.example:99999"), ("X-Forwarded-Server", "x")),
    "host of no shape": (("X-Forwarded-Host", "a b/c?d#e@[f"),),
    "other port": (("X-Forwarded-Port", "99999"), ("X-Forwarded-Port", "-1")),
    "port of no number": (("X-Forwarded-Port", "https"),),
    "prefix": (("X-Forwarded-Prefix", "/elsewhere"), ("X-Script-Name", "/x")),
    "original address": (("X-Original-URL", "/api/v1/hand-offs"), ("X-Rewrite-URL", "/x")),
    "method override": (("X-HTTP-Method-Override", "DELETE"), ("X-Method-Override", "GET")),
    "accept nothing": (("Accept", ""), ("Accept-Language", "tlh;q=9"), ("Accept-Encoding", "*;q=0")),
    "accept only pictures": (("Accept", "image/png;q=1.0, */*;q=0"), ("Accept-Charset", "utf-7")),
    "expect": (("Expect", "100-continue"),),
    "expect anything": (("Expect", "a-miracle"),),
    "conditional": (("If-Match", '"x"'), ("If-Modified-Since", "yesterday"), ("Range", "bytes=5-1")),
    "origin": (("Origin", "null"), ("Sec-Fetch-Site", "cross-site"), ("Referer", "::not a url")),
    "cookie": (("Cookie", 'session=broken; =; ;"'),),
    "authorization": (("Authorization", "Basic ???"),),
    "date": (("Date", "the day after"), ("Via", "1.1 \xff"), ("Cache-Control", "max-age=-1")),
    "tracing": (("traceparent", "00-zz-zz-zz"), ("I-Twilio-Idempotency-Token", "")),
    "user agent": (("User-Agent", "\x80\xfe"),),
    "upgrade": (("Upgrade", "h2c"), ("HTTP2-Settings", "x")),
}  # fmt: skip
HOSTS = (
    "help.example.org", "HELP.EXAMPLE.ORG", "help.example.org:443", "help.example.org:80",
    "help.example.org:8443", "help.example.org.", "127.0.0.1", "[::1]:99999", "a_b", "a b", "",
)  # fmt: skip
TYPES = (
    FORM, f"{FORM}; charset=UTF-8", f"{FORM};charset=utf-7", f"{FORM}; charset=no-such",
    f'{FORM}; charset="', f"{FORM}; ;;=; boundary=x", "Application/X-WWW-Form-Urlencoded",
)  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Settings]]:
    folder, port = tmp_path_factory.mktemp("odd"), free_port()
    environment = clean_environment(
        CALLER_PUBLIC_URL=PUBLIC, CALLER_BIND=f"127.0.0.1:{port}", CALLER_TRUSTED_PROXIES="1"
    )
    assert command(folder, "migrate", environment=environment).returncode == 0
    web = Running(["serve", "--workers", "1"], folder, environment, folder / "web.log")
    try:
        ready = f"http://127.0.0.1:{port}/health/ready"
        until(lambda: answers(ready) == 200 or not web.alive, "the web door is ready", STARTED)
        yield port, Settings.from_environment(environment, here=folder)
    finally:
        web.end()


def answered(
    served: tuple[int, Settings],
    headers: tuple[tuple[str, str], ...] = (),
    host: str = "help.example.org",
    content_type: str = FORM,
    address: str = f"{PUBLIC}/twilio/sms",
    target: str = "/twilio/sms",
) -> tuple[int, str]:
    """Send a genuine text, signed for `address`, byte for byte as written; returns the status and
    the body."""
    port, settings = served
    fields = {
        "MessageSid": f"SM{secrets.token_hex(16)}", "AccountSid": settings.twilio_account_sid,
        "From": f"+1720{secrets.randbelow(6_999_999) + 2_000_000}", "To": "+17205550100", "Body": "héllo ✋", "NumMedia": "0",
    }  # fmt: skip
    signature = RequestValidator(settings.twilio_auth_tokens[0]).compute_signature(address, fields)
    body = urlencode(fields).encode()
    lines = (
        f"POST {target} HTTP/1.1",
        f"Host: {host}",
        f"Content-Type: {content_type}",
        f"X-Twilio-Signature: {signature}",
        *(f"{name}: {value}" for name, value in headers),
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    with socket.create_connection(("127.0.0.1", port), timeout=TWILIO_WAITS) as client:
        client.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        whole = b"".join(iter(lambda: client.recv(65_536), b""))
    whole = whole.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    head, _, words = whole.partition(b"\r\n\r\n")
    return int(head.split()[1]), words.decode()


def is_heard(answer: tuple[int, str]) -> None:
    status, body = answer
    assert status == 200, body
    assert twiml(body)


@pytest.mark.parametrize("name", ODD)
def test_no_odd_header_refuses_a_text(served: tuple[int, Settings], name: str) -> None:
    is_heard(answered(served, ODD[name]))


@pytest.mark.parametrize("host", HOSTS)
def test_no_host_header_refuses_a_text(served: tuple[int, Settings], host: str) -> None:
    is_heard(answered(served, host=host))


@pytest.mark.parametrize("content_type", TYPES)
def test_no_parameter_of_the_content_type_refuses_a_text(
    served: tuple[int, Settings], content_type: str
) -> None:
    is_heard(answered(served, content_type=content_type))


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("https://help.example.org/twilio/sms", "/twilio/sms"),
        ("https://help.example.org:443/twilio/sms", "/twilio/sms"),
        ("https://help.example.org/twilio/sms?", "/twilio/sms?"),
        ("https://help.example.org/twilio/sms", "/twilio/sms?"),
        ("https://help.example.org/twilio/sms?a=%2F&b", "/twilio/sms?a=%2F&b"),
    ],
)
def test_the_same_address_may_be_written_in_other_ways(
    served: tuple[int, Settings], address: str, target: str
) -> None:
    is_heard(answered(served, address=address, target=target))


@pytest.mark.parametrize(
    "address",
    [
        "http://help.example.org/twilio/sms",
        "https://help.example.org:8443/twilio/sms",
        "https://evil.example/twilio/sms",
        "https://help.example.org/twilio/voice",
        "https://help.example.org/twilio/sms?x",
    ],
)
def test_another_address_stays_refused(served: tuple[int, Settings], address: str) -> None:
    headers = (("X-Forwarded-Proto", "http"), ("X-Forwarded-Host", "evil.example"))
    assert answered(served, headers, address=address)[0] == 403


# ---- bodies in chunks ----------------------------------------------------------------------------

DOORS = (
    "/twilio/sms", "/twilio/receipts/message", "/twilio/receipts/call", "/twilio/page/call", "/",
    "/api/v1/hand-offs", "/api/v1/hand-offs/x/status", "/EIDO/x/unit-status", "/metrics",
    "/health/live", "/hand-offs/x/", "/nowhere",
)  # fmt: skip
BAD_CHUNKS = {
    "no number": b"zz\r\nhello\r\n0\r\n\r\n",
    "a sign": b"-5\r\nhello\r\n0\r\n\r\n",
    "a prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a line": b"5_0\r\nhello\r\n0\r\n\r\n",
    "longer than said": b"3\r\nhello\r\n0\r\n\r\n",
    "nothing": b"\r\nhello\r\n0\r\n\r\n",
}
DEEP = b'{"by": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"
HUGE = b'{"by": "' + b"x" * 200_000 + b'"}'


def chunked(body: bytes) -> bytes:
    parts = [body[at : at + 8000] for at in range(0, len(body), 8000)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def posted(port: int, path: str, raw: bytes, kind: str) -> tuple[int, str]:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: help.example.org\r\nContent-Type: {kind}\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=TWILIO_WAITS) as client:
        client.sendall(head.encode() + raw)
        whole = b"".join(iter(lambda: client.recv(65_536), b""))
    top, _, words = whole.partition(b"\r\n\r\n")
    return int(top.split()[1]), words.decode()


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_a_bad_chunk_is_the_clients_fault_at_every_door(
    served: tuple[int, Settings], path: str, name: str
) -> None:
    for kind in (FORM, "application/json"):
        status, words = posted(served[0], path, BAD_CHUNKS[name], kind)
        assert status == 400 and "hello" not in words, words


@pytest.mark.parametrize("path", ["/api/v1/hand-offs/x/status", "/EIDO/x/unit-status"])
@pytest.mark.parametrize(
    ("body", "status", "code"), [(DEEP, 400, "unreadable"), (HUGE, 413, "too_long")]
)
def test_deep_and_huge_json_in_chunks_is_named(
    served: tuple[int, Settings], path: str, body: bytes, status: int, code: str
) -> None:
    answer, words = posted(served[0], path, chunked(body), "application/json")
    assert (answer, json.loads(words)["code"]) == (status, code)


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("body", [DEEP, HUGE, b"x=" + b"y" * 900_000, b"&" * 300_000])
def test_nothing_in_chunks_is_our_fault(
    served: tuple[int, Settings], path: str, body: bytes
) -> None:
    for kind in (FORM, "application/json", "multipart/form-data; boundary=x"):
        status, _ = posted(served[0], path, chunked(body), kind)
        assert 400 <= status < 500
