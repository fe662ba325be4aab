"""An answer in words: a phrase that is listed, a number, several together, a typing error; and what
is doubt, a plea, or no place (docs/safety-rules.md, rules 2, 7 and 13)."""

from __future__ import annotations

from collections.abc import Mapping

from .protocol import SKIPPED, UNSURE, Question
from .reach import ContactAnswer
from .reply import Answer, Reply
from .spelling import one_slip
from .street_words import StreetWords
from .vocabulary import Vocabulary

OF_AGE = 18
AGE_DIGITS = 3
HOUSE_DIGITS = 3  # "im 34" is an age, 120 may be a house
CALLED_NUMBERS = ("911", "988")  # "i called 911 they are coming" is no address
LOST = 4  # words after "I don't know" that still name no place: "where I am exactly"
SHORT_REST = 14  # longest message, in words, that says only who needs help
# What `contact` may be answered in words by somebody deaf, who is offered no call: "yes" and these
# two mean texts (core/answers.py), and who asks for a call has a relay.
WORDED = {
    ContactAnswer.TEXT: ContactAnswer.TEXT_CALL,
    ContactAnswer.TEXT_DEAF: ContactAnswer.TEXT_CALL,
    ContactAnswer.CALL: ContactAnswer.CALL,
}


def who_meant(words: tuple[str, ...], vocabulary: Vocabulary) -> str:
    """Who needs help, if a text says nothing else: "its for my sister, not me", "i meant my dad".
    The choice of `who`; "" where it says more or less."""
    listed = vocabulary.answers.get("who", {})
    rest = _without_denied(words, listed, vocabulary.negations)
    for phrase in vocabulary.for_whom:
        rest = without(phrase, rest)
    if rest == words or len(words) > SHORT_REST:
        return ""
    return _who_among(
        rest, vocabulary.leads | vocabulary.polite | vocabulary.beside_who, vocabulary
    )


def whole_answer(
    words: tuple[str, ...],
    question: Question | None,
    offered: tuple[str, ...],
    vocabulary: Vocabulary,
) -> Reply | None:
    """An answer that is the whole message; then it contains no other wish."""
    if question is None:
        return None
    if question.kind != "place":
        plain = without_polite(words, vocabulary)
        phrases = _phrases(question, offered, vocabulary)
        code = phrases.get(words) or phrases.get(plain) or _led(plain, question, vocabulary)
        if question.id == "who":
            fillers = vocabulary.leads | vocabulary.polite
            code = code or _of_an_age(plain, vocabulary)
            code = code or _who_among(plain, fillers, vocabulary) or None
        if code is not None and not _pleads(words, code, vocabulary):
            return as_offered(code, offered)
        if named := named_together(words, question, offered, vocabulary):
            return Answer(named[0], by_place=any(word.isdecimal() for word in words))
        return _numbered(words, plain, phrases, question, offered, vocabulary)
    meaning = vocabulary.answers.get("yes_no", {}).get(without_polite(words, vocabulary))
    return Answer(SKIPPED) if meaning in (SKIPPED, UNSURE) else None


def _led(words: tuple[str, ...], question: Question, vocabulary: Vocabulary) -> str | None:
    """An answer behind words that add nothing: "he is drunk", "es para mi hermano". Only where no
    level and no contact hangs on it."""
    codes = [choice.code for choice in question.choices]
    if question.safety or question.follow_up or any(map(question.opens, codes)):
        return None
    first = next((at for at, word in enumerate(words) if word not in vocabulary.leads), 0)
    return listed_answers(question, vocabulary).get(words[first:]) if first else None


def named_together(
    words: tuple[str, ...],
    question: Question | None,
    offered: tuple[str, ...],
    vocabulary: Vocabulary,
) -> tuple[str, ...]:
    """The answers that a text names together: "1 and 3", "drunk and hearing voices", "all of them".
    The one that counts as the answer comes first."""
    if question is None or not question.several:
        return ()
    plain = without_polite(words, vocabulary)
    if plain in vocabulary.all_of:
        return question.several if set(offered) <= set(question.several) else ()
    codes: set[str | None] = set()
    part: tuple[str, ...] = ()
    for word in (*plain, ""):
        if word and not word.isdecimal() and word not in vocabulary.joins:
            part = (*part, word)
            continue
        if part:
            listed = listed_answers(question, vocabulary)
            codes.add(listed.get(part) or _led(part, question, vocabulary))
            part = ()
        if word.isdecimal():
            number = int(word[:6])
            codes.add(offered[number - 1] if 1 <= number <= len(offered) else None)
    ordered = tuple(code for code in question.several if code in codes and code in offered)
    return ordered if codes <= set(ordered) else ()


def _who_among(rest: tuple[str, ...], fillers: frozenset[str], vocabulary: Vocabulary) -> str:
    """Who needs help, where the other words add nothing: "my sister needs help too"."""
    listed = vocabulary.answers.get("who", {})
    # a filler may begin or end an answer: the longest one that is left between fillers counts
    between = (
        (first, last)
        for last in range(len(rest), 0, -1)
        for first in range(last)
        if fillers.issuperset((*rest[:first], *rest[last:]))
    )
    return next((listed[rest[at:to]] for at, to in between if rest[at:to] in listed), "")


def _without_denied(
    words: tuple[str, ...], listed: Mapping[tuple[str, ...], str], negations: frozenset[str]
) -> tuple[str, ...]:
    """The words without "not my brother", "not me"."""
    for at in reversed(range(len(words))):
        if words[at] in negations:
            ends = (end for end in range(len(words), at + 1, -1) if words[at + 1 : end] in listed)
            if end := next(ends, 0):
                words = (*words[:at], *words[end:])
    return words


def _of_an_age(words: tuple[str, ...], vocabulary: Vocabulary) -> str | None:
    """Who needs help, by their age: "my daughter, shes 12", "my 19 yo son". Whose they are is
    said, so it is nobody unknown."""
    ages = [int(word) for word in words if word.isdecimal() and len(word) <= AGE_DIGITS]
    rest = tuple(
        word for word in words if not word.isdecimal() and word not in vocabulary.around_ages
    )
    if len(ages) != 1 or not 1 <= len(rest) <= 2 or rest[0] not in vocabulary.owners:
        return None
    return "child" if ages[0] < OF_AGE else "adult"


def is_doubt(
    words: tuple[str, ...],
    question: Question | None,
    offered: tuple[str, ...],
    vocabulary: Vocabulary,
) -> bool:
    """Is this more than an answer to a safety question, and no clear no? "Yes but I won't", "no but
    sometimes", "sí a veces" are doubt (rule 2). "No, he is fine" is not: the question is put
    again."""
    if (
        question is None
        or not question.safety
        or not {"yes", "no", UNSURE} <= set(offered)
        or len(words) < 2
    ):
        return False
    if _guessed(words, vocabulary) is not None:
        return True
    yes_no = vocabulary.answers.get("yes_no", {})
    if yes_no.get(words[:1]) == "yes" and words[0].isalpha() and len(words[0]) > 1:
        return True
    return any(contains(hedge, words) for hedge in vocabulary.hedges)


def names_no_place(
    said: str, words: tuple[str, ...], vocabulary: Vocabulary, streets: StreetWords
) -> bool:
    """Asked for a place, is this a yes, a no, a digit, a question, a plea or a feeling? Then it
    names no place, and no team is sent to it (rule 13)."""
    # "Como St and 3rd", but not "I don't know the street"
    road = any(
        word in streets.roads and (at + 1 < len(words) or words[at - 1] not in streets.articles)
        for at, word in enumerate(words)
    )
    signs = streets.near | streets.landmarks
    named = road or any(
        (word in signs and words[at + 1 : at + 2] not in (("911",), ("988",)))  # "llamé al 911"
        or (word.isdecimal() and len(word) >= HOUSE_DIGITS and word not in CALLED_NUMBERS)
        for at, word in enumerate(words)
    )
    if not named and any(word in streets.talk for word in words):
        return True
    if len(words) == 1 and (len(words[0]) < 2 or (words[0].isdecimal() and len(words[0]) < 3)):
        return True
    if words in vocabulary.answers.get("yes_no", {}) or words in vocabulary.asks:
        return True
    unsure = [
        phrase
        for phrase, meaning in vocabulary.answers.get("yes_no", {}).items()
        if meaning == UNSURE and len(phrase) > 1
    ]
    if any(
        words[: len(phrase)] == phrase and len(words) - len(phrase) <= LOST for phrase in unsure
    ):
        return not road and not any(word in streets.near or word.isdecimal() for word in words)
    asks = any(
        len(words) >= len(phrase) and words[: len(phrase)] == phrase and len(words) > 1
        for phrase in vocabulary.asks
    )
    return asks and not road and ("?" in said or not any(word.isdecimal() for word in words))


def _pleads(words: tuple[str, ...], code: str, vocabulary: Vocabulary) -> bool:
    """ "No please" is a plea, not a no."""
    return (
        code in ("no", ContactAnswer.UNSAFE)
        and len(words) > 1
        and not vocabulary.pleas.isdisjoint(words)
    )


def misspelt_choice(
    words: tuple[str, ...], question: Question, offered: tuple[str, ...], vocabulary: Vocabulary
) -> Reply | None:
    phrases = _phrases(question, offered, vocabulary)
    opening = frozenset(code for code in offered if question.opens(code))
    return _misspelt(without_polite(words, vocabulary), phrases, offered, opening)


def _numbered(
    words: tuple[str, ...],
    plain: tuple[str, ...],
    phrases: Mapping[tuple[str, ...], str],
    question: Question,
    offered: tuple[str, ...],
    vocabulary: Vocabulary,
) -> Reply | None:
    number, rest = leading_number(plain, vocabulary)
    if number is None or rest in vocabulary.guesses:
        number, rest = _guessed(plain, vocabulary), ()
        if number is None or question.safety or any(map(question.opens, offered)):
            return (
                None  # of a safety question it is doubt (`is_doubt`); of contact it opens nothing
            )
    if not 1 <= number <= len(offered):
        return None
    code = offered[number - 1]
    if not rest or code in (phrases.get(rest), phrases.get(words[1:])):
        return Answer(code, by_place=not rest)
    return None


def _phrases(
    question: Question, offered: tuple[str, ...], vocabulary: Vocabulary
) -> dict[tuple[str, ...], str]:
    """The phrases that answer this question. "Skip" is possible everywhere; doubt where it is
    offered."""
    yes_no = vocabulary.answers.get("yes_no", {})
    if set(offered) <= {"yes", "no", UNSURE}:
        return {**yes_no, **vocabulary.answers.get(question.id, {})}
    shared = {phrase: SKIPPED for phrase, code in yes_no.items() if code in (SKIPPED, UNSURE)}
    reads = {choice.reads: choice.code for choice in question.choices if choice.reads}
    bare = {phrase: reads[code] for phrase, code in yes_no.items() if code in reads}
    return {**shared, **bare, **vocabulary.answers.get(question.id, {})}


def as_offered(code: str, offered: tuple[str, ...]) -> Answer | None:
    if code in WORDED and code not in offered and ContactAnswer.TEXT_CALL in offered:
        return Answer(WORDED[ContactAnswer(code)])
    if code in offered or code == SKIPPED:
        return Answer(code)
    return Answer(SKIPPED) if code == UNSURE else None


def leading_number(
    words: tuple[str, ...], vocabulary: Vocabulary
) -> tuple[int | None, tuple[str, ...]]:
    """The number at the start of a message, and the words after it. "I pick 2" is a number, too."""
    if words and words[0].isdecimal():
        return int(words[0][:6]), words[1:]
    for at in range(1, len(words)):
        if words[:at] in vocabulary.picks and (picked := _alone(words[at:], vocabulary)):
            return picked, ()
    return vocabulary.numbers.get(words), ()


def _alone(words: tuple[str, ...], vocabulary: Vocabulary) -> int | None:
    """The number that these words are, and nothing else."""
    if len(words) == 1 and words[0].isdecimal():
        return int(words[0][:6])
    return vocabulary.numbers.get(words)


def _guessed(words: tuple[str, ...], vocabulary: Vocabulary) -> int | None:
    """A number that they are not sure of: "1 i guess", "creo que 2"."""
    for at in range(1, len(words)):
        for guess, number in ((words[:at], words[at:]), (words[at:], words[:at])):
            if guess in vocabulary.guesses and (guessed := _alone(number, vocabulary)):
                return guessed
    return None


def _misspelt(
    words: tuple[str, ...],
    phrases: Mapping[tuple[str, ...], str],
    offered: tuple[str, ...],
    opening: frozenset[str],
) -> Reply | None:
    """Accept one typing error in a single word. Never as "no", and never as one of `opening`: an
    error must not lower a level or open contact ("neither" is no "either")."""
    if len(words) != 1 or len(words[0]) < 4:
        return None
    near = {
        code
        for phrase, code in phrases.items()
        if len(phrase) == 1 and len(phrase[0]) >= 3 and one_slip(phrase[0], words[0])
    }
    if len(near) != 1 or near & {"no", *opening}:
        return None
    return as_offered(near.pop(), offered)


def without_polite(words: tuple[str, ...], vocabulary: Vocabulary) -> tuple[str, ...]:
    content = tuple(word for word in words if word not in vocabulary.polite)
    return content or words


def listed_answers(
    question: Question | None, vocabulary: Vocabulary
) -> Mapping[tuple[str, ...], str]:
    """The phrases that are listed as answers of this very question."""
    return vocabulary.answers.get(question.id, {}) if question is not None else {}


def contains(phrase: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return any(words[at : at + len(phrase)] == phrase for at in range(len(words) - len(phrase) + 1))


def without(phrase: tuple[str, ...], words: tuple[str, ...]) -> tuple[str, ...]:
    """The words without every occurrence of the phrase."""
    for at in range(len(words) - len(phrase), -1, -1):
        if words[at : at + len(phrase)] == phrase:
            words = (*words[:at], *words[at + len(phrase) :])
    return words
