"""Removes what phones add to a text: signatures, reactions that quote us, base64, invisible
characters.

`clean` returns what the person wrote. In doubt a word stays: a signature left in costs one repeated
question, but a removed sentence may have been the only cry for help.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PhoneText:
    """The person's own words, or the kind of reaction that their phone wrote out for them."""

    words: str = field(repr=False)
    # "liked", "loved", "laughed", …, "removed", "reacted" for any emoji, or "away"
    reaction: str = ""


def clean(body: str, own: frozenset[str], staff: bool = False) -> PhoneText:
    """What the person wrote, without what their phone or gateway added. Never raises.

    `own`: words that people cry out (`own` of translations/*/words.toml): a line with one of them
    is neither a name nor a program.

    `staff`: the text is from somebody we paged. They are in no danger, and words added by a phone
    must not take a case, so in doubt the phone wrote it: also in small letters, in capitals, or
    with a cut quote.
    """
    text = _tidy(body, own, staff)
    decoded = "" if text.reaction else _decoded(text.words)
    return _tidy(decoded, own, staff) if decoded else text


def without_trailing_emoji(words: tuple[str, ...]) -> tuple[str, ...]:
    """The tokens of `vocabulary.normal` without the emoji around them: "no 😢" is "no".

    Emoji alone stay. Those after a leading 👍 or the like are removed unless one contradicts it.
    Search the whole message for danger first: 🔪 is an emoji too.
    """
    inside = [place for place, word in enumerate(words) if not _is_emoji(word)]
    if inside:
        return words[inside[0] : inside[-1] + 1]
    if words and words[0] in _ANSWERS and not (set(words[1:]) & _ANSWERS) - {words[0]}:
        return words[:1]
    return words


_ANSWERS = frozenset("👍👎✅❌🤷")


def _is_emoji(word: str) -> bool:
    return bool(word) and unicodedata.category(word[0]) == "So"


def _tidy(body: str, own: frozenset[str], staff: bool) -> PhoneText:
    """Clean everything except base64, until nothing changes: one removal may expose another."""
    text = body
    while True:
        before = text
        text = _visible(text).strip()
        kind = _reaction(text, staff)
        if kind:
            return PhoneText("", kind)
        text = _without_signature(text, own, staff).strip()
        if text == before:
            return PhoneText(text)


# Invisible characters.

_SELECTOR = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_UNSEEN = re.compile(f"[\u200b-\u200d\u2060-\u2064\ufeff\u00ad\u034f\u180e\u3164{_SELECTOR}]+")
_IS_SELECTOR = re.compile(f"[{_SELECTOR}]")
_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]{4,}")
_JOINED = frozenset({"Lo", "Mn", "Mc", "So", "Sk", "Me"})  # scripts and emoji that a joiner shapes


def _visible(text: str) -> str:
    """The text without invisible characters that have no effect. Those that shape the text stay."""
    text = _UNSEEN.sub(_useful, _DIRECTIONS.sub("", text))
    if all(unicodedata.category(letter) in _NOTHING or _UNSEEN.match(letter) for letter in text):
        return ""
    return text


_NOTHING = frozenset({"Cf", "Cc", "Zs", "Zl", "Zp"})


def _useful(run: re.Match[str]) -> str:
    """The part of a run of invisible characters that belongs to the visible ones around it.

    At most one variation selector after its emoji, and one joiner between emoji or letters of a
    script that needs it, as in ❤️‍🔥, Persian or Khmer.
    """
    text, unseen = run.string, run.group()
    last = text[run.start() - 1] if run.start() else " "
    following = text[run.end()] if run.end() < len(text) else " "
    kept = ""
    bears = not last.isspace() and not (last.isascii() and last.isalpha())
    if bears and _IS_SELECTOR.match(unseen):
        kept, unseen = unseen[0], unseen[1:]
    between = unicodedata.category(last) in _JOINED or bool(kept)
    if unseen in ("\u200b", "\u200c", "\u200d") and between:
        needed = _JOINED | {"Ll", "Lu"} if unseen == "\u200d" and kept else _JOINED
        if unicodedata.category(following) in needed:
            kept += unseen
    return kept


def _plain(text: str) -> str:
    """For comparison only: no accents, nothing invisible, plain apostrophes, one kind of space."""
    kept = []
    for letter in unicodedata.normalize("NFD", text):
        kind = unicodedata.category(letter)
        if kind in ("Mn", "Me", "Cf"):
            continue
        kept.append(" " if kind == "Zs" else letter)
    return "".join(kept).replace("’", "'")


# Reactions. Phones write them with a capital; a person who writes `loved "him"` does not.

_VERBS = {
    "liked": ("Liked", "Le gusto", "Le ha gustado", "A aime"),
    "loved": ("Loved", "Le encanto", "Le ha encantado", "A adore"),
    "laughed": (
        "Laughed at",
        "Se rio de",
        "Se ha reido de",
        "Le dio risa",
        "A ri a",
        "A ri de",
    ),
    "emphasized": (
        "Emphasized",
        "Emphasised",
        "Destaco",
        "Enfatizo",
        "Ha destacado",
        "Ha enfatizado",
        "A souligne",
        "A mis l'accent sur",
    ),
    "questioned": (
        "Questioned",
        "Cuestiono",
        "Pregunto sobre",
        "Puso en duda",
        "Ha puesto en duda",
        "Ha cuestionado",
        "A remis en question",
    ),
    "disliked": ("Disliked", "No le gusto", "No le ha gustado", "N'a pas aime"),
}
_EMOJI = r"[^\w\s\"“”„‟″«»]{1,16}"
_TAKEN_BACK = (
    r"(?:like|heart|love|laugh|emphasis|exclamation(?: mark| point)?|question(?: mark)?|dislike"
    r"|thumbs[ -](?:up|down)|reaction|sticker|(?P<a>" + _EMOJI + r")(?: reaction)?)"
)
_TAKEN_BACK_ES = (
    r"(?:me gusta|no me gusta|corazon|risa|jaja|enfasis|exclamacion|interrogacion|reaccion)"
)


def _verb_head(verbs: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("(?:" + "|".join(map(re.escape, verbs)) + r")(?=[\s\"“”„‟″«])\s*")


_HEADS: tuple[tuple[str, re.Pattern[str]], ...] = (
    *((kind, _verb_head(verbs)) for kind, verbs in _VERBS.items()),
    # with a name: "A Ana le encantó …"
    ("liked", re.compile(r"A \w[\w .'-]{0,30}? (?:no )?le (?:ha )?(?:gust|encant)(?:o|ado)\b\s*")),
    ("removed", re.compile(rf"Removed (?:an? |the |your )?{_TAKEN_BACK} from\b\s*")),
    ("removed", re.compile(rf"(?:Quito|Elimino) (?:una? |el |la )?{_TAKEN_BACK_ES} (?:de|a)\b\s*")),
    ("reacted", re.compile(rf"(?:Reacted (?:with )?)?(?P<a>{_EMOJI})\s* to\b\s*")),
    ("reacted", re.compile(rf"Reacciono (?:con )?(?P<a>{_EMOJI})\s* a\b\s*")),
    ("reacted", re.compile(rf"A reagi (?:avec |par )?(?P<a>{_EMOJI})\s* a\b\s*")),
)
_THING = re.compile(
    r"(?:an?|the|your|\d{1,2}) (?:image|photo|picture|video|movie|gif|attachment|link|file|sticker"
    r"|(?:voice |audio )?message|audio|contact|location)s?"
    r"|una? (?:imagen|foto|video|archivo|mensaje|enlace|audio|adjunto)"
    r"|une? (?:image|photo|video|message|fichier|lien|piece jointe)",
    re.IGNORECASE,
)
_STAFF_HEADS = (
    *((kind, re.compile(head.pattern, re.IGNORECASE)) for kind, head in _HEADS),
    ("reacted", re.compile(rf"(?P<a>{_EMOJI})\s* a\b\s*")),
)
# What a phone answers by itself while its owner drives; the whole text, in no other words.
_AWAY = re.compile(
    r"i'm driving with [\w ]{5,40} turned on\. i'll see your message when i get where i'm going\.?"
    r"|\(i'm not receiving notifications\. if this is urgent, reply .urgent. to send a "
    r"notification through with your original message\.\)"
    r"|i'm driving right now\W{1,5}sent (?:automatically )?(?:by|from) (?:android auto|my car)\.?"
    r"|estoy (?:conduciendo|manejando) con (?:la funcion )?[\w ]{5,50} activad[oa]\. "
    r"vere tu mensaje cuando llegue a mi destino\.?"
    r"|i'm driving(?: right now)?\W{1,5}i'll (?:get back to you|call you|text you)(?: back)?"
    r"(?: later| soon| when i (?:can|stop|arrive))?\.?"
    r"|estoy (?:conduciendo|manejando)(?: ahora(?: mismo)?| en este momento)?\W{1,5}"
    r"(?:te|le) (?:llamo|escribo|respondo|contesto)(?: luego| despues| mas tarde)?\.?"
    r"|(?:auto(?:matic)?[- ]?(?:reply|response)|respuesta automatica) ?: [^?!]{1,120}"
    r"|(?:free ?msg: ?)?(?:unable to send message\W{1,3})?message blocking is active\.?"
    r"|this (?:phone )?number (?:does not|can't|cannot) (?:accept|receive|support) "
    r"(?:incoming )?(?:text|sms) messages?\.?",
    re.IGNORECASE,
)
_QUOTES = tuple("\"″“”„‟«‘'")
_OPENING = {"“": "“„‟", "„": "“„‟", "‟": "“„‟", "«": "«"}
_CLOSING = {"“": "”", "„": "”“", "‟": "”", "«": "»"}


def _reaction(text: str, staff: bool) -> str:
    """The kind of reaction if the whole text is one ("" if not): a known opening, then only the
    quote; "away" for what a phone answers by itself."""
    plain = _plain(text).strip()
    if _AWAY.fullmatch(" ".join(plain.split())):
        return "away"
    for kind, head in _STAFF_HEADS if staff else _HEADS:
        found = head.match(plain)
        if not found:
            continue
        emoji = found.groupdict().get("a")
        if emoji and not any(_is_emoji(letter) or letter in "‼⁉" for letter in emoji):
            continue
        rest = plain[found.end() :].strip()
        if _THING.fullmatch(rest.rstrip(".")) or _is_one_quote(rest):
            return kind
        if staff and (_THING.match(rest) or rest[:1] in _QUOTES):
            return kind
    return ""


def _is_one_quote(text: str) -> bool:
    """Is the text one quote from its first character to its last, or one that "…" cuts short?

    Quotes may be nested: `“Reply “yes” or “no””` is one, `“him” but he hit “me”` is two.
    """
    if len(text) < 2:
        return False
    mark = text[0]
    straight = mark in '"″”'
    if not straight and mark not in _OPENING:
        return False
    depth = 1
    for place in range(1, len(text)):
        letter = text[place]
        if straight:
            depth += _straight_step(text, place)
        elif letter in _CLOSING[mark]:
            depth -= 1
        elif letter in _OPENING[mark]:
            depth += 1
        if depth == 0:
            return place == len(text) - 1
    # Three full stops are also how people trail off, so they only count behind a curly quote.
    return text.endswith("…") or (not straight and text.endswith("..."))


def _straight_step(text: str, place: int) -> int:
    """1 where a straight quote opens, -1 where it closes, 0 where there is none."""
    if text[place] not in '"″”':
        return 0
    opens = text[place - 1].isspace() or text[place - 1] in "(["
    return 1 if opens and text[place + 1 : place + 2].isalnum() else -1


# Signatures.


def _set(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


def _spellings(phrase: str) -> str:
    """The phrase with its accents in one piece, in two, and left out by a gateway."""
    forms = (phrase, unicodedata.normalize("NFD", phrase), _plain(phrase))
    return "|".join(re.escape(form).replace(r"\ ", r"[^\S\r\n]+") for form in dict.fromkeys(forms))


_FROM = (
    "Sent from",
    "Enviado desde",
    "Enviado do",
    "Enviado con",
    "Mandado desde",
    "Mandado con",
    "Envoyé de",
    "Envoyé depuis",
    "Envoyé à partir de",
    "Inviato da",
    "Đã gửi từ",
    "Gửi từ",
    "Отправлено с",
    "Отправлено из",
    "发自我的",
)
_OPEN = ("Sent via", "Sent using", "Sent with")
_EDGE = r"(?<!\w)"
_BEGINNING = re.compile(
    rf"{_EDGE}(?:(?P<device>{'|'.join(map(_spellings, _FROM))})"
    rf"|(?P<open>{'|'.join(map(_spellings, _OPEN))}))(?:(?<=的)|(?=\s))"
)
_ANY_CASE = re.compile(_BEGINNING.pattern, re.IGNORECASE)
_GET = re.compile(
    rf"{_EDGE}(?:Get|{_spellings('Obtén')}|Obtener|Obtenga|Obtenez"
    rf"|{_spellings('Téléchargez')}|{_spellings('Télécharger')})"
    r" (?:the )?(?:Outlook|Yahoo Mail|Gmail|TextNow) (?:for|on|para|pour) "
    r"(?:iOS/Android|iOS|Android|iPhone|iPad|Mac|Windows)[ .*_]*\Z"
)
_STARRED = re.compile(r"(?<!\S)[*_]{1,2}Sent with [^*_\r\n]{1,80}[*_]{1,2}[ .]*\Z")
# A link the mail program adds. Any other link may be the place where the person is.
_LINK = re.compile(
    r"\s*(?:[<(\[]\s*https?://[^\s<>()\[\]]+\s*[>)\]]"
    r"|https?://(?:aka\.ms|go\.onelink\.me|overview\.mail\.yahoo\.com)/\S*)\s*\Z"
)
_LINE_END = re.compile(r"\r\n|[\r\n\u2028\u2029]")
_BEFORE = " \t-–—|*_>~•\u00a0"

_BRANDS = _set(
    "iphone ipad ipod galaxy samsung android pixel motorola moto lg oneplus nokia huawei xiaomi",
    "redmi oppo vivo realme blackberry htc sony xperia tcl zte alcatel kyocera lumia macbook",
    "imac mac apple verizon t-mobile at&t outlook yahoo gmail aol hotmail icloud protonmail",
    "proton textnow windows ios tracfone",
)
# A signature only together with a noun: a Metro is also a train, Mobile a town
_SOFT = _set(
    "metro metropcs sprint cricket boost xfinity spectrum consumer cellular straight talk u.s",
    "us mint visible google mobile wireless lte 4g 5g 5guc virgin",
)
_NOUNS = _set(
    "phone cell cellphone smartphone tablet device mail app email handset watch telefono",
    "celular movil tableta dispositivo telephone portable correo smartwatch",
)
_MODELS = _set(
    "pro max plus ultra mini note edge fold flip z active se xr xs x air tab core prime thinq",
    "stylo nexus evolution capable powered lightning fast secure encrypted connect enterprise",
    "cua toi messenger play power",
)
_GLUE = _set(
    "my the a an for on by from all new mi el la para de con mon ma pour sur un meu minha do da",
    "mio moego моего моеи для",
)
_MODEL = re.compile(r"\d{1,2}|\d{1,2}[a-z]{1,2}\+?|[a-z]{1,4}-?\d{1,4}[a-z]{0,2}\+?")
_SITE = re.compile(r"(?:https?://)?[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|io|me|app|co)(?:/\S*)?")


def _without_signature(text: str, own: frozenset[str], staff: bool) -> str:
    """The text without one signature at its end, or the text as it is."""
    named = _without_name(text, own)
    if named != text:
        return named
    ends = [found.end() for found in _LINE_END.finditer(text)]
    start = ends[-1] if ends else 0
    line = text[start:]
    cut = _signature_start(line, own, not text[:start].strip(), staff)
    if cut is None:
        return text
    return text[: start + cut].rstrip() if not line[:cut].strip() else _before(text[: start + cut])


def _before(text: str) -> str:
    """The words before a signature on the same line, without the dash or bar between the two."""
    words = text.rstrip()
    bare = words.rstrip(_BEFORE)
    return bare if bare and text[len(bare) : len(bare) + 1].isspace() else words


def _signature_start(line: str, own: frozenset[str], first: bool, staff: bool) -> int | None:
    """Where the signature begins in the last line. `first`: it is the only line."""
    starred = _STARRED.search(line)
    if starred:
        return starred.start()
    link = _LINK.search(line)
    line = line[: link.start()] if link else line
    got = _GET.search(line)
    if got:
        return _with_marks(line, got.start())
    for found in reversed(list((_ANY_CASE if staff else _BEGINNING).finditer(line))):
        start = _with_marks(line, found.start())
        strength = _strength(line[found.end() :], own, found.lastgroup == "open")
        if strength == 2 or (strength == 1 and (staff or (start == 0 and not first))):
            return start
    bare = line.lstrip(_BEFORE)
    whole = _ANY_CASE.match(bare)
    if whole and whole.lastgroup == "device" and _strength(bare[whole.end() :], own, False) == 2:
        return 0
    return None


def _with_marks(line: str, start: int) -> int:
    """0 where nothing but dashes and stars stands before the signature, else where it begins."""
    return start if line[:start].strip(_BEFORE) else 0


def _strength(tail: str, own: frozenset[str], is_open: bool) -> int:
    """How surely a tail names a phone or program: 2 anywhere, 1 only below other lines, 0 not.

    Every word must be known: "my job to the hospital" is the person's own, like "my iPhone and he".
    `is_open`: after "Sent via", where any capitalised name may follow.
    """
    raw = tail.split()
    if not 1 <= len(raw) <= 12:
        return 0
    brand = soft = noun = False
    last = ""
    for place, token in enumerate(raw):
        if token[-1] in ".!" and place < len(raw) - 1 and token != "U.S.":
            return 0
        bare = token.strip(",.*_()<>~")
        last = _plain(bare).casefold()
        parts = last.split("/") if last not in _BRANDS and not _SITE.fullmatch(last) else [last]
        named = is_open and _is_name(bare, own)
        known = _BRANDS | _SOFT | _NOUNS | _MODELS | _GLUE
        if not named and not all(part in known or _MODEL.fullmatch(part) for part in parts):
            return 0
        named = named and not set(parts) & known and not _MODEL.fullmatch(last)
        brand = brand or named or bool(_BRANDS & set(parts))
        soft = soft or last in _SOFT
        noun = noun or last in _NOUNS
    if last in _GLUE or (is_open and len(raw) > 10):
        return 0
    if brand or (soft and noun):
        return 2
    return 1 if soft or noun else 0


def _is_name(token: str, own: frozenset[str]) -> bool:
    """May the word be part of a name? It is capitalised or a web site, and no word that people cry
    out."""
    plain = _plain(token).casefold()
    if not token or plain.replace("'", "") in own:
        return False
    return bool(_SITE.fullmatch(plain)) or token[0].isupper()


_DASHES = re.compile(
    r"(?:\A|[\r\n])--(?P<space>[ \u00a0]*)(?:\r\n|[\r\n])"
    r"(?P<name>[^\r\n]+(?:(?:\r\n|[\r\n])[^\r\n]+){0,3})\Z"
)
_NUMBER = re.compile(r"(?:[A-Za-z]+[:.] ?)?\+?[\d(][\d ().-]{5,17}\d")
_ADDRESS = re.compile(r"\S+@\S+\.\w+|(?:https?://|www\.)\S+")


_ONE_DASH = re.compile(
    r"\s*(?P<number>\d{1,2}|(?i:stop|stopall|unsubscribe|quit|cancel|start))[.)!]?[^\S\r\n]*[\r\n]+"
    r"[-–—~][^\S\r\n]*(?P<name>[^\r\n]+)"
)


def _without_name(text: str, own: frozenset[str]) -> str:
    """The text without a line of two dashes and a name below it, as mail programs sign. One dash
    is enough below a bare number or a carrier's own word: below other words it may be all that says
    where somebody is."""
    numbered = _ONE_DASH.fullmatch(text)
    if numbered and _is_person(numbered["name"], own, any_case=False):
        return numbered["number"]
    start = max(text.rfind("\n--"), text.rfind("\r--"), 0)
    found = _DASHES.match(text, start)
    if not found:
        return text
    lines = [line.strip() for line in _LINE_END.split(found["name"])]
    first, others = lines[0], lines[1:]
    if not _is_person(first, own, any_case=bool(found["space"])):
        return text
    for line in others:
        reachable = _NUMBER.fullmatch(line) or _ADDRESS.fullmatch(line)
        if not reachable and not _is_person(line, own, any_case=False):
            return text
    return text[:start].rstrip()


def _is_person(line: str, own: frozenset[str], any_case: bool) -> bool:
    """Does the line look like a name? `any_case`: a program wrote the dashes, so "john" counts
    too."""
    words = [word.strip(".,") for word in line.split()]
    if not 1 <= len(words) <= 4 or len(line) > 40 or re.search(r"[\d!?…:;]", line):
        return False
    if any(_plain(word).casefold().replace("'", "") in own for word in words):
        return False
    if not all(word and word[0].isalpha() for word in words):
        return False
    return all(not word[0].islower() for word in words) or (any_case and len(words) <= 2)


# Base64.

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")


def _decoded(text: str) -> str:
    """The text behind a body that is base64 from end to end, or ""."""
    if len(text) < 16 or len(text) % 4 or not _BASE64.fullmatch(text) or _HEX.fullmatch(text):
        return ""
    inner = text[1:]  # a capital at the start makes no mixed case: "Internationalization"
    mixed = inner != inner.lower() and inner != inner.upper()
    if not (mixed or "=" in text or any(letter.isdigit() for letter in text)):
        return ""
    try:
        raw = base64.b64decode(text, validate=True)
        wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
        decoded = raw.decode("utf-16" if wide else "utf-8-sig")
    except (binascii.Error, ValueError):
        return ""
    printable = sum(letter.isprintable() or letter in "\n\r\t\u200d" for letter in decoded)
    if printable < 0.9 * len(decoded) or not any(letter.isalpha() for letter in decoded):
        return ""
    return decoded
