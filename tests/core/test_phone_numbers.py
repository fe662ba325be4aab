"""Software never dials 911 or another service code, however the number is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caller_service.core.phone_numbers import NumberFault, read_typed, refused_number

CODES = ("911", "933", "112", "999", "000", *(f"{n}11" for n in range(2, 9)), "110", "119", "15")


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    "written",
    ["{}", "+{}", "1{}", "+1{}", "1-{}", "+1 {}", "001{}", "0111{}", "00{}", "{},,,5550100",
     "tel:+1{}", "tel:{}", "sip:{}@example.org", "({})", "*67{}", "*67 {}", "{};ext=5550100",
     "{}#", "{}w17205550100", "+44{}"],
)  # fmt: skip
def test_a_service_code_is_refused_however_it_is_written(code: str, written: str) -> None:
    assert refused_number(written.format(code))


@given(
    st.sampled_from(CODES), st.lists(st.sampled_from([" ", "-", ".", "\u00a0", "(", ")", "\u200b"]))
)
def test_no_separator_hides_a_service_code(code: str, separators: list[str]) -> None:
    padded = [*separators, "", "", ""]
    written = "".join(digit + padded[at] for at, digit in enumerate(code))
    assert refused_number(written) and refused_number("+1" + written)


@pytest.mark.parametrize("written", ["９１１", "٩١١", "९११", "+1９１１"])
def test_digits_of_other_scripts_are_digits(written: str) -> None:
    assert refused_number(written)


@pytest.mark.parametrize(
    "number", ["", " ", "+", "police", "nine one one", "anonymous", "client:9"]
)
def test_what_has_no_number_is_refused(number: str) -> None:
    assert refused_number(number)


@pytest.mark.parametrize(
    "number", ["9115550100", "19115550100", "+19115550100", "1 (411) 555-0100"]
)
def test_a_number_that_begins_with_x11_is_refused(number: str) -> None:
    """Some networks connect the call after the third digit."""
    assert refused_number(number)


@pytest.mark.parametrize(
    "number",
    ["988", " 988", "+1988", "1-988", "+17205550100", "720-555-0100", "+442079460000", "+911123456789",
     "+16119110100"[:2] + "7205559110", "+9613112345", "+18002738255"],
)  # fmt: skip
def test_988_and_telephone_numbers_are_allowed(number: str) -> None:
    assert not refused_number(number)


# ---- a number that somebody typed --------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    ["720 555 0123", "(720) 555-0123", "1-720-555-0123", "+1 720.555.0123", "001 720 555 0123",
     "٧٢٠٥٥٥٠١٢٣", "＋1 720 555 0123", " 7205550123 "],
)  # fmt: skip
def test_a_number_is_read_however_it_is_typed(typed: str) -> None:
    assert read_typed(typed, ("+1",)) == "+17205550123"


@pytest.mark.parametrize(
    "typed",
    ["12", "7205550", "720 555 012", "+1 720 555 012", "720 555 0123 4", "020 7946 0000",
     "1205550123", "720 155 0123", "not a number", "+", "+1234567890123456", "72O 555 O123"],
)  # fmt: skip
def test_a_number_that_cannot_be_is_too_short(typed: str) -> None:
    assert read_typed(typed, ("+1",)) == NumberFault.SHORT


@pytest.mark.parametrize(
    "typed",
    ["+44 20 7946 0000", "0044 20 7946 0000", "011 44 20 7946 0000", "+52 55 1234 5678",
     "876 555 0123", "+1 809 555 0123", "+882 16 1234 5678"],
)  # fmt: skip
def test_a_number_of_another_country_is_not_texted_unless_the_program_says_so(typed: str) -> None:
    """Some of them begin with +1, and a text to them costs a dollar."""
    assert read_typed(typed, ("+1",)) == NumberFault.FOREIGN
    named = read_typed(typed, ("+1", "+44", "+52", "+1876", "+1809", "+882"))
    assert named.startswith("+") and read_typed(typed, ("+7",)) == NumberFault.FOREIGN


@pytest.mark.parametrize(
    "typed",
    ["911", "988", "211", "+1 900 555 0123", "(900) 555-0123", "720 976 0123", "800 555 0123",
     "+1 888 555 0123", "500 555 0123", "700 555 0123", "720 911 0123", "720 411 0123",
     "+1 911 555 0123"],
)  # fmt: skip
def test_a_number_that_is_nobody_s_own_phone_is_not_texted(typed: str) -> None:
    """Premium, toll-free and service numbers."""
    assert read_typed(typed, ("+1",)) == NumberFault.SERVICE
