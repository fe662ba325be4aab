"""What is refused at the doors is seen: counted by door and reason, and logged at most once a
minute for each. What looks honest is an alarm with a name of its own."""

from __future__ import annotations

import logging
import threading
import time

from flask import g, has_request_context
from prometheus_client import Counter, Gauge

log = logging.getLogger(__name__)
# The alarm, by its own name, so that an operator can watch for that alone.
alarm = logging.getLogger("caller_service.turned_away")

# Of this process: each web process counts its own. A scrape reaches one of them.
REFUSED = Counter(
    "caller_refused", "Requests refused, by door and reason.", ["door", "reason"], registry=None
)
# A time and no count: it is there from the start, and the greatest of all scrapes is the truth
# whichever process they reach.
TURNED_AWAY = Gauge(
    "caller_turned_away_timestamp_seconds",
    "When a request that looks like our own Twilio account's was last refused; 0: never.",
    registry=None,
)
QUIET = 60.0  # seconds between two log lines about the same door and reason

_logged: dict[tuple[str, str, bool], float] = {}
_lock = threading.Lock()


def refused(door: str, reason: str, honest: bool = False) -> None:
    """Count a refusal. `honest`: it looks like our own provider's, so that people may be turned
    away; that is an alarm, from the first one on."""
    if has_request_context():
        g.refusal_counted = True
    REFUSED.labels(door, reason).inc()
    if honest:
        TURNED_AWAY.set_to_current_time()
    now = time.monotonic()
    with _lock:
        if now - _logged.get((door, reason, honest), -QUIET) < QUIET:
            return
        _logged[door, reason, honest] = now
    if honest:
        alarm.error(
            "refused what looks like our own Twilio account: people may be turned away. Is "
            "CALLER_PUBLIC_URL what Twilio calls? caller-service check compares",
            extra={"door": door, "fault": reason},
        )
    else:
        log.warning("refused", extra={"door": door, "fault": reason})
