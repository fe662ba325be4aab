"""What somebody we paged texts back around the case's code.

They take it, pass it on, act on it, or say something. Taking stops the ladder, so only clear words
or a time take a case, and every word must be understood. A refusal passes it on, also with a reason
behind it. What contradicts itself or means nothing is asked back. Everything else is words: for the
resident if the sender already has the case, which the caller knows.

The text is read from left to right as phrases of a few kinds, the longest phrase first ("no
problem" before "no"). Add words to the tables; the decision is made in `_decided`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Takes:
    """They have it, perhaps with a time. More than twelve hours is the caller's to refuse.

    `at` is local wall clock. With `either` no half of the day was said ("at 6", "6:40"): the caller
    takes the next such time, of 6:00 and 18:00. An hour of a day of 24 ("18:40", "0630", "06:30")
    is meant as it is written.
    """

    minutes: int | None = None
    at: tuple[int, int] | None = None
    either: bool = False


@dataclass(frozen=True, slots=True)
class Passes:
    """They cannot or will not: the next person is asked."""


@dataclass(frozen=True, slots=True)
class Act:
    """What a holder may do by text: pause, take_over, release, hand_over, looked, lower, lift."""

    name: str
    words: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Says:
    """Words for the resident, used only if the sender already has the case."""

    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unclear:
    """Asked back. It takes nothing."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A command in capitals, and more in capitals behind it: "LOWER THE KNIFE". Asked back: it may
    be for the resident."""


Answer = Takes | Passes | Act | Says | Unclear | Ambiguous

MOST_WORDS = 6  # a longer text says more than yes or no; a time counts as none of them


# --- what phones add ---

_DEVICE = (
    r"(?:iphone|ipad|ipod|apple|watch|android|galaxy|samsung|pixel|google|moto\w*|oneplus|nokia|huawei|xiaomi|lg"
    r"|htc|blackberry"
    r"|(?:cell|mobile|smart)?phone|mobile|movil|celular|telefono|teléfono|device|dispositivo|tablet"
    r"|t-?mobile|verizon|at&t|sprint"
    r"|cricket|boost|metro|outlook|yahoo|gmail|mail|windows|ios|proton)"
)
_FILLER = (
    r"(?:my|mi|the|a|an|for|para|on|de|app|wireless|pro|max|plus|ultra|mini|note|[345]g|lte|uw"
    r"|edge|power|stylus|razr|fold|flip|fe|se|xr|xs|air|new|secure|encrypted|email"
    r"|[a-z]?\d{1,3}[a-z]?)"
)
_SENT = r"(?:sent|enviado|mandado)\s+(?:from|via|using|with|desde|con)"
_SIGNATURES = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"(?:^|[^\w])\W*{_SENT}\s+(?:{_FILLER}[\s,]+){{0,4}}{_DEVICE}"
        rf"(?:[\s,]+(?:{_DEVICE}|{_FILLER})){{0,6}}\W*$",
        r"(?:^|[^\w])\W*(?:get|obtener|obten|obtén)\s+outlook\s+(?:for|para)\s+\w+\W*$",
    )
)
_QUOTE = r"[\"“”„«‘']"
_SEEN = (
    r"(?:an?|una?|your|tu) (?:image|photo|picture|video|gif|sticker|message|audio|attachment"
    r"|imagen|foto|mensaje|archivo)"
)
_REACTION = re.compile(
    r"\W*(?:(?:(?:dis)?liked|loved|laughed at|emphasi[sz]ed|questioned"
    r"|removed an? [^\"“]{1,24} from|reacted [^\"“]{1,24} to"
    r"|(?:no )?le gusto|le encanto|se rio de|destaco|enfatizo|cuestiono|pregunto sobre"
    r"|(?:elimino|quito) [^\"“]{1,24} (?:de|a)|reacciono [^\"“]{1,24} a|a aime)"
    rf"\s*(?:{_QUOTE}|{_SEEN}\b)"
    rf"|[^\w\s\"“.,]{{1,12}}\s*(?:to|a)\s*(?:{_QUOTE}|{_SEEN}\b))"
)


def _signatures_cut(text: str) -> str:
    """The text without the lines a phone or a mail program put behind it."""
    while True:
        shorter = text
        for signature in _SIGNATURES:
            if found := signature.search(shorter):
                # A full stop or question mark in front belongs to the words, not to the signature.
                marks = re.match(r"\s*[?!.…]*", shorter[found.start() :])
                shorter = shorter[: found.start() + (marks.end() if marks else 0)].rstrip()
        if shorter == text:
            return text
        text = shorter


# --- one spelling for what can be written in many ways ---

_UNSEEN = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe0e\ufe0f\ufeff\u20e3\U0001f3fb-\U0001f3ff♀♂]"
)
_APOSTROPHES = re.compile("['’‘´`ʼ]")


def _plain(text: str) -> str:
    """Small letters without accents, invisible characters, and the skin and sex of emoji."""
    text = re.sub(r"(\d)\s*½", r"\1.5", text).replace("½", "0.5")
    text = unicodedata.normalize("NFKD", _UNSEEN.sub("", text)).casefold()
    text = "".join(mark for mark in text if unicodedata.category(mark) != "Mn")
    text = _UNSEEN.sub("", text)
    text = re.sub(r"(?<!\d)(\d) 1[/⁄]2(?!\d)", r"\1.5", text)
    text = re.sub(r"(?<![\d/])1[/⁄]2(?![\d/])", "0.5", text)
    return re.sub(r"([^\W\d_])\1{2,}", r"\1", text)


def _spoken(text: str) -> str:
    """`_plain` for matching phrases: "can't" and "cant" are one word."""
    return " ".join(_APOSTROPHES.sub("", _plain(text)).split())


def _words(text: str) -> str:
    """What is handed on: as it was written, without the gap and the marks the code left."""
    words = " ".join(text.split()).strip(" ,;:-–—").lstrip(" .!")
    return words if re.search(r"\w", words) else ""


# --- what a holder may do ---

_GAP = r"[\W_]*"
_ACTS = tuple(
    (name, re.compile(rf"[\W_]*(?:{pattern.replace(' ', _GAP)})(?!\w)", re.I))
    for name, pattern in (
        ("pause", "pause"),
        ("take_over", "take over"),
        ("release", "give back|hand back|release"),
        ("hand_over", rf"hand(?: over)? to|hand(?: over)?(?={_GAP}$)"),
        ("looked", "looked"),
        ("lower", "lower"),
        ("lift", "lift"),
    )
)


_WEIGHTY = ("lower", "lift")  # a slip here takes a person's protection away
_ALONE = frozenset({"", "please", "pls", "now", "it", "thanks", "thank you", "por favor"})


def _act(text: str) -> Act | Ambiguous | None:
    """A command stands alone, or in capitals before what is not, or before a colon, or a comma
    where little hangs on it. "Lower your voice" is for the resident. A hand-over needs a name
    behind it: the caller knows the names, and takes anything else as words.
    """
    for name, pattern in _ACTS:
        if not (found := pattern.match(text)):
            continue
        behind = text[found.end() :]
        words = _words(behind)
        mark = behind.lstrip()[:1]
        if name == "hand_over" or mark == ":" or words.casefold().strip(" .!") in _ALONE:
            return Act(name, "" if words.casefold().strip(" .!") in _ALONE else words)
        if mark and mark in ",;-–—":
            return Ambiguous() if name in _WEIGHTY else Act(name, words)
        if found[0].isupper():
            return Act(name, words) if any(letter.islower() for letter in words) else Ambiguous()
        return None
    return None


def words_of(rest: str) -> str:
    """What stands around the code, as it was written: without a phone's signature, "" for a
    reaction or for no words."""
    if _REACTION.match(" ".join(_plain(rest).split())):
        return ""
    return _words(_signatures_cut(rest.strip()).strip())


# --- times ---

_SMALL = {
    "a": 1,
    "an": 1,
    "one": 1,
    "un": 1,
    "una": 1,
    "two": 2,
    "dos": 2,
    "three": 3,
    "tres": 3,
    "four": 4,
    "cuatro": 4,
}
_BIG = {
    "five": 5, "cinco": 5, "six": 6, "seis": 6, "seven": 7, "siete": 7, "eight": 8, "ocho": 8,
    "nine": 9, "nueve": 9, "ten": 10, "diez": 10, "twelve": 12, "doce": 12, "fifteen": 15,
    "quince": 15, "twenty": 20, "veinte": 20, "twenty five": 25, "veinticinco": 25, "thirty": 30,
    "treinta": 30, "forty": 40, "cuarenta": 40, "forty five": 45, "cuarenta y cinco": 45,
    "fifty": 50, "cincuenta": 50, "sixty": 60, "sesenta": 60, "ninety": 90, "noventa": 90,
}  # fmt: skip
_NUMBERS = _SMALL | _BIG


def _any(words: dict[str, int]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_BARE = rf"\d{{1,3}}|{_any(_BIG)}"
_NUMBER = rf"\d{{1,3}}(?:[.,]\d{{1,2}})?|(?:{_any(_NUMBERS)})(?=[\s-])"
_MIN = r"(?:minutos?|minutes?|mins?|mn|(?:(?<=\d)|(?<=\d ))m)\b\.?"
_HOUR = r"(?:horas?|hours?|hrs?|(?:(?<=\d)|(?<=\d ))h)\b\.?"
_TO = r"\s*(?:-|–|—|/|to|or|a|o)\s*"
_HALF = r"(?:am|pm|a\.m\.?|p\.m\.?|(?<=\d)p\b)"
_PART = (
    r"(?:in the (?:morning|afternoon|evening)|at night|tonight|this (?:morning|afternoon|evening)"
    r"|de la (?:manana|madrugada|tarde|noche)"
    r"|esta (?:manana|tarde|noche))"
)
_SAID_HALF = rf"(?:\s?(?P<half>{_HALF}|{_PART}))"
_THERE = (
    r"(?:(?:(?:i )?(?:can |will |should )|ill )?(?:be|get) (?:there|here)"
    r"|(?:ill |i will |i )?arriv(?:e|ing)"
    r"|(?:my )?eta(?: is)?|there"
    r"|llego|llegare|estare (?:ahi|alli|alla)|estoy (?:ahi|alli|alla))"
)
_LEAD = rf"(?:{_THERE}[\s:=,.-]*)?"
_ABOUT = (
    r"(?:(?:in|en|dentro de|within|about|around|approx(?:imately)?|like|unos|unas|como|give me|dame"
    r"|~)\s*){0,2}"
)
# "around 7" may be a clock: with a bare number it is asked back.
_ABOUT_BARE = r"(?:(?:in|en|dentro de|within|about|approx(?:imately)?|unos|give me|dame|~)\s*){0,2}"
_AT = (
    r"(?:(?:(?:by|at|before|a|para|sobre|antes de|como a)\s+(?:(?:about|around|las?)\s+)?"
    r"|las?\s+|@\s*){1,2})"
)
_SOMETIME = rf"(?:(?:around|about)\s+)?{_AT}?"  # where the rest of it can only be a clock
_BEHIND = r"(?:\s*(?:out|away|from now|tops|max|maximo|or so|or less|or sooner|mas o menos|aprox))?"
_END = r"(?!\w|[.,:/–-]\d)"


def _number(said: str) -> float:
    return float(_NUMBERS[said]) if said in _NUMBERS else float(said.replace(",", "."))


def _for(minutes: float) -> Takes | None:
    return Takes(minutes=round(minutes)) if minutes > 0 else None


def _clock(hour: int, minute: int, half: str | None = None, twelve: bool = True) -> Takes | None:
    """A time of day. `twelve`: the hour may be one of twelve, if no half of the day is said."""
    if hour > 23 or minute > 59:
        return None
    if not half:
        return Takes(at=(hour, minute), either=twelve and 1 <= hour <= 12)
    if re.match(r"a\.?m?\b|.*(?:morning|manana|madrugada)", half):
        return Takes(at=(hour % 12, minute)) if 1 <= hour <= 12 else None
    if hour == 12 and re.search("night|noche", half):
        return Takes(at=(0, minute))
    return Takes(at=(hour % 12 + 12 if hour <= 12 else hour, minute)) if hour else None


def _bare_range(found: re.Match[str]) -> Takes | None:
    """ "10-15"; but "10 to 7" may be a clock, "12/25" a date, and "10-33" is a radio's code."""
    low, high = _number(found["low"]), _number(found["high"])
    if low >= high or "/" in found["both"] or (low == 10 and high % 5):
        return None
    return _for(high)


def _range(found: re.Match[str]) -> Takes | None:
    if re.match(r"10\s*-\s*4(?!\d)", found["both"]):
        return None  # "10-4" is what radios say for "understood"
    return _for(max(_number(found["low"]), _number(found["high"])))


def _hour_range(found: re.Match[str]) -> Takes | None:
    return _for(60 * max(_number(found["low"]), _number(found["high"])))


def _hours_and(found: re.Match[str]) -> Takes | None:
    return _for(60 * _number(found["h"]) + _number(found["m"]))


def _digits(found: re.Match[str]) -> Takes | None:
    return _clock(int(found["t"][:2]), int(found["t"][2:]), twelve=False)


def _written(found: re.Match[str]) -> Takes | None:
    return _clock(
        int(found["h"]), int(found["m"]), found["half"], twelve=not found["h"].startswith("0")
    )


def _hour(found: re.Match[str]) -> Takes | None:
    return _clock(int(found["h"]), 0, found["half"], twelve=not found["h"].startswith("0"))


def _at_three(found: re.Match[str]) -> Takes | None:
    return _clock(int(found["t"][0]), int(found["t"][1:]), found["half"])


_FRACTIONS = {
    "quarter": 15, "a quarter": 15, "cuarto": 15, "un cuarto": 15, "half": 30, "media": 30,
    "five": 5, "cinco": 5, "ten": 10, "diez": 10, "twenty": 20, "veinte": 20,
}  # fmt: skip


def _past(found: re.Match[str]) -> Takes | None:
    """ "Half past 6", "quarter to 7", "6 y media", "7 menos cuarto", "cuarto para las 7"."""
    whole = _clock(int(found["h"]), 0, found["half"])
    if whole is None or whole.at is None:
        return None
    away = _FRACTIONS[found["m"]] * (
        -1 if found["way"] in ("to", "til", "till", "before", "menos", "para las", "para la") else 1
    )
    hour, minute = divmod((whole.at[0] * 60 + away) % (24 * 60), 60)
    if whole.either:
        hour = hour % 12 or 12
    return Takes(at=(hour, minute), either=whole.either)


_Reader = Callable[[re.Match[str]], Takes | None]
_TIMES: tuple[tuple[str, _Reader], ...] = (
    # so many minutes, so many hours
    (rf"{_ABOUT_BARE}(?P<n>{_BARE}){_BEHIND}", lambda found: _for(_number(found["n"]))),
    (rf"{_ABOUT}(?P<n>{_NUMBER})[\s-]*{_MIN}{_BEHIND}", lambda found: _for(_number(found["n"]))),
    (rf"{_ABOUT_BARE}(?P<both>(?P<low>{_BARE}){_TO}(?P<high>{_BARE})){_BEHIND}", _bare_range),
    (
        rf"{_ABOUT}(?P<both>(?P<low>{_NUMBER})(?:\s*{_MIN})?{_TO}(?P<high>{_NUMBER}))"
        rf"[\s-]*{_MIN}{_BEHIND}",
        _range,
    ),
    (
        rf"{_ABOUT}(?P<n>{_NUMBER})[\s-]*{_HOUR}{_BEHIND}",
        lambda found: _for(60 * _number(found["n"])),
    ),
    (
        rf"{_ABOUT}(?P<low>{_NUMBER})(?:\s*{_HOUR})?{_TO}(?P<high>{_NUMBER})[\s-]*{_HOUR}{_BEHIND}",
        _hour_range,
    ),
    (
        rf"{_ABOUT}(?:an hour or two|una hora o dos|(?:a )?couple(?: of)? (?:hours|hrs)"
        rf"|un par de horas){_BEHIND}",
        lambda _: _for(120),
    ),
    (
        rf"{_ABOUT}(?P<h>{_NUMBER})\s*{_HOUR}\s*(?:and|y|,)?\s*(?P<m>{_BARE})\s*{_MIN}{_BEHIND}",
        _hours_and,
    ),
    (rf"{_ABOUT}(?P<h>\d{{1,2}})h(?P<m>[0-5]\d){_BEHIND}", _hours_and),
    (rf"{_ABOUT}(?P<h>{_NUMBER})\s*{_HOUR}\s*(?P<m>[0-5]\d){_BEHIND}", _hours_and),
    (rf"{_ABOUT}(?:an? |una )?half(?: of)?(?: an?)? (?:hour|hr){_BEHIND}", lambda _: _for(30)),
    (rf"{_ABOUT}(?:una )?media hora{_BEHIND}", lambda _: _for(30)),
    (
        rf"{_ABOUT}(?:a )?quarter(?: of an)? hour{_BEHIND}|{_ABOUT}(?:un )?cuarto de hora{_BEHIND}",
        lambda _: _for(15),
    ),
    (rf"{_ABOUT}three quarters of an hour{_BEHIND}", lambda _: _for(45)),
    (rf"{_ABOUT}(?:hour|hr|hora) (?:and a half|y media){_BEHIND}", lambda _: _for(90)),
    (
        rf"{_ABOUT}(?P<n>{_NUMBER}) (?:{_HOUR} (?:and a half|y media)|and a half {_HOUR}){_BEHIND}",
        lambda found: _for(60 * _number(found["n"]) + 30),
    ),
    # a time of day
    (rf"{_SOMETIME}(?P<t>[0-2]\d[0-5]\d)(?:\s?(?:h|hrs|hours|horas))?", _digits),
    (rf"{_SOMETIME}(?P<h>\d{{1,2}}):(?P<m>\d\d){_SAID_HALF}?(?:\s?(?:h|hrs|horas))?", _written),
    (rf"{_AT}(?P<h>\d{{1,2}})\.(?P<m>\d\d){_SAID_HALF}?", _written),
    (rf"{_SOMETIME}(?P<t>[1-9][0-5]\d){_SAID_HALF}", _at_three),
    (rf"{_AT}(?P<t>[1-9][0-5]\d)(?P<half>)", _at_three),
    (
        rf"{_SOMETIME}(?P<t>1[0-2][0-5]\d)(?P<half>\s?{_HALF})",
        lambda found: _clock(int(found["t"][:2]), int(found["t"][2:]), found["half"].strip()),
    ),
    (rf"{_SOMETIME}(?P<h>\d{{1,2}}){_SAID_HALF}", _hour),
    (rf"{_AT}(?P<h>\d{{1,2}})(?:\s?h)?(?P<half>)", _hour),
    (rf"{_SOMETIME}(?P<h>\d{{1,2}}) ?o ?clock{_SAID_HALF}?", _hour),
    (
        rf"{_SOMETIME}(?P<m>{'|'.join(_FRACTIONS)})"
        rf" (?P<way>to|til|till|before|past|after|para las?) (?P<h>\d{{1,2}}){_SAID_HALF}?",
        _past,
    ),
    (
        rf"{_SOMETIME}(?P<h>\d{{1,2}}) (?P<way>y|menos) (?P<m>media|cuarto|cinco|diez|veinte)"
        rf"{_SAID_HALF}?",
        _past,
    ),
    (rf"{_SOMETIME}(?:noon|midday|(?:el )?mediodia)|al mediodia", lambda _: Takes(at=(12, 0))),
    (rf"{_SOMETIME}(?:midnight|medianoche)", lambda _: Takes(at=(0, 0))),
)
_READ_TIMES = tuple(
    (re.compile(rf"{_LEAD}(?:{pattern}){_END}"), reader) for pattern, reader in _TIMES
)
_HOW_LONG = re.compile(
    r"(?:until|till|til|hasta|for|por|since|desde|from)\s+(?:las?\s+)?"
    r"(?:(?:about|like|unas?|unos)\s+)?"
)


# --- phrases, as `_spoken` gives them: without apostrophes and accents ---

TAKE, PASS, PASS_FULLY, ASK, SHRUG, MILD, FLUFF, TIME, REASON, WORD, EMOJI = range(11)

_IT = r"(?: (?:it|this one|this case|this|that one|that|the case|case|one))?"
_I = r"(?:(?:i|ill|i will|i can|im|i am|ive|we|well|we will|were|yes i|yes ill) )?"
_CANNOT = (
    r"(?:(?:i|we|sorry i|no i|yo) )?(?:really |just )?"
    r"(?:cant|can not|cannot|wont|will not|am unable|unable)"
    r"(?: to)?(?: (?:do|take|make|help|come|go|respond|accept|get there|attend))?" + _IT
)
_PHRASES: dict[int, tuple[str, ...]] = {
    TAKE: (
        "ok+", "okay", "okey", "oki", "okie", "k", "kk", "10 4", "ten four",
        "(?:copy|roger)(?: that)?", "omw", "otw", "affirmative", "wilco",
        _I + "on (?:my |our |the )?way(?: there| over)?", "omw there", _I + "on it",
        _I + "(?:got|have|gotta take) (?:it|this one|this case|this)",
        "(?:its |this is |this one is )?mine",
        _I + "(?:take|taking|accept|accepting|accepted)" + _IT, "(?:case )?accepted",
        _I + "will do", "(?:yes|yep|yup|yeah|yea|yessir)(?: sir| maam| i can| i will| i do)?", "y",
        "sure(?: thing)?", "for sure", "of course", "absolutely", "definitely", "can do", "i can",
        "i can (?:go|come|do it|respond|help)", "i will",
        "(?:i will|ill) (?:go|come|respond|do it|be there|be right there|handle it)",
        "be (?:right )?there", _I + "(?:en|in) ?route" + "(?: there)?", _I + "enroute",
        _I + "responding" + "(?: to (?:it|this))?",
        _I + "(?:headed|heading|going|coming)"
        "(?: over| there| that way| your way| now)",
        "(?:im|i am) (?:going|coming)", _I + "leaving (?:now|right now)", "rolling",
        "no prob(?:lem)?(?: at all)?", "not a problem", "np", "si", "claro(?: que si)?",
        "por supuesto", "de acuerdo", "vale", "dale", "copiado", "con gusto", "sin problema",
        "no hay problema", "ningun problema",
        "(?:yo |si )?(?:ya |ahi |alla )?voy(?: yo| ya| en camino| para alla| para ahi"
        "| saliendo| ahora| ahora mismo| ahorita)?",
        "(?:ya |yo )?(?:estoy |vamos )?en camino", "ya llego", "yo",
        "(?:ya )?salgo(?: ya| ahora| para alla)",
        "(?:yo |ya )?lo (?:tomo|tengo|agarro|acepto)",
        "(?:yo )?(?:tomo|acepto)(?: el caso| este caso| este)?", "(?:yo )?me encargo(?: yo)?",
        "(?:yo |si )?puedo(?: ir)?", "(?:es )?mi[oa]", "[👍✅🙋👌]",
    ),
    PASS: (
        "no+", "nope", "n", "nah", "next(?: person| one)?",
        "(?:i |ill |i will |hard )?pass(?: on (?:this one|this|it|that))?", "(?:yo )?paso",
        "(?:im |i am |were |too |im too |so )*busy", "no sir", "no maam", "no thanks",
        "no thank you", "no gracias", "siguiente", "[👎❌🚫✋🙅]",
    ),
    PASS_FULLY: (
        _CANNOT, "no can do", "not me", "not i", "(?:im |i am |were )?(?:not|un) ?available",
        "(?:im |i am )?off (?:duty|shift|the clock|today|work|tonight)",
        "(?:im |i am )?not (?:on )?(?:duty|shift|call|working|on call|on duty)",
        "(?:im |i am )?(?:already )?on (?:another|a different|an other) (?:call|case|scene|job)",
        "(?:im |i am )?on a (?:call|case|scene)",
        "(?:im |i am )?with (?:a|another|my) (?:patient|client)", "(?:im |i am )?in a meeting",
        "(?:im |i am )?tied up", "(?:im |i am )?out of town", "(?:im |i am )?out sick",
        "not (?:today|tonight|now|this time|right now|mine|my (?:case|area|shift))",
        "(?:please )?(?:ask|try|send|get|page|call) (?:someone|somebody"
        "|anyone) else(?: please)?",
        "someone else(?: please)?", "skip(?: me)?",
        "(?:i )?(?:declined?|reject(?:ed)?|refuse)" + _IT, "declining", "negative",
        "not (?:taking|accepting|doing)" + _IT, "not on (?:it|my way)",
        "(?:i )?(?:dont|do not) (?:have|want) (?:it|this)",
        "(?:responding|en route|enroute|on my way|omw|headed|going) to (?:another"
        "|a different)(?: call| case| one)?",
        "(?:yo )?no (?:lo )?puedo(?: ir| tomarlo| ahora| hoy| tomar| aceptar(?:lo)?| atender"
        "| ayudar)?",
        "(?:yo )?no voy", "(?:yo )?no (?:lo )?(?:tomo|acepto)", "(?:yo |creo que |claro que )no",
        "(?:estoy |ando )?(?:muy )?ocupad[oa]", "(?:ahora|hoy|ahorita) no", "no (?:ahora|hoy)",
        "estoy fuera(?: de (?:servicio|turno|la ciudad))?",
        "(?:estoy )?fuera de (?:servicio|turno)",
        "(?:yo )?no estoy(?: disponible| de turno| en turno)?", "no disponible",
        "(?:pregunte|pregunta|llame|llama|manda|mande) a otr[oa](?: persona)?",
        "(?:lo )?rechaz(?:o|ado)", "(?:estoy )?en otra llamada",
        "(?:estoy )?con (?:un|una|otro) (?:paciente|cliente)", "negativo", "no me toca",
        "no soy yo",
    ),
    ASK: (
        "what", "whats", "who", "whos", "why", "where", "when", "how", "which", "huh", "wut", "eh",
        "hm+", "um+", "(?:im )?confused", "wtf", "who (?:is|dis|this)(?: this| it| that)?",
        "whos (?:this|that|it)", "who are you", "what (?:is|was)(?: it| this| that)?",
        "whats (?:it|this|that|up|going on)", "what (?:for|case|now)", "why me",
        "where is (?:it|this)", "wheres (?:it|this)", "which (?:one|case)", "how (?:so|come)",
        "when is it", "eta", "address", "que", "quien", "cual", "como", "donde", "cuando",
        "por que", "mande", "(?:que|quien) (?:es|habla|eres|paso)(?: esto| este| ese)?",
        "de que se trata", "que caso", "donde es", "cual caso", "direccion", "idk", "dunno",
        "(?:i )?(?:dont|do not) know", "(?:im )?not sure", "no idea", "no (?:lo )?se", "ni idea",
        "no entiendo", "maybe(?: not)?", "perhaps", "possibly", "depends", "quizas?", "tal vez",
        "a lo mejor", "(?:i )?can ?t wait", "cannot wait", "not yet", "no wait", "todavia no",
        "aun no", "no way",
    ),
    SHRUG: (
        "🤷",
    ),
    MILD: (
        "no worries", "no biggie", "no pasa nada", "no te preocupes", "no se preocupen?",
    ),
    FLUFF: (
        "please", "pls", "plz", "thanks(?: you)?", "thank you", "thx", "ty", "gracias", "por favor",
        "hi", "hello", "hey", "hola", "sorry", "lo siento", "perdon", "disculpa", "disculpe", "now",
        "right now", "right away", "asap", "soon", "shortly", "then", "and", "but", "so", "well",
        "also", "pero", "pues", "entonces", "ahora", "ahorita", "ahora mismo", "ya", "en seguida",
        "enseguida", "pronto",
        "in a (?:few|bit|minute|min|sec|second|moment|couple)(?: minutes| mins)?",
        "en un (?:momento|rato|minuto)", "the case", "this case", "case", "el caso", "este caso",
        "caso", "re", "dispatch", "sir", "maam", "boss", "team", "guys",
        "(?:to|for|para|on|with)(?=[^\\w]*$)", "at the moment", "por ahora",
    ),
}  # fmt: skip
_READ_PHRASES = tuple(
    (kind, re.compile("(?:" + pattern.replace(" ", r"(?:[\s-]+)") + r")(?!\w)"))
    for kind, patterns in _PHRASES.items()
    for pattern in patterns
)


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: int
    text: str = field(repr=False)
    apart: bool = False  # a mark stands in front of it: "no, driving"
    time: Takes | None = None


def _times_here(text: str, start: int) -> list[tuple[int, Takes]]:
    found = ((pattern.match(text, start), reader) for pattern, reader in _READ_TIMES)
    read = ((match.end(), reader(match)) for match, reader in found if match)
    return [(end, time) for end, time in read if time is not None]


def _next_piece(text: str, start: int, apart: bool) -> tuple[int, _Piece] | None:
    """The longest phrase that begins here. Of two as long, the one that takes least."""
    best: tuple[int, _Piece] | None = None
    for kind in (PASS_FULLY, PASS, ASK, SHRUG, MILD, TAKE, FLUFF):
        for phrase, pattern in _READ_PHRASES:
            if (
                phrase == kind
                and (match := pattern.match(text, start))
                and (best is None or match.end() > best[0])
            ):
                best = match.end(), _Piece(kind, match[0], apart)
    for end, time in _times_here(text, start):
        if best is None or end > best[0]:
            best = end, _Piece(TIME, text[start:end], apart, time)
    if (how_long := _HOW_LONG.match(text, start)) and (until := _times_here(text, how_long.end())):
        end = max(end for end, _ in until)
        if best is None or end > best[0]:
            best = end, _Piece(REASON, text[start:end], apart)
    return best


_LONE = re.compile(r"\w+|[$€£%#&@+]\s*\w*")


def _pieces(text: str) -> tuple[_Piece, ...]:
    pieces: list[_Piece] = []
    at, apart = 0, False
    while at < len(text):
        if read := _next_piece(text, at, apart):
            at, apart = read[0], False
            pieces.append(read[1])
        elif word := _LONE.match(text, at):
            pieces.append(_Piece(WORD, word[0], apart))
            at, apart = word.end(), False
        else:
            if unicodedata.category(text[at]) in ("So", "Sk", "Cn"):
                pieces.append(_Piece(EMOJI, text[at], apart))
            apart = apart or not text[at].isspace()
            at += 1
    return tuple(pieces)


# --- reasons behind a refusal, told from words meant for the resident ---


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_YOU = _set(
    """
    you your youre yours yourself u ur tu tus te ti usted ustedes
    """
)
_TOLD = _set(
    """
    stay wait keep go open lock come call tell let just put stop leave hide run sit lie breathe
    listen knock use dont do try look hold get give turn move be make ask help never he she
    they it its there that the a one el la los las un una espera espere quedate quedese abre
    abra cierra cierre llama llame ve vaya sal salga sigue siga sube suba baja baje
    """
)
_BECAUSE = _set(
    """
    im i ive am my we were today tonight tomorrow too already still working driving sick asleep
    away not another because cuz bc since until till estoy tengo soy ando porque hasta hoy mi
    trabajando manejando conduciendo enfermo enferma
    """
)
_MYSELF = _set("im am driving working sick asleep estoy ando manejando trabajando enfermo enferma")
_OTHERS = _set("he she they it who el ella ellos door patient")
_PLACED = _set(
    """
    at on in off out with for en con de por right this
    """
)
_ELSEWHERE = _set(
    """
    work hospital home church school gym airport meeting class court patient client call
    surgery vacation shift leave another er doctor dentist appointment clinic training traffic
    road town trabajo casa escuela iglesia aeropuerto reunion clase paciente turno vacaciones
    cita llamada otra otro
    """
)


def _passes_with_reason(pieces: tuple[_Piece, ...]) -> bool:
    """A refusal, and the rest is about the sender: not "no, stay inside", "can't find the door"."""
    first = next(at for at, piece in enumerate(pieces) if piece.kind in (WORD, REASON))
    behind = [word for piece in pieces[first:] for word in piece.text.split()]
    if _YOU & set(behind):
        return False
    if not any(piece.kind in (PASS, PASS_FULLY) for piece in pieces[:first]):
        return _reason_first(pieces, [piece.text for piece in pieces if piece.kind == WORD])
    if behind[0] in _BECAUSE or pieces[first].kind == REASON:
        return True
    if behind[0] in _PLACED:
        return bool(_ELSEWHERE & set(behind))
    return pieces[first].apart and behind[0] not in _TOLD


def _reason_first(pieces: tuple[_Piece, ...], words: list[str]) -> bool:
    """ "Driving, can't", "sorry im at work, not available"; not "he said he can't"."""
    last = [piece.kind for piece in pieces if piece.kind not in (FLUFF, EMOJI)][-1]
    if last != PASS_FULLY or not words or _OTHERS & set(words):
        return False
    return words[0] in _MYSELF or (words[0] in _PLACED and bool(_ELSEWHERE & set(words)))


# --- the decision ---


def read_answer(rest: str) -> Answer:
    """What is meant by what stands around the code."""
    if _REACTION.match(" ".join(_plain(rest).split())):
        return Unclear()  # a phone quotes our own text, with its code: nobody answered
    text = _signatures_cut(rest.strip()).strip()
    if _nothing(text):
        return Takes()
    if act := _act(text):
        return act
    spoken = _spoken(text)
    answer = _decided(spoken, _pieces(spoken))
    if answer is not None:
        return answer
    return Says(_words(text)) if any(mark.isalpha() for mark in text) else Unclear()


def _nothing(text: str) -> bool:
    """The code alone, perhaps as people write it: "K7M4Q2.", "(K7M4Q2)". "..." is no answer."""
    bare = "".join(_UNSEEN.sub("", text).split())
    return bare in (
        "",
        ".",
        ",",
        ":",
        "!",
        "#",
        "-",
        "()",
        "[]",
        "<>",
        '""',
        "''",
        "“”",
        "‘’",
        "«»",
    )


def _decided(spoken: str, pieces: tuple[_Piece, ...]) -> Answer | None:
    """None: it is words, or nothing."""
    kinds = {piece.kind for piece in pieces} - {FLUFF, EMOJI}
    words = sum(len(re.findall(r"\w+", piece.text)) for piece in pieces if piece.kind != TIME)
    if re.search("[?¿❓❔⁉؟?]", spoken):
        every = words + len(
            re.findall(r"\w+", " ".join(piece.text for piece in pieces if piece.kind == TIME))
        )
        return Unclear() if every <= 2 or WORD not in kinds else None
    if kinds & {PASS, PASS_FULLY}:
        return _refusal(pieces, kinds, words)
    if words > MOST_WORDS or WORD in kinds or REASON in kinds or not kinds:
        return None
    if kinds & {ASK, SHRUG}:
        return Unclear()
    if not kinds & {TAKE, TIME}:
        return Unclear()  # "no worries" and nothing else
    times = {piece.time for piece in pieces if piece.time}
    if len(times) > 1:
        return Unclear()
    return times.pop() if times else Takes()


def _refusal(pieces: tuple[_Piece, ...], kinds: set[int], words: int) -> Answer | None:
    if words > MOST_WORDS and PASS_FULLY not in kinds:
        return None  # "no" and a long sentence may be for the resident
    if kinds & {TAKE, TIME} or kinds & {ASK, WORD} == {ASK}:
        return Unclear() if words <= MOST_WORDS else None
    if not kinds & {WORD, REASON} or _passes_with_reason(pieces):
        return Passes()
    return None
