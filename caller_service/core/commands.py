"""What can be said at any time: STOP, START, HELP, 0, 911, a language, status, worse, cancelling, a code word."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .asking import ask, choose_anew, greet
from .case import Case, Status, Step, replace
from .effect import Effect, HandOff, OptIn, OptOut, Record, Say
from .ledger import end
from .reply import Command, Reading
from .routing import Scene
from .safe_contact import may_hear_status, owed, status_key, told_after_all, touchy

ALONE = frozenset({"stop", "start", "help"})  # answered without a preamble in front and a question behind
NO_REQUEST = frozenset({"status", "cancel", "change", "quiet", "code"})  # these ask for nothing when nothing is open
URGENT = frozenset({"worse", "person", "watched"})  # said again, these page again even when nothing about them is new


def _stop(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    case = replace(case, cannot_text="stopped")
    told: tuple[Effect, ...] = (OptOut(), Say("stop.confirmed"), Record("opted_out"))
    return Step(case, told)


def _start(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    missed = told_after_all(replace(case, cannot_text=""), unasked=False)
    late = owed(missed.case)
    step = Step(late.case, (OptIn(), Say("start.confirmed"), *late.effects, *missed.effects, Record("opted_in")))
    if case.asked:
        return step.then(ask(scene.program.protocol, case))
    return step


def _help(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    first = "asked" not in case.marks  # perhaps a plea: it counts as a request (core/ledger.py)
    return Step(replace(case, said=case.said | {"help"}) if first else case, (Say("help"),))


def _raise(word: str) -> Callable[[Case, Command, Reading, Scene], Step]:
    def raised(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
        before = word in case.said
        return Step(replace(case, said=case.said | {word}), (Say("again.human"),) if before and word != "watched" else ())

    return raised


def _emergency(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    return Step(case.marked(told_911=scene.now), (Say("say.call_911"), Record("wants_911")))


def _language(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    if reply.of not in scene.program.languages:
        return Step(case, (Say("language.not_here"),))
    again = greet(case, scene) if not case.answers and "asked" in case.marks else ()
    return Step(replace(case, language=reply.of), (Say("language.changed"), *again, Record("language", {"language": reply.of})))


def _status(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    if not may_hear_status(case, reading.verified):
        return Step(case, (Say("status.received_only"),))
    return Step(case, (Say(status_key(case)),))


def _cancel(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """Danger, violence and argument are cancelled by a human only: help goes on (rule 10)."""
    if touchy(case) or not may_hear_status(case, reading.verified):
        case = replace(case, said=case.said | {"asked_to_cancel"}).marked(review=scene.now)
        return Step(case, (Say("cancel.human"), Record("asked_to_cancel"), HandOff("asked_to_cancel")))
    stood_down = (HandOff("cancelled"),) if case.revision else ()
    case = end(case, Status.CANCELLED, "cancelled", scene.now)
    return Step(case, (Say("cancel.done"), Record("cancelled"), *stood_down))


def _change(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """What to do if no team is free can be chosen anew at any time; a human who has the case hears of it."""
    if (
        case.asked not in ("", "if_none_still", "if_none")
        or case.in_danger
        or case.response != "team"
        or not may_hear_status(case, reading.verified)
    ):
        return _status(case, reply, reading, scene)
    return Step(choose_anew(case, scene.now))  # the open question is put at the end of the turn (screening.conclude)


def _quiet(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    return Step(replace(case, quiet=True), (Say("quiet.confirmed"), Record("quiet")))


def _code(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    if case.code_word and not reading.verified:
        return Step(case, (Say("status.received_only"),))
    return Step(replace(case, code_word=reply.of), (Say("code.kept"), Record("code_word_set")))


COMMANDS: Mapping[str, Callable[[Case, Command, Reading, Scene], Step]] = {
    "stop": _stop,
    "start": _start,
    "help": _help,
    "person": _raise("person"),
    "worse": _raise("worse"),
    "watched": _raise("watched"),
    "emergency": _emergency,
    "language": _language,
    "status": _status,
    "cancel": _cancel,
    "change": _change,
    "quiet": _quiet,
    "code": _code,
}
