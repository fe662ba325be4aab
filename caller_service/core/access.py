"""Decides what a token may do: by its kind, its destination and its scopes (docs/dispatch-api.md).

The token stores all three as they were when it was made. The program file can only take rights
away: a token whose destination is gone, or has changed its kind, gives no access.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from .program import Destination, Program

API, BROWSER, CONSOLE = "api", "browser", "console"  # kinds of token
READ, ACT, TRANSCRIPT, CONVERSE = "read", "act", "transcript", "converse"
SCOPES = {
    READ: "hand-offs as they stand",
    ACT: "acknowledge, say where the team is, say what was read",
    TRANSCRIPT: "what the resident and the program wrote to each other",
    CONVERSE: "words to the resident, and what a human decides in their conversation",
}
USUAL = (READ, ACT)  # scopes of a new token unless others are asked for
EXPIRED, NO_DESTINATION = "token_expired", "no_destination"


@dataclass(frozen=True, slots=True)
class Token:
    """A valid token. `name` appears in the journal; `destination` None: it has none."""

    name: str
    kind: str
    destination: str | None
    scopes: frozenset[str]
    expires_at: datetime | None = None

    @property
    def sees_all(self) -> bool:
        """A console token sees every hand-off and the test cases; any other only what its
        destination was sent."""
        return self.kind == CONSOLE


def kind_for(destination: Destination) -> str:
    """The kind of token a destination gets."""
    return {"page": BROWSER, "console": CONSOLE}.get(destination.kind, API)


def scopes_for(kind: str) -> tuple[str, ...]:
    """The scopes that a token of this kind can have: a browser token is typed by people into
    browsers, so it reads its own page and does nothing else."""
    return (READ,) if kind == BROWSER else tuple(SCOPES)


def in_order(scopes: Collection[str]) -> str:
    """Scopes as stored and shown: separated by spaces, always in the same order."""
    return " ".join(scope for scope in SCOPES if scope in scopes)


def has_destination(token: Token, program: Program) -> bool:
    """Does the program still have the token's destination, with the same kind?"""
    destination = program.destination(token.destination or "")
    return destination is not None and kind_for(destination) == token.kind


def why_refused(token: Token, program: Program, now: datetime) -> str:
    """The code with which this token is refused; "" if it is valid."""
    if token.expires_at is not None and now >= token.expires_at:
        return EXPIRED
    return "" if has_destination(token, program) else NO_DESTINATION
