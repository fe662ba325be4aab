"""Of a place only what is certain is used: a team at the wrong corner is worse than a human who
asks (rules 13, 16)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from conversation import PROGRAM, Resident
from hypothesis import given, settings
from hypothesis import strategies as st

from caller_service.config.atlas import Atlas, faults, overlaps
from caller_service.config.checked_table import hours
from caller_service.core.program import Area, Place, Program
from caller_service.core.routing import is_open
from caller_service.core.service_area import has_coordinates, locate, place_point, which
from caller_service.proving.bench_places import CORNERS, SOUTH, WEST, WIDE, large_city

NOON = datetime(2026, 11, 23, 12, 0)
CORNER = (-105.0, 39.706)  # Main St & 3rd Ave


def found(said: str) -> tuple[str, tuple[float, float] | None]:
    there = locate(said, PROGRAM, NOON)
    return there.kind, there.point


@pytest.mark.parametrize(
    "said",
    [
        "Main St & 3rd Ave", "main and 3rd", "3rd and main", "Third Avenue at Main Street",
        "corner of main st and 3rd", "main/3rd", "main & 3",
        "im at 3rd ave and main st by the bus stop", "calle main y 3rd ave", "Main con tercera",
        "MAIN ST 3RD AVE", "main @ 3rd",
    ],
)  # fmt: skip
def test_a_corner_is_found_however_it_is_said(said: str) -> None:
    assert found(said) == ("inside", CORNER)


@pytest.mark.parametrize(
    "said",
    [
        "120 Main St Apt 3", "8 Cedar St", "1200 Main St apt 5B", "1 Harbor Rd", "Main St apt 3", "main st #3", "3 main st", "Main St unit 8",
        "120 main st near 3rd ave", "oak st floor 5", "room 3 on main", "Calle Main 120 depto 3",
        "Main St 3", "Cedar St room 8", "main st", "apt 3 main st and 5th ave",
        "3rd Main and St Ave",
    ],
)  # fmt: skip
def test_a_house_number_a_flat_or_one_street_is_no_corner(said: str) -> None:
    assert found(said) == ("unknown", None)


@pytest.mark.parametrize(
    "said",
    [
        "Main Ave & 3rd St",
        "3rd St and Main Ave",
        "N Main St & 3rd Ave",
        "South Main and 3rd",
        "Main Blvd and 3rd",
    ],
)
def test_streets_whose_type_or_side_contradicts_are_not_believed(said: str) -> None:
    assert found(said) == ("unknown", None)


@pytest.mark.parametrize(
    "said", ["Cedat St & 8th Ave", "general hospitl", "Union Bus Staton", "Riversid Park"]
)
def test_a_name_one_slip_away_is_asked_of_a_human(said: str) -> None:
    assert found(said) == ("ambiguous", None)


@pytest.mark.parametrize(
    "said",
    [
        "39.7060,105.0000",
        "-105.0000, 39.7060",
        "-39.7060, -105.0000",
        "0.0000, 0.0000",
        "51.5007, -0.1246",
        "91.0000, 181.0000",
    ],
)
def test_a_point_far_from_every_area_is_a_slip_and_not_outside(said: str) -> None:
    assert found(said) == ("unknown", None)


@pytest.mark.parametrize(
    "said",
    [
        "39.7060,-105.0000", "39.7060 -105.0000", "39.7060, -105.0000.", "(39.7060; -105.0000)",
        "I am at 39.7060,-105.0000", "im here: 39.7060,-105.0000", "she is at 39.7060,-105.0000 now please",
        "my location is 39.7060, -105.0000", "lat 39.7060, -105.0000", "gps 39.7060,-105.0000",
        "estoy en 39.7060,-105.0000", "mi ubicación: 39.7060,-105.0000",
        "https://maps.google.com/?q=39.7060,-105.0000", "geo:39.7060,-105.0000",
        "here https://maps.apple.com/?ll=39.7060%2C-105.0000", "https://x.example/?q=39.7060,%20-105.0000&z=17",
    ],
)  # fmt: skip
def test_coordinates_alone_or_led_to_are_believed(said: str) -> None:
    assert found(said) == ("inside", CORNER)


@pytest.mark.parametrize(
    "said",
    [
        "39.7060 N, 105.0000 W", "39.7060° N, 105.0000° W", "39.7060N 105.0000W",
        "N 39.7060 W 105.0000", "N39.7060, W105.0000", "n 39.7060° w 105.0000°",
        "39°42'21.6\"N 105°00'00.0\"W", "39° 42′ 21.6″ N, 105° 0′ 0″ W", "39°42’21.6”N 105°00’00”W",
        "39° 42.36' N 105° 00.00' W", "I am at 39.7060° N, 105.0000° W", "39.7060 N, 105.0000 O",
        "https://www.google.com/maps/place/Shop/@39.7011,-105.0100,17z/data=!3m1!4b1!4m6!3m5!1s0x0:0x0"
        "!8m2!3d39.7060!4d-105.0000!16s",
        "https://www.openstreetmap.org/?mlat=39.7060&mlon=-105.0000#map=17/39.7011/-105.0100",
    ],
)  # fmt: skip
def test_coordinates_in_any_notation_and_the_pin_of_a_link_are_believed(said: str) -> None:
    """As phones and maps give them to copy. A link's pin counts, and never its centre."""
    assert found(said) == ("inside", CORNER)
    assert has_coordinates(said)


@pytest.mark.parametrize(
    "said",
    [
        "39.70 N, 105.00 W", "39°42'N 105°00'W", "39.7060 N", "39.7060 N, 105.0000", "5 N 3 W",
        "39°75'21.6\"N 105°00'00.0\"W", "39.7060 N, -105.0000 W", "1239.7060 N, 105.0000 W",
        "39.7060 N, 105.0000 Water St", "https://www.openstreetmap.org/#map=17/39.7060/-105.0000",
    ],
)  # fmt: skip
def test_what_is_inexact_or_contradicts_itself_is_no_pair(said: str) -> None:
    assert found(said) == ("unknown", None)


@pytest.mark.parametrize(
    "said",
    [
        "not at 39.7060° N, 105.0000° W", "39.7060 N 105.0000 W or 39.7070 N 105.0010 W",
        "City Hall 39°42'21.6\"N 105°00'00.0\"W",
        "https://www.google.com/maps/dir/data=!3d39.7060!4d-105.0000!3d39.7070!4d-105.0010 @39.7060,"
        "-105.0000",
    ],
)  # fmt: skip
def test_other_notations_in_words_that_may_mean_another_place_are_for_a_human(said: str) -> None:
    assert found(said) == ("ambiguous", None)


@pytest.mark.parametrize(
    "said",
    [
        "my mom is at 39.7060,-105.0000", "not at 39.7060,-105.0000", "I was at 39.7060,-105.0000",
        "mi mamá está en 39.7060,-105.0000", "no estoy en 39.7060,-105.0000", "going to 39.7060,-105.0000",
        "my friend lives near 39.7060,-105.0000 but im lost", "39.7060,-105.0000 is where he hit me",
        "39.7060,-105.0000 apt 4", "39.7060,-105.0000 5 miles from here", "City Hall 39.7060,-105.0000",
        "39.7060,-105.0000 39.7070,-105.0010", "39.7060,-105.0000 or 39.7070,-105.0010",
        "between 39.7060,-105.0000 and 39.7070,-105.0010", "39.7060,-105.0000 or 39.71,-105.0",
        "https://maps.example/dir/39.7060,-105.0000/39.7070,-105.0010",
        "https://maps.example/place/Shop/@39.7060,-105.0000,17z",
        "https://maps.example/xyz 39.7060,-105.0000", "S 39.7060,-105.0000",
    ],
)  # fmt: skip
def test_coordinates_in_words_that_may_mean_another_place_are_for_a_human(said: str) -> None:
    assert found(said) == ("ambiguous", None)


@pytest.mark.parametrize(
    "said",
    [
        "1239.7060,-105.0000", "39.7060,-105.0000.5", "1.39.7060,-105.0000", "39.7060,-1050.0000",
        "12-39.7060,-105.0000", "\u221239.7060,-105.0000", "39.7060,\u2212105.0000", "39.70,-105.0",
    ],
)  # fmt: skip
def test_part_of_a_number_or_an_inexact_one_is_no_pair(said: str) -> None:
    assert found(said) == ("unknown", None)


EASTSIDE = (-104.96, 39.706)
# a city in which two areas have a corner of the same name
TWO_TOWNS = replace(PROGRAM, places=(*PROGRAM.places, Place("Main St & 3rd Ave", *EASTSIDE)))
IN_TOWNS = ("Main St & 3rd Ave, Central Fairhaven", "Main St & 3rd Ave, Eastside")


@pytest.mark.parametrize("said", ["Main and 3rd", "im at 3rd & main", "calle main y 3rd ave"])
def test_of_a_place_in_two_areas_both_are_offered_and_each_is_found_by_its_name(said: str) -> None:
    assert locate(said, TWO_TOWNS, NOON).kind == "ambiguous"
    assert which(said, TWO_TOWNS, NOON) == IN_TOWNS
    points = [locate(name, TWO_TOWNS, NOON).point for name in IN_TOWNS]
    assert points == [CORNER, EASTSIDE]
    assert which(said, PROGRAM, NOON) == (), "there is one"


@pytest.mark.parametrize(
    ("said", "area"),
    [
        ("main and 3rd, eastside", "eastside"), ("Main & 3rd, EASTSIDE!", "eastside"),
        ("im at main and 3rd in eastside", "eastside"), ("main and 3rd eastside please", ""),
        ("3rd and main central fairhaven", "central"), ("main and 3rd, Harbor", ""),
        ("main and 3rd, Boston", ""), ("not main and 3rd, eastside", ""),
        ("main and 3rd not in eastside", ""), ("eastside, main and 3rd", ""),
    ],
)  # fmt: skip
def test_the_name_of_an_area_behind_a_place_says_which_one_it_is(said: str, area: str) -> None:
    there = locate(said, TWO_TOWNS, NOON)
    assert (there.kind, there.area) == (("inside", area) if area else ("ambiguous", ""))


@pytest.mark.parametrize("said", ["main and 3rd?", "not main and 3rd", "main and 3rd, Boston"])
def test_what_is_unclear_for_another_reason_offers_no_place(said: str) -> None:
    assert which(said, TWO_TOWNS, NOON) == ()
    assert which("he is at main and 3rd", TWO_TOWNS, NOON, about_another=False) == ()


def test_places_that_their_names_do_not_tell_apart_are_not_offered() -> None:
    beside = Place("Main St & 3rd Ave", -105.003, 39.706)
    nowhere = Place("Main St & 3rd Ave", -104.80, 39.60)
    for more in (beside, nowhere):
        city = replace(TWO_TOWNS, places=(*TWO_TOWNS.places, more))
        assert which("main and 3rd", city, NOON) == ()


@pytest.mark.parametrize("said", ["hes at 39.7060,-105.0000", "he is at City Hall", "they are here 39.7060,-105.0000"])  # fmt: skip
def test_where_somebody_else_is_is_not_where_i_am(said: str) -> None:
    assert locate(said, PROGRAM, NOON, about_another=True).point is not None
    mine = locate(said, PROGRAM, NOON, about_another=False)
    assert (mine.kind, mine.point) == ("ambiguous", None)


@pytest.mark.parametrize(("who", "located"), [("1", "ambiguous"), ("3", "inside")])
def test_who_asks_decides_whose_place_it_is(who: str, located: str) -> None:
    me = Resident().texts("hi", who, "2", "2", "2", "1", "1", "hes at 39.7060,-105.0000")
    assert me.case.located == located


ME_HERE = [
    "we're at 39.7060,-105.0000", "We’re at City Hall", "we`re at main and 3rd", "we are at City Hall",
    "im across from City Hall", "across the street from main and 3rd", "next to City Hall",
    "it is City Hall", "estamos en City Hall", "estoy cerca de City Hall",
]  # fmt: skip


@pytest.mark.parametrize("said", ME_HERE)
def test_where_i_am_now_is_believed(said: str) -> None:
    there = locate(said, PROGRAM, NOON, about_another=False)
    assert there.kind == "inside" and there.point is not None


# A place in the past or the future, denied, asked about, of somebody else, or on the way.
NOT_HERE = [
    "we were at {}", "were at {}", "We were near {} before", "i was at {}", "i used to be at {}", "we used to live at {}",
    "i've been at {}", "we had been at {}", "i just left {}", "it happened at {}", "last seen at {}", "near {} yesterday",
    "i'm from {}", "from {}", "i came from {}", "born in {}", "he lives in {}", "i live at {}",
    "i'll be at {}", "we will be at {}", "gonna be at {}", "going to {}", "on the bus to {}", "to {}",
    "meet me at {} tomorrow", "at {} tomorrow", "{} tonight", "{} at 6", "heading from {} to here", "in the next hour at {}",
    "not at {}", "we aren't at {}", "we're not at {}", "im no longer at {}", "i never was at {}", "anywhere but {}",
    "is it {}", "is he at {}", "am i at {}", "{}?", "how do i get to {}", "are they at {}",
    "somewhere like {}", "for example {}", "maybe {}", "my mom is at {}", "my ex is at {}", "the police are at {}",
    "if i was at {}", "i wish we were at {}", "i dreamed i was at {}", "send them to {} instead",
    "estábamos en {}", "estabamos en {}", "estaba en {}", "estuve en {}", "antes estaba en {}", "vengo de {}", "soy de {}", "de {}",
    "del {}", "al {}", "vivo en {}", "vive en {}", "él vive cerca de {}", "vamos a {}", "voy para {}", "voy a estar en {} mañana", "estaré en {}",
    "no estoy en {}", "ya no estamos en {}", "nunca estuve en {}", "¿es {}?", "¿está en {}?", "cerca de {} ayer", "mi mamá está en {}",
    "nos vemos en {} mañana", "quizás {}", "por ejemplo {}", "pasó en {}", "el bus a {} va", "salí de {}",
]  # fmt: skip


@pytest.mark.parametrize("place", ["City Hall", "39.7060,-105.0000", "main and 3rd"])
@pytest.mark.parametrize("said", NOT_HERE)
def test_a_place_that_was_will_be_is_denied_or_asked_about_is_not_believed(
    said: str, place: str
) -> None:
    for about_another in (False, True, None):
        there = locate(said.format(place), PROGRAM, NOON, about_another=about_another)
        assert there.kind in ("ambiguous", "unknown") and there.point is None


@pytest.mark.parametrize("said", ["él está en City Hall", "el esta en City Hall", "está en City Hall", "they're at City Hall", "she's at City Hall"])  # fmt: skip
def test_where_he_or_she_is_is_where_i_am_not(said: str) -> None:
    assert locate(said, PROGRAM, NOON, about_another=False).kind == "ambiguous"
    assert locate(said, PROGRAM, NOON, about_another=True).kind == "inside"


@pytest.mark.parametrize("said", ["im at City Hall", "I am at main and 3rd", "I'm at 39.7060,-105.0000", "estoy en City Hall"])  # fmt: skip
def test_where_i_am_is_not_where_somebody_else_is(said: str) -> None:
    """For example, a mother at work who asks for help for her son. "We" means that they are
    together, and "she" is the person the request is about."""
    assert locate(said, PROGRAM, NOON, about_another=True).kind == "ambiguous"
    assert locate(said, PROGRAM, NOON, about_another=False).kind == "inside"
    both = locate(f"{said}, she is here", PROGRAM, NOON, about_another=True)
    assert both.kind == "inside"


def test_a_number_said_twice_is_once_no_street() -> None:
    assert found("main and 3rd at 3") == ("ambiguous", None)
    assert found("main and 3rd in 3") == ("ambiguous", None)


@given(st.lists(st.sampled_from(["we", "were", "we're", "is", "it", "from", "to", "i", "across", "next", "at", "de", "was", "not"]), max_size=5))  # fmt: skip
def test_lead_words_in_any_order_never_make_a_place_of_the_past(words: list[str]) -> None:
    there = locate(" ".join([*words, "City Hall"]), PROGRAM, NOON)
    if {"were", "was", "not"} & set(words) or words[-1:] in (["to"], ["from"], ["de"]):
        before = words[-2] if len(words) > 1 else ""
        led = {"to": ("next",), "from": ("across",), "de": ()}.get(words[-1] if words else "", ())
        if before not in led or {"were", "was", "not"} & set(words):
            assert there.point is None


@given(st.text(alphabet="abemoxy ?!.,;:/@&#'\n", max_size=20), st.booleans())
def test_a_pair_among_other_words_is_that_point_or_no_point(words: str, before: bool) -> None:
    said = f"{words} 39.7060,-105.0000" if before else f"39.7060,-105.0000 {words}"
    assert locate(said, PROGRAM, NOON).point in (None, CORNER)


def test_a_point_nearby_and_outside_is_outside() -> None:
    assert found("39.6500, -105.0000")[0] == "outside"
    assert found("39.7060, -105.0000") == ("inside", CORNER)


@given(st.permutations(["main", "st", "and", "3rd", "ave", "oak", "5"]))
def test_words_in_another_order_never_yield_another_point(words: list[str]) -> None:
    """It gives one of the corners that the words name, or none: never a place that nobody named."""
    corners = {("main", "3"), ("oak", "3"), ("main", "5"), ("oak", "5")}
    there = locate(" ".join(words), PROGRAM, NOON)
    if there.point is not None:
        place = next(
            place for place in PROGRAM.places if (place.longitude, place.latitude) == there.point
        )
        street, number = place.name.lower().split(" st & ")
        assert (street, number[0]) in corners
        at = {word: place for place, word in enumerate(words)}
        said = at["3rd"] if number[0] == "3" else at["5"]
        between = words[min(at[street], said) + 1 : max(at[street], said)]
        assert set(between) <= {"and", "st", "ave"}


# how a street is said in each language: words for its type
_ENGLISH = {"St": ("st", "street", "St."), "Ave": ("ave", "avenue", "Ave."), "Rd": ("rd", "road")}
_SPANISH = {"St": ("calle", "calle"), "Ave": ("avenida", "av"), "Rd": ("camino", "rd")}
_LEADS = {
    "en": ("", "im at", "corner of", "we are near", "at the corner of"),
    "es": ("", "estoy en", "esquina de", "estamos cerca de", "en la esquina de"),
}
_JOINS = {"en": ("and", "&", "at", "/", "@"), "es": ("y", "con", "&", "esquina")}
_UNITS = {
    "en": ("apt", "apartment", "unit", "floor", "room", "suite", "#"),
    "es": ("apto", "piso", "cuarto", "depto", "departamento", "#"),
}

_NUMBERS = ("1", "2", "3", "5", "8", "10", "12", "21", "305")


def said_street(draw: st.DrawFn, street: str, language: str) -> list[str]:
    """The words for "3rd Ave" as somebody might say them; the type may be left out."""
    name, _, kind = street.rpartition(" ")
    if draw(st.integers(0, 3)) == 0:
        return [name]
    if language == "es" and draw(st.booleans()):
        return [draw(st.sampled_from(_SPANISH[kind])), name]
    return [name, draw(st.sampled_from(_ENGLISH[kind]))]


@st.composite
def corners(draw: st.DrawFn) -> tuple[Place, str, list[list[str]]]:
    """A corner of the gazetteer, a language, and what is said: lead words, street, joining word,
    street."""
    place = draw(st.sampled_from([one for one in PROGRAM.places if " & " in one.name]))
    language = draw(st.sampled_from(("en", "es")))
    streets = draw(st.permutations(place.name.split(" & ")))
    one, other = (said_street(draw, street, language) for street in streets)
    lead = draw(st.sampled_from(_LEADS[language])).split()
    return place, language, [lead, one, [draw(st.sampled_from(_JOINS[language]))], other]


def point_of(place: Place) -> tuple[float, float]:
    return place.longitude, place.latitude


def of_another(place: Place, words: list[str]) -> bool:
    """Is a point found that belongs to another place?"""
    there = locate(" ".join(words), PROGRAM, NOON)
    return there.point not in (None, point_of(place))


@pytest.mark.slow
@settings(max_examples=1500)
@given(corners(), st.data())
def test_words_moved_left_out_and_numbers_put_in_never_yield_another_corner(
    said: tuple[Place, str, list[list[str]]], data: st.DataObject
) -> None:
    """Flat and floor numbers are arbitrary; house numbers have at least three digits, which no
    street here has."""
    place, language, parts = said
    words = [word for part in parts for word in part]
    words = data.draw(st.lists(st.sampled_from(words), unique=True))  # permuted, and some left out
    for _ in range(data.draw(st.integers(0, 2))):
        unit = data.draw(st.sampled_from(_UNITS[language]))
        number = data.draw(st.sampled_from(_NUMBERS))  # streets have these numbers, too
        ways = (f"{unit} {number}", f"{unit}{number}", f"{unit} {number}B", f"{number}th {unit}")
        words.insert(data.draw(st.integers(0, len(words))), data.draw(st.sampled_from(ways)))
    if data.draw(st.booleans()):
        house = str(data.draw(st.integers(100, 99999)))
        words.insert(data.draw(st.integers(0, len(words))), house)

    assert not of_another(place, words)


@pytest.mark.slow
@settings(max_examples=1500)
@given(corners(), st.sampled_from(_NUMBERS), st.sampled_from((1, 3)), st.booleans())
def test_a_house_number_beside_a_street_never_yields_a_corner(
    said: tuple[Place, str, list[list[str]]], house: str, at: int, behind: bool
) -> None:
    """Even if there is a street of that number: "5 Main St and 3rd Ave", "Main St 5 y 3rd"."""
    place, _, parts = said
    parts[at] = [*parts[at], house] if behind else [house, *parts[at]]

    assert not of_another(place, [word for part in parts for word in part])


@pytest.mark.slow
@settings(max_examples=500)
@given(st.sampled_from([one for one in PROGRAM.places if " & " not in one.name]), st.data())
def test_words_of_a_landmark_moved_and_left_out_never_yield_another_place(
    place: Place, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from((place.name, *place.aliases)))
    language = data.draw(st.sampled_from(("en", "es")))
    words = data.draw(st.lists(st.sampled_from(name.split()), unique=True))
    unit, number = data.draw(st.sampled_from(_UNITS[language])), data.draw(st.integers(1, 300))
    words.insert(data.draw(st.integers(0, len(words))), f"{unit} {number}")
    words.insert(data.draw(st.integers(0, len(words))), str(number))

    assert not of_another(place, words)


@given(corners())
def test_a_corner_as_it_is_said_is_found_or_asked_of_a_human(
    said: tuple[Place, str, list[list[str]]],
) -> None:
    """Shows that the properties above are not vacuous: unchanged, the same words usually find the
    corner."""
    place, _, parts = said
    lead, one, join, other = parts
    assert not of_another(place, [*lead, *one, *join, *other])
    if join[0] in ("and", "&", "y") and len(one) == len(other) == 2:
        there = locate(" ".join([*one, *join, *other]), PROGRAM, NOON)
        assert there.point == point_of(place) or "camino" in (*one, *other), (one, join, other)


# ---- areas ---------------------------------------------------------------------------------------
def square(
    name: str, x: float, y: float, size: float, live: date | None = date(2024, 1, 1), **more: object
) -> Area:
    ring = ((x, y), (x + size, y), (x + size, y + size), (x, y + size), (x, y))
    return Area(name, name, ((ring,),), live, **more)  # type: ignore[arg-type]


def city(*areas: Area) -> Program:
    return replace(PROGRAM, areas=areas, area_map=Atlas(areas))


def test_a_border_between_two_live_areas_is_no_edge() -> None:
    program = city(square("west", -105.0, 39.7, 0.05), square("east", -104.95, 39.7, 0.05))

    assert place_point((-104.9501, 39.725), program, NOON).kind == "inside"
    assert place_point((-104.9999, 39.725), program, NOON).kind == "near_edge"
    assert place_point((-104.8999, 39.725), program, NOON).kind == "near_edge", (
        "and just outside is for a human, too"
    )


def test_a_border_to_an_area_that_is_not_live_is_an_edge() -> None:
    program = city(
        square("west", -105.0, 39.7, 0.05), square("east", -104.95, 39.7, 0.05, live=None)
    )

    assert place_point((-104.9501, 39.725), program, NOON).kind == "near_edge"
    assert place_point((-104.92, 39.725), program, NOON).kind == "not_live"


def test_a_seam_inside_one_area_is_no_edge() -> None:
    halves = tuple(square("half", x, 39.7, 0.05).polygons[0] for x in (-105.0, -104.95))
    program = city(Area("whole", "whole", halves, date(2024, 1, 1)))

    assert place_point((-104.95, 39.725), program, NOON).kind == "inside"


def test_any_live_and_open_area_that_holds_the_point_serves() -> None:
    citywide = square("citywide", -105.1, 39.6, 0.3, live=None)
    night = square("night", -105.0, 39.7, 0.1, hours=(hours("mon-sun 20:00-06:00"),))
    pilot = square("pilot", -105.0, 39.7, 0.1)

    assert not is_open(night.hours, NOON)
    for order in itertools.permutations((citywide, night, pilot)):
        there = place_point((-104.95, 39.75), city(*order), NOON)
        assert (there.kind, there.area) == ("inside", "pilot"), [area.id for area in order]


def test_what_crosses_itself_and_what_overlaps_is_named() -> None:
    bow = Area(
        "bow", "bow", ((((0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)),),), None
    )

    assert "Self-intersection" in faults(bow) and faults(square("fine", 0, 0, 1)) == ""
    assert overlaps([square("a", 0, 0, 1), square("b", 0.5, 0, 1), square("c", 2, 0, 1)]) == [
        ("a", "b")
    ]


def test_a_landmark_is_found_in_a_sentence_and_two_places_give_no_point() -> None:
    assert found("outside City Hall by the steps")[1] == (-105.001, 39.707)
    assert found("hall city")[1] is None
    there = locate("between City Hall and Union Bus Station", PROGRAM, NOON)
    assert (there.kind, there.area, there.point) == ("inside", "central", None)


def test_places_of_the_program_are_found_by_name(tmp_path: Path) -> None:
    for place in PROGRAM.places:
        assert isinstance(place, Place)
        assert locate(place.name, PROGRAM, NOON).kind not in ("unknown", "ambiguous"), place.name


def test_the_city_of_the_benchmark_is_one_city() -> None:
    """Its cells are adjacent and share their sides (`bench --city large`)."""
    areas = [area for area in large_city() if area.id in ("cell-3-3", "cell-4-3", "cell-3-4")]
    assert all(len(area.polygons[0][0]) == CORNERS + 1 for area in areas)
    atlas = Atlas(areas)
    for x, y, name in ((3.5, 3.5, "cell-3-3"), (4.5, 3.5, "cell-4-3"), (3.5, 4.5, "cell-3-4")):
        assert atlas.at((WEST + WIDE * x, SOUTH + WIDE * y)) == (name,)
    between = (WEST + WIDE * 4.0, SOUTH + WIDE * 3.5)
    assert atlas.edge(between, frozenset(area.id for area in areas)) > 100


@pytest.mark.parametrize(
    "said", ["Riverside Park Rd", "City Hall Ave", "City Hall Street", "N City Hall"]
)
def test_a_landmark_with_a_streets_type_or_side_is_a_street(said: str) -> None:
    kind, point = found(said)
    assert kind in ("ambiguous", "unknown") and point is None


def test_a_sign_lost_close_to_an_area_is_a_slip() -> None:
    ring = ((-0.2, 51.45), (-0.05, 51.45), (-0.05, 51.6), (-0.2, 51.6), (-0.2, 51.45))
    area = Area("west", "West", ((ring,),), date(2026, 1, 1))
    program = replace(PROGRAM, areas=(area,), area_map=Atlas((area,)))
    assert place_point((0.13, 51.52), program, NOON).kind == "unknown"
    assert place_point((0.30, 51.52), program, NOON).kind == "outside"
