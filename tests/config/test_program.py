"""A city's files are read completely, or refused with everything that is wrong with them."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, time
from pathlib import Path

import pytest

from caller_service.commands.check import language_faults, unreadable_files
from caller_service.config import program_file
from caller_service.config.checked_table import hours
from caller_service.config.program_file import ProgramFaults, read_program, read_protocol
from caller_service.core.program import Clocks, Hours, Phone, Program
from caller_service.core.protocol import Level
from caller_service.core.service_area import locate
from caller_service.language import interpreters
from caller_service.language.languages import with_languages

PACKAGE = Path(__file__).parents[2] / "caller_service"
REHEARSAL = PACKAGE / "programs" / "rehearsal"
PROTOCOL = PACKAGE / "protocols" / "safety_screen_2.toml"
TODAY = datetime(2026, 11, 22, 12, 0)


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A copy of the rehearsal city, to be changed."""
    for file in (*REHEARSAL.iterdir(), PROTOCOL):
        shutil.copy(file, tmp_path)
    program = tmp_path / "program.toml"
    program.write_text(program.read_text().replace("../../protocols/", ""))
    return tmp_path


def faults(city: Path) -> tuple[str, ...]:
    with pytest.raises(ProgramFaults) as refused:
        read_program(city / "program.toml")
    return refused.value.faults


def spoil(city: Path, file: str, old: str, new: str) -> tuple[str, ...]:
    text = (city / file).read_text()
    assert old in text, f"{file} has changed: {old} is not in it"
    (city / file).write_text(text.replace(old, new, 1))
    return faults(city)


@pytest.fixture(scope="module")
def rehearsal() -> Program:
    return with_languages(read_program(REHEARSAL / "program.toml"))


def test_the_shipped_rehearsal_city_is_sound(rehearsal: Program) -> None:
    assert (rehearsal.name, rehearsal.languages) == ("Fairhaven Care Line", ("en", "es"))
    assert len(rehearsal.teams) == 3
    assert len(rehearsal.places) >= 19
    assert [one.kind for one in rehearsal.destinations] == ["console", "webhook"]
    assert [rung.supervisor for rung in rehearsal.rungs("danger")] == [False, False, True]
    assert not rehearsal.sign_off.protocol_hash


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("Main St & 3rd Ave", "inside"),
        ("Harbor Rd & 1st Ave", "not_live"),
        ("Mill Rd & County Line Rd", "near_edge"),
        ("Lakeside Mall, Fairview", "outside"),
    ],
)
def test_the_rehearsal_city_has_a_place_of_every_kind(
    rehearsal: Program, place: str, kind: str
) -> None:
    assert locate(place, rehearsal, TODAY).kind == kind


def test_each_rehearsal_place_is_found_under_its_own_name(rehearsal: Program) -> None:
    assert [
        place.name
        for place in rehearsal.places
        if locate(place.name, rehearsal, TODAY).kind in ("unknown", "ambiguous")
    ] == []


def test_main_and_third_is_open_round_the_clock(rehearsal: Program) -> None:
    area = next(
        area
        for area in rehearsal.areas
        if area.id == locate("Main St & 3rd Ave", rehearsal, TODAY).area
    )

    assert area.hours == ()


def test_clocks_left_out_keep_their_default(rehearsal: Program) -> None:
    assert rehearsal.clocks == Clocks()


def test_a_clock_can_be_shortened(city: Path) -> None:
    text = (
        (city / "program.toml")
        .read_text()
        .replace("page_next = 60", "page_next = 5\nquiet_reask = 7")
    )
    (city / "program.toml").write_text(text)
    clocks = read_program(city / "program.toml").clocks

    assert (clocks.page_next, clocks.quiet_reask, clocks.truth) == (5, 7, 180)


def test_protocol_reads_levels_and_conditional_choices() -> None:
    protocol = read_protocol(PROTOCOL)

    assert protocol.rules[0].level is Level.R1
    assert [one.code for one in protocol.question("if_none").offered({})] == [
        "wait",
        "call_988",
        "call_911",
    ]
    assert protocol.question("where").in_danger


def test_hash_signs_the_content_and_nothing_else(tmp_path: Path) -> None:
    signed = read_protocol(PROTOCOL).hash
    again, changed = tmp_path / "again.toml", tmp_path / "changed.toml"
    again.write_text("# a comment\n" + PROTOCOL.read_text() + '\n[sign_off]\nlegal = "A. Lawyer"\n')
    changed.write_text(PROTOCOL.read_text().replace('say = "level.soon"', 'say = "level.attempt"'))

    assert read_protocol(again).hash == signed
    assert read_protocol(changed).hash != signed
    assert len(signed) == 64


TOML_FAULTS = [
    ('name = "Fairhaven Care Line"', 'name = ""', "program.name: is empty"),
    ('name = "Fairhaven Care Line"', "name = 7", "program.name: must be a string"),
    ('name = "Fairhaven Care Line"', "", "program.name: missing"),
    (
        'name = "Fairhaven',
        'nmae = "x"\nname = "Fairhaven',
        "program.nmae: unknown key; did you mean name?",
    ),
    ("[numbers]", "[extra]\n[numbers]", "extra: unknown key"),
    ("America/Denver", "America/Fairhaven", "program.time_zone"),
    ("America/Denver", "America", "program.time_zone"),
    (
        'languages = ["en", "es"]',
        'languages = ["en", "tlh"]',
        'program.languages: there are no translations for "tlh"',
    ),
    ('languages = ["en", "es"]', 'languages = ["en", "../en"]', "program.languages"),
    ('languages = ["en", "es"]', "languages = []", "program.languages: is empty"),
    (
        'languages = ["en", "es"]',
        'languages = ["en", "en"]',
        'program.languages: "en" is listed twice',
    ),
    ("edge_metres = 500", "edge_metres = -1", "program.edge_metres: -1"),
    ("edge_metres = 500", "edge_metres = nan", "program.edge_metres: nan"),
    (
        '"+17205550100", languages = ["en"',
        '"+17205550100", languages = ["fr"',
        "numbers.ours[1].languages",
    ),
    ("+17205550100", "720 555 0100", "numbers.ours[1].number"),
    ("+17205550101", "+17205550100", "numbers.ours: two numbers"),
    ('psap = "+17205550110"', 'psap = "911"', 'numbers.psap: "911" must not be called by software'),
    ('psap = "+17205550110"', 'psap = "+1911"', "numbers.psap"),
    ('psap = "+17205550110"', 'psap = "311"', "numbers.psap"),
    ('psap = "+17205550110"', 'psap = "+19115550110"', "numbers.psap"),
    (
        'psap = "+17205550110"',
        'psap = "+17205550100"',
        "numbers.psap: +17205550100 is one of our own",
    ),
    ('counselor = "+17205550111"', 'counselor = "+1988"', "numbers.counselor"),
    ('interpreter = "+17205550112"', 'interpreter = "988"', "numbers.interpreter"),
    ('callback = "+17205550113"', 'callback = "+17205550100"', "numbers.callback: +17205550100"),
    ('callback = "+17205550113"', 'callback = "+17205550109"', "numbers.probe: is somebody's"),
    ("[numbers]", '[phone]\nlanguages = ["ht"]\n[numbers]', 'phone.languages: "ht" is not'),
    ("[numbers]", '[phone]\npacks = "nowhere"\n[numbers]', "phone.packs: there is no folder"),
    ("[numbers]", '[phone]\nspeech = "yes"\n[numbers]', "phone.speech: must be true or false"),
    (
        "[numbers]",
        "[phone]\nspeach = true\n[numbers]",
        "phone.speach: unknown key; did you mean speech?",
    ),
    ('"Fairview" = "+17205550120"', '"Fairview" = "0120"', "numbers.neighbours.Fairview"),
    ("text_to_911 = true", 'text_to_911 = "yes"', "numbers.text_to_911: must be true or false"),
    ('countries = ["+1"]', 'countries = ["US"]', 'numbers.countries: "US" is not the beginning'),
    ("page_next = 60", "page_next = -60", "clocks.page_next: -60"),
    ("page_next = 60", "page_next = true", "clocks.page_next: must be a whole number"),
    ("page_next = 60", "page_next = 200", "clocks.truth: 180 s must be later than page_next"),
    ("page_next = 60", "pagenext = 60", "unknown key; did you mean page_next?"),
    ('kind = "webhook"', 'kind = "fax"', "destinations[2].kind"),
    ('name = "rehearsal-cad"', 'name = "console"', "destinations: two destinations"),
    ("http://127.0.0.1:8020", "127.0.0.1:8020", "destinations[2].url"),
    ("REHEARSAL_CAD_SECRET", "whsec_topsecret", "destinations[2].secret"),
    ('ladder = "danger"', 'ladder = "dangr"', "ladder[1].ladder"),
    ("+17205550130", "+17205550100", "ladder[1].number: +17205550100 is one of our own"),
    ('by = "text"', 'by = "pigeon"', "ladder[1].by"),
    ("mon-sun 00:00-24:00", "mon-sun 00:00-25:00", "ladder[1].hours"),
    ('areas = ["central"]', 'areas = ["centrl"]', 'teams[1].areas: "centrl" is not an area'),
    ('skills = ["asl"]', 'skills = ["ASL"]', 'teams[1].skills: "ASL" is not one of asl, youth'),
    ('id = "care-2"', 'id = "care-1"', 'teams: two teams are called "care-1"'),
    ("areas.geojson", "nowhere.geojson", "nowhere.geojson: there is no such file"),
    ("places.csv", "nowhere.csv", "nowhere.csv: there is no such file"),
    ("safety_screen_2.toml", "nowhere.toml", "nowhere.toml: there is no such file"),
    ("[program]", "[program", "(at line 4, column"),
]


def test_a_language_has_all_its_files(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without speech.toml no danger would be heard in its free text, and nothing would say so."""
    there = city / "translations"
    for language in ("en", "es"):
        shutil.copytree(program_file._translations() / language, there / language)
    monkeypatch.setattr(program_file, "_translations", lambda: there)
    read_program(city / "program.toml")
    for name in ("words.toml", "speech.toml", "language.toml", "LC_MESSAGES/messages.po"):
        (there / "es" / name).unlink()
        with pytest.raises(ProgramFaults) as refused:
            read_program(city / "program.toml")
        assert f"there is no translations/es/{name}" in str(refused.value)


def test_a_language_whose_files_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "es").mkdir()
    (tmp_path / "es" / "words.toml").write_text('polite = ["por favor"')
    (fault,) = unreadable_files(tmp_path, ("es",))
    assert fault.startswith("translations/es/words.toml: ")
    monkeypatch.setattr(interpreters, "read_unread", dict)
    (first, *_) = language_faults(read_program(REHEARSAL / "program.toml"))
    assert "has no table in translations/interpreters.toml" in first


EIDO = """
[[destinations]]
name = "team-cad"
kind = "eido"
url = "https://cad.team.example/eido"
secret = "TEAM_CAD_SECRET"
agency = "team.example"
agency_type = "fire"
"""


def with_eido(city: Path, old: str = "", new: str = "") -> Path:
    """The city with an EIDO destination, perhaps with faults."""
    assert old in EIDO
    with (city / "program.toml").open("a") as file:
        file.write(EIDO.replace(old, new) if old else EIDO)
    return city


def test_an_eido_destination_names_the_teams_own_agency(city: Path) -> None:
    one = read_program(with_eido(city) / "program.toml").destinations[2]

    assert (one.kind, one.agency, one.agency_type) == ("eido", "team.example", "fire")


def test_an_agency_is_ems_unless_it_says_otherwise(city: Path) -> None:
    assert (
        read_program(with_eido(city, 'agency_type = "fire"\n') / "program.toml")
        .destinations[2]
        .agency_type
        == "ems"
    )


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        *(
            ('"fire"', f'"{kind}"', "destinations[3].agency_type")
            for kind in ("police", "police.local", "psap", "PSAP", "sheriff", "")
        ),
        ('agency = "team.example"\n', "", "destinations[3].agency"),
        ('"team.example"', '"The Team"', "destinations[3].agency"),
        ('"team.example"', '"team..example"', "destinations[3].agency"),
        ('"team.example"', "7", "destinations[3].agency"),
        ('"https://cad.team.example/eido"', '"cad.team.example"', "destinations[3].url"),
        ('"TEAM_CAD_SECRET"', '"whsec_topsecret"', "destinations[3].secret"),
        ('"eido"', '"webhook"', 'destinations[3].agency: belongs to the kind "eido"'),
        ('"eido"', '"console"', 'destinations[3].agency: belongs to the kind "eido"'),
    ],
)
def test_an_eido_goes_to_the_teams_own_agency_or_nowhere(
    city: Path, old: str, new: str, named: str
) -> None:
    found = faults(with_eido(city, old, new))

    assert [fault for fault in found if named in fault]
    assert "topsecret" not in " ".join(found)


def with_page(city: Path, name: str, more: str = "") -> Path:
    with (city / "program.toml").open("a") as file:
        file.write(f'\n[[destinations]]\nname = "{name}"\nkind = "page"\n{more}\n')
    return city


def test_a_page_needs_a_name_and_nothing_else(city: Path) -> None:
    one = read_program(with_page(city, "north-clinic-2") / "program.toml").destinations[2]

    assert (one.name, one.kind, one.posted, one.url, one.secret) == (
        "north-clinic-2",
        "page",
        False,
        "",
        "",
    )


@pytest.mark.parametrize(
    ("name", "more", "named"),
    [
        *(
            (name, "", "destinations[3].name")
            for name in (
                "",
                "North Clinic",
                "clinic/2",
                "clinic:2",
                "-clinic",
                "clinic-",
                "..",
                "x" * 41,
            )
        ),
        ("clinic", 'url = "https://clinic.example"', "destinations[3].kind: the page needs no url"),
        ("clinic", 'secret = "CLINIC_SECRET"', "destinations[3].kind: the page needs no url"),
        ("clinic", "look_up = true", "destinations[3].kind: the page needs no url"),
        ("clinic", 'agency = "team.example"', 'destinations[3].agency: belongs to the kind "eido"'),
        ("console", "", "destinations: two destinations"),
    ],
)
def test_a_fault_of_a_page_is_named(city: Path, name: str, more: str, named: str) -> None:
    assert [fault for fault in faults(with_page(city, name, more)) if named in fault]


@pytest.mark.parametrize(("old", "new", "named"), TOML_FAULTS)
def test_a_fault_in_the_program_is_named_by_its_key(
    city: Path, old: str, new: str, named: str
) -> None:
    assert [fault for fault in spoil(city, "program.toml", old, new) if named in fault]


NUMBER_KEYS = (
    ("program.toml", 'psap = "+17205550110"', 'psap = "{}"', "numbers.psap"),
    ("program.toml", 'counselor = "+17205550111"', 'counselor = "{}"', "numbers.counselor"),
    ("program.toml", 'interpreter = "+17205550112"', 'interpreter = "{}"', "numbers.interpreter"),
    ("program.toml", 'callback = "+17205550113"', 'callback = "{}"', "numbers.callback"),
    ("program.toml", 'probe = "+17205550109"', 'probe = "{}"', "numbers.probe"),
    ("program.toml", "+17205550120", "{}", "numbers.neighbours.Fairview"),
    ("program.toml", "+17205550100", "{}", "numbers.ours[1].number"),
    ("program.toml", "+17205550130", "{}", "ladder[1].number"),
    ("areas.geojson", '"id": "central"', '"psap": "{}", "id": "central"', "properties.psap"),
)


@pytest.mark.parametrize("number", ["911", "+1911", "1-911", "933", "112", "999", "000", "411"])
@pytest.mark.parametrize(("file", "old", "new", "named"), NUMBER_KEYS)
def test_911_and_service_codes_are_refused_wherever_a_number_stands(
    city: Path, file: str, old: str, new: str, named: str, number: str
) -> None:
    found = spoil(city, file, old, new.format(number))
    assert [fault for fault in found if named in fault and "must not be called" in fault]


def test_988_is_the_counselor_unless_its_long_number_is_given(city: Path) -> None:
    program = city / "program.toml"
    assert read_program(program).numbers.counselor == "+17205550111"
    for counselor in ('counselor = "988"', ""):
        program.write_text(
            (REHEARSAL / "program.toml")
            .read_text()
            .replace("../../protocols/", "")
            .replace('counselor = "+17205550111"', counselor)
        )
        assert read_program(program).numbers.counselor == "988"


def test_an_area_may_have_a_psap_of_its_own(city: Path) -> None:
    areas = city / "areas.geojson"
    whole = json.loads(areas.read_text())
    first, second = (feature["properties"] for feature in whole["features"][:2])
    first["psap"], second["psap"] = "+17205550160", None
    areas.write_text(json.dumps(whole))

    program = read_program(city / "program.toml")
    assert program.psap(first["id"]) == "+17205550160"
    assert program.psap(second["id"]) == program.psap("") == "+17205550110"
    first["psap"] = "+17205550100"
    areas.write_text(json.dumps(whole))
    (fault,) = faults(city)
    assert f'the psap of area "{first["id"]}": +17205550100 is one of our own numbers' in fault


def test_the_phone_has_the_languages_with_a_voice_and_no_recognition(city: Path) -> None:
    program = read_program(city / "program.toml")
    assert program.phone == Phone()
    assert with_languages(program).phone.languages == ("en", "es")

    (city / "packs").mkdir()
    with (city / "program.toml").open("a") as file:
        file.write(
            '\n[phone]\nlanguages = ["es"]\nspeech = true\nspeech_signed_by = "C. Counsel"\n'
            'packs = "packs"\n'
        )
    phone = with_languages(read_program(city / "program.toml")).phone
    assert phone == Phone(("es",), str(city / "packs"), True, "C. Counsel")


def test_a_call_needs_a_number_to_call_from(city: Path) -> None:
    """A Messaging Service can text but not call."""
    program = city / "program.toml"
    texting = program.read_text().replace('by = "call"', 'by = "text"')
    program.write_text(texting.replace('number = "+17205550100"', f'number = "MG{"0" * 32}"', 1))
    read_program(program)

    (fault,) = spoil(
        city,
        "program.toml",
        'name = "Second dispatcher"\nby = "text"',
        'name = "Second dispatcher"\nby = "call"',
    )
    assert "a call needs a number to call from" in fault


def test_a_secret_in_the_wrong_place_is_not_repeated(city: Path) -> None:
    assert "topsecret" not in " ".join(
        spoil(city, "program.toml", "REHEARSAL_CAD_SECRET", "whsec_topsecret")
    )


CENTRAL = (
    "[[[-105.02, 39.69], [-104.98, 39.69], [-104.98, 39.72], [-105.02, 39.72], [-105.02, 39.69]]]"
)
GEOJSON_FAULTS = [
    ("[-105.02, 39.72], [-105.02, 39.69]]]", "[-105.02, 39.72]]]", "is not closed"),
    (CENTRAL, "[[[-105.02, 39.69], [-104.98, 39.69], [-105.02, 39.69]]]", "has 3 points"),
    (
        CENTRAL,
        "[[[-105.0, 39.69], [-104.9, 39.69], [-104.8, 39.69], [-105.0, 39.69]]]",
        "no ground",
    ),
    (
        CENTRAL,
        "[[[39.69, -105.02], [39.69, -104.98], [39.72, -104.98], [39.69, -105.02]]]",
        "is the latitude first?",
    ),
    (
        CENTRAL,
        "[[[-105.02, 39.69], [104.98, 39.69], [-104.98, 39.72], [-105.02, 39.69]]]",
        "degrees wide",
    ),
    (CENTRAL, '[[["a", 39.69]]]', "must be a list of [longitude, latitude]"),
    (CENTRAL, "[]", "without rings"),
    ('"Polygon"', '"Point"', "features[1].geometry.type"),
    ('"id": "eastside"', '"id": "central"', 'features: two areas are called "central"'),
    ('"2024-03-01"', '"soon"', "features[1].properties.live_from"),
    ('"live_from": "2024-03-01"', '"live_form": "2024-03-01"', "features[1].properties.live_from"),
    ("mon-fri 08:00-22:00", "weekdays 08:00-22:00", "features[2].properties.hours"),
    ('"FeatureCollection"', '"Feature"', "areas.geojson: type"),
    ('"FeatureCollection",', '"FeatureCollection"', "areas.geojson: line 3"),
]


@pytest.mark.parametrize(("old", "new", "named"), GEOJSON_FAULTS)
def test_a_fault_in_an_area_is_named_by_its_feature(
    city: Path, old: str, new: str, named: str
) -> None:
    assert [fault for fault in spoil(city, "areas.geojson", old, new) if named in fault]


def test_a_file_of_another_projection_is_refused(city: Path) -> None:
    areas = json.loads((city / "areas.geojson").read_text())
    areas["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}
    (city / "areas.geojson").write_text(json.dumps(areas))

    assert [fault for fault in faults(city) if "is not WGS 84" in fault]


def test_what_a_file_says_beside_its_areas_is_ignored(city: Path) -> None:
    """RFC 7946, section 6.1: members added by any tool, at any level and of any type, are no
    faults."""
    sound = read_program(city / "program.toml").areas
    more = {
        f"member_{number}": value
        for number, value in enumerate((None, True, 1.5, "x", [], {}, [[1]], {"type": "y"}) * 11)
    }
    known = {"name": None, "bbox": None, "title": 3, "id": 1.5}
    areas = json.loads((city / "areas.geojson").read_text())
    areas |= more | known | {"crs": None}
    for feature in areas["features"]:
        feature |= more | known | {"stroke": "#f00"}
        feature["geometry"] |= more | known
        feature["properties"] |= more | {"bbox": None, "OBJECTID": 7}
    (city / "areas.geojson").write_text(json.dumps(areas))

    assert read_program(city / "program.toml").areas == sound


CSV_FAULTS = [
    (
        "Main St & 3rd Ave,-105.0000,39.7060,,25",
        "Main St & 3rd Ave,-105.0000,139.7060,,25",
        "line 2: latitude: 139.7060 is beyond 90",
    ),
    (
        "Main St & 3rd Ave,-105.0000,39.7060,,25",
        "Main St & 3rd Ave,here,39.7060,,25",
        'line 2: longitude: "here" is not a number',
    ),
    (
        "Main St & 3rd Ave,-105.0000,39.7060,,25",
        "Main St & 3rd Ave,nan,39.7060,,25",
        "line 2: longitude: nan",
    ),
    (
        "Main St & 3rd Ave,-105.0000,39.7060,,25",
        "Main St & 3rd Ave,105.0000,39.7060,,25",
        "line 2: Main St & 3rd Ave is more than",
    ),
    ("Main St & 3rd Ave,-105.0000,39.7060,,25", "Main St & 3rd Ave,0,0,,25", "line 2: 0, 0"),
    (
        "Main St & 3rd Ave,-105.0000,39.7060,,25",
        "Main St & 3rd Ave,-105.0000,39.7060,,-25",
        "line 2: accuracy",
    ),
    (
        "Main St & 3rd Ave,-105.0000,39.7060,,25",
        "Main St & 3rd Ave,-105.0000",
        "line 2: has more or fewer",
    ),
    (
        "Main St & 3rd Ave,-105.0000,39.7060,,25",
        "Main St, 3rd Ave,-105.0000,39.7060,,25",
        "line 2: has more or fewer",
    ),
    ("Main St & 3rd Ave,-105", ",-105", "line 2: the name is empty"),
    (
        "Main St & 5th Ave",
        "main st & 3rd ave",
        'line 3: "main st & 3rd ave" is already on line 2',
    ),
    ("name,longitude", "name,lon", 'line 1: there is no column "longitude"'),
    ('"Lakeside Mall, Fairview"', '"Lakeside Mall, Fairview', "unexpected end of data"),
]


@pytest.mark.parametrize(("old", "new", "named"), CSV_FAULTS)
def test_a_fault_in_a_place_is_named_by_its_line(
    city: Path, old: str, new: str, named: str
) -> None:
    assert [fault for fault in spoil(city, "places.csv", old, new) if named in fault]


PROTOCOL_FAULTS = [
    ('level = "R1"', 'level = "R0"', 'rule[1].level: "R0" is none of'),
    ("safety = true", "saftey = true", "question[2].saftey: unknown key"),
    ('choices = ["me",', "choices = [7,", "question[1].choices[1]"),
    (
        'when = [{ safety = ["yes", "doubt"] }]',
        'when = [{ safety = "yes" }]',
        "question[4].when[1].safety: must be a list",
    ),
    ('when = [{ safety = ["yes", "doubt"] }]', "when = []", "question[4].when: is empty"),
    ('id = "safety_screen"', "", "protocol.id: missing"),
    ('health = ["yes"]', 'health = ["maybe"]', 'rule "health.yes": "health" is never "maybe"'),
]


@pytest.mark.parametrize(("old", "new", "named"), PROTOCOL_FAULTS)
def test_a_fault_in_the_protocol_is_named(city: Path, old: str, new: str, named: str) -> None:
    assert [fault for fault in spoil(city, "safety_screen_2.toml", old, new) if named in fault]


def test_every_fault_of_every_file_is_named_at_once(city: Path) -> None:
    for file, old, new in (
        ("program.toml", "America/Denver", "Nowhere"),
        ("program.toml", "page_next = 60", "page_next = 0"),
        ("areas.geojson", '"2024-03-01"', '"soon"'),
        ("places.csv", "39.7060", "99"),
        ("safety_screen_2.toml", 'level = "R1"', 'level = "R9"'),
    ):
        (city / file).write_text((city / file).read_text().replace(old, new, 1))

    assert len(faults(city)) == 5


def test_a_missing_program_is_one_fault_and_no_noise(tmp_path: Path) -> None:
    assert len(faults(tmp_path)) == 1


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("mon-sun 00:00-24:00", Hours(frozenset(range(7)), time(0), time(0))),
        ("fri,sat 18:00-02:00", Hours(frozenset({4, 5}), time(18), time(2))),
        ("fri-mon 09:30-17:00", Hours(frozenset({4, 5, 6, 0}), time(9, 30), time(17))),
        ("mon-wed,sun 22:00-24:00", Hours(frozenset({0, 1, 2, 6}), time(22), time(0))),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, span: Hours) -> None:
    assert hours(text) == span


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mon",
        "mon 9-5",
        "day 09:00-17:00",
        "mon 24:00-08:00",
        "mon 09:00-24:30",
        "mon 09:00-09:00",
        "mon 09:61-10:00",
        "mon- 09:00-10:00x",
    ],
)
def test_hours_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"is not hours|has the time|names|runs past|opens and closes"
    ):
        hours(text)
