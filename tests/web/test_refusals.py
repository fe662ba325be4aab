"""Refusals are visible: one log line a minute for each endpoint and reason, a counter, and an alarm
if genuine requests are turned away."""

from __future__ import annotations

import logging
import time

import pytest
import sqlalchemy as sa
from conftest import House, signed
from prometheus_client.parser import text_string_to_metric_families

from caller_service.store.process_counts import COUNTS
from caller_service.store.tables import Base


@pytest.fixture(autouse=True)
def nothing_logged_yet() -> None:
    COUNTS.clear()


def counted(house: House) -> dict[tuple[str, str], float]:
    answer = house.client.get(
        "/metrics", headers={"Authorization": f"Bearer {house.app.config['METRICS_TOKEN']}"}
    )
    families = text_string_to_metric_families(answer.text)
    samples = [
        sample
        for family in families
        if family.name == "caller_refused"
        for sample in family.samples
    ]
    return {
        (one.labels["door"], one.labels["reason"]): one.value
        for one in samples
        if one.name == "caller_refused_total"
    }


def of_ours(house: House, **other: str) -> dict[str, str]:
    """A request as Twilio sends it for our account, with the fields in `other` changed."""
    return {
        "MessageSid": "SM" + "a" * 32, "AccountSid": house.app.config["TWILIO_ACCOUNT_SID"],
        "From": "+17205550123", "To": "+17205550100", "Body": "hello",
    } | other  # fmt: skip


def honest(house: House, words: str) -> int:
    """A text that Twilio signed for a URL that is not ours, as with a wrong CALLER_PUBLIC_URL."""
    house.change(public_url="https://wrong.test")
    fields = of_ours(house, Body=words)
    return int(signed(house, "/twilio/sms", fields, at="https://house.test").status_code)


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        f"{line.__dict__['door']} {line.__dict__['fault']}"
        for line in caplog.records
        if line.name == "caller_service.turned_away" and line.levelno == logging.ERROR
    ]


def turned_away_at(house: House) -> float:
    """The metric of the alarm."""
    answer = house.client.get(
        "/metrics", headers={"Authorization": f"Bearer {house.app.config['METRICS_TOKEN']}"}
    )
    (sample,) = (
        sample
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == "caller_turned_away_timestamp_seconds"
    )
    return float(sample.value)


def test_honest_texts_that_are_refused_are_an_alarm_once_a_minute_and_counted(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    before = counted(house).get(("sms.text", "signature of ours wrong"), 0)
    with caplog.at_level(logging.WARNING):
        assert honest(house, "i took all my pills") == 403
        (line,) = caplog.records  # the first is the alarm
        assert {honest(house, "i took all my pills") for _ in range(49)} == {403}

    assert caplog.records == [line]
    assert line.levelno == logging.ERROR and line.name == "caller_service.turned_away"
    assert "CALLER_PUBLIC_URL" in line.message
    assert "pills" not in caplog.text and "+1720555" not in caplog.text
    assert counted(house)["sms.text", "signature of ours wrong"] == before + 50


@pytest.mark.parametrize(
    ("path", "headers", "reason"),
    [
        ("/api/v1/hand-offs", {}, "no token"),
        ("/api/v1/hand-offs", {"Authorization": "Bearer guess"}, "token not known"),
        ("/metrics", {"Authorization": "Bearer guess"}, "metrics token"),
    ],
)
def test_every_guard_counts_and_logs_what_it_refuses(
    house: House, caplog: pytest.LogCaptureFixture, path: str, headers: dict[str, str], reason: str
) -> None:
    with caplog.at_level(logging.WARNING, "caller_service.web.shared.refusals"):
        for _ in range(3):
            assert house.client.get(path, headers=headers).status_code == 401

    assert [
        (line.levelno, line.message, getattr(line, "fault", "")) for line in caplog.records
    ] == [(logging.WARNING, "refused", reason)]
    assert any(asked == reason and count >= 3 for (_, asked), count in counted(house).items())
    assert "guess" not in caplog.text


def test_what_no_guard_refuses_is_counted_and_logged_too(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Another destination's hand-off, invalid fields, an unreadable body."""
    others = house.resident().wants_a_team().case().id
    key = {"Authorization": f"Bearer {house.new_token('late', 'rehearsal-cad')}"}
    mine = house.resident("+17205550124").wants_a_team().case().id
    with house.parts.engine.begin() as conn:
        delivery = Base.metadata.tables["delivery"]
        conn.execute(sa.delete(delivery).where(delivery.c.case_id == others))
    before = counted(house)
    asked = (
        (f"{others}/status", "{}", "http 404"),
        (f"{mine}/status", '{"status": "flying"}', "http 422"),
        (f"{mine}/status", "{", "http 400"),
    )
    with caplog.at_level(logging.WARNING):
        for path, body, reason in asked:
            answer = house.client.post(
                f"/api/v1/hand-offs/{path}",
                data=body,
                headers=key,
                content_type="application/json",
            )
            assert f"http {answer.status_code}" == reason

    after = counted(house)
    for _, _, reason in asked:
        door = ("hand_offs.status", reason)
        assert after[door] == before.get(door, 0) + 1
    assert [line.__dict__["fault"] for line in caplog.records] == [one[2] for one in asked]
    assert "flying" not in caplog.text and others not in caplog.text


def test_the_metric_of_the_alarm_is_there_before_the_first_one(house: House) -> None:
    COUNTS.clear()
    assert turned_away_at(house) == 0.0
    before = time.time()
    honest(house, "hello")
    assert turned_away_at(house) >= before


@pytest.mark.parametrize(
    ("method", "path", "door", "reason"),
    [
        ("POST", "/twilio/sms", "sms.text", "signature of ours missing"),
        ("POST", "/twilio/receipts/message", "sms.receipt", "signature of ours missing"),
        ("POST", "/twilio/sms/", "none", "http 404"),
        ("POST", "/", "none", "http 405"),
        ("GET", "/twilio/sms", "none", "http 405"),
    ],
)
def test_whatever_refuses_our_own_provider_is_an_alarm(
    house: House,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    door: str,
    reason: str,
) -> None:
    """Also a proxy that drops the signature, a wrong path or a wrong method in Twilio's console."""
    before = counted(house).get((door, reason), 0)
    with caplog.at_level(logging.WARNING):
        told = of_ours(house)
        where = {"query_string": told} if method == "GET" else {"data": told}
        assert house.client.open(path, method=method, **where).status_code in (403, 404, 405)

    assert alarms(caplog) == [f"{door} {reason}"]
    assert counted(house)[door, reason] == before + 1


@pytest.mark.parametrize(
    "other",
    [
        {"AccountSid": "AC" + "f" * 32},
        {"To": "+17205550199"},
        {"MessageSid": "SM1"},
        {"AccountSid": ""},
    ],
)
def test_what_is_not_all_ours_is_no_alarm(
    house: House, caplog: pytest.LogCaptureFixture, other: dict[str, str]
) -> None:
    with caplog.at_level(logging.WARNING):
        told = of_ours(house, **other)
        assert signed(house, "/twilio/sms", told, token="not ours").status_code == 403
    assert alarms(caplog) == []


def test_a_forger_is_no_alarm(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "caller_service.web.shared.refusals"):
        signed(
            house,
            "/twilio/sms",
            {"MessageSid": "SM" + "b" * 32, "From": "+17205550123", "Body": "x"},
            token="not ours",
        )
        house.client.post("/twilio/sms", data={"Body": "x"})
    assert {line.levelno for line in caplog.records} == {logging.WARNING}
