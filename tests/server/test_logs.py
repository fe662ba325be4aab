"""One record is one line, with its time in UTC, whoever wrote it and whatever it contains."""

from __future__ import annotations

import logging

import pytest

from caller_service.server.logs import LOG, PlainFormatter


def line(message: str, **more: object) -> str:
    record = logging.makeLogRecord(
        {
            "name": "a",
            "levelname": "ERROR",
            "msg": message,
            "created": 1_764_439_200.5,
            "msecs": 500,
        }
        | more
    )
    return PlainFormatter(LOG).format(record)


def test_a_line_says_when_in_utc_where_and_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/Denver")

    assert line("refused", door="sms.text", fault="no token", tries=0) == (
        "2025-11-29T18:00:00.500Z ERROR a refused fault=no token door=sms.text tries=0"
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\x0b", "\x85", "\u2028", "\x1b[2K", "\x00"])
def test_nobody_writes_a_second_line_into_the_log(end: str) -> None:
    forged = f"x{end}2025-11-29T18:00:00.000Z INFO a all is well"

    for told in (line(forged), line("refused", fault=forged)):
        assert len(told.splitlines()) == 1
        assert told.isprintable()
