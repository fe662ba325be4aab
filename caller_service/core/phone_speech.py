"""What a caller's words change, where the program has signed speech recognition: danger at any
confidence, an answer that was clear, what is asked for, and a story (docs/phone.md;
docs/safety-rules.md, rules 7, 8 and 11)."""

from __future__ import annotations

from dataclasses import replace as with_changes

from .after_hand_off import tell_somebody
from .case import Case, Step, replace
from .commands import said_again
from .inquiries import answer_inquiry
from .marks import Mark
from .phone_answer import always_key, count_choice, not_a_key
from .phone_asking import decide, go_on, part_choices, place_by_human, repeat, speak_in
from .phone_script import (
    SURE,
    WRONG_KEYS,
    At,
    Heard,
    Line,
    Position,
    Spoken,
    SpokenWords,
    Surroundings,
    spoken_lines,
    unspoken,
)
from .phone_waiting import to_human
from .protocol import SKIPPED, SOMEONE, UNSURE, Part, Question
from .reply import (
    Aloud,
    Answer,
    Command,
    CommandName,
    Danger,
    Farewell,
    Inquiry,
    OtherLanguage,
    Reading,
    Reply,
    Story,
    Unclear,
    Wish,
)
from .routing import Scene
from .said import Said
from .turn_steps import add_to_narrative, recompute, withdraw_contact


def spoken_answer(
    case: Case, position: Position, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken:
    """Words, where the program has signed speech recognition. Danger raises at any confidence;
    an answer counts only if it was clear, and never opens contact."""
    if (raised := raised_by_words(case, position, heard, scene, around)) is not None:
        return raised
    if (words := around.words) is None:
        return not_a_key(case, position, scene, around)
    part = scene.program.protocol.part(position.part)
    question = scene.program.protocol.question(part.question)
    choice = _said_choice(case, part, question, words)
    if heard.confidence < SURE:  # not clear: a yes is doubt, and nothing else counts
        doubt = question.raises(choice) and UNSURE in part_choices(case, part, question)
        choice = UNSURE if choice and doubt else ""
    opens = question.opens(choice) and choice != case.answers.get(question.id)
    if choice and not opens:
        return count_choice(case, part, question, choice, position, scene)
    step = _noted(case, words, heard.words, scene)
    if step.case.in_danger:
        return to_human(step, position, scene)
    if step.case.withdrawn != case.withdrawn:
        return repeat(step, position, scene, around, (Line("spoken.withdrawn.ok"),))
    if Wish.CALL_988 in words.reading.wishes:
        return repeat(step, position, scene, around, (Line("spoken.say.call_988"),))
    return not_heard(step, position, words, scene, around)


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


def not_heard(
    step: Step, position: Position, words: SpokenWords, scene: Scene, around: Surroundings
) -> Spoken:
    """No answer in their words: the question again. Whoever did not hear it hears it slower, and
    no word of a fault of theirs; the third time is doubt all the same."""
    if words.aloud == Aloud.AGAIN and position.wrong + 1 < WRONG_KEYS:
        position = with_changes(position, slower=True, wrong=position.wrong + 1)
        return repeat(step, position, scene, around)
    told = not_a_key(step.case, position, scene, around)
    return with_changes(told, step=Step(told.step.case, (*step.effects, *told.step.effects)))


# What is asked for in words while keys are awaited; the rest of the commands is about texts.
_ASKED_ALOUD = {
    CommandName.PERSON: CommandName.PERSON, CommandName.HELP: CommandName.PERSON,
    CommandName.PLEA: CommandName.PERSON, CommandName.CALL_ME: CommandName.PERSON,
    CommandName.WORSE: CommandName.WORSE, CommandName.WATCHED: CommandName.WATCHED,
    CommandName.EMERGENCY_FOR_ME: CommandName.EMERGENCY_FOR_ME,
}  # fmt: skip


def raised_by_words(
    case: Case, position: Position, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken | None:
    """Danger in their words, a human, 911, another language, or an ordinary question; None: nothing
    of these."""
    if not heard.words or (words := around.words) is None:
        return None
    case, reply = _means_aloud(case, words, position)
    if isinstance(reply, Danger):
        step = decide(case, reply, scene, heard.words, words.reading)
        return go_on(step, position, scene)
    if isinstance(reply, Inquiry) and position.at not in (At.NUMBER, At.PLACE):
        return _asks_back(case, reply, position, heard, words.reading, scene, around)
    if not isinstance(reply, Command):
        return None
    if reply.name == CommandName.EMERGENCY:
        return always_key(case, "9", position, scene, around)
    if reply.name == CommandName.LANGUAGE and position.at == At.ASKED:
        return _said_language(case, reply.of, position, scene, around)
    if (name := _ASKED_ALOUD.get(reply.name)) is None:
        return None
    wish = Command(name, alone=reply.alone)
    return go_on(decide(case, wish, scene, heard.words, words.reading), position, scene)


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
    return repeat(unspoken(step), position, scene, around, lines)


def _said_language(
    case: Case, language: str, position: Position, scene: Scene, around: Surroundings
) -> Spoken:
    """One that has a voice here; for another, a person."""
    if language in around.languages[1:]:
        return speak_in(case, language, position, scene, around)
    if language == case.language:
        return repeat(Step(case), position, scene, around)
    return go_on(decide(case, Command(CommandName.PERSON), scene), position, scene)


def names_no_place(
    case: Case, position: Position, scene: Scene, around: Surroundings
) -> Spoken | None:
    """Words that name no place are not read back as one: it is asked again, and of whoever does
    not know or does not say it a person asks (rule 13). None: they may name one."""
    if (words := around.words) is None:
        return None
    if words.aloud == Aloud.OVERHEARD:  # "he is here": where they are, or why they cannot say it
        step = decide(case, Command(CommandName.PERSON), scene)
        return go_on(step, position, scene, (Line("spoken.place.person"),))
    if isinstance(words.reading.reply, Answer):
        return place_by_human(case, position, scene)
    if words.aloud == Aloud.AGAIN or isinstance(words.reading.reply, Unclear):
        return not_heard(Step(case), position, words, scene, around)
    return None


def told_more(
    case: Case, position: Position, heard: Heard, scene: Scene, around: Surroundings
) -> Spoken | None:
    """Danger or a wish in their words; or a story, of which somebody is told as of a text after the
    hand-off (rule 7). None: nothing of these."""
    if (raised := raised_by_words(case, position, heard, scene, around)) is not None:
        return raised
    if around.words is None or not isinstance(around.words.reading.reply, Story):
        return None
    kept, alerts = tell_somebody(add_to_narrative(case, heard.words), heard.words, scene)
    step = unspoken(recompute(kept, scene)).then(*alerts)
    if step.case.in_danger:
        return to_human(step, position, scene)
    return repeat(step, position, scene, around, (Line("spoken.again.here"),))
