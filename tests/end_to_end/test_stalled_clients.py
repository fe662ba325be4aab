"""Clients that stall, send byte by byte or send false lengths, against the real `serve`: everybody
else is answered as if they were not there.

The only times asserted are promises: Twilio waits 15 s for an answer, and a client that never
completes a request is disconnected.
"""

from __future__ import annotations

import http.client
import secrets
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from at_once import at_once
from conftest import twiml
from running import TWILIO_WAITS, House, running
from twilio.request_validator import RequestValidator

from caller_service.web.shared.problem import HEADERS

LET_GO = 45.0  # far beyond the 10 s that a client has for a request, for a busy machine
CLIENTS = 60  # far more than there are threads in both processes together


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running("sqlite", tmp_path_factory.mktemp("stalled")) as house:
        yield house


def connected(house: House) -> socket.socket:
    address = urlsplit(house.url)
    assert address.hostname and address.port
    return socket.create_connection((address.hostname, address.port), timeout=LET_GO)


def form(house: House, number: str, said: str) -> tuple[bytes, dict[str, str]]:
    """A signed text as Twilio posts it: body and headers."""
    fields = {
        "MessageSid": f"SM{secrets.token_hex(16)}",
        "AccountSid": house.settings.twilio_account_sid, "From": number, "To": "+17205550100",
        "Body": said, "NumMedia": "0",
    }  # fmt: skip
    signature = RequestValidator(house.auth_token).compute_signature(
        f"{house.url}/twilio/sms", fields
    )
    return urlencode(fields).encode(), {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": signature,
    }


def texts(house: House, number: str, said: str = "hello", **headers: str) -> requests.Response:
    body, own = form(house, number, said)
    return requests.post(
        f"{house.url}/twilio/sms", data=body, headers={**own, **headers}, timeout=TWILIO_WAITS
    )


def half_head(client: socket.socket) -> None:
    client.sendall(b"POST /twilio/sms HTTP/1.1\r\nHost: house.test\r\nContent-Le")


def half_body(client: socket.socket) -> None:
    client.sendall(
        b"POST /twilio/sms HTTP/1.1\r\nHost: house.test\r\nContent-Length: 500\r\n\r\nFrom=%2B1720"
    )


def empty_lines(client: socket.socket) -> None:
    client.sendall(b"\r\n\r\n\r\n")


def silent(client: socket.socket) -> None:
    pass


STALLS = {one.__name__: one for one in (silent, half_head, half_body, empty_lines)}


@pytest.mark.parametrize("stall", STALLS)
def test_clients_that_stall_hold_up_nobody_and_are_let_go(house: House, stall: str) -> None:
    with ExitStack() as open_ones:
        clients = [open_ones.enter_context(connected(house)) for _ in range(CLIENTS)]
        for client in clients:
            STALLS[stall](client)
        with ThreadPoolExecutor(8) as people:
            answers = list(
                people.map(
                    lambda digit: texts(house, f"+172055501{digit}", f"hello {stall}"),
                    range(40, 60),
                )
            )
        assert [answer.status_code for answer in answers] == [200] * 20
        assert all(twiml(answer.text) for answer in answers)
        for client in clients:
            while client.recv(4096):
                pass  # b"" means that the connection was closed


def drips(house: House, part: str) -> bool:
    """Is a client that sends this part byte by byte disconnected?"""
    whole = b"POST /twilio/sms HTTP/1.1\r\nHost: house.test\r\nContent-Length: 5000\r\n\r\n"
    drops = {"head": whole, "body": b"x" * 5000, "empty lines": b"\r\n" * 2500}[part]
    pause = threading.Event()
    with connected(house) as client:
        if part == "body":
            client.sendall(whole)
        for at in range(0, int(LET_GO / 0.25)):
            try:
                client.sendall(drops[at : at + 1])
                client.settimeout(0.25)
                if client.recv(1) == b"":
                    return True
            except TimeoutError:
                continue
            except OSError:
                return True
            pause.wait(0.01)
    return False


def test_a_client_that_drips_is_let_go_too(house: House) -> None:
    """Each byte is a sign of life, but all together they take too long."""
    parts = ("head", "body", "empty lines")
    let_go = at_once(*(partial(drips, house, part) for part in parts))
    assert dict(zip(parts, let_go, strict=True)) == dict.fromkeys(parts, True)
    assert texts(house, "+17205550161").status_code == 200


def test_clients_that_never_read_their_answer_hold_up_nobody(house: House) -> None:
    body, headers = form(house, "+17205550162", "hello")
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = (
        f"POST /twilio/sms HTTP/1.1\r\nHost: house.test\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    with ExitStack() as open_ones:
        for _ in range(CLIENTS):
            open_ones.enter_context(connected(house)).sendall(request)
        assert texts(house, "+17205550163").status_code == 200


# ---- malformed and ambiguous requests ------------------------------------------------------------
def raw(house: House, request: bytes) -> list[int]:
    """Send these bytes; returns the status of every response before the connection closes."""
    with connected(house) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        reader = client.makefile("rb")
        statuses = []
        while line := reader.readline():
            if line.startswith(b"HTTP/"):
                statuses.append(int(line.split()[1]))
        return statuses


SMUGGLED = b"GET /metrics HTTP/1.1\r\nHost: house.test\r\n\r\n"
SMUGGLING = {
    "two lengths": b"POST /twilio/sms HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"
    + SMUGGLED,
    "length and chunks": b"POST /twilio/sms HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX"
    + SMUGGLED,
    "unknown coding": b"POST /twilio/sms HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "coding twice": b"POST /twilio/sms HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "space before the colon": b"POST /twilio/sms HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nhello"
    + SMUGGLED,
    "plus in the length": b"POST /twilio/sms HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello"
    + SMUGGLED,
    "bad chunk": b"POST /twilio/sms HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"
    + SMUGGLED,
    "folded header": b"POST /twilio/sms HTTP/1.1\r\nHost: h\r\nX-A: 1\r\n Content-Length: 5\r\n\r\n",
    "bare newline": b"POST /twilio/sms HTTP/1.1\nHost: h\nContent-Length: 5\n\nhello" + SMUGGLED,
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_what_one_server_reads_as_one_request_and_another_as_two_is_refused(
    house: House, name: str
) -> None:
    statuses = raw(house, SMUGGLING[name])

    assert 401 not in statuses and 200 not in statuses, (
        "the request behind it was not read as one of its own"
    )
    assert not statuses or statuses[0] in (400, 403, 501), statuses
    assert texts(house, "+17205550164").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Proto": "http", "X-Forwarded-Ssl": "on"},
        {"X-Forwarded-For": "not an address, 10.0.0.1", "Forwarded": "for=;;;"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Port": "99999"},
        {"X-Forwarded-Proto": "https, http, gopher", "X-Forwarded-Prefix": "/x"},
    ],
)
def test_no_header_that_we_do_not_read_refuses_a_text(
    house: House, headers: dict[str, str]
) -> None:
    assert texts(house, "+17205550165", **headers).status_code == 200


@pytest.mark.parametrize("size", [999_000, 1_000_001, 5_000_000])
def test_a_large_body_is_refused_by_its_size_and_the_connection_lives_or_ends_cleanly(
    house: House, size: int
) -> None:
    connection = http.client.HTTPConnection(
        *urlsplit(house.url).netloc.split(":"), timeout=TWILIO_WAITS
    )  # type: ignore[arg-type]
    try:
        connection.request("POST", "/twilio/sms", body=b"x" * size)
        status = connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):
        status = 413  # it was refused before all of it was sent
    finally:
        connection.close()
    assert status in ({403, 413} if size < 1_000_000 else {413})
    assert texts(house, "+17205550166").status_code == 200


def test_what_could_not_be_read_is_answered_with_the_headers_of_every_answer(house: House) -> None:
    with connected(house) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n")
        answer = http.client.HTTPResponse(client)
        answer.begin()

    assert answer.status == 400
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_what_could_not_be_read_leaves_no_words_in_log_or_answer(house: House) -> None:
    secret = b"i-want-to-die-on-main-street"
    with connected(house) as client:
        client.sendall(b"POST /" + secret + b" HTTP/9.9\r\n" + secret + b"\r\n\r\n")
        answer = client.recv(65_536)

    assert secret not in answer
    assert secret.decode() not in house.logs()


def test_who_has_asked_is_answered_although_the_service_is_told_to_stop(tmp_path: Path) -> None:
    with running("sqlite", tmp_path) as house:
        body, headers = form(house, "+17205550167", "hello")
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = (
            f"POST /twilio/sms HTTP/1.1\r\nHost: house.test\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        with connected(house) as client:
            client.sendall(request)
            answered = client.recv(65_536)
            assert answered.startswith(b"HTTP/1.1 200")
        assert house.web.end() == 0
