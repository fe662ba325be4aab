"""Writers to one SQLite file queue: nothing is lost, nobody has to retry, and readers never
wait."""

import gc
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from at_once import SOON, waits_in_vain
from sqlalchemy.exc import IntegrityError, OperationalError

from caller_service.store.database.deadline import WRITE_WAIT
from caller_service.store.database.engine import UnsupportedDatabase, engine_options, prepare
from caller_service.store.database.sqlite_writer import QueuedConnection, statement_kind

ADD = sa.text("UPDATE tally SET n = n + 1 WHERE id = 1")
READ = sa.text("SELECT n FROM tally WHERE id = 1")
IMPATIENT = 0.2  # seconds


def make_engine(path: Path, write_wait: float = WRITE_WAIT) -> sa.Engine:
    url = f"sqlite:///{path}"
    engine = sa.create_engine(url, **engine_options(url, write_wait))
    prepare(engine)
    return engine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An empty file, as `migrate` makes it: a connection never does."""
    (file := tmp_path / "cases.db").touch()
    return file


@pytest.fixture
def engine(path: Path) -> Iterator[sa.Engine]:
    engine = make_engine(path, IMPATIENT)
    with engine.begin() as c:
        c.execute(sa.text("CREATE TABLE tally (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)"))
        c.execute(sa.text("INSERT INTO tally VALUES (1, 0)"))
    yield engine
    engine.dispose()


def may_write(path: Path) -> bool:
    """Whether a newcomer gets its turn."""
    newcomer = make_engine(path, IMPATIENT)
    try:
        with newcomer.begin() as c:
            c.execute(ADD)
        return True
    except OperationalError:
        return False
    finally:
        newcomer.dispose()


# Many writers

WRITER = """
import sys, threading, pathlib
sys.path[:0] = sys.argv[2:]
import tests.store.test_connection as here
engine = here.make_engine(pathlib.Path(sys.argv[1]), here.SOON)
failed = here.write_much(engine, threads=8, times=40)
print(*failed)
sys.exit(bool(failed))
"""


def write_much(engine: sa.Engine, threads: int, times: int) -> list[str]:
    failed: list[str] = []

    def write() -> None:
        try:
            for _ in range(times):
                with engine.begin() as c:
                    c.execute(READ).scalar_one()  # a read first, as in most of our transactions
                    c.execute(ADD)
                    c.execute(sa.text("INSERT INTO tally (n) VALUES (0)"))
        except (sa.exc.SQLAlchemyError, sqlite3.Error) as problem:
            failed.append(repr(problem))

    crowd = [threading.Thread(target=write) for _ in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    return failed


def test_many_threads_of_two_processes_lose_nothing(engine: sa.Engine, path: Path) -> None:
    tests = Path(__file__).parents[1]
    other = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(tests.parent), str(tests)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    patient = make_engine(path, SOON)
    failed = write_much(patient, threads=8, times=40)
    said, _ = other.communicate(timeout=SOON)
    patient.dispose()

    assert failed == []
    assert other.returncode == 0, said
    with engine.connect() as c:
        assert c.execute(READ).scalar_one() == 2 * 8 * 40
        assert c.execute(sa.text("SELECT count(*) FROM tally")).scalar_one() == 1 + 2 * 8 * 40


# The end of a turn


def rolled_back(engine: sa.Engine) -> None:
    with engine.connect() as c:
        c.execute(ADD)
        c.rollback()


def returned_to_the_pool(engine: sa.Engine) -> None:
    with engine.connect() as c:
        c.execute(ADD)


def failed_in_our_code(engine: sa.Engine) -> None:
    with pytest.raises(RuntimeError), engine.begin() as c:
        c.execute(ADD)
        raise RuntimeError


def refused_by_the_table(engine: sa.Engine) -> None:
    with pytest.raises(IntegrityError), engine.begin() as c:
        c.execute(sa.text("INSERT INTO tally VALUES (1, 0)"))


def misspelt(engine: sa.Engine) -> None:
    with pytest.raises(OperationalError), engine.begin() as c:
        c.execute(sa.text("UPDATE nowhere SET n = 1"))


def closed_for_good(engine: sa.Engine) -> None:
    with engine.connect() as c:
        c.execute(ADD)
        c.invalidate()


def autocommitted(engine: sa.Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        c.execute(ADD)
        c.execute(ADD)


ENDINGS = (
    rolled_back,
    returned_to_the_pool,
    failed_in_our_code,
    refused_by_the_table,
    misspelt,
    closed_for_good,
    autocommitted,
)


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
def test_the_lock_is_free_after(
    ending: Callable[[sa.Engine], None], engine: sa.Engine, path: Path
) -> None:
    ending(engine)

    assert may_write(path)


def test_a_failed_commit_is_undone_and_frees_the_lock(path: Path) -> None:
    path.touch()
    c = sqlite3.connect(path, factory=QueuedConnection)
    c.execute("CREATE TABLE tally (id INTEGER PRIMARY KEY, n)")
    c.execute("INSERT INTO tally VALUES (1, 0)")
    c.execute("CREATE TABLE child (parent REFERENCES tally DEFERRABLE INITIALLY DEFERRED)")
    c.commit()
    c.execute("INSERT INTO child VALUES (99)")
    with pytest.raises(sqlite3.IntegrityError):
        c.commit()

    assert not c.in_transaction
    assert may_write(path)
    c.close()


def test_the_driver_s_own_with_block_frees_the_lock(engine: sa.Engine, path: Path) -> None:
    c = sqlite3.connect(path, factory=QueuedConnection)
    with c:
        c.execute("UPDATE tally SET n = 5")
    assert may_write(path)
    with pytest.raises(RuntimeError), c:
        c.execute("UPDATE tally SET n = 9")
        raise RuntimeError
    assert may_write(path)
    assert c.execute("SELECT n FROM tally").fetchone() == (7,)  # 5, and one more by each newcomer
    c.close()


def test_a_connection_that_is_lost_frees_the_lock(engine: sa.Engine, path: Path) -> None:
    c = sqlite3.connect(path, factory=QueuedConnection)
    c.execute("UPDATE tally SET n = 5")
    del c
    gc.collect()

    assert may_write(path)


# Waiting


def test_a_reader_is_not_held_up_by_a_writer(engine: sa.Engine) -> None:
    """It reads while the writer holds the lock: if it waited for the writer, it would exceed the
    limit."""
    with engine.begin() as writer:
        writer.execute(ADD)
        with engine.begin() as reader:
            assert reader.execute(READ).scalar_one() == 0


def test_a_reader_holds_up_no_writer(engine: sa.Engine, path: Path) -> None:
    with engine.begin() as reader:
        reader.execute(READ).scalar_one()

        assert may_write(path)


def test_reading_first_and_writing_after_somebody_else_wrote_works(
    engine: sa.Engine, path: Path
) -> None:
    with engine.begin() as c:
        c.execute(READ).scalar_one()
        assert may_write(path)
        c.execute(ADD)
        assert c.execute(READ).scalar_one() == 2


@pytest.mark.parametrize("within", ["this process", "another process"])
def test_waiting_ends_at_the_limit_and_the_next_try_works(
    within: str, engine: sa.Engine, path: Path
) -> None:
    if within == "this process":
        holder = engine.connect()
        holder.execute(ADD)
        let_go: Callable[[], None] = holder.close
    else:
        script = "import sqlite3,sys; sqlite3.connect(sys.argv[1]).execute('BEGIN IMMEDIATE'); print(flush=True); sys.stdin.read()"
        other = subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert other.stdout is not None
        other.stdout.readline()

        def let_go() -> None:
            other.communicate()

    with (
        waits_in_vain(engine) as waits,
        pytest.raises(OperationalError, match="database is locked"),
        engine.begin() as c,
    ):
        c.execute(ADD)
    let_go()

    assert waits == {threading.current_thread().name: [IMPATIENT]}, "once, and not for ever"
    assert may_write(path)


def test_a_savepoint_before_any_write_waits_its_turn(engine: sa.Engine, path: Path) -> None:
    with engine.begin() as c, c.begin_nested():
        c.execute(ADD)
        assert not may_write(path)
    assert may_write(path)


def test_tables_are_made_in_one_transaction(engine: sa.Engine) -> None:
    with engine.connect() as c:
        c.execute(sa.text("CREATE TABLE passing (id INTEGER)"))
        c.rollback()
    assert not sa.inspect(engine).has_table("passing")


# Forks


def in_a_child(work: Callable[[], None]) -> int:
    """The exit code of a forked child that runs this."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def add_one(engine: sa.Engine) -> None:
    with engine.begin() as c:
        c.execute(ADD)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_queues_behind_its_parent_and_frees_nothing_of_it(
    engine: sa.Engine, path: Path
) -> None:
    def while_the_parent_writes() -> None:
        with pytest.raises(OperationalError, match="database is locked"):
            add_one(engine)

    with engine.begin() as c:
        c.execute(ADD)
        assert in_a_child(while_the_parent_writes) == 0
        assert not may_write(path), "the child freed the parent's lock"

    assert in_a_child(lambda: add_one(engine)) == 0
    assert may_write(path)
    with engine.connect() as c:
        assert c.execute(READ).scalar_one() == 3


# Settings


def test_each_sqlite_connection_is_set_up_to_survive_a_power_cut(engine: sa.Engine) -> None:
    with engine.connect() as c:
        shown = {
            name: c.execute(sa.text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }

    assert shown == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
        "mysql+pymysql://h/d",
    ],
)
def test_what_is_not_supported_is_said_at_once(url: str) -> None:
    with pytest.raises(UnsupportedDatabase, match="not supported"):
        engine_options(url)


def test_postgresql_is_told_every_limit_and_the_address_keeps_its_own_wishes() -> None:
    options = engine_options("postgresql+psycopg://u@h/d?options=-c%20jit%3Doff")

    assert (options["pool_size"], options["max_overflow"]) == (40, 10)
    assert options["connect_args"] == {
        "application_name": "caller-service",
        "connect_timeout": 3,
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "options": "-c statement_timeout=3500 -c lock_timeout=3500 -c jit=off",
    }
    own = engine_options("postgresql+psycopg://u@h/d?keepalives_idle=60")["connect_args"]
    assert (own["keepalives_idle"], own["keepalives_count"]) == ("60", 3)


@pytest.mark.parametrize(
    ("kind", "sql"),
    [
        ("read", "SELECT 1"),
        ("read", "-- INSERT\n/* UPDATE */ select * from t"),
        ("read", "WITH x AS (SELECT replace(a, 'insert', 'b') FROM t) SELECT * FROM x"),
        ("read", "PRAGMA table_info(t)"),
        ("read", "BEGIN"),
        ("read", "BEGIN DEFERRED"),
        ("read", "EXPLAIN DELETE FROM t"),
        ("read", ""),
        ("write", "insert into t values (1)"),
        ("write", "  -- why\n  UPDATE t SET a = 1"),
        ("write", "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x"),
        ("write", 'WITH "select" AS (SELECT 1), y (a) AS (VALUES (1)) UPDATE t SET a = 1'),
        ("write", "REPLACE INTO t VALUES (1)"),
        ("write", "DROP TABLE t"),
        ("write", "SAVEPOINT a"),
        ("write", "(SELECT 1)"),  # not a statement of SQLite: in doubt, it counts as a write
        ("read", "VACUUM"),  # a transaction of its own
        ("begin", "BEGIN IMMEDIATE"),
        ("begin", "BEGIN EXCLUSIVE TRANSACTION"),
    ],
)
def test_reads_and_writes_are_told_apart(kind: str, sql: str) -> None:
    assert statement_kind(sql) == kind
