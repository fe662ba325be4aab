"""Erases the provider's copy of one text whose words are erased here: its body, and once the number
is erased, too, the whole record. Doing it twice changes nothing."""

from __future__ import annotations

import logging
from datetime import timedelta

from caller_service.casework.parts import Parts
from caller_service.gateway.telephony import TelephonyError
from caller_service.store import erasure
from caller_service.store.database.transaction import reading, transaction

log = logging.getLogger(__name__)
AGAIN = timedelta(hours=1)  # after a failure: tried until it is done


def redact_text(parts: Parts, message_id: str, job: str = "") -> None:
    """Ask the provider once; a failure is logged by its code and tried again."""
    with reading(parts.engine) as conn:
        copy = erasure.copy_of(conn, message_id)
    if copy is None:
        return
    until = None
    try:
        if copy.whole:
            parts.telephony.delete_text(copy.provider_id)
        else:
            parts.telephony.redact(copy.provider_id)
    except TelephonyError as problem:
        log.warning("a text was not redacted at the provider", extra={"fault": problem.code})
        until = parts.now() + AGAIN
    with transaction(parts.engine) as conn:
        erasure.redact_next(conn, message_id, copy.due, until)
