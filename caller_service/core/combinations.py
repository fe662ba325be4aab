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
sentence. A denial hides nothing behind a word of `contrast`, nor if it is one of the class `spent`
("i havent slept he hit me"). A harmless phrase hides nothing where a word of the class `afresh` is
inside it ("i dont want to be here i wanna kill myself").

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
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush
from itertools import chain, pairwise

from .vocabulary import normal

GAP = 5  # words allowed between two terms in order
SPAN = 14  # words over which terms in any order may be spread
SHARED = 0  # words around: a class refused with "!=" shares a word with the combination
NEAR = 4  # words around a combination in which a refused class is searched for
WIDE = 14  # the same for classes refused with "!!"
DENIED = 3  # words before a combination in which a denial is searched for
# largest number of forms to which a form with choices is expanded, and a run of its parts
WRITTEN_OUT, RUN = 100, 40
SURE = 3  # so many combinations are heard even where things sound settled
TOGETHER = 3  # so many words may be written as one
APART = 3  # letters of the longer of two of them
FUZZY = 5  # shortest word, in letters, in which one typing error is tolerated
DANGERS = "dangers"  # the section for which harmless phrases are removed
# classes with a special meaning
DENIAL, DISTANT, PRESENT, TELLING = "denial", "distant", "present", "telling"
SETTLED, CONTRAST = "settled", "contrast"
AFRESH, SPENT = "afresh", "spent"
HAPPENING, STORY = "happening", "story"
END = "$"  # behind the last word: no text holds it, `normal` takes it out
STRUCK = "\0"  # replaces a harmless phrase; matches nothing

_TOKEN = re.compile(r"(?:!!|!=?)?<[a-z_0-9]+>|(?:!!|!=?)?\([^()]*\)|#\d+(?:-\d+)?|[^\s<>#!()]+")
_PART = re.compile(r"(<[a-z_0-9]+>|\((?:[^()]|\([^()]*\))*\)|#\d+(?:-\d+)?|[^\s<>#()?]+)(\??)")
_SIGN = re.compile(r"([()|])")
DEEPEST = 2  # a choice, and one inside it: "(the|to (him|her))"
_ENDS = re.compile(r"[.!?;\u2026\u3002]+(?=\s|$)|\n+|[\u00a1\u00bf]")
_PLAIN = re.compile(r"[^<>()#?|]*")
_REPEATED = re.compile(r"(.)\1{2,}")
Form = tuple[str, ...]  # words next to each other; "kill+" is any word that begins with "kill"
Place = tuple[int, int]  # first word, and the index after the last


class Malformed(ValueError):
    """A form or a combination that cannot be read; `written` is the whole entry."""

    def __init__(self, written: str, why: str) -> None:
        super().__init__(f"{written!r}: {why}")
        self.written = written


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
        self._given: set[tuple[Form, str]] = set()
        self._exact: dict[str, list[tuple[Form, str]]] = {}  # first word -> forms and their classes
        # first three letters -> beginning -> forms
        self._begins: dict[str, dict[str, list[tuple[Form, str]]]] = {}
        self._numbers: dict[str, tuple[int, int]] = {}  # term -> smallest and largest number
        self._names = {name for lexicon in every for name in lexicon.classes}
        self._spelled = _Spelled(lexicon.spellings for lexicon in every)
        self._looser = _Spelled(lexicon.looser for lexicon in every)
        self._written: dict[str, tuple[str, ...]] = {}
        for lexicon in every:
            for name, forms in lexicon.classes.items():
                self._written[name] = (*self._written.get(name, ()), *forms)
        self._known_forms: dict[str, list[Form] | None] = {}
        self._runs: dict[frozenset[Form], str] = {}
        self._groups: dict[frozenset[str], _Group] = {}  # most forms share one with others
        # words and choices written directly in combinations and forms
        self._terms: set[str] = set()
        self._composed_set: set[tuple[str, tuple[str, ...]]] = set()
        # class, and its terms, which are next to each other
        self._composed: list[tuple[str, tuple[str, ...]]] = []
        for lexicon in every:
            for name, forms in lexicon.classes.items():
                for written in forms:
                    _check_form(written, written)
                    self._form(written, name)
        self._lookalikes = frozenset(
            word
            for lexicon in every
            for one in lexicon.lookalikes
            for word in normal(one.replace("|", " "))
        )
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
        self._composed = _sorted(self._composed)
        # term -> positions in `_composed` of the forms that begin with it
        self._composed_at: dict[str, list[int]] = {}
        for at, (_, terms) in enumerate(self._composed):
            self._composed_at.setdefault(terms[0], []).append(at)
        self._composed_terms = [(name, terms, frozenset(terms)) for name, terms in self._composed]
        # first three letters -> beginning -> forms
        self._begun = {
            letters: [(stem, self._grouped(forms)) for stem, forms in begins.items()]
            for letters, begins in self._begins.items()
        }
        self._numbers_found = {
            bounds: self._group(term for term, each in self._numbers.items() if each == bounds)
            for bounds in self._numbers.values()
        }
        self._index = {first: _indexed(self._grouped(each)) for first, each in self._exact.items()}
        every_word = set(chain.from_iterable(form for form, _ in self._given))
        known = {word.rstrip("+") for word in every_word}
        whole = frozenset(word for word in every_word if not word.endswith("+"))
        joined = frozenset[str]().union(*(lexicon.joined for lexicon in every))
        self._slips = _Slips(known, self._lookalikes)
        self._run_together = _RunTogether(whole, joined)
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

    def _found(self, section: str, places: _Places) -> tuple[str, ...]:
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

    def _find_places(self, said: Sequence[Sequence[str]]) -> tuple[_Places, _Places]:
        """The places of each class in the words as meant, and the same without harmless phrases."""
        meant: list[str] = []
        ends: list[int] = []
        for words in said:
            meant += [self._slips.meant(word) for word in self._spelled.meant(words)]
            ends.append(len(meant))
        meant.append(END)
        places = self._places(meant, ends[:-1])
        left = self._without_harmless(meant, places)
        return places, places if left is meant else self._places(left, ends[:-1])

    def _without_harmless(self, words: list[str], places: _Places) -> list[str]:
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

    # ---- compiling the word data -----------------------------------------------------------------
    def _grouped(self, forms: Iterable[tuple[Form, str]]) -> list[_Longer]:
        """Each form once, with all its classes."""
        names: dict[Form, list[str]] = {}
        for form, name in forms:
            names.setdefault(form, []).append(name)
        return [(form, self._group(each)) for form, each in names.items()]

    def _group(self, names: Iterable[str]) -> _Group:
        every = frozenset(names)
        if (group := self._groups.get(every)) is None:
            begun = (at for name in every for at in self._composed_at.get(name, ()))
            group = self._groups[every] = _Group(every, frozenset(begun))
        return group

    def _add(self, form: Form, name: str) -> None:
        form = self._spelled.form(form)
        first = form[0]
        if first.endswith("+") and len(first) < 4:
            raise ValueError(f"{' '.join(form)}: a beginning has three letters or more")
        if (form, name) in self._given:
            return
        self._given.add((form, name))
        if first.endswith("+"):
            self._begins.setdefault(first[:3], {}).setdefault(first[:-1], []).append((form, name))
        else:
            self._exact.setdefault(first, []).append((form, name))

    def _form(self, written: str, name: str) -> None:
        """Compile one form of a class, or several separated by "|"."""
        if "|" in written and len(choices := _choices(written)) > 1:
            for choice in choices:
                self._form(choice, name)
            return
        if _PLAIN.fullmatch(written):
            for form in _forms(written):
                self._add(form, name)
            return
        for parts in _variants(written):
            whole = self._all_forms(parts)
            if whole is not None:
                for form in whole:
                    self._add(form, name)
                continue
            terms = self._terms_of(parts, written)
            if (name, terms) not in self._composed_set:
                self._composed_set.add((name, terms))
                self._composed.append((name, terms))

    def _terms_of(self, parts: Sequence[str], written: str) -> tuple[str, ...]:
        """Adjacent parts as terms; parts with few forms are joined into one term."""
        terms: list[str] = []
        run: list[str] = []
        for part in parts:
            if self._all_forms([*run, part], RUN) is not None:
                run.append(part)
                continue
            if run:
                terms.append(self._run(run, written))
            run = [part] if self._all_forms([part], RUN) is not None else []
            if not run:
                terms.append(self._term(part, written))
        return (*terms, self._run(run, written)) if run else tuple(terms)

    def _run(self, parts: Sequence[str], written: str) -> str:
        """The term for adjacent parts with few forms; equal forms share one term."""
        if len(parts) == 1 and parts[0].startswith("<"):
            return self._term(parts[0], written)
        forms = frozenset(self._all_forms(parts, RUN) or ())
        name = self._runs.setdefault(forms, f"({len(self._runs)})")
        for form in sorted(forms):
            self._add(form, name)
        return name

    def _all_forms(self, parts: Sequence[str], most: int = WRITTEN_OUT) -> list[Form] | None:
        """Every form of adjacent parts; None if there are more than `most`."""
        forms: list[Form] = [()]
        for part in parts:
            each = self._forms_of(part)
            if each is None or len(forms) * len(each) > most:
                return None
            forms = [(*before, *after) for before in forms for after in each]
        return forms

    def _forms_of(self, part: str) -> list[Form] | None:
        if part[0] not in "<(#":
            return _forms(part)
        if part not in self._known_forms:
            # None while a class refers to itself, and for numbers
            self._known_forms[part] = None
            written = (
                self._written.get(part[1:-1], ())
                if part[0] == "<"
                else _choices(part[1:-1])
                if part[0] == "("
                else ()
            )
            found: list[Form] | None = [] if written else None
            for choice in (choice for each in written for choice in _choices(each)):
                for parts in _variants(choice):
                    more = self._all_forms(parts)
                    found = (
                        None
                        if found is None or more is None or len(found) + len(more) > WRITTEN_OUT
                        else found + more
                    )
                if found is None:
                    break
            self._known_forms[part] = found
        return self._known_forms[part]

    def _term(self, token: str, written: str) -> str:
        """The name under which the places of a term are stored."""
        if token.startswith("<"):
            return self._known(token[1:-1], written)
        if token.startswith("#"):
            least, _, most = token[1:].partition("-")
            self._numbers[token] = (int(least), int(most or 10**9))
            return token
        name = token if token.startswith("(") else f"={token}"
        if name not in self._terms:
            self._terms.add(name)
            for choice in (
                _choices(token[1:-1]) if token.startswith("(") else (token.replace("_", " "),)
            ):
                self._form(choice, name)
        return name

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
                refused.append((self._term(token.lstrip("!="), written), words))
            else:
                terms.append(self._term(token, written))
        if not terms:
            raise Malformed(written, f"{kind} has no terms")
        if section == DANGERS:
            refused.append((TELLING, WIDE))
        return Combination(
            kind, tuple(terms), tuple(refused),
            "any" not in flags, "even" in flags, "wide" in flags, written,
        )  # fmt: skip

    def _known(self, name: str, written: str) -> str:
        if name not in self._names:
            raise Malformed(written, f"no class is called {name!r}")
        return name

    # ---- searching a text ------------------------------------------------------------------------
    def _places(self, words: Sequence[str], ends: Sequence[int] = ()) -> _Places:
        """The places of each class in the words. Read for every text: no form is compared that
        differs in one of its first three words."""
        places = _Places(ends)
        behind = (*words[1:], "", "")
        for at, word in enumerate(words):
            if word.isdecimal():
                number = int(word[:9])
                for (least, most), group in self._numbers_found.items():
                    if least <= number <= most:
                        places.put(group, (at, at + 1))
            longer = [
                each
                for stem, begun in self._begun.get(word[:3], ())
                if word.startswith(stem)
                for each in begun
            ]
            if (forms := self._index.get(word)) is not None:
                longer += forms.put(places, at, behind[at], behind[at + 1])
            for form, group in longer:
                if _form_at(form, words, at):
                    places.put(group, (at, at + len(form)))
        self._add_composed(places)
        return places

    def _add_composed(self, places: _Places) -> None:
        """Add the places of classes whose forms name other classes, in dependency order. Only those
        whose first term was found are tried."""
        # term -> start -> ends of its places
        begin: dict[str, dict[int, list[int]]] = {}
        queue = list(places.starts)
        heapify(queue)
        while queue:
            name, terms, needed = self._composed_terms[heappop(queue)]
            if not needed <= places.names:
                continue
            chains = places[terms[0]]
            for term in terms[1:]:
                if term not in begin:
                    ends = begin[term] = {}
                    for at, stop in places[term]:
                        ends.setdefault(at, []).append(stop)
                ends = begin[term]
                chains = [
                    (start, stop) for start, end in chains if end in ends for stop in ends[end]
                ]
                if not chains:
                    break
            if chains:
                if name not in places.names:
                    for at in self._composed_at.get(name, ()):
                        heappush(queue, at)
                places.add(name, chains)
                begin.pop(name, None)

    def _all_places(self, each: Combination, places: _Places) -> Iterator[Place]:
        found = _ordered(each.terms, places) if each.in_order else _unordered(each.terms, places)
        for place in found:
            if not self._spoiled(each, place, places):
                yield place

    def _spoiled(self, each: Combination, place: Place, places: _Places) -> bool:
        start, end = place
        if any(
            _near(place, other, words) for name, words in each.refused for other in places.get(name)
        ):
            return True
        if each.always or each.kind == "harmless":
            return False
        denials = [one for one in places.denials if places.in_one_sentence(one, place)]
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
            if _near(place, other, 2 * NEAR)
            and places.in_one_sentence(other, place)
            # "last year, but now he hits me"
            and not any(other[1] <= at < end and at <= start for at, _ in places.get(CONTRAST))
        ]
        if not distant:
            return False
        # "he did it years ago, and again now"
        if any(_near(place, other, NEAR) for other in places.get(PRESENT)):
            return False
        # "he was arrested last year. he is hitting me": what happens was not last year, but a film
        # tells in the present as well
        return any(other in places.get(STORY) for other in distant) or not any(
            _near(place, other, SHARED) for other in places.get(HAPPENING)
        )


_ByTerm = Mapping[str, Sequence[tuple[int, frozenset[str]]]]


def _by_first_term(combinations: Sequence[Combination]) -> _ByTerm:
    """Index combinations, each with its terms, by their first term, so that a short text tries
    few."""
    index: dict[str, list[tuple[int, frozenset[str]]]] = {}
    for at, each in enumerate(combinations):
        index.setdefault(each.terms[0], []).append((at, frozenset(each.terms)))
    return index


@dataclass(frozen=True, slots=True)
class _Group:
    """The classes of one form, and the positions of the composed forms that begin with them."""

    names: frozenset[str]
    starts: frozenset[int]


class _Places:
    """The places of each class in a text. Those of a class are collected when it is first asked
    for: many classes have a form in a text, few are in a combination that fits."""

    __slots__ = ("_denials", "_ends", "_found", "_known", "names", "starts")

    def __init__(self, ends: Sequence[int] = ()) -> None:
        self._denials: list[Place] | None = None
        self._ends = ends  # behind the last word of each sentence but the last
        self.names: set[str] = set()
        self.starts: set[int] = set()
        self._found: list[tuple[frozenset[str], Place]] = []
        self._known: dict[str, list[Place]] = {}

    def put(self, group: _Group, place: Place) -> None:
        self.names |= group.names
        self.starts |= group.starts
        self._found.append((group.names, place))

    def add(self, name: str, more: Iterable[Place]) -> None:
        if name in self.names:
            known = self[name]
            known += [place for place in dict.fromkeys(more) if place not in known]
        else:
            self.names.add(name)
            self._known[name] = list(dict.fromkeys(more))

    def __getitem__(self, name: str) -> list[Place]:
        known = self._known.get(name)
        if known is None:
            known = [place for names, place in self._found if name in names]
            self._known[name] = known
        return known

    def get(self, name: str) -> Sequence[Place]:
        return self[name] if name in self.names else ()

    @property
    def denials(self) -> list[Place]:
        """The denials that deny what follows, and not what stands beside them."""
        if self._denials is None:
            spent = self.get(SPENT)
            self._denials = [
                one
                for one in self.get(DENIAL)
                if not any(_near(one, other, SHARED) for other in spent)
            ]
        return self._denials

    def in_one_sentence(self, one: Place, other: Place) -> bool:
        low, high = min(one[0], other[0]), max(one[1], other[1])
        return not any(low < end < high for end in self._ends)


class _Settles:
    """What sounds settled in a text, and whether it hides a danger."""

    def __init__(self, places: _Places) -> None:
        self._settled = places.get(SETTLED)
        self._contrasts = places.get(CONTRAST) if self._settled else ()
        # the "now" of "fine now" is no present danger
        self._present = [
            now
            for now in (places.get(PRESENT) if self._settled else ())
            if not any(_near(now, other, SHARED) for other in self._settled)
        ]
        self._happening = places.get(HAPPENING) if self._settled else ()

    def hides(self, danger: Place) -> bool:
        if any(_near(danger, now, SHARED) for now in self._happening):
            return False
        return any(
            _near(danger, settled, WIDE) and not self._turned(settled, danger)
            for settled in self._settled
        ) and not any(_near(danger, now, WIDE) for now in self._present)

    def _turned(self, settled: Place, danger: Place) -> bool:
        """Does the text turn between the two: "he is fine, but he has a gun"?"""
        return any(settled[0] <= at < danger[1] and settled[1] <= at for at, _ in self._contrasts)


_Longer = tuple[Form, _Group]


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The forms that begin with the same two words."""

    alone: _Group | None  # the classes of just these two words
    longer: Mapping[str, list[_Longer]]  # by third word
    begins: list[_Longer]  # the third is a beginning


@dataclass(frozen=True, slots=True)
class _Forms:
    """The forms that begin with the same word. Many begin with a common one; few are in a text."""

    alone: _Group | None  # the classes of that word alone
    pairs: Mapping[str, _Pairs]  # by second word
    begins: Mapping[str, list[_Longer]]  # the second is a beginning: by its first letter

    def put(self, places: _Places, at: int, second: str, third: str) -> list[_Longer]:
        """Add the places of forms of one and two words; return the longer ones that may fit."""
        if self.alone is not None:
            places.put(self.alone, (at, at + 1))
        longer = list(self.begins.get(second[:1], ()))
        if (pairs := self.pairs.get(second)) is not None:
            if pairs.alone is not None:
                places.put(pairs.alone, (at, at + 2))
            longer += pairs.longer.get(third, ())
            longer += pairs.begins
        return longer


def _indexed(forms: Iterable[_Longer]) -> _Forms:
    """Index the forms of one first word."""
    alone: _Group | None = None
    seconds: dict[str, list[_Longer]] = {}
    begins: dict[str, list[_Longer]] = {}
    for form, group in forms:
        if len(form) == 1:
            alone = group
        elif form[1].endswith("+"):
            begins.setdefault(form[1][0], []).append((form, group))
        else:
            seconds.setdefault(form[1], []).append((form, group))
    return _Forms(alone, {second: _pairs(each) for second, each in seconds.items()}, begins)


def _pairs(forms: Iterable[_Longer]) -> _Pairs:
    alone: _Group | None = None
    longer: dict[str, list[_Longer]] = {}
    begins: list[_Longer] = []
    for form, group in forms:
        if len(form) == 2:
            alone = group
        elif form[2].endswith("+"):
            begins.append((form, group))
        else:
            longer.setdefault(form[2], []).append((form, group))
    return _Pairs(alone, longer, begins)


def _candidates(
    combinations: Sequence[Combination],
    by_term: _ByTerm,
    places: _Places,
) -> Iterator[Combination]:
    """The combinations whose terms are all in the text, in listed order."""
    known = places.names
    fitting = [
        at for term in by_term.keys() & known for at, terms in by_term[term] if terms <= known
    ]
    for at in sorted(fitting):
        yield combinations[at]


def _choices(written: str) -> list[str]:
    """What "|" separates outside parentheses. Raises ValueError for parentheses that do not match
    or are nested too deep."""
    if "(" not in written and ")" not in written:
        return written.split("|")
    choices, depth = [""], 0
    for piece in _SIGN.split(written):
        depth += (piece == "(") - (piece == ")")
        if not 0 <= depth <= DEEPEST:
            raise ValueError("a parenthesis closes nothing, or is nested too deep")
        if piece == "|" and not depth:
            choices.append("")
        else:
            choices[-1] += piece
    if depth:
        raise ValueError("a parenthesis is not closed")
    return choices


def _check_form(written: str, entry: str) -> None:
    """Raises Malformed where a part of a form would be left out or split in its middle."""
    if _PLAIN.fullmatch(written):
        return
    try:
        choices = _choices(written)
    except ValueError as problem:
        raise Malformed(entry, str(problem)) from None
    for choice in choices:
        if unread := _PART.sub("", choice).split():
            raise Malformed(entry, f"{unread[0]!r} belongs to nothing")
        if not choice.strip() and len(choices) > 1:
            raise Malformed(entry, "a choice is empty")
        for part, _ in _PART.findall(choice):
            if part[0] == "(":
                _check_form(part[1:-1], entry)


def _variants(written: str) -> list[tuple[str, ...]]:
    """The parts of a form, once for each way to omit optional parts, but never all parts."""
    variants: list[tuple[str, ...]] = [()]
    for part, optional in _PART.findall(written):
        with_it = [(*each, part) for each in variants]
        variants = with_it + variants if optional else with_it
    return [each for each in dict.fromkeys(variants) if each]


def _sorted(composed: list[tuple[str, tuple[str, ...]]]) -> list[tuple[str, tuple[str, ...]]]:
    """Sort so that a class comes after those it is made of. Raises ValueError for a class that
    refers to itself."""
    makes: dict[str, set[str]] = {}
    for name, terms in composed:
        makes.setdefault(name, set()).update(terms)
    try:
        order = {name: at for at, name in enumerate(TopologicalSorter(makes).static_order())}
    except CycleError as error:
        raise ValueError(f"a class is made of itself: {error.args[1]}") from error
    return sorted(composed, key=lambda each: order[each[0]])


def _forms(written: str) -> list[Form]:
    """A form in the spelling of `normal`: "can't breathe" gives ("cant", "breathe"); "kill+" keeps
    its sign."""
    words: list[str] = []
    for part in written.split():
        stem = part.rstrip("+")
        # most words need no normalising
        plain = stem == END or (stem.isascii() and stem.isalpha() and stem.islower())
        bare = (stem,) if plain else normal(stem)
        if not bare:
            continue
        words += [*bare[:-1], bare[-1] + ("+" if part.endswith("+") else "")]
    return [tuple(words)] if words else []


def _form_at(form: Form, words: Sequence[str], at: int) -> bool:
    """Does the form begin at this word?"""
    if at + len(form) > len(words):
        return False
    for each in form:
        word = words[at]
        if word != each and not (each.endswith("+") and word.startswith(each[:-1])):
            return False
        at += 1
    return True


def _near(place: Place, other: Place, words: int) -> bool:
    return other[0] < place[1] + words and place[0] - words < other[1]


def _ordered(
    terms: tuple[str, ...],
    places: _Places,
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
    terms: tuple[str, ...], places: _Places, taken: tuple[Place, ...] = ()
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


class _Spelled:
    """Replaces phonetic and short spellings: "tuk", "2 nite", "sue aside"."""

    def __init__(self, spellings: Iterable[Mapping[str, tuple[str, ...]]]) -> None:
        self._by_first: dict[str, list[tuple[Form, Form]]] = {}
        every = {
            written: meant
            for each in spellings
            for meant, forms in each.items()
            for written in forms
        }
        for written, meant in every.items():
            form = normal(written)
            self._by_first.setdefault(form[0], []).append((form, normal(meant)))
        for forms in self._by_first.values():
            forms.sort(key=lambda each: -len(each[0]))
        listed = [form for forms in self._by_first.values() for form, _ in forms]
        self._alone = {form[0] for form in listed if len(form) == 1}
        self._pairs = {form[:2] for form in listed if len(form) > 1}

    def form(self, form: Form) -> Form:
        """The same for a form of a class; most have no such spelling."""
        return tuple(self.meant(form))

    def meant(self, words: Sequence[str]) -> Sequence[str]:
        # many a spelling begins with a word as common as "to", and few words go on with one
        if self._alone.isdisjoint(words) and self._pairs.isdisjoint(pairwise(words)):
            return words
        said: list[str] = []
        at = 0
        while at < len(words):
            for form, meant in self._by_first.get(words[at], ()):
                if tuple(words[at : at + len(form)]) == form:
                    said += meant
                    at += len(form)
                    break
            else:
                said.append(words[at])
                at += 1
        return said


def sentences(text: str) -> tuple[tuple[str, ...], ...]:
    """The words of each sentence of a text."""
    every = (normal(each) for each in _ENDS.split(text))
    return tuple(each for each in every if each)


class _Slips:
    """Corrects one typing error to a known word. Ordinary words (`lookalikes`) are never
    changed."""

    def __init__(self, known: set[str], lookalikes: frozenset[str]) -> None:
        self.known = known
        self._lookalikes = lookalikes
        self._near: dict[str, str] = {}
        for word in sorted(known):
            if len(word) >= FUZZY and word.isalpha():
                for near in _shortened(word):
                    self._near.setdefault(near, word)

    def meant(self, word: str) -> str:
        if word in self.known or word in self._lookalikes or not word.isalpha():
            return word
        for fewer in (r"\1\1", r"\1"):
            short = _REPEATED.sub(fewer, word)
            if short in self.known:
                return short
        if len(word) < FUZZY - 1:
            return word
        if word.endswith("in") and f"{word}g" in self.known:
            return f"{word}g"  # "climbin": no slip, and never another word that is a letter away
        return next(
            (
                found
                for near in _shortened(word)
                if (found := self._near.get(near)) and one_slip(found, word)
            ),
            word,
        )

    def mistyped(self, word: str) -> str:
        """The known word of which two neighbouring letters were swapped, or one doubled. Here words
        one letter shorter than `FUZZY` count, too."""
        if len(word) < FUZZY - 1 or word in self.known or word in self._lookalikes:
            return word
        near = (
            word[:at] + word[at + 1 :] for at in range(1, len(word)) if word[at] == word[at - 1]
        )
        swapped = (
            word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)
        )
        return next((each for each in chain(near, swapped) if each in self.known), word)


class _RunTogether:
    """Takes words apart that were written as one, at most `TOGETHER`: "killmyself". Of two of them
    one is always one of `joined`."""

    def __init__(self, known: frozenset[str], joined: frozenset[str]) -> None:
        self._known = known
        self._joined = joined

    def parts(self, word: str) -> tuple[str, ...]:
        if word in self._known:
            return (word,)
        return self._apart(word, TOGETHER) or (word,)

    def _apart(self, word: str, most: int) -> tuple[str, ...]:
        for at in range(1, len(word)):
            first, rest = word[:at], word[at:]
            if first not in self._known:
                continue
            if rest in self._known:
                if max(at, len(rest)) >= APART and not self._joined.isdisjoint((first, rest)):
                    return first, rest
            elif most > 2 and first in self._joined and (more := self._apart(rest, most - 1)):
                return first, *more
        return ()


def _shortened(word: str) -> list[str]:
    """The word, and the word without each letter but the first: two words one error apart share one
    of these."""
    return [word, *(word[:at] + word[at + 1 :] for at in range(len(word)))]


def one_slip(a: str, b: str) -> bool:
    """Do the words differ by one letter changed, added, omitted, or swapped with its neighbour?"""
    if a == b or abs(len(a) - len(b)) > 1:
        return a == b
    start = next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
    ra, rb = a[start:], b[start:]
    return (
        ra[1:] == rb
        or ra == rb[1:]
        or ra[1:] == rb[1:]
        or (len(ra) > 1 and ra[:2] == rb[1::-1] and ra[2:] == rb[2:])
    )
