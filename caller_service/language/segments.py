"""Counts the parts of a text message, and says the same in fewer parts.

A message of GSM-7 letters has 160 of them in one part, or 153 in each of several. One letter
outside that alphabet (such as a Spanish á) turns the whole message into UCS-2, with 70 or 67. Long
messages may arrive late, in pieces, or out of order.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal

Encoding = Literal["GSM-7", "UCS-2"]

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ "
    "!\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_EXTENSION = frozenset("\f^{}\\[~]|€")  # each takes two places
GSM_7_ALL = GSM_7 | GSM_7_EXTENSION

# Accented letters outside GSM-7 that a Spanish reader also reads without the accent.
# Only these: a bare letter in place of Vietnamese ạ or Romanian ș may say something else.
_PLAIN = str.maketrans(
    "ÁÀÂÃÊËÈÍÌÎÏÓÒÔÕÚÙÛÝáâãêëíîïóôõúûýÿç",
    "AAAAEEEIIIIOOOOUUUYaaaeeiiiooouuyyc",
)
# One accent, written as one letter or as two; a letter with two accents is not Spanish and is left
# alone.
_ACCENTED = re.compile("(?:[A-Za-z][\u0300-\u0303\u0308\u0327]|[À-ÿ])(?![\u0300-\u036f])")

_NOT_PLAIN = re.compile(
    "["
    "\u2018-\u201f"  # smart quotes
    "\u2010-\u2015\u2212"  # dashes and the minus sign; GSM-7 has the hyphen alone
    "\u2026\u00a0\u200b\u202f"  # the one-letter ellipsis, blanks that look like a blank and are not
    # emoji, old
    "\u203c\u2049\u20e3\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    # emoji, new
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\ufe0f\U0001f000-\U0001faff\U000e0020-\U000e007f"
    "]"
)


def encoding(text: str) -> Encoding:
    """The alphabet carriers will use: GSM-7 only if it has every letter."""
    return "GSM-7" if GSM_7_ALL.issuperset(text) else "UCS-2"


def segments(text: str) -> int:
    """The number of parts the message is sent and billed as; an empty one counts as one."""
    if GSM_7.issuperset(text):  # the usual case: every letter takes one place
        return 1 if len(text) <= 160 else -(-len(text) // 153)
    if encoding(text) == "GSM-7":
        return _parts(
            (2 if letter in GSM_7_EXTENSION else 1 for letter in text), alone=160, each=153
        )
    return _parts((2 if ord(letter) > 0xFFFF else 1 for letter in text), alone=70, each=67)


def _parts(sizes: Iterable[int], *, alone: int, each: int) -> int:
    sizes = tuple(sizes)
    if sum(sizes) <= alone:
        return 1
    parts, room = 1, each
    for size in sizes:
        if size > room:  # an escaped letter or a surrogate pair is never split
            parts, room = parts + 1, each
        room -= size
    return parts


def fold(text: str) -> str:
    """The text without the accents that GSM-7 lacks (á becomes a); é ñ ü ¿ ¡ stay. For Spanish."""
    return _ACCENTED.sub(
        lambda found: unicodedata.normalize("NFC", found[0]).translate(_PLAIN), text
    )


def fitted(text: str, limit: int = 2, without_accents: bool = True) -> str:
    """The text unchanged if it fits `limit` parts; otherwise folded, if that saves parts and the
    language allows it."""
    parts = segments(text)
    if parts <= limit or not without_accents:
        return text
    folded = fold(text)
    return folded if segments(folded) < parts else text


def pack(texts: Sequence[str], limit: int = 2) -> tuple[str, ...]:
    """The fewest messages for these texts in order, each within `limit` parts unless one text is
    longer."""
    groups: list[list[str]] = []
    for text in filter(None, texts):
        # Filling each message as far as possible gives the fewest: more text never takes fewer
        # parts.
        if groups and segments("\n".join([*groups[-1], text])) <= limit:
            groups[-1].append(text)
        else:
            groups.append([text])
    return tuple(_joined(group, limit) for group in groups)


def _joined(group: Sequence[str], limit: int) -> str:
    spaced = "\n\n".join(group)
    return spaced if segments(spaced) <= limit else "\n".join(group)


def not_plain(text: str) -> tuple[str, ...]:
    """Each character that our messages avoid (smart quotes, long dashes, emoji), once and in
    order."""
    return tuple(dict.fromkeys(_NOT_PLAIN.findall(text)))
