"""How they may be reached, and what stands in the way: stored with the case.

The values keep their words whatever the member is called.
"""

from __future__ import annotations

from enum import StrEnum


class ContactAnswer(StrEnum):
    """The choices of the question `contact` (protocols/*.toml) that code knows. Every other value,
    a doubt or none, opens nothing."""

    TEXT_CALL = "text_call"  # both are safe
    TEXT = "text"  # texts alone
    TEXT_DEAF = "text_deaf"  # texts alone: deaf, or signs
    CALL = "call"  # calls alone
    UNSAFE = "unsafe"  # neither is safe
    UNWANTED = "unwanted"  # neither is wanted


class CannotText(StrEnum):
    """`Case.cannot_text`: why texts do not reach them; "" while they do."""

    STOPPED = "stopped"  # they stopped our texts; START takes it back
    BLOCKED = "blocked"  # their provider refuses ours; START takes it back
    LANDLINE = "landline"  # the number takes no texts; a text that arrives takes it back
    UNDELIVERED = "undelivered"  # one was lost; their next text, or one that arrives, ends it
