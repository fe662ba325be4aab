"""What can be said at any time: STOP, START, HELP, 0, 911, a language, status, worse, cancelling, a
code word, NEW."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from .case import Case, Status, Step, replace
from .effect import HandOff, OptIn, OptOut, Record, Say
from .ledger import end
from .marks import Mark
from .outcome import Outcome
from .questions import ask, choose_anew, greet, stands_at
from .reach import CannotText
from .reply import Command, Reading
from .routing import Scene
from .safe_contact import catch_up_words, deferred_words, may_hear_status, sensitive, status_key
from .said import Said

HELP_AGAIN = timedelta(minutes=10)  # HELP again within this is somebody who asks for help
# answered without a preamble in front and a question behind
ALONE = frozenset({"stop", "start", "help"})
# these ask for nothing when nothing is open
NO_REQUEST = frozenset({"status", "cancel", "change", "quiet", "code"})
# A human speaks with them: software still obeys these, gives the words that were asked for, and
# leaves the rest (rule 20).
OBEYED_WHEN_HELD = frozenset(
    {
        "stop",
        "start",
        "help",
        "emergency",
        "emergency_for_me",
        "language",
        "watched",
        "code",
        "quiet",
    }
)


def _stop(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """No more texts. Only a carrier's own word keeps answers away too; after violence other words
    hear but "OK."."""
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
    return Step(case, (OptOut(), Say(words), Record("opted_out")))


def _start(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    case = replace(case, said=case.said - {Said.STOPPED_IN_WORDS})
    missed = catch_up_words(replace(case, cannot_text=""), unasked=False)
    late = deferred_words(missed.case)
    # said just now: nobody is rung for it
    told = late.case.unmarked(Mark.UNTOLD, Mark.NOT_REACHED) if late.case.in_danger else late.case
    # a STOP is over; what was taken back in words opens by a human alone (rule 10)
    words = "start.replies" if "text" in case.withdrawn else "start.confirmed"
    step = Step(told, (OptIn(), Say(words), *late.effects, *missed.effects, Record("opted_in")))
    if not case.asked or case.held:
        return step
    again = stands_at(scene.program.protocol, step.case, case.asked, scene.now)
    return Step(again, (*step.effects, ask(scene.program.protocol, again)))


def _help(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    # no keyword twice: a plea
    if Mark.HELP_SAID in case.marks and scene.now - case.marks[Mark.HELP_SAID] < HELP_AGAIN:
        return Step(said_again(case, frozenset({Said.PERSON}), scene), (Record("pleads"),))
    case = case.marked(scene.now, Mark.HELP_SAID)
    first = Mark.ASKED not in case.marks  # perhaps a plea: it counts as a request (core/ledger.py)
    return Step(replace(case, said=case.said | {Said.HELP}) if first else case, (Say("help"),))


def _raise(word: str) -> Callable[[Case, Command, Reading, Scene], Step]:
    def raised(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
        return Step(said_again(case, frozenset({word}), scene))

    return raised


def said_again(case: Case, words: frozenset[str], scene: Scene) -> Case:
    """The case after something was said. If a human had set it aside, saying it again counts anew
    (rule 1)."""
    rules = {
        rule.because
        for rule in scene.program.protocol.rules
        if any(
            name == "said" and any_of & words
            for alternative in rule.when.alternatives
            for name, any_of, _ in alternative
        )
    }
    anew = rules & case.set_aside
    because = tuple(reason for reason in case.because if reason not in anew)
    return replace(case, said=case.said | words, set_aside=case.set_aside - anew, because=because)


def _emergency(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    words = Say("say.not_911" if reply.alone else "say.call_911")
    case = case.marked(scene.now, Mark.BARE_911) if reply.alone else case
    return Step(case.marked(scene.now, Mark.TOLD_911), (words, Record("wants_911")))


def _emergency_for_me(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """They cannot call: a human, now, and the words at once (rule 11)."""
    case = said_again(case, frozenset({Said.EMERGENCY_FOR_ME}), scene).marked(
        scene.now, Mark.TOLD_911
    )
    return Step(case, (Say("say.call_911"), Record("wants_911_called")))


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
        (Say("language.changed"), *again, Record("language", {"language": reply.of})),
    )


def _status(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    if not may_hear_status(case, reading.verified):
        return Step(case, (Say("status.received_only"),))
    return Step(case, (Say(status_key(case)),))


def _cancel(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """Danger, violence and argument are cancelled by a human only: help goes on (rule 10)."""
    if sensitive(case) or case.held or not may_hear_status(case, reading.verified):
        case = replace(case, said=case.said | {Said.ASKED_TO_CANCEL}).marked(scene.now, Mark.REVIEW)
        words = () if case.held else (Say("cancel.human"),)
        return Step(case, (*words, Record("asked_to_cancel"), HandOff("asked_to_cancel")))
    stood_down = (HandOff("cancelled"),) if case.revision else ()
    case = end(case, Status.CANCELLED, Outcome.CANCELLED, scene.now)
    return Step(case, (Say("cancel.done"), Record("cancelled"), *stood_down))


def _change(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """What to do if no team is free can be chosen anew at any time; a human who has the case hears
    of it."""
    if (
        case.asked not in ("", "if_none_still", "if_none", "voicemail", "check")
        or case.in_danger
        or case.response != "team"
        or case.status == Status.SCREENING
        or not may_hear_status(case, reading.verified)
    ):
        return _status(case, reply, reading, scene)
    # put at the end of the turn (screening.conclude)
    return Step(choose_anew(scene.program.protocol, case, scene.now))


def _quiet(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    return Step(replace(case, quiet=True), (Say("quiet.confirmed"), Record("quiet")))


def _code(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """No code word can be set once danger, violence or an argument is known: whoever holds the
    phone could lock them out."""
    if (case.code_word and not reading.verified) or sensitive(case):
        return Step(case, (Say("status.received_only"),))
    return Step(replace(case, code_word=reply.of), (Say("code.kept"), Record("code_word_set")))


COMMANDS: Mapping[str, Callable[[Case, Command, Reading, Scene], Step]] = {
    "stop": _stop,
    "start": _start,
    "help": _help,
    "person": _raise(Said.PERSON),
    "worse": _raise(Said.WORSE),
    "watched": _raise(Said.WATCHED),
    "emergency": _emergency,
    "emergency_for_me": _emergency_for_me,
    "language": _language,
    "status": _status,
    "cancel": _cancel,
    "change": _change,
    "quiet": _quiet,
    "code": _code,
}
