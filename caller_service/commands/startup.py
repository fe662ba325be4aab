"""What every command starts with: the settings, the parts built from them, and a plain refusal."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

import caller_service
from caller_service.casework.parts import Parts
from caller_service.config.settings import Settings


def refuse(faults: tuple[str, ...] | list[str], about: str = "") -> NoReturn:
    """Print every fault, and exit."""
    if about:
        click.echo(about, err=True)
    for fault in faults:
        click.echo(f"  {fault}", err=True)
    sys.exit(1)


def settings_now() -> Settings:
    return Settings.from_environment(os.environ)


def parts_now() -> Parts:
    parts: Parts = caller_service.create_app(settings_now()).extensions["caller_parts"]
    return parts
