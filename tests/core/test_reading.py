"""How people write, and how we read it (docs/safety-rules.md, rules 7 and 10). Each row is a
text and what must be understood.

What is expected: the code of an answer; `!name` a command; `danger: kinds`; `place`; `story`;
`unclear`; `nothing`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from conversation import CATALOG, LANGUAGE_WORDS, PROGRAM
from hypothesis import given, settings
from hypothesis import strategies as st

from caller_service.core.protocol import SKIPPED, Question, choice_key
from caller_service.core.reading import read
from caller_service.core.reply import (
    Answer,
    Command,
    CommandName,
    Danger,
    Inquiry,
    Nothing,
    PlaceGiven,
    Reading,
    Story,
    Thanks,
    Unclear,
    Wish,
    Withdrawal,
)
from caller_service.core.spelling import one_slip
from caller_service.core.vocabulary import normal
from caller_service.language.vocabularies import guess, read_vocabularies

LANGUAGES = PROGRAM.languages
ALONE = {language: read_vocabularies((language,))[language] for language in LANGUAGES}
OFFERED = {  # by text: the web page offers one more (`contact`)
    question.id: tuple(choice.code for choice in question.choices if choice.code != "page")
    for question in PROGRAM.protocol.questions
}


def reading(
    said: str,
    question: str | None = "health",
    language: str = "en",
    offered: tuple[str, ...] | None = None,
) -> Reading:
    asked = PROGRAM.protocol.question(question) if question else None
    return read(
        said,
        asked,
        offered if offered is not None else OFFERED[asked.id] if asked else (),
        LANGUAGE_WORDS[language],
    )


def heard(said: str, question: str | None = "health", language: str = "en") -> str:
    reply = reading(said, question, language).reply
    match reply:
        case Answer(choice):
            return choice
        case Command(name, of):
            return f"!{name}" + (f" {of}" if name == "language" else "")
        case Danger(kinds):
            return f"danger: {', '.join(sorted(kinds))}"
        case PlaceGiven():
            return "place"
        case Story():
            return "story"
        case Unclear():
            return "unclear"
        case Thanks():
            return "thanks"
        case Withdrawal():
            return "withdrawn"
        case Inquiry(about):
            return f"?{about}"
        case Nothing():
            return "nothing"
    raise AssertionError(reply)


YES_NO: dict[str, str] = {
    # numbers, as thumbs and keyboards of many scripts write them
    "1": "yes", "2": "no", "3": "unsure", "1.": "yes", "1)": "yes", "(1)": "yes", "1!": "yes", "#1": "yes", " 1 ": "yes", "1\n": "yes", "01": "yes",
    "١": "yes", "٢": "no", "۱": "yes", "२": "no", "１": "yes", "２．": "no", "①": "yes", "②": "no",
    "1️⃣": "yes", "2️⃣": "no", "¹": "yes", "𝟏": "yes", "१": "yes", "1 yes": "yes", "2 no": "no",
    "2. No": "no", "1-yes": "yes", "3 not sure": "unsure", "1, please": "yes", "number 2": "no",
    "option 1": "yes", "one": "yes", "two": "no", "Three": "unsure", "the first one": "yes",
    "First": "yes", "the second": "no", "number one": "yes", "1 no": "unclear", "2 yes": "unclear",
    "1 2": "unclear", "12": "unclear", "4": "unclear", "-1": "yes", "1.5": "unclear",
    "00000000000000000001": "unclear", "1/2": "unclear",
    # yes
    "yes": "yes", "YES": "yes", "Yes!": "yes", "yess": "yes", "yesss": "yes", "y": "yes",
    "yeah": "yes", "yea": "yes", "yep": "yes", "yup.": "yes", "ye": "yes", "👍": "yes", "👍🏽": "yes",
    "👍🏿": "yes", "✅": "yes", "y e s": "unclear", "yes he is": "yes", "yes she is": "yes",
    "I think so": "yes", "Y\u200bES": "yes", "y\u0000es": "unclear", "ＹＥＳ": "yes",
    "\u202eyes": "yes", "yes please": "yes", "ok yes": "yes", "yes thanks": "yes", "Yes.": "yes",
    "yés": "yes", "sí": "yes", "SI": "yes", "si": "yes", "Sí!": "yes", "claro": "yes",
    "he is": "yes",
    # no, only as the whole message
    "no": "no", "NO": "no", "No.": "no", "nope": "no", "nah": "no", "n": "no", "no one": "no",
    "nobody": "no", "👎": "no", "👎🏻": "no", "❌": "no", "not at all": "no", "no thanks": "no",
    "no sir": "no", "no no": "unclear", "no no no": "unclear", "nooo": "unclear", "noo": "unclear",
    "nope nope": "unclear", "nada": "unclear", "no but": "unsure", "no but he might": "unsure",
    "no, not yet": "unsure", "no not really": "unclear", "nott": "unclear", "now": "unclear",
    "know": "unclear", "note": "unclear", "nop": "no", "on": "unclear",
    "no I don't think so but I am scared": "unsure", "no he is fine now": "story",
    "not": "unclear", "no?": "unclear",
    # doubt is never a no
    "idk": "unsure", "IDK": "unsure", "i don't know": "unsure", "I dont know": "unsure",
    "I don’t know": "unsure", "dunno": "unsure", "not sure": "unsure", "maybe": "unsure",
    "maybee": "unsure", "no idea": "unsure", "no se": "unsure", "no sé": "unsure",
    "No lo sé": "unsure", "nose": "unsure", "🤷": "unsure", "🤷🏽‍♀️": "unsure",
    "probably not": "unsure", "I don't think so": "unsure", "i cant tell": "unsure",
    "tal vez": "unsure", "kind of": "unsure", "yes and no": "unsure", "a little": "unsure",
    "skip": "skipped", "pass": "skipped", "prefer not to say": "skipped",
    "none of your business": "skipped", "prefiero no decir": "skipped", "next": "skipped",
    # life in danger, anywhere in the message
    "no but he has a knife": "danger: weapon", "no he took all his pills": "danger: overdose",
    "NO HE TOOK A BUNCH OF PILLS": "danger: overdose", "no respira": "danger: breathing",
    "No, no respira bien": "danger: breathing", "she isn't breathing": "danger: breathing",
    "she isn’t breathing": "danger: breathing", "hes not breathing 1": "danger: breathing",
    "I want to die": "danger: suicide", "im going to kill myself": "danger: suicide",
    "kms": "danger: suicide", "he overdosed": "danger: overdose",
    "she is on the bridge": "danger: place", "he's hitting me": "danger: violence",
    "my son has a gun and took some pills": "danger: overdose, weapon",
    "2 but he has a gun": "danger: weapon", "he cut his wrists": "danger: attempt",
    "me quiero morir": "danger: suicide", "se tomó muchas pastillas": "danger: overdose",
    "tiene una pistola": "danger: weapon", "s\u00adhe is not brea\u200bthing": "danger: breathing",
    "K!ll myself": "unclear", "kill  myself": "danger: suicide", "kill\nmyself": "danger: suicide",
    # words that are commands at any time
    "0": "!person", "٠": "!person", "zero": "!person", "0.": "!person", "a person": "!person",
    "a person please": "!person", "talk to a person": "!person", "cero": "!person",
    "0️⃣": "!person", "911": "!emergency", "9-1-1": "!emergency", "9 1 1": "!emergency",
    "call 911": "!emergency", "I want 911": "!emergency", "911!": "!emergency",
    "please call 911": "!emergency", "STOP": "!stop", "stop": "!stop", "Stop.": "!stop",
    "STOP!!": "!stop", "stop please": "!stop", "Cancel": "!stop", "END": "!stop", "Quit": "!stop",
    "stop all": "!stop", "alto": "!stop", "PARAR": "!stop", "unsubscribe": "!stop",
    "opt out": "!stop", "stop texting me": "!stop", "no me escriban más": "!stop",
    "make it stop": "unclear", "please make it stop": "story", "make him stop": "unclear",
    "I can't stop crying": "story", "he won't stop yelling at me": "story",
    "the bus stop": "unclear", "stop it": "unclear", "don't stop": "unclear", "START": "!start",
    "unstop": "!start", "HELP": "!help", "help": "!help", "help me": "!plea",
    "help me please": "!plea", "INFO": "!help", "I need help": "!plea",
    "we need help right now": "story", "status": "!status", "where are you?": "!status",
    "how long": "!status", "any news?": "!status", "worse": "!worse", "it's worse": "!worse",
    "It is getting worse": "!worse", "peor": "!worse", "quiet": "!quiet", "silencio": "!quiet",
    "close": "!cancel", "never mind": "!cancel", "nvm": "!cancel", "cancel my request": "!cancel",
    "ya no": "unsure", "cancelar": "!cancel", "espanol": "!language es", "Español": "!language es",
    "ESPAÑOL": "!language es", "English": "!language en", "in spanish": "!language es",
    "inglés": "!language en", "code bluebird": "!code", "código pájaro": "!code",
    "code": "unclear", "is the pie shop open?": "!watched", "Is the pie shop OPEN": "!watched",
    "¿Está abierta la pastelería?": "!watched",
    # nothing, too little, or a whole story
    "": "nothing", "   ": "nothing", "\n": "nothing", "\u200b": "nothing",
    "\ufeff\u200d": "nothing", "?": "unclear", "??": "unclear", "...": "unclear", "hmm": "unclear",
    "ok": "thanks", "👻": "unclear", "❤️": "thanks", "asdf": "unclear",
    "my brother is seeing things and yelling": "story",
    "there are two men shouting at each other": "story",
    "1 of them is my brother and he is sad": "story", "2 people": "unclear",
    "3 days ago": "unclear",
}  # fmt: skip

SPANISH: dict[str, str] = {
    "1": "yes", "2": "no", "3": "unsure", "uno": "yes", "dos": "no", "el primero": "yes",
    "la segunda": "no", "sí": "yes", "SÍ": "yes", "si": "yes", "sii": "yes", "s": "yes",
    "claro que sí": "yes", "creo que sí": "yes", "yes": "yes", "si por favor": "yes",
    "Sí, gracias": "yes", "no": "no", "NO.": "no", "nadie": "no", "para nada": "no",
    "no, gracias": "no", "no sé": "unsure", "no se": "unsure", "No lo sé.": "unsure",
    "nose": "unsure", "no estoy segura": "unsure", "tal vez": "unsure", "quizás": "unsure",
    "más o menos": "unsure", "creo que no": "unsure", "ni idea": "unsure",
    "no pero está muy mal": "unsure", "no mucho": "unsure", "si no": "unsure", "sino": "unclear",
    "saltar": "skipped", "no respira": "danger: breathing", "¡No despierta!": "danger: breathing",
    "no, tiene un cuchillo": "danger: weapon", "se quiere matar": "danger: suicide",
    "quiero matarme": "danger: suicide", "me pega mi esposo": "danger: violence",
    "está en el puente": "danger: place", "se cortó las venas": "danger: attempt",
    "tomó muchas pastillas": "danger: overdose", "he took all his pills": "danger: overdose",
    "0": "!person", "una persona": "!person", "911": "!emergency", "llamen al 911": "!emergency",
    "ALTO": "!stop", "alto.": "!stop", "parar": "!stop", "STOP": "!stop", "basta": "!stop",
    "cancelar": "!cancel", "ya no": "unsure", "cerrar": "!cancel", "ayuda": "!plea",
    "HELP": "!help", "peor": "!worse", "Estado": "!status", "¿dónde están?": "!status",
    "silencio": "!quiet", "english": "!language en", "mi hermano ve cosas y grita mucho": "story",
    "alto ahí": "unclear", "que pare por favor": "story", "el alto": "unclear",
}  # fmt: skip

ELSEWHERE: list[tuple[str, str, str, str]] = [
    *(("who", "en", said, code) for said, code in {
        "1": "me", "me": "me", "Me!": "me", "myself": "me", "I need help": "me", "2": "me_minor",
        "me, and I am under 18": "me_minor", "my brother": "adult", "My Mom": "adult",
        "bro": "unclear", "5": "unknown", "a stranger": "unknown", "idk": "skipped",
        "6": "unclear", "yes": "unclear", "no": "unclear", "my brother is in trouble": "story",
        "teen": "child", "skip": "skipped", "one": "me", "somone": "unknown",
    }.items()),
    *(("who", "es", said, code) for said, code in {"yo": "me", "Mi hermano": "adult", "mi mamá": "adult", "un niño": "child", "alguien": "unknown",
        "no sé": "skipped", "soy menor": "me_minor", "uno": "me"}.items()),
    *(("contact", "en", said, code) for said, code in {
        "1": "text_call", "both": "text_call", "text only": "text", "text": "text",
        "deaf": "text_deaf", "I use ASL": "text_deaf", "call": "call", "not safe": "unsafe",
        "no": "unsafe", "No.": "unsafe", "it's not safe": "unsafe", "don't contact me": "unwanted",
        "yes": "text_call", "idk": "skipped", "6": "unwanted", "7": "unclear",
        "3 text only": "text", "2 call": "unclear",
    }.items()),
    *(("contact", "es", said, code) for said, code in {"ambos": "text_call", "solo textos": "text", "no es seguro": "unsafe", "no": "unsafe",
        "soy sorda": "text_deaf", "no me contacten": "unwanted", "no sé": "skipped"}.items()),
    *(("need", "en", said, code) for said, code in {"1": "upset", "hearing voices": "hears", "drunk": "high", "homeless": "basics",
        "an argument": "argument", "fight": "argument", "other": "other", "idk": "skipped",
        "no": "unclear"}.items()),
    *(("need", "es", said, code) for said, code in {"borracho": "high", "hambre": "basics", "una discusión": "argument",
        "otra cosa": "other"}.items()),
    *(("want", "en", said, code) for said, code in {"1": "team", "a team": "team", "counselor": "counselor", "counselor please": "counselor",
        "information": "information", "4": "call_911", "police": "call_911", "911": "!emergency",
        "info": "!help", "no police": "team", "idk": "skipped"}.items()),
    *(("want", "es", said, code) for said, code in {"un equipo": "team", "consejera": "counselor", "información": "information",
        "sin policía": "team", "policía": "call_911"}.items()),
    *(("if_none", "en", said, code) for said, code in {"wait": "wait", "988": "call_988", "I will call 911": "call_911", "911": "!emergency",
        "2": "counselor", "idk": "skipped"}.items()),
    *(("where", "en", said, code) for said, code in {
        "3rd and Main": "place", "City Hall": "place", "1": "unclear", "I don't know": "skipped",
        "idk": "skipped", "skip": "skipped", "no": "unclear", "39.7, -105.0": "place",
        "behind the store": "place", "on the bridge on 5th": "danger: place", "0": "!person",
        "the bus stop": "place", "?": "unclear", "": "nothing", "911": "!emergency",
        "911 Oak St": "place", "0 Main St": "place", "Stop 12": "place", "stop": "!stop",
    }.items()),
    *(("where", "es", said, code) for said, code in {"la biblioteca": "place", "no sé": "skipped", "calle tercera y main": "place",
        "en el puente": "danger: place"}.items()),
    *((None, "en", said, code) for said, code in {"1": "unclear", "no": "unclear", "thanks": "thanks", "they are at the back door now": "story",
        "he has a gun": "danger: weapon", "stop": "!stop", "": "nothing"}.items()),  # type: ignore[list-item]
]  # fmt: skip

NUMBERS = [
    (question, "en", said, code)
    for said, yes, team in (
        ("i pick 1", "yes", "team"), ("its 1", "yes", "team"), ("my answer is 1", "yes", "team"),
        ("el 1", "yes", "team"), ("elijo la 1", "yes", "team"), ("answer is one", "yes", "team"),
        ("1 i guess", "unsure", "team"), ("probably 1", "unsure", "team"),
        ("i think 1", "unsure", "team"), ("creo que 1", "unsure", "team"),
        ("a lo mejor 1", "unsure", "team"), ("i pick 9", "unclear", "unclear"),
    )
    for question, code in (("health", yes), ("suicide", yes), ("want", team))
] + [
    ("health", "en", "2 i guess", "unsure"), ("contact", "en", "1 i guess", "unclear"),
    ("health", "es", "creo que 2", "unsure"), ("contact", "es", "la 1", "text_call"),
    ("want", "en", "somebody to talk to on the phone", "counselor"),
    ("need", "es", "solo", "upset"), ("need", "es", "no deja de llorar", "upset"),
    ("need", "en", "off his meds", "worried"), ("who", "en", "not sure who he is", "unknown"),
    ("who", "en", "its me and im 16", "me_minor"), ("who", "es", "los dos", "me"),
    ("want", "en", "someone who isn't police", "team"), ("want", "es", "manden a alguien", "team"),
]  # fmt: skip
ROWS = (
    [("health", "en", *row) for row in YES_NO.items()]
    + [("health", "es", *row) for row in SPANISH.items()]
    + ELSEWHERE
    + NUMBERS
)


@pytest.mark.parametrize(
    ("question", "language", "said", "expected"),
    ROWS,
    ids=[f"{row[0]}-{row[1]}-{ascii(row[2])[:40]}" for row in ROWS],
)
def test_what_people_write_is_read_as_they_mean_it(
    question: str | None, language: str, said: str, expected: str
) -> None:
    assert heard(said, question, language) == expected


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(ROWS) > 350


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "question",
    [question for question in PROGRAM.protocol.questions if question.choices],
    ids=lambda question: question.id,
)
def test_the_words_of_a_choice_may_be_typed_back(question: Question, language: str) -> None:
    """What we offer as "2 Not safe" may be answered with "2", "Not safe" or "2 Not safe"."""
    for number, code in enumerate(OFFERED[question.id], start=1):
        label = CATALOG.text(language, choice_key(question.id, code))
        for said in (str(number), f"{number}.", f"{number})"):
            assert heard(said, question.id, language) == code
        if reading(label, question.id, language).reply not in (Command("emergency"),):
            assert heard(label, question.id, language) in (code, "!emergency", "!help"), label
            assert heard(f"{number} {label}", question.id, language) == code, label


@pytest.mark.parametrize("language", LANGUAGES)
def test_commands_win_over_answers_and_dangers_at_every_question(language: str) -> None:
    for question in (*PROGRAM.protocol.questions, None):
        for phrase, meaning in ALONE[language].commands.items():
            reply = reading(" ".join(phrase), question.id if question else None, language).reply
            # "I want 911" where it is a choice, "I need help" to who needs it: answers do as much
            chosen = (meaning, reply) in (
                ("emergency", Answer("call_911")), ("plea", Answer("me")),
            )  # fmt: skip
            # thanks are read after answers, and "info please" asks for help
            if meaning not in ("code", "thanks", "help") and not chosen:
                assert isinstance(reply, (Command, Danger)), phrase
                named = (
                    (reply.name, "" if reply.of == "carrier" else reply.of)
                    if isinstance(reply, Command)
                    else ()
                )
                assert isinstance(reply, Danger) or named == tuple(meaning.partition(":")[::2]), (
                    phrase
                )


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrase_for_no_is_also_something_else(language: str) -> None:
    yes_no = LANGUAGE_WORDS[language].vocabulary.answers["yes_no"]

    for phrase in [phrase for phrase, code in yes_no.items() if code == "no"]:
        assert phrase not in LANGUAGE_WORDS[language].vocabulary.commands
        assert not isinstance(reading(" ".join(phrase), "health", language).reply, Danger)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_phrase_means_the_same_whatever_language_is_spoken(language: str) -> None:
    """People mix languages under stress: a word of another language may add a meaning, but must
    never turn a doubt into a no."""
    for other in LANGUAGES:
        for phrase, code in ALONE[other].answers["yes_no"].items():
            read_here = LANGUAGE_WORDS[language].vocabulary.answers["yes_no"][phrase]
            assert read_here == code or read_here != "no", (phrase, code, read_here)


def test_ten_thousand_characters_are_read_quickly_and_kept_as_a_story() -> None:
    assert heard("they are shouting again " * 420) == "story"
    assert heard("a" * 10_000) == "unclear"
    assert heard("1" * 10_000) == "unclear"
    assert heard("no " * 3_400) == "story"
    assert heard("he has a knife " + "and then " * 1_200) == "danger: weapon"
    assert heard("\u200b" * 10_000) == "nothing"


def test_a_danger_at_the_end_of_the_longest_text_a_phone_can_send_is_heard() -> None:
    # 1,600 characters: Twilio delivers no more
    assert heard("and then " * 170 + "he has a knife") == "danger: weapon"


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("hola", "es"),
        ("Hi", "en"),
        ("necesito ayuda", "es"),
        ("my brother is sick", "en"),
        ("español", "es"),
        ("1", None),
        ("", None),
        ("xyzzy", None),
        ("mi hermano está viendo cosas", "es"),
        ("hola hi", None),
    ],
)
def test_the_first_text_tells_the_language(said: str, language: str | None) -> None:
    assert guess(said, LANGUAGE_WORDS) == language


# ---- whatever is written -------------------------------------------------------------------------
def _every_word() -> list[str]:
    words: set[str] = set()
    for vocabulary in (lang.vocabulary for lang in LANGUAGE_WORDS.values()):
        for phrases in (
            vocabulary.commands,
            *vocabulary.answers.values(),
        ):
            words.update(word for phrase in phrases for word in phrase)
    return sorted(words)


WORD = st.sampled_from(_every_word())
ANYTHING = st.one_of(
    st.text(max_size=200),
    st.lists(WORD, max_size=8).map(" ".join),
    st.lists(st.one_of(WORD, st.text(max_size=6)), max_size=8).map(" ".join),
)
QUESTIONS = st.sampled_from((*PROGRAM.protocol.questions, None))
SPOKEN = st.sampled_from(LANGUAGES)
patient = settings(max_examples=250, derandomize=True, database=None)


@patient
@given(ANYTHING, QUESTIONS, SPOKEN, st.data())
def test_nothing_written_raises_and_nothing_is_answered_that_was_not_offered(
    said: str, question: Question | None, language: str, pick: st.DataObject
) -> None:
    offered = tuple(
        code for code in (OFFERED[question.id] if question else ()) if pick.draw(st.booleans())
    )
    reply = read(said, question, offered, LANGUAGE_WORDS[language]).reply

    assert not isinstance(reply, Answer) or reply.choice in (*offered, SKIPPED)
    assert not isinstance(reply, PlaceGiven) or (question is not None and question.kind == "place")


@patient
@given(
    ANYTHING,
    st.sampled_from([question for question in PROGRAM.protocol.questions if question.safety]),
    SPOKEN,
)
def test_no_comes_from_a_whole_message_that_says_no_and_from_nothing_else(
    said: str, question: Question, language: str
) -> None:
    vocabulary = LANGUAGE_WORDS[language].vocabulary
    if reading(said, question.id, language).reply != Answer("no"):
        return
    words = normal(said)
    plain = tuple(word for word in words if word not in vocabulary.polite) or words
    listed = {phrase for phrase, code in vocabulary.answers["yes_no"].items() if code == "no"}
    twos = {phrase for phrase, number in vocabulary.numbers.items() if number == 2}

    assert (
        words in listed
        or plain in listed | twos
        or (plain[0].isdecimal() and int(plain[0]) == 2 and plain[1:] in listed | {()})
    )


# Words that neither deny anything nor refer to the past: around a danger they must not hide it.
AROUND = st.lists(
    st.sampled_from(
        [
            "hello",
            "please",
            "hurry",
            "um",
            "the",
            "blue",
            "house",
            "so",
            "yeah",
            "ok",
            "well",
            "tengo",
            "casa",
        ]
    ),
    max_size=8,
).map(" ".join)
CORPUS = Path(__file__).parents[1] / "corpus"


@cache
def written_dangers() -> list[tuple[str, str]]:
    """Every third written danger that is heard as one, and its language."""
    return [
        (language, text)
        for language in LANGUAGES
        for line in (CORPUS / language / "danger_written.tsv")
        .read_text(encoding="utf-8")
        .splitlines()[::3]
        if isinstance(reading(text := line.partition("\t")[2], None, language).reply, Danger)
    ]


@patient
@given(AROUND, st.deferred(lambda: st.sampled_from(written_dangers())), AROUND, QUESTIONS)
def test_words_around_a_danger_never_hide_it(
    before: str, danger: tuple[str, str], after: str, question: Question | None
) -> None:
    language, text = danger
    # "he will kill me if i dont" is a threat only if the text ends there
    after = after if isinstance(reading(f"{text} tree", None, language).reply, Danger) else ""
    around = reading(
        f"{before} . {text} . {after}", question.id if question else None, language
    ).reply

    assert isinstance(around, (Danger, Command))


@patient
@given(AROUND, st.deferred(lambda: st.sampled_from(written_dangers())), AROUND)
def test_words_around_only_add_markers(before: str, danger: tuple[str, str], after: str) -> None:
    language, text = danger
    assert (
        reading(text, None, language).markers
        <= reading(f"{before} {text} {after}", None, language).markers
    )


@patient
@given(ANYTHING, SPOKEN)
def test_case_width_and_invisible_characters_change_nothing(said: str, language: str) -> None:
    plain = reading(said, "health", language)
    if said.casefold() == said.upper().casefold():
        assert reading(said.upper(), "health", language).reply == plain.reply
    assert reading(f"\u200b{said}\u2060", "health", language).reply == plain.reply


@patient
@given(st.text(max_size=12), st.text(max_size=12))
def test_one_slip_is_the_same_both_ways(a: str, b: str) -> None:
    assert one_slip(a, b) == one_slip(b, a)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "question",
    [question for question in PROGRAM.protocol.questions if question.safety],
    ids=lambda question: question.id,
)
def test_a_slip_of_the_thumb_is_never_read_as_no(question: Question, language: str) -> None:
    """Every answer word, with each letter left out, doubled, or swapped with its neighbour."""
    vocabulary = LANGUAGE_WORDS[language].vocabulary
    said_no = {phrase for phrase, code in vocabulary.answers["yes_no"].items() if code == "no"}
    for phrase in vocabulary.answers["yes_no"]:
        for at in range(len(phrase[0]) if len(phrase) == 1 else 0):
            word = phrase[0]
            for slip in (
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
            ):
                if normal(slip) not in said_no:
                    assert heard(slip, question.id, language) != "no", f"{word} written {slip}"


# ---- who wrote, who else reads, and what withdraws permission to contact -------------------------
OTHER_HANDS = (
    "i found this phone", "found this phone on the bus", "i picked up this phone",
    "i have her phone now", "this phone was found in a park", "stop texting my wife",
    "please stop texting my husband", "quit messaging my daughter", "stop texting him",
    "dont text my husband", "dont text my girlfriend", "do not write to my wife",
    "leave my wife alone", "encontre este telefono", "me encontre este celular",
    "halle este cel en la calle", "tengo su telefono ahora", "este celular no es mio",
    "deja de escribirle a mi esposa", "dejen de mandarle mensajes a mi hija",
    "no le escriban a mi esposa", "no textees a mi novia",
)  # fmt: skip
NOT_OTHER_HANDS = (
    "i found my phone", "i found her phone on the bridge", "i have her phone number",
    "i have his phone and his keys", "i am using my phone", "i need to stop texting him",
    "i told him to stop texting my wife", "dont text my mom", "encontre mi telefono",
    "tengo su telefono pero no contesta", "encontre un numero de telefono",
)  # fmt: skip


@pytest.mark.parametrize("said", OTHER_HANDS)
def test_somebody_else_at_this_phone_is_heard_and_takes_no_contact_back(said: str) -> None:
    """Rules 9, 10 and 25: somebody found the phone, or writes "stop texting my wife"."""
    assert heard(said, None) == f"?{Wish.OTHER_HANDS}"
    assert not reading(said, None).closing


@pytest.mark.parametrize("said", NOT_OTHER_HANDS)
def test_a_phone_or_a_text_that_is_told_of_is_no_other_hand(said: str) -> None:
    assert not reading(said, None).wishes & {Wish.OTHER_HANDS, Wish.SOMEONE_ELSE}


WATCHED = (
    "he is watching me", "hes watching me right now", "my husband is watching me",
    "stop please he is looking", "he is looking now", "do not respond", "dont answer",
    "please dont answer", "don't reply", "hes here dont respond", "me esta mirando",
    "el me esta viendo", "para por favor esta mirando", "no respondas", "no conteste",
    "no me contesten", "por favor no responda",
)  # fmt: skip
NOT_WATCHED = (
    "he is watching me from outside", "he is watching tv", "she is looking for me",
    "he is looking pale please hurry", "he is looking bad please", "they are watching me",
    "you dont answer", "why dont you answer", "my mom dont answer her phone",
    "dont answer the door", "he doesnt answer", "they dont respond",
    "perdon no conteste estaba dormida", "por eso no conteste", "mi hijo no contesta",
    "no responde", "el doctor me esta viendo", "la gente me esta mirando", "me esta mirando feo",
)  # fmt: skip


@pytest.mark.parametrize("said", WATCHED)
def test_after_words_that_somebody_looks_software_is_silent(said: str) -> None:
    """Rule 9. At the question `contact` these words are its answer."""
    assert heard(said, None) == "!watched"
    assert heard(said, "contact") == "unsafe"


@pytest.mark.parametrize("said", NOT_WATCHED)
def test_looks_and_answers_that_are_told_of_silence_nobody(said: str) -> None:
    assert Wish.WATCHED not in reading(said, None).wishes


TAKEN_BACK = {
    "dont text me": "text", "stop texting me": "text", "please stop writing": "text",
    "quit texting": "text", "dont text my moms phone": "text", "i said stop texting me": "text",
    "i told you dont text me": "text", "enough with the texts": "text", "no more texts": "text",
    "i told him about you dont text me": "text", "no me escriban": "text",
    "deja de escribirme": "text", "les dije que no me escriban": "text",
    "dont call me": "call", "dont call my phone": "call", "stop calling me": "call",
    "please don't call": "call", "deja de llamar": "call", "no llamadas": "call",
    "ya no llamadas": "call", "deja de marcarme": "call", "no me llamen": "call",
    "leave me alone": "call text", "dejenme en paz": "call text", "dont contact me": "call text",
    "he wont stop hitting me dont text me": "text",
    # mentions somebody else, but is meant for us
    "why dont you stop texting me": "text", "why do you keep texting me dont text me": "text",
    "please stop texting me why are you doing this": "text",
    "no me escriban por que me revisa": "text",
    "he told me to stop texting you": "text", "he said quit writing to you": "text",
    "she gets mad if i keep texting you": "text", "me dijo que no les escriba": "text",
    "quiere que deje de escribirles": "text",
}  # fmt: skip
KEPT_OPEN = (
    # about somebody else
    "he wont stop texting me", "i can't stop texting him", "she told me to stop writing",
    "i told him dont text me", "my mom said dont text me", "he keeps texting me",
    "my ex keeps calling me i told him to stop", "she never stops calling me",
    "he doesnt stop calling me", "how do i make him stop texting me",
    "i want him to stop calling me", "i told my ex not to text me", "he wont leave me alone",
    "the voices wont leave me alone", "i told him to leave me alone",
    "no idea why he keeps texting", "dont text him", "he only texts me", "i only text my mom",
    "le dije que no me escriba", "no deja de escribirme", "mi ex no para de llamarme",
    "me dijo que no le escriba", "le dije a mi ex que no me llame",
    "no puedo dejar de escribirle", "le grite dejame en paz", "no me deja en paz",
    # the opposite
    "please dont stop texting me", "please dont leave me alone",
    # a question, or something that did not happen
    "why did i not text you", "why did you not text me", "why dont you text me back",
    "why did you stop texting me", "how come you dont call me", "why dont you call me",
    "did you not text me", "i did not text you", "why cant i text you", "why didnt you call",
    "por que no me escriben", "por que no me escribes", "xq no me llaman",
    "por que dejaron de escribirme",
    # about calls to somebody else, or about name-calling
    "please don't call the police", "please dont call the cops", "dont call my mother",
    "dont call my mom please", "dont call cps", "dont call anyone", "no llamen a la policia",
    "no llamen a mi mama", "no llames a mi esposo", "stop calling me crazy",
    "please stop calling me a liar", "he keeps calling me names",
)  # fmt: skip


@pytest.mark.parametrize(("said", "ways"), TAKEN_BACK.items())
def test_contact_with_us_is_taken_back(said: str, ways: str) -> None:
    """Rule 10."""
    assert " ".join(sorted(reading(said, None).closing)) == ways


@pytest.mark.parametrize("said", KEPT_OPEN)
def test_contact_with_others_that_is_told_of_takes_none_back(said: str) -> None:
    assert not reading(said, None).closing


# ---- under 18 ------------------------------------------------------------------------------------
UNDER_18 = (
    "i am 15 years old", "i am only 15", "im fifteen", "im 15 and i am scared",
    "im 15 and took 12 pills", "i just turned sixteen", "i turn 16 next month", "ill be 17 in may",
    "im in middle school", "im in 8th grade", "im a 9th grader", "i go to high school",
    "i'm a minor", "im not even 18", "my daughter is fifteen", "my son is only nine",
    "my son 9 is missing", "my 9 year old son wants to die", "my 15yo brother",
    "my kids are 8 and 10", "hes just 12", "shes fourteen", "theres a 14 year old girl here",
    "my baby is 3 months", "my daughter is in 7th grade", "my brother is in middle school",
    "tengo 15", "tengo quince años", "tengo 14 años de edad", "voy a cumplir 16",
    "cumplo 16 el mes que viene", "soy menor", "voy en la secundaria", "estoy en octavo",
    "todavia no cumplo 18", "mi hijo tiene 9", "mi hija tiene quince", "mi hijo de nueve años",
    "mi hija de 12 años se quiere matar", "mis hijos tienen 8 y 10 años", "mi bebe tiene 9 meses",
    "mi hijo va a la primaria",
    # the way people write it
    "my sons 15", "my daughters 12", "my brothers 16", "our kids 9 and he is crying",
    "my little sisters 14", "my babys 2", "17 m", "17m", "16 f", "m 15", "f17", "15 male",
    "girl 14 alone", "im 17 m", "ella tiene 13", "el apenas tiene quince", "ella ya tiene 16 anos",
    "solo tiene 12",
)  # fmt: skip
NOT_UNDER_18 = (
    "15 years ago", "im 15 minutes away", "i am 15 blocks away", "my 15 year old car",
    "my 12 year old dog died", "i have 15 pills", "i was 15", "when i was fifteen he hurt me",
    "when i turned 16 i left", "im 15 years sober", "i am 12 weeks pregnant", "im 10 stories up",
    "im once again scared", "hes 6 2 and strong", "he is 10 minutes away",
    "my son is two blocks away", "my brother is at 15 main st", "i work at a middle school",
    "im in the high school parking lot", "my high school sweetheart",
    "i feel like im in high school", "my son is 25", "i am 45 years old", "im one of them",
    "tengo 15 minutos", "tengo quince dias sin dormir", "tengo 15 años casada",
    "tengo 12 años trabajando aqui", "tengo 12 pastillas en la mano", "tenia 15 años",
    "hace 15 años", "mi hijo tiene 3 hijos", "mi hijo tiene 9 dias sin comer",
    "my sons 30", "my sons 15 minutes late", "my daughters 2 dogs", "25 m", "wait 10 m", "15 m late",
    "he is in 15 m", "it is 12 m high", "ella tiene 30", "ella tiene 13 pastillas",
    "el tiene 15 minutos", "la casa tiene 12 cuartos", "mi perro tiene 13 anos",
    "mi hermano tiene 40", "voy a la secundaria a recoger a mi hijo", "cuando cumpli 15 me fui",
)  # fmt: skip


@pytest.mark.parametrize("said", UNDER_18)
def test_a_minor_is_known_by_any_words_for_their_age(said: str) -> None:
    """Rule 14."""
    assert "minor" in reading(said, None).markers


@pytest.mark.parametrize("said", NOT_UNDER_18)
def test_a_number_or_a_school_alone_makes_nobody_a_minor(said: str) -> None:
    assert "minor" not in reading(said, None).markers


def test_a_high_school_makes_nobody_high() -> None:
    assert "high" not in reading("i go to high school", None).markers
    assert "high" in reading("he is really high", None).markers


# ---- an officer or a call-taker with a case of their own ------------------------------------------
OFFICERS = (
    "officer diaz here with a man in crisis on main st, need a co responder",
    "Sgt Lee DPD requesting mobile crisis at 3rd and main",
    "deputy ramos with a woman in crisis at 5th and oak",
    "trooper hall on scene need a crisis team", "this is dispatch",
    "this is county dispatch we have a caller", "this is 911 dispatch", "this is EMS",
    "ems here with a patient", "medic 5 on scene need crisis team",
    "engine 12 requesting mobile crisis", "Aurora PD requesting a co responder",
    "this is officer miller", "I am a police officer with a case", "oficial Ruiz de la policia",
    "soy el oficial Ruiz", "habla el sargento Lopez",
    "aqui la oficial Perez con un hombre en crisis",
    "somos paramedicos necesitamos un equipo de crisis", "patrulla 14 solicita equipo movil",
    "central del 911 tengo una llamada",
)  # fmt: skip
NOT_OFFICERS = (
    "an officer hit me", "the officer told me to text you", "my dad is a cop",
    "an officer was here with a gun", "the officer said i need a crisis team",
    "my parole officer is here", "im running from the police", "im scared of the police",
    "im calling 911", "im in unit 5 need help", "a cop is here with my brother",
    "two officers are here", "i need mobile crisis", "un oficial me pego",
    "el oficial me dijo que les escriba", "mi papa es policia", "mi esposo es policia de denver",
    "tengo miedo de la policia", "la policia esta aqui con mi hermano",
    "necesito un equipo de crisis",
)  # fmt: skip


@pytest.mark.parametrize("said", OFFICERS)
def test_an_officer_or_call_taker_with_a_case_is_heard(said: str) -> None:
    """Rule 25."""
    assert Wish.OFFICER in reading(said, None).wishes


@pytest.mark.parametrize("said", NOT_OFFICERS)
def test_who_tells_of_an_officer_is_none(said: str) -> None:
    assert Wish.OFFICER not in reading(said, None).wishes


# ---- a threat with a condition is a threat -------------------------------------------------------
@pytest.mark.parametrize(
    "said",
    [
        "he will kill me if i dont stop", "he will kill me if i stop",
        "he will kill me if i dont leave", "hell kill me if i tell",
        "hes going to kill me if i dont do what he says", "my husband will kill me if i leave him",
        "my boyfriend says he will kill me if i talk to anyone",
        "she will kill us if we call the police", "me mata si no me voy", "me mata si hablo",
        "dice que me mata si no dejo de escribir", "me va a matar si no paro",
        "me pega si no me callo",
    ],
)  # fmt: skip
def test_a_threat_with_a_condition_is_heard(said: str) -> None:
    """Rule 7."""
    assert "violence" in dangers(said)


@pytest.mark.parametrize(
    "said",
    [
        "my mom will kill me if i dont clean my room", "my mom is gonna kill me if i fail",
        "my wife will kill me if i forget the milk", "my boss will kill me if i am late",
        "mi mama me mata si no paso", "mi esposa me mata si se me olvida la leche",
    ],
)  # fmt: skip
def test_a_joke_about_chores_is_no_threat(said: str) -> None:
    assert "violence" not in dangers(said)


# ---- killing oneself is not violence towards others -----------------------------------------------
HARM_TO_THEMSELVES = (
    "my sister cut her wrists", "my daughter cut her arms", "my brother slit his wrists",
    "my girlfriend is cutting her wrists", "my friend on snapchat says she cut her wrists",
    "she says she cut herself", "my son says he cut his arm",
    "my friend texted that she cut her wrists",
    "my brother is going to kill himself he has a knife",
    "my husband wants to kill himself and he has a gun",
    "my son says hes going to kill himself he got a gun",
    "she wants to kill herself she is holding a knife", "quiero dormir y no despertar",
    "ya no quiero despertar", "quisiera no despertar mañana", "mi hermana se corto las venas",
    "mi hermano se va a matar tiene un cuchillo", "mi esposo se quiere matar tiene una pistola",
    "mi hija dice que se corto los brazos",
)  # fmt: skip
VIOLENCE_TO_OTHERS = (
    "my brother is going to kill me he has a knife", "he cut my mom", "she wants to stab us",
    "he cut her wrists", "he cut her throat", "he is going to kill her he has a gun",
    "he says he will kill me and himself he has a gun",
    "he wants to kill himself and he has a gun pointed at me", "he says he will cut her",
    "he cut my arm with a knife", "im going to hurt him i have a knife",
    "i have a knife and ill hurt him", "mi hermano me va a matar tiene un cuchillo",
    "nos quiere apuñalar", "mi esposo me quiere matar y luego se quiere matar tiene una pistola",
    "se quiere matar y me apunta con la pistola",
)  # fmt: skip
FEARS_TO_HURT = (
    "my baby wont stop crying and im scared ill hurt her", "im scared ill hurt my baby",
    "i feel like im going to hurt my son", "tengo miedo de lastimar a mi bebe",
)  # fmt: skip
DO_NOT_WAKE = (
    "no puedo despertar a mi hermano", "no lo puedo despertar", "mi mama no despierta",
)  # fmt: skip


def dangers(said: str) -> set[str]:
    reply = reading(said, None).reply
    return set(reply.kinds) if isinstance(reply, Danger) else set()


@pytest.mark.parametrize("said", HARM_TO_THEMSELVES)
def test_harm_to_themselves_is_no_violence_and_no_sleep(said: str) -> None:
    """Rule 23. A weapon in their own hand is a category of its own (`own_weapon`)."""
    assert dangers(said) & {"suicide", "attempt"}
    assert not dangers(said) & {"violence", "abuse", "breathing"}
    assert "weapon" not in dangers(said) or "own_weapon" in dangers(said)


@pytest.mark.parametrize("said", VIOLENCE_TO_OTHERS)
def test_harm_to_others_stays_violence(said: str) -> None:
    assert dangers(said) & {"violence", "weapon"}
    assert "own_weapon" not in dangers(said) or "violence" in dangers(said)


@pytest.mark.parametrize("said", FEARS_TO_HURT)
def test_who_fears_to_hurt_somebody_holds_no_weapon(said: str) -> None:
    assert "violence" in dangers(said)
    assert not dangers(said) & {"weapon", "own_weapon"}


@pytest.mark.parametrize("said", DO_NOT_WAKE)
def test_who_does_not_wake_is_heard(said: str) -> None:
    assert "breathing" in dangers(said)


# ---- the same in other words ----------------------------------------------------------------------
WISHES_TO_DIE = (
    "im driving and i want to crash", "i want to crash my car",
    "i keep thinking about driving into a tree", "i want to drive off the bridge",
    "thinking of crashing my car on purpose", "im going to crash my car into a wall",
    "i feel like swerving into traffic", "voy a chocar mi carro a proposito",
    "quiero chocar mi carro", "estoy manejando y quiero chocar",
    "tengo ganas de estrellar el carro", "voy a estrellarme con la troca",
    "my son isnt answering and he said goodbye",
    "my daughter said goodbye and wont answer her phone",
    "he texted me goodbye and now hes not picking up",
    "she left a goodbye note and turned off her phone",
    "my friend said bye forever and isnt responding", "mi hijo no contesta y se despidio",
    "mi hermana me mando un mensaje de despedida y no contesta",
    "se despidio de todos y apago el celular", "mañana ya no voy a estar",
    "mañana ya no estare aqui", "por la mañana ya no voy a existir", "i wont be here tomorrow",
    "by tomorrow ill be gone for good",
)  # fmt: skip
ATTACKS = (
    "le esta dando un ataque", "le dio un ataque", "mi hijo esta teniendo un ataque epileptico",
    "le esta dando una convulsion", "le dan ataques y no para", "mi hermana esta convulsionando",
    "shes having a fit and wont stop", "he is having a seizure",
    "le esta dando un ataque al corazon",
)  # fmt: skip
ORDINARY = (
    "im driving and i want to eat", "the stock market is going to crash",
    "i crashed my car last year", "my laptop is about to crash", "i want to crash at your place",
    "im going to crash on the couch", "the party i want to crash",
    "le esta dando un ataque de risa", "me dio un ataque de tos", "casi me da un ataque del susto",
    "mi carro esta chocado", "choque mi carro ayer", "voy a chocar las manos",
    "my son isnt answering", "he said goodbye and left for work",
    "my boss isnt answering my emails", "mi hijo no contesta", "se despidio y se fue al trabajo",
    "mañana no voy a estar en la casa", "mañana no voy a trabajar",
    "mañana ya no voy a estar en la oficina", "i wont be here tomorrow for my appointment",
    "im scared im going to crash driving in the snow", "im driving and i dont want to crash",
    "no quiero chocar mi carro", "tengo miedo de chocar el carro",
    "she said goodbye at the airport and isnt answering",
    "se despidio en el aeropuerto y no contesta",
)  # fmt: skip


@pytest.mark.parametrize("said", WISHES_TO_DIE)
def test_a_crash_that_is_wished_and_a_goodbye_in_silence_are_danger(said: str) -> None:
    """Rule 7."""
    assert "suicide" in dangers(said)


@pytest.mark.parametrize("said", ATTACKS)
def test_an_attack_they_are_having_is_danger(said: str) -> None:
    assert "breathing" in dangers(said)


@pytest.mark.parametrize("said", ORDINARY)
def test_crashes_attacks_and_goodbyes_of_every_day_are_none(said: str) -> None:
    assert not dangers(said)


def test_a_code_word_in_front_hides_no_danger() -> None:
    """The code word proves who writes, but may also be part of the message."""
    found = read("knife he has in his hand", None, (), LANGUAGE_WORDS["en"], "knife")
    assert isinstance(found.reply, Danger) and found.verified


@pytest.mark.parametrize("word", ["no", "yes", "1", "stop", "help", "overdosed", "gun"])
def test_a_word_that_is_written_by_chance_is_no_code_word(word: str) -> None:
    assert read(f"code {word}", None, (), LANGUAGE_WORDS["en"]).reply == Command(CommandName.CODE)
    assert read("code bluebird", None, (), LANGUAGE_WORDS["en"]).reply == Command(
        CommandName.CODE, "bluebird"
    )


def wished(said: str) -> set[Wish]:
    return set(reading(said, None).wishes)


@pytest.mark.parametrize(
    "said",
    [
        "i dont know who to text i'm scared about my brother", "i dont know what to text",
        "im not sure who to message", "i cant remember who to text about this",
    ],
)  # fmt: skip
def test_who_does_not_know_whom_to_write_to_takes_no_texts_back(said: str) -> None:
    assert Wish.NO_TEXTS not in wished(said)


@pytest.mark.parametrize(
    "said",
    ["actually dont call only text", "please do not call only text", "dont call me only text me"],
)
def test_no_calls_but_texts_takes_back_calls_alone(said: str) -> None:
    assert Wish.ONLY_TEXTS in wished(said)
    assert not {Wish.NO_TEXTS, Wish.ONLY_CALLS, Wish.NO_CONTACT} & wished(said)


@pytest.mark.parametrize(
    "said",
    [
        "quit sending stuff to my phone he checks it", "stop sending me things my husband reads it",
        "stop texting my phone he looks at it", "dont send anything to my phone my dad checks my phone",
    ],
)  # fmt: skip
def test_texts_that_somebody_else_checks_close_calls_as_well(said: str) -> None:
    """Who reads the phone answers it, too."""
    assert Wish.OVERHEARD in wished(said)
    assert reading(said, None).reply == Withdrawal(frozenset({"text", "call"}))


@pytest.mark.parametrize(
    ("said", "wish"),
    [
        ("can you patch me to 911", Wish.EMERGENCY_FOR_ME),
        ("patch me through to 911", Wish.EMERGENCY_FOR_ME),
        ("can you transfer me to 911", Wish.EMERGENCY_FOR_ME),
        ("did you call 911", Wish.EMERGENCY), ("have you guys called an ambulance", Wish.EMERGENCY),
        ("patch me through to a person", Wish.PERSON), ("páseme con un ser humano", Wish.PERSON),
        ("comuníqueme con una persona", Wish.PERSON),
    ],
)  # fmt: skip
def test_whoever_asks_for_911_or_for_somebody_is_heard(said: str, wish: Wish) -> None:
    assert wish in wished(said)
