"""Makes refused requests visible: counted by endpoint and reason, and logged at most once a minute
for each. A refused request that looks genuine raises an alarm under a logger name of its own."""

from __future__ import annotations

import logging

from flask import g, has_request_context

from caller_service.store.process_counts import COUNTS, SharedCounter, SharedTime

log = logging.getLogger(__name__)
# A logger of its own, so that an operator can watch for this alarm alone.
alarm = logging.getLogger("caller_service.turned_away")

REFUSED = SharedCounter(
    "caller_refused", "Requests refused, by door and reason.", ("door", "reason")
)
# A time, not a counter: it is exported from the start.
TURNED_AWAY = SharedTime(
    "caller_turned_away_timestamp_seconds",
    "When a request that looks like our own Twilio account's was last refused; 0: never.",
)
# Another: somebody types one phone number after the other, and each is sent a text.
numbers_alarm = logging.getLogger("caller_service.many_numbers")
MANY_NUMBERS = SharedTime(
    "caller_many_numbers_timestamp_seconds",
    "When a source was last refused a text to yet another phone number; 0: never.",
)
QUIET = 60.0  # seconds between two log lines about the same endpoint and reason


def refused(endpoint: str, reason: str, honest: bool = False) -> None:
    """Count a refusal. `honest`: the request looks like one from our own provider, so people may be
    turned away; the first one already raises the alarm."""
    if has_request_context():
        g.refusal_counted = True
    REFUSED.add(endpoint, reason)
    if honest:
        TURNED_AWAY.now()
    if not COUNTS.first_in(QUIET, "refusal logged", endpoint, reason, str(honest)):
        return
    if honest:
        alarm.error(
            "refused what looks like our own Twilio account: people may be turned away. Is "
            "CALLER_PUBLIC_URL what Twilio calls? caller-service check compares",
            extra={"door": endpoint, "fault": reason},
        )
    else:
        log.warning("refused", extra={"door": endpoint, "fault": reason})


def many_numbers(endpoint: str) -> None:
    """Count a phone that was not texted, because its source had too many texted; an alarm from the
    first one on."""
    REFUSED.add(endpoint, "numbers slowed")
    MANY_NUMBERS.now()
    if COUNTS.first_in(QUIET, "many numbers logged"):
        numbers_alarm.error(
            "somebody has us text one phone after the other: the next ones are not texted",
            extra={"door": endpoint, "fault": "numbers slowed"},
        )
