"""One turn: what a text changes, what is asked next, what must happen (docs/safety-rules.md).

`advance` is the whole of it, in this order: the same words again -> what closes contact -> a human
speaks with them, or software reads and applies -> the level -> people are asked if danger is new ->
ask on, or route.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace as with_changes
from datetime import datetime, timedelta

from . import hand_off
from .case import Case, Status, Step, move, replace
from .commands import ALONE, COMMANDS, NO_REQUEST, OBEYED_WHEN_HELD, said_again
from .completion import FOLLOW_UPS, settle
from .disposition import reconsider
from .effect import Alert, Ask, Effect, Effects, HandOff, OptOut, Record, Say
from .escalation import asked_instead, page_rung
from .ledger import end
from .marks import Mark
from .outcome import Outcome
from .protocol import HUMAN_NOW, SKIPPED, UNREADABLE, UNSURE, Level, Protocol, Question, Rule, Words
from .questions import (
    after_hand_off,
    ask,
    asker,
    greet,
    next_question,
    readable_offer,
    seen_question,
    stands_at,
)
from .reach import CannotText
from .reply import (
    Answer,
    Command,
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
from .safe_contact import (
    Standing,
    catch_up_words,
    deferred_words,
    gated,
    sensitive,
    standing,
    stopped_in_words,
)
from .said import Said
from .service_area import locate
from .vocabulary import normal

LONGEST_NARRATIVE = 20  # texts kept for the team; all of them stay in the ledger of messages
FIRST_WORDS = 5  # of them the first: they tell what it is about
LONGEST_PLACE = 8  # words of a text that may be a place told before it was asked for
# alerts that carry the resident's words
WORDS_TOLD = ("alert.words", "alert.danger", "alert.again")
SAME_WORDS = 4  # the so-manyth text with the same words within SAME_WITHIN gets no answer
SAME_WITHIN = timedelta(minutes=10)
BY_HAND = timedelta(seconds=45)  # between two texts: an automatic reply comes sooner
# who wrote within this speaks with them: software puts no question behind the words
HUMAN_NEAR = timedelta(minutes=15)
ALERTS_HELD = {"watched": "alert.watched", "stop": "alert.stopped"}
# "we have your message" in danger, never the same twice
LINES = ("again.human", "again.waiting", "again.here")
READ_LINES = ("heard.one", "heard.two", "heard.three")  # the same outside danger


def advance(
    case: Case,
    reading: Reading,
    said: str,
    scene: Scene,
    heard: datetime,
    delivered: datetime | None = None,
) -> Step:
    """One text of the resident, read.

    `heard` is when it reached us, `scene.now` when it is decided; `delivered` when the open
    question is known to have reached them (None: not known; then it is taken as delivered `unseen`
    after it was sent).
    """
    first = not case.marks
    mark = _fingerprint(case, said)
    if (
        not first
        and case.recent
        and case.recent[-1][1] == mark
        and not _readable(case, scene, heard, delivered)
    ):
        # one reply, whatever its ids (rule 8)
        return Step(case.marked(heard, Mark.HEARD), (Record("repeated"),))
    often = sum(
        1
        for at, words in case.recent
        if words == mark and heard - datetime.fromisoformat(at) <= SAME_WITHIN
    )
    if found_out(case, reading):
        reading = with_changes(reading, reply=Command("watched", alone=False))
    if _did_it(case, reading, said, first):
        kinds = reading.reply.kinds if isinstance(reading.reply, Danger) else ()
        reading = with_changes(reading, reply=Danger(("attempt", *kinds)))
    case = _begun(case, reading, heard, mark, first)
    if first and _asks_for_nothing(case, reading):
        return _answered_closed(case, reading, scene)
    if case.held:
        return _while_held(case, reading, said, scene, heard)
    if (
        often + 1 >= SAME_WORDS
        and _says_nothing_new(case, reading)
        and not _slow_in_danger(case, heard)
    ):
        return _same_words(case, said, scene)
    if case.left:
        return _while_left(case, reading, said, scene)
    case, closing = _withdrawn(case, reading)
    if closing and case.violent and isinstance(reading.reply, Withdrawal):
        return _only_ok(_kept(case, said), closing, scene)
    step = _apply(case, reading, said, scene, heard, delivered)
    step = Step(step.case, closing + step.effects)
    if _stands_alone(reading.reply, step, first):
        step = _nothing_open(step, scene) if first else _stopped_told(step)
        return Step(step.case, gated(step.case, step.effects)[0])
    missed = catch_up_words(step.case, unasked=False)
    told = (*step.effects, *(effect for effect in missed.effects if effect not in step.effects))
    step = conclude(missed.case, told, scene)
    late = deferred_words(step.case)
    step = _greeted(Step(late.case, (*late.effects, *step.effects)), scene, first)
    step = _told_whoever_accepted(case, step, reading.reply, said)
    return Step(step.case, gated(step.case, step.effects)[0])


def _told_whoever_accepted(before: Case, step: Step, reply: Reply, said: str) -> Step:
    """From acceptance on every text of a danger reaches the human on their phone, also what answers
    a question (rule 7)."""
    case = step.case
    if (
        not (case.in_danger and case.human_has_it and case.accepted_by)
        or case.ended
        or not said.strip()
    ):
        return step
    new = isinstance(reply, Danger) and bool(set(_kinds(before, reply)) - before.said)
    told = [
        effect
        for effect in step.effects
        if isinstance(effect, Alert)
        and effect.name == case.accepted_by
        and effect.key in WORDS_TOLD
    ]
    key = "alert.danger" if new else told[0].key if told else "alert.words"
    others = tuple(effect for effect in step.effects if effect not in told)
    return Step(case, (*others, Alert(key, case.accepted_by, said.strip())))


# ---- before anything is read ---------------------------------------------------------------------


def found_out(case: Case, reading: Reading) -> bool:
    """ "Wrong number", "this is her husband", where danger is known or a human speaks with them: a
    cover, or somebody who found the phone. Either way they are watched: silence, and a human reads
    (rules 9 and 25)."""
    reply = reading.reply
    return (
        isinstance(reply, Inquiry)
        and reply.about == Wish.OTHER_HANDS
        and (sensitive(case) or case.held)
    )


SELF_HARM = frozenset({"suicide", "attempt", "overdose", "own_weapon", "breathing", "place"})
SHORT_DEED = 4  # words of a first text that may be nothing but "I already did it"


def _did_it(case: Case, reading: Reading, said: str, first: bool) -> bool:
    """ "I did it", "ya me las tomé": the deed itself, where one is feared, or as the first short
    words of all. It is a danger of its own, also where the intention is known (rule 7)."""
    if Wish.DID_IT not in reading.wishes or isinstance(reading.reply, Answer):
        return False
    feared = SELF_HARM & case.said or case.answers.get("suicide", "no") != "no"
    return bool(feared) or (first and len(said.split()) <= SHORT_DEED)


def _fingerprint(case: Case, said: str) -> str:
    """Tells the same words again, whatever their capitals and marks; kept sealed with the case."""
    return hashlib.sha256(" ".join((case.id, *normal(said))).encode()).hexdigest()[:16]


def _readable(case: Case, scene: Scene, heard: datetime, delivered: datetime | None) -> bool:
    """Can the open question have been read when this came? (rule 8)"""
    if not case.asked or Mark.ASKED not in case.marks:
        return True
    clocks = scene.program.clocks
    known = delivered is not None and delivered <= heard  # as far as was known when the reply came
    sent = case.marks[Mark.ASKED] + timedelta(seconds=clocks.unseen if clocks.read else 0)
    there = delivered if known and delivered is not None else sent
    return heard >= there + timedelta(seconds=clocks.read)


def _begun(case: Case, reading: Reading, heard: datetime, mark: str, first: bool) -> Case:
    """What every text does: it was heard, the line works, silence begins anew."""
    recent = (
        *(
            (at, words)
            for at, words in case.recent
            if heard - datetime.fromisoformat(at) <= SAME_WITHIN
        ),
        (heard.isoformat(), mark),
    )
    if case.awaits_answer:
        case = case.marked(heard, Mark.ANSWERED_RESIDENT)
    case = replace(case, said=case.said | reading.markers, recent=recent[-2 * SAME_WORDS :])
    case = case.marked(heard, Mark.HEARD).unmarked(Mark.ASKED_AGAIN)
    if first:
        return case.marked(heard, Mark.OPENED)
    came_through = "" if case.cannot_text == CannotText.UNDELIVERED else case.cannot_text
    return replace(case, cannot_text=came_through, said=case.said - {Said.QUIET}).unmarked(
        Mark.REVIEW_PAGED
    )


def _asks_for_nothing(case: Case, reading: Reading) -> bool:
    """First words that begin no request: STATUS and its like; thanks, an answer or a reaction to
    what has ended."""
    reply = reading.reply
    if isinstance(reply, Command):
        return reply.name in NO_REQUEST
    return bool(case.related) and (
        isinstance(reply, (Thanks, Reaction)) or (reading.answerlike and isinstance(reply, Unclear))
    )


def _answered_closed(case: Case, reading: Reading, scene: Scene) -> Step:
    words = "thanks.closed" if isinstance(reading.reply, Thanks) else "status.none"
    told = () if isinstance(reading.reply, Reaction) else (Say(words),)
    return _nothing_open(Step(case, told), scene)


def _nothing_open(step: Step, scene: Scene) -> Step:
    """No request began: the case exists so that the ledger is whole, and ends at once."""
    return Step(end(step.case, Status.CLOSED, Outcome.NO_REQUEST, scene.now), step.effects)


def _says_nothing_new(case: Case, reading: Reading) -> bool:
    """Could a machine have written it: words that answer nothing, or a danger that is known
    already?"""
    reply = reading.reply
    # a person who hurries: every question may be answered with the same number
    if reading.answerlike:
        return False
    if isinstance(reply, Danger):
        return set(_kinds(case, reply)) <= case.said
    return isinstance(reply, (Story, Unclear, Nothing, Reaction, Inquiry, Thanks, Farewell))


def _same_words(case: Case, said: str, scene: Scene) -> Step:
    """The same words for the fourth time: no answer, nobody is paged, a human sees it (rule 24). In
    danger they are kept for whoever comes, and what is owed to them is said all the same."""
    kept = _kept(case, said) if case.in_danger else case
    late = deferred_words(kept) if case.in_danger else Step(kept)
    step = recompute(said_again(late.case, frozenset({Said.SAME_WORDS}), scene), scene)
    case, effects = hand_off.revise(step.case, (*late.effects, Record("same_words"), *step.effects))
    return Step(case, gated(case, effects)[0])


def _slow_in_danger(case: Case, heard: datetime) -> bool:
    """In danger the same words so slowly are no machine's: they are answered, each time in other
    words."""
    before = [datetime.fromisoformat(at) for at, _ in case.recent[:-1]]
    return case.in_danger and (not before or heard - before[-1] >= BY_HAND)


def _only_ok(case: Case, closing: tuple[Effect, ...], scene: Scene) -> Step:
    """Contact taken back after violence: "OK." and not one word more (rule 10)."""
    step = recompute(case, scene)
    ok = (*closing, *(effect for effect in step.effects if not isinstance(effect, (Say, Ask))))
    case, effects = hand_off.revise(step.case, ok)
    return Step(case, gated(case, effects)[0])


def _withdrawn(case: Case, reading: Reading) -> tuple[Case, tuple[Effect, ...]]:
    """What takes contact back is believed at once, whatever else the text says (rule 10)."""
    closing = reading.closing - case.withdrawn
    # silence is stricter
    stops = isinstance(reading.reply, Command) and reading.reply.name in (*ALONE, "watched")
    if not closing or stops or isinstance(reading.reply, Answer):
        return case, ()
    case = replace(case, withdrawn=case.withdrawn | closing).marked(
        case.marks[Mark.HEARD], Mark.WITHDRAWN
    )
    words = (
        "withdrawn.short"
        if case.violent
        else "withdrawn.call"
        if closing == {"call"}
        else "withdrawn.ok"
    )
    key = "alert.no_calls" if closing == {"call"} else "alert.withdrawn"
    told = Alert(key, case.accepted_by) if case.accepted_by else None
    return case, (
        Say(words),
        Record("withdrawn", {"ways": " ".join(sorted(closing))}),
        *((told,) if told else ()),
    )


def _stands_alone(reply: Reply, step: Step, first: bool) -> bool:
    """STOP, START, HELP: answered without a question behind. A first HELP may be a plea, and so is
    a second one."""
    if not isinstance(reply, Command) or reply.name not in ALONE:
        return False
    return not (reply.name == "help" and (first or Record("pleads") in step.effects))


def _stopped_told(step: Step) -> Step:
    case, effects = hand_off.revise(step.case, step.effects)
    stopped = any(isinstance(effect, OptOut) for effect in effects)
    alert = (Alert("alert.stopped", case.in_charge),) if stopped and case.in_charge else ()
    return Step(case, (*effects, *alert))


def _greeted(step: Step, scene: Scene, first: bool) -> Step:
    """The preamble: before question 1; where danger came first, with the reply after that
    (preamble, domain rules)."""
    case, effects = step.case, step.effects
    dangerous = first and case.in_danger
    if dangerous or case.unread_language:
        return Step(case.marked(scene.now, Mark.PREAMBLE_OWED) if first else case, effects)
    if not first and Mark.PREAMBLE_OWED not in case.marks:
        return step
    preamble = greet(case, scene)
    if not first:
        preamble = preamble[:1]
    at = next(
        (place for place, effect in enumerate(effects) if isinstance(effect, Ask)), len(effects)
    )
    return Step(case.unmarked(Mark.PREAMBLE_OWED), effects[:at] + preamble + effects[at:])


# ---- a human speaks with them (rules 20 and 21) --------------------------------------------------


def _while_held(case: Case, reading: Reading, said: str, scene: Scene, heard: datetime) -> Step:
    """One voice at a time: software obeys, gives the words it is asked for and those for a new kind
    of danger, and tells the holder. It asks nothing and reads nothing as an answer."""
    if isinstance(reading.reply, Reaction):
        return Step(case)
    obeyed = _obeyed(case, reading, scene)
    step, alert = _beside_a_human(obeyed, reading, scene, heard)
    case, closing = _withdrawn(step.case, reading)
    case = _kept(case, said)
    if not isinstance(reading.reply, Thanks) or Mark.HUMAN_ASKED in case.marks:
        case = case.marked(case.marks.get(Mark.AWAITS_HUMAN, heard), Mark.AWAITS_HUMAN)
    case, pages = _risen_while_held(case, scene)
    told = (*closing, *step.effects, *pages, Alert(alert, case.holder, said.strip()))
    case, told = hand_off.revise(case, told)
    return Step(case, gated(case, told)[0])


def _beside_a_human(
    step: Step, reading: Reading, scene: Scene, heard: datetime
) -> tuple[Step, str]:
    """What software says although a human speaks with them, and as what the holder is told of the
    text."""
    case, reply = step.case, reading.reply
    goodbye = Wish.FAREWELL in reading.wishes or isinstance(reply, Farewell)
    if isinstance(reply, Danger):
        step, alert = _new_danger_while_held(case, reply, step.effects, scene, heard)
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
    case: Case, reply: Danger, effects: Effects, scene: Scene, heard: datetime
) -> tuple[Step, str]:
    """A new kind of danger has its words once, and alerts the holder."""
    kinds = _kinds(case, reply)
    known = case.dangers if case.in_danger else ()
    new = tuple(kind for kind in kinds if kind not in known)
    # a human may have lowered it: it counts anew (rule 1)
    case = said_again(case, frozenset(kinds), scene)
    if not new:
        return Step(case, effects), "alert.words"
    if Mark.PAUSED in case.marks:  # a pause was announced for what was known then
        case = case.unmarked(Mark.PAUSED).marked(heard, Mark.AWAITS_HUMAN)
    return Step(case, danger_words(case, new, scene.program.protocol)[:1]), "alert.danger"


def _asks_who_wrote(reading: Reading) -> bool:
    """An officer, or somebody who asks after another: perhaps the phone is in their hands (rule
    25)."""
    about = reading.reply.about if isinstance(reading.reply, Inquiry) else ""
    return about in (Wish.OFFICER, Wish.ABOUT_OTHERS, Wish.LEGAL)


def _obeyed(case: Case, reading: Reading, scene: Scene) -> Step:
    """What software still obeys, and says when asked, where a human speaks with them or has spoken
    (rule 20)."""
    reply = reading.reply
    if not isinstance(reply, Command):
        return Step(case, (Say("say.call_988"),) if Wish.CALL_988 in reading.wishes else ())
    if reply.name in OBEYED_WHEN_HELD:
        return COMMANDS[reply.name](case, reply, reading, scene)
    if reply.name == "cancel":
        return Step(replace(case, said=case.said | {Said.ASKED_TO_CANCEL}))
    asks = frozenset({reply.name}) & {Said.PERSON, Said.WORSE}
    # lowered before: "0" is answered
    answered = (Say("again.here"),) if asks and case.held and not case.in_danger else ()
    return Step(said_again(case, asks, scene), answered)


def _risen_while_held(case: Case, scene: Scene) -> tuple[Case, Effects]:
    """It may rise; the holder is told, and nobody is paged anew. A danger that was lowered before
    has its clocks again.

    The first danger of a case whose holder has not written yet, or has no phone to be told on, is
    nobody's until then: the next person is asked at once (rule 3).
    """
    case, _ = reconsider(scene.program.protocol, case)
    if not case.in_danger or Mark.FIRST_PAGED in case.marks:
        return case, ()
    case = case.marked(scene.now, Mark.FIRST_PAGED, Mark.ACKNOWLEDGED)
    case = case.marked(scene.now, Mark.JOINED) if Mark.JOINED in case.marks else case
    rung = scene.program.rung_of(case.holder)
    if Mark.JOINED in case.marks and rung is not None and rung.number:
        return case, ()
    case = replace(case, round=case.round + 1, rung=-1)
    return asked_instead(case.marked(scene.now, Mark.PAGED, Mark.LAPSED), case.holder, scene)


def _while_left(case: Case, reading: Reading, said: str, scene: Scene) -> Step:
    """A human spoke with them and gave it back, or is gone: people are being asked again. Software
    acknowledges, obeys and gives the words for 911 and 988; it asks nothing and reads no answers
    until a human has lowered the danger (rule 20)."""
    reply = reading.reply
    if isinstance(reply, Reaction):
        return Step(case)
    obeyed = _obeyed(case, reading, scene)
    case, effects = obeyed.case, obeyed.effects
    if isinstance(reply, Danger):
        kinds = _kinds(case, reply)
        new = tuple(kind for kind in kinds if kind not in case.dangers)
        case = said_again(case, frozenset(kinds), scene)
        effects = danger_words(case, new, scene.program.protocol)[:1]
    case, closing = _withdrawn(case, reading)
    step = recompute(_kept(case, said), scene)
    late = deferred_words(step.case)
    case, effects = late.case, (*closing, *effects, *late.effects, *step.effects)
    if not any(isinstance(effect, Say) for effect in effects):
        case, words = _line(case, LINES)
        effects = (words, *effects)
    case, effects = hand_off.revise(case, (*effects, *_forwarded(case)))
    return Step(case, gated(case, effects)[0])


# ---- after anything changed ----------------------------------------------------------------------


def conclude(case: Case, effects: tuple[Effect, ...], scene: Scene) -> Step:
    """After anything changed: recompute the level, page what is newly dangerous, and ask on or
    route."""
    before = case.level
    step = recompute(case, scene)
    case, effects = step.case, effects + step.effects
    if not case.ended and not case.held and not case.left:
        step = _ask_on(case, scene, quiet=_asked_enough(effects, before, case))
        case, effects = step.case, effects + step.effects
    return Step(*hand_off.revise(case, effects))


def _asked_enough(effects: tuple[Effect, ...], before: Level | None, case: Case) -> bool:
    """Thanks, a reaction or words in a language we cannot read: no question is put behind them."""
    last = {effect.key for effect in effects if isinstance(effect, Say)}
    return "interpreter.line" in last or ("thanks.open" in last and before == case.level)


def recompute(case: Case, scene: Scene) -> Step:
    """The level on today's truth; a danger that is new pages a human at once, a review that cannot
    wait begins."""
    before = case.level
    case, new = reconsider(scene.program.protocol, case)
    danger = tuple(rule for rule in new if rule.level is not None)
    if case.ended:
        return Step(case)
    if danger:
        return page(case, danger, before, scene)
    words = tuple(Say(key) for rule in new if rule.say for key in (_rule_words(rule, case),))[:1]
    if any(rule.at_once or rule.say for rule in new):  # from now on the review clock holds us to it
        return Step(case.marked(scene.now, Mark.REVIEW), (*words, HandOff("review")))
    return Step(case, words)


def _rule_words(rule: Rule, case: Case) -> str:
    if rule.in_violence and case.violent:
        return rule.in_violence
    return Words(rule.say or "", rule.by_who).of(asker(case))


def page(case: Case, danger: tuple[Rule, ...], before: Level | None, scene: Scene) -> Step:
    """A human is needed now: said to the resident, handed off, and people paged at once: two of
    them at R1 (rule 4).

    While people are already being paged, a further reason joins the same queue and clocks; a danger
    that has become an emergency asks the next person at once. Who has it already is alerted, and
    nobody is paged anew.
    """
    words = tuple(Say(_rule_words(rule, case)) for rule in danger[:1] if rule.say)
    waiting, has_it = (
        case.page_waits,
        case.holder or (case.accepted_by if case.human_has_it else ""),
    )
    first = Mark.FIRST_PAGED not in case.marks
    case = replace(case, response=case.response or "human")  # a team that was chosen stays chosen
    if case.status == Status.SCREENING:
        case = move(move(case, Status.OPEN, scene.now), Status.HANDED_OFF, scene.now)
    told = HandOff("danger")
    if case.held:
        return Step(case, (*words, told, Alert("alert.danger", case.holder)))
    if waiting and not (case.level == Level.R1 and before != Level.R1):
        return Step(case, (*words, told))
    if waiting:
        case = replace(case, rung=case.rung + 1).marked(scene.now, Mark.PAGED)
        return Step(case, (*words, *page_rung(case, "danger", case.rung, scene), told))
    if not first and has_it and before is not None and before >= HUMAN_NOW:
        return Step(case, (*words, told, Alert("alert.danger", has_it)))
    two = case.level == Level.R1
    case = replace(case, round=case.round + 1, rung=int(two)).marked(
        scene.now, Mark.PAGED, Mark.FIRST_PAGED
    )
    case = case.unmarked(Mark.TRUTH, Mark.TRUTH_OWED, Mark.BACKSTOP_RUNG, Mark.LAPSED, Mark.JOINED)
    return Step(case, (*words, *page_rung(case, "danger", case.rung, scene, two), told))


def _ask_on(case: Case, scene: Scene, quiet: bool = False) -> Step:
    """The next question, the same one again, or the end of the row."""
    protocol = scene.program.protocol
    if case.asked and protocol.question(case.asked).follow_up:
        if not case.in_danger:
            return Step(case) if quiet else _put(case, protocol.question(case.asked), scene)
        case = replace(case, asked="", unreadable=0, offered=())  # danger goes first
    over = (
        not case.asked
        and not case.in_danger
        and case.status != Status.SCREENING
        and Mark.ASKED in case.marks
    )
    question = None if over else next_question(protocol, case)
    if question is not None:
        return (
            Step(case)
            if quiet and case.asked
            else _put(case, question, scene)
            if not quiet
            else Step(case)
        )
    if not case.asked and (
        case.in_danger or case.status != Status.SCREENING or Mark.ASKED not in case.marks
    ):
        return Step(case)
    case = replace(case, asked="", unreadable=0, offered=())
    if not case.in_danger:
        return _settled(case, scene)
    # nothing is left to ask: they hear that it came, and who to call meanwhile
    case, words = _line(case, LINES)
    return Step(case, (words,))


def _settled(case: Case, scene: Scene) -> Step:
    """The hand-off leaves, or the honest end is said; then what is only needed later is asked (rule
    "short is a promise")."""
    step = settle(case, scene)
    name = after_hand_off(scene.program.protocol, step.case)
    if not name or (
        not step.case.revision and not any(isinstance(effect, HandOff) for effect in step.effects)
    ):
        return step
    asked = _put(step.case, scene.program.protocol.question(name), scene)
    return Step(asked.case, step.effects + asked.effects)


def _put(case: Case, question: Question, scene: Scene) -> Step:
    """Ask a question, new or once more. The same question keeps its count of unreadable replies."""
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
    heard: datetime,
    delivered: datetime | None,
) -> Step:
    protocol, reply = scene.program.protocol, reading.reply
    if isinstance(reply, Command) and reply.name in COMMANDS:
        kept = case if reply.alone else _kept(case, said)
        return _command(kept, reply, reading, scene)
    question = seen_question(protocol, case, heard)
    if isinstance(reply, Danger):
        step = _danger(_kept(case, said), reply, scene)
        asked = (
            (Say("say.call_911"),)
            if reading.wishes & {Wish.EMERGENCY, Wish.EMERGENCY_FOR_ME}
            else ()
        )
        if Wish.EMERGENCY_FOR_ME in reading.wishes:
            step = Step(
                said_again(step.case, frozenset({Said.EMERGENCY_FOR_ME}), scene).marked(
                    scene.now, Mark.TOLD_911
                ),
                step.effects,
            )
        return Step(
            step.case,
            step.effects if any(isinstance(each, Say) for each in step.effects) else asked,
        )
    if isinstance(reply, Answer) and question is not None:
        return _answer(
            _kept(case, said) if reading.worded else case, question, reply, scene, heard, delivered
        )
    if isinstance(reply, PlaceGiven) and question is not None:
        return _place(case, question, reply.text, scene)
    if isinstance(reply, Withdrawal):
        return Step(_kept(case, said))
    if isinstance(reply, Inquiry):
        return _inquiry(_kept(case, said), reply, reading, scene)
    if isinstance(reply, OtherLanguage):
        return _unread_language(_kept(case, said), reply, scene)
    if _better_place(case, reply, said, scene):
        return _place(case, protocol.question("where"), said.strip(), scene)
    return _unread(case, reading, said, question, scene, heard, delivered)


def _better_place(case: Case, reply: Reply, said: str, scene: Scene) -> bool:
    """In danger a place told before it was asked for, or after words that named none, is kept."""
    return (
        case.in_danger
        and isinstance(reply, (Story, Unclear))
        and ("where" not in case.answers or case.located in ("", "skipped", "unknown"))
        and looks_like_place(said, scene)
    )


def _kept(case: Case, said: str) -> Case:
    """Their words, for whoever comes: the first ones and the latest."""
    if not said.strip():
        return case
    told = (*case.narrative, said.strip())
    if len(told) > LONGEST_NARRATIVE:
        told = (*told[:FIRST_WORDS], *told[FIRST_WORDS + 1 :])
    return replace(case, narrative=told)


def _command(case: Case, reply: Command, reading: Reading, scene: Scene) -> Step:
    """A command; asked again in danger, whoever has it hears so and the resident is not told the
    same twice."""
    known = (
        reply.name in case.said
        and case.in_danger
        and reply.name in (Said.PERSON, Said.WORSE, Said.EMERGENCY_FOR_ME)
    )
    step = COMMANDS[reply.name](case, reply, reading, scene)
    if not known:
        return step
    case, words = _line(step.case, LINES)
    return Step(case, (*step.effects, words, *_whoever_accepted(case, "alert.again")))


def _whoever_accepted(case: Case, key: str, words: str = "") -> tuple[Effect, ...]:
    """Tell them, if a human has the case."""
    return (Alert(key, case.accepted_by, words),) if case.human_has_it and case.accepted_by else ()


def _line(case: Case, lines: tuple[str, ...]) -> tuple[Case, Say]:
    """The next of these lines: nobody hears the same twice in a row."""
    following = lines[(lines.index(case.line) + 1) % len(lines)] if case.line in lines else lines[0]
    return replace(case, line=following), Say(following)


def danger_words(case: Case, kinds: tuple[str, ...], protocol: Protocol) -> tuple[Say, ...]:
    """What to do at once, for each kind in the protocol's order, each sentence once."""
    keys = [words.of(asker(case)) for kind, words in protocol.dangers.items() if kind in kinds]
    # no "get to a safe place" to who threatens those who come
    if {Said.THREAT_STAFF} & (set(kinds) | case.said):
        keys = [key for key in keys if key != "danger.violence"]
    return tuple(Say(key) for key in dict.fromkeys(keys))


def _kinds(case: Case, reply: Danger) -> tuple[str, ...]:
    """The kinds of danger, in this case. A weapon in the hand of who may kill themselves is no
    violence towards others."""
    kinds = set(reply.kinds)
    own = (
        Said.OWN_WEAPON in kinds
        and bool({Said.SUICIDE, Said.ATTEMPT} & (kinds | set(case.dangers)))
        and not {Said.VIOLENCE, Said.ABUSE} & kinds
    )
    return tuple(kind for kind in reply.kinds if kind != Said.WEAPON) if own else reply.kinds


def _danger(case: Case, reply: Danger, scene: Scene) -> Step:
    """Danger in free text: what to do, at once; a human; and `health` asked again (rule 7). A kind
    that is known already gets its words once; whoever has the case hears that it was said again."""
    protocol = scene.program.protocol
    kinds = _kinds(case, reply)
    new = tuple(kind for kind in kinds if kind not in case.said)
    case = said_again(case, frozenset(kinds), scene)
    if not new and case.in_danger:
        case, words = _line(case, LINES)
        return Step(case, (words, *_whoever_accepted(case, "alert.again")))
    answers = {name: answer for name, answer in case.answers.items() if name != "health"}
    again = ("health", *(name for name in case.again if name != "health"))
    case = replace(case, answers=answers, again=again, asked=case.asked or "health")
    if case.asked != "health" and protocol.question(case.asked).follow_up:
        case = replace(case, asked="health", unreadable=0)
    return Step(case, danger_words(case, new or kinds, protocol)[:2])


def _answer(
    case: Case,
    question: Question,
    reply: Answer,
    scene: Scene,
    heard: datetime,
    delivered: datetime | None,
) -> Step:
    """An answer counts for the question it was sent for (rule 8): a safety "no", and what opens
    contact, only if the question can have been read; a bare number only by the choices that were
    sent with it."""
    choice = reply.choice
    if (reply.by_place or question.opens(choice)) and not readable_offer(
        scene.program.protocol, case
    ):
        # put again, with today's choices
        return Step(case, (Record("offer_differs", {"question": question.id}),))
    guarded = (question.safety and choice == "no") or question.opens(choice)
    if guarded and not _readable(case, scene, heard, delivered):
        if not case.too_fast:
            return Step(
                replace(case, too_fast=1),
                (Say("too_fast"), Record("too_fast", {"question": question.id})),
            )
        choice = UNSURE if question.safety else SKIPPED
    return _answered(case, question, choice, scene)


def _answered(case: Case, question: Question, choice: str, scene: Scene) -> Step:
    """Keep an answer. An answer once given to a safety question is not lowered by a later one: its
    reasons stay."""
    again = tuple(name for name in case.again if name != question.id)
    case = replace(
        case, answers={**case.answers, question.id: choice}, again=again, unreadable=0, too_fast=0
    )
    case = _counts_anew(case, question, scene)
    if question.follow_up:
        step = FOLLOW_UPS[question.id](replace(case, asked="", offered=()), choice, scene)
        return _asked_later(step, scene)
    if question.kind == "place":
        case = replace(case, located="skipped")
    return Step(case, (Record("answered", {"question": question.id, "choice": choice}),))


def _asked_later(step: Step, scene: Scene) -> Step:
    """Behind a follow-up comes the next that is still open: only one numbered question is open at a
    time."""
    if step.case.asked or step.case.ended or step.case.in_danger:
        return step
    name = after_hand_off(scene.program.protocol, step.case)
    return (
        Step(stands_at(scene.program.protocol, step.case, name, scene.now), step.effects)
        if name
        else step
    )


def _counts_anew(case: Case, question: Question, scene: Scene) -> Case:
    """A reason that a human had set aside and that this very answer gives again, counts again (rule
    1)."""
    facts = case.facts()
    anew = {
        rule.because
        for rule in scene.program.protocol.rules
        if rule.because in case.set_aside
        and question.id in rule.when.names()
        and rule.when.holds(facts)
    }
    if not anew or case.answers[question.id] == "no":
        return case
    because = tuple(reason for reason in case.because if reason not in anew)
    return replace(case, set_aside=case.set_aside - anew, because=because)


def _place(case: Case, question: Question, text: str, scene: Scene) -> Step:
    there = locate(text, scene.program, scene.local)
    again = tuple(name for name in case.again if name != question.id)
    case = replace(
        case,
        place=text,
        located=there.kind,
        area=there.area,
        point=there.point,
        again=again,
        unreadable=0,
    )
    return Step(
        replace(case, answers={**case.answers, question.id: "given"}),
        (Record("placed", {"located": there.kind, "area": there.area}),),
    )


def _inquiry(case: Case, reply: Inquiry, reading: Reading, scene: Scene) -> Step:
    """An ordinary question gets a short true answer; whoever asks about somebody else hears nothing
    of them (rule 25)."""
    if reply.about == Wish.ABOUT_OTHERS or Wish.ABOUT_OTHERS in reading.wishes:
        return Step(case, (Say("others.cannot_say"), Record("asked_about_others")))
    if reply.about == Wish.LEGAL:
        case = said_again(case, frozenset({Said.LEGAL}), scene)
        return Step(case, (Say("others.legal"), Record("legal_demand")))
    if reply.about == Wish.OFFICER and sensitive(case):  # nobody knows who holds the phone
        return Step(
            said_again(case, frozenset({Said.OFFICER}), scene),
            (Say("others.cannot_say"), Record("officer")),
        )
    if reply.about == Wish.OFFICER:
        return Step(
            said_again(case, frozenset({Said.OFFICER, Said.PERSON}), scene), (Record("officer"),)
        )
    if reply.about == Wish.LANGUAGE:
        case = replace(said_again(case, frozenset({Said.UNREAD_LANGUAGE}), scene), interpreter=True)
        return Step(case, (Say("language.which"), Record("language_asked")))
    if reply.about in (Wish.SOMEONE_ELSE, Wish.OTHER_HANDS):
        return Step(case)
    # "we are not police" would not be true (rule 22)
    police = reply.about == Wish.FAQ_POLICE and scene.program.law_enforcement
    words = "faq.police.law_enforcement" if police else f"faq.{reply.about.removeprefix('faq_')}"
    return Step(case, (Say(words), Record("asked", {"about": reply.about})))


def _unread_language(case: Case, reply: OtherLanguage, scene: Scene) -> Step:
    """One line in their script, and a human with an interpreter reads it; at the second text a
    human comes now (rule 26)."""
    again = bool(case.unread_language)
    case = replace(case, unread_language=reply.tag, interpreter=True)
    case = said_again(
        case, frozenset({Said.UNREAD_TWICE if again else Said.UNREAD_LANGUAGE}), scene
    )
    return Step(
        case,
        (
            Say("interpreter.line", {"line": reply.line}),
            Record("unread_language", {"language": reply.tag}),
        ),
    )


def _unread(
    case: Case,
    reading: Reading,
    said: str,
    question: Question | None,
    scene: Scene,
    heard: datetime,
    delivered: datetime | None,
) -> Step:
    """Words that answer nothing. They are kept; the third in a row on one question is itself an
    answer: doubt.

    Of the first words of all, a single one ("hi") is no request yet, and is not kept with the case
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
        case = _kept(case, said)
    telling = first or len(case.narrative) > 1 or Mark.TOLD_911 in case.marks
    if case.status == Status.SCREENING and isinstance(reply, Story) and telling:
        # a human reads it, quietly (rule 7)
        case = said_again(case, frozenset({Said.STORY}), scene)
    if first:
        return Step(case)  # the preamble and question 1 answer it
    # a number that is none of its choices
    numbered = question is not None and reading.answerlike and isinstance(reply, Unclear)
    later = question is not None and question.follow_up and not numbered
    if (
        not case.asked
        or later
        or (not numbered and case.status != Status.SCREENING and not case.in_danger)
    ):
        return _after_hand_off(case, reply, said, question, scene)
    if question is None:
        return Step(case)  # written before the question was seen: keep it, put the question
    if isinstance(reply, Story) and not _readable(case, scene, heard, delivered):
        return Step(case, (Say("thanks_story"),))
    # for whoever comes
    case = _kept(case, said) if case.in_danger and isinstance(reply, Unclear) else case
    case = replace(case, unreadable=case.unreadable + 1)
    if case.unreadable >= scene.program.protocol.unreadable_limit:
        return _answered(case, question, UNREADABLE, scene)
    return _put_again(case, reply, said, scene)


def _put_again(case: Case, reply: Reply, said: str, scene: Scene) -> Step:
    """Words that do not answer the open question. In danger they are told to whoever has it."""
    told = _whoever_accepted(case, "alert.words", said.strip()) if case.in_danger else ()
    if isinstance(reply, (Nothing, Story, Farewell)):
        return Step(
            case, (Say("unclear.media" if isinstance(reply, Nothing) else "thanks_story"), *told)
        )
    if scene.program.protocol.question(case.asked).kind == "place":
        return Step(case, (Say("unclear.place"), *told))
    return Step(case, (Say("unclear.again" if case.unreadable > 1 else "unclear"), *told))


def looks_like_place(said: str, scene: Scene) -> bool:
    """A house number and a street, or a place of the program's own table."""
    words = normal(said)
    numbered = (
        len(words) >= 2
        and words[0].isdecimal()
        and len(words[0]) >= 2
        and any(word.isalpha() for word in words)
    )
    return len(words) <= LONGEST_PLACE and (
        numbered or locate(said, scene.program, scene.local).kind != "unknown"
    )


# ---- after the hand-off: behind the words stands a question (rule 7) -----------------------------


def _after_hand_off(
    case: Case, reply: Reply, said: str, question: Question | None, scene: Scene
) -> Step:
    """Words that are no command and no answer: somebody is told, always; and where software may, it
    asks."""
    if isinstance(reply, Thanks) and not case.in_danger:
        return Step(case, (Say("thanks.open"),))
    if case.in_danger:
        case, words = _line(case, LINES)
        return Step(
            case, (words, *_whoever_accepted(case, "alert.words", said.strip()), *_forwarded(case))
        )
    if question is not None and question.id == "check":
        case = replace(case, unreadable=case.unreadable + 1)
        if case.unreadable >= scene.program.protocol.unreadable_limit:
            return _answered(case, question, UNREADABLE, scene)
    case, told = _somebody_told(case, said, scene)
    case, words = _line(case, READ_LINES)
    spoken = Say("unclear.media") if isinstance(reply, Nothing) else words
    asks = _behind(case, scene)
    if asks and case.asked != asks:
        case = replace(
            case, answers={name: choice for name, choice in case.answers.items() if name != asks}
        )
        case = stands_at(scene.program.protocol, case, asks, scene.now).marked(
            scene.now, Mark.CHECKED, Mark(f"{asks}_asked")
        )
        return Step(case, (spoken, *told))
    if question is not None and not asks and question.id != "check":
        case = replace(case, unreadable=case.unreadable + 1)
        if case.unreadable >= scene.program.protocol.unreadable_limit:
            step = _answered(case, question, UNREADABLE, scene)
            return Step(step.case, (spoken, *told, *step.effects))
    return Step(case, (spoken, *told))


def _somebody_told(case: Case, said: str, scene: Scene) -> tuple[Case, tuple[Effect, ...]]:
    """Whoever has the case, at once; else a human reads it as a review."""
    name = case.holder or (case.accepted_by if case.human_has_it else "")
    if name:
        return case, (Alert("alert.words", name, said.strip()), *_forwarded(case))
    if _human_near(case, scene):  # dispatch asked them something: the answer is in the revision
        return case, _forwarded(case)
    return said_again(case, frozenset({Said.WROTE_AGAIN}), scene), _forwarded(case)


def _forwarded(case: Case) -> tuple[Effect, ...]:
    """A revision to every destination: their words are in it."""
    return (HandOff("wrote_again"),) if case.revision else ()


def _human_near(case: Case, scene: Scene) -> bool:
    """Did a human write to them a short time ago?"""
    wrote = [case.marks[mark] for mark in (Mark.NOTED, Mark.ASKED_RESIDENT) if mark in case.marks]
    return bool(wrote) and scene.now - max(wrote) < HUMAN_NEAR


def _behind(case: Case, scene: Scene) -> str:
    """The question to put behind the words, "" for none: whether they got through to 911, or
    whether anyone is in danger.

    Not after violence, not while a human speaks with them, and at most once in `check_again`.
    """
    if standing(case) in (Standing.VIOLENCE, Standing.WATCHED) or case.asked == "check":
        return ""
    checked = case.marks.get(Mark.CHECKED)
    if _human_near(case, scene):
        return ""
    if Mark.TOLD_911 in case.marks and Mark.REACHED_ASKED not in case.marks:
        return "reached"
    if checked is not None and scene.now - checked < timedelta(
        seconds=scene.program.clocks.check_again
    ):
        return ""
    return "check"
