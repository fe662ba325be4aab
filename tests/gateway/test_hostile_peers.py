"""Whatever a destination or the provider answers, a request ends, uses little memory, and its
result has a code."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING

import pytest

from caller_service.casework.outbound.deliver import deliver
from caller_service.gateway import telephony, webhooks
from caller_service.gateway.telephony import OutcomeUnknown, RetryLater, Telephony
from caller_service.gateway.webhooks import DeliveryFailed, WebhookClient

if TYPE_CHECKING:
    from conftest import House

NOW = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
SECRET = "whsec_" + "A" * 32
TRY = 0.5  # seconds for one request that ends by its deadline, instead of ten
LITTLE = 4_000_000  # bytes that a request may receive: far less than what is sent to it
Answer = Callable[["Line"], None]


class Line:
    """The peer's end of a connection on which a request has been read."""

    def __init__(self, conn: socket.socket, over: threading.Event) -> None:
        self._conn, self._over = conn, over

    def say(self, words: bytes) -> None:
        self._conn.sendall(words)

    def without_end(self, words: bytes) -> None:
        """Send this until the other side closes, which raises OSError."""
        while not self._over.is_set():
            self.say(words)

    def drip(self, words: bytes) -> None:
        """Send a byte at a time, each before the timeout of a read."""
        for byte in words:
            self.say(bytes((byte,)))
            self._over.wait(TRY / 5)

    def silent(self) -> None:
        self._over.wait(60)


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """The lines of a head; none if the other side has hung up."""
    while (line := stream.readline()).strip():
        yield line.decode()


class Peer:
    """A real server on its own port, with a list of responses, of which the last one repeats."""

    def __init__(self, answers: tuple[Answer, ...], reads: bool) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._answers, self._reads = list(answers), reads
        self.over = threading.Event()
        self.heads: list[str] = []
        self._conns: list[socket.socket] = []
        self.connections = 0
        port = self._listening.getsockname()[1]
        self.url, self.tls = f"http://127.0.0.1:{port}", f"https://127.0.0.1:{port}"
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                conn, _ = self._listening.accept()
                self.connections += 1
                self._conns.append(conn)
                self._threads.append(threading.Thread(target=self._answer, args=(conn,)))
                self._threads[-1].start()

    def _answer(self, conn: socket.socket) -> None:
        with conn, suppress(OSError):
            if not self._reads:
                self.over.wait(60)
                return
            stream = conn.makefile("rb")
            while head := "".join(_lines(stream)):
                length = [
                    line.partition(":")[2]
                    for line in head.splitlines()
                    if line.lower().startswith("content-length")
                ]
                stream.read(int(length[0]) if length else 0)
                self.heads.append(head)
                answer = self._answers[0] if len(self._answers) == 1 else self._answers.pop(0)
                answer(Line(conn, self.over))

    def end(self) -> None:
        self.over.set()
        for conn in (self._listening, *self._conns):
            with suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()


@contextmanager
def peer(*answers: Answer, reads: bool = True) -> Iterator[Peer]:
    there = Peer(answers, reads)
    try:
        yield there
    finally:
        there.end()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that end by their deadline get a short one; all others have ten seconds."""
    monkeypatch.setattr(webhooks, "WHOLE_TRY", TRY)
    monkeypatch.setattr(telephony, "TIMEOUT", TRY)


def says(words: bytes) -> Answer:
    return lambda line: line.say(words)


def ends(words: bytes) -> Answer:
    """Send this and close."""

    def answer(line: Line) -> None:
        line.say(words)
        raise OSError

    return answer


def begins(words: bytes, then: Callable[[Line], None]) -> Answer:
    def answer(line: Line) -> None:
        line.say(words)
        then(line)

    return answer


OK, HEAD = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok", b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LONG = b"x" * 65_536
BOMB = gzip.compress(bytes(1 << 26))


def drips(words: bytes) -> Callable[[Line], None]:
    return lambda line: line.drip(words)


def goes_on(words: bytes) -> Callable[[Line], None]:
    return lambda line: line.without_end(words)


# name -> response, and the code of a delivery that got it; "": a receipt
POSTED: dict[str, tuple[Answer, str]] = {
    "nothing": (Line.silent, "timeout"),
    "a head that drips": (drips(HEAD + b"X: " + b"y" * 200 + b"\r\n\r\n"), "answers too slowly"),
    "half a head, then nothing": (begins(HEAD + b"Content-", Line.silent), "answers too slowly"),
    "half a status, then gone": (ends(HEAD[:10]), "unreachable"),
    "half a head, then gone": (ends(HEAD + b"Content-"), ""),
    "gone at once": (ends(b""), "unreachable"),
    "no HTTP": (says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "unreachable"),
    "a header without end": (begins(HEAD + b"X: ", goes_on(LONG)), "unreachable"),
    "headers without end": (begins(HEAD, goes_on(b"X: y\r\n" * 1000)), "unreachable"),
    "interim answers without end": (
        goes_on(b"HTTP/1.1 102 Processing\r\n\r\n" * 1000),
        "answers without end",
    ),
    "continue without end": (
        goes_on(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
        "answers without end",
    ),
    "interim answers, then a receipt": (
        says(b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 H\r\nLink: x\r\n\r\n" + OK),
        "",
    ),
    "a body without end": (begins(HEAD + b"\r\n", goes_on(LONG)), ""),
    "a refusal without end": (
        begins(b"HTTP/1.1 500 No\r\nContent-Length: 999999999999\r\n\r\n", goes_on(LONG)),
        "http 500",
    ),
    "chunks without end": (begins(CHUNKED, goes_on(b"10000\r\n" + LONG + b"\r\n")), ""),
    "a chunk that says it is all there is": (begins(CHUNKED + b"ffffffff\r\n", goes_on(LONG)), ""),
    "the size of a chunk without end": (begins(CHUNKED, goes_on(b"0" * 1000)), ""),
    "a chunk of no size": (says(CHUNKED + b"zz\r\nxx\r\n"), ""),
    "a chunk of less than nothing": (begins(CHUNKED + b"-5\r\n", goes_on(LONG)), ""),
    "trailers without end": (begins(CHUNKED + b"0\r\n", goes_on(b"X: y\r\n" * 1000)), ""),
    "a body that drips": (begins(HEAD + b"\r\n", drips(b"x" * 200)), ""),
    "a body that never comes": (begins(HEAD + b"Content-Length: 5\r\n\r\n", Line.silent), ""),
    "a length that is none": (says(HEAD + b"Content-Length: 5, 6\r\n\r\nhello"), "unreachable"),
    "a body that unpacks without end": (ends(HEAD + b"Content-Encoding: gzip\r\n\r\n" + BOMB), ""),
    "a body packed twice": (
        ends(HEAD + b"Content-Encoding: gzip, gzip\r\n\r\n" + gzip.compress(BOMB)),
        "",
    ),
    "a body packed wrongly": (ends(HEAD + b"Content-Encoding: gzip\r\n\r\n{}"), ""),
    "a way on that is none": (
        says(b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n"),
        "http 302",
    ),
}


# what ends by the deadline
SLOW = {
    "nothing",
    "a head that drips",
    "half a head, then nothing",
    "a body that drips",
    "a body that never comes",
}


@pytest.fixture
def named(request: pytest.FixtureRequest) -> str:
    """What is answered."""
    if request.param in SLOW:
        request.getfixturevalue("quick")
    return str(request.param)


@pytest.mark.parametrize("named", POSTED, indirect=True)
def test_what_is_answered_to_a_hand_off_ends_and_is_a_receipt_or_a_fault(named: str) -> None:
    answer, code = POSTED[named]
    with peer(answer) as there:
        client = WebhookClient({"cad": there.url}, {"cad": SECRET})
        tracemalloc.start()
        try:
            client.post("cad", {"a": 1}, "x.1", NOW)
            given = ""
        except DeliveryFailed as problem:
            given = problem.code
        finally:
            taken = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()

    assert given == code
    assert taken < LITTLE


LOOKED = {
    "a body without end": "answers without end",
    "chunks without end": "answers without end",
    "a chunk that says it is all there is": "answers without end",
    "a chunk of less than nothing": "cannot look",
    "a body that unpacks without end": "answers without end",
    "a body packed twice": "cannot look",
    "a body packed wrongly": "cannot look",
    "a body that drips": "answers too slowly",
    "a body that never comes": "answers too slowly",
    "a head that drips": "answers too slowly",
    "a chunk of no size": "cannot look",
    "nothing": "cannot look",
    "gone at once": "cannot look",
    "a refusal without end": "answers without end",
    "a way on that is none": "cannot look",
}


@pytest.mark.parametrize("named", LOOKED, indirect=True)
def test_what_is_answered_to_a_look_ends_and_nothing_is_believed(named: str) -> None:
    with peer(POSTED[named][0]) as there:
        client = WebhookClient({"cad": there.url}, {"cad": SECRET})
        tracemalloc.start()
        try:
            with pytest.raises(DeliveryFailed) as failed:
                client.has("cad", "x", 1, NOW)
            taken = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert failed.value.code == LOOKED[named]
    assert taken < LITTLE


def test_a_peer_that_reads_nothing_or_speaks_no_tls_holds_nobody(quick: None) -> None:
    with peer(Line.silent, reads=False) as deaf:
        client = WebhookClient({"cad": deaf.url, "tls": deaf.tls}, {"cad": SECRET, "tls": SECRET})
        for name, packet in (("cad", {"words": "x" * 20_000_000}), ("tls", {})):
            with pytest.raises(DeliveryFailed) as failed:
                client.post(name, packet, "x.1", NOW)
            assert failed.value.code == "timeout", name


def test_nobody_is_sent_on_to_another_host() -> None:
    with peer(says(OK)) as other:
        for status in (301, 302, 303, 307, 308):
            away = f"HTTP/1.1 {status} On\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n"
            with peer(says(away.encode())) as there:
                client = WebhookClient({"cad": there.url}, {"cad": SECRET})
                with pytest.raises(DeliveryFailed, match=f"http {status}"):
                    client.post("cad", {}, "x.1", NOW)
                with pytest.raises(DeliveryFailed, match="cannot look"):
                    client.has("cad", "x", 1, NOW)
        assert other.connections == 0


def test_a_connection_is_used_again_unless_its_answer_was_cut_short() -> None:
    kept = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n")
    endless = begins(HEAD + b"\r\n", goes_on(LONG))
    with peer(says(kept), says(kept), endless, says(kept)) as there:
        client = WebhookClient({"cad": there.url}, {"cad": SECRET})
        for number in range(3):
            client.post("cad", {}, f"x.{number}", NOW)
        assert there.connections == 1
        client.post("cad", {}, "x.3", NOW)
        assert there.connections == 2
        assert not [head for head in there.heads if "cookie" in head.lower()], "nothing is kept"


def test_a_packed_answer_is_read() -> None:
    packed = gzip.compress(b'{"revision": 3}')
    head = f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with peer(says(HEAD + head + packed)) as there:
        client = WebhookClient({"cad": there.url}, {"cad": SECRET})
        assert client.has("cad", "x", 3, NOW)
        assert not client.has("cad", "x", 4, NOW)
    assert there.connections == 1


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("-5", 0),
        ("1.5", 0),
        ("9" * 30, 3600),
        ("9" * 5000, 0),
        ("Mon, 23 Nov 2026 19:01:20 GMT", 80),
        ("Mon, 23 Nov 2026 18:00:00 GMT", 0),
        ("Mon, 23 Nov 2026 19:01:20 -0000", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", 0),
        ("Fri, 31 Dec 2026 23:59:59 +99999999999999", 0),
        ("soon", 0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_how_long_a_destination_asks_us_to_wait(asked: str, seconds: int, status: int) -> None:
    head = f"HTTP/1.1 {status} Later\r\nRetry-After: {asked}\r\nContent-Length: 0\r\n\r\n"
    with peer(says(head.encode())) as there:
        client = WebhookClient({"cad": there.url}, {"cad": SECRET})
        with pytest.raises(DeliveryFailed) as failed:
            client.post("cad", {}, "x.1", NOW)

    assert (failed.value.code, failed.value.wait) == (f"http {status}", seconds)


def test_a_destination_that_drips_is_counted_as_tried(house: House, quick: None) -> None:
    house.resident().wants_a_team()
    row = house.rows("delivery", destination="rehearsal-cad")[0]
    with peer(POSTED["a head that drips"][0]) as there:
        house.outside.add_passthru(there.url)
        house.change(
            webhooks=WebhookClient({row.destination: there.url}, {row.destination: SECRET})
        )
        deliver(house.parts, row.id)

    after = house.rows("delivery", id=row.id)[0]
    assert (after.state, after.tries, after.error) == ("waiting", 1, "answers too slowly")


@pytest.mark.parametrize(
    "named",
    ["nothing", "a head that drips", "a body that drips", "a body without end", "gone at once"],
    indirect=True,
)
def test_a_provider_that_never_ends_is_not_believed(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telephony, "LONGEST_ANSWER", 65_536)
    with peer(POSTED[named][0]) as there:
        twilio = Telephony("AC" + "0" * 32, "secret", "+17205550100", api_url=there.url)
        with pytest.raises(OutcomeUnknown):
            twilio.text("+17205550123", "words", "https://house.test/receipts")
        with pytest.raises(RetryLater):
            twilio.find("+17205550123", "words", NOW)
        with pytest.raises(RetryLater):
            twilio.heard("+17205550100", NOW)


def test_a_list_whose_pages_never_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telephony, "PAGE", 2)
    monkeypatch.setattr(telephony, "LISTED", 6)
    one = {
        "sid": "SM1",
        "direction": "inbound",
        "from": "+17205550123",
        "to": "+17205550100",
        "body": "hi",
        "date_sent": "Mon, 23 Nov 2026 19:00:00 +0000",
        "num_media": "0",
    }
    other = one | {"num_media": "1"}
    page = json.dumps({"messages": [one, other], "next_page_uri": "/more", "page": 0}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(page)}\r\n\r\n".encode()
    with peer(says(head + page)) as there:
        twilio = Telephony("AC" + "0" * 32, "secret", "+17205550100", api_url=there.url)
        heard = twilio.heard("+17205550100", NOW - timedelta(hours=6))
        assert [each.picture for each in heard] == [False, True] * 3
        assert len(there.heads) == 3
        assert there.connections == 1
