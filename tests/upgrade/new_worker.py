"""A worker of this release on a database that an older one left, with its own stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from running import Running, clean_environment, short_program, until

from caller_service.config.settings import Settings
from caller_service.rehearsal.board import Board
from caller_service.rehearsal.cad_stand_in import create_cad
from caller_service.rehearsal.carrier import TwilioSettings
from caller_service.rehearsal.carrier_state import Exchange
from caller_service.rehearsal.dispatcher import CadSettings
from caller_service.rehearsal.pages import served
from caller_service.rehearsal.twilio_stand_in import create_twilio

NOBODY = "http://127.0.0.1:9"  # no web server runs there


class NewWorker:
    """`ours`: the program's phone number."""

    def __init__(self, settings: Settings, ours: str, folder: Path, **environment: str) -> None:
        self.database_url, self.folder, self.environment = (
            settings.database_url,
            folder,
            environment,
        )
        secret = settings.secret("REHEARSAL_CAD_SECRET")
        self._cad = create_cad(CadSettings(NOBODY, "unused", secret, auto=False))
        self._twilio = create_twilio(
            TwilioSettings(
                settings.twilio_account_sid, settings.twilio_auth_tokens[0], NOBODY, ours
            )
        )
        self.board: Board = self._cad.extensions["board"]
        self.exchange: Exchange = self._twilio.extensions["exchange"]
        self.exchange.switch({"receipts_missing": True})  # there is no server to receive them

    @contextmanager
    def works(self) -> Iterator[Callable[[Callable[[], bool], str], None]]:
        """Runs the worker; yields a function that waits until something is done. At the end the
        worker must stop when asked, with no failure in its log."""
        with served(self._cad) as cad_url, served(self._twilio) as twilio_url:
            told = clean_environment(
                **self.environment,
                CALLER_DATABASE_URL=self.database_url,
                CALLER_PUBLIC_URL="https://house.test",
                CALLER_PROGRAM=str(short_program(self.folder, cad_url)),
                CALLER_TWILIO_API_URL=twilio_url,
                CALLER_WORKER_ID="worker-of-new",
            )
            worker = Running(["work"], self.folder, told, self.folder / "worker.log")
            try:
                yield lambda done, what: until(lambda: done() or not worker.alive, what) and None
            finally:
                code = worker.end()
        assert code == 0 and "failed" not in worker.said, worker.said
