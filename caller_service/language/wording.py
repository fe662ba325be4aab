"""Turns effects into the texts a person reads: in their language and in as few messages as
possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from caller_service.core.case import Case
from caller_service.core.effect import Ask, Effect, Say
from caller_service.core.program import Program
from caller_service.core.protocol import ask_key, choice_key
from caller_service.core.questions import is_deaf

from .catalog import Catalog
from .segments import fitted, pack
from .spoken import seconds

PARTS = 2  # SMS parts in one message


@dataclass(frozen=True, slots=True)
class Words:
    """One message to send: its keys and its words."""

    keys: tuple[str, ...]
    text: str = field(repr=False)
    unasked: bool = False


def question_text(effect: Ask, language: str, catalog: Catalog) -> str:
    """A question and its numbered choices, one per line."""

    def words(key: str, **fill: str) -> str:
        deaf = f"{key}.deaf"
        own = deaf if effect.deaf and catalog.has(language, deaf) else key
        return catalog.text(language, own, **fill)

    asked = ask_key(effect.question, effect.variant)
    lines = [words(asked, **_fill_of(effect, language, catalog))]
    for number, code in enumerate(effect.choices, 1):
        lines.append(f"{number} {words(choice_key(effect.question, code))}")
    return "\n".join(lines)


def spoken_words(
    key: str,
    fill: Mapping[str, str],
    language: str,
    case: Case,
    program: Program,
    catalog: Catalog,
) -> str:
    """The words of a spoken line. A sentence without words of its own for the phone is spoken as it
    is written."""
    written = key.removeprefix("spoken.")
    values = spoken_filling(program, language, catalog, spelled(case.reference)) | {
        name: catalog.text(language, value[1:]) if value.startswith("=") else value
        for name, value in fill.items()
    }
    return catalog.text(language, key if catalog.has(language, key) else written, **values)


def spoken_filling(
    program: Program, language: str, catalog: Catalog, reference: str = ""
) -> dict[str, str]:
    """The placeholders that any spoken line may use."""
    texts_911 = program.numbers.text_to_911
    return filling(program, language, catalog, reference) | {
        "text_911": catalog.text(language, "spoken.text_911") if texts_911 else ""
    }


def greeting_seconds(program: Program, catalog: Catalog) -> Mapping[str, float]:
    """How long the greeting of a call takes to say, by its first language: with this program's
    name, the longest way to another language, and the way to the others where there are more."""
    offered = program.phone.languages or program.languages
    takes = {}
    for first in offered:
        fill = spoken_filling(program, first, catalog) | {"number": "3"}
        keys = ["spoken.greeting.program", "spoken.greeting.danger", "spoken.greeting.person"]
        keys += ["spoken.greeting.languages"] if len(offered) > 2 else []
        keys += ["spoken.speech"] if program.phone.speech else []
        own = " ".join(catalog.text(first, key, **fill) for key in keys)
        others = (
            seconds(
                catalog.text(tag, "spoken.language", **fill | {"number": "2"}),
                catalog.languages[tag],
            )
            for tag in offered
            if tag != first
        )
        takes[first] = seconds(own, catalog.languages[first]) + max(others, default=0.0)
    return takes


def spelled(reference: str) -> str:
    """A reference as a voice says it, one character after the other."""
    return ", ".join(reference)


def filling(
    program: Program, language: str, catalog: Catalog, reference: str = "", deaf: bool = False
) -> dict[str, str]:
    """The placeholders that any sentence may use. Texting 911 is offered only where the PSAP takes
    texts, and nobody deaf is told to call where a text does it; "not police" is said only where it
    is true (rule 22)."""
    way = "text" if program.numbers.text_to_911 else "voice"
    call_911 = catalog.text(language, f"call_911.{way}{'.deaf' if deaf else ''}")
    return {
        "call_988": catalog.text(language, "call_988.deaf" if deaf else "call_988"),
        "program": program.name,
        "police_link": program.police_link,
        "reference": reference,
        "call_911": call_911,
        "Call_911": call_911[:1].upper() + call_911[1:],
        "Not_police": catalog.text(
            language, "not_police.team" if program.law_enforcement else "not_police.us"
        ),
    }


def texts(
    effects: Sequence[Effect], case: Case, program: Program, catalog: Catalog
) -> tuple[Words, ...]:
    """The messages of these effects. Answers and unasked words never share a message."""
    fill = filling(program, case.language, catalog, case.reference, is_deaf(case))
    speaking = [effect for effect in effects if isinstance(effect, (Say, Ask))]
    messages: list[Words] = []
    for unasked in (False, True):
        pieces = [
            (_key(effect), _text(effect, case.language, fill, catalog))
            for effect in speaking
            if effect.unasked == unasked
        ]
        messages += _packed(pieces, unasked)
    return tuple(messages)


def _key(effect: Say | Ask) -> str:
    return effect.key if isinstance(effect, Say) else ask_key(effect.question, effect.variant)


def _text(effect: Say | Ask, language: str, fill: dict[str, str], catalog: Catalog) -> str:
    if isinstance(effect, Ask):
        if "{" in catalog.words[language][ask_key(effect.question, effect.variant)]:
            return texted(question_text(effect, language, catalog), language, catalog)
        return _question(
            effect.question, effect.variant, effect.choices, effect.deaf, language, catalog
        )
    words = catalog.text(language, effect.key, **(fill | _fill_of(effect, language, catalog)))
    return texted(words, language, catalog)


def texted(words: str, language: str, catalog: Catalog) -> str:
    """Words without their accents, where that saves a part and the language allows it."""
    return fitted(words, PARTS, catalog.languages[language].without_accents)


def _fill_of(effect: Say | Ask, language: str, catalog: Catalog) -> dict[str, str]:
    """The values of a sentence's placeholders; "=key" stands for the words of that catalog key."""
    return {
        name: catalog.text(language, value[1:]) if value.startswith("=") else value
        for name, value in effect.fill.items()
    }


@lru_cache(maxsize=4096)
def _question(
    question: str,
    variant: str,
    choices: tuple[str, ...],
    deaf: bool,
    language: str,
    catalog: Catalog,
) -> str:
    """A question as it is texted. It has nothing personal, so it is cached for everybody."""
    asked = Ask(question, variant, choices, deaf=deaf)
    return texted(question_text(asked, language, catalog), language, catalog)


def _packed(pieces: Sequence[tuple[str, str]], unasked: bool) -> list[Words]:
    keys = [key for key, _ in pieces]
    packed, at = [], 0
    for message in pack([text for _, text in pieces], PARTS):
        count = 0
        rest = message
        while at + count < len(pieces) and rest.startswith(pieces[at + count][1]):
            rest = rest[len(pieces[at + count][1]) :].lstrip("\n")
            count += 1
        packed.append(Words(tuple(keys[at : at + count]), message, unasked))
        at += count
    return packed
