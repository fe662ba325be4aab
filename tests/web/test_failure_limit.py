"""Repeated failures slow down their source, across all web processes; nobody else is slowed down,
and nobody is locked out for good."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context

import pytest
import sqlalchemy as sa
from at_once import at_once
from conftest import House

import caller_service
from caller_service.casework.once import KEPT, forget_old
from caller_service.store.database import group_commit
from caller_service.store.tables import failure
from caller_service.web.shared.failure_limit import (
    ACCOUNTS,
    KNOWN_FOR,
    TOKENS,
    TYPED,
    Attempt,
    FailureLimit,
    source,
)

FORK = get_context("fork")  # as gunicorn starts its workers
HERE, THERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def limits(house: House) -> tuple[FailureLimit, FailureLimit]:
    """Two limits, like those of two processes: they share only the database."""
    return FailureLimit(lambda: house.parts), FailureLimit(lambda: house.parts)


def fails(limit: FailureLimit, where: str = HERE, purpose: str = "code", **more: str) -> bool:
    """A failed attempt; False if it had to wait and was not checked."""
    attempt = limit.attempt(purpose, where, pace=TYPED, **more)
    if attempt.wait:
        return False
    attempt.failed()
    return True


def test_two_processes_count_together(limits: tuple[FailureLimit, FailureLimit]) -> None:
    looked_at = [fails(limits[each % 2]) for each in range(4 * TYPED.free)]

    assert sum(looked_at) == TYPED.free
    assert [limit.attempt("code", HERE, pace=TYPED).wait for limit in limits] == [6, 6]
    assert fails(limits[0], THERE), "another source is not slowed"
    assert fails(limits[0], purpose="sign-in"), "nor another door"


def test_a_source_is_slower_and_slower_and_never_shut_out(
    house: House, limits: tuple[FailureLimit, FailureLimit]
) -> None:
    while fails(limits[0]):
        pass
    waits = []
    for each in range(12):
        waits.append(limits[0].attempt("code", HERE, pace=TYPED).wait)
        house.wait(waits[-1])
        assert fails(limits[each % 2])

    assert waits[:8] == sorted(set(waits[:8])), "each pause is longer than the one before"
    assert waits[-3:] == [TYPED.most] * 3
    house.wait(TYPED.most)
    right = limits[1].attempt("code", HERE, pace=TYPED)
    assert right.wait == 0
    right.succeeded()
    house.wait(KEPT.total_seconds())
    assert sum(fails(limits[0]) for _ in range(3 * TYPED.free)) == TYPED.free, "forgiven in time"


def test_tries_at_the_same_moment_are_all_counted(house: House) -> None:
    """Each begins before another has failed: a source with failures is counted in advance."""
    house.change(now=lambda: house.clock.at)
    assert fails(FailureLimit(lambda: house.parts))
    limits = [FailureLimit(lambda: house.parts) for _ in range(4)]

    def tries(each: int) -> Attempt:
        return limits[each % 4].attempt("code", HERE, pace=TYPED)

    began = at_once(*(lambda each=each: tries(each) for each in range(16)))
    assert len([attempt for attempt in began if not attempt.wait]) == TYPED.free - 1


def test_who_was_right_is_not_counted(limits: tuple[FailureLimit, FailureLimit]) -> None:
    """A right code between wrong ones is no failure, although it was counted in advance."""
    for _ in range(TYPED.free - 1):
        assert fails(limits[0])
    for each in range(3 * TYPED.free):
        attempt = limits[each % 2].attempt("code", HERE, pace=TYPED)
        assert not attempt.wait
        attempt.succeeded()
    assert fails(limits[0]) and not fails(limits[1])


def test_who_was_right_from_there_before_is_held_up_in_no_process(
    house: House, limits: tuple[FailureLimit, FailureLimit]
) -> None:
    limits[0].attempt("sign-in", HERE, known="cookie", pace=TYPED).succeeded()
    while fails(limits[1], purpose="sign-in", account="dana"):
        pass

    def wait(where: str = HERE, known: str = "cookie") -> int:
        one = limits[1].attempt("sign-in", where, account="dana", known=known, pace=TYPED)
        return one.wait

    assert wait() == 0
    assert wait(known="another") > 0
    assert wait(known="") > 0, "the name of an account is no proof"
    limits[1].attempt("sign-in", HERE, known="cookie", pace=TYPED).failed()
    assert limits[0].attempt("sign-in", HERE, known="cookie").wait == 0, "still remembered there"
    assert wait() > 0, "and forgotten where it failed"
    house.wait(KNOWN_FOR.total_seconds())
    while fails(limits[0], purpose="sign-in"):
        pass
    assert limits[0].attempt("sign-in", HERE, known="cookie", pace=TYPED).wait > 0


def test_an_account_is_slowed_from_everywhere_and_its_owner_comes_through(
    house: House, limits: tuple[FailureLimit, FailureLimit]
) -> None:
    looked_at = [
        fails(limits[each % 2], f"203.0.113.{each}", account="dana")
        for each in range(3 * ACCOUNTS.free)
    ]
    assert sum(looked_at) == ACCOUNTS.free
    assert fails(limits[0], "203.0.113.200", account="maria"), "another account is not slowed"
    house.wait(ACCOUNTS.most)
    assert limits[0].attempt("code", THERE, account="dana").wait == 0


def test_only_failures_and_the_first_success_write(
    house: House,
    limits: tuple[FailureLimit, FailureLimit],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrote, kind = [], type(house.parts.writer)
    write = kind.write
    monkeypatch.setattr(kind, "write", lambda self, work: (wrote.append(1), write(self, work))[1])
    for _ in range(5):
        limits[0].attempt("token", HERE, known="right").succeeded()
        limits[1].attempt("token", HERE).succeeded()
    assert len(wrote) == 1
    assert fails(limits[0], THERE)
    assert len(wrote) == 2
    for _ in range(5):
        limits[0].attempt("token", HERE, known="right").succeeded()
        limits[1].attempt("token", HERE, known="right").succeeded()
    assert len(wrote) == 2


def test_no_address_account_or_secret_is_kept(
    house: House, limits: tuple[FailureLimit, FailureLimit]
) -> None:
    limits[0].attempt("code", HERE, known="secret").succeeded()
    assert fails(limits[0], account="dana")
    with house.parts.engine.connect() as conn:
        rows = [tuple(row) for row in conn.execute(sa.select(failure))]
    assert len(rows) == 3 and {len(bytes(row[0])) for row in rows} == {32}
    kept = repr(rows) + repr(limits[0].attempt("code", HERE, account="dana"))
    assert not [word for word in (HERE, "dana", "secret") if word in kept]


def test_what_is_forgiven_is_deleted(
    house: House, limits: tuple[FailureLimit, FailureLimit]
) -> None:
    for pace in (TOKENS, TYPED, ACCOUNTS):
        assert pace.cap * pace.forgiven + pace.most < KEPT.total_seconds()
    assert KNOWN_FOR < KEPT
    assert fails(limits[0])
    for hours, left in ((23, 1), (2, 0)):
        house.wait(hours * 3600)
        with house.parts.engine.begin() as conn:
            forget_old(conn, house.parts)
            rows = conn.execute(sa.select(sa.func.count()).select_from(failure))
            assert rows.scalar_one() == left


def test_a_success_that_cannot_be_kept_shuts_nobody_out(
    house: House,
    limits: tuple[FailureLimit, FailureLimit],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    attempt = limits[0].attempt("token", HERE, known="right")

    def away(self: object, work: object) -> None:
        raise group_commit.NotWritten("disk")

    monkeypatch.setattr(type(house.parts.writer), "write", away)
    with caplog.at_level(logging.WARNING):
        attempt.succeeded()
    assert "a success was not stored" in caplog.text


@pytest.fixture
def second(house: House) -> Iterator[Callable[[], int]]:
    """A second web process: another app on the same database."""
    settings = house.app.extensions["caller_settings"]
    app = caller_service.create_app(settings)
    app.extensions["caller_parts"] = replace(app.extensions["caller_parts"], now=house.clock)
    client = app.test_client()
    yield lambda: guess(client)
    app.extensions["caller_parts"].engine.dispose()


def guess(client: object) -> int:
    answer = client.get(  # type: ignore[attr-defined]
        "/api/v1/hand-offs", headers={"Authorization": "Bearer guess"}
    )
    return int(answer.status_code)


def test_a_guesser_of_tokens_gains_nothing_by_a_second_app(
    house: House, second: Callable[[], int]
) -> None:
    statuses = [ask() for _ in range(TOKENS.free) for ask in (lambda: guess(house.client), second)]
    assert statuses == [401] * TOKENS.free + [429] * TOKENS.free


def test_a_guesser_of_tokens_gains_nothing_by_forked_processes(house: House) -> None:
    counts = FORK.SimpleQueue()

    def guesses() -> None:
        counts.put([guess(house.client) for _ in range(TOKENS.free)])

    house.change(now=lambda: house.clock.at)
    assert guess(house.client) == 401
    begun = [FORK.Process(target=guesses) for _ in range(3)]
    for process in begun:
        process.start()
    statuses = [status for _ in begun for status in counts.get()]
    for process in begun:
        process.join(60)
    assert statuses.count(401) == TOKENS.free - 1
    assert statuses.count(429) == len(statuses) - (TOKENS.free - 1)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("", None, True),
    ],
)
def test_a_source_is_an_address_or_the_network_one_customer_has(
    one: str, other: str | None, same: bool
) -> None:
    assert (source(one) == source(other)) is same


def test_a_clock_that_is_set_back_locks_nobody_out(
    house: House, limits: tuple[FailureLimit, FailureLimit]
) -> None:
    while fails(limits[0]):
        pass
    house.wait(-timedelta(days=1).total_seconds())
    wait = limits[1].attempt("code", HERE, pace=TYPED).wait
    assert wait <= TYPED.most
    house.wait(wait)
    assert limits[1].attempt("code", HERE, pace=TYPED).wait == 0
