"""What is said in free text, as combinations of words: who or what × act × how much
(docs/safety-rules.md, rule 7).

Each language gives forms of words by class, and combinations of classes by kind. All shipped
languages are read together, so "tomó all the pills" is heard: a class holds the forms of every
language.

A combination is written as terms in order, each within `GAP` words of the one before:

    <take> <much> <medicine>      three classes
    <not> breath+                 a class, then any word that begins with "breath"
    on_the_ledge                  words side by side
    #6 <medicine>                 a number of six or more; "#6-40": no more than forty
    (burst|split) pipe            one of these, each words side by side
    any: <medicine> <gone>        in any order, all within `SPAN` words
    <hit> <me> !<sport>           none of the class `sport` within `NEAR` words of it; !!<sport>:
    within `WIDE` words; !=<sport>: none that shares a word with it
    even: <not> wake+             also after words of the class `denial` or beside words of the
    class `distant`

Words of the class `present` beside a combination take the weight of `distant` away ("years ago, and
again tonight"). Within `WIDE` words of the class `telling`, of stories, games, errands and the
like, no danger is heard.

A form of a class may itself name classes, side by side, with choices and with what may be left out
("?"):

    hurts_somebody = ["<hit> (on|up)? <somebody>", "(is|was) attacking"]

What `[spellings]` holds is read as what is meant by it ("sue aside": suicide), here as in texts.
What `[harmless]` holds is struck out first ("killing time"). Words of five letters and more are
heard with one slip of the thumb, unless they are in `lookalikes`: ordinary words one slip away from
another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush

from .vocabulary import normal

GAP = 5  # words that may stand between two terms in order
SPAN = 14  # words that terms in any order may be spread over
SHARED = 0  # words around: what is refused with "!=" shares a word with the combination
NEAR = 4  # words around a combination in which a refused class is looked for
WIDE = 14  # the same, for what is refused with "!!"
DENIED = 3  # words before a combination in which a denial is looked for
# forms up to which a form with choices is written out, and a part of one
WRITTEN_OUT, RUN = 100, 40
FUZZY = 5  # letters from which on one slip is borne with
DANGERS = "dangers"  # the section from which harmless phrases are struck out
# classes with a meaning of their own
DENIAL, DISTANT, PRESENT, TELLING = "denial", "distant", "present", "telling"
STRUCK = "\0"  # stands where a harmless phrase was: it matches nothing

_TOKEN = re.compile(r"(?:!!|!=?)?<[a-z_0-9]+>|(?:!!|!=?)?\([^()]*\)|#\d+(?:-\d+)?|[^\s<>#!()]+")
_PART = re.compile(r"(<[a-z_0-9]+>|\((?:[^()]|\([^()]*\))*\)|#\d+(?:-\d+)?|[^\s<>#()?]+)(\??)")
_CHOICE = re.compile(r"\|(?![^(]*\))")  # not those of a choice inside
_PLAIN = re.compile(r"[^<>()#?|]*")
_REPEATED = re.compile(r"(.)\1{2,}")
Form = tuple[str, ...]  # words side by side; "kill+" is any word that begins with "kill"
Place = tuple[int, int]  # from the first word to behind the last


@dataclass(frozen=True, slots=True)
class Combination:
    """Terms that mean something together. A term is the name of a class."""

    kind: str
    terms: tuple[str, ...]
    refused: tuple[tuple[str, int], ...] = ()  # class, and how many words around
    in_order: bool = True
    always: bool = False  # also after a denial, or beside what is long past
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language's share: forms of words by class, combinations as they are written, and what is
    harmless."""

    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # by section: kind, as written
    combinations: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    harmless: tuple[str, ...] = ()
    lookalikes: frozenset[str] = frozenset()
    # words as meant -> as some write or say them
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only: frozenset[str] = frozenset()
    no: frozenset[str] = frozenset()


class Combinations:
    """All languages' lexicons, ready to read a text. Immutable after it is made; equal texts give
    equal kinds.

    Raises ValueError, with the combination, for one that names a class nobody gives, or that begins
    with nothing.
    """

    def __init__(self, lexicons: Iterable[Lexicon]) -> None:
        every = tuple(lexicons)
        # beside "call me" these mean: no texts
        self.only = frozenset[str]().union(*(lexicon.only for lexicon in every))
        # "no, he has a knife": the comma ends the "no", and what stands behind it denies nothing
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
        self._numbers: dict[str, tuple[int, int]] = {}  # term -> least and most
        self._names = {name for lexicon in every for name in lexicon.classes}
        self._spelled = _Spelled(
            {
                written: meant
                for lexicon in every
                for meant, forms in lexicon.spellings.items()
                for written in forms
            }
        )
        self._written: dict[str, tuple[str, ...]] = {}
        for lexicon in every:
            for name, forms in lexicon.classes.items():
                self._written[name] = (*self._written.get(name, ()), *forms)
        self._known_forms: dict[str, list[Form] | None] = {}
        self._runs: dict[frozenset[Form], str] = {}
        # words and choices that combinations and forms name themselves
        self._terms: set[str] = set()
        self._composed_set: set[tuple[str, tuple[str, ...]]] = set()
        # class, and the terms that stand side by side
        self._composed: list[tuple[str, tuple[str, ...]]] = []
        for lexicon in every:
            for name, forms in lexicon.classes.items():
                for written in forms:
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
        # where in that order the forms stand that begin with a term
        self._composed_at: dict[str, list[int]] = {}
        for at, (_, terms) in enumerate(self._composed):
            self._composed_at.setdefault(terms[0], []).append(at)
        known = {word.rstrip("+") for form, _ in self._given for word in form}
        self._pairs = _by_second(self._exact)
        self._slips = _Slips(known, self._lookalikes)

    def kinds(self, words: Sequence[str], section: str = DANGERS) -> tuple[str, ...]:
        """The kinds of a section said in these words (as `normal` leaves them), each once, in the
        order they are listed."""
        return self.read(words).get(section, ())

    def read(self, words: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The kinds said in these words, by section. What is harmless is struck out for dangers
        alone."""
        places, left = self._looked_for(words)
        return {
            section: tuple(
                dict.fromkeys(
                    each.kind
                    for each in self._fitting(section, left if section == DANGERS else places)
                )
            )
            for section in self._read
        }

    def _looked_for(
        self, words: Sequence[str]
    ) -> tuple[Mapping[str, list[Place]], Mapping[str, list[Place]]]:
        """Where each class stands in the words as they are meant, and the same without what is
        harmless."""
        meant = [self._slips.meant(word) for word in self._spelled.meant(words)]
        places = self._places(meant)
        left = self._without_harmless(meant, places)
        return places, places if left is meant else self._places(left)

    def _fitting(self, section: str, places: Mapping[str, list[Place]]) -> Iterator[Combination]:
        for each in _candidates(
            self._read.get(section, ()), self._by_term.get(section, {}), places
        ):
            if self._fits(each, places) is not None:
                yield each

    def _without_harmless(self, words: list[str], places: Mapping[str, list[Place]]) -> list[str]:
        struck: set[int] = set()
        for each in _candidates(self._struck, self._struck_by_term, places):
            for place in self._all_places(each, places):
                struck.update(range(*place))
        return (
            [STRUCK if at in struck else word for at, word in enumerate(words)] if struck else words
        )

    # ---- reading what is written -----------------------------------------------------------------
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
        """One form of a class, as it is written, or several with "|" between them."""
        if "|" in written and len(choices := _CHOICE.split(written)) > 1:
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
        """Parts side by side as terms: what stands for few forms goes together."""
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
        """The term for parts side by side that stand for few forms: these forms, one term for all
        who name the same."""
        if len(parts) == 1 and parts[0].startswith("<"):
            return self._term(parts[0], written)
        forms = frozenset(self._all_forms(parts, RUN) or ())
        name = self._runs.setdefault(forms, f"({len(self._runs)})")
        for form in sorted(forms):
            self._add(form, name)
        return name

    def _all_forms(self, parts: Sequence[str], most: int = WRITTEN_OUT) -> list[Form] | None:
        """Every form that parts side by side stand for; None where these are too many to write
        out."""
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
            # while a class that is made of itself is read, and for numbers
            self._known_forms[part] = None
            written = (
                self._written.get(part[1:-1], ())
                if part[0] == "<"
                else _CHOICE.split(part[1:-1])
                if part[0] == "("
                else ()
            )
            found: list[Form] | None = [] if written else None
            for choice in (choice for each in written for choice in _CHOICE.split(each)):
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
        """The name under which the places of a term are found."""
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
                _CHOICE.split(token[1:-1]) if token.startswith("(") else (token.replace("_", " "),)
            ):
                self._form(choice, name)
        return name

    def _combination(self, kind: str, written: str, section: str = "") -> Combination:
        rest, in_order, always = written.strip(), True, False
        while (flag := re.match(r"(any|even):\s*", rest)) is not None:
            in_order, always = in_order and flag[1] != "any", always or flag[1] == "even"
            rest = rest[flag.end() :]
        terms, refused = [], []
        for token in _TOKEN.findall(rest):
            if token.startswith("!"):
                words = {"!!": WIDE, "!=": SHARED}.get(token[:2], NEAR)
                refused.append((self._term(token.lstrip("!="), written), words))
            else:
                terms.append(self._term(token, written))
        if not terms:
            raise ValueError(f"{kind}: {written!r} has no terms")
        if section == DANGERS:
            refused.append((TELLING, WIDE))
        return Combination(kind, tuple(terms), tuple(refused), in_order, always, written)

    def _known(self, name: str, written: str) -> str:
        if name not in self._names:
            raise ValueError(f"{written!r}: no class is called {name!r}")
        return name

    # ---- looking ---------------------------------------------------------------------------------
    def _places(self, words: Sequence[str]) -> dict[str, list[Place]]:
        """Where each class stands."""
        places: dict[str, list[Place]] = {}
        for at, word in enumerate(words):
            if word.isdecimal():
                number = int(word[:9])
                for term, (least, most) in self._numbers.items():
                    if least <= number <= most:
                        places.setdefault(term, []).append((at, at + 1))
            for name, place in self._forms_at(words, at):
                places.setdefault(name, []).append(place)
        self._add_composed(places)
        return places

    def _forms_at(self, words: Sequence[str], at: int) -> Iterator[tuple[str, Place]]:
        """The classes whose forms begin at a word, and where these stand."""
        word, following = words[at], words[at + 1] if at + 1 < len(words) else ""
        alone, pairs = self._pairs.get(word, _NO_FORMS)
        for name in alone:
            yield name, (at, at + 1)
        for form, name in pairs.get(following, ()):
            if len(form) == 2 or _stands(form, words, at):
                yield name, (at, at + len(form))
        longer = [pairs.get(f"{following[:1]}+", ())]
        longer += [
            forms for stem, forms in self._begins.get(word[:3], {}).items() if word.startswith(stem)
        ]
        for forms in longer:
            yield from (
                (name, (at, at + len(form))) for form, name in forms if _stands(form, words, at)
            )

    def _add_composed(self, places: dict[str, list[Place]]) -> None:
        """Where the classes stand whose forms are made of others, in the order in which they build
        on one another. Looked at are only those whose first term was found."""
        # where the places of a term end, by where they begin
        begin: dict[str, dict[int, list[int]]] = {}
        waiting = [at for term in places for at in self._composed_at.get(term, ())]
        heapify(waiting)
        while waiting:
            name, terms = self._composed[heappop(waiting)]
            if terms[-1] in places and all(term in places for term in terms):
                found = places[terms[0]]
                for term in terms[1:]:
                    if term not in begin:
                        ends = begin[term] = {}
                        for at, behind in places[term]:
                            ends.setdefault(at, []).append(behind)
                    ends = begin[term]
                    found = [
                        (start, behind)
                        for start, end in found
                        if end in ends
                        for behind in ends[end]
                    ]
                    if not found:
                        break
                if found:
                    if name not in places:
                        for at in self._composed_at.get(name, ()):
                            heappush(waiting, at)
                    there = places.setdefault(name, [])
                    there += [place for place in dict.fromkeys(found) if place not in there]
                    begin.pop(name, None)

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
        start, end = place
        if any(
            _near(place, other, words)
            for name, words in each.refused
            for other in places.get(name, ())
        ):
            return True
        if each.always or each.kind == "harmless":
            return False
        if any(
            start - DENIED <= behind and at < start
            for at, behind in places.get(DENIAL, ())
            if behind <= start
        ):
            return True
        if each.in_order and any(
            start < at and behind < end for at, behind in places.get(DENIAL, ())
        ):
            return True
        if not any(_near(place, other, 2 * NEAR) for other in places.get(DISTANT, ())):
            return False
        # "he did it years ago, and again now"
        return not any(_near(place, other, NEAR) for other in places.get(PRESENT, ()))


def _by_first_term(combinations: Sequence[Combination]) -> Mapping[str, tuple[int, ...]]:
    """Where the combinations that begin with a term stand: a short text then costs next to
    nothing."""
    found: dict[str, list[int]] = {}
    for at, each in enumerate(combinations):
        found.setdefault(each.terms[0], []).append(at)
    return {term: tuple(each) for term, each in found.items()}


_Forms = tuple[tuple[str, ...], Mapping[str, list[tuple[Form, str]]]]
_NO_FORMS: _Forms = ((), {})


def _by_second(exact: Mapping[str, list[tuple[Form, str]]]) -> Mapping[str, _Forms]:
    """By first word: the classes of that word alone, and longer forms by their second word, or by
    the first letter of a beginning and "+". Most words begin many forms; few of those stand in a
    text."""
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
    combinations: Sequence[Combination],
    by_term: Mapping[str, tuple[int, ...]],
    places: Mapping[str, list[Place]],
) -> Iterator[Combination]:
    """Those whose first term stands in the text, in the order they are listed."""
    for at in sorted(at for term in places for at in by_term.get(term, ())):
        yield combinations[at]


def _variants(written: str) -> list[tuple[str, ...]]:
    """The parts of a form, once for each way of leaving out what may be left out, but never all of
    it."""
    variants: list[tuple[str, ...]] = [()]
    for part, optional in _PART.findall(written):
        with_it = [(*each, part) for each in variants]
        variants = with_it + variants if optional else with_it
    return [each for each in dict.fromkeys(variants) if each]


def _sorted(composed: list[tuple[str, tuple[str, ...]]]) -> list[tuple[str, tuple[str, ...]]]:
    """What others are made of first. Raises ValueError for a class that is made of itself."""
    makes: dict[str, set[str]] = {}
    for name, terms in composed:
        makes.setdefault(name, set()).update(terms)
    try:
        order = {name: at for at, name in enumerate(TopologicalSorter(makes).static_order())}
    except CycleError as error:
        raise ValueError(f"a class is made of itself: {error.args[1]}") from error
    return sorted(composed, key=lambda each: order[each[0]])


def _forms(written: str) -> list[Form]:
    """A form as messages are compared: "can't breathe" gives ("cant", "breathe"); "kill+" keeps its
    sign."""
    words: list[str] = []
    for part in written.split():
        stem = part.rstrip("+")
        # most need no folding
        bare = (stem,) if stem.isascii() and stem.isalpha() and stem.islower() else normal(stem)
        if not bare:
            continue
        words += [*bare[:-1], bare[-1] + ("+" if part.endswith("+") else "")]
    return [tuple(words)] if words else []


def _stands(form: Form, words: Sequence[str], at: int) -> bool:
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
    places: Mapping[str, list[Place]],
    start: int | None = None,
    begun: int = -1,
) -> Iterator[Place]:
    """Every way the terms stand in order, each within GAP words of the one before."""
    for at, behind in places[terms[0]]:
        if start is not None and not start <= at <= start + GAP:
            continue
        first = at if begun < 0 else begun
        if len(terms) == 1:
            yield first, behind
        else:
            yield from _ordered(terms[1:], places, behind, first)


def _together(
    terms: tuple[str, ...], places: Mapping[str, list[Place]], taken: tuple[Place, ...] = ()
) -> Iterator[Place]:
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


class _Spelled:
    """Words as they are meant that some write by ear or short: "tuk", "2 nite", "sue aside"."""

    def __init__(self, spellings: Mapping[str, str]) -> None:
        self._by_first: dict[str, list[tuple[Form, Form]]] = {}
        for written, meant in spellings.items():
            form = normal(written)
            self._by_first.setdefault(form[0], []).append((form, normal(meant)))
        for forms in self._by_first.values():
            forms.sort(key=lambda each: -len(each[0]))

    def form(self, form: Form) -> Form:
        """The same of a class's form. Most hold no such word."""
        return form if self._by_first.keys().isdisjoint(form) else tuple(self.meant(form))

    def meant(self, words: Sequence[str]) -> Sequence[str]:
        if self._by_first.keys().isdisjoint(words):
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


class _Slips:
    """Which known word somebody meant who slipped once. What is an ordinary word itself is never
    changed."""

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
        return next(
            (
                found
                for near in _shortened(word)
                if (found := self._near.get(near)) and one_slip(found, word)
            ),
            word,
        )


def _shortened(word: str) -> list[str]:
    """The word, and the word with any one letter left out but its first: two words one slip apart
    share one of these."""
    return [word, *(word[:at] + word[at + 1 :] for at in range(len(word)))]


def one_slip(a: str, b: str) -> bool:
    """Are the words one letter apart: one changed, added, left out, or two neighbours swapped?"""
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
