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
from enum import StrEnum
from itertools import chain

from .combinations import Combinations
from .phone_text import clean, without_trailing_emoji
from .protocol import SKIPPED, UNSURE, Question
from .reach import ContactAnswer
from .said import Said
from .spelling import one_slip, sentences
from .street_words import StreetWords
from .vocabulary import Vocabulary, normal

STORY_WORDS = 4  # shortest text, in words, that counts as a story if it answers nothing
SHORT = 14  # longest message, in words, in which "I am watched" is recognised
SHORT_QUESTION = 6  # longest one, in words, that asks only whether anybody reads
SHORTEST_CODE = 4  # letters of a code word
LONGEST = 4000  # characters that are read; all are stored
AGE_DIGITS = 3
OF_AGE = 18
PHONE_DIGITS = range(7, 12)  # "555 0199" to "1 720 555 0199"
HOUSE_DIGITS = 3  # "im 34" is an age, 120 may be a house
ASKS = re.compile("[?？]")
CALLED_NUMBERS = ("911", "988")  # "i called 911 they are coming" is no address
LOST = 4  # words after "I don't know" that still name no place: "where I am exactly"
THANKS = "thanks"  # stands among the commands in words.toml, and is none
THANKFUL = 12  # longest message, in words, that may be only thanks


class Wish(StrEnum):
    """What a text asks for, whatever else it says: found by the word data
    (`translations/*/speech.toml`, [wishes], which is checked when it is loaded)."""

    # contact taken back
    NO_TEXTS = "no_texts"  # "stop texting me"
    ONLY_CALLS = "only_calls"  # "call me, don't text"
    NO_CALLS = "no_calls"  # "don't call"
    ONLY_TEXTS = "only_texts"  # "text only"
    NO_CONTACT = "no_contact"  # "leave me alone"
    # and given back: only a human, or the code word, opens it again (rule 10)
    GIVES_TEXTS = "gives_texts"  # "you can text me again"
    GIVES_CALLS = "gives_calls"  # "its ok to call me now"
    OVERHEARD = "overheard"  # "don't call, he will hear"
    # somebody, now
    WATCHED = "watched"  # "he is reading my phone"
    PERSON = "person"  # "can I talk to somebody"
    EMERGENCY = "emergency"  # "should I call 911"
    EMERGENCY_FOR_ME = "emergency_for_me"  # "call 911 for me"
    MOVED = "moved"  # "not 5th st, 5th ave", "we are at Main and 3rd now": a place is corrected
    CANCELS = "cancels"  # "cancel please, i feel better": a human reads it
    CORRECTS = "corrects"  # "sorry i meant yes": of the answer before
    CORRECTS_TO_YES = "corrects_to_yes"  # "i said no but i meant yes": doubt at once
    DEAF = "deaf"  # "im deaf": no call is of use
    DID_IT = "did_it"  # "I did it", "its done": self-harm, where it was feared
    CALL_988 = "call_988"  # "988" in a short text: found here, without word data
    NO_TEAM = "no_team"  # "nobody is here", "wrong house": found here, by lists of words.toml
    # an ordinary question, or somebody else
    ABOUT_OTHERS = "about_others"  # "did my wife text you"
    LEGAL = "legal"  # "I have a subpoena"
    OFFICER = "officer"  # "this is dispatch"
    OTHER_HANDS = "other_hands"  # "this is not my phone any more"
    SOMEONE_ELSE = "someone_else"  # "I borrowed this phone"
    FAQ_CHILDREN = "faq_children"  # "will they take my kids"
    FAQ_IMMIGRATION = "faq_immigration"  # "are you ICE"
    FAQ_POLICE = "faq_police"  # "are you the police"
    FAQ_PRIVATE = "faq_private"  # "who reads this"
    FAQ_ROBOT = "faq_robot"  # "are you a bot"
    FAQ_FREE = "faq_free"  # "does this cost anything"
    FAQ_WHO = "faq_who"  # "who is this"
    FAQ_WHY = "faq_why"  # "why do you ask"
    THERE = "there"  # "are you there", "is anybody reading this"
    LANGUAGE = "language"  # "do you speak Somali"
    # words that end a conversation
    THANKS = "thanks"
    FAREWELL = "farewell"  # a goodbye: never thanks


class Aloud(StrEnum):
    """What only a caller says, by `translations/*/words.toml`, [aloud]."""

    OVERHEARD = "overheard"  # "he is here": the whole of it
    RELAY = "relay"  # "this is a relay call": anywhere
    AGAIN = "again"  # "what did you say": the whole of it
    INTERPRETER = "interpreter"  # "an interpreter": the whole of it
    SOMEONE = "someone"  # "for someone else", "it's my son": the whole of it, whoever they are


# The ways of contact that a wish takes back (rule 10).
WITHDRAWALS: Mapping[str, frozenset[str]] = {
    Wish.NO_TEXTS: frozenset({"text"}),
    Wish.ONLY_CALLS: frozenset({"text"}),
    Wish.NO_CALLS: frozenset({"call"}),
    Wish.ONLY_TEXTS: frozenset({"call"}),
    Wish.NO_CONTACT: frozenset({"text", "call"}),
    Wish.OVERHEARD: frozenset({"text", "call"}),
}
GIVES_BACK: Mapping[str, str] = {Wish.GIVES_TEXTS: "text", Wish.GIVES_CALLS: "call"}
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
# What `contact` may be answered in words by somebody deaf, who is offered no call: "yes" and these
# two mean texts (core/answers.py), and who asks for a call has a relay.
WORDED = {
    ContactAnswer.TEXT: ContactAnswer.TEXT_CALL,
    ContactAnswer.TEXT_DEAF: ContactAnswer.TEXT_CALL,
    ContactAnswer.CALL: ContactAnswer.CALL,
}
# Words that carriers act on: they deliver no text of ours until START (Twilio's default opt-out
# words).
CARRIER_STOPS = frozenset(
    {"stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout", "cancel"}
)
# those of them that take a request back where no carrier reads them
ENDINGS = frozenset({("cancel",), ("end",), ("quit",)})
INQUIRIES = (
    Wish.ABOUT_OTHERS, Wish.LEGAL, Wish.OFFICER, Wish.OTHER_HANDS, Wish.SOMEONE_ELSE,
    Wish.FAQ_CHILDREN, Wish.FAQ_IMMIGRATION, Wish.FAQ_POLICE, Wish.FAQ_PRIVATE, Wish.FAQ_ROBOT,
    Wish.FAQ_FREE, Wish.FAQ_WHY, Wish.FAQ_WHO, Wish.LANGUAGE, Wish.THERE,
)  # fmt: skip


class CommandName(StrEnum):
    """What a command asks for (core/commands.py; `new` in core/parking.py). Whole messages mean
    them by `translations/*/words.toml`, [commands], which is checked when it is loaded."""

    STOP = "stop"  # no more texts
    START = "start"  # texts again
    HELP = "help"  # what this is; a second one is a plea
    PERSON = "person"  # "0"
    PLEA = "plea"  # "help me": a first text asks, a later one cries out
    WORSE = "worse"  # "it is worse"
    WATCHED = "watched"  # somebody reads along
    EMERGENCY = "emergency"  # "911"
    EMERGENCY_FOR_ME = "emergency_for_me"  # "call 911 for me"
    LANGUAGE = "language"  # `of`: its tag
    STATUS = "status"  # where is the team
    CANCEL = "cancel"  # the request is taken back
    CHANGE = "change"  # what to do if no team is free, chosen again
    QUIET = "quiet"  # no text unasked
    CODE = "code"  # `of`: a code word
    CALL_ME = "call_me"  # `of`: when, in ISO 8601
    NEW = "new"  # somebody else uses the phone


@dataclass(frozen=True, slots=True)
class Command:
    """Works at any time."""

    name: CommandName
    of: str = field(default="", repr=False)
    alone: bool = True  # the whole message, not part of a sentence


@dataclass(frozen=True, slots=True)
class Answer:
    choice: str
    # a bare number or ordinal: means something only by the choices that were sent
    by_place: bool = False


@dataclass(frozen=True, slots=True)
class PlaceGiven:
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Danger:
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Contact taken back: `ways` is "text", "call" or both."""

    ways: frozenset[str]


@dataclass(frozen=True, slots=True)
class Inquiry:
    """An ordinary question, or a question by somebody else: one of INQUIRIES."""

    about: str


@dataclass(frozen=True, slots=True)
class Thanks:
    """Only thanks."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """A goodbye: never thanks (rule 21)."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """A phone's "Liked …" of a text of ours: no danger, story, place or answer."""


@dataclass(frozen=True, slots=True)
class OtherLanguage:
    """A text in a language the program does not serve: its tag, and the one line we have in it
    (rule 26)."""

    tag: str
    line: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Story:
    """Words that answer nothing; kept for the team."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Too few words to interpret."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No words: a picture, or only invisible characters."""


Reply = (
    Command | Answer | PlaceGiven | Danger | Withdrawal | Inquiry | Thanks | Farewell | Reaction
    | OtherLanguage | Story | Unclear | Nothing
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says: the reply, and what else it contains, which may only raise the level or
    close contact."""

    reply: Reply
    markers: frozenset[str] = frozenset()
    verified: bool = False  # it began with the case's code word
    # asked for in the text, whatever the reply is: WITHDRAWALS, emergency …
    wishes: frozenset[str] = frozenset()
    answerlike: bool = False  # a number, yes or no: begins no request if nothing was asked
    worded: bool = False  # an answer in a sentence: the words are kept
    # "it's for my sister, not me": who needs help, as a choice of `who`
    who: str = ""

    @property
    def closing(self) -> frozenset[str]:
        """The ways of contact that this text takes back."""
        return frozenset[str]().union(
            *(ways for wish, ways in WITHDRAWALS.items() if wish in self.wishes)
        )


@dataclass(frozen=True, slots=True)
class Ears:
    """The word data used to read a text: one language's whole phrases, and the combinations and
    street words of all languages."""

    vocabulary: Vocabulary
    speech: Combinations
    streets: StreetWords = field(default_factory=StreetWords)
    watched: frozenset[tuple[str, ...]] = frozenset()  # the program's phrases for "I am watched"
    own: frozenset[str] = frozenset()  # words that no phone signs with (core/phone_text.py)


def read(
    said: str, question: Question | None, offered: tuple[str, ...], ears: Ears, code_word: str = ""
) -> Reading:
    """Read one text. `question` is what the sender had seen (None: nothing), `offered` its choices
    as numbered, `code_word` the case's own."""
    cleaned = clean(said[:LONGEST], ears.own)
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
    found = ears.speech.read(every)
    markers, wishes = frozenset(found["markers"]), frozenset(found["wishes"])
    contact = _asks_contact(question, offered)
    calls_alone = ears.speech.only | (ears.speech.instead if contact else frozenset())
    wishes = _meant(words, wishes, calls_alone, ears)
    if {Wish.NO_TEXTS, Wish.NO_CALLS} <= wishes and _texts_instead(cleaned.words, ears):
        wishes = wishes - {Wish.NO_TEXTS} | {Wish.ONLY_TEXTS}
    if Wish.THERE in wishes and len(words) <= SHORT_QUESTION and ASKS.search(cleaned.words):
        # "¿alguien está leyendo mis mensajes?" asks about us; without "?" it tells of somebody else
        wishes -= {Wish.WATCHED}
    dangers = found["dangers"]
    if verified:  # the word may be part of what they say: "pills i took all of them"
        dangers = tuple(dict.fromkeys((*dangers, *ears.speech.dangers(cleaned.words))))
    # "no, tiene un cuchillo" denies nothing: search what follows the "no"
    if (rest := ears.speech.behind_no.sub("", cleaned.words)) != cleaned.words:
        dangers = tuple(dict.fromkeys((*dangers, *ears.speech.dangers(rest))))
    answerlike = (words[0].isdecimal() and len(words) == 1) or words in ears.vocabulary.answers.get(
        "yes_no", {}
    )
    reply = _reply(cleaned.words, words, question, offered, ears, dangers, wishes)
    if (
        question is not None
        and isinstance(reply, Answer)
        and len(named := _several(words, question, offered, ears.vocabulary)) > 1
        and reply.choice in named
    ):
        others = set(named) - {reply.choice}
        markers |= {one.marker for one in question.choices if one.marker and one.code in others}
        return Reading(reply, markers, verified, wishes, worded=True)
    who = who_meant(words, ears.vocabulary)
    if (doubt := _doubt(words, question, offered, ears.vocabulary)) and isinstance(
        reply, (Story, Unclear)
    ):
        return Reading(Answer(UNSURE), markers, verified, wishes, worded=True)
    return Reading(reply, markers, verified, wishes, answerlike and not doubt, who=who)


def _texts_instead(said: str, ears: Ears) -> bool:
    """ "Dont call, text me": does the "dont" end at the comma? "Dont call, text or email" has more
    behind it."""
    before, _, behind = said.partition(",")
    words = normal(behind)
    return (
        bool(words)
        and "," not in behind
        and ears.vocabulary.joins.isdisjoint(words)
        and Wish.NO_CALLS in ears.speech.kinds(normal(before), "wishes")
        and Wish.NO_TEXTS not in ears.speech.kinds(words, "wishes")
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
    words: tuple[str, ...], wishes: frozenset[str], calls_alone: frozenset[str], ears: Ears
) -> frozenset[str]:
    """The wishes that the word data found, without those that other words explain, and with those
    that are found without it."""
    if Wish.PERSON in wishes and calls_alone.isdisjoint(words):
        # "can somebody just call me" asks for a person and takes nothing back
        wishes -= {Wish.ONLY_CALLS}
    if Wish.CORRECTS in wishes or names_number(words):
        # "oops wrong number i meant 2" is about a digit, "wrong number, mine is …" about another
        wishes -= {Wish.OTHER_HANDS}
    if _sees_no_team(words, ears.vocabulary):
        wishes |= {Wish.NO_TEAM}
    if Wish.NO_TEAM in wishes and Wish.OTHER_HANDS in wishes:
        wishes -= _said_of_a_place(words, ears)
    if "988" in words and len(words) <= SHORT:
        wishes |= {Wish.CALL_988}
    return wishes


def _sees_no_team(words: tuple[str, ...], vocabulary: Vocabulary) -> bool:
    """Does somebody who waits for a team not see it, or say that it is at another place?"""
    return any(
        _contains(phrase, words)
        for phrases in (vocabulary.no_team, vocabulary.team_astray)
        for phrase in phrases
    )


def _said_of_a_place(words: tuple[str, ...], ears: Ears) -> frozenset[str]:
    """OTHER_HANDS, if it was heard only in words about a place: "you have the wrong house"."""
    rest = words
    for phrase in ears.vocabulary.team_astray:
        rest = _without(phrase, rest)
    again = rest == words or Wish.OTHER_HANDS in ears.speech.kinds(rest, "wishes")
    return frozenset() if again else frozenset({Wish.OTHER_HANDS})


def names_number(words: tuple[str, ...]) -> bool:
    """Does the text give a phone number? Their own, perhaps: whether it may be used is for a human
    (rule 10)."""
    digits = "".join(word if word.isdecimal() else " " for word in words)
    return any(len(run) in PHONE_DIGITS for run in digits.split())


def yes_or_no(said: str, ears: Ears) -> str:
    """ "yes", "no" or a doubt, if the words are nothing else; else ""."""
    words = without_trailing_emoji(normal(clean(said[:LONGEST], ears.own).words))
    return ears.vocabulary.answers.get("yes_no", {}).get(words, "")


def behind_yes_or_no(said: str, ears: Ears) -> str:
    """What follows a "yes" or a "no": "it's me" of "yeah, it's me"; "" if nothing does."""
    words = normal(said[:LONGEST])
    led = ears.vocabulary.answers.get("yes_no", {}).get(words[:1]) in ("yes", "no")
    return " ".join(words[1:]) if led else ""


def number_alone(said: str, ears: Ears) -> int:
    """The number that the words are, and nothing else: "one", "press two"; 0: none."""
    number, rest = _number(_plain(normal(said[:LONGEST]), ears.vocabulary), ears.vocabulary)
    return 0 if number is None or rest else number


def only_aloud(said: str, ears: Ears) -> str:
    """What only a caller says: one of Aloud, or ""."""
    words, known = normal(said[:LONGEST]), ears.vocabulary.aloud
    whole = known.get(words) or known.get(_plain(words, ears.vocabulary))
    inside = any(
        meaning == Aloud.RELAY and _contains(phrase, words) for phrase, meaning in known.items()
    )
    return whole or (Aloud.RELAY if inside else "")


def _reply(
    said: str,
    words: tuple[str, ...],
    question: Question | None,
    offered: tuple[str, ...],
    ears: Ears,
    kinds: tuple[str, ...],
    wishes: frozenset[str],
) -> Reply:
    """Try, in order: commands, "I am watched", danger, a whole answer, a wish in a sentence,
    anything else."""
    bare = without_trailing_emoji(words)
    bare = bare if any(word.isalnum() for word in bare) else words  # "👎👎" is no clear no
    if (commanded := _commanded(bare, question, ears)) is not None:
        return commanded
    contact = _asks_contact(question, offered)
    if _watched(words, wishes, contact, ears):
        return Command(CommandName.WATCHED, alone=False)
    if not contact and (kind := ears.vocabulary.alone.get(bare)) is not None:
        return Danger((kind,))
    # about the phone, not about the person
    not_safe = Said.UNSAFE in kinds and (contact or not wishes.isdisjoint(WITHDRAWALS))
    if danger := tuple(kind for kind in kinds if not (kind == Said.UNSAFE and not_safe)):
        return _yes_of_its_own(bare, question, ears.vocabulary) or Danger(danger)
    if (whole := _whole_answer(bare, question, offered, ears.vocabulary)) is not None:
        # "no?" and "nobody?" ask: the question is put again
        asks_no = isinstance(whole, Answer) and whole.choice == "no" and ASKS.search(said)
        return Unclear() if asks_no else whole
    if contact and (answer := _contact_answer(wishes, offered, Said.UNSAFE in kinds)) is not None:
        return answer
    place = question is not None and question.kind == "place"
    if (wish_reply := _wish_reply(wishes, place)) is not None:
        return wish_reply
    if place and _names_no_place(said, bare, ears):
        return _wish_reply(wishes, place=False) or Unclear()
    if place:
        return PlaceGiven(said.strip())
    return _words_alone(words, bare, question, offered, ears.vocabulary, wishes)


def _commanded(words: tuple[str, ...], question: Question | None, ears: Ears) -> Reply | None:
    """A whole text that is a command. "I want 911" is an answer where it is a choice: that says
    more, and gives the words for 911 as well."""
    command, listed = _command(words, ears.vocabulary), _listed(question, ears.vocabulary)
    answers = (CommandName.EMERGENCY, CommandName.PLEA)  # "i need help": who does? me
    if command is not None and command.name in answers and words in listed:
        return Answer(listed[words])
    unfit = (
        command is not None
        and command.name == CommandName.CODE
        and not fits_as_code_word(command.of, ears)
    )
    return Command(CommandName.CODE) if unfit else command


def _listed(question: Question | None, vocabulary: Vocabulary) -> Mapping[tuple[str, ...], str]:
    """The phrases that are listed as answers of this very question."""
    return vocabulary.answers.get(question.id, {}) if question is not None else {}


def _asks_contact(question: Question | None, offered: tuple[str, ...]) -> bool:
    return question is not None and ContactAnswer.UNSAFE in offered


def _yes_of_its_own(
    words: tuple[str, ...], question: Question | None, vocabulary: Vocabulary
) -> Answer | None:
    """A "yes" in words listed for this very question, such as "I did it" to `attempt`: the answer
    says more than the danger that the same words are elsewhere."""
    return Answer("yes") if _listed(question, vocabulary).get(words) == "yes" else None


def _watched(words: tuple[str, ...], wishes: frozenset[str], contact: bool, ears: Ears) -> bool:
    """Does the text say that somebody is watching, by the program's own phrase or in plain words?
    Where `contact` is asked, plain words are an answer instead: not safe."""
    if len(words) > SHORT:
        return False
    return any(_contains(phrase, words) for phrase in ears.watched) or (
        Wish.WATCHED in wishes and not contact
    )


def _contact_answer(
    wishes: frozenset[str], offered: tuple[str, ...], not_safe: bool
) -> Answer | None:
    """Where `contact` is asked, words that would take contact back are its answer."""
    answers = [
        answer
        for wish, code in CONTACT_ANSWERS.items()
        if wish in wishes and (answer := _offered(code, offered)) is not None
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
        and (answer := _choice(bare, question, offered, vocabulary)) is not None
    ):
        return answer
    return Story() if len(words) >= STORY_WORDS else Unclear()


def _shows(said: str) -> bool:
    """Does the text show anything? "??" does; an empty text, blanks and invisible characters do
    not."""
    return any(unicodedata.category(letter)[0] in "LNPS" for letter in said[:LONGEST])


def _contains(phrase: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return any(words[at : at + len(phrase)] == phrase for at in range(len(words) - len(phrase) + 1))


def _without(phrase: tuple[str, ...], words: tuple[str, ...]) -> tuple[str, ...]:
    """The words without every occurrence of the phrase."""
    for at in range(len(words) - len(phrase), -1, -1):
        if words[at : at + len(phrase)] == phrase:
            words = (*words[:at], *words[at + len(phrase) :])
    return words


def _command(words: tuple[str, ...], vocabulary: Vocabulary) -> Command | None:
    plain = _plain(words, vocabulary)
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


def fits_as_code_word(word: str, ears: Ears) -> bool:
    """May this be somebody's code word? In front of a text it proves who writes, and is not read:
    "no", "help" or "knife" never may, nor what is written by chance."""
    words, alone = normal(word), read(word, None, (), ears)
    means_something = (
        not isinstance(alone.reply, (Story, Unclear))
        or any(words in answers for answers in ears.vocabulary.answers.values())
        or any(ears.speech.read((words,)).values())
    )
    return len("".join(words)) >= SHORTEST_CODE and not means_something


def _thanks(
    words: tuple[str, ...], bare: tuple[str, ...], vocabulary: Vocabulary, wishes: frozenset[str]
) -> bool:
    """Thanks, an "ok", or a thumb up, and nothing that could be a story."""
    if len(words) > THANKFUL or any(_contains(phrase, words) for phrase in vocabulary.unthankful):
        return False
    return (
        THANKS in (vocabulary.commands.get(words), vocabulary.commands.get(bare))
        or Wish.THANKS in wishes
    )


def _whole_answer(
    words: tuple[str, ...],
    question: Question | None,
    offered: tuple[str, ...],
    vocabulary: Vocabulary,
) -> Reply | None:
    """An answer that is the whole message; then it contains no other wish."""
    if question is None:
        return None
    if question.kind != "place":
        plain = _plain(words, vocabulary)
        phrases = _phrases(question, offered, vocabulary)
        code = phrases.get(words) or phrases.get(plain) or _led(plain, question, vocabulary)
        if question.id == "who":
            fillers = vocabulary.leads | vocabulary.polite
            code = code or _of_an_age(plain, vocabulary)
            code = code or _who_among(plain, fillers, vocabulary) or None
        if code is not None and not _pleads(words, code, vocabulary):
            return _offered(code, offered)
        if named := _several(words, question, offered, vocabulary):
            return Answer(named[0], by_place=any(word.isdecimal() for word in words))
        return _numbered(words, plain, phrases, question, offered, vocabulary)
    meaning = vocabulary.answers.get("yes_no", {}).get(_plain(words, vocabulary))
    return Answer(SKIPPED) if meaning in (SKIPPED, UNSURE) else None


def _led(words: tuple[str, ...], question: Question, vocabulary: Vocabulary) -> str | None:
    """An answer behind words that add nothing: "he is drunk", "es para mi hermano". Only where no
    level and no contact hangs on it."""
    codes = [choice.code for choice in question.choices]
    if question.safety or question.follow_up or any(map(question.opens, codes)):
        return None
    first = next((at for at, word in enumerate(words) if word not in vocabulary.leads), 0)
    return _listed(question, vocabulary).get(words[first:]) if first else None


def _several(
    words: tuple[str, ...],
    question: Question | None,
    offered: tuple[str, ...],
    vocabulary: Vocabulary,
) -> tuple[str, ...]:
    """The answers that a text names together: "1 and 3", "drunk and hearing voices", "all of them".
    The one that counts as the answer comes first."""
    if question is None or not question.several:
        return ()
    plain = _plain(words, vocabulary)
    if plain in vocabulary.all_of:
        return question.several if set(offered) <= set(question.several) else ()
    codes: set[str | None] = set()
    part: tuple[str, ...] = ()
    for word in (*plain, ""):
        if word and not word.isdecimal() and word not in vocabulary.joins:
            part = (*part, word)
            continue
        if part:
            listed = _listed(question, vocabulary)
            codes.add(listed.get(part) or _led(part, question, vocabulary))
            part = ()
        if word.isdecimal():
            number = int(word[:6])
            codes.add(offered[number - 1] if 1 <= number <= len(offered) else None)
    ordered = tuple(code for code in question.several if code in codes and code in offered)
    return ordered if codes <= set(ordered) else ()


def who_meant(words: tuple[str, ...], vocabulary: Vocabulary) -> str:
    """Who needs help, if a text says nothing else: "its for my sister, not me", "i meant my dad".
    The choice of `who`; "" where it says more or less."""
    listed = vocabulary.answers.get("who", {})
    rest = _without_denied(words, listed, vocabulary.negations)
    for phrase in vocabulary.for_whom:
        rest = _without(phrase, rest)
    if rest == words or len(words) > SHORT:
        return ""
    return _who_among(
        rest, vocabulary.leads | vocabulary.polite | vocabulary.beside_who, vocabulary
    )


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


def _doubt(
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
    return any(_contains(hedge, words) for hedge in vocabulary.hedges)


def _names_no_place(said: str, words: tuple[str, ...], ears: Ears) -> bool:
    """Asked for a place, is this a yes, a no, a digit, a question, a plea or a feeling? Then it
    names no place, and no team is sent to it (rule 13)."""
    vocabulary, streets = ears.vocabulary, ears.streets
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


def _choice(
    words: tuple[str, ...], question: Question, offered: tuple[str, ...], vocabulary: Vocabulary
) -> Reply | None:
    phrases = _phrases(question, offered, vocabulary)
    opening = frozenset(code for code in offered if question.opens(code))
    return _misspelt(_plain(words, vocabulary), phrases, offered, opening)


def _numbered(
    words: tuple[str, ...],
    plain: tuple[str, ...],
    phrases: Mapping[tuple[str, ...], str],
    question: Question,
    offered: tuple[str, ...],
    vocabulary: Vocabulary,
) -> Reply | None:
    number, rest = _number(plain, vocabulary)
    if number is None or rest in vocabulary.guesses:
        number, rest = _guessed(plain, vocabulary), ()
        if number is None or question.safety or any(map(question.opens, offered)):
            return None  # of a safety question it is doubt (`_doubt`); of contact it opens nothing
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


def _offered(code: str, offered: tuple[str, ...]) -> Answer | None:
    if code in WORDED and code not in offered and ContactAnswer.TEXT_CALL in offered:
        return Answer(WORDED[ContactAnswer(code)])
    if code in offered or code == SKIPPED:
        return Answer(code)
    return Answer(SKIPPED) if code == UNSURE else None


def _number(words: tuple[str, ...], vocabulary: Vocabulary) -> tuple[int | None, tuple[str, ...]]:
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
    return _offered(near.pop(), offered)


def _plain(words: tuple[str, ...], vocabulary: Vocabulary) -> tuple[str, ...]:
    content = tuple(word for word in words if word not in vocabulary.polite)
    return content or words
