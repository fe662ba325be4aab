"""An outage of the running service: many residents text at once, the disk is full, PostgreSQL is
stopped. Everybody gets a reply, no process needs an operator, and texts that could not be stored
are fetched afterwards."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import running as real
import sqlalchemy as sa
from at_once import at_once
from running import TWILIO_WAITS, House, Person, answers, connected, until
from test_outage import LONG, NoDisk, filled, small_disk
from throwaway_postgres import LIMIT, SPEED, ThrowawayPostgres

from caller_service.language.catalog import read_catalog
from caller_service.language.segments import fitted
from caller_service.store.database.engine import engine_options
from caller_service.web.shared import fallback

MANY = 8
DISPATCHER, SECOND = "Dispatcher on duty", "Second dispatcher"
PILLS = "he took all the pills"


class Server(ThrowawayPostgres):
    """A server that can be stopped, and started again with its data."""

    @property
    def ours(self) -> bool:
        return self._server is not None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        assert self._server is not None
        self._server.send_signal(signal.SIGINT)
        self._server.wait(LIMIT)
        try:
            yield
        finally:
            command = [
                str(self.bin / "postgres"),
                "-D",
                str(self._folder / "data"),
                "-k",
                str(self._folder),
                "-h",
                "",
                *SPEED,
            ]
            with (self._folder / "log").open("wb") as log:
                self._server = subprocess.Popen(command, stderr=log, **self._run)
            until(
                lambda: b"ready to accept connections" in (self._folder / "log").read_bytes(),
                "PostgreSQL is back",
                LIMIT,
            )


@dataclass
class Place:
    """The service, and what can be done to its database."""

    house: House
    # fills the disk, or stops the server
    breaks: Callable[[], AbstractContextManager[None]] | None
    # people who got the fallback text instead of an answer
    missed: list[Person] = field(default_factory=list)

    @property
    def lite(self) -> bool:
        return self.house.database_url.startswith("sqlite")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """SQLite is on a small file system of its own, PostgreSQL is a server of its own."""
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        breaks: Callable[[], AbstractContextManager[None]] | None = None
        if request.param == "postgresql":
            server = Server()
            stack.callback(server.stop)
            patch.setattr(real, "postgres", lambda: server)
            breaks = server.stopped if server.ours else None
        else:
            try:
                disk = stack.enter_context(small_disk(16))
            except NoDisk:
                pass
            else:
                patch.setattr(real, "new_database", lambda *_: lies_on(disk))
                breaks = partial(filled, disk)
        house = stack.enter_context(real.running(request.param, folder))
        yield Place(house, breaks)


@contextmanager
def lies_on(disk: Path) -> Iterator[str]:
    yield f"sqlite:///{disk / 'caller.sqlite'}"


@pytest.fixture(autouse=True)
def the_door_lives(place: Place) -> Iterator[None]:
    yield
    assert place.house.web.alive, place.house.web.said[-3000:]


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Another process that writes and does not finish."""
    engine = sa.create_engine(url, **engine_options(url))
    try:
        with engine.connect() as conn:
            lite = engine.dialect.name == "sqlite"
            conn.execute(
                sa.text(
                    "DELETE FROM token WHERE id = 'nobody'"
                    if lite
                    else "LOCK TABLE message IN ACCESS EXCLUSIVE MODE"
                )
            )
            yield
            conn.rollback()
    finally:
        engine.dispose()


def all_hear_the_words(place: Place, *people: Person) -> None:
    """All text about pills at the same moment; each gets the fallback text in both languages before
    Twilio's timeout."""
    program = place.house.program
    words = [
        fitted(line)
        for _, line in fallback.words(program, read_catalog(program.languages), "fallback")
    ]

    def texts(person: Person) -> float:
        begun = time.monotonic()
        person.texts(f"{PILLS} {LONG}")
        return time.monotonic() - begun

    given = at_once(*(lambda one=person: texts(one) for person in people))
    place.missed += people
    assert not [each for each in given if isinstance(each, Exception)], given
    assert max(given) < TWILIO_WAITS, given
    assert [person.answered for person in people] == [words] * len(people)
    assert all("911" in line and "988" in line for line in words) and len(words) == 2


def somebody_in_danger(house: House) -> str:
    """Returns the reference of their case; the first dispatcher has been paged, and nobody has
    answered."""
    reference: str = house.case_of(
        house.resident().texts("my sister took too many pills").hears("Poison Help")
    ).reference
    house.staff(DISPATCHER).is_told(f"{reference} needs a person now")
    return reference


def worker_anew(place: Place) -> None:
    """Kill the worker and start it again. The missed texts are made old enough to be fetched, and
    the worker reads Twilio's list at once."""
    house = place.house
    kept = {row[0] for row in house.rows("SELECT provider_id FROM message WHERE direction = 'in'")}
    for person in place.missed:
        text = house.exchange.found(person.sent[-1])
        assert text is not None and text.sid not in kept
        # old enough that its webhook cannot still be running
        house.exchange.set(text, at=text.at - timedelta(minutes=2))
    house.worker.end(signal.SIGKILL)
    # the worker reads the list once a minute, and already did in this minute
    with connected(house.database_url) as conn, conn.begin():
        conn.execute(
            sa.text(
                f"DELETE FROM {'' if place.lite else 'dbos.'}workflow_status WHERE name = "
                f"'catch_up'"
            )
        )
    house.worker = house.start_worker()


def test_eight_who_text_a_locked_database_at_once_all_hear_the_words_in_time(place: Place) -> None:
    house = place.house
    reference = somebody_in_danger(house)
    with locked(house.database_url):
        all_hear_the_words(place, *(house.resident() for _ in range(MANY)))
        assert (answers(f"{house.url}/health/live"), answers(f"{house.url}/health/ready")) == (
            200,
            200,
        )
    house.resident().texts("hello").hears("Who needs help?")
    # the worker has kept firing its timers
    house.staff(SECOND).is_told(f"{reference} needs a person now")
    assert house.worker.alive


def test_a_full_disk_or_a_stopped_server_is_an_outage_and_no_more(place: Place) -> None:
    house = place.house
    if place.breaks is None:
        pytest.skip(
            "a disk of its own cannot be mounted here"
            if place.lite
            else "the PostgreSQL server is not ours to stop"
        )
    people = [house.resident() for _ in range(MANY)]
    reference = somebody_in_danger(house)
    with place.breaks():
        all_hear_the_words(place, *people)
        assert (answers(f"{house.url}/health/live"), answers(f"{house.url}/health/ready")) == (
            200,
            200,
        )
        assert house.worker.alive or not place.lite

    # the same process, without a restart
    house.resident().texts("hello").hears("Who needs help?")
    # without its lock the worker must not go on: it exits, and its supervisor restarts it
    if not place.lite:
        assert until(lambda: house.worker.process.poll(), "the worker has ended") == 70
        worker_anew(place)
    house.staff(SECOND).is_told(f"{reference} needs a person now")
    assert house.worker.alive


def test_what_could_not_be_kept_is_fetched_by_the_worker_and_answered_once(place: Place) -> None:
    """Runs last: everything that was missed above, in one read of Twilio's list."""
    house = place.house
    sids = [person.sent[-1] for person in place.missed]
    assert len(sids) >= MANY
    kept = "SELECT provider_id FROM message WHERE direction = 'in' AND provider_id IS NOT NULL"
    if place.lite or place.breaks is None:  # otherwise it has been restarted already
        worker_anew(place)
    until(
        lambda: set(sids) <= {row[0] for row in house.rows(kept)},
        "every missed text is taken in",
        20,
    )
    for person in place.missed:
        person.is_told("Poison Help")
        house.staff(DISPATCHER).is_told(f"{house.case_of(person).reference} needs a person now")
    house.settles(*place.missed)
    assert [len(person.told("Poison Help")) for person in place.missed] == [1] * len(place.missed)
    heard = [row[0] for row in house.rows(kept)]
    assert len(heard) == len(set(heard))
    assert house.worker.alive
