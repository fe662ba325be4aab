"""A worker with a backlog: nothing is enqueued twice, whatever waits, and no destination that hangs
delays a page."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from at_once import SOON
from running import until

from caller_service.casework import timers
from caller_service.casework.carry_out import HOLD
from caller_service.gateway.batched_lookup import BatchedLookup, SentMessage
from caller_service.jobs import worker
from caller_service.jobs.queue import PEOPLE, TEXTS, queue_of
from caller_service.store.database.transaction import transaction

if TYPE_CHECKING:
    from conftest import House

CAD = queue_of("rehearsal-cad")
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)


def unfinished(house: House) -> Counter[str]:
    """Waiting and running jobs, by queue."""
    prefix = "" if house.parts.engine.dialect.name == "sqlite" else "dbos."
    query = f"SELECT queue_name, status FROM {prefix}workflow_status WHERE status IN ('ENQUEUED', 'PENDING')"
    with house.parts.engine.connect() as conn:
        return Counter(row.queue_name for row in conn.execute(sa.text(query)))


def claimed(house: House) -> int:
    prefix = "" if house.parts.engine.dialect.name == "sqlite" else "dbos."
    with house.parts.engine.connect() as conn:
        return int(
            conn.execute(
                sa.text(f"SELECT count(*) FROM {prefix}workflow_status WHERE status = 'PENDING'")
            ).scalar_one()
        )


def test_what_a_worker_has_not_come_to_yet_is_not_asked_for_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each minute of backlog used to enqueue all of it again: the longer the queue, the faster it
    grew."""
    monkeypatch.setattr(timers, "QUEUE_LIMIT", 4)
    for place in range(6):
        house.resident(f"+1720555020{place}").texts("my sister took too many pills", "1")
    before = unfinished(house)
    assert before[CAD] >= 6 and before[PEOPLE] >= 6, "every one has its job at once"

    for _ in range(5):
        house.wait(HOLD.total_seconds() + 1)
        house.sweeps()
    after = unfinished(house)
    assert after[CAD] == before[CAD]
    assert after[TEXTS] == before[TEXTS]
    paged = len(house.rows("page"))
    assert after[PEOPLE] <= paged + len(house.rows("call")) + sum(
        row.state == "waiting" for row in house.rows("message") if row.person
    )

    house.settles()
    assert not unfinished(house)
    assert {row.state for row in house.rows("delivery")} == {"received"}
    assert len(house.sent) == len(
        {text["Body"] + text["To"] + str(place) for place, text in enumerate(house.sent)}
    )


def test_a_lost_job_is_made_again_as_soon_as_there_is_room(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timers, "QUEUE_LIMIT", 2)
    for place in range(5):
        house.resident(f"+1720555020{place}").wants_a_team()
    prefix = "" if house.parts.engine.dialect.name == "sqlite" else "dbos."
    with house.parts.engine.begin() as conn:
        conn.execute(sa.text(f"DELETE FROM {prefix}workflow_status"))
    house.wait(61)

    house.sweeps()
    assert unfinished(house)[CAD] == 2, "as many as there is room for"
    for _ in range(4):
        house.settles().sweeps()
    house.settles()
    assert {row.state for row in house.rows("delivery")} == {"received"}


def test_what_waits_behind_an_earlier_revision_is_no_job_of_the_sweep(house: House) -> None:
    me = house.resident().wants_a_team()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.works(cad=500)
    house.wait(HOLD.total_seconds() + 1)

    house.sweeps()
    assert unfinished(house)[CAD] == 1, "the first alone: it wakes the next"
    house.settles()
    assert [packet["revision"] for packet, _ in house.posted] == [1, 2]


def test_destinations_that_hang_hold_up_neither_a_page_nor_another_destination(
    house: House,
) -> None:
    """And no more jobs are claimed than run, so that a killed worker leaves no pile behind."""
    hanging = queue_of("hangs"), queue_of("hangs too")
    open_again, over, done = threading.Event(), threading.Event(), threading.Condition()
    begun, reached = Counter[str](), Counter[str]()

    def deliver(reference: str, _: str) -> None:
        if (queue := reference.rpartition(":")[0]) in hanging:
            with done:
                begun[queue] += 1
            open_again.wait()
        with done:
            reached[reference] += 1
            done.notify_all()

    parts = house.parts
    with transaction(parts.engine) as conn:
        for place in range(many := 3 * len(hanging) * worker.CONCURRENCY):
            queue = hanging[place % 2]
            parts.jobs.enqueue(conn, "deliver", f"hangs:{place}", f"{queue}:{place}", queue)

    queues = [TEXTS, PEOPLE, CAD, *hanging]
    running = threading.Thread(
        target=worker.work,
        args=(parts.engine, "one", {"deliver": deliver}, queues, lambda: None, over),
    )
    running.start()
    try:
        until(
            lambda: all(begun[queue] >= worker.CONCURRENCY for queue in hanging),
            "all that may hang do",
        )
        with transaction(parts.engine) as conn:
            parts.jobs.enqueue(conn, "deliver", "page:1", "page", PEOPLE)
            parts.jobs.enqueue(conn, "deliver", "well:1", "well", CAD)
        with done:
            assert done.wait_for(lambda: reached["page"] and reached["well"], SOON), reached
        # On a busy machine a few more than the limit may hang, as the engine counts a claimed job
        # only once it runs. But each of them has its thread.
        until(lambda: claimed(house) == begun.total() < many, "no more is claimed than runs")
        open_again.set()
        with done:
            assert done.wait_for(lambda: len(reached) == many + 2, SOON)
        assert set(reached.values()) == {1}
    finally:
        open_again.set()
        over.set()
        running.join(SOON)


# ---- looking up what was sent --------------------------------------------------------------------


def test_one_list_answers_all_who_asked_before_it_began_and_nobody_who_asked_later() -> None:
    asked: list[datetime] = []
    begun, go_on = threading.Semaphore(0), threading.Semaphore(0)

    def ask(since: datetime) -> list[SentMessage]:
        asked.append(since)
        begun.release()
        go_on.acquire()
        return [SentMessage(f"SM{len(asked)}", NOW, "+1")]

    looks, found = BatchedLookup(ask), {}

    def look(name: str, since: datetime) -> None:
        found[name] = looks.since(since)

    first = threading.Thread(target=look, args=("first", NOW))
    first.start()
    begun.acquire()
    later = [
        threading.Thread(target=look, args=(f"later {place}", NOW - timedelta(seconds=place)))
        for place in range(8)
    ]
    for thread in later:
        thread.start()
    until(lambda: looks.waiting == 8, "all eight wait")
    go_on.release()
    begun.acquire()
    go_on.release()
    for thread in (first, *later):
        thread.join(SOON)

    assert asked == [NOW, NOW - timedelta(seconds=7)], (
        "two lists for nine who asked, the second as far back as any of them wants"
    )
    assert [one.sid for one in found.pop("first")] == ["SM1"]
    assert {made[0].sid for made in found.values()} == {"SM2"}


def test_a_list_tells_nobody_of_what_is_older_than_they_asked_for() -> None:
    old, new, queued = (
        SentMessage("SM1", NOW - timedelta(seconds=5), "+1"),
        SentMessage("SM2", NOW, "+1"),
        SentMessage("CA3", None, "+1"),
    )
    assert BatchedLookup(lambda since: [old, new, queued]).since(
        NOW + timedelta(milliseconds=300)
    ) == [new, queued]


def test_a_list_that_cannot_be_had_is_no_list() -> None:
    def ask(since: datetime) -> list[SentMessage]:
        raise ValueError

    assert BatchedLookup(ask).since(NOW) is None
