"""Where the classes of words stand in a text. A class has forms in every language; a form may name
classes next to each other (core/combinations.py tells how they are written)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush
from itertools import chain

from .spelling import Spellings
from .word_notation import Form, Malformed, check_form, choices_of, forms_of, is_plain, variants

# largest number of forms to which a form with choices is expanded, and a run of its parts
WRITTEN_OUT, RUN = 100, 40

Place = tuple[int, int]  # first word, and the index after the last


@dataclass(frozen=True, slots=True)
class _Group:
    """The classes of one form, and the positions of the composed forms that begin with them."""

    names: frozenset[str]
    starts: frozenset[int]


class Places:
    """The places of each class in a text. Those of a class are collected when it is first asked
    for: many classes have a form in a text, few are in a combination that fits."""

    __slots__ = ("_apart", "_ends", "_found", "_known", "names", "starts")

    def __init__(self, ends: Sequence[int] = ()) -> None:
        self._apart: dict[tuple[str, str], list[Place]] = {}
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

    def apart(self, name: str, other: str) -> list[Place]:
        """The places of a class that share no word with one of the other class."""
        known = self._apart.get((name, other))
        if known is None:
            others = self.get(other)
            known = [one for one in self.get(name) if not any(near(one, at, 0) for at in others)]
            self._apart[name, other] = known
        return known

    def in_one_sentence(self, one: Place, other: Place) -> bool:
        low, high = min(one[0], other[0]), max(one[1], other[1])
        return not any(low < end < high for end in self._ends)


class WordClasses:
    """The classes of all languages, as they are looked up in a text.

    First all is compiled: the listed forms, and with `term` what combinations name. Then `index`;
    from there on it does not change. Raises Malformed, quoting the entry."""

    def __init__(self, listed: Iterable[Mapping[str, tuple[str, ...]]], spelled: Spellings) -> None:
        """`listed`: of each language, its forms by class."""
        every = tuple(listed)
        self._spelled = spelled
        self._given: set[tuple[Form, str]] = set()
        self._exact: dict[str, list[tuple[Form, str]]] = {}  # first word -> forms and their classes
        # first three letters -> beginning -> forms
        self._begins: dict[str, dict[str, list[tuple[Form, str]]]] = {}
        self._numbers: dict[str, tuple[int, int]] = {}  # term -> smallest and largest number
        self._names = {name for classes in every for name in classes}
        self._written: dict[str, tuple[str, ...]] = {}
        for classes in every:
            for name, forms in classes.items():
                self._written[name] = (*self._written.get(name, ()), *forms)
        self._known_forms: dict[str, list[Form] | None] = {}
        self._runs: dict[frozenset[Form], str] = {}
        self._groups: dict[frozenset[str], _Group] = {}  # most forms share one with others
        # words and choices written directly in combinations and forms
        self._terms: set[str] = set()
        self._composed_set: set[tuple[str, tuple[str, ...]]] = set()
        # class, and its terms, which are next to each other
        self._composed: list[tuple[str, tuple[str, ...]]] = []
        for classes in every:
            for name, forms in classes.items():
                for written in forms:
                    check_form(written, written)
                    self._form(written, name)

    def index(self) -> None:
        """Make the look-up tables: nothing more is added."""
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
        self.words = frozenset(chain.from_iterable(form for form, _ in self._given))

    def term(self, token: str, written: str) -> str:
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
                choices_of(token[1:-1]) if token.startswith("(") else (token.replace("_", " "),)
            ):
                self._form(choice, name)
        return name

    def _known(self, name: str, written: str) -> str:
        if name not in self._names:
            raise Malformed(written, f"no class is called {name!r}")
        return name

    # ---- compiling the word data -----------------------------------------------------------------
    def _form(self, written: str, name: str) -> None:
        """Compile one form of a class, or several separated by "|"."""
        if "|" in written and len(choices := choices_of(written)) > 1:
            for choice in choices:
                self._form(choice, name)
            return
        if is_plain(written):
            for form in forms_of(written):
                self._add(form, name)
            return
        for parts in variants(written):
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
                terms.append(self.term(part, written))
        return (*terms, self._run(run, written)) if run else tuple(terms)

    def _run(self, parts: Sequence[str], written: str) -> str:
        """The term for adjacent parts with few forms; equal forms share one term."""
        if len(parts) == 1 and parts[0].startswith("<"):
            return self.term(parts[0], written)
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
            return forms_of(part)
        if part not in self._known_forms:
            # None while a class refers to itself, and for numbers
            self._known_forms[part] = None
            written = (
                self._written.get(part[1:-1], ())
                if part[0] == "<"
                else choices_of(part[1:-1])
                if part[0] == "("
                else ()
            )
            found: list[Form] | None = [] if written else None
            for choice in (choice for each in written for choice in choices_of(each)):
                for parts in variants(choice):
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

    # ---- searching a text ------------------------------------------------------------------------
    def places(self, words: Sequence[str], ends: Sequence[int] = ()) -> Places:
        """The places of each class in the words. Read for every text: no form is compared that
        differs in one of its first three words."""
        places = Places(ends)
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

    def _add_composed(self, places: Places) -> None:
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

    def put(self, places: Places, at: int, second: str, third: str) -> list[_Longer]:
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


def near(place: Place, other: Place, words: int) -> bool:
    """Do the two share a word, or stand at most so many words apart?"""
    return other[0] < place[1] + words and place[0] - words < other[1]
