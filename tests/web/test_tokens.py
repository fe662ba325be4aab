"""The access of each kind of token: every dispatch route with every kind of token, for hand-offs
that were sent to its destination and for others."""

from __future__ import annotations

import base64
import logging
import re
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from werkzeug.routing import Rule

from caller_service.core.access import SCOPES
from caller_service.core.program import Destination
from caller_service.store.process_counts import COUNTS
from caller_service.store.tables import Base
from caller_service.store.tokens import token_hash
from caller_service.web.shared.failure_limit import TOKENS

if TYPE_CHECKING:
    from conftest import House

CAD = "rehearsal-cad"
BY = {"by": "Maria"}
WHY = BY | {"reason": "they said so"}
HAND_OFF = "/api/v1/hand-offs/<hand_off_id>"
EIDO = "/EIDO/<hand_off_id>"
CALLBACK = f"{HAND_OFF}/callbacks/<callback_id>"
# every operation behind a bearer token: the scope it needs, and a valid body
OPERATIONS: dict[tuple[str, str], tuple[str, dict[str, Any] | None]] = {
    ("GET", "/api/v1/hand-offs"): ("read", None),
    ("GET", HAND_OFF): ("read", None),
    ("GET", f"{HAND_OFF}/messages"): ("transcript", None),
    ("POST", f"{HAND_OFF}/acknowledgement"): ("act", BY | {"answer": "accept"}),
    ("POST", f"{HAND_OFF}/status"): ("act", BY | {"status": "en_route"}),
    ("POST", f"{HAND_OFF}/reviewed"): ("act", BY),
    ("POST", f"{HAND_OFF}/police"): ("act", WHY | {"police": "no"}),
    ("POST", f"{HAND_OFF}/notes"): ("converse", BY | {"words": "We are near."}),
    ("POST", f"{HAND_OFF}/take-over"): ("converse", BY),
    ("POST", f"{HAND_OFF}/hand-over"): ("converse", BY | {"to": "Second dispatcher"}),
    ("POST", f"{HAND_OFF}/release"): ("converse", BY),
    ("POST", f"{HAND_OFF}/pause"): ("converse", BY),
    ("POST", f"{HAND_OFF}/answers"): ("converse", WHY | {"question": "gun", "choice": "no"}),
    ("POST", f"{HAND_OFF}/lower"): ("converse", WHY),
    ("POST", f"{HAND_OFF}/lift-watched"): ("converse", WHY),
    ("POST", f"{HAND_OFF}/same-person"): ("converse", WHY),
    ("POST", f"{HAND_OFF}/minor-reviewed"): ("converse", BY),
    ("POST", f"{HAND_OFF}/called-911"): ("converse", WHY | {"resident_told": "before"}),
    ("POST", f"{HAND_OFF}/care-note"): ("converse", WHY | {"words": "Ask for Ana."}),
    ("POST", f"{HAND_OFF}/slow"): ("converse", WHY),
    ("POST", f"{HAND_OFF}/place-link"): ("converse", BY),
    ("GET", f"{HAND_OFF}/calls"): ("read", None),
    ("POST", f"{HAND_OFF}/callbacks"): ("converse", BY),
    ("POST", f"{CALLBACK}/cancel"): ("converse", BY),
    ("POST", f"{CALLBACK}/outcome"): ("converse", BY | {"outcome": "reached"}),
    ("GET", EIDO): ("read", None),
    ("POST", f"{EIDO}/unit-status"): ("act", BY | {"status": "EnRoute"}),
    ("POST", f"{EIDO}/incident-type"): ("act", WHY | {"type": "WELFARE"}),
}
PAGES = {"/hand-offs/<destination>/", "/hand-offs/<destination>/<hand_off_id>"}
OPEN = {"/api/v1/hand_off.v1.schema.json", "/api/v1/eido.v1.schema.json", "/api/v1/openapi.json"}
SUBSETS = [each for many in (0, 1, len(SCOPES)) for each in combinations(SCOPES, many)]
PRIVATE = ("my brother shouts", "+1720555", "Main St")


def dispatch_rules(house: House) -> list[Rule]:
    """Every route that web/dispatch has, wherever it is registered."""
    found = []
    for rule in house.app.url_map.iter_rules():
        view: Any = house.app.view_functions[rule.endpoint]
        while hasattr(view, "__wrapped__"):
            view = view.__wrapped__
        if view.__module__.startswith("caller_service.web.dispatch") or str(rule) in OPEN:
            found.append(rule)
    return found


class Town:
    """Hand-offs, and the destinations to which they were sent."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.callbacks: dict[str, str] = {}  # hand-off -> a callback that is booked
        self.untold = self.wants_a_call("+17205550124")
        self.has("late", "webhook")
        self.has("clinic", "page")
        self.has("other", "page")
        self.told = self.wants_a_call("+17205550125")
        self.test = self.wants_a_call("+17205550126")
        self.never = house.resident("+17205550127").texts("my brother shouts").case().id
        case = Base.metadata.tables["case"]
        with house.parts.engine.begin() as conn:
            conn.execute(sa.update(case).where(case.c.id == self.test).values(test=True))
        self.hidden = (self.untold, self.test, self.never, "unknown")

    def wants_a_call(self, number: str) -> str:
        """The id of a hand-off with a promised call."""
        case_id = self.house.resident(number).wants_a_team(contact="1").case().id
        booked = self.house.dispatch(f"/{case_id}/callbacks", BY).get_json()
        self.callbacks[case_id] = booked["callbacks"][0]["id"]
        return str(case_id)

    def has(self, name: str, kind: str) -> None:
        """Add a destination, which receives hand-offs from now on."""
        program = self.house.parts.program
        more = (*program.destinations, Destination(name, kind, f"https://{name}.test", "X_SECRET"))
        self.house.change(program=replace(program, destinations=more))

    def state(self) -> list[Any]:
        """Everything that a request could change."""
        found = []
        for table in ("case", "callback", "delivery", "hand_off", "message", "contact"):
            found += sorted(str(tuple(row)) for row in self.house.rows(table))
        return found

    def asks(self, rule: str, method: str, body: Any, secret: str, about: str = "") -> Any:
        return self.house.client.open(
            rule.replace("<hand_off_id>", about).replace(
                "<callback_id>", self.callbacks.get(about, "unknown")
            ),
            method=method,
            json=body,
            headers={"Authorization": f"Bearer {secret}"} if secret else {},
        )


@pytest.fixture
def town(house: House) -> Town:
    return Town(house)


def refused_tokens(house: House) -> dict[str, tuple[str, int, str]]:
    """Tokens without any access, each with the status and code of its refusal."""
    revoked = house.new_token("gone", CAD)
    token = Base.metadata.tables["token"]
    with house.parts.engine.begin() as conn:
        mine = token.c.hash == token_hash(revoked)
        conn.execute(sa.update(token).where(mine).values(revoked_at=house.clock()))
    return {
        "none": ("", 401, "token_missing"),
        "unknown": ("guess", 401, "token_unknown"),
        "revoked": (revoked, 401, "token_unknown"),
        "expired": (
            house.new_token("old", "console", expires_at=house.clock()), 401, "token_expired",
        ),
        "browser": (house.new_token("clinic", "clinic"), 403, "browser_token"),
        "browser of a page that is gone": (
            house.new_token("left", "left", "browser"), 403, "browser_token",
        ),
        "no destination": (house.new_token("cad-2", None, "api", SCOPES), 403, "no_destination"),
        "destination gone": (house.new_token("x", "x", "api", SCOPES), 403, "no_destination"),
        "made for a webhook": (
            house.new_token("y", "console", "api", SCOPES), 403, "no_destination",
        ),
        "made for the console": (
            house.new_token("z", "late", "console", SCOPES), 403, "no_destination",
        ),
    }  # fmt: skip


def test_the_table_has_every_route(house: House) -> None:
    operations = {
        (method, str(rule))
        for rule in dispatch_rules(house)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if str(rule) not in PAGES | OPEN
    }

    assert operations == OPERATIONS.keys()
    assert {str(rule) for rule in dispatch_rules(house)} >= PAGES | OPEN


@pytest.mark.slow
def test_a_token_that_is_refused_opens_no_route_and_changes_nothing(town: Town) -> None:
    before = town.state()
    for kind, (secret, status, code) in refused_tokens(town.house).items():
        for (method, rule), (_, body) in OPERATIONS.items():
            for about in (town.told, "unknown"):
                town.house.forgive()
                answer = town.asks(rule, method, body, secret, about)
                assert (answer.status_code, answer.get_json()["code"]) == (status, code), (
                    f"{kind}: {method} {rule}"
                )
                assert ("WWW-Authenticate" in answer.headers) == (status == 401)
                assert not [words for words in PRIVATE if words in answer.text]
    assert town.state() == before


@pytest.mark.slow
@pytest.mark.parametrize("sees", ["late", "console"])
def test_a_token_does_what_its_scopes_say_with_what_its_destination_was_told(
    town: Town, sees: str
) -> None:
    house = town.house
    for scopes in SUBSETS:
        secret = house.new_token("partner", sees, scopes=scopes)
        hidden = town.hidden if sees == "late" else (town.never, "unknown")
        before = town.state()
        for (method, rule), (scope, body) in OPERATIONS.items():
            if scope not in scopes:
                for about in (town.told, *hidden):
                    answer = town.asks(rule, method, body, secret, about)
                    told = answer.get_json()
                    assert (answer.status_code, told["code"], told["scope"]) == (
                        403, f"needs_scope_{scope}", scope,
                    ), f"{scopes}: {method} {rule}"  # fmt: skip
            elif "<hand_off_id>" in rule:
                for about in hidden:
                    for sent in (body, {"by": ""}) if body else (None,):
                        answer = town.asks(rule, method, sent, secret, about)
                        assert answer.status_code == 404, f"{scopes}: {method} {rule}"
                        assert answer.get_json()["detail"] == "There is no such hand-off."
        assert town.state() == before
        for (method, rule), (scope, body) in OPERATIONS.items():
            if scope not in scopes:
                continue
            for about in {town.told} if sees == "late" else {town.told, town.untold, town.test}:
                answer = town.asks(rule, method, body, secret, about)
                if about == town.test and rule.startswith("/EIDO"):
                    continue  # an EIDO cannot say that it is a test
                assert answer.status_code in (200, 204, 409), f"{scopes}: {method} {rule}"
                if "read" not in scopes and "<hand_off_id>" in rule and "messages" not in rule:
                    assert answer.status_code in (204, 409), "what it may not read is not told"
                    assert not [words for words in PRIVATE if words in answer.text]
    assert not [line for line in house.rows("journal", who="partner") if line.case_id == town.never]


def test_the_list_holds_what_the_destination_was_told_of(town: Town) -> None:
    def listed(destination: str, query: str = "") -> set[str]:
        secret = town.house.new_token("partner", destination)
        told = town.asks(f"/api/v1/hand-offs?open=false{query}", "GET", None, secret).get_json()
        return {packet["hand_off_id"] for packet in told["hand_offs"]}

    assert listed("late") == {town.told}
    assert listed("late", "&test=true") == set()
    assert listed(CAD) == {town.untold, town.told}
    assert listed("console") == {town.untold, town.told}
    assert listed("console", "&test=true") == {town.test}


def test_a_poll_is_journaled_once_however_many_it_lists(town: Town) -> None:
    """A CAD that polls writes one journal entry per poll, not one per hand-off."""
    secret = town.house.new_token("poller", "console")
    for _ in range(2):
        told = town.asks("/api/v1/hand-offs?open=false", "GET", None, secret).get_json()
    ids = [packet["hand_off_id"] for packet in told["hand_offs"]]
    lines = town.house.rows("journal", who="poller", event="listed")
    assert len(ids) > 1 and len(lines) == 2
    assert lines[0].detail == {"first": ids[0], "last": ids[-1], "count": len(ids)}
    assert lines[0].case_id == ""


def signed(name: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def test_a_page_opens_to_its_own_browser_token_and_to_no_other(town: Town) -> None:
    house = town.house
    wrong = [secret for secret, *_ in refused_tokens(house).values() if secret][:3]
    wrong += [
        house.new_token("clinic", "clinic", expires_at=house.clock()),
        house.new_token("clinic", "clinic", scopes=()),
        house.new_token("clinic", "clinic", "api", SCOPES),
        house.new_token("clinic", "console"),
        house.new_token("clinic", None, "browser"),
        house.new_token("clinic", "other"),
    ]
    for secret in wrong:
        for path in ("", town.told, town.untold, "unknown"):
            house.forgive()
            answer = house.client.get(f"/hand-offs/clinic/{path}", headers=signed("clinic", secret))
            assert answer.status_code == 401
            assert not [words for words in PRIVATE if words in answer.text]
    own = signed("clinic", house.new_token("clinic", "clinic"))
    assert house.client.get("/hand-offs/clinic/", headers=own).status_code == 200
    assert house.client.get(f"/hand-offs/clinic/{town.told}", headers=own).status_code == 200
    for about in town.hidden:
        assert house.client.get(f"/hand-offs/clinic/{about}", headers=own).status_code == 404
    assert house.client.get("/hand-offs/other/", headers=own).status_code == 401


# ---- the program file takes away, and never gives ------------------------------------------------
EDITS = {
    "removed": lambda one: None,
    "renamed": lambda one: replace(one, name=f"{one.name}-2"),
    "now a console": lambda one: replace(one, kind="console"),
    "now a page": lambda one: replace(one, kind="page"),
    "now an eido": lambda one: replace(one, kind="eido", agency="team.example"),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ["late", "clinic", "console"])
def test_an_edit_of_the_program_never_widens_a_token(town: Town, name: str, edit: str) -> None:
    house = town.house
    secret = house.new_token(name, name)

    def opened() -> set[tuple[str, str]]:
        found = set()
        for about in (town.told, town.untold, town.test, town.never):
            for rule in (HAND_OFF, f"{HAND_OFF}/messages", EIDO):
                if town.asks(rule, "GET", None, secret, about).status_code == 200:
                    found.add((rule, about))
            for page in {name, f"{name}-2", "other"}:
                path = f"/hand-offs/{page}/{about}"
                if house.client.get(path, headers=signed(page, secret)).status_code == 200:
                    found.add((page, about))
        return found

    before, program = opened(), house.parts.program
    assert before
    edited = [EDITS[edit](one) if one.name == name else one for one in program.destinations]
    house.change(program=replace(program, destinations=tuple(one for one in edited if one)))
    house.forgive()

    assert opened() <= before
    if edit in ("removed", "renamed"):
        assert opened() == set()


# ---- expiry --------------------------------------------------------------------------------------
def test_a_token_works_until_the_moment_it_expires(town: Town) -> None:
    house = town.house
    ends = house.clock() + timedelta(hours=1)
    secret = house.new_token("late", "late", expires_at=ends)
    page = signed("clinic", house.new_token("clinic", "clinic", expires_at=ends))

    assert town.asks(HAND_OFF, "GET", None, secret, town.told).status_code == 200
    assert house.client.get("/hand-offs/clinic/", headers=page).status_code == 200
    house.wait(3600)
    answer = town.asks(HAND_OFF, "GET", None, secret, town.told)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "token_expired")
    told = house.client.get("/hand-offs/clinic/", headers=page)
    assert told.status_code == 401 and "expired" in told.text


# ---- converse ------------------------------------------------------------------------------------
ACTS: list[tuple[str, dict[str, Any]]] = [
    ("take-over", BY), ("notes", BY | {"words": "I am Maria. Are you safe?"}), ("pause", BY),
    ("answers", WHY | {"question": "safety", "choice": "yes"}),
    ("hand-over", BY | {"to": "Second dispatcher"}),
    ("take-over", BY | {"reason": "back"}), ("lower", WHY), ("lift-watched", WHY),
    ("minor-reviewed", BY), ("same-person", WHY),
    ("called-911", WHY | {"resident_told": "not", "why_not_told": "Nobody answers."}), ("care-note", WHY | {"words": "Ask for Ana."}),
    ("slow", WHY), ("release", BY),
]  # fmt: skip


def test_what_a_token_does_in_a_conversation_is_journaled_under_its_name(house: House) -> None:
    secret = house.new_token("night-tool", "console")
    me = house.resident().texts("i took all my pills")
    done = set()
    boss = next(rung.name for rung in house.parts.program.ladder if rung.supervisor)
    for door, told in ACTS:
        told = told | {"by": boss} if door == "slow" else told
        before = {line.id for line in house.rows("journal", case_id=me.case().id)}
        answer = house.dispatch(f"/{me.case().id}/{door}", told, token=secret)
        assert answer.status_code in (200, 409), f"{door}: {answer.text}"
        lines = house.rows("journal", case_id=me.case().id)
        assert {line.who for line in lines if line.id not in before} <= {"night-tool"}, door
        done |= {door} if answer.status_code == 200 else set()
    by_token = {line.event for line in house.rows("journal", who="night-tool")}
    assert {"read", "care_note", "slowed"} <= by_token
    assert done >= {
        "take-over",
        "notes",
        "pause",
        "lower",
        "care-note",
        "called-911",
        "slow",
        "release",
    }, done


@pytest.mark.parametrize(
    "told",
    [
        {"answer": "ask", "words": "Which door?"},
        {"answer": "accept", "minor_reviewed": True},
    ],
    ids=lambda told: str(told["answer"]),
)
def test_words_to_the_resident_and_a_minors_review_need_converse_wherever_they_are_asked_for(
    town: Town, told: dict[str, Any]
) -> None:
    secret = town.house.new_token("late", "late", scopes=("read", "act"))
    before = town.state()

    answer = town.house.dispatch(f"/{town.told}/acknowledgement", BY | told, token=secret)

    assert (answer.status_code, answer.get_json()["code"]) == (403, "needs_scope_converse")
    assert town.state() == before


def test_the_openapi_document_says_the_scope_of_each_operation(house: House) -> None:
    told = house.client.get("/api/v1/openapi.json").get_json()
    scopes = {
        (method.upper(), re.sub(r"{(\w+)}", r"<\1>", path)): operation["security"]
        for path, operations in told["paths"].items()
        for method, operation in operations.items()
        if method in ("get", "post")
    }

    assert scopes == {each: [{"bearer": [scope]}] for each, (scope, _) in OPERATIONS.items()}


# ---- failures ------------------------------------------------------------------------------------
def tries(house: House, secret: str, address: str = "192.0.2.1") -> Any:
    return house.client.get(
        "/api/v1/hand-offs",
        headers={"Authorization": f"Bearer {secret}"} if secret else {},
        environ_base={"REMOTE_ADDR": address},
    )


def signs_in(house: House, secret: str, address: str = "192.0.2.1") -> Any:
    return house.client.get(
        "/hand-offs/clinic/",
        headers=signed("clinic", secret),
        environ_base={"REMOTE_ADDR": address},
    )


@pytest.mark.parametrize("door", [tries, signs_in], ids=["api", "page"])
def test_who_fails_often_is_slowed_and_nobody_else_is(
    town: Town, door: Any, caplog: pytest.LogCaptureFixture
) -> None:
    house = town.house
    names = ("late", "late") if door is tries else ("clinic", "clinic")
    known, new = house.new_token(*names), house.new_token(*names)
    COUNTS.clear()
    assert door(house, known).status_code == 200
    with caplog.at_level(logging.WARNING):
        assert {door(house, f"guess-{each}").status_code for each in range(TOKENS.free)} == {401}
        slowed = [door(house, f"guess-{each}") for each in range(30)]

    assert {answer.status_code for answer in slowed} == {429}
    assert {answer.headers["Retry-After"] for answer in slowed} == {str(int(TOKENS.pause))}
    assert door(house, "guess", "192.0.2.2").status_code == 401, "another source is not slowed"
    assert door(house, known).status_code == 200, "who was right from there before is not held up"
    assert door(house, new).status_code == 429
    house.wait(TOKENS.pause)
    assert door(house, new).status_code == 200, "slowed, and not locked out"
    lines = [line for line in caplog.records if getattr(line, "fault", "") == "slowed_down"]
    assert len(lines) == 1 and "guess" not in caplog.text and "192.0.2" not in caplog.text
    counts = house.client.get(
        "/metrics", headers={"Authorization": f"Bearer {house.app.config['METRICS_TOKEN']}"}
    ).text
    assert re.search(r'caller_refused_total{door="[a-z_.]+",reason="slowed_down"} \d', counts)


def test_a_request_without_a_token_is_no_failure(house: House) -> None:
    """A browser always starts without one: only after a 401 does it prompt for name and token."""
    assert {tries(house, "").status_code for _ in range(3 * TOKENS.free)} == {401}
    assert tries(house, house.token).status_code == 200


def test_a_token_that_lacks_a_scope_is_no_failure(house: House) -> None:
    secret = house.new_token("few", "console", scopes=("act",))
    assert {tries(house, secret).status_code for _ in range(3 * TOKENS.free)} == {403}
    assert tries(house, "guess").status_code == 401


def test_a_clock_that_is_set_back_locks_nobody_out(house: House) -> None:
    for each in range(TOKENS.free):
        tries(house, f"guess-{each}")
    house.wait(-86_400)
    assert int(tries(house, house.token).headers["Retry-After"]) <= TOKENS.pause
    house.wait(TOKENS.pause)
    assert tries(house, house.token).status_code == 200
