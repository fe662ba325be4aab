"""Software never dials 911 or another service code, however it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caller_service.core.phone_numbers import refused_number

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
    """Some networks connect the call at the third digit."""
    assert refused_number(number)


@pytest.mark.parametrize(
    "number",
    ["988", " 988", "+1988", "1-988", "+17205550100", "720-555-0100", "+442079460000", "+911123456789",
     "+16119110100"[:2] + "7205559110", "+9613112345", "+18002738255"],
)  # fmt: skip
def test_988_and_telephone_numbers_are_allowed(number: str) -> None:
    assert not refused_number(number)
