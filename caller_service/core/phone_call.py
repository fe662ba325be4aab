"""Decides one step of a resident's call: what a key, a silence or words mean, and what is said
next.

The questions are the protocol's, put in parts that have at most four choices (core/protocol.py,
Part); what an answer changes is decided as for a text (core/screening.py). A call holds no position
in a script: `Position` says what was said last, so that the next key can be read. From the first
danger on the caller waits for a human in the queue of their case, and the words there come from the
record (docs/safety-rules.md, rules 3, 4, 5 and 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as with_changes

from .after_hand_off import tell_somebody
from .case import Case, Status, Step, replace
from .commands import said_again
from .disposition import reconsider
from .effect import Ask, PlaceLink, Record, Ring
from .hand_off import revised_once
from .held_conversation import while_held, while_left
from .inquiries import answer_inquiry
from .journal_events import Event
from .marks import Mark
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
    read_back_lines,
    whole,
    with_number,
)
from .phone_script import (
    FIRST_SILENCE,
    LATER_SILENCE,
    MENU,
    SAME_KEY,
    SURE,
    WITH_HUMAN,
    WRONG_KEYS,
    At,
    Heard,
    Line,
    Position,
    Spoken,
    SpokenWords,
    Surroundings,
    closing,
    hang_up,
    spoken_lines,
    unspoken,
)
from .phone_waiting import (
    calls_again,
    confirmed,
    in_language,
    in_queue,
    psap_line,
    put_through,
    to_human,
    wait,
    waiting_key,
)
from .program import INTERPRETER
from .protocol import SKIPPED, SOMEONE, UNREADABLE, UNSURE, Part, Question
from .questions import next_part, stands_at, variant
from .reply import (
    Aloud,
    Answer,
    Command,
    CommandName,
    Danger,
    Farewell,
    Inquiry,
    OtherLanguage,
    PlaceGiven,
    Reading,
    Reply,
    Story,
    Unclear,
    Wish,
)
from .routing import Scene, team_working
from .safe_contact import by_phone, may_hear_status, status_key
from .said import Said
from .screening import advance, conclude
from .turn_steps import add_to_narrative, recompute, withdraw_contact

# ---- the first words -----------------------------------------------------------------------------


def begin(case: Case, scene: Scene, around: Surroundings) -> Spoken:
    """The first words of an inbound call. Whoever is in danger goes to a human; whoever has an open
    request hears so; an open question is put aloud (rule 10)."""
    told = _begin(case, scene, around)
    return with_changes(told, step=revised_once(case, told.step))


def _begin(case: Case, scene: Scene, around: Surroundings) -> Spoken:
    case = case.marked(scene.now, Mark.ON_LINE)
    case = case if Mark.OPENED in case.marks else case.marked(scene.now, Mark.OPENED, Mark.HEARD)
    started = Step(case, (Record(Event.CALL_BEGAN),))
    if around.callback_line:
        return _callback_line(started, scene)
    if around.other_tongue and not (case.in_danger or case.held or case.left):
        # no screening in a language they may not know: a person, and an interpreter (rule 26)
        case = said_again(replace(case, interpreter=True), frozenset({Said.PERSON}), scene)
        step = unspoken(conclude(case, started.effects, scene))
        rings = (Ring(INTERPRETER),) if scene.program.numbers.interpreter else ()
        keys = ("spoken.silent.three", *(("spoken.interpreter",) if rings else ()))
        asks = tuple(Line(key, language=tag) for tag in around.languages[:2] for key in keys)
        step = Step(step.case, (*step.effects, *rings))
        return to_human(step, Position(), scene, (*_brief(around), *asks))
    if case.in_danger or case.held or case.left:
        step = calls_again(case, scene)
        step = Step(step.case, (*started.effects, *step.effects))
        return to_human(step, Position(), scene, (*_brief(around), Line("spoken.known")))
    if (
        case.said & {Said.CARE_NOTE, Said.WRITES_OFTEN, Said.AFTER_DANGER}
        and case.status == Status.SCREENING
    ):
        step = conclude(case, started.effects, scene)
        if step.case.in_danger:
            return to_human(unspoken(step), Position(), scene, _brief(around))
        case, started = step.case, unspoken(step)
    if case.status != Status.SCREENING:
        return _status_menu(started, Position(), (*_brief(around), *_speech_notice(scene)))
    return _greet(started, scene, around)


def _callback_line(step: Step, scene: Scene) -> Spoken:
    """Whoever holds the phone may ring back the number that rang it: it says nothing of us."""
    lines = [Line("spoken.callback.line")]
    others = [tag for tag in scene.program.languages if tag != step.case.language]
    lines += [Line("spoken.callback.line", language=tag) for tag in others[:1]]
    return Spoken(step, Position(At.CALLBACK_LINE), tuple(lines), question=0)


def _expected(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """1: they expected a call. With a request of theirs a human is asked; without one they are
    greeted as everybody."""
    if key != "1":
        return _not_a_key(case, position, scene, around)
    around = with_changes(around, callback_line=False)
    if case.status == Status.SCREENING and not case.answers and not case.in_danger:
        return _begin(case, scene, around)
    return _go_on(_decide(case, Command(CommandName.PERSON), scene), position, scene)


def _greet(step: Step, scene: Scene, around: Surroundings) -> Spoken:
    """The greeting and the question that is open. A key for a language counts until that question
    is half spoken."""
    part = next_part(scene.program.protocol, step.case)
    if part is None:
        return _go_on(step, Position(), scene)
    case = _put(step.case, part, scene)
    lines = (
        *_brief(around), Line("spoken.greeting.danger"), Line("spoken.greeting.person"),
        *_speech_notice(scene),
    )  # fmt: skip
    asks = question_lines(case, part, scene)
    return Spoken(
        Step(case, step.effects),
        Position(At.GREETING, part.id),
        (*lines, *asks),
        question=len(lines),
    )


def _speech_notice(scene: Scene) -> tuple[Line, ...]:
    """Before words are listened for, the caller knows that they are written down."""
    return (Line("spoken.speech"),) if scene.program.phone.speech else ()


def _brief(around: Surroundings) -> tuple[Line, ...]:
    """Who we are, and how to change the language, each in its own."""
    first, *others = around.languages
    lines = [Line("spoken.greeting.program", language=first)]
    if others:
        lines.append(Line("spoken.language", {"number": "2"}, others[0]))
    if len(others) > 1:
        lines.append(Line("spoken.greeting.languages", {"number": "3"}, first))
    return tuple(lines)


def _status_menu(step: Step, position: Position, lines: tuple[Line, ...]) -> Spoken:
    """Somebody with an open request calls: a number alone proves nothing (rule 10)."""
    return Spoken(
        step,
        with_changes(position, at=At.STATUS),
        (*lines, Line("spoken.open_request"), Line("spoken.open_request.keys")),
        question=len(lines) + 1,
    )


# ---- a key, a silence, words ---------------------------------------------------------------------


def hear(
    case: Case, position: Position, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """What a key, words or a silence change, by what the caller heard last. Total: every input in
    every position has words, a person or an end."""
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
    if again:  # one press: what is open is put once more, and nothing counts
        return _repeat(Step(case), position, scene, around)
    scene = with_changes(scene, aloud=True, read_at=position.read_at or heard.at)
    if case.ended and position.at not in WITH_HUMAN:  # here, or by staff meanwhile
        return _after_the_end(case, position, key or heard.words)
    before = position
    position = with_changes(position, key=key, key_at=heard.at if key else position.key_at)
    if key or heard.words:
        case = case.marked(heard.at, Mark.HEARD)
    if position.at == At.CLOSING and not key and not heard.words:
        return hang_up(case, position)  # they were told that they may
    if (case.in_danger or case.held or case.left) and position.at not in WITH_HUMAN:
        # a text, or a human, changed the case meanwhile
        return to_human(calls_again(case, scene), position, scene)
    if before.silent == 2 and key and position.at in (At.ASKED, At.GREETING):
        # "any key" is any: also one that has a meaning elsewhere
        return _cannot_talk(case, position, scene)
    if position.at in _ALWAYS and key in ("0", "9", "*"):
        return _always(case, key, position, scene, around)
    if not key and not heard.words and position.at not in WITH_HUMAN:
        return _silence(case, position, scene, around)
    position = with_changes(position, silent=0)
    return _HEAR[position.at](case, position, key, heard, scene, around)


def _after_the_end(case: Case, position: Position, said: str) -> Spoken:
    """The request is finished. 0 is a new one (casework/resident_call.py); nothing else is."""
    if position.at not in (At.CLOSING, At.OVER):
        return closing(Step(case), position, (Line("spoken.wait.closed"),))
    return _said_again(case, position) if said else hang_up(case, position)


def _always(case: Case, key: str, position: Position, scene: Scene, around: Surroundings) -> Spoken:
    """The keys that mean the same at every moment: a person, 911, once more."""
    position = with_changes(position, silent=0, wrong=0)
    if key == "*":
        position = with_changes(position, slower=True)
        return _repeat(Step(case), position, scene, around)
    if key == "9" and Mark.TOLD_911 in case.marks:  # they heard it and are still here: a person too
        told = spoken_lines(_decide(case, Command(CommandName.EMERGENCY, alone=False), scene))
        return _go_on(
            unspoken(_decide(case, Command(CommandName.PERSON), scene)), position, scene, told
        )
    reply = (
        Command(CommandName.PERSON) if key == "0" else Command(CommandName.EMERGENCY, alone=False)
    )
    step = _decide(case, reply, scene)
    if key == "0":
        return _go_on(step, position, scene)
    # the words themselves, and the open question stays
    return _repeat(unspoken(step), position, scene, around, spoken_lines(step))


def _silence(case: Case, position: Position, scene: Scene, around: Surroundings) -> Spoken:
    """Nothing was heard: twice the question again, in other words; then a person (rule 2)."""
    silent = position.silent + 1
    position = with_changes(position, silent=silent)
    if position.at == At.CALLBACK_LINE and silent == 2:
        return hang_up(case, position)
    if silent == 1:
        lines = (Line("spoken.silent.one"),)
        return _repeat(Step(case), position, scene, around, lines, listens=LATER_SILENCE)
    if silent == 2 and position.at in (At.ASKED, At.GREETING):
        return Spoken(
            Step(case), position, (Line("spoken.silent.two"),), question=0, listens=LATER_SILENCE
        )
    step = _decide(case, Command(CommandName.PERSON), scene)
    return _go_on(step, position, scene, (Line("spoken.silent.three"),))


def _cannot_talk(case: Case, position: Position, scene: Scene) -> Spoken:
    """They were told to press any key if they cannot talk: a danger sign (rule 11)."""
    step = _decide(case, Danger((Said.HIDING,)), scene)
    return _go_on(step, with_changes(position, silent=0), scene)


def _greeted(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """The first question, or a language while it is not half spoken."""
    others = around.languages[1:]
    early = position.read_at is not None and heard.at < position.read_at
    if key == "2" and others and early:
        return _in_language(case, others[0], position, scene, around)
    if key == "3" and len(others) > 1:
        return _menu(Step(case), position, around)
    return _answered(case, with_changes(position, at=At.ASKED), key, heard, scene, around)


def _in_language(
    case: Case, language: str, position: Position, scene: Scene, around: Surroundings
) -> Spoken:
    step = in_language(case, language)
    languages = (language, *(tag for tag in around.languages if tag != language))
    around = with_changes(around, languages=languages)
    if case.status != Status.SCREENING:
        return _status_menu(step, position, (*_brief(around), *_speech_notice(scene)))
    greeted = _greet(step, scene, around)
    # they have heard who we are; only the open question and the two safety lines are said again
    lines = tuple(line for line in greeted.lines if line.key not in _ONCE)
    return with_changes(
        greeted,
        lines=lines,
        position=with_changes(greeted.position, at=At.ASKED),
        question=greeted.question - (len(greeted.lines) - len(lines)),
    )


_ONCE = frozenset({"spoken.language", "spoken.greeting.languages"})


def _menu(step: Step, position: Position, around: Surroundings, page: int = 0) -> Spoken:
    """A page of languages, each named by its own voice."""
    tags = around.languages[1:]
    shown = tags[page * MENU : (page + 1) * MENU]
    lines = [
        Line("spoken.language", {"number": str(number)}, tag) for number, tag in enumerate(shown, 1)
    ]
    if len(tags) > MENU:
        lines.append(Line("spoken.languages.more", {"number": "8"}, around.languages[0]))
    position = with_changes(position, at=At.MENU, page=page)
    return Spoken(step, position, tuple(lines), question=0)


def _chose_language(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    tags = around.languages[1:]
    pages = -(-len(tags) // MENU)
    if key == "8":
        return _menu(Step(case), position, around, (position.page + 1) % pages)
    shown = tags[position.page * MENU : (position.page + 1) * MENU]
    if key.isdecimal() and 1 <= int(key) <= len(shown):
        return _in_language(case, shown[int(key) - 1], position, scene, around)
    return _not_a_key(case, position, scene, around)


def _answered(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """A key, or words, for the question that was asked. It counts for that question, whatever was
    texted meanwhile."""
    protocol = scene.program.protocol
    part = protocol.part(position.part)
    question = protocol.question(part.question)
    case = replace(stands_at(protocol, case, question.id, scene.now), asked_aloud=True)
    if heard.words:
        return _spoken_answer(case, position, heard, scene, around)
    if key == "8" and not question.follow_up:
        return _repeat(Step(case), position, scene, around, (Line("spoken.police"),))
    if key == "#":
        return _choice(case, part, question, SKIPPED, position, scene)
    codes = part_choices(case, part, question)
    if key.isdecimal() and 1 <= int(key) <= len(codes):
        return _choice(case, part, question, codes[int(key) - 1], position, scene)
    return _not_a_key(case, position, scene, around)


def part_choices(case: Case, part: Part, question: Question) -> tuple[str, ...]:
    """The codes of a part, in the order of its keys."""
    if part.gives:
        return (*part.gives, *((part.gives[-1],) if part.unsure else ()))
    return tuple(choice.code for choice in question.offered(case.facts()))


def _choice(
    case: Case, part: Part, question: Question, choice: str, position: Position, scene: Scene
) -> Spoken:
    """Count an answer, and go on. "Not sure" about contact is not safe; a part that adds nothing
    leaves the answer as it is."""
    if choice == SKIPPED and (part.refines or part.unsure):
        choice = part.gives[-1]
    elif choice == UNREADABLE and _stays(case, part, question):
        # what an earlier part answered stays, and a human reads why
        doubted = replace(case, answers={**case.answers, question.id: UNREADABLE})
        doubted, _ = reconsider(scene.program.protocol, doubted)
        case, choice = replace(doubted, answers=case.answers), part.gives[-1]
    too_fast = case.too_fast
    if question.kind == "place" or choice != case.answers.get(question.id):
        step = _decide(case, Answer(choice), scene)
    else:
        step = conclude(
            case, (Record(Event.ANSWERED, {"question": part.id, "choice": choice}),), scene
        )
    if step.case.too_fast > too_fast:  # it is asked once more
        lines = (Line("spoken.too_fast"),)
        asked = _put(step.case, part, scene)
        return _asked(Step(asked, unspoken(step).effects), part, position, scene, lines)
    spoken = (*step.case.spoken, part.id) if part.id not in step.case.spoken else step.case.spoken
    step = Step(replace(step.case, spoken=spoken), step.effects)
    if not step.case.in_danger and step.case.status == Status.SCREENING:
        # what was answered may open another part: the order is looked up once it is counted
        again = conclude(step.case, (), scene)
        kept = tuple(each for each in step.effects if not isinstance(each, Ask))
        step = Step(again.case, (*kept, *again.effects))
    return _go_on(step, with_changes(position, wrong=0), scene)


def _stays(case: Case, part: Part, question: Question) -> bool:
    """Does a key that nobody understands leave the answer as it is, or make contact unsafe?"""
    return part.unsure or (part.refines and part.gives[-1] == case.answers.get(question.id))


def _spoken_answer(
    case: Case, position: Position, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Words, where the program has signed speech recognition. Danger raises at any confidence;
    an answer counts only if it was clear, and never opens contact."""
    if (raised := _raised(case, position, heard, scene, around)) is not None:
        return raised
    if (words := around.words) is None:
        return _not_a_key(case, position, scene, around)
    part = scene.program.protocol.part(position.part)
    question = scene.program.protocol.question(part.question)
    choice = _said_choice(case, part, question, words)
    if heard.confidence < SURE:  # not clear: a yes is doubt, and nothing else counts
        doubt = question.raises(choice) and UNSURE in part_choices(case, part, question)
        choice = UNSURE if choice and doubt else ""
    opens = question.opens(choice) and choice != case.answers.get(question.id)
    if choice and not opens:
        return _choice(case, part, question, choice, position, scene)
    step = _noted(case, words, heard.words, scene)
    if step.case.in_danger:
        return to_human(step, position, scene)
    if step.case.withdrawn != case.withdrawn:
        return _repeat(step, position, scene, around, (Line("spoken.withdrawn.ok"),))
    if Wish.CALL_988 in words.reading.wishes:
        return _repeat(step, position, scene, around, (Line("spoken.say.call_988"),))
    return _not_heard(step, position, words, scene, around)


def _not_heard(
    step: Step, position: Position, words: SpokenWords, scene: Scene, around: Surroundings
) -> Spoken:
    """No answer in their words: the question again. Whoever did not hear it hears it slower, and
    no word of a fault of theirs; the third time is doubt all the same."""
    if words.aloud == Aloud.AGAIN and position.wrong + 1 < WRONG_KEYS:
        position = with_changes(position, slower=True, wrong=position.wrong + 1)
        return _repeat(step, position, scene, around)
    told = _not_a_key(step.case, position, scene, around)
    return with_changes(told, step=Step(told.step.case, (*step.effects, *told.step.effects)))


def _said_choice(case: Case, part: Part, question: Question, words: SpokenWords) -> str:
    """Which choice of this part their words are; "": none. Yes, no and the number of a key answer
    what was asked aloud, not the long question behind it."""
    reply = words.reading.reply
    worded = reply.choice if isinstance(reply, Answer) and not reply.by_place else ""
    if not part.gives:
        return reply.choice if isinstance(reply, Answer) else ""
    if words.yes_no == "yes":
        return part.gives[0]
    if words.yes_no == "no" and len(part.gives) == 2:
        return part.gives[1]
    if words.yes_no and part.unsure:
        return part.gives[-1]
    codes = part_choices(case, part, question)
    if 1 <= words.number <= len(codes):
        return codes[words.number - 1]
    other = isinstance(reply, Command) and reply.name == CommandName.NEW
    if (other or words.aloud == Aloud.SOMEONE) and SOMEONE in part.gives:
        return SOMEONE
    if part.refines and (worded not in part.gives or worded == case.answers.get(part.question)):
        return ""  # that they said before
    return "" if worded == SKIPPED else worded


def _noted(case: Case, words: SpokenWords, said: str, scene: Scene) -> Step:
    """What words say besides: who they are, contact that they take back (rule 10), and a story: it
    is kept, and a human reads the first and whatever follows it (rule 7)."""
    reading = words.reading
    noted = replace(case, said=case.said | {Said(each) for each in reading.markers})
    if isinstance(reading.reply, (Story, Farewell)) and words.aloud != Aloud.AGAIN:
        noted = add_to_narrative(noted, said)
        if not case.answers or case.narrative or Mark.TOLD_911 in case.marks:
            noted = said_again(noted, frozenset({Said.STORY}), scene)
    noted, closing = withdraw_contact(noted, reading)
    if noted == case:
        return Step(case)
    return unspoken(recompute(noted, scene).then(*closing))


# What is asked for in words while keys are awaited; the rest of the commands is about texts.
_ASKED_ALOUD = {
    CommandName.PERSON: CommandName.PERSON, CommandName.HELP: CommandName.PERSON,
    CommandName.PLEA: CommandName.PERSON, CommandName.CALL_ME: CommandName.PERSON,
    CommandName.WORSE: CommandName.WORSE, CommandName.WATCHED: CommandName.WATCHED,
    CommandName.EMERGENCY_FOR_ME: CommandName.EMERGENCY_FOR_ME,
}  # fmt: skip


def _raised(
    case: Case, position: Position, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken | None:
    """Danger in their words, a human, 911, another language, or an ordinary question; None: nothing
    of these."""
    if not heard.words or (words := around.words) is None:
        return None
    case, reply = _means_aloud(case, words, position)
    if isinstance(reply, Danger):
        step = _decide(case, reply, scene, heard.words, words.reading)
        return _go_on(step, position, scene)
    if isinstance(reply, Inquiry) and position.at not in (At.NUMBER, At.PLACE):
        return _asks_back(case, reply, position, heard, words.reading, scene, around)
    if not isinstance(reply, Command):
        return None
    if reply.name == CommandName.EMERGENCY:
        return _always(case, "9", position, scene, around)
    if reply.name == CommandName.LANGUAGE and position.at == At.ASKED:
        return _said_language(case, reply.of, position, scene, around)
    if (name := _ASKED_ALOUD.get(reply.name)) is None:
        return None
    wish = Command(name, alone=reply.alone)
    return _go_on(_decide(case, wish, scene, heard.words, words.reading), position, scene)


def _means_aloud(case: Case, words: SpokenWords, position: Position) -> tuple[Case, Reply]:
    """What their words ask for. On the phone an operator who speaks for somebody deaf, a language
    that we do not have, and whoever asks for others by their office need a person at once (rules 25
    and 26); that somebody is there is a danger sign (rule 11). A place may have any name."""
    reply, asked = words.reading.reply, position.at not in (At.NUMBER, At.PLACE)
    case = replace(case, deaf=True) if words.aloud == Aloud.RELAY else case
    if isinstance(reply, Danger):
        return case, reply
    if asked and words.aloud == Aloud.OVERHEARD:
        return case, Danger((Said.HIDING,))
    about = reply.about if isinstance(reply, Inquiry) else ""
    other_tongue = about == Wish.LANGUAGE or isinstance(reply, OtherLanguage)
    if asked and (other_tongue or words.aloud == Aloud.INTERPRETER):
        return replace(case, interpreter=True), Command(CommandName.PERSON, alone=False)
    if words.aloud == Aloud.RELAY or about in (Wish.OFFICER, Wish.LEGAL):
        return case, Command(CommandName.PERSON, alone=False)
    return case, reply


def _asks_back(
    case: Case,
    reply: Inquiry,
    position: Position,
    heard: Heard,
    reading: Reading,
    scene: Scene,
    around: Surroundings,
) -> Spoken | None:
    """An ordinary question gets its answer, and the open one is put again (rules 22 and 25). None:
    there is nothing to say to it, such as "wrong number"."""
    step = answer_inquiry(case, reply, reading, heard.words, scene)
    if not (lines := spoken_lines(step)):
        return None
    return _repeat(unspoken(step), position, scene, around, lines)


def _said_language(
    case: Case, language: str, position: Position, scene: Scene, around: Surroundings
) -> Spoken:
    """One that has a voice here; for another, a person."""
    if language in around.languages[1:]:
        return _in_language(case, language, position, scene, around)
    if language == case.language:
        return _repeat(Step(case), position, scene, around)
    return _go_on(_decide(case, Command(CommandName.PERSON), scene), position, scene)


def _not_a_key(case: Case, position: Position, scene: Scene, around: Surroundings) -> Spoken:
    """A key that means nothing here; the third in a row is doubt (rule 2)."""
    wrong = position.wrong + 1
    position = with_changes(position, wrong=wrong)
    if wrong < WRONG_KEYS:
        again = "spoken.not_a_key.again" if position.key else "spoken.not_a_key.words"
        line = "spoken.not_a_key" if wrong == 1 else again
        return _repeat(Step(case), position, scene, around, (Line(line),))
    if position.at != At.ASKED:
        return _go_on(_decide(case, Command(CommandName.PERSON), scene), position, scene)
    part = scene.program.protocol.part(position.part)
    question = scene.program.protocol.question(part.question)
    return _choice(case, part, question, UNREADABLE, with_changes(position, wrong=0), scene)


# ---- the place -----------------------------------------------------------------------------------


def _number_keyed(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """The house number, or a command behind `*`; or the whole place in words."""
    if (raised := _raised(case, position, heard, scene, around)) is not None:
        return raised
    speech, words = scene.program.phone.speech, heard.words.strip()
    said = number_said(words)
    if speech and not said and (asked := _no_place(case, position, scene, around)) is not None:
        return asked
    if speech and words and not said:
        return read_back(case, position, whole(position, heard), scene)
    means, number = (NUMBER, said) if speech and said else keyed(heard.digits)
    case = with_number(case, number)
    if means == PERSON:
        return _place_by_human(case, position, scene)
    if means in (EMERGENCY, REPEAT):
        return _always(case, "9" if means == EMERGENCY else "*", position, scene, around)
    if means == UNREAD:
        return _not_a_key(case, position, scene, around)
    if means == NONE:
        return ask_street(case, position) if speech else _place_by_human(case, position, scene)
    position = with_changes(position, house=number)
    told = ask_street(case, position) if speech else read_back(case, position, number, scene)
    if number == "911":  # a house may have that number; a person in danger may mean the other
        told = with_changes(told, lines=(Line("spoken.say.call_911"), *told.lines))
        told = with_changes(told, question=told.question + 1)
    return told


def _place_said(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """The street or the corner, by speech: read back before it counts."""
    if (raised := _raised(case, position, heard, scene, around)) is not None:
        return raised
    if not heard.words.strip():
        if key == "#":
            return _place_by_human(case, position, scene)
        return _not_a_key(case, position, scene, around)
    if (asked := _no_place(case, position, scene, around)) is not None:
        return asked
    return read_back(case, position, whole(position, heard), scene)


def _no_place(case: Case, position: Position, scene: Scene, around: Surroundings) -> Spoken | None:
    """Words that name no place are not read back as one: it is asked again, and of whoever does
    not know or does not say it a person asks (rule 13). None: they may name one."""
    if (words := around.words) is None:
        return None
    if words.aloud == Aloud.OVERHEARD:  # "he is here": where they are, or why they cannot say it
        step = _decide(case, Command(CommandName.PERSON), scene)
        return _go_on(step, position, scene, (Line("spoken.place.person"),))
    if isinstance(words.reading.reply, Answer):
        return _place_by_human(case, position, scene)
    if words.aloud == Aloud.AGAIN or isinstance(words.reading.reply, Unclear):
        return _not_heard(Step(case), position, words, scene, around)
    return None


def _read_back(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Is that the place? "No" tries once more, then a person."""
    if key == "1" and position.place == position.house:  # the street is still to be asked for
        return _place_by_human(case, position, scene)
    if key == "1":
        from_words = replace(
            stands_at(scene.program.protocol, case, "where", scene.now), asked_aloud=True,
            house_number="", place_said="",
        )  # fmt: skip
        step = _decide(from_words, PlaceGiven(position.place), scene)
        return _go_on(step, with_changes(position, place="", house="", tries=0), scene)
    if key == "2" and position.tries < 1:
        return ask_number(case, with_changes(position, tries=position.tries + 1), scene)
    if key in ("2", "#"):
        return _place_by_human(case, position, scene)
    return _not_a_key(case, position, scene, around)


def _place_by_human(case: Case, position: Position, scene: Scene) -> Spoken:
    """Without a place that both understood, a person asks for it (rule 13)."""
    step = _decide(case, Command(CommandName.PERSON), scene)
    lines: tuple[Line, ...] = (Line("spoken.place.person"),)
    if by_phone(step.case, "place.link"):
        step = step.then(PlaceLink(), Record(Event.PLACE_LINK, {"by": "phone"}))
        lines = (*lines, Line("spoken.place.link"))
    return _go_on(step, position, scene, lines)


# ---- an open request, and the end ----------------------------------------------------------------


def _status_asked(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """1 where it stands, as far as a number alone may hear it; 2 it got worse; before that is said,
    the keys of the greeting: another language."""
    others = around.languages[1:]
    if position.read_at is not None and heard.at < position.read_at:
        if key == "2" and others:
            return _in_language(case, others[0], position, scene, around)
        if key == "3" and len(others) > 1:
            return _menu(Step(case), position, around)
    if (told := _told_more(case, position, heard, scene, around)) is not None:
        return told
    if around.words is not None and around.words.number in (1, 2):
        key = str(around.words.number)
    if key == "1":
        verified = may_hear_status(case, verified=False)
        words = Line(_heard_status(case) if verified else "spoken.status.not_by_number")
        position = with_changes(position, choice="status")  # the other key still means "worse"
        return closing(Step(case, (Record(Event.STATUS_BY_CALL),)), position, (words,))
    if key == "2":
        return _go_on(_decide(case, Command(CommandName.WORSE), scene), position, scene)
    return _not_a_key(case, position, scene, around)


def _told_more(
    case: Case, position: Position, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken | None:
    """Danger or a wish in their words; or a story, of which somebody is told as of a text after the
    hand-off (rule 7). None: nothing of these."""
    if (raised := _raised(case, position, heard, scene, around)) is not None:
        return raised
    if around.words is None or not isinstance(around.words.reading.reply, Story):
        return None
    kept, alerts = tell_somebody(add_to_narrative(case, heard.words), heard.words, scene)
    step = unspoken(recompute(kept, scene)).then(*alerts)
    if step.case.in_danger:
        return to_human(step, position, scene)
    return _repeat(step, position, scene, around, (Line("spoken.again.here"),))


def _heard_status(case: Case) -> str:
    return status_key(case).replace("status.", "update_call.", 1)


def _closed(
    case: Case, position: Position, key: str, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Whoever heard where their request stands may still say that it got worse; whoever wants 911
    may be put through where the line of their PSAP is known: two keys, like in the queue."""
    if (told := _told_more(case, position, heard, scene, around)) is not None:
        return told
    if key == "2" and position.choice == "status":
        return _go_on(_decide(case, Command(CommandName.WORSE), scene), position, scene)
    if key == "7" and _may_ask_psap(case, scene):
        position = with_changes(position, choice="psap")
        return Spoken(Step(case), position, (Line("spoken.wait.confirm_psap"),), question=0)
    sure = position.read_at is None or heard.at >= position.read_at
    if key == "1" and position.choice == "psap" and sure:
        return put_through(case, position, scene)
    kept = position.choice if position.choice == "status" else ""  # "worse" stays possible
    return _said_again(case, with_changes(position, choice=kept))


def _may_ask_psap(case: Case, scene: Scene) -> bool:
    return case.response == "call_911" and bool(psap_line(case, scene.program))


def _said_again(case: Case, position: Position) -> Spoken:
    """After the last words any other key says them again; then the call ends."""
    position = with_changes(position, wrong=position.wrong + 1)
    if position.wrong >= WRONG_KEYS:
        return hang_up(case, position)
    return closing(Step(case), position, ())


# ---- helpers of all steps ------------------------------------------------------------------------


def _decide(
    case: Case, reply: Reply, scene: Scene, said: str = "", words: Reading | None = None
) -> Step:
    """The decision of the screening about one reply; `words`: what else was said with it."""
    reading = Reading(reply, answerlike=not isinstance(reply, (Danger, Unclear)))
    if words is not None:
        reading = with_changes(reading, markers=words.markers, wishes=words.wishes)
    if case.held:
        return while_held(case, reading, said, scene, scene.now)
    if case.left:
        return while_left(case, reading, said, scene)
    case = replace(case, said=case.said - {Said.HUNG_UP})
    return advance(case, reading, said, scene, scene.now)


def _put(case: Case, part: Part, scene: Scene) -> Case:
    """The case with this part open, on the phone."""
    case = stands_at(scene.program.protocol, case, part.question, scene.now)
    return replace(case, asked_aloud=True)


def _go_on(step: Step, position: Position, scene: Scene, lines: tuple[Line, ...] = ()) -> Spoken:
    """After a decision: to a human, to the next part, to a follow-up question, or to the end."""
    lines = (*lines, *spoken_lines(step))
    step = unspoken(step)
    case = step.case
    if case.in_danger or case.held or case.left:
        return to_human(step, position, scene, lines)
    if case.ended:
        return closing(step, position, lines)
    protocol = scene.program.protocol
    if case.status == Status.SCREENING:
        part = next_part(protocol, case)
    else:
        part = protocol.part(case.asked) if case.asked else None
    if part is None and case.status == Status.SCREENING:
        settled = conclude(replace(case, asked="", offered=()), (), with_changes(scene, aloud=True))
        if settled.case.status == Status.SCREENING and not settled.case.ended:
            return _place_by_human(settled.case, position, scene)  # nothing to ask, nothing decided
        return _go_on(Step(settled.case, (*step.effects, *settled.effects)), position, scene, lines)
    if part is None:
        offer = (Line("spoken.wait.offer_psap"),) if _may_ask_psap(case, scene) else ()
        return closing(step, position, (*lines, *offer))
    if part.question == "where":
        case = replace(stands_at(protocol, case, "where", scene.now), asked_aloud=True)
        asks = ask_number(case, position, scene)
        return with_changes(
            asks,
            step=Step(asks.step.case, step.effects),
            lines=(*lines, *asks.lines),
            question=len(lines),
        )
    return _asked(Step(_put(case, part, scene), step.effects), part, position, scene, lines)


def _asked(
    step: Step, part: Part, position: Position, scene: Scene, lines: tuple[Line, ...] = ()
) -> Spoken:
    case = step.case
    if part.id == "safety" and Mark.PREAMBLE_OWED not in case.marks and "safety" not in case.spoken:
        lines = (*lines, *_rest_of_preamble(case, scene))
    if part.id == "suicide" and case.minor and Mark.MINOR_TOLD not in case.marks:
        case = case.marked(scene.now, Mark.MINOR_TOLD)
        lines = (*lines, Line("spoken.minor.report"))
    position = with_changes(position, at=At.ASKED, part=part.id, silent=0)
    asks = question_lines(case, part, scene)
    return Spoken(Step(case, step.effects), position, (*lines, *asks), question=len(lines))


def _rest_of_preamble(case: Case, scene: Scene) -> tuple[Line, ...]:
    """Before the first question that can bring police: what we ask and tell, where the list is, and
    what is true just now."""
    lines = [Line("spoken.preamble")]
    if scene.surge:
        lines.append(Line("spoken.preamble.surge"))
    if not team_working(scene):
        lines.append(Line("spoken.preamble.no_team"))
    return tuple(lines)


def question_lines(case: Case, part: Part, scene: Scene) -> tuple[Line, ...]:
    """A question and its keys, as they are spoken."""
    question = scene.program.protocol.question(part.question)
    worded = f".{variant(case)}" if question.by_who and not part.gives else ""
    asks = Line(f"spoken.ask.{part.id}{worded}", _still(case, question))
    codes = part_choices(case, part, question)
    if part.names_keys:
        return (asks,)
    if codes == ("yes", "no"):
        return (asks, Line("spoken.yes_no"))
    if question.safety or codes == ("yes", "no", "unsure"):
        return (asks, Line("spoken.yes_no_unsure"))
    return (
        asks,
        *(
            Line(f"spoken.choice.{question.id}.{code}", {"number": str(number)})
            for number, code in enumerate(codes, 1)
        ),
    )


def _still(case: Case, question: Question) -> Mapping[str, str]:
    """The choice that is named again before it is carried out (rule 12)."""
    chosen = case.answers.get("if_none", "")
    return {"choice": f"=spoken.chosen.{chosen}"} if question.id == "if_none_still" else {}


def _repeat(
    step: Step,
    position: Position,
    scene: Scene,
    around: Surroundings,
    lines: tuple[Line, ...] = (),
    listens: int = FIRST_SILENCE,
) -> Spoken:
    """What is open, once more."""
    at, case = position.at, step.case
    if at in WITH_HUMAN:
        return (
            with_changes(in_queue(case, position, lines), step=step)
            if lines
            else with_changes(wait(case, position, scene, around), step=step)
        )
    if at == At.CALLBACK_LINE:
        shown = _callback_line(step, scene)
    elif at == At.MENU:
        shown = _menu(step, position, around, position.page)
    elif at == At.STATUS:
        shown = _status_menu(step, position, ())
    elif at == At.NUMBER:
        shown = with_changes(ask_number(case, position, scene), step=step)
    elif at == At.PLACE:
        shown = with_changes(ask_street(case, position), step=step)
    elif at == At.READ_BACK:
        shown = Spoken(step, position, read_back_lines(position), question=1)
    elif at in (At.CLOSING, At.OVER):
        shown = closing(step, position, ())
    else:
        part = scene.program.protocol.part(position.part)
        case = _put(case, part, scene)
        asks = question_lines(case, part, scene)
        shown = Spoken(Step(case, step.effects), position, asks, question=0)
    kept = with_changes(
        shown.position, silent=position.silent, wrong=position.wrong, tries=position.tries
    )
    return with_changes(
        shown,
        position=kept,
        lines=(*lines, *shown.lines),
        question=shown.question + len(lines) if shown.question >= 0 else -1,
        listens=max(listens, shown.listens),
    )


# where a number is keyed these keys are its digits (core/phone_place.py)
_ALWAYS = frozenset(At) - WITH_HUMAN - {At.OVER, At.NUMBER}
_HEAR = {
    At.GREETING: _greeted, At.CALLBACK_LINE: _expected, At.MENU: _chose_language,
    At.ASKED: _answered, At.NUMBER: _number_keyed, At.PLACE: _place_said,
    At.READ_BACK: _read_back, At.STATUS: _status_asked,
    At.WAITING: waiting_key, At.CONFIRM: confirmed, At.CALLED: waiting_key,
    At.LEAVING: waiting_key, At.MEETING: waiting_key, At.CLOSING: _closed, At.OVER: _closed,
}  # fmt: skip
