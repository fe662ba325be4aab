"""Decides what a staff session is good for at a moment: open, locked, or over (docs/security.md).

An idle session locks what can be read and done. It does not end: the page goes on ringing for
dangers that nobody has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from .roles import STEP_UP, Act, may

ABSOLUTE = timedelta(hours=12)  # a shift; then everybody signs in anew
IDLE = timedelta(minutes=10)  # without a request of a human's: the words are locked
UNFINISHED = timedelta(minutes=30)  # for the code, or for setting the account up
STEPPED_UP = timedelta(minutes=10)  # that an answered question "who are you" holds
SEEN_EVERY = timedelta(seconds=30)  # no need to write down each request
TRIES = 5  # wrong codes or PINs of a session; then the password is asked for


class Stage(StrEnum):
    """How far a session has come. Kept in the database."""

    CODE = "code"  # the password was right; the second factor is asked for
    # setting up, in this order
    PASSWORD = "password"
    TOTP = "totp"
    RECOVERY = "recovery"
    PIN = "pin"
    OPEN = "open"


class Standing(StrEnum):
    OPEN = "open"
    LOCKED = "locked"
    UNFINISHED = "unfinished"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class StaffSession:
    """A session of somebody, and who they are: as their row says now, not as it said then."""

    id: str
    person_id: str
    name: str  # the journal's
    role: str
    stage: str
    made_at: datetime
    seen_at: datetime
    ends_at: datetime
    stepped_up_at: datetime | None = None
    locked_at: datetime | None = None
    ended_at: datetime | None = None
    failures: int = 0  # wrong codes, or PINs
    has_totp: bool = False
    has_pin: bool = False
    disabled: bool = False
    theme: str = ""  # light, dark; "": as the machine
    single_keys: bool = True
    browser: str = ""

    def may(self, act: str) -> bool:
        return may(self.role, act)


def standing(session: StaffSession, now: datetime) -> Standing:
    """What the session is good for at this moment."""
    if session.disabled or session.ended_at is not None or now >= session.ends_at:
        return Standing.OVER
    if session.stage != Stage.OPEN:
        return Standing.UNFINISHED
    if session.locked_at is not None or now - session.seen_at >= IDLE:
        return Standing.LOCKED
    return Standing.OPEN


def is_stepped_up(session: StaffSession, now: datetime) -> bool:
    """Did this person say who they are just now?"""
    said = session.stepped_up_at
    return said is not None and timedelta(0) <= now - said < STEPPED_UP


def needs_step_up(session: StaffSession, act: Act, now: datetime) -> bool:
    """Must this person say once more who they are, before this?"""
    return act in STEP_UP and not is_stepped_up(session, now)
