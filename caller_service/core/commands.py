"""Applies commands that work at any time: STOP, START, HELP, 0, 911, a language, status, worse,
cancel, a code word, NEW."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace as with_changes
from datetime import datetime, timedelta

from .callback import book
from .case import Case, Status, Step, replace
from .effect import HandOff, OptIn, OptOut, Record, Say
from .journal_events import Event
from .ledger import end
from .marks import Mark
from .outcome import Outcome
from .promised_time import status_with_time
from .questions import ask, choose_anew, greet, stands_at
from .reach import CannotText
from .refusal import Refused
from .reply import Command, CommandName, Reading, Wish
from .routing import Scene
from .safe_contact import (
    catch_up_words,
    deferred_words,
    may_hear_status,
    sensitive,
    status_key,
    told_late,
)
from .said import Said

HELP_AGAIN = timedelta(minutes=10)  # HELP again within this time is a plea
# answered without a preamble and without a question
ALONE = frozenset({CommandName.STOP, CommandName.START, CommandName.HELP})
# these begin no request when no case is open
NO_REQUEST = frozenset(
    {
        CommandName.STATUS,
        CommandName.CANCEL,
        CommandName.CHANGE,
        CommandName.QUIET,
        CommandName.CODE,
    }
)
# While a human leads the conversation, software still obeys these and leaves the rest (rule 20).
OBEYED_WHEN_HELD = frozenset(
    {
        CommandName.STOP,
        CommandName.START,
        CommandName.HELP,
        CommandName.EMERGENCY,
        CommandName.EMERGENCY_FOR_ME,
        CommandName.LANGUAGE,
        CommandName.WATCHED,
        CommandName.CODE,
        CommandName.QUIET,
    }
)


def _stop(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """Send no more texts. After a carrier's own word (STOP) answers stop too; after violence other
    words get only "OK."."""
    words = (
        "stop.confirmed"
        if reply.of == "carrier"
        else "withdrawn.short"
        if case.violent
        else "stop.words"
    )
    said = (
        case.said - {Said.STOPPED_IN_WORDS}
        if reply.of == "carrier"
        else case.said | {Said.STOPPED_IN_WORDS}
    )
    case = replace(case, cannot_text=CannotText.STOPPED, said=said).marked(
        case.marks[Mark.HEARD], Mark.WITHDRAWN
    )
    return Step(case, (OptOut(), Say(words), Record(Event.OPTED_OUT)))


def _start(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """Texts again after a STOP. Whoever had stopped nothing begins with it, as with "hello", or
    goes on with the open question."""
    stopped = case.cannot_text == CannotText.STOPPED or Said.STOPPED_IN_WORDS in case.said
    begins = not case.on_web and (Mark.ASKED not in case.marks or bool(case.asked))
    if begins and not (stopped or case.cannot_text or case.withdrawn or case.held or case.left):
        return Step(case, (OptIn(),))
    case = replace(case, said=case.said - {Said.STOPPED_IN_WORDS})
    missed = catch_up_words(replace(case, cannot_text=""), unasked=False)
    late = deferred_words(missed.case)
    # the resident hears it now: no call is needed
    current = (
        late.case.unmarked(Mark.UNTOLD, Mark.NOT_REACHED) if late.case.in_danger else late.case
    )
    # START ends a STOP; only a human reopens contact that was taken back in words (rule 10)
    words = "start.replies" if "text" in case.withdrawn else "start.confirmed"
    step = Step(
        current, (OptIn(), Say(words), *late.effects, *missed.effects, Record(Event.OPTED_IN))
    )
    if not case.asked or case.held or case.left:
        return step
    again = stands_at(scene.program.protocol, step.case, case.asked, scene.now)
    # stopped before this request began: its first words did not arrive
    if stopped and Mark.WITHDRAWN not in case.marks and not case.answers and not case.in_danger:
        step = Step(again, (*step.effects, *greet(again, scene)))
    return Step(again, (*step.effects, ask(scene.program.protocol, again)))


def _help(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    # a second HELP is a plea, not the keyword
    if Mark.HELP_SAID in case.marks and scene.now - case.marks[Mark.HELP_SAID] < HELP_AGAIN:
        return Step(said_again(case, frozenset({Said.PERSON}), scene), (Record(Event.PLEADS),))
    case = case.marked(scene.now, Mark.HELP_SAID)
    # may be a plea, so it counts as a request (core/ledger.py)
    first = Mark.ASKED not in case.marks
    return Step(replace(case, said=case.said | {Said.HELP}) if first else case, (Say("help"),))


def _plea(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """ "Help me": as a first text it asks for what follows anyway, the preamble and the first
    question; later it asks for a person."""
    if Mark.ASKED not in case.marks:
        return Step(case)
    return Step(said_again(case, frozenset({Said.PERSON}), scene), (Record(Event.PLEADS),))


def _raise(word: str) -> Callable[[Case, Command, Reading, Scene], Step]:
    def raised(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
        return Step(said_again(case, frozenset({word}), scene))

    return raised


def said_again(case: Case, words: frozenset[str], scene: Scene) -> Case:
    """The case after something was said. A reason that a human set aside counts again if it is said
    again (rule 1)."""
    rules = {
        rule.because
        for rule in scene.program.protocol.rules
        if any(
            name == "said" and any_of & words
            for alternative in rule.when.alternatives
            for name, any_of, _ in alternative
        )
    }
    reinstated = rules & case.set_aside
    because = tuple(reason for reason in case.because if reason not in reinstated)
    return replace(
        case, said=case.said | words, set_aside=case.set_aside - reinstated, because=because
    )


def _emergency(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    words = Say("say.not_911" if reply.alone else "say.call_911")
    case = case.marked(scene.now, Mark.BARE_911) if reply.alone else case
    return Step(case.marked(scene.now, Mark.TOLD_911), (words, Record(Event.WANTS_911)))


def _emergency_for_me(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """They cannot call 911 themselves: page a human now and send the words at once (rule 11)."""
    case = said_again(case, frozenset({Said.EMERGENCY_FOR_ME}), scene).marked(
        scene.now, Mark.TOLD_911
    )
    return Step(case, (Say("say.call_911"), Record(Event.WANTS_911_CALLED)))


def _language(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    if reply.of not in scene.program.languages:
        return Step(case, (Say("language.not_here"),))
    again = (
        greet(case, scene)
        if not case.answers and Mark.ASKED in case.marks and not case.held
        else ()
    )
    return Step(
        replace(case, language=reply.of),
        (Say("language.changed"), *again, Record(Event.LANGUAGE, {"language": reply.of})),
    )


def _status(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    if not may_hear_status(case, reading.verified):
        return Step(case, (Say("status.received_only"),))
    if told_late(case):
        return Step(case, (Say("status.late"),))
    key = status_key(case)
    return Step(case, (status_with_time(case, key, scene.now) or Say(key),))


def in_a_sentence(reply: Command, reading: Reading) -> bool:
    """Does a sentence, rather than a whole message or a button, take the request back?"""
    return Wish.CANCELS in reading.wishes and not reply.alone


def _cancel(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """Cancel the request. In danger, violence or an argument only a human may; help continues (rule
    10). So it does where the word stands in a sentence, which may say more."""
    sentence = in_a_sentence(reply, reading)
    if sentence and Mark.ASKED not in case.marks:  # there is no request yet
        return Step(said_again(case, frozenset({Said.STORY}), scene))
    mine = may_hear_status(case, reading.verified)
    if sensitive(case) or case.held or not mine or sentence:
        case = replace(case, said=case.said | {Said.ASKED_TO_CANCEL}).marked(scene.now, Mark.REVIEW)
        if not case.in_danger and not case.human_has_it:  # "a person is asked to read it"
            case = said_again(case, frozenset({Said.WROTE_AGAIN}), scene)
        words = () if case.held else (Say("cancel.human"),)
        return Step(case, (*words, Record(Event.ASKED_TO_CANCEL), HandOff("asked_to_cancel")))
    stood_down = (HandOff("cancelled"),) if case.revision else ()
    case = end(case, Status.CANCELLED, Outcome.CANCELLED, scene.now)
    return Step(case, (Say("cancel.done"), Record(Event.CANCELLED), *stood_down))


def _change(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """Let the resident choose again what to do if no team is free; a human who has the case is
    told."""
    if (
        case.asked not in ("", "if_none_still", "if_none", "voicemail", "check")
        or case.in_danger
        or case.response != "team"
        or case.status == Status.SCREENING
        or not may_hear_status(case, reading.verified)
    ):
        return _status(case, reply, reading, scene)
    # the question is put at the end of the turn (screening.conclude)
    return Step(choose_anew(scene.program.protocol, case, scene.now))


def _quiet(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    return Step(replace(case, quiet=True), (Say("quiet.confirmed"), Record(Event.QUIET)))


def _code(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """Set a code word. Not once danger, violence or an argument is known: whoever holds the phone
    could lock the resident out."""
    if (case.code_word and not reading.verified) or sensitive(case):
        return Step(case, (Say("status.received_only"),))
    if not reply.of:
        return Step(case, (Say("code.unfit"),))
    return Step(replace(case, code_word=reply.of), (Say("code.kept"), Record(Event.CODE_WORD_SET)))


def _call_me(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """They ask to be called at a time. Booking a call opens contact: where calling was not called
    safe, a human is asked about it instead (rule 10)."""
    try:
        step = book(case, "resident", datetime.fromisoformat(reply.of), scene)
    except Refused:
        case = said_again(case, frozenset({Said.WROTE_AGAIN}), scene)
        again = "callback.by_human" in case.answered_with  # nobody hears the same line twice
        line = "callback.by_human.again" if again else "callback.by_human"
        return Step(case, (Say(line), Record(Event.CALLBACK_ASKED)))
    answers = tuple(
        with_changes(effect, unasked=False) if isinstance(effect, Say) else effect
        for effect in step.effects
    )
    return Step(step.case, answers)


COMMANDS: Mapping[CommandName, Callable[[Case, Command, Reading, Scene], Step]] = {
    CommandName.STOP: _stop,
    CommandName.START: _start,
    CommandName.HELP: _help,
    CommandName.PERSON: _raise(Said.PERSON),
    CommandName.PLEA: _plea,
    CommandName.WORSE: _raise(Said.WORSE),
    CommandName.WATCHED: _raise(Said.WATCHED),
    CommandName.EMERGENCY: _emergency,
    CommandName.EMERGENCY_FOR_ME: _emergency_for_me,
    CommandName.LANGUAGE: _language,
    CommandName.STATUS: _status,
    CommandName.CANCEL: _cancel,
    CommandName.CHANGE: _change,
    CommandName.QUIET: _quiet,
    CommandName.CODE: _code,
    CommandName.CALL_ME: _call_me,
}
