"""`caller-service bench --web`: a screen of the request form compared with a text, against the same
`serve`, alternating, with as many concurrent visitors as texters and no pauses. Then the same
visitors read each screen for 3 to 8 s, as people do; then the sizes are measured.

A screen is one post, committed before the response, and the next screen. With the script it comes
in the response to the post (except for the first, which opens the request); without, it is fetched
after the 303. Sizes are of whole responses on the wire, including headers.
"""

from __future__ import annotations

import gzip
import http.client
import itertools
import os
import random
import re
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape

from .bench import Round, play, serving, timed
from .web_browser import SCRIPT, Fetched, Page, WebBrowser

ANSWERS = ("me", "no", "no", "no", "page", "team")
PLACE = "Main St and 3rd Ave"
SCREENS = len(ANSWERS) + 3  # the place, what is needed, and the check of all answers
CPU_AIM = 1.2  # target: processor time / that of a text turn
READS = (3.0, 8.0)  # seconds that somebody reads a screen
WEIGHTS = {
    "screen": 8192,
    "first load": 30720,
    "blocking": 12288,
    "refresh": 1024,
}  # bytes
_visits = itertools.count()


@dataclass
class Screens(Round):
    """The times of the screens, and their `sizes` in bytes, by kind."""

    sizes: dict[str, list[int]] = field(default_factory=dict)


class CountingConnection:
    """One browser's connection, which counts the bytes it receives."""

    def __init__(self, port: int) -> None:
        self._conn = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.size = 0  # bytes of the last response

    def fetch(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Fetched:
        self._conn.request(method, path, body or None, {**headers, "Accept-Encoding": "gzip"})
        answer = self._conn.getresponse()
        told = answer.read()
        head = answer.getheaders()
        self.size = len(told) + 17 + sum(len(name) + len(value) + 4 for name, value in head)
        if answer.headers.get("Content-Encoding") == "gzip":
            told = gzip.decompress(told)
        cookies = tuple(answer.headers.get_all("Set-Cookie") or ())
        return Fetched(answer.status, told, answer.headers.get("Location", ""), cookies)

    def close(self) -> None:
        self._conn.close()


class Visitor:
    """One request, from the first screen to the status page. `reads`: seconds before each answer,
    from and to; `script`: does ours run?"""

    def __init__(
        self, port: int, told: Screens, reads: tuple[float, float] = (0.0, 0.0),
        script: bool = True,
    ) -> None:  # fmt: skip
        self._connection, self._told, self._reads = CountingConnection(port), told, reads
        self._script = SCRIPT if script else {}
        self._rng = random.Random(next(_visits))
        self.browser = WebBrowser(self._connection.fetch, "en")

    def goes(self) -> None:
        self.browser.goes("/request")
        self._weighs("screen")
        for answer in ANSWERS:
            self._presses("answer", answer)
        self._presses("place", PLACE)
        self._presses("answer", "upset")
        self._presses("words", "")

    def ends(self) -> None:
        self._connection.close()

    def _presses(self, name: str, value: str) -> None:
        page = self.browser.page
        if self._reads[1]:
            time.sleep(self._rng.uniform(*self._reads))
        button = page.button(name, value) if name == "answer" else page.form(name)
        if button is None or self.browser.status != 200:
            self._told.wrong += 1
            return
        begun = time.perf_counter()
        filled = {} if name == "answer" else {name: value}
        there = self.browser.posts(button, filled | self._script)
        if there:
            self._weighs("303")
            self.browser.goes(there)
        ended = time.perf_counter()
        self._told.turns.append(ended - begun)
        self._weighs("screen")
        self._told.wrong += self.browser.status != 200 or not (there or self._script)

    def _weighs(self, kind: str) -> None:
        self._told.sizes.setdefault(kind, []).append(self._connection.size)

    def weighs_first_load(self) -> None:
        """Bytes of the first screen with all that a browser without a cache fetches for it; only
        the page and its style sheets block rendering."""
        page = self.browser.goes("/request")
        self._told.wrong += self.browser.status != 200
        sizes = {"page": self._connection.size}
        for address in dict.fromkeys(page.loads):
            fetched = self._connection.fetch("GET", unescape(address), b"", {})
            self._told.wrong += fetched.status != 200
            sizes[address] = self._connection.size
        sheets = [size for address, size in sizes.items() if ".css" in address]
        self._told.sizes["first load"] = [sum(sizes.values())]
        self._told.sizes["blocking"] = [sizes["page"] + sum(sheets)]

    def weighs_refresh(self) -> None:
        """Bytes of the status page's poll when nothing has changed."""
        html = self.browser.page.html
        found = re.search(r'data-poll="([^"]+)" data-v="([^"]+)"', html)
        if found is None:
            self._told.wrong += 1
            return
        path = unescape(found[1] + found[2])
        page: Page = self.browser.goes(path)
        self._told.wrong += self.browser.status != 200 or "html" in page.html
        self._weighs("refresh")


def screens(
    port: int, residents: int, each: int, server: int,
    reads: tuple[float, float] = (0.0, 0.0), script: bool = True,
) -> Screens:  # fmt: skip
    """`residents` at once, each `each` requests one after the other. Unless they read, one request
    of each comes first and is not counted."""
    done, lock = Screens(), threading.Lock()
    warm, gate = threading.Barrier(residents + 1), threading.Barrier(residents + 1)
    first = 1 if reads[1] else 0

    def resident() -> None:
        mine = Screens()
        for one in range(first, each + 1):
            if one == 1:
                warm.wait()
                mine = Screens()
                gate.wait()
            visitor = Visitor(port, mine, reads, script)
            visitor.goes()
            if one == each:
                visitor.weighs_refresh()
            visitor.ends()
        with lock:
            done.turns += mine.turns
            done.wrong += mine.wrong
            for kind, sizes in mine.sizes.items():
                done.sizes.setdefault(kind, []).extend(sizes)

    threads = [threading.Thread(target=resident) for _ in range(residents)]
    done.seconds, done.cpu = timed(threads, warm, gate, server)
    return done


def bench(residents: int = 32, each: int = 6, rounds: int = 3, database_url: str = "") -> None:
    """Run it and print both side by side. `database_url`: an empty PostgreSQL database; default
    SQLite."""
    texts: list[Round] = []
    web: dict[bool, list[Screens]] = {True: [], False: []}  # with the script, and without
    with serving(database_url, read_page=0) as (port, token, server):
        for one in range(rounds):
            for kind in ("text", True, False) if one % 2 == 0 else (False, True, "text"):
                if kind == "text":
                    texts.append(play(port, token, residents, each, server))
                else:
                    script = bool(kind)
                    web[script].append(screens(port, residents, each, server, script=script))
            for name, rounds_of in _kinds(texts, web):
                print(f"round {one + 1} {name:20} {_line(rounds_of[-1])}", flush=True)
        first = Screens()
        Visitor(port, first).weighs_first_load()
        read = screens(port, residents, 1, server, READS)
    print()
    _table(texts, web, residents, "PostgreSQL" if database_url else "SQLite")
    print(
        f"a screen, {residents} residents who read {READS[0]:g} to {READS[1]:g} s: p50 "
        f"{read.at(0.5):.1f}  p95 {read.at(0.95):.1f}  p99 {read.at(0.99):.1f} ms"
    )
    _weights([*web[True], *web[False]], first)
    if any(one.wrong for one in (*texts, *web[True], *web[False], first, read)):
        print("Some answers were wrong: the figures do not count.")


def _line(done: Round) -> str:
    return (
        f"{done.rate:6.0f} a second  p50 {done.at(0.5):5.1f}  p95 {done.at(0.95):5.1f}  "
        f"p99 {done.at(0.99):5.1f} ms  CPU {_cpu(done):4.2f} ms"
        + (f"  WRONG {done.wrong}" if done.wrong else "")
    )


def _cpu(done: Round) -> float:
    """Processor milliseconds for one turn or screen."""
    return done.cpu / len(done.turns) * 1000


def _kinds(texts: list[Round], web: dict[bool, list[Screens]]) -> list[tuple[str, Sequence[Round]]]:
    return [
        ("a text", texts),
        ("a screen", web[True]),
        ("a screen, no script", web[False]),
    ]


def _table(texts: list[Round], web: dict[bool, list[Screens]], residents: int, where: str) -> None:
    load = os.getloadavg()[0]
    print(
        f"{residents} at once, {where}, medians of {len(texts)} rounds; load {load:.1f} at the end"
    )
    for name, rounds in _kinds(texts, web):
        p50, p95, p99 = (
            statistics.median(one.at(share) for one in rounds) for share in (0.5, 0.95, 0.99)
        )
        cpu = statistics.median(map(_cpu, rounds))
        print(f"{name:20} p50 {p50:5.1f}  p95 {p95:5.1f}  p99 {p99:5.1f} ms  CPU {cpu:4.2f} ms")
    for script, name in ((True, "a screen"), (False, "a screen, no script")):
        ratios = [_cpu(one) / _cpu(other) for one, other in zip(web[script], texts, strict=True)]
        verdict = "reached" if statistics.median(ratios) <= CPU_AIM else "aim missed"
        print(
            f"{name}, of a text: CPU {statistics.median(ratios):.2f} ({min(ratios):.2f} to "
            f"{max(ratios):.2f}; aim {CPU_AIM:g}, {verdict})"
        )


def _weights(web: list[Screens], first: Screens) -> None:
    """The largest response of each kind on the wire, with its target."""
    sizes: dict[str, list[int]] = dict(first.sizes)
    for one in web:
        for kind, found in one.sizes.items():
            sizes.setdefault(kind, []).extend(found)
    for kind, found in sizes.items():
        aim, middle = WEIGHTS.get(kind), statistics.median(found)
        told = (
            ""
            if aim is None
            else f" (aim {aim}, {'reached' if max(found) <= aim else 'missed'})"
            if aim
            else ""
        )
        print(f"{kind:10} median {middle:5.0f}, largest {max(found)} bytes{told}")
