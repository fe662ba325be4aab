"""The callers: they dial, press keys, are silent, hang up in the middle or stay on the line; and
they are promised calls, which they answer, decline, miss or leave to voicemail."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from caller_service.core.outbound import CallbackState
from caller_service.rehearsal.board import Board
from caller_service.rehearsal.call_engine import CallEngine
from caller_service.rehearsal.call_web import Web
from caller_service.rehearsal.calling import Call
from caller_service.rehearsal.dispatcher import Dispatcher, Move
from caller_service.rehearsal.twilio_wire import Answered
from caller_service.rehearsal.twiml_rules import WITHHELD
from caller_service.store import calls
from caller_service.store.tables import call, callback, leg, talk

KEYS = ("1", "1", "2", "2", "0", "3", "*", "#", "9", "4", "5", "6", "12", "")
STEPS = 12  # actions of one caller, at most
SAME_KEY = 1.6  # seconds: the same key again sooner counts as one press
STAY = 20.0  # seconds within which somebody who asks for a person must be waiting for one
LONG_TALK = timedelta(seconds=30)
CALL_ME = Move("a call promised", "callbacks", {"by": "Maria", "in_minutes": 1})


class Listening:
    """The connection to the service; records the calls to which the service itself has sent a
    document."""

    def __init__(self, inner: Web) -> None:
        self._inner = inner
        self.known: set[str] = set()  # SIDs

    def post(self, url: str, fields: dict[str, str], token: str) -> Answered:
        answered = self._inner.post(url, fields, token)
        if answered.fine and b"leg=" in answered.body:
            self.known.add(fields["CallSid"])
        return answered

    def get(self, url: str) -> Answered:
        return self._inner.get(url)


@dataclass(frozen=True, slots=True)
class Stands:
    """The state of a call after the faults had ended."""

    sid: str
    live: bool
    hung_up: bool  # by the caller
    with_somebody: bool  # joined, or in a queue
    fault: str
    said: tuple[str, ...] = field(repr=False)


class Callers:
    """The people who call, and those who are called back."""

    def __init__(
        self,
        calling: CallEngine,
        board: Board,
        dispatcher: Dispatcher,
        counts: Counter[str],
        over: threading.Event,
    ) -> None:
        self.calling, self._board, self._dispatcher = calling, board, dispatcher
        self._counts, self._over = counts, over
        self.web = calling.web = Listening(calling.web)
        self.hung_up: set[str] = set()  # SIDs of calls that their caller ended
        self._staying: list[Call] = []

    # ---- during the faults -----------------------------------------------------------------------
    def live(self, place: int, rng: random.Random, slower: float) -> None:
        """Make one call after the other, each from a new phone; one number in four is withheld."""
        for one in range(1000):
            if self._over.is_set():
                return
            withheld = rng.choice(WITHHELD) if rng.random() < 0.25 else None
            made = self.calling.dial(f"+1720{5561000 + place * 1000 + one}", withheld=withheld)
            self._counts["callers"] += 1
            for _ in range(rng.randrange(STEPS)):
                if self._over.wait(rng.uniform(0.05, 0.6) * slower) or not made.live:
                    break
                self.calling.press(made, rng.choice(KEYS))
                if rng.random() < 0.2 and made.asked is not None:
                    self.calling.repeat(made)
                    self._counts["webhooks of calls repeated"] += 1
            self.hangs_up(made)
            if rng.random() < 0.3 and made.asked is not None:
                self.calling.repeat(made)  # after the end

    def hangs_up(self, made: Call) -> None:
        if made.live:
            self.hung_up.add(made.sid)
            self.calling.hang_up(made)
            self._counts["callers hung up"] += 1

    def promises(self, rng: random.Random) -> None:
        """Dispatch promises calls, sometimes to somebody who may not be called."""
        while not self._over.wait(rng.uniform(0.2, 0.8)):
            open_ones = [held for held in self._board.all() if held.word("status") != "closed"]
            if open_ones:
                answer = self._dispatcher.tell(rng.choice(open_ones), CALL_ME)
                self._counts["calls promised in the trouble"] += answer.fine

    def staff_hang_up(self, numbers: Collection[str], rng: random.Random) -> None:
        """Staff who are talking hang up at some time."""
        for made in self.calling.calls():
            if made.phone in numbers and made.joined and rng.random() < 0.15:
                self._counts["talks"] += 1
                self.calling.hang_up(made)

    # ---- after the faults ------------------------------------------------------------------------
    def stay(self, many: int) -> None:
        """Some people call, ask for a person, and stay on the line."""
        for place in range(many):
            made = self.calling.dial(f"+1720{5569000 + place}")
            self._staying.append(made)
            self._counts["callers"] += 1
            self.calling.time.until(lambda made=made: made.quiet or not made.live, 600)  # type: ignore[misc]
            self.calling.press(made, "0")

    def waits(self) -> bool:
        """Is everybody who stayed waiting for a person, or talking with one?"""
        return all(bool(made.waits_in or made.joined) for made in self._staying)

    def stand(self) -> list[Stands]:
        """The state of every inbound call."""
        return [
            Stands(
                made.sid,
                made.live,
                made.sid in self.hung_up,
                bool(made.waits_in or made.joined),
                made.fault,
                tuple(line.words for line in made.lines if line.kind == "says"),
            )
            for made in self.calling.calls()
            if made.direction == "inbound"
        ]

    def rung(self) -> list[str]:
        """The ids of the calls that rang a resident for a promise, one for each ring."""
        return [
            made.url.partition("id=")[2]
            for made in self.calling.calls()
            if "/twilio/voice/callback?" in made.url
        ]

    def end(self) -> None:
        """Everybody hangs up."""
        for made in self.calling.calls():
            if made.direction == "inbound":
                self.hangs_up(made)


def hurry(engine: sa.Engine) -> None:
    """Let time pass for calls alone: promised calls become due, silent calls are checked, and half
    of the talks count as long."""
    now = datetime.now(UTC)
    with engine.connect() as conn, conn.begin():
        waits = (callback.c.state == CallbackState.WAITING, callback.c.next_at > now)
        conn.execute(sa.update(callback).where(*waits).values(next_at=now))
        silent = (call.c.provider_id.is_not(None), call.c.rank < calls.ENDED, call.c.next_at > now)
        conn.execute(sa.update(call).where(*silent).values(next_at=now))
        open_legs = (leg.c.ended_at.is_(None), leg.c.next_at > now)
        conn.execute(sa.update(leg).where(*open_legs).values(next_at=now))
        young = sa.select(talk.c.id, talk.c.at).where(
            talk.c.ended_at.is_(None), talk.c.at > now - LONG_TALK
        )
        for row in conn.execute(young).all():
            if row.id[-1] in "01234567":
                at = row.at - LONG_TALK
                conn.execute(sa.update(talk).where(talk.c.id == row.id).values(at=at))


def settled(engine: sa.Engine) -> bool:
    """Has every promised call ended?"""
    live = (CallbackState.WAITING, CallbackState.RINGING)
    with engine.connect() as conn:
        query = sa.select(callback.c.id).where(callback.c.state.in_(live)).limit(1)
        return conn.execute(query).first() is None


def all_over(engine: sa.Engine) -> bool:
    """Does the service know that every call has ended?"""
    with engine.connect() as conn:
        query = sa.select(leg.c.id).where(leg.c.ended_at.is_(None)).limit(1)
        return conn.execute(query).first() is None
