"""Writes `docs/states.md`: the states of a case and of what we send, and the clocks.

Everything comes from the code that decides: MOVES, the states of core/outbound.py, and CLOCKS.
tests/test_readme.py compares the file with this text.
"""

from __future__ import annotations

from collections.abc import Iterator

from caller_service.core.case import MOVES, Status
from caller_service.core.clock import CLOCKS
from caller_service.core.outbound import CallbackState, CallState, DeliveryState, TextState

_HEAD = """# States and clocks

Generated from the code that decides: `MOVES` in `core/case.py`, `core/outbound.py` and `CLOCKS` in
`core/clock.py`. To generate it again: `REWRITE_DOCS=1 pytest tests/test_readme.py -k states`.

## A case

A status can follow only those with an arrow to it; the same status again changes nothing.
"""
_OUTBOUND = """
## Texts, calls, callbacks and deliveries

A receipt moves a text or a call forward from any state, and never back, because receipts can be
late, repeated and out of order.
"""
_TABLE = """
### {title}

| state | meaning | set by | then |
|---|---|---|---|
"""
_SENT = {
    "Texts": TextState,
    "Calls": CallState,
    "Callbacks": CallbackState,
    "Deliveries": DeliveryState,
}
_CLOCKS = """
## Clocks

A due time is derived from what has happened (`core/marks.py`), so an outage of an hour gives one
decision, not a burst. The earliest due time is stored in the case's row; the worker polls it twice
a second. Clocks fire in this order.

| clock | when it is due | what it does |
|---|---|---|
"""


def state_diagrams() -> str:
    """The whole document."""
    moves = "\n".join(["", "```mermaid", *_moves(), "```", ""])
    return _HEAD + moves + _OUTBOUND + "".join(_sent()) + _CLOCKS + "".join(_rows())


def _moves() -> Iterator[str]:
    yield "stateDiagram-v2"
    yield f"    [*] --> {Status.SCREENING.value}"
    for status, before in MOVES.items():
        for one in Status:  # in the order of the enumeration
            if one in before:
                yield f"    {one.value} --> {status.value}"
    for end in (Status.CLOSED, Status.CANCELLED):
        yield f"    {end.value} --> [*]"


def _sent() -> Iterator[str]:
    for title, states in _SENT.items():
        yield _TABLE.format(title=title)
        for state in states:
            follows = state.follows or "nothing"
            yield f"| `{state.value}` | {state.meaning} | {state.set_by} | {follows} |\n"


def _rows() -> Iterator[str]:
    for clock in CLOCKS:
        due, fire = _first_paragraph(clock.due), _first_paragraph(clock.fire)
        yield f"| `{clock.name}` | {due} | {fire} |\n"


def _first_paragraph(function: object) -> str:
    """A docstring's first paragraph in one line."""
    paragraph = (getattr(function, "__doc__", None) or "").split("\n\n")[0]
    return " ".join(paragraph.split())
