"""The types of what a city decides. caller_service/config/program_file.py reads them from
program.toml.

Times of day are local to the program's time zone; durations are seconds; places are WGS 84 degrees.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum

from .phone_numbers import LIFELINE
from .protocol import Protocol, SignOff
from .staff_words import StaffWords
from .street_words import StreetWords

INTERPRETER = "interpreter line"  # whose call it is: no rung may have that name
COUNTRIES = ("+1",)  # the default of [numbers] countries
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class OurNumber:
    """A number residents text or call (E.164), or a Messaging Service SID, and the languages of its
    greeting."""

    number: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Numbers:
    ours: tuple[OurNumber, ...]
    psap: str = ""  # the PSAP's ten-digit line; never "911"
    counselor: str = LIFELINE  # 988, or its long number
    interpreter: str = ""  # the contracted interpreter line
    callback: str = ""  # calls to residents come from it; whoever rings it hears no program's name
    # place name as residents write it -> number
    neighbours: Mapping[str, str] = field(default_factory=dict)
    text_to_911: bool = True  # does the PSAP take texts?
    # prefixes of the phones that get a text when somebody types their number on a page
    countries: tuple[str, ...] = COUNTRIES
    # reserved for `caller-service probe`: nobody has it and nothing is sent to it; "": no probe
    probe: str = ""

    def written_to(self, *named: str) -> str:
        """The first of these that is one of our numbers; "" if none is."""
        ours = {one.number for one in self.ours}
        return next((number for number in named if number in ours), "")

    def caller(self, written_to: str) -> str:
        """The number of ours that a call comes from: the one they called, or the first that is a
        number and not a Messaging Service; "" if none is."""
        numbers = (self.written_to(written_to), *(one.number for one in self.ours))
        return next((number for number in numbers if number.startswith("+")), "")

    def sender(self, written_to: str) -> str:
        """The number that texts to somebody come from: the one they wrote to, or our first if that
        is not, or no longer, ours."""
        return self.written_to(written_to) or self.ours[0].number


@dataclass(frozen=True, slots=True)
class Phone:
    """What a city decides about calls: [phone] of program.toml."""

    # offered on the phone; empty: those of the program that can be spoken
    languages: tuple[str, ...] = ()
    packs: str = ""  # folder of the recorded languages, each `<tag>/manifest.toml`; "": none
    speech: bool = False  # may calls be understood by speech recognition, or by keypad only?
    speech_signed_by: str = ""  # who signed that; live refuses `speech` without


@dataclass(frozen=True, slots=True)
class Clocks:
    """All in seconds (docs/safety-rules.md, rules 3 to 8)."""

    read: int = 3  # the shortest time from delivery to a believable "no" to a safety question
    read_page: int = 2  # the same on a page, after it was served and its round trip
    unseen: int = 1  # without a receipt a question counts as delivered this long after it was sent
    danger_silence: int = 120
    quiet_reask: int = 300
    quiet_review: int = 900
    page_next: int = 60
    truth: int = 180
    backstop: int = 600  # after the first page with nobody joined: the contracted line is called
    # while many wait: between two pages to one person; 0: never delayed
    surge_page: int = 60
    surge_wait: int = 300  # once a danger has waited this long, newcomers are told
    join_emergency: int = 60  # R1: from acceptance to the provider taking a human's first words
    join_human: int = 90  # R2: the same
    # R1: after a text that waits for the holder's answer, the holder is prompted
    reply_emergency: int = 60
    reply_human: int = 120  # R2: the same; at twice that the next person is asked
    held_emergency: int = 300  # R1: nobody writes in a held conversation: the holder is prompted
    held_human: int = 600  # R2: the same; the supervisors are paged `held_supervisor` later
    held_supervisor: int = 600
    gone: int = 600  # in danger their page stays closed, with no other safe way: people are told
    pause: int = 600  # length of a holder's one announced pause
    check_again: int = 180  # a check question is put at most this often
    check_wait: int = 180  # an unanswered check question is reviewed after this
    silent_911: int = 60  # a bare "911" and then silence
    review: int = 300  # a human review is done within this
    accept: int = 300  # a team or counselor hand-off is picked up within this
    wait_word: int = 900  # a waiting resident hears from us at least this often
    move: int = 1200  # accepted without a time: late after this
    late_tell: int = 300  # after the promised time: tell the resident
    late_supervisor: int = 600  # after the promised time: supervisor
    on_scene: int = 7200  # arrived and not closed: somebody is paged after this
    # silence after a human was paged and nothing is known: closed as abandoned
    abandon: int = 86400
    reached_911: int = 600  # after "I want 911": ask whether they reached them


@dataclass(frozen=True, slots=True)
class Retention:
    """How long after its end what of a request is kept: [retention] of program.toml."""

    words_days: int = 30  # words and the precise place
    phone_days: int = 90  # the number, where nothing newer came from it
    answers_days: int = 365  # the answers and what was concluded from them, as codes
    keep_days: int = 0  # a law keeps the words so long, whoever asks; 0: none does
    asked_hours: int = 1  # from "delete my words" until the clock does it; a human may sooner


class DestinationKind(StrEnum):
    """How a destination gets hand-offs: `kind` in program.toml."""

    WEBHOOK = "webhook"  # `hand_off.v1` is posted to it
    EIDO = "eido"  # an EIDO is posted to it
    PAGE = "page"  # waits until somebody opens it in a browser
    CONSOLE = "console"  # the board and the API: received at once


@dataclass(frozen=True, slots=True)
class Destination:
    """Where hand-offs go. `secret` is the name of an environment variable, never the secret itself.

    A webhook gets `hand_off.v1`; an eido destination gets the EIDO and names the alternative team's
    own agency. A page is read in a browser and printed; its name is part of its address.
    """

    name: str
    kind: str  # DestinationKind
    url: str = field(default="", repr=False)  # its path may hold a secret
    secret: str = field(default="", repr=False)
    agency: str = ""  # a domain name
    agency_type: str = "ems"  # of NENA's registry; never police, never a PSAP
    # it does not recognise a repeated hand-off: we ask what it has before each try
    look_up: bool = False

    @property
    def posted(self) -> bool:
        """Does the worker post hand-offs to it? The console has them at once; a page waits to be
        opened."""
        return self.kind in (DestinationKind.WEBHOOK, DestinationKind.EIDO)


@dataclass(frozen=True, slots=True)
class Hours:
    """One span of open time: weekdays 0 (Monday) to 6, from `opens` until `closes`; `closes` of
    00:00 is midnight, and a span with `closes` before `opens` runs past midnight."""

    weekdays: frozenset[int]
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a ladder: who is paged, how, how often, and how long before the next."""

    ladder: str  # "danger" (R1/R2), "team", "counselor" or "review"
    name: str
    by: str  # "text", "call", or "console": shown on the board, no phone is called
    number: str = field(default="", repr=False)
    supervisor: bool = False
    hours: tuple[Hours, ...] = ()  # staffed then; empty: round the clock
    # seconds until the next is asked; 0: the ladder's own clock (page_next, accept, review)
    wait: int = 0
    repeats: int = 1  # how many times in a row this person is paged before the next
    # a contracted round-the-clock line, called when nobody else came (rule 4)
    backstop: bool = False


@dataclass(frozen=True, slots=True)
class Area:
    """A service area: polygons of (longitude, latitude) rings, outer ring first."""

    id: str
    name: str
    polygons: tuple[tuple[tuple[tuple[float, float], ...], ...], ...]
    live_from: date | None  # None: no date is set
    hours: tuple[Hours, ...] = ()  # empty: round the clock
    psap: str = ""  # ten-digit line of the PSAP that covers it; "": numbers.psap


@dataclass(frozen=True, slots=True)
class Place:
    """A street corner or landmark residents name. A corner has two streets."""

    name: str
    longitude: float
    latitude: float
    aliases: tuple[str, ...] = ()
    accuracy: float = 50.0  # metres


class AreaMap(typing.Protocol):
    """What the core asks of the map of areas (caller_service/config/atlas.py). Points are
    (longitude, latitude), distances metres."""

    # ids of the areas that contain the point
    def at(self, point: tuple[float, float]) -> tuple[str, ...]: ...
    # distance to the outer border of these areas together
    def edge(self, point: tuple[float, float], areas: frozenset[str]) -> float: ...
    def away(self, point: tuple[float, float]) -> float: ...  # distance from the nearest area


SKILLS = ("asl", "youth")  # what a case may ask of a team (core/routing.py)


@dataclass(frozen=True, slots=True)
class Team:
    """A response team: where and when it works, what it can do, which languages it speaks."""

    id: str
    name: str
    areas: frozenset[str]
    languages: frozenset[str]
    skills: frozenset[str] = frozenset()
    hours: tuple[Hours, ...] = ()


EXIT_TO = "https://www.weather.gov/"


@dataclass(frozen=True, slots=True)
class Program:
    """Everything a city decides, checked."""

    name: str
    time_zone: str
    languages: tuple[str, ...]  # the first is used when nothing is known
    numbers: Numbers
    clocks: Clocks
    destinations: tuple[Destination, ...]
    ladder: tuple[Rung, ...]
    areas: tuple[Area, ...]
    places: tuple[Place, ...]
    teams: tuple[Team, ...]
    protocol: Protocol
    area_map: AreaMap = field(repr=False, compare=False)
    sign_off: SignOff = field(default_factory=SignOff)
    police_link: str = ""  # short link to the published list of cases in which police could come
    # where "Exit this page" leads: a neutral page that anybody might read, small, over https
    exit_to: str = EXIT_TO
    # phrases for "I am watched"; whoever writes one gets no answer
    watched: frozenset[str] = frozenset()
    edge_metres: float = 500.0
    iso639_3: Mapping[str, str] = field(default_factory=dict)  # of each language, by its tag
    # street words and staff words of all shipped languages
    streets: StreetWords = field(default_factory=StreetWords, repr=False, compare=False)
    staff: StaffWords = field(default_factory=StaffWords, repr=False, compare=False)
    # is the operator or any reader law enforcement? Then "not police" is never said (rule 22)
    law_enforcement: bool = False
    phone: Phone = field(default_factory=Phone)
    retention: Retention = field(default_factory=Retention)

    @property
    def service_numbers(self) -> frozenset[str]:
        """Our numbers and the lines we work with: none of them is a resident's own phone."""
        lines = self.numbers
        others = (lines.psap, lines.counselor, lines.interpreter, lines.callback, lines.probe)
        areas = (area.psap for area in self.areas)
        ours = (one.number for one in lines.ours)
        return frozenset((*ours, *others, *areas, *lines.neighbours.values()))

    def psap(self, area: str) -> str:
        """The ten-digit line of the PSAP that covers an area; "" where no line is known."""
        own = next((one.psap for one in self.areas if one.id == area), "")
        return own or self.numbers.psap

    def destination(self, name: str) -> Destination | None:
        """The destination of that name, or None."""
        return next((one for one in self.destinations if one.name == name), None)

    def rungs(self, ladder: str) -> tuple[Rung, ...]:
        return tuple(rung for rung in self.ladder if rung.ladder == ladder and not rung.backstop)

    @property
    def backstops(self) -> tuple[Rung, ...]:
        return tuple(rung for rung in self.ladder if rung.backstop)

    def rung_of(self, name: str) -> Rung | None:
        """The person of that name on a ladder; a rung with a number comes before one at the
        console."""
        rungs = [rung for rung in self.ladder if rung.name == name]
        return next((rung for rung in rungs if rung.number), rungs[0] if rungs else None)
