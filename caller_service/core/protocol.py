"""The screening protocol as data: questions, choices and rules (docs/safety-rules.md).

A protocol says what is asked, when, and what each answer means. It holds keys, never sentences; the
words of a key are in translations/. A condition is a list of alternatives; each alternative names
facts and their accepted values, and all of its facts must match:

    when = [{ safety = ["yes", "doubt"] }]                  safety is yes or in doubt
    when = [{ want = ["team"], who = ["!unknown"] }]        a team is wanted, and who is not
                                                            "unknown" (or not asked)

"doubt" means DOUBT: unsure, skipped or unreadable. A value after "!" must not be present.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

SOMEONE = "someone"  # of `who`, on the phone: not the caller, and not said yet who
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


HUMAN_NOW = Level.R2  # from this level up a human is paged, whatever hours, area and capacity say

Facts = Mapping[str, frozenset[str]]  # what is known, by name: an answer, or what was said
Alternative = tuple[tuple[str, frozenset[str], frozenset[str]], ...]  # (fact, any of, none of)

_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Condition:
    """When something applies; without alternatives, always."""

    alternatives: tuple[Alternative, ...] = ()

    def holds(self, facts: Facts) -> bool:
        """Do the facts match? Written as plain loops: a turn evaluates this about fifty times."""
        for alternative in self.alternatives:
            for name, any_of, none_of in alternative:
                known = facts.get(name, _NOTHING)
                if (any_of and any_of.isdisjoint(known)) or not none_of.isdisjoint(known):
                    break
            else:
                return True
        return not self.alternatives

    def names(self) -> frozenset[str]:
        """The facts that this condition uses."""
        return frozenset(name for alternative in self.alternatives for name, _, _ in alternative)


def condition(alternatives: Iterable[Mapping[str, Iterable[str]]]) -> Condition:
    """Build a condition from its form in a protocol file."""
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


SHARED = ("yes", "no", UNSURE)  # always numbered 1, 2, 3; their words are shared by all questions


def ask_key(question: str, variant: str = "") -> str:
    """The catalog key of a question, or of one of its wordings."""
    return f"ask.{question}.{variant}" if variant else f"ask.{question}"


def choice_key(question: str, code: str) -> str:
    """The catalog key of a choice."""
    return f"choice.{code}" if code in SHARED else f"choice.{question}.{code}"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to pick. `choice_key` gives the key of its words."""

    code: str
    when: Condition = Condition()  # only offered to those who can use it
    reads: str = ""  # "yes" or "no": a plain yes or no means this choice
    # allows contact: counts only if the question can have been read (rule 8)
    opens: bool = False
    deaf: bool = False  # has other words for somebody deaf: `choice_key` + ".deaf"
    marker: str = ""  # the marker that it leaves, if another choice of the same text is the answer


@dataclass(frozen=True, slots=True)
class Part:
    """One thing asked at a time on the phone, where no question has more than four choices. A long
    question has several parts; key 1 gives the first of `gives`, and so on."""

    id: str
    question: str
    # empty: the choices the question offers. SOMEONE is none of them: a second part says more
    gives: tuple[str, ...] = ()
    unsure: bool = False  # one more key, "not sure", gives the last of them
    when: Condition = Condition()
    names_keys: bool = False  # its sentence says which key is which
    # says more of an answer that an earlier part has begun
    refines: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One question. Its key is `ask.<id>`, or `ask.<id>.<variant>` where the words depend on who
    needs help."""

    id: str
    kind: str  # "choice" or "place"
    choices: tuple[Choice, ...] = ()
    when: Condition = Condition()
    # doubt, a skip or three unreadable replies count as answers; a "no" that comes too fast is
    # asked again
    safety: bool = False
    by_who: bool = False  # its words depend on who needs help
    # its order among questions still asked while people are paged; 0: not asked then
    in_danger: int = 0
    follow_up: bool = False  # asked by a clock or an event, not in sequence
    sooner: Condition | None = None  # asked out of order as soon as this holds
    # a follow-up asked after the hand-off, if this holds
    after_hand_off: Condition | None = None
    # choices that one text may name together ("1 and 3"): the first of them is the answer
    several: tuple[str, ...] = ()
    # a minor is first told that people here may have to report (rule 14)
    notice_minor: bool = False

    def offered(self, facts: Facts) -> tuple[Choice, ...]:
        """The choices this person can use, numbered 1, 2, 3 … in this order."""
        return tuple(choice for choice in self.choices if choice.when.holds(facts))

    def raises(self, code: str) -> bool:
        """May this answer raise the level? True for a safety question and anything but a clear no,
        and for not having reached 911."""
        return (self.safety and code != "no") or (self.id == "reached" and code != "yes")

    def opens(self, code: str) -> bool:
        """Does this answer allow contact or voicemail?"""
        return any(choice.opens for choice in self.choices if choice.code == code)


@dataclass(frozen=True, slots=True)
class Rule:
    """While `when` holds, the case is at least this urgent, for the reason `because`."""

    because: str
    level: Level | None  # None: does not change the level
    when: Condition
    say: str | None = None  # words for the resident if this rule raises the level
    review: bool = False  # a human reviews it within the review clock; nobody is paged
    at_once: bool = False  # the review starts now, not after the screening
    marker: bool = False  # reported to the team
    by_who: bool = False  # `say` depends on who needs help: ".me" or ".they"
    in_violence: str = ""  # replaces `say` where there is violence (rule 23)


@dataclass(frozen=True, slots=True)
class Words:
    """A catalog key, with ".me" or ".they" after it if the words depend on who needs help."""

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
    """Who is responsible for the protocol. Live operation requires a matching hash
    (docs/safety-rules.md, rule 19)."""

    clinical_lead: str = ""
    legal: str = ""
    date: str = ""
    protocol_hash: str = ""


@dataclass(frozen=True, slots=True)
class Protocol:
    """A screening: questions in the order they are asked, and the rules that evaluate the
    answers."""

    id: str
    version: str
    questions: tuple[Question, ...]
    rules: tuple[Rule, ...]
    # kind of danger in free text -> words said at once
    dangers: Mapping[str, Words] = field(default_factory=dict)
    unreadable_limit: int = 3
    hash: str = ""
    aloud: tuple[Part, ...] = ()  # what is asked on the phone, in this order

    def part(self, name: str) -> Part:
        """What is asked aloud under this name; a question without parts is one."""
        return next((part for part in self.aloud if part.id == name), Part(name, name))

    def question(self, name: str) -> Question:
        for question in self.questions:
            if question.id == name:
                return question
        raise KeyError(name)
