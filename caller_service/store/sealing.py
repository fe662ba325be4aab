"""Encryption at rest: what people write to us is not readable in the database, and a phone number
can be looked up without being stored in plain.

A sealed value is the key's id (one byte of length, then the id), a fresh nonce, and the output of
AES-GCM. "table.column.id" is authenticated with it, so that a value copied into another row does
not open there.
"""

import hmac
import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .process_counts import SharedCounter

log = logging.getLogger(__name__)

Keys = Mapping[str, bytes] | Sequence[tuple[str, bytes]]

KEY_BYTES = 32
_PROOF = "caller-service"  # cannot be a phone number: those begin with +
NONCE_BYTES = 12


class CannotOpen(Exception):
    """A sealed value does not open: its key is gone, it was moved, or it was altered. The message
    names the place, never the contents."""


class Sealer:
    """Encrypts ("seals") and decrypts ("opens") texts, and computes the blind index of a number.
    The first key is current; the others only open."""

    __slots__ = ("_data", "_index", "data_key", "index_key")

    def __init__(self, data_keys: Keys, index_keys: Keys) -> None:
        data = _checked(data_keys, "data key")
        self._data = {key_id: AESGCM(key) for key_id, key in data.items()}
        self.data_key = next(iter(data))
        self._index = _checked(index_keys, "index key")
        self.index_key = next(iter(self._index))

    def __repr__(self) -> str:
        return "Sealer()"

    def seal(self, text: str, where: str) -> bytes:
        """Encrypt a text, bound to this place."""
        return self._seal(self.data_key, text, where)

    def _seal(self, key: str, text: str, where: str) -> bytes:
        key_id, nonce = key.encode(), os.urandom(NONCE_BYTES)
        sealed = self._data[key].encrypt(nonce, text.encode(), where.encode())
        return bytes([len(key_id)]) + key_id + nonce + sealed

    def open(self, blob: bytes, where: str) -> str:
        """Decrypt a text that was sealed for this place. Raises CannotOpen."""
        start = 1 + blob[0] if blob else 0
        key = self._data.get(blob[1:start].decode(errors="replace"))
        if key is None:
            raise CannotOpen(f"{where}: sealed with a key that is not among ours")
        nonce, sealed = blob[start : start + NONCE_BYTES], blob[start + NONCE_BYTES :]
        try:
            return key.decrypt(nonce, sealed, where.encode()).decode()
        except (InvalidTag, ValueError):
            # Without the cause, which may quote somebody's words.
            raise CannotOpen(f"{where}: altered, cut short, or sealed for another place") from None

    def try_open(self, blob: bytes, where: str) -> str | None:
        """The same, but None for a value that does not open: it is counted and logged by its place,
        and the caller goes on without it."""
        try:
            return self.open(blob, where)
        except CannotOpen as problem:
            unopened(where, problem)
            return None

    def index(self, number: str) -> bytes:
        """The blind index of a number: a keyed hash under the current key."""
        return _blind(self._index[self.index_key], number)

    def indexes(self, number: str) -> tuple[bytes, ...]:
        """The number's index under every key, the current one first, so that rows from before a
        rotation are found, too."""
        return tuple(_blind(key, number) for key in self._index.values())

    @property
    def rotates(self) -> bool:
        """Is there more than one index key, so that a number may be stored under another one?"""
        return len(self._index) > 1

    def is_current(self, blob: bytes) -> bool:
        """Was this sealed with the current key?"""
        return key_of(blob) == self.data_key

    @property
    def index_keys(self) -> tuple[str, ...]:
        """The ids of the index keys, the current one first."""
        return tuple(self._index)

    def has(self, kind: str, key_id: str) -> bool:
        """Is this key configured? `kind`: data or index."""
        return key_id in (self._data if kind == "data" else self._index)

    def proof(self, kind: str, key_id: str) -> bytes:
        """A value that tells this key from another one with the same id, and reveals nothing else
        about it."""
        if kind == "data":
            return self._seal(key_id, _PROOF, f"sealing_key.proof.{key_id}")
        return _blind(self._index[key_id], _PROOF)

    def proves(self, kind: str, key_id: str, proof: bytes) -> bool:
        """Was this proof made with the configured key of that id?"""
        if kind == "index":
            return hmac.compare_digest(proof, self.proof(kind, key_id))
        try:
            return self.open(proof, f"sealing_key.proof.{key_id}") == _PROOF
        except CannotOpen:
            return False


UNOPENED = SharedCounter("caller_unopened", "Sealed values that did not open.", ("column",))
QUIET = 600.0  # seconds between two log lines about the same value
_LOGGED = 10_000  # values that are remembered
_logged: dict[str, float] = {}
_lock = threading.Lock()


def unopened(where: str, problem: Exception) -> None:
    """Count a value that did not open, and log which: table, column and id."""
    UNOPENED.add(".".join(where.split(".")[:2]))
    now = time.monotonic()
    with _lock:
        if now - _logged.get(where, -QUIET) < QUIET:
            return
        if len(_logged) >= _LOGGED:
            _logged.clear()
        _logged[where] = now
    log.error("cannot be opened", extra={"value": where, "fault": type(problem).__name__})


def key_of(blob: bytes) -> str:
    """The id of the key that a value was sealed with."""
    return blob[1 : 1 + blob[0]].decode(errors="replace") if blob else ""


def _blind(key: bytes, number: str) -> bytes:
    return hmac.digest(key, number.encode(), "sha256")


def _checked(keys: Keys, kind: str) -> dict[str, bytes]:
    pairs = tuple(keys.items()) if isinstance(keys, Mapping) else tuple(keys)
    if not pairs:
        raise ValueError(f"at least one {kind} is needed")
    for key_id, key in pairs:
        if not 1 <= len(key_id.encode()) <= 255:
            raise ValueError(f"the id of a {kind} has 1 to 255 bytes")
        if len(key) != KEY_BYTES:
            raise ValueError(f"{kind} {key_id} has {len(key)} bytes, not {KEY_BYTES}")
    if len(dict(pairs)) != len(pairs):
        raise ValueError(f"two {kind}s share one id")
    return dict(pairs)
