"""The protocol's questions as a screen words them. What has no words of its own for a screen has
those of a text."""

from __future__ import annotations

from collections.abc import Mapping

from caller_service.core.case import Case
from caller_service.core.program import Program
from caller_service.core.protocol import Question, ask_key, choice_key
from caller_service.core.questions import contingency_key, deaf_words, variant
from caller_service.core.reach import ContactAnswer

from .catalog import Catalog
from .wording import filling


def page_text(
    key: str,
    fill: Mapping[str, str],
    language: str,
    program: Program,
    catalog: Catalog,
    reference: str = "",
    deaf: bool = False,
) -> str:
    """A sentence of software on a page: `web.<key>` where that exists."""
    own = f"web.{key.removeprefix('web.')}"
    words = catalog.words[language][own if catalog.has(language, own) else key]
    if "{" not in words:  # nothing to fill in, as for most of the thirty sentences of a screen
        return words
    values = filling(program, language, catalog, reference, deaf) | {
        name: catalog.text(language, value[1:]) if value.startswith("=") else value
        for name, value in fill.items()
    }
    return words.format_map(values)


def question_words(question: Question, case: Case, language: str, catalog: Catalog) -> str:
    """The question itself, without its parts and choices."""
    worded = variant(case) if question.by_who else ""
    key = ask_key(question.id, worded)
    words = catalog.text(
        language,
        f"web.{key}" if catalog.has(language, f"web.{key}") else key,
        **_chosen(question, case, language, catalog),
    )
    return words


def question_parts(question: Question, language: str, catalog: Catalog) -> tuple[str, ...]:
    """What a question lists, one by one."""
    parts: list[str] = []
    while catalog.has(language, key := f"web.{question.id}.part.{len(parts) + 1}"):
        parts.append(catalog.text(language, key))
    return tuple(parts)


def choice_words(question: Question, code: str, case: Case, language: str, catalog: Catalog) -> str:
    key = choice_key(question.id, code)
    if code == "counselor" and case.answers.get("contact") == ContactAnswer.PAGE:
        return catalog.text(language, "web.choice.counselor.page")  # they have no number
    for own in (f"web.choice.{question.id}.{code}", f"web.{key}"):
        if catalog.has(language, own):
            return catalog.text(language, own)
    deaf = f"{key}.deaf"
    if deaf_words(case, code) and catalog.has(language, deaf):
        return catalog.text(language, deaf)
    return catalog.text(language, key)


def _chosen(question: Question, case: Case, language: str, catalog: Catalog) -> dict[str, str]:
    chosen = case.answers.get("if_none", "")
    if question.id != "if_none_still" or not chosen:
        return {}
    return {"choice": catalog.text(language, contingency_key(case, chosen))}
