"""Reads what a city decides (program.toml, its areas, places and protocol) into core's types.

Every fault is collected and reported at once, by file and key or line, so that one run of the check
is enough. Paths in the file are relative to it.
"""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from caller_service.core.program import (
    COUNTRIES,
    EXIT_TO,
    INTERPRETER,
    SKILLS,
    Area,
    Clocks,
    Destination,
    DestinationKind,
    Numbers,
    OurNumber,
    Phone,
    Program,
    Retention,
    Rung,
    Team,
)
from caller_service.core.protocol import Protocol, SignOff
from caller_service.documents.eido_registry import AGENCY_TYPES

from .areas_file import read_areas, read_places
from .atlas import Atlas
from .checked_table import CheckedTable, ProgramFaults, number_fault, read_toml
from .protocol_file import gather_protocol, read_protocol

__all__ = ["ProgramFaults", "read_program", "read_protocol"]

LADDERS = ("danger", "team", "counselor", "review")
PAGED_BY = ("text", "call", "console")
_DAY = 86_400
_YEARS = 36_525  # days: a hundred years
_NO_PROTOCOL = Protocol("", "", (), ())  # placeholder until the fault is raised
_MESSAGING_SERVICE = re.compile(r"MG[0-9a-f]{32}")
# settings.py reads exactly the variables with such names
_SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]*_SECRET")
_DOMAIN = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+"
)
# it is part of a URL and is typed as a user name
_PAGE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_OF_A_LANGUAGE = ("LC_MESSAGES/messages.po", "words.toml", "speech.toml", "language.toml")
_URL = re.compile(r"https?://[^\s/?#]+(/[^\s#]*)?")


def read_program(path: Path) -> Program:
    """The program of a city. Raises ProgramFaults with every fault."""
    faults: list[str] = []
    program = _program(read_toml(path, faults), path.parent, faults)
    if faults:
        raise ProgramFaults(tuple(faults))
    return program


def _program(top: CheckedTable, folder: Path, faults: list[str]) -> Program:
    head = top.table("program", needed=True)
    languages = _languages(head)
    where = top.table("areas", needed=True)
    areas_path, places_path = _file(where, "file", folder), _file(where, "places", folder)
    protocol_path = _file(screening := top.table("protocol", needed=True), "file", folder)
    areas = read_areas(areas_path, faults) if areas_path else ()
    numbers = _numbers(top.table("numbers", needed=True), languages)
    program = Program(
        name=head.text("name"),
        time_zone=_time_zone(head),
        languages=languages,
        numbers=numbers,
        clocks=_clocks(top.table("clocks")),
        destinations=_destinations(top),
        ladder=_ladder(top, numbers),
        areas=areas,
        places=read_places(places_path, areas, faults) if places_path else (),
        teams=_teams(top, frozenset(area.id for area in areas), languages),
        area_map=Atlas(areas, date.today()),
        protocol=gather_protocol(protocol_path, faults) if protocol_path else _NO_PROTOCOL,
        sign_off=_sign_off(top.table("sign_off")),
        police_link=head.text("police_link", ""),
        exit_to=_exit_to(head),
        watched=frozenset(head.texts("watched")),
        edge_metres=head.amount("edge_metres", 500.0, 0, 20_000),
        law_enforcement=head.flag("law_enforcement", False),
        phone=_phone(top.table("phone"), languages, folder),
        retention=_retention(top.table("retention")),
    )
    _areas_not_ours(where, areas, numbers)
    for sheet in (head, where, screening, top):
        sheet.done()
    return program


def _file(sheet: CheckedTable, key: str, folder: Path) -> Path | None:
    name = sheet.text(key)
    return folder / name if name else None


def _time_zone(head: CheckedTable) -> str:
    name = head.text("time_zone")
    try:
        ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):  # a folder such as "America" is an OSError
        head.fault("time_zone", f'"{name}" is not a time zone such as America/Denver')
        return "UTC"
    return name


def _translations() -> Path:
    """The catalogs: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "translations"
    return inside if inside.is_dir() else package.parent / "translations"


def _languages(head: CheckedTable) -> tuple[str, ...]:
    languages = head.texts("languages", needed=True)
    for language in languages:
        if not re.fullmatch(r"[A-Za-z_]+", language) or not (_translations() / language).is_dir():
            head.fault("languages", f'there are no translations for "{language}"')
            continue
        for name in _OF_A_LANGUAGE:
            # without speech.toml, say, no danger would be heard in its free text
            if not (_translations() / language / name).is_file():
                head.fault("languages", f"there is no translations/{language}/{name}")
    return languages


def _numbers(sheet: CheckedTable, languages: tuple[str, ...]) -> Numbers:
    ours = tuple(_our_number(one, languages) for one in sheet.tables("ours", needed=True))
    sheet.twice("ours", [one.number for one in ours], "numbers")
    neighbours = sheet.table("neighbours")
    numbers = Numbers(
        ours=ours,
        psap=sheet.phone("psap"),
        counselor=sheet.lifeline("counselor"),
        interpreter=sheet.phone("interpreter"),
        callback=sheet.phone("callback"),
        neighbours={name: neighbours.phone(name, needed=True) for name in neighbours.content},
        text_to_911=sheet.flag("text_to_911", True),
        countries=_countries(sheet),
        probe=sheet.phone("probe"),
    )
    for key, number in (
        ("psap", numbers.psap),
        ("counselor", numbers.counselor),
        ("interpreter", numbers.interpreter),
        ("callback", numbers.callback),
        ("probe", numbers.probe),
    ):
        _not_ours(sheet, key, number, numbers)
    sheet.done()
    return numbers


def _countries(sheet: CheckedTable) -> tuple[str, ...]:
    """Prefixes of E.164, such as "+1" or "+1876"."""
    named = sheet.texts("countries") or COUNTRIES
    for one in named:
        if not re.fullmatch(r"\+[1-9]\d{0,6}", one):
            sheet.fault("countries", f'"{one}" is not the beginning of a number, such as "+1"')
    return named


def _our_number(sheet: CheckedTable, languages: tuple[str, ...]) -> OurNumber:
    number, greets = sheet.text("number"), sheet.texts("languages", needed=True)
    if number and not _MESSAGING_SERVICE.fullmatch(number) and (wrong := number_fault(number)):
        sheet.fault("number", f"{wrong}, and not a Messaging Service SID")
    _known(sheet, "languages", greets, languages, "a language of the program")
    sheet.done()
    return OurNumber(number, greets)


def _not_ours(sheet: CheckedTable, key: str, number: str, numbers: Numbers) -> None:
    """Software that texts or calls its own number would get its own answers."""
    if number and number in {one.number for one in numbers.ours}:
        sheet.fault(key, f"{number} is one of our own numbers")


def _areas_not_ours(sheet: CheckedTable, areas: tuple[Area, ...], numbers: Numbers) -> None:
    for area in areas:
        _not_ours(sheet, f'file: the psap of area "{area.id}"', area.psap, numbers)


def _phone(sheet: CheckedTable, languages: tuple[str, ...], folder: Path) -> Phone:
    packs = sheet.text("packs", "")
    phone = Phone(
        languages=sheet.texts("languages"),
        packs=str((folder / packs).absolute()) if packs else "",
        speech=sheet.flag("speech", False),
        speech_signed_by=sheet.text("speech_signed_by", ""),
    )
    _known(sheet, "languages", phone.languages, languages, "a language of the program")
    if packs and not Path(phone.packs).is_dir():
        sheet.fault("packs", f'there is no folder "{packs}" beside the program file')
    sheet.done()
    return phone


def _retention(sheet: CheckedTable) -> Retention:
    usual = Retention()
    retention = Retention(
        words_days=sheet.whole("words_days", usual.words_days, 1, _YEARS),
        phone_days=sheet.whole("phone_days", usual.phone_days, 1, _YEARS),
        answers_days=sheet.whole("answers_days", usual.answers_days, 1, _YEARS),
        keep_days=sheet.whole("keep_days", usual.keep_days, 0, _YEARS),
        asked_hours=sheet.whole("asked_hours", usual.asked_hours, 0, 23),
    )
    if retention.phone_days < retention.words_days:
        sheet.fault("phone_days", "is less than words_days, so words would outlive their number")
    if retention.answers_days < retention.phone_days:
        sheet.fault("answers_days", "is less than phone_days: what was answered goes last")
    sheet.done()
    return retention


def _exit_to(head: CheckedTable) -> str:
    """Where the exit leads. It stands in a header, and no script may come by it."""
    address = head.text("exit_to", EXIT_TO)
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(?:/[A-Za-z0-9._~/-]*)?", address):
        head.fault("exit_to", "is not the https address of a page, without a query")
    return address


def _known(
    sheet: CheckedTable,
    key: str,
    values: tuple[str, ...],
    known: tuple[str, ...] | frozenset[str],
    what: str,
) -> None:
    for value in values:
        if value not in known:
            sheet.fault(key, f'"{value}" is not {what}')


def _clocks(sheet: CheckedTable) -> Clocks:
    given = {
        field.name: sheet.whole(
            field.name,
            getattr(Clocks(), field.name),
            0 if field.name in ("read", "read_page", "unseen", "surge_page") else 1,
            _DAY,
        )
        for field in fields(Clocks)
    }
    clocks = Clocks(**given)
    for sooner, later in (
        ("quiet_reask", "quiet_review"),
        ("page_next", "truth"),
        ("late_tell", "late_supervisor"),
    ):
        if given[sooner] >= given[later]:
            sheet.fault(later, f"{given[later]} s must be later than {sooner}, {given[sooner]} s")
    sheet.done()
    return clocks


def _destinations(top: CheckedTable) -> tuple[Destination, ...]:
    found = tuple(_destination(sheet) for sheet in top.tables("destinations"))
    top.twice("destinations", [one.name for one in found], "destinations")
    return found


def _destination(sheet: CheckedTable) -> Destination:
    """A webhook or an eido needs a URL and the name of its secret, an eido also an agency. The
    console and a page need neither, but a page's name is part of its URL."""
    one = Destination(
        name=sheet.text("name"),
        kind=sheet.one_of("kind", tuple(DestinationKind)),
        url=sheet.text("url", ""),
        secret=sheet.text("secret", ""),
        look_up=sheet.flag("look_up", False),
        agency=sheet.text("agency", ""),
        agency_type=sheet.text("agency_type", "ems"),
    )
    if one.posted:
        if not _URL.fullmatch(one.url):
            sheet.fault("url", f'"{one.url}" is not an http or https URL')
        if not _SECRET_NAME.fullmatch(one.secret):  # never quoted: it may be the secret itself
            sheet.fault(
                "secret",
                "must be the name of an environment variable that ends in _SECRET, never the "
                "secret itself",
            )
        if one.look_up and "?" in one.url:
            sheet.fault(
                "url", "with look_up the hand-off's id is appended, so it must not contain a ?"
            )
    elif one.kind in (DestinationKind.PAGE, DestinationKind.CONSOLE) and (
        one.url or one.secret or one.look_up
    ):
        sheet.fault("kind", f"the {one.kind} needs no url, no secret and no look_up")
    if one.kind == DestinationKind.PAGE and not _PAGE_NAME.fullmatch(one.name):
        sheet.fault(
            "name",
            f'"{one.name}" is in the URL of its page: lower-case letters, digits and hyphens, at '
            f"most 40",
        )
    if one.kind == DestinationKind.EIDO:
        _agency(sheet, one)
    elif {"agency", "agency_type"} & sheet.content.keys():
        sheet.fault("agency", 'belongs to the kind "eido" alone')
    sheet.done()
    return one


def _agency(sheet: CheckedTable, one: Destination) -> None:
    """An EIDO may go only to the alternative team's own agency. Sending one to a PSAP or police is
    a human's decision."""
    if not _DOMAIN.fullmatch(one.agency):
        sheet.fault(
            "agency",
            f'"{one.agency}" is not a lower-case domain name, such as team.example.org',
        )
    if one.agency_type not in AGENCY_TYPES:
        own = (
            "only the alternative team's own agency may get an EIDO, never police and never a PSAP"
        )
        sheet.fault(
            "agency_type", f'"{one.agency_type}" is none of {", ".join(AGENCY_TYPES)}: {own}'
        )


def _ladder(top: CheckedTable, numbers: Numbers) -> tuple[Rung, ...]:
    rungs = []
    for sheet in top.tables("ladder", needed=True):
        rung = Rung(
            ladder=sheet.one_of("ladder", LADDERS),
            name=sheet.text("name"),
            by=(by := sheet.one_of("by", PAGED_BY)),
            number=sheet.phone("number", needed=by != "console"),
            supervisor=sheet.flag("supervisor", False),
            hours=sheet.hours("hours"),
            wait=sheet.whole("wait", 0, 0, _DAY),
            repeats=sheet.whole("repeats", 1, 1, 10),
            backstop=sheet.flag("backstop", False),
        )
        if by == "call" and numbers.ours and _MESSAGING_SERVICE.fullmatch(numbers.ours[0].number):
            sheet.fault(
                "by",
                "a call needs a number to call from, and the first of [numbers] ours is a "
                "Messaging Service SID",
            )
        if rung.name == INTERPRETER:
            sheet.fault("name", f'"{INTERPRETER}" is the name of the line in [numbers] interpreter')
        if by == "console" and rung.number:
            sheet.fault(
                "number", "the console calls nobody: leave the number out, or page by text or call"
            )
        _not_ours(sheet, "number", rung.number, numbers)
        sheet.done()
        rungs.append(rung)
    if numbers.probe and numbers.probe in {
        *(rung.number for rung in rungs),
        numbers.psap,
        numbers.counselor,
        numbers.interpreter,
        numbers.callback,
    }:
        top.fault("numbers.probe", "is somebody's number: the probe needs one that nobody has")
    top.twice("ladder", [f"{rung.name} ({rung.ladder})" for rung in rungs if rung.name], "rungs")
    if not top.lost and not any(rung.ladder == "danger" and not rung.backstop for rung in rungs):
        top.fault("ladder", 'nobody is on the ladder "danger"')
    return tuple(rungs)


def _teams(
    top: CheckedTable, areas: frozenset[str], languages: tuple[str, ...]
) -> tuple[Team, ...]:
    teams = []
    for sheet in top.tables("teams"):
        names, spoken = sheet.texts("areas", needed=True), sheet.texts("languages", needed=True)
        if areas:  # without areas the areas file has the fault, not the team
            _known(sheet, "areas", names, areas, "an area of the areas file")
        for language in spoken:
            # a team may speak what we do not ship
            if not re.fullmatch(r"[a-z]{2,3}([_-][A-Za-z]+)?", language):
                sheet.fault("languages", f'"{language}" is not a language code')
        _known(
            sheet, "skills", skills := sheet.texts("skills"), SKILLS, f"one of {', '.join(SKILLS)}"
        )
        team = Team(
            id=sheet.text("id"),
            name=sheet.text("name"),
            areas=frozenset(names),
            languages=frozenset(spoken),
            skills=frozenset(skills),
            hours=sheet.hours("hours"),
        )
        sheet.done()
        teams.append(team)
    top.twice("teams", [team.id for team in teams], "teams")
    return tuple(teams)


def _sign_off(sheet: CheckedTable) -> SignOff:
    signed_on = sheet.day("date")
    signed = SignOff(
        clinical_lead=sheet.text("clinical_lead", ""),
        legal=sheet.text("legal", ""),
        date=signed_on.isoformat() if signed_on else "",
        protocol_hash=sheet.text("protocol_hash", ""),
    )
    if signed.protocol_hash and not re.fullmatch(r"[0-9a-f]{64}", signed.protocol_hash):
        sheet.fault("protocol_hash", "is not 64 hexadecimal digits")
    sheet.done()
    return signed
