"""When a clock is due, derived from the marks of a case."""

from __future__ import annotations

from datetime import datetime, timedelta

from .case import Case
from .marks import Mark


def after_mark(mark: Mark, seconds: int, case: Case) -> datetime | None:
    """The time `seconds` after a mark; None without the mark."""
    at = case.marks.get(mark)
    return None if at is None else at + timedelta(seconds=seconds)


def last_of(case: Case, *marks: Mark) -> datetime | None:
    """The latest of these marks; None if the case has none of them."""
    return max((case.marks[mark] for mark in marks if mark in case.marks), default=None)
