"""The texts: the same in every language, short enough for a message, plain enough to read, and safe
for others to see."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import chain, combinations
from pathlib import Path

import pytest
from conversation import CATALOG, LANGUAGE_WORDS, PROGRAM, Resident, fresh

import caller_service
from caller_service.core.effect import Ask, Say
from caller_service.core.protocol import SKIPPED
from caller_service.core.protocol_check import word_keys
from caller_service.core.reading import read
from caller_service.core.reply import Answer, Command, Danger
from caller_service.core.safe_contact import OTHERS_WORDS, STATUS_WORDS
from caller_service.core.vocabulary import normal
from caller_service.language.catalog import placeholders
from caller_service.language.segments import not_plain, segments
from caller_service.language.wording import PARTS, texts

LANGUAGES = PROGRAM.languages
KEYS = tuple(sorted(CATALOG.words["en"]))
PACKAGE = Path(caller_service.__file__).parent
# The longest values that the rehearsal city and its people put into the texts.
FILL = {
    "reference": "K7M4Q",
    "choice": "A team without police",
    "low": "20",
    "high": "30",
    "name": "Second dispatcher",
    "words": "We are at the door.",
    "number": "+17205550100",
    "times": "12",
    "count": "9",
    "minutes": "10",
    "line": "911, 988",
    "time": "12:05 PM",
    "word": "river",
    "code": "K7M4Q2",
    "names": "Second dispatcher, " * 10,
    "link": "https://fairhaven.example/p/ABCDEFGHJKLMNPQRSTUVWXYZ",
}
ON_PAGES = ("front.", "police.", "web.", "why.", "fallback.title")  # never sent as a text message
TEXTED = ("web.confirm.text",)  # except this one
# never texted either: test_spoken_words.py covers what is spoken

in_every_language = pytest.mark.parametrize("language", LANGUAGES)


# ---- the same in every language ------------------------------------------------------------------
@in_every_language
def test_every_language_has_the_same_sentences(language: str) -> None:
    assert tuple(sorted(CATALOG.words[language])) == KEYS


@in_every_language
@pytest.mark.parametrize("key", KEYS)
def test_a_sentence_has_words_and_names_the_same_things_in_every_language(
    key: str, language: str
) -> None:
    words = CATALOG.words[language][key]

    assert words.strip() == words != ""
    assert placeholders(words) == placeholders(CATALOG.words["en"][key])


@in_every_language
def test_the_numbers_that_save_a_life_are_the_same_in_every_language(language: str) -> None:
    for key in KEYS:
        named = [
            sorted(set(re.findall(r"\b(?:911|988|211|1-800-222-1222)\b", CATALOG.words[one][key])))
            for one in ("en", language)
        ]
        assert named[0] == named[1], key


# ---- every text that is used exists --------------------------------------------------------------
def _literals(tree: ast.AST) -> Iterator[str]:
    """The keys in `Say("...")` and `Say("..." if ... else "...")`. Keys that are composed are
    listed below."""
    for call in ast.walk(tree):
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == "Say"
            and call.args
        ):
            yield from _values(call.args[0])


def _values(whole: ast.expr) -> Iterator[str]:
    if isinstance(whole, ast.Constant) and isinstance(whole.value, str):
        yield whole.value
    elif isinstance(whole, ast.IfExp):
        yield from _values(whole.body)
        yield from _values(whole.orelse)


@cache
def said_by_code() -> frozenset[str]:
    found = set(
        chain.from_iterable(
            _literals(ast.parse(path.read_text(encoding="utf-8"))) for path in PACKAGE.rglob("*.py")
        )
    )
    spelled = {f"blocked.{reason}" for reason in ("out_of_area", "closed", "no_capacity")}
    status = (
        set(STATUS_WORDS.values())
        | set(OTHERS_WORDS.values())
        | {
            f"status.{each}"
            for each in (
                "accepted_time",
                "accepted_hours",
                "assigned_time",
                "assigned_hours",
                "en_route_time",
                "en_route_hours",
                "other.received_time",
                "other.received_hours",
                "late_time",
                "late_hours",
            )
        }
    )
    return frozenset(found | spelled | status | {"again.human", "still_here"})


@in_every_language
def test_every_key_the_protocol_asks_for_has_words(language: str) -> None:
    needed = word_keys(PROGRAM.protocol)

    assert [key for key in needed if not CATALOG.has(language, key)] == []


@in_every_language
def test_every_key_the_code_says_has_words(language: str) -> None:
    assert len(said_by_code()) > 50
    assert [key for key in said_by_code() if not CATALOG.has(language, key)] == []


# ---- short enough, plain enough ------------------------------------------------------------------
def _asks() -> list[Ask]:
    """Every question in every wording, with every set of choices that can be offered."""
    asks = []
    for question in PROGRAM.protocol.questions:
        always = [choice.code for choice in question.choices if not choice.when.alternatives]
        at_times = [choice.code for choice in question.choices if choice.when.alternatives]
        for some in chain.from_iterable(
            combinations(at_times, size) for size in range(len(at_times) + 1)
        ):
            offered = tuple(
                choice.code
                for choice in question.choices
                if choice.code in always or choice.code in some
            )
            # the choice, by name
            named = (
                {"choice": "=choice.if_none.counselor"} if question.id == "if_none_still" else {}
            )
            variants = ("me", "they", "person") if question.by_who else ("",)
            deaf = any(choice.deaf for choice in question.choices)
            asks += [
                Ask(question.id, variant, offered, deaf=each, fill=named)
                for variant in variants
                for each in {False, deaf}
            ]
    return asks


@in_every_language
@pytest.mark.parametrize(
    "ask",
    _asks(),
    ids=lambda ask: f"{ask.question}-{ask.variant}-{len(ask.choices)}{'-deaf' * ask.deaf}",
)
def test_a_question_with_its_choices_is_one_message_of_two_parts_at_most(
    ask: Ask, language: str
) -> None:
    (message,) = texts((ask,), fresh(language), PROGRAM, CATALOG)

    assert segments(message.text) <= PARTS, f"{segments(message.text)} parts: {message.text}"


@in_every_language
@pytest.mark.parametrize(
    "key",
    [
        key
        for key in KEYS
        if not key.startswith((*ON_PAGES, "ask.", "choice.", "spoken.")) or key in TEXTED
    ],
)
def test_a_sentence_is_two_parts_at_most(key: str, language: str) -> None:
    fill = {name: FILL[name] for name in placeholders(CATALOG.words[language][key]) & FILL.keys()}
    (message,) = texts((Say(key, fill),), fresh(language), PROGRAM, CATALOG)

    assert segments(message.text) <= PARTS, f"{segments(message.text)} parts: {message.text}"


@in_every_language
def test_no_smart_quotes_no_long_dashes_no_emoji(language: str) -> None:
    assert {key: found for key in KEYS if (found := not_plain(CATALOG.words[language][key]))} == {}


def _syllables(word: str) -> int:
    """Approximate: groups of vowels, without a silent e at the end."""
    word = re.sub("^some(?=.)", "som", word.lower())
    groups = len(re.findall(r"[aeiouy]+", word))
    silent = word.endswith(("e", "es", "ed")) and not word.endswith(
        ("le", "ted", "ded", "ses", "ces", "ges", "zes", "ee")
    )
    return max(1, groups - (1 if silent and groups > 1 else 0))


def grade(text: str) -> float:
    """Flesch-Kincaid grade of English. Numbers, links and filled-in values do not count, and a
    colon ends a sentence, too."""
    text = re.sub(r"\{\w+\}|\S+\.\S+/\S+|[\d-]{2,}|\b\d\b", " ", text)
    sentences = [part for part in re.split(r"[.!?:;\n]+", text) if re.search(r"[A-Za-z]", part)]
    words = re.findall(r"[A-Za-z']+", text)
    if not words:
        return 0.0
    return (
        0.39 * len(words) / len(sentences) + 11.8 * sum(map(_syllables, words)) / len(words) - 15.59
    )


def test_the_reading_grade_counts_as_it_should() -> None:
    assert grade("The cat sat on the mat.") < 1
    assert grade("Organizational accountability necessitates interdisciplinary collaboration.") > 20
    assert [
        _syllables(word)
        for word in ("help", "people", "counselor", "asked", "something", "emergency")
    ] == [1, 2, 3, 1, 2, 4]


@pytest.mark.parametrize(
    "ask",
    _asks(),
    ids=lambda ask: f"{ask.question}-{ask.variant}-{len(ask.choices)}{'-deaf' * ask.deaf}",
)
def test_a_question_with_its_choices_can_be_read_after_six_years_of_school(ask: Ask) -> None:
    """Graded as it is sent. The formula is made for longer passages and says little about one short
    sentence (see the next test)."""
    (message,) = texts((ask,), fresh(), PROGRAM, CATALOG)

    assert grade(message.text) <= 6, message.text


def test_all_questions_read_as_one_passage_need_six_years_of_school() -> None:
    assert grade(" ".join(CATALOG.words["en"][key] for key in KEYS if key.startswith("ask."))) <= 6


@pytest.mark.parametrize(
    "key",
    [
        key
        for key in KEYS
        if not key.startswith(("ask.", "choice.", "why.", "spoken."))
        and len(CATALOG.words["en"][key].split()) > 4
    ],
)
def test_every_other_sentence_can_be_read_after_eight(key: str) -> None:
    assert grade(CATALOG.words["en"][key]) <= 8, CATALOG.words["en"][key]


# ---- safe to say ---------------------------------------------------------------------------------
RESERVED = (
    "STOP",
    "UNSUBSCRIBE",
    "END",
    "QUIT",
    "STOPALL",
    "REVOKE",
    "OPTOUT",
    "CANCEL",
    "START",
    "YES",
    "UNSTOP",
    "HELP",
    "INFO",
)
RESERVED_ES = (
    "ALTO",
    "PARAR",
    "CANCELAR",
    "DETENER",
    "BAJA",
    "BASTA",
    "TERMINAR",
    "SALIR",
    "FIN",
    "INICIO",
    "COMENZAR",
)
EXCEPTIONS = {
    (
        "choice.yes",
        "YES",
    ): "the label beside its number; what is typed is the number, and a typed yes only opts in, and reaches us",
    ("stop.confirmed", "START"): "says how to undo the opt-out: its own function",
    ("stop.words", "START"): "the same, where no carrier stands between",
    ("stop.confirmed", "STOP"): "confirms the opt-out: its own function",
    ("help", "STOP"): "HELP must say how to opt out: its own function",
    ("help", "ALTO"): "the same in Spanish",
}


@in_every_language
def test_no_answer_is_a_word_that_carriers_act_on(language: str) -> None:
    reserved = {normal(word) for word in (*RESERVED, *RESERVED_ES)}
    labels = [
        key
        for key in KEYS
        if key.startswith("choice.") and normal(CATALOG.words[language][key]) in reserved
    ]

    assert [
        key for key in labels if (key, CATALOG.words[language][key].upper()) not in EXCEPTIONS
    ] == []


@in_every_language
def test_no_instruction_of_ours_is_a_word_that_carriers_act_on(language: str) -> None:
    """What we write in capitals is what people are asked to type."""
    found = {
        (key, word)
        for key in KEYS
        for word in re.findall(r"\b[A-ZÁÉÍÓÚÑ]{3,}\b", CATALOG.words[language][key])
        if word in (*RESERVED, *RESERVED_ES)
    }

    assert found - EXCEPTIONS.keys() == set()


@in_every_language
def test_no_command_of_ours_is_a_word_that_carriers_act_on_unless_it_means_the_same(
    language: str,
) -> None:
    meant = {
        "STOP": "stop",
        "UNSUBSCRIBE": "stop",
        "END": "stop",
        "QUIT": "stop",
        "STOPALL": "stop",
        "REVOKE": "stop",
        "OPTOUT": "stop",
    }
    meant |= {"CANCEL": "stop", "START": "start", "UNSTOP": "start", "HELP": "help", "INFO": "help"}

    read_as = {
        word: LANGUAGE_WORDS[language].vocabulary.commands.get(normal(word), "")
        for word in RESERVED
        if word != "YES"
    }
    assert read_as == meant


COMMANDS = {
    "STATUS": "status", "WORSE": "worse", "QUIET": "quiet", "CLOSE": "cancel", "CHANGE": "change",
    "CAMBIAR": "change", "ESPANOL": "language", "ENGLISH": "language", "ESTADO": "status",
    "PEOR": "worse", "SILENCIO": "quiet", "CERRAR": "cancel", "STOP": "stop", "ALTO": "stop",
    "START": "start", "HELLO": "", "HOLA": "",
}  # fmt: skip
NAMES = {
    "ASL",
    "AYUDA",
    "SKIP",
    "SALTAR",
    "ICE",
}  # AYUDA is texted to 988; SKIP is an answer, see below


def test_the_word_for_skipping_skips_the_place() -> None:
    where = PROGRAM.protocol.question("where")

    for spoken in LANGUAGES:
        assert [
            read(word, where, (), LANGUAGE_WORDS[spoken]).reply for word in ("SKIP", "SALTAR")
        ] == [Answer(SKIPPED)] * 2


@in_every_language
def test_every_word_we_tell_people_to_type_is_read_as_what_we_say(language: str) -> None:
    # core/page_answer.py reads what staff write
    theirs = [key for key in KEYS if not key.startswith(("page.", "alert.", "terms."))]
    told = {
        word
        for key in theirs
        for word in re.findall(r"\b[A-ZÁÉÍÓÚÑ]{3,}\b", CATALOG.words[language][key])
    } - NAMES
    assert told <= COMMANDS.keys()

    for spoken in LANGUAGES:
        for word in told:
            for question in (*PROGRAM.protocol.questions, None):
                reply = read(
                    word,
                    question,
                    tuple(choice.code for choice in question.choices) if question else (),
                    LANGUAGE_WORDS[spoken],
                ).reply
                if COMMANDS[word]:
                    assert isinstance(reply, Command) and reply.name == COMMANDS[word], (
                        word,
                        question,
                    )
                else:
                    assert not isinstance(reply, (Command, Danger)), (word, question)


SENSITIVE = re.compile(
    r"\b(?:mental|health|crisis|suicid|kill|drug|pill|drunk|overdos|police|weapon|gun|hospital|clinic|shelter|street|avenue|psych|therap|abuse|violen|"
    r"salud|droga|pastilla|borrach|polic|arma|pistola|hospital|cl[ií]nica|refugio|calle|avenida|psic|terap|abuso|matar|911|988)",
    re.IGNORECASE,
)


@in_every_language
def test_an_update_on_a_shared_phone_tells_nothing(language: str) -> None:
    """Updates are sent unasked, so they never mention mental health, drugs, suicide, police or a
    place. Replies may name 911."""
    updates = [
        key for key in KEYS if key.startswith(("status.", "update_call.")) and key != "status.none"
    ] + ["still_here"]

    assert [key for key in updates if SENSITIVE.search(CATALOG.words[language][key])] == []
    assert [
        key
        for key in updates
        if placeholders(CATALOG.words[language][key]) - {"low", "high", "program"}
    ] == []


@in_every_language
def test_a_call_for_a_lost_text_has_words_for_wherever_the_case_stands(language: str) -> None:
    stands = {
        key.replace("status.", "update_call.", 1)
        for key in {*STATUS_WORDS.values(), *OTHERS_WORDS.values()}
    }

    assert stands <= set(KEYS)


@in_every_language
def test_no_sentence_promises_what_software_cannot_keep(language: str) -> None:
    spoken = " ".join(CATALOG.words[language].values()).lower()

    for promise in (
        "we will send the police",
        "enviaremos a la polic",
        "we promise",
        "le prometemos",
        "guarantee",
        "garantiz",
    ):
        assert promise not in spoken


@in_every_language
def test_no_level_is_ever_told(language: str) -> None:
    assert [
        key
        for key in KEYS
        if re.search(r"\bR[1-6]\b|\blevel\b|\bnivel\b", CATALOG.words[language][key], re.IGNORECASE)
    ] == []


@in_every_language
def test_the_preamble_says_what_was_promised_before_question_one(language: str) -> None:
    first = Resident(language).texts("hola" if language == "es" else "hi")
    said = " ".join(message.text for message in first.heard)

    assert all(part in said for part in (PROGRAM.name, "911", "988", "0", PROGRAM.police_link))
    assert all(
        said.index(part) < said.index("\n1 ") for part in (PROGRAM.name, "988", PROGRAM.police_link)
    )


@in_every_language
def test_the_words_of_every_end_say_what_comes_next(language: str) -> None:
    for key in [
        key
        for key in KEYS
        if key.startswith(("end.", "contingency.", "cancel.", "fallback", "truth.", "reached."))
    ]:
        assert re.search(r"911|988|211|\b0\b|\{reference\}", CATALOG.words[language][key]), key


# ---- if the operator, or those who read the texts, are law enforcement (rule 22) -----------------
LAW_ENFORCEMENT = replace(PROGRAM, law_enforcement=True)
NOT_POLICE = {
    "en": ("not police",),
    "es": ("no es policía", "no es policia", "no somos la policía", "no somos la policia"),
}


@in_every_language
@pytest.mark.parametrize("key", ["preamble", "help"])
def test_not_police_is_said_only_where_it_is_true(key: str, language: str) -> None:
    (plain,) = texts((Say(key),), fresh(language), PROGRAM, CATALOG)
    (lawful,) = texts((Say(key),), fresh(language), LAW_ENFORCEMENT, CATALOG)

    assert any(words in plain.text.lower() for words in NOT_POLICE[language])
    assert not any(words in lawful.text.lower() for words in NOT_POLICE[language])
    assert segments(lawful.text) <= PARTS, f"{segments(lawful.text)} parts: {lawful.text}"


@in_every_language
def test_asked_whether_this_is_police_the_answer_is_true(language: str) -> None:
    asked = {"en": "are you police", "es": "son policias"}[language]
    first = {"en": "hi", "es": "hola"}[language]

    Resident(program=LAW_ENFORCEMENT).texts(first).texts(asked).hears_of(
        "faq.police.law_enforcement"
    )
    Resident().texts(first).texts(asked).hears_of("faq.police")


@in_every_language
def test_no_sentence_but_one_says_not_police_by_itself(language: str) -> None:
    saying = {
        key
        for key in KEYS
        if any(words in CATALOG.words[language][key].lower() for words in NOT_POLICE[language])
    }

    assert saying <= {"not_police.us", "faq.police", "web.faq.police", "spoken.faq.police"}
