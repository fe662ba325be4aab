"""Words of staff as they come in through the API: one rule for names, reasons and what is written
to a resident."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

LINES = frozenset("\n\t")  # the only control characters that mean something in a text
# control characters, halves of a letter, and what is no letter at all
UNPRINTABLE = ("Cc", "Cs", "Cn")
SHOWN = "LNPS"  # the categories of what can be seen


class StaffWords(fields.Str):
    """A string, trimmed, of at most `longest` characters: printable, well-formed, and not blank
    where it is required.

    A blank where it is not required is the empty string. Anything else is a ValidationError that
    names the field.
    """

    def __init__(self, longest: int, *, line: bool = False, **more: Any) -> None:
        super().__init__(validate=validate.Length(0, longest), **more)
        self._line = line

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any
    ) -> str:
        words = str(super()._deserialize(value, attr, data, **more)).replace("\r\n", "\n").strip()
        allowed = frozenset() if self._line else LINES
        if any(
            unicodedata.category(letter) in UNPRINTABLE and letter not in allowed
            for letter in words
        ):
            raise ValidationError("Holds characters that cannot be printed.")
        if not any(unicodedata.category(letter)[0] in SHOWN for letter in words):
            if self.required:
                raise ValidationError("Must not be blank.")
            return ""
        return words
