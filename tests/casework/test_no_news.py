"""Somebody without a request who asks for news twice does not get the same reply twice (rule 4):
each such text is a case of its own, which knows the reply of the one before."""

from __future__ import annotations

from itertools import pairwise

import sqlalchemy as sa
from conftest import House

from caller_service.store import cases
from caller_service.store.tables import case


def test_no_news_is_never_said_twice_in_a_row(house: House) -> None:
    me = house.resident("+17205550123")
    heard = [tuple(me.texts(said).heard) for said in ("STATUS", "status", "CLOSE", "never mind")]
    assert all(one and one != other for one, other in pairwise(heard)), heard
    assert {row.outcome for row in house.rows("case")} == {"no_request"}


def test_a_state_that_cannot_be_read_stands_in_nobodys_way(house: House) -> None:
    me = house.resident("+17205550123").texts("STATUS")
    (row,) = house.rows("case")
    with house.parts.engine.begin() as conn:
        conn.execute(sa.update(case).values(state=["not a state"]))
        assert cases.last_closed(conn, row.contact_id) == cases.LastClosed(row.id)
    assert me.texts("STATUS").heard
