"""When the database is locked, gone, full or read-only, or the clock steps: the 911 and 988 texts
are sent within seconds, and nothing is lost for good. The faults are real; test_outage_running.py
repeats them with real processes."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa
from conftest import ME, signed, twiml
from running import TWILIO_WAITS

from caller_service.casework import parts as parts_room
from caller_service.casework.inbound import fetch_missed_texts
from caller_service.server.worker_process import PeriodicTasks
from caller_service.store.database.deadline import WRITE_WAIT
from caller_service.store.database.sqlite_writer import PAUSES

if TYPE_CHECKING:
    from conftest import House

LIST = re.compile(r"https://twilio\.test/.*/Messages\.json.*")
STRANGER, DISPATCHER, SECOND = "+17205550177", "+17205550130", "+17205550131"
LONG = "🙏" * 1500  # nearly the maximum length: storing it needs more space than there is
HOUR, DAY = 3600, 86400
STEPS = pytest.mark.parametrize(
    "step", [HOUR, DAY, -HOUR, -DAY], ids=["an hour on", "a day on", "an hour back", "a day back"]
)
BACK = pytest.mark.parametrize("step", [-HOUR, -DAY], ids=["an hour back", "a day back"])


def listed(house: House, *texts: tuple[str, str, str, datetime], to: str = "+17205550100") -> None:
    """Twilio's list of messages holds these: SID, from, words, when."""
    house.outside.reset()
    house.outside.assert_all_requests_are_fired = False
    messages: list[dict[str, Any]] = [
        {
            "sid": sid,
            "from": number,
            "to": to,
            "body": words,
            "direction": "inbound",
            "status": "received",
            "date_sent": format_datetime(at),
        }
        for sid, number, words, at in texts
    ]
    messages.append(
        {
            "sid": "SMours",
            "from": "+17205550100",
            "body": "x",
            "direction": "outbound-api",
            "date_sent": format_datetime(house.clock()),
        }
    )
    house.outside.add("GET", LIST, json={"messages": messages, "next_page_uri": None, "uri": ""})


def locked(house: House) -> sa.Connection:
    """Another connection that locks what every turn must write."""
    conn = house.parts.engine.connect()
    if conn.dialect.name == "sqlite":
        conn.execute(sa.text("DELETE FROM token WHERE id = 'nobody'"))
    else:
        conn.execute(sa.text("LOCK TABLE message IN ACCESS EXCLUSIVE MODE"))
    return conn


def accepted(house: House) -> str:
    """Somebody wants a team, and Maria has just accepted."""
    me = house.resident().wants_a_team()
    house.settles()
    path = f"/{me.case().id}"
    house.dispatch(f"{path}/acknowledgement", {"answer": "accept", "by": "Maria"})
    return path


def looks(house: House) -> int:
    """How many reads of Twilio's list are enqueued; drops them, as the test does that itself."""
    prefix = "" if lite(house) else "dbos."
    query = f"UPDATE {prefix}workflow_status SET status = 'SUCCESS' WHERE name = 'catch_up' AND status = 'ENQUEUED'"
    with house.parts.engine.begin() as conn:
        return conn.execute(sa.text(query)).rowcount


# ---- the database is gone, full or read-only -----------------------------------------------------


def lite(house: House) -> bool:
    return house.parts.engine.dialect.name == "sqlite"


@contextmanager
def over_it(house: House) -> Iterator[sa.Connection]:
    """PostgreSQL: a connection to another database, for administration."""
    beside = sa.create_engine(
        house.parts.engine.url.set(database="template1"),
        poolclass=sa.NullPool,
        isolation_level="AUTOCOMMIT",
    )
    with beside.connect() as conn:
        yield conn


def cut_off(house: House, conn: sa.Connection) -> None:
    """End every connection to our database, as if the server stopped."""
    query = sa.text(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name"
    )
    conn.execute(query, {"name": house.parts.engine.url.database}).all()


def alter(house: House, words: str) -> None:
    """PostgreSQL: change our database in this way and cut its connections, as in a fail-over."""
    with over_it(house) as conn:
        conn.execute(sa.text(f'ALTER DATABASE "{house.parts.engine.url.database}" {words}'))
        cut_off(house, conn)


@contextmanager
def altered(house: House, to: str, back: str) -> Iterator[None]:
    alter(house, to)
    try:
        yield
    finally:
        alter(house, back)


@contextmanager
def told_to_each(house: House, order: str, back: str) -> Iterator[None]:
    """SQLite: run this on each connection when it is taken from the pool, and the opposite
    afterwards."""
    engine = house.parts.engine

    def told(connection: Any, *_: Any) -> None:
        connection.execute(order)

    sa.event.listen(engine, "checkout", told)
    try:
        yield
    finally:
        sa.event.remove(engine, "checkout", told)
        pooled = [engine.connect() for _ in range(engine.pool.checkedin())]  # type: ignore[attr-defined]
        for conn in pooled:
            conn.exec_driver_sql(back)
            conn.close()


class NoDisk(Exception):
    """Only root may mount one."""


@contextmanager
def small_disk(megabytes: int, owner: int = 0) -> Iterator[Path]:
    """A small file system of its own."""
    folder = Path(tempfile.mkdtemp(prefix="disk-", dir="/tmp"))
    try:
        with suppress(FileNotFoundError):
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder],
                check=False,
                stderr=subprocess.DEVNULL,
            )
        if not folder.is_mount():
            raise NoDisk
        try:
            os.chown(folder, owner, owner)
            yield folder
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
    finally:
        folder.rmdir()


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Fill this file system to the last byte."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def gone(house: House) -> Iterator[None]:
    engine = house.parts.engine
    if not lite(house):
        with altered(house, "ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true"):
            yield
        return
    folder = Path(str(engine.url.database)).parent
    away = folder.with_name(f"{folder.name}-away")
    engine.dispose()  # an open file could still be written
    folder.rename(away)
    try:
        yield
    finally:
        away.rename(folder)


@contextmanager
def full(house: House) -> Iterator[None]:
    """SQLite: not one page more. PostgreSQL: the table of texts lies on a disk that is full."""
    engine = house.parts.engine
    if lite(house):
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
            conn.execute(sa.text("VACUUM"))  # no free page is left inside
        with told_to_each(house, "PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1073741823"):
            yield
        return
    server = Path(str(engine.url.query.get("host", "")))
    if not server.is_absolute():
        pytest.skip("the PostgreSQL server is on another machine")
    try:
        with small_disk(2, server.stat().st_uid) as disk, texts_on(disk, engine), filled(disk):
            yield
    except NoDisk:
        pytest.skip("a disk of its own cannot be mounted here")


@contextmanager
def texts_on(disk: Path, engine: sa.Engine) -> Iterator[None]:
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
        conn.execute(sa.text("VACUUM FULL message"))  # no free room is left inside
        conn.execute(sa.text(f"CREATE TABLESPACE small LOCATION '{disk}'"))
        conn.execute(sa.text("ALTER TABLE message SET TABLESPACE small"))
        try:
            yield
        finally:
            conn.execute(sa.text("ALTER TABLE message SET TABLESPACE pg_default"))
            conn.execute(sa.text("DROP TABLESPACE small"))


@contextmanager
def read_only(house: House) -> Iterator[None]:
    if lite(house):
        with told_to_each(house, "PRAGMA query_only = ON", "PRAGMA query_only = OFF"):
            yield
        return
    with altered(
        house, "SET default_transaction_read_only = on", "RESET default_transaction_read_only"
    ):
        yield


def hears_the_words(house: House, ask: Callable[[], Any]) -> None:
    """The fallback text comes before Twilio's timeout, in both languages, with a status of 200."""
    begun = time.monotonic()
    answer = ask()
    took = time.monotonic() - begun
    said = twiml(answer.text)

    assert took < TWILIO_WAITS
    assert answer.status_code == 200
    assert said == [house.words("fallback"), house.words("fallback", "es")]
    assert all("911" in words and "988" in words for words in said)


def test_a_locked_database_gives_the_words_and_the_text_is_taken_in_afterwards(
    house: House,
) -> None:
    me = house.resident()
    holding = locked(house)
    begun = time.monotonic()
    answer = me.posts("my brother is seeing things and shouting", sid="SMlocked")
    took = time.monotonic() - begun
    holding.rollback()
    holding.close()

    assert took < TWILIO_WAITS
    assert "911" in twiml(answer.text)[0]
    assert "988" in twiml(answer.text)[1]
    assert house.rows("message") == []

    at = house.clock()
    house.wait(60)
    listed(house, ("SMlocked", ME, "my brother is seeing things and shouting", at))
    assert fetch_missed_texts(house.parts) == 1
    assert fetch_missed_texts(house.parts) == 0, "once"
    house.settles()

    assert me.case().state["asked"] == "who"
    assert any(house.words("ask.who") in text for text in house.texts_to(ME))
    assert twiml(me.posts("again", sid="SMlocked").text) == [], (
        "its answer went out by REST and is not said twice"
    )


@pytest.mark.parametrize("fault", [gone, full, read_only], ids=lambda fault: fault.__name__)
def test_an_outage_is_answered_with_the_words_and_made_good_afterwards(
    house: House, fault: Callable[[House], AbstractContextManager[None]]
) -> None:
    me, stranger = (
        house.resident().texts("my brother is seeing things and shouting"),
        house.resident(STRANGER),
    )
    mine, theirs = f"please hurry {LONG}", f"he took all the pills {LONG}"
    with fault(house):
        at = house.clock()
        hears_the_words(house, lambda: me.posts(mine, sid="SMmine"))
        hears_the_words(house, lambda: stranger.posts(theirs, sid="SMtheirs"))
        hears_the_words(house, lambda: stranger.posts(theirs, sid="SMtheirs"))  # Twilio tries again
        hears_the_words(house, lambda: house.resident("anonymous").posts(theirs, sid="SMnobody"))
        assert twiml(house.resident(DISPATCHER).posts("K7M4Q2", sid="SMstaff1").text), (
            "staff hear something too"
        )
        assert "911" in signed(house, "/twilio/voice", {"CallSid": "CA1", "From": ME}).text

        assert house.client.get("/health/live").status_code == 200
        ready = house.client.get("/health/ready")
        assert (ready.status_code, ready.json["status"]) == (200, "ready")
        assert ready.json["database"] == ("away" if fault is gone else "migrated")

        listed(house, ("SMtheirs", STRANGER, theirs, at - timedelta(minutes=2)))
        for round_of_worker in (
            house.sweeps,
            PeriodicTasks(house.parts),
            lambda: fetch_missed_texts(house.parts),
        ):
            with suppress(sa.exc.SQLAlchemyError):  # the worker's loop catches these
                round_of_worker()
    assert not [row for row in house.rows("message") if row.provider_id in ("SMmine", "SMtheirs")]

    looks(house)
    me.texts("3").told("ask.health.they")  # the same process, without a restart
    house.wait(60)
    listed(house, ("SMmine", ME, mine, at), ("SMtheirs", STRANGER, theirs, at))
    assert fetch_missed_texts(house.parts) == 2
    assert fetch_missed_texts(house.parts) == 0
    house.sweeps().settles()

    assert me.case().state["answers"] == {"who": "adult"}
    assert len(house.rows("message", direction="in", case_id=me.case().id)) == 3
    assert stranger.case().level == "R2"
    assert [text for text in house.texts_to(DISPATCHER) if stranger.case().reference in text]
    assert any("Poison Help" in text for text in house.texts_to(STRANGER))
    assert len(house.rows("message", direction="in", case_id=stranger.case().id)) == 1


def test_connections_that_the_server_has_ended_cost_nobody_their_text(house: House) -> None:
    """After a restart of the server the pooled connections are dead, and nobody may notice."""
    if house.parts.engine.dialect.name == "sqlite":
        pytest.skip("only a server ends connections")
    with house.parts.engine.connect(), house.parts.engine.connect():
        pass
    with over_it(house) as conn:
        cut_off(house, conn)
    me = house.resident().texts("hi").told("ask.who")
    with over_it(house) as conn:
        cut_off(house, conn)
    me.texts("1").told("ask.health.me")

    assert len(house.rows("message", direction="in")) == 2


def test_a_file_moved_away_and_back_under_open_connections_loses_nothing(house: House) -> None:
    if not lite(house):
        pytest.skip("only SQLite is a file")
    me = house.resident().texts("my brother is seeing things and shouting")
    file = Path(str(house.parts.engine.url.database))
    away = file.with_suffix(".away")
    file.rename(away)
    at = house.clock()
    try:
        answers = [
            me.posts(words, sid=f"SMmoved{place}")
            for place, words in enumerate(("3", "he took all the pills"))
        ]
    finally:
        away.rename(file)
    assert all(answer.status_code == 200 and twiml(answer.text) for answer in answers)

    me.texts("please hurry")
    house.wait(60)
    listed(house, ("SMmoved0", ME, "3", at), ("SMmoved1", ME, "he took all the pills", at))
    fetch_missed_texts(house.parts)
    house.settles()
    sids = [row.provider_id for row in house.rows("message", direction="in")]
    assert len(sids) == len(set(sids)) == 4
    assert me.case().level == "R2"
    with sa.create_engine(house.parts.engine.url, poolclass=sa.NullPool).connect() as newcomer:
        assert (
            newcomer.execute(
                sa.text("SELECT count(*) FROM message WHERE direction = 'in'")
            ).scalar()
            == 4
        )


def test_an_empty_file_in_its_place_is_an_outage_like_any_other(house: House) -> None:
    if not lite(house):
        pytest.skip("only SQLite is a file")
    me = house.resident().texts("my brother is seeing things and shouting")
    house.parts.engine.dispose()
    file = Path(str(house.parts.engine.url.database))
    aside = file.parent / "aside"
    aside.mkdir()
    ours = [
        name
        for name in (file.name, f"{file.name}-wal", f"{file.name}-shm")
        if (file.parent / name).exists()
    ]
    for name in ours:
        (file.parent / name).rename(aside / name)
    file.touch()
    try:
        hears_the_words(house, lambda: me.posts("3", sid="SMempty"))
        assert house.client.get("/health/ready").json["database"] == "away"
        assert house.client.get("/health/live").status_code == 200
    finally:
        house.parts.engine.dispose()
        for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
            (file.parent / name).unlink(missing_ok=True)
        for name in ours:
            (aside / name).rename(file.parent / name)
        aside.rmdir()

    me.texts("3").told("ask.health.they")


def test_a_text_still_on_its_way_is_left_to_its_webhook(house: House) -> None:
    listed(house, ("SMfresh0", ME, "hi", house.clock()))

    assert fetch_missed_texts(house.parts) == 0
    assert house.rows("message") == []


def test_several_missed_texts_are_taken_in_in_their_order_and_answer_only_what_was_asked(
    house: House,
) -> None:
    start = house.clock()
    missed = [("he took all the pills", 0), ("please hurry", 5), ("2", 9)]
    house.wait(120)
    listed(
        house,
        *(
            (f"SMmissed{place}", ME, words, start + timedelta(seconds=place))
            for words, place in reversed(missed)
        ),
    )

    assert fetch_missed_texts(house.parts) == 3

    me = house.resident()
    assert me.case().level == "R2"
    assert "health" not in me.case().state["answers"], "the 2 was written before health was asked"
    assert len(house.rows("page")) == 1


def test_a_missed_page_answer_of_staff_is_taken_in_too(house: House) -> None:
    me = house.resident().texts("0", "2", "1")
    at = house.clock()
    house.wait(60)
    listed(house, ("SMstaff0", "+17205550130", me.case().reference, at))

    fetch_missed_texts(house.parts)
    house.settles()

    assert me.case().status == "accepted"
    assert house.words("page.accepted", reference=me.case().reference) in house.texts_to(
        "+17205550130"
    )


def test_twilio_away_is_no_harm(house: House) -> None:
    house.outside.add("GET", LIST, status=500, json={"code": 20500, "message": "no"})

    assert fetch_missed_texts(house.parts) == 0


def test_the_fallback_command_writes_what_a_host_elsewhere_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from caller_service.commands.main import main

    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(main, ["fallback", "--out", "static"])

    assert ended.exit_code == 0, ended.output
    text, call = ((tmp_path / "static" / name).read_text() for name in ("sms.xml", "voice.xml"))
    assert len(twiml(text)) == 2
    assert "911" in text
    assert "988" in text
    spoken = ElementTree.fromstring(call).findall("Say")
    assert [(say.get("voice"), say.get("language")) for say in spoken] == [
        ("Google.en-US-Neural2-C", "en-US"),
        ("Google.es-US-Neural2-A", "es-US"),
    ]


# ---- the clock steps -----------------------------------------------------------------------------


@pytest.fixture
def wall(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids are made from the stepping clock, too."""
    monkeypatch.setattr(
        parts_room,
        "time",
        SimpleNamespace(time_ns=lambda: round(house.clock().timestamp() * 1_000_000) * 1000),
    )


def rungs(house: House) -> list[int]:
    """The rungs that were paged, each once, however many people are on it."""
    return sorted({row.rung for row in house.rows("page")})


@STEPS
def test_a_clock_that_steps_between_turns_loses_no_text_and_keeps_the_case_in_reach(
    house: House, wall: None, step: int
) -> None:
    me = house.resident().texts("my brother is seeing things and shouting")
    house.wait(step)
    house.sweeps().settles()
    me.texts("3", sid="SMstepped")
    answered = me.heard
    assert any(house.words("ask.who") in words or "badly hurt" in words for words in answered), (
        "the next question, or this one again"
    )
    house.wait(-step)
    again = twiml(me.posts("3", sid="SMstepped").text)
    assert again == answered, "the same answer, whatever time it is"

    me.texts("3").texts("3")
    house.wait(step)
    house.sweeps().sweeps().settles()
    assert me.texts("0").heard
    house.settles()

    assert me.case().state["answers"]["who"] == "adult"
    assert me.case().level in ("R1", "R2")
    assert rungs(house)[0] == 0
    assert [text for text in house.texts_to(DISPATCHER) if me.case().reference in text]
    sids = [row.provider_id for row in house.rows("message", direction="in")]
    assert len(sids) == len(set(sids)) == 5
    assert len(house.rows("case")) == 1
    taken = house.resident(DISPATCHER).texts(me.case().reference)
    assert taken.heard[0].startswith(house.words("page.accepted", reference=me.case().reference))


@pytest.mark.parametrize("step", [HOUR, DAY], ids=["an hour on", "a day on"])
def test_a_clock_that_steps_on_under_a_page_gives_one_decision_and_no_burst(
    house: House, wall: None, step: int
) -> None:
    me = house.resident().texts("0", "2", "1")
    house.settles()
    house.wait(step)
    house.sweeps().settles()
    for _ in range(3):
        house.sweeps().settles()

    assert rungs(house) == [0, 1]
    for number in (DISPATCHER, SECOND):
        assert len(house.texts_to(number)) <= 1
    house.wait(61)
    house.sweeps().settles()
    assert rungs(house) == [0, 1, 2], "and on it goes, a rung a minute"
    assert me.case().status == "handed_off"


@BACK
def test_a_clock_that_steps_back_under_a_page_says_nothing_twice_and_rings_later(
    house: House, wall: None, step: int
) -> None:
    me = house.resident().texts("0", "2", "1")
    house.settles()
    house.wait(step)
    for _ in range(5):
        house.wait(1)
        house.sweeps().settles()
    assert rungs(house) == [0]
    assert len(house.texts_to(DISPATCHER)) == 1
    assert house.texts_to(ME) == []

    house.wait(-step + 61)  # the same time comes again
    house.sweeps().sweeps().settles()
    rung = rungs(house)[-1]
    assert rung > 0
    house.wait(61)
    house.sweeps().sweeps().settles()
    assert rungs(house)[-1] == rung + 1
    assert me.case().due_at - house.clock() <= timedelta(minutes=2)


@STEPS
def test_a_page_is_taken_whatever_the_clock_does(house: House, wall: None, step: int) -> None:
    me = house.resident().texts("0", "2", "1")
    house.settles()
    house.wait(step)
    house.resident(DISPATCHER).texts(me.case().reference, sid="SMtakes")
    house.settles()

    assert me.case().status == "accepted"
    joined = house.words("human.joined", name="Dispatcher on duty")
    assert house.texts_to(ME).count(joined) == 1
    again = twiml(house.resident(DISPATCHER).posts(me.case().reference, sid="SMtakes").text)
    assert again == [house.words("page.accepted", reference=me.case().reference)]


@STEPS
def test_a_text_that_waits_for_the_line_goes_out_once_when_the_clock_steps(
    house: House, wall: None, step: int
) -> None:
    me = house.resident().texts("0", "2", "1")
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.works(twilio=429)
    assert house.texts_to(ME) == []
    house.wait(step)
    house.sweeps().settles()
    house.wait(max(0, -step) + 31)
    house.sweeps().sweeps().settles()

    assert house.texts_to(ME).count(house.words("human.joined", name="Maria")) == 1


@pytest.mark.parametrize("step", [HOUR, DAY], ids=["an hour on", "a day on"])
def test_texts_reach_a_person_in_their_order_when_the_clock_steps_on(
    house: House, wall: None, step: int
) -> None:
    move = accepted(house)
    house.settles()
    house.wait(step)
    house.dispatch(f"{move}/status", {"status": "en_route", "by": "Maria"})
    house.dispatch(f"{move}/notes", {"by": "Maria", "words": "We are at the corner."})
    house.settles()

    told = house.texts_to(ME)
    places = [
        next(place for place, text in enumerate(told) if words in text)
        for words in ("has taken the request", "is coming", "corner")
    ]
    assert places == sorted(places)


@BACK
def test_a_missed_text_from_the_future_is_taken_in_once_when_its_time_comes(
    house: House, wall: None, step: int
) -> None:
    house.resident().texts("hi")
    at = house.clock()
    house.wait(step)
    listed(house, ("SMahead0", STRANGER, "he took all the pills", at))
    fetch_missed_texts(house.parts)
    house.wait(-step + 60)
    fetch_missed_texts(house.parts)

    assert fetch_missed_texts(house.parts) == 0
    stranger = house.resident(STRANGER)
    assert len(house.rows("message", provider_id="SMahead0")) == 1
    assert stranger.case().level == "R2"
    assert rungs(house) == [0]


def test_a_text_fetched_before_its_webhook_came_is_heard_once(house: House, wall: None) -> None:
    at = house.clock()
    house.wait(HOUR)  # our clock is ahead: a text still on its way looks old
    listed(house, ("SMearly0", ME, "he took all the pills", at))
    assert fetch_missed_texts(house.parts) == 1
    me = house.resident()
    assert twiml(me.posts("he took all the pills", sid="SMearly0").text) == [], (
        "its answer goes out by REST"
    )
    house.settles()

    assert len(house.rows("message", direction="in")) == 1
    assert len(house.rows("page")) == 1
    assert sum("Poison Help" in text for text in house.texts_to(ME)) == 1


@STEPS
def test_a_step_gives_at_most_one_look_at_the_list(house: House, wall: None, step: int) -> None:
    rounds = PeriodicTasks(house.parts)
    rounds()
    house.wait(step)
    for _ in range(5):
        rounds()

    assert looks(house) <= 2


def test_what_a_turn_may_wait_for_adds_up_to_less_than_five_seconds() -> None:
    """The promise itself, which is never tested with running processes (docs/testing.md). However
    many waits for the database there are, they share one deadline (database/deadline.py)."""
    assert WRITE_WAIT + PAUSES[1] <= 4.5


def test_missed_texts_of_many_are_taken_in_beside_each_other_each_persons_in_order(
    house: House,
) -> None:
    at = house.clock() - timedelta(minutes=5)
    people = [f"+1720555{place:04}" for place in range(3000, 3016)]
    said = ("hello", "3", "2", "2")
    texts = [
        (f"SM{person[-4:]}{turn}", person, words, at + timedelta(seconds=20 * turn))
        for turn, words in enumerate(said)
        for person in people
    ]
    listed(house, *texts)
    assert fetch_missed_texts(house.parts) == len(texts)
    assert fetch_missed_texts(house.parts) == 0
    assert len(house.rows("case")) == len(people)
    for person in people:
        me = house.resident(person)
        rows = house.rows("message", direction="in", case_id=me.case().id)
        order = [row.provider_id for row in sorted(rows, key=lambda row: row.at)]
        assert order == [f"SM{person[-4:]}{turn}" for turn in range(len(said))]
