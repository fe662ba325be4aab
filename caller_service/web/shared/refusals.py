"""What is refused at the doors is seen: counted by door and reason, and logged at most once a
minute for each."""

from __future__ import annotations

import logging
import threading
import time

from prometheus_client import Counter

log = logging.getLogger(__name__)

# Of this process: each web process counts its own, and a collector sums what it scrapes.
REFUSED = Counter(
    "caller_refused", "Requests refused, by door and reason.", ["door", "reason"], registry=None
)
QUIET = 60.0  # seconds between two log lines about the same door and reason

_logged: dict[tuple[str, str], float] = {}
_lock = threading.Lock()


def refused(door: str, reason: str, honest: bool = False) -> None:
    """Count a refusal. `honest`: it looks like our own provider's, so that people may be turned
    away; that is an alarm."""
    REFUSED.labels(door, reason).inc()
    now = time.monotonic()
    with _lock:
        if now - _logged.get((door, reason), -QUIET) < QUIET:
            return
        _logged[door, reason] = now
    if honest:
        log.error(
            "refused what looks honest: is CALLER_PUBLIC_URL what Twilio calls?",
            extra={"door": door, "fault": reason},
        )
    else:
        log.warning("refused", extra={"door": door, "fault": reason})
