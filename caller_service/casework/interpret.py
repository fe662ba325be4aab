"""A text against a case: read, then decide. Pure: nothing is loaded or kept here, so the terminal can play it too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from caller_service.core.asking import seen_question
from caller_service.core.case import Case, Step, replace
from caller_service.core.reply import read
from caller_service.core.routing import Scene
from caller_service.core.screening import advance
from caller_service.core.vocabulary import Vocabulary
from caller_service.language.vocabularies import guess


def hear(case: Case, said: str, heard: datetime, scene: Scene, vocabularies: Mapping[str, Vocabulary]) -> Step:
    """What a text does to a case. The first text may also tell the language."""
    if not case.marks:
        case = replace(case, language=guess(said, vocabularies) or case.language)
    question = seen_question(scene.program.protocol, case, heard)
    offered = tuple(choice.code for choice in question.offered(case.facts())) if question else ()
    return advance(case, read(said, question, offered, vocabularies[case.language], case.code_word), said, scene, heard)
