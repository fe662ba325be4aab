"""Group commit on SQLite: work that is ready at the same moment shares one transaction. Each piece
of work is written completely or not at all, sees only its own errors, and never waits for a writer,
a lock or the disk beyond its own deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from at_once import SOON, begin, joined, waits_in_vain
from conftest import twiml
from psycopg.pq import TransactionStatus
from running import until

from caller_service.casework.receive import Turn, receive
from caller_service.store import journal
from caller_service.store.database import sqlite_writer
from caller_service.store.database.deadline import WRITE_WAIT, deadline
from caller_service.store.database.group_commit import MOST, GroupCommit, NotWritten
from caller_service.store.database.sqlite_writer import QueuedConnection
from caller_service.store.database.transaction import NestedWrite, reading, transaction

if TYPE_CHECKING:
    from conftest import House

# ---- what is written together --------------------------------------------------------------------


@pytest.fixture
def lite(house: House) -> House:
    """There is group commit on SQLite only."""
    if house.parts.engine.dialect.name != "sqlite":
        pytest.skip("on PostgreSQL each writes alone")
    return house


def note(house: House, word: str) -> Callable[[sa.Connection], str]:
    """A piece of work: writes one journal entry."""

    def work(conn: sa.Connection) -> str:
        journal.write(
            conn, [journal.Entry(house.parts.new_id(), house.clock(), "", "system", word)]
        )
        return word

    return work


def noted(house: House) -> list[str]:
    return sorted(row.event for row in house.rows("journal"))


@contextmanager
def counted(house: House) -> Iterator[list[int]]:
    """Counts the transactions that are committed meanwhile."""
    commits: list[int] = []

    def one(_: object) -> None:
        commits.append(1)

    sa.event.listen(house.parts.engine, "commit", one)
    try:
        yield commits
    finally:
        sa.event.remove(house.parts.engine, "commit", one)


@contextmanager
def somebody_writes(house: House) -> Iterator[Callable[[], None]]:
    """The writer thread is in the middle of writing "first", until released, or to the end."""
    begun, go = threading.Event(), threading.Event()

    def slow(conn: sa.Connection) -> None:
        note(house, "first")(conn)
        begun.set()
        assert go.wait(SOON)

    writer, given = begin(lambda: house.parts.writer.write(slow))
    assert begun.wait(SOON)
    try:
        yield go.set
    finally:
        go.set()
        joined(writer)
    assert given == [None]


def waiting(house: House) -> int:
    """How many pieces of work are waiting for the writer thread."""
    writer = house.parts.writer
    return writer._waiting.qsize() if isinstance(writer, GroupCommit) else 0


def all_ready(house: House, *doing: Callable[[], Any]) -> list[Any]:
    """On SQLite all of these are waiting, in this order, before the first is written. On PostgreSQL
    they start together."""
    with ExitStack() as stack:
        if house.parts.engine.dialect.name == "sqlite":
            ends = stack.enter_context(occupied(house))
            threads, given = [], []
            for place, one in enumerate(doing):
                thread, answer = begin(one)
                threads += thread
                given.append(answer)
                until(lambda place=place: waiting(house) == place + 1, "it waits")
            ends()
            joined(threads)
            return [answer[0] for answer in given]
        threads, given = begin(*doing)
        joined(threads)
        return given


@contextmanager
def occupied(house: House) -> Iterator[Callable[[], None]]:
    """Keeps the writer thread busy with unrelated work, until released."""
    begun, go = threading.Event(), threading.Event()

    def decide(_: sa.Connection) -> Callable[[sa.Connection], None]:
        begun.set()
        assert go.wait(SOON)
        raise LookupError("nothing to write")

    thread, given = begin(lambda: house.parts.writer.decide_and_write(decide))
    assert begun.wait(SOON)
    try:
        yield go.set
    finally:
        go.set()
        joined(thread)
    assert isinstance(given[0], LookupError)


def test_those_who_wait_are_written_in_one_transaction_and_each_has_its_own_answer(
    lite: House,
) -> None:
    words = [f"word{place:02d}" for place in range(6)]
    with counted(lite) as commits:
        given = all_ready(
            lite, *(lambda word=word: lite.parts.writer.write(note(lite, word)) for word in words)
        )
    assert given == words
    assert noted(lite) == words
    assert len(commits) == 1


def test_more_than_fit_in_one_transaction_take_two(lite: House) -> None:
    words = [f"word{place:02d}" for place in range(MOST + 3)]
    with counted(lite) as commits:
        given = all_ready(
            lite, *(lambda word=word: lite.parts.writer.write(note(lite, word)) for word in words)
        )
    assert given == words
    assert noted(lite) == words
    assert len(commits) == 2


def test_those_who_come_while_somebody_writes_are_written_next_all_at_once(lite: House) -> None:
    words = [f"word{place}" for place in range(5)]
    with counted(lite) as commits, somebody_writes(lite) as ends:
        threads, given = begin(
            *(lambda word=word: lite.parts.writer.write(note(lite, word)) for word in words)
        )
        until(lambda: waiting(lite) == len(words), "all are ready")
        ends()
        joined(threads)
    assert given == words
    assert noted(lite) == ["first", *words]
    assert len(commits) == 2


def test_an_error_is_its_own_ones_alone(house: House) -> None:
    """The others are written without it, still in one transaction."""

    def fails(conn: sa.Connection) -> str:
        note(house, "lost")(conn)
        raise ValueError("mine")

    with counted(house) as commits:
        given = all_ready(
            house,
            lambda: house.parts.writer.write(note(house, "before")),
            lambda: house.parts.writer.write(fails),
            lambda: house.parts.writer.write(note(house, "behind")),
        )
    assert len(commits) == (1 if house.parts.engine.dialect.name == "sqlite" else 2)
    assert [given[0], given[2]] == ["before", "behind"]
    assert isinstance(given[1], ValueError)
    assert noted(house) == ["before", "behind"]


def test_whoever_writes_for_others_and_ends_leaves_them_to_write_themselves(house: House) -> None:
    def ends(conn: sa.Connection) -> str:
        note(house, "lost")(conn)
        raise SystemExit

    given = all_ready(
        house,
        lambda: house.parts.writer.write(note(house, "before")),
        lambda: house.parts.writer.write(ends),
    )
    assert given[0] == "before"
    assert isinstance(given[1], SystemExit)
    assert noted(house) == ["before"]


def test_what_was_perhaps_committed_is_not_written_again(lite: House) -> None:
    """A commit that fails may have been durable all the same: each caller gets the error, and
    decides for itself."""
    runs: list[str] = []

    def counts(word: str) -> Callable[[], str]:
        def work(conn: sa.Connection) -> str:
            runs.append(word)
            return note(lite, word)(conn)

        return lambda: lite.parts.writer.write(work)

    def breaks(_: object) -> None:
        raise ConnectionError("the wire was cut")

    sa.event.listen(lite.parts.engine, "commit", breaks)
    try:
        given = all_ready(lite, counts("one"), counts("two"), counts("three"))
    finally:
        sa.event.remove(lite.parts.engine, "commit", breaks)
    assert [(type(each), str(each)) for each in given] == [(NotWritten, "ConnectionError")] * 3
    assert runs == ["one", "two", "three"]
    assert noted(lite) == []


def test_a_database_that_nobody_can_write_is_waited_for_once(lite: House) -> None:
    """All six wait concurrently (`all_ready`), each once, and no longer than their own deadline."""

    def hurried() -> str:
        with deadline(1), pytest.raises(NotWritten):
            lite.parts.writer.write(note(lite, "in vain"))
        return threading.current_thread().name

    with lite.parts.engine.begin() as other, waits_in_vain(lite.parts.engine) as waits:
        other.execute(sa.text("UPDATE journal SET who = who WHERE id = ''"))
        given = all_ready(lite, *[hurried] * 6)
    assert [len(waits[name]) for name in given] == [1] * 6
    assert max(waits[name][0] for name in given) <= 1
    assert noted(lite) == []


def test_who_has_little_time_left_does_not_decide_for_the_others(lite: House) -> None:
    """Another writer takes a second and a half: too long for one of them, not for the other."""

    def hurried() -> str:
        with deadline(0.1):
            return lite.parts.writer.write(note(lite, "hurried"))

    def patient() -> str:
        with deadline(5):
            return lite.parts.writer.write(note(lite, "patient"))

    end = threading.Event()
    with lite.parts.engine.begin() as other:
        other.execute(sa.text("UPDATE journal SET who = who WHERE id = ''"))
        threads, given = begin(hurried, patient)
        end.wait(1.5)
    joined(threads)
    assert isinstance(given[0], sa.exc.SQLAlchemyError)
    assert given[1] == "patient"
    assert noted(lite) == ["patient"]


def test_on_postgresql_a_row_that_somebody_holds_holds_up_nobody_else(house: House) -> None:
    if house.parts.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no locks on rows")
    numbers = [f"+1720555018{place}" for place in range(4)]
    for number in numbers:
        house.resident(number).texts("hi")
    house.wait(10)
    heard = house.clock()

    def turn(number: str) -> Callable[[], Any]:
        def doing() -> Any:
            with deadline(3):
                return receive(house.parts, Turn(f"SM{number[1:]}", number, "1", heard))

        return doing

    with house.parts.engine.begin() as other:
        held = sa.text('SELECT id FROM "case" ORDER BY id LIMIT 1 FOR UPDATE')
        other.execute(held)
        given = all_ready(house, *(turn(number) for number in numbers))
    assert isinstance(given[0], sa.exc.OperationalError)
    assert all(isinstance(each, tuple) and each for each in given[1:]), given


def test_who_only_reads_opens_no_transaction_and_the_next_to_write_has_one(house: House) -> None:
    engine = house.parts.engine
    with reading(engine) as conn:
        conn.execute(sa.text("SELECT 1")).scalar_one()
        driver = conn.connection.dbapi_connection
        if engine.dialect.name == "postgresql":
            assert driver.info.transaction_status == TransactionStatus.IDLE  # type: ignore[union-attr]
        else:
            assert not driver.in_transaction  # type: ignore[union-attr]
    with pytest.raises(RuntimeError), transaction(engine) as conn:
        note(house, "half")(conn)
        raise RuntimeError
    assert noted(house) == []


def test_a_commit_that_does_not_end_gives_sixteen_residents_the_words_in_time(
    lite: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk's sync hangs until all of them have been answered. The commit was durable after all:
    each text is one turn, once."""
    ends, commit = threading.Event(), QueuedConnection.commit

    def hangs(connection: QueuedConnection) -> None:
        if connection.in_transaction:
            assert ends.wait(SOON)
        commit(connection)

    people = [lite.resident(f"+17205551{place:03d}") for place in range(16)]
    monkeypatch.setattr(QueuedConnection, "commit", hangs)
    threads, given = begin(
        *(
            lambda me=me, place=place: me.posts("hi", sid=f"SMslow{place}")
            for place, me in enumerate(people)
        )
    )
    joined(threads)
    said = [twiml(each.text) for each in given]
    ends.set()
    monkeypatch.setattr(QueuedConnection, "commit", commit)
    assert said == [[lite.words("fallback"), lite.words("fallback", "es")]] * 16
    until(
        lambda: lite.resident("+17205551999").posts("hi").status_code == 200 and waiting(lite) == 0,
        "the writer goes on",
    )
    kept = {
        row.provider_id
        for row in lite.rows("message", direction="in")
        if row.provider_id.startswith("SMslow")
    }
    assert kept, "those that were being written were kept after all"
    lite.settles()
    for place, me in enumerate(people):
        asked = [words for words in lite.texts_to(me.number) if lite.words("ask.who") in words]
        assert len(asked) == (f"SMslow{place}" in kept), "the question reaches them, once (rule 8)"
    again = [twiml(me.posts("hi", sid=f"SMslow{n}").text) for n, me in enumerate(people)]
    for place, words in enumerate(again):
        assert bool(words) == (f"SMslow{place}" not in kept), "what was sent is not said twice"
    assert len(lite.rows("case")) == 17


def test_once_a_wait_was_in_vain_the_next_are_short_until_a_write_begins(lite: House) -> None:
    lock = sqlite_writer.writer_lock(lite.parts.engine.url.database or "")
    with lite.parts.engine.begin() as other:
        other.execute(sa.text("UPDATE journal SET who = who WHERE id = ''"))
        with deadline(0.6), pytest.raises(sa.exc.SQLAlchemyError):
            lite.parts.writer.write(note(lite, "in vain"))
        assert lock.limit(WRITE_WAIT) == sqlite_writer.TRIPPED_WAIT
    assert lite.parts.writer.write(note(lite, "kept")) == "kept"
    assert lock.limit(WRITE_WAIT) == WRITE_WAIT
    assert noted(lite) == ["kept"]


def test_nobody_waits_for_a_writer_longer_than_their_own_time(lite: House) -> None:
    """They give up while the writer is still writing."""

    def hurried() -> str:
        with deadline(0.2), pytest.raises(NotWritten):
            lite.parts.writer.write(note(lite, "hurried"))
        return threading.current_thread().name

    with somebody_writes(lite), waits_in_vain(lite.parts.engine) as waits:
        threads, given = begin(hurried)
        joined(threads)
        assert [limit <= 0.2 for limit in waits[given[0]]] == [True]


def test_nobody_writes_in_the_middle_of_a_transaction(house: House) -> None:
    with transaction(house.parts.engine), pytest.raises(NestedWrite):
        house.parts.writer.write(note(house, "inside"))


def test_turns_of_one_number_and_of_many_at_once_are_each_one_turn(house: House) -> None:
    """The same text twice, two texts of one person, and others at the same time: what cannot share
    a transaction is written separately."""
    heard = house.clock()

    def turn(sid: str, number: str, said: str) -> Callable[[], Any]:
        return lambda: receive(house.parts, Turn(sid, number, said, heard))

    given = all_ready(
        house,
        turn("SMone00", "+17205550181", "hi"),
        turn("SMsame00", "+17205550182", "hi"),
        turn("SMsame00", "+17205550182", "hi"),
        turn("SMtwo00", "+17205550181", "are you there"),
        turn("SMthree00", "+17205550183", "hola"),
    )
    assert all(given) and not [each for each in given if isinstance(each, Exception)]
    assert [each.words for each in given[1]] == [each.words for each in given[2]]
    assert len(house.rows("contact")) == len(house.rows("case")) == 3
    assert len(house.rows("message", direction="in")) == 4
