"""Reads a city's file, key by key. A fault is recorded with its file and key, and reading
continues, so that all faults are reported at once. Only the readers of program files use it."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, time
from pathlib import Path

from caller_service.core.phone_numbers import LIFELINE, refused_number
from caller_service.core.program import WEEKDAYS, Hours

_E164 = re.compile(r"\+[1-9]\d{7,14}")
_NORTH_AMERICAN = re.compile(r"\+1[2-9](?!11)\d{2}[2-9](?!11)\d{2}\d{4}")
_SPAN = re.compile(r"(\S+) (\d\d):(\d\d)-(\d\d):(\d\d)")
_NOTHING: object = object()


class ProgramFaults(Exception):
    """A city's files cannot be used; `faults` names everything that is wrong."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def file_text(path: Path, faults: list[str]) -> str | None:
    """The text of a file, or None and a fault."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        faults.append(f"{path.name}: there is no such file ({path})")
    except UnicodeDecodeError as problem:
        faults.append(f"{path.name}: not UTF-8 at byte {problem.start}")
    except OSError as problem:
        faults.append(f"{path.name}: cannot be read ({problem.strerror})")
    return None


def read_toml(path: Path, faults: list[str]) -> CheckedTable:
    """The root table of a TOML file; if the file cannot be read, an empty table that reports no
    further faults."""
    text = file_text(path, faults)
    if text is None:
        return CheckedTable({}, path.name, faults, lost=True)
    try:
        return CheckedTable(tomllib.loads(text), path.name, faults)
    except tomllib.TOMLDecodeError as problem:
        # tomllib's message ends in "(at line 3, column 8)"
        faults.append(f"{path.name}: {problem}")
        return CheckedTable({}, path.name, faults, lost=True)


def read_json(path: Path, faults: list[str]) -> CheckedTable:
    """The root object of a JSON file; if the file cannot be read, an empty table that reports no
    further faults."""
    text = file_text(path, faults)
    if text is None:
        return CheckedTable({}, path.name, faults, lost=True)
    try:
        content = json.loads(text)
    except json.JSONDecodeError as problem:
        faults.append(f"{path.name}: line {problem.lineno}: {problem.msg}")
        return CheckedTable({}, path.name, faults, lost=True)
    if not isinstance(content, dict):
        faults.append(f"{path.name}: must be an object")
        return CheckedTable({}, path.name, faults, lost=True)
    return CheckedTable(content, path.name, faults)


class CheckedTable:
    """One table of a file. Every key is read by its type; `done` reports the keys that nobody has
    read."""

    def __init__(
        self,
        content: Mapping[str, object],
        file: str,
        faults: list[str],
        key: str = "",
        lost: bool = False,
    ) -> None:
        self.content = content
        self.lost = lost  # its file or table is already a fault: do not also report each key
        self._file, self._faults, self._key = file, faults, key
        self._asked: set[str] = set()

    def fault(self, key: str, wrong: str) -> None:
        if not self.lost:
            self._faults.append(f"{self._file}: {self._path(key)}: {wrong}")

    def _path(self, key: str) -> str:
        return ".".join(part for part in (self._key, key) if part)

    def done(self) -> None:
        for key in self.content:
            if key not in self._asked:
                self.fault(key, f"unknown key{meant(key, self._asked)}")

    def raw(
        self, key: str, kind: type | tuple[type, ...], wanted: str, default: object = _NOTHING
    ) -> object:
        """The value of a key if it is of this kind; otherwise the default, with a fault unless it
        was only left out."""
        self._asked.add(key)
        value = self.content.get(key)
        if key not in self.content:
            if default is _NOTHING:
                self.fault(key, "missing")
            return default
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.fault(key, f"must be {wanted}")
            return default
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A string. A missing one is a fault unless there is a default; an empty one always is."""
        value = self.raw(key, str, "a string", _NOTHING if default is None else default)
        if not isinstance(value, str):
            return default or ""
        if not value.strip() and default is None:
            self.fault(key, "is empty")
        return value

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self.text(key)
        if value and value not in allowed:
            self.fault(key, f'"{value}" is none of {", ".join(allowed)}')
        return value

    def texts(self, key: str, needed: bool = False) -> tuple[str, ...]:
        """A list of strings without duplicates."""
        found = self.raw(key, list, "a list of strings", _NOTHING if needed else [])
        values = found if isinstance(found, list) else []
        kept = tuple(value for value in values if isinstance(value, str) and value.strip())
        if len(kept) < len(values):
            self.fault(key, "must be a list of strings, none of them empty")
        for value in sorted({value for value in kept if kept.count(value) > 1}):
            self.fault(key, f'"{value}" is listed twice')
        if needed and found == []:
            self.fault(key, "is empty")
        return kept

    def flag(self, key: str, default: bool) -> bool:
        return bool(self.raw(key, bool, "true or false", default))

    def amount(self, key: str, default: float, low: float, high: float) -> float:
        """A number within these limits."""
        value = self.raw(key, (int, float), "a number", default)
        if not isinstance(value, int | float):
            return default
        if not low <= value <= high:  # NaN is refused too
            self.fault(key, f"{value} is not between {low:g} and {high:g}")
            return default
        return float(value)

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        value = self.raw(key, int, "a whole number", default)
        if not isinstance(value, int):
            return default
        if not low <= value <= high:
            self.fault(key, f"{value} is not between {low} and {high}")
            return default
        return value

    def day(self, key: str, needed: bool = False) -> date | None:
        """An ISO date, as text or as TOML's own; null and "" are no date."""
        value = self.raw(
            key, (str, date, type(None)), "an ISO date or null", _NOTHING if needed else None
        )
        try:
            if isinstance(value, datetime):
                raise ValueError
            return (
                date.fromisoformat(value)
                if isinstance(value, str) and value
                else value
                if isinstance(value, date)
                else None
            )
        except ValueError:
            self.fault(key, f'"{value}" is not an ISO date')
            return None

    def phone(self, key: str, needed: bool = False) -> str:
        """A phone number in E.164, which can be called from anywhere, unlike three-digit
        numbers."""
        number = self.text(key, None if needed else "")
        if number and (wrong := number_fault(number)):
            self.fault(key, wrong)
        return number

    def lifeline(self, key: str) -> str:
        """988, the default, or a number in E.164 that reaches it."""
        return LIFELINE if self.text(key, LIFELINE) == LIFELINE else self.phone(key, needed=True)

    def hours(self, key: str) -> tuple[Hours, ...]:
        """Spans such as "mon-fri 08:00-22:00"; none: round the clock."""
        spans = []
        for text in self.texts(key):
            try:
                spans.append(hours(text))
            except ValueError as problem:
                self.fault(key, f'"{text}" {problem}')
        return tuple(spans)

    def table(self, key: str, needed: bool = False) -> CheckedTable:
        value = self.raw(key, dict, "a table", _NOTHING if needed else {})
        content = value if isinstance(value, dict) else {}
        return CheckedTable(
            content, self._file, self._faults, self._path(key), self.lost or value is _NOTHING
        )

    def tables(self, key: str, needed: bool = False) -> Iterator[CheckedTable]:
        """A list of tables, each with its place in the list, counted from 1."""
        found = self.raw(key, list, "a list of tables", _NOTHING if needed else [])
        if needed and found == []:
            self.fault(key, "is empty")
        for place, content in enumerate(found if isinstance(found, list) else [], start=1):
            if isinstance(content, dict):
                yield self.inner(f"{key}[{place}]", content)
            else:
                self.fault(f"{key}[{place}]", "must be a table")

    def inner(self, key: str, content: Mapping[str, object]) -> CheckedTable:
        """A table inside this one."""
        return CheckedTable(content, self._file, self._faults, self._path(key), self.lost)

    def twice(self, key: str, values: list[str], what: str) -> None:
        """Report each value that is listed more than once."""
        for value in sorted({value for value in values if value and values.count(value) > 1}):
            self.fault(key, f'two {what} are called "{value}"')


def meant(name: str, known: Collection[str]) -> str:
    """Which of the known names a mistyped one probably is; "" if none is close."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    return f"; did you mean {close[0]}?" if close else ""


def number_fault(number: str) -> str:
    """What is wrong with the number of a person or of ours; "" if nothing is."""
    if refused_number(number) or number == LIFELINE:
        return f'"{number}" must not be called by software: give the ten-digit line behind it'
    if not _E164.fullmatch(number):
        return f'"{number}" is not an E.164 number such as +17205550100'
    if number.startswith("+1") and not _NORTH_AMERICAN.fullmatch(number):
        return f'"{number}" is not a North American number'
    return ""


def hours(text: str) -> Hours:
    """Read "mon-fri,sun 18:00-02:00". Raises ValueError with what is wrong."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError('is not hours such as "mon-fri 08:00-22:00"')
    opens, closes = (
        _clock(found[2], found[3]),
        _clock("00" if found[4] == "24" else found[4], found[5]),
    )
    if found[4] == "24" and found[5] != "00":
        raise ValueError("runs past 24:00")
    if opens == closes and found[4] != "24":
        raise ValueError("opens and closes at the same time; round the clock is 00:00-24:00")
    return Hours(_weekdays(found[1]), opens, closes)


def _clock(hour: str, minute: str) -> time:
    try:
        return time(int(hour), int(minute))
    except ValueError:
        raise ValueError(f"has the time {hour}:{minute}, which does not exist") from None


def _weekdays(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
            raise ValueError(f'names the day "{part}"; days are {", ".join(WEEKDAYS)}')
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        # "fri-mon" runs over the weekend
        days |= {day % 7 for day in range(start, end + 1 if end >= start else end + 8)}
    return frozenset(days)
