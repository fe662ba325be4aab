"""Text from staff in API requests: one rule for names, reasons and messages to a resident."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

LONGEST_REASON = 300  # characters
LINES = frozenset("\n\t")  # the only control characters that are allowed
# control characters, surrogates, unassigned and private-use code points, line and paragraph
# separators
UNPRINTABLE = ("Cc", "Cs", "Cn", "Co", "Zl", "Zp")
# bidirectional controls: they change the direction of the text that follows, also on a resident's
# screen
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
JOINERS = frozenset("\u200c\u200d")  # zero-width joiners, used in some scripts and in emoji
SHOWN = "LNPS"  # the categories of visible characters
# characters of those categories that are blank all the same
UNSEEN = frozenset("\u115f\u1160\u2800\u3164\uffa0")


class StaffWords(fields.Str):
    """A trimmed string of at most `longest` characters: printable, well-formed, and not blank if it
    is required.

    A blank value of an optional field becomes the empty string. Anything else is a ValidationError
    that names the field.
    """

    def __init__(self, longest: int, *, line: bool = False, **more: Any) -> None:
        needed = int(bool(more.get("required")))  # an empty value was already refused as blank
        super().__init__(validate=validate.Length(needed, longest), **more)
        self._line = line

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any
    ) -> str:
        words = str(super()._deserialize(value, attr, data, **more)).replace("\r\n", "\n").strip()
        words = unicodedata.normalize("NFC", words)  # so that a name has one spelling
        allowed = frozenset() if self._line else LINES
        if any(
            letter in TURNING
            or (self._line and unicodedata.category(letter) == "Cf" and letter not in JOINERS)
            or (unicodedata.category(letter) in UNPRINTABLE and letter not in allowed)
            for letter in words
        ):
            raise ValidationError("Holds characters that cannot be printed.")
        if self._blank(words):
            if self.required:
                raise ValidationError("Must not be blank.")
            return ""
        return words

    def _blank(self, words: str) -> bool:
        return not any(
            unicodedata.category(letter)[0] in SHOWN and letter not in UNSEEN for letter in words
        )


class Reason(StaffWords):
    """Why somebody does something. A dash or a dot says nothing: it is as blank as a space."""

    def __init__(self, **more: Any) -> None:
        super().__init__(LONGEST_REASON, **more)

    def _blank(self, words: str) -> bool:
        return not any(letter.isalnum() and letter not in UNSEEN for letter in words)


class Whole(fields.Int):
    """An integer, as a JSON number: no string, no fraction, no boolean."""

    def _validated(self, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class YesNo(fields.Bool):
    """A JSON boolean."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any
    ) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value
