"""Imported once, by the process that `forked.py` forks commands from: all that a command imports
and reads at its start, whatever its settings say."""

import gc
import tempfile
from pathlib import Path

import caller_service
import caller_service.commands.main
import caller_service.commands.rehearse
import caller_service.server.web_server
import caller_service.server.worker_process
from caller_service.config.settings import Settings

with tempfile.TemporaryDirectory() as _folder:
    _app = caller_service.create_app(Settings.from_environment({}, here=Path(_folder)))
    _app.extensions["caller_parts"].engine.dispose()
gc.freeze()
