"""Caller Choice: ask for help other than police, in your language, after a short safety
screening."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from caller_service.config.settings import Settings
    from caller_service.core.program import Program

__version__ = "0.1.0"


@contextmanager
def kept_for_good() -> Iterator[None]:
    """For what is imported and read at the start and lives as long as the process: garbage
    collection is off meanwhile, and then skips these objects. Reading the word lists takes a third
    less time that way."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()


def create_app(settings: Settings, program: Program | None = None) -> Flask:
    """Build the app (app.py). In live mode, raises NotReady with every reason not to start."""
    with kept_for_good():
        from .app import build

        return build(settings, program)
