"""Computes how urgent a case is, and why, from everything known (docs/safety-rules.md).

The level is the highest any rule asks for. Reasons accumulate; only a named human sets them aside,
so a changed answer never lowers the level.
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
    """Compute the level, every reason that has ever applied, and whether a human must review the
    case."""
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
    firing = {rule.because for rule in fired}
    counted = [
        rule
        for rule in standing
        if rule.level is not None and (rule.level >= HUMAN_NOW or rule.because in firing)
    ]
    raised = [Level[case.raised]] if case.raised else []
    level = max(
        (*raised, *(rule.level for rule in counted if rule.level is not None)), default=None
    )
    return Disposition(level, because, any(rule.review for rule in standing))


def reconsider(protocol: Protocol, case: Case) -> tuple[Case, tuple[Rule, ...]]:
    """Recompute the level. Also return the rules that apply for the first time: dangers (R1, R2),
    most urgent first, then reviews."""
    result = decide(protocol, case)
    new = [
        rule
        for rule in protocol.rules
        if rule.because in result.because and rule.because not in case.because
    ]
    danger = sorted(
        (rule for rule in new if rule.level is not None and rule.level >= HUMAN_NOW),
        key=lambda rule: -(rule.level or 0),
    )
    reviews = [rule for rule in new if rule.level is None]
    return replace(case, level=result.level, because=result.because, review=result.review), (
        *danger,
        *reviews,
    )


def markers(protocol: Protocol, case: Case) -> tuple[str, ...]:
    """The reasons a team should know before it goes."""
    return tuple(
        rule.because for rule in protocol.rules if rule.marker and rule.because in case.because
    )


def lower(protocol: Protocol, case: Case) -> Case:
    """Set every present reason aside for a named human; a reason that applies later raises the
    level again (rule 1)."""
    aside = replace(case, set_aside=case.set_aside | frozenset(case.because), raised="")
    result = decide(protocol, aside)
    return replace(aside, level=result.level, review=result.review)
