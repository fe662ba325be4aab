"""Safety screen 2: free text, the contact question, and the time after a human takes over
(docs/safety-rules.md).

Each conversation is one in which version 1 decided unsafely, or is similar to one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as with_changes
from datetime import timedelta

import pytest
from conversation import LANGUAGE_WORDS, PROGRAM, Resident, kept
from test_promises_any_time import at

from caller_service.casework.interpret import hear
from caller_service.core import holding
from caller_service.core.case import Case, Status, Step, from_plain, replace, to_plain
from caller_service.core.dispatch import accept, page_lost, text_lost, update
from caller_service.core.effect import Alert, Ask, HandOff, Page, Record, Say
from caller_service.core.hand_off import packet
from caller_service.core.marks import Mark
from caller_service.core.protocol import HUMAN_NOW, Level
from caller_service.core.refusal import Refused
from caller_service.core.routing import Scene, skills_wanted
from caller_service.core.safe_contact import TERMS, Standing, may_call, may_note, may_text, standing

DECIDES = Callable[[Case, Scene], Step]
TO_CONTACT = ("me", "no", "no", "no")
TEAM = (*TO_CONTACT, "text_call", "team", "inside", "worried", "wait")


def takes(name: str = "Dana") -> DECIDES:
    return lambda case, scene: accept(case, name, None, scene)


def writes(
    name: str = "Dana", words: str = "Did you take anything today?", **more: object
) -> DECIDES:
    return lambda case, scene: holding.note(case, name, words, scene, **more)  # type: ignore[arg-type]


def joined(
    person: Resident, name: str = "Dana", words: str = "I am with you. What happened?"
) -> Resident:
    return person.staff(takes(name)).staff(writes(name, words)).staff(holding.words_taken)


def danger(*answers: str) -> Resident:
    return (
        Resident()
        .texts("i just want to die")
        .answers(*(answers or ("no", "text_call", "inside", "me")))
    )


def after_hand_off() -> Resident:
    return Resident().texts("hi").answers(*TEAM)


def spoken(person: Resident) -> list[str]:
    return [
        effect.key if isinstance(effect, Say) else f"ask.{effect.question}"
        for effect in person.effects
        if isinstance(effect, (Say, Ask))
    ]


def alerts(person: Resident) -> list[tuple[str, str]]:
    return [(effect.name, effect.key) for effect in person.effects if isinstance(effect, Alert)]


# ---- one voice at a time (rules 3, 4, 20 to 22) --------------------------------------------------
def test_what_they_write_to_a_human_is_no_answer_and_software_is_silent() -> None:
    person = joined(
        danger("yes", "text_call", "inside", "me"), words="Did you take anything today?"
    )
    before = person.case
    person.texts("no")

    assert person.heard == () and person.case.answers == before.answers and person.case.asked == ""
    assert alerts(person) == [("Dana", "alert.words")] and person.happened(HandOff)


def test_the_same_danger_again_pages_nobody_and_a_new_kind_gets_its_words_once() -> None:
    person = joined(danger()).texts("i just want to die")
    assert not person.happened(Page) and spoken(person) == []

    person.texts("he has a gun and is pointing it at me")
    assert spoken(person) == ["danger.violence"] and not person.happened(Page)
    assert alerts(person) == [("Dana", "alert.danger")]
    assert spoken(person.texts("he is still pointing the gun at me")) == []


def test_no_truth_while_a_human_writes_and_it_goes_on_after_a_mere_acceptance() -> None:
    person = joined(danger())
    mark = len(person.everything)
    for _ in range(4):
        person.waits(seconds=50).texts("im here").staff(writes(words="I hear you. Go on?"))
    assert not [key for key in _keys(person, mark) if key.startswith("truth")]

    waiting = danger().staff(takes())
    mark = len(waiting.everything)
    waiting.waits(minutes=4)
    assert "truth.nobody_yet" in _keys(waiting, mark)


def _keys(person: Resident, mark: int) -> list[str]:
    return [effect.key for _, effect in person.everything[mark:] if isinstance(effect, Say)]


def test_who_has_it_and_does_not_answer_is_prompted_and_then_another_is_asked() -> None:
    person = joined(danger("yes", "text_call", "inside", "me")).texts("are you there")
    person.waits(seconds=59)
    assert alerts(person) == []

    person.waits(seconds=1)
    assert alerts(person) == [("Dana", "alert.prompt")] and not person.happened(Page)
    person.waits(seconds=60)
    pages = person.happened(Page)
    assert len(pages) == 1 and pages[0].supervisor  # type: ignore[attr-defined]
    person.staff(takes("Maria"))
    assert person.case.accepted_by == "Maria" and not person.case.held, (
        "the voice is free for who comes"
    )
    assert person.staff(writes("Maria", "I am Maria. I go on with you.")).case.holder == "Maria"


def test_pure_thanks_starts_no_clock_unless_it_answers_a_question_and_a_farewell_is_never_thanks() -> (
    None
):
    person = joined(danger(), words="I am sending somebody to you.").texts("thank you")
    assert Mark.AWAITS_HUMAN not in person.case.marks

    assert (
        Mark.AWAITS_HUMAN in joined(danger(), words="Are you safe?").texts("thank you").case.marks
    )
    assert ("Dana", "alert.farewell") in alerts(
        joined(danger()).texts("thank you for everything, goodbye")
    )


def test_a_holder_and_a_resident_who_both_fall_silent_are_looked_after() -> None:
    person = joined(danger("yes", "text_call", "inside", "me"))
    assert ("Dana", "alert.silent") in alerts(person.waits(minutes=5))
    assert any(page.supervisor for page in person.waits(minutes=11).happened(Page))  # type: ignore[attr-defined]


def test_one_pause_of_ten_minutes_stops_the_clock_and_is_told() -> None:
    person = joined(danger()).staff(
        lambda case, scene: holding.pause(case, "Dana", "on the phone for them", scene)
    )
    assert spoken(person) == ["human.paused"]

    person.texts("ok").waits(minutes=9)
    assert alerts(person) == []
    person.waits(minutes=4)
    assert ("Dana", "alert.prompt") in alerts(person)
    with pytest.raises(Refused, match="paused_before"):
        person.staff(lambda case, scene: holding.pause(case, "Dana", "again", scene))


def test_one_holder_and_another_must_take_over_by_name() -> None:
    person = joined(danger())
    with pytest.raises(Refused, match="held"):
        person.staff(writes("Maria"))

    person.staff(lambda case, scene: holding.take_over(case, "Maria", "shift", scene))
    assert spoken(person) == ["human.took_over"] and person.case.holder == "Maria"
    assert ("Dana", "alert.taken") in alerts(person)
    assert person.waits(seconds=91).happened(Page), "Maria too must come"


def test_a_hand_over_in_the_middle_of_a_sentence_loses_nothing() -> None:
    person = joined(danger()).texts("and then he said")
    person.staff(
        lambda case, scene: holding.hand_over(
            case, "Dana", "Second dispatcher", "shift ends", scene
        )
    ).texts("that he would come back")

    assert alerts(person) == [("Second dispatcher", "alert.words")] and person.case.narrative[
        -2:
    ] == (
        "and then he said",
        "that he would come back",
    )
    assert person.waits(seconds=91).happened(Page), "who was named and does not come is replaced"


def test_nobody_ends_a_shift_holding_a_danger() -> None:
    person = joined(danger()).staff(
        lambda case, scene: holding.release(case, "Dana", "shift ends", scene)
    )

    assert person.happened(Page) and spoken(person) == ["human.again"] and person.case.page_waits
    assert person.case.in_danger, "a danger never goes back to software: it is lowered first"


def test_nobody_holds_more_than_three_dangers() -> None:
    """Nobody else would come, so a fourth danger is theirs, and they may write to it."""
    taken = danger().staff(takes())
    with pytest.raises(Refused, match="full"):
        taken.staff(writes("Maria", full={"Dana", "Maria"}))

    assert taken.staff(writes(full={"Dana"})).case.holder == "Dana"


def test_open_questions_become_the_humans_list_and_they_may_answer_them_by_name() -> None:
    person = joined(danger("no"))
    assert set(packet(person.case, PROGRAM)["conversation"]["open_questions"]) >= {
        "contact",
        "where",
        "who",
    }

    person.staff(
        lambda case, scene: holding.answer_for(case, "Dana", "health", "yes", "she said so", scene)
    )
    told = packet(person.case, PROGRAM)
    assert (
        told["level"] == "R1"
        and told["safety"]["health"] == "yes"
        and told["conversation"]["answered_for"] == {"health": "Dana"}
    )
    assert not person.happened(Page), "the holder knows"


def test_the_level_is_lowered_by_name_with_a_reason_and_danger_said_after_that_raises_again() -> (
    None
):
    def lower(case: Case, scene: Scene) -> Step:
        return holding.lower_level(case, "Dana", "she is with her mother", scene)

    with pytest.raises(Refused, match="reason_needed"):
        danger().staff(lambda case, scene: holding.lower_level(case, "Dana", "", scene))

    person = joined(danger()).staff(lower)
    assert person.case.level is None or person.case.level < HUMAN_NOW
    assert ("Dana", "she is with her mother") in person.case.remarks
    person.staff(lambda case, scene: holding.release(case, "Dana", "", scene)).texts(
        "i want to die"
    )
    assert person.case.level == Level.R2 and person.happened(Page)


# ---- a paged human can act (rules 1 and 9) -------------------------------------------------------
def test_the_packet_of_a_danger_that_fell_silent_says_what_it_is_and_how_to_reach_emergency_services() -> (
    None
):
    person = Resident().texts("i took all my pills goodbye")
    told = packet(person.case, PROGRAM, "+17205550199")

    assert "overdose" in told["dangers"] and told["safety"]["health"] == "not_asked"
    assert (
        told["contact"]["number"] == "+17205550199"
        and told["contact"]["number_condition"] == "emergency_services_only"
    )
    assert not told["contact"]["call"] and not told["contact"]["text"]


@pytest.mark.parametrize("contact", ["unsafe", "unwanted"])
def test_a_number_that_was_called_unsafe_is_never_told(contact: str) -> None:
    assert packet(danger("no", contact).case, PROGRAM, "+17205550199")["contact"]["number"] is None


def test_a_human_who_comes_late_may_send_one_neutral_text() -> None:
    person = Resident().texts("i took all my pills goodbye").waits(minutes=11).staff(takes())
    person.staff(writes(words="Dana from the care line. You can write when you like."))
    assert spoken(person) == ["note.neutral"] and person.case.holder == "Dana"

    with pytest.raises(Refused, match="may_not_text"):
        person.staff(writes(words="Please write."))


def test_after_violence_the_neutral_text_needs_a_supervisors_reason() -> None:
    person = Resident().texts("my husband is beating me").waits(minutes=11).staff(takes())
    with pytest.raises(Refused, match="may_not_text"):
        person.staff(writes(words="Hello."))

    assert spoken(person.staff(writes(words="Hello.", reason="supervisor: door is known"))) == [
        "note.neutral"
    ]


# ---- contact (rules 5, 8, 9 and 10) --------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "contact"),
    [
        ("yes", "text_call"),
        ("1", "text_call"),
        ("2", "unsafe"),
        ("no", "unsafe"),
        ("not safe", "unsafe"),
        ("3", "text"),
        ("text only please dont call", "text"),
        ("call only", "call"),
        ("im deaf", "text_deaf"),
        ("6", "unwanted"),
    ],
)
def test_yes_is_one_and_no_is_two_also_for_contact(said: str, contact: str) -> None:
    assert (
        Resident().texts("hi").answers(*TO_CONTACT).texts(said).case.answers["contact"] == contact
    )


TAKEN_BACK = [
    "its not safe to text me anymore",
    "stop texting hes right here",
    "please only call",
    "dont text me",
    "stop writing, he is here",
    "please no more of these texts",
    "quit messaging me he reads my phone",
    "do not text this number again",
]


@pytest.mark.parametrize("said", TAKEN_BACK)
def test_contact_taken_back_in_words_is_believed_at_once_and_alerts_who_has_it(said: str) -> None:
    person = after_hand_off().staff(takes()).texts(said)

    assert "text" in person.case.withdrawn and not may_text(person.case, "status.en_route"), said
    told = "alert.only_calls" if said == "please only call" else "alert.withdrawn"
    assert ("Dana", told) in alerts(person) and not person.case.ended
    assert [key for key in spoken(person) if key.startswith("withdrawn")]
    mark = len(person.everything)
    person.staff(lambda case, scene: update(case, Status.EN_ROUTE, "Dana", "", scene)).waits(
        hours=3
    )
    assert not [effect for _, effect in person.everything[mark:] if isinstance(effect, (Say, Ask))]


@pytest.mark.parametrize(
    "said", ["make it stop", "stop hitting me", "he wont stop", "can you make the voices stop"]
)
def test_taking_contact_back_needs_an_object(said: str) -> None:
    assert not after_hand_off().texts(said).case.withdrawn


@pytest.mark.parametrize("said", ["im not safe", "not safe here", "i dont feel safe at home"])
def test_not_safe_outside_the_question_is_danger(said: str) -> None:
    person = after_hand_off().texts(said)

    assert (
        person.case.level == Level.R2
        and person.happened(Page)
        and standing(person.case) == Standing.UNSAFE
    )
    assert not may_text(person.case, "truth.nobody_yet")


def test_the_precedence_is_one_table() -> None:
    """STOP and watched, violence or hiding, not safe, not wanted, not asked, the argument, yes: the
    first that applies decides."""
    case = Resident().texts("hi").answers(*TEAM[:8]).case
    assert standing(case) == Standing.YES

    def with_(**changes: object) -> Case:
        return replace(case, **changes)

    argument = {**case.answers, "need": "argument"}
    rows = {
        Standing.WATCHED: with_(said=frozenset({"watched", "violence"})),
        Standing.STOPPED: with_(cannot_text="stopped", said=frozenset({"violence"})),
        Standing.VIOLENCE: with_(
            said=frozenset({"violence"}), answers={**case.answers, "contact": "unsafe"}
        ),
        Standing.UNSAFE: with_(answers={**case.answers, "contact": "unsafe"}),
        Standing.UNWANTED: with_(answers={**case.answers, "contact": "unwanted"}),
        Standing.NOT_ASKED: with_(
            answers={name: answer for name, answer in argument.items() if name != "contact"}
        ),
        Standing.ARGUMENT: with_(answers=argument),
    }
    for row, changed in rows.items():
        assert standing(changed) == row
        assert may_text(changed, "status.en_route") is False and may_call(changed) is False, row
        late = changed.marks[Mark.HEARD] + timedelta(minutes=11)
        texts = changed.answers.get("contact") == "text_call" and not changed.cannot_text
        assert may_note(changed, late) == (TERMS[row].human and texts), row


def test_after_violence_software_only_replies_whatever_contact_says() -> None:
    person = (
        Resident().texts("my boyfriend is hitting me").answers("no", "text_call", "inside", "me")
    )
    mark = len(person.everything)
    person.waits(hours=2)
    assert not [effect for _, effect in person.everything[mark:] if isinstance(effect, (Say, Ask))]
    person.staff(takes()).staff(writes(words="Can you talk?"))
    assert spoken(person) == ["note"], "a human's words alone"


def test_need_argument_means_no_unasked_text_until_a_human_has_confirmed_contact() -> None:
    person = (
        Resident()
        .texts("hi")
        .answers(*TO_CONTACT, "text", "team", "inside", "argument", "no", "wait")
    )
    assert not may_text(person.case, "status.accepted")

    person.staff(
        lambda case, scene: holding.answer_for(
            case, "Dana", "contact", "text", "spoke to them", scene
        )
    )
    assert may_text(person.case, "status.accepted")


def test_the_same_words_before_the_next_question_can_have_been_read_are_one_reply() -> None:
    person = Resident().texts("hi").texts("1").texts("1", after=timedelta(seconds=1))
    assert person.case.answers == {"who": "me"} and person.heard == () and person.case.level is None
    assert person.texts("1", after=timedelta(seconds=9)).case.answers["health"] == "yes", (
        "after that it is an answer"
    )

    doubled = (
        Resident()
        .texts("hi")
        .answers("me", "no", "no")
        .texts("2")
        .texts("2", after=timedelta(seconds=1))
    )
    assert doubled.case.answers["suicide"] == "no" and "contact" not in doubled.case.answers


def test_opening_contact_never_counts_for_a_question_that_cannot_have_been_read() -> None:
    person = Resident().texts("hi").answers(*TO_CONTACT).texts("yes", after=timedelta(seconds=2))
    assert "contact" not in person.case.answers and person.said[0] == "too_fast"

    assert (
        Resident()
        .texts("hi")
        .answers(*TO_CONTACT)
        .texts("2", after=timedelta(seconds=2))
        .case.answers["contact"]
        == "unsafe"
    ), "closing is believed"


def test_a_question_that_turns_out_undelivered_was_never_answered() -> None:
    person = Resident().texts("hi").answers("me", "no")
    written = person.case.marks[Mark.ASKED]
    person.staff(
        lambda case, scene: text_lost(
            case, "undelivered", "text-1", written, scene, ["ask.health.me"], False, frozenset()
        )
    )

    assert "health" not in person.case.answers and "health" in person.case.again
    assert person.texts("hello?").asked == "health"


# ---- free text after the hand-off gets a check question (rule 7) ---------------------------------
STORY = "we were all at my aunts house and then it went on and on"


def test_after_the_hand_off_a_story_is_told_to_somebody_and_a_question_stands_behind_it() -> None:
    person = after_hand_off().texts(STORY)

    assert person.asked == "check" and person.happened(HandOff) and person.case.review
    assert person.texts("1").case.level == Level.R2 and person.happened(Page)


@pytest.mark.parametrize(
    ("said", "human"), [("1", True), ("3", True), ("not sure", True), ("skip", True), ("2", False)]
)
def test_a_yes_or_a_doubt_at_the_check_question_is_a_danger_and_a_no_closes_nothing(
    said: str, human: bool
) -> None:
    person = after_hand_off().texts(STORY).texts(said)

    assert person.case.in_danger is human and not person.case.ended


def test_the_check_unanswered_is_reviewed_and_comes_once_in_three_minutes() -> None:
    person = after_hand_off().texts(STORY).waits(minutes=3)
    assert person.case.review and "check_unanswered" in person.case.said
    assert person.asked == "check" and not person.waits(minutes=30).happened(Ask), (
        "it stays open, and is not put again unasked"
    )
    assert person.texts("1").case.level == Level.R2 and person.happened(Page), "a late yes is a yes"

    person = after_hand_off().texts(STORY).texts("2").texts("and there is more that i want to say")
    assert person.asked != "check" and person.happened(HandOff), "told all the same"
    assert person.waits(minutes=3).texts("one more thing about all that").asked == "check"


def test_who_has_the_case_hears_their_words() -> None:
    person = after_hand_off().staff(takes("Sam")).texts(STORY)

    assert ("Sam", "alert.words") in alerts(person)
    assert [effect.words for effect in person.effects if isinstance(effect, Alert)] == [STORY]


def test_no_check_after_violence_and_none_while_a_human_wrote_within_a_quarter_of_an_hour() -> None:
    assert after_hand_off().staff(writes("Sam", "We are coming.")).texts(STORY).asked != "check"


def test_the_question_that_was_open_is_put_again_behind_the_check() -> None:
    person = Resident().texts("hi").answers(*TEAM[:8])
    assert person.asked == "if_none"

    assert person.texts(STORY).asked == "check" and person.texts("2").asked == "if_none"


def test_thanks_is_thanks_and_no_question_stands_behind_it() -> None:
    person = after_hand_off().texts("ok thank you so much")

    assert person.said == ("thanks.open",) and person.case.asked != "check"


@pytest.mark.parametrize("texts", [(STORY,), ("hi", "1", STORY, STORY + " again")])
def test_a_story_as_the_first_message_or_a_second_one_puts_the_case_before_a_human(
    texts: tuple[str, ...],
) -> None:
    person = Resident().texts(*texts)

    assert person.case.review and person.case.revision and not person.case.in_danger
    assert not person.happened(Page)
    assert [page.ladder for page in person.waits(minutes=5).happened(Page)] == ["review"]  # type: ignore[attr-defined]


def test_forty_stories_in_a_row_are_all_kept_and_somebody_reads() -> None:
    person = after_hand_off()
    for number in range(40):
        person.texts(f"story number {number} about what happened to us here")

    assert (
        len(person.case.narrative) == 20
        and not person.case.ended
        and (person.case.review or person.case.in_danger)
    )


# ---- requests in a full sentence (rules 5, 11, 13, 25) -------------------------------------------
@pytest.mark.parametrize(
    "said",
    [
        "can somebody just call me i cant do these questions",
        "please help",
        "i just need a real person to talk to me",
    ],
)
def test_asking_for_a_person_in_a_sentence_brings_one(said: str) -> None:
    person = Resident().texts("hi").answers("me").texts(said)

    assert person.case.in_danger and person.happened(Page), said


@pytest.mark.parametrize(
    "said", ["please call 911 for me i cant talk", "call an ambulance for us please i cant speak"]
)
def test_who_cannot_call_is_paged_for_at_once_and_gets_the_words(said: str) -> None:
    person = Resident().texts("hi").answers("me").texts(said)

    assert person.case.in_danger and person.happened(Page) and person.hears("911"), said


@pytest.mark.parametrize("said", ["ambulance", "i need an ambulance", "send the police please"])
def test_asking_for_911_gives_the_words_at_once(said: str) -> None:
    Resident().texts("hi").answers("me").texts(said).hears("911")


def test_a_bare_911_and_silence_brings_a_human_at_60_seconds_and_no_text() -> None:
    person = Resident().texts("911").waits(seconds=59)
    assert not person.happened(Page)

    person.waits(seconds=1)
    assert person.happened(Page) and person.heard == () and person.case.in_danger


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("are you police", "faq.police"),
        ("is this free", "faq.free"),
        ("who will come", "faq.who"),
        ("is this private", "faq.private"),
        ("is this a robot", "faq.robot"),
        ("why do you need to know that", "faq.why"),
        ("what do you mean", "faq.why"),
        ("is he going to get arrested", "faq.police"),
        ("will they take him to jail", "faq.police"),
        ("do you take medicaid", "faq.free"),
        ("do i have to give my name", "faq.private"),
        ("por que me preguntan eso", "faq.why"),
        ("lo van a arrestar", "faq.police"),
        ("toman mi aseguranza", "faq.free"),
        ("did my husband text you", "others.cannot_say"),
    ],
)
def test_ordinary_questions_get_a_short_answer_and_the_question_again(said: str, key: str) -> None:
    person = Resident().texts("hi").answers("me").texts(said)

    assert person.said[0] == key and person.asked == "health" and person.case.unreadable == 0


# ---- what phones add to a text -------------------------------------------------------------------
@pytest.mark.parametrize(
    "said",
    [
        "Liked “Is anyone badly hurt, hard to wake, or did they take too many pills?”",
        "👍 to “Is someone holding a weapon?”",
        "Laughed at “Where are you?”",
    ],
)
def test_a_reaction_is_no_danger_no_story_no_place_and_no_answer(said: str) -> None:
    for question in (("me",), TO_CONTACT, (*TO_CONTACT, "text", "team")):
        person = Resident().texts("hi").answers(*question)
        before = person.case
        person.texts(said)
        assert (
            person.case.answers,
            person.case.narrative,
            person.case.level,
            person.case.place,
        ) == (before.answers, (), before.level, "")


@pytest.mark.parametrize("said", ["2 🙏", "No 😢", "no\nSent from my iPhone", "2️⃣"])
def test_an_answer_is_read_behind_what_the_phone_adds(said: str) -> None:
    assert Resident().texts("hi").answers("me").texts(said).case.answers["health"] == "no"


@pytest.mark.parametrize("said", ["no please", "no por favor", "please no"])
def test_a_plea_is_not_a_no(said: str) -> None:
    assert "health" not in Resident().texts("hi").answers("me").texts(said).case.answers


def test_stop_behind_a_signature_is_stop() -> None:
    assert Resident().texts("hi").texts("STOP\nSent from my iPhone").case.cannot_text == "stopped"


def test_the_same_words_for_the_fourth_time_get_no_answer_and_a_human_sees_it() -> None:
    person = after_hand_off()
    for _ in range(3):
        person.texts("I am driving right now and will answer later", after=timedelta(seconds=30))
    person.texts("I am driving right now and will answer later", after=timedelta(seconds=30))

    assert person.heard == () and not person.happened(Page) and "same_words" in person.case.said


# ---- minors, residents who are watched, shared phones, bystanders --------------------------------
@pytest.mark.parametrize(
    "first", [("hi", "2", "2"), ("im 15 and my parents fight a lot", "1", "2")]
)
def test_a_minor_hears_of_reporting_before_the_question_that_could_tell_it(
    first: tuple[str, ...],
) -> None:
    person = Resident().texts(*first)

    assert person.asked == "safety" and person.said.index("minor.report") < person.said.index(
        "ask.safety"
    )
    assert "under_18" in person.case.because


def test_where_the_child_told_first_a_human_explains() -> None:
    person = (
        Resident()
        .texts("im 12 and my stepdad touches me at night")
        .texts("no", "1", "main st and 3rd ave")
    )

    assert person.case.in_danger and "minor" in person.case.said
    assert not [
        effect
        for _, effect in person.everything
        if isinstance(effect, Say) and effect.key == "minor.report"
    ]


def test_a_minors_case_that_moves_unlooked_is_kept_and_pages_the_review_ladder() -> None:
    person = (
        Resident()
        .texts("hi")
        .answers("me_minor", "no", "no", "no", "text", "team", "inside", "worried", "wait")
        .staff(takes("Sam"))
    )
    person.staff(lambda case, scene: update(case, Status.EN_ROUTE, "Sam", "", scene))
    assert person.case.status == Status.EN_ROUTE and "review" in {
        page.ladder for page in person.happened(Page)
    }  # type: ignore[attr-defined]

    looked = (
        Resident()
        .texts("hi")
        .answers("me_minor", "no", "no", "no", "text", "team", "inside", "worried", "wait")
    )
    looked.staff(lambda case, scene: accept(case, "Sam", None, scene, True)).staff(
        lambda case, scene: update(case, Status.EN_ROUTE, "Sam", "", scene)
    )
    assert not looked.happened(Page) and looked.case.minor_reviewed == "Sam"


def test_a_look_from_before_somebody_is_known_to_be_under_18_is_none() -> None:
    """A dispatch system may say with each acceptance that somebody has looked."""
    person = (
        Resident()
        .texts("hello")
        .answers("me", "no", "no", "no", "text", "team", "inside", "worried", "wait")
        .staff(lambda case, scene: accept(case, "Sam", None, scene, True))
        .staff(lambda case, scene: holding.looked(case, "Sam", "", scene))
    )
    assert not person.case.minor_reviewed

    person.texts("im 15 by the way")
    assert person.case.minor
    person.staff(lambda case, scene: update(case, Status.EN_ROUTE, "Sam", "", scene))

    assert person.happened(Page), "the review ladder"


def test_closing_after_a_disclosure_needs_the_report() -> None:
    person = joined(
        Resident()
        .texts("im 12 and my stepdad hits me with his belt every night")
        .texts("no", "1", "main st and 3rd ave", "2")
    )
    with pytest.raises(Refused, match="report_needed"):
        person.staff(lambda case, scene: update(case, Status.CLOSED, "Dana", "safe", scene))

    person.staff(
        lambda case, scene: update(
            case, Status.CLOSED, "Dana", "safe", scene, "Dana, 11:40, county line", "made"
        )
    )
    assert person.case.ended and person.case.report == "made"


@pytest.mark.parametrize("who", ["me_minor", "child"])
def test_a_yes_to_violence_against_a_child_needs_the_report_like_words(who: str) -> None:
    """The text that staff may have to report came before the question."""
    person = joined(Resident().texts("hello").answers(who, "no", "yes", "yes"))
    with pytest.raises(Refused, match="report_needed"):
        person.staff(lambda case, scene: update(case, Status.CLOSED, "Dana", "safe", scene))

    why = "Dana: two friends, no adult"
    person.staff(
        lambda case, scene: update(case, Status.CLOSED, "Dana", "safe", scene, why, "not_required")
    )
    assert person.case.ended and person.case.report == "not_required"


def test_closing_words_after_a_danger_are_kind() -> None:
    person = joined(danger()).staff(
        lambda case, scene: update(case, Status.CLOSED, "Dana", "counselor_joined", scene)
    )
    assert person.said == ("closing.danger",)


def test_i_am_watched_is_heard_inside_a_short_message_and_a_human_may_answer_and_lift_it() -> None:
    person = Resident().texts("hi").texts("ok so is the pie shop open today do you know")
    assert person.case.watched and person.heard == () and person.happened(Page)

    person.staff(takes()).staff(writes(words="Yes, until nine."))
    assert spoken(person) == ["note"]
    assert not may_note(person.case, person.case.marks[Mark.HEARD] + timedelta(minutes=11))
    person.staff(
        lambda case, scene: holding.lift_watched(
            case, "Dana", "she called from her sister's", scene
        )
    )
    assert not person.case.watched


def test_no_code_word_can_be_set_once_danger_or_an_argument_is_known() -> None:
    assert danger().texts("CODE bluebird").case.code_word == ""
    assert after_hand_off().texts("CODE bluebird").case.code_word == "bluebird"


@pytest.mark.parametrize("said", ["NEW", "someone else"])
def test_somebody_else_on_the_phone_parks_the_case(said: str) -> None:
    person = after_hand_off().staff(takes("Sam")).texts(said)

    assert (
        person.case.parked and not person.case.ended and ("Sam", "alert.parked") in alerts(person)
    )
    mark = len(person.everything)
    person.waits(hours=6)
    assert not [effect for _, effect in person.everything[mark:] if isinstance(effect, (Say, Ask))]


def test_a_bystanders_doubt_about_health_pages_like_anyones_and_where_comes_next() -> None:
    person = Resident().texts("hi").answers("unknown", "unsure")
    assert (
        person.case.level == Level.R2
        and person.happened(Page)
        and "level.health_doubt.they" in person.said
    )

    assert Resident().texts("hi").answers("unknown", "no").asked == "where"


def test_first_aid_is_not_said_during_violence() -> None:
    person = Resident().texts("hi").answers("adult", "no", "yes", "yes").texts("WORSE")
    assert not [
        key
        for _, effect in person.everything
        if isinstance(effect, Say)
        for key in (effect.key,)
        if "health_doubt" in key
    ]
    hurt = Resident().texts("someone is beating my neighbor").answers("unsure")
    assert "level.health_doubt.they" not in hurt.said and "level.human" in hurt.said


# ---- many at once, and writing often; languages; neighbours --------------------------------------
def test_newcomers_hear_it_when_somebody_in_danger_has_waited_long() -> None:
    person = Resident()
    person.now += timedelta(seconds=1)
    scene = with_changes(Scene(PROGRAM, person.now), surge=True)

    step = hear(person.case, "hi", person.now, scene, LANGUAGE_WORDS)
    assert [effect.key for effect in step.effects if isinstance(effect, Say)][:2] == [
        "preamble",
        "preamble.surge",
    ]


def test_who_is_outside_hears_the_neighbours_number() -> None:
    person = (
        Resident()
        .texts("hi")
        .answers(*TO_CONTACT, "text", "team")
        .texts("Lakeside Mall, Fairview")
        .answers("worried")
    )

    assert [
        dict(effect.fill)
        for _, effect in person.everything
        if isinstance(effect, Say) and effect.key == "blocked.neighbour"
    ] == [{"name": "Fairview", "number": "+17205550120"}]
    assert person.asked == "if_none" and person.case.review


def test_a_threat_to_staff_is_marked_and_gets_no_get_to_a_safe_place() -> None:
    person = Resident().texts("ill shoot anyone you send here")

    assert "threat_staff" in person.case.dangers and "danger.violence" not in person.said
    assert "threat_to_staff" in packet(person.case, PROGRAM)["markers"]


def test_a_page_that_cannot_arrive_asks_the_next_person_at_once() -> None:
    person = (
        Resident()
        .texts("hi")
        .answers("me", "unsure")
        .staff(lambda case, scene: page_lost(case, "Dispatcher on duty", scene))
    )

    assert [page.rung for page in person.happened(Page)] == [1]  # type: ignore[attr-defined]
    assert "page_lost" in [effect.event for effect in person.effects if isinstance(effect, Record)]


# ---- after the end, and after an upgrade ---------------------------------------------------------
@pytest.mark.parametrize("said", ["thank you dana", "thanks so much", "ok", "👍", "1", "no"])
def test_thanks_and_answers_after_the_end_open_nothing(said: str) -> None:
    person = (
        after_hand_off()
        .staff(takes("Sam"))
        .staff(lambda case, scene: update(case, Status.CLOSED, "Sam", "resolved", scene))
    )
    person.texts(said)

    assert person.case.ended and person.case.outcome == "no_request", said
    assert person.said in (("thanks.closed",), ("status.none",))
    assert person.texts("i need help again with my rent and food").asked == "who"


SCREEN_1 = (
    "who",
    "health",
    "safety",
    "violence",
    "weapon",
    "place",
    "suicide",
    "attempt",
    "soon",
    "contact",
    "want",
    "where",
    "need",
    "gun",
    "if_none",
    "voicemail",
)


@pytest.mark.parametrize("digit", "123456")
@pytest.mark.parametrize("question", [name for name in SCREEN_1 if name != "where"])
def test_a_bare_number_to_a_question_asked_before_the_upgrade_is_put_again(
    question: str, digit: str
) -> None:
    """Screen 1 did not store the choices with the question, and numbered some of them differently:
    `5` was "Not safe"."""
    person = at(question)
    in_the_row = question in ("if_none", "voicemail")  # screen 1 asked these before the hand-off
    status = Status.SCREENING if in_the_row else person.case.status
    old = to_plain(replace(person.case, status=status))
    for name in ("offered", "recent", "withdrawn", "answered_for"):
        del old[name]
    person.case = kept(from_plain(old))
    before = person.case.answers
    person.texts(digit)
    assert person.case.answers == before and person.asked == question, (question, digit)

    person.texts("skip") if question == "who" else person.texts(digit, after=timedelta(seconds=20))
    assert (
        question in person.case.answers
        or person.case.in_danger
        or int(digit) > len(person.case.offered)
    )
    if in_the_row and question in person.case.answers:
        assert person.case.status == Status.HANDED_OFF, "what was outstanding is carried over"


def test_words_to_an_old_contact_question_still_close() -> None:
    person = Resident().texts("hi").answers(*TO_CONTACT)
    person.case = replace(person.case, offered=())
    assert person.texts("not safe").case.answers["contact"] == "unsafe"
    person = Resident().texts("hi").answers(*TO_CONTACT)
    person.case = replace(person.case, offered=())
    assert "contact" not in person.texts("yes").case.answers


def test_a_child_who_says_so_in_words_gets_a_team_for_the_young() -> None:
    by_words = Resident().texts("hi", "im 15").case

    assert "youth" in skills_wanted(by_words)
    assert "youth" not in skills_wanted(Resident().texts("hi").answers("me").case)


# ---- did they get through to 911? (rule 7) -------------------------------------------------------
def asked_about_911() -> Resident:
    person = Resident().texts("hi").answers("me", "no", "no", "no", "text", "call_911")
    person.waits(minutes=10)
    while person.asked != "reached":
        person.texts("hello?").waits(minutes=4)
    return person


@pytest.mark.parametrize(
    "said",
    [
        "911 didnt answer", "it just rings", "Not yet", "im on hold", "they hung up on me",
        "im scared to call", "no signal", "i couldn't get through", "trying",
        "el 911 no contesta", "todavía no", "me colgaron", "me da miedo llamar",
    ],
)  # fmt: skip
def test_who_does_not_get_through_to_911_meets_a_human(said: str) -> None:
    person = asked_about_911().texts(said)
    assert person.happened(Page) and person.case.level == Level.R2


@pytest.mark.parametrize(
    "said", ["i called they are coming", "im on the phone with them", "ya llamé"]
)
def test_who_got_through_to_911_is_believed(said: str) -> None:
    person = asked_about_911().texts(said)
    assert person.case.answers["reached"] == "yes" and not person.happened(Page)
