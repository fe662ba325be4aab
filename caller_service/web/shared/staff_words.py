"""Words of staff as they come in through the API: one rule for names, reasons and what is written
to a resident."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

LINES = frozenset("\n\t")  # the only control characters that mean something in a text
# control characters, halves of a letter, separators of lines, what is no letter of any script
UNPRINTABLE = ("Cc", "Cs", "Cn", "Co", "Zl", "Zp")
# these turn the direction of whatever follows, a resident's screen included
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
JOINERS = frozenset("\u200c\u200d")  # between letters of some scripts, and inside emoji
SHOWN = "LNPS"  # the categories of what can be seen
UNSEEN = frozenset(
    "\u115f\u1160\u2800\u3164\uffa0"
)  # letters and signs that are blank all the same


class StaffWords(fields.Str):
    """A string, trimmed, of at most `longest` characters: printable, well-formed, and not blank
    where it is required.

    A blank where it is not required is the empty string. Anything else is a ValidationError that
    names the field.
    """

    def __init__(self, longest: int, *, line: bool = False, **more: Any) -> None:
        needed = int(bool(more.get("required")))  # an empty one is refused before, as blank
        super().__init__(validate=validate.Length(needed, longest), **more)
        self._line = line

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any
    ) -> str:
        words = str(super()._deserialize(value, attr, data, **more)).replace("\r\n", "\n").strip()
        words = unicodedata.normalize("NFC", words)  # one name has one spelling
        allowed = frozenset() if self._line else LINES
        if any(
            letter in TURNING
            or (self._line and unicodedata.category(letter) == "Cf" and letter not in JOINERS)
            or (unicodedata.category(letter) in UNPRINTABLE and letter not in allowed)
            for letter in words
        ):
            raise ValidationError("Holds characters that cannot be printed.")
        if not any(
            unicodedata.category(letter)[0] in SHOWN and letter not in UNSEEN for letter in words
        ):
            if self.required:
                raise ValidationError("Must not be blank.")
            return ""
        return words


class Whole(fields.Int):
    """A whole number, as a JSON number: no text, no fraction, no truth."""

    def _validated(self, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class YesNo(fields.Bool):
    """true or false, as JSON has it."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any
    ) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value
