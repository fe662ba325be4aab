"""`caller-service bench --voice`: a key pressed at a question compared with a text, against the
same `serve`, alternating, with as many concurrent callers as texters and no pauses.

Nobody listens to the questions here, and a safety "no" counts only once half of its question was
spoken (rule 8): after the first answer and a "no" that came too soon, callers alternate between
"once more" and "when may police come". Each is a complete step, written before it is answered.
"""

from __future__ import annotations

import http.client
import itertools
import os
import statistics
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

from twilio.request_validator import RequestValidator

from .bench import PUBLIC, Round, play, serving, timed

KEYS = ("1", "2", *"*8*8*8*8")  # one less than a text conversation has turns
AIM = 1.2  # target: p99 of a voice turn / p99 of a text turn
_calls = itertools.count(1)


@dataclass
class Calls(Round):
    """The times of the key presses and of the greetings, and the sizes of the documents."""

    first: list[float] = field(default_factory=list)  # seconds until the greeting
    sizes: list[int] = field(default_factory=list)  # bytes


class TimedCall:
    """One call from its own number, with the same signed requests as Twilio's."""

    def __init__(self, port: int, token: str) -> None:
        place = next(_calls)
        self._sid, self._number = f"CA{place:032x}", f"+1940{place:07d}"
        self._signer = RequestValidator(token)
        self._conn = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.action = ""
        self.size = 0

    def rings(self) -> float:
        return self._asks(f"{PUBLIC}/twilio/voice", CallStatus="ringing")

    def presses(self, key: str) -> float:
        return self._asks(self.action, Digits=key, FinishedOnKey="")

    def hangs_up(self) -> None:
        self._asks(f"{PUBLIC}/twilio/receipts/inbound", CallStatus="completed")
        self._conn.close()

    def _asks(self, url: str, **more: str) -> float:
        """Seconds from the request to its complete response. `action` is the URL for the next key;
        "" if none is expected."""
        form = {
            "CallSid": self._sid, "From": self._number, "To": "+17205550100",
            "CallStatus": "in-progress", "Direction": "inbound", **more,
        }  # fmt: skip
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": self._signer.compute_signature(url, form),
        }
        address, body = urlsplit(url), urlencode(form)
        begun = time.perf_counter()
        self._conn.request("POST", f"{address.path}?{address.query}", body, headers)
        answer = self._conn.getresponse()
        told = answer.read()
        took = time.perf_counter() - begun
        self.size, self.action = len(told), ""
        if answer.status == 200:
            gather = ElementTree.fromstring(told).find("Gather")
            self.action = gather.get("action", "") if gather is not None else ""
        return took


def calls(port: int, token: str, callers: int, each: int, server: int) -> Calls:
    """`callers` at once, each `each` calls one after the other. One call of each goes before and is
    not counted."""
    done, lock = Calls(), threading.Lock()
    warm, gate = threading.Barrier(callers + 1), threading.Barrier(callers + 1)

    def caller() -> None:
        mine = Calls()
        for one in range(each + 1):
            if one == 1:
                warm.wait()
                mine = Calls()
                gate.wait()
            call = TimedCall(port, token)
            mine.first.append(call.rings())
            mine.wrong += not call.action
            for key in KEYS:
                if not call.action:
                    break
                mine.turns.append(call.presses(key))
                mine.sizes.append(call.size)
            call.hangs_up()
        with lock:
            done.turns += mine.turns
            done.first += mine.first
            done.sizes += mine.sizes
            done.wrong += mine.wrong

    threads = [threading.Thread(target=caller) for _ in range(callers)]
    done.seconds, done.cpu = timed(threads, warm, gate, server)
    return done


def bench(callers: int = 32, each: int = 6, rounds: int = 3, database_url: str = "") -> None:
    """Run it and print both side by side. `database_url`: an empty PostgreSQL database; default
    SQLite."""
    texts: list[Round] = []
    voice: list[Calls] = []
    for one in range(rounds):
        with serving(database_url) as (port, token, server):
            for kind in ("text", "voice") if one % 2 == 0 else ("voice", "text"):
                if kind == "text":
                    texts.append(play(port, token, callers, each, server))
                else:
                    voice.append(calls(port, token, callers, each, server))
        print(f"round {one + 1} a text  {_line(texts[-1])}")
        print(f"round {one + 1} a key   {_line(voice[-1])}", flush=True)
    print()
    _table(texts, voice, callers, "PostgreSQL" if database_url else "SQLite")


def _line(done: Round) -> str:
    return (
        f"{done.rate:6.0f} turns/s  p50 {done.at(0.5):5.1f}  p95 {done.at(0.95):5.1f}  "
        f"p99 {done.at(0.99):5.1f} ms  CPU {done.cpu / len(done.turns) * 1000:4.2f} ms"
        + (f"  WRONG {done.wrong}" if done.wrong else "")
    )


def _table(texts: list[Round], voice: list[Calls], callers: int, where: str) -> None:
    load = os.getloadavg()[0]
    print(f"{callers} at once, {where}, medians of {len(texts)} rounds; load {load:.1f} at the end")
    for name, rounds in (("a text", texts), ("a key press", voice)):
        p50, p95, p99 = (
            statistics.median(one.at(share) for one in rounds) for share in (0.5, 0.95, 0.99)
        )
        cpu = statistics.median(one.cpu / len(one.turns) * 1000 for one in rounds)
        print(f"{name:12} p50 {p50:5.1f}  p95 {p95:5.1f}  p99 {p99:5.1f} ms  CPU {cpu:4.2f} ms")
    ratios = [one.at(0.99) / other.at(0.99) for one, other in zip(voice, texts, strict=True)]
    middles = [one.at(0.5) / other.at(0.5) for one, other in zip(voice, texts, strict=True)]
    verdict = "reached" if statistics.median(ratios) <= AIM else "aim missed"
    print(
        f"a key press, of a text: p99 {statistics.median(ratios):.2f} ({min(ratios):.2f} to "
        f"{max(ratios):.2f}; aim {AIM:g}, {verdict}), p50 {statistics.median(middles):.2f}"
    )
    sizes = sorted(size for one in voice for size in one.sizes)
    first = [took * 1000 for one in voice for took in one.first]
    print(
        f"documents: median {statistics.median(sizes):.0f} bytes, largest {sizes[-1]}; first words "
        f"p50 {statistics.median(first):.1f} ms"
    )
    if any(one.wrong for one in (*texts, *voice)):
        print("Some answers were wrong: the figures do not count.")
