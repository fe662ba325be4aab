"""A resident's text while a human leads the conversation, or has led it (rules 20 and 21)."""

from __future__ import annotations

from datetime import datetime

from . import hand_off
from .case import Case, Step, replace
from .commands import COMMANDS, OBEYED_WHEN_HELD, said_again
from .disposition import reconsider
from .effect import Alert, Effects, Say
from .escalation import asked_instead
from .marks import Mark
from .reply import (
    Command,
    CommandName,
    Danger,
    Farewell,
    Inquiry,
    OtherLanguage,
    Reaction,
    Reading,
    Thanks,
    Wish,
)
from .routing import Scene
from .safe_contact import deferred_words, gated, stopped_in_words
from .said import Said
from .turn_steps import (
    LINES,
    add_to_narrative,
    counted_kinds,
    danger_words,
    forward_words,
    next_line,
    recompute,
    withdraw_contact,
)

ALERTS_HELD = {CommandName.WATCHED: "alert.watched", CommandName.STOP: "alert.stopped"}


def while_held(case: Case, reading: Reading, said: str, scene: Scene, heard_at: datetime) -> Step:
    """Handle a text while a human leads the conversation. Software obeys commands, gives the words
    that were asked for and those for a new kind of danger, and alerts the holder. It asks nothing
    and reads nothing as an answer."""
    if isinstance(reading.reply, Reaction):
        return Step(case)
    commanded = _obey(case, reading, scene)
    step, alert = _software_words_while_held(commanded, reading, scene, heard_at)
    late = deferred_words(step.case)
    step = Step(late.case, (*step.effects, *late.effects))
    if (
        step.case.in_danger
        and Mark.SPOKEN not in step.case.marks
        and not any(isinstance(effect, Say) for effect in step.effects)
    ):
        # taken over, and no human has written yet: the resident is not left without an answer
        answered, words = next_line(step.case, LINES)
        step = Step(answered, (*step.effects, words))
    case, closing = withdraw_contact(step.case, reading)
    case = add_to_narrative(case, said)
    if not isinstance(reading.reply, Thanks) or Mark.HUMAN_ASKED in case.marks:
        case = case.marked(case.marks.get(Mark.AWAITS_HUMAN, heard_at), Mark.AWAITS_HUMAN)
    case, pages = _raise_while_held(case, scene)
    effects = (*closing, *step.effects, *pages, Alert(alert, case.holder, said.strip()))
    case, effects = hand_off.revise(case, effects)
    return Step(case, gated(case, effects)[0])


def _software_words_while_held(
    step: Step, reading: Reading, scene: Scene, heard_at: datetime
) -> tuple[Step, str]:
    """What software may still say while a human leads, and the alert key for the holder."""
    case, reply = step.case, reading.reply
    goodbye = Wish.FAREWELL in reading.wishes or isinstance(reply, Farewell)
    if isinstance(reply, Danger):
        step, alert = _new_danger_while_held(case, reply, step.effects, scene, heard_at)
        return step, "alert.farewell" if goodbye and alert == "alert.words" else alert
    if _asks_who_wrote(reading):
        return Step(case, (*step.effects, Say("others.cannot_say"))), "alert.officer"
    if isinstance(reply, OtherLanguage):
        if case.unread_language == reply.tag:
            return step, "alert.language"
        case = replace(case, unread_language=reply.tag, interpreter=True)
        line = Say("interpreter.line", {"line": reply.line})  # once, in their script (rule 26)
        return Step(case, (*step.effects, line)), "alert.language"
    alert = ALERTS_HELD.get(reply.name, "") if isinstance(reply, Command) else ""
    if alert == "alert.stopped" and stopped_in_words(case):
        return step, "alert.withdrawn"
    return step, alert or ("alert.farewell" if goodbye else "alert.words")


def _new_danger_while_held(
    case: Case, reply: Danger, effects: Effects, scene: Scene, heard_at: datetime
) -> tuple[Step, str]:
    """Give the words for a new kind of danger once, and choose the holder's alert."""
    kinds = counted_kinds(case, reply)
    known = case.dangers if case.in_danger else ()
    new = tuple(kind for kind in kinds if kind not in known)
    # a human may have lowered the level: the danger counts again (rule 1)
    case = said_again(case, frozenset(kinds), scene)
    if not new:
        return Step(case, effects), "alert.words"
    if Mark.PAUSED in case.marks:  # the pause was announced before this danger was known
        case = case.unmarked(Mark.PAUSED).marked(heard_at, Mark.AWAITS_HUMAN)
    return Step(case, danger_words(case, new, scene.program.protocol)[:1]), "alert.danger"


def _asks_who_wrote(reading: Reading) -> bool:
    """Does an officer write, or somebody who asks about the resident? They may hold the phone (rule
    25)."""
    about = reading.reply.about if isinstance(reading.reply, Inquiry) else ""
    return about in (Wish.OFFICER, Wish.ABOUT_OTHERS, Wish.LEGAL)


def _obey(case: Case, reading: Reading, scene: Scene) -> Step:
    """Apply the commands that software still obeys while a human leads, or has led, the
    conversation (rule 20)."""
    reply = reading.reply
    if not isinstance(reply, Command):
        return Step(case, (Say("say.call_988"),) if Wish.CALL_988 in reading.wishes else ())
    if reply.name in OBEYED_WHEN_HELD:
        return COMMANDS[reply.name](case, reply, reading, scene)
    if reply.name == CommandName.CANCEL:
        return Step(replace(case, said=case.said | {Said.ASKED_TO_CANCEL}))
    named = CommandName.PERSON if reply.name == CommandName.PLEA else reply.name
    asks = frozenset({named}) & {Said.PERSON, Said.WORSE}
    # the danger was lowered, so "0" gets an answer
    answered = (Say("again.here"),) if asks and case.held and not case.in_danger else ()
    return Step(said_again(case, asks, scene), answered)


def _raise_while_held(case: Case, scene: Scene) -> tuple[Case, Effects]:
    """Raise the level of a held case and alert the holder; nobody new is paged. A danger that was
    lowered gets its clocks back.

    If this is the case's first danger and the holder has not written yet, or has no phone for
    alerts, the next person is paged at once (rule 3).
    """
    case, _ = reconsider(scene.program.protocol, case)
    if not case.in_danger or Mark.FIRST_PAGED in case.marks:
        return case, ()
    # what they wrote before the danger stays theirs; the truth waits for what they write to it
    case = case.marked(scene.now, Mark.FIRST_PAGED, Mark.ACKNOWLEDGED)
    rung = scene.program.rung_of(case.holder)
    if Mark.JOINED in case.marks and rung is not None and rung.number:
        return case, ()
    case = replace(case, round=case.round + 1, rung=-1)
    return asked_instead(case.marked(scene.now, Mark.PAGED, Mark.LAPSED), case.holder, scene)


def while_left(case: Case, reading: Reading, said: str, scene: Scene) -> Step:
    """Handle a text after a human returned the conversation or stopped answering; people are being
    paged again. Software acknowledges, obeys commands and gives the words for 911 and 988. It asks
    nothing and reads no answers until a human has lowered the danger (rule 20)."""
    reply = reading.reply
    if isinstance(reply, Reaction):
        return Step(case)
    commanded = _obey(case, reading, scene)
    case, effects = commanded.case, commanded.effects
    if isinstance(reply, Danger):
        kinds = counted_kinds(case, reply)
        new = tuple(kind for kind in kinds if kind not in case.dangers)
        case = said_again(case, frozenset(kinds), scene)
        effects = danger_words(case, new, scene.program.protocol)[:1]
    case, closing = withdraw_contact(case, reading)
    step = recompute(add_to_narrative(case, said), scene)
    late = deferred_words(step.case)
    case, effects = late.case, (*closing, *effects, *late.effects, *step.effects)
    if not any(isinstance(effect, Say) for effect in effects):
        case, words = next_line(case, LINES)
        effects = (words, *effects)
    case, effects = hand_off.revise(case, (*effects, *forward_words(case)))
    return Step(case, gated(case, effects)[0])
