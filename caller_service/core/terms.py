"""Catalog keys of what a human must know before they write or go, sent to whoever accepts a case by
phone (docs/safety-rules.md, rules 9, 10, 24 and 26)."""

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
# only their page reaches them, and there a human may write at any time
_BY_PAGE = {
    Standing.STOPPED: "terms.page_stopped",
    Standing.UNSAFE: "terms.page_unsafe",
    Standing.UNWANTED: "terms.page",
    Standing.NOT_ASKED: "terms.page",
}


def terms(case: Case) -> tuple[str, ...]:
    """How the resident may be contacted, which language they write, who was threatened, and that a
    minor's case needs a review. Empty where texts are wanted and nothing else is known."""
    contact_standing = standing(case)
    by_standing = _BY_STANDING | _BY_PAGE if case.on_web else _BY_STANDING
    contact_key = by_standing.get(contact_standing, "")
    if case.parked:
        contact_key = "terms.page_parked" if case.on_web else "terms.parked"
    if contact_standing == Standing.VIOLENCE and Said.THREAT_STAFF in case.said:
        contact_key = ""  # the resident is the one who threatens
    if not contact_key and not texts_wanted(case):
        contact_key = "terms.calls"
    return tuple(
        key
        for key, holds in (
            (contact_key, bool(contact_key)),
            ("terms.language", bool(case.unread_language) or case.interpreter),
            ("terms.threat", Said.THREAT_STAFF in case.said and not case.minor_reviewed),
            ("page.minor", case.minor and not case.minor_reviewed),
        )
        if holds
    )
