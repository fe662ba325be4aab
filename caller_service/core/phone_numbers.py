"""Which numbers software must never dial or text, and which that somebody typed it does not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from enum import StrEnum

LIFELINE = "988"  # the one short number that may be called
_SHORTEST = 7  # digits of a telephone number; what has fewer is a service code
_SCHEME = re.compile(r"^[a-z]+:", re.IGNORECASE)
_AFTER_THE_NUMBER = re.compile(r"[,;@#pwx]", re.IGNORECASE)  # extensions, pauses, hosts
_N11 = re.compile(r"[2-9]11")


def refused_number(number: str) -> bool:
    """Is this a number that is never configured and never dialled? 911, 933, 112, 999, 000, every
    x11 and every other service code, however written ("+1911", "1-911", "9 1 1"), and a longer
    North American number that begins with x11, which some networks connect to it. 988 is allowed.

    A call to 911 from a number of ours is routed by the address registered for that number, to the
    wrong place (docs/safety-rules.md). What has no digits is no number, and refused too.
    """
    written = _SCHEME.sub("", unicodedata.normalize("NFKC", number).strip())
    if "*" in written:  # a star code goes before a number: *67, *31
        return True
    written = _AFTER_THE_NUMBER.split(written)[0]
    digits = "".join(str(unicodedata.digit(sign, "")) for sign in written)
    abroad = written.startswith("+") or digits.startswith(("00", "011"))
    if not written.startswith("+"):
        digits = re.sub(r"^(?:011|0+)", "", digits)
    national = digits[1:] if digits.startswith("1") else digits
    if national == LIFELINE:
        return False
    if len(national) < _SHORTEST:
        return True
    # +91 1… is India; 9 11… without a + is not
    return bool(_N11.match(national)) and not (abroad and national == digits)


# What +1 leads to outside the United States and Canada: other countries, often at a high price.
_OTHER_PLUS_ONE = re.compile(
    "242|246|264|268|284|345|441|473|649|658|664|721|758|767|784|809|829|849|868|869|876"
)
# +1 and an area code that is nobody's own phone: 500 and its like, 700, premium (900), toll-free
_SERVICE_AREA = re.compile(r"5(\d)\1|[79]00|710|8(?:00|33|44|55|66|77|88)")
_NORTH_AMERICAN = re.compile(r"1([2-9]\d\d)([2-9]\d\d)\d{4}")
_FOREIGN = re.compile(r"[2-9]\d{6,14}")  # a country code and a number, without the +
PREMIUM_EXCHANGE = "976"


class NumberFault(StrEnum):
    """Why a number that somebody typed is not texted."""

    SHORT = "short"  # too few digits, too many, or none that can be
    FOREIGN = "foreign"  # of a country that the program does not text
    SERVICE = "service"  # a service's or a company's, and not a person's own


def read_typed(written: str, countries: Collection[str]) -> str | NumberFault:
    """A person's own number as they typed it, in E.164; or why it is not texted. `countries`: the
    prefixes that are, such as "+1" or "+1876"."""
    written = unicodedata.normalize("NFKC", written).strip()
    digits = "".join(str(unicodedata.digit(sign, "")) for sign in written)
    abroad = written.startswith("+")
    for prefix in ("011", "00"):  # how other countries are dialled
        if not abroad and digits.startswith(prefix):
            abroad, digits = True, digits.removeprefix(prefix)
    if not abroad and len(digits) == 10:
        digits = f"1{digits}"
    number = f"+{digits}"
    if len(digits) == 3:  # 911, 988, 211
        return NumberFault.SERVICE
    if digits.startswith("1"):
        return _north_american(digits, countries)
    if not abroad or not _FOREIGN.fullmatch(digits):
        return NumberFault.SHORT
    if refused_number(number):
        return NumberFault.SERVICE
    return number if number.startswith(tuple(countries)) else NumberFault.FOREIGN


def _north_american(digits: str, countries: Collection[str]) -> str | NumberFault:
    found = _NORTH_AMERICAN.fullmatch(digits)
    if found is None:
        return NumberFault.SHORT
    number, area, exchange = f"+{digits}", found[1], found[2]
    if (
        refused_number(number)
        or _SERVICE_AREA.fullmatch(area)
        or exchange == PREMIUM_EXCHANGE
        or exchange.endswith("11")
    ):
        return NumberFault.SERVICE
    abroad = _OTHER_PLUS_ONE.fullmatch(area)
    allowed = f"+1{area}" in countries if abroad else number.startswith(tuple(countries))
    return number if allowed else NumberFault.FOREIGN
