"""Applies a text to a case: read it, then decide. Nothing is loaded or stored, so `talk` can use it
too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as with_changes
from datetime import datetime

from caller_service.core.callback import asked_time
from caller_service.core.case import Case, Step, replace
from caller_service.core.parking import asks_for_another, park
from caller_service.core.phone_script import SpokenWords
from caller_service.core.phone_text import clean
from caller_service.core.questions import seen_question
from caller_service.core.reading import (
    LanguageWords,
    behind_yes_or_no,
    number_alone,
    only_aloud,
    read,
    yes_or_no,
)
from caller_service.core.reply import (
    Answer,
    Command,
    CommandName,
    Inquiry,
    Nothing,
    OtherLanguage,
    PlaceGiven,
    Reading,
    Story,
    Thanks,
    Unclear,
    Wish,
)
from caller_service.core.routing import Scene
from caller_service.core.screening import advance
from caller_service.core.unread_language import normal_words, unread_language
from caller_service.core.vocabulary import normal
from caller_service.language.interpreters import read_unread
from caller_service.language.vocabularies import changed, guess, wanted

READABLE = 4  # shortest text, in words, that shows that they write in a language we serve
SHORT_OF_IT = (Story, Unclear, Nothing, Thanks, Answer, PlaceGiven)


def understand(
    case: Case,
    said: str,
    heard_at: datetime,
    scene: Scene,
    by_language: Mapping[str, LanguageWords],
) -> tuple[Case, Reading]:
    """What the text says, and the case, whose language may change: a first text can show the
    language, and a later one that it is another."""
    if not scene.on_page:  # there the reader chooses; words, a watched phrase too, change nothing
        case = _in_their_language(case, said, by_language)
    question = seen_question(scene.program.protocol, case, heard_at, scene.by_text)
    offered = tuple(choice.code for choice in question.offered(case.facts())) if question else ()
    reading = read(said, question, offered, by_language[case.language], case.code_word)
    if (command := _wish_as_command(case, reading, said, scene, by_language)) is not None:
        reading = with_changes(reading, reply=command)
    if not case.marks and scene.by_text:
        case, reading = _answer_after_the_end(case, reading, said, scene, by_language)
    place = question is not None and question.kind == "place"
    other = None
    if isinstance(reading.reply, (Story, Unclear)) or (
        place and not isinstance(reading.reply, Answer)
    ):
        words = clean(said, by_language[case.language].own).words
        other = unread_language(words, read_unread().values(), scene.program.languages)
        # a street may have a name in any language
        if other is not None and not (place and not other.scripts):
            reading = with_changes(reading, reply=OtherLanguage(other.tag, other.line))
    if case.unread_language and not case.held:
        # "por favor me ajuda" goes on in Portuguese
        goes_on = _shares_words(said, case.unread_language)
        spoken = None if goes_on else guess(said, by_language)
        if spoken and other is None and len(normal(said)) >= READABLE:
            # they write in a language we serve, too: from here on they are read and answered in it
            return replace(case, unread_language="", language=spoken), reading
        language = read_unread().get(case.unread_language)
        # too short to recognise, and they wrote in that language before
        if language is not None and spoken is None and isinstance(reading.reply, SHORT_OF_IT):
            reading = with_changes(reading, reply=OtherLanguage(language.tag, language.line))
    return case, reading


def _shares_words(said: str, tag: str) -> bool:
    """Does the text hold a word of the language they wrote before, which no served one has?"""
    language = read_unread().get(tag)
    return language is not None and not language.words.isdisjoint(normal_words(said))


def understand_aloud(
    case: Case, said: str, scene: Scene, by_language: Mapping[str, LanguageWords]
) -> SpokenWords:
    """What somebody says on the phone. Who it is about may stand behind a "yes" or a "no": "no,
    it's my son". A safety question hears the whole."""
    own = by_language[case.language]
    _, reading = understand(case, said, scene.now, scene, by_language)
    rest = behind_yes_or_no(said, own) if case.asked == "who" else ""
    if rest and isinstance(reading.reply, (Story, Unclear)):
        _, behind = understand(case, rest, scene.now, scene, by_language)
        reading = behind if isinstance(behind.reply, Answer) else reading
    aloud = only_aloud(said, own) or only_aloud(rest, own)
    return SpokenWords(reading, yes_or_no(said, own), number_alone(said, own), aloud)


def _wish_as_command(
    case: Case, reading: Reading, said: str, scene: Scene, by_language: Mapping[str, LanguageWords]
) -> Command | None:
    """A call that is asked for at a time, or a language of ours that is named in a sentence."""
    reply = reading.reply
    if isinstance(reply, Inquiry) and reply.about == Wish.LANGUAGE:
        tag = wanted(said, by_language, case.language)
        return Command(CommandName.LANGUAGE, tag, alone=False) if tag is not None else None
    asks_for_person = isinstance(reply, Command) and reply.name == CommandName.PERSON
    if asks_for_person or isinstance(reply, (Story, Unclear)):
        at = asked_time(said, by_language[case.language].vocabulary.callback, scene)
        if at is not None:
            return Command(CommandName.CALL_ME, at.isoformat(), alone=False)
    return None


def _in_their_language(case: Case, said: str, by_language: Mapping[str, LanguageWords]) -> Case:
    """The case in the language of this text: a first text may show it in a word, a later one must
    show surely that it is another. A place may have a name in any language."""
    if clean(said, by_language[case.language].own).reaction:
        return case  # the phone wrote it
    if not case.marks:
        return replace(case, language=guess(said, by_language) or case.language)
    if case.held or case.asked == "where":
        return case
    return replace(case, language=changed(said, by_language, case.language) or case.language)


def _answer_after_the_end(
    case: Case, reading: Reading, said: str, scene: Scene, by_language: Mapping[str, LanguageWords]
) -> tuple[Case, Reading]:
    """A "yes" or a doubt to the danger question that their last answer from us put, sent after
    that request had ended, counts in the new one: it raises (rules 2 and 7). A "no" lowers nothing
    and begins no request."""
    asked = [key.removeprefix("ask.") for key in case.answered_with if key.startswith("ask.")]
    known = {question.id: question for question in scene.program.protocol.questions}
    if not (asked and asked[-1] in known and reading.answerlike):
        return case, reading
    question = known[asked[-1]]
    offered = tuple(choice.code for choice in question.offered(case.facts()))
    late = read(said, question, offered, by_language[case.language], case.code_word)
    if not (isinstance(late.reply, Answer) and question.raises(late.reply.choice)):
        return case, reading
    return replace(case, asked=question.id, offered=offered), late


def hear(
    case: Case,
    said: str,
    heard_at: datetime,
    scene: Scene,
    by_language: Mapping[str, LanguageWords],
    delivered: datetime | None = None,
) -> Step:
    """Decide what a text changes in a case. `delivered`: when the open question is known to have
    reached them; None: not known."""
    case, reading = understand(case, said, heard_at, scene, by_language)
    if case.marks and asks_for_another(case, reading):
        return park(case, scene, heard_at)
    return advance(case, reading, said, scene, heard_at, delivered)
