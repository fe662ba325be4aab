"""Our commands as processes, forked from one that has imported everything.

A start from the command line costs 3 s of processor time, nearly all of it for imports and word
lists. These tests check what a process does, not how it starts: that `serve`, `work`, `rehearse`
and `talk` start from the command line has tests of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

from caller_service.commands import main as commands


@cache
def _warm() -> ForkServerContext:
    """The process that forks; it ends with this one."""
    context, kept = multiprocessing.get_context("forkserver"), os.environ.get("PYTHONPATH")
    context.set_forkserver_preload(["warm"])
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # a module that is not found is ignored
    try:
        forkserver.ensure_running()
    finally:
        del os.environ["PYTHONPATH"]
        if kept is not None:
            os.environ["PYTHONPATH"] = kept
    return context


class Forked:
    """One command as `subprocess.Popen` shows it, in a process group of its own."""

    def __init__(
        self,
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        out: Path,
        err: Path | None = None,
    ) -> None:
        """`err`: the file for standard error; None: the same as standard output. Both are appended
        to."""
        context = _warm()
        begun, begins = context.Pipe(duplex=False)
        os.umask(mask := os.umask(0o077))  # a process inherits the umask of whoever started it
        told = (
            begins, tuple(words), str(folder), dict(environment), str(out), str(err or out), mask,
        )  # fmt: skip
        self._process = context.Process(target=_run, args=told, daemon=True)
        self._process.start()
        begins.close()
        assert begun.recv(), "it has its own group"
        begun.close()
        assert self._process.pid
        self.args, self.pid = tuple(words), self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if (code := self._process.exitcode) is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _run(
    begins: Connection,
    words: tuple[str, ...],
    folder: str,
    environment: dict[str, str],
    out: str,
    err: str,
    mask: int,
) -> None:
    """In the forked process: become the command."""
    os.setpgid(0, 0)
    os.umask(mask)
    for name, place in ((out, 1), (err, 2)):
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(file, place)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [commands.__file__, *words]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    begins.send(True)
    begins.close()
    commands.main()
