"""The service as processes in a folder: started, killed with -9, waited for; and the errors in
their logs."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

STARTED = 120.0  # seconds that a process may take to start on a busy machine


class Process(Protocol):
    """The part of `subprocess.Popen` that is used."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...


# begins a command: its words, folder, environment, and the file that what it says is added to
Begin = Callable[[Sequence[str], Path, Mapping[str, str], Path], Process]


def by_hand(
    words: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
) -> Process:
    """A command of ours in a process group of its own."""
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "caller_service.commands.main", *words], cwd=folder,
            env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            start_new_session=True,
        )  # fmt: skip


class Service:
    """The real `serve` and `work`, each a process in a group of its own that can be killed and
    started again."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        workers: tuple[str, ...],
        begin: Begin = by_hand,
    ) -> None:
        self.folder, self.port = folder, int(environment["CALLER_BIND"].rpartition(":")[2])
        self.names = ["web", *workers]
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CALLER_", "TWILIO_")) and not name.lower().endswith("_proxy")
        }
        self._environment = {**kept, **environment}
        self._begin = begin
        self._running: dict[str, tuple[Process, int]] = {}

    def set(self, environment: Mapping[str, str]) -> None:
        """Set the environment of processes that are started from now on."""
        self._environment = {**self._environment, **environment}

    def start(self, name: str, *words: str) -> Process:
        words = words or (
            ("serve", "--workers", "2", "--threads", "8") if name == "web" else ("work",)
        )
        log = self._log(name)
        said = log.stat().st_size if log.exists() else 0
        environment = {**self._environment, "CALLER_WORKER_ID": name}
        started = self._begin(words, self.folder, environment, log)
        self._running[name] = (started, said)
        return started

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        started, _ = self._running[name]
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(started.pid, number)
        if number == signal.SIGKILL:
            started.wait()

    def until_up(self) -> None:
        """Start what is down; returns when the web server answers and each worker is ready."""
        for name in self.names:
            if name not in self._running or self._running[name][0].poll() is not None:
                self.start(name)
        end = time.monotonic() + STARTED
        while not all(map(self._up, self.names)):
            if time.monotonic() > end:
                raise RuntimeError(
                    "not up: "
                    + ", ".join(self._log(name).read_text()[-2000:] for name in self.names)
                )
            time.sleep(0.05)

    def _up(self, name: str) -> bool:
        if name != "web":
            return b"\nready" in self._log(name).read_bytes()[self._running[name][1] :]
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(conn):
            conn.request("GET", "/health/ready")
            return conn.getresponse().status == 200
        return False

    def end(self) -> None:
        """Terminate all processes, then kill those that remain."""
        for name in self._running:
            self.kill(name, signal.SIGTERM)
        for name, (started, _) in self._running.items():
            with contextlib.suppress(subprocess.TimeoutExpired):
                started.wait(8)
            self.kill(name)

    def faults(self) -> Counter[str]:
        """The errors in the service's logs, by kind."""
        said = "\n".join(file.read_text() for file in self.folder.glob("*.log"))
        found = re.findall(
            r"(turn failed|job failed|case cannot be decided|sweep failed).*?fault=(\w+)", said
        )
        return Counter(f"{what}, {fault}" for what, fault in found)
