"""Decides one step of the request form: what an answer on a screen changes, and which screen is
next.

The questions are the protocol's, and what an answer changes is decided as for a text
(core/screening.py). A screen names its question, so an answer counts for that question alone. A
danger interrupts the form at once; the rest can be answered afterwards. Nothing is handed off for a
team before the person has looked the answers over and sent them; a danger is handed off at once
(docs/safety-rules.md, rules 3, 5 and 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as with_changes
from datetime import datetime, timedelta

from . import hand_off, retention
from .answers import whose_place
from .case import Case, Channel, Status, Step, replace
from .commands import said_again
from .effect import Alert, Ask, Effect, HandOff, Record, Say
from .hand_off import revised_once
from .held_conversation import while_held, while_left
from .journal_events import Event
from .marks import Mark
from .protocol import SKIPPED, Question
from .questions import next_question, stands_at
from .reach import ContactAnswer
from .reading import ENDINGS
from .reply import (
    Answer,
    Command,
    CommandName,
    Danger,
    Farewell,
    OtherLanguage,
    PlaceGiven,
    Reading,
    Reply,
    Story,
    Unclear,
    Withdrawal,
)
from .routing import Scene
from .safe_contact import gated
from .said import Said
from .screening import advance, human_since, settle_and_follow_up
from .service_area import has_coordinates, which
from .turn_steps import add_to_narrative, keep_violence, recompute
from .vocabulary import normal

# screens that are no question of the protocol
DANGER = "danger"  # what to do now, before anything else
CONTACT = "contact"  # how they may be reached, asked again
NUMBER = "number"  # which number, where they want texts or calls
SAFE = "phone_safe"  # is that phone safe?
REACHING = frozenset({CONTACT, NUMBER, SAFE})
CHECK = "check_answers"  # looked over, and sent
STATUS = "status"  # nothing is asked any more

# commands that are obeyed in somebody's own words; for the others there are buttons
OBEYED = frozenset({
    CommandName.WATCHED, CommandName.STOP, CommandName.START, CommandName.EMERGENCY,
    CommandName.EMERGENCY_FOR_ME, CommandName.PERSON, CommandName.WORSE, CommandName.CANCEL,
    CommandName.QUIET, CommandName.LANGUAGE,
})  # fmt: skip
# what whoever has the case hears of a button (catalog keys)
PRESSED: dict[str, str] = {
    CommandName.WORSE: "alert.worse", CommandName.PERSON: "alert.person",
    CommandName.CANCEL: "alert.cancel", CommandName.EMERGENCY: "alert.wants_911",
}  # fmt: skip
# what somebody's own words may say that counts in the middle of the form, too
AT_ONCE = (Danger, Command, Withdrawal, OtherLanguage)
# how they may be reached, on the web: without a number first
REACHED = ("page", "text_call", "text", "text_deaf", "call")
# the phone's own accuracy, in metres, beyond which a person has to find the place
VAGUE = 250.0


# why a phone gets no text: too many were texted for whoever shares this connection, or for this
# request
TOO_MANY, TRIED = "web.number.too_many", "web.number.tried"

# catalog keys, with what fills them
ToldWords = tuple[tuple[str, Mapping[str, str]], ...]


@dataclass(frozen=True, slots=True)
class Position:
    """Where somebody is in the form. `screens`: the questions that were put, in order; `told`:
    catalog keys, with what fills them, of what software said to the last post."""

    screens: tuple[str, ...] = ()
    told: ToldWords = field(default=(), repr=False)
    stopped: bool = False  # the words for a danger are shown, and were not gone on from
    pending: str = ""  # CONTACT, NUMBER or SAFE
    wanted: str = ""  # how they want to be reached, once their number is confirmed
    number: str = field(default="", repr=False)  # as they typed it; proves nothing
    asked_word: bool = False  # a one-time word was texted to it
    place_again: bool = False  # their place was not found, and they were asked once more
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What a post leads to: the decision, and where the person is now."""

    step: Step
    position: Position
    confirm: bool = False  # text the one-time word to `position.number`


def begin(case: Case, scene: Scene) -> Case:
    """Begin a request on the web: from the first answer on it has a private page."""
    case = replace(case, on_web=True, channel=Channel.WEB)
    return case.marked(scene.now, Mark.OPENED, Mark.HEARD, Mark.PAGE_OPEN)


def came_back(case: Case) -> Position:
    """The position of somebody who opens the page in another browser: the open question of a form
    that was not sent."""
    draft = case.status == Status.SCREENING and case.channel == Channel.WEB
    opened = (case.asked,) if draft and case.asked and case.asked not in case.answers else ()
    return Position(screens=(*case.answers, *opened), sent=not draft)


def screen_of(case: Case, position: Position) -> str:
    """The screen that is open."""
    if case.watched and not case.held:
        return STATUS  # software asks and says nothing (rule 9)
    if position.stopped and not case.held:
        return DANGER
    if case.ended or case.held or case.left:
        return STATUS
    if position.pending:
        return position.pending
    if case.asked and not _follow_up(case, position):
        return case.asked
    if case.status == Status.SCREENING:
        return CHECK
    return STATUS


def _follow_up(case: Case, position: Position) -> bool:
    """Was this question put after the form? It stands on the status page."""
    return case.asked not in position.screens


def put(case: Case, question: str, position: Position, scene: Scene) -> tuple[Case, Position]:
    """Open this question on a screen."""
    case = replace(stands_at(scene.program.protocol, case, question, scene.now), asked_aloud=True)
    screens = position.screens
    later = question in screens or scene.program.protocol.question(question).follow_up
    return case, position if later else with_changes(position, screens=(*screens, question))


def first_question(case: Case, scene: Scene) -> str:
    """The question of the first screen, which is shown before there is a case."""
    question = next_question(scene.program.protocol, case)
    return question.id if question is not None else CHECK


def answer(case: Case, position: Position, question: str, choice: str, scene: Scene) -> Shown:
    """Handle an answer on the screen of `question`, which need not be the one that was asked last:
    somebody who goes back may change an answer. What it raised once stays (rule 1)."""
    asked = scene.program.protocol.question(question)
    offered = {each.code for each in asked.choices} if case.on_web else set()
    if choice != SKIPPED and choice not in offered:
        return Shown(Step(case, (Record(Event.NO_SUCH_CHOICE),)), with_changes(position, told=()))
    if choice == ContactAnswer.TEXT_DEAF:
        case = replace(case, deaf=True)  # kept whatever becomes of the number
    if question == "contact" and choice not in (ContactAnswer.PAGE, SKIPPED):
        position = with_changes(position, wanted=choice, pending=NUMBER, told=())
        return Shown(Step(case.marked(scene.now, Mark.HEARD)), position)
    if question == "contact":  # on the web the page always reaches them
        position = with_changes(position, wanted="", number="", pending="", asked_word=False)
        return _only_page(case, position, scene)
    case, position = put(case, question, position, scene)
    shown = _go_on(case, _decide(case, Answer(choice), scene), position, scene)
    if choice == "call_911" and screen_of(shown.step.case, shown.position) == CHECK:
        return _sent_at_once(case, shown, scene)
    return shown


def _sent_at_once(before: Case, shown: Shown, scene: Scene) -> Shown:
    """Send the form at once: somebody who asks for 911 is told how to reach it, and checks no
    answers first (rule 11)."""
    sent = _send(shown.step.case, shown.position, scene)
    step = Step(sent.step.case, (*shown.step.effects, *sent.step.effects))
    return with_changes(sent, step=revised_once(before, step))


def number_given(case: Case, position: Position, number: str, scene: Scene) -> Shown:
    """Handle their number; "" means that they want only the page. Next they are asked whether that
    phone is safe."""
    if not number:
        return answer(case, with_changes(position, pending=""), "contact", SKIPPED, scene)
    position = with_changes(position, number=number, pending=SAFE, told=())
    return Shown(Step(case.marked(scene.now, Mark.HEARD)), position)


def safe_phone(
    case: Case, position: Position, choice: str, scene: Scene, untexted: str = ""
) -> Shown:
    """Handle whether the phone of that number is safe. Anything but a "yes" that can have been
    meant discards the number. After a "yes" one neutral text with a word is sent; until that word
    is typed here only the page is used, because a number alone proves nothing (rule 10).
    `untexted`: why this phone gets no text although it may (TOO_MANY or TRIED); the request goes on
    without a number."""
    meant = scene.read_at is None or scene.now >= scene.read_at
    if choice == "yes" and not meant:
        return Shown(
            Step(case.marked(scene.now, Mark.HEARD), (Record(Event.TOO_FAST, {"question": SAFE}),)),
            with_changes(position, told=(("too_fast", {}),)),
        )
    if choice == "yes" and case.code_word:  # opening contact waits for a human (rule 10)
        shown = _only_page(case, with_changes(position, pending="", number="", wanted=""), scene)
        case = said_again(shown.step.case, frozenset({Said.WROTE_AGAIN}), scene)
        step = Step(*hand_off.revise(case, (*shown.step.effects, HandOff("contact"))))
        told: ToldWords = (("web.contact.asked", {}),)
        return Shown(revised_once(case, step), with_changes(shown.position, told=told))
    texts = choice == "yes" and not untexted
    kept = with_changes(position, pending="", asked_word=texts)
    if not texts:
        kept = with_changes(kept, number="", wanted="")
    shown = _only_page(case, kept, scene)
    words = "web.number.texted" if choice == "yes" else "web.number.forgotten"
    words = untexted if choice == "yes" and untexted else words
    position = with_changes(shown.position, told=((words, {}), *shown.position.told))
    return with_changes(shown, position=position, confirm=texts)


def change_contact(case: Case, position: Position, scene: Scene) -> Shown:
    """They want to be reached in another way: the question is asked again. Withdrawing contact
    counts at once; permitting it waits for the word that is texted (rule 10)."""
    if case.held or case.left:  # a human leads: they hear of it, and nothing else is used meanwhile
        told: ToldWords = (("web.contact.asked", {}),)
        position = with_changes(position, wanted="", number="")
        shown = _only_page(case, position, scene, alert="")
        case = shown.step.case.remarked("web", "wants to be reached otherwise")
        alert = (Alert("alert.contact", case.in_charge),) if case.in_charge else ()
        step = Step(*hand_off.revise(case, (*shown.step.effects, *alert, HandOff("contact"))))
        return Shown(revised_once(case, step), with_changes(shown.position, told=told))
    if "contact" not in position.screens:
        position = with_changes(position, screens=(*position.screens, "contact"))
    # in danger nothing is sent at the end; from their page they come back to it all the same
    sent = position.sent or screen_of(case, position) == STATUS
    return Shown(Step(case), with_changes(position, pending=CONTACT, told=(), sent=sent))


def _only_page(
    case: Case, position: Position, scene: Scene, alert: str = "alert.only_page"
) -> Shown:
    """Reach them on their page alone. `alert`: for whoever has the case, if that is new to them; ""
    if they are told in another way."""
    if "contact" in case.answers or case.held or case.left:
        before = case
        case = replace(case, answers={**case.answers, "contact": ContactAnswer.PAGE})
        case = case.marked(scene.now, Mark.HEARD)
        changed = before.answers.get("contact") != ContactAnswer.PAGE
        told: tuple[Effect, ...] = (
            Record(Event.ANSWERED, {"question": "contact", "choice": ContactAnswer.PAGE}),
        )
        if changed and alert and case.in_charge:
            told = (*told, Alert(alert, case.in_charge))
        return _go_on(before, Step(*hand_off.revise(case, told)), position, scene)
    case, position = put(case, "contact", position, scene)
    return _go_on(case, _decide(case, Answer(ContactAnswer.PAGE), scene), position, scene)


def confirmed(case: Case, position: Position, scene: Scene, other: str = "") -> Shown:
    """Handle the texted word, typed here: the number is theirs, and the contact they wanted counts.
    `other`: an open request of that number; then both are linked, never merged, and a human
    decides."""
    wanted = position.wanted
    if other:
        case = replace(case, related=other).marked(scene.now, Mark.HEARD)
        case, effects = hand_off.revise(case, (Record(Event.SAME_NUMBER), HandOff("same_number")))
        position = with_changes(position, asked_word=False, told=(("web.contact.asked", {}),))
        return Shown(Step(case, effects), position)
    case = replace(
        case,
        answers={**case.answers, "contact": wanted},
        withdrawn=frozenset(),
    ).marked(scene.now, Mark.HEARD)  # in an argument a human confirms contact (rule 5)
    records = (
        Record(Event.ANSWERED, {"question": "contact", "choice": wanted}),
        Record(Event.NUMBER_CONFIRMED),
    )
    case, effects = hand_off.revise(case, records)
    position = with_changes(position, asked_word=False, told=(("web.confirm.kept", {}),))
    return Shown(Step(case, effects), position)


def place_asked(case: Case, scene: Scene) -> Case:
    """The case as the words in the place field are read: they answer `where`."""
    return put(case, "where", Position(), scene)[0]


def place_given(
    case: Case, position: Position, place: str, reading: Reading, scene: Scene,
    accuracy: float = 0.0,
) -> Shown:  # fmt: skip
    """Where the person is: in words, or coordinates from their phone with its own accuracy in
    metres. Coordinates too vague to send a team to are for a person to ask about. Words there that
    show danger, or ask for something, are heard as such (rule 7), and the place stays open."""
    if at_once(reading.reply):
        return words(case, position, place, reading, scene)
    before, link = case, not position.screens
    case, position = put(case, "where", position, scene)
    step = _decide(case, PlaceGiven(place), scene)
    if (fault := _not_found(case, position, place, step.case.located)) is not None:
        case = replace(case, place=place).marked(scene.now, Mark.HEARD)
        position = with_changes(position, place_again=True, told=((fault, {}),))
        return Shown(Step(case, (Record(Event.PLACE_AGAIN),)), position)
    if accuracy > VAGUE and step.case.located in ("inside", "not_live", "outside"):
        vague = replace(step.case, located="near_edge")
        step = Step(vague, (*step.effects, Record(Event.VAGUE_PLACE)))
    shown = _go_on(case, step, position, scene)
    if link and before.asked and shown.step.case.asked == before.asked:
        return with_changes(shown, step=Step(_as_it_was_put(before, shown), shown.step.effects))
    return shown


def _as_it_was_put(before: Case, shown: Shown) -> Case:
    """A question that was open beside a place link, on a phone or a page: it is answered there."""
    marks = dict(shown.step.case.marks)
    if Mark.ASKED in before.marks:
        marks[Mark.ASKED] = before.marks[Mark.ASKED]
    case = shown.step.case
    return replace(case, marks=marks, asked_aloud=before.asked_aloud, offered=before.offered)


def _not_found(case: Case, position: Position, place: str, kind: str) -> str | None:
    """Why the place is asked for once more, as a catalog key; None: it is taken as it is. In danger
    nobody is asked twice, and behind a place link (no screen came before) nothing is asked."""
    if position.place_again or case.in_danger or not position.screens[:-1]:
        return None
    if kind not in ("unknown", "ambiguous"):
        return None
    if kind == "unknown" and has_coordinates(place):
        return "web.place.fault.pin"
    return "web.place.fault.many" if kind == "ambiguous" else "web.place.fault.unknown"


def places_meant(case: Case, scene: Scene) -> tuple[str, ...]:
    """The places among which they can choose, if the one they gave is several."""
    return which(case.place, scene.program, scene.local, about_another=whose_place(case))


def words(case: Case, position: Position, said: str, reading: Reading, scene: Scene) -> Shown:
    """Their own words, on any screen: read for danger as a text is, kept for whoever helps, and
    never an answer."""
    reply = reading.reply
    if isinstance(reply, Command) and reply.name == CommandName.STOP and normal(said) in ENDINGS:
        reply = Command(CommandName.CANCEL)  # no carrier reads a page
    if isinstance(reply, (Answer, PlaceGiven)) or (
        isinstance(reply, Command) and reply.name not in OBEYED
    ):
        # "1" in the field for words: buttons do that here
        reply = Story() if len(said.split()) > 1 else Unclear()
    before = case
    if case.status == Status.SCREENING and not at_once(reply):
        return _kept_for_people(case, position, said, reply, reading.markers, scene)
    if (raised := _typed_answer(case, position, reading.reply, scene)) is not None:
        return raised
    # words answer no question that stands on the page: buttons do
    unseen = with_changes(scene, on_page=False)
    step = _decide(replace(case, asked_aloud=True), reply, unseen, said, reading)
    return _confirmed_again(_go_on(before, step, position, scene), reply)


def _typed_answer(case: Case, position: Position, reply: Reply, scene: Scene) -> Shown | None:
    """ "Yes" in the field below "Is anyone hurt or in danger now?": a button says it otherwise, but
    what may raise the level counts however it is said (rule 2). A "no" does not. If a human wrote
    since, it is for them (rule 20)."""
    led = case.held or case.left or case.watched or human_since(case)
    if not isinstance(reply, Answer) or not case.asked or led:
        return None
    question = scene.program.protocol.question(case.asked)
    if not question.raises(reply.choice):
        return None
    return answer(case, position, question.id, reply.choice, scene)


def _confirmed_again(shown: Shown, reply: Reply) -> Shown:
    """Who takes contact back once more hears that it is so: the page must not seem dead."""
    case = shown.step.case
    if not isinstance(reply, Withdrawal) or shown.position.told or case.held or case.watched:
        return shown
    key = "withdrawn.short" if case.violent else "withdrawn.ok"
    return with_changes(shown, position=with_changes(shown.position, told=((key, {}),)))


def _kept_for_people(
    case: Case, position: Position, said: str, reply: Reply, markers: frozenset[str], scene: Scene
) -> Shown:
    """Words in the middle of the form go with it. What they tell about the person counts for the
    level (rule 14). A story before the first question, or a second one, is put before a human to
    read (rule 7)."""
    kept = replace(add_to_narrative(case, said), said=case.said | markers)
    kept = kept.marked(scene.now, Mark.HEARD)
    position = with_changes(position, told=())
    begins = not position.screens and not kept.asked
    if isinstance(reply, (Story, Farewell)) and (begins or len(kept.narrative) > 1):
        kept = said_again(kept, frozenset({Said.STORY}), scene)
    if begins:  # the questions follow
        kept, position = put(kept, first_question(kept, scene), position, scene)
    return _counted(case, kept, position, scene, (Record(Event.WORDS),))


def _counted(
    before: Case, case: Case, position: Position, scene: Scene, effects: tuple[Effect, ...]
) -> Shown:
    """What was said is counted: the level, and whether a human is to read it."""
    step = recompute(case, scene)
    effects = gated(step.case, (*effects, *step.effects))[0]
    return _go_on(before, Step(*hand_off.revise(step.case, effects)), position, scene)


def at_once(reply: Reply) -> bool:
    """Does this count on any screen, and in any field: danger, a command, contact taken back?"""
    return isinstance(reply, AT_ONCE) and (not isinstance(reply, Command) or reply.name in OBEYED)


def asks(case: Case, position: Position, name: str, scene: Scene) -> Shown:
    """A button that means the same on every screen: a person, it is worse, cancel, 911."""
    step = _decide(case, Command(CommandName(name), alone=False), scene)
    step = Step(step.case, tuple(_named(effect, name) for effect in step.effects))
    shown = _go_on(case, step, position, scene)
    silent = case.held and not case.watched and not shown.position.told
    if silent and name == CommandName.WORSE:  # a human leads, and a button must not seem dead
        told: ToldWords = (("web.worse.live", {}),)
        return with_changes(shown, position=with_changes(shown.position, told=told))
    return shown


def _named(effect: Effect, name: str) -> Effect:
    """A button has no words, so the alert names what was pressed."""
    if isinstance(effect, Alert) and effect.key == "alert.words" and not effect.words:
        return with_changes(effect, key=PRESSED.get(name, effect.key))
    return effect


def thanked(case: Case, position: Position, _: Scene) -> Shown:
    """Thanks after the end begin no request."""
    return Shown(Step(case), with_changes(position, told=(("thanks.closed", {}),)))


def go_on(case: Case, position: Position, scene: Scene) -> Shown:
    """From the words for a danger to what is still open."""
    return Shown(Step(case), with_changes(position, stopped=False, told=()))


def pressed_wrong(case: Case, position: Position, scene: Scene) -> Shown:
    """ "I pressed the wrong answer": the last question is put again. A human hears of it, and
    nothing is lowered (rule 1)."""
    protocol = scene.program.protocol
    put_before = [
        name for name in position.screens if name in case.answers and protocol.question(name).safety
    ]
    if case.held or case.left:  # the human asks; nothing is put here
        told: ToldWords = (("web.wrong.asked", {}),)
        case = case.remarked("web", "pressed a wrong answer").marked(scene.now, Mark.HEARD)
        alert = (Alert("alert.wrong", case.in_charge),) if case.in_charge else ()
        step = Step(*hand_off.revise(case, (*alert, Record(Event.CORRECTS), HandOff("corrects"))))
        return Shown(step, with_changes(position, told=told))
    if not put_before:
        return go_on(case, position, scene)
    last = put_before[-1]
    answers = {name: given for name, given in case.answers.items() if name != last}
    again = (last, *(name for name in case.again if name != last))
    changed = replace(case, answers=answers, again=again, asked="", offered=())
    case = keep_violence(case, changed).marked(scene.now, Mark.HEARD)
    case, position = put(case, last, with_changes(position, stopped=False, told=()), scene)
    effects: tuple[Effect, ...] = (Record(Event.CORRECTS, {"question": last}),)
    if case.in_danger:
        case = case.remarked("web", f"pressed the wrong answer: {last}")
        effects = (*effects, HandOff("corrects"))
    return Shown(Step(*hand_off.revise(case, effects)), position)


def code_word(case: Case, position: Position, word: str, scene: Scene) -> Shown:
    """Agree on a word that proves later who writes. Where danger or violence is known it is too
    late: whoever holds the phone could lock them out (rule 10)."""
    if case.code_word:
        told: ToldWords = (("web.code_word.there", {}),)
        return Shown(Step(case), with_changes(position, told=told))
    reading = Reading(Command(CommandName.CODE, word), verified=True)
    return _go_on(case, _decide(case, reading.reply, scene, reading=reading), position, scene)


def language(case: Case, position: Position, tag: str, scene: Scene) -> Shown:
    """Set the language of the page and of all words from now on."""
    if tag not in scene.program.languages:
        return Shown(Step(case), position)
    case = replace(case, language=tag)
    case, effects = hand_off.revise(case, (Record(Event.LANGUAGE, {"language": tag}),))
    # what to do now stays as it was said to them: for the asker, and for what happened (rule 23)
    told = position.told if position.stopped else ()
    return Shown(Step(case, effects), with_changes(position, told=told))


def delete_words(case: Case, position: Position, scene: Scene) -> Shown:
    """Record that they want their words deleted: a human or the clock does it, unless a law
    requires them to be kept (core/retention.py). The page shows the state."""
    return Shown(retention.ask(case, scene), with_changes(position, told=()))


def send(case: Case, position: Position, said: str, reading: Reading | None, scene: Scene) -> Shown:
    """Send the checked answers, with words of their own if they like: carried out once, like the
    last text of a screening. Words that show danger are handled first."""
    if reading is not None:
        wrote = words(case, position, said, reading, scene)
        if wrote.step.case.in_danger or wrote.step.case.status != Status.SCREENING:
            return with_changes(wrote, position=with_changes(wrote.position, sent=True))
        after = _send(wrote.step.case, wrote.position, scene)
        if after.step.case.ended:  # no team or counselor gets the words: a human reads them first
            read = said_again(wrote.step.case, frozenset({Said.STORY}), scene)
            wrote = _counted(case, read, wrote.position, scene, wrote.step.effects)
            after = _send(wrote.step.case, wrote.position, scene)
        step = Step(after.step.case, (*wrote.step.effects, *after.step.effects))
        return with_changes(after, step=revised_once(case, step))
    return _send(case, position, scene)


def _send(case: Case, position: Position, scene: Scene) -> Shown:
    if case.status != Status.SCREENING or case.asked or case.ended:
        return Shown(Step(case), with_changes(position, sent=True))
    step = settle_and_follow_up(case.marked(scene.now, Mark.HEARD), scene)
    step = Step(*hand_off.revise(step.case, step.effects))
    allowed, _ = gated(step.case, step.effects)
    position = with_changes(position, sent=True, pending="", told=_told(allowed))
    return Shown(revised_once(case, Step(_aloud(step.case), allowed)), position)


def _aloud(case: Case) -> Case:
    """A question that stands on a page is answered there, by its name."""
    return replace(case, asked_aloud=True) if case.asked else case


def _decide(
    case: Case, reply: Reply, scene: Scene, said: str = "", reading: Reading | None = None
) -> Step:
    """The decision of the screening about one reply."""
    if reading is None:
        reading = Reading(reply, answerlike=not isinstance(reply, (Danger, Unclear)))
    else:
        reading = with_changes(reading, reply=reply)
    if case.held:
        case = case.marked(scene.now, Mark.HEARD)
        return while_held(case, reading, said, scene, scene.now)
    if case.left:
        case = case.marked(scene.now, Mark.HEARD)
        return while_left(case, reading, said, scene)
    return advance(case, reading, said, scene, scene.now)


def _go_on(before: Case, step: Step, position: Position, scene: Scene) -> Shown:
    """After a decision: the words it says, and the next screen. A danger that is new stops the form
    until the person goes on."""
    case = keep_violence(before, step.case)
    told = _told(step.effects)
    rises = case.in_danger and (
        not before.in_danger
        or (before.level is not None and case.level is not None and case.level > before.level)
        or bool(set(case.dangers) - set(before.dangers))
    )
    position = with_changes(position, told=told, stopped=position.stopped or rises)
    if case.asked:
        case = _aloud(case)
        question = scene.program.protocol.question(case.asked)
        if not question.follow_up and case.asked not in position.screens:
            position = with_changes(position, screens=(*position.screens, case.asked))
    return Shown(revised_once(before, Step(case, step.effects)), position)


def _told(effects: tuple[Effect, ...]) -> ToldWords:
    return tuple(
        (effect.key, dict(effect.fill))
        for effect in effects
        if isinstance(effect, Say) and not effect.unasked
    )


def unsaid(step: Step) -> Step:
    """The decision without what the page itself says."""
    return Step(
        step.case,
        tuple(each for each in step.effects if not isinstance(each, (Say, Ask)) or each.unasked),
    )


def offered(question: Question, case: Case) -> tuple[str, ...]:
    """The answers that a screen offers, in order."""
    if question.id == CONTACT:
        return REACHED
    return tuple(choice.code for choice in question.offered(case.facts()))


def given(case: Case, question: Question) -> str:
    """The answer that stands for a question; "" for none."""
    return case.answers.get(question.id, "")


def asked_ago(case: Case, now: datetime) -> timedelta | None:
    """How long ago people were asked to come; None: nobody was."""
    paged = case.marks.get(Mark.FIRST_PAGED)
    return None if paged is None or not case.in_danger else now - paged
