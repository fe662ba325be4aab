"""Which language a text is in, if it is clearly one that the program does not serve (rule 26).

By script where no served language uses it; in Latin letters by words. A served language is never
doubted: whatever is short, mixed, a name or in no known language gives nothing, and is read like
any other text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby

OTHER = "und"  # the tag of a script that nobody has a line for
LATIN = "Latin"
SYLLABLES = frozenset({"Han", "Hangul", "Hiragana", "Katakana"})  # a letter says as much as two
# letters that make a text, where two do not: houses of students are called ΣΑΕ
LEAST = {"Greek": 4}
DIFFERENT = 2  # words of one language
SHARE = 0.4  # of all words

_APOSTROPHES = str.maketrans("’‘`´ʼʻ", "''''''")
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
    """A language that can be told, and the line to send. `scripts` is empty for Latin letters.

    `words` are as `normal_words` gives them. A single letter among them that is not ASCII tells the
    language wherever it stands.
    """

    tag: str
    name: str
    line: str = field(repr=False)
    scripts: tuple[str, ...]
    words: frozenset[str]


def unread_language(said: str, known: Collection[Unread], served: Collection[str]) -> Unread | None:
    """The language, or None if it may be one of those served. `known` begins with the commonest.

    It must hold the served languages too: where one is missing, nothing says what that one looks
    like, and so nothing is doubted.
    """
    ours = {_primary(tag) for tag in served}
    if not ours <= {_primary(each.tag) for each in known}:
        return None
    parts = (part for part in _ADDRESS.sub(" ", said).split() if not _WEB.fullmatch(part))
    words = normal_words(" ".join(parts))
    scripts = {script for each in known if _primary(each.tag) in ours for script in each.scripts}
    return _by_script(words, known, scripts) or _by_words(words, known, ours)


def normal_words(text: str) -> list[str]:
    """The words, with accents and inner apostrophes, in small letters. Digits and signs part
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
    """The script by the letter's Unicode name: "Arabic", "Han". Empty for what has none: º, 1."""
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
    written = [each for each in known if main in each.scripts]
    if not written:
        other = next((each for each in known if each.tag == OTHER), None)
        return replace(other, name=main, scripts=(main,)) if other else None
    return max(
        written,
        key=lambda each: (sum(counts[script] for script in each.scripts), _signs(words, each)),
    )


def _runs(word: str) -> Iterator[tuple[str, int]]:
    """How many letters of one script stand side by side, each script in turn."""
    letters = (letter for letter in word if not unicodedata.category(letter).startswith("M"))
    return ((script, len(list(run))) for script, run in groupby(letters, script_of))


def _signs(words: Sequence[str], language: Unread) -> int:
    """How much tells this language from others in its script: letters once, words twice."""
    letters = sum(letter in language.words for word in words for letter in word)
    return letters + 2 * sum(len(word) > 1 and word in language.words for word in words)


# ---- by words ------------------------------------------------------------------------------------
def _by_words(
    words: Sequence[str], known: Collection[Unread], ours: Collection[str]
) -> Unread | None:
    latin = [each for each in known if not each.scripts]
    found = {each: [word for word in words if _of(word, each)] for each in latin}
    marks = {
        each: (len(heard), sum(word in each.words for word in heard), len(set(heard)))
        for each, heard in found.items()
    }
    best = max(marks, key=lambda each: marks[each], default=None)
    if best is None or _primary(best.tag) in ours or [*marks.values()].count(marks[best]) > 1:
        return None
    heard, listed, different = marks[best]  # letters alone make a name: Łukasz Błaszczyk
    if not listed or different < DIFFERENT or heard < SHARE * len(words):
        return None
    served = [each for each in latin if _primary(each.tag) in ours]
    return best if heard > sum(any(_of(word, each) for each in served) for word in words) else None


def _of(word: str, language: Unread) -> bool:
    """A word of the language, or one with a letter that tells it."""
    return word in language.words or any(
        not letter.isascii() and letter in language.words for letter in word
    )
