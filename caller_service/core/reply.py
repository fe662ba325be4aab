"""What a person's words mean, as types: what they reply, and what else they ask for or say
(docs/safety-rules.md, rules 7, 10 and 11). How it is read: core/reading.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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
    SENDS = "sends"  # "can someone come": what is wanted is asked about later
    TEAM_SPEAKS = "team_speaks"  # "do they speak Spanish": of the team, and no wish to change ours
    # an ordinary question, or somebody else
    ABOUT_OTHERS = "about_others"  # "did my wife text you"
    LEGAL = "legal"  # "I have a subpoena"
    OFFICER = "officer"  # "this is dispatch"
    OTHER_HANDS = "other_hands"  # "this is not my phone any more"
    SOMEONE_ELSE = "someone_else"  # "I borrowed this phone"
    WRONG_NUMBER = "wrong_number"  # beside OTHER_HANDS: nobody there wants anything of us
    BORROWED = "borrowed"  # beside these two: whose phone it is, which the same person may say
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
