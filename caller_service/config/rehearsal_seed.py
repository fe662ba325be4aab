"""The seed that rehearsal derives its secrets from: drawn once, kept in var/, the same for web and
worker."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

NAME = "rehearsal.key"
LENGTH = 32


def kept_seed(var: Path) -> bytes:
    """The seed, drawn at the first use. Two processes that start together end with the same one."""
    var.mkdir(parents=True, exist_ok=True)
    if (seed := seed_if_kept(var)) is not None:
        return seed
    draft = var / f".{NAME}.{os.getpid()}.{secrets.token_hex(4)}"
    written = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(written, secrets.token_bytes(LENGTH))
        os.fsync(written)
        os.link(draft, var / NAME)  # whole or not at all, and never over somebody else's
    except FileExistsError:
        pass  # another process was first: its seed is the one
    finally:
        os.close(written)
        draft.unlink(missing_ok=True)
    seed = seed_if_kept(var)
    if seed is None:
        raise OSError(f"{var / NAME} is damaged: remove it, and a new one is drawn")
    return seed


def seed_if_kept(var: Path) -> bytes | None:
    """The seed of an earlier rehearsal in this folder, if there was one."""
    try:
        seed = (var / NAME).read_bytes()
    except FileNotFoundError:
        return None
    return seed if len(seed) == LENGTH else None
