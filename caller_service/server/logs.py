"""Logs hold references only: never words, numbers or places, and no traceback whose values could be
somebody's."""

from __future__ import annotations

import logging

LOG = "%(asctime)s %(levelname)s %(name)s %(message)s"


class PlainFormatter(logging.Formatter):
    """Message and our own references; never a traceback, whose values could be somebody's words."""

    SHOWN = ("job", "fault", "door", "destination", "tries", "message_id", "call_id", "case")

    def format(self, record: logging.LogRecord) -> str:
        record.exc_info = record.exc_text = record.stack_info = None
        told = " ".join(
            f"{name}={getattr(record, name)}"
            for name in self.SHOWN
            if getattr(record, name, None) not in (None, "")
        )
        return f"{super().format(record)} {told}".rstrip()


def log_plainly() -> None:
    """References only, to standard error."""
    stream = logging.StreamHandler()
    stream.setFormatter(PlainFormatter(LOG))
    root = logging.getLogger()
    root.handlers[:] = [stream]
    root.setLevel(logging.INFO)
    for loud in ("alembic", "dbos", "werkzeug", "urllib3", "twilio", "sqlalchemy"):
        logging.getLogger(loud).setLevel(logging.ERROR)
    # it names paths, which may hold a secret
    logging.getLogger("waitress").setLevel(logging.CRITICAL)
