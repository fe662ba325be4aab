"""The running service: `serve`, `work`, a database, and the rehearsal's phones and dispatch. On
both databases."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest
import requests
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families
from running import TWILIO_WAITS, House, Person, connected, running, until

from caller_service.rehearsal.dispatcher import accept, status
from caller_service.rehearsal.twilio_wire import Answered, post_signed, read_twiml

DISPATCHER, SECOND = "Dispatcher on duty", "Second dispatcher"
CORNER = "Main St & 3rd Ave"
# must be sent once, whatever else is sent later
JOINS = "Maria, a person, has your messages now and is asked"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    with running(request.param, tmp_path_factory.mktemp(request.param)) as one:
        yield one


@pytest.fixture(scope="module")
def in_doubt(house: House) -> Person:
    """Somebody whose text was sent just as the connection stalled. The service waits 10 s before it
    gives up, so this is set up early."""
    caller = in_danger(house)
    held = house.on_board(caller)
    house.exchange.switch(
        {"send": "hang", "send_when": "next", "send_to": caller.number, "receipts_missing": True}
    )
    house.tell(held, accept("Maria"))
    caller.is_told("Maria, a person")
    house.exchange.switch({"reset": True})
    return caller


@pytest.fixture(autouse=True)
def healthy(house: House, in_doubt: Person) -> Iterator[None]:
    """Each test begins without failures, and must leave web and worker alive."""
    yield
    house.exchange.switch({"reset": True})
    house.board.switch({"answer": "", "when": "all"})
    assert house.web.alive and house.worker.alive, house.logs()[-3000:]
    # nobody holds more than three dangers, so accepted ones are closed here
    for held in house.board.all():
        if (
            held.level in ("R1", "R2")
            and held.word("status") == "accepted"
            and held.hand_off_id != house.case_of(in_doubt).id
        ):
            house.tell(held, status("Maria", "closed", "safe"))


def asked_for_a_brother(house: House) -> Person:
    """About nine questions, up to the choice of a team."""
    caller = (
        house.resident().texts("my brother shouts").hears("Who needs help?").texts("3").says_no(3)
    )
    return (
        caller.hears("Can we text or call this phone")
        .says("1")
        .says("1")
        .texts(CORNER, "2")
        .hears("gun")
        .says_no()
    )


def in_danger(house: House) -> Person:
    """The shortest way to a human: a danger by text, and contact is safe. Gives three revisions of
    a hand-off."""
    caller = house.resident().texts("my sister took too many pills").hears("1-800-222-1222")
    return caller.texts("1").hears("Can we text or call this phone").says("1").hears("Where")


# ---- the conversation that has to work -----------------------------------------------------------


def test_a_team_is_asked_for_picked_and_followed_to_the_door(house: House) -> None:
    caller = asked_for_a_brother(house).hears("Nobody has taken it yet")
    held = house.on_board(caller)
    assert (held.level, held.word("response"), held.word("team"), held.place) == (
        "R3",
        "team",
        "care-1",
        CORNER,
    )
    assert held.packet["police_requested"] is False

    house.tell(held, accept("Maria", 20))
    caller.is_told("taken the request. It may take 20 to 30 minutes")
    house.tell(held, status("Maria", "assigned"))
    house.tell(held, status("Maria", "en_route"))
    caller.is_told("help is coming")
    house.tell(held, status("Maria", "arrived"))
    caller.is_told("end here")
    house.tell(held, status("Maria", "closed", "resolved"))
    house.settles(caller)

    unasked = [text.words for text in caller.told("")]
    assert len(unasked) == 3, unasked
    # For somebody else: received, coming, finished. Never that a team arrived, or how it ended.
    assert not [
        words
        for words in unasked
        if any(
            word in words.lower()
            for word in ("arrived", "resolved", "team", "brother", CORNER.lower())
        )
    ]
    case = house.case_of(caller)
    assert (case.status, case.outcome) == ("closed", "resolved")
    states = house.rows(
        "SELECT state FROM message WHERE case_id = :id AND direction = 'out'", id=case.id
    )
    assert {state for (state,) in states} == {"delivered"}


def test_the_same_in_spanish_for_oneself(house: House) -> None:
    caller = (
        house.resident()
        .texts("hola necesito ayuda")
        .hears("¿Quién necesita ayuda?")
        .texts("1")
        .says_no(3)
    )
    caller.says("1").says("1").texts(CORNER, "7").hears("Todavía nadie")
    held = house.on_board(caller)
    assert held.packet["language"] == {"bcp47": "es", "iso639_3": "spa"}

    house.tell(held, accept("Maria", 20))
    caller.is_told("alguien ya aceptó su solicitud")
    for word, words in (
        ("assigned", "ya hay un equipo para usted"),
        ("en_route", "su equipo va en camino"),
        ("arrived", "su equipo ya llegó"),
    ):
        house.tell(held, status("Maria", word))
        caller.is_told(words)
    assert len(caller.told("")) == 4


def test_a_caller_hears_the_moves_in_their_order(house: House) -> None:
    caller = house.resident().texts("I took too many pills").says("1").says("1")
    held = house.on_board(caller)
    for move in (
        accept("Maria", 20),
        status("Maria", "assigned"),
        status("Maria", "en_route"),
        status("Maria", "arrived"),
    ):
        house.tell(held, move)
    caller.is_told("your team has arrived")
    house.settles(caller)
    said = [JOINS, "a team has been picked", "is on the way", "has arrived"]
    moves = [text.words for text in caller.told("") if any(words in text.words for words in said)]
    assert [next(words for words in said if words in text) for text in moves] == said


# ---- danger --------------------------------------------------------------------------------------


def test_pills_reach_a_human_before_another_word_and_one_takes_it(house: House) -> None:
    caller = house.resident().texts("my brother shouts", "3")
    caller.texts("he took all the pills").hears("1-800-222-1222").hears(
        "We are asking a person to join you here"
    )
    held, dispatcher, second = house.on_board(caller), house.staff(DISPATCHER), house.staff(SECOND)
    assert held.needs_human and held.level in ("R1", "R2")
    reference = held.word("reference")
    dispatcher.is_told(f"{reference} needs a person now")

    caller.says("1").says("1").hears("Where")
    dispatcher.texts(reference.lower()).hears(f"{reference} is yours")
    caller.is_told(f"{DISPATCHER}, a person")
    second.texts(reference).hears(f"{reference} was already taken by {DISPATCHER}")
    house.settles(caller)
    assert len(caller.told("has your messages now and is asked")) == 1
    assert len(dispatcher.told(f"{reference} needs a person now")) == 1


def test_nobody_picks_up_so_the_next_is_paged_and_the_truth_is_told(house: House) -> None:
    caller = in_danger(house)
    reference = house.on_board(caller).word("reference")
    for name in (DISPATCHER, SECOND):
        house.staff(name).is_told(f"{reference} needs a person now")
    case_id = house.case_of(caller).id
    waited = house.rows(
        "SELECT at FROM journal WHERE case_id = :id AND event = 'clock' AND at <="
        " (SELECT min(at) FROM page WHERE case_id = :id AND person = :second)",
        id=case_id,
        second=SECOND,
    )
    assert not waited, "the emergency asks the second at once, and waits for no clock"
    caller.is_told("No person has been able to write to you yet")
    house.staff(SECOND).texts(reference).hears(f"{reference} is yours")
    house.staff(DISPATCHER).is_told(f"{reference} was taken by {SECOND}")


# ---- failures ------------------------------------------------------------------------------------


def test_dispatch_was_down_and_hears_everything_once_and_in_order(house: House) -> None:
    house.board.switch({"answer": "500", "when": "all"})
    caller = in_danger(house)
    case_id = house.case_of(caller).id

    def tries() -> list[tuple[str, int]]:
        return [
            (str(one["key"]), int(str(one["status"])))
            for one in house.board.deliveries
            if str(one["key"]).startswith(case_id)
        ]

    house.when_board(lambda: len(tries()) >= 2, "two failed tries")
    assert set(tries()) == {(f"{case_id}.1", 500)}, (
        "the same webhook-id each time, and nothing overtakes it"
    )
    house.board.switch({"answer": ""})
    house.staff(DISPATCHER).texts(house.case_of(caller).reference)
    revision = house.rows("SELECT max(revision) FROM hand_off WHERE case_id = :id", id=case_id)[0][
        0
    ]
    house.on_board(caller, revision)
    house.settles(caller)

    taken = [key for key, code in tries() if code == 202]
    assert (
        taken == [f"{case_id}.{number}" for number in range(1, len(taken) + 1)]
        and len(taken) >= revision
    )
    assert [held.hand_off_id for held in house.board.all()].count(case_id) == 1
    states = house.rows(
        "SELECT state, count(*) FROM delivery WHERE case_id = :id GROUP BY state", id=case_id
    )
    assert [state for state, _ in states] == ["received"]


def test_a_busy_line_delays_a_text_and_does_not_double_it(house: House) -> None:
    caller = in_danger(house)
    held = house.on_board(caller)
    house.exchange.switch({"send": "429", "send_when": "next", "send_to": caller.number})
    house.tell(held, accept("Maria"))
    caller.is_told("Maria, a person")
    house.settles(caller)
    assert house.exchange.faults.send == ""
    assert len(caller.told(JOINS)) == 1


def test_a_text_whose_end_is_unknown_is_looked_up_before_it_is_sent_again(
    house: House, in_doubt: Person
) -> None:
    case_id = house.case_of(in_doubt).id
    query = "SELECT tries, provider_id FROM message WHERE case_id = :id AND keys = 'human.joined'"
    row = until(
        lambda: (found := house.rows(query, id=case_id)[0]).provider_id and found,
        "the house knows the SID",
        16,
    )
    assert (row.tries, row.provider_id) == (2, in_doubt.told(JOINS)[0].sid)
    assert len(in_doubt.told(JOINS)) == 1


def test_a_worker_that_dies_loses_and_doubles_nothing(house: House) -> None:
    busy = in_danger(house)
    held = house.on_board(busy)
    # The worst moment: the text was sent, the service does not know it yet, and the provider sends
    # no receipt.
    house.exchange.switch(
        {"send": "hang", "send_when": "next", "send_to": busy.number, "receipts_missing": True}
    )
    house.tell(held, accept("Maria"))
    busy.is_told("Maria, a person")
    house.worker.end(signal.SIGKILL)

    others = [in_danger(house) for _ in range(3)]  # as many as one person may take
    assert not [
        held
        for held in house.board.all()
        if held.hand_off_id in {house.case_of(one).id for one in others}
    ]
    house.worker = house.start_worker()
    references = [house.on_board(one, 3, 20).word("reference") for one in others]
    for reference in references:
        house.staff(DISPATCHER).is_told(f"{reference} needs a person now")
    house.worker.end(signal.SIGKILL)
    for reference in references:
        house.staff(DISPATCHER).texts(reference).hears(f"{reference} is yours")
    house.worker = house.start_worker()
    for one in others:
        one.is_told(f"{DISPATCHER}, a person")
    house.settles(busy, *others)

    assert len(busy.told(JOINS)) == 1
    assert [len(one.told("has your messages now and is asked")) for one in others] == [1] * len(
        others
    )
    assert [
        len(house.staff(DISPATCHER).told(f"{reference} needs a person now"))
        for reference in references
    ] == [1] * len(others)
    keys = [str(one["key"]) for one in house.board.deliveries if one["status"] == 202]
    assert len(keys) == len(set(keys))


def test_another_machine_finishes_what_a_dead_worker_left(house: House) -> None:
    if house.database_url.startswith("sqlite"):
        pytest.skip("SQLite has one worker")
    # started first: that takes seconds, and by then "nobody yet" would be due
    other = house.start_worker("worker-2")
    try:
        caller = in_danger(house)
        held = house.on_board(caller)
        house.exchange.switch(
            {
                "send": "hang",
                "send_when": "next",
                "send_to": caller.number,
                "receipts_missing": True,
            }
        )
        # Either worker may have the text; the one that has it is killed.
        house.tell(held, accept("Maria"))
        caller.is_told("Maria, a person")
        query = "SELECT executor_id FROM dbos.workflow_status WHERE status = 'PENDING' AND name = 'send_text'"
        (name,) = until(lambda: house.rows(query), "the text is under way")[0]
        dead, left = (house.worker, other) if name == "worker-1" else (other, house.worker)
        dead.end(signal.SIGKILL)
        house.settles(caller)
        sent = house.rows(
            "SELECT provider_id FROM message WHERE case_id = :id AND keys = 'human.joined'",
            id=held.hand_off_id,
        )
        assert [row.provider_id for row in sent] == [text.sid for text in caller.told(JOINS)]
        assert left.alive
        if dead is house.worker:
            house.worker = house.start_worker()
    finally:
        other.end()


def test_one_case_that_cannot_be_read_does_not_stop_every_clock(house: House) -> None:
    damaged, other = in_danger(house), in_danger(house)
    reference = house.on_board(other).word("reference")
    case_id = house.case_of(damaged).id
    house.settles(damaged)
    with connected(house.database_url) as conn, conn.begin():
        conn.execute(
            sa.text(
                'UPDATE "case" SET sealed_narrative = sealed_place, due_at = opened_at, '
                "sealed_code_word = :x WHERE id = :id"
            ),
            {"x": b"x", "id": case_id},
        )
    try:
        house.staff(SECOND).is_told(f"{reference} needs a person now")
        other.is_told("No person has been able to write to you yet")
        assert house.worker.alive, house.worker.said[-1000:]
    finally:
        with connected(house.database_url) as conn, conn.begin():
            conn.execute(sa.text('UPDATE "case" SET due_at = NULL WHERE id = :id'), {"id": case_id})
        if not house.worker.alive:
            house.worker = house.start_worker()


def delivered_again(house: House, sid: str, number: str, words: str) -> Answered:
    """Deliver a text as Twilio does, with a SID of our choice."""
    fields = {
        "MessageSid": sid,
        "From": number,
        "To": house.program.numbers.ours[0].number,
        "Body": words,
    }
    answered = post_signed(f"{house.url}/twilio/sms", fields, house.auth_token, TWILIO_WAITS)
    assert answered.fine
    return answered


def test_a_web_door_that_dies_gives_the_same_answer_again(house: House) -> None:
    caller = house.resident()
    first = delivered_again(
        house, "SMweb0dies0000000000000000000000001", caller.number, "my brother is seeing things"
    )
    house.web.end(signal.SIGKILL)
    house.start_web()
    again = delivered_again(
        house, "SMweb0dies0000000000000000000000001", caller.number, "my brother is seeing things"
    )
    assert again.body == first.body and len(read_twiml(again)) == 2
    caller.texts("3").hears("badly hurt")


def test_a_webhook_delivered_twice_is_one_turn(house: House) -> None:
    house.exchange.switch({"webhook_twice": True})
    caller = house.resident().texts("my brother shouts")
    assert caller.heard is not None and caller.heard.alike is True
    rows = house.rows(
        "SELECT (SELECT count(*) FROM message WHERE provider_id = :sid), (SELECT count(*) FROM "
        "message WHERE answers = m.id), "
        '(SELECT count(*) FROM "case" WHERE contact_id = m.contact_id) FROM message m WHERE '
        "m.provider_id = :sid",
        sid=caller.sent[0],
    )
    assert tuple(rows[0]) == (1, len(caller.answered), 1)
    caller.texts("3")
    assert caller.heard.alike is True
    caller.hears("badly hurt")


def test_an_unsigned_text_is_refused_and_heard_by_nobody(house: House) -> None:
    fields = {
        "MessageSid": "SMunsigned00000000000000000000000001",
        "From": "+17205550199",
        "To": "+17205550100",
        "Body": "hello",
    }
    assert post_signed(f"{house.url}/twilio/sms", fields, "not the token", 10).status == 403
    assert (
        house.rows(
            "SELECT 1 FROM message WHERE provider_id = 'SMunsigned00000000000000000000000001'"
        )
        == []
    )


def test_what_any_web_process_refuses_is_seen_by_all_and_logged_once(house: House) -> None:
    def scraped() -> tuple[float, bool]:
        """On a new connection, so either process may answer."""
        with requests.Session() as session:
            session.trust_env = False
            token = {"Authorization": f"Bearer {house.settings.metrics_token}"}
            told = session.get(f"{house.url}/metrics", headers=token, timeout=5).text
        families = {family.name: family for family in text_string_to_metric_families(told)}
        count = sum(
            sample.value
            for sample in families["caller_refused"].samples
            if sample.labels == {"door": "sms.text", "reason": "signature of ours wrong"}
        )
        (away,) = families["caller_turned_away_timestamp_seconds"].samples
        return count, away.value > 0

    fields = {
        "AccountSid": house.settings.twilio_account_sid,
        "From": "+17205550199",
        "To": house.program.numbers.ours[0].number,
        "Body": "hello",
    }
    before, _ = scraped()
    alarms = house.logs().count("people may be turned away")
    many = 24  # each on a connection of its own, so that both processes get some
    for place in range(many):
        told = fields | {"MessageSid": f"SM{place:032d}"}
        assert post_signed(f"{house.url}/twilio/sms", told, "not the token", 10).status == 403
    for _ in range(many):
        assert scraped() == (before + many, True)
    assert house.logs().count("people may be turned away") - alarms == 1


# ---- privacy -------------------------------------------------------------------------------------


def everything_kept(url: str, schema: str | None = None) -> str:
    """Every row of every table as text; bytes decoded as characters."""
    told = []
    with connected(url) as conn:
        for table in sa.inspect(conn).get_table_names(schema=schema):
            name = f'"{schema}"."{table}"' if schema else f'"{table}"'
            for row in conn.execute(sa.text(f"SELECT * FROM {name}")):
                told.append(
                    " ".join(
                        value.decode("latin-1") if isinstance(value, bytes) else str(value)
                        for value in row
                    )
                )
    return "\n".join(told)


def test_what_a_person_said_stays_out_of_logs_jobs_and_addresses(house: House) -> None:
    sentence, place, number = (
        "the zebra sang quietly at midnight",
        "Nightjar Lane by the kiln",
        "+17205550199",
    )
    caller = (
        Person(house, number)
        .texts(sentence)
        .texts("3")
        .texts("he took all the pills, zebra")
        .texts("1")
    )
    house.exchange.switch({"send": "429", "send_when": "next", "send_to": number})
    house.board.switch({"answer": "500", "when": "next"})
    caller.says("1").texts(place)
    held = house.on_board(caller, 6)
    assert held.packet["place"]["text"] == place  # type: ignore[index]
    house.tell(held, accept("Maria"))
    caller.is_told("Maria, a person")
    assert (
        post_signed(
            f"{house.url}/twilio/sms", {"From": number, "Body": sentence}, house.auth_token, 10
        ).status
        == 400
    )
    house.settles(caller)

    canaries = ("zebra", "nightjar", "kiln", number[1:], number[2:], "Maria")
    for where, told in (("log", house.logs()), ("address", "\n".join(house.visitors.urls))):
        assert not [canary for canary in canaries if canary.lower() in told.lower()], where
    lite = house.database_url.startswith("sqlite")
    kept = everything_kept(house.database_url) + (
        "" if lite else everything_kept(house.database_url, "dbos")
    )
    assert held.hand_off_id in kept and "send_text" in kept
    assert not [canary for canary in canaries[:-1] if canary.lower() in kept.lower()], (
        "kept in plain"
    )


def test_a_text_is_answered_in_time_while_all_this_went_on(house: House) -> None:
    """Runs last: after all the failures above no work is left, and Twilio has not timed out."""
    begun = time.monotonic()
    house.resident().texts("hello").hears("Who needs help?")
    assert time.monotonic() - begun < TWILIO_WAITS
    until(
        lambda: (
            house.rows("SELECT count(*) FROM delivery WHERE state IN ('waiting', 'trying')")[0][0]
            == 0
        ),
        "nothing is left lying",
    )
