"""How urgent a case is, and why: recomputed on every turn from everything known (domain.md section
2).

The level is the highest any rule asks for. Reasons only gather; only a named human sets them aside,
so a changed answer never lowers anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from .case import Case, replace
from .protocol import HUMAN_NOW, Level, Protocol, Rule


@dataclass(frozen=True, slots=True)
class Disposition:
    level: Level | None
    because: tuple[str, ...]
    review: bool


def decide(protocol: Protocol, case: Case) -> Disposition:
    """The highest level any reason asks for, every reason that has ever fired, and whether a human
    must look first."""
    facts = case.facts()
    fired = [rule for rule in protocol.rules if rule.when.holds(facts)]
    because = case.because + tuple(
        rule.because for rule in fired if rule.because not in case.because
    )
    standing = [
        rule
        for rule in protocol.rules
        if rule.because in because and rule.because not in case.set_aside
    ]
    choices = {rule.because for rule in fired}
    counted = [
        rule
        for rule in standing
        if rule.level is not None and (rule.level >= HUMAN_NOW or rule.because in choices)
    ]
    level = max((rule.level for rule in counted if rule.level is not None), default=None)
    return Disposition(level, because, any(rule.review for rule in standing))


def reconsider(protocol: Protocol, case: Case) -> tuple[Case, tuple[Rule, ...]]:
    """The case with its level recomputed, and what fired just now: dangers (R1, R2), most urgent
    first, then reviews."""
    told = decide(protocol, case)
    new = [
        rule
        for rule in protocol.rules
        if rule.because in told.because and rule.because not in case.because
    ]
    danger = sorted(
        (rule for rule in new if rule.level is not None and rule.level >= HUMAN_NOW),
        key=lambda rule: -(rule.level or 0),
    )
    reviews = [rule for rule in new if rule.level is None]
    return replace(case, level=told.level, because=told.because, review=told.review), (
        *danger,
        *reviews,
    )


def markers(protocol: Protocol, case: Case) -> tuple[str, ...]:
    """The reasons a team should know of before it goes."""
    return tuple(
        rule.because for rule in protocol.rules if rule.marker and rule.because in case.because
    )


def lower(protocol: Protocol, case: Case) -> Case:
    """A named human has answered for every reason there is: what fires after this raises again
    (rule 1)."""
    aside = replace(case, set_aside=case.set_aside | frozenset(case.because))
    told = decide(protocol, aside)
    return replace(aside, level=told.level, review=told.review)
