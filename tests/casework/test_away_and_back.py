"""Databases that are locked, unavailable or replaced by another file, and clocks that step: each
once broke a promise."""

from __future__ import annotations

import sqlite3
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from at_once import begin, joined, waits_in_vain
from conftest import ME, twiml
from running import until
from test_outage import (
    BACK,
    DISPATCHER,
    SECOND,
    accepted,
    listed,
    lite,
    looks,
    over_it,
    rungs,
    wall,  # noqa: F401 (a fixture)
)

from caller_service.casework.inbound import fetch_missed_texts
from caller_service.server.worker_process import PeriodicTasks
from caller_service.store.database import postgresql
from caller_service.store.database.deadline import WRITE_WAIT, remaining
from caller_service.store.database.sqlite_writer import writer_lock

if TYPE_CHECKING:
    from conftest import House


# 1 ---- a lock held by somebody who does not queue with us (sqlite3 shell, backup, litestream) ----
def test_a_foreign_lock_delays_nobody_beyond_their_own_time(house: House) -> None:
    """Each waits once, no longer than a turn may wait: neither for those ahead of them nor for the
    lock, which is held until all have got the fallback text."""
    if not lite(house):
        pytest.skip("SQLite's queue of writers")
    foreign = sqlite3.connect(str(house.parts.engine.url.database), isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")

    def ask(n: int) -> tuple[str, list[str]]:
        me = house.resident(f"+1720555700{n}")
        answer = me.posts("my brother is seeing things", sid=f"SMforeign{n}")
        return threading.current_thread().name, twiml(answer.text)

    lock = writer_lock(house.parts.engine.url.database or "")
    with waits_in_vain(house.parts.engine) as waits:
        first, heard = begin(partial(ask, 0))
        until(lock._lock.locked, "the first waits for the lock")
        others, behind = begin(*(partial(ask, n) for n in range(1, 4)))
        joined([*first, *others])
    foreign.close()
    for name, said in (*heard, *behind):
        assert "911" in said[0] and "988" in said[1]
        assert [limit <= WRITE_WAIT for limit in waits[name]] == [True]


# 2 ---- two waits in one turn ----
def test_two_locks_in_a_row_share_one_deadline(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each wait for the server may use what the earlier waits have left."""
    if lite(house):
        pytest.skip("a reader waits for nobody on SQLite")
    me = house.resident().texts("hi")
    limits: list[float] = []

    def noted(limit: float) -> float:
        left = remaining(limit)
        if threading.current_thread() is not threading.main_thread():  # the turn's own waits
            limits.append(left)
        return left

    first, second = house.parts.engine.connect(), house.parts.engine.connect()
    first.execute(sa.text("LOCK TABLE contact IN ACCESS EXCLUSIVE MODE"))
    second.execute(sa.text("LOCK TABLE message IN ACCESS EXCLUSIVE MODE"))
    with monkeypatch.context() as patch:
        patch.setattr(postgresql, "remaining", noted)
        threads, given = begin(lambda: twiml(me.posts("1", sid="SMtwolocks").text))
        with over_it(house) as beside:
            until(lambda: held_up(house, beside), "it waits for the first lock")
        first.rollback()
        joined(threads)
    second.rollback()
    first.close()
    second.close()
    assert "911" in given[0][0] and "988" in given[0][1]
    assert limits[0] <= WRITE_WAIT and limits[-1] < limits[0]
    assert limits == sorted(limits, reverse=True)


def held_up(house: House, beside: sa.Connection) -> bool:
    """Is anybody waiting for a lock in our database?"""
    query = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = :name AND wait_event_type = 'Lock'"
    )
    return bool(beside.execute(query, {"name": house.parts.engine.url.database}).scalar_one())


# 3 ---- SQLite: the file is missing for a moment, and a new connection is opened meanwhile ----
def test_a_file_away_for_a_moment_is_neither_replaced_nor_robbed_of_its_journal(
    house: House,
) -> None:
    if not lite(house):
        pytest.skip("only SQLite is a file")
    me = house.resident().texts("my brother is seeing things and shouting")
    engine, file = house.parts.engine, Path(str(house.parts.engine.url.database))
    old = [engine.connect() for _ in range(2)]  # another process of ours that has the file open
    for one in old:
        one.execute(sa.text("SELECT count(*) FROM message")).all()
    wal = file.with_name(file.name + "-wal")
    saved = {name: (file.parent / name).read_bytes() for name in (file.name, wal.name)}
    away = file.with_suffix(".away")
    file.rename(away)
    try:
        # in production all pooled connections are busy; here the pool is empty
        me.posts("3", sid="SMaway")
        assert not file.exists(), "an empty database stands in its place"
        assert wal.stat().st_size == len(saved[wal.name]), "committed texts were in there"
        away.rename(file)
        me.texts("3").told("ask.health.they")
    finally:  # put everything right again
        for one in old:
            one.close()
        engine.dispose()
        for name in (file.name, wal.name, file.name + "-shm", away.name):
            (file.parent / name).unlink(missing_ok=True)
        for name, content in saved.items():
            (file.parent / name).write_bytes(content)


def test_another_file_put_in_its_place_is_what_is_written_from_then_on(house: House) -> None:
    """A restored backup, or the file moved away and back while a process saw an empty one."""
    if not lite(house):
        pytest.skip("only SQLite is a file")
    engine, file = house.parts.engine, Path(str(house.parts.engine.url.database))
    house.rows("message")
    with engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
    copy = file.with_suffix(".copy")
    copy.write_bytes(file.read_bytes())
    for name in (f"{file.name}-wal", f"{file.name}-shm"):
        (file.parent / name).unlink(missing_ok=True)
    copy.rename(file)
    house.resident().texts("hi", sid="SMrestored")
    fresh = sqlite3.connect(file)
    kept = fresh.execute(
        "SELECT count(*) FROM message WHERE provider_id = 'SMrestored'"
    ).fetchone()[0]
    fresh.close()
    engine.dispose()
    assert kept == 1, "the text went into a file that nobody will ever open again"


# 4 ---- ids that go backwards ----
@BACK
def test_texts_reach_a_person_in_their_order_when_the_clock_steps_back(
    house: House,
    wall: None,  # noqa: F811
    step: int,
) -> None:
    move = accepted(house)
    house.works(twilio=429)  # the provider is busy, so it waits
    house.wait(step)
    house.dispatch(f"{move}/status", {"status": "en_route", "by": "Maria"})
    house.settles()
    house.wait(-step + 40)
    house.sweeps().settles()
    told = [text for text in house.texts_to(ME) if text.startswith("Update")]
    assert told[-1] == house.words("status.other.coming"), told


@BACK
def test_the_newest_update_is_not_overtaken_by_an_older_one_when_the_clock_steps_back(
    house: House,
    wall: None,  # noqa: F811
    step: int,
) -> None:
    move = accepted(house)
    house.settles()
    house.wait(step)
    house.dispatch(f"{move}/status", {"status": "en_route", "by": "Maria"})
    house.works(twilio=429)
    house.wait(3)
    house.sweeps().settles()
    assert house.words("status.other.coming") in house.texts_to(ME)


# 5 ---- marks that go backwards ----
@BACK
def test_a_page_that_was_taken_is_taken_when_the_clock_steps_back(
    house: House,
    wall: None,  # noqa: F811
    step: int,
) -> None:
    me = house.resident().texts("0", "2", "1")
    house.settles()
    house.wait(step)
    house.resident(DISPATCHER).texts(me.case().reference)
    second = house.resident(SECOND).texts(me.case().reference)
    assert second.heard == [
        house.words("page.taken", reference=me.case().reference, name="Dispatcher on duty")
    ]
    house.wait(-step + 300)
    house.sweeps().settles()
    assert 0 in rungs(house) and max(rungs(house)) <= 3, (
        "who accepted and does not come is replaced, once a minute"
    )
    assert (
        house.words("page.taken", reference=me.case().reference, name="Dispatcher on duty")
        == second.heard[0]
    )


def nobody_answers(house: House, rounds: PeriodicTasks) -> None:
    """Four minutes of worker sweeps; each page is sent."""
    for _ in range(4):
        house.wait(61)
        rounds()
        looks(house)
        house.settles()


@BACK
def test_new_danger_after_an_acceptance_climbs_the_ladder_when_the_clock_steps_back(
    house: House,
    wall: None,  # noqa: F811
    step: int,
) -> None:
    me = house.resident().texts("0", "2", "1")
    house.settles()
    house.wait(30)
    house.resident(DISPATCHER).texts(me.case().reference)
    rounds = PeriodicTasks(house.parts)
    rounds()
    looks(house)
    house.wait(step)
    me.texts("he took all the pills")
    nobody_answers(house, rounds)
    assert rungs(house)[-1] >= 2, rungs(house)


@BACK
def test_a_page_nobody_answers_goes_on_when_the_clock_steps_back(
    house: House,
    wall: None,  # noqa: F811
    step: int,
) -> None:
    house.resident().texts("0", "2", "1")
    house.settles()
    house.wait(step)
    rounds = PeriodicTasks(house.parts)
    nobody_answers(house, rounds)
    assert rungs(house)[-1] >= 2, rungs(house)


# 6 ---- reading Twilio's list ----
def test_after_a_step_back_the_list_is_still_looked_at(house: House) -> None:
    rounds = PeriodicTasks(house.parts)
    for _ in range(5):
        rounds()
        assert looks(house) == 1
        house.wait(60)
    house.wait(-240)
    rounds()
    assert looks(house) == 1


def test_the_oldest_of_many_missed_texts_is_not_cut_off(house: House) -> None:
    at = house.clock()
    house.wait(300)
    texts = [
        (f"SMbulk{n:04d}", f"+1720555{n:04d}", "hi", at + timedelta(seconds=n / 10))
        for n in range(501)
    ]
    listed(house, *reversed(texts))
    fetch_missed_texts(house.parts)
    assert len(house.rows("message", provider_id="SMbulk0000")) == 1
