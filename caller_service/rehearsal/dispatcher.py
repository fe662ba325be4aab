"""The dispatcher of the stand-in CAD: what a person, or the automatic one, sends to the service's
API."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

import requests

from .background import Errands
from .board import Answer, Board, Held

AUTOMATIC = "Automatic dispatcher"
TIMEOUT = (5.0, 10.0)
SHOWN_OF_AN_ANSWER = 300


@dataclass(frozen=True, slots=True)
class CadSettings:
    """Settings of the stand-in CAD; durations are in seconds, so that a test can shorten them."""

    service_url: str
    api_token: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    auto: bool = True
    pace: float = 8.0
    slow: float = 20.0


@dataclass(frozen=True, slots=True)
class Move:
    """One call to the service: its endpoint, its JSON, and the stage of the hand-off after it."""

    what: str
    endpoint: str
    words: Mapping[str, object] = field(repr=False)
    stage: str | None = None


def accept(by: str, minutes: int | None = None, at: str = "") -> Move:
    """Accept, now or with a time; the service gets the time unchanged."""
    body: dict[str, object] = {"answer": "accept", "by": by}
    what = "accepted"
    if at:
        body["at"], what = at, f"accepted for {at}"
    elif minutes is not None:
        body["in_minutes"], what = minutes, f"accepted in {minutes} minutes"
    return Move(what, "acknowledgement", body, "accepted")


def decline(by: str, reason: str) -> Move:
    return Move(
        "declined", "acknowledgement", {"answer": "decline", "by": by, "reason": reason}, "declined"
    )


def status(by: str, word: str, outcome: str = "", reason: str = "") -> Move:
    """Report where the team is; an outcome only belongs to closing."""
    body: dict[str, object] = {"status": word, "by": by}
    if word == "closed":
        body["outcome"] = outcome
    if reason:
        body["reason"] = reason
    what = word.replace("_", " ") + (
        f" ({outcome.replace('_', ' ')})" if outcome and word == "closed" else ""
    )
    return Move(what, "status", body, word)


def note(by: str, words: str) -> Move:
    return Move("note", "notes", {"by": by, "words": words})


class Dispatcher:
    """Sends decisions to the service and records its answers."""

    def __init__(self, settings: CadSettings, board: Board, errands: Errands) -> None:
        self._settings = settings
        self._board = board
        self._errands = errands
        self._automatic: set[str] = set()
        self._lock = threading.Lock()

    def tell(self, held: Held, move: Move) -> Answer:
        """Make one call to the service. Never raises, whatever the service answers."""
        code, body = self._call("POST", held.hand_off_id, move.endpoint, move.words)
        answer = Answer(
            datetime.now(UTC), move.what, str(move.words["by"]), code, _in_words(code, body)
        )
        self._board.answered(held, answer, move.stage)
        return answer

    def messages(self, held: Held) -> dict[str, object]:
        """The conversation of resident and program, or why it cannot be loaded."""
        code, body = self._call("GET", held.hand_off_id, "messages", None)
        found = body.get("messages") if isinstance(body, dict) else None
        if code == 200 and isinstance(found, list):
            return {
                "messages": [message for message in found if isinstance(message, dict)],
                "problem": "",
            }
        return {"messages": [], "problem": _in_words(code, body)}

    def _call(
        self, method: str, hand_off_id: str, endpoint: str, words: Mapping[str, object] | None
    ) -> tuple[int, object]:
        base = self._settings.service_url.rstrip("/")
        url = f"{base}/api/v1/hand-offs/{quote(hand_off_id, safe='')}/{endpoint}"
        headers = {
            "Authorization": f"Bearer {self._settings.api_token}",
            "Accept": "application/json",
        }
        with requests.Session() as session:
            # ignore the environment's proxy and .netrc on loopback
            session.trust_env = False
            try:
                answer = session.request(
                    method, url, json=words, headers=headers, timeout=TIMEOUT, allow_redirects=False
                )
            except requests.Timeout:
                return 0, "The program's server did not answer in time."
            except requests.RequestException:
                return 0, "The program's server could not be reached."
        try:
            return answer.status_code, answer.json()
        except ValueError:
            return answer.status_code, answer.text

    def begin_automatic(self) -> None:
        """Handle every untouched team hand-off, if the automatic mode is on."""
        for held in self._board.all():
            with self._lock:
                if not (self._board.auto and held.untouched) or held.hand_off_id in self._automatic:
                    continue
                self._automatic.add(held.hand_off_id)
            self._errands.run(lambda held=held: self._bring_along(held))  # type: ignore[misc]

    def _bring_along(self, held: Held) -> None:
        """Accept, assign, drive and arrive, one step per pace; a person's action, danger or a
        refusal ends it."""
        moves = [
            accept(AUTOMATIC, 20),
            *(status(AUTOMATIC, word) for word in ("assigned", "en_route", "arrived")),
        ]
        if held.to_read:
            moves.insert(0, Move("read", "reviewed", {"by": AUTOMATIC}))
        expected = "new"
        try:
            for move in moves:
                self._board.say_automatic(
                    held,
                    f"automatic: {(move.stage or '').replace('_', ' ')}, {self._settings.pace:g} s "
                    f"later",
                )
                threading.Event().wait(self._settings.pace)
                if why := self._why_not(held, expected):
                    self._board.say_automatic(held, f"automatic moves stopped: {why}")
                    return
                if not self.tell(held, move).fine:
                    self._board.say_automatic(
                        held, "automatic moves stopped: the program did not agree"
                    )
                    return
                expected = move.stage or expected
            self._board.say_automatic(held, "")
        finally:
            with self._lock:
                self._automatic.discard(held.hand_off_id)

    def _why_not(self, held: Held, expected: str) -> str:
        if not self._board.auto:
            return "switched off"
        if held.over:
            return "it has ended"
        if held.needs_human:
            return "it needs a human now"
        if held.stage != expected or (expected == "new" and not held.untouched):
            return "a person took over"
        return ""


def _in_words(code: int, said: object) -> str:
    """The service's answer in one line: the detail of a problem, or its text."""
    if isinstance(said, dict) and code >= 400:
        lines = [str(said[key]) for key in ("title", "detail") if said.get(key)]
        if isinstance(said.get("errors"), dict):
            lines.append(str(said["errors"]))
        said = " ".join(lines) or str(said)
    words = "" if 200 <= code < 300 and isinstance(said, dict) else str(said).strip()
    return words[:SHOWN_OF_AN_ANSWER]
