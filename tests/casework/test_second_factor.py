"""Codes of the second factor: random enough for the way they are stored, and valid at their
time."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from caller_service.casework import second_factor
from caller_service.casework.parts import DIGITS, LETTERS

# RFC 6238, appendix B: SHA-1, the ASCII secret "12345678901234567890", the last six digits
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
TIMES = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}


@pytest.mark.parametrize(("seconds", "code"), TIMES.items())
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)

    assert second_factor.code_at(SECRET, at) == code
    assert second_factor.counter_of(SECRET, f"{code[:3]} {code[3:]}", at) == seconds // 30


def test_a_code_counts_one_step_early_and_late_and_no_further() -> None:
    at = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
    code = second_factor.code_at(SECRET, at)
    counts = [
        second_factor.counter_of(SECRET, code, at + timedelta(seconds=30 * step)) is not None
        for step in range(-3, 4)
    ]

    assert counts == [False, False, True, True, True, False, False]
    for wrong in ("", "0", code[:-1], code + "0", "ünïcod", "१२३४५६"):
        assert second_factor.counter_of(SECRET, wrong, at) is None


def test_secrets_and_codes_are_long_enough_for_how_they_are_kept() -> None:
    secrets = {second_factor.new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert all(len(pyotp.TOTP(secret).byte_secret()) == 20 for secret in secrets)
    codes = [code for _ in range(10) for code in second_factor.new_recovery_codes()]
    assert len(set(codes)) == len(codes) == 80
    signs = len(LETTERS + DIGITS)
    for code in codes:
        assert len(code.replace("-", "")) * math.log2(signs) >= 112


def test_a_recovery_code_is_read_however_it_is_typed() -> None:
    (code, *_) = second_factor.new_recovery_codes()

    for typed in (code, code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')} "):
        assert second_factor.as_recovery_code(typed) == code
    for wrong in ("", code[:-1], code + "K", "123456"):
        assert second_factor.as_recovery_code(wrong) == ""


def test_the_picture_is_plain_svg_of_what_the_app_reads() -> None:
    picture = second_factor.picture(second_factor.address(SECRET, "Dana Ruiz", "A <b> & C"))

    assert (picture.startswith("<svg") and picture.endswith("</svg>\n")) or picture.endswith(
        "</svg>"
    )
    assert "style=" not in picture and "script" not in picture and "Dana" not in picture
