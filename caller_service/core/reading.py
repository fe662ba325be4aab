"""Reads what a person wrote, in answer to the question they saw.

The order is a safety rule (docs/safety-rules.md, rules 7, 10 and 11): first what their phone added
is removed; then come commands as whole messages; "I am watched" in a short message; danger
anywhere; words that take contact back or ask for a person or 911; and only then an answer. "No"
counts only as a whole message. A story never answers a safety question.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain

from .combinations import Combinations
from .phone_text import clean, without_trailing_emoji
from .protocol import UNSURE, Question
from .reach import ContactAnswer
from .reply import (
    INQUIRIES,
    WITHDRAWALS,
    Aloud,
    Answer,
    Command,
    CommandName,
    Danger,
    Farewell,
    Inquiry,
    Nothing,
    PlaceGiven,
    Reaction,
    Reading,
    Reply,
    Story,
    Thanks,
    Unclear,
    Wish,
    Withdrawal,
)
from .said import Said
from .spelling import sentences
from .street_words import StreetWords
from .vocabulary import Vocabulary, normal
from .worded_answer import (
    as_offered,
    contains,
    is_doubt,
    leading_number,
    listed_answers,
    misspelt_choice,
    named_together,
    names_no_place,
    who_meant,
    whole_answer,
    without,
    without_polite,
)

STORY_WORDS = 4  # shortest text, in words, that counts as a story if it answers nothing
SHORT = 14  # longest message, in words, in which "I am watched" is recognised
SHORT_QUESTION = 6  # longest one, in words, that asks only whether anybody reads
SHORTEST_CODE = 4  # letters of a code word
LONGEST = 4000  # characters that are read; all are stored
PHONE_DIGITS = range(7, 12)  # "555 0199" to "1 720 555 0199"
ASKS = re.compile("[?？]")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")  # "heeelp"
THANKS = "thanks"  # stands among the commands in words.toml, and is none
THANKFUL = 12  # longest message, in words, that may be only thanks
# The same wishes as answers to the question `contact`. "Don't call" is no answer: it allows
# nothing, and the question is put again.
CONTACT_ANSWERS: Mapping[str, str] = {
    Wish.OVERHEARD: ContactAnswer.UNSAFE,
    Wish.WATCHED: ContactAnswer.UNSAFE,
    Wish.ONLY_TEXTS: ContactAnswer.TEXT,
    Wish.ONLY_CALLS: ContactAnswer.CALL,
    Wish.NO_CONTACT: ContactAnswer.UNWANTED,
    Wish.NO_TEXTS: ContactAnswer.UNSAFE,
}
# Words that carriers act on: they deliver no text of ours until START (Twilio's default opt-out
# words).
CARRIER_STOPS = frozenset(
    {"stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout", "cancel"}
)
CARRIER_WORDS = CARRIER_STOPS | {"start", "unstop", "yes", "help", "info"}
# those of them that take a request back where no carrier reads them
ENDINGS = frozenset({("cancel",), ("end",), ("quit",)})


@dataclass(frozen=True, slots=True)
class LanguageWords:
    """The word data used to read a text: one language's whole phrases, and the combinations and
    street words of all languages."""

    vocabulary: Vocabulary
    speech: Combinations
    streets: StreetWords = field(default_factory=StreetWords)
    watched: frozenset[tuple[str, ...]] = frozenset()  # the program's phrases for "I am watched"
    own: frozenset[str] = frozenset()  # words that no phone signs with (core/phone_text.py)


def read(
    said: str,
    question: Question | None,
    offered: tuple[str, ...],
    lang: LanguageWords,
    code_word: str = "",
) -> Reading:
    """Read one text. `question` is what the sender had seen (None: nothing), `offered` its choices
    as numbered, `code_word` the case's own."""
    cleaned = clean(said[:LONGEST], lang.own)
    if cleaned.reaction:
        return Reading(Reaction())
    every = sentences(cleaned.words)
    words = tuple(chain.from_iterable(every))
    word = normal(code_word)
    verified = bool(word) and words[: len(word)] == word
    if verified:
        words, every = words[len(word) :], _after(every, len(word))
    if not words:
        return Reading(Unclear() if _shows(cleaned.words) else Nothing(), verified=verified)
    found = lang.speech.read(every)
    markers, wishes = frozenset(found["markers"]), frozenset(found["wishes"])
    contact = _asks_contact(question, offered)
    calls_alone = lang.speech.only | (lang.speech.instead if contact else frozenset())
    wishes = _meant(words, wishes, calls_alone, lang)
    if {Wish.NO_TEXTS, Wish.NO_CALLS} <= wishes and _texts_instead(cleaned.words, lang):
        wishes = wishes - {Wish.NO_TEXTS} | {Wish.ONLY_TEXTS}
    if Wish.THERE in wishes and len(words) <= SHORT_QUESTION and ASKS.search(cleaned.words):
        # "¿alguien está leyendo mis mensajes?" asks about us; without "?" it tells of somebody else
        wishes -= {Wish.WATCHED}
    dangers = found["dangers"]
    if verified:  # the word may be part of what they say: "pills i took all of them"
        dangers = tuple(dict.fromkeys((*dangers, *lang.speech.dangers(cleaned.words))))
    # "no, tiene un cuchillo" denies nothing: search what follows the "no"
    if (rest := lang.speech.behind_no.sub("", cleaned.words)) != cleaned.words:
        dangers = tuple(dict.fromkeys((*dangers, *lang.speech.dangers(rest))))
    answerlike = (words[0].isdecimal() and len(words) == 1) or words in lang.vocabulary.answers.get(
        "yes_no", {}
    )
    reply = _reply(cleaned.words, words, question, offered, lang, dangers, wishes)
    if (
        question is not None
        and isinstance(reply, Answer)
        and len(named := named_together(words, question, offered, lang.vocabulary)) > 1
        and reply.choice in named
    ):
        others = set(named) - {reply.choice}
        markers |= {one.marker for one in question.choices if one.marker and one.code in others}
        return Reading(reply, markers, verified, wishes, worded=True)
    who = who_meant(words, lang.vocabulary)
    if (doubt := is_doubt(words, question, offered, lang.vocabulary)) and isinstance(
        reply, (Story, Unclear)
    ):
        return Reading(Answer(UNSURE), markers, verified, wishes, worded=True)
    return Reading(reply, markers, verified, wishes, answerlike and not doubt, who=who)


def _texts_instead(said: str, lang: LanguageWords) -> bool:
    """ "Dont call, text me": does the "dont" end before the texts? "Dont call, text or email" has
    more behind the comma, and "dont call or text me" joins the two."""
    before, _, behind = said.partition(",")
    words, after = normal(before), normal(behind)
    if not after:  # without a comma: two words, such as "text me", right behind the calls
        words = without_polite(words, lang.vocabulary)
        words, after = words[:-2], words[-2:]
        more = words[-1:] != after[-1:] and Wish.NO_CALLS in lang.speech.kinds(words[:-1], "wishes")
        if more or "/" in said:  # "dont call nor text me", "dont call/text me"
            return False
    joins = lang.vocabulary.joins
    return (
        len(words) > 1
        and bool(after)
        and "," not in behind
        and joins.isdisjoint((words[-1], *after))
        and Wish.NO_CALLS in lang.speech.kinds(words, "wishes")
        and Wish.NO_TEXTS not in lang.speech.kinds(words, "wishes")
        and Wish.NO_TEXTS not in lang.speech.kinds(after, "wishes")
    )


def _after(said: tuple[tuple[str, ...], ...], count: int) -> tuple[tuple[str, ...], ...]:
    """The sentences without their first `count` words."""
    rest = []
    for sentence in said:
        left = sentence[count:]
        count = max(0, count - len(sentence))
        if left:
            rest.append(left)
    return tuple(rest)


def _meant(
    words: tuple[str, ...], wishes: frozenset[str], calls_alone: frozenset[str], lang: LanguageWords
) -> frozenset[str]:
    """The wishes that the word data found, without those that other words explain, and with those
    that are found without it."""
    if Wish.PERSON in wishes and calls_alone.isdisjoint(words):
        # "can somebody just call me" asks for a person and takes nothing back
        wishes -= {Wish.ONLY_CALLS}
    if Wish.CORRECTS in wishes or names_number(words):
        # "oops wrong number i meant 2" is about a digit, "wrong number, mine is …" about another
        wishes -= {Wish.OTHER_HANDS}
    if Wish.TEAM_SPEAKS in wishes:
        wishes -= {Wish.LANGUAGE}
    if _sees_no_team(words, lang.vocabulary):
        wishes |= {Wish.NO_TEAM}
    if Wish.NO_TEAM in wishes and Wish.OTHER_HANDS in wishes:
        wishes -= _said_of_a_place(words, lang)
    if "988" in words and len(words) <= SHORT:
        wishes |= {Wish.CALL_988}
    return wishes


def _sees_no_team(words: tuple[str, ...], vocabulary: Vocabulary) -> bool:
    """Does somebody who waits for a team not see it, or say that it is at another place?"""
    return any(
        contains(phrase, words)
        for phrases in (vocabulary.no_team, vocabulary.team_astray)
        for phrase in phrases
    )


def _said_of_a_place(words: tuple[str, ...], lang: LanguageWords) -> frozenset[str]:
    """OTHER_HANDS, if it was heard only in words about a place: "you have the wrong house"."""
    rest = words
    for phrase in lang.vocabulary.team_astray:
        rest = without(phrase, rest)
    again = rest == words or Wish.OTHER_HANDS in lang.speech.kinds(rest, "wishes")
    return frozenset() if again else frozenset({Wish.OTHER_HANDS})


def names_number(words: tuple[str, ...]) -> bool:
    """Does the text give a phone number? Their own, perhaps: whether it may be used is for a human
    (rule 10)."""
    digits = "".join(word if word.isdecimal() else " " for word in words)
    return any(len(run) in PHONE_DIGITS for run in digits.split())


def yes_or_no(said: str, lang: LanguageWords) -> str:
    """ "yes", "no" or a doubt, if the words are nothing else; else ""."""
    words = without_trailing_emoji(normal(clean(said[:LONGEST], lang.own).words))
    return lang.vocabulary.answers.get("yes_no", {}).get(words, "")


def behind_yes_or_no(said: str, lang: LanguageWords) -> str:
    """What follows a "yes" or a "no": "it's me" of "yeah, it's me"; "" if nothing does."""
    words = normal(said[:LONGEST])
    led = lang.vocabulary.answers.get("yes_no", {}).get(words[:1]) in ("yes", "no")
    return " ".join(words[1:]) if led else ""


def number_alone(said: str, lang: LanguageWords) -> int:
    """The number that the words are, and nothing else: "one", "press two"; 0: none."""
    number, rest = leading_number(
        without_polite(normal(said[:LONGEST]), lang.vocabulary), lang.vocabulary
    )
    return 0 if number is None or rest else number


def only_aloud(said: str, lang: LanguageWords) -> str:
    """What only a caller says: one of Aloud, or ""."""
    words, known = normal(said[:LONGEST]), lang.vocabulary.aloud
    whole = known.get(words) or known.get(without_polite(words, lang.vocabulary))
    inside = any(
        meaning == Aloud.RELAY and contains(phrase, words) for phrase, meaning in known.items()
    )
    return whole or (Aloud.RELAY if inside else "")


def _reply(
    said: str,
    words: tuple[str, ...],
    question: Question | None,
    offered: tuple[str, ...],
    lang: LanguageWords,
    kinds: tuple[str, ...],
    wishes: frozenset[str],
) -> Reply:
    """Try, in order: commands, "I am watched", danger, a whole answer, a wish in a sentence,
    anything else."""
    bare = without_trailing_emoji(words)
    bare = bare if any(word.isalnum() for word in bare) else words  # "👎👎" is no clear no
    if (commanded := _commanded(said, bare, question, lang)) is not None:
        return commanded
    contact = _asks_contact(question, offered)
    if _watched(words, wishes, contact, lang):
        return Command(CommandName.WATCHED, alone=False)
    if not contact and (kind := lang.vocabulary.alone.get(bare)) is not None:
        return Danger((kind,))
    # about the phone, not about the person
    not_safe = Said.UNSAFE in kinds and (contact or not wishes.isdisjoint(WITHDRAWALS))
    if danger := tuple(kind for kind in kinds if not (kind == Said.UNSAFE and not_safe)):
        return _yes_of_its_own(bare, question, lang.vocabulary) or Danger(danger)
    if (whole := whole_answer(bare, question, offered, lang.vocabulary)) is not None:
        # "no?" and "nobody?" ask: the question is put again
        asks_no = isinstance(whole, Answer) and whole.choice == "no" and ASKS.search(said)
        return Unclear() if asks_no else whole
    if contact and (answer := _contact_answer(wishes, offered, Said.UNSAFE in kinds)) is not None:
        return answer
    place = question is not None and question.kind == "place"
    if (wish_reply := _wish_reply(wishes, place)) is not None:
        return wish_reply
    if place and names_no_place(said, bare, lang.vocabulary, lang.streets):
        thanks = _thanks(words, bare, lang.vocabulary, wishes)
        return _wish_reply(wishes, place=False) or (Thanks() if thanks else Unclear())
    if place:
        return PlaceGiven(said.strip())
    return _words_alone(words, bare, question, offered, lang.vocabulary, wishes)


def _cries(said: str, vocabulary: Vocabulary) -> bool:
    """ "HELP!!", "heeelp" and "ayudaaaa" are a plea, and not the keyword for what this is."""
    once = normal(_STRETCHED.sub(r"\1", said))
    name = vocabulary.commands.get(once)
    loud = said.count("!") > 1 or once != normal(said)
    return loud and name in (CommandName.HELP, CommandName.PLEA)


def _commanded(
    said: str, words: tuple[str, ...], question: Question | None, lang: LanguageWords
) -> Reply | None:
    """A whole text that is a command. "I want 911" is an answer where it is a choice: that says
    more, and gives the words for 911 as well."""
    command, listed = _command(words, lang.vocabulary), listed_answers(question, lang.vocabulary)
    if (command is None or command.name == CommandName.HELP) and _cries(said, lang.vocabulary):
        command = Command(CommandName.PLEA)
    answers = (CommandName.EMERGENCY, CommandName.PLEA)  # "i need help": who does? me
    if command is not None and command.name in answers and words in listed:
        return Answer(listed[words])
    unfit = (
        command is not None
        and command.name == CommandName.CODE
        and not fits_as_code_word(command.of, lang)
    )
    return Command(CommandName.CODE) if unfit else command


def _asks_contact(question: Question | None, offered: tuple[str, ...]) -> bool:
    return question is not None and ContactAnswer.UNSAFE in offered


def _yes_of_its_own(
    words: tuple[str, ...], question: Question | None, vocabulary: Vocabulary
) -> Answer | None:
    """A "yes" in words listed for this very question, such as "I did it" to `attempt`: the answer
    says more than the danger that the same words are elsewhere."""
    return Answer("yes") if listed_answers(question, vocabulary).get(words) == "yes" else None


def _watched(
    words: tuple[str, ...], wishes: frozenset[str], contact: bool, lang: LanguageWords
) -> bool:
    """Does the text say that somebody is watching, by the program's own phrase or in plain words?
    Where `contact` is asked, plain words are an answer instead: not safe."""
    if len(words) > SHORT:
        return False
    return any(contains(phrase, words) for phrase in lang.watched) or (
        Wish.WATCHED in wishes and not contact
    )


def _contact_answer(
    wishes: frozenset[str], offered: tuple[str, ...], not_safe: bool
) -> Answer | None:
    """Where `contact` is asked, words that would take contact back are its answer."""
    answers = [
        answer
        for wish, code in CONTACT_ANSWERS.items()
        if wish in wishes and (answer := as_offered(code, offered)) is not None
    ]
    return Answer(ContactAnswer.UNSAFE) if not_safe else answers[0] if answers else None


def _wish_reply(wishes: frozenset[str], place: bool) -> Reply | None:
    """A wish inside a sentence: contact taken back, a person, 911, an ordinary question. For a
    place, the last two of INQUIRIES that ask who somebody is are ignored: it may be named so."""
    if closing := frozenset[str]().union(
        *(ways for wish, ways in WITHDRAWALS.items() if wish in wishes)
    ):
        return Withdrawal(closing)
    for wish in (Wish.EMERGENCY_FOR_ME, Wish.PERSON, Wish.EMERGENCY):
        if wish in wishes:
            return Command(CommandName(wish), alone=False)
    if Wish.CANCELS in wishes:
        return Command(CommandName.CANCEL, alone=False)
    asked = [
        about
        for about in INQUIRIES
        if about in wishes and not (place and about in (Wish.FAQ_WHO, Wish.SOMEONE_ELSE))
    ]
    return Inquiry(asked[0]) if asked else None


def _words_alone(
    words: tuple[str, ...],
    bare: tuple[str, ...],
    question: Question | None,
    offered: tuple[str, ...],
    vocabulary: Vocabulary,
    wishes: frozenset[str],
) -> Reply:
    """A goodbye, thanks, an answer with a typing error, a story, or too few words."""
    if Wish.FAREWELL in wishes:
        return Farewell()
    if _thanks(words, bare, vocabulary, wishes):
        return Thanks()
    if (
        question is not None
        and (answer := misspelt_choice(bare, question, offered, vocabulary)) is not None
    ):
        return answer
    return Story() if len(words) >= STORY_WORDS else Unclear()


def _shows(said: str) -> bool:
    """Does the text show anything? "??" does; an empty text, blanks and invisible characters do
    not."""
    return any(unicodedata.category(letter)[0] in "LNPS" for letter in said[:LONGEST])


def _command(words: tuple[str, ...], vocabulary: Vocabulary) -> Command | None:
    plain = without_polite(words, vocabulary)
    name = vocabulary.commands.get(words) or vocabulary.commands.get(plain)
    if name == CommandName.HELP and len(words) > 1:  # "please help" is a plea, not the keyword
        return Command(CommandName.PERSON, alone=False)
    # carriers ignore "cancel please"
    if name == CommandName.STOP and len(words) > 1 and plain in ENDINGS:
        return Command(CommandName.CANCEL)
    if name == CommandName.STOP:
        return Command(
            CommandName.STOP, "carrier" if words[0] in CARRIER_STOPS and len(words) == 1 else ""
        )
    if name is None:
        opener = vocabulary.commands.get(words[:1])
        if opener == CommandName.CODE and len(words) == 2:
            return Command(CommandName.CODE, words[1])
        return None
    name, _, of = name.partition(":")
    # thanks are checked after answers, because 👍 is also a yes
    return None if name in (CommandName.CODE, THANKS) else Command(CommandName(name), of)


def fits_as_code_word(word: str, lang: LanguageWords) -> bool:
    """May this be somebody's code word? In front of a text it proves who writes, and is not read:
    "no", "help" or "knife" never may, nor what is written by chance."""
    words, alone = normal(word), read(word, None, (), lang)
    means_something = (
        not isinstance(alone.reply, (Story, Unclear))
        or any(words in answers for answers in lang.vocabulary.answers.values())
        or any(lang.speech.read((words,)).values())
    )
    return len("".join(words)) >= SHORTEST_CODE and not means_something


def _thanks(
    words: tuple[str, ...], bare: tuple[str, ...], vocabulary: Vocabulary, wishes: frozenset[str]
) -> bool:
    """Thanks, an "ok", or a thumb up, and nothing that could be a story."""
    if len(words) > THANKFUL or any(contains(phrase, words) for phrase in vocabulary.unthankful):
        return False
    return (
        THANKS in (vocabulary.commands.get(words), vocabulary.commands.get(bare))
        or Wish.THANKS in wishes
    )
