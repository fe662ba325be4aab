"""`caller-service rehearse`: one command, without an account, up at once, and gone when it is
stopped."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from running import STARTED, Running, answers, clean_environment, command, free_port, until

from caller_service.casework.second_factor import code_at

GONE = 60.0  # seconds until all of it is gone, on a busy machine
DOORS = {"Resident page": 0, "Phone": 10, "Dispatch": 20}


class Rehearsal:
    """A `rehearse` in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        by_hand: bool = False,
        **environment: str,
    ) -> None:
        """`by_hand`: started from the command line, which takes some seconds of processor time."""
        self.folder, self.port = folder, port or free_port(10, 20)
        self._known: set[int] = set()  # its processes, as far as they were seen
        words = [
            "rehearse",
            "--fresh",
            "--port",
            str(self.port),
            "--pace",
            "0.2",
            "--read",
            "0",
        ]
        log, around = folder / f"rehearse-{self.port}.log", clean_environment(**environment)
        self.running = Running(words, folder, around, log, by_hand=by_hand)

    @property
    def addresses(self) -> dict[str, str]:
        """The URLs it printed, by the label in front."""
        lines = [line.split() for line in self.running.said.splitlines() if "http://" in line]
        return {
            " ".join(
                line[: (at := next(i for i, word in enumerate(line) if word.startswith("http")))]
            ): line[at]
            for line in lines
        }

    def up(self) -> None:
        """Wait until every printed page answers."""
        self.running.says("Ctrl-C stops everything.")
        for url in self.addresses.values():
            until(lambda url=url: answers(url) == 200, f"{url} answers", STARTED)  # type: ignore[misc]
        assert len(self.processes()) >= 5, "itself, web, worker, phone, dispatch"

    def text(self, words: str, number: str = "+17205550123") -> list[str]:
        asked = {"from": number, "body": words}
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                self.addresses["Phone"] + "phone/text", json=asked, timeout=GONE
            ).json()
        return [reply["body"] for reply in answer["replies"]]

    def phone(self) -> str:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(self.addresses["Phone"] + "phone/state", timeout=GONE).text

    def processes(self) -> set[int]:
        """Which of its processes are there. A child whose parent has ended is found if it was seen
        before (`up`)."""
        listed = subprocess.run(
            ["ps", "-eo", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        parents = {
            int(pid): int(parent)
            for pid, parent, state in map(str.split, listed)
            if state[0] != "Z"
        }
        ours = (self._known | {self.running.process.pid}) & parents.keys()
        while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
            ours |= more
        self._known |= ours
        return ours

    def worker_runs(self) -> bool:
        with (self.folder / "var" / "caller.sqlite.worker").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    def gone(self, seconds: float = GONE) -> None:
        until(
            lambda: not self.processes(), f"all processes have ended: {self.processes()}", seconds
        )
        assert not self.worker_runs()
        assert [answers(url) for url in self.addresses.values()] == [0] * len(self.addresses)

    def end(self) -> None:
        self.running.end()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def rehearsals() -> Iterator[list[Rehearsal]]:
    begun: list[Rehearsal] = []
    yield begun
    for one in begun:
        one.end()


def signs_in(one: Rehearsal, role: str) -> str:
    """Sign in with what was printed, with the current code of the printed secret; returns whom the
    page names."""
    found = re.search(
        rf"^ +(\w+ \w+) +{role} +password (\S+)\n(?: +codes (\w+), now \d{{6}})?",
        one.running.said, re.M,
    )  # fmt: skip
    assert found, one.running.said
    home = one.addresses["Console"].removesuffix("sign-in")
    with requests.Session() as session:
        session.trust_env = False

        def sends(page: str, door: str, **form: str) -> str:
            token = re.search(r'name="csrf" value="(\w+)"', page)
            assert token
            told = form | {"csrf": token[1]}
            return session.post(home + door, data=told, timeout=GONE).text

        page = session.get(home + "sign-in", timeout=GONE).text
        page = sends(page, "sign-in", name=found[1], password=found[2])
        if found[3]:
            page = sends(page, "code", code=code_at(found[3], datetime.now(UTC)))
        who = re.search(rf"{found[1]} <span[^\n]*?</span>", page)
        return who[0] if who else page


def test_up_with_every_address_printed(rehearsals: list[Rehearsal], tmp_path: Path) -> None:
    rehearsals.append(one := Rehearsal(tmp_path, by_hand=True))
    one.up()
    assert one.addresses == {
        name: f"http://127.0.0.1:{one.port + distance}/" for name, distance in DOORS.items()
    } | {
        "API": f"http://127.0.0.1:{one.port}/api/v1/openapi.json",
        "Console": f"http://127.0.0.1:{one.port}/console/sign-in",
    }
    with requests.Session() as session:
        session.trust_env = False
        phones = session.get(one.addresses["Phone"], timeout=GONE).text
    form = re.search(r'href="(http[^"]+/request)"', phones)
    assert form and form[1] == f"{one.addresses['Resident page']}request"
    assert answers(form[1]) == 200
    for role in ("administrator", "supervisor", "dispatcher"):
        assert signs_in(one, role).endswith(f'<span class="soft">{role}</span>'), role
    # A conversation without pauses: --read 0 allows fast answers. It has no story in the first
    # text, as a human has to read that and the automatic dispatcher leaves it alone.
    for said, heard in (
        ("hello", "Who needs help?"),
        ("3", "badly hurt"),
        ("2", "weapon"),
        ("2", "kill themselves"),
    ):
        assert heard in one.text(said)[-1]
    for said, heard in (
        ("2", "without putting you in danger"),
        ("1", "What help"),
        ("1", "Where"),
        ("City Hall", "going on"),
        ("2", "gun"),
        ("2", "If no team"),
    ):
        assert heard in one.text(said)[-1]
    until(
        lambda: "Our texts about this request end here" in one.phone(),
        "the automatic dispatcher has brought a team",
    )

    # Ctrl-C reaches only the command: its children are in process groups of their own.
    os.kill(one.running.process.pid, signal.SIGINT)
    assert one.running.process.wait(GONE) == 0
    one.gone()
    assert "Stopping." in one.running.said and "Traceback" not in one.running.said


def test_a_busy_port_is_skipped_and_the_next_one_printed(
    rehearsals: list[Rehearsal], tmp_path: Path
) -> None:
    port = free_port(10, 11, 20)
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", port + 10))
        busy.listen()
        rehearsals.append(one := Rehearsal(tmp_path, port))
        one.up()
        assert one.addresses["Phone"] == f"http://127.0.0.1:{port + 11}/"
        assert "Who needs help?" in one.text("hello")[-1]
    # However the parent ends, its children end, too.
    one.running.process.send_signal(signal.SIGKILL)
    one.running.process.wait(GONE)
    one.gone()


def test_a_terminal_that_closes_ends_everything(
    rehearsals: list[Rehearsal], tmp_path: Path
) -> None:
    rehearsals.append(one := Rehearsal(tmp_path))
    one.up()
    os.kill(one.running.process.pid, signal.SIGHUP)
    one.running.process.wait(GONE)
    one.gone()


def test_a_child_that_dies_ends_the_rehearsal_with_a_word(
    rehearsals: list[Rehearsal], tmp_path: Path
) -> None:
    rehearsals.append(one := Rehearsal(tmp_path))
    one.up()
    parent = one.running.process.pid
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    children = [int(line.split()[0]) for line in listed if int(line.split()[1]) == parent]
    assert len(children) == 4, "web, worker, phone, dispatch"
    os.kill(max(children), signal.SIGKILL)
    assert one.running.process.wait(GONE) == 1
    assert "ended: stopping." in one.running.said
    one.gone()


def test_rehearse_is_refused_in_live_mode(tmp_path: Path) -> None:
    ended = command(tmp_path, "rehearse", environment=clean_environment(CALLER_MODE="live"))
    assert ended.returncode == 1 and ended.stderr and "Traceback" not in ended.stderr


def test_a_second_one_in_the_same_folder_leaves_the_first_in_peace(
    rehearsals: list[Rehearsal], tmp_path: Path
) -> None:
    rehearsals.append(one := Rehearsal(tmp_path))
    one.up()
    assert "Who needs help?" in one.text("hello")[-1]
    second = Rehearsal(tmp_path, free_port(10, 20))
    rehearsals.append(second)
    ended = until(
        lambda: second.running.process.poll() is not None or "Ctrl-C" in second.running.said,
        "it starts or refuses",
    )
    assert ended and second.running.process.wait(GONE) == 1
    assert "already" in second.running.said and "Traceback" not in second.running.said
    assert "badly hurt" in one.text("3")[-1], "the first one's database is still there"


def test_a_proxy_of_the_surroundings_is_not_asked(
    rehearsals: list[Rehearsal], tmp_path: Path
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    rehearsals.append(
        one := Rehearsal(tmp_path, HTTP_PROXY=nobody, http_proxy=nobody, HTTPS_PROXY=nobody)
    )
    one.up()
    one.text("my sister took too many pills")
    until(lambda: "needs a person now" in one.phone(), "the page reaches the staff's phone")
    with requests.Session() as session:
        session.trust_env = False
        board = until(
            lambda: session.get(one.addresses["Dispatch"] + "state", timeout=GONE).json()[
                "hand_offs"
            ],
            "dispatch has it",
        )
    assert board[0]["needs_human"] is True
