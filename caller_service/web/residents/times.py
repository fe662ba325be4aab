"""Clock times and "4 minutes ago" in the reader's locale, for the templates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, format_timedelta, get_day_names

from caller_service.core.program import Hours, Program


def clock_time(at: datetime, program: Program, language: str) -> str:
    """The time of day in the program's time zone."""
    return format_time(at, "short", tzinfo=ZoneInfo(program.time_zone), locale=_locale(language))


def day(at: datetime, program: Program, language: str) -> str:
    """The date in the program's time zone."""
    local = at.astimezone(ZoneInfo(program.time_zone)).date()
    return format_date(local, "long", locale=_locale(language))


def ago(seconds: int, language: str) -> str:
    """How long ago something was."""
    return format_timedelta(
        -timedelta(seconds=max(1, seconds)), add_direction=True, locale=_locale(language)
    )


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except UnknownLocaleError:  # such as Hmong
        return Locale("en")


def open_hours(hours: Sequence[Hours], language: str) -> list[str]:
    """Each span of opening hours: "Mon-Fri 8:00 AM - 10:00 PM"."""
    locale = _locale(language)
    names = get_day_names("abbreviated", locale=locale)
    spans = []
    for span in hours:
        days = ", ".join(
            names[run[0]] if len(run) == 1 else f"{names[run[0]]}-{names[run[-1]]}"
            for run in _runs(sorted(span.weekdays))
        )
        opens, closes = (
            format_time(at, "short", locale=locale) for at in (span.opens, span.closes)
        )
        spans.append(f"{days} {opens} - {closes}")
    return spans


def _runs(days: Sequence[int]) -> list[list[int]]:
    """Runs of consecutive weekdays: [0, 1, 2], [5]."""
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs
