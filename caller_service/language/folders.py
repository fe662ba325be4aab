"""Finds the folders of translations and migrations."""

from __future__ import annotations

from pathlib import Path

import caller_service


def folder(name: str) -> Path:
    """`translations` or `migrations`: inside the installed package, else beside it in a
    checkout."""
    inside = Path(caller_service.__file__).parent / name
    return inside if inside.is_dir() else inside.parent.parent / name
