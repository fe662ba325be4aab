"""Checks the promises about calls: the stand-in Twilio's record against the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from caller_service.core.callback import CallbackOutcome
from caller_service.core.outbound import CallbackState
from caller_service.language.catalog import Catalog
from caller_service.language.spoken import sentences
from caller_service.rehearsal.call_script import ERROR
from caller_service.store.tables import call, callback, case, leg

from .callers import Callers, Stands

# a call may end after these: a goodbye, or that we cannot go on and where to get help
LAST = ("spoken.closing", "spoken.trouble.end", "spoken.down", "spoken.wait.closed")


def wrong_calls(
    conn: sa.Connection, stood: Sequence[Stands], callers: Callers, catalog: Catalog,
    counts: Counter[str],
) -> Iterator[tuple[str, list[str]]]:  # fmt: skip
    """Each promise about calls, and what breaks it. `stood`: the state of each inbound call after
    the faults."""
    legs = {row.provider_id: row for row in conn.execute(sa.select(leg))}
    cases = {row.id: row for row in conn.execute(sa.select(case))}
    counts["calls that waited or talked in the end"] = sum(one.with_somebody for one in stood)
    yield (
        "no caller is lost: each call is one, with its case",
        (lost(stood, callers.web.known, legs, cases)),
    )
    yield "nobody who stays is dropped from the queue", dropped(stood, last_words(catalog))
    promised = list(conn.execute(sa.select(callback)))
    case_of = {row.id: row.case_id for row in conn.execute(sa.select(call))}
    rung = callers.rung()
    counts["callbacks"] = len(promised)
    for outcome in CallbackOutcome:
        counts[f"callbacks: {outcome.value}"] = sum(row.outcome == outcome for row in promised)
    yield "nobody is called twice for one attempt", twice(promised, rung, case_of)
    yield "every promised call came to an outcome", unkept(promised)


def lost(
    stood: Sequence[Stands], known: Iterable[str], legs: dict[str, Any], cases: dict[str, Any]
) -> list[str]:
    """What the service has answered, it must have stored: the call, its end, and a case that has
    ended or has a timer."""
    inbound = {one.sid for one in stood}
    wrong = [f"lost {sid}" for sid in known if sid in inbound and sid not in legs]
    for sid, row in legs.items():
        mine = cases.get(row.case_id)
        if mine is None:
            wrong.append(f"no case of {sid}")
        elif mine.closed_at is None and mine.due_at is None:
            wrong.append(f"nobody looks after the case of {sid}: {mine.status}")
        if row.ended_at is None:
            wrong.append(f"the end of {sid} is not known")
    return wrong


def last_words(catalog: Catalog) -> frozenset[str]:
    return frozenset(
        " ".join(sentence.split())
        for words in catalog.words.values()
        for key in LAST
        if key in words
        for sentence in (words[key], *sentences(words[key]))
    )


def dropped(stood: Sequence[Stands], last: frozenset[str]) -> list[str]:
    """Callers who did not hang up must be with somebody, in the queue, being asked a question, or
    have heard a goodbye. If the service was down, Twilio ended the call with its own message."""
    return [
        f"{one.sid} ended after {one.said[-1:]}"
        for one in stood
        if not one.live
        and not one.hung_up
        and not (one.fault or ERROR in one.said[-1:])
        and not last & set(one.said[-8:])
    ]


def twice(promised: Sequence[Any], rung: Sequence[str], case_of: Mapping[str, str]) -> list[str]:
    """Each call to a resident must have rung once, and there must be no more calls than
    attempts."""
    attempts: Counter[str] = Counter()
    for row in promised:
        attempts[row.case_id] += row.attempts
    made = Counter(case_of.get(call_id, "") for call_id in set(rung))
    again = [f"{call_id} rang {many} times" for call_id, many in Counter(rung).items() if many > 1]
    return again + [
        f"{many} calls to the resident of {case_id} in {attempts[case_id]} attempts"
        for case_id, many in made.items()
        if many > attempts[case_id]
    ]


def unkept(promised: Sequence[Any]) -> list[str]:
    return [
        f"{row.id} is {row.state} {row.outcome}, {row.attempts} attempts"
        for row in promised
        if row.state not in (CallbackState.DONE, CallbackState.CANCELLED)
        or (row.state == CallbackState.DONE and not row.outcome)
    ]
