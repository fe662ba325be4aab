"""Where they are, by phone: the house number keyed, the street or corner said, and read back before
it counts (docs/phone.md; docs/safety-rules.md, rule 13).

A keypad cannot say a street: without speech recognition a person asks for it, and has the number.
While a number is keyed, `0`, `9` and `#` are digits of it or its end: the commands are `*` and then
the key. What a caller gave is kept with the case as soon as it is heard, confirmed or not.
"""

from __future__ import annotations

import re
from dataclasses import replace as with_changes

from .case import Case, Step, replace
from .phone_script import At, Heard, Line, Position, Spoken
from .questions import variant
from .routing import Scene

MOST_DIGITS = 8  # of a house number; more is something else
_KEPT = 16  # digits of anything that was keyed
_ALONE = re.compile(r"\d+(?![^\W\d_])")  # digits, but not those of "3rd"
_BETWEEN = re.compile(r"[\s,.-]+")

# what keys mean while a number is keyed
PERSON, EMERGENCY, REPEAT, NONE, NUMBER, UNREAD = (
    "person", "emergency", "repeat", "none", "number", "unread",
)  # fmt: skip


def keyed(digits: str) -> tuple[str, str]:
    """What was keyed where a house number is asked for: its meaning, and the number if it is one.

    No house number begins with 0: that key alone is a person, with `*` or without.
    """
    _, star, rest = digits.rpartition("*")
    ended, rest = rest.endswith("#"), rest.rstrip("#")
    if not rest:
        return (NONE if ended else REPEAT if star else UNREAD), ""
    if not (rest.isascii() and rest.isdecimal()):
        return UNREAD, ""
    if rest.startswith("0"):
        return PERSON, ""
    if star and rest in ("9", "911"):
        return EMERGENCY, ""
    return (NUMBER if len(rest) <= MOST_DIGITS else UNREAD), rest


def number_said(words: str) -> str:
    """The house number, if somebody said that and nothing else; else ""."""
    digits = _BETWEEN.sub("", words)
    fine = digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS
    return digits if fine else ""


def by_digit(place: str) -> str:
    """A place as it is read back: its numbers digit by digit."""
    return _ALONE.sub(lambda found: ", ".join(found[0]), place)


def with_number(case: Case, digits: str) -> Case:
    """The case with what was keyed: whoever comes has it."""
    return replace(case, house_number=digits[:_KEPT]) if digits else case


def ask_number(case: Case, position: Position, scene: Scene) -> Spoken:
    """Where are they? The number by keypad, or all of it in words where speech is signed."""
    position = with_changes(
        position, at=At.NUMBER, part="where", place="", house="", silent=0, wrong=0
    )
    how = "spoken.place.number_or_say" if scene.program.phone.speech else "spoken.place.number"
    lines = (Line(f"spoken.ask.where.{variant(case)}"), Line(how))
    return Spoken(Step(case), position, lines, question=0)


def ask_street(case: Case, position: Position) -> Spoken:
    """The street of the number that was keyed, or a corner."""
    line = "spoken.place.street" if position.house else "spoken.place.corner"
    position = with_changes(position, at=At.PLACE, part="where", silent=0, wrong=0)
    return Spoken(Step(case), position, (Line(line),), question=0)


def read_back(case: Case, position: Position, place: str, scene: Scene) -> Spoken:
    """What was understood, before it counts."""
    if scene.program.phone.speech:
        case = replace(case, place_said=place)
    position = with_changes(position, at=At.READ_BACK, part="where", place=place, silent=0, wrong=0)
    return Spoken(Step(case), position, read_back_lines(position), question=1)


def read_back_lines(position: Position) -> tuple[Line, ...]:
    only_keyed = position.place == position.house
    key = "spoken.place.keyed" if only_keyed else "spoken.place.heard"
    return (Line(key, {"place": by_digit(position.place)}), Line("spoken.place.right"))


def whole(position: Position, heard: Heard) -> str:
    """The number that was keyed and the street that was said, as one place."""
    words = heard.words.strip()
    begins = re.match(r"\d+", words)
    if not position.house or (begins and begins[0] == position.house):
        return words
    return f"{position.house} {words}"
