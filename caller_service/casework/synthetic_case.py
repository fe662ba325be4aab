"""What the probe (`caller-service probe`) needs beside the public channels: to see its case, and to
end it.

Only a marked case is ever touched here. Who may make one is decided in casework/receive.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from caller_service.core.case import Case
from caller_service.core.program import DestinationKind
from caller_service.core.synthetic_case import over, withdraw
from caller_service.store import cases, hand_offs, probes, turns
from caller_service.store.database.transaction import reading, transaction
from caller_service.store.journal import Author
from caller_service.store.visits import VisitState

from . import page_visit
from .change import change
from .parts import Parts

WHO = Author.PROBE  # in the journal


def clear(parts: Parts) -> int:
    """End every open test case, with the outcome `test`; returns how many there were."""
    with reading(parts.engine) as conn:
        left = cases.open_tests(conn)
    for case_id in left:
        change(parts, case_id, over, WHO)
    return len(left)


def standing(parts: Parts) -> Case | None:
    """The open case of the number set aside, marked or not; None if there is none."""
    with reading(parts.engine) as conn:
        return turns.load_turn(conn, parts.sealer, parts.program.numbers.probe, parts.now()).case


def opened(parts: Parts, secret: str) -> VisitState | None:
    """The private page of the probe's own browser, and its case as it stands."""
    return page_visit.find(parts, secret)


def queued(parts: Parts, case_id: str) -> bool:
    """Is the hand-off in the dispatch queue, as it stands: does the console have its latest
    revision?"""
    console = next(
        (one.name for one in parts.program.destinations if one.kind == DestinationKind.CONSOLE), ""
    )
    with reading(parts.engine) as conn:
        return hand_offs.in_queue(conn, case_id, console)


def paged(parts: Parts, case_id: str) -> bool:
    """Is the page there that would have gone out?"""
    with reading(parts.engine) as conn:
        return hand_offs.held_page(conn, case_id)


def take_back(parts: Parts, case_id: str) -> None:
    """The service did not mark the case: its one word asked for nothing, and it ends as no
    request."""
    change(parts, case_id, withdraw, WHO)


def keep(parts: Parts, results: Sequence[probes.Result]) -> None:
    """Keep the results, for /metrics."""
    with transaction(parts.engine) as conn:
        probes.keep(conn, results)
