"""What a human must know before they write or go: told to whoever takes a case on the phone
(docs/safety-rules.md, rules 9, 10, 24 and 26). Keys of the catalog."""

from __future__ import annotations

from .case import Case
from .safe_contact import Standing, standing, texts_wanted
from .said import Said

_BY_STANDING = {
    Standing.WATCHED: "terms.watched",
    Standing.STOPPED: "terms.stopped",
    Standing.VIOLENCE: "terms.violence",
    Standing.UNSAFE: "terms.unsafe",
    Standing.UNWANTED: "terms.unwanted",
    Standing.NOT_ASKED: "terms.not_asked",
}


def terms(case: Case) -> tuple[str, ...]:
    """How they may be reached, what language they write, who was threatened, and that a minor needs
    a look; nothing where texts are wanted and nothing else is known."""
    stands = standing(case)
    reached = "terms.parked" if case.parked else _BY_STANDING.get(stands, "")
    if stands == Standing.VIOLENCE and Said.THREAT_STAFF in case.said:
        reached = ""  # theirs is the threat
    if not reached and not texts_wanted(case):
        reached = "terms.calls"
    return tuple(
        key
        for key, holds in (
            (reached, bool(reached)),
            ("terms.language", bool(case.unread_language) or case.interpreter),
            ("terms.threat", Said.THREAT_STAFF in case.said and not case.minor_reviewed),
            ("page.minor", case.minor and not case.minor_reviewed),
        )
        if holds
    )
