"""The screening protocol as data: questions, choices, rules (domain.md section 2).

A protocol says what is asked, when, and what each answer means. It holds keys, never sentences: the
words of a key live in translations/. A condition is a list of alternatives; each alternative names
facts and the values that fit, and all of its facts must fit:

    when = [{ safety = ["yes", "doubt"] }]                  safety is yes, or in doubt
    when = [{ want = ["team"], who = ["!unknown"] }]        a team is wanted and who is not
    "unknown" (or not asked)

"doubt" stands for DOUBT: not sure, skipped, or unreadable. A value with "!" in front must not be
there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

SKIPPED = "skipped"
UNREADABLE = "unreadable"
UNSURE = "unsure"
DOUBT = frozenset({UNSURE, SKIPPED, UNREADABLE})


class Level(IntEnum):
    """How urgent a case is; a larger number is more urgent. Internal only: no level is ever sent to
    a resident."""

    R6 = 1  # information and referral
    R5 = 2  # counselor callback
    R4 = 3  # mobile team, routine
    R3 = 4  # mobile team, priority
    R2 = 5  # a live human now
    R1 = 6  # emergency


HUMAN_NOW = Level.R2  # from here up a human is paged, whatever hours, area and capacity say

Facts = Mapping[str, frozenset[str]]  # what is known: an answer, or what was said, by name
Alternative = tuple[tuple[str, frozenset[str], frozenset[str]], ...]  # (fact, any of, none of)

_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Condition:
    """When something applies. No alternatives at all: always."""

    alternatives: tuple[Alternative, ...] = ()

    def holds(self, facts: Facts) -> bool:
        """In plain steps: a turn asks this some fifty times."""
        for alternative in self.alternatives:
            for name, any_of, none_of in alternative:
                known = facts.get(name, _NOTHING)
                if (any_of and any_of.isdisjoint(known)) or not none_of.isdisjoint(known):
                    break
            else:
                return True
        return not self.alternatives

    def names(self) -> frozenset[str]:
        """The facts this condition speaks of."""
        return frozenset(name for alternative in self.alternatives for name, _, _ in alternative)


def condition(alternatives: Iterable[Mapping[str, Iterable[str]]]) -> Condition:
    """Build a condition from its plain form, as a protocol file writes it."""
    built = []
    for alternative in alternatives:
        clauses = []
        for name, values in alternative.items():
            wanted = {value for value in values if not value.startswith("!")}
            refused = {value[1:] for value in values if value.startswith("!")}
            clauses.append((name, _spelled_out(wanted), _spelled_out(refused)))
        built.append(tuple(clauses))
    return Condition(tuple(built))


def _spelled_out(values: set[str]) -> frozenset[str]:
    return frozenset(values - {"doubt"} | (DOUBT if "doubt" in values else set()))


SHARED = ("yes", "no", UNSURE)  # always numbered 1, 2, 3, and worded once for all questions


def ask_key(question: str, variant: str = "") -> str:
    """The catalog key of a question's words, or of one way of wording it."""
    return f"ask.{question}.{variant}" if variant else f"ask.{question}"


def choice_key(question: str, code: str) -> str:
    """The catalog key of a choice."""
    return f"choice.{code}" if code in SHARED else f"choice.{question}.{code}"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that can be picked. Its words are under `choice_key`."""

    code: str
    when: Condition = Condition()  # only offered to those who can use it
    reads: str = ""  # "yes" or "no": a bare yes or no is this answer
    # opens contact: counts only for a question that can have been read (rule 8)
    opens: bool = False
    deaf: bool = False  # worded anew for somebody deaf: `choice_key` + ".deaf"


@dataclass(frozen=True, slots=True)
class Question:
    """One question. Its words are `ask.<id>`, or `ask.<id>.<variant>` where they depend on who
    needs help."""

    id: str
    kind: str  # "choice" or "place"
    choices: tuple[Choice, ...] = ()
    when: Condition = Condition()
    # doubt, a skip or three unreadable replies are themselves answers here; a fast "no" is asked
    # again
    safety: bool = False
    by_who: bool = False  # worded by who needs help
    # still asked once a human is being paged: the place in that order; 0: not asked then
    in_danger: int = 0
    follow_up: bool = False  # asked by a clock or an event, never in the row
    sooner: Condition | None = None  # asked before its turn as soon as this holds
    # a follow-up put once the hand-off has left, if this holds
    after_hand_off: Condition | None = None
    notice_minor: bool = False  # a minor first hears that people here may have to report (rule 14)

    def offered(self, facts: Facts) -> tuple[Choice, ...]:
        """The choices this person can use, in order; they are numbered 1, 2, 3 … as offered."""
        return tuple(choice for choice in self.choices if choice.when.holds(facts))

    def opens(self, code: str) -> bool:
        """Does this answer open contact or voicemail?"""
        return any(choice.opens for choice in self.choices if choice.code == code)


@dataclass(frozen=True, slots=True)
class Rule:
    """When it holds, the case is at least this urgent, because of `because`."""

    because: str
    level: Level | None  # None: the level is left alone
    when: Condition
    say: str | None = None  # words for the resident when this rule is the one that raises the level
    review: bool = False  # a human looks at it within the review clock; nobody is paged
    at_once: bool = False  # the review begins now, not when the screening is over
    marker: bool = False  # told to the team
    by_who: bool = False  # `say` is worded by who needs help: ".me" or ".they"
    in_violence: str = ""  # said in place of `say` where there is violence (rule 23)


@dataclass(frozen=True, slots=True)
class Words:
    """A catalog key, and whether it is worded by who needs help: ".me" or ".they" behind it."""

    key: str
    by_who: bool = False

    def of(self, asker: str) -> str:
        """The key for who asks: "me" or "they" (questions.asker)."""
        return f"{self.key}.{asker}" if self.by_who else self.key

    @property
    def keys(self) -> tuple[str, ...]:
        return (f"{self.key}.me", f"{self.key}.they") if self.by_who else (self.key,)


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who answers for the protocol. Live starts only with a hash that matches (domain.md section 2,
    rule 19)."""

    clinical_lead: str = ""
    legal: str = ""
    date: str = ""
    protocol_hash: str = ""


@dataclass(frozen=True, slots=True)
class Protocol:
    """A screening: questions in the order they are asked, and the rules that read the answers."""

    id: str
    version: str
    questions: tuple[Question, ...]
    rules: tuple[Rule, ...]
    # kind of danger in free text -> what is said at once
    dangers: Mapping[str, Words] = field(default_factory=dict)
    unreadable_limit: int = 3
    hash: str = ""

    def question(self, name: str) -> Question:
        for question in self.questions:
            if question.id == name:
                return question
        raise KeyError(name)
