"""Compiles what people on duty write around a case's code, in all shipped languages together, from
`[staff]` of `translations/<language>/words.toml`.

A phrase is written in small letters without accents and apostrophes: `(ok|fine)` is a choice, `(now
)?` is optional, `+` repeats what comes before it, `[oa]` is one of these letters, and `<name>`
stands for a phrase of `[staff.parts]`. Numbers, "am", "min", "h", ":" and emoji belong to no
language and are in this file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

# Kinds of phrase. Of two equally long phrases, the kind that comes first here, and so takes least,
# counts.
PASS_FULLY, PASS, ASK, SHRUG, MILD, TAKE, FLUFF = range(7)
TIME, REASON, WORD, EMOJI = range(7, 11)

PHRASES = {
    "pass_fully": PASS_FULLY, "pass": PASS, "ask": ASK, "mild": MILD, "take": TAKE, "fluff": FLUFF,
}  # fmt: skip
_EMOJI = {PASS: "[👎❌🚫✋🙅]", SHRUG: "🤷", TAKE: "[👍✅🙋👌]"}
ACTS = (
    "pause", "take_over", "release", "hand_over", "pass_on", "looked", "lower", "lift",
    "same_person", "close", "arrived", "no_act",
)  # fmt: skip
REASONS = ("you", "told", "because", "myself", "others", "placed", "elsewhere")
# Lists of words and phrases about time (docs/translating.md).
TIME_LISTS = (
    "minutes", "hours", "hour", "to", "and", "and_a_half", "morning", "afternoon", "night", "there",
    "about", "about_counted", "behind", "at", "at_about", "article", "oclock", "past", "before",
    "behind_past", "behind_before", "noon", "midnight", "how_long", "how_long_about",
)  # fmt: skip
_SMALL = 5  # "a", "two": a smaller number in words needs a unit after it

_WRITTEN = re.compile(r"(?:[\w ]|\((?!\?)|\)|[|?+\[\]<>])+")
_PART = re.compile(r"<(\w+)>")


@dataclass(frozen=True, slots=True)
class Takes:
    """They take the case, perhaps with a time. The caller refuses more than twelve hours.

    `at` is local time of day. With `either`, no half of the day was given ("at 6", "6:40"): the
    caller takes the next of 6:00 and 18:00. A time of a 24-hour day ("18:40", "0630", "06:30") is
    exact.
    """

    minutes: int | None = None
    at: tuple[int, int] | None = None
    either: bool = False


@dataclass(frozen=True, slots=True)
class StaffTable:
    """One language's `[staff]` as written, with its parts inserted."""

    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    at_end: tuple[str, ...] = ()
    asks: frozenset[str] = frozenset()
    gives_back: frozenset[str] = frozenset()
    acts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hand_over_alone: tuple[str, ...] = ()
    beside_acts: frozenset[str] = frozenset()
    reasons: Mapping[str, frozenset[str]] = field(default_factory=dict)
    time: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    fractions: Mapping[str, int] = field(default_factory=dict)  # of an hour, in minutes
    lengths: Mapping[int, tuple[str, ...]] = field(
        default_factory=dict
    )  # minutes -> "half an hour"


def pattern(written: str, parts: Mapping[str, str], empty: bool = False) -> str:
    """A phrase as a regular expression. `parts` are patterns already; `empty`: it may match
    nothing. Raises ValueError, quoting the phrase, if it is malformed."""
    if not _WRITTEN.fullmatch(written) or not parts.keys() >= set(_PART.findall(written)):
        raise ValueError(f'"{written}" is no phrase')
    made = _PART.sub(lambda found: parts[found[1]], written.replace("(", "(?:"))
    try:
        nothing = re.fullmatch(made, "")
    except re.error as problem:
        raise ValueError(f'"{written}" is no phrase: {problem}') from None
    if nothing and not empty:
        raise ValueError(f'"{written}" may be nothing at all')
    return made


def _any(patterns: Iterable[str]) -> str:
    """An alternation, longest first; matches nothing if there are no patterns."""
    return "|".join(sorted(patterns, key=len, reverse=True)) or "(?!)"


class StaffWords:
    """All languages' tables, compiled for texts as `_spoken` returns them. Immutable."""

    def __init__(
        self, languages: Iterable[StaffTable] = (), own: frozenset[str] = frozenset()
    ) -> None:
        """`own`: words that no phone signs with (core/phone_text.py)."""
        every = tuple(languages)
        self.own = own
        self.asks = frozenset[str]().union(*(each.asks for each in every))
        self.gives_back = frozenset[str]().union(*(each.gives_back for each in every))
        self.beside_acts = frozenset({""}).union(*(each.beside_acts for each in every))
        self.reasons = {
            name: frozenset[str]().union(*(each.reasons.get(name, ()) for each in every))
            for name in REASONS
        }
        self.acts = tuple(_acts(every))
        # by kind, in order
        self.phrases = tuple(_phrases(every))
        numbers: dict[str, int] = {}
        fractions: dict[str, int] = {}
        for each in every:
            numbers |= each.numbers
            fractions |= each.fractions
        self.times = _Times(every, numbers, fractions)


_GAP = r"[\W_]*"


def _acts(every: tuple[StaffTable, ...]) -> Iterator[tuple[str, re.Pattern[str]]]:
    for name in ACTS:
        written = [act for each in every for act in each.acts.get(name, ())]
        if name == "hand_over":  # a name follows it, unless the text ends there
            written += [f"{act}(?={_GAP}$)" for each in every for act in each.hand_over_alone]
        if written:
            yield (
                name,
                re.compile(
                    rf"[\W_]*(?:{'|'.join(written).replace(' ', _GAP)})(?!\w)", re.IGNORECASE
                ),
            )


def _phrases(every: tuple[StaffTable, ...]) -> Iterator[tuple[int, tuple[re.Pattern[str], ...]]]:
    for kind in (PASS_FULLY, PASS, ASK, SHRUG, MILD, TAKE, FLUFF):
        written = [
            phrase
            for name, of in PHRASES.items()
            if of == kind
            for each in every
            for phrase in each.phrases.get(name, ())
        ]
        written += [_EMOJI[kind]] if kind in _EMOJI else []
        if kind == FLUFF:
            written += [rf"(?:{_any(each.at_end)})(?=[^\w]*$)" for each in every if each.at_end]
        yield (
            kind,
            tuple(
                re.compile("(?:" + phrase.replace(" ", r"(?:[\s-]+)") + r")(?!\w)")
                for phrase in dict.fromkeys(written)
            ),
        )


_Reader = Callable[[re.Match[str]], Takes | None]
_AM_PM = r"(?:am|pm|a\.m\.?|p\.m\.?|(?<=\d)p\b)"
_END = r"(?!\w|[.,:/–-]\d)"


class _Times:
    """Finds times as people on duty write them: a number of minutes or hours, or a time of day."""

    def __init__(
        self,
        every: tuple[StaffTable, ...],
        numbers: Mapping[str, int],
        fractions: Mapping[str, int],
    ) -> None:
        self._numbers, self._fractions = numbers, fractions
        words = {
            name: "(?:" + _any(dict.fromkeys(w for each in every for w in each.time.get(name, ())))
            + ")"
            for name in TIME_LISTS
        }  # fmt: skip
        self._is_morning = re.compile(rf"a\.?m?\.?|{words['morning']}")
        self._is_night = re.compile(words["night"])
        self._is_before = re.compile(rf"{words['before']}|{words['behind_before']}")
        lead = rf"(?:{words['there']}[\s:=,.-]*)?"
        self._patterns = tuple(
            (re.compile(rf"{lead}(?:{written}){_END}"), reader)
            for written, reader in (
                *self._lengths(words, every),
                *self._times_of_day(words),
            )
        )
        self._how_long = re.compile(
            rf"{words['how_long']}\s+(?:{words['article']}\s+)?(?:{words['how_long_about']}\s+)?"
        )

    def here(self, text: str, start: int) -> list[tuple[int, Takes]]:
        """The times that begin here: where each ends, and its meaning."""
        found = ((written.match(text, start), reader) for written, reader in self._patterns)
        read = ((match.end(), reader(match)) for match, reader in found if match)
        return [(end, time) for end, time in read if time is not None]

    def how_long(self, text: str, start: int) -> int | None:
        """Where a phrase like "until 6" or "for 20 minutes" ends. It says how long they are away,
        not when they come."""
        if (found := self._how_long.match(text, start)) and (until := self.here(text, found.end())):
            return max(end for end, _ in until)
        return None

    # ---- a number of minutes or hours ------------------------------------------------------------

    def _lengths(
        self, words: Mapping[str, str], every: tuple[StaffTable, ...]
    ) -> Iterator[tuple[str, _Reader]]:
        bare = rf"\d{{1,3}}|{_any(one for one, n in self._numbers.items() if n >= _SMALL)}"
        number = rf"\d{{1,3}}(?:[.,]\d{{1,2}})?|(?:{_any(self._numbers)})(?=[\s-])"
        minutes = rf"(?:{words['minutes']}|(?:(?<=\d)|(?<=\d ))m)\b\.?"
        hours = rf"(?:{words['hours']}|(?:(?<=\d)|(?<=\d ))h)\b\.?"
        to = rf"\s*(?:-|–|—|/|{words['to']})\s*"
        about = rf"(?:(?:{words['about']}|{words['about_counted']}|~)\s*){{0,2}}"
        # "around 7" may be a time of day: with a bare number it is asked again
        about_bare = rf"(?:(?:{words['about']}|~)\s*){{0,2}}"
        behind = rf"(?:\s*{words['behind']})?"
        both = rf"(?P<low>{bare}){to}(?P<high>{bare})"
        yield rf"{about_bare}(?P<n>{bare}){behind}", self._minutes
        yield rf"{about}(?P<n>{number})[\s-]*{minutes}{behind}", self._minutes
        yield rf"{about_bare}(?P<both>{both}){behind}", self._bare_range
        yield (
            rf"{about}(?P<both>(?P<low>{number})(?:\s*{minutes})?{to}(?P<high>{number}))"
            rf"[\s-]*{minutes}{behind}",
            self._range,
        )
        yield rf"{about}(?P<n>{number})[\s-]*{hours}{behind}", self._hours
        yield (
            rf"{about}(?P<low>{number})(?:\s*{hours})?{to}(?P<high>{number})[\s-]*{hours}{behind}",
            self._hour_range,
        )
        yield (
            rf"{about}(?P<h>{number})\s*{hours}\s*(?:{words['and']}|,)?\s*(?P<m>{bare})"
            rf"\s*{minutes}{behind}",
            self._hours_and,
        )
        yield rf"{about}(?P<h>\d{{1,2}})h(?P<m>[0-5]\d){behind}", self._hours_and
        yield rf"{about}(?P<h>{number})\s*{hours}\s*(?P<m>[0-5]\d){behind}", self._hours_and
        half = words["and_a_half"]
        yield rf"{about}{words['hour']} {half}{behind}", lambda _: _for(90)
        yield (
            rf"{about}(?P<n>{number}) (?:{hours} {half}|{half} {hours}){behind}",
            lambda found: _for(60 * self._number(found["n"]) + 30),
        )
        for each in every:
            for length, written in each.lengths.items():
                yield (
                    rf"{about}(?:{_any(written)}){behind}",
                    lambda _, length=length: Takes(minutes=length),  # type: ignore[misc]
                )

    def _number(self, said: str) -> float:
        return float(self._numbers[said] if said in self._numbers else said.replace(",", "."))

    def _minutes(self, found: re.Match[str]) -> Takes | None:
        return _for(self._number(found["n"]))

    def _hours(self, found: re.Match[str]) -> Takes | None:
        return _for(60 * self._number(found["n"]))

    def _bare_range(self, found: re.Match[str]) -> Takes | None:
        """ "10-15"; but "10 to 7" may be a time of day, "12/25" a date, and "10-33" a radio
        code."""
        low, high = self._number(found["low"]), self._number(found["high"])
        if low >= high or "/" in found["both"] or (low == 10 and high % 5):
            return None
        return _for(high)

    def _range(self, found: re.Match[str]) -> Takes | None:
        if re.match(r"10\s*-\s*4(?!\d)", found["both"]):
            return None  # "10-4" is what radios say for "understood"
        return _for(max(self._number(found["low"]), self._number(found["high"])))

    def _hour_range(self, found: re.Match[str]) -> Takes | None:
        return _for(60 * max(self._number(found["low"]), self._number(found["high"])))

    def _hours_and(self, found: re.Match[str]) -> Takes | None:
        return _for(60 * self._number(found["h"]) + self._number(found["m"]))

    # ---- a time of day ---------------------------------------------------------------------------

    def _times_of_day(self, words: Mapping[str, str]) -> Iterator[tuple[str, _Reader]]:
        part = rf"(?:{words['morning']}|{words['afternoon']}|{words['night']})"
        half = rf"(?:\s?(?P<half>{_AM_PM}|{part}))"
        article = words["article"]
        at = (
            rf"(?:(?:{words['at']}\s+(?:(?:{words['at_about']}|{article})\s+)?|{article}\s+|@\s*)"
            r"{1,2})"
        )
        sometime = rf"(?:{words['at_about']}\s+)?{at}?"  # what follows can only be a time of day
        fraction = _any(self._fractions)
        yield rf"{sometime}(?P<t>[0-2]\d[0-5]\d)(?:\s?(?:h|{words['hours']}))?", self._digits
        yield (
            rf"{sometime}(?P<h>\d{{1,2}}):(?P<m>\d\d){half}?(?:\s?(?:h|{words['hours']}))?",
            self._written,
        )
        yield rf"{at}(?P<h>\d{{1,2}})\.(?P<m>\d\d){half}?", self._written
        yield rf"{sometime}(?P<t>[1-9][0-5]\d){half}", self._at_three
        yield rf"{at}(?P<t>[1-9][0-5]\d)(?P<half>)", self._at_three
        yield (
            rf"{sometime}(?P<t>1[0-2][0-5]\d)(?P<half>\s?{_AM_PM})",
            lambda found: self._clock(
                int(found["t"][:2]), int(found["t"][2:]), found["half"].strip()
            ),
        )
        yield rf"{sometime}(?P<h>\d{{1,2}}){half}", self._hour
        yield rf"{at}(?P<h>\d{{1,2}})(?:\s?h)?(?P<half>)", self._hour
        yield rf"{sometime}(?P<h>\d{{1,2}}) ?{words['oclock']}{half}?", self._hour
        way = rf"(?P<way>{words['past']}|{words['before']})"
        yield rf"{sometime}(?P<m>{fraction}) {way} (?P<h>\d{{1,2}}){half}?", self._past
        way = rf"(?P<way>{words['behind_past']}|{words['behind_before']})"
        yield rf"{sometime}(?P<h>\d{{1,2}}) {way} (?P<m>{fraction}){half}?", self._past
        yield rf"{sometime}{words['noon']}", lambda _: Takes(at=(12, 0))
        yield rf"{sometime}{words['midnight']}", lambda _: Takes(at=(0, 0))

    def _clock(
        self, hour: int, minute: int, half: str | None = None, twelve: bool = True
    ) -> Takes | None:
        """A time of day. `twelve`: without a half of the day, the hour may mean either half."""
        if hour > 23 or minute > 59:
            return None
        if not half:
            return Takes(at=(hour, minute), either=twelve and 1 <= hour <= 12)
        if self._is_morning.fullmatch(half):
            return Takes(at=(hour % 12, minute)) if 1 <= hour <= 12 else None
        if hour == 12 and self._is_night.fullmatch(half):
            return Takes(at=(0, minute))
        return Takes(at=(hour % 12 + 12 if hour <= 12 else hour, minute)) if hour else None

    def _digits(self, found: re.Match[str]) -> Takes | None:
        return self._clock(int(found["t"][:2]), int(found["t"][2:]), twelve=False)

    def _written(self, found: re.Match[str]) -> Takes | None:
        return self._clock(
            int(found["h"]), int(found["m"]), found["half"], twelve=not found["h"].startswith("0")
        )

    def _hour(self, found: re.Match[str]) -> Takes | None:
        return self._clock(int(found["h"]), 0, found["half"], not found["h"].startswith("0"))

    def _at_three(self, found: re.Match[str]) -> Takes | None:
        return self._clock(int(found["t"][0]), int(found["t"][1:]), found["half"])

    def _past(self, found: re.Match[str]) -> Takes | None:
        """ "Half past 6", "quarter to 7", "6 y media", "7 menos cuarto", "cuarto para las 7"."""
        whole = self._clock(int(found["h"]), 0, found["half"])
        if whole is None or whole.at is None:
            return None
        offset = self._fractions[found["m"]] * (
            -1 if self._is_before.fullmatch(found["way"]) else 1
        )
        hour, minute = divmod((whole.at[0] * 60 + offset) % (24 * 60), 60)
        if whole.either:
            hour = hour % 12 or 12
        return Takes(at=(hour, minute), either=whole.either)


def _for(minutes: float) -> Takes | None:
    return Takes(minutes=round(minutes)) if minutes > 0 else None
