"""A request that is repeated with its Idempotency-Key is carried out once: one text, the same
response."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from at_once import at_once
from conftest import ME

from caller_service.casework.once import forget_old
from caller_service.store.database.transaction import transaction

if TYPE_CHECKING:
    from conftest import House

NOTE = {"by": "Dispatcher on duty", "words": "Hello, I am here."}


def sends(
    house: House, path: str, told: dict[str, Any], key: str | None, token: str | None = None
) -> Any:
    headers = {"Authorization": f"Bearer {token or house.token}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    client = house.app.test_client()  # one for each thread
    return client.post(f"/api/v1/hand-offs/{path}", json=told, headers=headers)


def noted(house: House) -> int:
    """How many texts with this content the resident got."""
    return sum("I am here" in text for text in house.settles().texts_to(ME))


def in_danger(house: House) -> str:
    return str(house.resident().texts("0", "2", "1").case().id)


def test_the_same_note_under_one_key_is_texted_once_with_one_answer(house: House) -> None:
    path = f"{in_danger(house)}/notes"
    first, *again = [sends(house, path, NOTE, "key-1") for _ in range(3)]
    assert first.status_code == 200
    assert all((one.status_code, one.get_json()) == (200, first.get_json()) for one in again)
    assert noted(house) == 1
    assert sends(house, path, NOTE, "key-2").status_code == 200
    assert noted(house) == 2, "another key is another note"


def test_without_a_key_each_is_a_note(house: House) -> None:
    path = f"{in_danger(house)}/notes"
    assert {sends(house, path, NOTE, None).status_code for _ in range(2)} == {200}
    assert noted(house) == 2


def test_the_same_note_at_the_same_moment_is_texted_once(house: House) -> None:
    path = f"{in_danger(house)}/notes"
    answers = at_once(*[lambda: sends(house, path, NOTE, "key-1")] * 6)
    assert [one.status_code for one in answers] == [200] * 6
    assert noted(house) == 1
    assert len(house.rows("idempotency_key")) == 1


def test_one_key_for_two_notes_at_the_same_moment_does_one_of_them(house: House) -> None:
    path = f"{in_danger(house)}/notes"
    both = at_once(
        *(
            lambda n=n: sends(house, path, NOTE | {"words": f"I am here, {n}."}, "key-1")
            for n in range(4)
        )
    )
    assert sorted(one.status_code for one in both) == [200, 422, 422, 422]
    assert noted(house) == 1


@pytest.mark.parametrize("other", ["words", "path", "hand-off"])
def test_another_request_under_the_key_is_refused_by_its_code(house: House, other: str) -> None:
    case_id = in_danger(house)
    assert sends(house, f"{case_id}/notes", NOTE, "key-1").status_code == 200
    if other == "words":
        answer = sends(house, f"{case_id}/notes", NOTE | {"words": "Something else."}, "key-1")
    elif other == "path":
        answer = sends(house, f"{case_id}/pause", {"by": NOTE["by"]}, "key-1")
    else:
        elsewhere = house.resident("+17205550188").texts("0", "2", "1").case().id
        answer = sends(house, f"{elsewhere}/notes", NOTE, "key-1")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "idempotency_key_reused")
    assert noted(house) == 1


def test_what_was_refused_keeps_no_key_and_is_judged_anew(house: House) -> None:
    case_id = in_danger(house)
    first = sends(house, f"{case_id}/pause", {"by": "Nobody"}, "key-1")
    assert first.status_code == 409 and house.rows("idempotency_key") == []
    assert sends(house, f"{case_id}/notes", NOTE, "key-1").status_code == 200


def test_a_key_belongs_to_its_token(house: House) -> None:
    case_id, other = in_danger(house), house.new_token("other", "console")
    assert sends(house, f"{case_id}/notes", NOTE, "key-1").status_code == 200
    assert sends(house, f"{case_id}/notes", NOTE, "key-1", other).status_code == 200
    assert noted(house) == 2


@pytest.mark.parametrize(
    ("path", "told", "event"),
    [
        ("care-note", {"by": "Maria", "words": "Call us.", "reason": "often"}, "care_note"),
        ("called-911", {"by": "M", "reason": "pills", "resident_told": "before"}, "called_911"),
        ("slow", {"by": "Supervisor", "reason": "often"}, "slowed"),
        ("acknowledgement", {"answer": "accept", "by": "Maria"}, None),
        ("reviewed", {"by": "Maria"}, None),
    ],
)
def test_every_route_that_changes_something_keeps_the_key(
    house: House, path: str, told: dict[str, Any], event: str | None
) -> None:
    case_id = in_danger(house)
    supervisor = next(one.name for one in house.parts.program.ladder if one.supervisor)
    told = told | ({"by": supervisor} if path == "slow" else {})
    answers = at_once(*[lambda: sends(house, f"{case_id}/{path}", told, "key-1")] * 3)
    assert [one.status_code for one in answers] == [200] * 3
    assert len(house.rows("idempotency_key")) == 1
    if event:
        assert len(house.rows("journal", event=event)) == 1
    reused = sends(house, f"{case_id}/{path}", told | {"by": "Else"}, "key-1")
    assert reused.status_code in (409, 422)


def test_a_unit_status_keeps_it_too(house: House) -> None:
    case_id = house.resident().wants_a_team().case().id
    headers = {"Authorization": f"Bearer {house.token}", "Idempotency-Key": "key-1"}
    told = {"status": "EnRoute", "by": "Maria"}
    for _ in range(2):
        answer = house.client.post(f"/EIDO/{case_id}/unit-status", json=told, headers=headers)
        assert answer.status_code == 200, answer.text
    assert len(house.rows("idempotency_key")) == 1


@pytest.mark.parametrize("key", ["", " ", "ключ", "x" * 256, "a\tb"])
def test_a_key_that_is_none_is_refused_and_not_silently_dropped(house: House, key: str) -> None:
    case_id = in_danger(house)
    answer = house.client.post(
        f"/api/v1/hand-offs/{case_id}/notes",
        json=NOTE,
        headers={"Authorization": f"Bearer {house.token}"},
        environ_overrides={"HTTP_IDEMPOTENCY_KEY": key.encode().decode("latin-1")},
    )
    assert (answer.status_code, answer.get_json()["code"]) == (400, "idempotency_key_unreadable")
    assert noted(house) == 0


def test_a_key_is_kept_for_a_day_as_a_hash_alone(house: House) -> None:
    path = f"{in_danger(house)}/notes"
    sends(house, path, NOTE, "key-of-maria")
    (row,) = house.rows("idempotency_key")
    assert b"maria" not in row.key_hash and len(row.key_hash) == len(row.request_hash) == 32

    def swept() -> int:
        with transaction(house.parts.engine) as conn:
            forget_old(conn, house.parts)
            return conn.execute(sa.text("SELECT count(*) FROM idempotency_key")).scalar() or 0

    house.wait(timedelta(hours=23, minutes=59).total_seconds())
    assert swept() == 1
    house.wait(120)
    assert swept() == 0
