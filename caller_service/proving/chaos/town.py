"""The town around the service: residents, staff, dispatch and injected faults. Records each text
sent and each response received."""

from __future__ import annotations

import contextlib
import http.client
import random
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.pool import NullPool
from twilio.request_validator import RequestValidator

from caller_service.proving.surroundings import STALLS, stalled
from caller_service.rehearsal import dispatcher as say
from caller_service.rehearsal.board import ANSWER_FAULTS, Board, Held
from caller_service.rehearsal.call_engine import CallEngine
from caller_service.rehearsal.calling import Call
from caller_service.rehearsal.carrier import Carrier
from caller_service.rehearsal.carrier_state import Exchange
from caller_service.rehearsal.dispatcher import Dispatcher
from caller_service.rehearsal.twilio_wire import Answered, NotTwiml, read_twiml

from .callers import CALL_ME, Callers
from .service import Service
from .visitors import Visitors

CORNER = "Main St & 3rd Ave"
CONVERSATIONS = (
    (
        "my brother is seeing things and shouting",
        "3",
        "2",
        "2",
        "2",
        "3",
        "1",
        CORNER,
        "2",
        "2",
        "1",
    ),
    ("hola necesito ayuda", "1", "2", "2", "2", "1", "1", CORNER, "7", "1", "2"),
    ("my sister took too many pills", "1", "1", CORNER, "3"),
    ("hola mi hermano tomo demasiadas pastillas", "1", "1", CORNER, "3"),
)
FOLLOWING = {  # the next status that dispatch reports, by the current one
    "new": say.accept("Maria"), "accepted": say.status("Maria", "assigned"),
    "assigned": say.status("Maria", "en_route"), "en_route": say.status("Maria", "arrived"),
    "arrived": say.status("Maria", "closed", "safe"),
}  # fmt: skip
KEYS = {"took it": "1", "passed it on": "2"}
ON_THE_PHONE = (
    "took it",
    "took it",
    "passed it on",
    "said nothing",
    "voicemail",
    "declined",
    "not heard",
)
LONG = 60  # seconds
STALLED = 40  # concurrent clients: more than there are threads
CUT = 0.1  # of the requests are cut off
AWAY = "times that the database was away"
CUT_ALL = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
MORE = 120.0  # extra seconds on a busy machine
Answer = tuple[tuple[str, str], ...]  # of each message: its words, and where its receipts go


@dataclass
class Sent:
    """One text that was sent, and each complete response."""

    sid: str
    number: str = field(repr=False)
    words: str = field(repr=False)
    answers: list[Answer] = field(default_factory=list, repr=False)


def _stands(held: Held) -> str:
    """The status of a hand-off as dispatch sees it: somebody may have taken it by text or by
    phone."""
    return "accepted" if held.stage == "new" and held.word("status") == "accepted" else held.stage


def _of_number(board: Board, number: str) -> Held | None:
    """The hand-off of somebody who may be called."""
    for held in board.all():
        contact = held.packet.get("contact")
        if isinstance(contact, dict) and contact.get("number") == number and contact.get("call"):
            return held
    return None


class Unreliable:
    """Counts what a stand-in refuses, and sometimes answers 500 to something it has accepted."""

    def __init__(self, app: Flask, name: str, counts: Counter[str], rng: random.Random) -> None:
        self.lies = 0.0
        self._inner, self._name, self._counts, self._rng = app.wsgi_app, name, counts, rng
        app.wsgi_app = self  # type: ignore[method-assign]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        lie = environ["REQUEST_METHOD"] == "POST" and self._rng.random() < self.lies

        def told(status: str, *rest: Any) -> Any:
            failed = status[0] in "45"
            if failed or lie:
                self._counts[
                    f"{self._name} failed" if failed else f"{self._name} took it and said 500"
                ] += 1
            return start_response(
                status if failed or not lie else "500 INTERNAL SERVER ERROR", *rest
            )

        return self._inner(environ, told)


class Town:
    """Residents, staff, dispatch and faults, around one running service."""

    def __init__(
        self,
        service: Service,
        twilio: Flask,
        cad: Flask,
        partner: Flask,
        auth_token: str,
        seconds: float,
        seed: int,
        ours: str,
        staff: str,
        keys: tuple[Mapping[str, str], ...],
        postgresql: str = "",
    ) -> None:
        """`keys`: the environment after each step of a rotation, each for all processes.
        `postgresql`: the database's address, if it is one that can be away."""
        self._keys, self._postgresql = deque(keys), postgresql
        self.service, self.seconds, self.seed, self._ours, self._staff = (
            service,
            seconds,
            seed,
            ours,
            staff,
        )
        self.counts: Counter[str] = Counter()
        self.sent: list[Sent] = []
        self.over = threading.Event()
        self.exchange: Exchange = twilio.extensions["exchange"]
        self.boards: dict[str, Board] = {
            "dispatch": cad.extensions["board"],
            "the partner": partner.extensions["board"],
        }
        for board in self.boards.values():
            board.deliveries = deque()  # unbounded: false responses are looked up at the end
        self.calling: CallEngine = twilio.extensions["calling"]
        self._line: Carrier = twilio.extensions["line"]
        self._dispatcher: Dispatcher = cad.extensions["dispatcher"]
        self.callers = Callers(
            self.calling, self.boards["dispatch"], self._dispatcher, self.counts, self.over
        )
        self.visitors = Visitors(service.port, self.counts, self.over)
        self._phones_of_staff = frozenset(twilio.extensions["twilio_settings"].names)
        self._asleep = threading.Event()  # set while nobody answers a ringing phone
        self._answering = threading.Thread(target=self._phones, daemon=True)
        around = {"Twilio": twilio, "dispatch": cad, "the partner": partner}
        self._errands = tuple(app.extensions["errands"] for app in around.values())
        self._unreliable = [
            Unreliable(app, name, self.counts, self._chance(name)) for name, app in around.items()
        ]
        self._signer = RequestValidator(auth_token)
        # A long run goes at a pace that two cores can sustain between two kills; otherwise it would
        # only measure their speed.
        self._slower = 5.0 if seconds >= LONG else 1.0

    def _chance(self, name: str) -> random.Random:
        return random.Random(f"{self.seed} {name}")

    def live(self, residents: int) -> None:
        """Run everything until the time is over or, on a busy machine, until each kind of fault has
        happened; then stop injecting faults."""
        self._answering.start()
        some = max(1, residents // 3)
        with ThreadPoolExecutor(residents + 2 * some + 6) as pool:
            running = [pool.submit(self._resident, place) for place in range(residents)]
            running += [
                pool.submit(self.callers.live, place, self._chance(f"caller {place}"), self._slower)
                for place in range(some)
            ]
            running += [
                pool.submit(
                    self.visitors.live, place, self._chance(f"visitor {place}"), self._slower
                )
                for place in range(some)
            ]
            running.append(pool.submit(self.callers.promises, self._chance("promises")))
            running += [
                pool.submit(part)
                for part in (
                    self._dispatch,
                    self._killer,
                    self._trouble,
                    self._database,
                    self._stalled_clients,
                )
            ]
            self.over.wait(self.seconds)
            latest = time.monotonic() + MORE
            while not self._troubled() and time.monotonic() < latest:
                self.over.wait(0.1)
            self.over.set()
            for one in running:
                one.result()
        self.exchange.switch({"reset": True})
        for board in self.boards.values():
            board.switch({"answer": "", "when": "all"})
        for stand_in in self._unreliable:
            stand_in.lies = 0.0

    def _troubled(self) -> bool:
        """Was each process killed, was a request cut off, was the database unavailable?"""
        kills = (f"kills of {name}" for name in self.service.names)
        away = (AWAY,) if self._postgresql else ()
        died = ("requests died in the middle", "posts on the web died in the middle")
        wanted = (*died, *kills, *away)
        return not self._keys and all(self.counts[kind] for kind in wanted)

    def _resident(self, place: int) -> None:
        """One conversation after the other, each from a new phone. Without a response they wait a
        moment and send the text again."""
        rng = self._chance(f"resident {place}")
        for conversation in range(1000):
            number = f"+1720{5551000 + place * 1000 + conversation}"
            for words in rng.choice(CONVERSATIONS):
                while not self.over.wait(rng.uniform(0.02, 0.2) * self._slower) and not self.texts(
                    number, words, rng
                ):
                    self.over.wait(rng.uniform(0.2, 1.0))
                if self.over.is_set():
                    return
            self.counts["whole conversations"] += 1

    def texts(self, number: str, words: str, rng: random.Random) -> bool:
        """Send a text like Twilio, with a second attempt after a failure. True if there was a
        response."""
        one = Sent(
            self.exchange.text("inbound", number, self._ours, words, "received").sid, number, words
        )
        self.sent.append(one)
        return any(self.post(one, rng) for _ in range(2))

    def post(self, one: Sent, rng: random.Random | None = None) -> bool:
        """One request of the webhook. `rng`: it may be cut off, half sent or unread."""
        url = f"http://127.0.0.1:{self.service.port}/twilio/sms"
        fields = {"MessageSid": one.sid, "From": one.number, "To": self._ours, "Body": one.words}
        body = urlencode(fields).encode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body)),
            "X-Twilio-Signature": self._signer.compute_signature(url, fields),
        }  # fmt: skip
        dies = rng is not None and rng.random() < CUT
        conn = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=15)
        with (
            contextlib.suppress(OSError, http.client.HTTPException, NotTwiml),
            contextlib.closing(conn),
        ):
            conn.request(
                "POST",
                "/twilio/sms",
                body[: len(body) // 2] if dies and rng and rng.random() < 0.3 else body,
                headers,
            )
            if dies and rng:
                self.counts["requests died in the middle"] += 1
                time.sleep(rng.uniform(0, 0.03))
                return False
            answer = conn.getresponse()
            read = read_twiml(
                Answered(answer.status, answer.headers.get("Content-Type", ""), answer.read())
            )
            if answer.status == 200 and all(reply.callback for reply in read):
                self._hear(one, tuple((reply.words, reply.callback) for reply in read))
                return True
            self.counts["heard only the words that stand in for an answer"] += 1
        return False

    def _hear(self, one: Sent, answer: Answer) -> None:
        if not one.answers:
            self.counts["answered late" if self.over.is_set() else "answered at first"] += 1
            for words, callback in answer:
                self._line.move(
                    self.exchange.text(
                        "outbound-reply", self._ours, one.number, words, "queued", callback=callback
                    )
                )
        one.answers.append(answer)

    def _dispatch(self) -> None:
        """Most hand-offs are accepted, by dispatch or by a text from the person who was paged, and
        taken to their end; one in eight is left waiting (in a short run every second one, or few
        would be paged again)."""
        rng, board = self._chance("dispatch"), self.boards["dispatch"]
        timed: set[str] = set()
        left = 8 if self.seconds >= 20 else 2
        while not self.over.wait(rng.uniform(0.02, 0.1)):
            mine = [
                held
                for held in board.all()
                if int(held.hand_off_id[-1], 16) % left and _stands(held) in FOLLOWING
            ]
            if mine:
                held = rng.choice(mine)
                if _stands(held) == "new" and held.needs_human and rng.random() < 0.5:
                    # Give a time only once: the same time given again minutes later would be
                    # another promise.
                    more = rng.choice(
                        ("", " no") if held.hand_off_id in timed else ("", " no", " 20")
                    )
                    timed.add(held.hand_off_id)
                    self.counts["pages answered by text"] += self.texts(
                        self._staff, held.word("reference") + more, rng
                    )
                else:
                    self.counts["moves of dispatch"] += self._dispatcher.tell(
                        held, FOLLOWING[_stands(held)]
                    ).fine

    def _phones(self) -> None:
        """Answer a ringing phone: they take the case, pass it on or say nothing. Or voicemail
        answers, they decline, or nobody answers."""
        rng = self._chance("phones")
        met: set[str] = set()
        while not self._asleep.wait(rng.uniform(0.05, 0.3)):
            self.callers.staff_hang_up(self._phones_of_staff, rng)
            for call in self.calling.calls():
                if call.direction != "inbound" and call.status == "ringing" and call.sid not in met:
                    met.add(call.sid)
                    self._pick_up(call, rng.choice(ON_THE_PHONE))

    def _pick_up(self, call: Call, does: str) -> None:
        self.counts[f"calls: {does}"] += 1
        if does == "declined":
            self.calling.end(call, "busy", "queued", "initiated", "ringing")
        elif does != "not heard":
            self.calling.answer(call, machine=does == "voicemail")
            if does in KEYS:
                self.calling.press(call, KEYS[does])

    def _turn_keys(self) -> None:
        """The next step of a key rotation: every process is restarted with it, so that none without
        a key runs beside one that writes with it."""
        self.service.set(self._keys.popleft())
        for name in self.service.names:
            self.service.kill(name)
        for name in self.service.names:
            self.service.start(name)
        self.counts["steps of a key rotation"] += 1

    def _killer(self) -> None:
        """Kill each process once, then random ones until the time is over. With two workers, one of
        them is killed for good halfway. In between the keys are rotated."""
        rng, begun = self._chance("killer"), time.monotonic()
        turns = [begun + self.seconds * at / 4 for at in range(1, len(self._keys) + 1)]
        half, over = begun + self.seconds / 2, begun + self.seconds
        first = rng.sample(self.service.names, len(self.service.names))
        while not self.over.wait(rng.uniform(0.5, 2.0 * self._slower)):
            if turns and time.monotonic() > turns[0]:
                turns.pop(0)
                self._turn_keys()
                continue
            if time.monotonic() > over and not first:
                continue  # or on a busy machine nothing would ever be up
            if len(self.service.names) > 2 and time.monotonic() > half:
                self.service.kill(gone := self.service.names.pop(1))
                self.counts[f"killed for good: {gone}"] += 1
                first = [name for name in first if name != gone]
            name = first.pop() if first else rng.choice(self.service.names)
            self.service.kill(name)
            self.counts[f"kills of {name}"] += 1
            self.over.wait(rng.uniform(0.0, 0.4))
            self.service.start(name)

    def _database(self) -> None:
        """Make the database unavailable: cut every connection to PostgreSQL for up to two
        seconds."""
        if not self._postgresql:
            return
        rng = self._chance("database")
        engine = sa.create_engine(
            self._postgresql, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as conn:
            while not self.over.wait(rng.uniform(1.0, 3.0 * self._slower)):
                self.counts[AWAY] += 1
                back = time.monotonic() + rng.uniform(0.1, 2.0)
                while time.monotonic() < back:
                    conn.execute(CUT_ALL)
                    time.sleep(0.02)

    def _trouble(self) -> None:
        """Change what fails about twice a second."""
        rng = self._chance("trouble")
        flags = (
            "undelivered",
            "receipts_late",
            "receipts_twice",
            "receipts_disordered",
            "receipts_missing",
        )
        while not self.over.wait(rng.uniform(0.2, 0.7)):
            for board in self.boards.values():
                board.switch(
                    {
                        "answer": rng.choice(("", "", "", "", *ANSWER_FAULTS[1:])),
                        "when": "all",
                    }
                )
            send = rng.choice(("", "", "429", "500", "hang"))
            self.exchange.switch(
                {"send": send, "send_when": "all"} | {name: rng.random() < 0.3 for name in flags}
            )
            for stand_in in self._unreliable:
                stand_in.lies = rng.choice((0.0, 0.3))
            self.counts["changes of what fails"] += 1

    def _stalled_clients(self) -> None:
        """Clients that connect and send nothing, or half a request, or a byte now and then: none of
        them may cost anybody else a response."""
        rng = self._chance("stalled clients")
        held: deque[socket.socket] = deque()
        while not self.over.wait(rng.uniform(0.02, 0.1)):
            if (client := stalled(self.service.port, rng.choice(STALLS))) is not None:
                held.append(client)
                self.counts["clients that stalled"] += 1
            for client in held:
                with contextlib.suppress(OSError):
                    client.sendall(rng.choice((b"", b"x")))
            if len(held) > STALLED:
                held.popleft().close()
        for client in held:
            client.close()

    def promise(self, many: int) -> None:
        """Some people in danger say that they may be called, and dispatch promises it. Half of
        Twilio's callbacks about those calls are lost, the rest come twice and late."""
        rng, board = self._chance("promised"), self.boards["dispatch"]
        for place in range(many):
            number = f"+1720{5559000 + place}"
            for words in ("my sister took too many pills", "1", "1"):
                until = time.monotonic() + MORE
                while not self.texts(number, words, rng) and time.monotonic() < until:
                    time.sleep(rng.uniform(0.2, 1.0))
            until = time.monotonic() + MORE
            while (held := _of_number(board, number)) is None and time.monotonic() < until:
                time.sleep(0.1)
            if held is not None:
                answer = self._dispatcher.tell(held, CALL_ME)
                self.counts["calls promised"] += answer.fine
        self.exchange.switch(
            {"receipts_missing": rng.random() < 0.5, "receipts_twice": True, "receipts_late": True}
        )

    def kill_workers(self, times: int, pass_time: Callable[[], None]) -> None:
        """Kill a worker this many times during promised calls, each time a little later; people in
        a queue must not notice."""
        rng = self._chance("workers")
        for _ in range(times):
            pass_time()
            time.sleep(rng.uniform(0.1, 2.0))
            name = rng.choice([name for name in self.service.names if name != "web"])
            self.service.kill(name)
            self.counts["kills of workers while calls were promised"] += 1
            self.service.until_up()
        self.exchange.switch({"reset": True})

    def catch_up(self) -> None:
        """Send unanswered texts again, in any order and several at once; then every text once more,
        to compare its response."""
        self.visitors.catch_up()
        waiting = [one for one in self.sent if not one.answers]
        self.counts["kept for later"] = len(waiting)
        self._chance("late").shuffle(waiting)
        with ThreadPoolExecutor(6) as pool:
            for texts in (waiting, self.sent):
                list(pool.map(lambda one: self.post(one) or self.post(one), texts))

    def settled(self) -> None:
        self._asleep.set()
        self._answering.join()
        for errands in self._errands:
            errands.settled(10)
