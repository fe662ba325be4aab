"""Finds what a free text says by combinations of words: who or what × act × how much
(docs/safety-rules.md, rule 7).

Each language lists forms of words by class, and combinations of classes by kind. All shipped
languages are read together, so "tomó all the pills" is found: a class has the forms of every
language.

A combination is written as terms in order, each within `GAP` words of the one before:

    <take> <much> <medicine>      three classes
    <not> breath+                 a class, then any word that begins with "breath"
    on_the_ledge                  words next to each other
    #6 <medicine>                 a number of six or more; "#6-40": up to forty
    (burst|split) pipe            one of these, each with its words next to each other
    any: <medicine> <gone>        in any order, all within `SPAN` words
    <hit> <me> !<sport>           no word of the class `sport` within `NEAR` words; !!<sport>:
                                  within `WIDE` words; !=<sport>: none that shares a word with it
    <kill> if i $                 the end of the text
    even: <not> wake+             also after words of the class `denial`, or near words of the
                                  class `distant`

    wide: any: <gun> <head>       only where no other combination of the section is found: that
                                  something is wrong is heard, what it is less surely

Words of the class `present` near a combination cancel the effect of `distant` ("years ago, and
again tonight"), and so does a word of `contrast` between the two. What is said to happen at this
moment (the class `happening`: "he is hitting me") is neither distant nor settled, except in a
`story` (a film, a dream).

Within `WIDE` words of the class `telling` (stories, games, errands and the like) no danger is
found. Within `WIDE` words of the class `settled` (care that is under way, what ended well, what was
last year) a combination counts only if `SURE` of them are found, if it begins with `even:`, or near
a word of `present`, or if a word of `contrast` stands between ("he is fine, but").

A form of a class may itself name classes next to each other, with choices and optional parts ("?"):

    hurts_somebody = ["<hit> (on|up)? <somebody>", "(is|was) attacking"]

A denial, a reference to the distant past and a harmless phrase hide only what stands in the same
sentence. Whatever else hides a danger hides none in a later sentence, unless it is of a `story`. A
denial hides nothing behind a word of `contrast`, nor if it is one of the class `spent` ("i havent
slept he hit me"). A harmless phrase hides nothing where a word of the class `afresh` is inside it
("i dont want to be here i wanna kill myself").

A spelling listed in `[spellings]` is read as the word that is meant ("sue aside": suicide), here
and in texts. Phrases in `[harmless]` are removed first ("killing time"). Words of five letters or
more match with one typing error, unless they are in `lookalikes`: ordinary words one letter away
from another.

Where no danger is found, the words are read once more, loosely: without signs that no form has and
without words that add nothing; with the spellings of `[looser]`, which are too common as something
else to be read so at once ("2", "da"); with letters put right that were swapped or doubled; and
with words taken apart that were written as one ("killmyself"), if one of them is listed in
`[joined]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .spelling import RunTogether, Slips, Spellings, sentences
from .vocabulary import normal
from .word_classes import Place, Places, WordClasses, near
from .word_notation import END, Malformed

GAP = 5  # words allowed between two terms in order
SPAN = 14  # words over which terms in any order may be spread
SHARED = 0  # words around: a class refused with "!=" shares a word with the combination
NEAR = 4  # words around a combination in which a refused class is searched for
WIDE = 14  # the same for classes refused with "!!"
DENIED = 3  # words before a combination in which a denial is searched for
SURE = 3  # so many combinations are heard even where things sound settled
DANGERS = "dangers"  # the section for which harmless phrases are removed
# classes with a special meaning
DENIAL, DISTANT, PRESENT, TELLING = "denial", "distant", "present", "telling"
SETTLED, CONTRAST = "settled", "contrast"
AFRESH, SPENT = "afresh", "spent"
HAPPENING, STORY = "happening", "story"
STRUCK = "\0"  # replaces a harmless phrase; matches nothing

_TOKEN = re.compile(r"(?:!!|!=?)?<[a-z_0-9]+>|(?:!!|!=?)?\([^()]*\)|#\d+(?:-\d+)?|[^\s<>#!()]+")


@dataclass(frozen=True, slots=True)
class Combination:
    """Terms that mean something together. A term is the name of a class."""

    kind: str
    terms: tuple[str, ...]
    refused: tuple[tuple[str, int], ...] = ()  # class, and the distance in words
    in_order: bool = True
    always: bool = False  # also after a denial, or near a word for the distant past
    wide: bool = False  # only where no other of its section is found
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language's data: forms of words by class, combinations as written, and harmless
    phrases."""

    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # by section: kind, as written
    combinations: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    harmless: tuple[str, ...] = ()
    lookalikes: frozenset[str] = frozenset()
    # meant words -> spellings of them
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # the same, and words without effect, for a second reading where no danger was found
    looser: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    joined: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    instead: frozenset[str] = frozenset()
    no: frozenset[str] = frozenset()


class Combinations:
    """All languages' lexicons, ready to read a text. Immutable; equal texts give equal kinds.

    Raises Malformed, quoting the entry, for a class that no language lists, a combination without
    terms, and whatever would be read as something else than what is written: parentheses that do
    not close or are nested too deep, and signs that belong to nothing.
    """

    def __init__(self, lexicons: Iterable[Lexicon]) -> None:
        every = tuple(lexicons)
        # next to "call me" these mean: no texts; those of `instead` only where `contact` is asked
        self.only = frozenset[str]().union(*(lexicon.only for lexicon in every))
        self.instead = frozenset[str]().union(*(lexicon.instead for lexicon in every))
        # "no, he has a knife": the comma ends the "no", which denies nothing after it
        noes = sorted(frozenset[str]().union(*(lexicon.no for lexicon in every)))
        self.behind_no = re.compile(
            rf"^\W*(?:{'|'.join(map(re.escape, noes)) or '(?!)'})"
            r"\s*[,.;:!\u2026\u2013\u2014-]+\s*",
            re.IGNORECASE,
        )
        self._spelled = Spellings(lexicon.spellings for lexicon in every)
        self._looser = Spellings(lexicon.looser for lexicon in every)
        self._classes = WordClasses((lexicon.classes for lexicon in every), self._spelled)
        sections = dict.fromkeys(section for lexicon in every for section in lexicon.combinations)
        self._read = {
            section: tuple(
                self._combination(kind, written, section)
                for lexicon in every
                for kind, written in lexicon.combinations.get(section, ())
            )
            for section in sections
        }
        self._struck = [
            self._combination("harmless", written)
            for lexicon in every
            for written in lexicon.harmless
        ]
        self._by_term = {section: _by_first_term(read) for section, read in self._read.items()}
        self._struck_by_term = _by_first_term(self._struck)
        self._classes.index()
        self._lookalikes = frozenset(
            word
            for lexicon in every
            for one in lexicon.lookalikes
            for word in normal(one.replace("|", " "))
        )
        words = self._classes.words
        whole = frozenset(word for word in words if not word.endswith("+"))
        joined = frozenset[str]().union(*(lexicon.joined for lexicon in every))
        self._slips = Slips({word.rstrip("+") for word in words}, self._lookalikes)
        self._run_together = RunTogether(whole, joined)
        # most texts are the number of a choice: read once, here
        self._digits = {word: self._search(((word,),)) for word in "0123456789"}

    def kinds(self, words: Sequence[str], section: str = DANGERS) -> tuple[str, ...]:
        """The kinds of one section said in these words (as `normal` returns them), each once, in
        listed order."""
        return self.read((words,)).get(section, ())

    def dangers(self, text: str) -> tuple[str, ...]:
        """The dangers told in a text."""
        return self.read(sentences(text)).get(DANGERS, ())

    def read(self, said: Sequence[Sequence[str]]) -> Mapping[str, tuple[str, ...]]:
        """The kinds said in these sentences, by section. Harmless phrases are removed for dangers
        only."""
        if len(said) == 1 and len(said[0]) == 1 and said[0][0] in self._digits:
            return self._digits[said[0][0]]
        return self._search(said)

    def _search(self, said: Sequence[Sequence[str]]) -> Mapping[str, tuple[str, ...]]:
        places, left = self._find_places(said)
        found = {
            section: self._found(section, left if section == DANGERS else places)
            for section in self._read
        }
        if DANGERS in found and not found[DANGERS]:
            loosely = [self._loosened(words) for words in said]
            if loosely != [list(words) for words in said]:
                found[DANGERS] = self._found(DANGERS, self._find_places(loosely)[1])
        return found

    def _loosened(self, words: Sequence[str]) -> list[str]:
        """The words without those that add nothing, with letters swapped or doubled in haste put
        right, and with those taken apart that were joined."""
        known = [word for word in words if word.isalnum() or word in self._slips.known]
        typed = (self._slips.mistyped(word) for word in self._looser.meant(known))
        return [
            part
            for word in typed
            for part in ((word,) if word in self._lookalikes else self._run_together.parts(word))
        ]

    def _found(self, section: str, places: Places) -> tuple[str, ...]:
        """The kinds of a section, each once; those of wide combinations if there are no others."""
        kinds: dict[str, None] = {}
        wide: dict[str, None] = {}
        settles = _Settles(places) if section == DANGERS else None
        found, heard = 0, False
        for each in _candidates(
            self._read.get(section, ()), self._by_term.get(section, {}), places
        ):
            if each.wide and heard:
                continue
            fitting = self._all_places(each, places)
            place = next(fitting, None)
            if place is None:
                continue
            if each.wide:
                wide[each.kind] = None
                continue
            kinds[each.kind] = None
            found += 1
            if not heard:
                heard = (
                    found >= SURE
                    or each.always
                    or settles is None
                    or not settles.hides(place)
                    or not all(settles.hides(other) for other in fitting)
                )
        return tuple(kinds if heard else wide)

    def _find_places(self, said: Sequence[Sequence[str]]) -> tuple[Places, Places]:
        """The places of each class in the words as meant, and the same without harmless phrases."""
        meant: list[str] = []
        ends: list[int] = []
        for words in said:
            meant += [self._slips.meant(word) for word in self._spelled.meant(words)]
            ends.append(len(meant))
        meant.append(END)
        places = self._classes.places(meant, ends[:-1])
        left = self._without_harmless(meant, places)
        return places, places if left is meant else self._classes.places(left, ends[:-1])

    def _without_harmless(self, words: list[str], places: Places) -> list[str]:
        struck: set[int] = set()
        for each in _candidates(self._struck, self._struck_by_term, places):
            for place in self._all_places(each, places):
                if places.in_one_sentence(place, place) and not any(
                    place[0] < at and behind < place[1] for at, behind in places.get(AFRESH)
                ):
                    struck.update(range(*place))
        return (
            [STRUCK if at in struck else word for at, word in enumerate(words)] if struck else words
        )

    def _combination(self, kind: str, written: str, section: str = "") -> Combination:
        rest = written.strip()
        flags = set()
        while (flag := re.match(r"(any|even|wide):\s*", rest)) is not None:
            flags.add(flag[1])
            rest = rest[flag.end() :]
        if unread := _TOKEN.sub("", rest).split():
            raise Malformed(written, f"{unread[0]!r} belongs to nothing, or is nested")
        terms, refused = [], []
        for token in _TOKEN.findall(rest):
            if token.startswith("!"):
                words = {"!!": WIDE, "!=": SHARED}.get(token[:2], NEAR)
                refused.append((self._classes.term(token.lstrip("!="), written), words))
            else:
                terms.append(self._classes.term(token, written))
        if not terms:
            raise Malformed(written, f"{kind} has no terms")
        if section == DANGERS:
            refused.append((TELLING, WIDE))
        return Combination(
            kind, tuple(terms), tuple(refused),
            "any" not in flags, "even" in flags, "wide" in flags, written,
        )  # fmt: skip

    def _all_places(self, each: Combination, places: Places) -> Iterator[Place]:
        found = _ordered(each.terms, places) if each.in_order else _unordered(each.terms, places)
        for place in found:
            if not self._spoiled(each, place, places):
                yield place

    def _spoiled(self, each: Combination, place: Place, places: Places) -> bool:
        start, end = place
        if any(
            near(place, other, words) and not _over(other, place, places)
            for name, words in each.refused
            for other in places.get(name)
        ):
            return True
        if each.always or each.kind == "harmless":
            return False
        denials = [one for one in places.apart(DENIAL, SPENT) if places.in_one_sentence(one, place)]
        if any(
            start - DENIED <= behind <= start
            and at < start
            and not any(behind <= turn < start for turn, _ in places.get(CONTRAST))
            for at, behind in denials
        ):
            return True
        if each.in_order and any(start < at and behind < end for at, behind in denials):
            return True
        distant = [
            other
            for other in places.get(DISTANT)
            if near(place, other, 2 * NEAR)
            and places.in_one_sentence(other, place)
            # "last year, but now he hits me"
            and not any(other[1] <= at < end and at <= start for at, _ in places.get(CONTRAST))
        ]
        if not distant:
            return False
        # "he did it years ago, and again now"
        if any(near(place, other, NEAR) for other in places.get(PRESENT)):
            return False
        # "he was arrested last year. he is hitting me": what happens was not last year, but a film
        # tells in the present as well
        return any(other in places.get(STORY) for other in distant) or not any(
            near(place, other, SHARED) for other in places.get(HAPPENING)
        )


def _over(other: Place, danger: Place, places: Places) -> bool:
    """Was the other said in a sentence before? A new one begins with news: only a film or a dream
    goes on in it. What comes after a danger may explain it: "she collapsed. it was a drill"."""
    if danger[0] < other[1] or places.in_one_sentence(other, danger):
        return False
    return not any(near(other, story, SHARED) for story in places.get(STORY))


_ByTerm = Mapping[str, Sequence[tuple[int, frozenset[str]]]]


def _by_first_term(combinations: Sequence[Combination]) -> _ByTerm:
    """Index combinations, each with its terms, by their first term, so that a short text tries
    few."""
    index: dict[str, list[tuple[int, frozenset[str]]]] = {}
    for at, each in enumerate(combinations):
        index.setdefault(each.terms[0], []).append((at, frozenset(each.terms)))
    return index


class _Settles:
    """What sounds settled in a text, and whether it hides a danger."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._settled = places.get(SETTLED)
        self._contrasts = places.get(CONTRAST) if self._settled else ()
        # the "now" of "fine now" is no present danger
        self._present = [
            now
            for now in (places.get(PRESENT) if self._settled else ())
            if not any(near(now, other, SHARED) for other in self._settled)
        ]
        self._happening = places.get(HAPPENING) if self._settled else ()

    def hides(self, danger: Place) -> bool:
        if any(near(danger, now, SHARED) for now in self._happening):
            return False
        return any(
            near(danger, settled, WIDE)
            and not _over(settled, danger, self._places)
            and not self._turned(settled, danger)
            for settled in self._settled
        ) and not any(near(danger, now, WIDE) for now in self._present)

    def _turned(self, settled: Place, danger: Place) -> bool:
        """Does the text turn between the two: "he is fine, but he has a gun"?"""
        return any(settled[0] <= at < danger[1] and settled[1] <= at for at, _ in self._contrasts)


def _candidates(
    combinations: Sequence[Combination],
    by_term: _ByTerm,
    places: Places,
) -> Iterator[Combination]:
    """The combinations whose terms are all in the text, in listed order."""
    known = places.names
    fitting = [
        at for term in by_term.keys() & known for at, terms in by_term[term] if terms <= known
    ]
    for at in sorted(fitting):
        yield combinations[at]


def _ordered(
    terms: tuple[str, ...],
    places: Places,
    start: int | None = None,
    begun: int = -1,
) -> Iterator[Place]:
    """Every way to place the terms in order, each within GAP words of the one before."""
    for at, behind in places[terms[0]]:
        if start is not None and not start <= at <= start + GAP:
            continue
        first = at if begun < 0 else begun
        if len(terms) == 1:
            yield first, behind
        else:
            yield from _ordered(terms[1:], places, behind, first)


def _unordered(
    terms: tuple[str, ...], places: Places, taken: tuple[Place, ...] = ()
) -> Iterator[Place]:
    """Every way to place the terms within SPAN words, in any order, using no word twice."""
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
            yield from _unordered(terms[1:], places, every)
