"""Caller Choice: ask for help other than police, in your language, after a short safety
screening."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from caller_service.config.settings import Settings
    from caller_service.core.program import Program

__version__ = "0.1.0"


def create_app(settings: Settings, program: Program | None = None) -> Flask:
    """Build the app (app.py). In live mode, raises NotReady with every reason not to start.

    What is imported and read here lives as long as the process, so garbage collection is off
    meanwhile and then skips these objects (this saves a fifth of the start-up time)."""
    collects = gc.isenabled()
    gc.disable()
    try:
        from .app import build

        return build(settings, program)
    finally:
        gc.freeze()
        if collects:
            gc.enable()
