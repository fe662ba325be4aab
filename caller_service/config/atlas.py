"""Indexes the map of a program's areas once, when the program is read (shapely), for the pure core.

Distances are metres on a plane through the middle of the areas, exact enough within a city.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache

import shapely
from shapely.geometry import MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from caller_service.core.program import Area

METRES_PER_DEGREE = 111_320.0
SEAM = 5.0  # metres: areas whose borders are this close count as touching
PIECE = 32  # corners per indexed piece of a border


class Atlas:
    """Which areas contain a point, and its distance from the areas and from their outer border."""

    def __init__(self, areas: Sequence[Area], today: date = date.min) -> None:
        """`today`: the border of the areas live then is built now, and not in somebody's turn."""
        corners = [
            corner for area in areas for rings in area.polygons for ring in rings for corner in ring
        ]
        self._middle = (
            (corners[0][0], sum(y for _, y in corners) / len(corners)) if corners else (0.0, 0.0)
        )
        self._narrow = METRES_PER_DEGREE * math.cos(math.radians(self._middle[1]))
        self._ids = [area.id for area in areas]
        self._shapes = [self._shape(area) for area in areas]
        self._tree = shapely.STRtree(self._shapes)
        for shape in self._shapes:
            shapely.prepare(shape)
        # one for each set of live areas, which changes by the day
        self._border = lru_cache(maxsize=64)(self._border_of)
        self._border(
            frozenset(
                area.id for area in areas if area.live_from is not None and area.live_from <= today
            )
        )

    def at(self, point: tuple[float, float]) -> tuple[str, ...]:
        """Ids of the areas that contain the point (longitude, latitude), in the order of the
        file."""
        return tuple(
            self._ids[at]
            for at in sorted(self._tree.query(self._flat(point), predicate="intersects"))
        )

    def edge(self, point: tuple[float, float], areas: frozenset[str]) -> float:
        """Metres from the point to the outer border of these areas together; infinite if they have
        none."""
        border = self._border(areas)
        if border is None:
            return math.inf
        pieces, tree = border
        flat = self._flat(point)
        return float(shapely.distance(pieces[int(tree.nearest(flat))], flat))

    def away(self, point: tuple[float, float]) -> float:
        """Metres from the point to the nearest area; 0 inside one."""
        if not self._shapes:
            return math.inf
        flat = self._flat(point)
        return float(shapely.distance(self._shapes[int(self._tree.nearest(flat))], flat))

    def _flat(self, point: tuple[float, float]) -> Point:
        return Point(*self._metres(point))

    def _metres(self, point: tuple[float, float]) -> tuple[float, float]:
        return (
            (point[0] - self._middle[0]) * self._narrow,
            (point[1] - self._middle[1]) * METRES_PER_DEGREE,
        )

    def _shape(self, area: Area) -> BaseGeometry:
        polygons = [
            self._polygon(rings)
            for rings in area.polygons
            if rings and all(len(ring) >= 4 for ring in rings)
        ]
        return shapely.make_valid(MultiPolygon(polygons)) if polygons else Polygon()

    def _polygon(self, rings: Sequence[Sequence[tuple[float, float]]]) -> Polygon:
        outer, *holes = [[self._metres(corner) for corner in ring] for ring in rings]
        return Polygon(outer, holes)

    def _border_of(
        self, areas: frozenset[str]
    ) -> tuple[list[BaseGeometry], shapely.STRtree] | None:
        """The outer border in pieces, without the lines between two areas and seams inside one."""
        shapes = [
            shape.buffer(SEAM, join_style="mitre")
            for name, shape in zip(self._ids, self._shapes, strict=True)
            if name in areas
        ]
        if not shapes:
            return None
        whole = shapely.union_all(shapes).buffer(-SEAM, join_style="mitre")
        pieces = list(_pieces(whole.boundary))
        return (pieces, shapely.STRtree(pieces)) if pieces else None


def _pieces(border: BaseGeometry) -> Iterator[BaseGeometry]:
    for line in shapely.get_parts(border):
        corners = shapely.get_coordinates(line)
        for at in range(0, max(1, len(corners) - 1), PIECE):
            yield shapely.linestrings(corners[at : at + PIECE + 1])


def faults(area: Area) -> str:
    """Why an area's shape is invalid, such as a ring that crosses itself; "" if it is valid."""
    polygons = [
        Polygon(rings[0], rings[1:])
        for rings in area.polygons
        if rings and all(len(ring) >= 4 for ring in rings)
    ]
    broken = [shapely.is_valid_reason(polygon) for polygon in polygons if not polygon.is_valid]
    return broken[0] if broken else ""


def overlaps(areas: Sequence[Area]) -> list[tuple[str, str]]:
    """Pairs of areas that share ground."""
    atlas = Atlas(areas)
    first, second = atlas._tree.query(atlas._shapes, predicate="intersects")
    pairs = [(int(a), int(b)) for a, b in zip(first, second, strict=True) if a < b]
    shared = [
        (a, b)
        for a, b in pairs
        if shapely.area(shapely.intersection(atlas._shapes[a], atlas._shapes[b])) > SEAM**2
    ]
    return [(areas[a].id, areas[b].id) for a, b in sorted(shared)]
