"""Finds a place in somebody's own words in the program's place table, and the area it lies in.

Only what is certain counts, because a team at the wrong corner is worse than a human who asks. A
point within `edge_metres` of the outer border of all live areas together, or too inexact to tell,
is for a human (docs/safety-rules.md, rules 13 and 16).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from .program import Area, Place, Program
from .routing import is_open
from .spelling import one_slip
from .street_words import AND, NUMBER, StreetWords
from .vocabulary import normal

Point = tuple[float, float]  # longitude, latitude; WGS 84 degrees
# metres from the nearest area; farther is a typing error (sign lost, swapped), not a place
PLAUSIBLE = 80_000.0
MOST_NAMED = 6  # places to choose among; of more, none is offered
# a pair of coordinates, and no part of a longer number; a sign that is not read is no plus
_PAIR = re.compile(
    r"(?<![\d.\u2012-\u2015\u2212-])(-?\d{1,3}\.\d{3,})(?:[,;\s]|%2C|%20)+"
    r"(-?\d{1,3}\.\d{3,})(?!\d|\.\d)",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:https?://|geo:)\S*", re.IGNORECASE)
# the pin of a map link, beside the map's centre: Google's, and OpenStreetMap's
_PINS = (
    re.compile(r"!3d(-?\d{1,3}\.\d{3,})!4d(-?\d{1,3}\.\d{3,})"),
    re.compile(r"[?&]mlat=(-?\d{1,3}\.\d{3,})&mlon=(-?\d{1,3}\.\d{3,})"),
)
# 39.7060, 39° 42.36' or 39°42'21.6": degrees, minutes and seconds. Then N and W, or before it.
_NUMBER = r"(\d{1,3}(?:\.\d{1,10})?)"
_GAP = r"\s?\s?"
_SECONDS = rf"(?:{_NUMBER}{_GAP}(?:[\"\u2033\u201d]|''){_GAP})?"
_MINUTES = rf"(?:{_NUMBER}{_GAP}['\u2032\u2019]{_GAP}{_SECONDS})?"
_ANGLE = rf"{_NUMBER}{_GAP}°?{_GAP}{_MINUTES}"
_BETWEEN = r"[,;\s]?[,;\s]?[,;\s]?"
_HALVES = (
    re.compile(rf"(?<![\w.-]){_ANGLE}([NS]){_BETWEEN}{_ANGLE}([EWO])(?!\w)", re.I),
    re.compile(rf"(?<![\w.-])([NS]){_GAP}{_ANGLE}{_BETWEEN}([EWO]){_GAP}{_ANGLE}(?![\w.])", re.I),
)
_MAP_CENTRE = "@"  # in a link, before what the map shows, which may be beside the pin


@dataclass(frozen=True, slots=True)
class Located:
    kind: str  # inside, outside, not_live, near_edge, ambiguous, unknown
    area: str = ""
    point: Point | None = field(default=None, repr=False)


def locate(
    text: str, program: Program, local: datetime, *, about_another: bool | None = None
) -> Located:
    """Find a place and the area it lies in; "unknown" or "ambiguous" if it is not certain.

    `local` is the program's own time, which decides whether an area is live and open.
    `about_another`: is help asked for somebody else? If not, where "he" is, is another place; if
    so, where "I" am alone. None: not known.
    """
    text = program.streets.spelled_out(in_decimals(text))
    elsewhere = _asks(text) or _of_somebody_else(text, program.streets, about_another)
    if pairs := _PAIR.findall(text):
        if elsewhere or len(pairs) > 1 or not _leads_to_pair(text, program.streets):
            return Located("ambiguous")
        ((latitude, longitude),) = pairs
        return place_point((float(longitude), float(latitude)), program, local)
    places, sure = _named_in_town(text, program)
    if not places or not sure or elsewhere:
        return Located("ambiguous" if places else "unknown")
    answers = [
        place_point((place.longitude, place.latitude), program, local, place.accuracy)
        for place in places
    ]
    if len({(answer.kind, answer.area) for answer in answers}) > 1:
        return Located("ambiguous")
    return answers[0] if len(answers) == 1 else Located(answers[0].kind, answers[0].area)


def which(
    text: str, program: Program, local: datetime, *, about_another: bool | None = None
) -> tuple[str, ...]:
    """The places that an ambiguous one may be, each with its area's name, as `locate` finds it; ()
    where what is unclear is not which of several, or their names do not tell them apart."""
    places, sure = named(text, program.places, program.streets)
    if not sure or locate(text, program, local, about_another=about_another).kind != "ambiguous":
        return ()
    if _asks(text) or _of_somebody_else(text, program.streets, about_another):
        return ()
    names = []
    for place in places:
        areas = _areas_of(place, program)
        names += [f"{place.name}, {areas[0].name}" if len(areas) == 1 else place.name]
    points = {locate(name, program, local).point for name in names}
    if len(names) > MOST_NAMED or None in points or len(points) < len(names):
        return ()
    return tuple(names)


def _named_in_town(text: str, program: Program) -> tuple[tuple[Place, ...], bool]:
    """The places that are named, and whether that is certain. "Main and 3rd, Eastside" are the ones
    in the area that is named last."""
    places, sure = named(text, program.places, program.streets)
    if sure and len(places) < 2:
        return places, sure
    words = _words(text, program.streets)
    for area in program.areas:
        town = normal(area.name)
        if not town or words[-len(town) :] != town:
            continue
        # the text without the name of the area, which stands at its end
        before = " ".join(re.findall(r"\S+", text)[: -len(area.name.split())])
        others, certain = named(before, program.places, program.streets)
        there = tuple(place for place in others if area in _areas_of(place, program))
        if there and certain:
            return there, True
    return places, sure


def _areas_of(place: Place, program: Program) -> list[Area]:
    holding = program.area_map.at((place.longitude, place.latitude))
    return [area for area in program.areas if area.id in holding]


def has_coordinates(text: str) -> bool:
    """Does the text hold a pair of coordinates, or a map link with one?"""
    return _PAIR.search(in_decimals(text)) is not None


def in_decimals(text: str) -> str:
    """The text with coordinates in other notations, and a map link with one pin, as one pair of
    decimals: "39°42'21.6"N 105°00'00.0"W". What is not exact enough for a team stays as it is."""
    text = _LINK.sub(_pin, text)
    text = _HALVES[0].sub(lambda found: _pair(found, found[4], found[8], 1, 5), text)
    return _HALVES[1].sub(lambda found: _pair(found, found[1], found[5], 2, 6), text)


def _pin(link: re.Match[str]) -> str:
    pins = {found for pattern in _PINS for found in pattern.findall(link[0])}
    return ",".join(pins.pop()) if len(pins) == 1 else link[0]


def _pair(found: re.Match[str], north: str, east: str, first: int, second: int) -> str:
    degrees = [_degrees(*found.group(at, at + 1, at + 2)) for at in (first, second)]
    latitude, longitude = degrees
    if latitude is None or longitude is None:
        return found[0]
    latitude = latitude if north.upper() == "N" else -latitude
    longitude = longitude if east.upper() == "E" else -longitude
    return f"{latitude:.6f},{longitude:.6f}"


def _degrees(whole: str, minutes: str | None, seconds: str | None) -> float | None:
    """One angle; None if it is not exact to some 100 metres, or no angle."""
    last = seconds or minutes or whole
    decimals = len(last.partition(".")[2])
    exact = seconds is not None or decimals >= (2 if minutes else 3)
    if not exact or float(minutes or 0) >= 60 or float(seconds or 0) >= 60:
        return None
    return float(whole) + float(minutes or 0) / 60 + float(seconds or 0) / 3600


def _of_somebody_else(text: str, streets: StreetWords, about_another: bool | None) -> bool:
    """Is it told where somebody is who may not be the person?"""
    words = frozenset(normal(text))
    if about_another is None:
        return False
    if not about_another:
        return not words.isdisjoint(streets.others)
    return not words.isdisjoint(streets.mine) and words.isdisjoint(streets.others | streets.ours)


def _asks(text: str) -> bool:
    """ "City Hall?" is a question, and no place they are sure of."""
    return "?" in unicodedata.normalize("NFKC", _LINK.sub(" ", text))


def _leads_to_pair(text: str, streets: StreetWords) -> bool:
    """Do all words beside a pair of coordinates only lead to it? "My mom is at 39.7060,-105.0000",
    another number and a place by name need a human. So does a link to a map's centre."""
    for link in _LINK.findall(text):
        pair = _PAIR.search(link)
        if pair is None or link[: pair.start()].endswith(_MAP_CENTRE):
            return False
    words = normal(_PAIR.sub(" ", _LINK.sub(" ", text)))
    return _only_leads(words, streets) and all(
        word in streets.around or word in streets.coordinates for word in words
    )


def _only_leads(
    words: tuple[str, ...], streets: StreetWords, named_words: frozenset[str] = frozenset()
) -> bool:
    """Do words that lead to a place in some company alone stand in it? "Across from City Hall" and
    "it is City Hall" do; "from City Hall" and "is it City Hall" do not."""
    if any(
        words[at : at + len(doubt)] == doubt for doubt in streets.doubts for at in range(len(words))
    ):
        return False
    return all(
        word in named_words or before in streets.after[word]
        for before, word in zip(("", *words), words, strict=False)
        if word in streets.after
    )


def place_point(point: Point, program: Program, local: datetime, accuracy: float = 0.0) -> Located:
    """The area a point lies in; `accuracy` (metres) widens the border zone. Any live and open area
    that contains the point serves it."""
    ground = program.area_map
    if not (-180 <= point[0] <= 180 and -90 <= point[1] <= 90):
        return Located("unknown")
    holding = ground.at(point)
    if not holding and ground.away(point) > PLAUSIBLE:
        return Located("unknown")
    inside = _serving([area for area in program.areas if area.id in holding], local)
    live = frozenset(area.id for area in program.areas if _live(area, local))
    if ground.edge(point, live) < program.edge_metres + accuracy:
        return Located("near_edge", inside.id if inside else "", point)
    if inside is None and any(ground.at(slip) for slip in _slips(point)):
        return Located("unknown")  # a sign lost, or the two numbers swapped
    if inside is None:
        return Located("outside", "", point)
    return Located("inside" if inside.id in live else "not_live", inside.id, point)


def _slips(point: Point) -> tuple[Point, ...]:
    """What may have been meant where a sign was lost or the two numbers were swapped."""
    x, y = point
    return ((-x, y), (x, -y), (-x, -y), (y, x))


def _serving(holding: list[Area], local: datetime) -> Area | None:
    """Of the areas that contain a point: the first live and open one, else the first live one, else
    the first."""
    live = [area for area in holding if _live(area, local)]
    return next(
        (area for area in live if is_open(area.hours, local)), next(iter((*live, *holding)), None)
    )


def _live(area: Area, local: datetime) -> bool:
    return area.live_from is not None and area.live_from <= local.date()


# ---- places in somebody's own words --------------------------------------------------------------

# a street number stays one word: `normal` would split "3rd"
_LETTERS = str.maketrans("0123456789", "abcdefghij")
_DIGITS = str.maketrans("abcdefghij", "0123456789")
_NTH = re.compile(r"nth([a-j]{1,3})q")
_MARKS = re.compile(r"[&@/+]")
_NUMBER_SIGN = re.compile(r"#\s*")


@dataclass(frozen=True, slots=True)
class _Street:
    """A street's name, type and side: "N Main St" is main, st, n; "" if not given."""

    name: str
    type: str = ""
    side: str = ""


@dataclass(frozen=True, slots=True)
class _Mention:
    street: _Street
    start: int
    end: int  # index after its last word
    ordinal: bool = False  # its name is a word, or a number with a suffix ("3rd")


def named(
    text: str, places: tuple[Place, ...], streets: StreetWords
) -> tuple[tuple[Place, ...], bool]:
    """The places that are named, and whether that is certain. A name with a typing error is not
    certain."""
    words = _words(text, streets)
    if not words:
        return (), True
    exact = [
        place
        for place in places
        if any(_says(name, words, streets) for name in _names(place, streets))
    ]
    if exact:
        return tuple(exact), _says_nothing_else(words, exact, streets)
    near = [
        place
        for place in places
        if any(_says(name, words, streets, slip=True) for name in _names(place, streets))
    ]
    return tuple(near), False


def _says_nothing_else(words: tuple[str, ...], places: list[Place], streets: StreetWords) -> bool:
    """Do all other words only lead to a place? "Not at City Hall", "City Hall, Boston" and "my mom
    is at City Hall" need a human. So does "City Hall Ave": that is a street. A place that was, will
    be, or is asked about is told with words that do not only lead to it."""
    corner = any(AND in _words(place.name, streets) for place in places)
    roads = {*streets.types, *streets.sides}
    named_words = {
        part
        for place in places
        for name in (place.name, *place.aliases)
        for part in _words(name, streets)
    }
    named_words |= {_bare(word, streets) for word in named_words}
    numbers = [bare for word in words if (bare := _bare(word, streets)).isdecimal()]
    if len(set(numbers)) < len(numbers):  # "main and 3rd at 3": one of them is no street
        return False
    return _only_leads(words, streets, frozenset(named_words)) and all(
        word in named_words
        or _bare(word, streets) in named_words
        or (word in roads if corner else word in streets.around and word not in roads)
        or (corner and word in streets.around)
        for word in words
    )


def _words(text: str, streets: StreetWords) -> tuple[str, ...]:
    marked = _NUMBER_SIGN.sub(f" {NUMBER} ", _MARKS.sub(f" {AND} ", text))
    return normal(
        streets.ordinal.sub(lambda found: f" nth{found[1].translate(_LETTERS)}q ", marked)
    )


_Name = tuple[str, ...] | tuple[_Street, _Street]


@lru_cache(maxsize=65536)
def _names(place: Place, streets: StreetWords) -> tuple[_Name, ...]:
    """A place's names: two streets, or words. Cached, because places never change while the process
    runs."""
    return tuple(
        _corner(words, streets) or words
        for name in (place.name, *place.aliases)
        if (words := _words(name, streets))
    )


def _corner(words: tuple[str, ...], streets: StreetWords) -> tuple[_Street, _Street] | None:
    if AND not in words:
        return None
    at = words.index(AND)
    first, second = _street(words[:at], streets), _street(words[at + 1 :], streets)
    return (first, second) if first and second else None


def _street(words: tuple[str, ...], streets: StreetWords) -> _Street | None:
    sides, types = streets.sides, streets.types
    side = next((sides[word] for word in words if word in sides), "")
    kind = next((types[word] for word in reversed(words) if word in types), "")
    name = [_bare(word, streets) for word in words if word not in sides and word not in types]
    return _Street(" ".join(name), kind, side) if name else None


def _bare(word: str, streets: StreetWords) -> str:
    """ "3rd", "third" and "3" name the same street."""
    found = _NTH.fullmatch(word)
    return found[1].translate(_DIGITS) if found else streets.ordinals.get(word, word)


def _says(name: _Name, words: tuple[str, ...], streets: StreetWords, slip: bool = False) -> bool:
    if isinstance(name[0], _Street):
        first, second = name
        assert isinstance(first, _Street) and isinstance(second, _Street)
        return _says_corner(first, second, words, streets, slip)
    phrase = tuple(str(word) for word in name)
    spans = (words[at : at + len(phrase)] for at in range(len(words) - len(phrase) + 1))
    return any(all(_same(a, b, slip) for a, b in zip(phrase, span, strict=True)) for span in spans)


def _same(known: str, said: str, slip: bool) -> bool:
    return known == said or (slip and len(known) >= 5 and one_slip(known, said))


def _says_corner(
    first: _Street, second: _Street, words: tuple[str, ...], streets: StreetWords, slip: bool
) -> bool:
    """Are both streets named, joined by a word like "and" or both with their type, neither
    contradicted, and without a house, flat or floor number?"""
    if _has_house_number(words, streets):
        return False
    ones = list(_mentions(first, words, streets, slip))
    others = list(_mentions(second, words, streets, slip))
    return any(_meet(one, other, words, streets) for one in ones for other in others)


def _mentions(
    street: _Street, words: tuple[str, ...], streets: StreetWords, slip: bool
) -> Iterator[_Mention]:
    """Where the street is named without a contradicting side or type."""
    sides, types = streets.sides, streets.types
    name = tuple(street.name.split())
    for at in range(len(words) - len(name) + 1):
        span = words[at : at + len(name)]
        if not all(_same(a, _bare(b, streets), slip) for a, b in zip(name, span, strict=True)):
            continue
        if at and words[at - 1] in streets.units:
            continue
        start, end = at, at + len(name)
        side = kind = ""
        if start and words[start - 1] in sides:
            start, side = start - 1, sides[words[start - 1]]
        if end < len(words) and words[end] in types:
            end, kind = end + 1, types[words[end]]
        elif start and words[start - 1] in types:  # "calle 3", "avenida main"
            start, kind = start - 1, types[words[start - 1]]
        if end < len(words) and words[end] in sides:
            end, side = end + 1, sides[words[end]]
        if (kind and street.type and kind != street.type) or (side != street.side and side):
            continue
        yield _Mention(
            _Street(street.name, kind, side), start, end, ordinal=not span[0].isdecimal()
        )


def _meet(one: _Mention, other: _Mention, words: tuple[str, ...], streets: StreetWords) -> bool:
    before, after = (one, other) if one.start < other.start else (other, one)
    if before.end > after.start:
        return False
    between = words[before.end : after.start]
    typed = bool(one.street.type and other.street.type)
    joined = bool(between) and all(
        word in streets.joins or word in streets.articles for word in between
    )
    if not joined and not (typed and not between):
        return False
    # A bare number that is not joined, or has no type, may be a house number.
    return all(each.ordinal or each.street.type or joined for each in (one, other))


def _has_house_number(words: tuple[str, ...], streets: StreetWords) -> bool:
    """ "120 Main St", "8 Cedar St", "Main St 120", "Apt 3": is there a number before a street's
    name, after its type, or of a flat?"""
    joins, types = streets.joins, streets.types
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        before = words[at - 1] if at else ""
        if word in streets.units and following:
            return True
        if not word.isdecimal():
            continue
        if following and following not in joins and following not in types:
            return True  # "3 main and ..." : a number before a name
        if (
            before in types
            and not (at >= 2 and words[at - 2] in joins)
            and following not in types
            and not _leads(words, at, streets)
        ):
            return True  # "main st 120"
    return False


def _leads(words: tuple[str, ...], at: int, streets: StreetWords) -> bool:
    """Does the type before a number belong to it: "calle 3", "y avenida 5"?"""
    before = words[at - 2]
    return (
        at == 1
        or before in streets.joins
        or before in streets.articles
        or before in streets.prepositions
    )
