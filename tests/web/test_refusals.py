"""What is refused is seen: one log line a minute by door and reason, a count, and an alarm where
honest people are turned away."""

from __future__ import annotations

import logging

import pytest
from conftest import House, signed
from prometheus_client.parser import text_string_to_metric_families

from caller_service.web.shared import refusals


@pytest.fixture(autouse=True)
def nothing_logged_yet() -> None:
    refusals._logged.clear()


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


def honest(house: House, words: str) -> int:
    """A text that Twilio signed for another address than ours: what a wrong CALLER_PUBLIC_URL looks
    like."""
    house.change(public_url="https://wrong.test")
    fields = {
        "MessageSid": "SM" + "a" * 32, "AccountSid": house.app.config["TWILIO_ACCOUNT_SID"],
        "From": "+17205550123", "To": "+17205550100", "Body": words,
    }  # fmt: skip
    return int(signed(house, "/twilio/sms", fields).status_code)


def test_honest_texts_that_are_refused_are_an_alarm_once_a_minute_and_counted(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    before = counted(house).get(("sms.text", "signature of ours wrong"), 0)
    with caplog.at_level(logging.WARNING, "caller_service.web.shared.refusals"):
        assert {honest(house, "i took all my pills") for _ in range(50)} == {403}

    (line,) = caplog.records
    assert line.levelno == logging.ERROR and "CALLER_PUBLIC_URL" in line.message
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
