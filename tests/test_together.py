"""The line before the web process, and what those in it write together: first come first served, nobody waits behind one that
hangs, each is kept whole or not at all, and nobody meets another's error."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from at_once import begin, joined
from running import until

from caller_service.casework import together as writing_together
from caller_service.casework.parts import NestedWrite, transaction
from caller_service.casework.receive import Turn, receive
from caller_service.casework.together import LINE, MOST, Line, NotWritten, Place, together
from caller_service.store import journal
from caller_service.store.connection import within

if TYPE_CHECKING:
    from conftest import House


def nobody_is_left(line: Line) -> None:
    assert line.waiting == line.ready == 0
    threads, given = begin(lambda: (line.enter(0), line.leave()))
    joined(threads)
    assert given[0][0] is True, "somebody left with the turn"


# ---- the line -------------------------------------------------------------------------------------------------------


def test_whoever_came_first_goes_first() -> None:
    line, went, arrived = Line(), [], []
    assert line.enter(5)

    def come(place: int) -> None:
        arrived.append(place)
        assert line.enter(5)
        went.append(place)
        line.leave()

    threads = [threading.Thread(target=come, args=(place,)) for place in range(8)]
    for place, thread in enumerate(threads):
        thread.start()
        while line.waiting <= place:  # the next one comes when this one stands in the line
            pass
    line.leave()
    joined(threads)
    assert went == arrived == list(range(8))
    nobody_is_left(line)


def test_whoever_waited_in_vain_leaves_the_line_and_holds_up_nobody() -> None:
    line = Line()
    assert line.enter(5)
    threads, given = begin(lambda: (line.enter(0.01), line.leave()))
    joined(threads)
    assert given[0][0] is False
    assert line.waiting == 0
    line.leave()
    nobody_is_left(line)


def test_a_turn_is_never_lost_when_patience_ends_as_it_is_given() -> None:
    """Hundreds of turns, many of them given at about the moment the one who waited turns away."""
    line, taken = Line(), [0, 0]
    alone = threading.Lock()

    def come() -> None:
        for _ in range(300):
            mine = line.enter(0.0002)
            taken[mine] += 1
            if mine:
                assert alone.acquire(blocking=False), "two at once"
                alone.release()
                line.leave()

    threads, given = begin(*[come] * 6)
    joined(threads)
    assert not [each for each in given if each]
    assert sum(taken) == 1800 and taken[True] > 0
    nobody_is_left(line)


@pytest.mark.parametrize("patience", [0.0002, 5.0])
def test_everything_that_is_ready_is_written_once_whoever_writes_it(monkeypatch: pytest.MonkeyPatch, patience: float) -> None:
    """Hundreds of turns that write, step aside, are impatient, or only look; some of them come with no turn at all."""
    monkeypatch.setattr(writing_together, "LOOK_AGAIN", 0.0002)
    line, alone, writing = Line(), threading.Lock(), threading.Lock()
    written: list[int] = []
    sizes: list[int] = []

    def come(seed: int) -> None:
        chance = random.Random(seed)
        for one in range(200):
            stands = chance.random() < 0.9
            mine = stands and line.enter(patience)
            if mine:
                assert alone.acquire(blocking=False), "two compute at once"
                alone.release()
            if chance.random() < 0.8:
                me = Place()
                me.answer = seed * 1000 + one
                if group := line.gather(me):
                    assert me in group
                    assert len(group) <= MOST
                    assert writing.acquire(blocking=False), "two write at once"
                    sizes.append(len(group))
                    time.sleep(0.0001)  # others come meanwhile
                    written.extend(place.answer for place in group)
                    for place in group:
                        place.kept = True
                    writing.release()
                    line.scatter(group, me)
                if not me.kept:
                    written.append(me.answer)
            if stands:
                line.leave()

    threads, given = begin(*[lambda seed=seed: come(seed) for seed in range(20)])
    joined(threads)
    assert not [each for each in given if each]
    assert len(written) == len(set(written)) > 2000
    assert max(sizes) > 1
    nobody_is_left(line)


# ---- what is written together ---------------------------------------------------------------------------------------


@pytest.fixture
def lite(house: House) -> House:
    """On SQLite alone is anything written together."""
    if house.parts.engine.dialect.name != "sqlite":
        pytest.skip("on PostgreSQL each writes alone")
    return house


def note(house: House, word: str) -> Callable[[sa.Connection], str]:
    """A piece of work: one line in the journal."""

    def work(conn: sa.Connection) -> str:
        journal.write(conn, [journal.Line(house.parts.new_id(), house.clock(), "", "system", word)])
        return word

    return work


def noted(house: House) -> list[str]:
    return sorted(row.event for row in house.rows("journal"))


@contextmanager
def counted(house: House) -> Iterator[list[int]]:
    """How many transactions are committed meanwhile."""
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
    """Somebody is in the middle of writing "first", until we say so, or to the end."""
    begun, go = threading.Event(), threading.Event()

    def slow(conn: sa.Connection) -> None:
        note(house, "first")(conn)
        begun.set()
        assert go.wait(10)

    writer, given = begin(lambda: together(house.parts, slow))
    assert begun.wait(10)
    try:
        yield go.set
    finally:
        go.set()
        joined(writer)
    assert given == [None]


def in_line(work: Callable[[], Any]) -> Callable[[], Any]:
    """As a request does it."""

    def doing() -> Any:
        assert LINE.enter(10)
        try:
            return work()
        finally:
            LINE.leave()

    return doing


def all_ready(*doing: Callable[[], Any]) -> list[Any]:
    """These stand in the line, one behind the other, before the first of them has the turn."""
    assert LINE.enter(0)
    threads, given = begin(*(in_line(one) for one in doing))
    until(lambda: LINE.waiting == len(doing), "all stand in the line")
    LINE.leave()
    joined(threads)
    nobody_is_left(LINE)
    return given


def test_those_in_the_line_are_written_in_one_transaction_and_each_has_its_own_answer(lite: House) -> None:
    words = [f"word{place:02d}" for place in range(6)]
    with counted(lite) as commits:
        given = all_ready(*(lambda word=word: together(lite.parts, note(lite, word)) for word in words))
    assert given == words
    assert noted(lite) == words
    assert len(commits) == 1


def test_more_than_fit_in_one_transaction_take_two(lite: House) -> None:
    words = [f"word{place:02d}" for place in range(MOST + 3)]
    with counted(lite) as commits:
        given = all_ready(*(lambda word=word: together(lite.parts, note(lite, word)) for word in words))
    assert given == words
    assert noted(lite) == words
    assert len(commits) == 2


def test_those_who_come_while_somebody_writes_are_written_next_all_at_once(lite: House) -> None:
    """As in the worker, where nobody stands in a line."""
    words = [f"word{place}" for place in range(5)]
    with counted(lite) as commits, somebody_writes(lite) as ends:
        threads, given = begin(*(lambda word=word: together(lite.parts, note(lite, word)) for word in words))
        until(lambda: LINE.ready == len(words), "all are ready")
        ends()
        joined(threads)
    assert given == words
    assert noted(lite) == ["first", *words]
    assert len(commits) == 2


def test_an_error_is_its_own_ones_alone(house: House) -> None:
    """And the others are written without it, still together."""

    def fails(conn: sa.Connection) -> str:
        note(house, "lost")(conn)
        raise ValueError("mine")

    with counted(house) as commits:
        given = all_ready(
            lambda: together(house.parts, note(house, "before")),
            lambda: together(house.parts, fails),
            lambda: together(house.parts, note(house, "behind")),
        )
    assert len(commits) == (1 if house.parts.engine.dialect.name == "sqlite" else 2)
    assert [given[0], given[2]] == ["before", "behind"]
    assert isinstance(given[1], ValueError)
    assert noted(house) == ["before", "behind"]


def test_whoever_writes_for_others_and_ends_leaves_them_to_write_themselves(house: House) -> None:
    def ends(conn: sa.Connection) -> str:
        note(house, "lost")(conn)
        raise SystemExit

    given = all_ready(lambda: together(house.parts, note(house, "before")), lambda: together(house.parts, ends))
    assert given[0] == "before"
    assert isinstance(given[1], SystemExit)
    assert noted(house) == ["before"]


def test_what_was_perhaps_committed_is_not_written_again(lite: House) -> None:
    """A commit that fails may have been kept all the same: each hears of it, and decides for itself."""
    runs: list[str] = []

    def counts(word: str) -> Callable[[], str]:
        def work(conn: sa.Connection) -> str:
            runs.append(word)
            return note(lite, word)(conn)

        return lambda: together(lite.parts, work)

    def breaks(_: object) -> None:
        raise ConnectionError("the wire was cut")

    sa.event.listen(lite.parts.engine, "commit", breaks)
    try:
        given = all_ready(counts("one"), counts("two"), counts("three"))
    finally:
        sa.event.remove(lite.parts.engine, "commit", breaks)
    assert [(type(each), str(each)) for each in given] == [(NotWritten, "ConnectionError")] * 3
    assert runs == ["one", "two", "three"]
    assert noted(lite) == []


def test_a_database_that_nobody_can_write_is_waited_for_once(lite: House) -> None:
    def hurried() -> float:
        asked = time.monotonic()
        with within(1), pytest.raises(sa.exc.SQLAlchemyError):
            together(lite.parts, note(lite, "in vain"))
        return time.monotonic() - asked

    with lite.parts.engine.begin() as other:
        other.execute(sa.text("UPDATE journal SET who = who WHERE id = ''"))
        given = all_ready(*[hurried] * 6)
    assert all(isinstance(took, float) and took < 2 for took in given), "together, not one behind the other"
    assert noted(lite) == []


def test_who_has_little_time_left_does_not_decide_for_the_others(lite: House) -> None:
    """Somebody else writes for a second and a half: too long for one of them, not for the other."""

    def hurried() -> str:
        with within(0.1):
            return together(lite.parts, note(lite, "hurried"))

    def patient() -> str:
        with within(5):
            return together(lite.parts, note(lite, "patient"))

    end = threading.Event()
    with lite.parts.engine.begin() as other:
        other.execute(sa.text("UPDATE journal SET who = who WHERE id = ''"))
        assert LINE.enter(0)
        threads, given = begin(in_line(hurried), in_line(patient))
        until(lambda: LINE.waiting == 2, "both stand in the line")
        LINE.leave()
        end.wait(1.5)
    joined(threads)
    assert isinstance(given[0], sa.exc.SQLAlchemyError)
    assert given[1] == "patient"
    assert noted(lite) == ["patient"]
    nobody_is_left(LINE)


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
            with within(3):
                return receive(house.parts, Turn(f"SM{number[1:]}", number, "1", heard))

        return doing

    with house.parts.engine.begin() as other:
        held = sa.text('SELECT id FROM "case" ORDER BY id LIMIT 1 FOR UPDATE')
        other.execute(held)
        given = all_ready(*(turn(number) for number in numbers))
    assert isinstance(given[0], sa.exc.OperationalError)
    assert all(isinstance(each, tuple) and each for each in given[1:]), given


def test_whoever_hangs_with_the_turn_holds_up_nobody_who_is_ready(house: House) -> None:
    """A client that sends its text byte by byte has the turn; whoever stepped aside for it is written all the same."""
    hangs = threading.Event()
    assert LINE.enter(0)
    ready, given = begin(in_line(lambda: together(house.parts, note(house, "ready"))))
    until(lambda: LINE.waiting == 1, "it stands in the line")
    slow, _ = begin(in_line(lambda: hangs.wait(10)))
    until(lambda: LINE.waiting == 2, "and the slow one behind it")
    LINE.leave()
    joined(ready)
    assert given == ["ready"]
    assert noted(house) == ["ready"]
    hangs.set()
    joined(slow)
    nobody_is_left(LINE)


def test_nobody_waits_for_a_writer_longer_than_their_own_time(lite: House) -> None:
    def hurried() -> float:
        asked = time.monotonic()
        with within(0.2), pytest.raises(sa.exc.OperationalError):
            together(lite.parts, note(lite, "hurried"))
        return time.monotonic() - asked

    with somebody_writes(lite):
        threads, given = begin(hurried)
        joined(threads)
    assert given[0] < 2, "not as long as the writer took"
    nobody_is_left(LINE)


def test_what_belongs_to_another_database_is_never_written_into_this_one(lite: House) -> None:
    """Two houses in one process: what is ready in both at once stays apart."""
    theirs = Place(lambda _: None, sa.create_engine("sqlite://"))
    with somebody_writes(lite) as ends:
        mine, given = begin(lambda: together(lite.parts, note(lite, "mine")))
        until(lambda: LINE.ready == 1, "mine is ready")
        threads, group = begin(lambda: LINE.gather(theirs))
        until(lambda: LINE.ready == 2, "theirs is ready")
        ends()
        until(lambda: group[0] is not None, "theirs is told to write")
        assert group[0] == [theirs]
        LINE.scatter(group[0], theirs)
        joined([*mine, *threads])
    assert given == ["mine"]
    assert noted(lite) == ["first", "mine"]
    nobody_is_left(LINE)


def test_nobody_stands_in_line_in_the_middle_of_a_transaction(house: House) -> None:
    with transaction(house.parts), pytest.raises(NestedWrite):
        together(house.parts, note(house, "inside"))
    nobody_is_left(LINE)


def test_turns_of_one_number_and_of_many_in_one_line_are_each_one_turn(house: House) -> None:
    """The same text twice, two texts of one person, and others beside them: what cannot be written together is written apart."""
    heard = house.clock()

    def turn(sid: str, number: str, said: str) -> Callable[[], Any]:
        return lambda: receive(house.parts, Turn(sid, number, said, heard))

    given = all_ready(
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
