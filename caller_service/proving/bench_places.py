"""`caller-service bench --city large`: the processor time of finding the area of a point.

A synthetic city of 300 adjacent live areas with 1,000 corners each; compared with the same lookup
without an index.
"""

from __future__ import annotations

import itertools
import math
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

import click

from caller_service.config.atlas import Atlas
from caller_service.core.program import Area, Program
from caller_service.core.service_area import place_point

COLUMNS, ROWS, CORNERS = 20, 15, 1_000
WEST, SOUTH, WIDE = -105.2, 39.5, 0.01  # degrees
POINTS = 2_000
AIM = 1.0  # milliseconds per lookup
NOON = datetime(2026, 1, 5, 12, 0)

Point = tuple[float, float]


def large_city() -> tuple[Area, ...]:
    """Cells of a grid whose sides are wavy lines; neighbours share them."""
    return tuple(
        Area(f"cell-{column}-{row}", f"Cell {column} {row}", ((_cell(column, row),),), date.min)
        for column in range(COLUMNS)
        for row in range(ROWS)
    )


def _cell(column: int, row: int) -> tuple[Point, ...]:
    each = CORNERS // 4
    steps = [step / each for step in range(each)]
    south = [_corner(column + step, row) for step in steps]
    east = [_corner(column + 1, row + step) for step in steps]
    north = [_corner(column + 1 - step, row + 1) for step in steps]
    west = [_corner(column, row + 1 - step) for step in steps]
    ring = (*south, *east, *north, *west)
    return (*ring, ring[0])


def _corner(x: float, y: float) -> Point:
    """A point of the grid, displaced by a wave that is zero where two lines cross."""
    wave = (
        0.1 * math.sin(8 * math.pi * x) * (y == int(y)),
        0.1 * math.sin(8 * math.pi * y) * (x == int(x)),
    )
    return WEST + WIDE * (x + wave[1]), SOUTH + WIDE * (y + wave[0])


def bench(program: Program) -> None:
    """Print the time of a lookup, the target, and the floor: a loop over every corner in Python."""
    areas = large_city()
    began = time.thread_time()
    atlas = Atlas(areas, NOON.date())
    built = time.thread_time() - began
    city = replace(program, areas=areas, area_map=atlas)
    chance = random.Random(7)
    points = [
        (WEST + WIDE * COLUMNS * chance.random(), SOUTH + WIDE * ROWS * chance.random())
        for _ in range(POINTS)
    ]
    click.echo(f"{len(areas)} areas of {CORNERS:,} corners; built in {built:.1f} s")
    _tell("a look-up", points, lambda point: place_point(point, city, NOON))
    _tell("the floor, without an index", points[:50], lambda point: _walked(point, areas))


def _tell(name: str, points: list[Point], look: Callable[[Point], object]) -> None:
    times = []
    for point in points:
        began = time.thread_time()
        look(point)
        times.append((time.thread_time() - began) * 1000)
    p99 = statistics.quantiles(times, n=100)[98]
    click.echo(f"{name}: median {statistics.median(times):.3f} ms, p99 {p99:.3f} ms ({AIM:g} ms)")


def _walked(point: Point, areas: tuple[Area, ...]) -> list[str]:
    x, y = point
    return [area.id for area in areas if _inside(x, y, area.polygons[0][0])]


def _inside(x: float, y: float, ring: tuple[Point, ...]) -> bool:
    inside = False
    for (ax, ay), (bx, by) in itertools.pairwise(ring):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
    return inside
