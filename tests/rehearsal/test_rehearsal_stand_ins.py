"""The stand-ins keep the contracts of what they replace: Twilio as its own client knows it, a CAD
as our API describes it."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import requests
from conversation import PROGRAM
from flask import Flask, Response, request
from standardwebhooks import Webhook
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response as TwilioAnswer
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from caller_service.rehearsal.board import ASK_A_HUMAN, Board
from caller_service.rehearsal.cad_stand_in import create_cad
from caller_service.rehearsal.call_engine import CallEngine
from caller_service.rehearsal.call_time import RealTime
from caller_service.rehearsal.carrier import TwilioSettings
from caller_service.rehearsal.carrier_state import readable_number
from caller_service.rehearsal.dispatcher import CadSettings
from caller_service.rehearsal.pages import served
from caller_service.rehearsal.twilio_stand_in import create_twilio
from caller_service.rehearsal.twilio_wire import Answered, NotTwiml, parts, read_twiml

ACCOUNT = "AC" + "0" * 32
TOKEN = "rehearsal-auth-token"
OURS = "+17205550100"
RESIDENT = "+17205550123"
STAFF = "+17205550177"
SECRET = "whsec_cmVoZWFyc2FsLXdlYmhvb2stc2VjcmV0LTEyMzQ1Ng=="


@dataclass
class House:
    """A minimal service that records the requests it gets; a test sets its responses."""

    url: str = ""
    heard: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    told: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    signatures_valid: list[bool] = field(default_factory=list)
    twiml: Callable[[], str] = lambda: "<Response/>"
    spoken: Callable[[str], str] = lambda door: "<Response><Hangup/></Response>"
    sms_status: Callable[[], int] = lambda: 200
    api_status: int = 200
    lock: threading.Lock = field(default_factory=threading.Lock)

    def app(self) -> Flask:
        app = Flask("house")

        @app.post("/twilio/<path:door>")
        def twilio(door: str) -> Response:
            with self.lock:
                signature = request.headers.get("X-Twilio-Signature", "")
                self.signatures_valid.append(
                    RequestValidator(TOKEN).validate(
                        self.url + request.full_path.rstrip("?"), request.form, signature
                    )
                )
                self.heard.append((door, request.form.to_dict()))
            if door.startswith("page/"):
                return Response(self.spoken(door), mimetype="text/xml")
            if door == "sms":
                return Response(self.twiml(), self.sms_status(), mimetype="text/xml")
            return Response(status=204)

        @app.get("/api/v1/hand-offs/<hand_off_id>/messages")
        def messages(hand_off_id: str) -> dict[str, object]:
            return {
                "messages": [
                    {
                        "from": "resident",
                        "at": "2026-11-22T18:00:00Z",
                        "words": f"words about {hand_off_id}",
                    }
                ]
            }

        @app.post("/api/v1/hand-offs/<hand_off_id>/<door>")
        def api(hand_off_id: str, door: str) -> Response:
            with self.lock:
                self.told.append(
                    (f"{hand_off_id}/{door} {request.headers['Authorization']}", request.get_json())
                )
            if self.api_status >= 400:
                problem = {
                    "title": "Conflict",
                    "detail": "somebody else has it",
                    "status": self.api_status,
                }
                return Response(
                    json.dumps(problem), self.api_status, mimetype="application/problem+json"
                )
            return Response("{}", self.api_status, mimetype="application/json")

        return app

    def texts(self) -> list[dict[str, str]]:
        return [fields for door, fields in self.heard if door == "sms"]

    def receipts(self) -> list[str]:
        return [
            fields["MessageStatus"] for door, fields in self.heard if door.startswith("receipts")
        ]


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    with served(house.app()) as url:
        house.url = url
        yield house


class ToStandIn(TwilioHttpClient):
    """Twilio's real HTTP client with another base URL, as in the service's own gateway."""

    def __init__(self, url: str) -> None:
        super().__init__(timeout=5)
        self._url = url

    def request(self, method: str, url: str, *more: object, **named: object) -> TwilioAnswer:
        parts_of_url = urlsplit(url)
        query = f"?{parts_of_url.query}" if parts_of_url.query else ""
        return super().request(method, self._url + parts_of_url.path + query, *more, **named)


@dataclass
class Twilio:
    app: Flask
    url: str

    @property
    def client(self) -> Client:
        return Client(ACCOUNT, TOKEN, http_client=ToStandIn(self.url))

    def person_texts(self, words: str, number: str = RESIDENT) -> dict[str, object]:
        answer = requests.post(
            f"{self.url}/phone/text", json={"from": number, "body": words}, timeout=10
        )
        assert answer.ok
        told: dict[str, object] = answer.json()
        return told

    def switch(self, **faults: object) -> None:
        assert requests.post(f"{self.url}/faults", json=faults, timeout=5).ok

    def settle(self) -> None:
        assert self.app.extensions["errands"].settled()

    def phone(self, number: str = RESIDENT) -> dict[str, object]:
        shown: dict[str, object] = requests.get(
            f"{self.url}/phone/state", params={"number": number}, timeout=5
        ).json()
        return shown

    def bubbles(self, number: str = RESIDENT) -> list[tuple[str, str]]:
        messages = self.phone(number)["messages"]
        assert isinstance(messages, list)
        return [(message["body"], message["status"]) for message in messages]


@pytest.fixture
def twilio(house: House) -> Iterator[Twilio]:
    settings = TwilioSettings(
        ACCOUNT, TOKEN, house.url, OURS, {STAFF: "Maria"}, hang=0.0, late=0.0, read_timeout=3.0
    )
    app = create_twilio(settings)
    with served(app) as url:
        yield Twilio(app, url)


# Twilio: calls that the service makes

ASKS = (
    '<?xml version="1.0"?><Response><Gather input="dtmf" numDigits="1" timeout="1" '
    'actionOnEmptyResult="true" action="/twilio/page/key?id=c1">'
    '<Say language="en-US">Press 1.</Say></Gather><Hangup/></Response>'
)
THANKS = "<Response><Say>Thank you.</Say><Hangup/></Response>"


def rung(house: House, twilio: Twilio, **more: object) -> str:
    """A call that the service makes, and that is ringing."""
    house.spoken = lambda door: ASKS if door == "page/call" else THANKS
    told: dict[str, object] = {
        "url": f"{house.url}/twilio/page/call?id=c1",
        "status_callback": f"{house.url}/twilio/receipts/call?id=c1",
    }
    told |= {"to": STAFF, "from_": OURS, "machine_detection": "Enable", "timeout": 5}
    told |= {"status_callback_event": ["initiated", "ringing", "answered", "completed"]}
    made = twilio.client.calls.create(**(told | more))  # type: ignore[arg-type]
    twilio.settle()
    return str(made.sid)


def acts(twilio: Twilio, sid: str, *acts: str) -> None:
    for act in acts:
        assert requests.post(
            f"{twilio.url}/phone/call", json={"call": sid, "act": act}, timeout=5
        ).ok


def call_receipts(house: House) -> list[str]:
    return [fields["CallStatus"] for door, fields in house.heard if door == "receipts/call"]


def test_a_call_rings_is_answered_and_a_key_goes_to_the_house(house: House, twilio: Twilio) -> None:
    sid = rung(house, twilio)
    shown = twilio.phone(STAFF)["call"]
    assert isinstance(shown, dict)
    assert (shown["status"], shown["ringing"]) == ("ringing", True)

    acts(twilio, sid, "answer")
    assert twilio.phone(STAFF)["call"]["words"] == "Press 1."  # type: ignore[index]
    acts(twilio, sid, "1")

    doors = [
        (door, fields.get("AnsweredBy"), fields.get("Digits"))
        for door, fields in house.heard
        if door.startswith("page")
    ]
    assert doors == [("page/call", "human", None), ("page/key", "human", "1")]
    until(lambda: call_receipts(house)[-1:] == ["completed"])  # once the thanks have been spoken
    assert call_receipts(house) == ["initiated", "ringing", "in-progress", "completed"]
    assert all(house.signatures_valid)
    assert twilio.client.calls(sid).fetch().status == "completed"


@pytest.mark.parametrize(("act", "status"), [("decline", "busy"), ("voicemail", "completed")])
def test_a_call_is_declined_or_left_to_the_voicemail(
    house: House, twilio: Twilio, act: str, status: str
) -> None:
    sid = rung(house, twilio)
    house.spoken = lambda door: "<Response><Hangup/></Response>"

    acts(twilio, sid, act, "1")

    assert call_receipts(house)[-1] == status
    assert [fields["AnsweredBy"] for door, fields in house.heard if door == "page/call"] == (
        ["machine_start"] if act == "voicemail" else []
    )


def test_nobody_answers_and_silence_is_told(house: House, twilio: Twilio) -> None:
    calling: CallEngine = twilio.app.extensions["calling"]
    silent = rung(house, twilio)
    calling.time = RealTime(twilio.app.extensions["errands"], speed=50)
    acts(twilio, silent, "answer")
    until(lambda: call_receipts(house)[-1:] == ["completed"])
    assert [fields["Digits"] for door, fields in house.heard if door == "page/key"] == [""]

    rung(house, twilio, timeout=0)
    until(lambda: call_receipts(house)[-1:] == ["no-answer"])


def until(holds: Callable[[], bool]) -> None:
    for _ in range(100):
        if holds():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it never came")


def test_the_real_client_lists_and_ends_calls(house: House, twilio: Twilio) -> None:
    since = datetime.now(UTC) - timedelta(seconds=5)
    sid = rung(house, twilio)

    assert [
        (call.sid, call.to, call.direction)
        for call in twilio.client.calls.list(start_time_after=since)
    ] == [(sid, STAFF, "outbound-api")]
    assert twilio.client.calls.list(status="queued") == []
    assert twilio.client.calls(sid).update(status="completed").status == "completed"
    twilio.settle()
    assert call_receipts(house)[-1] == "completed"
    acts(twilio, sid, "answer")
    assert twilio.client.calls(sid).fetch().status == "completed", (
        "nobody answers a call that has ended"
    )


@pytest.mark.parametrize(
    ("to", "sender", "code"),
    [("911", OURS, 21211), (STAFF, "+17205550199", 21210), ("nobody", OURS, 21211)],
)
def test_a_call_that_cannot_be_made_gets_twilios_code(
    twilio: Twilio, to: str, sender: str, code: int
) -> None:
    with pytest.raises(TwilioRestException) as refused:
        twilio.client.calls.create(to=to, from_=sender, url=f"{twilio.url}/x")
    assert refused.value.code == code


def test_the_page_shows_a_ringing_phone_without_a_script(house: House, twilio: Twilio) -> None:
    sid = rung(house, twilio)
    page = requests.get(twilio.url, timeout=5).text
    for part in ("This phone rings", 'value="answer"', 'value="decline"', 'value="voicemail"', sid):
        assert part in page

    assert requests.post(
        f"{twilio.url}/phone/call", data={"call": sid, "act": "answer"}, timeout=5
    ).url.startswith(twilio.url)
    assert "Press 1." in requests.get(twilio.url, timeout=5).text
    assert (
        requests.post(
            f"{twilio.url}/phone/call", data={"call": "CAnobody", "act": "answer"}, timeout=5
        ).status_code
        == 404
    )
    assert (
        requests.post(
            f"{twilio.url}/phone/call", data={"call": sid, "act": "sing"}, timeout=5
        ).status_code
        == 400
    )


# Twilio: texts from a person


def test_a_text_reaches_the_house_signed_and_its_answer_comes_back(
    house: House, twilio: Twilio
) -> None:
    house.twiml = lambda: (
        '<?xml version="1.0"?><Response><Message '
        'statusCallback="/twilio/receipts/message?m=1"><Body>¿Quién? &amp; why</Body></Message>'
        f'<Message action="{house.url}/twilio/receipts/message">second</Message></Response>'
    )

    told = twilio.person_texts("help é")
    twilio.settle()

    door, fields = house.heard[0]
    assert ("sms", RESIDENT, OURS, "help é", "0", told["sid"]) == (
        door,
        fields["From"],
        fields["To"],
        fields["Body"],
        fields["NumMedia"],
        fields["MessageSid"],
    )
    assert all(house.signatures_valid)
    assert twilio.bubbles() == [
        ("help é", "received"),
        ("¿Quién? & why", "delivered"),
        ("second", "delivered"),
    ]
    assert sorted(house.receipts()) == [
        "delivered",
        "delivered",
        "queued",
        "queued",
        "sent",
        "sent",
    ]


def test_a_failing_house_is_asked_twice_and_the_page_says_so(house: House, twilio: Twilio) -> None:
    house.sms_status = lambda: 500

    told = twilio.person_texts("help")

    assert (told["answered"], told["status"]) == (False, 500)
    assert len(house.heard) == 2
    assert house.heard[0][1]["MessageSid"] == house.heard[1][1]["MessageSid"]
    assert "fallback" in requests.get(twilio.url, timeout=5).text


def test_a_house_that_fails_once_is_heard_the_second_time(house: House, twilio: Twilio) -> None:
    statuses = iter([503, 200])
    house.sms_status = lambda: next(statuses)
    house.twiml = lambda: "<Response><Message>here</Message></Response>"

    assert twilio.person_texts("help")["answered"]


def test_a_text_delivered_twice_keeps_its_sid_and_gives_one_answer(
    house: House, twilio: Twilio
) -> None:
    house.twiml = lambda: "<Response><Message>here</Message></Response>"
    twilio.switch(webhook_twice=True)

    told = twilio.person_texts("help")

    assert True is told["alike"]
    assert len({fields["MessageSid"] for _, fields in house.heard}) == 1 and len(house.heard) == 2
    assert [words for words, _ in twilio.bubbles()] == ["help", "here"]


def test_two_different_answers_to_one_text_are_noticed(house: House, twilio: Twilio) -> None:
    words = iter(["first", "second"])
    house.twiml = lambda: f"<Response><Message>{next(words)}</Message></Response>"
    twilio.switch(webhook_twice=True)

    assert False is twilio.person_texts("help")["alike"]
    assert "differ" in str(twilio.phone()["notes"])


def test_stop_blocks_until_start(house: House, twilio: Twilio) -> None:
    house.twiml = lambda: (
        '<Response><Message statusCallback="/twilio/receipts/message">more '
        "words</Message></Response>"
    )

    twilio.person_texts(" Stop ")
    twilio.settle()

    assert house.heard[0][1]["OptOutType"] == "STOP"
    assert twilio.bubbles()[-1] == ("more words", "failed")
    assert house.receipts() == ["failed"]
    with pytest.raises(TwilioRestException) as refused:
        twilio.client.messages.create(to=RESIDENT, from_=OURS, body="an update")
    assert (refused.value.status, refused.value.code) == (400, 21610)

    twilio.person_texts("yes")

    assert house.texts()[-1]["OptOutType"] == "START"
    assert (
        twilio.client.messages.create(to=RESIDENT, from_=OURS, body="an update").status == "queued"
    )


def test_yes_is_a_plain_answer_when_nothing_was_stopped(house: House, twilio: Twilio) -> None:
    twilio.person_texts("yes")
    twilio.person_texts("make it stop")

    assert all("OptOutType" not in fields for _, fields in house.heard)


def test_the_page_works_without_a_script(house: House, twilio: Twilio) -> None:
    house.twiml = lambda: "<Response><Message>Who needs help?</Message></Response>"

    page = requests.post(
        f"{twilio.url}/phone/text",
        data={"from": RESIDENT, "body": "", "key": "1"},
        headers={"Accept": "text/html"},
        timeout=5,
    )

    assert house.heard[0][1]["Body"] == "1"
    assert "Who needs help?" in page.text and "Maria" in page.text
    other = requests.post(
        f"{twilio.url}/phone/choose",
        data={"number": "(720) 555-0199"},
        headers={"Accept": "text/html"},
        timeout=5,
    )
    assert "+17205550199" in other.text and "+1720" not in other.url
    assert (
        requests.post(f"{twilio.url}/phone/choose", data={"number": "911"}, timeout=5).status_code
        == 400
    )


def test_another_web_site_cannot_text_from_here(house: House, twilio: Twilio) -> None:
    answer = requests.post(
        f"{twilio.url}/phone/text",
        data={"from": RESIDENT, "body": "hi"},
        headers={"Sec-Fetch-Site": "cross-site"},
        timeout=5,
    )

    assert answer.status_code == 403 and not house.heard


# Twilio: texts that the service sends


def test_the_real_client_sends_lists_fetches_and_redacts(house: House, twilio: Twilio) -> None:
    callback = f"{house.url}/twilio/receipts/message?message=7"
    before = datetime.now(UTC) - timedelta(seconds=1)

    sent = twilio.client.messages.create(
        to=STAFF, from_=OURS, body="Somebody waits. 1 = I take it", status_callback=callback
    )
    twilio.settle()
    twilio.person_texts("1", STAFF)

    assert (
        sent.status,
        sent.direction,
        sent.num_segments,
        sent.error_code,
        sent.account_sid,
    ) == ("queued", "outbound-api", "1", None, ACCOUNT)
    assert sent.date_created and sent.sid and sent.sid.startswith("SM")
    assert house.receipts() == ["queued", "sent", "delivered"] and all(house.signatures_valid)
    assert twilio.client.messages(sent.sid).fetch().status == "delivered"
    assert [sent.sid] == [
        each.sid for each in twilio.client.messages.list(to=STAFF, date_sent_after=before, limit=5)
    ]
    assert [each.direction for each in twilio.client.messages.list(from_=STAFF)] == ["inbound"]
    assert [each.body for each in twilio.client.messages.list(page_size=1)] == [
        "1",
        "Somebody waits. 1 = I take it",
    ]
    assert twilio.client.messages.list(date_sent_after=datetime.now(UTC) + timedelta(hours=1)) == []
    assert twilio.client.messages(sent.sid).update(body="").body == ""
    assert twilio.client.messages(sent.sid).delete()
    with pytest.raises(TwilioRestException) as gone:
        twilio.client.messages(sent.sid).fetch()
    assert (gone.value.status, gone.value.code) == (404, 20404)


@pytest.mark.parametrize(
    ("to", "sender", "body", "code"),
    [
        ("+15005550009", OURS, "words", 21614),
        ("911", OURS, "words", 21211),
        ("+1911", OURS, "words", 21211),
        ("+1311", OURS, "words", 21211),
        ("nobody", OURS, "words", 21211),
        (RESIDENT, "+17205550155", "words", 21606),
        (RESIDENT, OURS, "", 21602),
        (RESIDENT, OURS, "a" * 1601, 21617),
    ],
)
def test_a_text_that_cannot_be_sent_gets_twilios_code(
    twilio: Twilio, to: str, sender: str, body: str, code: int
) -> None:
    with pytest.raises(TwilioRestException) as refused:
        twilio.client.messages.create(to=to, from_=sender, body=body)

    assert (400, code) == (refused.value.status, refused.value.code)


def test_a_messaging_service_may_send(house: House, twilio: Twilio) -> None:
    service = "MG" + "0" * 32

    sent = twilio.client.messages.create(
        to=RESIDENT,
        messaging_service_sid=service,
        body="words",
        status_callback=house.url + "/twilio/receipts/message",
    )
    twilio.settle()

    assert service == sent.messaging_service_sid
    assert service == house.heard[-1][1]["MessagingServiceSid"]


def test_a_wrong_token_is_refused(twilio: Twilio) -> None:
    with pytest.raises(TwilioRestException) as refused:
        Client(ACCOUNT, "wrong", http_client=ToStandIn(twilio.url)).messages.create(
            to=RESIDENT, from_=OURS, body="words"
        )

    assert (refused.value.status, refused.value.code) == (401, 20003)


@pytest.mark.parametrize(
    ("fault", "status", "code"), [("429", 429, 20429), ("500", 500, 20500), ("21610", 400, 21610)]
)
def test_a_failure_for_the_next_text_happens_once(
    twilio: Twilio, fault: str, status: int, code: int
) -> None:
    twilio.switch(send=fault, send_to=RESIDENT)

    twilio.client.messages.create(to=STAFF, from_=OURS, body="not meant")
    with pytest.raises(TwilioRestException) as refused:
        twilio.client.messages.create(to=RESIDENT, from_=OURS, body="words")
    again = twilio.client.messages.create(to=RESIDENT, from_=OURS, body="words")

    assert (status, code, "queued") == (refused.value.status, refused.value.code, again.status)


def test_a_hanging_send_has_gone_out_and_can_be_looked_up(house: House) -> None:
    """The response does not come in time, although the text was sent: a client that sends again
    without looking it up sends it twice."""
    app = create_twilio(TwilioSettings(ACCOUNT, TOKEN, house.url, OURS, hang=2.0))
    with served(app) as url:
        twilio = Twilio(app, url)
        twilio.switch(send="hang")
        impatient = ToStandIn(url)
        impatient.timeout = 0.5
        with pytest.raises(requests.Timeout):
            Client(ACCOUNT, TOKEN, http_client=impatient).messages.create(
                to=RESIDENT, from_=OURS, body="words"
            )

        assert [each.body for each in twilio.client.messages.list(to=RESIDENT)] == ["words"]


@pytest.mark.parametrize(
    ("switch", "receipts"),
    [
        ("undelivered", ["queued", "sent", "undelivered"]),
        ("receipts_twice", ["queued", "queued", "sent", "sent", "delivered", "delivered"]),
        ("receipts_disordered", ["delivered", "sent", "queued"]),
        ("receipts_late", ["queued", "sent", "delivered"]),
        ("receipts_missing", []),
    ],
)
def test_receipts_fail_as_switched(
    house: House, twilio: Twilio, switch: str, receipts: list[str]
) -> None:
    twilio.switch(**{switch: True})

    twilio.client.messages.create(
        to=RESIDENT,
        from_=OURS,
        body="words",
        status_callback=house.url + "/twilio/receipts/message",
    )
    twilio.settle()

    assert receipts == house.receipts()
    if switch == "undelivered":
        assert house.heard[-1][1]["ErrorCode"] == "30003"


def test_a_receipt_address_outside_the_house_is_not_called(twilio: Twilio) -> None:
    twilio.client.messages.create(
        to=RESIDENT, from_=OURS, body="words", status_callback="http://127.0.0.2:9/receipts"
    )
    twilio.settle()

    assert "outside" in str(twilio.phone()["notes"])


def test_an_unknown_switch_is_refused(twilio: Twilio) -> None:
    assert requests.post(f"{twilio.url}/faults", json={"sned": "429"}, timeout=5).status_code == 400
    assert requests.post(f"{twilio.url}/faults", json={"send": "418"}, timeout=5).status_code == 400
    twilio.switch(send="429", undelivered=True)
    twilio.switch(reset=True)
    assert requests.get(f"{twilio.url}/faults", timeout=5).json()["send"] == ""


def test_the_page_waits_for_news(house: House, twilio: Twilio) -> None:
    version = twilio.phone()["version"]
    threading.Thread(target=twilio.person_texts, args=("hello",)).start()

    news = requests.get(
        f"{twilio.url}/phone/state", params={"after": str(version), "wait": "10"}, timeout=15
    ).json()

    assert news["version"] > version


def test_no_number_in_what_is_logged_or_printed(
    house: House, twilio: Twilio, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="werkzeug")

    twilio.person_texts("words")
    twilio.client.messages.list(to=RESIDENT)
    twilio.phone()

    assert "5550123" not in caplog.text
    assert "5550123" not in repr(twilio.app.extensions["exchange"].texts())
    assert "5550" not in repr(twilio.app.extensions["twilio_settings"])


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("á" * 70, 1),
        ("á" * 71, 2),
        ("é" * 160, 1),
        ("👍" * 35, 1),
    ],
)
def test_parts_are_counted_as_carriers_do(words: str, count: int) -> None:
    assert count == parts(words)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", b"<p>"),
        ("text/xml", b"<Response>"),
        ("text/xml", b"<Say/>"),
        ("text/xml", b"<Response><Say/></Response>"),
    ],
)
def test_what_twilio_could_not_carry_out_is_said(content_type: str, body: bytes) -> None:
    with pytest.raises(NotTwiml):
        read_twiml(Answered(200, content_type, body))


def test_numbers_are_read_as_people_type_them() -> None:
    assert (
        RESIDENT
        == readable_number("720 555 0123")
        == readable_number("1-720-555-0123")
        == readable_number("+1 (720) 555-0123")
    )
    assert None is readable_number("911") is readable_number("hello")


# The CAD


@dataclass
class Cad:
    app: Flask
    url: str

    def delivered(self, secret: str = SECRET, **packet: object) -> requests.Response:
        sent: dict[str, object] = {
            "type": "hand_off.v1",
            "hand_off_id": "h1",
            "revision": 1,
            "reference": "K7",
            "level": "R5",
            **packet,
        }
        body, key, now = (
            json.dumps(sent),
            f"{sent['hand_off_id']}.{sent['revision']}",
            datetime.now(UTC),
        )
        headers = {
            "Content-Type": "application/json",
            "webhook-id": key,
            "Idempotency-Key": key,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(key, now, body),
        }
        return requests.post(f"{self.url}/hand-offs", data=body, headers=headers, timeout=5)

    def acts(self, what: str, hand_off: str = "h1", **more: object) -> dict[str, object]:
        answer = requests.post(
            f"{self.url}/hand-offs/{hand_off}/act", json={"what": what, **more}, timeout=5
        )
        assert answer.ok, answer.text
        told: dict[str, object] = answer.json()
        return told

    @property
    def board(self) -> Board:
        board: Board = self.app.extensions["board"]
        return board

    def stages(self) -> dict[str, str]:
        return {held.hand_off_id: held.stage for held in self.board.all()}

    def settle(self) -> None:
        assert self.app.extensions["errands"].settled()


@pytest.fixture
def cad(house: House) -> Iterator[Cad]:
    app = create_cad(CadSettings(house.url, "token", SECRET, auto=True, pace=0.0, slow=0.0))
    with served(app) as url:
        yield Cad(app, url)


def test_a_signed_hand_off_is_received_once(cad: Cad) -> None:
    first, again = cad.delivered(), cad.delivered()

    assert (first.status_code, again.status_code) == (202, 200)
    assert {"received": "h1"} == first.json() == again.json()
    assert len(cad.board.all()) == 1


def test_a_bad_signature_keeps_nothing(cad: Cad) -> None:
    assert cad.delivered(secret="whsec_" + "b3RoZXI=" * 4).status_code == 401
    assert (
        requests.post(f"{cad.url}/hand-offs", json={"type": "hand_off.v1"}, timeout=5).status_code
        == 401
    )
    torn = {
        "webhook-id": "h1.1",
        "webhook-timestamp": str(int(datetime.now(UTC).timestamp())),
        "webhook-signature": "torn",
    }
    assert (
        requests.post(f"{cad.url}/hand-offs", data="{}", headers=torn, timeout=5).status_code == 401
    )
    assert cad.board.all() == []


def test_the_highest_revision_stays(cad: Cad) -> None:
    assert [
        cad.delivered(revision=number, need=f"n{number}").status_code for number in (1, 3, 2)
    ] == [202, 202, 202]

    held = cad.board.held("h1")
    assert held is not None and (held.revision, held.packet["need"]) == (3, "n3")


def test_a_packet_of_another_kind_is_refused(cad: Cad) -> None:
    assert cad.delivered(type="hand_off.v9").status_code == 422
    assert cad.delivered(hand_off_id="../x").status_code == 422
    assert cad.delivered(revision="one").status_code == 422


@pytest.mark.parametrize(("fault", "status"), [("500", 500), ("404", 404), ("garbage", 200)])
def test_a_failing_cad_keeps_nothing_and_works_again(cad: Cad, fault: str, status: int) -> None:
    assert requests.post(f"{cad.url}/faults", json={"answer": fault, "when": "next"}, timeout=5).ok

    assert status == cad.delivered().status_code and cad.board.all() == []
    assert cad.delivered().status_code == 202


def test_a_cad_that_drops_the_connection_or_is_slow(cad: Cad) -> None:
    requests.post(f"{cad.url}/faults", json={"answer": "drop", "when": "next"}, timeout=5)
    with pytest.raises(requests.ConnectionError):
        cad.delivered()
    requests.post(f"{cad.url}/faults", json={"answer": "slow"}, timeout=5)

    assert cad.delivered().status_code == 202


def test_a_dispatchers_buttons_speak_the_houses_api(house: House, cad: Cad) -> None:
    cad.delivered(level="R1")
    cad.acts("accept_time", by="Lee", at="18:40")
    cad.acts("en_route")
    cad.acts("closed", outcome="safe")
    requests.post(
        f"{cad.url}/hand-offs/h1/note", json={"by": "Lee", "words": "We are close."}, timeout=5
    )

    assert house.told == [
        ("h1/acknowledgement Bearer token", {"answer": "accept", "by": "Lee", "at": "18:40"}),
        ("h1/status Bearer token", {"status": "en_route", "by": "Maria"}),
        ("h1/status Bearer token", {"status": "closed", "by": "Maria", "outcome": "safe"}),
        ("h1/notes Bearer token", {"by": "Lee", "words": "We are close."}),
    ]
    assert cad.stages() == {"h1": "closed"}


def test_a_refusal_of_the_house_moves_nothing_and_is_shown(house: House, cad: Cad) -> None:
    cad.delivered()
    house.api_status = 409

    told = cad.acts("accept")

    assert (told["status"], told["stage"], told["fine"]) == (409, "new", False)
    assert "somebody else has it" in requests.get(cad.url, timeout=5).text


def test_an_unreachable_house_is_told_honestly(cad: Cad) -> None:
    app = create_cad(CadSettings("http://127.0.0.1:9", "token", SECRET, auto=False))
    with served(app) as url:
        alone = Cad(app, url)
        alone.delivered()

        assert (alone.acts("accept")["status"], alone.stages()["h1"]) == (0, "new")
        assert "could not be reached" in requests.get(f"{url}/hand-offs/h1", timeout=5).text


def test_declining_needs_a_reason(house: House, cad: Cad) -> None:
    cad.delivered()

    assert (
        requests.post(
            f"{cad.url}/hand-offs/h1/act", json={"what": "decline"}, timeout=5
        ).status_code
        == 400
    )
    cad.acts("decline", reason="no van")
    assert [said for _, said in house.told] == [
        {"answer": "decline", "by": "Maria", "reason": "no van"}
    ]


def test_the_automatic_dispatcher_brings_a_team_to_the_door(house: House, cad: Cad) -> None:
    cad.delivered(level="R3")
    cad.settle()

    assert cad.stages() == {"h1": "arrived"}
    assert [said.get("in_minutes") for _, said in house.told] == [20, None, None, None]
    assert [said["status"] for door, said in house.told if "/status" in door] == [
        "assigned",
        "en_route",
        "arrived",
    ]


def test_the_automatic_dispatcher_reads_a_story_and_then_brings_the_team(
    house: House, cad: Cad
) -> None:
    cad.delivered(level="R4", review=True, reasons=["story", "team"])
    cad.settle()

    assert cad.stages() == {"h1": "arrived"}
    assert [door.split()[0].rpartition("/")[2] for door, _ in house.told] == [
        "reviewed",
        "acknowledgement",
        "status",
        "status",
        "status",
    ]


def test_every_reason_for_a_review_but_a_story_is_a_humans() -> None:
    protocol = PROGRAM.protocol

    assert {rule.because for rule in protocol.rules if rule.review} == ASK_A_HUMAN | {"story"}


@pytest.mark.parametrize(
    "packet",
    [
        {"level": "R4", "review": True, "reasons": ["story", "under_18"]},
        {"level": "R2", "review": True, "reasons": ["story"]},
        {"level": "R1"},
        {"level": "R2"},
        {"level": "R4", "review": True},
        {"level": None},
        {"level": "R3", "status": "accepted"},
        {"level": "R5"},
    ],
)
def test_the_automatic_dispatcher_never_takes_what_is_a_humans(
    house: House, cad: Cad, packet: dict[str, object]
) -> None:
    cad.delivered(**packet)
    cad.settle()

    assert cad.stages() == {"h1": "new"} and not house.told


def test_the_automatic_dispatcher_stops_when_the_house_does_not_agree(
    house: House, cad: Cad
) -> None:
    house.api_status = 409
    cad.delivered(level="R4")
    cad.settle()

    held = cad.board.held("h1")
    assert held is not None and "did not agree" in held.automatic and len(house.told) == 1


def test_switched_on_later_it_takes_up_what_waits(house: House) -> None:
    app = create_cad(CadSettings(house.url, "token", SECRET, auto=False, pace=0.0))
    with served(app) as url:
        cad = Cad(app, url)
        cad.delivered(level="R4")
        cad.settle()
        assert cad.stages() == {"h1": "new"}

        requests.post(f"{url}/auto", json={"on": True}, timeout=5)
        cad.settle()

        assert cad.stages() == {"h1": "arrived"}


def test_the_pages_show_danger_apart_and_escape_words(house: House, cad: Cad) -> None:
    cad.delivered(hand_off_id="h2", level="R4", review=True, place={"text": "<b>Main St</b>"})
    cad.delivered(level="R1", notes=["a note"], unknown_field={"deep": [1, None, True]})

    board, opened = (
        requests.get(cad.url, timeout=5).text,
        requests.get(f"{cad.url}/hand-offs/h1", timeout=5).text,
    )

    assert "R1 emergency" in board and "R4 review" in board and "&lt;b&gt;Main St" in board
    assert "unknown field" in opened and "a note" in opened and "words about h1" in opened
    assert requests.get(f"{cad.url}/hand-offs/none", timeout=5).status_code == 404
    assert len(requests.get(f"{cad.url}/state", timeout=5).json()["hand_offs"]) == 2


def test_secrets_do_not_show(cad: Cad) -> None:
    settings = replace(cad.app.extensions["cad_settings"], api_token="hidden-token")

    assert "hidden" not in repr(settings) and SECRET not in repr(settings)
