"""A page as a destination: hand-offs read in a browser and on paper. Opening one is its receipt,
and does not take the case."""

from __future__ import annotations

import base64
import logging
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from conversation import OPEN, PROGRAM
from hypothesis import given, settings
from test_eido import cases

from caller_service.casework.outbound.deliver import deliver, replay
from caller_service.core.case import Case, Status
from caller_service.core.hand_off import number_condition, packet
from caller_service.core.marks import Mark
from caller_service.core.program import Destination
from caller_service.core.protocol import Level
from caller_service.documents import printed_hand_off
from caller_service.documents.eido import TERMS, terms
from caller_service.documents.printed_hand_off import (
    LEVELS,
    LOCATED,
    NO_LEVEL,
    STATUSES,
    PrintedHandOff,
    printed,
)
from caller_service.language.languages import read_languages
from caller_service.store.tables import Base
from caller_service.store.tokens import token_hash
from caller_service.web.dispatch.printed_hand_off import REFRESH
from caller_service.web.shared.static_files import static_url

if TYPE_CHECKING:
    from conftest import House, Resident

NUMBER = "+17205550123"
PLACE = "Main St and 3rd Ave"
STORY = "my brother shouts"


# ---- the sheet -----------------------------------------------------------------------------------
def a_case(**told: Any) -> Case:
    plain: dict[str, Any] = {
        "answers": {"who": "adult", "need": "upset", "contact": "text_call", "voicemail": "yes", "if_none": "wait"},
        "response": "team", "level": Level.R3, "revision": 2, "status": Status.HANDED_OFF,
        "place": PLACE, "located": "inside",
    }  # fmt: skip
    return Case("018f-aa", "K7M4Q2", "c", "es", **(plain | told)).marked(OPEN, Mark.OPENED)


NAMES = {tag: known.name for tag, known in read_languages().items()} | {"zh-Hant": "Chinese"}


def read(case: Case) -> PrintedHandOff:
    return printed(packet(case, PROGRAM, NUMBER), NAMES)


def lines(case: Case) -> dict[str, str]:
    return dict(read(case).lines)


@settings(max_examples=200)
@given(cases())
def test_whatever_was_answered_there_is_a_sheet_in_words(case: Case) -> None:
    made = read(case)

    told = dict(made.lines)
    assert made.reference == "K7M4Q2"
    assert made.meaning in (*LEVELS.values(), NO_LEVEL)
    assert all(words.strip() for words in told.values()), "no empty heading"
    assert (NUMBER in str(made.lines)) == (number_condition(case) is not None and not case.ended)
    assert told["Police"] == "Not requested"
    assert "not_asked" not in str(
        [told[name] for name in ("Who needs help", "Need", "Place", "Wants")]
    )


def test_every_code_there_is_has_words() -> None:
    """Codes of the rehearsal's protocol and of our own tables are never shown as bare codes."""
    assert set(LEVELS) == {level.name for level in Level}
    assert set(STATUSES) == {status.value for status in Status}
    asked = {
        question.id: {choice.code for choice in question.choices}
        for question in PROGRAM.protocol.questions
    }
    assert asked["who"] <= set(printed_hand_off.WHO)
    assert asked["need"] <= set(printed_hand_off.NEEDS)
    assert asked["if_none"] <= set(printed_hand_off.IF_NONE)
    assert asked["want"] <= set(printed_hand_off.WANTS)
    assert {
        "inside",
        "outside",
        "not_live",
        "near_edge",
        "ambiguous",
        "unknown",
        "skipped",
        "not_asked",
    } == set(LOCATED)


@pytest.mark.parametrize("contact", [*TERMS, None, "unsure"])
def test_how_they_may_be_reached_is_told_in_the_words_of_the_other_destinations(
    contact: str | None,
) -> None:
    case = a_case(answers={"contact": contact} if contact else {})

    assert lines(case)["How to reach them"] == terms(packet(case, PROGRAM, NUMBER)["contact"])


@pytest.mark.parametrize("status", [Status.CLOSED, Status.CANCELLED])
def test_a_sheet_that_was_stood_down_gives_nobody_a_number_to_call(status: Status) -> None:
    told = read(a_case(status=status))

    assert told.stood_down
    assert told.status == f"Stood down: {status.value}"
    assert NUMBER not in str(told.lines)
    assert dict(told.lines)["How to reach them"] == "Stood down: do not contact them."


@pytest.mark.parametrize(
    ("known", "heading", "words"),
    [
        ({"interpreter": True, "team": "care-1"}, "Language", "Spanish. An interpreter is needed."),
        ({"team": "care-1"}, "Language", "Spanish. The team speaks it."),
        ({"team": ""}, "Language", "Spanish. Bring an interpreter if none of you speaks it."),
        ({"language": "zh-Hant", "team": "care-1"}, "Language", "Chinese. The team speaks it."),
        ({"language": "xx", "team": "care-1"}, "Language", "xx. The team speaks it."),
        ({"language": "en"}, "Language", "English"),
        (
            {"incident_type": "WELFARE", "typed_by": "Maria"},
            "Incident type",
            "WELFARE, set by Maria",
        ),
        ({"place": "", "located": ""}, "Place", "No words given; not asked yet"),
        (
            {"point": (-105.0, 39.7)},
            "Place",
            f"{PLACE}; in the area we serve; latitude 39.7, longitude -105.0",
        ),
        ({"review": True}, "Careful", "A human looks at it first."),
        (
            {"said": frozenset({"asked_to_cancel"})},
            "Careful",
            "They asked to cancel: a human must answer.",
        ),
        ({"answers": {"who": "a_neighbour"}}, "Who needs help", "a neighbour"),
        ({"answers": {"need": "unsure"}}, "Need", "They are not sure"),
        ({"cannot_text": "landline"}, "Texts", "The number is a landline"),
        ({"because": ("suicide.yes", "wants.team")}, "Why this level", "suicide: yes; wants: team"),
        (
            {"because": ("health.doubt", "upset_hears_or_sees")},
            "Why this level",
            "health: in doubt; very upset, or hears or sees things",
        ),
    ],
)
def test_a_line_says_it_plainly(known: dict[str, Any], heading: str, words: str) -> None:
    assert lines(replace(a_case(), **known))[heading] == words


def test_words_and_number_are_not_in_what_a_sheet_shows_of_itself() -> None:
    shown = repr(read(a_case(narrative=("zebrafinch",), remarks=(("Maria", "quokkaberry"),))))

    for private in (NUMBER, PLACE, "zebrafinch", "quokkaberry"):
        assert private not in shown


# ---- the doors -----------------------------------------------------------------------------------
def has_pages(house: House, *names: str) -> dict[str, str]:
    """A program with these additional pages; returns their tokens."""
    pages = tuple(Destination(name, "page") for name in names)
    house.change(
        program=replace(
            house.parts.program, destinations=(*house.parts.program.destinations, *pages)
        )
    )
    return {name: house.new_token(name, name) for name in names}


class Reader:
    """Somebody at a clinic, with a browser."""

    def __init__(self, house: House, name: str = "clinic", token: str = "") -> None:
        self.house, self.name = house, name
        self.token = token or has_pages(house, name)[name]

    def looks(self, path: str = "", method: str = "GET", **headers: str) -> Any:
        return self.house.client.open(
            f"/hand-offs/{self.name}/{path}", method=method, headers=self.signed() | headers
        )

    def signed(self) -> dict[str, str]:
        return {
            "Authorization": "Basic "
            + base64.b64encode(f"{self.name}:{self.token}".encode()).decode()
        }

    def listed(self) -> list[list[str]]:
        """The rows of the list, as text."""
        rows = re.findall(r"<tr class.*?</tr>", self.looks().text, re.S)
        return [
            [plain(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)] for row in rows
        ]

    def standing(self) -> dict[str, str]:
        return {row[0]: row[1] for row in self.listed()}

    def states(self) -> list[str]:
        rows = sorted(
            self.house.rows("delivery", destination=self.name), key=lambda row: row.revision
        )
        return [row.state for row in rows]


def plain(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def accepts(house: House, me: Resident, by: str = "Maria") -> None:
    assert (
        house.dispatch(
            f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": by}
        ).status_code
        == 200
    )


def test_a_hand_off_lies_unread_until_it_is_opened_and_no_job_is_for_it(house: House) -> None:
    clinic = Reader(house)
    me = house.resident().wants_a_team()

    (row,) = house.rows("delivery", destination="clinic")
    assert (row.state, row.next_at, row.received_at) == ("unread", None, None)
    assert row.id not in [reference for _, _, reference in house.jobs()]
    house.wait(3600)
    house.sweeps()
    assert row.id not in [reference for _, _, reference in house.jobs()]
    deliver(house.parts, row.id)
    assert not replay(house.parts, row.id)
    assert clinic.standing() == {me.case().reference: "Not opened yet"}
    assert clinic.states() == ["unread"], "the list alone receives nothing"
    assert clinic.looks(me.case().id).status_code == 200
    assert clinic.states() == ["received"]
    assert house.rows("delivery", destination="clinic")[0].received_at is not None
    assert clinic.standing() == {me.case().reference: "Opened"}


def test_one_sheet_says_what_a_human_needs(house: House) -> None:
    clinic = Reader(house)
    me = house.resident().wants_a_team()
    page = clinic.looks(me.case().id)

    told = plain(page.text)
    assert page.content_type == "text/html; charset=utf-8"
    for words in (
        f"To take it, tell dispatch: {me.case().reference}", "R3 A mobile team, with priority",
        "Nobody has taken it yet", "How to reach them Text only. Do not call.", f"Number {NUMBER}",
        "Language English ", f"Place {PLACE}; in the area we serve", "Wants A team without police",
        "If no team is free Not asked yet", "Who needs help An adult they know", STORY,
        "Police Not requested", "They first wrote Mon 23 Nov, 12:",
    ):  # fmt: skip
        assert words in told, words
    accepts(house, me)
    assert "Somebody has taken it." in plain(clinic.looks(me.case().id).text)


def test_the_list_tells_references_and_no_words(house: House) -> None:
    clinic = Reader(house)
    me = house.resident().wants_a_team()
    page = clinic.looks().text

    for private in (NUMBER, NUMBER[2:], PLACE, STORY, "brother"):
        assert private not in page
    assert set(re.findall(r'(?:href|src|content)="([^"]*)"', page)) - {
        "width=device-width, initial-scale=1",
        "noindex",
        str(REFRESH),
    } == {
        static_url("paper.css"),
        static_url("icon.svg"),
        f"/hand-offs/clinic/{me.case().id}",
    }
    assert clinic.listed()[0][2:4] == ["R3 A mobile team, with priority", "Nobody has taken it yet"]


def test_pages_are_private_need_no_script_and_the_list_alone_asks_again(house: House) -> None:
    clinic = Reader(house)
    me = house.resident().wants_a_team()

    for path in ("", me.case().id):
        page = clinic.looks(path)
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "<script" not in page.text
        assert "//" not in page.text.replace("<!doctype html>", ""), "nothing of anybody else's"
        assert ('http-equiv="refresh"' in page.text) == (path == ""), (
            "a sheet that asks again would be received unseen"
        )
    assert 20 <= REFRESH <= 30
    with house.client.get("/static/paper.css") as sheet_of_style:
        assert sheet_of_style.status_code == 200


def test_what_is_new_is_unread_again_and_read_once_opened(house: House) -> None:
    clinic = Reader(house)
    me = house.resident().wants_a_team()
    clinic.looks(me.case().id)
    accepts(house, me)

    assert clinic.standing() == {me.case().reference: "Changed since you opened it"}
    assert clinic.states() == ["received", "unread"]
    me.texts("he took all the pills")
    assert me.case().level in ("R1", "R2")
    assert clinic.states()[-2:] == ["unread", "unread"]
    assert "he took all the pills" in clinic.looks(me.case().id).text
    assert set(clinic.states()) == {"received"}, "the newest tells what those before it told"
    assert clinic.standing() == {me.case().reference: "Opened"}


def test_what_waits_stands_first_the_most_urgent_before_the_others(house: House) -> None:
    clinic = Reader(house)
    read_one, routine, danger = (
        house.resident(NUMBER),
        house.resident("+17205550124"),
        house.resident("+17205550125"),
    )
    read_one.wants_a_team()
    clinic.looks(read_one.case().id)
    routine.texts("hi").texts("1", "2", "2", "2", "3", "1", PLACE, "5", "1")
    danger.texts("hi").texts("1", "1")

    assert [row[0] for row in clinic.listed()] == [
        one.case().reference for one in (danger, routine, read_one)
    ]
    assert "2 wait to be read." in plain(clinic.looks().text)


@pytest.mark.parametrize(
    ("outcome", "status"), [("cancelled", "cancelled"), ("resolved", "closed")]
)
def test_a_case_that_ended_is_stood_down_here_too_until_that_is_read_or_a_day_is_over(
    house: House, outcome: str, status: str
) -> None:
    clinic = Reader(house)
    me, other = house.resident().wants_a_team(), house.resident("+17205550124").wants_a_team()
    for one in (me, other):
        clinic.looks(one.case().id)
        ends(house, one, outcome)
        assert one.case().status == status

    assert {row[0]: row[3] for row in clinic.listed()} == {
        one.case().reference: f"Stood down: {status}" for one in (me, other)
    }
    assert f"Stood down: {status}." in plain(clinic.looks(me.case().id).text)
    assert NUMBER not in clinic.looks(me.case().id).text
    assert list(clinic.standing()) == [other.case().reference], "read"
    house.wait(timedelta(days=1).total_seconds() + 60)
    assert clinic.standing() == {}
    assert "There is no open hand-off." in clinic.looks().text


def ends(house: House, one: Resident, outcome: str) -> None:
    if outcome == "cancelled":
        one.texts("never mind")
        return
    told = {"status": "closed", "by": "Maria", "outcome": outcome}
    assert house.dispatch(f"/{one.case().id}/status", told).status_code == 200


def test_what_ended_before_anybody_opened_it_is_not_listed(house: House) -> None:
    clinic = Reader(house)
    me = house.resident().wants_a_team()
    ends(house, me, "resolved")

    assert clinic.standing() == {}


def test_the_other_destinations_go_their_own_way(house: House) -> None:
    clinic = Reader(house)
    partner = Reader(house, "partner")
    me = house.resident().wants_a_team()
    clinic.looks(me.case().id)

    assert (clinic.states(), partner.states()) == (["received"], ["unread"])
    assert [row.state for row in house.rows("delivery", destination="rehearsal-cad")] == ["waiting"]
    house.settles()
    assert [row.state for row in house.rows("delivery", destination="rehearsal-cad")] == [
        "received"
    ]
    assert [told["reference"] for told, _ in house.posted] == [me.case().reference]
    assert partner.states() == ["unread"]
    assert me.case().status == "handed_off", "a receipt takes no case"


def test_a_page_nobody_opened_yet_is_no_waiting_delivery_in_the_counts(house: House) -> None:
    Reader(house)
    house.resident().wants_a_team()
    house.settles()
    counts = house.client.get(
        "/metrics", headers={"Authorization": f"Bearer {house.app.config['METRICS_TOKEN']}"}
    ).text

    assert 'caller_deliveries{destination="clinic",state="unread"} 1.0' in counts
    assert 'state="waiting"' not in "".join(
        line for line in counts.splitlines(True) if line.startswith("caller_deliveries")
    )


def test_every_reading_is_journaled_and_the_receipt_once(house: House) -> None:
    clinic = Reader(house)
    me = house.resident().wants_a_team()
    clinic.looks()
    assert house.rows("journal", who="clinic") == []
    clinic.looks(me.case().id)
    clinic.looks(me.case().id)

    assert [line.event for line in house.rows("journal", case_id=me.case().id, who="clinic")] == [
        "read",
        "read",
    ]
    received = [
        line.detail
        for line in house.rows("journal", event="delivered")
        if line.detail["destination"] == "clinic"
    ]
    assert received == [{"destination": "clinic", "revision": 1}]


def test_a_look_without_a_reader_is_no_receipt(house: House) -> None:
    clinic = Reader(house)
    me = house.resident().wants_a_team()

    assert clinic.looks(me.case().id, method="HEAD").status_code == 200
    for name, value in GUESSES:
        guess = clinic.looks(me.case().id, **{name: value})
        assert guess.status_code == 503, "refused, so that the view itself asks again"
        assert STORY not in guess.text and me.case().reference not in guess.text
    for agent in PROGRAMS:
        assert clinic.looks(me.case().id, **{"User-Agent": agent}).status_code == 200
    assert clinic.looks(me.case().id, **{"Sec-Fetch-Dest": "empty"}).status_code == 200
    assert clinic.states() == ["unread"]


GUESSES = [
    ("Sec-Purpose", "prefetch"),
    ("Sec-Purpose", "prefetch;prerender"),
    ("Sec-Purpose", "prefetch;anonymous-client-ip"),
    ("Purpose", "prefetch"),
    ("X-Purpose", "preview"),
    ("X-Moz", "prefetch"),
]
PROGRAMS = [
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "facebookexternalhit/1.1",
    "WhatsApp/2.23.20.0",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "Mozilla/5.0 AppleWebKit/537.36 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
]
PEOPLE: list[dict[str, str]] = [
    {},
    {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"},
    {"User-Agent": "Mozilla/5.0 (Linux; Android 11; CUBOT X30) AppleWebKit/537.36 Mobile"},
    {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Safari/604.1"},
    {"Purpose": ""},
]


@pytest.mark.parametrize("headers", PEOPLE, ids=str)
def test_a_persons_view_is_a_receipt(house: House, headers: dict[str, str]) -> None:
    clinic = Reader(house)
    me = house.resident().wants_a_team()
    clinic.looks(me.case().id, **{"Sec-Purpose": "prefetch"})

    assert STORY in clinic.looks(me.case().id, **headers).text
    assert clinic.states() == ["received"], "the guess before did not stand in the way"


def test_a_test_case_of_the_probe_is_on_no_page(house: House) -> None:
    clinic = Reader(house)
    me = house.resident().wants_a_team()
    mine = Base.metadata.tables["case"]
    with house.parts.engine.begin() as conn:
        conn.execute(sa.update(mine).where(mine.c.id == me.case().id).values(test=True))

    assert clinic.standing() == {}
    assert clinic.looks(me.case().id).status_code == 404
    assert clinic.states() == ["unread"]


def test_only_what_a_page_was_told_of_is_on_it(house: House) -> None:
    before = house.resident().wants_a_team()
    clinic = Reader(house)
    screening = house.resident("+17205550124").texts("hello")

    assert clinic.standing() == {}
    for path in (before.case().id, screening.case().id, "unknown"):
        assert (clinic.looks(path).status_code, clinic.looks(path).content_type) == (
            404,
            "text/plain; charset=utf-8",
        )
    accepts(house, before)
    assert clinic.standing() == {before.case().reference: "Not opened yet"}, (
        "its next revision comes here too"
    )


def test_markup_in_somebodys_words_stays_words(house: House) -> None:
    clinic = Reader(house)
    me = house.resident().texts("my brother is seeing things <script>alert(1)</script>")
    me.texts("3", "2", "2", "2", "3", "1", "Main St and 3rd Ave", "2", "2", "1")

    page = clinic.looks(me.case().id).text
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


# ---- who may read --------------------------------------------------------------------------------
def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def test_a_page_opens_to_its_own_name_and_token_alone(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = has_pages(house, "clinic", "partner")
    me = house.resident().wants_a_team()
    revoked = house.new_token("clinic", "clinic")
    with house.parts.engine.begin() as conn:
        table = Base.metadata.tables["token"]
        conn.execute(
            sa.update(table)
            .where(table.c.hash == token_hash(revoked))
            .values(revoked_at=house.clock())
        )
    wrong = [
        "",
        "Basic",
        "Basic %%%",
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        basic("clinic", ""),
        basic("", tokens["clinic"]),
        basic("clinic", "wrong"),
        basic("clinic", revoked),
        basic("clinic", tokens["partner"]),
        basic("partner", tokens["partner"]),
        basic("clinic", house.token),
        basic("cad", house.token),
        f"Bearer {tokens['clinic']}",
    ]
    with caplog.at_level(logging.DEBUG):
        for place, each in enumerate(wrong):
            for path in ("clinic/", f"clinic/{me.case().id}", "nowhere/", "console/"):
                answer = house.client.get(
                    f"/hand-offs/{path}",
                    headers={"Authorization": each} if each else {},
                    environ_base={"REMOTE_ADDR": f"192.0.2.{place}"},
                )
                assert (answer.status_code, answer.headers["WWW-Authenticate"][:6]) == (
                    401,
                    "Basic ",
                ), f"{each} {path}"
                assert me.case().reference not in answer.text
    assert [row.state for row in house.rows("delivery", destination="clinic")] == ["unread"]
    assert tokens["clinic"] not in caplog.text
    assert (
        house.client.get(
            "/hand-offs/clinic/", headers={"Authorization": basic("clinic", tokens["clinic"])}
        ).status_code
        == 200
    )


@pytest.mark.parametrize("name", ["console", "rehearsal-cad"])
def test_a_destination_of_another_kind_has_no_page(house: House, name: str) -> None:
    assert Reader(house, name, house.new_token(name, name)).looks().status_code == 401
