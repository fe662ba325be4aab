"""What somebody we paged texts back around the case's code.

They take it, pass it on, act on it, or say something. Taking stops the ladder, so only clear words
or a time take a case, and every word must be understood. A refusal passes it on, also with a reason
behind it. What contradicts itself or means nothing is asked back. Everything else is words: for the
resident if the sender already has the case, which the caller knows.

The text is read from left to right as phrases of a few kinds, the longest phrase first ("no
problem" before "no"). Add words to the tables; the decision is made in `_decided`.
"""

from __future__ import annotations

import re
import unicodedata
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
    """They cannot or will not: the next person is asked."""


@dataclass(frozen=True, slots=True)
class Act:
    """What a holder may do by text: pause, take_over, release, hand_over, looked, lower, lift,
    same_person."""

    name: str
    words: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Says:
    """Words for the resident, used only if the sender already has the case."""

    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unclear:
    """Asked back. It takes nothing."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A command in capitals, and more in capitals behind it: "LOWER THE KNIFE". Asked back: it may
    be for the resident."""


Answer = Takes | Passes | Act | Says | Unclear | Ambiguous

MOST_WORDS = 6  # a longer text says more than yes or no; a time counts as none of them


# --- one spelling for what can be written in many ways ---

_UNSEEN = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe0e\ufe0f\ufeff\u20e3\U0001f3fb-\U0001f3ff♀♂]"
)
_APOSTROPHES = re.compile("['’‘´`ʼ]")


def _plain(text: str) -> str:
    """Small letters without accents, invisible characters, and the skin and sex of emoji."""
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
    """What is handed on: as it was written, without the gap and the marks the code left."""
    words = " ".join(text.split()).strip(" ,;:-–—").lstrip(" .!")
    return words if re.search(r"\w", words) else ""


# --- what a holder may do ---

_WEIGHTY = ("lower", "lift", "same_person")  # a slip here takes a person's protection away


def _act(text: str, staff: StaffWords) -> Act | Ambiguous | None:
    """A command stands alone, or in capitals before what is not, or before a colon, or a comma
    where little hangs on it. "Lower your voice" is for the resident. A hand-over needs a name
    behind it: the caller knows the names, and takes anything else as words.
    """
    for name, pattern in staff.acts:
        if not (found := pattern.match(text)):
            continue
        behind = text[found.end() :]
        words = _words(behind)
        mark = behind.lstrip()[:1]
        alone = words.casefold().strip(" .!") in staff.beside_acts
        if name == "hand_over" or mark == ":" or alone:
            return Act(name, "" if alone else words)
        if mark and mark in ",;-–—":
            return Ambiguous() if name in _WEIGHTY else Act(name, words)
        if found[0].isupper():
            return Act(name, words) if any(letter.islower() for letter in words) else Ambiguous()
        return None
    return None


def words_of(rest: str) -> str:
    """What stands around the code, as it was written: without a phone's signature, "" for a
    reaction or for no words."""
    return _words(clean(rest, staff=True).words)


# --- phrases ---


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: int
    text: str = field(repr=False)
    apart: bool = False  # a mark stands in front of it: "no, driving"
    time: Takes | None = None


def _next_piece(text: str, start: int, apart: bool, staff: StaffWords) -> tuple[int, _Piece] | None:
    """The longest phrase that begins here. Of two as long, the one that takes least."""
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
    """A refusal, and the rest is about the sender: not "no, stay inside", "can't find the door"."""
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


def read_answer(rest: str, staff: StaffWords) -> Answer:
    """What is meant by what stands around the code."""
    written = clean(rest, staff=True)
    if written.reaction:
        return Unclear()  # a phone quotes our own text, with its code: nobody answered
    text = written.words
    if _nothing(text):
        return Takes()
    if act := _act(text, staff):
        return act
    spoken = _spoken(text)
    answer = _decided(spoken, _pieces(spoken, staff), staff)
    if answer is not None:
        return answer
    return Says(_words(text)) if any(mark.isalpha() for mark in text) else Unclear()


def _nothing(text: str) -> bool:
    """The code alone, perhaps as people write it: "K7M4Q2.", "(K7M4Q2)". "..." is no answer."""
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


def _decided(spoken: str, pieces: tuple[_Piece, ...], staff: StaffWords) -> Answer | None:
    """None: it is words, or nothing."""
    kinds = {piece.kind for piece in pieces} - {FLUFF, EMOJI}
    words = sum(len(re.findall(r"\w+", piece.text)) for piece in pieces if piece.kind != TIME)
    if re.search("[?¿❓❔⁉؟?]", spoken):
        every = words + len(
            re.findall(r"\w+", " ".join(piece.text for piece in pieces if piece.kind == TIME))
        )
        return Unclear() if every <= 2 or WORD not in kinds else None
    if kinds & {PASS, PASS_FULLY}:
        return _refusal(pieces, kinds, words, staff)
    if words > MOST_WORDS or WORD in kinds or REASON in kinds or not kinds:
        return None
    if kinds & {ASK, SHRUG}:
        return Unclear()
    if not kinds & {TAKE, TIME}:
        return Unclear()  # "no worries" and nothing else
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
