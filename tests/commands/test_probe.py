"""The synthetic resident checks that the service works, and leaves nothing behind that could be
taken for a person."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace as changed
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
import requests
import sqlalchemy as sa
from caller import Caller
from click.testing import CliRunner
from conftest import ME, House, Resident
from conversation import OPEN, PROGRAM, fresh, kept
from form_page import Browser
from running import clean_environment, command, free_port, running

from caller_service.casework import synthetic_case
from caller_service.casework.receive import PROBE
from caller_service.commands import ledger_report
from caller_service.commands import main as cli
from caller_service.commands.ledger_report import period
from caller_service.config.program_file import ProgramFaults, read_program
from caller_service.core import synthetic_case as decided
from caller_service.core.case import OUTCOMES, Case, Status, move, replace
from caller_service.core.clock import next_due, tick
from caller_service.core.dispatch import Refused, update
from caller_service.core.hand_off import digest, packet
from caller_service.core.ledger import TEST, end, place, tally
from caller_service.core.marks import Mark
from caller_service.core.routing import Scene
from caller_service.documents.hand_off_schema import SCHEMA
from caller_service.proving.probe import (
    SCRIPTS,
    Fault,
    Played,
    Report,
    Target,
    Time,
    late,
    play,
    posting,
    probe,
    target_of,
)
from caller_service.proving.web_browser import Fetched
from caller_service.store.tables import visit
from caller_service.web.residents import keys

NUMBER = PROGRAM.numbers.probe
EVERY = [
    *(("text", language, kind) for language in PROGRAM.languages for kind in SCRIPTS),
    *(("voice", language, "danger") for language in PROGRAM.languages),
    *(("web", language, kind) for language in PROGRAM.languages for kind in SCRIPTS),
]
# maps body and turn number to the reply that the probe gets instead
Wrong = Callable[[str, int], tuple[int, str]]


def target(house: House, wrong: Wrong | None = None) -> Target:
    """The public endpoints of this service, without a network; `wrong` answers in their place."""
    turns = iter(range(10_000))

    def post(path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        answer = house.client.post(path, data=dict(form), headers=dict(headers))
        return wrong(answer.text, next(turns)) if wrong else (answer.status_code, answer.text)

    browser = house.app.test_client(use_cookies=False)

    def fetch(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Fetched:
        answer = browser.open(path, method=method, data=body, headers=dict(headers))
        status, text = answer.status_code, answer.text
        if wrong and status != 303:
            status, text = wrong(text, next(turns))
        cookies = tuple(answer.headers.getlist("Set-Cookie"))
        return Fetched(status, text.encode(), answer.headers.get("Location", ""), cookies)

    return Target(
        house.parts,
        post,
        "https://house.test",
        house.app.config["TWILIO_AUTH_TOKENS"][0],
        "AC" + "0" * 32,
        fetch,
        house.app.config["SECRET_KEY"],
    )


def clock_of(house: House) -> Time:
    return Time(lambda: house.clock().timestamp(), house.wait)


def probed(house: House, wrong: Wrong | None = None) -> Report:
    return probe(target(house, wrong), clock_of(house))


def left_open(house: House, *said: str) -> Resident:
    """A probe that died after these messages."""
    one = house.resident(NUMBER)
    for words in said:
        one.texts(words, sid=PROBE + secrets.token_hex(8))
    return one


def metrics(house: House) -> str:
    token = house.app.config["METRICS_TOKEN"]
    return str(house.client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).text)


# ---- decisions -----------------------------------------------------------------------------------


def a_test(status: Status = Status.HANDED_OFF) -> tuple[Case, Scene]:
    scene = Scene(PROGRAM, OPEN)
    case = replace(fresh(), test=True).marked(scene.now, Mark.OPENED, Mark.HEARD, Mark.ASKED)
    return (move(case, status, scene.now) if status != Status.SCREENING else case), scene


def test_the_mark_survives_being_kept_and_stands_in_the_packet_and_its_fingerprint() -> None:
    case, _ = a_test()
    assert kept(case).test and packet(case, PROGRAM)["test"] is True
    person = replace(case, test=False)
    assert not kept(person).test and packet(person, PROGRAM)["test"] is False
    assert digest(person) != digest(case), "whoever turns out to be a person is handed off anew"


def test_the_outcome_test_is_a_marked_cases_alone_and_no_staffs() -> None:
    case, scene = a_test()
    ended = end(case, Status.CLOSED, TEST, scene.now)
    assert (ended.status, ended.outcome, ended.unserved) == (Status.CLOSED, TEST, "")
    with pytest.raises(ValueError):
        end(replace(case, test=False), Status.CLOSED, TEST, scene.now)
    assert TEST not in OUTCOMES
    with pytest.raises(Refused):
        update(case, Status.CLOSED, "Sam", TEST, scene)
    assert place("closed", TEST, "") is not None
    assert tally([("closed", TEST, "", 3)]).cases == 0


def test_a_test_case_has_one_clock_and_asks_nobody() -> None:
    for status in (Status.SCREENING, Status.OPEN, Status.HANDED_OFF):
        case, scene = a_test(status)
        danger = replace(case, because=("health.yes",)).marked(
            scene.now, Mark.PAGED, Mark.FIRST_PAGED
        )
        due = next_due(danger, PROGRAM)
        assert due == scene.now + timedelta(seconds=PROGRAM.clocks.abandon)
        step = tick(danger, Scene(PROGRAM, due))
        assert step.case.outcome == TEST and next_due(step.case, PROGRAM) is None
        assert tick(danger, Scene(PROGRAM, due - timedelta(seconds=1))).effects == ()


def test_over_and_withdraw_leave_a_persons_request_alone() -> None:
    case, scene = a_test()
    person = replace(case, test=False, answers={"who": "me"})
    assert decided.over(person, scene).case == person
    assert (
        decided.withdraw(person, scene).case == person
        and decided.withdraw(case, scene).case == case
    )
    assert decided.withdraw(replace(person, answers={}), scene).case.outcome == "no_request"


def test_the_number_of_the_probe_is_nobodys(tmp_path: Path) -> None:
    rehearsal = Path(cli.__file__).parents[1] / "programs" / "rehearsal" / "program.toml"
    text = rehearsal.read_text().replace(
        "../../protocols", str(rehearsal.parent.parent.parent / "protocols")
    )
    for name in ("areas.geojson", "places.csv"):
        (tmp_path / name).write_bytes((rehearsal.parent / name).read_bytes())
    told = tmp_path / "program.toml"
    told.write_text(text)
    assert read_program(told).numbers.probe == NUMBER
    told.write_text(re.sub(r"(?m)^probe = .*\n", "", text))
    assert read_program(told).numbers.probe == ""
    for number in ("+17205550100", "+17205550130", "+17205550110", "911"):
        told.write_text(text.replace(f'probe = "{NUMBER}"', f'probe = "{number}"'))
        with pytest.raises(ProgramFaults, match=r"numbers\.probe"):
            read_program(told)


def test_the_table_is_calm_and_names_what_failed() -> None:
    quiet = Played("text", "en", "quiet", turns=[0.02, 0.04], seconds=9, queued=0.02)
    danger = Played("text", "en", "danger", turns=[0.02], seconds=2, queued=0.1, paged=1.2)
    failed = Played("text", "es", "quiet", "wrong_language", turns=[0.02, 0.02])
    report = Report("A city", OPEN, (quiet, danger, failed))
    said = "\n".join(report.lines())
    assert (
        not report.well
        and "text es quiet, turn 2: wrong_language (answered in another language)" in said
    )
    assert late(danger) == ("paged",) and "paged late" in said and "All well" not in said
    assert "All well." in list(Report("A city", OPEN, (quiet, danger)).lines())
    plain = json.loads(json.dumps(report.plain()))
    assert [one["well"] for one in plain["conversations"]] == [True, True, False] and plain[
        "conversations"
    ][1]["late"] == ["paged"]


# ---- the service ---------------------------------------------------------------------------------


def test_every_channel_and_language_is_played_to_the_dispatch_queue(house: House) -> None:
    report = probed(house)
    assert report.well, list(report.lines())
    assert [(one.channel, one.language, one.conversation) for one in report.played] == EVERY
    for one in report.played:
        assert one.queued is not None and one.turns and one.seconds >= 0
        assert (one.paged is not None) == (one.conversation == "danger")
    cases = house.rows("case")
    assert len(cases) == len(EVERY) and all(case.test for case in cases)
    assert {(case.status, case.outcome, case.closed_at is None) for case in cases} == {
        ("closed", TEST, False)
    }
    assert {case.language for case in cases} == set(PROGRAM.languages)
    assert {row.level for row in cases} >= {"R1"} and {row.response for row in cases} >= {"team"}


def test_nothing_of_it_leaves_the_house_and_nobody_is_asked(house: House) -> None:
    probed(house)
    assert house.jobs() == []
    house.wait(120)
    left_open(house, "help he took all the pills", "1")
    house.wait(3600)
    house.sweeps().settles()
    assert house.posted == [] and house.sent == []
    assert {row.destination for row in house.rows("delivery")} == {"console"}
    assert {row.state for row in house.rows("delivery")} == {"received"}
    pages = house.rows("page")
    assert pages and all(page.held for page in pages) and {page.rung for page in pages} <= {0, 1}
    assert {row.state for row in house.rows("message", direction="out")} <= {
        "replied",
        "held",
        "read",
    }
    assert not [row for row in house.rows("message") if row.person]


def test_even_a_dispatcher_who_works_on_it_texts_nobody(house: House) -> None:
    one = left_open(house, "help he took all the pills", "1", "1")
    case_id = one.case().id
    assert (
        house.dispatch(
            f"/{case_id}/acknowledgement", {"answer": "accept", "by": "Sam", "in_minutes": 20}
        ).status_code
        == 200
    )
    house.dispatch(f"/{case_id}/status", {"status": "en_route", "by": "Sam"})
    house.dispatch(f"/{case_id}/notes", {"by": "Sam", "words": "On our way."})
    house.settles()
    assert house.sent == [] and house.posted == []
    assert "held" in {row.state for row in house.rows("message", direction="out")}


def test_it_is_in_no_count_and_listed_only_when_asked_for(house: House) -> None:
    before = metrics(house)
    probed(house)
    left = left_open(house, "help he took all the pills")
    with house.parts.engine.connect() as conn:
        told = ledger_report.read(conn, "x", period(None, None, "UTC")[0]).tally
    assert (told.cases, told.difference) == (0, 0)
    after = metrics(house)
    counts = [line for line in after.splitlines() if not re.search("probe|late", line)]
    assert counts == [line for line in before.splitlines() if "late" not in line]

    me = house.resident(ME).wants_a_team()
    listed = house.dispatch("?open=false", method="GET").get_json()["hand_offs"]
    assert [one["hand_off_id"] for one in listed] == [me.case().id] and listed[0]["test"] is False
    tests = house.dispatch("?test=true&open=false", method="GET").get_json()["hand_offs"]
    assert len(tests) == len(EVERY) + 1 and all(one["test"] is True for one in tests)
    assert [
        one["hand_off_id"]
        for one in house.dispatch("?test=true", method="GET").get_json()["hand_offs"]
    ] == [left.case().id]
    for one in (*listed, *tests):
        jsonschema.validate(one, SCHEMA)
    one = house.client.get(
        f"/EIDO/{left.case().id}", headers={"Authorization": f"Bearer {house.token}"}
    )
    assert one.status_code == 404, "an EIDO cannot say that it is a test"
    with house.parts.engine.connect() as conn:
        assert ledger_report.read(conn, "x", period(None, None, "UTC")[0]).tally.cases == 1


def test_metrics_show_the_last_result_behind_their_token(house: House) -> None:
    assert "caller_probe" not in metrics(house)
    probed(house)
    house.wait(90)
    said = metrics(house)
    for language in PROGRAM.languages:
        for kind in SCRIPTS:
            labels = f'{{channel="text",conversation="{kind}",language="{language}"}}'
            assert f"caller_probe_success{labels} 1.0\n" in said
            assert re.search(rf"caller_probe_seconds{re.escape(labels)} \d", said)
            assert float(
                re.search(rf"caller_probe_age_seconds{re.escape(labels)} ([\d.]+)", said)[1]
            ) == pytest.approx(90, abs=1)  # type: ignore[index]
    assert said.count("\ncaller_probe_paged_seconds{") == len(PROGRAM.languages) * 3
    assert house.client.get("/metrics").status_code == 401
    probed(house, lambda body, turn: (500, ""))
    assert "caller_probe_success" in metrics(house) and '"} 1.0\n' not in "".join(
        re.findall(r"caller_probe_success\S+ \S+\n", metrics(house))
    )


# ---- who is a test, and who is not ---------------------------------------------------------------


def test_another_number_with_the_same_words_and_ids_is_a_person(house: House) -> None:
    one = house.resident(ME)
    for words in ("english", "1", "1"):
        one.texts(words, sid=PROBE + secrets.token_hex(8))
    assert not one.case().test and one.case().level == "R1"
    assert {row.destination for row in house.rows("delivery")} > {"console"}
    house.settles()
    assert house.posted and house.sent and not any(page.held for page in house.rows("page"))


def test_without_a_number_set_aside_nobody_is_a_test(house: House) -> None:
    house.change(
        program=changed(house.parts.program, numbers=changed(house.parts.program.numbers, probe=""))
    )
    assert not left_open(house, "hi").case().test
    house.client.post("/twilio/sms", data={"MessageSid": PROBE + "1", "From": "", "Body": "hi"})
    assert [row for row in house.rows("case") if row.test] == []


def test_a_text_the_provider_brings_from_that_number_is_a_person(house: House) -> None:
    """A wrong number in program.toml must silence nobody."""
    assert not house.resident(NUMBER).texts("help").case().test


def test_a_person_who_writes_into_a_test_case_is_a_person_from_then_on(house: House) -> None:
    one = left_open(house, "help he took all the pills")
    assert one.case().test
    one.texts("0")
    assert not one.case().test
    house.settles()
    assert [packet["test"] for packet, _ in house.posted] == [False]
    house.wait(120)
    house.sweeps().settles()
    assert house.sent, "the next on the ladder is asked"


def test_a_residents_request_on_that_number_is_left_alone(house: House) -> None:
    person = house.resident(NUMBER).texts("my brother is seeing things and shouting")
    before = person.case()
    report = probed(house)
    with_number = [one for one in report.played if one.channel != "web"]
    assert {one.fault for one in with_number} == {"in_use"} and not any(
        one.turns for one in with_number
    )
    assert person.case() == before


def test_a_service_that_knows_no_probe_is_found_out_at_the_first_turn(house: House) -> None:
    whole = target(house)
    house.change(
        program=changed(house.parts.program, numbers=changed(house.parts.program.numbers, probe=""))
    )
    played = play(whole, "text", "es", "danger", clock_of(house))
    assert played.fault == "not_marked" and len(played.turns) == 1
    row = house.rows("case")[0]
    assert (row.test, row.status, row.outcome) == (False, "closed", "no_request"), (
        "nobody is left with a request that nobody made"
    )
    house.settles()
    assert house.posted == [] and house.sent == []


# ---- what it finds -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "fault", "spoken", "shown"),
    [
        (lambda body, turn: (503, body), "http_503", "http_503", "http_503"),
        (lambda body, turn: (200, "<Response>"), "not_twiml", "not_twiml", "not_a_page"),
        (lambda body, turn: (200, "<Response/>"), "wrong_question", "wrong_question",
         "not_a_page"),
        (lambda body, turn: (200, re.sub(r"<Body>", "<Body>And: ", body)), "wrong_words", "", ""),
        (lambda body, turn: (200, re.sub(r"(<Say[^>]*>)", r"\1And: ", body)), "",
         "wrong_question", ""),
        (lambda body, turn: (200, re.sub(r' voice="[^"]*"', "", body)), "", "bad_document", ""),
        (lambda body, turn: (200, body.replace("<h1>", "<h1>And: ")), "", "", "wrong_question"),
        (lambda body, turn: (200, re.sub(r'(<button class="answer[^>]*>)', r"\1And: ", body)),
         "", "", "wrong_words"),
    ],
    ids=["refused", "broken", "empty", "other words", "other words on a call", "no voice",
         "another heading", "other answers"],
)  # fmt: skip
def test_a_wrong_answer_fails_by_name(
    house: House, wrong: Wrong, fault: str, spoken: str, shown: str
) -> None:
    report = probed(house, wrong)
    expected = {"text": {fault}, "voice": {spoken}, "web": {shown}}
    for channel, faults in expected.items():
        assert {one.fault for one in report.played if one.channel == channel} == faults
    assert not report.well
    assert [row for row in house.rows("case") if row.closed_at is None] == []
    assert {row.fault for row in house.rows("probe_result")} == {
        fault,
        spoken,
        shown,
    }


def test_an_answer_in_another_language_fails_in_that_language_only(house: House) -> None:
    english = changed(
        house.parts.catalog,
        words={**house.parts.catalog.words, "es": house.parts.catalog.words["en"]},
    )
    whole = target(house)
    house.change(catalog=english)
    report = probe(whole, clock_of(house))
    assert {(one.language, one.fault) for one in report.played} == {
        ("en", ""),
        ("es", "wrong_language"),
    }


def test_the_words_for_when_we_are_down_are_known(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("caller_service.web.sms.inbound.handle_inbound", lambda parts, turn: None)
    monkeypatch.setattr("caller_service.casework.resident_call.begin", away)
    monkeypatch.setattr("caller_service.casework.resident_page.begin", away)
    assert {one.fault for one in probed(house).played} == {"fallback"}


def test_a_slow_turn_and_a_missing_hand_off_or_page_fail(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(body: str, turn: int) -> tuple[int, str]:
        house.wait(4)
        return 200, body

    assert {one.fault for one in probed(house, slow).played} == {"slow"}
    monkeypatch.setattr(synthetic_case, "queued", lambda parts, case_id: False)
    assert [one.fault for one in probed(house).played] == ["no_hand_off"] * len(EVERY)
    monkeypatch.setattr(synthetic_case, "paged", lambda parts, case_id: False)
    assert [one.fault for one in probed(house).played if one.conversation == "danger"] == [
        "no_page"
    ] * (len(PROGRAM.languages) * 3)
    assert [row for row in house.rows("case") if row.closed_at is None] == []


def test_only_a_post_signed_with_the_secret_key_makes_a_test_of_a_request(house: House) -> None:
    """The signature is valid only for the screen it was made for."""
    me = Browser(house).goes("/request")
    button = next(each for each in me.page.buttons if each.value == "me")
    signs = (
        "1", "true", NUMBER, keys.probe_sign("", house.app.config["SECRET_KEY"]),
        keys.probe_sign(button.fields["at"], "another key"),
    )  # fmt: skip
    for sign in signs:
        one = Browser(house, headers={keys.PROBE: sign}).goes("/request").presses("me")
        assert not one.case().test
    stolen = keys.probe_sign(button.fields["at"], house.app.config["SECRET_KEY"])
    assert (
        not Browser(house, headers={keys.PROBE: stolen}).goes("/request").presses("me").case().test
    )
    me.headers[keys.PROBE] = stolen
    assert me.presses("me").case().test


def test_whoever_goes_on_in_a_test_request_is_a_person_from_then_on(house: House) -> None:
    me = Browser(house).goes("/request")
    button = next(each for each in me.page.buttons if each.value == "me")
    me.headers[keys.PROBE] = keys.probe_sign(button.fields["at"], house.app.config["SECRET_KEY"])
    assert me.presses("me").case().test
    assert not me.presses("yes").case().test
    house.settles()
    assert house.posted and {packet["test"] for packet, _ in house.posted} == {False}


def test_a_service_with_another_key_is_found_out_before_anything_is_posted(house: House) -> None:
    other = changed(target(house), secret_key="another key")
    played = play(other, "web", "en", "danger", clock_of(house))
    assert (played.fault, len(played.turns)) == ("not_marked", 1) and house.rows("case") == []


def test_a_request_that_the_service_does_not_mark_is_withdrawn(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older release does not know the signature: no request may be left that nobody made."""
    monkeypatch.setattr(keys, "from_probe", lambda: False)
    played = play(target(house), "web", "en", "quiet", clock_of(house))
    assert (played.fault, len(played.turns)) == ("not_marked", 2)
    (row,) = house.rows("case")
    assert (row.test, row.status, row.outcome) == (False, "closed", "no_request")
    house.settles()
    assert house.posted == [] and house.sent == []


def test_the_keys_of_the_probe_s_pages_are_spent(house: House) -> None:
    assert probed(house).well
    with house.parts.engine.connect() as conn:
        left = conn.execute(sa.select(visit.c.ended_at)).scalars().all()
    assert len(left) == len(PROGRAM.languages) * 2 and all(left)


def test_a_probe_s_call_rings_nobody_and_leaves_no_open_call(house: House) -> None:
    assert probed(house).well
    house.sweeps().settles()
    assert (house.rung, house.sent, house.posted) == ([], [], [])
    legs = house.rows("leg")
    assert len(legs) == sum(channel == "voice" for channel, _, _ in EVERY)
    assert all(leg.ended_at is not None for leg in legs)
    assert {row.outcome for row in house.rows("case")} == {TEST}


def test_a_call_from_the_reserved_number_that_twilio_carries_is_a_person(house: House) -> None:
    """Only an id that Twilio never uses marks a call as a test."""
    me = Caller(house, NUMBER).rings().presses("1").presses("1")
    house.settles()
    assert not me.case().test
    assert house.rung


def test_what_a_probe_that_died_left_is_closed_by_the_next(house: House) -> None:
    left = left_open(house, "my brother is seeing things", "3")
    case_id = left.case().id
    assert probed(house).well
    row = house.rows("case", id=case_id)[0]
    assert (row.status, row.outcome) == ("closed", TEST)


def test_and_by_the_sweep_when_no_other_comes(house: House) -> None:
    left = left_open(house, "help he took all the pills")
    house.wait(house.parts.program.clocks.abandon + 1)
    house.sweeps()
    row = left.case()
    assert (row.status, row.outcome, row.due_at) == ("closed", TEST, None)
    house.settles()
    assert house.posted == [] and house.sent == []


def test_nobody_is_on_the_way_and_a_person_beside_it_is_served_as_ever(house: House) -> None:
    left_open(house, "help he took all the pills")
    house.resident(ME).texts("help he took all the pills")
    house.settles()
    assert [packet["contact"]["number_condition"] for packet, _ in house.posted] == [
        "emergency_services_only"
    ]
    assert {page.held for page in house.rows("page")} == {True, False}
    assert house.sent


# ---- the command ---------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    for name in ("CALLER_PROGRAM", "CALLER_DATABASE_URL", "CALLER_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path


def test_without_a_number_it_says_so_and_exits_with_2(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = changed(PROGRAM, numbers=changed(PROGRAM.numbers, probe=""))
    monkeypatch.setattr("caller_service.app.read_program", lambda path: city)
    ended = CliRunner().invoke(cli.main, ["probe"])
    assert ended.exit_code == 2 and "sets no number aside" in ended.stderr and ended.stdout == ""
    assert CliRunner().invoke(cli.main, ["probe", "--url", "ftp://x"]).exit_code == 2


def test_nobody_at_the_door_is_exit_code_1(folder: Path) -> None:
    assert command(folder, "migrate").returncode == 0
    ended = command(folder, "probe", "--url", f"http://127.0.0.1:{free_port()}")
    assert ended.returncode == 1 and "no_answer" in ended.stdout and ended.stderr == ""
    assert NUMBER not in ended.stdout
    with pytest.raises(Fault, match="no_answer"):
        posting(f"http://127.0.0.1:{free_port()}")("/twilio/sms", {}, {})


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_against_the_service_as_it_runs(kind: str, tmp_path: Path) -> None:
    with running(kind, tmp_path) as house:
        ended = command(
            tmp_path, "probe", "--json", environment=clean_environment() | house.environment
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr + house.logs()[-2000:]
        told = json.loads(ended.stdout)
        assert told["well"] and [one["fault"] for one in told["conversations"]] == [""] * len(EVERY)
        assert all(one["queued"] < 10 and max(one["turns"]) < 3 for one in told["conversations"])
        assert (
            house.exchange.texts() == []
            and house.rows("SELECT id FROM message WHERE state IN ('waiting', 'trying', 'queued')")
            == []
        )
        assert house.rows("SELECT DISTINCT destination FROM delivery") == [("console",)]
        said = requests.get(
            f"{house.url}/metrics",
            headers={"Authorization": f"Bearer {house.settings.metrics_token}"},
            timeout=5,
        ).text
        assert (
            said.count("\ncaller_probe_success{") == len(EVERY) + 1 and NUMBER not in house.logs()
        )
        assert target_of(house.settings, None, "http://else.test/").public_url == house.url  # type: ignore[arg-type]
