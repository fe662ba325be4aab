"""When the database is away or locked: the 911 and 988 words within seconds, and nothing is lost for good."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa
from conftest import ME, twiml

from caller_service.casework.take_in import catch_up

if TYPE_CHECKING:
    from conftest import House

LIST = re.compile(r"https://twilio\.test/.*/Messages\.json.*")


def listed(house: House, *texts: tuple[str, str, str, datetime]) -> None:
    """Twilio's list of messages holds these: SID, from, words, when."""
    house.outside.reset()
    house.outside.assert_all_requests_are_fired = False
    messages: list[dict[str, Any]] = [
        {
            "sid": sid,
            "from": number,
            "to": "+17205550100",
            "body": words,
            "direction": "inbound",
            "status": "received",
            "date_sent": format_datetime(at),
        }
        for sid, number, words, at in texts
    ]
    messages.append(
        {"sid": "SMours", "from": "+17205550100", "body": "x", "direction": "outbound-api", "date_sent": format_datetime(house.clock())}
    )
    house.outside.add("GET", LIST, json={"messages": messages, "next_page_uri": None, "uri": ""})


def locked(house: House) -> sa.Connection:
    """Another connection that holds what every turn must write."""
    conn = house.parts.engine.connect()
    if conn.dialect.name == "sqlite":
        conn.execute(sa.text("DELETE FROM token WHERE id = 'nobody'"))
    else:
        conn.execute(sa.text("LOCK TABLE message IN ACCESS EXCLUSIVE MODE"))
    return conn


def test_a_locked_database_gives_the_words_within_five_seconds_and_the_text_is_taken_in_afterwards(house: House) -> None:
    import time

    me = house.resident()
    holding = locked(house)
    begun = time.monotonic()
    answer = me.posts("my brother is seeing things and shouting", sid="SMlocked")
    took = time.monotonic() - begun
    holding.rollback()
    holding.close()

    assert took < 5
    assert "911" in twiml(answer.text)[0]
    assert "988" in twiml(answer.text)[1]
    assert house.rows("message") == []

    at = house.clock()
    house.wait(60)
    listed(house, ("SMlocked", ME, "my brother is seeing things and shouting", at))
    assert catch_up(house.parts) == 1
    assert catch_up(house.parts) == 0, "once"
    house.settles()

    assert me.case().state["asked"] == "who"
    assert any(house.words("ask.who") in text for text in house.texts_to(ME))
    assert twiml(me.posts("again", sid="SMlocked").text) == [], "its answer went out by REST and is not said twice"


def test_a_text_still_on_its_way_is_left_to_its_webhook(house: House) -> None:
    listed(house, ("SMfresh0", ME, "hi", house.clock()))

    assert catch_up(house.parts) == 0
    assert house.rows("message") == []


def test_several_missed_texts_are_taken_in_in_their_order_and_answer_only_what_was_asked(house: House) -> None:
    start = house.clock()
    missed = [("he took all the pills", 0), ("please hurry", 5), ("2", 9)]
    house.wait(120)
    listed(house, *((f"SMmissed{place}", ME, words, start + timedelta(seconds=place)) for words, place in reversed(missed)))

    assert catch_up(house.parts) == 3

    me = house.resident()
    assert me.case().level == "R2"
    assert "health" not in me.case().state["answers"], "the 2 was written before health was asked"
    assert len(house.rows("page")) == 1


def test_a_missed_page_answer_of_staff_is_taken_in_too(house: House) -> None:
    me = house.resident().texts("0", "1")
    at = house.clock()
    house.wait(60)
    listed(house, ("SMstaff0", "+17205550130", me.case().reference, at))

    catch_up(house.parts)
    house.settles()

    assert me.case().status == "accepted"
    assert house.words("page.accepted", reference=me.case().reference) in house.texts_to("+17205550130")


def test_twilio_away_is_no_harm(house: House) -> None:
    house.outside.add("GET", LIST, status=500, json={"code": 20500, "message": "no"})

    assert catch_up(house.parts) == 0


def test_the_fallback_command_writes_what_a_host_elsewhere_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from caller_service.cli import main

    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(main, ["fallback", "--out", "static"])

    assert ended.exit_code == 0, ended.output
    text, call = ((tmp_path / "static" / name).read_text() for name in ("sms.xml", "voice.xml"))
    assert len(twiml(text)) == 2
    assert "911" in text
    assert "988" in text
    assert [say.get("language") for say in ElementTree.fromstring(call).findall("Say")] == ["en-US", "es-MX"]
