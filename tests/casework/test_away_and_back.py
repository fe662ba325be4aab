"""Databases that lock, go away and come back as another file, and clocks that step: each was a
breach once."""

from __future__ import annotations

import sqlite3
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from conftest import ME
from running import TWILIO_WAITS
from test_outage import BACK, DISPATCHER, SECOND, accepted, listed, lite, looks, rungs, wall  # noqa: F401 (wall is a fixture)

from caller_service.casework.inbound import fetch_missed_texts
from caller_service.server.worker_process import PeriodicTasks

if TYPE_CHECKING:
    from conftest import House


# 1 ---- a lock held by somebody who does not queue with us (sqlite3 shell, backup, litestream) ----
def test_a_foreign_lock_delays_nobody_beyond_five_seconds(house: House) -> None:
    if not lite(house):
        pytest.skip("SQLite's queue of writers")
    foreign = sqlite3.connect(str(house.parts.engine.url.database), isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    took: list[float] = []

    def ask(n: int) -> None:
        begun = time.monotonic()
        house.resident(f"+1720555{n}").posts("my brother is seeing things", sid=f"SMforeign{n}")
        took.append(round(time.monotonic() - begun, 2))

    threads: list[threading.Thread] = []
    for n in range(4):
        threads.append(threading.Thread(target=ask, args=(7000 + n,)))
        threads[-1].start()
        time.sleep(0.8)  # people do not text at the same moment
    for one in threads:
        one.join()
    foreign.close()
    assert max(took) < TWILIO_WAITS, took


# 2 ---- two waits in one turn ----
def test_two_locks_in_a_row_are_still_five_seconds(house: House) -> None:
    if lite(house):
        pytest.skip("a reader waits for nobody on SQLite")
    me = house.resident().texts("hi")
    first, second = house.parts.engine.connect(), house.parts.engine.connect()
    first.execute(sa.text("LOCK TABLE contact IN ACCESS EXCLUSIVE MODE"))
    second.execute(sa.text("LOCK TABLE message IN ACCESS EXCLUSIVE MODE"))
    timer = threading.Timer(3, first.rollback)
    timer.start()
    begun = time.monotonic()
    me.posts("1", sid="SMtwolocks")
    took = time.monotonic() - begun
    timer.join()
    second.rollback()
    first.close()
    second.close()
    assert took < TWILIO_WAITS, took


# 3 ---- SQLite: the file is away for a moment, and a new connection is opened meanwhile ----
def test_a_file_away_for_a_moment_is_neither_replaced_nor_robbed_of_its_journal(
    house: House,
) -> None:
    if not lite(house):
        pytest.skip("only SQLite is a file")
    me = house.resident().texts("my brother is seeing things and shouting")
    engine, file = house.parts.engine, Path(str(house.parts.engine.url.database))
    old = [engine.connect() for _ in range(2)]  # another process of ours, which has it open
    for one in old:
        one.execute(sa.text("SELECT count(*) FROM message")).all()
    wal = file.with_name(file.name + "-wal")
    saved = {name: (file.parent / name).read_bytes() for name in (file.name, wal.name)}
    away = file.with_suffix(".away")
    file.rename(away)
    try:
        # all pooled connections are busy in real life; here: the pool is empty
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
    """A restored backup, or the file moved away and back while a process met an empty one."""
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
    house.works(twilio=429)  # the line is busy: it waits
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
    """Four minutes of the worker's rounds, and each page goes out."""
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


# 6 ---- the look at Twilio's list ----
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
