"""Recognises a text that is clearly in a language the program does not serve (rule 26).

By script if no served language uses it; in Latin letters by words. In doubt the text counts as
served: short or mixed texts, names and unknown languages are read like any other text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby

OTHER = "und"  # the tag of a script for which there is no line
LATIN = "Latin"
SYLLABLES = frozenset({"Han", "Hangul", "Hiragana", "Katakana"})  # one letter counts as two
# letters needed where two are not enough: student houses are called ΣΑΕ
LEAST = {"Greek": 4}
DIFFERENT = 2  # different words of one language that are needed
SHARE = 0.4  # and their share of all words
# The same where accents are left out, as many do on a phone: "chong em dap vo cua"
BARE_DIFFERENT, BARE_SHARE = 3, 0.6

_APOSTROPHES = str.maketrans("’‘`´ʼʻ", "''''''")
_UNMARKED = str.maketrans({"đ": "d", "ł": "l", "ø": "o", "ı": "i", "œ": "oe", "ß": "ss"})
_ADDRESS = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_WEB = re.compile(
    r"[@#][!-~]*|[!-~]*@[!-~]*|www\.[!-~]*"
    r"|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?:/[!-~]*)?",
    re.IGNORECASE,
)
_SCRIPT = re.compile(
    r"(.+?) (?:CAPITAL |SMALL |FINAL )?(?:LETTER|LIGATURE|SYLLABLE|SYLLABICS|CHARACTER"
    r"|INDEPENDENT|UNIFIED|COMPATIBILITY)\b"
)
_CALLED = {"CJK": "Han"}


@dataclass(frozen=True, slots=True)
class Unread:
    """A language that can be recognised, and the line to send. `scripts` is empty for Latin
    letters.

    `words` are as `normal_words` returns them. A single non-ASCII letter among them identifies the
    language wherever it occurs.
    """

    tag: str
    name: str
    line: str = field(repr=False)
    scripts: tuple[str, ...]
    words: frozenset[str]


def unread_language(said: str, known: Collection[Unread], served: Collection[str]) -> Unread | None:
    """The language, or None if it may be a served one. `known` begins with the commonest.

    `known` must include the served languages: without one of them, nothing can be told apart from
    it, and the result is None.
    """
    ours = {_primary(tag) for tag in served}
    if not ours <= {_primary(each.tag) for each in known}:
        return None
    parts = (part for part in _ADDRESS.sub(" ", said).split() if not _WEB.fullmatch(part))
    words = normal_words(" ".join(parts))
    scripts = {script for each in known if _primary(each.tag) in ours for script in each.scripts}
    return _by_script(words, known, scripts) or _by_words(words, known, ours)


def normal_words(text: str) -> list[str]:
    """The words in small letters, with accents and inner apostrophes. Digits and signs separate
    them."""
    text = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).lower()
    text = unicodedata.normalize("NFC", text.replace("i\u0307", "i"))  # lower() of a Turkish İ
    kept = []
    for letter in text:
        kind = unicodedata.category(letter)
        if kind != "Cf":
            kept.append(letter if kind[0] in "LM" or letter == "'" else " ")
    return [word for word in (each.strip("'") for each in "".join(kept).split()) if word]


def _primary(tag: str) -> str:
    return tag.partition("-")[0].lower()


# ---- by script -----------------------------------------------------------------------------------
@lru_cache(maxsize=4096)
def script_of(letter: str) -> str:
    """The script from the letter's Unicode name: "Arabic", "Han". Empty for characters without one:
    º, 1."""
    if unicodedata.category(letter) not in ("Lu", "Ll", "Lt", "Lo"):
        return ""
    named = _SCRIPT.match(unicodedata.name(letter, ""))
    return _CALLED.get(named[1], named[1].title()) if named else ""


def _by_script(
    words: Sequence[str], known: Collection[Unread], served: Collection[str]
) -> Unread | None:
    counts = Counter(script for word in words for each in word if (script := script_of(each)))
    weights = {each: count * (2 if each in SYLLABLES else 1) for each, count in counts.items()}
    others = {each: weights[each] for each in weights if each != LATIN and each not in served}
    if not others or 2 * sum(others.values()) <= sum(weights.values()):
        return None
    main = max(others, key=lambda script: others[script])
    runs = (run for word in words for run in _runs(word))
    if counts[main] < LEAST.get(main, 2) or not any(
        script in others and length > 1 for script, length in runs
    ):
        return None  # (ツ), ಠ_ಠ: a face, not a word
    candidates = [each for each in known if main in each.scripts]
    if not candidates:
        other = next((each for each in known if each.tag == OTHER), None)
        return replace(other, name=main, scripts=(main,)) if other else None
    return max(
        candidates,
        key=lambda each: (sum(counts[script] for script in each.scripts), _signs(words, each)),
    )


def _runs(word: str) -> Iterator[tuple[str, int]]:
    """Each run of letters of one script, with its length."""
    letters = (letter for letter in word if not unicodedata.category(letter).startswith("M"))
    return ((script, len(list(run))) for script, run in groupby(letters, script_of))


def _signs(words: Sequence[str], language: Unread) -> int:
    """How strongly the words identify this language among others of its script: letters once, words
    twice."""
    letters = sum(letter in language.words for word in words for letter in word)
    return letters + 2 * sum(len(word) > 1 and word in language.words for word in words)


# ---- by words ------------------------------------------------------------------------------------
def _by_words(
    words: Sequence[str], known: Collection[Unread], ours: Collection[str]
) -> Unread | None:
    latin = [each for each in known if not each.scripts]
    return _best(words, latin, ours, _of, DIFFERENT, SHARE) or _best(
        words, latin, ours, _of_bare, BARE_DIFFERENT, BARE_SHARE
    )


def _best(
    words: Sequence[str],
    latin: Sequence[Unread],
    ours: Collection[str],
    of: Callable[[str, Unread], bool],
    least: int,
    share: float,
) -> Unread | None:
    matches = {each: [word for word in words if of(word, each)] for each in latin}
    scores = {
        each: (len(heard), sum(word in each.words for word in heard), len(set(heard)))
        for each, heard in matches.items()
    }
    best = max(scores, key=lambda each: scores[each], default=None)
    if best is None or _primary(best.tag) in ours or [*scores.values()].count(scores[best]) > 1:
        return None
    heard, listed, different = scores[best]  # letters alone make a name: Łukasz Błaszczyk
    if (of is _of and not listed) or different < least or heard < share * len(words):
        return None
    served = [each for each in latin if _primary(each.tag) in ours]
    return best if heard > sum(any(of(word, each) for each in served) for word in words) else None


def _of(word: str, language: Unread) -> bool:
    """Is it a word of the language, or does it contain a letter that identifies it?"""
    return word in language.words or any(
        not letter.isascii() and letter in language.words for letter in word
    )


def _of_bare(word: str, language: Unread) -> bool:
    """Is it a word of the language, accents or not?"""
    return _of(word, language) or word in _without_accents(language.words)


@lru_cache(maxsize=256)
def _without_accents(words: frozenset[str]) -> frozenset[str]:
    return frozenset(bare(word) for word in words if len(word) > 1)


def bare(word: str) -> str:
    """The word as it is written without accents: "chồng", "chong"."""
    letters = unicodedata.normalize("NFD", word.translate(_UNMARKED))
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Mn")
