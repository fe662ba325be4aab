"""The stand-in Twilio runs calls as Twilio does: each verb, each result of a queue, keys, hang-ups
and repeats. The service here is a handful of documents, and time is simulated."""

import io
import threading
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest
import requests
from flask import Flask, Response, request
from twilio.request_validator import RequestValidator

from caller_service.rehearsal.call_engine import CallEngine
from caller_service.rehearsal.call_time import VirtualTime
from caller_service.rehearsal.call_web import AppWeb
from caller_service.rehearsal.calling import speech_seconds
from caller_service.rehearsal.carrier import TwilioSettings
from caller_service.rehearsal.carrier_state import Exchange
from caller_service.rehearsal.handset import Handset
from caller_service.rehearsal.pages import served
from caller_service.rehearsal.twilio_stand_in import create_twilio
from caller_service.rehearsal.twiml_rules import WITHHELD

ACCOUNT = "AC" + "0" * 32
TOKEN = "rehearsal-auth-token"
OURS, ME, MARIA = "+17205550100", "+17205550123", "+17205550177"
HOUSE = "https://house.test"
SAY = 'voice="Polly.Joanna-Neural" language="en-US"'
Fields = dict[str, str]


@dataclass
class Service:
    """Documents by path, and the requests for them. A document may be a function of the posted
    fields."""

    documents: dict[str, str | Callable[[Fields], str]] = field(default_factory=dict)
    asked: list[tuple[str, Fields]] = field(default_factory=list)
    # paths that fail, once for each time they are listed
    down: list[str] = field(default_factory=list)

    def app(self) -> Flask:
        app = Flask("service")

        @app.post("/<path:path>")
        def document(path: str) -> Response:
            signature = request.headers.get("X-Twilio-Signature", "")
            assert RequestValidator(TOKEN).validate(request.url, request.form, signature)
            self.asked.append((path, request.form.to_dict()))
            if path in self.down:
                self.down.remove(path)
                return Response(status=500)
            found = self.documents.get(path, "")
            inside = found(request.form.to_dict()) if callable(found) else found
            return Response(f"<Response>{inside}</Response>", mimetype="text/xml")

        @app.get("/tone.wav")
        def tone() -> Response:
            sound = io.BytesIO()
            with wave.open(sound, "wb") as written:
                written.setnchannels(1)
                written.setsampwidth(2)
                written.setframerate(8000)
                written.writeframes(bytes(2 * 8000 * 5))
            return Response(sound.getvalue(), mimetype="audio/wav")

        return app

    def last(self, path: str) -> Fields:
        return [fields for asked, fields in self.asked if asked == path][-1]

    def times(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.asked)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
def engine(service: Service, time: VirtualTime) -> CallEngine:
    settings = TwilioSettings(ACCOUNT, TOKEN, HOUSE, OURS)
    exchange = Exchange(OURS, {MARIA: "Maria"}, ME)
    return CallEngine(settings, exchange, time, AppWeb(service.app().test_client(), TOKEN))


@pytest.fixture
def me(engine: CallEngine) -> Handset:
    return Handset(engine, ME)


@pytest.fixture
def maria(engine: CallEngine) -> Handset:
    return Handset(engine, MARIA)


def asks(words: str, action: str = "/key", **more: object) -> str:
    told = {"numDigits": 1, "timeout": 8, "finishOnKey": "", "action": action} | more
    attributes = " ".join(f'{name}="{value}"' for name, value in told.items() if value is not None)
    return f"<Gather {attributes}><Say {SAY}>{words}</Say></Gather>"


def says(words: str) -> str:
    return f"<Say {SAY}>{words}</Say>"


VOICE, RECEIPTS = "twilio/voice", "twilio/receipts/inbound"


# ---- an inbound call -----------------------------------------------------------------------------


def test_a_call_comes_in_as_twilio_tells_it(service: Service, me: Handset) -> None:
    service.documents[VOICE] = says("Hello.")

    me.dials().ends()

    assert {
        "CallSid": me.call.sid, "AccountSid": ACCOUNT, "ApiVersion": "2010-04-01", "From": ME,
        "To": OURS, "CallStatus": "ringing", "Direction": "inbound", "Caller": ME, "Called": OURS,
    } == service.last(VOICE)  # fmt: skip
    told = service.last(RECEIPTS)
    assert ("completed", "0") == (told["CallStatus"], told["CallDuration"])
    assert ["Hello."] == me.said


@pytest.mark.parametrize("withheld", WITHHELD)
def test_a_number_may_be_withheld(service: Service, me: Handset, withheld: str) -> None:
    service.documents[VOICE] = says("Hello.")

    me.dials(withheld=withheld).ends()

    assert withheld == service.last(VOICE)["From"]
    assert ME not in str(service.asked)


def test_speech_takes_its_time_at_150_words_a_minute(
    service: Service, me: Handset, time: VirtualTime
) -> None:
    """150 words a minute; each digit counts as a word."""
    assert 4.0 == pytest.approx(speech_seconds("Is this about you? Yes, press 1. Other, press 2."))
    assert 2.0 == pytest.approx(speech_seconds("Call 911 now."))
    assert 1.6 == pytest.approx(speech_seconds("我是自動服務。"))
    service.documents[VOICE] = (
        f'<Say {SAY}><prosody rate="slow">One two three four five</prosody></Say>'
        '<Pause length="3"/><Play loop="2">/tone.wav</Play><Play digits="12"/>'
    )

    me.dials().ends()

    assert 2.5 + 3 + 2 * 5 + 1 == pytest.approx(time.now())
    assert ["says", "silence", "plays", "plays", "plays", "ended"] == [one.kind for one in me.lines]


def test_the_first_verb_may_refuse_the_call(service: Service, me: Handset) -> None:
    service.documents[VOICE] = '<Reject reason="busy"/>'

    me.dials().ends("busy")

    assert ("busy", "0") == tuple(
        service.last(RECEIPTS)[one] for one in ("CallStatus", "CallDuration")
    )


def test_a_redirect_is_followed_and_the_rest_is_left(service: Service, me: Handset) -> None:
    service.documents[VOICE] = says("One.") + "<Redirect>/next?step=2&amp;x=y</Redirect>"
    service.documents["next"] = says("Two.") + "<Hangup/>"

    me.dials().ends()

    assert ["One.", "Two."] == me.said
    assert "in-progress" == service.last("next")["CallStatus"]


# ---- keys ----------------------------------------------------------------------------------------


def test_a_key_cuts_the_words_off_and_goes_to_the_action(service: Service, me: Handset) -> None:
    service.documents[VOICE] = asks("Is this about you? Yes, press 1.") + says("Silence.")
    service.documents["key"] = says("Thank you.")

    me.dials().waits(1).press("1").ends()

    assert ("1", "") == tuple(service.last("key")[name] for name in ("Digits", "FinishedOnKey"))
    assert [True, False] == [one.cut for one in me.lines if one.kind == "says"]
    me.never_hears("Silence.")


def test_silence_falls_through_to_the_next_verb(
    service: Service, me: Handset, time: VirtualTime
) -> None:
    service.documents[VOICE] = asks("One two three four five.") + says("Still here.")

    me.dials().listens()
    assert 2.0 == pytest.approx(time.now())
    me.says_nothing()

    assert 0 == service.times("key")
    me.hears("Still here.").ends()


def test_silence_is_told_if_it_is_asked_for(service: Service, me: Handset) -> None:
    service.documents[VOICE] = asks("Press 1.", actionOnEmptyResult="true")
    service.documents["key"] = says("You said nothing.")

    me.dials().listens().says_nothing().hears("You said nothing.")

    assert "" == service.last("key")["Digits"]


def test_keys_are_collected_until_one_ends_them_or_time_does(
    service: Service, me: Handset, time: VirtualTime
) -> None:
    service.documents[VOICE] = asks("House number.", numDigits=None, finishOnKey=None, timeout=4)
    service.documents["key"] = asks("Street.", "/street", numDigits=None, timeout=4)

    me.dials().listens().press("10").waits(3).press("9").waits(3).press("0#")
    assert ("1090", "#") == tuple(service.last("key")[one] for one in ("Digits", "FinishedOnKey"))

    me.listens().press("12#").waits(5)
    assert "12#" == service.last("street")["Digits"]  # finishOnKey="": every key is collected


def test_a_finish_key_alone_is_silence(service: Service, me: Handset) -> None:
    service.documents[VOICE] = asks("Press.", finishOnKey="#", numDigits=4) + says("Nothing came.")

    me.dials().listens().press("#").ends().hears("Nothing came.")

    assert 0 == service.times("key")


def test_without_an_action_the_document_is_asked_again(service: Service, me: Handset) -> None:
    service.documents[VOICE] = lambda told: (
        says(f"Pressed {told['Digits']}.") if "Digits" in told else asks("Press.", action=None)
    )

    me.dials().listens().press("7").ends().hears("Pressed 7.")


@pytest.mark.parametrize("lost", [False, True])
def test_keys_between_documents_are_kept_or_lost(
    service: Service, engine: CallEngine, me: Handset, lost: bool
) -> None:
    service.documents[VOICE] = says("A long sentence comes first.") + asks("Press.")
    service.documents["key"] = says("Thank you.")
    engine.exchange.switch({"keys_lost": lost})

    me.dials().waits(0.5).press("2")

    if lost:
        me.listens().hears("Press.")
        assert 0 == service.times("key")
        assert ["2"] == [one.words for one in me.lines if one.kind == "lost"]
    else:
        me.ends().never_hears("Press.")
        assert "2" == service.last("key")["Digits"]


def test_two_kept_keys_serve_two_questions(service: Service, me: Handset) -> None:
    service.documents[VOICE] = says("Welcome to this line.") + asks("First.", "/first")
    service.documents["first"] = asks("Second.", "/second")

    me.dials().waits(0.1).press("12").ends()

    assert ["1", "2"] == [service.last(path)["Digits"] for path in ("first", "second")]


# ---- speech --------------------------------------------------------------------------------------


def test_words_go_to_a_gather_that_listens_for_them(service: Service, me: Handset) -> None:
    service.documents[VOICE] = asks("Keys only.", "/keys") + (
        '<Gather input="dtmf speech" language="en-US" speechTimeout="3" action="/said" timeout="5"/>'
    )

    me.dials().waits(0.2).speaks("no, let go of me").listens()
    # background noise decides nothing
    assert [] == [path for path, _ in service.asked if path != VOICE]
    me.says_nothing().speaks("Elm Street", confidence=0.42)

    told = service.last("said")
    assert ("Elm Street", "0.4200000") == (told["SpeechResult"], told["Confidence"])
    assert "Digits" not in told


def test_a_key_may_come_where_words_are_listened_for(service: Service, me: Handset) -> None:
    service.documents[VOICE] = '<Gather input="dtmf speech" numDigits="1" action="/said"/>'

    me.dials().listens().press("1").ends()

    assert "1" == service.last("said")["Digits"]
    assert "SpeechResult" not in service.last("said")


# ---- calls by REST -------------------------------------------------------------------------------


def rung(engine: CallEngine, to: str = MARIA, **more: object) -> None:
    told = {"events": frozenset({"initiated", "ringing", "answered", "completed"}), **more}
    url, receipts = f"{HOUSE}/staff?id=c1", f"{HOUSE}/receipts?id=c1"
    engine.ring(to, url, receipts, 30.0, "Enable", **told)


def receipts(service: Service) -> list[str]:
    return [fields["CallStatus"] for path, fields in service.asked if path == "receipts"]


@pytest.mark.parametrize("by", ["human", "machine_start", "unknown", "fax"])
def test_a_phone_is_rung_and_answered(
    service: Service, engine: CallEngine, maria: Handset, by: str
) -> None:
    service.documents["staff"] = asks("Care Line. Press 1 to take it.")

    rung(engine)
    maria.rings().answers(by).listens().press("1").ends()

    assert by == service.last("staff")["AnsweredBy"]
    assert ("outbound-api", "1") == (
        service.last("key")["Direction"],
        service.last("key")["Digits"],
    )
    assert ["initiated", "ringing", "in-progress", "completed"] == receipts(service)
    assert ["0", "1", "2", "3"] == [
        fields["SequenceNumber"] for path, fields in service.asked if path == "receipts"
    ]


def test_nobody_answers_they_decline_or_are_busy(
    service: Service, engine: CallEngine, maria: Handset, time: VirtualTime
) -> None:
    rung(engine)
    maria.rings().ends("no-answer")
    assert 30 == pytest.approx(time.now())

    rung(engine)
    maria = Handset(engine, MARIA).rings().declines().ends("busy")

    maria.does("busy")
    rung(engine)
    time.run()
    assert ["no-answer", "busy", "busy"] == [one for one in receipts(service) if one[0] in "nb"]


def test_a_voicemail_answers_by_itself(
    service: Service, engine: CallEngine, maria: Handset
) -> None:
    service.documents["staff"] = asks("Press 1.") + says("Nobody pressed.")
    maria.does("voicemail")

    rung(engine)
    maria.ends()

    assert "machine_start" == service.last("staff")["AnsweredBy"]
    assert 0 == service.times("key")


def test_calls_by_rest_leave_at_twilios_pace(
    service: Service, engine: CallEngine, time: VirtualTime
) -> None:
    engine.settings = replace(engine.settings, calls_a_second=1.0)

    for number in (MARIA, ME, "+17205550178"):
        rung(engine, number)
    time.run()
    assert ["ringing", "queued", "queued"] == [call.status for call in engine.calls()]
    time.run(2.0)

    assert {"ringing"} == {call.status for call in engine.calls()}
    assert ["0", "1000", "2000"] == [
        call.resource(ACCOUNT)["queue_time"] for call in engine.calls()
    ]


def test_a_document_may_come_with_the_call_and_its_time_is_limited(
    service: Service, engine: CallEngine, maria: Handset
) -> None:
    engine.ring(
        MARIA, "", "", 30, "", twiml='<Response><Pause length="60"/></Response>', lasts=20.0
    )

    maria.rings().answers().ends()

    assert 20 == maria.call.duration
    assert [] == service.asked


# ---- queues and bridges --------------------------------------------------------------------------

WAITS = '<Enqueue waitUrl="/wait" action="/out">case-1</Enqueue>'
TAKES = '<Dial timeout="5" action="/dialed" hangupOnStar="true"><Queue url="/bridge">case-1</Queue></Dial>'


@pytest.fixture
def queue(service: Service) -> Service:
    service.documents |= {
        VOICE: WAITS + says("After the queue."),
        "wait": says("I am still asking.") + '<Pause length="10"/>',
        "bridge": says("I am connecting you."),
        "staff": TAKES,
        "dialed": says("They are gone."),
        "out": lambda told: WAITS if told["QueueResult"] == "bridged" else says("Goodbye."),
    }
    return service


def test_a_call_waits_and_its_document_is_asked_for_again(
    queue: Service, me: Handset, engine: CallEngine
) -> None:
    other = Handset(engine, "+17205550124").dials()

    me.dials().waits(45)

    assert 4 == sum(one["CallSid"] == me.call.sid for path, one in queue.asked if path == "wait")
    told = queue.last("wait")
    sid = engine.queues["case-1"].sid
    assert ("2", "2", sid) == (told["QueuePosition"], told["CurrentQueueSize"], told["QueueSid"])
    assert 30 <= int(told["QueueTime"]) <= 45
    assert 30 <= int(told["AvgQueueTime"]) <= 45
    other.hangs_up()
    assert 1 == len(engine.queues["case-1"].members)


def test_the_oldest_call_is_joined_after_the_words_before_it(
    queue: Service, engine: CallEngine, me: Handset, maria: Handset
) -> None:
    me.dials().waits(1)
    later = Handset(engine, "+17205550124").dials().waits(1)

    rung(engine)
    maria.rings().answers().joined("Resident")
    me.joined("Maria").hears("I am connecting you.")
    assert not later.call.joined
    assert maria.call.sid == queue.last("bridge")["DequeingCallSid"]
    me.speaks("Hello?")
    maria.speaks("This is Maria.").waits(31)

    assert ["This is Maria."] == [one.words for one in me.lines if one.kind == "hears"]
    assert ["Hello?"] == [one.words for one in maria.lines if one.kind == "hears"]
    maria.hangs_up()
    me.parted().waits(0)
    told = queue.last("out")
    assert ("bridged", engine.queues["case-1"].sid) == (told["QueueResult"], told["QueueSid"])
    told = queue.last("dialed")
    assert ("completed", "true", "31", me.call.sid) == (
        told["DialCallStatus"], told["DialBridged"], told["DialCallDuration"], told["DialCallSid"],
    )  # fmt: skip
    assert "completed" == told["CallStatus"]  # the response to it is ignored
    maria.never_hears("They are gone.")
    assert [later.call, me.call] == [one.call for one in engine.queues["case-1"].members]


def test_the_waiting_person_hangs_up_in_the_talk(
    queue: Service, engine: CallEngine, me: Handset, maria: Handset
) -> None:
    me.dials().waits(1)
    rung(engine)
    maria.rings().answers().joined()

    me.hangs_up()

    assert "bridged" == queue.last("out")["QueueResult"]
    maria.ends().hears("They are gone.")


def test_a_star_ends_the_bridge_and_both_go_on(
    queue: Service, engine: CallEngine, me: Handset, maria: Handset
) -> None:
    me.dials().waits(1)
    rung(engine)
    maria.rings().answers().joined().press("5").waits(1)
    assert maria.call.joined

    maria.press("*").parted()

    maria.ends().hears("They are gone.")
    assert 1 == len(engine.queues["case-1"].members)
    assert not me.over


def test_an_empty_queue_is_waited_in_for_its_time(
    queue: Service, engine: CallEngine, me: Handset, maria: Handset
) -> None:
    me.dials().hangs_up()
    assert "hangup" == queue.last("out")["QueueResult"]
    rung(engine)

    maria.rings().answers().ends()

    told = queue.last("dialed")
    assert ("no-answer", "false") == (told["DialCallStatus"], told["DialBridged"])
    assert 0 == queue.times("bridge")
    maria.hears("They are gone.")


def test_a_call_that_comes_while_somebody_dials_is_taken(
    queue: Service, engine: CallEngine, me: Handset, maria: Handset
) -> None:
    engine.queue("case-1")
    rung(engine)
    maria.rings().answers().waits(3)

    me.dials().joined("Maria")

    maria.joined("Resident")


def test_a_queue_that_nobody_ever_waited_in_fails(
    queue: Service, engine: CallEngine, maria: Handset
) -> None:
    rung(engine)

    maria.rings().answers().ends()

    assert "failed" == queue.last("dialed")["DialCallStatus"]


def test_the_person_hangs_up_while_they_hear_who_comes(
    queue: Service, engine: CallEngine, me: Handset, maria: Handset
) -> None:
    me.dials().waits(1)
    rung(engine)
    maria.rings().answers()
    me.is_saying("I am connecting you.").hangs_up()

    maria.ends().hears("They are gone.")

    told = queue.last("dialed")
    assert ("no-answer", "false") == (told["DialCallStatus"], told["DialBridged"])
    assert "hangup" == queue.last("out")["QueueResult"]


def test_staff_hang_up_while_the_person_hears_who_comes(
    queue: Service, engine: CallEngine, me: Handset, maria: Handset
) -> None:
    me.dials().waits(1)
    rung(engine)
    maria.rings().answers()
    me.is_saying("I am connecting you.")

    maria.hangs_up()

    me.waits(5)
    assert [me.call] == [one.call for one in engine.queues["case-1"].members]


def test_a_wait_document_may_listen_and_be_left(queue: Service, me: Handset) -> None:
    queue.documents["wait"] = asks("For 988 press 4.", "/wait-key") + "<Redirect>/wait</Redirect>"
    queue.documents["wait-key"] = "<Leave/>"

    me.dials().listens().says_nothing().press("4")

    assert ("leave", "Goodbye.") == (queue.last("out")["QueueResult"], me.said[-1])
    assert 2 == queue.times("wait")


def test_without_an_action_the_next_verb_follows(queue: Service, me: Handset) -> None:
    queue.documents[VOICE] = '<Enqueue waitUrl="/wait">case-1</Enqueue>' + says("After the queue.")
    queue.documents["wait"] = "<Leave/>"

    me.dials().ends().hears("After the queue.")


def test_a_wait_document_may_hang_up(queue: Service, me: Handset) -> None:
    queue.documents["wait"] = says("Goodbye.") + "<Hangup/>"

    me.dials().ends()

    assert "hangup" == queue.last("out")["QueueResult"]


def test_a_full_queue_says_so(queue: Service, engine: CallEngine, me: Handset) -> None:
    queue.documents[VOICE] = WAITS.replace("<Enqueue", '<Enqueue maxQueueSize="1"')
    first = Handset(engine, "+17205550124").dials()

    me.dials().ends().hears("Goodbye.")

    told = queue.last("out")
    assert "queue-full" == told["QueueResult"]
    assert "QueueSid" not in told and "QueueTime" not in told
    assert not first.over


@pytest.mark.parametrize("result", ["system-error", "queue-full"])
def test_a_queue_fails_as_switched(
    queue: Service, engine: CallEngine, me: Handset, result: str
) -> None:
    engine.exchange.switch({"queue": result})

    me.dials().ends().hears("Goodbye.")

    assert result == queue.last("out")["QueueResult"]
    assert 0 == queue.times("wait")


def test_rest_takes_a_call_out_of_its_queue(
    queue: Service, engine: CallEngine, me: Handset, maria: Handset
) -> None:
    queue.documents["elsewhere"] = says("Somewhere else.")
    me.dials().waits(3)

    engine.redirect(me.call, f"{HOUSE}/elsewhere")

    me.ends().hears("Somewhere else.").never_hears("Goodbye.")
    assert "redirected" == queue.last("out")["QueueResult"]
    assert [] == engine.queues["case-1"].members


def test_rest_takes_a_call_out_of_a_bridge(
    queue: Service, engine: CallEngine, me: Handset, maria: Handset
) -> None:
    queue.documents["elsewhere"] = says("Somewhere else.")
    me.dials().waits(3)
    rung(engine)
    maria.rings().answers().joined()

    engine.redirect(me.call, f"{HOUSE}/elsewhere")

    me.ends().hears("Somewhere else.")
    assert "redirected-from-bridged" == queue.last("out")["QueueResult"]
    maria.ends().hears("They are gone.")


def test_a_fault_in_the_wait_document_is_an_error_of_the_queue(
    queue: Service, engine: CallEngine
) -> None:
    me = Handset(engine, ME, refusals_allowed=True)
    queue.documents["wait"] = "<Dial><Number>988</Number></Dial>"

    me.dials().ends().hears("Goodbye.")

    assert "error" == queue.last("out")["QueueResult"]
    assert ("<Dial>: not in a document for a wait",) == engine.refusals[-1].why


@pytest.mark.parametrize(
    ("how", "status", "bridged"),
    [
        ("answer", "completed", "true"),
        ("busy", "busy", "false"),
        ("no-answer", "no-answer", "false"),
    ],
)
def test_a_number_is_dialed(
    service: Service, engine: CallEngine, me: Handset, how: str, status: str, bridged: str
) -> None:
    service.documents[VOICE] = '<Dial timeout="20" action="/dialed"><Number>988</Number></Dial>'
    service.documents["dialed"] = says("Back with us.")
    engine.lines["988"] = how

    me.dials()
    if how == "answer":
        me.joined("988")
        assert "You reached 988 (rehearsal)" == me.lines[-1].words
        engine.far_end_hangs_up(me.call)

    me.ends().hears("Back with us.")
    told = service.last("dialed")
    assert (status, bridged) == (told["DialCallStatus"], told["DialBridged"])


def test_a_bridge_ends_at_its_time(service: Service, me: Handset, time: VirtualTime) -> None:
    service.documents[VOICE] = (
        '<Dial timeLimit="60" action="/dialed"><Number>+13035550199</Number></Dial>'
    )

    me.dials().joined("+13035550199").ends()

    assert "60" == service.last("dialed")["DialCallDuration"]


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "inside",
    ["<Record/>", '<Say bogus="1">Hi</Say>', "<Gather><Hangup/></Gather>", "<Leave/>", "<Say>"],
)
def test_what_twilio_would_not_carry_out_is_refused_loudly(
    service: Service, engine: CallEngine, inside: str
) -> None:
    service.documents[VOICE] = says("Fine.") + "<Redirect>/next</Redirect>"
    service.documents["next"] = says("Never heard.") + inside

    with pytest.raises(AssertionError, match="/next"):
        Handset(engine, ME).dials().ends()

    me = Handset(engine, ME, refusals_allowed=True).ends()
    me.hears("an application error has occurred").never_hears("Never heard.")
    assert me.call.sid == engine.refusals[-1].sid
    assert "not usable" in engine.exchange.notes[-1]["words"]


def test_an_address_elsewhere_is_not_called(service: Service, engine: CallEngine) -> None:
    me = Handset(engine, ME, refusals_allowed=True)
    for inside in (
        "<Redirect>https://elsewhere.test/x</Redirect>",
        '<Gather action="https://elsewhere.test/x" actionOnEmptyResult="true"/>',
        "<Play>https://elsewhere.test/x.wav</Play>",
        "<Play>/missing.wav</Play>",
    ):
        service.documents[VOICE] = inside
        me.dials().ends().hears("application error")
    assert 4 == len(engine.refusals)
    assert {VOICE, RECEIPTS} == {path for path, _ in service.asked}


# ---- what is refused or ignored ------------------------------------------------------------------


def test_a_webhook_that_fails_is_sent_again(service: Service, engine: CallEngine) -> None:
    service.documents[VOICE] = says("Hello.")
    service.down = [VOICE]
    Handset(engine, ME).dials().ends().hears("Hello.")
    assert 2 == service.times(VOICE)

    service.down = [VOICE, VOICE]
    me = Handset(engine, ME, refusals_allowed=True).dials().ends()
    me.hears("application error").never_hears("Hello.")


@pytest.mark.parametrize(("switch", "heard"), [("webhook_twice", "2"), ("webhook_repeated", "1")])
def test_every_webhook_may_come_twice(
    service: Service, engine: CallEngine, me: Handset, switch: str, heard: str
) -> None:
    """`webhook_twice`: the first response is lost; `webhook_repeated`: the first one counts."""
    service.documents[VOICE] = lambda _: says(f"Answer {service.times(VOICE)}.")
    engine.exchange.switch({switch: True})

    me.dials().ends().hears(f"Answer {heard}.")

    assert 2 == service.times(VOICE)
    assert "differ" in engine.exchange.notes[-1]["words"]


def test_a_webhook_is_repeated_after_the_call_has_ended(
    service: Service, engine: CallEngine, me: Handset
) -> None:
    service.documents[VOICE] = asks("Press.")
    me.dials().listens().press("1").ends()

    engine.repeat(me.call)

    first, second = (fields for path, fields in service.asked if path == "key")
    assert first == second
    assert "completed" == me.call.status


@pytest.mark.parametrize(
    ("switches", "told"),
    [
        (
            {"receipts_twice": True},
            ["initiated", "initiated", "ringing", "ringing", "busy", "busy"],
        ),
        ({"receipts_disordered": True}, ["busy", "ringing", "initiated"]),
        ({"receipts_missing": True}, []),
        ({"receipts_late": True}, ["initiated", "ringing", "busy"]),
    ],
)
def test_receipts_come_as_switched(
    service: Service,
    engine: CallEngine,
    maria: Handset,
    time: VirtualTime,
    switches: dict[str, bool],
    told: list[str],
) -> None:
    engine.exchange.switch(switches)

    rung(engine)
    maria.rings().declines()
    assert not ("receipts_late" in switches and receipts(service))
    time.run(engine.settings.late)

    assert told == receipts(service)


def test_what_comes_after_a_hang_up_is_not_run(service: Service, me: Handset) -> None:
    """The person hangs up while the service is being asked."""

    def slow(_: Fields) -> str:
        me.hangs_up()
        return says("Too late.")

    service.documents[VOICE] = asks("Press.")
    service.documents["key"] = slow

    me.dials().listens().press("1").waits(10)

    assert "completed" == service.last(RECEIPTS)["CallStatus"]
    me.never_hears("Too late.")
    assert 1 == service.times(RECEIPTS)


def test_keys_pressed_while_the_service_is_asked_are_kept(service: Service, me: Handset) -> None:
    def slow(_: Fields) -> str:
        me.engine.press(me.call, "2")
        return asks("Second.", "/second")

    service.documents[VOICE] = asks("First.", "/first")
    service.documents["first"] = slow

    me.dials().listens().press("1").ends()

    assert "2" == service.last("second")["Digits"]


def test_two_calls_of_one_number(service: Service, engine: CallEngine, me: Handset) -> None:
    service.documents[VOICE] = asks("Press.")
    second = Handset(engine, ME)

    me.dials().listens()
    second.dials().listens().press("2").ends()
    me.press("1").ends()

    assert ["2", "1"] == [one["Digits"] for path, one in service.asked if path == "key"]
    assert me.call.sid != second.call.sid


# ---- over HTTP -----------------------------------------------------------------------------------


@pytest.fixture
def over_http(service: Service) -> Iterator[str]:
    with served(service.app()) as house:
        settings = TwilioSettings(ACCOUNT, TOKEN, house, OURS, {MARIA: "Maria"}, speed=100)
        with served(create_twilio(settings)) as url:
            yield url


def acts(url: str, **told: str) -> dict[str, object]:
    answer = requests.post(f"{url}/phone/call", json=told, timeout=10)
    assert answer.ok, answer.text
    shown: dict[str, object] = answer.json()
    return shown


def test_the_page_can_dial_press_speak_and_hang_up(service: Service, over_http: str) -> None:
    service.documents[VOICE] = asks("Press 1.", timeout=600)
    service.documents["key"] = '<Gather input="speech" action="/said" timeout="600"/>'
    service.documents["said"] = '<Pause length="600"/>'

    sid = str(acts(over_http, act="dial", **{"from": ME}, withheld="anonymous")["sid"])
    assert "anonymous" == service.last(VOICE)["From"]
    acts(over_http, act="1", call=sid)
    acts(over_http, act="speak", call=sid, words="Elm Street")
    shown = acts(over_http, act="hang_up", call=sid)

    assert ("1", "Elm Street") == (
        service.last("key")["Digits"],
        service.last("said")["SpeechResult"],
    )
    assert "completed" == shown["status"]
    # "listens" appears if the key came after the words had ended: the machine may be slow
    assert ["says", "presses", "speaks", "silence", "ended"] == [
        line["kind"]
        for line in shown["lines"]  # type: ignore[attr-defined]
        if line["kind"] != "listens"
    ]


def test_the_page_calls_without_a_script(service: Service, over_http: str) -> None:
    service.documents[VOICE] = asks("Is this about you?", timeout=600)
    assert "Call the program" in requests.get(over_http, timeout=10).text

    told = {"act": "dial", "from": ME, "withheld": "anonymous", "back": "p1"}
    page = requests.post(f"{over_http}/phone/call", data=told, timeout=10)

    assert page.url.endswith("?phone=p1")
    for part in ("Is this about you?", "It waits for a key.", 'value="#"', "Hang up", "Say it"):
        assert part in page.text
    assert "anonymous" == service.last(VOICE)["From"]


def test_the_page_refuses_what_is_no_call(over_http: str) -> None:
    for told in (
        {"act": "dial", "from": "nobody"},
        {"act": "dial", "from": ME, "to": "+13035550100"},
        {"act": "dial", "from": ME, "withheld": "hidden"},
    ):
        assert 400 == requests.post(f"{over_http}/phone/call", json=told, timeout=10).status_code


def test_a_refusal_is_seen_over_http(service: Service, over_http: str) -> None:
    service.documents[VOICE] = "<Record/>"

    shown = acts(over_http, act="dial", **{"from": ME})

    assert "<Record>" in str(shown["fault"])
    listed = requests.get(
        f"{over_http}/2010-04-01/Accounts/{ACCOUNT}/Calls/{shown['sid']}/Notifications.json",
        auth=(ACCOUNT, TOKEN),
        timeout=10,
    ).json()["notifications"]
    assert ["<Record>: not in a document for a call"] == [one["message_text"] for one in listed]


def test_the_page_is_read_while_a_call_goes_on(engine: CallEngine) -> None:
    """A thread that advances a call notifies the page, and a thread that renders the page reads the
    call: they must not deadlock."""

    def asked(number: str) -> str:
        told = threading.Thread(target=engine.exchange.changed, daemon=True)
        told.start()
        told.join(10)
        return "waits" if told.is_alive() else number

    shown = engine.exchange.as_json(engine.exchange.first(), asked)

    assert [ME, MARIA] == [shown["call"], *(other["call"] for other in shown["others"])]


def test_no_number_in_what_is_printed(service: Service, engine: CallEngine, me: Handset) -> None:
    service.documents[VOICE] = WAITS + says("Words.")
    me.dials().waits(1)

    for shown in (repr(me.call), repr(engine.queues), repr(me.lines), repr(list(engine.refusals))):
        assert ME not in shown and "Words" not in shown
