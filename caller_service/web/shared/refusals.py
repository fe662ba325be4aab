"""What is refused at the doors is seen: counted by door and reason, and logged at most once a
minute for each. What looks honest is an alarm with a name of its own."""

from __future__ import annotations

import logging

from flask import g, has_request_context

from caller_service.store.process_counts import COUNTS, SharedCounter, SharedTime

log = logging.getLogger(__name__)
# The alarm, by its own name, so that an operator can watch for that alone.
alarm = logging.getLogger("caller_service.turned_away")

REFUSED = SharedCounter(
    "caller_refused", "Requests refused, by door and reason.", ("door", "reason")
)
# A time and no count: it is there from the start.
TURNED_AWAY = SharedTime(
    "caller_turned_away_timestamp_seconds",
    "When a request that looks like our own Twilio account's was last refused; 0: never.",
)
QUIET = 60.0  # seconds between two log lines about the same door and reason


def refused(door: str, reason: str, honest: bool = False) -> None:
    """Count a refusal. `honest`: it looks like our own provider's, so that people may be turned
    away; that is an alarm, from the first one on."""
    if has_request_context():
        g.refusal_counted = True
    REFUSED.add(door, reason)
    if honest:
        TURNED_AWAY.now()
    if not COUNTS.first_in(QUIET, "refusal logged", door, reason, str(honest)):
        return
    if honest:
        alarm.error(
            "refused what looks like our own Twilio account: people may be turned away. Is "
            "CALLER_PUBLIC_URL what Twilio calls? caller-service check compares",
            extra={"door": door, "fault": reason},
        )
    else:
        log.warning("refused", extra={"door": door, "fault": reason})
