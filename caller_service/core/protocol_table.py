"""Lists the catalog keys a protocol needs, and renders it as a document for a city council."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from unicodedata import east_asian_width

from .protocol import DOUBT, Condition, Level, Protocol, Question, Rule, Words, ask_key, choice_key

VARIANTS = ("me", "they", "person")
Speak = Callable[[str], str]

_LEVELS = {
    Level.R1: "Emergency: instructions first, then a person joins at once",
    Level.R2: "A person joins now",
    Level.R3: "A mobile team, with priority",
    Level.R4: "A mobile team",
    Level.R5: "A counselor calls or texts back",
    Level.R6: "Information and referral",
}
_VARIANT_NAMES = {
    "me": "to the person",
    "they": "about somebody they know",
    "person": "about somebody else",
}
_DERIVED = {"said": "what was said", "located": "the place found", "deaf": "said to be deaf"}


def ask_keys(question: Question) -> tuple[str, ...]:
    """The catalog keys of a question, one for each wording."""
    return (
        tuple(ask_key(question.id, variant) for variant in VARIANTS)
        if question.by_who
        else (ask_key(question.id),)
    )


def word_keys(protocol: Protocol) -> tuple[str, ...]:
    """Every catalog key the protocol needs, each once, in the order of its file."""
    keys: list[str] = []
    for question in protocol.questions:
        keys += [
            *ask_keys(question),
            f"why.{question.id}",
            *(choice_key(question.id, choice.code) for choice in question.choices),
        ]
        keys += [
            f"{choice_key(question.id, choice.code)}.deaf"
            for choice in question.choices
            if choice.deaf
        ]
    for rule in protocol.rules:
        keys += [
            *(Words(rule.say, rule.by_who).keys if rule.say else ()),
            *([rule.in_violence] if rule.in_violence else []),
        ]
    keys += [key for said in protocol.dangers.values() for key in said.keys]
    return tuple(dict.fromkeys(keys))


def table(protocol: Protocol, words: Speak) -> str:
    """The protocol as plain Markdown: each question, answer and rule, and the hash that a sign-off
    names."""
    lines = [
        f"# {protocol.id}, version {protocol.version}",
        "",
        "A routing screen, not a clinical assessment. The level is the highest any rule below asks "
        "for; it only rises",
        f'until a named person lowers it. "In doubt" means not sure, skipped, or unreadable '
        f"{protocol.unreadable_limit} times.",
        "",
        f"Hash: `{protocol.hash}`",
        "",
        "## Questions, in the order they are asked",
        "",
    ]
    for number, question in enumerate(protocol.questions, start=1):
        lines += [f"### {number}. {question.id}", "", *_question(question, words), ""]
    lines += ["## Rules", ""]
    for level in sorted(Level, reverse=True):
        lines += _rules(
            f"{level.name}: {_LEVELS[level]}",
            [rule for rule in protocol.rules if rule.level is level],
            words,
        )
    lines += _rules(
        "The level is left alone", [rule for rule in protocol.rules if rule.level is None], words
    )
    if protocol.dangers:
        lines += ["## Life-danger phrases, heard at any time", ""]
        lines += [
            *_aligned(
                ("kind", "said at once"),
                [
                    (kind, " / ".join(words(key) for key in said.keys))
                    for kind, said in protocol.dangers.items()
                ],
            ),
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def _question(question: Question, words: Speak) -> Iterator[str]:
    if question.by_who:
        for variant, key in zip(VARIANTS, ask_keys(question), strict=True):
            yield f"- {_VARIANT_NAMES[variant]}: {words(key)}"
    else:
        yield words(ask_keys(question)[0])
    yield ""
    yield f"Why it is asked: {words(f'why.{question.id}')}"
    yield ""
    yield f"Asked {_asked(question)}."
    if question.kind == "place":
        yield "Answered by a cross street, a place name, or a pin on the map."
    if question.choices:
        rows = []
        for number, choice in enumerate(question.choices, start=1):
            offered = f"when {_plain(choice.when)}" if choice.when.alternatives else "always"
            key = choice_key(question.id, choice.code)
            rows.append((str(number), words(key), choice.code.replace("_", " "), offered))
            if choice.deaf:
                rows.append(("", words(f"{key}.deaf"), "", "the same, to somebody deaf"))
        yield ""
        yield from _aligned(("#", "answer", "called below", "offered"), rows)


def _asked(question: Question) -> str:
    asked = f"only when {_plain(question.when)}" if question.when.alternatives else "always"
    if question.after_hand_off is not None:
        asked = f"once the hand-off is on its way, when {_plain(question.after_hand_off)}"
    elif question.follow_up:
        asked = "later, when the time comes; never in the row"
    elif question.sooner is not None:
        asked += f"; before its turn when {_plain(question.sooner)}"
    if question.in_danger:
        asked += "; still asked once a person has been called to join"
    return asked + ("; a safety question, so a doubt is an answer" if question.safety else "")


def _rules(title: str, rules: Sequence[Rule], words: Speak) -> list[str]:
    if not rules:
        return []
    rows = []
    for rule in rules:
        reasons = [_alternative(alternative) for alternative in rule.when.alternatives] or [
            "always"
        ]
        said = (
            *(Words(rule.say, rule.by_who).keys if rule.say else ()),
            *((rule.in_violence,) if rule.in_violence else ()),
        )
        rows.append((rule.because, reasons[0], _also(rule), " / ".join(words(key) for key in said)))
        rows += [("", f"or {reason}", "", "") for reason in reasons[1:]]
    return [
        f"### {title}",
        "",
        *_aligned(("reason", "when", "also", "said to the resident"), rows),
        "",
    ]


def _also(rule: Rule) -> str:
    """What a rule does besides its level."""
    return ", ".join(
        deed
        for deed, done in (("a person looks at it", rule.review), ("the team is told", rule.marker))
        if done
    )


def _plain(condition: Condition) -> str:
    return ", or ".join(_alternative(alternative) for alternative in condition.alternatives)


def _alternative(alternative: Iterable[tuple[str, frozenset[str], frozenset[str]]]) -> str:
    clauses = []
    for name, any_of, none_of in alternative:
        fact = _DERIVED.get(name, name)
        if any_of:
            clauses.append(f"{fact} is {_listed(any_of)}")
        if none_of:
            clauses.append(f"{fact} is not {_listed(none_of)}")
    return " and ".join(clauses)


def _listed(values: frozenset[str]) -> str:
    """Values as people say them: all three doubts are "in doubt"."""
    doubtful = values >= DOUBT
    names = [value.replace("_", " ") for value in sorted(values - DOUBT if doubtful else values)]
    names += ["in doubt"] if doubtful else []
    return " or ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _aligned(heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """A Markdown table whose columns also line up as plain text; empty columns are omitted."""
    columns = [column for column in range(len(heading)) if any(row[column] for row in rows)]
    cells = [
        [" ".join(row[column].split()).replace("|", "\\|") for column in columns]
        for row in (heading, *rows)
    ]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(columns))]
    for place, row in enumerate(cells):
        yield (
            "| "
            + " | ".join(
                cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
            )
            + " |"
        )
        if place == 0:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"


def _width(text: str) -> int:
    """Columns on a screen; a Chinese or Korean character takes two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
