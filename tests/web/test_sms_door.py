"""The SMS webhook: signature, screening, what is stored, what is sent."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from conftest import signed, twiml
from hypothesis import given, settings
from hypothesis import strategies as st
from test_outage import listed

from caller_service.casework.inbound import fetch_missed_texts, on_another_channel, sender
from caller_service.language.languages import Voice
from caller_service.store import cases
from caller_service.store.database.group_commit import DirectWriter
from caller_service.store.database.transaction import transaction
from caller_service.web.shared import twiml as twiml_writer

if TYPE_CHECKING:
    from conftest import House

ME = "+17205550123"


def test_a_text_becomes_a_dispatched_team(house: House) -> None:
    brother = house.resident()

    brother.wants_a_team().told("end.team", "reach.text").hears(brother.case().reference)

    assert brother.case().status == "handed_off"
    house.settles()
    packet, headers = house.posted[0]
    assert packet["type"] == "hand_off.v1"
    assert packet["police_requested"] is False
    assert packet["level"] == "R3"
    assert packet["place"]["area"] == "central"
    assert headers["webhook-id"] == headers["Idempotency-Key"] == f"{packet['hand_off_id']}.1"


def test_dispatch_accepts_and_the_resident_hears_each_step(house: House) -> None:
    me = house.resident()
    me.texts("hi", "1", "2", "2", "2", "1", "1", "Main St and 3rd Ave", "5").told("end.team")
    path = f"/{me.case().id}"

    assert (
        house.dispatch(
            path + "/acknowledgement", {"answer": "accept", "by": "Maria", "in_minutes": 20}
        ).status_code
        == 200
    )
    for status in ("assigned", "en_route", "arrived"):
        house.wait(60)
        assert (
            house.dispatch(path + "/status", {"status": status, "by": "Maria"}).status_code == 200
        )
    house.settles()

    assert house.texts_to(ME) == [
        house.words("status.accepted_time", low="20", high="30"),
        house.words("status.assigned"),
        house.words("status.en_route"),
        house.words("status.arrived"),
    ]


def test_about_somebody_else_never_arrival_or_outcome(house: House) -> None:
    sister = house.resident()
    path = f"/{sister.wants_a_team().case().id}"

    house.dispatch(path + "/acknowledgement", {"answer": "accept", "by": "Maria"})
    for status in ("assigned", "en_route", "arrived"):
        house.dispatch(path + "/status", {"status": status, "by": "Maria"})
    house.dispatch(
        path + "/status", {"status": "closed", "by": "Maria", "outcome": "taken_to_care"}
    )
    house.settles()

    told = house.texts_to(ME)
    assert told == [
        house.words(f"status.other.{word}") for word in ("received", "coming", "finished")
    ]
    assert not any(
        word in text.lower() for text in told for word in ("arrived", "care", "hospital", "team")
    )


def test_life_danger_reaches_a_human_whatever_was_answered_before(house: House) -> None:
    me = house.resident()

    me.texts("hi", "3", "2").texts("he took all the pills").told(
        "danger.overdose", "level.human", "ask.health.they"
    )

    assert me.case().level == "R2"
    assert [row.person for row in house.rows("page")] == ["Dispatcher on duty"]
    house.settles()
    assert me.case().reference in house.texts_to("+17205550130")[0]
    assert house.posted[0][0]["reasons"] == ["danger_said"]


def test_staff_take_a_case_by_its_reference_and_the_second_hears_who(house: House) -> None:
    me = house.resident().texts("0", "2", "1")
    reference = me.case().reference
    first, second = house.resident("+17205550130"), house.resident("+17205550131")

    first.texts(reference.lower()).told("page.accepted").hears(reference)
    second.texts(f"{reference}").told("page.taken").hears("Dispatcher on duty")
    second.texts("KKKKKK").told("page.no_code")
    house.settles()

    assert house.texts_to(ME) == [house.words("human.joined", name="Dispatcher on duty")]
    assert len(house.rows("contact")) == 1, "staff are not residents"


@pytest.mark.parametrize("token", ["first" * 8, "second" * 6])
def test_either_auth_token_verifies_while_one_is_rotated(house: House, token: str) -> None:
    assert house.resident().posts("hi", token=token).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"X-Twilio-Signature": ""}, {"X-Twilio-Signature": "bm90IGl0"}]
)
def test_a_wrong_or_missing_signature_is_403_and_nothing_runs(
    house: House, headers: dict[str, str]
) -> None:
    answer = house.client.post(
        "/twilio/sms", data={"MessageSid": "SM1234", "From": ME, "Body": "hi"}, headers=headers
    )

    assert answer.status_code == 403
    assert house.rows("message") == house.rows("case") == []


def test_the_same_sid_is_one_turn_answered_identically(house: House) -> None:
    me = house.resident()
    me.texts("hi", sid="SMonce00")
    first = me.posts("hi", sid="SMonce00").text

    me.texts("1").told("ask.health.me")
    assert me.posts("hi", sid="SMonce00").text == first
    assert len(house.rows("message", direction="in")) == 2
    assert len(house.rows("case")) == 1


def test_replies_carry_a_receipt_address_of_our_own(house: House) -> None:
    answer = house.resident().posts("hi").text

    for row in house.rows("message", direction="out"):
        assert f"https://house.test/twilio/receipts/message?id={row.id}" in answer


def test_a_text_written_before_its_question_could_be_read_is_not_its_answer(house: House) -> None:
    me = house.resident()
    me.texts("hi", "3")
    me.pace = 1.0

    me.texts("2").told("too_fast", "ask.health.they")

    assert "health" not in me.case().state["answers"]
    me.pace = 10.0
    me.texts("2").told("ask.safety")


@pytest.mark.parametrize("said", ["", "   ", "\u200b\u200d", "\x07\x08"])
def test_media_or_nothing_readable_is_answered(house: House, said: str) -> None:
    me = house.resident().texts("hi")

    me.texts(said, NumMedia="1").told("unclear.media", "ask.who")


def test_ten_thousand_characters_and_mixed_scripts_are_kept_whole(house: House) -> None:
    me = house.resident()
    long = ("мой брат \u202e видит вещи 哥哥 أخي \x00" * 400)[:10_000]

    me.texts(long).hears("911", "988")

    row = house.rows("message", direction="in")[0]
    assert house.parts.sealer.open(row.sealed_words, f"message.words.{row.id}") == long.replace(
        "\x00", ""
    )


@pytest.mark.parametrize(
    "number", ["", "Anonymous", "+266696687000000000", "262966", "abc\n", "+1"]
)
def test_a_withheld_or_impossible_number_hears_911_and_its_words_are_kept(
    house: House, number: str
) -> None:
    me = house.resident(number)

    me.texts("help my son").hears("911", "988")

    assert len(house.rows("message", direction="in")) == 1
    assert house.rows("case") == []


def test_a_request_without_a_sid_is_told_what_is_missing(house: House) -> None:
    answer = signed(house, "/twilio/sms", {"From": ME, "Body": "hi"})

    assert answer.status_code == 400
    assert "MessageSid" in answer.text


def test_a_text_to_an_ended_case_opens_a_new_one_that_knows_it(house: House) -> None:
    me = house.resident().wants_a_team()
    first = me.case()
    me.texts("close").told("cancel.done")

    me.texts("hello").told("ask.who")

    assert me.case().id != first.id
    assert me.case().state["related"] == first.id


def test_an_error_of_ours_says_911_and_988_in_both_languages(house: House) -> None:
    class Broken:
        def connect(self) -> None:
            raise RuntimeError(f"{ME} said something")

        begin = connect

    house.change(engine=Broken(), writer=DirectWriter(Broken()))

    assert 2 == len(
        house.resident()
        .texts("help")
        .told("fallback")
        .hears("911", "988", house.words("fallback", "es"))
        .heard
    )


def test_a_full_area_is_said_and_what_was_chosen_is_carried_out(house: House) -> None:
    with transaction(house.parts.engine) as conn:
        cases.set_full(conn, "central", house.clock() + timedelta(minutes=30))
    house.resident("+17205550111").wants_a_team().told("blocked.no_capacity", "contingency.wait")
    house.wait(31 * 60)
    house.resident("+17205550112").wants_a_team().told("end.team")

    with transaction(house.parts.engine) as conn:
        cases.set_full(conn, "central", house.clock() + timedelta(minutes=30))
        cases.set_full(conn, "central", None)
    house.resident("+17205550113").wants_a_team().told("end.team")


def test_stop_keeps_the_request_and_stops_every_text(house: House) -> None:
    me = house.resident().wants_a_team()

    me.texts("STOP").told("stop.confirmed")
    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles()

    assert house.texts_to(ME) == []
    assert me.case().status == "accepted"
    assert house.posted[-1][0]["contact"]["cannot_text"] == "stopped"
    me.texts("START").told("start.confirmed")
    house.dispatch(f"/{me.case().id}/status", {"status": "en_route", "by": "Maria"})
    assert len(house.settles().texts_to(ME)) == 1


@pytest.mark.parametrize(
    ("said", "language"),
    [("hola, necesito ayuda", "es"), ("ESPANOL", "es"), ("hello there", "en"), ("??", "en")],
)
def test_the_first_text_tells_the_language(house: House, said: str, language: str) -> None:
    me = house.resident().texts(said)

    assert me.case().language == language


def test_language_can_be_switched_at_any_question(house: House) -> None:
    me = (
        house.resident()
        .texts("hi", "1")
        .texts("español")
        .hears(house.words("ask.health.me", "es")[:20])
    )

    me.texts("english").told("ask.health.me")


@pytest.mark.parametrize("contact", ["2", "6"])
def test_who_may_not_be_contacted_only_hears_replies(house: House, contact: str) -> None:
    me = house.resident()
    me.texts("hi", "1", "2", "2", "2", contact, "1", "Main St and 3rd Ave", "5").told(
        "reach.reply_only"
    )

    house.dispatch(f"/{me.case().id}/acknowledgement", {"answer": "accept", "by": "Maria"})
    house.settles()

    assert house.texts_to(ME) == []
    assert house.posted[-1][0]["contact"]["number"] is None
    me.texts("status").told("status.accepted")


def test_a_watched_person_hears_nothing_and_a_human_reads(house: House) -> None:
    from dataclasses import replace

    from caller_service.language.vocabularies import read_language_words

    program = replace(house.parts.program, watched=frozenset({"is the library open"}))
    house.change(
        program=program, language_words=read_language_words(program.languages, program.watched)
    )
    me = house.resident().texts("hi")

    assert me.texts("is the library open?").heard == []

    house.wait(400)
    house.sweeps().settles()
    assert house.texts_to(ME) == []
    assert me.case().level == "R2"
    assert house.posted[0][0]["contact"]["watched"] is True


def test_nothing_private_stands_in_plain_in_the_database(house: House) -> None:
    me = house.resident("+17205550177").texts("my brother Zebulon is seeing things")
    me.texts(
        "3", "2", "2", "2", "1", "1", "Main St and 3rd Ave by the quokka statue", "2", "2", "1"
    )
    house.settles()

    with house.parts.engine.connect() as conn:
        import sqlalchemy as sa

        names = sa.inspect(conn).get_table_names() + (
            []
            if conn.dialect.name == "sqlite"
            else [f"dbos.{name}" for name in sa.inspect(conn).get_table_names("dbos")]
        )
        everything = "".join(
            str(
                list(
                    conn.execute(
                        sa.text(
                            f"SELECT * FROM {name if '.' in name else chr(34) + name + chr(34)}"
                        )
                    )
                )
            )
            for name in names
        )
    assert "workflow_status" in str(names)
    for private in ("5550177", "Zebulon", "quokka"):
        assert private not in everything
    assert "Zebulon" in json.dumps(house.posted[0][0]), "the team is told"


def test_receipts_are_ranked_and_a_failure_is_told_to_dispatch(house: House) -> None:
    me = house.resident().wants_a_team()
    house.settles()
    text = next(
        row for row in house.rows("message", direction="out") if row.case_id == me.case().id
    )

    for state in ("sent", "delivered", "queued", "sent", "delivered"):
        answer = signed(
            house,
            f"/twilio/receipts/message?id={text.id}",
            {"MessageSid": "SMreal00", "MessageStatus": state},
        )
        assert answer.status_code == 204
    assert house.rows("message", id=text.id)[0].state == "delivered"

    other = house.rows("message", direction="out")[-1]
    for _ in range(2):
        signed(
            house,
            f"/twilio/receipts/message?id={other.id}",
            {"MessageSid": "SMreal01", "MessageStatus": "undelivered", "ErrorCode": "30003"},
        )
    house.settles()
    assert [packet["contact"]["cannot_text"] for packet, _ in house.posted] == [None, "undelivered"]


@pytest.mark.parametrize(
    "form",
    [{}, {"MessageStatus": "exploded"}, {"MessageStatus": "delivered", "MessageSid": "'; --"}],
)
def test_absurd_receipts_do_nothing(house: House, form: dict[str, str]) -> None:
    assert signed(house, "/twilio/receipts/message?id=nobody", form).status_code == 204


@pytest.mark.parametrize(
    ("query", "form"),
    [
        ("", {"id": "{id}", "MessageStatus": "failed"}),
        ("?id={id}&MessageStatus=failed", {}),
        ("?id=nobody&id={id}", {"MessageStatus": "failed"}),
    ],
)
def test_what_belongs_in_the_address_is_not_read_from_the_form_nor_the_other_way_round(
    house: House, query: str, form: dict[str, str]
) -> None:
    me = house.resident().wants_a_team()
    house.settles()
    before = house.rows("message", case_id=me.case().id)
    asked = {name: value.format(id=before[-1].id) for name, value in form.items()}
    where = f"/twilio/receipts/message{query.format(id=before[-1].id)}"

    assert signed(house, where, asked).status_code == 204
    assert house.rows("message", case_id=me.case().id) == before


# ---- who wrote -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "number",
    ["+5215512345678", "+17205550123", "+1 (720) 555-0124", "+4915112345678", "+50212345678"],
)
def test_whoever_the_provider_names_is_answered(house: House, number: str) -> None:
    """Also with the old format of Mexican mobile numbers ("+521…"), which can be answered."""
    me = house.resident(number).texts("hello").told("preamble")
    assert me.heard and sender(number) == "+" + "".join(
        letter for letter in number if letter.isdecimal()
    )


@pytest.mark.parametrize(
    "named",
    [
        "",
        "Anonymous",
        "+266696687",
        "12345",
        "whatsapp:+17205550123",
        "+1",
        "messenger:77",
        "+0123456789",
    ],
)
def test_both_ways_in_read_senders_alike(named: str) -> None:
    assert sender(named) == ("+266696687" if named == "+266696687" else "")


@pytest.mark.parametrize("named", ["whatsapp:+17205550123", "messenger:77", "RCS:+17205550123"])
def test_who_writes_by_an_app_is_told_so_and_their_words_are_kept(house: House, named: str) -> None:
    """ "Write again later" would not help them."""
    me = house.resident(named).texts("help my son")
    assert me.heard == [house.words("fallback.channel"), house.words("fallback.channel", "es")]
    me.hears("a plain text message", "911", "988")
    assert len(house.rows("message", direction="in")) == 1
    assert house.rows("case") == house.rows("contact") == []


@pytest.mark.parametrize("named", ["Anonymous", "262966", "", "BANK", "+17205550123"])
def test_no_other_sender_is_taken_for_an_app(named: str) -> None:
    assert not on_another_channel(named)


SENDERS = st.one_of(
    st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),  # E.164
    st.from_regex(r"\+521[0-9]{10}", fullmatch=True),  # the old format of Mexican mobile numbers
    st.from_regex(r"\+1 ?\([2-9][0-9]{2}\) ?[0-9]{3}-[0-9]{4}", fullmatch=True),
    st.from_regex(r"[1-9][0-9]{2,6}", fullmatch=True),  # short codes
    st.from_regex(r"[A-Za-z0-9 ]{1,11}", fullmatch=True),  # alphanumeric senders
    st.from_regex(r"(whatsapp|messenger|rcs):\+?[0-9]{1,15}", fullmatch=True),
    st.sampled_from(["", "Anonymous", "+", "Restricted", "unknown"]),  # withheld
    st.text(max_size=40),
)


@settings(max_examples=500)
@given(SENDERS)
def test_a_sender_is_a_number_that_can_be_answered_or_nobody(named: str) -> None:
    number = sender(named)
    assert number == "" or re.fullmatch(r"\+[1-9][0-9]{6,14}", number)
    assert sender(number) == number, "read twice it is the same: also by who fetches it later"
    if re.fullmatch(r"\+[1-9][0-9]{6,14}", named):
        assert number == named, "whoever the provider names is answered"
    if on_another_channel(named) or not named.strip().startswith("+"):
        assert number == ""


@pytest.mark.parametrize(
    "named", ["+5215512345678", "+17205550123", "12345", "BANK", "whatsapp:+17205550123", ""]
)
def test_a_text_that_is_fetched_later_has_the_sender_that_its_webhook_had(
    house: House, named: str
) -> None:
    """A sender whom the webhook would answer is answered by REST; one who cannot be answered is
    stored, and never texted."""
    house.resident(named).posts("hello", sid="SM" + "1" * 32)
    by_webhook = [row.number_index for row in house.rows("contact")]
    house.clean()
    heard = house.clock() - timedelta(minutes=5)
    listed(house, ("SM" + "1" * 32, named, "hello", heard))
    assert fetch_missed_texts(house.parts) == 1
    assert [row.number_index for row in house.rows("contact")] == by_webhook
    assert len(house.rows("message", direction="in")) == 1
    house.works()
    assert {form["To"] for form in house.sent} == ({named} if by_webhook else set())


def test_words_that_xml_cannot_hold_are_said_without_them(house: House) -> None:
    """A control character in a staff member's name once made the whole response invalid."""
    with house.app.test_request_context():
        answer = twiml_writer.messages([("Ma\x0bria\ud800 is here\x00", "")])
        spoken = twiml_writer.says([(Voice("Polly.Joanna-Neural", "en-US"), "a\x1bb")])
    assert twiml(answer.get_data(as_text=True)) == ["Maria is here"]
    assert '<Say language="en-US" voice="Polly.Joanna-Neural">ab</Say>' in spoken.get_data(
        as_text=True
    )
