"""Reads service areas (GeoJSON) and the places residents name (CSV).

GeoJSON has the longitude first. Each feature is one area: a Polygon or MultiPolygon with the
properties id, name, live_from (an ISO date, or null while no date is set) and, unless it is open
round the clock, hours; psap where its PSAP is not that of `[numbers]`. The CSV
has the columns name, longitude, latitude and, optionally, aliases (separated by "|") and accuracy
(metres).
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from caller_service.core.program import Area, Place

from . import atlas
from .checked_table import CheckedTable, file_text, read_json

Point = tuple[float, float]
Ring = tuple[Point, ...]
Polygon = tuple[Ring, ...]

_WIDEST = 5.0  # degrees; no city is wider, but a polygon with one mistyped corner is
_FARTHEST = 2.0  # degrees from every area; beyond it, a place is mistyped rather than outside
_NEEDED = ("name", "longitude", "latitude")
_COLUMNS = (*_NEEDED, "aliases", "accuracy")


def read_areas(path: Path, faults: list[str]) -> tuple[Area, ...]:
    """The areas of a GeoJSON file; faults are added to `faults`, by feature.

    Members that we do not use are ignored, whatever they contain (RFC 7946, section 6.1).
    """
    top = read_json(path, faults)
    top.one_of("type", ("FeatureCollection",))
    _wgs84(top)
    areas = tuple(_area(feature) for feature in top.tables("features", needed=True))
    top.twice("features", [area.id for area in areas], "areas")
    for area in areas:
        if broken := atlas.faults(area):
            top.fault("features", f'area "{area.id}": {broken}')
    return areas


def _wgs84(top: CheckedTable) -> None:
    """QGIS still writes the old `crs` member; only WGS 84 is GeoJSON."""
    if top.content.get("crs") is None:
        return
    crs = top.table("crs")
    name = crs.table("properties").text("name", "")
    if crs.content and not name.endswith(("CRS84", "4326")):
        top.fault("crs", f'"{name}" is not WGS 84; export the file as EPSG:4326')


def _area(feature: CheckedTable) -> Area:
    feature.one_of("type", ("Feature",))
    properties = feature.table("properties", needed=True)
    return Area(
        id=properties.text("id"),
        name=properties.text("name"),
        polygons=tuple(_polygons(feature, properties.content.get("id"))),
        live_from=properties.day("live_from", needed=True),
        hours=properties.hours("hours"),
        # map programs write null into an empty field
        psap=properties.phone("psap") if properties.content.get("psap") is not None else "",
    )


def _polygons(feature: CheckedTable, name: object) -> Iterator[Polygon]:
    """The polygons of a feature, each ring checked."""
    geometry = feature.table("geometry", needed=True)
    kind = geometry.one_of("type", ("Polygon", "MultiPolygon"))
    found = geometry.raw("coordinates", list, "a list")
    coordinates = found if isinstance(found, list) else []
    polygons = [coordinates] if kind == "Polygon" else coordinates
    if isinstance(found, list) and not all(
        isinstance(rings, list) and rings for rings in polygons or [[]]
    ):
        geometry.fault("coordinates", f'area "{name}" has a polygon without rings')
        return
    for number, rings in enumerate(polygons, start=1):
        yield tuple(
            _ring(geometry, ring, f'area "{name}", polygon {number}, ring {place}')
            for place, ring in enumerate(rings, start=1)
        )


def _ring(geometry: CheckedTable, corners: object, where: str) -> Ring:
    """A closed ring that encloses an area. If it is invalid a fault is added."""
    points = [_point(corner) for corner in corners] if isinstance(corners, list) else []
    ring = tuple(point for point in points if point is not None)
    if len(ring) < len(points) or not points:
        geometry.fault("coordinates", f"{where}: must be a list of [longitude, latitude]")
        return ()
    if outside := [point for point in ring if not (abs(point[0]) <= 180 and abs(point[1]) <= 90)]:
        swapped = (
            ": is the latitude first?"
            if all(abs(x) <= 90 and abs(y) <= 180 for x, y in outside)
            else ""
        )
        geometry.fault(
            "coordinates", f"{where}: {outside[0]} is not a longitude and a latitude{swapped}"
        )
    elif len(ring) < 4:
        geometry.fault(
            "coordinates",
            f"{where}: has {len(ring)} points; a ring needs four, the last one the same as the "
            f"first",
        )
    elif ring[0] != ring[-1]:
        geometry.fault("coordinates", f"{where}: is not closed; its last point must be its first")
    elif _ground(ring) == 0:
        geometry.fault("coordinates", f"{where}: has no ground inside it")
    elif max(_span(ring, 0), _span(ring, 1)) > _WIDEST:
        geometry.fault(
            "coordinates",
            f"{where}: is more than {_WIDEST:g} degrees wide, so a corner must be mistyped",
        )
    return ring


def _point(corner: object) -> Point | None:
    if not isinstance(corner, list) or len(corner) not in (2, 3):  # a third number is the height
        return None
    if not all(
        isinstance(part, int | float) and not isinstance(part, bool) and math.isfinite(part)
        for part in corner
    ):
        return None
    return float(corner[0]), float(corner[1])


def _ground(ring: Ring) -> float:
    """Twice the area inside a ring, in square degrees."""
    # measured from a corner: far from the origin, rounding would give a line some ground
    x, y = ring[0]
    return abs(
        round(
            sum((x1 - x) * (y2 - y) - (x2 - x) * (y1 - y) for (x1, y1), (x2, y2) in pairwise(ring)),
            12,
        )
    )


def _span(ring: Ring, axis: int) -> float:
    return max(point[axis] for point in ring) - min(point[axis] for point in ring)


def read_places(path: Path, areas: tuple[Area, ...], faults: list[str]) -> tuple[Place, ...]:
    """The places of a CSV file; faults are added to `faults`, by line."""
    text = file_text(path, faults)
    if text is None:
        return ()
    rows = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    try:
        return _places(rows, path.name, areas, faults)
    except (
        csv.Error
    ) as problem:  # an unclosed quotation mark would otherwise swallow the rest of the file
        faults.append(f"{path.name}: line {rows.line_num}: {problem}")
        return ()


def _places(
    rows: csv.DictReader[str], file: str, areas: tuple[Area, ...], faults: list[str]
) -> tuple[Place, ...]:
    columns = tuple(rows.fieldnames or ())
    wrong = [f'there is no column "{name}"' for name in _NEEDED if name not in columns]
    wrong += [f'unknown column "{name}"' for name in columns if name not in _COLUMNS]
    faults.extend(f"{file}: line 1: {fault}" for fault in wrong)
    if wrong:
        return ()
    places: list[Place] = []
    lines: dict[str, int] = {}  # every name and alias, and its line
    for cells in rows:
        row = _Row(cells, f"{file}: line {rows.line_num}", faults)
        place = row.place()
        if place is None:
            continue
        for name in dict.fromkeys(word.casefold() for word in (place.name, *place.aliases)):
            if (line := lines.setdefault(name, rows.line_num)) != rows.line_num:
                row.fault(f'"{name}" is already on line {line}')
        if areas and not any(_near(area, place) for area in areas):
            row.fault(
                f"{place.name} is more than {_FARTHEST:g} degrees from every area, so it must be "
                f"mistyped"
            )
        places.append(place)
    return tuple(places)


def _near(area: Area, place: Place) -> bool:
    corners = [corner for rings in area.polygons for ring in rings for corner in ring]
    return (
        any(
            abs(x - place.longitude) <= _FARTHEST and abs(y - place.latitude) <= _FARTHEST
            for x, y in corners
        )
        or not corners
    )


class _Row:
    """One line of the places file."""

    def __init__(self, row: Mapping[str, str | None], where: str, faults: list[str]) -> None:
        self._row, self._where, self._faults = row, where, faults

    def fault(self, wrong: str) -> None:
        self._faults.append(f"{self._where}: {wrong}")

    def place(self) -> Place | None:
        # csv stores surplus cells under None
        if set(self._row) - set(_COLUMNS) or None in self._row.values():
            self.fault("has more or fewer columns than line 1")
            return None
        name = (self._row["name"] or "").strip()
        if not name:
            self.fault("the name is empty")
        longitude, latitude = self._number("longitude", 180), self._number("latitude", 90)
        accuracy = (
            self._number("accuracy", 5000) if (self._row.get("accuracy") or "").strip() else 50.0
        )
        if accuracy is not None and accuracy < 0:
            self.fault(f"accuracy: {accuracy:g} metres is negative")
        if longitude is None or latitude is None or accuracy is None or not name:
            return None
        if longitude == 0 and latitude == 0:
            self.fault("0, 0 lies in the ocean")
            return None
        aliases = tuple(
            alias.strip() for alias in (self._row.get("aliases") or "").split("|") if alias.strip()
        )
        return Place(name, longitude, latitude, aliases, accuracy)

    def _number(self, column: str, limit: float) -> float | None:
        text = (self._row[column] or "").strip()
        try:
            value = float(text)
        except ValueError:
            self.fault(f'{column}: "{text}" is not a number')
            return None
        if not abs(value) <= limit:  # NaN is refused too
            self.fault(f"{column}: {text} is beyond {limit:g}")
            return None
        return value
