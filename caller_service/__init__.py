"""Caller Choice: ask for help other than police, in your language; screened safely, chosen by you,
heard to the end."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from caller_service.config.settings import Settings
    from caller_service.core.program import Program

__version__ = "0.1.0"


def create_app(settings: Settings, program: Program | None = None) -> Flask:
    """Build the parts and hang the doors. In live, raises NotReady with every reason not to
    start.

    What is imported and read here stays for as long as the process: the collector is told so, and
    does not look through half-read word lists meanwhile (a fifth of the start)."""
    collects = gc.isenabled()
    gc.disable()
    try:
        from .app import build

        return build(settings, program)
    finally:
        gc.freeze()
        if collects:
            gc.enable()
