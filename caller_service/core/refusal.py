"""What dispatch or staff asked for, and cannot have."""

from __future__ import annotations


class Refused(Exception):
    """Asked for what cannot be; `code` is for the machine, `name` who has the case where that is
    why."""

    def __init__(self, code: str, name: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.name = name
