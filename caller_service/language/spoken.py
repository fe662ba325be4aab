"""What a call says, sentence by sentence, and how long it takes to say. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from urllib.parse import quote

from .languages import Language

LONGEST_ENCODED = 4500  # characters of one <Say>, URL-encoded (Twilio's error 13521)
LONGEST = 3000  # characters of one <Say>: the least of Twilio's three vendors of voices

# The most seconds that words of a kind may take, by the longest prefix of their key. Whoever waits
# for the end of a sentence cannot answer it; whoever is paged lets somebody wait meanwhile.
LIMITS: Mapping[str, float] = MappingProxyType(
    {
        "spoken.greeting.": 14.0,
        "spoken.language": 4.0,
        "spoken.ask.": 21.0,
        "spoken.yes_no": 6.0,
        "spoken.choice.": 9.0,
        "spoken.chosen.": 6.0,
        "spoken.preamble": 14.0,
        "spoken.minor.": 14.0,
        "spoken.police": 30.0,
        "spoken.faq.": 16.0,
        "spoken.others.": 12.0,
        "spoken.wrong_number": 12.0,
        "spoken.silent.": 9.0,
        "spoken.interpreter": 4.0,
        "spoken.interpreter.line": 12.0,
        "spoken.not_a_key": 4.0,
        "spoken.withdrawn.": 3.0,
        "spoken.too_fast": 4.0,
        "spoken.known": 4.0,
        "spoken.speech": 3.0,
        "spoken.open_request": 9.0,
        "spoken.place.": 9.0,
        "spoken.place.number": 13.0,
        "spoken.status.": 14.0,
        "spoken.moment": 2.0,
        "spoken.trouble": 16.0,
        "spoken.down": 14.0,
        "spoken.hidden": 9.0,
        "spoken.closing": 9.0,
        "spoken.text_911": 6.0,
        "spoken.say.": 12.0,
        "spoken.level.": 14.0,
        "spoken.danger.": 14.0,
        "spoken.care.": 9.0,
        "spoken.end.": 16.0,
        "spoken.reach.": 9.0,
        "spoken.contingency.": 14.0,
        "spoken.reached.": 9.0,
        "spoken.thanks.": 9.0,
        "spoken.heard.": 4.0,
        "spoken.again.": 4.0,
        "spoken.wait.": 16.0,
        "spoken.callback.": 9.0,
        "spoken.callback.before": 4.5,
        "spoken.callback.after": 5.0,
        "spoken.callback.voicemail": 2.0,
        "spoken.psap.": 9.0,
        "spoken.whisper.": 9.0,
        "spoken.whisper.before": 4.5,
        "spoken.whisper.reference": 2.0,
        "spoken.whisper.kind.": 2.0,
        "spoken.whisper.minor": 2.0,
        "spoken.whisper.deaf": 2.0,
        "spoken.whisper.language": 2.0,
        "spoken.whisper.connecting": 1.0,
    }
)
GREETING = 14.0  # all of it together, in any language
WHISPER = 5.0  # all that staff hear between their key and the caller

# A full stop behind one of these ends no sentence; nor does one behind a single letter.
ABBREVIATIONS = frozenset(
    {
        "ave", "av", "avda", "blvd", "capt", "dr", "dra", "drs", "etc", "ft", "gral", "hwy", "ing",
        "jr", "lic", "lt", "mr", "mrs", "ms", "mt", "núm", "pl", "prof", "pza", "rd", "sgt", "sr",
        "sra", "sras", "sres", "srs", "srta", "st", "ste", "tel", "ud", "uds", "vs",
    }
)  # fmt: skip
_CLOSERS = "\"'”’»)\\]）」』】›"
# In Chinese and Japanese no space follows; elsewhere a stop without one is inside a word or number.
_END = re.compile(rf"(?:[。！？｡][{_CLOSERS}。！？｡]*\s*)|(?:[.!?…؟۔।॥]+[{_CLOSERS}]*(?:\s+|$))")
_LAST_WORD = re.compile(r"([^\W\d_]+)\.[" + _CLOSERS + r"]*\s*$")
_COUNTED = re.compile(r"\d|[#*+%&@=$€£]|[^\s\d#*+%&@=$€£—–/。！？｡]+")


def seconds(text: str, language: Language) -> float:
    """How long a text takes to say at the language's pace, in seconds. An estimate: pauses between
    sentences are not counted. Each digit is a word of its own, as numbers are read out."""
    pace = language.pace
    if pace.characters_a_second:
        return sum(map(_is_said, text)) / pace.characters_a_second
    words = sum(any(map(_is_said, word)) for word in _COUNTED.findall(text))
    return words * 60.0 / pace.words_a_minute


def _is_said(letter: str) -> bool:
    return letter.isalnum() or letter in "#*+%&@=$€£"


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text in order, one for each <Say>; none of them blank, and none too long
    for one. Only blanks at their borders are lost."""
    return tuple(piece for sentence in _split(text) for piece in _short_enough(sentence))


def _split(text: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(text):
        sentence, rest = text[start : end.end()], text[end.end() :]
        if rest and not _ends(sentence, rest):
            continue
        if sentence.strip():
            yield sentence.strip()
        start = end.end()
    if text[start:].strip():
        yield text[start:].strip()


def _ends(sentence: str, rest: str) -> bool:
    """Is what stands here an end, with this behind it? A small letter goes on with the sentence. In
    doubt it is none: a pause too few does no harm."""
    if rest[0].islower():
        return False
    word = _LAST_WORD.search(sentence)
    return word is None or not (
        word[1].casefold() in ABBREVIATIONS or (len(word[1]) == 1 and word[1].isascii())
    )


def _short_enough(sentence: str) -> Iterator[str]:
    """The sentence whole, or in as few pieces as a <Say> allows, cut behind a comma, else between
    words, else anywhere."""
    while not fits(sentence):
        cut = _cut(sentence)
        if head := sentence[:cut].strip():
            yield head
        sentence = sentence[cut:].strip()
    if sentence:
        yield sentence


def fits(words: str) -> bool:
    """May this stand in one <Say>?"""
    return len(words) <= LONGEST and _encoded(words) <= LONGEST_ENCODED


def _encoded(words: str) -> int:
    return len(quote(words, safe="", errors="surrogatepass"))


def _cut(sentence: str) -> int:
    """Where to cut a sentence that is too long: its first piece fits."""
    room, size = 0, 0
    for letter in sentence[:LONGEST]:
        size += _encoded(letter)
        if size > LONGEST_ENCODED:
            break
        room += 1
    head = sentence[:room]
    for border in (r"[,;:、，；：—–]\s*", r"\s+"):
        ends = [found.end() for found in re.finditer(border, head)]
        # a cut near the beginning would make many short pieces
        if ends and ends[-1] > room // 2:
            return ends[-1]
    return room


def limit(key: str) -> float:
    """The most seconds that the words of a key may take. Raises KeyError for a key of no kind."""
    found = max((kind for kind in LIMITS if key.startswith(kind)), key=len, default="")
    return LIMITS[found]
