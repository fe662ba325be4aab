"""Logs hold references only: never anybody's words, numbers or places, and no tracebacks, which may
quote them."""

from __future__ import annotations

import logging
import re
import time

LOG = "%(asctime)s %(levelname)s %(name)s %(message)s"

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class PlainFormatter(logging.Formatter):
    """One line per record, with its time in UTC: the message and our own references, never a
    traceback, which may quote somebody's words."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"
    SHOWN = (
        "job", "fault", "door", "destination", "tries", "message_id", "call_id", "callback", "case",
        "value",
    )  # fmt: skip

    def format(self, record: logging.LogRecord) -> str:
        record.exc_info = record.exc_text = record.stack_info = None
        details = " ".join(
            f"{name}={getattr(record, name)}"
            for name in self.SHOWN
            if getattr(record, name, None) not in (None, "")
        )
        line = f"{super().format(record)} {details}".rstrip()
        # a library may quote its input: escape it, so that nobody can forge a log line
        return _CONTROL.sub(lambda found: repr(found[0])[1:-1], line)


def log_plainly() -> None:
    """Log references only, to standard error."""
    stream = logging.StreamHandler()
    stream.setFormatter(PlainFormatter(LOG))
    root = logging.getLogger()
    root.handlers[:] = [stream]
    root.setLevel(logging.INFO)
    for loud in ("alembic", "dbos", "werkzeug", "urllib3", "twilio", "sqlalchemy"):
        logging.getLogger(loud).setLevel(logging.ERROR)
    # it logs paths, which may hold a secret
    logging.getLogger("waitress").setLevel(logging.CRITICAL)
