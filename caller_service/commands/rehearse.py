"""`caller-service rehearse`: the whole service on this machine, in one command.

Imports once, binds the sockets, then forks the web server, the worker and the stand-ins before any
engine or thread exists. Each child has its own process group and ends when the parent's pipe
closes, however the parent ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

import caller_service
import caller_service.app
from caller_service.casework.parts import new_id
from caller_service.config.program_file import read_program
from caller_service.config.settings import Settings, derived_text
from caller_service.core.access import SCOPES, Token, kind_for
from caller_service.core.program import Destination, DestinationKind, Program
from caller_service.language.lexicons import read_combinations
from caller_service.rehearsal.cad_stand_in import create_cad
from caller_service.rehearsal.carrier import TwilioSettings
from caller_service.rehearsal.dispatcher import CadSettings
from caller_service.rehearsal.twilio_stand_in import create_twilio
from caller_service.server.logs import log_plainly
from caller_service.server.web_server import Web
from caller_service.server.worker_process import run_worker
from caller_service.store import tokens
from caller_service.store.database.transaction import transaction

from .database import migrated
from .people import PHONES, make_rehearsal_staff, rehearsal_lines

GRACE = 5.0  # seconds that a child has to end


def free_socket(host: str, port: int) -> socket.socket:
    """A bound socket on this port or the next free one."""
    for one in range(port, port + 200):
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, one))
            bound.listen(128)
        except OSError:
            bound.close()
            continue
        bound.set_inheritable(True)
        return bound
    raise SystemExit(f"no free port from {port} on")


def run(
    settings: Settings,
    fresh: bool = False,
    port: int = 8000,
    pace: float = 8.0,
    read_seconds: int | None = None,
) -> int:
    """Start everything, print the addresses, and wait. Returns the exit code."""
    if settings.live:
        print("CALLER_MODE is live: rehearse is for rehearsal.", file=sys.stderr)
        return 1
    program = read_program(settings.program)
    is_sqlite = settings.database_url.startswith("sqlite")
    path = (
        Path(sa.make_url(settings.database_url).database or "")
        if is_sqlite
        else Path("var") / "rehearsal"
    )
    with contextlib.ExitStack() as held:
        if not (
            _alone(held, path.with_name("rehearsal.lock"))
            and _alone(held, Path(f"{path}.worker"), keep=False)
        ):
            print(
                "A rehearsal or a worker already runs on this database; stop it first, or start in "
                "another folder.",
                file=sys.stderr,
            )
            return 1
        return _play(settings, program, fresh, port, pace, read_seconds)


def _play(
    settings: Settings,
    original: Program,
    fresh: bool,
    port: int,
    pace: float,
    read_seconds: int | None,
) -> int:
    sockets = {
        name: free_socket("127.0.0.1", first)
        for name, first in (("web", port), ("phone", port + 10), ("dispatch", port + 20))
    }
    urls = {name: f"http://127.0.0.1:{bound.getsockname()[1]}" for name, bound in sockets.items()}
    settings = replace(settings, public_url=urls["web"], twilio_api_url=urls["phone"])
    program = _pointed(original, urls["dispatch"], read_seconds)
    api_token = derived_text(settings.seed, "rehearsal-cad-token")
    if fresh:
        _forget(settings)
    # ignore a proxy that the environment sets
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    with caller_service.kept_for_good():
        read_combinations()  # once, before the fork, so that the children share it
    children = Children()
    children.finish("migrate", lambda: _prepare(settings, program, api_token))
    children.start(
        "web",
        lambda: Web(
            lambda: caller_service.create_app(settings, program),
            f"fd://{sockets['web'].fileno()}",
            1,
            16,
        ).run(),
    )
    children.start("worker", lambda: _work(settings, program))
    children.start(
        "phone", lambda: _serve(sockets["phone"], _phone(settings, program, urls["web"]))
    )
    children.start(
        "dispatch",
        lambda: _serve(
            sockets["dispatch"], _dispatch(settings, program, urls["web"], api_token, pace)
        ),
    )
    for bound in sockets.values():
        bound.close()
    _announce(program, urls, settings)
    return children.watch()


def _alone(held: contextlib.ExitStack, path: Path, keep: bool = True) -> bool:
    """Hold a lock file until `held` ends, or only check it; False if another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return False
    held.enter_context(file) if keep else file.close()
    return True


def _pointed(program: Program, dispatch_url: str, read_seconds: int | None) -> Program:
    """The rehearsal's program with its webhooks pointed at the stand-in's port, and with the
    ladder's phones under the names of those who sign in, so that they can be called."""
    destinations = tuple(
        replace(one, url=f"{dispatch_url}/hand-offs")
        if one.kind == DestinationKind.WEBHOOK
        else one
        for one in program.destinations
    )
    clocks = program.clocks if read_seconds is None else replace(program.clocks, read=read_seconds)
    ladder = tuple(replace(one, name=PHONES.get(one.name, one.name)) for one in program.ladder)
    return replace(program, destinations=destinations, clocks=clocks, ladder=ladder)


def _forget(settings: Settings) -> None:
    path = sa.make_url(settings.database_url).database
    if settings.database_url.startswith("sqlite") and path:
        for file in Path(path).parent.glob(f"{Path(path).name}*"):
            file.unlink()


def _prepare(settings: Settings, program: Program, api_token: str) -> None:
    app = caller_service.create_app(settings, program)
    migrated(app, settings)
    parts = app.extensions["caller_parts"]
    stand_in = _stand_in(program)
    with transaction(parts.engine) as conn:
        tokens.forget(conn, api_token)  # it may be left from an earlier program file
        new = Token(stand_in.name, kind_for(stand_in), stand_in.name, frozenset(SCOPES))
        tokens.add(conn, new_id(), new, api_token, parts.now())
    make_rehearsal_staff(parts, settings)


def _work(settings: Settings, program: Program) -> None:
    log_plainly()
    run_worker(
        caller_service.create_app(settings, program).extensions["caller_parts"], settings.worker_id
    )


def _phone(settings: Settings, program: Program, service_url: str) -> object:
    names = {rung.number: rung.name for rung in program.ladder if rung.number}
    ours = [one.number for one in program.numbers.ours]
    return create_twilio(
        TwilioSettings(
            settings.twilio_account_sid,
            settings.twilio_auth_tokens[0],
            service_url,
            ours[0],
            names,
            more_numbers=tuple(
                one for one in (*ours, program.numbers.callback) if one.startswith("+")
            ),
            services={one: () for one in ours if one.startswith("MG")},
        )
    )


def _dispatch(
    settings: Settings, program: Program, service_url: str, api_token: str, pace: float
) -> object:
    secret = settings.secret(_stand_in(program).secret)
    return create_cad(CadSettings(service_url, api_token, secret, pace=pace))


def _stand_in(program: Program) -> Destination:
    """The destination that the stand-in replaces: it receives every hand-off."""
    return next(one for one in program.destinations if one.kind == DestinationKind.WEBHOOK)


def _serve(bound: socket.socket, app: object) -> None:
    from werkzeug.serving import make_server

    from caller_service.rehearsal.pages import WithoutQueries

    log_plainly()
    make_server(
        "127.0.0.1",
        0,
        app,  # type: ignore[arg-type]
        threaded=True,
        fd=bound.fileno(),
        request_handler=WithoutQueries,
    ).serve_forever()


def _announce(program: Program, urls: dict[str, str], settings: Settings) -> None:
    print(f"{program.name}, in rehearsal. Nothing leaves this machine.\n")
    print(f"  Resident page   {urls['web']}/    ask for help on the web, and follow it")
    print(f"  Phone           {urls['phone']}/    text the program, and read the staff's phones")
    print(
        f"  Dispatch        {urls['dispatch']}/    hand-offs arrive here; accept them, move them, "
        f"write back"
    )
    print(f"  Console         {urls['web']}/console/sign-in")
    for line in rehearsal_lines(settings):
        print(line)
    print(f"  API             {urls['web']}/api/v1/openapi.json")
    print("\nCtrl-C stops everything.", flush=True)


class Children:
    """Child processes that end when this one does."""

    def __init__(self) -> None:
        self._pids: dict[int, str] = {}
        self._hold, self._close = os.pipe()

    def _fork(self, do: Callable[[], None]) -> int:
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            return pid
        os.setpgid(0, 0)
        os.close(self._close)
        threading.Thread(target=self._end_with_parent, daemon=True).start()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        code = 1
        try:
            do()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException as problem:
            print(f"{type(problem).__name__}: {problem}", file=sys.stderr)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _end_with_parent(self) -> None:
        select.select([self._hold], [], [])
        os.kill(0, signal.SIGTERM)
        time.sleep(GRACE)
        os.killpg(0, signal.SIGKILL)

    def finish(self, name: str, do: Callable[[], None]) -> None:
        """Run a process to its end before the next starts."""
        _, status = os.waitpid(self._fork(do), 0)
        if status:
            raise SystemExit(f"{name} failed")

    def start(self, name: str, do: Callable[[], None]) -> None:
        self._pids[self._fork(do)] = name

    def watch(self) -> int:
        """Wait until a child ends or this process is stopped; then end all children."""
        code = 0
        signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        try:
            pid, _ = os.wait()
            print(f"{self._pids.pop(pid, 'a child')} ended: stopping.", file=sys.stderr)
            code = 1
        except KeyboardInterrupt:
            print("\nStopping.", flush=True)
        self.stop()
        return code

    def stop(self) -> None:
        for number, wait in ((signal.SIGTERM, GRACE), (signal.SIGKILL, 1.0)):
            for pid in self._pids:
                os.killpg(pid, number)
            end = time.monotonic() + wait
            while self._pids and time.monotonic() < end:
                pid, _ = os.waitpid(-1, os.WNOHANG)
                if pid:
                    self._pids.pop(pid, None)
                else:
                    time.sleep(0.02)
