"""What a paged person texts back: clear words or a time take a case, a refusal passes it on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from running import TWILIO_WAITS

from caller_service.core import page_answer
from caller_service.core.page_answer import Act, Ambiguous, Answer, Passes, Says, Unclear
from caller_service.core.staff_words import StaffTable, StaffWords, Takes, pattern
from caller_service.language.shared_words import read_staff_words


def read_answer(rest: str) -> Answer:
    return page_answer.read_answer(rest, read_staff_words())


TAKEN = """
ok|OK|Ok.|okay|k|kk|K!|copy|Copy that|10-4|10-4.|ten four|roger|roger that|omw|OMW!!|otw|
on my way|On my way.|I'm on my way|on it|I'm on it|got it|I got it|got this|I’ve got this|mine|
it's mine|i'll take it|I’ll take it|ill take it|i take|I take it|i take this|take it|taking|
taking it|taking this one|yes|Yes!|yesss|yep|yeah|y|Y|sure|accept|accepted|I accept|en route|
enroute|En-route|responding|headed there|heading there now|will do|sure thing|yes please|
ok thanks|ok, on my way now|yes i'll take it|yes to|on my way to|taking case|sorry, on my way|
hi, i got it|hey on it|omw, thanks 🙏|ok 🚑|yes on my way|i can go|leaving now|no problem|
No problem!|no worries i got it|not a problem on my way|no prob omw|np on it|
no problem, on my way 👍|sí|Sí|si|Si, voy|voy|Voy.|voy en camino|ya voy|Ya voy, gracias|yo|yo voy|
yo lo tomo|lo tomo|acepto|acepto el caso|claro|claro que sí|en camino|estoy en camino|
sí, yo lo tomo|vale|no hay problema|sin problema, voy|yo me encargo|👍|👍🏽|👍🏿👍🏿|✅|🙋|
🙋‍♀️|🙋🏻‍♂️|
👌|👌🏼|ok 👍|👍 on my way|✅ voy
"""

PASSED = """
no|No.|NO!!|nooo|nope|n|N|nah|can't|can’t|cant|Cannot|i can't|I can’t take it|can't make it|
cant do it|not me|not available|I'm not available|unavailable|Unavailable tonight|busy|i'm busy|
too busy|off duty|I am off duty|off shift|on another call|already on another call|
i'm with a patient|with a patient|pass|Pass.|i'll pass|pass on this one|sorry no|sorry, no|
no sorry|sorry can't|not today|not now|ask someone else|please ask someone else|next|next please|
decline|declined|I decline|reject|rejected|no thanks|won't|I won't|no can do|negative|no no no|
no, not me|not mine|tied up|someone else please|no im at the hospital|No, I'm at the hospital|
cant, driving|can't, driving|can't I'm driving|no driving|no, at work|no at work|no - kids sick|
busy, in surgery|busy until 7|busy for 20 min|can't until 8pm|off duty since 6|
pass, not feeling well|unavailable until tomorrow morning because of my surgery|
sorry can't do it i'm at the hospital with my daughter|driving, can't|at work, can't|
im sick cant make it|estoy manejando, no puedo|responding to another call|
no, on my way to another call|no 🤷|no 😢|no 🙏|no puedo|No puedo.|no puedo ir|yo no puedo|
no puedo, estoy manejando|ocupado|ocupada|estoy ocupada|paso|yo paso|ahora no|estoy fuera|
estoy fuera de turno|no estoy disponible|no voy|no gracias|lo siento, no puedo|
no, estoy con un paciente|pregunte a otra persona|siguiente|hoy no|claro que no|yo no|
no estoy en el trabajo|👎|👎🏾|❌|🚫|✋|✋🏽|🙅|🙅‍♀️|🙅🏻‍♂️|❌❌|no ❌
"""

ASKED_BACK = """
?|??|¿?|...|…|!!|?!|--|,,,|🤷|🤷‍♀️|🤷🏽‍♂️|❓|❔|⁉️|🚑|😂|🙏|❤️|🫡|what|What?|what??|who is this|
Who is this?|who's this|Who’s this?|who dis|huh|Huh?|who?|what is it|what is it?|what's this|
address?|Address?|eta?|why|why me|where|which one|how?|mine?|ok?|yes?|no?|20?|can't?|👍?|
15-10|12/25|24/7|10-7|10-33|
20 min Sent from my iPhone no|in 20?|yes / no?|y/n|yes/no|ok no|no ok|yes no|no yes|yes, no|👍👎|
👍❌|no 👍|no i got it|no i'll take it|no wait i got it|no 20|busy, 20 min|n 20|👎 20|ok 🤷|yes 🤷|
yes who is this|ok what|can't wait|cant wait!|no worries|no idea|idk|i don't know|not sure|maybe|
not yet|no way|hello?|on my way?|be there in 10?|0|00|2500|9999|2460|80202|20 45|1840 20|6pm 7pm|
1.5|#4|$20|20/25/30|20 min 6pm|qué|¿Qué?|quién|¿Quién es?|quién es|¿dónde?|qué es esto|cuál|
no sé|no entiendo|tal vez|quizás|a lo mejor|sí y no|sí, no|¿sí?|no voy, ya voy|dirección?
"""

REACTIONS = """
Liked “Fairhaven:  needs a person…”|Liked "Fairhaven:  needs a person"|
Loved “Fairhaven:  needs a person now. Reply ok”|Loved an image|Liked a photo|
Emphasized “Fairhaven: ”|Questioned “Fairhaven: ”|Disliked “Fairhaven: ”|Disliked an image|
Laughed at “Fairhaven: ”|👍 to “Fairhaven:  needs a person…”|👍🏽 to “Fairhaven: ”|
\u200b👍\u200b to “\u200aFairhaven: \u200a”|👎 to “Fairhaven: ”|❤️ to “ ”|
Reacted 😂 to “Fairhaven: ”|Reacted 👍 to "Fairhaven: "|Removed a like from “Fairhaven: ”|
Removed a heart from “ ”|Le gustó “Fairhaven: ”|No le gustó “Fairhaven: ”|
Le encantó “Fairhaven: ”|Se rió de “Fairhaven: ”|Destacó “Fairhaven: ”|Cuestionó “Fairhaven: ”|
Reaccionó con 👍 a “Fairhaven: ”|Preguntó sobre “Fairhaven: ”|Loved your message|👍 a “Fairhaven: ”|LIKED “ok”|
Loved “Fairhaven: \nneeds a person\nSent from my iPhone
"""

TIMES: dict[str, Takes] = {
    **{
        said: Takes(minutes=minutes)
        for minutes, all_said in {
            1: "1|1 min|in 1 minute",
            5: "5|five min|cinco minutos",
            10: "omw 10|be there in 10|I'll be there in 10|I can be there in 10 min|10 out|"
            "diez minutos|"
            "llego en 10|voy, 10 min|voy en 10|10-4, 10 min|on my way be there in 10 min",
            15: "eta 15|ETA: 15 min|ETA 15min|eta is 15|15 out|15 min out|10-15 min|10-15|"
            "10–15 min|"
            "10 to 15 min|10 or 15 minutes|15 min away|quince minutos|15 👍|un cuarto de hora",
            20: "20|20.|20m|20 min|20min|20 mins|20 min.|20 minutes|in 20|In 20 minutes|"
            "i take   20|"
            "yes 20|ok, 20 min|20 ok|20 yes|twenty minutes|about 20|around 20 min|~20 min|"
            "20 minutos|en 20|en 20 minutos|sí, en 20|dentro de 20 minutos|no problem 20 "
            "min|2️⃣0️⃣|"
            "i'll take it, be there in 20|20 min\nSent from my iPhone|20 omw|20, on my way|20 🚗",
            30: "half an hour|in half an hour|half hour|1/2 hour|½ hour|0.5h|media hora|"
            "en media hora|30 min|yes, half an hour|treinta minutos",
            60: "an hour|in an hour|one hour|1h|1 hr|una hora|en una hora|60 min|yes in an hour",
            80: "1 hour 20 min|1h20|1h 20m|1 hr and 20 min|in 1 hr 20",
            90: "hour and a half|an hour and a half|be there in an hour and a half|1.5h|1.5 hours|"
            "1,5 horas|1½ hours|1 1/2 hours|90 min|una hora y media|hora y media|"
            "1 and a half hours",
            120: "2 hours|2h|2hrs|in 2 hrs|two hours|2 horas|en 2 horas|yes but in 2 hours|"
            "Yes, but in 2 hours|sí pero en 2 horas|1-2 hours|an hour or two|a couple of hours",
            630: "630",
            900: "900|15 hours",
            1200: "20 hours",
        }.items()
        for said in all_said.split("|")
    },
    **{
        said: Takes(at=at)
        for at, all_said in {
            (18, 0): "6pm|6 pm|6 PM|6 p.m.|6p|6 pm ok|ok 6pm|at 6pm|by 6 pm|around 6pm|18:00|"
            "a las 6 de la tarde|6 de la tarde|be there at 6pm|at 6 tonight|at 18|a las 18h|1800",
            (18, 40): "6:40 pm|6:40pm|at 18:40|18:40|1840|at 1840|by 1840|640pm|at 6:40 p.m.|"
            "a las 18:40|1840 hrs|yes 1840|at 18.40|ETA 18:40|llego a las 18:40",
            (6, 30): "0630|06:30|at 0630|6:30am|6:30 a.m.|half past 6 am",
            (6, 0): "6am|6 am|6 a.m.|06:00|at 06|6 de la mañana|a las 6 am",
            (0, 0): "0000|12am|12 am|midnight|medianoche|12 at night",
            (12, 0): "12pm|noon|at noon|mediodía|al mediodía",
            (12, 30): "12:30 pm|at 12:30pm",
            (0, 30): "0:30|00:30|12:30am",
            (18, 45): "quarter to 7 pm",
            (23, 59): "2359|23:59|11:59 pm",
        }.items()
        for said in all_said.split("|")
    },
    **{
        said: Takes(at=at, either=True)
        for at, all_said in {
            (6, 0): "at 6|a las 6|At 6.|by 6|ok at 6|6 o'clock|at 6 ok|sí, a las 6|voy a las 6",
            (7, 0): "by 7|at 7|a las 7|be there by 7",
            (6, 40): "6:40|at 6:40|a las 6:40|by 6:40|around 6:40",
            (6, 45): "quarter to 7|a quarter to 7|cuarto para las 7|7 menos cuarto",
            (6, 30): "half past 6|6 y media|a las 6 y media|at 630",
            (12, 45): "quarter to 1",
            (12, 0): "at 12|12:00",
            (1, 0): "a la 1",
            (8, 0): "para las 8|be there at 8|at about 8|around 8 o'clock",
        }.items()
        for said in all_said.split("|")
    },
}

ACTS = {
    "PAUSE": Act("pause"),
    "pause": Act("pause"),
    "  Pause.": Act("pause"),
    ": PAUSE": Act("pause"),
    "Pause?": Act("pause"),
    "PAUSE he is calm now": Act("pause", "he is calm now"),
    "TAKE OVER": Act("take_over"),
    "takeover": Act("take_over"),
    "Take-over": Act("take_over"),
    "take  over!": Act("take_over"),
    "TAKE OVER\nSent from my iPhone": Act("take_over"),
    "GIVE BACK": Act("release"),
    "give back, my shift ends": Act("release", "my shift ends"),
    "giveback": Act("release"),
    "RELEASE": Act("release"),
    "Release.": Act("release"),
    "HAND BACK": Act("release"),
    "hand-back": Act("release"),
    "HAND TO Ana Ruiz": Act("hand_over", "Ana Ruiz"),
    "hand to: Ana": Act("hand_over", "Ana"),
    "Hand over to José": Act("hand_over", "José"),
    "handover to Ana.": Act("hand_over", "Ana."),
    "HAND   OVER   TO   Ana   Ruiz": Act("hand_over", "Ana Ruiz"),
    "hand over to": Act("hand_over"),
    "hand over": Act("hand_over"),
    "LOOKED": Act("looked"),
    "looked, she is 16": Act("looked", "she is 16"),
    "LOWER no weapon after all": Act("lower", "no weapon after all"),
    "lower: she is safe now": Act("lower", "she is safe now"),
    "Lower": Act("lower"),
    "LIFT he has left": Act("lift", "he has left"),
    "Lift: he has left. Sent from my iPhone": Act("lift", "he has left."),
    "LIFT": Act("lift"),
}

SAID = {
    "on my way, tell him to sit down": "on my way, tell him to sit down",
    "tell him to sit down": "tell him to sit down",
    "is   mine 3": "is mine 3",
    "wrong number": "wrong number",
    "sorry asleep": "sorry asleep",
    "sorry": "sorry",
    "thanks": "thanks",
    "  which door do I come to?": "which door do I come to?",
    "Are you safe?": "Are you safe?",
    "I am at the blue door": "I am at the blue door",
    ", I am outside": "I am outside",
    "Stay inside\nSent from my iPhone": "Stay inside",
    "Stay inside. Sent from my iPhone": "Stay inside.",
    "Are you safe? Get Outlook for Android": "Are you safe?",
    "sent from my job to the hospital": "sent from my job to the hospital",
    "Liked it": "Liked it",
    'He "liked" me': 'He "liked" me',
    "No, stay where you are": "No, stay where you are",
    "no don't go outside": "no don't go outside",
    "No, stay inside": "No, stay inside",
    "no one is there": "no one is there",
    "no police": "no police",
    "no weapons here": "no weapons here",
    "no tengas miedo": "no tengas miedo",
    "no answer at the door": "no answer at the door",
    "next door neighbor has a key": "next door neighbor has a key",
    "can't find the door": "can't find the door",
    "can't find your house": "can't find your house",
    "pass the keys": "pass the keys",
    "sure why not him": "sure why not him",
    "got it wrong": "got it wrong",
    "yes maybe later today": "yes maybe later today",
    "tomorrow 6pm": "tomorrow 6pm",
    "ok but is it far": "ok but is it far",
    "y tú": "y tú",
    "not on my side": "not on my side",
    "you can't": "you can't",
    "he said no": "he said no",
    "he says he can't": "he says he can't",
    "the door can't open": "the door can't open",
    "10 to 7": "10 to 7",
    "yes I am": "yes I am",
    "am": "am",
    "4a": "4a",
    "driving now": "driving now",
    "going out": "going out",
    "half an hour ago": "half an hour ago",
    "Amin": "Amin",
    "sorry im driving": "sorry im driving",
    "taking kids to school": "taking kids to school",
    "paused": "paused",
    "lifted": "lifted",
    "handy": "handy",
    "18 mg": "18 mg",
    "20 people": "20 people",
    "around 7": "around 7",
    "no yo creo que quédese en su casa por favor": "no yo creo que quédese en su casa por favor",
    "Espere en la puerta": "Espere en la puerta",
    "voy a llegar con una doctora": "voy a llegar con una doctora",
    "我在路上": "我在路上",
    "Sit down, breathe. I come in a few minutes.": "Sit down, breathe. I come in a few minutes.",
}

SIGNATURES = (
    "Sent from my iPhone",
    "Sent from my iPad",
    "Sent from my T-Mobile 5G Device",
    "Sent from my Verizon, Samsung Galaxy smartphone",
    "Sent from my Galaxy S23 Ultra",
    "Sent from Yahoo Mail for iPhone",
    "Get Outlook for Android",
    "Get Outlook for iOS",
    "Enviado desde mi iPhone",
    "Enviado desde mi Samsung Galaxy",
    "sent from my iphone.",
    "sent from my phone",
    "Mandado desde mi celular",
    "Enviado con mi iPhone",
    "Sent from ProtonMail secure email",
)


def each(lines: str) -> list[str]:
    return [said for said in lines.replace("|\n", "|").strip("\n").split("|") if said]


@pytest.mark.parametrize(
    "rest", ["", " ", "\n", ".", " . ", "!", ",", ":", "#", "()", "“”", "\u200b", *each(TAKEN)]
)
def test_clear_words_or_the_code_alone_take_it(rest: str) -> None:
    assert read_answer(rest) == Takes()


@pytest.mark.parametrize("rest", each(PASSED))
def test_a_refusal_passes_it_on(rest: str) -> None:
    assert read_answer(rest) == Passes()


@pytest.mark.parametrize("rest", [*each(ASKED_BACK), *each(REACTIONS)])
def test_what_means_nothing_or_both_is_asked_back(rest: str) -> None:
    assert read_answer(rest) == Unclear()


@pytest.mark.parametrize(("rest", "takes"), TIMES.items())
def test_a_time_takes_the_case(rest: str, takes: Takes) -> None:
    assert read_answer(rest) == takes


@pytest.mark.parametrize(("rest", "act"), ACTS.items())
def test_a_holder_acts_by_text(rest: str, act: Act) -> None:
    assert read_answer(rest) == act


@pytest.mark.parametrize(("rest", "words"), SAID.items())
def test_anything_else_is_words_for_the_resident(rest: str, words: str) -> None:
    assert read_answer(rest) == Says(words)


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("between", ["\n", "\n\n", " ", ". "])
@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("", Takes()),
        ("ok", Takes()),
        ("no", Passes()),
        ("20", Takes(minutes=20)),
        ("what", Unclear()),
    ],
)
def test_a_phones_signature_changes_no_answer(
    said: str, meant: Takes | Passes | Unclear, between: str, signature: str
) -> None:
    assert read_answer(said + between + signature) == meant


@settings(max_examples=200)
@given(st.text(max_size=200))
def test_no_text_raises_and_words_for_the_resident_have_letters(rest: str) -> None:
    answer = read_answer(rest)
    assert not isinstance(answer, Says) or any(mark.isalpha() for mark in answer.words)


@settings(max_examples=200)
@given(st.sampled_from([*each(TAKEN), *TIMES]), st.sampled_from(["no", "can't", "👎", "no puedo"]))
def test_with_a_refusal_behind_it_nothing_is_taken(taking: str, refusal: str) -> None:
    if "Sent from" not in taking:  # an emoji after a signature is part of the signature
        assert not isinstance(read_answer(f"{taking} {refusal}"), Takes)


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    """Fails if the block takes more of this process's CPU time; the time of other processes does
    not count. A pattern that tries every way to split a text would take hours."""

    def over(*_: object) -> None:
        raise AssertionError(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.parametrize(
    "rest",
    [
        "a" * 1600,
        "no " * 530,
        "20 " * 530,
        "sent from my " * 120,
        "in in " * 260,
        "?" * 1600,
        " " * 1600 + "x",
        "- " * 800,
        "a las " * 270,
        "removed a " * 160,
        "at about " * 180,
        "sent from iphone " + "5g " * 500 + "x",
        "i can be there " * 110,
        "can't take it " * 110,
        "(" * 1600,
    ],
)
def test_the_longest_text_is_read_in_time(rest: str) -> None:
    read_staff_words()
    with no_longer_than(TWILIO_WAITS):
        read_answer(rest)


@pytest.mark.parametrize(
    "written", ["(?i)yes", "yes(", "yes\\b", "ok.", "<nobody>", "(yes)?", "", "yes|"]
)
def test_a_phrase_that_cannot_be_read_is_named(written: str) -> None:
    """A phrase that may be empty would match everywhere."""
    with pytest.raises(ValueError, match=r"is no phrase|may be nothing"):
        pattern(written, {"it": "it"})


def test_without_any_language_only_numbers_and_emoji_are_read() -> None:
    nobody = StaffWords((StaffTable(),))
    assert [page_answer.read_answer(rest, nobody) for rest in ("20", "👍", "18:40", "👎")] == [
        Takes(minutes=20),
        Takes(),
        Takes(at=(18, 40)),
        Passes(),
    ]
    assert page_answer.read_answer("on my way", nobody) == Says("on my way")


@pytest.mark.parametrize(
    "rest",
    [
        "LOWER THE KNIFE PLEASE",
        "LIFT YOUR HEAD",
        "lower, he is calm",
        "Lift - he has left",
        "PAUSE AND BREATHE WITH ME",
    ],
)
def test_what_may_be_a_command_or_words_for_the_resident_is_asked_back(rest: str) -> None:
    assert read_answer(rest) == Ambiguous()


@pytest.mark.parametrize(
    "rest",
    [
        "Lower the knife for me, please. Put it on the floor.",
        "Lower your voice so he can't hear", "Pause. Breathe with me.",
        "Lift the receiver quietly if you can talk", "give back the knife",
        "release the belt please", "looked at your message, are you ok",
    ],
)  # fmt: skip
def test_a_sentence_that_begins_like_a_command_is_words(rest: str) -> None:
    assert not isinstance(read_answer(rest), Act)
