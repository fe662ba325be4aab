"""Which numbers software must never dial or text."""

from __future__ import annotations

import re
import unicodedata

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
