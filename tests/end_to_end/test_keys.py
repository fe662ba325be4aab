"""Keys are rotated as an operator does it, while real `serve` and `work` processes run: everybody
is still recognised, the old key can be removed, and a missing key is refused (docs/operations.md,
"Keys")."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa
from running import House, command, running
from sqlalchemy.pool import NullPool

from caller_service.store import contacts
from caller_service.store.contacts import Contact
from caller_service.store.sealing import Sealer

KINDS = ("sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    with running(request.param, tmp_path) as one:
        yield one


def keys(*ids: str) -> dict[str, str]:
    """Settings with these keys, the newest first."""

    def told(use: str) -> str:
        return ",".join(
            f"{one}:{base64.b64encode((one + use).encode().ljust(32, b'.')).decode()}"
            for one in ids
        )

    return {"CALLER_DATA_KEYS": told("data"), "CALLER_INDEX_KEYS": told("index")}


def ran(house: House, *words: str) -> subprocess.CompletedProcess[str]:
    return command(house.folder, *words, environment=house.environment)


def counts(house: House) -> tuple[int, int]:
    rows = house.rows('SELECT (SELECT count(*) FROM contact), (SELECT count(*) FROM "case")')
    return rows[0][0], rows[0][1]


def ready(house: House) -> tuple[int, str]:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"{house.url}/health/ready", timeout=5)
        return answer.status_code, answer.json()["keys"]


def test_keys_are_rotated_while_people_write(house: House) -> None:
    own = {name: house.environment.get(name) for name in keys("a")}
    assert own == {"CALLER_DATA_KEYS": None, "CALLER_INDEX_KEYS": None}
    first = {
        "CALLER_DATA_KEYS": _told(house.settings.data_keys),
        "CALLER_INDEX_KEYS": _told(house.settings.index_keys),
    }
    people = [house.resident() for _ in range(3)]
    for person in people:
        person.texts("i took all my pills goodbye")
    people[0].texts("stop")
    before = counts(house)

    new = keys("b")
    house.end()
    house.environment |= {name: f"{new[name]},{first[name]}" for name in new}
    house.start()
    for person in people:
        person.texts("are you there")
    assert counts(house) == before, "nobody is a stranger"
    split_as_an_older_release_did(house, people[2].number)
    status = ran(house, "keys", "status")
    assert status.returncode == 0, status.stderr
    assert "data   b" in status.stdout and "older" in status.stdout
    assert "contacts split by an earlier rotation: 1\n" in status.stdout
    told = ran(house, "check")
    assert "note: 1 contacts are split by an earlier key rotation" in told.stdout
    for said in (status, told):
        assert people[2].number not in said.stdout + said.stderr
    joins = ran(house, "migrate")
    assert "note: 1 contacts joined" in joins.stderr and counts(house) == before
    assert "note: " not in ran(house, "migrate").stderr
    assert "are split by" not in ran(house, "check").stdout
    assert "earlier rotation: 0\n" in ran(house, "keys", "status").stdout

    done = ran(house, "keys", "rewrap")
    assert done.returncode == 0, done.stderr
    assert "CALLER_DATA_KEYS: rows need b\n" in done.stdout
    assert "CALLER_INDEX_KEYS: rows need b\n" in done.stdout

    house.end()
    house.environment |= new
    house.start()
    people[1].texts("hello?")
    assert counts(house) == before and ready(house) == (200, "there")
    assert ran(house, "check").returncode == 0

    house.end()
    house.environment |= first
    for words in ("check", "serve", "work"):
        refused = ran(house, words)
        assert refused.returncode == 1, words
        assert 'CALLER_DATA_KEYS: rows need the key "b"' in refused.stderr
        assert 'CALLER_INDEX_KEYS: rows need the key "b"' in refused.stderr
    missing = ran(house, "keys", "status")
    assert missing.returncode == 1 and "MISSING" in missing.stdout
    another = base64.b64encode(b"another".ljust(32, b".")).decode()
    house.environment |= new | {"CALLER_DATA_KEYS": f"b:{another}"}
    other = ran(house, "check")
    assert 'the key "b" is not the one that rows were written with' in other.stderr
    house.environment |= new


def split_as_an_older_release_did(house: House, number: str) -> None:
    """A second contact of the same number, under the key that is no longer used for writing."""
    settings = house.settings
    old = Sealer(settings.data_keys, settings.index_keys)
    engine = sa.create_engine(house.database_url, poolclass=NullPool)
    with engine.begin() as conn:
        contacts.add(conn, old, Contact("0-older", "en", number), datetime.now(UTC))
    engine.dispose()


def _told(pairs: object) -> str:
    items = pairs.items() if isinstance(pairs, dict) else pairs
    return ",".join(f"{one}:{base64.b64encode(key).decode()}" for one, key in items)  # type: ignore[attr-defined]
