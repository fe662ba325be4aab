"""A phone in somebody's hand: what a test, the chaos run or a terminal plays a call with.

    >>> me = Handset(engine, "+17205550123")
    >>> me.dials().listens().press("1").listens().hears("Are you badly hurt")
    >>> maria = Handset(engine, "+17205550177")
    >>> maria.rings().answers().listens().press("1").joined("Resident")
    >>> maria.speaks("This is Maria.").hangs_up()
    >>> print(me.transcript())

With a VirtualTime nothing sleeps: what waits for something lets the time pass that it takes, and no
more. Each step fails with an AssertionError that holds the whole call, and as soon as the program
has answered with something that Twilio cannot carry out.
"""

from collections.abc import Callable
from typing import Self

from .call_engine import CallEngine, Refusal
from .calling import Call, Line

LONG = 600.0  # seconds in which anything that is caused happens


class Handset:
    """One phone. Every act returns the handset, so that a call reads as a line."""

    def __init__(self, engine: CallEngine, number: str, *, refusals_allowed: bool = False) -> None:
        self.engine = engine
        self.number = number
        self._call: Call | None = None
        self._refusals_allowed = refusals_allowed
        self._known_refusals = len(engine.refusals)

    # ---- what the person does --------------------------------------------------------------------
    def dials(self, to: str = "", withheld: str | None = None) -> Self:
        """Dial the program; `withheld` stands in From instead of the number (WITHHELD)."""
        self._call = self.engine.dial(self.number, to, withheld)
        return self._done()

    def rings(self, seconds: float = LONG) -> Self:
        """Wait until this phone is rung."""

        def rung() -> bool:
            call = self.engine.latest(self.number)
            if call is not None and call.status == "ringing" and call.direction != "inbound":
                self._call = call
                return True
            return False

        return self.until(rung, "it rings", seconds)

    def answers(self, by: str = "human") -> Self:
        """Pick up; `by` is what Twilio takes whoever answers for (AnsweredBy)."""
        self.engine.answer(self.call, by=by)
        return self._done()

    def lets_voicemail_answer(self) -> Self:
        self.engine.answer(self.call, machine=True)
        return self._done()

    def declines(self) -> Self:
        self.engine.end(self.call, "busy", "queued", "initiated", "ringing")
        return self._done()

    def press(self, keys: str) -> Self:
        """Press keys, without a pause between them."""
        self.engine.press(self.call, keys)
        return self._done()

    def speaks(self, words: str, confidence: float = 0.9) -> Self:
        self.engine.speak(self.call, words, confidence)
        return self._done()

    def says_nothing(self, seconds: float = LONG) -> Self:
        """Be silent until the program has noticed and listens again, joins or ends the call."""
        if self.call.listening:
            before = self._listened()
            self.until(lambda: self._listened() > before or self.over, "it listens again", seconds)
            return self
        return self.listens(seconds)

    def waits(self, seconds: float) -> Self:
        """Let time pass."""
        self.engine.time.run(seconds)
        return self._done()

    def hangs_up(self) -> Self:
        self.engine.hang_up(self.call)
        return self._done()

    def does(self, habit: str) -> Self:
        """What this phone does by itself when it is rung: "busy", "voicemail", "answers"; "" lets
        it ring."""
        self.engine.habits[self.number] = habit
        return self

    # ---- what happens ----------------------------------------------------------------------------
    def listens(self, seconds: float = LONG) -> Self:
        """Wait until everything is said and a key or a voice is waited for."""
        return self.until(lambda: self.call.quiet or self.over, "it listens", seconds)

    def is_saying(self, words: str, seconds: float = LONG) -> Self:
        """Wait until these words are begun."""
        return self.until(lambda: words in self.call.words, f"it says {words!r}", seconds)

    def joined(self, name: str = "", seconds: float = LONG) -> Self:
        """Wait until this phone is joined with another, of this name if one is given."""
        return self.until(
            lambda: bool(self.call.joined) and name in ("", self.call.joined), "joined", seconds
        )

    def parted(self, seconds: float = LONG) -> Self:
        """Wait until nobody is at the other end any more."""
        return self.until(lambda: not self.call.joined, "parted", seconds)

    def ends(self, status: str = "completed", seconds: float = LONG) -> Self:
        """Wait until the call is over, in this state."""
        self.until(lambda: self.over, "the call ends", seconds)
        assert self.call.status == status, self._told(f"it ended {self.call.status}")
        return self

    def hears(self, words: str) -> Self:
        """These words were said to this phone in this call, whole or in part."""
        assert words in " ".join(self.said), self._told(f"{words!r} was not said")
        return self

    def never_hears(self, words: str) -> Self:
        assert words not in " ".join(self.said), self._told(f"{words!r} was said")
        return self

    def until(self, look: Callable[[], bool], what: str, seconds: float = LONG) -> Self:
        """Wait for anything else."""

        def seen() -> bool:
            return look() or bool(self._refused())

        assert self.engine.time.until(seen, seconds), self._told(
            f"not within {seconds:g} s: {what}"
        )
        return self._done(run=False)

    # ---- what there is ---------------------------------------------------------------------------
    @property
    def call(self) -> Call:
        """The call of this phone: the one it dialed or answered, else its latest."""
        call = self._call or self.engine.latest(self.number)
        assert call is not None, "this phone has no call"
        return call

    @property
    def over(self) -> bool:
        return not self.call.live

    @property
    def lines(self) -> list[Line]:
        """Everything so far, oldest first."""
        return list(self.call.lines)

    @property
    def said(self) -> list[str]:
        """What the program said, sentence by sentence."""
        return [line.words for line in self.call.lines if line.kind == "says"]

    def since_last_key(self) -> list[str]:
        """What the program has said since a key was pressed or words were spoken."""
        said: list[str] = []
        for line in self.call.lines:
            if line.kind in ("presses", "speaks"):
                said = []
            elif line.kind == "says":
                said.append(line.words)
        return said

    def transcript(self) -> str:
        """The call as a person can read it."""
        return "\n".join(str(line) for line in self.call.lines)

    # ---- small things ----------------------------------------------------------------------------
    def _listened(self) -> int:
        return sum(line.kind == "listens" for line in self.call.lines)

    def _refused(self) -> list[Refusal]:
        return [] if self._refusals_allowed else list(self.engine.refusals)[self._known_refusals :]

    def _done(self, run: bool = True) -> Self:
        if run:
            self.engine.time.run()
        refused = self._refused()
        assert not refused, self._told("; ".join(f"{one.path}: {one.why}" for one in refused))
        return self

    def _told(self, wrong: str) -> str:
        call = self._call or self.engine.latest(self.number)
        return wrong if call is None else f"{wrong}\n{call.status}\n{self.transcript()}"
