"""Writes the dumps in this folder: what a commit leaves in a database, with people in every state
and jobs half done.

    git worktree add /some/tree COMMIT
    python tests/upgrade/make_dump.py /some/tree NAME

writes NAME.sqlite.sql and NAME.postgresql.sql (pg_dump must be on PATH). It runs the commit's own
app with the helpers of its own tests and the fixed keys of `keys.env`, so that another commit can
open the result. Nothing in a dump is ever edited or renamed: a rename that makes a dump unreadable
has to be undone or needs a migration.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

HERE = Path(__file__).parent
PROBE_NUMBER = "+17205550109"


def keys() -> dict[str, str]:
    lines = (HERE / "keys.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def play(house: Any) -> None:
    """People in every status; texts and hand-offs, enqueued or taken by a worker that died; a call
    that is ringing; a test case."""
    screening(house)
    with_dispatch(house)
    ended(house)
    house.settles()
    probed(house)
    in_danger(house)
    left_undone(house)


def resident(house: Any) -> Any:
    """A new resident."""
    house.people = getattr(house, "people", None) or count(1)
    return house.resident(f"+172055503{next(house.people):02d}")


def screening(house: Any) -> None:
    """Residents who stopped at each question in turn, with a story, in both languages."""
    for many in range(9):
        resident(house).texts(
            "hello", *("3", "2", "2", "2", "2", "Main St and 3rd Ave", "1", "2")[:many]
        )
    resident(house).texts("hola, mi hermano grita \U0001f64f", "3", "2")
    resident(house).texts("my brother shouts, we live by the library", "3")
    resident(house).texts("hello", "3").texts("STOP")


def acknowledge(house: Any, me: Any, **told: Any) -> None:
    answer = house.dispatch(f"/{me.case().id}/acknowledgement", {"by": "Maria", **told})
    assert answer.status_code == 200, answer.text


def moves(house: Any, me: Any, *words: str, **told: Any) -> None:
    for status in words:
        answer = house.dispatch(
            f"/{me.case().id}/status",
            {"status": status, "by": "Maria", **(told if status == words[-1] else {})},
        )
        assert answer.status_code == 200, answer.text


def with_dispatch(house: Any) -> None:
    """A team is requested, declined, accepted with a time, on its way, there."""
    resident(house).wants_a_team()
    acknowledge(house, resident(house).wants_a_team(), answer="decline", reason="no van before six")
    acknowledge(house, resident(house).wants_a_team(), answer="accept", in_minutes=20)
    for last in range(3):
        me = resident(house).wants_a_team()
        acknowledge(house, me, answer="accept")
        moves(house, me, *("assigned", "en_route", "arrived")[: last + 1])


def ended(house: Any) -> None:
    me = resident(house).wants_a_team()
    acknowledge(house, me, answer="accept")
    moves(house, me, "assigned", "en_route", "arrived", "closed", outcome="resolved")
    resident(house).texts("hello", "3").texts("close")
    me.texts("it started again")


def probed(house: Any) -> None:
    """The probe's own case, in danger: its page is held back."""
    house.resident(PROBE_NUMBER).texts("i took all my pills", sid="PROBE-" + "0" * 26)


def in_danger(house: Any) -> None:
    """Paged without an answer yet; the supervisor's phone ringing; accepted; a human has
    written."""
    waiting = resident(house).texts("i took all my pills")
    house.settles()
    house.wait(130)
    house.sweeps()
    house.settles()
    assert waiting.case().level in ("R1", "R2")
    acknowledge(house, resident(house).texts("0"), answer="accept")
    me = resident(house).texts("0", "2")
    acknowledge(house, me, answer="accept")
    house.dispatch(f"/{me.case().id}/notes", {"by": "Maria", "words": "I am here. Are you safe?"})
    house.settles()
    me.texts("i think so")


def left_undone(house: Any) -> None:
    """What the worker had not finished: for each of the four kinds of job, one enqueued and one
    taken by a worker that died."""
    for _ in range(2):
        resident(house).texts("0")
        resident(house).wants_a_team()
    house.wait(130)
    house.sweeps()
    parts = house.parts
    with parts.engine.begin() as conn:
        for minute in range(2):
            parts.jobs.enqueue(conn, "catch_up", f"catch_up:2970000{minute}.0", "")
    lite = parts.engine.dialect.name == "sqlite"
    table = "workflow_status" if lite else "dbos.workflow_status"
    taken = f"UPDATE {table} SET status = 'PENDING', executor_id = :who, application_version = 'caller-1' WHERE workflow_uuid = :id"
    seen: set[str] = set()
    with parts.engine.begin() as conn:
        for job, name, _ in house.jobs():
            if name not in seen:
                conn.execute(
                    sa.text(taken), {"who": "worker" if lite else "worker-that-died", "id": job}
                )
                seen.add(name)
    left = {name for _, name, _ in house.jobs()}
    assert seen == left == {"deliver", "send_text", "call_person", "catch_up"}, (seen, left)


def dump(url: str, into: Path) -> None:
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as conn:
            lines = "\n".join(conn.iterdump())
    else:
        plain = url.replace("postgresql+psycopg", "postgresql")
        command = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", plain]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        lines = "\n".join(
            line for line in told.splitlines() if line and not line.startswith(("--", "\\"))
        )
    into.write_text(lines + "\n", encoding="utf-8")


def main() -> None:
    tree, name = Path(sys.argv[1]).resolve(), sys.argv[2]
    sys.path[:0] = [str(tree), str(tree / "tests")]
    import responses

    import caller_service

    assert Path(caller_service.__file__).is_relative_to(tree), caller_service.__file__
    from caller_service.cli import migrated
    from caller_service.settings import Settings
    from conftest import TWILIO, House
    from throwaway_postgres import ThrowawayPostgres

    server = ThrowawayPostgres()
    for kind in ("sqlite", "postgresql"):
        with (
            tempfile.TemporaryDirectory() as folder,
            responses.RequestsMock(assert_all_requests_are_fired=False) as outside,
        ):
            url = f"sqlite:///{folder}/caller.sqlite" if kind == "sqlite" else server.url
            told = {"CALLER_DATABASE_URL": url, "CALLER_PUBLIC_URL": "https://house.test"} | keys()
            settings = replace(
                Settings.from_environment(told, here=Path(folder)),
                twilio_api_url=TWILIO,
                twilio_auth_tokens=("first" * 8,),
            )
            app = caller_service.create_app(settings)
            app.testing = False
            migrated(app, settings)
            house = House(app, outside)
            play(house)
            app.extensions["caller_parts"].engine.dispose()
            dump(url, HERE / f"{name}.{kind}.sql")
    server.stop()


if __name__ == "__main__":
    main()
