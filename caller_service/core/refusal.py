"""The error for a request by dispatch or staff that is refused."""

from __future__ import annotations


class Refused(Exception):
    """A refused request. `code` is for programs; `name` is who has the case, if that is the
    reason."""

    def __init__(self, code: str, name: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.name = name
