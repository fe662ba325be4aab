"""Decides one turn: what a resident's text changes, what is asked next and what must happen.

`advance` takes these steps in this order (docs/safety-rules.md): ignore a repeated text; obey what
takes contact back; let a human lead the conversation, or read and apply the reply; recompute the
level; page people if a danger is new; then ask the next question or route the case.
"""

from __future__ import annotations

from dataclasses import replace as with_changes
from datetime import datetime

from . import hand_off
from .after_hand_off import hear_after_hand_off, human_near
from .answers import deaf_by_words, readable, record_answer, take_answer, take_place
from .case import Case, Status, Step, replace
from .commands import ALONE, COMMANDS, NO_REQUEST, in_a_sentence, said_again
from .completion import outside_words, settle
from .contact_given_back import contact_given_back
from .corrections import (
    corrects_place,
    names_better_place,
    place_corrected,
    place_unasked,
    who_told,
)
from .due_times import last_of
from .effect import Alert, Ask, Effect, HandOff, OptOut, Record, Say
from .escalation import page_rung
from .held_conversation import while_held, while_left
from .inquiries import answer_inquiry
from .journal_events import Event
from .ledger import end
from .marks import Mark
from .outcome import Outcome
from .protocol import UNREADABLE, UNSURE, Level, Protocol, Question
from .questions import (
    after_hand_off,
    ask,
    carrier_holds,
    greet,
    next_part,
    next_question,
    seen_question,
    stands_at,
)
from .reach import CannotText
from .reading import names_number
from .repetition import (
    SAME_WITHIN,
    SAME_WORDS,
    fingerprint_of,
    never_twice,
    same_words,
    says_nothing_new,
    slow_in_danger,
)
from .reply import (
    Answer,
    Command,
    CommandName,
    Danger,
    Farewell,
    Inquiry,
    Nothing,
    OtherLanguage,
    PlaceGiven,
    Reaction,
    Reading,
    Reply,
    Story,
    Thanks,
    Unclear,
    Wish,
    Withdrawal,
)
from .routing import Scene
from .safe_contact import catch_up_words, deferred_words, gated, sensitive
from .said import Said
from .turn_steps import (
    LINES,
    add_to_narrative,
    alert_accepter,
    counted_kinds,
    danger_words,
    forward_words,
    keep_violence,
    next_line,
    recompute,
    withdraw_contact,
    without_acknowledgement,
)
from .vocabulary import normal

# alerts that carry the resident's words
WORDS_TOLD = ("alert.words", "alert.danger", "alert.again")


def advance(
    case: Case,
    reading: Reading,
    said: str,
    scene: Scene,
    heard_at: datetime,
    delivered: datetime | None = None,
) -> Step:
    """Decide what one text of the resident changes and causes.

    `heard_at` is when the text reached us and `scene.now` when it is decided. `delivered` is when
    the open question is known to have reached the resident; None: not known, so it counts as
    delivered `clocks.unseen` seconds after it was sent.
    """
    first = not case.marks
    fingerprint = fingerprint_of(case, said)
    if (
        not first
        and scene.by_text
        and case.recent
        and case.recent[-1][1] == fingerprint
        and not readable(case, scene, heard_at, delivered)
    ):
        # a repeated webhook may carry another message id: one reply only (rule 8)
        return Step(case.marked(heard_at, Mark.HEARD), (Record(Event.REPEATED),))
    repeats = sum(
        1
        for at, words in case.recent
        if words == fingerprint and heard_at - datetime.fromisoformat(at) <= SAME_WITHIN
    )
    case, reading = _as_watched(case, reading, heard_at)
    if _reports_own_deed(case, reading, said, first):
        kinds = reading.reply.kinds if isinstance(reading.reply, Danger) else ()
        reading = with_changes(reading, reply=Danger(("attempt", *kinds)))
    case = _note_text(case, reading, heard_at, fingerprint, first)
    if first and _asks_for_nothing(case, reading):
        return _answer_without_request(case, reading, scene)
    if case.held:
        return while_held(case, reading, said, scene, heard_at)
    if (
        repeats + 1 >= SAME_WORDS
        and says_nothing_new(case, reading)
        and not slow_in_danger(case, heard_at)
    ):
        return same_words(case, said, scene)
    if case.left:
        return while_left(case, reading, said, scene)
    case, closing = withdraw_contact(case, reading)
    if closing and case.violent and isinstance(reading.reply, Withdrawal):
        return _only_ok(add_to_narrative(case, said), closing, scene)
    step = _apply(case, reading, said, scene, heard_at, delivered)
    step = Step(step.case, closing + step.effects)
    if _stands_alone(reading.reply, step, first):
        step = _end_no_request(step, scene) if first else _alert_stopped(step)
        return Step(step.case, gated(step.case, step.effects)[0])
    missed = catch_up_words(step.case, unasked=False)
    effects = (*step.effects, *(effect for effect in missed.effects if effect not in step.effects))
    step = conclude(missed.case, effects, scene)
    late = deferred_words(step.case)
    effects = _without_lines(step.effects) if late.effects else step.effects
    step = _word_to_words(case, Step(late.case, (*late.effects, *effects)))
    step = _add_preamble(step, scene, first)
    step = _alert_accepter_of_words(case, step, reading.reply, said)
    return never_twice(Step(step.case, gated(step.case, step.effects)[0]))


def _word_to_words(before: Case, step: Step) -> Step:
    """In danger a third text that answers nothing ends the question as doubt. Their words get a
    word of ours as well, and not the next question alone: "fine ill just do it then" (rule 4)."""
    case = step.case
    gave_up = case.answers.get(before.asked) == UNREADABLE != before.answers.get(before.asked)
    if not (before.in_danger and gave_up) or any(isinstance(each, Say) for each in step.effects):
        return step
    case, words = next_line(case, LINES)
    return Step(case, (words, *step.effects))


def _alert_accepter_of_words(before: Case, step: Step, reply: Reply, said: str) -> Step:
    """Once somebody has accepted a danger, send every text of the resident to their phone, answers
    to questions included (rule 7)."""
    case = step.case
    if (
        not (case.in_danger and case.human_has_it and case.accepted_by)
        or case.ended
        or not said.strip()
    ):
        return step
    new = isinstance(reply, Danger) and bool(set(counted_kinds(before, reply)) - before.said)
    alerts = [
        effect
        for effect in step.effects
        if isinstance(effect, Alert)
        and effect.name == case.accepted_by
        and effect.key in WORDS_TOLD
    ]
    key = "alert.danger" if new else alerts[0].key if alerts else "alert.words"
    others = tuple(effect for effect in step.effects if effect not in alerts)
    return Step(case, (*others, Alert(key, case.accepted_by, said.strip())))


# ---- before the reply is applied -----------------------------------------------------------------


def found_out(case: Case, reading: Reading) -> bool:
    """May the phone be in other hands? True for "wrong number" or "this is her husband" where
    danger is known or a human leads the conversation. The case then counts as watched: software
    stays silent and a human reads (rules 9 and 25)."""
    reply = reading.reply
    if isinstance(reply, Command) and reply.name == CommandName.PERSON and not reply.alone:
        # "its her husband, you can call me": after violence he learns nothing
        return case.violent and Wish.OTHER_HANDS in reading.wishes
    if isinstance(reply, (Withdrawal, Answer)):
        # "this is her husband, dont text her": nor is he asked where she is
        return Wish.OTHER_HANDS in reading.wishes and (sensitive(case) or case.held)
    return (
        isinstance(reply, Inquiry)
        and reply.about == Wish.OTHER_HANDS
        and (sensitive(case) or case.held)
    )


def _as_watched(case: Case, reading: Reading, heard_at: datetime) -> tuple[Case, Reading]:
    """What somebody else's hand writes is silence (`found_out`). What it takes back is closed all
    the same, and opens no window for a human (rule 10)."""
    if not found_out(case, reading):
        return case, reading
    if reading.closing:
        case = replace(case, withdrawn=case.withdrawn | reading.closing)
        case = case.marked(heard_at, Mark.WITHDRAWN)
    return case, with_changes(reading, reply=Command(CommandName.WATCHED, alone=False))


SELF_HARM = frozenset({"suicide", "attempt", "overdose", "own_weapon", "breathing", "place"})
SHORT_DEED = 4  # longest first text, in words, that may be only "I already did it"


def _reports_own_deed(case: Case, reading: Reading, said: str, first: bool) -> bool:
    """Does the text say "I did it" or "ya me las tomé" about self-harm? Only where self-harm is
    feared, or in a short first text. It is a danger of its own, even where the intention was known
    (rule 7)."""
    if Wish.DID_IT not in reading.wishes or isinstance(reading.reply, Answer):
        return False
    feared = SELF_HARM & case.said or case.answers.get("suicide", "no") != "no"
    return bool(feared) or (first and len(said.split()) <= SHORT_DEED)


def _note_text(
    case: Case, reading: Reading, heard_at: datetime, fingerprint: str, first: bool
) -> Case:
    """Record what every text changes: the time it was heard, that texts work, and that silence
    starts again."""
    recent = (
        *(
            (at, words)
            for at, words in case.recent
            if heard_at - datetime.fromisoformat(at) <= SAME_WITHIN
        ),
        (heard_at.isoformat(), fingerprint),
    )
    if case.awaits_answer:
        case = case.marked(heard_at, Mark.ANSWERED_RESIDENT)
    case = replace(case, said=case.said | reading.markers, recent=recent[-2 * SAME_WORDS :])
    if Wish.DEAF in reading.wishes:
        case = deaf_by_words(case)
    case = case.marked(heard_at, Mark.HEARD).unmarked(Mark.ASKED_AGAIN)
    if first:
        return case.marked(heard_at, Mark.OPENED)
    cannot_text = "" if case.cannot_text == CannotText.UNDELIVERED else case.cannot_text
    return replace(case, cannot_text=cannot_text, said=case.said - {Said.QUIET}).unmarked(
        Mark.REVIEW_PAGED
    )


def _asks_for_nothing(case: Case, reading: Reading) -> bool:
    """Do these first words begin no request? True for STATUS and the like, and for thanks, an
    answer or a reaction to a case that has ended."""
    reply = reading.reply
    if isinstance(reply, Command):
        return reply.name in NO_REQUEST and not in_a_sentence(reply, reading)
    if isinstance(reply, Inquiry) and Wish.WRONG_NUMBER in reading.wishes:
        return bool(case.related)
    return bool(case.related) and (
        isinstance(reply, (Thanks, Reaction)) or (reading.answerlike and isinstance(reply, Unclear))
    )


def _answer_without_request(case: Case, reading: Reading, scene: Scene) -> Step:
    """Thanks that are said again need no more words; whoever asks again hears it otherwise."""
    if isinstance(reading.reply, Inquiry):
        return _end_no_request(Step(case, (Say("wrong_number"),)), scene)
    if isinstance(reading.reply, Thanks):
        words = "" if case.answered_with == ("thanks.closed",) else "thanks.closed"
    else:
        words = "again.none" if case.answered_with == ("status.none",) else "status.none"
    said = bool(words) and not isinstance(reading.reply, Reaction)
    case = replace(case, answered_with=(words,)) if said else case
    return _end_no_request(Step(case, (Say(words),) if said else ()), scene)


def _end_no_request(step: Step, scene: Scene) -> Step:
    """Close a case that asked for nothing. It was opened only to keep the ledger complete."""
    return Step(end(step.case, Status.CLOSED, Outcome.NO_REQUEST, scene.now), step.effects)


def _only_ok(case: Case, closing: tuple[Effect, ...], scene: Scene) -> Step:
    """Answer "OK." and nothing else: contact was taken back after violence (rule 10)."""
    step = recompute(case, scene)
    effects_left = (
        *closing,
        *(effect for effect in step.effects if not isinstance(effect, (Say, Ask))),
    )
    case, effects = hand_off.revise(step.case, effects_left)
    return Step(case, gated(case, effects)[0])


def _stands_alone(reply: Reply, step: Step, first: bool) -> bool:
    """Is this STOP, START or HELP, which is answered without a question after it? HELP as the first
    text, or repeated, may be a plea and is not."""
    if not isinstance(reply, Command) or reply.name not in ALONE:
        return False
    if reply.name == CommandName.START:  # where nothing was stopped it is a beginning
        return any(isinstance(each, Say) for each in step.effects)
    return not (reply.name == CommandName.HELP and (first or Record(Event.PLEADS) in step.effects))


def _alert_stopped(step: Step) -> Step:
    """Tell whoever has the case that the resident stopped our texts."""
    case, effects = hand_off.revise(step.case, step.effects)
    stopped = any(isinstance(effect, OptOut) for effect in effects)
    alert = (Alert("alert.stopped", case.in_charge),) if stopped and case.in_charge else ()
    return Step(case, (*effects, *alert))


def _without_lines(effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """The effects without "we have your message, we are asking a person": what is said beside it,
    as that nobody has come yet or who has it, says the same or better."""
    return tuple(each for each in effects if not (isinstance(each, Say) and each.key in LINES))


def _add_preamble(step: Step, scene: Scene, first: bool) -> Step:
    """Insert the preamble before the first question. Where danger came first, it waits for the next
    reply (preamble, domain rules)."""
    case, effects = step.case, step.effects
    if not scene.by_text:  # the greeting, or the first screen, has said it
        return step
    if _asks_about_others(effects, case):
        return step
    dangerous = first and case.in_danger
    if dangerous or case.unread_language:
        return Step(case.marked(scene.now, Mark.PREAMBLE_OWED) if first else case, effects)
    if not first and Mark.PREAMBLE_OWED not in case.marks:
        return step
    preamble = greet(case, scene)
    if not first:
        preamble = preamble[:1]
    position = next(
        (place for place, effect in enumerate(effects) if isinstance(effect, Ask)), len(effects)
    )
    return Step(
        case.unmarked(Mark.PREAMBLE_OWED), effects[:position] + preamble + effects[position:]
    )


# ---- after anything changed ----------------------------------------------------------------------


def conclude(case: Case, effects: tuple[Effect, ...], scene: Scene) -> Step:
    """Recompute the level, page people for a new danger, then ask the next question or route the
    case."""
    before = case.level
    step = recompute(case, scene)
    case, effects = step.case, effects + step.effects
    if _outside(case, scene):  # said as soon as it is known (rule 16), not after what follows
        case = case.marked(scene.now, Mark.AREA_TOLD)
        effects += outside_words(case, scene)
    told = case.in_danger and any(isinstance(effect, Say) for effect in step.effects)
    if not case.ended and not case.held and not case.left:
        step = _ask_on(case, scene, quiet=_asked_enough(effects, before, case))
        case, effects = (
            step.case,
            effects + (_without_lines(step.effects) if told else step.effects),
        )
    return Step(*hand_off.revise(case, effects))


def _outside(case: Case, scene: Scene) -> bool:
    """Is it known while questions are open that no team can go there, and not told yet?"""
    wants_team = case.answers.get("want") == "team" and not case.in_danger
    open_yet = case.status == Status.SCREENING and Mark.AREA_TOLD not in case.marks
    outside = case.located in ("outside", "not_live")
    return scene.by_text and wants_team and open_yet and outside and not case.watched


def _asked_enough(effects: tuple[Effect, ...], before: Level | None, case: Case) -> bool:
    """Was this thanks, a text in a language we cannot read, or a question of whoever may hold the
    phone? Then no question follows it."""
    keys = {effect.key for effect in effects if isinstance(effect, Say)}
    if _asks_about_others(effects, case) and before == case.level:
        return True
    if "wrong_number" in keys:
        return True
    return "interpreter.line" in keys or ("thanks.open" in keys and before == case.level)


def _asks_about_others(effects: tuple[Effect, ...], case: Case) -> bool:
    """After violence, does somebody ask what was written here? "We cannot say who wrote to us" is
    all they read: an open question would say it (rules 10 and 25)."""
    keys = {effect.key for effect in effects if isinstance(effect, Say)}
    return case.violent and not keys.isdisjoint(("others.cannot_say", "others.legal"))


def _ask_on(case: Case, scene: Scene, quiet: bool = False) -> Step:
    """Put the next question, put the open one again, or settle the case when none is left."""
    protocol = scene.program.protocol
    if case.watched and scene.by_text:
        # software is silent, so nothing is put and nothing can be answered (rules 8 and 9); only
        # the question that had reached them before stays open
        unanswered = case.asked and (case.asked not in case.answers or case.asked in case.again)
        sent = unanswered and Mark.ASKED in case.marks
        return Step(case if sent else replace(case, asked="", unreadable=0, offered=()))
    if case.asked and protocol.question(case.asked).follow_up:
        if not case.in_danger:
            # a human who wrote leads: an open question waits (rules 7 and 20)
            quiet = quiet or human_near(case, scene)
            return (
                Step(case) if quiet else _put_question(case, protocol.question(case.asked), scene)
            )
        case = replace(case, asked="", unreadable=0, offered=())  # danger comes before follow-ups
    finished = (
        not case.asked
        and not case.in_danger
        and case.status != Status.SCREENING
        and Mark.ASKED in case.marks
    )
    if scene.aloud and case.in_danger:  # what is still open is the human's
        return Step(replace(case, asked="", offered=()))
    question = None if finished else _next(protocol, case, scene)
    if question is not None:
        return (
            Step(case)
            if quiet and case.asked
            else _put_question(case, question, scene)
            if not quiet
            else Step(case)
        )
    if not case.asked and (
        case.in_danger or case.status != Status.SCREENING or Mark.ASKED not in case.marks
    ):
        return Step(case)
    case = replace(case, asked="", unreadable=0, offered=())
    if not case.in_danger and scene.on_page and case.status == Status.SCREENING:
        return Step(case)  # they look it over, and send it (core/request_form.py)
    if not case.in_danger:
        return settle_and_follow_up(case, scene)
    # nothing is left to ask: say that the text arrived and whom to call meanwhile
    case, words = next_line(case, LINES)
    return Step(case, (words,))


def _next(protocol: Protocol, case: Case, scene: Scene) -> Question | None:
    if not scene.aloud:
        return next_question(protocol, case)
    part = next_part(protocol, case)
    return None if part is None else protocol.question(part.question)


def settle_and_follow_up(case: Case, scene: Scene) -> Step:
    """Settle the case, then put the question that is only asked after a hand-off (rule "short is a
    promise")."""
    step = settle(case, scene)
    name = after_hand_off(scene.program.protocol, step.case)
    if not name or (
        not step.case.revision and not any(isinstance(effect, HandOff) for effect in step.effects)
    ):
        return step
    asked = _put_question(step.case, scene.program.protocol.question(name), scene)
    return Step(asked.case, step.effects + asked.effects)


def _put_question(case: Case, question: Question, scene: Scene) -> Step:
    """Put a question, or put it again. The open question keeps its count of unreadable replies."""
    case = stands_at(scene.program.protocol, case, question.id, scene.now)
    notice: tuple[Effect, ...] = ()
    if (
        question.notice_minor
        and case.minor
        and Mark.MINOR_TOLD not in case.marks
        and not {Said.ABUSE, Said.DISCLOSURE} & case.said
    ):
        case, notice = case.marked(scene.now, Mark.MINOR_TOLD), (Say("minor.report"),)
    return Step(case, (*notice, ask(scene.program.protocol, case)))


# ---- applying one reply --------------------------------------------------------------------------


def _apply(
    case: Case,
    reading: Reading,
    said: str,
    scene: Scene,
    heard_at: datetime,
    delivered: datetime | None,
) -> Step:
    """Apply one reply, or put the question again whose answer it takes back."""
    if corrects_place(case, reading, said, scene, heard_at):
        return place_corrected(case, said, scene)
    if (told := who_told(case, reading, said, scene, heard_at)) is not None:
        return told
    if (given := contact_given_back(case, reading, said, scene)) is not None:
        return given
    if Wish.CORRECTS in reading.wishes and not isinstance(reading.reply, (Danger, Withdrawal)):
        corrected = _put_last_again(case, reading, said, scene)
        if corrected is not None:
            return corrected
    step = _apply_reply(case, reading, said, scene, heard_at, delivered)
    return _look_for_team(case, step, reading, said, scene)


def _look_for_team(before: Case, step: Step, reading: Reading, said: str, scene: Scene) -> Step:
    """The team says that it is there, and they write "nobody is here" or "where are they"; or it
    comes, and they write "wrong house". The unit alone may not be able to help: a human is asked to
    read it (rule 7), and what else they write then is put before one, too."""
    case, reply = step.case, reading.reply
    if before.response != "team" or not before.human_has_it or case.in_danger or case.ended:
        return step
    asks = isinstance(reply, Command) and reply.name == CommandName.STATUS
    asks_for_another = asks and before.about_another  # they hear no arrival (rule 10)
    if not (asks or isinstance(reply, (Story, Unclear, Nothing, Inquiry, PlaceGiven, Farewell))):
        return step
    arrived = before.status == Status.ARRIVED
    astray = Wish.NO_TEAM in reading.wishes and (arrived or not asks)
    astray = astray or (arrived and asks and not asks_for_another)
    if not arrived and not astray:
        return step
    case = said_again(case, frozenset({Said.WROTE_AGAIN}), scene)
    effects = step.effects
    if not any(isinstance(effect, Alert) for effect in effects):
        effects += alert_accepter(case, "alert.words", said.strip())
    if HandOff("wrote_again") not in effects:
        effects += forward_words(case)
    if not astray:
        return Step(case, effects)
    if Said.NO_TEAM not in case.said:
        case = replace(
            case, said=case.said | {Said.NO_TEAM}, round=case.round + 1, review_rung=0
        ).marked(scene.now, Mark.REVIEW_PAGED)
        effects += page_rung(case, "review", 0, scene)
    again = "heard.no_team" in case.answered_with  # nobody hears the same line twice
    if again or asks_for_another or not scene.by_text or sensitive(case):
        return Step(case, effects)
    return Step(case, (*(without_acknowledgement(effects)), Say("heard.no_team")))


def _apply_reply(
    case: Case,
    reading: Reading,
    said: str,
    scene: Scene,
    heard_at: datetime,
    delivered: datetime | None,
) -> Step:
    protocol, reply = scene.program.protocol, reading.reply
    if isinstance(reply, Command) and reply.name in COMMANDS:
        with_words = case if reply.alone else add_to_narrative(case, said)
        return _command(with_words, reply, reading, said, scene)
    question = seen_question(protocol, case, heard_at, scene.by_text)
    if isinstance(reply, Danger):
        return _danger_and_911(add_to_narrative(case, said), reply, reading, scene)
    if isinstance(reply, Answer) and question is not None:
        return _words_alone(case, question, reply, said, scene, delivered) or take_answer(
            add_to_narrative(case, said) if reading.worded else case,
            question,
            reply,
            scene,
            heard_at,
            delivered,
        )
    if isinstance(reply, PlaceGiven) and question is not None:
        return take_place(case, question, reply.text, scene)
    if isinstance(reply, Withdrawal):
        return Step(add_to_narrative(case, said))
    if isinstance(reply, Inquiry):
        return answer_inquiry(add_to_narrative(case, said), reply, reading, said, scene)
    if isinstance(reply, OtherLanguage):
        return _unread_language(add_to_narrative(case, said), reply, scene)
    if names_better_place(case, reply, said, scene):
        return place_unasked(case, reply, said, scene)
    return _unreadable_reply(case, reading, said, question, scene, heard_at, delivered)


def _words_alone(
    case: Case,
    question: Question,
    reply: Answer,
    said: str,
    scene: Scene,
    delivered: datetime | None,
) -> Step | None:
    """An answer to a question that cannot have reached them, or to a human who wrote after it, does
    not count unless it raises. The words are kept, and a human reads them (rules 8 and 20). None:
    it is an answer."""
    if question.raises(reply.choice):
        return None
    if scene.by_text and carrier_holds(case, delivered):
        reads = Said.STORY if case.status == Status.SCREENING else Said.WROTE_AGAIN
        case = said_again(add_to_narrative(case, said), frozenset({reads}), scene)
        return Step(case, (Record(Event.UNSEEN, {"question": question.id}), *forward_words(case)))
    if question.follow_up and human_since(case):
        return hear_after_hand_off(add_to_narrative(case, said), Story(), said, None, scene)
    return None


def human_since(case: Case) -> bool:
    """Did a human write after the open question was put? Then a reply is to the human (rule 20)."""
    asked = case.marks.get(Mark.ASKED)
    wrote = last_of(case, Mark.NOTED, Mark.ASKED_RESIDENT)
    return asked is not None and wrote is not None and wrote > asked


def _danger_and_911(case: Case, reply: Danger, reading: Reading, scene: Scene) -> Step:
    """Handle danger, and the wish for 911 in the same text."""
    step = _danger(case, reply, scene)
    if Wish.ABOUT_OTHERS in reading.wishes:  # whoever asks that learns nothing (rule 25)
        told = (Say("others.cannot_say"), Record(Event.ASKED_ABOUT_OTHERS))
        step = Step(step.case, (*step.effects, *told))
    if Wish.EMERGENCY_FOR_ME in reading.wishes:
        asked = said_again(step.case, frozenset({Said.EMERGENCY_FOR_ME}), scene)
        step = Step(asked.marked(scene.now, Mark.TOLD_911), step.effects)
    if any(isinstance(each, Say) for each in step.effects):
        return step
    wants_911 = reading.wishes & {Wish.EMERGENCY, Wish.EMERGENCY_FOR_ME}
    return Step(step.case, (Say("say.call_911"),) if wants_911 else ())


def _put_last_again(case: Case, reading: Reading, said: str, scene: Scene) -> Step | None:
    """ "Sorry, I meant yes": the question answered last is put again. Which answer they mean is
    not guessed; the level stays until then, and a "yes" to danger is doubt at once (rule 2). None
    where nothing was answered, or the screening is over."""
    protocol = scene.program.protocol
    choices = {each.id for each in protocol.questions if each.kind == "choice"}
    answered = [name for name in case.answers if name in choices]
    if not answered or (case.status != Status.SCREENING and not case.in_danger):
        return None
    last = answered[-1]
    answers = {name: choice for name, choice in case.answers.items() if name != last}
    if Wish.CORRECTS_TO_YES in reading.wishes and protocol.question(last).safety:
        answers[last] = UNSURE
    again = (last, *(name for name in case.again if name != last))
    changed = replace(case, answers=answers, again=again, asked="", offered=(), unreadable=0)
    case = keep_violence(case, changed)
    return Step(add_to_narrative(case, said), (Record(Event.CORRECTS, {"question": last}),))


def _command(case: Case, reply: Command, reading: Reading, said: str, scene: Scene) -> Step:
    """Apply a command. If it repeats what is known in danger, alert whoever accepted the case and
    answer in changing words."""
    name = CommandName.PERSON if reply.name == CommandName.PLEA else reply.name
    repeated = (
        name in case.said
        and case.in_danger
        and name in (CommandName.PERSON, CommandName.WORSE, CommandName.EMERGENCY_FOR_ME)
    )
    step = COMMANDS[reply.name](case, reply, reading, scene)
    if Record(Event.ASKED_TO_CANCEL) in step.effects and not case.in_danger:
        # whoever is on the way reads that they are not wanted
        told = alert_accepter(step.case, "alert.words", said.strip())
        step = Step(step.case, (*step.effects, *told))
    if not repeated:
        return step
    case, words = next_line(step.case, LINES)
    return Step(case, (*step.effects, words, *alert_accepter(case, "alert.again")))


def _danger(case: Case, reply: Danger, scene: Scene) -> Step:
    """Handle danger in free text: say what to do at once, page people, and ask `health` again (rule
    7). A kind that is already known gets its words once; whoever accepted the case is alerted
    again."""
    protocol = scene.program.protocol
    kinds = counted_kinds(case, reply)
    new = tuple(kind for kind in kinds if kind not in case.said)
    case = said_again(case, frozenset(kinds), scene)
    if not new and case.in_danger:
        case, words = next_line(case, LINES)
        return Step(case, (words, *alert_accepter(case, "alert.again")))
    answers = {name: answer for name, answer in case.answers.items() if name != "health"}
    again = ("health", *(name for name in case.again if name != "health"))
    case = replace(case, answers=answers, again=again, asked=case.asked or "health")
    if case.asked != "health" and protocol.question(case.asked).follow_up:
        case = replace(case, asked="health", unreadable=0)
    return Step(case, danger_words(case, new or kinds, protocol)[:2])


def _unread_language(case: Case, reply: OtherLanguage, scene: Scene) -> Step:
    """Send one line in their language and mark the case for an interpreter; a second such text
    pages a human now (rule 26)."""
    second = bool(case.unread_language)
    case = replace(case, unread_language=reply.tag, interpreter=True)
    case = said_again(
        case, frozenset({Said.UNREAD_TWICE if second else Said.UNREAD_LANGUAGE}), scene
    )
    return Step(
        case,
        (
            Say("interpreter.line", {"line": reply.line}),
            Record(Event.UNREAD_LANGUAGE, {"language": reply.tag}),
        ),
    )


def _unreadable_reply(
    case: Case,
    reading: Reading,
    said: str,
    question: Question | None,
    scene: Scene,
    heard_at: datetime,
    delivered: datetime | None,
) -> Step:
    """Handle words that answer nothing. They are kept; the third in a row for one question is
    itself an answer: doubt.

    A single first word such as "hi" is no request yet and is not kept with the case
    (core/ledger.py).
    """
    reply = reading.reply
    if isinstance(reply, Reaction):
        return Step(case)
    first = Mark.ASKED not in case.marks
    if isinstance(reply, (Story, Farewell)) or (
        not case.asked
        and not isinstance(reply, (Nothing, Thanks))
        and not (first and len(said.split()) < 2)
    ):
        case = add_to_narrative(case, said)
    telling = first or len(case.narrative) > 1 or Mark.TOLD_911 in case.marks
    telling = telling or names_number(normal(said))  # only a human may use another number
    told = isinstance(reply, (Story, Farewell))  # a goodbye as a first text is read, too
    if case.status == Status.SCREENING and told and telling:
        # reviewed without a page (rule 7)
        case = said_again(case, frozenset({Said.STORY}), scene)
    if first and case.related and Wish.NO_TEAM in reading.wishes:
        # "nobody came": what was promised in the request before is read by a human (promise 1)
        case = said_again(add_to_narrative(case, said), frozenset({Said.STORY}), scene)
    if first:
        return Step(case)  # the preamble and question 1 are the answer
    # a number that none of its choices has
    numbered = question is not None and reading.answerlike and isinstance(reply, Unclear)
    later = question is not None and question.follow_up and not numbered
    if (
        not case.asked
        or later
        or (not numbered and case.status != Status.SCREENING and not case.in_danger)
    ):
        return hear_after_hand_off(case, reply, said, question, scene)
    if question is None:
        return Step(case)  # written before the question was seen: keep the words, put the question
    if isinstance(reply, Story) and not readable(case, scene, heard_at, delivered):
        return Step(case, (Say("thanks_story"),))
    # kept for the team
    case = add_to_narrative(case, said) if case.in_danger and isinstance(reply, Unclear) else case
    case = replace(case, unreadable=case.unreadable + 1)
    if case.unreadable >= scene.program.protocol.unreadable_limit:
        return record_answer(case, question, UNREADABLE, scene)
    # "im 13" and "send someone" say something: "it did not understand" would be untrue (rule 22)
    understood = reading.markers or not reading.wishes.isdisjoint((Wish.DEAF, Wish.SENDS))
    story = understood and isinstance(reply, Unclear)
    return _put_again(case, Story() if story else reply, said, scene)


def _put_again(case: Case, reply: Reply, said: str, scene: Scene) -> Step:
    """Answer words that do not fit the open question. In danger they go to whoever accepted the
    case."""
    alerts = alert_accepter(case, "alert.words", said.strip()) if case.in_danger else ()
    if isinstance(reply, (Nothing, Story, Farewell)):
        return Step(
            case, (Say("unclear.media" if isinstance(reply, Nothing) else "thanks_story"), *alerts)
        )
    if isinstance(reply, Thanks) and not case.in_danger:
        return Step(case)  # "ok", "thanks": understood, and the question says the rest
    if scene.program.protocol.question(case.asked).kind == "place":
        return Step(case, (Say("unclear.place"), *alerts))
    if case.in_danger and any(letter.isalpha() for letter in said):
        # "me da miedo": no word about a computer that did not understand
        case, line = next_line(case, LINES)
        return Step(case, (line, *alerts))
    return Step(case, (Say("unclear.again" if case.unreadable > 1 else "unclear"), *alerts))
