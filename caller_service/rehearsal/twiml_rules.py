"""What Twilio accepts in a voice document (TwiML): verbs, attributes, nestings, sizes, voices and
languages, in one table.

Twilio's own library checks none of it: a voice that does not exist is a warning in Twilio's log,
and the caller hears another voice, or nothing. So the stand-in refuses such a document, and a lint
of the service's documents can ask the same question:

    >>> faults('<Response><Say voice="Nobody">Hello</Say></Response>')
    ('<Say voice>: Twilio has no voice "Nobody"',)

What Twilio knows and this service has no use for (`<Record>`, `<Client>`, `record=`) is refused
too. Of HTTP methods only POST: a signed GET carries what was keyed in its address.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

LARGEST_DOCUMENT = 64 * 1024  # bytes (Twilio's error 11750)
LONGEST_SAY_ENCODED = 4_500  # characters of the words, URL-encoded (13521)
LONGEST_SAY = {"Polly": 3_000, "Google": 5_000}  # letters; Twilio's own voices: 4,096
LONGEST_SAY_BASIC = 4_096
LONGEST_QUEUE_NAME = 64
MOST_HINTS, LONGEST_HINT = 500, 100
# What withholding the number looks like in From: nothing, a word, or that word keyed on a phone.
WITHHELD = (
    "",
    "anonymous",
    "Restricted",
    "+266696687",  # ANONYMOUS
    "+7378742833",  # RESTRICTED
    "+2562533",  # BLOCKED
    "+8656696",  # UNKNOWN
    "+86282452253",  # UNAVAILABLE
)

Check = Callable[[str], str]  # a value to what is wrong with it; "" if nothing is


def _whole(low: int, high: int | None = None) -> Check:
    reach = f"{low} or more" if high is None else f"{low} to {high}"

    def check(value: str) -> str:
        fine = re.fullmatch(r"\d{1,9}", value) and low <= int(value)
        return "" if fine and (high is None or int(value) <= high) else f"a whole number, {reach}"

    return check


def _one_of(*allowed: str) -> Check:
    return lambda value: "" if value in allowed else f"one of {', '.join(allowed)}"


def _like(pattern: str, what: str) -> Check:
    return lambda value: "" if re.fullmatch(pattern, value) else what


def _url(value: str) -> str:
    parts = urlsplit(value)
    whole = parts.scheme in ("http", "https") and parts.netloc
    relative = not parts.scheme and not parts.netloc and bool(parts.path or parts.query)
    fine = (whole or relative) and not re.search(r"\s", value)
    return "" if fine else "an address, http or https or relative"


def _url_or_none(value: str) -> str:
    """An empty `waitUrl` is silence."""
    return _url(value) if value else ""


def _hints(value: str) -> str:
    phrases = value.split(",")
    fine = len(phrases) <= MOST_HINTS and all(len(one.strip()) <= LONGEST_HINT for one in phrases)
    return "" if fine else f"at most {MOST_HINTS} phrases of {LONGEST_HINT} letters"


def _gather_language(value: str) -> str:
    return "" if value in vocabulary().gather else "a language that <Gather> hears"


def _anything(_: str) -> str:
    return ""


YES_NO = _one_of("true", "false")
POST = _one_of("POST")
KEYS = "[0-9*#wW]+"


@dataclass(frozen=True, slots=True)
class Element:
    """What one element may carry. `words`: whether it holds text ("no", "may", "must")."""

    attributes: Mapping[str, Check] = field(default_factory=lambda: MappingProxyType({}))
    inside: frozenset[str] = frozenset()
    words: str = "no"


SSML = frozenset(
    {"break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"}
)
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
SPEECH_MODELS = r"[a-z0-9][a-z0-9_-]*"
# Which verbs a document may hold, by the place it is fetched for: a call, a queue's wait document
# (`waitUrl`), or what a waiting caller hears just before the bridge (`<Queue url>`).
PLACES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "call": frozenset(
            {"Say", "Play", "Pause", "Gather", "Redirect", "Enqueue", "Dial", "Hangup", "Reject"}
        ),
        "wait": frozenset({"Say", "Play", "Pause", "Gather", "Redirect", "Leave", "Hangup"}),
        "bridge": frozenset({"Say", "Play", "Pause", "Redirect"}),
    }
)
ENDS = ("Redirect", "Hangup", "Reject", "Leave")  # nothing after them is carried out
TABLE: Mapping[str, Element] = MappingProxyType(
    {
        "Say": Element(
            {"voice": _anything, "language": _anything, "loop": _whole(0, 1000)}, SSML, "must"
        ),
        "Play": Element(
            {"loop": _whole(0, 1000), "digits": _like(KEYS, "keys, and w for a wait")}, words="may"
        ),
        "Pause": Element({"length": _whole(1)}),
        "Gather": Element(
            {
                "action": _url,
                "method": POST,
                "input": _one_of("dtmf", "speech", "dtmf speech", "speech dtmf"),
                "numDigits": _whole(1),
                "timeout": _whole(1),
                "finishOnKey": _like("[0-9*#]?", "one key, or nothing"),
                "actionOnEmptyResult": YES_NO,
                "language": _gather_language,
                "hints": _hints,
                "speechTimeout": _like("auto|[1-9][0-9]*", "auto, or whole seconds"),
                "maxSpeechTime": _whole(1),
                "speechModel": _like(SPEECH_MODELS, "a speech model"),
                "enhanced": YES_NO,
                "profanityFilter": YES_NO,
                "bargeIn": YES_NO,
            },
            frozenset({"Say", "Play", "Pause"}),
        ),
        "Redirect": Element({"method": POST}, words="must"),
        "Enqueue": Element(
            {
                "action": _url,
                "method": POST,
                "waitUrl": _url_or_none,
                "waitUrlMethod": POST,
                "maxQueueSize": _whole(1, 5000),
            },
            words="must",
        ),
        "Leave": Element(),
        "Dial": Element(
            {
                "action": _url,
                "method": POST,
                "timeout": _whole(5, 600),
                "timeLimit": _whole(1, 14_400),
                "callerId": _like(r"\+[1-9]\d{6,14}", "a number in the form +17205550100"),
                "hangupOnStar": YES_NO,
            },
            frozenset({"Queue", "Number", "Conference"}),
        ),
        "Queue": Element({"url": _url, "method": POST}, words="must"),
        "Number": Element(words="must"),
        "Conference": Element(
            {
                "beep": _one_of("true", "false", "onEnter", "onExit"),
                "startConferenceOnEnter": YES_NO,
                "endConferenceOnExit": YES_NO,
                "waitUrl": _url_or_none,
                "waitMethod": POST,
            },
            words="must",
        ),
        "Hangup": Element(),
        "Reject": Element({"reason": _one_of("rejected", "busy")}),
        "break": Element(
            {
                "strength": _one_of("none", "x-weak", "weak", "medium", "strong", "x-strong"),
                "time": _like(r"\d+(\.\d+)?m?s", "a time such as 500ms"),
            }
        ),
        "emphasis": Element({"level": _one_of("strong", "moderate", "reduced")}, SSML, "may"),
        "lang": Element({LANG: _anything}, SSML, "may"),
        "p": Element({}, SSML, "may"),
        "s": Element({}, SSML - {"p", "s"}, "may"),
        "phoneme": Element({"alphabet": _one_of("ipa", "x-sampa"), "ph": _anything}, words="may"),
        "prosody": Element(
            {"rate": _anything, "pitch": _anything, "volume": _anything}, SSML, "may"
        ),
        "say-as": Element({"interpret-as": _anything, "format": _anything}, words="must"),
        "sub": Element({"alias": _anything}, words="must"),
        "w": Element({"role": _anything}, words="must"),
    }
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Twilio's languages and voices; see twilio_voices.toml."""

    say: frozenset[str]
    gather: frozenset[str]
    voices: Mapping[str, frozenset[str]]  # name to the languages it speaks; none: any
    same: Mapping[str, str]


@cache
def vocabulary() -> Vocabulary:
    """Twilio's languages and voices, read once."""
    read = tomllib.loads(Path(__file__).with_name("twilio_voices.toml").read_text(encoding="utf-8"))
    voices: dict[str, frozenset[str]] = {name: frozenset() for name in read["basic"].split()}
    for maker in ("google", "polly"):
        for language, names in read[maker].items():
            for name in names.split():
                # A Google voice's language is the beginning of its name.
                full = f"Google.{language}-{name}" if maker == "google" else f"Polly.{name}"
                spoken = "fil-PH" if language == "fil-ph" else language
                voices[full] = voices.get(full, frozenset()) | {spoken}
    return Vocabulary(
        frozenset(read["say"].split()),
        frozenset(read["gather"].split()),
        MappingProxyType(voices),
        MappingProxyType(read["same"]),
    )


def faults(xml: str | bytes, place: str = "call", *, voices_named: bool = False) -> tuple[str, ...]:
    """Everything in this document that Twilio would refuse, ignore or change, in words; empty if it
    is right.

    `place` is one of PLACES: a call, a queue's wait document, the words before a bridge. With
    `voices_named` a `<Say>` without voice or language is a fault too: Twilio would choose for it.
    """
    written = xml.encode() if isinstance(xml, str) else xml
    try:
        root = ElementTree.fromstring(written)
    except ElementTree.ParseError as problem:
        return (f"12100: the XML cannot be read ({problem})",)
    if root.tag != "Response":
        return ("12100: the document is not a <Response>",)
    found = []
    if len(written) > LARGEST_DOCUMENT:
        found.append(f"11750: the document has {len(written)} bytes, over {LARGEST_DOCUMENT}")
    if root.attrib:
        found.append(f"<Response {sorted(root.attrib)[0]}>: no such attribute")
    if (root.text or "").strip() or any((verb.tail or "").strip() for verb in root):
        found.append("<Response>: words outside of any verb")
    verbs = list(root)
    for verb in verbs:
        if verb.tag not in PLACES[place]:
            found.append(f"<{verb.tag}>: not in a document for a {place}")
        else:
            found += _element(verb, voices_named)
    end = next((place for place, verb in enumerate(verbs) if verb.tag in ENDS), len(verbs))
    found += [f"<{verb.tag}> after <{verbs[end].tag}>: never reached" for verb in verbs[end + 1 :]]
    if end and end < len(verbs) and verbs[end].tag == "Reject":
        found.append("<Reject>: only as the first verb, before the call is answered")
    return tuple(found)


def _element(element: ElementTree.Element, voices_named: bool) -> list[str]:
    """The faults of one element and of all in it."""
    name, rule = element.tag, TABLE[element.tag]
    found = []
    for attribute, value in element.attrib.items():
        shown = attribute.rpartition("}")[2]
        if attribute not in rule.attributes:
            found.append(f"<{name} {shown}>: no such attribute, or none that is used here")
        elif wrong := rule.attributes[attribute](value):
            found.append(f'<{name} {shown}="{value}">: must be {wrong}')
    outside = [element.text or "", *(inner.tail or "" for inner in element)]
    if rule.words == "no" and "".join(outside).strip():
        found.append(f"<{name}>: holds no words")
    if rule.words == "must" and not "".join(element.itertext()).strip():
        found.append(f"<{name}>: is empty")
    for inner in element:
        if inner.tag not in rule.inside:
            found.append(f"<{inner.tag}> in <{name}>: not allowed")
        else:
            found += _element(inner, voices_named)
    if name in _MORE:
        found += _MORE[name](element)
    if name == "Say" and voices_named:
        found += [
            f"<Say>: names no {each}" for each in ("voice", "language") if not element.get(each)
        ]
    return found


def _say(element: ElementTree.Element) -> list[str]:
    known, voice, language = vocabulary(), element.get("voice"), element.get("language")
    found = []
    if language is not None and language not in known.say:
        found.append(f'<Say language>: Twilio speaks no "{language}"')
    if voice is not None and voice not in known.voices:
        found.append(f'<Say voice>: Twilio has no voice "{voice}"')
    elif voice is not None and language is not None:
        speaks = known.voices[voice]  # empty: whatever is asked
        if speaks and known.same.get(language, language) not in speaks:
            found.append(f'<Say>: the voice "{voice}" does not speak "{language}"')
    if len(element) and (voice is None or "." not in voice):
        found.append("<Say>: Twilio's own voices read no marks in the words (13520)")
    words = "".join(element.itertext())
    most = LONGEST_SAY.get((voice or "").partition(".")[0], LONGEST_SAY_BASIC)
    if len(words) > most:
        found.append(f"<Say>: {len(words)} letters, over {most}")
    encoded = len(quote(words, safe=""))
    if encoded > LONGEST_SAY_ENCODED:
        found.append(f"<Say>: {encoded} letters URL-encoded, over {LONGEST_SAY_ENCODED} (13521)")
    return found


def _play(element: ElementTree.Element) -> list[str]:
    address, keys = (element.text or "").strip(), element.get("digits")
    if bool(address) == bool(keys):
        return ["<Play>: either an address or digits"]
    return [f"<Play>: must be {wrong}"] if address and (wrong := _url(address)) else []


def _gather(element: ElementTree.Element) -> list[str]:
    listens = element.get("input", "dtmf").split()
    for_keys, for_speech = ("numDigits", "finishOnKey"), (
        "language", "hints", "speechTimeout", "maxSpeechTime", "speechModel", "enhanced",
        "profanityFilter",
    )  # fmt: skip
    idle = (() if "dtmf" in listens else for_keys) + (() if "speech" in listens else for_speech)
    return [
        f"<Gather {name}>: has no effect without that input"
        for name in idle
        if element.get(name) is not None
    ]


def _redirect(element: ElementTree.Element) -> list[str]:
    wrong = _url((element.text or "").strip())
    return [f"<Redirect>: must be {wrong}"] if wrong else []


def _queue_name(element: ElementTree.Element) -> list[str]:
    long = len((element.text or "").strip()) > LONGEST_QUEUE_NAME
    return [f"<{element.tag}>: a queue's name has at most {LONGEST_QUEUE_NAME} letters"] * long


def _dial(element: ElementTree.Element) -> list[str]:
    one = len(element) == 1
    return [] if one else ["<Dial>: exactly one <Queue>, <Number> or <Conference>"]


def _room(element: ElementTree.Element) -> list[str]:
    loud = element.get("beep", "true") != "false" or element.get("waitUrl") is None
    unsaid = ["<Conference>: beeps and plays music unless told not to"] if loud else []
    return [*unsaid, *_queue_name(element)]


def _number(element: ElementTree.Element) -> list[str]:
    """988 or a ten-digit line: whoever is in danger dials 911 from their own phone."""
    number = (element.text or "").strip()
    fine = number == "988" or re.fullmatch(r"\+1[2-9]\d{2}[2-9]\d{6}", number)
    if re.fullmatch(r"(\+?1)?[2-9]11|933|112", number):
        return [f"<Number>: {number} is never dialed by software"]
    return [] if fine else ["<Number>: must be 988 or a line such as +17205550100"]


_MORE: Mapping[str, Callable[[ElementTree.Element], list[str]]] = MappingProxyType(
    {
        "Say": _say,
        "Play": _play,
        "Gather": _gather,
        "Redirect": _redirect,
        "Enqueue": _queue_name,
        "Queue": _queue_name,
        "Dial": _dial,
        "Number": _number,
        "Conference": _room,
    }
)
