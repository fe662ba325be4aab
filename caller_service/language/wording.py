"""From effects to the texts a person reads: one decision's words, in their language, in as few
messages as fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from caller_service.core.case import Case
from caller_service.core.effect import Ask, Effect, Say
from caller_service.core.program import Program
from caller_service.core.protocol import ask_key, choice_key

from .catalog import Catalog
from .segments import fitted, pack

PARTS = 2  # SMS parts in one message


@dataclass(frozen=True, slots=True)
class Words:
    """One message to send: the keys it was made of, and its words."""

    keys: tuple[str, ...]
    text: str = field(repr=False)
    unasked: bool = False


def question_text(effect: Ask, language: str, catalog: Catalog, spoken: bool = False) -> str:
    """A question and its numbered choices, one a line; spoken, each names its key."""
    lines = [
        catalog.text(
            language, ask_key(effect.question, effect.variant), **_named(effect, language, catalog)
        )
    ]
    for number, code in enumerate(effect.choices, 1):
        key = choice_key(effect.question, code)
        choice = catalog.text(
            language, f"{key}.deaf" if effect.deaf and catalog.has(language, f"{key}.deaf") else key
        )
        lines.append(
            catalog.text(language, "voice.press", choice=choice, number=str(number))
            if spoken
            else f"{number} {choice}"
        )
    return "\n".join(lines)


def spoken(
    effects: Sequence[Effect], case: Case, program: Program, catalog: Catalog
) -> tuple[str, ...]:
    """What these effects come to when they are said on the phone, one sentence or question each."""
    fill = filling(program, case.language, catalog, case.reference)
    said = []
    for effect in effects:
        if isinstance(effect, Ask):
            said.append(question_text(effect, case.language, catalog, spoken=True))
        elif isinstance(effect, Say):
            said.append(
                catalog.text(
                    case.language, effect.key, **(fill | _named(effect, case.language, catalog))
                )
            )
    return tuple(said)


def spelled(reference: str) -> str:
    """A reference as a voice says it, one letter or digit after the other."""
    return ", ".join(reference)


def filling(
    program: Program, language: str, catalog: Catalog, reference: str = ""
) -> dict[str, str]:
    """What any sentence may name. Texting 911 is only offered where the PSAP takes texts; "not
    police" is only said where it is true (rule 22)."""
    call = catalog.text(
        language, "call_911.text" if program.numbers.text_to_911 else "call_911.voice"
    )
    return {
        "program": program.name,
        "police_link": program.police_link,
        "reference": reference,
        "call_911": call,
        "Call_911": call[:1].upper() + call[1:],
        "Not_police": catalog.text(
            language, "not_police.team" if program.law_enforcement else "not_police.us"
        ),
    }


def texts(
    effects: Sequence[Effect], case: Case, program: Program, catalog: Catalog
) -> tuple[Words, ...]:
    """The messages these effects come to. Words that answer and words unasked never share a
    message."""
    fill = filling(program, case.language, catalog, case.reference)
    spoken = [effect for effect in effects if isinstance(effect, (Say, Ask))]
    found: list[Words] = []
    for unasked in (False, True):
        pieces = [
            (_key(effect), _text(effect, case.language, fill, catalog))
            for effect in spoken
            if effect.unasked == unasked
        ]
        found += _packed(pieces, unasked)
    return tuple(found)


def _key(effect: Say | Ask) -> str:
    return effect.key if isinstance(effect, Say) else ask_key(effect.question, effect.variant)


def _text(effect: Say | Ask, language: str, fill: dict[str, str], catalog: Catalog) -> str:
    if isinstance(effect, Ask):
        if "{" in catalog.words[language][ask_key(effect.question, effect.variant)]:
            return texted(question_text(effect, language, catalog), language, catalog)
        return _question(
            effect.question, effect.variant, effect.choices, effect.deaf, language, catalog
        )
    words = catalog.text(language, effect.key, **(fill | _named(effect, language, catalog)))
    return texted(words, language, catalog)


def texted(words: str, language: str, catalog: Catalog) -> str:
    """Words as they are texted: without their accents where that saves a part and the language
    bears it."""
    return fitted(words, PARTS, catalog.languages[language].without_accents)


def _named(effect: Say | Ask, language: str, catalog: Catalog) -> dict[str, str]:
    """What fills a sentence's placeholders; "=key" stands for the words of a key of the catalog."""
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
    """A question as it is texted. Nothing personal is in it, so that one rendering serves
    everybody."""
    asked = Ask(question, variant, choices, deaf=deaf)
    return texted(question_text(asked, language, catalog), language, catalog)


def _packed(pieces: Sequence[tuple[str, str]], unasked: bool) -> list[Words]:
    keys = [key for key, _ in pieces]
    packed, at = [], 0
    for message in pack([text for _, text in pieces], PARTS):
        held = 0
        rest = message
        while at + held < len(pieces) and rest.startswith(pieces[at + held][1]):
            rest = rest[len(pieces[at + held][1]) :].lstrip("\n")
            held += 1
        packed.append(Words(tuple(keys[at : at + held]), message, unasked))
        at += held
    return packed
