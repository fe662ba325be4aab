"""Is this deployment ready for people in crisis? Live mode starts only if there are no faults
here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, time, timedelta
from urllib.parse import urlsplit

from caller_service.config.settings import (
    Settings,
    not_outside,
    weakness,
    webhook_secret_fault,
)
from caller_service.core.program import WEEKDAYS, Program
from caller_service.core.routing import is_open

_MONDAY = datetime(2024, 1, 1)  # any Monday: duty hours are local and weekly
_WEEK = timedelta(days=7)
_NAMED = 3  # how many gaps are reported
_FICTIONAL = re.compile(r"\+1\d{3}55501\d\d")  # numbers kept for films and examples
_NOWHERE = re.compile(r"\.(?:example|invalid|test)(?:[/:]|$)")  # domains kept for examples

Span = tuple[datetime, datetime]


def live_faults(settings: Settings, program: Program) -> tuple[str, ...]:
    """Every reason not to start in live mode."""
    return (
        *_sign_off(program),
        *_clocks(program),
        *_ladder(program),
        *_waits(program),
        *_destinations(settings, program),
        *_speech(program),
        *_address(settings),
        *_fiction(program),
    )


def _clocks(program: Program) -> list[str]:
    """With `read` at 0, a "no" that was meant for an earlier question would count
    (docs/safety-rules.md, rule 8)."""
    return [] if program.clocks.read else ["clocks.read: 0 is for rehearsal"]


def _speech(program: Program) -> list[str]:
    """Speech recognition hears everybody in the room, so counsel has to sign for it
    (docs/safety-rules.md)."""
    if program.phone.speech and not program.phone.speech_signed_by.strip():
        return ["phone.speech_signed_by: missing; speech recognition is signed, or off"]
    return []


def _sign_off(program: Program) -> list[str]:
    signed = program.sign_off
    faults = [
        f"sign_off.{part.name}: missing"
        for part in fields(signed)
        if not getattr(signed, part.name).strip()
    ]
    if signed.protocol_hash and signed.protocol_hash != program.protocol.hash:
        faults.append(
            f"sign_off.protocol_hash: what was signed is not what is loaded "
            f"({program.protocol.hash})"
        )
    return faults


def _ladder(program: Program) -> list[str]:
    """R1 and R2 apply around the clock, so somebody must always be on duty to be paged
    (docs/safety-rules.md, rule 6)."""
    spans = uncovered(program)
    if not spans:
        return []
    more = f" and {len(spans) - _NAMED} more" if len(spans) > _NAMED else ""
    return [
        f'ladder "danger": nobody is on duty '
        f"{', '.join(_said(span) for span in spans[:_NAMED])}{more} ({program.time_zone})"
    ]


def _waits(program: Program) -> list[str]:
    """In danger no rung may take longer than the clock `page_next` (rule 4)."""
    longest = program.clocks.page_next
    return [
        f'ladder "danger": {rung.name} is waited for {rung.wait} s, longer than clocks.page_next, '
        f"{longest} s"
        for rung in program.rungs("danger")
        if rung.wait > longest
    ]


def _said(span: Span) -> str:
    start, end = span
    closes = "24:00" if end.time() == time() else f"{end:%H:%M}"
    return f"{WEEKDAYS[start.weekday()]} {start:%H:%M}\N{EN DASH}{closes}"


def uncovered(program: Program) -> list[Span]:
    """The spans of a local week, day by day, in which nobody on the danger ladder is on duty with a
    phone."""
    rungs = (*program.rungs("danger"), *program.backstops)
    clocks = {
        time(),
        *(clock for rung in rungs for hours in rung.hours for clock in (hours.opens, hours.closes)),
    }
    edges = sorted(
        datetime.combine(_MONDAY + timedelta(days=day), clock)
        for day in range(7)
        for clock in clocks
    )
    spans: list[Span] = []
    for start, end in zip(edges, [*edges[1:], _MONDAY + _WEEK], strict=True):
        if any(rung.by != "console" and is_open(rung.hours, start) for rung in rungs):
            continue
        # a gap is reported day by day
        runs_on = spans and spans[-1][1] == start and start.time() != time()
        spans.append((spans.pop()[0] if runs_on else start, end))
    return spans


def _destinations(settings: Settings, program: Program) -> list[str]:
    if not program.destinations:
        return ["destinations: there is none, so no hand-off would reach anybody"]
    faults = []
    for one in program.destinations:
        if not one.posted:
            continue
        if not one.url.startswith("https://"):
            faults.append(f'destination "{one.name}": its url must be https: in live')
        faults += [f'destination "{one.name}": {wrong}' for wrong in _reach(one.url)]
        secret = settings.secret(one.secret)
        if wrong := weakness(secret) if secret else "is missing":
            faults.append(f'destination "{one.name}": {one.secret} {wrong}')
    return faults


def _reach(url: str) -> list[str]:
    """A hand-off must go to another machine, and the program file, which others read, must hold no
    password."""
    try:
        parts = urlsplit(url)
        host, login = parts.hostname or "", "@" in parts.netloc
    except ValueError:
        return ["its url names no host"]
    faults = ["its url carries a user or a password; the signature says who we are"] * login
    if why := not_outside(host):
        faults.append(f"the host of its url {why}, where no destination of a live program is")
    return faults


def secret_faults(settings: Settings, program: Program) -> tuple[str, ...]:
    """Destination secrets that are set but malformed, in any mode."""
    names = {one.secret: one.name for one in reversed(program.destinations) if one.posted}
    return tuple(
        f'destination "{name}": {secret} {wrong}'
        for secret, name in names.items()
        if (value := settings.secret(secret)) and (wrong := webhook_secret_fault(value))
    )


def _address(settings: Settings) -> list[str]:
    if settings.public_url.startswith("https://"):
        return []
    return ["CALLER_PUBLIC_URL: must be https: in live; Twilio signs this address"]


def _fiction(program: Program) -> list[str]:
    """Whoever copies the rehearsal city and overlooks a number would page a phone that nobody has.
    The probe's number is exempt: nobody should have it. The link is part of the preamble."""
    faults = [
        f"{where}: {number} is a number kept for fiction, which nobody answers"
        for where, number in _numbers(program)
        if _FICTIONAL.fullmatch(number)
    ]
    if not program.police_link.strip():
        faults.append("program.police_link: missing; people are told first when police may come")
    elif _NOWHERE.search(program.police_link):
        faults.append(f"program.police_link: {program.police_link} leads nowhere")
    return faults


def _numbers(program: Program) -> Iterator[tuple[str, str]]:
    numbers = program.numbers
    for one in numbers.ours:
        yield "numbers.ours", one.number
    for key in ("psap", "counselor", "interpreter", "callback"):
        yield f"numbers.{key}", getattr(numbers, key)
    for name, number in numbers.neighbours.items():
        yield f'numbers.neighbours "{name}"', number
    for rung in program.ladder:
        yield f'ladder "{rung.ladder}": {rung.name}', rung.number
    for area in program.areas:
        yield f'area "{area.id}": psap', area.psap
