"""Finds every fault of a protocol (docs/safety-rules.md, rule 18).

Each question and rule is checked first. Then every way of answering is walked, because a "yes" or a
doubt about safety must reach a human, whatever else is answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from .protocol import (
    DOUBT,
    HUMAN_NOW,
    SHARED,
    SKIPPED,
    SOMEONE,
    Choice,
    Condition,
    Facts,
    Protocol,
    Question,
    Rule,
)
from .protocol_table import table, word_keys
from .reach import ContactAnswer
from .said import MARKERS, Said

__all__ = ["faults", "table", "word_keys"]

KINDS = ("choice", "place")
NEEDED = ("who", "health", "safety", "suicide", "contact", "where", "want")
# Said at any time, or noticed by a clock: page a human now.
SAID_HUMAN = (
    Said.PERSON, Said.WORSE, Said.WATCHED, Said.SILENT_DANGER, Said.SILENT_911,
    Said.EMERGENCY_FOR_ME, Said.UNREAD_TWICE, Said.CARE_NOTE,
)  # fmt: skip
# A human reviews these, or a team is told of them.
SAID_OTHER = (
    Said.QUIET, Said.HUNG_UP, Said.STORY, Said.WROTE_AGAIN, Said.CHECK_UNANSWERED,
    Said.UNREAD_LANGUAGE,
    Said.WRITES_OFTEN, Said.AFTER_DANGER, Said.SAME_WORDS, Said.OFFICER, Said.LEGAL, *MARKERS,
)  # fmt: skip
SAID = (*SAID_HUMAN, *SAID_OTHER)
LOCATED = ("inside", "outside", "not_live", "near_edge", "ambiguous", "unknown", "skipped")
DERIVED = ("said", "located", "channel", "deaf")  # facts that are no answers
CHANNELS = ("web",)  # values of "channel"; nothing depends on the others
DEAF = ("yes",)  # of "deaf": they wrote that they are
_DERIVED = ", ".join(DERIVED)
# answers on the common path; every safety question is answered no
COMMON = {"who": "me", "contact": "text", "need": "worried", "want": "team"}
MOST_QUESTIONS = 8
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TAKEN = frozenset({"doubt", "skipped", "unreadable"})  # reserved codes


def faults(protocol: Protocol) -> tuple[str, ...]:
    """Every fault of a protocol, in the order of its file; empty if it may be used."""
    shape = [*_missing(protocol), *_questions(protocol), *_rules(protocol), *_aloud(protocol)]
    if shape:  # the walks below need a well-formed protocol
        return tuple(shape)
    return (*_unreachable(protocol), *_too_long(protocol), *_unheard(protocol), *_nowhere(protocol))


# ---- single questions and rules ------------------------------------------------------------------
def _missing(protocol: Protocol) -> Iterator[str]:
    names = [question.id for question in protocol.questions]
    yield from (f'question "{name}" is missing' for name in NEEDED if name not in names)
    yield from (f'two questions are called "{name}"' for name in _twice(names))
    yield from (
        f'two rules have the reason "{name}"'
        for name in _twice([rule.because for rule in protocol.rules])
    )
    if protocol.unreadable_limit < 1:
        yield "unreadable_limit must be 1 or more"


MOST_CHOICES = 4  # of one thing asked on the phone


def _aloud(protocol: Protocol) -> Iterator[str]:
    """What is asked on the phone: nothing unknown, nothing too long to keep in mind, and every
    question that a danger or the hand-off needs."""
    questions = {question.id: question for question in protocol.questions}
    names = [part.id for part in protocol.aloud]
    yield from (f'two parts are called "{name}"' for name in _twice(names))
    for part in protocol.aloud:
        where = f'aloud "{part.id}"'
        question = questions.get(part.question)
        if question is None:
            yield f'{where}: there is no question "{part.question}"'
            continue
        codes = tuple(choice.code for choice in question.choices)
        strange = set(part.gives) - {*codes, SOMEONE}
        yield from (f'{where}: "{code}" is no choice' for code in sorted(strange))
        keys = len(part.gives or codes) + part.unsure
        if keys > MOST_CHOICES:
            yield f"{where}: {keys} choices, more than {MOST_CHOICES} spoken ones"
        if question.safety and part.gives:
            yield f"{where}: a safety question is asked whole"
    asked = {part.question for part in protocol.aloud}
    if protocol.aloud:
        yield from (f'aloud: "{name}" is missing' for name in NEEDED if name not in asked)


def _twice(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _questions(protocol: Protocol) -> Iterator[str]:
    values = _values(protocol)
    earlier = set(DERIVED)
    for question in protocol.questions:
        where = f'question "{question.id}"'
        if not _NAME.fullmatch(question.id) or question.id in DERIVED:
            yield f"{where}: an id is small letters, digits and _, and none of {_DERIVED}"
        yield from _choices(question, where)
        yield from _several(question, where)
        if question.id == "contact":
            yield from _contact_choices(question)
        for condition in _conditions(question):
            yield from _condition(condition, where, values)
            for name in sorted((condition.names() & values.keys()) - earlier):
                yield f'{where}: depends on "{name}", which is not asked before it'
        if not question.follow_up or question.after_hand_off is not None:
            earlier.add(question.id)
        if question.sooner is not None:
            yield from _condition(question.sooner, where, values)
            for name in sorted((question.sooner.names() & values.keys()) - earlier):
                yield f'{where}: depends on "{name}", which is not asked before it'


def _choices(question: Question, where: str) -> Iterator[str]:
    codes = tuple(choice.code for choice in question.choices)
    if question.kind not in KINDS:
        yield f'{where}: "{question.kind}" is none of the kinds {", ".join(KINDS)}'
    if question.kind == "choice" and not codes:
        yield f"{where}: has no choices"
    if question.kind == "place" and codes:
        yield f"{where}: a place has no choices"
    yield from (f'{where}: two choices are called "{code}"' for code in _twice(list(codes)))
    yield from (
        f'{where}: "{code}" cannot be a code'
        for code in codes
        if not _NAME.fullmatch(code) or code in _TAKEN
    )
    if question.safety and codes != SHARED:
        yield f"{where}: a safety question has the choices yes, no, unsure, in this order"
    elif codes and set(codes) <= set(SHARED) and codes not in (SHARED, SHARED[:2]):
        yield f"{where}: yes is always 1, no 2, unsure 3"
    if any(choice.reads not in ("", "yes", "no") for choice in question.choices):
        yield f'{where}: a choice reads as "yes" or as "no"'
    for word, place in (("yes", 1), ("no", 2)):
        if any(
            choice.reads == word and at != place
            for at, choice in enumerate(question.choices, start=1)
        ):
            yield f"{where}: {word} is always {place}"
    if question.safety and any(choice.when.alternatives for choice in question.choices):
        yield f"{where}: a safety question offers all of its choices to everybody"


def _several(question: Question, where: str) -> Iterator[str]:
    codes = {choice.code for choice in question.choices}
    if question.several and (question.safety or not set(question.several) <= codes):
        yield f"{where}: several names choices, and never those of a safety question"
    yield from (
        f'{where}: "{choice.marker}" is no marker'
        for choice in question.choices
        if choice.marker and choice.marker not in MARKERS
    )


def _contact_choices(question: Question) -> Iterator[str]:
    """Code decides what a choice of `contact` allows; an unknown choice would allow nothing."""
    yield from (
        f'question "{question.id}": "{choice.code}" is no contact answer that code knows'
        for choice in question.choices
        if choice.code not in tuple(ContactAnswer)
    )


def _rules(protocol: Protocol) -> Iterator[str]:
    values = _values(protocol)
    for rule in protocol.rules:
        where = f'rule "{rule.because}"'
        if rule.level is None and not rule.review and not rule.marker:
            yield f"{where}: has no effect; it needs a level, a review or a marker"
        if not rule.when.alternatives:
            yield f"{where}: has no condition, so it would always hold"
        yield from _condition(rule.when, where, values)


def _condition(
    condition: Condition, where: str, values: dict[str, frozenset[str]]
) -> Iterator[str]:
    for alternative in condition.alternatives:
        if not alternative:
            yield f"{where}: an alternative is empty, so it would always hold"
        for name, any_of, none_of in alternative:
            if name not in values:
                yield f'{where}: nothing is known as "{name}"'
                continue
            if not any_of and not none_of:
                yield f'{where}: names no value of "{name}"'
            if any_of and any_of <= none_of:
                yield f'{where}: wants and refuses the same value of "{name}"'
            yield from (
                f'{where}: "{name}" is never "{value}"'
                for value in sorted((any_of | none_of) - values[name])
            )


def _values(protocol: Protocol) -> dict[str, frozenset[str]]:
    """The values each fact can have."""
    answers = {
        question.id: frozenset(choice.code for choice in question.choices) | DOUBT
        for question in protocol.questions
    }
    derived = ((*protocol.dangers, *SAID), LOCATED, CHANNELS, DEAF)
    return {**answers, **dict(zip(DERIVED, map(frozenset, derived), strict=True))}


# ---- every way of answering ----------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Walk:
    """Every way of answering some questions. Answers that no condition distinguishes are walked
    once."""

    questions: tuple[Question, ...]
    conditions: tuple[Condition, ...]

    def completions(
        self, facts: Facts, settled: tuple[Rule, ...] = (), at: int = 0
    ) -> Iterator[Facts]:
        """All complete sets of answers, except those in which one of the `settled` rules is sure to
        hold."""
        if any(rule.when.holds(facts) and self._known(rule, at) for rule in settled):
            return
        if at == len(self.questions):
            yield facts
            return
        question = self.questions[at]
        if not question.when.holds(facts):
            yield from self.completions(facts, settled, at + 1)
            return
        for answer in self._answers(question, facts):
            yield from self.completions(
                {**facts, question.id: frozenset({answer})}, settled, at + 1
            )

    def _known(self, rule: Rule, at: int) -> bool:
        """Is the rule final? Only a "!" about a question still to come could undo it."""
        refused = {
            name
            for alternative in rule.when.alternatives
            for name, _, none_of in alternative
            if none_of
        }
        return not refused & {question.id for question in self.questions[at:]}

    def _answers(self, question: Question, facts: Facts) -> list[str]:
        alternatives = [
            alternative for condition in self.conditions for alternative in condition.alternatives
        ]
        clauses = [
            clause
            for alternative in alternatives
            for clause in alternative
            if clause[0] == question.id
        ]
        by_effect: dict[tuple[object, ...], str] = {}
        for answer in (*(choice.code for choice in question.offered(facts)), *sorted(DOUBT)):
            effect = (
                answer == "no",
                answer in DOUBT,
                *((answer in any_of, answer in none_of) for _, any_of, none_of in clauses),
            )
            by_effect.setdefault(effect, answer)
        return list(by_effect.values())


def _row(protocol: Protocol) -> tuple[Question, ...]:
    """The questions asked in sequence, and safety questions outside it, which are checked as
    well."""
    return tuple(
        question for question in protocol.questions if not question.follow_up or question.safety
    )


def _conditions(question: Question) -> tuple[Condition, ...]:
    later = (question.after_hand_off,) if question.after_hand_off is not None else ()
    return (question.when, *later, *(choice.when for choice in question.choices))


def _walk(questions: tuple[Question, ...], rules: tuple[Rule, ...] = ()) -> _Walk:
    return _Walk(
        questions,
        (
            *(rule.when for rule in rules),
            *(one for question in questions for one in _conditions(question)),
        ),
    )


def _closure(protocol: Protocol, names: set[str]) -> tuple[Question, ...]:
    """These questions and all that decide whether they are asked and what they offer, in order."""
    row = _row(protocol)
    while (
        more := {
            name
            for question in row
            if question.id in names
            for one in _conditions(question)
            for name in one.names()
        }
        - names
    ):
        names = names | more
    return tuple(question for question in row if question.id in names)


def _unreachable(protocol: Protocol) -> Iterator[str]:
    for question in _row(protocol):
        before = _closure(protocol, {question.id})
        plain = tuple(_with_anything_said(one) for one in before)
        if not any(question.id in facts for facts in _walk(plain).completions({})):
            yield f'question "{question.id}": no answers lead to it'


def _with_anything_said(question: Question) -> Question:
    """The question as if everything that can be said or located had been."""
    choices = tuple(
        Choice(choice.code, _without_derived(choice.when)) for choice in question.choices
    )
    return replace(question, choices=choices, when=_without_derived(question.when))


def _without_derived(condition: Condition) -> Condition:
    return Condition(
        tuple(
            tuple(clause for clause in alternative if clause[0] not in DERIVED)
            for alternative in condition.alternatives
        )
    )


def common_path(protocol: Protocol) -> tuple[str, ...]:
    """The questions most people answer before their hand-off leaves: every safety question "no",
    and a team."""
    facts: dict[str, frozenset[str]] = {}
    for question in protocol.questions:
        if question.follow_up or not question.when.holds(facts):
            continue
        offered = [choice.code for choice in question.offered(facts)]
        usual = "no" if question.safety else COMMON.get(question.id, "")
        facts[question.id] = frozenset(
            {usual if usual in offered else offered[0] if offered else "given"}
        )
    return tuple(facts)


def _too_long(protocol: Protocol) -> Iterator[str]:
    """The common path must stay short: MOST_QUESTIONS answers."""
    asked = common_path(protocol)
    if len(asked) > MOST_QUESTIONS:
        most = f"more than {MOST_QUESTIONS}: {', '.join(asked)}"
        yield f"the common path asks {len(asked)} questions, {most}"


def _unheard(protocol: Protocol) -> Iterator[str]:
    """Ways of answering in which a "yes" or a doubt about safety reaches nobody, each named by its
    fewest answers."""
    safety = {question.id for question in protocol.questions if question.safety}
    urgent = tuple(
        rule for rule in protocol.rules if rule.level is not None and rule.level >= HUMAN_NOW
    )
    heeded = urgent + tuple(
        rule for rule in protocol.rules if rule.review and rule.when.names() & safety
    )
    asked = _closure(protocol, safety.union({"who"}, *(rule.when.names() for rule in heeded)))
    # also covers what is only asked after something was said
    talkative = tuple(_with_anything_said(question) for question in asked)
    unheard: dict[frozenset[tuple[str, str]], str] = {}
    for facts in chain.from_iterable(
        _walk(questions, heeded).completions({}, urgent) for questions in (asked, talkative)
    ):
        alarms = frozenset(
            (name, answer)
            for name in safety & facts.keys()
            for answer in facts[name]
            if answer != "no"
        )
        if not alarms or _bystander_reviewed(facts, alarms, heeded):
            continue
        unheard.setdefault(alarms, *facts.get("who", {"not asked"}))
    for alarms, who in sorted(unheard.items(), key=lambda found: sorted(found[0])):
        if not any(other < alarms for other in unheard):
            answers = " and ".join(f'{name} "{answer}"' for name, answer in sorted(alarms))
            review = ", nor a review" if who == "unknown" else ""
            yield f'{answers} (who: "{who}") reaches no human: neither R1 nor R2{review}'


def _bystander_reviewed(
    facts: Facts, alarms: frozenset[tuple[str, str]], heeded: tuple[Rule, ...]
) -> bool:
    """The one exception: the doubt of a bystander who does not know the person is reviewed without
    a page."""
    in_doubt = any(answer in DOUBT for _, answer in alarms)
    return (
        "unknown" in facts.get("who", ())
        and in_doubt
        and any(rule.review and rule.when.holds(facts) for rule in heeded)
    )


def _nowhere(protocol: Protocol) -> Iterator[str]:
    """Things said at any time that reach nobody, and wishes without a level."""
    urgent = tuple(
        rule for rule in protocol.rules if rule.level is not None and rule.level >= HUMAN_NOW
    )
    for kind in dict.fromkeys((*protocol.dangers, *SAID_HUMAN)):
        if not any(rule.when.holds({"said": frozenset({kind})}) for rule in urgent):
            yield f'said "{kind}": reaches no human (R1 or R2)'
    for answer in (*(choice.code for choice in protocol.question("want").choices), SKIPPED):
        if not any(
            rule.level is not None and rule.when.holds({"want": frozenset({answer})})
            for rule in protocol.rules
        ):
            yield f'want "{answer}": no rule gives it a level'
