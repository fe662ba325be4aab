"""Anything in a voice document that Twilio would refuse or change is reported; what it carries out
is not."""

import pytest

from caller_service.rehearsal.twiml_rules import (
    LARGEST_DOCUMENT,
    PLACES,
    TABLE,
    faults,
    vocabulary,
)

VOICE = 'voice="Google.en-US-Neural2-C" language="en-US"'


def document(inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'


@pytest.mark.parametrize(
    ("inside", "place"),
    [
        (f"<Say {VOICE}>Hello</Say><Hangup/>", "call"),
        ('<Say voice="Polly.Mia-Neural" language="es-MX">Hola</Say>', "call"),
        ('<Say language="en-US">A language alone</Say>', "call"),
        ('<Say voice="Google.yue-HK-Standard-A" language="zh-HK">你好</Say>', "call"),
        ('<Say voice="Google.fil-ph-Neural2-A" language="fil-PH">Kumusta</Say>', "call"),
        ('<Say voice="Polly.Kajal-Neural" language="hi-IN">नमस्ते</Say>', "call"),
        (f'<Say {VOICE}><prosody rate="slow">Slowly.</prosody><break time="500ms"/></Say>', "call"),
        ('<Play loop="3">https://house.test/tone.wav</Play><Play digits="1w2"/>', "call"),
        (
            '<Gather input="dtmf" numDigits="1" timeout="8" finishOnKey="" '
            f'actionOnEmptyResult="true" action="/key?id=1&amp;step=2"><Say {VOICE}>Hi</Say>'
            '<Pause length="1"/></Gather><Redirect>/next</Redirect>',
            "call",
        ),
        (
            '<Gather input="dtmf speech" language="ar-EG" hints="yes, no" speechTimeout="3" '
            'profanityFilter="false" action="/said"/><Hangup/>',
            "call",
        ),
        ('<Enqueue waitUrl="/wait" action="/out">case-1</Enqueue>', "call"),
        ('<Enqueue waitUrl="" action="/out">case-1</Enqueue>', "call"),
        ('<Dial timeout="5" action="/over"><Queue url="/bridge">case-1</Queue></Dial>', "call"),
        ('<Dial hangupOnStar="true" callerId="+17205550100"><Number>988</Number></Dial>', "call"),
        ("<Dial><Number>+13035550911</Number></Dial>", "call"),
        ('<Reject reason="busy"/>', "call"),
        ('<Gather timeout="5" action="/wait/key"><Pause length="5"/></Gather><Leave/>', "wait"),
        (f"<Say {VOICE}>I am connecting you.</Say>", "bridge"),
        ("", "call"),
    ],
)
def test_a_right_document_has_no_fault(inside: str, place: str) -> None:
    assert () == faults(document(inside), place)


@pytest.mark.parametrize(
    ("inside", "place", "named"),
    [
        ("<Record/>", "call", "<Record>: not in a document for a call"),
        ("<Leave/>", "call", "<Leave>: not in a document for a call"),
        ("<Dial><Queue>a</Queue></Dial>", "wait", "<Dial>: not in a document for a wait"),
        ('<Gather action="/x"/>', "bridge", "<Gather>: not in a document for a bridge"),
        ('<Say bogus="3">Hi</Say>', "call", "<Say bogus>: no such attribute"),
        ('<Say voice="Nobody">Hi</Say>', "call", 'Twilio has no voice "Nobody"'),
        ('<Say language="ht-HT">Bonjou</Say>', "call", 'Twilio speaks no "ht-HT"'),
        ('<Say voice="Polly.Mia-Neural" language="en-US">Hi</Say>', "call", "does not speak"),
        ('<Say voice="Google.es-US-Neural2-A" language="es-MX">Hola</Say>', "call", "not speak"),
        ("<Say><s>Hi</s></Say>", "call", "read no marks"),
        ("<Say></Say>", "call", "<Say>: is empty"),
        ("<Say>" + "你" * 501 + "</Say>", "call", "4509 letters URL-encoded, over 4500"),
        ('<Say voice="Polly.Amy">' + "a" * 3001 + "</Say>", "call", "3001 letters, over 3000"),
        ('<Gather language="ar-XA" input="speech"/>', "call", 'language="ar-XA"'),
        ('<Gather language="en-US"/>', "call", "<Gather language>: has no effect"),
        ('<Gather input="speech" numDigits="1"/>', "call", "<Gather numDigits>: has no effect"),
        ('<Gather numDigits="0"/>', "call", "a whole number, 1 or more"),
        ('<Gather finishOnKey="12"/>', "call", "one key, or nothing"),
        ('<Gather method="GET"/>', "call", "must be one of POST"),
        ("<Gather><Hangup/></Gather>", "call", "<Hangup> in <Gather>: not allowed"),
        ("<Gather>words</Gather>", "call", "<Gather>: holds no words"),
        ("<Hangup/><Say>Hi</Say>", "call", "<Say> after <Hangup>: never reached"),
        ("<Say>Hi</Say><Reject/>", "call", "<Reject>: only as the first verb"),
        ('<Dial timeout="4"><Queue>a</Queue></Dial>', "call", "5 to 600"),
        ('<Dial record="true"><Queue>a</Queue></Dial>', "call", "<Dial record>"),
        ("<Dial><Conference>a</Conference></Dial>", "call", "beeps and plays music"),
        ('<Dial><Conference record="true">a</Conference></Dial>', "call", "<Conference record>"),
        ("<Dial><Queue>a</Queue><Queue>b</Queue></Dial>", "call", "exactly one"),
        ("<Dial>+17205550100</Dial>", "call", "exactly one"),
        ("<Dial><Number>911</Number></Dial>", "call", "911 is never dialed by software"),
        ("<Dial><Number>+1911</Number></Dial>", "call", "never dialed"),
        ("<Dial><Number>933</Number></Dial>", "call", "never dialed"),
        ("<Dial><Number>5550100</Number></Dial>", "call", "988 or a line"),
        ("<Enqueue>" + "q" * 65 + "</Enqueue>", "call", "at most 64 letters"),
        ('<Enqueue workflowSid="WW1">q</Enqueue>', "call", "<Enqueue workflowSid>"),
        ("<Play/>", "call", "either an address or digits"),
        ("<Play>ftp://house.test/a.wav</Play>", "call", "an address"),
        ("<Redirect></Redirect>", "call", "<Redirect>: is empty"),
        ("Hello", "call", "words outside of any verb"),
        ("<Pause/>" * 9000, "call", "11750"),
    ],
)
def test_each_fault_is_named(inside: str, place: str, named: str) -> None:
    found = faults(document(inside), place)

    assert any(named in one for one in found), found


def test_what_is_no_document_is_said() -> None:
    assert "12100" in faults("<Response>")[0]
    assert "12100" in faults("<Answer/>")[0]
    assert "12100" in faults(b"")[0]


def test_a_voice_may_be_demanded_everywhere() -> None:
    xml = document("<Gather><Say>Hi</Say></Gather>")

    assert () == faults(xml)
    assert ("<Say>: names no voice", "<Say>: names no language") == faults(xml, voices_named=True)


def test_the_vocabulary_is_twilios() -> None:
    """The npm package has the same counts, 69 and 130; its voices without those of ElevenLabs."""
    known = vocabulary()

    assert (69, 130) == (len(known.say), len(known.gather))
    assert 757 + 140 + 3 == len(known.voices)
    spoken = frozenset().union(*known.voices.values())
    # voices whose language <Say> does not list
    assert {"eu-ES", "gl-ES", "lt-LT"} == spoken - known.say


def test_every_place_and_nesting_names_a_known_element() -> None:
    nested = frozenset().union(*(element.inside for element in TABLE.values()))

    assert frozenset().union(*PLACES.values()) | nested == frozenset(TABLE)
    assert 65_536 == LARGEST_DOCUMENT
