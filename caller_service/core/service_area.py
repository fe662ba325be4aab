"""Where is it? A place in somebody's own words, found in the program's place table, and the area it lies in.

Within `edge_metres` of a line, or too inexact to say, is for a human (domain.md section 2, rule 13).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import pairwise

from .combinations import one_slip
from .program import Area, Place, Program
from .vocabulary import normal

METRES_PER_DEGREE = 111_320.0
_PAIR = re.compile(r"(-?\d{1,3}\.\d{3,})[,;\s%2C]+(-?\d{1,3}\.\d{3,})")
_SAME = {
    "street": "st", "avenue": "ave", "av": "ave", "avenida": "ave", "road": "rd", "drive": "dr", "lane": "ln", "boulevard": "blvd",
    "calle": "st", "first": "1", "second": "2", "third": "3", "fourth": "4", "fifth": "5", "sixth": "6", "seventh": "7", "eighth": "8",
    "ninth": "9", "tenth": "10", "primera": "1", "segunda": "2", "tercera": "3", "cuarta": "4", "quinta": "5",
}  # fmt: skip
_SILENT = {
    "st",
    "nd",
    "rd",
    "th",
    "ave",
    "dr",
    "ln",
    "blvd",
    "and",
    "at",
    "y",
    "con",
    "the",
    "near",
    "corner",
    "of",
    "on",
    "esquina",
    "cerca",
    "de",
    "la",
    "en",
    "el",
}

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Located:
    kind: str  # inside, outside, not_live, near_edge, ambiguous, unknown
    area: str = ""
    point: Point | None = field(default=None, repr=False)


def locate(text: str, program: Program, today: date) -> Located:
    """Read a place and say which area it lies in. What cannot be said for sure is "unknown" or "ambiguous"."""
    if (pair := _PAIR.search(text)) is not None:
        latitude, longitude = float(pair[1]), float(pair[2])
        return place_point((longitude, latitude), program, today)
    places = named(text, program.places)
    if not places:
        return Located("unknown")
    answers = [place_point((place.longitude, place.latitude), program, today, place.accuracy) for place in places]
    if len({(answer.kind, answer.area) for answer in answers}) > 1:
        return Located("ambiguous")
    return answers[0] if len(answers) == 1 else Located(answers[0].kind, answers[0].area)


def place_point(point: Point, program: Program, today: date, accuracy: float = 0.0) -> Located:
    """Which area a point lies in; `accuracy` (metres) widens the edge."""
    if not (-180 <= point[0] <= 180 and -90 <= point[1] <= 90):
        return Located("unknown")
    inside = next((area for area in program.areas if contains(area, point)), None)
    margin = program.edge_metres + accuracy
    if any(edge_distance(area, point) < margin for area in program.areas if inside is None or area is inside or _live(area, today)):
        return Located("near_edge", inside.id if inside else "", point)
    if inside is None:
        return Located("outside", "", point)
    return Located("inside" if _live(inside, today) else "not_live", inside.id, point)


def _live(area: Area, today: date) -> bool:
    return area.live_from is not None and area.live_from <= today


def contains(area: Area, point: Point) -> bool:
    """Is the point inside one of the area's polygons, and in none of its holes?"""
    return any(_in_ring(rings[0], point) and not any(_in_ring(hole, point) for hole in rings[1:]) for rings in area.polygons)


def _in_ring(ring: tuple[Point, ...], point: Point) -> bool:
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in pairwise(ring):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def edge_distance(area: Area, point: Point) -> float:
    """Metres from the point to the nearest line of the area. Flat-earth arithmetic: exact enough within a city."""
    narrow = math.cos(math.radians(point[1]))

    def flat(corner: Point) -> Point:
        return (corner[0] - point[0]) * METRES_PER_DEGREE * narrow, (corner[1] - point[1]) * METRES_PER_DEGREE

    return min(
        (_to_line(flat(a), flat(b)) for rings in area.polygons for ring in rings for a, b in pairwise(ring)),
        default=math.inf,
    )


def _to_line(a: Point, b: Point) -> float:
    """Distance from the origin to the line from a to b."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    along = 0.0 if length == 0 else max(0.0, min(1.0, -(a[0] * dx + a[1] * dy) / length))
    return math.hypot(a[0] + along * dx, a[1] + along * dy)


def named(text: str, places: tuple[Place, ...]) -> tuple[Place, ...]:
    """The places whose name, or an alias, stands in the text; the longest names win."""
    said = _street_words(text)
    hits = [(len(words), place) for place in places for words in _names(place) if _said(words, said)]
    best = max((length for length, _ in hits), default=0)
    return tuple({place.name: place for length, place in hits if length == best}.values())


@lru_cache(maxsize=65536)
def _names(place: Place) -> tuple[tuple[str, ...], ...]:
    """The words of a place's names. A program's places never change while it runs."""
    return tuple(words for name in (place.name, *place.aliases) if (words := _street_words(name)))


def _street_words(text: str) -> tuple[str, ...]:
    """Names only: "Main St & 3rd Ave" and "3rd and main" both speak of main and 3."""
    spaced = tuple(_SAME.get(word, word) for word in normal(text))
    kept = [word for word in spaced if word not in _SILENT]
    return tuple(dict.fromkeys(kept))


def _said(name: tuple[str, ...], said: tuple[str, ...]) -> bool:
    return all(any(word == other or (len(word) >= 5 and one_slip(word, other)) for other in said) for word in name)
