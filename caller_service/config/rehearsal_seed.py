"""The random seed from which rehearsal derives its secrets, stored in var/ and shared by web and
worker."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

NAME = "rehearsal.key"
LENGTH = 32


def kept_seed(var: Path) -> bytes:
    """The seed, created at first use. Two processes that start together get the same one."""
    var.mkdir(parents=True, exist_ok=True)
    if (seed := seed_if_kept(var)) is not None:
        return seed
    draft = var / f".{NAME}.{os.getpid()}.{secrets.token_hex(4)}"
    written = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(written, secrets.token_bytes(LENGTH))
        os.fsync(written)
        os.link(draft, var / NAME)  # atomic, and never overwrites another process's seed
    except FileExistsError:
        pass  # another process was first: use its seed
    finally:
        os.close(written)
        draft.unlink(missing_ok=True)
    seed = seed_if_kept(var)
    if seed is None:
        raise OSError(f"{var / NAME} is damaged: remove it, and a new one is generated")
    return seed


def seed_if_kept(var: Path) -> bytes | None:
    """The seed of an earlier rehearsal in this folder, or None."""
    try:
        seed = (var / NAME).read_bytes()
    except FileNotFoundError:
        return None
    return seed if len(seed) == LENGTH else None
