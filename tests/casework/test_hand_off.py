"""Hand-offs, texts out, the sweep and the API: nothing lost, nothing doubled, every refusal
clear."""

from __future__ import annotations

import re
import secrets
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import requests
import sqlalchemy as sa
from at_once import at_once, worker_running
from conftest import CAD
from prometheus_client.parser import text_string_to_metric_families
from running import until
from standardwebhooks.webhooks import Webhook

from caller_service.casework import timers
from caller_service.casework.outbound.deliver import PAUSES, deliver, replay
from caller_service.casework.outbound.send_text import send_text
from caller_service.core.program import Destination
from caller_service.documents.hand_off_schema import SCHEMA
from caller_service.gateway.webhooks import DeliveryFailed
from caller_service.jobs import worker
from caller_service.jobs.queue import purge

if TYPE_CHECKING:
    from conftest import House

ME = "+17205550123"


def test_every_packet_sent_is_valid_by_the_schema_we_serve(house: House) -> None:
    house.resident("+17205550111").wants_a_team()
    house.resident("+17205550112").texts("he has a gun", "3", "1", "somewhere")
    house.resident("+17205550113").texts("hola", "1", "no sé", "6", "no sé").texts(
        "estado", "peor", "cerrar"
    )
    quiet = house.resident("+17205550114").texts("hi")
    house.wait(1000)
    house.sweeps().settles()

    served = house.client.get("/api/v1/hand_off.v1.schema.json").get_json()
    assert served == SCHEMA
    assert len(house.posted) >= 6
    for packet, _ in house.posted:
        jsonschema.validate(packet, served)
    assert quiet.case().id in {packet["hand_off_id"] for packet, _ in house.posted}


def test_the_signature_is_a_standard_webhook(house: House) -> None:
    house.resident().wants_a_team()
    secret = house.parts.webhooks.secrets["rehearsal-cad"]
    taken: list[Any] = []
    house.outside.add_callback(
        "POST",
        "http://127.0.0.1:8020/hand-offs",
        lambda request: (taken.append(request), (202, {}, ""))[1],
    )
    house.clock.at = datetime.now(UTC)
    deliver(house.parts, house.rows("delivery", destination="rehearsal-cad")[0].id)

    assert Webhook(secret).verify(taken[0].body, dict(taken[0].headers))["type"] == "hand_off.v1"


@pytest.mark.parametrize("answer", [500, 404, 302])
def test_a_destination_that_refuses_is_tried_again_with_the_same_id(
    house: House, answer: int
) -> None:
    house.resident().wants_a_team()

    house.works(cad=answer)
    row = house.rows("delivery", destination="rehearsal-cad")[0]
    assert (row.state, row.tries, row.error) == ("waiting", 1, f"http {answer}")

    house.wait(2)
    house.sweeps().settles()
    assert house.rows("delivery", destination="rehearsal-cad")[0].state == "received"
    assert house.posted[0][1]["webhook-id"].endswith(".1")


@pytest.mark.parametrize(
    "problem", [requests.ConnectTimeout(), requests.ReadTimeout(), requests.ConnectionError()]
)
def test_a_destination_that_is_slow_or_away_is_tried_again(
    house: House, problem: Exception
) -> None:
    house.resident().wants_a_team()
    house.outside.add("POST", "http://127.0.0.1:8020/hand-offs", body=problem)
    deliver(house.parts, house.rows("delivery", destination="rehearsal-cad")[0].id)

    assert house.rows("delivery", destination="rehearsal-cad")[0].error in (
        "timeout",
        "unreachable",
    )


@pytest.mark.parametrize(
    ("asked", "after"),
    [
        ("120", 120),
        ("Mon, 23 Nov 2026 19:03:00 GMT", 80),
        ("99999999", 3600),
        ("soon", 1),
        ("-5", 1),
    ],
)
def test_a_destination_that_asks_to_be_left_alone_is(house: House, asked: str, after: int) -> None:
    house.resident().wants_a_team()
    house.works()
    delivery = house.rows("delivery", destination="rehearsal-cad")[0]
    assert delivery.state == "received"
    me = house.resident("+17205550144").texts("0")
    house.outside.reset()
    house.outside.add("POST", CAD, status=429, headers={"Retry-After": asked})
    house.outside.assert_all_requests_are_fired = False
    waiting = [
        row
        for row in house.rows("delivery", case_id=me.case().id, destination="rehearsal-cad")
        if row.state == "waiting"
    ]
    now = house.clock()
    deliver(house.parts, waiting[0].id)

    again = house.rows("delivery", id=waiting[0].id)[0].next_at
    assert after - 30 <= (again - now).total_seconds() <= after + 2


def test_an_answer_without_end_fills_no_memory(house: House) -> None:
    poster = house.parts.webhooks
    house.outside.add("GET", re.compile(re.escape(CAD) + "/.*"), body=b"[" + b"1," * 4_000_000)
    with pytest.raises(DeliveryFailed, match="without end"):
        poster.has("rehearsal-cad", "x", 1, house.clock())


def test_a_200_with_garbage_is_a_receipt_and_not_an_acknowledgement(house: House) -> None:
    me = house.resident().wants_a_team()

    house.works(cad=200)

    assert house.rows("delivery", destination="rehearsal-cad")[0].state == "received"
    assert me.case().status == "handed_off"


def test_revisions_arrive_in_order_even_when_the_first_is_late(house: House) -> None:
    me = house.resident().wants_a_team()
    house.works(cad=500)
    me.texts("he is calmer now").texts("we are by the door")

    house.works()
    assert house.posted == [], "the first is still on its way"
    house.wait(3)
    house.sweeps().settles()

    assert [packet["revision"] for packet, _ in house.posted] == [1, 2, 3]


def test_after_its_tries_a_delivery_is_dead_and_can_be_replayed(house: House) -> None:
    house.resident().wants_a_team()
    for pause in (0, *PAUSES):
        house.wait(pause + 60)
        house.sweeps().works(cad=500)
    row = house.rows("delivery", destination="rehearsal-cad")[0]
    assert row.state == "dead"
    assert [line.event for line in house.rows("journal") if line.event == "delivery_dead"]

    assert replay(house.parts, row.id)
    assert not replay(house.parts, row.id), "once"
    house.sweeps().settles()
    assert house.rows("delivery", destination="rehearsal-cad")[0].state == "received"


def test_a_lost_job_is_found_again_by_the_sweep(house: House) -> None:
    house.resident().wants_a_team()
    prefix = "" if house.parts.engine.dialect.name == "sqlite" else "dbos."
    with house.parts.engine.begin() as conn:
        conn.execute(sa.text(f"DELETE FROM {prefix}workflow_status"))
    house.wait(61)

    house.sweeps().settles()

    assert len(house.posted) == 1


def test_twilio_busy_is_tried_later_and_the_text_arrives_once(house: House) -> None:
    me = house.resident().wants_a_team()
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})

    house.works(twilio=429)
    house.wait(2)
    house.sweeps().works(twilio=500)
    house.wait(3)
    house.sweeps().settles()

    assert len(house.texts_to(ME)) == 1


def test_a_text_whose_fate_is_unknown_is_looked_up_before_it_is_sent_again(house: House) -> None:
    me = house.resident().wants_a_team()
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    text = next(row for row in house.rows("message", state="waiting"))
    house.outside.reset()
    house.outside.add(
        "POST",
        "https://twilio.test/2010-04-01/Accounts/"
        + house.parts.telephony._client.account_sid
        + "/Messages.json",
        body=requests.ReadTimeout(),
    )
    send_text(house.parts, text.id)
    assert house.rows("message", id=text.id)[0].state == "trying"

    words = house.parts.sealer.open(text.sealed_words, f"message.words.{text.id}")
    house.outside.reset()
    house.outside.add(
        "GET",
        re.compile("https://twilio.test/.*"),
        json={
            "messages": [
                {"sid": "SMother0", "to": "+17205550199", "body": words},
                {"sid": "SMfound0", "to": me.number, "body": words},
            ],
            "next_page_uri": None,
        },
    )
    house.wait(1)
    house.sweeps()
    send_text(house.parts, text.id)

    row = house.rows("message", id=text.id)[0]
    assert (row.state, row.provider_id) == ("queued", "SMfound0")


@pytest.mark.parametrize(("status", "why"), [(400, "blocked"), (404, "landline")])
def test_a_number_that_cannot_be_texted_closes_nothing_and_dispatch_hears(
    house: House, status: int, why: str
) -> None:
    me = house.resident().wants_a_team()
    house.settles()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})

    house.works(twilio=status).settles()

    assert me.case().status == "accepted"
    assert house.posted[-1][0]["contact"]["cannot_text"] == why
    assert house.posted[-1][0]["contact"]["text"] is False


def test_finished_jobs_are_purged_and_waiting_ones_stay(house: House) -> None:
    house.resident("+17205550111").wants_a_team()
    house.settles()
    house.resident("+17205550112").wants_a_team()

    assert purge(house.parts.engine, keep=-3600, batch=1) == 1
    assert len(house.jobs()) == 1
    assert len(house.settles().posted) == 2


# ---- one destination is down, the others are not -------------------------------------------------
@pytest.fixture
def partnered(house: House) -> House:
    """A program with two more webhooks."""
    program = house.parts.program
    partners = (
        Destination(name, "webhook", f"{CAD}/{name}", "REHEARSAL_CAD_SECRET")
        for name in ("clinic", "partner")
    )
    house.change(program=replace(program, destinations=(*program.destinations, *partners)))
    return house


def under_way(house: House) -> dict[str, int]:
    """How many jobs are waiting for each destination."""
    whose = {row.id: row.destination for row in house.rows("delivery")}
    return dict(Counter(whose[reference] for _, job, reference in house.jobs() if job == "deliver"))


def test_what_a_destination_does_not_take_waits_once_and_in_no_others_place(
    partnered: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = partnered
    monkeypatch.setattr(timers, "QUEUE_LIMIT", 2)
    for last in range(3):
        house.resident(f"+1720555011{last}").wants_a_team()
    assert under_way(house) == {"rehearsal-cad": 3, "clinic": 3, "partner": 3}, (
        "a first try is never put off"
    )
    prefix = "" if house.parts.engine.dialect.name == "sqlite" else "dbos."
    with house.parts.engine.begin() as conn:
        conn.execute(sa.text(f"DELETE FROM {prefix}workflow_status"))

    for _ in range(4):  # no worker runs: what is waiting is not doubled
        house.wait(61)
        house.sweeps()
        assert under_way(house) == {"rehearsal-cad": 2, "clinic": 2, "partner": 2}


class Hangs:
    """Destinations that do not answer until released; `held`: how many posts to each."""

    def __init__(self) -> None:
        self.let_go, self.held, self._counting = threading.Event(), Counter[str](), threading.Lock()

    def post(self, destination: str, *_: Any) -> None:
        with self._counting:
            self.held[destination] += 1
        self.let_go.wait()


class Line:
    """A telephony stand-in that accepts every text."""

    def text(self, *_: Any) -> str:
        return "SM" + secrets.token_hex(16)

    def heard(self, *_: Any) -> list[Any]:
        return []


def test_a_page_leaves_though_every_destination_hangs(
    partnered: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, poster = partnered, Hangs()
    for pause in ("SWEEP", "POLL", "POLL_HAND_OFFS", "FINISH"):
        monkeypatch.setattr(worker, pause, 0.05)
    monkeypatch.setattr(worker, "CONCURRENCY", 3)
    for last in range(worker.CONCURRENCY + 1):
        house.resident(f"+1720555011{last}").wants_a_team()
    names = {row.destination for row in house.rows("delivery") if row.state == "waiting"}
    assert len(names) == 3
    working = replace(house.parts, webhooks=poster, telephony=Line())  # type: ignore[arg-type]
    with worker_running(working):
        try:
            # Perhaps more: the engine counts a claimed job only once it runs.
            until(
                lambda: all(poster.held[name] >= worker.CONCURRENCY for name in names),
                "each destination holds as many as are tried at once",
            )
            case_id = (
                house.resident("+17205550119").texts("my sister took too many pills").case().id
            )

            def pages() -> set[str]:
                return {row.state for row in house.rows("message", case_id=case_id) if row.person}

            until(lambda: pages() == {"queued"}, "who is paged is written to")
        finally:
            poster.let_go.set()


# ---- clocks --------------------------------------------------------------------------------------


def test_nobody_answers_a_page_next_rung_then_the_truth(house: House) -> None:
    me = house.resident().texts("0", "2", "1", "Main St and 3rd Ave")
    for _ in range(4):
        house.wait(61)
        house.sweeps().settles()

    assert [row.rung for row in sorted(house.rows("page"), key=lambda row: row.at)][:3] == [0, 1, 2]
    assert len({(row.rung, row.person) for row in house.rows("page")}) == len(house.rows("page"))
    assert house.words("truth.nobody_yet") in house.texts_to(ME)
    assert me.case().status == "handed_off"


def test_an_hour_without_a_worker_gives_one_decision_and_no_burst(house: House) -> None:
    house.resident().texts("0", "2", "1", "Main St and 3rd Ave")
    pages = len(house.rows("page"))

    house.wait(3600)
    house.sweeps().sweeps().sweeps().settles()

    assert {row.rung for row in house.rows("page")} == {0, 1}
    assert len(house.rows("page")) <= pages + 3, "the next person, the supervisor and the backstop"
    assert (
        1 == house.texts_to(ME).count(house.words("truth.backstop")) == len(house.texts_to(ME))
    ), "one truth, not a burst"


def test_two_sweeps_at_once_ring_a_clock_once(house: House) -> None:
    house.resident().texts("0", "2", "1", "Main St and 3rd Ave")
    house.settles()
    house.wait(61)
    assert at_once(*[house.sweeps] * 4) == [house] * 4

    assert 1 == sum(
        line.event == "paged" and line.detail["rung"] == 1 for line in house.rows("journal")
    )


def test_a_late_team_is_prompted_the_resident_told_and_the_supervisor_paged(house: House) -> None:
    me = house.resident().wants_a_team()
    house.dispatch(
        f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria", "in_minutes": 20}
    )
    for minutes in (21, 5, 5):
        house.wait(minutes * 60)
        house.sweeps().settles()

    assert house.texts_to(ME)[1] == house.words("status.late")
    assert {(row.ladder, row.person) for row in house.rows("page")} == {
        ("team", "Team desk"),
        ("team", "Shift supervisor"),
    }
    assert me.case().status == "accepted"


def test_a_destination_of_any_name_breaks_no_scrape(house: House) -> None:
    odd = Destination('say "hi"\\n{back}', "webhook", f"{CAD}/odd", "REHEARSAL_CAD_SECRET")
    program = house.parts.program
    house.change(program=replace(program, destinations=(*program.destinations, odd)))
    house.resident().texts("0")

    answer = house.client.get(
        "/metrics", headers={"Authorization": f"Bearer {house.app.config['METRICS_TOKEN']}"}
    )
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}

    assert odd.name in {
        sample.labels["destination"] for sample in families["caller_deliveries"].samples
    }


# ---- the API -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("[" * 30_000 + "]" * 30_000, 400),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, 400),
        ('{"by": "M", "words": ' + "9" * 6000 + "}", 400),
        ('{"by": "M", "words": "half a ', 400),
        (b'{"by": "M", "words": "\xff\xfe"}', 400),
        ('{"by": "M", "words": "hi \\ud800 there"}', 422),
        ('{"by": "M", "words": "a\\u0000b"}', 422),
        ('{"by": "M", "words": NaN}', 400),
        ("[]", 422),
        ('{"by": "M", "words": "' + "x" * 70_000 + '"}', 413),
    ],
)
def test_a_body_that_cannot_be_read_is_the_clients_fault_by_name(
    house: House, body: str | bytes, status: int
) -> None:
    me = house.resident().texts("0")
    headers = {"Authorization": f"Bearer {house.token}", "Content-Type": "application/json"}

    answer = house.client.post(
        f"/api/v1/hand-offs/{me.case().id}/notes", data=body, headers=headers
    )

    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert house.settles().texts_to(ME) == []


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (20, "20 to 30 minutes"),
        (119, "115 to 180 minutes"),
        (240, "4 to 6 hours"),
        (720, "12 to 18 hours"),
    ],
)
def test_a_long_wait_is_told_in_hours(house: House, minutes: int, words: str) -> None:
    me = house.resident().wants_a_team()
    house.dispatch(
        f"/{me.case().id}/acknowledgement",
        {"answer": "accept", "by": "Maria", "in_minutes": minutes},
    )

    assert any(words in text for text in house.settles().texts_to(ME))
    assert (
        house.dispatch(
            f"/{me.case().id}/acknowledgement",
            {"answer": "accept", "by": "Maria", "in_minutes": 721},
        ).status_code
        == 422
    )


def test_the_api_lists_gets_and_shows_the_conversation(house: House) -> None:
    me = house.resident().wants_a_team()

    listed = house.dispatch("", method="GET").get_json()
    assert [me.case().id] == [packet["hand_off_id"] for packet in listed["hand_offs"]]
    assert (
        house.dispatch(f"/{me.case().id}", method="GET").get_json()["reference"]
        == me.case().reference
    )
    told = house.dispatch(f"/{me.case().id}/messages", method="GET").get_json()["messages"]
    assert told[0]["words"] == "my brother shouts"
    assert {"listed", "read", "read_conversation"} <= {
        line.event for line in house.rows("journal", who="cad")
    }


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic abc"},
        {"Authorization": "Bearer "},
    ],
)
def test_without_a_token_nothing_is_told(house: House, headers: dict[str, str]) -> None:
    for path in ("", "/x", "/x/messages"):
        answer = house.client.get("/api/v1/hand-offs" + path, headers=headers)
        assert (answer.status_code, answer.content_type) == (401, "application/problem+json")


@pytest.mark.parametrize(
    ("door", "told", "status"),
    [
        ("acknowledgement", {}, 422),
        ("acknowledgement", {"answer": "perhaps", "by": "M"}, 422),
        ("acknowledgement", {"answer": "decline", "by": "M"}, 422),
        ("acknowledgement", {"answer": "accept", "by": "M", "in_minutes": -3}, 422),
        ("acknowledgement", {"answer": "accept", "by": "M", "at": "25:00"}, 422),
        ("acknowledgement", {"answer": "accept", "by": "M", "at": "18:00", "in_minutes": 5}, 422),
        ("status", {"status": "flying", "by": "M"}, 422),
        ("status", {"status": "closed", "by": "M"}, 409),
        ("notes", {"by": "M", "words": ""}, 422),
    ],
)
def test_bad_input_is_answered_in_one_shape_and_changes_nothing(
    house: House, door: str, told: dict[str, Any], status: int
) -> None:
    me = house.resident().wants_a_team()
    version = me.case().version

    answer = house.dispatch(f"/{me.case().id}/{door}", told)

    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert {"type", "title", "status"} <= set(answer.get_json())
    assert me.case().version == version
    assert house.dispatch(f"/unknown/{door}", told).status_code in (404, 422)


def test_two_accept_one_wins_and_the_other_is_told_who(house: House) -> None:
    me = house.resident().wants_a_team()
    path = f"/{me.case().id}/acknowledgement"

    assert house.dispatch(path, {"answer": "accept", "by": "Maria"}).status_code == 200
    assert house.dispatch(path, {"answer": "accept", "by": "Maria"}).status_code == 200, (
        "the same again is no harm"
    )
    refused = house.dispatch(path, {"answer": "accept", "by": "Noor"})

    assert refused.status_code == 409
    assert refused.get_json()["held_by"] == "Maria"
    assert 1 == len(house.settles().texts_to(ME))


def test_a_decline_keeps_its_reason_and_asks_the_next(house: House) -> None:
    me = house.resident().wants_a_team()

    house.dispatch(
        f"/{me.case().id}/acknowledgement",
        {"answer": "decline", "by": "Maria", "reason": "no, but I can in 2 hours"},
    )

    assert me.case().status == "declined"
    assert [row.ladder for row in house.rows("page")] == ["team"]
    assert (
        house.dispatch(
            f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Noor", "at": "18:40"}
        ).status_code
        == 200
    )


def test_danger_closes_only_with_how_the_person_is(house: House) -> None:
    me = house.resident().texts("0", "2", "1", "Main St and 3rd Ave")
    path = f"/{me.case().id}"
    house.dispatch(path + "/acknowledgement", {"answer": "accept", "by": "Maria"})

    assert (
        house.dispatch(
            path + "/status", {"status": "closed", "by": "Maria", "outcome": "resolved"}
        ).status_code
        == 409
    )
    assert (
        house.dispatch(
            path + "/status", {"status": "closed", "by": "Maria", "outcome": "safe"}
        ).status_code
        == 200
    )
    assert house.dispatch(path + "/status", {"status": "arrived", "by": "Maria"}).status_code == 409


def test_a_human_writes_in_the_residents_own_channel(house: House) -> None:
    me = house.resident().texts("0", "2", "1", "Main St and 3rd Ave")
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})

    assert (
        house.dispatch(
            f"/{me.case().id}/notes", {"by": "Maria", "words": "I am here. {program} Are you safe?"}
        ).status_code
        == 200
    )
    assert me.texts("yes I think").heard == [], "a human answers now, not the program"
    house.settles()

    assert house.texts_to(ME)[-1] == "Maria: I am here. {program} Are you safe?"
    assert "yes I think" in [note["words"] for note in house.posted[-1][0]["notes"]]


def test_worse_on_a_moving_case_pages_a_human_again(house: House) -> None:
    me = house.resident().wants_a_team()
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.dispatch(f"/{me.case().id}/status", {"status": "en_route", "by": "Maria"})

    me.texts("worse").told("level.worse")

    assert me.case().level == "R2"
    assert me.case().status == "en_route"
    assert [row.ladder for row in house.rows("page")] == ["danger"]
    house.wait(61)
    house.sweeps()
    assert {row.rung for row in house.rows("page")} == {0, 1}, (
        "the team's acceptance does not silence the new page"
    )


def test_openapi_is_served_and_names_every_door(house: House) -> None:
    document = house.client.get("/api/v1/openapi.json").get_json()

    assert document["openapi"].startswith("3.1")
    assert {"/api/v1/hand-offs", "/api/v1/hand-offs/{hand_off_id}/acknowledgement"} <= set(
        document["paths"]
    )


def test_unknown_paths_and_methods_are_problems_under_api_and_words_elsewhere(house: House) -> None:
    assert house.client.get("/api/v1/nothing").content_type == "application/problem+json"
    assert (
        house.client.delete(
            "/api/v1/hand-offs/x", headers={"Authorization": f"Bearer {house.token}"}
        ).status_code
        == 405
    )
    assert "application" not in house.client.get("/nothing").content_type


def test_metrics_need_their_token(house: House) -> None:
    house.resident().texts("0")
    assert house.client.get("/metrics").status_code == 401
    answer = house.client.get(
        "/metrics", headers={"Authorization": f"Bearer {house.app.config['METRICS_TOKEN']}"}
    )
    assert 'caller_cases_open{level="R2",status="handed_off"} 1.0' in answer.text
    assert house.client.get("/health/ready").get_json()["database"] == "migrated"


# ---- a destination that cannot recognise duplicates ----------------------------------------------
@pytest.fixture
def forgetful(house: House) -> House:
    """The webhook accepts duplicates, so it is asked first what it has."""
    program = house.parts.program
    asked = tuple(
        replace(one, look_up=True) if one.kind == "webhook" else one for one in program.destinations
    )
    house.change(program=replace(program, destinations=asked))
    house.resident().wants_a_team()
    house.outside.reset()
    house.outside.assert_all_requests_are_fired = False
    house.outside.add_callback("POST", CAD, lambda request: house._cad(request, 202))
    return house


def try_once(house: House) -> Any:
    one = next(row for row in house.rows("delivery") if row.destination == "rehearsal-cad")
    deliver(house.parts, one.id)
    return house.rows("delivery", id=one.id)[0]


def held(house: House, **answer: Any) -> None:
    house.outside.add("GET", f"{CAD}/{house.resident().case().id}", **answer)


def test_it_is_sent_when_nothing_of_it_is_there(forgetful: House) -> None:
    held(forgetful, status=404)

    assert try_once(forgetful).state == "received"
    assert len(forgetful.posted) == 1


def test_what_arrived_before_a_crash_is_not_sent_again(forgetful: House) -> None:
    held(forgetful, json={"revision": 1})

    assert try_once(forgetful).state == "received"
    assert forgetful.posted == []


@pytest.mark.parametrize(
    "answer",
    [{"status": 500}, {"json": []}, {"json": {"revision": "1"}}, {"body": "no"}, {"json": {}}],
)
def test_nothing_is_sent_on_a_guess(forgetful: House, answer: dict[str, Any]) -> None:
    held(forgetful, **answer)

    row = try_once(forgetful)

    assert (row.state, row.error, row.tries) == ("waiting", "cannot look", 1)
    assert forgetful.posted == []


def test_an_older_revision_there_does_not_stop_the_newer(forgetful: House) -> None:
    held(forgetful, json={"revision": 0})

    assert try_once(forgetful).state == "received"
    assert len(forgetful.posted) == 1
