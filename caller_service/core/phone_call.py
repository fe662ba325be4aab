"""Decides one step of a resident's call: what a key, a silence or words mean, and what is said
next.

The questions are the protocol's, put in parts that have at most four choices (core/protocol.py,
Part); what an answer changes is decided as for a text (core/screening.py). A call holds no position
in a script: `Position` says what was said last, so that the next key can be read. From the first
danger on the caller waits for a human in the queue of their case, and the words there come from the
record (docs/safety-rules.md, rules 3, 4, 5 and 8).
"""

from __future__ import annotations

from dataclasses import replace as with_changes

from .case import Case, Status, Step, replace
from .commands import said_again
from .effect import Record, Ring
from .hand_off import revised_once
from .journal_events import Event
from .marks import Mark
from .phone_answer import always_key, count_choice, not_a_key
from .phone_asking import (
    callback_line,
    decide,
    go_on,
    greet,
    in_menu,
    language_menu,
    may_ask_psap,
    other_languages,
    part_choices,
    place_by_human,
    repeat,
    speak_in,
    speech_notice,
    status_menu,
    who_we_are,
)
from .phone_place import (
    EMERGENCY,
    NONE,
    NUMBER,
    PERSON,
    REPEAT,
    UNREAD,
    ask_number,
    ask_street,
    keyed,
    number_said,
    read_back,
    whole,
    with_number,
)
from .phone_script import (
    CLOSING,
    FIRST_SILENCE,
    LATER_SILENCE,
    MENU,
    SAME_KEY,
    WITH_HUMAN,
    WRONG_KEYS,
    At,
    Heard,
    Line,
    Position,
    Spoken,
    Surroundings,
    closing,
    cut_off,
    hang_up,
    unspoken,
)
from .phone_speech import names_no_place, raised_by_words, spoken_answer, told_more
from .phone_waiting import calls_again, confirmed, in_queue, put_through, to_human, waiting_key
from .program import INTERPRETER
from .protocol import SKIPPED
from .questions import stands_at
from .reply import Command, CommandName, Danger, PlaceGiven
from .routing import Scene
from .safe_contact import may_hear_status, status_key
from .said import Said
from .screening import conclude

# ---- the first words -----------------------------------------------------------------------------


def begin(case: Case, scene: Scene, around: Surroundings) -> Spoken:
    """Decide the first words of an inbound call. Somebody in danger goes to a human; somebody with
    an open request is told that it is known; otherwise the open question is asked (rule 10)."""
    told = _begin(case, scene, around)
    return with_changes(told, step=revised_once(case, told.step))


def _begin(case: Case, scene: Scene, around: Surroundings) -> Spoken:
    case = case.marked(scene.now, Mark.ON_LINE)
    case = case if Mark.OPENED in case.marks else case.marked(scene.now, Mark.OPENED, Mark.HEARD)
    started = Step(case, (Record(Event.CALL_BEGAN),))
    if around.callback_line:
        return callback_line(started, scene)
    if around.other_tongue and not (case.in_danger or case.held or case.left):
        # no screening in a language they may not know: a person, and an interpreter (rule 26)
        case = said_again(replace(case, interpreter=True), frozenset({Said.PERSON}), scene)
        step = unspoken(conclude(case, started.effects, scene))
        rings = (Ring(INTERPRETER),) if scene.program.numbers.interpreter else ()
        keys = ("spoken.silent.three", *(("spoken.interpreter",) if rings else ()))
        asks = tuple(Line(key, language=tag) for tag in around.languages[:2] for key in keys)
        step = Step(step.case, (*step.effects, *rings))
        return to_human(step, Position(), scene, (*who_we_are(around), *asks))
    if case.in_danger or case.held or case.left:
        step = calls_again(case, scene)
        step = Step(step.case, (*started.effects, *step.effects))
        return to_human(step, Position(), scene, (*who_we_are(around), Line("spoken.known")))
    if (
        case.said & {Said.CARE_NOTE, Said.WRITES_OFTEN, Said.AFTER_DANGER}
        and case.status == Status.SCREENING
    ):
        step = conclude(case, started.effects, scene)
        if step.case.in_danger:
            return to_human(unspoken(step), Position(), scene, who_we_are(around))
        case, started = step.case, unspoken(step)
    if case.status != Status.SCREENING:
        return status_menu(started, Position(), (*who_we_are(around), *speech_notice(scene)))
    return greet(started, scene, around)


def _expected(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Handle a key on the callback line. 1: they expected a call. If they have a request, a human
    is asked; otherwise they get the greeting."""
    if key != "1":
        return not_a_key(case, position, scene, around)
    around = with_changes(around, callback_line=False)
    if case.status == Status.SCREENING and not case.answers and not case.in_danger:
        return _begin(case, scene, around)
    return go_on(decide(case, Command(CommandName.PERSON), scene), position, scene)


# ---- a key, a silence, words ---------------------------------------------------------------------


def hear(
    case: Case, position: Position, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Decide what a key, words or a silence change, by what the caller heard last. Total: every
    input in every position leads to words, a person or an end."""
    told = _hear(case, position, heard, scene, around)
    return with_changes(told, step=revised_once(case, told.step))


def _hear(
    case: Case, position: Position, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    key = heard.digits if len(heard.digits) == 1 else "?" if heard.digits else ""
    again = (
        key != ""
        and position.at != At.NUMBER  # all its digits come as one
        and key == position.key
        and position.key_at is not None
        and heard.at - position.key_at < SAME_KEY
    )
    moved = (case.in_danger or case.held or case.left) and position.at not in WITH_HUMAN
    if again and not moved:  # one press: what it cut off is said once more, and nothing counts
        return _once_more(case, position, scene, around)
    scene = with_changes(scene, aloud=True, read_at=position.read_at or heard.at)
    if case.ended and position.at not in WITH_HUMAN:  # here, or by staff meanwhile
        return _after_the_end(case, position, key or heard.words)
    before = position
    position = with_changes(
        position, key=key, key_at=heard.at if key else position.key_at,
        said=cut_off(position, heard.at),
    )  # fmt: skip
    if key or heard.words:
        case = case.marked(heard.at, Mark.HEARD)
    if position.at == At.CLOSING and not key and not heard.words:
        return hang_up(case, position)  # they were told that they may
    if moved:
        # a text, or a human, changed the case meanwhile
        return to_human(calls_again(case, scene), position, scene)
    if before.silent == 2 and key and position.at in (At.ASKED, At.GREETING):
        # "any key" is any: also one that has a meaning elsewhere
        return _cannot_talk(case, position, scene)
    if position.at in _ALWAYS and key in ("0", "9", "*"):
        return always_key(case, key, position, scene, around)
    if not key and not heard.words and position.at not in WITH_HUMAN:
        return _silence(case, position, scene, around)
    position = with_changes(position, silent=0)
    return _HEAR[position.at](case, position, key, heard, scene, around)


def _once_more(case: Case, position: Position, scene: Scene, around: Surroundings) -> Spoken:
    """One press that came twice, by a finger or by a key that bounces: the second has cut off what
    the first one got, and nobody can tell how much of it was heard."""
    waits = position.at in (At.WAITING, At.CONFIRM)
    if not position.said or (position.at in WITH_HUMAN and not waits) or (waits and case.ended):
        return repeat(Step(case), position, scene, around)
    if waits:
        return in_queue(case, position, position.said, question=position.asks)
    listens = CLOSING if position.at == At.CLOSING else FIRST_SILENCE
    return Spoken(Step(case), position, position.said, question=position.asks, listens=listens)


def _after_the_end(case: Case, position: Position, said: str) -> Spoken:
    """Handle input after the request has ended. 0 opens a new one (casework/resident_call.py);
    nothing else does."""
    if position.at not in (At.CLOSING, At.OVER):
        return closing(Step(case), position, (Line("spoken.wait.closed"),))
    return _said_again(case, position) if said else hang_up(case, position)


def _silence(case: Case, position: Position, scene: Scene, around: Surroundings) -> Spoken:
    """Handle silence: the question is asked twice more, in other words; then a person is asked
    (rule 2)."""
    silent = position.silent + 1
    position = with_changes(position, silent=silent)
    if position.at == At.CALLBACK_LINE and silent == 2:
        return hang_up(case, position)
    if silent == 1:
        lines: tuple[Line, ...] = (Line("spoken.silent.one"),)
        if position.at == At.GREETING and _third_is_free(case, position, scene):
            lines = (*lines, *other_languages(around))
        return repeat(Step(case), position, scene, around, lines, listens=LATER_SILENCE)
    if silent == 2 and position.at in (At.ASKED, At.GREETING):
        return Spoken(
            Step(case), position, (Line("spoken.silent.two"),), question=0, listens=LATER_SILENCE
        )
    step = decide(case, Command(CommandName.PERSON), scene)
    return go_on(step, position, scene, (Line("spoken.silent.three"),))


def _cannot_talk(case: Case, position: Position, scene: Scene) -> Spoken:
    """Handle a key after "if you cannot talk, press any key": a danger sign (rule 11)."""
    step = decide(case, Danger((Said.HIDING,)), scene)
    return go_on(step, with_changes(position, silent=0), scene)


def _greeted(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Handle a key during the greeting: it answers the open question, or chooses a language until
    half of that question is spoken. 3 chooses a language for as long as the question has no third
    answer."""
    others = around.languages[1:]
    early = position.read_at is not None and heard.at < position.read_at
    third = key == "3" and (early or _third_is_free(case, position, scene))
    if others and ((key == "2" and early) or (third and len(others) == 1)):
        return speak_in(case, others[0], position, scene, around)
    if others and third:
        return language_menu(Step(case), position, around)
    return _answered(case, with_changes(position, at=At.ASKED), key, heard, scene, around)


def _choices(case: Case, position: Position, scene: Scene) -> tuple[str, ...]:
    """The codes of the open part, in the order of its keys."""
    protocol = scene.program.protocol
    part = protocol.part(position.part)
    return part_choices(case, part, protocol.question(part.question))


def _third_is_free(case: Case, position: Position, scene: Scene) -> bool:
    """Is 3 no answer to the open question, so that it can choose a language?"""
    return len(_choices(case, position, scene)) < 3


def _chose_language(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    pages = -(-len(around.languages) // MENU)
    if key == "8":
        return language_menu(Step(case), position, around, (position.page + 1) % pages)
    shown = in_menu(around, position.page)
    if key.isdecimal() and 1 <= int(key) <= len(shown):
        return speak_in(case, shown[int(key) - 1], position, scene, around)
    return not_a_key(case, position, scene, around)


def _answered(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Handle a key, or words, as the answer to the question that was asked, whatever was texted
    meanwhile."""
    protocol = scene.program.protocol
    part = protocol.part(position.part)
    question = protocol.question(part.question)
    case = replace(stands_at(protocol, case, question.id, scene.now), asked_aloud=True)
    if heard.words:
        return spoken_answer(case, position, heard, scene, around)
    if key == "8" and not question.follow_up:
        left = tuple(line for line in position.said if line.key != "spoken.preamble")
        position = with_changes(position, said=left)  # it ends with this key
        return repeat(Step(case), position, scene, around, (Line("spoken.police"),))
    if key == "#":
        return count_choice(case, part, question, SKIPPED, position, scene)
    codes = _choices(case, position, scene)
    if key.isdecimal() and 1 <= int(key) <= len(codes):
        return count_choice(case, part, question, codes[int(key) - 1], position, scene)
    return not_a_key(case, position, scene, around)


# ---- the place -----------------------------------------------------------------------------------


def _number_keyed(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Handle the house number, a command after `*`, or the whole place in words."""
    if (raised := raised_by_words(case, position, heard, scene, around)) is not None:
        return raised
    speech, words = scene.program.phone.speech, heard.words.strip()
    said = number_said(words)
    if speech and not said and (asked := names_no_place(case, position, scene, around)) is not None:
        return asked
    if speech and words and not said:
        return read_back(case, position, whole(position, heard), scene)
    means, number = (NUMBER, said) if speech and said else keyed(heard.digits)
    case = with_number(case, number)
    if means == PERSON:
        return place_by_human(case, position, scene)
    if means in (EMERGENCY, REPEAT):
        return always_key(case, "9" if means == EMERGENCY else "*", position, scene, around)
    if means == UNREAD:
        return not_a_key(case, position, scene, around)
    if means == NONE:
        return ask_street(case, position) if speech else place_by_human(case, position, scene)
    position = with_changes(position, house=number)
    told = ask_street(case, position) if speech else read_back(case, position, number, scene)
    if number == "911":  # a house may have that number; a person in danger may mean the other
        told = with_changes(told, lines=(Line("spoken.say.call_911"), *told.lines))
        told = with_changes(told, question=told.question + 1)
    return told


def _place_said(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Handle the street or corner, by speech: it is read back before it counts."""
    if (raised := raised_by_words(case, position, heard, scene, around)) is not None:
        return raised
    if not heard.words.strip():
        if key == "#":
            return place_by_human(case, position, scene)
        return not_a_key(case, position, scene, around)
    if (asked := names_no_place(case, position, scene, around)) is not None:
        return asked
    return read_back(case, position, whole(position, heard), scene)


def _read_back(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Handle the answer to "is that the place?". After a "no" it is asked once more, then by a
    person."""
    if key == "1" and position.place == position.house:  # the street is still to be asked for
        return place_by_human(case, position, scene)
    if key == "1":
        from_words = replace(
            stands_at(scene.program.protocol, case, "where", scene.now), asked_aloud=True,
            house_number="", place_said="",
        )  # fmt: skip
        step = decide(from_words, PlaceGiven(position.place), scene)
        return go_on(step, with_changes(position, place="", house="", tries=0), scene)
    if key == "2" and position.tries < 1:
        return ask_number(case, with_changes(position, tries=position.tries + 1), scene)
    if key in ("2", "#"):
        return place_by_human(case, position, scene)
    return not_a_key(case, position, scene, around)


# ---- an open request, and the end ----------------------------------------------------------------


def _status_asked(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Handle a key in the status menu: 1 tells the status, as far as a number alone may hear it; 2
    says that it got worse. Until the menu was spoken, the keys of the greeting choose a
    language."""
    others = around.languages[1:]
    if position.read_at is not None and heard.at < position.read_at:
        if key == "2" and others:
            return speak_in(case, others[0], position, scene, around)
        if key == "3" and len(others) > 1:
            return language_menu(Step(case), position, around)
    if (told := told_more(case, position, heard, scene, around)) is not None:
        return told
    if around.words is not None and around.words.number in (1, 2):
        key = str(around.words.number)
    if key == "1":
        verified = may_hear_status(case, verified=False)
        words = Line(_heard_status(case) if verified else "spoken.status.not_by_number")
        position = with_changes(position, choice="status")  # the other key still means "worse"
        return closing(Step(case, (Record(Event.STATUS_BY_CALL),)), position, (words,))
    if key == "2":
        return go_on(decide(case, Command(CommandName.WORSE), scene), position, scene)
    return not_a_key(case, position, scene, around)


def _heard_status(case: Case) -> str:
    """The key of the spoken words for the case's status."""
    return status_key(case).replace("status.", "update_call.", 1)


def _closed(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Handle a key after the last words. Somebody who heard the status may still say that it got
    worse. Somebody who wants 911 may be put through if their PSAP's line is known; that takes two
    keys, as in the queue."""
    if (told := told_more(case, position, heard, scene, around)) is not None:
        return told
    if key == "2" and position.choice == "status":
        return go_on(decide(case, Command(CommandName.WORSE), scene), position, scene)
    if key == "7" and may_ask_psap(case, scene):
        position = with_changes(position, choice="psap")
        return Spoken(Step(case), position, (Line("spoken.wait.confirm_psap"),), question=0)
    sure = position.read_at is None or heard.at >= position.read_at
    if key == "1" and position.choice == "psap" and sure:
        return put_through(case, position, scene)
    kept = position.choice if position.choice == "status" else ""  # "worse" stays possible
    return _said_again(case, with_changes(position, choice=kept))


def _said_again(case: Case, position: Position) -> Spoken:
    """Repeat the last words after any other key; after too many, end the call."""
    position = with_changes(position, wrong=position.wrong + 1)
    if position.wrong >= WRONG_KEYS:
        return hang_up(case, position)
    return closing(Step(case), position, ())


# ---- what is heard where -------------------------------------------------------------------------

# where a number is keyed these keys are its digits (core/phone_place.py)
_ALWAYS = frozenset(At) - WITH_HUMAN - {At.OVER, At.NUMBER}


_HEAR = {
    At.GREETING: _greeted, At.CALLBACK_LINE: _expected, At.MENU: _chose_language,
    At.ASKED: _answered, At.NUMBER: _number_keyed, At.PLACE: _place_said,
    At.READ_BACK: _read_back, At.STATUS: _status_asked,
    At.WAITING: waiting_key, At.CONFIRM: confirmed, At.CALLED: waiting_key,
    At.LEAVING: waiting_key, At.MEETING: waiting_key, At.CLOSING: _closed, At.OVER: _closed,
}  # fmt: skip
