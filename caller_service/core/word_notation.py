"""How a form of words is written in `speech.toml`: choices, optional parts, classes, beginnings
(core/combinations.py tells the notation)."""

from __future__ import annotations

import re

from .vocabulary import normal

DEEPEST = 2  # a choice, and one inside it: "(the|to (him|her))"
END = "$"  # behind the last word: no text holds it, `normal` takes it out

_PART = re.compile(r"(<[a-z_0-9]+>|\((?:[^()]|\([^()]*\))*\)|#\d+(?:-\d+)?|[^\s<>#()?]+)(\??)")
_SIGN = re.compile(r"([()|])")
_PLAIN = re.compile(r"[^<>()#?|]*")

Form = tuple[str, ...]  # words next to each other; "kill+" is any word that begins with "kill"


class Malformed(ValueError):
    """A form or a combination that cannot be read; `written` is the whole entry."""

    def __init__(self, written: str, why: str) -> None:
        super().__init__(f"{written!r}: {why}")
        self.written = written


def choices_of(written: str) -> list[str]:
    """What "|" separates outside parentheses. Raises ValueError for parentheses that do not match
    or are nested too deep."""
    if "(" not in written and ")" not in written:
        return written.split("|")
    choices, depth = [""], 0
    for piece in _SIGN.split(written):
        depth += (piece == "(") - (piece == ")")
        if not 0 <= depth <= DEEPEST:
            raise ValueError("a parenthesis closes nothing, or is nested too deep")
        if piece == "|" and not depth:
            choices.append("")
        else:
            choices[-1] += piece
    if depth:
        raise ValueError("a parenthesis is not closed")
    return choices


def check_form(written: str, entry: str) -> None:
    """Raises Malformed where a part of a form would be left out or split in its middle."""
    if is_plain(written):
        return
    try:
        choices = choices_of(written)
    except ValueError as problem:
        raise Malformed(entry, str(problem)) from None
    for choice in choices:
        if unread := _PART.sub("", choice).split():
            raise Malformed(entry, f"{unread[0]!r} belongs to nothing")
        if not choice.strip() and len(choices) > 1:
            raise Malformed(entry, "a choice is empty")
        for part, _ in _PART.findall(choice):
            if part[0] == "(":
                check_form(part[1:-1], entry)


def variants(written: str) -> list[tuple[str, ...]]:
    """The parts of a form, once for each way to omit optional parts, but never all parts."""
    found: list[tuple[str, ...]] = [()]
    for part, optional in _PART.findall(written):
        with_it = [(*each, part) for each in found]
        found = with_it + found if optional else with_it
    return [each for each in dict.fromkeys(found) if each]


def forms_of(written: str) -> list[Form]:
    """A form in the spelling of `normal`: "can't breathe" gives ("cant", "breathe"); "kill+" keeps
    its sign."""
    words: list[str] = []
    for part in written.split():
        stem = part.rstrip("+")
        # most words need no normalising
        plain = stem == END or (stem.isascii() and stem.isalpha() and stem.islower())
        bare = (stem,) if plain else normal(stem)
        if not bare:
            continue
        words += [*bare[:-1], bare[-1] + ("+" if part.endswith("+") else "")]
    return [tuple(words)] if words else []


def is_plain(written: str) -> bool:
    """Words alone: no choice, no class, no number."""
    return _PLAIN.fullmatch(written) is not None
