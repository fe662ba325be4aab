"""A protocol that breaks its promises is refused, and the fault says where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from caller_service.config.program_file import read_protocol
from caller_service.core.protocol import Choice, Condition, Protocol, Question, Rule, condition
from caller_service.core.protocol_check import faults, table, word_keys

PROTOCOL = read_protocol(
    Path(__file__).parents[2] / "caller_service" / "protocols" / "safety_screen_2.toml"
)
YES_NO_UNSURE = (Choice("yes"), Choice("no"), Choice("unsure"))

Change = Callable[[Protocol], Protocol]


def with_question(name: str, **changes: object) -> Change:
    return lambda protocol: replace(
        protocol,
        questions=tuple(
            replace(one, **changes) if one.id == name else one for one in protocol.questions
        ),  # type: ignore[arg-type]
    )


def with_rule(because: str, **changes: object) -> Change:
    return lambda protocol: replace(
        protocol,
        rules=tuple(
            replace(one, **changes) if one.because == because else one for one in protocol.rules
        ),  # type: ignore[arg-type]
    )


def without_question(name: str) -> Change:
    return lambda protocol: replace(
        protocol, questions=tuple(one for one in protocol.questions if one.id != name)
    )


def without(because: str) -> Change:
    """Remove the rule that has this reason."""
    return lambda protocol: replace(
        protocol, rules=tuple(one for one in protocol.rules if one.because != because)
    )


def and_question(*more: Question, at: int = 99) -> Change:
    return lambda protocol: replace(
        protocol, questions=(*protocol.questions[:at], *more, *protocol.questions[at:])
    )


def and_rule(*more: Rule) -> Change:
    return lambda protocol: replace(protocol, rules=(*protocol.rules, *more))


def test_the_shipped_protocol_is_sound() -> None:
    assert faults(PROTOCOL) == ()


WRONG: list[tuple[Change, str]] = [
    (and_question(PROTOCOL.questions[1]), 'two questions are called "health"'),
    (and_rule(PROTOCOL.rules[0]), 'two rules have the reason "health.yes"'),
    *(
        (without_question(name), f'question "{name}" is missing')
        for name in ("who", "health", "safety", "suicide", "contact", "where", "want")
    ),
    (with_question("need", kind="essay"), 'question "need": "essay" is none of the kinds'),
    (with_question("need", choices=()), 'question "need": has no choices'),
    (
        with_question("contact", choices=(Choice("text"), Choice("unsave"))),
        'question "contact": "unsave" is no contact answer that code knows',
    ),
    (with_question("where", choices=(Choice("here"),)), "a place has no choices"),
    (
        with_question("need", choices=(Choice("upset"), Choice("upset"))),
        'two choices are called "upset"',
    ),
    (with_question("need", choices=(Choice("Upset!"),)), '"Upset!" cannot be a code'),
    (with_question("need", choices=(Choice("skipped"),)), '"skipped" cannot be a code'),
    (with_question("need", several=("upset", "luck")), "several names choices"),
    (with_question("health", several=("yes", "no")), "never those of a safety question"),
    (with_question("need", choices=(Choice("upset", marker="luck"),)), '"luck" is no marker'),
    (
        with_question("health", choices=(Choice("no"), Choice("yes"), Choice("unsure"))),
        "yes, no, unsure, in this order",
    ),
    (
        with_question("health", choices=(Choice("yes"), Choice("no"))),
        "yes, no, unsure, in this order",
    ),
    (with_question("voicemail", choices=(Choice("no"), Choice("yes"))), "yes is always 1"),
    (
        with_question("gun", when=condition([{"weather": ["rain"]}])),
        'nothing is known as "weather"',
    ),
    (with_question("gun", when=condition([{"need": ["money"]}])), '"need" is never "money"'),
    (with_question("gun", when=condition([{"said": ["boo"]}])), '"said" is never "boo"'),
    (with_question("gun", when=condition([{"located": ["moon"]}])), '"located" is never "moon"'),
    (
        with_question("suicide", when=condition([{"want": ["team"]}])),
        'depends on "want", which is not asked before it',
    ),
    (
        with_question("gun", when=condition([{"reached": ["no"]}])),
        'depends on "reached", which is not asked before it',
    ),
    (
        with_question("gun", when=condition([{"gun": ["yes"]}])),
        'depends on "gun", which is not asked before it',
    ),
    (with_question("gun", when=Condition(((),))), "an alternative is empty"),
    (with_question("gun", when=condition([{"need": []}])), 'names no value of "need"'),
    (with_question("gun", when=condition([{"need": ["upset", "!upset"]}])), "wants and refuses"),
    (and_rule(Rule("idle", None, condition([{"want": ["team"]}]))), 'rule "idle": has no effect'),
    (with_rule("health.yes", when=Condition()), 'rule "health.yes": has no condition'),
    (with_rule("health.yes", when=condition([{"helth": ["yes"]}])), 'nothing is known as "helth"'),
    (lambda protocol: replace(protocol, unreadable_limit=0), "unreadable_limit"),
    (and_question(Question("said", "choice", YES_NO_UNSURE)), "none of said, located, channel"),
    (
        and_question(
            Question(
                "why_not",
                "choice",
                YES_NO_UNSURE,
                condition([{"safety": ["no"], "violence": ["yes"]}]),
            ),
            at=13,
        ),
        'question "why_not": no answers lead to it',
    ),
    (
        and_question(Question("pets", "choice", YES_NO_UNSURE), at=13),
        "the common path asks 9 questions",
    ),
    (
        lambda protocol: replace(protocol, dangers={**protocol.dangers, "fire": "danger.fire"}),
        'said "fire": reaches no human',
    ),
    (without("asked_for_a_person"), 'said "person": reaches no human'),
    (without("wants.counselor"), 'want "counselor": no rule gives it a level'),
    (without("wants.unclear"), 'want "skipped": no rule gives it a level'),
]


@pytest.mark.parametrize(("change", "named"), WRONG, ids=[named for _, named in WRONG])
def test_a_fault_is_named(change: Change, named: str) -> None:
    found = faults(change(PROTOCOL))

    assert [fault for fault in found if named in fault], found


UNHEARD: list[tuple[str, str]] = [
    ("health.yes", 'health "yes"'),
    ("violence.yes", 'violence "yes"'),
    ("weapon.yes", 'weapon "yes"'),
    ("place.yes", 'place "yes"'),
    ("health.doubt", 'health "unsure"'),
    ("suicide.doubt", 'suicide "unsure"'),
    ("safety.contradiction", 'safety "yes"'),
    ("gun", 'gun "yes"'),
    ("soon.no_or_doubt", 'suicide "yes"'),
]


@pytest.mark.parametrize(("rule", "named"), UNHEARD)
def test_a_danger_that_reaches_nobody_is_named(rule: str, named: str) -> None:
    found = faults(without(rule)(PROTOCOL))

    assert [fault for fault in found if named in fault and "reaches no human" in fault], found


def test_a_bystanders_doubt_is_reviewed_or_named() -> None:
    found = faults(without("bystander.doubt")(PROTOCOL))

    assert [
        fault for fault in found if 'suicide "unsure" (who: "unknown") reaches no human' in fault
    ], found


@pytest.mark.parametrize("doubt", ["unsure", "skipped", "unreadable"])
def test_each_kind_of_doubt_counts(doubt: str) -> None:
    heard = [value for value in ("unsure", "skipped", "unreadable") if value != doubt]
    found = faults(
        with_rule("health.doubt", when=condition([{"health": heard, "who": ["!unknown"]}]))(
            PROTOCOL
        )
    )

    assert [fault for fault in found if f'health "{doubt}"' in fault], found


def test_a_new_safety_question_must_lead_somewhere() -> None:
    found = faults(
        and_question(
            Question(
                "fire", "choice", YES_NO_UNSURE, condition([{"need": ["other"]}]), safety=True
            ),
            at=13,
        )(PROTOCOL)
    )

    assert {'fire "unsure"', 'fire "yes"'} <= {fault.split(" (")[0] for fault in found}


def test_a_safety_question_asked_only_after_something_was_said_must_lead_somewhere_too() -> None:
    fire = Question(
        "fire", "choice", YES_NO_UNSURE, condition([{"said": ["heat_or_cold"]}]), safety=True
    )

    assert [fault for fault in faults(and_question(fire, at=13)(PROTOCOL)) if 'fire "yes"' in fault]


def test_faults_are_named_all_at_once() -> None:
    spoiled = with_question("need", kind="essay")(
        with_rule("health.yes", when=Condition())(without_question("want")(PROTOCOL))
    )

    assert len(faults(spoiled)) >= 3


def test_word_keys_name_every_word_once() -> None:
    keys = word_keys(PROTOCOL)

    assert len(keys) == len(set(keys))
    assert {
        "ask.who",
        "ask.suicide.me",
        "ask.suicide.they",
        "ask.suicide.person",
        "why.who",
        "choice.want.team",
    } <= set(keys)
    assert {
        "choice.yes",
        "choice.no",
        "choice.unsure",
        "level.health",
        "level.health_doubt.they",
        "danger.suicide.me",
        "danger.overdose",
        "choice.want.counselor.deaf",
        "why.reached",
    } <= set(keys)
    assert not {
        "ask.suicide",
        "choice.health.yes",
        "choice.voicemail.yes",
        "choice.if_none_still.no",
    } & set(keys)


def test_the_table_shows_every_word_rule_and_the_hash() -> None:
    asked: set[str] = set()

    def words(key: str) -> str:
        asked.add(key)
        return f"«{key}» a | b"

    shown = table(PROTOCOL, words)

    assert asked == set(word_keys(PROTOCOL))
    assert PROTOCOL.hash in shown
    assert [rule.because for rule in PROTOCOL.rules if f"| {rule.because} " not in shown] == []
    assert "Asked only when safety is yes or in doubt" in shown
    assert "suicide is in doubt and who is not unknown" in shown
    assert "a | b |" not in shown.replace("a \\| b", "")


def test_the_columns_of_the_table_line_up_in_every_script() -> None:
    lines = table(PROTOCOL, lambda key: "是" * (len(key) % 5 + 1)).splitlines()
    widths = [
        sum(2 if char == "是" else 1 for char in line) if line.startswith("|") else 0
        for line in lines
    ]

    assert [
        line
        for before, after, line in zip(widths, widths[1:], lines, strict=False)
        if before and after and before != after
    ] == []
