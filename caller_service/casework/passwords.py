"""Passwords and PINs of the staff: argon2id, and which of them will not do.

Never called inside a transaction: a hash takes some 50 ms and 19 MiB. Two at once a process, so
that many who sign in, or guess, hold up no resident.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

SHORTEST, LONGEST = 12, 128  # characters of a password
PIN_DIGITS = (6, 12)  # fewest, most
_STRONG = 3  # of zxcvbn's 0 to 4: more than 10^8 guesses by somebody who knows the habits
_READ = 72  # characters that zxcvbn looks at
WAIT = 3.0  # seconds for a place among those that hash
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_PLACES = threading.BoundedSemaphore(2)
# of a random password that nobody kept: what an unknown name is compared with
_NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$"
    "qB4MSQL23JbzzD2KxP0Ymw$6uWP86Z9jvdGLPf1sR2QObF554nsDo7Qg5y3JEGu5wg"
)


class Busy(Exception):
    """Too many are signing in at this moment."""


@contextmanager
def _place() -> Iterator[None]:
    if not _PLACES.acquire(timeout=WAIT):
        raise Busy
    try:
        yield
    finally:
        _PLACES.release()


def hashed(secret: str) -> str:
    """How a password or a PIN is kept. Raises Busy."""
    with _place():
        return _HASHER.hash(secret)


def matches(kept: str | None, secret: str) -> bool:
    """Is this the password that was kept? Where none was, it takes as long to say no. Raises
    Busy."""
    usable = kept is not None and kept.startswith("$argon2id$")
    with _place():
        try:
            right = _HASHER.verify(kept if usable and kept else _NOBODY, secret[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False
    return right and usable and len(secret) <= LONGEST


def password_fault(password: str, *told: str) -> str:
    """Why this password will not do, in words for whoever chose it; "" if it will. `told`: words
    that others would try, such as the name. No kind of character is asked for."""
    if len(password) < SHORTEST:
        return f"Choose a password of {SHORTEST} characters or more. Four or five words do well."
    if len(password) > LONGEST:
        return f"Choose a password of {LONGEST} characters or fewer."
    words = [word for each in told for word in (each, *each.split())]
    if zxcvbn(password[:_READ], user_inputs=words, max_length=_READ)["score"] < _STRONG:
        return (
            "That password is easy to guess. Choose four or five words that do not belong together."
        )
    return ""


def pin_fault(pin: str) -> str:
    """Why this PIN will not do; "" if it will."""
    fewest, most = PIN_DIGITS
    if not re.fullmatch(rf"[0-9]{{{fewest},{most}}}", pin):
        return f"Choose a PIN of {fewest} to {most} digits."
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    if len(steps) == 1 and steps <= {0, 1, 9}:
        return "That PIN is easy to guess. Choose digits that do not follow each other."
    return ""
