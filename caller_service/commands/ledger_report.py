"""The report of `caller-service ledger`: all requests, how each ended, and the difference, which
must be 0 (docs/operations.md).

Exact counts are for the program's own staff. Before they are published small numbers have to be
suppressed, which is not done here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from caller_service.core.case import OUTCOMES, Channel, Status
from caller_service.core.ledger import (
    BY_911,
    REASONS,
    PoliceTally,
    Tally,
    by_channel,
    tally,
    tally_police,
)
from caller_service.core.outcome import Asked, Known, Police
from caller_service.store import ledger
from caller_service.store.ledger import Group

STAFF_ONLY = (
    "Exact counts, for the program's own staff. Do not publish them: "
    "small numbers must be suppressed first."
)
_CODES = frozenset({*OUTCOMES, *REASONS, *Status, *Channel, *Asked, *Known})
_WIDE = 38


@dataclass(frozen=True, slots=True)
class Period:
    """A range of local days: `first` is included, `until` is not; None: no bound."""

    first: date | None
    until: date | None
    time_zone: str

    @property
    def moments(self) -> tuple[datetime | None, datetime | None]:
        """The same in UTC. Raises OverflowError if a day is out of range."""
        first, until = (_midnight(day, self.time_zone) for day in (self.first, self.until))
        return first, until

    def __str__(self) -> str:
        parts = [f"from {self.first}"] if self.first else []
        parts += [f"before {self.until}"] if self.until else []
        return f"opened {' and '.join(parts) or 'at any time'} ({self.time_zone})"


def _midnight(day: date | None, zone: str) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def period(first: str | None, until: str | None, time_zone: str) -> tuple[Period, list[str]]:
    """The requested period, and its faults, which never quote the input."""
    faults: list[str] = []
    days: list[date | None] = []
    for option, written in (("--from", first), ("--until", until)):
        days.append(day := _day(written, time_zone))
        if written is not None and day is None:
            faults.append(f"{option}: not a day; write it as 2026-11-23")
    if days[0] and days[1] and days[1] <= days[0]:
        faults.append("--until: must come after --from; its own day is not counted")
    return Period(days[0], days[1], time_zone), faults


def _day(written: str | None, zone: str) -> date | None:
    try:
        day = None if written is None else datetime.strptime(written, "%Y-%m-%d").date()
        _midnight(day, zone)
    except (ValueError, OverflowError):
        return None
    return day


@dataclass(frozen=True, slots=True)
class Report:
    """The ledger of a period. `unplaced`: cases that fit no class, with some of their
    references."""

    program: str
    period: Period
    groups: list[Group]
    tally: Tally
    unplaced: list[dict[str, Any]]

    @property
    def channels(self) -> dict[str, int]:
        """Requests by channel; each has exactly one."""
        counts = by_channel((*_class(one), _code(one.channel), one.cases) for one in self.groups)
        return dict(counts)

    @property
    def police(self) -> PoliceTally:
        """What was recorded about police with the outcomes."""
        return tally_police(
            (
                *_class(one),
                Police(one.police, one.police_asked_by, one.police_told),
                bool(one.police_corrected),
                one.cases,
            )
            for one in self.groups
        )

    def lines(self) -> Iterator[str]:
        """The lines of the table. The last one is the difference."""
        counts = self.tally
        yield f"{self.program}: the ledger of requests {self.period}"
        yield STAFF_ONLY
        yield ""
        yield _line(0, "requests", counts.requests)
        yield _line(1, "still open", counts.open)
        yield _line(1, "served", sum(counts.served.values()) - counts.served[BY_911])
        for outcome, many in counts.served.items():
            if outcome != BY_911:
                yield _line(2, outcome, many)
        yield _line(1, f"served by 911 ({BY_911})", counts.served[BY_911])
        yield _line(1, "unserved", sum(counts.unserved.values()))
        for reason, many in counts.unserved.items():
            yield _line(2, reason, many)
        yield ""
        yield _line(0, "requests, by where they began", counts.requests)
        for channel, many in self.channels.items():
            yield _line(1, channel, many)
        yield ""
        police = self.police
        yield _line(0, "ended requests, by police", police.ended)
        yield _line(1, "police were there", police.there)
        for who, many in police.asked_by.items():
            yield _line(2, f"asked for by: {who}", many)
        for known, many in police.told_before.items():
            yield _line(2, f"resident told before: {known}", many)
        yield _line(1, "police were not there", police.not_there)
        yield _line(1, "nobody knows", police.unknown)
        yield _line(1, "not recorded", police.not_recorded)
        yield _line(1, "of these, corrected later", police.corrected)
        yield ""
        yield _line(0, "not requests (no_request)", counts.no_request)
        yield ""
        yield f"difference {counts.difference}"

    def faults(self) -> list[str]:
        """The cases that fit no class, by reference only."""
        return [
            f"status {one['status']}, outcome {one['outcome'] or 'none'}, unserved "
            f"{one['unserved'] or 'none'}: "
            f"{one['cases']} ({', '.join(one['references'])}"
            f"{' …' if one['cases'] > len(one['references']) else ''})"
            for one in self.unplaced
        ]

    def plain(self) -> dict[str, Any]:
        """The report as JSON values, with the counts by level, response, area, language and
        channel."""
        counts, time_of = self.tally, self.period
        return {
            "program": self.program,
            "staff_only": True,
            "from": time_of.first.isoformat() if time_of.first else None,
            "until": time_of.until.isoformat() if time_of.until else None,
            "time_zone": time_of.time_zone,
            "requests": counts.requests,
            "channels": self.channels,
            "open": counts.open,
            "served": dict(counts.served),
            "unserved": dict(counts.unserved),
            "no_request": counts.no_request,
            "police": asdict(self.police),
            "difference": counts.difference,
            "unplaced": self.unplaced,
            "groups": [
                asdict(group) | {name: _code(getattr(group, name)) for name in _NAMED}
                for group in self.groups
            ],
        }


_NAMED = (
    "status", "outcome", "unserved", "channel", "police", "police_asked_by", "police_told",
)  # fmt: skip


def _class(group: Group) -> tuple[str, str, str]:
    return group.status, group.outcome, group.unserved


def _line(depth: int, name: str, many: int) -> str:
    return f"{'  ' * depth + name:<{_WIDE}}{many:>8}"


def _code(written: str) -> str:
    """A known code; any other stored value is not printed."""
    return written if written in _CODES or not written else "(not a code)"


def read(conn: sa.Connection, program: str, asked: Period) -> Report:
    """Count the cases of a period."""
    since, until = asked.moments
    groups = ledger.counted(conn, since, until)
    counts = tally((*_class(group), group.cases) for group in groups)
    unplaced = [
        dict(zip(_NAMED[:3], map(_code, columns), strict=True))
        | {"cases": many, "references": list(ledger.references(conn, columns, since, until))}
        for columns, many in counts.unplaced.items()
    ]
    return Report(program, asked, groups, counts, unplaced)
