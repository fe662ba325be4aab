"""Random calls, and every possible call: each step has words, a person or an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from conversation import NIGHT, OPEN, PROGRAM, fresh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spoken_call import SPEECH, SpokenCall

from caller_service.core import clock
from caller_service.core.case import Status
from caller_service.core.dispatch import accept, decline, update
from caller_service.core.holding import lower_level, release, take_over
from caller_service.core.phone_asking import part_choices
from caller_service.core.phone_call import begin, hear
from caller_service.core.phone_script import Heard, Spoken, Surroundings, Then
from caller_service.core.refusal import Refused
from caller_service.core.routing import Scene

WHO = "Dispatcher on duty"
KEYS = [
    *"0123456789", "*", "#", "A", "12", "1090", "911", "*0", "*9", "*#", "12#", "0*12",
    "99999999999999999999",
]  # fmt: skip
SAID = (
    "yes", "no", "my brother sees things", "i took all my pills", "main st and 3rd ave", "help me",
    "sí", "ayuda", "he has a gun", "call me at 6", "person", "", "{reference}", "%s",
)  # fmt: skip
TEXTS = ("1", "2", "0", "i took all my pills", "STOP", "hello", "español", "cancel", "status")
STAFF: dict[str, Callable[..., Any]] = {
    "(accepts)": lambda case, scene: accept(case, WHO, None, scene),
    "(declines)": lambda case, scene: decline(case, WHO, "busy", scene),
    "(takes over)": lambda case, scene: take_over(case, WHO, "", scene),
    "(lowers)": lambda case, scene: lower_level(case, WHO, "calm now", scene),
    "(closes)": lambda case, scene: update(
        case, Status.CLOSED, WHO, "safe", scene, reason="they are well"
    ),
    "(gives back)": lambda case, scene: release(case, WHO, "done", scene),
}
RESULTS = ("bridged", "error", "system-error", "queue-full", "redirected", "leave", "", "junk")


def one(kind: str, values: Any) -> Any:
    return st.tuples(st.just(kind), values)


STEPS = st.lists(
    st.one_of(
        one("key", st.sampled_from(KEYS)),
        one("key", st.sampled_from("12")),
        one("early", st.sampled_from(KEYS)),
        one("silence", st.none()),
        one("words", st.tuples(st.sampled_from(SAID), st.sampled_from((0.0, 0.3, 0.9)))),
        one("text", st.sampled_from(TEXTS)),
        one("time", st.sampled_from((1, 30, 70, 200, 700))),
        one("staff", st.sampled_from(sorted(STAFF))),
        one("queue", st.tuples(st.sampled_from(RESULTS), st.sampled_from((0.0, 5.0, 120.0)))),
        one("joined", st.sampled_from((3.0, 120.0))),
        one("hangs up", st.none()),
    ),
    max_size=30,
)


def plays(me: SpokenCall, kind: str, value: Any) -> None:
    """Do one thing, if it is possible now."""
    if me.over and kind in ("key", "early", "silence", "words", "queue", "joined", "hangs up"):
        me.rings()
    elif me.then in (Then.COUNSELOR, Then.PSAP) and kind in ("key", "early", "silence", "words"):
        me.comes_back(reached=kind == "silence")
    elif kind == "key":
        me.presses(value)
    elif kind == "early":
        me.presses(value, early=True)
    elif kind == "silence":
        me.is_silent()
    elif kind == "words" and not me.queued and value[0]:
        me.says(*value)
    elif kind == "text" and not me.case.ended:
        me.waits(5).texts(value)
    elif kind == "time":
        me.waits(value)
    elif kind == "staff":
        try:
            me.staff(value, STAFF[value])
        except Refused:
            me.script.append("~ (refused)")
    elif kind == "queue" and me.queued:
        me.leaves_queue(value[0], value[1] if value[0] == "bridged" else None)
    elif kind == "joined" and me.queued:
        me.is_joined(WHO, value)
    elif kind == "hangs up":
        me.hangs_up()


NOTHING_WRONG = ("1", "2", "2", "2", "2")
# the caller is asking for somebody they do not know: the place is asked first, and is spoken if the
# program has signed for speech
KNOWN_PLACE = ("2", "2", "3", "Main St and 3rd Ave", "1")
BEGINS = {
    "from the greeting": (),
    "at the questions about contact": NOTHING_WRONG,
    "at what help they want": (*NOTHING_WRONG, "1", "1"),
    "at the place": (*NOTHING_WRONG, "1", "1", "1"),
    "at the place that was keyed": (*NOTHING_WRONG, "1", "1", "1", "1090"),
    "in danger, and the place is known": (*KNOWN_PLACE, "1", "1"),
    "they want 911, and the place is known": (*KNOWN_PLACE, "2", "2", "1", "1", "4"),
    "after a request": (*NOTHING_WRONG, "1", "1", "2"),
    "waiting in danger": ("1", "1"),
    "waiting, and contact is safe": (*NOTHING_WRONG, "1", "1", "0"),
}
CALLS = ("the same", "another", "the callback number", "is called back")


def begun(me: SpokenCall, begins: str, call: str) -> SpokenCall:
    me.rings()
    for step in BEGINS[begins]:
        if me.over:
            break
        me.says(step) if " " in step else me.presses(step)
    if call == "the same":
        return me
    if not me.over:
        me.hangs_up()
    if call == "is called back":
        return me.is_called_back()
    return me.rings(callback_line=call == "the callback number")


@pytest.mark.slow
@settings(max_examples=400, derandomize=True, database=None,
          suppress_health_check=list(HealthCheck))  # fmt: skip
@given(
    steps=STEPS,
    begins=st.sampled_from(sorted(BEGINS)),
    call=st.sampled_from(CALLS),
    language=st.sampled_from(PROGRAM.languages),
    speech=st.booleans(),
    busy=st.booleans(),
)
def test_no_call_leaves_anybody_without_words_a_person_or_an_end(
    steps: list[tuple[str, Any]], begins: str, call: str, language: str, speech: bool, busy: bool
) -> None:
    program = SPEECH if speech else PROGRAM
    me = begun(SpokenCall(language, NIGHT if busy else OPEN, program, busy), begins, call)
    for kind, value in steps:
        plays(me, kind, value)
    if not me.over:
        me.hangs_up()


# ---- every possible call -------------------------------------------------------------------------


Path = tuple[str, ...]


def walk(language: str, path: Path) -> Iterator[Path]:
    """Hang up here; then go on with each key that is an answer here."""
    here = SpokenCall(language).rings().presses(*path)
    keys = answers(here)
    if not here.over:
        here.hangs_up()
    case = here.case
    assert case.ended or case.review or case.in_danger or case.status != Status.SCREENING, (
        here.transcript()
    )
    assert not case.in_danger or here.asked, f"danger, and nobody is asked\n{here.transcript()}"
    # the question whether they reached 911 is still to come
    waits = clock.next_due(case, here.program) is not None
    assert not path or case.revision or case.ended or waits, here.transcript()
    yield path
    for key in keys:
        yield from walk(language, (*path, key))


def answers(me: SpokenCall) -> tuple[str, ...]:
    """The keys that answer the open question."""
    if me.over or not me.position.part:
        return ()
    part = me.program.protocol.part(me.position.part)
    codes = part_choices(me.case, part, me.program.protocol.question(part.question))
    return tuple(str(number) for number in range(1, len(codes) + 1))


@pytest.mark.slow
@pytest.mark.parametrize("language", PROGRAM.languages)
def test_every_point_of_hanging_up_leaves_a_task_a_danger_an_end_or_a_hand_off(
    language: str,
) -> None:
    paths = list(walk(language, ()))
    assert len(paths) > 300
    assert max(len(path) for path in paths) >= 9


def test_the_languages_are_named_four_at_a_time_and_come_round_again() -> None:
    """Each is named by its own voice; after a key that names none the question is repeated."""
    tags = ("en", "es", "vi", "ru", "ar", "so", "zh")
    scene = Scene(PROGRAM, OPEN, aloud=True, read_at=OPEN + timedelta(seconds=60))
    around, at = Surroundings(tags), OPEN
    told = begin(fresh(), scene, around)
    assert "spoken.greeting.languages" in [line.key for line in told.lines]

    def key(pressed: str) -> Spoken:
        nonlocal at
        at += timedelta(seconds=3)
        case, position = told.step.case, told.position
        return hear(case, position, Heard(at, digits=pressed), replace(scene, now=at), around)

    pages = []
    for pressed in ("3", "8", "8"):
        told = key(pressed)
        pages.append([line.language for line in told.lines])
    assert pages == [["es", "vi", "ru", "ar", "en"], ["so", "zh", "en", "en"], pages[0]]
    assert key("7").lines[0].key == "spoken.not_a_key"
    told = key("8")
    chosen = key("2")
    assert chosen.step.case.language == "zh"
    assert {line.language or "zh" for line in chosen.lines} == {"zh"}


@pytest.mark.parametrize("tags", [("en", "es"), ("en", "es", "vi")])
def test_a_language_by_mistake_is_undone_by_its_key_or_after_a_silence(
    tags: tuple[str, ...],
) -> None:
    """And "not sure" is never a language: whoever calls again is asked the question that is open."""
    program = replace(PROGRAM, phone=replace(PROGRAM.phone, languages=tags))
    scene = Scene(program, OPEN, aloud=True)

    def around() -> Surroundings:
        first = heard.step.case.language
        return Surroundings((first, *(tag for tag in tags if tag != first)))

    def key(pressed: str, early: bool = False) -> Spoken:
        until = OPEN + timedelta(seconds=9 if early else 0)
        position = replace(heard.position, read_at=until)
        at = Heard(OPEN + timedelta(seconds=1), digits=pressed)
        return hear(heard.step.case, position, at, scene, around())

    heard = begin(fresh(), scene, Surroundings(tags))
    for language in ("es", "en", "es"):
        heard = key("2", early=True)
        assert heard.step.case.language == language
    heard = key("")  # they do not understand it
    said = [
        line for line in heard.lines if line.key in ("spoken.language", "spoken.greeting.languages")
    ]
    assert [line.fill["number"] for line in said] == ["3"]
    heard = key("3")
    if len(tags) > 2:
        assert [line.language for line in heard.lines] == ["en", "vi", "es"]
        heard = key("1")
    assert heard.step.case.language == "en"
    heard = key("1")  # for themselves
    heard = begin(heard.step.case, scene, around())  # they hang up, and call again
    assert (heard.position.at, heard.position.part) == ("greeting", "health")
    assert not any(line.key == "spoken.language" for line in key("").lines)
    heard = key("3")
    assert heard.step.case.answers["health"] == "unsure"
    assert heard.step.case.in_danger
