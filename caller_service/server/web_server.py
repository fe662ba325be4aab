"""The web server: gunicorn processes with waitress inside (waitress_worker.py)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from caller_service.store.process_counts import COUNTS

from . import SWITCH
from .logs import log_plainly
from .waitress_worker import WaitressWorker


class Web(BaseApplication):
    """gunicorn with our configuration: our worker, no access log (a path may hold a secret), no
    control socket."""

    def __init__(
        self,
        app: Callable[[], Flask],
        bind: str,
        workers: int,
        threads: int,
        worker_class: Any = WaitressWorker,
    ) -> None:
        COUNTS.share()  # shared with the processes that gunicorn forks
        self._app = app
        self._options = {
            "bind": bind,
            "workers": workers,
            "threads": threads,
            "worker_class": worker_class,
            "accesslog": None,
            "errorlog": "-",
            "loglevel": "warning",
            "timeout": 30,
            "graceful_timeout": 5,
            "preload_app": False,
            # each process has its own queue of connections, so that none takes them all
            "reuse_port": workers > 1,
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        log_plainly()
        sys.setswitchinterval(SWITCH)
        return self._app()
