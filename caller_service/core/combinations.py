"""What is said in free text, as combinations of words: who or what × act × how much (docs/safety-rules.md, rule 7).

Each language gives forms of words by class, and combinations of classes by kind. All shipped languages are read together,
so "tomó all the pills" is heard: a class holds the forms of every language.

A combination is written as terms in order, each within `GAP` words of the one before:

    <take> <much> <medicine>      three classes
    <not> breath+                 a class, then any word that begins with "breath"
    on_the_ledge                  words side by side
    #6 <medicine>                 a number of six or more
    any: <medicine> <gone>        in any order, all within `SPAN` words
    <hit> <me> !<sport>           none of the class `sport` within `NEAR` words of it
    even: <not> wake+             also after words of the class `denial` or beside words of the class `distant`

What `[harmless]` holds is struck out first ("killing time"). Words of five letters and more are heard with one slip of
the thumb, unless they are in `lookalikes`: ordinary words one slip away from another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .vocabulary import normal

GAP = 4  # words that may stand between two terms in order
SPAN = 12  # words that terms in any order may be spread over
NEAR = 4  # words around a combination in which a refused class is looked for
DENIED = 3  # words before a combination in which a denial is looked for
FUZZY = 5  # letters from which on one slip is borne with
DANGERS = "dangers"  # the section from which harmless phrases are struck out
DENIAL, DISTANT = "denial", "distant"  # classes with a meaning of their own
STRUCK = "\0"  # stands where a harmless phrase was: it matches nothing

_TOKEN = re.compile(r"!?<[a-z_0-9]+>|#\d+|[^\s<>#!]+")
_REPEATED = re.compile(r"(.)\1{2,}")
Form = tuple[str, ...]  # words side by side; "kill+" is any word that begins with "kill"
Place = tuple[int, int]  # from the first word to behind the last


@dataclass(frozen=True, slots=True)
class Combination:
    """Terms that mean something together. A term is the name of a class."""

    kind: str
    terms: tuple[str, ...]
    refused: tuple[str, ...] = ()
    in_order: bool = True
    always: bool = False  # also after a denial, or beside what is long past
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language's share: forms of words by class, combinations as they are written, and what is harmless."""

    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    combinations: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)  # by section: kind, as written
    harmless: tuple[str, ...] = ()
    lookalikes: frozenset[str] = frozenset()


class Combinations:
    """All languages' lexicons, ready to read a text. Immutable after it is made; equal texts give equal kinds.

    Raises ValueError, with the combination, for one that names a class nobody gives, or that begins with nothing.
    """

    def __init__(self, lexicons: Iterable[Lexicon]) -> None:
        every = tuple(lexicons)
        self._exact: dict[str, list[tuple[Form, str]]] = {}  # first word -> forms and their classes
        self._begins: dict[str, list[tuple[Form, str]]] = {}  # first three letters of a beginning -> forms
        self._numbers: set[int] = set()
        self._names: set[str] = set()
        known: set[str] = set()
        for lexicon in every:
            for name, forms in lexicon.classes.items():
                self._names.add(name)
                for written in forms:
                    for form in _forms(written):
                        known.update(word.rstrip("+") for word in form)
                        self._add(form, name)
        self._lookalikes = frozenset(word for lexicon in every for one in lexicon.lookalikes for word in normal(one))
        sections = dict.fromkeys(section for lexicon in every for section in lexicon.combinations)
        self._read = {
            section: tuple(self._combination(kind, written) for lexicon in every for kind, written in lexicon.combinations.get(section, ()))
            for section in sections
        }
        self._struck = [self._combination("harmless", written) for lexicon in every for written in lexicon.harmless]
        self._by_term = {section: _by_first_term(read) for section, read in self._read.items()}
        self._struck_by_term = _by_first_term(self._struck)
        known.update(word.rstrip("+") for forms in self._exact.values() for form, _ in forms for word in form)
        self._pairs = _by_second(self._exact)
        self._slips = _Slips(known, self._lookalikes)

    def kinds(self, words: Sequence[str], section: str = DANGERS) -> tuple[str, ...]:
        """The kinds of a section said in these words (as `normal` leaves them), each once, in the order they are listed."""
        return self.read(words).get(section, ())

    def read(self, words: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The kinds said in these words, by section. What is harmless is struck out for dangers alone."""
        places, left = self._looked_for(words)
        return {
            section: tuple(dict.fromkeys(each.kind for each in self._fitting(section, left if section == DANGERS else places)))
            for section in self._read
        }

    def _looked_for(self, words: Sequence[str]) -> tuple[Mapping[str, list[Place]], Mapping[str, list[Place]]]:
        """Where each class stands in the words as they are meant, and the same without what is harmless."""
        meant = [self._slips.meant(word) for word in words]
        places = self._places(meant)
        left = self._without_harmless(meant, places)
        return places, places if left is meant else self._places(left)

    def _fitting(self, section: str, places: Mapping[str, list[Place]]) -> Iterator[Combination]:
        for each in _candidates(self._read.get(section, ()), self._by_term.get(section, {}), places):
            if self._fits(each, places) is not None:
                yield each

    def _without_harmless(self, words: list[str], places: Mapping[str, list[Place]]) -> list[str]:
        struck: set[int] = set()
        for each in _candidates(self._struck, self._struck_by_term, places):
            for place in self._all_places(each, places):
                struck.update(range(*place))
        return [STRUCK if at in struck else word for at, word in enumerate(words)] if struck else words

    # ---- reading what is written -------------------------------------------------------------------------------------
    def _add(self, form: Form, name: str) -> None:
        first = form[0]
        if first.endswith("+") and len(first) < 4:
            raise ValueError(f"{' '.join(form)}: a beginning has three letters or more")
        where, key = (self._begins, first[:3]) if first.endswith("+") else (self._exact, first)
        if (form, name) not in where.setdefault(key, []):
            where[key].append((form, name))

    def _combination(self, kind: str, written: str) -> Combination:
        rest, in_order, always = written.strip(), True, False
        while (flag := re.match(r"(any|even):\s*", rest)) is not None:
            in_order, always = in_order and flag[1] != "any", always or flag[1] == "even"
            rest = rest[flag.end() :]
        terms, refused = [], []
        for token in _TOKEN.findall(rest):
            if token.startswith("!"):
                refused.append(self._known(token[2:-1], written))
            elif token.startswith("<"):
                terms.append(self._known(token[1:-1], written))
            elif token.startswith("#"):
                self._numbers.add(int(token[1:]))
                terms.append(token)
            else:
                for form in _forms(token.replace("_", " ")):
                    self._add(form, f"={token}")
                terms.append(f"={token}")
        if not terms:
            raise ValueError(f"{kind}: {written!r} has no terms")
        return Combination(kind, tuple(terms), tuple(refused), in_order, always, written)

    def _known(self, name: str, written: str) -> str:
        if name not in self._names:
            raise ValueError(f"{written!r}: no class is called {name!r}")
        return name

    # ---- looking -----------------------------------------------------------------------------------------------------
    def _places(self, words: Sequence[str]) -> dict[str, list[Place]]:
        """Where each class stands."""
        places: dict[str, list[Place]] = {}
        for at, word in enumerate(words):
            if word.isdecimal():
                number = int(word[:9])
                for least in self._numbers:
                    if number >= least:
                        places.setdefault(f"#{least}", []).append((at, at + 1))
            following = words[at + 1] if at + 1 < len(words) else ""
            alone, pairs = self._pairs.get(word, _NO_FORMS)
            for name in alone:
                places.setdefault(name, []).append((at, at + 1))
            for forms in (pairs.get(following), pairs.get(f"{following[:1]}+"), self._begins.get(word[:3])):
                for form, name in forms or ():
                    if _stands(form, words, at):
                        places.setdefault(name, []).append((at, at + len(form)))
        return places

    def _fits(self, each: Combination, places: Mapping[str, list[Place]]) -> Place | None:
        return next(self._all_places(each, places), None)

    def _all_places(self, each: Combination, places: Mapping[str, list[Place]]) -> Iterator[Place]:
        if any(term not in places for term in each.terms):
            return
        found = _ordered(each.terms, places) if each.in_order else _together(each.terms, places)
        for place in found:
            if not self._spoiled(each, place, places):
                yield place

    def _spoiled(self, each: Combination, place: Place, places: Mapping[str, list[Place]]) -> bool:
        start, _ = place
        if any(_near(place, other, NEAR) for name in each.refused for other in places.get(name, ())):
            return True
        if each.always or each.kind == "harmless":
            return False
        if any(start - DENIED <= behind and at < start for at, behind in places.get(DENIAL, ()) if behind <= start):
            return True
        return any(_near(place, other, 2 * NEAR) for other in places.get(DISTANT, ()))


def _by_first_term(combinations: Sequence[Combination]) -> Mapping[str, tuple[int, ...]]:
    """Where the combinations that begin with a term stand: a short text then costs next to nothing."""
    found: dict[str, list[int]] = {}
    for at, each in enumerate(combinations):
        found.setdefault(each.terms[0], []).append(at)
    return {term: tuple(each) for term, each in found.items()}


_Forms = tuple[tuple[str, ...], Mapping[str, list[tuple[Form, str]]]]
_NO_FORMS: _Forms = ((), {})


def _by_second(exact: Mapping[str, list[tuple[Form, str]]]) -> Mapping[str, _Forms]:
    """By first word: the classes of that word alone, and longer forms by their second word, or by the first letter of a
    beginning and "+". Most words begin many forms; few of those stand in a text."""
    found: dict[str, _Forms] = {}
    for first, forms in exact.items():
        alone = tuple(name for form, name in forms if len(form) == 1)
        pairs: dict[str, list[tuple[Form, str]]] = {}
        for form, name in forms:
            if len(form) > 1:
                key = f"{form[1][0]}+" if form[1].endswith("+") else form[1]
                pairs.setdefault(key, []).append((form, name))
        found[first] = (alone, pairs)
    return found


def _candidates(
    combinations: Sequence[Combination], by_term: Mapping[str, tuple[int, ...]], places: Mapping[str, list[Place]]
) -> Iterator[Combination]:
    """Those whose first term stands in the text, in the order they are listed."""
    for at in sorted(at for term in places for at in by_term.get(term, ())):
        yield combinations[at]


def _forms(written: str) -> list[Form]:
    """A form as messages are compared: "can't breathe" gives ("cant", "breathe"); "kill+" keeps its sign."""
    words: list[str] = []
    for part in written.split():
        stem = part.rstrip("+")
        bare = (stem,) if stem.isascii() and stem.isalpha() and stem.islower() else normal(stem)  # most need no folding
        if not bare:
            continue
        words += [*bare[:-1], bare[-1] + ("+" if part.endswith("+") else "")]
    return [tuple(words)] if words else []


def _stands(form: Form, words: Sequence[str], at: int) -> bool:
    if at + len(form) > len(words):
        return False
    return all(
        words[at + place].startswith(each[:-1]) if each.endswith("+") else words[at + place] == each for place, each in enumerate(form)
    )


def _near(place: Place, other: Place, words: int) -> bool:
    return other[0] < place[1] + words and place[0] - words < other[1]


def _ordered(terms: tuple[str, ...], places: Mapping[str, list[Place]], start: int | None = None, begun: int = -1) -> Iterator[Place]:
    """Every way the terms stand in order, each within GAP words of the one before."""
    for at, behind in places[terms[0]]:
        if start is not None and not start <= at <= start + GAP:
            continue
        first = at if begun < 0 else begun
        if len(terms) == 1:
            yield first, behind
        else:
            yield from _ordered(terms[1:], places, behind, first)


def _together(terms: tuple[str, ...], places: Mapping[str, list[Place]], taken: tuple[Place, ...] = ()) -> Iterator[Place]:
    """Every way the terms stand within SPAN words, in any order, no word used twice."""
    for place in places[terms[0]]:
        if any(place[0] < other[1] and other[0] < place[1] for other in taken):
            continue
        every = (*taken, place)
        low, high = min(one[0] for one in every), max(one[1] for one in every)
        if high - low > SPAN:
            continue
        if len(terms) == 1:
            yield low, high
        else:
            yield from _together(terms[1:], places, every)


class _Slips:
    """Which known word somebody meant who slipped once. What is an ordinary word itself is never changed."""

    def __init__(self, known: set[str], lookalikes: frozenset[str]) -> None:
        self._known = known
        self._lookalikes = lookalikes
        self._near: dict[str, str] = {}
        for word in sorted(known):
            if len(word) >= FUZZY and word.isalpha():
                for near in _shortened(word):
                    self._near.setdefault(near, word)

    def meant(self, word: str) -> str:
        if word in self._known or word in self._lookalikes or not word.isalpha():
            return word
        for fewer in (r"\1\1", r"\1"):
            short = _REPEATED.sub(fewer, word)
            if short in self._known:
                return short
        if len(word) < FUZZY - 1:
            return word
        return next((found for near in _shortened(word) if (found := self._near.get(near)) and one_slip(found, word)), word)


def _shortened(word: str) -> list[str]:
    """The word, and the word with any one letter left out but its first: two words one slip apart share one of these."""
    return [word, *(word[:at] + word[at + 1 :] for at in range(len(word)))]


def one_slip(a: str, b: str) -> bool:
    """Are the words one letter apart: one changed, added, left out, or two neighbours swapped?"""
    if a == b or abs(len(a) - len(b)) > 1:
        return a == b
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    ra, rb = a[start:], b[start:]
    return ra[1:] == rb or ra == rb[1:] or ra[1:] == rb[1:] or (len(ra) > 1 and ra[:2] == rb[1::-1] and ra[2:] == rb[2:])
