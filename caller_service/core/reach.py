"""How the resident may be contacted, and what prevents it: stored with the case.

The values never change, whatever the member is called.
"""

from __future__ import annotations

from enum import StrEnum


class ContactAnswer(StrEnum):
    """The choices of the question `contact` (protocols/*.toml) that code knows. Any other value, a
    doubt or no answer, allows nothing."""

    TEXT_CALL = "text_call"  # both are safe
    TEXT = "text"  # texts alone
    TEXT_DEAF = "text_deaf"  # texts alone: deaf, or signs
    CALL = "call"  # calls alone
    UNSAFE = "unsafe"  # neither is safe
    UNWANTED = "unwanted"  # neither is wanted
    PAGE = "page"  # only on their private page: no number is needed


class CannotText(StrEnum):
    """`Case.cannot_text`: why texts do not reach them; "" while they do."""

    STOPPED = "stopped"  # they stopped our texts; START ends it
    BLOCKED = "blocked"  # their provider blocks our texts; START ends it
    LANDLINE = "landline"  # the number takes no texts; a delivered text ends it
    UNDELIVERED = "undelivered"  # a text was lost; their next text, or a delivered one, ends it
    WITHHELD = "withheld"  # they called with a hidden number: nobody can write or call
