"""Reads what somebody we paged texts back with the case's code.

They take the case, pass it on, do something with it, or write words. Taking stops the ladder, so
only clear words or a time take a case, and every word must be understood. A refusal passes it on,
with a reason or without. Contradictory or meaningless answers are asked again. Anything else is
words: for the resident if the sender already has the case, which the caller knows.

The text is read from left to right as phrases of a few kinds, the longest phrase first ("no
problem" before "no"). The phrases are in the tables; `_decide` decides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from .phone_text import clean
from .staff_words import (
    ASK,
    EMOJI,
    FLUFF,
    PASS,
    PASS_FULLY,
    REASON,
    SHRUG,
    TAKE,
    TIME,
    WORD,
    StaffWords,
    Takes,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passes:
    """They cannot or will not come: the next person is asked."""


@dataclass(frozen=True, slots=True)
class Act:
    """A holder's command: pause, take_over, release, hand_over, looked, lower, lift, same_person;
    or arrived, which a team reports;
    or close, which is done at the console alone; or no_act, what they may take for a command."""

    name: str
    words: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Says:
    """Words for the resident, used only if the sender already has the case."""

    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unclear:
    """The answer must be asked again; nothing is taken."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A command in capitals with more capitals after it ("LOWER THE KNIFE"): asked again, because
    it may be for the resident."""


Answer = Takes | Passes | Act | Says | Unclear | Ambiguous

MOST_WORDS = 6  # a longer text says more than yes or no; a time does not count


# --- one spelling for what can be written in many ways ---

_UNSEEN = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe0e\ufe0f\ufeff\u20e3\U0001f3fb-\U0001f3ff♀♂]"
)
_APOSTROPHES = re.compile("['’‘´`ʼ]")


def _plain(text: str) -> str:
    """The text in small letters without accents, invisible characters, and emoji skin tone and
    sex."""
    text = re.sub(r"(\d)\s*½", r"\1.5", text).replace("½", "0.5")
    text = unicodedata.normalize("NFKD", _UNSEEN.sub("", text)).casefold()
    text = "".join(mark for mark in text if unicodedata.category(mark) != "Mn")
    text = _UNSEEN.sub("", text)
    text = re.sub(r"(?<!\d)(\d) 1[/⁄]2(?!\d)", r"\1.5", text)
    text = re.sub(r"(?<![\d/])1[/⁄]2(?![\d/])", "0.5", text)
    return re.sub(r"([^\W\d_])\1{2,}", r"\1", text)


def _spoken(text: str) -> str:
    """`_plain` for matching phrases: "can't" and "cant" are one word."""
    return " ".join(_APOSTROPHES.sub("", _plain(text)).split())


def _words(text: str) -> str:
    """The words as written, without the space and punctuation that the code left."""
    words = " ".join(text.split()).strip(" ,;:-–—").lstrip(" .!")
    return words if re.search(r"\w", words) else ""


# --- what a holder may do ---

_WEIGHTY = ("lower", "lift", "same_person")  # a mistake here removes a resident's protection


def _act(text: str, staff: StaffWords, is_name: Callable[[str], bool]) -> Act | Ambiguous | None:
    """A command is the whole text, or in capitals before other words, or before a colon, or before
    a comma unless it is weighty. "Lower your voice" is for the resident. A hand-over needs a name
    after it: the caller checks the name, and treats anything else as words. "Pass to", "hand over"
    are one only before a name that is known."""
    for name, pattern in staff.acts:
        if not (found := pattern.match(text)):
            continue
        behind = text[found.end() :]
        words = _words(behind)
        if name == "pass_on":
            if is_name(words):
                return Act("hand_over", words)
            continue
        mark = behind.lstrip()[:1]
        alone = words.casefold().strip(" .!") in staff.beside_acts
        if name == "arrived" and not alone:
            continue  # "arrived, at the back door" is for the resident
        if name in ("close", "no_act"):
            # never words for the resident: they would read that they are sent away
            return Act(name) if alone or mark == ":" or found[0].isupper() else None
        if name == "hand_over" or mark == ":" or alone:
            return Act(name, "" if alone else words)
        if mark and mark in ",;-–—":
            return Ambiguous() if name in _WEIGHTY else Act(name, words)
        if found[0].isupper():
            return Act(name, words) if any(letter.islower() for letter in words) else Ambiguous()
        return None
    return None


def words_of(rest: str, staff: StaffWords) -> str:
    """The words around the code as written, without a phone's signature; "" for a reaction or no
    words."""
    return _words(clean(rest, staff.own, staff=True).words)


# --- phrases ---


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: int
    text: str = field(repr=False)
    apart: bool = False  # punctuation before it: "no, driving"
    time: Takes | None = None


def _next_piece(text: str, start: int, apart: bool, staff: StaffWords) -> tuple[int, _Piece] | None:
    """The longest phrase that begins here. Of two equally long ones, the kind that takes least."""
    best: tuple[int, _Piece] | None = None
    for kind, phrases in staff.phrases:
        for phrase in phrases:
            if (match := phrase.match(text, start)) and (best is None or match.end() > best[0]):
                best = match.end(), _Piece(kind, match[0], apart)
    for end, time in staff.times.here(text, start):
        if best is None or end > best[0]:
            best = end, _Piece(TIME, text[start:end], apart, time)
    end = staff.times.how_long(text, start) or start
    if end > start and (best is None or end > best[0]):
        best = end, _Piece(REASON, text[start:end], apart)
    return best


_LONE = re.compile(r"\w+|[$€£%#&@+]\s*\w*")


def _pieces(text: str, staff: StaffWords) -> tuple[_Piece, ...]:
    pieces: list[_Piece] = []
    at, apart = 0, False
    while at < len(text):
        if read := _next_piece(text, at, apart, staff):
            at, apart = read[0], False
            pieces.append(read[1])
        elif word := _LONE.match(text, at):
            pieces.append(_Piece(WORD, word[0], apart))
            at, apart = word.end(), False
        else:
            if unicodedata.category(text[at]) in ("So", "Sk", "Cn"):
                pieces.append(_Piece(EMOJI, text[at], apart))
            apart = apart or not text[at].isspace()
            at += 1
    return tuple(pieces)


# --- reasons behind a refusal, told from words meant for the resident ---


def _passes_with_reason(pieces: tuple[_Piece, ...], staff: StaffWords) -> bool:
    """Is it a refusal, with the rest about the sender? Not "no, stay inside", "can't find the
    door"."""
    words = staff.reasons
    first = next(at for at, piece in enumerate(pieces) if piece.kind in (WORD, REASON))
    behind = [word for piece in pieces[first:] for word in piece.text.split()]
    if words["you"] & set(behind):
        return False
    if not any(piece.kind in (PASS, PASS_FULLY) for piece in pieces[:first]):
        return _reason_first(pieces, [piece.text for piece in pieces if piece.kind == WORD], staff)
    if behind[0] in words["because"] or pieces[first].kind == REASON:
        return True
    if behind[0] in words["placed"]:
        return bool(words["elsewhere"] & set(behind))
    return pieces[first].apart and behind[0] not in words["told"]


def _reason_first(pieces: tuple[_Piece, ...], words: list[str], staff: StaffWords) -> bool:
    """ "Driving, can't", "sorry im at work, not available"; not "he said he can't"."""
    reasons = staff.reasons
    last = [piece.kind for piece in pieces if piece.kind not in (FLUFF, EMOJI)][-1]
    if last != PASS_FULLY or not words or reasons["others"] & set(words):
        return False
    return words[0] in reasons["myself"] or (
        words[0] in reasons["placed"] and bool(reasons["elsewhere"] & set(words))
    )


# --- the decision ---


def read_answer(
    rest: str, staff: StaffWords, is_name: Callable[[str], bool] = lambda _: False
) -> Answer:
    """The meaning of the words around the code. `is_name`: is this somebody who could be asked?"""
    written = clean(rest, staff.own, staff=True)
    if written.reaction:
        return Unclear()  # a phone quoted our own text with its code: nobody answered
    text = written.words
    if _nothing(text):
        return Takes()
    if act := _act(text, staff, is_name):
        return act
    spoken = _spoken(text)
    answer = _decide(spoken, _pieces(spoken, staff), staff)
    if answer is not None:
        return answer
    return Says(_words(text)) if any(mark.isalpha() for mark in text) else Unclear()


def _nothing(text: str) -> bool:
    """Is it the code alone, perhaps with punctuation: "K7M4Q2.", "(K7M4Q2)"? "..." is no answer."""
    bare = "".join(_UNSEEN.sub("", text).split())
    return bare in (
        "",
        ".",
        ",",
        ":",
        "!",
        "#",
        "-",
        "()",
        "[]",
        "<>",
        '""',
        "''",
        "“”",
        "‘’",
        "«»",
    )


def _decide(spoken: str, pieces: tuple[_Piece, ...], staff: StaffWords) -> Answer | None:
    """The answer, or None for words for the resident."""
    kinds = {piece.kind for piece in pieces} - {FLUFF, EMOJI}
    words = sum(len(re.findall(r"\w+", piece.text)) for piece in pieces if piece.kind != TIME)
    if re.search("[?¿❓❔⁉؟?]", spoken):
        word_count = words + len(
            re.findall(r"\w+", " ".join(piece.text for piece in pieces if piece.kind == TIME))
        )
        return Unclear() if word_count <= 2 or WORD not in kinds else None
    if kinds & {PASS, PASS_FULLY}:
        return _refusal(pieces, kinds, words, staff)
    if words > MOST_WORDS or WORD in kinds or REASON in kinds or not kinds:
        return None
    if kinds & {ASK, SHRUG}:
        return Unclear()
    if not kinds & {TAKE, TIME}:
        return Unclear()  # only "no worries"
    times = {piece.time for piece in pieces if piece.time}
    if len(times) > 1:
        return Unclear()
    return times.pop() if times else Takes()


def _refusal(
    pieces: tuple[_Piece, ...], kinds: set[int], words: int, staff: StaffWords
) -> Answer | None:
    if words > MOST_WORDS and PASS_FULLY not in kinds:
        return None  # "no" and a long sentence may be for the resident
    if kinds & {TAKE, TIME} or kinds & {ASK, WORD} == {ASK}:
        return Unclear() if words <= MOST_WORDS else None
    if not kinds & {WORD, REASON} or _passes_with_reason(pieces, staff):
        return Passes()
    return None
